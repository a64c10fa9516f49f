//! PINs and authentication codes through the real program: right, wrong, missing, under another key, and with the
//! security modules gone, slow, sick or somebody else's.

mod guarded;

use guarded::*;
use hsm::ops::Role;
use sekisho::sim::keyring::key_named;
use stories::wait_for;
use terms::{Class, Code, Kind, Noun, Outcome, Pan};

const APPROVED: (Code, Outcome) = (Code::Approved, Outcome::Approved);

#[test]
fn a_withdrawal_passes_with_its_pin_moved_and_a_code_on_both_legs() {
    let host = PlayedHost::honest();
    let daemon = setup(&host, &With::Software).start();
    let mut terminal = PlayedTerminal::at(&daemon, terminals_side());
    let txn = terminal.withdrawal();
    let body = terminal.written(&txn);
    terminal.send(&body);
    let answer = terminal.hears();
    assert_eq!(answer.code, Some(Code::Approved), "the host opened the PIN with its own key");
    let sent = host.heard().pop().expect("the host was asked");
    let pin = |body: &[u8]| carried(&terminals_side(), body, Noun::PinBlock).expect("a PIN");
    assert_ne!(pin(&sent), pin(&body), "the block lies under another key");
    assert_ne!(
        hosts_side().dialect.covered(&sent).expect("a message").code,
        terminals_side().dialect.covered(&body).expect("a message").code
    );
    wait_for("the figures", || (security(&daemon, "made") == 2).then_some(()));
    assert_eq!((security(&daemon, "verified"), security(&daemon, "pins_moved")), (2, 1));
}

#[test]
fn a_message_whose_code_is_wrong_missing_or_of_other_fields_is_refused_and_nothing_is_done() {
    let host = PlayedHost::honest();
    let daemon = setup(&host, &With::Software).start();
    let mut terminal = PlayedTerminal::at(&daemon, terminals_side());
    let txn = terminal.withdrawal();
    let right = terminal.written(&txn);
    let mut other_digit = right.clone();
    let last = other_digit.len() - 1;
    other_digit[last] = if other_digit[last] == b'0' { b'1' } else { b'0' };
    let mut other_amount = terminal.withdrawal();
    other_amount.stan = txn.stan;
    let mut spliced = terminal.written(&terms::Txn { amount: terms::Amount::minor(90_000), ..txn.clone() });
    let at = spliced.len() - 16;
    spliced[at..].copy_from_slice(&right[right.len() - 16..]);
    let mut bare = Vec::new();
    let stamped = sekisho::sim::question::as_stamped(&txn, false);
    terminal.speech.dialect.write_request(&txn, &stamped, &mut bare).expect("it can be said");
    for (what, body) in [("one digit wrong", other_digit), ("of another amount", spliced), ("missing", bare)]
    {
        terminal.send(&body);
        let answer = terminal.hears();
        assert_eq!(
            answer.code,
            Some(Code::SecurityFailure).filter(|_| false).or(Some(as_told(Code::WrongMac))),
            "{what}"
        );
        assert_eq!(answer.stan, txn.stan, "{what}");
    }
    assert!(host.heard().is_empty(), "the host never hears of it");
    assert_eq!(daemon.figure("/transactions/numbered"), 0, "and nothing of it is written down");
    // The same request with its own code is a first request, not a repeat of anything.
    terminal.send(&right);
    assert_eq!(terminal.hears().code, Some(Code::Approved));
    wait_for("the figures", || (security(&daemon, "missing") == 1).then_some(()));
    assert_eq!(security(&daemon, "wrong"), 2);
}

#[test]
fn a_pin_block_that_is_none_of_its_key_and_card_is_refused_before_the_host_hears_of_it() {
    let host = PlayedHost::honest();
    let daemon = setup(&host, &With::Software).start();
    let mut terminal = PlayedTerminal::at(&daemon, terminals_side());
    // Under another key.
    let mut stranger = terminal.withdrawal();
    partner("iso87-ascii", "a terminal's TAK", "somebody else's TPK")
        .secrets
        .expect("keys")
        .put_pin(&mut stranger);
    let answer = terminal.asks(&stranger);
    assert!(!matches!(answer.code, Some(Code::Approved)));
    // Of another card.
    let mut other_card = terminal.withdrawal();
    let own = other_card.pan.clone();
    other_card.pan = Pan::new(b"4111119876543217").expect("digits");
    terminal.secrets().put_pin(&mut other_card);
    other_card.pan = own;
    let refused = terminal.asks(&other_card);
    assert_eq!(refused.outcome, Some(Outcome::Refused));
    // Half of it.
    let mut short = terminal.withdrawal();
    let mut carried = terms::Carried::default();
    for (number, contents) in short.carried.iter() {
        let noun = Noun::numbered(number).expect("a noun");
        carried.push(noun, if noun == Noun::PinBlock { &[0; 8] } else { contents });
    }
    short.carried = carried;
    assert_eq!(terminal.asks(&short).outcome, Some(Outcome::Refused));
    assert!(host.heard().is_empty());
    wait_for("three decisions", || (daemon.figure("/transactions/not_sent") == 3).then_some(()));
    wait_for("the figures", || (security(&daemon, "withheld") == 3).then_some(()));
    // A repeat of one that was withheld hears the same again.
    let body = terminal.written(&short);
    terminal.send(&body);
    assert_eq!(terminal.hears().outcome, Some(Outcome::Refused));
    assert_eq!(daemon.figure("/transactions/not_sent"), 3);
    assert_eq!(terminal.withdraws(), APPROVED, "the next customer is served");
}

