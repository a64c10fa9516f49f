//! What people may do about a key that is there.

use super::list::KeyJson;
use super::of_store;
use super::person::second_of_two;
use super::place::{Desk, Place, Why, check_value, no_such_key, owner};
use crate::commands::link::door::Failure;
use crate::commands::paper::Paper;
use hsm::check_value::CheckValue;
use hsm::ops::Role;
use keys::{HeldKey, Order, Owner, State};
use keystore::Act;
use std::process::ExitCode;
use terms::Timestamp;

/// Which key, and why.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    which: WhichKey,
    #[command(flatten)]
    why: Why,
    #[command(flatten)]
    end: End,
}

/// A key by name.
#[derive(Debug, clap::Args)]
pub(super) struct WhichKey {
    /// link/NAME, listener/NAME, terminal/ID or house
    #[arg(value_name = "OWNER", value_parser = owner)]
    pub(super) owner: Owner,
    /// zmk, tmk, zpk, tpk, zak, tak, cvk, pvk, bdk, mk-ac or data
    #[arg(value_name = "KEY", value_parser = role)]
    pub(super) role: Role,
}

/// Where it lies, and how to answer.
#[derive(Debug, clap::Args)]
pub(super) struct End {
    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
    #[command(flatten)]
    pub(super) place: Place,
}

/// Which key, when, and why.
#[derive(Debug, clap::Args)]
#[command(after_help = "The check value is the one the other side told, not the one you read here.")]
pub struct ActivateArgs {
    #[command(flatten)]
    which: WhichKey,
    /// Which generation [default: the newest that is not in force]
    #[arg(long, value_name = "N")]
    generation: Option<u32>,
    /// What the other side says its check value is; needed once for each key
    #[arg(long, value_name = "HEX", value_parser = check_value)]
    check: Option<CheckValue>,
    /// Not now but then, in milliseconds since 1970-01-01 UTC or as 2026-11-23T00:00:00Z
    #[arg(long, value_name = "TIME", value_parser = moment)]
    at: Option<Timestamp>,
    /// For how long what comes under the key before is taken [default: keys.overlap_ms]
    #[arg(long, value_name = "MS")]
    overlap_ms: Option<u32>,
    #[command(flatten)]
    why: Why,
    #[command(flatten)]
    end: End,
}

/// Which key somebody may know, and why.
#[derive(Debug, clap::Args)]
pub struct CompromiseArgs {
    #[command(flatten)]
    which: WhichKey,
    /// Which generation [default: all of them]
    #[arg(long, value_name = "N")]
    generation: Option<u32>,
    #[command(flatten)]
    why: Why,
    #[command(flatten)]
    end: End,
}

/// Which key is to go, and why.
#[derive(Debug, clap::Args)]
pub struct DestroyArgs {
    #[command(flatten)]
    which: WhichKey,
    /// Which generation
    #[arg(long, value_name = "N")]
    generation: u32,
    /// Its check value, so that it is the one you mean
    #[arg(long, value_name = "HEX", value_parser = check_value)]
    check: CheckValue,
    #[command(flatten)]
    why: Why,
    #[command(flatten)]
    end: End,
}

pub(crate) fn role(text: &str) -> Result<Role, String> {
    Role::named(text)
        .ok_or_else(|| "a key is zmk, tmk, zpk, tpk, zak, tak, cvk, pvk, bdk, mk-ac or data".into())
}

fn moment(text: &str) -> Result<Timestamp, String> {
    if let Ok(ms) = text.parse() {
        return Ok(Timestamp::from_unix_ms(ms));
    }
    let parsed = text.strip_suffix('Z').and_then(|text| {
        let (date, time) = text.split_once('T')?;
        let mut date = date.splitn(3, '-').map(str::parse::<i64>);
        let (year, month, day) = (date.next()?.ok()?, date.next()?.ok()?, date.next()?.ok()?);
        let mut time = time.splitn(3, ':').map(str::parse::<i64>);
        let (hour, minute, second) =
            (time.next()?.ok()?, time.next()?.ok()?, time.next().unwrap_or(Ok(0)).ok()?);
        let day =
            terms::BusinessDate::new(year.try_into().ok()?, month.try_into().ok()?, day.try_into().ok()?)?;
        let is_time = (0..24).contains(&hour) && (0..60).contains(&minute) && (0..60).contains(&second);
        is_time.then(|| {
            Timestamp::from_unix_ms((day.days() * 86_400 + hour * 3_600 + minute * 60 + second) * 1_000)
        })
    });
    parsed.ok_or_else(|| "a moment is 2026-11-23T00:00:00Z, or milliseconds since 1970".into())
}

