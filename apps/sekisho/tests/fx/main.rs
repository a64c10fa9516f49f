//! The names of an older product, as people and scripts type them, and its library, as programs call it.

mod days;
mod library;
mod stage;
mod tools;
