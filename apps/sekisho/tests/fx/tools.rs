//! Each tool, in the right state and in every wrong one.

use crate::stage::{Stage, root};
use std::fs;

#[test]
fn the_names_are_installed_once_and_nothing_of_others_is_touched() {
    let stage = Stage::new();
    let bin = stage.path("bin").display().to_string();
    stage.sekisho(&["fx", "install", "--dir", &bin]).ends(0);
    for name in ["fxumain_cn", "fxmsg_cn", "fxctrl_cn", "fxsession_cn", "fxview_cn", "fxdumpkey_cn"] {
        stage.fx(&format!("{name} --help")).ends(0).says("Usage: ");
        stage.sekisho(&["fx", name, "--help"]).ends(0).says(name);
    }
    let taken = stage.path("taken");
    fs::create_dir(&taken).expect("room for a test");
    fs::write(taken.join("fxmsg_cn"), "somebody's").expect("room for a test");
    stage.sekisho(&["fx", "install", "--dir", &taken.display().to_string()]).ends(73).says("not ours");
    assert_eq!(fs::read_to_string(taken.join("fxmsg_cn")).expect("it is still there"), "somebody's");
    stage.sekisho(&["fx", "fxlicense"]).ends(2).says("no tool is called");
}

#[test]
fn words_may_be_cut_short_as_long_as_they_stay_clear() {
    let stage = Stage::new();
    // Understood, and then nobody runs: 24. Not understood: 1000, which a process ends with as 64.
    for (typed, code) in [
        ("fxmsg_cn signon", 24),
        ("fxmsg_cn c", 64),
        ("fxmsg_cn cu", 24),
        ("fxmsg_cn ca 1", 24),
        ("fxmsg_cn cancel", 64),
        ("fxmsg_cn cancel 0", 64),
        ("fxmsg_cn cancel 1000000", 64),
        ("fxmsg_cn sig", 64),
        ("fxmsg_cn signo", 64),
        ("fxmsg_cn signof", 24),
        ("fxmsg_cn", 64),
        ("fxctrl_cn st", 24),
        ("fxctrl_cn sh f", 24),
        ("fxctrl_cn shut force", 24),
        ("fxctrl_cn shut forced", 64),
        ("fxctrl_cn r", 24),
        ("fxsession_cn", 24),
        ("fxsession_cn p 1", 24),
        ("fxsession_cn p one", 64),
        ("fxview_cn nothing", 64),
    ] {
        let said = stage.fx(typed).ends(code);
        let named = if code == 24 { "RC=24 (RC_PKG_IS_NOT_STARTED)" } else { "RC=1000 (RC_INVALID_PARAM)" };
        assert!(said.err.contains(named), "{typed}: {said:?}");
    }
}

#[test]
fn a_configuration_that_cannot_be_used_is_named() {
    let stage = Stage::new();
    stage.fx("fxmsg_cn signon --config nowhere.toml").ends(39).says("E191").says("RC=39 (RC_ERR_OPEN_FILE)");
    stage.fx("fxmsg_cn signon --link other").ends(39).says("has the links cn");
    fs::write(stage.path("fx_cn.cf"), "TIMER {\n T100 = 60\n}\n").expect("room for a test");
    stage.fx("fxumain_cn --config fx_cn.cf").ends(39).says("sekisho config import");
    fs::write(stage.path("broken.toml"), "[journal]\n").expect("room for a test");
    stage.fx("fxumain_cn --config broken.toml").ends(39).says("dir");
}

