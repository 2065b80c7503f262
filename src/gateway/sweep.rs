//! The sweeper: what one table holds and the others know nothing of is found, told and cleared away.
//!
//! The call table is compared with the calls of the D channels, and conferences with their callers and with the port pool. Every
//! clearing ends by its timers within [`EVERY`], so what is still at odds one look later is stuck: a call nobody signals, a
//! channel or a port that nobody will ever free. It should never happen; where it does, a channel must not be lost until the
//! next start.
//!
//! Data path: the gateway's tables → here → the same tables, reports.
//! Time: a look every [`EVERY`] while there is anything to look at; the real-time thread's, so nothing allocates.
//! Words: *unsignalled*, a call of ours that the D channel has none for; *unowned*, the other way round.

use super::cause::Reason;
use super::{CallId, Channel, Gateway};
use crate::reports::What;
use isdn::CallReference;
use std::time::Duration;

/// Between two looks: longer than T305 and twice T308 together (Q.931 table 9-1), 38 s.
pub(super) const EVERY: Duration = Duration::from_secs(45);

/// What is stuck.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stuck {
    /// A channel, with a call that only one of the two tables knows.
    Channel(Channel),
    /// A stream port (counted from 0) that carries nothing, or whose callers were counted wrong.
    Port(u16),
}

/// What a look has found on a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Doubt {
    Unsignalled(CallId),
    Unowned(CallReference),
}

/// A doubt, and whether it was there at the look before.
#[derive(Clone, Copy, Debug)]
struct Seen<T> {
    what: T,
    told: bool,
}

/// What is remembered from one look to the next.
#[derive(Debug)]
pub(super) struct Sweep {
    next: Option<Duration>,
    /// By [`Channel::index`].
    channels: Box<[Option<Seen<Doubt>>]>,
    /// By port.
    ports: Box<[Option<Seen<()>>]>,
}

impl Sweep {
    pub(super) fn new(channels: usize, ports: usize) -> Sweep {
        Sweep { next: None, channels: vec![None; channels].into(), ports: vec![None; ports].into() }
    }

    pub(super) fn poll_timeout(&self) -> Option<Duration> {
        self.next
    }

    fn is_empty(&self) -> bool {
        self.channels.iter().all(Option::is_none) && self.ports.iter().all(Option::is_none)
    }
}

impl Gateway {
    /// At the end of an input: look when it is time, and see to it that there will be a look while there is something.
    pub(super) fn sweep(&mut self, now: Duration) {
        match self.sweep.next {
            Some(next) if next > now => {}
            Some(_) => {
                self.sweep_channels(now);
                self.sweep_ports(now);
                self.sweep.next = (!self.sweep.is_empty() || self.has_business()).then_some(now + EVERY);
            }
            None if self.has_business() => self.sweep.next = Some(now + EVERY),
            None => {}
        }
    }

    fn has_business(&self) -> bool {
        self.calls.iter().any(Option::is_some)
            || self.conferences.iter().any(Option::is_some)
            || self.trunks.iter().any(|trunk| trunk.dchannel.calls().next().is_some())
    }

    fn sweep_channels(&mut self, now: Duration) {
        for index in 0..self.calls.len() {
            let doubt = self.doubt(index);
            let before = std::mem::take(&mut self.sweep.channels[index]);
            let stuck = Stuck::Channel(Channel::at(index));
            match (doubt, before) {
                (Some(what), Some(seen)) if seen.what == what => {
                    self.sweep.channels[index] = Some(Seen { what, told: true });
                    if !seen.told {
                        self.report(now, What::Stuck { stuck, stands: true });
                    }
                    self.unstick(now, index, what);
                }
                (what, before) => {
                    self.sweep.channels[index] = what.map(|what| Seen { what, told: false });
                    if before.is_some_and(|seen| seen.told) {
                        self.report(now, What::Stuck { stuck, stands: false });
                    }
                }
            }
        }
    }

    /// What the call table and the D channel disagree about on a channel.
    fn doubt(&self, index: usize) -> Option<Doubt> {
        let channel = Channel::at(index);
        let span = &self.spans[usize::from(channel.span)];
        let dchannel = &self.trunks[span.trunk].dchannel;
        match &self.calls[index] {
            Some(call) => {
                let signalled = dchannel.calls().any(|summary| summary.call == call.reference);
                (!signalled).then_some(Doubt::Unsignalled(call.id))
            }
            None => {
                let here = span.channel(channel.timeslot);
                let on_it = dchannel.calls().find(|summary| summary.channel == Some(here))?;
                // A call may be known under the channel it asked for first.
                let owned = self.index_of(span.trunk, on_it.call).is_some();
                (!owned).then_some(Doubt::Unowned(on_it.call))
            }
        }
    }

