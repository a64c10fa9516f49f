//! Days as people see them: our own, those of hosts, and what became of comparing their totals.

use book::{Bucket, Class, Totals};
use journal::Compared;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use switch::{CannotCutOver, CannotReconcile, DaySeen, Lane, Moves, ReconSeen, Reconciliation};
use terms::{Balance, BusinessDate, Figure, LinkName, Now, Statement, Tally, Text};
use tokio::sync::oneshot;

/// What the lane is asked about days.
pub enum DayCommand {
    /// Show them.
    Show {
        /// Where they go.
        answer: oneshot::Sender<DaysJson>,
    },
    /// A person moves our own day.
    CutOver {
        /// Who.
        by: Text<24>,
        /// Where it is said when it is durable.
        answer: oneshot::Sender<Result<DaysJson, CannotCutOver>>,
    },
    /// Show comparisons.
    Reconciliations {
        /// Where they go.
        answer: oneshot::Sender<Vec<ReconJson>>,
    },
    /// A person wants totals compared now, or once more.
    Reconcile {
        /// With whom.
        link: LinkName,
        /// Which day.
        date: BusinessDate,
        /// Who.
        by: Text<24>,
        /// Where it is said when it is durable.
        answer: oneshot::Sender<Result<Vec<ReconJson>, CannotReconcile>>,
    },
    /// Show what the lane has counted.
    Totals {
        /// Where it goes, when all that is counted in it is durable.
        answer: oneshot::Sender<CountedJson>,
    },
}

/// `/v1/days`. Fields are added to it, never changed.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct DaysJson {
    /// `days`.
    pub object: String,
    /// Ours; `null` where the switch keeps none.
    pub own: Option<OwnJson>,
    /// Each host's.
    pub links: Vec<LinkDayJson>,
}

/// Our own day.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct OwnJson {
    /// Which it is.
    pub business_date: String,
    /// Since when, UTC.
    pub since: String,
    /// `by_schedule`, `by_order` or `with LINK`.
    pub moves: String,
    /// By schedule: local time of day, `HH:MM`.
    pub schedule: Option<String>,
    /// By schedule: when it moves next, local time.
    pub next_at: Option<String>,
    /// Who moved it last: a person, `schedule` or a link.
    pub by: String,
}

/// A host's day.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct LinkDayJson {
    /// Whose.
    pub link: String,
    /// Which it is, where it is known.
    pub business_date: Option<String>,
    /// How far its change is: `open`, `cutover-asked` or `cutting-over`.
    pub stage: String,
    /// Who moves it: `calendar` or `host`.
    pub moved_by: String,
    /// Local time of day at which the host is asked for its next day, `HH:MM`.
    pub ask_cutover_at: Option<String>,
    /// From the end of its day to its totals; `null` where none are compared.
    pub reconcile_after_ms: Option<u32>,
}

/// How the comparison of one day in one currency stands. Fields are added to it, never changed.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct ReconJson {
    /// `reconciliation`.
    pub object: String,
    /// With whom.
    pub link: String,
    /// Which day.
    pub business_date: String,
    /// When it ended, UTC.
    pub ended_at: String,
    /// In which currency; `null` before the totals stand.
    pub currency: Option<String>,
    /// `not-compared` (the link compares none), `not-asked-for` (it did not when that day ended), `open`, `due`,
    /// `asked`, `balanced`, `out-of-balance` or `refused`.
    pub state: String,
    /// While it is open: until the totals go out, 0 where they wait for what is open.
    pub in_ms: Option<u64>,
    /// How often ours were sent since somebody wanted it.
    pub attempts: u32,
    /// When it was compared, UTC.
    pub compared_at: Option<String>,
    /// Whether the host had asked.
    pub asked_by_peer: bool,
    /// The characters of its answer's code.
    pub wire_code: String,
    /// What we said, figure by figure.
    pub ours: BTreeMap<String, i128>,
    /// What the host said.
    pub theirs: BTreeMap<String, i128>,
    /// Ours less theirs, where both say a figure and differ.
    pub differences: BTreeMap<String, i128>,
}

