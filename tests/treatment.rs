//! What can be done to voices on their way into a conference, on the whole voice path: each is off unless asked for, and none
//! takes the exactness of the mix.

use dsp::g711::{Law, decode, encode};
use dsp::level::power_dbm0;
use dsp::tones::{Oscillator, Tone};
use hal::{ChunkLength, Line, Timeslot};
use std::sync::Arc;
use trunkcast::gateway::{Channel, ConferenceIndex, Voice};
use trunkcast::prompts::Sounds;
use trunkcast::voice::{Settings, VoicePath};

const CHUNK: usize = 80;

/// A conference on a T1: what each member says by its level, and what each hears.
struct Conference {
    voice: VoicePath,
    ring: rtrb::Consumer<i16>,
    tones: Vec<Oscillator>,
    /// What a member's line returns of what was sent to it in the tick before, as a share.
    echo: Vec<f32>,
    sent: Vec<[i16; CHUNK]>,
}

impl Conference {
    fn new(settings: Settings, levels: &[f32]) -> Conference {
        let (outlet, ring) = rtrb::RingBuffer::new(100_000);
        let sounds = Arc::new(Sounds::english());
        let mut voice = VoicePath::new(&[Line::T1], ChunkLength::Ms10, settings, sounds, vec![outlet]);
        for member in 0..levels.len() {
            voice.command(Voice::Open(channel(member)));
            voice.command(Voice::Join(channel(member), ConferenceIndex(0)));
        }
        voice.command(Voice::StreamOpen(ConferenceIndex(0)));
        let tone = |(member, &dbm0)| Oscillator::new(Tone::new(410.0 + 130.0 * member as f32, dbm0));
        let tones = levels.iter().enumerate().map(tone).collect();
        Conference { voice, ring, tones, echo: vec![0.0; levels.len()], sent: vec![[0; CHUNK]; levels.len()] }
    }

    /// A tick; what everybody said and heard.
    fn tick(&mut self) -> (Vec<[i16; CHUNK]>, Vec<[i16; CHUNK]>) {
        let (mut said, mut heard) = (vec![], vec![]);
        for (member, tone) in self.tones.iter_mut().enumerate() {
            let (mut samples, mut octets) = ([0; CHUNK], [0; CHUNK]);
            tone.fill(&mut samples);
            for (sample, sent) in samples.iter_mut().zip(&self.sent[member]) {
                *sample = sample.saturating_add((f32::from(*sent) * self.echo[member]) as i16);
            }
            encode(Law::Mu, &samples, &mut octets);
            decode(Law::Mu, &octets, &mut samples);
            self.voice.receive(channel(member), &octets);
            said.push(samples);
        }
        self.voice.mix();
        for member in 0..self.tones.len() {
            let (mut samples, mut octets) = ([0; CHUNK], [0; CHUNK]);
            self.voice.transmit(channel(member), &mut octets);
            decode(Law::Mu, &octets, &mut samples);
            self.sent[member] = samples;
            heard.push(samples);
        }
        while self.voice.poll_heard().is_some() {}
        (said, heard)
    }

    /// Seconds of it; what everybody heard in the last.
    fn run(&mut self, seconds: usize) -> Vec<Vec<i16>> {
        let mut last = vec![vec![]; self.tones.len()];
        for tick in 0..100 * seconds {
            let (_, heard) = self.tick();
            if tick >= 100 * (seconds - 1) {
                heard.iter().zip(&mut last).for_each(|(chunk, all)| all.extend(chunk));
            }
        }
        last
    }

    fn streamed(&mut self) -> Vec<i16> {
        let count = self.ring.slots();
        let mut all = vec![0; count];
        all.fill_with(|| self.ring.pop().expect("counted"));
        all
    }
}

fn channel(member: usize) -> Channel {
    Channel { span: 0, timeslot: Timeslot(member as u8 + 1) }
}

/// What the octets of a sum of these are, decoded.
fn sum(parts: &[[i16; CHUNK]]) -> [i16; CHUNK] {
    std::array::from_fn(|n| {
        let total: i32 = parts.iter().map(|part| i32::from(part[n])).sum();
        Law::Mu.decode_one(Law::Mu.encode_one(total.clamp(-32_768, 32_767) as i16))
    })
}

#[test]
fn only_the_loudest_are_heard_and_nobody_hears_himself() {
    let mut conference = Conference::new(Settings { talkers: 2, ..Settings::default() }, &[-20.0, -30.0, -18.0, -40.0]);
    conference.run(1);
    for _ in 0..100 {
        let (said, heard) = conference.tick();
        assert_eq!(heard[0], sum(&[said[2]]));
        assert_eq!(heard[2], sum(&[said[0]]));
        assert_eq!(heard[1], sum(&[said[0], said[2]]));
        assert_eq!(heard[3], heard[1]);
    }
    // The floor of who is muted is given to the next.
    conference.voice.command(Voice::Mute(channel(0), true));
    conference.run(2);
    let (said, heard) = conference.tick();
    assert_eq!(heard[0], sum(&[said[1], said[2]]));
    let streamed = conference.streamed();
    let level = power_dbm0(&streamed[streamed.len() - 4_000..]);
    assert!((level + 17.7).abs() < 0.2, "-18 and -30 together, the -40 not among them: {level}");
}

