use super::Host;
use disk::Disk;
use journal::{Ending, Record, Step, Walk};
use std::collections::{HashMap, HashSet};
use std::path::Path;
use terms::{BusinessDate, Code, Outcome, Stan, TerminalId, Text, TxnId};

/// A decision: what a terminal was told, or what the journal says it was to be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Told {
    /// What became of it.
    pub outcome: Outcome,
    /// Why.
    pub code: Code,
    /// The approval code; empty where there is none.
    pub approval_code: Text<6>,
}

impl Told {
    /// What an answer tells.
    pub fn of(answer: &terms::Txn) -> Self {
        let outcome = answer.outcome.expect("an answer has an outcome");
        let code = answer.code.expect("an answer has a code");
        Self { outcome, code, approval_code: answer.approval_code }
    }
}

/// What the journal knows, in the words of the tests.
#[derive(Debug, Default)]
pub struct Found {
    /// Decisions by terminal and its trace number.
    pub decided: HashMap<(TerminalId, Stan), Told>,
    /// Requests that may have left, by our trace number at the host and the terminal.
    pub sent: HashMap<(Stan, TerminalId), TxnId>,
    /// The same decisions by the number of their transaction.
    decided_by_id: HashMap<TxnId, Told>,
    /// Records of each kind.
    pub kinds: HashMap<&'static str, u64>,
    /// Sent and not decided.
    pub open: usize,
    /// Business dates under which something was sent.
    pub business_dates: HashSet<BusinessDate>,
    /// Whether it was closed in order.
    pub was_closed: bool,
    /// Whether its tail is torn.
    pub torn: bool,
}

/// Reads the whole journal of a data directory, checking its chain; panics where it is damaged.
pub fn read_journal(data: &Path) -> Found {
    let mut disk = Disk::open_for_reading(data).expect("there is a journal");
    let (mut found, mut keys) = (Found::default(), HashMap::new());
    let ending = Walk::from_the_start().run(&mut disk, |step| {
        if let Step::Record { record, .. } = step {
            found.note(&record, &mut keys);
        }
    });
    let ending = ending.expect("the chain holds from the first record to the last");
    found.torn = matches!(ending, Ending::Torn { .. });
    found.open = keys.values().filter(|key| !found.decided.contains_key(key)).count();
    found
}

impl Found {
    /// What became of a request, by our trace number at the host and the terminal.
    pub fn outcome_of(&self, request: &(Stan, TerminalId)) -> Option<Outcome> {
        let id = self.sent.get(request)?;
        self.decided_by_id.get(id).map(|told| told.outcome)
    }

    /// Everything the host was asked and nobody knows the end of was given back, and nothing else was: no
    /// posting stays that nobody answers for. A reversal of what was refused would also be a lie.
    pub fn assert_given_back(&self, host: &Host) {
        let owed = host.owed_seen();
        let reversed: HashSet<(Stan, TerminalId)> =
            owed.iter().filter(|seen| seen.is_reversal()).map(super::Seen::request).collect();
        for seen in host.seen() {
            let (request, outcome) = (seen.request(), self.outcome_of(&seen.request()));
            let is_unknown = outcome == Some(Outcome::Unknown) && seen.txn.kind.moves_money();
            assert_eq!(reversed.contains(&request), is_unknown, "{request:?} ended as {outcome:?}");
        }
        assert!(reversed.iter().all(|request| self.sent.contains_key(request)), "it names what was asked");
    }

    fn note(&mut self, record: &Record, keys: &mut HashMap<TxnId, (TerminalId, Stan)>) {
        *self.kinds.entry(record.name()).or_default() += 1;
        self.was_closed = matches!(record, Record::Closed { .. });
        match record {
            Record::Sent(sent) | Record::Inquired(sent) => {
                let key = (sent.key.terminal_id, sent.key.stan);
                self.business_dates.insert(sent.business_date);
                keys.insert(sent.id, key);
                let earlier = self.sent.insert((sent.host_stan, sent.key.terminal_id), sent.id);
                assert!(earlier.is_none(), "a trace number was used twice: {sent:?}");
            }
            Record::Decided { id, answer, .. }
            | Record::TimedOut { id, answer, .. }
            | Record::NotSent { id, answer, .. } => {
                let key = keys.get(id).expect("what is decided was sent");
                let earlier = self.decided.insert(*key, told(answer));
                self.decided_by_id.insert(*id, told(answer));
                assert!(earlier.is_none(), "transaction {id} was decided twice");
            }
            Record::Declined(declined) if declined.takes_key => {
                let key = (declined.key.terminal_id, declined.key.stan);
                self.decided.insert(key, told(&declined.answer));
            }
            _ => {}
        }
    }
}

fn told(answer: &journal::Remembered) -> Told {
    let journal::Remembered { mut outcome, code, approval_code, .. } = *answer;
    // A terminal reads the code alone, and for it a request that was not sent is a refused one.
    if outcome == Outcome::NotSent {
        outcome = Outcome::Refused;
    }
    Told { outcome, code, approval_code }
}
