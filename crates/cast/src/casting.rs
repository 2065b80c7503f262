//! The casting thread: owns some of the ports, their streams and everybody connected to them.
//!
//! Data path: rings → streams every beat; sockets → requests → answers; backlogs → sockets.
//! Time: a beat of 10 ms while a stream lives; deadlines of connections; else it sleeps until something comes.
//! Events of the poll come once for each change (edge-triggered): a socket is read or written until it would
//! block, and one that would block is left alone until it is announced.
//! Words: a connection is *asking*, then *telling* (a short answer goes out) or *listening*, then *ending*
//! (all is sent; we wait for the other side to close, so that it surely has the answer).

use crate::answer::{self, Answer, View, Way};
use crate::door::Seat;
use crate::encoder::{self, Encoder, Proof};
use crate::events::{CastEvent, Reporter};
use crate::format::{Codec, Format};
use crate::hls::Hls;
use crate::http::{self, HEAD_MOST, Parsed, Request};
use crate::playback::{Playback, Pumped};
use crate::settings::Settings;
use crate::stream::Stream;
use crate::turns::Turn;
use crossbeam_channel::{Receiver, Sender, TryRecvError};
use mio::event::Event;
use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};
use nix::sys::socket::{setsockopt, sockopt};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, ErrorKind, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, Shutdown};
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant, SystemTime};

/// An order from the handle; ports are places in this thread's list.
pub(crate) enum Command {
    Reserve {
        port: usize,
        event: String,
    },
    Start {
        port: usize,
        stream: Box<Stream>,
    },
    Title {
        port: usize,
        title: String,
    },
    Stop {
        port: usize,
    },
    Release {
        port: usize,
    },
    /// A port that was not bound.
    Listen {
        port: usize,
        listener: TcpListener,
    },
    /// Show that this thread turns, and that these encoders work in it.
    Try {
        encoders: Vec<(Codec, Box<dyn Encoder>)>,
        answer: Sender<Result<Vec<(Codec, Proof)>, String>>,
    },
    /// Stop all, let listeners fetch the end, then end.
    Shutdown,
    /// Stop all and end now.
    Abandon,
}

/// Between two looks at the rings.
const BEAT: Duration = Duration::from_millis(10);
/// The token of the waker; ports follow, then connections.
pub(crate) const WAKER: Token = Token(0);
/// Octets the kernel holds for one listener (it doubles this): with automatic sizing it would be megabytes,
/// minutes of sound that nobody counts.
const SEND_BUFFER: usize = 64 * 1024;
/// How long the segments of a stream that has ended can be fetched: its listeners are seconds behind.
const TAIL: Duration = Duration::from_secs(30);
/// How long all that is sent may take to be received after an answer.
const ENDING: Duration = Duration::from_secs(2);
/// Octets read and thrown away while ending.
const DISCARD_MOST: usize = 64 * 1024;
/// After the system has refused a connection (too many files), accepting rests so long.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

struct Port {
    listener: Option<TcpListener>,
    state: State,
}

enum State {
    Idle,
    Reserved { event: String },
    Live { stream: u64 },
    Over { event: String, tail: Option<Tail> },
}

/// What is left of a stream that was cast in segments.
struct Tail {
    hls: Box<Hls>,
    until: Instant,
}

struct Connection {
    socket: TcpStream,
    port: usize,
    stage: Stage,
    deadline: Option<Instant>,
    /// Given up with the connection.
    seat: Option<Seat>,
}

enum Stage {
    Asking { head: Vec<u8> },
    Telling { octets: Vec<u8>, sent: usize },
    Listening { stream: u64, format: usize, playback: Playback, blocked: bool },
    Ending { discarded: usize },
}

impl Stage {
    /// Counts towards the bound on connections that do not listen.
    fn is_short(&self) -> bool {
        !matches!(self, Stage::Listening { .. })
    }
}

struct OnAir {
    stream: Stream,
    members: Vec<usize>,
}

