//! The daemon's handle on streams and recordings.
//!
//! It keeps what each port is doing, so that a wrong request is answered at once and without asking a
//! casting thread; the threads get their orders through bounded channels and are woken for them.
//!
//! Data path: the daemon's control thread → here → command channel and waker → casting thread.
//! Time: no call waits, except [`Caster::shutdown`], which is told how long.

use crate::casting::{Casting, Command, WAKER};
use crate::encoder::{Encoder, Muted, Proof};
use crate::error::Error;
use crate::events::{CastEvent, Reporter};
use crate::feed::Feed;
use crate::format::{Codec, Format};
use crate::push::Push;
use crate::recorder::Recorder;
use crate::settings::{RecorderSettings, Settings};
use crate::statistics::Statistics;
use crate::stream::{Plan, Stream};
use crate::utc;
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use mio::net::TcpListener;
use mio::{Poll, Waker};
use nix::sys::socket::{self, Backlog};
use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::ops::RangeInclusive;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

/// What a stream needs to begin.
pub struct StreamStart {
    /// The event's number as text: what paths, file names and the store call it.
    pub event: String,
    /// What players show; the event's number when empty.
    pub title: String,
    /// The formats that were requested, each told apart by the extension of the path. PCMU, which costs nothing, is
    /// there in any case.
    pub formats: Vec<Format>,
    /// Where its samples come from: 8 kHz, mono. What is in it already (pre-roll) is cast as well.
    pub samples: rtrb::Consumer<i16>,
    /// When the first of those samples was spoken.
    pub started: SystemTime,
    /// Record it, if there is a recorder: the requested formats whose frames are all as long (MP3, PCMU), and
    /// PCMU if none is.
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
        /// What it is cast as.
        formats: Vec<Format>,
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

/// What is known of a port.
struct Slot {
    status: PortStatus,
    /// Somebody else has it.
    unbound: bool,
    /// Its encoders are to give nothing, so that somebody sees what becomes of it.
    muted: bool,
}

/// The answer to [`Caster::try_port`], when it comes.
pub type Trial = Receiver<Result<Vec<(Codec, Proof)>, String>>;

/// The stream server with its casting threads and recorder. Dropping it ends them without waiting.
pub struct Caster {
    ports: Mutex<BTreeMap<u16, Slot>>,
    settings: Settings,
    threads: Vec<Thread>,
    recorder: Mutex<Option<Recorder>>,
    report: Reporter,
}

/// The handle's end of one casting thread.
struct Thread {
    commands: Sender<Command>,
    waker: Waker,
    done: Receiver<()>,
}

/// Commands that may wait for a casting thread.
const COMMANDS_MOST: usize = 1024;

impl Caster {
    /// Binds the ports, looks the spool over and starts the threads. Without recorder settings nothing is recorded.
    ///
    /// A port that somebody else has is no reason to be without the others: [`Caster::unbound`] names it, and
    /// [`Caster::try_port`] binds it when it is free.
    ///
    /// # Errors
    /// No port at all can be bound, an empty range, an unusable spool, or no threads to be had; nothing stays
    /// bound then.
    pub fn launch(
        settings: Settings,
        recorder: Option<RecorderSettings>,
        events: Sender<CastEvent>,
    ) -> Result<Caster, Error> {
        if settings.ports.is_empty() {
            return Err(Error::NoPorts);
        }
        let report = Reporter::new(events);
        // First of all the ports: whoever else has them may have the spool as well.
        let mut shares: Vec<Vec<Option<TcpListener>>> = Vec::new();
        shares.resize_with(settings.threads.clamp(1, settings.ports.len()), Vec::new);
        let count = shares.len();
        let (mut ports, mut refused) = (BTreeMap::new(), None);
        for (place, port) in settings.ports.clone().enumerate() {
            let bound = bind(SocketAddr::new(settings.address, port));
            let unbound = bound.is_err();
            ports.insert(port, Slot { status: PortStatus::Idle, unbound, muted: false });
            shares[place % count].push(bound.map_err(|error| refused = refused.take().or(Some(error))).ok());
        }
        if let Some(error) = refused.filter(|_| ports.values().all(|slot| slot.unbound)) {
            return Err(error);
        }
        let recorder = recorder.map(|r| Recorder::launch(r, report.clone())).transpose()?;
        let shares = shares.into_iter();
        let threads = shares.map(|share| Thread::spawn(&settings, share, &report)).collect::<Result<_, Error>>()?;
        Ok(Caster { ports: Mutex::new(ports), settings, threads, recorder: Mutex::new(recorder), report })
    }

