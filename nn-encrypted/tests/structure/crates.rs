//! A crate as a tree of modules, and where the names in it lead.

use std::collections::{BTreeMap, BTreeSet};

use syn::{Item, ItemMod};

use crate::mentions::{Import, Mentions, attributes, for_tests};

/// Rust sources by their path below `src`.
pub(crate) type Sources = BTreeMap<String, String>;

/// A module, without what is compiled for tests alone.
pub(crate) struct Module {
    /// The file it stands in, below `src` and without its extension.
    pub(crate) file: String,
    /// The module it stands in; none of a root.
    parent: Option<usize>,
    children: BTreeMap<String, usize>,
    defined: BTreeSet<String>,
    /// Its imports and paths.
    pub(crate) mentions: Mentions,
}

/// Where a path leads.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Place {
    /// To a module.
    Module(usize),
    /// To something defined in a module.
    Item(usize),
}

/// All modules of a crate: those of its library, then those of its binary.
pub(crate) struct Crate {
    /// Its name in source code.
    name: String,
    /// Its modules; the first is the root of the library.
    pub(crate) modules: Vec<Module>,
}

impl Crate {
    /// Reads a crate from its sources.
    ///
    /// # Panics
    /// If a source is not Rust, a module has no file, or a file is no module.
    pub(crate) fn read(package: &str, sources: &Sources) -> Self {
        let mut all = Self { name: package.replace('-', "_"), modules: Vec::new() };
        let mut unread: BTreeSet<&str> = sources.keys().map(String::as_str).collect();
        for root in ["lib.rs", "main.rs"] {
            if sources.contains_key(root) {
                all.add_file(sources, &mut unread, root, "", None);
            }
        }
        assert!(unread.is_empty(), "{package}: files of no module: {unread:?}");
        all
    }

    /// Adds the module of a file, whose children stand in `folder`.
    fn add_file<'s>(
        &mut self,
        sources: &'s Sources,
        unread: &mut BTreeSet<&'s str>,
        file: &str,
        folder: &str,
        parent: Option<usize>,
    ) -> usize {
        let (name, text) = sources.get_key_value(file).unwrap_or_else(|| panic!("no file {file}"));
        unread.remove(name.as_str());
        let items = syn::parse_file(text).unwrap_or_else(|error| panic!("{file}: {error}")).items;
        let stem = file.strip_suffix(".rs").unwrap_or(file).to_owned();
        self.add(sources, unread, &items, &stem, folder, parent)
    }

    fn add<'s>(
        &mut self,
        sources: &'s Sources,
        unread: &mut BTreeSet<&'s str>,
        items: &[Item],
        file: &str,
        folder: &str,
        parent: Option<usize>,
    ) -> usize {
        let here = self.modules.len();
        self.modules.push(Module {
            file: file.to_owned(),
            parent,
            children: BTreeMap::new(),
            defined: items.iter().filter_map(defined).collect(),
            mentions: Mentions::of(items),
        });
        for module in items.iter().filter_map(module) {
            let name = module.ident.to_string();
            let inside = format!("{folder}{name}/");
            if for_tests(&module.attrs) {
                unread.retain(|path| *path != format!("{folder}{name}.rs") && !path.starts_with(&inside));
                continue;
            }
            let child = match &module.content {
                Some((_, items)) => self.add(sources, unread, items, file, &inside, Some(here)),
                None => {
                    let flat = format!("{folder}{name}.rs");
                    let nested = format!("{inside}mod.rs");
                    let file = if sources.contains_key(&flat) { flat } else { nested };
                    self.add_file(sources, unread, &file, &inside, Some(here))
                }
            };
            self.modules[here].children.insert(name, child);
        }
        here
    }

    /// Whether a module stands inside another.
    pub(crate) fn is_inside(&self, inner: usize, outer: usize) -> bool {
        let mut at = Some(inner);
        while let Some(module) = at.filter(|&module| module != outer) {
            at = self.modules[module].parent;
        }
        at.is_some()
    }

    /// Where a path that stands in a module leads: through re-exports to the module that defines what it names. Nothing
    /// for paths into other crates and for names that are local or built in.
    pub(crate) fn resolve(&self, from: usize, path: &[String]) -> Option<Place> {
        self.follow(from, path, &mut Vec::new())
    }

    fn follow(&self, from: usize, path: &[String], trail: &mut Vec<(usize, String)>) -> Option<Place> {
        let mut place = Place::Module(from);
        for (position, segment) in path.iter().enumerate() {
            // What follows an item is its variant or associated item.
            let Place::Module(at) = place else { break };
            place = match segment.as_str() {
                "crate" => Place::Module(self.root(at)),
                "self" => Place::Module(at),
                "super" => Place::Module(self.modules[at].parent?),
                name => {
                    let own = (position == 0 && name == self.name).then_some(Place::Module(0));
                    self.look_up(at, name, position + 1 == path.len(), trail).or(own)?
                }
            };
        }
        Some(place)
    }

    fn root(&self, mut module: usize) -> usize {
        while let Some(parent) = self.modules[module].parent {
            module = parent;
        }
        module
    }

    /// Where a name leads from a module. A module and an item may share one: `last` asks for the item first.
    fn look_up(&self, at: usize, name: &str, last: bool, trail: &mut Vec<(usize, String)>) -> Option<Place> {
        let step = (at, name.to_owned());
        if trail.contains(&step) {
            return None;
        }
        trail.push(step);
        let module = &self.modules[at];
        let child = module.children.get(name).map(|&child| Place::Module(child));
        let item = module.defined.contains(name).then_some(Place::Item(at));
        let near = if last { item.or(child) } else { child.or(item) };
        let found = near
            .or_else(|| self.imported(at, trail, |import| import.name.as_deref() == Some(name)))
            .or_else(|| {
                let globs = module.mentions.imports.iter().filter(|import| import.name.is_none());
                globs.into_iter().find_map(|glob| match self.follow(at, &glob.path, trail)? {
                    Place::Module(module) => self.look_up(module, name, last, trail),
                    Place::Item(_) => None,
                })
            });
        trail.pop();
        found
    }

    fn imported(
        &self,
        at: usize,
        trail: &mut Vec<(usize, String)>,
        wanted: impl Fn(&Import) -> bool,
    ) -> Option<Place> {
        let imports = self.modules[at].mentions.imports.iter();
        imports.filter(|import| wanted(import)).find_map(|import| self.follow(at, &import.path, trail))
    }
}

fn module(item: &Item) -> Option<&ItemMod> {
    match item {
        Item::Mod(module) => Some(module),
        _ => None,
    }
}

/// The name of something that a module defines.
fn defined(item: &Item) -> Option<String> {
    let name = match item {
        _ if for_tests(attributes(item)) => return None,
        Item::Const(item) => &item.ident,
        Item::Enum(item) => &item.ident,
        Item::Fn(item) => &item.sig.ident,
        Item::Macro(item) => item.ident.as_ref()?,
        Item::Static(item) => &item.ident,
        Item::Struct(item) => &item.ident,
        Item::Trait(item) => &item.ident,
        Item::Type(item) => &item.ident,
        Item::Union(item) => &item.ident,
        _ => return None,
    };
    Some(name.to_string())
}
