//! Events for programs: reserve, list, change, cancel, end.

use super::{Outcome, answer, shown};
use crate::access::Actor;
use crate::body;
use crate::events::{Attendance, Change, Known, Wish};
use crate::listen::is_final;
use crate::problem::Problem;
use crate::state::{Peer, Portal, STATES, Shared};
use crate::usage;
use axum::body::Bytes;
use axum::extract::{Extension, Path, Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use event::{Closing, EventInfo, EventNumber, utc};
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};

/// Events in one answer.
const PAGE: usize = 100;
/// Signs of an Idempotency-Key at most.
const LONGEST_KEY: usize = 255;

/// The document of a reservation.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct NewEvent {
    title: String,
    starts: Option<String>,
    #[serde(default)]
    formats: Vec<String>,
    over_after_s: Option<u32>,
    archive_after_s: Option<u32>,
    listener_limit: Option<u16>,
    password: Option<String>,
}

/// The document of a change: what is absent stays, what is null goes.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct ChangedEvent {
    #[serde(deserialize_with = "given")]
    title: Option<String>,
    #[serde(deserialize_with = "present")]
    starts: Option<Option<String>>,
    #[serde(deserialize_with = "given")]
    formats: Option<Vec<String>>,
    #[serde(deserialize_with = "present")]
    over_after_s: Option<Option<u32>>,
    #[serde(deserialize_with = "present")]
    archive_after_s: Option<Option<u32>>,
    #[serde(deserialize_with = "present")]
    listener_limit: Option<Option<u16>>,
    #[serde(deserialize_with = "present")]
    password: Option<Option<String>>,
}

/// What is absent stays; it cannot be taken away, so it is not null.
fn given<'de, T: Deserialize<'de>, D: Deserializer<'de>>(from: D) -> Result<Option<T>, D::Error> {
    T::deserialize(from).map(Some)
}

/// Null is something else than absent.
fn present<'de, T: Deserialize<'de>, D: Deserializer<'de>>(from: D) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(from).map(Some)
}

/// What of the list is wanted.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Asked {
    /// In this state.
    status: Option<String>,
    /// With this in its title, whatever its case.
    title: Option<String>,
    /// Reserved from then on.
    from: Option<String>,
    /// Reserved before then.
    to: Option<String>,
    /// After this number.
    after: Option<String>,
    limit: Option<usize>,
}

/// What was before 1970 counts as its first moment.
fn time(field: &str, text: &str) -> Result<u64, Problem> {
    let long_ago = || {
        let (year, rest) = text.split_at_checked(4).filter(|(year, _)| ("0000".."1970").contains(year))?;
        // In a year that has each day there is.
        year.parse::<u16>().ok().and_then(|_| utc::parse_rfc3339(&format!("2000{rest}"))).map(|_| 0)
    };
    utc::parse_rfc3339(text)
        .or_else(long_ago)
        .ok_or_else(|| Problem::wrong(format!("`{field}` is no time of the form 2026-01-31T12:00:00Z")))
}

pub(crate) fn number(text: &str) -> Result<EventNumber, Problem> {
    EventNumber::parse(text).map_err(|_| Problem::not_found())
}

/// The event, if the asker may do this with it. One he may not see is not there for him.
async fn granted(
    portal: &Shared,
    headers: &HeaderMap,
    peer: Peer,
    text: &str,
    may: impl FnOnce(&Actor, EventNumber, Option<&str>) -> bool,
) -> Result<(Known, Actor), Problem> {
    let actor = portal.actor(headers, peer).await?;
    if actor == Actor::Nobody {
        return Err(Problem::unauthorized());
    }
    let known = portal.find(number(text)?).await?;
    let owner = known.owner.as_deref();
    if may(&actor, known.number, owner) {
        return Ok((known, actor));
    }
    Err(if actor.may_see(known.number, owner) {
        Problem::forbidden("this takes its host or an operator")
    } else {
        Problem::not_found()
    })
}

