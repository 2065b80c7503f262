//! What is wrong with the daemon and its surroundings, and what to do about it.
//!
//! [`Facts`] are gathered by the desk, which may ask the disk; what follows from them is decided here, without looking at
//! anything. An alarm is told once, with its remedy; what has no alarm is found by its traces.
//!
//! Data path: control socket → desk gathers [`Facts`] → [`findings`] → `trunkctl doctor`.
//! Words: finding, something wrong or worth knowing; remedy, what to do about it.

mod boards;

use crate::config::{Card, Config};
use board_dahdi::FoundSpan;
use control::{Finding, LinkState, Severity, SpanInfo, Status, SuspensionInfo};
use nix::sys::statvfs::statvfs;
use std::net::TcpListener;
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// A data link that has just begun to come up is not down.
const LINK_PATIENCE_MS: u64 = 15_000;

/// A suspension older than this, without an end, was perhaps forgotten.
const FORGOTTEN_MS: u64 = 7 * 24 * 3_600_000;

/// A recording that nobody has written to for so long should have been published.
const STRANDED: Duration = Duration::from_secs(3600);

/// What is known about a directory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Directory {
    /// Where it is.
    pub path: PathBuf,
    /// Why it cannot be used.
    pub away: Option<String>,
    /// Megabytes free to the daemon, and in all.
    pub megabytes: Option<(u64, u64)>,
}

/// What is known.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// Milliseconds since 1970 UTC.
    pub now_ms: u64,
    /// The answer to `status`.
    pub status: Status,
    /// The answer to `spans`.
    pub spans: Vec<SpanInfo>,
    /// The answer to `suspensions`.
    pub suspensions: Vec<SuspensionInfo>,
    /// What keeps the daemon from starting with the configuration file as it is now.
    pub file: Option<String>,
    /// What the configuration may run into.
    pub warnings: Vec<String>,
    /// State directory and content store.
    pub directories: Vec<Directory>,
    /// Megabytes below which recording stops.
    pub min_free_mb: u64,
    /// Files that others than the daemon's user may read and should not.
    pub readable: Vec<PathBuf>,
    /// Recordings that wait although nobody writes to them, and their megabytes.
    pub stranded: (usize, u64),
    /// The configured cards.
    pub cards: Vec<Card>,
    /// What the DAHDI driver shows, if it is there.
    pub driver: Vec<FoundSpan>,
    /// Spans whose card was asked for echo cancellation and has none.
    pub without_canceller: Vec<u16>,
}

/// What is wrong, the most severe first.
#[must_use]
pub fn findings(facts: &Facts) -> Vec<Finding> {
    let mut all = Vec::new();
    for alarm in &facts.status.alarms {
        all.push(Finding::new(
            alarm.severity,
            &alarm.what,
            &alarm.text,
            remedy(&format!("{} {}", alarm.what, alarm.text)),
        ));
    }
    for span in &facts.spans {
        trunk(&mut all, facts, span);
    }
    boards::remarks(&mut all, &facts.cards, &facts.driver);
    boards::echo(&mut all, &facts.without_canceller);
    suspended(&mut all, facts);
    real_time(&mut all, &facts.status);
    disk(&mut all, facts);
    configuration(&mut all, facts);
    all.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    all
}

/// What to do about an alarm, by the words in it.
fn remedy(alarm: &str) -> &'static str {
    const REMEDIES: [(&str, &str); 20] = [
        (
            "LOS",
            "cable or far end: see that the cable is plugged in at both ends, then ask the carrier whether he sends",
        ),
        (
            "LOF",
            "framing: compare line type, framing and line code (E1: CRC-4, HDB3; T1: ESF, B8ZS) with the carrier's",
        ),
        ("LOMF", "framing: compare CRC-4 with the carrier's setting"),
        ("AIS", "the far end's equipment has lost its own signal, or has the line out of service: ask the carrier"),
        ("RAI", "the far end does not hear us: look at the transmit pair, then ask the carrier what he receives"),
        ("ABSENT", "the card or the program at the far end has gone: see that it is seated, attached and running"),
        ("absent", "see that the card is seated, or the program at the far end running"),
        ("LOOPBACK", "a loopback is set: have it taken off when the test is over"),
        ("RECOVERING", "wait: the signal is back and is being watched"),
        (
            "D channel",
            "check switch variant, side (user or network) and the D channel's timeslot (T1: 24, E1: 16) against the \
             carrier's order; `trunkctl trace SPAN --ring` shows what comes",
        ),
        ("SERVICE", "ask the carrier to switch service messages on for this trunk, or set service_messages = false"),
        ("insists", "tell the carrier that the channel is out of service here, or resume it"),
        (
            "content",
            "see that the content store is mounted, writable and has room; recordings wait in the spool until then",
        ),
        ("publishing", "see that the content store is mounted, writable and has room; recordings wait until then"),
        ("recording", "make room under the state directory: recording goes on by itself"),
        ("call records", "make room under the state directory; records wait in memory, and a restart would lose them"),
        ("journal", "make room under the state directory and see to its permissions"),
        ("encoders", "give the casting threads more of the processor: stream.threads, or fewer streams on this server"),
        ("service.json", "make room under the state directory and see to its permissions"),
        ("", "`trunkctl watch` and the log tell more"),
    ];
    REMEDIES.iter().find(|(word, _)| alarm.contains(word)).map_or("", |(_, remedy)| remedy)
}

