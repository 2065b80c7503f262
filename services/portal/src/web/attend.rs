//! The page of an attendee link: a player, and what to do without one.

use super::session::Who;
use super::{moment, page};
use crate::events::Known;
use crate::listen::is_final;
use crate::problem::Problem;
use crate::state::Shared;
use askama::Template;
use axum::http::{StatusCode, header};
use axum::response::Response;
use event::EventNumber;

#[derive(Template)]
#[template(path = "attend.html")]
struct AttendPage<'a> {
    who: Option<Who>,
    title: &'a str,
    number: String,
    state: &'a str,
    /// Nothing more will come.
    over: bool,
    on_air: bool,
    starts: Option<String>,
    dial_in: &'a [String],
}

#[derive(Template)]
#[template(path = "password.html")]
struct PasswordPage<'a> {
    who: Option<Who>,
    wrong: Option<&'a str>,
}

/// The page that asks for the password of a link; `wrong`: what was said last.
pub(crate) fn password(problem: &Problem, wrong: Option<&str>) -> Response {
    let mut response = page(problem.status, &PasswordPage { who: None, wrong });
    problem.lines(response.headers_mut());
    // A browser would ask for a name and password of its own.
    response.headers_mut().remove(header::WWW_AUTHENTICATE);
    response
}

/// The page of an event in this state.
pub(crate) fn attendee(
    portal: &Shared,
    known: Option<&Known>,
    title: &str,
    number: EventNumber,
    state: &str,
) -> Response {
    let over = is_final(state);
    let template = AttendPage {
        who: None,
        title,
        number: number.grouped(),
        state,
        over,
        on_air: state == "live",
        starts: known.and_then(|known| known.starts_ms).map(moment),
        dial_in: &portal.config.dial_in,
    };
    page(if over { StatusCode::GONE } else { StatusCode::OK }, &template)
}
