//! A switch before a card centre: pairs, sign-on, business, and everything a centre may do instead.

mod centre;
mod http;
mod typed;

use centre::{Center, start, wait_until};
use http::At;
use stories::*;
use terms::{Code, Kind};
use typed::{sekisho, typed_at};

/// A switch whose link `core` waits for the centre's calls, and the centre's script.
fn stage(pairs: u16, sign_on: &str, more: &str) -> (Setup, String) {
    let link = format!(
        "timers = {{ t800_ms = 500, t801_ms = 500, t802_ms = 300 }}\n\
         host = {{ business_day = \"told\" }}\n\
         management = {{ sign_on = \"{sign_on}\", sign_on_retry_ms = 300, echo_idle_ms = 0 }}"
    );
    centre::stage(pairs, &link, more)
}

fn shown(setup: &Setup) -> serde_json::Value {
    typed_at(setup, &["link", "show", "core", "--json"]).ends(0).json()
}

fn wait_for_lines(setup: &Setup, lines: u64) {
    wait_for(&format!("{lines} connections"), || (shown(setup)["connections"] == lines).then_some(()));
}

#[test]
fn a_centre_calls_is_called_back_and_business_passes_once_somebody_signed_on() {
    let (setup, script) = stage(2, "by_order", "");
    let daemon = start(&setup);
    assert_eq!(shown(&setup)["connections"], 0, "nobody is dialled before the centre called");
    let center = Center::spawn(&setup, &script);
    wait_for_lines(&setup, 4);
    assert_eq!(withdraws(&daemon), Some(Code::HostDown));
    typed_at(&setup, &["link", "sign-on", "core"]).ends(0);
    center.wait_to_say("sign_on of the switch: approved", 1);
    assert_eq!(withdraws(&daemon), Some(Code::Approved));
    typed_at(&setup, &["link", "echo", "core"]).ends(0);
    typed_at(&setup, &["link", "sign-off", "core"]).ends(0);
    center.wait_to_say("sign_off of the switch: approved", 1);
}

#[test]
fn a_lost_connection_takes_its_pair_along_and_the_centre_builds_it_anew() {
    let (setup, script) = stage(1, "automatic", "");
    let daemon = start(&setup);
    let mut center = Center::spawn(&setup, &script);
    wait_until(&setup, "signed-on");
    wait_for_lines(&setup, 2);
    for again in 2..=3 {
        center.types("drop-one");
        center.wait_to_say("sign_on of the switch: approved", again);
        wait_for_lines(&setup, 2);
        wait_until(&setup, "signed-on");
        assert_eq!(withdraws(&daemon), Some(Code::Approved));
    }
}

/// Whatever is heard first, an old connection's end or a new one: the centre has forgotten us, and is told again.
#[test]
fn a_centre_that_loses_everything_and_calls_at_once_is_signed_on_again_each_time() {
    let (mut setup, script) = stage(3, "automatic", "");
    setup.tables_more = "[api]\ndefault_link = \"core\"\n".into();
    let daemon = start(&setup);
    let mut center = Center::spawn(&setup, &script);
    wait_until(&setup, "signed-on");
    wait_for_lines(&setup, 6);
    let mut events = At::socket_of(&setup).listen("/v1/stream?types=link.*", &[]);
    for again in 1..=10 {
        center.types("drop-all");
        center.wait_to_say("and with them the session", again);
        center.wait_to_say("sign_on of the switch: approved", again + 1);
        events.until("link.down");
        events.until("link.degraded");
        // All of them stand before the answer to the sign-on is heard, or after it.
        let mut left = vec!["link.connected", "link.signed_on"];
        while !left.is_empty() {
            let (_, name, _) = events.next().expect("both are said");
            left.retain(|wanted| *wanted != name);
        }
        wait_until(&setup, "signed-on");
        assert_eq!(withdraws(&daemon), Some(Code::Approved));
        wait_for_lines(&setup, 6);
    }
}

