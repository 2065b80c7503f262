//! One listener's place in a stream, and getting it as far as the socket allows.
//!
//! Data path: response head, then frames from the shared [`Backlog`] (with titles woven in) → a socket that
//! may take them now, later or never.
//! Time: pumped when the socket becomes writable and when frames were appended; never waits.

use crate::backlog::Backlog;
use crate::icy::Icy;
use std::io::{self, ErrorKind, Write};

/// A listener between the head of the answer and the end of the stream.
#[derive(Debug)]
pub(crate) struct Playback {
    position: u64,
    pending: Vec<u8>,
    pending_sent: usize,
    icy: Option<Icy>,
}

/// How far [`Playback::pump`] came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pumped {
    /// Everything there is has been taken.
    CaughtUp,
    /// The socket takes no more now.
    Blocked,
    /// The listener's place is no longer in the backlog: cut off.
    FellBehind,
    /// The stream has ended and all of it has been taken.
    Finished,
    /// The connection is gone.
    Gone,
}

/// What a stream shows its listeners besides sound.
#[derive(Clone, Copy)]
pub(crate) struct Scene<'a> {
    pub(crate) backlog: &'a Backlog,
    pub(crate) title: &'a str,
    pub(crate) title_version: u64,
    pub(crate) ended: bool,
}

impl Playback {
    /// A listener who gets `head` and then the stream from `position`.
    pub(crate) fn new(head: Vec<u8>, position: u64, icy: bool) -> Self {
        Playback { position, pending: head, pending_sent: 0, icy: icy.then(Icy::new) }
    }

    /// Writes until the socket or the backlog is exhausted; the number is octets of sound that went out.
    pub(crate) fn pump(&mut self, socket: &mut impl Write, scene: Scene<'_>) -> (Pumped, u64) {
        let mut sound = 0;
        let pumped = loop {
            match self.step(socket, scene, &mut sound) {
                Ok(None) => {}
                Ok(Some(pumped)) => break pumped,
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(e) if e.kind() == ErrorKind::WouldBlock => {
                    let lost = self.position < scene.backlog.oldest();
                    break if lost { Pumped::FellBehind } else { Pumped::Blocked };
                }
                Err(_) => break Pumped::Gone,
            }
        };
        (pumped, sound)
    }

    /// Has this listener fallen out of the backlog?
    pub(crate) fn is_behind(&self, backlog: &Backlog) -> bool {
        self.position < backlog.oldest()
    }

    fn step(&mut self, socket: &mut impl Write, scene: Scene<'_>, sound: &mut u64) -> io::Result<Option<Pumped>> {
        if self.pending_sent < self.pending.len() {
            self.pending_sent += written(socket.write(&self.pending[self.pending_sent..])?)?;
            return Ok(None);
        }
        if let Some(icy) = self.icy.as_mut().filter(|icy| icy.left() == 0) {
            self.pending = icy.block(scene.title, scene.title_version);
            self.pending_sent = 0;
            return Ok(None);
        }
        let Some(mut octets) = scene.backlog.from(self.position) else {
            return Ok(Some(Pumped::FellBehind));
        };
        if octets.is_empty() {
            return Ok(Some(if scene.ended { Pumped::Finished } else { Pumped::CaughtUp }));
        }
        if let Some(icy) = &self.icy {
            octets = &octets[..octets.len().min(icy.left())];
        }
        let count = written(socket.write(octets)?)?;
        self.position += count as u64;
        *sound += count as u64;
        if let Some(icy) = &mut self.icy {
            icy.passed(count);
        }
        Ok(None)
    }
}

