//! The thread behind the e1d control socket.
//!
//! Data path: clients' requests → answers, with a descriptor for an opened timeslot; alarms of a line →
//! events for every client; everything else in `line`.
//! Time: the system's monotonic clock; waits for whatever comes first, a packet or the next tick.

use super::line::ServedLine;
use super::wire::{ANY, Command, PACKET_MAX, Packet, Request};
use super::{Counts, alarm_events};
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, ppoll};
use nix::sys::eventfd::EventFd;
use nix::sys::socket::{ControlMessage, MsgFlags, UnixAddr, recv, send, sendmsg};
use nix::sys::time::TimeSpec;
use std::io::{ErrorKind, IoSlice};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Programs connected at a time; one more is turned away.
const CLIENTS_MAX: usize = 32;
/// Requests taken from a client in one turn, so that none keeps the others and the ticks waiting.
const REQUESTS_A_TURN: usize = 16;
const NOW: MsgFlags = MsgFlags::MSG_DONTWAIT.union(MsgFlags::MSG_NOSIGNAL);
/// How long newcomers wait after the system has refused one.
const DEAF: Duration = Duration::from_secs(1);
/// The longest sleep with nothing to do.
const IDLE: Duration = Duration::from_secs(10);

pub(crate) struct Service {
    listener: UnixListener,
    stop: Arc<EventFd>,
    lines: Vec<ServedLine>,
    /// Packets keep their bounds on these: they are sockets of the listener's kind, not streams.
    clients: Vec<UnixStream>,
    /// No newcomers before this: the system refused one, and would as fast as we can ask.
    deaf_until: Option<Instant>,
    counts: Arc<Counts>,
}

impl Service {
    /// `listener` must be non-blocking.
    pub(crate) fn new(listener: UnixListener, stop: Arc<EventFd>, lines: Vec<ServedLine>, counts: Arc<Counts>) -> Self {
        Service { listener, stop, lines, clients: Vec::new(), deaf_until: None, counts }
    }

    /// Serve until told to stop.
    pub(crate) fn run(mut self) {
        loop {
            let now = Instant::now();
            self.deaf_until = self.deaf_until.filter(|until| now < *until);
            self.ticks(now);
            match self.wait() {
                Ok(Woken { stop: true, .. }) => return,
                Ok(woken) => {
                    let mut index = woken.clients.len();
                    // From the last to the first, so that removing one does not move those still to come.
                    while index > 0 {
                        index -= 1;
                        if woken.clients[index] && self.serve(index).is_err() {
                            self.clients.swap_remove(index);
                        }
                    }
                    if woken.newcomer {
                        self.welcome();
                    }
                }
                Err(error) => {
                    log::error!("e1d: cannot wait for clients: {error}; the socket is given up");
                    return;
                }
            }
        }
    }

    fn ticks(&mut self, now: Instant) {
        let mut events = Vec::new();
        for (id, line) in self.lines.iter_mut().enumerate() {
            line.turn(now, &self.counts, |alarm, came| {
                if let Some((on, off)) = alarm_events(alarm) {
                    events.push(Packet::event(if came { on } else { off }, id as u8).finish());
                }
            });
        }
        for event in &events {
            self.clients.retain(|client| send(client.as_raw_fd(), event, NOW).is_ok());
        }
        let open = self.lines.iter().map(ServedLine::open_timeslots).sum();
        self.counts.set(&self.counts.open_timeslots, open);
        self.counts.set(&self.counts.clients, self.clients.len());
    }

    fn wait(&self) -> nix::Result<Woken> {
        let now = Instant::now();
        let next = self.lines.iter().filter_map(ServedLine::next_turn).chain(self.deaf_until).min();
        let listened_for = if self.deaf_until.is_some() { PollFlags::empty() } else { PollFlags::POLLIN };
        let timeout = next.map_or(IDLE, |next| next.saturating_duration_since(now).min(IDLE));
        let mut descriptors = Vec::with_capacity(2 + self.clients.len());
        descriptors.push(PollFd::new(self.stop.as_fd(), PollFlags::POLLIN));
        descriptors.push(PollFd::new(self.listener.as_fd(), listened_for));
        descriptors.extend(self.clients.iter().map(|client| PollFd::new(client.as_fd(), PollFlags::POLLIN)));
        match ppoll(&mut descriptors, Some(TimeSpec::from_duration(timeout)), None) {
            Ok(_) => {}
            Err(Errno::EINTR) => return Ok(Woken::default()),
            Err(error) => return Err(error),
        }
        let woken = |descriptor: &PollFd| descriptor.any().unwrap_or(true);
        Ok(Woken {
            stop: woken(&descriptors[0]),
            newcomer: woken(&descriptors[1]),
            clients: descriptors[2..].iter().map(woken).collect(),
        })
    }

