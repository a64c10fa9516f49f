//! The operating day of the real program: totals that go out after a cutover, what a centre answers, and the
//! switch's own day.

mod centre;
mod typed;

use centre::{Center, start, wait_until};
use serde_json::Value;
use stories::*;
use terms::Code;
use typed::{sekisho, typed_at};

/// A switch before a centre that moves its day and compares totals, and the centre's script.
fn stage(after_ms: u32, more: &str) -> (Setup, String) {
    let link = format!(
        "timers = {{ t500_ms = 300, t800_ms = 500, t801_ms = 500, t802_ms = 300 }}\n\
         host = {{ business_day = \"told\", days_ahead_max = 366 }}\n\
         management = {{ sign_on = \"automatic\", sign_on_retry_ms = 300, echo_idle_ms = 0 }}\n\
         reconciliation = {{ currency = 392, reconcile_after_ms = {after_ms}, repeat_ms = 400, \
         alarm_after = 2, says = {{ receiver_id = \"1\" }} }}"
    );
    centre::stage(1, &link, more)
}

fn comparisons(setup: &Setup) -> Vec<Value> {
    let said = typed_at(setup, &["recon", "status", "--json"]);
    let list = said.json();
    list["data"].as_array().expect("a list").clone()
}

/// Waits until the first day that ended stands so.
fn wait_to_be(setup: &Setup, state: &str) -> Value {
    wait_for(&format!("the day to be {state}"), || {
        comparisons(setup).into_iter().next().filter(|one| one["state"] == state)
    })
}

fn verify(setup: &Setup) {
    let said = typed_at(setup, &["recon", "show", "--verify", "--json"]).ends(0).json();
    assert_eq!(said["agree"], true, "{said}");
    assert!(said["upto"].as_u64().is_some_and(|upto| upto > 0));
}

fn cut(center: &mut Center, times: usize) {
    center.types("cutover");
    center.wait_to_say("cutover: the switch answered approved", times);
}

#[test]
fn a_day_that_balances_is_told_shown_and_remembered() {
    let (setup, script) = stage(300, "");
    let daemon = start(&setup);
    let mut center = Center::spawn(&setup, &script);
    wait_until(&setup, "signed-on");
    for _ in 0..3 {
        assert_eq!(withdraws(&daemon), Some(Code::Approved));
    }
    cut(&mut center, 1);
    assert_eq!(withdraws(&daemon), Some(Code::Approved), "business goes on");
    center.wait_to_say("totals of the switch: balanced", 1);
    let day = wait_to_be(&setup, "balanced");
    assert_eq!((&day["ours"]["debits_number"], &day["theirs"]["debits_number"]), (&3.into(), &3.into()));
    assert_eq!(day["ours"]["debits_amount"], 30_000);
    let shown = typed_at(&setup, &["recon", "status"]).ends(0).fits();
    assert!(shown.out.contains("balanced"), "{}", shown.out);
    verify(&setup);
    let history = typed_at(&setup, &["cutover", "history"]).ends(0);
    assert!(history.out.contains("balanced") && history.out.contains("peer"), "{}", history.out);
    let plan = typed_at(&setup, &["cutover", "plan"]).ends(0).fits();
    assert!(plan.out.contains("the host") && plan.out.contains("1 s after"), "{}", plan.out);
    let journal = typed_at(&setup, &["journal", "ls"]).ends(0);
    assert!(journal.out.contains("compared, with core: balanced"), "{}", journal.out);
}

