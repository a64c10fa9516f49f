use core::hash::Hasher;
use journal::Key;
use siphasher::sip::SipHasher13;
use terms::{
    BusinessDate, Class, Code, Function, Kind, LocalTime, Network, Noun, Outcome, SourceId, Stan, Txn,
};

use crate::SourceConfig;

/// Why a request goes no further, before anything was sent anywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) code: Code,
    pub(crate) outcome: Outcome,
    /// For people; kept with the record.
    pub(crate) why: &'static str,
}

impl Refusal {
    /// Nothing was sent, and `code` says why.
    pub(crate) const fn not_sent(code: Code, why: &'static str) -> Self {
        Self { code, outcome: Outcome::NotSent, why }
    }
}

/// Which way a well-formed message goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// To a host.
    Onward,
    /// It takes an earlier request back.
    Back,
    /// It reports what has happened.
    Report,
    /// Answered here, with this.
    AnsweredHere(Code, Outcome),
}

/// Whether a request may go on at all, by what it says and where it comes from. Duplicates, routes and hosts
/// are asked about afterwards.
pub(crate) fn admit(source: &SourceConfig, txn: &Txn) -> Result<Way, Refusal> {
    match (txn.message.class, txn.message.function) {
        (Class::Network, Function::Request | Function::Advice) => return Ok(at_home(txn.network)),
        (Class::Authorization | Class::Financial, Function::Request) => {}
        (Class::Reversal, Function::Request | Function::Advice) => return taken_back(txn),
        (Class::Financial, Function::Advice) => {
            return if txn.stan == Stan(0) { Err(no_trace_number()) } else { Ok(Way::Report) };
        }
        _ => return Err(Refusal::not_sent(Code::NotSupported, "message not supported")),
    }
    if txn.stan == Stan(0) {
        return Err(no_trace_number());
    }
    let is_cash = matches!(txn.kind, Kind::Withdrawal | Kind::Deposit);
    if is_cash && source.consistency.is_none() {
        return Err(Refusal::not_sent(Code::NotAllowedOnDevice, "no way to consistency"));
    }
    if source.terminal_required && txn.terminal_id.is_empty() {
        return Err(Refusal::not_sent(Code::UnknownTerminal, "no terminal"));
    }
    Ok(Way::Onward)
}

const fn no_trace_number() -> Refusal {
    Refusal::not_sent(Code::FormatError, "no trace number")
}

/// A reversal cannot itself be reversed.
fn taken_back(txn: &Txn) -> Result<Way, Refusal> {
    let original = txn.original.unwrap_or_default();
    if original.message.is_some_and(|message| message.class == Class::Reversal) {
        return Err(Refusal::not_sent(Code::InvalidTransaction, "reversal of a reversal"));
    }
    if original.stan.unwrap_or(txn.stan) == Stan(0) {
        return Err(no_trace_number());
    }
    Ok(Way::Back)
}

/// Whether a request of that kind is declined because too much is under way: the least important go first,
/// and what a terminal cannot do without goes last. Answers, reversals and reports are never asked this.
pub(crate) fn sheds(kind: Kind, under_way: usize, most: u32) -> bool {
    let percent = match kind {
        Kind::BalanceInquiry | Kind::CardStatus | Kind::History | Kind::BillInquiry | Kind::CardType => 70,
        Kind::PinChange | Kind::CardActivation => 75,
        Kind::Transfer | Kind::TransferOut | Kind::TransferIn | Kind::BillPayment => 80,
        Kind::Deposit => 90,
        Kind::Withdrawal | Kind::Purchase | Kind::Refund => 100,
    };
    most > 0 && under_way as u64 * 100 >= u64::from(most) * percent
}

/// What the switch itself answers to a management message of a source.
pub(crate) const fn at_home(about: Network) -> Way {
    match about {
        Network::Echo | Network::SignOn | Network::SignOff => {
            Way::AnsweredHere(Code::Approved, Outcome::Approved)
        }
        Network::Other
        | Network::KeyExchange
        | Network::MasterKey
        | Network::Cutover
        | Network::CutoverEnd => Way::AnsweredHere(Code::NotSupported, Outcome::Refused),
    }
}

/// The identity a request travels under: the same key is the same request. A message that does not say when
/// it was made was made today.
pub(crate) fn key_of(source: SourceId, txn: &Txn, today: BusinessDate) -> Key {
    let local_time = txn.local_time.unwrap_or(LocalTime { date: today, second_of_day: 0 });
    Key { source, terminal_id: txn.terminal_id, stan: txn.stan, local_time: Some(local_time) }
}

/// Where networks put what makes one question of a kind another: by number, because that is how they are carried.
const PARTICULARS: [u8; 12] = [
    Noun::AdditionalIso as u8,
    Noun::AdditionalNational as u8,
    Noun::AdditionalPrivate as u8,
    Noun::Payee as u8,
    Noun::TransportData as u8,
    Noun::Reserved57 as u8,
    Noun::Reserved58 as u8,
    Noun::Reserved59 as u8,
    Noun::Reserved60 as u8,
    Noun::Reserved61 as u8,
    Noun::Reserved62 as u8,
    Noun::Reserved63 as u8,
];

/// A digest of what a request wants, under a secret key, so that it can be stored without telling the card.
/// Two requests of one [`Key`] whose digests differ are two requests, and the second is refused.
pub(crate) fn fingerprint(secret: &[u8; 16], txn: &Txn) -> u64 {
    let mut hasher = SipHasher13::new_with_key(secret);
    hasher.write(&[txn.message.class as u8]);
    hasher.write(txn.processing_code.as_bytes());
    hasher.write_u64(txn.amount.minor_units());
    hasher.write_u16(txn.currency.number());
    hasher.write(txn.pan.expose());
    hasher.write(txn.to_account.as_bytes());
    hasher.write(txn.acquirer_id.as_bytes());
    if matches!(txn.kind, Kind::History | Kind::BillInquiry | Kind::BillPayment) {
        // Which page, whose bill: in elements the switch carries unread. Another page under the same trace
        // number is another request, and not to be answered with the first one's.
        for (noun, contents) in txn.carried.iter().filter(|(noun, _)| PARTICULARS.contains(noun)) {
            hasher.write(&[noun]);
            hasher.write(contents);
        }
    }
    hasher.finish()
}
