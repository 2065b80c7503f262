//! Mirrors in directories that can be taken away, and a look at what is in them.
#![allow(dead_code)]

use event::{EventNumber, KeyId};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use store::{MirrorConfig, Store, StoreConfig, Sum};

/// Mirrors called `a`, `b`, `c` ...
pub struct Shelf {
    directory: tempfile::TempDir,
    names: Vec<String>,
}

impl Shelf {
    pub fn new(mirrors: usize) -> Shelf {
        let directory = tempfile::tempdir().expect("a directory");
        let names: Vec<String> = ('a'..='z').take(mirrors).map(String::from).collect();
        names.iter().for_each(|name| fs::create_dir(directory.path().join(name)).expect("made"));
        Shelf { directory, names }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub fn config(&self, enough: usize) -> StoreConfig {
        let mirror = |name: &String| MirrorConfig {
            name: name.clone(),
            at: self.path(name).display().to_string(),
            ..MirrorConfig::default()
        };
        StoreConfig { mirrors: self.names.iter().map(mirror).collect(), enough }
    }

    /// The store, as a program finds it that starts.
    pub fn open(&self, enough: usize) -> Store {
        Store::open(&self.config(enough), &self.path("ledger")).expect("opened")
    }

    /// The file system of a mirror is not mounted any more.
    pub fn take_away(&self, mirror: &str) {
        let (here, gone) = (self.path(mirror), self.path(&format!("{mirror}-gone")));
        if here.exists() {
            fs::rename(here, gone).expect("taken away");
        }
    }

    pub fn bring_back(&self, mirror: &str) {
        let (here, gone) = (self.path(mirror), self.path(&format!("{mirror}-gone")));
        if gone.exists() {
            // A write that was under way may have left something at the mount point, which a mounted file system hides.
            let _ = fs::remove_dir_all(&here);
            fs::rename(gone, here).expect("brought back");
        }
    }

    pub fn bring_all_back(&self) {
        self.names.iter().for_each(|name| self.bring_back(name));
    }

    /// All files of a mirror with their contents, made short. What was half written when somebody was killed has
    /// a name with a `#`, which nobody reads.
    pub fn contents(&self, mirror: &str) -> BTreeMap<PathBuf, String> {
        let mut files = BTreeMap::new();
        gather(&self.path(mirror), &self.path(mirror), &mut files);
        files.retain(|path, _| !path.to_string_lossy().contains('#'));
        files
    }

    pub fn file(&self, mirror: &str, event: EventNumber, file: &str) -> PathBuf {
        self.path(mirror).join("events").join(event.to_string()).join(file)
    }
}

fn gather(root: &Path, directory: &Path, files: &mut BTreeMap<PathBuf, String>) {
    for entry in fs::read_dir(directory).expect("a directory") {
        let path = entry.expect("read").path();
        if path.is_dir() {
            gather(root, &path, files);
        } else {
            let octets = fs::read(&path).expect("read");
            let shown =
                if octets.len() < 200 { String::from_utf8_lossy(&octets).into() } else { Sum::of(&octets, 0).sha256 };
            files.insert(path.strip_prefix(root).expect("in it").to_owned(), shown);
        }
    }
}

pub fn event(serial: u32) -> EventNumber {
    EventNumber::with_serial(KeyId::FIRST, serial)
}

/// Waits for what goes on behind an answer; a minute at most, which is never needed.
pub async fn until(what: &str, reached: impl AsyncFn() -> bool) {
    for _ in 0..6000 {
        if reached().await {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("it never came to that: {what}");
}
