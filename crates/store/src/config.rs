//! Which mirrors there are.
//!
//! ```toml
//! enough = 1
//! [[mirrors]]
//! name = "local"
//! at = "/var/lib/trunkcast/content"
//! [[mirrors]]
//! name = "vault"
//! at = "s3://recordings/trunkcast"
//! endpoint = "https://s3.example.net"
//! region = "eu-1"
//! credentials = "/etc/trunkcast/s3-credentials"
//! ```
//!
//! Keys for S3 come from the credentials file, two lines of the form `aws_access_key_id = ...` and
//! `aws_secret_access_key = ...`, else from the environment (`AWS_ACCESS_KEY_ID` and so on), else from the
//! machine's role where the provider gives it one.

use crate::error::StoreError;
use crate::mirror::Mirror;
use object_store::aws::AmazonS3Builder;
use object_store::{ClientOptions, RetryConfig};
use serde::Deserialize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// The store's configuration.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoreConfig {
    /// The mirrors; the first that is good is read.
    pub mirrors: Vec<MirrorConfig>,
    /// How many mirrors must have a write for it to be done; 1 if nothing is said.
    #[serde(default = "one")]
    pub enough: usize,
}

const fn one() -> usize {
    1
}

/// A mirror.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MirrorConfig {
    /// Its name: letters, digits and hyphens. The ledger calls it so, hence it must not change.
    pub name: String,
    /// A directory, or `s3://BUCKET/PREFIX`.
    pub at: String,
    /// Of an S3 service that is not Amazon's, its address. Over plain http only if it says so.
    #[serde(default)]
    pub endpoint: Option<String>,
    /// The region.
    #[serde(default)]
    pub region: Option<String>,
    /// The file with the keys.
    #[serde(default)]
    pub credentials: Option<PathBuf>,
}

impl StoreConfig {
    /// One mirror, a directory: the gateway's content directory.
    #[must_use]
    pub fn directory(at: &Path) -> StoreConfig {
        let mirror = MirrorConfig { name: "local".to_owned(), at: at.display().to_string(), ..MirrorConfig::default() };
        StoreConfig { mirrors: vec![mirror], enough: 1 }
    }

    pub(crate) fn open(&self) -> Result<Vec<Arc<Mirror>>, StoreError> {
        let wrong = |reason: String| Err(StoreError::Config { reason });
        if self.enough == 0 || self.enough > self.mirrors.len() {
            return wrong(format!("{} mirrors are needed of {}", self.enough, self.mirrors.len()));
        }
        for (place, mirror) in self.mirrors.iter().enumerate() {
            let plain = !mirror.name.is_empty() && mirror.name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
            if !plain || self.mirrors[..place].iter().any(|other| other.name == mirror.name) {
                return wrong(format!("\"{}\" is no name for a mirror, or of two", mirror.name));
            }
        }
        self.mirrors.iter().map(|mirror| mirror.open().map(Arc::new)).collect()
    }
}

impl MirrorConfig {
    fn open(&self) -> Result<Mirror, StoreError> {
        let wrong = |reason: String| StoreError::Config { reason: format!("mirror {}: {reason}", self.name) };
        let Some(place) = self.at.strip_prefix("s3://") else {
            if self.at.contains("://") {
                return Err(wrong(format!("{} is neither a directory nor an s3:// address", self.at)));
            }
            let root = std::path::absolute(&self.at).map_err(|e| wrong(e.to_string()))?;
            return Ok(Mirror::directory(&self.name, root));
        };
        let (bucket, prefix) = place.split_once('/').unwrap_or((place, ""));
        // Without effect if the program has chosen one already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = ClientOptions::new()
            .with_timeout(Duration::from_secs(60))
            .with_connect_timeout(Duration::from_secs(5))
            .with_allow_http(self.endpoint.as_deref().is_some_and(|at| at.starts_with("http://")));
        let retry = RetryConfig { max_retries: 2, retry_timeout: Duration::from_secs(15), ..RetryConfig::default() };
        let mut builder =
            AmazonS3Builder::from_env().with_bucket_name(bucket).with_client_options(client).with_retry(retry);
        if let Some(endpoint) = &self.endpoint {
            builder = builder.with_endpoint(endpoint);
        }
        if let Some(region) = &self.region {
            builder = builder.with_region(region);
        }
        if let Some(file) = &self.credentials {
            let (key, secret) = credentials(file).map_err(wrong)?;
            builder = builder.with_access_key_id(key).with_secret_access_key(secret);
        }
        let s3 = builder.build().map_err(|e| wrong(e.to_string()))?;
        Ok(Mirror::bucket(&self.name, Arc::new(s3), prefix))
    }
}

fn credentials(file: &Path) -> Result<(String, String), String> {
    let text = std::fs::read_to_string(file).map_err(|e| format!("{}: {e}", file.display()))?;
    let value = |name: &str| {
        let lines = text.lines().filter_map(|line| line.split_once('='));
        let found = lines.map(|(key, value)| (key.trim(), value.trim())).find(|(key, _)| *key == name);
        found.map(|(_, value)| value.to_owned()).ok_or_else(|| format!("{} has no {name}", file.display()))
    };
    Ok((value("aws_access_key_id")?, value("aws_secret_access_key")?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_work_is_refused_in_words() {
        let mirror =
            |name: &str, at: &str| MirrorConfig { name: name.into(), at: at.into(), ..MirrorConfig::default() };
        for (mirrors, enough, word) in [
            (vec![], 1, "1 mirrors are needed of 0"),
            (vec![mirror("a", "/a")], 0, "0 mirrors"),
            (vec![mirror("a", "/a"), mirror("a", "/b")], 1, "\"a\" is no name for a mirror, or of two"),
            (vec![mirror("a b", "/a")], 1, "\"a b\" is no name"),
            (vec![mirror("a", "ftp://a")], 1, "neither a directory nor"),
        ] {
            let error = StoreConfig { mirrors, enough }.open().map(|_| ()).unwrap_err().to_string();
            assert!(error.contains(word), "{error}");
        }
        let missing = MirrorConfig { credentials: Some("/nowhere".into()), ..mirror("s", "s3://bucket/a") };
        assert!(missing.open().map(|_| ()).unwrap_err().to_string().contains("/nowhere"));
    }

    #[test]
    fn keys_are_read_from_a_file() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(&file, "[default]\naws_access_key_id = key\naws_secret_access_key=a=b\n").unwrap();
        assert_eq!(credentials(file.path()), Ok(("key".to_owned(), "a=b".to_owned())));
        std::fs::write(&file, "aws_access_key_id = key\n").unwrap();
        assert!(credentials(file.path()).unwrap_err().contains("aws_secret_access_key"));
    }
}
