//! Where records are handed in: answered when they are on the disk, whether there is a database or not.
//!
//! A thread of its own writes the journal. Records that come while the disk is busy are written together with
//! one wait for the disk, so that a hundred who reserve at once wait as long as one.
//!
//! Data path: [`Record`] → queue → thread → [`Journal`]; the answer goes back when the disk has it.
//! Time: none; each waits for the disk, and for at most those that are in the queue.

use crate::journal::{Journal, JournalError, Tail};
use crate::record::Record;
use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::thread;
use tokio::sync::{mpsc, oneshot};

/// Records that may wait for the disk.
const QUEUE: usize = 8192;
/// Records written with one wait for the disk.
const TOGETHER: usize = 1024;

/// A record that is not kept.
#[derive(Clone, Debug)]
pub enum OutboxError {
    /// The disk does not take it.
    Disk(Arc<JournalError>),
    /// Too many wait for the disk already.
    Busy,
    /// The outbox has been closed.
    Closed,
}

impl fmt::Display for OutboxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            OutboxError::Disk(_) => f.write_str("the record is not kept"),
            OutboxError::Busy => write!(f, "the record is not kept: {QUEUE} others wait for the disk"),
            OutboxError::Closed => f.write_str("the record is not kept: the outbox is closed"),
        }
    }
}

impl std::error::Error for OutboxError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            OutboxError::Disk(error) => Some(error),
            OutboxError::Busy | OutboxError::Closed => None,
        }
    }
}

struct Order {
    line: Vec<u8>,
    answer: oneshot::Sender<Result<(), OutboxError>>,
}

/// The way in. Clones lead to the same journal, which closes with the last of them.
#[derive(Clone, Debug)]
pub struct Outbox {
    orders: mpsc::Sender<Order>,
    tail: Tail,
}

impl Outbox {
    /// Opens the journal in this directory and starts its thread.
    ///
    /// # Errors
    /// As [`Journal::open`]; [`JournalError::Open`] too when there is no thread to be had.
    pub fn open(directory: &Path) -> Result<Outbox, JournalError> {
        let journal = Journal::open(directory)?;
        let tail = journal.tail();
        let (orders, queue) = mpsc::channel(QUEUE);
        let started = thread::Builder::new().name("outbox".to_owned()).spawn(move || keep(journal, queue));
        match started {
            Ok(_) => Ok(Outbox { orders, tail }),
            Err(source) => Err(JournalError::Open { path: directory.to_owned(), source }),
        }
    }

    /// Keeps a record: it is on the disk when this returns, and reaches the database once there is one.
    ///
    /// # Errors
    /// [`OutboxError`]; then it is not kept, and will not appear. To stop waiting for the answer is no way to
    /// have it not kept.
    pub async fn keep(&self, record: &Record) -> Result<(), OutboxError> {
        let (answer, answered) = oneshot::channel();
        self.orders.try_send(Order { line: record.to_line(), answer }).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => OutboxError::Busy,
            mpsc::error::TrySendError::Closed(_) => OutboxError::Closed,
        })?;
        answered.await.unwrap_or(Err(OutboxError::Closed))
    }

    /// The same for a thread that is not asynchronous.
    ///
    /// # Errors
    /// As for [`Outbox::keep`].
    ///
    /// # Panics
    /// When called in an asynchronous context, which it would hold up.
    pub fn keep_blocking(&self, record: &Record) -> Result<(), OutboxError> {
        let (answer, answered) = oneshot::channel();
        let order = Order { line: record.to_line(), answer };
        self.orders.blocking_send(order).map_err(|_| OutboxError::Closed)?;
        answered.blocking_recv().unwrap_or(Err(OutboxError::Closed))
    }

    /// Up to where the journal is on the disk: for a feed in this program.
    #[must_use]
    pub fn tail(&self) -> Tail {
        self.tail.clone()
    }
}

fn keep(mut journal: Journal, mut queue: mpsc::Receiver<Order>) {
    let mut full = false;
    while let Some(first) = queue.blocking_recv() {
        let mut orders = vec![first];
        while orders.len() < TOGETHER {
            let Ok(order) = queue.try_recv() else { break };
            orders.push(order);
        }
        let (lines, answers): (Vec<_>, Vec<_>) = orders.into_iter().map(|order| (order.line, order.answer)).unzip();
        let written = journal.append(&lines).map_err(|error| OutboxError::Disk(Arc::new(error)));
        match &written {
            Err(OutboxError::Disk(error)) if !full => log::error!("outbox: {error}{}", reason(error)),
            Ok(()) if full => log::info!("outbox: records are kept again"),
            _ => {}
        }
        full = written.is_err();
        for answer in answers {
            // Who asked may have given up; the record is kept all the same.
            let _ = answer.send(written.clone());
        }
    }
}

fn reason(error: &JournalError) -> String {
    let source = std::error::Error::source(error);
    source.map(|source| format!(": {source}")).unwrap_or_default()
}

impl From<JournalError> for io::Error {
    fn from(error: JournalError) -> io::Error {
        io::Error::other(error)
    }
}
