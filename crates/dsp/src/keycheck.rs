//! Why a key was heard, or was not: a whole recording examined for presses and for what came near.
//!
//! [`DtmfReceiver`] hears the presses. Beside it a slower search looks for any two tones in the
//! neighbourhood of a key, measures them, and names where they depart from what must be heard. For tools, not for calls: it
//! allocates and takes its time.
//!
//! Data path: the samples of one channel → [`examine`] → [`Finding`]s in order of time.
//! Time: counted in samples of the recording.
//! Source: ITU-T Q.24 (11/88) table A-1 for what must be heard.
//! Words: a *near miss* is a stretch of two tones near a key that no press was heard in.

use crate::dtmf::{COLUMN_HZ, DtmfReceiver, Key, KeyEvent, ROW_HZ, Sound};
use crate::level::{dbm0_of, mean_square_of};
use crate::{SAMPLE_RATE, samples_in_ms};
use std::f32::consts::TAU;

/// A press, or what came near one.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// Which key, or which it came near to.
    pub key: Key,
    /// Where it began, in samples.
    pub started_at: u64,
    /// How long it lasted, in samples.
    pub samples: u64,
    /// How it sounded.
    pub sound: Sound,
    /// Whether the receiver heard it.
    pub heard: bool,
    /// Where it departs from what must be heard; empty if nowhere.
    pub departures: Vec<Departure>,
}

/// One way in which tones depart from what every receiver must take for a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Departure {
    /// Less than 40 ms long.
    Short,
    /// The pause before it was less than 40 ms, after the same key.
    Pause,
    /// A tone below -36 dBm0.
    Weak,
    /// The row tone is more than 1.5 % and 2 Hz off.
    RowOff,
    /// The column tone is.
    ColumnOff,
    /// The column tone is more than 4 dB above the row tone.
    ColumnStrong,
    /// The row tone is more than 8 dB above the column tone.
    RowStrong,
    /// What else there is is less than 15 dB below the tones.
    Noise,
}

/// The presses and the near misses of a recording of one channel, in order of time.
#[must_use]
pub fn examine(samples: &[i16]) -> Vec<Finding> {
    let mut findings = presses(samples);
    let stretches = stretches(samples);
    for (index, stretch) in stretches.iter().enumerate() {
        let heard = findings.iter().find(|press| press.heard && stretch.overlaps(press));
        // A second stretch within one press: the receiver has bridged the pause.
        let again = index > 0
            && stretches[index - 1].key == stretch.key
            && heard.is_some_and(|press| press.heard && stretches[index - 1].overlaps(press));
        let mut missed = stretch.finding();
        if again {
            missed.departures.push(Departure::Pause);
        } else if heard.is_some() {
            continue;
        }
        findings.push(missed);
    }
    findings.sort_by_key(|finding| finding.started_at);
    findings
}

fn presses(samples: &[i16]) -> Vec<Finding> {
    let mut receiver = DtmfReceiver::new();
    let mut presses = vec![];
    let mut hear = |event| {
        if let KeyEvent::Up { key, started_at, samples, sound } = event {
            presses.push(Finding { key, started_at, samples, sound, heard: true, departures: vec![] });
        }
    };
    receiver.process(samples, &mut hear);
    // A key held to the end is let go there.
    receiver.process(&vec![0; samples_in_ms(100) as usize], &mut hear);
    for press in &mut presses {
        press.departures = departures(press.key, press.samples + EDGE, &press.sound);
    }
    presses
}

/// Where these tones depart from what must be heard.
fn departures(key: Key, samples: u64, sound: &Sound) -> Vec<Departure> {
    let tones = mean_square_of(sound.row_dbm0) + mean_square_of(sound.column_dbm0);
    let beyond = |offset_hz: f32, hz: f32| offset_hz.abs() > 0.015 * hz + 2.0 + ACCURACY_HZ;
    let (row_hz, column_hz) = key.frequencies();
    let all = [
        (samples < u64::from(samples_in_ms(40)), Departure::Short),
        (sound.row_dbm0.min(sound.column_dbm0) < -36.5, Departure::Weak),
        (beyond(sound.row_offset_hz, row_hz), Departure::RowOff),
        (beyond(sound.column_offset_hz, column_hz), Departure::ColumnOff),
        (sound.twist_db() > 4.3, Departure::ColumnStrong),
        (sound.twist_db() < -8.3, Departure::RowStrong),
        // Of a short one no window is filled, and its edges would pass for noise.
        (samples >= u64::from(samples_in_ms(30)) && dbm0_of(tones) - sound.rest_dbm0 < 14.5, Departure::Noise),
    ];
    all.into_iter().filter_map(|(departs, departure)| departs.then_some(departure)).collect()
}