#[test]
fn quiet_and_loud_callers_are_brought_together() {
    let settings = Settings { agc_target_dbm0: Some(-18.0), ..Settings::default() };
    let mut conference = Conference::new(settings, &[-26.0, -10.0]);
    let heard = conference.run(10);
    for (listener, heard) in heard.iter().enumerate() {
        assert!((power_dbm0(heard) + 18.0).abs() < 0.5, "{listener} hears {}", power_dbm0(heard));
    }
}

#[test]
fn a_gate_keeps_a_noisy_line_out() {
    let settings = Settings { noise_gate_dbm0: Some(-45.0), ..Settings::default() };
    let mut conference = Conference::new(settings, &[-52.0, -20.0]);
    let heard = conference.run(2);
    assert_eq!(power_dbm0(&heard[1]), dsp::level::SILENCE_DBM0);
    assert!((power_dbm0(&heard[0]) + 20.0).abs() < 0.2);
}

#[test]
fn an_echo_is_taken_out_before_the_mix() {
    for (tail_ms, echo_heard) in [(None, true), (Some(64), false)] {
        let mut conference =
            Conference::new(Settings { echo_tail_ms: tail_ms, ..Settings::default() }, &[-20.0, -90.0]);
        // The line of the second, who is silent, returns a quarter of what he hears: -32 dBm0.
        conference.echo[1] = 0.25;
        let heard = power_dbm0(&conference.run(3)[0]);
        assert_eq!(heard > -34.0, echo_heard, "the first hears himself at {heard} dBm0");
        assert!(echo_heard || heard < -60.0, "{heard} dBm0");
    }
}

#[test]
fn callers_hear_a_little_noise_in_silence_and_streams_do_not() {
    let mut conference =
        Conference::new(Settings { comfort_noise_dbm0: Some(-60.0), ..Settings::default() }, &[-90.0; 2]);
    let heard = conference.run(2);
    for heard in &heard {
        assert!((power_dbm0(heard) + 60.0).abs() < 1.5, "{}", power_dbm0(heard));
    }
    assert!(conference.streamed().iter().all(|&sample| sample == 0));
    // As soon as somebody speaks there is none.
    conference.tones[0] = Oscillator::new(Tone::new(500.0, -20.0));
    conference.tick();
    let (said, heard) = conference.tick();
    assert_eq!(heard[1], sum(&[said[0]]));
}

#[test]
fn what_is_clamped_is_counted() {
    let mut conference = Conference::new(Settings::default(), &[-10.0; 3]);
    conference.run(1);
    assert_eq!(conference.voice.samples_clipped(), 0);
    let mut conference = Conference::new(Settings::default(), &[0.0; 6]);
    conference.run(1);
    assert!(conference.voice.samples_clipped() > 100);
}

#[test]
fn nobody_inherits_from_the_caller_before() {
    let settings = Settings { agc_target_dbm0: Some(-18.0), talkers: 1, echo_tail_ms: Some(64), ..Settings::default() };
    let heard_anew = |first: Option<f32>| {
        let mut conference = Conference::new(settings, &[first.unwrap_or(-90.0), -90.0]);
        if first.is_some() {
            conference.run(5);
        }
        conference.voice.command(Voice::Close(channel(0)));
        conference.voice.command(Voice::Open(channel(0)));
        conference.voice.command(Voice::Join(channel(0), ConferenceIndex(0)));
        conference.tones[0] = Oscillator::new(Tone::new(500.0, -24.0));
        conference.run(1).swap_remove(1)
    };
    assert!(heard_anew(Some(-5.0)) == heard_anew(None));
}

#[test]
fn with_everything_on_nothing_is_allocated() {
    let settings = Settings {
        echo_tail_ms: Some(128),
        noise_gate_dbm0: Some(-45.0),
        agc_target_dbm0: Some(-18.0),
        talkers: 3,
        comfort_noise_dbm0: Some(-60.0),
        ..Settings::default()
    };
    let mut conference = Conference::new(settings, &[-20.0, -30.0, -90.0]);
    conference.run(1);
    let octets = [Law::Mu.encode_one(3_000); CHUNK];
    let counted = allocation_counter::measure(|| {
        let mut out = [0; CHUNK];
        for tick in 0..200 {
            if tick % 50 == 0 {
                conference.voice.command(Voice::Close(channel(0)));
                conference.voice.command(Voice::Open(channel(0)));
                conference.voice.command(Voice::Join(channel(0), ConferenceIndex(0)));
            }
            for member in 0..3 {
                conference.voice.receive(channel(member), &octets);
            }
            conference.voice.mix();
            for member in 0..3 {
                conference.voice.transmit(channel(member), &mut out);
            }
            while conference.voice.poll_heard().is_some() {}
        }
    });
    assert_eq!(counted.count_total, 0);
}
