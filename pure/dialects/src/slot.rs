use crate::role::{Form, Role};
use iso8583::spec::{Length, Shape};
use terms::{Figure, Noun};

/// What to do with one element, decided once when the dialect is loaded so that no name is looked up while a
/// message passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Slot {
    /// Read, checked, and known as nothing: it goes no further.
    Unmapped,
    Pan,
    ProcessingCode,
    Amount,
    TransmittedAt,
    Stan,
    /// `hhmmss`.
    TimeOfDay,
    /// `YYMMDDhhmmss`.
    DateAndTime,
    /// `MMDD`.
    LocalDate,
    /// `MMDD`.
    SettlementMonthDay,
    /// `YYMMDD`.
    SettlementDate,
    AcquirerId,
    Rrn,
    ApprovalCode,
    ResponseCode,
    TerminalId,
    Currency,
    NetworkCode,
    /// One element that is the network code in network messages and the function code in all others.
    NetworkOrFunction,
    /// The original in the layout of DE 90 of 1987.
    OriginalOf1987,
    /// The original in the layout of DE 56 of 1993.
    OriginalOf1993,
    /// What remains valid after a partial reversal: the first twelve digits of DE 95.
    Remaining,
    /// A figure of a day, in messages that compare totals.
    Figure(Figure),
    /// The day that is compared, `YYMMDD` or `MMDD`, in such messages.
    ReconciledDate,
    /// What the comparison came to: one digit.
    SettlementCode,
    Carried(Noun, Form),
}

impl Slot {
    /// The slot of an element of this role and shape; `None` where the shape cannot hold the role.
    pub(crate) fn of(role: Role, shape: &Shape) -> Option<Self> {
        let longest = longest(shape);
        Some(match role {
            Role::Pan => Self::Pan,
            Role::ProcessingCode => Self::ProcessingCode,
            Role::Amount => Self::Amount,
            Role::TransmittedAt => Self::TransmittedAt,
            Role::Stan => Self::Stan,
            Role::LocalTime if longest == 6 => Self::TimeOfDay,
            Role::LocalTime if longest == 12 => Self::DateAndTime,
            Role::LocalTime => return None,
            Role::LocalDate => Self::LocalDate,
            Role::SettlementDate if longest == 4 => Self::SettlementMonthDay,
            Role::SettlementDate if longest == 6 => Self::SettlementDate,
            Role::SettlementDate => return None,
            Role::AcquirerId => Self::AcquirerId,
            Role::Rrn => Self::Rrn,
            Role::ApprovalCode => Self::ApprovalCode,
            Role::ResponseCode => Self::ResponseCode,
            Role::TerminalId => Self::TerminalId,
            Role::Currency => Self::Currency,
            Role::NetworkCode => Self::NetworkCode,
            Role::Carried(Noun::OriginalData) if matches!(shape.length, Length::Fixed(_)) => {
                Self::OriginalOf1987
            }
            Role::Carried(Noun::OriginalData) => Self::OriginalOf1993,
            Role::Carried(Noun::ReplacementAmounts) => Self::Remaining,
            Role::Carried(noun) => Self::Carried(noun, Form::of(noun)),
        })
    }
}

/// Characters of the longest value of a shape.
pub(crate) const fn longest(shape: &Shape) -> u16 {
    match shape.length {
        Length::Fixed(length) => length,
        Length::Var { max, .. } => max,
    }
}
