//! A link's life through the real program: sign-on, echo, drain, maintenance, and every order refused in words.

mod typed;

use std::io::Write;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use stories::*;
use terms::{Class, Code, MessageType, Network, Stan, Text, Txn};
use typed::{Said, sekisho, typed_at};

/// A host that does this with network messages, and approves all business.
fn host(dialect: &'static str, act: impl Fn(&Txn) -> Act + Send + Sync + 'static) -> Host {
    Host::speaking(
        dialect,
        move |txn| if txn.message.class == Class::Network { act(txn) } else { Act::Answer },
    )
}

/// A link that signs on, with timers a test can wait out.
fn signing(host: &Host, sign_on: &str) -> Setup {
    let mut setup = Setup::with_host(host);
    setup.links[0].more = format!(
        "breaker = {{ unanswered_percent = 0 }}\n\
         timers = {{ t800_ms = 400, t801_ms = 400, t802_ms = 300 }}\n\
         management = {{ sign_on = \"{sign_on}\", sign_on_retry_ms = 500, echo_idle_ms = 0 }}"
    );
    setup
}

fn order(setup: &Setup, what: &str) -> Said {
    typed_at(setup, &["link", what, "core", "--by", "suzuki"])
}

fn shown(setup: &Setup) -> serde_json::Value {
    typed_at(setup, &["link", "show", "core", "--json"]).ends(0).json()
}

fn wait_until(setup: &Setup, state: &str) {
    typed_at(setup, &["wait", "link", "core", "--for", state]).ends(0);
}

fn network(about: Network) -> Txn {
    let message = MessageType::from_digits([8, 0, 0]).expect("0800");
    Txn {
        network: about,
        stan: Stan(900_001),
        transmitted_at: Text::clipped(b"1122000000"),
        ..Txn::new(message)
    }
}

#[test]
fn a_link_signs_on_by_itself_in_either_edition_and_then_takes_business() {
    for dialect in ["iso87-binary", "iso87-ascii", "card-center", "iso93-binary"] {
        let host = host(dialect, |_| Act::Answer);
        let setup = signing(&host, "automatic");
        let daemon = setup.start();
        wait_until(&setup, "signed-on");
        assert_eq!(host.heard_about(), [Network::SignOn], "{dialect}");
        assert_eq!(withdraws(&daemon), Some(Code::Approved), "{dialect}");
    }
}

#[test]
fn a_day_by_order_is_signed_on_and_off_and_business_passes_in_between() {
    let host = host("iso87-binary", |_| Act::Answer);
    let setup = signing(&host, "by_order");
    let daemon = setup.start();
    assert_eq!(withdraws(&daemon), Some(Code::HostDown), "nobody signed on");
    assert_eq!(order(&setup, "sign-on").ends(0).out, "link/core signed-on\n");
    assert_eq!(order(&setup, "sign-on").ends(0).out, "link/core already signed-on\n");
    assert_eq!(withdraws(&daemon), Some(Code::Approved));
    let echo = order(&setup, "echo").ends(0);
    assert!(echo.out.starts_with("link/core echo answered in "), "{echo:?}");
    assert_eq!(order(&setup, "drain").ends(0).out, "link/core drained\n");
    assert_eq!(withdraws(&daemon), Some(Code::HostDown));
    assert_eq!(order(&setup, "ready").ends(0).out, "link/core signed-on\n");
    assert_eq!(order(&setup, "sign-off").ends(0).out, "link/core signed-off\n");
    assert_eq!(order(&setup, "maint").ends(0).out, "link/core maintenance\n");
    assert_eq!(host.heard_about(), [Network::SignOn, Network::Echo, Network::SignOff]);
    let listed = typed_at(&setup, &["link", "ls"]).ends(0).fits();
    assert!(listed.out.contains("maintenance") && listed.out.contains("1/1"), "{}", listed.out);
    let story = typed_at(&setup, &["link", "show", "core", "--ascii"]).ends(0).fits().out;
    for word in ["[=] maintenance, business is declined", "by suzuki", "the peer accepted", "1 answered"] {
        assert!(story.contains(word), "{word}: {story}");
    }
    let config = setup.config_path().display().to_string();
    let watched = sekisho(&["link", "watch", "core", "--most", "3", "--json", "--config", &config]).ends(0);
    let states: Vec<String> = (watched.out.lines())
        .map(|line| serde_json::from_str::<serde_json::Value>(line).expect("a line is JSON"))
        .map(|line| line["state"].as_str().expect("a state").to_string())
        .collect();
    assert_eq!(states, ["connected", "signing-on", "signed-on"]);
}

