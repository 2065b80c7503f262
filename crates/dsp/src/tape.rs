//! The last samples of legs: what thousands of them said at one time lies side by side.
//!
//! In every tick a chunk of each leg is written, and read again when the leg is sent what the others said. If each leg had all of its samples in
//! a row, each chunk would lie in another page of memory, and to reach it would take longer than to go through it. So it is the chunks of one
//! tick that lie in a row, and a tick walks through as much memory as it needs.
//!
//! Data path: a leg's decoded samples → [`TapeMut`], in [`crate::keyfilter::TapeFilter::room`] → [`Tape`], which lends them as long as they are
//! kept.
//! Time: [`Tapes::advance`] once a tick, for all legs.
//! Words: a *tape* is the last 100 ms of one leg, a circle of *slots* of 20 ms. A *place* on it is counted in samples from where the first slot
//! begins.

use crate::FRAME;
use simd::LINE;
use simd::mirror::LENGTH;
use std::ops::Range;

/// Samples in a block: 2 ms.
pub(crate) const BLOCK: usize = simd::screen::BLOCK;

/// Samples in a slot: the longest of usual chunks. Chunks of 40, 80 or 160 samples fit without a remainder.
pub(crate) const SLOT: usize = FRAME;
/// Blocks in a slot.
pub(crate) const SLOT_BLOCKS: usize = SLOT / BLOCK;
/// Slots of a tape: the delay of the stream, and the present one.
const SLOTS: usize = 5;
/// Slots beside them, for what becomes of the last chunk: in the conversation, and in the stream.
pub(crate) const OUTCOMES: usize = 2;
/// Slots of a leg in all.
const ALL: usize = SLOTS + OUTCOMES;
/// Samples on a tape.
pub(crate) const KEPT: usize = SLOTS * SLOT;
/// Blocks on a tape.
pub(crate) const KEPT_BLOCKS: usize = KEPT / BLOCK;

/// The slot after one, which is also that of the longest ago.
#[inline(always)]
pub(crate) const fn next(slot: usize) -> usize {
    if slot + 1 < SLOTS { slot + 1 } else { 0 }
}

/// 20 ms of a leg; it begins where a line of the cache begins, so that vectors lie in one.
#[derive(Debug, Clone, Copy)]
#[repr(C, align(64))]
struct Slot([[i16; BLOCK]; SLOT_BLOCKS]);

impl Slot {
    const SILENCE: Slot = Slot([[0; BLOCK]; SLOT_BLOCKS]);
}

/// The tape of one leg, to be read.
#[derive(Debug, Clone, Copy)]
pub struct Tape<'a> {
    /// Those of all legs, one number after the other.
    slots: &'a [Slot],
    legs: usize,
    leg: usize,
}

impl<'a> Tape<'a> {
    #[inline(always)]
    pub(crate) fn slot(self, number: usize) -> &'a [[i16; BLOCK]; SLOT_BLOCKS] {
        &self.slots[number * self.legs + self.leg].0
    }

    /// Samples of a slot.
    #[inline(always)]
    pub(crate) fn samples(self, slot: usize, which: Range<usize>) -> &'a [i16] {
        &self.slot(slot).as_flattened()[which]
    }

    /// What has become of a chunk of so many samples.
    #[inline(always)]
    pub(crate) fn outcome(self, which: usize, count: usize) -> &'a [i16] {
        self.samples(SLOTS + which, 0..count)
    }

    /// The window that ends with this block: where it lies in two slots, a copy of it.
    #[inline(always)]
    pub(crate) fn window<'b>(self, last: usize, copy: &'b mut [i16; LENGTH]) -> &'b [i16; LENGTH]
    where
        'a: 'b,
    {
        let number = last / SLOT_BLOCKS;
        let newer = self.slot(number)[..=last % SLOT_BLOCKS].as_flattened();
        if let Some(window) = newer.last_chunk() {
            return window;
        }
        let before = self.slot(number.checked_sub(1).unwrap_or(SLOTS - 1)).as_flattened();
        let (older, rest) = copy.split_at_mut(LENGTH - newer.len());
        older.copy_from_slice(&before[before.len() - older.len()..]);
        rest.copy_from_slice(newer);
        copy
    }
}

