//! The crates are one straight line, in manifests and in sources, and nothing is unsafe.

use std::collections::BTreeSet;

use toml::Table;

use crate::mentions::identifiers;
use crate::workspace::{all_sources, manifest, members, published, root};

/// Each crate, and the crates of the workspace it may use: only earlier ones. Crates that are yet to come have their
/// place already. Schemes do not use each other but for one: a ciphertext of BFV is a multiple of one of BGV, with the same
/// keys, levels and noise, so that he-bfv is he-bgv seen from the top of the modulus.
const LINE: [(&str, &[&str]); 10] = [
    ("he-core", &[]),
    ("he-bgv", &["he-core"]),
    ("he-bfv", &["he-core", "he-bgv"]),
    ("he-ckks", &["he-core"]),
    ("he-tfhe", &["he-core"]),
    ("he-yashe", &["he-core"]),
    ("he-switch", &["he-core", "he-bgv", "he-ckks", "he-tfhe"]),
    ("nn-encrypted", &["he-core", "he-bgv", "he-bfv", "he-ckks", "he-tfhe", "he-yashe", "he-switch"]),
    // A package of Python, named by its folder.
    ("nn-encrypted/python", &["he-bgv", "he-ckks", "he-tfhe", "nn-encrypted"]),
    (
        "bench",
        &["he-core", "he-bgv", "he-bfv", "he-ckks", "he-tfhe", "he-yashe", "he-switch", "nn-encrypted"],
    ),
];

/// The name under which he-core is published.
const CORE_PACKAGE: &str = "he-rlwe";

fn allowed(name: &str) -> Option<&'static [&'static str]> {
    LINE.iter().find(|(known, _)| *known == name).map(|(_, uses)| *uses)
}

/// A crate of the line that `source` of crate `name` mentions and may not.
fn stranger(source: &str, name: &str, uses: &[&str]) -> Option<String> {
    let strangers: Vec<String> = (LINE.iter().map(|(other, _)| *other))
        .filter(|other| *other != name && *other != "bench" && !uses.contains(other))
        .map(|other| other.replace('-', "_"))
        .collect();
    identifiers(source).into_iter().find(|word| strangers.contains(word))
}

fn is_unsafe(source: &str) -> bool {
    identifiers(source).iter().any(|word| word == "unsafe")
}

/// Names of the packages in every dependency table, of every kind and target.
fn dependencies(manifest: &Table, workspace: &Table) -> Vec<String> {
    let kinds = ["dependencies", "dev-dependencies", "build-dependencies"];
    let tables = |table: &Table| -> Vec<Table> {
        kinds.iter().filter_map(|kind| table.get(*kind)?.as_table().cloned()).collect()
    };
    let mut all = tables(manifest);
    for target in manifest.get("target").and_then(|targets| targets.as_table()).into_iter().flatten() {
        all.extend(target.1.as_table().map(tables).unwrap_or_default());
    }
    let shared = workspace.get("workspace").and_then(|w| w.get("dependencies"));
    let package = |value: Option<&toml::Value>| Some(value?.get("package")?.as_str()?.to_owned());
    (all.iter().flatten())
        .map(|(key, value)| {
            let renamed = package(Some(value)).or_else(|| package(shared?.get(key)));
            let name = renamed.unwrap_or_else(|| key.clone());
            // Members go by their folders, and one of them is published under another name.
            if name == CORE_PACKAGE { "he-core".into() } else { name }
        })
        .collect()
}

/// A dependency inside the workspace that the line does not allow.
fn forbidden_dependency(manifest: &Table, workspace: &Table, uses: &[&str]) -> Option<String> {
    (dependencies(manifest, workspace).into_iter())
        .find(|name| allowed(name).is_some() && !uses.contains(&name.as_str()))
}

#[test]
fn a_crate_may_use_earlier_ones_only_and_schemes_not_each_other() {
    for (place, (name, uses)) in LINE.iter().enumerate() {
        let earlier: Vec<&str> = LINE[..place].iter().map(|(name, _)| *name).collect();
        assert!(uses.iter().all(|used| earlier.contains(used)), "{name} uses a later crate");
    }
    for scheme in ["he-bgv", "he-ckks", "he-tfhe", "he-yashe"] {
        assert_eq!(allowed(scheme), Some(&["he-core"][..]));
    }
    assert_eq!(allowed("he-bfv"), Some(&["he-core", "he-bgv"][..]));
}

#[test]
fn manifests_follow_the_line() {
    let workspace = manifest(&root().join("Cargo.toml"));
    let members = members();
    assert!(["he-core", "he-bgv", "nn-encrypted"].iter().all(|name| members.contains_key(*name)));
    for (name, (_, manifest)) in &members {
        let uses = allowed(name).unwrap_or_else(|| panic!("{name} has no place on the line"));
        let found = forbidden_dependency(manifest, &workspace, uses);
        assert_eq!(found, None, "{name} depends on a crate that is not below it");
    }
}

#[test]
fn sources_name_no_crate_above_or_beside_them() {
    for (name, (folder, _)) in members() {
        let uses = allowed(&name).unwrap_or_else(|| panic!("{name} has no place on the line"));
        for (path, source) in all_sources(&folder) {
            assert_eq!(stranger(&source, &name, uses), None, "{}", path.display());
        }
    }
}

