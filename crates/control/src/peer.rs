//! Who is at the other end of a connection, as the kernel vouches for it.

use nix::sys::socket::{getsockopt, sockopt::PeerCredentials};
use nix::unistd::{Uid, User};
use std::os::unix::net::UnixStream;

/// Whoever connected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// His user number; `None` when the system does not tell.
    pub uid: Option<u32>,
    /// His user's name, or its number when it has none: for logs and records.
    pub name: String,
}

impl Peer {
    /// The peer of a connection: whoever called connect(2), whatever became of that process since.
    pub(crate) fn of(stream: &UnixStream) -> Peer {
        let uid = getsockopt(stream, PeerCredentials).ok().map(|credentials| credentials.uid());
        let named = |uid: u32| User::from_uid(Uid::from_raw(uid)).ok().flatten().map(|user| user.name);
        let name = match uid {
            Some(uid) => named(uid).unwrap_or_else(|| format!("user {uid}")),
            None => "somebody".to_owned(),
        };
        Peer { uid, name }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_connects_is_known_by_his_user() {
        let (ours, _theirs) = UnixStream::pair().expect("a pair");
        let peer = Peer::of(&ours);
        assert_eq!(peer.uid, Some(nix::unistd::getuid().as_raw()));
        assert!(!peer.name.is_empty());
    }
}
