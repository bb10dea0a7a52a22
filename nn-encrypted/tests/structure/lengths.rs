//! How long files and functions are, and how many lines a crate has without its tests.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{Block, ImplItem, ImplItemFn, Item, ItemFn, Signature, Stmt, TraitItem, TraitItemFn};

use crate::crates::{Crate, Sources};
use crate::mentions::{attributes, for_tests};
use crate::workspace::{code, members};

/// Lines of a file, at most.
const LONGEST_FILE: usize = 400;
/// Lines of a function, at most, from its name to its last brace.
const LONGEST_FUNCTION: usize = 60;
/// Lines of `nn-encrypted` without tests, at most. It only gets lower, but for a new part: 22,500 are the aim, 3,500 for `net`, and
/// 3,600 for files of other programs.
const MOST_LINES: usize = 51_850;

/// Collects functions that are too long.
#[derive(Default)]
struct Functions {
    long: Vec<(String, usize)>,
}

impl Functions {
    fn measure(&mut self, signature: &Signature, body: &Block) {
        let lines = 1 + body.span().end().line - signature.span().start().line;
        if lines > LONGEST_FUNCTION {
            self.long.push((signature.ident.to_string(), lines));
        }
    }
}

impl<'ast> Visit<'ast> for Functions {
    fn visit_item_fn(&mut self, function: &'ast ItemFn) {
        self.measure(&function.sig, &function.block);
        visit::visit_item_fn(self, function);
    }

    fn visit_impl_item_fn(&mut self, function: &'ast ImplItemFn) {
        self.measure(&function.sig, &function.block);
        visit::visit_impl_item_fn(self, function);
    }

    fn visit_trait_item_fn(&mut self, function: &'ast TraitItemFn) {
        function.default.iter().for_each(|body| self.measure(&function.sig, body));
        visit::visit_trait_item_fn(self, function);
    }
}

/// Files and functions of a crate that are too long, tests included.
fn too_long(package: &str, sources: &Sources) -> Vec<String> {
    let mut out = Vec::new();
    for (file, text) in sources {
        let lines = text.lines().count();
        if lines > LONGEST_FILE {
            out.push(format!("{package}: {file} has {lines} lines, at most {LONGEST_FILE} are allowed"));
        }
        let mut functions = Functions::default();
        functions.visit_file(&parsed(file, text));
        out.extend(functions.long.iter().map(|(name, lines)| {
            format!("{package}: {file}: {name} has {lines} lines, at most {LONGEST_FUNCTION} are allowed")
        }));
    }
    out
}

fn parsed(file: &str, text: &str) -> syn::File {
    syn::parse_file(text).unwrap_or_else(|error| panic!("{file}: {error}"))
}

/// Collects the lines of what is compiled for tests alone.
#[derive(Default)]
struct Tests {
    lines: BTreeSet<usize>,
}

impl Tests {
    fn add(&mut self, what: &impl Spanned) {
        let span = what.span();
        let lines: RangeInclusive<usize> = span.start().line..=span.end().line;
        self.lines.extend(lines);
    }
}

impl<'ast> Visit<'ast> for Tests {
    fn visit_item(&mut self, item: &'ast Item) {
        if for_tests(attributes(item)) { self.add(item) } else { visit::visit_item(self, item) }
    }

    fn visit_impl_item(&mut self, item: &'ast ImplItem) {
        match item {
            ImplItem::Fn(function) if for_tests(&function.attrs) => self.add(item),
            _ => visit::visit_impl_item(self, item),
        }
    }

    fn visit_trait_item(&mut self, item: &'ast TraitItem) {
        match item {
            TraitItem::Fn(function) if for_tests(&function.attrs) => self.add(item),
            _ => visit::visit_trait_item(self, item),
        }
    }

    fn visit_stmt(&mut self, statement: &'ast Stmt) {
        match statement {
            Stmt::Local(local) if for_tests(&local.attrs) => self.add(statement),
            _ => visit::visit_stmt(self, statement),
        }
    }
}

