//! DTMF keys and the in-band receiver.
//!
//! The fit of two tones to the last 12 ms comes from `tonebank`, every 2 ms; here it is judged, and runs of
//! judgements become presses.
//!
//! Data path: a leg's decoded samples, before any mixing → [`DtmfReceiver`] → [`KeyEvent`]s.
//! Time: counted in samples since the receiver was made.
//! Source: ITU-T Q.23 (frequencies), Q.24 (11/88) table A-1 for the limits a receiver keeps: here the strictest
//! of the administrations listed there, or stricter.
//! Words: a *verdict* is what one window says; a *run* is a stretch of windows saying the same key; a *press* is a
//! run long and clean enough to be believed.

mod judgement;
mod key;
mod press;

pub use key::{COLUMN_HZ, Key, ROW_HZ};
pub use press::Sound;

use crate::tonebank::{BLOCK, Fit, ToneBank};
pub(crate) use judgement::Verdict;
use judgement::{Background, LEVEL_FLOOR, judge};
use press::Run;
use simd::Kernel;

/// What happened to a key, with positions in samples since the detector was made.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum KeyEvent {
    /// A key was pressed and has lasted long enough to be believed.
    Down {
        /// Which key.
        key: Key,
        /// Where the press began, to a few milliseconds. The event comes some tens of milliseconds later.
        at: u64,
        /// How it sounded until now.
        sound: Sound,
    },
    /// The key was let go.
    Up {
        /// Which key.
        key: Key,
        /// Where the press began.
        started_at: u64,
        /// How long it lasted, to a few milliseconds.
        samples: u64,
        /// How it sounded while it lasted.
        sound: Sound,
    },
}

/// Finds the keys pressed on one leg.
#[derive(Debug, Clone)]
pub struct DtmfReceiver {
    bank: ToneBank,
    /// What there is of a block, and how much.
    begun: [i16; BLOCK],
    filled: usize,
    position: u64,
    background: Background,
    run: Option<Run>,
    /// A different key heard while a press is still on: it takes over when it has lasted a little.
    challenger: Option<Run>,
}

/// Misses that end a run before it is believed: noise may spoil some windows.
const FORGET: u32 = 3;
/// Misses that end a press. An interruption of 10 ms spoils at most 11 windows (Q.24: it must not make two presses of
/// one), a pause of 40 ms at least 20.
const RELEASE: u32 = 13;
/// Windows in earnest with which a different key ends a press.
const TAKE_OVER: u32 = 4;

impl Default for DtmfReceiver {
    fn default() -> Self {
        Self::new()
    }
}

impl DtmfReceiver {
    /// Most blocks taken at a time: 20 ms.
    pub(crate) const AHEAD: usize = ToneBank::AHEAD;

    /// A receiver that has heard nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self {
            bank: ToneBank::new(),
            begun: [0; BLOCK],
            filled: 0,
            position: 0,
            background: Background::default(),
            run: None,
            challenger: None,
        }
    }

    /// Listens to a chunk of any length and reports presses and releases, in order.
    pub fn process(&mut self, samples: &[i16], events: &mut impl FnMut(KeyEvent)) {
        simd::run(Listen { receiver: self, samples, events });
    }

    /// Takes the next blocks, [`DtmfReceiver::AHEAD`] at most; [`DtmfReceiver::step`] then judges one after the other.
    #[inline]
    pub(crate) fn take(&mut self, blocks: &[[i16; BLOCK]]) {
        self.bank.take(blocks);
    }

    /// Part of a block.
    fn begin(&mut self, samples: &[i16]) {
        self.begun[self.filled..self.filled + samples.len()].copy_from_slice(samples);
        self.filled += samples.len();
    }

    /// Judges the window that ends with the next block taken.
    #[inline(always)]
    pub(crate) fn step(&mut self, events: &mut impl FnMut(KeyEvent)) -> Verdict {
        self.position += BLOCK as u64;
        self.bank.advance();
        let total = self.bank.mean_square();
        let background = self.background.hear(total, self.run.is_none());
        if total >= LEVEL_FLOOR && self.bank.look() {
            return self.look_closely(background, events);
        }
        if self.run.is_some() {
            self.follow(Verdict::Nothing, None, background, events);
        }
        Verdict::Nothing
    }

    /// A window that may be part of a key: some in a hundred of a voice.
    #[inline(never)]
    fn look_closely(&mut self, background: f32, events: &mut impl FnMut(KeyEvent)) -> Verdict {
        let fit = self.bank.fit();
        let verdict = fit.as_ref().map_or(Verdict::Nothing, |fit| judge(fit, background));
        self.follow(verdict, fit.as_ref(), background, events);
        verdict
    }

    /// The key held down at this moment, if any.
    #[must_use]
    #[inline]
    pub fn held(&self) -> Option<Key> {
        self.run.as_ref().filter(|run| run.pressed).map(|run| run.key)
    }

    /// Samples heard so far.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.position + self.filled as u64
    }

    /// First and last sample of a run that has gone on for so long that another receiver might take it for a
    /// key, whether or not it is believed here.
    #[inline]
    pub(crate) fn suspect(&self) -> Option<(u64, u64)> {
        self.run.as_ref().filter(|run| run.is_suspect()).map(|run| (run.earliest(), run.last))
    }

    fn follow(&mut self, verdict: Verdict, fit: Option<&Fit>, background: f32, events: &mut impl FnMut(KeyEvent)) {
        let at = self.position;
        let heard = verdict.key().zip(fit);
        let Some(run) = &mut self.run else {
            self.run = heard.map(|(_, fit)| Run::begin(at, verdict, fit));
            return;
        };
        match heard {
            Some((key, fit)) if key == run.key => {
                run.hear(at, verdict, fit);
                self.challenger = None;
                if !run.pressed && run.is_believable(background) {
                    run.pressed = true;
                    events(KeyEvent::Down { key, at: run.started_at(), sound: run.sound() });
                }
                return;
            }
            Some((key, fit)) => match &mut self.challenger {
                Some(challenger) if challenger.key == key => challenger.hear(at, verdict, fit),
                challenger => *challenger = Some(Run::begin(at, verdict, fit)),
            },
            None => {}
        }
        run.misses += 1;
        let (patience, persuasion) = if run.pressed { (RELEASE, TAKE_OVER) } else { (FORGET, 1) };
        if run.misses >= patience || self.challenger.is_some_and(|challenger| challenger.good >= persuasion) {
            if run.pressed {
                let started_at = run.started_at();
                let samples = run.ended_at().saturating_sub(started_at);
                events(KeyEvent::Up { key: run.key, started_at, samples, sound: run.sound() });
            }
            self.run = self.challenger.take();
        }
    }
}

/// A receiver, what it is to listen to, and whom it is to tell.
struct Listen<'a, F> {
    receiver: &'a mut DtmfReceiver,
    samples: &'a [i16],
    events: &'a mut F,
}

impl<F: FnMut(KeyEvent)> Kernel for Listen<'_, F> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Listen { receiver, samples: mut rest, events } = self;
        if receiver.filled > 0 {
            let (now, later) = rest.split_at((BLOCK - receiver.filled).min(rest.len()));
            receiver.begin(now);
            if receiver.filled < BLOCK {
                return;
            }
            receiver.bank.take(&[receiver.begun]);
            receiver.step(events);
            (receiver.filled, rest) = (0, later);
        }
        let (blocks, part) = rest.as_chunks::<BLOCK>();
        for blocks in blocks.chunks(DtmfReceiver::AHEAD) {
            receiver.take(blocks);
            for _ in blocks {
                receiver.step(events);
            }
        }
        receiver.begin(part);
    }
}
