//! "What we lean on": crates from outside, who may name them, and under which licence.

use crate::spdx;
use crate::tree::{read, table};
use crate::workspace::{Package, everything, ours};
use std::collections::BTreeSet;

/// One row of the table.
struct Lean {
    krate: String,
    who: String,
    why: String,
    licence: String,
}

impl Lean {
    fn all() -> Vec<Self> {
        table(&read("ARCHITECTURE.md"), &["Crate", "Who may name it", "Why", "Licence"])
            .into_iter()
            .map(|row| Self {
                krate: row[0].trim_matches('`').to_owned(),
                who: row[1].clone(),
                why: row[2].clone(),
                licence: row[3].clone(),
            })
            .collect()
    }

    fn allows(&self, package: &Package, for_tests: bool) -> bool {
        self.who.split(", ").map(|one| one.trim_matches('`')).any(|one| {
            one == "any" || one == package.name || one == package.room() || (one == "tests" && for_tests)
        })
    }
}

#[test]
fn every_crate_from_outside_has_its_reason() {
    let named = manifest_names();
    let rows = Lean::all();
    let listed: BTreeSet<_> = rows.iter().map(|row| row.krate.clone()).collect();
    let unlisted: Vec<_> = named.difference(&listed).collect();
    assert!(unlisted.is_empty(), "no row in \"What we lean on\" for {unlisted:?}");
    let gone: Vec<_> = listed.difference(&named).collect();
    assert!(gone.is_empty(), "\"What we lean on\" still lists {gone:?}");
    for row in rows {
        assert!(row.why.len() > 10, "{} has no reason", row.krate);
    }
}

#[test]
fn no_crate_names_one_from_outside_that_is_not_meant_for_it() {
    let rows = Lean::all();
    for package in ours() {
        for named in package.leans_on.iter().filter(|named| !named.ours) {
            let row = rows.iter().find(|row| row.krate == named.name);
            let row =
                row.unwrap_or_else(|| panic!("{} names {}, which has no row", package.name, named.name));
            let allowed = row.allows(&package, named.for_tests);
            assert!(allowed, "{} names {}, which is meant for: {}", package.name, named.name, row.who);
        }
    }
}

#[test]
fn versions_stand_in_one_place() {
    for package in ours() {
        let path = format!("{}/Cargo.toml", package.folder);
        let manifest: toml::Table = read(&path).parse().unwrap_or_else(|error| panic!("{path}: {error}"));
        let lists = ["dependencies", "dev-dependencies", "build-dependencies"];
        let lines = lists.iter().filter_map(|list| manifest.get(*list)?.as_table()).flatten();
        for (name, line) in lines {
            let inherited = line.get("workspace").and_then(toml::Value::as_bool) == Some(true);
            assert!(inherited, "{path} gives {name} a version of its own");
        }
    }
}

#[test]
fn the_licence_in_the_table_is_the_licence_of_the_crate() {
    let packages = everything();
    for row in Lean::all() {
        // The workspace may list a crate before the first of ours names it.
        let found = packages.iter().find(|package| package.folder.is_empty() && package.name == row.krate);
        if let Some(package) = found {
            assert_eq!(row.licence, package.licence, "the licence of {}", row.krate);
        }
    }
}

#[test]
fn everything_linked_is_under_a_licence_we_allow() {
    let allowed = allowed_licences();
    for package in everything() {
        let Package { name, version, licence, .. } = &package;
        assert!(!licence.is_empty(), "{name} {version} states no licence");
        assert!(spdx::permits(licence, &allowed), "{name} {version} is under {licence}: see deny.toml");
    }
}

#[test]
fn everything_linked_comes_from_the_public_registry() {
    let lock: toml::Table = read("Cargo.lock").parse().expect("Cargo writes TOML");
    for package in lock["package"].as_array().expect("a lock file lists packages") {
        let source = package.get("source").and_then(toml::Value::as_str).unwrap_or("ours");
        let known = ["ours", "registry+https://github.com/rust-lang/crates.io-index"];
        assert!(known.contains(&source), "{} comes from {source}", package["name"]);
    }
}

fn manifest_names() -> BTreeSet<String> {
    let manifest: toml::Table = read("Cargo.toml").parse().expect("the root manifest is TOML");
    let listed = manifest["workspace"]["dependencies"].as_table().expect("the workspace lists dependencies");
    listed.iter().filter(|(_, line)| line.get("path").is_none()).map(|(name, _)| name.clone()).collect()
}

fn allowed_licences() -> BTreeSet<String> {
    let rules: toml::Table = read("deny.toml").parse().expect("deny.toml is TOML");
    let allowed = rules["licenses"]["allow"].as_array().expect("deny.toml allows licences");
    allowed.iter().filter_map(toml::Value::as_str).map(str::to_owned).collect()
}