#[test]
fn a_terminal_nobody_has_keys_of_is_refused_in_clear() {
    let host = PlayedHost::honest();
    let daemon = setup(&host, &With::Software).start();
    let mut terminal = PlayedTerminal::at(&daemon, terminals_side());
    let mut txn = terminal.withdrawal();
    txn.terminal_id = terms::Text::clipped(b"ATM00099");
    let body = terminal.written(&txn);
    terminal.send(&body);
    let (answer, has_code) = terminal.hears_anything();
    assert_eq!((answer.outcome, has_code), (Some(Outcome::Refused), false), "nobody could make its code");
    assert!(host.heard().is_empty());
    wait_for("the figures", || (security(&daemon, "not_verified") == 1).then_some(()));
}

#[test]
fn a_host_whose_answer_is_not_believed_has_not_answered_and_is_told_to_undo_it() {
    let liar = partner("iso87-ascii", "somebody's ZAK", "the host's ZPK");
    let honest = hosts_side();
    let host = PlayedHost::new(move |body| {
        let request = honest.read(body, today()).ok().filter(|request| request.message.asks())?;
        let mut out = Vec::new();
        let answer = terms::Answer::ours(Code::Approved, Outcome::Approved);
        // It lies about requests and takes reversals as it should.
        let says = if is_reversal(body) { &honest } else { &liar };
        says.write_answer(&request, &answer, &mut out).expect("it can be said");
        Some(out)
    });
    let daemon = setup(&host, &With::Software).start();
    let mut terminal = PlayedTerminal::at(&daemon, terminals_side());
    let txn = terminal.withdrawal();
    let answer = terminal.asks(&txn);
    assert_eq!((answer.code, answer.outcome), (Some(Code::NoAnswer), Some(Outcome::Unknown)));
    wait_for("the reversal to be taken", || (daemon.figure("/transactions/paid") == 1).then_some(()));
    assert_eq!(
        host.types(),
        ["0200", "0420"],
        "the reversal had the right code, or the host had not read it"
    );
    wait_for("the figures", || (security(&daemon, "wrong_from_hosts") == 1).then_some(()));
}

#[test]
fn with_every_module_gone_business_is_refused_an_echo_is_answered_and_all_is_well_when_one_is_back() {
    let host = PlayedHost::honest();
    let address = stories::free_address();
    let mut module = Module::simulated_at(address, &[]);
    let daemon = setup(&host, &With::Devices(&[&module])).start();
    wait_for_state(&daemon, "hsm-1", "well");
    let mut terminal = PlayedTerminal::at(&daemon, terminals_side());
    let paid = terminal.withdrawal();
    assert_eq!(terminal.asks(&paid).code, Some(Code::Approved));
    module.die();
    wait_for_state(&daemon, "hsm-1", "away");
    let txn = terminal.withdrawal();
    let body = terminal.written(&txn);
    terminal.send(&body);
    let (answer, has_code) = terminal.hears_anything();
    assert_eq!((answer.code, has_code), (Some(Code::Malfunction), false));
    // There are terminals to which any answer says that it is taken back.
    let reversal = terminal.taken_back(&paid);
    let body = terminal.written(&reversal);
    terminal.send(&body);
    let body = terminal.written(&echo(900_001));
    terminal.send(&body);
    let (heard, _) = terminal.hears_anything();
    assert_eq!(heard.code, Some(Code::Approved), "the line is alive");
    assert_eq!(heard.message.class, Class::Network, "and the reversal has no answer");
    assert_eq!(host.types(), ["0200"], "the host heard of the first alone");
    let _module = Module::simulated_at(address, &[]);
    wait_for_state(&daemon, "hsm-1", "well");
    assert_eq!(terminal.asks(&txn).code, Some(Code::Approved), "the same request again is the first");
    assert_eq!(
        terminal.asks(&reversal).outcome,
        Some(Outcome::Approved),
        "the same reversal again is the first"
    );
}

