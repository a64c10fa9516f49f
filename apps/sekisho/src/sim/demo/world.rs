//! The world of a demo: who is in it, how it begins, what can go wrong with it, and how it ends with nothing left
//! under way and nothing owed.

use super::center::{self, CenterEnded, CenterPlan};
use super::faults::Deed;
use super::hosts::{CAST, Hosts, HostsEnded};
use super::security;
use super::switch::{Glance, Switch, SwitchPlan};
use crate::config::ConfigError;
use crate::exit;
use crate::run::{Board, StartError, Stopped, http};
use crate::sim::books::{HostBooks, Lie, LieKind, Verdict, compare};
use crate::sim::cash::Cash;
use crate::sim::customers::{Crowd, Mix};
use crate::sim::host::{HostCounts, Trouble};
use crate::sim::journal_books::{JournalBooks, JournalBooksError, Since};
use crate::sim::luck::Luck;
use crate::sim::mishaps::Mishaps;
use crate::sim::speech::{SimError, Speech, on_one_thread};
use crate::sim::street::{Seen, Sight, StreetPlan};
use crate::sim::terminal::Habits;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, watch};
use tokio::time::sleep;

/// How long terminals wait for the switch to reach its hosts.
const LINKS_WITHIN: Duration = Duration::from_secs(3);

/// How long is waited at the end for what is owed to be paid.
const PAID_WITHIN: Duration = Duration::from_secs(60);

/// No glance at the switch is older.
const GLANCES_AGE_MAX: Duration = Duration::from_millis(500);

/// A world to be played.
#[derive(Clone, Debug)]
pub struct WorldPlan {
    /// Terminals.
    pub atms: usize,
    /// Transactions a second, all together.
    pub tps: f64,
    /// Same seed, same world.
    pub seed: u64,
    /// Where terminals come in.
    pub iso: SocketAddr,
    /// Where the journal lies.
    pub data: PathBuf,
    /// Whether everybody keeps books for comparing.
    pub keeps_books: bool,
    /// The switch as a process of its own, which can be killed, with its status page there.
    pub apart: Option<SocketAddr>,
    /// How long the card centre's day is.
    pub day: Duration,
}

/// A world at play.
pub struct World {
    plan: WorldPlan,
    began: Instant,
    iso: SocketAddr,
    switch: Switch,
    hosts: Hosts,
    center: SocketAddr,
    news: mpsc::UnboundedReceiver<String>,
    cash: Cash,
    seen: Seen,
    stop_street: watch::Sender<bool>,
    street: JoinHandle<Result<(), SimError>>,
}

