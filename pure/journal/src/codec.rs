//! Records as bytes: little-endian base-128 numbers, texts with a length byte, nothing aligned.
//!
//! A kind's number means one layout for ever. A new layout takes a new number, and a journal with a number
//! this program does not know was written by a newer one and is not read by guessing.
mod decode;
mod encode;

use crate::{DecidedBy, Duty, Named, Observation, Why};
use terms::{Balance, Outcome};

pub(crate) use decode::decode;
pub(crate) use encode::encode;

#[rustfmt::skip]
mod kind {
    // 1..=15 the journal itself, 16..=31 a transaction's life, 32..=47 what decides nothing, 48..=63 what
    // is owed, 64..=79 days, 80..=94 links, 95 what is a person's, 96..=109 more of a transaction's life, 110..=129 more of days,
    // 170..=179 what is remembered.
    pub(super) const OPENED:    u8 = 1;
    pub(super) const CLOSED:    u8 = 2;
    pub(super) const NAMED:     u8 = 3;
    pub(super) const KEPT:      u8 = 4;
    pub(super) const NUMBERS:   u8 = 5;
    pub(super) const SENT:      u8 = 16;
    pub(super) const INQUIRED:  u8 = 17;
    pub(super) const DECIDED:   u8 = 18;
    pub(super) const TIMED_OUT: u8 = 19;
    pub(super) const NOT_SENT:  u8 = 20;
    pub(super) const DECLINED:  u8 = 21;
    pub(super) const ADVISED:   u8 = 22;
    pub(super) const MARKED:    u8 = 23;
    pub(super) const RESOLVED:  u8 = 24;
    pub(super) const DEBITED:   u8 = 25;
    pub(super) const CREDITED:  u8 = 26;
    // With the account that receives; the plain kinds stay for what names none.
    pub(super) const SENT_TO:     u8 = 27;
    pub(super) const INQUIRED_TO: u8 = 28;
    pub(super) const ADVISED_TO:  u8 = 29;
    pub(super) const STRANDED:    u8 = 30;
    pub(super) const OBSERVED:  u8 = 32;
    pub(super) const OWED:      u8 = 48;
    pub(super) const ATTEMPT:   u8 = 49;
    pub(super) const FORWARDED: u8 = 50;
    pub(super) const EXCEPTION: u8 = 51;
    pub(super) const RULED:     u8 = 52;
    // With what is owed because of it; the plain kinds stay for what owes nothing.
    pub(super) const FORWARDED_OWING: u8 = 53;
    pub(super) const NOT_SENT_OWING:  u8 = 54;
    pub(super) const HOST_DATE: u8 = 64;
    pub(super) const CUTOVER:   u8 = 65;
    pub(super) const LINK_ORDERED: u8 = 80;
    pub(super) const NOTED:     u8 = 95;
    pub(super) const WITHDRAWN: u8 = 98;
    // As their namesakes, with what a host demands besides.
    pub(super) const SENT_KEEPING:    u8 = 96;
    pub(super) const ADVISED_KEEPING: u8 = 97;
    // 130..=139 submissions of applications.
    pub(super) const TICKETED: u8 = 130;
    pub(super) const OWN_DATE:        u8 = 110;
    pub(super) const DAY_FROZEN:      u8 = 111;
    pub(super) const TOTALS_SENT:     u8 = 112;
    pub(super) const TOTALS_COMPARED: u8 = 113;
    pub(super) const COMPARE_ORDERED: u8 = 114;
    pub(super) const DAY_ENDED:       u8 = 115;
    pub(super) const COUNTED_ANEW:    u8 = 116;
    pub(super) const COUNTED:         u8 = 117;
    pub(super) const TALLIED:         u8 = 118;
    // As their namesakes, with the switch's own day.
    pub(super) const SENT_DATED:      u8 = 119;
    pub(super) const INQUIRED_DATED:  u8 = 120;
    pub(super) const ADVISED_DATED:   u8 = 121;
    pub(super) const DEBITED_DATED:   u8 = 122;
    // As its namesake, with the host's day.
    pub(super) const FORWARDED_DATED: u8 = 123;
    pub(super) const REMEMBERS: u8 = 170;
    // 180..=189 as their namesakes, with what totals need besides.
    pub(super) const TOTALS_SAID:     u8 = 180;
    pub(super) const CUTOVER_SAID:    u8 = 181;
    pub(super) const DECIDED_OTHER:   u8 = 182;
    pub(super) const TALLIED_PART:    u8 = 183;
}

