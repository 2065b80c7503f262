//! The voice path: what every open channel says, hears and keys, one tick at a time.
//!
//! Data path: octets of a timeslot → decode → keys taken out, talk detected → mix of the conference →
//! less one's own voice, plus prompt and tones → encode → octets of the timeslot; and the delayed mix,
//! free of keys → ring → encoder.
//! Time: one chunk from every open channel a tick: [`VoicePath::receive_each`] for those of each span, [`VoicePath::mix`] once,
//! [`VoicePath::transmit_each`] for those of each span. Nothing here allocates after construction.
//! Words: *leg*, one caller's way into and out of a conference.

mod comfort;
mod conference;
mod leg;
mod names;
mod press;
mod speech;
#[cfg(test)]
mod tests;
mod treatment;

use crate::gateway::{Channel, SPAN_TIMESLOTS, Voice};
use crate::prompts::Sounds;
use conference::Mix;
use dsp::dtmf::Key;
use dsp::g711::Law;
use dsp::talkers::Floor;
use dsp::tape::Tapes;
use hal::{ChunkLength, Line};
use leg::Leg;
use names::Names;
use simd::Kernel;
use std::collections::VecDeque;
use std::sync::Arc;

pub use press::Press;

/// Something heard on a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// A key was pressed.
    Key(Key),
    /// It was let go, and sounded like this.
    Press(Press),
    /// All that was to be played has been played.
    PromptsDone,
    /// Talk began or ended.
    Talking(bool),
    /// A second has passed in a conference.
    Level {
        /// The level over it, in tenths of a dBm0.
        tenth_dbm0: i16,
        /// What was too loud meanwhile.
        clipped: Clipped,
    },
    /// What was kept as a name is complete; it is more than silence, or not.
    Named(bool),
}

/// Samples that were too loud, several people talking loudly at once, and were clamped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Clipped {
    /// Of what a caller heard in the last second.
    pub heard: u32,
    /// Of the sum of his conference, since it began.
    pub sum: u64,
}

/// What is done to voices. By default nothing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    /// The level from which a caller counts as talking, in dBm0.
    pub talk_dbm0: f32,
    /// The longest echo that is taken out, in milliseconds; none: no echo canceller.
    pub echo_tail_ms: Option<u32>,
    /// The level from which the noise gate of a leg opens, in dBm0; none: no gate.
    pub noise_gate_dbm0: Option<f32>,
    /// The level to which voices are brought, in dBm0; none: they are left as they are.
    pub agc_target_dbm0: Option<f32>,
    /// How many of a conference are heard at once; 0: all.
    pub talkers: usize,
    /// The level of the noise that callers hear in silence, in dBm0; none: silence.
    pub comfort_noise_dbm0: Option<f32>,
}

impl Settings {
    /// Whether what callers say is changed on its way into a conference.
    fn change_voices(&self) -> bool {
        self.noise_gate_dbm0.is_some() || self.agc_target_dbm0.is_some() || self.talkers > 0
    }
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            talk_dbm0: -40.0,
            echo_tail_ms: None,
            noise_gate_dbm0: None,
            agc_target_dbm0: None,
            talkers: 0,
            comfort_noise_dbm0: None,
        }
    }
}

/// A name that everybody in a conference hears.
#[derive(Clone, Copy)]
struct Announced {
    of: Channel,
    /// How much of it was heard.
    at: usize,
    /// He has left; otherwise he has come.
    left: bool,
}

/// How many channels further memory is asked for: channels are received and sent in order, and to send takes a fraction of the time.
const RECEIVED_AHEAD: usize = 2;
const SENT_AHEAD: usize = 16;

/// The voice path of all channels and conferences.
pub struct VoicePath {
    samples: usize,
    /// By [`Channel::index`].
    legs: Vec<Leg>,
    /// What each said in the last 100 ms.
    tapes: Tapes,
    /// The present tick's chunks were taken in: who comes now is heard from the next on.
    received: bool,
    /// By [`crate::gateway::ConferenceIndex`].
    conferences: Vec<Mix>,
    /// Of each conference, where only the loudest are heard.
    floors: Vec<Floor>,
    sounds: Arc<Sounds>,
    names: Names,
    /// By conference, the name that everybody hears.
    announced: Vec<Option<Announced>>,
    /// Ticks so far, modulo 2^32; the one that begins after a mix.
    tick: u32,
    heard: VecDeque<(Channel, Heard)>,
    scratch: Vec<i16>,
}