/// What a world came to.
#[derive(Debug)]
pub struct Ended {
    /// Its seed.
    pub seed: u64,
    /// How long it was played.
    pub lasted: Duration,
    /// What terminals saw.
    pub sight: Sight,
    /// How the switch ended.
    pub stopped: Stopped,
    /// How often it was started.
    pub starts: usize,
    /// By host: its name and what it counted.
    pub hosts: Vec<(&'static str, HostCounts)>,
    /// The card centre.
    pub center: CenterEnded,
    /// What the journal says; `None` where it was not read because nothing was to be compared.
    pub verdict: Option<Verdict>,
    /// Where the journal lies.
    pub data: PathBuf,
}

/// Why a demo cannot be played. For people.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// The directory holds something else.
    #[error("{directory} is not a demo's: name an empty or a new directory with --data", directory = directory.display())]
    NotADemo {
        /// Which.
        directory: PathBuf,
    },
    /// The directory is in use.
    #[error("{directory} is in use by {holder}", directory = directory.display())]
    Held {
        /// Which.
        directory: PathBuf,
        /// By whom.
        holder: String,
    },
    /// The directory cannot be made or emptied.
    #[error("{directory}: {source}", directory = directory.display())]
    Directory {
        /// Which.
        directory: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The switch, as a process of its own.
    #[error("the switch ended or did not start; the last it said:\n{said}")]
    Switch {
        /// The end of its log.
        said: String,
    },
    /// Its process.
    #[error("the process of the switch: {0}")]
    Process(io::Error),
    /// Only a process of its own can be.
    #[error("the switch runs in this process and cannot be killed alone")]
    CannotBeKilled,
    /// The address cannot be had, and neither can the ports above it.
    #[error("cannot listen on {address}: {source}")]
    Address {
        /// Which.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// A fault names a host that is not in it.
    #[error("no host of the demo is called `{name}`: CORE or CARDS")]
    NoSuchHost {
        /// The name given.
        name: String,
    },
    /// The status page.
    #[error(transparent)]
    Page(#[from] http::BindError),
    /// Signals cannot be listened for.
    #[error("cannot listen for signals: {0}")]
    Signals(io::Error),
    /// A thread.
    #[error("cannot start a thread: {0}")]
    Thread(io::Error),
    /// A simulator.
    #[error(transparent)]
    Sim(#[from] SimError),
    /// The switch does not take its configuration.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The switch does not start.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The journal cannot be read back.
    #[error(transparent)]
    Journal(#[from] JournalBooksError),
}

impl DemoError {
    /// What the process ends with.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::NotADemo { .. } | Self::Held { .. } | Self::Directory { .. } | Self::Address { .. } => {
                exit::CANNOT_CREATE
            }
            Self::NoSuchHost { .. } => exit::USAGE,
            Self::Switch { .. }
            | Self::Process(_)
            | Self::CannotBeKilled
            | Self::Page(_)
            | Self::Signals(_)
            | Self::Thread(_)
            | Self::Sim(_)
            | Self::Config(_)
            | Self::Start(_)
            | Self::Journal(_) => exit::NO,
        }
    }
}

impl World {
    /// Begins: hosts, then the switch, then, when its links stand, terminals.
    pub fn start(plan: WorldPlan) -> Result<Self, DemoError> {
        let mut luck = Luck::seeded(plan.seed);
        let center = CenterPlan::new(plan.day, luck.draw(), &plan.data)?;
        let (link, address) = (center.config(), center.address());
        let (tell, news) = mpsc::unbounded_channel();
        let hosts = Hosts::start(&mut luck, plan.keeps_books, center, tell)?;
        let (data, hosts_at) = (plan.data.clone(), hosts.addresses.clone());
        security::install_keys(&plan.data, center::NAME)?;
        let modules = hosts.modules.clone();
        let switch =
            SwitchPlan { data, iso: plan.iso, hosts: hosts_at, modules, center: link, apart: plan.apart };
        let (switch, iso) = switch.start()?;
        wait_for_links(&switch);
        let cash = Cash::default();
        let street = street_plan(&plan, iso, cash.clone(), &mut luck)?;
        let (seen, (stop_street, stopped)) = (Seen::default(), watch::channel(false));
        let theirs = seen.clone();
        let street = spawn("terminals", move || {
            on_one_thread(async {
                street.run(theirs, stopped).await;
                Ok(())
            })
        })?;
        let began = Instant::now();
        Ok(Self { plan, began, iso, switch, hosts, center: address, news, cash, seen, stop_street, street })
    }

    /// Its plan.
    pub fn plan(&self) -> &WorldPlan {
        &self.plan
    }

    /// Where terminals come in.
    pub fn iso(&self) -> SocketAddr {
        self.iso
    }

    /// The switch's figures, where it runs in this process.
    pub fn board(&self) -> Option<&Board> {
        self.switch.board()
    }

    /// The switch's process, where it has one of its own.
    pub fn process(&self) -> Option<u32> {
        self.switch.process()
    }

    /// How the switch is.
    pub(super) fn glance(&self) -> Option<Glance> {
        self.switch.glance()
    }

    /// What terminals have seen.
    pub fn seen(&self) -> &Seen {
        &self.seen
    }

    /// Hosts with what they speak and where they listen.
    pub fn hosts(&self) -> impl Iterator<Item = (&'static str, &'static str, SocketAddr)> {
        let hosts = CAST.iter().zip(&self.hosts.addresses);
        let hosts = hosts.map(|(cast, address)| (cast.name, cast.dialect, *address));
        hosts.chain([(center::NAME, center::DIALECT, self.center)])
    }

    /// What has happened to the card centre since the last time.
    pub fn news(&mut self) -> Vec<String> {
        std::iter::from_fn(|| self.news.try_recv().ok()).collect()
    }

    /// Since it began.
    pub fn age(&self) -> Duration {
        self.began.elapsed()
    }

    /// Does something to it.
    pub fn suffer(&mut self, deed: &Deed) -> Result<(), DemoError> {
        match deed {
            Deed::SwitchKill => self.switch.kill()?,
            Deed::Host(trouble, name) => self.hosts.trouble(name.as_deref(), *trouble),
            Deed::Center(deed) => self.hosts.center_acts(*deed),
            Deed::HsmAway(number) => self.hosts.module_away(Some(*number)),
            Deed::CashOut(terminal) => self.cash.run_short(*terminal),
            Deed::Heal => {
                self.hosts.trouble(None, Trouble::None);
                self.hosts.module_away(None);
                self.cash.refill();
            }
        }
        Ok(())
    }

    /// Whether somebody ended who should not have.
    pub fn has_failed(&mut self) -> bool {
        self.switch.has_ended() || self.street.is_finished()
    }

    /// Ends in order: hosts are well again, terminals finish, what is owed is paid, the switch drains, hosts
    /// close; then all books are compared where they were kept.
    pub async fn end(self) -> Result<Ended, DemoError> {
        let Self { plan, began, switch, hosts, seen, stop_street, street, .. } = self;
        let lasted = began.elapsed();
        hosts.trouble(None, Trouble::None);
        hosts.module_away(None);
        stop_street.send_replace(true);
        wait_for(street).await?;
        if plan.keeps_books {
            wait_until_settled(&switch).await;
        }
        let starts = switch.starts();
        let stopped = switch.drain().await?;
        let HostsEnded { hosts, center: (center, center_books) } = hosts.end().await?;
        center::keep_day(&plan.data, &center);
        let sight = seen.with(|sight| sight.clone());
        let books = hosts.iter().map(|(_, books)| books.clone()).chain([center_books]).collect();
        let verdict = match plan.keeps_books {
            true => Some(verdict(&plan.data, starts, &sight, books)?),
            false => None,
        };
        let hosts = CAST.iter().zip(hosts).map(|(cast, (counts, _))| (cast.name, counts)).collect();
        Ok(Ended { seed: plan.seed, lasted, sight, stopped, starts, hosts, center, verdict, data: plan.data })
    }
}

impl Ended {
    /// Whether it ended in order, nobody signed on any more, and, where that is wanted, with all books in agreement.
    pub fn is_good(&self, books_wanted: bool) -> bool {
        // Books that nothing stands in agree about nothing.
        let agree = |verdict: &Verdict| verdict.is_clean() && verdict.told_approved.count > 0;
        let agree = self.verdict.as_ref().map_or(!books_wanted, agree);
        self.stopped == Stopped::Drained && self.center.is_signed_off && agree
    }
}

/// A host that does not come is shown as down, and terminals begin all the same.
fn wait_for_links(switch: &Switch) {
    let deadline = Instant::now() + LINKS_WITHIN;
    while !switch.glance().is_some_and(|glance| glance.links_up) && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// What is owed when this gives up is found by whoever compares. A glance may be a little old, so it has to stay
/// the same for longer than that.
async fn wait_until_settled(switch: &Switch) {
    let deadline = Instant::now() + PAID_WITHIN;
    let mut unsettled = Instant::now();
    while Instant::now() < deadline && unsettled.elapsed() < GLANCES_AGE_MAX {
        if !switch.glance().is_some_and(|glance| glance.is_settled()) {
            unsettled = Instant::now();
        }
        sleep(Duration::from_millis(20)).await;
    }
}

fn verdict(
    data: &Path,
    starts: usize,
    sight: &Sight,
    mut hosts: Vec<HostBooks>,
) -> Result<Verdict, DemoError> {
    let journal = JournalBooks::read(data, Since::LastOpenings(starts))?;
    for books in &mut hosts {
        // What an earlier demo still owed was paid in this one.
        let host = books.host;
        books.postings.retain(|posting| !journal.earlier.contains(&(host, posting.key)));
        books.reversals.retain(|reversal| !journal.earlier.contains(&(host, reversal.key)));
    }
    let mut verdict = compare(&sight.view, &journal.decisions, &hosts);
    verdict.taken_back_before = journal.taken_back_before;
    if journal.placeless > 0 {
        let request = format!("{} items for people name no transaction", journal.placeless);
        verdict.lies.push(Lie { kind: LieKind::NobodyAsked, request });
    }
    Ok(verdict)
}

fn street_plan(
    plan: &WorldPlan,
    iso: SocketAddr,
    cash: Cash,
    luck: &mut Luck,
) -> Result<StreetPlan, SimError> {
    let prefixes = CAST.iter().map(|cast| cast.card_prefix).chain([center::CARD_PREFIX]);
    let prefixes = prefixes.map(str::to_owned).collect();
    Ok(StreetPlan {
        habits: Habits {
            address: iso,
            speech: Speech { secrets: Some(security::terminals()), ..Speech::named("iso87-ascii", None)? },
            one_shot: false,
            // Longer than the switch waits for a host, as the trade has it.
            answer_timeout: Duration::from_secs(5),
            repeats_max: 2,
            insists_max: 60,
            cash,
            mishaps: Mishaps::now_and_then(),
        },
        terminals: plan.atms,
        tps: plan.tps,
        crowd: Crowd::new(Mix::with_transfers(), prefixes, 1_000, luck.fork()),
        luck: luck.fork(),
        keeps_view: plan.keeps_books,
    })
}

pub(super) fn spawn<T: Send + 'static>(
    name: &str,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<JoinHandle<T>, DemoError> {
    std::thread::Builder::new().name(name.to_owned()).spawn(work).map_err(DemoError::Thread)
}

/// Waits for a thread without stopping this one's other work.
pub(super) async fn wait_for<T: Send + 'static>(
    thread: JoinHandle<Result<T, SimError>>,
) -> Result<T, DemoError> {
    let joined = tokio::task::spawn_blocking(|| thread.join()).await;
    match joined {
        Ok(Ok(result)) => Ok(result?),
        Ok(Err(_)) | Err(_) => Err(DemoError::Thread(io::Error::other("a thread of the demo panicked"))),
    }
}
