//! The C library: whole days through it in C and in Python, and everything a caller can get wrong.

use crate::stage::{Process, Stage, root};
use std::io::Read;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

/// Where Cargo puts the library: beside the tests.
pub(crate) fn library() -> PathBuf {
    let this = std::env::current_exe().expect("a test is a program");
    let library = this.with_file_name("libsekisho_fx.so");
    assert!(library.exists(), "{} was not built", library.display());
    library
}

/// Whether there is such a program here.
pub(crate) fn have(tool: &str) -> bool {
    let answers = Command::new(tool).arg("--version").output().is_ok_and(|out| out.status.success());
    if !answers {
        eprintln!("skipped: {tool} not found");
    }
    answers
}

/// Compiles a C program against the header as strictly as a compiler can be asked to; `None` without one.
pub(crate) fn compiled(stage: &Stage, name: &str) -> Option<PathBuf> {
    if !have("cc") {
        return None;
    }
    let library = library();
    let folder = library.parent().expect("it lies in a folder").display().to_string();
    let program = stage.path(name);
    let mut cc = Command::new("cc");
    cc.args(["-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-pthread", "-O1"]);
    cc.arg("-I").arg(root().join("apps/fxapi/include"));
    cc.arg(root().join(format!("apps/sekisho/tests/fx/programs/{name}.c"))).arg("-o").arg(&program);
    cc.arg(format!("-L{folder}")).arg("-lsekisho_fx").arg(format!("-Wl,-rpath,{folder}"));
    let compiled = cc.output().expect("it was there a moment ago");
    assert!(compiled.status.success(), "{}", String::from_utf8_lossy(&compiled.stderr));
    Some(program)
}

/// Starts a compiled program beside the test.
pub(crate) fn spawn(stage: &Stage, program: &Path, words: &[&str]) -> Process {
    let mut command = Command::new(program);
    command.args(words).env("FX_APPLICATION", "POS1").env("EVENT_RECEIVE_TIMEOUT", "20");
    stage.spawn(command)
}

#[test]
fn the_header_is_a_header_for_other_compilers_too() {
    let header = root().join("apps/fxapi/include/fxapi.h");
    for (compiler, language, standard) in
        [("cc", "c", "c99"), ("cc", "c", "c11"), ("c++", "c++", "c++98"), ("c++", "c++", "c++17")]
    {
        if have(compiler) {
            let mut check = Command::new(compiler);
            check.args(["-fsyntax-only", "-Wall", "-Wextra", "-Werror", "-x", language]);
            // The whole numbers of stdint.h are older than C++98 knows, and everywhere.
            let checked = check.arg(format!("-std={standard}")).arg(&header).output().expect("it runs");
            let said = String::from_utf8_lossy(&checked.stderr);
            assert!(checked.status.success(), "{compiler} {standard}: {said}");
        }
    }
}

#[test]
fn a_program_may_take_the_library_into_itself() {
    let stage = Stage::new();
    let archive = library().with_extension("a");
    if !have("cc") || !archive.exists() {
        return eprintln!("skipped: no compiler, or no {}", archive.display());
    }
    let program = stage.path("alone");
    let mut cc = Command::new("cc");
    cc.args(["-std=c99", "-pthread", "-I"]).arg(root().join("apps/fxapi/include"));
    cc.arg(root().join("apps/sekisho/tests/fx/programs/day.c")).arg(&archive).args(["-ldl", "-lm", "-o"]);
    let compiled = cc.arg(&program).output().expect("it was there a moment ago");
    assert!(compiled.status.success(), "{}", String::from_utf8_lossy(&compiled.stderr));
    // It asks the library for its version first, and has then no part to play.
    assert_eq!(spawn(&stage, &program, &["nothing"]).wait(), 2);
}

#[test]
fn a_switch_that_hangs_up_kills_no_application() {
    let stage = Stage::new();
    let Some(program) = compiled(&stage, "day") else { return };
    let socket = stage.path("hung-up.sock");
    let listener = UnixListener::bind(&socket).expect("a folder of our own");
    // Some are let go unheard, some in the middle of their question: writing on would end a C program by a signal.
    std::thread::spawn(move || {
        for (at, stream) in listener.incoming().map_while(Result::ok).enumerate() {
            let _ = (&stream).read(&mut [0; 8][..at % 3 * 4]);
        }
    });
    let mut command = Command::new(&program);
    command.arg("hung up").env("FX_SOCKET", &socket).env("FX_LINK", "cn");
    let mut application = stage.spawn(command);
    assert_eq!(application.wait(), 0, "{}", application.said());
}

#[test]
fn a_caller_who_is_wrong_is_told_so_and_nothing_breaks() {
    let stage = Stage::new();
    let Some(program) = compiled(&stage, "wrong") else { return };
    let _daemon = stage.daemon();
    let mut wrong = {
        let mut command = Command::new(&program);
        command.env("EVENT_RECEIVE_TIMEOUT", "1");
        stage.spawn(command)
    };
    assert_eq!(wrong.wait(), 0, "{}", wrong.said());
    // Its child ended without closing, and is given the moment anybody gets to come back.
    stage.wait_for_status("application 0");
}

