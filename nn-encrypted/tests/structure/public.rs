//! What a user of a crate can name, through public modules and re-exports, and how much that is of `nn-encrypted`.

use std::collections::{BTreeMap, BTreeSet};

use syn::{Attribute, ImplItem, Item, Meta, Type, Visibility};

use crate::crates::{Crate, Place, Sources};
use crate::mentions::{attributes, for_tests};
use crate::workspace::code;

/// Items that the documentation of `nn-encrypted` shows, at most.
const MOST_ITEMS: usize = 250;

/// Items of its hidden module, for the other members of the workspace, at most.
const MOST_HIDDEN: usize = 50;

/// Modules, and names that modules define.
#[derive(Default)]
pub(crate) struct Public {
    /// Modules that are entered, and whether they have a name: what a glob brings has none.
    pub(crate) modules: BTreeMap<usize, bool>,
    pub(crate) names: BTreeSet<(usize, String)>,
    without_hidden: bool,
}

impl Public {
    /// What the library of a crate offers, hidden modules included.
    fn of(all: &Crate) -> Self {
        let mut public = Self::default();
        public.enter(all, 0, true);
        public
    }

    /// What the documentation of a crate shows.
    pub(crate) fn shown(all: &Crate) -> Self {
        let mut public = Self { without_hidden: true, ..Self::default() };
        public.enter(all, 0, true);
        public
    }

    fn enter(&mut self, all: &Crate, module: usize, named: bool) {
        let before = self.modules.insert(module, named || self.modules.get(&module) == Some(&true));
        if before.is_some() {
            return;
        }
        let here = &all.modules[module];
        let own = here.items.iter().filter(|item| !for_tests(attributes(item)));
        let own = own.filter_map(|item| public_item(item).map(|name| (module, name)));
        self.names.extend(own);
        let offered = |child: &usize| {
            let child = &all.modules[*child];
            child.public && !(self.without_hidden && is_hidden(&child.attributes))
        };
        let children: Vec<usize> = here.children.values().copied().filter(offered).collect();
        children.into_iter().for_each(|child| self.enter(all, child, true));
        for import in here.mentions.imports.iter().filter(|import| import.exported) {
            match all.resolve(module, &import.path) {
                Some(Place::Module(inner)) => self.enter(all, inner, import.name.is_some()),
                Some(Place::Item(inner, name)) => drop(self.names.insert((inner, name))),
                None => {}
            }
        }
    }
}

/// Whether a module is hidden in the documentation: it is for the workspace, and its types need no example.
fn is_hidden(attributes: &[Attribute]) -> bool {
    let hides = |attribute: &Attribute| match &attribute.meta {
        Meta::List(list) => list.path.is_ident("doc") && list.tokens.to_string() == "hidden",
        _ => false,
    };
    attributes.iter().any(hides)
}

/// The name of an item that is declared `pub`.
fn public_item(item: &Item) -> Option<String> {
    let (visibility, name) = match item {
        Item::Const(item) => (&item.vis, &item.ident),
        Item::Enum(item) => (&item.vis, &item.ident),
        Item::Fn(item) => (&item.vis, &item.sig.ident),
        Item::Static(item) => (&item.vis, &item.ident),
        Item::Struct(item) => (&item.vis, &item.ident),
        Item::Trait(item) => (&item.vis, &item.ident),
        Item::Type(item) => (&item.vis, &item.ident),
        Item::Union(item) => (&item.vis, &item.ident),
        _ => return None,
    };
    matches!(visibility, Visibility::Public(_)).then(|| name.to_string())
}

/// Public functions and constants of each type, by the module and the name of the type.
fn members(all: &Crate) -> BTreeMap<(usize, String), Vec<String>> {
    let mut out: BTreeMap<_, Vec<String>> = BTreeMap::new();
    for (here, module) in all.modules.iter().enumerate() {
        for item in &module.items {
            let Item::Impl(block) = item else { continue };
            let Type::Path(of) = &*block.self_ty else { continue };
            if block.trait_.is_some() || for_tests(&block.attrs) {
                continue;
            }
            let path: Vec<String> =
                of.path.segments.iter().map(|segment| segment.ident.to_string()).collect();
            let Some(Place::Item(there, name)) = all.resolve(here, &path) else { continue };
            out.entry((there, name)).or_default().extend(block.items.iter().filter_map(public_member));
        }
    }
    out
}

