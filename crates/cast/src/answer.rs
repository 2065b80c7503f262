//! What a request is answered with, given what its port is doing.
//!
//! Decides only; opens nothing and counts nothing. A path that names another event than the port's is
//! answered 404 whatever the port does, so that an old link never opens a new event.

use crate::encoder::Format;
use crate::http::{self, Method, Request, Status};
use crate::icy;
use crate::page;
use std::time::SystemTime;

/// What a port looks like from outside.
#[derive(Clone, Copy, Debug)]
pub(crate) enum View<'a> {
    /// Never used, or released.
    Idle,
    /// An event has it but does not speak yet.
    Reserved { event: &'a str },
    /// On the air.
    Live { event: &'a str, title: &'a str, formats: &'a [Format], full: bool },
    /// The event is over.
    Over { event: &'a str },
}

/// What to do with a request.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// Send this and close.
    Short(Vec<u8>),
    /// Send this and close; the request was a listener's and the port was full.
    Full(Vec<u8>),
    /// Send this head and then the stream of this format (an index of the port's formats).
    Stream { head: Vec<u8>, format: usize, icy: bool },
}

const TEXT: &str = "text/plain; charset=utf-8";
/// Reserved events usually speak within seconds; a full port rarely empties.
const RETRY_SOON_S: &str = "2";
const RETRY_FULL_S: &str = "30";

/// Answers a request.
pub(crate) fn answer(request: &Request, view: View<'_>, now: SystemTime) -> Answer {
    match request.method {
        Method::Options => return Answer::Short(options(now)),
        Method::Other => {
            let allow = [("Allow", "GET, HEAD, OPTIONS")];
            return say(Status::MethodNotAllowed, now, true, "Streams are fetched with GET.", &allow);
        }
        Method::Get | Method::Head => {}
    }
    let body = request.method == Method::Get;
    let name = request.path.trim_start_matches('/');
    let (asked, extension) = match name.split_once('.') {
        Some((event, extension)) => (event, Some(extension)),
        None => (name, None),
    };
    let event = match view {
        View::Idle => return say(Status::NotFound, now, body, "Nothing is on the air on this port.", &[]),
        View::Reserved { event } | View::Live { event, .. } | View::Over { event } => event,
    };
    if asked != event && !name.is_empty() {
        return say(Status::NotFound, now, body, "This port does not carry what the address names.", &[]);
    }
    match view {
        View::Idle => unreachable!("answered above"),
        View::Reserved { .. } => {
            let text = format!("Event {event} has not begun to speak yet.");
            say(Status::Unavailable, now, body, &text, &[("Retry-After", RETRY_SOON_S)])
        }
        View::Over { .. } => say(Status::Gone, now, body, &format!("Event {event} is over."), &[]),
        View::Live { title, formats, full, .. } => match extension {
            None => {
                let page = page::on_air(event, title, formats);
                let policy = [("Content-Security-Policy", page::POLICY)];
                Answer::Short(http::text(Status::Ok, now, "text/html; charset=utf-8", &page, body, &policy))
            }
            Some(extension) => match formats.iter().position(|f| f.extension() == extension) {
                None => {
                    let offered: Vec<_> = formats.iter().map(|f| format!(".{f}")).collect();
                    let text = format!("Event {event} is cast as {}.", offered.join(", "));
                    say(Status::NotFound, now, body, &text, &[])
                }
                // HEAD is not a listener: it is answered even when the port is full.
                Some(_) if full && body => match say(
                    Status::Unavailable,
                    now,
                    body,
                    "As many listen as this port allows.",
                    &[("Retry-After", RETRY_FULL_S)],
                ) {
                    Answer::Short(octets) => Answer::Full(octets),
                    other => other,
                },
                Some(format) => {
                    let head = stream_head(request, event, title, formats[format], now);
                    if body { Answer::Stream { head, format, icy: request.icy } } else { Answer::Short(head) }
                }
            },
        },
    }
}

/// The answer to something that is no request.
pub(crate) fn refusal(status: Status, now: SystemTime) -> Vec<u8> {
    http::text(status, now, TEXT, "This is not a request this server understands.\n", true, &[])
}

fn say(status: Status, now: SystemTime, body: bool, line: &str, lines: &[(&str, &str)]) -> Answer {
    Answer::Short(http::text(status, now, TEXT, &format!("{line}\n"), body, lines))
}

fn options(now: SystemTime) -> Vec<u8> {
    let lines = [
        ("Allow", "GET, HEAD, OPTIONS"),
        ("Access-Control-Allow-Methods", "GET, HEAD, OPTIONS"),
        ("Access-Control-Allow-Headers", "Range, Icy-MetaData, Content-Type"),
        ("Access-Control-Max-Age", "86400"),
    ];
    http::head(Status::NoContent, now, &lines)
}

/// No length and no `Accept-Ranges`: with either, browsers ask for the rest of a "file" that is none. For
/// the same reason `Range: bytes=0-` is answered 200.
fn stream_head(request: &Request, event: &str, title: &str, format: Format, now: SystemTime) -> Vec<u8> {
    let title = icy::printable(if title.is_empty() { event } else { title });
    let (rate, interval) = (format.kbit_s().to_string(), icy::INTERVAL.to_string());
    let mut lines = vec![("Content-Type", format.content_type()), ("icy-name", &title), ("icy-br", &rate)];
    if request.icy {
        lines.push(("icy-metaint", &interval));
    }
    http::head(Status::Ok, now, &lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIVE: View<'_> = View::Live { event: "123", title: "Meeting", formats: &[Format::Mp3], full: false };

    fn ask(method: Method, path: &str, view: View<'_>) -> (String, Answer) {
        let request = Request { method, path: path.to_owned(), icy: false };
        let answer = answer(&request, view, SystemTime::UNIX_EPOCH);
        let octets = match &answer {
            Answer::Short(octets) | Answer::Full(octets) | Answer::Stream { head: octets, .. } => octets.clone(),
        };
        (String::from_utf8(octets).unwrap(), answer)
    }

    fn status(method: Method, path: &str, view: View<'_>) -> u16 {
        ask(method, path, view).0[9..12].parse().unwrap()
    }

    #[test]
    fn each_state_has_its_answer() {
        let reserved = View::Reserved { event: "123" };
        let over = View::Over { event: "123" };
        for (path, expected) in [
            ("/", [404, 503, 200, 410]),
            ("/123", [404, 503, 200, 410]),
            ("/123.mp3", [404, 503, 200, 410]),
            ("/124.mp3", [404; 4]),
            ("/124", [404; 4]),
            ("/favicon.ico", [404; 4]),
            ("/..", [404; 4]),
            ("/.mp3", [404; 4]),
        ] {
            for (view, expected) in [View::Idle, reserved, LIVE, over].into_iter().zip(expected) {
                assert_eq!(status(Method::Get, path, view), expected, "{path} {view:?}");
                assert_eq!(status(Method::Head, path, view), expected, "{path} {view:?}");
                assert_eq!(status(Method::Options, path, view), 204);
                assert_eq!(status(Method::Other, path, view), 405);
            }
        }
        assert_eq!(status(Method::Get, "/123.opus", LIVE), 404);
        assert!(ask(Method::Get, "/", reserved).0.contains("\r\nRetry-After: 2\r\n"));
        assert!(ask(Method::Other, "/", LIVE).0.contains("\r\nAllow: GET, HEAD, OPTIONS\r\n"));
    }

    #[test]
    fn a_stream_has_no_length_and_every_other_body_has() {
        let (head, answer) = ask(Method::Get, "/123.mp3", LIVE);
        assert!(matches!(answer, Answer::Stream { format: 0, icy: false, .. }));
        for absent in ["content-length", "accept-ranges", "transfer-encoding", "icy-metaint"] {
            assert!(!head.to_lowercase().contains(&format!("\r\n{absent}:")), "{absent}");
        }
        for line in ["Content-Type: audio/mpeg", "Cache-Control: no-store", "Connection: close", "icy-name: Meeting"] {
            assert!(head.contains(&format!("\r\n{line}\r\n")), "{line}");
        }
        let (page, _) = ask(Method::Get, "/", LIVE);
        let (head, body) = page.split_once("\r\n\r\n").unwrap();
        assert!(head.contains(&format!("\r\nContent-Length: {}", body.len())));
        assert_eq!(ask(Method::Head, "/", LIVE).0, format!("{head}\r\n\r\n"));
    }

    #[test]
    fn a_full_port_takes_questions_but_no_listeners() {
        let full = View::Live { event: "123", title: "", formats: &[Format::Mp3], full: true };
        assert!(matches!(ask(Method::Get, "/123.mp3", full).1, Answer::Full(_)));
        assert_eq!(status(Method::Get, "/123.mp3", full), 503);
        assert_eq!(status(Method::Head, "/123.mp3", full), 200);
        assert_eq!(status(Method::Get, "/", full), 200);
    }

    #[test]
    fn titles_cannot_add_lines() {
        let view = View::Live { event: "123", title: "a\r\nSet-Cookie: b", formats: &[Format::Mp3], full: false };
        assert!(!ask(Method::Get, "/123.mp3", view).0.contains("\r\nSet-Cookie"));
    }

    #[test]
    fn every_answer_may_be_read_from_other_sites() {
        for view in [View::Idle, LIVE, View::Over { event: "123" }] {
            for method in [Method::Get, Method::Head, Method::Options, Method::Other] {
                assert!(ask(method, "/123.mp3", view).0.contains("\r\nAccess-Control-Allow-Origin: *\r\n"));
            }
        }
    }
}
