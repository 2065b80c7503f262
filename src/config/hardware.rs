//! What is said of cards with a line behind them: which settings belong to which board, and what they come to there.
//!
//! Data path: `[[card]]` and `[[card.span]]` → the board's own settings.

use super::voice::EchoCanceller;
use super::{Board, Card, OutOfService, Span};
use hal::Line;
use line::Framing;
use serde::{Deserialize, Deserializer, de::Error as _};
use std::path::PathBuf;

/// Where osmo-e1d listens unless told otherwise.
const E1D_SOCKET: &str = "/tmp/osmo-e1d.ctl";
/// Milliseconds of the reserve, unless said otherwise.
const RESERVE_MS: u8 = 5;

/// Where a span is found: by the driver's number or by its name.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum At {
    /// Its number.
    Number(u16),
    /// Its name.
    Name(String),
}

/// How bits become pulses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Coding {
    /// Alternate mark inversion.
    Ami,
    /// Of a T1, with eight zeros substituted.
    B8zs,
    /// Of an E1.
    Hdb3,
}

pub(super) fn reserve<'de, D: Deserializer<'de>>(d: D) -> Result<Option<u8>, D::Error> {
    match u8::deserialize(d)? {
        ms @ 1..=40 => Ok(Some(ms)),
        _ => Err(D::Error::custom("a reserve is 1 to 40 ms")),
    }
}

pub(super) fn taps<'de, D: Deserializer<'de>>(d: D) -> Result<Option<u16>, D::Error> {
    match u16::deserialize(d)? {
        taps @ (0 | 32 | 64 | 128 | 256 | 512 | 1024) => Ok(Some(taps)),
        _ => Err(D::Error::custom("0 for none, 32, 64, 128, 256, 512 or 1024 taps")),
    }
}

pub(super) fn build_out<'de, D: Deserializer<'de>>(d: D) -> Result<Option<u8>, D::Error> {
    match u8::deserialize(d)? {
        code @ 0..=7 => Ok(Some(code)),
        _ => Err(D::Error::custom("a build-out is 0 to 7")),
    }
}

/// A setting that another board has: which, and why it is of no use here.
pub(super) fn stranger(card: &Card) -> Option<String> {
    let given = [
        ("configure", card.configure.is_some(), &[Board::Dahdi][..]),
        ("echo_cancel_taps", card.echo_cancel_taps.is_some(), &[Board::Dahdi]),
        ("reserve_ms", card.reserve_ms.is_some(), &[Board::Dahdi, Board::E1d]),
        ("socket", !card.socket.as_os_str().is_empty(), &[Board::E1d]),
    ];
    given.into_iter().find_map(|(name, is_given, boards)| is_stranger(card.board, name, is_given, boards))
}

/// A canceller is asked for that a board has not.
pub(super) fn without_echo_canceller(board: Board, asked: EchoCanceller) -> Option<String> {
    (asked == EchoCanceller::Hardware && board != Board::Dahdi).then(|| {
        format!(
            "voice.echo_canceller = \"hardware\", but {} cards have no echo canceller: use \"software\", or \"off\" where the \
             carrier cancels echo",
            board.name()
        )
    })
}

/// The same of one of its spans, and what a board wants of a span besides.
pub(super) fn stranger_in_span(board: Board, span: &Span) -> Option<String> {
    let given = [
        ("far_end", span.far_end.is_some(), &[Board::Loopback][..]),
        ("socket", !span.socket.as_os_str().is_empty(), &[Board::Loopback]),
        ("at", span.at.is_some(), &[Board::Dahdi, Board::E1d]),
        ("timing", span.timing.is_some(), &[Board::Dahdi]),
        ("coding", span.coding.is_some(), &[Board::Dahdi]),
        ("build_out", span.build_out.is_some(), &[Board::Dahdi]),
    ];
    let stranger = given.into_iter().find_map(|(name, is_given, boards)| is_stranger(board, name, is_given, boards));
    if stranger.is_some() {
        return stranger;
    }
    if span.out_of_service == OutOfService::Alarm && board != Board::Loopback {
        return Some(format!(
            "out_of_service = \"alarm\" sends AIS, which {} cards cannot: choose \"d_channel\", \"service\" or \"reject\"",
            board.name()
        ));
    }
    match (board, &span.at, span.far_end) {
        (Board::Loopback, _, None) => Some("a span of a loopback card needs far_end".to_owned()),
        (Board::E1d, Some(At::Number(_)), _) => {
            Some("`at` of a line of osmo-e1d is interface and line, such as \"0/0\"".to_owned())
        }
        (Board::E1d, Some(At::Name(name)), _) => name.parse::<board_e1d::LineAt>().err(),
        _ => match (span.coding, span.line) {
            (Some(Coding::Hdb3), Line::T1) | (Some(Coding::B8zs), Line::E1) => {
                Some("its coding is \"b8zs\" or \"ami\" on a T1, \"hdb3\" or \"ami\" on an E1".to_owned())
            }
            _ => None,
        },
    }
}