/// A casting thread's everything.
pub(crate) struct Casting {
    settings: Settings,
    /// The host, for listeners who do not say which they asked.
    otherwise: String,
    poll: Poll,
    ports: Vec<Port>,
    connections: Vec<Option<Connection>>,
    /// Places to reuse; those given up during a round wait until its events are all handled, lest an event
    /// for the old connection hit a new one.
    free: Vec<usize>,
    freed: Vec<usize>,
    short: usize,
    deadlines: BTreeSet<(Instant, usize)>,
    streams: BTreeMap<u64, OnAir>,
    next_stream: u64,
    commands: Receiver<Command>,
    report: Reporter,
    accept_again: Option<Instant>,
    ending: bool,
    abandoned: bool,
}

impl Casting {
    /// Takes over bound sockets; registers them.
    pub(crate) fn new(
        settings: Settings,
        poll: Poll,
        listeners: Vec<Option<TcpListener>>,
        commands: Receiver<Command>,
        report: Reporter,
    ) -> io::Result<Self> {
        let mut ports = Vec::new();
        for (place, mut listener) in listeners.into_iter().enumerate() {
            if let Some(listener) = &mut listener {
                poll.registry().register(listener, Token(1 + place), Interest::READABLE)?;
            }
            ports.push(Port { listener, state: State::Idle });
        }
        Ok(Casting {
            otherwise: host(settings.address),
            settings,
            poll,
            ports,
            connections: Vec::new(),
            free: Vec::new(),
            freed: Vec::new(),
            short: 0,
            deadlines: BTreeSet::new(),
            streams: BTreeMap::new(),
            next_stream: 0,
            commands,
            report,
            accept_again: None,
            ending: false,
            abandoned: false,
        })
    }

    /// Until told to end.
    pub(crate) fn run(mut self) {
        let mut events = Events::with_capacity(1024);
        let mut beat_at = Instant::now();
        loop {
            let now = Instant::now();
            let beating = self.streams.values().any(|s| !s.stream.has_ended());
            let beat = beating.then_some(beat_at);
            let deadline = self.deadlines.first().map(|&(at, _)| at);
            let wake_at = [beat, deadline, self.accept_again].into_iter().flatten().min();
            match self.poll.poll(&mut events, wake_at.map(|at| at.saturating_duration_since(now))) {
                Err(e) if e.kind() == ErrorKind::Interrupted => continue,
                Err(e) => {
                    log::error!("casting thread cannot wait for events: {e}");
                    std::thread::sleep(BEAT);
                }
                Ok(()) => {}
            }
            let now = Instant::now();
            self.obey(now);
            for event in &events {
                self.handle(now, event);
            }
            if self.abandoned {
                return;
            }
            if now >= beat_at {
                self.beat(now);
                // After a hold-up the beats missed are not made up for: one takes all that has come.
                beat_at = (beat_at + BEAT).max(now);
            }
            self.expire(now);
            self.streams.retain(|_, s| !(s.stream.has_ended() && s.members.is_empty()));
            self.free.append(&mut self.freed);
            if self.ending && self.free.len() == self.connections.len() {
                return;
            }
        }
    }

    /// Carries out what the handle wants.
    fn obey(&mut self, now: Instant) {
        loop {
            match self.commands.try_recv() {
                Ok(Command::Reserve { port, event }) => self.change(now, port, State::Reserved { event }),
                Ok(Command::Release { port }) => self.change(now, port, State::Idle),
                Ok(Command::Start { port, stream }) => self.start(now, port, *stream),
                Ok(Command::Title { port, title }) => {
                    if let Some((_, on_air)) = self.live(port) {
                        on_air.stream.set_title(title);
                    }
                }
                Ok(Command::Stop { port }) => self.stop(now, port),
                Ok(Command::Listen { port, listener }) => self.listen(port, listener),
                Ok(Command::Try { encoders, answer }) => drop(answer.try_send(prove(encoders))),
                Ok(Command::Shutdown) => self.shut_down(now),
                Ok(Command::Abandon) | Err(TryRecvError::Disconnected) => {
                    self.shut_down(now);
                    self.abandoned = true;
                    return;
                }
                Err(TryRecvError::Empty) => return,
            }
        }
    }

    fn listen(&mut self, port: usize, mut listener: TcpListener) {
        if self.ending {
            return;
        }
        match self.poll.registry().register(&mut listener, Token(1 + port), Interest::READABLE) {
            Ok(()) => self.ports[port].listener = Some(listener),
            Err(e) => log::error!("a port that was bound cannot be waited for: {e}"),
        }
    }

