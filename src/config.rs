//! Configuration: one TOML file, every field with a default, wrong input answered with line and field.
//!
//! What a field means and its default stand in [`TEMPLATE`], which `--print-config` prints and a test
//! holds against [`Config::default`]. Values are checked where they are read, so that the message points
//! at the line; what concerns two fields at once is checked in [`Config::parse`] after that.

pub mod call_in;
pub mod conference;
pub mod hardware;
pub mod nfas;
pub mod voice;

use crate::gateway::{Marks, WhenOut};
use call_in::CallIn;
use cast::Format;
use conference::Conference;
use hal::{ChunkLength, Line};
use line::Framing;
use nfas::{Nfas, SharedDChannel};
use serde::{Deserialize, Deserializer, de::Error as _};
use std::path::{Path, PathBuf};
use std::time::Duration;
use toml::Spanned;

/// The configuration file with every default, commented: what `trunkcastd --print-config` prints.
pub const TEMPLATE: &str = include_str!("config/default.toml");

/// Spans a card has at most.
const MOST_SPANS: usize = 64;

/// All of it.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// This server.
    pub server: Server,
    /// The real-time loop.
    #[serde(rename = "loop")]
    pub realtime: Realtime,
    /// Cards, in the order that numbers their spans.
    #[serde(rename = "card")]
    pub cards: Vec<Card>,
    /// Spans that share a D channel.
    pub nfas: Vec<Nfas>,
    /// What a caller meets.
    pub call_in: CallIn,
    /// Guessing of PINs.
    pub guard: Guard,
    /// The conference.
    pub conference: Conference,
    /// What is done to voices.
    pub voice: voice::Voice,
    /// Live streams.
    pub stream: Stream,
    /// Recordings.
    pub recording: Recording,
    /// What is tried without being asked.
    pub self_test: SelfTest,
    /// What becomes of an event after its last caller.
    pub event: Event,
    /// The control socket.
    pub control: Control,
    /// Metrics.
    pub metrics: Metrics,
    /// Logs.
    pub log: Log,
    /// The file it was read from.
    #[serde(skip)]
    pub file: Option<PathBuf>,
}

/// `[server]`
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Server {
    /// The name in recordings and records; letters, digits, hyphens. Empty: the host's name.
    #[serde(deserialize_with = "server_name")]
    pub name: String,
    /// Where everything that must survive a restart lives.
    pub state_dir: PathBuf,
    /// The content store. Empty: `content` under the state directory.
    pub content_dir: PathBuf,
    /// The file of PIN keys. Empty: `keys` under the state directory.
    pub keys: PathBuf,
    /// Seconds that calls may take to end by themselves after SIGTERM; 0: callers are told and let go at once.
    #[serde(deserialize_with = "at_most_a_day")]
    pub shutdown_drain_s: u64,
}

impl Default for Server {
    fn default() -> Self {
        Server {
            name: String::new(),
            state_dir: "trunkcast-state".into(),
            content_dir: PathBuf::new(),
            keys: PathBuf::new(),
            shutdown_drain_s: 0,
        }
    }
}

/// `[loop]`
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Realtime {
    /// Milliseconds of a tick.
    #[serde(rename = "tick_ms", deserialize_with = "tick")]
    pub tick: ChunkLength,
    /// Lock memory and ask for SCHED_FIFO.
    pub realtime: bool,
    /// Priority under SCHED_FIFO, 1 to 99.
    #[serde(deserialize_with = "priority")]
    pub priority: i32,
    /// The core the thread is pinned to; -1 for none.
    pub core: i32,
}

impl Default for Realtime {
    fn default() -> Self {
        Realtime { tick: ChunkLength::Ms10, realtime: true, priority: 50, core: -1 }
    }
}

/// `[[card]]`
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Card {
    /// What drives it.
    pub board: Board,
    /// Its name.
    pub name: String,
    /// Configure the driver's spans, rather than leave that to its own tool; as if true when left out.
    #[serde(default)]
    pub configure: Option<bool>,
    /// Milliseconds ready to be sent beside the chunk of a tick.
    #[serde(default, deserialize_with = "hardware::reserve")]
    pub reserve_ms: Option<u8>,
    /// Taps of the driver's echo canceller.
    #[serde(default, deserialize_with = "hardware::taps")]
    pub echo_cancel_taps: Option<u16>,
    /// The control socket of osmo-e1d.
    #[serde(default)]
    pub socket: PathBuf,
    /// Its spans.
    #[serde(rename = "span", default)]
    pub spans: Vec<Span>,
}

/// The boards there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Board {
    /// The software card.
    Loopback,
    /// A card behind the Linux DAHDI driver.
    Dahdi,
    /// Lines of osmo-e1d.
    E1d,
}

impl Board {
    /// As configuration writes it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Board::Loopback => "loopback",
            Board::Dahdi => "dahdi",
            Board::E1d => "e1d",
        }
    }
}

