use super::*;
use crate::sim::ledger::Sum;
use terms::Text;

fn host() -> LinkName {
    LinkName::clipped(b"CORE")
}

fn key(number: u32) -> Key {
    Key { terminal_id: Text::clipped(b"ATM00001"), stan: Stan(number), local_time: None }
}

fn host_key(number: u32) -> HostKey {
    let rrn = Text::clipped(format!("{number:012}").as_bytes());
    HostKey { stan: Stan(500_000 + number), terminal_id: Text::clipped(b"ATM00001"), rrn }
}

fn amount(number: u32) -> Amount {
    Amount::minor(u64::from(number) * 1_000)
}

/// Three books in which everything that can happen has happened, and which agree.
#[derive(Clone)]
struct Books {
    asked: Vec<Asked>,
    decided: Vec<Decision>,
    host: HostBooks,
}

const APPROVED: Told = Told::Said(Code::Approved, Outcome::Approved);
const REFUSED: Told = Told::Said(Code::DoNotHonour, Outcome::Refused);
const UNKNOWN: Told = Told::Said(Code::NoAnswer, Outcome::Unknown);

const NOTHING_OWED: Owed = Owed { messages: 0, paid: 0, handed_over: 0, exceptions: 0 };
const PAID: Owed = Owed { messages: 1, paid: 1, ..NOTHING_OWED };
const FOR_A_PERSON: Owed = Owed { messages: 1, handed_over: 1, exceptions: 1, ..NOTHING_OWED };

impl Books {
    fn good() -> Self {
        use Afterwards::{Nothing, Reported, TookBack};
        use Kind::{Deposit, Withdrawal};
        use Outcome::{Approved, NotSent, Refused, Unknown};
        let mut books = Self {
            asked: Vec::new(),
            decided: Vec::new(),
            host: HostBooks { host: host(), postings: Vec::new(), reversals: Vec::new() },
        };
        #[rustfmt::skip]
        let happened = [
            // kind       told           afterwards   held  decided    owed          posted  reversed
            (Withdrawal, APPROVED,       Nothing,       1, Approved,  NOTHING_OWED,  true,   0),
            (Withdrawal, APPROVED,       Nothing,       2, Approved,  NOTHING_OWED,  true,   0),
            (Withdrawal, REFUSED,        Nothing,       0, Refused,   NOTHING_OWED,  false,  0),
            (Withdrawal, UNKNOWN,        Nothing,       0, Unknown,   PAID,          true,   4),
            (Withdrawal, Told::Nothing,  TookBack,      0, Unknown,   PAID,          false,  0),
            (Withdrawal, REFUSED,        Nothing,       0, NotSent,   NOTHING_OWED,  false,  0),
            (Withdrawal, APPROVED,       TookBack,      4, Approved,  PAID,          true,   3),
            (Withdrawal, Told::Nothing,  TookBack,      0, Approved,  PAID,          true,   8),
            (Deposit,    UNKNOWN,        Nothing,       9, Unknown,   PAID,          true,   0),
            (Deposit,    Told::Nothing,  Reported,     10, Approved,  PAID,          true,   0),
            (Deposit,    UNKNOWN,        Nothing,      11, Unknown,   FOR_A_PERSON,  false,  0),
            // Its approval reached nobody, which is proved.
            (Withdrawal, REFUSED,        Nothing,       0, Approved,  PAID,          true,  12),
        ];
        for (at, row) in happened.into_iter().enumerate() {
            books.happened(at as u32 + 1, row);
        }
        // Refused before any permit; begun by a report; refused without a word in the journal.
        books.decided[5].permit = None;
        books.decided[9].by_report = true;
        let (key, amount, held) = (key(90), amount(90), Amount::default());
        let told = Told::Said(Code::FormatError, Refused);
        books.asked.push(Asked { key, kind: Withdrawal, amount, told, held, afterwards: Nothing });
        books
    }

    fn happened(
        &mut self,
        number: u32,
        (kind, told, afterwards, held, outcome, owed, posted, reversed): (
            Kind,
            Told,
            Afterwards,
            u32,
            Outcome,
            Owed,
            bool,
            u32,
        ),
    ) {
        let (key, known_as, held) = (key(number), host_key(number), amount(held));
        let asked_for = amount(number);
        self.asked.push(Asked { key, kind, amount: asked_for, told, held, afterwards });
        let (permit, outcome, by_report) = (Some((host(), known_as)), Some(outcome), false);
        self.decided.push(Decision {
            key,
            kind,
            amount: asked_for,
            permit,
            two_hosts: false,
            credit: None,
            outcome,
            by_report,
            owed,
        });
        if posted {
            self.host.postings.push(Posting { key: known_as, kind, amount: asked_for, advised: false });
        }
        if reversed > 0 {
            let amount = amount(reversed);
            self.host.reversals.push(Posting { key: known_as, kind, amount, advised: false });
        }
    }

