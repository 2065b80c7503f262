//! The interface for programs held against its own description: every operation of `openapi.json` is asked for, well and badly, in
//! both spellings, and whatever comes back has to be in the description.

use hw_tests::daemon::{Daemon, T1, program};
use hw_tests::web::{Answer, Portal};
use serde_json::{Map, Value, json};
use std::io::Write;
use std::process::{Command, Stdio};

const JSON: &str = "Content-Type: application/json";

/// The description.
struct Api(Value);

impl Api {
    fn followed<'a>(&'a self, schema: &'a Value) -> &'a Value {
        match schema["$ref"].as_str() {
            Some(place) => {
                self.0.pointer(place.trim_start_matches('#')).unwrap_or_else(|| panic!("{place} is nowhere"))
            }
            None => schema,
        }
    }

    /// What in a document is not as the schema has it; nothing when all is.
    fn wrong(&self, schema: &Value, document: &Value, place: &str) -> Vec<String> {
        let schema = self.followed(schema);
        let mut found = Vec::new();
        for part in schema["allOf"].as_array().into_iter().flatten() {
            found.extend(self.wrong(part, document, place));
        }
        let kinds: Vec<&str> = match &schema["type"] {
            Value::String(kind) => vec![kind],
            Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        };
        let kind = match document {
            Value::Null => "null",
            Value::Bool(_) => "boolean",
            Value::Number(_) => "integer",
            Value::String(_) => "string",
            Value::Array(_) => "array",
            Value::Object(_) => "object",
        };
        if !kinds.is_empty() && !kinds.contains(&kind) {
            found.push(format!("{place} is {kind}, not {kinds:?}"));
        }
        if let Some(words) = schema["enum"].as_array().filter(|words| !words.contains(document)) {
            found.push(format!("{place} is {document}, none of {words:?}"));
        }
        if schema["format"] == "date-time" && document.as_str().is_some_and(|t| t.len() < 20 || !t.ends_with('Z')) {
            found.push(format!("{place} is no time: {document}"));
        }
        for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            if document.get(name).is_none() {
                found.push(format!("{place}.{name} is missing"));
            }
        }
        for (name, part) in schema["properties"].as_object().into_iter().flatten() {
            if let Some(value) = document.get(name) {
                found.extend(self.wrong(part, value, &format!("{place}.{name}")));
            }
        }
        for value in document.as_array().filter(|_| schema["items"].is_object()).into_iter().flatten() {
            found.extend(self.wrong(&schema["items"], value, &format!("{place}[]")));
        }
        found
    }

    /// The answer has to be one of the operation's.
    fn check(&self, operation: &Value, asked: &str, answer: &Answer) {
        let status = answer.status.to_string();
        let described = &operation["responses"][&status];
        assert!(described.is_object(), "{asked}: {status} is not described: {}", answer.text());
        let Some(content) = described["content"].as_object() else {
            assert!(answer.body.is_empty() || answer.status == 413, "{asked}: {status} has a body: {}", answer.text());
            return;
        };
        let kind = answer.line("content-type").unwrap_or_default();
        assert!(content.contains_key(kind), "{asked}: {status} comes as {kind}");
        if kind.ends_with("json") {
            let wrong = self.wrong(&content[kind]["schema"], &answer.json(), "answer");
            assert!(wrong.is_empty(), "{asked}: {wrong:?} in {}", answer.text());
        } else {
            assert!(answer.text().starts_with("<?xml"), "{asked}: {}", answer.text());
        }
    }

    fn operations(&self) -> Vec<(String, String, Value)> {
        let mut all = Vec::new();
        for (path, item) in self.0["paths"].as_object().expect("paths") {
            for (method, operation) in item.as_object().expect("operations") {
                if method != "parameters" {
                    all.push((method.to_uppercase(), path.clone(), operation.clone()));
                }
            }
        }
        all
    }

    /// Documents that are not quite what a schema wants.
    fn bad_documents(&self, schema: &Value) -> Vec<Value> {
        let schema = self.followed(schema);
        let strange = [
            json!(null),
            json!(true),
            json!(-1),
            json!(1.5),
            json!(u64::MAX),
            json!(""),
            json!("x".repeat(5000)),
            json!("\u{0}\u{7}"),
            json!("<script>alert(1)</script>&\"'"),
            json!("\u{202e}\u{1f600}é"),
            json!([]),
            json!([[], {}]),
            json!({"a": {}}),
            json!(["mp3", "mp3"]),
            json!(["../../etc/passwd"]),
            json!("2026-99-99T99:99:99Z"),
            json!("' OR 1=1 --"),
        ];
        let mut all: Vec<Value> = vec![json!({}), json!([]), json!("text"), json!({"title": "a", "surprise": 1})];
        for name in schema["properties"].as_object().expect("an object").keys() {
            for value in &strange {
                let mut document = Map::from_iter([("title".to_owned(), json!("Fuzz"))]);
                document.insert(name.clone(), value.clone());
                all.push(Value::Object(document));
            }
        }
        all
    }
}

