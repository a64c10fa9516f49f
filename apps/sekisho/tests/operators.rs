//! People at a switch before a centre: two of them at once, commands that come at the wrong time, and a centre that
//! answers never, late, or with another day.

mod centre;
mod http;
mod typed;

use centre::{Center, start, wait_until};
use http::At;
use serde_json::{Value, json};
use stories::*;
use terms::Code;
use typed::{Said, typed_at};

/// A switch that is signed on by order, and the centre's script.
fn stage(link: &str, script: &str) -> (Setup, String) {
    let link = format!(
        "timers = {{ t420_ms = 300, t500_ms = 300, t800_ms = 400, t801_ms = 400, t802_ms = 300 }}\n\
         host = {{ business_day = \"told\", days_ahead_max = 9 }}\n\
         management = {{ sign_on = \"by_order\", echo_idle_ms = 0 }}\n{link}"
    );
    let (mut setup, script) = centre::stage(1, &link, script);
    setup.tables_more = "[api]\ndefault_link = \"core\"\n".into();
    (setup, script)
}

fn shown(setup: &Setup) -> Value {
    typed_at(setup, &["link", "show", "core", "--json"]).ends(0).json()
}

fn signed_on(setup: &Setup) {
    wait_until(setup, "connected");
    typed_at(setup, &["link", "sign-on", "core"]).ends(0);
}

/// Both type it in the same moment.
fn both(setup: &Setup, one: &[&str], other: &[&str]) -> [Said; 2] {
    std::thread::scope(|scope| {
        let typing = [one, other].map(|words| scope.spawn(|| typed_at(setup, words)));
        typing.map(|one| one.join().expect("it ends"))
    })
}

fn by<'a>(words: &[&'a str], who: &'a str) -> Vec<&'a str> {
    [words, &["--by", who]].concat()
}

#[test]
fn what_two_operators_want_at_once_is_done_once_and_both_are_told_so() {
    let (setup, script) =
        stage("", "[sign_on]\ndelay_ms = 100\n[sign_off]\ndelay_ms = 100\n[cutover]\nafter_ms = 3000\n");
    let daemon = start(&setup);
    let center = Center::spawn(&setup, &script);
    wait_until(&setup, "connected");
    let same = |words: &[&str]| {
        for said in both(&setup, &by(words, "suzuki"), &by(words, "tanaka")) {
            said.ends(0);
        }
    };
    same(&["link", "sign-on", "core"]);
    center.wait_to_say("sign_on of the switch", 1);
    assert_eq!(withdraws(&daemon), Some(Code::Approved));
    same(&["link", "echo", "core"]);
    let before = shown(&setup)["business_date"].clone();
    same(&["cutover", "start", "core"]);
    assert_ne!(shown(&setup)["business_date"], before);
    same(&["link", "sign-off", "core"]);
    center.wait_to_say("sign_off of the switch", 1);
    for once in ["sign_on of the switch", "cutover of the switch", "cutover from", "sign_off of the switch"] {
        assert!(!center.has_said(once, 2), "{once}: more than once");
    }
    let told = typed_at(&setup, &["journal", "ls", "--json"]).ends(0).out;
    // Who of the two was first is chance: what was ordered stands there once, with one of them.
    let orders = told.matches("suzuki").count() + told.matches("tanaka").count();
    assert_eq!(orders, 3, "sign-on, cutover and sign-off, each once: {told}");
}

#[test]
fn of_two_operators_who_want_what_cannot_both_be_one_is_refused_with_reasons_or_the_last_one_stands() {
    for (one, other) in [("sign-off", "drain"), ("drain", "maint"), ("maint", "sign-off")] {
        let (setup, script) = stage("", "");
        let daemon = start(&setup);
        let _center = Center::spawn(&setup, &script);
        signed_on(&setup);
        for said in both(&setup, &["link", one, "core"], &["link", other, "core"]) {
            assert!([0, 6].contains(&said.code), "{one} and {other}: {said:?}");
            if said.code == 6 {
                for word in ["error LNK", "\n  state   ", "\n  next    sekisho link"] {
                    assert!(said.err.contains(word), "{word}: {said:?}");
                }
            }
        }
        let state = shown(&setup)["state"].as_str().expect("a state").to_owned();
        assert!(
            ["signed-off", "draining", "maintenance"].contains(&state.as_str()),
            "{one}, {other}: {state}"
        );
        assert_eq!(withdraws(&daemon), Some(Code::HostDown), "whoever was first, business stopped");
    }
}

