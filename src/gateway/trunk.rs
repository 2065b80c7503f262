//! D channels, each with the spans it signals for: mostly the one it is on, and several where they share it.
//!
//! What is said of a D channel as a whole names the span that has the primary one.
//!
//! Data path: frames and alarms of a span → here → its D channel → frames, events → calls and reports.
//! Time: the D channels', as part of the gateway's.
//! Source: Q.931 (05/98) Annex F.1, F.2 for shared D channels.
//! Words: trunk, a D channel with its spans; interface, the place of a span among those of its trunk.

use super::afresh::Afresh;
use super::callin::CallIn;
use super::{Channel, Gateway, Life, Output, SPAN_TIMESLOTS, Voice};
use crate::prompts::Prompt;
use crate::reports::{CallStage, What};
use hal::{Alarms, Line, Timeslot};
use isdn::{CallReference, DChannel, LinkId};
use std::time::Duration;

/// Without an answer for so long, the exchange is said to be silent.
pub(super) const LINK_SILENCE: Duration = Duration::from_secs(10);

pub(super) struct Span {
    pub line: Line,
    /// Its place in [`Gateway::trunks`].
    pub trunk: usize,
    /// Its place among the spans of that.
    pub interface: u8,
    /// Channels whose SERVICE is not acknowledged.
    pub pending: u32,
    pub afresh: Afresh,
    pub alarms: Alarms,
}

impl Span {
    /// A channel of it, as the D channel knows it.
    pub(super) fn channel(&self, timeslot: Timeslot) -> isdn::Channel {
        isdn::Channel::on(self.interface, timeslot.0)
    }
}

/// A D channel, and the spans it signals for: mostly the one it is on.
pub(super) struct Trunk {
    pub config: isdn::Config,
    pub dchannel: DChannel,
    /// By interface.
    pub spans: Vec<u16>,
    pub link_up: bool,
    /// When to say that nobody answers.
    pub silence: Option<Duration>,
}

impl Trunk {
    pub(super) fn new(config: isdn::Config, spans: Vec<u16>) -> Trunk {
        Trunk { config, dchannel: DChannel::new(config), spans, link_up: false, silence: None }
    }

    /// The span that a D channel is on.
    pub(super) fn span_of(&self, link: LinkId) -> Option<u16> {
        match &self.config.group {
            None => (link == LinkId::Primary).then(|| self.spans[0]),
            Some(group) => group.interface_of(link).map(|interface| self.spans[usize::from(interface)]),
        }
    }

    /// The D channel that is on a span, if there is one.
    pub(super) fn link_on(&self, span: u16) -> Option<LinkId> {
        [LinkId::Primary, LinkId::Backup].into_iter().find(|link| self.span_of(*link) == Some(span))
    }

    /// The span that stands for all of them in reports: the one with the primary D channel.
    pub(super) fn named_by(&self) -> u16 {
        self.span_of(LinkId::Primary).unwrap_or(self.spans[0])
    }
}

impl Gateway {
    /// Let spans, in the order of their interfaces, share a D channel: to be called before anything else is said of them.
    ///
    /// # Errors
    /// Their switch variant, or their kind of line, has no shared D channels.
    pub fn with_group(&mut self, spans: &[u16], group: isdn::Group) -> Result<(), isdn::GroupError> {
        let Some(first) = spans.first() else { return Ok(()) };
        let config = self.trunks[self.spans[usize::from(*first)].trunk].config.with_group(group)?;
        self.trunks.retain(|trunk| !trunk.spans.iter().any(|span| spans.contains(span)));
        self.trunks.push(Trunk::new(config, spans.to_vec()));
        for (place, trunk) in self.trunks.iter().enumerate() {
            for (interface, span) in (0u8..).zip(&trunk.spans) {
                let span = &mut self.spans[usize::from(*span)];
                (span.trunk, span.interface) = (place, interface);
            }
        }
        Ok(())
    }

    /// Have service messages on a span, and on those it shares its D channel with: to be called before [`Gateway::start`].
    /// The exchange must have them too.
    ///
    /// # Errors
    /// The span's switch variant has none.
    pub fn with_service_messages(&mut self, span: u16) -> Result<(), isdn::NoServiceMessages> {
        let trunk = &mut self.trunks[self.spans[usize::from(span)].trunk];
        trunk.config = trunk.config.with_service_messages()?;
        trunk.dchannel = DChannel::new(trunk.config);
        Ok(())
    }

    /// A D-channel frame arrived on a span. One without a D channel has none.
    pub fn handle_frame(&mut self, now: Duration, span: u16, frame: &[u8]) {
        let place = self.spans[usize::from(span)].trunk;
        let trunk = &mut self.trunks[place];
        let Some(link) = trunk.link_on(span) else { return };
        trunk.dchannel.handle_frame_on(now, link, frame);
        self.drain_dchannel(now, place);
        self.finish(now);
    }

