use super::super::{AnyRecipe, Recipe};
use super::*;

fn load(settings: &[&str]) -> Result<MixedRecipe, RecipeError> {
    let settings: Vec<String> = settings.iter().map(|&s| s.to_owned()).collect();
    match AnyRecipe::load("glyph2020", &settings)? {
        AnyRecipe::Mixed(recipe) => Ok(recipe),
        other => panic!("{} is of another kind", other.name()),
    }
}

#[test]
fn the_default_is_64_32_16_10_with_weights_of_16_bits() {
    let recipe = load(&[]).unwrap();
    assert_eq!(recipe.widths(64, 10).unwrap(), [64, 32, 16, 10]);
    assert_eq!(recipe.weight_bits(), 16);
    let again = AnyRecipe::from_toml(&recipe.to_toml().unwrap(), "copy", &[]).unwrap();
    assert_eq!(again, AnyRecipe::Mixed(recipe));
}

#[test]
fn variants_have_the_networks_of_the_paper() {
    let mnist = load(&["data.set=mnist"]).unwrap();
    assert_eq!(mnist.widths(784, 10).unwrap(), [784, 128, 32, 10]);
    let transfer = load(&["data.set=mnist", "variant=transfer"]).unwrap();
    assert_eq!(transfer.widths(400, 10).unwrap(), [400, 84, 10]);
    assert_eq!(transfer.data.frozen.as_deref(), Some("digits-cnn"));
}

#[test]
fn errors_name_the_field() {
    let linear = "{kind='Linear',scheme='bgv'}";
    let layers = |kinds: &str| format!("layers=[{kinds}]");
    let table = [
        (
            "optimizer.learning_rate=3/8".to_owned(),
            "recipe field `optimizer.learning_rate`: 3/8; a power of two from 2^-24",
        ),
        ("optimizer.batch_size=0".to_owned(), "recipe field `optimizer.batch_size`: 0"),
        (
            "quantization.plaintext_bits=40".to_owned(),
            "recipe field `quantization.plaintext_bits`: 40; 8 to 36",
        ),
        ("quantization.error_bits=7".to_owned(), "recipe field `quantization.error_bits`: 7; 1 to 6"),
        ("quantization.bounds.error=0".to_owned(), "recipe field `quantization.bounds.error`: 0"),
        ("quantization.readings=guessed".to_owned(), "unknown variant `guessed`"),
        (layers(""), "recipe field `layers`: 0; Linear and an activation in turn"),
        (layers(linear), "recipe field `layers`: 1; Linear and an activation"),
        (layers(&format!("{linear},{linear}")), "stands where another kind is needed"),
        (layers(&format!("{linear},{{kind='ReLU',scheme='tfhe'}}")), "Sigmoid comes last"),
        (layers(&format!("{linear},{{kind='Sigmoid',scheme='tfhe',out_features=3}}")), "a field of Linear"),
        (
            layers(&format!(
                "{linear},{{kind='ReLU',scheme='tfhe'}},{linear},{{kind='Sigmoid',scheme='tfhe'}}"
            )),
            "`out_features` is missing",
        ),
    ];
    for (setting, expected) in table {
        let found = load(&[&setting]).unwrap_err().to_string();
        assert!(found.contains(expected), "{setting}\n  found    {found}\n  expected {expected}");
    }
    let classes = load(&[]).unwrap().widths(1 << 20, 10).unwrap_err().to_string();
    assert!(classes.contains("weights up to there"), "{classes}");
    let other = Recipe::load("glyph2020", &[]).unwrap_err().to_string();
    assert_eq!(other, "recipe field `kind`: \"mixed\"; a recipe with client refreshes is needed here");
}

#[test]
fn a_task_all_in_tfhe_is_one_on_words() {
    let layers = "layers=[{kind='Linear',scheme='tfhe'},{kind='Sigmoid',scheme='tfhe'}]";
    let words = load(&[layers, "optimizer.learning_rate=1/4"]).unwrap().words();
    words.validate().unwrap();
    assert_eq!(words.widths(4, 3).unwrap(), [4, 3]);
}
