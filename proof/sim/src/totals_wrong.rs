//! Wrong rules about totals.

use crate::host::Frame;
use crate::mutant::Mutant;
use crate::process::snapshot_of;
use crate::world::World;
use journal::{DayRecord, Record, Snapshot};
use std::sync::Arc;
use switch::{Effect, Event};
use terms::{Balance, Figure, LinkId, Statement, Txn};

impl World {
    /// Totals told again, with those of the days after.
    pub(crate) fn mutant_redraws(&self, link: LinkId, request: Arc<Txn>) -> Arc<Txn> {
        let said = request.totals.as_deref().copied();
        let (Some(Mutant::Redraws), Some(said)) = (self.mutant, said) else { return request };
        let Some(date) = said.date.filter(|date| self.told.times((link, *date)) > 0) else { return request };
        let statement = self.statement_of(link, &self.told.since((link, date)));
        let totals = Some(Box::new(terms::Comparison { statement, ..said }));
        Arc::new(Txn { totals, ..Txn::clone(&request) })
    }

    /// Totals told once go nowhere the second time.
    pub(crate) fn mutant_mutes(&self, frame: &Frame) -> bool {
        let date = frame.request.totals.as_ref().and_then(|totals| totals.date);
        self.mutant == Some(Mutant::Mutes) && date.is_some_and(|date| self.told.times((frame.link, date)) > 1)
    }

    /// What was undone is left out of what is told, and of what is written about it.
    pub(crate) fn mutant_nets(&self, effects: &mut [Effect]) {
        for effect in effects {
            match effect {
                Effect::Record(Record::Day(DayRecord::TotalsSent { said: Some(said), .. })) => {
                    **said = without_undone(said);
                }
                Effect::ToHost { request, .. } => {
                    if let Some(totals) = request.totals.as_deref() {
                        let statement = without_undone(&totals.statement);
                        let totals = Some(Box::new(terms::Comparison { statement, ..*totals }));
                        *request = Arc::new(Txn { totals, ..Txn::clone(request) });
                    }
                }
                _ => {}
            }
        }
    }

    /// A host that says balanced has said enough.
    pub(crate) fn mutant_believes_words(&self, event: &mut Event) {
        if let (Some(Mutant::Gullible), Event::HostSaid { txn, .. }) = (self.mutant, event)
            && let Some(totals) = &mut txn.totals
            && totals.balance == Some(Balance::Balanced)
        {
            totals.statement = Statement::default();
        }
    }

    /// A snapshot; as a wrong rule makes it, where there is one about it.
    pub(crate) fn take_snapshot(&self) -> Snapshot {
        let (vault, wrong) = (&self.process.vault, self.mutant);
        let Some(lane) = self.process.lane.as_ref() else { return Snapshot::new() };
        if !matches!(wrong, Some(Mutant::Recounts | Mutant::Reopens)) {
            return snapshot_of(Some(lane), vault);
        }
        let mut snapshot = Snapshot::new();
        lane.snapshot(|mut record| {
            if let (Some(Mutant::Recounts), Record::Day(DayRecord::Counted(counted))) = (wrong, &mut record) {
                counted.tallies.iter_mut().for_each(|tally| *tally = tally.and(*tally));
            }
            let stands = matches!(record, Record::Day(DayRecord::Frozen { .. }));
            if !(wrong == Some(Mutant::Reopens) && stands) {
                snapshot.push(&record, vault);
            }
        });
        snapshot
    }
}

fn without_undone(said: &Statement) -> Statement {
    const UNDONE: [Figure; 5] = [
        Figure::CreditsReversalNumber,
        Figure::CreditsReversalAmount,
        Figure::DebitsReversalNumber,
        Figure::DebitsReversalAmount,
        Figure::TransfersReversalNumber,
    ];
    let mut less = *said;
    UNDONE.into_iter().for_each(|figure| less.set(figure, 0));
    less
}
