//! DTMF keys and the in-band receiver.
//!
//! `screen` tells where there may be a key at all; there the fit of two tones to the last 12 ms comes from `tonebank`, every 2 ms. Here
//! it is judged, and runs of judgements become presses.
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

use crate::screen::{LOOK_BACK, Screen, Taken};
use crate::tape::{self, BLOCK, KEPT_BLOCKS, OwnTape, SLOT, SLOT_BLOCKS, Tape};
use crate::tonebank::{AHEAD, Fit, ToneBank};
pub(crate) use judgement::Verdict;
use judgement::{Background, LEVEL_FLOOR, judge};
use press::Run;
use simd::Kernel;
use simd::mirror::LENGTH;

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
    listener: Listener,
    tape: OwnTape,
    /// In which slot of it the samples end, and where in that.
    slot: usize,
    end: usize,
}

/// What a receiver knows beside the samples, which are on a tape of its own or on that of a key filter.
#[derive(Debug, Clone)]
#[repr(C)] // What every chunk needs comes first, in lines side by side.
pub(crate) struct Listener {
    position: u64,
    /// Where on the tape the present block is.
    place: usize,
    /// The last windows that nobody has looked at, [`OVERLOOKED`] at most.
    passed: u32,
    /// For so many blocks more every window is looked at.
    alert: u32,
    screen: Screen,
    background: Background,
    /// Windows of a press that nobody has looked at, for the key is held.
    resting: u32,
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

/// Blocks after the end of a run in which every window is looked at, suspicious or not.
const ALERT: u32 = 4;
/// Windows before one that speaks of a key that are looked at after all: those in which a tone that fills half of it began.
const OVERLOOKED: u32 = 3;
/// Share of the energy of a window that must show at the strongest row and column to be worth a fit: of what it needs to be part of a
/// key half, in case the tones are off their frequencies; as long as there is no key, most of what it needs to be in earnest.
const WORTH: f32 = 0.25;
const WORTH_AT_FIRST: f32 = 0.35;
/// Share of the energy of a window that may be part of a key with which one may begin in it: its tones are still growing.
const BEGINS: f32 = 0.65;
/// Of the windows of a press every third is looked at.
const REST: u32 = 3;
/// Change of amplitude in a block below which all of a window, and of those before and after, is tones.
const WITHIN: f32 = 0.02;
const _: () = assert!(OVERLOOKED as usize <= LOOK_BACK && REST as usize <= LOOK_BACK && Background::FRAME == AHEAD);

impl Default for DtmfReceiver {
    fn default() -> Self {
        Self::new()
    }
}

impl DtmfReceiver {
    /// A receiver that has heard nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self { listener: Listener::beginning_at(0), tape: OwnTape::SILENCE, slot: 0, end: 0 }
    }

    /// Listens to a chunk of any length and reports presses and releases, in order.
    pub fn process(&mut self, samples: &[i16], events: &mut impl FnMut(KeyEvent)) {
        simd::run(Listen { receiver: self, samples, events });
    }

    /// The key held down at this moment, if any.
    #[must_use]
    pub fn held(&self) -> Option<Key> {
        self.listener.held()
    }

    /// Samples heard so far.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.listener.position() + (self.end % BLOCK) as u64
    }
}

impl Listener {
    /// So many octets of it are what every chunk needs.
    pub const NEEDED: usize = std::mem::offset_of!(Listener, background) + Background::NEEDED;
    /// Where the history of energies and spans begins, the largest of these.
    pub const HISTORY: usize = std::mem::offset_of!(Listener, screen);

    /// One that has heard nothing yet, with the next sample at this place of the tape: as if there had been so much silence already.
    pub fn beginning_at(place: usize) -> Self {
        ToneBank::make_ready();
        let blocks = place / BLOCK;
        Self {
            screen: Screen::new(),
            position: (blocks * BLOCK) as u64,
            background: Background::default(),
            passed: 0,
            alert: 0,
            resting: 0,
            place: (blocks + KEPT_BLOCKS - 1) % KEPT_BLOCKS,
            run: None,
            challenger: None,
        }
    }

    /// Takes the next so many blocks of this slot, from this one on; [`Listener::step`] then judges one after
    /// the other, and [`Listener::skip`] goes by what needs no judging.
    #[inline(always)]
    pub fn take(&mut self, slot: &[[i16; BLOCK]; SLOT_BLOCKS], first: usize, count: usize, taken: &mut Taken) {
        self.screen.take(slot, first, count, taken);
    }

    /// Whether no window is looked at but where something is suspicious.
    #[inline(always)]
    pub fn is_calm(&self) -> bool {
        self.alert == 0
    }

    /// Goes by those of the next blocks taken in which there is nothing that could be part of a key; says how many.
    #[inline(always)]
    pub fn skip(&mut self, taken: &mut Taken) -> u32 {
        if self.alert > 0 {
            return 0;
        }
        let count = taken.skip();
        self.go_by(taken, count);
        count
    }

