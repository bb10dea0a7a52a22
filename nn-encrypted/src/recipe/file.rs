//! From text to a recipe: variants and settings.

use std::borrow::Cow;
use std::io::Read;
use std::path::Path;

use toml::{Table, Value};

use super::{Recipe, RecipeError};
use crate::data::variant;

/// The recipes inside the program.
pub(super) const BUILTIN: [(&str, &str); 7] = [
    ("ckks_sgd", include_str!("../../recipes/ckks_sgd.toml")),
    ("ghimes2018", include_str!("../../recipes/ghimes2018.toml")),
    ("glyph2020", include_str!("../../recipes/glyph2020.toml")),
    ("hesamifard2017", include_str!("../../recipes/hesamifard2017.toml")),
    ("nandakumar2019", include_str!("../../recipes/nandakumar2019.toml")),
    ("onoufriou2021", include_str!("../../recipes/onoufriou2021.toml")),
    ("tbmpnet2021", include_str!("../../recipes/tbmpnet2021.toml")),
];

pub(super) fn builtin(name: &str) -> Result<&'static str, RecipeError> {
    let found = BUILTIN.iter().find(|(known, _)| *known == name);
    found
        .map(|(_, text)| *text)
        .ok_or_else(|| RecipeError::Unknown { name: name.to_owned(), builtin: Recipe::builtin_names() })
}

/// The text of a built-in recipe, by its name, or of a TOML file, by its path.
pub(super) fn find(name_or_path: &str) -> Result<Cow<'static, str>, RecipeError> {
    builtin(name_or_path).map(Cow::Borrowed).or_else(|unknown| {
        let path = Path::new(name_or_path);
        if path.extension().is_none() && !path.exists() {
            return Err(unknown);
        }
        text(path).map(Cow::Owned)
    })
}

/// Bytes of a recipe file.
const LARGEST_FILE: u64 = 1 << 20;

/// The text of a recipe file.
fn text(path: &Path) -> Result<String, RecipeError> {
    let io = |source| RecipeError::Io { path: path.to_owned(), source };
    let mut text = String::new();
    let file = std::fs::File::open(path).map_err(io)?;
    file.take(LARGEST_FILE + 1).read_to_string(&mut text).map_err(io)?;
    if text.len() as u64 > LARGEST_FILE {
        let what = format!("more than {LARGEST_FILE} bytes; a recipe is needed");
        return Err(io(std::io::Error::new(std::io::ErrorKind::FileTooLarge, what)));
    }
    Ok(text)
}

/// A recipe that is not validated yet.
pub(super) struct Found {
    pub(super) recipe: Recipe,
    /// The variant for its data that was not applied.
    pub(super) left_out: Option<String>,
    /// Whether it gives bounds.
    pub(super) bounded: bool,
}

/// A setting that names a further variant.
const VARIANT: &str = "variant=";

fn syntax(name: &str, message: &str) -> RecipeError {
    RecipeError::Syntax { name: name.to_owned(), message: message.trim().to_owned() }
}

/// The variant of a data set in a recipe: that of its name, `csv` of tables, `mnist` of folders of images; none of a series.
fn of_data(table: &Table, variants: &Table) -> Option<String> {
    let data = table.get("data")?;
    let name = variant(data.get("set").and_then(Value::as_str)?);
    (data.get("window").is_none() && variants.contains_key(name)).then(|| name.to_owned())
}