fn trunk(all: &mut Vec<Finding>, facts: &Facts, span: &SpanInfo) {
    let what = format!("span {}", span.number);
    let about = |alarm: &control::AlarmInfo| alarm.what == what || alarm.what.starts_with(&format!("{what} "));
    let told = facts.status.alarms.iter().any(about);
    let down_ms = facts.now_ms.saturating_sub(span.link_since_ms);
    if matches!(span.link, LinkState::Down | LinkState::Establishing) && !told && down_ms > LINK_PATIENCE_MS {
        all.push(Finding::new(
            Severity::Major,
            format!("{what} D channel"),
            format!("the data link of span {} is not up, and its line has no alarm", span.number),
            remedy("D channel"),
        ));
    }
    if !span.alarms.is_empty() && !told {
        let alarms = span.alarms.join(", ");
        all.push(Finding::new(Severity::Major, format!("{what} line"), format!("alarm {alarms}"), remedy(&alarms)));
    }
    let counters = &span.counters;
    let hours = facts.status.uptime_s / 3600 + 1;
    if counters.slips > 0 {
        // G.822 clause 2 allows a connection five slips in a day.
        let severity = if counters.slips > 5 * hours.div_ceil(24) { Severity::Warning } else { Severity::Info };
        all.push(Finding::new(
            severity,
            format!("{what} clock"),
            format!(
                "{} slips since the start: its clock and that of the first card differ, or ticks were late",
                counters.slips
            ),
            "if there is an alarm about slips too, let the first card take its timing from the carrier's line, and every other \
             card from the first; if not, see \"loop\"",
        ));
    }
    for (count, text, remedy) in [
        (
            counters.underruns,
            "times the card had nothing to send",
            "ticks were late by more than the reserve: see \"loop\", or raise reserve_ms of the card",
        ),
        (
            counters.frames_lost,
            "D-channel frames that came spoilt",
            "the line has errors: test the cable, ask the carrier for its error counts",
        ),
        (
            counters.frames_unsent,
            "D-channel frames the card had no room for",
            "the far end takes frames too slowly, or not at all",
        ),
        (
            counters.link_losses,
            "losses of the data link",
            "`trunkctl trace SPAN --ring --messages` shows what led to the last",
        ),
    ] {
        if count > 0 {
            all.push(Finding::new(Severity::Info, what.clone(), format!("{text} since the start: {count}"), remedy));
        }
    }
}

fn suspended(all: &mut Vec<Finding>, facts: &Facts) {
    for one in &facts.suspensions {
        let what = format!("suspension {}", one.id);
        let age_ms = facts.now_ms.saturating_sub(one.since_ms);
        if age_ms > FORGOTTEN_MS && one.until_ms.is_none() {
            all.push(Finding::new(
                Severity::Warning,
                what,
                format!("{} has been suspended by {} for {} days", one.target, one.by, age_ms / 86_400_000),
                format!("ask {} whether it is still meant; `trunkctl resume {}` ends it", one.by, one.target),
            ));
        } else if !one.progress.done {
            all.push(Finding::new(
                Severity::Info,
                what,
                format!("{} is not out yet: {} calls are waited for", one.target, one.progress.calls_left),
                "wait, or suspend it again with --grace or --now",
            ));
        }
    }
}

