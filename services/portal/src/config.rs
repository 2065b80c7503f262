//! The portal's configuration: one TOML file, every field with a default.
//!
//! What a field means stands in [`TEMPLATE`], which `trunkcast-portal --print-config` prints and a test holds against
//! [`Config::default`].

use serde::Deserialize;
use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// The configuration file with every default, commented.
pub const TEMPLATE: &str = include_str!("config/default.toml");

/// All of it.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Where browsers and programs reach it.
    pub address: SocketAddr,
    /// The certificate chain, PEM; empty: plain HTTP, on a loopback address only.
    pub certificate: PathBuf,
    /// Its private key, PEM.
    pub key: PathBuf,
    /// What the addresses given to people begin with, without a slash at the end; empty: `address`.
    pub public: String,
    /// The gateway's control socket; empty: it is looked for as `trunkctl` does.
    pub socket: PathBuf,
    /// The gateway's state directory.
    pub state_dir: PathBuf,
    /// The content store; empty: `content` under the state directory.
    pub content_dir: PathBuf,
    /// The file of keys; empty: `keys` under the state directory.
    pub keys: PathBuf,
    /// Accounts and tokens; empty: `portal-accounts.toml` under the state directory.
    pub accounts: PathBuf,
    /// Anybody may reserve.
    pub open: bool,
    /// Numbers that callers dial, as people read them.
    pub dial_in: Vec<String>,
    /// The host on which the gateway's stream ports are reached from here.
    pub stream_host: String,
    /// The name of this installation in attendee links, the same on all its servers.
    pub installation: String,
    /// Days until an attendee link expires.
    pub link_days: u32,
    /// Connections at a time.
    pub connections: usize,
    /// How much of what one address may ask for.
    pub limits: Limits,
}

/// `[limits]`: for one address of the asker, an hour.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Requests of any kind, streams not counted.
    pub requests: u32,
    /// Reservations.
    pub reservations: u32,
    /// Attempts to sign in.
    pub sign_ins: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { requests: 36_000, reservations: 600, sign_ins: 120 }
    }
}

impl Default for Config {
    fn default() -> Self {
        Config {
            address: SocketAddr::from(([127, 0, 0, 1], 8480)),
            certificate: PathBuf::new(),
            key: PathBuf::new(),
            public: String::new(),
            socket: PathBuf::new(),
            state_dir: "trunkcast-state".into(),
            content_dir: PathBuf::new(),
            keys: PathBuf::new(),
            accounts: PathBuf::new(),
            open: false,
            dial_in: Vec::new(),
            stream_host: "127.0.0.1".to_owned(),
            installation: "trunkcast".to_owned(),
            link_days: 400,
            connections: 4096,
            limits: Limits::default(),
        }
    }
}

/// A configuration that cannot be used: a sentence for the person who wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError(pub String);

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ConfigError {}

impl Config {
    /// Reads a file.
    ///
    /// # Errors
    /// With file, line and field.
    pub fn load(path: &Path) -> Result<Config, ConfigError> {
        let text = std::fs::read_to_string(path)
            .map_err(|e| ConfigError(format!("the configuration {} cannot be read: {e}", path.display())))?;
        Config::parse(&text).map_err(|e| ConfigError(format!("{}: {e}", path.display())))
    }

    /// Reads a text.
    ///
    /// # Errors
    /// With line and field.
    pub fn parse(text: &str) -> Result<Config, ConfigError> {
        let config: Config = toml::from_str(text).map_err(|e| ConfigError(e.to_string().trim_end().to_owned()))?;
        config.check()?;
        Ok(config)
    }

