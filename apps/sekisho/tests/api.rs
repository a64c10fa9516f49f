//! Applications over HTTP and JSON: submitted once whatever happens, unknown where it is, looked up, taken back.

mod http;

use http::At;
use serde_json::{Value, json};
use stories::*;
use terms::{Class, Code, Function};

/// A switch that lets applications in, and where they ask.
fn with_applications(host: &Host) -> Setup {
    let mut setup = Setup::with_host(host);
    setup.tables_more = "[api]\ndefault_link = \"core\"\n".into();
    setup
}

fn withdrawal(amount: u64) -> Value {
    json!({"type": "withdrawal", "amount": amount, "currency": "JPY", "terminal": "ATM00007",
           "card": {"pan": "4111111111111111", "expiry": "3012"}})
}

/// Waits until it is so.
fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    wait_for(what, || is_so().then_some(()));
}

/// Tries until what is shown of a transaction is wanted.
fn look_until(at: &At, id: &str, wanted: impl Fn(&Value) -> bool) -> Value {
    let mut shown = Value::Null;
    until("the transaction to come so far", || {
        shown = at.get(&format!("/v1/transactions/{id}")).says(200).body;
        wanted(&shown)
    });
    shown
}

#[test]
fn a_withdrawal_is_approved_and_told_without_its_card() {
    let host = Host::approving();
    let setup = with_applications(&host);
    let _daemon = setup.start();
    let at = At::socket_of(&setup);
    let reply = at.submit("k-1", &withdrawal(30_000)).says(200);
    let body = &reply.body;
    assert_eq!((body["object"].as_str(), body["outcome"].as_str()), (Some("transaction"), Some("approved")));
    assert_eq!((body["response_code"].as_str(), body["code"].as_str()), (Some("00"), Some("approved")));
    assert_eq!((body["amount"].as_u64(), body["currency"].as_str()), (Some(30_000), Some("JPY")));
    assert_eq!(body["card"]["masked"], "411111******1111");
    assert_eq!((body["terminal"].as_str(), body["route"]["link"].as_str()), (Some("ATM00007"), Some("core")));
    assert!(!body.to_string().contains("4111111111111111"), "{body}");
    assert!(reply.header("request-id").is_some_and(|id| id.starts_with("req_")));
    let seen = host.seen();
    let [seen] = seen.as_slice() else { panic!("asked once: {seen:?}") };
    assert_eq!(seen.txn.message.class, Class::Financial);
    assert_eq!((seen.txn.amount.minor_units(), seen.txn.currency.number()), (30_000, 392));
    assert_eq!(seen.txn.pan.expose(), b"4111111111111111");
}

#[test]
fn the_same_key_is_the_same_transaction_also_after_a_restart() {
    let host = Host::approving();
    let setup = with_applications(&host);
    let daemon = setup.start();
    let at = At::socket_of(&setup);
    let first = at.submit("k-1", &withdrawal(30_000)).says(200);
    assert_eq!(first.header("idempotency-replayed"), None);
    let again = at.submit("k-1", &withdrawal(30_000)).says(200);
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    assert_eq!(again.body["id"], first.body["id"]);
    assert_eq!(again.body["auth_code"], first.body["auth_code"]);
    let other = at.submit("k-1", &withdrawal(30_001)).refuses(422, "key_reused");
    assert_eq!(other.body["transaction"], first.body["id"]);
    drop(daemon);
    let _daemon = setup.start();
    let later = at.submit("k-1", &withdrawal(30_000)).says(200);
    assert_eq!(later.header("idempotency-replayed"), Some("true"));
    let members =
        ["id", "outcome", "amount", "auth_code", "rrn", "stan", "terminal", "business_date", "created"];
    for member in members {
        assert_eq!(later.body[member], first.body[member], "{member}");
    }
    at.submit("k-1", &withdrawal(30_001)).refuses(422, "key_reused");
    assert_eq!(host.seen_count(), 1, "the host was asked once in all");
    let found = at.get("/v1/transactions?idempotency_key=k-1").says(200);
    assert_eq!(found.body["data"][0]["id"], first.body["id"]);
    assert_eq!(at.get("/v1/transactions?idempotency_key=k-2").says(200).body["data"], json!([]));
}

