//! What a line has suffered, as `performance` is answered.

pub use ::line::show::{Report as LineReport, View as LineView};
use serde::{Deserialize, Serialize};

/// What the line of a span has suffered, in quarters of an hour and days.
///
/// The report is that of `line`, whose words are those of the standards: unlike other answers, one with a word that is not
/// known here cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PerformanceInfo {
    /// The span, from 1.
    pub span: u16,
    /// Name of its card.
    pub card: String,
    /// What it has suffered.
    pub report: LineReport,
}
