//! What is counted where, told with the records a lane writes.

use book::{Book, Bucket, Class, Figures, Net, ReversalBucket, Tally, Totals};
use journal::{
    Account, Card, Credited, DayRecord, Debited, Duty, Forward, Key, Onward, Record, Remembered, Ruling,
    Sent, Why,
};
use terms::{
    Amount, Answer, BusinessDate, Code, Currency, ForwardId, Kind, LinkId, MessageType, Outcome, SourceId,
    Stan, Text, Timestamp, TxnId,
};

const HOST: LinkId = LinkId(0);
const OTHER_HOST: LinkId = LinkId(1);
const YEN: u16 = 392;

fn day(day: u8) -> BusinessDate {
    BusinessDate::new(2026, 11, day).expect("a day of November")
}

fn bucket(date: u8) -> Bucket {
    Bucket { link: HOST, date: day(date), currency: Currency::numeric(YEN).expect("yen") }
}

/// A journal being written, one story long.
#[derive(Default)]
struct Story {
    book: Book,
    forwards: u64,
}

impl Story {
    fn asked(mut self, id: u64, kind: Kind, amount: u64) -> Self {
        let message = MessageType::from_digits([2, 0, 0]).expect("0200");
        self.apply(Record::Sent(sent(id, message, kind, amount)));
        self
    }

    fn inquired(mut self, id: u64) -> Self {
        let message = MessageType::from_digits([2, 0, 0]).expect("0200");
        self.apply(Record::Inquired(sent(id, message, Kind::BalanceInquiry, 0)));
        self
    }

    fn authorization_asked(mut self, id: u64, amount: u64) -> Self {
        let message = MessageType::from_digits([1, 0, 0]).expect("0100");
        self.apply(Record::Sent(sent(id, message, Kind::Purchase, amount)));
        self
    }

    fn approved(self, id: u64) -> Self {
        self.decided(id, Code::Approved, None)
    }

    fn approved_on(self, id: u64, date: u8) -> Self {
        self.decided(id, Code::Approved, Some(day(date)))
    }

    fn refused(self, id: u64) -> Self {
        self.decided(id, Code::DoNotHonour, None)
    }

    fn decided(mut self, id: u64, code: Code, settlement_date: Option<BusinessDate>) -> Self {
        let answer = Remembered { settlement_date, ..remembered(code) };
        self.apply(Record::Decided {
            id: TxnId(id),
            answer,
            wire_code: Text::EMPTY,
            owes: None,
            approved: None,
            at: Timestamp::default(),
        });
        self
    }

    fn timed_out(mut self, id: u64, duty: Duty) -> Self {
        let owes = Some(self.forward(duty, 0));
        let answer = Remembered::from(&Answer::ours(Code::NoAnswer, Outcome::Unknown));
        self.apply(Record::TimedOut { id: TxnId(id), answer, owes, at: Timestamp::default() });
        self
    }

    fn taken_back(mut self, id: u64, remaining: u64) -> Self {
        let forward = self.forward(Duty::Reversal, remaining);
        let (why, at) = (Why::Asked, Timestamp::default());
        self.apply(Record::Owed { id: TxnId(id), forward, why, at });
        self
    }

    fn paid(self) -> Self {
        self.paid_on(None)
    }

    /// The host says the day it counts it under.
    fn paid_on(mut self, settlement_date: Option<BusinessDate>) -> Self {
        let forward = ForwardId(self.forwards);
        let (wire_code, owes, at) = (Text::EMPTY, None, Timestamp::default());
        self.apply(Record::Forwarded { forward, wire_code, owes, settlement_date, at });
        self
    }

    /// The host approves another amount, which is declined and owed back.
    fn approved_partly(mut self, id: u64, link: LinkId, amount: u64) -> Self {
        let owes = Some(Forward { link, ..self.forward(Duty::Reversal, 0) });
        let (answer, wire_code, at) = (remembered(Code::Declined), Text::EMPTY, Timestamp::default());
        let approved = Some(Amount::minor(amount));
        self.apply(Record::Decided { id: TxnId(id), answer, wire_code, owes, approved, at });
        self
    }

