//! Who may ask for what.
//!
//! ```text
//!   viewer < technician < operator         each may what those before it may
//! ```
//!
//! The daemon's own user and root are operators, whatever is configured. With a group, its members reach the socket: those on no
//! list are viewers.
//!
//! Data path: the kernel's word on a peer ([`Peer`]) → [`Admission::access`] → compared with [`Request::least`] before a request is
//! carried out.
//! Words: least, of a request: the least access that suffices for it.

use crate::{ConferenceOrder, Peer, Problem, ProblemKind, Request};
use std::fmt;

/// What somebody may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Access {
    /// Look.
    Viewer,
    /// Take channels out of service and put them back, hang up calls, see numbers in a trace.
    Technician,
    /// Everything.
    Operator,
}

impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Access::Viewer => "viewer",
            Access::Technician => "technician",
            Access::Operator => "operator",
        })
    }
}

/// A user, or everybody in a group, by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Member {
    /// A user.
    User(u32),
    /// A group.
    Group(u32),
}

/// Who is let in, and what he may do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Admission {
    /// The group whose members reach the socket; `None`: the daemon's user and root alone.
    pub group: Option<u32>,
    /// Those who may look. Whoever reaches the socket may; to be on this list is to be named.
    pub viewers: Vec<Member>,
    /// Those who may take channels out of service.
    pub technicians: Vec<Member>,
    /// Those who may do everything.
    pub operators: Vec<Member>,
}

impl Admission {
    /// What a peer may do; `None`: nothing.
    #[must_use]
    pub fn access(&self, peer: &Peer) -> Option<Access> {
        let uid = peer.uid?;
        if uid == 0 || uid == nix::unistd::geteuid().as_raw() {
            return Some(Access::Operator);
        }
        let is = |member: &Member| match *member {
            Member::User(user) => user == uid,
            Member::Group(group) => peer.groups.contains(&group),
        };
        let lists = [
            (Access::Operator, &self.operators),
            (Access::Technician, &self.technicians),
            (Access::Viewer, &self.viewers),
        ];
        let listed = lists.into_iter().find(|(_, list)| list.iter().any(is)).map(|(access, _)| access);
        listed.or_else(|| self.group.filter(|group| peer.groups.contains(group)).map(|_| Access::Viewer))
    }

    /// Whether a peer may have this carried out.
    ///
    /// # Errors
    /// `denied`, with who may.
    pub fn check(&self, peer: &Peer, request: &Request) -> Result<(), Problem> {
        let (has, least) = (self.access(peer), request.least());
        if has >= Some(least) {
            return Ok(());
        }
        let is = has.map_or_else(|| "has no access".to_owned(), |has| format!("is a {has}"));
        let message = format!("{} {is}, and this takes a {least}", peer.name);
        let hint = format!("ask one of them, or be added to control.{least}s in the daemon's configuration");
        Err(Problem::new(ProblemKind::Denied, message).with_hint(hint))
    }
}