fn real_time(all: &mut Vec<Finding>, status: &Status) {
    if let Some(note) = &status.realtime.note {
        all.push(Finding::new(
            Severity::Warning,
            "real time",
            note,
            "run it by systemd/trunkcastd.service, which grants both, or `ulimit -r 99; ulimit -l unlimited` before the start",
        ));
    }
    let tick_us = u64::from(status.tick_ms) * 1000;
    let late = status.loop_.late.p99_us.max(status.loop_.work.p99_us);
    if tick_us > 0 && (late > tick_us / 2 || status.loop_.overruns > 0) {
        all.push(Finding::new(
            if late > tick_us { Severity::Minor } else { Severity::Warning },
            "loop",
            format!(
                "1 tick in 100 is {late} us late or long, of {tick_us} us; {} ticks were written off since the start",
                status.loop_.overruns
            ),
            "give the daemon a core (loop.core) and real-time priority, or a longer tick (loop.tick_ms)",
        ));
    }
    if status.dropped_reports > 0 {
        all.push(Finding::new(
            Severity::Minor,
            "reports",
            format!(
                "{} reports of the real-time thread were lost: counts and records may lack something",
                status.dropped_reports
            ),
            "the disk or the processor holds the office up: look at what else runs on this machine",
        ));
    }
    if status.total_ports > 0 && status.free_ports == 0 {
        all.push(Finding::new(
            Severity::Major,
            "ports",
            "no stream port is free: the next event's callers are turned away",
            "widen stream.ports, or shorten stream.port_reuse_s and stream.authentication_code_s",
        ));
    }
}

fn disk(all: &mut Vec<Finding>, facts: &Facts) {
    for directory in &facts.directories {
        let path = directory.path.display();
        if let Some(why) = &directory.away {
            let text = format!("{path} cannot be used: {why}");
            all.push(Finding::new(Severity::Major, "disk", text, "mount or make it, and give it to the daemon's user"));
        }
        let Some((free, total)) = directory.megabytes else { continue };
        let severity = match free {
            free if free < facts.min_free_mb => Severity::Major,
            free if free < facts.min_free_mb * 2 || free < total / 50 => Severity::Warning,
            _ => continue,
        };
        all.push(Finding::new(
            severity,
            "disk",
            format!("{path} has {free} MB free; recording stops below {}", facts.min_free_mb),
            "make room",
        ));
    }
    for path in &facts.readable {
        all.push(Finding::new(
            Severity::Major,
            "permissions",
            format!("{} can be read by others: whoever has the keys can compute every PIN", path.display()),
            format!("chmod 600 {}", path.display()),
        ));
    }
    let (files, megabytes) = facts.stranded;
    if files > 0 {
        all.push(Finding::new(
            Severity::Warning,
            "spool",
            format!("{files} files of recordings ({megabytes} MB) have waited in the spool for more than an hour"),
            "see that the content store is mounted, writable and has room",
        ));
    }
}

fn configuration(all: &mut Vec<Finding>, facts: &Facts) {
    if let Some(why) = &facts.file {
        all.push(Finding::new(
            Severity::Major,
            "configuration",
            format!("with the file as it is now the next start will fail: {why}"),
            "put it right; `trunkcastd --check-config FILE` says when it is",
        ));
    }
    for warning in &facts.warnings {
        all.push(Finding::new(Severity::Warning, "configuration", warning, "change the configuration, and restart"));
    }
}

/// Look at a directory.
#[must_use]
pub fn directory(path: &Path) -> Directory {
    let away = match std::fs::metadata(path) {
        Ok(about) if !about.is_dir() => Some("it is no directory".to_owned()),
        Ok(_) => nix::unistd::access(path, nix::unistd::AccessFlags::W_OK).err().map(|e| e.desc().to_owned()),
        Err(error) => Some(error.to_string()),
    };
    let megabytes = statvfs(path).ok().map(|about| {
        let octets = |blocks: libc::fsblkcnt_t| blocks * about.fragment_size() / 1_000_000;
        (octets(about.blocks_available()), octets(about.blocks()))
    });
    Directory { path: path.to_owned(), away, megabytes }
}

/// Whether others than the owner may read a file.
#[must_use]
pub fn is_open_to_others(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|about| about.mode() & 0o077 != 0)
}

