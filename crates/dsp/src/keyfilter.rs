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
use crate::dtmf::{DtmfReceiver, Key, Verdict};
use crate::tonebank::BLOCK;

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

/// Takes the keys pressed on one leg out of its sound.
#[derive(Debug, Clone)]
pub struct KeyFilter {
    receiver: DtmfReceiver,
    conversation: Gate,
    stream: Gate,
    muted: bool,
    /// Blocks in a row without a window in earnest.
    quiet: u32,
    /// Windows in earnest in a row.
    insisting: u32,
    delay: [i16; STREAM_DELAY],
    /// Whether each block of `delay` is to be silent in the stream.
    silent: [bool; DELAY_BLOCKS],
    /// The run that was marked last, by its first sample, and the last block marked.
    marked: (u64, u64),
    /// Where the next sample goes in `delay`, and where the oldest comes from.
    write: usize,
}

impl Default for KeyFilter {
    fn default() -> Self {
        Self::new()
    }
}

impl KeyFilter {
    /// A filter that has heard nothing yet; the stream begins with [`STREAM_DELAY`] samples of silence.
    #[must_use]
    pub fn new() -> Self {
        Self {
            receiver: DtmfReceiver::new(),
            conversation: Gate::default(),
            stream: Gate::default(),
            muted: false,
            quiet: 0,
            insisting: 0,
            delay: [0; STREAM_DELAY],
            silent: [false; DELAY_BLOCKS],
            marked: (u64::MAX, 0),
            write: 0,
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
            let end = total.min(done + self.receiver.wanted());
            let (now, before) = (&received[done..end], self.write);
            self.conversation.pass(self.muted, now, &mut conversation[done..end]);
            self.write = before + now.len();
            let waiting = &mut self.delay[before..self.write];
            self.stream.pass(self.silent[before / BLOCK], waiting, &mut stream[done..end]);
            waiting.copy_from_slice(now);
            self.write %= STREAM_DELAY;
            if let Some(verdict) = self.receiver.step(now, events) {
                self.gate_conversation(verdict);
                self.gate_stream();
            }
            done = end;
        }
    }

    /// Whether the conversation is muted at this moment because of a key.
    #[must_use]
    pub fn is_muted(&self) -> bool {
        self.muted
    }

    /// The key held down at this moment, if any.
    #[must_use]
    pub fn held(&self) -> Option<Key> {
        self.receiver.held()
    }

    fn gate_conversation(&mut self, verdict: Verdict) {
        let earnest = matches!(verdict, Verdict::Good(_) | Verdict::Clean(_));
        self.insisting = if earnest { self.insisting.saturating_add(1) } else { 0 };
        self.quiet = if earnest { 0 } else { self.quiet.saturating_add(1) };
        if matches!(verdict, Verdict::Clean(_)) || self.insisting >= INSISTENCE || self.receiver.held().is_some() {
            self.muted = true;
        } else if self.quiet >= DISPROOF {
            self.muted = false;
        }
    }

    /// Marks the blocks still waiting that belong to a key. A run that is over is not unmarked: its guard is.
    fn gate_stream(&mut self) {
        let now = self.receiver.position();
        let newest = (now / BLOCK as u64).saturating_sub(1);
        self.mark(newest, false);
        if let Some((first, last)) = self.receiver.suspect() {
            let oldest = (newest + 1).saturating_sub(DELAY_BLOCKS as u64);
            // Of a run known already, only what it has grown by is new.
            let (known, done) = self.marked;
            let from = if known == first { done } else { first.saturating_sub(GUARD) / BLOCK as u64 }.max(oldest);
            let to = ((last + GUARD) / BLOCK as u64).min(newest);
            self.marked = (first, to);
            for block in from..=to {
                self.mark(block, true);
            }
        }
    }

    fn mark(&mut self, block: u64, silent: bool) {
        self.silent[(block % DELAY_BLOCKS as u64) as usize] = silent;
    }
}

/// A switch that does not click: it takes a millisecond either way.
#[derive(Debug, Clone, Default)]
struct Gate {
    /// How far closed, from 0 (open) to [`Gate::RAMP`].
    closed: i32,
}

impl Gate {
    /// Samples from open to closed.
    const RAMP: i32 = 6;

    fn pass(&mut self, close: bool, samples: &[i16], out: &mut [i16]) {
        let (step, goal) = if close { (1, Self::RAMP) } else { (-1, 0) };
        if self.closed == goal {
            // The usual case, all day long.
            if close {
                out.fill(0);
            } else {
                out.copy_from_slice(samples);
            }
            return;
        }
        for (out, &sample) in out.iter_mut().zip(samples) {
            if self.closed != goal {
                self.closed += step;
            }
            *out = (i32::from(sample) * (Self::RAMP - self.closed) / Self::RAMP) as i16;
        }
    }
}
