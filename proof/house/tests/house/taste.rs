//! The part of STYLE.md that a machine can see without reading.

use crate::tree::{read, root, tracked};
use std::fs;

/// Names that say nothing. What is called so belongs to another thing.
const NO_NAMES: &[&str] = &["util", "utils", "common", "helper", "helpers", "manager", "data", "misc"];

#[test]
fn every_file_and_folder_has_a_name_of_its_own() {
    for path in sources() {
        let is_nameless = |part: &str| NO_NAMES.contains(&part.trim_end_matches(".rs"));
        assert!(!path.split('/').any(is_nameless), "{path}: see \"Names\" in STYLE.md");
    }
}

#[test]
fn no_test_is_ignored() {
    let ignored = concat!("#[ig", "nore");
    for path in sources().into_iter().filter(|path| path.ends_with(".rs")) {
        // Tracked and gone from the folder: somebody is about to commit its end.
        let Ok(text) = fs::read_to_string(root().join(&path)) else { continue };
        assert!(!text.contains(ignored), "{path} ignores a test: assert what happens today, and say why");
    }
}

#[test]
fn every_limit_says_what_it_is_for() {
    let limits = read("pure/terms/src/limits.rs");
    let mut said = String::new();
    for line in limits.lines() {
        if let Some(sentence) = line.strip_prefix("///") {
            said.push_str(sentence);
        } else if line.starts_with("pub const") {
            assert!(said.len() > 40, "a limit without its reason: {line}");
            said.clear();
        }
    }
}

fn sources() -> Vec<String> {
    let rooms = ["pure/", "edge/", "apps/", "proof/"];
    let paths = tracked().unwrap_or_default();
    paths.into_iter().filter(|path| rooms.iter().any(|room| path.starts_with(room))).collect()
}
