//! The documents: what they promise, and that their pages are there.

use crate::tree::{exists, read, root, table};
use std::fs;

const NOT_YET: &str = "not yet";

#[test]
fn every_promise_has_a_figure_and_a_way_to_see_it() {
    for row in table(&read("PROMISES.md"), &["Promise", "Figure", "Command", "Shown today"]) {
        let [promise, figure, command, shown] = &row[..] else { unreachable!("the table has four columns") };
        let is_command = command.contains('`');
        assert!(has_digit(figure) || figure == NOT_YET, "no figure is promised: {promise}");
        assert!(is_command || command == NOT_YET, "no command shows it: {promise}");
        assert!(has_digit(shown) || shown == NOT_YET, "neither shown nor \"{NOT_YET}\": {promise}");
        assert!(is_command || shown == NOT_YET, "shown, and nobody can repeat it: {promise}");
    }
}

#[test]
fn the_papers_of_the_house_are_there() {
    let papers = ["README", "ARCHITECTURE", "STYLE", "PROMISES", "CONTRIBUTING", "SECURITY", "CHANGELOG"];
    for paper in papers {
        assert!(exists(&format!("{paper}.md")), "{paper}.md is missing");
    }
}

#[test]
fn the_licence_is_apache_2_0() {
    let licence = read("LICENSE");
    assert!(licence.contains("Apache License") && licence.contains("Version 2.0, January 2004"));
    assert!(licence.contains("END OF TERMS AND CONDITIONS"), "the text is not whole");
}

#[test]
fn every_page_of_the_book_is_there_and_in_its_summary() {
    let summary = read("docs/SUMMARY.md");
    let linked: Vec<_> = links(&summary).collect();
    for page in &linked {
        assert!(exists(&format!("docs/{page}")), "the summary lists {page}, which is not there");
    }
    for entry in fs::read_dir(root().join("docs")).expect("docs/ can be listed") {
        let name = entry.expect("docs/ can be listed").file_name().to_string_lossy().into_owned();
        let is_page = name.ends_with(".md") && name != "SUMMARY.md";
        assert!(!is_page || linked.contains(&name.as_str()), "docs/{name} is not in docs/SUMMARY.md");
    }
}

#[test]
fn every_link_from_paper_to_paper_leads_somewhere() {
    for paper in ["README", "ARCHITECTURE", "STYLE", "PROMISES", "CONTRIBUTING", "SECURITY", "CHANGELOG"] {
        let text = read(&format!("{paper}.md"));
        for link in links(&text).filter(|link| !link.contains("://")) {
            let path = link.split('#').next().unwrap_or_default();
            assert!(path.is_empty() || exists(path), "{paper}.md links to {link}, which is not there");
        }
    }
}

/// Targets of `[text](target)`; drafts of a book have an empty one and are left out.
fn links(text: &str) -> impl Iterator<Item = &str> {
    text.split("](").skip(1).filter_map(|rest| rest.split(')').next()).filter(|target| !target.is_empty())
}

fn has_digit(text: &str) -> bool {
    text.contains(|letter: char| letter.is_ascii_digit())
}
