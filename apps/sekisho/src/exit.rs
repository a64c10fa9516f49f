//! Exit codes, the same for every command.

/// Done, but the answer is no.
pub const NO: u8 = 1;
/// The command line makes no sense.
pub const USAGE: u8 = 2;
/// No switch answers.
pub const UNREACHABLE: u8 = 3;
/// Not allowed, or only with a second person.
pub const NOT_ALLOWED: u8 = 4;
/// There is no such thing.
pub const NO_SUCH_THING: u8 = 5;
/// Refused, as things stand.
pub const REFUSED: u8 = 6;
/// What was waited for did not come in time.
pub const TIMED_OUT: u8 = 7;
/// Nobody knows whether it was done.
pub const UNKNOWN: u8 = 8;
/// Data that cannot be decoded.
pub const UNDECODABLE: u8 = 65;
/// An input that is not there.
pub const NO_INPUT: u8 = 66;
/// Something cannot be created.
pub const CANNOT_CREATE: u8 = 73;
/// The configuration is wrong: trying again without changing it will fail again.
pub const CONFIG: u8 = 78;
