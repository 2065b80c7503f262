//! The operator's page: all events, the streams on the air, the stream ports; and on a server with the exchange in software, a call.

use super::host::Line;
use super::session::{Reader, Who};
use super::{go_to, moment, page};
use crate::access::Actor;
use crate::accounts::Role as Access;
use crate::events::Known;
use crate::problem::Problem;
use crate::state::Shared;
use askama::Template;
use axum::Router;
use axum::extract::{Form, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use axum::routing::{get, post};
use control::{DialPlan, PortState, Repeat};
use event::{EventNumber, Role};
use serde::Deserialize;

/// Events on the page: the latest.
const SHOWN: usize = 200;
/// What the caller of "call in now" says, again and again.
const SPEECH: &[u8] = include_bytes!("../../../../assets/speech/a1.wav");
const SPEECH_FILE: &str = "portal-call-in.wav";

pub(super) fn routes() -> Router<Shared> {
    Router::new().route("/operator/", get(overview)).route("/operator/call-in", post(call_in))
}

/// A stream on the air.
struct OnAir {
    event: String,
    format: String,
    address: String,
    port: u16,
    since: String,
    listeners: u32,
}

/// A stream port.
struct Port {
    port: u16,
    state: &'static str,
    event: String,
    listeners: u32,
}

#[derive(Template)]
#[template(path = "operator.html")]
struct OperatorPage {
    who: Option<Who>,
    form: String,
    may_call: bool,
    gateway: Result<Server, String>,
    events: Vec<Line>,
    streams: Vec<OnAir>,
    ports: Vec<Port>,
}

/// The gateway in a line.
struct Server {
    version: String,
    calls: u32,
    conferences: u32,
    listeners: u64,
    alarms: usize,
}

async fn overview(State(portal): State<Shared>, headers: HeaderMap) -> Response {
    let reader = Reader::of(&portal, &headers);
    let actor = match reader.actor() {
        actor @ Actor::Known { role: Access::Operator | Access::Viewer, .. } => actor,
        Actor::Nobody => return go_to("/sign-in"),
        _ => return super::problem(&Problem::forbidden("this takes an operator or a viewer")),
    };
    let asked = portal.gateway.ask(|client| {
        // Without an exchange in software there are no calls of it to list.
        let exchange = client.exchange_calls().is_ok();
        Ok((client.status()?, client.ports()?, exchange))
    });
    let (gateway, ports, exchange) = match asked.await {
        Ok((status, ports, exchange)) => {
            let server = Server {
                version: status.version,
                calls: status.calls,
                conferences: status.conferences,
                listeners: u64::from(status.listeners),
                alarms: status.alarms.len(),
            };
            (Ok(server), ports, exchange)
        }
        Err(problem) => (Err(problem.detail), Vec::new(), false),
    };
    let mut known: Vec<Known> = portal.events.all();
    known.sort_unstable_by_key(|known| std::cmp::Reverse(known.created_ms));
    let events = known.iter().take(SHOWN).map(|known| Line::of(&portal, known)).collect();
    let on_air = |row: crate::table::Row| OnAir {
        event: EventNumber::parse(&row.event).map_or(row.event, EventNumber::grouped),
        format: row.format,
        address: row.address,
        port: row.port,
        since: moment(row.since_ms),
        listeners: row.listeners,
    };
    let streams = portal.gateway.table().rows().into_iter().map(on_air).collect();
    let port = |info: control::PortInfo| Port {
        port: info.port,
        state: match info.state {
            PortState::Free => "free",
            PortState::InUse => "in use",
            PortState::HeldBack => "held back",
            PortState::Unavailable => "unavailable",
            PortState::Unknown => "unknown",
        },
        event: info.event.and_then(|event| EventNumber::parse(&event).ok()).map_or(String::new(), EventNumber::grouped),
        listeners: info.listeners,
    };
    // The free ones are many and say nothing.
    let ports = ports.into_iter().filter(|info| info.state != PortState::Free).map(port).collect();
    let template = OperatorPage {
        form: reader.form_secret().to_owned(),
        may_call: exchange && actor.is_operator(),
        who: reader.who(),
        gateway,
        events,
        streams,
        ports,
    };
    page(StatusCode::OK, &template)
}

#[derive(Deserialize)]
struct CallIn {
    form: String,
    event: String,
}

async fn call_in(State(portal): State<Shared>, headers: HeaderMap, Form(given): Form<CallIn>) -> Response {
    let outcome = async {
        let reader = Reader::of(&portal, &headers);
        reader.check(&given.form)?;
        if !reader.actor().is_operator() {
            return Err(Problem::forbidden("this takes an operator"));
        }
        let number = EventNumber::parse(&given.event).map_err(|_| Problem::not_found())?;
        let pin = portal
            .events
            .keyring()
            .pin(number, Role::Host)
            .ok_or_else(|| Problem::conflict("the key of this event was retired"))?;
        let wav = portal.slowly(|portal| speech(&portal.config.state_dir)).await?;
        let plan = DialPlan {
            calling: Some("2025550199".to_owned()),
            name: Some("Portal".to_owned()),
            event: Some(number.to_string()),
            pin: Some(pin.as_str().to_owned()),
            wav: Some(wav),
            repeat: Repeat::Forever,
            ..DialPlan::default()
        };
        portal.gateway.ask(move |client| client.exchange_dial(plan)).await?;
        log::info!(target: "portal", "a call into event {} was placed by {}", number.grouped(), reader.actor().shown());
        Ok(())
    };
    match outcome.await {
        Ok(()) => go_to("/operator/"),
        Err(problem) => super::problem(&problem),
    }
}

/// Where the exchange finds what its caller says.
fn speech(state_dir: &std::path::Path) -> Result<String, Problem> {
    let unusable =
        |error: std::io::Error| Problem::unavailable(format!("the sound of the call cannot be written: {error}"));
    let path = std::path::absolute(state_dir.join(SPEECH_FILE)).map_err(unusable)?;
    if !path.exists() {
        std::fs::write(&path, SPEECH).map_err(unusable)?;
    }
    path.into_os_string().into_string().map_err(|_| Problem::unavailable("the state directory's name is no text"))
}
