use crate::{
    Amount, BusinessDate, Code, Comparison, Currency, LocalTime, Outcome, Pan, Rrn, Stan, TerminalId, Text,
};
use alloc::{boxed::Box, vec::Vec};
use core::fmt;
use zeroize::{Zeroize, ZeroizeOnDrop, zeroize_bytes};

/// What a message is, without its version: the last three digits of an ISO 8583 message type identifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MessageType {
    /// Second digit.
    pub class: Class,
    /// Third digit.
    pub function: Function,
    /// Fourth digit: who began it, and whether this is a repeat. 0 acquirer, 1 acquirer repeat, 2 issuer,
    /// 3 issuer repeat, 4 other, 5 other repeat.
    pub origin: u8,
}

impl MessageType {
    /// The type of three digits `[class, function, origin]` (0..=9 each), when they mean one.
    pub fn from_digits(digits: [u8; 3]) -> Option<Self> {
        let class = Class::ALL.into_iter().find(|class| *class as u8 == digits[0])?;
        let function = Function::ALL.into_iter().find(|function| *function as u8 == digits[1])?;
        (digits[2] <= 5).then_some(Self { class, function, origin: digits[2] })
    }

    /// Its three digits.
    pub const fn digits(self) -> [u8; 3] {
        [self.class as u8, self.function as u8, self.origin]
    }

    /// The type that answers this one: request to response, advice to its acknowledgement; a repeat is
    /// answered as the first. `None` for what wants no answer.
    pub const fn answered_by(self) -> Option<Self> {
        let function = match self.function {
            Function::Request => Function::Response,
            Function::Advice => Function::AdviceResponse,
            Function::Notification => Function::NotificationAck,
            Function::Response | Function::AdviceResponse | Function::NotificationAck => return None,
        };
        Some(Self { class: self.class, function, origin: self.origin & !1 })
    }

    /// Whether it asks for something (and is not itself an answer).
    pub const fn asks(self) -> bool {
        self.answered_by().is_some()
    }

    /// Whether it repeats an earlier message.
    pub const fn is_repeat(self) -> bool {
        self.origin % 2 == 1
    }
}

/// Class of a message: the second digit of its type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Class {
    /// May this be done?
    Authorization = 1,
    /// Do it.
    Financial = 2,
    /// Change a file.
    FileAction = 3,
    /// Undo it.
    Reversal = 4,
    /// Compare totals.
    Reconciliation = 5,
    /// Texts, tables, look-ups.
    Administrative = 6,
    /// Fees.
    FeeCollection = 7,
    /// Sign-on, keys, cutover, echo.
    Network = 8,
}

impl Class {
    const ALL: [Self; 8] = [
        Self::Authorization,
        Self::Financial,
        Self::FileAction,
        Self::Reversal,
        Self::Reconciliation,
        Self::Administrative,
        Self::FeeCollection,
        Self::Network,
    ];
}

/// Function of a message: the third digit of its type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Function {
    /// May be refused.
    Request = 0,
    /// Answers a request.
    Response = 1,
    /// Has happened; may only be acknowledged.
    Advice = 2,
    /// Acknowledges an advice.
    AdviceResponse = 3,
    /// For information.
    Notification = 4,
    /// Acknowledges a notification.
    NotificationAck = 5,
}

impl Function {
    const ALL: [Self; 6] = [
        Self::Request,
        Self::Response,
        Self::Advice,
        Self::AdviceResponse,
        Self::Notification,
        Self::NotificationAck,
    ];
}