    /// The range that is bound.
    #[must_use]
    pub fn ports(&self) -> RangeInclusive<u16> {
        self.settings.ports.clone()
    }

    /// The port belongs to this event, which has not begun to speak.
    ///
    /// # Errors
    /// [`Error::NotOurs`], [`Error::Live`], [`Error::BadEvent`], [`Error::Busy`].
    pub fn reserve(&self, port: u16, event: &str) -> Result<(), Error> {
        check_event(event)?;
        let event = event.to_owned();
        self.change(port, |status, place| {
            if matches!(status, PortStatus::Live { .. }) {
                return Err(Error::Live(port));
            }
            Ok((PortStatus::Reserved { event: event.clone() }, Command::Reserve { port: place, event }))
        })
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
        let (event, title) = (stream.event.clone(), stream.title.clone());
        let statistics = Arc::new(Statistics::default());
        let muted = self.encoders_are_muted(port)?;
        self.change(port, |status, place| {
            if matches!(status, PortStatus::Live { .. }) {
                return Err(Error::Live(port));
            }
            let (event, statistics) = (stream.event.clone(), Arc::clone(&statistics));
            let stream = Box::new(self.prepare(port, stream, &statistics, muted));
            let status = PortStatus::Live { event, formats: stream.formats.clone(), statistics };
            Ok((status, Command::Start { port: place, stream }))
        })?;
        self.push(port, &event, &title);
        Ok(statistics)
    }

    /// Has a stream that was just started pushed to whom it is meant for. The port is asked like any listener
    /// asks; one whose format is not cast is answered 404, and that push ends.
    fn push(&self, port: u16, event: &str, title: &str) {
        for target in &self.settings.push {
            let (event, title) = (event.to_owned(), title.to_owned());
            let from = SocketAddr::new(reached(self.settings.address), port);
            let push = Push { target: target.clone(), from, event, title, report: self.report.clone() };
            if !push.begin() {
                log::error!("there is no thread to push a stream to {target}");
            }
        }
    }

    /// Everything of a stream that takes time to make, so that the casting thread need not.
    fn prepare(&self, port: u16, start: StreamStart, statistics: &Arc<Statistics>, muted: bool) -> Stream {
        let recorder = self.recorder.lock().unwrap_or_else(PoisonError::into_inner);
        let recorder = recorder.as_ref().filter(|_| start.record);
        let start_ms = utc::unix_ms(start.started);
        let mut stream = Stream::new(Plan {
            port,
            event: start.event,
            title: start.title,
            start_ms,
            feed: Feed::new(start.samples, self.settings.dry_after, Instant::now()),
            statistics: Arc::clone(statistics),
        });
        let unasked = Some(Format::Pcmu).filter(|pcmu| !start.formats.contains(pcmu));
        let fit_to_record = start.formats.iter().any(|format| format.frame_bytes().is_some());
        for format in start.formats.into_iter().chain(unasked) {
            let wanted = recorder.filter(|_| unasked != Some(format) || !fit_to_record);
            let sink = wanted.and_then(|r| r.open(&stream.event, port, format, start_ms, statistics));
            stream.add(format, &self.settings, sink, |codec| encoder(codec, muted));
        }
        stream
    }

    /// What players show from now on.
    ///
    /// # Errors
    /// [`Error::NotOurs`], [`Error::NotLive`], [`Error::Busy`].
    pub fn set_title(&self, port: u16, title: &str) -> Result<(), Error> {
        self.change(port, |status, place| match status {
            PortStatus::Live { .. } => Ok((status.clone(), Command::Title { port: place, title: title.to_owned() })),
            _ => Err(Error::NotLive(port)),
        })
    }