/// `[[card.span]]`
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Span {
    /// T1 or E1.
    #[serde(deserialize_with = "line")]
    pub line: Line,
    /// How the line is framed; as most are when left out.
    #[serde(default, deserialize_with = "framing")]
    pub framing: Option<Framing>,
    /// The switch variant spoken on its D channel.
    #[serde(deserialize_with = "switch")]
    pub switch: isdn::Switch,
    /// Where the far end of a software span is.
    #[serde(default)]
    pub far_end: Option<FarEnd>,
    /// The socket of `far_end = "socket"`.
    #[serde(default)]
    pub socket: PathBuf,
    /// SERVICE messages: both ends tell one another which channels may carry calls.
    #[serde(default)]
    pub service_messages: bool,
    /// RESTART once after the start, and where a call has ended while the D channel was down, so that the exchange holds no calls
    /// this server has forgotten.
    #[serde(default)]
    pub restart_at_start: bool,
    /// What the exchange sees when the last channel is suspended.
    #[serde(default)]
    pub out_of_service: OutOfService,
    /// Where a span of a driver is found; its place on the card when left out.
    #[serde(default)]
    pub at: Option<hardware::At>,
    /// Rank as a source of the board's clock, 0: never; its place on the card when left out.
    #[serde(default)]
    pub timing: Option<u8>,
    /// How bits become pulses; B8ZS and HDB3 when left out.
    #[serde(default)]
    pub coding: Option<hardware::Coding>,
    /// Line build-out, as the driver numbers it.
    #[serde(default, deserialize_with = "hardware::build_out")]
    pub build_out: Option<u8>,
}

/// What the exchange sees of a span whose last channel is suspended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutOfService {
    /// SERVICE where it is on, else the data link is released.
    #[default]
    Default,
    /// SERVICE.
    Service,
    /// The data link is released.
    DChannel,
    /// The same, and AIS.
    Alarm,
    /// Calls are refused.
    Reject,
    /// SERVICE, and then the data link is released.
    ServiceAndDChannel,
}

impl Span {
    /// How the line is framed: ESF on a T1 and CRC-4 on an E1, unless said otherwise.
    #[must_use]
    pub fn framing(&self) -> Framing {
        self.framing.unwrap_or(match self.line {
            Line::T1 => Framing::T1Esf,
            Line::E1 => Framing::E1Crc4,
        })
    }

    /// What that comes to on this span.
    #[must_use]
    pub const fn when_out(&self) -> WhenOut {
        match self.out_of_service {
            OutOfService::Default if self.service_messages => WhenOut::Service,
            OutOfService::Default | OutOfService::DChannel => WhenOut::DChannel,
            OutOfService::Service => WhenOut::Service,
            OutOfService::Alarm => WhenOut::Alarm,
            OutOfService::Reject => WhenOut::Reject,
            OutOfService::ServiceAndDChannel => WhenOut::ServiceAndDChannel,
        }
    }
}

/// The far end of a span of the software card.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FarEnd {
    /// The exchange in software, in this process.
    Exchange,
    /// Another program, on a socket that speaks the osmo-e1d client protocol.
    Socket,
}

/// `[guard]`
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Guard {
    /// Wrong PINs within the window that lock an event number.
    #[serde(deserialize_with = "at_least_one_u16")]
    pub event_failures: u16,
    /// Wrong PINs within the window that lock a caller's number.
    #[serde(deserialize_with = "at_least_one_u16")]
    pub caller_failures: u16,
    /// Wrong PINs within the window that lock a span.
    #[serde(deserialize_with = "at_least_one_u16")]
    pub trunk_failures: u16,
    /// The window, in seconds.
    #[serde(rename = "window_s", deserialize_with = "seconds")]
    pub window: Duration,
    /// Seconds an event stays locked.
    #[serde(rename = "event_lock_s", deserialize_with = "seconds")]
    pub event_lock: Duration,
    /// Seconds a caller's number stays locked.
    #[serde(rename = "caller_lock_s", deserialize_with = "seconds")]
    pub caller_lock: Duration,
    /// Seconds a span stays locked.
    #[serde(rename = "trunk_lock_s", deserialize_with = "seconds")]
    pub trunk_lock: Duration,
}

impl Default for Guard {
    fn default() -> Self {
        Guard {
            event_failures: 20,
            caller_failures: 6,
            trunk_failures: 200,
            window: Duration::from_secs(600),
            event_lock: Duration::from_secs(600),
            caller_lock: Duration::from_secs(1800),
            trunk_lock: Duration::from_secs(120),
        }
    }
}

/// A range of TCP ports, written `"10000-10049"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PortRange {
    /// The first.
    pub first: u16,
    /// The last.
    pub last: u16,
}

impl PortRange {
    /// How many there are.
    #[must_use]
    #[allow(clippy::len_without_is_empty, reason = "a range holds at least one port")]
    pub fn len(self) -> usize {
        usize::from(self.last - self.first) + 1
    }

    /// All of them.
    pub fn iter(self) -> impl Iterator<Item = u16> {
        self.first..=self.last
    }
}

impl std::fmt::Display for PortRange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}-{}", self.first, self.last)
    }
}

impl std::str::FromStr for PortRange {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not a range of ports such as \"10000-10049\"");
        let (first, last) = text.split_once('-').ok_or_else(wrong)?;
        let first: u16 = first.trim().parse().map_err(|_| wrong())?;
        let last: u16 = last.trim().parse().map_err(|_| wrong())?;
        if first < 1024 {
            return Err(format!("port {first} needs root: choose ports from 1024 on"));
        }
        if first > last {
            return Err(format!("`{text}` runs backwards"));
        }
        if usize::from(last - first) >= 1000 {
            return Err(format!("`{text}` holds more than 1000 ports"));
        }
        Ok(PortRange { first, last })
    }
}

