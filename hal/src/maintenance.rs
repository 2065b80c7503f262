//! Loopbacks, loop requests, inserted errors and test patterns of a span, and asking what it can do.
//!
//! The words of a technician's test. What a board does of it differs from board to board, so everything
//! can be asked beforehand with [`Support`], and what is missing answers
//! [`ErrorKind::Unsupported`](crate::ErrorKind::Unsupported).
//!
//! Data path: none; [`crate::Control`] carries these words to the board.
//! Source: ANSI T1.403 clause 9 and ITU-T I.604 (loopbacks), ANSI T1.403 clause 9 (messages of the
//! facility data link), ITU-T O.150 (patterns), RFC 4805 (`dsx1LoopbackConfig`, `dsx1SendCode`).
//! Words: *near loopback*, one set here; *loop request*, asking the other end of the line to set one.

use std::fmt;
use std::str::FromStr;

/// A loopback of a whole span.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Loopback {
    /// None: normal traffic.
    #[default]
    None,
    /// What we send comes back to us (diagnostic loop at our framer).
    Local,
    /// Everything that arrives is sent back to the network, framing included.
    Line,
    /// The timeslots that arrive are sent back; framing is made anew.
    Payload,
}

impl Loopback {
    const WORDS: [(Loopback, &str); 4] =
        [(Self::None, "none"), (Self::Local, "local"), (Self::Line, "line"), (Self::Payload, "payload")];
}

/// A loopback of one timeslot; the others of the span are not touched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum TimeslotLoopback {
    /// None: normal traffic.
    #[default]
    None,
    /// What we send on the timeslot comes back to us.
    Local,
    /// What arrives on the timeslot is sent back to the network.
    Network,
}

impl TimeslotLoopback {
    const WORDS: [(TimeslotLoopback, &str); 3] =
        [(Self::None, "none"), (Self::Local, "local"), (Self::Network, "network")];
}

/// What one end of a T1 asks of the other over the facility data link or in band. An E1 has no such messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LoopRequest {
    /// Set the line loopback: code word `00001110 11111111`, in band 00001.
    LineUp,
    /// Release the line loopback: `00111000 11111111`, in band 001.
    LineDown,
    /// Set the payload loopback: `00010100 11111111`.
    PayloadUp,
    /// Release the payload loopback: `00110010 11111111`.
    PayloadDown,
    /// Release whatever loopback there is: `00100100 11111111`.
    AllDown,
}

impl LoopRequest {
    const WORDS: [(LoopRequest, &str); 5] = [
        (Self::LineUp, "line-up"),
        (Self::LineDown, "line-down"),
        (Self::PayloadUp, "payload-up"),
        (Self::PayloadDown, "payload-down"),
        (Self::AllDown, "all-down"),
    ];

    /// The loopback that stands after obeying this where `now` stood before it.
    #[must_use]
    pub fn obeyed(self, now: Loopback) -> Loopback {
        match (self, now) {
            (Self::LineUp, _) => Loopback::Line,
            (Self::PayloadUp, _) => Loopback::Payload,
            (Self::LineDown, Loopback::Line) | (Self::PayloadDown, Loopback::Payload) => Loopback::None,
            // The far end may release what the far end set; a local loopback is ours.
            (Self::AllDown, Loopback::Line | Loopback::Payload) => Loopback::None,
            (Self::LineDown | Self::PayloadDown | Self::AllDown, kept) => kept,
        }
    }
}

/// An error put into the signal we send, for the far end to find.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LineError {
    /// A bit of a timeslot turned over before the check sequence is made: only a pattern test finds it.
    Payload,
    /// A violation of the line code (a bipolar violation that is no part of B8ZS or HDB3).
    LineCode,
    /// A wrong CRC-6 or CRC-4.
    Path,
    /// A wrong framing bit, or frame alignment signal.
    Framing,
}

impl LineError {
    const WORDS: [(LineError, &str); 4] =
        [(Self::Payload, "payload"), (Self::LineCode, "line-code"), (Self::Path, "path"), (Self::Framing, "framing")];
}

