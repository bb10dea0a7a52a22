//! Names of the field, in documentation and in public names: words of our own that have one are refused.
//!
//! A word may still stand in a `doc(alias)`. Code in documentation is not read, only prose.

use regex::Regex;
use syn::visit::{self, Visit};
use syn::{Attribute, Field, ImplItem, ImplItemConst, ImplItemFn, Item, TraitItemFn, Variant, Visibility};

use crate::crates::{Crate, Sources};
use crate::mentions::{documentation, for_tests};
use crate::workspace::code;

/// Crates that are held to the names of the field.
const HELD: [&str; 8] =
    ["he-core", "he-bgv", "he-bfv", "he-ckks", "he-tfhe", "he-yashe", "he-switch", "nn-encrypted"];

/// Files that are not held to them yet. The list only gets shorter.
const LEFT: [(&str, &str); 8] = [
    ("nn-encrypted", "engine/slots/body"),
    ("nn-encrypted", "engine/slots/bgv/ops"),
    ("nn-encrypted", "engine/slots/bgv/rehearsal"),
    ("nn-encrypted", "engine/slots/ckks/held"),
    ("nn-encrypted", "engine/slots/ckks/levels"),
    ("nn-encrypted", "engine/slots/ckks/linear"),
    ("nn-encrypted", "engine/slots/ckks/slots"),
    ("nn-encrypted", "engine/slots/ckks/weights"),
];

/// Prose that has a name in the field: a pattern, without regard to case, and the name.
const PROSE: [(&str, &str); 10] = [
    (r"\bhand(s|ed|ing)? (it |them )?back\b", "gradient with respect to the input"),
    (r"\b(worn|as good as new)\b", "noise used up; refreshed"),
    (r"\bweighted sums?\b", "pre-activation, or logit at the outputs"),
    (r"\bslopes?\b", "derivative"),
    (r"\b(settles?|settled|settling|shrinks?|shrunk|shrinking|reduce_to)\b", "modulus switching to a level"),
    (r"\bfactors? modulo t\b", "correction factor"),
    (r"\btables? (that|which) reads?\b", "lookup table"),
    (r"\breadings\b", "mod-switched phases"),
    (r"\bhow (full|worn) \b", "noise budget"),
    (r"\bway forward leaves behind\b", "values kept for the backward pass"),
];

/// First words of a documentation comment where a noun belongs.
const OPENINGS: [&str; 2] = ["What ", "The same "];

/// Public names that have another in the field: crates that are held to it (all if empty), a pattern of the whole name, the
/// name.
const NAMES: [(&[&str], &str, &str); 8] = [
    (&[], "handed_back", "grad_input"),
    (&[], "Operand", "PreparedPlaintext"),
    (&[], "settle(_.*)?|shrink(_.*)?|reduce_to", "mod_switch_to and its siblings"),
    (&["he-bgv", "he-bfv", "he-ckks", "he-yashe"], "limbs|top|max_limbs", "level, max_level"),
    (&[], "slopes?|Slope", "derivative"),
    (&[], "Sides|supply|advance|tell", "a role and what it does"),
    (&[], "Aimed|Middle|Blank|Once|Work|Sent|How|At", "a noun that says what it is"),
    (&[], "Readings?|readings", "a mod-switched phase"),
];

