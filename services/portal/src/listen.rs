//! Attendee links: what is under `/a/TOKEN/`, and under `/m/NUMBER/TOKEN/` for media tokens.
//!
//! ```text
//!   /a/TOKEN/               the page with the player
//!   /a/TOKEN/state          where the event stands, for the page
//!   /a/TOKEN/live.EXT       the stream: ulaw, au, webm, ogg, mp3, m3u8
//!   /a/TOKEN/listen[.EXT]   lists for players: m3u, pls, xspf, asx, m3u8, json; or by Accept
//!   /a/TOKEN/pass           a media token, good for minutes, for those who hand streams on
//!   /m/NUMBER/MEDIA/live.EXT
//! ```
//!
//! A link may want a password. A person types it into the page, which keeps it in a cookie of that link; a player sends it as HTTP
//! Basic, with any name, or gets addresses with a media token from the lists of the page. The link holds a MAC of the password
//! (`event::link`), so each request is checked at the cost of a hash; guessing is bounded like signing in.
//!
//! A link proves itself with the key ring. What else decides, that the event is over or its links were renewed, comes from memory:
//! neither store nor database is asked, except for an event that was never seen here, and then their silence refuses nobody.

use crate::events::Known;
use crate::problem::Problem;
use crate::relay;
use crate::state::{Peer, Shared, cookie, password_in};
use crate::web;
use axum::Router;
use axum::extract::{Extension, Form, Path, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use event::link::{Attendee, Link, Pass};
use event::{EventNumber, Refused, utc};
use metafile::{Kind, Listing, Stream, Wanted, negotiate};
use serde::Deserialize;
use serde_json::json;

/// How long a media token is good.
const PASS_MS: u64 = 10 * 60 * 1000;
/// How long a password that was shown need not be shown again.
const SHOWN_MS: u64 = 12 * 3600 * 1000;
/// The cookie that keeps it.
const COOKIE: &str = "trunkcast-link";

/// A format by its extension: name, media type, kilobits a second.
struct Shape {
    extension: &'static str,
    format: &'static str,
    media_type: &'static str,
    kbit_s: u32,
}

/// In the order players do best with them. `au` is PCMU with a header that says so.
const SHAPES: [Shape; 6] = [
    Shape { extension: "mp3", format: "mp3", media_type: "audio/mpeg", kbit_s: 128 },
    Shape { extension: "ogg", format: "ogg", media_type: "audio/ogg; codecs=opus", kbit_s: 24 },
    Shape { extension: "webm", format: "webm", media_type: "audio/webm; codecs=\"opus\"", kbit_s: 24 },
    Shape { extension: "au", format: "pcmu", media_type: "audio/basic", kbit_s: 64 },
    Shape { extension: "ulaw", format: "pcmu", media_type: "audio/basic", kbit_s: 64 },
    Shape { extension: "m3u8", format: "hls", media_type: "application/vnd.apple.mpegurl", kbit_s: 24 },
];

pub(crate) fn routes() -> Router<Shared> {
    Router::new()
        .route("/a/{token}", get(with_slash))
        .route("/a/{token}/", get(page).post(show_password))
        .route("/a/{token}/{file}", get(file))
        .route("/a/{token}/{event}/{segment}", get(segment))
        .route("/m/{number}/{token}/{file}", get(with_pass))
        .route("/m/{number}/{token}/{event}/{segment}", get(segment_with_pass))
}

/// A link, and its event as far as that is known.
struct Opened {
    link: Link,
    known: Option<Known>,
}

/// The password that comes with a request for a link: of a player, or of a page that has asked for it.
fn shown(headers: &HeaderMap) -> Option<String> {
    let kept = || String::from_utf8(octets(cookie(headers, COOKIE)?)?).ok();
    password_in(headers).or_else(kept)
}

/// A cookie has few signs: the password is in it as the digits of its octets.
fn digits_of(text: &str) -> String {
    text.bytes().map(|octet| format!("{octet:02x}")).collect()
}

fn octets(digits: &str) -> Option<Vec<u8>> {
    let pairs = digits.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).ok());
    pairs.map(|pair| u8::from_str_radix(pair?, 16).ok()).collect()
}

