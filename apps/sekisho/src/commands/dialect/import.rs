//! `sekisho dialect import`

use crate::commands::paper::Paper;
use crate::exit;
use dialects::{ImportError, Imported, import_jpos, import_moov};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// What to import, and where to.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub struct Args {
    /// A jPOS packager (XML) or a moov-io spec (JSON)
    file: PathBuf,
    /// What the file is; without it, its contents say
    #[arg(long, value_enum)]
    from: Option<From>,
    /// The name of the dialect; without it, that of the file
    #[arg(long)]
    name: Option<String>,
    /// Where to write it; without it, standard output. A file that exists is never overwritten
    #[arg(short, long, value_name = "OUT")]
    out: Option<PathBuf>,
    /// Fail when anything could not be said in our notation
    #[arg(long)]
    strict: bool,
}

const AFTER_HELP: &str = "\
What could not be said is named on standard error, one line each, and left out of the dialect.

Exit: 0 imported · 1 with --strict, something was left out · 65 not readable · 66 no such file ·
73 OUT exists or cannot be written";

/// Whose description it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum From {
    /// XML of a GenericPackager
    Jpos,
    /// JSON of a spec
    Moov,
}

#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("cannot read {}: {source}", path.display())]
    Unreadable { path: PathBuf, source: io::Error },
    #[error("{}: neither XML nor JSON; say --from jpos or --from moov if it is", path.display())]
    Neither { path: PathBuf },
    #[error("{}: {source}", path.display())]
    Import { path: PathBuf, source: ImportError },
    #[error("`{name}`: a name is 1 to 24 letters, digits, `-`, `_` and `.`")]
    Name { name: String },
    #[error("cannot write {}: {source}", path.display())]
    Unwritable { path: PathBuf, source: io::Error },
}

/// Does it.
pub(super) fn run(args: &Args) -> ExitCode {
    match import(args) {
        Ok(unmapped) if args.strict && unmapped > 0 => ExitCode::from(exit::NO),
        Ok(_) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(match error {
                Failure::Unreadable { .. } => exit::NO_INPUT,
                Failure::Neither { .. } | Failure::Import { .. } => exit::UNDECODABLE,
                Failure::Name { .. } => exit::USAGE,
                Failure::Unwritable { .. } => exit::CANNOT_CREATE,
            })
        }
    }
}

/// Imports, and says how much could not be said.
fn import(args: &Args) -> Result<usize, Failure> {
    let path = &args.file;
    let text =
        fs::read_to_string(path).map_err(|source| Failure::Unreadable { path: path.clone(), source })?;
    let from = args.from.or_else(|| detect(&text)).ok_or(Failure::Neither { path: path.clone() })?;
    let imported = match from {
        From::Jpos => import_jpos(&text),
        From::Moov => import_moov(&text),
    };
    let Imported { toml, unmapped } =
        imported.map_err(|source| Failure::Import { path: path.clone(), source })?;
    let toml = named(&toml, &name(args)?);
    match &args.out {
        None => Paper::new().text(&toml),
        Some(out) => {
            create(out, &toml).map_err(|source| Failure::Unwritable { path: out.clone(), source })?;
        }
    }
    for one in &unmapped {
        eprintln!("not imported: {one}");
    }
    Ok(unmapped.len())
}

fn detect(text: &str) -> Option<From> {
    match text.trim_start_matches('\u{FEFF}').trim_start().chars().next() {
        Some('<') => Some(From::Jpos),
        Some('{') => Some(From::Moov),
        _ => None,
    }
}

fn name(args: &Args) -> Result<String, Failure> {
    let is_legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    match &args.name {
        Some(name) if (1..=24).contains(&name.len()) && name.chars().all(is_legal) => Ok(name.clone()),
        Some(name) => Err(Failure::Name { name: name.clone() }),
        None => {
            let stem = args.file.file_stem().map(|stem| stem.to_string_lossy().to_lowercase());
            let stem: String = stem.unwrap_or_default().chars().filter(|c| is_legal(*c)).take(24).collect();
            Ok(if stem.is_empty() { "imported".into() } else { stem })
        }
    }
}

/// The same file under another name.
fn named(toml: &str, name: &str) -> String {
    let mut done = false;
    let lines = toml.lines().map(|line| {
        let is_name = !done && line.split('=').next().is_some_and(|key| key.trim() == "name");
        done |= is_name;
        if is_name { format!("name = \"{name}\"") } else { line.to_string() }
    });
    lines.map(|line| line + "\n").collect()
}

fn create(path: &Path, toml: &str) -> io::Result<()> {
    io::Write::write_all(&mut fs::File::create_new(path)?, toml.as_bytes())
}
