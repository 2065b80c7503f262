//! What a request is answered with, given what its port is doing.
//!
//! Decides only; opens nothing and counts nothing. An address that names another event than the port's is
//! answered 404 whatever the port does, so that an old link never opens a new event; `/`, `/live.…` and
//! `/listen.…` are for whoever wants what the port carries, whatever it is.
//!
//! Source: RFC 9110 for statuses; RFC 8216 for what HLS asks for.

use crate::door::{Because, TurnedAway, with_pass};
use crate::format::Format;
use crate::hls::{File, Hls};
use crate::http::{self, Method, Request, Status};
use crate::icy;
use crate::listing::{self, Wish};
use crate::page;
use crate::pcmu;
use metafile::{Base, Wanted};
use std::time::SystemTime;

/// What a port looks like from outside.
#[derive(Clone, Copy, Debug)]
pub(crate) enum View<'a> {
    /// Never used, or released.
    Idle,
    /// An event has it but does not speak yet.
    Reserved { event: &'a str },
    /// On the air.
    Live { port: u16, event: &'a str, title: &'a str, formats: &'a [Format], full: bool, hls: Option<&'a Hls> },
    /// The event is over; the last segments are there for a while.
    Over { event: &'a str, hls: Option<&'a Hls> },
}

/// How the port is reached from outside.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Way<'a> {
    /// Where listeners are told to go.
    pub(crate) base: &'a Base,
    /// The host, for those who do not say which they asked.
    pub(crate) otherwise: &'a str,
}

/// What to do with a request.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// Send this and close.
    Short(Vec<u8>),
    /// Send this and close; the request was a listener's and the port was full.
    Full(Vec<u8>),
    /// Send this and close; it is a segment of this number.
    Segment { octets: Vec<u8>, number: u64 },
    /// Send this head and then the stream of this format (an index of the port's formats).
    Stream { head: Vec<u8>, format: usize, icy: bool },
}

/// What an address names on a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Target<'a> {
    /// The page about it.
    Page,
    /// The event in what has this extension.
    Stream(&'a str),
    /// A file of its segments.
    Segment(&'a str),
    /// A list of its streams; what comes after the name.
    List(&'a str),
}

const TEXT: &str = "text/plain; charset=utf-8";
/// The name that stands for whatever event a port carries.
const WHATEVER: &str = "live";
/// The name of the lists.
const LIST: &str = "listen";
/// Asked for by players that would not know what raw octets are: µ-law with a header that says so.
const AU: &str = "au";
/// Reserved events usually speak within seconds; a full port rarely empties.
const RETRY_SOON_S: &str = "2";
const RETRY_FULL_S: &str = "30";
/// A name stands for the same octets for ever.
const IMMUTABLE: (&str, &str) = ("Cache-Control", "public, max-age=31536000, immutable");
/// May be kept, but is to be asked for each time.
const CHANGING: (&str, &str) = ("Cache-Control", "no-cache");

/// Answers a request.
pub(crate) fn answer(request: &Request, view: View<'_>, way: Way<'_>, now: SystemTime) -> Answer {
    match request.method {
        Method::Options => return Answer::Short(options(now)),
        Method::Other => {
            let allow = [("Allow", "GET, HEAD, OPTIONS")];
            return say(Status::MethodNotAllowed, now, true, "Streams are fetched with GET.", &allow);
        }
        Method::Get | Method::Head => {}
    }
    let body = request.method == Method::Get;
    let event = match view {
        View::Idle => return say(Status::NotFound, now, body, "Nothing is on the air on this port.", &[]),
        View::Reserved { event } | View::Live { event, .. } | View::Over { event, .. } => event,
    };
    let Some(target) = target(&request.path, event) else {
        return say(Status::NotFound, now, body, "This port does not carry what the address names.", &[]);
    };
    match (view, target) {
        (View::Idle, _) => unreachable!("answered above"),
        (View::Reserved { .. }, _) => {
            let text = format!("Event {event} has not begun to speak yet.");
            say(Status::Unavailable, now, body, &text, &[("Retry-After", RETRY_SOON_S)])
        }
        (View::Live { title, formats, full, .. }, Target::Page) => {
            // One address for people and players, of which each gets what it understands.
            let heard = Some(()).filter(|()| listing::is_player(request.accept.as_deref()));
            match heard.and_then(|()| listing::preferred(formats)) {
                Some(Format::Pcmu) => stream(request, event, title, formats, full, AU, now),
                Some(format) => stream(request, event, title, formats, full, format.extension(), now),
                None => show_page(event, title, formats, now, body),
            }
        }
        (View::Live { port, title, formats, .. }, Target::List(rest)) => {
            let address = |path: &str| {
                let path = with_pass(request.pass.as_deref(), path);
                way.base.address(request.host.as_deref(), way.otherwise, port, &path)
            };
            list(request, listing::wish(rest, request.accept.as_deref()), event, title, formats, address, now)
        }
        (View::Live { hls: Some(hls), .. } | View::Over { hls: Some(hls), .. }, Target::Segment(name)) => {
            segment(hls, name, now, body)
        }
        (View::Live { hls: Some(hls), .. } | View::Over { hls: Some(hls), .. }, Target::Stream(extension))
            if extension == Format::Hls.extension() =>
        {
            playlist(hls, event, now, body)
        }
        (View::Live { title, formats, full, .. }, Target::Stream(extension)) => {
            stream(request, event, title, formats, full, extension, now)
        }
        (View::Live { .. }, Target::Segment(_)) => {
            say(Status::NotFound, now, body, &format!("Event {event} is not cast in segments."), &[])
        }
        (View::Over { .. }, _) => say(Status::Gone, now, body, &format!("Event {event} is over."), &[]),
    }
}

/// Whose door a request stands at: none where nothing would be given out to anybody.
pub(crate) fn at_the_door_of<'a>(request: &Request, view: View<'a>) -> Option<&'a str> {
    match view {
        View::Reserved { event } | View::Live { event, .. } | View::Over { event, .. } => {
            matches!(request.method, Method::Get | Method::Head).then_some(event)
        }
        View::Idle => None,
    }
}

