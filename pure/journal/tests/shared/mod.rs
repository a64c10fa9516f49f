//! Records for tests, and a journal in memory that remembers what it was told.
#![allow(dead_code, unreachable_pub, reason = "each test program uses its own part")]
use journal::memory::Memory;
use journal::{
    Account, After, Batch, Card, Compared, Counted, Credited, CutStage, DayRecord, Debited, DecidedBy,
    Declined, Duty, Forward, Journal, JournalError, Kept, Key, LinkOrder, Mark, Matter, Named, Observation,
    Observed, Onward, Record, Recovered, Remembered, Ruling, Sent, Tallied, Ticket, Vault, Why,
};
use terms::{
    Amount, Balance, BusinessDate, Carried, Code, Currency, Figure, ForwardId, Kind, LinkId, LocalTime,
    MessageType, Noun, Outcome, Pan, SourceId, Stan, Statement, Tally, Text, Timestamp, TxnId,
};

pub const LANE: u16 = 3;

pub fn vault() -> Vault {
    Vault::new([0x42; 32], LANE)
}

pub fn at(n: u64) -> Timestamp {
    Timestamp::from_unix_ms(1_795_305_791_482 + n as i64)
}

pub fn date() -> BusinessDate {
    BusinessDate::new(2026, 11, 22).expect("a day")
}

pub fn key(n: u64) -> Key {
    Key {
        source: SourceId(2),
        terminal_id: Text::clipped(b"ATM00017"),
        stan: Stan((n % 999_999) as u32 + 1),
        local_time: LocalTime::new(date(), 13, 59, (n % 60) as u8),
    }
}

pub fn pan(n: u64) -> Pan {
    Pan::new(format!("62284812{:08}", n % 100_000_000).as_bytes()).expect("digits")
}

pub fn sent(n: u64) -> Sent {
    Sent {
        id: TxnId(n),
        key: key(n),
        fingerprint: n.wrapping_mul(0x9E37_79B9_7F4A_7C15),
        message: MessageType::from_digits([2, 0, 0]).expect("a type"),
        kind: Kind::Withdrawal,
        processing_code: Text::clipped(b"010000"),
        pan: pan(n).into(),
        amount: Amount::minor(50_000),
        currency: Currency::numeric(156).expect("three digits"),
        rrn: Text::clipped(b"632613000042"),
        acquirer_id: Text::clipped(b"01040000000"),
        transmitted_at: Text::clipped(b"1122135900"),
        link: LinkId(1),
        host_stan: Stan(900_001),
        host_rrn: Text::clipped(b"632613000042"),
        host_transmitted_at: Text::clipped(b"1122055900"),
        business_date: date(),
        own_date: None,
        route: Text::clipped(b"prefix 622848"),
        to_account: Account::None,
        kept: Carried::default(),
        at: at(n),
    }
}

pub fn remembered() -> Remembered {
    Remembered {
        outcome: Outcome::Approved,
        code: Code::Approved,
        approval_code: Text::clipped(b"A12345"),
        rrn: Text::EMPTY,
        settlement_date: Some(date()),
    }
}

pub fn decided(n: u64) -> Record {
    Record::Decided {
        id: TxnId(n),
        answer: remembered(),
        wire_code: Text::clipped(b"00"),
        owes: None,
        approved: None,
        at: at(n),
    }
}

pub fn forward(n: u64, duty: Duty) -> Forward {
    Forward {
        id: ForwardId(n),
        duty,
        link: LinkId(1),
        host_stan: Stan(77),
        remaining: Amount::minor(100),
        business_date: date(),
    }
}