macro_rules! named {
    ($(#[$doc:meta])* $type:ident { $($(#[$vdoc:meta])* $variant:ident = $number:literal, $name:literal;)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub enum $type { $($(#[$vdoc])* $variant = $number,)* }

        impl $type {
            /// Every one, in the order of their numbers in the journal.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// Its name, as dialect files, logs and JSON write it.
            pub const fn name(self) -> &'static str { match self { $(Self::$variant => $name,)* } }

            /// The one of that name.
            pub fn named(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|one| one.name() == name)
            }

            /// The one with that number in the journal.
            pub fn numbered(number: u8) -> Option<Self> {
                Self::ALL.iter().copied().find(|one| *one as u8 == number)
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { f.write_str(self.name()) }
        }
    };
}

named! {
    /// What a customer (or a till) wants done, whatever processing code a network writes for it.
    Kind {
        /// Goods, services, and every request and response that nothing below names.
        Purchase = 0, "purchase";
        /// Cash out.
        Withdrawal = 1, "withdrawal";
        /// Cash in.
        Deposit = 2, "deposit";
        /// From one account to another.
        Transfer = 3, "transfer";
        /// What is on the account?
        BalanceInquiry = 4, "balance_inquiry";
        /// A new PIN.
        PinChange = 5, "pin_change";
        /// Is the card good?
        CardStatus = 6, "card_status";
        /// Make the card good.
        CardActivation = 7, "card_activation";
        /// The last transactions of the card.
        History = 8, "history";
        /// What is owed on a bill?
        BillInquiry = 9, "bill_inquiry";
        /// Pay a bill.
        BillPayment = 10, "bill_payment";
        /// Give the money back to a card.
        Refund = 11, "refund";
        /// The transfer's first half: take it from the paying account.
        TransferOut = 12, "transfer_out";
        /// The transfer's second half: put it on the receiving account.
        TransferIn = 13, "transfer_in";
        /// Which kind of card is this?
        CardType = 14, "card_type";
    }
}

impl Kind {
    /// Whether doing it twice, or half, would cost somebody money: it is then durable before it is sent.
    pub const fn moves_money(self) -> bool {
        match self {
            Self::Purchase
            | Self::Withdrawal
            | Self::Deposit
            | Self::Transfer
            | Self::BillPayment
            | Self::Refund
            | Self::TransferOut
            | Self::TransferIn => true,
            // Not money, but an unknown end must be told to the customer, so it is remembered the same way.
            Self::PinChange | Self::CardActivation => true,
            Self::BalanceInquiry | Self::CardStatus | Self::History | Self::BillInquiry | Self::CardType => {
                false
            }
        }
    }
}

named! {
    /// What a network management message is about.
    Network {
        /// Not a management message, or one whose code the dialect does not name.
        Other = 0, "other";
        /// Open the link for business.
        SignOn = 1, "sign_on";
        /// Close it.
        SignOff = 2, "sign_off";
        /// Are you there?
        Echo = 3, "echo";
        /// New keys.
        KeyExchange = 4, "key_exchange";
        /// The business day changes (one message), or begins to.
        Cutover = 5, "cutover";
        /// The business day has changed.
        CutoverEnd = 6, "cutover_end";
        /// A new key that carries keys, for a terminal.
        MasterKey = 7, "master_key";
    }
}

named! {
    /// A thing a message says that the switch does not decide on: it is carried from one dialect to another
    /// under this name. Text nouns travel as ASCII, binary ones as their bytes.
    Noun {
        /// Amount in the currency of settlement.
        SettlementAmount = 1, "settlement_amount";
        /// Amount in the currency of the card.
        BillingAmount = 2, "billing_amount";
        /// Rate to the currency of settlement.
        SettlementRate = 3, "settlement_rate";
        /// Rate to the currency of the card.
        BillingRate = 4, "billing_rate";
        /// Expiry of the card, `YYMM`.
        Expiry = 5, "expiry";
        /// Date of capture, as the dialect writes it.
        CaptureDate = 6, "capture_date";
        /// Date of conversion.
        ConversionDate = 7, "conversion_date";
        /// Merchant category.
        MerchantType = 8, "merchant_type";
        /// Country of the acquirer.
        AcquirerCountry = 9, "acquirer_country";
        /// How the card was read (1987).
        EntryMode = 10, "entry_mode";
        /// Point of service data (1993).
        PosData = 11, "pos_data";
        /// Which of several cards of one number.
        CardSequence = 12, "card_sequence";
        /// Condition at the point of service.
        ConditionCode = 13, "condition_code";
        /// Most digits a PIN may have there.
        PinCapture = 14, "pin_capture";
        /// Fee, sign and amount.
        Fee = 15, "fee";
        /// Institution that forwards.
        ForwarderId = 16, "forwarder_id";
        /// Magnetic stripe, track 2. Secret.
        Track2 = 17, "track2";
        /// Magnetic stripe, track 3. Secret.
        Track3 = 18, "track3";
        /// Magnetic stripe, track 1. Secret.
        Track1 = 19, "track1";
        /// Service code of the card.
        ServiceCode = 20, "service_code";
        /// The acceptor's identity.
        AcceptorId = 21, "acceptor_id";
        /// The acceptor's name and place.
        AcceptorName = 22, "acceptor_name";
        /// Additional response data.
        AdditionalResponse = 23, "additional_response";
        /// Additional data, ISO use.
        AdditionalIso = 24, "additional_iso";
        /// Additional data, national use.
        AdditionalNational = 25, "additional_national";
        /// Additional data, private use.
        AdditionalPrivate = 26, "additional_private";
        /// Currency of settlement.
        SettlementCurrency = 27, "settlement_currency";
        /// Currency of the card.
        BillingCurrency = 28, "billing_currency";
        /// The enciphered PIN. Secret.
        PinBlock = 29, "pin_block";
        /// Which keys and methods were used.
        SecurityInfo = 30, "security_info";
        /// Balances and other amounts.
        AdditionalAmounts = 31, "additional_amounts";
        /// Chip data, BER-TLV.
        IccData = 32, "icc_data";
        /// What identifies the original of a reversal or advice.
        OriginalData = 33, "original_data";
        /// What remains valid after a partial reversal.
        ReplacementAmounts = 34, "replacement_amounts";
        /// First account.
        Account1 = 35, "account_1";
        /// Second account.
        Account2 = 36, "account_2";
        /// The enciphered new PIN. Secret.
        NewPinBlock = 37, "new_pin_block";
        /// Function code (1993).
        FunctionCode = 38, "function_code";
        /// Reason of the message (1993).
        ReasonCode = 39, "reason_code";
        /// Institution that receives.
        ReceiverId = 40, "receiver_id";
        /// The message's own authentication code. Never passed from one party to another. Secret.
        Mac = 41, "mac";
        /// Network international identifier.
        NetworkId = 42, "network_id";
        /// Amount originally asked for.
        OriginalAmount = 43, "original_amount";
        /// Length of the approval code.
        ApprovalLength = 44, "approval_length";
        /// Payee.
        Payee = 45, "payee";
        /// Transport data.
        TransportData = 46, "transport_data";
        /// Centre a message is for (1993).
        DestinationId = 47, "destination_id";
        /// Centre a message comes from (1993).
        OriginatorId = 48, "originator_id";
        /// Keys under a transport key (1993: key management data; 1987: a code of eight bytes).
        KeyData = 49, "key_data";
        /// Reserved element 60, for private or national use: passed on where both sides name it.
        Reserved60 = 60, "reserved_60";
        /// Reserved element 61.
        Reserved61 = 61, "reserved_61";
        /// Reserved element 62.
        Reserved62 = 62, "reserved_62";
        /// Reserved element 63.
        Reserved63 = 63, "reserved_63";
        /// Reserved element 57.
        Reserved57 = 57, "reserved_57";
        /// Reserved element 58.
        Reserved58 = 58, "reserved_58";
        /// Reserved element 59.
        Reserved59 = 59, "reserved_59";
        /// Message header fields that must come back as they went.
        Header = 70, "header";
    }
}

impl Noun {
    /// Whether nobody may see it.
    pub const fn is_secret(self) -> bool {
        matches!(
            self,
            Self::Track1 | Self::Track2 | Self::Track3 | Self::PinBlock | Self::NewPinBlock | Self::Mac
        )
    }
}

/// What a message said besides what [`Txn`] names: noun by noun, unread by the switch, for the dialect on the
/// other side. Wiped when dropped, because tracks and PIN blocks travel in it; `Debug` shows nouns and no
/// contents.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Carried(Vec<u8>);

impl Carried {
    /// Nothing carried yet, with room for so many bytes.
    pub fn with_capacity(bytes: usize) -> Self {
        Self(Vec::with_capacity(bytes))
    }

    /// Adds a noun; contents longer than 65,535 bytes cannot occur in a bounded message and are cut there.
    pub fn push(&mut self, noun: Noun, contents: &[u8]) {
        self.push_with(noun, |out| out.extend_from_slice(contents));
    }

    /// Adds a noun whose contents `write` appends.
    pub fn push_with(&mut self, noun: Noun, write: impl FnOnce(&mut Vec<u8>)) {
        self.0.extend_from_slice(&[noun as u8, 0, 0]);
        let start = self.0.len();
        write(&mut self.0);
        let length = (self.0.len() - start).min(usize::from(u16::MAX));
        self.0.truncate(start + length);
        self.0[start - 2..start].copy_from_slice(&(length as u16).to_le_bytes());
    }

    /// The contents of a noun, when it is carried.
    pub fn get(&self, noun: Noun) -> Option<&[u8]> {
        self.iter().find_map(|(at, contents)| (at == noun as u8).then_some(contents))
    }

    /// Noun numbers and contents, in the order they were added.
    pub fn iter(&self) -> impl Iterator<Item = (u8, &[u8])> {
        let mut rest = self.0.as_slice();
        core::iter::from_fn(move || {
            let (&[noun, low, high], after) = rest.split_first_chunk::<3>()?;
            let (contents, after) = after.split_at(usize::from(u16::from_le_bytes([low, high])));
            rest = after;
            Some((noun, contents))
        })
    }

    /// Whether nothing is carried.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Zeroize for Carried {
    fn zeroize(&mut self) {
        // Filling nothing is not free: where there is no room the address is none either, and the C library's
        // masked stores take a hundred nanoseconds to find out that they need not fault there.
        if self.0.capacity() == 0 {
            return;
        }
        // What was cut off again lies behind the end. The bytes themselves are wiped in one go: `Vec`'s own
        // way is byte by byte, and there are hundreds of them in every message.
        self.0.spare_capacity_mut().zeroize();
        zeroize_bytes(&mut self.0);
        self.0.clear();
    }
}

impl Drop for Carried {
    fn drop(&mut self) {
        self.zeroize();
    }
}

impl ZeroizeOnDrop for Carried {}

impl fmt::Debug for Carried {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nouns = self.iter().map(|(noun, _)| Noun::numbered(noun).map_or("?", Noun::name));
        f.debug_list().entries(nouns).finish()
    }
}

