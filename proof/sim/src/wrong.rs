//! The wrong rules at work.

use crate::host::Frame;
use crate::mutant::Mutant;
use crate::terminal::message;
use crate::world::World;
use std::sync::Arc;
use terms::{Amount, Class, Code, Function, Original, Outcome, Outgoing, Stan, Text, Txn};

impl World {
    /// Whether a wrong rule answers this frame in the lane's place.
    pub(crate) fn mutant_hears(&mut self, at: usize, conn: u64, op: Option<usize>, txn: &Txn) -> bool {
        let (Some(mutant), Some(op)) = (self.mutant, op) else { return false };
        let known = &self.truth.ops[op];
        let answers = match (mutant, txn.message.class, txn.message.function) {
            (Mutant::IgnoresFlight, Class::Reversal, _) => known.asked_at > 0 && known.decided.is_none(),
            (Mutant::AnswersOnly, Class::Financial, Function::Advice) => {
                known.id.is_some() || known.decided.is_some()
            }
            (Mutant::RepostsLate, Class::Financial, Function::Advice) => known.undone,
            _ => false,
        };
        if !answers {
            return false;
        }
        self.tell(Some(op), || "the wrong rule acknowledges".into());
        if mutant == Mutant::RepostsLate {
            self.repost(op, txn);
        }
        if let Some(message) = txn.message.answered_by() {
            let told = Txn {
                stan: txn.stan,
                terminal_id: txn.terminal_id,
                code: Some(Code::Approved),
                outcome: Some(Outcome::Approved),
                ..Txn::new(message)
            };
            self.deliver(at, conn, told);
        }
        true
    }

    fn repost(&mut self, op: usize, txn: &Txn) {
        let link = self.truth.ops[op].host;
        let Some(conn) = self.hosts[usize::from(link.0)].conn else { return };
        let original = Original { stan: Some(Stan(self.truth.ops[op].host_stan)), ..Original::default() };
        let request = Txn { message: message([2, 2, 0]), original: Some(original), ..txn.clone() };
        let ours = Outgoing {
            stan: Stan(990_000 + op as u32 % 9_000),
            rrn: txn.rrn,
            transmitted_at: txn.transmitted_at,
            repeat: false,
        };
        self.transmit(Frame { link, conn, op: Some(op), request: Arc::new(request), ours });
    }

    /// Sends an open request once more, as a restart must never do.
    pub(crate) fn ask_again(&mut self, op: usize) {
        let known = &self.truth.ops[op];
        let (link, key) = (known.host, known.key);
        self.hosts[usize::from(link.0)].lives += 1;
        let lives = self.hosts[usize::from(link.0)].lives;
        let request = Txn {
            kind: known.kind,
            amount: Amount::minor(known.amount),
            stan: key.stan,
            terminal_id: key.terminal_id,
            local_time: key.local_time,
            ..Txn::new(message([2, 0, 0]))
        };
        let ours = Outgoing {
            stan: Stan(known.host_stan),
            rrn: Text::EMPTY,
            transmitted_at: Text::EMPTY,
            repeat: false,
        };
        self.count_frame(Some(op), &request);
        self.transmit(Frame { link, conn: lives, op: Some(op), request: Arc::new(request), ours });
    }
}
