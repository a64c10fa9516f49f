//! Return codes. The header defines the same numbers; a test compares the two.

macro_rules! codes {
    ($($(#[doc = $meaning:literal])* $name:ident = $number:literal,)*) => {
        /// What a function returns: 0 for done, anything else for why not.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[allow(non_camel_case_types, reason = "the names are those of the header")]
        #[repr(u32)]
        pub enum Rc {
            $($(#[doc = $meaning])* $name = $number,)*
        }

        impl Rc {
            /// All of them, with their names.
            pub const ALL: &[(Self, &'static str)] = &[$((Self::$name, stringify!($name)),)*];
        }
    };
}

codes! {
    /// Done; approved.
    OK = 0,
    /// Declined, or refused by the centre.
    NG = 1,
    /// Declined: the card's issuer wants to be called.
    REFER_TO_ISSUER = 2,
    /// Declined: keep the card.
    PK = 3,
    /// Anything no other code is for.
    ERROR = 4,
    /// The personal identification number is wrong.
    INVALID_PIN = 5,
    /// No such message in the journal.
    NO_MSG_IN_FILE = 6,
    /// No such session in this process, or it is over.
    NO_SESSION_ID = 7,
    /// No such group of messages.
    INVALID_MSGGRP = 8,
    /// Answers were not received yet.
    REMAIN_MSG = 9,
    /// No answer in time. What became of it is UNKNOWN, and the switch takes it back by itself.
    TIME_OUT = 10,
    /// The message cannot be used.
    INVALID_MSG = 11,
    /// The centre takes nothing just now.
    ERR_CENTER_BUSY = 12,
    /// Another thread uses this session.
    USE_SESSION_ID = 13,
    /// The answer is not there yet.
    DATA_IS_NOT_READY = 14,
    /// This library is at fault.
    ERROR_API_INTERNAL = 15,
    /// The switch is at fault, or said what cannot be understood.
    ERROR_DAEMON = 16,
    /// The centre is at fault.
    ERROR_CENTER = 17,
    /// The connection with the switch broke. What became of a message under way is UNKNOWN: look it up.
    ERROR_SOCKET = 18,
    /// No way to the centre takes more just now.
    ROUTE_BUSY = 19,
    /// Other applications hold sessions.
    APPL_IS_REMAINED = 20,
    /// The journal cannot be opened.
    COULD_NOT_OPEN_JOURNAL = 21,
    /// A switch runs already.
    PKG_ALREADY_STARTED = 22,
    /// It is not signed off.
    PKG_IS_NOT_SIGNOFF = 23,
    /// No switch runs.
    PKG_IS_NOT_STARTED = 24,
    /// It is signed off, or is changing its state.
    PKG_IS_SIGNOFF_OR_SWITCHING = 25,
    /// No session could be opened.
    ERR_OPENSESSION = 30,
    /// The journal could not be searched.
    ERR_SEARCHJOURNAL = 31,
    /// What was found cannot be cancelled.
    ERR_GETCANCELTRN = 32,
    /// No message could be built of this.
    ERR_BUILDMSG = 33,
    /// No sequence number could be had.
    ERR_GETSEQNUM = 34,
    /// It could not be sent.
    ERR_SENDMSG = 35,
    /// Not everything could be told in the time given.
    ERR_RETRY_OVER = 36,
    /// There is nothing to receive.
    ERR_RECEIVEMSG = 37,
    /// The sequence number is another message's.
    ERR_APPOINT_NUM = 38,
    /// A file cannot be read.
    ERR_OPEN_FILE = 39,
    /// The journal failed.
    ERR_JOURNAL = 40,
    /// Event: every connection with the centre stands.
    OK_CENTER_SESSION = 41,
    /// Event: some connections with the centre were lost.
    ERR_PART_CENTER_SESSION = 42,
    /// Event: no connection with the centre stands.
    ERR_ALL_CENTER_SESSION = 43,
    /// Event: signed on.
    SIGNON = 44,
    /// Event: signed off.
    SIGNOFF = 45,
    /// Event: a message of the centre could not be read.
    FORMAT_ERROR = 48,
    /// Event: an answer of the centre came too late, or to nothing, and was discarded.
    DESTROY_CARDNET_MESSAGE = 49,
    /// Event: the same, of the other centre.
    DESTROY_CAFIS_MESSAGE = 50,
    /// A parameter is missing or makes no sense.
    INVALID_PARAM = 1000,
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn the_header_and_the_library_know_the_same_codes() {
        let header = include_str!("../include/fxapi.h");
        let defined: BTreeMap<&str, u32> = header
            .lines()
            .filter_map(|line| line.strip_prefix("#define RC_"))
            .filter_map(|rest| {
                let mut words = rest.split_whitespace();
                Some((words.next()?, words.next()?.trim_end_matches('u').parse().ok()?))
            })
            .collect();
        let ours: BTreeMap<&str, u32> = Rc::ALL.iter().map(|(rc, name)| (*name, *rc as u32)).collect();
        assert_eq!(defined, ours);
    }
}
