//! The portal of the demonstration: the web side in the same process, open to whoever sits at this computer.
//!
//! In production it is a program of its own, `trunkcast-portal`, so that nothing the web does can disturb a call; a daemon built
//! without the feature `portal` has nothing of it.

use super::Failure;
use crate::config::Config;
use std::net::{Ipv4Addr, SocketAddr};

/// Where it is unless another program is there.
const PORT: u16 = 8480;
/// Who looks after all events of the demonstration.
const OPERATOR: &str = "operator";
const ACCOUNTS: &str = "demonstration-accounts.toml";

/// A portal that answers, and how to sign in.
pub(super) struct Web {
    running: portal::Running,
    password: String,
}

/// Begins to answer.
///
/// # Errors
/// In words.
pub(super) fn start(config: &Config) -> Result<Web, Failure> {
    let accounts = config.server.state_dir.join(ACCOUNTS);
    // The password is told at each start, so that it is another each time.
    match std::fs::remove_file(&accounts) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(format!("{} cannot be replaced: {error}", accounts.display()));
        }
        _ => {}
    }
    let random = getrandom::u64().map_err(|e| format!("no random numbers: {e}"))?;
    let password = format!("{random:016x}");
    portal::add_account(&accounts, OPERATOR, portal::Role::Operator, &password)?;
    let settings = |port| portal::Config {
        address: SocketAddr::from((Ipv4Addr::LOCALHOST, port)),
        socket: config.control_socket(),
        state_dir: config.server.state_dir.clone(),
        content_dir: config.content_dir(),
        keys: config.keys(),
        accounts: accounts.clone(),
        open: true,
        dial_in: config
            .call_in
            .numbers
            .iter()
            .map(|number| number.digits.clone())
            .filter(|digits| !digits.is_empty())
            .collect(),
        stream_host: if config.stream.address.is_unspecified() {
            Ipv4Addr::LOCALHOST.to_string()
        } else {
            config.stream.address.to_string()
        },
        ..portal::Config::default()
    };
    let running = portal::start(settings(PORT)).or_else(|_| portal::start(settings(0)))?;
    Ok(Web { running, password })
}

impl Web {
    /// What a newcomer is told.
    pub(super) fn in_words(&self, event: event::EventNumber) -> String {
        let base = self.running.base();
        let link = self.running.link(event).unwrap_or_default();
        format!(
            "  the portal   {base}/  (reserve an event of your own)\n  \
             listen       {link}\n  \
             look after   {base}/operator/  as \"{OPERATOR}\" with the password {}\n",
            self.password
        )
    }
}
