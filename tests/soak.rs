//! Hours of virtual time: a tone that goes through the mixer unharmed, and a delay that does not grow.
//!
//! Two cards never run at the same rate. The one that leads sets the ticks; the other is behind a slip buffer, where a chunk is
//! dropped or idle now and then. What must not happen is that the difference is kept as delay. How long a sample may take is derived
//! in docs/ARCHITECTURE.md, "Delay".

use board_loopback::{FarEnd, LoopbackCard};
use dsp::g711::Law;
use hal::{Card, CardEvent, ChunkLength, DFrame, Error, Line, Readiness, SpanIndex, Timeslot, Traffic};
use std::os::fd::RawFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use trunkcast::gateway::{Channel, ConferenceIndex, Voice};
use trunkcast::prompts::Sounds;
use trunkcast::realtime::SlipBuffered;
use trunkcast::voice::{Settings, VoicePath};

const TICK: ChunkLength = ChunkLength::Ms5;
const SAMPLES: usize = TICK.samples();
const TICKS_AN_HOUR: u64 = 3_600_000 / TICK.milliseconds() as u64;
const SPAN: SpanIndex = SpanIndex(0);

fn on(span: u16, timeslot: u8) -> Channel {
    Channel { span, timeslot: Timeslot(timeslot) }
}

fn voice(lines: &[Line], settings: Settings, members: &[Channel]) -> (VoicePath, rtrb::Consumer<i16>) {
    let (outlet, ring) = rtrb::RingBuffer::new(32_768);
    let mut voice = VoicePath::new(lines, TICK, settings, Arc::new(Sounds::english()), vec![outlet]);
    for &channel in members {
        voice.command(Voice::Open(channel));
        voice.command(Voice::Join(channel, ConferenceIndex(0)));
    }
    (voice, ring)
}

/// A tone of 1 kHz has a period of eight samples: a sample that differs from the eighth before it is a discontinuity, and a
/// level that is the same in every second of an hour does not drift. What is left beside the tone is what G.711 adds.
fn an_hour_of_tone(settings: Settings) {
    let (speaker, listener) = (on(0, 1), on(0, 2));
    let (mut voice, mut ring) = voice(&[Line::T1], settings, &[speaker, listener]);
    voice.command(Voice::StreamOpen(ConferenceIndex(0)));
    let step = std::f32::consts::TAU / 8.0;
    let octets: [u8; SAMPLES] =
        std::array::from_fn(|n| Law::Mu.encode_one(((n as f32 * step + 0.3).sin() * 7_000.0) as i16));
    let silence = [Law::Mu.idle_octet(); SAMPLES];
    // Gain and floor settle in the first ten seconds.
    let settled = 10_000 / u64::from(TICK.milliseconds());
    let (mut last, mut last_streamed) = ([0i16; SAMPLES], [0i16; 8]);
    let (mut first_level, mut second): (Option<[f64; 2]>, Vec<i16>) = (None, Vec::with_capacity(8_000));
    for tick in 0..TICKS_AN_HOUR {
        voice.receive(speaker, &octets);
        voice.receive(listener, &silence);
        voice.mix();
        let (mut heard, mut own) = ([0; SAMPLES], [0; SAMPLES]);
        voice.transmit(listener, &mut heard);
        voice.transmit(speaker, &mut own);
        assert!(own == silence, "tick {tick}: the speaker hears himself");
        let now = heard.map(|octet| Law::Mu.decode_one(octet));
        let streamed = ring.slots();
        let chunk = ring.read_chunk(streamed).expect("as many as there are");
        for (n, &sample) in chunk.as_slices().0.iter().chain(chunk.as_slices().1).enumerate() {
            assert!(tick < settled || sample == last_streamed[n % 8], "tick {tick}: a discontinuity in the stream");
            last_streamed[n % 8] = sample;
        }
        chunk.commit_all();
        if tick >= settled {
            assert!(now == last, "tick {tick}: a discontinuity");
            second.extend(now);
        }
        last = now;
        if second.len() == 8_000 {
            let [tone, rest] = tone_and_rest(&second);
            let [tone_at_first, rest_at_first] = *first_level.get_or_insert([tone, rest]);
            assert_eq!(tone, tone_at_first, "tick {tick}: the level drifts");
            assert_eq!(rest, rest_at_first, "tick {tick}: something beside the tone");
            assert!(rest < tone / 3_000.0, "what G.711 adds is 35 dB below: {rest} of {tone}");
            second.clear();
        }
    }
    assert!(first_level.is_some_and(|[tone, _]| tone > 1e6), "the tone was heard");
}

/// Mean squares of the 1 kHz component of a second and of all others: what a transform would show in its one bin and the rest.
fn tone_and_rest(second: &[i16]) -> [f64; 2] {
    let (mut re, mut im, mut all) = (0.0, 0.0, 0.0);
    for (n, &sample) in second.iter().enumerate() {
        let (sin, cos) = ((n % 8) as f64 * std::f64::consts::TAU / 8.0).sin_cos();
        let sample = f64::from(sample);
        (re, im, all) = (re + sample * cos, im + sample * sin, all + sample * sample);
    }
    let count = second.len() as f64;
    let tone = 2.0 * (re * re + im * im) / (count * count);
    [tone, all / count - tone]
}

