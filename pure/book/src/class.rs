use terms::{Kind, MessageType};

/// What a transaction is in the eyes of those who compare totals.
///
/// Source: ISO 8583:1987 fields 74 to 81 and 86 to 89, and the processing codes that lead to them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Class {
    /// Money to the account: deposits, refunds, the receiving half of a transfer.
    Credit,
    /// Money from the account: withdrawals, purchases, bills, the paying half of a transfer.
    Debit,
    /// From one account to another of the same host, in one message.
    Transfer,
    /// A question about money that moves none.
    Inquiry,
    /// A question whether something may be done, the doing of which is another message.
    Authorization,
}

impl Class {
    /// Every one, in the order they are told in.
    pub const ALL: [Self; 5] =
        [Self::Credit, Self::Debit, Self::Transfer, Self::Inquiry, Self::Authorization];

    /// The class of a request. `None` for what nobody counts: a new PIN, a card made good.
    pub const fn of(message: MessageType, kind: Kind) -> Option<Self> {
        if matches!(message.class, terms::Class::Authorization) {
            return Some(Self::Authorization);
        }
        match kind {
            Kind::Deposit | Kind::Refund | Kind::TransferIn => Some(Self::Credit),
            Kind::Purchase | Kind::Withdrawal | Kind::BillPayment | Kind::TransferOut => Some(Self::Debit),
            Kind::Transfer => Some(Self::Transfer),
            Kind::BalanceInquiry | Kind::CardStatus | Kind::History | Kind::BillInquiry | Kind::CardType => {
                Some(Self::Inquiry)
            }
            Kind::PinChange | Kind::CardActivation => None,
        }
    }

    /// Its name, as commands and JSON write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Credit => "credit",
            Self::Debit => "debit",
            Self::Transfer => "transfer",
            Self::Inquiry => "inquiry",
            Self::Authorization => "authorization",
        }
    }
}
