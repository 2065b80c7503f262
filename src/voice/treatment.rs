//! What is done to one caller's voice beyond keys: echo taken out, noise gated, level evened, the loudest chosen.
//!
//! All of it is off unless configured; a leg then has no [`Treatment`] and pays a look at an empty option. What is on is made at
//! the start, so that nothing is allocated when a call comes.
//!
//! Data path: decoded chunk → [`Treatment::take_out_echo`] → keys are taken out → [`Treatment::shape`] → the floor of the
//! conference → [`Treatment::settle`] → the sums; and what is sent to the caller → [`Treatment::was_sent`].
//! Time: one chunk a tick.

use super::Settings;
use dsp::agc::{Agc, AgcSettings};
use dsp::echo::EchoCanceller;
use dsp::g711::{self, Law};
use dsp::gate::{GateSettings, NoiseGate};
use dsp::talkers::{Floor, Talker};

/// What is done to the voice of one leg.
pub struct Treatment {
    settings: Settings,
    echo: Option<Echo>,
    shape: Option<Shape>,
}

struct Echo {
    canceller: EchoCanceller,
    /// What was sent in the last tick, as the line got it.
    sent: Vec<i16>,
}

/// What changes the chunks for the sums.
struct Shape {
    gate: Option<NoiseGate>,
    agc: Option<Agc>,
    talker: Option<Talker>,
    now: Vec<i16>,
    delayed: Vec<i16>,
    /// Whether there is anything to add, now and delayed.
    heard: (bool, bool),
}

impl Treatment {
    /// What these settings ask for; nothing where they ask for nothing.
    pub fn new(settings: Settings, samples: usize) -> Option<Box<Treatment>> {
        let echo = settings
            .echo_tail_ms
            .map(|tail_ms| Echo { canceller: EchoCanceller::new(tail_ms), sent: vec![0; samples] });
        let shape = settings.change_voices().then(|| Shape {
            gate: gate(settings),
            agc: agc(settings),
            talker: talker(settings),
            now: vec![0; samples],
            delayed: vec![0; samples],
            heard: (true, true),
        });
        (echo.is_some() || shape.is_some()).then(|| Box::new(Treatment { settings, echo, shape }))
    }

    /// Somebody else is there; nothing is known of his voice and line.
    pub fn reset(&mut self) {
        if let Some(echo) = &mut self.echo {
            echo.canceller.reset();
            echo.sent.fill(0);
        }
        if let Some(shape) = &mut self.shape {
            (shape.gate, shape.agc, shape.talker) = (gate(self.settings), agc(self.settings), talker(self.settings));
            shape.heard = (true, true);
        }
    }

    /// Take out of what a line returned what was sent to it.
    pub fn take_out_echo(&mut self, received: &mut [i16]) {
        if let Some(Echo { canceller, sent }) = &mut self.echo {
            canceller.process(sent, received);
        }
    }

    /// What the line gets in this tick, for the next.
    pub fn was_sent(&mut self, law: Law, octets: &[u8]) {
        if let Some(echo) = &mut self.echo {
            g711::decode(law, octets, &mut echo.sent);
        }
    }

    /// Gate and gain, over copies of what the key filter lends.
    pub fn shape(&mut self, talking: bool, now: &[i16], delayed: &[i16]) {
        let Some(shape) = &mut self.shape else { return };
        shape.now.copy_from_slice(now);
        shape.delayed.copy_from_slice(delayed);
        if let Some(gate) = &mut shape.gate {
            gate.process(&mut shape.now, &mut shape.delayed);
        }
        if let Some(agc) = &mut shape.agc {
            agc.process(talking, &mut shape.now, &mut shape.delayed);
        }
        if let Some(talker) = &mut shape.talker {
            talker.hear(&shape.now);
        }
    }

    /// Compete for the floor of the conference.
    pub fn offer(&self, member: u32, floor: &mut Floor) {
        if let Some(talker) = self.shape.as_ref().and_then(|shape| shape.talker.as_ref()) {
            floor.offer(member, talker);
        }
    }

    /// Whether the floor was given.
    pub fn settle(&mut self, has_floor: bool) {
        if let Some(Shape { talker: Some(talker), now, delayed, heard, .. }) = &mut self.shape {
            *heard = talker.settle(has_floor, now, delayed);
        }
    }

    /// What is said now, if the chunks are changed here: some if there is anything to hear.
    pub fn now(&self) -> Option<Option<&[i16]>> {
        self.shape.as_ref().map(|shape| shape.heard.0.then_some(&*shape.now))
    }

    /// The same for the stream.
    pub fn delayed(&self) -> Option<Option<&[i16]>> {
        self.shape.as_ref().map(|shape| shape.heard.1.then_some(&*shape.delayed))
    }
}

fn gate(settings: Settings) -> Option<NoiseGate> {
    let threshold_dbm0 = settings.noise_gate_dbm0?;
    Some(NoiseGate::new(GateSettings { threshold_dbm0, ..GateSettings::default() }))
}

fn agc(settings: Settings) -> Option<Agc> {
    let target_dbm0 = settings.agc_target_dbm0?;
    Some(Agc::new(AgcSettings { target_dbm0, ..AgcSettings::default() }))
}

fn talker(settings: Settings) -> Option<Talker> {
    (settings.talkers > 0).then(Talker::new)
}
