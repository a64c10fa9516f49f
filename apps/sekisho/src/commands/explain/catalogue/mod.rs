//! Every code a command can say, in words: what it means, how things stand then, and what to do.
//!
//! Three letters for the part of the switch, four digits that are never used again, and how grave it is. A test reads
//! the source and wants each code in it explained here.

mod keys;
mod lines;
mod switch;

/// One code.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    /// Without its last letter.
    pub(super) code: &'static str,
    /// What happened.
    pub(super) means: &'static str,
    /// What the switch has done, or goes on doing.
    pub(super) system: &'static str,
    /// What a person does.
    pub(super) operator: &'static str,
}

const fn entry(
    code: &'static str,
    means: &'static str,
    system: &'static str,
    operator: &'static str,
) -> Entry {
    Entry { code, means, system, operator }
}

const NOTHING: &str = "Nothing was changed.";

/// All of them, part by part.
pub(super) fn all() -> impl Iterator<Item = &'static Entry> {
    switch::ENTRIES.iter().chain(lines::ENTRIES).chain(keys::ENTRIES)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::path::Path;

    /// `LNK2104-E`, wherever it stands in a text.
    fn codes_in(text: &str) -> BTreeSet<String> {
        let bytes = text.as_bytes();
        let is_code = |at: &usize| {
            let Some(piece) = bytes.get(*at..*at + 9) else { return false };
            piece[..3].iter().all(u8::is_ascii_uppercase)
                && piece[3..7].iter().all(u8::is_ascii_digit)
                && piece[7] == b'-'
                && b"IWEFA".contains(&piece[8])
                && at.checked_sub(1).is_none_or(|before| !bytes[before].is_ascii_alphanumeric())
        };
        (0..bytes.len()).filter(is_code).map(|at| text[at..at + 7].to_owned()).collect()
    }

    fn source(folder: &Path, found: &mut String) {
        for file in
            std::fs::read_dir(folder).expect("our own source").map(|file| file.expect("a file").path())
        {
            match file.is_dir() {
                true => source(&file, found),
                false => found.push_str(&std::fs::read_to_string(&file).expect("text")),
            }
        }
    }

    #[test]
    fn every_code_in_the_source_and_on_the_pages_is_explained_once() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let (mut code, mut pages) = (String::new(), String::new());
        source(&root.join("src"), &mut code);
        source(&root.join("../../docs"), &mut pages);
        let mut said = codes_in(&code);
        // Written with a number behind three letters: the keys of callers.
        said.extend((2001..=2007).map(|number| format!("API{number}")));
        assert!(said.len() > 80, "the source was read: {}", said.len());
        let explained: Vec<&str> = all().map(|entry| entry.code).collect();
        let once: BTreeSet<String> = explained.iter().map(|code| (*code).to_owned()).collect();
        assert_eq!(once.len(), explained.len(), "a code means one thing");
        let lacking: Vec<_> = said.difference(&once).collect();
        assert!(lacking.is_empty(), "not explained: {lacking:?}");
        let idle: Vec<_> = once.difference(&said).collect();
        assert!(idle.is_empty(), "explained, and nobody says it: {idle:?}");
        let strange: Vec<_> = codes_in(&pages).difference(&once).cloned().collect();
        assert!(strange.is_empty(), "on a page, and nobody says it: {strange:?}");
    }

    #[test]
    fn every_explanation_says_all_three() {
        for entry in all() {
            for text in [entry.means, entry.system, entry.operator] {
                assert!(text.len() > 6 && text.ends_with(['.', '?']), "{}: {text}", entry.code);
            }
        }
    }
}