    /// Ends a stream: what its ring holds is encoded, each listener gets all of it and a clean end, the
    /// recording is closed and published, the port answers 410. A port merely reserved becomes idle.
    /// Returns at once; [`CastEvent::StreamStopped`] tells when the last frame is encoded.
    ///
    /// # Errors
    /// [`Error::NotOurs`], [`Error::NotLive`], [`Error::Busy`].
    pub fn stop(&self, port: u16) -> Result<(), Error> {
        self.change(port, |status, place| match status.clone() {
            PortStatus::Live { event, statistics, .. } => {
                Ok((PortStatus::Over { event, statistics }, Command::Stop { port: place }))
            }
            PortStatus::Reserved { .. } => Ok((PortStatus::Idle, Command::Release { port: place })),
            PortStatus::Idle | PortStatus::Over { .. } => Err(Error::NotLive(port)),
        })
    }

    /// The port is idle again: 404 instead of 410 or 503.
    ///
    /// # Errors
    /// [`Error::NotOurs`], [`Error::Live`], [`Error::Busy`].
    pub fn release(&self, port: u16) -> Result<(), Error> {
        self.change(port, |status, place| match status {
            PortStatus::Live { .. } => Err(Error::Live(port)),
            _ => Ok((PortStatus::Idle, Command::Release { port: place })),
        })
    }

    /// What every port is doing, in order.
    #[must_use]
    pub fn status(&self) -> Vec<(u16, PortStatus)> {
        self.lock().iter().map(|(&port, slot)| (port, slot.status.clone())).collect()
    }

    /// Ports that are not bound: nobody hears a stream there.
    #[must_use]
    pub fn unbound(&self) -> Vec<u16> {
        self.lock().iter().filter(|(_, slot)| slot.unbound).map(|(&port, _)| port).collect()
    }

    /// Tries a port without a stream: binds it if it is not, and has its casting thread send a tone through an
    /// encoder for each of these formats. The answer comes from that thread; one that is stuck gives none.
    ///
    /// # Errors
    /// [`Error::Bind`], [`Error::NotOurs`], [`Error::Live`], [`Error::Busy`].
    pub fn try_port(&self, port: u16, formats: &[Format]) -> Result<Trial, Error> {
        let mut ports = self.lock();
        let slot = ports.get_mut(&port).ok_or(Error::NotOurs(port))?;
        if matches!(slot.status, PortStatus::Live { .. }) {
            return Err(Error::Live(port));
        }
        let (thread, place) = self.thread_of(port);
        if slot.unbound {
            let listener = bind(SocketAddr::new(self.settings.address, port))?;
            if !thread.send(Command::Listen { port: place, listener }) {
                return Err(Error::Busy(port));
            }
            slot.unbound = false;
        }
        let (answer, trial) = bounded(1);
        let mut codecs: Vec<Codec> = formats.iter().map(|format| format.codec()).collect();
        codecs.sort_unstable();
        codecs.dedup();
        let encoders = codecs.into_iter().map(|codec| (codec, encoder(codec, slot.muted))).collect();
        if thread.send(Command::Try { encoders, answer }) { Ok(trial) } else { Err(Error::Busy(port)) }
    }

    /// For a rehearsal: from now on encoders that are made for this port give nothing, or work again.
    ///
    /// # Errors
    /// [`Error::NotOurs`].
    pub fn mute_encoders(&self, port: u16, muted: bool) -> Result<(), Error> {
        self.lock().get_mut(&port).map(|slot| slot.muted = muted).ok_or(Error::NotOurs(port))
    }

    /// Whether a rehearsal keeps the encoders of this port from working.
    ///
    /// # Errors
    /// [`Error::NotOurs`].
    pub fn encoders_are_muted(&self, port: u16) -> Result<bool, Error> {
        self.lock().get(&port).map(|slot| slot.muted).ok_or(Error::NotOurs(port))
    }

    /// Events that found the daemon's channel full or gone.
    #[must_use]
    pub fn lost_events(&self) -> u64 {
        self.report.lost()
    }