#[test]
fn a_difference_is_shown_with_both_sides_until_a_person_has_it_compared_again() {
    let (setup, script) = stage(200, "[totals]\noff_by = 1\noff_times = 1\n");
    let daemon = start(&setup);
    let mut center = Center::spawn(&setup, &script);
    wait_until(&setup, "signed-on");
    assert_eq!(withdraws(&daemon), Some(Code::Approved));
    cut(&mut center, 1);
    let day = wait_to_be(&setup, "out-of-balance");
    assert_eq!(day["differences"].to_string(), "{\"debits_number\":-1}");
    daemon.wait_to_say("totals out of balance");
    let shown = typed_at(&setup, &["recon", "status"]).ends(1);
    assert!(shown.out.contains("debits_number") && shown.out.contains("recon show"), "{}", shown.out);
    let date = day["business_date"].as_str().expect("a day").to_owned();
    let watched = typed_at(&setup, &["check", "recon", "--format", "nagios"]).ends(1);
    assert!(watched.out.starts_with("RECON WARNING - 1 days do not balance, the last"), "{watched:?}");
    let examined = typed_at(&setup, &["doctor", "--only", "recon"]).ends(0);
    assert!(examined.out.contains("WARN") && examined.out.contains("sekisho recon status"), "{examined:?}");
    let figure = |name: &str| format!("\nsekisho_recon_{name}{{link=\"core\",currency=\"392\"}} ");
    let has = |name: &str, value: u64| {
        let line = format!("{}{value}\n", figure(name));
        wait_for(&line, || daemon.get("/metrics").1.contains(&line).then_some(()));
    };
    has("open_items", 1);
    has("difference_count", 1);
    has("difference_minor_units", 0);
    assert!(daemon.get("/metrics").1.contains("\nsekisho_business_date_days{link=\"core\"} "));
    let again = typed_at(&setup, &["recon", "run", "core", &date, "--by", "suzuki"]).ends(0);
    assert!(again.out.contains("balanced"), "{}", again.out);
    typed_at(&setup, &["check", "recon"]).ends(0);
    has("open_items", 0);
    has("difference_count", 0);
    let history = typed_at(&setup, &["cutover", "history", "--json"]).ends(0).json();
    assert_eq!(
        history["data"].as_array().and_then(|all| all.last()).map(|one| one["totals"].clone()),
        Some("balanced".into())
    );
    // Nobody is signed on to be told: whoever orders it hears at once what it waits for.
    typed_at(&setup, &["link", "sign-off", "core"]).ends(0);
    let waits = typed_at(&setup, &["recon", "run", "core", &date, "--timeout", "1"]).ends(7);
    assert!(waits.err.starts_with("link/core is signed-off: the totals go out when"), "{waits:?}");
    assert!(waits.err.contains("sekisho link sign-on core --config"), "{waits:?}");
    typed_at(&setup, &["link", "sign-on", "core"]).ends(0);
    wait_to_be(&setup, "balanced");
    let never = typed_at(&setup, &["recon", "run", "core", "2020-01-01"]).ends(5);
    assert!(never.err.contains("REC2001-E"), "{never:?}");
}

#[test]
fn silence_and_nonsense_are_repeated_and_a_refusal_waits_for_a_person() {
    let wrong = "[totals]\nanswer = { manner = \"silent\", times = 3 }\n";
    let (setup, script) = stage(100, wrong);
    let daemon = start(&setup);
    let mut center = Center::spawn(&setup, &script);
    wait_until(&setup, "signed-on");
    assert_eq!(withdraws(&daemon), Some(Code::Approved));
    cut(&mut center, 1);
    center.wait_to_say("totals of the switch", 4);
    daemon.wait_to_say("the host does not answer our totals");
    let day = wait_to_be(&setup, "balanced");
    assert!(day["attempts"].as_u64().is_some_and(|attempts| attempts >= 4), "{day}");

    let (setup, script) = stage(100, "[totals]\nanswer = { code = \"not_supported\", times = 1 }\n");
    let _daemon = start(&setup);
    let mut center = Center::spawn(&setup, &script);
    wait_until(&setup, "signed-on");
    cut(&mut center, 1);
    let day = wait_to_be(&setup, "refused");
    let date = day["business_date"].as_str().expect("a day").to_owned();
    typed_at(&setup, &["recon", "run", "core", &date]).ends(0);
}

#[test]
fn twice_the_same_cutover_leads_to_one_comparison() {
    let (setup, script) = stage(200, "");
    let daemon = start(&setup);
    let mut center = Center::spawn(&setup, &script);
    wait_until(&setup, "signed-on");
    assert_eq!(withdraws(&daemon), Some(Code::Approved));
    cut(&mut center, 1);
    center.types("cutover-again");
    center.wait_to_say("cutover: the switch answered approved", 2);
    wait_to_be(&setup, "balanced");
    let all = comparisons(&setup);
    assert_eq!(all.len(), 1, "{all:?}");
    assert_eq!(all[0]["attempts"], 1);
}

