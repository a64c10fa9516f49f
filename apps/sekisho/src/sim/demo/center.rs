//! The card centre of a demo: it calls and is called back, is signed on to, and changes its day now and then.

use super::security;
use crate::sim::books::HostBooks;
use crate::sim::center::{CenterAtWork, CenterCounts, CenterToml, Deed};
use crate::sim::ledger::Sum;
use crate::sim::port::lasting_address;
use crate::sim::speech::SimError;
use net::Net;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;
use terms::LinkName;
use tokio::sync::mpsc;

/// Its name, which is its link's.
pub(super) const NAME: &str = "CENTER";
/// What it speaks.
pub(super) const DIALECT: &str = "card-center";
/// Whose cards it keeps.
pub(super) const CARD_PREFIX: &str = "622848";
/// Where it keeps its day from one demo to the next.
const DAY_FILE: &str = "center-day";
/// Connections it calls with, each of which is called back.
const PAIRS: u16 = 2;

/// Where a centre is called back, where it calls, and how long its day is.
#[derive(Clone, Debug)]
pub(super) struct CenterPlan {
    listen: SocketAddr,
    calls: SocketAddr,
    day: Duration,
    seed: u64,
    /// The day it begins with: the one it ended with the last time.
    date: Option<String>,
}

/// What a centre's day came to.
#[derive(Clone, Debug, Default)]
pub struct CenterEnded {
    /// What it counted.
    pub counts: CenterCounts,
    /// What it posted.
    pub posted: Sum,
    /// Its business day.
    pub date: String,
    /// Whether nobody was signed on at the end.
    pub is_signed_off: bool,
}

impl CenterPlan {
    /// A centre whose day lasts so long. Where an earlier demo was played there, it goes on with that day.
    pub(super) fn new(day: Duration, seed: u64, data: &Path) -> Result<Self, SimError> {
        let free = || {
            lasting_address(Ipv4Addr::LOCALHOST.into()).map_err(SimError::system("cannot find a free port"))
        };
        let date = fs::read_to_string(data.join(DAY_FILE)).ok().map(|date| date.trim().to_owned());
        Ok(Self { listen: free()?, calls: free()?, day, seed, date })
    }

    /// Where it is called back.
    pub(super) fn address(&self) -> SocketAddr {
        self.listen
    }

    /// The link to it, and the route, as a person would have written them.
    pub(super) fn config(&self) -> String {
        let Self { listen, calls, .. } = self;
        format!(
            "\n[[link]]\nname = \"{NAME}\"\ndial = \"{listen}\"\ndialect = \"{DIALECT}\"\nreply_timeout_ms = 2000\n\
             reconnect_ms = 500\nforward = {{ reply_timeout_ms = 1000, repeat_ms = 2000 }}\n\
             host = {{ tombstones = true, business_day = \"told\", deposits = \"reverse\", days_ahead_max = 366 }}\n\
             pairs = {{ listen = \"{calls}\", count = {PAIRS} }}\n\
             timers = {{ t800_ms = 2000, t801_ms = 2000, t802_ms = 2000, t500_ms = 2000 }}\n\
             reconciliation = {{ currency = 392, reconcile_after_ms = 1000, repeat_ms = 1000, says = {{ \
             receiver_id = \"12345678901\" }} }}\n\
             management = {{ sign_on = \"automatic\", sign_on_retry_ms = 500, says = {{ acquirer_id = \
             \"12345678901\" }} }}\n\
             {}\n[[route]]\nprefix = \"{}\"\nlink = \"{NAME}\"\n",
            security::OF_CENTER,
            &CARD_PREFIX[..1]
        )
    }

    /// Opens on this thread's network. What happens to it goes to `tell`, a line each.
    pub(super) fn open(
        &self,
        net: &Net,
        tell: mpsc::UnboundedSender<String>,
    ) -> Result<CenterAtWork, SimError> {
        let Self { listen, calls, seed, .. } = self;
        let date = self.date.as_ref().map_or(String::new(), |date| format!("business_date = \"{date}\"\n"));
        let script = format!(
            "dialect = \"{DIALECT}\"\nlisten = \"{listen}\"\ncalls = \"{calls}\"\ncall_count = {PAIRS}\n\
             call_again_ms = 200\nseed = {seed}\n{date}\
             [business]\ndelay_us = 5000\njitter_us = 15000\nopening_balance = 100000000\n\
             [[business.rule]]\npercent = 2\ncode = \"do_not_honour\"\n"
        );
        let script = CenterToml::parse(&script)
            .map_err(|error| SimError::Rules { path: NAME.into(), source: Box::new(error) })?;
        // Whoever listened may have gone, and misses nothing then.
        let center = CenterAtWork::open(script, net, move |line: &str| drop(tell.send(line.to_owned())))?;
        tokio::task::spawn_local(keep_its_day(center.clone(), self.day));
        Ok(center)
    }
}

/// It ends its day by its own clock, once somebody is there to hear it.
async fn keep_its_day(center: CenterAtWork, day: Duration) {
    loop {
        tokio::time::sleep(day).await;
        while !center.is_signed_on() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        center.act(Deed::Cutover);
    }
}

/// Keeps its day for the next demo.
pub(super) fn keep_day(data: &Path, ended: &CenterEnded) {
    // Without it the next demo begins with today, and the switch says that this day was before.
    let _ = fs::write(data.join(DAY_FILE), &ended.date);
}

/// What is left of it.
pub(super) fn ended(center: &CenterAtWork) -> (CenterEnded, HostBooks) {
    let (postings, reversals) =
        center.with_ledger(|ledger| (ledger.postings().to_vec(), ledger.reversals().to_vec()));
    let ended = CenterEnded {
        counts: center.counts(),
        posted: center.with_ledger(|ledger| ledger.posted()),
        date: center.date().to_string(),
        is_signed_off: !center.is_signed_on(),
    };
    (ended, HostBooks { host: LinkName::clipped(NAME.as_bytes()), postings, reversals })
}