/// `/v1/totals`: what the lane has counted, up to a record of the journal.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct CountedJson {
    /// `totals`.
    pub object: String,
    /// The last record that is counted in it.
    pub upto: u64,
    /// Day by day.
    pub data: Vec<CountedDay>,
}

/// What was counted on one day with one host in one currency, as it is kept.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub struct CountedDay {
    /// The host.
    pub link: String,
    /// The day.
    pub business_date: String,
    /// The currency.
    pub currency: String,
    /// What came after the totals of that day stood; counted under another day as well.
    pub late: bool,
    /// Done, by class: count and amount.
    pub done: BTreeMap<String, (u64, u128)>,
    /// Undone, by the class of what was undone.
    pub undone: BTreeMap<String, (u64, u128)>,
    /// Not decided yet.
    pub open: (u64, u128),
    /// Nobody knows.
    pub unknown: (u64, u128),
    /// Nobody knew, and it was undone.
    pub cancelled: (u64, u128),
    /// Left to a person.
    pub exceptions: u64,
}

impl DaysJson {
    pub(crate) fn of(lane: &Lane, now: Now) -> Self {
        let links = lane.days_seen().iter().map(LinkDayJson::of).collect();
        Self { object: "days".into(), own: OwnJson::of(lane, now), links }
    }
}

impl OwnJson {
    pub(crate) fn of(lane: &Lane, now: Now) -> Option<Self> {
        let own = lane.own_day()?;
        let (moves, at_s) = match own.moves {
            Moves::BySchedule { at_s } => ("by_schedule".to_owned(), Some(at_s)),
            Moves::ByOrder => ("by_order".into(), None),
            Moves::With(link) => {
                let (links, _) = lane.names();
                (format!("with {}", links.get(usize::from(link.0)).copied().unwrap_or_default()), None)
            }
        };
        let local = now.local();
        let next = |at_s: u32| {
            let date = if local.second_of_day < at_s { local.date } else { local.date.next() };
            format!("{date} {}", time_of_day(at_s))
        };
        Some(Self {
            business_date: own.date.to_string(),
            since: own.since.to_string(),
            moves,
            schedule: at_s.map(time_of_day),
            next_at: at_s.map(next),
            by: own.by.to_string(),
        })
    }
}

impl LinkDayJson {
    fn of(seen: &DaySeen) -> Self {
        Self {
            link: seen.link.to_string(),
            business_date: seen.date.map(|date| date.to_string()),
            stage: seen.stage.name().into(),
            moved_by: if seen.is_calendar { "calendar" } else { "host" }.into(),
            ask_cutover_at: seen.ask_at_s.map(time_of_day),
            reconcile_after_ms: seen.reconcile_after_ms,
        }
    }
}

impl ReconJson {
    pub(crate) fn all(lane: &Lane, now: Now) -> Vec<Self> {
        lane.reconciliations(now.instant).iter().map(Self::of).collect()
    }

    fn of(seen: &ReconSeen) -> Self {
        let compared = seen.compared.as_ref();
        let nothing = Statement::default();
        let sides = compared.map_or((&nothing, &nothing), |Compared { ours, theirs, .. }| (ours, theirs));
        let figures =
            |said: &Statement| said.iter().map(|(figure, value)| (figure.name().into(), value)).collect();
        Self {
            object: "reconciliation".into(),
            link: seen.link.to_string(),
            business_date: seen.date.to_string(),
            ended_at: seen.ended_at.to_string(),
            currency: seen.currency.map(|currency| currency.to_string()),
            state: seen.standing.name().into(),
            in_ms: match seen.standing {
                Reconciliation::Waiting { in_ms } => Some(in_ms),
                _ => None,
            },
            attempts: seen.attempts,
            compared_at: compared.map(|compared| compared.at.to_string()),
            asked_by_peer: compared.is_some_and(|compared| compared.asked_by_peer),
            wire_code: compared.map_or_else(String::new, |compared| compared.wire_code.to_string()),
            ours: figures(sides.0),
            theirs: figures(sides.1),
            differences: (sides.0.differences(sides.1))
                .map(|(figure, ours, theirs)| (figure.name().into(), ours - theirs))
                .collect(),
        }
    }

