//! What the tests have in common: processes that are to fail, callers, listeners, files.

use control::{AlarmInfo, Client, DialPlan, Pins, Repeat, Reservation, Reserve};
use dsp::align::align;
use hw_tests::daemon::{Daemon, program};
use hw_tests::sound;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

/// How long a caller may take to key number and PIN on a loaded machine.
pub const SOON: Duration = Duration::from_secs(30);

/// A file of the repository's `assets/`.
pub fn asset(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../assets").join(name)
}

/// Run a program that is expected to end by itself.
pub fn run_to_end(command: &mut Command) -> Output {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|e| panic!("{command:?}: {e}"));
    let deadline = Instant::now() + Duration::from_secs(20);
    while child.try_wait().expect("ours").is_none() {
        if Instant::now() >= deadline {
            // So that its output ends as well.
            let _ = child.kill();
            let output = child.wait_with_output().expect("ours");
            panic!("{command:?} does not end:\n{}", String::from_utf8_lossy(&output.stderr));
        }
        thread::sleep(Duration::from_millis(20));
    }
    child.wait_with_output().expect("ours")
}

/// Exit status, standard output and standard error of `trunkcastd` with these arguments.
pub fn trunkcastd(arguments: &[&str]) -> (Option<i32>, String, String) {
    told(&run_to_end(Command::new(program("trunkcastd")).args(arguments)))
}

/// Exit status, standard output and standard error of `trunkctl`, asking this daemon.
pub fn trunkctl(daemon: &Daemon, arguments: &[&str]) -> (Option<i32>, String, String) {
    told(&run_to_end(Command::new(program("trunkctl")).args(arguments).arg("--socket").arg(daemon.socket())))
}

