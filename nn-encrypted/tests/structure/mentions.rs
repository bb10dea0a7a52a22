//! The imports and paths that source mentions, outside what is compiled for tests alone.

use syn::buffer::{Cursor, TokenBuffer};
use syn::visit::{self, Visit};
use syn::{
    Attribute, Expr, ExprLit, ImplItem, Item, ItemUse, Lit, Meta, Stmt, TraitItem, UseTree, Visibility,
};

/// One name of a `use` declaration.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Import {
    /// The path that is imported; of a glob, the module.
    pub(crate) path: Vec<String>,
    /// The name it has from then on; none of a glob.
    pub(crate) name: Option<String>,
    /// Whether it is visible outside its module.
    pub(crate) public: bool,
    /// Whether it is declared `pub`.
    pub(crate) exported: bool,
}

/// Imports and paths of the items of one module, not those of the modules inside it.
#[derive(Default)]
pub(crate) struct Mentions {
    /// Names of `use` declarations, those inside functions included.
    pub(crate) imports: Vec<Import>,
    /// Paths in types, expressions, patterns, bounds, attributes and the arguments of macros.
    pub(crate) paths: Vec<Vec<String>>,
}

impl Mentions {
    /// Those of the items of a module.
    pub(crate) fn of(items: &[Item]) -> Self {
        let mut all = Self::default();
        items.iter().for_each(|item| all.visit_item(item));
        all
    }

    fn tokens(&mut self, tokens: TokenBuffer) {
        paths_at(tokens.begin(), &mut self.paths);
    }
}

/// Whether something is compiled for tests alone.
pub(crate) fn for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let mut found = false;
        if attribute.path().is_ident("cfg") {
            // What cannot be read as a list is some other condition.
            let _ = attribute.parse_nested_meta(|meta| {
                found |= meta.path.is_ident("test");
                Ok(())
            });
        }
        found
    })
}

/// The text of documentation comments, a line each.
pub(crate) fn documentation(attributes: &[Attribute]) -> String {
    let text = |attribute: &Attribute| match &attribute.meta {
        Meta::NameValue(doc) if doc.path.is_ident("doc") => match &doc.value {
            Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => Some(text.value()),
            _ => None,
        },
        _ => None,
    };
    attributes.iter().filter_map(text).collect::<Vec<_>>().join("\n")
}

/// The attributes of an item.
pub(crate) fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Union(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

impl<'ast> Visit<'ast> for Mentions {
    fn visit_item(&mut self, item: &'ast Item) {
        if !matches!(item, Item::Mod(_)) && !for_tests(attributes(item)) {
            visit::visit_item(self, item);
        }
    }

    fn visit_impl_item(&mut self, item: &'ast ImplItem) {
        if !matches!(item, ImplItem::Fn(function) if for_tests(&function.attrs)) {
            visit::visit_impl_item(self, item);
        }
    }

    fn visit_trait_item(&mut self, item: &'ast TraitItem) {
        if !matches!(item, TraitItem::Fn(function) if for_tests(&function.attrs)) {
            visit::visit_trait_item(self, item);
        }
    }

    fn visit_stmt(&mut self, statement: &'ast Stmt) {
        if !matches!(statement, Stmt::Local(local) if for_tests(&local.attrs)) {
            visit::visit_stmt(self, statement);
        }
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        let public = !matches!(item.vis, Visibility::Inherited);
        let exported = matches!(item.vis, Visibility::Public(_));
        for (path, name) in names(&item.tree, &[]) {
            self.imports.push(Import { path, name, public, exported });
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        self.paths.push(path.segments.iter().map(|segment| segment.ident.to_string()).collect());
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        self.visit_path(&call.path);
        self.tokens(TokenBuffer::new2(call.tokens.clone()));
    }

    fn visit_meta_list(&mut self, list: &'ast syn::MetaList) {
        self.tokens(TokenBuffer::new2(list.tokens.clone()));
    }
}

/// The paths of a `use` tree below `prefix`, each with the name it gets; globs get none.
fn names(tree: &UseTree, prefix: &[String]) -> Vec<(Vec<String>, Option<String>)> {
    let with = |ident: &syn::Ident| {
        // `a::{self}` imports `a`.
        let last = (ident != "self" || prefix.is_empty()).then(|| ident.to_string());
        prefix.iter().cloned().chain(last).collect::<Vec<_>>()
    };
    match tree {
        UseTree::Path(path) => names(&path.tree, &with(&path.ident)),
        UseTree::Name(name) => {
            let path = with(&name.ident);
            let name = path.last().cloned();
            vec![(path, name)]
        }
        UseTree::Rename(name) => vec![(with(&name.ident), Some(name.rename.to_string()))],
        UseTree::Glob(_) => vec![(prefix.to_vec(), None)],
        UseTree::Group(group) => group.items.iter().flat_map(|tree| names(tree, prefix)).collect(),
    }
}

/// The paths in a stretch of tokens that nobody parsed; names after a single point are fields and methods.
fn paths_at(mut at: Cursor<'_>, out: &mut Vec<Vec<String>>) {
    let mut after_point = false;
    while !at.eof() {
        let is_member = std::mem::take(&mut after_point);
        if let Some((inner, _, _, next)) = at.any_group() {
            paths_at(inner, out);
            at = next;
        } else if let Some((first, next)) = at.ident() {
            let mut path = vec![first.to_string()];
            at = next;
            while let Some((segment, next)) = after_colons(at).and_then(Cursor::ident) {
                path.push(segment.to_string());
                at = next;
            }
            if !is_member {
                out.push(path);
            }
        } else if let Some((punct, next)) = at.punct() {
            // The second point of a range leads to no member.
            after_point = punct.as_char() == '.' && !is_member;
            at = next;
        } else {
            at = skip(at);
        }
    }
}

fn after_colons(at: Cursor<'_>) -> Option<Cursor<'_>> {
    let colon = |at: Cursor<'_>| at.punct().filter(|(punct, _)| punct.as_char() == ':').is_some();
    let next = colon(at).then(|| skip(at))?;
    colon(next).then(|| skip(next))
}

fn skip(at: Cursor<'_>) -> Cursor<'_> {
    at.token_tree().map_or(at, |(_, next)| next)
}

/// Every identifier of a source, comments and literals left out, what is compiled for tests included.
pub(crate) fn identifiers(source: &str) -> Vec<String> {
    let tokens = syn::parse_str(source).unwrap_or_else(|error| panic!("{error} in:\n{source}"));
    let mut out = Vec::new();
    identifiers_at(TokenBuffer::new2(tokens).begin(), &mut out);
    out
}

fn identifiers_at(mut at: Cursor<'_>, out: &mut Vec<String>) {
    while !at.eof() {
        if let Some((inner, _, _, next)) = at.any_group() {
            identifiers_at(inner, out);
            at = next;
        } else {
            out.extend(at.ident().map(|(ident, _)| ident.to_string()));
            at = skip(at);
        }
    }
}
