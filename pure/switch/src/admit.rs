use core::hash::Hasher;
use journal::Key;
use siphasher::sip::SipHasher13;
use terms::{Class, Code, Function, Network, Outcome, SourceId, Stan, Txn};

use crate::SourceConfig;

/// Why a request goes no further, before anything was sent anywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) code: Code,
    pub(crate) outcome: Outcome,
    /// For people; kept with the record.
    pub(crate) why: &'static str,
}

impl Refusal {
    /// Nothing was sent, and `code` says why.
    pub(crate) const fn not_sent(code: Code, why: &'static str) -> Self {
        Self { code, outcome: Outcome::NotSent, why }
    }
}

/// Which way a well-formed message goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// To a host.
    Onward,
    /// Answered here, with this.
    AnsweredHere(Code, Outcome),
}

/// Whether a request may go on at all, by what it says and where it comes from. Duplicates, routes and hosts
/// are asked about afterwards.
pub(crate) fn admit(source: &SourceConfig, txn: &Txn) -> Result<Way, Refusal> {
    match (txn.message.class, txn.message.function) {
        (Class::Network, Function::Request | Function::Advice) => return Ok(at_home(txn.network)),
        (Class::Authorization | Class::Financial, Function::Request) => {}
        _ => return Err(Refusal::not_sent(Code::NotSupported, "message not supported")),
    }
    if txn.stan == Stan(0) {
        return Err(Refusal::not_sent(Code::FormatError, "no trace number"));
    }
    if source.terminal_required && txn.terminal_id.is_empty() {
        return Err(Refusal::not_sent(Code::UnknownTerminal, "no terminal"));
    }
    Ok(Way::Onward)
}

/// What the switch itself answers to a management message of a source.
pub(crate) const fn at_home(about: Network) -> Way {
    match about {
        Network::Echo | Network::SignOn | Network::SignOff => {
            Way::AnsweredHere(Code::Approved, Outcome::Approved)
        }
        Network::Other | Network::KeyExchange | Network::Cutover | Network::CutoverEnd => {
            Way::AnsweredHere(Code::NotSupported, Outcome::Refused)
        }
    }
}

/// The identity a request travels under: the same key is the same request.
pub(crate) fn key_of(source: SourceId, txn: &Txn) -> Key {
    Key { source, terminal_id: txn.terminal_id, stan: txn.stan, local_time: txn.local_time }
}

/// A digest of what a request wants, under a secret key, so that it can be stored without telling the card.
/// Two requests of one [`Key`] whose digests differ are two requests, and the second is refused.
pub(crate) fn fingerprint(secret: &[u8; 16], txn: &Txn) -> u64 {
    let mut hasher = SipHasher13::new_with_key(secret);
    hasher.write(&[txn.message.class as u8]);
    hasher.write(txn.processing_code.as_bytes());
    hasher.write_u64(txn.amount.minor_units());
    hasher.write_u16(txn.currency.number());
    hasher.write(txn.pan.expose());
    hasher.finish()
}
