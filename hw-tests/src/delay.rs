//! How late a listener hears, by a coded tone: a caller speaks a tone whose pitch says when it was sent.
//!
//! The pitch rises from `LOW` by `RISE` in a second for `ROUND` seconds, and begins again. A page that plays it tells the
//! pitch of the last moment and the time; caller and page are on one computer and share its clock, so the difference is the delay,
//! up to one round.
//!
//! Data path: [`say`] → caller of the exchange → trunk, gateway, stream, portal, page → [`TAP`] → [`Delay`].
//! Time: the computer's clock, milliseconds since 1970 at both ends. The exchange tells for how long a call has been connected, and
//! speaks `AFTER_ANSWER_MS` later; that is right within a chunk of its card, 20 ms at most.

use crate::browser::Browser;
use crate::daemon::Daemon;
use crate::sound;
use control::{DialPlan, ExchangeCallState};
use serde_json::Value;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

/// Hz at the beginning of a round.
const LOW: f64 = 500.0;
/// Hz in a second.
const RISE: f64 = 200.0;
/// Seconds.
const ROUND: f64 = 8.0;
/// Rounds that are sent: four minutes.
const ROUNDS: usize = 30;
/// How long the exchange's callers are silent after the answer.
const AFTER_ANSWER_MS: u64 = 1000;

/// For the page, before its own scripts: whatever goes to the loudspeaker passes an analyser, `window.pitch()` is what it hears.
pub const TAP: &str = r#"
"use strict";
{
  const connect = AudioNode.prototype.connect;
  let analyser = null;
  const tap = (node, to) => {
    analyser = to.context.createAnalyser();
    analyser.fftSize = 4096;
    connect.call(node, analyser);
  };
  AudioNode.prototype.connect = function (to, ...rest) {
    if (to instanceof AudioDestinationNode) tap(this, to);
    return connect.call(this, to, ...rest);
  };
  const Plain = window.Audio;
  let played = null;
  window.Audio = function () { return (played = new Plain()); };
  // Of an element without a graph of its own.
  window.listen = () => {
    const context = new AudioContext();
    context.createMediaElementSource(played).connect(context.destination);
    return context.resume();
  };
  // The mean pitch between the first and the last rise through zero, and when the middle of it was heard.
  window.pitch = () => {
    const samples = new Float32Array(analyser.fftSize);
    analyser.getFloatTimeDomainData(samples);
    const { sampleRate, baseLatency, outputLatency } = analyser.context;
    const now = performance.timeOrigin + performance.now() + 1000 * (baseLatency + (outputLatency || 0));
    const rises = [];
    for (let place = 1; place < samples.length; place++) {
      const [before, after] = [samples[place - 1], samples[place]];
      if (before < 0 && after >= 0) rises.push(place - 1 + before / (before - after));
    }
    if (rises.length < 10) return null;
    const [first, last] = [rises[0], rises[rises.length - 1]];
    return { hz: (rises.length - 1) * sampleRate / (last - first),
      at: now - 1000 * (samples.length - (first + last) / 2) / sampleRate };
  };
}
"#;

/// A caller that speaks the tone.
#[derive(Clone, Copy, Debug)]
pub struct Delay {
    /// When the first round began, in ms since 1970.
    began_ms: f64,
}

fn now_ms() -> f64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("after 1970").as_secs_f64() * 1000.0
}

fn tone() -> impl Iterator<Item = i16> {
    let round = (ROUND * 8000.0) as usize;
    (0..round * ROUNDS).map(move |place| {
        let seconds = (place % round) as f64 / 8000.0;
        let turns = LOW * seconds + RISE * seconds * seconds / 2.0;
        (8000.0 * (turns * std::f64::consts::TAU).sin()) as i16
    })
}

/// Dials in with event number and PIN, and speaks the tone.
///
/// # Panics
/// When the call does not come through.
#[must_use]
pub fn say(daemon: &Daemon, event: &str, pin: &str) -> Delay {
    let file = daemon.file("tone.wav");
    // The keys are part of what is said: so it is known when the tone begins.
    let mut samples = sound::keys(&format!("{event}#"));
    samples.extend([0; 12_000]);
    samples.extend(sound::keys(&format!("{pin}#")));
    samples.extend([0; 12_000]);
    let before_ms = samples.len() as f64 / 8.0;
    samples.extend(tone());
    sound::write(&file, &samples);
    let plan = DialPlan { calling: Some("2025550144".into()), wav: text(&file), ..DialPlan::default() };
    let call = daemon.client().exchange_dial(plan).expect("dialled");
    let answered_ms = daemon.wait_for("an answer", Duration::from_secs(20), |client| {
        let call = client.exchange_calls().ok()?.into_iter().find(|one| one.id == call)?;
        (call.state == ExchangeCallState::Connected).then(|| now_ms() - call.connected_ms as f64)
    });
    Delay { began_ms: answered_ms + AFTER_ANSWER_MS as f64 + before_ms }
}

fn text(path: &Path) -> Option<String> {
    path.to_str().map(str::to_owned)
}

impl Delay {
    /// How many milliseconds late a page with [`TAP`] in it plays the tone: the median of two seconds.
    ///
    /// # Panics
    /// When it does not play it.
    pub fn heard_by(&self, browser: &mut Browser) -> f64 {
        let deadline = Instant::now() + Duration::from_secs(30);
        let mut late = Vec::new();
        while late.len() < 40 {
            assert!(Instant::now() < deadline, "the tone is not heard: {late:?}");
            std::thread::sleep(Duration::from_millis(50));
            late.extend(self.of(&browser.evaluate("pitch()")));
        }
        late.sort_by(f64::total_cmp);
        late[late.len() / 2]
    }

    fn of(&self, heard: &Value) -> Option<f64> {
        let (hz, at_ms) = (heard["hz"].as_f64()?, heard["at"].as_f64()?);
        let sent_s = (hz - LOW) / RISE;
        (0.0..ROUND).contains(&sent_s).then(|| (at_ms - self.began_ms - sent_s * 1000.0).rem_euclid(ROUND * 1000.0))
    }
}
