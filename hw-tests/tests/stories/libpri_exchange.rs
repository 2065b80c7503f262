//! libpri as the exchange of a daemon: in a process of its own, attached to the socket of the daemon's only span.
//!
//! What callers say is rendered beforehand, in octets of the line's law; what they hear comes back the same way.
//!
//! Data path: [`Place`] → a daemon whose far end is a socket ← [`Exchange`]; a capture → [`ladders`].
//! Time: the real clock for the two processes; the callers' own time is the octets they send, which the card paces.

use control::Reservation;
use dsp::g711::{self, Law};
use hw_tests::daemon::Daemon;
use hw_tests::{peers, sound};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// How long anything may take on a machine that is busy with other tests.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A line and the language spoken on its D channel.
#[derive(Clone, Copy, Debug)]
pub struct Trunk {
    pub line: &'static str,
    pub switch: &'static str,
    pub law: Law,
}

pub const NI2: Trunk = Trunk { line: "T1", switch: "ni2", law: Law::Mu };
pub const ESS5: Trunk = Trunk { line: "T1", switch: "5ess", law: Law::Mu };
pub const ESS4: Trunk = Trunk { line: "T1", switch: "4ess", law: Law::Mu };
pub const DMS100: Trunk = Trunk { line: "T1", switch: "dms100", law: Law::Mu };
pub const EURO_ISDN: Trunk = Trunk { line: "E1", switch: "euroisdn", law: Law::A };

/// A daemon with one span, and the folder in which it and the exchange meet.
pub struct Place {
    pub trunk: Trunk,
    pub daemon: Daemon,
    pub event: Reservation,
    folder: TempDir,
}

impl Place {
    /// The daemon alone: it has to show that nobody is at the far end. An event is reserved.
    pub fn new(trunk: Trunk) -> Place {
        Place::configured(trunk, "")
    }

    /// The same with more in its configuration.
    pub fn configured(trunk: Trunk, more: &str) -> Place {
        let folder = TempDir::new().expect("a folder");
        let Trunk { line, switch, .. } = trunk;
        let socket = folder.path().join("span.sock");
        let span = format!("line = \"{line}\"\nswitch = \"{switch}\"\nfar_end = \"socket\"\nsocket = {socket:?}");
        let card = format!("[[card]]\nboard = \"loopback\"\nname = \"soft0\"\n[[card.span]]\n{span}\n{more}");
        let mut daemon = Daemon::prepare("", "linger_s = 2", &card);
        daemon.launch();
        let event = daemon.client().reserve(control::Reserve { title: "By others".into(), ..Default::default() });
        let place = Place { trunk, daemon, event: event.expect("reserved"), folder };
        place.wait_for_no_signal();
        place
    }

    /// A file both can use.
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Waits for the span to show that nothing arrives on it.
    pub fn wait_for_no_signal(&self) {
        self.daemon.wait_for("loss of signal", PATIENCE, |client| {
            client.spans().ok()?.first()?.alarms.iter().any(|alarm| alarm == "LOS").then_some(())
        });
    }

    /// Waits for the span to be fit for calls.
    pub fn wait_for_link(&self) {
        self.daemon.wait_for("a sound span with its link up", PATIENCE, |client| {
            let span = client.spans().ok()?.into_iter().next()?;
            // For ten seconds after it was gone, the failure still keeps calls away.
            let sound = span.alarms.is_empty() && span.out_of_service == 0;
            (sound && span.link == control::LinkState::Up).then_some(())
        });
    }

    /// Waits for so many callers to be in the conference.
    pub fn wait_for_callers(&self, callers: u32) {
        self.daemon.wait_for("callers in the conference", PATIENCE, |client| {
            (client.events().ok()?.first()?.callers == callers).then_some(())
        });
    }

    /// Waits until no call is left.
    pub fn wait_for_quiet(&self) {
        self.daemon.wait_for("all calls to be cleared", PATIENCE, |client| {
            let span = client.spans().ok()?.into_iter().next()?;
            (client.calls().ok()?.is_empty() && span.in_use == 0).then_some(())
        });
    }

    /// Writes what a caller says.
    pub fn say(&self, name: &str, samples: &[i16]) -> PathBuf {
        let mut octets = vec![0; samples.len()];
        g711::encode(self.trunk.law, samples, &mut octets);
        let file = self.file(name);
        fs::write(&file, octets).expect("written");
        file
    }

    /// Reads what a caller heard.
    pub fn heard(&self, name: &str) -> Vec<i16> {
        let octets = fs::read(self.file(name)).expect("recorded");
        let mut samples = vec![0; octets.len()];
        g711::decode(self.trunk.law, &octets, &mut samples);
        samples
    }

    /// What a caller says to be let in: event number and PIN, each with a `#`, into the prompts.
    pub fn entry(&self, pin: &str) -> Vec<i16> {
        let number = sound::keys(&format!("{}#", self.event.event));
        [pause(600), number, pause(800), sound::keys(&format!("{pin}#"))].concat()
    }

    /// The call detail records so far.
    pub fn records(&self) -> Vec<Value> {
        let files = fs::read_dir(self.daemon.state().join("records")).expect("there").filter_map(Result::ok);
        let lines = files.filter(|file| file.path().extension().is_some_and(|e| e == "jsonl"));
        let text: String = lines.map(|file| fs::read_to_string(file.path()).expect("readable")).collect();
        text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
    }

    /// Neither PIN is in the log or the records.
    pub fn assert_discreet(&self) {
        let said = format!("{}{:?}", self.daemon.log(), self.records());
        for pin in [&self.event.pins.host, &self.event.pins.speaker] {
            assert!(!said.contains(pin.as_str()), "{}: a PIN is in the log or the records", self.trunk.switch);
        }
    }
}