    /// What concerns more than one field.
    ///
    /// # Errors
    /// What is wrong and what to do about it.
    pub fn check(&self) -> Result<(), ConfigError> {
        let wrong = |what: &str| Err(ConfigError(what.to_owned()));
        if self.certificate.as_os_str().is_empty() != self.key.as_os_str().is_empty() {
            return wrong("certificate and key belong together: give both or none");
        }
        if !self.has_tls() && !self.address.ip().is_loopback() {
            return Err(ConfigError(format!(
                "address = \"{}\" is reached from other computers, and without TLS PINs and passwords would be read on the way: \
                 give certificate and key, or listen on 127.0.0.1 behind a proxy that has them",
                self.address
            )));
        }
        if !self.public.is_empty() {
            let rest = self.public.strip_prefix("https://").or(self.public.strip_prefix("http://"));
            let good = |rest: &str| {
                !rest.is_empty()
                    && !rest.ends_with('/')
                    && rest.bytes().all(|b| b.is_ascii_graphic() && b != b'"' && b != b'<')
            };
            if !rest.is_some_and(good) {
                return wrong(
                    "public is an address such as \"https://events.example.com\", without a slash at its end",
                );
            }
        }
        if self.link_days == 0 || self.link_days > 36_500 {
            return wrong("link_days is between 1 and 36500");
        }
        if self.connections == 0 {
            return wrong("connections is at least 1");
        }
        if [self.limits.requests, self.limits.reservations, self.limits.sign_ins].contains(&0) {
            return wrong("limits are at least 1 an hour");
        }
        Ok(())
    }

    /// Whether it speaks TLS itself.
    #[must_use]
    pub fn has_tls(&self) -> bool {
        !self.certificate.as_os_str().is_empty()
    }

    fn under_state(&self, given: &Path, name: &str) -> PathBuf {
        if given.as_os_str().is_empty() { self.state_dir.join(name) } else { given.to_owned() }
    }

    /// The content store.
    #[must_use]
    pub fn content_dir(&self) -> PathBuf {
        self.under_state(&self.content_dir, "content")
    }

    /// The file of keys.
    #[must_use]
    pub fn keys(&self) -> PathBuf {
        self.under_state(&self.keys, "keys")
    }

    /// The file of accounts and tokens.
    #[must_use]
    pub fn accounts(&self) -> PathBuf {
        self.under_state(&self.accounts, "portal-accounts.toml")
    }

    /// What is the portal's own: the journal of its records, the audiences of events.
    #[must_use]
    pub fn own_dir(&self) -> PathBuf {
        self.state_dir.join("portal")
    }

    /// What addresses begin with, when it listens at this one.
    #[must_use]
    pub fn base(&self, address: SocketAddr) -> String {
        let scheme = if self.has_tls() { "https" } else { "http" };
        if self.public.is_empty() { format!("{scheme}://{address}") } else { self.public.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_template_holds_the_defaults() {
        assert_eq!(Config::parse(TEMPLATE), Ok(Config::default()));
        // Every field is in it: without a line each, something would be left to guess.
        let fields = TEMPLATE.lines().filter(|line| line.contains(" = ") && !line.starts_with('#')).count();
        assert_eq!(fields, 18);
    }

    #[test]
    fn plain_http_stays_on_this_computer() {
        let error = Config::parse("address = \"0.0.0.0:80\"").unwrap_err().to_string();
        assert!(error.contains("without TLS") && error.contains("certificate and key"), "{error}");
        assert!(Config::parse("address = \"[::1]:8480\"").is_ok());
        assert!(Config::parse("address = \"0.0.0.0:443\"\ncertificate = \"c.pem\"\nkey = \"k.pem\"").is_ok());
        assert!(Config::parse("key = \"k.pem\"").unwrap_err().to_string().contains("belong together"));
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line() {
        let error = Config::parse("open = true\ncolour = \"red\"\n").unwrap_err().to_string();
        assert!(error.contains("line 2") && error.contains("colour"), "{error}");
        for wrong in
            ["public = \"events.example.com\"", "public = \"https://e.example/\"", "link_days = 0", "connections = 0"]
        {
            assert!(Config::parse(wrong).is_err(), "{wrong}");
        }
    }
}
