use crate::{Class, Totals};
use terms::{Figure, NetRule, ReversalBucket, Statement, Tally};

/// The figures two parties compare.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Credits and what was undone, as the rule puts it (fields 74, 75, 86, 87).
    pub credits: Sides,
    /// Debits likewise (fields 76, 77, 88, 89).
    pub debits: Sides,
    /// Transfers in one message (fields 78, 79).
    pub transfers: Sides,
    /// Inquiries (field 80).
    pub inquiries: u64,
    /// Authorizations (field 81).
    pub authorizations: u64,
    /// What is left when all is added up (field 97).
    pub net: Net,
}

/// What was done, and what was undone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sides {
    /// Done.
    pub done: Tally,
    /// Undone.
    pub reversed: Tally,
}

/// An amount with a direction, seen by the sender of the figures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Net {
    /// So much more went to accounts than came from them.
    Credit(u128),
    /// So much more came from accounts than went to them.
    Debit(u128),
}

impl Default for Net {
    fn default() -> Self {
        Self::Credit(0)
    }
}

impl Figures {
    /// The figures as they are said to a host.
    pub fn statement(&self, net: NetRule) -> Statement {
        let mut said = Statement::default();
        for (number, amount, tally) in [
            (Figure::CreditsNumber, Figure::CreditsAmount, self.credits.done),
            (Figure::CreditsReversalNumber, Figure::CreditsReversalAmount, self.credits.reversed),
            (Figure::DebitsNumber, Figure::DebitsAmount, self.debits.done),
            (Figure::DebitsReversalNumber, Figure::DebitsReversalAmount, self.debits.reversed),
        ] {
            said.set(number, i128::from(tally.count));
            said.set(amount, tally.sum.cast_signed());
        }
        said.set(Figure::TransfersNumber, i128::from(self.transfers.done.count));
        said.set(Figure::TransfersReversalNumber, i128::from(self.transfers.reversed.count));
        said.set(Figure::InquiriesNumber, i128::from(self.inquiries));
        said.set(Figure::AuthorizationsNumber, i128::from(self.authorizations));
        let sum = |tally: Tally| tally.sum.cast_signed();
        let (credits, debits) = (sum(self.credits.done), sum(self.debits.done));
        let (back, forth) = (sum(self.credits.reversed), sum(self.debits.reversed));
        match net {
            NetRule::Signed => said.set(Figure::Net, (credits - back) - (debits - forth)),
            NetRule::Plain => said.set(Figure::Net, credits + back - debits - forth),
            NetRule::Unsaid => {}
        }
        said
    }

    /// The figures of a bucket under the rule of a contract. The net is the same under both: what was undone
    /// leaves nothing behind.
    pub fn of(totals: &Totals, rule: ReversalBucket) -> Self {
        let (undone_credits, undone_debits) = (totals.undone(Class::Credit), totals.undone(Class::Debit));
        let (with_credits, with_debits) = match rule {
            ReversalBucket::Original => (undone_credits, undone_debits),
            ReversalBucket::Effect => (undone_debits, undone_credits),
        };
        let to_accounts = totals.done(Class::Credit).sum + undone_debits.sum;
        let from_accounts = totals.done(Class::Debit).sum + undone_credits.sum;
        let side = |class, reversed| Sides { done: totals.done(class), reversed };
        Self {
            credits: side(Class::Credit, with_credits),
            debits: side(Class::Debit, with_debits),
            transfers: side(Class::Transfer, totals.undone(Class::Transfer)),
            inquiries: totals.done(Class::Inquiry).count,
            authorizations: totals.done(Class::Authorization).count,
            net: match to_accounts.checked_sub(from_accounts) {
                Some(surplus) => Net::Credit(surplus),
                None => Net::Debit(from_accounts - to_accounts),
            },
        }
    }
}
