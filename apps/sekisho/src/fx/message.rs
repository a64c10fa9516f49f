//! `fxmsg_cn`: messages to the centre.

use super::place::{Around, Daemon};
use super::rc::Rc;
use super::sessions::nobody_holds_a_session;
use super::verdict::No;
use super::{cancel, words};
use crate::commands::link::door;
use crate::commands::link::order::{self, Until};
use crate::run::links::LinkJson;
use crate::run::recovery::RecoveryJson;
use clap::Parser;
use journal::LinkOrder;
use std::time::Instant;

/// Send a message to the centre.
#[derive(Debug, Parser)]
#[command(
    name = "fxmsg_cn",
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
    /// Sign on, and wait for the answer
    Signon,
    /// Finish what is in flight, sign off, and wait for the answer
    Signoff,
    /// Ask for cutover; the centre sends it when it will
    Cutreq,
    /// Take back what an application sent under a sequence number
    Cancel {
        /// The number
        #[arg(value_name = "SEQ", value_parser = clap::value_parser!(u32).range(1..=999_999))]
        seq: u32,
    },
}

/// Does it.
pub(super) fn run(tool: &Tool) -> Result<Rc, No> {
    let around = &tool.around;
    let daemon = around.daemon()?;
    match &tool.word {
        Word::Signon => sign_on(around, &daemon),
        Word::Signoff => sign_off(around, &daemon),
        Word::Cutreq => ask_cutover(around, &daemon),
        Word::Cancel { seq } => cancel::run(around, &daemon, *seq),
    }
}

fn sign_on(around: &Around, daemon: &Daemon) -> Result<Rc, No> {
    let before = daemon.link()?;
    if before.state == "signed-on" {
        around.say(&words::SIGNED_ON_ALREADY, &[("day", &day(&before))]);
    } else {
        let (link, ms) = ordered(around, daemon, LinkOrder::SignOn, &before, &words::SIGN_ON_SENT)?;
        around.say(&words::SIGNED_ON, &[("ms", &ms), ("day", &day(&link))]);
    }
    warn_of_recovery(around, daemon)?;
    Ok(Rc::OK)
}

/// Whoever signs on after an unclean stop is told what is left to do.
fn warn_of_recovery(around: &Around, daemon: &Daemon) -> Result<(), No> {
    let recovery = serde_json::from_value::<RecoveryJson>(daemon.get("/v1/recovery")?.body);
    if let Some(recovery) = recovery.ok().filter(|recovery| recovery.state == "needed") {
        around.say(&words::NEEDS_RECOVERY, &[("count", &recovery.was_in_flight.to_string())]);
    }
    Ok(())
}

fn sign_off(around: &Around, daemon: &Daemon) -> Result<Rc, No> {
    let before = daemon.link()?;
    if before.state == "signed-off" {
        around.say(&words::SIGNED_OFF_ALREADY, &[]);
        return Ok(Rc::OK);
    }
    nobody_holds_a_session(daemon)?;
    let signed_off = ordered(around, daemon, LinkOrder::SignOff, &before, &words::SIGN_OFF_SENT);
    let (_, ms) = signed_off.map_err(|no| no.and("next    fxmsg_cn signoff   fxctrl_cn shutdown force"))?;
    around.say(&words::SIGNED_OFF, &[("ms", &ms)]);
    Ok(Rc::OK)
}

/// The wish is all that is waited for: that it is accepted promises no cutover.
fn ask_cutover(around: &Around, daemon: &Daemon) -> Result<Rc, No> {
    let before = daemon.link()?;
    door::order(&daemon.door, &daemon.link, LinkOrder::AskCutover, Some(daemon.by()), false)?;
    let until = Until { timeout: around.timeout(), a_promise_is_enough: true };
    order::until(&daemon.door, LinkOrder::AskCutover, &before, until)?;
    let link = daemon.link()?;
    let says =
        if link.business_date == before.business_date { &words::CUTOVER_ASKED } else { &words::CUT_OVER };
    around.say(says, &[("day", &day(&link))]);
    Ok(Rc::OK)
}

/// Gives an order and waits until it is done; gives the link as it is then, and the milliseconds it took.
fn ordered(
    around: &Around,
    daemon: &Daemon,
    wanted: LinkOrder,
    before: &LinkJson,
    sent: &words::Message,
) -> Result<(LinkJson, String), No> {
    let began = Instant::now();
    door::order(&daemon.door, &daemon.link, wanted, Some(daemon.by()), wanted == LinkOrder::SignOff)?;
    around.say(sent, &[("link", &daemon.link)]);
    let until = Until { timeout: around.timeout(), a_promise_is_enough: false };
    order::until(&daemon.door, wanted, before, until)?;
    Ok((daemon.link()?, began.elapsed().as_millis().to_string()))
}

fn day(link: &LinkJson) -> String {
    link.business_date.clone().unwrap_or_else(|| "-".into())
}
