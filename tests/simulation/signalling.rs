//! Without sound: frames between gateway and exchange over a line that loses some, keys handed over
//! directly, time jumping from one thing to the next.

use crate::random::Random;
use crate::upkeep::Upkeep;
use crate::world::{self, AFTERMATH, HOUR, KnownEvent, Tally};
use dsp::dtmf::Key;
use event::Keyring;
use exchange::{CallOrder, CallerEvent, CallerId, Server, SpanId, SpanPlan, Switch, SwitchPlan, TrunkGroup};
use hal::{DFrame, Line};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;
use trunkcast::gateway::{Channel, Gateway, Output, Voice};
use trunkcast::reports::Command;

/// What somebody does next, and when.
enum Deed {
    Dial,
    Key(CallerId, Key),
    Talk(CallerId, bool),
    HangUp(CallerId),
    /// Somebody takes channels out of service or gives them back, here or there.
    Order,
    TheyOrder,
    /// The office does something in a conference.
    Control,
    /// The daemon is killed; it comes back.
    Kill,
    Start,
}

struct Prompting {
    ends: Duration,
}

struct World {
    now: Duration,
    random: Random,
    gateway: Gateway,
    /// There is no daemon at this moment.
    killed: bool,
    keyring: Keyring,
    switch_variant: isdn::Switch,
    rules: conference::Policy,
    upkeep: Upkeep,
    switch: Switch,
    events: Vec<KnownEvent>,
    /// Frames under way: when they arrive, whether to the gateway.
    wire: VecDeque<(Duration, bool, DFrame)>,
    /// The D channel carries nothing until then.
    dead_until: Duration,
    loss_per_mille: u64,
    deeds: BTreeMap<(Duration, u64), Deed>,
    deeds_counted: u64,
    /// Channels that are open at the voice path, and what plays there.
    voice: BTreeMap<Channel, Option<Prompting>>,
    /// Of these, those that are in a mix, hear music, or say their names.
    mixed: BTreeSet<Channel>,
    holding: BTreeSet<Channel>,
    /// Where each connected caller is.
    channels: BTreeMap<CallerId, Channel>,
    tally: Tally,
}

/// An hour, and what comes after it.
pub fn run(seed: u64) -> Tally {
    let mut random = Random::new(seed);
    let variants = [isdn::Switch::Ni2, isdn::Switch::Ess5, isdn::Switch::Dms100, isdn::Switch::EuroIsdn];
    let switch_variant = *random.pick(&variants);
    let (keyring, events) = world::events(&mut random);
    let mut upkeep = Upkeep::new(&mut random, switch_variant);
    // Half of all seeds have the usual rules, under which most happens.
    let rules = if random.once_in(2) { conference::Policy::default() } else { world::rules(&mut random) };
    let mut gateway = world::gateway(keyring.clone(), switch_variant, rules);
    upkeep.hand_over(Duration::ZERO, &mut gateway);
    let group = TrunkGroup::for_all("all", vec![Server { name: "gateway".into(), cards: vec![vec![SpanId(0)]] }]);
    let mut switch = Switch::new(SwitchPlan {
        spans: vec![SpanPlan { line: Line::T1, switch: switch_variant }],
        groups: vec![group],
        channel_preferred: random.once_in(2),
        never_enquires: random.once_in(2),
        ..SwitchPlan::default()
    });
    if upkeep.service {
        switch.with_service_messages(SpanId(0)).expect("the variant has them");
    }
    let loss_per_mille = random.below(30);
    let mut world = World {
        now: Duration::ZERO,
        random,
        gateway,
        killed: false,
        keyring,
        switch_variant,
        rules,
        upkeep,
        switch,
        events,
        wire: VecDeque::new(),
        dead_until: Duration::ZERO,
        loss_per_mille,
        deeds: BTreeMap::new(),
        deeds_counted: 0,
        voice: BTreeMap::new(),
        mixed: BTreeSet::new(),
        holding: BTreeSet::new(),
        channels: BTreeMap::new(),
        tally: Tally::default(),
    };
    world.gateway.start(world.now);
    world.switch.start(world.now);
    world.carry();
    world.later(Duration::from_secs(5), Deed::Dial);
    world.later(Duration::from_secs(60), Deed::Order);
    world.later(Duration::from_secs(90), Deed::TheyOrder);
    world.later(Duration::from_secs(30), Deed::Control);
    let first_kill = world.random.ms(10_000, 2_400_000);
    world.later(first_kill, Deed::Kill);
    let mut next_outage = world.random.ms(60_000, 1_200_000);
    while world.now < HOUR {
        world.step(HOUR.min(next_outage));
        if world.now >= next_outage {
            let length = world.random.ms(500, 120_000);
            world.dead_until = world.now + length;
            next_outage = world.now + length + world.random.ms(120_000, 1_500_000);
        }
    }
    // Everybody hangs up; nobody dials any more; the line is sound again, and everything resumed.
    world.deeds.clear();
    if world.killed {
        world.start();
    }
    for order in world.upkeep.resumed() {
        world.gateway.handle_command(world.now, order);
    }
    world.upkeep.they_resume(&mut world.switch);
    world.carry();
    world.dead_until = world.now;
    world.loss_per_mille = 0;
    let callers: Vec<CallerId> = world.channels.keys().copied().collect();
    for caller in callers {
        world.switch.hang_up(world.now, caller, exchange::exchange_cause(16));
    }
    world.carry();
    while world.now < HOUR + AFTERMATH {
        world.step(HOUR + AFTERMATH);
    }
    world::check_end(&world.gateway);
    world.upkeep.check_end(&world.switch);
    assert_eq!(world.switch.calls(), 0, "the exchange still has calls");
    assert!(world.voice.is_empty(), "legs left open: {:?}", world.voice.keys());
    assert!(world.mixed.is_empty() && world.holding.is_empty(), "legs left in a mix or with music");
    world.tally.add(&world.upkeep.tally);
    world.tally
}