impl<'de> Deserialize<'de> for PortRange {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

/// `[stream]`
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Stream {
    /// The address listeners reach.
    pub address: std::net::IpAddr,
    /// Where metafiles tell listeners to go: a template of addresses.
    #[serde(deserialize_with = "base")]
    pub public: cast::Base,
    /// Icecast servers that every stream is pushed to.
    #[serde(deserialize_with = "push")]
    pub push: Vec<cast::PushTarget>,
    /// The range of ports pre-assigned to this server, one for each event on the air.
    pub ports: PortRange,
    /// Formats of an event whose record names none, or cannot be had.
    #[serde(deserialize_with = "formats")]
    pub formats: Vec<Format>,
    /// Listeners a port takes.
    pub max_listeners: usize,
    /// Seconds the stream goes on, silent, after the last caller has left.
    #[serde(rename = "linger_s", deserialize_with = "seconds")]
    pub linger: Duration,
    /// Seconds until a used port may carry another event.
    pub port_reuse_s: Spanned<u64>,
    /// Seconds an attendee's authentication code is valid.
    pub authentication_code_s: u64,
    /// Who may listen.
    pub listeners: Listeners,
    /// The name of this installation in attendee links.
    pub installation: String,
    /// Free ports at which no more calls are taken; by default one in 25.
    pub low_water: Option<usize>,
    /// Free ports at which calls are taken again; by default two in 25, one more than `low_water` at least.
    pub high_water: Option<usize>,
    /// Seconds between two such changes at least.
    #[serde(rename = "water_dwell_s", deserialize_with = "seconds")]
    pub water_dwell: Duration,
    /// Casting threads; each has a share of the ports.
    #[serde(deserialize_with = "at_least_one")]
    pub threads: u8,
}

impl Default for Stream {
    fn default() -> Self {
        Stream {
            address: std::net::Ipv4Addr::LOCALHOST.into(),
            public: cast::Base::default(),
            push: Vec::new(),
            ports: PortRange { first: 10000, last: 10049 },
            formats: vec![Format::Mp3],
            max_listeners: 2000,
            linger: Duration::from_secs(30),
            port_reuse_s: Spanned::new(0..0, 900),
            authentication_code_s: 600,
            listeners: Listeners::Anyone,
            installation: "trunkcast".to_owned(),
            low_water: None,
            high_water: None,
            water_dwell: Duration::from_secs(30),
            threads: 1,
        }
    }
}

/// Who may listen at the stream ports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Listeners {
    /// Whoever knows the address.
    Anyone,
    /// Whoever shows a media token, which an attendee link is turned into.
    Link,
}

impl Stream {
    /// When calls are kept away for want of ports.
    #[must_use]
    pub fn marks(&self) -> Marks {
        let low = self.low_water.unwrap_or(self.ports.len() / 25);
        let high = self.high_water.unwrap_or((2 * self.ports.len() / 25).max(low + 1));
        Marks { low, high, dwell: self.water_dwell }
    }
}

/// `[self_test]`
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SelfTest {
    /// Seconds from one round over idle channels, encoders and ports to the next; 0 for none.
    pub every_s: u64,
}

impl Default for SelfTest {
    fn default() -> Self {
        SelfTest { every_s: 15 }
    }
}

impl SelfTest {
    /// The time between two rounds, if there are any.
    #[must_use]
    pub fn every(&self) -> Option<Duration> {
        (self.every_s > 0).then(|| Duration::from_secs(self.every_s))
    }
}

/// `[recording]`
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Recording {
    /// Record what is streamed.
    pub enabled: bool,
    /// Stop recording when less than this is free, in megabytes.
    pub min_free_mb: u64,
}

impl Default for Recording {
    fn default() -> Self {
        Recording { enabled: true, min_free_mb: 100 }
    }
}

/// `[event]`
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Event {
    /// Seconds after the last hang-up until the event is over and takes no more calls.
    #[serde(rename = "over_after_s", deserialize_with = "seconds")]
    pub over_after: Duration,
    /// Seconds after the last hang-up until its archive is due.
    #[serde(rename = "archive_after_s", deserialize_with = "seconds")]
    pub archive_after: Duration,
}

impl Default for Event {
    fn default() -> Self {
        Event { over_after: Duration::from_secs(4 * 3600), archive_after: Duration::from_secs(15 * 60) }
    }
}

/// `[control]`
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Control {
    /// The socket; empty: `control.sock` under the state directory.
    pub socket: PathBuf,
    /// The group whose members reach the socket; empty: the daemon's own user and root alone.
    pub group: String,
    /// Who may look: users, and groups as `@group`.
    pub viewers: Vec<String>,
    /// Who may take channels out of service.
    pub technicians: Vec<String>,
    /// Who may do everything.
    pub operators: Vec<String>,
}

