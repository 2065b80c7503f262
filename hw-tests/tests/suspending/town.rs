//! A gateway on a span of the software card, an exchange at the other end of it, and a clock that costs no time.
//!
//! What the daemon's office does about suspensions is done by its own parts: the ledger on the disk, the watch over the line, AIS.
//! The configuration of the span is read as the daemon reads it.
//!
//! Data path: orders of a story → ledger → [`Gateway`] ⇄ near end of the line ⇄ far end of it ⇄ [`FarEnd`].
//! Time: [`Town::now`]. As long as something is under way on the line it goes from tick to tick, otherwise to the next deadline.
//! Words: story, what is tried in a place; place, who is at the far end and what is spoken; told, what the office would hear.

use crate::far_end::{FarEnd, InSoftware, Libpri, Trunk};
use board_loopback::rehearsal::FaultDesk;
use board_loopback::{LoopbackCard, LoopbackSlot, Slot};
use control::{Hold, Target};
use event::Keyring;
use hal::{Alarms, Card, CardEvent, ChunkLength, Counters, Line, Readiness, Running, SpanIndex};
use isdn::Switch;
use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;
use tempfile::TempDir;
use trunkcast::config::{Config, Span};
use trunkcast::gateway::callin::Patience;
use trunkcast::gateway::{Channel, Gateway, Holds, Marks, NearSets, Output, Settings, Voice, WhenOut};
use trunkcast::office::ledger::{self, Ledger, Terms};
use trunkcast::office::lines::{self, Lines};
use trunkcast::reports::{Command, What};

/// What a story comes to: that all was well, or what was not.
pub type Told<T = ()> = Result<T, String>;

/// Ends a story with these words unless the condition holds.
macro_rules! ensure {
    ($condition:expr, $($words:tt)+) => {
        if !$condition {
            return Err(format!($($words)+));
        }
    };
}
pub(crate) use ensure;

pub const SECOND: Duration = Duration::from_secs(1);
/// Longer than the pace holds a channel's SERVICE back.
pub const PACE: Duration = Duration::from_secs(60);

const SPAN: SpanIndex = SpanIndex(0);
const TICK: ChunkLength = ChunkLength::Ms20;
/// On its way over the line, and back.
const UNDER_WAY: u32 = 6;
/// 2026-03-01 12:00:00 UTC.
const WALL: Duration = Duration::from_secs(1_772_366_400);

/// Who is at the far end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Far {
    InSoftware,
    Libpri,
}

/// Where a story is told.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    pub far: Far,
    pub switch: Switch,
}

impl Place {
    /// As in "ni2, libpri".
    pub fn name(self) -> String {
        let far = if self.far == Far::Libpri { "libpri" } else { "exchange in software" };
        format!("{}, {far}", self.switch.row().name)
    }

    pub fn line(self) -> Line {
        if self.switch == Switch::EuroIsdn { Line::E1 } else { Line::T1 }
    }

    pub fn has_service(self) -> bool {
        self.switch.row().service.is_some()
    }

    /// All bearer channels.
    pub fn channels(self) -> u32 {
        self.line().bearers().fold(0, |set, timeslot| set | 1 << timeslot.index())
    }

    /// Its span in a configuration, with these lines more.
    pub fn span(self, more: &str) -> Result<Span, String> {
        let (line, name, service) = (self.line(), self.switch.row().name, self.has_service());
        let config = Config::parse(&format!(
            "[[card]]\nboard = \"loopback\"\nname = \"soft0\"\n[[card.span]]\nline = \"{line}\"\nswitch = \"{name}\"\n\
             far_end = \"exchange\"\nservice_messages = {service}\n{more}\n"
        ))?;
        Ok(config.cards[0].spans[0].clone())
    }
}

/// How a town differs from the usual one.
#[derive(Clone, Copy, Default)]
pub struct Terrain {
    /// More lines for the span's configuration.
    pub span: &'static str,
    /// Calls are offered on a channel that is only preferred.
    pub prefers: bool,
    /// The exchange in software does not ask about calls when the link is back.
    pub never_enquires: bool,
    /// Channels whose SERVICE the exchange does not understand.
    pub deaf_to: u32,
    /// Stream ports and their marks; else there are always enough.
    pub ports: Option<(usize, Marks)>,
}