#[test]
fn a_refused_sign_on_is_said_with_the_peers_own_code_and_tried_again() {
    let refusals = Arc::new(AtomicU32::new(2));
    let left = refusals.clone();
    let host = host("iso87-binary", move |_| {
        let refuse =
            left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok();
        if refuse { Act::Refuse(Code::NotPermittedToTerminal) } else { Act::Answer }
    });
    let setup = signing(&host, "by_order");
    let _daemon = setup.start();
    let refused = order(&setup, "sign-on").ends(6);
    for word in
        ["LNK2104-E", "not_permitted_to_terminal", "code 58", "state   connected", "next    sekisho link"]
    {
        assert!(refused.err.contains(word), "{word}: {}", refused.err);
    }
    assert_eq!(shown(&setup)["last_failure"]["code"], "not_permitted_to_terminal");
    order(&setup, "sign-on").ends(6);
    order(&setup, "sign-on").ends(0);
}

#[test]
fn a_silent_peer_times_out_and_an_automatic_link_tries_on() {
    let host = host("iso87-binary", |_| Act::Silence);
    let setup = signing(&host, "by_order");
    let _daemon = setup.start();
    let said = order(&setup, "sign-on").ends(7);
    assert!(said.err.contains("LNK2105-E") && said.err.contains("no answer came in time"), "{said:?}");
    drop(_daemon);
    let setup = signing(&host, "automatic");
    let daemon = setup.start();
    wait_for("three sign-ons", || (host.heard_about().len() >= 4).then_some(()));
    assert_eq!(withdraws(&daemon), Some(Code::HostDown));
    host.acts(|_| Act::Answer);
    wait_until(&setup, "open");
    assert_eq!(withdraws(&daemon), Some(Code::Approved));
}

#[test]
fn a_host_that_echoes_no_more_is_given_up_and_connected_anew() {
    let host = host("iso87-binary", |txn| match txn.network {
        Network::Echo => Act::Silence,
        _ => Act::Answer,
    });
    let mut setup = signing(&host, "automatic");
    setup.links[0].more =
        setup.links[0].more.replace("echo_idle_ms = 0", "echo_idle_ms = 200, echo_misses_max = 2");
    let daemon = setup.start();
    daemon.wait_to_say("echoes went unanswered");
    wait_for("another sign-on", || {
        (host.heard_about().iter().filter(|about| **about == Network::SignOn).count() >= 2).then_some(())
    });
    host.acts(|_| Act::Answer);
    wait_until(&setup, "signed-on");
    assert_eq!(withdraws(&daemon), Some(Code::Approved));
    assert!(shown(&setup)["echo"]["missed"].as_u64() >= Some(2));
}

#[test]
fn the_peer_signs_on_and_off_and_is_answered_without_anybody() {
    let host = host("iso87-binary", |_| Act::Answer);
    let setup = signing(&host, "by_order");
    let daemon = setup.start();
    host.says(&network(Network::SignOn));
    wait_until(&setup, "signed-on");
    assert_eq!(withdraws(&daemon), Some(Code::Approved));
    host.says(&network(Network::SignOff));
    wait_until(&setup, "signed-off");
    assert_eq!(withdraws(&daemon), Some(Code::HostDown));
    let history = shown(&setup)["history"].clone();
    assert_eq!(
        history.as_array().map(|all| all.last().map(|last| last["cause"] == "peer")),
        Some(Some(true))
    );
}

#[test]
fn an_order_that_cannot_be_is_refused_with_its_reason_and_the_next_command() {
    let host = host("iso87-binary", |_| Act::Answer);
    let setup = signing(&host, "by_order");
    let _daemon = setup.start();
    let refused = |what: &str, code: &str, next: &str| {
        let said = order(&setup, what).ends(6);
        assert!(said.out.is_empty() && said.err.starts_with(&format!("error {code}")), "{said:?}");
        for word in ["\n  state   ", "\n  next    ", next] {
            assert!(said.err.contains(word), "{what}: {word}: {}", said.err);
        }
    };
    refused("drain", "LNK2005-E", "sekisho link sign-on core");
    refused("ready", "LNK2009-E", "sekisho link sign-on core");
    order(&setup, "maint").ends(0);
    refused("sign-on", "LNK2008-E", "sekisho link ready core");
    order(&setup, "ready").ends(0);
    order(&setup, "drain").ends(0);
    refused("sign-on", "LNK2007-E", "sekisho link ready core");
    host.set_open(false);
    wait_until(&setup, "disconnected");
    refused("echo", "LNK2002-E", "--for connected");
    let nobody = typed_at(&setup, &["link", "echo", "cora"]).ends(5);
    assert!(nobody.err.contains("LNK2001-E") && nobody.err.contains("sekisho link ls"), "{nobody:?}");
    typed_at(&setup, &["link", "echo", "../saf"]).ends(5);
    let late = typed_at(&setup, &["wait", "link", "core", "--for", "signed-on", "--timeout", "1"]).ends(7);
    assert!(late.err.contains("LNK2106-E") && late.err.contains("disconnected since"), "{late:?}");
    typed_at(&setup, &["wait", "link", "core", "--for", "signedon"]).ends(2);
}

