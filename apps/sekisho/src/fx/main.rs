//! `fxumain_cn`: the daemon.

use super::place::Around;
use super::rc::Rc;
use super::verdict::No;
use super::words;
use crate::commands::run;
use crate::exit;
use crate::run::recovery::Recover;
use clap::Parser;
use std::process::ExitCode;

/// Start the daemon, and stay until it is stopped.
#[derive(Debug, Parser)]
#[command(
    name = "fxumain_cn",
    version,
    after_help = "It stays in the foreground; let a service manager, or &, put it elsewhere. After an unclean stop it \
                  waits for `fxctrl_cn recovery` before it takes business.\n\
                  Exit: 0 stopped, 22 one runs already, 39 the configuration cannot be used, 16 it failed"
)]
pub(super) struct Tool {
    #[command(flatten)]
    pub(super) around: Around,
    /// How to log: human or json
    #[arg(long, value_name = "FORM", default_value = "human")]
    log: run::LogForm,
    /// After an unclean stop: wait for `fxctrl_cn recovery`, begin it alone, or do not start
    #[arg(long, value_name = "HOW", default_value = "ask")]
    recover: Recover,
}

/// Does it.
pub(super) fn run(tool: &Tool) -> Result<Rc, No> {
    let around = &tool.around;
    let daemon = around.daemon()?;
    if daemon.runs() {
        let at = format!("it answers on {}", daemon.door.address());
        return Err(No::new(Rc::PKG_ALREADY_STARTED, &words::RUNNING_ALREADY)
            .and(at)
            .and("next    fxctrl_cn status"));
    }
    let config = around.file();
    around.say(&words::STARTING, &[("file", &config.display().to_string())]);
    let ended = run::run(run::Args { config, log: tool.log, recover: tool.recover, unsafe_no_sync: false });
    if ended == ExitCode::SUCCESS {
        around.say(&words::STOPPED, &[]);
        return Ok(Rc::OK);
    }
    Err(match ended == ExitCode::from(exit::CONFIG) {
        true => No::new(Rc::ERR_OPEN_FILE, &words::NO_CONFIGURATION),
        false => No::new(Rc::ERROR_DAEMON, &words::DAEMON_FAILED),
    })
}