    /// Whether it ended before the contract had totals compared, and nobody wanted it since.
    pub(crate) fn is_not_asked_for(&self) -> bool {
        self.state == Reconciliation::NotAskedFor.name()
    }

    /// Whether the last comparison found both sides the same.
    pub fn is_balanced(&self) -> bool {
        self.state == Balance::Balanced.name()
    }
}

/// How comparisons with one host in one currency stand, over all ended days at hand.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ReconStatus {
    /// With whom.
    pub link: String,
    /// In which currency; empty where no totals stand yet.
    pub currency: String,
    /// Days that are out of balance, or that the host would not compare.
    pub unbalanced: u64,
    /// Days whose comparison is under way or to come.
    pub open: u64,
    /// Figures both sides say and differ in: by so many messages.
    pub difference_count: u64,
    /// The same of amounts, in minor units.
    pub difference_minor_units: u64,
}

impl ReconStatus {
    pub(crate) fn all(lane: &Lane, now: Now) -> Vec<Self> {
        let mut all: BTreeMap<(String, String), Self> = BTreeMap::new();
        for day in ReconJson::all(lane, now) {
            let (link, currency) = (day.link.clone(), day.currency.clone().unwrap_or_default());
            let known = Self { link: link.clone(), currency: currency.clone(), ..Self::default() };
            let status = all.entry((link, currency)).or_insert(known);
            status.unbalanced += u64::from(matches!(day.state.as_str(), "out-of-balance" | "refused"));
            status.open += u64::from(matches!(day.state.as_str(), "open" | "due" | "asked"));
            for (figure, difference) in &day.differences {
                let by = u64::try_from(difference.unsigned_abs()).unwrap_or(u64::MAX);
                // The net follows from the others.
                let into = match Figure::named(figure) {
                    Some(Figure::Net) | None => continue,
                    Some(figure) if figure.is_amount() => &mut status.difference_minor_units,
                    Some(_) => &mut status.difference_count,
                };
                *into = into.saturating_add(by);
            }
        }
        all.into_values().collect()
    }
}

impl CountedDay {
    /// One bucket of a book.
    pub(crate) fn of(bucket: &Bucket, totals: &Totals, late: bool, link: String) -> Self {
        let pair = |tally: Tally| (tally.count, tally.sum);
        let by_class = |of: &dyn Fn(Class) -> Tally| {
            let some = Class::ALL.into_iter().filter(|class| !of(*class).is_empty());
            some.map(|class| (class.name().to_owned(), pair(of(class)))).collect()
        };
        Self {
            link,
            business_date: bucket.date.to_string(),
            currency: bucket.currency.to_string(),
            late,
            done: by_class(&|class| totals.done(class)),
            undone: by_class(&|class| totals.undone(class)),
            open: pair(totals.open),
            unknown: pair(totals.unknown),
            cancelled: pair(totals.cancelled),
            exceptions: totals.exceptions,
        }
    }

    /// Everything in a book, with names of links.
    pub(crate) fn all(book: &book::Book, name: impl Fn(terms::LinkId) -> String) -> Vec<Self> {
        let of = |late| move |(bucket, totals): (&Bucket, &Totals)| (*bucket, *totals, late);
        let buckets = book.totals().map(of(false)).chain(book.late().map(of(true)));
        let counted = buckets.filter(|(_, totals, _)| *totals != Totals::default());
        counted.map(|(bucket, totals, late)| Self::of(&bucket, &totals, late, name(bucket.link))).collect()
    }
}

fn time_of_day(at_s: u32) -> String {
    format!("{:02}:{:02}", at_s / 3_600, at_s / 60 % 60)
}
