//! Somebody who means harm, at the door of the portal: what he writes is shown as he wrote it, other people's events are not there
//! for him, and he is led nowhere but here.
//!
//! Forms of other sites, rates, changed links and the lines against framing are tried in `portal_api.rs`.
//!
//! Source: the OWASP Top Ten and the cheat sheets beside it.

use hw_tests::daemon::{Daemon, T1};
use hw_tests::web::{Answer, Portal};
use serde_json::json;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

const FORM: &str = "Content-Type: application/x-www-form-urlencoded";
const JSON: &str = "Content-Type: application/json";

fn start() -> (Daemon, Portal) {
    let daemon = Daemon::start("", "", T1);
    let portal =
        Portal::beside(&daemon, "open = true\n[limits]\nrequests = 2000000\nreservations = 20000\nsign_ins = 200");
    (daemon, portal)
}

/// Reserves on the form; the session's line for requests, and the event's number.
fn reserve(portal: &Portal, title: &str, key: &str, lines: &[&str]) -> (String, String, Answer) {
    let answer = portal.ask("POST", "/reserve", &[lines, &[FORM]].concat(), &format!("title={title}&key={key}"));
    assert_eq!(answer.status, 200, "{}", answer.text());
    let cookie = answer.line("set-cookie").and_then(|line| line.split(';').next()).unwrap_or_default().to_owned();
    let page = answer.text();
    let number = page.split("id=\"number\">").nth(1).and_then(|rest| rest.split('<').next()).expect("a number");
    let number = number.chars().filter(char::is_ascii_digit).collect();
    (format!("Cookie: {cookie}"), number, answer)
}

/// The secret in the forms of a page.
fn form_of(page: &Answer) -> String {
    let page = page.text();
    let value = page.split("name=\"form\" value=\"").nth(1).and_then(|rest| rest.split('"').next());
    value.expect("a form").to_owned()
}

#[test]
fn what_somebody_writes_is_never_part_of_a_page() {
    let (_daemon, portal) = start();
    let title = "%3Cscript%3Ealert(1)%3C/script%3E%22%3E%3Cimg+src=x+onerror=alert(1)%3E";
    let (session, number, page) = reserve(&portal, title, "a", &[]);
    let link = portal.ask("GET", &format!("/api/v1/events/{number}"), &[&session], "");
    assert_eq!(link.status, 401, "the interface for programs knows no sessions, so no page can use it");
    let host = portal.ask("GET", &format!("/host/{number}/"), &[&session], "");
    let audience =
        host.text().split("<a href=\"http").nth(1).and_then(|rest| rest.split('"').next().map(str::to_owned));
    let audience = portal.ask("GET", &format!("http{}", audience.expect("a link")), &["Accept: text/html"], "");
    let list = portal.ask("GET", "/host/", &[&session], "");
    let wrong = portal.ask("POST", "/sign-in", &[FORM], "name=%22%3E%3Cscript%3Ealert(1)%3C/script%3E&secret=x");
    for page in [page, host, audience, list, wrong] {
        let text = page.text();
        assert!(text.contains("alert(1)"), "it is shown: {text}");
        assert!(!text.contains("<script>alert") && !text.contains("<img"), "{text}");
    }
    // A title cannot add a line to a list for players.
    let line = portal.ask("POST", "/api/v1/events", &[JSON], &json!({"title": "a\nhttp://evil.example/"}).to_string());
    assert_eq!(line.status, 422);
}

#[test]
fn a_host_is_host_of_his_own_event_alone() {
    let (_daemon, portal) = start();
    let (session, own, _) = reserve(&portal, "Own", "a", &[]);
    let (_, other, _) = reserve(&portal, "Other", "b", &[]);
    let page = portal.ask("GET", &format!("/host/{own}/"), &[&session], "");
    let form = form_of(&page);
    for path in ["", "callers", "usage.csv", "usage.json"] {
        let ask = |lines: &[&str]| portal.ask("GET", &format!("/host/{other}/{path}"), lines, "").status;
        assert_eq!((ask(&[&session]), ask(&[])), (404, 401), "{path}");
    }
    for (path, body) in [("end", "sure=1"), ("link", ""), ("edit", "title=Mine&starts="), ("order", "order=lock")] {
        let post = |number: &str, form: &str| {
            let body = format!("form={form}&{body}");
            portal.ask("POST", &format!("/host/{number}/{path}"), &[&session, FORM], &body).status
        };
        assert_eq!(post(&other, &form), 404, "{path}");
        assert_eq!(post(&own, "0000"), 403, "{path}: a form that is not of this session");
    }
    assert_eq!(portal.ask("GET", "/operator/", &[&session], "").status, 403);
    let call = portal.ask("POST", "/operator/call-in", &[&session, FORM], &format!("form={form}&event={own}"));
    assert_eq!(call.status, 403);
}