#[test]
fn a_cutover_in_the_middle_of_a_burst_leaves_every_day_balanced() {
    let (setup, script) = stage(400, "");
    let daemon = start(&setup);
    let mut center = Center::spawn(&setup, &script);
    wait_until(&setup, "signed-on");
    let burst = std::thread::scope(|scope| {
        let asking: Vec<_> = (0..6)
            .map(|_| scope.spawn(|| (0..60).filter(|_| withdraws(&daemon) == Some(Code::Approved)).count()))
            .collect();
        for times in 1..=3 {
            std::thread::sleep(std::time::Duration::from_millis(60));
            cut(&mut center, times);
        }
        asking.into_iter().map(|one| one.join().expect("it asked")).sum::<usize>()
    });
    assert_eq!(burst, 360);
    cut(&mut center, 4);
    let all = wait_for("four days to be compared", || {
        let all = comparisons(&setup);
        (all.len() == 4 && all.iter().all(|one| one["compared_at"].is_string())).then_some(all)
    });
    let counted: i64 = all.iter().filter_map(|one| one["ours"]["debits_number"].as_i64()).sum();
    assert!(all.iter().all(|one| one["state"] == "balanced"), "{all:?}");
    assert_eq!(counted, 360);
    verify(&setup);
}

#[test]
fn a_centre_that_asks_is_told_and_compared() {
    let (setup, script) = stage(600_000, "");
    let daemon = start(&setup);
    let mut center = Center::spawn(&setup, &script);
    wait_until(&setup, "signed-on");
    assert_eq!(withdraws(&daemon), Some(Code::Approved));
    center.types("totals-blank");
    center.wait_to_say("totals: the switch answered refused not_available", 1);
    cut(&mut center, 1);
    center.types("totals-blank");
    center.wait_to_say("totals: the switch answered approved told, 1 debits", 1);
    center.types("totals");
    center.wait_to_say("totals: the switch answered approved balanced, 1 debits", 1);
    let day = wait_to_be(&setup, "balanced");
    assert_eq!(day["asked_by_peer"], true);
}

#[test]
fn totals_go_out_once_though_the_switch_is_killed_between_the_cutover_and_them() {
    let (setup, script) = stage(1_500, "");
    let mut daemon = start(&setup);
    let mut center = Center::spawn(&setup, &script);
    wait_until(&setup, "signed-on");
    assert_eq!(withdraws(&daemon), Some(Code::Approved));
    cut(&mut center, 1);
    daemon.kill();
    drop(daemon);
    let mut daemon = start(&setup);
    wait_until(&setup, "signed-on");
    wait_to_be(&setup, "balanced");
    daemon.kill();
    drop(daemon);
    let _daemon = start(&setup);
    wait_until(&setup, "signed-on");
    let day = wait_to_be(&setup, "balanced");
    assert_eq!(day["ours"]["debits_number"], 1);
    center.types("echo");
    center.wait_to_say("echo: the switch answered approved", 1);
    assert!(!center.has_said("totals of the switch", 2), "once");
    verify(&setup);
}

#[test]
fn totals_that_come_into_a_contract_later_are_those_of_days_from_then_on_and_older_ones_by_hand() {
    let (mut setup, script) = stage(100, "");
    let with = setup.links[0].more.clone();
    let at = with.find("\nreconciliation").expect("it compares");
    setup.links[0].more.truncate(at);
    let mut daemon = start(&setup);
    let mut center = Center::spawn(&setup, &script);
    wait_until(&setup, "signed-on");
    let mut old = Vec::new();
    for times in 1..=3 {
        old.push(shown_day(&setup));
        assert_eq!(withdraws(&daemon), Some(Code::Approved));
        cut(&mut center, times);
    }
    daemon.kill();
    drop(daemon);
    setup.links[0].more = with;
    let daemon = start(&setup);
    wait_until(&setup, "signed-on");
    assert_eq!(withdraws(&daemon), Some(Code::Approved));
    cut(&mut center, 4);
    let first = wait_for("the day that ended with it to be compared", || {
        comparisons(&setup).into_iter().find(|one| one["state"] == "balanced")
    });
    let states = || -> Vec<String> {
        comparisons(&setup).iter().map(|one| one["state"].as_str().unwrap_or_default().to_owned()).collect()
    };
    assert_eq!(states(), ["not-asked-for", "not-asked-for", "not-asked-for", "balanced"]);
    assert!(first["business_date"].as_str() > Some(old[2].as_str()));
    assert!(!center.has_said("totals of the switch", 2), "of one day");
    let status = typed_at(&setup, &["recon", "status"]).ends(0).fits();
    for word in
        ["not reconciled, before it was asked for", &format!("next  sekisho recon run core {}", old[2])]
    {
        assert!(status.out.contains(word), "{word}: {}", status.out);
    }
    typed_at(&setup, &["recon", "run", "core", &old[0], "--by", "suzuki"]).ends(0);
    assert_eq!(states(), ["balanced", "not-asked-for", "not-asked-for", "balanced"]);
    verify(&setup);
}

