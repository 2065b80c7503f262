//! One line at a time from a UNIX socket, with a cap on its length and a bound on the wait.
//!
//! Time: two waits. *Idle* runs until the first octet of a line, *line* from there to its line feed, so
//! that nobody holds a connection by sending an octet now and then.

use std::io::{self, Read};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

/// How long to wait for a line; `None` is for ever.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Waits {
    /// For its first octet.
    pub(crate) idle: Option<Duration>,
    /// For the rest.
    pub(crate) line: Option<Duration>,
}

/// Why there is no line.
#[derive(Debug)]
pub(crate) enum NoLine {
    /// The other side has closed.
    Closed,
    /// Nothing began in time.
    Idle,
    /// A line was begun and not finished in time.
    Unfinished,
    /// Longer than the cap.
    TooLong,
    /// The connection failed.
    Io(io::Error),
}

/// Takes lines from a socket.
pub(crate) struct LineReader {
    buffer: Vec<u8>,
    /// Octets of `buffer` known to hold no line feed.
    searched: usize,
    max: usize,
    closed: bool,
}

impl LineReader {
    /// Lines of up to `max` octets, line feed included.
    pub(crate) fn new(max: usize) -> LineReader {
        LineReader { buffer: Vec::new(), searched: 0, max, closed: false }
    }

    /// The next line without its line feed. The last one may lack it.
    pub(crate) fn next(&mut self, stream: &UnixStream, waits: Waits) -> Result<Vec<u8>, NoLine> {
        let asked = Instant::now();
        let mut begun = (!self.buffer.is_empty()).then_some(asked);
        loop {
            if let Some(line) = self.take_line()? {
                return Ok(line);
            }
            if self.closed {
                self.searched = 0;
                let rest = std::mem::take(&mut self.buffer);
                return if rest.is_empty() { Err(NoLine::Closed) } else { Ok(rest) };
            }
            let (since, wait, late) = match begun {
                None => (asked, waits.idle, NoLine::Idle),
                Some(begun) => (begun, waits.line, NoLine::Unfinished),
            };
            let left = wait.map(|wait| wait.saturating_sub(since.elapsed()));
            if left.is_some_and(|left| left.is_zero()) {
                return Err(late);
            }
            stream.set_read_timeout(left).map_err(NoLine::Io)?;
            match self.fill(stream) {
                Ok(()) => {
                    if begun.is_none() && !self.buffer.is_empty() {
                        begun = Some(Instant::now());
                    }
                }
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) if matches!(e.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => return Err(late),
                // The other side closed with something of ours unread: as good as closed.
                Err(e) if e.kind() == io::ErrorKind::ConnectionReset => self.closed = true,
                Err(e) => return Err(NoLine::Io(e)),
            }
        }
    }

    fn fill(&mut self, mut stream: &UnixStream) -> io::Result<()> {
        let mut chunk = [0; 4096];
        let count = stream.read(&mut chunk)?;
        self.buffer.extend_from_slice(&chunk[..count]);
        self.closed |= count == 0;
        Ok(())
    }

    fn take_line(&mut self) -> Result<Option<Vec<u8>>, NoLine> {
        let feed = self.buffer[self.searched..].iter().position(|octet| *octet == b'\n');
        let end = feed.map(|at| self.searched + at + 1);
        if end.unwrap_or(self.buffer.len()) > self.max {
            return Err(NoLine::TooLong);
        }
        let Some(end) = end else {
            self.searched = self.buffer.len();
            return Ok(None);
        };
        let rest = self.buffer.split_off(end);
        let mut line = std::mem::replace(&mut self.buffer, rest);
        self.searched = 0;
        line.pop();
        Ok(Some(line))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    const EVER: Waits = Waits { idle: None, line: None };

    fn pair() -> (UnixStream, UnixStream) {
        UnixStream::pair().expect("two ends")
    }

    #[test]
    fn lines_come_one_by_one_however_they_were_written() {
        let (mut near, far) = pair();
        near.write_all(b"one\ntw").expect("written");
        near.write_all(b"o\n\nlast").expect("written");
        drop(near);
        let mut reader = LineReader::new(100);
        for expected in ["one", "two", "", "last"] {
            assert_eq!(reader.next(&far, EVER).expect("a line"), expected.as_bytes());
        }
        assert!(matches!(reader.next(&far, EVER), Err(NoLine::Closed)));
    }

    #[test]
    fn a_line_of_the_longest_length_passes_and_one_more_octet_does_not() {
        for (length, fits) in [(99, true), (100, false)] {
            let (mut near, far) = pair();
            near.write_all(&vec![b'x'; length]).expect("written");
            near.write_all(b"\n").expect("written");
            let read = LineReader::new(100).next(&far, EVER);
            assert_eq!(read.is_ok(), fits, "{length}");
        }
    }

    #[test]
    fn without_end_a_line_is_too_long_before_it_fills_the_memory() {
        let (mut near, far) = pair();
        near.write_all(&[b'x'; 5000]).expect("written");
        let mut reader = LineReader::new(100);
        assert!(matches!(reader.next(&far, EVER), Err(NoLine::TooLong)));
        assert!(reader.buffer.len() <= 100 + 4096);
    }

    #[test]
    fn waiting_for_a_line_and_for_its_end_are_told_apart() {
        let (mut near, far) = pair();
        let short = Some(Duration::from_millis(1));
        let waits = Waits { idle: short, line: short };
        let mut reader = LineReader::new(100);
        assert!(matches!(reader.next(&far, waits), Err(NoLine::Idle)));
        near.write_all(b"begun").expect("written");
        assert!(matches!(reader.next(&far, waits), Err(NoLine::Unfinished)));
    }
}
