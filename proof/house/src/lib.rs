//! The rules of the house, checked against the house.
//!
//! There is nothing to call here: the rules are tests, each a sentence, under `tests/house`. They read the
//! tables of ARCHITECTURE.md and PROMISES.md, the manifests and the tracked files, and compare them with what
//! Cargo and git know. They need no network and nothing but what building the workspace needs.