fn public_member(item: &ImplItem) -> Option<String> {
    let (visibility, name, attributes) = match item {
        ImplItem::Fn(item) => (&item.vis, &item.sig.ident, &item.attrs),
        ImplItem::Const(item) => (&item.vis, &item.ident, &item.attrs),
        _ => return None,
    };
    (matches!(visibility, Visibility::Public(_)) && !for_tests(attributes)).then(|| name.to_string())
}

/// The items of a crate that it offers, or that its documentation shows, a line each: modules, what they define, and the functions and constants of types. Fields
/// and variants belong to their types, the functions of a trait to the trait.
fn items(package: &str, sources: &Sources, from: fn(&Crate) -> Public) -> Vec<String> {
    let all = Crate::read(package, sources);
    let (public, members) = (from(&all), members(&all));
    let modules = public.modules.iter().filter(|&(&module, &named)| module != 0 && named);
    let mut out: Vec<String> =
        modules.map(|(&module, _)| format!("mod {}", all.modules[module].file)).collect();
    for found in &public.names {
        let (file, name) = (&all.modules[found.0].file, &found.1);
        out.push(format!("{file}: {name}"));
        out.extend(
            members.get(found).into_iter().flatten().map(|member| format!("{file}: {name}::{member}")),
        );
    }
    out
}

#[test]
fn nn_encrypted_offers_few_items() {
    let sources = code("nn-encrypted");
    let found = items("nn-encrypted", &sources, Public::shown);
    let hidden = items("nn-encrypted", &sources, Public::of).len() - found.len();
    let (count, all) = (found.len(), found.join("\n"));
    println!("public items of nn-encrypted: {count}, and {hidden} hidden ones\n{all}");
    assert!(count <= MOST_ITEMS, "{count} public items, at most {MOST_ITEMS} are allowed:\n{all}");
    assert!(hidden <= MOST_HIDDEN, "{hidden} hidden items, at most {MOST_HIDDEN} are allowed");
}

#[test]
fn items_are_those_that_a_user_can_name() {
    let files = [
        (
            "lib.rs",
            "pub mod open; mod closed; pub use closed::{Shown as Seen, deep::*}; mod hidden;
            #[doc(hidden)] pub mod inside { pub use crate::hidden::Hidden; }
            #[cfg(feature = \"cli\")] pub mod cli {}",
        ),
        ("open.rs", "pub const N: u8 = 1; pub trait T { fn f(&self); } pub fn f() {} pub(crate) fn g() {}"),
        (
            "closed.rs",
            "pub struct Shown { pub a: u8 } pub struct Unshown; impl Unshown { pub fn no() {} }
            impl Shown { pub fn new() {} pub(crate) fn own() {} fn private() {} pub const ONE: u8 = 1; }
            impl Clone for Shown { fn clone(&self) -> Self { Shown } }
            #[cfg(test)] impl Shown { pub fn for_tests() {} }
            pub mod deep { pub type Deep = u8; pub enum E { A, B } enum Private {} }",
        ),
        ("hidden.rs", "pub struct Hidden; use crate::closed::Shown; impl Shown { pub fn far() {} }"),
    ];
    let sources = files.map(|(file, text)| (file.to_owned(), text.to_owned())).into();
    assert!(!items("some-crate", &sources, Public::shown).contains(&"hidden: Hidden".to_owned()));
    let mut found = items("some-crate", &sources, Public::of);
    found.sort();
    let expected = [
        "closed: Deep",
        "closed: E",
        "closed: Shown",
        "closed: Shown::ONE",
        "closed: Shown::far",
        "closed: Shown::new",
        "hidden: Hidden",
        "mod lib",
        "mod lib",
        "mod open",
        "open: N",
        "open: T",
        "open: f",
    ];
    assert_eq!(found, expected);
}