#[test]
fn the_centre_opens_and_closes_as_it_likes_and_is_answered() {
    let (setup, script) = stage(1, "by_order", "");
    let daemon = start(&setup);
    let mut center = Center::spawn(&setup, &script);
    wait_until(&setup, "connected");
    center.types("sign-on");
    center.wait_to_say("sign_on: the switch answered approved", 1);
    wait_until(&setup, "signed-on");
    assert_eq!(withdraws(&daemon), Some(Code::Approved));
    center.types("echo");
    center.wait_to_say("echo: the switch answered approved", 1);
    center.types("sign-off");
    center.wait_to_say("sign_off: the switch answered approved", 1);
    wait_until(&setup, "signed-off");
    typed_at(&setup, &["link", "maint", "core"]).ends(0);
    center.types("sign-on");
    center.wait_to_say("sign_on: the switch answered host_down", 1);
}

#[test]
fn a_centre_that_refuses_stays_silent_answers_late_or_nonsense_is_tried_until_it_does_better() {
    for (wrong, said) in [
        ("code = \"not_permitted_to_terminal\"", "the peer refused"),
        ("manner = \"silent\"", "no answer came in time"),
        ("manner = \"garbage\"", "no answer came in time"),
        ("delay_ms = 900", "no answer came in time"),
        ("manner = \"cut\"", "the last connection was lost"),
    ] {
        let (setup, script) = stage(1, "automatic", &format!("[sign_on]\n{wrong}\ntimes = 2\n"));
        let daemon = start(&setup);
        let _center = Center::spawn(&setup, &script);
        wait_until(&setup, "signed-on");
        let history = shown(&setup)["history"].to_string();
        assert!(history.contains(said), "{wrong}: {history}");
        assert_eq!(withdraws(&daemon), Some(Code::Approved), "{wrong}");
    }
}

#[test]
fn a_centre_that_falls_silent_is_found_out_by_echo_and_business_ends_unknown() {
    let (mut setup, script) = stage(1, "automatic", "");
    setup.links[0].more =
        setup.links[0].more.replace("echo_idle_ms = 0", "echo_idle_ms = 300, echo_misses_max = 2");
    let daemon = start(&setup);
    let mut center = Center::spawn(&setup, &script);
    wait_until(&setup, "signed-on");
    center.types("silent");
    daemon.wait_to_say("echoes went unanswered");
    center.types("speak");
    wait_until(&setup, "signed-on");
    assert_eq!(withdraws(&daemon), Some(Code::Approved));
}

#[test]
fn nonsense_from_a_centre_is_kept_as_a_specimen_and_disturbs_nothing() {
    let (setup, script) = stage(1, "automatic", "[business.every]\ngarbage = 2\n");
    let daemon = start(&setup);
    let mut center = Center::spawn(&setup, &script);
    wait_until(&setup, "signed-on");
    center.types("malformed");
    daemon.wait_for_figure("/transactions/garbled", 1);
    assert_eq!(withdraws(&daemon), Some(Code::Approved));
    assert_eq!(withdraws(&daemon), Some(Code::NoAnswer), "its answer was nonsense");
    wait_until(&setup, "signed-on");
}

#[test]
fn a_centre_refuses_business_of_a_switch_it_does_not_know_to_be_signed_on() {
    // The switch needs no sign-on, the centre does: what the centre says reaches the terminal.
    let (setup, script) = stage(1, "none", "");
    let daemon = start(&setup);
    let _center = Center::spawn(&setup, &script);
    wait_for_lines(&setup, 2);
    assert_eq!(withdraws(&daemon), Some(Code::NotSignedOn));
}

fn day(setup: &Setup) -> String {
    shown(setup)["business_date"].as_str().expect("it is known").to_owned()
}

fn wait_for_another_day(setup: &Setup, before: &str) -> String {
    wait_for("another day", || Some(day(setup)).filter(|day| day != before))
}