#[test]
fn without_a_switch_every_command_ends_with_three() {
    let host = host("iso87-binary", |_| Act::Answer);
    let setup = signing(&host, "by_order");
    setup.write();
    for words in [
        &["link", "ls"][..],
        &["link", "show", "core"],
        &["link", "sign-on", "core"],
        &["link", "watch"],
        &["wait", "link", "core", "--for", "signed-on"],
    ] {
        let said = typed_at(&setup, words).ends(3);
        assert!(said.err.contains("is it running?"), "{words:?}: {said:?}");
    }
}

#[test]
fn what_was_put_into_maintenance_stays_there_over_kill_and_start() {
    let host = host("iso87-binary", |_| Act::Answer);
    let setup = signing(&host, "automatic");
    let mut daemon = setup.start();
    wait_until(&setup, "signed-on");
    order(&setup, "maint").ends(0);
    daemon.kill();
    let daemon = setup.start();
    let asked = host.heard_about().len();
    assert_eq!(shown(&setup)["state"], "maintenance");
    assert_eq!(withdraws(&daemon), Some(Code::HostDown));
    assert_eq!(host.heard_about().len(), asked, "nobody signed it on");
    order(&setup, "ready").ends(0);
    wait_until(&setup, "signed-on");
    let told = typed_at(&setup, &["journal", "ls"]).ends(0).out;
    assert!(told.contains("maint by suzuki") && told.contains("ready by suzuki"), "{told}");
}

#[test]
fn nonsense_on_the_control_socket_is_refused_and_the_switch_goes_on() {
    let host = host("iso87-binary", |_| Act::Answer);
    let setup = signing(&host, "automatic");
    let daemon = setup.start();
    wait_until(&setup, "signed-on");
    let socket = setup.data.join("control.sock");
    let say = |text: &str| {
        let mut stream = UnixStream::connect(&socket).expect("it listens");
        stream.write_all(text.as_bytes()).expect("a small request");
        let mut said = String::new();
        std::io::Read::read_to_string(&mut stream, &mut said).expect("an answer");
        said.split(' ').nth(1).map(str::to_owned).unwrap_or_default()
    };
    let post = |place: &str, body: &str| {
        say(&format!("POST {place} HTTP/1.0\r\nContent-Length: {}\r\n\r\n{body}", body.len()))
    };
    assert_eq!(post("/v1/links/core/sign-on", "{"), "400");
    assert_eq!(post("/v1/links/core/sign-on", "{\"by\":\"\"}"), "400");
    assert_eq!(post("/v1/links/core/sign-on", "{\"by\":\"a\",\"more\":1}"), "400");
    assert_eq!(post("/v1/links/core/fly", "{\"by\":\"a\"}"), "404");
    assert_eq!(post("/v1/links/nobody/echo", "{\"by\":\"a\"}"), "404");
    assert_eq!(post("/v1/links/a-name-that-is-longer-than-any-name/echo", "{\"by\":\"a\"}"), "404");
    assert_eq!(post("/v1/links/core/echo", "{\"by\":\"a\"}"), "200");
    assert_eq!(withdraws(&daemon), Some(Code::Approved));
}

#[test]
fn a_link_that_cannot_say_what_it_must_is_refused_before_it_starts() {
    let host = host("iso87-binary", |_| Act::Answer);
    let check = |change: &dyn Fn(&mut Setup)| {
        let mut setup = signing(&host, "automatic");
        change(&mut setup);
        setup.write();
        let config = setup.config_path().display().to_string();
        sekisho(&["config", "check", &config])
    };
    check(&|_| {}).ends(0);
    let said = check(&|setup| setup.links[0].dialect = "atm-access").ends(78);
    assert!(said.err.contains("has no sign_off message"), "{said:?}");
    let said = check(&|setup| setup.links[0].more.push_str("\nmanagement.says = 1")).ends(78);
    assert!(!said.err.is_empty());
    let stranger = |setup: &mut Setup| {
        setup.links[0].more =
            setup.links[0].more.replace("echo_idle_ms = 0", "says = { forwader_id = \"1\" }");
    };
    let said = check(&stranger).ends(78);
    assert!(said.err.contains("did you mean `forwarder_id`?"), "{said:?}");
    let secret = |setup: &mut Setup| {
        setup.links[0].more = setup.links[0].more.replace("echo_idle_ms = 0", "says = { pin_block = \"1\" }");
    };
    check(&secret).ends(78);
}
