//! The table of rules, races and crash points: each has a story that exists, or says why not yet.

use std::collections::BTreeSet;
use std::path::Path;

/// A row of the table in the documentation of the crate.
struct Row {
    rule: String,
    stories: Vec<String>,
    why_not: Option<String>,
}

fn rows() -> Vec<Row> {
    let page = include_str!("../../src/lib.rs");
    let cells = |line: &str| line.split('|').map(|cell| cell.trim().to_owned()).collect::<Vec<_>>();
    let rows = page.lines().filter(|line| line.starts_with("//! | ")).map(cells);
    rows.filter(|row| row[1].len() > 1 && row[1][1..].chars().all(|c| c.is_ascii_digit()))
        .map(|row| Row {
            rule: row[1].clone(),
            stories: row[3].split('`').skip(1).step_by(2).map(str::to_owned).collect(),
            why_not: row[3].strip_prefix("not yet: ").map(str::to_owned),
        })
        .collect()
}

/// Every story there is, as `chapter::name`.
fn told() -> BTreeSet<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/stories");
    let mut told = BTreeSet::new();
    for file in std::fs::read_dir(folder).expect("this folder").map(|file| file.expect("a file").path()) {
        let chapter = file.file_stem().and_then(|stem| stem.to_str()).expect("a name").to_owned();
        let text = std::fs::read_to_string(&file).expect("text");
        let names = text.split("#[test]\nfn ").skip(1).filter_map(|rest| rest.split('(').next());
        told.extend(names.map(|name| format!("{chapter}::{name}")));
    }
    told
}

#[test]
fn every_rule_has_a_story_or_says_why_not_yet() {
    let told = told();
    let expected = (1..=16).map(|n| format!("R{n}"));
    let expected = expected.chain((1..=30).map(|n| format!("E{n}"))).chain((0..=19).map(|n| format!("K{n}")));
    let rows = rows();
    assert_eq!(rows.iter().map(|row| row.rule.clone()).collect::<Vec<_>>(), expected.collect::<Vec<_>>());
    for Row { rule, stories, why_not } in &rows {
        match why_not {
            Some(why) => assert!(stories.is_empty() && why.len() > 10, "{rule}: {why}"),
            None => assert!(!stories.is_empty(), "{rule} has no story"),
        }
        for story in stories {
            assert!(told.contains(story), "{rule} names {story}, which nobody tells");
        }
    }
}

#[test]
fn every_story_tells_a_rule() {
    let named: BTreeSet<String> = rows().into_iter().flat_map(|row| row.stories).collect();
    let here = |story: &String| story.starts_with("rules::");
    let told = told();
    let idle: Vec<_> = told.iter().filter(|story| !here(story) && !named.contains(*story)).collect();
    assert!(idle.is_empty(), "these tell no rule of the table: {idle:#?}");
}
