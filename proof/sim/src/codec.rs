//! The same messages as bytes: written by one side's dialect and read back, as on a wire.

use crate::host::Frame;
use dialects::Dialect;
use terms::{Answer, BusinessDate, Outgoing, Txn};

pub(crate) struct Codec {
    source: Dialect,
    hosts: [Dialect; 2],
}

const TODAY: (u16, u8, u8) = (2026, 11, 22);

impl Codec {
    pub(crate) fn new() -> Self {
        let named = |name| Dialect::named(name).expect("a shipped dialect");
        Self { source: named("iso87-ascii"), hosts: [named("iso87-binary"), named("iso87-ascii")] }
    }

    /// What the switch reads of what a terminal writes; `None` where it cannot be written.
    pub(crate) fn up(&self, txn: &Txn) -> Option<Txn> {
        let ours = Outgoing {
            stan: txn.stan,
            rrn: txn.rrn,
            transmitted_at: txn.transmitted_at,
            repeat: txn.message.is_repeat(),
        };
        let mut body = Vec::new();
        self.source.write_request(txn, &ours, &mut body).ok()?;
        self.source.read(&body, today()).ok()
    }

    /// What a host reads of what the switch writes.
    pub(crate) fn to_host(&self, frame: &Frame) -> Option<Txn> {
        let dialect = &self.hosts[usize::from(frame.link.0)];
        let mut body = Vec::new();
        dialect.write_request(&frame.request, &frame.ours, &mut body).ok()?;
        dialect.read(&body, today()).ok()
    }

    /// What the switch reads of what a host answers.
    pub(crate) fn read_of_host(&self, frame: &Frame, answer: &Txn) -> Option<Txn> {
        let dialect = &self.hosts[usize::from(frame.link.0)];
        let said =
            Answer { approval_code: answer.approval_code, ..Answer::ours(answer.code?, answer.outcome?) };
        let request = Txn { stan: frame.ours.stan, rrn: frame.ours.rrn, ..Txn::clone(&frame.request) };
        let mut body = Vec::new();
        dialect.write_answer(&request, &said, &mut body).ok()?;
        dialect.read(&body, today()).ok()
    }
}

fn today() -> BusinessDate {
    let (year, month, day) = TODAY;
    BusinessDate::new(year, month, day).expect("a day")
}
