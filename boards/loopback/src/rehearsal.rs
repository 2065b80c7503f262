//! Faults on request: what a technician puts on a software line to see what the gateway makes of it.
//!
//! The faults are in the line, between its two ends, so that both ends see of them what they would see of real ones:
//! one end's wrong bits are the other end's far-end errors. They are set and cleared here while the card runs; `impair`
//! does them to the signal. [`crate::FaultyCard`] is another thing: chance and scripts around any card, for tests.
//!
//! Data path: words → [`Order`] → [`FaultDesk::obey`] → the line.
//! Time: an order holds from the next tick of the end that receives; faults outlive the programs at both ends.
//! Words: *order*, to set a fault or clear it; *received*, on the way to the card the desk belongs to; *sent*, on the
//! way from it.
//!
//! ```text
//! [sent] los | lof | ais | rai | errors RATE | stuck TIMESLOT [OCTET] | noisy TIMESLOT
//! [sent] line-code N | path N | framing N | slips N          so many, once
//! [sent] d-garbage | d-loss PERCENT | d-deaf
//! removed                                                    the whole card
//! [sent] clear [FAULT]                                       without its value; all of this direction if none
//! ```
//!
//! A command of a technician is one call, from whichever thread:
//!
//! ```
//! use board_loopback::{LoopbackCard, faults::Direction};
//! use hal::{Line, SpanIndex};
//!
//! let mut builder = LoopbackCard::builder("card");
//! let _far_end = builder.span_to_exchange(Line::E1);
//! let mut card = builder.build();
//! // Taken before the card is started, kept for as long as somebody may ask.
//! let desk = card.fault_desk();
//!
//! desk.obey(SpanIndex(0), "errors 1e-6".parse()?)?;
//! desk.obey(SpanIndex(0), "sent los".parse()?)?;
//! desk.obey(SpanIndex(0), "clear errors".parse()?)?;
//! assert_eq!(desk.standing(SpanIndex(0), Direction::Received), []);
//! assert_eq!(desk.standing(SpanIndex(0), Direction::Sent)[0].to_string(), "los");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use crate::capture::Direction;
use crate::joint::Joint;
use hal::{Error, ErrorKind, SpanIndex, Timeslot};
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A fault of a line, or of the whole card.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fault {
    /// No signal. The other end is told by RAI, here and for the next two.
    Los,
    /// A signal without framing.
    Lof,
    /// Unframed ones.
    Ais,
    /// Remote alarm, as if the other end did not hear us.
    Rai,
    /// One bit of the line in so many turned over, in framing, speech and signalling alike. Exactly one in each run
    /// of so many bits, at a place drawn from the seed of the card. Errors alone never lose the framing here.
    Errors {
        /// From 100 to 1,000,000,000: rates of 10^-2 to 10^-9.
        one_in: u32,
    },
    /// So many violations of the line code that change no bit.
    LineCode(u32),
    /// So many frame checks that fail though no bit of a timeslot is wrong.
    Path(u32),
    /// So many wrong framing bits (frame alignment signals on an E1).
    Framing(u32),
    /// So many controlled slips, one a tick: a frame of 125 µs repeated, then one dropped, in turn.
    Slips(u32),
    /// A timeslot that brings the same octet whatever was sent, also when the end that receives loops it.
    Stuck(Timeslot, u8),
    /// A timeslot that brings noise whatever was sent.
    Noisy(Timeslot),
    /// The D channel brings noise: no frame, but wrong check sequences and aborts.
    DGarbage,
    /// So many D-channel frames in a hundred arrive with a wrong check sequence.
    DLoss(u8),
    /// The D channel brings nothing, and nobody is told.
    DDeaf,
    /// The card is gone until this is cleared.
    Removed,
}

/// What to do with a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// Put it there. A fault of the same kind (and timeslot) gives way; counts add up.
    Set(Fault),
    /// Take it away; kind and timeslot say which.
    Clear(Fault),
    /// Take away all of this span and direction, and bring a removed card back.
    ClearAll,
}

