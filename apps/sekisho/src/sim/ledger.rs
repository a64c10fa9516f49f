//! The books of a simulated host: what it posted, and what each card has left.

use std::collections::{HashMap, VecDeque};
use terms::{Amount, Code, Kind, Rrn, Stan, TerminalId, Txn};

/// Answers a host remembers for repeats where it keeps no postings; about 150 bytes each.
const ANSWERED_MAX: usize = 65_536;

/// What a host knows a request by: the switch's trace number, the terminal and the reference number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HostKey {
    /// The trace number the host saw.
    pub stan: Stan,
    /// The terminal.
    pub terminal_id: TerminalId,
    /// The reference number the host saw.
    pub rrn: Rrn,
}

impl HostKey {
    /// Of the request as the host read it.
    pub fn of(request: &Txn) -> Self {
        Self { stan: request.stan, terminal_id: request.terminal_id, rrn: request.rrn }
    }
}

/// Money that moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Posting {
    /// For which request.
    pub key: HostKey,
    /// What was wanted.
    pub kind: Kind,
    /// How much.
    pub amount: Amount,
}

/// How many, and how much.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sum {
    /// How many.
    pub count: u64,
    /// Minor units, all together.
    pub minor_units: u64,
}

impl Sum {
    /// One more.
    pub fn add(&mut self, amount: Amount) {
        self.count += 1;
        self.minor_units += amount.minor_units();
    }
}

/// The books of one host.
#[derive(Debug, Default)]
pub struct Ledger {
    /// Whether single postings are kept, or only their sum.
    keeps: bool,
    opening_balance: Option<u64>,
    postings: Vec<Posting>,
    posted: Sum,
    answered: HashMap<HostKey, Code>,
    /// Keys of `answered`, the oldest first, where only the sum is kept.
    answered_order: VecDeque<HostKey>,
    /// By card: what moved in, less what moved out.
    moved: HashMap<Vec<u8>, i64>,
}

impl Ledger {
    /// Books that keep every posting; about 200 bytes each.
    pub fn keeping(opening_balance: Option<u64>) -> Self {
        Self { keeps: true, opening_balance, ..Self::default() }
    }

    /// Books that keep the sum alone, for hosts that run for long or fast.
    pub fn sum_only(opening_balance: Option<u64>) -> Self {
        Self { opening_balance, ..Self::default() }
    }

    /// Posts a request that moves money under the code the host means to give, and says which code it gives:
    /// the same one, the one given before where the message says it is a repeat, or a refusal where the card
    /// has not enough. Whatever comes twice and does not say so is posted twice: hosts do that.
    pub fn post(&mut self, request: &Txn, code: Code) -> Code {
        if !request.kind.moves_money() {
            return code;
        }
        let key = HostKey::of(request);
        if let Some(given) = self.answered.get(&key).filter(|_| request.message.is_repeat()) {
            return *given;
        }
        let given = self.book(key, request, code);
        self.remember(key, given);
        given
    }

    /// What is on the card, where somebody counts.
    pub fn balance(&self, request: &Txn) -> Option<i64> {
        let moved = self.moved.get(request.pan.expose()).copied().unwrap_or(0);
        self.opening_balance.map(|opening| opening as i64 + moved)
    }

    /// Everything posted, in order; empty where only the sum is kept.
    pub fn postings(&self) -> &[Posting] {
        &self.postings
    }

    /// The sum of everything posted.
    pub fn posted(&self) -> Sum {
        self.posted
    }

    /// Books that are kept whole forget no answer either: whoever compares them wants it so.
    fn remember(&mut self, key: HostKey, given: Code) {
        let is_new = self.answered.insert(key, given).is_none();
        if self.keeps || !is_new {
            return;
        }
        self.answered_order.push_back(key);
        if self.answered_order.len() > ANSWERED_MAX
            && let Some(oldest) = self.answered_order.pop_front()
        {
            self.answered.remove(&oldest);
        }
    }