    fn asked(&mut self, number: usize) -> &mut Asked {
        &mut self.asked[number - 1]
    }

    fn decided(&mut self, number: usize) -> &mut Decision {
        &mut self.decided[number - 1]
    }

    fn place(&self, number: u32) -> usize {
        let found = self.host.postings.iter().position(|posting| posting.key == host_key(number));
        found.expect("it was posted")
    }

    fn back(&self, number: u32) -> usize {
        let found = self.host.reversals.iter().position(|reversal| reversal.key == host_key(number));
        found.expect("it was given back")
    }

    fn post_again(&mut self, number: u32, advised: bool) {
        let again = Posting { advised, ..self.host.postings[self.place(number)] };
        self.host.postings.push(again);
    }

    fn compare(&self) -> Verdict {
        compare(&self.asked, &self.decided, std::slice::from_ref(&self.host))
    }
}

#[test]
fn books_that_agree_are_found_to_agree_with_their_sums() {
    let verdict = Books::good().compare();
    assert!(verdict.is_clean(), "{verdict}");
    assert_eq!((verdict.asked, verdict.decided), (13, 12));
    assert_eq!(verdict.told_approved, Sum { count: 3, minor_units: 10_000 });
    assert_eq!((verdict.owed, verdict.paid, verdict.pending(), verdict.handed_over), (8, 7, 0, 1));
    assert_eq!((verdict.exceptions, verdict.excepted), (1, 1));
    let totals = verdict.hosts[&host()];
    assert_eq!(totals.posted, Sum { count: 8, minor_units: 53_000 });
    assert_eq!(totals.reversed, Sum { count: 4, minor_units: 27_000 });
    assert_eq!(totals.held, Sum { count: 6, minor_units: 37_000 });
    assert_eq!(totals.excepted, -11_000);
}