fn is_stranger(board: Board, name: &str, is_given: bool, boards: &[Board]) -> Option<String> {
    let meant = boards.iter().map(|board| board.name()).collect::<Vec<_>>().join(" and ");
    (is_given && !boards.contains(&board)).then(|| format!("`{name}` is for {meant} cards: leave it out"))
}

/// A card behind the DAHDI driver.
#[must_use]
pub fn dahdi(card: &Card) -> board_dahdi::CardSettings {
    use board_dahdi as board;
    let span = |(place, span): (u8, &Span)| board::SpanSettings {
        at: match &span.at {
            Some(At::Number(number)) => board::At::Number(*number),
            Some(At::Name(name)) => board::At::Name(name.clone()),
            None => board::At::Number(u16::from(place)),
        },
        line: span.line,
        framing: match span.framing() {
            Framing::T1D4 => board::Framing::D4,
            Framing::T1Esf => board::Framing::Esf,
            Framing::E1 => board::Framing::NoCrc4,
            Framing::E1Crc4 => board::Framing::Crc4,
        },
        coding: match span.coding {
            Some(Coding::Ami) => board::Coding::Ami,
            Some(Coding::B8zs) => board::Coding::B8zs,
            Some(Coding::Hdb3) => board::Coding::Hdb3,
            None => board::Coding::clear(span.line),
        },
        timing: span.timing.unwrap_or(place),
        build_out: board::BuildOut(span.build_out.unwrap_or(0)),
    };
    board::CardSettings {
        name: card.name.clone(),
        configure: card.configure.unwrap_or(true),
        reserve_ms: card.reserve_ms.unwrap_or(RESERVE_MS),
        echo_cancel_taps: card.echo_cancel_taps.unwrap_or(0),
        spans: (1..).zip(&card.spans).map(span).collect(),
    }
}

