//! `sekisho link sign-on|sign-off|echo|drain|ready|maint`: an order, and what becomes of it.

use super::door::{self, Failure, at, standing};
use super::show::milliseconds;
use crate::commands::door::{Door, Which};
use crate::commands::paper::Paper;
use crate::exit;
use crate::run::links::{ChangeJson, LinkJson};
use journal::LinkOrder;
use std::io::IsTerminal;
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// How often the switch is asked how far it is.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Which links, and how long to wait.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "Twice the same is no mistake. Exit: 0 done or already so · 3 no switch answers · \
                        5 no such link · 6 refused by the peer or as things stand · 7 no answer in time · \
                        8 not known whether it was done")]
pub struct Args {
    /// The links (sekisho link ls)
    #[arg(value_name = "NAME", required = true)]
    pub(crate) names: Vec<String>,
    #[command(flatten)]
    which: Which,
    /// Give the order and do not wait for what becomes of it
    #[arg(long)]
    no_wait: bool,
    /// Longest wait, in seconds; the link's own timer is usually shorter
    #[arg(long, value_name = "SECONDS", default_value_t = 120)]
    timeout: u64,
    /// Who orders it; without it, whoever is logged in
    #[arg(long, value_name = "NAME")]
    by: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Args {
    /// The same, for other links.
    pub(crate) fn naming(&self, names: Vec<String>) -> Self {
        Self { names, ..self.clone() }
    }

    pub(crate) fn door(&self) -> Result<Door, Failure> {
        Ok(self.which.door()?)
    }

    pub(crate) fn by(&self) -> Option<String> {
        self.by.clone()
    }

    pub(crate) const fn json(&self) -> bool {
        self.json
    }
}

/// The same for sign-off.
#[derive(Debug, clap::Args)]
pub struct SignOffArgs {
    #[command(flatten)]
    order: Args,
    /// Also while applications have sessions open
    #[arg(long)]
    force: bool,
}

/// Signs off; where applications are in, only when that is meant.
pub(crate) fn sign_off(args: &SignOffArgs) -> Result<ExitCode, Failure> {
    run_with(&args.order, LinkOrder::SignOff, !args.force)
}

/// Where an order has come to.
enum Progress {
    /// Not there yet.
    Waiting,
    /// Done; this is what is said of it.
    Done(String),
    /// It ended otherwise.
    Failed(ChangeJson),
    /// Nobody answered, and no state changed by that.
    Unheard,
    /// Another order came after it, and it cannot be seen any more what would have become of it.
    Overtaken,
}

/// Does it, link by link; the first failure ends it.
pub(crate) fn run(args: &Args, order: LinkOrder) -> Result<ExitCode, Failure> {
    run_with(args, order, false)
}

fn run_with(args: &Args, order: LinkOrder, unless_sessions: bool) -> Result<ExitCode, Failure> {
    let door = args.which.door()?;
    let by = door.by(args.by.as_deref());
    let mut paper = Paper::new();
    for name in &args.names {
        let before = door::one(&door, name)?;
        let (already, link) = door::order(&door, name, order, by.as_deref(), unless_sessions)?;
        let said = if already && is_settled(order, &link) {
            format!("already {}", link.state)
        } else if args.no_wait {
            format!("{}: it is {} now", door::typed(order), link.state)
        } else {
            let timeout = Duration::from_secs(args.timeout);
            until(&door, order, &before, Until { timeout, a_promise_is_enough: false })?
        };
        match args.json {
            true => paper.json(&door::one(&door, name)?),
            false => paper.line(format_args!("link/{name} {said}")),
        }
        paper.flush();
    }
    Ok(ExitCode::SUCCESS)
}

/// Whether nothing is under way that the order would have to wait for.
fn is_settled(order: LinkOrder, link: &LinkJson) -> bool {
    !matches!(order, LinkOrder::Echo | LinkOrder::AskCutover)
        && !matches!(link.state.as_str(), "signing-on" | "signing-off" | "draining")
        || order == LinkOrder::Drain && link.in_flight == 0
}

/// How long an order is waited for, and what for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Until {
    /// Longest wait.
    pub(crate) timeout: Duration,
    /// A wish for cutover is done when the peer has accepted it, whatever the peer does then.
    pub(crate) a_promise_is_enough: bool,
}

