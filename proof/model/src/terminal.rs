use crate::message::{Say, Word};
use crate::{Plot, Scenario};

/// A terminal with cash, which asks once and makes sure that its customer and the books agree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Terminal {
    pub(crate) stage: Stage,
    /// The cash was dispensed, or was kept.
    pub(crate) done: bool,
    pub(crate) repeats_left: u8,
    /// It has taken its request back.
    pub(crate) asked_back: bool,
    /// The cash was in the machine before it asked.
    pub(crate) keeps_cash: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Stage {
    /// The customer has not asked yet.
    Idle,
    /// It has asked, and does not know.
    Waiting,
    /// It sends this until it is acknowledged.
    Insisting(Say),
    /// It has nothing more to say.
    Finished,
}

impl Terminal {
    pub(crate) fn new(scenario: &Scenario) -> Self {
        let (repeats_left, keeps_cash) = (scenario.budget.repeats, scenario.is_deposit());
        Self { stage: Stage::Idle, done: false, repeats_left, asked_back: false, keeps_cash }
    }

    /// It has waited long enough. Cash that is in the machine stays there, unless it is cancelled.
    pub(crate) fn gives_up(&mut self, say: Say) {
        self.done = say == Say::Report;
        self.asked_back = say == Say::Reversal;
        self.stage = Stage::Insisting(say);
    }

    /// What it may say when it gives up.
    pub(crate) fn ways_out(scenario: &Scenario) -> &'static [Say] {
        match scenario.plot {
            Plot::Withdrawal | Plot::Forward => &[Say::Reversal],
            Plot::DepositPosted => &[Say::Report],
            Plot::DepositCancelled => &[Say::Reversal, Say::Report],
        }
    }

    /// Whether anything it is told about that can still change what it does.
    pub(crate) fn may_hear(&self, about: Say) -> bool {
        match self.stage {
            Stage::Idle | Stage::Waiting => true,
            Stage::Insisting(say) => say == about,
            Stage::Finished => false,
        }
    }

    /// Hears something. `works` is whether its dispenser does. What it has to say now, if anything.
    pub(crate) fn hears(&mut self, scenario: &Scenario, about: Say, word: Word, works: bool) -> Option<Say> {
        match (self.stage, about) {
            (Stage::Waiting, Say::Request | Say::Repeat) => self.is_answered(scenario, word, works),
            (Stage::Insisting(say), about) if say == about => {
                self.stage = Stage::Finished;
                None
            }
            _ => None,
        }
    }

    fn is_answered(&mut self, scenario: &Scenario, word: Word, works: bool) -> Option<Say> {
        self.stage = Stage::Finished;
        match word {
            Word::Yes if works => self.done = true,
            Word::Yes => {
                self.gives_up(Say::Reversal);
                return Some(Say::Reversal);
            }
            // "It will be posted": the cash stays in the machine.
            Word::Unknown => self.done = scenario.plot == Plot::DepositPosted,
            _ => {}
        }
        None
    }
}