/// How well a frequency is measured: what is less than so far beyond a limit is not told.
const ACCURACY_HZ: f32 = 1.0;
/// A length is measured a little short or long: by so many samples.
const EDGE: u64 = 16;

/// A stretch of windows with two tones near the same key.
#[derive(Debug)]
struct Stretch {
    key: Key,
    /// Middle of the first window, and the windows in steps of [`HOP`].
    from: usize,
    windows: Vec<Window>,
}

/// Two tones in one window.
#[derive(Debug, Clone, Copy)]
struct Window {
    key: Key,
    row: (f32, f32),
    column: (f32, f32),
    total: f32,
}

impl Window {
    fn tones(&self) -> f32 {
        self.row.1 + self.column.1
    }
}

impl Stretch {
    /// The windows whose middle is within the tones: where these begin and end a window holds half of them, 6 dB less.
    fn within(&self) -> (usize, &[Window]) {
        let most = self.windows.iter().map(Window::tones).fold(0.0, f32::max);
        let inside = |window: &Window| window.tones() > most / 4.0;
        let first = self.windows.iter().position(inside).unwrap_or(0);
        let last = self.windows.iter().rposition(inside).unwrap_or(0);
        (first, &self.windows[first..=last])
    }

    fn started_at(&self) -> u64 {
        (self.from + self.within().0 * HOP) as u64
    }

    fn samples(&self) -> u64 {
        (self.within().1.len() * HOP) as u64
    }

    fn overlaps(&self, press: &Finding) -> bool {
        self.started_at() < press.started_at + press.samples && press.started_at < self.started_at() + self.samples()
    }

    fn finding(&self) -> Finding {
        let (_, within) = self.within();
        // The windows that are filled, or the fullest of a short stretch.
        let most = within.iter().map(Window::tones).fold(0.0, f32::max);
        let full: Vec<_> = within.iter().filter(|window| window.tones() > 0.7 * most).collect();
        let mean = |of: fn(&Window) -> f32| full.iter().map(|window| of(window)).sum::<f32>() / full.len() as f32;
        let (row_hz, column_hz) = self.key.frequencies();
        let sound = Sound {
            row_dbm0: dbm0_of(mean(|window| window.row.1)),
            column_dbm0: dbm0_of(mean(|window| window.column.1)),
            row_offset_hz: mean(|window| window.row.0) - row_hz,
            column_offset_hz: mean(|window| window.column.0) - column_hz,
            rest_dbm0: dbm0_of(mean(|window| (window.total - window.tones()).max(0.0))),
        };
        let departures = departures(self.key, self.samples() + EDGE, &sound);
        Finding {
            key: self.key,
            started_at: self.started_at(),
            samples: self.samples(),
            sound,
            heard: false,
            departures,
        }
    }

    /// Whether it is worth a technician's time: two tones and little else, for long enough to be meant.
    fn is_meant(&self) -> bool {
        let (_, within) = self.within();
        let share = within.iter().map(|window| window.tones() / window.total).sum::<f32>() / within.len() as f32;
        let spread = |of: fn(&Window) -> f32| {
            let values = within.iter().map(of);
            values.clone().fold(f32::MIN, f32::max) - values.fold(f32::MAX, f32::min)
        };
        within.len() >= LEAST
            && share >= 0.75
            && spread(|window| window.row.0) < 0.05 * ROW_HZ[self.key.row()]
            && spread(|window| window.column.0) < 0.05 * COLUMN_HZ[self.key.column()]
    }
}

fn stretches(samples: &[i16]) -> Vec<Stretch> {
    let search = Search::new();
    let mut all: Vec<Stretch> = vec![];
    let mut current: Option<Stretch> = None;
    for (index, start) in (0..samples.len().saturating_sub(LENGTH)).step_by(HOP).enumerate() {
        let found = search.look(&samples[start..start + LENGTH]);
        let from = index * HOP + LENGTH / 2;
        match (&mut current, found) {
            (Some(stretch), Some(window)) if stretch.key == window.key => stretch.windows.push(window),
            (_, found) => {
                all.extend(current.take());
                current = found.map(|window| Stretch { key: window.key, from, windows: vec![window] });
            }
        }
    }
    all.extend(current);
    all.retain(Stretch::is_meant);
    all
}

