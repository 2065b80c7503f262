//! Who is at the other end of a connection, as the kernel vouches for it.

use nix::sys::socket::{getsockopt, sockopt::PeerCredentials};
use nix::unistd::{Gid, Uid, User, getgrouplist};
use std::ffi::CString;
use std::os::unix::net::UnixStream;

/// Whoever connected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// His user number; `None` when the system does not tell.
    pub uid: Option<u32>,
    /// The groups he is in, by number: that of his process, and those his user is a member of.
    pub groups: Vec<u32>,
    /// His user's name, or its number when it has none: for logs and records.
    pub name: String,
}

impl Peer {
    /// The peer of a connection: whoever called connect(2), whatever became of that process since.
    pub(crate) fn of(stream: &UnixStream) -> Peer {
        let Ok(credentials) = getsockopt(stream, PeerCredentials) else {
            return Peer { uid: None, groups: Vec::new(), name: "somebody".to_owned() };
        };
        let (uid, gid) = (credentials.uid(), Gid::from_raw(credentials.gid()));
        let user = User::from_uid(Uid::from_raw(uid)).ok().flatten();
        let name = user.as_ref().and_then(|user| CString::new(user.name.as_str()).ok());
        let groups = name.and_then(|name| getgrouplist(&name, gid).ok()).unwrap_or_else(|| vec![gid]);
        Peer {
            uid: Some(uid),
            groups: groups.into_iter().map(Gid::as_raw).collect(),
            name: user.map_or_else(|| format!("user {uid}"), |user| user.name),
        }
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
        assert!(peer.groups.contains(&nix::unistd::getgid().as_raw()));
        assert!(!peer.name.is_empty());
    }
}
