//! What can go wrong with keys, and what to type then.

use crate::commands::link::door::Failure;
use crate::exit;
use crate::run::guard::NotAsked;
use hsm::ops::{Class, Fault};
use hsm::pool::Failure as Lost;
use keys::Refusal;
use keystore::{CeremonyError, StoreError};

const UNCHANGED: &str = "nothing was changed";

fn said(code: &'static str, said: impl ToString, next: &str, exit: u8) -> Failure {
    Failure::Said { code, said: said.to_string(), state: UNCHANGED.into(), next: next.into(), exit }
}

/// A store that did not do it.
pub(crate) fn of_store(error: StoreError) -> Failure {
    match &error {
        StoreError::Refused(refusal) => of_refusal(*refusal),
        StoreError::NoMaster { .. } => {
            let next = "sekisho ceremony start lmk --reason TEXT   (for a demo: sekisho ceremony draw --for-tests --reason TEXT)";
            said("KEY1001-E", error, next, exit::CONFIG)
        }
        StoreError::Seal { .. }
        | StoreError::PutBack { .. }
        | StoreError::Resealed { .. }
        | StoreError::Unreadable { .. } => said(
            "KEY1002-E",
            error,
            "sekisho audit verify   then put back a good copy of the directory",
            exit::CONFIG,
        ),
        StoreError::Audit(_) => said("AUD1001-E", error, "sekisho audit verify", exit::CONFIG),
        StoreError::OtherMaster { .. } => said(
            "KEY1003-E",
            error,
            "put the right master key in its place: sekisho ceremony start lmk",
            exit::CONFIG,
        ),
        StoreError::Exposed { .. } => said("KEY1004-E", error, "chmod 600 on the file", exit::CONFIG),
        StoreError::Foreign { .. } => said(
            "KEY1007-E",
            error,
            "name the directory of the switch's own keys, as the user of the switch; find out who made this one",
            exit::CONFIG,
        ),
        StoreError::MasterThere { .. } => said(
            "KEY1005-E",
            error,
            "sekisho key ls   (a master key is replaced by hand, with the switch stopped)",
            exit::REFUSED,
        ),
        StoreError::Io { .. } | StoreError::Busy { .. } => said(
            "KEY1006-E",
            error,
            "mend what the system says, then type the same again",
            exit::CANNOT_CREATE,
        ),
    }
}

fn of_refusal(refusal: Refusal) -> Failure {
    let (code, next, exit) = match refusal {
        Refusal::NoSuchKey => ("KEY2001-E", "sekisho key ls", exit::NO_SUCH_THING),
        Refusal::NotConfirmed => (
            "KEY2002-E",
            "ask the other side for its check value, then: sekisho key activate OWNER KEY --check HEX",
            exit::REFUSED,
        ),
        Refusal::CheckMismatch => {
            ("KEY2003-E", "read both check values aloud; if they differ, send the key again", exit::REFUSED)
        }
        Refusal::InForce => ("KEY2004-E", "sekisho key suspend OWNER KEY", exit::REFUSED),
        Refusal::Destroyed => ("KEY2005-E", "sekisho key generate OWNER KEY", exit::REFUSED),
        Refusal::Compromised => ("KEY2006-E", "sekisho key generate OWNER KEY", exit::REFUSED),
        Refusal::NothingToRollBackTo => ("KEY2007-E", "sekisho key show OWNER", exit::REFUSED),
        Refusal::SeenBefore => {
            ("KEY2008-E", "sekisho key show OWNER   (then ask for another key)", exit::REFUSED)
        }
        Refusal::TooLate => ("KEY2009-E", "name a moment that lies ahead, or leave --at away", exit::USAGE),
        Refusal::TooOften => ("KEY2031-E", "wait a minute, then type the same again", exit::REFUSED),
        Refusal::Suspended => ("KEY2030-E", "sekisho key resume OWNER KEY", exit::REFUSED),
        Refusal::NotInThatState(_) => ("KEY2010-E", "sekisho key show OWNER", exit::REFUSED),
    };
    said(code, refusal, next, exit)
}

/// A module that did not do it.
pub(crate) fn of_fault(fault: Fault) -> Failure {
    let (code, next, exit) = match fault {
        Fault::CheckMismatch => {
            ("KEY2003-E", "read both check values aloud; if they differ, send the key again", exit::REFUSED)
        }
        _ => match fault.class() {
            Class::Key | Class::Transaction => ("KEY2013-E", "sekisho key show OWNER", exit::UNDECODABLE),
            Class::Configuration => ("KEY2014-E", "sekisho key export --help", exit::REFUSED),
            Class::Device => ("KEY2015-E", "type the same again", exit::CANNOT_CREATE),
        },
    };
    said(code, format!("the security module says: {fault}"), next, exit)
}

/// A module that did not do it, or none that did.
pub(crate) fn of_module(error: NotAsked) -> Failure {
    let (code, next, exit) = match &error {
        NotAsked::Fault(Fault::NotAuthorised) => (
            "KEY2017-E",
            "let an officer authorise it at the module's own console, then type the same again",
            exit::REFUSED,
        ),
        NotAsked::Fault(fault) => return of_fault(*fault),
        NotAsked::Failure { failure: Lost::Misfit(_), .. } => (
            "KEY2018-E",
            "sekisho key export --help   (another --form, or at the module's own console)",
            exit::REFUSED,
        ),
        NotAsked::Failure { failure: Lost::NotAllowed, .. } => {
            ("KEY2019-E", "name it in `operations` of [[hsm]], if this switch may do it", exit::CONFIG)
        }
        NotAsked::Failure { failure: Lost::Lost, .. } => (
            "KEY2025-E",
            "type the same again: what it may have made is known to nobody, and of no use",
            exit::CANNOT_CREATE,
        ),
        NotAsked::Failure { .. } | NotAsked::Lines(_) => {
            ("KEY2026-E", "sekisho hsm ls   (then type the same again)", exit::CANNOT_CREATE)
        }
    };
    said(code, error, next, exit)
}

/// A ceremony that did not go on.
pub(crate) fn of_ceremony(error: CeremonyError) -> Failure {
    let (code, next, exit) = match error {
        CeremonyError::Store(error) => return of_store(error),
        CeremonyError::None => ("CER2001-E", "sekisho ceremony start --help", exit::NO_SUCH_THING),
        CeremonyError::UnderWay { .. } => ("CER2002-E", "sekisho ceremony status", exit::REFUSED),
        CeremonyError::SamePerson { .. } => {
            ("CER2003-E", "the next component is another custodian's", exit::REFUSED)
        }
        CeremonyError::Full { .. } => ("CER2004-E", "sekisho ceremony commit", exit::REFUSED),
        CeremonyError::Missing { .. } => ("CER2005-E", "sekisho ceremony component", exit::REFUSED),
        CeremonyError::Length { .. } => {
            ("CER2006-E", "sekisho ceremony component   (hex digits alone)", exit::UNDECODABLE)
        }
        CeremonyError::Weak => ("CER2007-E", "sekisho ceremony component   (a random one)", exit::REFUSED),
        CeremonyError::TooFew => ("CER2008-E", "sekisho ceremony start ... --components 2", exit::REFUSED),
        CeremonyError::Damaged => ("CER2009-E", "sekisho ceremony abort", exit::CONFIG),
    };
    said(code, error, next, exit)
}