    fn settled_by_hand(mut self) -> Self {
        let (forward, ruling, at) = (ForwardId(self.forwards), Ruling::Settle, Timestamp::default());
        self.apply(Record::Ruled { forward, ruling, by: Text::EMPTY, reason: Text::EMPTY, at });
        self
    }

    fn frozen(mut self, date: u8) -> Self {
        let at = Timestamp::default();
        self.apply(Record::Day(DayRecord::Frozen { link: HOST, date: day(date), at }));
        self
    }

    fn debited(mut self, id: u64, amount: u64) -> Self {
        let message = MessageType::from_digits([2, 0, 0]).expect("0200");
        let onward = Onward { link: OTHER_HOST, route: Text::EMPTY };
        self.apply(Record::Debited(Debited { sent: sent(id, message, Kind::Transfer, amount), onward }));
        self
    }

    fn credited(mut self, id: u64) -> Self {
        self.apply(Record::Credited(Credited {
            id: TxnId(id),
            wire_code: Text::EMPTY,
            approval_code: Text::EMPTY,
            link: OTHER_HOST,
            host_stan: Stan(901),
            host_transmitted_at: Text::EMPTY,
            business_date: day(1),
            at: Timestamp::default(),
        }));
        self
    }

    /// Refused by whom was asked last, and the debit is owed back.
    fn given_back(mut self, id: u64) -> Self {
        let owes = Some(self.forward(Duty::Reversal, 0));
        let (answer, wire_code, at) = (remembered(Code::InvalidCard), Text::EMPTY, Timestamp::default());
        self.apply(Record::Decided { id: TxnId(id), answer, wire_code, owes, approved: None, at });
        self
    }

    /// The credit without an answer, told as approved.
    fn credit_unknown(mut self, id: u64) -> Self {
        let owes = Some(Forward { link: OTHER_HOST, ..self.forward(Duty::Advice, 0) });
        let (answer, at) = (remembered(Code::Approved), Timestamp::default());
        self.apply(Record::TimedOut { id: TxnId(id), answer, owes, at });
        self
    }

    /// Done, and taken back: the credit is undone first, and that makes the debit owed.
    fn undone_at_both(mut self, id: u64) -> Self {
        let forward = Forward { link: OTHER_HOST, ..self.forward(Duty::Reversal, 0) };
        let (why, at) = (Why::Asked, Timestamp::default());
        self.apply(Record::Owed { id: TxnId(id), forward, why, at });
        let owes = Some(self.forward(Duty::Reversal, 0));
        self.apply(Record::Forwarded {
            forward: forward.id,
            wire_code: Text::EMPTY,
            settlement_date: None,
            owes,
            at,
        });
        self.paid()
    }

    fn at_other_host(&self) -> Totals {
        self.book.of(Bucket { link: OTHER_HOST, ..bucket(1) })
    }

    fn reported(mut self, id: u64, amount: u64) -> Self {
        let message = MessageType::from_digits([2, 0, 0]).expect("0200");
        let forward = self.forward(Duty::Advice, 0);
        self.apply(Record::Advised { sent: sent(id, message, Kind::Deposit, amount), forward });
        self
    }

    fn left_to_a_person(mut self, id: u64) -> Self {
        let (forward, reason) = (Some(ForwardId(self.forwards)), Text::EMPTY);
        self.apply(Record::Exception { id: TxnId(id), forward, reason, at: Timestamp::default() });
        self
    }

    fn host_goes_to(mut self, date: u8) -> Self {
        self.apply(Record::HostDate {
            link: HOST,
            date: day(date),
            compares: false,
            at: Timestamp::default(),
        });
        self
    }

    fn forward(&mut self, duty: Duty, remaining: u64) -> Forward {
        self.forwards += 1;
        Forward {
            id: ForwardId(self.forwards),
            duty,
            link: HOST,
            host_stan: Stan(900),
            remaining: Amount::minor(remaining),
            business_date: day(1),
        }
    }

    fn apply(&mut self, record: Record) {
        self.book.apply(&record);
    }