impl Request {
    /// The least access that suffices.
    #[must_use]
    pub const fn least(&self) -> Access {
        match self {
            Request::Status
            | Request::Spans
            | Request::Channels { .. }
            | Request::Calls
            | Request::Events
            | Request::Conferences
            | Request::Conference { .. }
            | Request::ListenPorts
            | Request::PlanSuspend(_)
            | Request::Suspensions
            | Request::Doctor
            | Request::Alarms { .. }
            | Request::Performance { .. }
            | Request::PlanTest(_)
            | Request::Tests
            | Request::Fault { words: None, .. }
            | Request::PortFault { dead: None, .. }
            | Request::Watch
            | Request::ExchangeCalls => Access::Viewer,
            // Numbers of callers are hidden from those who only look.
            Request::Trace(wish) if !wish.numbers => Access::Viewer,
            // To call somebody costs money; ending is for all.
            Request::ConferenceOrder { order: ConferenceOrder::DialOut { .. } | ConferenceOrder::End, .. } => {
                Access::Operator
            }
            Request::Trace(_)
            | Request::ConferenceOrder { .. }
            | Request::HangUp { .. }
            | Request::Suspend(_)
            | Request::Resume(_)
            | Request::Test(_)
            | Request::Checks
            | Request::StopTest { .. }
            | Request::ReleaseLoops { .. }
            | Request::Fault { .. }
            | Request::PortFault { .. } => Access::Technician,
            // An answer to it shows PINs; ending is for good; the exchange reads and writes files as the daemon.
            Request::Reserve(_)
            | Request::Announce { .. }
            | Request::Cancel { .. }
            | Request::End { .. }
            | Request::ExchangeDial(_)
            | Request::ExchangeHangUp { .. } => Access::Operator,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{DialPlan, Reserve, TraceWish};

    fn peer(uid: u32, groups: &[u32]) -> Peer {
        Peer { uid: Some(uid), groups: groups.to_vec(), name: format!("user {uid}") }
    }

    /// Group 70 reaches the socket; 71 are technicians; users 1002 an operator, 1003 a viewer.
    fn admission() -> Admission {
        Admission {
            group: Some(70),
            viewers: vec![Member::User(1003)],
            technicians: vec![Member::Group(71)],
            operators: vec![Member::User(1002)],
        }
    }

    #[test]
    fn everybody_has_the_most_that_a_list_gives() {
        let admission = admission();
        for (uid, groups, expected) in [
            (0, &[][..], Some(Access::Operator)),
            (1001, &[70], Some(Access::Viewer)),
            (1001, &[70, 71], Some(Access::Technician)),
            (1002, &[70, 71], Some(Access::Operator)),
            (1003, &[70], Some(Access::Viewer)),
            (1004, &[], None),
        ] {
            assert_eq!(admission.access(&peer(uid, groups)), expected, "user {uid} in {groups:?}");
        }
        let nobody = Peer { uid: None, ..peer(0, &[70, 71]) };
        assert_eq!(admission.access(&nobody), None, "whom the kernel does not vouch for");
        let own = nix::unistd::geteuid().as_raw();
        assert_eq!(Admission::default().access(&peer(own, &[])), Some(Access::Operator));
        assert_eq!(Admission::default().access(&peer(own + 1, &[])), None);
    }

    #[test]
    fn a_request_takes_its_least_access_and_a_refusal_says_which() {
        let (admission, viewer) = (admission(), peer(1001, &[70]));
        let trace = |numbers| Request::Trace(TraceWish { span: 1, numbers, ..TraceWish::default() });
        assert_eq!(admission.check(&viewer, &Request::Calls), Ok(()));
        assert_eq!(admission.check(&viewer, &trace(false)), Ok(()));
        for request in [trace(true), Request::HangUp { call: 1 }] {
            let refused = admission.check(&viewer, &request).expect_err("a viewer");
            assert_eq!(refused.kind, ProblemKind::Denied);
            assert_eq!(refused.message, "user 1001 is a viewer, and this takes a technician");
            assert!(refused.hint.is_some_and(|hint| hint.contains("control.technicians")));
            assert_eq!(admission.check(&peer(1001, &[70, 71]), &request), Ok(()));
        }
        let order = |order| Request::ConferenceOrder { event: "100200305".into(), order };
        assert!(admission.check(&viewer, &order(ConferenceOrder::Lock)).is_err(), "a viewer only looks");
        assert_eq!(admission.check(&peer(1001, &[70, 71]), &order(ConferenceOrder::Kick { call: 1 })), Ok(()));
        assert!(admission.check(&peer(1001, &[70, 71]), &order(ConferenceOrder::End)).is_err(), "it ends for all");
        for request in [Request::Reserve(Reserve::default()), Request::ExchangeDial(DialPlan::default())] {
            assert!(admission.check(&peer(1001, &[70, 71]), &request).is_err(), "{request:?} by a technician");
            assert_eq!(admission.check(&peer(1002, &[]), &request), Ok(()));
        }
    }
}
