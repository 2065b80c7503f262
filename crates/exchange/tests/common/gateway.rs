//! The least gateway there can be: answers every call, and echoes it or joins all calls in one conference.

use super::dialect;
use dsp::dtmf::{DtmfReceiver, KeyEvent};
use dsp::g711::{self, Law};
use hal::{Card, ChunkLength, Line, Readiness, SpanIndex, Timeslot, Traffic};
use isdn::{CallReference, Cause, ChannelChoice, Config, DChannel, Event, Setup, Side};
use std::collections::BTreeMap;
use std::time::Duration;

/// What a call hears at the gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hears {
    /// Itself.
    Itself,
    /// The others, added up.
    Others,
    /// All octets there are, one after another.
    Octets,
}

pub struct Talk {
    pub call: CallReference,
    pub setup: Option<Setup>,
    pub connected: bool,
    /// All that came in, from CONNECT ACKNOWLEDGE on.
    pub samples: Vec<i16>,
    pub keys: String,
    receiver: DtmfReceiver,
}

pub struct Gateway {
    line: Line,
    traffic: Box<dyn Traffic>,
    pub d: Vec<DChannel>,
    pub hears: Hears,
    /// Refuse every call with this cause.
    pub refuse: Option<u8>,
    /// Calls by span and channel.
    pub talks: BTreeMap<(usize, u8), Talk>,
    octets_sent: usize,
    /// Calls that ended: what was keyed, and the cause.
    pub ended: Vec<(String, u8)>,
}

impl Gateway {
    pub fn start(card: Box<dyn Card>, chunk: ChunkLength, now: Duration) -> Gateway {
        let line = card.spans()[0].line;
        let config = || Config::new(Side::User, dialect(line), line == Line::E1);
        let mut d: Vec<DChannel> = card.spans().iter().map(|_| DChannel::new(config())).collect();
        d.iter_mut().for_each(|d| d.start(now));
        let traffic = card.start(chunk).expect("a card starts").traffic;
        let (talks, ended) = (BTreeMap::new(), Vec::new());
        Gateway { line, traffic, d, hears: Hears::Itself, refuse: None, talks, octets_sent: 0, ended }
    }

    pub fn tick(&mut self, now: Duration) {
        while self.traffic.next_event().is_some() {}
        // A span without a far end is always ready: no more than a catching-up card may need.
        for _ in 0..8 {
            if self.traffic.begin().expect("a card carries") == Readiness::NotYet {
                return;
            }
            for span in 0..self.d.len() {
                while let Some(frame) = self.traffic.receive_frame(SpanIndex(span as u8)).expect("a card carries") {
                    self.d[span].handle_frame(now, &frame);
                    self.drain(now, span);
                }
                if self.d[span].poll_timeout().is_some_and(|at| at <= now) {
                    self.d[span].handle_timeout(now);
                }
                self.drain(now, span);
            }
            self.audio();
            self.traffic.end().expect("a card carries");
        }
    }

    pub fn hang_up(&mut self, now: Duration, span: usize, channel: u8) {
        let call = self.talks[&(span, channel)].call;
        self.d[span].clear(now, call, Cause::user(16)).expect("there is a call");
        self.drain(now, span);
    }

    pub fn dial(&mut self, now: Duration, span: usize, setup: &Setup) {
        self.d[span].dial(now, setup).expect("the link is up");
        self.drain(now, span);
    }

    fn drain(&mut self, now: Duration, span: usize) {
        while let Some(output) = self.d[span].poll_output() {
            match output {
                isdn::Output::Frame(_, frame) => {
                    self.traffic.send_frame(SpanIndex(span as u8), frame).expect("a card carries");
                }
                isdn::Output::Event(event) => self.handle(now, span, event),
            }
        }
    }

    fn handle(&mut self, now: Duration, span: usize, event: Event) {
        match event {
            Event::Incoming { call, setup } => {
                let (ChannelChoice::Exclusive(channel) | ChannelChoice::Preferred(channel)) = setup.channel else {
                    panic!("the exchange names a channel, not {:?}", setup.channel)
                };
                let d = &mut self.d[span];
                match self.refuse {
                    Some(cause) => d.clear(now, call, Cause::user(cause)),
                    None => d.proceed(now, call, channel).and_then(|()| d.connect(now, call)),
                }
                .expect("a new call can be answered and refused");
                if self.refuse.is_none() {
                    let before = self.talks.insert((span, channel.timeslot), Talk::new(call, Some(setup)));
                    assert!(before.is_none(), "channel {channel} had a call already");
                }
            }
            Event::Proceeding { call, channel } => {
                self.talks.entry((span, channel.timeslot)).or_insert_with(|| Talk::new(call, None));
            }
            // On NI-2 the name comes behind the call.
            Event::Name { call, name } => {
                let talk = self.talks.iter_mut().find(|((s, _), talk)| *s == span && talk.call == call);
                talk.and_then(|(_, talk)| talk.setup.as_mut()).expect("a named call is known").name = Some(name);
            }
            Event::Connected { call } => {
                let talk = self.talks.iter_mut().find(|((s, _), talk)| *s == span && talk.call == call);
                talk.expect("a connected call is known").1.connected = true;
            }
            Event::Released { call, cause, .. } => {
                let place = self.talks.iter().find(|((s, _), talk)| *s == span && talk.call == call).map(|(p, _)| *p);
                if let Some(talk) = place.and_then(|place| self.talks.remove(&place)) {
                    self.ended.push((talk.keys, cause.value));
                }
            }
            _ => {}
        }
    }

    fn audio(&mut self) {
        let law = if self.line == Line::E1 { Law::A } else { Law::Mu };
        let mut arrived: Vec<((usize, u8), Vec<i16>)> = Vec::new();
        for (place, talk) in self.talks.iter_mut().filter(|(_, talk)| talk.connected) {
            let (span, timeslot) = (SpanIndex(place.0 as u8), Timeslot(place.1));
            let octets = self.traffic.received(span, timeslot).to_vec();
            let mut samples = vec![0; octets.len()];
            g711::decode(law, &octets, &mut samples);
            let keys = &mut talk.keys;
            talk.receiver.process(&samples, &mut |event| {
                if let KeyEvent::Down { key, .. } = event {
                    keys.push(key.to_char());
                }
            });
            talk.samples.extend(&samples);
            if self.hears == Hears::Itself {
                self.traffic.to_send(span, timeslot).copy_from_slice(&octets);
            }
            arrived.push((*place, samples));
        }
        if self.hears == Hears::Octets {
            let mut length = 0;
            for (place, _) in &arrived {
                let out = self.traffic.to_send(SpanIndex(place.0 as u8), Timeslot(place.1));
                out.iter_mut().enumerate().for_each(|(i, octet)| *octet = (self.octets_sent + i) as u8);
                length = out.len();
            }
            self.octets_sent += length;
        }
        if self.hears != Hears::Others {
            return;
        }
        for (place, own) in &arrived {
            let sum = |i: usize| arrived.iter().map(|(_, s)| i32::from(s[i])).sum::<i32>() - i32::from(own[i]);
            let out = self.traffic.to_send(SpanIndex(place.0 as u8), Timeslot(place.1));
            for (i, octet) in out.iter_mut().enumerate() {
                *octet = law.encode_one(sum(i).clamp(-32_768, 32_767) as i16);
            }
        }
    }
}

impl Talk {
    fn new(call: CallReference, setup: Option<Setup>) -> Talk {
        let receiver = DtmfReceiver::new();
        Talk { call, setup, connected: false, samples: Vec::new(), keys: String::new(), receiver }
    }
}
