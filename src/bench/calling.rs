//! What a test call has shown: how far it came, when, and how it ended.
//!
//! Data path: reports of the gateway → [`Schedule`](super::Schedule) → [`CallSeen`] → the verdict.
//! Time: milliseconds of the office, given; what is told counts from SETUP.

use crate::gateway::{CallId, Channel};
use crate::reports::CallStage;
use isdn::{Cause, Number};

/// A call to be placed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallPlan {
    /// The number.
    pub called: Number,
    /// On this span (counted from 0); on any without.
    pub span: Option<u16>,
    /// So long an answer is waited for, and so long again it stays up then.
    pub stay_ms: u64,
}

impl CallPlan {
    /// Whether two calls could be on the same span, one of which went to `placed`.
    #[must_use]
    pub fn meets(&self, other: &CallPlan, placed: Option<u16>) -> bool {
        match (self.span, other.span.or(placed)) {
            (Some(span), Some(other)) => span == other,
            _ => true,
        }
    }
}

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallEnd {
    /// Milliseconds after SETUP.
    pub after_ms: u64,
    /// Why.
    pub cause: Cause,
    /// The far end began.
    pub by_peer: bool,
}

/// A call that was placed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallSeen {
    /// The gateway's name for it.
    pub call: CallId,
    /// Its channel.
    pub channel: Channel,
    /// When SETUP was sent.
    pub setup_ms: u64,
    /// Milliseconds from SETUP to CALL PROCEEDING.
    pub proceeding_ms: Option<u64>,
    /// Milliseconds from SETUP to ALERTING.
    pub alerting_ms: Option<u64>,
    /// Milliseconds from SETUP to CONNECT.
    pub answered_ms: Option<u64>,
    /// It is being cleared: what is heard from now on is not the call.
    pub leaving: bool,
    /// How it ended, once it has.
    pub end: Option<CallEnd>,
}

impl CallSeen {
    /// SETUP was sent just now.
    #[must_use]
    pub fn new(now_ms: u64, call: CallId, channel: Channel) -> CallSeen {
        CallSeen {
            call,
            channel,
            setup_ms: now_ms,
            proceeding_ms: None,
            alerting_ms: None,
            answered_ms: None,
            leaving: false,
            end: None,
        }
    }

    /// It has come this far.
    pub fn at(&mut self, now_ms: u64, stage: CallStage) {
        let after = Some(now_ms.saturating_sub(self.setup_ms));
        match stage {
            CallStage::Proceeding => self.proceeding_ms = self.proceeding_ms.or(after),
            CallStage::Alerting => self.alerting_ms = self.alerting_ms.or(after),
            CallStage::Answered => self.answered_ms = self.answered_ms.or(after),
            CallStage::Leaving => self.leaving = true,
            CallStage::Answering
            | CallStage::AskingLanguage
            | CallStage::AskingEvent
            | CallStage::AskingPin
            | CallStage::InConference
            | CallStage::Waiting
            | CallStage::Dialling
            | CallStage::Invited => {}
        }
    }

    /// It is gone.
    pub fn ended(&mut self, now_ms: u64, cause: Cause, by_peer: bool) {
        self.leaving = true;
        self.end = Some(CallEnd { after_ms: now_ms.saturating_sub(self.setup_ms), cause, by_peer });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_test_calls_meet_unless_both_are_known_to_be_on_other_spans() {
        let on = |span| CallPlan { called: Number::new("102"), span, stay_ms: 10_000 };
        assert!(on(Some(0)).meets(&on(Some(0)), None) && on(Some(0)).meets(&on(None), Some(0)));
        assert!(on(None).meets(&on(Some(1)), None) && on(Some(0)).meets(&on(None), None), "it may come there");
        assert!(!on(Some(0)).meets(&on(Some(1)), None) && !on(Some(0)).meets(&on(None), Some(1)));
    }
}
