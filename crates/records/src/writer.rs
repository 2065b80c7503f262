//! The thread that brings records to the database.
//!
//! It follows its feeds in their order, applies a batch at a time, and pauses when there is nothing new. While
//! the database is away it tries again, ever less often; the files wait. A line that the database refuses for
//! what it says is set aside, and the rest goes on.
//!
//! Data path: [`Feed`] → batch → [`Database::apply`](crate::Database) → database; what became of it → [`Progress`].
//! Time: looks for new lines every [`WriterSettings::look_every`]; pauses by [`Backoff`].

use crate::aside::SetAside;
use crate::backoff::Backoff;
use crate::database::apply::Failure;
use crate::database::{Database, DatabaseError};
use crate::feed::{Batch, Feed, Place};
use crate::record::Record;
use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;
use tokio::sync::watch;

/// How the writer works.
#[derive(Clone, Debug)]
pub struct WriterSettings {
    /// The database, as for [`Database::open`].
    pub database: String,
    /// Where lines are set aside: the outbox's directory.
    pub directory: PathBuf,
    /// Lines of a transaction.
    pub batch: usize,
    /// How often to look for new lines.
    pub look_every: Duration,
    /// Pauses while the database is away.
    pub backoff: Backoff,
}

impl WriterSettings {
    /// With the usual figures: 500 lines, a look five times a second, pauses from 0.25 s to 30 s.
    #[must_use]
    pub fn new(database: &str, directory: impl Into<PathBuf>) -> WriterSettings {
        WriterSettings {
            database: database.to_owned(),
            directory: directory.into(),
            batch: 500,
            look_every: Duration::from_millis(200),
            backoff: Backoff::new(Duration::from_millis(250), Duration::from_secs(30)),
        }
    }
}

/// How far the writer is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Lines brought to the database since the start.
    pub applied: u64,
    /// Lines set aside, now and before.
    pub set_aside: u64,
    /// Octets of files that are not in the database yet.
    pub behind: u64,
    /// Why the last attempt failed; none when it worked.
    pub trouble: Option<String>,
    /// Everything that was there at the last look is in the database.
    pub level: bool,
}

/// The running writer; stops when dropped.
#[derive(Debug)]
pub struct Writer {
    stop: Option<watch::Sender<()>>,
    progress: Arc<Mutex<Progress>>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    /// Starts to bring these feeds to the database, which may be away.
    ///
    /// # Errors
    /// An address that is none, a directory that cannot be used, no thread to be had.
    pub fn start(settings: WriterSettings, feeds: Vec<Feed>) -> io::Result<Writer> {
        let database = Database::with_connections(&settings.database, 1).map_err(io::Error::other);
        // Dropped: the thread opens its own, on its own runtime.
        drop(database?);
        let aside = SetAside::open(&settings.directory)?;
        let progress = Arc::new(Mutex::new(Progress { set_aside: aside.count(), ..Progress::default() }));
        let (stop, stopped) = watch::channel(());
        let told = Arc::clone(&progress);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let body = move || {
            runtime.block_on(async move {
                let Ok(database) = Database::with_connections(&settings.database, 1) else { return };
                let mut work = Work { database, feeds, aside, places: None, progress: told, settings };
                work.run(stopped).await;
                work.database.close().await;
            });
        };
        let thread = thread::Builder::new().name("records".to_owned()).spawn(body)?;
        Ok(Writer { stop: Some(stop), progress, thread: Some(thread) })
    }

    /// How far it is.
    #[must_use]
    pub fn progress(&self) -> Progress {
        self.progress.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.stop.take();
        if let Some(thread) = self.thread.take() {
            // It ends with the batch it is at; a panic in it has been told by the runtime.
            let _ = thread.join();
        }
    }
}

struct Work {
    database: Database,
    feeds: Vec<Feed>,
    aside: SetAside,
    /// How far the database has got, where that is known.
    places: Option<BTreeMap<String, Place>>,
    progress: Arc<Mutex<Progress>>,
    settings: WriterSettings,
}

/// What one look came to.
enum Looked {
    /// There may be more.
    More,
    /// All that is there is in the database.
    Level,
}