/// A pattern that a framer itself can send and compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FramerPattern {
    /// 2^11-1 (ITU-T O.152).
    Prbs11,
    /// 2^15-1 (ITU-T O.151).
    Prbs15,
    /// 2^20-1 (ITU-T O.153).
    Prbs20,
    /// 2^20-1 with no more than 14 zeros together (ITU-T O.150).
    Qrss,
    /// 2^23-1 (ITU-T O.151).
    Prbs23,
}

impl FramerPattern {
    const WORDS: [(FramerPattern, &str); 5] = [
        (Self::Prbs11, "2^11-1"),
        (Self::Prbs15, "2^15-1"),
        (Self::Prbs20, "2^20-1"),
        (Self::Qrss, "qrss"),
        (Self::Prbs23, "2^23-1"),
    ];
}

/// What a framer's own pattern receiver shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PatternResult {
    /// The receiver follows the pattern now.
    pub in_sync: bool,
    /// Bits that differed, since the pattern was started.
    pub bit_errors: u64,
    /// Times the receiver has lost the pattern.
    pub sync_losses: u64,
}

bitflags::bitflags! {
    /// What a span can do for a test. Whatever is not in it answers `Unsupported`.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
    pub struct Support: u32 {
        /// [`Loopback::Local`].
        const LOCAL_LOOPBACK = 1 << 0;
        /// [`Loopback::Line`].
        const LINE_LOOPBACK = 1 << 1;
        /// [`Loopback::Payload`].
        const PAYLOAD_LOOPBACK = 1 << 2;
        /// [`TimeslotLoopback::Local`].
        const TIMESLOT_LOCAL = 1 << 3;
        /// [`TimeslotLoopback::Network`].
        const TIMESLOT_NETWORK = 1 << 4;
        /// [`LoopRequest`]s can be sent and are heard.
        const LOOP_REQUESTS = 1 << 5;
        /// AIS can be sent.
        const SEND_AIS = 1 << 6;
        /// RAI can be sent.
        const SEND_RAI = 1 << 7;
        /// [`LineError::Payload`].
        const PAYLOAD_ERRORS = 1 << 8;
        /// [`LineError::LineCode`].
        const LINE_CODE_ERRORS = 1 << 9;
        /// [`LineError::Path`].
        const PATH_ERRORS = 1 << 10;
        /// [`LineError::Framing`].
        const FRAMING_ERRORS = 1 << 11;
        /// The framer sends and compares [`FramerPattern`]s itself.
        const PATTERNS = 1 << 12;
    }
}

impl Support {
    /// Whether this loopback can be set. None can always be had.
    #[must_use]
    pub fn loops(self, loopback: Loopback) -> bool {
        self.contains(match loopback {
            Loopback::None => Support::empty(),
            Loopback::Local => Support::LOCAL_LOOPBACK,
            Loopback::Line => Support::LINE_LOOPBACK,
            Loopback::Payload => Support::PAYLOAD_LOOPBACK,
        })
    }

    /// Whether this loopback of a timeslot can be set. None can always be had.
    #[must_use]
    pub fn loops_timeslot(self, loopback: TimeslotLoopback) -> bool {
        self.contains(match loopback {
            TimeslotLoopback::None => Support::empty(),
            TimeslotLoopback::Local => Support::TIMESLOT_LOCAL,
            TimeslotLoopback::Network => Support::TIMESLOT_NETWORK,
        })
    }

    /// Whether this error can be inserted.
    #[must_use]
    pub fn inserts(self, error: LineError) -> bool {
        self.contains(match error {
            LineError::Payload => Support::PAYLOAD_ERRORS,
            LineError::LineCode => Support::LINE_CODE_ERRORS,
            LineError::Path => Support::PATH_ERRORS,
            LineError::Framing => Support::FRAMING_ERRORS,
        })
    }
}

