//! What the self-test looks at besides channels: encoders, stream ports, state directory, clock.
//!
//! Each is tried as its users use it. All of it runs in the thread of the connection that asks.
//!
//! Time: a second for the clock, [`PATIENCE`] for a port that does not answer.

use super::Desk;
use cast::Codec;
use control::{Check, Reply, Verdict};
use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::path::Path;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

/// How long a port may take to answer.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long the clock is looked at.
const LOOK: Duration = Duration::from_secs(1);

/// What is passed by an item that was tried, with its figures, or why it was not.
type Tried = Result<String, String>;

impl Desk {
    pub(super) fn checks(&self) -> Reply {
        let encodes = |codec: Codec| cast::prove(codec.encoder()).map(|proof| proof.to_string());
        let mut all: Vec<Check> =
            Codec::ALL.into_iter().map(|codec| item(format!("encoder {codec}"), encodes(codec))).collect();
        let ports: Vec<u16> = self.caster.status().into_iter().map(|(port, _)| port).collect();
        let (answering, silent): (Vec<_>, Vec<_>) = ports
            .iter()
            .map(|port| (*port, answers(SocketAddr::new(self.listen, *port))))
            .partition(|(_, a)| a.is_ok());
        all.extend(
            silent
                .iter()
                .map(|(port, answer)| item(format!("port {port}"), answer.clone().map(|ms| format!("{ms} ms")))),
        );
        let slowest = answering.iter().filter_map(|(_, ms)| ms.clone().ok()).max().unwrap_or_default();
        if silent.is_empty() && !ports.is_empty() {
            let text = format!("{} answer, the slowest after {} ms", ports.len(), slowest);
            all.push(item("ports".to_owned(), Ok(text)));
        }
        all.push(item("state directory".to_owned(), keeps(&self.state_dir)));
        all.push(item("clock".to_owned(), self.ticks()));
        Reply::Checks(all)
    }

    /// Whether the real-time loop keeps the card's time, which is that of the machine.
    fn ticks(&self) -> Tried {
        let (begun, before) = (Instant::now(), self.statistics.ticks.load(Relaxed));
        std::thread::sleep(LOOK);
        let (lasted, ticks) = (begun.elapsed(), self.statistics.ticks.load(Relaxed) - before);
        let due = lasted.as_millis() / u128::from(self.tick_ms.max(1));
        let text = format!("{ticks} ticks of {} ms in {} ms", self.tick_ms, lasted.as_millis());
        // One in ten may be about to be made up for.
        let near = u128::from(ticks).abs_diff(due) <= due / 10 + 1;
        if near { Ok(text) } else { Err(format!("{text}, and {due} were due")) }
    }
}

fn item(what: String, tried: Tried) -> Check {
    let (verdict, text) = match tried {
        Ok(text) => (Verdict::Passed, text),
        Err(text) => (Verdict::Failed, text),
    };
    Check { what, verdict, text }
}

/// Milliseconds until a port has answered a question, as a player would ask it.
fn answers(address: SocketAddr) -> Result<u128, String> {
    let begun = Instant::now();
    let ask = || -> io::Result<bool> {
        let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        stream.write_all(b"HEAD / HTTP/1.0\r\n\r\n")?;
        let mut head = [0; 5];
        stream.read_exact(&mut head)?;
        Ok(&head == b"HTTP/")
    };
    match ask() {
        Ok(true) => Ok(begun.elapsed().as_millis()),
        Ok(false) => Err(format!("{address} is answered by another program")),
        Err(error) => Err(format!("{address} does not answer: {error}")),
    }
}

/// Whether a directory takes a file and keeps it.
fn keeps(directory: &Path) -> Tried {
    let file = directory.join("self-test");
    let begun = Instant::now();
    let write = || -> io::Result<()> {
        let mut open = std::fs::File::create(&file)?;
        open.write_all(&[0x55; 4096])?;
        open.sync_all()?;
        std::fs::remove_file(&file)
    };
    match write() {
        Ok(()) => Ok(format!("4096 octets written and synced in {} ms", begun.elapsed().as_millis())),
        Err(error) => Err(format!("{} cannot be written: {error}", directory.display())),
    }
}

/// Where to reach what listens on an address.
pub(crate) fn reached(listening: IpAddr) -> IpAddr {
    match listening {
        IpAddr::V4(address) if address.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(address) if address.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    #[test]
    fn what_works_passes_and_what_does_not_says_why() {
        let directory = tempfile::tempdir().expect("a directory");
        assert!(keeps(directory.path()).is_ok());
        assert_eq!(std::fs::read_dir(directory.path()).expect("there").count(), 0, "nothing is left behind");
        let missing = keeps(&directory.path().join("missing")).expect_err("not there");
        assert!(missing.contains("missing cannot be written"), "{missing}");
        // A port that was free a moment ago.
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port").local_addr().expect("bound");
        assert!(answers(free).expect_err("nobody is there").contains("does not answer"));
        assert_eq!(reached(Ipv4Addr::UNSPECIFIED.into()), IpAddr::from(Ipv4Addr::LOCALHOST));
    }
}
