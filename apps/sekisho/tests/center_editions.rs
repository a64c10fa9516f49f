//! Whole days before a centre, in every edition and manner of network messages: by order, by the peer, by its script.

mod centre;
mod typed;

use centre::{Center, start, wait_until};
use serde_json::Value;
use stories::*;
use terms::Code;
use typed::{sekisho, typed_at};

/// A switch and a centre that speak the same, with every timer short enough for a test.
fn stage(dialect: &'static str, sign_on: &str, script: &str) -> (Setup, String) {
    let link = format!(
        "transmission_time = \"local\"\n\
         timers = {{ t100_ms = 2000, t120_ms = 500, t200_ms = 2000, t220_ms = 500, t420_ms = 500, t500_ms = 500, \
         t800_ms = 1000, t801_ms = 1000, t802_ms = 500 }}\n\
         host = {{ business_day = \"told\", days_ahead_max = 9 }}\n\
         management = {{ sign_on = \"{sign_on}\", echo_idle_ms = 0, says = {{ acquirer_id = \"12345678901\" }} }}\n\
         reconciliation = {{ currency = 392, reconcile_after_ms = 200, repeat_ms = 400, \
         says = {{ receiver_id = \"12345678901\" }} }}"
    );
    let (mut setup, script) = centre::stage(2, &link, script);
    setup.links[0].dialect = dialect;
    (setup, format!("dialect = \"{dialect}\"\n{script}"))
}

fn shown(setup: &Setup) -> Value {
    typed_at(setup, &["link", "show", "core", "--json"]).ends(0).json()
}

fn day(setup: &Setup) -> String {
    shown(setup)["business_date"].as_str().expect("it is known").to_owned()
}

fn balanced(setup: &Setup, days: usize) -> Vec<Value> {
    wait_for(&format!("{days} days to be balanced"), || {
        let said = typed_at(setup, &["recon", "status", "--json"]).json();
        let all = said["data"].as_array().expect("a list").clone();
        (all.len() == days && all.iter().all(|one| one["state"] == "balanced")).then_some(all)
    })
}

/// A day by order, each message in the edition's own form; the cutover is the centre's, in one message or in two.
fn a_day_by_order(setup: &Setup, script: &str) {
    let dialect = setup.links[0].dialect;
    let daemon = start(setup);
    let mut center = Center::spawn(setup, script);
    wait_until(setup, "connected");
    assert_eq!(withdraws(&daemon), Some(Code::HostDown), "{dialect}: nobody signed on");
    typed_at(setup, &["link", "sign-on", "core"]).ends(0);
    typed_at(setup, &["link", "echo", "core"]).ends(0);
    for _ in 0..2 {
        assert_eq!(withdraws(&daemon), Some(Code::Approved), "{dialect}");
    }
    let first = day(setup);
    let said = typed_at(setup, &["cutover", "start", "core", "--by", "suzuki"]).ends(0);
    assert!(said.out.starts_with("link/core cut over"), "{dialect}: {said:?}");
    assert_ne!(day(setup), first, "{dialect}");
    assert_eq!(withdraws(&daemon), Some(Code::Approved), "{dialect}");
    let all = balanced(setup, 1);
    assert_eq!(all[0]["ours"]["debits_number"], 2, "{dialect}");
    // The centre asks for the same day, with its own figures beside.
    center.types("totals");
    center.wait_to_say("totals: the switch answered approved balanced, 2 debits", 1);
    typed_at(setup, &["link", "sign-off", "core"]).ends(0);
    center.wait_to_say("sign_off of the switch: approved", 1);
    typed_at(setup, &["stop"]).ends(0);
}

#[test]
fn a_day_by_order_in_every_shipped_edition() {
    for dialect in
        ["card-center", "iso93-ascii", "iso93-binary", "iso87-ascii", "iso87-binary", "iso87-ebcdic"]
    {
        let (setup, script) = stage(dialect, "by_order", "");
        a_day_by_order(&setup, &script);
    }
}

