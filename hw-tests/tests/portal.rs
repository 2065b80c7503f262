//! From a reservation to sound in somebody's ears: a daemon and a portal beside it, driven from outside alone.

use control::{DialPlan, Repeat};
use hw_tests::daemon::{Daemon, T1};
use hw_tests::web::{Answer, Portal};
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

const JSON: &str = "Content-Type: application/json";

fn reserve(portal: &Portal, document: &Value) -> Answer {
    portal.ask("POST", "/api/v1/events", &[JSON], &document.to_string())
}

fn as_host(event: &Value) -> String {
    // RFC 4648 clause 4, of digits and a colon.
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let text = format!("{}:{}", event["number"].as_str().expect("text"), event["pins"]["host"].as_str().expect("text"));
    let letter = |bits: u32| char::from(LETTERS[bits as usize & 63]);
    let mut out = String::from("Authorization: Basic ");
    for group in text.as_bytes().chunks(3) {
        let bits = group.iter().fold(0u32, |bits, octet| bits << 8 | u32::from(*octet)) << (8 * (3 - group.len()));
        out.extend((0..=group.len()).map(|place| letter(bits >> (18 - 6 * place))));
    }
    out
}

fn call_in(daemon: &Daemon, event: &Value, role: &str) -> u64 {
    let speech = std::path::absolute("../assets/speech/a1.wav").expect("a path");
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let plan = DialPlan {
        calling: Some("5550142".into()),
        event: text(&event["number"]),
        pin: text(&event["pins"][role]),
        wav: speech.to_str().map(str::to_owned),
        repeat: Repeat::Forever,
        key_on_ms: 60,
        key_off_ms: 60,
        ..DialPlan::default()
    };
    daemon.client().exchange_dial(plan).expect("dialled")
}

