//! Totals of a day, from words to bytes and back, in each dialect that has them.

use dialects::Dialect;
use terms::{
    Answer, Balance, BusinessDate, Code, Comparison, Currency, Figure, LocalTime, MessageType, Noun, Outcome,
    Outgoing, Stan, Statement, Text, Txn,
};

fn day() -> BusinessDate {
    BusinessDate::new(2026, 11, 22).expect("a day")
}

fn statement() -> Statement {
    let mut said = Statement::default();
    for (at, figure) in Figure::ALL.into_iter().enumerate() {
        said.set(figure, 1_000 + at as i128);
    }
    said.set(Figure::Net, -98_765_432_109_876);
    said
}

fn totals(dialect: &Dialect) -> Txn {
    let message = dialect.reconciliation().expect("it has totals").message;
    let currency = Currency::numeric(392).expect("yen");
    let mut txn = Txn {
        local_time: LocalTime::new(day(), 0, 5, 0),
        settlement_date: Some(day()),
        totals: Some(Box::new(Comparison {
            date: Some(day()),
            currency,
            statement: statement(),
            balance: None,
        })),
        ..Txn::new(message)
    };
    txn.carried.push(Noun::SettlementCurrency, b"392");
    txn.carried.push(Noun::ReceiverId, b"12345");
    txn
}

fn ours(repeat: bool) -> Outgoing {
    Outgoing { stan: Stan(77), rrn: Text::EMPTY, transmitted_at: Text::clipped(b"1122000500"), repeat }
}

fn with_totals() -> Vec<Dialect> {
    let all = Dialect::shipped().iter().filter_map(|(name, _)| Dialect::named(name));
    all.filter(|dialect| dialect.reconciliation().is_some()).collect()
}

fn said(txn: &Txn) -> Comparison {
    **txn.totals.as_ref().expect("a message about totals says some")
}

#[test]
fn what_we_say_of_a_day_comes_back_figure_by_figure() {
    let dialects = with_totals();
    assert!(dialects.len() >= 6, "the shipped families have totals");
    for dialect in dialects {
        for repeat in [false, true] {
            let mut bytes = Vec::new();
            dialect
                .write_request(&totals(&dialect), &ours(repeat), &mut bytes)
                .expect("it has all it demands");
            let read = dialect.read(&bytes, day()).expect("it has all it demands");
            assert_eq!(said(&read).statement, statement(), "{}", dialect.name());
            assert_eq!(said(&read).currency.number(), 392, "{}", dialect.name());
            let date = said(&read).date.or(read.settlement_date);
            assert_eq!(date, Some(day()), "{}", dialect.name());
        }
    }
}

#[test]
fn an_answer_says_what_it_came_to_and_the_other_side() {
    for dialect in with_totals() {
        let mut bytes = Vec::new();
        dialect.write_request(&totals(&dialect), &ours(false), &mut bytes).expect("written");
        let asked = dialect.read(&bytes, day()).expect("read");
        for balance in Balance::ALL {
            let comparison = Comparison { statement: statement(), balance: Some(balance), ..said(&asked) };
            let code = if balance == Balance::NotAvailable { Code::NotFound } else { Code::Approved };
            let answer = Answer {
                settlement_date: Some(day()),
                totals: Some(Box::new(comparison)),
                ..Answer::ours(code, code.outcome())
            };
            let mut bytes = Vec::new();
            dialect.write_answer(&asked, &answer, &mut bytes).expect("it has all it demands");
            let read = dialect.read(&bytes, day()).expect("it has all it demands");
            assert_eq!(said(&read).balance, Some(balance), "{}", dialect.name());
            assert_eq!(said(&read).statement, statement(), "{}", dialect.name());
            let refused = balance == Balance::NotAvailable;
            assert_eq!(read.outcome == Some(Outcome::Refused), refused, "{} {balance:?}", dialect.name());
        }
    }
}

#[test]
fn a_contract_may_mean_otherwise() {
    let own = "name = \"own\"\nlike = \"iso87-ascii\"\n[reconciliation]\nas = \"0520\"\nreversals = \"effect\"\n\
               net = \"plain\"\n[reconciliation.figures]\n80 = \"none\"\n";
    let dialect = Dialect::load(own).expect("good");
    let rule = dialect.reconciliation().expect("totals");
    assert_eq!(MessageType::digits(rule.message), [5, 2, 0]);
    assert_eq!((rule.reversals.name(), rule.net.name()), ("effect", "plain"));
    let mut bytes = Vec::new();
    dialect.write_request(&totals(&dialect), &ours(false), &mut bytes).expect("written");
    let read = dialect.read(&bytes, day()).expect("read");
    assert_eq!(said(&read).statement.get(Figure::InquiriesNumber), None, "it does not say that");
}

#[test]
fn what_is_wrong_is_said_with_its_line() {
    for (text, wanted) in [
        ("as = \"0800\"", "is no message that compares totals"),
        ("reversals = \"both\"", "`reversals` is"),
        ("net = \"gross\"", "`net` is"),
        ("date = 4", "DE 4 cannot hold that"),
        ("date = 15", "mapped to something else"),
        ("verdict = 39", "cannot hold that"),
        ("figures = { 74 = \"credit_number\" }", "did you mean `credits_number`"),
        ("figures = { 2 = \"credits_number\" }", "mapped to something else"),
        ("sign = 1", "unknown key `sign`"),
    ] {
        let file = format!("name = \"own\"\nlike = \"iso87-ascii\"\n[reconciliation]\n{text}\n");
        let findings = Dialect::check(&file).iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
        assert!(findings.contains(wanted), "{text}: {findings}");
        assert!(Dialect::load(&file).is_err(), "{text}");
    }
    let none = "name = \"own\"\nlike = \"iso87-ascii\"\nreconciliation = \"none\"\n";
    assert!(Dialect::load(none).expect("good").reconciliation().is_none());
}