impl World {
    fn later(&mut self, after: Duration, deed: Deed) {
        self.deeds_counted += 1;
        self.deeds.insert((self.now + after, self.deeds_counted), deed);
    }

    /// Go to the next thing that happens, but not beyond `limit`.
    fn step(&mut self, limit: Duration) {
        let prompts = self.voice.values().flatten().map(|p| p.ends).min();
        let wire = self.wire.front().map(|(at, ..)| *at);
        let deed = self.deeds.keys().next().map(|(at, _)| *at);
        let gateway = if self.killed { None } else { self.gateway.poll_timeout() };
        let next = [gateway, self.switch.poll_timeout(), prompts, wire, deed];
        let next = next.into_iter().flatten().min().unwrap_or(limit).min(limit);
        self.now = self.now.max(next);
        if !self.killed && self.gateway.poll_timeout().is_some_and(|t| t <= self.now) {
            self.gateway.handle_timeout(self.now);
        }
        if self.switch.poll_timeout().is_some_and(|t| t <= self.now) {
            self.switch.handle_timeout(self.now);
        }
        self.carry();
        while self.wire.front().is_some_and(|(at, ..)| *at <= self.now) {
            let (_, to_gateway, frame) = self.wire.pop_front().expect("just looked");
            if to_gateway && self.killed {
                continue;
            } else if to_gateway {
                self.gateway.handle_frame(self.now, 0, &frame);
            } else {
                self.switch.handle_frame(self.now, SpanId(0), &frame);
            }
            self.carry();
        }
        let done: Vec<Channel> = self
            .voice
            .iter()
            .filter(|(_, p)| p.as_ref().is_some_and(|p| p.ends <= self.now))
            .map(|(c, _)| *c)
            .collect();
        for channel in done {
            self.voice.insert(channel, None);
            self.gateway.handle_prompts_done(self.now, channel);
            self.carry();
        }
        while let Some(entry) = self.deeds.first_entry().filter(|e| e.key().0 <= self.now) {
            let deed = entry.remove();
            self.act(deed);
            self.carry();
        }
        if self.now < self.dead_until {
            self.upkeep.disturbed();
        }
        if !self.killed {
            world::check(&self.gateway);
            self.upkeep.check(self.now, &self.gateway, &self.switch, &self.channels);
        }
    }

    fn kill(&mut self) {
        self.killed = true;
        self.voice.clear();
        self.mixed.clear();
        self.holding.clear();
        self.upkeep.killed();
    }

    fn start(&mut self) {
        self.killed = false;
        self.gateway = world::gateway(self.keyring.clone(), self.switch_variant, self.rules);
        self.upkeep.hand_over(self.now, &mut self.gateway);
        self.gateway.start(self.now);
    }