pub(super) async fn reserve(
    State(portal): State<Shared>,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let outcome = do_reserve(&portal, peer, &headers, &body).await;
    let place = outcome.as_ref().ok().and_then(|(_, _, value)| value["number"].as_str().map(str::to_owned));
    let mut response = answer(&headers, outcome);
    if let Some(place) = place.and_then(|number| HeaderValue::from_str(&format!("/api/v1/events/{number}")).ok()) {
        response.headers_mut().insert(header::LOCATION, place);
    }
    response
}

async fn do_reserve(portal: &Shared, peer: Peer, headers: &HeaderMap, body: &Bytes) -> Outcome {
    let actor = portal.actor(headers, peer).await?;
    if !actor.may_reserve(portal.config.open) {
        return Err(if actor == Actor::Nobody {
            Problem::unauthorized()
        } else {
            Problem::forbidden("this takes a host or an operator")
        });
    }
    portal.take(&portal.reservations, peer)?;
    let wished: NewEvent = body::read(headers, body)?;
    let wish = Wish {
        title: wished.title,
        starts_ms: wished.starts.map(|text| time("starts", &text)).transpose()?,
        formats: wished.formats,
        over_after_s: wished.over_after_s,
        archive_after_s: wished.archive_after_s,
        attendance: Attendance { limit: wished.listener_limit, password: wished.password },
    };
    let key = idempotency_key(headers)?;
    let (info, new) = reserved(portal, wish, key, &actor).await?;
    let known = portal.find(info.number).await?;
    let status = if new { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, "event", shown::reservation(portal, &known, &info)))
}

/// Reserves an event, or finds it by its key; whether it is new. The gateway is told so that it lists it, and need not answer.
pub(crate) async fn reserved(
    portal: &Shared,
    wish: Wish,
    key: Option<String>,
    actor: &Actor,
) -> Result<(EventInfo, bool), Problem> {
    let owner = actor.owner().map(str::to_owned);
    let (info, new) =
        portal.slowly(move |portal| portal.events.reserve(&wish, owner.as_deref(), key.as_deref())).await?;
    if new {
        log::info!(target: "portal", "event {} was reserved by {}", info.number.grouped(), actor.shown());
        portal.announce(info.number);
    }
    Ok((info, new))
}

fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let Some(key) = headers.get("idempotency-key") else { return Ok(None) };
    let key = key.to_str().map(str::trim).unwrap_or_default();
    if !(1..=LONGEST_KEY).contains(&key.len()) || !key.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(Problem::malformed(format!("an Idempotency-Key has 1 to {LONGEST_KEY} visible signs")));
    }
    Ok(Some(key.to_owned()))
}

pub(super) async fn list(
    State(portal): State<Shared>,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
    asked: Result<Query<Asked>, axum::extract::rejection::QueryRejection>,
) -> Response {
    let outcome = async {
        let actor = portal.actor(&headers, peer).await?;
        if actor == Actor::Nobody {
            return Err(Problem::unauthorized());
        }
        let Query(asked) = asked.map_err(|e| Problem::wrong(e.body_text()))?;
        listed(&portal, &actor, &asked)
    };
    answer(&headers, outcome.await)
}

