//! The store: writing to all mirrors at once, reading from the first that is good.
//!
//! What concerns one event happens one after the other, as far as this program goes; events do not wait for
//! one another.

use crate::config::StoreConfig;
use crate::error::{MirrorError, StoreError};
use crate::ledger::{Ledger, Note};
use crate::mirror::{Content, Copy, Mirror};
use crate::name::is_plain;
use crate::sum::{Sum, Summing};
use bytes::Bytes;
use event::EventNumber;
use futures_util::future::join_all;
use futures_util::stream::{FuturesUnordered, StreamExt};
use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::SystemTime;
use tokio::io::AsyncWriteExt;
use tokio::sync::{OwnedMutexGuard, oneshot};

/// A file that is read at once is at most this long.
const WHOLE: usize = 16 * 1024 * 1024;

/// What became of a write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// The version that was written.
    pub sum: Sum,
}

/// The store. Clones are the same store.
#[derive(Clone, Debug)]
pub struct Store {
    pub(crate) inner: Arc<Inner>,
}

#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) mirrors: Vec<Arc<Mirror>>,
    enough: usize,
    pub(crate) ledger: Ledger,
    gates: Mutex<HashMap<EventNumber, Arc<tokio::sync::Mutex<()>>>>,
}

/// When a file is said to have been changed.
enum Changed {
    /// Now; later than all that is known.
    Now,
    /// Then: what is newer stays.
    At(u64),
}

impl Store {
    /// Opens the store, with its ledger in this directory, which is made if need be and is for this program
    /// alone. Asks no mirror anything.
    ///
    /// # Errors
    /// [`StoreError::Config`] or [`StoreError::Ledger`].
    pub fn open(config: &StoreConfig, ledger: &Path) -> Result<Store, StoreError> {
        let inner = Inner {
            mirrors: config.open()?,
            enough: config.enough,
            ledger: Ledger::open(ledger)?,
            gates: Mutex::default(),
        };
        Ok(Store { inner: Arc::new(inner) })
    }

    /// Writes a file of an event in place of what is there. Done when enough mirrors have it; the others go on,
    /// and those that fail are noted.
    ///
    /// # Errors
    /// [`StoreError::TooFew`], [`StoreError::Removed`], [`StoreError::Name`] or [`StoreError::Ledger`].
    pub async fn put(&self, event: EventNumber, file: &str, octets: impl Into<Bytes>) -> Result<Written, StoreError> {
        let octets = octets.into();
        let sum = Sum::of(&octets, 0);
        let written = self.write(event, file, Content::Octets(octets), sum, Changed::Now).await?;
        Ok(written.expect("what is written now is the newest"))
    }

    /// The same with the contents of a local file, which must not change meanwhile.
    ///
    /// # Errors
    /// As for [`Store::put`], and [`StoreError::Local`].
    pub async fn put_file(&self, event: EventNumber, file: &str, path: &Path) -> Result<Written, StoreError> {
        let sum = sum_of_file(path).await?;
        let written = self.write(event, file, Content::File(path.to_owned()), sum, Changed::Now).await?;
        Ok(written.expect("what is written now is the newest"))
    }

    /// Brings the files of an event from a gateway's content directory to the mirrors: those that are whole, new
    /// or newer than what the mirrors have. How many that were. If the directory is a mirror itself this is a
    /// repair.
    ///
    /// # Errors
    /// As for [`Store::put_file`]; the files before the one that failed are there.
    pub async fn sync_event(&self, directory: &Path, event: EventNumber) -> Result<usize, StoreError> {
        if self.inner.mirrors.iter().any(|mirror| mirror.is_directory(directory)) {
            return self.repair(event).await.map(|repaired| repaired.copied);
        }
        let place = directory.join("events").join(event.to_string());
        let local = |source| StoreError::Local { path: place.clone(), source };
        let mut entries = match tokio::fs::read_dir(&place).await {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
            entries => entries.map_err(local)?,
        };
        let mut brought = 0;
        while let Some(entry) = entries.next_entry().await.map_err(local)? {
            let name = entry.file_name().to_string_lossy().into_owned();
            let found = entry.metadata().await.map_err(local)?;
            // What grows has a hidden name.
            if !is_plain(&name) || !found.is_file() {
                continue;
            }
            let changed = found.modified().map_err(local)?;
            let changed_ms = changed.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_millis() as u64;
            let newest = self.newest(event, &name).await;
            if newest.is_some_and(|newest| newest.changed_ms == changed_ms && newest.length == found.len()) {
                continue;
            }
            let sum = sum_of_file(&entry.path()).await?;
            let content = Content::File(entry.path());
            brought += usize::from(self.write(event, &name, content, sum, Changed::At(changed_ms)).await?.is_some());
        }
        Ok(brought)
    }