/// Whether a source gives a closure to `vectorize`. The compiler calls it through a shim that it inlines or not as it pleases; in one that
/// is not every vector instruction is a call. Kernels are types with `#[inline(always)]`.
fn vectorizes_a_closure(source: &str) -> bool {
    source.split(".vectorize(").skip(1).any(|rest| {
        let rest = rest.trim_start();
        let rest = rest.strip_prefix("#[inline(always)]").unwrap_or(rest).trim_start();
        rest.strip_prefix("move").unwrap_or(rest).trim_start().starts_with('|')
    })
}

#[test]
fn kernels_are_types() {
    for planted in
        ["simd.vectorize(|| body())", "simd.vectorize(\n    #[inline(always)]\n    move || body(),\n)"]
    {
        assert!(vectorizes_a_closure(planted));
    }
    assert!(!vectorizes_a_closure("simd.vectorize(Product { simd, q })"));
    for (_, (folder, _)) in published() {
        // This file plants some.
        let sources =
            all_sources(&folder).into_iter().filter(|(path, _)| !path.ends_with("structure/line.rs"));
        for (path, source) in sources {
            assert!(!vectorizes_a_closure(&source), "{}", path.display());
        }
    }
}

#[test]
fn nothing_is_unsafe() {
    let workspace = manifest(&root().join("Cargo.toml"));
    let lint = &workspace["workspace"]["lints"]["rust"]["unsafe_code"];
    assert_eq!(lint.as_str(), Some("forbid"));
    for (name, (folder, manifest)) in members() {
        let inherited = manifest.get("lints").and_then(|lints| lints.get("workspace")?.as_bool());
        assert_eq!(inherited, Some(true), "{name} does not inherit the lints of the workspace");
        for (path, source) in all_sources(&folder) {
            assert!(!is_unsafe(&source), "{}", path.display());
        }
    }
}

/// The tags of serialized objects that sources define.
fn tags(sources: impl IntoIterator<Item = String>) -> Vec<u16> {
    let tag =
        |line: &str| line.trim().strip_prefix("pub const TAG: Tag = Tag(")?.strip_suffix(");")?.parse().ok();
    sources.into_iter().flat_map(|source| source.lines().filter_map(tag).collect::<Vec<u16>>()).collect()
}

/// By its tag an object of one crate is told from those of all others.
#[test]
fn every_crate_has_a_tag_of_its_own() {
    let found: Vec<(String, u16)> = (published().into_iter())
        .flat_map(|(name, (folder, _))| {
            let of = tags(all_sources(&folder).into_iter().map(|(_, source)| source));
            of.into_iter().map(move |tag| (name.clone(), tag))
        })
        .collect();
    let (names, tags): (BTreeSet<_>, BTreeSet<_>) = found.iter().cloned().unzip();
    assert!(names.len() == published().len() && tags.len() == found.len(), "{found:?}");
}

#[test]
fn tags_are_found() {
    let sources = ["pub const TAG: Tag = Tag(7);\n", "    pub const TAG: Tag = Tag(8);\nlet x = Tag(9);"];
    assert_eq!(tags(sources.map(str::to_owned)), [7, 8]);
}

#[test]
fn strangers_and_unsafe_code_are_found() {
    let none: &[&str] = &[];
    assert_eq!(stranger("use he_bgv::Evaluator;", "he-core", none).as_deref(), Some("he_bgv"));
    assert_eq!(stranger("use he_tfhe as other;", "he-ckks", &["he-core"]).as_deref(), Some("he_tfhe"));
    let up = "fn f() { ::nn_encrypted::run() }";
    assert_eq!(stranger(up, "he-switch", &["he-core"]).as_deref(), Some("nn_encrypted"));
    let fine =
        "//! nn_encrypted\nconst S: &str = \"nn_encrypted\"; use he_core::ring; use he_bgv::Evaluator;";
    assert_eq!(stranger(fine, "he-bgv", &["he-core"]), None);
    assert!(is_unsafe("fn f() { unsafe { g() } }"));
    assert!(!is_unsafe("#![forbid(unsafe_code)] // unsafe\nconst S: &str = \"unsafe\";"));
}

#[test]
fn forbidden_dependencies_are_found() {
    let table = |text: &str| toml::from_str::<Table>(text).unwrap();
    let workspace =
        table("[workspace.dependencies]\nlayer = { package = \"he-switch\", path = \"he-switch\" }");
    let found = |text: &str| forbidden_dependency(&table(text), &workspace, &["he-core"]);
    let cases = [
        ("[dependencies]\nhe-core.workspace = true\nhe-ckks = \"1\"", "he-ckks"),
        ("[dev-dependencies]\nnn-encrypted = { path = \"../nn-encrypted\" }", "nn-encrypted"),
        ("[build-dependencies]\nother = { package = \"he-tfhe\", version = \"1\" }", "he-tfhe"),
        ("[target.'cfg(unix)'.dependencies]\nhe-bgv.workspace = true", "he-bgv"),
        ("[dependencies]\nlayer.workspace = true", "he-switch"),
        ("[dependencies]\nhe-rlwe = \"1\"\nhe-tfhe = \"1\"", "he-tfhe"),
    ];
    for (text, name) in cases {
        assert_eq!(found(text).as_deref(), Some(name), "{text}");
    }
    assert_eq!(found("[dependencies]\nhe-core.workspace = true\nserde = \"1\""), None);
}
