//! The books of a simulated host: what it posted, what it gave back, and what each card has left.

use serde::Deserialize;
use std::collections::{BTreeMap, HashMap, VecDeque};
use terms::{Amount, BusinessDate, Class, Code, Currency, Function, Kind, Rrn, Stan, TerminalId, Text, Txn};

/// Requests a host remembers for repeats and reversals where it keeps no postings; about 200 bytes each.
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

/// What a host promises about what it is owed.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields, default)]
pub struct Promises {
    /// A reversal that comes before its request makes it refuse the request.
    pub tombstones: bool,
    /// A reversal or an advice that comes twice is done once.
    pub dedups: bool,
    /// What is owed is taken on the day it belongs to, and never after.
    pub date_strict: bool,
}

impl Default for Promises {
    fn default() -> Self {
        Self { tombstones: true, dedups: true, date_strict: false }
    }
}

/// Money that moved, or moved back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Posting {
    /// For which request.
    pub key: HostKey,
    /// What was wanted.
    pub kind: Kind,
    /// How much.
    pub amount: Amount,
    /// Whether an advice brought it.
    pub advised: bool,
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
    promises: Promises,
    /// Whether single postings are kept, or only their sum.
    keeps: bool,
    opening_balance: Option<u64>,
    today: Option<BusinessDate>,
    postings: Vec<Posting>,
    posted: Sum,
    reversals: Vec<Posting>,
    reversed: Sum,
    advised: Sum,
    entries: HashMap<Place, Entry>,
    /// Places of `entries`, the oldest first, where only the sum is kept.
    order: VecDeque<Place>,
    /// By card: what moved in, less what moved out.
    moved: HashMap<Vec<u8>, i64>,
    /// What was done and undone on each day, where the day is known; as both sides compare it.
    days: BTreeMap<(BusinessDate, Currency), book::Totals>,
}

/// What a reversal finds its original by: a trace number and a terminal.
type Place = (Stan, TerminalId);

/// A request as the host remembers it.
#[derive(Clone, Copy, Debug)]
struct Entry {
    key: HostKey,
    transmitted_at: Text<10>,
    kind: Kind,
    day: Option<BusinessDate>,
    given: Code,
    /// What moved; nothing where it was refused or never came.
    posted: Amount,
    was_reversed: bool,
    /// The day that was counted under.
    undone_on: Option<BusinessDate>,
    class: Option<book::Class>,
    currency: Currency,
}

impl Ledger {
    /// Books that keep every posting; about 300 bytes each.
    pub fn keeping(opening_balance: Option<u64>) -> Self {
        Self { keeps: true, opening_balance, ..Self::default() }
    }

    /// Books that keep the sum alone, for hosts that run for long or fast.
    pub fn sum_only(opening_balance: Option<u64>) -> Self {
        Self { opening_balance, ..Self::default() }
    }

    /// The same books under these promises.
    pub fn promising(self, promises: Promises) -> Self {
        Self { promises, ..self }
    }

    /// The day from here on.
    pub fn set_today(&mut self, today: BusinessDate) {
        self.today = Some(today);
    }

    /// Takes a message into the books under the code the host means to give, and says which code it gives.
    pub fn take(&mut self, message: &Txn, code: Code) -> Code {
        match (message.message.class, message.message.function) {
            (Class::Reversal, _) => self.reverse(message),
            (Class::Financial, Function::Advice) => self.take_advice(message),
            (Class::Authorization | Class::Financial, _) => self.post(message, code),
            _ => code,
        }
    }

    /// Posts a request that moves money: under the code given, the one given before where the message says it
    /// is a repeat, or a refusal where the card has not enough or a reversal was here first. Whatever comes
    /// twice and does not say so is posted twice: hosts do that.
    pub fn post(&mut self, request: &Txn, code: Code) -> Code {
        if !request.kind.moves_money() {
            if super::rules::posts(code) {
                self.count(request);
            }
            return code;
        }
        let place = (request.stan, request.terminal_id);
        if let Some(entry) = self.entries.get(&place).filter(|entry| entry.is_of(request.transmitted_at)) {
            let is_tombstone = entry.was_reversed && entry.posted == Amount::default();
            if is_tombstone || request.message.is_repeat() {
                return entry.given;
            }
        }
        let (key, given) = (HostKey::of(request), self.cover(request, code));
        let moved = if super::rules::posts(given) { request.amount } else { Amount::default() };
        if super::rules::posts(given) {
            self.book(key, request);
        }
        self.remember(place, self.entry(key, request, given, moved));
        given
    }

