//! What the numbers of links and sources stood for when records were written.

use journal::{Named, Record};
use std::collections::BTreeMap;
use terms::{LinkId, LinkName, SourceId};

/// Names so far in the journal: later ones replace earlier ones.
#[derive(Debug, Default)]
pub(crate) struct Names(BTreeMap<(bool, u16), LinkName>);

impl Names {
    /// Notes a name, where this record gives one.
    pub(crate) fn learn(&mut self, record: &Record) {
        if let Record::Named { what, number, name } = record {
            self.0.insert((*what == Named::Link, *number), *name);
        }
    }

    pub(crate) fn link(&self, id: LinkId) -> String {
        self.of(true, id.0)
    }

    pub(crate) fn source(&self, id: SourceId) -> String {
        self.of(false, id.0)
    }

    fn of(&self, is_link: bool, number: u16) -> String {
        self.0.get(&(is_link, number)).map_or_else(|| number.to_string(), LinkName::to_string)
    }
}