    fn act(&mut self, deed: Deed) {
        match deed {
            Deed::Dial => {
                let calling = format!("555{:07}", self.random.below(40));
                let order = CallOrder { called: "100".into(), calling: Some(calling), ..CallOrder::default() };
                let caller = self.switch.originate(self.now, &order);
                // Some lose patience before anything has happened.
                if self.random.once_in(20) {
                    let after = self.random.ms(0, 3000);
                    self.later(after, Deed::HangUp(caller));
                }
                let pause = self.random.ms(500, 20_000);
                self.later(pause, Deed::Dial);
            }
            Deed::Key(caller, key) => {
                if let Some(channel) = self.open_channel(caller) {
                    self.gateway.handle_key(self.now, channel, key);
                }
            }
            Deed::Talk(caller, talking) => {
                if let Some(channel) = self.open_channel(caller) {
                    self.gateway.handle_talking(self.now, channel, talking);
                    let after = self.random.ms(300, 15_000);
                    self.later(after, Deed::Talk(caller, !talking));
                }
            }
            Deed::HangUp(caller) => {
                self.switch.hang_up(self.now, caller, exchange::exchange_cause(16));
            }
            Deed::Order => {
                let order = self.upkeep.ordered(&mut self.random);
                if !self.killed {
                    self.gateway.handle_command(self.now, order);
                }
                let (shortest, longest) = if self.upkeep.calm { (600_000, 2_400_000) } else { (100, 300_000) };
                let pause = self.random.ms(shortest, longest);
                self.later(pause, Deed::Order);
            }
            Deed::TheyOrder => {
                self.upkeep.they_order(&mut self.random, &mut self.switch);
                let pause = self.random.ms(10_000, 900_000);
                self.later(pause, Deed::TheyOrder);
            }
            Deed::Control => {
                let calls: Vec<_> = self.gateway.calls().filter(|(.., c)| c.is_some()).map(|(_, id, _)| id).collect();
                let events: Vec<_> = self.gateway.conferences().map(|(_, event, ..)| event).collect();
                if !self.killed && !events.is_empty() {
                    let (event, order) = (*self.random.pick(&events), world::order(&mut self.random, &calls));
                    self.gateway.handle_command(self.now, Command::Conference { ticket: 0, event, order });
                }
                let pause = self.random.ms(100, 30_000);
                self.later(pause, Deed::Control);
            }
            Deed::Kill => {
                self.kill();
                // Within seconds the exchange does not notice, and its link is only reset.
                let longest = if self.random.once_in(2) { 60_000 } else { 3000 };
                let pause = self.random.ms(0, longest);
                self.later(pause, Deed::Start);
            }
            Deed::Start => {
                self.start();
                let pause = self.random.ms(1000, 2_400_000);
                self.later(pause, Deed::Kill);
            }
        }
    }

    fn open_channel(&self, caller: CallerId) -> Option<Channel> {
        self.channels.get(&caller).copied().filter(|c| self.voice.contains_key(c))
    }

    /// What somebody who has just got through means to do.
    fn plan_caller(&mut self, caller: CallerId) {
        let mut at = self.random.ms(200, 6000);
        for _ in 0..3 {
            let (number, pin) = world::entry(&mut self.random, &self.events);
            let hash = if self.random.once_in(2) { "#" } else { "" };
            for part in [format!("{number}{hash}"), format!("{pin}{hash}")] {
                for c in part.chars() {
                    self.later(at, Deed::Key(caller, Key::from_char(c).expect("a key")));
                    at += self.random.ms(80, 900);
                }
                at += self.random.ms(200, 7000);
            }
            if self.random.once_in(2) {
                break;
            }
            at += self.random.ms(1000, 8000);
        }
        self.later(at, Deed::Talk(caller, true));
        while self.random.once_in(2) {
            at += self.random.ms(100, 20_000);
            for c in self.random.pick(&world::CONTROLS).chars() {
                at += Duration::from_millis(250);
                self.later(at, Deed::Key(caller, Key::from_char(c).expect("a key")));
            }
        }
        if self.random.once_in(25) {
            at += self.random.ms(1000, 60_000);
            let keys = if self.random.once_in(2) { "399" } else { "*399" };
            for c in keys.chars() {
                at += Duration::from_millis(250);
                self.later(at, Deed::Key(caller, Key::from_char(c).expect("a key")));
            }
        }
        // Some never hang up by themselves: what a daemon that was killed has forgotten must end all the same.
        let longest = if self.random.once_in(4) { 4_000_000 } else { 400_000 };
        let life = self.random.ms(1000, longest);
        self.later(life, Deed::HangUp(caller));
    }

