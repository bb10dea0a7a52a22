//! `docs/recipe-fields.md` is what the sources say of every field of a recipe: written by `WRITE=1 cargo test --release -p nn-encrypted
//! --test recipe_fields`, compared otherwise.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::Path;

use nn_encrypted::recipe::{Fit, Numbers, Parameters, Refresh};
use syn::{Attribute, Expr, Fields, Item, ItemEnum, ItemStruct, Lit, Meta, Type};

/// Sources with fields of recipes.
const SOURCES: [&str; 10] = [
    "recipe/mod.rs",
    "recipe/layer.rs",
    "recipe/numbers.rs",
    "recipe/optimizer.rs",
    "recipe/refresh.rs",
    "data/settings.rs",
    "data/dialect.rs",
    "data/normalize.rs",
    "data/batches.rs",
    "activation/fit.rs",
];

/// Tables of a recipe and their structs, in the order of the page.
const TABLES: [(&str, &str); 8] = [
    ("", "Recipe"),
    ("data", "Data"),
    ("layers", "Layer"),
    ("layers.N.polynomial", "Fit"),
    ("optimizer", "Optimizer"),
    ("numbers", "Numbers"),
    ("numbers.bounds", "Bounds"),
    ("refresh", "Refresh"),
];

/// What the sources define.
#[derive(Default)]
struct Sources {
    structs: BTreeMap<String, ItemStruct>,
    enums: BTreeMap<String, ItemEnum>,
}

impl Sources {
    fn read() -> Self {
        let mut all = Self::default();
        for source in SOURCES {
            let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(source);
            for item in syn::parse_file(&fs::read_to_string(path).unwrap()).unwrap().items {
                match item {
                    Item::Struct(item) => drop(all.structs.insert(item.ident.to_string(), item)),
                    Item::Enum(item) => drop(all.enums.insert(item.ident.to_string(), item)),
                    _ => {}
                }
            }
        }
        all
    }

    /// The values that a type takes, in words.
    fn values(&self, ty: &Type) -> String {
        let Type::Path(path) = ty else { return "two numbers".into() };
        let last = path.path.segments.last().unwrap();
        let inner = || match &last.arguments {
            syn::PathArguments::AngleBracketed(inner) => match inner.args.first() {
                Some(syn::GenericArgument::Type(ty)) => self.values(ty),
                _ => String::new(),
            },
            _ => String::new(),
        };
        match last.ident.to_string().as_str() {
            "Option" => inner(),
            "Vec" => format!("list: {}", inner()),
            "u32" | "u64" | "usize" => "whole number".into(),
            "f64" => "number".into(),
            "bool" => "`true`, `false`".into(),
            "String" => "text".into(),
            "Scalar" => "number, or a fraction such as `\"1/8\"`".into(),
            "Setting" => "`\"auto\"`, or a whole number".into(),
            "TestPart" => "rows, a fraction of them, or a path".into(),
            "Kernel" => "number, or two for rows and columns".into(),
            name if self.structs.contains_key(name) => "table".into(),
            name => match self.enums.get(name) {
                Some(found) => named(found).join(", "),
                None => panic!("the values of {name} are not known here"),
            },
        }
    }
}

/// The variants of an enum as a recipe has them.
fn named(item: &ItemEnum) -> Vec<String> {
    let snake = item.attrs.iter().any(|a| text(a).contains("snake_case"));
    let name = |variant: &syn::Variant| {
        let name = variant.ident.to_string();
        if !snake {
            return format!("`{name}`");
        }
        let words = name.chars().enumerate().fold(String::new(), |mut all, (i, c)| {
            if c.is_uppercase() && i > 0 {
                all.push('_');
            }
            all.push(c.to_ascii_lowercase());
            all
        });
        format!("`{words}`")
    };
    item.variants.iter().map(name).collect()
}

/// An attribute as text.
fn text(attribute: &Attribute) -> String {
    match &attribute.meta {
        Meta::List(list) => list.tokens.to_string(),
        _ => String::new(),
    }
}

/// The first paragraph of the documentation, without links.
fn documentation(attributes: &[Attribute]) -> String {
    let line = |attribute: &Attribute| match &attribute.meta {
        Meta::NameValue(pair) if pair.path.is_ident("doc") => match &pair.value {
            Expr::Lit(literal) => match &literal.lit {
                Lit::Str(line) => Some(line.value().trim().to_owned()),
                _ => None,
            },
            _ => None,
        },
        _ => None,
    };
    let lines: Vec<String> = attributes.iter().filter_map(line).take_while(|line| !line.is_empty()).collect();
    lines.join(" ").replace("[formulas](super)", "formulas of the crate's documentation").replace('|', "\\|")
}

