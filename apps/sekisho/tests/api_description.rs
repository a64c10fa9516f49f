//! The description of the API is true: whatever is answered is described, and whatever is described is there.

mod http;

use http::schema::misfits;
use http::{At, Events, Reply};
use serde_json::{Value, json};
use std::cell::RefCell;
use std::collections::BTreeSet;
use stories::*;
use terms::Code;

/// A server and what it says of itself; every answer is held against that.
struct Described {
    at: At,
    description: Value,
    /// Method, place and status of each answer.
    heard: RefCell<BTreeSet<(String, String, u16)>>,
}

impl Described {
    fn by(at: At) -> Self {
        let description = at.get("/openapi.json").says(200).body;
        Self { at, description, heard: RefCell::default() }
    }

    /// What is said of the answer with that status to a request at that place.
    fn schema(&self, method: &str, place: &str, status: u16) -> (&Value, &str) {
        let operation = &self.description["paths"][place][method.to_lowercase()];
        let described = &operation["responses"][status.to_string()];
        let content = described["content"].as_object();
        let content =
            content.unwrap_or_else(|| panic!("{method} {place} {status} is not described: {operation}"));
        let (kind, content) = content.iter().next().expect("one kind of content");
        self.heard.borrow_mut().insert((method.to_uppercase(), place.into(), status));
        (&content["schema"], kind)
    }

    /// Asks, and holds the answer against its description.
    #[track_caller]
    fn ask(&self, method: &str, place: &str, id: &str, headers: &[(&str, &str)], body: &str) -> Reply {
        let (path, query) = place.split_once('?').unwrap_or((place, ""));
        let asked = format!("{}?{query}", path.replace("{id}", id));
        let reply = self.at.ask(method, asked.trim_end_matches('?'), headers, body);
        let (schema, kind) = self.schema(method, path, reply.status);
        assert_eq!(reply.header("content-type"), Some(kind), "{method} {place}: {reply:?}");
        let wrong = misfits(&self.description, schema, &reply.body);
        assert!(wrong.is_empty(), "{method} {place}: {wrong:?} in {}", reply.body);
        reply
    }

    fn submit(&self, key: &str, body: &Value) -> Reply {
        self.ask("POST", "/v1/transactions", "", &[("Idempotency-Key", key)], &body.to_string())
    }

    /// One event, held against its description.
    fn event(&self, place: &str, events: &mut Events) {
        let (schema, kind) = self.schema("GET", place, 200);
        let (_, _, event) = events.next().expect("an event");
        let wrong = misfits(&self.description, schema, &event);
        assert!(wrong.is_empty() && kind == "text/event-stream", "{place}: {wrong:?} in {event}");
    }
}

fn purchase(amount: u64) -> Value {
    json!({"type": "purchase", "amount": amount, "currency": "EUR", "terminal": "POS00001", "stan": amount,
           "card": {"pan": "4111111111111111", "expiry": "3012"}, "merchant": {"id": "SHOP", "category": "5411"},
           "fields": {"entry_mode": "011"}, "local_time": "2026-11-22T14:03:11+09:00"})
}

#[test]
fn every_place_answers_as_it_is_described() {
    let host = Host::acting(|txn| match txn.amount.minor_units() {
        51 => Act::Refuse(Code::InsufficientFunds),
        91 => Act::Silence,
        _ => Act::Answer,
    });
    let mut setup = Setup::with_host(&host);
    setup.tables_more = "[api]\ndefault_link = \"core\"\n".into();
    setup.links[0].reply_timeout_ms = 300;
    let _daemon = setup.start();
    let api = Described::by(At::socket_of(&setup));
    assert_eq!(api.description["openapi"], "3.1.0");
    assert_eq!(api.description["info"]["title"], "Sekisho");

    let one = api.submit("k-1", &purchase(100)).says(200);
    api.submit("k-1", &purchase(100)).says(200);
    api.submit("k-1", &purchase(101)).says(422);
    api.submit("k-2", &purchase(51)).says(200);
    let unknown = api.submit("k-3", &purchase(91)).says(200);
    assert_eq!(unknown.body["decided"].as_str().or(unknown.body["outcome"].as_str()), Some("unknown"));
    api.submit("k-4", &purchase(100)).says(409);
    api.ask("POST", "/v1/transactions", "", &[], "{}").says(400);
    api.submit("k-5", &json!({"type": "capture", "of": "txn_999", "amount": 1, "currency": "EUR"})).says(404);
    api.submit("k-6", &json!("x".repeat(70_000))).says(413);
    let id = one.text("id");
    for place in ["/v1/transactions/{id}", "/v1/transactions/{id}/reverse"] {
        let method = if place.ends_with("reverse") { "POST" } else { "GET" };
        api.ask(method, place, id, &[], "").says(200);
        api.ask(method, place, "txn_999", &[], "").says(404);
    }
    api.ask("GET", "/v1/transactions?idempotency_key=k-1", "", &[], "").says(200);
    api.ask("GET", "/v1/transactions?idempotency_key=nobody", "", &[], "").says(200);
    api.ask("GET", "/v1/transactions", "", &[], "").says(400);

    let session = api.ask("POST", "/v1/sessions", "", &[], r#"{"application":"POS1"}"#).says(201);
    api.ask("POST", "/v1/sessions", "", &[], "{").says(400);
    let id = session.text("id");
    let mut events = api.at.listen(&format!("/v1/sessions/{id}/events"), &[]);
    api.event("/v1/sessions/{id}/events", &mut events);
    api.ask("GET", "/v1/sessions/{id}/events", id, &[], "").says(409);
    api.ask("GET", "/v1/sessions", "", &[], "").says(200);
    api.ask("GET", "/v1/sessions/{id}", id, &[], "").says(200);
    api.ask("DELETE", "/v1/sessions/{id}", id, &[], "").says(200);
    for (method, place) in
        [("GET", "/v1/sessions/{id}"), ("DELETE", "/v1/sessions/{id}"), ("GET", "/v1/sessions/{id}/events")]
    {
        api.ask(method, place, "ses_nobody", &[], "").says(404);
    }
    let mut stream = api.at.listen("/v1/stream?types=link.*", &[]);
    host.set_open(false);
    api.event("/v1/stream", &mut stream);
    api.submit("k-7", &purchase(102)).says(200);

    let heard: BTreeSet<(String, String)> =
        api.heard.borrow().iter().map(|(method, place, _)| (method.clone(), place.clone())).collect();
    let described: BTreeSet<(String, String)> = api.description["paths"]
        .as_object()
        .expect("places")
        .iter()
        .flat_map(|(place, methods)| {
            let methods = methods.as_object().expect("methods").keys();
            methods.map(|method| (method.to_uppercase(), place.clone())).collect::<Vec<_>>()
        })
        .collect();
    assert_eq!(heard, described, "every place that is described was asked");
}

#[test]
fn what_an_application_may_write_is_described_and_nothing_else() {
    let host = Host::approving();
    let setup = Setup::with_host(&host);
    let _daemon = setup.start();
    let at = At::socket_of(&setup);
    let description = at.get("/openapi.json").says(200).body;
    let schema = json!({"$ref": "#/components/schemas/NewTransaction"});
    assert_eq!(misfits(&description, &schema, &purchase(1)), Vec::<String>::new());
    let mut strange = purchase(1);
    strange["amuont"] = json!(1);
    strange["stan"] = json!("1");
    let wrong = misfits(&description, &schema, &strange);
    assert_eq!(wrong.len(), 2, "{wrong:?}");
}