/// Opens a link. A password that is wrong counts as an attempt to sign in.
async fn open(portal: &Shared, token: &str, password: Option<&str>, peer: Peer) -> Result<Opened, Problem> {
    let events = &portal.events;
    let check = || {
        let standing = |number| events.standing(number);
        events.links().open(events.keyring(), token, utc::now_ms(), standing, password)
    };
    let told = |refused| {
        if refused == Refused::WrongPassword {
            portal.take(&portal.sign_ins, peer)?;
        }
        Err(refusal(refused))
    };
    let link = check().or_else(told)?;
    if let Some(known) = events.at_hand(link.event) {
        return Ok(Opened { link, known: Some(known) });
    }
    // Reserved elsewhere: its record may know of newer links.
    let known = portal.find(link.event).await.ok();
    Ok(Opened { link: check().or_else(told)?, known })
}

impl Opened {
    fn number(&self) -> EventNumber {
        self.link.event
    }

    fn state(&self, portal: &Shared) -> &'static str {
        match &self.known {
            Some(known) => portal.state_of(known),
            None if portal.gateway.table().port(&self.number().to_string(), "pcmu").is_some() => "live",
            None => "reserved",
        }
    }

    fn title(&self) -> String {
        self.known.as_ref().map_or_else(|| self.number().grouped(), |known| known.title.clone())
    }
}

/// Whether nothing more will come.
pub(crate) fn is_final(state: &str) -> bool {
    matches!(state, "ended" | "cancelled" | "over" | "archived")
}

fn refusal(refused: Refused) -> Problem {
    let status = StatusCode::from_u16(refused.status()).unwrap_or(StatusCode::FORBIDDEN);
    Problem::new(status, refused.reason(), refused.to_string())
}

/// For programs and players: anybody's page may use it.
fn for_all(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("cross-origin"));
    response
}

fn refuse(headers: &HeaderMap, refused: Refused) -> Response {
    say(headers, &refusal(refused))
}

fn say(headers: &HeaderMap, problem: &Problem) -> Response {
    let mut response = for_all(crate::api::problem(headers, problem));
    if problem.status == StatusCode::UNAUTHORIZED {
        // Players ask for it, with a name that does not matter.
        let basic = HeaderValue::from_static("Basic realm=\"event\", charset=\"UTF-8\"");
        response.headers_mut().insert(header::WWW_AUTHENTICATE, basic);
    }
    response
}

/// A link that lost its last sign.
async fn with_slash(Path(token): Path<String>, headers: HeaderMap) -> Response {
    let plain = token.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'));
    if plain { Redirect::permanent(&format!("/a/{token}/")).into_response() } else { not_here(&headers) }
}

async fn page(
    State(portal): State<Shared>,
    Extension(peer): Extension<Peer>,
    Path(token): Path<String>,
    headers: HeaderMap,
) -> Response {
    let opened = match open(&portal, &token, shown(&headers).as_deref(), peer).await {
        Ok(opened) => opened,
        Err(problem) if problem.status == StatusCode::UNAUTHORIZED => return web::password(&problem, None),
        Err(problem) => return web::problem(&problem),
    };
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    // One address for people and players, of which each gets what it understands.
    if let Some(Wanted::Metafile(kind)) = accept.and_then(negotiate) {
        return for_all(list(&portal, &opened, &token, kind, None));
    }
    let state = opened.state(&portal);
    web::attendee(&portal, opened.known.as_ref(), &opened.title(), opened.number(), state)
}

#[derive(Deserialize)]
struct Shown {
    password: String,
}

/// The form of the page that asks for the password.
async fn show_password(
    State(portal): State<Shared>,
    Extension(peer): Extension<Peer>,
    Path(token): Path<String>,
    Form(given): Form<Shown>,
) -> Response {
    match open(&portal, &token, Some(&given.password), peer).await {
        Ok(_) => {}
        Err(problem) if problem.status == StatusCode::UNAUTHORIZED => {
            return web::password(&problem, Some("This is not the password."));
        }
        Err(problem) => return web::problem(&problem),
    }
    let secure = if portal.config.has_tls() { "; Secure" } else { "" };
    let age = SHOWN_MS / 1000;
    let kept = digits_of(&given.password);
    let line = format!("{COOKIE}={kept}; Path=/a/{token}/; Max-Age={age}; HttpOnly; SameSite=Lax{secure}");
    let mut response = Redirect::to(&format!("/a/{token}/")).into_response();
    if let Ok(line) = HeaderValue::from_str(&line) {
        response.headers_mut().append(header::SET_COOKIE, line);
    }
    response
}

