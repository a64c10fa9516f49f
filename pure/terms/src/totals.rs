//! What two parties tell each other when they compare a day.

use crate::{Amount, BusinessDate, Currency};

macro_rules! figures {
    ($($(#[$doc:meta])* $variant:ident = $number:literal, $name:literal;)*) => {
        /// One figure of a day, as the messages that compare totals tell it.
        ///
        /// Source: ISO 8583:1987 and ISO 8583:1993, elements 74 to 81, 86 to 89 and 97.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum Figure { $($(#[$doc])* $variant = $number,)* }

        impl Figure {
            /// Every one, in the order of their numbers in the journal.
            pub const ALL: [Self; 13] = [$(Self::$variant,)*];

            /// Its name, as dialect files and JSON write it.
            pub const fn name(self) -> &'static str { match self { $(Self::$variant => $name,)* } }
        }
    };
}

figures! {
    /// Credits.
    CreditsNumber = 0, "credits_number";
    /// Credits that were reversed, as the contract puts it.
    CreditsReversalNumber = 1, "credits_reversal_number";
    /// Debits.
    DebitsNumber = 2, "debits_number";
    /// Debits that were reversed, as the contract puts it.
    DebitsReversalNumber = 3, "debits_reversal_number";
    /// Transfers in one message.
    TransfersNumber = 4, "transfers_number";
    /// Transfers that were reversed.
    TransfersReversalNumber = 5, "transfers_reversal_number";
    /// Inquiries.
    InquiriesNumber = 6, "inquiries_number";
    /// Authorizations.
    AuthorizationsNumber = 7, "authorizations_number";
    /// Amount of the credits, in minor units.
    CreditsAmount = 8, "credits_amount";
    /// Amount of the reversed credits.
    CreditsReversalAmount = 9, "credits_reversal_amount";
    /// Amount of the debits.
    DebitsAmount = 10, "debits_amount";
    /// Amount of the reversed debits.
    DebitsReversalAmount = 11, "debits_reversal_amount";
    /// What is left of all amounts: positive where more went to accounts than came from them.
    Net = 12, "net";
}

impl Figure {
    /// The one of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|figure| figure.name() == name)
    }

    /// Whether it is an amount of money, and not a count.
    pub const fn is_amount(self) -> bool {
        matches!(
            self,
            Self::CreditsAmount
                | Self::CreditsReversalAmount
                | Self::DebitsAmount
                | Self::DebitsReversalAmount
                | Self::Net
        )
    }
}

/// What one side says of a day, figure by figure. What it leaves out it does not say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Statement([Option<i128>; Figure::ALL.len()]);

impl Statement {
    /// A figure, where it is said.
    pub const fn get(&self, figure: Figure) -> Option<i128> {
        self.0[figure as usize]
    }

    /// Says a figure.
    pub const fn set(&mut self, figure: Figure, value: i128) {
        self.0[figure as usize] = Some(value);
    }

    /// Whether nothing is said.
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(Option::is_none)
    }

    /// Figures said, with what is said.
    pub fn iter(&self) -> impl Iterator<Item = (Figure, i128)> {
        Figure::ALL.into_iter().filter_map(|figure| Some((figure, self.get(figure)?)))
    }

    /// The figures both sides say, and say differently: ours, theirs.
    pub fn differences(&self, theirs: &Self) -> impl Iterator<Item = (Figure, i128, i128)> {
        let both = |figure| Some((figure, self.get(figure)?, theirs.get(figure)?));
        let pairs = Figure::ALL.map(both);
        pairs.into_iter().flatten().filter(|(_, ours, theirs)| ours != theirs)
    }
}

/// So many, so much.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Tally {
    /// How many.
    pub count: u64,
    /// Their sum, in minor units. A sum of amounts of 12 digits needs 10 million of them to outgrow 64 bits, so
    /// it has 128.
    pub sum: u128,
}

impl Tally {
    /// One more.
    pub fn add(&mut self, amount: Amount) {
        self.count += 1;
        self.sum += u128::from(amount.minor_units());
    }

    /// One less: it became something else.
    pub fn remove(&mut self, amount: Amount) {
        self.count = self.count.saturating_sub(1);
        self.sum = self.sum.saturating_sub(u128::from(amount.minor_units()));
    }

    /// Both together.
    pub const fn and(self, other: Self) -> Self {
        Self { count: self.count + other.count, sum: self.sum + other.sum }
    }

    /// Whether nothing was counted.
    pub const fn is_empty(self) -> bool {
        self.count == 0
    }
}

/// Under which side an undone transaction is told. Hosts differ, so it is a matter of the contract.
///
/// Source: ISO 8583:1987 fields 75, 77 and 97, which leave it open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ReversalBucket {
    /// With its original: an undone debit is a reversed debit.
    #[default]
    Original,
    /// By its effect: an undone debit gives money back, so it is told among the credits.
    Effect,
}

impl ReversalBucket {
    /// Every one.
    pub const ALL: [Self; 2] = [Self::Original, Self::Effect];

    /// Its name, as configuration and JSON write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Original => "original",
            Self::Effect => "effect",
        }
    }
}

/// How the net (field 97) is made of the other amounts. Hosts differ here too; where reversals stand on the side
/// that the formula means, both come to the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NetRule {
    /// Credits less their reversals, less debits less theirs: as reversals stand with their originals.
    #[default]
    Signed,
    /// Everything told among the credits less everything told among the debits: as reversals stand by effect.
    Plain,
    /// It is not told.
    Unsaid,
}

impl NetRule {
    /// Every one.
    pub const ALL: [Self; 3] = [Self::Signed, Self::Plain, Self::Unsaid];

    /// Its name, as dialect files write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Signed => "signed",
            Self::Plain => "plain",
            Self::Unsaid => "none",
        }
    }
}

/// What became of a comparison, in the words of whoever compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Balance {
    /// Both sides have the same.
    Balanced,
    /// They have not.
    OutOfBalance,
    /// There is nothing to compare with: not yet, or not any more.
    NotAvailable,
}

impl Balance {
    /// Every one.
    pub const ALL: [Self; 3] = [Self::Balanced, Self::OutOfBalance, Self::NotAvailable];

    /// Its name, as JSON writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Balanced => "balanced",
            Self::OutOfBalance => "out_of_balance",
            Self::NotAvailable => "not_available",
        }
    }
}

/// The part of a message that compares a day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Comparison {
    /// The day; `None` where the message names none of its own beside the settlement date.
    pub date: Option<BusinessDate>,
    /// The currency of the amounts.
    pub currency: Currency,
    /// What the sender says of it.
    pub statement: Statement,
    /// In answers: what the comparison came to.
    pub balance: Option<Balance>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    #[test]
    fn what_one_side_leaves_out_differs_from_nothing() {
        let (mut ours, mut theirs) = (Statement::default(), Statement::default());
        Figure::ALL.into_iter().for_each(|figure| ours.set(figure, 7));
        assert_eq!(ours.differences(&theirs).count(), 0);
        theirs.set(Figure::Net, -7);
        theirs.set(Figure::DebitsNumber, 7);
        assert_eq!(ours.differences(&theirs).collect::<Vec<_>>(), [(Figure::Net, 7, -7)]);
        assert!(Figure::ALL.into_iter().all(|figure| Figure::named(figure.name()) == Some(figure)));
    }
}