/// One of every kind.
pub fn every_kind() -> Vec<Record> {
    let declined = Declined {
        id: TxnId(4),
        key: Key { local_time: None, ..key(4) },
        fingerprint: u64::MAX,
        takes_key: true,
        message: MessageType::from_digits([1, 0, 1]).expect("a type"),
        kind: Kind::Purchase,
        pan: Card::None,
        amount: Amount::default(),
        currency: Currency::NONE,
        answer: Remembered { outcome: Outcome::Refused, code: Code::NoRoute, ..remembered() },
        reason: Text::clipped(b"no prefix"),
        at: at(4),
    };
    let observed = Observed {
        kind: Observation::Stranger,
        link: LinkId(u16::MAX),
        host_stan: Stan(7),
        id: None,
        wire_code: Text::EMPTY,
        at: Timestamp::from_unix_ms(-1),
    };
    let kept = Kept {
        id: TxnId(9),
        key: key(9),
        fingerprint: 1,
        kind: Kind::Deposit,
        transmitted_at: Text::clipped(b"1122140311"),
        answer: remembered(),
        by: DecidedBy::Tombstone,
        at: at(9),
    };
    vec![
        Record::Opened { version: Text::clipped(b"0.1.0"), synced: true, at: at(0) },
        Record::Named { what: Named::Source, number: 2, name: Text::clipped(b"branch") },
        Record::Sent(sent(1)),
        decided(1),
        Record::Inquired(sent(2)),
        Record::TimedOut {
            id: TxnId(2),
            answer: remembered(),
            owes: Some(forward(1, Duty::Reversal)),
            at: at(2),
        },
        Record::Decided {
            id: TxnId(2),
            answer: remembered(),
            wire_code: Text::EMPTY,
            owes: Some(forward(2, Duty::Reversal)),
            approved: None,
            at: at(2),
        },
        Record::Decided {
            id: TxnId(2),
            answer: remembered(),
            wire_code: Text::EMPTY,
            owes: Some(forward(2, Duty::Reversal)),
            approved: Some(Amount::minor(30)),
            at: at(2),
        },
        Record::Owed { id: TxnId(2), forward: forward(3, Duty::Advice), why: Why::Undelivered, at: at(2) },
        Record::Marked { id: TxnId(2), mark: Mark::Confirm, at: at(2) },
        Record::Marked { id: TxnId(2), mark: Mark::Reverse { remaining: Amount::minor(5) }, at: at(2) },
        Record::Advised { sent: sent(5), forward: forward(4, Duty::Advice) },
        Record::Attempt { forward: ForwardId(4), number: 2, host_stan: Stan(78), at: at(5) },
        forwarded(None),
        forwarded(Some(forward(6, Duty::Reversal))),
        forwarded(Some(forward(7, Duty::Reversal))),
        Record::Sent(sent_to(1)),
        Record::Inquired(sent_to(2)),
        Record::Advised { sent: sent_to(5), forward: forward(4, Duty::Advice) },
        Record::Debited(Debited { sent: sent_to(6), onward: ONWARD }),
        Record::Debited(Debited { sent: sent(6), onward: ONWARD }),
        Record::Credited(Credited {
            id: TxnId(6),
            wire_code: Text::clipped(b"00"),
            approval_code: Text::clipped(b"A1B2C3"),
            link: LinkId(2),
            host_stan: Stan(77),
            host_transmitted_at: Text::clipped(b"1122055901"),
            business_date: date(),
            at: at(6),
        }),
        Record::Sent(keeping(sent(1))),
        Record::Sent(keeping(sent_to(1))),
        Record::Advised { sent: keeping(sent(5)), forward: forward(4, Duty::Advice) },
        Record::Debited(Debited { sent: keeping(sent_to(6)), onward: ONWARD }),
        Record::Stranded(declined.clone()),
        Record::Noted { id: TxnId(6), matter: Matter::Amount },
        Record::Withdrawn { id: TxnId(6), forward: ForwardId(5), owes: None, at: at(6) },
        Record::Withdrawn {
            id: TxnId(6),
            forward: ForwardId(5),
            owes: Some(forward(6, Duty::Reversal)),
            at: at(6),
        },
        Record::Remembers { most: 131_072 },
        Record::NotSent {
            id: TxnId(6),
            answer: remembered(),
            owes: Some(forward(7, Duty::Reversal)),
            at: at(7),
        },
        Record::Exception {
            id: TxnId(2),
            forward: Some(ForwardId(3)),
            reason: Text::clipped(b"the host's day changed"),
            at: at(6),
        },
        Record::Exception { id: TxnId(2), forward: None, reason: Text::EMPTY, at: at(6) },
        Record::Ruled {
            forward: ForwardId(3),
            ruling: Ruling::Settle,
            by: Text::clipped(b"suzuki"),
            reason: Text::clipped(b"paid out by hand"),
            at: at(7),
        },
        Record::HostDate { link: LinkId(1), date: date(), compares: true, at: at(8) },
        Record::Cutover { link: LinkId(1), stage: CutStage::Begun, date: date(), at: at(8) },
        Record::Ticketed {
            id: TxnId(77),
            ticket: Ticket { name: u128::MAX - 5, contents: 1 << 63, caller: 3 },
            key: sent(77).key,
            at: at(8),
        },
        Record::LinkOrdered {
            link: LinkId(1),
            order: LinkOrder::Maintain,
            by: Text::clipped(b"suzuki"),
            at: at(8),
        },
        Record::Resolved { id: TxnId(2), after: After::Nothing },
        Record::Resolved { id: TxnId(2), after: After::Reversing(ForwardId(3)) },
        Record::Resolved { id: TxnId(2), after: After::Reversed },
        Record::Resolved { id: TxnId(2), after: After::Confirming(ForwardId(3)) },
        Record::Resolved { id: TxnId(2), after: After::Confirmed },
        Record::Resolved { id: TxnId(2), after: After::Exception },
        Record::Resolved { id: TxnId(2), after: After::Captured(TxnId(9)) },
        Record::NotSent { id: TxnId(3), answer: remembered(), owes: None, at: at(3) },
        Record::Declined(declined),
        Record::Observed(observed),
        Record::Kept(kept),
        Record::Numbers {
            next_id: TxnId(10),
            next_forward: ForwardId(5),
            link: Some(LinkId(u16::MAX)),
            last_stan: Stan(999_999),
        },
        Record::Numbers { next_id: TxnId(10), next_forward: ForwardId(0), link: None, last_stan: Stan(0) },
        Record::Sent(dated(sent(1))),
        Record::Sent(dated(keeping(sent_to(1)))),
        Record::Inquired(dated(sent_to(2))),
        Record::Advised { sent: dated(keeping(sent(5))), forward: forward(4, Duty::Advice) },
        Record::Debited(Debited { sent: dated(sent_to(6)), onward: ONWARD }),
        Record::Day(DayRecord::Own { date: date(), by: Text::clipped(b"schedule"), at: at(8) }),
        Record::Day(DayRecord::Frozen { link: LinkId(1), date: date(), at: at(8) }),
        Record::Day(DayRecord::TotalsSent {
            link: LinkId(1),
            date: date(),
            currency: Currency::NONE,
            number: 3,
            host_stan: Stan(79),
            said: None,
            at: at(8),
        }),
        Record::Day(DayRecord::TotalsSent {
            link: LinkId(1),
            date: date(),
            currency: Currency::NONE,
            number: 3,
            host_stan: Stan(79),
            said: Some(Box::new(said())),
            at: at(8),
        }),
        Record::Day(DayRecord::CutoverSaid {
            link: LinkId(1),
            ends: true,
            stan: Stan(900_001),
            transmitted_at: Text::clipped(b"1123000000"),
            at: at(8),
        }),
        compared(None),
        compared(Some(Balance::OutOfBalance)),
        Record::Day(DayRecord::CompareOrdered {
            link: LinkId(1),
            date: date(),
            by: Text::clipped(b"suzuki"),
            at: at(8),
        }),
        Record::Day(DayRecord::Ended { link: LinkId(1), date: date(), compares: true, at: at(8) }),
        Record::Day(DayRecord::CountedAnew),
        Record::Day(DayRecord::Counted(Box::new(Counted {
            link: LinkId(1),
            date: date(),
            currency: Currency::NONE,
            late: true,
            tallies: [Tally { count: u64::MAX, sum: u128::MAX }; Counted::TALLIES],
            exceptions: 1,
        }))),
        tallied(None),
        tallied(Some(Amount::minor(30))),
        Record::Closed { at: at(9) },
    ]
}

