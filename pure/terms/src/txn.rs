use crate::{
    Amount, BusinessDate, Carried, Code, Comparison, Currency, Kind, LocalTime, MessageType, Network,
    Outcome, Pan, Rrn, Stan, TerminalId, Text,
};
use alloc::boxed::Box;

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
