//! Business: what is sent, what comes back, and what became of it.

use crate::answer::{self, Answer};
use crate::http::{Question, Silence};
use crate::message::Message;
use crate::rc::Rc;
use crate::request::{self, Kind};
use crate::sessions::{SEQ_MAX, Session};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Field numbers of ours, beyond those a caller may set: what a message asks for, and what it is about.
const KIND: u32 = 129;
const ABOUT: u32 = 130;
/// Longest wait for an answer: the switch's own patience ends before.
const ANSWER: Duration = Duration::from_secs(700);
/// Days back that a sequence number is looked for: as long as the switch keeps the name of a submission.
const DAYS_BACK: u64 = 8;
/// Messages sent on one session and not received yet, at most: each costs a thread until it is answered.
const SENT_MAX: usize = 256;
/// Sequence numbers tried where one is taken.
const TRIES: usize = 64;

/// Something sent, with its answer as soon as it came.
#[derive(Debug)]
pub(crate) struct Sent {
    kind: Kind,
    answer: Option<Answer>,
}

impl Sent {
    pub(crate) const fn is_answered(&self) -> bool {
        self.answer.is_some()
    }
}

/// What is to be asked of the switch.
struct Task {
    place: String,
    key: Option<String>,
    /// The name to take where the first stands for something else.
    or_key: Option<String>,
    body: Value,
}

/// Begins a message of that kind.
pub(crate) fn begin(message: &mut Message<'_>, kind: Kind) -> Result<(), Rc> {
    message.set_own(KIND, &[kind as u8])
}

/// Says which sequence number it is about.
pub(crate) fn begin_about(message: &mut Message<'_>, kind: Kind, seq: u32) -> Result<(), Rc> {
    begin(message, kind)?;
    message.set_own(ABOUT, &seq.to_le_bytes())
}

fn kind_of(message: &Message<'_>) -> Result<Kind, Rc> {
    let byte = message.own(KIND).and_then(|bytes| bytes.first().copied()).ok_or(Rc::INVALID_MSG)?;
    Kind::numbered(u32::from(byte)).ok_or(Rc::INVALID_MSG)
}

/// Whether it asks for an authorization, which is what can be captured.
pub(crate) fn is_authorization(message: &Message<'_>) -> bool {
    kind_of(message) == Ok(Kind::Auth)
}

fn about(message: &Message<'_>) -> Result<u32, Rc> {
    let bytes = message.own(ABOUT).and_then(|bytes| bytes.try_into().ok()).ok_or(Rc::INVALID_MSG)?;
    Ok(u32::from_le_bytes(bytes))
}

impl Session {
    /// A sequence number that stands for nothing the switch can still name: it must not be taken for another's.
    pub(crate) fn seq(&self) -> Result<u32, Rc> {
        for _ in 0..TRIES {
            let seq = self.next_seq();
            if self.all_of(seq)?.is_empty() {
                return Ok(seq);
            }
        }
        Err(Rc::ERR_GETSEQNUM)
    }

    /// Sends; the answer comes into the inbox.
    pub(crate) fn send(self: &Arc<Self>, seq: u32, message: &Message<'_>) -> Result<(), Rc> {
        if !(1..=SEQ_MAX).contains(&seq) {
            return Err(Rc::INVALID_PARAM);
        }
        let kind = kind_of(message)?;
        let task = self.task(seq, kind, message)?;
        let mut inbox = self.inbox();
        if inbox.sent.contains_key(&seq) {
            return Err(Rc::ERR_APPOINT_NUM);
        }
        if inbox.sent.len() >= SENT_MAX {
            return Err(Rc::ROUTE_BUSY);
        }
        inbox.sent.insert(seq, Sent { kind, answer: None });
        drop(inbox);
        let session = self.clone();
        let thread = std::thread::Builder::new().name("fx-send".into()).spawn(move || {
            let answer = session.carry_out(&task);
            if let Some(sent) = session.inbox().sent.get_mut(&seq) {
                sent.answer = Some(answer);
            }
            session.news.notify_all();
        });
        thread.map(drop).map_err(|_| {
            self.inbox().sent.remove(&seq);
            Rc::ERR_SENDMSG
        })
    }

    /// The answer to that sequence number, or to the first that comes (0): its number, its kind and itself.
    pub(crate) fn receive(&self, seq: u32, wait: bool) -> Result<(u32, Kind, Answer), Rc> {
        let deadline = Instant::now() + ANSWER;
        let mut inbox = self.inbox();
        loop {
            let mut wanted = inbox.sent.iter().filter(|(number, _)| seq == 0 || **number == seq).peekable();
            if wanted.peek().is_none() {
                return Err(Rc::ERR_RECEIVEMSG);
            }
            let answered = wanted.find(|(_, sent)| sent.is_answered()).map(|(number, _)| *number);
            if let Some(number) = answered
                && let Some(Sent { kind, answer: Some(answer) }) = inbox.sent.remove(&number)
            {
                return Ok((number, kind, answer));
            }
            if !wait {
                return Err(Rc::DATA_IS_NOT_READY);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(Rc::TIME_OUT);
            }
            let woken = self.news.wait_timeout(inbox, left);
            inbox = woken.unwrap_or_else(std::sync::PoisonError::into_inner).0;
        }
    }