/// So many milliseconds of silence.
pub fn pause(milliseconds: usize) -> Vec<i16> {
    vec![0; milliseconds * 8]
}

/// libpri in the network's role at the far end of a place's span.
pub struct Exchange {
    child: Child,
    events: PathBuf,
    words: PathBuf,
}

impl Exchange {
    /// Starts it with these calls to place; `name` is that of its capture (`NAME.pcap`) and of what it reports.
    pub fn attach(place: &Place, name: &str, calls: &[&[&str]]) -> Exchange {
        let program = peers::compile_peer("libpri_exchange", &["-lpri"]);
        let (events, words) = (place.file(&format!("{name}.events")), place.file(&format!("{name}.words")));
        let line = if place.trunk.line == "E1" { "--e1" } else { "--t1" };
        let child = Command::new(program)
            .args(["--role", "network", "--switch", place.trunk.switch, line, "--timeout", "120", "--debug"])
            .arg("--socket")
            .arg(place.file("span.sock"))
            .arg("--capture")
            .arg(place.file(&format!("{name}.pcap")))
            .args(calls.concat())
            .stdin(Stdio::null())
            .stdout(File::create(&events).expect("created"))
            .stderr(File::create(&words).expect("created"))
            .spawn()
            .expect("libpri_exchange starts");
        Exchange { child, events, words }
    }

    /// What it has reported so far.
    pub fn events(&self) -> Vec<Value> {
        let text = fs::read_to_string(&self.events).unwrap_or_default();
        // Killed, it may leave half a line.
        text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }

    /// Waits until all its calls have ended as asked; what it reported.
    pub fn finish(mut self, place: &Place) -> Vec<Value> {
        let status = self.wait(place);
        assert!(status.success(), "{status}: {}\n{}", self.told(), place.daemon.log());
        self.events()
    }

    /// Kills it in the middle of whatever it does: an exchange that lost its power.
    pub fn kill(mut self) {
        self.child.kill().expect("ours");
        let status = self.child.wait().expect("ours");
        assert!(!status.success(), "it had ended by itself: {}", self.told());
    }

    fn wait(&mut self, place: &Place) -> ExitStatus {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().expect("ours") {
                return status;
            }
            assert!(Instant::now() < deadline, "the exchange does not end: {}\n{}", self.told(), place.daemon.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn told(&self) -> String {
        let words = fs::read_to_string(&self.words).unwrap_or_default();
        let last: Vec<&str> = words.lines().rev().take(60).collect();
        format!("{:#?}\n{}", self.events(), last.into_iter().rev().collect::<Vec<_>>().join("\n"))
    }
}

impl Drop for Exchange {
    /// A test that fails leaves no process behind, and shows what the exchange had to say.
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the exchange ({:?}): {}", self.child.try_wait(), self.told());
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The Q.931 messages of a capture by call reference and whether it is of the user's side, in their order: who sent it (`n`, the network, or `u`) and its name.
/// Frames that Q.921 sent a second time are left out.
pub fn ladders(capture: &Path) -> BTreeMap<(u32, bool), Vec<String>> {
    let fields = [
        "lapd.direction",
        "lapd.control.n_s",
        "lapd.control.u_modifier_cmd",
        "q931.call_ref",
        "q931.message_type",
        "q931.call_ref_flag",
    ];
    // Either side counts its own calls (Q.931 clause 4.3): the flag is 0 from the side that began one.
    let mut ladders: BTreeMap<(u32, bool), Vec<String>> = BTreeMap::new();
    let mut next = [0; 2];
    for row in peers::tshark_fields(capture, &fields) {
        let number = |text: &str| match text.strip_prefix("0x") {
            Some(digits) => u32::from_str_radix(digits, 16).ok(),
            None => text.parse().ok(),
        };
        if !row[2].is_empty() {
            // SABME begins the count anew.
            next = [0; 2];
        }
        let from_network = number(&row[0]) == Some(1);
        let next = &mut next[usize::from(from_network)];
        if number(&row[1]) != Some(*next) {
            continue;
        }
        *next = (*next + 1) % 128;
        let (Some(message), Some(call)) = (number(&row[4]), u32::from_str_radix(&row[3], 16).ok()) else { continue };
        let name = match message {
            0x01 => "ALERTING",
            0x02 => "CALL PROCEEDING",
            0x05 => "SETUP",
            0x07 => "CONNECT",
            0x0f => "CONNECT ACKNOWLEDGE",
            0x45 => "DISCONNECT",
            0x4d => "RELEASE",
            0x5a => "RELEASE COMPLETE",
            0x75 => "STATUS ENQUIRY",
            0x7d => "STATUS",
            _ => "another message",
        };
        let side = if from_network { 'n' } else { 'u' };
        let by_user = from_network == matches!(row[5].as_str(), "1" | "True");
        ladders.entry((call, by_user)).or_default().push(format!("{side} {name}"));
    }
    ladders
}

/// How every call begins that the exchange places and the daemon takes.
pub const TAKEN: [&str; 4] = ["n SETUP", "u CALL PROCEEDING", "u CONNECT", "n CONNECT ACKNOWLEDGE"];
/// How it ends when the caller hangs up.
pub const CALLER_CLEARS: [&str; 3] = ["n DISCONNECT", "u RELEASE", "n RELEASE COMPLETE"];
/// How it ends when the daemon does.
pub const DAEMON_CLEARS: [&str; 3] = ["u DISCONNECT", "n RELEASE", "u RELEASE COMPLETE"];
