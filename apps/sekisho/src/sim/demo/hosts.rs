//! The hosts of a demo: who they are, and the thread they live on.

use super::center::{CenterEnded, CenterPlan};
use super::security;
use super::world::{DemoError, spawn, wait_for};
use crate::sim::books::HostBooks;
use crate::sim::center;
use crate::sim::host::{HostAtWork, HostCounts, HostPlan, Trouble, network};
use crate::sim::hsm::{HsmAtWork, HsmPlan};
use crate::sim::luck::Luck;
use crate::sim::rules::Rules;
use crate::sim::speech::{SimError, Speech, on_one_thread};
use std::io;
use std::net::SocketAddr;
use std::thread::JoinHandle;
use terms::LinkName;
use tokio::sync::{mpsc, watch};

/// A host of a demo: its name, whose cards it keeps, and how it is.
pub(super) struct Cast {
    pub(super) name: &'static str,
    pub(super) dialect: &'static str,
    pub(super) card_prefix: &'static str,
    /// What its contract says about what it is owed.
    pub(super) contract: &'static str,
    rules: &'static str,
}

pub(super) const CAST: [Cast; 2] = [
    Cast {
        name: "CORE",
        dialect: "iso87-binary",
        card_prefix: "411111",
        contract: "{ tombstones = true }",
        rules: r#"
            delay_us = 3000
            jitter_us = 9000
            opening_balance = 100000000
            [[rule]]
            percent = 2
            code = "wrong_pin"
            [[rule]]
            kind = "withdrawal"
            amount_from = 50000
            percent = 50
            code = "over_amount_limit"
        "#,
    },
    Cast {
        name: "CARDS",
        dialect: "iso93-ascii",
        card_prefix: "555555",
        // It acts on a request as it reads it.
        contract: "{ guard_ms = 3000 }",
        // Now and then it posts and says nothing: somebody has to see what becomes of that.
        rules: r#"
            delay_us = 8000
            jitter_us = 24000
            opening_balance = 100000000
            every = { silent = 150 }
            # It forgets reversals whose requests it has not seen.
            promises = { tombstones = false }
            [[rule]]
            percent = 3
            code = "do_not_honour"
        "#,
    },
];

/// Both hosts and the card centre, on a thread of their own.
pub(super) struct Hosts {
    pub(super) addresses: Vec<SocketAddr>,
    /// Where the security modules listen.
    pub(super) modules: Vec<SocketAddr>,
    stop: watch::Sender<bool>,
    wishes: mpsc::UnboundedSender<Wish>,
    thread: JoinHandle<Result<HostsEnded, SimError>>,
}

/// What is left of them.
pub(super) struct HostsEnded {
    pub(super) hosts: Vec<(HostCounts, HostBooks)>,
    pub(super) center: (CenterEnded, HostBooks),
}

/// What somebody wants of one of them.
enum Wish {
    Trouble(usize, Trouble),
    Center(center::Deed),
    /// That security module is gone; all are back where none is named.
    Module(Option<usize>),
}

impl Hosts {
    /// Begins. What happens to the centre goes to `news`, a line each.
    pub(super) fn start(
        luck: &mut Luck,
        keeps_postings: bool,
        center: CenterPlan,
        news: mpsc::UnboundedSender<String>,
    ) -> Result<Self, DemoError> {
        let plans = CAST.iter().map(|cast| cast.plan(luck, keeps_postings)).collect::<Result<Vec<_>, _>>()?;
        let (stop, stopped) = watch::channel(false);
        let (tell, told) = std::sync::mpsc::channel();
        let (wishes, wished) = mpsc::unbounded_channel();
        let modules = security::plans(luck);
        let work = Work { plans, modules, center, news, stopped, wished };
        let thread = spawn("hosts", move || on_one_thread(work.serve(tell)))?;
        match told.recv() {
            Ok((addresses, modules)) => Ok(Self { addresses, modules, stop, wishes, thread }),
            // It ended before it could say where it listens, and its result says why.
            Err(_) => match thread.join() {
                Ok(Err(error)) => Err(error.into()),
                Ok(Ok(_)) | Err(_) => Err(DemoError::Thread(io::Error::other("the hosts' thread ended"))),
            },
        }
    }