#[test]
fn a_session_is_one_that_the_portal_gave() {
    let (_daemon, portal) = start();
    let planted = "Cookie: trunkcast=0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    let (session, number, answer) = reserve(&portal, "Fixed", "a", &[planted]);
    assert_ne!(session, planted);
    let line = answer.line("set-cookie").expect("a session");
    assert!(line.contains("HttpOnly") && line.contains("SameSite=Lax"), "{line}");
    assert_eq!(portal.ask("GET", &format!("/host/{number}/"), &[planted], "").status, 401);
    let form = form_of(&portal.ask("GET", &format!("/host/{number}/"), &[&session], ""));
    assert_eq!(portal.ask("POST", "/sign-out", &[&session, FORM], &format!("form={form}")).status, 303);
    assert_eq!(
        portal.ask("GET", &format!("/host/{number}/"), &[&session], "").status,
        401,
        "it has ended here as well"
    );
}

#[test]
fn nobody_is_led_elsewhere() {
    let (_daemon, portal) = start();
    for path in ["//evil.example", "/a//evil.example", "/a/%2F%2Fevil.example", "/a/\\evil.example", "/a/x%0d%0aX-Y:z"]
    {
        let answer = portal.ask("GET", path, &[], "");
        assert!([403, 404].contains(&answer.status), "{path}: {}", answer.status);
        assert_eq!((answer.line("location"), answer.line("x-y")), (None, None), "{path}");
    }
    for path in ["/assets/../../Cargo.toml", "/assets/..%2f..%2fportal.toml", "/assets/%2e%2e/portal.toml"] {
        assert_eq!(portal.ask("GET", path, &[], "").status, 404, "{path}");
    }
    // What a link begins with is the portal's own word, not the asker's.
    let event = portal.ask("POST", "/api/v1/events", &[JSON, "X-Forwarded-Host: evil.example"], r#"{"title":"a"}"#);
    assert!(!event.text().contains("evil"), "{}", event.text());
}

/// What these octets are answered with: statuses.
fn statuses(portal: &Portal, octets: &[u8]) -> Vec<String> {
    let mut stream = TcpStream::connect(&portal.address).expect("connected");
    stream.set_read_timeout(Some(Duration::from_secs(5))).expect("set");
    stream.write_all(octets).expect("sent");
    let mut text = String::new();
    // Closed, reset, or left open: what was said counts.
    let _ = stream.read_to_string(&mut text);
    text.lines().filter_map(|line| line.strip_prefix("HTTP/1.1 ")).map(|line| line[..3].to_owned()).collect()
}

#[test]
fn a_request_is_one_request() {
    let (_daemon, portal) = start();
    let hidden = "GET /operator/ HTTP/1.1\r\nHost: x\r\n\r\n";
    for lines in [
        "Content-Length: 4\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: xchunked",
        "Content-Length: 4\r\nContent-Length: 5",
    ] {
        let octets = format!("POST /reserve HTTP/1.1\r\nHost: x\r\n{lines}\r\n\r\n0\r\n\r\n{hidden}");
        // Refused, and what follows is not read (RFC 9112, clause 6.3).
        let answers = statuses(&portal, octets.as_bytes());
        assert!(answers.len() == 1 && answers[0].starts_with('4'), "{lines}: {answers:?}");
    }
    let many: String = (0..5000).map(|nth| format!("X{nth}: y\r\n")).collect();
    assert_eq!(statuses(&portal, format!("GET / HTTP/1.1\r\nHost: x\r\n{many}\r\n").as_bytes()), ["431"]);
}
