//! Questions to a running switch, each with the thresholds that hold when nobody names others.

use super::facts::Facts;
use super::{Answer, Figure, Verdict};
use crate::commands::link::door::standing;
use crate::commands::saf::span;
use crate::run::links::LinkJson;

/// Thresholds somebody named.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Thresholds {
    pub(crate) warn: Option<f64>,
    pub(crate) critical: Option<f64>,
    /// Below so many transactions a share says nothing.
    pub(crate) min_count: u64,
}

impl Thresholds {
    fn figure(self, name: &'static str, value: f64, unit: &'static str, usual: (f64, f64)) -> Figure {
        let (warn, critical) = (self.warn.unwrap_or(usual.0), self.critical.unwrap_or(usual.1));
        Figure { name, value, unit, warn, critical }
    }
}

/// Whether it takes requests.
pub(crate) fn ready(facts: &Facts) -> Answer {
    let (status, recovery) = (&facts.status, &facts.recovery);
    match (status.state.as_str(), recovery.state.as_str()) {
        ("running", "needed") => Answer::new(Verdict::Critical, "it waits for a person to begin recovery")
            .next("sekisho recovery --plan{at}, then sekisho recovery run{at}"),
        ("running", _) if !status.durable => {
            Answer::new(Verdict::Critical, "it runs without syncing: nothing is durable")
                .next("start it again without --unsafe-no-sync")
        }
        ("running", _) if status.takes_none_because.as_deref() == Some("no_room") => {
            let turned_away = status.transactions.turned_away;
            let said =
                format!("its disk is full: it declines every new request, {turned_away} since the start");
            Answer::new(Verdict::Critical, said)
                .next("make room, it goes on by itself: sekisho check disk{at}")
        }
        ("running", _) => Answer::ok(format!("running since {}", status.started_at)),
        (state, _) => Answer::new(Verdict::Critical, format!("it is {state}"))
            .next("look at its log, then: sekisho run"),
    }
}

/// One link.
pub(crate) fn link(link: &LinkJson) -> Answer {
    let some_lost = link.connections < link.connections_wanted;
    match (link.open, link.state.as_str()) {
        (true, _) if some_lost => Answer::new(Verdict::Warning, standing(link)),
        (true, _) => Answer::ok(standing(link)),
        // Somebody wanted it so.
        (false, "maintenance" | "signed-off" | "draining") => Answer::new(Verdict::Warning, standing(link)),
        (false, _) => Answer::new(Verdict::Critical, standing(link)),
    }
    .next(match link.state.as_str() {
        "maintenance" | "draining" => format!("sekisho link ready {}{{at}}", link.name),
        "signed-off" => format!("sekisho link sign-on {}{{at}}", link.name),
        _ => format!("sekisho link show {}{{at}}", link.name),
    })
}

/// Messages owed to hosts that wait.
pub(crate) fn saf(facts: &Facts, thresholds: Thresholds) -> Answer {
    let pending = facts.status.transactions.pending;
    let figure = thresholds.figure("pending", pending as f64, "", (100.0, 1_000.0));
    Answer::measured(figure, format!("{pending} messages owed to hosts wait")).next("sekisho saf ls{at}")
}

/// Items in front of a person since the start.
pub(crate) fn exceptions(facts: &Facts, thresholds: Thresholds) -> Answer {
    let count = facts.status.transactions.exceptions;
    let figure = thresholds.figure("exceptions", count as f64, "", (1.0, 10.0));
    Answer::measured(figure, format!("{count} items for a person since the start"))
        .next("sekisho journal ls --kind exception{files}")
}

/// Of what a host answered, the share it approved.
pub(crate) fn approval_rate(facts: &Facts, thresholds: Thresholds) -> Answer {
    let counts = &facts.status.transactions;
    let asked = counts.approved + counts.refused + counts.unknown;
    if asked < thresholds.min_count.max(1) {
        return Answer::new(
            Verdict::Unknown,
            format!("{asked} requests since the start are too few to judge"),
        );
    }
    let percent = counts.approved as f64 * 100.0 / asked as f64;
    let figure = thresholds.figure("approved", percent, "%", (80.0, 50.0));
    let others = match counts.turned_away {
        0 => String::new(),
        turned_away => format!("; {turned_away} more asked no host: the switch took nothing new"),
    };
    Answer::measured(figure, format!("{percent:.1} % of {asked} requests since the start approved{others}"))
        .next("sekisho txn ls{files}")
}

/// Messages nobody could read: one or two are somebody's mistake, all of them a dialect that is not the peer's.
pub(crate) fn unreadable(facts: &Facts) -> Option<Answer> {
    let counts = &facts.status.transactions;
    let (hosts, sources) = (counts.garbled, counts.unreadable);
    (hosts + sources > 0).then(|| {
        let said =
            format!("since the start {hosts} messages of hosts and {sources} of sources could not be read");
        Answer::new(Verdict::Warning, said)
            .next("is the dialect the peer's? what it sent: sekisho status --json{at}   (specimens)")
    })
}

