//! What is decided: one lane of transactions as a pure machine.
//!
//! A [`Lane`] is told what happened ([`Event`]) and when ([`terms::Now`]), and leaves what the world should do
//! about it, in order, in an [`Outbox`]. It reads no clock, draws no random number, opens no socket and has
//! never heard of a field number. The same code runs in the daemon, in the simulator and in the model check.
//!
//! **Write, then speak.** Its ways to speak demand a [`Recorded`], and only
//! `Outbox::record` mints one. The loop that runs the lane then holds each of these sends until the sync
//! that covers its record has returned.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod admit;
mod breaker;
mod capture;
mod config;
mod cutover;
mod day;
mod desk;
mod digest;
mod event;
mod flow;
mod forward;
mod gate;
mod lane;
mod leaving;
mod lines;
mod link;
mod management;
mod memory;
mod outbox;
mod owing;
mod pace;
mod pairing;
mod reason;
mod reconcile;
mod replay;
mod route;
mod ruling;
mod status;
mod submission;
mod transfer;

pub use breaker::{Breaker, BreakerState};
pub use capture::CannotCapture;
pub use config::{
    BreakerConfig, Consistency, DayConfig, Demands, ForwardConfig, HostProfile, LaneConfig, LinkConfig,
    Management, Moves, ReconcileConfig, SignOn, SourceConfig, Timers,
};
pub use day::{CannotCutOver, DaySeen, OwnDay};
pub use event::{Ended, Event};
pub use forward::Settles;
pub use lane::{Lane, Secrets};
pub use leaving::MayLeave;
pub use lines::{Lines, LinesTurn};
pub use link::{CannotOrder, LinkState};
pub use management::{Cause, Change, Failure, LinkSeen};
pub use outbox::{Effect, NoMoney, Outbox, Recorded, Tell};
pub use owing::OTHER_DAY;
pub use reason::is_about_days;
pub use reconcile::{CannotReconcile, ReconSeen, Reconciliation};
pub use replay::{Replay, ReplayError};
pub use route::{Objection, Receiver, Route, Routes};
pub use ruling::{CannotRule, Owed, Standing};
pub use status::{LaneStatus, LinkStatus};
pub use submission::{Seen, SeenSent, Submission};
