//! The repository speaks of the product alone.

use crate::tree::{root, tracked};
use std::fs;

/// Words of the places and tools it was made with, cut in two so that this list does not find itself.
#[rustfmt::skip]
const STRANGERS: &[(&str, &str)] = &[
    ("/wo",     "rk/"),         // Folders of a workplace.
    ("/tmp/br", "ief"),
    ("/tmp/ba", "sh_jobs"),
    ("/ro",     "ot/"),
    ("far",     "m-"),          // Machines of a workplace.
    ("art",     "ifactory"),    // Registries other than the public one.
    ("jf",      "rog"),
    ("issues ", "show"),        // Tools of a workplace.
    ("cla",     "ude"),
    ("anth",    "ropic"),
    ("chat",    "gpt"),
    ("cop",     "ilot"),
];

#[test]
fn the_repository_speaks_of_the_product_alone() {
    let Some(paths) = tracked() else { return };
    let mut found = Vec::new();
    for path in paths {
        // Tracked and gone from the folder: somebody is about to commit its end.
        let Ok(bytes) = fs::read(root().join(&path)) else { continue };
        let text = String::from_utf8_lossy(&bytes).to_lowercase();
        for (number, line) in text.lines().enumerate() {
            let strangers = STRANGERS.iter().map(|(head, tail)| format!("{head}{tail}"));
            found.extend(
                strangers
                    .filter(|word| line.contains(word))
                    .map(|word| format!("{path}:{}: {word:?}", number + 1)),
            );
        }
    }
    assert!(found.is_empty(), "words that have no place here:\n{}", found.join("\n"));
}
