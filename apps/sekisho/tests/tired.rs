//! A tired operator: in the wrong directory, as the wrong user, with an order that cannot work.

mod typed;

use std::path::Path;
use std::process::{Command, Stdio};
use stories::*;
use typed::{Said, place, sekisho_where, typed_at};

fn running() -> (Host, Setup, Daemon) {
    let host = Host::approving();
    let setup = Setup::with_host(&host);
    let daemon = setup.start();
    (host, setup, daemon)
}

fn said(output: std::process::Output) -> Said {
    Said {
        code: output.status.code().expect("it ends by itself"),
        out: String::from_utf8(output.stdout).expect("text"),
        err: String::from_utf8(output.stderr).expect("text"),
    }
}

fn typed_in(directory: &Path, words: &[&str]) -> Said {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sekisho"));
    command.args(words).current_dir(directory).stdin(Stdio::null());
    for name in ["SEKISHO_SERVER", "SEKISHO_CONTEXT"] {
        command.env_remove(name);
    }
    said(command.output().expect("the program was built for this test"))
}

#[test]
fn in_a_directory_without_a_configuration_every_command_says_so_and_makes_nothing() {
    let empty = place("nothing-here");
    for words in [
        &["status"][..],
        &["stop"],
        &["link", "ls"],
        &["wait", "switch", "--for", "stopped"],
        &["journal", "ls"],
        &["txn", "ls"],
        &["api", "key", "new", "till-1"],
        &["audit", "verify"],
        &["key", "ls"],
        &["doctor"],
    ] {
        let said = typed_in(&empty, words).ends(78);
        assert!(said.err.contains("SYS1012-E") && said.err.contains("--config FILE"), "{words:?}: {said:?}");
        assert_eq!(said.out, "", "{words:?}");
    }
    let disk = typed_in(&empty, &["check", "disk"]).ends(3);
    assert!(disk.out.contains("there is no sekisho.toml"), "{disk:?}");
    assert_eq!(std::fs::read_dir(&*empty).expect("it is there").count(), 0, "nothing was made");
}

#[test]
fn a_user_who_may_not_is_told_who_may() {
    let (_host, setup, mut daemon) = running();
    let socket = setup.data.join("control.sock").display().to_string();
    let data = setup.data.display().to_string();
    let as_nobody = |words: &[&str]| {
        let who = ["--reuid=65534", "--regid=65534", "--clear-groups", env!("CARGO_BIN_EXE_sekisho")];
        let mut command = Command::new("setpriv");
        command.args(who).args(words).stdin(Stdio::null()).current_dir("/");
        command.output().ok().filter(|output| output.status.code() != Some(127)).map(said)
    };
    let Some(help) = as_nobody(&["--version"]).filter(|said| said.code == 0) else {
        return println!("skipped: this takes root, setpriv and a build that others may run");
    };
    assert!(help.out.contains("sekisho"), "{help:?}");
    for words in [&["status", "--socket", &socket][..], &["link", "ls", "--socket", &socket]] {
        let refused = as_nobody(words).expect("it ran before").ends(4);
        assert!(refused.err.contains("SYS1013-E") && refused.err.contains("sudo -u root"), "{refused:?}");
        assert!(!refused.err.contains("is it running"), "{refused:?}");
    }
    for words in [&["journal", "ls", &data][..], &["txn", "ls", &data]] {
        let refused = as_nobody(words).expect("it ran before").ends(4);
        assert!(
            refused.err.contains("SYS1013-E") && refused.err.contains("belongs to root:root"),
            "{refused:?}"
        );
    }
    let alive = as_nobody(&["check", "alive", "--socket", &socket]).expect("it ran before").ends(3);
    assert!(alive.out.contains("you may not"), "it may be very well: {alive:?}");
    assert!(daemon.is_running());
}

#[test]
fn an_order_bears_the_name_of_the_user_where_the_environment_says_none() {
    let (_host, setup, daemon) = running();
    let config = setup.config_path().display().to_string();
    let nameless = [("SUDO_USER", ""), ("USER", ""), ("LOGNAME", "")];
    sekisho_where(&nameless, &["link", "drain", "core", "--config", &config]).ends(0);
    let line = daemon.wait_to_say("link: order");
    let me = Command::new("id").arg("-un").output().expect("the system has `id`");
    let me = String::from_utf8(me.stdout).expect("text");
    assert!(line.contains(&format!("\"by\":\"{}\"", me.trim())), "{line}");
}

#[test]
fn a_day_that_goes_with_the_calendar_is_not_asked_for() {
    let (_host, setup, _daemon) = running();
    let refused = typed_at(&setup, &["cutover", "start", "core"]).ends(6);
    assert!(
        refused.err.contains("goes with the calendar") && refused.err.contains("LNK2013-E"),
        "{refused:?}"
    );
    assert!(!refused.err.contains("cutreq"), "{refused:?}");
}

#[test]
fn what_to_type_next_finds_the_same_switch() {
    let (_host, setup, _daemon) = running();
    let config = setup.config_path().display().to_string();
    typed_at(&setup, &["link", "drain", "core"]).ends(0);
    let checked = typed_at(&setup, &["check", "link", "core"]).ends(1);
    assert!(checked.out.contains(&format!("next  sekisho link ready core --config {config}")), "{checked:?}");
    let socket = setup.data.join("control.sock").display().to_string();
    let checked = sekisho_where(&[], &["check", "link", "core", "--socket", &socket]).ends(1);
    assert!(checked.out.contains(&format!("next  sekisho link ready core --socket {socket}")), "{checked:?}");
}