    /// The day a message that was taken is counted under: for one that comes again, that of the first.
    pub fn counted_on(&self, message: &Txn) -> Option<BusinessDate> {
        let of = |place: Place| self.entries.get(&place);
        match (message.message.class, message.message.function) {
            (Class::Reversal, _) => of(place_named(message))?.undone_on,
            (Class::Financial, Function::Advice) => of(place_named(message))?.day,
            _ => of((message.stan, message.terminal_id))?.day,
        }
    }

    /// What is on the card, where somebody counts.
    pub fn balance(&self, request: &Txn) -> Option<i64> {
        let moved = self.moved.get(request.pan.expose()).copied().unwrap_or(0);
        self.opening_balance.map(|opening| opening as i64 + moved)
    }

    /// What was done and undone on a day in a currency.
    pub fn day(&self, date: BusinessDate, currency: Currency) -> book::Totals {
        self.days.get(&(date, currency)).copied().unwrap_or_default()
    }

    /// The currency of the last day with business; none before the first.
    pub fn currency(&self) -> Currency {
        self.days.keys().next_back().map_or(Currency::NONE, |(_, currency)| *currency)
    }

    /// Everything posted, in order; empty where only the sum is kept.
    pub fn postings(&self) -> &[Posting] {
        &self.postings
    }

    /// The sum of everything posted.
    pub fn posted(&self) -> Sum {
        self.posted
    }

    /// Everything given back, in order, each under the key of what it undoes; empty where only the sum is kept.
    pub fn reversals(&self) -> &[Posting] {
        &self.reversals
    }

    /// The sum of everything given back.
    pub fn reversed(&self) -> Sum {
        self.reversed
    }

    /// Of what was posted, that which advices brought.
    pub fn advised(&self) -> Sum {
        self.advised
    }

    /// Gives back what the original moved, less what remains valid of it. The original is the one that the
    /// message names, never one that happens to bear the reversal's own number.
    fn reverse(&mut self, reversal: &Txn) -> Code {
        let place = place_named(reversal);
        let named = reversal.original.unwrap_or_default();
        let found = self.entries.get(&place).copied().filter(|entry| entry.is_of(named.transmitted_at));
        let Some(entry) = found else { return self.bury(place, reversal) };
        if self.is_too_late(&entry) {
            return Code::WrongBusinessDate;
        }
        if entry.was_reversed && self.promises.dedups {
            return Code::Approved;
        }
        if entry.posted == Amount::default() {
            // Refused: there is nothing to give back, and nothing wrong with asking.
            return Code::Approved;
        }
        let remains = reversal.remaining.unwrap_or_default().minor_units();
        let back = Amount::minor(entry.posted.minor_units().saturating_sub(remains));
        if self.opening_balance.is_some() {
            let change = change_of(entry.kind, back);
            *self.moved.entry(reversal.pan.expose().to_vec()).or_default() -= change;
        }
        self.reversed.add(back);
        if let (Some(today), Some(class)) = (self.today, entry.class) {
            self.days.entry((today, entry.currency)).or_default().undone_mut(class).add(back);
        }
        if self.keeps {
            let (key, kind) = (entry.key, entry.kind);
            self.reversals.push(Posting { key, kind, amount: back, advised: false });
        }
        self.entries.insert(place, Entry { was_reversed: true, undone_on: self.today, ..entry });
        Code::Approved
    }

    /// A reversal whose original never came.
    fn bury(&mut self, place: Place, reversal: &Txn) -> Code {
        if !self.promises.tombstones {
            return Code::NotFound;
        }
        let key = HostKey { stan: place.0, terminal_id: place.1, rrn: reversal.rrn };
        let entry = Entry {
            transmitted_at: reversal.original.unwrap_or_default().transmitted_at,
            was_reversed: true,
            ..self.entry(key, reversal, Code::InvalidTransaction, Amount::default())
        };
        self.remember(place, entry);
        Code::Approved
    }

    /// Posts what is said to have happened, unless it stands in the books already: by its request, or by this
    /// same advice. A refusal of the request changes nothing about the cash.
    fn take_advice(&mut self, advice: &Txn) -> Code {
        let place = place_named(advice);
        let named = advice.original.map_or(advice.transmitted_at, |original| original.transmitted_at);
        // A repeat is transmitted at another time, and without an original there is nothing else to go by.
        let same = |entry: &Entry| advice.original.is_none() || entry.is_of(named);
        let found = self.entries.get(&place).copied().filter(same);
        if found.is_some_and(|entry| self.is_too_late(&entry)) {
            return Code::WrongBusinessDate;
        }
        let stands = found.is_some_and(|entry| entry.posted != Amount::default());
        if stands && self.promises.dedups {
            return Code::Approved;
        }
        let key = match found {
            Some(entry) => entry.key,
            None => HostKey { stan: place.0, terminal_id: place.1, rrn: advice.rrn },
        };
        self.book(key, advice);
        self.advised.add(advice.amount);
        let entry = Entry { transmitted_at: named, ..self.entry(key, advice, Code::Approved, advice.amount) };
        self.remember(place, entry);
        Code::Approved
    }

