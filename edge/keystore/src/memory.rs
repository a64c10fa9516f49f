//! Memory that leaves no copy: not in a core file, and where the system allows it not on a swap disk.

use rustix::mm::{MlockAllFlags, mlockall};
use rustix::process::{DumpableBehavior, Resource, Rlimit, getrlimit, set_dumpable_behavior, setrlimit};
use std::sync::OnceLock;

/// What became of it in this process: what was locked stays so, and what could not be is not tried again.
static LOCKING: OnceLock<Locking> = OnceLock::new();

/// What became of keeping memory off the swap disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Locking {
    /// All of it stays in memory, now and later.
    Locked,
    /// The system allows this process too little locked memory; it may be swapped out.
    NotAllowed,
}

/// From here on no core file of this process is written, nobody but root may look into its memory, and its pages stay
/// in memory where the limit on locked memory is lifted (systemd: `LimitMEMLOCK=infinity`). Where there is a limit
/// nothing is locked: a process that reaches it could not allocate any more.
pub fn keep_memory_to_ourselves() -> Locking {
    // Both: the limit for a kernel that pipes cores to a program, the mark for one that ignores the limit.
    let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
    let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    let unlimited = getrlimit(Resource::Memlock).current.is_none();
    let flags = MlockAllFlags::CURRENT | MlockAllFlags::FUTURE | MlockAllFlags::ONFAULT;
    let locking = match unlimited && mlockall(flags).is_ok() {
        true => Locking::Locked,
        false => Locking::NotAllowed,
    };
    *LOCKING.get_or_init(|| locking)
}

/// What became of it; `None` where nobody asked for it in this process.
pub fn memory_is() -> Option<Locking> {
    LOCKING.get().copied()
}
