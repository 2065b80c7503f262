//! The text format of metrics: families with their samples.
//!
//! Source: OpenMetrics 1.0, section "ABNF" and "Metric types".

use std::fmt::{Display, Write};

/// The types of families used here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Gauge,
    Counter,
    Histogram,
    Info,
}

impl Kind {
    fn word(self) -> &'static str {
        match self {
            Kind::Gauge => "gauge",
            Kind::Counter => "counter",
            Kind::Histogram => "histogram",
            Kind::Info => "info",
        }
    }

    /// What the name of a family becomes in a sample.
    fn suffix(self) -> &'static str {
        match self {
            Kind::Gauge | Kind::Histogram => "",
            Kind::Counter => "_total",
            Kind::Info => "_info",
        }
    }
}

/// A text that grows. Writing to a string cannot fail.
#[derive(Debug, Default)]
pub(super) struct Text {
    text: String,
    family: &'static str,
    suffix: &'static str,
}

impl Text {
    /// Begin a family. Names are ours: letters, digits, underscores.
    pub(super) fn family(&mut self, name: &'static str, kind: Kind, help: &str) {
        (self.family, self.suffix) = (name, kind.suffix());
        let _ = writeln!(self.text, "# TYPE {name} {}", kind.word());
        if name.ends_with("_seconds") {
            let _ = writeln!(self.text, "# UNIT {name} seconds");
        }
        let _ = writeln!(self.text, "# HELP {name} {}", escaped(help));
    }

    /// A sample of the family.
    pub(super) fn sample(&mut self, labels: &[(&str, &str)], value: impl Display) {
        self.suffixed(self.suffix, labels, value);
    }

    /// A sample of the family, with a suffix of its own.
    pub(super) fn suffixed(&mut self, suffix: &str, labels: &[(&str, &str)], value: impl Display) {
        let _ = write!(self.text, "{}{suffix}", self.family);
        for (index, (name, value)) in labels.iter().enumerate() {
            let open = if index == 0 { '{' } else { ',' };
            let _ = write!(self.text, "{open}{name}=\"{}\"", escaped(value));
        }
        let close = if labels.is_empty() { "" } else { "}" };
        let _ = writeln!(self.text, "{close} {value}");
    }

    /// The whole text.
    pub(super) fn finish(mut self) -> String {
        self.text.push_str("# EOF\n");
        self.text
    }
}

/// Names of cards come from the configuration and may hold anything.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_family_is_written_as_openmetrics_has_it() {
        let mut text = Text::default();
        text.family("a_seconds", Kind::Gauge, "A time.");
        text.sample(&[], 1.5);
        text.family("b", Kind::Counter, "Some.");
        text.sample(&[("x", "a\"b\\c\nd"), ("y", "")], 7);
        let expected = "# TYPE a_seconds gauge\n# UNIT a_seconds seconds\n# HELP a_seconds A time.\na_seconds 1.5\n\
                        # TYPE b counter\n# HELP b Some.\nb_total{x=\"a\\\"b\\\\c\\nd\",y=\"\"} 7\n# EOF\n";
        assert_eq!(text.finish(), expected);
    }
}
