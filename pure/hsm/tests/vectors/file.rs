//! A file of vectors, and what became of them.

use crate::fields::text;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// What became of one vector.
pub(crate) enum Outcome {
    /// It came out.
    Agrees,
    /// It did not, and how.
    Differs(String),
    /// It is not of what is built here, and why.
    LeftOut(String),
}

/// What a check is handed besides the vector: what the file says of all.
pub(crate) type Check = fn(&Value, &Value) -> Outcome;

pub(crate) struct File {
    pub(crate) name: String,
    pub(crate) all: Value,
}

#[derive(Default)]
pub(crate) struct Tally {
    agree: BTreeMap<String, usize>,
    differ: Vec<String>,
    left_out: Vec<String>,
}

/// Where the vectors are, if anywhere. The tests run in the crate's folder; the workspace holds the repository.
pub(crate) fn vectors_folder() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/vectors");
    folder.is_dir().then_some(folder)
}

pub(crate) fn agrees_if(holds: bool, what: &str) -> Outcome {
    if holds { Outcome::Agrees } else { Outcome::Differs(what.into()) }
}

/// Not of what is built here, and why.
pub(crate) fn left_out(why: impl Into<String>) -> Outcome {
    Outcome::LeftOut(why.into())
}

/// What was computed, beside what the vector says.
pub(crate) fn agrees(found: &str, vector: &Value, key: &str) -> Outcome {
    let expected = text(vector, key);
    if found == expected {
        Outcome::Agrees
    } else {
        Outcome::Differs(format!("{key}: {expected}, not {found}"))
    }
}

impl Outcome {
    /// Both must agree.
    pub(crate) fn and(self, other: impl FnOnce() -> Self) -> Self {
        match self {
            Self::Agrees => other(),
            otherwise => otherwise,
        }
    }
}

impl File {
    pub(crate) fn read(folder: &Path, name: &str) -> Self {
        let path = folder.join(format!("{name}.json"));
        let bytes = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let all = serde_json::from_slice(&bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
        Self { name: name.into(), all }
    }

    pub(crate) fn vectors(&self) -> &[Value] {
        self.all["vectors"].as_array().expect("a file lists its vectors")
    }
}

impl Tally {
    pub(crate) fn take(&mut self, file: &File, check: Check) {
        for (at, vector) in file.vectors().iter().enumerate() {
            self.note(&file.name, at, check(vector, &file.all));
        }
    }

    pub(crate) fn note(&mut self, file: &str, at: usize, outcome: Outcome) {
        let agree = self.agree.entry(file.into()).or_default();
        match outcome {
            Outcome::Agrees => *agree += 1,
            Outcome::Differs(how) => self.differ.push(format!("{file} {at}: {how}")),
            Outcome::LeftOut(why) => self.left_out.push(format!("{file} {at}: {why}")),
        }
    }

    /// Says how many, and that none was lost; fails where one differs.
    pub(crate) fn close(self, folder: &Path, files: &[&str]) {
        let index: Value = File::read(folder, "INDEX").all;
        let listed: u64 = files.iter().map(|name| index[*name]["vectors"].as_u64().expect("a number")).sum();
        for line in &self.left_out {
            println!("left out: {line}");
        }
        for (file, agree) in &self.agree {
            println!("{agree:4} agree of {:4}: {file}", index[file]["vectors"]);
        }
        let agree: usize = self.agree.values().sum();
        println!("{agree} agree, {} left out, {} differ", self.left_out.len(), self.differ.len());
        assert!(self.differ.is_empty(), "these differ:\n{}", self.differ.join("\n"));
        assert_eq!((agree + self.left_out.len()) as u64, listed, "every vector listed was looked at");
    }
}