#[test]
fn every_kind_of_lie_is_caught() {
    use LieKind::*;
    type Change = fn(&mut Books);
    #[rustfmt::skip]
    let table: &[(&str, Change, &[LieKind])] = &[
        // What was posted.
        ("a posting was lost",             |b| { b.host.postings.remove(0); },         &[NotPosted, WrongTotal]),
        ("a posting was doubled",          |b| b.post_again(1, false),                 &[PostedTwice, WrongTotal]),
        ("an unknown one was doubled",     |b| b.post_again(4, false),                 &[PostedTwice, WrongTotal]),
        ("an advice was lost",
            |b| { let at = b.place(9); b.host.postings.remove(at); },                  &[AdviceLost, WrongTotal]),
        ("a report was lost",
            |b| { let at = b.place(10); b.host.postings.remove(at); },                 &[AdviceLost, WrongTotal]),
        ("an advice was done twice",       |b| b.post_again(9, true),                  &[AdviceDoubled, WrongTotal]),
        ("an advice doubled its request",  |b| b.post_again(1, true),                  &[AdviceDoubled, WrongTotal]),
        ("the host posted what nobody asked",
            |b| b.host.postings[0].key.stan = Stan(9),                                 &[NotPosted, PostedUnasked]),
        ("posted and refused",
            |b| { b.decided(1).outcome = Some(Outcome::Refused); b.asked(1).told = REFUSED;
                  b.asked(1).held = Amount::default(); },                              &[PostedThoughRefused, WrongTotal]),
        // What was given back.
        ("never reversed",
            |b| { let at = b.back(4); b.host.reversals.remove(at); },                  &[NeverReversed, WrongTotal]),
        ("taken back, never reversed",
            |b| { let at = b.back(8); b.host.reversals.remove(at); },                  &[NeverReversed, WrongTotal]),
        ("taken back in part, never reversed",
            |b| { let at = b.back(7); b.host.reversals.remove(at); },                  &[NeverReversed, WrongTotal]),
        ("reversed twice",
            |b| { let again = b.host.reversals[b.back(4)]; b.host.reversals.push(again); },
                                                                                       &[ReversedTwice, ReversedMore, WrongTotal]),
        ("the part was reversed twice",
            |b| { let again = b.host.reversals[b.back(7)]; b.host.reversals.push(again); },
                                                                                       &[ReversedTwice, WrongTotal]),
        ("reversed though dispensed",
            |b| { let (key, kind, amount) = (host_key(1), Kind::Withdrawal, amount(1));
                  b.host.reversals.push(Posting { key, kind, amount, advised: false }); },
                                                                                       &[ReversedThoughDone, WrongTotal]),
        ("a deposit reversed though the cash is in the machine",
            |b| { let (key, kind, amount) = (host_key(9), Kind::Deposit, amount(9));
                  b.host.reversals.push(Posting { key, kind, amount, advised: false }); },
                                                                                       &[ReversedThoughDone, WrongTotal]),
        ("the wrong part was reversed",
            |b| { let at = b.back(7); b.host.reversals[at].amount = amount(4); },      &[WrongPart, WrongTotal]),
        ("all was reversed in place of a part",
            |b| { let at = b.back(7); b.host.reversals[at].amount = amount(7); },      &[WrongPart, WrongTotal]),
        ("a part was reversed in place of all",
            |b| { let at = b.back(4); b.host.reversals[at].amount = amount(1); },      &[WrongPart, WrongTotal]),
        ("reversed and never posted",
            |b| { let at = b.place(4); b.host.postings.remove(at); },                  &[NotPosted, ReversedMore, WrongTotal]),
        // What was told.
        ("told approved and neither decided nor posted",
            |b| b.asked(13).told = APPROVED,                                           &[ToldWithoutDecision]),
        ("told approved and refused",      |b| b.asked(3).told = APPROVED,             &[ToldWithoutDecision]),
        ("told approved and nobody knows", |b| b.asked(4).told = APPROVED,             &[ToldWithoutDecision]),
        ("posted and approved, told refused",
            |b| { b.asked(1).told = REFUSED; b.asked(1).held = Amount::default(); },   &[ToldOtherwise, WrongTotal]),
        ("posted and approved, never told",
            |b| { b.asked(1).told = Told::Nothing; b.asked(1).held = Amount::default(); },
                                                                                       &[NeverTold, WrongTotal]),
        ("what the terminal said was never acknowledged",
            |b| b.asked(8).afterwards = Afterwards::Unheard,                           &[NotAcknowledged]),
        // Amounts.
        ("the host posted another amount",
            |b| b.host.postings[0].amount = Amount::minor(1),                          &[WrongAmount, WrongAmount, WrongTotal]),
        ("the terminal holds another amount",
            |b| b.asked(1).held = amount(2),                                           &[WrongAmount, WrongTotal]),
        ("the journal wrote another amount",
            |b| b.decided(3).amount = Amount::minor(1),                                &[WrongAmount]),
        ("two amounts were exchanged",
            |b| { let (x, y) = (b.host.postings[0].amount, b.host.postings[1].amount);
                  b.host.postings[0].amount = y; b.host.postings[1].amount = x; },
                                                                                       &[WrongAmount, WrongAmount, WrongAmount, WrongAmount]),
        // What was permitted, decided and owed.
        ("one request had leave twice",
            |b| { let again = *b.decided(2); b.decided.push(again); },                 &[PermittedTwice, WrongTotal]),
        ("nothing was decided",            |b| b.decided(3).outcome = None,            &[Undecided]),
        ("nobody asked",                   |b| { b.asked.remove(2); },                  &[NobodyAsked]),
        ("an unknown end is not listed",   |b| b.decided(5).owed = NOTHING_OWED,       &[NotListed]),
        ("an approval is listed as owed",  |b| b.decided(1).owed = PAID,               &[WronglyListed]),
        ("a refusal is listed as owed",    |b| b.decided(3).owed = PAID,               &[WronglyListed]),
        ("an unknown end is listed twice",
            |b| b.decided(5).owed = Owed { messages: 2, paid: 2, ..NOTHING_OWED },     &[WronglyListed]),
        ("it is still owed",
            |b| b.decided(5).owed = Owed { messages: 1, ..NOTHING_OWED },              &[StillOwed]),
        ("it was paid more often than owed",
            |b| b.decided(5).owed = Owed { paid: 2, ..PAID },                          &[PaidTwice]),
        ("it was left to a person twice",
            |b| b.decided(11).owed.exceptions = 2,                                     &[ListedTwice]),
        ("it was left to nobody, and lost",
            |b| b.decided(11).owed = PAID,                                             &[AdviceLost, WrongTotal]),
    ];
    for (what, change, wanted) in table {
        let mut books = Books::good();
        change(&mut books);
        let mut found: Vec<LieKind> = books.compare().lies.iter().map(|lie| lie.kind).collect();
        found.sort_unstable();
        let mut wanted = wanted.to_vec();
        wanted.sort_unstable();
        assert_eq!(found, wanted, "{what}");
    }
}

