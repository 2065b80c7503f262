//! The voice path: what every open channel says, hears and keys, one tick at a time.
//!
//! Data path: octets of a timeslot → decode → keys taken out, talk detected → mix of the conference →
//! less one's own voice, plus prompt and tones → encode → octets of the timeslot; and the delayed mix,
//! free of keys → ring → encoder.
//! Time: one chunk from every open channel a tick: [`VoicePath::receive`] for each, [`VoicePath::mix`]
//! once, [`VoicePath::transmit`] for each. Nothing here allocates after construction.
//! Words: *leg*, one caller's way into and out of a conference.

mod conference;
mod leg;
mod speech;

use crate::gateway::{Channel, SPAN_TIMESLOTS, Voice};
use crate::prompts::Sounds;
use conference::Mix;
use dsp::dtmf::Key;
use dsp::g711::Law;
use hal::{ChunkLength, Line};
use leg::Leg;
use std::collections::VecDeque;
use std::sync::Arc;

/// Something heard on a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// A key was pressed.
    Key(Key),
    /// All that was to be played has been played.
    PromptsDone,
    /// Talk began or ended.
    Talking(bool),
    /// The level over the last second, in tenths of a dBm0.
    Level(i16),
}

/// The voice path of all channels and conferences.
pub struct VoicePath {
    samples: usize,
    laws: Vec<Law>,
    /// By [`Channel::index`].
    legs: Vec<Leg>,
    /// By [`crate::gateway::ConferenceIndex`].
    conferences: Vec<Mix>,
    sounds: Arc<Sounds>,
    heard: VecDeque<(Channel, Heard)>,
    scratch: Vec<i16>,
}

impl VoicePath {
    /// A voice path with all channels closed. `outlets` are the rings to the encoders, one a port.
    #[must_use]
    pub fn new(
        lines: &[Line],
        chunk: ChunkLength,
        talk_dbm0: f32,
        sounds: Arc<Sounds>,
        outlets: Vec<rtrb::Producer<i16>>,
    ) -> Self {
        let channels = lines.len() * SPAN_TIMESLOTS;
        VoicePath {
            samples: chunk.samples(),
            laws: lines.iter().map(|line| law_of(*line)).collect(),
            legs: (0..channels).map(|_| Leg::new(talk_dbm0)).collect(),
            conferences: outlets.into_iter().map(|outlet| Mix::new(chunk.samples(), outlet)).collect(),
            sounds,
            // A leg says at most a handful of things a tick.
            heard: VecDeque::with_capacity(64 + channels * 4),
            scratch: vec![0; chunk.samples()],
        }
    }

    /// Do what the gateway says.
    pub fn command(&mut self, command: Voice) {
        match command {
            Voice::Open(channel) => self.leg(channel).open(),
            Voice::Close(channel) => self.leg(channel).close(),
            Voice::Language(channel, language) => self.leg(channel).speak(language),
            Voice::Play(channel, phrase) => self.leg(channel).play(&phrase),
            Voice::Hush(channel) => self.leg(channel).hush(),
            Voice::Join(channel, conference) => self.leg(channel).join(conference),
            Voice::Leave(channel) => self.leg(channel).leave(),
            Voice::Mute(channel, muted) => self.leg(channel).mute(muted),
            Voice::Announce(conference, phrase) => {
                self.legs
                    .iter_mut()
                    .filter(|leg| leg.conference() == Some(conference))
                    .for_each(|leg| leg.announce(&phrase));
            }
            // Nothing is kept of names, and there is no music yet.
            Voice::Hold(..)
            | Voice::RecordName(_)
            | Voice::KeepName(_)
            | Voice::PlayName(..)
            | Voice::AnnounceName(..) => {}
            Voice::KnockTone(conference) => self.conferences[usize::from(conference.0)].knock_tone(),
            Voice::EntryTone(conference) => self.conferences[usize::from(conference.0)].entry_tone(),
            Voice::ExitTone(conference) => self.conferences[usize::from(conference.0)].exit_tone(),
            Voice::StreamOpen(conference) => self.conferences[usize::from(conference.0)].open_stream(),
            Voice::StreamClose(conference) => self.conferences[usize::from(conference.0)].close_stream(),
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

    /// Take in what a channel said in this tick, in its line's law.
    pub fn receive(&mut self, channel: Channel, octets: &[u8]) {
        let law = self.laws[usize::from(channel.span)];
        let heard = &mut self.heard;
        self.legs[channel.index()].receive(law, octets, &mut |what| {
            if heard.len() < heard.capacity() {
                heard.push_back((channel, what));
            }
        });
    }

    /// Mix all conferences; call once a tick, after everything was received.
    pub fn mix(&mut self) {
        for conference in &mut self.conferences {
            conference.begin();
        }
        for leg in &self.legs {
            if let Some(conference) = leg.conference().filter(|_| leg.is_open()) {
                let conference = &mut self.conferences[usize::from(conference.0)];
                conference.join();
                if let Some(now) = leg.conversation().filter(|_| !leg.muted()) {
                    conference.add(now);
                }
                if let Some(delayed) = leg.for_stream() {
                    conference.add_to_stream(delayed);
                }
            }
        }
        for conference in &mut self.conferences {
            conference.finish();
        }
    }

    /// Write what a channel hears in this tick, in its line's law.
    pub fn transmit(&mut self, channel: Channel, octets: &mut [u8]) {
        let law = self.laws[usize::from(channel.span)];
        let leg = &mut self.legs[channel.index()];
        let own = leg.conversation().filter(|_| !leg.muted());
        let conference = leg.conference().map(|conference| &mut self.conferences[usize::from(conference.0)]);
        if !leg.is_playing() {
            // The usual case: from the sum to the octets at once.
            return match conference {
                Some(conference) => conference.encode_for_member(own, law, octets),
                None => octets.fill(law.idle_octet()),
            };
        }
        let out = &mut self.scratch[..self.samples];
        match conference {
            Some(conference) => conference.for_member(own, out),
            None => out.fill(0),
        }
        if leg.say(&self.sounds, out) && self.heard.len() < self.heard.capacity() {
            self.heard.push_back((channel, Heard::PromptsDone));
        }
        dsp::g711::encode(law, out, octets);
    }

    /// The next thing heard, oldest first.
    pub fn poll_heard(&mut self) -> Option<(Channel, Heard)> {
        self.heard.pop_front()
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

/// The companding law of a line (G.711: µ-law where T1 is used, A-law where E1 is).
#[must_use]
pub const fn law_of(line: Line) -> Law {
    match line {
        Line::T1 => Law::Mu,
        Line::E1 => Law::A,
    }
}