impl Control {
    /// Who is let in, by number.
    ///
    /// # Errors
    /// The setting that names nobody, in words.
    pub fn admission(&self) -> Result<control::Admission, String> {
        let lists = [("viewers", &self.viewers), ("technicians", &self.technicians), ("operators", &self.operators)];
        let named = lists.iter().find(|(_, list)| !list.is_empty());
        if let (true, Some((name, _))) = (self.group.is_empty(), named) {
            return Err(format!("control.{name} is set, but without control.group nobody on it reaches the socket"));
        }
        let numbers = |name: &str, list: &[String]| -> Result<Vec<_>, String> {
            list.iter().map(|who| member(who).map_err(|why| format!("control.{name}: {why}"))).collect()
        };
        Ok(control::Admission {
            group: match self.group.as_str() {
                "" => None,
                name => Some(group_number(name).map_err(|why| format!("control.group: {why}"))?),
            },
            viewers: numbers("viewers", &self.viewers)?,
            technicians: numbers("technicians", &self.technicians)?,
            operators: numbers("operators", &self.operators)?,
        })
    }
}

fn member(who: &str) -> Result<control::Member, String> {
    if let Some(group) = who.strip_prefix('@') {
        return group_number(group).map(control::Member::Group);
    }
    let user = nix::unistd::User::from_name(who).ok().flatten();
    user.map(|user| control::Member::User(user.uid.as_raw())).ok_or_else(|| format!("there is no user \"{who}\""))
}

fn group_number(name: &str) -> Result<u32, String> {
    let group = nix::unistd::Group::from_name(name).ok().flatten();
    group.map(|group| group.gid.as_raw()).ok_or_else(|| format!("there is no group \"{name}\""))
}

/// `[metrics]`
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Metrics {
    /// Where Prometheus may scrape; nowhere when it is not given.
    #[serde(deserialize_with = "endpoint")]
    pub address: Option<std::net::SocketAddr>,
}

/// `[log]`
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Log {
    /// What is logged.
    #[serde(deserialize_with = "level")]
    pub level: log::LevelFilter,
    /// Lines for people, or JSON.
    pub format: LogFormat,
}

impl Default for Log {
    fn default() -> Self {
        Log { level: log::LevelFilter::Info, format: LogFormat::Text }
    }
}

/// How a log line looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// `2026-01-31T12:00:00.000Z warn  span 1: ...`
    Text,
    /// One JSON object a line.
    Json,
}

/// A configuration that cannot be used.
#[derive(Debug)]
pub enum Error {
    /// The file cannot be read.
    Read(PathBuf, std::io::Error),
    /// A line is wrong.
    Line {
        /// The file, as given.
        file: String,
        /// What is wrong, with line, field and the line itself.
        what: String,
    },
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Error::Read(file, source) => write!(f, "cannot read the configuration {}: {source}", file.display()),
            Error::Line { file, what } => write!(f, "{file}: {what}"),
        }
    }
}

impl std::error::Error for Error {}

impl Config {
    /// Read and check a file.
    ///
    /// # Errors
    /// When it cannot be read or anything in it is wrong.
    pub fn load(file: &Path) -> Result<Config, Error> {
        let text = std::fs::read_to_string(file).map_err(|e| Error::Read(file.into(), e))?;
        let config = Config::parse(&text).map_err(|what| Error::Line { file: file.display().to_string(), what })?;
        // The daemon may be asked about it from anywhere.
        Ok(Config { file: std::path::absolute(file).ok(), ..config })
    }

    /// Read and check a configuration; the error names line, column and field.
    ///
    /// # Errors
    /// When anything in it is wrong.
    pub fn parse(text: &str) -> Result<Config, String> {
        let config: Config = toml::from_str(text).map_err(|e| e.to_string().trim_end().to_owned())?;
        config.check(text)?;
        Ok(config)
    }

