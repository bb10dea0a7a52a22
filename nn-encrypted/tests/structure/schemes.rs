//! Outside its engines, `nn-encrypted` knows schemes by one word alone: no file names a crate of a scheme, and no enum has a
//! variant for a scheme or for a recipe.

use syn::visit::{self, Visit};
use syn::{Item, ItemEnum};

use crate::crates::{Crate, Sources};
use crate::mentions::{attributes, for_tests};
use crate::workspace::{code, root};

/// Crates of schemes and of the bridges between them.
const SCHEME_CRATES: [&str; 6] = ["he_bgv", "he_bfv", "he_ckks", "he_tfhe", "he_yashe", "he_switch"];

/// Where they may be named: engines, the client's side of engines, and their parameters.
const CONCRETE: [&str; 3] = ["engine", "roles/cipher", "plan/parameters"];

/// Words that stand for a scheme in a name.
const SCHEMES: [&str; 7] = ["bgv", "bfv", "yashe", "ckks", "tfhe", "fhew", "cggi"];

/// The enum that is the scheme word itself, and its file.
const SCHEME_WORD: (&str, &str) = ("recipe/layer", "Scheme");

/// Whether a file may name a crate of a scheme.
fn is_concrete(file: &str) -> bool {
    CONCRETE
        .iter()
        .any(|folder| file.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
}

/// Files that name a crate of a scheme and may not; what is compiled for tests alone may.
fn strangers(sources: &Sources) -> Vec<String> {
    let all = Crate::read("nn-encrypted", sources);
    let mut out = Vec::new();
    for module in all.modules.iter().filter(|module| !is_concrete(&module.file)) {
        let imports = module.mentions.imports.iter().map(|import| &import.path);
        let first = imports.chain(&module.mentions.paths).filter_map(|path| path.first());
        let found = first.filter(|name| SCHEME_CRATES.contains(&name.as_str()));
        out.extend(found.map(|name| format!("{} names {name}", module.file)));
    }
    out
}

/// The words of a name in camel case, in lower case.
fn words(name: &str) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    for letter in name.chars() {
        match out.last_mut().filter(|_| !letter.is_uppercase()) {
            Some(word) => word.push(letter),
            None => out.push(letter.to_lowercase().to_string()),
        }
    }
    out
}

/// Collects variants for a scheme or a recipe.
struct Variants<'a> {
    file: &'a str,
    recipes: &'a [String],
    found: Vec<String>,
}

impl<'ast> Visit<'ast> for Variants<'_> {
    fn visit_item(&mut self, item: &'ast Item) {
        if !for_tests(attributes(item)) {
            visit::visit_item(self, item);
        }
    }

    fn visit_item_enum(&mut self, item: &'ast ItemEnum) {
        let name = item.ident.to_string();
        if (self.file, name.as_str()) == SCHEME_WORD {
            return;
        }
        for variant in &item.variants {
            let variant = variant.ident.to_string();
            let of_scheme = words(&variant).iter().any(|word| SCHEMES.contains(&word.as_str()));
            if of_scheme || self.recipes.contains(&variant.to_lowercase()) {
                self.found.push(format!("{} has {name}::{variant}", self.file));
            }
        }
    }
}

/// Variants for a scheme or a recipe outside engines.
fn variants(sources: &Sources, recipes: &[String]) -> Vec<String> {
    let all = Crate::read("nn-encrypted", sources);
    let mut out = Vec::new();
    for module in all.modules.iter().filter(|module| !is_concrete(&module.file)) {
        let mut variants = Variants { file: &module.file, recipes, found: Vec::new() };
        module.items.iter().for_each(|item| variants.visit_item(item));
        out.append(&mut variants.found);
    }
    out
}

/// Names of the recipes inside the program, as a variant would have them, in lower case.
fn recipes() -> Vec<String> {
    let folder = root().join("nn-encrypted/recipes");
    let entries = folder.read_dir().unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let name = |entry: std::io::Result<std::fs::DirEntry>| {
        let name = entry.expect("a readable folder").file_name().into_string().expect("a name in UTF-8");
        name.strip_suffix(".toml").map(|name| name.replace(['_', '-'], ""))
    };
    entries.filter_map(name).collect()
}

