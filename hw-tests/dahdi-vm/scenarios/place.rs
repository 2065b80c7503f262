//! A daemon on the first of two spans, and libpri as the exchange on the second; both are processes, the driver is between them.
//!
//! Data path: callers' sound in files → libpri_exchange → the driver → trunkcastd → the driver → libpri_exchange → files.
//! Time: the machine's clock; whoever waits says for what and how long at most.

use crate::lines::{Lines, RESERVE_MS};
use crate::pattern::in_words;
use board_dahdi::{DahdiCard, Kernel};
use control::{Client, LinkState, Reservation, Reserve, SpanInfo};
use dsp::g711::{self, Law};
use hal::{Card, ChunkLength, Line};
use hw_tests::sound;
use serde_json::Value;
use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// The number that callers dial.
const CALLED: &str = "5550100";

/// What is spoken over which line.
#[derive(Clone, Copy)]
pub struct Trunk {
    pub line: Line,
    pub switch: &'static str,
    pub service: bool,
}

/// A call that the exchange places.
pub struct Call {
    /// Seconds after the link came up.
    pub after: f64,
    /// Seconds it lasts.
    pub seconds: u32,
    /// What the caller says.
    pub says: Vec<i16>,
}

/// See the module.
pub struct Place {
    pub trunk: Trunk,
    pub lines: Lines,
    pub event: Reservation,
    directory: PathBuf,
    daemon: Option<Child>,
    exchange: Option<Child>,
    exchanges: u32,
}

