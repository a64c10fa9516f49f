//! The real storage of the journal: preallocate, write, sync, tell the truth.