const ONWARD: Onward = Onward { link: LinkId(2), route: Text::EMPTY };

/// As [`sent`], to an account that receives: as long as a card number, because it often is one.
pub fn sent_to(n: u64) -> Sent {
    Sent { to_account: Account::Clear(account(n)), ..sent(n) }
}

/// With what a host demands of a reversal besides.
fn keeping(sent: Sent) -> Sent {
    let mut kept = Carried::default();
    kept.push(Noun::ForwarderId, b"12345678901");
    kept.push(Noun::AcceptorName, b"ACME STORES 42         SPRINGFIELD  ILUS");
    Sent { kept, ..sent }
}

/// With the switch's own day.
fn dated(sent: Sent) -> Sent {
    Sent { own_date: Some(date()), ..sent }
}

fn compared(balance: Option<Balance>) -> Record {
    let mut ours = Statement::default();
    ours.set(Figure::Net, i128::MIN);
    ours.set(Figure::CreditsNumber, i128::MAX);
    Record::Day(DayRecord::Compared(Box::new(Compared {
        link: LinkId(1),
        date: date(),
        currency: Currency::NONE,
        balance,
        ours,
        theirs: Statement::default(),
        wire_code: Text::clipped(b"501"),
        asked_by_peer: balance.is_none(),
        at: at(8),
    })))
}

