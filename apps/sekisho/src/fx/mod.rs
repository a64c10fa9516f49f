//! The names people, scripts and manuals know from an older product: `fxmsg_cn signon` and its family.
//!
//! Each is this program called by another name, or `sekisho fx NAME`. They speak over the control socket of a
//! running switch and say the same as `sekisho link`, `recovery` and `stop` in other words: a lettered number and
//! a line in the reader's language. They end with the return code that was printed.

mod cancel;
mod control;
mod install;
mod keys;
mod main;
mod message;
mod place;
mod rc;
mod sessions;
mod status;
mod verdict;
mod view;
mod words;

use clap::Parser;
use place::Around;
use rc::Rc;
use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;
use verdict::No;
use words::Language;

/// The names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Name {
    /// The daemon.
    Main,
    /// Messages to the centre.
    Message,
    /// The daemon's own state.
    Control,
    /// Connections.
    Sessions,
    /// Files shown.
    View,
    /// A key set: refused.
    SetKey,
    /// Keys shown, by check value.
    DumpKey,
    /// A sequence number set: not needed.
    SetSeq,
    /// A licence: not needed.
    SetLicense,
    /// Files replaced: not needed.
    Replace,
}

impl Name {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Main,
        Self::Message,
        Self::Control,
        Self::Sessions,
        Self::View,
        Self::SetKey,
        Self::DumpKey,
        Self::SetSeq,
        Self::SetLicense,
        Self::Replace,
    ];

    /// As it is typed.
    pub const fn typed(self) -> &'static str {
        match self {
            Self::Main => "fxumain_cn",
            Self::Message => "fxmsg_cn",
            Self::Control => "fxctrl_cn",
            Self::Sessions => "fxsession_cn",
            Self::View => "fxview_cn",
            Self::SetKey => "fxsetkey_cn",
            Self::DumpKey => "fxdumpkey_cn",
            Self::SetSeq => "fxsetseq_cn",
            Self::SetLicense => "fxsetlicense",
            Self::Replace => "fxreplace_cn",
        }
    }

    /// The name a program was called by: its folder and `.exe` do not matter.
    pub fn of(called: &Path) -> Option<Self> {
        let stem = called.file_stem()?.to_str()?;
        Self::ALL.into_iter().find(|name| name.typed() == stem)
    }
}

/// `sekisho fx`
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Names: fxumain_cn, fxmsg_cn, fxctrl_cn, fxsession_cn, fxview_cn, fxdumpkey_cn; each with --help. \
                        fxsetkey_cn is refused; fxsetseq_cn, fxsetlicense, fxreplace_cn are not needed.\n\
                        Exit: the return code, as printed (RC=nnn); 64 for RC=1000"
)]
pub struct Args {
    /// `install`, or one of the names
    #[arg(value_name = "NAME")]
    name: String,
    /// Its words
    #[arg(value_name = "WORD", trailing_var_arg = true, allow_hyphen_values = true)]
    words: Vec<OsString>,
}

/// Does it.
pub fn run(args: Args) -> ExitCode {
    if args.name == "install" {
        return install::run(&args.words);
    }
    match Name::of(Path::new(&args.name)) {
        Some(name) => called(name, args.words),
        None => {
            let names = Name::ALL.map(Name::typed).join(", ");
            eprintln!("error: no tool is called `{}`\n  next    install, or one of {names}", args.name);
            ExitCode::from(crate::exit::USAGE)
        }
    }
}

/// Does what one of the names does with these words.
pub fn called(name: Name, words: Vec<OsString>) -> ExitCode {
    let words = std::iter::once(OsString::from(name.typed())).chain(words);
    match name {
        Name::Main => tool(words, |tool: &main::Tool| (&tool.around, main::run(tool))),
        Name::Message => tool(words, |tool: &message::Tool| (&tool.around, message::run(tool))),
        Name::Control => tool(words, |tool: &control::Tool| (&tool.around, control::run(tool))),
        Name::Sessions => tool(words, |tool: &sessions::Tool| (&tool.around, sessions::run(tool))),
        Name::View => tool(words, |tool: &view::Tool| (&tool.around, view::run(tool))),
        Name::DumpKey => tool(words, |tool: &keys::Dump| (&tool.around, keys::dump(tool))),
        Name::SetKey | Name::SetSeq | Name::SetLicense | Name::Replace => keys::answered(name),
    }
}

/// Reads the words, each of which may be cut as short as it stays clear, and does it.
fn tool<T: Parser>(
    words: impl Iterator<Item = OsString>,
    run: impl FnOnce(&T) -> (&Around, Result<Rc, No>),
) -> ExitCode {
    let tool = match T::try_parse_from(words) {
        Ok(tool) => tool,
        Err(error) => return misread(&error),
    };
    let (around, done) = run(&tool);
    let rc = done.unwrap_or_else(|no| no.print(around.language()));
    ExitCode::from(rc.exit())
}

/// `--help` is an answer; everything else is a mistake with its own code.
fn misread(error: &clap::Error) -> ExitCode {
    if !error.use_stderr() {
        print!("{error}");
        return ExitCode::SUCCESS;
    }
    let said = error.to_string();
    let said = said.trim_end().lines().filter(|line| !line.is_empty());
    let no = said.fold(No::new(Rc::INVALID_PARAM, &words::NO_SUCH_WORD), No::and);
    ExitCode::from(no.print(Language::of_environment()).exit())
}
