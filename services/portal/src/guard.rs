//! What every request passes and every answer carries: rates, where a form comes from, a bound on time, security headers.
//!
//! Source: OWASP's cheat sheets on HTTP headers and on cross-site request forgery; RFC 6454 for origins. An attendee link is a
//! secret in an address, so no address is told to other sites (`Referrer-Policy`), and none is written to the log.

use crate::body::Format;
use crate::problem::Problem;
use crate::state::{Peer, Shared};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;
use std::time::Duration;

/// An answer has begun by then.
const LONGEST: Duration = Duration::from_secs(40);

/// What pages may load: everything from here, and sound made in the page.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; media-src 'self' blob:; \
     connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

const HEADERS: [(&str, &str); 6] = [
    ("content-security-policy", POLICY),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-opener-policy", "same-origin"),
    ("permissions-policy", "camera=(), microphone=(), geolocation=(), payment=(), usb=()"),
];

/// Who asks, in kind.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked {
    /// For the interface for programs.
    pub(crate) by_program: bool,
}

/// The way of every request and its answer.
pub(crate) async fn watch(State(portal): State<Shared>, mut request: Request, next: Next) -> Response {
    let by_program = request.uri().path().starts_with("/api/");
    request.extensions_mut().insert(Asked { by_program });
    let headers = request.headers().clone();
    let refused = check(&portal, &request).err();
    let mut response = match refused {
        Some(problem) => say(by_program, &headers, &problem),
        None => match tokio::time::timeout(LONGEST, next.run(request)).await {
            Ok(response) => response,
            Err(_) => say(by_program, &headers, &Problem::unavailable("that took too long")),
        },
    };
    for (name, value) in HEADERS {
        response.headers_mut().insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    if portal.config.has_tls() {
        let year = HeaderValue::from_static("max-age=31536000");
        response.headers_mut().insert(header::STRICT_TRANSPORT_SECURITY, year);
    }
    response
}

fn say(by_program: bool, headers: &HeaderMap, problem: &Problem) -> Response {
    if by_program { crate::api::problem(headers, problem) } else { crate::web::problem(problem) }
}

fn check(portal: &Shared, request: &Request) -> Result<(), Problem> {
    let peer = request.extensions().get::<Peer>().copied();
    let peer = peer.ok_or_else(|| Problem::unavailable("a request from nowhere"))?;
    portal.take(&portal.requests, peer)?;
    if request.uri().path().len() > 2048 {
        return Err(Problem::new(StatusCode::URI_TOO_LONG, "too-long", "this address is too long"));
    }
    // Before anything is done, lest it be done and not told.
    if request.uri().path().starts_with("/api/") && Format::wanted(request.headers()).is_none() {
        let detail = "answers are application/json or application/xml";
        return Err(Problem::new(StatusCode::NOT_ACCEPTABLE, "not-acceptable", detail));
    }
    let harmless = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    if !harmless && !comes_from_here(request.headers()) {
        return Err(Problem::forbidden("this came from a page of another site"));
    }
    Ok(())
}

/// Browsers tell where a form was: programs do not.
fn comes_from_here(headers: &HeaderMap) -> bool {
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(site) = text(HeaderName::from_static("sec-fetch-site")) {
        return matches!(site, "same-origin" | "none");
    }
    match text(header::ORIGIN) {
        None => true,
        Some(origin) => origin.split_once("://").is_some_and(|(_, host)| Some(host) == text(header::HOST)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_of_other_sites_are_refused() {
        let asked = |lines: &[(&'static str, &str)]| {
            let line = |(name, value): &(&'static str, &str)| (HeaderName::from_static(name), value.parse().unwrap());
            comes_from_here(&lines.iter().map(line).collect())
        };
        let host = ("host", "events.example");
        assert!(asked(&[host]), "a program");
        assert!(asked(&[host, ("origin", "https://events.example")]));
        assert!(asked(&[host, ("sec-fetch-site", "same-origin")]));
        assert!(!asked(&[host, ("origin", "https://evil.example")]));
        assert!(!asked(&[host, ("origin", "null")]));
        assert!(!asked(&[host, ("sec-fetch-site", "cross-site")]));
        assert!(!asked(&[host, ("sec-fetch-site", "same-site"), ("origin", "https://events.example")]));
    }
}