fn told(output: &Output) -> (Option<i32>, String, String) {
    let text = |octets: &[u8]| String::from_utf8_lossy(octets).into_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

/// Reserve an event.
pub fn reserve(daemon: &Daemon, title: &str) -> Reservation {
    daemon.client().reserve(Reserve { title: title.into(), ..Reserve::default() }).expect("reserved")
}

/// Somebody who keys number and PIN quickly and then listens until he is cleared.
pub fn caller(event: &str, pin: &str) -> DialPlan {
    DialPlan { event: Some(event.into()), pin: Some(pin.into()), key_on_ms: 60, key_off_ms: 60, ..DialPlan::default() }
}

/// The same, speaking until the call ends.
pub fn speaker(event: &str, pin: &str) -> DialPlan {
    let wav = Some(asset("speech/a1.wav").display().to_string());
    DialPlan { wav, repeat: Repeat::Forever, ..caller(event, pin) }
}

/// The same as `plan`, with what is heard written to this file.
pub fn recorded(plan: DialPlan, file: &Path) -> DialPlan {
    DialPlan { record: Some(file.display().to_string()), ..plan }
}

/// Let these people call, and wait until so many are in the event's conference.
pub fn call_in(daemon: &Daemon, event: &str, plans: Vec<DialPlan>) -> Vec<u64> {
    let wanted = plans.len() as u32;
    let ids = plans.into_iter().map(|plan| daemon.client().exchange_dial(plan).expect("dialled")).collect();
    daemon.wait_for("the callers in the conference", SOON, |c| {
        let callers = c.events().ok()?.into_iter().find(|e| e.number == event)?.callers;
        (callers >= wanted).then_some(())
    });
    ids
}

/// The address of the event's stream and since when it is on the air, once it is.
pub fn on_air(daemon: &Daemon, event: &str) -> (String, u64) {
    daemon.wait_for("the stream", SOON, |c| {
        let info = c.events().ok()?.into_iter().find(|e| e.number == event)?;
        info.streams.first().map(|s| (s.url.clone(), s.since_ms))
    })
}

/// The alarm about this, if there is one.
pub fn alarm(client: &mut Client, what: &str) -> Option<AlarmInfo> {
    client.status().ok()?.alarms.into_iter().find(|a| a.what.starts_with(what))
}

/// Wait for an alarm; its text.
pub fn raised(daemon: &Daemon, what: &str) -> String {
    daemon.wait_for(&format!("the alarm \"{what}\""), SOON, |c| alarm(c, what)).text
}

/// Wait until there is no such alarm any more.
pub fn cleared(daemon: &Daemon, what: &str) {
    daemon.wait_for(&format!("the end of the alarm \"{what}\""), SOON, |c| alarm(c, what).is_none().then_some(()));
}

/// Wait for a line of the log that has all of these in it.
pub fn logged(daemon: &Daemon, parts: &[&str]) -> String {
    let line = |log: String| log.lines().find(|l| parts.iter().all(|p| l.contains(p))).map(str::to_owned);
    let deadline = Instant::now() + SOON;
    loop {
        if let Some(line) = line(daemon.log()) {
            return line;
        }
        assert!(Instant::now() < deadline, "nothing in the log of {parts:?}\n{}", daemon.log());
        thread::sleep(Duration::from_millis(50));
    }
}

/// All call records.
pub fn records(daemon: &Daemon) -> Vec<serde_json::Value> {
    let files = files_under(&daemon.state().join("records"));
    let lines = files.iter().filter(|f| f.extension().is_some_and(|e| e == "jsonl")).map(|f| {
        let text = fs::read_to_string(f).expect("readable");
        text.lines().map(|l| serde_json::from_str(l).expect("a record a line")).collect::<Vec<_>>()
    });
    lines.flatten().collect()
}

/// The published recordings of an event, the oldest first.
pub fn recordings(store: &Path, event: &str) -> Vec<PathBuf> {
    let mut found = files_under(&store.join("events").join(event));
    found.retain(|f| {
        let hidden = f.file_name().is_some_and(|n| n.to_string_lossy().starts_with('.'));
        !hidden && f.extension().is_some_and(|e| e == "mp3")
    });
    found
}

/// All files below a directory, by name; none if it is not there.
pub fn files_under(directory: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for path in fs::read_dir(directory).into_iter().flatten().filter_map(|e| Some(e.ok()?.path())) {
        if path.is_dir() {
            files.extend(files_under(&path));
        } else if path.is_file() {
            files.push(path);
        }
    }
    files.sort();
    files
}

/// How alike a prompt and what stands in a recording of a call are.
pub fn likeness(prompt: &str, recording: &Path) -> f64 {
    let prompt = sound::read(&asset("prompts/en").join(prompt).with_extension("wav"));
    align(&prompt, &sound::read(recording)).map_or(0.0, |found| found.correlation)
}

/// Seconds of sound in a recording or stream, by a decoder made by others.
pub fn seconds(file: &Path) -> f64 {
    sound::decode(file).len() as f64 / 8000.0
}

/// Somebody who listens to a stream from now on.
pub struct Listener {
    octets: Arc<Mutex<Vec<u8>>>,
}

impl Listener {
    /// Connect; the stream must be on the air.
    pub fn to(url: &str) -> Listener {
        let (host, path) = url.strip_prefix("http://").and_then(|u| u.split_once('/')).expect("an address");
        let mut stream = TcpStream::connect(host).unwrap_or_else(|e| panic!("{url}: {e}"));
        write!(stream, "GET /{path} HTTP/1.0\r\nHost: {host}\r\n\r\n").expect("asked");
        let octets = Arc::new(Mutex::new(Vec::new()));
        let heard = octets.clone();
        thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(count @ 1..) = stream.read(&mut buffer) {
                heard.lock().expect("no panic").extend_from_slice(&buffer[..count]);
            }
        });
        Listener { octets }
    }

    /// Head and body as they came so far.
    pub fn heard(&self) -> Vec<u8> {
        self.octets.lock().expect("no panic").clone()
    }

    /// Wait until so many octets more have come.
    pub fn wait_for(&self, more: usize) {
        let wanted = self.heard().len() + more;
        let deadline = Instant::now() + SOON;
        while self.heard().len() < wanted {
            assert!(Instant::now() < deadline, "the stream stopped after {} octets", self.heard().len());
            thread::sleep(Duration::from_millis(50));
        }
    }
}

/// Whether the octets of `part` stand in `whole` in a row.
pub fn contains(whole: &[u8], part: &[u8]) -> bool {
    // Positions where the first frame of the part begins; comparing there only is quick enough for megabytes.
    let first = &part[..part.len().min(384)];
    whole.windows(first.len().max(1)).enumerate().any(|(at, w)| w == first && whole[at..].starts_with(part))
}

/// A PIN that is none of these.
pub fn wrong_pin(pins: &Pins, turn: u8) -> String {
    let wrong = |pin: &str| {
        let last = pin.bytes().last().expect("digits") - b'0';
        format!("{}{}", &pin[..pin.len() - 1], (last + turn) % 10)
    };
    let mut pin = wrong(&pins.host);
    if pin == pins.speaker {
        pin = wrong(&pin);
    }
    pin
}
