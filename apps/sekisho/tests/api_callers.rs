//! Who may call, how much, and how long they may sit there: keys over TCP, limits, sessions that hold a sign-off.

mod http;
mod typed;

use http::At;
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};
use stories::*;
use terms::Class;
use typed::sekisho;

fn withdrawal(amount: u64) -> Value {
    json!({"type": "withdrawal", "amount": amount, "currency": "JPY", "terminal": "ATM00007",
           "card": {"pan": "4111111111111111"}})
}

/// A switch that lets callers in over TCP, and the words that find its keys.
fn over_tcp(host: &Host, more: &str) -> (Setup, SocketAddr) {
    let mut setup = Setup::with_host(host);
    let address = free_address();
    setup.tables_more = format!("[api]\ndefault_link = \"core\"\nlisten = \"{address}\"\n{more}\n");
    setup.write();
    (setup, address)
}

/// A key as `sekisho api key new` prints it.
fn key_for(setup: &Setup, name: &str, role: &str) -> String {
    let config = setup.config_path().display().to_string();
    let said = sekisho(&["api", "key", "new", name, "--role", role, "--config", &config]).ends(0);
    assert!(said.err.contains("shown once"), "{said:?}");
    said.out.trim().to_owned()
}

fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    wait_for(what, || is_so().then_some(()));
}

#[test]
fn over_tcp_a_key_is_needed_and_says_what_is_allowed() {
    let host = Host::approving();
    let (setup, address) = over_tcp(&host, "");
    let (till, chief) = (key_for(&setup, "till", "application"), key_for(&setup, "chief", "operator"));
    let _daemon = setup.start();
    let nobody = At::Tcp(address, None);
    nobody.get("/v1/sessions").refuses(401, "unauthorized");
    let stranger = At::Tcp(address, Some("sk_0000".into()));
    let refused = stranger.submit("k", &withdrawal(1)).refuses(401, "unauthorized");
    assert_eq!(refused.header("www-authenticate"), Some("Bearer"));
    let (till, chief) = (At::Tcp(address, Some(till)), At::Tcp(address, Some(chief)));
    let id = till.submit("k-1", &withdrawal(30_000)).says(200).text("id").to_owned();
    till.get("/v1/links").refuses(403, "forbidden");
    till.post("/v1/stop", &json!({"by": "till"})).refuses(403, "forbidden");
    chief.get("/v1/links").says(200);
    // What one caller submitted is nobody else's, and their keys do not meet.
    chief.get(&format!("/v1/transactions/{id}")).refuses(404, "unknown_transaction");
    chief.post(&format!("/v1/transactions/{id}/reverse"), &json!({})).refuses(404, "unknown_transaction");
    assert_eq!(chief.submit("k-1", &withdrawal(30_001)).says(200).header("idempotency-replayed"), None);
    till.get(&format!("/v1/transactions/{id}")).says(200);
    At::socket_of(&setup).get(&format!("/v1/transactions/{id}")).says(200);
    let opened = till.post("/v1/sessions", &json!({"application": "POS1"})).says(201);
    let mut asked = withdrawal(5);
    asked["session"] = opened.body["id"].clone();
    chief.submit("k-2", &asked).refuses(403, "foreign_session");
    let listed = chief.get("/v1/sessions").says(200).body;
    assert_eq!(
        (listed["data"][0]["id"].clone(), listed["data"][0]["caller"].as_str()),
        (Value::Null, Some("till"))
    );
    let config = setup.config_path().display().to_string();
    let keys = sekisho(&["api", "key", "ls", "--config", &config]).ends(0).fits();
    assert!(
        keys.out.contains("till") && keys.out.contains("operator") && !keys.out.contains("sk_"),
        "{keys:?}"
    );
    sekisho(&["api", "key", "new", "till", "--config", &config]).ends(6);
    sekisho(&["api", "key", "rm", "till", "--config", &config]).ends(0);
    sekisho(&["api", "key", "rm", "till", "--config", &config]).ends(5);
    until("the key to open nothing more", || till.get("/v1/sessions").status == 401);
    chief.get("/v1/sessions").says(200);
}

