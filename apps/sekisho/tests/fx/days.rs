//! The three procedures of the operating manual, in its numbering: through the C library, and by the scripts that walk
//! them over the old names.

use crate::library::{compiled, have, library, spawn};
use crate::stage::{Process, Stage, root};
use std::process::Command;

/// Fails unless these steps were said, in this order.
fn walked(process: &Process, steps: &[&str]) {
    let said = process.said();
    let mut lines = said.lines();
    for step in steps {
        assert!(lines.any(|line| line.starts_with(step)), "no step `{step}` in its place:\n{said}");
    }
}

/// A switch whose day is compared soon after its cutover, its centre, and both at work.
fn stage() -> Stage {
    let stage = Stage::new();
    stage.soon_reconciled();
    stage
}

#[test]
fn the_ordinary_day_through_the_library() {
    let stage = stage();
    let Some(program) = compiled(&stage, "day") else { return };
    let mut daemon = stage.daemon();
    let _center = stage.center();
    stage.wait_for_status("center 4/4");
    let mut application = spawn(&stage, &program, &["daily"]);
    assert_eq!(application.wait(), 0, "{}", application.said());
    walked(&application, &["2 ", "3 ", "4 ", "5 ", "6 ", "7 ", "8 ", "done"]);
    assert_eq!(daemon.wait(), 0);
}

#[test]
fn the_ordinary_day_from_python() {
    if !have("python3") {
        return;
    }
    let stage = stage();
    let mut daemon = stage.daemon();
    let _center = stage.center();
    stage.wait_for_status("center 4/4");
    let mut command = Command::new("python3");
    command.arg(root().join("apps/sekisho/tests/fx/programs/day.py")).arg(library());
    command.env("EVENT_RECEIVE_TIMEOUT", "20");
    let mut application = stage.spawn(command);
    assert_eq!(application.wait(), 0, "{}", application.said());
    walked(&application, &["2 ", "3 ", "4 ", "5 ", "6 ", "7 ", "8 "]);
    assert_eq!(daemon.wait(), 0);
}

#[test]
fn round_the_clock_through_the_library() {
    let stage = stage();
    let Some(program) = compiled(&stage, "day") else { return };
    let mut daemon = stage.daemon();
    let mut center = stage.center();
    stage.wait_for_status("center 4/4");
    let mut application = spawn(&stage, &program, &["around"]);
    application.wait_to_say("4 online", 1);
    center.types("cutover");
    assert_eq!(application.wait(), 0, "{}", application.said());
    walked(&application, &["2 ", "3 ", "4 ", "5 ", "6 ", "7 ", "8 ", "done"]);
    assert_eq!(daemon.wait(), 0);
}

#[test]
fn after_a_crash_through_the_library() {
    let stage = stage();
    let Some(program) = compiled(&stage, "day") else { return };
    let mut daemon = stage.daemon();
    let mut center = stage.center();
    stage.wait_for_status("center 4/4");
    let mut application = spawn(&stage, &program, &["crash"]);
    application.wait_to_say("ready", 1);
    center.does("silent");
    application.types("go on");
    application.wait_to_say("sent ", 1);
    stories::wait_for("the request to be under way", || {
        let links = stage.sekisho(&["link", "show", "cn", "--json", "--config", "center.toml"]).out;
        links.contains("\"in_flight\":1").then_some(())
    });
    application.types("go on");
    assert_eq!(application.wait(), 0, "{}", application.said());
    let said = application.said();
    let seq = said.lines().find_map(|line| line.strip_prefix("sent ")).expect("it said so").to_owned();
    daemon.wait();
    center.types("speak");
    let mut daemon = stage.daemon();
    stage.wait_for_status("RECOVERY needed");
    stage.wait_for_status("center 4/4");
    let mut application = spawn(&stage, &program, &["recover", &seq]);
    assert_eq!(application.wait(), 0, "{}", application.said());
    walked(&application, &["3 ", "4 ", "5 ", "6 ", "7 ", "8 ", "9 ", "10 ", "done"]);
    assert_eq!(daemon.wait(), 0);
}

/// One of the scripts of `proof/day`, on the ports of a stage.
fn script(name: &str) {
    if !have("bash") {
        return;
    }
    let stage = stage();
    stage.write_center();
    let mut command = Command::new("bash");
    command.arg(root().join("proof/day").join(name));
    command.env("SEKISHO", env!("CARGO_BIN_EXE_sekisho")).env("LIBSEKISHO_FX", library());
    command.env("FX_CONF", stage.path("center.toml")).env("CENTER_CONF", stage.path("center-sim.toml"));
    let mut walk = stage.spawn(command);
    assert_eq!(walk.wait(), 0, "{}", walk.said());
    assert!(walk.said().contains("as the document says"), "{}", walk.said());
}

#[test]
fn the_ordinary_day_by_the_old_names() {
    script("daily.sh");
}

#[test]
fn round_the_clock_by_the_old_names() {
    script("24h.sh");
}

#[test]
fn after_a_crash_by_the_old_names() {
    script("recovery.sh");
}