#[test]
fn an_hour_of_tone_has_no_discontinuity_and_does_not_drift() {
    an_hour_of_tone(Settings::default());
}

#[test]
fn nor_with_gain_gate_and_floor() {
    an_hour_of_tone(Settings {
        noise_gate_dbm0: Some(-45.0),
        agc_target_dbm0: Some(-18.0),
        talkers: 3,
        comfort_noise_dbm0: Some(-60.0),
        ..Settings::default()
    });
}

/// The far end of a span, and what it has counted.
struct Far {
    traffic: Box<dyn Traffic>,
    /// Samples by its own clock.
    clock: u64,
}

impl Far {
    /// One chunk, with an impulse on a timeslot or not; where the impulse of another came out on timeslot 2, if it did.
    fn turn(&mut self, impulse: bool) -> Option<u64> {
        let arrived = self.traffic.received(SPAN, Timeslot(2)).iter().position(|&octet| octet == loud());
        let chunk = self.traffic.to_send(SPAN, Timeslot(1));
        chunk.fill(Law::Mu.idle_octet());
        if impulse {
            chunk[17] = loud();
        }
        self.traffic.end().expect("present");
        let at = self.clock;
        self.clock += SAMPLES as u64;
        arrived.map(|place| at + place as u64)
    }

    fn is_ready(&mut self) -> bool {
        self.traffic.begin().expect("present") == Readiness::Ready
    }
}

fn loud() -> u8 {
    Law::Mu.encode_one(20_000)
}

/// A software card that has a clock: a chunk in it is whole when its clock says so, and not when the far end has written it.
struct Clocked {
    card: Box<dyn Traffic>,
    whole: Arc<AtomicU32>,
}

impl Traffic for Clocked {
    fn descriptors(&self) -> &[RawFd] {
        self.card.descriptors()
    }
    fn begin(&mut self) -> Result<Readiness, Error> {
        let took = self.whole.fetch_update(Relaxed, Relaxed, |whole| whole.checked_sub(1));
        if took.is_err() {
            return Ok(Readiness::NotYet);
        }
        assert_eq!(self.card.begin()?, Readiness::Ready, "the far end keeps its own time");
        Ok(Readiness::Ready)
    }
    fn received(&self, span: SpanIndex, timeslot: Timeslot) -> &[u8] {
        self.card.received(span, timeslot)
    }
    fn to_send(&mut self, span: SpanIndex, timeslot: Timeslot) -> &mut [u8] {
        self.card.to_send(span, timeslot)
    }
    fn end(&mut self) -> Result<(), Error> {
        self.card.end()
    }
    fn receive_frame(&mut self, span: SpanIndex) -> Result<Option<DFrame>, Error> {
        self.card.receive_frame(span)
    }
    fn send_frame(&mut self, span: SpanIndex, frame: &[u8]) -> Result<(), Error> {
        self.card.send_frame(span, frame)
    }
    fn next_event(&mut self) -> Option<CardEvent> {
        self.card.next_event()
    }
}

/// A card whose far end is one tick away, each way: filling a chunk, and emptying one.
fn card(name: &str) -> (Box<dyn Traffic>, Far) {
    let mut builder = LoopbackCard::builder(name);
    builder.delay_ms(TICK.milliseconds());
    let far: FarEnd = builder.span_to_exchange(Line::T1);
    let near = Box::new(builder.build()).start(TICK).expect("started").traffic;
    let far = Box::new(far.attach("far").expect("free")).start(TICK).expect("started").traffic;
    (near, Far { traffic: far, clock: 0 })
}

/// Delays in milliseconds from where a sample was sent to where it came out, the least and the greatest of an hour.
type Delays = (f64, f64);

/// From the first card or the other, to the first or the other.
type Ways = [[Option<Delays>; 2]; 2];

/// The last impulse that was sent: by which card, and when in milliseconds.
type Sent = (usize, f64);

fn came_out(ways: &mut Ways, sent: Sent, to: usize, at: f64) {
    let ms = at - sent.1;
    let (least, greatest) = ways[sent.0][to].unwrap_or((ms, ms));
    ways[sent.0][to] = Some((least.min(ms), greatest.max(ms)));
}

