//! A day of an application, told by programs people have: Python's standard library, and curl from the manual.

use std::fmt::Write as _;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use stories::*;

/// A centre that ends with its test.
struct Center(Child);

impl Drop for Center {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Whether a program is there; says so where it is not.
fn has(program: &str) -> bool {
    let found = Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    let found = found.is_ok_and(|status| status.success());
    if !found {
        eprintln!("skipped: {program} not found");
    }
    found
}

/// A switch before a card centre that signs on by order and is told its day, and the centre's script.
fn before_a_centre() -> (Setup, String) {
    let (listen, calls) = (free_address(), free_address());
    let mut setup = Setup::with_links(vec![LinkSetup {
        name: "core",
        dial: listen,
        dialect: "card-center",
        reply_timeout_ms: 5_000,
        in_flight_max: 4_096,
        more: format!(
            "pairs = {{ listen = \"{calls}\", count = 1 }}\nhost = {{ business_day = \"told\" }}\n\
             management = {{ sign_on = \"by_order\", echo_idle_ms = 0 }}"
        ),
    }]);
    setup.tables_more = "[api]\ndefault_link = \"core\"\n".into();
    let mut script =
        format!("listen = \"{listen}\"\ncalls = \"{calls}\"\ncall_count = 1\ncall_again_ms = 50\n");
    let rules = "[[business.rule]]\nprefix = \"4999\"\ncode = \"stolen_card\"\n";
    write!(script, "needs_sign_on = true\n[cutover]\nfollow = true\nafter_ms = 50\nbetween_ms = 50\n{rules}")
        .expect("a string takes everything");
    (setup, script)
}

fn spawn_centre(setup: &Setup, script: &str) -> Center {
    let path = setup.scratch.path().join("center.toml");
    std::fs::write(&path, script).expect("the scratch directory can be written");
    let mut command = Command::new(env!("CARGO_BIN_EXE_sekisho"));
    command.args(["sim", "center", "--config"]).arg(&path);
    let quiet = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    Center(quiet.spawn().expect("the program starts"))
}

#[test]
fn a_day_through_pythons_own_library() {
    if !has("python3") {
        return;
    }
    let (setup, script) = before_a_centre();
    let daemon = setup.spawn();
    daemon.wait_until_ready();
    let _center = spawn_centre(&setup, &script);
    daemon.wait_for_link("core", "up");
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/http/programs/day.py");
    let day = Command::new("python3").arg(program).arg(setup.data.join("control.sock")).output();
    let Output { status, stdout, stderr } = day.expect("it starts");
    let (out, err) = (String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    assert!(status.success(), "{out}{err}");
    assert_eq!(out.lines().count(), 8, "{out}");
}

/// What stands between ```sh and ``` on a page, one command for each.
fn commands(page: &str) -> Vec<String> {
    let blocks = page.split("```sh\n").skip(1).filter_map(|rest| rest.split("```").next());
    let mut all = Vec::new();
    for line in blocks.flat_map(str::lines) {
        match line.starts_with("curl") || line.starts_with("sekisho") {
            true => all.push(line.to_owned()),
            // What goes on belongs to the command above it.
            false => all.last_mut().into_iter().for_each(|before| {
                before.push('\n');
                before.push_str(line);
            }),
        }
    }
    all
}

#[test]
fn every_command_of_the_manual_does_what_it_says() {
    if !has("curl") {
        return;
    }
    let host = Host::approving();
    let mut setup = Setup::with_host(&host);
    setup.tables_more = "[api]\ndefault_link = \"core\"\n".into();
    let _daemon = setup.start();
    let program = Path::new(env!("CARGO_BIN_EXE_sekisho"));
    let found = format!(
        "{}:{}",
        program.parent().expect("a directory").display(),
        std::env::var("PATH").unwrap_or_default()
    );
    let page = include_str!("../../../docs/api.md");
    let all = commands(page);
    assert!(all.len() >= 9, "{all:?}");
    let mut session = String::new();
    for said in all {
        let listens = said.contains(" -N ");
        let command = match listens {
            // A stream has no end: a second of it will do.
            true => said
                .replace(" -N ", " -N -o /dev/null -w '%{http_code}' --max-time 1 ")
                .replace("ses_...", &session),
            false => said.replacen("curl ", "curl -sS --fail-with-body ", 1),
        };
        let mut shell = Command::new("sh");
        // What the page says of another switch is this one's.
        shell
            .args(["-c", &command])
            .env("S", "data/control.sock")
            .env("PATH", &found)
            .current_dir(setup.scratch.path());
        let Output { status, stdout, stderr } = shell.output().expect("a shell");
        let (out, err) = (String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
        if listens {
            assert_eq!((out.trim(), status.code()), ("200", Some(28)), "{said}\n{err}");
            continue;
        }
        assert!(status.success(), "{said}\n{out}{err}");
        if said.starts_with("curl") {
            let json: serde_json::Value =
                serde_json::from_str(&out).unwrap_or_else(|error| panic!("{said}: {error}"));
            if json["object"] == "session" {
                session = json["id"].as_str().expect("its name").to_owned();
            }
        }
    }
}
