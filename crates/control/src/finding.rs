//! What the doctor finds: the answer to `doctor`.

use crate::Severity;
use serde::{Deserialize, Serialize};

/// Something that is wrong, or worth knowing, and what to do about it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Finding {
    /// How bad it is (ITU-T X.733); `info` for what is only worth knowing.
    pub severity: Severity,
    /// What has it: `span 1`, `disk`, `clock`.
    pub what: String,
    /// What is the case.
    pub text: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub remedy: String,
}

impl Finding {
    /// A finding.
    #[must_use]
    pub fn new(
        severity: Severity,
        what: impl Into<String>,
        text: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Finding {
        Finding { severity, what: what.into(), text: text.into(), remedy: remedy.into() }
    }
}
