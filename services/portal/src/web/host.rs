//! The host's page: who is there, who speaks, how many listen; mute, lock, let in, end; edit, report.
//!
//! Orders go to the gateway over its control socket and are carried out there. The list of callers renews itself where there are
//! scripts; without them the page is loaded again.

use super::session::{Reader, Who};
use super::{go_to, moment, page};
use crate::access::Actor;
use crate::api;
use crate::audience;
use crate::events::{Change, Known};
use crate::listen::is_final;
use crate::problem::Problem;
use crate::state::{Portal, Shared};
use crate::usage::{self, Usage};
use askama::Template;
use axum::Router;
use axum::extract::{Form, Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use control::{ConferenceInfo, ConferenceMember, ConferenceMode, ConferenceOrder, MemberPlace, MutedBy, Role};
use event::{Closing, EventNumber, utc};
use serde::Deserialize;

/// RFC 4180.
const TABLE: &str = "text/csv; charset=utf-8";

pub(super) fn routes() -> Router<Shared> {
    Router::new()
        .route("/host/", get(mine))
        .route("/host/{number}/", get(event))
        .route("/host/{number}/callers", get(callers))
        .route("/host/{number}/order", post(order))
        .route("/host/{number}/edit", post(edit))
        .route("/host/{number}/link", post(renew_link))
        .route("/host/{number}/end", post(end))
        .route("/host/{number}/usage.csv", get(usage_csv))
        .route("/host/{number}/audience.csv", get(audience_csv))
        .route("/host/{number}/usage.json", get(usage_json))
}

/// An event in a list.
pub(super) struct Line {
    pub(super) number: String,
    pub(super) digits: String,
    pub(super) title: String,
    pub(super) state: &'static str,
    pub(super) reserved: String,
    pub(super) callers: u32,
    pub(super) listeners: u32,
    pub(super) form_on: bool,
}

impl Line {
    pub(super) fn of(portal: &Portal, known: &Known) -> Line {
        let digits = known.number.to_string();
        let state = portal.state_of(known);
        let table = portal.gateway.table();
        let live = table.event(&digits);
        Line {
            number: known.number.grouped(),
            title: known.title.clone(),
            state,
            reserved: moment(known.created_ms),
            callers: live.map_or(0, |event| event.callers),
            listeners: live.map_or(0, |event| event.streams.iter().map(|stream| stream.listeners).sum()),
            form_on: !is_final(state),
            digits,
        }
    }
}

#[derive(Template)]
#[template(path = "hosted.html")]
struct HostedPage {
    who: Option<Who>,
    events: Vec<Line>,
}

#[derive(Template)]
#[template(path = "host.html")]
struct HostPage {
    who: Option<Who>,
    form: String,
    number: String,
    digits: String,
    title: String,
    state: &'static str,
    over: bool,
    starts: String,
    password: String,
    limit: String,
    link: String,
    callers: String,
    chart: String,
    peak: u32,
    first: String,
    listeners: u32,
}

#[derive(Template)]
#[template(path = "callers.html")]
struct Callers<'a> {
    form: &'a str,
    digits: &'a str,
    away: Option<&'a str>,
    conference: Option<&'a ConferenceInfo>,
    mode: &'static str,
    members: Vec<Caller>,
}

/// A caller as the host sees him.
struct Caller {
    call: u64,
    name: String,
    role: &'static str,
    place: &'static str,
    waits: bool,
    talking: bool,
    muted: Option<&'static str>,
    may_unmute: bool,
    hand: Option<u32>,
    since: String,
}

impl Caller {
    fn of(member: &ConferenceMember) -> Caller {
        let number = member.number.clone().unwrap_or_else(|| "number withheld".to_owned());
        Caller {
            call: member.call,
            name: member.name.as_ref().map_or(number.clone(), |name| format!("{name}, {number}")),
            role: match member.role {
                Role::Host => "host",
                Role::Speaker => "speaker",
                Role::Listener => "listener",
                Role::Unknown => "",
            },
            place: match member.place {
                MemberPlace::Naming => "is asked for a name",
                MemberPlace::WaitingForHost => "waits for the host",
                MemberPlace::WaitingForAdmission => "waits to be let in",
                MemberPlace::Present | MemberPlace::Unknown => "",
            },
            waits: member.place == MemberPlace::WaitingForAdmission,
            talking: member.talking,
            muted: member.muted.map(|by| match by {
                MutedBy::Oneself => "muted by himself",
                MutedBy::Host => "muted by a host",
                MutedBy::Mode => "not called on",
                MutedBy::Role | MutedBy::Unknown => "only listens",
            }),
            may_unmute: member.muted == Some(MutedBy::Host),
            hand: member.hand,
            since: utc::rfc3339(member.since_ms)[11..19].to_owned(),
        }
    }
}