#[test]
fn only_engines_name_a_crate_of_a_scheme() {
    let found = strangers(&code("nn-encrypted"));
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}

#[test]
fn no_enum_has_a_variant_for_a_scheme_or_a_recipe() {
    let recipes = recipes();
    assert!(recipes.len() >= 5, "{recipes:?}");
    let found = variants(&code("nn-encrypted"), &recipes);
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}

fn planted(file: &str, text: &str) -> Sources {
    let mut all = Sources::from([
        ("lib.rs".to_owned(), "mod engine; mod roles; mod plan; mod recipe; mod run;".to_owned()),
        ("roles/mod.rs".to_owned(), "mod cipher; mod client;".to_owned()),
        ("plan/mod.rs".to_owned(), "mod parameters; mod parametersof;".to_owned()),
        ("recipe/mod.rs".to_owned(), "mod layer;".to_owned()),
    ]);
    for inner in [
        "engine",
        "roles/cipher",
        "roles/client",
        "plan/parameters",
        "plan/parametersof",
        "recipe/layer",
        "run",
    ] {
        all.insert(format!("{inner}.rs"), String::new());
    }
    all.insert(file.to_owned(), text.to_owned());
    all
}

#[test]
fn a_crate_of_a_scheme_is_found_where_it_may_not_be() {
    let forms = [
        "use he_bgv::Evaluator;",
        "use he_tfhe as other;",
        "fn f() -> he_ckks::Ciphertext { loop {} }",
        "fn f() { println!(\"{}\", he_switch::TAG) }",
        "mod inner { fn f() { use ::he_bgv::*; } }",
        "#[cfg(feature = \"cli\")] use he_bgv::Evaluator;",
    ];
    for form in forms {
        for file in ["run.rs", "roles/client.rs", "plan/parametersof.rs", "recipe/layer.rs"] {
            assert_eq!(strangers(&planted(file, form)).len(), 1, "{file}: {form}");
        }
        for file in ["engine.rs", "roles/cipher.rs", "plan/parameters.rs"] {
            assert_eq!(strangers(&planted(file, form)), Vec::<String>::new(), "{file}: {form}");
        }
    }
    let fine = [
        "use he_core::ring;",
        "// he_bgv\nconst S: &str = \"he_bgv\";",
        "#[cfg(test)] mod tests { use he_bgv::Spec; }",
        "use crate::engine::he_bgv_like;",
    ];
    for form in fine {
        assert_eq!(strangers(&planted("run.rs", form)), Vec::<String>::new(), "{form}");
    }
}

#[test]
fn a_variant_for_a_scheme_or_a_recipe_is_found() {
    let recipes = ["ckkssgd", "glyph2020"].map(String::from);
    let found = |file: &str, text: &str| variants(&planted(file, text), &recipes).len();
    assert_eq!(found("run.rs", "enum Scheme { Bgv, Ckks }"), 2);
    assert_eq!(found("run.rs", "enum AnyModel { BgvModel(u8), Real }"), 1);
    assert_eq!(found("run.rs", "pub enum Kind { Glyph2020, CkksSgd { x: u8 }, Other }"), 2);
    assert_eq!(found("run.rs", "fn f() { enum Kind { OverTfhe } }"), 1);
    assert_eq!(found("recipe/layer.rs", "pub enum Other { Bgv }"), 1);
    assert_eq!(found("recipe/layer.rs", "pub enum Scheme { Bgv, Ckks, Tfhe }"), 0);
    assert_eq!(found("engine.rs", "enum Error { Bgv(u8), Ckks(u8) }"), 0);
    assert_eq!(found("run.rs", "enum Refresh { Client, Clean } #[cfg(test)] enum E { Bgv }"), 0);
}
