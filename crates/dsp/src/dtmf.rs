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

use crate::tonebank::{BLOCK, Fit, ToneBank, WINDOW};

/// A key of the telephone's pad.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Key(u8);

/// Frequencies of the rows of keys, top to bottom, in Hz (Q.23, the low group).
pub const ROW_HZ: [f32; 4] = [697.0, 770.0, 852.0, 941.0];
/// Frequencies of the columns of keys, left to right, in Hz (Q.23, the high group).
pub const COLUMN_HZ: [f32; 4] = [1_209.0, 1_336.0, 1_477.0, 1_633.0];

const LAYOUT: [u8; 16] = *b"123A456B789C*0#D";

impl Key {
    /// All sixteen keys, row by row.
    pub const ALL: [Self; 16] = {
        let mut all = [Self(0); 16];
        let mut index = 0;
        while index < 16 {
            all[index] = Self(index as u8);
            index += 1;
        }
        all
    };

    /// The key at a row and column, both from 0 to 3.
    #[must_use]
    pub const fn at(row: usize, column: usize) -> Option<Self> {
        if row < 4 && column < 4 { Some(Self((row * 4 + column) as u8)) } else { None }
    }

    /// The key with this character: `0`-`9`, `*`, `#`, `A`-`D` in either case.
    #[must_use]
    pub fn from_char(character: char) -> Option<Self> {
        let wanted = character.to_ascii_uppercase();
        Self::ALL.into_iter().find(|key| key.to_char() == wanted)
    }

    /// The key's character: `0`-`9`, `*`, `#`, `A`-`D`.
    #[must_use]
    pub const fn to_char(self) -> char {
        LAYOUT[self.0 as usize] as char
    }

    /// Row from 0 (697 Hz) to 3 (941 Hz).
    #[must_use]
    pub const fn row(self) -> usize {
        self.0 as usize / 4
    }

    /// Column from 0 (1209 Hz) to 3 (1633 Hz).
    #[must_use]
    pub const fn column(self) -> usize {
        self.0 as usize % 4
    }

    /// The two frequencies of the key in Hz: low group, high group.
    #[must_use]
    pub const fn frequencies(self) -> (f32, f32) {
        (ROW_HZ[self.row()], COLUMN_HZ[self.column()])
    }
}

impl std::fmt::Display for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.to_char())
    }
}

/// What happened to a key, with positions in samples since the detector was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyEvent {
    /// A key was pressed and has lasted long enough to be believed.
    Down {
        /// Which key.
        key: Key,
        /// Where the press began, to a few milliseconds. The event comes some tens of milliseconds later.
        at: u64,
    },
    /// The key was let go.
    Up {
        /// Which key.
        key: Key,
        /// Where the press began.
        started_at: u64,
        /// How long it lasted, to a few milliseconds.
        samples: u64,
    },
}

/// Finds the keys pressed on one leg.
#[derive(Debug, Clone)]
pub struct DtmfReceiver {
    bank: ToneBank,
    position: u64,
    background: Background,
    run: Option<Run>,
    /// A different key heard while a press is still on: it takes over when it has lasted a little.
    challenger: Option<Run>,
}

/// What one window of the signal says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// No key.
    Nothing,
    /// It may be part of a key: enough to keep a run going.
    Plausible(Key),
    /// It looks like a key within the limits of Q.24, noise allowed for.
    Good(Key),
    /// It looks like a key and like little else: enough to mute a conversation at once.
    Clean(Key),
}

impl Verdict {
    pub(crate) fn key(self) -> Option<Key> {
        match self {
            Self::Nothing => None,
            Self::Plausible(key) | Self::Good(key) | Self::Clean(key) => Some(key),
        }
    }
}

/// Consecutive windows that say the same key.
#[derive(Debug, Clone, Copy)]
struct Run {
    key: Key,
    /// End of the first window that said so, in samples.
    first: u64,
    /// End of the last window that said so.
    last: u64,
    /// Windows that said so and held little else.
    pure: u32,
    /// Windows that said so in earnest, before it was believed.
    good: u32,
    /// Windows since the last that said so.
    misses: u32,
    /// Sums over the earnest windows.
    row_offset_hz: f32,
    column_offset_hz: f32,
    twist_db: f32,
    pressed: bool,
}