#[test]
fn what_moves_no_money_is_compared_by_its_answer_alone() {
    let mut books = Books::good();
    let inquiry =
        |told, outcome| (Kind::BalanceInquiry, told, Afterwards::Nothing, 0, outcome, NOTHING_OWED, false, 0);
    books.happened(20, inquiry(APPROVED, Outcome::Approved));
    books.happened(21, inquiry(UNKNOWN, Outcome::Unknown));
    assert!(books.compare().is_clean(), "{}", books.compare());
    let at = books.asked.len() - 2;
    books.asked[at].told = REFUSED;
    assert_eq!(books.compare().lies[0].kind, LieKind::ToldOtherwise);
    books.asked[at].told = APPROVED;
    books.decided.truncate(books.decided.len() - 2);
    assert!(books.compare().is_clean(), "what moves nothing is told before it is durable");
    books.asked[at].kind = Kind::PinChange;
    assert_eq!(books.compare().lies[0].kind, LieKind::ToldWithoutDecision);
}

#[test]
fn a_lie_is_told_in_words_that_name_the_request() {
    let mut books = Books::good();
    books.host.postings.remove(0);
    let said = books.compare().to_string();
    assert!(said.contains("not posted: ATM00001 000001"), "{said}");
}

fn other() -> LinkName {
    LinkName::clipped(b"CARDS")
}

/// What the other host of a transfer does: posted, and gave back.
type OtherHost = (bool, bool);

/// What was told, decided and held, and what each host did.
type TransferRow = (Told, Outcome, u32, OtherHost, OtherHost);

/// A transfer of 7,000 between two hosts, told and held, and what each of them did.
fn transferred((told, outcome, held, paying, receiving): TransferRow) -> Verdict {
    let (key, known_as, amount_of) = (key(7), host_key(7), amount(7));
    let credit_as = HostKey { stan: Stan(600_007), ..known_as };
    let (kind, held) = (Kind::Transfer, amount(held));
    let asked = Asked { key, kind, amount: amount_of, told, held, afterwards: Afterwards::Nothing };
    let decision = Decision {
        key,
        kind,
        amount: amount_of,
        permit: Some((host(), known_as)),
        two_hosts: true,
        credit: Some((other(), credit_as)),
        outcome: Some(outcome),
        by_report: false,
        owed: NOTHING_OWED,
    };
    let books = |host, key, (posted, back): OtherHost| {
        let posting = Posting { key, kind, amount: amount_of, advised: false };
        let of = |is_there: bool| if is_there { vec![posting] } else { Vec::new() };
        HostBooks { host, postings: of(posted), reversals: of(back) }
    };
    let hosts = [books(host(), known_as, paying), books(other(), credit_as, receiving)];
    compare(&[asked], &[decision], &hosts)
}

#[test]
fn half_a_transfer_is_caught_at_either_host() {
    use LieKind::*;
    let (done, undone, never) = ((true, false), (true, true), (false, false));
    #[rustfmt::skip]
    let table: &[(&str, TransferRow, &[LieKind])] = &[
        // what happened             told      decided            held  pays    receives  lies
        ("done",                    (APPROVED, Outcome::Approved, 7,    done,   done),    &[]),
        ("undone in order",         (REFUSED,  Outcome::Refused,  0,    undone, never),   &[]),
        ("undone at both",          (REFUSED,  Outcome::Refused,  0,    undone, undone),  &[]),
        ("paid, never credited",    (APPROVED, Outcome::Approved, 7,    done,   never),   &[HalfATransfer, WrongTotal]),
        ("credited, given back",    (APPROVED, Outcome::Approved, 7,    undone, done),    &[ReversedThoughDone, WrongTotal]),
        ("declined, and credited",  (REFUSED,  Outcome::Refused,  0,    undone, done),    &[HalfATransfer, WrongTotal]),
    ];
    for (what, row, lies) in table {
        let verdict = transferred(*row);
        let found: Vec<LieKind> = verdict.lies.iter().map(|lie| lie.kind).collect();
        assert_eq!(found, *lies, "{what}: {verdict}");
    }
}
