//! Recipes as text: those inside the program, and what others say.

mod builtin;
mod layers;
mod settings;

use super::*;

/// A recipe inside the program, with settings on top.
fn load(name: &str, settings: &[&str]) -> Result<Recipe, RecipeError> {
    let settings: Vec<String> = settings.iter().map(|&setting| setting.to_owned()).collect();
    Recipe::load(name, &settings)
}

/// Holds each error of a recipe with one setting against how it should begin or what it should contain.
fn refuses(name: &str, table: &[(&str, &str)]) {
    for (setting, expected) in table {
        let Err(error) = load(name, &[setting]) else { panic!("{name} with {setting} is valid") };
        let found = error.to_string();
        assert!(found.contains(expected), "{name}, {setting}\n  found    {found}\n  expected {expected}");
    }
}