    fn check(&self, text: &str) -> Result<(), String> {
        let reuse = &self.stream.port_reuse_s;
        if *reuse.get_ref() < self.stream.authentication_code_s {
            return Err(at_line(
                text,
                reuse.span().start,
                &format!(
                    "stream.port_reuse_s ({}) is shorter than stream.authentication_code_s ({}): a listener's code would \
                     open a stranger's event; make it at least as long",
                    reuse.get_ref(),
                    self.stream.authentication_code_s
                ),
            ));
        }
        let marks = self.stream.marks();
        if marks.low >= marks.high || marks.high > self.stream.ports.len() {
            return Err(format!(
                "stream.low_water ({}) has to be below stream.high_water ({}), and that at most the number of stream.ports \
                 ({}): else calls would be kept away for ever",
                marks.low,
                marks.high,
                self.stream.ports.len()
            ));
        }
        self.conference.check()?;
        if self.cards.is_empty()
            && let Some(what) = hardware::without_echo_canceller(Board::Loopback, self.voice.echo_canceller)
        {
            return Err(what);
        }
        let places = Places::find(text);
        let mut sockets: Vec<&Path> = Vec::new();
        for (c, card) in self.cards.iter().enumerate() {
            if card.spans.is_empty() {
                return Err(places.at_card(text, c, &format!("card \"{}\" has no [[card.span]]", card.name)));
            }
            if card.spans.len() > MOST_SPANS {
                return Err(places.at_card(
                    text,
                    c,
                    &format!("card \"{}\" has more than {MOST_SPANS} spans", card.name),
                ));
            }
            let echo = hardware::without_echo_canceller(card.board, self.voice.echo_canceller);
            if let Some(what) = hardware::stranger(card).or(echo) {
                return Err(places.at_card(text, c, &format!("card \"{}\": {what}", card.name)));
            }
            for (s, span) in card.spans.iter().enumerate() {
                let wrong = |what: &str| {
                    Err(places.at_span(text, c, s, &format!("card \"{}\", span {}: {what}", card.name, s + 1)))
                };
                if span.framing().is_t1() != (span.line == Line::T1) {
                    return wrong(&format!("its framing is not one of a line that is {}", span.line));
                }
                if span.service_messages && span.switch.row().service.is_none() {
                    return wrong(&format!(
                        "service_messages = true, but {} has no SERVICE messages: leave it out",
                        switch_name(span.switch)
                    ));
                }
                let needs_service =
                    matches!(span.out_of_service, OutOfService::Service | OutOfService::ServiceAndDChannel);
                if needs_service && !span.service_messages {
                    return wrong(
                        "out_of_service speaks of SERVICE, but service_messages is off: switch that on when the carrier has \
                         confirmed it, or choose \"d_channel\", \"alarm\" or \"reject\"",
                    );
                }
                if let Some(what) = hardware::stranger_in_span(card.board, span) {
                    return wrong(&what);
                }
                let given = !span.socket.as_os_str().is_empty();
                match span.far_end {
                    Some(FarEnd::Socket) if !given => return wrong("far_end = \"socket\" needs `socket = \"/path\"`"),
                    Some(FarEnd::Socket) if sockets.contains(&span.socket.as_path()) => {
                        return wrong("another span is offered on the same socket: give each a path of its own");
                    }
                    Some(FarEnd::Socket) => sockets.push(&span.socket),
                    Some(FarEnd::Exchange) if given => {
                        return wrong(
                            "`socket` is for far_end = \"socket\", but this span ends at the exchange in software: leave \
                             one of the two out",
                        );
                    }
                    Some(FarEnd::Exchange) | None => {}
                }
            }
        }
        nfas::resolve(&self.nfas, &self.cards).map_err(|(place, why)| places.at_nfas(text, place, &why))?;
        Ok(())
    }

    /// Spans that share a D channel, of a configuration that was read by [`Config::parse`].
    #[must_use]
    pub fn groups(&self) -> Vec<SharedDChannel> {
        nfas::resolve(&self.nfas, &self.cards).unwrap_or_default()
    }

    /// The server's name: configured, or the host's.
    #[must_use]
    pub fn server_name(&self) -> String {
        if !self.server.name.is_empty() {
            return self.server.name.clone();
        }
        let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        let name: String = host.trim().chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').take(40).collect();
        if name.is_empty() { "trunkcast".into() } else { name }
    }

    /// Where the content store is.
    #[must_use]
    pub fn content_dir(&self) -> PathBuf {
        self.or_under_state(&self.server.content_dir, "content")
    }

    /// The file of PIN keys.
    #[must_use]
    pub fn keys(&self) -> PathBuf {
        self.or_under_state(&self.server.keys, "keys")
    }

    /// The control socket.
    #[must_use]
    pub fn control_socket(&self) -> PathBuf {
        self.or_under_state(&self.control.socket, "control.sock")
    }

    fn or_under_state(&self, path: &Path, name: &str) -> PathBuf {
        if path.as_os_str().is_empty() { self.server.state_dir.join(name) } else { path.into() }
    }
}