impl Place {
    /// With the daemon running and nobody at the far end.
    pub fn new(trunk: Trunk) -> Result<Place, String> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let directory = PathBuf::from(format!("/tmp/place{}", NUMBER.fetch_add(1, Relaxed)));
        let failed = |e: std::io::Error| e.to_string();
        fs::create_dir_all(&directory).map_err(failed)?;
        let Trunk { line, switch, service } = trunk;
        let state = directory.join("state");
        let configuration = format!(
            "[server]\nname = \"vm\"\nstate_dir = {state:?}\n[conference]\nentry_exit = \"none\"\n[self_test]\nevery_s = 0\n\
             [[card]]\nboard = \"dahdi\"\nname = \"te\"\nreserve_ms = {RESERVE_MS}\n\
             [[card.span]]\nline = \"{line}\"\nswitch = \"{switch}\"\ntiming = 0\nservice_messages = {service}\n"
        );
        fs::write(directory.join("trunkcastd.toml"), configuration).map_err(failed)?;
        let lines = Lines::new(line).map_err(failed)?;
        let event = Reservation::default();
        let mut place = Place { trunk, lines, event, directory, daemon: None, exchange: None, exchanges: 0 };
        place.launch()?;
        let reserve = Reserve { title: "In the machine".into(), ..Reserve::default() };
        place.event = place.until("a reservation", 10, |client| client.reserve(reserve.clone()).ok())?;
        Ok(place)
    }

    /// Start the daemon (again).
    pub fn launch(&mut self) -> Result<(), String> {
        let log = OpenOptions::new().create(true).append(true).open(self.directory.join("log"));
        let log = log.map_err(|e| e.to_string())?;
        let child = Command::new("/bin/trunkcastd")
            .arg("--config")
            .arg(self.directory.join("trunkcastd.toml"))
            .stdin(Stdio::null())
            .stdout(log.try_clone().map_err(|e| e.to_string())?)
            .stderr(log)
            .spawn();
        self.daemon = Some(child.map_err(|e| format!("start trunkcastd: {e}"))?);
        self.until("the control socket", 20, |client| client.status().ok()).map(drop)
    }

    /// Kill the daemon in the middle of whatever it does.
    pub fn kill_daemon(&mut self) {
        kill(&mut self.daemon);
    }

    /// Kill the exchange: it lost its power.
    pub fn kill_exchange(&mut self) {
        kill(&mut self.exchange);
    }

    /// Processor time of the daemon so far, in hundredths of a second.
    pub fn daemon_hundredths(&self) -> u64 {
        let pid = self.daemon.as_ref().map_or(0, Child::id);
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        // After the name in parentheses, utime and stime are the 12th and 13th field (proc(5)).
        let after = stat.rsplit(") ").next().unwrap_or_default().split(' ');
        after.skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum()
    }

    /// Configure the far span, and have an exchange on it that places these calls.
    pub fn attach(&mut self, calls: &[Call]) -> Result<(), String> {
        let card = DahdiCard::find(self.lines.card(1), Box::new(Kernel::default())).map_err(|e| in_words(&e))?;
        // Started and dropped: configured.
        drop(Box::new(card).start(ChunkLength::Ms10).map_err(|e| in_words(&e))?);
        let first = self.lines.first_channel(1)?;
        self.exchanges += 1;
        let file = |name: String| File::create(self.directory.join(name)).map_err(|e| e.to_string());
        let mut command = Command::new("/bin/libpri_exchange");
        let line = if self.trunk.line == Line::E1 { "--e1" } else { "--t1" };
        command.args(["--role", "network", "--switch", self.trunk.switch, line, "--timeout", "600"]);
        command.args(["--dahdi", &first.to_string()]);
        for (number, call) in calls.iter().enumerate() {
            let says = self.directory.join(format!("says{number}"));
            let mut octets = vec![0; call.says.len()];
            g711::encode(self.law(), &call.says, &mut octets);
            fs::write(&says, octets).map_err(|e| e.to_string())?;
            command.args([
                "--call",
                CALLED,
                "--from",
                &format!("20255502{number:02}"),
                "--after",
                &call.after.to_string(),
            ]);
            command.args(["--seconds", &call.seconds.to_string(), "--play"]).arg(says);
            command.arg("--record").arg(self.directory.join(format!("heard{number}")));
        }
        if calls.is_empty() {
            command.args(["--answer", "--answers", "0"]);
        }
        let child = command.stdin(Stdio::null()).stdout(file(format!("events{}", self.exchanges))?);
        let child = child.stderr(file("words".into())?).spawn();
        self.exchange = Some(child.map_err(|e| format!("start libpri_exchange: {e}"))?);
        Ok(())
    }

    /// Wait until the exchange has ended with all calls as asked.
    pub fn finish(&mut self, seconds: u64) -> Result<(), String> {
        let deadline = Instant::now() + Duration::from_secs(seconds);
        let Some(mut exchange) = self.exchange.take() else { return Err("there is no exchange".into()) };
        loop {
            match exchange.try_wait().map_err(|e| e.to_string())? {
                Some(status) if status.success() => return Ok(()),
                Some(status) => return Err(format!("the exchange ended with {status}: {}", self.told())),
                None if Instant::now() > deadline => {
                    self.exchange = Some(exchange);
                    return Err(format!("the exchange does not end: {}", self.told()));
                }
                None => std::thread::sleep(Duration::from_millis(50)),
            }
        }
    }

    /// What the last exchange has reported.
    pub fn events(&self) -> String {
        fs::read_to_string(self.directory.join(format!("events{}", self.exchanges))).unwrap_or_default()
    }

    /// By call of the last exchange: when its files began, in octets of the line.
    pub fn sounds(&self) -> HashMap<usize, usize> {
        let told: Vec<Value> = self.events().lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
        let begun = told.iter().filter(|event| event["event"] == "sound");
        begun.filter_map(|event| Some((event["call"].as_u64()? as usize, event["octet"].as_u64()? as usize))).collect()
    }

    /// What a caller heard, as octets.
    pub fn heard(&self, number: usize) -> Vec<u8> {
        fs::read(self.directory.join(format!("heard{number}"))).unwrap_or_default()
    }

    pub fn law(&self) -> Law {
        if self.trunk.line == Line::E1 { Law::A } else { Law::Mu }
    }

    /// What a caller says to be let in.
    pub fn entry(&self, pin: &str) -> Vec<i16> {
        let keys = |text: &str| sound::keys(&format!("{text}#"));
        [vec![0; 4800], keys(&self.event.event), vec![0; 6400], keys(pin)].concat()
    }

    /// Ask the daemon until there is an answer.
    pub fn until<T>(
        &self,
        what: &str,
        seconds: u64,
        mut ask: impl FnMut(&mut Client) -> Option<T>,
    ) -> Result<T, String> {
        let socket = self.directory.join("state/control.sock");
        let deadline = Instant::now() + Duration::from_secs(seconds);
        loop {
            if let Ok(mut client) = Client::connect(&socket)
                && let Some(answer) = ask(&mut client)
            {
                return Ok(answer);
            }
            if Instant::now() > deadline {
                return Err(format!("waited {seconds} s in vain for {what}: {}", self.told()));
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// Wait for something to be so of the span.
    pub fn until_span(
        &self,
        what: &str,
        seconds: u64,
        mut so: impl FnMut(&SpanInfo) -> bool,
    ) -> Result<SpanInfo, String> {
        self.until(what, seconds, |client| client.spans().ok()?.into_iter().next().filter(|span| so(span)))
    }

    /// Wait for a span that can carry calls.
    pub fn until_well(&self, seconds: u64) -> Result<SpanInfo, String> {
        self.until_span("a sound span with its link up", seconds, |span| {
            span.link == LinkState::Up && span.alarms.is_empty() && span.out_of_service == 0
        })
    }

    /// Wait for so many callers in the conference.
    pub fn until_callers(&self, callers: u32, seconds: u64) -> Result<(), String> {
        self.until("callers in the conference", seconds, |client| {
            (client.events().ok()?.first().map_or(0, |event| event.callers) == callers).then_some(())
        })
    }

    /// The last words of everybody.
    fn told(&self) -> String {
        let last = |name: &str, lines: usize| {
            let text = fs::read_to_string(self.directory.join(name)).unwrap_or_default();
            let all: Vec<&str> = text.lines().collect();
            all[all.len().saturating_sub(lines)..].join("\n        ")
        };
        let events = format!("events{}", self.exchanges);
        format!("\n        {}\n        {}\n        {}", last("log", 12), last(&events, 6), last("words", 3))
    }
}

fn kill(child: &mut Option<Child>) {
    if let Some(mut child) = child.take() {
        let _ = child.kill();
        let _ = child.wait();
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        kill(&mut self.exchange);
        kill(&mut self.daemon);
    }
}