/// Windows in earnest before a press is believed. A tone of 20 ms fills 5 windows and touches 2 or 3 more; one of
/// 40 ms fills 15.
const BELIEVE: u32 = 12;
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
    /// A receiver that has heard nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self { bank: ToneBank::new(), position: 0, background: Background::default(), run: None, challenger: None }
    }

    /// Listens to a chunk of any length and reports presses and releases, in order.
    pub fn process(&mut self, samples: &[i16], events: &mut impl FnMut(KeyEvent)) {
        let mut rest = samples;
        while !rest.is_empty() {
            let (now, later) = rest.split_at(self.bank.wanted().min(rest.len()));
            self.step(now, events);
            rest = later;
        }
    }

    /// Takes at most the samples of the current block; a verdict when they complete it.
    pub(crate) fn step(&mut self, samples: &[i16], events: &mut impl FnMut(KeyEvent)) -> Option<Verdict> {
        self.position += samples.len() as u64;
        if !self.bank.absorb(samples) {
            return None;
        }
        let total = self.bank.mean_square();
        let background = self.background.hear(total, self.run.is_none());
        let fit = if total >= LEVEL_FLOOR { self.bank.fit() } else { None };
        let verdict = fit.as_ref().map_or(Verdict::Nothing, |fit| judge(fit, background));
        self.follow(verdict, fit.as_ref(), events);
        Some(verdict)
    }

    /// Samples the receiver takes before its next verdict.
    pub(crate) fn wanted(&self) -> usize {
        self.bank.wanted()
    }

    /// The key held down at this moment, if any.
    #[must_use]
    pub fn held(&self) -> Option<Key> {
        self.run.filter(|run| run.pressed).map(|run| run.key)
    }

    /// Samples heard so far.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.position
    }

    /// First and last sample of a run that has gone on for so long that another receiver might take it for a
    /// key, whether or not it is believed here.
    pub(crate) fn suspect(&self) -> Option<(u64, u64)> {
        self.run.filter(|run| run.pressed || run.pure >= SUSPECT).map(|run| (run.earliest(), run.last))
    }

    fn follow(&mut self, verdict: Verdict, fit: Option<&Fit>, events: &mut impl FnMut(KeyEvent)) {
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
                if !run.pressed && run.is_believable() {
                    run.pressed = true;
                    events(KeyEvent::Down { key, at: run.started_at() });
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
                events(KeyEvent::Up { key: run.key, started_at, samples });
            }
            self.run = self.challenger.take();
        }
    }
}

impl Run {
    fn begin(at: u64, verdict: Verdict, fit: &Fit) -> Self {
        let mut run = Self {
            key: fit.key,
            first: at,
            last: at,
            pure: 0,
            good: 0,
            misses: 0,
            row_offset_hz: 0.0,
            column_offset_hz: 0.0,
            twist_db: 0.0,
            pressed: false,
        };
        run.hear(at, verdict, fit);
        run
    }

    fn hear(&mut self, at: u64, verdict: Verdict, fit: &Fit) {
        self.last = at;
        self.misses = 0;
        self.pure = self.pure.saturating_add(u32::from(fit.explained >= PURE * fit.total));
        if matches!(verdict, Verdict::Good(_) | Verdict::Clean(_)) && !self.pressed {
            self.good = self.good.saturating_add(1);
            self.row_offset_hz += fit.row.offset_hz;
            self.column_offset_hz += fit.column.offset_hz;
            self.twist_db += twist_db(fit);
        }
    }

    fn is_believable(&self) -> bool {
        let count = self.good as f32;
        let (row, column) = (self.key.row(), self.key.column());
        self.good >= BELIEVE
            && self.row_offset_hz.abs() <= ROW_LIMIT_HZ[row] * count
            && self.column_offset_hz.abs() <= COLUMN_LIMIT_HZ[column] * count
            && self.twist_db <= TWIST_HIGH_DB * count
            && self.twist_db >= TWIST_LOW_DB * count
    }

    /// First sample of the first window that said so.
    fn earliest(&self) -> u64 {
        self.first.saturating_sub((WINDOW * BLOCK) as u64)
    }

    /// Likely first sample of the tone: the first window that speaks of a key reaches beyond it.
    fn started_at(&self) -> u64 {
        self.earliest() + ONSET_REACH
    }

    /// Likely end of the tone: the last window that speaks of a key reaches beyond it.
    fn ended_at(&self) -> u64 {
        self.last.saturating_sub(ONSET_REACH)
    }
}

/// How far the first and last windows of a run commonly reach beyond the tone, in samples.
const ONSET_REACH: u64 = 56;

