//! One mirror: a directory or an S3 bucket, with the sums beside the files.
//!
//! A file is written first and its sum after it. A file that is younger than its sum was therefore put there by
//! somebody who keeps no sums (the gateway, in its own directory), or by one who was killed in between; it is
//! whole, since files appear whole, and gets its sum when it is next looked at. A file that is not younger
//! and not what its sum says has gone bad.
//!
//! Time: a mirror that did not answer is left alone for [`REST`]; nothing waits longer than [`patience`].

use crate::error::MirrorError;
use crate::name::{Names, SUMS, is_plain};
use crate::plan::Found;
use crate::sum::{Sum, Summing};
use bytes::Bytes;
use event::EventNumber;
use futures_util::stream::BoxStream;
use futures_util::{StreamExt, TryStreamExt, stream};
use object_store::buffered::BufWriter;
use object_store::local::LocalFileSystem;
use object_store::path::Path as Place;
use object_store::{GetResult, ObjectStore, ObjectStoreExt, PutPayload};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// How long a mirror that did not answer is left alone.
const REST: Duration = Duration::from_secs(10);
/// A file that has been half written for so long will not be whole any more.
const ABANDONED: Duration = Duration::from_secs(6 * 3600);
/// What is held in memory of a file on its way; also the size of S3's parts.
const PIECE: usize = 8 * 1024 * 1024;

/// How long a mirror may take with so many octets: 20 s, and as if it took 256 kB a second.
fn patience(octets: u64) -> Duration {
    Duration::from_secs(20 + octets / 262_144)
}

/// Where the contents of a file come from.
#[derive(Clone, Debug)]
pub(crate) enum Content {
    Octets(Bytes),
    File(PathBuf),
    Mirror(Arc<Mirror>, EventNumber, String),
}

/// What a copy turned out to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Copy {
    /// What its sum says, or put there by somebody who keeps no sums.
    Good(Sum),
    /// Neither.
    Bad,
}

/// A file of an event as a mirror lists it.
#[derive(Clone, Debug, Default)]
struct Listed {
    file: Option<(u64, SystemTime)>,
    sum: Option<SystemTime>,
}

/// What says that an event was removed.
#[derive(Serialize, Deserialize)]
struct Tombstone {
    removed_ms: u64,
}

#[derive(Debug)]
enum Backend {
    /// A directory; that it is there is looked for each time, since an absent one is a file system not mounted.
    Directory {
        root: PathBuf,
        opened: Mutex<Option<Arc<dyn ObjectStore>>>,
    },
    Bucket(Arc<dyn ObjectStore>),
}

/// A mirror.
#[derive(Debug)]
pub(crate) struct Mirror {
    name: String,
    backend: Backend,
    names: Names,
    resting_until: Mutex<Option<Instant>>,
}

type Pieces = BoxStream<'static, io::Result<Bytes>>;

impl Mirror {
    pub(crate) fn directory(name: &str, root: PathBuf) -> Mirror {
        let backend = Backend::Directory { root, opened: Mutex::new(None) };
        Mirror { name: name.to_owned(), backend, names: Names::default(), resting_until: Mutex::new(None) }
    }

