//! A stream of the gateway, handed on: from the same origin as the page, with its TLS.
//!
//! Nothing is kept on the way: each listener here is one at the stream port, which drops whoever is too slow.

use axum::body::{Body, HttpBody};
use axum::http::{HeaderMap, Request, Response, header};
use hyper::body::{Frame, Incoming};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::net::TcpStream;

/// A stream port on this server or the next answers at once.
const PATIENCE: Duration = Duration::from_secs(5);
/// Lines of the listener's head that the port understands.
const HANDED_ON: [&str; 3] = ["accept", "icy-metadata", "user-agent"];

/// Fetches a path of a stream port. `held` is dropped with the last of the answer.
pub(crate) async fn fetch<H: Send + Unpin + 'static>(
    host: &str,
    port: u16,
    path: &str,
    from: &HeaderMap,
    held: H,
) -> io::Result<Response<Body>> {
    tokio::time::timeout(PATIENCE, ask(host, port, path, from, held))
        .await
        .unwrap_or_else(|_| Err(io::Error::new(io::ErrorKind::TimedOut, "the stream port does not answer")))
}

async fn ask<H: Send + Unpin + 'static>(
    host: &str,
    port: u16,
    path: &str,
    from: &HeaderMap,
    held: H,
) -> io::Result<Response<Body>> {
    let stream = TcpStream::connect((host, port)).await?;
    stream.set_nodelay(true)?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(io::Error::other)?;
    // Ends when the answer's body is dropped.
    tokio::spawn(connection);
    let mut request = Request::get(path).header(header::HOST, format!("{host}:{port}"));
    for name in HANDED_ON {
        if let Some(value) = from.get(name) {
            request = request.header(name, value);
        }
    }
    let request = request.body(String::new()).map_err(io::Error::other)?;
    let (head, body) = sender.send_request(request).await.map_err(io::Error::other)?.into_parts();
    let mut response = Response::new(Body::new(Held { body, _held: held }));
    *response.status_mut() = head.status;
    for (name, value) in &head.headers {
        // What concerns the connection to the port ends here (RFC 9110, clause 7.6.1).
        if ![header::CONNECTION, header::TRANSFER_ENCODING, header::DATE].contains(name) {
            response.headers_mut().insert(name, value.clone());
        }
    }
    Ok(response)
}

/// A body, and what is held as long as it lasts.
struct Held<H> {
    body: Incoming,
    _held: H,
}

impl<H: Unpin> HttpBody for Held<H> {
    type Data = axum::body::Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, hyper::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }
}