    /// Reads a file of an event, up to 16 MB. A bad copy is passed over, and mended in the background.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], [`StoreError::Unavailable`], [`StoreError::Removed`], [`StoreError::TooLong`] or
    /// [`StoreError::Name`].
    pub async fn get(&self, event: EventNumber, file: &str) -> Result<Bytes, StoreError> {
        let octets = Mutex::new(Vec::new());
        let clear = async || {
            octets.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clear();
            Ok(())
        };
        let take = async |piece: Bytes| {
            let mut octets = octets.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            // Beyond that the rest is only counted.
            if octets.len() <= WHOLE {
                octets.extend_from_slice(&piece);
            }
            Ok(())
        };
        self.read(event, file, clear, take).await?;
        let octets = octets.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
        if octets.len() > WHOLE {
            return Err(StoreError::TooLong { file: file.to_owned() });
        }
        Ok(octets.into())
    }

    /// Brings a file of an event to a local path, where it appears whole or not at all.
    ///
    /// # Errors
    /// As for [`Store::get`], and [`StoreError::Local`].
    pub async fn fetch(&self, event: EventNumber, file: &str, path: &Path) -> Result<(), StoreError> {
        let local = |source| StoreError::Local { path: path.to_owned(), source };
        let name = path.file_name().ok_or_else(|| local(io::ErrorKind::InvalidInput.into()))?;
        let chance = getrandom::u64().map_err(|e| local(io::Error::other(e)))?;
        let beside = path.with_file_name(format!(".{}.{chance:016x}", name.to_string_lossy()));
        let out = tokio::fs::OpenOptions::new().write(true).create_new(true).mode(0o640).open(&beside).await;
        let out = tokio::sync::Mutex::new(out.map_err(local)?);
        let clear = async || {
            let mut out = out.lock().await;
            out.set_len(0).await?;
            tokio::io::AsyncSeekExt::rewind(&mut *out).await.map(|_| ())
        };
        let read = self.read(event, file, clear, async |piece: Bytes| out.lock().await.write_all(&piece).await).await;
        let placed = match read {
            Ok(()) => async {
                out.lock().await.sync_all().await?;
                tokio::fs::rename(&beside, path).await
            }
            .await
            .map_err(local),
            Err(error) => Err(error),
        };
        if placed.is_err() {
            let _ = tokio::fs::remove_file(&beside).await;
        }
        placed
    }

    /// Removes an event from all mirrors. Those that are away are noted and do so when they are back. An event
    /// that was removed takes no files any more.
    ///
    /// # Errors
    /// [`StoreError::Ledger`]; then nothing is removed.
    pub async fn remove(&self, event: EventNumber) -> Result<(), StoreError> {
        let gate = self.gate(event).await;
        let removed_ms = now_ms();
        let all = self.inner.mirrors.iter().map(|mirror| mirror.name().to_owned()).collect();
        self.inner.ledger.set(event, Note { behind: all, removed_ms: Some(removed_ms) })?;
        self.clear_away(event, removed_ms).await?;
        drop(gate);
        Ok(())
    }

    /// Removes an event from the mirrors that answer, and notes the others; their failures.
    pub(crate) async fn clear_away(&self, event: EventNumber, removed_ms: u64) -> Result<Vec<MirrorError>, StoreError> {
        let removals = self.inner.mirrors.iter().map(|mirror| mirror.remove(event, removed_ms));
        let mut note = Note { removed_ms: Some(removed_ms), ..Note::default() };
        let mut failures = Vec::new();
        for (mirror, removed) in self.inner.mirrors.iter().zip(join_all(removals).await) {
            if let Err(error) = removed {
                note.behind.insert(mirror.name().to_owned());
                failures.push(error);
            }
        }
        self.inner.ledger.set(event, note)?;
        Ok(failures)
    }