#[test]
fn a_death_while_the_host_is_silent_forgets_neither_the_key_nor_the_debt() {
    let host = Host::acting(|_| Act::Lose);
    let setup = with_applications(&host);
    let mut daemon = setup.start();
    let at = At::socket_of(&setup);
    let line = at.submit_and_turn_away("k-1", &withdrawal(30_000));
    host.wait_for_requests(1);
    drop(line);
    daemon.kill();
    let _daemon = setup.start();
    let again = at.submit("k-1", &withdrawal(30_000)).says(200);
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    let first = again.body["decided"].as_str().or(again.body["outcome"].as_str());
    assert_eq!(first, Some("unknown"), "{again:?}");
    look_until(&at, again.text("id"), |shown| shown["outcome"] == "reversed");
    at.submit("k-1", &withdrawal(30_001)).refuses(422, "key_reused");
    assert_eq!((host.seen_count(), host.owed_seen().len()), (1, 1), "asked once, and given back once");
}

#[test]
fn a_switch_that_stops_in_order_answers_what_is_under_way_first() {
    let host = Host::acting(|_| Act::Hold);
    let setup = with_applications(&host);
    let mut daemon = setup.start();
    let at = At::socket_of(&setup);
    let waiting = std::thread::spawn({
        let at = at.clone();
        move || at.submit("k-1", &withdrawal(30_000))
    });
    host.wait_for_requests(1);
    daemon.signal("TERM");
    daemon.wait_to_say("draining");
    let refused = at.submit("k-2", &withdrawal(1)).refuses(503, "not_taken");
    assert_eq!(refused.body["outcome_known"], true);
    host.release();
    assert_eq!(waiting.join().expect("it ends").says(200).text("outcome"), "approved");
    assert!(daemon.wait().success());
}

#[test]
fn a_key_is_asked_for_and_a_mistake_is_named_before_anything_is_sent() {
    let host = Host::approving();
    let setup = with_applications(&host);
    let _daemon = setup.start();
    let at = At::socket_of(&setup);
    let refused = at.post("/v1/transactions", &withdrawal(1)).refuses(400, "idempotency_key_missing");
    assert_eq!(refused.body["outcome_known"], true);
    let submit = |body: &str| at.ask("POST", "/v1/transactions", &[("Idempotency-Key", "k")], body);
    submit("{\"type\":").refuses(400, "malformed_json");
    submit("[]").refuses(400, "invalid_request");
    assert_eq!(submit("{\"typ\":1}").refuses(400, "invalid_request").body["param"], "typ");
    let unknown = json!({"type": "withdrawl", "amount": 1, "currency": "JPY"});
    let unknown = submit(&unknown.to_string()).refuses(400, "invalid_request");
    assert!(unknown.text("detail").contains("did you mean `withdrawal`?"), "{unknown:?}");
    submit(&format!("\"{}\"", "x".repeat(70_000))).refuses(413, "too_large");
    at.get("/v1/transactions/txn_1").refuses(404, "unknown_transaction");
    at.get("/v1/transactions/nobody").refuses(404, "unknown_transaction");
    at.get("/v1/transactions").refuses(400, "invalid_request");
    at.delete("/v1/transactions").refuses(405, "method_not_allowed");
    let mut strange = withdrawal(1);
    strange["session"] = json!("ses_nobody");
    at.submit("k", &strange).refuses(404, "unknown_session");
    assert_eq!(host.seen_count(), 0);
}

#[test]
fn silence_is_unknown_and_the_last_word_comes_as_an_event() {
    let host = Host::acting(|_| Act::Silence);
    let mut setup = with_applications(&host);
    setup.links[0].reply_timeout_ms = 300;
    let _daemon = setup.start();
    let at = At::socket_of(&setup);
    let mut events = at.listen("/v1/stream?types=transaction.*", &[]);
    let reply = at.submit("k-1", &withdrawal(30_000)).says(200);
    assert_eq!(
        reply.body["decided"].as_str().or(reply.body["outcome"].as_str()),
        Some("unknown"),
        "{reply:?}"
    );
    let id = reply.text("id").to_owned();
    let (_, event) = events.until("transaction.resolved");
    assert_eq!(
        (event["subject"].as_str(), event["data"]["link"].as_str()),
        (Some(id.as_str()), Some("core"))
    );
    let shown = look_until(&at, &id, |shown| shown["outcome"] == "reversed");
    assert_eq!(
        (shown["decided"].as_str(), shown["resolution"]["state"].as_str()),
        (Some("unknown"), Some("reversed"))
    );
    // An unknown answer is never given again as it was: it is looked up.
    assert_eq!(at.submit("k-1", &withdrawal(30_000)).says(200).body["outcome"], "reversed");
    assert_eq!(host.seen_count(), 1);
}