    fn is_too_late(&self, entry: &Entry) -> bool {
        self.promises.date_strict && entry.day.is_some() && entry.day != self.today
    }

    fn entry(&self, key: HostKey, message: &Txn, given: Code, posted: Amount) -> Entry {
        Entry {
            key,
            transmitted_at: message.transmitted_at,
            kind: message.kind,
            day: self.today,
            given,
            posted,
            was_reversed: false,
            undone_on: None,
            class: book::Class::of(message.message, message.kind),
            currency: message.currency,
        }
    }

    /// Books that are kept whole forget nothing: whoever compares them wants it so.
    fn remember(&mut self, place: Place, entry: Entry) {
        let is_new = self.entries.insert(place, entry).is_none();
        if self.keeps || !is_new {
            return;
        }
        self.order.push_back(place);
        if self.order.len() > ANSWERED_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.entries.remove(&oldest);
        }
    }

    /// The code, or a refusal where the card has not enough.
    fn cover(&self, request: &Txn, code: Code) -> Code {
        let change = change_of(request.kind, request.amount);
        let is_short = self.balance(request).is_some_and(|balance| balance + change < 0);
        if super::rules::posts(code) && is_short { Code::InsufficientFunds } else { code }
    }

    /// Counts what was done under today.
    fn count(&mut self, message: &Txn) {
        if let (Some(today), Some(class)) = (self.today, book::Class::of(message.message, message.kind)) {
            self.days.entry((today, message.currency)).or_default().done_mut(class).add(message.amount);
        }
    }

    fn book(&mut self, key: HostKey, message: &Txn) {
        if self.opening_balance.is_some() {
            let change = change_of(message.kind, message.amount);
            *self.moved.entry(message.pan.expose().to_vec()).or_default() += change;
        }
        self.posted.add(message.amount);
        self.count(message);
        if self.keeps {
            let advised = super::rules::is_owed(message);
            self.postings.push(Posting { key, kind: message.kind, amount: message.amount, advised });
        }
    }
}

impl Entry {
    /// Whether it was transmitted then. What one side leaves out disagrees with nothing.
    fn is_of(&self, transmitted_at: Text<10>) -> bool {
        self.transmitted_at.is_empty() || transmitted_at.is_empty() || self.transmitted_at == transmitted_at
    }
}

/// Where the message that this one is about stands in the books; its own place where it names none.
fn place_named(message: &Txn) -> Place {
    let named = message.original.and_then(|original| original.stan);
    (named.unwrap_or(message.stan), message.terminal_id)
}