    /// Goes by all of the blocks taken: nothing in them [speaks](Self::is_spoken_to) of a key, and all is calm. Says how many they are.
    #[inline(always)]
    pub fn pass_all(&mut self, taken: &mut Taken) -> u32 {
        let count = taken.skip_all();
        self.go_by(taken, count);
        count
    }

    #[inline(always)]
    fn go_by(&mut self, taken: &mut Taken, blocks: u32) {
        let place = self.place + blocks as usize;
        self.place = if place < KEPT_BLOCKS { place } else { place - KEPT_BLOCKS };
        self.position += u64::from(blocks) * BLOCK as u64;
        self.let_pass(taken, blocks);
    }

    /// Nobody looks at the last windows.
    #[inline(always)]
    fn let_pass(&mut self, taken: &mut Taken, windows: u32) {
        self.passed = (self.passed + windows).min(OVERLOOKED);
        taken.unheard += windows as usize;
    }

    /// All blocks taken were gone through.
    #[inline(always)]
    pub fn finish(&mut self, taken: &mut Taken) {
        if taken.unheard == Background::FRAME && self.windows_in_frame(0) == 0 {
            // The usual case.
            return self.background.pass_frame(taken.quietest());
        }
        self.hear_passed(taken, 0);
    }

    /// The background hears of the windows before the present so many that nobody has looked at.
    fn hear_passed(&mut self, taken: &mut Taken, present: usize) {
        for n in (present..present + std::mem::take(&mut taken.unheard)).rev() {
            self.background.pass(taken.windows(n + 1)[0]);
            if self.windows_in_frame(n) == 0 {
                self.background.end_frame();
            }
        }
    }

    /// How many windows the present frame of the background has, so many windows ago; none where a frame has just ended.
    #[inline(always)]
    fn windows_in_frame(&self, ago: usize) -> usize {
        (self.position / BLOCK as u64).wrapping_sub(ago as u64) as usize % Background::FRAME
    }

    /// Judges the window that ends with the next block taken.
    #[inline(always)]
    pub fn step(&mut self, taken: &mut Taken, tape: Tape, events: &mut impl FnMut(KeyEvent)) -> Verdict {
        self.advance(taken);
        if self.alert == 0 {
            return self.watch(taken, tape, events);
        }
        match self.run {
            Some(run) if run.pressed && run.misses == 0 => self.attend(taken, tape, events),
            _ => self.examine(taken, tape, events),
        }
    }

    #[inline(always)]
    fn advance(&mut self, taken: &mut Taken) {
        self.position += BLOCK as u64;
        taken.advance();
        self.place = (self.place + 1) % KEPT_BLOCKS;
    }

    /// Looks at a window if it is suspicious; if it speaks of a key, at those before as well: they may be part of it. A key without such a
    /// window would not be believed.
    #[inline(always)]
    fn watch(&mut self, taken: &mut Taken, tape: Tape, events: &mut impl FnMut(KeyEvent)) -> Verdict {
        if !taken.is_suspicious() || !self.speaks(tape, self.place, taken.mean_square()) {
            self.let_pass(taken, 1);
            return Verdict::Nothing;
        }
        self.hear_passed(taken, 1);
        self.background.cut_frame(OVERLOOKED);
        let overlooked = std::mem::take(&mut self.passed);
        self.examine_from(overlooked, taken, tape, events)
    }

    /// Whether any of the blocks taken ends a suspicious window that speaks of a key.
    #[inline(always)]
    pub fn is_spoken_to(&self, taken: &Taken, tape: Tape) -> bool {
        taken.suspicious().any(|(block, mean_square)| {
            let place = self.place + 1 + block;
            self.speaks(tape, if place < KEPT_BLOCKS { place } else { place - KEPT_BLOCKS }, mean_square)
        })
    }

    /// Whether the window that ends at this place, and has this mean square, speaks of a key in earnest, or would if half of it were noise
    /// that was there before, or if there is little else in it.
    #[inline(always)]
    fn speaks(&self, tape: Tape, place: usize, mean_square: f32) -> bool {
        Self::judged(tape, place, mean_square, WORTH_AT_FIRST, f32::MAX).is_some_and(|(verdict, fit)| {
            verdict.is_in_earnest() || (verdict != Verdict::Nothing && fit.explained >= BEGINS * fit.total)
        })
    }

    /// Looks at every third window of a press. As long as that is clean and lies well within the tones, those between, which it
    /// covers, would say the same; where it is not they are looked at after all.
    #[inline(always)]
    fn attend(&mut self, taken: &mut Taken, tape: Tape, events: &mut impl FnMut(KeyEvent)) -> Verdict {
        self.resting += 1;
        if self.resting < REST {
            return Verdict::Nothing;
        }
        let overlooked = std::mem::take(&mut self.resting) - 1;
        if let Some((verdict, fit)) =
            Self::judged(tape, self.place, taken.mean_square(), WORTH, self.background.level())
            && fit.slope() < WITHIN
            && matches!(verdict, Verdict::Clean(key) if Some(key) == self.held())
        {
            self.follow(verdict, Some(&fit), REST, events);
            return verdict;
        }
        self.examine_from(overlooked, taken, tape, events)
    }

