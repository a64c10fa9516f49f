//! `fxctrl_cn`: the daemon itself.

use super::place::{Around, Daemon};
use super::rc::Rc;
use super::sessions::{applications_remain, sessions_of_all};
use super::verdict::No;
use super::{status, words};
use crate::commands::link::door;
use crate::run::recovery::RecoveryJson;
use clap::Parser;
use journal::LinkOrder;
use serde_json::json;
use std::time::{Duration, Instant};

/// Look at the daemon, and tell it what to do.
#[derive(Debug, Parser)]
#[command(
    name = "fxctrl_cn",
    version,
    infer_subcommands = true,
    after_help = "Words may be cut as short as they stay clear. Exit: the return code, as printed"
)]
pub(super) struct Tool {
    #[command(flatten)]
    pub(super) around: Around,
    #[command(subcommand)]
    word: Word,
}

#[derive(Debug, clap::Subcommand)]
enum Word {
    /// How it stands
    Status,
    /// Let business pass, without a message to the centre
    Signon,
    /// Begin nothing new, without a message to the centre
    Signoff,
    /// Stop in order, from signed-off; with `force` at once, and the next start needs recovery
    Shutdown {
        #[arg(value_name = "force", value_parser = force)]
        force: Option<Force>,
    },
    /// Cancel what was in flight at an unclean stop, send again what is owed, then take business
    Recovery,
}

#[derive(Clone, Copy, Debug)]
struct Force;

fn force(word: &str) -> Result<Force, String> {
    let is_force = !word.is_empty() && "force".starts_with(word);
    is_force.then_some(Force).ok_or_else(|| "the only word here is `force`".into())
}

/// How often the switch is asked how far it is.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Does it.
pub(super) fn run(tool: &Tool) -> Result<Rc, No> {
    let around = &tool.around;
    let daemon = around.daemon()?;
    match &tool.word {
        Word::Status => status::run(&daemon),
        Word::Signon => {
            door::order(&daemon.door, &daemon.link, LinkOrder::Ready, Some(daemon.by()), false)?;
            around.say(&words::SET_ON, &[("link", &daemon.link)]);
            Ok(Rc::OK)
        }
        Word::Signoff => {
            door::order(&daemon.door, &daemon.link, LinkOrder::Drain, Some(daemon.by()), false)?;
            around.say(&words::SET_OFF, &[("link", &daemon.link)]);
            Ok(Rc::OK)
        }
        Word::Shutdown { force } => shutdown(around, &daemon, force.is_some()),
        Word::Recovery => recovery(around, &daemon),
    }
}

fn shutdown(around: &Around, daemon: &Daemon, force: bool) -> Result<Rc, No> {
    let reply = daemon.order("/v1/stop", json!({ "force": force, "unless_sessions": !force }))?;
    let said = reply.body["said"].as_str().unwrap_or("no").to_owned();
    match (reply.status, reply.body["code"].as_str()) {
        (200 | 202, _) => {}
        (_, Some("sessions_open")) => return Err(applications_remain(&sessions_of_all(daemon)?, daemon)),
        (_, Some("not_signed_off")) => {
            let no = No::new(Rc::PKG_IS_NOT_SIGNOFF, &words::NOT_SIGNED_OFF).and(said);
            return Err(no.and("next    fxmsg_cn signoff"));
        }
        _ => {
            return Err(No::new(Rc::ERROR_DAEMON, &words::NOT_KNOWN)
                .and(said)
                .and("next    fxctrl_cn status"));
        }
    }
    wait_until_gone(around, daemon)?;
    around.say(if force { &words::STOPPED_BY_FORCE } else { &words::STOPPED }, &[]);
    Ok(Rc::OK)
}

/// A daemon is stopped when nobody answers on its socket any more.
fn wait_until_gone(around: &Around, daemon: &Daemon) -> Result<(), No> {
    let deadline = Instant::now() + around.timeout();
    while daemon.runs() {
        if Instant::now() >= deadline {
            let no = No::new(Rc::TIME_OUT, &words::NOT_KNOWN).and("it still finishes what is in flight");
            return Err(no.and("next    fxctrl_cn status   fxctrl_cn shutdown force"));
        }
        std::thread::sleep(LOOK_EVERY);
    }
    Ok(())
}

/// Done when every host was told of what it is owed and has acknowledged it.
fn recovery(around: &Around, daemon: &Daemon) -> Result<Rc, No> {
    if asked(daemon)?.state == "not_needed" {
        around.say(&words::RECOVERY_NOT_NEEDED, &[]);
        return Ok(Rc::OK);
    }
    let link = daemon.link()?;
    if link.connections == 0 {
        let no = No::new(Rc::ERR_ALL_CENTER_SESSION, &words::NO_LINES).and(door::standing(&link));
        return Err(no.and("next    fxsession_cn"));
    }
    if link.sign_on != "none" && link.state != "signed-on" {
        let no = No::new(Rc::PKG_IS_SIGNOFF_OR_SWITCHING, &words::NOT_SIGNED_ON).and(door::standing(&link));
        return Err(no.and("next    fxmsg_cn signon"));
    }
    daemon.order("/v1/recovery", json!({}))?;
    let deadline = Instant::now() + around.timeout();
    loop {
        let (recovery, owed) = (asked(daemon)?, daemon.link()?.pending);
        if recovery.state == "done" && owed == 0 {
            around.say(&words::RECOVERED, &[("count", &recovery.was_in_flight.to_string())]);
            return Ok(Rc::OK);
        }
        if Instant::now() >= deadline {
            let no =
                No::new(Rc::ERR_RETRY_OVER, &words::RECOVERY_NOT_DONE).with("count", recovery.left.max(owed));
            return Err(no.and("next    sekisho saf ls   fxctrl_cn recovery"));
        }
        std::thread::sleep(LOOK_EVERY);
    }
}

fn asked(daemon: &Daemon) -> Result<RecoveryJson, No> {
    let reply = daemon.get("/v1/recovery")?;
    serde_json::from_value(reply.body)
        .map_err(|error| No::new(Rc::ERROR_DAEMON, &words::NOT_KNOWN).and(error.to_string()))
}
