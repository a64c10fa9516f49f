//! What a tool says when it was not done: code, words, return code, what stands behind it and what to type next.

use super::rc::Rc;
use super::words::{self, Language, Message};
use crate::commands::control::Unreachable;
use crate::commands::journal::opened;
use crate::commands::link::door::Failure;
use crate::exit;

/// It was not done.
#[derive(Debug)]
pub(super) struct No {
    rc: Rc,
    says: &'static Message,
    blanks: Vec<(&'static str, String)>,
    more: Vec<String>,
}

impl No {
    /// For this reason.
    pub(super) const fn new(rc: Rc, says: &'static Message) -> Self {
        Self { rc, says, blanks: Vec::new(), more: Vec::new() }
    }

    /// With a blank of the message filled in.
    pub(super) fn with(mut self, blank: &'static str, value: impl ToString) -> Self {
        self.blanks.push((blank, value.to_string()));
        self
    }

    /// With a line behind it, which is not translated.
    pub(super) fn and(mut self, line: impl AsRef<str>) -> Self {
        self.more.push(line.as_ref().trim().to_owned());
        self
    }

    /// Says it on stderr.
    pub(super) fn print(&self, language: Language) -> Rc {
        let blanks: Vec<_> = self.blanks.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let line = self.says.line(language, &blanks);
        eprintln!("{line} RC={} ({})", self.rc.number, self.rc.name);
        for line in &self.more {
            eprintln!("     {line}");
        }
        self.rc
    }
}

impl From<Failure> for No {
    /// What the native commands say, under the old codes.
    fn from(failure: Failure) -> Self {
        let no = match &failure {
            Failure::Unreachable { source: source @ Unreachable::Nobody { .. }, .. } => {
                let no = Self::new(Rc::PKG_IS_NOT_STARTED, &words::NOT_RUNNING);
                return no.and(source.to_string()).and("next    fxumain_cn");
            }
            Failure::Config(opened::Failure::Config { .. }) => {
                Self::new(Rc::ERR_OPEN_FILE, &words::NO_CONFIGURATION)
            }
            Failure::Config(_) => Self::new(Rc::COULD_NOT_OPEN_JOURNAL, &words::JOURNAL_SHUT),
            Failure::Unreachable { .. } | Failure::Unknown { .. } => {
                Self::new(Rc::ERROR_DAEMON, &words::NOT_KNOWN)
            }
            Failure::Said { code, exit, .. } => {
                let (rc, says) = refused(code, *exit);
                Self::new(rc, says)
            }
        };
        failure.to_string().lines().fold(no, |no, line| no.and(line.trim_start_matches("error ")))
    }
}

/// The old code of a refusal, by its own.
fn refused(code: &str, exit: u8) -> (Rc, &'static Message) {
    match code {
        "LNK2002-E" => (Rc::ERR_ALL_CENTER_SESSION, &words::NO_LINES),
        "LNK2003-E" | "LNK2004-E" => (Rc::ERR_SENDMSG, &words::NOT_SPOKEN),
        "LNK2005-E" | "LNK2009-E" => (Rc::PKG_IS_SIGNOFF_OR_SWITCHING, &words::NOT_SIGNED_ON),
        "LNK2011-E" => (Rc::NG, &words::DAY_IS_AHEAD),
        "LNK2006-E" | "LNK2012-E" => (Rc::PKG_IS_SIGNOFF_OR_SWITCHING, &words::SWITCHING),
        "LNK2007-E" | "LNK2008-E" => (Rc::PKG_IS_SIGNOFF_OR_SWITCHING, &words::OUT_OF_SERVICE),
        "LNK2020-E" => (Rc::APPL_IS_REMAINED, &words::APPLICATIONS),
        "LNK2104-E" => (Rc::NG, &words::CENTRE_REFUSED),
        "LNK2105-E" | "LNK2106-E" => (Rc::TIME_OUT, &words::NO_ANSWER),
        "LNK2107-E" => (Rc::ERR_ALL_CENTER_SESSION, &words::LINE_LOST),
        _ if exit == exit::NO_SUCH_THING => (Rc::ERR_OPEN_FILE, &words::NO_CONFIGURATION),
        _ => (Rc::ERROR, &words::NOT_KNOWN),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_refusal_of_a_link_has_an_old_code_of_its_meaning() {
        for (code, rc) in [
            ("LNK2002-E", 43),
            ("LNK2003-E", 35),
            ("LNK2004-E", 35),
            ("LNK2005-E", 25),
            ("LNK2006-E", 25),
            ("LNK2007-E", 25),
            ("LNK2008-E", 25),
            ("LNK2009-E", 25),
            ("LNK2011-E", 1),
            ("LNK2012-E", 25),
            ("LNK2020-E", 20),
            ("LNK2104-E", 1),
            ("LNK2105-E", 10),
            ("LNK2106-E", 10),
            ("LNK2107-E", 43),
        ] {
            assert_eq!(refused(code, exit::REFUSED).0.number, rc, "{code}");
        }
        assert_eq!(refused("LNK2001-E", exit::NO_SUCH_THING).0.number, 39);
    }
}
