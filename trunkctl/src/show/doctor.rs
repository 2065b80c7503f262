//! `trunkctl doctor`.

use super::severity;
use crate::table::WIDTH;
use crate::words::{clean, count, wrapped};
use control::{Finding, Severity};

/// What is wrong, with what to do about it.
pub fn findings(findings: &[Finding]) -> String {
    const INDENT: &str = "          ";
    let mut text = String::new();
    for finding in findings {
        let what = format!("{:<8}  {}: {}", severity(finding.severity), clean(&finding.what), clean(&finding.text));
        text += &wrapped(&what, WIDTH, INDENT);
        if !finding.remedy.is_empty() {
            text += &wrapped(&format!("{INDENT}-> {}", clean(&finding.remedy)), WIDTH, &format!("{INDENT}   "));
        }
    }
    let wrong = findings.iter().filter(|finding| finding.severity > Severity::Info).count();
    text + &match wrong {
        0 => "nothing is wrong\n".to_owned(),
        wrong => format!("{} to see to\n", count(wrong as u64, "thing")),
    }
}
