//! What Cargo knows of the workspace and of what it leans on.

use crate::tree::root;
use serde_json::Value;
use std::process::Command;

/// One package as Cargo describes it.
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) version: String,
    /// Its folder from the root, such as `pure/terms`; nothing for a package from outside.
    pub(crate) folder: String,
    pub(crate) licence: String,
    pub(crate) leans_on: Vec<Dependency>,
}

/// One line of a package's manifest.
pub(crate) struct Dependency {
    pub(crate) name: String,
    /// Lies in this repository.
    pub(crate) ours: bool,
    /// Only for tests and benches.
    pub(crate) for_tests: bool,
}

impl Package {
    /// The room it stands in: the first part of its folder.
    pub(crate) fn room(&self) -> &str {
        self.folder.split('/').next().unwrap_or_default()
    }
}

/// The crates of the workspace.
pub(crate) fn ours() -> Vec<Package> {
    packages(&["--no-deps"])
}

/// Every package that is linked on this machine, ours and others'.
pub(crate) fn everything() -> Vec<Package> {
    packages(&["--filter-platform", &host()])
}

fn packages(options: &[&str]) -> Vec<Package> {
    let described = cargo_metadata(options);
    described["packages"].as_array().expect("metadata lists packages").iter().map(package).collect()
}

fn cargo_metadata(options: &[&str]) -> Value {
    let out = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1"])
        .args(options)
        .current_dir(root())
        .output()
        .expect("the Cargo that built this test can be run");
    assert!(out.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&out.stderr));
    serde_json::from_slice(&out.stdout).expect("cargo metadata prints JSON")
}

fn host() -> String {
    let out = Command::new("rustc").arg("-vV").current_dir(root()).output().expect("rustc can be run");
    let text = String::from_utf8_lossy(&out.stdout);
    text.lines().find_map(|line| line.strip_prefix("host: ")).expect("rustc names its host").to_owned()
}

fn package(described: &Value) -> Package {
    let manifest = text(&described["manifest_path"]);
    let folder = manifest.strip_suffix("/Cargo.toml").unwrap_or_default();
    let folder = folder.strip_prefix(&format!("{}/", root().display())).unwrap_or_default();
    Package {
        name: text(&described["name"]),
        version: text(&described["version"]),
        folder: if described["source"].is_null() { folder.to_owned() } else { String::new() },
        licence: text(&described["license"]).replace('/', " OR "),
        leans_on: described["dependencies"].as_array().into_iter().flatten().map(dependency).collect(),
    }
}

fn dependency(described: &Value) -> Dependency {
    Dependency {
        name: text(&described["name"]),
        ours: described["source"].is_null(),
        for_tests: described["kind"] == "dev",
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
