//! `fxview_cn`: what stands in the journal, card numbers masked.

use super::place::Around;
use super::rc::Rc;
use super::verdict::No;
use super::words;
use crate::cli::Cli;
use clap::Parser;
use std::ffi::OsString;
use std::process::ExitCode;

/// Show what the journal knows; card numbers are masked.
#[derive(Debug, Parser)]
#[command(
    name = "fxview_cn",
    version,
    infer_subcommands = true,
    after_help = "Words may be cut as short as they stay clear; what follows goes to the command named beside it."
)]
pub(super) struct Tool {
    #[command(flatten)]
    pub(super) around: Around,
    #[command(subcommand)]
    word: Word,
}

#[derive(Debug, clap::Subcommand)]
enum Word {
    /// Transactions (sekisho txn ls)
    Journal(More),
    /// Every record of the journal: orders, states, cutovers (sekisho journal ls)
    Event(More),
    /// Totals of each day (sekisho recon show)
    Reconciliation(More),
    /// Messages owed (sekisho saf ls)
    Advice(More),
}

#[derive(Debug, clap::Args)]
struct More {
    /// More words for that command, such as --last 50
    #[arg(value_name = "WORD", trailing_var_arg = true, allow_hyphen_values = true)]
    words: Vec<OsString>,
}

/// Does it.
pub(super) fn run(tool: &Tool) -> Result<Rc, No> {
    let (command, more) = match &tool.word {
        Word::Journal(more) => (["txn", "ls"], more),
        Word::Event(more) => (["journal", "ls"], more),
        Word::Reconciliation(more) => (["recon", "show"], more),
        Word::Advice(more) => (["saf", "ls"], more),
    };
    // Whatever is wrong with the configuration is said in our words, before the command says it in its own.
    tool.around.daemon()?;
    let config = ["--config".into(), tool.around.file().into_os_string()];
    let typed = ["sekisho"].into_iter().chain(command).map(OsString::from);
    let typed = typed.chain(config).chain(more.words.iter().cloned());
    let native = Cli::try_parse_from(typed).map_err(|error| {
        let no = No::new(Rc::INVALID_PARAM, &words::NO_SUCH_WORD);
        error.to_string().lines().filter(|line| !line.is_empty()).fold(no, No::and)
    })?;
    match native.command.run() == ExitCode::SUCCESS {
        true => Ok(Rc::OK),
        false => Err(No::new(Rc::COULD_NOT_OPEN_JOURNAL, &words::JOURNAL_SHUT)),
    }
}
