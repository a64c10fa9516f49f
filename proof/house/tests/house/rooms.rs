//! The four rooms: who may name whom, and what may be said where.

use crate::tree::{exists, names, read, table};
use crate::workspace::{Package, ours};
use std::collections::{BTreeMap, BTreeSet};

const NOT_YET: &str = "not yet";

/// "Who may name whom", as ARCHITECTURE.md states it.
struct Rule {
    krate: String,
    room: String,
    may_name: String,
}

impl Rule {
    fn all() -> Vec<Self> {
        table(&read("ARCHITECTURE.md"), &["Crate", "Room", "May name"])
            .into_iter()
            .map(|row| Self {
                krate: row[0].trim_matches('`').to_owned(),
                room: row[1].clone(),
                may_name: row[2].clone(),
            })
            .collect()
    }

    fn is_planned(&self) -> bool {
        self.may_name == NOT_YET
    }

    fn allows(&self, other: &Package) -> bool {
        self.may_name.split(", ").any(|allowed| {
            allowed.trim_matches('`') == other.name || allowed == format!("all of {}", other.room())
        })
    }
}

#[test]
fn every_crate_stands_in_the_table_in_its_room() {
    let rules: BTreeMap<_, _> = Rule::all().into_iter().map(|rule| (rule.krate.clone(), rule)).collect();
    for package in ours() {
        let name = &package.name;
        let rule = rules.get(name).unwrap_or_else(|| panic!("{name} is not in \"Who may name whom\""));
        assert_eq!(package.room(), rule.room, "{name} stands in another room than the table says");
        assert!(!rule.is_planned(), "{name} is there; the table still says {NOT_YET}");
    }
}

#[test]
fn every_crate_in_the_table_exists_or_is_said_to_come() {
    let there: BTreeSet<_> = ours().into_iter().map(|package| package.name).collect();
    for rule in Rule::all() {
        assert!(
            rule.is_planned() || there.contains(&rule.krate),
            "{} is in the table, not in the tree",
            rule.krate
        );
    }
}

#[test]
fn no_crate_names_another_that_the_table_does_not_allow() {
    let packages = ours();
    for rule in Rule::all().iter().filter(|rule| !rule.is_planned()) {
        let package = packages.iter().find(|package| package.name == rule.krate);
        for named in package.iter().flat_map(|package| &package.leans_on).filter(|one| one.ours) {
            let other = packages.iter().find(|other| other.name == named.name);
            let other =
                other.unwrap_or_else(|| panic!("{} names {}, which is not here", rule.krate, named.name));
            assert!(
                rule.allows(other),
                "{} may not name {}; ARCHITECTURE.md says why",
                rule.krate,
                named.name
            );
        }
    }
}

#[test]
fn nothing_in_pure_can_reach_the_operating_system() {
    for package in ours().iter().filter(|package| package.room() == "pure") {
        let door = read(&format!("{}/src/lib.rs", package.folder));
        assert!(has_line(&door, "#![no_std]"), "{} is in pure/ and is not no_std", package.name);
        assert!(!door.contains("extern crate std"), "{} takes std back", package.name);
    }
}

#[test]
fn every_library_forbids_unsafe_code_itself() {
    // The workspace forbids it too; said in the crate, it also holds where the crate is used alone.
    for package in ours().iter().filter(|package| ["pure", "edge"].contains(&package.room())) {
        let door = read(&format!("{}/src/lib.rs", package.folder));
        assert!(has_line(&door, "#![forbid(unsafe_code)]"), "{} does not forbid unsafe code", package.name);
    }
}

#[test]
fn every_name_in_the_architecture_exists() {
    let document = read("ARCHITECTURE.md");
    let packages = ours();
    for (name, line) in names(&document).into_iter().filter(|(_, line)| !line.contains(NOT_YET)) {
        assert!(is_there(name, &packages), "ARCHITECTURE.md names {name}, which is not there:\n{line}");
    }
}

#[test]
fn every_crate_drawn_in_the_map_stands_in_the_room_it_is_drawn_in() {
    let document = read("ARCHITECTURE.md");
    let map = document.split("```").nth(1).expect("ARCHITECTURE.md begins with the map");
    let mut room = "";
    for line in map.lines().filter(|line| !line.contains(NOT_YET)) {
        let first = line.split_whitespace().next().unwrap_or_default();
        if let Some(entered) = first.strip_suffix('/').filter(|_| !line.starts_with(' ')) {
            room = entered;
        } else if line.starts_with("  ") && !line.starts_with("   ") {
            assert!(exists(&format!("{room}/{first}/Cargo.toml")), "the map draws {first} in {room}/");
        }
    }
}

/// Paths must exist, and `krate::module` must be a module of ours; other names are not ours to check.
fn is_there(name: &str, packages: &[Package]) -> bool {
    if let Some((krate, module)) = name.split_once("::") {
        let Some(package) = packages.iter().find(|package| package.name == krate) else { return true };
        let folder = &package.folder;
        return exists(&format!("{folder}/src/{module}.rs"))
            || exists(&format!("{folder}/src/{module}/mod.rs"));
    }
    let is_path = name.contains('/') || name.ends_with(".toml") || name.ends_with(".md");
    !is_path || exists(name)
}

fn has_line(text: &str, wanted: &str) -> bool {
    text.lines().any(|line| line == wanted)
}