impl VoicePath {
    /// A voice path with all channels closed. `outlets` are the rings to the encoders, one a port.
    #[must_use]
    pub fn new(
        lines: &[Line],
        chunk: ChunkLength,
        settings: Settings,
        sounds: Arc<Sounds>,
        outlets: Vec<rtrb::Producer<i16>>,
    ) -> Self {
        let channels = lines.len() * SPAN_TIMESLOTS;
        VoicePath {
            announced: vec![None; outlets.len()],
            tick: 1,
            names: Names::default(),
            samples: chunk.samples(),
            tapes: Tapes::new(channels, chunk.samples()),
            received: false,
            legs: lines
                .iter()
                .flat_map(|line| std::iter::repeat_n(law_of(*line), SPAN_TIMESLOTS))
                .map(|law| Leg::new(law, settings, chunk.samples()))
                .collect(),
            floors: vec![Floor::new(settings.talkers); if settings.talkers > 0 { outlets.len() } else { 0 }],
            conferences: outlets
                .into_iter()
                .map(|outlet| {
                    let mix = Mix::new(chunk.samples(), outlet).with_comfort_noise(settings.comfort_noise_dbm0);
                    if settings.change_voices() { mix.with_stream_apart() } else { mix }
                })
                .collect(),
            sounds,
            // A leg says at most a handful of things a tick.
            heard: VecDeque::with_capacity(64 + channels * 4),
            scratch: vec![0; chunk.samples()],
        }
    }

    /// The same, which keeps the names that callers say.
    #[must_use]
    pub fn with_names(mut self) -> Self {
        self.names = Names::with_room(self.legs.len());
        self
    }

    /// Do what the gateway says.
    pub fn command(&mut self, command: Voice) {
        match command {
            Voice::Open(channel) => {
                self.depart(channel);
                self.tapes.clear(channel.index());
                let place = if self.received { self.tapes.next_place() } else { self.tapes.place() };
                self.leg(channel).open(place);
            }
            Voice::Close(channel) => {
                self.depart(channel);
                self.names.close(channel.index());
                self.leg(channel).close();
            }
            Voice::Language(channel, language) => self.leg(channel).speak(language),
            Voice::Play(channel, phrase) => {
                self.names.hush(channel.index());
                self.leg(channel).play(&phrase);
            }
            Voice::Tell(channel, phrase) => self.leg(channel).announce(&phrase),
            Voice::Hush(channel) => {
                self.names.hush(channel.index());
                self.leg(channel).hush();
            }
            Voice::Join(channel, conference) => {
                self.depart(channel);
                self.leg(channel).join(conference);
            }
            Voice::Leave(channel) => {
                self.depart(channel);
                self.leg(channel).leave();
            }
            Voice::Mute(channel, muted) => {
                let leg = &mut self.legs[channel.index()];
                if let Some(conference) = leg.conference().filter(|_| muted) {
                    leg.take_back(
                        self.tick,
                        self.tapes.of(channel.index()),
                        &mut self.conferences[usize::from(conference.0)],
                    );
                }
                leg.mute(muted);
            }
            Voice::Announce(conference, phrase) => {
                self.legs
                    .iter_mut()
                    .filter(|leg| leg.conference() == Some(conference))
                    .for_each(|leg| leg.announce(&phrase));
            }
            Voice::Hold(channel, holds) => self.leg(channel).hold(holds),
            Voice::RecordName(channel) => {
                if !self.names.record(channel.index()) {
                    self.tell(channel, Heard::Named(false));
                }
            }
            Voice::KeepName(channel) => self.keep_name(channel),
            Voice::PlayName(channel, of) => {
                self.leg(channel).hush();
                self.names.play(channel.index(), of.index());
            }
            Voice::AnnounceName(conference, of, left) => {
                let begin = self.names.begin(of.index());
                self.announced[usize::from(conference.0)] = Some(Announced { of, at: begin, left });
            }
            Voice::KnockTone(conference) => self.conferences[usize::from(conference.0)].knock_tone(),
            Voice::EntryTone(conference) => self.conferences[usize::from(conference.0)].entry_tone(),
            Voice::ExitTone(conference) => self.conferences[usize::from(conference.0)].exit_tone(),
            Voice::StreamOpen(conference) => self.conferences[usize::from(conference.0)].open_stream(),
            Voice::StreamClose(conference) => {
                self.announced[usize::from(conference.0)] = None;
                self.conferences[usize::from(conference.0)].close_stream();
            }
        }
    }

    /// Before somebody leaves a conference, in whatever way.
    fn depart(&mut self, channel: Channel) {
        let leg = &mut self.legs[channel.index()];
        if let Some(conference) = leg.conference() {
            let tape = self.tapes.of(channel.index());
            leg.take_out_of_stream(self.tick, tape, &mut self.conferences[usize::from(conference.0)]);
        }
    }

    /// A fresh ring to the encoder of a port; the used one is returned, to be dropped elsewhere.
    #[must_use]
    pub fn replace_outlet(&mut self, port: u16, fresh: rtrb::Producer<i16>) -> rtrb::Producer<i16> {
        self.conferences[usize::from(port)].replace_outlet(fresh)
    }

