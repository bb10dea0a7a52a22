//! Every public type of a crate has a documentation example. Errors and iterators are exempt; traits and aliases are no
//! types of their own.

use syn::{Attribute, Item, Visibility};

use crate::crates::{Crate, Sources};
use crate::mentions::documentation;
use crate::public::Public;
use crate::workspace::code;

/// Crates of which all public types have an example.
const HELD: [&str; 8] =
    ["he-core", "he-bgv", "he-bfv", "he-ckks", "he-tfhe", "he-yashe", "he-switch", "nn-encrypted"];

fn attributes_of_type(item: &Item) -> &[Attribute] {
    match item {
        Item::Struct(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Union(item) => &item.attrs,
        _ => &[],
    }
}

/// The name of a type that is declared `pub`.
fn public_type(item: &Item) -> Option<String> {
    let (visibility, name) = match item {
        Item::Struct(item) => (&item.vis, &item.ident),
        Item::Enum(item) => (&item.vis, &item.ident),
        Item::Union(item) => (&item.vis, &item.ident),
        _ => return None,
    };
    matches!(visibility, Visibility::Public(_)).then(|| name.to_string())
}

/// Whether a text holds a block of code that documentation tests compile and expect to.
fn has_example(text: &str) -> bool {
    let ticks = text.lines().filter_map(|line| line.trim().strip_prefix("```"));
    let compiled = |info: &str| {
        let words = info.split(',').map(str::trim).filter(|word| !word.is_empty());
        words.into_iter().all(|word| ["rust", "no_run", "should_panic", "edition2024"].contains(&word))
    };
    // Every second row of ticks ends a block.
    ticks.step_by(2).any(compiled)
}

/// Whether a type is an error, by its name, or an iterator of the same module.
fn is_exempt(all: &Crate, module: usize, name: &str) -> bool {
    let iterates = |item: &Item| match item {
        Item::Impl(item) => {
            let of =
                |path: &syn::Path, word: &str| path.segments.last().is_some_and(|last| last.ident == word);
            let iterator = item.trait_.as_ref().is_some_and(|(path, _)| of(path, "Iterator"));
            iterator && matches!(&*item.self_ty, syn::Type::Path(path) if of(&path.path, name))
        }
        _ => false,
    };
    name.ends_with("Error") || all.modules[module].items.iter().any(iterates)
}

/// Public types of a crate without an example, with the files that define them.
fn without_example(package: &str, sources: &Sources) -> Vec<String> {
    let all = Crate::read(package, sources);
    let public = Public::shown(&all);
    let mut missing = Vec::new();
    for (module, name) in &public.names {
        let items = all.modules[*module].items.iter();
        let of_name = items.filter(|item| public_type(item).as_ref() == Some(name));
        for item in of_name.filter(|_| !is_exempt(&all, *module, name)) {
            if !has_example(&documentation(attributes_of_type(item))) {
                missing.push(format!("{package}: {} in {}", name, all.modules[*module].file));
            }
        }
    }
    missing
}

#[test]
fn every_public_type_has_an_example() {
    let missing: Vec<String> = HELD.iter().flat_map(|name| without_example(name, &code(name))).collect();
    assert!(missing.is_empty(), "public types without a documentation example:\n{}", missing.join("\n"));
}

#[test]
fn a_type_without_an_example_is_found() {
    let root = "pub mod open; mod closed; pub use closed::{Shown as Seen, deep::*}; mod hidden;";
    let open = "
        /// Has one: ``` is no fence here.
        /// ```
        /// let shown = 1;
        /// ```
        pub struct Good;
        /// ```text
        /// let shown = 1;
        /// ```
        pub struct Text;
        /// ```compile_fail
        /// let shown = 1;
        /// ```
        pub enum Refused {}
        pub(crate) struct Own;
        pub struct SomeError;
        pub struct Steps;
        impl Iterator for Steps { type Item = u8; fn next(&mut self) -> Option<u8> { None } }
        #[cfg(test)]
        pub struct ForTests;
        pub trait Arithmetic {}
    ";
    let closed = "pub struct Shown; pub struct Unshown; pub mod deep { pub enum Deep { A } enum Private {} }";
    let files =
        [("lib.rs", root), ("open.rs", open), ("closed.rs", closed), ("hidden.rs", "pub struct Hidden;")];
    let sources = files.map(|(file, text)| (file.to_owned(), text.to_owned())).into_iter().collect();
    let mut found = without_example("some-crate", &sources);
    found.sort();
    let expected = ["Deep in closed", "Refused in open", "Shown in closed", "Text in open"];
    assert_eq!(found, expected.map(|line| format!("some-crate: {line}")));
}