/// Where in the file cards and spans stand, for messages about more than one field.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Places {
    card: Vec<CardPlace>,
    nfas: Vec<NfasPlace>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct NfasPlace {
    name: Option<Spanned<toml::Value>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct CardPlace {
    name: Option<Spanned<toml::Value>>,
    span: Vec<SpanPlace>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct SpanPlace {
    line: Option<Spanned<toml::Value>>,
    far_end: Option<Spanned<toml::Value>>,
}

impl Places {
    /// What was understood once is understood again; if not, messages go without a line.
    fn find(text: &str) -> Places {
        toml::from_str(text).unwrap_or_default()
    }

    fn at_card(&self, text: &str, card: usize, what: &str) -> String {
        let name = self.card.get(card).and_then(|c| c.name.as_ref());
        name.map_or_else(|| what.to_owned(), |n| at_line(text, n.span().start, what))
    }

    fn at_nfas(&self, text: &str, nfas: usize, what: &str) -> String {
        let name = self.nfas.get(nfas).and_then(|n| n.name.as_ref());
        name.map_or_else(|| what.to_owned(), |n| at_line(text, n.span().start, what))
    }

    fn at_span(&self, text: &str, card: usize, span: usize, what: &str) -> String {
        let place = self.card.get(card).and_then(|c| c.span.get(span));
        let field = place.and_then(|span| span.far_end.as_ref().or(span.line.as_ref()));
        field.map_or_else(|| what.to_owned(), |f| at_line(text, f.span().start, what))
    }
}

fn at_line(text: &str, offset: usize, what: &str) -> String {
    let line = text[..offset.min(text.len())].matches('\n').count() + 1;
    let shown = text.lines().nth(line - 1).unwrap_or_default().trim();
    if shown.is_empty() { what.to_owned() } else { format!("line {line}: `{shown}`: {what}") }
}

fn server_name<'de, D: Deserializer<'de>>(d: D) -> Result<String, D::Error> {
    let name = String::deserialize(d)?;
    if name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '.') {
        return Ok(name);
    }
    Err(D::Error::custom(format!(
        "`{name}` is no server's name: letters, digits, hyphens and dots only, as it becomes part of file names"
    )))
}

fn tick<'de, D: Deserializer<'de>>(d: D) -> Result<ChunkLength, D::Error> {
    let ms = u32::deserialize(d)?;
    ChunkLength::from_milliseconds(ms)
        .ok_or_else(|| D::Error::custom(format!("a tick is 5, 10 or 20 ms long, not {ms}")))
}

fn priority<'de, D: Deserializer<'de>>(d: D) -> Result<i32, D::Error> {
    let priority = i32::deserialize(d)?;
    if (1..=99).contains(&priority) { Ok(priority) } else { Err(D::Error::custom("a priority is 1 to 99")) }
}

fn line<'de, D: Deserializer<'de>>(d: D) -> Result<Line, D::Error> {
    match String::deserialize(d)?.to_ascii_uppercase().as_str() {
        "T1" => Ok(Line::T1),
        "E1" => Ok(Line::E1),
        other => Err(D::Error::custom(format!("`{other}` is no line: \"T1\" or \"E1\""))),
    }
}

fn framing<'de, D: Deserializer<'de>>(d: D) -> Result<Option<Framing>, D::Error> {
    match String::deserialize(d)?.to_ascii_lowercase().as_str() {
        "esf" => Ok(Some(Framing::T1Esf)),
        "d4" => Ok(Some(Framing::T1D4)),
        "crc4" => Ok(Some(Framing::E1Crc4)),
        "no_crc4" => Ok(Some(Framing::E1)),
        other => Err(D::Error::custom(format!(
            "`{other}` is no framing: \"esf\" or \"d4\" of a T1, \"crc4\" or \"no_crc4\" of an E1"
        ))),
    }
}

fn switch<'de, D: Deserializer<'de>>(d: D) -> Result<isdn::Switch, D::Error> {
    let name = String::deserialize(d)?;
    switch_named(&name).ok_or_else(|| {
        D::Error::custom(format!("`{name}` is no switch variant: ni2, 5ess, dms100, 4ess, euroisdn or qsig"))
    })
}

/// The switch variant of this name, as configuration and tools write it.
#[must_use]
pub fn switch_named(name: &str) -> Option<isdn::Switch> {
    Some(match name.to_ascii_lowercase().as_str() {
        "ni2" => isdn::Switch::Ni2,
        "5ess" => isdn::Switch::Ess5,
        "dms100" => isdn::Switch::Dms100,
        "4ess" => isdn::Switch::Ess4,
        "euroisdn" => isdn::Switch::EuroIsdn,
        "qsig" => isdn::Switch::Qsig,
        _ => return None,
    })
}

/// The name of a switch variant, as configuration and tools write it.
#[must_use]
pub const fn switch_name(switch: isdn::Switch) -> &'static str {
    match switch {
        isdn::Switch::Ni2 => "ni2",
        isdn::Switch::Ess5 => "5ess",
        isdn::Switch::Dms100 => "dms100",
        isdn::Switch::Ess4 => "4ess",
        isdn::Switch::EuroIsdn => "euroisdn",
        isdn::Switch::Qsig => "qsig",
    }
}

fn seconds<'de, D: Deserializer<'de>>(d: D) -> Result<Duration, D::Error> {
    let seconds = f64::deserialize(d)?;
    if (0.1..=31_536_000.0).contains(&seconds) {
        Ok(Duration::from_secs_f64(seconds))
    } else {
        Err(D::Error::custom("seconds, from 0.1 to a year"))
    }
}

fn endpoint<'de, D: Deserializer<'de>>(d: D) -> Result<Option<std::net::SocketAddr>, D::Error> {
    let address = String::deserialize(d)?;
    if address.is_empty() {
        return Ok(None);
    }
    let wrong = |_| D::Error::custom(format!("`{address}` is no address with a port such as \"127.0.0.1:9100\""));
    address.parse().map(Some).map_err(wrong)
}

fn at_most_a_day<'de, D: Deserializer<'de>>(d: D) -> Result<u64, D::Error> {
    match u64::deserialize(d)? {
        s @ 0..=86_400 => Ok(s),
        _ => Err(D::Error::custom("seconds, from 0 to 86400")),
    }
}

fn at_least_one<'de, D: Deserializer<'de>>(d: D) -> Result<u8, D::Error> {
    match u8::deserialize(d)? {
        0 => Err(D::Error::custom("at least 1")),
        n => Ok(n),
    }
}

fn any_u16<'de, D: Deserializer<'de>>(d: D) -> Result<u16, D::Error> {
    let number = i64::deserialize(d)?;
    u16::try_from(number).map_err(|_| D::Error::custom(format!("{number}: from 0 to {}", u16::MAX)))
}

fn at_least_one_u16<'de, D: Deserializer<'de>>(d: D) -> Result<u16, D::Error> {
    let number = i64::deserialize(d)?;
    let whole = u16::try_from(number).ok().filter(|n| *n > 0);
    whole.ok_or_else(|| D::Error::custom(format!("{number}: from 1 to {}", u16::MAX)))
}