    /// Whether anybody is on a channel.
    #[must_use]
    pub fn is_open(&self, channel: Channel) -> bool {
        self.legs[channel.index()].is_open()
    }

    /// Channels that are open, for the sake of checks.
    #[must_use]
    pub fn open_channels(&self) -> usize {
        self.legs.iter().filter(|leg| leg.is_open()).count()
    }

    /// Take in what an open channel said in this tick, in its line's law. Every open channel is to be received once a tick.
    pub fn receive(&mut self, channel: Channel, octets: &[u8]) {
        self.receive_each(std::iter::once(channel), |_| octets);
    }

    /// The same for all of these channels that are open, one after the other: most of what is the same for all of them is done once.
    pub fn receive_each<'a>(
        &mut self,
        channels: impl Iterator<Item = Channel>,
        received: impl FnMut(Channel) -> &'a [u8],
    ) {
        self.received = true;
        simd::run(ReceiveEach { voice: self, channels, received });
    }

    #[inline(always)]
    fn take_in(&mut self, channel: Channel, octets: &[u8]) {
        let index = channel.index();
        if let Some(next) = self.legs.get(index + RECEIVED_AHEAD) {
            next.fetch();
            self.tapes.fetch(index + RECEIVED_AHEAD, octets.len());
        }
        let leg = &mut self.legs[index];
        let mix = leg.conference().map(|conference| &mut self.conferences[usize::from(conference.0)]);
        let clipped_sum = mix.as_ref().map_or(0, |mix| mix.clipped_since_begun());
        let mut tell = |mut what| {
            if let Heard::Level { clipped, .. } = &mut what {
                clipped.sum = clipped_sum;
            }
            if self.heard.len() < self.heard.capacity() {
                self.heard.push_back((channel, what));
            }
        };
        // At once, as long as it is at hand.
        let mix = mix.filter(|_| self.floors.is_empty());
        leg.receive(self.tick, octets, self.tapes.of_mut(index), mix, &mut tell);
        if self.names.hear(index, octets.len(), || leg.conversation(self.tapes.of(index))) {
            self.keep_name(channel);
        }
    }

    /// Nothing came from a channel in this tick: it is silent.
    pub fn receive_nothing(&mut self, channel: Channel) {
        let idle = [self.legs[channel.index()].law().idle_octet(); ChunkLength::MAX_SAMPLES];
        self.receive(channel, &idle[..self.samples]);
    }

    /// The name of a channel is complete.
    fn keep_name(&mut self, channel: Channel) {
        if let Some(said) = self.names.keep(channel.index()) {
            self.tell(channel, Heard::Named(said));
        }
    }

    fn tell(&mut self, channel: Channel, what: Heard) {
        if self.heard.len() < self.heard.capacity() {
            self.heard.push_back((channel, what));
        }
    }

    /// Mix all conferences; call once a tick, after everything was received.
    pub fn mix(&mut self) {
        if !self.floors.is_empty() {
            self.give_floors();
        }
        // One after the other: thousands of them are not at hand all at once.
        for (conference, announced) in self.conferences.iter_mut().zip(&mut self.announced) {
            conference.begin();
            announce(announced, conference, &self.names, &mut self.scratch[..self.samples]);
            conference.finish();
        }
        self.tick = self.tick.wrapping_add(1);
        self.tapes.advance();
        self.received = false;
    }

    /// Where only the loudest are heard: find out who they are, and let them speak.
    fn give_floors(&mut self) {
        self.conferences.iter_mut().for_each(Mix::begin);
        self.floors.iter_mut().for_each(Floor::begin);
        for (member, leg) in (0..).zip(&self.legs) {
            if let Some(conference) = leg.conference() {
                leg.offer(member, &mut self.floors[usize::from(conference.0)]);
            }
        }
        for (member, leg) in (0..).zip(&mut self.legs) {
            if let Some(conference) = leg.conference() {
                leg.settle(self.floors[usize::from(conference.0)].holds(member));
                leg.take_part(self.tapes.of(member as usize), &mut self.conferences[usize::from(conference.0)]);
            }
        }
    }

    /// Write what an open channel hears in this tick, in its line's law; what there is of a closed one stays as it is.
    pub fn transmit(&mut self, channel: Channel, octets: &mut [u8]) {
        self.transmit_each(std::iter::once(channel), octets);
    }

    /// The same for all of these channels that are open, one after the other.
    pub fn transmit_each(&mut self, channels: impl Iterator<Item = Channel>, to_send: impl ToSend) {
        simd::run(TransmitEach { voice: self, channels, to_send });
    }

    #[inline(always)]
    fn give_out(&mut self, channel: Channel, octets: &mut [u8]) {
        let index = channel.index();
        if let Some(next) = self.legs.get(index + SENT_AHEAD) {
            next.fetch_own();
            self.tapes.fetch_before(index + SENT_AHEAD, octets.len());
        }
        let leg = &mut self.legs[index];
        let clipped = match leg.conference() {
            // The usual case: from the sum to the octets at once.
            Some(conference) if !leg.hears_more() && !self.names.is_sounding(index) => {
                let own = leg.own(self.tapes.of(index));
                self.conferences[usize::from(conference.0)].encode_for_member(own, leg.law(), octets)
            }
            _ => self.write(channel, octets),
        };
        let leg = &mut self.legs[index];
        leg.was_sent(octets);
        if clipped > 0 {
            leg.heard_clipped(clipped);
        }
    }

    /// The same where there is more than a conference, or none. Returns how many samples of the mix were clamped.
    fn write(&mut self, channel: Channel, octets: &mut [u8]) -> u64 {
        let leg = &mut self.legs[channel.index()];
        let (law, own) = (leg.law(), leg.own(self.tapes.of(channel.index())));
        let conference = leg.conference().map(|conference| &mut self.conferences[usize::from(conference.0)]);
        let (speaks, sounds) = (leg.is_playing(), self.names.is_sounding(channel.index()));
        if conference.is_none() && !speaks && !sounds && !leg.holds() {
            octets.fill(law.idle_octet());
            return 0;
        }
        let out = &mut self.scratch[..self.samples];
        let mut clipped = 0;
        match conference {
            Some(conference) => {
                conference.for_member(own, out);
                clipped = conference.clipped_for(own);
            }
            None => out.fill(0),
        }
        let done = if speaks {
            leg.say(&self.sounds, out)
        } else if sounds {
            self.names.sound(channel.index(), out)
        } else {
            leg.hear_music(self.sounds.music(), out);
            false
        };
        if done && self.heard.len() < self.heard.capacity() {
            self.heard.push_back((channel, Heard::PromptsDone));
        }
        dsp::g711::encode(law, out, octets);
        clipped
    }

    /// The next thing heard, oldest first.
    pub fn poll_heard(&mut self) -> Option<(Channel, Heard)> {
        self.heard.pop_front()
    }

    /// Samples of a conference's sum, over all conferences, that were too loud for a sample and were clamped.
    #[must_use]
    pub fn samples_clipped(&self) -> u64 {
        self.conferences.iter().map(Mix::samples_clipped).sum()
    }

    /// Samples that found no room in a ring to an encoder, over all conferences.
    #[must_use]
    pub fn stream_samples_lost(&self) -> u64 {
        self.conferences.iter().map(Mix::samples_lost).sum()
    }

    fn leg(&mut self, channel: Channel) -> &mut Leg {
        &mut self.legs[channel.index()]
    }
}