#[test]
fn while_the_host_is_silent_the_same_key_waits_its_turn_and_what_is_owed_is_named() {
    let host = Host::acting(|_| Act::Silence);
    host.acts_when_owed(|_| Act::Lose);
    let mut setup = with_applications(&host);
    setup.links[0].reply_timeout_ms = 1_500;
    let _daemon = setup.start();
    let at = At::socket_of(&setup);
    let first = std::thread::spawn({
        let at = at.clone();
        move || at.submit("k-1", &withdrawal(30_000))
    });
    until("the host to be asked", || host.seen_count() == 1);
    let under_way = at.submit("k-1", &withdrawal(30_000)).refuses(409, "under_way");
    assert_eq!(
        (under_way.body["retryable"].as_bool(), under_way.body["outcome_known"].as_bool()),
        (Some(true), Some(false))
    );
    let id = under_way.text("transaction").to_owned();
    let shown = at.get(&format!("/v1/transactions/{id}")).says(200).body;
    assert_eq!(
        (shown["outcome"].as_str(), shown["resolution"]["state"].as_str()),
        (Some("unknown"), Some("in_flight"))
    );
    let reply = first.join().expect("it ends").says(200);
    assert_eq!((reply.text("id"), reply.text("outcome")), (id.as_str(), "unknown"));
    assert_eq!(reply.body["resolution"]["state"], "reversing");
    assert!(
        reply.body["resolution"]["saf"].as_str().is_some_and(|owed| owed.starts_with("saf_")),
        "{reply:?}"
    );
    assert!(reply.text("advice").contains("Do not pay out"), "{reply:?}");
}

#[test]
fn an_application_that_goes_away_cancels_nothing() {
    let host = Host::acting(|_| Act::Hold);
    let setup = with_applications(&host);
    let _daemon = setup.start();
    let at = At::socket_of(&setup);
    let line = at.submit_and_turn_away("k-1", &withdrawal(30_000));
    host.wait_for_requests(1);
    drop(line);
    host.release();
    let mut found = Value::Null;
    until("the decision", || {
        found = at.get("/v1/transactions?idempotency_key=k-1").says(200).body["data"][0].clone();
        found["outcome"] == "approved"
    });
    assert_eq!(found["resolution"], Value::Null, "{found}");
    assert_eq!(host.owed_seen().len(), 0, "nobody took it back");
    assert_eq!(at.submit("k-1", &withdrawal(30_000)).says(200).header("idempotency-replayed"), Some("true"));
}

#[test]
fn a_transaction_is_taken_back_once_however_often_that_is_asked() {
    let host = Host::approving();
    let setup = with_applications(&host);
    let _daemon = setup.start();
    let at = At::socket_of(&setup);
    let id = at.submit("k-1", &withdrawal(30_000)).says(200).text("id").to_owned();
    let place = format!("/v1/transactions/{id}/reverse");
    let taken = at.post(&place, &json!({})).says(200);
    assert_eq!((taken.text("outcome"), taken.text("decided")), ("reversed", "approved"));
    at.post(&place, &json!({})).says(200);
    let shown = look_until(&at, &id, |shown| shown["resolution"]["state"] == "reversed");
    assert_eq!(shown["outcome"], "reversed");
    let owed = host.owed_seen();
    let [owed] = owed.as_slice() else { panic!("told once: {owed:?}") };
    assert!(owed.is_reversal());
    assert_eq!(
        at.submit("k-1", &withdrawal(30_000)).says(200).body["outcome"],
        "reversed",
        "and not approved"
    );
    at.post("/v1/transactions/txn_99/reverse", &json!({})).refuses(404, "unknown_transaction");
}

