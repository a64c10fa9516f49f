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

impl Books {
    fn good() -> Self {
        let mut books = Self {
            asked: Vec::new(),
            decided: Vec::new(),
            host: HostBooks { host: host(), postings: Vec::new() },
        };
        #[rustfmt::skip]
        let happened = [
            // no. told                                            decided              posted  owed
            (1, Told::Said(Code::Approved, Outcome::Approved),     Outcome::Approved,   true,   0),
            (2, Told::Said(Code::Approved, Outcome::Approved),     Outcome::Approved,   true,   0),
            (3, Told::Said(Code::WrongPin, Outcome::Refused),      Outcome::Refused,    false,  0),
            (4, Told::Said(Code::NoAnswer, Outcome::Unknown),      Outcome::Unknown,    true,   1),
            (5, Told::Nothing,                                     Outcome::Unknown,    false,  1),
            (6, Told::Said(Code::HostDown, Outcome::Refused),      Outcome::NotSent,    false,  0),
        ];
        for (number, told, outcome, posted, owed) in happened {
            books.happened(number, told, outcome, posted, owed);
        }
        // Refused before any permit, and refused without a word in the journal.
        books.decided[5].permit = None;
        let refused = Told::Said(Code::FormatError, Outcome::Refused);
        books.asked.push(Asked { key: key(7), kind: Kind::Withdrawal, amount: amount(7), told: refused });
        books
    }

    fn happened(&mut self, number: u32, told: Told, outcome: Outcome, posted: bool, owed: u32) {
        let (kind, amount) = (Kind::Withdrawal, amount(number));
        self.asked.push(Asked { key: key(number), kind, amount, told });
        let permit = Some((host(), host_key(number)));
        let outcome = Some(outcome);
        self.decided.push(Decision { key: key(number), kind, amount, permit, outcome, owed });
        if posted {
            self.host.postings.push(Posting { key: host_key(number), kind, amount });
        }
    }

    fn compare(&self) -> Verdict {
        compare(&self.asked, &self.decided, std::slice::from_ref(&self.host))
    }
}

#[test]
fn books_that_agree_are_found_to_agree_with_their_sums() {
    let verdict = Books::good().compare();
    assert!(verdict.is_clean(), "{verdict}");
    assert_eq!((verdict.asked, verdict.decided), (7, 6));
    assert_eq!(verdict.told_approved, Sum { count: 2, minor_units: 3_000 });
    let totals = verdict.hosts[&host()];
    assert_eq!(totals.posted, Sum { count: 3, minor_units: 7_000 });
    assert_eq!((totals.owed.count, totals.posted_and_owed.count), (2, 1));
}

#[test]
fn every_kind_of_lie_is_caught() {
    let approved = Told::Said(Code::Approved, Outcome::Approved);
    let refused = Told::Said(Code::DoNotHonour, Outcome::Refused);
    type Change = fn(&mut Books, Told, Told);
    #[rustfmt::skip]
    let table: &[(&str, Change, &[LieKind])] = &[
        ("a posting was lost",
            |b, _, _| { b.host.postings.remove(0); },
            &[LieKind::NotPosted, LieKind::WrongTotal]),
        ("a posting was doubled",
            |b, _, _| { let again = b.host.postings[0]; b.host.postings.push(again); },
            &[LieKind::PostedTwice, LieKind::WrongTotal]),
        ("an unknown one was doubled",
            |b, _, _| { let again = b.host.postings[2]; b.host.postings.push(again); },
            &[LieKind::PostedTwice, LieKind::WrongTotal]),
        ("told approved and neither decided nor posted",
            |b, approved, _| b.asked[6].told = approved,
            &[LieKind::ToldWithoutDecision]),
        ("told approved and refused",
            |b, approved, _| b.asked[2].told = approved,
            &[LieKind::ToldWithoutDecision]),
        ("told approved and nobody knows",
            |b, approved, _| b.asked[3].told = approved,
            &[LieKind::ToldWithoutDecision]),
        ("posted and approved, told refused",
            |b, _, refused| b.asked[0].told = refused,
            &[LieKind::ToldOtherwise]),
        ("posted and approved, never told",
            |b, _, _| b.asked[0].told = Told::Nothing,
            &[LieKind::NeverTold]),
        ("posted and refused",
            |b, _, refused| { b.decided[0].outcome = Some(Outcome::Refused); b.asked[0].told = refused; },
            &[LieKind::PostedThoughRefused, LieKind::WrongTotal]),
        ("the host posted another amount",
            |b, _, _| b.host.postings[0].amount = Amount::minor(1),
            &[LieKind::WrongAmount, LieKind::WrongTotal]),
        ("the journal wrote another amount",
            |b, _, _| b.decided[2].amount = Amount::minor(1),
            &[LieKind::WrongAmount]),
        ("two amounts were exchanged",
            |b, _, _| { let (x, y) = (b.host.postings[0].amount, b.host.postings[1].amount);
                        b.host.postings[0].amount = y; b.host.postings[1].amount = x; },
            &[LieKind::WrongAmount, LieKind::WrongAmount]),
        ("the host posted what nobody asked",
            |b, _, _| { b.host.postings[0].key.stan = Stan(9); },
            &[LieKind::NotPosted, LieKind::PostedUnasked]),
        ("one request was sent twice",
            |b, _, _| { let again = Decision { permit: Some((host(), host_key(99))), ..b.decided[2] };
                        b.decided.push(again); },
            &[LieKind::PermittedTwice]),
        ("an unknown end is not listed",
            |b, _, _| b.decided[4].owed = 0,
            &[LieKind::NotListed]),
        ("an approval is listed as owed",
            |b, _, _| b.decided[0].owed = 1,
            &[LieKind::WronglyListed, LieKind::WrongTotal]),
        ("an unknown end is listed twice",
            |b, _, _| b.decided[4].owed = 2,
            &[LieKind::WronglyListed]),
        ("nothing was decided",
            |b, _, _| b.decided[2].outcome = None,
            &[LieKind::Undecided]),
        ("nobody asked",
            |b, _, _| { b.asked.remove(2); },
            &[LieKind::NobodyAsked]),
    ];
    for (what, change, wanted) in table {
        let mut books = Books::good();
        change(&mut books, approved, refused);
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
    books.happened(8, Told::Said(Code::Approved, Outcome::Approved), Outcome::Approved, false, 0);
    books.happened(9, Told::Said(Code::NoAnswer, Outcome::Unknown), Outcome::Unknown, false, 0);
    for at in [7, 8] {
        books.asked[at].kind = Kind::BalanceInquiry;
        books.decided[at - 1].kind = Kind::BalanceInquiry;
    }
    assert!(books.compare().is_clean(), "{}", books.compare());
    books.asked[7].told = Told::Said(Code::DoNotHonour, Outcome::Refused);
    assert_eq!(books.compare().lies[0].kind, LieKind::ToldOtherwise);
}

#[test]
fn a_lie_is_told_in_words_that_name_the_request() {
    let mut books = Books::good();
    books.host.postings.remove(0);
    let said = books.compare().to_string();
    assert!(said.contains("not posted: ATM00001 000001"), "{said}");
}