#[test]
fn over_tls_the_switch_shows_its_certificate_and_a_plain_line_gets_nowhere() {
    let curl = std::process::Command::new("curl").arg("--version").output();
    if !curl.is_ok_and(|said| String::from_utf8_lossy(&said.stdout).contains("https")) {
        eprintln!("skipped: curl with TLS not found");
        return;
    }
    let host = Host::approving();
    let (setup, address) =
        over_tcp(&host, "tls = { certificate = \"api.pem\", key = \"api.key\" }\nconnections_max = 8");
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).expect("a certificate");
    let path = |name: &str| setup.scratch.path().join(name);
    std::fs::write(path("api.pem"), made.cert.pem()).expect("the scratch directory can be written");
    std::fs::write(path("api.key"), made.signing_key.serialize_pem())
        .expect("the scratch directory can be written");
    let key = key_for(&setup, "till", "application");
    let _daemon = setup.start();
    let ask = |more: &[&str]| {
        let mut curl = std::process::Command::new("curl");
        curl.args(["-sS", "--max-time", "10", "-H"]).arg(format!("Authorization: Bearer {key}")).args(more);
        curl.arg(format!("https://{address}/v1/sessions")).output().expect("it starts")
    };
    let trusted = path("api.pem").display().to_string();
    // Somebody who never shakes hands holds nobody up.
    let _silent = TcpStream::connect(address).expect("it listens");
    let said = ask(&["--cacert", &trusted]);
    assert_eq!(
        String::from_utf8_lossy(&said.stdout),
        "{\"object\":\"list\",\"data\":[],\"next\":null}",
        "{said:?}"
    );
    assert!(!ask(&[]).status.success(), "a certificate nobody vouches for is not trusted");
    let mut plain = TcpStream::connect(address).expect("it listens");
    plain.write_all(b"GET /v1/sessions HTTP/1.1\r\nHost: x\r\n\r\n").expect("it reads");
    let mut said = Vec::new();
    let _ = plain.read_to_end(&mut said);
    assert!(!said.starts_with(b"HTTP"), "{said:?}");
}

#[test]
fn keys_others_can_read_and_an_open_address_without_tls_are_refused_at_the_start() {
    use std::os::unix::fs::PermissionsExt;
    let host = Host::approving();
    let (setup, _) = over_tcp(&host, "");
    key_for(&setup, "till", "application");
    let file = setup.scratch.path().join("api-keys");
    assert_eq!(std::fs::metadata(&file).expect("it is there").permissions().mode() & 0o777, 0o600);
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).expect("it is ours");
    let mut daemon = setup.spawn();
    let (code, said) = daemon.end();
    assert!(code == Some(78) && said.contains("chmod 600"), "{code:?} {said}");
    let (mut setup, _) = over_tcp(&host, "");
    setup.tables_more = "[api]\ndefault_link = \"core\"\nlisten = \"0.0.0.0:1\"\n".into();
    setup.write();
    let config = setup.config_path().display().to_string();
    let said = sekisho(&["run", "--config", &config]).ends(78);
    assert!(said.err.contains("without tls keys and cards go in the clear"), "{said:?}");
}

#[test]
fn a_caller_that_asks_too_often_is_told_so_and_when_to_come_back() {
    let host = Host::approving();
    let mut setup = Setup::with_host(&host);
    setup.tables_more = "[api]\ndefault_link = \"core\"\nrequests_per_s_max = 3\n".into();
    let _daemon = setup.start();
    let at = At::socket_of(&setup);
    let mut refused = None;
    until("the pace to be reached", || {
        let reply = at.get("/v1/sessions");
        refused = (reply.status == 429).then_some(reply);
        refused.is_some()
    });
    let refused = refused.expect("it was").refuses(429, "rate_limited");
    assert_eq!(
        (refused.header("retry-after"), refused.body["outcome_known"].as_bool()),
        (Some("1"), Some(true))
    );
    assert_eq!(refused.header("ratelimit-policy"), Some("\"caller\";q=3;w=1"));
    at.get("/v1/links").says(200);
}

