//! The workspace is one straight line, `he-core → he-bgv, he-ckks, he-tfhe → he-switch → nn-encrypted → bench`, and inside
//! he-core the ring knows no secret and the RLWE layer no circuit. These tests read manifests and sources and keep it so.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use toml::Table;

/// Each crate, and the crates of the workspace it may use: only earlier ones. Crates that are yet to come have their
/// place already.
const LINE: [(&str, &[&str]); 7] = [
    ("he-core", &[]),
    ("he-bgv", &["he-core"]),
    ("he-ckks", &["he-core"]),
    ("he-tfhe", &["he-core"]),
    ("he-switch", &["he-core", "he-bgv", "he-ckks", "he-tfhe"]),
    ("nn-encrypted", &["he-core", "he-bgv", "he-ckks", "he-tfhe", "he-switch"]),
    ("bench", &["he-core", "he-bgv", "he-ckks", "he-tfhe", "he-switch", "nn-encrypted"]),
];

/// What may not be imported where, inside he-core: the folder or file, and the modules it must not know.
const LAYERS: [(&str, &[&str]); 7] = [
    ("lib.rs", &["rlwe", "circuits"]),
    ("modulus.rs", &["ring", "rlwe", "circuits"]),
    ("prime.rs", &["ring", "rlwe", "circuits"]),
    ("wire", &["ring", "rlwe", "circuits"]),
    ("ring", &["rlwe", "circuits"]),
    ("rlwe", &["circuits"]),
    ("circuits", &["rlwe"]),
];

fn allowed(name: &str) -> Option<&'static [&'static str]> {
    LINE.iter().find(|(known, _)| *known == name).map(|(_, uses)| *uses)
}

/// Name of a crate in source code.
fn in_code(name: &str) -> String {
    name.replace('-', "_")
}

// ---- Rust source

/// Length of the string or character literal at the start of `rest`, if there is one.
fn literal(rest: &str) -> Option<usize> {
    let after = rest.trim_start_matches(['b', 'c', 'r']);
    let prefix = &rest[..rest.len() - after.len()];
    let bare = after.trim_start_matches('#');
    let hashes = after.len() - bare.len();
    let opened = prefix.len() + hashes + 1;
    if prefix.contains('r') && bare.starts_with('"') {
        let close = format!("\"{}", "#".repeat(hashes));
        return Some(rest[opened..].find(&close).map_or(rest.len(), |at| opened + at + close.len()));
    }
    if after.starts_with('"') {
        let mut escaped = false;
        let close = rest[opened..].find(|c| {
            let end = c == '"' && !escaped;
            escaped = c == '\\' && !escaped;
            end
        });
        return Some(close.map_or(rest.len(), |at| opened + at + 1));
    }
    let inner = rest.strip_prefix('\'')?;
    if inner.starts_with('\\') {
        return inner.get(2..)?.find('\'').map(|at| at + 4);
    }
    // Without a closing quote it is a lifetime.
    let first = inner.chars().next()?.len_utf8();
    inner[first..].starts_with('\'').then_some(first + 2)
}

