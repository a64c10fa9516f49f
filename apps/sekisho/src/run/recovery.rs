//! Recovery after an unclean stop as people see it: whether it is needed, how far it is, and their order to begin.

use super::status::RecoveredStatus;
use serde::{Deserialize, Serialize};
use switch::LaneStatus;
use tokio::sync::oneshot;

/// What a start does when the journal was not closed in order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Recover {
    /// Tells hosts of everything owed at once, and takes requests behind it.
    #[default]
    Auto,
    /// Signs on, but tells no host anything and takes no request until a person orders it.
    Ask,
    /// Does not start.
    Refuse,
}

/// What the lane is asked about recovery.
pub enum RecoveryOrder {
    /// How it stands.
    Show {
        /// Where it goes.
        answer: oneshot::Sender<RecoveryJson>,
    },
    /// Begin. Done already, it is no mistake.
    Begin {
        /// Where it goes: how it stood before.
        answer: oneshot::Sender<RecoveryJson>,
    },
}

/// How recovery stands. Fields are added to it, never changed.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct RecoveryJson {
    /// `recovery`.
    pub object: String,
    /// `not_needed`, `needed` (it waits for a person), `running` or `done`.
    pub state: String,
    /// Requests that were in flight when the switch died; all of them are decided.
    pub was_in_flight: usize,
    /// Messages hosts have still to be told of before they get anything new.
    pub left: usize,
    /// Of these, link by link; links with nothing left are left out.
    pub links: Vec<LinkLeft>,
}

/// What one host has still to be told.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct LinkLeft {
    /// Its link.
    pub name: String,
    /// Whether it has a connection.
    pub connected: bool,
    /// How many messages.
    pub left: usize,
}

impl RecoveryJson {
    pub(crate) fn of(lane: &LaneStatus, recovered: &RecoveredStatus) -> Self {
        let waiting = lane.links.iter().filter(|link| link.recovering > 0);
        let links: Vec<LinkLeft> = waiting
            .map(|link| LinkLeft { name: link.name.to_string(), connected: link.up, left: link.recovering })
            .collect();
        let left = links.iter().map(|link| link.left).sum();
        let state = match (lane.recovery_waits, left) {
            (true, _) => "needed",
            (false, 1..) => "running",
            (false, 0) if recovered.was_closed => "not_needed",
            (false, 0) => "done",
        };
        Self {
            object: "recovery".into(),
            state: state.into(),
            was_in_flight: recovered.was_in_flight,
            left,
            links,
        }
    }
}