fn level<'de, D: Deserializer<'de>>(d: D) -> Result<log::LevelFilter, D::Error> {
    let level = String::deserialize(d)?;
    level.parse().map_err(|_| D::Error::custom(format!("`{level}`: off, error, warn, info, debug or trace")))
}

fn formats<'de, D: Deserializer<'de>>(d: D) -> Result<Vec<Format>, D::Error> {
    let names = Vec::<String>::deserialize(d)?;
    if names.is_empty() {
        return Err(D::Error::custom("at least one format"));
    }
    let known = || Format::ALL.map(|format| format!("\"{format}\"")).join(", ");
    let parse = |n: &String| n.parse().map_err(|_| D::Error::custom(format!("`{n}` is no format: {}", known())));
    let formats: Vec<Format> = names.iter().map(parse).collect::<Result<_, _>>()?;
    if let Some(twice) = formats.iter().enumerate().find(|(i, f)| formats[..*i].contains(f)) {
        return Err(D::Error::custom(format!("`{}` is there twice", names[twice.0])));
    }
    Ok(formats)
}

fn base<'de, D: Deserializer<'de>>(d: D) -> Result<cast::Base, D::Error> {
    let text = String::deserialize(d)?;
    text.parse().map_err(|why: cast::BaseError| D::Error::custom(format!("`{text}`: {why}")))
}

fn push<'de, D: Deserializer<'de>>(d: D) -> Result<Vec<cast::PushTarget>, D::Error> {
    let texts = Vec::<String>::deserialize(d)?;
    // The text is not repeated: there is a password in it.
    let parse =
        |(n, text): (usize, &String)| text.parse().map_err(|why| D::Error::custom(format!("target {}: {why}", n + 1)));
    texts.iter().enumerate().map(parse).collect()
}

