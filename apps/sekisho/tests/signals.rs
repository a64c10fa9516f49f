//! Signals: TERM, TERM again, HUP.

use std::sync::atomic::{AtomicBool, Ordering};
use stories::*;
use terms::{Code, Outcome};

#[test]
fn term_lets_what_is_in_flight_finish_and_takes_nothing_new() {
    let host = Host::acting(|_| Act::Hold);
    let setup = Setup::with_host(&host);
    let mut daemon = setup.start();
    let (mut client, mut terminal) = (Client::of(&daemon, "acquirer"), Terminal::named("TERM0001"));
    let in_flight = terminal.withdraws(1_000);
    client.send(&in_flight);
    host.wait_for_requests(1);
    daemon.signal("TERM");
    daemon.wait_to_say("draining");
    let refused = client.ask(&terminal.withdraws(2_000));
    assert_eq!(refused.code, Some(Code::HostDown));
    assert!(daemon.is_running(), "somebody still waits");
    host.release();
    let answer = client.answer();
    assert_eq!((answer.stan, answer.outcome), (in_flight.stan, Some(Outcome::Approved)));
    let (code, said) = daemon.end();
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("stopped in order"), "{said}");
    assert_eq!(host.seen_count(), 1);
    let found = read_journal(&setup.data);
    assert!(found.was_closed && found.open == 0, "{found:?}");
    assert_eq!(setup.start().status()["recovered"]["was_closed"], true);
}

#[test]
fn a_second_term_stops_at_once_and_the_next_start_decides_by_silence() {
    let host = Host::acting(|_| Act::Hold);
    let setup = Setup::with_host(&host);
    let mut daemon = setup.start();
    let (mut client, mut terminal) = (Client::of(&daemon, "acquirer"), Terminal::named("TERM0001"));
    let question = terminal.withdraws(1_000);
    client.send(&question);
    host.wait_for_requests(1);
    daemon.signal("TERM");
    daemon.wait_to_say("draining");
    daemon.signal("TERM");
    let (code, said) = daemon.end();
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(client.wait_for_end(), 0, "nothing was said that is not known");
    assert_eq!(read_journal(&setup.data).open, 1);

    let daemon = setup.start();
    assert_eq!(daemon.figure("/recovered/was_in_flight"), 1);
    let answer = Client::of(&daemon, "acquirer").ask(&question);
    assert_eq!((answer.code, answer.outcome), (Some(Code::NoAnswer), Some(Outcome::Unknown)));
    let owed = host.wait_for_owed(1);
    assert!(owed[0].is_reversal() && owed[0].request() == host.seen()[0].request(), "it is given back");
    assert_eq!(host.seen_count(), 1, "the host is never asked a second time");
    daemon.wait_for_figure("/transactions/paid", 1);
    assert_eq!(daemon.figure("/transactions/owed"), 1);
}

/// Ends the traffic also when the test fails: whoever waits for it would wait for ever.
struct WhenDone<'a>(&'a AtomicBool);

impl Drop for WhenDone<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn hup_moves_cards_to_another_link_while_traffic_flows_and_a_wrong_file_moves_nothing() {
    let (first, second) = (Host::approving(), Host::approving());
    let links = vec![LinkSetup::to(&first), LinkSetup { name: "other", ..LinkSetup::to(&second) }];
    let mut setup = Setup::with_links(links);
    setup.routes = vec![("4111", "core")];
    let daemon = setup.start();
    let (done, address) = (AtomicBool::new(false), daemon.listener("acquirer"));
    std::thread::scope(|scope| {
        let traffic = scope.spawn(|| {
            let (mut client, mut terminal) = (Client::connect(address), Terminal::named("TERM0001"));
            while !done.load(Ordering::Relaxed) {
                let answer = client.ask(&terminal.withdraws(1_000));
                assert_eq!(answer.outcome, Some(Outcome::Approved), "traffic flows throughout");
            }
            terminal.stan.0 as usize
        });
        let _ends = WhenDone(&done);
        first.wait_for_requests(5);
        assert_eq!(second.seen_count(), 0);

        setup.routes = vec![("4111", "other")];
        setup.write();
        daemon.signal("HUP");
        second.wait_for_requests(5);

        setup.write_text(&setup.toml().replace("link = \"other\"", "link = \"othre\""));
        daemon.signal("HUP");
        let said = daemon.wait_to_say("configuration not taken over");
        assert!(said.contains("did you mean `other`"), "{said}");
        let at_first = first.seen_count();
        second.wait_for_requests(second.seen_count() + 5);
        assert_eq!(first.seen_count(), at_first, "the cards stay where the last good file put them");

        done.store(true, Ordering::Relaxed);
        let asked = traffic.join().expect("every question was answered");
        assert_eq!(first.seen_count() + second.seen_count(), asked, "each was asked of one host, once");
    });
}

