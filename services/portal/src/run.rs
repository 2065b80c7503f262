//! The portal as a whole: what it needs is opened, then it answers until it is dropped.

use crate::accounts::Accounts;
use crate::config::Config;
use crate::events::Events;
use crate::gateway::Gateway;
use crate::serve::serve;
use crate::state::{Portal, Shared};
use crate::{api, guard, listen, web};
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware;
use event::Keyring;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio_rustls::TlsAcceptor;

/// Octets of a request's body at most.
const LONGEST_BODY: usize = 64 * 1024;
/// How often the records of events that the gateway has closed are read again.
const CATCH_UP: Duration = Duration::from_secs(5);
/// Threads that answer.
const THREADS: usize = 2;

/// A portal that answers. It stops when this is dropped.
pub struct Running {
    address: SocketAddr,
    base: String,
    portal: Shared,
    // Last: its threads end with it.
    _runtime: Runtime,
}

impl Running {
    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What the addresses it gives to people begin with.
    #[must_use]
    pub fn base(&self) -> &str {
        &self.base
    }

    /// The attendee link of an event that is in the store.
    #[must_use]
    pub fn link(&self, number: event::EventNumber) -> Option<String> {
        self.portal.events.find(number).ok()?.link
    }
}

/// Opens everything and begins to answer.
///
/// # Errors
/// In words: what cannot be used, and what to do about it.
pub fn start(config: Config) -> Result<Running, String> {
    config.check().map_err(|e| e.to_string())?;
    let keyring = Keyring::load(&config.keys()).map_err(|error| {
        format!(
            "the keys cannot be used: {}; they are the gateway's, which makes them at its first start",
            chain(&error)
        )
    })?;
    let accounts = Accounts::load(&config.accounts())?;
    if accounts.is_empty() && !config.open {
        log::warn!(
            target: "portal",
            "nobody can reserve: there is no account in {}, and `open` is false; `trunkcast-portal account` makes one",
            config.accounts().display()
        );
    }
    let tls = if config.has_tls() { Some(acceptor(&config)?) } else { None };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(THREADS)
        .thread_name("portal")
        .enable_all()
        .build()
        .map_err(|e| format!("no threads for the portal: {e}"))?;
    let listener = runtime.block_on(TcpListener::bind(config.address)).map_err(|e| {
        format!("the address {} cannot be used: {e}; stop what has it, or choose another", config.address)
    })?;
    let address = listener.local_addr().map_err(|e| format!("the address cannot be told: {e}"))?;
    let base = config.base(address);
    let events = Events::open(&config, &base, keyring);
    match events.load() {
        Ok(count) => log::info!(target: "portal", "events in the store: {count}"),
        // The store may come back; links and new calls do not need it.
        Err(problem) => log::error!(target: "portal", "{}", problem.detail),
    }
    let socket = Some(config.socket.clone()).filter(|socket| !socket.as_os_str().is_empty());
    let gateway = Gateway::new(socket, events.records().clone());
    gateway.follow().map_err(|e| format!("no threads for the gateway: {e}"))?;
    let connections = config.connections;
    let portal = Arc::new(Portal::new(config, base.clone(), events, gateway, accounts));
    let following = Arc::downgrade(&portal);
    runtime.spawn(async move {
        while let Some(portal) = following.upgrade() {
            portal.catch_up().await;
            drop(portal);
            tokio::time::sleep(CATCH_UP).await;
        }
    });
    runtime.spawn(serve(listener, tls, connections, router(portal.clone())));
    log::info!(target: "portal", "the portal is at {base}/");
    Ok(Running { address, base, portal, _runtime: runtime })
}

fn router(portal: Shared) -> Router {
    Router::new()
        .merge(api::routes())
        .merge(listen::routes())
        .merge(web::routes())
        .fallback(web::nothing_here)
        .layer(DefaultBodyLimit::max(LONGEST_BODY))
        .layer(middleware::from_fn_with_state(portal.clone(), guard::watch))
        .with_state(portal)
}

fn acceptor(config: &Config) -> Result<TlsAcceptor, String> {
    let (file, key_file) = (&config.certificate, &config.key);
    let unusable = |what: &str, error: &dyn std::fmt::Display| format!("{what}: {error}");
    let chain = CertificateDer::pem_file_iter(file)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|e| unusable(&format!("the certificate {}", file.display()), &e))?;
    let key =
        PrivateKeyDer::from_pem_file(key_file).map_err(|e| unusable(&format!("the key {}", key_file.display()), &e))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut tls = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|e| unusable("TLS", &e))?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(|e| unusable(&format!("certificate {} and key {}", file.display(), key_file.display()), &e))?;
    tls.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(tls)))
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(&format!(": {cause}"));
        source = cause.source();
    }
    text
}