impl fmt::Display for Support {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const WORDS: [(Support, &str); 13] = [
            (Support::LOCAL_LOOPBACK, "local loopback"),
            (Support::LINE_LOOPBACK, "line loopback"),
            (Support::PAYLOAD_LOOPBACK, "payload loopback"),
            (Support::TIMESLOT_LOCAL, "local loopback of a timeslot"),
            (Support::TIMESLOT_NETWORK, "network loopback of a timeslot"),
            (Support::LOOP_REQUESTS, "loop requests"),
            (Support::SEND_AIS, "AIS"),
            (Support::SEND_RAI, "RAI"),
            (Support::PAYLOAD_ERRORS, "payload errors"),
            (Support::LINE_CODE_ERRORS, "line code errors"),
            (Support::PATH_ERRORS, "path errors"),
            (Support::FRAMING_ERRORS, "framing errors"),
            (Support::PATTERNS, "patterns of the framer"),
        ];
        if self.is_empty() {
            return f.write_str("none");
        }
        let mut between = "";
        for (_, word) in WORDS.into_iter().filter(|(one, _)| self.contains(*one)) {
            write!(f, "{between}{word}")?;
            between = ", ";
        }
        Ok(())
    }
}

/// A word that names nothing of the kind asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownWord {
    /// What it should have named.
    pub what: &'static str,
}

impl fmt::Display for UnknownWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no such {}", self.what)
    }
}

impl std::error::Error for UnknownWord {}

/// Display and parsing from one table, so that what is printed can be read again.
macro_rules! in_words {
    ($($kind:ident: $what:literal),* $(,)?) => {$(
        impl fmt::Display for $kind {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(Self::WORDS.iter().find(|(one, _)| one == self).map_or("", |(_, word)| word))
            }
        }

        impl FromStr for $kind {
            type Err = UnknownWord;

            fn from_str(text: &str) -> Result<Self, UnknownWord> {
                Self::WORDS.iter().find(|(_, word)| *word == text).map(|(one, _)| *one).ok_or(UnknownWord { what: $what })
            }
        }

        impl $kind {
            /// All there are, in the order of the words.
            pub fn all() -> impl Iterator<Item = Self> {
                Self::WORDS.into_iter().map(|(one, _)| one)
            }
        }
    )*};
}

in_words! {
    Loopback: "loopback",
    TimeslotLoopback: "loopback of a timeslot",
    LoopRequest: "loop request",
    LineError: "kind of error",
    FramerPattern: "pattern of a framer",
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_printed_can_be_read_again() {
        fn round<T: fmt::Display + FromStr<Err = UnknownWord> + PartialEq + fmt::Debug>(all: impl Iterator<Item = T>) {
            let mut words = Vec::new();
            for one in all {
                let word = one.to_string();
                assert!(!word.is_empty() && !words.contains(&word), "{one:?}: {word:?}");
                assert_eq!(word.parse(), Ok(one));
                words.push(word);
            }
        }
        round(Loopback::all());
        round(TimeslotLoopback::all());
        round(LoopRequest::all());
        round(LineError::all());
        round(FramerPattern::all());
        assert_eq!("around".parse::<Loopback>().expect_err("no such").to_string(), "no such loopback");
    }

    #[test]
    fn support_is_told_in_words_and_asked_by_what_is_wanted() {
        let span = Support::LOCAL_LOOPBACK | Support::SEND_RAI | Support::PATH_ERRORS | Support::TIMESLOT_NETWORK;
        assert_eq!(span.to_string(), "local loopback, network loopback of a timeslot, RAI, path errors");
        assert_eq!(Support::empty().to_string(), "none");
        assert!(span.loops(Loopback::Local) && span.loops(Loopback::None) && !span.loops(Loopback::Line));
        assert!(span.loops_timeslot(TimeslotLoopback::Network) && !span.loops_timeslot(TimeslotLoopback::Local));
        assert!(span.inserts(LineError::Path) && !span.inserts(LineError::Payload));
        let named = Support::all().to_string();
        assert_eq!(named.split(", ").count(), Support::all().iter().count(), "each has a word: {named}");
    }

    #[test]
    fn a_request_releases_only_what_it_names_and_never_a_local_loopback() {
        assert_eq!(LoopRequest::LineUp.obeyed(Loopback::None), Loopback::Line);
        assert_eq!(LoopRequest::LineDown.obeyed(Loopback::Payload), Loopback::Payload);
        assert_eq!(LoopRequest::PayloadDown.obeyed(Loopback::Payload), Loopback::None);
        for request in [LoopRequest::LineDown, LoopRequest::PayloadDown, LoopRequest::AllDown] {
            assert_eq!(request.obeyed(Loopback::Local), Loopback::Local);
        }
        assert_eq!(LoopRequest::AllDown.obeyed(Loopback::Line), Loopback::None);
    }
}