    /// The stream on a port.
    fn live(&mut self, port: usize) -> Option<(u64, &mut OnAir)> {
        let State::Live { stream } = self.ports[port].state else { return None };
        Some((stream, self.streams.get_mut(&stream)?))
    }

    fn change(&mut self, now: Instant, port: usize, state: State) {
        self.stop(now, port);
        self.ports[port].state = state;
    }

    fn start(&mut self, now: Instant, port: usize, stream: Stream) {
        let id = self.next_stream;
        self.next_stream += 1;
        self.change(now, port, State::Live { stream: id });
        let (number, event) = (stream.port, stream.event.clone());
        self.streams.insert(id, OnAir { stream, members: Vec::new() });
        self.report.say(CastEvent::StreamStarted { port: number, event });
    }

    fn stop(&mut self, now: Instant, port: usize) {
        let report = self.report.clone();
        let Some((id, on_air)) = self.live(port) else { return };
        on_air.stream.finish(now, &report);
        let tail = on_air.stream.take_hls().map(|hls| Tail { hls, until: now + TAIL });
        let (event, members) = (on_air.stream.event.clone(), on_air.members.clone());
        self.ports[port].state = State::Over { event, tail };
        for member in members {
            self.set_deadline(member, Some(now + self.settings.end_timeout));
        }
        self.serve(id, |_| Turn::Now);
    }

    fn shut_down(&mut self, now: Instant) {
        self.ending = true;
        for port in 0..self.ports.len() {
            self.stop(now, port);
            self.ports[port].listener = None;
        }
        let asking = |c: &Option<Connection>| c.as_ref().is_some_and(|c| matches!(c.stage, Stage::Asking { .. }));
        let asking: Vec<usize> = (0..self.connections.len()).filter(|&i| asking(&self.connections[i])).collect();
        asking.into_iter().for_each(|i| self.close(i));
    }

    fn beat(&mut self, now: Instant) {
        let mut fresh = Vec::new();
        for (&id, on_air) in &mut self.streams {
            if on_air.stream.beat(now, &self.report) {
                fresh.push(id);
            }
        }
        for id in fresh {
            self.serve(id, |members| Turn::Due { among: members });
        }
    }

    /// Sends what was appended to those whose turn it is among so many.
    fn serve(&mut self, id: u64, turn: impl FnOnce(usize) -> Turn) {
        let Some(on_air) = self.streams.get_mut(&id) else { return };
        let mut members = std::mem::take(&mut on_air.members);
        let turn = turn(members.len());
        members.retain(|&member| self.play(member, turn));
        if let Some(on_air) = self.streams.get_mut(&id) {
            on_air.members = members;
        }
    }

    /// Lets a listener have what there is; false if it listens no more.
    fn play(&mut self, place: usize, turn: Turn) -> bool {
        let Some(Some(connection)) = self.connections.get_mut(place) else { return false };
        let Stage::Listening { stream, format, playback, blocked } = &mut connection.stage else { return false };
        let Some(on_air) = self.streams.get(stream) else { return false };
        let Some(scene) = on_air.stream.scene(*format) else { return false };
        let statistics = &on_air.stream.statistics;
        let has_turn = turn.is_of(place, on_air.stream.formats[*format], on_air.stream.pieces(*format));
        let pumped = if playback.is_behind(scene.backlog) {
            Pumped::FellBehind
        } else if has_turn && !*blocked {
            let (pumped, sound) = playback.pump(&mut connection.socket, scene);
            statistics.sent(on_air.stream.formats[*format], sound);
            pumped
        } else {
            return true;
        };
        *blocked = pumped == Pumped::Blocked;
        match pumped {
            Pumped::CaughtUp | Pumped::Blocked => return true,
            Pumped::FellBehind => {
                statistics.dropped.fetch_add(1, Relaxed);
                // What is still queued for it would occupy the kernel for minutes: let it go at once.
                let _ = setsockopt(&connection.socket, sockopt::Linger, &nix::libc::linger { l_onoff: 1, l_linger: 0 });
                self.close(place);
            }
            Pumped::Finished => self.end(place),
            Pumped::Gone => self.close(place),
        }
        false
    }