impl Work {
    async fn run(&mut self, mut stopped: watch::Receiver<()>) {
        let mut backoff = self.settings.backoff;
        let mut troubled = false;
        loop {
            let looked = tokio::select! {
                // The sender is dropped, nothing is ever sent. A transaction that is cut short is rolled back.
                _ = stopped.changed() => return,
                looked = self.look() => looked,
            };
            let pause = match looked {
                Ok(looked) => {
                    if std::mem::take(&mut troubled) {
                        log::info!("records: the database takes them again");
                    }
                    backoff.worked();
                    if matches!(looked, Looked::More) { Duration::ZERO } else { self.settings.look_every }
                }
                Err(error) => {
                    if !std::mem::replace(&mut troubled, true) {
                        log::warn!("records: they wait: {error}");
                    }
                    self.places = None;
                    let behind = self.behind();
                    self.tell(|p| (p.trouble, p.level, p.behind) = (Some(error), false, behind));
                    backoff.failed(getrandom::u64().unwrap_or_default())
                }
            };
            tokio::select! {
                _ = stopped.changed() => return,
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// Applies one batch, or finds that there is none.
    async fn look(&mut self) -> Result<Looked, String> {
        self.database.ready().await.map_err(|e| chain(&e))?;
        if self.places.is_none() {
            self.places = Some(self.database.places().await.map_err(|e| chain(&e))?);
            self.feeds.iter_mut().for_each(Feed::rewind);
        }
        for index in 0..self.feeds.len() {
            let places = self.places.as_ref().expect("just asked for");
            let feed = &mut self.feeds[index];
            let batch =
                feed.next(places, self.settings.batch).map_err(|e| format!("cannot read {}: {e}", feed.name()))?;
            if let Some(batch) = batch {
                self.bring(index, &batch).await?;
                return Ok(Looked::More);
            }
            let gone = self.feeds[index].prune().map_err(|e| format!("cannot tidy up: {e}"))?;
            self.database.forget(&gone).await.map_err(|e| chain(&e))?;
        }
        self.tell(|p| (p.trouble, p.level, p.behind) = (None, true, 0));
        Ok(Looked::Level)
    }

    async fn bring(&mut self, index: usize, batch: &Batch) -> Result<(), String> {
        let mut records: Vec<(usize, Record)> = Vec::with_capacity(batch.lines.len());
        for (number, line) in batch.lines.iter().enumerate() {
            match self.feeds[index].meaning(line) {
                Ok(record) => records.push((number, record)),
                Err(unusable) => self.set_aside(batch, number, &unusable.to_string())?,
            }
        }
        loop {
            match self.database.apply(batch, &records).await {
                Ok(()) => break,
                Err(Failure::Refused { line, reason }) => {
                    self.set_aside(batch, line, &reason)?;
                    records.retain(|(number, _)| *number != line);
                }
                Err(Failure::Moved) => return Err(format!("another program applies {} as well", batch.source)),
                Err(Failure::Away(error)) => return Err(format!("{}: {error}", self.database.shown())),
            }
        }
        self.feeds[index].applied(batch);
        let (applied, behind) = (records.len() as u64, self.behind());
        self.tell(|p| {
            p.applied += applied;
            (p.behind, p.trouble, p.level) = (behind, None, false);
        });
        Ok(())
    }

    fn set_aside(&mut self, batch: &Batch, number: usize, reason: &str) -> Result<(), String> {
        let line = &batch.lines[number];
        self.aside
            .put(&batch.source, line.end, reason, &line.text)
            .map_err(|e| format!("cannot set a line aside: {e}"))?;
        let set_aside = self.aside.count();
        self.tell(|p| p.set_aside = set_aside);
        Ok(())
    }

    fn behind(&self) -> u64 {
        self.feeds.iter().filter_map(|feed| feed.behind().ok()).sum()
    }

    fn tell(&self, change: impl FnOnce(&mut Progress)) {
        change(&mut self.progress.lock().unwrap_or_else(std::sync::PoisonError::into_inner));
    }
}

fn chain(error: &DatabaseError) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    text
}