#[test]
fn a_day_by_the_old_names_and_each_of_them_too_early() {
    let stage = Stage::new();
    let mut daemon = stage.daemon();
    stage.fx("fxumain_cn").ends(22).says("RC=22 (RC_PKG_ALREADY_STARTED)");
    stage.fx("fxmsg_cn signon").ends(43).says("RC_ERR_ALL_CENTER_SESSION");
    stage.fx("fxmsg_cn cutreq").ends(43);
    let mut center = stage.center();
    stage.wait_for_status("center 4/4");
    assert!(stage.status_line("STATUS").starts_with("STATUS     SIGNOFF"));
    stage.fx("fxmsg_cn cutreq").ends(25).says("E106 Not signed on.");
    stage.fx("fxctrl_cn signon").ends(25);
    stage.fx("fxmsg_cn signon").ends(0).says("I101 Sign-on request sent. (cn)").says("I102 Signed on.");
    stage.fx("fxmsg_cn signon").ends(0).says("I103");
    assert!(stage.status_line("STATUS").starts_with("STATUS     SIGNON"));
    let before = stage.status_line("CUT DATE");
    stage.fx("fxmsg_cn cutreq").ends(0).says("I12");
    center.wait_to_say("cutover: the switch answered approved", 1);
    assert_ne!(stage.status_line("CUT DATE"), before);
    stage.fx("fxctrl_cn shutdown").ends(23).says("RC=23 (RC_PKG_IS_NOT_SIGNOFF)").says("fxmsg_cn signoff");
    stage.fx("fxctrl_cn recovery").ends(0).says("I212");
    stage.fx("fxctrl_cn signoff").ends(0).says("I222");
    stage.fx("fxmsg_cn signon").ends(25).says("E108");
    stage.fx("fxctrl_cn signon").ends(0).says("I221");
    stage.fx("fxmsg_cn signoff").ends(0).says("I111").says("I112 Signed off.");
    stage.fx("fxmsg_cn signoff").ends(0).says("I113");
    stage.fx("fxview_cn event").ends(0).says("link_ordered");
    stage.fx("fxctrl_cn shutdown").ends(0).says("I202 Daemon stopped.");
    assert_eq!(daemon.wait(), 0);
    stage.fx("fxctrl_cn status").ends(24);
    stage.fx("fxview_cn journal").ends(0);
}

#[test]
fn an_application_that_is_in_keeps_the_daemon_whatever_link_it_is_about() {
    let stage = Stage::new();
    let mut daemon = stage.daemon();
    let _center = stage.center();
    stage.wait_for_status("center 4/4");
    stage.fx("fxmsg_cn signon").ends(0);
    let application = stage.opens_a_session();
    // Signed on and in use: who is in use is told first, because nobody signs off under an application.
    let refused = stage.fx("fxctrl_cn shutdown").ends(20).says("RC=20 (RC_APPL_IS_REMAINED)").says("TILL");
    assert!(refused.err.contains("next    stop them"), "{refused:?}");
    stage.fx("fxmsg_cn signoff").ends(20).says("TILL");
    drop(application);
    stage.wait_for_status("application 0");
    stage.fx("fxctrl_cn shutdown").ends(23);
    stage.fx("fxmsg_cn signoff").ends(0);
    let application = stage.opens_a_session();
    stage.fx("fxctrl_cn shutdown").ends(20);
    // By force is by force.
    stage.fx("fxctrl_cn shutdown force").ends(0);
    drop(application);
    daemon.wait();
}

#[test]
fn no_key_is_taken_from_a_command_line_and_what_is_not_needed_says_so() {
    let stage = Stage::new();
    let key = "0123456789ABCDEFFEDCBA9876543210";
    let refused =
        stage.fx(&format!("fxsetkey_cn {key}")).ends(64).says("E161").says("sekisho ceremony start");
    assert!(refused.err.contains("RC=1000 (RC_INVALID_PARAM)"), "{refused:?}");
    assert!(
        !refused.err.contains("01234567") && !refused.out.contains("01234567"),
        "it is not repeated: {refused:?}"
    );
    for typed in ["fxsetseq_cn i 7", "fxsetlicense ABC", "fxreplace_cn"] {
        stage.fx(typed).ends(0).says("I232").says("is not needed here");
    }
    // Without keys there is nothing to show, and that is said in both products' words.
    stage.fx("fxdumpkey_cn").ends(39).says("E162").says("KEY1001-E");
    let stage_keys = stage.path("center-data/keys").display().to_string();
    stage.sekisho(&["ceremony", "draw", "--for-tests", "--reason", "a test", "--keys", &stage_keys]).ends(0);
    stage
        .sekisho(&["key", "generate", "link/cn", "zpk", "--reason", "a test", "--keys", &stage_keys])
        .ends(0);
    let shown = stage.fx("fxdumpkey_cn").ends(0);
    assert!(shown.out.contains("link/cn") && shown.out.contains("KCV"), "{shown:?}");
}