/// A card behind osmo-e1d.
#[must_use]
pub fn e1d(card: &Card) -> board_e1d::CardSettings {
    let span = |(place, span): (u8, &Span)| {
        let at = match &span.at {
            Some(At::Name(name)) => name.parse().ok(),
            Some(At::Number(_)) | None => None,
        };
        let nth = board_e1d::LineAt(board_e1d::wire::LineAddress { interface: 0, line: place });
        board_e1d::SpanSettings { at: at.unwrap_or(nth), line: span.line }
    };
    board_e1d::CardSettings {
        name: card.name.clone(),
        socket: if card.socket.as_os_str().is_empty() { PathBuf::from(E1D_SOCKET) } else { card.socket.clone() },
        reserve_ms: card.reserve_ms.unwrap_or(RESERVE_MS),
        spans: (0..).zip(&card.spans).map(span).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    fn card(board: &str, of_card: &str, of_span: &str) -> Result<Card, String> {
        let text = format!(
            "[[card]]\nboard = \"{board}\"\nname = \"c\"\n{of_card}\n[[card.span]]\nline = \"E1\"\nswitch = \"euroisdn\"\n{of_span}\n"
        );
        Config::parse(&text).map(|config| config.cards[0].clone())
    }

    #[test]
    fn a_dahdi_card_needs_nothing_but_its_lines() {
        let settings = dahdi(&card("dahdi", "", "").expect("valid"));
        assert!(settings.configure && settings.reserve_ms == 5 && settings.echo_cancel_taps == 0);
        let span = &settings.spans[0];
        assert_eq!((&span.at, span.timing, span.framing), (&board_dahdi::At::Number(1), 1, board_dahdi::Framing::Crc4));
        let settings =
            dahdi(&card("dahdi", "configure = false\nreserve_ms = 3", "at = \"TE2/0/2\"\ntiming = 0").expect("valid"));
        assert!(!settings.configure && settings.reserve_ms == 3 && settings.spans[0].timing == 0);
        assert_eq!(settings.spans[0].at, board_dahdi::At::Name("TE2/0/2".into()));
        let settings = dahdi(&card("dahdi", "", "at = 7").expect("valid"));
        assert_eq!(settings.spans[0].at, board_dahdi::At::Number(7));
    }

    #[test]
    fn a_line_of_osmo_e1d_is_named_by_interface_and_line() {
        let settings = e1d(&card("e1d", "", "").expect("valid"));
        assert_eq!((settings.socket.to_str(), settings.spans[0].at.to_string().as_str()), (Some(E1D_SOCKET), "0/0"));
        let settings = e1d(&card("e1d", "socket = \"/run/e1d\"", "at = \"1/2\"").expect("valid"));
        assert_eq!((settings.socket.to_str(), settings.spans[0].at.to_string().as_str()), (Some("/run/e1d"), "1/2"));
        let wrong = card("e1d", "", "at = \"1\"").expect_err("no line");
        assert!(wrong.contains("line 6") && wrong.contains("counted from 0"), "{wrong}");
    }

    #[test]
    fn the_examples_of_the_documentation_are_valid() {
        for (text, switch, spans) in [
            (include_str!("../../docs/examples/t1-ni2.toml"), isdn::Switch::Ni2, 1),
            (include_str!("../../docs/examples/t1-5ess-bcas.toml"), isdn::Switch::Ess5, 2),
            (include_str!("../../docs/examples/e1-euroisdn.toml"), isdn::Switch::EuroIsdn, 1),
        ] {
            let card = &Config::parse(text).expect("valid").cards[0];
            assert!(card.spans.len() == spans && card.spans.iter().all(|span| span.switch == switch));
            assert_eq!(dahdi(card).spans.len(), spans);
        }
    }

    #[test]
    fn an_echo_canceller_that_no_board_has_is_refused() {
        let hardware = "[voice]\necho_canceller = \"hardware\"\n";
        let with = |board: &str, of_span: &str| {
            Config::parse(&format!(
                "{hardware}[[card]]\nboard = \"{board}\"\nname = \"c\"\n[[card.span]]\nline = \"E1\"\nswitch = \"euroisdn\"\n{of_span}\n"
            ))
        };
        assert!(with("dahdi", "").is_ok(), "whether it has one is known when it is started");
        for (board, of_span) in [("loopback", "far_end = \"exchange\""), ("e1d", "")] {
            let wrong = with(board, of_span).expect_err("none");
            assert!(wrong.contains(&format!("{board} cards have no echo canceller")), "{wrong}");
            assert!(wrong.contains("use \"software\"") && wrong.contains("line 5"), "{wrong}");
        }
        let wrong = Config::parse(hardware).expect_err("the software card");
        assert!(wrong.contains("loopback cards have no echo canceller"), "{wrong}");
    }

    #[test]
    fn a_setting_of_another_board_is_refused() {
        for (board, of_card, of_span, said) in [
            ("dahdi", "socket = \"/a\"", "", "`socket` is for e1d cards"),
            ("e1d", "configure = true", "", "`configure` is for dahdi cards"),
            ("loopback", "reserve_ms = 5", "far_end = \"exchange\"", "`reserve_ms` is for dahdi and e1d cards"),
            ("loopback", "", "at = 1\nfar_end = \"exchange\"", "`at` is for dahdi and e1d cards"),
            ("dahdi", "", "far_end = \"exchange\"", "`far_end` is for loopback cards"),
            ("loopback", "", "", "needs far_end"),
            ("dahdi", "", "coding = \"b8zs\"", "\"hdb3\" or \"ami\" on an E1"),
            ("dahdi", "reserve_ms = 0", "", "1 to 40 ms"),
            ("dahdi", "", "out_of_service = \"alarm\"", "sends AIS, which dahdi cards cannot"),
            ("e1d", "", "out_of_service = \"alarm\"", "sends AIS, which e1d cards cannot"),
        ] {
            let wrong = card(board, of_card, of_span).expect_err("wrong");
            assert!(wrong.contains(said) && wrong.contains("line "), "{wrong}");
        }
    }
}