#[test]
fn the_centre_moves_the_day_by_its_own_clock_and_business_goes_on() {
    let (setup, script) = stage(1, "automatic", "");
    let daemon = start(&setup);
    let mut center = Center::spawn(&setup, &script);
    wait_until(&setup, "signed-on");
    let first = day(&setup);
    assert_eq!(withdraws(&daemon), Some(Code::Approved));
    center.types("cutover");
    center.wait_to_say("cutover: the switch answered approved", 1);
    let second = wait_for_another_day(&setup, &first);
    assert_eq!(withdraws(&daemon), Some(Code::Approved));
    center.types("cutover-again");
    center.wait_to_say("cutover: the switch answered approved", 2);
    center.types("cutover-wrong");
    center.wait_to_say("cutover: the switch answered wrong_business_date", 1);
    daemon.wait_to_say("a business day that cannot be");
    assert_eq!(day(&setup), second, "twice and wrongly change nothing");
    let told = typed_at(&setup, &["journal", "ls", "--json"]).ends(0).out;
    for day in [&first, &second] {
        assert!(told.contains(day.as_str()), "{day}: {told}");
    }
    let status = typed_at(&setup, &["cutover", "status"]).ends(0).fits();
    assert!(status.out.contains(&second) && status.out.contains("open"), "{}", status.out);
}

#[test]
fn an_application_that_comes_back_hears_of_every_day_that_changed_while_the_switch_was_killed_and_started() {
    let (mut setup, script) = stage(1, "automatic", "");
    setup.tables_more = "[api]\ndefault_link = \"core\"\n".into();
    setup.links[0].more = setup.links[0].more.replace("\"told\"", "\"told\", days_ahead_max = 9");
    let mut daemon = start(&setup);
    let mut center = Center::spawn(&setup, &script);
    wait_until(&setup, "signed-on");
    let mut moves = |setup: &Setup, times| {
        let before = day(setup);
        center.types("cutover");
        center.wait_to_say("cutover: the switch answered approved", times);
        wait_for_another_day(setup, &before)
    };
    let at = At::socket_of(&setup);
    let mut events = at.listen("/v1/stream?types=cutover.*", &[]);
    let first = moves(&setup, 1);
    let (seen, told) = events.until("cutover.completed");
    assert_eq!(told["business_date"], first.as_str());
    // It goes away. Two days change, and between them the switch dies.
    drop(events);
    let second = moves(&setup, 2);
    daemon.kill();
    drop(daemon);
    daemon = start(&setup);
    wait_until(&setup, "signed-on");
    let third = moves(&setup, 3);
    let mut events = at.listen("/v1/stream?types=cutover.*", &[("Last-Event-ID", &seen)]);
    events.until("stream.missed");
    let mut days = Vec::new();
    let mut last = String::new();
    while days.last() != Some(&third) {
        let (id, told) = events.until("cutover.completed");
        days.push(told["business_date"].as_str().expect("a day").to_owned());
        last = id;
    }
    // What happened in the very millisecond of the last one seen is told again rather than not at all.
    days.retain(|day| *day != first);
    assert_eq!(days, [second, third]);
    // With the last of these it goes on, and hears none of them again.
    drop(events);
    let fourth = moves(&setup, 4);
    let mut events = at.listen("/v1/stream?types=cutover.*,stream.*", &[("Last-Event-ID", &last)]);
    let mut told = events.next().expect("something");
    while told.1 != "cutover.completed" {
        assert_ne!(told.1, "stream.missed");
        told = events.next().expect("something");
    }
    assert_eq!(told.2["business_date"], fourth.as_str());
    drop(daemon);
}

