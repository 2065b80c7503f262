//! Requests as octets, and the heads of answers.
//!
//! Only what a listener needs is read. An answer ends when the connection does: a live stream has no
//! length, players of every age understand "until it closes", and chunked coding would put its marks
//! between the octets of frames for those that do not speak HTTP/1.1 well. What has a length says it.
//!
//! Source: RFC 9110, RFC 9112; the fetch standard for the `Access-Control-` lines.

use crate::door::split_pass;
use crate::utc;
use std::fmt::Write as _;
use std::time::SystemTime;

/// Octets of a request's head at most.
pub(crate) const HEAD_MOST: usize = 8192;
const FIELDS_MOST: usize = 64;

/// What was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Request {
    pub(crate) method: Method,
    /// Without query and pass, decoded no further: names here have no characters that need it.
    pub(crate) path: String,
    /// What the address carried to be let in.
    pub(crate) pass: Option<String>,
    /// Titles inside the stream are wanted.
    pub(crate) icy: bool,
    /// The host that was asked, as it was written.
    pub(crate) host: Option<String>,
    /// The media types that would be liked.
    pub(crate) accept: Option<String>,
}

/// The methods told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Method {
    Get,
    Head,
    Options,
    Other,
}

/// What has arrived so far.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Parsed {
    /// Not the whole head yet.
    Partial,
    /// A request.
    Whole(Request),
    /// Nothing we understand; the status to answer with.
    Bad(Status),
}

/// The answers there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    Ok,
    NoContent,
    BadRequest,
    Forbidden,
    NotFound,
    MethodNotAllowed,
    Gone,
    TooMany,
    HeadTooLarge,
    Unavailable,
}

impl Status {
    fn line(self) -> &'static str {
        match self {
            Status::Ok => "200 OK",
            Status::NoContent => "204 No Content",
            Status::BadRequest => "400 Bad Request",
            Status::Forbidden => "403 Forbidden",
            Status::NotFound => "404 Not Found",
            Status::MethodNotAllowed => "405 Method Not Allowed",
            Status::Gone => "410 Gone",
            Status::TooMany => "429 Too Many Requests",
            Status::HeadTooLarge => "431 Request Header Fields Too Large",
            Status::Unavailable => "503 Service Unavailable",
        }
    }
}

/// Reads a request's head from all octets that have arrived.
pub(crate) fn parse(octets: &[u8]) -> Parsed {
    let mut fields = [httparse::EMPTY_HEADER; FIELDS_MOST];
    let mut request = httparse::Request::new(&mut fields);
    match request.parse(octets) {
        Ok(httparse::Status::Partial) if octets.len() >= HEAD_MOST => Parsed::Bad(Status::HeadTooLarge),
        Ok(httparse::Status::Partial) => Parsed::Partial,
        Ok(httparse::Status::Complete(length)) if length > HEAD_MOST => Parsed::Bad(Status::HeadTooLarge),
        Ok(httparse::Status::Complete(_)) => whole(&request),
        Err(httparse::Error::TooManyHeaders) => Parsed::Bad(Status::HeadTooLarge),
        Err(_) => Parsed::Bad(Status::BadRequest),
    }
}

fn whole(request: &httparse::Request<'_, '_>) -> Parsed {
    let field = |name: &'static str| request.headers.iter().filter(move |f| f.name.eq_ignore_ascii_case(name));
    // RFC 9112, 3.2: HTTP/1.1 without exactly one Host is to be refused.
    if request.version == Some(1) && field("Host").count() != 1 {
        return Parsed::Bad(Status::BadRequest);
    }
    let method = match request.method {
        Some("GET") => Method::Get,
        Some("HEAD") => Method::Head,
        Some("OPTIONS") => Method::Options,
        _ => Method::Other,
    };
    let target = request.path.unwrap_or("/");
    // RFC 9112, 3.2.2: the absolute form, which proxies send, must be understood.
    let scheme = target.find("://").filter(|&at| !target[..at].contains('/'));
    let path = match scheme {
        Some(at) => target[at + 3..].find('/').map_or("/", |slash| &target[at + 3 + slash..]),
        None => target,
    };
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let asterisk = path == "*" && method == Method::Options;
    if !(path.starts_with('/') || asterisk) {
        return Parsed::Bad(Status::BadRequest);
    }
    let (pass, path) = split_pass(path);
    let icy = field("Icy-MetaData").any(|f| f.value.trim_ascii() == b"1");
    let text = |name| field(name).next().and_then(|f| std::str::from_utf8(f.value).ok()).map(str::to_owned);
    let (host, accept) = (text("Host"), text("Accept"));
    Parsed::Whole(Request { method, path: path.to_owned(), pass: pass.map(str::to_owned), icy, host, accept })
}

