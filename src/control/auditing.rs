//! Which requests the audit log tells of, and in which words.

use super::Desk;
use crate::office::audit::Entry;
use crate::office::{chain, now_ms};
use control::{Peer, ProblemKind, Request};

/// A request that changes something.
pub(super) struct Order {
    /// What is wanted.
    pub verb: &'static str,
    /// Of what.
    pub target: String,
    /// It has a line of its own before it is carried out; only a failure is told of afterwards.
    written_before: bool,
}

impl Order {
    /// `None` for a request that only asks.
    pub fn of(request: &Request) -> Option<Order> {
        let (verb, target) = match request {
            Request::Reserve(wish) => ("reserve", wish.title.clone()),
            Request::Announce { event } => ("announce", event.clone()),
            Request::Cancel { event } => ("cancel", event.clone()),
            Request::End { event } => ("end", event.clone()),
            Request::ConferenceOrder { event, order } => {
                (order.verb(), order.call().map_or_else(|| event.clone(), |call| format!("{event} call {call}")))
            }
            Request::HangUp { call } => ("hang_up", format!("call {call}")),
            Request::Suspend(wish) => ("suspend", wish.target.to_string()),
            Request::Resume(wish) => ("resume", wish.target.to_string()),
            Request::Test(wish) => ("test", wish.target.to_string()),
            Request::StopTest { id } => ("stop_test", format!("test {id}")),
            Request::ReleaseLoops { target } => ("release_loops", target.to_string()),
            Request::Fault { span, words: Some(_) } => ("fault", format!("span {span}")),
            Request::PortFault { port, dead: Some(_) } => ("fault", format!("stream port {port}")),
            Request::ExchangeDial(plan) => {
                ("exchange_dial", plan.called.clone().unwrap_or_else(|| "the gateway's number".to_owned()))
            }
            Request::ExchangeHangUp { id } => ("exchange_hang_up", format!("call {id} of the exchange")),
            _ => return None,
        };
        let written_before = matches!(
            request,
            Request::Suspend(_)
                | Request::Resume(_)
                | Request::Test(_)
                | Request::Fault { .. }
                | Request::PortFault { .. }
        );
        Some(Order { verb, target, written_before })
    }
}

impl Desk {
    /// Write down what came of an order.
    pub(super) fn note(&self, peer: &Peer, order: &Order, problem: Option<ProblemKind>) {
        if order.written_before && problem.is_none() {
            return;
        }
        let outcome = problem.map_or("done", ProblemKind::as_str);
        let entry = Entry::new(now_ms(), peer, order.verb, &order.target).with_outcome(outcome);
        if let Err(error) = self.audit.write(&entry) {
            // It has been carried out; the alarm is what is left to do.
            let text = format!("{}: {}", crate::office::audit::FILE, chain(&error));
            log::error!(target: "server", "{text}");
            let mut picture = self.shared.picture();
            picture.raise(now_ms(), "audit log", control::Severity::Major, text);
        }
    }
}
