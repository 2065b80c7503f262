//! Keeps keys out of what other people hear.
//!
//! A caller keys a PIN; the conference must not hear it and the recording must not hold it. The conversation cannot
//! afford a delay, so it is muted on the first suspicion, 12 to 14 ms into a press, and given back within
//! milliseconds if the suspicion proves wrong. The stream and the recording can afford one: they come
//! [`STREAM_DELAY`] later, by when every press is known from its first sample to its last.
//!
//! Data path: a leg's decoded samples, before any mixing → its [`crate::tape`] → [`KeyFilter`] → the conversation (no delay), the
//! stream (delayed), key events.
//! Time: counted in samples since the filter was made; decisions fall every 2 ms of signal, wherever chunks begin.
//! Source: ITU-T Q.24 for what is a key. A receiver elsewhere that follows it needs 20 ms or more of tone, so the first
//! 15 ms left in the conversation are no key to anybody.
//! Words: a *suspicion* is one clean window of 12 ms; *guard* is what is muted beside a press for safety.

pub use crate::dtmf::KeyEvent;
use crate::dtmf::{Key, Listener, Verdict};
use crate::level::ChunkEnergy;
use crate::screen::Taken;
use crate::tape::{self, BLOCK, KEPT, KEPT_BLOCKS, OUTCOMES, OwnTape, SLOT, SLOT_BLOCKS, Tape, TapeMut};
use simd::{Kernel, LINE};
use std::mem::offset_of;
use std::ops::Range;

/// How far the stream lags behind what was received, in samples: 80 ms.
///
/// A press is believed 32 to 50 ms after it began; the rest is guard.
pub const STREAM_DELAY: usize = DELAY_BLOCKS * BLOCK;

const DELAY_BLOCKS: usize = 40;

/// Samples muted before the first and after the last window that spoke of a key: 6 ms.
const GUARD: u64 = 48;

/// Blocks without a window in earnest that disprove a suspicion: 6 ms.
const DISPROOF: u32 = 3;

/// Windows in earnest, one after another, that mute the conversation though none was clean: a press in noise.
const INSISTENCE: u32 = 3;

const _: () = assert!(KEPT_BLOCKS == DELAY_BLOCKS + SLOT_BLOCKS);

/// Takes the keys pressed on one leg out of its sound, with a tape of its own.
///
/// There are two doors. [`KeyFilter::process`] takes chunks of any length and copies. The other is for chunks that all have the same length:
/// what was received is written into [`KeyFilter::room`], [`KeyFilter::hear`] listens to it, and [`KeyFilter::conversation`] and
/// [`KeyFilter::stream`] lend the outcome. As long as there is no key nothing is copied.
#[derive(Debug, Clone)]
pub struct KeyFilter {
    filter: TapeFilter,
    tape: OwnTape,
}

/// The same for one of many legs, whose tapes are [`crate::tape::Tapes`]: each time with the one of this leg.
#[derive(Debug, Clone)]
#[repr(C, align(64))] // What every chunk needs comes first, in lines side by side, see `NEEDED`.
pub struct TapeFilter {
    /// In which slot of the tape the last chunk is, where in that it begins, and where it ends.
    slot: usize,
    begin: u32,
    end: u32,
    /// Whether each block of the tape is to be silent in the stream, the first in the lowest bit.
    silent: u64,
    /// Blocks in a row without a window in earnest.
    quiet: u32,
    /// Windows in earnest in a row.
    insisting: u32,
    conversation: Gate,
    stream: Gate,
    muted: bool,
    /// No key is near, neither in the conversation nor in the stream, nor was in the last chunk, and the listener looks at nothing but
    /// what is suspicious.
    calm: bool,
    listener: Listener,
    /// The run that was marked last, by its first sample, and the last block marked.
    marked: (u64, u64),
}

/// Lines of the cache that every chunk needs beside its place on the tape.
const NEEDED: usize = 3;
const _: () = {
    let listener = offset_of!(TapeFilter, listener);
    assert!((listener + Listener::HISTORY).is_multiple_of(LINE) && listener + Listener::NEEDED <= NEEDED * LINE);
};

/// Which of the outcomes on a tape is that of which gate.
const CONVERSATION: usize = 0;
const STREAM: usize = 1;
const _: () = assert!(CONVERSATION < OUTCOMES && STREAM < OUTCOMES);