/// Asks again and again until it is known what became of an order; says it in words.
pub(crate) fn until(
    door: &Door,
    order: LinkOrder,
    before: &LinkJson,
    until: Until,
) -> Result<String, Failure> {
    let deadline = Instant::now() + until.timeout;
    let name = &before.name;
    let mut teller = Teller::new(name);
    loop {
        let link = door::one(door, name)?;
        if until.a_promise_is_enough && link.cutover == "cutover-asked" {
            return Ok(link.cutover);
        }
        match progress(order, before, &link) {
            Progress::Done(said) => return Ok(said),
            Progress::Failed(change) => return Err(failed(door, order, &link, &change)),
            Progress::Unheard => return Err(unheard(door, order, &link)),
            Progress::Overtaken => return Err(overtaken(door, order, &link)),
            Progress::Waiting if Instant::now() >= deadline => {
                return Err(Failure::Said {
                    code: "LNK2106-E",
                    said: format!("link \"{name}\" has not come to an end with {}", door::typed(order)),
                    state: standing(&link),
                    next: format!("sekisho link watch {name}{}", at(door)),
                    exit: exit::TIMED_OUT,
                });
            }
            Progress::Waiting => teller.tell(&link),
        }
        std::thread::sleep(LOOK_EVERY);
    }
}

/// Where an order stands, judged by what changed since it was given.
fn progress(order: LinkOrder, before: &LinkJson, link: &LinkJson) -> Progress {
    if order == LinkOrder::Echo {
        return match link.echo.us {
            Some(us) if link.echo.answered > before.echo.answered => {
                Progress::Done(format!("echo answered in {}", milliseconds(us)))
            }
            _ if link.echo.missed > before.echo.missed => Progress::Unheard,
            _ => failed_since(before, link, &["lost", "echoes_missed"]).unwrap_or(Progress::Waiting),
        };
    }
    if order == LinkOrder::AskCutover {
        return cut_over(before, link);
    }
    let ends: &[&str] = match order {
        LinkOrder::SignOn => &["signed-on"],
        LinkOrder::SignOff => &["signed-off", "connected", "disconnected", "maintenance"],
        LinkOrder::Ready => &["signed-on", "connected", "disconnected"],
        LinkOrder::Maintain => &["maintenance"],
        LinkOrder::Drain if link.in_flight == 0 => &["draining"],
        LinkOrder::Drain | LinkOrder::Echo | LinkOrder::AskCutover => &[],
    };
    let failed = failed_since(before, link, &["refused", "unanswered", "echoes_missed"]);
    match failed {
        Some(failed) if link.state != "maintenance" && link.state != "signed-on" => failed,
        _ if ends.contains(&link.state.as_str()) => match order {
            LinkOrder::Drain => Progress::Done("drained".into()),
            _ => Progress::Done(link.state.clone()),
        },
        _ if is_overtaken(order, before, link) => Progress::Overtaken,
        _ if order == LinkOrder::SignOn => failed_since(before, link, &["lost"]).unwrap_or(Progress::Waiting),
        _ => Progress::Waiting,
    }
}

/// Whether somebody else's order took the link past where this one leads, or back.
fn is_overtaken(order: LinkOrder, before: &LinkJson, link: &LinkJson) -> bool {
    let since = || link.history.iter().filter(|change| change.number > before.changes());
    let last = since().rfind(|change| change.cause == "ordered");
    let is_anothers = last.is_some_and(|change| change.said != order.name());
    let is = |states: &[&str]| states.contains(&link.state.as_str());
    is_anothers
        && match order {
            LinkOrder::Drain => is(&["signing-off", "signed-off", "maintenance", "disconnected"]),
            LinkOrder::SignOn | LinkOrder::Ready => {
                is(&["signing-off", "signed-off", "maintenance", "draining"])
            }
            LinkOrder::Maintain => is(&["signing-on", "signed-on", "connected"]),
            LinkOrder::SignOff => is(&["signing-on", "signed-on"]),
            LinkOrder::Echo | LinkOrder::AskCutover => false,
        }
}