async fn file(
    State(portal): State<Shared>,
    Extension(peer): Extension<Peer>,
    Path((token, file)): Path<(String, String)>,
    headers: HeaderMap,
) -> Response {
    let opened = match open(&portal, &token, shown(&headers).as_deref(), peer).await {
        Ok(opened) => opened,
        Err(problem) => return say(&headers, &problem),
    };
    let (name, extension) = file.split_once('.').unwrap_or((&file, ""));
    match (name, extension) {
        ("state", "") => for_all(state(&portal, &opened)),
        ("pass", "") => for_all(pass(&portal, &opened, &headers)),
        ("listen", "") => {
            let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
            match accept.and_then(negotiate) {
                Some(Wanted::Metafile(kind)) => for_all(list(&portal, &opened, &token, kind, None)),
                Some(Wanted::Page) | None => for_all(list(&portal, &opened, &token, Kind::M3u, None)),
            }
        }
        ("listen", rest) => {
            let (format, suffix) =
                rest.rsplit_once('.').map_or((None, rest), |(format, suffix)| (Some(format), suffix));
            match Kind::of_suffix(suffix) {
                Some(kind) => for_all(list(&portal, &opened, &token, kind, format)),
                None => not_here(&headers),
            }
        }
        ("live", extension) => {
            let Opened { link, .. } = &opened;
            let asked = Asked { number: link.event, attendee: link.attendee, limit: link.limit, extension };
            for_all(match own_pass(&portal, link) {
                Ok(pass) => stream(&portal, &asked, opened.state(&portal), &pass, &headers).await,
                Err(refused) => refuse(&headers, refused),
            })
        }
        _ => not_here(&headers),
    }
}

fn not_here(headers: &HeaderMap) -> Response {
    for_all(crate::api::problem(
        headers,
        &Problem::new(StatusCode::NOT_FOUND, "not-found", "there is nothing at this address"),
    ))
}