    pub(crate) fn bucket(name: &str, bucket: Arc<dyn ObjectStore>, prefix: &str) -> Mirror {
        let (backend, names) = (Backend::Bucket(bucket), Names::under(prefix));
        Mirror { name: name.to_owned(), backend, names, resting_until: Mutex::new(None) }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Whether it is this directory.
    pub(crate) fn is_directory(&self, directory: &Path) -> bool {
        let Backend::Directory { root, .. } = &self.backend else { return false };
        let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
        real(root) == real(directory)
    }

    /// Whether it did not answer just now.
    pub(crate) fn is_resting(&self) -> bool {
        let until = *self.resting_until.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        until.is_some_and(|until| Instant::now() < until)
    }

    /// It is to be asked again, although it did not answer just now.
    pub(crate) fn wake(&self) {
        *self.resting_until.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = None;
    }

    fn away(&self, reason: impl Into<String>) -> MirrorError {
        *self.resting_until.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(Instant::now() + REST);
        MirrorError::Away { mirror: self.name.clone(), reason: reason.into() }
    }

    fn failed(&self, operation: &str, place: &Place, source: object_store::Error) -> MirrorError {
        match (&self.backend, source) {
            // No connection, or a server that says that it cannot now.
            (Backend::Bucket(_), object_store::Error::Generic { source, .. }) => self.away(source.to_string()),
            (_, source) => {
                MirrorError::Failed { mirror: self.name.clone(), operation: format!("{operation} {place}"), source }
            }
        }
    }

    async fn reach(&self) -> Result<Arc<dyn ObjectStore>, MirrorError> {
        match &self.backend {
            Backend::Bucket(_) if self.is_resting() => {
                Err(MirrorError::Away { mirror: self.name.clone(), reason: "it did not answer just now".to_owned() })
            }
            Backend::Bucket(bucket) => Ok(Arc::clone(bucket)),
            Backend::Directory { root, opened } => {
                let shown = root.display();
                match tokio::fs::metadata(root).await {
                    Ok(found) if found.is_dir() => {}
                    Ok(_) => return Err(self.away(format!("{shown} is not a directory"))),
                    Err(error) => return Err(self.away(format!("{shown}: {error}"))),
                }
                let mut opened = opened.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                if let Some(store) = &*opened {
                    return Ok(Arc::clone(store));
                }
                let store = LocalFileSystem::new_with_prefix(root).map_err(|e| self.away(e.to_string()))?;
                let store: Arc<dyn ObjectStore> = Arc::new(store.with_fsync(true));
                Ok(Arc::clone(opened.insert(store)))
            }
        }
    }

    /// Bounds what a mirror may take.
    async fn within<T>(
        &self,
        octets: u64,
        work: impl Future<Output = Result<T, MirrorError>>,
    ) -> Result<T, MirrorError> {
        let bound = patience(octets);
        match tokio::time::timeout(bound, work).await {
            Ok(done) => done,
            Err(_) => Err(self.away(format!("no answer for {} s", bound.as_secs()))),
        }
    }

    async fn read_object(&self, place: &Place) -> Result<Option<GetResult>, MirrorError> {
        let store = self.reach().await?;
        match store.get(place).await {
            Ok(got) => Ok(Some(got)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(self.failed("read", place, error)),
        }
    }

    async fn read_json<T: for<'de> Deserialize<'de>>(
        &self,
        place: &Place,
    ) -> Result<Option<(T, SystemTime)>, MirrorError> {
        let read = async {
            let Some(got) = self.read_object(place).await? else { return Ok(None) };
            let written = got.meta.last_modified.into();
            let octets = got.bytes().await.map_err(|e| self.failed("read", place, e))?;
            let value = serde_json::from_slice(&octets);
            let garbled = |_| MirrorError::Garbled { mirror: self.name.clone(), what: place.to_string() };
            Ok(Some((value.map_err(garbled)?, written)))
        };
        self.within(0, read).await
    }

    async fn write_json(&self, place: &Place, value: &impl Serialize) -> Result<(), MirrorError> {
        let octets = serde_json::to_vec(value).expect("numbers and text are JSON");
        let store = self.reach().await?;
        let put =
            async { store.put(place, PutPayload::from(octets)).await.map_err(|e| self.failed("write", place, e)) };
        self.within(0, put).await.map(|_| ())
    }

    /// The sum beside a file, and when it was written. One that cannot be understood is none.
    async fn sum_of(&self, event: EventNumber, file: &str) -> Result<Option<(Sum, SystemTime)>, MirrorError> {
        match self.read_json(&self.names.sum(event, file)).await {
            Err(MirrorError::Garbled { .. }) => Ok(None),
            read => read,
        }
    }

    /// The version of a file by its sum alone.
    pub(crate) async fn version(&self, event: EventNumber, file: &str) -> Result<Option<Sum>, MirrorError> {
        Ok(self.sum_of(event, file).await?.map(|(sum, _)| sum))
    }

    /// When the event was removed, if it was.
    pub(crate) async fn removed(&self, event: EventNumber) -> Result<Option<u64>, MirrorError> {
        let tombstone = self.read_json::<Tombstone>(&self.names.removed(event)).await?;
        Ok(tombstone.map(|(tombstone, _)| tombstone.removed_ms))
    }

    /// The contents of a file, piece by piece, its length and when it was written.
    async fn pieces(&self, event: EventNumber, file: &str) -> Result<Option<(Pieces, u64, SystemTime)>, MirrorError> {
        let place = self.names.file(event, file);
        let Some(got) = self.within(0, self.read_object(&place)).await? else { return Ok(None) };
        let (length, written) = (got.meta.size, got.meta.last_modified.into());
        Ok(Some((got.into_stream().map_err(io::Error::other).boxed(), length, written)))
    }

    /// Reads a file through, handing each piece to `take`, and says what the copy is worth; none if there is none.
    pub(crate) async fn read(
        &self,
        event: EventNumber,
        file: &str,
        mut take: impl AsyncFnMut(Bytes) -> io::Result<()>,
    ) -> Result<Option<Copy>, MirrorError> {
        // The sum first: should the file be replaced in between, it is younger than this one.
        let sum = self.sum_of(event, file).await?;
        let Some((mut pieces, length, written)) = self.pieces(event, file).await? else {
            return Ok(sum.map(|_| Copy::Bad));
        };
        let mut summing = Summing::default();
        let through = async {
            while let Some(piece) = pieces.next().await {
                let piece = piece.map_err(|e| self.away(e.to_string()))?;
                summing.take(&piece);
                take(piece).await.map_err(|e| self.away(format!("what it gives cannot be kept: {e}")))?;
            }
            Ok(())
        };
        self.within(length, through).await?;
        let changed_ms = written.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_millis() as u64;
        let read = summing.done(changed_ms);
        Ok(Some(match sum {
            Some((sum, _)) if sum.same_contents(&read) => Copy::Good(sum),
            Some((_, summed)) if written <= summed => Copy::Bad,
            _ => Copy::Good(read),
        }))
    }

    /// Writes a file that must come to this sum, then the sum. All of it is there or nothing.
    pub(crate) async fn write(
        &self,
        event: EventNumber,
        file: &str,
        content: &Content,
        sum: &Sum,
    ) -> Result<(), MirrorError> {
        let store = self.reach().await?;
        let root = self.root().await?;
        self.make_directories(event).await?;
        let place = self.names.file(event, file);
        let work = async {
            let mut pieces = content.pieces().await?;
            let mut writer = BufWriter::with_capacity(store, place.clone(), PIECE);
            let mut summing = Summing::default();
            while let Some(piece) = pieces.next().await {
                let put = match piece {
                    Ok(piece) => {
                        summing.take(&piece);
                        writer.put(piece).await.map_err(|e| self.failed("write", &place, e))
                    }
                    Err(error) => Err(self.source_failed(content, file, &error)),
                };
                if let Err(error) = put {
                    // What is half there has no name yet; that it stays would be untidy, not wrong.
                    let _ = writer.abort().await;
                    return Err(error);
                }
            }
            if !summing.done(sum.changed_ms).same_contents(sum) {
                let _ = writer.abort().await;
                return Err(MirrorError::Bad { mirror: content.owner(&self.name), file: file.to_owned() });
            }
            writer.shutdown().await.map_err(|e| self.failed("write", &place, generic(e)))
        };
        self.within(sum.length, work).await?;
        self.write_json(&self.names.sum(event, file), sum).await?;
        // A file system that went away meanwhile has left its mount point, and what is there does not count.
        if self.root().await? != root {
            return Err(self.away("another directory is in its place since the writing began"));
        }
        Ok(())
    }

    /// Which directory the mirror is now: its file system and its number there.
    async fn root(&self) -> Result<Option<(u64, u64)>, MirrorError> {
        let Backend::Directory { root, .. } = &self.backend else { return Ok(None) };
        let found = tokio::fs::metadata(root).await.map_err(|e| self.away(format!("{}: {e}", root.display())))?;
        Ok(Some((found.dev(), found.ino())))
    }

    fn source_failed(&self, content: &Content, file: &str, error: &io::Error) -> MirrorError {
        log::warn!("store: {file} cannot be read on its way to {}: {error}", self.name);
        MirrorError::Bad { mirror: content.owner(&self.name), file: file.to_owned() }
    }

    /// PINs are in an event's directory: it is for owner and group only. The mirror's own directory is never made here: without it
    /// the mirror is away.
    async fn make_directories(&self, event: EventNumber) -> Result<(), MirrorError> {
        let Backend::Directory { root, .. } = &self.backend else { return Ok(()) };
        let (mut directory, below) = (root.clone(), Path::new(self.names.event(event).as_ref()).join(SUMS));
        let made = tokio::task::spawn_blocking(move || {
            below.iter().try_for_each(|name| {
                directory.push(name);
                match std::fs::DirBuilder::new().mode(0o750).create(&directory) {
                    Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
                    _ => Ok(()),
                }
            })
        });
        let made = made.await.unwrap_or_else(|e| Err(io::Error::other(e)));
        made.map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => self.away(format!("{}: {error}", root.display())),
            _ => self.failed("make the directory of", &self.names.event(event), generic(error)),
        })
    }