    /// The alarms of a span are now these. A data link that is up is not touched by them: LAPD finds out
    /// by itself whether the far end is still there, and calls live on under T309. One that is down is
    /// asked for as soon as the line is sound. Where a backup stands by, it takes over without waiting for LAPD.
    pub fn handle_alarms(&mut self, now: Duration, span: u16, alarms: Alarms) {
        let index = usize::from(span);
        let before = std::mem::replace(&mut self.spans[index].alarms, alarms);
        self.report(now, What::Alarms { span, alarms });
        let place = self.spans[index].trunk;
        let trunk = &mut self.trunks[place];
        let Some(link) = trunk.link_on(span) else { return };
        match (before.usable(), alarms.usable()) {
            (false, true) => trunk.dchannel.line_restored_on(now, link),
            (true, false) => trunk.dchannel.line_failed(now, link),
            _ => return,
        }
        self.drain_dchannel(now, place);
    }

    /// Whether calls of a span can be signalled.
    #[must_use]
    pub fn link_up(&self, span: u16) -> bool {
        self.trunks[self.spans[usize::from(span)].trunk].link_up
    }

    /// Calls the D channel of a span knows of, in whatever state.
    #[must_use]
    pub fn signalled_calls(&self, span: u16) -> usize {
        self.trunks[self.spans[usize::from(span)].trunk].dchannel.calls().count()
    }

    pub(super) fn drain_dchannel(&mut self, now: Duration, trunk: usize) {
        // Channels of a span of which the exchange says the same are told of together.
        let mut far: Option<(isdn::FarState, u8, u32)> = None;
        let on = [LinkId::Primary, LinkId::Backup].map(|link| self.trunks[trunk].span_of(link));
        while let Some(output) = self.trunks[trunk].dchannel.poll_output() {
            match output {
                isdn::Output::Frame(link, frame) => match (on[link as usize], isdn::LapdFrame::from_slice(frame)) {
                    (Some(span), Ok(frame)) => self.push(Output::Frame(span, frame)),
                    _ => self.lost_outputs += 1,
                },
                isdn::Output::Event(isdn::Event::FarChanged { channel, state }) => {
                    let so_far = match far {
                        Some((same, interface, channels)) if same == state && interface == channel.interface => {
                            channels
                        }
                        other => {
                            self.report_far(now, trunk, other);
                            0
                        }
                    };
                    far = Some((state, channel.interface, so_far | 1 << (channel.timeslot - 1)));
                }
                isdn::Output::Event(event) => self.handle_event(now, trunk, event),
            }
        }
        self.report_far(now, trunk, far);
        self.report_pending(now, trunk);
    }

    pub(super) fn report_far(&mut self, now: Duration, trunk: usize, far: Option<(isdn::FarState, u8, u32)>) {
        if let Some((state, interface, channels)) = far {
            let span = self.trunks[trunk].spans[usize::from(interface)];
            self.report(now, What::FarChanged { span, channels, state });
        }
    }

    pub(super) fn report_pending(&mut self, now: Duration, trunk: usize) {
        if self.trunks[trunk].config.service_messages.is_none() {
            return;
        }
        for interface in 0..self.trunks[trunk].spans.len() {
            let span = self.trunks[trunk].spans[interface];
            let channels = self.with_service(usize::from(span), |s| s.pending.is_some());
            if std::mem::replace(&mut self.spans[usize::from(span)].pending, channels) != channels {
                self.report(now, What::ServicePending { span, channels });
                self.settle_span(now, usize::from(span));
            }
        }
    }