/// The head of an answer, with what every answer carries and the lines given. Unless a line says otherwise
/// nobody may keep it.
///
/// Values are ours or have passed [`printable`](crate::icy::printable): no line can smuggle another in.
pub(crate) fn head(status: Status, now: SystemTime, lines: &[(&str, &str)]) -> Vec<u8> {
    let mut head = format!(
        "HTTP/1.1 {}\r\n\
         Server: Trunkcast\r\n\
         Date: {}\r\n\
         Connection: close\r\n\
         X-Content-Type-Options: nosniff\r\n\
         Access-Control-Allow-Origin: *\r\n\
         Access-Control-Expose-Headers: icy-br, icy-metaint, icy-name, Retry-After\r\n",
        status.line(),
        utc::http_date(utc::unix_ms(now)),
    );
    let fleeting = [("Cache-Control", "no-store")];
    let kept = lines.iter().any(|(name, _)| *name == "Cache-Control");
    for (name, value) in fleeting.iter().filter(|_| !kept).chain(lines) {
        let _ = write!(head, "{name}: {value}\r\n");
    }
    head.push_str("\r\n");
    head.into_bytes()
}

/// A whole answer; `with_body` is false for HEAD, which tells the length all the same.
pub(crate) fn whole_answer(
    status: Status,
    now: SystemTime,
    kind: &str,
    body: &[u8],
    with_body: bool,
    lines: &[(&str, &str)],
) -> Vec<u8> {
    let length = body.len().to_string();
    let mut all = vec![("Content-Type", kind), ("Content-Length", &length)];
    all.extend_from_slice(lines);
    let mut answer = head(status, now, &all);
    if with_body {
        answer.extend_from_slice(body);
    }
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(octets: &str) -> Option<Request> {
        match parse(octets.as_bytes()) {
            Parsed::Whole(request) => Some(request),
            Parsed::Partial | Parsed::Bad(_) => None,
        }
    }

    #[test]
    fn requests_of_different_players() {
        let browser = "GET /123.mp3?t=5 HTTP/1.1\r\nHost: a:10000\r\nRange: bytes=0-\r\n\r\n";
        let path = "/123.mp3".to_owned();
        let host = Some("a:10000".to_owned());
        let simple = Request { method: Method::Get, path, pass: None, icy: false, host: host.clone(), accept: None };
        assert_eq!(request(browser), Some(simple.clone()));
        let player = "GET /123.mp3 HTTP/1.0\r\nicy-metadata: 1\r\naccept: audio/*\r\n\r\n";
        let accept = Some("audio/*".to_owned());
        assert_eq!(request(player), Some(Request { icy: true, host: None, accept, ..simple.clone() }));
        let proxy = "HEAD http://a:10000/123.mp3 HTTP/1.1\r\nHost: a:10000\r\n\r\n";
        assert_eq!(request(proxy), Some(Request { method: Method::Head, ..simple }));
        let admitted = request("GET /m/m1.10.AA.BB/123.mp3 HTTP/1.0\r\n\r\n").unwrap();
        assert_eq!((admitted.path.as_str(), admitted.pass.as_deref()), ("/123.mp3", Some("m1.10.AA.BB")));
        let bare = request("GET http://a HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
        assert_eq!(bare.path, "/");
        let all = request("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
        assert_eq!((all.method, all.path.as_str()), (Method::Options, "*"));
    }

    #[test]
    fn every_prefix_of_a_request_is_partial() {
        let whole = b"GET /123.mp3 HTTP/1.1\r\nHost: a\r\nUser-Agent: b\r\n\r\n";
        for end in 0..whole.len() {
            assert_eq!(parse(&whole[..end]), Parsed::Partial, "{end}");
        }
        assert!(matches!(parse(whole), Parsed::Whole(_)));
    }

    #[test]
    fn what_is_no_request_is_refused() {
        let bad = |octets: &[u8]| match parse(octets) {
            Parsed::Bad(status) => Some(status),
            Parsed::Partial | Parsed::Whole(_) => None,
        };
        assert_eq!(bad(b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03"), Some(Status::BadRequest));
        assert_eq!(bad(b"GET / HTTP/1.1\r\n\r\n"), Some(Status::BadRequest));
        assert_eq!(bad(b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"), Some(Status::BadRequest));
        assert_eq!(bad(b"GET 123.mp3 HTTP/1.1\r\nHost: a\r\n\r\n"), Some(Status::BadRequest));
        assert_eq!(bad(b"GET / HTTP/2.0\r\nHost: a\r\n\r\n"), Some(Status::BadRequest));
        let long = format!("GET / HTTP/1.1\r\nHost: a\r\nX: {}", "x".repeat(HEAD_MOST));
        assert_eq!(bad(long.as_bytes()), Some(Status::HeadTooLarge));
        let many = format!("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", "X: y\r\n".repeat(FIELDS_MOST));
        assert_eq!(bad(many.as_bytes()), Some(Status::HeadTooLarge));
    }
}
