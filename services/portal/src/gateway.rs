//! The gateway of this server, over its control socket.
//!
//! Two threads look after it: one is told what happens and wakes the other, which then reads how its events stand and keeps the
//! table. A gateway that is away is looked for again every second; until it is back nothing is on the air, and orders are refused.
//!
//! Data path: notices → wake → events → [`Table`], [`Audiences`], [`Minutes`] for the records.
//! Time: a stream that starts or stops is in the table within [`SETTLE`] of its notice, and at the latest after [`LOOK`].

use crate::audience::Audiences;
use crate::minutes::{Minutes, Noted, Rise};
use crate::problem::Problem;
use crate::records::Records;
use crate::state::locked;
use crate::table::Table;
use control::{Client, ClientError, EventInfo};
use event::EventNumber;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard};
use std::time::Duration;
use tokio::sync::Semaphore;

/// How long a burst of notices is let come before the gateway is asked.
const SETTLE: Duration = Duration::from_millis(20);
/// How often it is asked without a notice.
const LOOK: Duration = Duration::from_secs(1);
/// Orders and questions on their way at a time.
const AT_ONCE: usize = 8;

/// The gateway of this server.
pub(crate) struct Gateway {
    socket: Option<PathBuf>,
    slots: Semaphore,
    table: RwLock<Table>,
    audiences: Mutex<Audiences>,
    minutes: Mutex<Minutes>,
    records: Arc<Records>,
}

/// What the thread that looks keeps between two looks.
#[derive(Default)]
struct Looking {
    client: Option<Client>,
    /// What was noted before the start has been handed on.
    taken_up: bool,
}

impl Gateway {
    pub(crate) fn new(socket: Option<PathBuf>, records: Arc<Records>) -> Arc<Gateway> {
        Arc::new(Gateway {
            socket,
            slots: Semaphore::new(AT_ONCE),
            table: RwLock::default(),
            audiences: Mutex::default(),
            minutes: Mutex::default(),
            records,
        })
    }

    /// What is known of its events.
    pub(crate) fn table(&self) -> RwLockReadGuard<'_, Table> {
        self.table.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Who listened when.
    pub(crate) fn audiences(&self) -> MutexGuard<'_, Audiences> {
        self.audiences.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The minute of an event that is on.
    pub(crate) fn minute(&self, event: &str) -> Option<Rise> {
        locked(&self.minutes).of(event).cloned()
    }

    /// Asks for something, or orders it.
    ///
    /// # Errors
    /// What the gateway says to it, or that it does not answer.
    pub(crate) async fn ask<T: Send + 'static>(
        self: &Arc<Self>,
        ask: impl FnOnce(&mut Client) -> Result<T, ClientError> + Send + 'static,
    ) -> Result<T, Problem> {
        let _slot = self.slots.acquire().await.map_err(|_| Problem::unavailable("the portal is closing down"))?;
        let gateway = self.clone();
        let asked = tokio::task::spawn_blocking(move || ask(&mut gateway.connect()?)).await;
        asked.map_err(|_| Problem::unavailable("the gateway could not be asked"))?.map_err(Problem::from)
    }

    fn connect(&self) -> Result<Client, ClientError> {
        Client::find(self.socket.as_deref())
    }

    /// Begins to follow it, until the gateway is dropped by everybody else.
    ///
    /// # Errors
    /// When there are no threads to be had.
    pub(crate) fn follow(self: &Arc<Self>) -> std::io::Result<()> {
        let (wake, woken) = sync_channel(1);
        let told = Arc::downgrade(self);
        std::thread::Builder::new().name("gateway notices".into()).spawn(move || {
            while let Some(gateway) = told.upgrade() {
                let watching = gateway.connect().and_then(Client::watch);
                drop(gateway);
                if let Ok(notices) = watching {
                    notices.map_while(Result::ok).for_each(|_| nudge(&wake));
                }
                nudge(&wake);
                std::thread::sleep(LOOK);
            }
        })?;
        let looking = Arc::downgrade(self);
        std::thread::Builder::new().name("gateway".into()).spawn(move || {
            let mut state = Looking::default();
            while let Some(gateway) = looking.upgrade() {
                gateway.look(&mut state);
                drop(gateway);
                if !wait(&woken) {
                    break;
                }
            }
        })?;
        Ok(())
    }

    /// Asks how its events stand.
    fn look(&self, looking: &mut Looking) {
        let events = self.events(&mut looking.client);
        let now_ms = event::utc::now_ms();
        let mut heard = None;
        let mut table = self.table.write().unwrap_or_else(PoisonError::into_inner);
        let was = table.reached;
        match events {
            Ok(events) => {
                table.replace(events.clone());
                heard = Some(events);
            }
            Err(error) => {
                looking.client = None;
                if was {
                    log::warn!(target: "portal", "the gateway is away: {error}");
                }
                table.away();
            }
        }
        let (reached, server) = (table.reached, table.server.clone());
        drop(table);
        if reached && !was {
            log::info!(target: "portal", "the gateway answers");
        }
        let mut minutes = locked(&self.minutes);
        if reached && !std::mem::replace(&mut looking.taken_up, true) {
            for (number, last) in self.records.last_minutes(now_ms) {
                minutes.resume(&number.to_string(), last);
            }
        }
        let noted = listeners(&mut minutes, now_ms, heard.as_deref().unwrap_or_default());
        drop(minutes);
        for (number, noted) in noted {
            noted.over.iter().for_each(|most| self.records.minute(number, most, &server));
            for line in &noted.lines {
                self.audiences().note(&number.to_string(), line.at_ms, line.listening());
                self.records.note(number, line);
            }
        }
    }

    fn events(&self, client: &mut Option<Client>) -> Result<Vec<EventInfo>, ClientError> {
        if let Some(client) = client {
            return client.events();
        }
        let mut fresh = self.connect()?;
        let server = fresh.status()?.server;
        self.table.write().unwrap_or_else(PoisonError::into_inner).server = server;
        client.insert(fresh).events()
    }
}

/// What of the listeners is to be written down.
fn listeners(minutes: &mut Minutes, now_ms: u64, events: &[EventInfo]) -> Vec<(EventNumber, Noted)> {
    let noted = events.iter().map(|event| (event.number.clone(), minutes.note(&event.number, now_ms, &event.streams)));
    let mut noted: Vec<_> = noted.collect();
    noted.extend(minutes.left(now_ms));
    noted.into_iter().filter_map(|(event, noted)| Some((EventNumber::parse(&event).ok()?, noted))).collect()
}

fn nudge(wake: &SyncSender<()>) {
    // One is enough, whatever happened meanwhile.
    let _ = wake.try_send(());
}

/// Until there is something to look at; false when there never will be.
fn wait(woken: &Receiver<()>) -> bool {
    match woken.recv_timeout(LOOK) {
        Ok(()) => {
            std::thread::sleep(SETTLE);
            true
        }
        Err(RecvTimeoutError::Timeout) => true,
        Err(RecvTimeoutError::Disconnected) => false,
    }
}
