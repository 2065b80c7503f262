//! `trunkctl dtmf`: the keys in a recording, and why some were not heard.
//!
//! The receiver is the daemon's own; what came near a key is told with what was wrong with it.
//!
//! Data path: a file → [`wav`] → [`dsp::keycheck`] → a table, or JSON.
//! Source: ITU-T Q.24 (11/88) table A-1 for what must be heard; docs/DTMF.md says it in plain words.

mod wav;

use crate::args::{self, LineLaw};
use crate::failure::Failure;
use crate::output::Output;
use crate::table::{Set, Table};
use dsp::g711::Law;
use dsp::keycheck::{Departure, Finding, examine};
use dsp::level::{dbm0_of, mean_square_of};
use serde::Serialize;
use std::io::{self, Write as _};
use wav::Sound;

/// What is told of a recording.
#[derive(Debug, Serialize)]
struct Report {
    channels: usize,
    seconds: f64,
    presses: Vec<Press>,
}

/// A press, or what came near one.
#[derive(Debug, Serialize)]
struct Press {
    channel: usize,
    at_s: f64,
    key: String,
    heard: bool,
    ms: u64,
    row_dbm0: f32,
    column_dbm0: f32,
    twist_db: f32,
    row_off_percent: f32,
    column_off_percent: f32,
    snr_db: f32,
    reasons: Vec<Reason>,
}

/// Where a press departs from what must be heard.
#[derive(Debug, Serialize)]
struct Reason {
    reason: &'static str,
    text: String,
}

/// Listen to a recording and tell of the keys in it.
pub fn listen(wish: &args::Dtmf, output: Output) -> Result<(), Failure> {
    let name = wish.file.display();
    let octets = std::fs::read(&wish.file).map_err(|e| Failure::Usage(format!("{name} cannot be read: {e}")))?;
    let sound = match (wish.raw, wish.law) {
        (false, _) => wav::read(&octets).map_err(|e| Failure::Usage(format!("{name}: {e}")))?,
        (true, None) => Sound::linear(&octets, 1),
        (true, Some(LineLaw::Mu)) => Sound::companded(Law::Mu, &octets, 1),
        (true, Some(LineLaw::A)) => Sound::companded(Law::A, &octets, 1),
    };
    if sound.missing > 0 {
        // Beside the answer, which a program may read. A standard error that is closed is no reason not to answer.
        let _ =
            writeln!(io::stderr(), "trunkctl: {name} is cut short: {} octets of its sound are missing", sound.missing);
    }
    let mut presses = vec![];
    for (channel, samples) in sound.channels.iter().enumerate() {
        presses.extend(examine(samples).iter().map(|finding| Press::new(channel + 1, finding, wish.hide_keys)));
    }
    let longest = sound.channels.iter().map(Vec::len).max().unwrap_or(0);
    let seconds = longest as f64 / f64::from(dsp::SAMPLE_RATE);
    let report = Report { channels: sound.channels.len(), seconds, presses };
    output.answer(&report, || report.text())
}

impl Press {
    fn new(channel: usize, finding: &Finding, hide: bool) -> Press {
        let sound = &finding.sound;
        let (row_hz, column_hz) = finding.key.frequencies();
        let tones = dbm0_of(mean_square_of(sound.row_dbm0) + mean_square_of(sound.column_dbm0));
        // The sum makes a plain zero of a negative one.
        let tenths = |value: f32| (value * 10.0).round() / 10.0 + 0.0;
        let mut press = Press {
            channel,
            at_s: finding.started_at as f64 / f64::from(dsp::SAMPLE_RATE),
            key: if hide { "x".to_owned() } else { finding.key.to_string() },
            heard: finding.heard,
            ms: finding.samples / 8,
            row_dbm0: tenths(sound.row_dbm0),
            column_dbm0: tenths(sound.column_dbm0),
            twist_db: tenths(sound.twist_db()),
            row_off_percent: tenths(100.0 * sound.row_offset_hz / row_hz),
            column_off_percent: tenths(100.0 * sound.column_offset_hz / column_hz),
            snr_db: tenths(tones - sound.rest_dbm0),
            reasons: vec![],
        };
        press.reasons = finding.departures.iter().map(|&departure| press.reason(departure)).collect();
        if press.reasons.is_empty() && !press.heard {
            let text = "in no single thing, but more than one is near its limit or it does not keep steady".to_owned();
            press.reasons.push(Reason { reason: "unsteady", text });
        }
        press
    }

    fn reason(&self, departure: Departure) -> Reason {
        let side = |percent: f32| format!("{:.1} % too {}", percent.abs(), if percent > 0.0 { "high" } else { "low" });
        let (reason, text) = match departure {
            Departure::Short => {
                ("short", format!("{} ms long; 40 ms must be heard, less than 20 ms never is", self.ms))
            }
            Departure::Pause => (
                "pause",
                "hardly a pause before it: the same key again is a new press after 40 ms of silence".to_owned(),
            ),
            Departure::Weak => {
                let weaker = self.row_dbm0.min(self.column_dbm0);
                ("weak", format!("a tone of {weaker:.1} dBm0; -36 must be heard, below -50 never is"))
            }
            Departure::RowOff => {
                ("row_off", format!("row tone {}; 1.5 % must be heard, 3.5 % never is", side(self.row_off_percent)))
            }
            Departure::ColumnOff => {
                let side = side(self.column_off_percent);
                ("column_off", format!("column tone {side}; 1.5 % must be heard, 3.5 % never is"))
            }
            Departure::ColumnStrong => {
                ("column_strong", format!("column tone {:.1} dB above the row tone; 4 dB must be heard", self.twist_db))
            }
            Departure::RowStrong => {
                ("row_strong", format!("row tone {:.1} dB above the column tone; 8 dB must be heard", -self.twist_db))
            }
            Departure::Noise => ("noise", format!("other sound only {:.1} dB below; 15 dB must be heard", self.snr_db)),
        };
        Reason { reason, text }
    }
}

impl Report {
    fn text(&self) -> String {
        let heard = self.presses.iter().filter(|press| press.heard).count();
        let missed = self.presses.len() - heard;
        let mut table = Table::new(&[
            ("TIME", Set::Right),
            ("CH", Set::Right),
            ("KEY", Set::Left),
            ("HEARD", Set::Left),
            ("MS", Set::Right),
            ("ROW dBm0", Set::Right),
            ("COLUMN", Set::Right),
            ("TWIST", Set::Right),
            ("ROW %", Set::Right),
            ("COL %", Set::Right),
            ("SNR", Set::Right),
        ]);
        for press in &self.presses {
            table.row([
                format!("{}:{:06.3}", (press.at_s / 60.0) as u64, press.at_s % 60.0),
                press.channel.to_string(),
                press.key.clone(),
                if press.heard { "yes" } else { "NO" }.to_owned(),
                press.ms.to_string(),
                format!("{:.1}", press.row_dbm0),
                format!("{:.1}", press.column_dbm0),
                format!("{:+.1}", press.twist_db),
                format!("{:+.1}", press.row_off_percent),
                format!("{:+.1}", press.column_off_percent),
                format!("{:.0}", press.snr_db),
            ]);
            press.reasons.iter().for_each(|reason| table.remark(&reason.text));
        }
        let sum = format!(
            "{heard} heard, {missed} not, in {:.1} s{}.\n",
            self.seconds,
            if self.channels > 1 { format!(" of {} channels", self.channels) } else { String::new() }
        );
        if self.presses.is_empty() { sum } else { table.text() + "\n" + &sum }
    }
}