#[test]
fn more_submissions_than_may_wait_are_refused_with_nothing_sent() {
    let host = Host::acting(|_| Act::Hold);
    let mut setup = Setup::with_host(&host);
    setup.tables_more = "[api]\ndefault_link = \"core\"\nwaiting_max = 2\n".into();
    let _daemon = setup.start();
    let at = At::socket_of(&setup);
    let waiting: Vec<_> = ["a", "b"]
        .into_iter()
        .map(|key| {
            let at = at.clone();
            std::thread::spawn(move || at.submit(key, &withdrawal(1_000)))
        })
        .collect();
    host.wait_for_requests(2);
    let refused = at.submit("c", &withdrawal(1_000)).refuses(503, "busy");
    assert_eq!(refused.body["outcome_known"], true);
    assert_eq!(at.get("/v1/transactions?idempotency_key=c").says(200).body["data"], json!([]));
    host.release();
    for one in waiting {
        assert_eq!(one.join().expect("it ends").says(200).text("outcome"), "approved");
    }
    assert_eq!(host.seen_count(), 2);
}

#[test]
fn connections_beyond_the_limit_are_sent_away_in_words() {
    let host = Host::approving();
    let mut setup = Setup::with_host(&host);
    setup.tables_more = "[api]\ndefault_link = \"core\"\nconnections_max = 3\n".into();
    let _daemon = setup.start();
    let socket = setup.data.join("control.sock");
    let at = At::socket_of(&setup);
    let held: Vec<UnixStream> =
        (0..3).map(|_| UnixStream::connect(&socket).expect("there is room")).collect();
    let mut refused = None;
    until("the room to be full", || {
        let reply = at.get("/v1/sessions");
        refused = (reply.status == 503).then_some(reply);
        refused.is_some()
    });
    assert_eq!(refused.expect("it was").body["code"], "busy");
    drop(held);
    until("room again", || at.get("/v1/sessions").status == 200);
}

#[test]
fn ten_thousand_connections_that_say_nothing_stop_nobody() {
    // Each costs a descriptor on both sides, and both sides are of one machine.
    let most = 10_000;
    let open_files_max = net::raise_open_files_max().unwrap_or(1_024);
    if open_files_max < most + 500 {
        eprintln!("skipped: {open_files_max} open files are too few for {most} connections");
        return;
    }
    let host = Host::approving();
    let setup = Setup::with_host(&host);
    let mut setup = setup;
    setup.tables_more = "[api]\ndefault_link = \"core\"\n".into();
    let daemon = setup.start();
    let socket = setup.data.join("control.sock");
    let mut held = Vec::new();
    for _ in 0..most {
        held.push(wait_for("a place in the queue", || UnixStream::connect(&socket).ok()));
    }
    daemon.wait_for_figure("/api/connections", most);
    let at = At::socket_of(&setup);
    let began = Instant::now();
    for at_no in 0..20 {
        assert_eq!(
            at.submit(&format!("k-{at_no}"), &withdrawal(1_000)).says(200).text("outcome"),
            "approved"
        );
    }
    let took = began.elapsed();
    let mut terminal = Client::of(&daemon, "acquirer");
    let answer = terminal.ask(&Terminal::named("T0000001").withdraws(10_000));
    assert_eq!(answer.code, Some(terms::Code::Approved));
    eprintln!("20 submissions beside {most} idle connections: {took:?}");
    assert!(took < Duration::from_secs(30), "{took:?}");
}