#[test]
fn the_words_are_in_the_language_of_the_environment_and_the_code_is_not() {
    let stage = Stage::new();
    for (lang, words) in [
        ("ja", "E101 デーモンが起動していません。 RC=24 (RC_PKG_IS_NOT_STARTED)"),
        ("zh", "E101 守护进程未启动。 RC=24 (RC_PKG_IS_NOT_STARTED)"),
        ("en", "E101 No daemon runs. RC=24 (RC_PKG_IS_NOT_STARTED)"),
    ] {
        stage.fx(&format!("fxctrl_cn status --lang {lang}")).ends(24).says(words);
    }
}

#[test]
fn a_centre_that_refuses_is_a_no_and_one_that_is_silent_is_a_timeout() {
    let mut stage = Stage::new();
    stage.edit("t800_ms = 45000", "t800_ms = 300");
    stage.edit("t801_ms = 70000", "t801_ms = 300");
    stage.center_edits.push(("code     = \"approved\"", "code     = \"not_permitted_to_terminal\""));
    stage.center_edits.push(("times    = 0 ", "times    = 1 "));
    let _daemon = stage.daemon();
    let mut center = stage.center();
    stage.wait_for_status("center 4/4");
    stage.fx("fxmsg_cn signon").ends(1).says("E103 The centre refused. RC=1 (RC_NG)");
    center.types("silent");
    stage.fx("fxmsg_cn signon").ends(10).says("E104").says("RC=10 (RC_TIME_OUT)");
    center.does("speak");
    stage.fx("fxmsg_cn signon").ends(0);
    center.does("silent");
    // It closes by force: that is the way out the manual names.
    stage.fx("fxmsg_cn signoff").ends(10).says("fxctrl_cn shutdown force");
    stage.fx("fxctrl_cn shutdown").ends(23);
    stage.fx("fxctrl_cn shutdown force").ends(0).says("I203");
}

#[test]
fn connections_are_listed_and_one_that_is_stuck_is_built_anew() {
    let stage = Stage::new();
    let _daemon = stage.daemon();
    let _center = stage.center();
    stage.wait_for_status("center 4/4");
    let peers = || -> Vec<String> {
        let listed = stage.fx("fxsession_cn").ends(0).out;
        listed.lines().skip(1).map(str::to_owned).collect()
    };
    let before = peers();
    assert_eq!(before.len(), 4, "{before:?}");
    stage.fx("fxsession_cn purge 1").ends(0).says("I231");
    stories::wait_for("its pair to be another and the other pair to be the same", || {
        let after = peers();
        (after.iter().all(|line| line.contains(" up ")) && after[0] != before[0] && after[2] == before[2])
            .then_some(())
    });
    stage.fx("fxsession_cn purge 9").ends(4).says("E151");
    stage.sekisho(&["link", "cut", "cn", "9", "--config", "center.toml"]).ends(5).says("LNK2010-E");
    stage.sekisho(&["link", "lines", "other", "--config", "center.toml"]).ends(5).says("LNK2001-E");
}

#[test]
fn an_old_configuration_becomes_one_that_is_good_and_says_what_it_left_behind() {
    let stage = Stage::new();
    let old = "# \u{30ab}\nSYSTEM {\n LOG_LEVEL = WARNING\n}\nINTERCONNECT {\n LOCAL_ADDRESS = 127.0.0.1\n\
               LOCAL_PORT = 7001\n CENTER_ADDRESS = 127.0.0.1\n CONNECT_PORT = 7002\n CONNECT_COUNT = 2\n}\n\
               TIMER {\n T100 = 60\n T800 = 45\n}\n";
    fs::write(stage.path("fx_cn.cf"), old).expect("room for a test");
    let imported =
        stage.sekisho(&["config", "import", "fx_cn.cf"]).ends(1).says("SYSTEM.LOG_LEVEL = WARNING");
    fs::write(stage.path("new.toml"), &imported.out).expect("room for a test");
    stage.sekisho(&["config", "check", "new.toml"]).ends(0).says("good");
    fs::write(stage.path("half.cf"), "TIMER {\n T100 = 60\n").expect("room for a test");
    stage.sekisho(&["config", "import", "half.cf"]).ends(65).says("line 1");
    stage.sekisho(&["config", "import", "none.cf"]).ends(66);
    assert!(root().join("deploy/center.toml").exists());
}
