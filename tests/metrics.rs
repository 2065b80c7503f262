//! What Prometheus scrapes is what the format allows, says what is true, and is all the dashboard asks for.
//!
//! The text is read by a reader of our own, which is stricter than the format, and by that of Prometheus's Python client
//! (Debian package python3-prometheus-client) where it is installed.

use control::{
    AlarmInfo, Bucket, ChannelInfo, Hold, HoldInfo, LinkState, LoopInfo, ServiceState, Severity, SpanCounters,
    SpanInfo, Status, Timing,
};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use trunkcast::metrics::{Readings, Server, exposition};

/// Two spans: one with three calls, and one that has lost its signal, on a card with a difficult name.
fn readings() -> Readings {
    let late = Timing {
        p50_us: 7,
        p99_us: 95,
        max_us: 90,
        sum_us: 1_500_000,
        buckets: vec![
            Bucket { up_to_us: 7, count: 60 },
            Bucket { up_to_us: 95, count: 39 },
            Bucket { up_to_us: 8_388_607, count: 1 },
        ],
    };
    let span = SpanInfo {
        number: 1,
        card: "soft0".into(),
        line: "E1".into(),
        switch: "euroisdn".into(),
        link: LinkState::Up,
        channels_total: 30,
        in_use: 3,
        counters: SpanCounters { calls_taken: 12, slips: 4, ..SpanCounters::default() },
        ..SpanInfo::default()
    };
    let lost = SpanInfo {
        number: 2,
        card: "the \"left\" one \\ old".into(),
        link: LinkState::Establishing,
        alarms: vec!["LOS".into()],
        ..span.clone()
    };
    let channel = |span, channel, far, draining| ChannelInfo {
        span,
        channel,
        near: if draining { ServiceState::InService } else { ServiceState::OutOfService },
        far,
        draining,
        holds: vec![HoldInfo { hold: Hold::Operator, ..HoldInfo::default() }; usize::from(draining)],
        ..ChannelInfo::default()
    };
    Readings {
        status: Status {
            version: "0.1.0".into(),
            server: "gw-a".into(),
            started_at_ms: 1_767_225_600_500,
            calls: 3,
            conferences: 1,
            free_ports: 46,
            failed_ports: 2,
            total_ports: 50,
            loop_: LoopInfo { ticks: 100, late, ..LoopInfo::default() },
            alarms: vec![AlarmInfo { severity: Severity::Major, ..AlarmInfo::default() }],
            ..Status::default()
        },
        spans: vec![span, lost],
        channels: vec![
            channel(1, 1, ServiceState::InService, true),
            channel(2, 1, ServiceState::OutOfService, false),
            channel(2, 2, ServiceState::OutOfService, false),
        ],
        formats: vec![("mp3", 2, 40), ("webm", 0, 0)],
        suspensions: vec![],
        samples_lost: 0,
        samples_clipped: 12,
        clipped_by_event: vec![("1012345678".into(), 12), ("1023456789".into(), 0)],
    }
}

/// Samples by name and labels as they are written.
fn read(text: &str) -> BTreeMap<&str, f64> {
    let (mut families, mut samples) = (BTreeSet::new(), BTreeMap::new());
    let (mut family, mut kind) = ("", "");
    let body = text.strip_suffix("# EOF\n").expect("the end is marked");
    for line in body.lines() {
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            (family, kind) = rest.split_once(' ').expect("a name and a type");
            assert!(families.insert(family), "{family} is there twice");
            assert!(family.starts_with("trunkcast_") && !family.ends_with("_total"), "{family}");
            continue;
        }
        if let Some(rest) = line.strip_prefix("# HELP ").or_else(|| line.strip_prefix("# UNIT ")) {
            assert!(rest.split_once(' ').is_some_and(|(name, text)| name == family && !text.is_empty()), "{line}");
            continue;
        }
        let (series, value) = line.rsplit_once(' ').expect("a name and a value");
        let name = series.split('{').next().expect("a name");
        let suffix = name.strip_prefix(family).unwrap_or_else(|| panic!("{name} within {family}"));
        let allowed: &[&str] = match kind {
            "gauge" => &[""],
            "counter" => &["_total"],
            "info" => &["_info"],
            "histogram" => &["_bucket", "_sum", "_count"],
            other => panic!("{other}"),
        };
        assert!(allowed.contains(&suffix), "{line}");
        let value: f64 = value.parse().expect("a number");
        assert!(value.is_finite() && samples.insert(series, value).is_none(), "{line}");
    }
    samples
}

