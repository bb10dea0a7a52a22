//! Every member but `bench` can be published: its manifest says what a registry asks for, its folder holds the licences, and the library that has
//! another licence is nobody's unless it is asked for.

use std::fs;
use std::path::Path;

use toml::{Table, Value};

use crate::workspace::{manifest, members, published, root};

/// Most keywords of a package, and most characters of one.
const MOST_KEYWORDS: usize = 5;
const LONGEST_KEYWORD: usize = 20;

/// Fields of a package that have a text, here or in the workspace.
const TEXTS: [&str; 6] = ["version", "description", "license", "repository", "readme", "rust-version"];

/// A field of a package, by the workspace where it says so.
fn field<'a>(package: &'a Table, workspace: &'a Table, name: &str) -> Option<&'a Value> {
    let own = package.get(name)?;
    let inherited = own.get("workspace").and_then(Value::as_bool) == Some(true);
    if inherited { workspace["workspace"]["package"].get(name) } else { Some(own) }
}

/// The faults of a package.
fn faults(manifest: &Table, workspace: &Table) -> Vec<String> {
    let package = manifest["package"].as_table().expect("a package is a table");
    let list = |name: &str| {
        let values = field(package, workspace, name).and_then(Value::as_array);
        values.into_iter().flatten().filter_map(|value| value.as_str()).collect::<Vec<_>>()
    };
    let mut faults: Vec<String> = (TEXTS.iter())
        .filter(|name| field(package, workspace, name).and_then(Value::as_str).is_none_or(str::is_empty))
        .map(|name| format!("no {name}"))
        .collect();
    let keywords = list("keywords");
    let fits = |word: &&str| {
        let starts = word.starts_with(|c: char| c.is_ascii_alphabetic());
        starts
            && word.len() <= LONGEST_KEYWORD
            && word.chars().all(|c| c.is_ascii_alphanumeric() || "-_+".contains(c))
    };
    if keywords.is_empty() || keywords.len() > MOST_KEYWORDS || !keywords.iter().all(fits) {
        faults.push(format!("keywords {keywords:?}"));
    }
    if list("categories").is_empty() {
        faults.push("no categories".into());
    }
    if package.get("metadata").and_then(|metadata| metadata.get("docs")?.get("rs")).is_none() {
        faults.push("no metadata for docs.rs".into());
    }
    let named = package["name"].as_str().expect("a package has a name");
    if named == "he-core" {
        faults.push("he-core is the name of another package on the registry".into());
    }
    faults
}

#[test]
fn manifests_say_what_a_registry_asks_for() {
    let workspace = manifest(&root().join("Cargo.toml"));
    for (name, (_, manifest)) in published() {
        assert_eq!(faults(&manifest, &workspace), Vec::<String>::new(), "{name}");
    }
}

#[test]
fn folders_hold_readme_and_licences() {
    let read =
        |path: &Path| fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    for (name, (folder, _)) in published() {
        for licence in ["LICENSE-MIT", "LICENSE-APACHE"] {
            assert!(read(&folder.join(licence)) == read(&root().join(licence)), "{name}: another {licence}");
        }
        let readme = read(&folder.join("README.md"));
        assert!(!readme.contains("](../"), "{name}: a link in the README leads out of the package");
    }
}

/// Members of the workspace that a member may use are named once, with path and version.
#[test]
fn members_are_named_in_one_place() {
    let workspace = manifest(&root().join("Cargo.toml"));
    let shared = workspace["workspace"]["dependencies"].as_table().expect("dependencies are a table");
    let version = workspace["workspace"]["package"]["version"].as_str();
    for (name, (_, member)) in published().iter().filter(|(name, _)| *name != "nn-encrypted") {
        let entry = &shared[name.as_str()];
        let package = entry.get("package").and_then(Value::as_str).unwrap_or(name);
        assert_eq!(member["package"]["name"].as_str(), Some(package), "{name}");
        assert!(
            entry.get("version").and_then(Value::as_str) == version && entry.get("path").is_some(),
            "{name}"
        );
    }
    for (name, (_, manifest)) in members() {
        for (key, value) in ["dependencies", "dev-dependencies"]
            .iter()
            .filter_map(|kind| manifest.get(*kind)?.as_table())
            .flatten()
        {
            let inherited = value.get("workspace").and_then(Value::as_bool) == Some(true);
            assert!(inherited || !shared.contains_key(key), "{name}: {key} is not inherited");
        }
    }
}

/// Nobody needs the other library without having asked for it.
#[test]
fn the_library_of_transforms_is_optional() {
    const LIBRARY: &str = "concrete-ntt";
    for (name, (_, manifest)) in published() {
        let own = manifest.get("dependencies").and_then(|all| all.get(LIBRARY));
        assert!(name == "he-core" || own.is_none(), "{name} depends on {LIBRARY}");
        let features = manifest.get("features").and_then(Value::as_table);
        let default = features.and_then(|all| all.get("default")?.as_array()).into_iter().flatten();
        let asked = default.filter_map(Value::as_str).find(|feature| feature.contains("tfhe-ntt"));
        assert_eq!(asked, None, "{name}");
        if let Some(own) = own {
            assert_eq!(own.get("optional").and_then(Value::as_bool), Some(true), "{name}");
        }
    }
}

#[test]
fn faults_are_found() {
    let table = |text: &str| toml::from_str::<Table>(text).expect("a manifest");
    let workspace = table("[workspace.package]\nversion = \"1.0.0\"");
    let whole = "[package]\nname = \"a\"\nversion.workspace = true\ndescription = \"b\"\nlicense = \"MIT\"\nrepository = \"r\"\n\
        readme = \"README.md\"\nrust-version = \"1.80\"\nkeywords = [\"fhe\"]\ncategories = [\"cryptography\"]\n\
        [package.metadata.docs.rs]\nall-features = true\n";
    assert_eq!(faults(&table(whole), &workspace), Vec::<String>::new());
    for (from, to, fault) in [
        ("\"fhe\"", "\"homomorphic-encryption\"", "keywords [\"homomorphic-encryption\"]"),
        (
            "\"fhe\"",
            "\"a\", \"b\", \"c\", \"d\", \"e\", \"f\"",
            "keywords [\"a\", \"b\", \"c\", \"d\", \"e\", \"f\"]",
        ),
        ("repository = \"r\"\n", "", "no repository"),
        ("docs.rs", "other", "no metadata for docs.rs"),
        ("name = \"a\"", "name = \"he-core\"", "he-core is the name of another package on the registry"),
    ] {
        assert_eq!(faults(&table(&whole.replace(from, to)), &workspace), [fault]);
    }
    assert_eq!(faults(&table(whole), &table("[workspace.package]")), ["no version"]);
}
