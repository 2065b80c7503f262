//! What is wrong with cards behind the DAHDI driver, as the driver shows them.
//!
//! Data path: `[[card]]` of the configuration and the driver's list of spans → findings.
//! Source: docs/CARDS.md, which says the same at length.

use crate::config::{Board, Card, hardware};
use board_dahdi::{At, FoundSpan, SpanSettings};
use control::{Finding, Severity};

/// Everything the driver's list shows to be wrong.
pub(super) fn remarks(all: &mut Vec<Finding>, cards: &[Card], found: &[FoundSpan]) {
    for card in cards.iter().filter(|card| card.board == Board::Dahdi) {
        let settings = hardware::dahdi(card);
        let spans: Vec<(&SpanSettings, &FoundSpan)> = settings
            .spans
            .iter()
            .filter_map(|asked| Some((asked, found.iter().find(|span| is(span, &asked.at))?)))
            .collect();
        clock(all, card, &spans);
        for (asked, span) in spans {
            if span.configured != 0 && span.configured & asked.framing_and_coding() != asked.framing_and_coding() {
                all.push(Finding::new(
                    Severity::Warning,
                    format!("card \"{}\" line", card.name),
                    format!(
                        "the driver runs span {} with another framing or coding than the configuration has",
                        asked.at
                    ),
                    "let one of the two configure: configure = true, or the same in the driver's system.conf",
                ));
            }
        }
    }
}

/// Spans whose callers' echo nobody takes out although it was asked for.
pub(super) fn echo(all: &mut Vec<Finding>, spans: &[u16]) {
    for span in spans {
        all.push(Finding::new(
            Severity::Warning,
            format!("span {span} echo"),
            "the card was asked to cancel echo and cannot: callers may hear themselves",
            "use voice.echo_canceller = \"software\", or attach a canceller to these channels in the driver's system.conf \
             (echocanceller=...) and restart",
        ));
    }
}

fn is(span: &FoundSpan, at: &At) -> bool {
    match at {
        At::Number(number) => span.number == i32::from(*number),
        At::Name(name) => span.name == *name,
    }
}

/// A board that was told to take its clock from a line, and does not.
fn clock(all: &mut Vec<Finding>, card: &Card, spans: &[(&SpanSettings, &FoundSpan)]) {
    let wanted = spans.iter().any(|(asked, _)| asked.timing > 0);
    if wanted && !spans.is_empty() && spans.iter().all(|(_, span)| span.clock_source == 0) {
        all.push(Finding::new(
            Severity::Warning,
            format!("card \"{}\" clock", card.name),
            "no line is its timing source now: it runs on its own clock, and slips against the carrier's",
            "see that a span with timing = 1 has no alarm; with timing = 0 on all the other end has to follow us",
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use hal::{Alarms, Line};

    fn remarks_on(of_span: &str, clock_source: i32, configured: i32) -> Vec<String> {
        let text = format!(
            "[[card]]\nboard = \"dahdi\"\nname = \"te\"\n[[card.span]]\nline = \"E1\"\nswitch = \"euroisdn\"\n{of_span}\n"
        );
        let config = Config::parse(&text).expect("valid");
        let span = FoundSpan {
            number: 1,
            name: "WCT1/0".into(),
            description: String::new(),
            line: Some(Line::E1),
            configured,
            clock_source,
            alarms: Alarms::empty(),
            channels: Vec::new(),
        };
        let mut all = Vec::new();
        remarks(&mut all, &config.cards, &[span]);
        all.into_iter().map(|finding| finding.what).collect()
    }

    #[test]
    fn the_usual_mistakes_are_found() {
        let well = 0x700;
        assert!(remarks_on("", 1, well).is_empty());
        assert_eq!(remarks_on("", 0, well), ["card \"te\" clock"]);
        assert!(remarks_on("timing = 0", 0, well).is_empty(), "as it was meant");
        assert_eq!(remarks_on("at = \"WCT1/0\"", 1, 0x300), ["card \"te\" line"]);
        assert!(remarks_on("framing = \"no_crc4\"", 1, 0x300).is_empty());
        assert!(remarks_on("at = 2", 0, 0).is_empty(), "a span that is not there is an alarm already");
    }
}
