use terms::Noun;

/// What the switch knows an element as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Pan,
    ProcessingCode,
    Amount,
    TransmittedAt,
    Stan,
    LocalTime,
    LocalDate,
    SettlementDate,
    AcquirerId,
    Rrn,
    ApprovalCode,
    ResponseCode,
    TerminalId,
    Currency,
    NetworkCode,
    Carried(Noun),
}

#[rustfmt::skip]
const DECIDED: [(&str, Role); 15] = [
    ("pan",             Role::Pan),
    ("processing_code", Role::ProcessingCode),
    ("amount",          Role::Amount),
    ("transmitted_at",  Role::TransmittedAt),
    ("stan",            Role::Stan),
    ("local_time",      Role::LocalTime),
    ("local_date",      Role::LocalDate),
    ("settlement_date", Role::SettlementDate),
    ("acquirer_id",     Role::AcquirerId),
    ("rrn",             Role::Rrn),
    ("approval_code",   Role::ApprovalCode),
    ("response_code",   Role::ResponseCode),
    ("terminal_id",     Role::TerminalId),
    ("currency",        Role::Currency),
    ("network_code",    Role::NetworkCode),
];

impl Role {
    /// The role of that name in `[map]`.
    pub(crate) fn named(name: &str) -> Option<Self> {
        (DECIDED.iter().find(|(one, _)| *one == name).map(|(_, role)| *role))
            .or_else(|| Noun::named(name).map(Role::Carried))
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Carried(noun) => noun.name(),
            decided => DECIDED.iter().find(|(_, role)| *role == decided).map_or("", |(name, _)| name),
        }
    }

    /// Every name `[map]` may use.
    pub(crate) fn names() -> impl Iterator<Item = &'static str> {
        DECIDED.iter().map(|(name, _)| *name).chain(Noun::ALL.iter().map(|noun| noun.name()))
    }

    /// Characters an element of this role may have, from shortest to longest; `None` where any number will do.
    pub(crate) const fn lengths(self) -> Option<(u16, u16)> {
        match self {
            Self::Pan => Some((1, 19)),
            Self::ProcessingCode | Self::Stan | Self::ApprovalCode => Some((1, 6)),
            Self::Amount => Some((1, 18)),
            Self::TransmittedAt => Some((10, 10)),
            Self::LocalTime => Some((6, 12)),
            Self::LocalDate => Some((4, 4)),
            Self::SettlementDate => Some((4, 6)),
            Self::AcquirerId => Some((1, 11)),
            Self::Rrn => Some((1, 12)),
            Self::ResponseCode => Some((2, 4)),
            Self::TerminalId => Some((1, 16)),
            Self::Currency | Self::NetworkCode => Some((3, 3)),
            Self::Carried(_) => None,
        }
    }
}

/// How a carried noun travels between dialects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// ASCII characters as they stand.
    Text,
    /// ASCII characters without the spaces that fill up a fixed element.
    Trimmed,
    /// Bytes, whether a dialect writes them as bytes or as hex characters.
    Bytes,
    /// Digits in one edition and bytes in the other: bytes, two digits each.
    Packed,
    /// Track data with `=` as its separator.
    Track,
}

impl Form {
    pub(crate) const fn of(noun: Noun) -> Self {
        match noun {
            Noun::PinBlock | Noun::NewPinBlock | Noun::Mac | Noun::IccData | Noun::KeyData => Self::Bytes,
            Noun::SecurityInfo => Self::Packed,
            Noun::Track2 | Noun::Track3 => Self::Track,
            Noun::AcceptorId | Noun::AcceptorName => Self::Trimmed,
            _ => Self::Text,
        }
    }
}
