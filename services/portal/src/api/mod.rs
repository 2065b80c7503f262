//! The interface for programs: `/api/v1`, described by the document it serves at `/api/v1/openapi.json`.
//!
//! Source: RFC 9110 for methods and statuses, RFC 9457 for problems, RFC 7396 for what PATCH takes, the draft on Idempotency-Key of
//! the IETF's HTTP API working group.

mod events;
mod shown;

use crate::body::Format;
use crate::guard::Asked;
use crate::problem::Problem;
use crate::state::{Peer, Shared};
use axum::Router;
use axum::extract::{Extension, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::{Value, json};

pub(crate) use events::{changed, closed, renewed, reserved};
pub(crate) use shown::record;

/// What describes it all.
pub(crate) const OPENAPI: &str = include_str!("../../assets/openapi.json");

/// What is done with a request, in the format its answer is wanted in.
type Outcome = Result<(StatusCode, &'static str, Value), Problem>;

pub(crate) fn routes() -> Router<Shared> {
    Router::new()
        .route("/api/v1/openapi.json", get(openapi))
        .route("/api/v1/events", get(events::list).post(events::reserve))
        .route("/api/v1/events/{number}", get(events::one).patch(events::change).delete(events::cancel))
        .route("/api/v1/events/{number}/end", post(events::end))
        .route("/api/v1/events/{number}/link", post(events::renew_link))
        .route("/api/v1/events/{number}/usage", get(events::usage))
        .route("/api/v1/streams", get(streams))
        .method_not_allowed_fallback(wrong_method)
}

/// The answer, in what was asked for.
fn answer(headers: &HeaderMap, outcome: Outcome) -> Response {
    // Who wants neither was refused on the way here.
    let format = Format::wanted(headers).unwrap_or(Format::Json);
    match outcome {
        Ok((StatusCode::NO_CONTENT, ..)) => StatusCode::NO_CONTENT.into_response(),
        Ok((status, name, value)) => format.answer(status, name, &value),
        Err(problem) => problem.answer(format),
    }
}

/// For what is not there.
pub(crate) fn problem(headers: &HeaderMap, problem: &Problem) -> Response {
    problem.answer(Format::wanted(headers).unwrap_or(Format::Json))
}

async fn wrong_method(headers: HeaderMap, Extension(asked): Extension<Asked>) -> Response {
    let detail = "this address takes another method";
    let wrong = Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method", detail);
    if asked.by_program { problem(&headers, &wrong) } else { (StatusCode::METHOD_NOT_ALLOWED, detail).into_response() }
}

async fn openapi() -> Response {
    let lines = [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-cache")];
    (lines, OPENAPI).into_response()
}

async fn streams(State(portal): State<Shared>, Extension(peer): Extension<Peer>, headers: HeaderMap) -> Response {
    let outcome = async {
        let actor = portal.actor(&headers, peer).await?;
        if actor == crate::access::Actor::Nobody {
            return Err(Problem::unauthorized());
        }
        let table = portal.gateway.table();
        let may = |event: &str| {
            let number = event::EventNumber::parse(event).ok()?;
            let owner = portal.events.at_hand(number).and_then(|known| known.owner);
            actor.may_see(number, owner.as_deref()).then_some(())
        };
        let rows: Vec<Value> = table
            .rows()
            .into_iter()
            .filter(|row| may(&row.event).is_some())
            .map(|row| {
                json!({
                    "event": row.event, "format": row.format, "address": row.address, "port": row.port,
                    "since": event::utc::rfc3339(row.since_ms), "listeners": row.listeners,
                })
            })
            .collect();
        Ok((
            StatusCode::OK,
            "monitoring",
            json!({"gateway": if table.reached { "up" } else { "away" }, "streams": rows}),
        ))
    };
    answer(&headers, outcome.await)
}