#[test]
fn we_ask_for_the_next_day_and_the_centre_decides() {
    let (setup, script) = stage(1, "automatic", "[cutover]\nafter_ms = 100\n");
    let _daemon = start(&setup);
    let mut center = Center::spawn(&setup, &script);
    wait_until(&setup, "signed-on");
    let first = day(&setup);
    let said = typed_at(&setup, &["cutover", "start", "core", "--by", "suzuki"]).ends(0);
    assert!(said.out.starts_with("link/core cut over, business day "), "{said:?}");
    assert_ne!(day(&setup), first);
    center.wait_to_say("cutover of the switch: approved", 1);
    // Tomorrow is not over yet: the centre would, the calendar does not let it. So it is not even asked.
    let again = typed_at(&setup, &["cutover", "start", "core"]).ends(6);
    assert!(again.err.contains("LNK2011-E") && again.err.contains("sekisho cutover status"), "{again:?}");
    assert!(!center.has_said("cutover of the switch", 2), "asked once");
    center.types("cutover");
    center.wait_to_say("cutover: the switch answered wrong_business_date", 1);
}

#[test]
fn a_centre_that_will_not_cut_over_says_so_and_the_day_stays() {
    let (setup, script) = stage(1, "automatic", "[cutover]\nanswer = { code = \"not_supported\" }\n");
    let _daemon = start(&setup);
    let _center = Center::spawn(&setup, &script);
    wait_until(&setup, "signed-on");
    let first = day(&setup);
    let said = typed_at(&setup, &["cutover", "start", "core"]).ends(6);
    assert!(said.err.contains("LNK2104-E") && said.err.contains("not_supported"), "{said:?}");
    assert_eq!(day(&setup), first);
    typed_at(&setup, &["link", "sign-off", "core"]).ends(0);
    let early = typed_at(&setup, &["cutover", "start", "core"]).ends(6);
    assert!(early.err.contains("LNK2005-E") && early.err.contains("sekisho link sign-on core"), "{early:?}");
}

#[test]
fn a_switch_that_is_killed_knows_its_day_again() {
    let (mut setup, script) = stage(1, "automatic", "");
    setup.links[0].more = setup.links[0].more.replace("\"told\"", "\"told\", days_ahead_max = 9");
    let mut daemon = start(&setup);
    let mut center = Center::spawn(&setup, &script);
    wait_until(&setup, "signed-on");
    for changes in 1..=3 {
        let before = day(&setup);
        center.types("cutover");
        let after = wait_for_another_day(&setup, &before);
        center.wait_to_say("cutover: the switch answered approved", changes);
        daemon.kill();
        daemon = start(&setup);
        wait_until(&setup, "signed-on");
        assert_eq!(day(&setup), after);
        assert_eq!(withdraws(&daemon), Some(Code::Approved));
    }
}

#[test]
fn a_deposit_owed_over_the_change_of_the_day_becomes_a_persons() {
    let (mut setup, script) = stage(1, "automatic", "[business.every]\nsilent = 1\n");
    setup.links[0].more.push_str("\nforward = { reply_timeout_ms = 300, repeat_ms = 600000 }");
    setup.links[0].reply_timeout_ms = 300;
    let daemon = start(&setup);
    let mut center = Center::spawn(&setup, &script);
    wait_until(&setup, "signed-on");
    let first = day(&setup);
    let deposit = Terminal::named("T9000001").asks(Kind::Deposit, 20_000);
    assert_eq!(Client::of(&daemon, "acquirer").ask(&deposit).code, Some(Code::NoAnswer));
    daemon.wait_for_figure("/transactions/pending", 1);
    center.types("cutover");
    wait_for_another_day(&setup, &first);
    daemon.wait_for_figure("/transactions/exceptions", 1);
    assert_eq!(daemon.figure("/transactions/pending"), 0);
    let listed = typed_at(&setup, &["saf", "ls", "--exceptions"]).ends(0).out;
    assert!(listed.contains("day changed"), "{listed}");
}

#[test]
fn the_configurations_that_ship_fit_each_other() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../../deploy");
    sekisho(&["config", "check", &format!("{root}/center.toml")]).ends(0);
    let said = sekisho(&["sim", "center", "--config", &format!("{root}/nowhere.toml")]).ends(1);
    assert!(said.err.contains("nowhere.toml"), "{said:?}");
}