/// An action and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Order {
    /// On the way to us, or from us.
    pub direction: Direction,
    /// What to do.
    pub action: Action,
}

/// Why words are no order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoOrder {
    /// There is no fault of this name.
    UnknownFault(String),
    /// The fault needs a value, and this is what.
    Missing(&'static str),
    /// The value cannot be, and this is what it should be.
    Value(String, &'static str),
    /// There are words too many, from this one on.
    TooMuch(String),
}

impl fmt::Display for NoOrder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownFault(word) => write!(
                f,
                "no fault {word:?}; there are los, lof, ais, rai, errors, line-code, path, framing, slips, stuck, noisy, \
                 d-garbage, d-loss, d-deaf, removed"
            ),
            Self::Missing(what) => write!(f, "{what} is missing"),
            Self::Value(word, what) => write!(f, "{word:?} is not {what}"),
            Self::TooMuch(word) => write!(f, "{word:?} says too much"),
        }
    }
}

impl std::error::Error for NoOrder {}

const RATE: &str = "a rate from 1e-2 to 1e-9";
const COUNT: &str = "a count from 1 to 1000000";
const TIMESLOT: &str = "a timeslot from 1 to 31";
const OCTET: &str = "an octet such as 0x7f";
const PERCENT: &str = "a percentage from 1 to 100";

/// What a stuck timeslot brings unless told otherwise.
const STUCK: u8 = 0x00;

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Los => f.write_str("los"),
            Self::Lof => f.write_str("lof"),
            Self::Ais => f.write_str("ais"),
            Self::Rai => f.write_str("rai"),
            Self::Errors { one_in } => write!(f, "errors {:e}", 1.0 / f64::from(*one_in)),
            Self::LineCode(count) => write!(f, "line-code {count}"),
            Self::Path(count) => write!(f, "path {count}"),
            Self::Framing(count) => write!(f, "framing {count}"),
            Self::Slips(count) => write!(f, "slips {count}"),
            Self::Stuck(timeslot, octet) => write!(f, "stuck {timeslot} {octet:#04x}"),
            Self::Noisy(timeslot) => write!(f, "noisy {timeslot}"),
            Self::DGarbage => f.write_str("d-garbage"),
            Self::DLoss(percent) => write!(f, "d-loss {percent}%"),
            Self::DDeaf => f.write_str("d-deaf"),
            Self::Removed => f.write_str("removed"),
        }
    }
}

impl fmt::Display for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.direction == Direction::Sent {
            f.write_str("sent ")?;
        }
        match self.action {
            Action::Set(fault) => write!(f, "{fault}"),
            Action::Clear(fault) => write!(f, "clear {fault}"),
            Action::ClearAll => f.write_str("clear"),
        }
    }
}

impl FromStr for Order {
    type Err = NoOrder;

    fn from_str(text: &str) -> Result<Self, NoOrder> {
        let mut words = text.split_whitespace().peekable();
        let direction = if words.next_if_eq(&"sent").is_some() { Direction::Sent } else { Direction::Received };
        let clear = words.next_if_eq(&"clear").is_some();
        let action = match words.next() {
            None if clear => Action::ClearAll,
            None => return Err(NoOrder::Missing("a fault")),
            Some(name) => {
                let fault = fault(name, &mut words, clear)?;
                if clear { Action::Clear(fault) } else { Action::Set(fault) }
            }
        };
        match words.next() {
            Some(word) => Err(NoOrder::TooMuch(word.to_owned())),
            None => Ok(Order { direction, action }),
        }
    }
}

impl FromStr for Fault {
    type Err = NoOrder;

    fn from_str(text: &str) -> Result<Self, NoOrder> {
        match text.parse()? {
            Order { direction: Direction::Received, action: Action::Set(fault) } => Ok(fault),
            _ => Err(NoOrder::UnknownFault(text.to_owned())),
        }
    }
}