async fn mine(State(portal): State<Shared>, headers: HeaderMap) -> Response {
    let reader = Reader::of(&portal, &headers);
    let actor = reader.actor();
    if actor == Actor::Nobody {
        return go_to("/sign-in");
    }
    let events = portal.events.all();
    let own = events.iter().filter(|known| match &actor {
        Actor::Known { name, .. } => known.owner.as_deref() == Some(name),
        other => other.may_manage(known.number, None),
    });
    // The latest first.
    let mut own: Vec<&Known> = own.collect();
    own.sort_unstable_by_key(|known| std::cmp::Reverse(known.created_ms));
    let events = own.into_iter().take(200).map(|known| Line::of(&portal, known)).collect();
    page(StatusCode::OK, &HostedPage { who: reader.who(), events })
}

/// The event, if this reader may lead it.
async fn led(portal: &Shared, headers: &HeaderMap, text: &str) -> Result<(Reader, Known), Problem> {
    let reader = Reader::of(portal, headers);
    if reader.session.is_none() {
        return Err(Problem::unauthorized());
    }
    let number = EventNumber::parse(text).map_err(|_| Problem::not_found())?;
    let known = portal.find(number).await?;
    if reader.actor().may_manage(number, known.owner.as_deref()) {
        return Ok((reader, known));
    }
    // Whether there is such an event is nobody else's business.
    Err(Problem::not_found())
}

async fn event(State(portal): State<Shared>, Path(text): Path<String>, headers: HeaderMap) -> Response {
    let (reader, known) = match led(&portal, &headers, &text).await {
        Ok(led) => led,
        Err(problem) => return super::problem(&problem),
    };
    let digits = known.number.to_string();
    let callers = shown_callers(&portal, &reader, &known).await;
    let points = match usage::audience(&portal, known.number).await {
        Ok(points) => points,
        Err(problem) => return super::problem(&problem),
    };
    let first = points.first().map_or(String::new(), |(at, _)| moment(*at));
    let line = Line::of(&portal, &known);
    let template = HostPage {
        who: reader.who(),
        form: reader.form_secret().to_owned(),
        over: is_final(line.state),
        number: line.number,
        title: line.title,
        state: line.state,
        starts: known.starts_ms.map_or(String::new(), |ms| utc::rfc3339(ms)[..16].to_owned()),
        password: known.attendance.password.clone().unwrap_or_default(),
        limit: known.attendance.limit.map_or(String::new(), |limit| limit.to_string()),
        link: known.link.clone().unwrap_or_default(),
        callers,
        chart: audience::steps(&points, utc::now_ms()),
        peak: audience::peak(&points),
        first,
        listeners: line.listeners,
        digits,
    };
    page(StatusCode::OK, &template)
}

async fn callers(State(portal): State<Shared>, Path(text): Path<String>, headers: HeaderMap) -> Response {
    match led(&portal, &headers, &text).await {
        Ok((reader, known)) => {
            let lines = [(header::CONTENT_TYPE, "text/html; charset=utf-8"), (header::CACHE_CONTROL, "no-store")];
            (lines, shown_callers(&portal, &reader, &known).await).into_response()
        }
        Err(problem) => super::problem(&problem),
    }
}

async fn shown_callers(portal: &Shared, reader: &Reader, known: &Known) -> String {
    let digits = known.number.to_string();
    let asked = digits.clone();
    let (conference, away) = match portal.gateway.ask(move |client| client.conference(&asked)).await {
        Ok(conference) => (Some(conference), None),
        // Nobody is in it.
        Err(problem) if problem.status == StatusCode::NOT_FOUND => (None, None),
        Err(problem) => (None, Some(problem.detail)),
    };
    let template = Callers {
        form: reader.form_secret(),
        digits: &digits,
        away: away.as_deref(),
        mode: match conference.as_ref().map(|conference| conference.mode) {
            Some(ConferenceMode::Question) => "question",
            Some(ConferenceMode::Lecture) => "lecture",
            _ => "conversation",
        },
        members: conference.iter().flat_map(|conference| &conference.members).map(Caller::of).collect(),
        conference: conference.as_ref(),
    };
    template.render().unwrap_or_default()
}

#[derive(Deserialize)]
struct Ordered {
    form: String,
    order: String,
    #[serde(default)]
    call: u64,
}

/// What a button of the page means.
fn meant(order: &str, call: u64) -> Option<ConferenceOrder> {
    Some(match order {
        "mute" => ConferenceOrder::Mute { call },
        "unmute" => ConferenceOrder::Unmute { call },
        "kick" => ConferenceOrder::Kick { call },
        "admit" => ConferenceOrder::Admit { call },
        "call-on" => ConferenceOrder::CallOn { call },
        "lower-hand" => ConferenceOrder::LowerHand { call },
        "mute-all" => ConferenceOrder::MuteAll { lock: false },
        "unmute-all" => ConferenceOrder::UnmuteAll,
        "lock" => ConferenceOrder::Lock,
        "unlock" => ConferenceOrder::Unlock,
        "admit-all" => ConferenceOrder::AdmitAll,
        "conversation" => ConferenceOrder::Mode { mode: ConferenceMode::Conversation },
        "question" => ConferenceOrder::Mode { mode: ConferenceMode::Question },
        "lecture" => ConferenceOrder::Mode { mode: ConferenceMode::Lecture },
        _ => return None,
    })
}