    /// Carry out what both ends want done.
    fn carry(&mut self) {
        loop {
            if let Some(output) = self.gateway.poll_output() {
                match output {
                    Output::Frame(_, frame) => {
                        let frame = DFrame::new(&frame).expect("it fits");
                        self.send(false, frame);
                    }
                    Output::Voice(command) => self.voice(command),
                    Output::Report(report) => self.upkeep.note(self.now, &report.what),
                }
            } else if let Some(output) = self.switch.poll_output() {
                match output {
                    exchange::Output::Frame { frame, .. } => self.send(true, frame),
                    exchange::Output::Caller { caller, event } => self.caller(caller, &event),
                }
            } else {
                break;
            }
        }
    }

    fn send(&mut self, to_gateway: bool, frame: DFrame) {
        if self.now < self.dead_until || self.random.below(1000) < self.loss_per_mille {
            self.tally.frames_lost += 1;
            return;
        }
        self.wire.push_back((self.now + Duration::from_millis(8), to_gateway, frame));
    }

    fn caller(&mut self, caller: CallerId, event: &CallerEvent) {
        match event {
            CallerEvent::Connected { channel, .. } => {
                self.channels.insert(caller, Channel { span: 0, timeslot: *channel });
                if self.now < HOUR {
                    self.plan_caller(caller);
                } else {
                    self.later(Duration::ZERO, Deed::HangUp(caller));
                }
            }
            CallerEvent::Ended { .. } | CallerEvent::NoRoute { .. } => {
                self.channels.remove(&caller);
            }
            _ => {}
        }
    }

    /// The voice path, as far as it matters here: which legs are open, and when prompts end.
    fn voice(&mut self, command: Voice) {
        match command {
            Voice::Open(channel) => {
                assert!(self.voice.insert(channel, None).is_none(), "{channel:?} opened twice");
            }
            Voice::Close(channel) => {
                assert!(self.voice.remove(&channel).is_some(), "{channel:?} closed but not open");
                assert!(!self.mixed.contains(&channel) && !self.holding.contains(&channel), "out of everything before");
            }
            Voice::Play(channel, prompts) => {
                let ends = self.now + Duration::from_millis(1800) * prompts.len() as u32;
                let leg = self.voice.get_mut(&channel).expect("prompts for a leg that is not open");
                *leg = Some(Prompting { ends });
            }
            Voice::Hush(channel) => {
                *self.voice.get_mut(&channel).expect("silence for a leg that is not open") = None;
            }
            Voice::Join(channel, _) => {
                assert!(self.voice.contains_key(&channel) && !self.holding.contains(&channel), "{command:?}");
                assert!(self.mixed.insert(channel), "{channel:?} joined twice");
            }
            Voice::Leave(channel) => assert!(self.mixed.remove(&channel), "{channel:?} left what it was not in"),
            Voice::Mute(channel, _) => assert!(self.mixed.contains(&channel), "{command:?} of whom nobody hears"),
            Voice::Hold(channel, holds) => {
                let changed = if holds { self.holding.insert(channel) } else { self.holding.remove(&channel) };
                assert!(changed || holds, "{channel:?} heard no music");
                assert!(self.voice.contains_key(&channel) && !self.mixed.contains(&channel), "{command:?}");
            }
            Voice::Language(channel, _) | Voice::RecordName(channel) | Voice::KeepName(channel) => {
                assert!(self.voice.contains_key(&channel), "{command:?} for a leg that is not open");
            }
            Voice::PlayName(channel, _) => {
                let ends = self.now + Duration::from_millis(900);
                *self.voice.get_mut(&channel).expect("a name for a leg that is not open") = Some(Prompting { ends });
            }
            Voice::Tell(channel, _) => {
                assert!(self.mixed.contains(&channel), "{command:?} to who is not in");
                let before = self.voice[&channel].as_ref().map_or(self.now, |prompting| prompting.ends);
                let ends = before + Duration::from_millis(900);
                *self.voice.get_mut(&channel).expect("a leg that is in a conference is open") =
                    Some(Prompting { ends });
            }
            Voice::Announce(..) | Voice::AnnounceName(..) | Voice::KnockTone(_) => {}
            Voice::EntryTone(_) | Voice::ExitTone(_) | Voice::StreamOpen(_) | Voice::StreamClose(_) => {}
        }
    }
}
