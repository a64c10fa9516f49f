use sekisho::sim::books::{Asked, HostBooks, Verdict, compare};
use sekisho::sim::host::{HostPlan, Trouble, network};
use sekisho::sim::journal_books::{JournalBooks, Since};
use sekisho::sim::rules::Rules;
use sekisho::sim::speech::{SimError, Speech, on_one_thread};
use std::net::SocketAddr;
use std::path::Path;
use std::thread::JoinHandle;
use terms::LinkName;
use tokio::sync::{mpsc, watch};

/// A host that keeps books: the simulated one, on a thread of its own.
pub(crate) struct LedgerHost {
    address: SocketAddr,
    stop: watch::Sender<bool>,
    troubles: mpsc::UnboundedSender<Trouble>,
    thread: JoinHandle<Result<HostBooks, SimError>>,
}

impl LedgerHost {
    pub(crate) const DIALECT: &str = "iso87-binary";

    /// Under the name of the usual link, by these rules.
    pub(crate) fn open(rules: &str) -> Self {
        let rules = Rules::parse(rules).expect("rules that make sense");
        let (stop, stopped) = watch::channel(false);
        let (troubles, troubled) = mpsc::unbounded_channel();
        let (tell, told) = std::sync::mpsc::channel();
        let thread = std::thread::spawn(move || on_one_thread(serve(rules, tell, stopped, troubled)));
        Self { address: told.recv().expect("it listens"), stop, troubles, thread }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// From now on this is wrong with it.
    pub(crate) fn suffers(&self, trouble: Trouble) {
        self.troubles.send(trouble).expect("its thread runs");
    }

    /// Closes, and shows its books.
    pub(crate) fn close(self) -> HostBooks {
        self.stop.send_replace(true);
        self.thread.join().expect("it does not panic").expect("it ends in order")
    }
}

async fn serve(
    rules: Rules,
    tell: std::sync::mpsc::Sender<SocketAddr>,
    mut stopped: watch::Receiver<bool>,
    mut troubled: mpsc::UnboundedReceiver<Trouble>,
) -> Result<HostBooks, SimError> {
    let net = network(0);
    let listen = SocketAddr::from(([127, 0, 0, 1], 0));
    let speech = Speech::named(LedgerHost::DIALECT, None)?;
    let (name, seed, keeps_postings) = ("core".to_owned(), 7, true);
    let host = HostPlan { name, listen, speech, rules, seed, keeps_postings }.open(&net)?;
    let _ = tell.send(host.address());
    loop {
        tokio::select! {
            _ = stopped.wait_for(|stop| *stop) => break,
            Some(trouble) = troubled.recv() => host.set_trouble(trouble).await?,
        }
    }
    Ok(host.with_ledger(|ledger| HostBooks {
        host: LinkName::clipped(b"core"),
        postings: ledger.postings().to_vec(),
        reversals: ledger.reversals().to_vec(),
    }))
}

/// What terminals were told and hold, what the journal decided, what the host did: one question to all three.
pub(crate) fn compare_books(data: &Path, asked: &[Asked], host: HostBooks) -> Verdict {
    let journal = JournalBooks::read(data, Since::Beginning).expect("the journal is whole");
    assert!(journal.was_closed && journal.placeless == 0, "closed in order, and every item has its place");
    compare(asked, &journal.decisions, &[host])
}
