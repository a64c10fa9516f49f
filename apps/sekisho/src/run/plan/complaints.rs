//! What cannot work, though every table by itself is well written.

use super::Plan;
use super::tables::management_of;
use crate::config::{LinkToml, ListenerToml, RouteToml};
use crate::run::guard::Rule;
use dialects::Dialect;
use std::collections::BTreeMap;
use switch::Demands;
use terms::{
    BusinessDate, Carried, Comparison, Figure, Kind, LocalTime, Network, Noun, Outgoing, Stan, Statement,
    Text, Txn,
};

impl Plan {
    /// Everything that cannot work, one line each.
    pub(super) fn complaints(&self) -> Vec<String> {
        let mut loaded = BTreeMap::new();
        let mut complaints = Vec::new();
        for link in &self.config.link {
            let dialect = self.dialect(&link.dialect, &mut loaded);
            let wrong = complaints_about_speech(link, &dialect);
            complaints.extend(wrong.into_iter().map(|line| format!("link `{}`: {line}", link.name)));
        }
        complaints.extend(self.guards_that_do_not_fit());
        complaints.extend(self.legs_nobody_can_write());
        complaints.extend(self.debts_nobody_can_pay());
        complaints
    }

    /// A reversal or an advice is written from what the journal keeps. A dialect that demands more, and has no
    /// default for it, could never be paid.
    fn debts_nobody_can_pay(&self) -> Vec<String> {
        let mut loaded = BTreeMap::new();
        let mut wrong = Vec::new();
        for link in &self.config.link {
            let dialect = self.dialect(&link.dialect, &mut loaded);
            let mut demanded: Vec<_> = dialect.demands_of_owed().collect();
            demanded.retain(|noun| !Demands::KEPT.contains(noun));
            demanded.sort_by_key(|noun| *noun as u8);
            demanded.dedup();
            for noun in demanded {
                wrong.push(format!(
                    "link `{}`: dialect `{}` demands {noun} in reversals or advices, which is not kept for \
                     them: state a [default], or do not demand it there",
                    link.name, link.dialect
                ));
            }
        }
        wrong
    }

    /// What is to be guarded must have an algorithm, and messages with room for a code.
    fn guards_that_do_not_fit(&self) -> Vec<String> {
        let mut loaded = BTreeMap::new();
        let mut wrong = Vec::new();
        for listener in &self.config.listener {
            if let Err(why) = self.guard_of_listener(listener, &listener.name, &mut loaded) {
                wrong.push(format!("listener `{}`: security: {why}", listener.name));
            }
        }
        for link in &self.config.link {
            let dialect = self.dialect(&link.dialect, &mut loaded);
            if let Err(why) = Rule::of(link.security.as_ref(), &link.name, true, &dialect) {
                wrong.push(format!("link `{}`: security: {why}", link.name));
            }
        }
        wrong
    }

    /// Transfers between two hosts are two messages, and each host must have a word for its own: without one,
    /// half a transfer would be sent as a whole one.
    fn legs_nobody_can_write(&self) -> Vec<String> {
        let mut loaded = BTreeMap::new();
        let mut wrong = Vec::new();
        if self.config.receiver.is_empty() {
            return wrong;
        }
        for link in &self.config.link {
            let dialect = self.dialect(&link.dialect, &mut loaded);
            let receives = self.config.receiver.iter().any(|line| line.link == link.name);
            let takes_transfers = |route: &RouteToml| {
                route.link == link.name && route.kind.as_deref().is_none_or(|kind| kind == "transfer")
            };
            let is_default = |listener: &ListenerToml| listener.default_link.as_ref() == Some(&link.name);
            let pays =
                self.config.route.iter().any(takes_transfers) || self.config.listener.iter().any(is_default);
            for (is_asked, kind) in [(receives, Kind::TransferIn), (pays, Kind::TransferOut)] {
                if is_asked && !dialect.writes_kind(kind) {
                    wrong.push(format!(
                        "link `{}`: there are [[receiver]] lines, and dialect `{}` has no processing code for \
                         {kind}",
                        link.name, link.dialect
                    ));
                }
            }
        }
        wrong
    }
}

/// What a link that signs on will have to say, and cannot: said before it is needed.
fn complaints_about_speech(link: &LinkToml, dialect: &Dialect) -> Vec<String> {
    let totals = complaint_about_totals(link, dialect);
    totals.into_iter().chain(complaints_about_management(link, dialect)).collect()
}

/// Totals that could never be told are found out before a day has ended.
fn complaint_about_totals(link: &LinkToml, dialect: &Dialect) -> Option<String> {
    let table = link.reconciliation.as_ref()?;
    let Some(rule) = dialect.reconciliation() else {
        return Some(format!(
            "there is [link.reconciliation], and dialect `{}` compares no totals",
            link.dialect
        ));
    };
    let config = table.reconciliation(rule.message, rule.reversals, rule.net);
    let day = BusinessDate::from_days(20_000);
    let mut statement = Statement::default();
    Figure::ALL.into_iter().for_each(|figure| statement.set(figure, 0));
    let comparison = Comparison { date: Some(day), currency: config.currency, statement, balance: None };
    let mut carried = config.says.clone();
    carried.push(Noun::SettlementCurrency, format!("{}", config.currency).as_bytes());
    let request = Txn {
        acquirer_id: config.acquirer_id,
        local_time: Some(LocalTime { date: day, second_of_day: 0 }),
        settlement_date: Some(day),
        totals: Some(Box::new(comparison)),
        carried,
        ..Txn::new(config.message)
    };
    let transmitted_at = Text::clipped(b"0101000000");
    let ours = Outgoing { stan: Stan(1), rrn: Text::EMPTY, transmitted_at, repeat: false };
    let written = dialect.write_request(&request, &ours, &mut Vec::new());
    written.err().map(|error| format!("totals cannot be said: {error}; put it into reconciliation.says"))
}

fn complaints_about_management(link: &LinkToml, dialect: &Dialect) -> Vec<String> {
    let Some(toml) = &link.management else { return Vec::new() };
    let management = management_of(link, dialect);
    let sample = |about: Network| {
        let Some(message) = management.types.of(about) else {
            return Some(format!("dialect `{}` has no {about} message", link.dialect));
        };
        let request = Txn {
            network: about,
            acquirer_id: management.acquirer_id,
            local_time: Some(LocalTime { date: BusinessDate::from_days(0), second_of_day: 0 }),
            carried: Carried::clone(&management.says),
            ..Txn::new(message)
        };
        let transmitted_at = Text::clipped(b"0101000000");
        let ours = Outgoing { stan: Stan(1), rrn: Text::EMPTY, transmitted_at, repeat: false };
        let written = dialect.write_request(&request, &ours, &mut Vec::new());
        written.err().map(|error| format!("{about} cannot be said: {error}; put it into management.says"))
    };
    toml.speaks().filter_map(sample).collect()
}
