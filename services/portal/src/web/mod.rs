//! Pages, made here and complete without scripts; only sound in the browser needs one.
//!
//! ```text
//!   /               reserve                    /sign-in, /sign-out
//!   /a/TOKEN/       listen                     /host/NUMBER/    lead an event
//!   /assets/        style and scripts          /operator/       all events, ports, states
//! ```

mod assets;
mod attend;
mod host;
mod operator;
mod reserve;
mod session;

use crate::problem::Problem;
use crate::state::Shared;
use askama::Template;
use axum::Router;
use axum::extract::Extension;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

pub(crate) use attend::{attendee, password};

pub(crate) fn routes() -> Router<Shared> {
    Router::new()
        .merge(assets::routes())
        .merge(reserve::routes())
        .merge(session::routes())
        .merge(host::routes())
        .merge(operator::routes())
}

/// A page; never kept by anybody, as it may hold what is meant for one reader.
fn page(status: StatusCode, template: &impl Template) -> Response {
    match template.render() {
        Ok(text) => {
            let lines = [(header::CONTENT_TYPE, "text/html; charset=utf-8"), (header::CACHE_CONTROL, "no-store")];
            (status, lines, text).into_response()
        }
        Err(error) => {
            log::error!(target: "portal", "a page could not be made: {error}");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

#[derive(Template)]
#[template(path = "problem.html")]
struct ProblemPage<'a> {
    who: Option<session::Who>,
    heading: &'a str,
    detail: &'a str,
    sign_in: bool,
}

/// Why something was not done, for people.
pub(crate) fn problem(problem: &Problem) -> Response {
    let heading = match problem.status {
        StatusCode::NOT_FOUND => "Not here",
        StatusCode::GONE => "This event has ended",
        StatusCode::UNAUTHORIZED => "Please sign in",
        StatusCode::FORBIDDEN => "That is not open to you",
        StatusCode::TOO_MANY_REQUESTS => "Too many at once",
        _ => "That did not work",
    };
    let sign_in = problem.status == StatusCode::UNAUTHORIZED;
    // A sentence begins with a capital letter.
    let mut detail = problem.detail.clone();
    if let Some(first) = detail.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    let mut response = page(problem.status, &ProblemPage { who: None, heading, detail: &detail, sign_in });
    problem.lines(response.headers_mut());
    // A browser would ask for a name and password of its own.
    response.headers_mut().remove(header::WWW_AUTHENTICATE);
    response
}

/// For addresses that lead nowhere.
pub(crate) async fn nothing_here(headers: HeaderMap, Extension(asked): Extension<crate::guard::Asked>) -> Response {
    let nothing = Problem::new(StatusCode::NOT_FOUND, "not-found", "there is nothing at this address");
    if asked.by_program { crate::api::problem(&headers, &nothing) } else { problem(&nothing) }
}

/// To another page, after a form.
fn go_to(place: &str) -> Response {
    let mut response = StatusCode::SEE_OTHER.into_response();
    if let Ok(place) = HeaderValue::from_str(place) {
        response.headers_mut().insert(header::LOCATION, place);
    }
    response
}

/// A moment as people read it, in UTC: `2026-11-21 20:15 UTC`.
fn moment(ms: u64) -> String {
    let text = event::utc::rfc3339(ms);
    format!("{} {} UTC", &text[..10], &text[11..16])
}