/// Why the bytes of a record (whose checksum is right) are not one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// A newer program wrote it.
    #[error("record of kind {kind}, which this version does not know: a newer version wrote this journal")]
    UnknownKind {
        /// The number that stands there.
        kind: u8,
    },
    /// It ends in the middle of a field.
    #[error("record of kind {kind} ends in the middle of {field}")]
    Truncated {
        /// Which kind of record.
        kind: u8,
        /// Which of its fields.
        field: &'static str,
    },
    /// A field holds what its type cannot mean.
    #[error("record of kind {kind}: impossible {field} at byte {at}")]
    Impossible {
        /// Which kind of record.
        kind: u8,
        /// Which of its fields.
        field: &'static str,
        /// Where in the record the next field would begin.
        at: usize,
    },
    /// Bytes are left over behind its last field.
    #[error("record of kind {kind} has {left_bytes} bytes too many")]
    Trailing {
        /// Which kind of record.
        kind: u8,
        /// How many.
        left_bytes: usize,
    },
}

// What a sent request holds besides, as bits of a byte.
const HOLDS_ACCOUNT: u8 = 1;
const HOLDS_KEPT: u8 = 2;

// A place in one of these is what stands on disk: add at the end, never move.
const OUTCOMES: [Outcome; 4] = [Outcome::Approved, Outcome::Refused, Outcome::Unknown, Outcome::NotSent];
const BALANCES: [Option<Balance>; 4] =
    [None, Some(Balance::Balanced), Some(Balance::OutOfBalance), Some(Balance::NotAvailable)];
const DUTIES: [Duty; 2] = [Duty::Reversal, Duty::Advice];
const WHYS: [Why; 3] = [Why::Asked, Why::Undelivered, Why::OtherLeg];
const NAMED: [Named; 2] = [Named::Link, Named::Source];
const DECIDED_BY: [DecidedBy; 6] = [
    DecidedBy::Host,
    DecidedBy::Silence,
    DecidedBy::Unsent,
    DecidedBy::Us,
    DecidedBy::Tombstone,
    DecidedBy::Source,
];
const OBSERVATIONS: [Observation; 5] = [
    Observation::Late,
    Observation::Repeated,
    Observation::Stranger,
    Observation::Garbled,
    Observation::AskedAgain,
];

fn place<T: PartialEq>(all: &[T], one: &T) -> u8 {
    all.iter().position(|other| other == one).expect("the table lists every one") as u8
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Vault;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    const KINDS: [u8; 55] = [
        kind::OPENED,
        kind::CLOSED,
        kind::NAMED,
        kind::KEPT,
        kind::NUMBERS,
        kind::SENT,
        kind::INQUIRED,
        kind::DECIDED,
        kind::TIMED_OUT,
        kind::NOT_SENT,
        kind::DECLINED,
        kind::OBSERVED,
        kind::ADVISED,
        kind::MARKED,
        kind::RESOLVED,
        kind::OWED,
        kind::ATTEMPT,
        kind::FORWARDED,
        kind::EXCEPTION,
        kind::WITHDRAWN,
        kind::RULED,
        kind::HOST_DATE,
        kind::CUTOVER,
        kind::LINK_ORDERED,
        kind::DEBITED,
        kind::CREDITED,
        kind::SENT_TO,
        kind::INQUIRED_TO,
        kind::ADVISED_TO,
        kind::STRANDED,
        kind::NOTED,
        kind::FORWARDED_OWING,
        kind::NOT_SENT_OWING,
        kind::SENT_KEEPING,
        kind::ADVISED_KEEPING,
        kind::TICKETED,
        kind::OWN_DATE,
        kind::DAY_FROZEN,
        kind::TOTALS_SENT,
        kind::TOTALS_COMPARED,
        kind::COMPARE_ORDERED,
        kind::DAY_ENDED,
        kind::COUNTED_ANEW,
        kind::COUNTED,
        kind::TALLIED,
        kind::SENT_DATED,
        kind::INQUIRED_DATED,
        kind::ADVISED_DATED,
        kind::DEBITED_DATED,
        kind::FORWARDED_DATED,
        kind::REMEMBERS,
        kind::TOTALS_SAID,
        kind::CUTOVER_SAID,
        kind::DECIDED_OTHER,
        kind::TALLIED_PART,
    ];

    #[test]
    fn a_kind_this_version_does_not_know_is_named_as_newer() {
        for kind in (0..=u8::MAX).filter(|kind| !KINDS.contains(kind)) {
            assert_eq!(decode(&[kind, 0, 0, 0]), Err(RecordError::UnknownKind { kind }));
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 20_000, ..ProptestConfig::default() })]

        #[test]
        fn whatever_decodes_encodes_to_the_same_bytes(
            kind in prop::sample::select(KINDS.to_vec()),
            // Small bytes make small numbers and short texts, which is what gets far.
            fields in prop::collection::vec(prop_oneof![4 => 0_u8..8, 1 => any::<u8>()], 0..80),
        ) {
            let mut bytes = alloc::vec![kind];
            bytes.extend(fields);
            if let Ok(record) = decode(&bytes) {
                let mut again = Vec::new();
                encode(&record, &Vault::new([0; 32], 0), &mut again);
                prop_assert_eq!(again, bytes);
            }
        }
    }
}
