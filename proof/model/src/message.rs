use terms::{Amount, Kind, MessageType, Original, Pan, Stan, Text, Txn};

/// What a terminal says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Say {
    /// Its request.
    Request,
    /// The same again.
    Repeat,
    /// Undo it.
    Reversal,
    /// It happened.
    Report,
}

/// What a party is told, as far as it matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Word {
    /// Done.
    Yes,
    /// Not done.
    No,
    /// Nobody knows.
    Unknown,
    /// There is no such original.
    NoOriginal,
    /// Not on this day.
    WrongDay,
}

/// One message on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Message {
    /// From the terminal to the switch.
    Asked(Say),
    /// From the switch to the terminal, about what it said.
    Told(Say, Word),
    /// A request to the host, which is gone when it has lingered too long.
    Request {
        /// Under which trace number.
        stan: u32,
        /// Until when it may linger.
        until_ms: u32,
    },
    /// A reversal to the host.
    Reversal {
        /// Under which trace number.
        stan: u32,
        /// Of which request.
        of: u32,
    },
    /// An advice to the host.
    Advice {
        /// Under which trace number.
        stan: u32,
        /// Of which request; the host has heard of none where there was none.
        of: Option<u32>,
    },
    /// From the host: the answer to what went out under that number.
    HostSaid {
        /// Which number.
        stan: u32,
        /// The three digits of its type.
        digits: [u8; 3],
        /// What it says.
        word: Word,
    },
    /// Somebody tells the switch that the host's day has changed.
    NewDay,
}

impl Say {
    /// What the terminal writes.
    pub(crate) fn txn(self, kind: Kind) -> Txn {
        let (digits, stan) = match self {
            Self::Request => ([2, 0, 0], 9),
            Self::Repeat => ([2, 0, 1], 9),
            Self::Reversal => ([4, 2, 0], 10),
            Self::Report => ([2, 2, 0], 11),
        };
        let original = matches!(self, Self::Reversal | Self::Report)
            .then(|| Original { stan: Some(Stan(9)), ..Original::default() });
        Txn {
            kind,
            pan: Pan::new(b"4111111111111111").unwrap_or_default(),
            amount: Amount::minor(30_000),
            stan: Stan(stan),
            terminal_id: Text::clipped(b"ATM00001"),
            rrn: Text::clipped(b"632614000481"),
            processing_code: Text::clipped(b"010000"),
            original,
            ..Txn::new(message_type(digits))
        }
    }

    /// What the terminal had said, by the type of the message.
    pub(crate) fn of(message: MessageType) -> Option<Self> {
        match message.digits() {
            [2, 0, 0] => Some(Self::Request),
            [2, 0, 1] => Some(Self::Repeat),
            [4, 2, 0] => Some(Self::Reversal),
            [2, 2, 0] => Some(Self::Report),
            _ => None,
        }
    }
}

pub(crate) fn message_type(digits: [u8; 3]) -> MessageType {
    MessageType::from_digits(digits).expect("only types that exist are written here")
}
