//! Putting the socket into the file system, for its owner or a group, and taking it away again.
//!
//! The mode of a socket comes from the process's mask, and changing it afterwards leaves a moment in which
//! anybody may connect. So the socket is made in a directory of its own that nobody else may enter, given
//! its mode there, and moved to its place in one step.

use crate::find::Address;
use nix::fcntl::{Flock, FlockArg};
use std::fs::{self, DirBuilder, File, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt, PermissionsExt, chown};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

/// A socket in the file system that is ours.
#[derive(Debug)]
pub(crate) struct Bound {
    path: PathBuf,
    /// Device and inode, by which it is known again.
    identity: (u64, u64),
}

impl Bound {
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Remove it, unless somebody else's is there by now.
    pub(crate) fn remove(&self) {
        if fs::symlink_metadata(&self.path).is_ok_and(|m| (m.dev(), m.ino()) == self.identity) {
            // Gone already is as good.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Listen at `path`, readable and writable for our user, and for this group if one is named.
pub(crate) fn bind(path: &Path, group: Option<u32>) -> io::Result<(UnixListener, Bound)> {
    let told =
        |e: io::Error| io::Error::new(e.kind(), format!("cannot offer the control socket {}: {e}", path.display()));
    bind_untold(path, group).map_err(told)
}

fn bind_untold(path: &Path, group: Option<u32>) -> io::Result<(UnixListener, Bound)> {
    let path = std::path::absolute(path)?;
    let (Some(directory), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not the path of a file"));
    };
    let _lock = lock(directory)?;
    make_room(&path)?;
    let mut private = std::ffi::OsString::from(".");
    private.push(name);
    private.push(".new");
    let private = directory.join(private);
    let fresh = private.join("socket");
    // Left behind by a daemon that was killed at this very point. What is not ours to remove stays, and
    // making the directory fails.
    let _ = fs::remove_file(&fresh);
    let _ = fs::remove_dir(&private);
    DirBuilder::new().mode(0o700).create(&private)?;
    let made = make(&fresh, &path, group);
    let _ = fs::remove_file(&fresh);
    let _ = fs::remove_dir(&private);
    let (listener, identity) = made?;
    Ok((listener, Bound { path, identity }))
}

fn make(fresh: &Path, path: &Path, group: Option<u32>) -> io::Result<(UnixListener, (u64, u64))> {
    let listener = UnixListener::bind(Address::of(fresh)?.path())?;
    if let Some(group) = group {
        chown(fresh, None, Some(group))?;
    }
    fs::set_permissions(fresh, Permissions::from_mode(if group.is_some() { 0o660 } else { 0o600 }))?;
    let metadata = fs::symlink_metadata(fresh)?;
    fs::rename(fresh, path)?;
    Ok((listener, (metadata.dev(), metadata.ino())))
}

/// See that `path` is free, or holds nothing but the socket of a daemon that is gone (which is replaced).
fn make_room(path: &Path) -> io::Result<()> {
    let metadata = match fs::symlink_metadata(path) {
        Ok(metadata) => metadata,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(e) => return Err(e),
    };
    if !metadata.file_type().is_socket() {
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, "something that is not a socket is there"));
    }
    match UnixStream::connect(Address::of(path)?.path()) {
        Err(e) if matches!(e.kind(), io::ErrorKind::ConnectionRefused | io::ErrorKind::NotFound) => Ok(()),
        Err(e) if e.kind() == io::ErrorKind::PermissionDenied => Err(e),
        // Answered, or too busy to: somebody is alive.
        _ => Err(io::Error::new(io::ErrorKind::AddrInUse, "a daemon runs already and listens there")),
    }
}

/// Keep another daemon from looking at the same dead socket at the same moment. Whoever holds the lock of
/// the directory for another purpose only costs us that certainty, so the wait is short.
fn lock(directory: &Path) -> io::Result<Option<Flock<File>>> {
    let mut file = File::open(directory)?;
    for _ in 0..10 {
        match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
            Ok(lock) => return Ok(Some(lock)),
            Err((back, _)) => file = back,
        }
        thread::sleep(Duration::from_millis(20));
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_socket_is_for_its_owner_and_leaves_nothing_beside_it() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("control.sock");
        let (_listener, bound) = bind(&path, None).expect("bound");
        let mode = fs::metadata(&path).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(fs::read_dir(directory.path()).expect("read").count(), 1);
        bound.remove();
        assert_eq!(fs::read_dir(directory.path()).expect("read").count(), 0);
    }

    #[test]
    fn a_group_reaches_the_socket_when_it_is_named() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("control.sock");
        // Our own group: others can be given away by root alone.
        let group = nix::unistd::getegid().as_raw();
        let (_listener, _bound) = bind(&path, Some(group)).expect("bound");
        let metadata = fs::metadata(&path).expect("there");
        assert_eq!((metadata.permissions().mode() & 0o777, metadata.gid()), (0o660, group));
    }

    #[test]
    fn a_dead_socket_is_replaced_a_living_one_respected() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("control.sock");
        let (living, _) = bind(&path, None).expect("bound");
        let refused = bind(&path, None).expect_err("in use");
        assert_eq!(refused.kind(), io::ErrorKind::AddrInUse);
        assert!(refused.to_string().contains("control.sock"), "{refused}");
        drop(living);
        let (_listener, _) = bind(&path, None).expect("replaced");
        assert!(UnixStream::connect(&path).is_ok());
    }

    #[test]
    fn what_is_no_socket_is_left_alone() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("control.sock");
        fs::write(&path, "precious").expect("written");
        assert_eq!(bind(&path, None).expect_err("a file").kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read_to_string(&path).expect("read"), "precious");
        assert_eq!(
            bind(&directory.path().join("nowhere/control.sock"), None).expect_err("no directory").kind(),
            io::ErrorKind::NotFound
        );
    }

    #[test]
    fn another_daemons_socket_is_not_removed() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("control.sock");
        let (first, bound) = bind(&path, None).expect("bound");
        drop(first);
        let (_second, _) = bind(&path, None).expect("replaced");
        bound.remove();
        assert!(UnixStream::connect(&path).is_ok());
    }

    #[test]
    fn a_killed_daemons_half_made_socket_is_no_obstacle() {
        let directory = tempfile::tempdir().expect("a directory");
        let private = directory.path().join(".control.sock.new");
        fs::create_dir(&private).expect("made");
        drop(UnixListener::bind(private.join("socket")).expect("bound"));
        assert!(bind(&directory.path().join("control.sock"), None).is_ok());
        assert!(!private.exists());
    }

    #[test]
    fn a_path_longer_than_an_address_will_do() {
        let directory = tempfile::tempdir().expect("a directory");
        let deep = directory.path().join("d".repeat(150));
        fs::create_dir(&deep).expect("made");
        let path = deep.join("control.sock");
        let (_listener, _) = bind(&path, None).expect("bound");
        assert_eq!(bind(&path, None).expect_err("in use").kind(), io::ErrorKind::AddrInUse);
    }
}
