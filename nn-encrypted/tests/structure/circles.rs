//! No circle of imports, in any crate.

use crate::arrows::{arrows, circles, told};
use crate::crates::Sources;
use crate::workspace::{code, members};

/// The circles of a crate, told; nothing if there are none.
fn complaint(package: &str, sources: &Sources) -> String {
    let arrows = arrows(package, sources);
    let told = circles(&arrows).into_iter().map(|files| told(&arrows, &files));
    told.map(|told| format!("{package} has a circle:\n{told}")).collect()
}

#[test]
fn no_file_imports_from_one_that_imports_from_it() {
    let found: String = members().keys().map(|name| complaint(name, &code(name))).collect();
    assert!(found.is_empty(), "\n{found}");
}

fn planted(files: &[(&str, &str)]) -> String {
    let sources = files.iter().map(|(file, text)| ((*file).to_owned(), (*text).to_owned())).collect();
    complaint("some-crate", &sources)
}

const ROOT: (&str, &str) = ("lib.rs", "mod key; mod ring; pub use ring::Poly;");
const RING: (&str, &str) =
    ("ring/mod.rs", "mod poly; pub mod shape; pub use poly::{self, Poly}; pub const N: usize = 8;");
const SHAPE: (&str, &str) =
    ("ring/shape.rs", "pub struct Shape; impl Shape { pub const ONE: Self = Shape; }");
const KEY: (&str, &str) = ("key.rs", "use crate::ring::poly::Poly; pub struct Key(Poly); pub fn draw() {}");

#[test]
fn a_circle_is_found_in_every_form() {
    let forms = [
        "use crate::key::Key; pub struct Poly;",
        "use super::super::key::{self, Key as K}; pub struct Poly;",
        "pub struct Poly; impl From<crate::key::Key> for Poly { fn from(_: crate::key::Key) -> Self { Poly } }",
        "pub struct Poly; fn f() { let draw = crate :: key :: draw; draw() }",
        "use crate::*; pub struct Poly; type Keys = Vec<key::Key>;",
        "use crate::key; pub struct Poly; fn f() { assert_eq!(1 + 1, { key::draw(); 2 }) }",
        "pub struct Poly; fn f() { use crate::key::draw as d; d() }",
        "pub struct Poly; mod inner { fn f(_: super::super::super::key::Key) {} }",
        "pub use crate::key::Key; pub struct Poly;",
        "#[derive(Debug)] #[error(\"{}\", crate::key::draw())] pub struct Poly;",
        "macro_rules! m { () => { $crate::key::draw() } } pub struct Poly;",
    ];
    for form in forms {
        let told = planted(&[ROOT, RING, SHAPE, KEY, ("ring/poly.rs", form)]);
        assert!(told.contains("key → ring/poly") && told.contains("ring/poly → key"), "{form}: {told}");
    }
}

#[test]
fn what_is_no_circle_is_not_taken_for_one() {
    let forms = [
        "//! [`crate::key`] is above.\npub struct Poly;",
        "/* crate::key::draw() */ pub struct Poly; const S: &str = \"crate::key::draw\";",
        "use std::key::Key; pub struct Poly;",
        "pub struct Poly { key: usize } fn f(p: Poly) -> usize { let key = p.key; key + 1 }",
        "pub struct Poly; #[cfg(test)] mod tests { use crate::key::Key; }",
        "#[cfg(test)] use crate::key::Key; pub struct Poly; #[cfg(test)] fn f(_: Key) {}",
        "use super::N; pub struct Poly([u64; N]);",
        "use super::shape::Shape; pub struct Poly(Shape);",
    ];
    for form in forms {
        assert_eq!(planted(&[ROOT, RING, SHAPE, KEY, ("ring/poly.rs", form)]), "", "{form}");
    }
}

#[test]
fn a_path_counts_for_the_file_that_defines_what_it_leads_to() {
    let poly = ("ring/poly.rs", "use super::shape::Shape; pub struct Poly(Shape);");
    let shape = ("ring/shape.rs", "pub struct Shape; pub fn f(_: super::Poly) {}");
    let through_the_folder = planted(&[ROOT, RING, shape, KEY, poly]);
    assert!(through_the_folder.contains("ring/shape → ring/poly: super::Poly"), "{through_the_folder}");
    let through_the_root = ("ring/shape.rs", "pub enum Shape { One } pub fn f(_: crate::Poly) {}");
    let poly = ("ring/poly.rs", "pub struct Poly; const S: super::shape::Shape = super::shape::Shape::One;");
    let told = planted(&[ROOT, RING, through_the_root, KEY, poly]);
    assert!(told.contains("ring/poly → ring/shape: super::shape::Shape"), "{told}");
}

#[test]
fn a_folder_is_in_a_circle_by_what_it_uses_of_its_files() {
    let root = ("lib.rs", "mod a; mod b;");
    let folder = ("a/mod.rs", "mod inner; pub use inner::Inner; pub struct Outer(Inner);");
    let b = ("b.rs", "use crate::a::Outer; pub struct B(Outer);");
    let apart = ("a/inner.rs", "pub struct Inner; fn f(_: super::Outer) {}");
    assert_eq!(planted(&[root, folder, b, apart]), "");
    let joined = ("a/inner.rs", "pub struct Inner; fn f(_: crate::b::B) {}");
    let told = planted(&[root, folder, b, joined]);
    assert!(told.contains("a/inner → b") && told.contains("a/mod → a/inner"), "{told}");
}
