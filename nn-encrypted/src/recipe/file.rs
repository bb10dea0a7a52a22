//! From text to a recipe: variants and settings.

use std::io::Read;
use std::path::Path;

use toml::{Table, Value};

use super::{Recipe, RecipeError};
use crate::data::is_csv;

/// The recipes inside the program.
pub(super) const BUILTIN: [(&str, &str); 1] =
    [("hesamifard2017", include_str!("../../recipes/hesamifard2017.toml"))];

pub(super) fn builtin(name: &str) -> Result<&'static str, RecipeError> {
    let found = BUILTIN.iter().find(|(known, _)| *known == name);
    found
        .map(|(_, text)| *text)
        .ok_or_else(|| RecipeError::Unknown { name: name.to_owned(), builtin: Recipe::builtin_names() })
}

/// Bytes of a recipe file.
const LARGEST_FILE: u64 = 1 << 20;

/// The text of a recipe file.
pub(super) fn text(path: &Path) -> Result<String, RecipeError> {
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

/// A setting that names a further variant.
const VARIANT: &str = "variant=";

pub(super) fn read(text: &str, name: &str, settings: &[String]) -> Result<Recipe, RecipeError> {
    let syntax =
        |message: String| RecipeError::Syntax { name: name.to_owned(), message: message.trim().to_owned() };
    let mut table: Table = toml::from_str(text).map_err(|error| syntax(error.to_string()))?;
    let variants = match table.remove("variants") {
        None => Table::new(),
        Some(Value::Table(variants)) => variants,
        Some(other) => {
            return Err(syntax(format!("`variants` is a {}; tables are needed", other.type_str())));
        }
    };
    let (chosen, settings): (Vec<&String>, Vec<&String>) =
        settings.iter().partition(|setting| setting.starts_with(VARIANT));
    let mut settings_on_top = table.clone();
    for setting in &settings {
        set(&mut settings_on_top, setting)?;
    }
    let data_set = settings_on_top.get("data").and_then(|data| data.get("set")).and_then(Value::as_str);
    let variant = data_set.map(|set| if is_csv(set) { "csv" } else { set });
    let mut changes: Vec<&Value> = variant.and_then(|variant| variants.get(variant)).into_iter().collect();
    for setting in chosen {
        let name = &setting[VARIANT.len()..];
        changes.push(variants.get(name).ok_or_else(|| {
            let known: Vec<&str> = variants.keys().map(String::as_str).collect();
            let what = format!("no variant `{name}`; there are {}", known.join(", "));
            RecipeError::Override { text: setting.clone(), what }
        })?);
    }
    for change in changes {
        let Value::Table(change) = change else {
            return Err(syntax("a variant must be a table".into()));
        };
        merge(&mut table, change);
    }
    for setting in &settings {
        set(&mut table, setting)?;
    }
    if settings.is_empty() && variants.is_empty() {
        return toml::from_str(text).map_err(|error| syntax(error.to_string())); // errors with line numbers
    }
    Value::Table(table).try_into().map_err(|error: toml::de::Error| syntax(error.to_string()))
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

/// Applies one `key.path=value`; numbers in the path count list items from 0.
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
                let item = key.parse::<usize>().ok().and_then(|index| items.get_mut(index));
                item.ok_or_else(|| {
                    fault(&format!("`{key}` is not one of the {count} items, counted from 0"))
                })?
            }
            _ => return Err(fault(&format!("`{key}` is inside a plain value"))),
        };
    }
    *place = value;
    Ok(())
}