/// See the module.
pub struct Town {
    pub place: Place,
    terrain: Terrain,
    span: Span,
    pub now: Duration,
    pub gateway: Gateway,
    pub keyring: Keyring,
    /// None: the daemon is not running.
    near: Option<Running>,
    slot: LoopbackSlot,
    desk: FaultDesk,
    far_card: Running,
    pub far: Box<dyn FarEnd>,
    ledger: Ledger,
    lines: Lines,
    /// The gateway was told that the line is useless.
    useless: bool,
    /// Frames of the gateway that wait for the next tick.
    sent: VecDeque<Vec<u8>>,
    under_way: u32,
    /// Channels whose SERVICE the exchange does not understand.
    pub deaf_to: u32,
    /// All that was told since a story took it away.
    pub told: Vec<What>,
    near_sets: NearSets,
    pending: u32,
    /// SERVICE that we sent, by channel.
    pub services: [u32; 32],
    /// The channels of the RESTARTs we sent.
    pub restarted: BTreeSet<u8>,
    directory: TempDir,
}

impl Town {
    /// With the link up, and both ends agreed about the channels.
    pub fn up(place: Place, terrain: Terrain) -> Told<Town> {
        let mut town = Town::new(place, terrain)?;
        town.start();
        town.pass(SECOND * 5);
        ensure!(town.gateway.link_up(0) && town.far.link_up(), "the link does not come up");
        let expected = if town.span.service_messages { terrain.deaf_to } else { 0 };
        ensure!(town.pending == expected, "SERVICE of {:#x} is not acknowledged", town.pending);
        Ok(town)
    }

    fn new(place: Place, terrain: Terrain) -> Told<Town> {
        let span = place.span(terrain.span)?;
        let mut builder = LoopbackCard::builder("soft0");
        builder.delay_ms(20).patience(u32::MAX);
        let far_end = builder.span_to_exchange(place.line());
        let mut card = builder.build();
        let (desk, slot) = (card.fault_desk(), card.slot());
        let near = Box::new(card).start(TICK).map_err(|error| error.to_string())?;
        let far_card = far_end.attach("far").and_then(|card| Box::new(card).start(TICK));
        let far_card = far_card.map_err(|error| error.to_string())?;
        let trunk = Trunk {
            place,
            service: span.service_messages,
            prefers: terrain.prefers,
            never_enquires: terrain.never_enquires,
        };
        let far: Box<dyn FarEnd> = match place.far {
            Far::InSoftware => Box::new(InSoftware::start(Duration::ZERO, trunk)),
            Far::Libpri => Box::new(Libpri::start(Duration::ZERO, trunk)),
        };
        let directory = tempfile::tempdir().map_err(|error| error.to_string())?;
        let spot = ledger::Place { card: "soft0".into(), span: 1, line: place.line(), d_channel: true };
        let ledger = Ledger::open(&directory.path().join(ledger::FILE), vec![spot.clone()]);
        let file = directory.path().join(lines::FILE);
        let watched = vec![(spot, span.framing())];
        let keyring = Keyring::random();
        Ok(Town {
            gateway: gateway(&span, &keyring, terrain.ports),
            place,
            terrain,
            span,
            now: Duration::ZERO,
            keyring,
            near: Some(near),
            slot,
            desk,
            far_card,
            far,
            ledger: ledger.map_err(|error| error.to_string())?,
            lines: Lines::new(&file, watched, Duration::ZERO, WALL, |_| Counters::default()),
            useless: false,
            sent: VecDeque::new(),
            under_way: UNDER_WAY,
            deaf_to: terrain.deaf_to,
            told: Vec::new(),
            near_sets: NearSets::default(),
            pending: 0,
            services: [0; 32],
            restarted: BTreeSet::new(),
            directory,
        })
    }

    /// As the daemon does it: what is out is known before the link is asked for.
    fn start(&mut self) {
        for order in self.ledger.orders(wall_ms(self.now)) {
            self.gateway.handle_command(self.now, order);
        }
        self.gateway.start(self.now);
        self.carry_out();
    }

    /// The daemon is killed: all is gone but what is on the disk, and nothing arrives at the exchange any more.
    pub fn crash(&mut self) {
        self.near = None;
        self.sent.clear();
        (self.near_sets, self.pending, self.useless) = (NearSets::default(), 0, false);
        self.restarted.clear();
        self.under_way = UNDER_WAY;
    }