/// The fault of a name, its value taken from the words; one that is only named need not have its value.
fn fault<'a>(name: &str, words: &mut impl Iterator<Item = &'a str>, named: bool) -> Result<Fault, NoOrder> {
    let mut value = |what: &'static str, whole: std::ops::RangeInclusive<u32>, default: u32| match words.next() {
        None if named => Ok(default),
        None => Err(NoOrder::Missing(what)),
        Some(word) => {
            let number = word.strip_suffix('%').filter(|_| what == PERCENT).unwrap_or(word).parse().ok();
            number.filter(|number| whole.contains(number)).ok_or(NoOrder::Value(word.to_owned(), what))
        }
    };
    let mut count = || value(COUNT, 1..=1_000_000, 1);
    Ok(match name {
        "los" => Fault::Los,
        "lof" => Fault::Lof,
        "ais" => Fault::Ais,
        "rai" => Fault::Rai,
        "line-code" => Fault::LineCode(count()?),
        "path" => Fault::Path(count()?),
        "framing" => Fault::Framing(count()?),
        "slips" => Fault::Slips(count()?),
        "d-garbage" => Fault::DGarbage,
        "d-deaf" => Fault::DDeaf,
        "removed" => Fault::Removed,
        "d-loss" => Fault::DLoss(value(PERCENT, 1..=100, 1)? as u8),
        "errors" => match words.next() {
            None if named => Fault::Errors { one_in: 1_000_000 },
            None => return Err(NoOrder::Missing(RATE)),
            Some(word) => {
                let rate: f64 = word.parse().map_err(|_| NoOrder::Value(word.to_owned(), RATE))?;
                let one_in = (1.0 / rate).round();
                if !(100.0..=1e9).contains(&one_in) {
                    return Err(NoOrder::Value(word.to_owned(), RATE));
                }
                Fault::Errors { one_in: one_in as u32 }
            }
        },
        "stuck" | "noisy" => {
            // A timeslot names the fault as much as the word does.
            let word = words.next().ok_or(NoOrder::Missing(TIMESLOT))?;
            let timeslot = word.parse().ok().filter(|number| (1..=31).contains(number));
            let timeslot = Timeslot(timeslot.ok_or(NoOrder::Value(word.to_owned(), TIMESLOT))?);
            if name == "noisy" {
                return Ok(Fault::Noisy(timeslot));
            }
            let octet = words.next().map_or(Ok(STUCK), |word| {
                let digits = word.strip_prefix("0x");
                let octet = digits.map_or(word.parse(), |digits| u8::from_str_radix(digits, 16));
                octet.map_err(|_| NoOrder::Value(word.to_owned(), OCTET))
            })?;
            Fault::Stuck(timeslot, octet)
        }
        unknown => return Err(NoOrder::UnknownFault(unknown.to_owned())),
    })
}

/// Where faults are put on the lines of a card, from any thread, while the card runs or is gone.
#[derive(Clone)]
pub struct FaultDesk {
    pub(crate) ends: Vec<(Arc<Joint>, usize)>,
    pub(crate) removed: Arc<AtomicBool>,
}

impl FaultDesk {
    /// Do as an order says.
    ///
    /// # Errors
    /// `Unsupported` when the card has no such span, or the span no such timeslot.
    pub fn obey(&self, span: SpanIndex, order: Order) -> Result<(), Error> {
        const OPERATION: &str = "put a fault on a span or timeslot the card lacks";
        let (joint, side) = self.ends.get(usize::from(span.0)).ok_or(Error::new(ErrorKind::Unsupported, OPERATION))?;
        let impairments = &joint.end(receiver(*side, order.direction)).impairments;
        match order.action {
            Action::Set(Fault::Removed) => self.removed.store(true, Ordering::Release),
            Action::Clear(Fault::Removed) => self.removed.store(false, Ordering::Release),
            Action::Set(Fault::Stuck(timeslot, _) | Fault::Noisy(timeslot))
                if timeslot.0 == 0 || timeslot.0 > joint.line.timeslots() =>
            {
                return Err(Error::new(ErrorKind::Unsupported, OPERATION));
            }
            Action::Set(fault) => impairments.set(fault),
            Action::Clear(fault) => impairments.clear(fault),
            Action::ClearAll => {
                impairments.clear_all();
                self.removed.store(false, Ordering::Release);
            }
        }
        Ok(())
    }

