//! Channels the exchange may have calls on that are over here: each is brought back to idle with RESTART.
//!
//! A daemon that was killed has forgotten its calls, and an exchange whose link was only reset neither asks nor tells: its
//! callers would hear nothing until they hang up. So every channel is owed a RESTART from the start on. It is sent once the link
//! has been up for [`SETTLING`], by when either end has told which channels are out of service, and only to channels in neither
//! a call nor out of service; the debt of the others waits until they come back. A call that arrives pays the debt: the exchange
//! took the channel for idle itself. A call that ends here while the link is down leaves the same debt, for the same reason.
//!
//! Time: `now` is given; [`Afresh::poll_timeout`] is part of the gateway's.
//! Source: Q.931 (05/98) clause 5.5: restart "after an internal failure". An exchange that ignores RESTART loses no channel by it:
//! see `isdn`'s `q931::restart`.
//! Words: owed, of a channel: not known to be idle at the other end.

use super::service::places;
use super::{Channel, Gateway, SPAN_TIMESLOTS};
use crate::reports::What;
use hal::Timeslot;
use std::time::Duration;

/// From the link's coming up, or the channel's, to its RESTART.
const SETTLING: Duration = Duration::from_secs(2);

/// What one span owes.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Afresh {
    /// The span's exchange does not ask about calls.
    wanted: bool,
    /// Bit n-1 stands for timeslot n.
    owed: u32,
    /// When what can be paid is paid.
    due: Option<Duration>,
}

impl Afresh {
    pub const fn poll_timeout(&self) -> Option<Duration> {
        self.due
    }
}

impl Gateway {
    /// Whether channels of a span are restarted once after the start, and where a call has ended without the link: to be called before [`Gateway::start`].
    pub fn set_restart_at_start(&mut self, span: u16, restart: bool) {
        let owed = if restart { self.bearers(usize::from(span)) } else { 0 };
        self.spans[usize::from(span)].afresh = Afresh { wanted: restart, owed, due: None };
    }

    /// A call on this channel has ended here while the exchange could not be told.
    pub(super) fn ended_untold(&mut self, channel: Channel) {
        let afresh = &mut self.spans[usize::from(channel.span)].afresh;
        if afresh.wanted {
            afresh.owed |= 1 << channel.timeslot.index();
        }
    }

    /// A call has come to this channel.
    pub(super) fn not_owed(&mut self, channel: Channel) {
        self.spans[usize::from(channel.span)].afresh.owed &= !(1 << channel.timeslot.index());
    }

    /// Whether a channel is not known to be idle at the other end.
    pub(super) fn is_owed(&self, channel: Channel) -> bool {
        self.spans[usize::from(channel.span)].afresh.owed & 1 << channel.timeslot.index() != 0
    }

    /// At the end of an input: pay what is due, and see what may be paid next.
    pub(super) fn start_afresh(&mut self, now: Duration) {
        for span in 0..self.spans.len() {
            let Afresh { owed, due, .. } = self.spans[span].afresh;
            if owed == 0 {
                self.spans[span].afresh.due = None;
                continue;
            }
            let payable = if self.link_up(span as u16) { self.payable(span, owed) } else { 0 };
            match due {
                _ if payable == 0 => self.spans[span].afresh.due = None,
                None => self.spans[span].afresh.due = Some(now + SETTLING),
                Some(at) if at <= now => self.pay(now, span, payable),
                Some(_) => {}
            }
        }
    }

    /// Those of these channels that are in neither a call nor out of service, nor about to be.
    fn payable(&self, span: usize, owed: u32) -> u32 {
        let idle = |place: &usize| self.calls[span * SPAN_TIMESLOTS + place].is_none();
        places(owed & self.with_service(span, |service| service.outgoing))
            .filter(idle)
            .fold(0, |set, place| set | 1 << place)
    }

    fn pay(&mut self, now: Duration, span: usize, payable: u32) {
        let (mut sent, trunk) = (0, self.spans[span].trunk);
        for place in places(payable) {
            let channel = self.spans[span].channel(Timeslot(place as u8 + 1));
            // Refused only when the link has just gone: then it stays owed.
            if self.trunks[trunk].dchannel.restart(now, channel).is_ok() {
                sent |= 1 << place;
            }
            // Drained each time: the link takes so many frames at once.
            self.drain_dchannel(now, trunk);
        }
        let afresh = &mut self.spans[span].afresh;
        (afresh.owed, afresh.due) = (afresh.owed & !sent, None);
        if sent != 0 {
            self.report(now, What::StartedAfresh { span: span as u16, channels: sent.count_ones() });
        }
    }
}