/// A message in the switch's own words. A dialect makes it from bytes and makes bytes from it; the switch
/// decides on its fields and never on what is in `carried`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Txn {
    /// Request, response, advice; of which class.
    pub message: MessageType,
    /// What is wanted.
    pub kind: Kind,
    /// For network management messages: about what.
    pub network: Network,
    /// The six digits the source wrote (DE 3); empty where there was no such field.
    pub processing_code: Text<6>,
    /// The card; [`Pan::NONE`] where the message names none.
    pub pan: Pan,
    /// Whether the card was named only inside a track or chip data, so that it needs no saying besides.
    pub pan_in_track: bool,
    /// The amount; 0 where the message names none.
    pub amount: Amount,
    /// Its currency; [`Currency::NONE`] where the message names none.
    pub currency: Currency,
    /// The sender's trace number.
    pub stan: Stan,
    /// The sender's reference number; empty where there is none.
    pub rrn: Rrn,
    /// The terminal.
    pub terminal_id: TerminalId,
    /// The acquirer.
    pub acquirer_id: Text<11>,
    /// When the sender sent it, as `MMDDhhmmss` (DE 7); empty where the message does not say.
    pub transmitted_at: Text<10>,
    /// Date and time at the terminal; the year is supplied where the message has none.
    pub local_time: Option<LocalTime>,
    /// The day money is counted under, where the message says so.
    pub settlement_date: Option<BusinessDate>,
    /// In reversals and advices: the message they are about.
    pub original: Option<Original>,
    /// In partial reversals: the amount that remains valid.
    pub remaining: Option<Amount>,
    /// In transfers: the account that receives.
    pub to_account: Text<28>,
    /// In answers: what the answer says.
    pub code: Option<Code>,
    /// In answers: what that says about the money, by the dialect's table.
    pub outcome: Option<Outcome>,
    /// In answers: the characters the network wrote for the code.
    pub wire_code: Text<4>,
    /// In answers: the approval code.
    pub approval_code: Text<6>,
    /// In messages that compare totals: the day and what is said of it.
    pub totals: Option<Box<Comparison>>,
    /// Everything else.
    pub carried: Carried,
}

