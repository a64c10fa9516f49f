//! Every limit that is not somebody's configuration, with its reason and what it costs in memory.
//!
//! Exceeding one is a defined answer, never a surprise. Limits that an operator may choose (connections,
//! in-flight, time-outs) have their defaults here and their ranges beside the setting.

/// Longest message body between two frame headers. Reason: the ATM switch document fixes 4096; longer frames
/// are either an attack or a lost boundary. Cost: one read buffer of twice this per open connection, at most.
pub const BODY_BYTES_MAX: usize = 4_096;
/// Data elements of a message: three bitmaps of 64. Cost: one table slot each in a dialect.
pub const FIELDS_MAX: usize = 192;
/// Levels of composites inside a data element. Reason: real formats use two; recursion is bounded by this.
pub const NESTING_MAX: usize = 4;
/// Tags one BER-TLV or tag-length composite may hold. Reason: EMV data of real cards has about forty.
pub const TAGS_MAX: usize = 128;
/// Longest frame header that is carried and echoed (TPDU, fixed network headers).
pub const HEADER_BYTES_MAX: usize = 64;
/// Connections of one listener unless configured otherwise. Cost: about 10 KB each when busy, 1 KB idle.
pub const CONNECTIONS_MAX: u32 = 16_384;
/// Requests unanswered at one host link unless configured otherwise; the next one is declined, not queued.
/// Cost: about 2 KB each.
pub const IN_FLIGHT_MAX: u32 = 4_096;
/// Requests unanswered on all links together unless configured otherwise. Nearing it the least important are
/// declined first. Cost: about 2 KB each.
pub const IN_FLIGHT_TOTAL_MAX: u32 = 262_144;
/// Finished transactions a lane remembers to answer repeats and to know late answers. Cost: about 600 bytes
/// each, so 80 MB when full.
pub const REMEMBERED_MAX: usize = 131_072;
/// Seconds a lane remembers each of them at least, where there is room, unless configured otherwise. Reason: the
/// longest that repeats, late answers and reversals in flight usually take; nothing is paid for it.
pub const REMEMBERED_MIN_S: u32 = 300;
/// Bytes a connection may owe its peer before it counts as a slow reader and is closed.
pub const UNSENT_BYTES_MAX: usize = 1 << 20;
/// Undecodable messages kept (masked) for people to look at, over all connections. Cost: 4 KB each.
pub const SPECIMENS_MAX: usize = 32;

const _: () = assert!(BODY_BYTES_MAX <= 9_999, "a four-digit length prefix can say every legal body");
