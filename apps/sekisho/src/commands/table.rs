//! Columns of text that fit a screen.

use std::fmt;

/// Columns a table takes at most, unless the environment says that the screen has more.
const SCREEN_COLUMNS: usize = 80;
/// Columns of a wrapped last column at least: below this, lines are longer than the screen instead.
const LAST_COLUMN_LEAST: usize = 16;

/// Rows under heads. The last column is wrapped, so that nothing is cut off: between words, or anywhere.
pub(crate) struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<String>>,
    screen_columns: usize,
}

struct Column {
    head: &'static str,
    is_number: bool,
    /// Every character counts, spaces too.
    is_verbatim: bool,
}

impl Table {
    /// A table with these heads; one that begins with `>` stands over numbers, which go to the right, and one
    /// that begins with `=` over values that are no words.
    pub(crate) fn new(heads: &[&'static str]) -> Self {
        let column = |head: &&'static str| Column {
            head: head.trim_start_matches(['>', '=']),
            is_number: head.starts_with('>'),
            is_verbatim: head.starts_with('='),
        };
        let columns = heads.iter().map(column).collect();
        Self { columns, rows: Vec::new(), screen_columns: screen_columns() }
    }

    /// Adds a row, one cell for each head.
    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().map(|cell| harmless(&cell)).collect());
    }

    fn width(&self, at: usize) -> usize {
        let cells = self.rows.iter().filter_map(|row| row.get(at)).map(|cell| columns_of(cell));
        cells.max().unwrap_or(0).max(columns_of(self.columns[at].head))
    }

    fn write_row(&self, widths: &[usize], cells: &[&str], f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (last, before) = cells.split_last().unwrap_or((&"", &[]));
        let mut line = String::new();
        for (at, cell) in before.iter().enumerate() {
            let filler = " ".repeat(widths[at].saturating_sub(columns_of(cell)));
            let (left, right) = if self.columns[at].is_number { (&*filler, "") } else { ("", &*filler) };
            line.extend([left, cell, right, "  "]);
        }
        let indent = columns_of(&line);
        let room = self.screen_columns.saturating_sub(indent).max(LAST_COLUMN_LEAST);
        let is_verbatim = self.columns.last().is_some_and(|column| column.is_verbatim);
        for (at, piece) in wrapped(last, room, is_verbatim).into_iter().enumerate() {
            let before = if at == 0 { line.clone() } else { " ".repeat(indent) };
            writeln!(f, "{}", format!("{before}{piece}").trim_end())?;
        }
        Ok(())
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let widths: Vec<usize> = (0..self.columns.len()).map(|at| self.width(at)).collect();
        let heads: Vec<&str> = self.columns.iter().map(|column| column.head).collect();
        if heads.iter().any(|head| !head.is_empty()) {
            self.write_row(&widths, &heads, f)?;
        }
        for row in &self.rows {
            let cells: Vec<&str> = row.iter().map(String::as_str).collect();
            self.write_row(&widths, &cells, f)?;
        }
        Ok(())
    }
}

/// Columns there are to fill: as many as the environment says, and never fewer than everybody has.
pub(crate) fn screen_columns() -> usize {
    let said = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    said.unwrap_or(SCREEN_COLUMNS).max(SCREEN_COLUMNS)
}

/// Text without characters that a terminal would obey.
pub(crate) fn harmless(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '?' } else { c }).collect()
}

/// Columns of a screen that a text takes: wide East Asian characters take two.
pub(crate) fn columns_of(text: &str) -> usize {
    text.chars().map(|c| if is_wide(c) { 2 } else { 1 }).sum()
}

/// Source: Unicode Standard Annex 11, the ranges of W and F that texts of this trade use.
fn is_wide(c: char) -> bool {
    matches!(u32::from(c),
        0x1100..=0x115F | 0x2E80..=0x303E | 0x3041..=0xA4CF | 0xAC00..=0xD7A3
        | 0xF900..=0xFAFF | 0xFE30..=0xFE6F | 0xFF00..=0xFF60 | 0xFFE0..=0xFFE6 | 0x20000..=0x3FFFD)
}

/// Breaks between words where a line has more than one, anywhere otherwise. Pieces of a verbatim text can be
/// joined again.
pub(crate) fn wrapped(text: &str, room: usize, is_verbatim: bool) -> Vec<String> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while columns_of(rest) > room {
        let mut taken = 0;
        let end = rest.char_indices().find(|(_, c)| {
            taken += if is_wide(*c) { 2 } else { 1 };
            taken > room
        });
        let end = end.map_or(rest.len(), |(at, _)| at);
        let space = match rest[end..].starts_with(' ') {
            true => Some(end),
            false => rest[..end].rfind(' '),
        };
        let space = space.filter(|at| *at > 0 && !is_verbatim);
        let (piece, after) = rest.split_at(space.unwrap_or(end));
        pieces.push(piece.to_string());
        rest = if space.is_some() { after.trim_start() } else { after };
    }
    pieces.push(rest.to_string());
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_lines_up_whatever_the_script() {
        let mut table = Table::new(&["NAME", ">LEN", "=VALUE"]);
        table.row(["取引金額".into(), "12".into(), "000000001000".into()]);
        table.row(["stan".into(), "6".into(), "x".repeat(100)]);
        let text = table.to_string();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[1], "取引金額   12  000000001000");
        assert_eq!(lines[2].len(), 80);
        assert_eq!(lines[3].trim().len(), 100 - (80 - 15));
    }

    #[test]
    fn words_are_broken_between_and_values_anywhere() {
        assert_eq!(wrapped("one two three", 8, false), ["one two", "three"]);
        assert_eq!(wrapped("one two three", 7, false), ["one two", "three"]);
        assert_eq!(wrapped("0123456789", 4, false), ["0123", "4567", "89"]);
        assert_eq!(wrapped("12 45  8", 4, true), ["12 4", "5  8"]);
    }
}