/// Files in the spool that nobody has written to for an hour, and their megabytes.
#[must_use]
pub fn stranded(spool: &Path, now: SystemTime) -> (usize, u64) {
    let Ok(entries) = std::fs::read_dir(spool) else { return (0, 0) };
    let old = entries.flatten().filter_map(|entry| entry.metadata().ok()).filter(|about| {
        let age = about.modified().ok().and_then(|at| now.duration_since(at).ok());
        about.is_file() && age.is_some_and(|age| age > STRANDED)
    });
    let (files, octets) = old.fold((0, 0), |(files, octets), about| (files + 1, octets + about.len()));
    (files, octets / 1_000_000)
}

/// What keeps the daemon from starting, apart from the configuration itself: ports that another program has. Nothing,
/// when it runs already.
#[must_use]
pub fn obstacles(config: &Config) -> Vec<String> {
    if UnixStream::connect(config.control_socket()).is_ok() {
        return Vec::new();
    }
    let bind = |address, port| TcpListener::bind((address, port)).map(drop);
    let mut ports: Vec<_> =
        config.stream.ports.iter().map(|port| ("stream.ports", config.stream.address, port)).collect();
    ports.extend(config.metrics.address.map(|a| ("metrics.address", a.ip(), a.port())));
    let taken = ports.into_iter().filter_map(|(setting, address, port)| {
        let error = bind(address, port).err()?;
        Some(format!("port {port} of {setting} cannot be had at {address} ({error}): another program has it, or address is not this machine's"))
    });
    // The first few tell as much as all of them.
    taken.take(3).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use control::{AlarmInfo, LoopInfo, RealtimeInfo, SpanCounters, Timing};

    fn span() -> SpanInfo {
        SpanInfo { number: 1, link: LinkState::Up, channels_total: 30, ..SpanInfo::default() }
    }

    /// A gateway nothing is wrong with.
    fn well() -> Facts {
        Facts {
            now_ms: 1_772_366_400_000,
            status: Status { tick_ms: 10, free_ports: 50, total_ports: 50, uptime_s: 7200, ..Status::default() },
            spans: vec![span()],
            min_free_mb: 100,
            directories: vec![Directory { path: "/s".into(), away: None, megabytes: Some((5000, 10_000)) }],
            ..Facts::default()
        }
    }

    #[track_caller]
    fn found(change: impl FnOnce(&mut Facts), severity: Severity, what: &str, remedy: &str) {
        let mut facts = well();
        change(&mut facts);
        let all = findings(&facts);
        let [one] = &all[..] else { panic!("{all:?}") };
        assert_eq!((one.severity, one.what.as_str()), (severity, what), "{one:?}");
        assert!(one.remedy.contains(remedy) && !one.text.is_empty(), "{one:?}");
    }

    #[test]
    fn nothing_is_wrong_with_a_gateway_that_is_well() {
        assert_eq!(findings(&well()), []);
    }

    #[test]
    fn each_trouble_is_found_once_with_its_remedy() {
        use Severity::{Info, Major, Minor, Warning};
        let alarm = |what: &str, text: &str| AlarmInfo {
            severity: Major,
            what: what.into(),
            text: text.into(),
            since_ms: 1,
            ..AlarmInfo::default()
        };
        let los = |f: &mut Facts| {
            f.status.alarms = vec![alarm("span 1 LOS", "span 1: LOS: no signal arrives")];
            f.spans[0].alarms = vec!["LOS".into()];
            f.spans[0].link = LinkState::Establishing;
        };
        found(los, Major, "span 1 LOS", "cable or far end");
        found(|f| f.spans[0].alarms = vec!["AIS".into()], Major, "span 1 line", "ask the carrier");
        found(|f| f.spans[0].link = LinkState::Establishing, Major, "span 1 D channel", "switch variant");
        let silent = "span 1: the exchange has not acknowledged SERVICE on channels 1-23";
        found(|f| f.status.alarms = vec![alarm("span 1 SERVICE", silent)], Major, "span 1 SERVICE", "service messages");
        found(|f| f.status.alarms = vec![alarm("call records", "no room")], Major, "call records", "make room");
        found(|f| f.status.alarms = vec![alarm("fan", "hot")], Major, "fan", "log");
        found(|f| f.spans[0].counters.slips = 4, Info, "span 1 clock", "timing");
        found(|f| f.spans[0].counters.slips = 400, Warning, "span 1 clock", "timing");
        found(
            |f| f.spans[0].counters = SpanCounters { frames_lost: 2, ..SpanCounters::default() },
            Info,
            "span 1",
            "cable",
        );
        let old = |f: &mut Facts| {
            let since_ms = f.now_ms - FORGOTTEN_MS - 1;
            f.suspensions = vec![SuspensionInfo {
                id: 4,
                target: "span 1".into(),
                by: "kim".into(),
                since_ms,
                ..SuspensionInfo::default()
            }];
        };
        found(old, Warning, "suspension 4", "trunkctl resume span 1");
        let note = RealtimeInfo { note: Some("memory is not locked".into()), ..RealtimeInfo::default() };
        found(|f| f.status.realtime = note, Warning, "real time", "systemd");
        let late = |p99_us| LoopInfo { late: Timing { p99_us, ..Timing::default() }, ..LoopInfo::default() };
        found(|f| f.status.loop_ = late(6000), Warning, "loop", "loop.core");
        found(|f| f.status.loop_ = late(11_000), Minor, "loop", "loop.core");
        found(|f| f.status.dropped_reports = 1, Minor, "reports", "disk");
        found(|f| f.status.free_ports = 0, Major, "ports", "stream.ports");
        found(|f| f.directories[0].megabytes = Some((99, 10_000)), Major, "disk", "make room");
        found(|f| f.directories[0].megabytes = Some((150, 10_000)), Warning, "disk", "make room");
        found(|f| f.directories[0].away = Some("not there".into()), Major, "disk", "mount");
        found(|f| f.readable = vec!["/s/keys".into()], Major, "permissions", "chmod 600 /s/keys");
        found(|f| f.stranded = (2, 30), Warning, "spool", "content store");
        found(|f| f.without_canceller = vec![3], Warning, "span 3 echo", "voice.echo_canceller = \"software\"");
        found(|f| f.file = Some("line 2: ...".into()), Major, "configuration", "--check-config");
        found(|f| f.warnings = vec!["few ports".into()], Warning, "configuration", "restart");
    }

    #[test]
    fn a_link_that_is_coming_up_or_taken_down_by_us_is_no_trouble() {
        for (link, age_ms) in [(LinkState::Establishing, 5000), (LinkState::Released, 3_600_000)] {
            let mut facts = well();
            (facts.spans[0].link, facts.spans[0].link_since_ms) = (link, facts.now_ms - age_ms);
            assert_eq!(findings(&facts), []);
        }
    }

    #[test]
    fn the_most_severe_comes_first() {
        let mut facts = well();
        (facts.stranded, facts.status.free_ports, facts.spans[0].counters.slips) = ((1, 0), 0, 1);
        let severities: Vec<Severity> = findings(&facts).into_iter().map(|finding| finding.severity).collect();
        assert_eq!(severities, [Severity::Major, Severity::Warning, Severity::Info]);
    }

    #[test]
    fn what_the_disk_holds_is_seen() {
        let directory = tempfile::tempdir().expect("a directory");
        let here = super::directory(directory.path());
        assert!(
            here.away.is_none() && here.megabytes.is_some_and(|(free, total)| total >= free && total > 0),
            "{here:?}"
        );
        assert!(super::directory(&directory.path().join("no")).away.is_some());
        let file = directory.path().join("keys");
        std::fs::write(&file, vec![0; 3_000_000]).expect("written");
        let mode =
            |bits| std::fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(bits)).expect("set");
        mode(0o640);
        assert!(is_open_to_others(&file));
        mode(0o600);
        assert!(!is_open_to_others(&file));
        let now = SystemTime::now();
        assert_eq!(stranded(directory.path(), now), (0, 0));
        assert_eq!(stranded(directory.path(), now + STRANDED + Duration::from_secs(60)), (1, 3));
        assert_eq!(stranded(Path::new("/nowhere"), now), (0, 0));
    }

    #[test]
    fn a_port_of_another_program_is_an_obstacle() {
        let other = TcpListener::bind("127.0.0.1:0").expect("bound");
        let port = other.local_addr().expect("bound").port();
        let text = format!("[server]\nstate_dir = \"/nowhere\"\n[stream]\nports = \"{port}-{port}\"\n");
        let config = Config::parse(&text).expect("valid");
        let found = obstacles(&config);
        assert!(
            found.len() == 1 && found[0].contains(&port.to_string()) && found[0].contains("stream.ports"),
            "{found:?}"
        );
        drop(other);
        assert_eq!(obstacles(&config), Vec::<String>::new());
    }
}