fn wait_for<T>(what: &str, portal: &Portal, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        if let Some(seen) = look() {
            return seen;
        }
        assert!(Instant::now() < deadline, "waited in vain for {what}\n{}", portal.log());
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn the_stream_ports_want_what_a_link_is_turned_into() {
    let daemon = Daemon::start("", "listeners = \"link\"\nformats = [\"mp3\", \"hls\"]", T1);
    let portal = Portal::beside(&daemon, "open = true");
    let event = reserve(&portal, &json!({"title": "Board meeting"})).json();
    let link = event["link"].as_str().expect("a link").to_owned();
    call_in(&daemon, &event, "host");
    let streams = wait_for("the event on the air", &portal, || {
        let pass = portal.ask("GET", &format!("{link}pass"), &[], "").json();
        let streams = pass["streams"].as_array().expect("streams").clone();
        (!streams.is_empty()).then_some(streams)
    });

    let of = |format: &str| {
        let row = streams.iter().find(|row| row["format"] == format).unwrap_or_else(|| panic!("{format}: {streams:?}"));
        row["url"].as_str().expect("an address").to_owned()
    };
    let curl = |url: &str| {
        let options = ["--silent", "--max-time", "3", "--write-out", "%{stderr}%{http_code}"];
        let output = Command::new("curl").args(options).arg(url).output().expect("curl is there");
        (String::from_utf8_lossy(&output.stderr).trim().to_owned(), output.stdout)
    };
    let (code, sound) = curl(&of("mp3"));
    assert!(code == "200" && sound.len() > 20_000, "{code}, {} octets", sound.len());
    let token = of("mp3").split('/').nth(4).expect("a token").to_owned();
    let bare = of("mp3").replace(&format!("/m/{token}"), "");
    let (code, text) = curl(&bare);
    assert_eq!(code, "403", "{bare}");
    assert!(String::from_utf8_lossy(&text).contains("open the link"), "{}", String::from_utf8_lossy(&text));
    let last = if token.ends_with('A') { "Q" } else { "A" };
    let altered = of("mp3").replace(&token, &format!("{}{last}", &token[..token.len() - 1]));
    assert_eq!(curl(&altered).0, "403");

    // The portal shows one of its own: whoever listens through it notices nothing.
    assert_eq!(portal.hear(&format!("{link}live.mp3"), 8000).status, 200);
    assert_eq!(portal.hear(&format!("{link}live.ulaw"), 8000).status, 200);
    let playlist = wait_for("the first segment", &portal, || {
        let playlist = portal.ask("GET", &format!("{link}live.m3u8"), &[], "");
        (playlist.status == 200).then(|| playlist.text())
    });
    let segment = playlist.lines().find(|line| line.ends_with(".m4s")).unwrap_or_else(|| panic!("{playlist}"));
    assert_eq!(portal.ask("GET", &format!("{link}{segment}"), &[], "").status, 200, "{segment}");
}

#[test]
fn reserved_called_heard_and_ended() {
    let daemon = Daemon::start("", "formats = [\"mp3\", \"webm\"]", T1);
    let portal = Portal::beside(&daemon, "open = true\ndial_in = [\"+1 202 555 0100\"]");

    let began = Instant::now();
    let answer = reserve(&portal, &json!({"title": "Town hall"}));
    assert_eq!(answer.status, 201, "{}", answer.text());
    let event = answer.json();
    let number = event["number"].as_str().expect("a number").to_owned();
    assert_eq!(answer.line("location"), Some(format!("/api/v1/events/{number}").as_str()));
    assert_eq!((&event["status"], &event["dial_in"]), (&"reserved".into(), &json!(["+1 202 555 0100"])));
    let host = as_host(&event);

    let link = event["link"].as_str().expect("a link").to_owned();
    let state = || portal.ask("GET", &format!("{link}state"), &[], "").json();
    assert_eq!(state()["state"], "reserved");
    let early = portal.ask("GET", &format!("{link}live.mp3"), &[], "");
    assert_eq!((early.status, early.line("retry-after")), (503, Some("5")), "{}", early.text());

    call_in(&daemon, &event, "host");
    wait_for("the event on the air", &portal, || (state()["state"] == "live").then_some(()));
    let heard = portal.hear(&format!("{link}live.ulaw"), 8000);
    println!("reservation to sound: {:?}", began.elapsed());
    assert_eq!((heard.status, heard.line("content-type")), (200, Some("audio/basic")));
    assert!(heard.body.iter().any(|octet| !matches!(octet, 0xff | 0x7f)), "silence");
    for (extension, kind, begins) in
        [("mp3", "audio/mpeg", &b"\xff"[..]), ("webm", "audio/webm; codecs=\"opus\"", b"\x1a\x45\xdf\xa3")]
    {
        let heard = portal.hear(&format!("{link}live.{extension}"), 4000);
        assert_eq!((heard.status, heard.line("content-type")), (200, Some(kind)), "{extension}");
        assert!(heard.body.starts_with(begins), "{extension}: {:02x?}", &heard.body[..8]);
        assert_eq!(heard.line("access-control-allow-origin"), Some("*"));
    }
    let not_cast = portal.ask("GET", &format!("{link}live.ogg"), &[], "");
    assert!(not_cast.status == 404 && not_cast.text().contains("mp3"), "{}", not_cast.text());

    let list = portal.ask("GET", &format!("{link}listen.m3u"), &[], "");
    assert_eq!(list.line("content-type"), Some("audio/x-mpegurl"));
    assert!(list.text().contains(&format!("{link}live.mp3")), "{}", list.text());
    let pass = portal.ask("GET", &format!("{link}pass"), &[], "").json();
    let base = pass["base"].as_str().expect("a base").to_owned();
    assert_eq!(portal.hear(&format!("{base}live.ulaw"), 800).status, 200);
    let elsewhere = base.replace(&number, "1000000000");
    assert_eq!(portal.ask("GET", &format!("{elsewhere}live.ulaw"), &[], "").status, 403, "a token of another event");

    let shown = portal.ask("GET", &format!("/api/v1/events/{number}"), &[&host], "");
    let live = shown.json();
    assert_eq!((&live["status"], &live["callers"], &live["hosts"]), (&"live".into(), &1.into(), &1.into()));
    assert!(!shown.text().contains(event["pins"]["host"].as_str().expect("text")), "PINs are told once");
    let table = portal.ask("GET", "/api/v1/streams", &[&host], "").json();
    let formats: Vec<&str> =
        table["streams"].as_array().expect("rows").iter().filter_map(|r| r["format"].as_str()).collect();
    assert_eq!((formats, &table["gateway"]), (vec!["mp3", "webm", "pcmu"], &"up".into()));

    let ended = portal.ask("POST", &format!("/api/v1/events/{number}/end"), &[&host], "");
    assert_eq!((ended.status, &ended.json()["status"]), (200, &"ended".into()), "{}", ended.text());
    assert_eq!(portal.ask("POST", &format!("/api/v1/events/{number}/end"), &[&host], "").status, 409);
    assert_eq!(portal.ask("GET", &format!("{link}live.mp3"), &[], "").status, 410);
    let page = portal.ask("GET", &link, &["Accept: text/html"], "");
    assert!(page.status == 410 && page.text().contains("Its archive will be here"), "{}", page.text());
    let usage = wait_for("the call's record", &portal, || {
        let usage = portal.ask("GET", &format!("/api/v1/events/{number}/usage"), &[&host], "").json();
        (usage["calls"].as_array().map(Vec::len) == Some(1)).then_some(usage)
    });
    assert_eq!(
        (&usage["calls"][0]["role"], &usage["calls"][0]["number"]),
        (&"host".into(), &"xxxxx42".into()),
        "{usage}"
    );

    let log = portal.log() + &daemon.log();
    for secret in ["host", "speaker", "listener"] {
        assert!(!log.contains(event["pins"][secret].as_str().expect("text")), "a PIN in a log");
    }
    assert!(!log.contains("/a/v1."), "a link in a log");
}

/// Somebody who listens at the stream port to the end, whatever becomes of the portal.
struct Listener(JoinHandle<usize>);

impl Listener {
    fn at(port: u16, path: &str) -> Listener {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("the stream port");
        stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes()).expect("asked");
        Listener(std::thread::spawn(move || {
            let mut buffer = vec![0; 65_536];
            std::iter::from_fn(|| stream.read(&mut buffer).ok().filter(|count| *count > 0)).sum()
        }))
    }

    /// How many octets came in all.
    fn all(self) -> usize {
        self.0.join().expect("no panic")
    }
}