/// So many hours with the second card's clock faster by so much. Returns delays hour by hour, and slips.
fn hours_of_drift(hours: u64, ppm: f64) -> (Vec<[[Delays; 2]; 2]>, u64) {
    let (mut near, mut far) = card("leading");
    let (other, mut other_far) = card("other");
    let whole = Arc::new(AtomicU32::new(0));
    let other = Box::new(Clocked { card: other, whole: whole.clone() });
    let mut other = SlipBuffered::new(other, vec![Line::T1], TICK);
    // On each card timeslot 1 speaks and timeslot 2 listens.
    let members = [on(0, 1), on(0, 2), on(1, 1), on(1, 2)];
    let (mut voice, _ring) = voice(&[Line::T1, Line::T1], Settings::default(), &members);
    let rate = 1.0 + ppm * 1e-6;
    // The other card begins a third of a tick later.
    let others_ms = |clock: u64| (clock as f64 + SAMPLES as f64 / 3.0) / rate / 8.0;
    let (mut by_hour, mut sent, mut ticks) = (Vec::new(), (0, 0.0), 0_u64);
    for _ in 0..hours {
        let mut ways = Ways::default();
        for tick in 0..TICKS_AN_HOUR {
            // Every five seconds, a little less so that each time is another in the drift, one card speaks, and then the other.
            let (one, mut another) = (tick % 997 == 100, tick % 997 == 600);
            let now_ms = ticks as f64 * f64::from(TICK.milliseconds());
            ticks += 1;
            // What the other card's clock has done since the last tick: it is served at each of its beats, as a poll would.
            while others_ms(other_far.clock) <= now_ms {
                whole.fetch_add(1, Relaxed);
                other.serve().expect("present");
                assert!(other_far.is_ready());
                if another {
                    sent = (1, others_ms(other_far.clock + 17));
                }
                if let Some(at) = other_far.turn(std::mem::take(&mut another)) {
                    came_out(&mut ways, sent, 1, others_ms(at));
                }
            }
            assert!(far.is_ready());
            if one {
                sent = (0, (far.clock + 17) as f64 / 8.0);
            }
            if let Some(at) = far.turn(one) {
                came_out(&mut ways, sent, 0, at as f64 / 8.0);
            }
            assert_eq!(near.begin().expect("present"), Readiness::Ready);
            assert_eq!(other.begin().expect("present"), Readiness::Ready);
            for channel in members {
                let card: &dyn Traffic = if channel.span == 0 { &*near } else { &other };
                voice.receive(channel, card.received(SPAN, channel.timeslot));
            }
            voice.mix();
            for channel in members {
                let card: &mut dyn Traffic = if channel.span == 0 { &mut *near } else { &mut other };
                voice.transmit(channel, card.to_send(SPAN, channel.timeslot));
            }
            near.end().expect("present");
            other.end().expect("present");
            while voice.poll_heard().is_some() {}
        }
        by_hour.push(ways.map(|from| from.map(|delays| delays.expect("impulses arrived"))));
    }
    (by_hour, other.slips())
}

fn check(hours: u64, ppm: f64) {
    let (by_hour, slips) = hours_of_drift(hours, ppm);
    let tick = f64::from(TICK.milliseconds());
    // A thousand ticks pass between two impulses, in which the clocks move apart by a quarter of a millisecond.
    let slack = 1_000.0 * tick * ppm.abs() * 1e-6 + 0.01;
    for (hour, [[within, to], [from, within_other]]) in by_hour.iter().enumerate() {
        println!(
            "{ppm:+} ppm, hour {}: on the leading card {:.3} to {:.3} ms, to the other {:.2} to {:.2} ms, from it {:.2} to {:.2} ms, \
             on the other {:.2} to {:.2} ms",
            hour + 1,
            within.0,
            within.1,
            to.0,
            to.1,
            from.0,
            from.1,
            within_other.0,
            within_other.1
        );
        assert_eq!(*within, (2.0 * tick, 2.0 * tick), "two ticks, in every hour");
        // A chunk that is whole by one clock waits for the next beat of the other: two ticks and less than a third.
        for way in [to, from] {
            assert!(way.0 >= 2.0 * tick - 0.01 && way.1 <= 3.0 * tick + slack, "hour {hour}: {way:?}");
        }
        // Both waits together are a tick. While a slip is decided on, a second or two, it is one more.
        let (least, greatest) = *within_other;
        assert!(least >= 3.0 * tick - 0.1 && greatest <= 4.0 * tick + 0.1, "hour {hour}: {within_other:?}");
    }
    if let [first, .., last] = &by_hour[..] {
        for (then, now) in first.iter().flatten().zip(last.iter().flatten()) {
            assert!(now.1 <= then.1 + slack, "the delay has grown from {} to {} ms", then.1, now.1);
        }
    }
    // 50 ppm are one chunk of 5 ms in 100 s: one slip in each direction.
    let expected = 2 * (hours as f64 * 3_600.0 * ppm.abs() * 1e-6 * 200.0).round() as u64;
    println!("{slips} slips in both directions, {expected} expected");
    assert!(slips.abs_diff(expected) <= 2, "{slips} slips, {expected} expected");
}

#[test]
fn delay_does_not_grow_while_clocks_drift() {
    let hours = std::env::var("SOAK_HOURS").map_or(3, |hours| hours.parse().expect("SOAK_HOURS is a number of hours"));
    for ppm in [50.0, -50.0] {
        check(hours, ppm);
    }
}
