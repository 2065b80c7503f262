//! Keeps keys out of what other people hear.
//!
//! A caller keys a PIN; the conference must not hear it and the recording must not hold it. The conversation cannot
//! afford a delay, so it is muted on the first suspicion, 12 to 14 ms into a press, and given back within
//! milliseconds if the suspicion proves wrong. The stream and the recording can afford one: they come
//! [`STREAM_DELAY`] later, by when every press is known from its first sample to its last.
//!
//! Data path: a leg's decoded samples, before any mixing → [`KeyFilter`] → the conversation (no delay), the stream
//! (delayed), key events.
//! Time: counted in samples since the filter was made; decisions fall every 2 ms of signal, wherever chunks begin.
//! Source: ITU-T Q.24 for what is a key. A receiver elsewhere that follows it needs 20 ms or more of tone, so the first
//! 15 ms left in the conversation are no key to anybody.
//! Words: a *suspicion* is one clean window of 12 ms; *guard* is what is muted beside a press for safety.

pub use crate::dtmf::KeyEvent;
use crate::dtmf::{Key, Listener, Verdict};
use crate::level::ChunkEnergy;
use crate::screen::Taken;
use crate::tonebank::{AHEAD, BLOCK, KEPT_BLOCKS, Kept};
use simd::mirror::LENGTH;
use simd::{Kernel, LINE};
use std::mem::offset_of;

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

/// Samples kept: those delayed, and a chunk. Chunks of 40, 80 or 160 samples fit into it without a remainder.
const KEPT: usize = KEPT_BLOCKS * BLOCK;
const _: () = assert!(KEPT_BLOCKS == DELAY_BLOCKS + AHEAD);

/// Takes the keys pressed on one leg out of its sound.
///
/// There are two doors. [`KeyFilter::process`] takes chunks of any length and copies. The other is for the voice path, where
/// every chunk has the same length: what was received is written into [`KeyFilter::room`], [`KeyFilter::hear`] listens to it,
/// and [`KeyFilter::conversation`] and [`KeyFilter::stream`] lend the outcome. As long as there is no key nothing is copied.
#[derive(Debug, Clone)]
#[repr(C)] // What every chunk needs is in lines side by side, see `NEEDED`.
pub struct KeyFilter {
    /// The last samples received, in a circle.
    kept: Kept,
    /// Where the last chunk begins in `kept`, and where it ends.
    begin: usize,
    end: usize,
    /// Whether each block of `kept` is to be silent in the stream, the first in the lowest bit.
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
    /// What the gates have changed the last chunk to, if anything.
    changed_conversation: Chunk,
    changed_stream: Chunk,
}

/// Lines of the cache, from `begin` on, that every chunk needs beside its place in `kept`.
const NEEDED: usize = 3;
const _: () = {
    let (begin, listener) = (offset_of!(KeyFilter, begin), offset_of!(KeyFilter, listener));
    assert!(begin.is_multiple_of(LINE) && (listener + Listener::HISTORY).is_multiple_of(LINE));
    assert!(listener + Listener::NEEDED <= begin + NEEDED * LINE);
};

type Chunk = [i16; KeyFilter::MAX_CHUNK];

impl Default for KeyFilter {
    fn default() -> Self {
        Self::new()
    }
}

impl KeyFilter {
    /// Most samples in a chunk of [`KeyFilter::room`]: 20 ms.
    pub const MAX_CHUNK: usize = KEPT - STREAM_DELAY;

