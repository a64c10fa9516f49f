//! `sekisho dialect check`

use super::find;
use crate::commands::paper::Paper;
use crate::exit;
use dialects::{Dialect, Finding, Severity};
use std::fs;
use std::process::ExitCode;

/// What to check.
#[derive(Debug, clap::Args)]
#[command(after_help = "Exit: 0 no errors (warnings may be) · 1 errors · 66 a file cannot be read")]
pub struct Args {
    /// Dialect files
    #[arg(required = true, value_name = "FILE")]
    files: Vec<String>,
}

/// Does it.
pub(super) fn run(args: &Args) -> ExitCode {
    let mut paper = Paper::new();
    let mut code = 0;
    for file in &args.files {
        match fs::read_to_string(file) {
            Ok(toml) => code = code.max(check(file, &toml, &mut paper)),
            Err(error) => {
                eprintln!("cannot read {file}: {error}");
                code = exit::NO_INPUT;
            }
        }
    }
    ExitCode::from(code)
}

fn check(file: &str, toml: &str, paper: &mut Paper) -> u8 {
    let findings = Dialect::check(toml);
    let count = |severity| findings.iter().filter(|finding: &&Finding| finding.severity == severity).count();
    let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
    if !findings.is_empty() {
        paper.line(find::in_lines(file, &findings));
    }
    let noted = match warnings {
        0 => String::new(),
        1 => ", 1 warning".into(),
        warnings => format!(", {warnings} warnings"),
    };
    match errors {
        0 => paper.line(format!("{file}: good{noted}")),
        1 => paper.line(format!("{file}: 1 error{noted}")),
        errors => paper.line(format!("{file}: {errors} errors{noted}")),
    }
    if errors == 0 { 0 } else { exit::NO }
}
