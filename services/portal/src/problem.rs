//! Why something was not done, as programs and people are told.
//!
//! Source: RFC 9457: `application/problem+json` and `application/problem+xml`.

use crate::body::Format;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use control::{ClientError, ProblemKind};
use event::InfoError;
use serde_json::{Value, json};

/// Why something was not done.
#[derive(Clone, Debug)]
pub(crate) struct Problem {
    pub(crate) status: StatusCode,
    /// For programs: the end of the problem's address.
    kind: &'static str,
    /// For people.
    pub(crate) detail: String,
    retry_after_s: Option<u64>,
}

impl Problem {
    pub(crate) fn new(status: StatusCode, kind: &'static str, detail: impl Into<String>) -> Problem {
        Problem { status, kind, detail: detail.into(), retry_after_s: None }
    }

    pub(crate) fn wrong(detail: impl Into<String>) -> Problem {
        Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", detail)
    }

    pub(crate) fn malformed(detail: impl Into<String>) -> Problem {
        Problem::new(StatusCode::BAD_REQUEST, "malformed", detail)
    }

    pub(crate) fn not_found() -> Problem {
        Problem::new(StatusCode::NOT_FOUND, "not-found", "there is no such event")
    }

    pub(crate) fn unauthorized() -> Problem {
        Problem::new(
            StatusCode::UNAUTHORIZED,
            "unauthorized",
            "this takes a token, an account, or the number and the host's PIN of the event",
        )
    }

    pub(crate) fn forbidden(detail: impl Into<String>) -> Problem {
        Problem::new(StatusCode::FORBIDDEN, "forbidden", detail)
    }

    pub(crate) fn conflict(detail: impl Into<String>) -> Problem {
        Problem::new(StatusCode::CONFLICT, "conflict", detail)
    }

    pub(crate) fn unavailable(detail: impl Into<String>) -> Problem {
        let problem = Problem::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", detail);
        Problem { retry_after_s: Some(5), ..problem }
    }

    pub(crate) fn too_many(seconds: u64) -> Problem {
        let problem = Problem::new(
            StatusCode::TOO_MANY_REQUESTS,
            "too-many",
            format!("too many at once: try again in {seconds} s"),
        );
        Problem { retry_after_s: Some(seconds), ..problem }
    }

    fn document(&self) -> Value {
        json!({
            "type": format!("urn:trunkcast:problem:{}", self.kind),
            "title": self.status.canonical_reason().unwrap_or_default(),
            "status": self.status.as_u16(),
            "detail": self.detail,
        })
    }

    /// The answer, in this format.
    pub(crate) fn answer(&self, format: Format) -> Response {
        let mut response = (self.status, format.write("problem", &self.document())).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(format.problem_type()));
        self.lines(headers);
        response
    }

    /// What goes into the head of an answer of any kind.
    pub(crate) fn lines(&self, headers: &mut axum::http::HeaderMap) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(seconds) = self.retry_after_s {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"trunkcast\""));
        }
    }
}

impl From<ClientError> for Problem {
    fn from(error: ClientError) -> Problem {
        match error {
            ClientError::Refused(problem) => {
                let (status, kind) = match problem.kind {
                    ProblemKind::Malformed => (StatusCode::UNPROCESSABLE_ENTITY, "invalid"),
                    ProblemKind::NotFound => (StatusCode::NOT_FOUND, "not-found"),
                    ProblemKind::Conflict => (StatusCode::CONFLICT, "conflict"),
                    ProblemKind::Busy | ProblemKind::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, "unavailable"),
                    _ => (StatusCode::BAD_GATEWAY, "gateway"),
                };
                Problem::new(status, kind, problem.message)
            }
            other => {
                log::warn!(target: "portal", "the gateway: {other}");
                Problem::unavailable("the gateway does not answer")
            }
        }
    }
}

impl From<InfoError> for Problem {
    fn from(error: InfoError) -> Problem {
        match error {
            InfoError::NotFound { .. } => Problem::not_found(),
            InfoError::Request { what } => Problem::wrong(what),
            other => {
                log::error!(target: "portal", "{other}{}", std::error::Error::source(&other).map_or(String::new(), |e| format!(": {e}")));
                Problem::unavailable("the content store cannot be used at this moment")
            }
        }
    }
}
