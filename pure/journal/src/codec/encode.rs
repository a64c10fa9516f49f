mod day;

use super::{
    DECIDED_BY, DUTIES, HOLDS_ACCOUNT, HOLDS_KEPT, NAMED, OBSERVATIONS, OUTCOMES, WHYS, kind, place,
};
use crate::{
    Account, After, Card, Credited, CutStage, Debited, Declined, Forward, Kept, Key, LinkOrder, Mark, Matter,
    Observed, Record, Remembered, Ruling, Sent, Vault,
};
use alloc::vec::Vec;
use terms::{BusinessDate, Carried, LocalTime, MessageType, Text, Timestamp, TxnId};

/// Appends kind and fields of `record`.
pub(crate) fn encode(record: &Record, vault: &Vault, out: &mut Vec<u8>) {
    let mut out = Writer { out, vault };
    match record {
        Record::Opened { version, synced, at } => {
            out.byte(kind::OPENED);
            out.text(version);
            out.byte(u8::from(*synced));
            out.timestamp(*at);
        }
        Record::Closed { at } => {
            out.byte(kind::CLOSED);
            out.timestamp(*at);
        }
        Record::Sent(sent) => {
            out.begin_sent(sent, [kind::SENT, kind::SENT_TO, kind::SENT_KEEPING, kind::SENT_DATED]);
            out.sent(sent);
        }
        Record::Inquired(sent) => {
            // Nothing is ever owed for it, so nothing is kept for that.
            let sent = &Sent { kept: Carried::default(), ..sent.clone() };
            // It holds no more than an account, so its third kind cannot come up.
            out.begin_sent(sent, [kind::INQUIRED, kind::INQUIRED_TO, kind::INQUIRED, kind::INQUIRED_DATED]);
            out.sent(sent);
        }
        Record::Debited(Debited { sent, onward }) => {
            match sent.own_date {
                None => {
                    out.byte(kind::DEBITED);
                    out.byte(holds(sent));
                }
                Some(_) => out.begin_dated(sent, kind::DEBITED_DATED),
            }
            out.sent(sent);
            out.number(u64::from(onward.link.0));
            out.text(&onward.route);
        }
        Record::Credited(credited) => {
            out.byte(kind::CREDITED);
            out.credited(credited);
        }
        Record::Stranded(report) => {
            out.byte(kind::STRANDED);
            out.declined(report);
        }
        Record::Remembers { most } => {
            out.byte(kind::REMEMBERS);
            out.number(*most);
        }
        Record::Noted { id, matter } => {
            out.byte(kind::NOTED);
            out.number(id.0);
            out.byte(place(&Matter::ALL, matter));
        }
        Record::Decided { id, answer, wire_code, owes, approved, at } => {
            out.byte(if approved.is_none() { kind::DECIDED } else { kind::DECIDED_OTHER });
            out.number(id.0);
            out.remembered(answer);
            out.text(wire_code);
            out.owes(owes.as_ref());
            approved.iter().for_each(|amount| out.number(amount.minor_units()));
            out.timestamp(*at);
        }
        Record::TimedOut { id, answer, owes, at } => {
            out.byte(kind::TIMED_OUT);
            out.number(id.0);
            out.remembered(answer);
            out.owes(owes.as_ref());
            out.timestamp(*at);
        }
        Record::NotSent { id, answer, owes, at } => {
            out.byte(if owes.is_none() { kind::NOT_SENT } else { kind::NOT_SENT_OWING });
            out.number(id.0);
            out.remembered(answer);
            owes.iter().for_each(|forward| out.forward(forward));
            out.timestamp(*at);
        }
        Record::Declined(declined) => {
            out.byte(kind::DECLINED);
            out.declined(declined);
        }
        Record::Observed(observed) => {
            out.byte(kind::OBSERVED);
            out.observed(observed);
        }
        Record::Named { what, number, name } => {
            out.byte(kind::NAMED);
            out.byte(place(&NAMED, what));
            out.number(u64::from(*number));
            out.text(name);
        }
        Record::Kept(kept) => {
            out.byte(kind::KEPT);
            out.kept(kept);
        }
        Record::Owed { id, forward, why, at } => {
            out.byte(kind::OWED);
            out.number(id.0);
            out.forward(forward);
            out.byte(place(&WHYS, why));
            out.timestamp(*at);
        }
        Record::Marked { id, mark, at } => {
            out.byte(kind::MARKED);
            out.number(id.0);
            match mark {
                Mark::Confirm => out.byte(0),
                Mark::Reverse { remaining } => {
                    out.byte(1);
                    out.number(remaining.minor_units());
                }
            }
            out.timestamp(*at);
        }
        Record::Advised { sent, forward } => {
            let kinds = [kind::ADVISED, kind::ADVISED_TO, kind::ADVISED_KEEPING, kind::ADVISED_DATED];
            out.begin_sent(sent, kinds);
            out.sent(sent);
            out.forward(forward);
        }
        Record::Attempt { forward, number, host_stan, at } => {
            out.byte(kind::ATTEMPT);
            out.number(forward.0);
            out.number(u64::from(*number));
            out.number(u64::from(host_stan.0));
            out.timestamp(*at);
        }
        Record::Forwarded { forward, wire_code, settlement_date: Some(date), owes, at } => {
            out.byte(kind::FORWARDED_DATED);
            out.number(forward.0);
            out.text(wire_code);
            out.date(Some(*date));
            out.owes(owes.as_ref());
            out.timestamp(*at);
        }
        Record::Withdrawn { id, forward, owes, at } => {
            out.byte(kind::WITHDRAWN);
            out.number(id.0);
            out.number(forward.0);
            out.owes(owes.as_ref());
            out.timestamp(*at);
        }
        Record::Forwarded { forward, wire_code, settlement_date: None, owes, at } => {
            out.byte(if owes.is_none() { kind::FORWARDED } else { kind::FORWARDED_OWING });
            out.number(forward.0);
            out.text(wire_code);
            owes.iter().for_each(|forward| out.forward(forward));
            out.timestamp(*at);
        }
        Record::Exception { id, forward, reason, at } => {
            out.byte(kind::EXCEPTION);
            out.number(id.0);
            // Owed messages are numbered from 1, so 0 is free to mean none.
            out.number(forward.map_or(0, |forward| forward.0));
            out.text(reason);
            out.timestamp(*at);
        }
        Record::Ruled { forward, ruling, by, reason, at } => {
            out.byte(kind::RULED);
            out.number(forward.0);
            out.byte(place(&Ruling::ALL, ruling));
            out.text(by);
            out.text(reason);
            out.timestamp(*at);
        }
        Record::Ticketed { id, ticket, key, at } => {
            out.byte(kind::TICKETED);
            out.number(id.0);
            out.out.extend_from_slice(&ticket.name.to_le_bytes());
            out.out.extend_from_slice(&ticket.contents.to_le_bytes());
            out.out.extend_from_slice(&ticket.caller.to_le_bytes());
            out.key(key);
            out.timestamp(*at);
        }
        Record::HostDate { link, date, compares, at } => {
            out.byte(kind::HOST_DATE);
            out.number(u64::from(link.0));
            out.date(Some(*date));
            out.byte(u8::from(*compares));
            out.timestamp(*at);
        }
        Record::Cutover { link, stage, date, at } => {
            out.byte(kind::CUTOVER);
            out.number(u64::from(link.0));
            out.byte(place(&CutStage::ALL, stage));
            out.date(Some(*date));
            out.timestamp(*at);
        }
        Record::LinkOrdered { link, order, by, at } => {
            out.byte(kind::LINK_ORDERED);
            out.number(u64::from(link.0));
            out.byte(place(&LinkOrder::ALL, order));
            out.text(by);
            out.timestamp(*at);
        }
        Record::Resolved { id, after } => {
            out.byte(kind::RESOLVED);
            out.number(id.0);
            let (place, number) = match after {
                After::Nothing => (0, None),
                After::Reversing(forward) => (1, Some(forward.0)),
                After::Reversed => (2, None),
                After::Confirming(forward) => (3, Some(forward.0)),
                After::Confirmed => (4, None),
                After::Exception => (5, None),
                After::Captured(by) => (6, Some(by.0)),
            };
            out.byte(place);
            number.into_iter().for_each(|number| out.number(number));
        }
        Record::Numbers { next_id, next_forward, link, last_stan } => {
            out.byte(kind::NUMBERS);
            out.number(next_id.0);
            out.number(next_forward.0);
            out.number(link.map_or(0, |link| u64::from(link.0) + 1));
            out.number(u64::from(last_stan.0));
        }
        Record::Day(day) => out.day(day),
    }
}