/// The tape of one leg, to be written and read. It is lent to be used up: whoever needs it again lends it on.
#[derive(Debug)]
pub struct TapeMut<'a> {
    slots: &'a mut [Slot],
    legs: usize,
    leg: usize,
}

impl<'a> TapeMut<'a> {
    /// The same to be read.
    #[inline(always)]
    pub fn read(&self) -> Tape<'_> {
        Tape { slots: self.slots, legs: self.legs, leg: self.leg }
    }

    /// The same, lent on.
    #[inline(always)]
    pub fn lend(&mut self) -> TapeMut<'_> {
        TapeMut { slots: self.slots, legs: self.legs, leg: self.leg }
    }

    /// Samples of a slot.
    #[inline(always)]
    pub(crate) fn samples(self, slot: usize, which: Range<usize>) -> &'a mut [i16] {
        &mut self.slots[slot * self.legs + self.leg].0.as_flattened_mut()[which]
    }

    /// Room for what has become of a chunk of so many samples.
    #[inline(always)]
    pub(crate) fn outcome(self, which: usize, count: usize) -> &'a mut [i16] {
        self.samples(SLOTS + which, 0..count)
    }
}

/// A tape for one leg alone.
#[derive(Debug, Clone)]
pub(crate) struct OwnTape([Slot; ALL]);

impl OwnTape {
    pub const SILENCE: OwnTape = OwnTape([Slot::SILENCE; ALL]);

    #[inline(always)]
    pub fn read(&self) -> Tape<'_> {
        Tape { slots: &self.0, legs: 1, leg: 0 }
    }

    #[inline(always)]
    pub fn write(&mut self) -> TapeMut<'_> {
        TapeMut { slots: &mut self.0, legs: 1, leg: 0 }
    }
}

/// The tapes of many legs, all at the same place.
#[derive(Debug)]
pub struct Tapes {
    /// The first slots of all legs, then the second ones, and so on.
    slots: Vec<Slot>,
    legs: usize,
    /// Samples in a chunk.
    chunk: usize,
    /// Where the present chunk is.
    place: usize,
    /// Memory that is asked for ahead: the present chunk, the end of the one before, and all of that.
    present: Asked,
    end: Asked,
    before: Asked,
}

/// In which of all slots something is that is asked for, for the first leg, and from which sample of it on.
#[derive(Debug, Clone, Copy, Default)]
struct Asked {
    slot: usize,
    from: usize,
}

impl Tapes {
    /// Tapes of silence for so many legs and chunks of 40, 80 or 160 samples.
    #[must_use]
    pub fn new(legs: usize, chunk: usize) -> Self {
        assert!(SLOT.is_multiple_of(chunk), "chunks of {chunk} samples do not fit into 20 ms");
        let asked = Asked::default();
        let slots = vec![Slot::SILENCE; ALL * legs];
        Self { slots, legs, chunk, place: 0, present: asked, end: asked, before: asked }
    }

    /// Where the present chunk is on all tapes.
    #[must_use]
    pub fn place(&self) -> usize {
        self.place
    }

    /// Where the next one will be.
    #[must_use]
    pub fn next_place(&self) -> usize {
        (self.place + self.chunk) % KEPT
    }

    /// Goes on by a chunk.
    pub fn advance(&mut self) {
        let place = self.next_place();
        let asked = |place: usize| Asked { slot: place / SLOT * self.legs, from: place % SLOT };
        self.before = self.present;
        self.present = asked(place);
        self.end = asked((place + KEPT - LENGTH) % KEPT);
        self.place = place;
    }

    /// Nothing is left of what was on that of a leg.
    pub fn clear(&mut self, leg: usize) {
        self.slots[leg..].iter_mut().step_by(self.legs).for_each(|slot| *slot = Slot::SILENCE);
    }

