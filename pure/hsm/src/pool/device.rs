use super::{DeviceConfig, Ticket};
use crate::ops::Request;
use alloc::string::String;
use alloc::vec::Vec;
use terms::{ConnId, Instant};

/// How a module is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// No line to it stands.
    Away,
    /// Being tested, for the first time or after something went wrong.
    Tested,
    /// It does what it is asked.
    Well,
    /// Let alone until then.
    Dropped {
        /// When it is tried again.
        until: Instant,
    },
    /// It holds another master key; tried again then.
    OtherMaster {
        /// The check value it showed.
        shown: String,
        /// When it is tried again.
        until: Instant,
    },
}

/// What a module was asked and did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Commands sent, tests among them.
    pub asked: u64,
    /// Answers, refusals of a transaction among them.
    pub answered: u64,
    /// Answers that it is not well.
    pub faults: u64,
    /// Commands it did not answer in time.
    pub silent: u64,
    /// Answers that came after that.
    pub late: u64,
    /// Answers that were none.
    pub unusable: u64,
    /// Commands taken to another module.
    pub moved: u64,
    /// Microseconds all answers took together.
    pub took_us: u64,
    /// The longest of them.
    pub longest_us: u64,
}

/// A request on its way.
pub(super) struct Job {
    pub(super) ticket: Ticket,
    pub(super) request: Request,
    pub(super) asked_at: Instant,
    /// How often it was sent.
    pub(super) tries: u32,
    /// The module that failed it last.
    pub(super) failed_by: Option<usize>,
    /// For this module and no other, whatever its condition.
    pub(super) pinned: bool,
}

/// What a command on a line is for.
pub(super) enum For {
    Job(Job),
    Test,
    /// Nobody waits for it any more.
    Nobody,
}

pub(super) struct Outstanding {
    pub(super) number: u32,
    pub(super) sent_at: Instant,
    pub(super) due: Instant,
    pub(super) what: For,
}

/// One line to a module.
pub(super) struct Line {
    pub(super) conn: ConnId,
    /// Whether the module has shown itself on it.
    pub(super) is_known: bool,
    pub(super) out: Vec<Outstanding>,
    pub(super) next_test: Instant,
}

pub(super) struct Device {
    pub(super) config: DeviceConfig,
    pub(super) condition: Condition,
    pub(super) lines: Vec<Line>,
    /// In a row.
    pub(super) faults: u32,
    pub(super) back_off_ms: u32,
    pub(super) counts: Counts,
    next_number: u32,
}

impl Device {
    pub(super) fn new(config: DeviceConfig) -> Self {
        Self {
            config,
            condition: Condition::Away,
            lines: Vec::new(),
            faults: 0,
            back_off_ms: 0,
            counts: Counts::default(),
            next_number: 0,
        }
    }

    /// Whether it is well or being tested.
    pub(super) const fn is_minded(&self) -> bool {
        matches!(self.condition, Condition::Well | Condition::Tested)
    }

    /// Whether business goes there, or will in a moment: one that was dropped has to be well again first.
    pub(super) const fn has_prospects(&self) -> bool {
        match self.condition {
            Condition::Well => true,
            Condition::Tested => self.back_off_ms == 0,
            Condition::Away | Condition::Dropped { .. } | Condition::OtherMaster { .. } => false,
        }
    }

    pub(super) fn under_way(&self) -> usize {
        self.lines.iter().map(|line| line.out.len()).sum()
    }

    /// Key management under way.
    pub(super) fn keys_under_way(&self) -> usize {
        let manages = |one: &&Outstanding| matches!(&one.what, For::Job(job) if job.request.manages_keys());
        self.lines.iter().map(|line| line.out.iter().filter(manages).count()).sum()
    }

    /// How many headers there are: as many commands on a line can be told apart.
    fn headers(&self) -> u64 {
        16_u64.pow(self.config.header_bytes.min(8) as u32)
    }

    /// Commands on one line at once.
    pub(super) fn most(&self) -> usize {
        self.config.in_flight_max.max(1).min(usize::try_from(self.headers()).unwrap_or(usize::MAX))
    }

    /// The known line with the fewest commands and room for another.
    pub(super) fn free_line(&self) -> Option<usize> {
        self.roomiest(|line| line.is_known)
    }

    /// The same, whether the module has shown itself on it or not.
    pub(super) fn any_free_line(&self) -> Option<usize> {
        self.roomiest(|_| true)
    }

    fn roomiest(&self, fits: impl Fn(&Line) -> bool) -> Option<usize> {
        let most = self.most();
        let free = self.lines.iter().enumerate().filter(|(_, line)| fits(line) && line.out.len() < most);
        free.min_by_key(|(_, line)| line.out.len()).map(|(at, _)| at)
    }

    /// A number that no command on that line has, and the header it makes; `None` where each is taken: an answer would
    /// be given to somebody else.
    pub(super) fn next_header(&mut self, line: usize) -> Option<(u32, Vec<u8>)> {
        let range = self.headers();
        if self.lines[line].out.len() as u64 >= range {
            return None;
        }
        loop {
            self.next_number = self.next_number.wrapping_add(1);
            let number = (u64::from(self.next_number) % range) as u32;
            let is_taken = self.lines[line].out.iter().any(|one| one.number == number);
            if !is_taken {
                return Some((number, header_of(number, self.config.header_bytes)));
            }
        }
    }

    /// Which command on that line an answer belongs to.
    pub(super) fn answered(&self, line: usize, header: &[u8]) -> Option<usize> {
        let bytes = self.config.header_bytes;
        self.lines[line].out.iter().position(|one| header_of(one.number, bytes) == header)
    }
}

/// Hex digits, zeros in front.
fn header_of(number: u32, bytes: usize) -> Vec<u8> {
    let digit = |at: usize| match 4 * at {
        shift if shift < 32 => b"0123456789ABCDEF"[(number >> shift & 0xF) as usize],
        _ => b'0',
    };
    (0..bytes).rev().map(digit).collect()
}