/// Where the event stands.
fn state(portal: &Shared, opened: &Opened) -> Response {
    let number = opened.number().to_string();
    let table = portal.gateway.table();
    let streams = table.event(&number).map(|event| event.streams.as_slice()).unwrap_or_default();
    let formats: Vec<&str> = streams.iter().map(|stream| stream.format.as_str()).collect();
    let since = streams.iter().map(|stream| stream.since_ms).min();
    let value = json!({
        "state": opened.state(portal), "title": opened.title(), "formats": formats, "since": since.map(utc::rfc3339),
        "now": utc::rfc3339(utc::now_ms()),
    });
    ([(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-store")], value.to_string())
        .into_response()
}

/// A media token.
fn pass(portal: &Shared, opened: &Opened, headers: &HeaderMap) -> Response {
    let link = &opened.link;
    let (events, now_ms) = (&portal.events, utc::now_ms());
    let present = portal.presence.count(link.attendee);
    match events.links().admit(events.keyring(), link, now_ms, PASS_MS, present) {
        Ok(token) => {
            let expires = utc::rfc3339(now_ms + PASS_MS);
            let number = link.event.to_string();
            let table = portal.gateway.table();
            let streams: Vec<_> =
                table.event(&number).map(|event| event.streams.as_slice()).unwrap_or_default().iter().collect();
            let ports: Vec<_> =
                streams.iter().map(|s| json!({"format": s.format, "url": at_port(&s.url, &token)})).collect();
            let base = format!("{}/m/{number}/{token}/", portal.base);
            let value = json!({"token": token, "expires": expires, "base": base, "streams": ports});
            ([(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-store")], value.to_string())
                .into_response()
        }
        Err(refused) => refuse(headers, refused),
    }
}

/// The address of a stream at its port, with a media token in it.
fn at_port(url: &str, token: &str) -> String {
    match url.rsplit_once('/') {
        Some((before, file)) => format!("{before}/m/{token}/{file}"),
        None => url.to_owned(),
    }
}

/// A list for players. Before the event is on the air it names what will be. Of a link with a password the addresses hold a media
/// token in its place: whoever has the list has shown it.
fn list(portal: &Shared, opened: &Opened, token: &str, kind: Kind, only: Option<&str>) -> Response {
    let events = &portal.events;
    let place = if opened.link.password.is_none() {
        format!("{}/a/{token}", portal.base)
    } else {
        match events.links().admit(events.keyring(), &opened.link, utc::now_ms(), SHOWN_MS, 0) {
            Ok(shown) => format!("{}/m/{}/{shown}", portal.base, opened.link.event),
            Err(refused) => return crate::api::problem(&HeaderMap::new(), &refusal(refused)),
        }
    };
    let number = opened.number().to_string();
    let table = portal.gateway.table();
    let on_air: Vec<String> =
        table.event(&number).map(|e| e.streams.iter().map(|s| s.format.clone()).collect()).unwrap_or_default();
    drop(table);
    let announced = || opened.known.as_ref().map(|known| known.formats.clone()).filter(|formats| !formats.is_empty());
    let formats = if on_air.is_empty() { announced().unwrap_or_else(|| vec!["mp3".to_owned()]) } else { on_air };
    let offered = SHAPES.iter().filter(|shape| formats.iter().any(|format| format == shape.format));
    let streams: Vec<Stream> = offered
        .filter(|shape| only.is_none_or(|only| shape.format == only || shape.extension == only))
        // Raw octets are for programs, a player wants the header; a playlist of playlists names nothing but HLS, and
        // nothing else names that.
        .filter(|shape| match kind {
            Kind::Hls => shape.format == "hls",
            Kind::Json => true,
            _ => shape.format != "hls" && shape.extension != "ulaw",
        })
        .map(|shape| Stream {
            format: shape.format.to_owned(),
            media_type: shape.media_type.to_owned(),
            kbit_s: shape.kbit_s,
            url: format!("{place}/live.{}", shape.extension),
        })
        .collect();
    let Some(first) = streams.first().map(|stream| stream.format.clone()) else {
        let detail = format!("this event is cast as {}", formats.join(", "));
        return crate::api::problem(&HeaderMap::new(), &Problem::new(StatusCode::NOT_FOUND, "not-found", detail));
    };
    let listing = Listing { event: number, title: opened.title(), streams };
    let listing = if kind == Kind::Json { listing } else { listing.only(&first) };
    let lines =
        [(header::CONTENT_TYPE, kind.media_type()), (header::CACHE_CONTROL, "no-cache"), (header::VARY, "Accept")];
    (lines, kind.write(&listing)).into_response()
}

/// A stream somebody asks for.
struct Asked<'a> {
    number: EventNumber,
    attendee: Attendee,
    limit: u16,
    extension: &'a str,
}

/// What the portal shows a stream port on behalf of whoever came with this link.
fn own_pass(portal: &Shared, link: &Link) -> Result<String, Refused> {
    let events = &portal.events;
    events.links().admit(events.keyring(), link, utc::now_ms(), PASS_MS, 0)
}

/// A stream, fetched with this pass, or why there is none now.
async fn stream(portal: &Shared, asked: &Asked<'_>, state: &'static str, pass: &str, headers: &HeaderMap) -> Response {
    let &Asked { number, attendee, limit, extension } = asked;
    if is_final(state) {
        return refuse(headers, Refused::Ended);
    }
    let Some(shape) = SHAPES.iter().find(|shape| shape.extension == extension) else { return not_here(headers) };
    let digits = number.to_string();
    let (port, offered) = {
        let table = portal.gateway.table();
        let offered = table.event(&digits).map(|e| e.streams.iter().map(|s| s.format.clone()).collect::<Vec<_>>());
        (table.port(&digits, shape.format), offered.unwrap_or_default())
    };
    let Some(port) = port else {
        let problem = if offered.is_empty() {
            Problem::unavailable("nobody speaks yet: try again in a moment")
        } else {
            let detail = format!("this event is cast as {}", offered.join(", "));
            Problem::new(StatusCode::NOT_FOUND, "not-found", detail)
        };
        return crate::api::problem(headers, &problem);
    };
    let present = match portal.presence.enter(attendee, limit) {
        Ok(present) => present,
        Err(refused) => return refuse(headers, refused),
    };
    handed_on(portal, port, &format!("/m/{pass}/{digits}.{extension}"), headers, present).await
}

async fn handed_on<H: Send + Unpin + 'static>(
    portal: &Shared,
    port: u16,
    path: &str,
    headers: &HeaderMap,
    held: H,
) -> Response {
    match relay::fetch(&portal.config.stream_host, port, path, headers, held).await {
        Ok(response) => response,
        Err(error) => {
            log::warn!(target: "portal", "stream port {port} on {}: {error}", portal.config.stream_host);
            crate::api::problem(headers, &Problem::unavailable("the stream cannot be reached at this moment"))
        }
    }
}

/// A segment of HLS, which playlists name relative to themselves.
async fn segment(
    State(portal): State<Shared>,
    Extension(peer): Extension<Peer>,
    Path((token, event, segment)): Path<(String, String, String)>,
    headers: HeaderMap,
) -> Response {
    match open(&portal, &token, shown(&headers).as_deref(), peer).await {
        Ok(opened) => match own_pass(&portal, &opened.link) {
            Ok(pass) => segment_of(&portal, opened.number(), &pass, &event, &segment, &headers).await,
            Err(refused) => refuse(&headers, refused),
        },
        Err(problem) => say(&headers, &problem),
    }
}

/// The same with a media token.
async fn segment_with_pass(
    State(portal): State<Shared>,
    Path((number, token, event, segment)): Path<(String, String, String, String)>,
    headers: HeaderMap,
) -> Response {
    match opened_pass(&portal, &number, &token) {
        Ok(pass) => segment_of(&portal, pass.event, &token, &event, &segment, &headers).await,
        Err(refused) => refuse(&headers, refused),
    }
}

async fn segment_of(
    portal: &Shared,
    number: EventNumber,
    pass: &str,
    event: &str,
    segment: &str,
    headers: &HeaderMap,
) -> Response {
    let digits = number.to_string();
    let plain = segment.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'));
    let port = portal.gateway.table().port(&digits, "hls");
    match port {
        Some(port) if plain && event == digits => {
            for_all(handed_on(portal, port, &format!("/m/{pass}/{digits}/{segment}"), headers, ()).await)
        }
        _ => not_here(headers),
    }
}

fn opened_pass(portal: &Shared, number: &str, token: &str) -> Result<Pass, Refused> {
    let number = EventNumber::parse(number).map_err(|_| Refused::WrongEvent)?;
    let events = &portal.events;
    events.links().open_pass(events.keyring(), token, utc::now_ms(), number, events.standing(number), 0)
}

/// The same streams with a media token.
async fn with_pass(
    State(portal): State<Shared>,
    Path((number, token, file)): Path<(String, String, String)>,
    headers: HeaderMap,
) -> Response {
    let pass = match opened_pass(&portal, &number, &token) {
        Ok(pass) => pass,
        Err(refused) => return refuse(&headers, refused),
    };
    let number = pass.event;
    let state = portal.events.at_hand(number).map_or("live", |known| portal.state_of(&known));
    match file.split_once('.') {
        Some(("live", extension)) => {
            let asked = Asked { number, attendee: pass.attendee, limit: pass.limit, extension };
            for_all(stream(&portal, &asked, state, &token, &headers).await)
        }
        _ => not_here(&headers),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_comes_with_the_cookie_or_with_http_basic() {
        let mut headers = HeaderMap::new();
        assert_eq!(shown(&headers), None);
        let cookie = format!("other=1; {COOKIE}={}", digits_of("tulips; grün"));
        headers.insert(header::COOKIE, cookie.parse().unwrap());
        assert_eq!(shown(&headers).as_deref(), Some("tulips; grün"));
        // RFC 7617 clause 2.1: "test" and "123" with a pound sign.
        headers.insert(header::AUTHORIZATION, HeaderValue::from_static("Basic dGVzdDoxMjPCow=="));
        assert_eq!(shown(&headers).as_deref(), Some("123\u{a3}"));
        assert_eq!((octets("0g"), octets("")), (None, Some(Vec::new())));
    }
}