/// The answer to somebody who may not listen.
pub(crate) fn turned_away(request: &Request, why: &TurnedAway, now: SystemTime) -> Answer {
    let status = match why.because {
        Because::Forbidden => Status::Forbidden,
        Because::Gone => Status::Gone,
        Because::TooMany => Status::TooMany,
    };
    let later = [("Retry-After", RETRY_FULL_S)];
    let lines = if why.because == Because::TooMany { &later[..] } else { &[] };
    say(status, now, request.method == Method::Get, &why.text, lines)
}

/// What this address names on the port of this event; none if it is another's.
fn target<'a>(path: &'a str, event: &str) -> Option<Target<'a>> {
    let is_ours = |name: &str| name == event || name == WHATEVER;
    let name = path.trim_start_matches('/');
    if name.is_empty() {
        return Some(Target::Page);
    }
    if let Some(rest) = name.strip_prefix(LIST).filter(|rest| rest.is_empty() || rest.starts_with('.')) {
        return Some(Target::List(rest));
    }
    if let Some((directory, file)) = name.split_once('/') {
        return is_ours(directory).then_some(Target::Segment(file));
    }
    match name.split_once('.') {
        Some((name, extension)) => is_ours(name).then_some(Target::Stream(extension)),
        None => is_ours(name).then_some(Target::Page),
    }
}

/// The answer to somebody who wants to listen.
fn stream(
    request: &Request,
    event: &str,
    title: &str,
    formats: &[Format],
    full: bool,
    extension: &str,
    now: SystemTime,
) -> Answer {
    let body = request.method == Method::Get;
    let asked = if extension == AU { Some(Format::Pcmu) } else { Format::of_extension(extension) };
    let Some(place) = asked.and_then(|asked| formats.iter().position(|format| *format == asked)) else {
        let offered: Vec<_> = formats.iter().map(|format| format!(".{}", format.extension())).collect();
        let text = format!("Event {event} is cast as {}.", offered.join(", "));
        return say(Status::NotFound, now, body, &text, &[]);
    };
    // HEAD is not a listener: it is answered even when the port is full.
    if full && body {
        let line = "As many listen as this port allows.";
        return Answer::Full(refuse(Status::Unavailable, now, body, line, &[("Retry-After", RETRY_FULL_S)]));
    }
    // Titles inside the stream are a custom of MP3 alone.
    let icy = request.icy && formats[place] == Format::Mp3;
    let mut head = stream_head(icy, event, title, formats[place], now);
    if !body {
        return Answer::Short(head);
    }
    if extension == AU {
        head.extend_from_slice(&pcmu::AU_HEADER);
    }
    Answer::Stream { head, format: place, icy }
}

