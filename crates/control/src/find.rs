//! Where the control socket of the running daemon is.
//!
//! A technician types `trunkctl status` and nothing else. A newcomer's daemon keeps its socket in the state
//! directory under the directory it was started in; an installed one in `/run`.
//!
//! Source: our own order. A socket found beside the current directory must belong to whoever asks: in a
//! directory anybody may write to, such as `/tmp`, a stranger's program could pose as the daemon and be told
//! PINs. One that is named is trusted.

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

/// The environment variable that names the socket.
pub const ENVIRONMENT: &str = "TRUNKCAST_SOCKET";

/// The socket of an installed daemon.
pub const SYSTEM_SOCKET: &str = "/run/trunkcast/control.sock";

/// The socket of a daemon started in this directory.
const LOCAL_SOCKET: &str = "trunkcast-state/control.sock";

/// `sun_path` holds 108 octets, one of them a zero.
const ADDRESS_MAX: usize = 107;

/// A place that was tried in vain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tried {
    /// The socket.
    pub path: PathBuf,
    /// Why it was not that: `not there`, `nobody listens`...
    pub why: String,
}

/// Where to look, in this order, given what was named and the current directory. Nothing else is looked
/// at once a socket is named.
#[must_use]
pub fn places(named: Option<&Path>, environment: Option<&Path>, directory: &Path) -> Vec<PathBuf> {
    if let Some(path) = named.or(environment.filter(|path| !path.as_os_str().is_empty())) {
        return vec![path.to_owned()];
    }
    let local = directory.ancestors().map(|directory| directory.join(LOCAL_SOCKET));
    local.chain([PathBuf::from(SYSTEM_SOCKET)]).collect()
}

/// Why a socket nobody named must not be used, if so.
pub(crate) fn suspicious(path: &Path) -> Option<String> {
    if path == Path::new(SYSTEM_SOCKET) {
        return None;
    }
    let owner = std::fs::metadata(path).ok()?.uid();
    let own = nix::unistd::geteuid().as_raw();
    (owner != own).then(|| format!("belongs to another user (uid {owner}): name it with --socket if you trust it"))
}

/// What an error of connecting means to a person.
pub(crate) fn in_words(path: &Path, error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "not there".into(),
        io::ErrorKind::ConnectionRefused => {
            let socket = std::fs::metadata(path).is_ok_and(|m| m.file_type().is_socket());
            if socket { "left behind by a daemon that is gone".into() } else { "not a socket".into() }
        }
        io::ErrorKind::PermissionDenied => "you may not use it: run trunkctl as the user of the daemon".into(),
        io::ErrorKind::WouldBlock => "the daemon takes no connection".into(),
        _ => error.to_string(),
    }
}

/// A path to a socket that fits into a socket address, which is shorter than a path may be.
///
/// A longer one is reached through its directory's descriptor, which must stay open for as long as the
/// address is used.
pub(crate) struct Address {
    path: PathBuf,
    _directory: Option<File>,
}

impl Address {
    pub(crate) fn of(path: &Path) -> io::Result<Address> {
        let (Some(directory), Some(name)) = (path.parent(), path.file_name()) else {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "not the path of a socket"));
        };
        if path.as_os_str().len() <= ADDRESS_MAX {
            return Ok(Address { path: path.to_owned(), _directory: None });
        }
        let directory = File::open(directory)?;
        let path = Path::new("/proc/self/fd").join(directory.as_raw_fd().to_string()).join(name);
        Ok(Address { path, _directory: Some(directory) })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_named_is_all_that_is_tried() {
        let (here, there) = (Path::new("/here.sock"), Path::new("/there.sock"));
        assert_eq!(places(Some(here), Some(there), Path::new("/")), [here]);
        assert_eq!(places(None, Some(there), Path::new("/")), [there]);
    }

    #[test]
    fn unnamed_it_is_looked_for_upwards_and_then_in_the_system() {
        let found = places(None, Some(Path::new("")), Path::new("/home/user/project"));
        let expected = [
            "/home/user/project/trunkcast-state/control.sock",
            "/home/user/trunkcast-state/control.sock",
            "/home/trunkcast-state/control.sock",
            "/trunkcast-state/control.sock",
            "/run/trunkcast/control.sock",
        ];
        assert_eq!(found, expected.map(PathBuf::from));
    }

    #[test]
    fn one_s_own_socket_is_not_suspicious_and_root_s_directory_is_trusted() {
        let directory = tempfile::tempdir().expect("a directory");
        assert_eq!(suspicious(directory.path()), None);
        assert_eq!(suspicious(Path::new(SYSTEM_SOCKET)), None);
    }

    #[test]
    fn a_path_too_long_for_an_address_is_shortened() {
        let directory = tempfile::tempdir().expect("a directory");
        let deep = directory.path().join("d".repeat(120));
        std::fs::create_dir(&deep).expect("made");
        let address = Address::of(&deep.join("control.sock")).expect("an address");
        assert!(address.path().as_os_str().len() < 40);
        std::fs::write(deep.join("control.sock"), "found").expect("written");
        assert_eq!(std::fs::read_to_string(address.path()).expect("read"), "found");
        assert!(Address::of(Path::new("/")).is_err());
    }
}