#[test]
fn a_cutover_is_asked_for_in_session_only_and_every_other_state_says_what_to_type() {
    let (setup, script) = stage("", "");
    let _daemon = start(&setup);
    let refused = |state: &str, code: &str, next: &str| {
        let said = typed_at(&setup, &["cutover", "start", "core"]).ends(6);
        for word in [&format!("error {code}"), state, "\n  next    ", next] {
            assert!(said.err.contains(word), "{state}: {word}: {said:?}");
        }
    };
    refused("disconnected", "LNK2002-E", "sekisho wait link core --for connected");
    let _center = Center::spawn(&setup, &script);
    wait_until(&setup, "connected");
    refused("connected", "LNK2005-E", "sekisho link sign-on core");
    typed_at(&setup, &["link", "sign-on", "core"]).ends(0);
    typed_at(&setup, &["link", "drain", "core"]).ends(0);
    refused("draining", "LNK2007-E", "sekisho link ready core");
    typed_at(&setup, &["link", "ready", "core"]).ends(0);
    typed_at(&setup, &["link", "sign-off", "core"]).ends(0);
    refused("signed-off", "LNK2005-E", "sekisho link sign-on core");
    typed_at(&setup, &["link", "maint", "core"]).ends(0);
    refused("maintenance", "LNK2008-E", "sekisho link ready core");
    let nobody = typed_at(&setup, &["cutover", "start", "cora"]).ends(5);
    assert!(nobody.err.contains("LNK2001-E"), "{nobody:?}");
}

#[test]
fn a_centre_that_never_answers_is_a_timeout_for_each_order_and_says_what_may_be_tried() {
    for (table, order, state) in [
        ("sign_on", &["link", "sign-on", "core"][..], "connected"),
        ("echo", &["link", "echo", "core"], "signed-on"),
        ("cutover", &["cutover", "start", "core"], "signed-on"),
        ("sign_off", &["link", "sign-off", "core"], "draining"),
    ] {
        let silent = match table {
            "cutover" => "[cutover]\nanswer = { manner = \"silent\" }\nfollow = false\n".to_owned(),
            _ => format!("[{table}]\nmanner = \"silent\"\n"),
        };
        let (setup, script) = stage("", &silent);
        let _daemon = start(&setup);
        let _center = Center::spawn(&setup, &script);
        wait_until(&setup, "connected");
        if table != "sign_on" {
            typed_at(&setup, &["link", "sign-on", "core"]).ends(0);
        }
        let said = typed_at(&setup, order).ends(7);
        assert!(
            said.err.contains("LNK2105-E") && said.err.contains("\n  next    sekisho"),
            "{table}: {said:?}"
        );
        assert_eq!(shown(&setup)["state"], state, "{table}");
    }
}

#[test]
fn a_centre_that_promises_a_cutover_and_never_sends_it_leaves_the_day_and_the_wish_is_seen() {
    let (setup, script) = stage("", "[cutover]\nfollow = false\n");
    let daemon = start(&setup);
    let mut center = Center::spawn(&setup, &script);
    signed_on(&setup);
    let before = shown(&setup)["business_date"].clone();
    let said = typed_at(&setup, &["cutover", "start", "core", "--timeout", "1"]).ends(7);
    assert!(said.err.contains("LNK2106-E"), "{said:?}");
    assert_eq!(
        (&shown(&setup)["business_date"], shown(&setup)["cutover"].as_str()),
        (&before, Some("cutover-asked"))
    );
    let status = typed_at(&setup, &["cutover", "status"]).ends(0).fits();
    assert!(status.out.contains("cutover-asked"), "{}", status.out);
    assert_eq!(withdraws(&daemon), Some(Code::Approved), "business goes on");
    // What it sends later is taken all the same.
    center.types("cutover");
    center.wait_to_say("cutover: the switch answered approved", 1);
    wait_for("another day", || (shown(&setup)["business_date"] != before).then_some(()));
    assert_eq!(shown(&setup)["cutover"], "open");
}

#[test]
fn what_becomes_known_after_the_totals_of_its_day_stood_is_late_and_listed_once_with_each_reason() {
    let link = "forward = { reply_timeout_ms = 300, repeat_ms = 500 }\n\
                reconciliation = { currency = 392, reconcile_after_ms = 100, open_max_ms = 1000, repeat_ms = 300, \
                says = { receiver_id = \"1\" } }";
    let (setup, script) = stage(link, "");
    let daemon = start(&setup);
    let mut center = Center::spawn(&setup, &script);
    signed_on(&setup);
    let at = At::socket_of(&setup);
    let body = json!({"type": "withdrawal", "amount": 30_000, "currency": "JPY", "terminal": "ATM00007",
                      "card": {"pan": "4111111111111111", "expiry": "3012"}});
    let done = at.submit("k-1", &body).says(200);
    assert_eq!(done.text("outcome"), "approved");
    // From here on the centre answers nothing. It is taken back, and the day ends with that owed.
    center.types("silent");
    at.post(&format!("/v1/transactions/{}/reverse", done.text("id")), &json!({}));
    daemon.wait_for_figure("/transactions/pending", 1);
    center.wait_to_say("silent: question", 1);
    center.types("cutover");
    center.wait_to_say("cutover from", 1);
    let asked = || typed_at(&setup, &["recon", "status", "--json"]).json()["data"][0].clone();
    wait_for("the totals to be told with that still owed", || {
        asked()["attempts"].as_u64().filter(|attempts| *attempts > 0)
    });
    center.types("speak");
    wait_for("everything owed to be paid", || (daemon.figure("/transactions/pending") == 0).then_some(()));
    // It had taken it back before its day ended, and only its answer came later: too late for what we had told.
    center.types("cutover");
    center.wait_to_say("cutover from", 2);
    let days = wait_for("both days to be compared", || {
        let all = typed_at(&setup, &["recon", "status", "--json"]).json()["data"].clone();
        let all = all.as_array().expect("a list").clone();
        (all.len() == 2 && all.iter().all(|one| one["compared_at"].is_string())).then_some(all)
    });
    let reversals = |at: usize| (&days[at]["differences"]["debits_reversal_number"], &days[at]["state"]);
    assert_eq!(reversals(0), (&(-1).into(), &"out-of-balance".into()));
    assert_eq!(reversals(1), (&1.into(), &"out-of-balance".into()));
    let late = typed_at(&setup, &["recon", "show", "--late", "--json"]).ends(0).out;
    assert!(late.contains("core") && late.contains("30000"), "{late}");
    let listed = typed_at(&setup, &["saf", "ls", "--exceptions"]).ends(0).out;
    for why in ["settled by the host on another day", "known after its day's totals were told"] {
        assert_eq!(listed.matches(why).count(), 1, "{why}: {listed}");
    }
    let verified = typed_at(&setup, &["recon", "show", "--verify", "--json"]).ends(0).json();
    assert_eq!(verified["agree"], true, "{verified}");
}

