//! Style and scripts, from the program itself.

use crate::state::Shared;
use axum::Router;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::get;

pub(super) fn routes() -> Router<Shared> {
    Router::new()
        .route(
            "/assets/style.css",
            get(|| async { asset("text/css; charset=utf-8", include_str!("../../assets/style.css")) }),
        )
        .route("/assets/player.js", get(|| async { script(include_str!("../../assets/player.js")) }))
        .route("/assets/pcmu.js", get(|| async { script(include_str!("../../assets/pcmu.js")) }))
        .route("/assets/refresh.js", get(|| async { script(include_str!("../../assets/refresh.js")) }))
}

fn script(text: &'static str) -> Response {
    asset("text/javascript; charset=utf-8", text)
}

/// Asked for again after an hour: a newer program brings newer ones under the same names.
fn asset(kind: &'static str, text: &'static str) -> Response {
    ([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "public, max-age=3600")], text).into_response()
}
