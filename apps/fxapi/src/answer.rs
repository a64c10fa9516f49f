//! What a switch answered, in the codes and fields of the header.

use crate::message::Message;
use crate::rc::Rc;
use crate::request::PASSED_ON;
use serde_json::Value;
use terms::Code;

/// An answer to something sent.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) rc: Rc,
    /// The transaction as the switch shows it; `Null` where there is none.
    pub(crate) transaction: Value,
}

/// Fields of an answer that are no elements of ISO 8583.
pub(crate) const WORD: u32 = 120;
pub(crate) const NAME: u32 = 121;
pub(crate) const DAY: u32 = 122;
pub(crate) const WHOLE: u32 = 123;
const RESOLUTION: u32 = 124;

impl Answer {
    /// Nothing was answered, for this reason.
    pub(crate) const fn none(rc: Rc) -> Self {
        Self { rc, transaction: Value::Null }
    }

    /// The switch showed a transaction. `is_open`: whether business passes on its link.
    pub(crate) fn of(transaction: Value, is_open: impl FnOnce() -> bool) -> Self {
        let rc = match transaction["outcome"].as_str() {
            Some("approved" | "partial") => Rc::OK,
            Some("referred") => Rc::REFER_TO_ISSUER,
            Some("pick_up") => Rc::PK,
            Some("declined" | "reversed") => Rc::NG,
            Some("unknown") => Rc::TIME_OUT,
            // No host saw it.
            Some("rejected") => match transaction["code"].as_str() {
                _ if !is_open() => Rc::PKG_IS_SIGNOFF_OR_SWITCHING,
                Some("host_down") => Rc::ERR_ALL_CENTER_SESSION,
                Some("format_error" | "invalid_transaction" | "no_route") => Rc::INVALID_MSG,
                Some("malfunction") => Rc::ROUTE_BUSY,
                _ => Rc::ERR_SENDMSG,
            },
            _ => Rc::ERROR_DAEMON,
        };
        Self { rc, transaction }
    }

    /// The switch refused to take it.
    pub(crate) fn refused(status: u16, problem: &Value) -> Self {
        let rc = match (status, problem["code"].as_str().unwrap_or_default()) {
            (_, "unknown_session" | "foreign_session") => Rc::NO_SESSION_ID,
            (_, "under_way") => Rc::DATA_IS_NOT_READY,
            // A capture is made once: another one of the same number, or one by somebody else, is one too many.
            (_, "same_identity" | "key_reused" | "already_captured") => Rc::ERR_APPOINT_NUM,
            // No authorization, or none that was approved, or for less: nothing was sent.
            (_, "not_capturable") => Rc::INVALID_MSG,
            // A cancel that the switch may not carry out any more.
            (_, "with_a_person") => Rc::ERR_GETCANCELTRN,
            (_, "unknown_transaction" | "forgotten") => Rc::NO_MSG_IN_FILE,
            (_, "no_api") => Rc::ERR_OPEN_FILE,
            (_, "busy" | "rate_limited") => Rc::ROUTE_BUSY,
            (_, "not_taken" | "starting") => Rc::PKG_IS_SIGNOFF_OR_SWITCHING,
            (400 | 413, _) => Rc::INVALID_MSG,
            // Nobody there knows what became of it.
            _ if problem["outcome_known"] == false => Rc::ERROR_SOCKET,
            (_, "stopping") => Rc::PKG_IS_NOT_STARTED,
            _ => Rc::ERROR_DAEMON,
        };
        Self::none(rc)
    }

    /// Six characters: action code and domestic code, or what kind of mistake it was. The centre's domestic code
    /// does not come this far: three zeros.
    pub(crate) fn reason(&self) -> String {
        let action = self.transaction["code"].as_str().and_then(action_code);
        match (self.rc, action) {
            (_, Some(action)) => format!("{action}000"),
            (Rc::OK, None) => "000000".into(),
            (Rc::INVALID_MSG | Rc::ERR_BUILDMSG, None) => "ERRFMT".into(),
            (Rc::INVALID_PARAM, None) => "ERRDAT".into(),
            (Rc::ERR_APPOINT_NUM, None) => "ERRDUP".into(),
            (Rc::NO_MSG_IN_FILE, None) => "ERRNON".into(),
            (Rc::ERR_JOURNAL | Rc::COULD_NOT_OPEN_JOURNAL | Rc::ERROR_DAEMON, None) => "ERRLOG".into(),
            (_, None) => "ERRNET".into(),
        }
    }

    /// A member that is text, or nothing.
    pub(crate) fn text(&self, name: &str) -> &str {
        self.transaction[name].as_str().unwrap_or_default()
    }

