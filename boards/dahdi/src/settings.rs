//! What an operator says of a card and its spans, and how the driver is told.

use crate::abi::{Blank, ChannelConfig, LineConfig, law, line, signalling};
use hal::Line;
use std::fmt;

/// Where a span is found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum At {
    /// By the driver's number, from 1. It depends on the order in which drivers were loaded.
    Number(u16),
    /// By the driver's name ("WCT1/0"), which stays with the board.
    Name(String),
}

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            At::Number(number) => write!(f, "{number}"),
            At::Name(name) => write!(f, "\"{name}\""),
        }
    }
}

/// How a line is framed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// T1 superframe.
    D4,
    /// T1 extended superframe.
    Esf,
    /// E1 without CRC-4.
    NoCrc4,
    /// E1 with CRC-4.
    Crc4,
}

/// How bits become pulses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coding {
    /// Alternate mark inversion, either line.
    Ami,
    /// T1.
    B8zs,
    /// E1.
    Hdb3,
}

impl Coding {
    /// The one that leaves every timeslot its 64 kbit/s.
    #[must_use]
    pub const fn clear(line: Line) -> Coding {
        match line {
            Line::T1 => Coding::B8zs,
            Line::E1 => Coding::Hdb3,
        }
    }
}

/// Line build-out: 0 to 4 for 133, 266, 399, 533 and 655 feet to the next repeater of a T1, 5 to 7 for -7.5, -15 and -22.5 dB.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BuildOut(pub u8);

/// One span.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpanSettings {
    /// Which.
    pub at: At,
    /// T1 or E1; the driver has to agree.
    pub line: Line,
    /// How it is framed.
    pub framing: Framing,
    /// How it is coded.
    pub coding: Coding,
    /// Rank as a source of the board's clock, 1 the first choice; 0: never.
    pub timing: u8,
    /// Line build-out.
    pub build_out: BuildOut,
}

impl SpanSettings {
    /// Framing and coding, as [`crate::abi::line`] bits.
    #[must_use]
    pub fn framing_and_coding(&self) -> i32 {
        let framing = match self.framing {
            Framing::D4 => line::D4,
            Framing::Esf => line::ESF,
            Framing::NoCrc4 => line::CCS,
            Framing::Crc4 => line::CCS | line::CRC4,
        };
        let coding = match self.coding {
            Coding::Ami => line::AMI,
            Coding::B8zs => line::B8ZS,
            Coding::Hdb3 => line::HDB3,
        };
        framing | coding
    }

    /// What the driver is told of the span of this number.
    pub(crate) fn line_config(&self, number: i32) -> LineConfig {
        LineConfig {
            span: number,
            build_out: i32::from(self.build_out.0),
            line: self.framing_and_coding(),
            timing: i32::from(self.timing),
            ..LineConfig::BLANK
        }
    }

    /// What the driver is told of one of its channels.
    pub(crate) fn channel_config(&self, channel: i32, is_d_channel: bool, hard: bool) -> ChannelConfig {
        let signalling = match (is_d_channel, hard) {
            (false, _) => signalling::CLEAR,
            (true, false) => signalling::HDLC_FCS,
            (true, true) => signalling::HARD_HDLC,
        };
        let law = match self.line {
            Line::T1 => law::MU,
            Line::E1 => law::A,
        };
        ChannelConfig { channel, signalling, law, master: channel, ..ChannelConfig::BLANK }
    }
}

/// A card: spans that share a clock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CardSettings {
    /// Its name.
    pub name: String,
    /// Configure and start the spans, rather than leave that to `dahdi_cfg`.
    pub configure: bool,
    /// Milliseconds of the reserve, which a late tick eats into.
    pub reserve_ms: u8,
    /// Taps of the driver's echo canceller, 8 a millisecond; 0: none.
    pub echo_cancel_taps: u16,
    /// Its spans.
    pub spans: Vec<SpanSettings>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(line: Line, framing: Framing) -> SpanSettings {
        let at = At::Number(3);
        SpanSettings { at, line, framing, coding: Coding::clear(line), timing: 1, build_out: BuildOut(2) }
    }

    #[test]
    fn a_span_is_told_as_the_configuration_tool_of_the_driver_tells_it() {
        let told = |line, framing| {
            let config = span(line, framing).line_config(3);
            (config.span, config.build_out, config.line, config.timing)
        };
        // "esf,b8zs", "d4,b8zs", "ccs,hdb3,crc4" and "ccs,hdb3" of system.conf.
        assert_eq!(told(Line::T1, Framing::Esf), (3, 2, 0xa0, 1));
        assert_eq!(told(Line::T1, Framing::D4), (3, 2, 0x90, 1));
        assert_eq!(told(Line::E1, Framing::Crc4), (3, 2, 0x700, 1));
        assert_eq!(told(Line::E1, Framing::NoCrc4), (3, 2, 0x300, 1));
    }

    #[test]
    fn a_channel_is_its_own_master_and_a_d_channel_carries_frames() {
        let told = |d, hard| {
            let config = span(Line::E1, Framing::Crc4).channel_config(47, d, hard);
            (config.channel, config.master, config.signalling, config.law)
        };
        assert_eq!(told(false, true), (47, 47, 0x80, 2));
        assert_eq!(told(true, false), (47, 47, 0x380, 2));
        assert_eq!(told(true, true), (47, 47, 0x80080, 2));
    }
}
