//! What the keeper is told: one file.

use serde::Deserialize;
use std::path::{Path, PathBuf};
use store::StoreConfig;

/// A configuration to begin with.
pub(crate) const TEMPLATE: &str = include_str!("default.toml");

/// The configuration.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// The gateway's state directory.
    pub(crate) state_dir: PathBuf,
    /// The gateway's content directory; none: `content` under the state directory.
    #[serde(default)]
    pub(crate) content_dir: Option<PathBuf>,
    /// The portal's own directory; none: `portal` under the state directory.
    #[serde(default)]
    pub(crate) portal_dir: Option<PathBuf>,
    /// What this server is called in the records of events.
    #[serde(default)]
    pub(crate) server: String,
    /// The database; none: no records are kept in one.
    #[serde(default)]
    pub(crate) database: Option<String>,
    /// The mirrors; none: the content directory is all there is.
    #[serde(default)]
    pub(crate) store: Option<StoreConfig>,
}

impl Config {
    pub(crate) fn load(path: &Path) -> Result<Config, String> {
        let text = std::fs::read_to_string(path).map_err(|e| format!("{}: {e}", path.display()))?;
        let config: Config = toml::from_str(&text).map_err(|e| format!("{}: {e}", path.display()))?;
        if config.database.is_none() && config.store.is_none() {
            return Err(format!("{}: neither a database nor a store: there is nothing to do", path.display()));
        }
        Ok(config)
    }

    pub(crate) fn content_dir(&self) -> PathBuf {
        self.content_dir.clone().unwrap_or_else(|| self.state_dir.join("content"))
    }

    /// Where the portal hands its records in.
    pub(crate) fn portal_outbox(&self) -> PathBuf {
        self.portal_dir.clone().unwrap_or_else(|| self.state_dir.join("portal")).join("outbox")
    }

    /// A place for what is the keeper's own.
    pub(crate) fn own(&self, name: &str) -> PathBuf {
        self.state_dir.join("keeper").join(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_template_says_what_is_meant() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("keeper.toml");
        std::fs::write(&file, TEMPLATE).unwrap();
        let config = Config::load(&file).unwrap();
        assert_eq!(config.content_dir(), Path::new("/var/lib/trunkcast/content"));
        assert_eq!(config.portal_outbox(), Path::new("/var/lib/trunkcast/portal/outbox"));
        assert_eq!(config.store.unwrap().mirrors.len(), 1);
        let elsewhere = TEMPLATE.replace("# portal_dir", "portal_dir");
        std::fs::write(&file, elsewhere).unwrap();
        assert_eq!(Config::load(&file).unwrap().portal_outbox(), Path::new("/srv/portal/outbox"));
        std::fs::write(&file, "state_dir = \"/x\"\n").unwrap();
        assert!(Config::load(&file).unwrap_err().ends_with("there is nothing to do"));
        std::fs::write(&file, "state_dir = \"/x\"\ndatabases = \"sqlite:x\"\n").unwrap();
        assert!(Config::load(&file).unwrap_err().contains("databases"));
    }
}