    fn totals(&self, date: u8) -> Totals {
        self.book.of(bucket(date))
    }
}

fn remembered(code: Code) -> Remembered {
    Remembered::from(&Answer::ours(code, code.outcome()))
}

fn sent(id: u64, message: MessageType, kind: Kind, amount: u64) -> Sent {
    Sent {
        id: TxnId(id),
        key: Key { source: SourceId(0), terminal_id: Text::EMPTY, stan: Stan(id as u32), local_time: None },
        fingerprint: 0,
        message,
        kind,
        processing_code: Text::EMPTY,
        pan: Card::None,
        amount: Amount::minor(amount),
        currency: Currency::numeric(YEN).expect("yen"),
        rrn: Text::EMPTY,
        acquirer_id: Text::EMPTY,
        transmitted_at: Text::EMPTY,
        link: HOST,
        host_stan: Stan(id as u32),
        host_rrn: Text::EMPTY,
        host_transmitted_at: Text::EMPTY,
        business_date: day(1),
        own_date: None,
        route: Text::EMPTY,
        to_account: Account::None,
        kept: terms::Carried::default(),
        at: Timestamp::default(),
    }
}

const fn tally(count: u64, sum: u128) -> Tally {
    Tally { count, sum }
}

const NONE: Tally = tally(0, 0);

#[test]
fn an_approval_is_counted_in_its_class_and_a_refusal_nowhere() {
    #[rustfmt::skip]
    let table = [
        (Kind::Withdrawal,  Some(Class::Debit)),
        (Kind::Purchase,    Some(Class::Debit)),
        (Kind::BillPayment, Some(Class::Debit)),
        (Kind::TransferOut, Some(Class::Debit)),
        (Kind::Deposit,     Some(Class::Credit)),
        (Kind::Refund,      Some(Class::Credit)),
        (Kind::TransferIn,  Some(Class::Credit)),
        (Kind::Transfer,    Some(Class::Transfer)),
        (Kind::PinChange,   None),
    ];
    for (kind, class) in table {
        let approved = Story::default().asked(1, kind, 500).approved(1).totals(1);
        let refused = Story::default().asked(1, kind, 500).refused(1).totals(1);
        for counted in Class::ALL {
            let expected = if Some(counted) == class { tally(1, 500) } else { NONE };
            assert_eq!(approved.done(counted), expected, "{kind} as {}", counted.name());
            assert_eq!(refused.done(counted), NONE, "{kind} refused, as {}", counted.name());
        }
        assert_eq!(refused.open, NONE, "{kind}: nothing is open");
    }
}

#[test]
fn questions_are_counted_without_an_amount_and_authorizations_apart() {
    let story = Story::default().inquired(1).approved(1).authorization_asked(2, 700).approved(2);
    assert_eq!(story.totals(1).done(Class::Inquiry), tally(1, 0));
    assert_eq!(story.totals(1).done(Class::Authorization), tally(1, 700));
    assert_eq!(story.totals(1).done(Class::Debit), NONE);
}

#[test]
fn a_question_nobody_answered_is_no_difference() {
    let mut story = Story::default().inquired(1);
    story.apply(Record::TimedOut {
        id: TxnId(1),
        answer: remembered(Code::NoAnswer),
        owes: None,
        at: Timestamp::default(),
    });
    assert_eq!(story.totals(1), Totals::default());
}

#[test]
fn what_is_under_way_is_open_until_it_is_decided() {
    let story = Story::default().asked(1, Kind::Withdrawal, 500);
    assert_eq!(story.totals(1).open, tally(1, 500));
    assert_eq!(story.approved(1).totals(1).open, NONE);
}

#[test]
fn silence_is_not_counted_but_listed_and_paying_the_reversal_ends_it() {
    let story = Story::default().asked(1, Kind::Withdrawal, 500).timed_out(1, Duty::Reversal);
    assert_eq!(story.totals(1).unknown, tally(1, 500));
    let story = story.paid();
    let totals = story.totals(1);
    assert_eq!((totals.unknown, totals.cancelled), (NONE, tally(1, 500)));
    assert_eq!((totals.done(Class::Debit), totals.undone(Class::Debit)), (NONE, NONE));
}