    /// Looks at this window, and first at so many before it.
    #[inline(always)]
    fn examine_from(&mut self, back: u32, taken: &mut Taken, tape: Tape, events: &mut impl FnMut(KeyEvent)) -> Verdict {
        if back > 0 {
            self.position -= u64::from(back) * BLOCK as u64;
            taken.back(back as usize);
            self.place = (self.place + KEPT_BLOCKS - back as usize) % KEPT_BLOCKS;
        }
        for _ in 0..back {
            self.examine(taken, tape, events);
            self.advance(taken);
        }
        self.examine(taken, tape, events)
    }

    /// Looks at a window, suspicious or not.
    #[inline(always)]
    fn examine(&mut self, taken: &mut Taken, tape: Tape, events: &mut impl FnMut(KeyEvent)) -> Verdict {
        if self.run.is_none() {
            self.background.hear(taken.mean_square());
        }
        let judged = Self::judged(tape, self.place, taken.mean_square(), WORTH, self.background.level());
        let (verdict, fit) = judged.map_or((Verdict::Nothing, None), |(verdict, fit)| (verdict, Some(fit)));
        self.follow(verdict, fit.as_ref(), 1, events);
        // As long as a run is on nobody rests, nor while noise may hide one.
        let stays = self.run.is_some() || (fit.is_some() && self.background.level() > 0.0);
        self.alert = if stays { ALERT } else { self.alert.saturating_sub(1) };
        verdict
    }

    /// What the window that ends at this place says, which has this mean square, with so much of a background; nothing if it is not worth
    /// a fit, for which its strongest row and column must show such a share of its energy.
    #[inline(never)]
    fn judged(tape: Tape, place: usize, total: f32, worth: f32, background: f32) -> Option<(Verdict, Fit)> {
        if total < LEVEL_FLOOR {
            return None;
        }
        simd::run(Judged { tape, place, total, worth, background })
    }

    /// The key held down at this moment, if any.
    #[inline]
    pub fn held(&self) -> Option<Key> {
        self.run.as_ref().filter(|run| run.pressed).map(|run| run.key)
    }

    /// Samples of the blocks stepped on.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// First and last sample of a run that has gone on for so long that another receiver might take it for a
    /// key, whether or not it is believed here.
    #[inline]
    pub fn suspect(&self) -> Option<(u64, u64)> {
        self.run.as_ref().filter(|run| run.is_suspect()).map(|run| (run.earliest(), run.last))
    }

    /// What a window says, which stands for so many.
    fn follow(&mut self, verdict: Verdict, fit: Option<&Fit>, windows: u32, events: &mut impl FnMut(KeyEvent)) {
        let at = self.position;
        let heard = verdict.key().zip(fit);
        let Some(run) = &mut self.run else {
            self.run = heard.map(|(_, fit)| Run::begin(at, verdict, fit));
            return;
        };
        match heard {
            Some((key, fit)) if key == run.key => {
                run.hear(at, verdict, fit, windows);
                self.challenger = None;
                if !run.pressed && run.is_believable(self.background.level()) {
                    run.pressed = true;
                    events(KeyEvent::Down { key, at: run.started_at(), sound: run.sound() });
                }
                return;
            }
            Some((key, fit)) => match &mut self.challenger {
                Some(challenger) if challenger.key == key => challenger.hear(at, verdict, fit, 1),
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

/// A window that is to be fitted and judged: where it ends on the tape, its mean square, what share of that the strongest row and column
/// must show, and the mean square of the background.
struct Judged<'a> {
    tape: Tape<'a>,
    place: usize,
    total: f32,
    worth: f32,
    background: f32,
}

impl Kernel for Judged<'_> {
    type Output = Option<(Verdict, Fit)>;

    #[inline(always)]
    fn run(self) -> Self::Output {
        let Judged { tape, place, total, worth, background } = self;
        let mut copy = [0; LENGTH];
        let window = tape.window(place, &mut copy);
        let bank = ToneBank::new();
        let look = bank.look(window, worth * total)?;
        let fit = bank.fit(window, &look, total)?;
        Some((judge(&fit, background), fit))
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
        let DtmfReceiver { listener, tape, slot, end } = receiver;
        while !rest.is_empty() {
            if *end == SLOT {
                (*slot, *end) = (tape::next(*slot), 0);
            }
            let begin = *end;
            let (now, later) = rest.split_at((SLOT - begin).min(rest.len()));
            *end = begin + now.len();
            tape.write().samples(*slot, begin..*end).copy_from_slice(now);
            let blocks = *end / BLOCK - begin / BLOCK;
            let mut taken = Taken::default();
            listener.take(tape.read().slot(*slot), begin / BLOCK, blocks, &mut taken);
            let mut left = blocks as u32;
            while left > 0 {
                let skipped = listener.skip(&mut taken);
                left -= skipped;
                if left > 0 {
                    listener.step(&mut taken, tape.read(), events);
                    left -= 1;
                }
            }
            listener.finish(&mut taken);
            rest = later;
        }
    }
}