/// Asking moves nothing: it is done when the peer has moved the day.
fn cut_over(before: &LinkJson, link: &LinkJson) -> Progress {
    let failure_of = |link: &LinkJson| {
        let failure = link.last_failure.as_ref().filter(|failure| failure.about == "cutover");
        failure.map(|failure| (failure.at.clone(), failure.code.clone()))
    };
    match failure_of(link) {
        _ if link.business_date != before.business_date => {
            let day = link.business_date.as_deref().unwrap_or("not known");
            Progress::Done(format!("cut over, business day {day}"))
        }
        Some((_, None)) if failure_of(before) != failure_of(link) => Progress::Unheard,
        Some((at, Some(code))) if failure_of(before) != failure_of(link) => Progress::Failed(ChangeJson {
            number: 0,
            at,
            state: link.state.clone(),
            cause: "refused".into(),
            said: format!("the peer refused: {code}"),
            by: String::new(),
        }),
        _ => failed_since(before, link, &["lost", "echoes_missed"]).unwrap_or(Progress::Waiting),
    }
}

/// The first change since the order that says it failed.
fn failed_since(before: &LinkJson, link: &LinkJson, causes: &[&str]) -> Option<Progress> {
    let since = link.history.iter().filter(|change| change.number > before.changes());
    let mut failed = since.filter(|change| causes.contains(&change.cause.as_str()));
    failed.next().cloned().map(Progress::Failed)
}

fn failed(door: &Door, order: LinkOrder, link: &LinkJson, change: &ChangeJson) -> Failure {
    let (name, at) = (&link.name, at(door));
    let wire = link.last_failure.as_ref().filter(|failure| !failure.wire_code.is_empty());
    let wire = wire.map_or_else(String::new, |failure| format!(" (code {} on the wire)", failure.wire_code));
    let (code, exit) = match change.cause.as_str() {
        "refused" => ("LNK2104-E", exit::REFUSED),
        "unanswered" => ("LNK2105-E", exit::TIMED_OUT),
        _ => ("LNK2107-E", exit::REFUSED),
    };
    let wire = if change.cause == "refused" { wire } else { String::new() };
    let next = match link.state.as_str() {
        "draining" => format!("sekisho link sign-off {name}{at}   sekisho link ready {name}{at}"),
        _ => format!("sekisho link show {name}{at}   sekisho link echo {name}{at}"),
    };
    let said = format!("link \"{name}\" {}: {}{wire}", door::typed(order), change.said);
    Failure::Said { code, said, state: standing(link), next, exit }
}

fn unheard(door: &Door, order: LinkOrder, link: &LinkJson) -> Failure {
    let (name, at) = (&link.name, at(door));
    Failure::Said {
        code: "LNK2105-E",
        said: format!("link \"{name}\" {}: no answer came in time", door::typed(order)),
        state: standing(link),
        next: format!("sekisho link show {name}{at}"),
        exit: exit::TIMED_OUT,
    }
}

fn overtaken(door: &Door, order: LinkOrder, link: &LinkJson) -> Failure {
    let (name, at) = (&link.name, at(door));
    let last = link.history.iter().rfind(|change| change.cause == "ordered");
    let by = last.map_or_else(String::new, |change| format!(": {} by {}", change.said, change.by));
    Failure::Said {
        code: "LNK2012-E",
        said: format!("link \"{name}\" {}: another order came after it{by}", order.name()),
        state: standing(link),
        next: format!("sekisho link show {name}{at}"),
        exit: exit::REFUSED,
    }
}

/// Tells a person who waits how long the peer still has.
struct Teller<'a> {
    name: &'a str,
    is_watched: bool,
    began: Instant,
}

impl<'a> Teller<'a> {
    fn new(name: &'a str) -> Self {
        Self { name, is_watched: std::io::stderr().is_terminal(), began: Instant::now() }
    }

    fn tell(&mut self, link: &LinkJson) {
        if !self.is_watched || self.began.elapsed() < Duration::from_secs(1) {
            return;
        }
        let waited = self.began.elapsed().as_secs();
        let left =
            link.awaited_ms.map_or_else(String::new, |ms| format!(", the peer has {} s more", ms / 1_000));
        eprint!("\rlink/{} {}: {waited} s, {} in flight{left}   ", self.name, link.state, link.in_flight);
    }
}

impl Drop for Teller<'_> {
    fn drop(&mut self) {
        if self.is_watched && self.began.elapsed() >= Duration::from_secs(1) {
            eprintln!();
        }
    }
}