#[test]
fn refusals_are_told_by_what_they_mean() {
    for (code, outcome) in [
        (Code::InsufficientFunds, "declined"),
        (Code::ReferToIssuer, "referred"),
        (Code::PickUpCard, "pick_up"),
        (Code::StolenCard, "pick_up"),
    ] {
        let host = Host::acting(move |_| Act::Refuse(code));
        let setup = with_applications(&host);
        let _daemon = setup.start();
        let reply = At::socket_of(&setup).submit("k-1", &withdrawal(1_000)).says(200);
        assert_eq!((reply.text("outcome"), reply.text("code")), (outcome, code.name()));
    }
    let host = Host::approving();
    let setup = with_applications(&host);
    let _daemon = setup.start();
    host.set_open(false);
    let at = At::socket_of(&setup);
    until("the link to be down", || at.get("/v1/links/core").says(200).body["state"] == "disconnected");
    let reply = at.submit("k-1", &withdrawal(1_000)).says(200);
    assert_eq!((reply.text("outcome"), reply.text("code")), ("rejected", "host_down"));
    assert_eq!(at.submit("k-1", &withdrawal(1_000)).says(200).header("idempotency-replayed"), Some("true"));
}

#[test]
fn an_authorization_is_captured_by_an_advice_that_names_it() {
    let host = Host::approving();
    let setup = with_applications(&host);
    let _daemon = setup.start();
    let at = At::socket_of(&setup);
    let mut asked = withdrawal(5_000);
    asked["type"] = json!("authorization");
    let authorized = at.submit("k-1", &asked).says(200);
    let id = authorized.text("id").to_owned();
    let capture = json!({"type": "capture", "of": id, "amount": 4_000, "currency": "JPY"});
    let captured = at.submit("k-2", &capture).says(200);
    assert_eq!(captured.text("outcome"), "approved");
    assert_eq!(at.submit("k-2", &capture).says(200).header("idempotency-replayed"), Some("true"));
    until("the host to be told", || host.owed_seen().len() == 1);
    let told = &host.owed_seen()[0].txn;
    assert_eq!((told.message.class, told.message.function), (Class::Financial, Function::Advice));
    assert_eq!((told.amount.minor_units(), told.pan.expose()), (4_000, &b"4111111111111111"[..]));
    assert_eq!(Some(told.rrn.as_str()), authorized.body["rrn"].as_str());
    let id = captured.text("id").to_owned();
    look_until(&at, &id, |shown| shown["resolution"]["state"] == "posted");
    let nothing = json!({"type": "capture", "of": "txn_99", "amount": 1, "currency": "JPY"});
    at.submit("k-3", &nothing).refuses(404, "unknown_transaction");
}

#[test]
fn an_authorization_is_captured_once_for_no_more_than_it_allows_and_nothing_else_is() {
    let host = Host::acting(|txn| match txn.amount.minor_units() {
        666 => Act::Refuse(Code::InsufficientFunds),
        _ => Act::Answer,
    });
    let setup = with_applications(&host);
    let _daemon = setup.start();
    let at = At::socket_of(&setup);
    let authorize = |key: &str, amount: u64| {
        let mut asked = withdrawal(amount);
        asked["type"] = json!("authorization");
        at.submit(key, &asked).says(200).text("id").to_owned()
    };
    let capture =
        |of: &str, amount: u64| json!({"type": "capture", "of": of, "amount": amount, "currency": "JPY"});

    let withdrawn = at.submit("w", &withdrawal(5_000)).says(200).text("id").to_owned();
    let refused = at.submit("w-c", &capture(&withdrawn, 5_000)).refuses(409, "not_capturable");
    assert!(refused.text("detail").contains("not an authorization"), "{refused:?}");
    let declined = authorize("d", 666);
    let refused = at.submit("d-c", &capture(&declined, 600)).refuses(409, "not_capturable");
    assert!(refused.text("detail").contains("not approved"), "{refused:?}");
    let taken_back = authorize("t", 5_000);
    at.post(&format!("/v1/transactions/{taken_back}/reverse"), &json!({})).says(200);
    let refused = at.submit("t-c", &capture(&taken_back, 5_000)).refuses(409, "not_capturable");
    assert!(refused.text("detail").contains("taken back"), "{refused:?}");

    let id = authorize("a", 5_000);
    let refused = at.submit("a-0", &capture(&id, 5_001)).refuses(409, "not_capturable");
    assert!(refused.text("detail").contains("more than was approved"), "{refused:?}");
    // Ten at once, each under a key of its own: one goes.
    let replies: Vec<_> = std::thread::scope(|all| {
        let one = |n: u32| {
            let (at, body) = (at.clone(), capture(&id, 5_000));
            all.spawn(move || at.submit(&format!("a-{}", n + 1), &body))
        };
        let started: Vec<_> = (0..10).map(one).collect();
        started.into_iter().map(|one| one.join().expect("it ends")).collect()
    });
    let went: Vec<_> = replies.iter().filter(|reply| reply.status == 200).collect();
    let [went] = went.as_slice() else { panic!("captured once: {replies:?}") };
    for other in replies.iter().filter(|reply| reply.status != 200) {
        assert_eq!((other.status, other.text("code")), (409, "already_captured"));
        assert_eq!(other.text("transaction"), went.text("id"));
    }
    let reverse = format!("/v1/transactions/{id}/reverse");
    let refused = at.post(&reverse, &json!({})).refuses(409, "already_captured");
    assert_eq!(refused.text("transaction"), went.text("id"));
    let shown = at.get(&format!("/v1/transactions/{id}")).says(200).body;
    assert_eq!(
        (shown["outcome"].as_str(), &shown["resolution"]["state"]),
        (Some("approved"), &json!("captured"))
    );
    look_until(&at, went.text("id"), |shown| shown["resolution"]["state"] == "posted");
    let owed: Vec<_> = host.owed_seen().iter().map(|owed| owed.is_reversal()).collect();
    assert_eq!(owed.iter().filter(|is_reversal| !**is_reversal).count(), 1, "posted once: {owed:?}");
}