#[test]
fn a_module_that_dies_under_way_costs_nobody_anything() {
    let host = PlayedHost::honest();
    let mut modules =
        [Module::simulated(&["--latency-us", "3000"]), Module::simulated(&["--latency-us", "3000"])];
    let daemon = setup(&host, &With::Devices(&[&modules[0], &modules[1]])).start();
    ["hsm-1", "hsm-2"].iter().for_each(|name| wait_for_state(&daemon, name, "well"));
    let busy: Vec<_> = (0..8)
        .map(|line| {
            let mut terminal = PlayedTerminal::at(&daemon, terminals_side()).counting_from(line * 1_000);
            std::thread::spawn(move || (0..40).map(|_| terminal.withdraws()).collect::<Vec<_>>())
        })
        .collect();
    wait_for("some of them", || (daemon.figure("/transactions/approved") > 20).then_some(()));
    modules[0].die();
    for told in busy.into_iter().flat_map(|busy| busy.join().expect("no panic")) {
        assert_eq!(told, APPROVED);
    }
    assert_eq!(state_of(&daemon, "hsm-1"), "away");
}

#[test]
fn a_module_that_hangs_is_left_alone_and_taken_back_when_it_answers_again() {
    let host = PlayedHost::honest();
    let modules = [Module::simulated(&[]), Module::simulated(&[])];
    let daemon = setup(&host, &With::Devices(&[&modules[0], &modules[1]])).start();
    ["hsm-1", "hsm-2"].iter().for_each(|name| wait_for_state(&daemon, name, "well"));
    modules[0].stop();
    let mut terminal = PlayedTerminal::at(&daemon, terminals_side());
    for _ in 0..6 {
        assert_eq!(terminal.withdraws(), APPROVED);
    }
    wait_for("it to be let go", || (state_of(&daemon, "hsm-1") != "well").then_some(()));
    modules[0].go_on();
    wait_for_state(&daemon, "hsm-1", "well");
    assert_eq!(terminal.withdraws(), APPROVED);
}

#[test]
fn sick_modules_are_asked_again_and_nobody_notices() {
    for illness in [
        ["--fault-every", "5"],
        ["--silent-every", "11"],
        ["--garbage-every", "7"],
        ["--drop-connection-every", "9"],
    ] {
        let host = PlayedHost::honest();
        let modules = [Module::simulated(&illness), Module::simulated(&[])];
        let daemon = setup(&host, &With::Devices(&[&modules[0], &modules[1]])).start();
        wait_for_state(&daemon, "hsm-2", "well");
        let mut terminal = PlayedTerminal::at(&daemon, terminals_side());
        for _ in 0..15 {
            assert_eq!(terminal.withdraws(), APPROVED, "{illness:?}");
        }
    }
}

#[test]
fn a_module_with_another_master_key_is_refused_and_said() {
    let host = PlayedHost::honest();
    let mut module = Module::simulated(&[]);
    module.lmk_check = "1122334455667788".into();
    let setup = setup(&host, &With::Devices(&[&module]));
    // The store belongs to the other master key too, so the terminal's keys cannot be read under this one.
    std::fs::remove_dir_all(setup.data.join("keys")).expect("the store is there");
    let daemon = setup.start();
    wait_for_state(&daemon, "hsm-1", "other_master_key");
    daemon.wait_to_say("another master key");
    let mut terminal = PlayedTerminal::at(&daemon, terminals_side());
    let txn = terminal.withdrawal();
    let body = terminal.written(&txn);
    terminal.send(&body);
    assert_eq!(terminal.hears_anything().0.outcome, Some(Outcome::Refused));
    assert!(host.heard().is_empty());
}

#[test]
fn an_independent_module_does_it_over_tcp() {
    let Some(module) = Module::independent() else { return };
    let host = PlayedHost::honest();
    let daemon = setup(&host, &With::Devices(&[&module])).start();
    wait_for_state(&daemon, "hsm-1", "well");
    let mut terminal = PlayedTerminal::at(&daemon, terminals_side());
    for _ in 0..5 {
        assert_eq!(terminal.withdraws(), APPROVED);
    }
    let mut stranger = terminal.withdrawal();
    partner("iso87-ascii", "a terminal's TAK", "somebody else's TPK")
        .secrets
        .expect("keys")
        .put_pin(&mut stranger);
    assert_eq!(terminal.asks(&stranger).outcome, Some(Outcome::Refused));
}