#[test]
fn a_reader_of_events_that_stops_reading_is_dropped_and_slows_nobody() {
    let host = Host::approving();
    let (setup, address) = over_tcp(&host, "");
    let key = key_for(&setup, "till", "application");
    let _daemon = setup.start();
    let mut stalled = TcpStream::connect(address).expect("it listens");
    let ask =
        format!("GET /v1/stream?heartbeat_s=1 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\n\r\n");
    stalled.write_all(ask.as_bytes()).expect("it reads");
    let mut first = [0; 12];
    stalled.read_exact(&mut first).expect("it answers");
    // It reads nothing more. Others are told everything, at once.
    let at = At::socket_of(&setup);
    let mut reader = at.listen("/v1/stream?types=link.*", &[]);
    for _ in 0..3 {
        host.set_open(false);
        reader.until("link.down");
        host.set_open(true);
        reader.until("link.connected");
    }
    assert_eq!(at.submit("k-1", &withdrawal(1_000)).says(200).text("outcome"), "approved");
}

#[test]
fn applications_that_are_in_hold_a_sign_off_until_it_is_meant() {
    let host = Host::speaking("iso87-binary", |txn| match txn.message.class {
        Class::Network => Act::Answer,
        _ => Act::Answer,
    });
    let mut setup = Setup::with_host(&host);
    setup.tables_more = "[api]\ndefault_link = \"core\"\n".into();
    setup.links[0].more = "management = { sign_on = \"automatic\", echo_idle_ms = 0 }".into();
    let _daemon = setup.start();
    let config = setup.config_path().display().to_string();
    sekisho(&["wait", "link", "core", "--for", "signed-on", "--config", &config]).ends(0);
    let at = At::socket_of(&setup);
    let opened = at.post("/v1/sessions", &json!({"application": "POS1"})).says(201);
    let _events = at.listen(&format!("/v1/sessions/{}/events", opened.text("id")), &[]);
    let listed = sekisho(&["link", "sessions", "--config", &config]).ends(0).fits();
    assert!(listed.out.contains("POS1") && listed.out.contains("open"), "{listed:?}");
    let shown = sekisho(&["link", "show", "core", "--json", "--config", &config]).ends(0).json();
    assert_eq!(shown["sessions"], 1);
    let refused = sekisho(&["link", "sign-off", "core", "--config", &config]).ends(6);
    for word in ["LNK2020-E", "1 sessions of applications are open", "sekisho link sessions core", "--force"]
    {
        assert!(refused.err.contains(word), "{word}: {refused:?}");
    }
    sekisho(&["link", "sign-off", "core", "--force", "--config", &config]).ends(0);
    let reply = at.submit("k-1", &withdrawal(1_000)).says(200);
    assert_eq!((reply.text("outcome"), reply.text("code")), ("rejected", "host_down"));
}

#[test]
fn who_listens_with_a_key_that_is_taken_away_hears_that_and_nothing_more() {
    let host = Host::approving();
    let (setup, address) = over_tcp(&host, "");
    let (till, other) = (key_for(&setup, "till", "application"), key_for(&setup, "other", "application"));
    let _daemon = setup.start();
    let (till, other) = (At::Tcp(address, Some(till)), At::Tcp(address, Some(other)));
    let here = At::socket_of(&setup);
    let mut everything = till.listen("/v1/stream", &[]);
    let opened = till.post("/v1/sessions", &json!({"application": "POS1"})).says(201);
    let mut session = till.listen(&format!("/v1/sessions/{}/events", opened.text("id")), &[]);
    session.until("session.opened");
    let mut others = other.listen("/v1/stream?heartbeat_s=1", &[]);
    let mut local = here.listen("/v1/stream", &[]);
    let config = setup.config_path().display().to_string();
    // Another key of the same name is another key.
    sekisho(&["api", "key", "rm", "till", "--config", &config]).ends(0);
    key_for(&setup, "till", "application");
    for events in [&mut everything, &mut session] {
        let (_, said) = events.until("stream.closed");
        assert_eq!(said["data"]["why"], "the key was taken away");
        assert!(events.next().is_none(), "it ends there");
    }
    until("the session to end with its listener", || {
        here.get("/v1/sessions").says(200).body["data"] == json!([])
    });
    // Everybody else goes on listening.
    sekisho(&["link", "drain", "core", "--config", &config]).ends(0);
    others.until("link.draining");
    local.until("link.draining");
}