#[test]
fn a_deposit_nobody_answered_is_counted_when_its_advice_is_accepted() {
    let story = Story::default().asked(1, Kind::Deposit, 500).timed_out(1, Duty::Advice);
    assert_eq!(story.totals(1).done(Class::Credit), NONE);
    let story = story.paid();
    assert_eq!(story.totals(1).done(Class::Credit), tally(1, 500));
    assert_eq!(story.totals(1).unknown, NONE);
}

#[test]
fn a_report_without_its_request_is_counted_when_the_host_accepts_it() {
    let story = Story::default().reported(1, 500);
    assert_eq!(story.totals(1).unknown, tally(1, 500));
    assert_eq!(story.paid().totals(1).done(Class::Credit), tally(1, 500));
}

#[test]
fn an_approval_taken_back_is_counted_both_times_the_second_on_the_day_it_is_undone() {
    let story = Story::default().asked(1, Kind::Withdrawal, 500).approved(1).taken_back(1, 0);
    assert_eq!(story.totals(1).undone(Class::Debit), NONE, "not while it is only owed");
    let story = story.host_goes_to(2).paid();
    assert_eq!(story.totals(1).done(Class::Debit), tally(1, 500));
    assert_eq!(story.totals(1).undone(Class::Debit), NONE);
    assert_eq!(story.totals(2).undone(Class::Debit), tally(1, 500));
}

#[test]
fn of_a_partial_reversal_only_what_does_not_remain_is_undone() {
    let story = Story::default().asked(1, Kind::Withdrawal, 500).approved(1).taken_back(1, 300).paid();
    assert_eq!(story.totals(1).undone(Class::Debit), tally(1, 200));
}

#[test]
fn a_debt_is_paid_once_however_often_it_is_said() {
    let story = Story::default().asked(1, Kind::Withdrawal, 500).approved(1).taken_back(1, 0).paid().paid();
    assert_eq!(story.totals(1).undone(Class::Debit), tally(1, 500));
}

#[test]
fn the_hosts_own_day_stands_above_ours() {
    let story = Story::default().asked(1, Kind::Withdrawal, 500).approved_on(1, 2);
    assert_eq!(story.totals(1), Totals::default());
    assert_eq!(story.totals(2).done(Class::Debit), tally(1, 500));
}

#[test]
fn what_is_left_to_a_person_stays_unknown_and_says_so() {
    let story = Story::default().asked(1, Kind::Withdrawal, 500).timed_out(1, Duty::Reversal);
    let story = story.left_to_a_person(1).paid();
    assert_eq!(story.totals(1).unknown, tally(1, 500), "an item that ended cannot be paid");
    assert_eq!(story.totals(1).exceptions, 1);
}

#[test]
fn records_of_transactions_that_were_never_read_count_nothing() {
    let story = Story::default().approved(7).taken_back(7, 0).paid();
    assert_eq!(story.book.totals().count(), 0);
}

#[test]
fn the_net_is_the_same_wherever_reversals_are_told() {
    let story = Story::default()
        .asked(1, Kind::Withdrawal, 500)
        .approved(1)
        .asked(2, Kind::Withdrawal, 200)
        .approved(2)
        .taken_back(2, 0)
        .paid()
        .asked(3, Kind::Deposit, 900)
        .approved(3);
    let totals = story.totals(1);
    let (original, effect) =
        (Figures::of(&totals, ReversalBucket::Original), Figures::of(&totals, ReversalBucket::Effect));
    assert_eq!((original.debits.reversed, original.credits.reversed), (tally(1, 200), NONE));
    assert_eq!((effect.debits.reversed, effect.credits.reversed), (NONE, tally(1, 200)));
    assert_eq!(original.net, Net::Credit(900 + 200 - 700));
    assert_eq!(effect.net, original.net);
}

#[test]
fn more_from_accounts_than_to_them_is_a_debit() {
    let story = Story::default().asked(1, Kind::Withdrawal, 500).approved(1);
    assert_eq!(Figures::of(&story.totals(1), ReversalBucket::Original).net, Net::Debit(500));
}