/// How long no source has asked anything.
pub(crate) fn silence(facts: &Facts, thresholds: Thresholds) -> Answer {
    let Some(ms) = facts.status.transactions.silent_ms else {
        return Answer::new(Verdict::Unknown, "nobody has asked anything since the start");
    };
    let figure = thresholds.figure("silence", ms as f64 / 1_000.0, "s", (3_600.0, 14_400.0));
    Answer::measured(figure, format!("the last request came {} ago", span(ms as i64)))
        .next("sekisho txn tail{files}   are the terminals connected?")
}

/// From question to decision.
pub(crate) fn latency(facts: &Facts, thresholds: Thresholds) -> Answer {
    let latency = &facts.status.decision_us;
    if latency.count < thresholds.min_count.max(1) {
        let said = format!("{} requests since the start are too few to judge", latency.count);
        return Answer::new(Verdict::Unknown, said);
    }
    let (p50, p99) = (latency.p50 as f64 / 1_000.0, latency.p99 as f64 / 1_000.0);
    let figure = thresholds.figure("p99", p99, "ms", (2_000.0, 5_000.0));
    Answer::measured(
        figure,
        format!("from question to decision {p50:.1} ms median, {p99:.1} ms at 99 of 100"),
    )
    .next("sekisho link ls{at}   which host is slow?")
}

/// Recovery after an unclean stop.
pub(crate) fn recovery(facts: &Facts) -> Answer {
    let recovery = &facts.recovery;
    match recovery.state.as_str() {
        "needed" => Answer::new(Verdict::Critical, "it waits for a person to begin recovery")
            .next("sekisho recovery --plan{at}, then sekisho recovery run{at}"),
        "running" => Answer::new(Verdict::Warning, format!("{} messages are left to be sent", recovery.left))
            .next("sekisho recovery{at}"),
        "done" => Answer::ok(format!("recovery is done: {} were in flight", recovery.was_in_flight)),
        _ => Answer::ok("no recovery is needed: the last stop was in order"),
    }
}

/// Security modules.
pub(crate) fn hsm(facts: &Facts) -> Answer {
    let modules = &facts.status.hsm.data;
    let sick: Vec<String> = (modules.iter().filter(|module| module.state != "well"))
        .map(|module| format!("{} is {}", module.name, module.state.replace('_', "-")))
        .collect();
    match (modules.len(), sick.len()) {
        (0, _) => Answer::ok("there are none: nothing is authenticated, no PIN is moved"),
        (all, 0) => Answer::ok(format!("{all} well")),
        (all, sick_ones) if sick_ones == all => {
            Answer::new(Verdict::Critical, format!("none is well: {}", sick.join(", ")))
                .next("sekisho hsm ls{at}")
        }
        _ => Answer::new(Verdict::Warning, sick.join(", ")).next("sekisho hsm ls{at}"),
    }
}

/// Whether the totals of ended days agree with their hosts'.
pub(crate) fn recon(facts: &Facts, thresholds: Thresholds) -> Answer {
    let is = |states: &[&str]| {
        let all = facts.reconciliations.iter();
        all.filter(|one| states.contains(&one.state.as_str())).collect::<Vec<_>>()
    };
    let (wrong, to_come) = (is(&["out-of-balance", "refused"]), is(&["open", "due", "asked"]).len());
    let figure = thresholds.figure("unbalanced", wrong.len() as f64, "", (1.0, 5.0));
    let balanced = is(&["balanced"]).len();
    let said = match wrong.last() {
        None => format!("{balanced} days balance, {to_come} are to come"),
        Some(last) => format!(
            "{} days do not balance, the last {} with {}: {}",
            wrong.len(),
            last.business_date,
            last.link,
            last.state
        ),
    };
    Answer::measured(figure, said).next("sekisho recon status{at}")
}

/// Whether everything in it can be read, whether there is room for more, and what syncing costs.
pub(crate) fn journal(facts: &Facts, thresholds: Thresholds) -> Answer {
    let journal = &facts.status.journal;
    if !facts.status.durable {
        return Answer::new(Verdict::Critical, "it runs without syncing: nothing is durable")
            .next("start it again without --unsafe-no-sync");
    }
    if matches!(journal.verified.state.as_str(), "damaged" | "unread") {
        let said = format!(
            "what stands before the snapshot of its start is not as it was written: {}; business goes on",
            journal.verified.said
        );
        return Answer::new(Verdict::Critical, said)
            .next("keep the files; sekisho journal verify{files}   then \"After a crash\" in docs/guide.md");
    }
    if journal.cannot_make_room {
        let ready = journal.segments_ready;
        let said = format!("no room for another segment of the journal, {ready} stand ready");
        let verdict = if ready == 0 { Verdict::Critical } else { Verdict::Warning };
        return Answer::new(verdict, said).next("make room, it goes on by itself: sekisho check disk{at}");
    }
    let mean = journal.sync_us_mean as f64 / 1_000.0;
    let figure = thresholds.figure("sync", mean, "ms", (20.0, 100.0));
    let longest = journal.sync_us_max as f64 / 1_000.0;
    let said = format!(
        "{} records in {}, a sync takes {mean:.1} ms, the longest took {longest:.1} ms",
        journal.records, journal.dir
    );
    Answer::measured(figure, said).next("is the disk shared or failing?")
}
