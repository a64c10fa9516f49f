//! How a simulated centre compares totals: its own books against what the switch says, and the other way round.

use super::script::Reaction;
use super::{Center, State};
use crate::sim::rules::Manner;
use book::{Figures, NetRule, ReversalBucket};
use net::Conn;
use serde::Deserialize;
use std::rc::Rc;
use std::time::Duration;
use terms::{
    Answer, Balance, BusinessDate, Code, Comparison, Currency, Figure, Noun, Outcome, Outgoing, Statement,
    Text, Txn,
};
use wire::HeaderBytes;

/// How totals are answered.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields, default)]
pub struct TotalsToml {
    /// In which manner, and with which code: `approved` compares, anything else refuses.
    pub answer: Reaction,
    /// Debits it pretends to have beyond those in its books.
    pub off_by: i64,
    /// So many comparisons are off; then its books are right. 0 for always.
    pub off_times: u32,
}

impl State {
    /// What its books say of a day, with what it pretends.
    fn own_statement(&mut self, date: BusinessDate, currency: Currency) -> Statement {
        let totals = self.ledger.day(date, currency);
        let (reversals, net) = self.rule;
        let mut statement = Figures::of(&totals, reversals).statement(net);
        let off = self.script.totals.off_by;
        if off != 0 {
            let debits = statement.get(Figure::DebitsNumber).unwrap_or_default();
            statement.set(Figure::DebitsNumber, debits + i128::from(off));
            match self.script.totals.off_times {
                0 => {}
                1 => (self.script.totals.off_by, self.script.totals.off_times) = (0, 0),
                times => self.script.totals.off_times = times - 1,
            }
        }
        statement
    }
}

impl Center {
    /// The switch says its totals.
    pub(super) fn on_totals(self: &Rc<Self>, conn: &Conn, header: HeaderBytes, request: Txn) {
        let said = request.totals.as_deref().copied().unwrap_or_default();
        let date = said.date.or(request.settlement_date);
        let (answer, reaction, words) = {
            let mut state = self.state.borrow_mut();
            let (reaction, next) = state.script.totals.answer.taken();
            state.script.totals.answer = next;
            let (answer, words) = match date {
                _ if !reaction.accepts() => {
                    let code = reaction.code.0;
                    (Answer::ours(code, code.outcome()), code.name().to_owned())
                }
                Some(date) if date < state.date => {
                    let ours = state.own_statement(date, said.currency);
                    let differs = ours.differences(&said.statement).next().is_some();
                    let balance = if differs { Balance::OutOfBalance } else { Balance::Balanced };
                    state.counts.compared += 1;
                    state.counts.differed += u64::from(differs);
                    let totals =
                        Comparison { date: Some(date), statement: ours, balance: Some(balance), ..said };
                    let answer = answer_with(totals, Code::Approved);
                    (answer, format!("{} {} {}", balance.name(), date, said.currency))
                }
                _ => {
                    let balance = Some(Balance::NotAvailable);
                    let totals = Comparison { date, balance, ..Comparison::default() };
                    (answer_with(totals, Code::NotFound), "not_available".to_owned())
                }
            };
            (answer, reaction, words)
        };
        let manner = reaction.manner;
        if manner == Manner::Answer {
            self.tell(format!("totals of the switch: {words}"));
        } else {
            self.tell(format!("totals of the switch: {words}, and not said so"));
        }
        self.reply(conn, header, request, answer, manner, Duration::from_millis(reaction.delay_ms));
    }

    /// Asks the switch for its totals of the day that ended last; with its own beside, or without.
    pub(super) fn ask_for_totals(&self, with_ours: bool) {
        let Some(rule) = self.speech.dialect.reconciliation() else {
            return self.tell("the dialect compares no totals");
        };
        let (stan, now, date, currency, statement) = {
            let mut state = self.state.borrow_mut();
            let date = BusinessDate::from_days(state.date.days() - 1);
            let currency = state.ledger.currency();
            let statement =
                if with_ours { state.own_statement(date, currency) } else { Statement::default() };
            let stan = state.draw_stan();
            state.asked_for_totals = Some(stan);
            (stan, state.clock.now(), date, currency, statement)
        };
        let mut request = Txn {
            local_time: Some(now.local()),
            settlement_date: Some(date),
            totals: Some(Box::new(Comparison { date: Some(date), currency, statement, balance: None })),
            ..Txn::new(rule.message)
        };
        request.carried.push(Noun::SettlementCurrency, currency.to_string().as_bytes());
        request.carried.push(Noun::ReceiverId, b"1");
        let transmitted_at = Text::clipped(b"0101000000");
        let ours = Outgoing { stan, rrn: Text::EMPTY, transmitted_at, repeat: false };
        let sent = self.next_conn().map(|conn| {
            let header = conn.framing().request_header();
            conn.send(header.as_bytes(), |out| self.speech.dialect.write_request(&request, &ours, out))
        });
        match sent {
            Some(Ok(())) => self.tell(format!("asked for totals of {date}")),
            Some(Err(error)) => self.tell(format!("not asked for totals: {error}")),
            None => self.tell("not asked for totals: no connection stands"),
        }
        self.net.flush();
    }

    /// What the switch answered when it was asked for totals.
    pub(super) fn on_totals_told(&self, answer: &Txn) {
        let said = answer.totals.as_deref().copied().unwrap_or_default();
        let balance = said.balance.map_or("told", Balance::name);
        let debits = said.statement.get(Figure::DebitsNumber).unwrap_or_default();
        let outcome = answer.outcome.map_or("nothing", Outcome::name);
        self.tell(format!("totals: the switch answered {outcome} {balance}, {debits} debits"));
    }
}

fn answer_with(totals: Comparison, code: Code) -> Answer {
    let mut answer = Answer { settlement_date: totals.date, ..Answer::ours(code, code.outcome()) };
    answer.carried.push(Noun::SettlementCurrency, totals.currency.to_string().as_bytes());
    answer.totals = Some(Box::new(totals));
    answer
}

/// How a dialect's contract makes totals.
pub(super) fn rule_of(dialect: &dialects::Dialect) -> (ReversalBucket, NetRule) {
    dialect.reconciliation().map_or_else(Default::default, |rule| (rule.reversals, rule.net))
}
