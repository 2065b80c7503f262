//! Hours of virtual time: a tone that goes through the mixer unharmed, and a delay that does not grow.
//!
//! Two cards never run at the same rate. The one that leads sets the ticks; the other is behind a slip buffer, where a chunk is
//! dropped or idle now and then. What must not happen is that the difference is kept as delay.

use board_loopback::{FarEnd, LoopbackCard};
use dsp::g711::Law;
use hal::{Card, ChunkLength, Line, Readiness, SpanIndex, Timeslot, Traffic};
use std::sync::Arc;
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

fn card(name: &str, delay_ms: u32) -> (Box<dyn Traffic>, Far) {
    let mut builder = LoopbackCard::builder(name);
    builder.delay_ms(delay_ms);
    let far: FarEnd = builder.span_to_exchange(Line::T1);
    let near = Box::new(builder.build()).start(TICK).expect("started").traffic;
    let far = Box::new(far.attach("far").expect("free")).start(TICK).expect("started").traffic;
    (near, Far { traffic: far, clock: 0 })
}

/// Delays in milliseconds from the far end of one card to the far end of another, the least and the greatest of an hour.
type Delays = (f64, f64);

fn add(delays: &mut Option<Delays>, ms: f64) {
    let (least, greatest) = delays.unwrap_or((ms, ms));
    *delays = Some((least.min(ms), greatest.max(ms)));
}

/// So many hours with the second card's clock faster by so much. Returns, hour by hour, delays within the leading card,
/// to the other, and from it; and slips.
fn hours_of_drift(hours: u64, ppm: f64) -> (Vec<[Delays; 3]>, u64) {
    let (mut near, mut far) = card("leading", TICK.milliseconds());
    // As the daemon has it.
    let (other, mut other_far) = card("other", 2 * TICK.milliseconds());
    let mut other = SlipBuffered::new(other, vec![Line::T1], TICK);
    // On each card timeslot 1 speaks and timeslot 2 listens.
    let members = [on(0, 1), on(0, 2), on(1, 1), on(1, 2)];
    let (mut voice, _ring) = voice(&[Line::T1, Line::T1], Settings::default(), &members);
    let rate = 1.0 + ppm * 1e-6;
    let (mut credit, mut by_hour) = (0.0, Vec::new());
    // When an impulse went out, in samples of the leading clock.
    let (mut sent, mut sent_by_other) = (0.0, 0.0);
    for _ in 0..hours {
        let mut delays: [Option<Delays>; 3] = [None; 3];
        for tick in 0..TICKS_AN_HOUR {
            // Every five seconds one card speaks, and the other two and a half later.
            let (one, another) = (tick % 1_000 == 100, tick % 1_000 == 600);
            assert!(far.is_ready());
            if one {
                sent = (far.clock + 17) as f64;
            }
            if let Some(at) = far.turn(one) {
                // Nearly half the time since the last impulse of either tells whose it is.
                let (own, from_other) = (at as f64 - sent, at as f64 - sent_by_other);
                let (index, samples) =
                    if own >= 0.0 && (from_other < 0.0 || own < from_other) { (0, own) } else { (2, from_other) };
                add(&mut delays[index], samples / 8.0);
            }
            credit += rate;
            let mut speaks = another;
            while credit >= 1.0 && other_far.is_ready() {
                credit -= 1.0;
                if speaks {
                    sent_by_other = (other_far.clock + 17) as f64 / rate;
                }
                if let Some(at) = other_far.turn(std::mem::take(&mut speaks)) {
                    let at = at as f64 / rate;
                    if at - sent < 4_000.0 {
                        add(&mut delays[1], (at - sent) / 8.0);
                    }
                }
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
        by_hour.push(delays.map(|delays| delays.expect("impulses arrived")));
    }
    (by_hour, other.slips())
}

fn check(hours: u64, ppm: f64) {
    let (by_hour, slips) = hours_of_drift(hours, ppm);
    for (hour, [within, to, from]) in by_hour.iter().enumerate() {
        println!(
            "{ppm:+} ppm, hour {}: on the leading card {:.3} to {:.3} ms, to the other {:.1} to {:.1} ms, from it {:.1} to {:.1} ms",
            hour + 1,
            within.0,
            within.1,
            to.0,
            to.1,
            from.0,
            from.1
        );
        let tick = f64::from(TICK.milliseconds());
        assert_eq!(*within, (2.0 * tick, 2.0 * tick), "two ticks, in every hour");
        // Two ticks as within a card, the other card's buffer of one more, its slip buffer of four chunks at most, and the part of
        // a chunk by which the clocks are apart.
        assert!(to.1 <= 9.0 * tick && from.1 <= 8.0 * tick, "hour {hour}: {to:?}, {from:?}");
    }
    // After the first hour, in which a buffer fills or empties, nothing is different from hour to hour.
    if let [_, second, .., last] = &by_hour[..] {
        for (then, now) in second.iter().zip(last) {
            assert!(now.1 <= then.1 + 0.2, "the delay has grown from {} to {} ms", then.1, now.1);
        }
    }
    // 50 ppm are one chunk of 5 ms in 100 s.
    let expected = (hours as f64 * 3_600.0 * ppm.abs() * 1e-6 * 200.0) as u64;
    println!("{slips} slips, {expected} chunks of difference");
    assert!(slips >= expected / 2 && slips <= 2 * expected + 4, "{slips} slips, {expected} chunks of difference");
}

#[test]
fn delay_does_not_grow_while_clocks_drift() {
    let hours = std::env::var("SOAK_HOURS").map_or(3, |hours| hours.parse().expect("SOAK_HOURS is a number of hours"));
    for ppm in [50.0, -50.0] {
        check(hours, ppm);
    }
}