/// The lines of a file that belong to examples in its documentation, which are tests.
fn examples(text: &str) -> BTreeSet<usize> {
    let mut inside = false;
    let mut is_example = |line: &str| {
        let doc = line.trim_start().strip_prefix("///").or_else(|| line.trim_start().strip_prefix("//!"));
        let fence = doc.is_some_and(|doc| doc.trim_start().starts_with("```"));
        inside ^= fence;
        fence || inside
    };
    let numbered = text.lines().enumerate();
    numbered.filter(|(_, line)| is_example(line)).map(|(number, _)| number + 1).collect()
}

/// Lines of each top-level module of a crate, without files, modules, functions and statements that are compiled for
/// tests alone, and without examples in documentation. Other comments and blank lines count.
fn lines(package: &str, sources: &Sources) -> BTreeMap<String, usize> {
    let all = Crate::read(package, sources);
    let files: BTreeSet<&str> = all.modules.iter().map(|module| module.file.as_str()).collect();
    let mut out = BTreeMap::new();
    for file in files {
        let text = &sources[&format!("{file}.rs")];
        let mut tests = Tests::default();
        tests.visit_file(&parsed(file, text));
        tests.lines.extend(examples(text));
        let room = file.split('/').next().unwrap_or(file).to_owned();
        *out.entry(room).or_default() += text.lines().count() - tests.lines.len();
    }
    out
}

#[test]
fn no_file_and_no_function_is_too_long() {
    let found: Vec<String> = members().keys().flat_map(|name| too_long(name, &code(name))).collect();
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}

#[test]
fn nn_encrypted_stays_within_its_lines() {
    let all: usize = lines("nn-encrypted", &code("nn-encrypted")).values().sum();
    assert!(
        all <= MOST_LINES,
        "nn-encrypted has {all} lines without tests, at most {MOST_LINES} are allowed"
    );
}

#[test]
#[ignore = "prints the lines of every crate and of the modules of nn-encrypted, without tests"]
fn count_lines() {
    for name in members().keys() {
        let rooms = lines(name, &code(name));
        println!("{name}: {}", rooms.values().sum::<usize>());
        let shown = rooms.iter().filter(|_| name == "nn-encrypted");
        shown.for_each(|(room, lines)| println!("    {room}: {lines}"));
    }
}

fn planted(text: String) -> Vec<String> {
    too_long("some-crate", &[("lib.rs".to_owned(), text)].into())
}

#[test]
fn a_long_file_and_a_long_function_are_found() {
    assert_eq!(planted("\n".repeat(LONGEST_FILE)), Vec::<String>::new());
    assert_eq!(planted("\n".repeat(LONGEST_FILE + 1)).len(), 1);
    let forms = [
        |body: &str| format!("/// Long.\nfn long() {{{body}}}"),
        |body: &str| format!("struct S; impl S {{ fn long() {{{body}}} }}"),
        |body: &str| format!("trait T {{ fn short(); fn long() {{{body}}} }}"),
        |body: &str| format!("mod inner {{ #[test] fn long() {{{body}}} }}"),
        |body: &str| format!("const N: u8 = {{ fn long() {{{body}}} 1 }};"),
    ];
    for form in forms {
        assert_eq!(planted(form(&"\n".repeat(LONGEST_FUNCTION - 1))), Vec::<String>::new());
        let told = planted(form(&"\n".repeat(LONGEST_FUNCTION))).join("\n");
        assert!(told.contains("long has 61 lines"), "{told}");
    }
}

#[test]
fn lines_for_tests_are_not_counted() {
    let root = "mod a;\n\n/// Two.\n///\n/// ```\n/// f();\n/// ```\nfn f() {}\n#[cfg(test)]\nmod tests;\n#[cfg(test)]\nfn g() {\n}\n";
    let folder = "struct A;\nimpl A {\n#[cfg(test)]\nfn f() {\n}\n}\n#[cfg(test)]\nmod inner {\n}\nmod b;\n";
    let files = [
        ("lib.rs", root),
        ("a/mod.rs", folder),
        ("a/b.rs", "//! One.\n"),
        ("tests.rs", "fn f() {}\n"),
        ("tests/x.rs", ""),
    ];
    let sources = files.map(|(file, text)| (file.to_owned(), text.to_owned())).into();
    let expected = [("a".to_owned(), 5), ("lib".to_owned(), 5)];
    assert_eq!(lines("some-crate", &sources), expected.into());
}
