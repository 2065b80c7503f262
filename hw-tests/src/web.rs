//! A portal beside a daemon, and a browser that knows just enough of HTTP to talk to it.
//!
//! Time: the real clock; an answer is awaited for twenty seconds at most.

use crate::daemon::{Daemon, free_ports, program};
use serde_json::Value;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(20);

/// A portal under test.
pub struct Portal {
    child: Child,
    log: PathBuf,
    /// Where it listens.
    pub address: String,
}

/// An answer.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// The lines of its head, names in small letters.
    pub head: Vec<(String, String)>,
    /// What came after it.
    pub body: Vec<u8>,
}

impl Answer {
    /// A line of its head.
    #[must_use]
    pub fn line(&self, name: &str) -> Option<&str> {
        self.head.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The body as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    ///
    /// # Panics
    /// When it is none.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("{e}: {}", self.text()))
    }
}

impl Portal {
    /// Starts one beside this daemon, with these lines in its configuration.
    ///
    /// # Panics
    /// When it does not come up.
    #[must_use]
    pub fn beside(daemon: &Daemon, lines: &str) -> Portal {
        Portal::at(daemon, &format!("127.0.0.1:{}", free_ports(1)), lines)
    }

    /// The same at this address.
    ///
    /// # Panics
    /// When it does not come up.
    #[must_use]
    pub fn at(daemon: &Daemon, address: &str, lines: &str) -> Portal {
        let address = address.to_owned();
        let (file, log) = (daemon.file("portal.toml"), daemon.file("portal.log"));
        let (state, socket) = (daemon.state(), daemon.socket());
        let text = format!("address = \"{address}\"\nstate_dir = {state:?}\nsocket = {socket:?}\n{lines}\n");
        fs::write(&file, text).expect("written");
        let output = fs::OpenOptions::new().create(true).append(true).open(&log).expect("a log");
        let child = Command::new(program("trunkcast-portal"))
            .arg("--config")
            .arg(&file)
            .stdin(Stdio::null())
            .stdout(output.try_clone().expect("a descriptor"))
            .stderr(output)
            .spawn()
            .expect("the portal starts");
        let portal = Portal { child, log, address };
        let deadline = Instant::now() + PATIENCE;
        while TcpStream::connect(&portal.address).is_err() {
            assert!(Instant::now() < deadline, "the portal does not come up\n{}", portal.log());
            std::thread::sleep(Duration::from_millis(20));
        }
        portal
    }

    /// What it has said so far.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Kills it in the middle of whatever it does.
    ///
    /// # Panics
    /// When it has gone by itself.
    pub fn kill(&mut self) {
        self.child.kill().expect("ours");
        self.child.wait().expect("ours");
    }

    /// Asks; the head's lines come as `Name: value`.
    ///
    /// # Panics
    /// When there is no answer.
    #[must_use]
    pub fn ask(&self, method: &str, path: &str, lines: &[&str], body: &str) -> Answer {
        let (head, mut rest) = self.begin(method, path, lines, body);
        let mut body = Vec::new();
        match head.line("transfer-encoding") {
            Some("chunked") => while read_chunk(&mut rest, &mut body) {},
            _ => drop(rest.read_to_end(&mut body).expect("read")),
        }
        Answer { body, ..head }
    }

    /// Asks for a stream; the answer's head, and so many octets of it when it is one.
    ///
    /// # Panics
    /// When there is no answer, or the stream ends before.
    #[must_use]
    pub fn hear(&self, path: &str, octets: usize) -> Answer {
        let (head, mut rest) = self.begin("GET", path, &[], "");
        let mut body = Vec::new();
        while head.status == 200 && body.len() < octets {
            assert!(read_chunk(&mut rest, &mut body), "the stream ends after {} octets", body.len());
        }
        Answer { body, ..head }
    }

    fn begin(&self, method: &str, path: &str, lines: &[&str], body: &str) -> (Answer, BufReader<TcpStream>) {
        let path = path.strip_prefix(&format!("http://{}", self.address)).unwrap_or(path);
        let mut stream = TcpStream::connect(&self.address).unwrap_or_else(|e| panic!("{e}\n{}", self.log()));
        stream.set_read_timeout(Some(PATIENCE)).expect("set");
        let mut request = format!("{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n", self.address);
        for line in lines {
            request.push_str(line);
            request.push_str("\r\n");
        }
        request.push_str(&format!("Content-Length: {}\r\n\r\n{body}", body.len()));
        stream.write_all(request.as_bytes()).expect("asked");
        let mut rest = BufReader::new(stream);
        let mut line = String::new();
        rest.read_line(&mut line).unwrap_or_else(|e| panic!("{method} {path}: {e}\n{}", self.log()));
        let status = line.split(' ').nth(1).and_then(|s| s.parse().ok());
        let status = status.unwrap_or_else(|| panic!("{method} {path}: {line:?}\n{}", self.log()));
        let mut head = Vec::new();
        loop {
            line.clear();
            rest.read_line(&mut line).expect("the head");
            let Some((name, value)) = line.trim_end().split_once(": ") else { break };
            head.push((name.to_ascii_lowercase(), value.to_owned()));
        }
        (Answer { status, head, body: Vec::new() }, rest)
    }
}

/// Takes a chunk (RFC 9112 clause 7.1); false after the last.
fn read_chunk(from: &mut impl BufRead, into: &mut Vec<u8>) -> bool {
    let mut size = String::new();
    from.read_line(&mut size).expect("the size of a chunk");
    let size = usize::from_str_radix(size.trim(), 16).unwrap_or(0);
    let mut chunk = vec![0; size + 2];
    if size == 0 {
        return false;
    }
    from.read_exact(&mut chunk).expect("a chunk");
    into.extend_from_slice(&chunk[..size]);
    true
}

impl Drop for Portal {
    fn drop(&mut self) {
        // It may have been killed before.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