    /// That of a leg, to be read.
    #[must_use]
    #[inline(always)]
    pub fn of(&self, leg: usize) -> Tape<'_> {
        Tape { slots: &self.slots, legs: self.legs, leg }
    }

    /// That of a leg, to be written.
    #[must_use]
    #[inline(always)]
    pub fn of_mut(&mut self, leg: usize) -> TapeMut<'_> {
        TapeMut { slots: &mut self.slots, legs: self.legs, leg }
    }

    /// Asks for the memory of a leg's present chunk, and for the end of the one before, which lies in the windows that the present one begins
    /// with: that is seldom looked at, but then at once. For a leg that is not at this place, or none at all, nothing is lost by it.
    #[inline(always)]
    pub fn fetch(&self, leg: usize, chunk: usize) {
        self.ask(self.present, leg, chunk);
        self.ask(self.end, leg, LENGTH);
    }

    /// Asks for the memory of the chunk before the present one, which all of them have by then.
    #[inline(always)]
    pub fn fetch_before(&self, leg: usize, chunk: usize) {
        self.ask(self.before, leg, chunk);
    }

    #[inline(always)]
    fn ask(&self, asked: Asked, leg: usize, samples: usize) {
        const IN_LINE: usize = LINE / size_of::<i16>();
        let Some(slot) = self.slots.get(asked.slot + leg) else { return };
        match samples {
            // Of a length that is known there is nothing to count.
            SLOT => simd::fetch_lines(slot, const { SLOT.div_ceil(IN_LINE) }),
            _ => {
                let first = slot.0.as_flattened().get(asked.from);
                first.into_iter().for_each(|first| simd::fetch_lines(first, samples.div_ceil(IN_LINE)));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_leg_has_its_samples_as_long_as_they_are_kept_and_whoever_is_beside_it() {
        const LEGS: usize = 3;
        const CHUNK: usize = 80;
        let mut tapes = Tapes::new(LEGS, CHUNK);
        let mut said = vec![vec![0; KEPT]; LEGS];
        for tick in 0..40usize {
            if tick == 7 || tick == 23 {
                tapes.clear(1);
                said[1].fill(0);
            }
            assert_eq!(tapes.place(), tick * CHUNK % KEPT);
            for (leg, said) in said.iter_mut().enumerate() {
                let chunk: [i16; CHUNK] = std::array::from_fn(|n| (1 + tick * 700 + leg * 200 + n) as i16);
                let place = tapes.place();
                let (slot, from) = (place / SLOT, place % SLOT);
                tapes.of_mut(leg).samples(slot, from..from + CHUNK).copy_from_slice(&chunk);
                said.extend(chunk);
            }
            for (leg, said) in said.iter().enumerate() {
                for begin in (said.len() - KEPT..said.len()).step_by(CHUNK) {
                    let (slot, from) = (begin % KEPT / SLOT, begin % SLOT);
                    let found = tapes.of(leg).samples(slot, from..from + CHUNK);
                    assert_eq!(found, &said[begin..begin + CHUNK], "{tick} {leg}");
                }
                for end in (said.len() - KEPT + LENGTH..=said.len()).step_by(BLOCK) {
                    let mut copy = [0; LENGTH];
                    let window = tapes.of(leg).window((end - BLOCK) % KEPT / BLOCK, &mut copy);
                    assert_eq!(window[..], said[end - LENGTH..end], "{tick} {leg} {end}");
                }
            }
            tapes.advance();
        }
    }

    #[test]
    fn what_is_said_at_one_time_is_side_by_side() {
        let mut tapes = Tapes::new(4, 160);
        for _ in 0..7 {
            tapes.advance();
            let at = |leg: usize| std::ptr::from_ref(tapes.of(leg).slot(tapes.place() / SLOT)).addr();
            assert!((0..4).all(|leg| at(leg) == at(0) + leg * size_of::<Slot>()));
        }
    }
}
