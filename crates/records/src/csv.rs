//! Rows as CSV, for spreadsheets.
//!
//! Source: RFC 4180. Departure: a cell that a spreadsheet would take for a formula is preceded by an
//! apostrophe, since titles and names come from strangers.

use crate::database::query::{CallRow, LogRow, UsageRow};
use event::utc;

/// Rows with a heading.
pub trait Table {
    /// The names of the columns.
    const HEADINGS: &'static [&'static str];

    /// The row's cells, one a column.
    fn cells(&self) -> Vec<String>;
}

/// The rows as CSV, the heading first. Times are RFC 3339.
#[must_use]
pub fn to_csv<T: Table>(rows: &[T]) -> String {
    let mut text = line(T::HEADINGS.iter().map(|heading| (*heading).to_owned()));
    rows.iter().for_each(|row| text.push_str(&line(row.cells())));
    text
}

fn line(cells: impl IntoIterator<Item = String>) -> String {
    let cells: Vec<String> = cells.into_iter().map(cell).collect();
    cells.join(",") + "\r\n"
}

fn cell(text: String) -> String {
    let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let text = if formula { format!("'{text}") } else { text };
    if text.contains([',', '"', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

fn time(ms: Option<u64>) -> String {
    ms.map(utc::rfc3339).unwrap_or_default()
}

fn figure(value: Option<u64>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}

impl Table for UsageRow {
    const HEADINGS: &'static [&'static str] = &["minute", "server", "format", "listeners", "octets"];

    fn cells(&self) -> Vec<String> {
        let (server, format) = (self.server.clone(), self.format.clone());
        vec![time(Some(self.minute_ms)), server, format, self.listeners.to_string(), self.octets.to_string()]
    }
}

impl Table for CallRow {
    const HEADINGS: &'static [&'static str] = &[
        "setup",
        "joined",
        "left",
        "end",
        "seconds",
        "role",
        "direction",
        "calling",
        "waited_ms",
        "talk_ms",
        "cause",
        "released_by",
        "server",
        "call",
    ];

    fn cells(&self) -> Vec<String> {
        let text = |value: &Option<String>| value.clone().unwrap_or_default();
        vec![
            time(Some(self.setup_ms)),
            time(self.joined_ms),
            time(self.left_ms),
            time(self.end_ms),
            figure(self.seconds),
            text(&self.role),
            self.direction.clone(),
            text(&self.calling),
            self.waited_ms.to_string(),
            self.talk_ms.to_string(),
            figure(self.cause),
            self.released_by.clone(),
            self.server.clone(),
            self.call.to_string(),
        ]
    }
}

impl Table for LogRow {
    const HEADINGS: &'static [&'static str] = &["at", "what", "by", "server"];

    fn cells(&self) -> Vec<String> {
        vec![time(Some(self.at_ms)), self.what.clone(), self.by.clone(), self.server.clone()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_quoted_where_need_be_and_are_no_formulas() {
        let row =
            |what: &str| LogRow { at_ms: 0, server: "g1".to_owned(), what: what.to_owned(), by: "host".to_owned() };
        let csv = to_csv(&[row("said \"no\", twice"), row("=HYPERLINK(1)")]);
        assert_eq!(
            csv,
            "at,what,by,server\r\n1970-01-01T00:00:00.000Z,\"said \"\"no\"\", twice\",host,g1\r\n\
             1970-01-01T00:00:00.000Z,'=HYPERLINK(1),host,g1\r\n"
        );
    }
}
