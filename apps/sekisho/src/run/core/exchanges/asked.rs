//! Whether somebody who asks for keys is given any.

use crate::run::core::Core;
use hsm::ops::Role;
use keys::{Owner, Refusal};
use terms::Code;

/// Who asks, and for what.
pub(super) struct Question {
    pub(super) owner: Owner,
    /// A master key, and not working keys.
    pub(super) is_master: bool,
    /// Its message carried an authentication code, and that was right.
    pub(super) is_authenticated: bool,
    /// Whoever may connect is given working keys: somebody wrote that into the configuration.
    pub(super) is_for_anybody: bool,
}

impl Question {
    const fn roles(&self) -> &'static [Role] {
        match (self.owner, self.is_master) {
            (Owner::Terminal(_), true) => &[Role::Tmk],
            (Owner::Terminal(_), false) => &[Role::Tpk, Role::Tak],
            (_, true) => &[Role::Zmk],
            (_, false) => &[Role::Zpk, Role::Zak],
        }
    }
}

/// Owners something is done for at once because somebody asked. A flood of names fills no queue.
const ASKED_MAX: usize = 1_024;

impl Core {
    /// Whether the keeper has something to do for that owner already, or for too many. It writes files, one after
    /// another: whoever asks faster than it writes would have everybody wait.
    pub(in crate::run::core) fn is_asked_already(&self, owner: &Owner) -> bool {
        let asked = &self.exchanges.asked;
        asked.len() >= ASKED_MAX || asked.values().any(|of| of == owner)
    }

    /// Whether keys are drawn for whoever asks. New keys are of no use to a stranger, and they are what stops the
    /// terminal whose place it takes: so whoever asks must show that it is the terminal. A master key is never given
    /// otherwise, because it makes the working keys void at once.
    pub(super) fn may_be_given(&mut self, question: &Question) -> Result<(), Code> {
        let owner = question.owner;
        let now = self.clock.now().wall;
        if !question.is_authenticated && (question.is_master || !question.is_for_anybody) {
            if self.log.allows(now) {
                let what = if question.is_master { "a new master key was" } else { "keys were" };
                tracing::error!(%owner, "{what} asked for without an authentication code: refused");
            }
            return Err(Code::SecurityFailure);
        }
        let asked = {
            let ring = self.guard.ring.borrow();
            ring.holding(&owner).map(|holding| holding.may_be_asked(now, question.roles()))
        };
        let Some(asked) = asked else {
            if self.log.allows(now) {
                tracing::error!(%owner, "keys were asked for, and there is none to carry them: refused");
            }
            return Err(Code::Malfunction);
        };
        asked.map_err(|why| {
            if self.log.allows(now) {
                tracing::error!(%owner, %why, "keys were asked for: refused");
            }
            if why == Refusal::TooOften { Code::Busy } else { Code::SecurityFailure }
        })
    }
}