impl Txn {
    /// A message of this type that says nothing yet.
    pub fn new(message: MessageType) -> Self {
        Self {
            message,
            kind: Kind::Purchase,
            network: Network::Other,
            processing_code: Text::EMPTY,
            pan: Pan::NONE,
            pan_in_track: false,
            amount: Amount::default(),
            currency: Currency::NONE,
            stan: Stan::default(),
            rrn: Text::EMPTY,
            terminal_id: Text::EMPTY,
            acquirer_id: Text::EMPTY,
            transmitted_at: Text::EMPTY,
            local_time: None,
            settlement_date: None,
            original: None,
            remaining: None,
            to_account: Text::EMPTY,
            code: None,
            outcome: None,
            wire_code: Text::EMPTY,
            approval_code: Text::EMPTY,
            totals: None,
            carried: Carried::default(),
        }
    }
}

/// What identifies the original of a reversal or an advice. A part nobody stated is empty.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Original {
    /// Type of the original.
    pub message: Option<MessageType>,
    /// Its trace number, as the receiver of this message knew it.
    pub stan: Option<Stan>,
    /// When it was transmitted, `MMDDhhmmss`.
    pub transmitted_at: Text<10>,
    /// Its local date and time, `YYMMDDhhmmss`.
    pub local_time: Text<12>,
    /// Its acquirer.
    pub acquirer_id: Text<11>,
    /// Who forwarded it.
    pub forwarder_id: Text<11>,
}