/// What a host keeps of an event: both tables, the document, and the chart of the page without its axis of time, which ends now.
fn kept(portal: &Portal, event: &Value) -> [String; 4] {
    let (number, pin) = (event["number"].as_str().expect("text"), event["pins"]["host"].as_str().expect("text"));
    let form = "Content-Type: application/x-www-form-urlencoded";
    let signed_in = portal.ask("POST", "/sign-in", &[form], &format!("name={number}&secret={pin}"));
    let session = signed_in.line("set-cookie").unwrap_or_else(|| panic!("{}", signed_in.text()));
    let session = format!("Cookie: {}", session.split(';').next().expect("a name"));
    let get = |file: &str| {
        let answer = portal.ask("GET", &format!("/host/{number}/{file}"), &[&session], "");
        assert_eq!(answer.status, 200, "{file}: {}", answer.text());
        answer.text()
    };
    let page = get("");
    let between = |begin: &str, end: &str| {
        let rest = page.split_once(begin).unwrap_or_else(|| panic!("no {begin}: {page}")).1;
        rest.split_once(end).expect("an end").0
    };
    let heights = between("class=\"audience\" points=\"", "\"").split(' ').filter_map(|point| point.split_once(','));
    let heights: Vec<&str> = heights.map(|(_, height)| height).collect();
    let chart = format!("{} {}", heights.join(" "), between("<figcaption>", "</figcaption>"));
    [get("usage.csv"), get("audience.csv"), get("usage.json"), chart]
}