    /// The faults that stand on a span in a direction. Counts show what is left of them.
    #[must_use]
    pub fn standing(&self, span: SpanIndex, direction: Direction) -> Vec<Fault> {
        let end = self.ends.get(usize::from(span.0));
        let mut faults =
            end.map_or(Vec::new(), |(joint, side)| joint.end(receiver(*side, direction)).impairments.standing());
        if self.removed.load(Ordering::Acquire) {
            faults.push(Fault::Removed);
        }
        faults
    }
}

/// The end at which a direction arrives.
fn receiver(side: usize, direction: Direction) -> usize {
    match direction {
        Direction::Received => side,
        Direction::Sent => 1 - side,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_are_read_as_they_are_written() {
        for text in [
            "los",
            "lof",
            "ais",
            "sent rai",
            "errors 1e-6",
            "errors 1e-3",
            "line-code 5",
            "sent path 320",
            "framing 1",
            "slips 12",
            "stuck 7 0x00",
            "stuck 31 0x7f",
            "noisy 16",
            "d-garbage",
            "d-loss 10%",
            "sent d-deaf",
            "removed",
            "clear",
            "sent clear",
            "clear los",
            "sent clear stuck 7 0x00",
        ] {
            let order: Order = text.parse().unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(order.to_string(), text);
        }
        let same = |one: &str, other: &str| assert_eq!(one.parse::<Order>(), other.parse::<Order>());
        same("errors 0.000001", "errors 1e-6");
        same("stuck 7", "stuck 7 0");
        same("d-loss 10", "d-loss 10%");
        same("  sent   los ", "sent los");
        same("clear errors", "clear errors 1e-6");
        assert_eq!("errors 3e-4".parse(), Ok(Fault::Errors { one_in: 3_333 }));
        let odd = Fault::Errors { one_in: 3_333 };
        assert_eq!(odd.to_string().parse(), Ok(odd));
    }

    #[test]
    fn what_is_no_order_is_told_why() {
        let why = |text: &str| text.parse::<Order>().expect_err(text).to_string();
        assert!(why("lost").starts_with("no fault \"lost\"; there are los, "));
        assert_eq!(why(""), "a fault is missing");
        assert_eq!(why("errors"), "a rate from 1e-2 to 1e-9 is missing");
        for rate in ["0", "1", "-1e-6", "nan", "inf", "1e-10", "x"] {
            assert_eq!(why(&format!("errors {rate}")), format!("{rate:?} is not a rate from 1e-2 to 1e-9"));
        }
        assert_eq!(why("slips 0"), "\"0\" is not a count from 1 to 1000000");
        assert_eq!(why("path 5%"), "\"5%\" is not a count from 1 to 1000000");
        assert_eq!(why("stuck"), "a timeslot from 1 to 31 is missing");
        assert_eq!(why("clear noisy"), "a timeslot from 1 to 31 is missing");
        assert_eq!(why("noisy 32"), "\"32\" is not a timeslot from 1 to 31");
        assert_eq!(why("stuck 1 0x100"), "\"0x100\" is not an octet such as 0x7f");
        assert_eq!(why("d-loss 101"), "\"101\" is not a percentage from 1 to 100");
        assert_eq!(why("los now"), "\"now\" says too much");
    }
}