/// What so much of that kind does to the account of its card.
fn change_of(kind: Kind, amount: Amount) -> i64 {
    let amount = amount.minor_units() as i64;
    match kind {
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
    use terms::{MessageType, Original};

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
        assert_eq!((ledger.entries.len(), ledger.order.len()), (ANSWERED_MAX, ANSWERED_MAX));
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

    fn reversal(of: u32, amount: u64, remaining: u64) -> Txn {
        let original = withdrawal(of, amount);
        Txn {
            message: MessageType::from_digits([4, 2, 0]).expect("0420"),
            stan: Stan(of + 500_000),
            original: Some(Original { stan: Some(Stan(of)), ..Original::default() }),
            remaining: (remaining > 0).then(|| Amount::minor(remaining)),
            ..original
        }
    }

    fn advice(stan: u32, of: Option<u32>, amount: u64) -> Txn {
        let original = of.map(|of| Original { stan: Some(Stan(of)), ..Original::default() });
        let message = MessageType::from_digits([2, 2, 0]).expect("0220");
        Txn { message, kind: Kind::Deposit, original, ..withdrawal(stan, amount) }
    }

    fn sum(count: u64, minor_units: u64) -> Sum {
        Sum { count, minor_units }
    }

    #[test]
    fn a_reversal_gives_back_what_its_original_moved_once() {
        let mut ledger = Ledger::keeping(Some(10_000));
        // The reversal's own number belongs to somebody else.
        ledger.take(&withdrawal(500_001, 1_000), Code::Approved);
        ledger.take(&withdrawal(1, 6_000), Code::Approved);
        for _ in 0..2 {
            assert_eq!(ledger.take(&reversal(1, 6_000, 0), Code::Approved), Code::Approved);
        }
        assert_eq!((ledger.posted(), ledger.reversed()), (sum(2, 7_000), sum(1, 6_000)));
        assert_eq!(ledger.reversals()[0].key, HostKey::of(&withdrawal(1, 6_000)));
        assert_eq!(ledger.balance(&withdrawal(1, 0)), Some(9_000));
    }

    #[test]
    fn what_comes_again_on_another_day_is_counted_where_the_first_was() {
        let day = |of_month| BusinessDate::new(2026, 11, of_month).expect("a day");
        let mut ledger = Ledger::keeping(None);
        ledger.set_today(day(22));
        ledger.take(&withdrawal(1, 6_000), Code::Approved);
        assert_eq!(ledger.counted_on(&withdrawal(1, 6_000)), Some(day(22)));
        assert_eq!(ledger.counted_on(&reversal(1, 6_000, 0)), None);
        ledger.set_today(day(23));
        for _ in 0..2 {
            ledger.take(&reversal(1, 6_000, 0), Code::Approved);
            assert_eq!(ledger.counted_on(&reversal(1, 6_000, 0)), Some(day(23)));
            ledger.set_today(day(24));
        }
    }

    #[test]
    fn a_part_that_remains_valid_is_not_given_back() {
        let mut ledger = Ledger::keeping(Some(10_000));
        ledger.take(&withdrawal(1, 6_000), Code::Approved);
        ledger.take(&reversal(1, 6_000, 4_000), Code::Approved);
        assert_eq!((ledger.reversed(), ledger.balance(&withdrawal(1, 0))), (sum(1, 2_000), Some(6_000)));
    }

    #[test]
    fn a_reversal_before_its_request_is_believed_or_not_as_promised() {
        for (tombstones, told, then) in
            [(true, Code::Approved, Code::InvalidTransaction), (false, Code::NotFound, Code::Approved)]
        {
            let mut ledger = Ledger::keeping(None).promising(Promises { tombstones, ..Promises::default() });
            assert_eq!(ledger.take(&reversal(1, 6_000, 0), Code::Approved), told);
            assert_eq!(ledger.take(&withdrawal(1, 6_000), Code::Approved), then, "tombstones {tombstones}");
            assert_eq!(ledger.posted().count, u64::from(!tombstones));
        }
    }

    #[test]
    fn a_refused_request_has_nothing_to_give_back() {
        let mut ledger = Ledger::keeping(None);
        ledger.take(&withdrawal(1, 6_000), Code::WrongPin);
        assert_eq!(ledger.take(&reversal(1, 6_000, 0), Code::Approved), Code::Approved);
        assert_eq!(ledger.reversed(), Sum::default());
    }

    #[test]
    fn a_host_that_does_not_know_repeats_does_everything_as_often_as_it_is_told() {
        let mut ledger = Ledger::keeping(None).promising(Promises { dedups: false, ..Promises::default() });
        ledger.take(&withdrawal(1, 6_000), Code::Approved);
        for _ in 0..2 {
            ledger.take(&reversal(1, 6_000, 0), Code::Approved);
            ledger.take(&advice(2, None, 1_000), Code::Approved);
        }
        assert_eq!((ledger.reversed(), ledger.advised()), (sum(2, 12_000), sum(2, 2_000)));
    }

    #[test]
    fn an_advice_posts_what_its_request_did_not() {
        #[rustfmt::skip]
        let table = [
            // the request was ...          posted by the advice
            (Some(Code::Approved),          0),
            (Some(Code::DoNotHonour),       1),
            (None,                          1),
        ];
        for (request, posted) in table {
            let mut ledger = Ledger::keeping(None);
            if let Some(code) = request {
                ledger.take(&Txn { kind: Kind::Deposit, ..withdrawal(1, 6_000) }, code);
            }
            for _ in 0..2 {
                assert_eq!(ledger.take(&advice(9, Some(1), 6_000), Code::Approved), Code::Approved);
            }
            assert_eq!((ledger.advised().count, ledger.postings().len()), (posted, 1), "{request:?}");
            assert_eq!(ledger.postings()[0].key.stan, Stan(1), "in the place of its request");
        }
    }

    #[test]
    fn on_another_day_a_strict_host_takes_nothing_back_and_nothing_more() {
        let day = |day| BusinessDate::new(2026, 11, day).expect("a day");
        for (date_strict, told) in [(true, Code::WrongBusinessDate), (false, Code::Approved)] {
            let mut ledger = Ledger::keeping(None).promising(Promises { date_strict, ..Promises::default() });
            ledger.set_today(day(22));
            ledger.take(&withdrawal(1, 6_000), Code::Approved);
            ledger.set_today(day(23));
            assert_eq!(ledger.take(&reversal(1, 6_000, 0), Code::Approved), told);
        }
    }
}