    fn unstick(&mut self, now: Duration, index: usize, what: Doubt) {
        let channel = Channel::at(index);
        match what {
            Doubt::Unsignalled(_) => self.end_call(now, index, Reason::Fault.cause(), false),
            Doubt::Unowned(reference) => {
                let (trunk, own) = {
                    let span = &self.spans[usize::from(channel.span)];
                    (span.trunk, span.channel(channel.timeslot))
                };
                let dchannel = &mut self.trunks[trunk].dchannel;
                // One that is being cleared and does not end: both ends begin anew on its channel. Where RESTART is
                // under way already, that is it.
                if dchannel.clear(now, reference, Reason::Fault.cause()).is_err() {
                    let _ = dchannel.restart(now, own);
                }
                self.drain_dchannel(now, trunk);
            }
        }
    }

    fn sweep_ports(&mut self, now: Duration) {
        for port in 0..self.conferences.len() {
            let members = |call: &&super::Call| {
                call.membership.as_ref().is_some_and(|member| usize::from(member.conference.0) == port)
            };
            let members = self.calls.iter().flatten().filter(members).count();
            let used = self.ports.is_used(port as u16);
            let wrong = match &self.conferences[port] {
                Some(conference) => {
                    usize::from(conference.members) != members || members == 0 && conference.until.is_none()
                }
                None => used,
            };
            let before = std::mem::take(&mut self.sweep.ports[port]);
            let stuck = Stuck::Port(port as u16);
            if wrong {
                self.sweep.ports[port] = Some(Seen { what: (), told: before.is_some() });
            }
            match before {
                Some(seen) if wrong && !seen.told => self.report(now, What::Stuck { stuck, stands: true }),
                Some(seen) if !wrong && seen.told => self.report(now, What::Stuck { stuck, stands: false }),
                _ => {}
            }
            if wrong && before.is_some() {
                match self.conferences[port].as_mut() {
                    Some(conference) => {
                        conference.members = members as u16;
                        if members == 0 {
                            conference.until.get_or_insert(now + self.linger);
                        }
                    }
                    None => self.ports.release(now, port as u16),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Output, Settings, Voice};
    use super::*;
    use crate::gateway::Command;
    use crate::gateway::callin::Patience;
    use crate::reports::Report;
    use event::Keyring;
    use hal::{Line, Timeslot};
    use isdn::{Config, DChannel, Event, LapdFrame, LinkId, Side, Switch};

    /// A gateway, the exchange at its span, and what the gateway has said.
    struct Town {
        gateway: Gateway,
        exchange: DChannel,
        now: Duration,
        said: Vec<What>,
        closed: usize,
        /// What the exchange has seen.
        seen: Vec<Event>,
    }

    impl Town {
        fn new() -> Town {
            let gateway = Gateway::new(Settings {
                patience: Patience {
                    first_digit: Duration::from_secs(600),
                    digit: Duration::from_secs(600),
                    tries: 3,
                    repeat: false,
                },
                ports: 2,
                ..Settings::new(vec![(Line::T1, Switch::Ni2)], Keyring::random())
            });
            let exchange = DChannel::new(Config::new(Side::Network, Switch::Ni2, false));
            let (said, seen) = (Vec::new(), Vec::new());
            let mut town = Town { gateway, exchange, now: Duration::ZERO, said, closed: 0, seen };
            town.gateway.start(town.now);
            town.exchange.start(town.now);
            town.pass(Duration::from_secs(2));
            town
        }

        /// Time passes in steps of 10 ms.
        fn pass(&mut self, time: Duration) {
            let until = self.now + time;
            while self.now < until {
                self.now += Duration::from_millis(10);
                if self.exchange.poll_timeout().is_some_and(|t| t <= self.now) {
                    self.exchange.handle_timeout(self.now);
                }
                if self.gateway.poll_timeout().is_some_and(|t| t <= self.now) {
                    self.gateway.handle_timeout(self.now);
                }
                self.exchange_frames();
            }
        }

        fn exchange_frames(&mut self) {
            loop {
                let mut frames: Vec<LapdFrame> = Vec::new();
                while let Some(output) = self.exchange.poll_output() {
                    match output {
                        isdn::Output::Frame(LinkId::Primary, frame) => {
                            frames.push(LapdFrame::from_slice(frame).expect("it fits"));
                        }
                        isdn::Output::Frame(..) => panic!("there is no backup"),
                        isdn::Output::Event(event) => self.seen.push(event),
                    }
                }
                let mut busy = !frames.is_empty();
                frames.iter().for_each(|frame| self.gateway.handle_frame(self.now, 0, frame));
                while let Some(output) = self.gateway.poll_output() {
                    busy = true;
                    match output {
                        Output::Frame(_, frame) => self.exchange.handle_frame(self.now, &frame),
                        Output::Report(Report { what, .. }) => self.said.push(what),
                        Output::Voice(Voice::Close(_)) => self.closed += 1,
                        Output::Voice(_) => {}
                    }
                }
                if !busy {
                    return;
                }
            }
        }

        /// A call on channel 1, up.
        fn call(&mut self) -> usize {
            let channel = isdn::ChannelChoice::Exclusive(isdn::Channel::from(1));
            let called = isdn::Number::new("100");
            let setup = isdn::Setup { called, channel, sending_complete: true, ..isdn::Setup::default() };
            self.exchange.dial(self.now, &setup).expect("free");
            self.pass(Duration::from_secs(1));
            let index = Channel { span: 0, timeslot: Timeslot(1) }.index();
            assert!(self.gateway.calls[index].is_some());
            index
        }

        fn stuck(&mut self) -> Vec<(Stuck, bool)> {
            let told = self.said.drain(..).filter_map(|what| match what {
                What::Stuck { stuck, stands } => Some((stuck, stands)),
                _ => None,
            });
            told.collect()
        }

        fn signalled(&self) -> usize {
            self.gateway.signalled_calls(0)
        }
    }

    const CHANNEL: Stuck = Stuck::Channel(Channel { span: 0, timeslot: Timeslot(1) });

    #[test]
    fn a_call_the_gateway_has_lost_is_cleared_towards_the_exchange() {
        let mut town = Town::new();
        let index = town.call();
        town.pass(3 * EVERY);
        assert_eq!((town.stuck(), town.signalled()), (vec![], 1), "nothing is wrong with a long call");
        town.gateway.calls[index] = None;
        town.pass(EVERY);
        assert_eq!((town.stuck(), town.signalled()), (vec![], 1), "it could be on its way");
        town.pass(EVERY);
        assert_eq!((town.stuck(), town.signalled()), (vec![(CHANNEL, true)], 0));
        assert!(
            town.seen.iter().any(|e| matches!(e, Event::Released { cause, .. } if cause.value == 41)),
            "{:?}",
            town.seen
        );
        town.pass(EVERY);
        assert_eq!(town.stuck(), [(CHANNEL, false)]);
        town.call();
    }

    #[test]
    fn a_gateway_that_closes_names_no_time_at_which_nothing_happens() {
        let mut town = Town::new();
        town.call();
        // The next look would be while the caller hears that we close.
        let look = town.gateway.sweep.poll_timeout().expect("there is a call");
        town.pass(look - town.now - Duration::from_millis(500));
        town.gateway.handle_command(town.now, Command::Shutdown);
        let mut times = 0;
        while let Some(at) = town.gateway.poll_timeout() {
            assert!(at > town.now, "{at:?} is named at {:?}, and was seen to", town.now);
            town.now = at;
            town.gateway.handle_timeout(at);
            // The exchange says nothing any more, so that it takes as long as it can.
            while town.gateway.poll_output().is_some() {}
            times += 1;
        }
        assert!(town.gateway.is_finished() && times > 2 && town.now > look, "{times} times until {:?}", town.now);
    }

    #[test]
    fn a_call_no_d_channel_knows_of_is_ended_and_silenced() {
        let mut town = Town::new();
        let index = town.call();
        // The D channel has forgotten it, without a word to the gateway.
        let config = town.gateway.trunks[0].config;
        town.gateway.trunks[0].dchannel = DChannel::new(config);
        town.gateway.trunks[0].dchannel.start(town.now);
        town.pass(2 * EVERY + Duration::from_secs(1));
        assert!(town.gateway.calls[index].is_none() && town.closed == 1, "the voice path is told");
        assert!(town.said.iter().any(|w| matches!(w, What::CallEnded { cause, .. } if cause.value == 41)));
        assert_eq!(town.stuck(), [(CHANNEL, true)]);
        town.pass(EVERY);
        assert_eq!(town.stuck(), [(CHANNEL, false)]);
    }

    #[test]
    fn a_port_without_a_conference_and_one_without_callers_come_free() {
        let mut town = Town::new();
        let event = event::EventNumber::random(event::KeyId::FIRST);
        let other = event::EventNumber::random(event::KeyId::FIRST);
        town.gateway.conference_of(town.now, event).expect("a port");
        town.gateway.conference_of(town.now, other).expect("a port");
        // One was forgotten, the other thinks that it has a caller.
        town.gateway.conferences[0] = None;
        town.gateway.conferences[1].as_mut().expect("open").members = 1;
        // Any input makes it look.
        town.gateway.handle_command(town.now, Command::HangUp { call: CallId(99) });
        town.pass(2 * EVERY + Duration::from_secs(1));
        assert_eq!(town.stuck(), [(Stuck::Port(0), true), (Stuck::Port(1), true)]);
        assert!(!town.gateway.ports.is_used(0));
        town.pass(EVERY);
        assert_eq!(town.stuck(), [(Stuck::Port(0), false), (Stuck::Port(1), false)]);
        assert!(town.gateway.conferences[1].is_none() && !town.gateway.ports.is_used(1), "after its linger");
        assert_eq!(town.gateway.sweep.poll_timeout(), None, "nothing is left to look at");
    }
}