    fn book(&mut self, key: HostKey, request: &Txn, code: Code) -> Code {
        if !super::rules::posts(code) {
            return code;
        }
        let change = change_of(request);
        if self.balance(request).is_some_and(|balance| balance + change < 0) {
            return Code::InsufficientFunds;
        }
        if self.opening_balance.is_some() {
            *self.moved.entry(request.pan.expose().to_vec()).or_default() += change;
        }
        self.posted.add(request.amount);
        if self.keeps {
            self.postings.push(Posting { key, kind: request.kind, amount: request.amount });
        }
        code
    }
}

/// What a request does to the account of its card.
fn change_of(request: &Txn) -> i64 {
    let amount = request.amount.minor_units() as i64;
    match request.kind {
        Kind::Deposit | Kind::Refund | Kind::TransferIn => amount,
        Kind::Withdrawal | Kind::Purchase | Kind::Transfer | Kind::BillPayment | Kind::TransferOut => -amount,
        Kind::BalanceInquiry
        | Kind::PinChange
        | Kind::CardStatus
        | Kind::CardActivation
        | Kind::History
        | Kind::BillInquiry
        | Kind::CardType => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::super::question::{Place, card, question};
    use super::*;

    fn withdrawal(stan: u32, amount: u64) -> Txn {
        let place = Place::numbered("ATM", 1);
        let mut txn = question(Kind::Withdrawal, &card("411111", 1), Amount::minor(amount), &place);
        txn.stan = Stan(stan);
        txn
    }

    #[test]
    fn a_card_pays_out_what_it_has_and_no_more() {
        let mut ledger = Ledger::keeping(Some(10_000));
        assert_eq!(ledger.post(&withdrawal(1, 6_000), Code::Approved), Code::Approved);
        assert_eq!(ledger.post(&withdrawal(2, 6_000), Code::Approved), Code::InsufficientFunds);
        assert_eq!(ledger.post(&withdrawal(3, 4_000), Code::Approved), Code::Approved);
        assert_eq!(ledger.posted(), Sum { count: 2, minor_units: 10_000 });
        assert_eq!(ledger.balance(&withdrawal(4, 0)), Some(0));
    }

    #[test]
    fn a_repeat_that_says_so_is_given_the_first_answer_and_not_posted_again() {
        for mut ledger in [Ledger::keeping(None), Ledger::sum_only(None)] {
            let mut again = withdrawal(1, 6_000);
            assert_eq!(ledger.post(&again, Code::Approved), Code::Approved);
            again.message.origin |= 1;
            assert_eq!(ledger.post(&again, Code::DoNotHonour), Code::Approved);
            assert_eq!(ledger.posted().count, 1);
        }
    }

    #[test]
    fn a_host_that_runs_for_long_forgets_its_oldest_answers_and_nothing_else() {
        let mut ledger = Ledger::sum_only(None);
        for stan in 1..=ANSWERED_MAX as u32 + 10 {
            ledger.post(&withdrawal(stan, 1), Code::Approved);
        }
        assert_eq!((ledger.answered.len(), ledger.answered_order.len()), (ANSWERED_MAX, ANSWERED_MAX));
        assert_eq!(ledger.posted().count, ANSWERED_MAX as u64 + 10);
    }

    #[test]
    fn what_comes_twice_without_saying_so_is_posted_twice() {
        let mut ledger = Ledger::keeping(None);
        for _ in 0..2 {
            ledger.post(&withdrawal(1, 6_000), Code::Approved);
        }
        assert_eq!(ledger.postings().len(), 2);
    }

    #[test]
    fn a_refusal_and_a_question_post_nothing() {
        let mut ledger = Ledger::keeping(None);
        assert_eq!(ledger.post(&withdrawal(1, 6_000), Code::WrongPin), Code::WrongPin);
        let mut inquiry = withdrawal(2, 0);
        inquiry.kind = Kind::BalanceInquiry;
        assert_eq!(ledger.post(&inquiry, Code::Approved), Code::Approved);
        assert_eq!(ledger.posted(), Sum::default());
    }
}
