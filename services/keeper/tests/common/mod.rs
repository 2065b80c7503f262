//! A gateway's directories with the programs beside it: the portal, asked as a program asks it, and the keeper.
#![allow(dead_code)]

use event::Keyring;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

#[path = "../../../../crates/records/tests/common/server.rs"]
pub mod server;

/// A program of the workspace, built in the profile of this test.
pub fn program(package: &str, name: &str) -> PathBuf {
    let keeper = Path::new(env!("CARGO_BIN_EXE_trunkcast-keeper"));
    let directory = keeper.parent().expect("in the build's folder");
    let mut build = Command::new(env!("CARGO"));
    build.args(["build", "--quiet", "-p", package]);
    if directory.ends_with("release") {
        build.arg("--release");
    }
    assert!(build.status().expect("cargo runs").success(), "{name} does not build");
    directory.join(name)
}

/// A program that goes when it is dropped.
pub struct Running(Child);

impl Running {
    pub fn start(command: &mut Command) -> Running {
        Running(command.stderr(Stdio::null()).spawn().expect("started"))
    }

    pub fn kill(&mut self) {
        self.0.kill().expect("ours");
        self.0.wait().expect("ours");
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have been killed before.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub struct Portal {
    pub running: Running,
    pub address: String,
}

impl Portal {
    pub fn start(program: &Path, directory: &Path) -> Portal {
        let mut child = Command::new(program)
            .arg("--config")
            .arg(directory.join("portal.toml"))
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("started");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("piped")).read_line(&mut line).expect("it says where it is");
        let address = line.trim().rsplit_once("http://").map(|(_, rest)| rest.trim_end_matches('/').to_owned());
        Portal { running: Running(child), address: address.unwrap_or_else(|| panic!("{line}")) }
    }
}

/// Status and body of an answer; none when the portal died over it.
pub fn ask(address: &str, method: &str, path: &str, lines: &[&str], body: &str) -> Option<(u16, String)> {
    let mut stream = TcpStream::connect(address).ok()?;
    let lines: String = lines.iter().map(|line| format!("{line}\r\n")).collect();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Type: application/json\r\n{lines}\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).ok()?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).ok()?;
    let answer = String::from_utf8_lossy(&answer);
    let (head, body) = answer.split_once("\r\n\r\n")?;
    Some((head.split(' ').nth(1)?.parse().ok()?, body.to_owned()))
}

/// Reserves an event with this key.
pub fn reserve(address: &str, key: &str) -> Option<(u16, String)> {
    let key = format!("Idempotency-Key: {key}");
    ask(address, "POST", "/api/v1/events", &[&key], r#"{"title":"Town hall"}"#)
}

/// The number of the event in this document.
pub fn number(body: &str) -> String {
    let document: serde_json::Value = serde_json::from_str(body).unwrap_or_else(|e| panic!("{e}: {body}"));
    document["number"].as_str().unwrap_or_else(|| panic!("{body}")).to_owned()
}

/// Octets of the journal.
pub fn length(outbox: &Path) -> u64 {
    let entries = fs::read_dir(outbox).into_iter().flatten().flatten();
    entries
        .filter(|e| e.path().extension().is_some_and(|e| e == "jsonl"))
        .map(|e| e.metadata().map_or(0, |m| m.len()))
        .sum()
}

pub struct Place {
    pub directory: tempfile::TempDir,
}

impl Place {
    pub fn new() -> Place {
        let place = Place { directory: tempfile::tempdir().expect("a directory") };
        fs::create_dir(place.path("state")).expect("made");
        Keyring::random().save(&place.path("state/keys")).expect("saved");
        let root = place.directory.path().display();
        let portal = format!(
            "address = \"127.0.0.1:0\"\nopen = true\nstate_dir = \"{root}/state\"\nsocket = \"{root}/state/control.sock\"\n"
        );
        fs::write(place.path("portal.toml"), portal).expect("written");
        place.keep_in(&format!("sqlite:{root}/records.db"));
        place
    }

    /// Has the keeper bring everything to this database.
    pub fn keep_in(&self, database: &str) {
        let root = self.directory.path().display();
        let keeper = format!("state_dir = \"{root}/state\"\nserver = \"g1\"\ndatabase = \"{database}\"\n");
        fs::write(self.path("keeper.toml"), keeper).expect("written");
    }

    pub fn keeper(&self) -> Running {
        let mut command = Command::new(env!("CARGO_BIN_EXE_trunkcast-keeper"));
        Running::start(command.arg("--config").arg(self.path("keeper.toml")))
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }
}