impl Default for KeyFilter {
    fn default() -> Self {
        Self::new()
    }
}

impl KeyFilter {
    /// A filter that has heard nothing yet; the stream begins with [`STREAM_DELAY`] samples of silence.
    #[must_use]
    pub fn new() -> Self {
        Self::beginning_at(0)
    }

    /// See [`TapeFilter::beginning_at`].
    #[must_use]
    pub fn beginning_at(place: usize) -> Self {
        Self { filter: TapeFilter::beginning_at(place), tape: OwnTape::SILENCE }
    }

    /// Takes a chunk received from the leg and gives as many samples of the conversation and of the stream.
    ///
    /// The three slices have the same length; if not, the shortest decides and the rest of the outputs is left
    /// as it was. `events` is called for every press and release, in order, with positions in samples received.
    pub fn process(
        &mut self,
        received: &[i16],
        conversation: &mut [i16],
        stream: &mut [i16],
        events: &mut impl FnMut(KeyEvent),
    ) {
        let total = received.len().min(conversation.len()).min(stream.len());
        let mut done = 0;
        while done < total {
            // A chunk may not go beyond its slot, nor does then what comes out of the delay.
            let part = done..total.min(done + self.filter.left());
            self.room(part.len()).copy_from_slice(&received[part.clone()]);
            _ = self.hear(events);
            conversation[part.clone()].copy_from_slice(self.conversation());
            stream[part.clone()].copy_from_slice(self.stream());
            done = part.end;
        }
    }

    /// See [`TapeFilter::room`].
    pub fn room(&mut self, samples: usize) -> &mut [i16] {
        self.filter.room(self.tape.write(), samples)
    }

    /// See [`TapeFilter::hear`].
    pub fn hear(&mut self, events: &mut impl FnMut(KeyEvent)) -> Option<ChunkEnergy> {
        let samples = self.filter.chunk().len();
        simd::run(Hear { filter: &mut self.filter, tape: self.tape.write(), samples, events })
    }

    /// See [`TapeFilter::conversation`].
    #[must_use]
    pub fn conversation(&self) -> &[i16] {
        self.filter.conversation(self.tape.read())
    }

    /// See [`TapeFilter::stream`].
    #[must_use]
    pub fn stream(&self) -> &[i16] {
        self.filter.stream(self.tape.read())
    }

    /// Whether the conversation is muted at this moment because of a key.
    #[must_use]
    pub fn is_muted(&self) -> bool {
        self.filter.muted
    }

    /// Samples listened to so far, to the end of the last whole block.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.filter.position()
    }

    /// The key held down at this moment, if any.
    #[must_use]
    pub fn held(&self) -> Option<Key> {
        self.filter.listener.held()
    }
}

impl TapeFilter {
    /// A filter that has heard nothing yet, for a tape of silence, whose first chunk comes at this place: as if there had been so much silence
    /// already.
    #[must_use]
    pub fn beginning_at(place: usize) -> Self {
        Self {
            listener: Listener::beginning_at(place),
            conversation: Gate::default(),
            stream: Gate::default(),
            muted: false,
            calm: true,
            quiet: 0,
            insisting: 0,
            marked: (u64::MAX, 0),
            silent: 0,
            slot: place / SLOT,
            begin: (place % SLOT) as u32,
            end: (place % SLOT) as u32,
        }
    }