/// What a source is told: decided once, remembered, and given again word for word to whoever repeats the
/// question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// What became of the request.
    pub outcome: Outcome,
    /// What the source is told about it.
    pub code: Code,
    /// Approval code of the host; empty where there is none.
    pub approval_code: Text<6>,
    /// Reference number to put in the answer; empty where the request's own is to come back.
    pub rrn: Rrn,
    /// The day the money is counted under, where known.
    pub settlement_date: Option<BusinessDate>,
    /// The characters the host wrote for the code, so that a source that knows them gets them as they were;
    /// empty where the answer is ours. Not remembered either.
    pub wire_code: Text<4>,
    /// To whoever compares totals: our side. Not remembered.
    pub totals: Option<Box<Comparison>>,
    /// What else the host said. Not remembered: a repeat is told the decision without it.
    pub carried: Carried,
}

impl Answer {
    /// An answer of our own making: nothing but a code and what it means for the money.
    pub fn ours(code: Code, outcome: Outcome) -> Self {
        Self {
            outcome,
            code,
            approval_code: Text::EMPTY,
            rrn: Text::EMPTY,
            settlement_date: None,
            wire_code: Text::EMPTY,
            totals: None,
            carried: Carried::default(),
        }
    }
}

/// The message type each sort of network management message is sent as, where a partner has that sort at all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NetworkTypes([Option<MessageType>; Network::ALL.len()]);

impl NetworkTypes {
    /// The type a message about this is sent as; `None` where the partner has no such message.
    pub const fn of(&self, about: Network) -> Option<MessageType> {
        self.0[about as usize]
    }

    /// From now on such messages are sent as this.
    pub const fn set(&mut self, about: Network, message: Option<MessageType>) {
        self.0[about as usize] = message;
    }
}

/// What, besides our trace number, a host's answer must have in common with the request to belong to it. A
/// thing the answer leaves out disagrees with nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pairing {
    /// The terminal.
    pub terminal_id: bool,
    /// The reference number.
    pub rrn: bool,
    /// Our time of transmission.
    pub transmitted_at: bool,
    /// The acquirer.
    pub acquirer_id: bool,
    /// The amount.
    pub amount: bool,
}

/// What is ours and not the source's in a request to a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outgoing {
    /// Our trace number on this link.
    pub stan: Stan,
    /// The reference number: the source's where it gave one, otherwise ours.
    pub rrn: Rrn,
    /// Our time of transmission, `MMDDhhmmss`.
    pub transmitted_at: Text<10>,
    /// Whether it repeats an earlier message of ours.
    pub repeat: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;

    #[test]
    fn every_message_type_survives_the_trip_through_its_digits() {
        for number in 0..1_000_u16 {
            let digits = [(number / 100) as u8, (number / 10 % 10) as u8, (number % 10) as u8];
            if let Some(message) = MessageType::from_digits(digits) {
                assert_eq!(message.digits(), digits);
            }
        }
    }

    #[test]
    fn a_repeat_is_answered_as_the_first() {
        let answer = |digits| MessageType::from_digits(digits).and_then(MessageType::answered_by);
        assert_eq!(answer([4, 2, 1]), MessageType::from_digits([4, 3, 0]));
        assert_eq!(answer([2, 0, 0]), MessageType::from_digits([2, 1, 0]));
        assert_eq!(answer([2, 1, 0]), None);
    }

    #[test]
    fn what_is_carried_comes_back_and_does_not_print() {
        let mut carried = Carried::default();
        carried.push(Noun::Track2, b"4111111111111111=3012");
        carried.push(Noun::AcceptorId, b"");
        carried.push(Noun::IccData, &[0x9F, 0x26]);
        assert_eq!(carried.get(Noun::IccData), Some(&[0x9F, 0x26][..]));
        assert_eq!(carried.get(Noun::AcceptorId), Some(&b""[..]));
        assert_eq!(carried.get(Noun::PinBlock), None);
        assert_eq!(format!("{carried:?}"), r#"["track2", "acceptor_id", "icc_data"]"#);
    }
}