async fn order(
    State(portal): State<Shared>,
    Path(text): Path<String>,
    headers: HeaderMap,
    Form(given): Form<Ordered>,
) -> Response {
    let act = async |reader: Reader, known: Known| {
        let order = meant(&given.order, given.call).ok_or_else(|| Problem::wrong("there is no such order"))?;
        let digits = known.number.to_string();
        log::info!(target: "portal", "{} in the conference of event {}, by {}", order.verb(), known.number.grouped(), reader.actor().shown());
        portal.gateway.ask(move |client| client.order_conference(&digits, order)).await?;
        Ok(())
    };
    with_form((&portal, &headers, &text), &given.form, act).await
}

/// Does what a form of the event's page says, and goes back to the page.
async fn with_form(
    (portal, headers, text): (&Shared, &HeaderMap, &str),
    form: &str,
    act: impl AsyncFnOnce(Reader, Known) -> Result<(), Problem>,
) -> Response {
    let outcome = async {
        let (reader, known) = led(portal, headers, text).await?;
        reader.check(form)?;
        let number = known.number;
        act(reader, known).await?;
        Ok::<_, Problem>(number)
    };
    match outcome.await {
        Ok(number) => go_to(&format!("/host/{number}/")),
        Err(problem) => super::problem(&problem),
    }
}

#[derive(Deserialize)]
struct Edited {
    form: String,
    title: String,
    #[serde(default)]
    starts: String,
    limit: Option<String>,
    password: Option<String>,
}

async fn edit(
    State(portal): State<Shared>,
    Path(text): Path<String>,
    headers: HeaderMap,
    Form(given): Form<Edited>,
) -> Response {
    let act = async |reader: Reader, known: Known| {
        let starts_ms = Some(super::reserve::start(&given.starts)?);
        let limit = given.limit.as_deref().map(super::reserve::limit).transpose()?;
        let password = given.password.as_deref().map(super::reserve::password);
        let change = Change { title: Some(given.title), starts_ms, limit, password, ..Change::default() };
        api::changed(&portal, known.number, change, &reader.actor()).await?;
        Ok(())
    };
    with_form((&portal, &headers, &text), &given.form, act).await
}

#[derive(Deserialize)]
struct Plain {
    form: String,
    #[serde(default)]
    sure: Option<String>,
}

async fn renew_link(
    State(portal): State<Shared>,
    Path(text): Path<String>,
    headers: HeaderMap,
    Form(given): Form<Plain>,
) -> Response {
    let act = async |reader: Reader, known: Known| {
        api::renewed(&portal, known.number, &reader.actor()).await?;
        Ok(())
    };
    with_form((&portal, &headers, &text), &given.form, act).await
}

async fn end(
    State(portal): State<Shared>,
    Path(text): Path<String>,
    headers: HeaderMap,
    Form(given): Form<Plain>,
) -> Response {
    let act = async |reader: Reader, known: Known| {
        if given.sure.is_none() {
            return Err(Problem::wrong("to end an event takes the tick beside the button: it cannot be undone"));
        }
        api::closed(&portal, known.number, Closing::Ended, &reader.actor()).await?;
        Ok(())
    };
    with_form((&portal, &headers, &text), &given.form, act).await
}

async fn usage_csv(State(portal): State<Shared>, Path(text): Path<String>, headers: HeaderMap) -> Response {
    report(&portal, &headers, &text, TABLE, ".csv", |_, usage| usage.calls_csv()).await
}

async fn audience_csv(State(portal): State<Shared>, Path(text): Path<String>, headers: HeaderMap) -> Response {
    report(&portal, &headers, &text, TABLE, "-audience.csv", |_, usage| usage.audience_csv()).await
}

async fn usage_json(State(portal): State<Shared>, Path(text): Path<String>, headers: HeaderMap) -> Response {
    let write = |known: &Known, usage: &Usage| api::record(&portal, known, usage).to_string();
    report(&portal, &headers, &text, "application/json", ".json", write).await
}

/// What came of an event, as a file to keep.
async fn report(
    portal: &Shared,
    headers: &HeaderMap,
    text: &str,
    kind: &'static str,
    suffix: &str,
    write: impl FnOnce(&Known, &Usage) -> String,
) -> Response {
    let outcome = async {
        let (_, known) = led(portal, headers, text).await?;
        let usage = usage::of(portal, known.number).await?;
        Ok::<_, Problem>((known.number, write(&known, &usage)))
    };
    let (number, text) = match outcome.await {
        Ok(written) => written,
        Err(problem) => return super::problem(&problem),
    };
    let lines = [
        (header::CONTENT_TYPE, kind.to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"event-{number}{suffix}\"")),
        (header::CACHE_CONTROL, "no-store".to_owned()),
    ];
    (lines, text).into_response()
}
