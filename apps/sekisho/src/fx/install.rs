//! `sekisho fx install`: links by the old names.

use super::Name;
use crate::exit;
use clap::Parser;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Make links by the old names; those that are there and ours are left as they are.
#[derive(Debug, Parser)]
#[command(
    name = "sekisho fx install",
    after_help = "Exit: 0 they are there · 73 one cannot be made, or is another's"
)]
struct Install {
    /// Where to
    #[arg(long, value_name = "DIR")]
    dir: PathBuf,
}

/// Why a link is not there.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("{} is there and is not ours\n  next    take it away, or name another --dir", .0.display())]
    Another(PathBuf),
    #[error("{}: {source}\n  next    name a --dir you may write to", path.display())]
    Io { path: PathBuf, source: io::Error },
}

/// Does it.
pub(super) fn run(words: &[OsString]) -> ExitCode {
    let typed = std::iter::once(OsString::from("sekisho fx install")).chain(words.iter().cloned());
    let install = Install::parse_from(typed);
    match made(&install.dir) {
        Ok(links) => {
            links.iter().for_each(|link| println!("{}", link.display()));
            ExitCode::SUCCESS
        }
        Err(failure) => {
            eprintln!("error: {failure}");
            ExitCode::from(exit::CANNOT_CREATE)
        }
    }
}

fn made(dir: &Path) -> Result<Vec<PathBuf>, Failure> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| Failure::Io { path, source }
    };
    let this = std::env::current_exe().and_then(fs::canonicalize).map_err(failed(dir))?;
    fs::create_dir_all(dir).map_err(failed(dir))?;
    let mut links = Vec::with_capacity(Name::ALL.len());
    for name in Name::ALL {
        let link = dir.join(name.typed());
        match std::os::unix::fs::symlink(&this, &link) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                let leads_here = fs::canonicalize(&link).is_ok_and(|there| there == this);
                if !leads_here {
                    return Err(Failure::Another(link));
                }
            }
            Err(error) => return Err(failed(&link)(error)),
        }
        links.push(link);
    }
    Ok(links)
}
