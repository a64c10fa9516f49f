//! The rules of the house, one sentence each.

mod bans;
mod leaning;
mod paper;
mod product;
mod rooms;
mod spdx;
mod taste;
mod tree;
mod workspace;