fn shown_day(setup: &Setup) -> String {
    let shown = typed_at(setup, &["link", "show", "core", "--json"]).ends(0).json();
    shown["business_date"].as_str().expect("it is known").to_owned()
}

#[test]
fn our_own_day_moves_by_order_is_stamped_and_told() {
    let (mut setup, script) = stage(600_000, "");
    setup.tables_more = "[day]\nmoves = \"by_order\"\n".into();
    let mut daemon = start(&setup);
    let _center = Center::spawn(&setup, &script);
    wait_until(&setup, "signed-on");
    let own =
        || typed_at(&setup, &["cutover", "status", "--json"]).ends(0).json()["own"]["business_date"].clone();
    let first = own();
    assert_eq!(withdraws(&daemon), Some(Code::Approved));
    let mut listening = Client::of(&daemon, "acquirer");
    // A connection is known to be there once it was answered.
    assert_eq!(listening.ask(&Terminal::named("T9999999").withdraws(10_000)).code, Some(Code::Approved));
    let said = typed_at(&setup, &["cutover", "start", "own", "--by", "suzuki"]).ends(0);
    assert!(said.out.starts_with("own cut over, business day "), "{said:?}");
    let second = own();
    assert_ne!(first, second);
    let told = listening.answer();
    assert_eq!(told.network, terms::Network::Cutover);
    let told = listening.answer();
    assert_eq!(told.settlement_date.map(|date| date.to_string()).as_deref(), second.as_str());
    let again = typed_at(&setup, &["cutover", "start", "own"]).ends(6);
    assert!(again.err.contains("DAY2002-E"), "{again:?}");
    wait_for("the figures to be put up", || {
        let status = typed_at(&setup, &["status", "--json"]).json();
        (status["business_date"] == second).then_some(())
    });
    daemon.kill();
    drop(daemon);
    let daemon = start(&setup);
    wait_until(&setup, "signed-on");
    assert_eq!(own(), second);
    assert_eq!(withdraws(&daemon), Some(Code::Approved));
    let journal = typed_at(&setup, &["journal", "ls", "--json"]).ends(0).out;
    for date in [&first, &second] {
        let stamped = format!("\"own_date\":{date}");
        assert!(journal.contains(&stamped), "{stamped}");
    }
    let history = typed_at(&setup, &["cutover", "history", "--link", "own"]).ends(0);
    assert!(history.out.contains("suzuki"), "{}", history.out);
}

#[test]
fn without_a_day_of_its_own_the_order_says_what_to_do() {
    let (setup, _) = stage(600_000, "");
    let _daemon = start(&setup);
    let said = typed_at(&setup, &["cutover", "start", "own"]).ends(6);
    assert!(said.err.contains("DAY2001-E") && said.err.contains("[day]"), "{said:?}");
}

#[test]
fn a_configuration_that_could_never_compare_is_refused() {
    let (mut setup, _) = stage(1_000, "");
    setup.write();
    let good = setup.config_path().display().to_string();
    sekisho(&["config", "check", &good]).ends(0);
    setup.links[0].more = setup.links[0].more.replace(", says = { receiver_id = \"1\" }", "");
    setup.write();
    let said = sekisho(&["config", "check", &good]).ends(78);
    assert!(said.err.contains("put it into reconciliation.says"), "{said:?}");
    setup.tables_more = "[day]\nmoves = \"with cora\"\n".into();
    setup.write();
    let said = sekisho(&["config", "check", &good]).ends(78);
    assert!(said.err.contains("did you mean `core`"), "{said:?}");
    setup.tables_more = "[day]\nmoves = \"by_schedule\"\nschedule = \"25:00\"\n".into();
    setup.write();
    let said = sekisho(&["config", "check", &good]).ends(78);
    assert!(said.err.contains("no time of day"), "{said:?}");
}