pub(super) fn activate(args: &ActivateArgs) -> Result<ExitCode, Failure> {
    let mut desk = args.end.place.desk()?;
    let WhichKey { owner, role } = &args.which;
    let holding = desk.holding(owner)?;
    let waits = |state| matches!(state, State::Generated | State::Confirmed);
    let newest = holding.keys().iter().rev().find(|key| key.role == *role && waits(key.state));
    let generation = args.generation.or_else(|| newest.map(|key| key.generation));
    let generation = generation.ok_or_else(|| no_such_key(owner, &format!("{} that waits", role.name())))?;
    let overlap_ms = args.overlap_ms.unwrap_or(desk.settings.overlap_ms);
    let mut orders = Vec::new();
    orders.extend(args.check.map(|check| Order::Confirm(*role, generation, check)));
    orders.push(match args.at {
        Some(at) => Order::Schedule(*role, generation, at),
        None => Order::Activate(*role, generation, overlap_ms),
    });
    let act = desk.act("activate", &args.why);
    let word = args.at.map_or_else(|| "active".into(), |at| format!("active at {at}"));
    done(&mut desk, &args.which, orders, &act, &args.end, &format!("generation {generation} {word}"))
}

pub(super) fn rollback(args: &Args) -> Result<ExitCode, Failure> {
    by_two(args, "rollback", Order::RollBack(args.which.role), "rolled back")
}

pub(super) fn suspend(args: &Args) -> Result<ExitCode, Failure> {
    let mut desk = args.end.place.desk()?;
    let act = desk.act("suspend", &args.why);
    done(&mut desk, &args.which, vec![Order::Suspend(args.which.role)], &act, &args.end, "suspended")
}

pub(super) fn resume(args: &Args) -> Result<ExitCode, Failure> {
    by_two(args, "resume", Order::Resume(args.which.role), "active")
}

pub(super) fn compromise(args: &CompromiseArgs) -> Result<ExitCode, Failure> {
    let mut desk = args.end.place.desk()?;
    let act = desk.act("compromise", &args.why);
    let order = Order::Compromise(args.which.role, args.generation);
    done(&mut desk, &args.which, vec![order], &act, &args.end, "compromised: exchange new keys at once")
}

pub(super) fn destroy(args: &DestroyArgs) -> Result<ExitCode, Failure> {
    let mut desk = args.end.place.desk()?;
    let WhichKey { owner, role } = &args.which;
    let holding = desk.holding(owner)?;
    let meant = holding.generation(*role, args.generation).filter(|key| key.check.agrees_with(&args.check));
    if meant.is_none() {
        return Err(no_such_key(owner, &format!("{} of that generation and check value", role.name())));
    }
    let act = desk.act("destroy", &args.why);
    let order = Order::Destroy(*role, args.generation);
    done(&mut desk, &args.which, vec![order], &act, &args.end, "destroyed")
}

fn by_two(args: &Args, word: &str, order: Order, ended: &str) -> Result<ExitCode, Failure> {
    let mut desk = args.end.place.desk()?;
    let WhichKey { owner, role } = &args.which;
    // What cannot be done is said at once, not to the second of two people.
    let before = desk.holding(owner)?;
    let mut after = before.clone();
    let changes = after.apply(desk.now, order.clone()).map_err(|refusal| of_store(refusal.into()))?;
    // Both agree on which key comes into force and which gives way, not on whatever it may be by then.
    let said = changes.iter().filter_map(|change| {
        let key = after.generation(change.role, change.generation)?;
        Some(format!("{} {}", named(owner, key), change.after))
    });
    let what = format!("{word} {owner} {}: {}", role.name(), said.collect::<Vec<_>>().join(", "));
    let first = second_of_two(desk.store.directory(), &what, &desk.by, &args.why.reason, desk.now)?;
    let act = Act { second: first, ..desk.act(word, &args.why) };
    done(&mut desk, &args.which, vec![order], &act, &args.end, ended)
}

/// A key as people who agree on it name it.
pub(super) fn named(owner: &Owner, key: &HeldKey) -> String {
    format!("{owner} {} generation {} ({})", key.role.name(), key.generation, key.check)
}

/// Does it and says so, with the owner's keys as they are now.
fn done(
    desk: &mut Desk,
    which: &WhichKey,
    orders: Vec<Order>,
    act: &Act,
    end: &End,
    word: &str,
) -> Result<ExitCode, Failure> {
    let (holding, changes) = desk.store.change(&which.owner, desk.now, orders, act).map_err(of_store)?;
    let mut paper = Paper::new();
    if end.json {
        let changed = |key: &&HeldKey| {
            changes.iter().any(|change| (change.role, change.generation) == (key.role, key.generation))
        };
        let of = |key| KeyJson::of(&which.owner, key, holding.awaits_keys());
        let data: Vec<_> = holding.keys().iter().filter(changed).map(of).collect();
        paper.json(&data);
    } else {
        paper.line(format_args!("key/{} {} {word}", which.owner, which.role.name()));
        for change in changes.iter().filter(|change| change.after == State::Compromised) {
            let keys::Change { role, generation, check, .. } = change;
            paper.line(format_args!(
                "  {} generation {generation}, check value {check}, is compromised",
                role.name()
            ));
        }
    }
    Ok(ExitCode::SUCCESS)
}