    fn handle(&mut self, now: Instant, event: &Event) {
        let Some(place) = event.token().0.checked_sub(1) else { return };
        if place < self.ports.len() {
            self.accept(now, place);
            return;
        }
        let place = place - self.ports.len();
        let Some(Some(connection)) = self.connections.get(place) else { return };
        if event.is_error() || event.is_write_closed() {
            self.close(place);
            return;
        }
        match connection.stage {
            Stage::Asking { .. } if event.is_readable() || event.is_read_closed() => self.listen_to(now, place),
            Stage::Ending { .. } if event.is_readable() || event.is_read_closed() => self.discard(place),
            Stage::Telling { .. } if event.is_writable() => self.tell(now, place),
            Stage::Listening { .. } if event.is_writable() => self.resume(place),
            _ => {}
        }
    }

    fn accept(&mut self, now: Instant, port: usize) {
        loop {
            let Some(listener) = &self.ports[port].listener else { return };
            match listener.accept() {
                Ok((socket, _)) => self.admit(now, port, socket),
                Err(e) if e.kind() == ErrorKind::WouldBlock => return,
                Err(e) if matches!(e.kind(), ErrorKind::Interrupted | ErrorKind::ConnectionAborted) => {}
                Err(e) => {
                    // Out of files or memory. Whoever waits is not announced again, so all ports are tried soon.
                    log::warn!("cannot take a connection: {e}");
                    self.evict();
                    self.accept_again = Some(now + ACCEPT_PAUSE);
                    return;
                }
            }
        }
    }

    fn admit(&mut self, now: Instant, port: usize, mut socket: TcpStream) {
        if self.short >= self.settings.max_asking {
            self.evict();
        }
        let place = self.free.pop().unwrap_or_else(|| {
            self.connections.push(None);
            self.connections.len() - 1
        });
        let token = Token(1 + self.ports.len() + place);
        let ready = setsockopt(&socket, sockopt::SndBuf, &SEND_BUFFER)
            .map_err(io::Error::from)
            .and_then(|()| socket.set_nodelay(true))
            .and_then(|()| self.poll.registry().register(&mut socket, token, Interest::READABLE | Interest::WRITABLE));
        if let Err(e) = ready {
            log::debug!("connection given up: {e}");
            self.free.push(place);
            return;
        }
        self.short += 1;
        self.connections[place] =
            Some(Connection { socket, port, stage: Stage::Asking { head: Vec::new() }, deadline: None, seat: None });
        self.set_deadline(place, Some(now + self.settings.head_timeout));
        self.listen_to(now, place);
    }

    /// Closes the connection that has been asking for longest.
    fn evict(&mut self) {
        let short = |place: usize| self.connections[place].as_ref().is_some_and(|c| c.stage.is_short());
        if let Some(place) = self.deadlines.iter().map(|&(_, place)| place).find(|&place| short(place)) {
            self.close(place);
        }
    }

    /// Reads on in a request.
    fn listen_to(&mut self, now: Instant, place: usize) {
        let Some(Some(connection)) = self.connections.get_mut(place) else { return };
        let Stage::Asking { head } = &mut connection.stage else { return };
        let mut octets = [0; 2048];
        let parsed = loop {
            match connection.socket.read(&mut octets) {
                Ok(0) => break None,
                Ok(count) => {
                    head.extend_from_slice(&octets[..count]);
                    match http::parse(head) {
                        Parsed::Partial => {}
                        parsed => break Some(parsed),
                    }
                }
                Err(e) if e.kind() == ErrorKind::WouldBlock => return,
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(_) => break None,
            }
            debug_assert!(head.len() < HEAD_MOST, "the parser refuses more");
        };
        let port = connection.port;
        match parsed {
            None => self.close(place),
            Some(Parsed::Whole(request)) => {
                // Who asks after an order was given must find it carried out.
                self.obey(now);
                let (answer, seat) = self.consider(now, port, &request);
                if let Some(Some(connection)) = self.connections.get_mut(place) {
                    connection.seat = seat;
                }
                self.answer(now, place, port, answer);
            }
            Some(Parsed::Bad(status)) => {
                let octets = answer::refusal(status, SystemTime::now());
                self.set_stage(place, Stage::Telling { octets, sent: 0 });
                self.tell(now, place);
            }
            Some(Parsed::Partial) => {}
        }
    }