    /// Where the next chunk is to be written, for [`TapeFilter::hear`] to listen to.
    ///
    /// # Panics
    /// If the chunk does not fit. Chunks of 40, 80 or 160 samples fit, as long as all of them have the same length.
    #[inline(always)]
    pub fn room<'a>(&mut self, tape: TapeMut<'a>, samples: usize) -> &'a mut [i16] {
        if self.end == SLOT as u32 {
            (self.slot, self.end) = (tape::next(self.slot), 0);
        }
        (self.begin, self.end) = (self.end, self.end + samples as u32);
        tape.samples(self.slot, self.chunk())
    }

    /// Samples that fit into the slot after the last chunk, or into the next if none do.
    fn left(&self) -> usize {
        if self.end == SLOT as u32 { SLOT } else { SLOT - self.end as usize }
    }

    /// Where the last chunk is in its slot.
    #[inline(always)]
    fn chunk(&self) -> Range<usize> {
        self.begin as usize..self.end as usize
    }

    /// Listens to what was written into [`TapeFilter::room`], which is so many samples. `events` is called for every press and release, in
    /// order, with positions in samples received. Returns what was found of the energy of [`TapeFilter::conversation`], if anything. Part
    /// of a kernel of somebody else's.
    #[inline(always)]
    pub fn hear(&mut self, tape: TapeMut, samples: usize, events: &mut impl FnMut(KeyEvent)) -> Option<ChunkEnergy> {
        debug_assert_eq!(self.chunk().len(), samples);
        Hear { filter: self, tape, samples, events }.run()
    }

    /// The last chunk, less keys: for those who listen now.
    #[must_use]
    #[inline(always)]
    pub fn conversation<'a>(&self, tape: Tape<'a>) -> &'a [i16] {
        self.conversation.lend(tape, CONVERSATION, self.received(tape))
    }

    /// A chunk of what was received [`STREAM_DELAY`] before, with nothing of a key left.
    #[must_use]
    #[inline]
    pub fn stream<'a>(&self, tape: Tape<'a>) -> &'a [i16] {
        self.stream.lend(tape, STREAM, tape.samples(delayed(self.slot), self.chunk()))
    }

    /// Where the last chunk begins on the tape.
    #[must_use]
    pub fn place(&self) -> usize {
        self.slot * SLOT + self.begin as usize
    }

    /// Asks for the memory that the next chunk needs beside its place on the tape.
    #[inline(always)]
    pub fn fetch(&self) {
        simd::fetch_lines(self, NEEDED);
    }

    /// Asks for the memory that [`TapeFilter::conversation`] needs beside that.
    #[inline(always)]
    pub fn fetch_conversation(&self) {
        simd::fetch_lines(self, 1);
    }

    /// The last chunk as it was received.
    #[must_use]
    #[inline(always)]
    pub fn received<'a>(&self, tape: Tape<'a>) -> &'a [i16] {
        tape.samples(self.slot, self.chunk())
    }

    /// The chunk that was received so many before the last, [`STREAM_DELAY`] samples at most. For chunks of 40, 80 or 160 samples that
    /// all have the same length.
    ///
    /// # Panics
    /// If there is none.
    #[must_use]
    pub fn received_before<'a>(&self, tape: Tape<'a>, chunks: usize) -> &'a [i16] {
        let length = self.chunk().len();
        let place = (self.place() + KEPT).checked_sub(chunks * length).expect("it is still kept") % KEPT;
        tape.samples(place / SLOT, place % SLOT..place % SLOT + length)
    }

    /// Whether [`TapeFilter::conversation`] is something else than what was received.
    #[must_use]
    #[inline]
    pub fn changes_conversation(&self) -> bool {
        self.conversation.outcome != Outcome::Unchanged
    }

    /// Whether [`TapeFilter::stream`] is something else than what was received [`STREAM_DELAY`] before.
    #[must_use]
    #[inline]
    pub fn changes_stream(&self) -> bool {
        self.stream.outcome != Outcome::Unchanged
    }

    /// Samples listened to so far, to the end of the last whole block.
    #[must_use]
    #[inline]
    pub fn position(&self) -> u64 {
        self.listener.position()
    }

    #[inline(always)]
    fn gate_conversation(&mut self, verdict: Verdict) {
        let earnest = verdict.is_in_earnest();
        self.insisting = if earnest { self.insisting.saturating_add(1) } else { 0 };
        self.quiet = if earnest { 0 } else { self.quiet.saturating_add(1) };
        if matches!(verdict, Verdict::Clean(_)) || self.insisting >= INSISTENCE || self.listener.held().is_some() {
            self.muted = true;
        } else if self.quiet >= DISPROOF {
            self.muted = false;
        }
    }

    /// Marks the blocks still waiting that belong to a key; the newest takes the place of the oldest on the tape. A run that is over is not
    /// unmarked: its guard is.
    #[inline(always)]
    fn gate_stream(&mut self, newest: usize) {
        self.silent &= !(1 << newest);
        if let Some((first, last)) = self.listener.suspect() {
            self.mark(first, last);
        }
    }

    #[cold]
    fn mark(&mut self, first: u64, last: u64) {
        let newest = (self.listener.position() / BLOCK as u64).saturating_sub(1);
        let oldest = (newest + 1).saturating_sub(DELAY_BLOCKS as u64);
        // Of a run known already, only what it has grown by is new.
        let (known, done) = self.marked;
        let from = if known == first { done } else { first.saturating_sub(GUARD) / BLOCK as u64 }.max(oldest);
        let to = ((last + GUARD) / BLOCK as u64).min(newest);
        self.marked = (first, to);
        for block in from..=to {
            self.silent |= 1 << (block % KEPT_BLOCKS as u64);
        }
    }
}

