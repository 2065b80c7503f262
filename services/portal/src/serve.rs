//! Connections: accepted, bounded in number, with or without TLS, each answered by the same router.
//!
//! Time: a head has to come within [`HEAD`], a TLS handshake within [`HANDSHAKE`]; what an answer may take is [`guard`](crate::guard)'s.

use crate::state::Peer;
use axum::Router;
use axum::extract::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;

const HEAD: Duration = Duration::from_secs(15);
const HANDSHAKE: Duration = Duration::from_secs(10);
/// After an accept that failed, for want of descriptors as a rule.
const PAUSE: Duration = Duration::from_millis(100);

/// Answers whoever comes, as long as it is polled.
pub(crate) async fn serve(listener: TcpListener, tls: Option<TlsAcceptor>, connections: usize, app: Router) {
    let slots = Arc::new(Semaphore::new(connections));
    loop {
        // Without a free slot the next waits in the system's queue.
        let Ok(slot) = slots.clone().acquire_owned().await else { return };
        let (stream, peer) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                log::warn!(target: "portal", "no connection could be taken: {error}");
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        };
        let (tls, app) = (tls.clone(), app.clone());
        tokio::spawn(async move {
            let _slot = slot;
            // Sound comes in small pieces, each of which is to go at once.
            let _ = stream.set_nodelay(true);
            match tls {
                None => answer(stream, peer, app).await,
                Some(tls) => secured(stream, peer, tls, app).await,
            }
        });
    }
}

async fn secured(stream: TcpStream, peer: SocketAddr, tls: TlsAcceptor, app: Router) {
    match tokio::time::timeout(HANDSHAKE, tls.accept(stream)).await {
        Ok(Ok(stream)) => answer(stream, peer, app).await,
        Ok(Err(error)) => log::debug!(target: "portal", "{}: no TLS: {error}", peer.ip()),
        Err(_) => log::debug!(target: "portal", "{}: no TLS in time", peer.ip()),
    }
}

async fn answer<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(stream: S, peer: SocketAddr, app: Router) {
    let app = TowerToHyperService::new(app);
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(Peer(peer.ip()));
        app.call(request)
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEAD);
    // How a connection ends is its client's business.
    let _ = http.serve_connection(TokioIo::new(stream), service).await;
}