/// The default values of a table of recipes.
fn defaults() -> BTreeMap<&'static str, toml::Table> {
    let table = |value: toml::Value| value.as_table().cloned().unwrap();
    let numbers = table(toml::Value::try_from(Numbers::default()).unwrap());
    let bounds = table(numbers["bounds"].clone());
    BTreeMap::from([
        ("numbers", numbers),
        ("numbers.bounds", bounds),
        ("layers.N.polynomial", table(toml::Value::try_from(Fit::default()).unwrap())),
        ("refresh", table(toml::Value::try_from(Refresh::default()).unwrap())),
        ("parameters", table(toml::Value::try_from(Parameters::default()).unwrap())),
    ])
}

/// The table of a struct.
fn section(sources: &Sources, place: &str, name: &str, out: &mut String) {
    let item = &sources.structs[name];
    let title = if place.is_empty() { "A recipe".into() } else { format!("`[{place}]`") };
    let about = documentation(&item.attrs);
    let about = about.split_once(": ").map_or(about.as_str(), |(_, about)| about);
    writeln!(out, "\n## {title}\n\n{about}\n\n| field | values | default | |\n|---|---|---|---|").unwrap();
    let (defaults, optional) = (defaults(), "none");
    let Fields::Named(fields) = &item.fields else { panic!("{name} has no named fields") };
    let all = item.attrs.iter().any(|a| text(a).split(',').any(|word| word.trim() == "default"));
    for field in &fields.named {
        let field_name = field.ident.as_ref().unwrap().to_string();
        let known = defaults.get(place).and_then(|table| table.get(&field_name)).filter(|v| !v.is_table());
        let has = all || field.attrs.iter().any(|a| text(a).contains("default"));
        let default = match known {
            Some(value) => format!("`{value}`").replace('\n', " "),
            None if has => optional.into(),
            None => "needed".into(),
        };
        let (values, about) = (sources.values(&field.ty), documentation(&field.attrs));
        writeln!(out, "| `{field_name}` | {values} | {default} | {about} |").unwrap();
    }
}

fn page() -> String {
    let sources = Sources::read();
    let mut out = "# Fields of a recipe\n\nWritten from the sources by `WRITE=1 cargo test --release -p nn-encrypted --test recipe_fields`. On the command line a \
                   field is set by its path, `--set optimizer.learning_rate=0.1`; layers are counted from 1, `--set \
                   layers.1.out_features=24`. `[variants.NAME]` holds other values of the same fields, applied by `--variant NAME`. Without \
                   `numbers.bounds`, or with `--calibrate`, bounds are found from the data.\n"
        .to_owned();
    for (place, name) in TABLES.into_iter().chain([("parameters", "Parameters")]) {
        section(&sources, place, name, &mut out);
    }
    writeln!(out, "\n## Values\n").unwrap();
    let used = [
        "LayerKind",
        "Scheme",
        "Normalization",
        "Missing",
        "Coding",
        "Balance",
        "Loss",
        "RefreshStrategy",
        "Backward",
    ];
    for name in
        used.into_iter().chain(["RefreshTensor", "Secret", "WordCoding", "Phases", "FitMethod", "Separator"])
    {
        let item = &sources.enums[name];
        writeln!(out, "{}\n", documentation(&item.attrs)).unwrap();
        for (value, variant) in named(item).iter().zip(&item.variants) {
            let fields: Vec<String> =
                variant.fields.iter().filter_map(|f| f.ident.as_ref()).map(|f| format!("`{f}`")).collect();
            let with = if fields.is_empty() { String::new() } else { format!(" with {}", fields.join(", ")) };
            writeln!(out, "- {value}{with}: {}", documentation(&variant.attrs)).unwrap();
        }
        writeln!(out).unwrap();
    }
    out.trim_end().to_owned() + "\n"
}

#[test]
fn the_page_is_what_the_sources_say() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/recipe-fields.md");
    let page = page();
    assert!(
        page.contains("| `learning_rate` |") && page.contains("| `weight_bits` | whole number | `14` |"),
        "{page}"
    );
    if std::env::var_os("WRITE").is_some() {
        fs::write(&path, &page).unwrap();
    }
    let there = fs::read_to_string(&path).unwrap_or_default();
    assert!(there == page, "docs/recipe-fields.md is not what the sources say: WRITE=1 writes it");
}
