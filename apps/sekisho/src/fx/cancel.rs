//! `fxmsg_cn cancel`: the system cancel of what an application sent under a sequence number.

use super::place::{Around, Daemon};
use super::rc::Rc;
use super::verdict::No;
use super::words;
use serde_json::{Value, json};

/// Days back that a sequence number is looked for: as long as the switch keeps the name of a submission.
const DAYS_BACK: i64 = 8;
const DAY_MS: i64 = 86_400_000;

/// Does it. However often, it is taken back once.
pub(super) fn run(around: &Around, daemon: &Daemon, seq: u32) -> Result<Rc, No> {
    let found = find(daemon, seq)?;
    let id = found["id"].as_str().unwrap_or_default();
    let refused = |rc, said: &str| {
        let no = No::new(rc, &words::CANNOT_CANCEL).with("seq", seq).with("said", said);
        no.and(format!("next    sekisho txn show {}", id.trim_start_matches("txn_")))
    };
    if found["type"] == "balance_inquiry" {
        return Err(refused(Rc::ERR_GETCANCELTRN, "a question moves no money"));
    }
    if matches!(found["outcome"].as_str(), Some("declined" | "referred" | "pick_up" | "rejected")) {
        let outcome = found["outcome"].as_str().unwrap_or_default();
        around.say(&words::CANCEL_NOT_NEEDED, &[("seq", &seq.to_string()), ("said", outcome)]);
        return Ok(Rc::OK);
    }
    let reply = daemon.post(&format!("/v1/transactions/{id}/reverse"), &json!({}))?;
    match (reply.status, reply.body["detail"].as_str()) {
        (200, _) => {
            let seq = seq.to_string();
            // What is owed may still be the posting, which is undone next: that is not the cancel.
            let is_undoing = reply.body["resolution"]["state"] == "reversing";
            let owed = reply.body["resolution"]["saf"].as_str().filter(|_| is_undoing).unwrap_or(id);
            around.say(&words::CANCEL_TAKEN, &[("seq", &seq), ("id", owed)]);
            Ok(Rc::OK)
        }
        (404 | 409 | 410, said) => {
            Err(refused(Rc::ERR_GETCANCELTRN, said.unwrap_or("too little of it is remembered")))
        }
        (_, said) => Err(refused(Rc::ERROR_DAEMON, said.unwrap_or("no"))),
    }
}

/// The only one of that number. The C library names what it submits so: `fx-`, days since 1970, `-`, number. Where
/// there are several, of several days, one of them must not be taken for the other.
fn find(daemon: &Daemon, seq: u32) -> Result<Value, No> {
    let today = clock::Clock::with_offset_s(0).now().wall.as_unix_ms().div_euclid(DAY_MS);
    let mut all = Vec::new();
    for day in (today - DAYS_BACK..=today).rev() {
        let found = daemon.get(&format!("/v1/transactions?idempotency_key=fx-{day}-{seq}"))?.body;
        all.extend(found["data"].get(0).cloned());
    }
    if let [found] = &all[..] {
        return Ok(found.clone());
    }
    if all.len() > 1 {
        let ids = all.iter().filter_map(|found| found["id"].as_str()?.strip_prefix("txn_"));
        let ids = ids.collect::<Vec<_>>().join(" ");
        let no = No::new(Rc::ERR_GETCANCELTRN, &words::CANNOT_CANCEL).with("seq", seq);
        let no =
            no.with("said", "it stands for transactions of several days, and nothing says which is meant");
        return Err(no.and(format!("next    sekisho txn show {ids}")).and(
            "then    the application that sent it takes it back, or  POST /v1/transactions/txn_ID/reverse",
        ));
    }
    let no = No::new(Rc::NO_MSG_IN_FILE, &words::NOT_IN_JOURNAL).with("seq", seq);
    Err(no.and("what terminals send is theirs to take back").and("next    sekisho txn find --stan N"))
}