/// Length of the comment at the start of `rest`, if there is one. Block comments nest.
fn comment(rest: &str) -> Option<usize> {
    if rest.starts_with("//") {
        return Some(rest.find('\n').unwrap_or(rest.len()));
    }
    if !rest.starts_with("/*") {
        return None;
    }
    let (mut depth, mut at) = (1, 2);
    while depth > 0 && at < rest.len() {
        match rest.get(at..at + 2) {
            Some("/*") => (depth, at) = (depth + 1, at + 2),
            Some("*/") => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
    }
    Some(at)
}

fn is_word(token: &str) -> bool {
    token.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

/// Words, `::` and single other characters of Rust source, without comments and literals.
fn tokens(source: &str) -> Vec<&str> {
    let mut out = Vec::new();
    let mut rest = source;
    while let Some(first) = rest.chars().next() {
        let skipped = if first.is_whitespace() {
            Some(first.len_utf8())
        } else {
            comment(rest).or_else(|| literal(rest))
        };
        let length = skipped.unwrap_or_else(|| {
            let word = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
            let length = match word {
                0 if rest.starts_with("::") => 2,
                0 => first.len_utf8(),
                word => word,
            };
            out.push(&rest[..length]);
            length
        });
        rest = &rest[length..];
    }
    out
}

/// Reads the path at `at`, whose first segments are `path`; the groups of a `use` are taken apart.
fn read_path<'s>(tokens: &[&'s str], at: &mut usize, mut path: Vec<&'s str>, out: &mut Vec<Vec<&'s str>>) {
    while let Some(&token) = tokens.get(*at) {
        if token == "{" && !path.is_empty() {
            *at += 1;
            while tokens.get(*at).is_some_and(|&token| token != "}") {
                let before = *at;
                read_path(tokens, at, path.clone(), out);
                *at = (*at).max(before + 1);
            }
            *at += 1;
            return;
        }
        if !is_word(token) && token != "*" {
            break;
        }
        path.push(token);
        *at += 1;
        if tokens.get(*at) != Some(&"::") {
            break;
        }
        *at += 1;
    }
    out.push(path);
}

/// All paths of a source, `a::{b, c}` as two.
fn paths(source: &str) -> Vec<Vec<&str>> {
    let (tokens, mut at, mut out) = (tokens(source), 0, Vec::new());
    while at < tokens.len() {
        if is_word(tokens[at]) {
            read_path(&tokens, &mut at, Vec::new(), &mut out);
        } else {
            at += 1;
        }
    }
    out
}

/// A path that leads into one of the modules, from any depth.
fn path_into(source: &str, modules: &[&str]) -> Option<String> {
    let up = ["crate", "super", "self", "he_core"];
    let leads = |path: &Vec<&str>| {
        let first = path.iter().find(|segment| !up.contains(segment));
        path.len() > 1 && first.is_some_and(|first| modules.contains(first))
    };
    paths(source).into_iter().find(leads).map(|path| path.join("::"))
}

/// A crate of the line that `source` of crate `name` mentions and may not.
fn stranger(source: &str, name: &str, uses: &[&str]) -> Option<String> {
    let strangers: Vec<String> = (LINE.iter().map(|(other, _)| *other))
        .filter(|other| *other != name && *other != "bench" && !uses.contains(other))
        .map(in_code)
        .collect();
    (tokens(source).into_iter())
        .find(|token| strangers.iter().any(|stranger| stranger == token))
        .map(str::to_owned)
}

// ---- Manifests

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
            renamed.unwrap_or_else(|| key.clone())
        })
        .collect()
}

/// A dependency inside the workspace that the line does not allow.
fn forbidden_dependency(manifest: &Table, workspace: &Table, uses: &[&str]) -> Option<String> {
    (dependencies(manifest, workspace).into_iter())
        .find(|name| allowed(name).is_some() && !uses.contains(&name.as_str()))
}

