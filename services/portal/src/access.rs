//! Who asks, and what he may do.
//!
//! ```text
//!   Authorization: Bearer TOKEN            a program with a token of the accounts' file
//!   Authorization: Basic NUMBER:PIN        whoever has the host's PIN of an event
//!   Authorization: Basic NAME:PASSWORD     somebody with an account
//!   cookie                                 whoever has signed in on the page
//! ```
//!
//! PINs tried here count as those keyed into a telephone: by event and by asker, with the same limits ([`event::Guard`]).

use crate::accounts::Role;
use event::EventNumber;

/// Whoever asks, as far as he is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Actor {
    /// Not known.
    Nobody,
    /// Somebody with an account or a token.
    Known {
        /// The name there.
        name: String,
        /// The role there.
        role: Role,
    },
    /// Whoever has shown the host's PIN of this event.
    HostOf(EventNumber),
}

impl Actor {
    fn role(&self) -> Option<Role> {
        match self {
            Actor::Known { role, .. } => Some(*role),
            Actor::Nobody | Actor::HostOf(_) => None,
        }
    }

    /// Everything.
    pub(crate) fn is_operator(&self) -> bool {
        self.role() == Some(Role::Operator)
    }

    /// Whether he may reserve; `open`: anybody may.
    pub(crate) fn may_reserve(&self, open: bool) -> bool {
        open || self.role() >= Some(Role::Host)
    }

    /// Whether he may change, end and cancel the event of this owner.
    pub(crate) fn may_manage(&self, number: EventNumber, owner: Option<&str>) -> bool {
        match self {
            Actor::Nobody => false,
            Actor::HostOf(event) => *event == number,
            Actor::Known { role: Role::Operator, .. } => true,
            Actor::Known { role: Role::Host, name } => owner == Some(name.as_str()),
            Actor::Known { role: Role::Viewer, .. } => false,
        }
    }

    /// Whether he may see it in lists.
    pub(crate) fn may_see(&self, number: EventNumber, owner: Option<&str>) -> bool {
        self.role() == Some(Role::Viewer) || self.may_manage(number, owner)
    }

    /// As whom he reserves.
    pub(crate) fn owner(&self) -> Option<&str> {
        match self {
            Actor::Known { name, .. } => Some(name),
            Actor::Nobody | Actor::HostOf(_) => None,
        }
    }

    /// For the log.
    pub(crate) fn shown(&self) -> String {
        match self {
            Actor::Nobody => "nobody in particular".to_owned(),
            Actor::Known { name, role } => format!("{name} ({})", role.name()),
            Actor::HostOf(number) => format!("the host of {}", number.grouped()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_role_reaches_what_it_should_and_no_more() {
        let number = |serial| EventNumber::with_serial(event::KeyId::FIRST, serial);
        let known = |name: &str, role| Actor::Known { name: name.to_owned(), role };
        let (mine, other) = (number(1), number(2));
        // Who; may reserve when not open; may manage his, another's; may see another's.
        for (actor, reserve, his, others, sees) in [
            (Actor::Nobody, false, false, false, false),
            (Actor::HostOf(mine), false, true, false, false),
            (known("kim", Role::Viewer), false, false, false, true),
            (known("kim", Role::Host), true, true, false, false),
            (known("kim", Role::Operator), true, true, true, true),
        ] {
            let got = (
                actor.may_reserve(false),
                actor.may_manage(mine, Some("kim")),
                actor.may_manage(other, Some("pat")),
                actor.may_see(other, Some("pat")),
            );
            assert_eq!(got, (reserve, his, others, sees), "{actor:?}");
            assert!(actor.may_reserve(true));
            assert_eq!(
                actor.may_manage(other, None),
                others,
                "nobody's event is nobody's but an operator's: {actor:?}"
            );
        }
    }
}
