//! What the daemon decides about casting: addresses, limits, times, places.
//!
//! Every limit has a default that suits a server with fifty streams; tests shrink them.

use crate::door::Door;
use crate::push::PushTarget;
use metafile::Base;
use std::net::{IpAddr, Ipv4Addr};
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// The stream server.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The address listeners reach; an unspecified one means every interface.
    pub address: IpAddr,
    /// Where metafiles tell listeners to go.
    pub public: Base,
    /// Servers that every stream is pushed to, if it is cast in their format.
    pub push: Vec<PushTarget>,
    /// The ports pre-assigned to this server, all bound at start-up and held until the end.
    pub ports: RangeInclusive<u16>,
    /// Casting threads; port *n* of the range belongs to thread *n* modulo this. At least 1.
    pub threads: usize,
    /// Listeners a port takes; the next is answered 503.
    pub max_listeners: usize,
    /// Connections of one thread that have not finished asking; with one more, the oldest is closed.
    pub max_asking: usize,
    /// Octets of MP3 kept for listeners who fall behind; one who falls out of it is cut off. Other formats keep
    /// as many seconds.
    pub backlog_bytes: usize,
    /// Octets of MP3 a new listener gets at once, from a frame boundary. Other formats have bursts of their own.
    pub burst_bytes: usize,
    /// Who may listen; whoever knows the address if it is not given.
    pub door: Option<Arc<dyn Door>>,
    /// How long a request may take to arrive.
    pub head_timeout: Duration,
    /// How long a connection may take to end once its last octet is queued.
    pub end_timeout: Duration,
    /// After how long without samples silence is inserted, so that listeners stay.
    pub dry_after: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            address: Ipv4Addr::LOCALHOST.into(),
            public: Base::default(),
            push: Vec::new(),
            ports: 10000..=10049,
            threads: 1,
            max_listeners: 2000,
            max_asking: 2048,
            backlog_bytes: 256 * 1024,
            burst_bytes: 40_000,
            door: None,
            head_timeout: Duration::from_secs(10),
            end_timeout: Duration::from_secs(10),
            dry_after: Duration::from_millis(200),
        }
    }
}

/// The recorder.
#[derive(Clone, Debug)]
pub struct RecorderSettings {
    /// Where recordings grow: a directory on a local disk, made if absent.
    pub spool: PathBuf,
    /// The content store; a recording is published under `events/<event>/` of it.
    pub store: PathBuf,
    /// This server's name, part of every file name.
    pub server: String,
    /// No recording is begun, and one going on is stopped, with less than this free in the spool, megabytes.
    pub min_free_mb: u64,
    /// How often encoded sound is handed to the kernel; what a killed daemon can lose.
    pub hand_over: Duration,
    /// How often it is made to reach the disk; what a power failure can lose.
    pub sync: Duration,
    /// How much a recording may be behind the stream before sound is left out of it.
    pub buffer: Duration,
    /// How often a stopped recording looks whether there is room again.
    pub resume_every: Duration,
    /// The first pause after a failed publication; it doubles from one attempt to the next.
    pub retry_first: Duration,
    /// The longest pause between attempts to publish.
    pub retry_most: Duration,
}

impl RecorderSettings {
    /// The defaults with these places and name.
    #[must_use]
    pub fn new(spool: impl Into<PathBuf>, store: impl Into<PathBuf>, server: impl Into<String>) -> Self {
        RecorderSettings {
            spool: spool.into(),
            store: store.into(),
            server: server.into(),
            min_free_mb: 100,
            hand_over: Duration::from_millis(100),
            sync: Duration::from_secs(5),
            buffer: Duration::from_secs(60),
            resume_every: Duration::from_secs(10),
            retry_first: Duration::from_secs(1),
            retry_most: Duration::from_secs(60),
        }
    }
}