// ---- The workspace

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn manifest(path: &Path) -> Table {
    toml::from_str(&read(path)).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Every member by its package name: folder and manifest.
fn members() -> BTreeMap<String, (PathBuf, Table)> {
    let workspace = manifest(&root().join("Cargo.toml"));
    let folders = workspace["workspace"]["members"].as_array().expect("members is an array");
    let member = |folder: &toml::Value| {
        let folder = root().join(folder.as_str().expect("a member is a path"));
        let manifest = manifest(&folder.join("Cargo.toml"));
        let name = manifest["package"]["name"].as_str().expect("a package has a name").to_owned();
        (name, (folder, manifest))
    };
    folders.iter().map(member).collect()
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

/// All Rust sources of a crate.
fn sources_of(folder: &Path) -> Vec<(PathBuf, String)> {
    let parts = ["src", "tests", "benches", "examples", "build.rs"];
    let all: Vec<_> = parts.iter().flat_map(|part| sources(&folder.join(part))).collect();
    assert!(!all.is_empty(), "{} has no sources", folder.display());
    all
}

#[test]
fn a_crate_may_use_earlier_ones_only_and_schemes_not_each_other() {
    for (place, (name, uses)) in LINE.iter().enumerate() {
        let earlier: Vec<&str> = LINE[..place].iter().map(|(name, _)| *name).collect();
        assert!(uses.iter().all(|used| earlier.contains(used)), "{name} uses a later crate");
    }
    for scheme in ["he-bgv", "he-ckks", "he-tfhe"] {
        assert_eq!(allowed(scheme), Some(&["he-core"][..]));
    }
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
        for (path, source) in sources_of(&folder) {
            assert_eq!(stranger(&source, &name, uses), None, "{}", path.display());
        }
    }
}

#[test]
fn the_ring_knows_no_secret_and_the_rlwe_layer_no_circuit() {
    let src = root().join("he-core/src");
    for (part, modules) in LAYERS {
        let files = sources(&src.join(part));
        assert!(!files.is_empty(), "he-core/src/{part} is gone");
        for (path, source) in files {
            assert_eq!(path_into(&source, modules), None, "{}", path.display());
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
        for (path, source) in sources_of(&folder) {
            assert!(!tokens(&source).contains(&"unsafe"), "{}", path.display());
        }
    }
}

// ---- That the tests above can fail

#[test]
fn forbidden_imports_are_found_in_every_form() {
    let forms = [
        "use crate::rlwe::SecretKey;",
        "use super::super::rlwe;",
        "use crate::{modulus::Modulus, rlwe::{Ciphertext, secret}};",
        "use he_core::{ring::{poly, basis}, rlwe as layer};",
        "pub use self::rlwe::*;",
        "fn f(key: &crate::rlwe::SecretKey) {}",
        "use crate::*; type S = Vec<rlwe::SecretKey>;",
        "const Q: char = '\\''; const S: &str = \"\\\"\"; use crate::rlwe;",
        "fn f<'a>(x: &'a str) { crate :: rlwe :: go(x) }",
    ];
    for form in forms {
        assert!(path_into(form, &["rlwe"]).is_some(), "{form}");
        assert_eq!(path_into(form, &["circuits"]), None, "{form}");
    }
    assert_eq!(path_into("use crate::{a, rlwe::b};", &["rlwe"]).as_deref(), Some("crate::rlwe::b"));
}

#[test]
fn comments_literals_and_other_words_are_no_imports() {
    let harmless = [
        "//! [`crate::rlwe`] is above.\nuse super::poly;",
        "/* crate::rlwe /* nested */ crate::rlwe */ use super::poly;",
        "const S: &str = \"crate::rlwe\";",
        "const S: &str = r#\"a \" crate::rlwe\"#;",
        "let rlwe = 1; let next = rlwe + 1;",
        "use crate::ring::rlwe_like;",
    ];
    for text in harmless {
        assert_eq!(path_into(text, &["rlwe"]), None, "{text}");
    }
}

#[test]
fn strangers_and_unsafe_code_are_found() {
    let none: &[&str] = &[];
    assert_eq!(stranger("use he_bgv::Evaluator;", "he-core", none).as_deref(), Some("he_bgv"));
    assert_eq!(stranger("use he_tfhe as other;", "he-ckks", &["he-core"]).as_deref(), Some("he_tfhe"));
    let up = "fn f() { ::nn_encrypted::run() }";
    assert_eq!(stranger(up, "he-switch", &["he-core"]).as_deref(), Some("nn_encrypted"));
    let fine = "// nn_encrypted\nuse he_core::ring; use he_bgv::Evaluator;";
    assert_eq!(stranger(fine, "he-bgv", &["he-core"]), None);
    assert!(tokens("fn f() { unsafe { g() } }").contains(&"unsafe"));
    assert!(!tokens("#![forbid(unsafe_code)] // unsafe\nconst S: &str = \"unsafe\";").contains(&"unsafe"));
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
    ];
    for (text, name) in cases {
        assert_eq!(found(text).as_deref(), Some(name), "{text}");
    }
    assert_eq!(found("[dependencies]\nhe-core.workspace = true\nserde = \"1\""), None);
}