#[test]
fn hup_brings_a_listener_a_link_and_a_dialect_while_traffic_flows_and_nobody_is_cut_off() {
    let (first, second) = (Host::approving(), Host::speaking("iso87-ascii", |_| Act::Answer));
    let mut setup = Setup::with_links(vec![LinkSetup::to(&first)]);
    let own = setup.scratch.path().join("own.toml");
    let shipped = dialects::Dialect::shipped();
    let text = shipped.iter().find(|(name, _)| *name == "iso87-ascii").expect("it ships").1;
    std::fs::write(&own, text.replacen("name = \"iso87-ascii\"", "name = \"own\"", 1))
        .expect("room for a test");
    let daemon = setup.start();
    let (done, address) = (AtomicBool::new(false), daemon.listener("acquirer"));
    std::thread::scope(|scope| {
        let traffic = scope.spawn(|| {
            let (mut client, mut terminal) = (Client::connect(address), Terminal::named("TERM0001"));
            while !done.load(Ordering::Relaxed) {
                let answer = client.ask(&terminal.withdraws(1_000));
                assert_eq!(answer.outcome, Some(Outcome::Approved), "the same connection throughout");
            }
            terminal.stan.0 as usize
        });
        let _ends = WhenDone(&done);
        first.wait_for_requests(5);

        setup.links.push(LinkSetup { name: "other", dialect: "own", ..LinkSetup::to(&second) });
        let listen = free_address();
        let more = format!(
            "[dialect]\nown = \"{}\"\n[[listener]]\nname = \"branch\"\nkind = \"access\"\nlisten = \"{listen}\"\n\
             dialect = \"iso87-ascii\"\nconsistency = \"reversal\"\ndefault_link = \"core\"\n",
            own.display()
        );
        setup.write_text(&format!("{}\n{more}", setup.toml()));
        daemon.signal("HUP");
        daemon.wait_to_say(r#""link":"other","state":"connected""#);
        setup.routes = vec![("4111", "other")];
        let with_more = format!("{}\n{more}", setup.toml());
        setup.write_text(&with_more);
        daemon.signal("HUP");
        second.wait_for_requests(5);
        let mut branch = Client::connect(listen);
        assert_eq!(
            branch.ask(&Terminal::named("TERM0002").withdraws(1_000)).outcome,
            Some(Outcome::Approved)
        );

        // The partner's codes have changed: 05 is not what it was.
        let changed =
            std::fs::read_to_string(&own).expect("it was written").replacen("\"05\" =", "# \"05\" =", 1);
        std::fs::write(&own, changed).expect("room for a test");
        daemon.signal("HUP");
        let taken = || daemon.stderr().matches("configuration taken over").count();
        wait_for("the dialect", || (taken() == 3).then_some(()));
        second.wait_for_requests(second.seen_count() + 5);

        setup.routes.clear();
        setup.links.truncate(1);
        setup.write();
        daemon.signal("HUP");
        daemon.wait_to_say("`other` is gone: drain it first");

        done.store(true, Ordering::Relaxed);
        let asked = traffic.join().expect("every question was answered");
        assert_eq!(first.seen_count() + second.seen_count(), asked + 1, "each was asked of one host, once");
    });
}