fn listed(portal: &Portal, actor: &Actor, asked: &Asked) -> Outcome {
    let from = asked.from.as_deref().map(|text| time("from", text)).transpose()?;
    let to = asked.to.as_deref().map(|text| time("to", text)).transpose()?;
    let after = asked.after.as_deref().map(number).transpose()?;
    if let Some(status) = asked.status.as_deref().filter(|status| !STATES.contains(status)) {
        return Err(Problem::wrong(format!("`status` is one of {}, not {status:.20}", STATES.join(", "))));
    }
    let title = asked.title.as_ref().map(|title| title.to_lowercase());
    let limit = asked.limit.unwrap_or(PAGE);
    if !(1..=PAGE).contains(&limit) {
        return Err(Problem::wrong(format!("`limit` is between 1 and {PAGE}")));
    }
    let wanted = |known: &Known| {
        actor.may_see(known.number, known.owner.as_deref())
            && after.is_none_or(|after| known.number > after)
            && from.is_none_or(|from| known.created_ms >= from)
            && to.is_none_or(|to| known.created_ms < to)
            && title.as_ref().is_none_or(|title| known.title.to_lowercase().contains(title))
            && asked.status.as_deref().is_none_or(|status| portal.state_of(known) == status)
    };
    let mut found: Vec<Known> = portal.events.all().into_iter().filter(wanted).take(limit + 1).collect();
    let more = found.len() > limit;
    found.truncate(limit);
    let next = found.last().filter(|_| more).map(|known| known.number.to_string());
    let events: Vec<Value> = found.iter().map(|known| shown::event(portal, known)).collect();
    Ok((StatusCode::OK, "list", json!({"events": events, "next": next})))
}

/// Does something with an event for whoever may do it.
async fn with(
    portal: &Shared,
    asked: (&HeaderMap, Peer, &str),
    may: impl FnOnce(&Actor, EventNumber, Option<&str>) -> bool,
    act: impl AsyncFnOnce(Known, Actor) -> Outcome,
) -> Response {
    let (headers, peer, text) = asked;
    let outcome = match granted(portal, headers, peer, text, may).await {
        Ok((known, actor)) => act(known, actor).await,
        Err(problem) => Err(problem),
    };
    answer(headers, outcome)
}

pub(super) async fn one(
    State(portal): State<Shared>,
    Extension(peer): Extension<Peer>,
    Path(text): Path<String>,
    headers: HeaderMap,
) -> Response {
    let act = async |known: Known, _| Ok((StatusCode::OK, "event", shown::event(&portal, &known)));
    with(&portal, (&headers, peer, &text), Actor::may_see, act).await
}

pub(super) async fn change(
    State(portal): State<Shared>,
    Extension(peer): Extension<Peer>,
    Path(text): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let act = async |known: Known, actor| {
        let wished: ChangedEvent = body::read(&headers, &body)?;
        let starts = match wished.starts {
            Some(Some(text)) => Some(Some(time("starts", &text)?)),
            Some(None) => Some(None),
            None => None,
        };
        let change = Change {
            title: wished.title,
            starts_ms: starts,
            formats: wished.formats,
            over_after_s: wished.over_after_s,
            archive_after_s: wished.archive_after_s,
            limit: wished.listener_limit,
            password: wished.password,
        };
        let known = changed(&portal, known.number, change, &actor).await?;
        Ok((StatusCode::OK, "event", shown::event(&portal, &known)))
    };
    with(&portal, (&headers, peer, &text), Actor::may_manage, act).await
}

/// Whether an event takes calls yet. Its record may be late: the gateway knows it first.
async fn takes_calls(portal: &Shared, number: EventNumber) -> Result<(), Problem> {
    let known = portal.find(number).await?;
    let state = portal.state_of(&known);
    if is_final(state) { Err(Problem::conflict(format!("the event is {state}"))) } else { Ok(()) }
}

/// Changes an event that takes calls yet.
pub(crate) async fn changed(
    portal: &Shared,
    number: EventNumber,
    change: Change,
    actor: &Actor,
) -> Result<Known, Problem> {
    takes_calls(portal, number).await?;
    let known = portal.slowly(move |portal| portal.events.change(number, change)).await?;
    portal.announce(number);
    portal.note(number, "changed", "was changed", actor).await;
    Ok(known)
}

/// Gives an event a new attendee link.
pub(crate) async fn renewed(portal: &Shared, number: EventNumber, actor: &Actor) -> Result<Known, Problem> {
    let known = portal.slowly(move |portal| portal.events.renew_link(number)).await?;
    portal.note(number, "link-renewed", "has a new link", actor).await;
    Ok(known)
}

