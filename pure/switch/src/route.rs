use alloc::vec::Vec;
use terms::{Kind, LinkId, SourceId, Text, Txn};

/// One line of the routing table: all that it names must hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// First digits of the card; empty for any card, and for messages without one.
    pub prefix: Text<19>,
    /// From this source only.
    pub source: Option<SourceId>,
    /// Only this kind of transaction.
    pub kind: Option<Kind>,
    /// Where it goes.
    pub link: LinkId,
    /// What people call this line; kept with every transaction it decides.
    pub name: Text<24>,
}

/// One line of the table of receiving accounts: where the account a transfer goes to is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receiver {
    /// First characters of the account; empty for any account.
    pub prefix: Text<28>,
    /// From this source only.
    pub source: Option<SourceId>,
    /// Which host keeps it.
    pub link: LinkId,
    /// What people call this line; kept with every transfer it decides.
    pub name: Text<24>,
}

/// The routing table. The longest card prefix wins; among equals the line written first.
#[derive(Clone, Debug, Default)]
pub struct Routes {
    lines: Vec<Route>,
    receivers: Vec<Receiver>,
}

impl Routes {
    /// A table of these lines, in the order people wrote them.
    pub fn new(mut lines: Vec<Route>) -> Self {
        lines.sort_by_key(|route| core::cmp::Reverse(route.prefix.as_bytes().len())); // Stable: ties keep order.
        Self { lines, receivers: Vec::new() }
    }

    /// The same, with a table of the accounts that receive transfers.
    #[must_use]
    pub fn with_receivers(self, mut receivers: Vec<Receiver>) -> Self {
        receivers.sort_by_key(|line| core::cmp::Reverse(line.prefix.as_bytes().len()));
        Self { receivers, ..self }
    }

    /// The line that decides this request. Cost: linear in the table, one prefix comparison each.
    pub fn choose(&self, source: SourceId, txn: &Txn) -> Option<&Route> {
        self.lines.iter().find(|route| route.objection(source, txn).is_none())
    }

    /// The line that says where the account a transfer goes to is kept: the longest prefix wins, among equals
    /// the line written first. `None` for an account no line names, which is taken to be at the host that pays,
    /// and for everything that is no transfer.
    pub fn receiver(&self, source: SourceId, txn: &Txn) -> Option<&Receiver> {
        if txn.kind != Kind::Transfer || txn.to_account.is_empty() {
            return None;
        }
        self.receivers.iter().find(|line| line.objection(source, txn).is_none())
    }

    /// The lines in the order they are considered.
    pub fn lines(&self) -> &[Route] {
        &self.lines
    }

    /// The lines about receiving accounts, in the order they are considered.
    pub fn receivers(&self) -> &[Receiver] {
        &self.receivers
    }
}

impl Receiver {
    /// What this line has against saying where the account of that transfer is kept.
    pub fn objection(&self, source: SourceId, txn: &Txn) -> Option<Objection> {
        if !txn.to_account.as_bytes().starts_with(self.prefix.as_bytes()) {
            return Some(Objection::Prefix);
        }
        self.source.is_some_and(|wanted| wanted != source).then_some(Objection::Source)
    }
}

/// Why a line does not decide a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Objection {
    /// The card, or the account, begins otherwise.
    Prefix,
    /// It is for another source.
    Source,
    /// It is for another kind of transaction.
    Kind,
}

impl Route {
    /// What this line has against deciding this request; `None` where nothing does.
    pub fn objection(&self, source: SourceId, txn: &Txn) -> Option<Objection> {
        if !txn.pan.starts_with(self.prefix.as_bytes()) {
            return Some(Objection::Prefix);
        }
        if self.source.is_some_and(|wanted| wanted != source) {
            return Some(Objection::Source);
        }
        self.kind.is_some_and(|wanted| wanted != txn.kind).then_some(Objection::Kind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use terms::{MessageType, Pan};

    fn line(prefix: &str, source: Option<u16>, kind: Option<Kind>, link: u16, name: &str) -> Route {
        Route {
            prefix: Text::clipped(prefix.as_bytes()),
            source: source.map(SourceId),
            kind,
            link: LinkId(link),
            name: Text::clipped(name.as_bytes()),
        }
    }

    fn card(digits: &str, kind: Kind) -> Txn {
        let message = MessageType::from_digits([2, 0, 0]).expect("0200");
        Txn { pan: Pan::new(digits.as_bytes()).unwrap_or_default(), kind, ..Txn::new(message) }
    }

    #[test]
    fn the_longest_prefix_wins_and_then_the_first_line() {
        let routes = Routes::new(alloc::vec![
            line("", None, None, 0, "any"),
            line("4", None, None, 1, "four"),
            line("4111", Some(7), None, 2, "four ones from seven"),
            line("4111", None, Some(Kind::Deposit), 3, "deposits"),
            line("4111", None, None, 4, "four ones"),
        ]);
        let name = |source, digits, kind| {
            routes.choose(SourceId(source), &card(digits, kind)).map(|route| route.name.to_string())
        };
        use alloc::string::ToString;
        for (source, digits, kind, wanted) in [
            (0, "4999999999999999", Kind::Withdrawal, "four"),
            (7, "4111111111111111", Kind::Deposit, "four ones from seven"),
            (0, "4111111111111111", Kind::Deposit, "deposits"),
            (0, "4111111111111111", Kind::Withdrawal, "four ones"),
            (0, "6228480000000000", Kind::Withdrawal, "any"),
            (0, "", Kind::BalanceInquiry, "any"),
        ] {
            assert_eq!(name(source, digits, kind).as_deref(), Some(wanted), "{source} {digits} {kind}");
        }
    }

    #[test]
    fn without_a_line_there_is_no_route() {
        let routes = Routes::new(alloc::vec![line("62", None, None, 0, "sixty-two")]);
        assert_eq!(routes.choose(SourceId(0), &card("4111111111111111", Kind::Purchase)), None);
    }
}
