//! A journal opened to be read, beside whoever writes it.

use crate::commands::control::Wrong;
use crate::commands::permission::NotPermitted;
use crate::exit;
use disk::{Disk, DiskError, Holder};
use journal::{Ending, JournalError, Step, Storage, Vault, Walk};
use std::error::Error;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

/// The lane a journal is of. The switch runs one.
pub(crate) const LANE: u16 = 0;
/// While a switch writes, the end of its journal can be seen half written. It is looked at again so often.
const LOOKS_MAX: u32 = 20;
/// Half written batches that are passed before the rest is left to the writer.
const PASSED_MAX: u32 = 8;
const BETWEEN_LOOKS: Duration = Duration::from_millis(25);

/// A journal, and whether somebody writes it now.
pub(crate) struct Opened {
    pub(crate) directory: PathBuf,
    pub(crate) disk: Disk,
    pub(crate) holder: Option<Holder>,
}

/// Why a journal cannot be looked at.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error("{said}")]
    Config { said: String },
    #[error("no journal in {}: {source}", directory.display())]
    NoJournal { directory: PathBuf, source: DiskError },
    #[error(
        "error SYS1013-E  you may not read the journal in {}: {}\n  state   nothing was read\n  next    {}",
        directory.display(), .why.said, .why.next
    )]
    NotPermitted { directory: PathBuf, why: NotPermitted },
    #[error(
        "error SYS1012-E  there is no sekisho.toml in {}, and nothing else says which switch is meant\n  state   \
             nothing was asked\n  next    name it: --config FILE", here.display()
    )]
    NoConfiguration { here: PathBuf },
    #[error("{}: {}", directory.display(), with_sources(source))]
    Journal { directory: PathBuf, source: JournalError },
    #[error("`{said}` is neither the number of a record nor txn: and that of a transaction")]
    NoNumber { said: String },
    #[error("{} has no {what}", directory.display())]
    Nothing { directory: PathBuf, what: String },
    /// What names a switch elsewhere makes no sense.
    #[error("error SYS1009-E  {0}\n  state   nothing was asked\n  next    {next}", next = .0.next())]
    Way(#[from] Wrong),
    #[error(
        "error SYS1011-E  {said}\n  state   nothing was asked\n  next    see contexts.toml in docs/operate.md"
    )]
    Context { said: String },
    #[error(
        "error SYS1010-E  this reads the journal itself, and {server} is on another machine\n  state   nothing was \
             read\n  next    type it on the machine of the switch; or name its files: --data DIR, --config FILE"
    )]
    Elsewhere { server: String },
}

impl Failure {
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Config { .. } | Self::Context { .. } | Self::NoConfiguration { .. } => exit::CONFIG,
            Self::NotPermitted { .. } => exit::NOT_ALLOWED,
            Self::NoJournal { .. } => exit::NO_INPUT,
            Self::Journal { .. } | Self::Nothing { .. } => exit::NO,
            Self::NoNumber { .. } | Self::Elsewhere { .. } => exit::USAGE,
            Self::Way(wrong) => wrong.exit_code(),
        }
    }
}

impl Opened {
    pub(crate) fn at(directory: PathBuf) -> Result<Self, Failure> {
        match Disk::open_for_reading(&directory) {
            Ok(disk) => Ok(Self { holder: disk::holder(&directory), directory, disk }),
            Err(DiskError::Unusable { path, source, .. }) if source.kind() == ErrorKind::PermissionDenied => {
                Err(Failure::NotPermitted { why: NotPermitted::of(&path), directory })
            }
            Err(source) => Err(Failure::NoJournal { directory, source }),
        }
    }

    /// Goes through all of it.
    pub(crate) fn walk(&mut self, visit: impl FnMut(Step)) -> Result<(Walk, Ending), Failure> {
        let mut walk = Walk::from_the_start();
        let ending = self.walk_on(&mut walk, visit);
        let directory = || self.directory.clone();
        ending
            .map(|ending| (walk, ending))
            .map_err(|source| Failure::Journal { directory: directory(), source })
    }

    /// Goes on from where a walk stands. Where somebody writes, what looks damaged is looked at again: only
    /// what stays so is, and whatever was gone a moment later was a batch being written.
    pub(crate) fn walk_on(
        &mut self,
        walk: &mut Walk,
        mut visit: impl FnMut(Step),
    ) -> Result<Ending, JournalError> {
        let (mut looks, mut passed) = (0, 0);
        loop {
            let before = walk.position();
            let error = match walk.run(&mut self.disk, &mut visit) {
                Err(error @ JournalError::Damaged { .. }) if self.holder.is_some() => error,
                ended => return ended,
            };
            match walk.position() {
                at if at == before => looks += 1,
                // The writer may be ahead for ever; what is behind us is whole, and that was asked.
                Some(at) if passed == PASSED_MAX => return Ok(Ending::Torn { end: at.offset }),
                _ => (looks, passed) = (0, passed + 1),
            }
            if looks == LOOKS_MAX {
                return Err(error);
            }
            thread::sleep(BETWEEN_LOOKS);
        }
    }

    /// Looks again whether somebody writes it.
    pub(crate) fn look_who_writes(&mut self) {
        self.holder = disk::holder(&self.directory);
    }

    /// What opens its card numbers; `None`, with the reason on standard error, where the key cannot be had.
    pub(crate) fn vault(&mut self) -> Option<Vault> {
        // A journal that was begun has its key; for one that was not, looking must not make one.
        if self.disk.segments().ok()?.is_empty() {
            return None;
        }
        match key(&self.directory) {
            Ok(vault) => Some(vault),
            Err(error) => {
                eprintln!("card numbers stay sealed: {error}");
                None
            }
        }
    }
}

fn key(directory: &Path) -> Result<Vault, Box<dyn Error>> {
    let mut fresh = [0; 32];
    clock::entropy(&mut fresh)?;
    let key = disk::data_key(directory, fresh)?;
    Ok(Vault::new(*key, LANE))
}

/// An error and why, and why that.
pub(crate) fn with_sources(error: &dyn Error) -> String {
    let mut said = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        said += &format!(": {error}");
        source = error.source();
    }
    said
}
