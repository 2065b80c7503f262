//! The trace of a D channel: what is asked for, and the frames that come.
//!
//! Data path: the daemon's rings → [`TraceFeed`] → [`crate::Server`] → lines → [`crate::Tracing`] → who explains them.
//! Time: frames carry the server's date, in microseconds.
//! Source: our own protocol. Octets travel in hexadecimal and unexplained, so that an old daemon's frames can be read by a
//! new tool. What callers keyed is hidden by the daemon before it gets here.

use crate::{Side, WatchEnd};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::time::Duration;

/// Octets of a frame at most; one that claims more is none.
const FRAME_MAX: usize = 1024;

/// Which frames are wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TraceWish {
    /// The span, from 1.
    pub span: u16,
    /// Those that are remembered, rather than those that come from now on.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ring: bool,
    /// With numbers and names of callers, which are hidden otherwise.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub numbers: bool,
}

/// Of what it is a trace.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TraceHead {
    /// The span, from 1.
    pub span: u16,
    /// The card it is on.
    pub card: String,
    /// `E1` or `T1`.
    pub line: String,
    /// The switch variant.
    pub switch: String,
    /// The side of the access that we are.
    pub side: Side,
    /// Frames that are remembered.
    pub held: u32,
    /// Frames of this card that could not be remembered since the start, because too many came at once.
    pub lost: u64,
}

/// A frame that went over the D channel.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TraceFrame {
    /// Its place among all frames of the span since the start, from 1.
    pub number: u64,
    /// When: microseconds since 1970 UTC.
    pub at_us: u64,
    /// We sent it; otherwise the far end did.
    pub sent: bool,
    /// The frame, without check sequence.
    pub octets: Octets,
}

/// Octets that are text on the wire: two hexadecimal digits each.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct Octets(pub Vec<u8>);

impl fmt::Display for Octets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
    }
}

impl fmt::Debug for Octets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Octets {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Octets {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        parse(&text).map(Octets).ok_or_else(|| D::Error::custom("octets that are not hexadecimal"))
    }
}

fn parse(text: &str) -> Option<Vec<u8>> {
    // Looked at first, since signs are digits to `from_str_radix`.
    if !text.len().is_multiple_of(2) || text.len() > 2 * FRAME_MAX || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(text.get(at..at + 2)?, 16).ok()).collect()
}

/// Frames for one who asked.
pub trait TraceFeed: Send {
    /// Of what they are.
    fn head(&self) -> TraceHead;

    /// The next frame; `None` when there was none within `wait`.
    ///
    /// # Errors
    /// Why no more will come.
    fn next(&mut self, wait: Duration) -> Result<Option<TraceFrame>, WatchEnd>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn octets_are_two_digits_each() {
        let frame = TraceFrame { octets: Octets(vec![0x02, 0x01, 0x7f]), ..TraceFrame::default() };
        let text = serde_json::to_string(&frame).expect("JSON");
        assert!(text.contains("\"02017f\""), "{text}");
        assert_eq!(serde_json::from_str::<TraceFrame>(&text).expect("a frame"), frame);
    }

    #[test]
    fn what_is_no_octets_is_refused() {
        for text in ["0", "0g", "+1", "0x", "ää", &"00".repeat(FRAME_MAX + 1)] {
            assert!(serde_json::from_value::<Octets>(text.into()).is_err(), "{text}");
        }
        assert_eq!(serde_json::from_value::<Octets>("".into()).expect("no octets"), Octets(vec![]));
    }
}
