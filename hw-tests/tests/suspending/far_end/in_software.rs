//! The exchange in software, as far as it signals.

use super::{FarEnd, Trunk};
use exchange::{CallOrder, CallerEvent, CallerId, Output, Server, SpanId, SpanPlan, Switch, SwitchPlan, TrunkGroup};
use hal::DFrame;
use isdn::FarState;
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

const SPAN: SpanId = SpanId(0);

/// See the module.
pub struct InSoftware {
    switch: Switch,
    channels: u8,
    /// Callers that are through, by channel.
    through: BTreeMap<u8, CallerId>,
    causes: Vec<u8>,
    frames: VecDeque<Vec<u8>>,
}

impl InSoftware {
    pub fn start(now: Duration, trunk: Trunk) -> InSoftware {
        let line = trunk.place.line();
        let server = Server { name: "gateway".into(), cards: vec![vec![SPAN]] };
        let mut switch = Switch::new(SwitchPlan {
            spans: vec![SpanPlan { line, switch: trunk.place.switch }],
            groups: vec![TrunkGroup::for_all("all", vec![server])],
            channel_preferred: trunk.prefers,
            never_enquires: trunk.never_enquires,
            ..SwitchPlan::default()
        });
        if trunk.service {
            switch.with_service_messages(SPAN).expect("the variant has them");
        }
        switch.start(now);
        let (through, causes, frames) = (BTreeMap::new(), Vec::new(), VecDeque::new());
        let mut exchange = InSoftware { switch, channels: line.timeslots(), through, causes, frames };
        exchange.collect();
        exchange
    }

    fn collect(&mut self) {
        while let Some(output) = self.switch.poll_output() {
            match output {
                Output::Frame { frame, .. } => self.frames.push_back(frame.to_vec()),
                Output::Caller { caller, event: CallerEvent::Connected { channel, .. } } => {
                    self.through.insert(channel.0, caller);
                }
                Output::Caller { caller, event: CallerEvent::Ended { cause, .. } | CallerEvent::NoRoute { cause } } => {
                    self.through.retain(|_, through| *through != caller);
                    self.causes.push(cause.value);
                }
                Output::Caller { .. } => {}
            }
        }
    }

    fn of_state(&self, state: FarState) -> u32 {
        let d = self.switch.d_channel(SPAN).expect("there is one span");
        let is = |n: &u8| d.service(*n).is_some_and(|service| service.far == state);
        (1..=self.channels).filter(is).fold(0, |set, n| set | 1 << (n - 1))
    }
}

impl FarEnd for InSoftware {
    fn deadline(&self) -> Option<Duration> {
        self.switch.poll_timeout()
    }

    fn handle_time(&mut self, now: Duration) {
        self.switch.handle_timeout(now);
        self.collect();
    }

    fn handle_frame(&mut self, now: Duration, frame: &[u8]) {
        self.switch.handle_frame(now, SPAN, &DFrame::new(frame).expect("it came over a line"));
        self.collect();
    }

    fn poll_frame(&mut self) -> Option<Vec<u8>> {
        self.frames.pop_front()
    }

    fn handle_line(&mut self, usable: bool) {
        self.switch.span_usable(SPAN, usable);
    }

    fn dial(&mut self, now: Duration) {
        self.switch.originate(now, &CallOrder { called: "5550100".into(), ..CallOrder::default() });
        self.collect();
    }

    fn hang_up(&mut self, now: Duration, channel: u8) {
        let caller = self.through[&channel];
        assert!(self.switch.hang_up(now, caller, exchange::exchange_cause(16)), "channel {channel} has a caller");
        self.collect();
    }

    fn active(&self) -> u32 {
        self.through.keys().fold(0, |set, n| set | 1 << (n - 1))
    }

    fn told(&self) -> (u32, u32) {
        (self.of_state(FarState::OutOfService), self.of_state(FarState::Maintenance))
    }

    fn causes(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.causes)
    }

    fn link_up(&self) -> bool {
        self.switch.link_up(SPAN)
    }
}
