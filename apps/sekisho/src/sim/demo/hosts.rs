//! The hosts of a demo: who they are, and the thread they live on.

use super::world::{DemoError, spawn, wait_for};
use crate::sim::books::HostBooks;
use crate::sim::host::{HostAtWork, HostCounts, HostPlan, Trouble, network};
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

/// Both hosts, on a thread of their own.
pub(super) struct Hosts {
    pub(super) addresses: Vec<SocketAddr>,
    stop: watch::Sender<bool>,
    troubles: mpsc::UnboundedSender<(usize, Trouble)>,
    thread: JoinHandle<Result<Vec<(HostCounts, HostBooks)>, SimError>>,
}

impl Hosts {
    pub(super) fn start(luck: &mut Luck, keeps_postings: bool) -> Result<Self, DemoError> {
        let plans = CAST.iter().map(|cast| cast.plan(luck, keeps_postings)).collect::<Result<Vec<_>, _>>()?;
        let (stop, stopped) = watch::channel(false);
        let (tell, told) = std::sync::mpsc::channel();
        let (troubles, troubled) = mpsc::unbounded_channel();
        let thread = spawn("hosts", move || on_one_thread(serve(plans, tell, stopped, troubled)))?;
        match told.recv() {
            Ok(addresses) => Ok(Self { addresses, stop, troubles, thread }),
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
                let _ = self.troubles.send((at, trouble));
            }
        }
    }

    pub(super) async fn end(self) -> Result<Vec<(HostCounts, HostBooks)>, DemoError> {
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
            speech: Speech::named(self.dialect, None)?,
            rules: rules
                .map_err(|error| SimError::Rules { path: self.name.to_owned(), source: Box::new(error) })?,
            seed: luck.draw(),
            keeps_postings,
        })
    }
}

async fn serve(
    plans: Vec<HostPlan>,
    tell: std::sync::mpsc::Sender<Vec<SocketAddr>>,
    mut stopped: watch::Receiver<bool>,
    mut troubled: mpsc::UnboundedReceiver<(usize, Trouble)>,
) -> Result<Vec<(HostCounts, HostBooks)>, SimError> {
    let net = network(0);
    let names: Vec<LinkName> = plans.iter().map(|plan| LinkName::clipped(plan.name.as_bytes())).collect();
    let hosts: Vec<HostAtWork> = plans.into_iter().map(|plan| plan.open(&net)).collect::<Result<_, _>>()?;
    // Whoever started us may have given up; then `stopped` ends at once.
    let _ = tell.send(hosts.iter().map(HostAtWork::address).collect());
    loop {
        tokio::select! {
            _ = stopped.wait_for(|stop| *stop) => break,
            Some((at, trouble)) = troubled.recv() => hosts[at].set_trouble(trouble).await?,
        }
    }
    let books = hosts.iter().zip(names).map(|(host, name)| {
        let (postings, reversals) =
            host.with_ledger(|ledger| (ledger.postings().to_vec(), ledger.reversals().to_vec()));
        (host.counts(), HostBooks { host: name, postings, reversals })
    });
    Ok(books.collect())
}