    /// What there is of an event, file by file.
    async fn list(&self, event: EventNumber) -> Result<BTreeMap<String, Listed>, MirrorError> {
        let store = self.reach().await?;
        let place = self.names.event(event);
        let all = async { listing(store.list(Some(&place))).await.map_err(|e| self.failed("list", &place, e)) };
        let mut files: BTreeMap<String, Listed> = BTreeMap::new();
        for object in self.within(0, all).await? {
            let written = object.last_modified.into();
            let parts: Vec<_> = object.location.prefix_match(&place).into_iter().flatten().collect();
            let names: Vec<&str> = parts.iter().map(AsRef::as_ref).collect();
            match names[..] {
                [file] if is_plain(file) => {
                    files.entry(file.to_owned()).or_default().file = Some((object.size, written));
                }
                [SUMS, sum] => {
                    if let Some(file) = sum.strip_suffix(".json").filter(|file| is_plain(file)) {
                        files.entry(file.to_owned()).or_default().sum = Some(written);
                    }
                }
                _ => {}
            }
        }
        Ok(files)
    }

    /// What this mirror has of an event. Files without a sum get theirs. Copies are read through only when
    /// `thorough`, else their length is looked at.
    pub(crate) async fn look(
        &self,
        event: EventNumber,
        thorough: bool,
    ) -> Result<BTreeMap<String, Found>, MirrorError> {
        self.tidy(event).await;
        let mut found = BTreeMap::new();
        for (file, listed) in self.list(event).await? {
            let sum = if listed.sum.is_some() { self.sum_of(event, &file).await? } else { None };
            let state = match (listed.file, sum) {
                (None, _) => Found::Bad,
                (Some((length, written)), Some((sum, summed))) if !thorough && written <= summed => {
                    if length == sum.length { Found::Good(sum) } else { Found::Bad }
                }
                _ => self.read_through(event, &file, thorough).await?,
            };
            found.insert(file, state);
        }
        Ok(found)
    }