    fn welcome(&mut self) {
        loop {
            match self.listener.accept() {
                Ok((client, _)) if self.clients.len() < CLIENTS_MAX => self.clients.push(client),
                Ok(_) => log::info!("e1d: turned a client away, {CLIENTS_MAX} are connected"),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => {
                    log::warn!("e1d: cannot accept a client: {error}");
                    self.deaf_until = Some(Instant::now() + DEAF);
                    return;
                }
            }
        }
    }

    /// Answer what a client has asked. An error: it has gone, or does not speak our language.
    fn serve(&mut self, index: usize) -> Result<(), Gone> {
        let mut packet = [0; PACKET_MAX];
        for _ in 0..REQUESTS_A_TURN {
            let client = self.clients[index].as_raw_fd();
            let length = match recv(client, &mut packet, NOW) {
                Ok(0) => return Err(Gone),
                Ok(length) => length,
                Err(Errno::EAGAIN) => return Ok(()),
                Err(Errno::EINTR) => continue,
                Err(_) => return Err(Gone),
            };
            let Some(request) = Request::parse(&packet[..length]) else {
                log::info!("e1d: a client does not speak the protocol and was hung up on");
                return Err(Gone);
            };
            let (answer, descriptor) = match self.answer(&request) {
                Ok(answer) => answer,
                Err(why) => {
                    // The protocol does not say why.
                    log::info!("e1d: a request of type {} was refused: {}", request.code, why.desc());
                    (Packet::refusal(&request, why), None)
                }
            };
            let answer = answer.finish();
            let rights = descriptor.as_ref().map(|descriptor| [descriptor.as_raw_fd()]);
            let control: Vec<_> = rights.iter().map(|rights| ControlMessage::ScmRights(rights)).collect();
            // A client that does not read its answers is not worth waiting for.
            sendmsg::<UnixAddr>(client, &[IoSlice::new(&answer)], &control, NOW, None).map_err(|_| Gone)?;
        }
        Ok(())
    }

    fn answer(&mut self, request: &Request) -> Result<(Packet, Option<OwnedFd>), Errno> {
        let command = request.command?;
        let mut answer = Packet::response(request);
        let address = request.address;
        // There is one interface, number 0.
        if address.interface != 0 && (address.interface != ANY || command != Command::InterfaceQuery) {
            return Err(if address.interface == ANY { Errno::EINVAL } else { Errno::ENODEV });
        }
        match command {
            Command::InterfaceQuery => answer.interface(0, self.lines.len() as u8),
            Command::LineQuery if address.line == ANY => {
                for (id, line) in self.lines.iter().enumerate() {
                    answer.line(&line.info(id as u8));
                }
            }
            Command::LineQuery => answer.line(&self.line(address.line)?.info(address.line)),
            Command::TimeslotQuery if address.timeslot == ANY => {
                self.line(address.line)?.timeslot_infos().for_each(|info| answer.timeslot(info));
            }
            Command::TimeslotQuery => {
                let info = self.line(address.line)?.timeslot_info(address.timeslot);
                answer.timeslot(info.ok_or(Errno::ENODEV)?);
            }
            Command::LineConfig { mode } => {
                self.line(address.line)?.configure(mode)?;
                answer.line(&self.line(address.line)?.info(address.line));
            }
            Command::TimeslotOpen { mode, force, read_size } => {
                let line = self.line(address.line)?;
                let (info, theirs) = line.open(address.timeslot, mode, force, read_size, Instant::now())?;
                answer.timeslot(info);
                return Ok((answer, Some(theirs)));
            }
        }
        Ok((answer, None))
    }

    fn line(&mut self, id: u8) -> Result<&mut ServedLine, Errno> {
        let missing = if id == ANY { Errno::EINVAL } else { Errno::ENODEV };
        self.lines.get_mut(usize::from(id)).ok_or(missing)
    }
}

/// What a wait was ended by.
#[derive(Default)]
struct Woken {
    stop: bool,
    newcomer: bool,
    clients: Vec<bool>,
}

struct Gone;