#[test]
fn days_that_are_forgotten_are_forgotten_whole() {
    let mut story = Story::default().asked(1, Kind::Withdrawal, 500).approved(1);
    story.book.forget_before(day(2));
    let story = story.taken_back(1, 0).paid();
    assert_eq!(story.book.totals().count(), 0);
}

/// A transfer between two hosts is a debit in the totals of one and a credit in those of the other, each undone
/// where it was done.
#[test]
fn each_leg_of_a_transfer_counts_with_its_own_host() {
    let (debit, credit) = (Class::Debit, Class::Credit);
    let legs = |story: &Story| {
        let (pays, receives) = (story.totals(1), story.at_other_host());
        [pays.done(debit), pays.undone(debit), receives.done(credit), receives.undone(credit)]
    };
    let one = tally(1, 500);
    let begun = || Story::default().debited(1, 500);
    #[rustfmt::skip]
    let table = [
        // what happened            story                                           debit undone credit undone
        ("in flight",               begun(),                                       [NONE, NONE, NONE, NONE]),
        ("debit refused",           begun().refused(1),                            [NONE, NONE, NONE, NONE]),
        ("credit in flight",        begun().credited(1),                           [one,  NONE, NONE, NONE]),
        ("done",                    begun().credited(1).approved(1),               [one,  NONE, one,  NONE]),
        ("credit refused",          begun().credited(1).given_back(1).paid(),      [one,  one,  NONE, NONE]),
        ("credit could not go",     begun().given_back(1).paid(),                  [one,  one,  NONE, NONE]),
        ("credit unknown",          begun().credited(1).credit_unknown(1),         [one,  NONE, NONE, NONE]),
        ("credit unknown, posted",  begun().credited(1).credit_unknown(1).paid(),  [one,  NONE, one,  NONE]),
        ("done, undone at both",    begun().credited(1).approved(1).undone_at_both(1), [one, one, one, one]),
    ];
    for (what, story, wanted) in table {
        assert_eq!(legs(&story), wanted, "{what}");
    }
    assert_eq!(begun().totals(1).open, one);
    assert_eq!(begun().credited(1).credit_unknown(1).at_other_host().unknown, one);
}

#[test]
fn a_part_that_was_approved_and_given_back_is_counted_as_done_and_undone_as_its_host_counts_it() {
    let story = Story::default().asked(1, Kind::Purchase, 100).approved_partly(1, HOST, 30);
    let before = story.book.of(bucket(1));
    assert_eq!((before.done(Class::Debit), before.open), (tally(1, 30), tally(0, 0)));
    // And so it is behind a snapshot.
    let mut again = Story { forwards: story.forwards, ..Story::default() };
    again = again.asked(1, Kind::Purchase, 100);
    let forward = Forward { id: ForwardId(1), ..again.forward(Duty::Reversal, 0) };
    again.forwards = 1;
    let (why, at) = (Why::Asked, Timestamp::default());
    again.apply(Record::Owed { id: TxnId(1), forward, why, at });
    let mut records = Vec::new();
    story.book.snapshot(&mut |record| records.push(record));
    records.into_iter().for_each(|record| again.apply(record));
    for story in [story.paid(), again.paid()] {
        let totals = story.book.of(bucket(1));
        assert_eq!((totals.done(Class::Debit), totals.undone(Class::Debit)), (tally(1, 30), tally(1, 30)));
        assert_eq!((totals.unknown, totals.open), (tally(0, 0), tally(0, 0)));
    }
}

#[test]
fn of_a_transfer_the_leg_that_was_approved_in_part_is_the_one_that_is_undone() {
    let debit = Story::default().debited(1, 100).approved_partly(1, HOST, 30).paid();
    let totals = debit.book.of(bucket(1));
    assert_eq!((totals.done(Class::Debit), totals.undone(Class::Debit)), (tally(1, 30), tally(1, 30)));
    let credit = Story::default().debited(1, 100).credited(1).approved_partly(1, OTHER_HOST, 30).paid();
    let (paying, receiving) = (credit.book.of(bucket(1)), credit.at_other_host());
    assert_eq!(
        (receiving.done(Class::Credit), receiving.undone(Class::Credit)),
        (tally(1, 30), tally(1, 30))
    );
    assert_eq!((paying.done(Class::Debit), paying.undone(Class::Debit)), (tally(1, 100), tally(0, 0)));
}

