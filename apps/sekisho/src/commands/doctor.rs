//! `sekisho doctor`: looks at the machine, the configuration, the files and the running switch, and says what to mend.

use super::control::Unreachable;
use super::door::{Door, Which};
use super::health::facts::Facts;
use super::health::questions::{self, Thresholds};
use super::health::{Answer, Verdict, local};
use super::paper::Paper;
use super::table::Table;
use crate::exit;
use crate::run::rehearse;
use serde::Serialize;
use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;

/// What to look at.
#[derive(Debug, clap::Args)]
#[command(after_help = "Exit: 0 nothing is broken · 1 something is")]
pub struct Args {
    #[command(flatten)]
    which: Which,
    /// Look at this alone, repeatable
    #[arg(long, value_name = "GROUP")]
    only: Vec<Group>,
    /// Mend what can be mended safely: the modes of files with secrets. Asks first
    #[arg(long)]
    fix: bool,
    /// Do not ask
    #[arg(long, requires = "fix")]
    yes: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What can be looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
enum Group {
    /// Cores, open files
    System,
    /// The configuration and everything it names
    Config,
    /// Room and syncs where the journal lies
    Disk,
    /// Files with keys in them
    Secrets,
    /// Whether it runs and takes requests
    Switch,
    /// Each line to a host
    Links,
    /// Requests, times, what is owed
    Work,
    /// Totals of ended days, compared with hosts
    Recon,
}

/// One thing looked at.
#[derive(Serialize)]
struct Finding {
    group: Group,
    #[serde(flatten)]
    answer: Answer,
}

/// Looks, and mends where that is wanted.
pub fn run(args: &Args) -> ExitCode {
    let door = match args.which.door() {
        Ok(door) => door,
        Err(failure) => {
            eprintln!("{failure}");
            return ExitCode::from(failure.exit_code());
        }
    };
    if args.fix {
        mend(args, &door);
    }
    let findings = look(args, &door);
    show(args, &findings);
    let is_broken = findings.iter().any(|finding| finding.answer.verdict == Verdict::Critical);
    if is_broken { ExitCode::from(exit::NO) } else { ExitCode::SUCCESS }
}

fn look(args: &Args, door: &Door) -> Vec<Finding> {
    let is_wanted = |group: Group| args.only.is_empty() || args.only.contains(&group);
    let mut findings = Vec::new();
    let mut found = |group, answer: Answer| {
        if is_wanted(group) {
            findings.push(Finding { group, answer: answer.about(door) });
        }
    };
    let facts = Facts::of(door);
    // The machine, the configuration and the files of a switch elsewhere are not these.
    if let Ok(data) = door.data() {
        found(Group::System, local::machine());
        found(Group::Config, configuration(args));
        found(Group::Disk, local::room(data, Thresholds::default()));
        if facts.is_err() && is_wanted(Group::Disk) {
            found(Group::Disk, local::sync_probe(data));
        }
    }
    if let Ok(facts) = &facts {
        // It knows from its own work; a probe would stand in its way.
        found(Group::Disk, questions::journal(facts, Thresholds::default()));
    }
    for path in secrets(args, door) {
        local::secret(&path).into_iter().for_each(|answer| found(Group::Secrets, answer));
    }
    match &facts {
        Ok(facts) => {
            found(Group::Switch, questions::ready(facts));
            found(Group::Switch, questions::recovery(facts));
            for link in &facts.links {
                let answer = questions::link(link);
                found(Group::Links, Answer { said: format!("{}: {}", link.name, answer.said), ..answer });
            }
            let usual = Thresholds { min_count: 20, ..Thresholds::default() };
            found(Group::Work, questions::saf(facts, usual));
            found(Group::Work, questions::exceptions(facts, usual));
            if !facts.reconciliations.is_empty() {
                found(Group::Recon, questions::recon(facts, usual));
            }
            questions::unreadable(facts).into_iter().for_each(|answer| found(Group::Work, answer));
            let latency = questions::latency(facts, usual);
            if latency.verdict != Verdict::Unknown {
                found(Group::Work, latency);
            }
        }
        Err(error) => found(Group::Switch, absent(args, door, error)),
    }
    findings
}

/// No switch answers: is it down, or is somebody in the way?
fn absent(args: &Args, door: &Door, error: &Unreachable) -> Answer {
    let held = door.data().ok().and_then(|data| Some((data, disk::holder(data)?)));
    match held {
        Some((data, holder)) => {
            Answer::new(Verdict::Critical, format!("{error}, yet {holder} holds {}", data.display()))
                .next("it may be starting, or hang: look at its log")
        }
        None if !door.is_here() => Answer::new(Verdict::Critical, error.to_string())
            .next(error.next().unwrap_or("on its machine: sekisho doctor")),
        None if error.is_for_good() => Answer::new(Verdict::Critical, error.to_string())
            .next(error.next().unwrap_or("sekisho status{at}")),
        None => not_started(args, error),
    }
}

/// Nobody runs it: would it start?
fn not_started(args: &Args, error: &Unreachable) -> Answer {
    let critical = |said: String| Answer::new(Verdict::Critical, said);
    let (Some(file), Some(plan)) = (args.which.config_file(), args.which.plan_if_any()) else {
        return critical(error.to_string()).next("name its configuration: sekisho doctor --config FILE");
    };
    let Ok(plan) = plan else {
        return critical(error.to_string()).next("mend its configuration first");
    };
    match rehearse(&plan) {
        Err(why) => critical(format!("it does not run, and would not start: {why}")).next(why.next(&file).1),
        Ok(()) => critical(error.to_string()).next(format!("sekisho run --config {}", file.display())),
    }
}

fn configuration(args: &Args) -> Answer {
    let file = args.which.config_file().unwrap_or_default();
    let checked =
        args.which.plan_if_any().map(|plan| plan.and_then(|plan| plan.check_files(&file).map(|()| plan)));
    match checked {
        Some(Ok(plan)) => match plan.config.warnings().first() {
            None => Answer::ok(plan.summary()),
            Some(first) => Answer::new(Verdict::Warning, first.clone())
                .next(format!("sekisho config check {}   (docs/configuration.md)", file.display())),
        },
        Some(Err(error)) => Answer::new(Verdict::Critical, error.to_string())
            .next(format!("sekisho config check {}", file.display())),
        None => Answer::new(Verdict::Unknown, "no configuration here")
            .next("name it: sekisho doctor --config FILE"),
    }
}

/// Files with secrets that the switch has.
fn secrets(args: &Args, door: &Door) -> Vec<PathBuf> {
    let Ok(data) = door.data() else { return Vec::new() };
    let mut paths = vec![local::journal_key(data)];
    if let Some(Ok(plan)) = args.which.plan_if_any() {
        paths.extend(plan.secret_files());
    }
    paths
}

fn show(args: &Args, findings: &[Finding]) {
    #[derive(Serialize)]
    struct List<'a> {
        object: &'static str,
        data: &'a [Finding],
    }
    let mut paper = Paper::new();
    if args.json {
        return paper.json(&List { object: "list", data: findings });
    }
    let mut table = Table::new(&["", "", ""]);
    for Finding { group, answer } in findings {
        let name = format!("{group:?}").to_lowercase();
        table.row([name, word(answer.verdict).into(), answer.said.clone()]);
        if !answer.next.is_empty() {
            table.row([String::new(), String::new(), format!("next: {}", answer.next)]);
        }
    }
    paper.text(table);
    let count = |verdict| findings.iter().filter(|finding| finding.answer.verdict == verdict).count();
    let (broken, odd) = (count(Verdict::Critical), count(Verdict::Warning) + count(Verdict::Unknown));
    paper.line(match (broken, odd) {
        (0, 0) => "all is well".to_string(),
        (broken, odd) => format!("{odd} to look at, {broken} broken"),
    });
}

const fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Ok => "ok",
        Verdict::Warning => "WARN",
        Verdict::Critical => "FAIL",
        Verdict::Unknown => "?",
    }
}

fn mend(args: &Args, door: &Door) {
    for path in secrets(args, door) {
        let is_open = local::secret(&path).is_some_and(|answer| answer.verdict != Verdict::Ok);
        if !is_open || !(args.yes || agreed(&format!("chmod 600 {}", path.display()))) {
            continue;
        }
        match local::close_secret(&path) {
            Ok(()) => eprintln!("mended: {}", path.display()),
            Err(error) => eprintln!("not mended: {}: {error}", path.display()),
        }
    }
}

fn agreed(what: &str) -> bool {
    if !std::io::stdin().is_terminal() {
        eprintln!("not done, because nobody can be asked (--yes): {what}");
        return false;
    }
    eprint!("{what}? [y/N] ");
    let _ = std::io::stderr().flush();
    let mut said = String::new();
    std::io::stdin().read_line(&mut said).is_ok() && said.trim().eq_ignore_ascii_case("y")
}