    /// Stops every stream, lets listeners fetch the end, closes and publishes recordings, and ends the
    /// threads. What is not published by then is at the next launch. Answers whether all was done in time.
    pub fn shutdown(&self, within: Duration) -> bool {
        let until = Instant::now() + within;
        let left = || until.saturating_duration_since(Instant::now());
        for thread in &self.threads {
            thread.send(Command::Shutdown);
        }
        let gone = |e| matches!(e, Err(RecvTimeoutError::Disconnected));
        // A listener who does not fetch the end must not cost the recordings theirs: most of the time is
        // for listeners, the rest for the disk.
        let fetched = self.threads.iter().all(|t| gone(t.done.recv_timeout(left().mul_f32(0.7))));
        if !fetched {
            for thread in &self.threads {
                thread.send(Command::Abandon);
            }
        }
        let ended = self.threads.iter().all(|t| gone(t.done.recv_timeout(left().mul_f32(0.5))));
        let recorder = self.recorder.lock().unwrap_or_else(PoisonError::into_inner).take();
        let recorded = recorder.is_none_or(|r| r.finish(left()));
        fetched && ended && recorded
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<u16, Slot>> {
        self.ports.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks a port up, decides, and sends; the status changes only if the command went out.
    fn change(
        &self,
        port: u16,
        decide: impl FnOnce(&PortStatus, usize) -> Result<(PortStatus, Command), Error>,
    ) -> Result<(), Error> {
        let mut ports = self.lock();
        let slot = ports.get_mut(&port).ok_or(Error::NotOurs(port))?;
        let (thread, place) = self.thread_of(port);
        if thread.commands.is_full() {
            return Err(Error::Busy(port));
        }
        let (next, command) = decide(&slot.status, place)?;
        if !thread.send(command) {
            return Err(Error::Busy(port));
        }
        slot.status = next;
        Ok(())
    }

    /// The casting thread of a port of ours, and the port's place there.
    fn thread_of(&self, port: u16) -> (&Thread, usize) {
        let place = usize::from(port - self.settings.ports.start());
        (&self.threads[place % self.threads.len()], place / self.threads.len())
    }
}

impl Drop for Thread {
    fn drop(&mut self) {
        self.send(Command::Abandon);
    }
}

impl Thread {
    fn spawn(settings: &Settings, share: Vec<Option<TcpListener>>, report: &Reporter) -> Result<Self, Error> {
        let cannot = |source| Error::Thread { what: "casting thread", source };
        let poll = Poll::new().map_err(cannot)?;
        let waker = Waker::new(poll.registry(), WAKER).map_err(cannot)?;
        let (commands, queue) = bounded(COMMANDS_MOST);
        let (alive, done) = bounded::<()>(0);
        let casting = Casting::new(settings.clone(), poll, share, queue, report.clone()).map_err(cannot)?;
        let body = move || {
            casting.run();
            drop(alive);
        };
        thread::Builder::new().name("casting".to_owned()).spawn(body).map_err(cannot)?;
        Ok(Thread { commands, waker, done })
    }

    /// False if the thread has ended or does not keep up.
    fn send(&self, command: Command) -> bool {
        let sent = self.commands.try_send(command).is_ok();
        let _ = self.waker.wake();
        sent
    }
}

/// Binds a port, with as long a queue of new connections as the system allows.
///
/// The usual queue of 128 overflows when an event begins and everybody comes at once; who does not fit
/// waits for seconds or is reset.
fn bind(address: SocketAddr) -> Result<TcpListener, Error> {
    let listen = || -> io::Result<TcpListener> {
        let listener = TcpListener::bind(address)?;
        socket::listen(&listener, Backlog::MAXALLOWABLE)?;
        Ok(listener)
    };
    listen().map_err(|source| Error::Bind { address, source })
}

/// Where this machine reaches what listens on an address.
fn reached(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(address) if address.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(address) if address.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        other => other,
    }
}

/// An encoder, or one that gives nothing.
fn encoder(codec: Codec, muted: bool) -> Box<dyn Encoder> {
    let encoder = codec.encoder();
    if muted { Box::new(Muted(encoder)) } else { encoder }
}

/// Does this text do for a path, a file name and a directory?
pub(crate) fn is_event(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

fn check_event(event: &str) -> Result<(), Error> {
    if is_event(event) { Ok(()) } else { Err(Error::BadEvent(event.to_owned())) }
}
