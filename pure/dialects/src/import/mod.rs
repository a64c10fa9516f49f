//! Other people's descriptions of messages, turned into dialect files of ours.

mod draft;
mod jpos;
mod moov;

pub use jpos::import_jpos;
pub use moov::import_moov;

use alloc::{string::String, vec::Vec};

/// Largest description that is read. Reason: the largest public one has 60 KB. Cost: some twenty times as much
/// while it is read.
const SOURCE_BYTES_MAX: usize = 1 << 20;

/// A description as a dialect file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Imported {
    /// The file. It loads; what it says beyond the elements (map, codes, presence) is inherited from the shipped
    /// dialect of the same edition, and a person should look at that.
    pub toml: String,
    /// What could not be said, one sentence each, such as `DE 48: class IFX_FOO is not known`.
    pub unmapped: Vec<String>,
}

/// Why a description could not be read at all. Never carries contents.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ImportError {
    /// It is too large.
    #[error("the file has {found_bytes} bytes, and at most {limit_bytes} are read")]
    TooLarge {
        /// How large it is.
        found_bytes: usize,
        /// How large it may be.
        limit_bytes: usize,
    },
    /// It is no XML.
    #[error("line {line}, column {column}: no well-formed XML")]
    Xml {
        /// Where, from 1.
        line: u32,
        /// Where in the line, from 1.
        column: u32,
    },
    /// It declares entities, which a description has no use for.
    #[error("the file declares XML entities")]
    Entities,
    /// It is no JSON.
    #[error("line {line}, column {column}: no well-formed JSON")]
    Json {
        /// Where, from 1.
        line: usize,
        /// Where in the line, from 1.
        column: usize,
    },
    /// It describes no elements, or not in a form that is known.
    #[error("the file describes no data elements in a form that is known")]
    NoElements,
    /// What came of it does not load, which is our mistake.
    #[error("the dialect that came of it does not load: {finding}")]
    Unloadable {
        /// The first finding.
        finding: crate::Finding,
    },
}

fn bounded(source: &str) -> Result<&str, ImportError> {
    let found_bytes = source.len();
    if found_bytes > SOURCE_BYTES_MAX {
        return Err(ImportError::TooLarge { found_bytes, limit_bytes: SOURCE_BYTES_MAX });
    }
    Ok(source)
}