    /// A filter that has heard nothing yet; the stream begins with [`STREAM_DELAY`] samples of silence.
    #[must_use]
    pub fn new() -> Self {
        Self {
            listener: Listener::new(),
            conversation: Gate::default(),
            stream: Gate::default(),
            muted: false,
            calm: true,
            quiet: 0,
            insisting: 0,
            marked: (u64::MAX, 0),
            silent: 0,
            begin: 0,
            end: 0,
            kept: Kept::SILENCE,
            changed_conversation: [0; Self::MAX_CHUNK],
            changed_stream: [0; Self::MAX_CHUNK],
        }
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
            // Neither the chunk nor what comes out of the delay may go around the circle's end.
            let next = self.end % KEPT;
            let room = (KEPT - next).min(KEPT - delayed(next)).min(Self::MAX_CHUNK);
            let part = done..total.min(done + room);
            self.room(part.len()).copy_from_slice(&received[part.clone()]);
            _ = self.hear(events);
            conversation[part.clone()].copy_from_slice(self.conversation());
            stream[part.clone()].copy_from_slice(self.stream());
            done = part.end;
        }
    }

    /// Where the next chunk is to be written, for [`KeyFilter::hear`] to listen to.
    ///
    /// # Panics
    /// If the chunk does not fit. Chunks of 40, 80 or 160 samples fit, as long as all of them have the same length.
    #[inline]
    pub fn room(&mut self, samples: usize) -> &mut [i16] {
        self.begin = Self::next_place(self.end);
        self.end = self.begin + samples;
        &mut self.kept.0.as_flattened_mut()[self.begin..self.end]
    }

    /// Listens to what was written into [`KeyFilter::room`]. `events` is called for every press and release, in order, with
    /// positions in samples received. Returns what was found of the energy of [`KeyFilter::conversation`], if anything.
    pub fn hear(&mut self, events: &mut impl FnMut(KeyEvent)) -> Option<ChunkEnergy> {
        let samples = self.end - self.begin;
        simd::run(Hear { filter: self, samples, events })
    }

    /// The same as part of a kernel of somebody else's, who knows how many samples were written.
    #[inline(always)]
    pub fn hear_within(&mut self, samples: usize, events: &mut impl FnMut(KeyEvent)) -> Option<ChunkEnergy> {
        debug_assert_eq!(self.begin + samples, self.end);
        Hear { filter: self, samples, events }.run()
    }

    /// The last chunk, less keys: for those who listen now.
    #[must_use]
    #[inline(always)]
    pub fn conversation(&self) -> &[i16] {
        self.conversation.lend(&self.changed_conversation, &self.kept.0.as_flattened()[self.begin..self.end])
    }

    /// A chunk of what was received [`STREAM_DELAY`] before, with nothing of a key left.
    #[must_use]
    #[inline]
    pub fn stream(&self) -> &[i16] {
        let begin = delayed(self.begin);
        self.stream.lend(&self.changed_stream, &self.kept.0.as_flattened()[begin..begin + (self.end - self.begin)])
    }

    /// Where the last chunk begins in what is kept. Whoever has many filters remembers it for [`KeyFilter::fetch`]: the filter itself is what
    /// is not at hand then.
    #[must_use]
    #[inline(always)]
    pub fn place(&self) -> usize {
        self.begin
    }

    /// Where a chunk begins after one that ends here.
    #[inline(always)]
    const fn next_place(end: usize) -> usize {
        if end == KEPT { 0 } else { end }
    }

    /// Asks for the memory that the next chunk of so many samples needs, the last having been at this place.
    #[inline(always)]
    pub fn fetch(&self, place: usize, samples: usize) {
        let begin = Self::next_place(place + samples);
        simd::fetch_lines(&self.begin, NEEDED);
        self.fetch_kept(begin, samples);
        // And the end of what came before, which lies in the windows that the chunk begins with. It is seldom looked at, and then at once.
        self.fetch_kept(begin.checked_sub(LENGTH).unwrap_or(KEPT - LENGTH), LENGTH);
    }

    /// Asks for the memory of the last chunk, which is at this place and has so many samples.
    #[inline(always)]
    pub fn fetch_conversation(&self, place: usize, samples: usize) {
        simd::fetch_lines(&self.begin, 1);
        self.fetch_kept(place, samples);
    }

    #[inline(always)]
    fn fetch_kept(&self, begin: usize, samples: usize) {
        const IN_LINE: usize = LINE / size_of::<i16>();
        // Nothing is looked at: who remembers the wrong place asks for the wrong memory, and that is all.
        let Some(first) = self.kept.0.as_flattened().get(begin) else { return };
        // Of a length that is known there is nothing to count.
        match samples {
            Self::MAX_CHUNK => simd::fetch_lines(first, const { Self::MAX_CHUNK.div_ceil(IN_LINE) }),
            _ => simd::fetch_lines(first, samples.div_ceil(IN_LINE)),
        }
    }

    /// The last chunk as it was received.
    #[must_use]
    #[inline]
    pub fn received(&self) -> &[i16] {
        &self.kept.0.as_flattened()[self.begin..self.end]
    }

    /// The chunk that was received so many before the last, [`STREAM_DELAY`] samples at most. For chunks of 40, 80 or 160 samples that
    /// all have the same length.
    ///
    /// # Panics
    /// If there is none.
    #[must_use]
    pub fn received_before(&self, chunks: usize) -> &[i16] {
        let length = self.end - self.begin;
        let begin = (self.begin + KEPT).checked_sub(chunks * length).expect("it is still kept") % KEPT;
        &self.kept.0.as_flattened()[begin..begin + length]
    }

    /// Whether [`KeyFilter::conversation`] is something else than what was received.
    #[must_use]
    #[inline]
    pub fn changes_conversation(&self) -> bool {
        self.conversation.outcome != Outcome::Unchanged
    }

    /// Whether [`KeyFilter::stream`] is something else than what was received [`STREAM_DELAY`] before.
    #[must_use]
    #[inline]
    pub fn changes_stream(&self) -> bool {
        self.stream.outcome != Outcome::Unchanged
    }

    /// Whether the conversation is muted at this moment because of a key.
    #[must_use]
    pub fn is_muted(&self) -> bool {
        self.muted
    }

    /// Samples listened to so far, to the end of the last whole block.
    #[must_use]
    #[inline]
    pub fn position(&self) -> u64 {
        self.listener.position()
    }

    /// The key held down at this moment, if any.
    #[must_use]
    pub fn held(&self) -> Option<Key> {
        self.listener.held()
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

    /// Marks the blocks still waiting that belong to a key. A run that is over is not unmarked: its guard is.
    #[inline(always)]
    fn gate_stream(&mut self, newest_slot: usize) {
        self.silent &= !(1 << newest_slot);
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

/// Where the sample is that comes out of the delay when this one goes in.
const fn delayed(at: usize) -> usize {
    if at >= STREAM_DELAY { at - STREAM_DELAY } else { at + KEPT - STREAM_DELAY }
}

/// A filter that is to listen to its last chunk, and whom it is to tell.
struct Hear<'a, F> {
    filter: &'a mut KeyFilter,
    samples: usize,
    events: &'a mut F,
}

impl<F: FnMut(KeyEvent)> Kernel for Hear<'_, F> {
    type Output = Option<ChunkEnergy>;

    #[inline(always)]
    fn run(self) -> Option<ChunkEnergy> {
        let Hear { filter, samples, events } = self;
        let begun = filter.begin % BLOCK;
        let whole_blocks = begun == 0 && samples.is_multiple_of(BLOCK);
        // Blocks begin where they begin in `kept`, for that holds a whole number of them.
        let mut taken = Taken::default();
        filter.listener.take(&filter.kept, filter.begin / BLOCK, (begun + samples) / BLOCK, &mut taken);
        if whole_blocks && filter.calm && !filter.listener.is_spoken_to(&taken, &filter.kept) {
            // The usual case.
            let blocks = filter.listener.pass_all(&mut taken);
            (filter.quiet, filter.insisting) = (filter.quiet.saturating_add(blocks), 0);
        } else {
            simd::run(HearClosely { filter, taken: &mut taken, events });
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
    filter: &'a mut KeyFilter,
    taken: &'a mut Taken,
    events: &'a mut F,
}

impl<F: FnMut(KeyEvent)> Kernel for HearClosely<'_, F> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let HearClosely { filter, taken, events } = self;
        filter.hear_closely(taken, events);
    }
}

