//! A crate as a tree of modules, and where the names in it lead.

use std::collections::{BTreeMap, BTreeSet};

use syn::{Attribute, Item, Visibility};

use crate::mentions::{Import, Mentions, attributes, for_tests};

/// Rust sources by their path below `src`.
pub(crate) type Sources = BTreeMap<String, String>;

/// A module, without what is compiled for tests alone.
pub(crate) struct Module {
    /// The file it stands in, below `src` and without its extension.
    pub(crate) file: String,
    /// The module it stands in; none of a root.
    parent: Option<usize>,
    /// The modules directly inside it.
    pub(crate) children: BTreeMap<String, usize>,
    defined: BTreeSet<String>,
    /// Whether it is declared `pub`.
    pub(crate) public: bool,
    /// Its attributes, documentation included.
    pub(crate) attributes: Vec<Attribute>,
    /// What it defines, without the modules inside it.
    pub(crate) items: Vec<Item>,
    /// Its imports and paths.
    pub(crate) mentions: Mentions,
}

/// Where a path leads.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Place {
    /// To a module.
    Module(usize),
    /// To what a module defines under a name.
    Item(usize, String),
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
                all.add(sources, &mut unread, None, Body::in_file(sources, root, ""));
            }
        }
        assert!(unread.is_empty(), "{package}: files of no module: {unread:?}");
        all
    }

    /// Adds a module and those inside it; `unread` are the files that no module has claimed.
    fn add(
        &mut self,
        sources: &Sources,
        unread: &mut BTreeSet<&str>,
        parent: Option<usize>,
        body: Body,
    ) -> usize {
        let here = self.modules.len();
        unread.remove(format!("{}.rs", body.file).as_str());
        let (modules, items): (Vec<Item>, Vec<Item>) =
            body.items.into_iter().partition(|item| matches!(item, Item::Mod(_)));
        self.modules.push(Module {
            file: body.file.clone(),
            parent,
            children: BTreeMap::new(),
            defined: items.iter().filter_map(defined).collect(),
            public: body.public,
            attributes: body.attributes,
            mentions: Mentions::of(&items),
            items,
        });
        for item in modules {
            let Item::Mod(module) = item else { continue };
            let name = module.ident.to_string();
            let (flat, inside) = (format!("{}{name}.rs", body.folder), format!("{}{name}/", body.folder));
            if for_tests(&module.attrs) {
                unread.retain(|path| *path != flat && !path.starts_with(&inside));
                continue;
            }
            let public = matches!(module.vis, Visibility::Public(_));
            let mut inner = match module.content {
                Some((_, items)) => {
                    Body { items, file: body.file.clone(), folder: inside, attributes: vec![], public }
                }
                None if sources.contains_key(&flat) => Body::in_file(sources, &flat, &inside),
                None => Body::in_file(sources, &format!("{inside}mod.rs"), &inside),
            };
            inner.attributes.extend(module.attrs);
            inner.public = public;
            let child = self.add(sources, unread, Some(here), inner);
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
        let item = module.defined.get(name).map(|name| Place::Item(at, name.clone()));
        let near = if last { item.or(child) } else { child.or(item) };
        let found = near
            .or_else(|| self.imported(at, trail, |import| import.name.as_deref() == Some(name)))
            .or_else(|| {
                let globs = module.mentions.imports.iter().filter(|import| import.name.is_none());
                globs.into_iter().find_map(|glob| match self.follow(at, &glob.path, trail)? {
                    Place::Module(module) => self.look_up(module, name, last, trail),
                    Place::Item(..) => None,
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

/// A module that is not yet part of a tree.
struct Body {
    items: Vec<Item>,
    /// Its file, without extension.
    file: String,
    /// The folder of the modules inside it, empty or with a slash at the end.
    folder: String,
    attributes: Vec<Attribute>,
    public: bool,
}

impl Body {
    /// The body of a module that is a file.
    fn in_file(sources: &Sources, file: &str, folder: &str) -> Self {
        let text = sources.get(file).unwrap_or_else(|| panic!("no file {file}"));
        let parsed = syn::parse_file(text).unwrap_or_else(|error| panic!("{file}: {error}"));
        let file = file.strip_suffix(".rs").unwrap_or(file).to_owned();
        Self { items: parsed.items, file, folder: folder.to_owned(), attributes: parsed.attrs, public: true }
    }
}

/// The name of something that a module defines.
fn defined(item: &Item) -> Option<String> {
    match item {
        _ if for_tests(attributes(item)) => None,
        Item::Const(item) => Some(&item.ident),
        Item::Enum(item) => Some(&item.ident),
        Item::Fn(item) => Some(&item.sig.ident),
        Item::Macro(item) => item.ident.as_ref(),
        Item::Static(item) => Some(&item.ident),
        Item::Struct(item) => Some(&item.ident),
        Item::Trait(item) => Some(&item.ident),
        Item::Type(item) => Some(&item.ident),
        Item::Union(item) => Some(&item.ident),
        _ => None,
    }
    .map(ToString::to_string)
}
