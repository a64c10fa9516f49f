//! Bans: each says why, every crate takes them, and the room's own list is really read.

use crate::tree::{read, root, table, tracked};
use crate::workspace::ours;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

#[test]
fn every_lint_says_why() {
    let manifest = read("Cargo.toml");
    let mut among_lints = false;
    let mut lints = 0;
    for line in manifest.lines() {
        if line.starts_with('[') {
            among_lints = line.starts_with("[workspace.lints.");
        } else if among_lints && line.contains('=') {
            let reason = line.split_once('#').map_or("", |(_, reason)| reason.trim());
            assert!(reason.len() > 5, "a lint without its reason: {line}");
            lints += 1;
        }
    }
    assert!(lints > 0, "the workspace has no lints");
}

#[test]
fn every_crate_takes_the_lints_of_the_house_or_says_why_not() {
    let exceptions = table(&read("ARCHITECTURE.md"), &["Crate", "Does without", "Why"]);
    let packages = ours();
    let is_linked = |name: &str| {
        let named = |package: &crate::workspace::Package| {
            package.leans_on.iter().any(|one| one.name == name && !one.for_tests)
        };
        packages.iter().any(named)
    };
    for package in &packages {
        let manifest: toml::Table =
            read(&format!("{}/Cargo.toml", package.folder)).parse().expect("a manifest is TOML");
        let taken = manifest.get("lints").and_then(|lints| lints.get("workspace")).is_some();
        let is_excepted = exceptions.iter().any(|row| row[0].trim_matches('`') == package.name);
        assert!(
            taken || is_excepted,
            "{} has lints of its own, and no row under \"Exceptions\"",
            package.name
        );
        assert!(
            taken || package.room() == "proof" || !is_linked(&package.name),
            "{} is linked into the program: no exceptions",
            package.name
        );
    }
}

#[test]
fn unsafe_code_is_let_in_one_module_of_each_crate_the_table_names() {
    let exceptions = table(&read("ARCHITECTURE.md"), &["Crate", "Does without", "Why"]);
    let excepted = exceptions.iter().filter(|row| row[1].contains("`unsafe`"));
    let excepted: Vec<_> = excepted.map(|row| row[0].trim_matches('`').to_owned()).collect();
    let paths = tracked().unwrap_or_default();
    let permission = concat!("allow(unsafe", "_code");
    for package in ours() {
        let inside = format!("{}/", package.folder);
        let sources = paths.iter().filter(|path| path.starts_with(&inside) && path.ends_with(".rs"));
        let let_in: usize = sources.map(|path| read(path).matches(permission).count()).sum();
        let expected = usize::from(excepted.contains(&package.name) && !paths.is_empty());
        assert_eq!(let_in, expected, "{} lets unsafe code in elsewhere than the table says", package.name);
    }
}

#[test]
fn every_ban_of_the_room_says_why() {
    let rules: toml::Table = read("pure/clippy.toml").parse().expect("pure/clippy.toml is TOML");
    for (list, bans) in &rules {
        for ban in bans.as_array().unwrap_or_else(|| panic!("{list} is a list")) {
            let reason = ban.get("reason").and_then(toml::Value::as_str).unwrap_or_default();
            assert!(reason.len() > 10, "a ban without its reason in {list}: {ban}");
        }
    }
}

#[test]
fn a_clock_in_the_room_is_refused_with_the_reason_and_next_door_is_not() {
    let house = Scratch::new();
    fs::write(house.path("room/clippy.toml"), read("pure/clippy.toml"))
        .expect("the scratch folder takes files");
    let next_door = house.clippy("next_door");
    let Some((allowed, _)) = next_door else { return println!("skipped: clippy is not installed") };
    let (allowed_inside, said) = house.clippy("room/inside").expect("clippy ran a moment ago");
    assert!(allowed, "clippy refuses a clock outside the room");
    assert!(!allowed_inside, "clippy lets a clock into the room");
    assert!(said.contains("pure/ is told the time"), "clippy does not say why: {said}");
}

/// Two crates alike, one inside a room with our bans and one outside, away from the workspace.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Self {
        let scratch = Self(Path::new(env!("CARGO_TARGET_TMPDIR")).join("house"));
        scratch.write_crate("next_door");
        scratch.write_crate("room/inside");
        scratch
    }

    fn write_crate(&self, folder: &str) {
        let manifest =
            "[package]\nname = \"scratch\"\nversion = \"0.0.0\"\nedition = \"2024\"\n[workspace]\n";
        let code = "pub fn now() -> std::time::Instant {\n    std::time::Instant::now()\n}\n";
        fs::create_dir_all(self.path(folder).join("src")).expect("the scratch folder takes folders");
        fs::write(self.path(folder).join("Cargo.toml"), manifest).expect("the scratch folder takes files");
        fs::write(self.path(folder).join("src/lib.rs"), code).expect("the scratch folder takes files");
    }

    fn path(&self, path: &str) -> PathBuf {
        self.0.join(path)
    }

    /// Whether clippy lets the crate pass, and what it said. `None` where there is no clippy.
    fn clippy(&self, folder: &str) -> Option<(bool, String)> {
        let cargo = |arguments: &[&str]| {
            let mut command = Command::new(env!("CARGO"));
            command.args(arguments).current_dir(self.path(folder)).env_remove("CLIPPY_CONF_DIR");
            command.env("CARGO_TARGET_DIR", self.path("target").join(folder));
            command.output().expect("the Cargo that built this test can be run")
        };
        // From the root, because there rust-toolchain.toml chooses the toolchain whose clippy this is.
        let installed =
            Command::new(env!("CARGO")).args(["clippy", "--version"]).current_dir(root()).output();
        installed.ok().filter(|out| out.status.success())?;
        let out = cargo(&["clippy", "--offline", "--quiet", "--", "-D", "warnings"]);
        Some((out.status.success(), String::from_utf8_lossy(&out.stderr).into_owned()))
    }
}