#[test]
fn what_a_host_settles_on_the_old_day_after_the_change_is_counted_on_the_old_day_while_that_is_open() {
    let taken_back =
        || Story::default().host_goes_to(1).asked(1, Kind::Withdrawal, 70).approved(1).taken_back(1, 0);
    let open = taken_back().host_goes_to(2).paid_on(Some(day(1)));
    assert_eq!(open.book.of(bucket(1)).undone(Class::Debit), tally(1, 70));
    assert_eq!(open.book.of(bucket(2)), Totals::default());
    let unsaid = taken_back().host_goes_to(2).paid();
    assert_eq!(unsaid.book.of(bucket(2)).undone(Class::Debit), tally(1, 70));
    let mut late = taken_back().host_goes_to(2).frozen(1).paid_on(Some(day(1)));
    assert_eq!(late.book.of(bucket(1)).undone(Class::Debit), tally(0, 0), "what stands, stands");
    assert_eq!(late.book.of(bucket(2)).undone(Class::Debit), tally(1, 70));
    assert_eq!(late.book.take_late(), [TxnId(1)]);
    assert_eq!(
        late.book.late().next().map(|(of, totals)| (*of, totals.undone(Class::Debit))),
        Some((bucket(1), tally(1, 70)))
    );

    // A report of the old day, posted on the new one: and the other way about.
    let posted =
        |date| Story::default().host_goes_to(1).reported(1, 50).host_goes_to(2).paid_on(Some(day(date)));
    for date in [1, 2] {
        let story = posted(date);
        assert_eq!(story.book.of(bucket(date)).done(Class::Credit), tally(1, 50));
        assert_eq!(story.book.of(bucket(3 - date)).done(Class::Credit), tally(0, 0));
        assert!((1..=2).all(|date| story.book.of(bucket(date)).unknown == tally(0, 0)));
    }
}

/// The host may have been on the next day already when the request came, and told it there.
#[test]
fn what_is_cancelled_after_a_later_day_was_told_is_somebodys_to_compare() {
    let owed =
        || Story::default().host_goes_to(1).asked(1, Kind::Withdrawal, 70).timed_out(1, Duty::Reversal);
    let mut early = owed().host_goes_to(2).paid();
    assert!(early.book.take_late().is_empty(), "no day was told without it");
    let mut told = owed().host_goes_to(2).host_goes_to(3).frozen(2).paid();
    assert_eq!(told.book.take_late(), [TxnId(1)]);
    let late: Vec<_> = told.book.late().map(|(bucket, totals)| (bucket.date, totals.cancelled)).collect();
    assert_eq!(late, [(day(1), tally(1, 70))], "under the day it was asked on");
}

#[test]
fn a_debt_settled_by_hand_is_somebodys_to_compare_and_late_where_its_day_was_told() {
    let owed = || Story::default().asked(1, Kind::Withdrawal, 70).timed_out(1, Duty::Reversal);
    let settled = owed().settled_by_hand();
    assert_eq!(settled.book.of(bucket(1)).exceptions, 1);
    let mut late = owed().frozen(1).settled_by_hand();
    assert_eq!(late.book.take_late(), [TxnId(1)]);
    assert_eq!(late.book.late().map(|(_, totals)| totals.exceptions).sum::<u64>(), 1);
}

#[test]
fn a_day_no_host_can_settle_on_is_not_believed() {
    let near = BusinessDate::from_days(day(1).days() + 31);
    for (said, counted) in [(near, near), (near.next(), day(1))] {
        let story = Story::default().asked(1, Kind::Withdrawal, 500).decided(1, Code::Approved, Some(said));
        let totals = story.book.of(Bucket { date: counted, ..bucket(1) });
        assert_eq!(totals.done(Class::Debit), tally(1, 500), "{said}");
    }
}