#[test]
fn a_balance_is_asked_for_and_what_the_host_says_besides_is_told() {
    let host = Host::approving();
    let setup = with_applications(&host);
    let _daemon = setup.start();
    let at = At::socket_of(&setup);
    let asked = json!({"type": "balance_inquiry", "terminal": "ATM00007", "card": {"pan": "4111111111111111"},
                       "merchant": {"id": "SHOP1", "category": "5411"}, "fields": {"entry_mode": "011"}});
    let reply = at.submit("k-1", &asked).says(200);
    assert_eq!((reply.text("type"), reply.text("outcome")), ("balance_inquiry", "approved"));
    let seen = &host.seen()[0].txn;
    assert_eq!(seen.carried.get(terms::Noun::MerchantType), Some(&b"5411"[..]));
    assert_eq!(seen.carried.get(terms::Noun::EntryMode), Some(&b"011"[..]));
}

#[test]
fn without_a_table_for_them_applications_may_look_and_no_more() {
    let host = Host::approving();
    let setup = Setup::with_host(&host);
    let _daemon = setup.start();
    let at = At::socket_of(&setup);
    at.submit("k-1", &withdrawal(1_000)).refuses(404, "no_api");
    at.get("/v1/sessions").says(200);
}

#[test]
fn a_session_lives_as_long_as_its_application_listens() {
    let host = Host::approving();
    let setup = with_applications(&host);
    let _daemon = setup.start();
    let at = At::socket_of(&setup);
    let opened = at.post("/v1/sessions", &json!({"application": "POS1"})).says(201);
    assert_eq!((opened.text("object"), opened.body["number"].as_u64()), ("session", Some(1)));
    let id = opened.text("id").to_owned();
    let mut events = at.listen(&format!("/v1/sessions/{id}/events"), &[]);
    assert_eq!(events.until("session.opened").1["data"]["number"], 1);
    let second = at.ask("GET", &format!("/v1/sessions/{id}/events"), &[], "");
    second.refuses(409, "session_in_use");
    let mut asked = withdrawal(1_000);
    asked["session"] = json!(id);
    at.submit("k-1", &asked).says(200);
    drop(events);
    until("the session to be released", || at.get("/v1/sessions").says(200).body["data"] == json!([]));
    at.submit("k-2", &asked).refuses(404, "unknown_session");
    let opened = at.post("/v1/sessions", &json!({"application": "POS2", "link": "core"})).says(201);
    let id = opened.text("id").to_owned();
    let mut events = at.listen(&format!("/v1/sessions/{id}/events"), &[]);
    assert_eq!(at.get(&format!("/v1/sessions/{id}")).says(200).text("state"), "open");
    assert_eq!(at.delete(&format!("/v1/sessions/{id}")).says(200).text("state"), "closed");
    events.until("session.closed");
    at.delete(&format!("/v1/sessions/{id}")).refuses(404, "unknown_session");
    at.post("/v1/sessions", &json!({"application": ""})).refuses(400, "invalid_request");
    at.post("/v1/sessions", &json!({"application": "POS1", "link": "cora"})).refuses(400, "invalid_request");
}

