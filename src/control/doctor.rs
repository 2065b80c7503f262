//! What the doctor needs to know, gathered.

use super::Desk;
use crate::config::{Board, Config};
use crate::daemon;
use crate::doctor::{self, Facts};
use crate::office::now_ms;
use board_dahdi::{FoundSpan, Kernel};
use control::Reply;
use std::time::SystemTime;

impl Desk {
    /// What is wrong. Looks at the disk, and at the configuration file as it is now.
    pub(super) fn doctor(&self) -> Reply {
        let Reply::Suspensions(suspensions) = self.suspensions() else { unreachable!("the answer to suspensions") };
        let keys = self.config.keys();
        Reply::Findings(doctor::findings(&Facts {
            now_ms: now_ms(),
            status: self.status(),
            spans: self.spans(),
            suspensions,
            file: self.config.file.as_ref().and_then(|file| match Config::load(file) {
                Ok(config) => daemon::hindrances(&config).into_iter().next(),
                Err(error) => Some(error.to_string()),
            }),
            warnings: daemon::preflight(&self.config),
            directories: vec![doctor::directory(&self.state_dir), doctor::directory(&self.content_dir)],
            min_free_mb: self.config.recording.min_free_mb,
            readable: Some(keys).filter(|keys| doctor::is_open_to_others(keys)).into_iter().collect(),
            stranded: doctor::stranded(&self.state_dir.join("spool"), SystemTime::now()),
            cards: self.config.cards.clone(),
            driver: self.driver(),
            without_canceller: self.without_canceller.clone(),
        }))
    }

    /// The spans of the DAHDI driver, where a card of ours is behind it.
    fn driver(&self) -> Vec<FoundSpan> {
        let ours = self.config.cards.iter().any(|card| card.board == Board::Dahdi);
        // A driver that cannot be asked is an alarm of the card already.
        if ours { board_dahdi::list(&Kernel::default()).unwrap_or_default() } else { Vec::new() }
    }
}
