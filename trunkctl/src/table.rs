//! Tables in plain text, no wider than a terminal of 80 columns.
//!
//! Columns are as wide as what is in them; when that is too much, those that may shrink lose characters,
//! marked by an ellipsis. No colour, no lines: what is piped is what is seen.

use crate::words::{clean, shortened, wrapped};

/// Characters in a line.
pub const WIDTH: usize = 80;

/// Spaces between columns.
const GAP: usize = 2;

/// A shrunk column keeps so many characters.
const SHRUNK_MIN: usize = 5;

/// How a column is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Set {
    /// To the left, whole.
    Left,
    /// To the right, whole: figures.
    Right,
    /// To the left; its end may be left out.
    Cut,
    /// To the left; its beginning may be left out: numbers of callers.
    CutFront,
}

/// Rows under headings.
pub struct Table {
    columns: Vec<(&'static str, Set)>,
    rows: Vec<Row>,
    width: usize,
}

enum Row {
    Cells(Vec<String>),
    Note(String),
}

impl Table {
    /// A table with these headings.
    pub fn new(columns: &[(&'static str, Set)]) -> Table {
        Table::within(columns, WIDTH)
    }

    /// The same, for lines of so many characters.
    pub fn within(columns: &[(&'static str, Set)], width: usize) -> Table {
        Table { columns: columns.to_vec(), rows: Vec::new(), width }
    }

    /// Add a row, a cell for each column.
    pub fn row<const N: usize>(&mut self, cells: [String; N]) {
        assert_eq!(N, self.columns.len(), "a row has a cell for each column");
        self.rows.push(Row::Cells(cells.iter().map(|cell| clean(cell)).collect()));
    }

    /// Add a line about the row above, indented and as long as it likes: an address must not be cut.
    pub fn note(&mut self, text: &str) {
        self.rows.push(Row::Note(clean(text)));
    }

    /// The same in as many lines as it takes: what somebody wrote.
    pub fn remark(&mut self, text: &str) {
        wrapped(&clean(text), self.width - 4, "").lines().for_each(|line| self.note(line));
    }

    /// All of it, with a line feed after each line.
    pub fn text(&self) -> String {
        let widths = self.widths();
        let mut text = self.line(self.columns.iter().map(|(heading, _)| *heading), &widths);
        for row in &self.rows {
            match row {
                Row::Cells(cells) => text.push_str(&self.line(cells.iter().map(String::as_str), &widths)),
                Row::Note(note) => {
                    text.push_str("    ");
                    text.push_str(note);
                    text.push('\n');
                }
            }
        }
        text
    }

    fn widths(&self) -> Vec<usize> {
        let mut widths: Vec<usize> = self.columns.iter().map(|(heading, _)| heading.chars().count()).collect();
        for row in &self.rows {
            let Row::Cells(cells) = row else { continue };
            for (width, cell) in widths.iter_mut().zip(cells) {
                *width = (*width).max(cell.chars().count());
            }
        }
        let room = self.width - GAP * (widths.len() - 1);
        while widths.iter().sum::<usize>() > room {
            let shrinkable = widths
                .iter_mut()
                .zip(&self.columns)
                .filter(|(width, (_, set))| matches!(set, Set::Cut | Set::CutFront) && **width > SHRUNK_MIN);
            let Some((widest, _)) = shrinkable.max_by_key(|(width, _)| **width) else { break };
            *widest -= 1;
        }
        widths
    }

    fn line<'a>(&self, cells: impl Iterator<Item = &'a str>, widths: &[usize]) -> String {
        let mut line = String::new();
        for (index, ((cell, width), (_, set))) in cells.zip(widths).zip(&self.columns).enumerate() {
            if index > 0 {
                line.push_str(&" ".repeat(GAP));
            }
            let cell = fitted(cell, *width, *set);
            if *set == Set::Right {
                line.push_str(&format!("{cell:>width$}"));
            } else {
                line.push_str(&format!("{cell:<width$}"));
            }
        }
        line.truncate(line.trim_end().len());
        line.push('\n');
        line
    }
}

fn fitted(cell: &str, width: usize, set: Set) -> String {
    let count = cell.chars().count();
    if count <= width {
        return cell.to_owned();
    }
    match set {
        Set::CutFront => format!("…{}", cell.chars().skip(count + 1 - width).collect::<String>()),
        _ => shortened(cell, width),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_and_nothing_trails() {
        let mut table = Table::new(&[("NO", Set::Right), ("NAME", Set::Left), ("STATE", Set::Left)]);
        table.row(["7".into(), "soft0".into(), "up".into()]);
        table.row(["123".into(), "é".into(), String::new()]);
        assert_eq!(table.text(), " NO  NAME   STATE\n  7  soft0  up\n123  é\n");
    }

    #[test]
    fn what_is_too_wide_gives_way_where_it_may() {
        let mut table = Table::new(&[("FROM", Set::CutFront), ("EVENT", Set::Left), ("TITLE", Set::Cut)]);
        table.row(["x".repeat(38) + "42", "100200305".into(), "a very long title ".repeat(9)]);
        let text = table.text();
        let row = text.lines().nth(1).expect("a row");
        assert!(text.lines().all(|line| line.chars().count() <= WIDTH), "{text}");
        assert!(row.starts_with('…') && row.contains("42  100200305  a very") && row.ends_with('…'), "{row}");
    }

    #[test]
    fn what_may_not_be_cut_is_shown_whole() {
        let mut table = Table::new(&[("A", Set::Left)]);
        table.row(["x".repeat(100)]);
        table.note(&"y".repeat(100));
        assert!(table.text().contains(&"x".repeat(100)) && table.text().contains(&"y".repeat(100)));
    }

    #[test]
    fn cells_cannot_break_out_of_their_line() {
        let mut table = Table::new(&[("A", Set::Left)]);
        table.row(["one\ntwo".into()]);
        assert_eq!(table.text(), "A\none?two\n");
    }
}