    /// The events of which any mirror that answers has something.
    ///
    /// # Errors
    /// [`StoreError::TooFew`] when none answers.
    pub async fn events(&self) -> Result<Vec<EventNumber>, StoreError> {
        let all = self.known().await?;
        let removed = join_all(all.iter().map(|event| self.is_removed(*event))).await;
        Ok(all.into_iter().zip(removed).filter(|(_, removed)| !removed).map(|(event, _)| event).collect())
    }

    /// The same, with events that were removed.
    pub(crate) async fn known(&self) -> Result<Vec<EventNumber>, StoreError> {
        let listed = join_all(self.inner.mirrors.iter().map(|mirror| mirror.events())).await;
        let (good, bad): (Vec<_>, Vec<_>) = listed.into_iter().partition(Result::is_ok);
        if good.is_empty() {
            let failures = bad.into_iter().filter_map(Result::err).collect();
            return Err(StoreError::TooFew { done: 0, enough: 1, failures });
        }
        let mut events: Vec<_> = good.into_iter().flatten().flatten().collect();
        events.sort_unstable();
        events.dedup();
        Ok(events)
    }

    /// One event at a time, one thing after the other.
    pub(crate) async fn gate(&self, event: EventNumber) -> OwnedMutexGuard<()> {
        let gate = {
            let mut gates = self.inner.gates.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            gates.retain(|_, gate| Arc::strong_count(gate) > 1);
            Arc::clone(gates.entry(event).or_default())
        };
        gate.lock_owned().await
    }

    /// The newest version of a file by the sums of the mirrors that answer.
    async fn newest(&self, event: EventNumber, file: &str) -> Option<Sum> {
        let versions = join_all(self.inner.mirrors.iter().map(|mirror| mirror.version(event, file))).await;
        versions.into_iter().filter_map(Result::ok).flatten().max()
    }

    async fn is_removed(&self, event: EventNumber) -> bool {
        if self.inner.ledger.get(event).removed_ms.is_some() {
            return true;
        }
        let removed = join_all(self.inner.mirrors.iter().map(|mirror| mirror.removed(event))).await;
        removed.into_iter().any(|removed| matches!(removed, Ok(Some(_))))
    }

    /// Writes to all mirrors; none when there is something newer, or just this, already.
    async fn write(
        &self,
        event: EventNumber,
        file: &str,
        content: Content,
        sum: Sum,
        changed: Changed,
    ) -> Result<Option<Written>, StoreError> {
        if !is_plain(file) {
            return Err(StoreError::Name { name: file.to_owned() });
        }
        let gate = self.gate(event).await;
        if self.is_removed(event).await {
            return Err(StoreError::Removed { event });
        }
        let newest = self.newest(event, file).await;
        let changed_ms = match (changed, &newest) {
            (Changed::Now, None) => now_ms(),
            (Changed::Now, Some(newest)) => now_ms().max(newest.changed_ms + 1),
            (Changed::At(then), Some(newest)) if newest.changed_ms >= then || newest.same_contents(&sum) => {
                return Ok(None);
            }
            (Changed::At(then), _) => then,
        };
        let sum = Sum { changed_ms, ..sum };
        let before = self.inner.ledger.get(event);
        if self.inner.mirrors.len() > 1 {
            let all = self.inner.mirrors.iter().map(|mirror| mirror.name().to_owned()).collect();
            self.inner.ledger.set(event, Note { behind: all, removed_ms: None })?;
        }
        let (tell, told) = oneshot::channel();
        let order = Order { event, file: file.to_owned(), content, sum, before };
        // It goes on when nobody waits for it any more.
        tokio::spawn(spread(Arc::clone(&self.inner), order, tell, gate));
        match told.await {
            Ok(written) => written.map(Some),
            // The runtime is being shut down.
            Err(_) => Err(StoreError::TooFew { done: 0, enough: self.inner.enough, failures: Vec::new() }),
        }
    }

