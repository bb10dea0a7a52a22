//! Manifests and sources of the members of the workspace.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use toml::Table;

use crate::crates::Sources;

/// The folder of the workspace.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The manifest at a path.
pub(crate) fn manifest(path: &Path) -> Table {
    toml::from_str(&read(path)).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Every member by the name of its folder: folder and manifest.
pub(crate) fn members() -> BTreeMap<String, (PathBuf, Table)> {
    let workspace = manifest(&root().join("Cargo.toml"));
    let folders = workspace["workspace"]["members"].as_array().expect("members is an array");
    let member = |folder: &toml::Value| {
        let name = folder.as_str().expect("a member is a path");
        let folder = root().join(name);
        let manifest = manifest(&folder.join("Cargo.toml"));
        (name.to_owned(), (folder, manifest))
    };
    folders.iter().map(member).collect()
}

/// The members that are published: all but those that say otherwise.
pub(crate) fn published() -> BTreeMap<String, (PathBuf, Table)> {
    let mut all = members();
    all.retain(|_, (_, manifest)| {
        manifest["package"].get("publish").and_then(toml::Value::as_bool) != Some(false)
    });
    all
}

/// All Rust sources at a path, with their text; none if there is no such path.
fn sources(at: &Path) -> Vec<(PathBuf, String)> {
    if at.extension().is_some_and(|extension| extension == "rs") && at.is_file() {
        return vec![(at.to_owned(), read(at))];
    }
    let Ok(entries) = fs::read_dir(at) else {
        return vec![];
    };
    let mut inner: Vec<PathBuf> = entries.map(|entry| entry.expect("a readable folder").path()).collect();
    inner.sort();
    inner.iter().flat_map(|path| sources(path)).collect()
}

/// All Rust sources of a crate: code, tests, benches and examples.
pub(crate) fn all_sources(folder: &Path) -> Vec<(PathBuf, String)> {
    let parts = ["src", "tests", "benches", "examples", "build.rs"];
    let all: Vec<_> = parts.iter().flat_map(|part| sources(&folder.join(part))).collect();
    assert!(!all.is_empty(), "{} has no sources", folder.display());
    all
}

/// The sources below `src` of a member, by their path from there.
pub(crate) fn code(member: &str) -> Sources {
    let src = root().join(member).join("src");
    let relative = |path: PathBuf| {
        let inner = path.strip_prefix(&src).expect("a source is below src");
        inner.to_str().expect("a path is UTF-8").to_owned()
    };
    sources(&src).into_iter().map(|(path, text)| (relative(path), text)).collect()
}