    /// What a request is answered with, and the seat of whoever may listen.
    fn consider(&self, now: Instant, port: usize, request: &Request) -> (Answer, Option<Seat>) {
        let (view, time) = (self.view(now, port), SystemTime::now());
        let answer = answer::answer(request, view, self.way(), time);
        let Some((door, event)) = self.settings.door.as_ref().zip(answer::at_the_door_of(request, view)) else {
            return (answer, None);
        };
        let to_stay = matches!(answer, Answer::Stream { .. });
        match door.admit(event, request.pass.as_deref(), to_stay) {
            Ok(seat) => (answer, seat),
            Err(why) => (answer::turned_away(request, &why, time), None),
        }
    }

    fn way(&self) -> Way<'_> {
        Way { base: &self.settings.public, otherwise: &self.otherwise }
    }

    fn view(&self, now: Instant, port: usize) -> View<'_> {
        match &self.ports[port].state {
            State::Idle => View::Idle,
            State::Reserved { event } => View::Reserved { event },
            State::Over { event, tail } => {
                View::Over { event, hls: tail.as_ref().filter(|tail| now < tail.until).map(|tail| tail.hls.as_ref()) }
            }
            State::Live { stream } => match self.streams.get(stream) {
                Some(OnAir { stream, members, .. }) => View::Live {
                    port: stream.port,
                    event: &stream.event,
                    title: &stream.title,
                    formats: &stream.formats,
                    full: members.len() >= self.settings.max_listeners,
                    hls: stream.hls(),
                },
                None => View::Idle,
            },
        }
    }

    fn answer(&mut self, now: Instant, place: usize, port: usize, answer: Answer) {
        let octets = match (answer, self.live(port)) {
            (Answer::Stream { mut head, format, icy }, Some((stream, on_air))) => {
                let (position, prelude) = on_air.stream.entry(format).unwrap_or_default();
                head.extend_from_slice(prelude);
                let playback = Playback::new(head, position, icy);
                on_air.stream.statistics.joined(on_air.stream.formats[format]);
                on_air.members.push(place);
                self.set_deadline(place, None);
                self.set_stage(place, Stage::Listening { stream, format, playback, blocked: false });
                self.write_only(place);
                self.resume(place);
                return;
            }
            (Answer::Full(octets), Some((_, on_air))) => {
                on_air.stream.statistics.refused.fetch_add(1, Relaxed);
                octets
            }
            (Answer::Segment { octets, number }, Some((_, on_air))) => {
                on_air.stream.fetched(number);
                on_air.stream.statistics.sent(Format::Hls, octets.len() as u64);
                octets
            }
            (Answer::Short(octets) | Answer::Full(octets), _)
            | (Answer::Stream { head: octets, .. } | Answer::Segment { octets, .. }, None) => octets,
        };
        self.set_stage(place, Stage::Telling { octets, sent: 0 });
        self.tell(now, place);
    }

    /// A listener has no more to say: what it sends stays in the kernel, which bounds it.
    fn write_only(&mut self, place: usize) {
        let token = Token(1 + self.ports.len() + place);
        if let Some(Some(connection)) = self.connections.get_mut(place) {
            let _ = self.poll.registry().reregister(&mut connection.socket, token, Interest::WRITABLE);
        }
    }

    /// The socket takes octets again.
    fn resume(&mut self, place: usize) {
        let Some(Some(Connection { stage: Stage::Listening { stream, blocked, .. }, .. })) =
            self.connections.get_mut(place)
        else {
            return;
        };
        *blocked = false;
        let id = *stream;
        if !self.play(place, Turn::Now)
            && let Some(on_air) = self.streams.get_mut(&id)
        {
            on_air.members.retain(|&member| member != place);
        }
    }

    fn tell(&mut self, now: Instant, place: usize) {
        let Some(Some(connection)) = self.connections.get_mut(place) else { return };
        let Stage::Telling { octets, sent } = &mut connection.stage else { return };
        while *sent < octets.len() {
            match connection.socket.write(&octets[*sent..]) {
                Ok(0) => return self.close(place),
                Ok(count) => *sent += count,
                Err(e) if e.kind() == ErrorKind::WouldBlock => return,
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(_) => return self.close(place),
            }
        }
        // Closing with octets of the other side unread would make the kernel throw away what it has not
        // received yet: our half is closed, and what still comes (a body nobody asked for) is read first.
        self.set_deadline(place, Some(now + ENDING));
        self.set_stage(place, Stage::Ending { discarded: 0 });
        self.close_our_half(place);
        self.discard(place);
    }

    /// A listener has everything; the kernel delivers what it holds after we have closed.
    fn end(&mut self, place: usize) {
        self.close_our_half(place);
        let Some(Some(connection)) = self.connections.get_mut(place) else { return };
        let mut octets = [0; 2048];
        for _ in 0..DISCARD_MOST / octets.len() {
            if !connection.socket.read(&mut octets).is_ok_and(|count| count > 0) {
                break;
            }
        }
        self.close(place);
    }

    fn close_our_half(&mut self, place: usize) {
        if let Some(Some(connection)) = self.connections.get_mut(place) {
            let _ = connection.socket.shutdown(Shutdown::Write);
        }
    }

    fn discard(&mut self, place: usize) {
        let Some(Some(connection)) = self.connections.get_mut(place) else { return };
        let Stage::Ending { discarded } = &mut connection.stage else { return };
        let mut octets = [0; 2048];
        loop {
            match connection.socket.read(&mut octets) {
                Ok(count) if count > 0 && *discarded < DISCARD_MOST => *discarded += count,
                Err(e) if e.kind() == ErrorKind::WouldBlock => return,
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Ok(_) | Err(_) => return self.close(place),
            }
        }
    }

    fn expire(&mut self, now: Instant) {
        while self.deadlines.first().is_some_and(|&(at, _)| at <= now) {
            if let Some((_, place)) = self.deadlines.pop_first() {
                self.close(place);
            }
        }
        if self.accept_again.is_some_and(|at| at <= now) {
            self.accept_again = None;
            (0..self.ports.len()).for_each(|port| self.accept(now, port));
        }
    }

    fn set_stage(&mut self, place: usize, stage: Stage) {
        if let Some(Some(connection)) = self.connections.get_mut(place) {
            self.short -= usize::from(connection.stage.is_short());
            self.short += usize::from(stage.is_short());
            connection.stage = stage;
        }
    }

    fn set_deadline(&mut self, place: usize, deadline: Option<Instant>) {
        if let Some(Some(connection)) = self.connections.get_mut(place) {
            if let Some(old) = std::mem::replace(&mut connection.deadline, deadline) {
                self.deadlines.remove(&(old, place));
            }
            self.deadlines.extend(deadline.map(|at| (at, place)));
        }
    }

    fn close(&mut self, place: usize) {
        self.set_deadline(place, None);
        let Some(mut connection) = self.connections.get_mut(place).and_then(Option::take) else { return };
        self.short -= usize::from(connection.stage.is_short());
        if let Stage::Listening { stream, format, .. } = connection.stage
            && let Some(on_air) = self.streams.get_mut(&stream)
        {
            on_air.stream.statistics.left(on_air.stream.formats[format]);
            on_air.members.retain(|&member| member != place);
        }
        let _ = self.poll.registry().deregister(&mut connection.socket);
        self.freed.push(place);
    }
}

/// An address as it stands in others; one that means every interface is reached on this machine.
fn host(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) if address.is_unspecified() => Ipv4Addr::LOCALHOST.to_string(),
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) if address.is_unspecified() => format!("[{}]", Ipv6Addr::LOCALHOST),
        IpAddr::V6(address) => format!("[{address}]"),
    }
}

/// Tries one encoder after another; the first that fails is named.
fn prove(encoders: Vec<(Codec, Box<dyn Encoder>)>) -> Result<Vec<(Codec, Proof)>, String> {
    let one = |(codec, encoder)| {
        encoder::prove(encoder).map(|proof| (codec, proof)).map_err(|error| format!("{codec}: {error}"))
    };
    encoders.into_iter().map(one).collect()
}