/// Ends or cancels an event: first at the gateway, which lets no more calls in, then in its record.
pub(crate) async fn closed(
    portal: &Shared,
    number: EventNumber,
    closing: Closing,
    actor: &Actor,
) -> Result<Known, Problem> {
    takes_calls(portal, number).await?;
    let digits = number.to_string();
    let cancel = closing == Closing::Cancelled;
    let ordered =
        portal.gateway.ask(move |client| if cancel { client.cancel(&digits) } else { client.end(&digits) }).await;
    match ordered {
        // The gateway has closed it before: its record is what is late.
        Err(problem) if problem.status == StatusCode::CONFLICT => {}
        other => drop(other?),
    }
    let (word, said) = if cancel { ("cancel-ordered", "was cancelled") } else { ("end-ordered", "was ended") };
    portal.note(number, word, said, actor).await;
    portal.slowly(move |portal| portal.events.close(number, closing)).await
}

pub(super) async fn cancel(
    State(portal): State<Shared>,
    Extension(peer): Extension<Peer>,
    Path(text): Path<String>,
    headers: HeaderMap,
) -> Response {
    let act = async |known: Known, actor| {
        closed(&portal, known.number, Closing::Cancelled, &actor).await?;
        Ok((StatusCode::NO_CONTENT, "", Value::Null))
    };
    with(&portal, (&headers, peer, &text), Actor::may_manage, act).await
}

pub(super) async fn end(
    State(portal): State<Shared>,
    Extension(peer): Extension<Peer>,
    Path(text): Path<String>,
    headers: HeaderMap,
) -> Response {
    let act = async |known: Known, actor| {
        let known = closed(&portal, known.number, Closing::Ended, &actor).await?;
        Ok((StatusCode::OK, "event", shown::event(&portal, &known)))
    };
    with(&portal, (&headers, peer, &text), Actor::may_manage, act).await
}

pub(super) async fn renew_link(
    State(portal): State<Shared>,
    Extension(peer): Extension<Peer>,
    Path(text): Path<String>,
    headers: HeaderMap,
) -> Response {
    let act = async |known: Known, actor| {
        let known = renewed(&portal, known.number, &actor).await?;
        Ok((StatusCode::OK, "event", shown::event(&portal, &known)))
    };
    with(&portal, (&headers, peer, &text), Actor::may_manage, act).await
}

pub(super) async fn usage(
    State(portal): State<Shared>,
    Extension(peer): Extension<Peer>,
    Path(text): Path<String>,
    headers: HeaderMap,
) -> Response {
    let act = async |known: Known, _| {
        let usage = usage::of(&portal, known.number).await?;
        Ok((StatusCode::OK, "usage", shown::record(&portal, &known, &usage)))
    };
    with(&portal, (&headers, peer, &text), Actor::may_manage, act).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_taken_away_is_not_null() {
        let change = |text| serde_json::from_str::<ChangedEvent>(text);
        for wrong in [r#"{"title":null}"#, r#"{"formats":null}"#] {
            assert!(change(wrong).is_err(), "{wrong}");
        }
        let none = change("{}").unwrap();
        assert!(none.title.is_none() && none.formats.is_none() && none.password.is_none());
        let open = change(r#"{"formats":["mp3"],"password":null}"#).unwrap();
        assert_eq!((open.formats.map(|formats| formats.len()), open.password), (Some(1), Some(None)));
    }

    #[test]
    fn times_of_long_ago_are_times() {
        assert_eq!(time("from", "2026-01-31T12:00:00Z").unwrap(), 1_769_860_800_000);
        assert_eq!(time("from", "0635-10-16T19:45:48Z").unwrap(), 0);
        assert_eq!(time("from", "1904-02-29T00:00:00.5+01:00").unwrap(), 0);
        for wrong in
            ["", "0635", "063\u{e9}-10-16T19:45:48Z", "+635-10-16T19:45:48Z", "0635-13-16T19:45:48Z", "yesterday"]
        {
            assert!(time("from", wrong).is_err(), "{wrong}");
        }
    }
}