/// What a sent request holds besides, as a byte.
fn holds(sent: &Sent) -> u8 {
    let account = if sent.to_account.is_none() { 0 } else { HOLDS_ACCOUNT };
    let kept = if sent.kept.is_empty() { 0 } else { HOLDS_KEPT };
    account | kept
}

struct Writer<'a> {
    out: &'a mut Vec<u8>,
    vault: &'a Vault,
}

impl Writer<'_> {
    fn byte(&mut self, byte: u8) {
        self.out.push(byte);
    }

    fn number(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.out.push(number as u8 | 0x80);
            number >>= 7;
        }
        self.out.push(number as u8);
    }

    fn text<const N: usize>(&mut self, text: &Text<N>) {
        self.out.push(text.as_bytes().len() as u8);
        self.out.extend_from_slice(text.as_bytes());
    }

    /// Signed, so that a clock before 1970 costs bytes and not the truth.
    fn timestamp(&mut self, at: Timestamp) {
        let ms = at.as_unix_ms();
        self.number(((ms << 1) ^ (ms >> 63)) as u64);
    }

    fn date(&mut self, date: Option<BusinessDate>) {
        self.number(date.map_or(0, |date| u64::from(date.as_yyyymmdd())));
    }

    fn local_time(&mut self, time: Option<LocalTime>) {
        self.date(time.map(|time| time.date));
        if let Some(time) = time {
            self.number(u64::from(time.second_of_day));
        }
    }

    fn card(&mut self, id: TxnId, card: &Card) {
        let sealed = match card {
            Card::None => return self.byte(0),
            Card::Clear(pan) => self.vault.seal(id, pan),
            Card::Sealed(sealed) => *sealed,
        };
        self.byte(1);
        self.out.extend_from_slice(&sealed.bytes);
    }

    fn key(&mut self, key: &Key) {
        self.number(u64::from(key.source.0));
        self.text(&key.terminal_id);
        self.number(u64::from(key.stan.0));
        self.local_time(key.local_time);
    }

    fn message(&mut self, message: MessageType) {
        let [class, function, origin] = message.digits().map(u64::from);
        self.number(class * 100 + function * 10 + origin);
    }

    fn remembered(&mut self, answer: &Remembered) {
        self.byte(place(&OUTCOMES, &answer.outcome));
        self.byte(answer.code as u8);
        self.text(&answer.approval_code);
        self.text(&answer.rrn);
        self.date(answer.settlement_date);
    }

    fn sent(&mut self, sent: &Sent) {
        self.number(sent.id.0);
        self.key(&sent.key);
        self.fingerprint(sent.fingerprint);
        self.message(sent.message);
        self.byte(sent.kind as u8);
        self.text(&sent.processing_code);
        self.card(sent.id, &sent.pan);
        self.number(sent.amount.minor_units());
        self.number(u64::from(sent.currency.number()));
        self.text(&sent.rrn);
        self.text(&sent.acquirer_id);
        self.text(&sent.transmitted_at);
        self.number(u64::from(sent.link.0));
        self.number(u64::from(sent.host_stan.0));
        self.text(&sent.host_rrn);
        self.text(&sent.host_transmitted_at);
        self.date(Some(sent.business_date));
        self.text(&sent.route);
        self.account(sent.id, &sent.to_account);
        self.besides(&sent.kept);
        self.timestamp(sent.at);
    }

    /// The kind of the record says what else it holds: nothing, an account, or whatever the byte behind it says.
    fn begin_sent(&mut self, sent: &Sent, [plain, to, keeping, dated]: [u8; 4]) {
        if sent.own_date.is_some() {
            return self.begin_dated(sent, dated);
        }
        match holds(sent) {
            0 => self.byte(plain),
            HOLDS_ACCOUNT => self.byte(to),
            holds => {
                self.byte(keeping);
                self.byte(holds);
            }
        }
    }

    /// With the switch's own day in front.
    fn begin_dated(&mut self, sent: &Sent, kind: u8) {
        self.byte(kind);
        self.byte(holds(sent));
        self.date(sent.own_date);
    }

    /// Nothing where there is nothing: the record says so in front.
    fn besides(&mut self, kept: &Carried) {
        if kept.is_empty() {
            return;
        }
        self.number(kept.iter().count() as u64);
        for (noun, contents) in kept.iter() {
            self.byte(noun);
            self.number(contents.len() as u64);
            self.out.extend_from_slice(contents);
        }
    }

    /// Nothing where there is none: the kind of the record says which.
    fn account(&mut self, id: TxnId, account: &Account) {
        let sealed = match account {
            Account::None => return,
            Account::Clear(digits) => self.vault.seal_account(id, digits),
            Account::Sealed(sealed) => *sealed,
        };
        self.out.extend_from_slice(&sealed.bytes);
    }

    fn credited(&mut self, credited: &Credited) {
        self.number(credited.id.0);
        self.text(&credited.wire_code);
        self.text(&credited.approval_code);
        self.number(u64::from(credited.link.0));
        self.number(u64::from(credited.host_stan.0));
        self.text(&credited.host_transmitted_at);
        self.date(Some(credited.business_date));
        self.timestamp(credited.at);
    }

    fn fingerprint(&mut self, fingerprint: u64) {
        self.out.extend_from_slice(&fingerprint.to_le_bytes());
    }

    fn kept(&mut self, kept: &Kept) {
        self.number(kept.id.0);
        self.key(&kept.key);
        self.fingerprint(kept.fingerprint);
        self.byte(kept.kind as u8);
        self.text(&kept.transmitted_at);
        self.remembered(&kept.answer);
        self.byte(place(&DECIDED_BY, &kept.by));
        self.timestamp(kept.at);
    }

    fn owes(&mut self, forward: Option<&Forward>) {
        self.byte(u8::from(forward.is_some()));
        forward.into_iter().for_each(|forward| self.forward(forward));
    }

    fn forward(&mut self, forward: &Forward) {
        self.number(forward.id.0);
        self.byte(place(&DUTIES, &forward.duty));
        self.number(u64::from(forward.link.0));
        self.number(u64::from(forward.host_stan.0));
        self.number(forward.remaining.minor_units());
        self.date(Some(forward.business_date));
    }

    fn declined(&mut self, declined: &Declined) {
        self.number(declined.id.0);
        self.key(&declined.key);
        self.fingerprint(declined.fingerprint);
        self.byte(u8::from(declined.takes_key));
        self.message(declined.message);
        self.byte(declined.kind as u8);
        self.card(declined.id, &declined.pan);
        self.number(declined.amount.minor_units());
        self.number(u64::from(declined.currency.number()));
        self.remembered(&declined.answer);
        self.text(&declined.reason);
        self.timestamp(declined.at);
    }

    fn observed(&mut self, observed: &Observed) {
        self.byte(place(&OBSERVATIONS, &observed.kind));
        self.number(u64::from(observed.link.0));
        self.number(u64::from(observed.host_stan.0));
        // Transactions are numbered from 1, so 0 is free to mean none.
        self.number(observed.id.map_or(0, |id| id.0));
        self.text(&observed.wire_code);
        self.timestamp(observed.at);
    }
}
