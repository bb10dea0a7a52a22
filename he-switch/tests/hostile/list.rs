//! The public functions of a crate that take numbers, out of its sources.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use syn::visit::{self, Visit};
use syn::{Attribute, FnArg, ImplItemFn, ItemFn, ItemImpl, ItemMod, Signature, Type, Visibility};

/// Names as `Type::method` and `path/of/module::function`.
pub(crate) fn functions_with_numbers(package: &str) -> BTreeSet<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(package).join("src");
    let mut found = BTreeSet::new();
    read(&root, &root, &mut found);
    found
}

fn read(root: &Path, folder: &Path, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            read(root, &path, found);
        } else if name.ends_with(".rs") && !name.ends_with("tests.rs") {
            let relative = path.strip_prefix(root).unwrap().with_extension("");
            let module = relative.to_string_lossy().replace("/mod", "");
            let file = syn::parse_file(&fs::read_to_string(&path).unwrap()).unwrap();
            Finder { module, owner: None, found }.visit_file(&file);
        }
    }
}

struct Finder<'a> {
    module: String,
    /// The type of the implementation.
    owner: Option<String>,
    found: &'a mut BTreeSet<String>,
}

impl Finder<'_> {
    fn note(&mut self, public: &Visibility, signature: &Signature) {
        if matches!(public, Visibility::Public(_)) && takes_numbers(signature) {
            let owner = self.owner.as_ref().unwrap_or(&self.module);
            self.found.insert(format!("{owner}::{}", signature.ident));
        }
    }
}

impl<'ast> Visit<'ast> for Finder<'_> {
    fn visit_item_mod(&mut self, module: &'ast ItemMod) {
        if !for_tests(&module.attrs) {
            visit::visit_item_mod(self, module);
        }
    }

    fn visit_item_impl(&mut self, item: &'ast ItemImpl) {
        // Of a trait: the trait's own functions.
        if item.trait_.is_some() {
            return;
        }
        if let Type::Path(path) = &*item.self_ty {
            self.owner = path.path.segments.last().map(|segment| segment.ident.to_string());
        }
        visit::visit_item_impl(self, item);
        self.owner = None;
    }

    fn visit_impl_item_fn(&mut self, item: &'ast ImplItemFn) {
        if !for_tests(&item.attrs) {
            self.note(&item.vis, &item.sig);
        }
    }

    fn visit_item_fn(&mut self, item: &'ast ItemFn) {
        if !for_tests(&item.attrs) {
            self.note(&item.vis, &item.sig);
        }
    }
}

fn for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg")
            && attribute.parse_args::<syn::Ident>().is_ok_and(|condition| condition == "test")
    })
}

/// Whether an argument has a number in it; functions that are given and bytes do not count.
fn takes_numbers(signature: &Signature) -> bool {
    let mut numbers = Primitives(false);
    for argument in &signature.inputs {
        if let FnArg::Typed(argument) = argument {
            numbers.visit_type(&argument.ty);
        }
    }
    numbers.0
}

struct Primitives(bool);

impl<'ast> Visit<'ast> for Primitives {
    fn visit_path(&mut self, path: &'ast syn::Path) {
        const NUMBERS: [&str; 11] =
            ["usize", "isize", "u16", "u32", "u64", "u128", "i16", "i32", "i64", "i128", "f64"];
        self.0 |= NUMBERS.iter().any(|number| path.is_ident(number));
        visit::visit_path(self, path);
    }

    fn visit_parenthesized_generic_arguments(&mut self, _: &'ast syn::ParenthesizedGenericArguments) {}
}