    /// Reads from the first mirror that is good. `clear` is called before each attempt.
    async fn read(
        &self,
        event: EventNumber,
        file: &str,
        clear: impl AsyncFn() -> io::Result<()>,
        take: impl AsyncFn(Bytes) -> io::Result<()>,
    ) -> Result<(), StoreError> {
        if !is_plain(file) {
            return Err(StoreError::Name { name: file.to_owned() });
        }
        let note = self.inner.ledger.get(event);
        if note.removed_ms.is_some() {
            return Err(StoreError::Removed { event });
        }
        let mut mirrors: Vec<_> = self.inner.mirrors.iter().collect();
        mirrors.sort_by_key(|mirror| (note.behind.contains(mirror.name()), mirror.is_resting()));
        let mut failures = Vec::new();
        for mirror in mirrors {
            clear().await.map_err(|source| StoreError::Local { path: PathBuf::from(file), source })?;
            match mirror.read(event, file, &take).await {
                Ok(Some(Copy::Good(_))) => {
                    if failures.iter().any(|failure| matches!(failure, MirrorError::Bad { .. })) {
                        let store = self.clone();
                        tokio::spawn(async move { store.check(event).await });
                    }
                    return Ok(());
                }
                Ok(Some(Copy::Bad)) => {
                    log::error!("store: the copy of {file} of event {event} on the mirror {} is bad", mirror.name());
                    failures.push(MirrorError::Bad { mirror: mirror.name().to_owned(), file: file.to_owned() });
                }
                Ok(None) => {}
                Err(error) => failures.push(error),
            }
        }
        let file = file.to_owned();
        Err(match failures.is_empty() {
            true if self.is_removed(event).await => StoreError::Removed { event },
            true => StoreError::NotFound { event, file },
            false => StoreError::Unavailable { event, file, failures },
        })
    }
}

/// A write on its way.
struct Order {
    event: EventNumber,
    file: String,
    content: Content,
    sum: Sum,
    /// What was noted of the event before.
    before: Note,
}

/// Writes to all mirrors, tells when enough have it, and notes those that have not.
async fn spread(
    inner: Arc<Inner>,
    order: Order,
    tell: oneshot::Sender<Result<Written, StoreError>>,
    _gate: OwnedMutexGuard<()>,
) {
    let Order { event, file, content, sum, before } = &order;
    let write = |mirror: &Arc<Mirror>| {
        let mirror = Arc::clone(mirror);
        async move {
            let written = mirror.write(*event, file, content, sum).await;
            (mirror, written)
        }
    };
    let mut writes: FuturesUnordered<_> = inner.mirrors.iter().map(write).collect();
    let (mut tell, mut done, mut failures) = (Some(tell), 0, Vec::new());
    let mut behind = before.behind.clone();
    while let Some((mirror, written)) = writes.next().await {
        match written {
            Ok(()) => done += 1,
            Err(error) => {
                log::warn!("store: {file} of event {event}: {error}");
                behind.insert(mirror.name().to_owned());
                failures.push(error);
            }
        }
        if done == inner.enough
            && let Some(tell) = tell.take()
        {
            // Who asked may have given up.
            let _ = tell.send(Ok(Written { sum: sum.clone() }));
        }
    }
    if inner.mirrors.len() > 1
        && let Err(error) = inner.ledger.set(*event, Note { behind, removed_ms: None })
    {
        // What stands there is that all mirrors may be behind, which a repair finds out.
        log::error!("{error}");
    }
    if let Some(tell) = tell.take() {
        let _ = tell.send(Err(StoreError::TooFew { done, enough: inner.enough, failures }));
    }
}

async fn sum_of_file(path: &Path) -> Result<Sum, StoreError> {
    let owned = path.to_owned();
    let summed = tokio::task::spawn_blocking(move || {
        let mut file = std::fs::File::open(owned)?;
        let (mut summing, mut piece) = (Summing::default(), vec![0; 256 * 1024]);
        loop {
            match io::Read::read(&mut file, &mut piece)? {
                0 => return Ok(summing.done(0)),
                read => summing.take(&piece[..read]),
            }
        }
    });
    let summed = summed.await.unwrap_or_else(|e| Err(io::Error::other(e)));
    summed.map_err(|source| StoreError::Local { path: path.to_owned(), source })
}

fn now_ms() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_millis() as u64
}