#[test]
fn the_figures_are_those_of_the_daemon() {
    let text = exposition(&readings());
    let samples = read(&text);
    for (series, value) in [
        ("trunkcast_calls", 3.0),
        ("trunkcast_conference_samples_clipped_total", 12.0),
        ("trunkcast_event_samples_clipped_total{event=\"1012345678\"}", 12.0),
        ("trunkcast_event_samples_clipped_total{event=\"1023456789\"}", 0.0),
        ("trunkcast_format_streams{format=\"mp3\"}", 2.0),
        ("trunkcast_format_listeners{format=\"mp3\"}", 40.0),
        ("trunkcast_format_listeners{format=\"webm\"}", 0.0),
        ("trunkcast_start_time_seconds", 1_767_225_600.5),
        ("trunkcast_ports{state=\"free\"}", 46.0),
        ("trunkcast_ports{state=\"unavailable\"}", 2.0),
        ("trunkcast_ports{state=\"held_back\"}", 1.0),
        ("trunkcast_alarms{severity=\"major\"}", 1.0),
        ("trunkcast_alarms{severity=\"minor\"}", 0.0),
        ("trunkcast_span_link_up{span=\"1\",card=\"soft0\"}", 1.0),
        ("trunkcast_span_link_up{span=\"2\",card=\"the \\\"left\\\" one \\\\ old\"}", 0.0),
        ("trunkcast_span_alarm{span=\"1\",card=\"soft0\",alarm=\"LOS\"}", 0.0),
        ("trunkcast_span_alarm{span=\"2\",card=\"the \\\"left\\\" one \\\\ old\",alarm=\"LOS\"}", 1.0),
        ("trunkcast_calls_taken_total{span=\"1\",card=\"soft0\"}", 12.0),
        ("trunkcast_span_slips_total{span=\"1\",card=\"soft0\"}", 4.0),
        ("trunkcast_channels{span=\"1\",near=\"in_service\",far=\"in_service\"}", 1.0),
        ("trunkcast_channels{span=\"2\",near=\"out_of_service\",far=\"out_of_service\"}", 2.0),
        ("trunkcast_channels{span=\"2\",near=\"in_service\",far=\"unknown\"}", 0.0),
        ("trunkcast_channels_draining{span=\"1\"}", 1.0),
        ("trunkcast_channels_held{span=\"1\",hold=\"operator\"}", 1.0),
        ("trunkcast_channels_held{span=\"2\",hold=\"operator\"}", 0.0),
        ("trunkcast_loop_lateness_seconds_bucket{le=\"0.000008\"}", 60.0),
        ("trunkcast_loop_lateness_seconds_bucket{le=\"0.000064\"}", 60.0),
        ("trunkcast_loop_lateness_seconds_bucket{le=\"0.000128\"}", 99.0),
        ("trunkcast_loop_lateness_seconds_bucket{le=\"1.048576\"}", 99.0),
        ("trunkcast_loop_lateness_seconds_bucket{le=\"+Inf\"}", 100.0),
        ("trunkcast_loop_lateness_seconds_count", 100.0),
        ("trunkcast_loop_lateness_seconds_sum", 1.5),
    ] {
        assert_eq!(samples.get(series), Some(&value), "{series}\n{text}");
    }
}

#[test]
fn prometheus_own_reader_takes_it() {
    const READ: &str = "import sys\nfrom prometheus_client.openmetrics.parser import text_string_to_metric_families as f\n\
                        print(sum(len(m.samples) for m in f(sys.stdin.read())))";
    let known = Command::new("/usr/bin/python3")
        .args(["-c", "import prometheus_client"])
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    if !known {
        eprintln!("skipped: Debian package python3-prometheus-client is not installed");
        return;
    }
    for readings in [readings(), Readings::default()] {
        let text = exposition(&readings);
        let mut reader = Command::new("/usr/bin/python3")
            .args(["-c", READ])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python3");
        reader.stdin.take().expect("piped").write_all(text.as_bytes()).expect("written");
        let told = reader.wait_with_output().expect("ended");
        assert!(told.status.success(), "it complains above about\n{text}");
        let count: usize = String::from_utf8_lossy(&told.stdout).trim().parse().expect("a count");
        assert_eq!(count, read(&text).len());
    }
}