/// Networks whose management messages are advices, 0820 and 0830, and whose totals are 0520 and 0530.
#[test]
fn a_day_by_order_where_management_and_totals_are_advices() {
    let (mut setup, script) = stage("iso87-ascii", "by_order", "");
    let file = setup.scratch.path().join("advices.toml");
    let text = "name = \"advices\"\nsummary = \"Management and totals as advices\"\nlike = \"iso87-ascii\"\n\n\
                [network]\nas = \"0820\"\n\n[reconciliation]\nas = \"0520\"\n";
    std::fs::write(&file, text).expect("the scratch directory can be written");
    sekisho(&["dialect", "check", &file.display().to_string()]).ends(0);
    setup.tables_more = format!("[dialect]\nadvices = \"{}\"\n", file.display());
    setup.links[0].dialect = "advices";
    let script = script.replace("dialect = \"iso87-ascii\"", &format!("dialect = \"{}\"", file.display()));
    a_day_by_order(&setup, &script);
}

#[test]
fn the_centre_does_all_of_it_in_every_edition_and_is_answered() {
    for dialect in ["card-center", "iso87-ascii"] {
        let (setup, script) = stage(dialect, "by_order", "");
        let daemon = start(&setup);
        let mut center = Center::spawn(&setup, &script);
        wait_until(&setup, "connected");
        center.types("sign-on");
        wait_until(&setup, "signed-on");
        center.types("echo");
        center.wait_to_say("echo: the switch answered approved", 1);
        assert_eq!(withdraws(&daemon), Some(Code::Approved), "{dialect}");
        // Nobody said which day it is so far: business is counted under the calendar's, and that day ends.
        assert_eq!(shown(&setup)["business_date"], Value::Null, "{dialect}");
        center.types("cutover");
        let all = balanced(&setup, 1);
        assert_eq!(all[0]["ours"]["debits_number"], 1, "{dialect}: {all:?}");
        center.types("sign-off");
        center.wait_to_say("sign_off: the switch answered approved", 1);
        wait_until(&setup, "signed-off");
        assert_eq!(withdraws(&daemon), Some(Code::HostDown), "{dialect}: signed off by the peer");
        let history = shown(&setup)["history"].to_string();
        for word in ["the peer signed on", "the peer signed off", "connected"] {
            assert!(history.contains(word), "{dialect}: {word}: {history}");
        }
    }
}

/// What a centre does of its own accord, by its clock: nobody types a word.
#[test]
fn a_scripted_centre_lives_through_its_night_by_itself_and_the_switch_with_it() {
    let mut script = String::new();
    for (after_ms, deed) in [
        (700, "echo"),
        (50, "cutover"),
        (600, "cutover-again"),
        (50, "cutover-wrong"),
        (50, "malformed"),
        (50, "drop-one"),
        (800, "cutover"),
        (600, "totals"),
        (50, "drop-all"),
        (800, "cutover"),
    ] {
        script += &format!("\n[[step]]\nafter_ms = {after_ms}\ndo = \"{deed}\"\n");
    }
    for dialect in ["card-center", "iso87-ascii"] {
        let (setup, script) = stage(dialect, "automatic", &script);
        let daemon = start(&setup);
        let center = Center::spawn(&setup, &script);
        wait_until(&setup, "signed-on");
        assert_eq!(withdraws(&daemon), Some(Code::Approved), "{dialect}");
        center.wait_to_say("every connection is gone", 1);
        let all = balanced(&setup, 3);
        assert_eq!(all[0]["ours"]["debits_number"], 1, "{dialect}: {all:?}");
        wait_until(&setup, "signed-on");
        assert_eq!(withdraws(&daemon), Some(Code::Approved), "{dialect}");
        daemon.wait_for_figure("/transactions/garbled", 1);
        center.wait_to_say("the switch answered wrong_business_date", 1);
        let verified = typed_at(&setup, &["recon", "show", "--verify", "--json"]).ends(0).json();
        assert_eq!(verified["agree"], true, "{dialect}: {verified}");
    }
}
