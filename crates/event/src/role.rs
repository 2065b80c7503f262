//! What a caller may do in an event.

use serde::{Deserialize, Serialize};
use std::fmt;

/// What a caller may do in an event. Each role has a PIN of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Speaks, and may end the event.
    Host,
    /// Speaks.
    Speaker,
    /// Hears, and is not heard.
    Listener,
}

impl Role {
    /// Every role there is.
    pub const ALL: [Role; 3] = [Role::Host, Role::Speaker, Role::Listener];

    /// The octet that stands for the role in what a PIN is derived from; never to be changed, or all
    /// PINs given out would be.
    pub(crate) const fn octet(self) -> u8 {
        match self {
            Role::Host => 1,
            Role::Speaker => 2,
            Role::Listener => 3,
        }
    }

    /// The role's name in files and messages.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Role::Host => "host",
            Role::Speaker => "speaker",
            Role::Listener => "listener",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