    /// Removes what was half written by somebody who was killed: it has a name with a `#`, and is old. That it
    /// stays would be untidy, not wrong.
    async fn tidy(&self, event: EventNumber) {
        let Backend::Directory { root, .. } = &self.backend else { return };
        let directory = root.join(self.names.event(event).as_ref());
        let tidied = tokio::task::spawn_blocking(move || {
            for directory in [directory.join(SUMS), directory] {
                for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
                    let changed = entry.metadata().and_then(|found| found.modified()).ok();
                    let old = changed.and_then(|changed| changed.elapsed().ok()).is_some_and(|age| age > ABANDONED);
                    if old && entry.file_name().to_string_lossy().contains('#') {
                        let _ = std::fs::remove_file(entry.path());
                    }
                }
            }
        });
        let _ = tidied.await;
    }

    async fn read_through(&self, event: EventNumber, file: &str, thorough: bool) -> Result<Found, MirrorError> {
        let before = self.version(event, file).await?;
        match self.read(event, file, async |_| Ok(())).await? {
            None => Ok(Found::Nothing),
            Some(Copy::Bad) => Ok(Found::Bad),
            Some(Copy::Good(sum)) => {
                // Written again, it is younger than the file, which need not be read through the next time.
                if before.as_ref() != Some(&sum) || !thorough {
                    self.make_directories(event).await?;
                    self.write_json(&self.names.sum(event, file), &sum).await?;
                }
                Ok(Found::Good(sum))
            }
        }
    }

    /// The events of which it has something, and those it knows to be removed.
    pub(crate) async fn events(&self) -> Result<BTreeSet<EventNumber>, MirrorError> {
        let store = self.reach().await?;
        let listed = async {
            let (events, removed) = (self.names.events(), self.names.all_removed());
            let there = store.list_with_delimiter(Some(&events)).await;
            let there =
                or_nothing(there.map(|listed| listed.common_prefixes)).map_err(|e| self.failed("list", &events, e))?;
            let gone = listing(store.list(Some(&removed))).await.map_err(|e| self.failed("list", &removed, e))?;
            let names = there.into_iter().chain(gone.into_iter().map(|object| object.location));
            // Only names as we write them: another is a stranger's.
            let number = |place: Place| {
                let name = place.filename()?.trim_end_matches(".json").to_owned();
                EventNumber::parse(&name).ok().filter(|number| number.to_string() == name)
            };
            Ok(names.filter_map(number).collect())
        };
        self.within(0, listed).await
    }

    /// Removes an event: says so first, so that nobody brings it back from elsewhere.
    pub(crate) async fn remove(&self, event: EventNumber, removed_ms: u64) -> Result<(), MirrorError> {
        self.write_json(&self.names.removed(event), &Tombstone { removed_ms }).await?;
        let store = self.reach().await?;
        let place = self.names.event(event);
        let work = async {
            let objects = listing(store.list(Some(&place))).await.map_err(|e| self.failed("list", &place, e))?;
            for object in objects {
                match store.delete(&object.location).await {
                    Err(error @ object_store::Error::NotFound { .. }) => drop(error),
                    deleted => deleted.map_err(|e| self.failed("remove", &object.location, e))?,
                }
            }
            Ok(())
        };
        self.within(0, work).await?;
        if let Backend::Directory { root, .. } = &self.backend {
            // What is in it still is half written or hidden, and of this event.
            match tokio::fs::remove_dir_all(root.join(place.as_ref())).await {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(self.failed("remove", &place, generic(error)));
                }
                _ => {}
            }
        }
        Ok(())
    }
}