    /// Sends under a number of its own and waits for the answer.
    pub(crate) fn send_and_wait(self: &Arc<Self>, message: &Message<'_>) -> Result<(u32, Answer), Rc> {
        for _ in 0..TRIES {
            let seq = self.seq()?;
            self.send(seq, message)?;
            let (_, _, answer) = self.receive(seq, true)?;
            // Somebody was faster with this number: nothing was sent under it by us.
            if answer.rc != Rc::ERR_APPOINT_NUM {
                return Ok((seq, answer));
            }
        }
        Err(Rc::ERR_GETSEQNUM)
    }

    /// Captures what was authorized under that number, and waits.
    pub(crate) fn capture(&self, seq: u32, message: &Message<'_>) -> Result<Answer, Rc> {
        let task = self.capture_task(seq, message)?;
        Ok(self.carry_out(&task))
    }

    /// Takes back what was sent under that number.
    pub(crate) fn cancel(&self, seq: u32) -> Result<Answer, Rc> {
        let task = self.cancel_task(seq)?;
        Ok(self.carry_out(&task))
    }

    /// What became of that number.
    pub(crate) fn result(&self, seq: u32) -> Result<Answer, Rc> {
        let (_, transaction) = self.find(seq)?;
        Ok(Answer::of(transaction, || self.is_open()))
    }

    fn task(&self, seq: u32, kind: Kind, message: &Message<'_>) -> Result<Task, Rc> {
        match kind {
            Kind::Cancel => self.cancel_task(about(message)?),
            Kind::Advice => self.capture_task(about(message)?, message),
            kind => {
                let body = request::transaction(message, kind, seq, &self.id)?;
                let (today, place) = (today(), "/v1/transactions".into());
                let yesterday = key_of(seq, today.saturating_sub(1));
                // What is sent again a moment past midnight is what was sent before it.
                let (key, or_key) = match self.look_up(&yesterday)? {
                    Some(_) => (yesterday, Some(key_of(seq, today))),
                    None => (key_of(seq, today), None),
                };
                self.inbox().days.insert(seq, today);
                Ok(Task { place, key: Some(key), or_key, body })
            }
        }
    }

    fn capture_task(&self, seq: u32, message: &Message<'_>) -> Result<Task, Rc> {
        let (key, original) = self.find(seq)?;
        let body = request::capture(message, original["id"].as_str().ok_or(Rc::ERROR_DAEMON)?)?;
        let key = Some(format!("{key}-capture"));
        Ok(Task { place: "/v1/transactions".into(), key, or_key: None, body })
    }

    fn cancel_task(&self, seq: u32) -> Result<Task, Rc> {
        let original = self.find(seq)?.1;
        if original["type"] == Kind::Balance.name() {
            return Err(Rc::ERR_GETCANCELTRN);
        }
        let id = original["id"].as_str().ok_or(Rc::ERROR_DAEMON)?;
        Ok(Task { place: format!("/v1/transactions/{id}/reverse"), key: None, or_key: None, body: json!({}) })
    }

    /// The transaction of that number, and the key it was submitted under: what this session sent last under it, or
    /// the only one there is. Which of several is meant, nobody says: [`Rc::ERR_APPOINT_NUM`].
    fn find(&self, seq: u32) -> Result<(String, Value), Rc> {
        if !(1..=SEQ_MAX).contains(&seq) {
            return Err(Rc::INVALID_PARAM);
        }
        let mut all = self.all_of(seq)?;
        let ours = self.inbox().days.get(&seq).copied();
        if let Some(ours) = ours {
            // Past midnight it may stand under the day before.
            all.retain(|(day, ..)| (ours.saturating_sub(1)..=ours).contains(day));
            all.truncate(1);
        }
        match (all.len(), all.pop()) {
            (1, Some((_, key, transaction))) => Ok((key, transaction)),
            (0, _) => Err(Rc::NO_MSG_IN_FILE),
            _ => Err(Rc::ERR_APPOINT_NUM),
        }
    }

    /// Everything that number stands for, the newest first.
    fn all_of(&self, seq: u32) -> Result<Vec<(u64, String, Value)>, Rc> {
        let today = today();
        let mut all = Vec::new();
        for day in (today.saturating_sub(DAYS_BACK)..=today).rev() {
            let key = key_of(seq, day);
            if let Some(transaction) = self.look_up(&key)? {
                all.push((day, key, transaction));
            }
        }
        Ok(all)
    }