fn written(count: usize) -> io::Result<usize> {
    if count == 0 { Err(ErrorKind::WriteZero.into()) } else { Ok(count) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::icy::INTERVAL;

    /// A socket with room for so many octets at a time.
    struct Socket {
        room: usize,
        got: Vec<u8>,
    }

    impl Write for Socket {
        fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
            if self.room == 0 {
                return Err(ErrorKind::WouldBlock.into());
            }
            let count = octets.len().min(self.room).min(777);
            self.room -= count;
            self.got.extend_from_slice(&octets[..count]);
            Ok(count)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn scene(backlog: &Backlog, ended: bool) -> Scene<'_> {
        Scene { backlog, title: "T", title_version: 0, ended }
    }

    fn frames(first: usize, count: usize) -> Vec<u8> {
        (first..first + count).flat_map(|n| [[n as u8; 8], [(n >> 8) as u8; 8]].concat()).collect()
    }

    #[test]
    fn head_then_sound_then_end_over_a_narrow_socket() {
        let mut backlog = Backlog::new(4096);
        let mut socket = Socket { room: 0, got: Vec::new() };
        let mut playback = Playback::new(b"head".to_vec(), 0, false);
        let mut all = b"head".to_vec();
        for n in 0..1000 {
            backlog.append(&frames(n, 1), &[0]);
            all.extend_from_slice(&frames(n, 1));
            socket.room += 16;
            assert_eq!(playback.pump(&mut socket, scene(&backlog, false)).0, Pumped::Blocked);
        }
        socket.room = 100;
        assert_eq!(playback.pump(&mut socket, scene(&backlog, false)), (Pumped::CaughtUp, 4));
        assert_eq!(playback.pump(&mut socket, scene(&backlog, true)).0, Pumped::Finished);
        assert_eq!(socket.got, all);
    }

    #[test]
    fn titles_come_at_their_interval_and_the_sound_is_whole_without_them() {
        let mut backlog = Backlog::new(65_536);
        let mut socket = Socket { room: usize::MAX, got: Vec::new() };
        let mut playback = Playback::new(Vec::new(), 0, true);
        let mut all = Vec::new();
        for n in 0..4000 {
            backlog.append(&frames(n, 1), &[0]);
            all.extend_from_slice(&frames(n, 1));
            playback.pump(&mut socket, scene(&backlog, false));
        }
        let (mut sound, mut titles, mut rest) = (Vec::new(), Vec::new(), &socket.got[..]);
        while rest.len() > INTERVAL {
            sound.extend_from_slice(&rest[..INTERVAL]);
            let length = usize::from(rest[INTERVAL]) * 16;
            titles.push(&rest[INTERVAL + 1..INTERVAL + 1 + length]);
            rest = &rest[INTERVAL + 1 + length..];
        }
        sound.extend_from_slice(rest);
        assert_eq!(sound, all);
        assert_eq!(titles[0], b"StreamTitle='T';");
        assert!(titles.len() >= 3 && titles[1..].iter().all(|t| t.is_empty()));
    }

    #[test]
    fn a_listener_who_takes_nothing_falls_behind() {
        let mut backlog = Backlog::new(160);
        let mut socket = Socket { room: 3, got: Vec::new() };
        let mut playback = Playback::new(Vec::new(), 0, false);
        backlog.append(&frames(0, 10), &[0]);
        assert_eq!(playback.pump(&mut socket, scene(&backlog, false)), (Pumped::Blocked, 3));
        backlog.append(&frames(10, 1), &[0]);
        assert!(playback.is_behind(&backlog));
        assert_eq!(playback.pump(&mut socket, scene(&backlog, false)).0, Pumped::FellBehind);
        socket.room = 100;
        assert_eq!(playback.pump(&mut socket, scene(&backlog, false)), (Pumped::FellBehind, 0));
    }

    #[test]
    fn a_closed_connection_is_gone() {
        struct Closed;
        impl Write for Closed {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(ErrorKind::BrokenPipe.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let backlog = Backlog::new(160);
        let mut playback = Playback::new(b"x".to_vec(), 0, false);
        assert_eq!(playback.pump(&mut Closed, scene(&backlog, false)).0, Pumped::Gone);
    }
}
