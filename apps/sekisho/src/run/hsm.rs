//! Security modules shown to people, and tested for them.

use super::guard::{Guard, ModuleSeen, Next};
use hsm::ops::{Answer, KnownAnswer, Request};
use hsm::pool::{Condition, Failure};
use hsm::software::WARNING;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use terms::Instant;
use tokio::sync::oneshot;

/// What a person may want of security modules.
pub enum HsmCommand {
    /// See them all.
    List {
        /// Where they are told.
        answer: oneshot::Sender<HsmList>,
    },
    /// Test one.
    Test {
        /// Its name.
        name: String,
        /// Where it is told; `None` where there is no such module.
        answer: oneshot::Sender<Option<HsmTest>>,
    },
}

/// Every module, and what security did.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct HsmList {
    /// Each of them.
    pub data: Vec<HsmJson>,
    /// Whether the memory of the switch stays off the swap disk, keys and cards with it.
    #[serde(default)]
    pub memory_locked: bool,
    /// Requests that wait for a module.
    pub queued: usize,
    /// Errands under way.
    pub under_way: usize,
    /// What was done since the start.
    pub security: SecurityJson,
}

/// What security did since the start.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct SecurityJson {
    /// Messages whose authentication code was right.
    pub verified: u64,
    /// Of these, under a key that was not the one in force.
    pub under_other_key: u64,
    /// Messages of sources whose code was wrong.
    pub wrong: u64,
    /// Messages of sources without one.
    pub missing: u64,
    /// Messages of hosts whose code was wrong or missing: taken for no answer.
    pub wrong_from_hosts: u64,
    /// Messages nobody could verify.
    pub not_verified: u64,
    /// Codes made.
    pub made: u64,
    /// PINs moved to the key of a host.
    pub pins_moved: u64,
    /// Requests that could not be guarded, and were not sent.
    pub withheld: u64,
    /// Answers that could not be given a code.
    pub not_sealed: u64,
}

/// One module.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct HsmJson {
    /// Its name.
    pub name: String,
    /// `software`, or its family: `payshield`, `pkcs11`.
    pub kind: String,
    /// Where it is; `null` of the software module.
    pub address: Option<String>,
    /// `well`, `tested`, `dropped`, `other_master_key` or `away`.
    pub state: String,
    /// What people should know of it; empty for nothing.
    pub warning: String,
    /// The check value of the master key it must have.
    pub lmk_check: String,
    /// The one it showed instead; `null` where it showed none, or the right one.
    pub lmk_check_shown: Option<String>,
    /// Connections that stand.
    pub connections: usize,
    /// Connections wanted.
    pub connections_wanted: usize,
    /// Commands under way.
    pub under_way: usize,
    /// Commands sent.
    pub asked: u64,
    /// Answered.
    pub answered: u64,
    /// Answers that it is not well.
    pub faults: u64,
    /// Commands not answered in time.
    pub silent: u64,
    /// Answers after that.
    pub late: u64,
    /// Answers that were none.
    pub unusable: u64,
    /// Commands taken to another module.
    pub moved: u64,
    /// Microseconds an answer took, on average.
    pub us_mean: u64,
    /// The longest.
    pub us_max: u64,
    /// What it may be asked, and as far as it says does.
    #[serde(default)]
    pub operations: Vec<String>,
    /// By which algorithms it makes authentication codes; empty where it does not say.
    #[serde(default)]
    pub algorithms: Vec<String>,
    /// Why nothing leads to it; `null` where something does, or nobody knows.
    #[serde(default)]
    pub trouble: Option<String>,
}

/// What a test found.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct HsmTest {
    /// Of which module.
    pub name: String,
    /// Whether all of it was well.
    pub ok: bool,
    /// Each step.
    pub steps: Vec<HsmTestStep>,
}

/// One step of a test.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct HsmTestStep {
    /// What was asked.
    pub asked: String,
    /// Whether the answer is right.
    pub ok: bool,
    /// What it says, for people.
    pub said: String,
    /// Microseconds it took.
    pub us: u64,
}

impl HsmJson {
    fn of(seen: ModuleSeen) -> Self {
        let (state, shown) = match &seen.condition {
            Condition::Well => ("well", None),
            Condition::Tested => ("tested", None),
            Condition::Away => ("away", None),
            Condition::Dropped { .. } => ("dropped", None),
            Condition::OtherMaster { shown, .. } => ("other_master_key", Some(shown.clone())),
        };
        let is_software = seen.kind == "software";
        let mut warning = match (is_software, seen.is_public) {
            (true, true) => format!("{WARNING}; its master key is a public test key"),
            (true, false) => WARNING.to_owned(),
            (false, true) => {
                "its master key is a public test key: everything under it is in clear".to_owned()
            }
            (false, false) => String::new(),
        };
        if seen.is_for_tests {
            warning.push_str("; its master key was drawn by one person, for tests: no live keys");
        }
        let counts = seen.counts;
        Self {
            name: seen.name,
            kind: seen.kind.to_owned(),
            address: seen.address,
            state: state.to_owned(),
            warning,
            lmk_check: seen.lmk_check,
            lmk_check_shown: shown,
            connections: seen.lines,
            connections_wanted: seen.lines_wanted,
            under_way: seen.under_way,
            asked: counts.asked,
            answered: counts.answered,
            faults: counts.faults,
            silent: counts.silent,
            late: counts.late,
            unusable: counts.unusable,
            moved: counts.moved,
            us_mean: counts.took_us.checked_div(counts.answered).unwrap_or(0),
            us_max: counts.longest_us,
            operations: seen.operations.iter().map(|name| (*name).to_owned()).collect(),
            algorithms: seen.algorithms.iter().map(|name| (*name).to_owned()).collect(),
            trouble: seen.trouble,
        }
    }
}