    fn look_up(&self, key: &str) -> Result<Option<Value>, Rc> {
        let found = self.get(&format!("/v1/transactions?idempotency_key={key}"))?;
        Ok(found["data"].get(0).cloned())
    }

    fn carry_out(&self, task: &Task) -> Answer {
        let question = |key| Question { key, ..Question::post(&task.place, &task.body) };
        let mut reply = self.ask_at_length(&question(task.key.as_deref()));
        if let (Some(or_key), Ok(refused)) = (task.or_key.as_deref(), &reply)
            && refused.body["code"] == "key_reused"
        {
            reply = self.ask_at_length(&question(Some(or_key)));
        }
        match reply {
            // That it is taken back is what was wanted, whatever stands there of the first decision.
            Ok(reply) if reply.status < 300 && task.key.is_none() => {
                Answer { rc: Rc::OK, transaction: reply.body }
            }
            Ok(reply) if reply.status < 300 => Answer::of(reply.body, || self.is_open()),
            Ok(reply) => Answer::refused(reply.status, &reply.body),
            Err(Silence::Nobody) => Answer::none(Rc::PKG_IS_NOT_STARTED),
            // It may have been taken: under its key stands what became of it.
            Err(Silence::Broken) => {
                let found = task.key.as_deref().map(|key| self.look_up(key));
                match found {
                    Some(Ok(Some(transaction))) => Answer::of(transaction, || self.is_open()),
                    _ => Answer::none(Rc::ERROR_SOCKET),
                }
            }
        }
    }

    fn is_open(&self) -> bool {
        self.link_now().is_ok_and(|link| link["open"] == true)
    }

    /// The next event, as a code and in a message; [`Rc::TIME_OUT`] where none comes.
    pub(crate) fn event(&self, wait: Duration, room: Option<&mut Message<'_>>) -> Result<Rc, Rc> {
        let deadline = Instant::now() + wait;
        let mut inbox = self.inbox();
        loop {
            let is_ours = |event: &Value| match event["data"]["link"].as_str() {
                Some(link) => link == self.link,
                // What terminals say wrongly is no news of the centre.
                None => event["type"] != "message.format_error",
            };
            while let Some(event) = inbox.events.pop_front() {
                if let Some(code) = event_code(&event).filter(|_| is_ours(&event)) {
                    if let Some(message) = room {
                        write_event(&event, message);
                    }
                    return Ok(code);
                }
            }
            if inbox.is_over {
                return Err(Rc::PKG_IS_NOT_STARTED);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(Rc::TIME_OUT);
            }
            let woken = self.news.wait_timeout(inbox, left);
            inbox = woken.unwrap_or_else(std::sync::PoisonError::into_inner).0;
        }
    }
}

/// The old code of an event, 0 for one that had none; `None` for what is no news to an application.
fn event_code(event: &Value) -> Option<Rc> {
    Some(match event["type"].as_str()? {
        "link.connected" => Rc::OK_CENTER_SESSION,
        "link.degraded" => Rc::ERR_PART_CENTER_SESSION,
        "link.down" => Rc::ERR_ALL_CENTER_SESSION,
        "link.signed_on" => Rc::SIGNON,
        "link.signed_off" => Rc::SIGNOFF,
        "message.format_error" => Rc::FORMAT_ERROR,
        "message.discarded" | "transaction.late_answer" => Rc::DESTROY_CARDNET_MESSAGE,
        "session.opened" | "stream.missed" => return None,
        _ => Rc::OK,
    })
}

fn write_event(event: &Value, message: &mut Message<'_>) {
    let text = |name: &str| event[name].as_str().unwrap_or_default().to_owned();
    let day = text("business_date").replace('-', "");
    let fields = [(answer::WORD, text("type")), (answer::NAME, text("time")), (answer::DAY, day)];
    for (number, text) in fields.into_iter().chain([(answer::WHOLE, event.to_string())]) {
        // What is too long for a field is left out.
        let _ = message.set(number, text.as_bytes());
    }
}

/// The name of a submission: its sequence number and the day it was drawn (UTC, days since 1970).
fn key_of(seq: u32, day: u64) -> String {
    format!("fx-{day}-{seq}")
}

fn today() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs() / 86_400)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_have_their_old_codes_and_new_ones_have_none() {
        for (name, code) in [
            ("link.connected", Some(Rc::OK_CENTER_SESSION)),
            ("link.down", Some(Rc::ERR_ALL_CENTER_SESSION)),
            ("link.signed_on", Some(Rc::SIGNON)),
            ("link.signed_off", Some(Rc::SIGNOFF)),
            ("message.discarded", Some(Rc::DESTROY_CARDNET_MESSAGE)),
            ("cutover.completed", Some(Rc::OK)),
            ("transaction.resolved", Some(Rc::OK)),
            ("session.opened", None),
        ] {
            assert_eq!(event_code(&json!({ "type": name })), code, "{name}");
        }
        assert_eq!(event_code(&json!({})), None);
    }
}