#[test]
fn a_killed_process_leaves_no_session_behind() {
    let stage = Stage::new();
    let Some(program) = compiled(&stage, "day") else { return };
    let _daemon = stage.daemon();
    let _center = stage.center();
    stage.wait_for_status("center 4/4");
    stage.fx("fxmsg_cn signon").ends(0);
    let mut held = spawn(&stage, &program, &["hold"]);
    held.wait_to_say("held", 1);
    stage.fx("fxsession_cn").ends(0).says("POS1");
    stage.fx("fxmsg_cn signoff").ends(20).says("RC=20 (RC_APPL_IS_REMAINED)").says("POS1  session 1");
    stage.fx("fxctrl_cn status").ends(0).says("application 1").says("SIGNON");
    drop(held); // Killed: it could close nothing.
    stage.wait_for_status("application 0");
    stage.fx("fxmsg_cn signoff").ends(0);
}

#[test]
fn silence_is_unknown_and_the_switch_takes_it_back_by_itself() {
    let stage = Stage::new();
    let Some(program) = compiled(&stage, "day") else { return };
    stage.edit("t100_ms = 60000", "t100_ms = 700");
    stage.edit("t420_ms = 30000", "t420_ms = 700");
    stage.edit("[link.host]", "[link.forward]\nrepeat_ms = 500\n\n[link.host]");
    let _daemon = stage.daemon();
    let mut center = stage.center();
    stage.wait_for_status("center 4/4");
    let mut application = spawn(&stage, &program, &["silence"]);
    application.wait_to_say("ready", 1);
    center.types("silent");
    application.types("go on");
    application.wait_to_say("unknown", 1);
    center.types("speak");
    application.types("go on");
    assert_eq!(application.wait(), 0, "{}", application.said());
}

#[test]
fn what_happens_to_the_lines_is_told_in_the_old_codes() {
    let stage = Stage::new();
    let Some(program) = compiled(&stage, "day") else { return };
    let _daemon = stage.daemon();
    let mut application = spawn(&stage, &program, &["events"]);
    application.wait_to_say("alone", 1);
    let mut center = stage.center();
    stage.wait_for_status("center 4/4");
    application.wait_to_say("connected", 1);
    application.types("go on");
    application.wait_to_say("signed on", 1);
    stage.fx("fxsession_cn purge 1").ends(0);
    application.wait_to_say("degraded", 1);
    stage.wait_for_status("center 4/4");
    center.types("malformed");
    application.wait_to_say("malformed", 1);
    // Gone for good, and another in its place once that was seen.
    drop(center);
    application.wait_to_say("down", 1);
    let _center = stage.center();
    assert_eq!(application.wait(), 0, "{}", application.said());
}

#[test]
fn what_the_library_sent_is_cancelled_by_its_number_at_the_keyboard() {
    let stage = Stage::new();
    let Some(program) = compiled(&stage, "day") else { return };
    let _daemon = stage.daemon();
    let _center = stage.center();
    stage.wait_for_status("center 4/4");
    let mut application = spawn(&stage, &program, &["one"]);
    application.wait_to_say("sent ", 1);
    let said = application.said();
    let seq = said.lines().find_map(|line| line.strip_prefix("sent ")).expect("it said so").to_owned();
    stage.fx(&format!("fxmsg_cn cancel {seq}")).ends(0).says("I131").says(&seq);
    stage.fx(&format!("fxmsg_cn cancel {seq}")).ends(0);
    stage.fx("fxmsg_cn cancel 999999").ends(6).says("E131").says("RC=6 (RC_NO_MSG_IN_FILE)");
    application.types("go on");
    assert_eq!(application.wait(), 0, "{}", application.said());
}

#[test]
fn a_number_that_stands_for_transactions_of_two_days_is_nobodys_to_guess() {
    let stage = Stage::new();
    let Some(program) = compiled(&stage, "day") else { return };
    let _daemon = stage.daemon();
    let _center = stage.center();
    stage.wait_for_status("center 4/4");
    stage.fx("fxmsg_cn signon").ends(0);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock that is set");
    let day = now.as_secs() / 86_400;
    for (name, stan) in
        [(format!("fx-{}-77", day - 2), 77), (format!("fx-{day}-77"), 78), (format!("fx-{}-79", day - 2), 79)]
    {
        let said = stage.submits(&name, stan);
        assert!(said.contains("\"outcome\":\"approved\""), "{said}");
    }
    stage.fx("fxmsg_cn cancel 77").ends(32).says("E132").says("several days").says("sekisho txn show ");
    stage.fx("fxmsg_cn cancel 79").ends(0).says("I131");
    let mut application = spawn(&stage, &program, &["several", "77"]);
    assert_eq!(application.wait(), 0, "{}", application.said());
}