/// Pure windows after which a run is suspect: some 24 ms of tone.
const SUSPECT: u32 = 9;

/// Share of a window's energy that the tones must have for the window to be pure. Receivers elsewhere want more.
const PURE: f32 = 0.75;

/// Lowest mean square looked at: -45 dBm0.
const LEVEL_FLOOR: f32 = 8_100.0;

/// Lowest mean square of a tone of a key: -43 dBm0. 7 dB below what must be accepted, so that the filter takes out
/// what receivers elsewhere still hear (some go down to -41 dBm0).
const TONE_FLOOR: f32 = 12_870.0;

/// Lowest mean square of a tone that may be part of a key: -46 dBm0.
const PLAUSIBLE_FLOOR: f32 = 6_450.0;

/// Largest mean offset of a row tone in Hz: half-way between the ±1.5 % (and 2 Hz) that must be accepted and the
/// ±3.5 % that must be refused, as the fit sees it (it exaggerates large offsets).
const ROW_LIMIT_HZ: [f32; 4] = [19.0, 21.1, 23.4, 26.0];
/// The same for the column tones.
const COLUMN_LIMIT_HZ: [f32; 4] = [34.4, 38.9, 44.1, 50.9];

/// Most by which the column may be stronger than the row, in dB: 4 must be accepted.
const TWIST_HIGH_DB: f32 = 5.3;
/// Most by which the row may be stronger than the column: 8 must be accepted.
const TWIST_LOW_DB: f32 = -9.5;

fn twist_db(fit: &Fit) -> f32 {
    10.0 * (fit.column.mean_square / fit.row.mean_square.max(1.0)).max(1e-9).log10()
}

fn judge(fit: &Fit, background: f32) -> Verdict {
    let (row, column) = (fit.key.row(), fit.key.column());
    let twist = fit.column.mean_square / fit.row.mean_square.max(1.0);
    let weaker = fit.row.mean_square.min(fit.column.mean_square);
    let (row_error, column_error) =
        (fit.row.offset_hz.abs() / ROW_LIMIT_HZ[row], fit.column.offset_hz.abs() / COLUMN_LIMIT_HZ[column]);
    let error = row_error.max(column_error);
    let slope = fit.row.slope.abs().max(fit.column.slope.abs());
    let foreground = fit.total - background.min(fit.total / 2.0);
    if weaker < PLAUSIBLE_FLOOR
        || fit.explained < 0.6 * foreground
        || fit.explained < 0.4 * fit.total
        || error > 2.0
        || !(0.04..=6.3).contains(&twist)
    {
        return Verdict::Nothing;
    }
    if weaker < TONE_FLOOR
        || fit.explained < 0.8 * foreground
        || fit.explained < 0.55 * fit.total
        || error > 1.4
        || slope > 0.4
        || !(0.08..=4.5).contains(&twist)
    {
        return Verdict::Plausible(fit.key);
    }
    if fit.explained < 0.93 * fit.total || error > 1.0 || slope > 0.15 || !(0.11..=3.4).contains(&twist) {
        return Verdict::Good(fit.key);
    }
    Verdict::Clean(fit.key)
}

/// The level that was there before a key and may well stay: noise, dial tone, hum.
///
/// The quietest window of each 16 ms stretch is kept; if those of the last 160 ms are alike, the quietest is background.
/// A voice is hardly ever as even. Nothing is learned while a run is on, for the key itself is not background.
#[derive(Debug, Clone, Default)]
struct Background {
    stretches: [f32; 10],
    next: usize,
    quietest: f32,
    count: u32,
    level: f32,
}

impl Background {
    /// Windows in a stretch.
    const STRETCH: u32 = 8;
    /// How much the stretches may differ: 3 dB.
    const EVEN: f32 = 2.0;

    /// Takes the mean square of a window; gives that of the background, zero if there is no steady one.
    fn hear(&mut self, total: f32, learn: bool) -> f32 {
        if learn {
            self.quietest = if self.count == 0 { total } else { self.quietest.min(total) };
            self.count += 1;
            if self.count == Self::STRETCH {
                self.count = 0;
                self.stretches[self.next] = self.quietest;
                self.next = (self.next + 1) % self.stretches.len();
                let lowest = self.stretches.iter().copied().fold(f32::INFINITY, f32::min);
                let highest = self.stretches.iter().copied().fold(0.0, f32::max);
                self.level = if highest <= lowest * Self::EVEN { lowest } else { 0.0 };
            }
        }
        self.level
    }
}
