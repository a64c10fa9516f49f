//! The network against real sockets of this machine.
//!
//! Nothing here sleeps for luck: tests wait for what they want to see and give up only after a time no
//! working machine needs.

mod frames;
mod stage;
