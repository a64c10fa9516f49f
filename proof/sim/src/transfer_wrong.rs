//! Wrong rules about transfers.

use crate::host::Frame;
use crate::mutant::Mutant;
use crate::world::{Coming, MS, World};
use std::sync::Arc;
use terms::{Class, Code, Function, Instant, Kind, Outcome, Outgoing, Stan, Text, Txn, TxnId};

impl World {
    /// Whether that is a transfer, of one host or of two.
    pub(crate) fn is_transfer(&self, id: TxnId) -> bool {
        self.truth.by_id.get(&id.0).is_some_and(|&op| self.truth.ops[op].kind == Kind::Transfer)
    }

    /// The credit goes out beside the debit, and nobody knows whether there will be one.
    pub(crate) fn mutant_outruns(&mut self, op: usize, debit: &Txn, ours: Outgoing, meant: (u64, Instant)) {
        let is_debit =
            debit.kind == Kind::TransferOut && (debit.message.class, debit.message.function) == ASKED;
        let Some(legs) = self.truth.ops[op].legs.filter(|_| is_debit) else { return };
        let conn = self.hosts[usize::from(legs.onward.0)].conn;
        let (Some(Mutant::Outruns), Some(conn)) = (self.mutant, conn) else { return };
        let request = Txn { kind: Kind::TransferIn, ..debit.clone() };
        let ours = Outgoing { stan: Stan(980_000 + op as u32 % 9_000), ..ours };
        self.check_request(op, legs.onward, &request, ours, meant);
        self.transmit(Frame { link: legs.onward, conn, op: Some(op), request: Arc::new(request), ours });
    }

    /// That the debit is to be given back goes nowhere, and is called done.
    pub(crate) fn mutant_keeps(&mut self, frame: &Frame) -> bool {
        let request = &frame.request;
        let refused = frame.op.is_some_and(|op| {
            let op = &self.truth.ops[op];
            op.legs.is_some_and(|legs| legs.credit.is_some() && legs.books.posted == 0)
        });
        let gives_back = request.kind == Kind::TransferOut && request.message.class == Class::Reversal;
        let Some(message) = request.message.answered_by() else { return false };
        if self.mutant != Some(Mutant::Keeps) || !refused || !gives_back {
            return false;
        }
        let done = Txn {
            kind: request.kind,
            stan: frame.ours.stan,
            rrn: frame.ours.rrn,
            amount: request.amount,
            terminal_id: request.terminal_id,
            code: Some(Code::Approved),
            outcome: Some(Outcome::Approved),
            wire_code: Text::clipped(b"00"),
            ..Txn::new(message)
        };
        self.after(MS, Coming::FromHost(frame.link, frame.conn, Box::new(done)));
        true
    }
}

const ASKED: (Class, Function) = (Class::Financial, Function::Request);
