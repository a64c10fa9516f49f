//! The configuration of an older product: sections in braces, a setting a line.
//!
//! ```text
//!   TIMER {
//!       T100 = 60        # seconds
//!       T120 = 30
//!   }
//! ```
//! No document says more of its form than that. So it is read with a wide heart (`=`, `:` or a blank between name
//! and value, quotes, `;` at the end, four ways to write a comment), and what is read is told.

/// A setting, and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Setting {
    /// Names of the sections around it, the outermost first, in capitals.
    pub(super) sections: Vec<String>,
    /// Its name, in capitals.
    pub(super) name: String,
    /// Its value, without quotes.
    pub(super) value: String,
    /// The line, from 1.
    pub(super) line: usize,
}

/// What cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unreadable {
    /// A brace too many.
    #[error("line {0}: a section ends that never began")]
    EndsTooSoon(usize),
    /// A brace too few.
    #[error("line {0}: the section that begins here does not end")]
    NeverEnds(usize),
    /// A brace without a name.
    #[error("line {0}: a section without a name")]
    NoName(usize),
    /// Nothing in it is a setting.
    #[error("there is no section in it: is it the right file?")]
    Nothing,
}

/// Every setting, in order.
pub(super) fn settings(text: &str) -> Result<Vec<Setting>, Unreadable> {
    let mut reader = Reader::default();
    let mut in_comment = false;
    for (at, line) in text.lines().enumerate() {
        reader.take(at + 1, &without_comment(line, &mut in_comment))?;
    }
    reader.end()
}

#[derive(Default)]
struct Reader {
    found: Vec<Setting>,
    /// Names of open sections, and where they began.
    open: Vec<(String, usize)>,
    /// A name on a line of its own: a section, if a brace follows.
    lonely: Option<(String, usize)>,
    had_section: bool,
}

impl Reader {
    fn take(&mut self, line: usize, text: &str) -> Result<(), Unreadable> {
        let mut rest = text.trim();
        while !rest.is_empty() {
            if let Some(after) = rest.strip_prefix('}') {
                self.setting_without_value();
                self.open.pop().ok_or(Unreadable::EndsTooSoon(line))?;
                rest = after.trim_start_matches([';', ' ', '\t']);
            } else if let Some(after) = rest.strip_prefix('{') {
                let (name, _) = self.lonely.take().ok_or(Unreadable::NoName(line))?;
                self.begin(name, line);
                rest = after.trim_start();
            } else {
                let end = end_of_word(rest);
                let (word, after) = rest.split_at(end);
                self.word(word.trim().trim_end_matches(';').trim(), line);
                rest = after.trim_start_matches([';', ' ', '\t']);
            }
        }
        Ok(())
    }

    fn begin(&mut self, name: String, line: usize) {
        self.had_section = true;
        self.open.push((name, line));
    }

    fn word(&mut self, word: &str, line: usize) {
        self.setting_without_value();
        if word.is_empty() {
            return;
        }
        match word.split_once(['=', ':', ' ', '\t']) {
            Some((name, value)) => {
                let value = value.trim_start_matches([' ', '\t', '=', ':']).trim();
                self.setting(name, value.trim_matches('"'), line);
            }
            None => self.lonely = Some((word.to_ascii_uppercase(), line)),
        }
    }

    /// A name no brace followed is a setting that says nothing.
    fn setting_without_value(&mut self) {
        if let Some((name, line)) = self.lonely.take() {
            self.setting(&name, "", line);
        }
    }

    fn setting(&mut self, name: &str, value: &str, line: usize) {
        let sections = self.open.iter().map(|(name, _)| name.clone()).collect();
        let name = name.trim().to_ascii_uppercase();
        self.found.push(Setting { sections, name, value: value.to_owned(), line });
    }

    fn end(mut self) -> Result<Vec<Setting>, Unreadable> {
        self.setting_without_value();
        match self.open.last() {
            Some((_, line)) => Err(Unreadable::NeverEnds(*line)),
            None if !self.had_section => Err(Unreadable::Nothing),
            None => Ok(self.found),
        }
    }
}

/// Where a setting ends: at a brace or a semicolon outside of quotes, or with the line.
fn end_of_word(text: &str) -> usize {
    let mut quoted = false;
    let ends = text.char_indices().find(|(_, c)| {
        quoted ^= *c == '"';
        !quoted && matches!(c, '{' | '}' | ';')
    });
    ends.map_or(text.len(), |(at, _)| at)
}

/// A line without its comments: `#`, `//`, `;` at its beginning, and `/* ... */` over any number of lines.
fn without_comment(line: &str, inside: &mut bool) -> String {
    let mut kept = String::with_capacity(line.len());
    let mut quoted = false;
    let mut rest = line;
    if line.trim_start().starts_with(';') {
        return kept;
    }
    while let Some(c) = rest.chars().next() {
        if *inside {
            *inside = !rest.starts_with("*/");
            rest = &rest[if *inside { c.len_utf8() } else { 2 }..];
        } else if !quoted && rest.starts_with("/*") {
            *inside = true;
            rest = &rest[2..];
        } else if !quoted && (c == '#' || rest.starts_with("//")) {
            break;
        } else {
            quoted ^= c == '"';
            kept.push(c);
            rest = &rest[c.len_utf8()..];
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<(String, String, String)> {
        let settings = settings(text).expect("readable");
        settings.into_iter().map(|one| (one.sections.join("."), one.name, one.value)).collect()
    }

    #[test]
    fn sections_and_settings_are_read_however_they_are_written() {
        let all = [
            "TIMER {\n  T100 = 60\n}",
            "timer\n{\n t100 = 60 ;\n}",
            "TIMER{T100=60}",
            "TIMER { T100: \"60\"; }",
            "/* the centre's\n contract */ TIMER { // here\n T100 60 # seconds\n };",
            "; nothing\nTIMER {\n T100\t60\n}",
        ];
        for text in all {
            assert_eq!(read(text), [("TIMER".into(), "T100".into(), "60".into())], "{text}");
        }
        assert_eq!(
            read("A { B { C = \"x y; # z\" } D }"),
            [("A.B".into(), "C".into(), "x y; # z".into()), ("A".into(), "D".into(), String::new())]
        );
    }

    #[test]
    fn what_cannot_be_read_is_named_with_its_line() {
        for (text, why) in [
            ("A {\n", Unreadable::NeverEnds(1)),
            ("A { }\n}", Unreadable::EndsTooSoon(2)),
            ("\n{ B = 1 }", Unreadable::NoName(2)),
            ("", Unreadable::Nothing),
            ("[journal]\ndir = \"x\"", Unreadable::Nothing),
        ] {
            assert_eq!(settings(text), Err(why), "{text}");
        }
    }
}
