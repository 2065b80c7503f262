//! Asking before something is taken away from somebody.

use crate::args::Asking;
use crate::failure::Failure;
use crate::output::Output;
use std::io::{self, BufRead, IsTerminal, Write};

/// What the answer was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Do it.
    Yes,
    /// It was only a question of what would happen.
    DryRun,
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
    fn only_yes_means_yes() {
        assert!(["y", "Y\n", "yes\n", " YES "].into_iter().all(is_yes));
        assert!(!["", "\n", "n", "no", "yeah", "yy"].into_iter().any(is_yes));
    }
}
