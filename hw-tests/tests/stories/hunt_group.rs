//! Two daemons in one trunk group of an exchange: what the one may not take the other does.
//!
//! Three processes: each daemon offers the far end of its only span on a socket, and the exchange, here, has the D channels of both.
//! It hunts as exchanges do, the first server's channels and then the second's. Nobody speaks: callers are answered, and wait to
//! be asked for an event.

use board_e1d::client::DChannelSocket;
use control::{Hold, LinkState, Resume, ServiceState, Suspend};
use exchange::{CallOrder, CallerEvent, CallerId, Output, Server, SpanId, SpanPlan, Switch, SwitchPlan, TrunkGroup};
use hal::{DFrame, Line};
use hw_tests::daemon::Daemon;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::collections::BTreeMap;
use std::os::fd::AsFd;
use std::path::Path;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// How long anything may take on a machine that is busy with other tests.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often what a daemon says of itself is looked at meanwhile.
const LOOK: Duration = Duration::from_millis(50);

struct Exchange {
    switch: Switch,
    lines: [DChannelSocket; 2],
    epoch: Instant,
    /// Callers that are through, and on which server.
    through: BTreeMap<CallerId, usize>,
    causes: BTreeMap<CallerId, u8>,
}

impl Exchange {
    fn attach(folder: &Path, line: Line, switch: isdn::Switch) -> Exchange {
        let server = |name: &str, span| Server { name: name.into(), cards: vec![vec![SpanId(span)]] };
        let mut exchange = Switch::new(SwitchPlan {
            spans: vec![SpanPlan { line, switch }; 2],
            groups: vec![TrunkGroup::for_all("conferences", vec![server("one", 0), server("two", 1)])],
            ..SwitchPlan::default()
        });
        if switch.row().service.is_some() {
            for span in [SpanId(0), SpanId(1)] {
                exchange.with_service_messages(span).expect("the variant has them");
            }
        }
        let lines = ["one", "two"].map(|name| {
            DChannelSocket::open(&folder.join(name), line.d_channel().0).expect("the daemon offers its far end")
        });
        exchange.start(Duration::ZERO);
        Exchange { switch: exchange, lines, epoch: Instant::now(), through: BTreeMap::new(), causes: BTreeMap::new() }
    }

    /// Works until something is so.
    fn until(&mut self, what: &str, mut so: impl FnMut(&Exchange) -> bool) {
        let begun = Instant::now();
        while !so(self) {
            assert!(begun.elapsed() < PATIENCE, "waited in vain for {what}: {:?}, {:?}", self.through, self.causes);
            self.work();
        }
    }

    /// A moment: what comes, what is due, what follows from it.
    fn work(&mut self) {
        let mut waited: Vec<_> = self.lines.iter().map(|line| PollFd::new(line.as_fd(), PollFlags::POLLIN)).collect();
        poll(&mut waited, PollTimeout::from(10u8)).expect("it can be waited for");
        let now = self.epoch.elapsed();
        for (span, line) in self.lines.iter().enumerate() {
            while let Some(frame) = line.receive() {
                self.switch.handle_frame(now, SpanId(span), &DFrame::new(&frame).expect("it came over a line"));
            }
        }
        if self.switch.poll_timeout().is_some_and(|at| at <= now) {
            self.switch.handle_timeout(now);
        }
        while let Some(output) = self.switch.poll_output() {
            match output {
                // What does not go is lost, as on a line; layer 2 sends it again.
                Output::Frame { span, frame } => drop(self.lines[span.0].send(&frame)),
                Output::Caller { caller, event: CallerEvent::Connected { span, .. } } => {
                    self.through.insert(caller, span.0);
                }
                Output::Caller { caller, event: CallerEvent::Ended { cause, .. } | CallerEvent::NoRoute { cause } } => {
                    self.through.remove(&caller);
                    self.causes.insert(caller, cause.value);
                }
                Output::Caller { .. } => {}
            }
        }
    }

    /// So many call, one after the other; the server that each is put through to, or the cause he is told.
    fn dial(&mut self, calls: usize) -> Vec<Result<usize, u8>> {
        let mut place = || {
            let order = CallOrder { called: "5550100".into(), ..CallOrder::default() };
            let caller = self.switch.originate(self.epoch.elapsed(), &order);
            self.until("a call", |e| e.through.contains_key(&caller) || e.causes.contains_key(&caller));
            self.through.get(&caller).copied().ok_or_else(|| self.causes[&caller])
        };
        (0..calls).map(|_| place()).collect()
    }

    /// All callers of a server hang up.
    fn hang_up(&mut self, server: usize) {
        let callers: Vec<_> = self.through.iter().filter(|(_, at)| **at == server).map(|(caller, _)| *caller).collect();
        for caller in callers {
            self.switch.hang_up(self.epoch.elapsed(), caller, exchange::exchange_cause(16));
        }
        self.until("all to be cleared", |e| !e.through.values().any(|at| *at == server));
    }
}

