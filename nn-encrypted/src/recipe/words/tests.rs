use super::super::{AnyRecipe, Recipe};
use super::*;

fn load(settings: &[&str]) -> Result<WordRecipe, RecipeError> {
    let settings: Vec<String> = settings.iter().map(|&s| s.to_owned()).collect();
    match AnyRecipe::load("tbmpnet2021", &settings)? {
        AnyRecipe::Words(recipe) => Ok(recipe),
        other => panic!("{} is of another kind", other.name()),
    }
}

#[test]
fn the_default_is_4_4_3_in_16_bits_by_tables() {
    let recipe = load(&[]).unwrap();
    assert_eq!((recipe.activation, recipe.word_bits, recipe.fraction_bits()), (Sigmoid::Table, 16, 10));
    assert_eq!(recipe.widths(4, 3).unwrap(), [4, 4, 3]);
    let bits = |word: &str| load(&[word]).unwrap().fraction_bits();
    assert_eq!((bits("word_bits=8"), bits("word_bits=32")), (4, 20));
    let again = AnyRecipe::from_toml(&recipe.to_toml().unwrap(), "copy", &[]).unwrap();
    assert_eq!(again, AnyRecipe::Words(recipe));
}

#[test]
fn the_tiny_variant_is_1_1_1() {
    let recipe = load(&["variant=tiny", "activation=circuit"]).unwrap();
    assert_eq!(recipe.widths(1, 2).unwrap(), [1, 1, 1]);
    assert_eq!(recipe.data.columns, ["petal_length"]);
    assert_eq!(recipe.activation, Sigmoid::Circuit);
}

#[test]
fn errors_name_the_field() {
    let table = [
        ("word_bits=12", "recipe field `word_bits`: 12; 8, 16 or 32 is needed"),
        ("fraction_bits=9", "recipe field `fraction_bits`: 9; an even number is needed with activation"),
        ("fraction_bits=15", "recipe field `fraction_bits`: 15; 1 to 14 is needed"),
        ("fraction_bits=0", "recipe field `fraction_bits`: 0"),
        (
            "optimizer.learning_rate=3/8",
            "recipe field `optimizer.learning_rate`: 3/8; a power of two from 2^-15",
        ),
        ("optimizer.learning_rate=2", "recipe field `optimizer.learning_rate`: 2; a power"),
        ("optimizer.learning_rate=0", "recipe field `optimizer.learning_rate`: 0; a power"),
        ("optimizer.learning_rate=2^-16", "recipe field `optimizer.learning_rate`: 1/65536; a power"),
        ("optimizer.batch_size=0", "recipe field `optimizer.batch_size`: 0; 1 to 65536 is needed"),
        ("optimizer.momentum=1/2", "unknown field `momentum`"),
        ("hidden=[3, 0]", "recipe field `hidden.1`: 0; 1 to 4096 is needed"),
        ("data.normalize.limit=32", "recipe field `data.normalize.limit`: 32; words of 16 bits"),
        ("activation=gates", "unknown variant `gates`"),
        ("kind=layers", "recipe field `kind`: \"layers\"; \"words\", \"reals\" or \"mixed\" is needed"),
        ("layers=[]", "unknown field `layers`"),
    ];
    for (setting, expected) in table {
        let found = load(&[setting]).unwrap_err().to_string();
        assert!(found.contains(expected), "{setting}\n  found    {found}\n  expected {expected}");
    }
    assert!(load(&["activation=circuit", "fraction_bits=9"]).is_ok());
    let single = load(&["outputs=single"]).unwrap().widths(4, 3).unwrap_err().to_string();
    assert!(single.contains("`outputs`") && single.contains("3 classes"), "{single}");
    let wide = load(&["hidden=[4096, 4096]"]).unwrap().widths(4, 3).unwrap_err().to_string();
    assert!(wide.contains("layer 2 with 4096 inputs"), "{wide}");
    let other = Recipe::load("tbmpnet2021", &[]).unwrap_err().to_string();
    assert_eq!(other, "recipe field `kind`: \"words\"; a recipe with client refreshes is needed here");
}

#[test]
fn initial_weights_are_pinned() {
    let recipe = load(&["optimizer.init_gain=1.0"]).unwrap();
    let model = WordModel::initial(&recipe, &[4, 4, 3]);
    assert_eq!(model.layers[0].weight.row(0).to_vec(), [178, -176, -568, -516]);
    assert!(model.layers.iter().all(|layer| layer.bias.iter().all(|&b| b == 0)));
    assert_ne!(model, WordModel::initial(&WordRecipe { seed: 9, ..recipe }, &[4, 4, 3]));
}