    pub(super) fn handle_event(&mut self, now: Duration, trunk: usize, event: isdn::Event) {
        match event {
            isdn::Event::LinkUp { reset } => {
                self.trunks[trunk].link_up = true;
                self.trunks[trunk].silence = None;
                let span = self.trunks[trunk].named_by();
                self.report(now, What::LinkUp { span, reset });
            }
            isdn::Event::LinkDown => {
                self.trunks[trunk].link_up = false;
                let span = self.trunks[trunk].named_by();
                // Released by ourselves: nothing to be alarmed about.
                if self.is_withdrawn(trunk) {
                    self.report(now, What::LinkReleased { span });
                } else if !matches!(self.life, Life::Releasing { .. }) {
                    self.trunks[trunk].silence = Some(now + LINK_SILENCE);
                    self.report(now, What::LinkDown { span });
                }
            }
            // Released by ourselves, both of them.
            isdn::Event::LinkState { .. } if matches!(self.life, Life::Releasing { .. } | Life::Finished) => {}
            isdn::Event::LinkState { link, state } => {
                if let Some(span) = self.trunks[trunk].span_of(link) {
                    self.report(now, What::DChannel { span, link, state });
                }
            }
            isdn::Event::Incoming { call, setup } => self.incoming(now, trunk, call, setup),
            isdn::Event::Connected { call } => {
                let Some(index) = self.index_of(trunk, call) else { return };
                let Some(call) = self.calls[index].as_mut().filter(|c| !c.clearing) else { return };
                if let Some(test) = call.test.as_mut() {
                    test.until = now + test.stay;
                    let call = call.id;
                    self.report(now, What::CallConnected { call });
                    self.report(now, What::CallStage { call, stage: CallStage::Answered });
                    return;
                }
                if call.invite.is_some() {
                    return self.answered(now, index);
                }
                let (dialogue, action) = CallIn::begin(self.patience, call.languages.clone());
                call.dialogue = Some(dialogue);
                let id = call.id;
                self.report(now, What::CallConnected { call: id });
                self.voice(Voice::Open(Channel::at(index)));
                self.report(now, What::CallStage { call: id, stage: CallStage::AskingEvent });
                if matches!(self.life, Life::Serving) {
                    self.act(now, index, action);
                } else {
                    self.dismiss(now, index, Prompt::Closing);
                }
            }
            isdn::Event::Disconnecting { call, cause, .. } => {
                if let Some(index) = self.index_of(trunk, call).filter(|index| !self.may_try_again(*index, cause)) {
                    self.silence_call(now, index);
                }
            }
            isdn::Event::Released { call, cause, by_peer } => {
                if let Some(index) = self.index_of(trunk, call) {
                    if !self.trunks[trunk].link_up {
                        self.ended_untold(Channel::at(index));
                    }
                    if !self.try_again(now, index, cause) {
                        self.end_call(now, index, cause, by_peer);
                    }
                }
            }
            isdn::Event::Restarted { channels } => {
                for interface in 0..self.trunks[trunk].spans.len() {
                    let restarted = channels.timeslots(interface as u8).count_ones();
                    let span = self.trunks[trunk].spans[interface];
                    if restarted != 0 {
                        self.report(now, What::Restarted { span, channels: restarted });
                    }
                }
            }
            isdn::Event::Proceeding { call, .. } => self.placed_call_at(now, trunk, call, CallStage::Proceeding),
            isdn::Event::Alerting { call, .. } => self.placed_call_at(now, trunk, call, CallStage::Alerting),
            isdn::Event::RestartDone { acknowledged: true, .. } => {}
            isdn::Event::RestartDone { channel, acknowledged: false } => {
                let span = self.trunks[trunk].spans[usize::from(channel.interface)];
                self.report(now, What::RestartUnanswered { span, timeslot: Timeslot(channel.timeslot) });
            }
            isdn::Event::Name { call, name } => {
                if let Some(call) = self.index_of(trunk, call).and_then(|index| self.calls[index].as_ref()) {
                    let call = call.id;
                    self.report(now, What::CallNamed { call, name });
                }
            }
            // Our answer follows SETUP at once, and of a call we place its stages are told.
            isdn::Event::Progress { .. } => {}
            // Taken together by `drain_dchannel`.
            isdn::Event::FarChanged { .. } => {}
            // An answer is told by `report_pending`, its absence as an unknown far state.
            isdn::Event::ServiceSettled { .. } => {}
            isdn::Event::ServiceContested { channel } => {
                let span = self.trunks[trunk].spans[usize::from(channel.interface)];
                self.report(now, What::ServiceContested { span, timeslot: Timeslot(channel.timeslot) });
            }
        }
    }

    /// The channels of a span whose service state is such: bit n-1 stands for timeslot n.
    pub(super) fn with_service(&self, span: usize, such: impl Fn(&isdn::ChannelService) -> bool) -> u32 {
        let (about, dchannel) = (&self.spans[span], &self.trunks[self.spans[span].trunk].dchannel);
        let service = |timeslot: &Timeslot| dchannel.service(about.channel(*timeslot)).is_some_and(|s| such(&s));
        self.bearers_of(span).filter(service).fold(0, |set, timeslot| set | 1 << timeslot.index())
    }

    /// The bearer channels of a span: timeslot 24 too where it has no D channel.
    pub(super) fn bearers_of(&self, span: usize) -> impl DoubleEndedIterator<Item = Timeslot> + use<> {
        let about = &self.spans[span];
        about.line.bearers_beside(self.trunks[about.trunk].link_on(span as u16).is_some())
    }

    pub(super) fn index_of(&self, trunk: usize, reference: CallReference) -> Option<usize> {
        let places = |span: &u16| (usize::from(*span) * SPAN_TIMESLOTS..).take(SPAN_TIMESLOTS);
        let is_it = |index: &usize| self.calls[*index].as_ref().is_some_and(|call| call.reference == reference);
        self.trunks[trunk].spans.iter().flat_map(places).find(is_it)
    }
}