    /// From now on this is wrong with the host of that name, or with all.
    pub(super) fn trouble(&self, name: Option<&str>, trouble: Trouble) {
        for (at, cast) in CAST.iter().enumerate() {
            if name.is_none_or(|name| name == cast.name) {
                // Where their thread is gone, that is found out at the end.
                let _ = self.wishes.send(Wish::Trouble(at, trouble));
            }
        }
    }

    /// That security module is gone; all are back where none is named.
    pub(super) fn module_away(&self, number: Option<usize>) {
        let _ = self.wishes.send(Wish::Module(number));
    }

    /// The card centre does this.
    pub(super) fn center_acts(&self, deed: center::Deed) {
        let _ = self.wishes.send(Wish::Center(deed));
    }

    pub(super) async fn end(self) -> Result<HostsEnded, DemoError> {
        self.stop.send_replace(true);
        wait_for(self.thread).await
    }
}

impl Cast {
    fn plan(&self, luck: &mut Luck, keeps_postings: bool) -> Result<HostPlan, SimError> {
        let rules = Rules::parse(self.rules);
        Ok(HostPlan {
            name: self.name.to_owned(),
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            speech: Speech { secrets: Some(security::host(self.name)), ..Speech::named(self.dialect, None)? },
            rules: rules
                .map_err(|error| SimError::Rules { path: self.name.to_owned(), source: Box::new(error) })?,
            seed: luck.draw(),
            keeps_postings,
        })
    }
}

/// Everything their thread needs.
struct Work {
    plans: Vec<HostPlan>,
    modules: Vec<HsmPlan>,
    center: CenterPlan,
    news: mpsc::UnboundedSender<String>,
    stopped: watch::Receiver<bool>,
    wished: mpsc::UnboundedReceiver<Wish>,
}

impl Work {
    async fn serve(
        mut self,
        tell: std::sync::mpsc::Sender<(Vec<SocketAddr>, Vec<SocketAddr>)>,
    ) -> Result<HostsEnded, SimError> {
        let net = network(0);
        let names: Vec<LinkName> =
            self.plans.iter().map(|plan| LinkName::clipped(plan.name.as_bytes())).collect();
        let hosts: Vec<HostAtWork> =
            self.plans.into_iter().map(|plan| plan.open(&net)).collect::<Result<_, _>>()?;
        let modules = security::open(self.modules, &net)?;
        let center = self.center.open(&net, self.news)?;
        // Whoever started us may have given up; then `stopped` ends at once.
        let addresses = hosts.iter().map(HostAtWork::address).collect();
        let _ = tell.send((addresses, modules.iter().map(HsmAtWork::address).collect()));
        let mut away = [false; security::MODULES];
        loop {
            tokio::select! {
                _ = self.stopped.wait_for(|stop| *stop) => break,
                Some(wish) = self.wished.recv() => match wish {
                    Wish::Trouble(at, trouble) => hosts[at].set_trouble(trouble).await?,
                    Wish::Center(deed) => center.act(deed),
                    Wish::Module(Some(number)) => {
                        if let Some(away) = away.get_mut(number - 1).filter(|away| !**away) {
                            modules[number - 1].die();
                            *away = true;
                        }
                    }
                    Wish::Module(None) => {
                        for (module, away) in modules.iter().zip(&mut away).filter(|(_, away)| **away) {
                            module.revive().await?;
                            *away = false;
                        }
                    }
                },
            }
        }
        let books = hosts.iter().zip(names).map(|(host, name)| {
            let (postings, reversals) =
                host.with_ledger(|ledger| (ledger.postings().to_vec(), ledger.reversals().to_vec()));
            (host.counts(), HostBooks { host: name, postings, reversals })
        });
        Ok(HostsEnded { hosts: books.collect(), center: super::center::ended(&center) })
    }
}
