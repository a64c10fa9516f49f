//! An application takes back what is being posted, or is a person's: it is done, or it is told that it is not.

mod http;

use http::At;
use serde_json::{Value, json};
use stories::*;

fn with_applications(host: &Host) -> Setup {
    let mut setup = Setup::with_host(host);
    setup.tables_more = "[api]\ndefault_link = \"core\"\n".into();
    setup
}

fn authorization() -> Value {
    json!({"type": "authorization", "amount": 5_000, "currency": "JPY", "terminal": "ATM00007",
           "card": {"pan": "4111111111111111", "expiry": "3012"}})
}

fn shown(at: &At, id: &str) -> Value {
    at.get(&format!("/v1/transactions/{id}")).says(200).body
}

fn reverse(at: &At, id: &str) -> http::Reply {
    at.post(&format!("/v1/transactions/{id}/reverse"), &json!({}))
}

/// An authorization, approved, and its capture, which the host that is away has not heard of.
fn captured_while_the_host_is_away(host: &Host, at: &At) -> (String, String) {
    let of = at.submit("auth", &authorization()).says(200).text("id").to_owned();
    host.set_open(false);
    wait_for("the link to be down", || {
        let mut asked = authorization();
        asked["amount"] = json!(1);
        static NEXT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
        let key = format!("probe-{}", NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed));
        (at.submit(&key, &asked).text("outcome") == "rejected").then_some(())
    });
    let capture = json!({"type": "capture", "of": of, "amount": 5_000, "currency": "JPY"});
    let capture = at.submit("capture", &capture).says(200);
    assert_eq!(capture.body["resolution"]["state"], "posting");
    let id = capture.text("id").to_owned();
    (of, id)
}

#[test]
fn a_capture_taken_back_while_its_host_is_away_charges_nobody_and_frees_the_authorization() {
    let host = Host::approving();
    let setup = with_applications(&host);
    let _daemon = setup.start();
    let at = At::socket_of(&setup);
    let (of, capture) = captured_while_the_host_is_away(&host, &at);
    let taken = reverse(&at, &capture).says(200).body;
    assert_eq!((&taken["outcome"], &taken["resolution"]["state"]), (&json!("reversed"), &json!("reversed")));
    assert_eq!(taken["resolution"]["saf"], Value::Null, "nothing is owed for it");
    assert_eq!(shown(&at, &of)["resolution"], Value::Null, "the authorization is not spent");
    // Back, the host hears of the authorization's reversal, and of no sale.
    let taken = reverse(&at, &of).says(200).body;
    assert_eq!(taken["outcome"], "reversed");
    host.set_open(true);
    let owed = host.wait_for_owed(1);
    assert!(owed.iter().all(Seen::is_reversal), "{owed:?}");
    wait_for("the hold to be gone", || (shown(&at, &of)["resolution"]["state"] == "reversed").then_some(()));
    assert_eq!(host.owed_seen().len(), 1, "and nothing else");
}

#[test]
fn what_a_person_has_is_not_taken_back_and_what_was_taken_back_is_not_approved_again() {
    let host = Host::approving();
    let setup = with_applications(&host);
    let _daemon = setup.start();
    let at = At::socket_of(&setup);
    let id = at.submit("k", &authorization()).says(200).text("id").to_owned();
    host.acts_when_owed(|_| Act::Refuse(terms::Code::DoNotHonour));
    assert_eq!(reverse(&at, &id).says(200).body["outcome"], "reversed");
    wait_for("the refused reversal to be a person's", || {
        (shown(&at, &id)["resolution"]["state"] == "with_a_person").then_some(())
    });
    // By its name and by its number: never approved again.
    for body in [shown(&at, &id), at.submit("k", &authorization()).says(200).body] {
        assert_eq!((&body["outcome"], &body["decided"]), (&json!("reversed"), &json!("approved")), "{body}");
    }
    let refused = reverse(&at, &id).refuses(409, "with_a_person");
    assert!(refused.text("detail").contains("sekisho txn show"), "{refused:?}");
}

#[test]
fn what_a_person_settles_has_ended_as_they_say() {
    let host = Host::approving();
    let setup = with_applications(&host);
    let _daemon = setup.start();
    let at = At::socket_of(&setup);
    let id = at.submit("k", &authorization()).says(200).text("id").to_owned();
    host.acts_when_owed(|_| Act::Silence);
    let taken = reverse(&at, &id).says(200);
    let owed = taken.body["resolution"]["saf"].as_str().expect("a reversal is owed").to_owned();
    let number = owed.trim_start_matches("saf_").to_owned();
    let order = |ruling: &str, ended: &str| {
        let body = json!({"by": "suzuki", "reason": "CHG-881", "ended": ended});
        at.post(&format!("/v1/saf/{number}/{ruling}"), &body)
    };
    assert_eq!(order("hold", "done").status, 400, "what is held has not ended");
    assert_eq!(order("settle", "perhaps").status, 400);
    order("settle", "undone").says(200);
    let shown = shown(&at, &id);
    assert_eq!((&shown["outcome"], &shown["resolution"]["state"]), (&json!("reversed"), &json!("reversed")));
}