#[test]
fn the_dashboard_and_the_manual_name_only_what_there_is() {
    let text = exposition(&readings());
    let there: BTreeSet<&str> = read(&text).keys().map(|series| series.split('{').next().expect("a name")).collect();
    let names = |file: &str| -> BTreeSet<String> {
        let text = std::fs::read_to_string(format!("{}/{file}", env!("CARGO_MANIFEST_DIR"))).expect(file);
        let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
        words.filter(|word| word.starts_with("trunkcast_")).map(str::to_owned).collect()
    };
    let shown = names("docs/grafana/trunkcast.json");
    assert!(shown.len() > 20, "{shown:?}");
    for name in &shown {
        assert!(there.contains(name.as_str()), "the dashboard asks for {name}, which is not there");
    }
    let told = names("docs/MANUAL.md");
    for name in &there {
        let family = ["_bucket", "_sum", "_count"].iter().find_map(|suffix| name.strip_suffix(suffix)).unwrap_or(name);
        assert!(told.contains(family), "the manual does not tell of {family}");
    }
    for name in &told {
        let known = |n: &&str| *n == name || n.strip_suffix("_bucket") == Some(name.as_str());
        assert!(there.iter().any(known), "the manual tells of {name}, which is not there");
    }
}

fn ask(server: &Server, octets: &[u8]) -> String {
    let mut stream = TcpStream::connect(server.address()).expect("it listens");
    stream.write_all(octets).expect("written");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer in UTF-8");
    answer
}

#[test]
fn a_scrape_is_answered_and_anything_else_in_words() {
    let server = Server::bind("127.0.0.1:0".parse().expect("an address"), || exposition(&readings())).expect("bound");
    let answer = ask(&server, b"GET /metrics?x=1 HTTP/1.1\r\nHost: a\r\n\r\n");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n") && head.contains("application/openmetrics-text"), "{head}");
    assert!(head.contains(&format!("Content-Length: {}\r\n", body.len())), "{head}");
    assert_eq!(body, exposition(&readings()));
    for (asked, status) in [
        (&b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"[..], "200 "),
        (b"GET /other HTTP/1.1\r\nHost: a\r\n\r\n", "404 "),
        (b"POST /metrics HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", "405 "),
        (b"\x16\x03\x01\x00\xff\x01", "400 "),
        (&[b"GET / HTTP/1.1\r\nA: ".to_vec(), vec![b'x'; 8173]].concat(), "431 "),
    ] {
        let answer = ask(&server, asked);
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{answer}");
    }
}

#[test]
fn who_says_nothing_holds_the_others_up_for_a_while_only() {
    let server = Server::bind("127.0.0.1:0".parse().expect("an address"), || exposition(&readings())).expect("bound");
    let silent: Vec<TcpStream> = (0..2).map(|_| TcpStream::connect(server.address()).expect("it listens")).collect();
    assert!(ask(&server, b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n").ends_with("# EOF\n"));
    // It is the server that has hung up on them.
    for mut stream in silent {
        let mut rest = Vec::new();
        assert_eq!(stream.read_to_end(&mut rest).expect("closed"), 0);
    }
    let another = TcpStream::connect(server.address()).expect("it listens");
    // Nor does it hold up the end.
    drop(server);
    drop(another);
}

/// It would look like a failure to whoever is woken by links that are down.
#[test]
fn a_span_whose_d_channel_is_on_another_one_has_no_link_to_be_down() {
    let mut readings = readings();
    readings.spans[1].link = LinkState::Shared;
    readings.spans[0].link = LinkState::Standby;
    let text = exposition(&readings);
    let links: Vec<&str> = text.lines().filter(|line| line.starts_with("trunkcast_span_link_up{")).collect();
    assert_eq!(links, ["trunkcast_span_link_up{span=\"1\",card=\"soft0\"} 1"]);
}