/// A recipe with named variants and settings applied, and where it is `automatic` with that of its data set before them; not validated
/// yet. A recipe that is not, as a user's own, is taken at its word: then the variant that was left out is told.
pub(super) fn read(
    text: &str,
    name: &str,
    settings: &[String],
    automatic: bool,
) -> Result<Found, RecipeError> {
    let mut table: Table = toml::from_str(text).map_err(|error| syntax(name, &error.to_string()))?;
    let variants = match table.remove("variants") {
        None => Table::new(),
        Some(Value::Table(variants)) => variants,
        Some(other) => {
            let what = format!("`variants` is a {}; tables are needed", other.type_str());
            return Err(syntax(name, &what));
        }
    };
    let (chosen, settings): (Vec<&String>, Vec<&String>) =
        settings.iter().partition(|setting| setting.starts_with(VARIANT));
    // Other settings may speak of what only a variant has.
    let mut settings_on_top = table.clone();
    for setting in settings.iter().filter(|setting| setting.trim_start().starts_with("data")) {
        set(&mut settings_on_top, setting)?;
    }
    let own = of_data(&settings_on_top, &variants);
    let mut changes: Vec<&Value> =
        own.iter().filter(|_| automatic).filter_map(|own| variants.get(own)).collect();
    let left_out = own.filter(|own| !automatic && !chosen.iter().any(|named| named[VARIANT.len()..] == *own));
    for setting in chosen {
        changes.push(named(&variants, setting)?);
    }
    for change in changes {
        let Value::Table(change) = change else {
            return Err(syntax(name, "a variant must be a table"));
        };
        merge(&mut table, change);
    }
    for setting in &settings {
        set(&mut table, setting)?;
    }
    let bounded = table.get("numbers").and_then(|numbers| numbers.get("bounds")).is_some();
    let parsed = if settings.is_empty() && variants.is_empty() {
        toml::from_str(text) // errors with line numbers
    } else {
        Value::Table(table).try_into()
    };
    let recipe: Recipe = parsed.map_err(|error: toml::de::Error| syntax(name, &error.to_string()))?;
    Ok(Found { recipe: recipe.with_whole_paths(), left_out, bounded })
}

impl Recipe {
    /// With the paths of its files from the root, so that they are found from elsewhere.
    fn with_whole_paths(mut self) -> Self {
        let whole = |path: &mut String| {
            if Path::new(path).exists()
                && let Ok(whole) = std::path::absolute(&*path)
            {
                *path = whole.to_string_lossy().into_owned();
            }
        };
        if !crate::data::is_known(&self.data.set) {
            whole(&mut self.data.set);
        }
        if let crate::data::TestPart::File(path) = &mut self.data.test {
            whole(path);
        }
        self
    }
}

/// The variant that a setting names.
fn named<'v>(variants: &'v Table, setting: &str) -> Result<&'v Value, RecipeError> {
    let name = &setting[VARIANT.len()..];
    variants.get(name).ok_or_else(|| {
        let known: Vec<&str> = variants.keys().map(String::as_str).collect();
        let what = format!("no variant `{name}`; there are {}", known.join(", "));
        RecipeError::Override { text: setting.to_owned(), what }
    })
}

/// Tables are merged, but for tables with a `method`, which say another thing altogether; the rest is replaced.
fn merge(table: &mut Table, changes: &Table) {
    for (key, change) in changes {
        match (table.get_mut(key), change) {
            (Some(Value::Table(old)), Value::Table(new)) if !new.contains_key("method") => merge(old, new),
            _ => {
                table.insert(key.clone(), change.clone());
            }
        }
    }
}

/// Applies one `key.path=value`; numbers in the path count list items from 1.
fn set(table: &mut Table, text: &str) -> Result<(), RecipeError> {
    let fault = |what: &str| RecipeError::Override { text: text.to_owned(), what: what.to_owned() };
    let (path, value) = text.split_once('=').ok_or_else(|| fault("key.path=value is needed"))?;
    let value = value.trim();
    let value = toml::from_str::<Table>(&format!("value = {value}"))
        .ok()
        .and_then(|mut parsed| parsed.remove("value").filter(|_| parsed.is_empty()))
        .unwrap_or_else(|| Value::String(value.to_owned()));
    let keys: Vec<&str> = path.trim().split('.').collect();
    if keys.iter().any(|key| key.is_empty()) {
        return Err(fault("an empty name in the path"));
    }
    let (first, rest) = keys.split_first().ok_or_else(|| fault("an empty path"))?;
    let mut place = table.entry(*first).or_insert_with(|| Value::Table(Table::new()));
    for key in rest {
        place = match place {
            Value::Table(inner) => inner.entry(*key).or_insert_with(|| Value::Table(Table::new())),
            Value::Array(items) => {
                let count = items.len();
                let item = key.parse::<usize>().ok().and_then(|place| items.get_mut(place.checked_sub(1)?));
                item.ok_or_else(|| {
                    fault(&format!("`{key}` is not one of the {count} items, counted from 1"))
                })?
            }
            _ => return Err(fault(&format!("`{key}` is inside a plain value"))),
        };
    }
    *place = value;
    Ok(())
}