impl KeyFilter {
    /// Goes by blocks, from this place of `kept` on, in which there is nothing that could be part of a key; says how many.
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
    fn hear_closely(&mut self, taken: &mut Taken, events: &mut impl FnMut(KeyEvent)) {
        let (begin, end) = (self.begin, self.end);
        // Whether the conversation is muted in each block.
        let mut muted = 0;
        let mut at = begin;
        while at < end {
            if !self.muted {
                let skipped = self.skip(taken, at / BLOCK);
                if skipped > 0 {
                    at = (at / BLOCK + skipped as usize) * BLOCK;
                    continue;
                }
            }
            muted |= u32::from(self.muted) << (at / BLOCK - begin / BLOCK);
            at = end.min((at / BLOCK + 1) * BLOCK);
            if at.is_multiple_of(BLOCK) {
                let verdict = self.listener.step(taken, &self.kept, events);
                self.gate_conversation(verdict);
                self.gate_stream(at / BLOCK - 1);
            }
        }
        let KeyFilter { changed_conversation, changed_stream, conversation, stream, kept, silent, .. } = self;
        let (kept, begun) = (kept.0.as_flattened(), begin % BLOCK);
        conversation.pass(muted, &kept[begin..end], begun, changed_conversation);
        // What comes out of the delay with a block is older than anything its verdict can still mark.
        let before = delayed(begin);
        stream.pass((*silent >> (before / BLOCK)) as u32, &kept[before..][..end - begin], begun, changed_stream);
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
    fn lend<'a>(&self, changed: &'a Chunk, unchanged: &'a [i16]) -> &'a [i16] {
        if self.outcome == Outcome::Unchanged { unchanged } else { &self.lend_other(changed)[..unchanged.len()] }
    }

    #[cold]
    fn lend_other<'a>(&self, changed: &'a Chunk) -> &'a Chunk {
        static SILENCE: Chunk = [0; KeyFilter::MAX_CHUNK];
        if self.outcome == Outcome::Silent { &SILENCE } else { changed }
    }

    /// Passes a chunk that begins so many samples into a block, closed in those blocks whose bit says so, the first in the lowest.
    /// Nothing is written unless some of it is left and some is not.
    #[inline(always)]
    fn pass(&mut self, close: u32, chunk: &[i16], begun: usize, out: &mut Chunk) {
        let blocks = (begun + chunk.len()).div_ceil(BLOCK);
        let close = close & ((1 << blocks) - 1);
        self.outcome = match (close.count_ones() as usize, self.closed) {
            (0, 0) => Outcome::Unchanged,
            (closed, Self::RAMP) if closed == blocks => Outcome::Silent,
            _ => {
                self.pass_in_parts(close, chunk, begun, out);
                Outcome::Changed
            }
        };
    }

    #[cold]
    fn pass_in_parts(&mut self, close: u32, chunk: &[i16], begun: usize, out: &mut Chunk) {
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