#[test]
fn what_comes_under_the_key_before_is_taken_inside_its_window_and_never_outside() {
    let host = PlayedHost::honest();
    let setup = setup(&host, &With::Software);
    let daemon = setup.start();
    let mut terminal = PlayedTerminal::at(&daemon, terminals_side());
    assert_eq!(terminal.withdraws(), APPROVED);
    let owner = format!("terminal/{TERMINAL}");
    let (tak, tpk) = (key_named("the next TAK"), key_named("the next TPK"));
    install_under(&setup, &[(&owner, Role::Tak, &tak), (&owner, Role::Tpk, &tpk)], 2_000);
    // It goes on with the old keys, and is answered with a code of the new one.
    let next = partner("iso87-ascii", "the next TAK", "the next TPK");
    wait_for("the new keys", || {
        let txn = terminal.withdrawal();
        let body = terminal.written(&txn);
        terminal.send(&body);
        let (answer, _) = terminal.hears_anything();
        assert_eq!(answer.code, Some(Code::Approved), "inside the window nobody is turned away");
        (security(&daemon, "under_other_key") > 0).then_some(())
    });
    let mut renewed = PlayedTerminal::at(&daemon, next);
    let mut late = renewed.withdrawal();
    late.stan = terms::Stan(7_001);
    assert_eq!(renewed.asks(&late).code, Some(Code::Approved));
    wait_for("the window to close", || {
        let txn = terminal.withdrawal();
        let body = terminal.written(&txn);
        terminal.send(&body);
        let (answer, _) = terminal.hears_anything();
        (answer.code == Some(as_told(Code::WrongMac))).then_some(())
    });
    late.stan = terms::Stan(7_002);
    assert_eq!(renewed.asks(&late).code, Some(Code::Approved));
}

#[test]
fn a_terminal_takes_back_with_a_code_and_cannot_without() {
    let host = PlayedHost::honest();
    let daemon = setup(&host, &With::Software).start();
    let mut terminal = PlayedTerminal::at(&daemon, terminals_side());
    let txn = terminal.withdrawal();
    assert_eq!(terminal.asks(&txn).code, Some(Code::Approved));
    let reversal = terminal.taken_back(&txn);
    let stranger = partner("iso87-ascii", "somebody's TAK", "its TPK");
    let mut forged = Vec::new();
    let stamped = sekisho::sim::question::as_stamped(&reversal, false);
    stranger.write_request(&reversal, &stamped, &mut forged).expect("it can be said");
    terminal.send(&forged);
    assert_eq!(terminal.hears().code, Some(as_told(Code::WrongMac)));
    assert_eq!(host.types(), ["0200"], "nothing is undone on a stranger's word");
    assert_eq!(terminal.asks(&reversal).outcome, Some(Outcome::Approved));
    wait_for("the host to undo it", || (daemon.figure("/transactions/paid") == 1).then_some(()));
}

#[test]
fn what_takes_back_on_a_new_line_does_not_get_before_what_it_takes_back() {
    let host = PlayedHost::honest();
    let modules =
        [5, 6].map(|seed| Module::simulated(&["--jitter-us", "20000", "--seed", &seed.to_string()]));
    let daemon = setup(&host, &With::Devices(&[&modules[0], &modules[1]])).start();
    for round in 0..20 {
        let mut before = PlayedTerminal::at(&daemon, terminals_side()).counting_from(2 * round);
        let txn = before.withdrawal();
        before.send(&before.written(&txn));
        let mut after = PlayedTerminal::at(&daemon, terminals_side()).counting_from(2 * round + 1);
        let reversal = after.taken_back(&txn);
        assert_eq!(after.asks(&reversal).outcome, Some(Outcome::Approved), "round {round}");
    }
    assert_eq!(daemon.figure("/transactions/exceptions"), 0, "nothing was taken back that was never asked");
}

#[test]
fn questions_without_a_pin_pass_with_their_codes() {
    let host = PlayedHost::honest();
    let daemon = setup(&host, &With::Software).start();
    let mut terminal = PlayedTerminal::at(&daemon, terminals_side());
    let mut txn = terminal.question(Kind::BalanceInquiry);
    let mut carried = terms::Carried::default();
    for (number, contents) in txn.carried.iter() {
        let noun = Noun::numbered(number).expect("a noun");
        if noun != Noun::PinBlock {
            carried.push(noun, contents);
        }
    }
    txn.carried = carried;
    assert_eq!(terminal.asks(&txn).code, Some(Code::Approved));
    assert_eq!(security(&daemon, "pins_moved"), 0);
}