/// In which slot the samples are that come out of the delay when those of this one go in.
#[inline(always)]
const fn delayed(slot: usize) -> usize {
    const { assert!(STREAM_DELAY == KEPT - SLOT) };
    tape::next(slot)
}

/// A filter that is to listen to its last chunk, and whom it is to tell.
struct Hear<'a, F> {
    filter: &'a mut TapeFilter,
    tape: TapeMut<'a>,
    samples: usize,
    events: &'a mut F,
}

impl<F: FnMut(KeyEvent)> Kernel for Hear<'_, F> {
    type Output = Option<ChunkEnergy>;

    #[inline(always)]
    fn run(self) -> Option<ChunkEnergy> {
        let Hear { filter, tape, samples, events } = self;
        let begin = filter.begin as usize;
        let begun = begin % BLOCK;
        let whole_blocks = begun == 0 && samples.is_multiple_of(BLOCK);
        // Blocks begin where they begin on the tape, for that holds a whole number of them.
        let mut taken = Taken::default();
        let (slot, first) = (tape.read().slot(filter.slot), begin / BLOCK);
        filter.listener.take(slot, first, (begun + samples) / BLOCK, &mut taken);
        if whole_blocks && filter.calm && !filter.listener.is_spoken_to(&taken, tape.read()) {
            // The usual case.
            let blocks = filter.listener.pass_all(&mut taken);
            (filter.quiet, filter.insisting) = (filter.quiet.saturating_add(blocks), 0);
        } else {
            simd::run(HearClosely { filter, tape, taken: &mut taken, events });
        }
        filter.listener.finish(&mut taken);
        if filter.changes_conversation() || !whole_blocks {
            return None;
        }
        ChunkEnergy::of_chunk(taken.forties(), samples)
    }
}

/// A filter that is to listen to its last chunk block by block: rare and large, so it is a kernel of its own and not part of the one that
/// every chunk goes through. Windows that spoke of a key there are judged once more here, from the first block on.
struct HearClosely<'a, F> {
    filter: &'a mut TapeFilter,
    tape: TapeMut<'a>,
    taken: &'a mut Taken,
    events: &'a mut F,
}

impl<F: FnMut(KeyEvent)> Kernel for HearClosely<'_, F> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let HearClosely { filter, tape, taken, events } = self;
        filter.hear_closely(tape, taken, events);
    }
}

impl TapeFilter {
    /// Goes by blocks, from this place of the tape on, in which there is nothing that could be part of a key; says how many.
    #[inline(always)]
    fn skip(&mut self, taken: &mut Taken, place: usize) -> u32 {
        let skipped = self.listener.skip(taken);
        if skipped > 0 {
            (self.quiet, self.insisting) = (self.quiet.saturating_add(skipped), 0);
            self.silent &= !(((1 << skipped) - 1) << place);
        }
        skipped
    }

