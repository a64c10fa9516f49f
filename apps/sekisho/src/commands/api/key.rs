//! `sekisho api key`: keys of callers. A key is shown when it is made, and never again.

use crate::commands::journal::whereabouts::usual_config;
use crate::commands::paper::Paper;
use crate::commands::table::Table;
use crate::exit;
use crate::run::api::keys::{self, KeyError, Role};
use serde_json::json;
use std::path::PathBuf;
use std::process::ExitCode;

/// What to do.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Make a key for a caller and show it, once (changes)
    New(NewArgs),
    /// Callers and what their keys allow (reads)
    Ls(ListArgs),
    /// Take a caller's key away: it opens nothing a second later (changes)
    Rm(RemoveArgs),
}

/// Which file.
#[derive(Debug, clap::Args)]
struct Where {
    /// Take the file of keys from this configuration
    #[arg(long, value_name = "FILE", conflicts_with = "keys")]
    config: Option<PathBuf>,
    /// The file of keys
    #[arg(long, value_name = "FILE")]
    keys: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// For whom, and for what.
#[derive(Debug, clap::Args)]
pub struct NewArgs {
    /// What the caller is called
    name: String,
    /// What the key allows
    #[arg(long, value_enum, default_value_t = Role::Application)]
    role: Role,
    #[command(flatten)]
    file: Where,
}

/// How to list.
#[derive(Debug, clap::Args)]
pub struct ListArgs {
    #[command(flatten)]
    file: Where,
}

/// Whose.
#[derive(Debug, clap::Args)]
pub struct RemoveArgs {
    /// What the caller is called
    name: String,
    #[command(flatten)]
    file: Where,
}

/// Why it was not done.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("{0}")]
    Config(#[from] crate::commands::journal::opened::Failure),
    #[error("error API{code}-E  {source}\n  state   nothing was changed\n  next    {next}", code = number(.source))]
    Keys { source: KeyError, next: String },
}

const fn number(error: &KeyError) -> u16 {
    match error {
        KeyError::Io { .. } => 2001,
        KeyError::Exposed { .. } => 2002,
        KeyError::Line { .. } => 2003,
        KeyError::Name => 2004,
        KeyError::Taken(_) => 2005,
        KeyError::Nobody(_) => 2006,
        KeyError::Entropy(_) => 2007,
    }
}

impl Failure {
    fn of(source: KeyError) -> Self {
        let next = match &source {
            KeyError::Io { path, .. } => format!("ls -l {}", path.display()),
            KeyError::Exposed { path, .. } => format!("chmod 600 {}", path.display()),
            KeyError::Line { path, .. } => format!("mend or remove the line in {}", path.display()),
            KeyError::Name => "sekisho api key new till-1".into(),
            KeyError::Taken(name) => format!("sekisho api key rm {name}"),
            KeyError::Nobody(_) => "sekisho api key ls".into(),
            KeyError::Entropy(_) => "try again".into(),
        };
        Self::Keys { source, next }
    }

    fn exit_code(&self) -> u8 {
        match self {
            Self::Config(failure) => failure.exit_code(),
            Self::Keys { source, .. } => match source {
                KeyError::Io { .. } | KeyError::Entropy(_) => exit::CANNOT_CREATE,
                KeyError::Exposed { .. } | KeyError::Line { .. } => exit::CONFIG,
                KeyError::Name | KeyError::Taken(_) => exit::REFUSED,
                KeyError::Nobody(_) => exit::NO_SUCH_THING,
            },
        }
    }
}

impl Where {
    fn file(&self) -> Result<PathBuf, Failure> {
        if let Some(keys) = &self.keys {
            return Ok(keys.clone());
        }
        let config = usual_config(self.config.as_deref())?;
        let api = config.and_then(|config| config.api);
        Ok(api.map_or_else(|| PathBuf::from("api-keys"), |api| api.keys_file()))
    }
}

pub(super) fn run(command: Command) -> ExitCode {
    let done = match command {
        Command::New(args) => new(&args),
        Command::Ls(args) => list(&args),
        Command::Rm(args) => remove(&args),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("{failure}");
            ExitCode::from(failure.exit_code())
        }
    }
}

fn new(args: &NewArgs) -> Result<(), Failure> {
    let file = args.file.file()?;
    let key = keys::add(&file, &args.name, args.role).map_err(Failure::of)?;
    let mut paper = Paper::new();
    match args.file.json {
        true => paper
            .json(&json!({ "object": "api_key", "name": args.name, "role": args.role.name(), "key": key })),
        false => {
            paper.line(&key);
            eprintln!("shown once and kept nowhere: give it to `{}` ({})", args.name, args.role.name());
        }
    }
    Ok(())
}

fn list(args: &ListArgs) -> Result<(), Failure> {
    let lines = keys::read(&args.file.file()?).map_err(Failure::of)?;
    let mut paper = Paper::new();
    if args.file.json {
        let data: Vec<_> =
            lines.iter().map(|line| json!({ "name": line.name, "role": line.role.name() })).collect();
        paper.json(&json!({ "object": "list", "data": data, "next": null }));
    } else {
        let mut table = Table::new(&["NAME", "ROLE"]);
        for line in &lines {
            table.row([line.name.clone(), line.role.name().into()]);
        }
        paper.text(table);
    }
    Ok(())
}

fn remove(args: &RemoveArgs) -> Result<(), Failure> {
    keys::remove(&args.file.file()?, &args.name).map_err(Failure::of)?;
    let mut paper = Paper::new();
    match args.file.json {
        true => paper.json(&json!({ "object": "api_key", "name": args.name, "removed": true })),
        false => paper.line(format_args!("api-key/{} removed", args.name)),
    }
    Ok(())
}