fn tallied(part: Option<Amount>) -> Record {
    Record::Day(DayRecord::Tallied(Tallied { id: TxnId(6), second: true, state: 15, date: date(), part }))
}

fn said() -> Statement {
    let mut said = Statement::default();
    said.set(Figure::DebitsNumber, 2);
    said.set(Figure::Net, -42_000);
    said
}

pub fn account(n: u64) -> Text<28> {
    Text::clipped(pan(n).expose())
}

fn forwarded(owes: Option<Forward>) -> Record {
    let settlement_date = owes.filter(|forward| forward.id.0 % 2 == 1).map(|_| date());
    Record::Forwarded {
        forward: ForwardId(4),
        wire_code: Text::clipped(b"00"),
        settlement_date,
        owes,
        at: at(5),
    }
}

/// A record as it comes back: card and account sealed.
pub fn sealed(record: &Record) -> Record {
    let seal = |sent: &Sent| Sent {
        pan: seal_card(sent.id, &sent.pan),
        to_account: match &sent.to_account {
            Account::Clear(account) => Account::Sealed(vault().seal_account(sent.id, account)),
            other => other.clone(),
        },
        ..sent.clone()
    };
    match record {
        Record::Debited(Debited { sent, onward }) => {
            Record::Debited(Debited { sent: seal(sent), onward: *onward })
        }
        Record::Sent(sent) => Record::Sent(seal(sent)),
        Record::Inquired(sent) => Record::Inquired(seal(sent)),
        Record::Advised { sent, forward } => Record::Advised { sent: seal(sent), forward: *forward },
        other => other.clone(),
    }
}

fn seal_card(id: TxnId, card: &Card) -> Card {
    match card {
        Card::Clear(pan) => Card::Sealed(vault().seal(id, pan)),
        other => other.clone(),
    }
}

/// Opens, and gives back everything folded.
pub fn open(memory: Memory) -> Result<(Journal<Memory>, Recovered, Vec<Record>), JournalError> {
    let mut records = Vec::new();
    let (journal, recovered) = Journal::open(memory, LANE, &mut |record| records.push(record))?;
    Ok((journal, recovered, records))
}

/// Commits these records as one batch.
pub fn commit(journal: &mut Journal<Memory>, records: &[Record]) -> Result<(), JournalError> {
    let mut batch = Batch::starting_at(journal.position().next);
    for record in records {
        batch.push(record, &vault());
    }
    journal.commit(&mut batch).map(drop)
}

/// Batches of the given sizes: each a run of sent and decided records.
pub fn batches(sizes: &[u64]) -> Vec<Vec<Record>> {
    let mut n = 0;
    (sizes.iter())
        .map(|&size| {
            (0..size)
                .map(|_| {
                    n += 1;
                    sealed(&if n % 2 == 1 { Record::Sent(sent(n)) } else { decided(n - 1) })
                })
                .collect()
        })
        .collect()
}

/// A journal in memory with these batches, each durable.
pub fn written(segment_bytes: u64, batches: &[Vec<Record>]) -> Memory {
    let (mut journal, _, _) = open(Memory::new(segment_bytes)).expect("an empty memory opens");
    for batch in batches {
        commit(&mut journal, batch).expect("memory does not fail");
    }
    journal.into_storage()
}