#[test]
fn report_and_chart_are_the_same_after_the_portal_was_killed() {
    let daemon = Daemon::start("", "formats = [\"mp3\"]", T1);
    let mut portal = Portal::beside(&daemon, "open = true");
    let event = reserve(&portal, &json!({"title": "Town hall"})).json();
    let (number, host) = (event["number"].as_str().expect("a number").to_owned(), as_host(&event));
    call_in(&daemon, &event, "host");
    let table = |portal: &Portal| portal.ask("GET", "/api/v1/streams", &[&host], "").json();
    let port = wait_for("the event on the air", &portal, || table(&portal)["streams"][0]["port"].as_u64());
    let listener = Listener::at(u16::try_from(port).expect("a port"), &format!("/{number}.mp3"));
    let usage = |portal: &Portal| portal.ask("GET", &format!("/api/v1/events/{number}/usage"), &[&host], "").json();
    let octets = |portal: &Portal| usage(portal)["octets"].as_u64().expect("a number");
    wait_for("somebody who listens", &portal, || (usage(&portal)["peak_listeners"] == 1).then_some(()));
    let before = wait_for("what he was sent", &portal, || Some(octets(&portal)).filter(|octets| *octets > 50_000));

    portal.kill();
    let mut portal = Portal::beside(&daemon, "open = true");
    wait_for("what was sent before and after", &portal, || (octets(&portal) > before + 20_000).then_some(()));
    let ended = portal.ask("POST", &format!("/api/v1/events/{number}/end"), &[&host], "");
    assert_eq!(ended.status, 200, "{}", ended.text());
    let got = listener.all();
    wait_for("that nobody listens", &portal, || {
        let points = usage(&portal)["listeners"].clone();
        points.as_array().and_then(|points| points.last()).filter(|point| point["listeners"] == 0).map(|_| ())
    });
    let sent = octets(&portal);
    assert!((before + 20_000..=got as u64).contains(&sent), "{sent} octets sent, {got} came: none is counted twice");
    wait_for("the call's record", &portal, || usage(&portal)["calls"].get(0).map(|_| ()));
    wait_for("streams that have ended", &portal, || table(&portal)["streams"].get(0).is_none().then_some(()));

    let kept_before = kept(&portal, &event);
    println!("{}\n{}", kept_before[1], kept_before[3]);
    assert!(kept_before[1].starts_with("minute,format,listeners,octets\r\n") && kept_before[1].contains(",mp3,1,"));
    portal.kill();
    let portal = Portal::beside(&daemon, "open = true");
    assert_eq!(kept(&portal, &event), kept_before);
}

#[test]
fn an_event_that_nobody_calls_any_more_is_over_for_everybody() {
    let mut daemon = Daemon::start("", "formats = [\"mp3\"]\nlinger_s = 1", T1);
    let mut portal = Portal::beside(&daemon, "open = true");
    let event = reserve(&portal, &json!({"title": "Weekly", "over_after_s": 1})).json();
    let (number, host) = (event["number"].as_str().expect("a number").to_owned(), as_host(&event));
    let link = event["link"].as_str().expect("a link").to_owned();
    let path = format!("/api/v1/events/{number}");
    let status = |portal: &Portal| portal.ask("GET", &path, &[&host], "").json()["status"].clone();
    assert_eq!(status(&portal), "reserved", "its time does not begin before somebody has called");
    let call = call_in(&daemon, &event, "host");
    wait_for("the event on the air", &portal, || (status(&portal) == "live").then_some(()));
    daemon.client().exchange_hang_up(call).expect("hung up");
    wait_for("its end", &portal, || (status(&portal) == "over").then_some(()));

    let seen = |portal: &Portal| {
        let ask = |method: &str, path: &str, body: &str| portal.ask(method, path, &[&host, JSON], body);
        let listed = ask("GET", "/api/v1/events?status=over", "").json();
        assert_eq!((&listed["events"][0]["number"], listed["events"].get(1)), (&event["number"], None), "{listed}");
        let page = portal.ask("GET", &link, &["Accept: text/html"], "");
        assert_eq!(page.status, 410);
        assert!(page.text().contains("data-state=\"over\"") && page.text().contains("has ended"), "{}", page.text());
        let state = portal.ask("GET", &format!("{link}state"), &[], "");
        assert_eq!((state.status, &state.json()["state"]), (200, &"over".into()));
        let sound = portal.ask("GET", &format!("{link}live.mp3"), &[], "");
        assert_eq!((sound.status, &sound.json()["type"]), (410, &"urn:trunkcast:problem:ended".into()));
        for (method, path, body) in [
            ("PATCH", path.clone(), r#"{"title":"Again"}"#),
            ("POST", format!("{path}/end"), ""),
            ("DELETE", path.clone(), ""),
        ] {
            let refused = ask(method, &path, body);
            assert_eq!((refused.status, &refused.json()["detail"]), (409, &"the event is over".into()), "{method}");
        }
    };
    seen(&portal);
    // Its record in the store says so as well, for when the portal knows nothing else.
    let record = daemon.state().join("content/events").join(&number).join("event-info.xml");
    let record = || std::fs::read_to_string(&record).expect("a record");
    wait_for("it in the record", &portal, || record().contains("<status>over</status>").then_some(()));
    daemon.kill();
    portal.kill();
    let portal = Portal::beside(&daemon, "open = true");
    seen(&portal);
}