#[test]
fn totals_that_are_wanted_while_nobody_is_signed_on_say_so_at_once_and_go_out_at_sign_on() {
    let link = "reconciliation = { currency = 392, reconcile_after_ms = 100, repeat_ms = 300, \
                says = { receiver_id = \"1\" } }";
    let (setup, script) = stage(link, "[totals]\nanswer = { code = \"not_supported\", times = 1 }\n");
    let _daemon = start(&setup);
    let mut center = Center::spawn(&setup, &script);
    signed_on(&setup);
    let day = shown(&setup)["business_date"].as_str().expect("a day").to_owned();
    center.types("cutover");
    let state = || typed_at(&setup, &["recon", "status", "--json"]).json()["data"][0]["state"].clone();
    wait_for("it to be refused", || (state() == "refused").then_some(()));
    typed_at(&setup, &["link", "sign-off", "core"]).ends(0);
    let said = typed_at(&setup, &["recon", "run", "core", &day, "--timeout", "1"]).ends(7);
    for word in ["link/core is signed-off", "sekisho link sign-on core"] {
        assert!(said.err.contains(word), "{word}: {said:?}");
    }
    typed_at(&setup, &["link", "sign-on", "core"]).ends(0);
    wait_for("it to be balanced", || (state() == "balanced").then_some(()));
}

#[test]
fn without_a_switch_every_command_about_days_and_stopping_ends_with_three() {
    let (setup, _) = stage("", "");
    setup.write();
    for words in [
        &["cutover", "status"][..],
        &["cutover", "plan"],
        &["cutover", "start", "core"],
        &["recon", "status"],
        &["recon", "run", "core", "2026-11-22"],
        &["recovery", "run"],
        &["link", "lines", "core"],
        &["link", "sessions"],
        &["link", "cut", "core", "1"],
        &["status"],
        &["stop"],
        &["wait", "day", "core", "--for", "2026-11-22"],
    ] {
        let said = typed_at(&setup, words).ends(3);
        assert!(said.err.contains("is it running?"), "{words:?}: {said:?}");
    }
}

/// Routes, timers and texts are taken over while business passes on the centre's pairs: nothing is dropped, nobody
/// declined, no session lost.
#[test]
fn a_configuration_is_taken_over_under_load_without_losing_a_pair_or_a_transaction() {
    let (setup, script) = stage("", "");
    let daemon = start(&setup);
    let center = Center::spawn(&setup, &script);
    signed_on(&setup);
    let lines = || typed_at(&setup, &["link", "lines", "core", "--json"]).ends(0).out;
    let before = lines();
    let stop = std::sync::atomic::AtomicBool::new(false);
    let asked: usize = std::thread::scope(|scope| {
        let clients: Vec<_> = (0..4)
            .map(|number| {
                let (daemon, stop) = (&daemon, &stop);
                scope.spawn(move || {
                    let mut line = Client::of(daemon, "acquirer");
                    let mut terminal = Terminal::named(&format!("R{number:07}"));
                    let mut asked = 0;
                    while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                        assert_eq!(line.ask(&terminal.withdraws(1_000)).code, Some(Code::Approved));
                        asked += 1;
                    }
                    asked
                })
            })
            .collect();
        for round in 1..=5 {
            let mut text = setup.toml();
            text += &format!("\n[[route]]\nprefix = \"{}\"\nlink = \"core\"\n", 4000 + round);
            setup.write_text(&text.replace("t802_ms = 300", &format!("t802_ms = {}", 300 + round * 100)));
            daemon.signal("HUP");
            wait_for("it to be taken over", || {
                (daemon.stderr().matches("configuration taken over").count() == round).then_some(())
            });
        }
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
        clients.into_iter().map(|one| one.join().expect("it asked")).sum()
    });
    assert!(asked >= 20, "{asked}");
    assert_eq!(lines(), before, "the same connections stand");
    assert!(!center.has_said("sign_on of the switch", 2), "one session through all of it");
}
