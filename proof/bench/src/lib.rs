//! What PROMISES.md promises, measured.