    /// It is started anew.
    pub fn come_back(&mut self) -> Told {
        let running = self.slot.find().and_then(|card| card.start(TICK)).map_err(|error| error.to_string())?;
        self.near = Some(running);
        let spot = self.ledger.places()[0].clone();
        let file = self.directory.path().join(ledger::FILE);
        self.ledger = Ledger::open(&file, vec![spot.clone()]).map_err(|error| error.to_string())?;
        let watched = vec![(spot, self.span.framing())];
        let file = self.directory.path().join(lines::FILE);
        self.lines = Lines::new(&file, watched, self.now, WALL + self.now, |_| Counters::default());
        self.gateway = gateway(&self.span, &self.keyring, self.terrain.ports);
        self.start();
        Ok(())
    }

    /// Puts faults on the line, in the words of `trunkctl fault`, or takes them away.
    pub fn line(&mut self, orders: &[&str]) {
        for order in orders {
            self.desk.obey(SPAN, order.parse().expect("an order")).expect("the span is there");
        }
        self.under_way = UNDER_WAY;
    }

    /// Lets so much time pass.
    pub fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        while self.now < end {
            self.now = if self.under_way > 0 {
                self.under_way -= 1;
                self.now + TICK.duration()
            } else {
                let next = [self.daemon_deadline(), self.far.deadline()].into_iter().flatten().min();
                next.map_or(end, |next| next.clamp(self.now, end))
            };
            self.turn();
        }
    }

    /// When gateway or office want to be called, if there are any.
    fn daemon_deadline(&self) -> Option<Duration> {
        self.near.as_ref()?;
        [self.gateway.poll_timeout(), self.lines.poll_timeout()].into_iter().flatten().min()
    }

    /// One tick of either end.
    fn turn(&mut self) {
        let now = self.now;
        if let Some(mut near) = self.near.take() {
            assert_eq!(near.traffic.begin().expect("the card is there"), Readiness::Ready);
            while let Some(event) = near.traffic.next_event() {
                if let CardEvent::Alarms(_, alarms) = event {
                    self.gateway.handle_alarms(now, 0, alarms);
                }
            }
            while let Some(frame) = near.traffic.receive_frame(SPAN).expect("the card is there") {
                self.gateway.handle_frame(now, 0, &frame);
            }
            if self.gateway.poll_timeout().is_some_and(|at| at <= now) {
                self.gateway.handle_timeout(now);
            }
            self.near = Some(near);
            self.carry_out();
            self.watch_line();
            let near = self.near.as_mut().expect("just put there");
            for frame in self.sent.drain(..) {
                // What an alarm keeps from being sent is lost, as on a real card.
                let _ = near.traffic.send_frame(SPAN, &frame);
                self.under_way = UNDER_WAY;
            }
            near.traffic.end().expect("the card is there");
        }
        self.far_turn();
    }

    fn far_turn(&mut self) {
        let (now, far_card, far) = (self.now, &mut self.far_card, &mut self.far);
        assert_eq!(far_card.traffic.begin().expect("the card is there"), Readiness::Ready);
        while let Some(event) = far_card.traffic.next_event() {
            if let CardEvent::Alarms(_, alarms) = event {
                // A gateway that says it does not hear us gets no new calls either.
                far.handle_line(alarms.usable() && !alarms.contains(Alarms::RAI));
            }
        }
        while let Some(frame) = far_card.traffic.receive_frame(SPAN).expect("the card is there") {
            far.handle_frame(now, &frame);
        }
        if far.deadline().is_some_and(|at| at <= now) {
            far.handle_time(now);
        }
        while let Some(frame) = far.poll_frame() {
            let _ = far_card.traffic.send_frame(SPAN, &frame);
            self.under_way = UNDER_WAY;
        }
        far_card.traffic.end().expect("the card is there");
    }

    /// What the gateway wants done.
    fn carry_out(&mut self) {
        while let Some(output) = self.gateway.poll_output() {
            match output {
                Output::Frame(_, frame) => self.send(&frame),
                // Prompts take no time here.
                Output::Voice(Voice::Play(channel, _)) => self.gateway.handle_prompts_done(self.now, channel),
                Output::Voice(_) => {}
                Output::Report(report) => self.note(report.what),
            }
        }
        self.under_way = self.under_way.max(u32::from(!self.sent.is_empty()));
    }

    fn send(&mut self, frame: &[u8]) {
        let mut frame = frame.to_vec();
        match frame[4.min(frame.len())..] {
            // SERVICE has the flag of a request (Q.931 clause 4.3); its channel comes behind Change Status.
            [0x03 | 0x43, 2, 0, 0, _, 1, 1, _, 0x18, 3, _, _, channel, ..] => {
                let channel = channel & 0x7f;
                self.services[usize::from(channel)] += 1;
                if self.deaf_to & 1 << (channel - 1) != 0 {
                    // A discriminator that nobody knows: layer 2 acknowledges it, layer 3 passes over it (clause 5.8.1).
                    frame[4] = 0x55;
                }
            }
            [8, 2, 0, 0, 0x46, 0x18, 3, _, _, channel, ..] => drop(self.restarted.insert(channel & 0x7f)),
            _ => {}
        }
        self.sent.push_back(frame);
    }

    fn note(&mut self, what: What) {
        match &what {
            What::Near { sets, .. } => self.near_sets = *sets,
            What::ServicePending { channels, .. } => self.pending = *channels,
            What::SpanOut { out, how: WhenOut::Alarm, .. } => {
                let alarms = if *out { Alarms::AIS } else { Alarms::empty() };
                let near = self.near.as_mut().expect("the daemon runs");
                near.control.send_alarms(SPAN, alarms).expect("the card can");
                self.under_way = UNDER_WAY;
            }
            _ => {}
        }
        self.lines.handle(self.now, &what);
        self.told.push(what);
    }

    fn watch_line(&mut self) {
        if self.lines.poll_timeout().is_some_and(|at| at <= self.now) {
            self.lines.handle_timeout(self.now, WALL + self.now, |_| Counters::default());
        }
        while self.lines.poll_output().is_some() {}
        let useless = self.lines.keeps_from_calls(0);
        if std::mem::replace(&mut self.useless, useless) != useless {
            let channels = if useless { self.place.channels() } else { 0 };
            self.order(Command::Hold { span: 0, hold: Holds::ALARM, channels, forced: 0 });
        }
    }

    fn order(&mut self, command: Command) {
        self.gateway.handle_command(self.now, command);
        self.carry_out();
    }

    // Orders.

    /// A technician takes these channels out: it is written down, then done.
    pub fn suspend(&mut self, channels: u32) -> Told {
        let terms = Terms { by: "kim".into(), ..Terms::default() };
        let written = self.ledger.suspend(wall_ms(self.now), &Target::Server, &[channels], terms);
        written.map_err(|error| error.to_string())?;
        self.hand_over();
        Ok(())
    }

    /// And gives them back.
    pub fn resume(&mut self, channels: u32) -> Told {
        self.ledger.resume(&[channels], Hold::Operator).map_err(|error| error.to_string())?;
        self.hand_over();
        Ok(())
    }

    fn hand_over(&mut self) {
        if self.near.is_some() {
            self.ledger.orders(wall_ms(self.now)).into_iter().for_each(|order| self.order(order));
        }
    }

    /// A test begins on these channels, or ends (none).
    pub fn test(&mut self, channels: u32) {
        self.order(Command::Hold { span: 0, hold: Holds::TEST, channels, forced: 0 });
    }

    /// A caller presses keys.
    pub fn keys(&mut self, channel: u8, keys: &str) {
        let channel = Channel { span: 0, timeslot: hal::Timeslot(channel) };
        for key in keys.chars().filter_map(dsp::dtmf::Key::from_char) {
            self.gateway.handle_key(self.now, channel, key);
            self.carry_out();
        }
    }

    /// The call on a channel is ended from here.
    pub fn end(&mut self, channel: u8) -> Told {
        let on = |(c, call, _): (Channel, _, _)| (c.timeslot.0 == channel).then_some(call);
        let call = self.gateway.calls().find_map(on).ok_or(format!("no call on channel {channel}"))?;
        self.order(Command::HangUp { call });
        Ok(())
    }

    // Calls.

    /// Somebody calls: the channel he is put through on, or the cause he is told.
    pub fn dial(&mut self) -> Result<u8, u8> {
        let before = self.far.active();
        self.far.causes();
        self.far.dial(self.now);
        self.under_way = UNDER_WAY;
        // Twice T303, and a moment.
        for _ in 0..90 {
            self.pass(SECOND / 10);
            let new = self.far.active() & !before;
            if new != 0 {
                self.pass(SECOND);
                return Ok(new.trailing_zeros() as u8 + 1);
            }
            if let Some(cause) = self.far.causes().pop() {
                return Err(cause);
            }
        }
        Err(0)
    }

    /// So many calls, which get these channels.
    pub fn dial_all(&mut self, channels: impl IntoIterator<Item = u8>) -> Told {
        for channel in channels {
            let got = self.dial();
            ensure!(got == Ok(channel), "a call for channel {channel} came to {got:?}");
        }
        self.agree_on_calls("after they were placed")
    }

    pub fn hang_up(&mut self, channel: u8) {
        self.far.hang_up(self.now, channel);
        self.under_way = UNDER_WAY;
        self.pass(SECOND * 2);
    }

    // What is so.

    /// What the gateway told last of its channels.
    pub fn near(&self) -> NearSets {
        self.near_sets
    }

    /// Channels whose SERVICE is not acknowledged.
    pub fn pending(&self) -> u32 {
        self.pending
    }

    /// Channels that carry a call here.
    pub fn busy(&self) -> u32 {
        self.gateway.calls().fold(0, |set, (channel, ..)| set | 1 << channel.timeslot.index())
    }

    /// The span has been taken away from the exchange, or given back; none: neither.
    pub fn span_out(&self) -> Option<bool> {
        let out = |what: &What| match what {
            What::SpanOut { out, .. } => Some(*out),
            _ => None,
        };
        self.told.iter().rev().find_map(out)
    }

    /// What the exchange sees on the line.
    pub fn far_alarms(&self) -> Alarms {
        self.far_card.control.alarms(SPAN)
    }

    /// The same calls are up at both ends.
    pub fn agree_on_calls(&self, when: &str) -> Told {
        let (here, there) = (self.busy(), self.far.active());
        ensure!(here == there, "{when}: calls here on {here:#x}, at the exchange on {there:#x}");
        Ok(())
    }

    /// Exactly these channels are out of service here, and the exchange knows it where it can be told.
    pub fn agree_on_states(&self, out: u32, when: &str) -> Told {
        let near = self.near_sets;
        let only_out = NearSets { out, ..NearSets::default() };
        ensure!(near == only_out, "{when}: {near:x?}, and not {out:#x} out");
        let known = if self.span.service_messages { (out, 0) } else { (0, 0) };
        let told = self.far.told();
        ensure!(told == known, "{when}: the exchange was told of {told:x?}, not {known:x?}");
        ensure!(self.pending == 0, "{when}: SERVICE of {:#x} is not acknowledged", self.pending);
        Ok(())
    }

    /// Every channel is in service, takes calls, and nothing is left of what was.
    pub fn as_good_as_new(&mut self) -> Told {
        self.agree_on_calls("at the end")?;
        for n in channels(self.far.active()) {
            self.hang_up(n);
        }
        self.pass(PACE);
        self.agree_on_states(0, "at the end")?;
        ensure!(self.gateway.link_up(0) && self.far.link_up(), "at the end: the link is down");
        self.dial_all(channels(self.place.channels()))?;
        let lost = self.gateway.lost_outputs();
        ensure!(lost == 0, "{lost} outputs were lost");
        Ok(())
    }
}

/// The channels of a set.
pub fn channels(set: u32) -> impl Iterator<Item = u8> {
    (1..=32).filter(move |n: &u8| set & 1 << (n - 1) != 0)
}

fn wall_ms(now: Duration) -> u64 {
    (WALL + now).as_millis() as u64
}

/// A gateway that has just been made, as the daemon makes it from its configuration.
fn gateway(span: &Span, keyring: &Keyring, ports: Option<(usize, Marks)>) -> Gateway {
    let patience = SECOND * 86_400;
    let mut gateway = Gateway::new(Settings {
        patience: Patience { first_digit: patience, digit: patience, tries: 3, repeat: false },
        ports: ports.map_or(40, |(ports, _)| ports),
        linger: SECOND,
        ..Settings::new(vec![(span.line, span.switch)], keyring.clone())
    });
    if let Some((_, marks)) = ports {
        gateway.set_marks(marks);
    }
    gateway.set_when_out(0, span.when_out());
    gateway.set_restart_at_start(0, span.restart_at_start);
    if span.service_messages {
        gateway.with_service_messages(0).expect("the configuration was checked");
    }
    gateway
}
