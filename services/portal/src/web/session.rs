//! Signing in and out, and who the reader of a page is.
//!
//! A cookie holds the name of a session and nothing else: HttpOnly, SameSite=Lax, and over TLS Secure with the prefix that binds it
//! to this host. Forms of a session carry its secret; without it they are refused, whatever the browser thinks of their origin.

use super::{go_to, page};
use crate::access::Actor;
use crate::accounts::Role;
use crate::problem::Problem;
use crate::sessions::Session;
use crate::state::{Peer, Portal, Shared, locked};
use askama::Template;
use axum::Router;
use axum::extract::{Extension, Form, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use axum::routing::{get, post};
use serde::Deserialize;
use subtle::ConstantTimeEq;

pub(super) fn routes() -> Router<Shared> {
    Router::new().route("/sign-in", get(form).post(sign_in)).route("/sign-out", post(sign_out))
}

#[derive(Template)]
#[template(path = "sign-in.html")]
struct SignInPage<'a> {
    who: Option<Who>,
    wrong: Option<&'a str>,
    name: &'a str,
}

#[derive(Deserialize)]
struct SignIn {
    name: String,
    secret: String,
}

#[derive(Deserialize)]
struct SignOut {
    #[serde(default)]
    form: String,
}

/// What the head of a page says of its reader.
#[derive(Clone, Debug)]
pub(super) struct Who {
    pub(super) name: String,
    /// He sees all events.
    pub(super) sees_all: bool,
    pub(super) form: String,
}

/// Who reads a page.
pub(super) struct Reader {
    pub(super) session: Option<Session>,
}

impl Reader {
    pub(super) fn of(portal: &Portal, headers: &HeaderMap) -> Reader {
        let name = cookie(portal, headers);
        Reader { session: name.and_then(|name| locked(&portal.sessions).find(portal.now(), name)) }
    }

    pub(super) fn actor(&self) -> Actor {
        self.session.as_ref().map_or(Actor::Nobody, |session| session.actor.clone())
    }

    /// For the head of the page.
    pub(super) fn who(&self) -> Option<Who> {
        let session = self.session.as_ref()?;
        let sees_all = matches!(session.actor, Actor::Known { role: Role::Operator | Role::Viewer, .. });
        Some(Who { name: session.actor.shown(), sees_all, form: session.form_secret.clone() })
    }

    /// For the forms of the page.
    pub(super) fn form_secret(&self) -> &str {
        self.session.as_ref().map_or("", |session| &session.form_secret)
    }

    /// Whether a form is one of this reader's.
    ///
    /// # Errors
    /// 401 without a session, 403 when it is not.
    pub(super) fn check(&self, form: &str) -> Result<(), Problem> {
        let session = self.session.as_ref().ok_or_else(Problem::unauthorized)?;
        if bool::from(session.form_secret.as_bytes().ct_eq(form.as_bytes())) {
            Ok(())
        } else {
            Err(Problem::forbidden("this form is not of this page: load the page again"))
        }
    }
}

fn cookie_name(portal: &Portal) -> &'static str {
    if portal.config.has_tls() { "__Host-trunkcast" } else { "trunkcast" }
}

fn cookie<'a>(portal: &Portal, headers: &'a HeaderMap) -> Option<&'a str> {
    crate::state::cookie(headers, cookie_name(portal))
}

async fn form(State(portal): State<Shared>, headers: HeaderMap) -> Response {
    let who = Reader::of(&portal, &headers).who();
    page(StatusCode::OK, &SignInPage { who, wrong: None, name: "" })
}

async fn sign_in(
    State(portal): State<Shared>,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
    Form(given): Form<SignIn>,
) -> Response {
    match portal.sign_in(given.name.trim(), &given.secret, peer).await {
        Ok(actor) => {
            log::info!(target: "portal", "signed in: {}", actor.shown());
            let place = match &actor {
                Actor::HostOf(number) => format!("/host/{number}/"),
                Actor::Known { role: Role::Host, .. } => "/host/".to_owned(),
                Actor::Known { .. } => "/operator/".to_owned(),
                Actor::Nobody => "/".to_owned(),
            };
            with_session(&portal, &headers, actor, go_to(&place))
        }
        Err(problem) => {
            let wrong = SignInPage { who: None, wrong: Some(&problem.detail), name: given.name.trim() };
            let mut response = page(problem.status, &wrong);
            problem.lines(response.headers_mut());
            response.headers_mut().remove(header::WWW_AUTHENTICATE);
            response
        }
    }
}

/// The answer with a fresh session in it; one that was there ends, so that nobody can be given a name he did not get here.
pub(super) fn with_session(portal: &Portal, headers: &HeaderMap, actor: Actor, mut response: Response) -> Response {
    let name = {
        let mut sessions = locked(&portal.sessions);
        cookie(portal, headers).into_iter().for_each(|old| sessions.end(old));
        sessions.begin(portal.now(), actor)
    };
    let secure = if portal.config.has_tls() { "; Secure" } else { "" };
    let line = format!("{}={name}; Path=/; HttpOnly; SameSite=Lax{secure}", cookie_name(portal));
    if let Ok(line) = HeaderValue::from_str(&line) {
        response.headers_mut().append(header::SET_COOKIE, line);
    }
    response
}

async fn sign_out(State(portal): State<Shared>, headers: HeaderMap, Form(given): Form<SignOut>) -> Response {
    if let Err(problem) = Reader::of(&portal, &headers).check(&given.form) {
        return super::problem(&problem);
    }
    cookie(&portal, &headers).into_iter().for_each(|name| locked(&portal.sessions).end(name));
    let mut response = go_to("/");
    let secure = if portal.config.has_tls() { "; Secure" } else { "" };
    let line = format!("{}=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax{secure}", cookie_name(&portal));
    if let Ok(line) = HeaderValue::from_str(&line) {
        response.headers_mut().append(header::SET_COOKIE, line);
    }
    response
}
