//! The audit log: every order that changes something, who gave it and what came of it, one JSON line each.
//!
//! Of a suspension and its end a line is on the disk before the order is carried out, and another only if it failed; of the others
//! there is one, with the outcome. The file is only ever appended to, and rotation is the
//! administrator's business (`copytruncate` or a rename: the file is opened anew for each line).
//!
//! Time: milliseconds since 1970 in UTC.

use super::line_file::append_whole;
use control::Peer;
use serde::Serialize;
use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// The file's name in the state directory.
pub const FILE: &str = "audit.jsonl";

/// Where it is written.
#[derive(Clone, Debug)]
pub struct Audit {
    file: PathBuf,
}

/// An order.
#[derive(Clone, Debug, Serialize)]
pub struct Entry<'a> {
    at_ms: u64,
    by: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    uid: Option<u32>,
    verb: &'a str,
    target: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ticket: Option<&'a str>,
    /// `done`, or the kind of problem.
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<&'a str>,
}

impl<'a> Entry<'a> {
    /// Somebody orders this.
    #[must_use]
    pub fn new(at_ms: u64, peer: &'a Peer, verb: &'a str, target: &'a str) -> Entry<'a> {
        Entry { at_ms, by: &peer.name, uid: peer.uid, verb, target, reason: None, ticket: None, outcome: None }
    }

    /// For this reason, under this ticket.
    #[must_use]
    pub fn because(mut self, reason: Option<&'a str>, ticket: Option<&'a str>) -> Entry<'a> {
        (self.reason, self.ticket) = (reason, ticket);
        self
    }

    /// With this outcome.
    #[must_use]
    pub fn with_outcome(mut self, outcome: &'a str) -> Entry<'a> {
        self.outcome = Some(outcome);
        self
    }
}

impl Audit {
    /// The log of a state directory.
    #[must_use]
    pub fn of(state_dir: &Path) -> Audit {
        Audit { file: state_dir.join(FILE) }
    }

    /// Write an order down.
    ///
    /// # Errors
    /// When it cannot be; the order should not be carried out then.
    pub fn write(&self, entry: &Entry<'_>) -> io::Result<()> {
        let mut line = serde_json::to_vec(entry)?;
        line.push(b'\n');
        let mut file = OpenOptions::new().append(true).create(true).mode(0o600).open(&self.file)?;
        append_whole(&mut file, &line)?;
        file.sync_data()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_are_appended_whole() {
        let dir = tempfile::tempdir().expect("a directory");
        let audit = Audit::of(dir.path());
        let peer = Peer { uid: Some(7), groups: Vec::new(), name: "kim".into() };
        audit.write(&Entry::new(1, &peer, "suspend", "span 1").because(Some("water"), None)).expect("written");
        audit.write(&Entry::new(2, &peer, "resume", "span 1").with_outcome("denied")).expect("written");
        let text = std::fs::read_to_string(dir.path().join(FILE)).expect("there");
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 2);
        assert_eq!(lines[0], r#"{"at_ms":1,"by":"kim","uid":7,"verb":"suspend","target":"span 1","reason":"water"}"#);
        assert!(lines[1].ends_with(r#""target":"span 1","outcome":"denied"}"#), "{}", lines[1]);
    }
}
