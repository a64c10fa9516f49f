//! The network against real sockets of this machine.
//!
//! Nothing here sleeps for luck: tests wait for what they want to see and give up only after a time no
//! working machine needs.

mod bad_peers;
mod frames;
mod links;
mod one_request;
mod pairs;
mod stage;
mod tls;
