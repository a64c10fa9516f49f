//! `fxsetkey_cn`, `fxdumpkey_cn`, `fxsetseq_cn`, `fxsetlicense` and `fxreplace_cn`: deliberately another thing than they
//! were. A key is never taken from a command line and never shown; what is not needed says so and is done.

use super::Name;
use super::place::Around;
use super::rc::Rc;
use super::verdict::No;
use super::words::{self, Language};
use crate::cli::Cli;
use crate::commands::paper::Paper;
use clap::Parser;
use std::ffi::OsString;
use std::process::ExitCode;

/// Show keys by their check values, and never otherwise.
#[derive(Debug, Parser)]
#[command(
    name = "fxdumpkey_cn",
    version,
    after_help = "The same: sekisho key ls. Exit: the return code, as printed"
)]
pub(super) struct Dump {
    #[command(flatten)]
    pub(super) around: Around,
}

/// Shows them.
pub(super) fn dump(tool: &Dump) -> Result<Rc, No> {
    tool.around.daemon()?;
    let config = ["--config".into(), tool.around.file().into_os_string()];
    let typed = ["sekisho", "key", "ls"].map(OsString::from).into_iter().chain(config);
    let native = Cli::try_parse_from(typed).expect("words of our own");
    match native.command.run() == ExitCode::SUCCESS {
        true => Ok(Rc::OK),
        false => Err(No::new(Rc::ERR_OPEN_FILE, &words::KEYS_SHUT).and("next    sekisho key ls")),
    }
}

/// Whatever words are behind the name: they are not read, and not repeated, because one of them may be a key.
pub(super) fn answered(name: Name) -> ExitCode {
    let language = Language::of_environment();
    if name == Name::SetKey {
        let no = No::new(Rc::INVALID_PARAM, &words::KEY_REFUSED);
        let no = no.and("think of a key that was typed as known, and ask the other side for another one");
        let next = "next    sekisho ceremony start OWNER KEY   sekisho key import OWNER KEY < FILE";
        return ExitCode::from(no.and(next).print(language).exit());
    }
    Paper::new().line(words::NOT_NEEDED.line(language, &[("name", name.typed())]));
    ExitCode::SUCCESS
}
