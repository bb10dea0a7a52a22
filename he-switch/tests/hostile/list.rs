//! The public functions of a crate, out of its sources.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use syn::visit::{self, Visit};
use syn::{Attribute, ImplItemFn, ItemFn, ItemImpl, ItemMod, Signature, Type, Visibility};

/// Whether a function is looked for, by the type whose method it is, its signature and its attributes.
type Wanted = fn(Option<&str>, &Signature, &[Attribute]) -> bool;

/// Names as `Type::method` and `path/of/module::function`.
pub(crate) fn functions(package: &str, wanted: Wanted) -> BTreeSet<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(package).join("src");
    let mut found = BTreeSet::new();
    read(&root, &root, wanted, &mut found);
    found
}

fn read(root: &Path, folder: &Path, wanted: Wanted, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            read(root, &path, wanted, found);
        } else if name.ends_with(".rs") && !name.ends_with("tests.rs") {
            let relative = path.strip_prefix(root).unwrap().with_extension("");
            let module = relative.to_string_lossy().replace("/mod", "");
            let file = syn::parse_file(&fs::read_to_string(&path).unwrap()).unwrap();
            Finder { module, owner: None, wanted, found }.visit_file(&file);
        }
    }
}

struct Finder<'a> {
    module: String,
    /// The type of the implementation.
    owner: Option<String>,
    wanted: Wanted,
    found: &'a mut BTreeSet<String>,
}

impl Finder<'_> {
    fn note(&mut self, public: &Visibility, signature: &Signature, attributes: &[Attribute]) {
        let owner = self.owner.as_deref();
        if matches!(public, Visibility::Public(_)) && (self.wanted)(owner, signature, attributes) {
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
            self.note(&item.vis, &item.sig, &item.attrs);
        }
    }

    fn visit_item_fn(&mut self, item: &'ast ItemFn) {
        if !for_tests(&item.attrs) {
            self.note(&item.vis, &item.sig, &item.attrs);
        }
    }
}

fn for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg")
            && attribute.parse_args::<syn::Ident>().is_ok_and(|condition| condition == "test")
    })
}