/// Channels that are to be received, and what came from each: one kernel from the octets to the sum.
struct ReceiveEach<'a, C, R> {
    voice: &'a mut VoicePath,
    channels: C,
    received: R,
}

impl<'a, C: Iterator<Item = Channel>, R: FnMut(Channel) -> &'a [u8]> Kernel for ReceiveEach<'_, C, R> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let ReceiveEach { voice, channels, mut received } = self;
        for channel in channels {
            if voice.is_open(channel) {
                voice.take_in(channel, received(channel));
            }
        }
    }
}

/// Where what is sent in this tick is to be written.
pub trait ToSend {
    /// The octets of a channel.
    fn of(&mut self, channel: Channel) -> &mut [u8];
}

/// Those of the only one.
impl ToSend for &mut [u8] {
    #[inline(always)]
    fn of(&mut self, _: Channel) -> &mut [u8] {
        self
    }
}

/// Channels that are to be sent, and where it is to be written.
struct TransmitEach<'a, C, T> {
    voice: &'a mut VoicePath,
    channels: C,
    to_send: T,
}

impl<C: Iterator<Item = Channel>, T: ToSend> Kernel for TransmitEach<'_, C, T> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let TransmitEach { voice, channels, mut to_send } = self;
        for channel in channels {
            if voice.is_open(channel) {
                voice.give_out(channel, to_send.of(channel));
            }
        }
    }
}

/// What everybody in a conference hears of somebody's name, and the tone of coming or leaving after it.
fn announce(announced: &mut Option<Announced>, conference: &mut Mix, names: &Names, out: &mut [i16]) {
    let Some(Announced { of, at, left }) = *announced else { return };
    out.fill(0);
    let next = names.add(of.index(), at, out);
    conference.play(out);
    *announced = next.map(|at| Announced { of, at, left });
    match next {
        Some(_) => {}
        None if left => conference.exit_tone(),
        None => conference.entry_tone(),
    }
}

/// The companding law of a line (G.711: µ-law where T1 is used, A-law where E1 is).
#[must_use]
pub const fn law_of(line: Line) -> Law {
    match line {
        Line::T1 => Law::Mu,
        Line::E1 => Law::A,
    }
}
