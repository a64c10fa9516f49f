use super::{LoadPlan, Report};
use crate::sim::host::{HostPlan, network};
use crate::sim::process::Watched;
use crate::sim::rules::{Every, Manner, Rule, Rules};
use crate::sim::speech::{Speech, on_one_thread};
use std::time::Duration;

/// A load put on a host directly, for a fraction of a second.
fn run(dialect: &str, rules: Rules, change: impl FnOnce(&mut LoadPlan)) -> Report {
    let report = on_one_thread(async {
        let speech = Speech::named(dialect, None)?;
        let listen = "127.0.0.1:0".parse().expect("an address");
        let (name, seed, keeps_postings) = ("HOST".into(), 1, false);
        let host = HostPlan { name, listen, speech: speech.clone(), rules, seed, keeps_postings };
        let host = host.open(&network(1))?;
        let mut plan = LoadPlan {
            address: host.address(),
            speech,
            clients: 4,
            depth: 2,
            warmup: Duration::from_millis(50),
            measured: Duration::from_millis(300),
            rate: None,
            timeout: Duration::from_millis(200),
            card_prefix: "411111".into(),
            watched: vec![Watched::this("me")],
        };
        change(&mut plan);
        plan.run().await
    });
    report.expect("the host is there")
}

#[test]
fn a_good_host_gets_a_flawless_report_in_any_dialect() {
    for dialect in ["iso87-ascii", "iso87-binary", "iso93-ascii"] {
        let report = run(dialect, Rules::default(), |_| {});
        assert!(report.is_flawless(), "{dialect}: {report}");
        assert!(report.tps > 100.0 && report.latency_us.p50 > 0.0, "{report}");
        assert!(report.latency_us.p50 <= report.latency_us.p99, "{report}");
        let json: Report = serde_json::from_str(&report.as_json()).expect("its own words");
        assert_eq!((json.approved, json.processes.len()), (report.approved, 2));
    }
}

#[test]
fn every_flaw_is_counted_where_it_belongs() {
    let rule = |rule: Rule| Rules { rule: vec![rule], ..Rules::default() };
    let every = |every: Every| Rules { every, ..Rules::default() };
    let refusing = rule(Rule { code: Some("wrong_pin".parse().expect("a code")), ..Rule::default() });
    let report = run("iso87-ascii", refusing, |_| {});
    assert!(report.declined > 0 && report.approved == 0 && !report.is_flawless(), "{report}");
    let report = run("iso87-ascii", every(Every { garbage: 7, ..Every::default() }), |_| {});
    assert!(report.bad > 0 && report.timeouts > 0, "{report}");
    let report = run("iso87-ascii", every(Every { twice: 7, ..Every::default() }), |_| {});
    assert!(report.bad > 0 && report.timeouts == 0, "{report}");
    let report = run("iso87-ascii", every(Every { cut: 50, ..Every::default() }), |_| {});
    assert!(report.disconnects > 0, "{report}");
    let deaf = rule(Rule { manner: Manner::Deaf, ..Rule::default() });
    let report = run("iso87-ascii", deaf, |_| {});
    assert!(report.timeouts > 0 && report.approved == 0, "{report}");
}

/// A host that takes 20 ms for each of two connections can do 100 a second; 200 a second fall due. A
/// generator that waited for answers would measure 20 ms; measured from when they were due, requests wait
/// longer and longer.
#[test]
fn an_open_loop_does_not_wait_for_a_slow_host() {
    let slow = Rules { delay_us: 20_000, ..Rules::default() };
    let report = run("iso87-ascii", slow, |plan| {
        (plan.clients, plan.depth, plan.rate) = (2, 1, Some(200.0));
        (plan.measured, plan.timeout) = (Duration::from_millis(600), Duration::from_secs(5));
    });
    assert!(report.tps < 120.0 && report.backlog > 10, "{report}");
    assert!(report.latency_us.max > 100_000.0, "{report}");
}

#[test]
fn an_open_loop_keeps_its_rate_where_the_host_keeps_up() {
    let report = run("iso87-ascii", Rules::default(), |plan| {
        (plan.rate, plan.measured) = (Some(500.0), Duration::from_millis(500));
    });
    assert!(report.is_flawless() && (250.0..1_000.0).contains(&report.tps), "{report}");
}
