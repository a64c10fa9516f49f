//! What stands in the repository: files, and the tables in its Markdown.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The root of the repository.
pub(crate) fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).expect("this crate is two folders deep").to_path_buf()
}

/// The text of a file, by its path from the root.
pub(crate) fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path} cannot be read: {error}"))
}

/// Whether something stands at this path from the root.
pub(crate) fn exists(path: &str) -> bool {
    root().join(path).exists()
}

/// The rows of the first Markdown table whose header begins with these cells, without the header.
pub(crate) fn table(document: &str, header: &[&str]) -> Vec<Vec<String>> {
    let rows: Vec<_> = (document.lines())
        .skip_while(|line| !cells(line).iter().map(String::as_str).eq(header.iter().copied()))
        .skip(2)
        .map_while(|line| line.starts_with('|').then(|| cells(line)))
        .collect();
    assert!(!rows.is_empty(), "no table with the header {header:?}");
    for row in &rows {
        assert_eq!(row.len(), header.len(), "a row of the table {header:?} has another width: {row:?}");
    }
    rows
}

fn cells(line: &str) -> Vec<String> {
    let Some(inside) = line.trim().strip_prefix('|').and_then(|line| line.strip_suffix('|')) else {
        return Vec::new();
    };
    inside.split('|').map(|cell| cell.trim().to_owned()).collect()
}

/// What stands between backticks, outside fenced blocks, with the line it stands on.
pub(crate) fn names(document: &str) -> Vec<(&str, &str)> {
    let mut fenced = false;
    let mut found = Vec::new();
    for line in document.lines() {
        let is_fence = line.starts_with("```");
        fenced ^= is_fence;
        if !fenced && !is_fence {
            found.extend(line.split('`').skip(1).step_by(2).map(|name| (name, line)));
        }
    }
    found
}

/// Every tracked file, by its path from the root. `None`, and a word on why, where git cannot say.
pub(crate) fn tracked() -> Option<Vec<String>> {
    let listing = Command::new("git").args(["ls-files", "-z"]).current_dir(root()).output();
    match listing {
        Ok(out) if out.status.success() => Some(paths(&out.stdout)),
        Ok(_) => {
            println!("skipped: this is not a git checkout");
            None
        }
        Err(error) => {
            println!("skipped: git cannot be run: {error}");
            None
        }
    }
}

fn paths(listing: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(listing);
    text.split('\0').filter(|path| !path.is_empty()).map(str::to_owned).collect()
}

#[test]
fn a_table_is_found_by_its_header_and_ends_with_its_last_row() {
    let document = "| a | b |\n|---|---|\n| 1 | 2 |\n| 3 | |\n\n| c |\n|---|\n| 4 |\n";
    assert_eq!(table(document, &["a", "b"]), [["1", "2"], ["3", ""]]);
    assert_eq!(table(document, &["c"]), [["4"]]);
}

#[test]
fn names_in_fenced_blocks_are_not_names() {
    let found = names("say `one`\n```\n`two`\n```\nand `three`, `four`");
    assert_eq!(found.iter().map(|(name, _)| *name).collect::<Vec<_>>(), ["one", "three", "four"]);
}