fn token(daemon: &Daemon, name: &str, role: &str) -> String {
    let made = Command::new(program("trunkcast-portal"))
        .args(["token", name, "--role", role, "--config"])
        .arg(daemon.file("tokens.toml"))
        .output()
        .expect("run");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    format!("Authorization: Bearer {}", String::from_utf8_lossy(&made.stdout).trim())
}

/// A daemon, a portal beside it, and tokens of its roles.
fn office(lines: &str) -> (Daemon, Portal, [String; 3]) {
    let daemon = Daemon::start("", "", T1);
    std::fs::write(daemon.file("tokens.toml"), format!("state_dir = {:?}\n", daemon.state())).expect("written");
    let tokens = ["viewer", "host", "operator"].map(|role| token(&daemon, role, role));
    let mut account = Command::new(program("trunkcast-portal"))
        .args(["account", "kim", "--role", "operator", "--config"])
        .arg(daemon.file("tokens.toml"))
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .expect("run");
    account.stdin.take().expect("piped").write_all(b"a long password\n").expect("told");
    assert!(account.wait().expect("ended").success());
    let portal = Portal::beside(&daemon, lines);
    (daemon, portal, tokens)
}

const GENEROUS: &str = "[limits]\nrequests = 2000000\nreservations = 200000\nsign_ins = 20000";

