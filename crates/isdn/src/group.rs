//! Interfaces that share a D channel: non-facility associated signalling, with or without a backup D channel.
//!
//! Data path: a configuration → here → [`Config::with_group`](crate::Config::with_group).
//! Time: none.
//! Source: Q.931 (05/98) Annex F.1; North American exchanges have it, EuroISDN and QSIG have not, and a 5ESS that speaks its
//! own dialect does not offer it.
//! Words: group, the interfaces that share a D channel; primary and backup, the D channel that is preferred and the one
//! that stands by (D-channels one and two of the Recommendation).

use crate::INTERFACES_MAX;

/// The largest interface identifier we write: it has one octet (Q.931 clause 4.5.13).
pub const IDENTIFIER_MAX: u8 = 127;

/// A D channel of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum LinkId {
    /// The preferred one, and the only one where there is no backup.
    Primary,
    /// The one that stands by.
    Backup,
}

impl LinkId {
    /// The other one.
    #[must_use]
    pub const fn other(self) -> LinkId {
        match self {
            LinkId::Primary => LinkId::Backup,
            LinkId::Backup => LinkId::Primary,
        }
    }
}

impl std::fmt::Display for LinkId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            LinkId::Primary => "primary",
            LinkId::Backup => "backup",
        })
    }
}

/// What a D channel is doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum LinkState {
    /// Its data link is down, and is being asked for.
    #[default]
    OutOfService,
    /// Its data link is up and carries no signalling.
    Standby,
    /// It carries the signalling.
    InService,
    /// Held down while the other one takes over.
    MaintenanceBusy,
    /// Held down by its owner.
    Manual,
}

impl std::fmt::Display for LinkState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            LinkState::OutOfService => "out of service",
            LinkState::Standby => "standby",
            LinkState::InService => "in service",
            LinkState::MaintenanceBusy => "maintenance busy",
            LinkState::Manual => "manual out of service",
        })
    }
}

/// The interfaces that share a D channel, in the order of [`Channel::interface`](crate::Channel::interface).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Group {
    identifiers: [u8; INTERFACES_MAX],
    count: u8,
    primary: u8,
    backup: Option<u8>,
}

impl Group {
    /// A group. `identifiers` is what messages call its interfaces; `primary` and `backup` are the places, counted from 0,
    /// of the interfaces that have the D channels.
    ///
    /// # Errors
    /// [`GroupError`] says what cannot be.
    pub fn new(identifiers: &[u8], primary: u8, backup: Option<u8>) -> Result<Group, GroupError> {
        let count = identifiers.len();
        if count == 0 || count > INTERFACES_MAX {
            return Err(GroupError::Count(count));
        }
        for (place, identifier) in identifiers.iter().enumerate() {
            if *identifier > IDENTIFIER_MAX || identifiers[..place].contains(identifier) {
                return Err(GroupError::Identifier(*identifier));
            }
        }
        if [Some(primary), backup].into_iter().flatten().any(|place| usize::from(place) >= count) {
            return Err(GroupError::NoSuchInterface);
        }
        if backup == Some(primary) {
            return Err(GroupError::SameInterface);
        }
        let mut group = Group { identifiers: [0; INTERFACES_MAX], count: count as u8, primary, backup };
        group.identifiers[..count].copy_from_slice(identifiers);
        Ok(group)
    }

    /// What messages call the interfaces, by place.
    #[must_use]
    pub fn identifiers(&self) -> &[u8] {
        &self.identifiers[..usize::from(self.count)]
    }

    /// The place of the interface that has a D channel; `None` where there is no backup.
    #[must_use]
    pub const fn interface_of(&self, link: LinkId) -> Option<u8> {
        match link {
            LinkId::Primary => Some(self.primary),
            LinkId::Backup => self.backup,
        }
    }
}

/// Why interfaces cannot share a D channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupError {
    /// There are none, or more than [`INTERFACES_MAX`].
    Count(usize),
    /// An identifier is beyond [`IDENTIFIER_MAX`], or two interfaces have it.
    Identifier(u8),
    /// A D channel is on an interface that is not of the group.
    NoSuchInterface,
    /// The backup D channel is on the interface that has the primary one.
    SameInterface,
    /// The switch variant has no shared D channels.
    Variant(&'static str),
    /// Only T1 spans share D channels.
    E1,
}

impl std::fmt::Display for GroupError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            GroupError::Count(count) => {
                write!(f, "{count} interfaces cannot share a D channel, 1 to {INTERFACES_MAX} can")
            }
            GroupError::Identifier(identifier) => {
                write!(f, "interface identifier {identifier} is used twice or is more than {IDENTIFIER_MAX}")
            }
            GroupError::NoSuchInterface => f.write_str("the D channel is on an interface that is not of the group"),
            GroupError::SameInterface => {
                f.write_str("the backup D channel must be on another interface than the primary")
            }
            GroupError::Variant(name) => {
                write!(f, "switch variant {name} has no D channels shared between spans; ni2, 4ess and dms100 have")
            }
            GroupError::E1 => f.write_str("only T1 spans can share a D channel"),
        }
    }
}

impl std::error::Error for GroupError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_a_group_is_refused() {
        assert_eq!(Group::new(&[], 0, None), Err(GroupError::Count(0)));
        assert_eq!(Group::new(&[0; 32], 0, None), Err(GroupError::Count(32)));
        assert_eq!(Group::new(&[0, 1, 0], 0, None), Err(GroupError::Identifier(0)));
        assert_eq!(Group::new(&[0, 128], 0, None), Err(GroupError::Identifier(128)));
        assert_eq!(Group::new(&[0, 1], 2, None), Err(GroupError::NoSuchInterface));
        assert_eq!(Group::new(&[0, 1], 0, Some(2)), Err(GroupError::NoSuchInterface));
        assert_eq!(Group::new(&[0, 1], 1, Some(1)), Err(GroupError::SameInterface));
        let group = Group::new(&[3, 7], 0, Some(1)).expect("it can be");
        assert_eq!((group.identifiers(), group.interface_of(LinkId::Backup)), (&[3, 7][..], Some(1)));
    }
}