/// The faults of one crate.
struct Reader<'a> {
    package: &'a str,
    file: &'a str,
    prose: Vec<(Regex, &'static str)>,
    names: Vec<(Regex, &'static str)>,
    faults: Vec<String>,
}

impl<'a> Reader<'a> {
    fn new(package: &'a str) -> Self {
        let prose = PROSE.iter().map(|(pattern, name)| (pattern_of(&format!("(?i){pattern}")), *name));
        let names = NAMES.iter().filter(|(crates, ..)| crates.is_empty() || crates.contains(&package));
        let names = names.map(|(_, pattern, name)| (pattern_of(&format!("^({pattern})$")), *name));
        Self { package, file: "", prose: prose.collect(), names: names.collect(), faults: Vec::new() }
    }

    fn prose(&mut self, attributes: &[Attribute]) {
        let text = documentation(attributes);
        let text = prose(&text);
        let (package, file) = (self.package, self.file);
        let found =
            self.prose.iter().filter_map(|(pattern, name)| Some((pattern.find(&text)?.as_str(), *name)));
        let told = found.map(|(found, name)| format!("{package}: {file}: \"{found}\", in the field: {name}"));
        self.faults.extend(told);
        if let Some(opening) = OPENINGS.iter().find(|opening| text.trim_start().starts_with(**opening)) {
            let line = text.trim_start().lines().next().unwrap_or_default();
            self.faults.push(format!("{package}: {file}: opens with \"{opening}\", not with a noun: {line}"));
        }
    }

    fn name(&mut self, visibility: &Visibility, name: &syn::Ident) {
        if matches!(visibility, Visibility::Public(_)) {
            self.public_name(name);
        }
    }

    fn public_name(&mut self, name: &syn::Ident) {
        let (package, file, text) = (self.package, self.file, name.to_string());
        let found = self.names.iter().filter(|(pattern, _)| pattern.is_match(&text));
        self.faults
            .extend(found.map(|(_, field)| format!("{package}: {file}: {text}, in the field: {field}")));
    }
}

fn pattern_of(pattern: &str) -> Regex {
    Regex::new(pattern).unwrap_or_else(|error| panic!("{error}"))
}

/// Documentation without its blocks of code, in one line a paragraph.
fn prose(text: &str) -> String {
    let mut in_code = false;
    let mut out = String::new();
    for line in text.lines() {
        let line = line.trim();
        in_code ^= line.starts_with("```");
        if in_code || line.starts_with("```") || line.is_empty() {
            out.push('\n');
        } else {
            out.push_str(line);
            out.push(' ');
        }
    }
    out
}

impl<'ast> Visit<'ast> for Reader<'_> {
    fn visit_item(&mut self, item: &'ast Item) {
        let (visibility, name, attributes) = match item {
            Item::Const(item) => (&item.vis, &item.ident, &item.attrs),
            Item::Enum(item) => (&item.vis, &item.ident, &item.attrs),
            Item::Fn(item) => (&item.vis, &item.sig.ident, &item.attrs),
            Item::Static(item) => (&item.vis, &item.ident, &item.attrs),
            Item::Struct(item) => (&item.vis, &item.ident, &item.attrs),
            Item::Trait(item) => (&item.vis, &item.ident, &item.attrs),
            Item::Type(item) => (&item.vis, &item.ident, &item.attrs),
            _ => return visit::visit_item(self, item),
        };
        if !for_tests(attributes) {
            self.prose(attributes);
            self.name(visibility, name);
            visit::visit_item(self, item);
        }
    }

    fn visit_field(&mut self, field: &'ast Field) {
        self.prose(&field.attrs);
        field.ident.iter().for_each(|name| self.name(&field.vis, name));
    }

    fn visit_variant(&mut self, variant: &'ast Variant) {
        self.prose(&variant.attrs);
        visit::visit_variant(self, variant);
    }

    fn visit_impl_item(&mut self, item: &'ast ImplItem) {
        let (visibility, name, attributes) = match item {
            ImplItem::Fn(ImplItemFn { vis, sig, attrs, .. }) => (vis, &sig.ident, attrs),
            ImplItem::Const(ImplItemConst { vis, ident, attrs, .. }) => (vis, ident, attrs),
            _ => return,
        };
        if !for_tests(attributes) {
            self.prose(attributes);
            self.name(visibility, name);
        }
    }

    fn visit_trait_item_fn(&mut self, item: &'ast TraitItemFn) {
        self.prose(&item.attrs);
        self.public_name(&item.sig.ident);
    }
}

/// Where a crate has words of its own.
fn faults(package: &str, sources: &Sources) -> Vec<String> {
    let all = Crate::read(package, sources);
    let mut reader = Reader::new(package);
    for module in all.modules.iter().filter(|module| !LEFT.contains(&(package, &module.file))) {
        reader.file = &module.file;
        reader.prose(&module.attributes);
        module.items.iter().for_each(|item| reader.visit_item(item));
    }
    reader.faults
}

#[test]
fn documentation_and_public_names_are_those_of_the_field() {
    let found: Vec<String> = HELD.iter().flat_map(|name| faults(name, &code(name))).collect();
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}

fn planted(package: &str, text: &str) -> Vec<String> {
    faults(package, &[("lib.rs".to_owned(), text.to_owned())].into())
}

#[test]
fn words_of_our_own_are_found_wherever_they_stand() {
    let faulty = [
        "//! Errors that layers hand\n//! back.",
        "/// The noise: a worn ciphertext.\npub struct C;",
        "/// What comes out.\nfn f() {}",
        "/// The same for two.\npub fn f() {}",
        "pub struct S { /// Its slope.\n x: u8 }",
        "pub enum E { /// Weighted sums.\n A }",
        "struct S; impl S { /// Has a factor modulo t.\n fn f() {} }",
        "trait T { /// All readings.\n fn f(); }",
        "pub struct Operand;",
        "pub fn tell() {}",
        "pub struct S { pub slope: f64 }",
        "pub struct S; impl S { pub fn settle_all(&self) {} }",
        "pub trait T { fn supply(&self); }",
        "mod inner { //! What is inside.\n }",
    ];
    for text in faulty {
        assert_eq!(planted("some-crate", text).len(), 1, "{text}");
    }
    assert_eq!(planted("he-bgv", "pub struct C; impl C { pub fn limbs(&self) {} }").len(), 1);
}

#[test]
fn other_words_are_left_alone() {
    let fine = [
        "/// A prepared plaintext.\n#[doc(alias = \"Operand\")]\npub struct PreparedPlaintext;",
        "/// A code.\n/// ```\n/// let slope = 1;\n/// ```\n/// Whatever it is, the same holds.\npub struct S;",
        "fn settle() {} struct Operand; pub(crate) fn tell() {}",
        "// What is here, as a slope.\npub struct S;",
        "#[cfg(test)] mod tests { /// What is tested.\n pub fn tell() {} }",
        "#[cfg(test)] /// What is tested.\n pub fn tell() {}",
        "pub struct C; impl C { pub fn limbs(&self) {} }",
    ];
    for text in fine {
        assert_eq!(planted("some-crate", text), Vec::<String>::new(), "{text}");
    }
}