fn show_page(event: &str, title: &str, formats: &[Format], now: SystemTime, body: bool) -> Answer {
    let page = page::on_air(event, title, formats);
    let lines = [("Content-Security-Policy", page::POLICY), ("Vary", "Accept")];
    Answer::Short(http::whole_answer(Status::Ok, now, "text/html; charset=utf-8", page.as_bytes(), body, &lines))
}

/// The answer to somebody who wants to know where to listen.
fn list(
    request: &Request,
    wish: Option<Wish<'_>>,
    event: &str,
    title: &str,
    formats: &[Format],
    address: impl Fn(&str) -> String,
    now: SystemTime,
) -> Answer {
    let body = request.method == Method::Get;
    let kind = match wish {
        None => return say(Status::NotFound, now, body, listing::KINDS, &[]),
        Some(Wish { kind: Wanted::Page, .. }) => return show_page(event, title, formats, now, body),
        Some(Wish { kind: Wanted::Metafile(kind), .. }) => kind,
    };
    let format = wish.and_then(|wish| wish.format);
    match listing::write(kind, format, event, title, formats, address) {
        Ok(text) => {
            let lines = [CHANGING, ("Vary", "Accept")];
            Answer::Short(http::whole_answer(Status::Ok, now, kind.media_type(), text.as_bytes(), body, &lines))
        }
        Err(line) => say(Status::NotFound, now, body, &line, &[]),
    }
}

fn playlist(hls: &Hls, event: &str, now: SystemTime, body: bool) -> Answer {
    let Some(playlist) = hls.playlist() else {
        let text = format!("The first segment of event {event} is being made.");
        return say(Status::Unavailable, now, body, &text, &[("Retry-After", RETRY_SOON_S)]);
    };
    let kind = Format::Hls.content_type();
    Answer::Short(http::whole_answer(Status::Ok, now, kind, playlist.as_bytes(), body, &[CHANGING]))
}

fn segment(hls: &Hls, name: &str, now: SystemTime, body: bool) -> Answer {
    let whole = |octets| http::whole_answer(Status::Ok, now, "audio/mp4", octets, body, &[IMMUTABLE]);
    match hls.file(name) {
        Some(File::Initialization(octets)) => Answer::Short(whole(octets)),
        Some(File::Media(octets, number)) if body => Answer::Segment { octets: whole(octets), number },
        Some(File::Media(octets, _)) => Answer::Short(whole(octets)),
        None => say(Status::NotFound, now, body, "There is no such segment, or not any more.", &[]),
    }
}

/// The answer to something that is no request.
pub(crate) fn refusal(status: Status, now: SystemTime) -> Vec<u8> {
    refuse(status, now, true, "This is not a request this server understands.", &[])
}

fn say(status: Status, now: SystemTime, body: bool, line: &str, lines: &[(&str, &str)]) -> Answer {
    Answer::Short(refuse(status, now, body, line, lines))
}