/// Two daemons and their exchange.
struct Place {
    daemons: [Daemon; 2],
    exchange: Exchange,
    _folder: TempDir,
}

impl Place {
    fn new(line: Line, switch: isdn::Switch) -> Place {
        let folder = TempDir::new().expect("a folder");
        let daemons = ["one", "two"].map(|name| {
            let (socket, service) = (folder.path().join(name), switch.row().service.is_some());
            let mut daemon = Daemon::prepare(
                "",
                "",
                &format!(
                    "[call_in]\nfirst_digit_s = 600\n[[card]]\nboard = \"loopback\"\nname = \"soft0\"\n[[card.span]]\n\
                     line = \"{line}\"\nswitch = \"{}\"\nfar_end = \"socket\"\nsocket = {socket:?}\n\
                     service_messages = {service}",
                    switch.row().name
                ),
            );
            daemon.launch();
            daemon
        });
        let exchange = Exchange::attach(folder.path(), line, switch);
        let mut place = Place { daemons, exchange, _folder: folder };
        place.until_all([LinkState::Up; 2], [0; 2]);
        place
    }

    /// Until the links are so at both ends, and so many channels are out of service, the exchange knowing it.
    fn until_all(&mut self, links: [LinkState; 2], out: [usize; 2]) {
        let Place { daemons, exchange, .. } = self;
        let mut next = Instant::now();
        exchange.until(&format!("links {links:?} and channels out {out:?}"), |exchange| {
            if Instant::now() < next {
                return false;
            }
            next = Instant::now() + LOOK;
            [0, 1].iter().all(|&n| {
                // A daemon has its link as soon as it has answered the exchange, which has not read that yet.
                if exchange.switch.link_up(SpanId(n)) != (links[n] == LinkState::Up) {
                    return false;
                }
                let mut client = daemons[n].client();
                let (spans, channels) = (client.spans().expect("answered"), client.channels(None).expect("answered"));
                let is_out = |c: &&control::ChannelInfo| c.near == ServiceState::OutOfService;
                let pending = channels.iter().any(|c| c.pending.is_some());
                spans[0].link == links[n] && !pending && channels.iter().filter(is_out).count() == out[n]
            })
        });
    }

    fn suspend(&self, server: usize) {
        let target = "server".parse().expect("a target");
        self.daemons[server].client().suspend(Suspend::new(target)).expect("suspended");
    }

    fn resume(&self, server: usize) {
        let target = "server".parse().expect("a target");
        let resume = Resume { target, hold: Hold::Operator, reason: None, ticket: None };
        self.daemons[server].client().resume(resume).expect("resumed");
    }
}

/// One is suspended under calls: those go on, and every new one lands on the other. Then the other way round, and at last neither.
fn one_suspended_the_other_takes_all(line: Line, switch: isdn::Switch) {
    let mut place = Place::new(line, switch);
    let all = line.bearers().count();
    // Suspended, the exchange knows it where SERVICE is spoken; elsewhere the link goes with the last call.
    let gone = if switch.row().service.is_some() { LinkState::Up } else { LinkState::Released };
    assert_eq!(place.exchange.dial(5), [Ok(0); 5], "the first server has room");

    place.suspend(0);
    place.until_all([LinkState::Up; 2], [all - 5, 0]);
    assert_eq!(place.exchange.dial(20), [Ok(1); 20], "the first drains");
    assert_eq!(place.exchange.through.values().filter(|at| **at == 0).count(), 5, "nobody was cut off");
    place.exchange.hang_up(0);
    place.until_all([gone, LinkState::Up], [all, 0]);
    let rest = place.exchange.dial(all - 20 + 1);
    assert!(rest[..all - 20].iter().all(|call| *call == Ok(1)), "the first is out: {rest:?}");
    assert_eq!(rest.last(), Some(&Err(34)), "and the second is full");

    place.resume(0);
    place.until_all([LinkState::Up; 2], [0; 2]);
    assert_eq!(place.exchange.dial(3), [Ok(0); 3], "the first is back");
    place.suspend(1);
    place.until_all([LinkState::Up; 2], [0; 2]);
    place.exchange.hang_up(1);
    place.until_all([LinkState::Up, gone], [0, all]);
    assert_eq!(place.exchange.dial(all - 3), vec![Ok(0); all - 3], "all of the first server's channels");
    assert!(matches!(place.exchange.dial(1)[..], [Err(_)]), "and no more");

    place.resume(1);
    place.until_all([LinkState::Up; 2], [0; 2]);
    assert_eq!(place.exchange.dial(2), [Ok(1); 2], "they share again: what the first has no room for");
    place.exchange.hang_up(0);
    assert_eq!(place.exchange.dial(2), [Ok(0); 2], "and the first has room");
}

#[test]
fn two_servers_that_speak_service() {
    one_suspended_the_other_takes_all(Line::T1, isdn::Switch::Ni2);
}

#[test]
fn two_servers_without_service() {
    one_suspended_the_other_takes_all(Line::E1, isdn::Switch::EuroIsdn);
}