fn generic(error: io::Error) -> object_store::Error {
    object_store::Error::Generic { store: "mirror", source: Box::new(error) }
}

/// All of a listing; a place that is not there has nothing in it.
async fn listing(
    objects: BoxStream<'static, object_store::Result<object_store::ObjectMeta>>,
) -> object_store::Result<Vec<object_store::ObjectMeta>> {
    or_nothing(objects.try_collect().await)
}

fn or_nothing<T: Default>(result: object_store::Result<T>) -> object_store::Result<T> {
    match result {
        Err(object_store::Error::NotFound { .. }) => Ok(T::default()),
        result => result,
    }
}

impl Content {
    async fn pieces(&self) -> Result<Pieces, MirrorError> {
        match self {
            Content::Octets(octets) => {
                let octets = octets.clone();
                Ok(stream::once(async move { Ok(octets) }).boxed())
            }
            Content::File(path) => {
                let garbled =
                    |e: io::Error| MirrorError::Away { mirror: path.display().to_string(), reason: e.to_string() };
                let file = tokio::fs::File::open(path).await.map_err(garbled)?;
                let next = |mut file: tokio::fs::File| async move {
                    let mut piece = Vec::with_capacity(PIECE / 8);
                    let read = (&mut file).take(PIECE as u64 / 8).read_to_end(&mut piece).await?;
                    Ok((read > 0).then(|| (Bytes::from(piece), file)))
                };
                Ok(stream::try_unfold(file, next).boxed())
            }
            Content::Mirror(mirror, event, file) => match mirror.pieces(*event, file).await? {
                Some((pieces, _, _)) => Ok(pieces),
                None => Err(MirrorError::Bad { mirror: mirror.name.clone(), file: file.clone() }),
            },
        }
    }

    /// Whose fault it is when the contents are not what they should be.
    fn owner(&self, written_to: &str) -> String {
        match self {
            Content::Mirror(mirror, ..) => mirror.name.clone(),
            Content::File(path) => path.display().to_string(),
            Content::Octets(_) => written_to.to_owned(),
        }
    }
}