#[test]
fn the_same_key_is_the_same_transaction_whatever_session_it_is_repeated_in() {
    let host = Host::approving();
    let setup = with_applications(&host);
    let daemon = setup.start();
    let at = At::socket_of(&setup);
    let session =
        |at: &At| at.post("/v1/sessions", &json!({"application": "POS1"})).says(201).text("id").to_owned();
    let mut asked = withdrawal(1_000);
    asked["session"] = json!(session(&at));
    let first = at.submit("k-1", &asked).says(200);
    drop(daemon);
    let _daemon = setup.start();
    // The session died with the process: what was done in it is told all the same.
    let again = at.submit("k-1", &asked).says(200);
    assert_eq!((again.header("idempotency-replayed"), again.text("id")), (Some("true"), first.text("id")));
    asked["session"] = json!(session(&at));
    let again = at.submit("k-1", &asked).says(200);
    assert_eq!((again.header("idempotency-replayed"), again.text("id")), (Some("true"), first.text("id")));
    // Another request under that key is one, session or not; and a new one needs a session that is there.
    let mut other = withdrawal(2_000);
    other["session"] = json!("ses_nobody");
    at.submit("k-1", &other).refuses(422, "key_reused");
    at.submit("k-2", &other).refuses(404, "unknown_session");
    assert_eq!(host.seen_count(), 1, "the host was asked once in all");
}

#[test]
fn who_comes_back_with_the_last_event_seen_misses_nothing() {
    let host = Host::approving();
    let setup = with_applications(&host);
    let _daemon = setup.start();
    let at = At::socket_of(&setup);
    let mut events = at.listen("/v1/stream?types=link.*", &[]);
    host.set_open(false);
    let (last, down) = events.until("link.down");
    assert_eq!((down["subject"].as_str(), down["severity"].as_str()), (Some("core"), Some("error")));
    drop(events);
    host.set_open(true);
    until("the link to come back", || at.get("/v1/links/core").says(200).body["state"] == "connected");
    let mut events = at.listen("/v1/stream?types=link.*", &[("Last-Event-ID", &last)]);
    events.until("link.connected");
    let mut strange = at.listen("/v1/stream", &[("Last-Event-ID", "evt_1_1")]);
    strange.until("stream.missed");
}

/// The lane knows a decision before the disk does: who looks it up hears it no sooner than who waits for it.
#[test]
fn what_is_looked_up_is_as_durable_as_what_is_answered() {
    if !can_trace() {
        return;
    }
    let host = Host::approving();
    let setup = with_applications(&host);
    setup.write();
    // From some moment on each sync of the thread that commits takes its time.
    let inject = "inject=fdatasync:delay_enter=700000:when=40+";
    let options = ["-f", "-o", "/dev/null", "-e", "trace=fdatasync", "-e", inject].map(AsRef::as_ref);
    let daemon = Daemon::spawn_under("strace", &options, &setup.config_path());
    daemon.wait_until_ready();
    daemon.wait_for_link("core", "up");
    let at = At::socket_of(&setup);
    let mut before = 0;
    until("syncs to take their time", || {
        let begun = std::time::Instant::now();
        at.submit(&format!("before-{before}"), &withdrawal(1_000)).says(200);
        before += 1;
        begun.elapsed().as_millis() >= 1_000
    });
    let answered = std::thread::spawn({
        let at = at.clone();
        move || {
            at.submit("k-1", &withdrawal(2_000)).says(200);
            std::time::Instant::now()
        }
    });
    until("it to be found approved", || {
        let found = at.get("/v1/transactions?idempotency_key=k-1").says(200);
        found.body["data"][0]["outcome"] == "approved"
    });
    let looked_up = std::time::Instant::now();
    let answered = answered.join().expect("it ends");
    let ahead = answered.saturating_duration_since(looked_up);
    assert!(ahead.as_millis() < 350, "told {ahead:?} before it was durable");
}