/// Samples of a window: 12 ms.
const LENGTH: usize = 96;
/// Samples from one window to the next.
const HOP: usize = 16;
/// Windows a stretch must have: 8 ms.
const LEAST: usize = 4;
/// Step of the search in Hz.
const STEP_HZ: f32 = 20.0;
/// The groups with 6 % on either side, in steps from the first frequency.
const ROWS: (f32, usize) = (640.0, 20);
const COLUMNS: (f32, usize) = (1_120.0, 34);

/// Looks for the strongest tone of either group in a window, wherever it lies.
struct Search {
    shape: Vec<f32>,
    rows: Vec<Wave>,
    columns: Vec<Wave>,
}

/// Cosine and sine of one frequency under the shape of the window.
type Wave = Vec<(f32, f32)>;

impl Search {
    fn new() -> Self {
        // Raised cosine: the groups do not leak into one another.
        let shape: Vec<f32> = (0..LENGTH).map(|n| 0.5 - 0.5 * (TAU * (n as f32 + 0.5) / LENGTH as f32).cos()).collect();
        let waves = |(from, count): (f32, usize)| {
            let wave = |hz: f32| {
                let turn = TAU * hz / SAMPLE_RATE as f32;
                let at = shape.iter().enumerate();
                at.map(|(n, shape)| ((turn * n as f32).cos() * shape, (turn * n as f32).sin() * shape)).collect()
            };
            (0..count).map(|step| wave(from + step as f32 * STEP_HZ)).collect()
        };
        Self { rows: waves(ROWS), columns: waves(COLUMNS), shape }
    }

    fn look(&self, samples: &[i16]) -> Option<Window> {
        let energy: f32 =
            samples.iter().zip(&self.shape).map(|(&sample, shape)| (f32::from(sample) * shape).powi(2)).sum();
        let total = energy / self.shape.iter().map(|shape| shape * shape).sum::<f32>();
        if total < mean_square_of(-57.0) {
            return None;
        }
        let (row, column) = (strongest(&self.rows, ROWS.0, samples)?, strongest(&self.columns, COLUMNS.0, samples)?);
        let key = Key::at(nearest(&ROW_HZ, row.0)?, nearest(&COLUMN_HZ, column.0)?)?;
        let window = Window { key, row, column, total };
        let twist = column.1 / row.1;
        (window.tones() > 0.6 * total && (0.02..50.0).contains(&twist)).then_some(window)
    }
}

/// Frequency in Hz and mean square of the strongest tone that is not at the end of the search.
fn strongest(waves: &[Wave], from_hz: f32, samples: &[i16]) -> Option<(f32, f32)> {
    let power: Vec<f32> = waves
        .iter()
        .map(|wave| {
            let (re, im) = wave.iter().zip(samples).fold((0.0f32, 0.0f32), |(re, im), ((cos, sin), &sample)| {
                (re + cos * f32::from(sample), im + sin * f32::from(sample))
            });
            re * re + im * im
        })
        .collect();
    let best = (1..power.len() - 1).max_by(|&one, &other| power[one].total_cmp(&power[other]))?;
    // A parabola through the logarithms of three.
    let [before, at, after] = [best - 1, best, best + 1].map(|index| power[index].max(1.0).ln());
    let bend = before - 2.0 * at + after;
    if bend >= 0.0 {
        return None;
    }
    let beside = (before - after) / (2.0 * bend);
    let peak = (at - (before - after) * beside / 4.0).exp();
    // Of a tone of mean square m the sum is m / 2 times the square of the shape's sum.
    let half = LENGTH as f32 / 2.0;
    (beside.abs() <= 1.0).then_some((from_hz + (best as f32 + beside) * STEP_HZ, 2.0 * peak / (half * half)))
}

/// The nearest of the frequencies, if it is within 6 %.
fn nearest(all: &[f32; 4], hz: f32) -> Option<usize> {
    let at = (0..4).min_by(|&one, &other| (all[one] - hz).abs().total_cmp(&(all[other] - hz).abs()))?;
    ((all[at] - hz).abs() < 0.06 * all[at]).then_some(at)
}