fn refuse(status: Status, now: SystemTime, body: bool, line: &str, lines: &[(&str, &str)]) -> Vec<u8> {
    http::whole_answer(status, now, TEXT, format!("{line}\n").as_bytes(), body, lines)
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
fn stream_head(icy: bool, event: &str, title: &str, format: Format, now: SystemTime) -> Vec<u8> {
    let title = icy::printable(if title.is_empty() { event } else { title });
    let (rate, interval) = (format.kbit_s().to_string(), icy::INTERVAL.to_string());
    let mut lines = vec![("Content-Type", format.content_type()), ("icy-name", &title), ("icy-br", &rate)];
    if icy {
        lines.push(("icy-metaint", &interval));
    }
    http::head(Status::Ok, now, &lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIVE: View<'_> =
        View::Live { port: 10_000, event: "123", title: "Meeting", formats: &[Format::Mp3], full: false, hls: None };

    fn ask(method: Method, path: &str, view: View<'_>) -> (String, Answer) {
        let (host, accept) = (Some("gw.example.com:10000".to_owned()), None);
        let request = Request { method, path: path.to_owned(), pass: None, icy: false, host, accept };
        let base = Base::default();
        let way = Way { base: &base, otherwise: "127.0.0.1" };
        let answer = answer(&request, view, way, SystemTime::UNIX_EPOCH);
        let octets = match &answer {
            Answer::Short(octets)
            | Answer::Full(octets)
            | Answer::Stream { head: octets, .. }
            | Answer::Segment { octets, .. } => octets.clone(),
        };
        (String::from_utf8(octets).unwrap(), answer)
    }

    fn status(method: Method, path: &str, view: View<'_>) -> u16 {
        ask(method, path, view).0[9..12].parse().unwrap()
    }

    #[test]
    fn each_state_has_its_answer() {
        let reserved = View::Reserved { event: "123" };
        let over = View::Over { event: "123", hls: None };
        for (path, expected) in [
            ("/", [404, 503, 200, 410]),
            ("/123", [404, 503, 200, 410]),
            ("/123.mp3", [404, 503, 200, 410]),
            ("/live.mp3", [404, 503, 200, 410]),
            ("/live", [404, 503, 200, 410]),
            ("/listen.m3u", [404, 503, 200, 410]),
            ("/listen", [404, 503, 200, 410]),
            ("/listen.ogg.m3u", [404, 503, 404, 410]),
            ("/listening", [404; 4]),
            ("/124.mp3", [404; 4]),
            ("/124/5000-0.m4s", [404; 4]),
            ("/123/5000-0.m4s", [404, 503, 404, 410]),
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
        let full = View::Live { port: 10_000, event: "123", title: "", formats: &[Format::Mp3], full: true, hls: None };
        assert!(matches!(ask(Method::Get, "/123.mp3", full).1, Answer::Full(_)));
        assert_eq!(status(Method::Get, "/123.mp3", full), 503);
        assert_eq!(status(Method::Head, "/123.mp3", full), 200);
        assert_eq!(status(Method::Get, "/", full), 200);
    }

    #[test]
    fn lists_name_the_host_that_was_asked() {
        let (text, _) = ask(Method::Get, "/listen.m3u", LIVE);
        assert!(text.contains("\r\nContent-Type: audio/x-mpegurl\r\n"), "{text}");
        assert!(text.contains("\r\nCache-Control: no-cache\r\n") && text.contains("\r\nVary: Accept\r\n"));
        assert!(text.ends_with("#EXTINF:-1,Meeting\nhttp://gw.example.com:10000/123.mp3\n"));
        let (text, _) = ask(Method::Get, "/listen.mp4", LIVE);
        assert!(text.ends_with(".m3u, .pls, .xspf, .asx, .m3u8, .json.\n"), "{text}");
        let (text, _) = ask(Method::Get, "/listen.m3u8", LIVE);
        assert!(text.ends_with("Event 123 is not cast as hls, but as mp3.\n"), "{text}");
    }

    #[test]
    fn a_player_that_is_given_the_address_of_the_page_hears() {
        let base = Base::default();
        let way = Way { base: &base, otherwise: "127.0.0.1" };
        for (path, accept, kind) in
            [("/", "*/*", "audio/mpeg"), ("/123", "audio/*", "audio/mpeg"), ("/", "text/html,*/*", "text/html")]
        {
            let accept = Some(accept.to_owned());
            let request =
                Request { method: Method::Get, path: path.to_owned(), pass: None, icy: false, host: None, accept };
            let octets = match answer(&request, LIVE, way, SystemTime::UNIX_EPOCH) {
                Answer::Stream { head, .. } => head,
                Answer::Short(octets) => octets,
                other => panic!("{other:?}"),
            };
            let text = String::from_utf8(octets).unwrap();
            assert!(text.contains(&format!("\r\nContent-Type: {kind}")), "{text}");
        }
    }

    #[test]
    fn titles_cannot_add_lines() {
        let view = View::Live {
            port: 10_000,
            event: "123",
            title: "a\r\nSet-Cookie: b",
            formats: &[Format::Mp3],
            full: false,
            hls: None,
        };
        assert!(!ask(Method::Get, "/123.mp3", view).0.contains("\r\nSet-Cookie"));
    }

    #[test]
    fn every_answer_may_be_read_from_other_sites() {
        for view in [View::Idle, LIVE, View::Over { event: "123", hls: None }] {
            for method in [Method::Get, Method::Head, Method::Options, Method::Other] {
                assert!(ask(method, "/123.mp3", view).0.contains("\r\nAccess-Control-Allow-Origin: *\r\n"));
            }
        }
    }
}
