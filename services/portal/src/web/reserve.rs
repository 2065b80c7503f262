//! The form that reserves an event, and what it gives: number, PINs, how to dial in, and the link for the audience.

use super::session::{Reader, Who, with_session};
use super::{moment, page};
use crate::access::Actor;
use crate::accounts::random_hex;
use crate::api;
use crate::events::{Attendance, Wish};
use crate::problem::Problem;
use crate::state::{Peer, Shared};
use askama::Template;
use axum::Router;
use axum::extract::{Extension, Form, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use axum::routing::{get, post};
use event::{EventInfo, utc};
use serde::Deserialize;

pub(super) fn routes() -> Router<Shared> {
    Router::new().route("/", get(form)).route("/reserve", post(reserve))
}

#[derive(Template)]
#[template(path = "reserve.html")]
struct ReservePage<'a> {
    who: Option<Who>,
    /// He may reserve.
    may: bool,
    /// Sent twice, the form reserves once.
    key: &'a str,
    form: &'a str,
    wrong: Option<&'a str>,
    title: &'a str,
    starts: &'a str,
    limit: &'a str,
}

#[derive(Template)]
#[template(path = "reserved.html")]
struct ReservedPage<'a> {
    who: Option<Who>,
    title: &'a str,
    number: String,
    digits: String,
    starts: Option<String>,
    host_pin: String,
    speaker_pin: String,
    listener_pin: String,
    dial_in: &'a [String],
    link: &'a str,
}

#[derive(Deserialize)]
struct Given {
    title: String,
    #[serde(default)]
    starts: String,
    #[serde(default)]
    webm: Option<String>,
    #[serde(default)]
    limit: String,
    #[serde(default)]
    password: String,
    key: String,
    #[serde(default)]
    form: String,
}

async fn form(State(portal): State<Shared>, headers: HeaderMap) -> Response {
    let reader = Reader::of(&portal, &headers);
    let who = reader.who();
    let may = reader.actor().may_reserve(portal.config.open);
    let key = random_hex();
    page(
        StatusCode::OK,
        &ReservePage { who, may, key: &key, form: reader.form_secret(), wrong: None, title: "", starts: "", limit: "" },
    )
}

/// `2026-11-21T20:15`, as browsers send it, in UTC.
pub(super) fn start(text: &str) -> Result<Option<u64>, Problem> {
    if text.is_empty() {
        return Ok(None);
    }
    let whole = if text.len() == 16 { format!("{text}:00Z") } else { format!("{text}Z") };
    utc::parse_rfc3339(&whole).map(Some).ok_or_else(|| Problem::wrong("the planned start is a date and a time of day"))
}

/// A limit of listeners as it is typed in; none when nothing is.
pub(super) fn limit(text: &str) -> Result<Option<u16>, Problem> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|_| Problem::wrong("a limit of listeners is a number from 1 to 65535"))
}

/// A password as it is typed in; none when nothing is.
pub(super) fn password(text: &str) -> Option<String> {
    Some(text.trim()).filter(|text| !text.is_empty()).map(str::to_owned)
}

async fn reserve(
    State(portal): State<Shared>,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
    Form(given): Form<Given>,
) -> Response {
    let reader = Reader::of(&portal, &headers);
    match do_reserve(&portal, peer, &reader, &given).await {
        Ok(info) => {
            let who = reader.who();
            let response = page(StatusCode::OK, &reserved(&portal, &info, who));
            // Whoever is nobody yet is its host from now on.
            if reader.session.is_none() {
                with_session(&portal, &headers, Actor::HostOf(info.number), response)
            } else {
                response
            }
        }
        Err(problem) if problem.status == StatusCode::UNPROCESSABLE_ENTITY => {
            let who = reader.who();
            let wrong = ReservePage {
                who,
                may: true,
                key: &given.key,
                form: reader.form_secret(),
                wrong: Some(&problem.detail),
                title: &given.title,
                starts: &given.starts,
                limit: &given.limit,
            };
            page(problem.status, &wrong)
        }
        Err(problem) => super::problem(&problem),
    }
}

async fn do_reserve(portal: &Shared, peer: Peer, reader: &Reader, given: &Given) -> Result<EventInfo, Problem> {
    let actor = reader.actor();
    if reader.session.is_some() {
        reader.check(&given.form)?;
    }
    if !actor.may_reserve(portal.config.open) {
        return Err(Problem::unauthorized());
    }
    portal.take(&portal.reservations, peer)?;
    let formats = given.webm.iter().flat_map(|_| ["mp3", "webm"]).map(str::to_owned).collect();
    let attendance = Attendance { limit: limit(&given.limit)?, password: password(&given.password) };
    let wish = Wish {
        title: given.title.trim().to_owned(),
        starts_ms: start(&given.starts)?,
        formats,
        attendance,
        ..Wish::default()
    };
    if given.key.len() > 128 {
        return Err(Problem::wrong("this form is not one of ours: load the page again"));
    }
    let (info, _) = api::reserved(portal, wish, Some(given.key.clone()), &actor).await?;
    Ok(info)
}

fn reserved<'a>(portal: &'a Shared, info: &'a EventInfo, who: Option<Who>) -> ReservedPage<'a> {
    ReservedPage {
        who,
        title: &info.title,
        number: info.number.grouped(),
        digits: info.number.to_string(),
        starts: info.starts_ms.map(moment),
        host_pin: info.host_pin.grouped(),
        speaker_pin: info.speaker_pin.grouped(),
        listener_pin: info.listener_pin.map_or(String::new(), |pin| pin.grouped()),
        dial_in: &portal.config.dial_in,
        link: info.attendee_link.as_deref().unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_as_browsers_send_them() {
        assert_eq!(start("").unwrap(), None);
        assert_eq!(start("1970-01-01T00:01").unwrap(), Some(60_000));
        assert_eq!(start("1970-01-01T00:01:01").unwrap(), Some(61_000));
        assert!(start("tomorrow").is_err());
        assert_eq!((limit(" ").unwrap(), limit("20").unwrap(), limit("many").is_err()), (None, Some(20), true));
        assert_eq!((password(" "), password(" tulips ").as_deref()), (None, Some("tulips")));
    }
}