fn talk_level<'de, D: Deserializer<'de>>(d: D) -> Result<f32, D::Error> {
    let level = f32::deserialize(d)?;
    if (-70.0..=0.0).contains(&level) { Ok(level) } else { Err(D::Error::custom("a level is -70 to 0 dBm0")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_printed_configuration_is_the_default_one() {
        let printed = Config::parse(TEMPLATE).expect("the template is valid");
        let mut default = Config::default();
        // Positions in the file are no part of the values.
        default.stream.port_reuse_s = printed.stream.port_reuse_s.clone();
        assert_eq!(*printed.stream.port_reuse_s.get_ref(), *Config::default().stream.port_reuse_s.get_ref());
        assert_eq!(printed, default);
    }

    #[test]
    fn a_wrong_value_is_answered_with_line_and_field() {
        let wrong = Config::parse("[loop]\ntick_ms = 15\n").expect_err("15 ms is no tick");
        assert!(wrong.contains("line 2") && wrong.contains("tick_ms") && wrong.contains("5, 10 or 20"), "{wrong}");
        let wrong = Config::parse("[stream]\nports = \"10049-10000\"\n").expect_err("backwards");
        assert!(wrong.contains("line 2") && wrong.contains("backwards"), "{wrong}");
        let wrong = Config::parse("[stream]\nprots = \"1-2\"\n").expect_err("unknown");
        assert!(wrong.contains("line 2") && wrong.contains("prots"), "{wrong}");
    }

    #[test]
    fn a_port_may_not_go_to_another_event_before_codes_expire() {
        let wrong =
            Config::parse("[stream]\nauthentication_code_s = 1000\nport_reuse_s = 60\n").expect_err("too short");
        assert!(wrong.contains("line 3") && wrong.contains("authentication_code_s"), "{wrong}");
    }

    #[test]
    fn marks_fit_the_range_or_are_refused() {
        let marks = |text: &str| Config::parse(text).map(|c| (c.stream.marks().low, c.stream.marks().high));
        assert_eq!(marks(""), Ok((2, 4)));
        assert_eq!(marks("[stream]\nports = \"10000-10000\"\n"), Ok((0, 1)));
        assert_eq!(marks("[stream]\nlow_water = 7\n"), Ok((7, 8)));
        for wrong in ["low_water = 5\nhigh_water = 5", "high_water = 51", "low_water = 50"] {
            let said = marks(&format!("[stream]\n{wrong}\n")).expect_err("refused");
            assert!(said.contains("low_water") && said.contains("for ever"), "{said}");
        }
    }

    #[test]
    fn who_is_let_in_is_found_by_name_or_refused() {
        let admission = |text: &str| Config::parse(&format!("[control]\n{text}\n")).expect("read").control.admission();
        assert_eq!(admission(""), Ok(control::Admission::default()));
        let found = admission("group = \"root\"\ntechnicians = [\"root\", \"@root\"]").expect("both are everywhere");
        assert_eq!(found.group, Some(0));
        assert_eq!(found.technicians, [control::Member::User(0), control::Member::Group(0)]);
        let said = admission("viewers = [\"root\"]").expect_err("nobody would reach the socket");
        assert!(said.contains("control.viewers") && said.contains("control.group"), "{said}");
        let said = admission("group = \"root\"\noperators = [\"@no-such-group\"]").expect_err("no such group");
        assert!(said.contains("control.operators") && said.contains("no-such-group"), "{said}");
        assert!(admission("group = \"no-such-group\"").is_err());
    }

    fn spans(far_ends: &[&str]) -> String {
        let mut text = "[[card]]\nboard = \"loopback\"\nname = \"c\"\n".to_owned();
        for far_end in far_ends {
            text += &format!("[[card.span]]\nline = \"T1\"\nswitch = \"ni2\"\n{far_end}\n");
        }
        text
    }

    #[test]
    fn a_span_on_a_socket_needs_a_path_of_its_own() {
        let wrong = |far_ends: &[&str]| Config::parse(&spans(far_ends)).expect_err("two fields that contradict");
        let none = wrong(&["far_end = \"socket\""]);
        assert!(none.contains("line 7") && none.contains("needs `socket"), "{none}");
        let same = wrong(&["far_end = \"socket\"\nsocket = \"/a\""; 2]);
        assert!(same.contains("line 12") && same.contains("span 2") && same.contains("the same socket"), "{same}");
        let both = wrong(&["far_end = \"exchange\"\nsocket = \"/a\""]);
        assert!(both.contains("line 7") && both.contains("leave one of the two out"), "{both}");
        Config::parse(&spans(&["far_end = \"exchange\"\nsocket = \"\""])).expect("an empty path is none");
    }

    #[test]
    fn values_that_would_keep_everybody_off_the_air_are_refused() {
        for (wrong, why) in [
            ("[conference]\ntalk_dbm0 = nan\n", "-70 to 0"),
            ("[conference]\ntalk_dbm0 = 3\n", "-70 to 0"),
            ("[stream]\nformats = [\"mp3\", \"mp3\"]\n", "twice"),
            ("[stream]\npublic = \"https://cdn.example.net/\"\n", "a place for {path}"),
            ("[stream]\npush = [\"icecast://a:b@c:1/d\"]\n", "target 1: a mount ends in .mp3, .ogg or .webm"),
            ("[stream]\nformats = [\"opus\"]\n", "\"mp3\", \"pcmu\", \"webm\", \"ogg\", \"hls\""),
        ] {
            let said = Config::parse(wrong).expect_err("wrong");
            assert!(said.contains("line 2") && said.contains(why), "{said}");
        }
        let many = Config::parse(&spans(&["far_end = \"exchange\""; 65])).expect_err("too many");
        assert!(many.contains("line 3") && many.contains("more than 64 spans"), "{many}");
    }

    #[test]
    fn service_messages_are_off_and_only_where_the_switch_has_them() {
        let read = |text: &str| Config::parse(text).map(|config| config.cards[0].spans[0].service_messages);
        let with = |switch: &str| spans(&["far_end = \"exchange\"\nservice_messages = true"]).replace("ni2", switch);
        assert_eq!(read(&spans(&["far_end = \"exchange\""])), Ok(false));
        for switch in ["ni2", "5ess", "dms100", "4ess"] {
            assert_eq!(read(&with(switch)), Ok(true));
        }
        for switch in ["euroisdn", "qsig"] {
            let wrong = read(&with(switch)).expect_err("it has none");
            assert!(wrong.contains("line 7") && wrong.contains(switch) && wrong.contains("leave it out"), "{wrong}");
        }
    }

    #[test]
    fn metrics_are_off_unless_an_address_is_given() {
        assert_eq!(Config::default().metrics.address, None);
        let config = Config::parse("[metrics]\naddress = \"[::1]:9100\"\n").expect("valid");
        assert_eq!(config.metrics.address.map(|a| a.port()), Some(9100));
        let wrong = Config::parse("[metrics]\naddress = \"localhost\"\n").expect_err("no port");
        assert!(wrong.contains("line 2") && wrong.contains("127.0.0.1:9100"), "{wrong}");
    }

    #[test]
    fn a_span_is_framed_as_its_line_can_be() {
        let read = |far_end: &str| Config::parse(&spans(&[far_end])).map(|config| config.cards[0].spans[0].framing());
        assert_eq!(read("far_end = \"exchange\""), Ok(Framing::T1Esf));
        assert_eq!(read("far_end = \"exchange\"\nframing = \"d4\""), Ok(Framing::T1D4));
        let wrong = read("far_end = \"exchange\"\nframing = \"crc4\"").expect_err("of an E1");
        assert!(wrong.contains("line 7") && wrong.contains("T1"), "{wrong}");
        let wrong = read("far_end = \"exchange\"\nframing = \"sf\"").expect_err("no such framing");
        assert!(wrong.contains("line 8") && wrong.contains("\"d4\""), "{wrong}");
        let e1 = spans(&["far_end = \"exchange\""]).replace("T1", "E1");
        assert_eq!(Config::parse(&e1).map(|config| config.cards[0].spans[0].framing()), Ok(Framing::E1Crc4));
    }

    #[test]
    fn what_a_card_or_a_name_lacks_is_said_with_its_line() {
        let wrong = Config::parse(&spans(&[])).expect_err("no span");
        assert!(wrong.contains("line 3") && wrong.contains("no [[card.span]]"), "{wrong}");
        let wrong = Config::parse("[server]\nname = \"a b\"\n").expect_err("a space");
        assert!(wrong.contains("line 2") && wrong.contains("file names"), "{wrong}");
    }
}
