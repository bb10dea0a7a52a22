//! The recipes inside the program.

use super::super::file;
use super::*;

/// Every recipe inside the program with every one of its variants, and with none.
pub(super) fn all() -> Vec<Recipe> {
    let mut all = Vec::new();
    for (name, text) in file::BUILTIN {
        let table: toml::Table = toml::from_str(text).unwrap();
        let variants =
            table["variants"].as_table().unwrap().keys().map(|variant| format!("variant={variant}"));
        for settings in [vec![]].into_iter().chain(variants.map(|variant| vec![variant])) {
            all.push(
                Recipe::load(name, &settings).unwrap_or_else(|error| panic!("{name} {settings:?}: {error}")),
            );
        }
    }
    all
}

#[test]
fn half_a_file_is_no_recipe() {
    for recipe in all() {
        let text = recipe.to_toml().unwrap();
        let lines: Vec<&str> = text.lines().collect();
        let optimizer = lines.iter().position(|line| *line == "[optimizer]").unwrap();
        for end in 1..optimizer {
            assert!(
                Recipe::from_toml(&lines[..end].join("\n"), "half", &[]).is_err(),
                "{}",
                lines[..end].join("\n")
            );
        }
    }
}

#[test]
fn every_recipe_and_variant_is_valid_and_survives_being_written() {
    let all = all();
    assert!(all.len() > 25, "{} recipes", all.len());
    for recipe in all {
        let text = recipe.to_toml().unwrap();
        assert_eq!(Recipe::from_toml(&text, "copy", &[]).unwrap(), recipe, "{text}");
    }
}
