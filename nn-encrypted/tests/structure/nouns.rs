//! One type each for the nouns of `nn-encrypted`: a second recipe, client or plan is a second house under one roof.

use syn::visit::{self, Visit};
use syn::{Item, Visibility};

use crate::crates::{Crate, Sources};
use crate::mentions::{attributes, for_tests};
use crate::workspace::code;

/// Nouns, each of which is a public struct and ends the name of no other type.
const NOUNS: [&str; 7] = ["Recipe", "Plan", "Session", "Client", "Server", "Model", "Twin"];

/// Collects types whose names end with a noun.
#[derive(Default)]
struct Types {
    file: String,
    /// Each with its file, and whether it is a public struct.
    found: Vec<(String, String, bool)>,
}

impl<'ast> Visit<'ast> for Types {
    fn visit_item(&mut self, item: &'ast Item) {
        let (name, public_struct) = match item {
            _ if for_tests(attributes(item)) => return,
            Item::Struct(item) => (&item.ident, matches!(item.vis, Visibility::Public(_))),
            Item::Enum(item) => (&item.ident, false),
            Item::Union(item) => (&item.ident, false),
            Item::Trait(item) => (&item.ident, false),
            Item::Type(item) => (&item.ident, false),
            _ => return visit::visit_item(self, item),
        };
        let name = name.to_string();
        if NOUNS.iter().any(|noun| name.ends_with(noun)) {
            self.found.push((name, self.file.clone(), public_struct));
        }
    }
}

/// Nouns without a public struct, and types of another name that ends with a noun.
fn complaints(sources: &Sources) -> Vec<String> {
    let all = Crate::read("nn-encrypted", sources);
    let mut types = Types::default();
    for module in &all.modules {
        types.file.clone_from(&module.file);
        module.items.iter().for_each(|item| types.visit_item(item));
    }
    let mut out = Vec::new();
    for noun in NOUNS {
        let of_noun: Vec<_> = types.found.iter().filter(|(name, ..)| name.ends_with(noun)).collect();
        let is_it = |found: &&&(String, String, bool)| found.0 == noun && found.2;
        if of_noun.iter().filter(is_it).count() != 1 || of_noun.len() > 1 {
            let names: Vec<String> =
                of_noun.iter().map(|(name, file, _)| format!("{name} in {file}")).collect();
            out.push(format!(
                "one public struct {noun} and no other is needed, there are: {}",
                names.join(", ")
            ));
        }
    }
    out
}

#[test]
fn there_is_one_type_for_each_noun() {
    let found = complaints(&code("nn-encrypted"));
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}

#[test]
fn a_second_type_of_a_noun_is_found() {
    let all = "pub struct Recipe; pub struct Plan; pub struct Session; pub struct Client; pub struct Server;
        pub struct Twin;";
    let found = |text: &str| complaints(&[("lib.rs".to_owned(), format!("{all}\n{text}"))].into());
    assert_eq!(found("pub struct Model; struct Models; fn model() {} struct Planned;"), Vec::<String>::new());
    assert_eq!(found("pub struct Model; #[cfg(test)] mod tests { struct ClearPlan; }"), Vec::<String>::new());
    assert_eq!(found("pub struct Model; mod inner { pub struct Model; }").len(), 1);
    for text in ["", "struct Model;", "pub enum Model {}"] {
        assert_eq!(found(text).len(), 1, "{text}");
    }
    for second in [
        "pub struct BgvClient;",
        "struct WordPlan;",
        "enum AnyRecipe {}",
        "trait LocalServer {}",
        "type RealTwin = Twin;",
        "fn f() { struct MixedSession; }",
    ] {
        assert_eq!(found(&format!("pub struct Model; {second}")).len(), 1, "{second}");
    }
}
