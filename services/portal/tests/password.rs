//! A link that wants a password: asked for by the page, sent by players, not wanted of those who hold a list, and voided by
//! another one. No gateway and no scripts are needed for any of it.

use event::Keyring;
use portal::{Config, Running};
use std::io::{Read, Write};
use std::net::TcpStream;

struct Office {
    directory: tempfile::TempDir,
    portal: Option<Running>,
}

struct Answer {
    status: u16,
    head: String,
    body: String,
}

impl Office {
    fn new() -> Office {
        let directory = tempfile::tempdir().expect("a directory");
        Keyring::random().save(&directory.path().join("keys")).expect("saved");
        let mut office = Office { directory, portal: None };
        office.open();
        office
    }

    fn open(&mut self) {
        self.portal = None;
        let config = Config {
            address: ([127, 0, 0, 1], 0).into(),
            state_dir: self.directory.path().to_owned(),
            socket: self.directory.path().join("none"),
            open: true,
            ..Config::default()
        };
        self.portal = Some(portal::start(config).expect("it starts"));
    }

    fn ask(&self, method: &str, path: &str, lines: &[&str], body: &str) -> Answer {
        let portal = self.portal.as_ref().expect("open");
        let path = path.strip_prefix(portal.base()).unwrap_or(path);
        let mut stream = TcpStream::connect(portal.address()).expect("connected");
        let lines: String = lines.iter().map(|line| format!("{line}\r\n")).collect();
        let host = portal.address();
        let length = body.len();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{lines}Content-Length: {length}\r\n\r\n{body}"
        );
        stream.write_all(request.as_bytes()).expect("asked");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
        let status = head.split(' ').nth(1).and_then(|text| text.parse().ok()).expect("a status");
        Answer { status, head: head.to_owned(), body: body.to_owned() }
    }
}

const JSON: &str = "Content-Type: application/json";
const FORM: &str = "Content-Type: application/x-www-form-urlencoded";
/// RFC 7617: any name, and "tulips".
const TULIPS: &str = "Authorization: Basic eDp0dWxpcHM=";
/// The same with "roses".
const ROSES: &str = "Authorization: Basic eDpyb3Nlcw==";

#[test]
fn a_link_with_a_password_opens_for_those_who_know_it() {
    let office = Office::new();
    let wish = r#"{"title":"Town hall","password":"tulips","listener_limit":2}"#;
    let reserved = office.ask("POST", "/api/v1/events", &[JSON], wish);
    assert_eq!(reserved.status, 201, "{}", reserved.body);
    let event: serde_json::Value = serde_json::from_str(&reserved.body).expect("JSON");
    assert_eq!((&event["has_password"], &event["listener_limit"]), (&true.into(), &2.into()));
    assert!(!reserved.body.contains("tulips"), "whoever may see the event need not know it");
    let link = event["link"].as_str().expect("a link").to_owned();

    // Programs and players.
    for (file, good) in [("state", 200), ("listen.m3u", 200), ("pass", 200), ("live.mp3", 503)] {
        let address = format!("{link}{file}");
        let without = office.ask("GET", &address, &[], "");
        assert!(without.status == 401 && without.body.contains("password-wanted"), "{file}: {}", without.body);
        assert!(without.head.to_ascii_lowercase().contains("www-authenticate: basic"), "{file}: {}", without.head);
        let wrong = office.ask("GET", &address, &[ROSES], "");
        assert!(wrong.status == 401 && wrong.body.contains("wrong-password"), "{file}: {}", wrong.body);
        assert_eq!(office.ask("GET", &address, &[TULIPS], "").status, good, "{file}");
    }
    // A list opens without it: the addresses in it hold a media token.
    let list = office.ask("GET", &format!("{link}listen.m3u"), &[TULIPS], "").body;
    let address = list.lines().find(|line| line.starts_with("http")).expect("an address");
    assert!(address.contains("/m/") && !list.contains("tulips") && !list.contains("/a/"), "{list}");
    assert_eq!(office.ask("GET", address, &[], "").status, 503, "nobody speaks yet");

    // People, without scripts.
    let page = office.ask("GET", &link, &["Accept: text/html"], "");
    assert!(page.status == 401 && page.body.contains("<form method=\"post\">"), "{}", page.body);
    assert!(!page.head.to_ascii_lowercase().contains("www-authenticate"), "the page asks, not the browser");
    let wrong = office.ask("POST", &link, &[FORM], "password=roses");
    assert!(wrong.status == 401 && wrong.body.contains("not the password"), "{}", wrong.body);
    let shown = office.ask("POST", &link, &[FORM], "password=tulips");
    assert_eq!(shown.status, 303, "{}", shown.body);
    let cookie = shown.head.lines().find_map(|line| line.strip_prefix("set-cookie: ")).expect("a cookie");
    assert!(cookie.contains("HttpOnly") && cookie.contains("Path=/a/"), "{cookie}");
    let cookie = format!("Cookie: {}", cookie.split(';').next().expect("a pair"));
    let page = office.ask("GET", &link, &[&cookie, "Accept: text/html"], "");
    assert!(page.status == 200 && page.body.contains("Town hall"), "{}", page.body);
    assert_eq!(office.ask("GET", &format!("{link}state"), &[&cookie], "").status, 200);
}

#[test]
fn guessing_comes_to_an_end_and_a_restart_forgets_no_password() {
    let mut office = Office::new();
    let reserved = office.ask("POST", "/api/v1/events", &[JSON], r#"{"title":"Town hall","password":"tulips"}"#);
    let event: serde_json::Value = serde_json::from_str(&reserved.body).expect("JSON");
    let link = event["link"].as_str().expect("a link").to_owned();
    let path = link.split_once("/a/").map(|(_, rest)| format!("/a/{rest}state")).expect("a path");
    office.open();
    assert_eq!(office.ask("GET", &path, &[], "").status, 401);
    assert_eq!(office.ask("GET", &path, &[TULIPS], "").status, 200);
    let tried = (0..200).map(|_| office.ask("GET", &path, &[ROSES], "").status).take_while(|status| *status == 401);
    assert!(tried.count() < 100, "as often as one may try to sign in");
    assert_eq!(office.ask("GET", &path, &[TULIPS], "").status, 200, "who knows it is not kept out");
}
