//! Rows gathered from a journal as it is read: those that are wanted, and no more of them than asked for.

use super::choice::Choice;
use super::row::Row;
use crate::commands::journal::names::Names;
use crate::commands::table::{Table, screen_columns};
use journal::{Record, Vault};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use terms::{ForwardId, TxnId};

/// Keeps the last rows that are wanted, and those that may still become so.
pub(crate) struct Collection {
    choice: Choice,
    last: usize,
    names: Names,
    vault: Option<Vault>,
    rows: BTreeMap<u64, Row>,
    /// Decided and wanted: what is counted.
    wanted: BTreeSet<u64>,
    about: HashMap<ForwardId, TxnId>,
}

impl Collection {
    /// Nothing yet; `last` rows at most in the end.
    pub(crate) fn of(choice: Choice, last: usize, vault: Option<Vault>) -> Self {
        Self {
            choice,
            last,
            names: Names::default(),
            vault,
            rows: BTreeMap::new(),
            wanted: BTreeSet::new(),
            about: HashMap::new(),
        }
    }

    /// Takes in the next record. The row it changed, where somebody who watches would want to see it: decided,
    /// or changed after its decision.
    pub(crate) fn take(&mut self, record: &Record) -> Option<Row> {
        self.names.learn(record);
        let id = record.id().or_else(|| self.about.get(&record.forward()?).copied())?;
        if let Some(row) = Row::begin(record, &self.names, self.vault.as_ref())
            && self.choice.may_want(&row)
            && self.choice.may_be_of(record, self.vault.as_ref())
        {
            self.rows.insert(id.0, row);
        } else if !self.rows.get_mut(&id.0).is_some_and(|row| row.take(record)) {
            return None;
        }
        let row = self.rows.get(&id.0)?.clone();
        self.follow(record, id, &row);
        if row.is_open() {
            return None;
        }
        self.settle(&row)
    }

    /// Rows in the order of their numbers, the open ones among them where they are wanted.
    pub(crate) fn rows(&self) -> Vec<&Row> {
        let wanted = self.rows.values().filter(|row| self.choice.wants(row));
        let mut rows: Vec<&Row> = wanted.collect();
        let surplus = rows.len().saturating_sub(self.last);
        rows.drain(..surplus);
        rows
    }

    /// Notes which owed messages are about it, and forgets them when it is finished.
    fn follow(&mut self, record: &Record, id: TxnId, row: &Row) {
        let Some(forward) = record.forward() else { return };
        if row.is_live() {
            self.about.insert(forward, id);
        } else {
            self.about.remove(&forward);
        }
    }

    fn settle(&mut self, row: &Row) -> Option<Row> {
        if !self.choice.wants(row) {
            self.rows.remove(&row.txn);
            return None;
        }
        self.wanted.insert(row.txn);
        while self.wanted.len() > self.last {
            let Some(oldest) = self.wanted.pop_first() else { break };
            // What is owed is kept, so that its end is seen; it does not count any more.
            if self.rows.get(&oldest).is_some_and(|row| !row.is_live()) {
                self.rows.remove(&oldest);
            }
        }
        if !row.is_live() && !self.wanted.contains(&row.txn) {
            self.rows.remove(&row.txn);
        }
        Some(row.clone())
    }
}

/// From so many columns on there is room for the card and the trace number too.
const WIDE_COLUMNS: usize = 120;

/// Rows for people.
pub(crate) fn table(rows: &[&Row]) -> Table {
    let is_wide = screen_columns() >= WIDE_COLUMNS;
    let mut table = Table::new(match is_wide {
        true => &[">TXN", "TIME (UTC)", "KIND", ">AMOUNT", "CARD", "TERMINAL", ">STAN", "LINK", "RESULT"],
        false => &[">TXN", "TIME (UTC)", "KIND", ">AMOUNT", "TERMINAL", "LINK", "RESULT"],
    });
    for row in rows {
        let mut cells = vec![row.txn.to_string(), short(&row.at), row.kind.to_string(), row.money()];
        if is_wide {
            cells.push(row.pan.clone());
        }
        cells.push(row.terminal_id.clone());
        if is_wide {
            cells.push(row.stan.clone());
        }
        cells.extend([row.link.clone().unwrap_or_else(|| "-".into()), row.result()]);
        table.row(cells);
    }
    table
}

/// Month to second.
pub(crate) fn short(at: &str) -> String {
    at.get(5..19).unwrap_or(at).replace('T', " ")
}
