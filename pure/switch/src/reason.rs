//! Why there is an item for a person about a transaction, beside whatever goes on with it, and of which matter it is.
//!
//! Of one matter there is one item, however often and in whatever words the same is said. An item of another matter is
//! another item: that a host has a transaction on another day must not hide that its cash was given out.

use journal::Matter;

/// Why a person has to look at a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    /// Two days differ by it, and no money is in question.
    OtherDay,
    /// The totals of its day were told without it.
    ToldLate,
    /// The reversal names another amount than was asked for.
    OtherAmount,
    /// The reversal leaves more than was asked for.
    MoreThanAsked,
    /// There is no part of a transfer between two hosts.
    PartOfTransfer,
    /// Two reversals leave different parts.
    OtherPart,
    /// The reversal leaves a part of what is not done.
    PartOfNothing,
    /// Whether the part that remains was ever posted, the host has not said.
    PartOfUnknown,
    /// Taken back while it is owed as an advice.
    BackWhilePosted,
    /// The money went by the capture.
    BackAfterCapture,
    /// Only a report from below is approved without a host.
    BackOfNobodys,
    /// The source said that it happened, and takes it back before the host has answered.
    BackAfterReport,
    /// The source took it back, and says that it happened before the host has answered.
    ReportAfterBack,
    /// Reported, and the host says no.
    ReportRefused,
    /// Reported, and not a byte of it left us.
    ReportUnsent,
    /// Reported, and the other half of the transfer failed.
    ReportUndone,
    /// Reported, and it does not stand.
    ReportTooLate,
    /// Completed, and its authorization is not answered yet.
    CompletedEarly,
    /// Completed, and its authorization was spent before.
    CompletedTwice,
    /// Taken back, and never asked for.
    NeverAsked,
    /// A deposit of a day that is over may not be posted by us.
    DepositOfOtherDay,
    /// Its debit stands, and nothing is owed for it.
    DebitStands,
}

impl Reason {
    /// Every one.
    pub(crate) const ALL: [Self; 22] = [
        Self::OtherDay,
        Self::ToldLate,
        Self::OtherAmount,
        Self::MoreThanAsked,
        Self::PartOfTransfer,
        Self::OtherPart,
        Self::PartOfNothing,
        Self::PartOfUnknown,
        Self::BackWhilePosted,
        Self::BackAfterCapture,
        Self::BackOfNobodys,
        Self::BackAfterReport,
        Self::ReportAfterBack,
        Self::ReportRefused,
        Self::ReportUnsent,
        Self::ReportUndone,
        Self::ReportTooLate,
        Self::CompletedEarly,
        Self::CompletedTwice,
        Self::NeverAsked,
        Self::DepositOfOtherDay,
        Self::DebitStands,
    ];

    /// In words for people, as the journal keeps it.
    #[rustfmt::skip]
    pub(crate) const fn text(self) -> &'static str {
        match self {
            Self::OtherDay          => crate::OTHER_DAY,
            Self::ToldLate          => "known after its day's totals were told",
            Self::OtherAmount       => "reversal of another amount",
            Self::MoreThanAsked     => "more remains than was asked for",
            Self::PartOfTransfer    => "transfer of two hosts taken back in part",
            Self::OtherPart         => "taken back twice, in different parts",
            Self::PartOfNothing     => "a part remains, and nothing was done",
            Self::PartOfUnknown     => "a part of what nobody knew was undone",
            Self::BackWhilePosted   => "taken back while it is being posted",
            Self::BackAfterCapture  => "taken back after it was captured",
            Self::BackOfNobodys     => "taken back, and no host was asked",
            Self::BackAfterReport   => "reported, and then taken back",
            Self::ReportAfterBack   => "taken back, and then reported",
            Self::ReportRefused     => "reported, and refused by the host",
            Self::ReportUnsent      => "reported, and never sent to the host",
            Self::ReportUndone      => "transfer reported as done, and undone",
            Self::ReportTooLate     => "reported after it was refused or undone",
            Self::CompletedEarly    => "completed before it was answered",
            Self::CompletedTwice    => "completed again: authorization is spent",
            Self::NeverAsked        => "taken back, and never asked",
            Self::DepositOfOtherDay => "deposit unknown, the host's day changed",
            Self::DebitStands       => "debit not given back, no trace number",
        }
    }

    /// What it is about.
    #[rustfmt::skip]
    pub(crate) const fn matter(self) -> Matter {
        match self {
            Self::OtherDay => Matter::Day,
            Self::ToldLate => Matter::Totals,
            Self::OtherAmount | Self::MoreThanAsked | Self::PartOfTransfer | Self::OtherPart
            | Self::PartOfNothing | Self::PartOfUnknown => Matter::Amount,
            Self::BackWhilePosted | Self::BackAfterCapture | Self::BackOfNobodys
            | Self::BackAfterReport => Matter::TakenBack,
            Self::ReportAfterBack | Self::ReportRefused | Self::ReportUnsent | Self::ReportUndone
            | Self::ReportTooLate | Self::CompletedEarly | Self::CompletedTwice => Matter::Reported,
            Self::NeverAsked => Matter::NeverAsked,
            Self::DepositOfOtherDay | Self::DebitStands => Matter::Open,
        }
    }

    /// The one of that text. `None` for what ends an owed message, and for what another version wrote.
    pub(crate) fn of(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.text() == text)
    }
}

/// Whether an item of that text is about the day a transaction is counted under, and not about its money.
pub fn is_about_days(text: &str) -> bool {
    Reason::of(text).is_some_and(|reason| matches!(reason.matter(), Matter::Day | Matter::Totals))
}

/// Matters that people were told of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Matters(u8);

impl Matters {
    /// Takes one in; false where it was there.
    pub(crate) fn insert(&mut self, matter: Matter) -> bool {
        let is_new = !self.contains(matter);
        self.0 |= 1 << matter as u8;
        is_new
    }

    pub(crate) const fn contains(self, matter: Matter) -> bool {
        self.0 & 1 << matter as u8 != 0
    }

    /// These and those.
    #[must_use]
    pub(crate) const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// All of them.
    pub(crate) fn iter(self) -> impl Iterator<Item = Matter> {
        Matter::ALL.into_iter().filter(move |matter| self.contains(*matter))
    }

    /// Whether one of them is about money, and not only about the day it is counted under.
    pub(crate) fn are_about_money(self) -> bool {
        self.iter().any(|matter| !matches!(matter, Matter::Day | Matter::Totals))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_fits_into_its_record_is_found_by_its_text_and_explained_to_people() {
        let book = include_str!("../../../docs/operate.md");
        for reason in Reason::ALL {
            let text = reason.text();
            assert!(text.len() <= 40, "the journal keeps 40 characters: {text}");
            assert_eq!(Reason::of(text), Some(reason));
            assert!(book.contains(&alloc::format!("| {text} |")), "docs/operate.md says nothing of: {text}");
        }
    }

    #[test]
    fn of_each_matter_people_are_told_once() {
        let mut told = Matters::default();
        for matter in Matter::ALL {
            assert!(told.insert(matter), "{matter:?}");
            assert!(!told.insert(matter), "{matter:?}");
        }
        assert_eq!(told.iter().count(), Matter::ALL.len());
    }
}