    /// An element the host said besides.
    pub(crate) fn besides(&self, name: &str) -> &str {
        self.transaction["fields"][name].as_str().unwrap_or_default()
    }

    /// Puts it into a message. What is too long for a field is left out, never cut.
    pub(crate) fn write(&self, message: &mut Message<'_>) {
        let mut put = |number: u32, text: &str| {
            // An answer that is full is an answer all the same.
            let _ = message.set(number, text.as_bytes());
        };
        let of = &self.transaction;
        if let Some(amount) = of["amount"].as_u64() {
            put(4, &format!("{amount:012}"));
        }
        if let Some(stan) = of["stan"].as_u64() {
            put(11, &format!("{stan:06}"));
        }
        put(37, self.text("rrn"));
        put(38, self.text("auth_code"));
        put(39, of["code"].as_str().and_then(action_code).unwrap_or_default().as_str());
        put(41, self.text("terminal"));
        for (number, name) in PASSED_ON {
            put(number, self.besides(name));
        }
        put(WORD, self.text("outcome"));
        put(NAME, self.text("id"));
        put(DAY, &self.text("business_date").replace('-', ""));
        put(RESOLUTION, of["resolution"]["state"].as_str().unwrap_or_default());
    }
}

/// Three digits for what an answer means, as networks of 1993 write it.
fn action_code(name: &str) -> Option<String> {
    thread_local! {
        static OF_1993: Option<dialects::Dialect> = dialects::Dialect::named("iso93-ascii");
    }
    let code = Code::named(name)?;
    let digits =
        OF_1993.with(|dialect| dialect.as_ref().map(|dialect| dialect.code_text(code).to_string()))?;
    (digits.len() == 3).then_some(digits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn answered(outcome: &str, code: &str, open: bool) -> Answer {
        Answer::of(json!({ "outcome": outcome, "code": code }), || open)
    }

    #[test]
    fn an_outcome_has_the_code_the_manual_gives_it() {
        for (outcome, code, rc, reason) in [
            ("approved", "approved", Rc::OK, "000000"),
            ("declined", "insufficient_funds", Rc::NG, "116000"),
            ("pick_up", "stolen_card", Rc::PK, "209000"),
            ("unknown", "no_answer", Rc::TIME_OUT, "911000"),
        ] {
            let answer = answered(outcome, code, true);
            assert_eq!((answer.rc, answer.reason().as_str()), (rc, reason), "{outcome} {code}");
        }
        let referred = answered("referred", "refer_to_issuer", true);
        assert_eq!((referred.rc, &referred.reason()[..1]), (Rc::REFER_TO_ISSUER, "1"));
    }

    #[test]
    fn what_no_host_saw_is_never_called_a_timeout_or_a_decline() {
        for code in ["host_down", "format_error", "no_route", "malfunction", "declined", "whatever"] {
            for open in [true, false] {
                let rc = answered("rejected", code, open).rc;
                assert!(
                    ![Rc::OK, Rc::NG, Rc::TIME_OUT, Rc::ERROR_SOCKET].contains(&rc),
                    "{code} {open}: {rc:?}"
                );
            }
        }
        assert_eq!(answered("rejected", "host_down", false).rc, Rc::PKG_IS_SIGNOFF_OR_SWITCHING);
    }

    #[test]
    fn whoever_does_not_know_says_so() {
        let unknown = Answer::refused(503, &json!({ "code": "stopping", "outcome_known": false }));
        assert_eq!(unknown.rc, Rc::ERROR_SOCKET);
        let known = Answer::refused(503, &json!({ "code": "stopping", "outcome_known": true }));
        assert_eq!(known.rc, Rc::PKG_IS_NOT_STARTED);
    }

    #[test]
    fn what_cannot_be_captured_is_known_not_to_have_been() {
        for (code, rc, reason) in [
            ("already_captured", Rc::ERR_APPOINT_NUM, "ERRDUP"),
            ("with_a_person", Rc::ERR_GETCANCELTRN, "ERRNET"),
            ("key_reused", Rc::ERR_APPOINT_NUM, "ERRDUP"),
            ("not_capturable", Rc::INVALID_MSG, "ERRFMT"),
            ("under_way", Rc::DATA_IS_NOT_READY, "ERRNET"),
            ("unknown_transaction", Rc::NO_MSG_IN_FILE, "ERRNON"),
        ] {
            let refused = Answer::refused(409, &json!({ "code": code, "outcome_known": true }));
            assert_eq!((refused.rc, refused.reason().as_str()), (rc, reason), "{code}");
        }
    }
}
