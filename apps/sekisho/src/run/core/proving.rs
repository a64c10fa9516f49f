//! Messages that carry the key their own code was made with.

use super::Core;
use super::exchanges::Waiting;
use crate::run::guard::{Heard, Proof, Trouble, Whose, Wrong};
use crate::run::keys::What;
use dialects::{Dialect, KeyRule};
use hsm::pool::Failure;
use keys::Owner;
use terms::{Network, Noun, Txn};

/// The rule of the keys a message carries, where one of them is for codes and authenticates the message itself.
pub(super) fn by_its_own_key(dialect: &Dialect, txn: &Txn) -> Option<KeyRule> {
    let keys =
        dialect.key_exchange().filter(|keys| keys.by_new_key && txn.network == Network::KeyExchange)?;
    let sent = txn.carried.get(keys.noun).filter(|sent| !sent.is_empty());
    sent.and_then(|_| keys.said(txn.carried.get(Noun::SecurityInfo))).filter(KeyRule::has_code_key)
}

impl Core {
    /// Has the code of a message verified by the key it carries, and whatever its sender says next wait for that.
    pub(super) fn prove(&mut self, keys: KeyRule, proof: Result<Proof, Wrong>, heard: Heard) {
        let now = self.clock.now();
        let owner = match heard.whose {
            Whose::Source(_) => {
                self.rule_of(heard.whose).and_then(|rule| Owner::parse(&rule.owner(&heard.txn.terminal_id).0))
            }
            Whose::Host(link) => self.exchange_of(link).map(|(owner, _)| owner),
        };
        let (proof, owner) = match owner {
            Some(owner) if self.is_asked_already(&owner) => {
                (Err(Wrong::Unknown(Trouble::Module(Failure::Full))), None)
            }
            owner => (proof, owner),
        };
        let sent = heard.txn.carried.get(keys.noun).map(<[u8]>::to_vec);
        match (proof, owner, sent) {
            (Ok(proof), Some(owner), Some(contents)) if self.guard.keeps_keys() => {
                let turn = self.guard.turns.take(heard.line());
                let waiting = Waiting::Proof(Box::new(heard), turn);
                self.send_errand(owner, keys, What::Prove { contents, proof }, waiting, None);
            }
            (proof, ..) => {
                let found = Err(proof.err().unwrap_or(Wrong::Unproven));
                self.hear_in_turn(now, Heard { found: Some(found), ..heard }, None);
            }
        }
    }
}
