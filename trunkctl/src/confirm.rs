//! Asking before something is taken away from somebody.

use crate::args::Asking;
use crate::failure::Failure;
use crate::output::Output;
use serde::ser::{Serialize, SerializeMap as _, Serializer};
use std::io::{self, BufRead, IsTerminal, Write};

/// What the answer was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Do it.
    Yes,
    /// It was only a question of what would happen.
    DryRun,
}

/// What would be hit, for programs, under this name. It is written as it is elsewhere: by way of a [`serde_json::Value`] a level of
/// -14.8 dBm0 would have seventeen digits.
pub struct WouldHit<'a, T>(pub &'static str, pub &'a T);

impl<T: Serialize> Serialize for WouldHit<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut document = serializer.serialize_map(Some(2))?;
        document.serialize_entry("dry_run", &true)?;
        document.serialize_entry(self.0, self.1)?;
        document.end()
    }
}

/// Whether there is anything to show: with `--yes` there is not.
pub fn is_asked(asking: Asking) -> bool {
    !asking.yes
}

/// Show what will be hit and ask, unless told not to.
pub fn confirm(asking: Asking, output: Output, what: &str) -> Result<Answer, Failure> {
    if asking.dry_run {
        return Ok(Answer::DryRun);
    }
    if asking.yes {
        return Ok(Answer::Yes);
    }
    if output.is_json() || !io::stdin().is_terminal() {
        let what = if output.is_json() { "" } else { what };
        return Err(Failure::Usage(format!(
            "{what}there is nobody to ask whether that is meant: add --yes, or --dry-run to see only"
        )));
    }
    let mut stderr = io::stderr();
    write!(stderr, "{what}Go on? [y/N] ")?;
    stderr.flush()?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    if is_yes(&answer) { Ok(Answer::Yes) } else { Err(Failure::NotConfirmed) }
}

fn is_yes(answer: &str) -> bool {
    matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_is_written_as_it_is_without_a_dry_run() {
        let written = serde_json::to_string(&WouldHit("level_dbm0", &-14.8f32)).expect("JSON");
        assert_eq!(written, r#"{"dry_run":true,"level_dbm0":-14.8}"#);
    }

    #[test]
    fn only_yes_means_yes() {
        assert!(["y", "Y\n", "yes\n", " YES "].into_iter().all(is_yes));
        assert!(!["", "\n", "n", "no", "yeah", "yy"].into_iter().any(is_yes));
    }
}