impl Guard {
    /// Every module, and what security did.
    pub(crate) fn list(&self) -> HsmList {
        let figures = self.figures;
        HsmList {
            data: self.modules.seen().into_iter().map(HsmJson::of).collect(),
            memory_locked: keystore::memory_is() == Some(keystore::Locking::Locked),
            queued: self.modules.queued(),
            under_way: self.under_way(),
            security: SecurityJson {
                verified: figures.verified,
                under_other_key: figures.under_other_key,
                wrong: figures.wrong,
                missing: figures.missing,
                wrong_from_hosts: figures.wrong_from_hosts,
                not_verified: figures.not_verified,
                made: figures.made,
                pins_moved: figures.pins_moved,
                withheld: figures.withheld,
                not_sealed: figures.not_sealed,
            },
        }
    }
}

/// A test under way.
pub(crate) struct Probing {
    pub(crate) device: usize,
    left: VecDeque<(&'static str, Request)>,
    asked: Option<(&'static str, Instant)>,
    seen: ModuleSeen,
    found: HsmTest,
    answer: Option<oneshot::Sender<Option<HsmTest>>>,
}

const ECHO: &[u8] = b"is anybody there";

impl Probing {
    pub(crate) fn new(device: usize, seen: ModuleSeen, answer: oneshot::Sender<Option<HsmTest>>) -> Self {
        let echo = ("echo", Request::Echo(ECHO.to_vec()));
        let known = ("known answers", Request::KnownAnswers);
        let mut left: VecDeque<_> = [("diagnosis", Request::Status)].into();
        match seen.kind {
            // It is called: that it is there is no question. What it computes is.
            "pkcs11" => left.push_back(known),
            "software" => left.extend([echo, known]),
            _ => left.push_back(echo),
        }
        let found = HsmTest { name: seen.name.clone(), ok: true, steps: Vec::new() };
        Self { device, left, asked: None, seen, found, answer: Some(answer) }
    }

    pub(crate) fn go_on(&mut self, now: Instant, answer: Option<Result<Answer, Failure>>) -> Next {
        if let (Some(answer), Some((asked, began))) = (answer, self.asked.take()) {
            let us = now.us_since(began);
            let (ok, said) = match answer {
                Ok(Answer::KnownAnswers(all)) => {
                    self.note_known(&all, us);
                    (all.iter().all(|known| known.is_right != Some(false)), "all asked".to_owned())
                }
                Ok(Answer::Status { lmk_check, firmware }) => {
                    let ok = lmk_check.eq_ignore_ascii_case(&self.seen.lmk_check);
                    let other = if ok { "" } else { ", not the one configured" };
                    (ok, format!("master key {lmk_check}{other}, firmware {firmware}"))
                }
                Ok(Answer::Echoed(said)) if said == ECHO => (true, "the same came back".to_owned()),
                Ok(_) => (false, "something else came back".to_owned()),
                Err(failure) => {
                    let why = self.seen.trouble.iter().map(|why| format!("; {why}"));
                    (false, failure.to_string() + &why.collect::<String>())
                }
            };
            self.found.ok &= ok;
            self.found.steps.push(HsmTestStep { asked: asked.to_owned(), ok, said, us });
        }
        match self.left.pop_front() {
            Some((asked, request)) => {
                self.asked = Some((asked, now));
                Next::Ask(request)
            }
            None => {
                if let Some(answer) = self.answer.take() {
                    // Whoever asked may be gone by now, and misses nothing.
                    let _ = answer.send(Some(self.found.clone()));
                }
                Next::End
            }
        }
    }

    /// One step for each of them; time is told of all of them at once.
    fn note_known(&mut self, all: &[KnownAnswer], us: u64) {
        for known in all {
            let said = match known.is_right {
                Some(true) => "comes out",
                Some(false) => "does not come out: nothing it computes is to be trusted",
                None => "not asked: it takes no public key, or does not do this",
            };
            let ok = known.is_right != Some(false);
            let us = us / all.len().max(1) as u64;
            self.found.steps.push(HsmTestStep {
                asked: known.what.to_owned(),
                ok,
                said: said.to_owned(),
                us,
            });
        }
    }
}