#[test]
fn every_operation_is_as_described_well_and_badly_asked() {
    let (_daemon, portal, [_, _, operator]) = office(GENEROUS);
    let api = Api(portal.ask("GET", "/api/v1/openapi.json", &[], "").json());
    let mut asked = 0;
    let mut say = |method: &str, path: &str, operation: &Value, lines: &[&str], body: &str| {
        let answer = portal.ask(method, &format!("/api/v1{path}"), lines, body);
        api.check(
            operation,
            &format!("{method} {path} {lines:?} {}", body.chars().take(200).collect::<String>()),
            &answer,
        );
        asked += 1;
        answer
    };
    let find = |id: &str| {
        let (method, path, operation) =
            api.operations().into_iter().find(|(.., o)| o["operationId"] == id).expect("described");
        (method, path, operation)
    };
    let xml = ["Accept: application/xml", operator.as_str()];
    let (method, path, reserving) = find("reserve");

    for (accept, kind) in
        [("application/json", JSON), ("application/xml", JSON), ("application/json", "Content-Type: application/xml")]
    {
        let accept = format!("Accept: {accept}");
        let body = if kind == JSON {
            json!({"title": "As described", "starts": "2027-01-31T12:00:00Z", "formats": ["mp3", "webm"], "over_after_s": 60}).to_string()
        } else {
            "<event><title>As described</title><starts>2027-01-31T12:00:00Z</starts><formats><format>mp3</format></formats>\
             <over_after_s>60</over_after_s></event>"
                .to_owned()
        };
        let answer = say(&method, &path, &reserving, &[&accept, kind, &operator], &body);
        assert_eq!(answer.status, 201, "{}", answer.text());
    }
    // In both spellings, by somebody, by nobody, and by somebody who is wrong.
    for (method, path, operation) in &api.operations() {
        // Of each operation an event of its own: some of them close it.
        let event = say("POST", "/events", &reserving, &[JSON, &operator], r#"{"title":"To be changed"}"#).json();
        let number = event["number"].as_str().expect("a number").to_owned();
        let path = path.replace("{number}", &number);
        let body = if operation["requestBody"].is_object() { r#"{"title":"Changed","starts":null}"# } else { "" };
        let open = operation["security"].as_array().is_some_and(Vec::is_empty);
        for lines in [
            vec![],
            vec!["Authorization: Bearer nonsense"],
            vec!["Authorization: Basic !"],
            vec!["Authorization: Digest x"],
        ] {
            let lines = [lines, vec![JSON]].concat();
            let status = say(method, &path, operation, &lines, body).status;
            assert!(open || status == 401, "{method} {path} {lines:?}: {status}");
        }
        if !open {
            let status = say(method, &path, operation, &["Accept: image/png", JSON], body).status;
            assert_eq!(status, 406, "{method} {path}");
        }
        let status = say(method, &path, operation, &[&xml[..], &[JSON]].concat(), body).status;
        assert!((200..300).contains(&status), "{method} {path}: {status}");
        if path.contains(&number) {
            for stranger in ["1000000008", "1", "..%2f..", "%00", "9999999999999999999999", "é"] {
                let path = path.replace(&number, &stranger.replace('é', "%C3%A9"));
                let status = say(method, &path, operation, &[&operator, JSON], body).status;
                assert_eq!(status, 404, "{method} {path}");
            }
        }
    }
    // What is closed stays so.
    let event = say("POST", "/events", &reserving, &[JSON, &operator], r#"{"title":"Over"}"#).json();
    let over = format!("/events/{}", event["number"].as_str().expect("a number"));
    let ((_, _, cancelling), (_, _, changing)) = (find("cancel"), find("change"));
    assert_eq!(say("DELETE", &over, &cancelling, &[&operator], "").status, 204);
    assert_eq!(say("PATCH", &over, &changing, &[&operator, JSON], r#"{"title":"x"}"#).status, 409);

    // Documents that are none, or say nonsense: an answer in words, and never one of ours that broke.
    let fresh = say("POST", "/events", &reserving, &[JSON, &operator], r#"{"title":"Fuzzed"}"#).json();
    let target = format!("/events/{}", fresh["number"].as_str().expect("a number"));
    for (id, method, path) in [("reserve", "POST", "/events"), ("change", "PATCH", target.as_str())] {
        let (_, _, operation) = find(id);
        let schema = operation["requestBody"]["content"]["application/json"]["schema"].clone();
        for document in api.bad_documents(&schema) {
            let status = say(method, path, &operation, &[JSON, &operator], &document.to_string()).status;
            assert!(status < 500, "{document}");
        }
        for text in ["", "{", "\"", "[[[[[[", "{\"title\":\"a\"}}", "\u{feff}{}", &"[".repeat(40_000), "<a>", "nul"] {
            assert_eq!(say(method, path, &operation, &[JSON, &operator], text).status, 400, "{text:.20}");
            let status = say(method, path, &operation, &["Content-Type: application/xml", &operator], text).status;
            assert!((400..500).contains(&status), "{text:.20}: {status}");
        }
        assert_eq!(say(method, path, &operation, &["Content-Type: text/plain", &operator], "{}").status, 415);
        assert_eq!(say(method, path, &operation, &[JSON, &operator], &"x".repeat(70_000)).status, 413);
    }
    let (_, _, listing) = find("list");
    for query in [
        "limit=0",
        "limit=x",
        "status=live&status=live",
        "from=yesterday",
        "after=5",
        "colour=red",
        "title=%FF",
        "limit=1",
        "title=described",
    ] {
        let status = say("GET", &format!("/events?{query}"), &listing, &[&operator], "").status;
        assert!(status < 500, "{query}");
    }
    println!("{asked} requests, all answered as described");
    let text = portal.log();
    assert!(!text.contains("panicked"), "{text}");
}

#[test]
fn a_link_with_any_bit_changed_opens_nothing() {
    let (_daemon, portal, [_, host, _]) = office(GENEROUS);
    let event = portal.ask("POST", "/api/v1/events", &[&host, JSON], r#"{"title":"Sealed"}"#).json();
    let link = event["link"].as_str().expect("a link").to_owned();
    let (base, token) = link.trim_end_matches('/').rsplit_once('/').expect("a path");
    assert_eq!(portal.ask("GET", &format!("{link}state"), &[], "").status, 200);
    let mut tried = 0;
    for (place, bit) in (0..token.len()).flat_map(|place| (0..8).map(move |bit| (place, bit))) {
        let mut octets = token.as_bytes().to_vec();
        octets[place] ^= 1 << bit;
        let changed: String = octets.iter().map(|octet| format!("%{octet:02X}")).collect();
        let answer = portal.ask("GET", &format!("{base}/{changed}/state"), &[], "");
        // Of octets that are no UTF-8 there is not even a path.
        assert!([400, 403].contains(&answer.status), "bit {bit} of sign {place}: {}", answer.status);
        tried += 1;
    }
    println!("{tried} links with one bit changed, all refused");
    let number = event["number"].as_str().expect("a number");
    let renewed = portal.ask("POST", &format!("/api/v1/events/{number}/link"), &[&host], "").json();
    let old = portal.ask("GET", &format!("{link}state"), &[], "");
    assert_eq!((old.status, old.json()["type"].as_str()), (403, Some("urn:trunkcast:problem:revoked")));
    let new = renewed["link"].as_str().expect("a link");
    assert_eq!(portal.ask("GET", &format!("{new}state"), &[], "").status, 200);
}

#[test]
fn lists_are_paged_and_each_sees_his_own() {
    let (_daemon, portal, [viewer, host, operator]) = office(GENEROUS);
    let reserve = |line: &str, title: &str| {
        let answer = portal.ask("POST", "/api/v1/events", &[line, JSON], &json!({ "title": title }).to_string());
        (answer.status, answer.json()["number"].as_str().map(str::to_owned))
    };
    assert_eq!(reserve(&viewer, "No").0, 403);
    let own: Vec<String> = (0..5).filter_map(|n| reserve(&host, &format!("Own {n}")).1).collect();
    let (_, other) = reserve(&operator, "Other");
    let other = other.expect("reserved");
    let list = |line: &str, query: &str| portal.ask("GET", &format!("/api/v1/events?{query}"), &[line], "").json();
    let numbers = |list: &Value| -> Vec<String> {
        list["events"]
            .as_array()
            .expect("events")
            .iter()
            .filter_map(|e| e["number"].as_str().map(str::to_owned))
            .collect()
    };
    assert_eq!((numbers(&list(&host, "")).len(), numbers(&list(&viewer, "")).len()), (5, 6));
    let (mut seen, mut after) = (Vec::new(), String::new());
    loop {
        let page = list(&host, &format!("limit=2{after}"));
        seen.extend(numbers(&page));
        let Some(next) = page["next"].as_str() else { break };
        after = format!("&after={next}");
    }
    let mut expected = own.clone();
    expected.sort();
    assert_eq!(seen, expected);
    assert_eq!(numbers(&list(&operator, "title=oth")), [other.as_str()]);
    assert!(numbers(&list(&operator, "status=live")).is_empty());

    let ask = |method: &str, line: &str, path: &str| portal.ask(method, path, &[line], "").status;
    let path = format!("/api/v1/events/{other}");
    assert_eq!(
        (ask("GET", &host, &path), ask("DELETE", &host, &path)),
        (404, 404),
        "another's event is not there for a host"
    );
    assert_eq!((ask("GET", &viewer, &path), ask("DELETE", &viewer, &path)), (200, 403));
    assert_eq!(ask("DELETE", &operator, &path), 204);
    assert_eq!(portal.ask("GET", &path, &[&operator], "").json()["status"], "cancelled");
    // kim:a long password
    let kim = "Authorization: Basic a2ltOmEgbG9uZyBwYXNzd29yZA==";
    assert_eq!(ask("GET", kim, &path), 200);
    assert_eq!(ask("GET", "Authorization: Basic a2ltOndyb25n", &path), 401);
    assert_eq!(ask("PUT", &operator, &path), 405);
}

#[test]
fn a_request_that_is_sent_again_reserves_once_also_when_the_portal_was_killed() {
    let (daemon, mut portal, [_, host, _]) = office(GENEROUS);
    let send = |portal: &Portal, title: &str| {
        let lines = [host.as_str(), JSON, "Idempotency-Key: 4711-a"];
        let answer = portal.ask("POST", "/api/v1/events", &lines, &json!({ "title": title }).to_string());
        (answer.status, answer.json()["number"].clone(), answer.json()["pins"].clone())
    };
    let first = send(&portal, "Once");
    assert_eq!(first.0, 201);
    assert_eq!(send(&portal, "Once"), (200, first.1.clone(), first.2.clone()));
    assert_eq!(send(&portal, "Twice").0, 409);
    portal.kill();
    drop(portal);
    let portal = Portal::beside(&daemon, GENEROUS);
    assert_eq!(send(&portal, "Once"), (200, first.1, first.2));
    let list = portal.ask("GET", "/api/v1/events", &[&host], "").json();
    assert_eq!(list["events"].as_array().map(Vec::len), Some(1));
}

#[test]
fn who_asks_too_much_is_told_when_to_come_again() {
    let (_daemon, portal, [_, host, _]) = office("[limits]\nrequests = 100000\nreservations = 60\nsign_ins = 20");
    let reserve = || portal.ask("POST", "/api/v1/events", &[&host, JSON], r#"{"title":"a"}"#);
    let answers: Vec<Answer> = (0..7).map(|_| reserve()).collect();
    let statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
    assert_eq!(statuses, [201, 201, 201, 201, 201, 429, 429]);
    let wait: u64 = answers[6].line("retry-after").and_then(|s| s.parse().ok()).expect("seconds");
    assert!((1..=60).contains(&wait), "{wait}");
    let guess = || portal.ask("GET", "/api/v1/events", &["Authorization: Bearer tcp_guess"], "").status;
    let statuses: Vec<u16> = (0..7).map(|_| guess()).collect();
    assert_eq!(statuses, [401, 401, 401, 401, 401, 429, 429]);
    assert_eq!(portal.ask("GET", "/api/v1/events", &[&host], "").status, 200, "a right token is no guess");
}

#[test]
fn every_answer_carries_what_keeps_pages_apart() {
    let (_daemon, portal, _) = office("open = true");
    for path in [
        "/",
        "/sign-in",
        "/nothing",
        "/api/v1/nothing",
        "/assets/style.css",
        "/a/x/",
        "/host/",
        "/operator/",
        "/api/v1/events",
    ] {
        let answer = portal.ask("GET", path, &[], "");
        let policy = answer.line("content-security-policy").unwrap_or_default();
        assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{path}: {policy}");
        for (name, value) in
            [("x-content-type-options", "nosniff"), ("referrer-policy", "no-referrer"), ("x-frame-options", "DENY")]
        {
            assert_eq!(answer.line(name), Some(value), "{path}");
        }
        assert!(
            !answer.text().contains("<script>") && !answer.text().contains(" style=\""),
            "{path}: against the policy"
        );
    }
    let foreign = portal.ask(
        "POST",
        "/reserve",
        &["Origin: https://evil.example", "Content-Type: application/x-www-form-urlencoded"],
        "title=a&key=b",
    );
    assert_eq!(foreign.status, 403, "a form of another site");
}