    /// Listens to the last chunk block by block.
    #[inline(always)]
    fn hear_closely(&mut self, mut tape: TapeMut, taken: &mut Taken, events: &mut impl FnMut(KeyEvent)) {
        let (Range { start: begin, end }, first) = (self.chunk(), self.slot * SLOT_BLOCKS);
        // Whether the conversation is muted in each block.
        let mut muted = 0;
        let mut at = begin;
        while at < end {
            if !self.muted {
                let skipped = self.skip(taken, first + at / BLOCK);
                if skipped > 0 {
                    at = (at / BLOCK + skipped as usize) * BLOCK;
                    continue;
                }
            }
            muted |= u32::from(self.muted) << (at / BLOCK - begin / BLOCK);
            at = end.min((at / BLOCK + 1) * BLOCK);
            if at.is_multiple_of(BLOCK) {
                let verdict = self.listener.step(taken, tape.read(), events);
                self.gate_conversation(verdict);
                self.gate_stream(first + at / BLOCK - 1);
            }
        }
        self.conversation.pass(muted, &mut tape, self.slot, begin..end, CONVERSATION);
        // What comes out of the delay with a block is older than anything its verdict can still mark.
        let before = delayed(self.slot);
        let silent = (self.silent >> (before * SLOT_BLOCKS + begin / BLOCK)) as u32;
        self.stream.pass(silent, &mut tape, before, begin..end, STREAM);
        self.calm = !self.muted
            && self.silent == 0
            && self.conversation.is_idle()
            && self.stream.is_idle()
            && self.listener.is_calm();
    }
}

/// A switch that does not click: it takes a millisecond either way.
#[derive(Debug, Clone, Default)]
struct Gate {
    /// How far closed, from 0 (open) to [`Gate::RAMP`].
    closed: i8,
    outcome: Outcome,
}

/// What has become of a chunk in a [`Gate`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[repr(u8)]
enum Outcome {
    #[default]
    Unchanged,
    Changed,
    Silent,
}

impl Gate {
    /// Samples from open to closed.
    const RAMP: i8 = 6;

    /// Open now and in all of the last chunk.
    fn is_idle(&self) -> bool {
        self.closed == 0 && self.outcome == Outcome::Unchanged
    }

    /// The chunk that came out.
    #[inline(always)]
    fn lend<'a>(&self, tape: Tape<'a>, which: usize, unchanged: &'a [i16]) -> &'a [i16] {
        if self.outcome == Outcome::Unchanged { unchanged } else { self.lend_other(tape, which, unchanged.len()) }
    }

    #[cold]
    fn lend_other<'a>(&self, tape: Tape<'a>, which: usize, count: usize) -> &'a [i16] {
        static SILENCE: [i16; SLOT] = [0; SLOT];
        if self.outcome == Outcome::Silent { &SILENCE[..count] } else { tape.outcome(which, count) }
    }

    /// Passes these samples of a slot, closed in those blocks whose bit says so, the first in the lowest.
    /// Nothing is written unless some of it is left and some is not.
    #[inline(always)]
    fn pass(&mut self, close: u32, tape: &mut TapeMut, slot: usize, samples: Range<usize>, which: usize) {
        let (begun, count) = (samples.start % BLOCK, samples.len());
        let blocks = (begun + count).div_ceil(BLOCK);
        let close = close & ((1 << blocks) - 1);
        self.outcome = match (close.count_ones() as usize, self.closed) {
            (0, 0) => Outcome::Unchanged,
            (closed, Self::RAMP) if closed == blocks => Outcome::Silent,
            _ => {
                let mut out = [0; SLOT];
                self.pass_in_parts(close, tape.read().samples(slot, samples), begun, &mut out[..count]);
                tape.lend().outcome(which, count).copy_from_slice(&out[..count]);
                Outcome::Changed
            }
        };
    }

    #[cold]
    fn pass_in_parts(&mut self, close: u32, chunk: &[i16], begun: usize, out: &mut [i16]) {
        let (mut at, mut block) = (0, 0);
        while at < chunk.len() {
            let left = close >> block;
            let closes = left & 1 != 0;
            block += if closes { left.trailing_ones() } else { left.trailing_zeros() };
            let to = chunk.len().min(block as usize * BLOCK - begun);
            self.pass_part(closes, &chunk[at..to], &mut out[at..to]);
            at = to;
        }
    }

    fn pass_part(&mut self, close: bool, samples: &[i16], out: &mut [i16]) {
        let (step, goal) = if close { (1, Self::RAMP) } else { (-1, 0) };
        let ramp = samples.len().min(usize::from(self.closed.abs_diff(goal)));
        for (out, &sample) in out.iter_mut().zip(&samples[..ramp]) {
            self.closed += step;
            *out = (i32::from(sample) * i32::from(Self::RAMP - self.closed) / i32::from(Self::RAMP)) as i16;
        }
        if close {
            out[ramp..].fill(0);
        } else {
            out[ramp..].copy_from_slice(&samples[ramp..]);
        }
    }
}
