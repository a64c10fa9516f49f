//! Dialects by name or by path.

use crate::exit;
use dialects::{Dialect, Finding};
use std::fs;
use std::io;
use std::path::Path;

/// A dialect and the file it came from.
pub(crate) struct Found {
    pub(crate) dialect: Dialect,
    pub(crate) toml: String,
}

/// Why there is no such dialect.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotFound {
    #[error("`{name}` is no shipped dialect and no file; shipped are {}", shipped_names())]
    Unknown { name: String },
    #[error("cannot read {path}: {source}")]
    Unreadable { path: String, source: io::Error },
    #[error("{}", in_lines(path, findings))]
    Wrong { path: String, findings: Vec<Finding> },
}

impl NotFound {
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Unknown { .. } | Self::Unreadable { .. } => exit::NO_INPUT,
            Self::Wrong { .. } => exit::CONFIG,
        }
    }
}

/// The shipped dialect of that name, or the one in that file.
pub(crate) fn one(name: &str) -> Result<Found, NotFound> {
    let toml = text(name)?;
    match Dialect::load(&toml) {
        Ok(dialect) => Ok(Found { dialect, toml }),
        Err(findings) => Err(NotFound::Wrong { path: name.into(), findings }),
    }
}

/// The text of the shipped dialect of that name, or of that file.
fn text(name: &str) -> Result<String, NotFound> {
    if let Some((_, text)) = Dialect::shipped().iter().find(|(shipped, _)| *shipped == name) {
        return Ok((*text).to_string());
    }
    if !Path::new(name).exists() && !name.ends_with(".toml") {
        return Err(NotFound::Unknown { name: name.into() });
    }
    fs::read_to_string(name).map_err(|source| NotFound::Unreadable { path: name.into(), source })
}

/// Every shipped dialect.
pub(crate) fn shipped() -> Vec<Dialect> {
    Dialect::shipped().iter().filter_map(|(name, _)| Dialect::named(name)).collect()
}

fn shipped_names() -> String {
    Dialect::shipped().iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
}

/// Findings as compilers write them: `file:line: what`.
pub(crate) fn in_lines(path: &str, findings: &[Finding]) -> String {
    let line = |finding: &Finding| match finding.line {
        Some(line) => format!("{path}:{line}: {}", what(finding)),
        None => format!("{path}: {}", what(finding)),
    };
    findings.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn what(finding: &Finding) -> String {
    Finding { line: None, ..finding.clone() }.to_string()
}
