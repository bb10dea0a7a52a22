//! Settings, and errors that name a field.

use super::*;

fn strings(all: &[&str]) -> Vec<String> {
    all.iter().map(|&one| one.to_owned()).collect()
}

#[test]
fn settings_reach_every_field() {
    let recipe = load(
        "hesamifard2017",
        &[
            "layers.2.kind=Tanh",
            "layers.1.scheme=ckks",
            "layers.2.polynomial.degree=5",
            "optimizer.momentum=0",
            "optimizer.learning_rate=2^-4",
            "optimizer.nesterov=true",
            "numbers.bounds.error=2.0",
            "parameters.ring_dimension=16384",
            "seed=7",
        ],
    )
    .unwrap();
    assert_eq!((recipe.layers[1].kind, recipe.layers[0].scheme), (LayerKind::Tanh, Scheme::Ckks));
    assert_eq!(recipe.layers[1].polynomial.unwrap().degree, 5);
    assert_eq!((recipe.optimizer.learning_rate.value(), recipe.optimizer.nesterov), (0.0625, true));
    assert_eq!((recipe.parameters.ring_dimension.value(), recipe.seed), (Some(16384), 7));
    assert_eq!(recipe.numbers.bounds.error, 2.0);
    let again = Recipe::from_toml(&recipe.to_toml().unwrap(), "copy", &[]).unwrap();
    assert_eq!(again, recipe);
}

#[test]
fn numbers_in_all_notations() {
    let rate = |text: &str| {
        load("ckks_sgd", &[&format!("optimizer.learning_rate={text}")]).map(|r| r.optimizer.learning_rate)
    };
    for text in ["0.125", "1/8", "2^-3", "\"2^-3\""] {
        assert_eq!(rate(text).unwrap().value(), 0.125, "{text}");
    }
    assert_eq!(rate("0.3").unwrap().to_string(), "0.3");
    for text in ["x", "1/3", "nan", "inf"] {
        let error = rate(text).unwrap_err().to_string();
        assert!(error.contains("is not a finite number; one is needed"), "{text}: {error}");
    }
}

#[test]
fn gain_follows_the_activations() {
    assert_eq!(load("hesamifard2017", &[]).unwrap().init_gain(), 0.7);
    assert_eq!(
        load("hesamifard2017", &["layers.2.kind=Cubic", "layers.4.kind=Cubic"]).unwrap().init_gain(),
        1.0
    );
}

#[test]
fn errors_name_the_field() {
    let table = [
        ("name=''", "recipe field `name`: \"\"; 1 to 64"),
        ("kind=mixed", "unknown field `kind`"),
        ("seed=-1", "invalid value: integer `-1`"),
        ("loss=hinge", "unknown variant `hinge`"),
        (
            "target_smoothing=0.1",
            "recipe field `target_smoothing`: 0.1; loss = \"cross_entropy\" is needed with it",
        ),
        ("optimizer.momentum=1", "recipe field `optimizer.momentum`: 1; 0 or more, below 1 is needed"),
        (
            "optimizer.learning_rate=2^-17",
            "recipe field `optimizer.learning_rate`: 1/131072; n/2^k with a denominator up to 2^16 is needed with layers with weights in bgv",
        ),
        ("optimizer.learning_rate=0.000001", "recipe field `optimizer.learning_rate`: 0.000001; n/2^k"),
        ("optimizer.learning_rate=-1/8", "recipe field `optimizer.learning_rate`: -0.125; a number above 0"),
        ("optimizer.batch_size=0", "recipe field `optimizer.batch_size`: 0; 1 to 65536 is needed"),
        ("optimizer.speed=3", "unknown field `speed`"),
        ("quantization.input_bits=4", "unknown field `quantization`"),
        ("numbers.input_bits=99", "recipe field `numbers.input_bits`: 99; 1 to 16 is needed"),
        ("numbers.product_weight_bits=15", "15; at most weight_bits = 14 is needed"),
        ("numbers.plaintext_bits=61", "recipe field `numbers.plaintext_bits`: 61; 2 to 60 is needed"),
        (
            "numbers.bounds.error=6.001",
            "recipe field `numbers.bounds.error`: 6.001; a multiple of 2^-6 is needed",
        ),
        ("numbers.bounds.error=nan", "recipe field `numbers.bounds.error`: NaN"),
        ("numbers.phases=guessed", "unknown variant `guessed`"),
        ("refresh.tensors=[\"weight\"]", "recipe field `refresh.tensors`: Momentum is missing"),
        ("refresh.strategy=magic", "unknown variant `magic`"),
        ("parameters.security=80", "recipe field `parameters.security`: 80; 128 is needed"),
        (
            "parameters.ring_dimension=1000",
            "recipe field `parameters.ring_dimension`: 1000; \"auto\" or a power",
        ),
        ("data.normalize.limit=0", "recipe field `data.normalize.limit`: 0; a number above 0"),
        ("name.first=x", "--set name.first=x: `first` is inside a plain value"),
        ("seed", "--set seed: key.path=value is needed"),
        ("a..b=1", "--set a..b=1: an empty name in the path"),
        ("variant=paper", "--set variant=paper: no variant `paper`; there are batch256, "),
    ];
    refuses("hesamifard2017", &table);
    let unknown = Recipe::load("glyph", &[]).unwrap_err().to_string();
    assert_eq!(
        unknown,
        "no recipe `glyph`: built in are ckks_sgd, ghimes2018, glyph2020, hesamifard2017, nandakumar2019, onoufriou2021, tbmpnet2021; or give the path of a TOML file"
    );
    assert!(Recipe::load("/nowhere.toml", &[]).unwrap_err().to_string().starts_with("/nowhere.toml: "));
    let text = "name = \"x\"\nepochz = 3\n";
    assert!(Recipe::from_toml(text, "x.toml", &[]).unwrap_err().to_string().contains("line 2"));
}

#[test]
fn approximate_numbers_have_fewer_rules() {
    let table = [
        ("optimizer.learning_rate=0.0", "recipe field `optimizer.learning_rate`: 0; a number above 0"),
        ("optimizer.learning_rate=65.0", "recipe field `optimizer.learning_rate`: 65; a number above"),
        ("optimizer.momentum=1.0", "recipe field `optimizer.momentum`: 1; 0 or more, below 1"),
        ("optimizer.epochs=0", "recipe field `optimizer.epochs`: 0; 1 to 100000"),
        ("optimizer.init_gain=17.0", "recipe field `optimizer.init_gain`: 17; a number above 0"),
        (
            "numbers.bounds.preactivation=0.0",
            "recipe field `numbers.bounds.preactivation`: 0; a number above 0",
        ),
        ("numbers.bounds.output=inf", "recipe field `numbers.bounds.output`: inf; a number above 0"),
        ("numbers.bounds.error=1025.0", "recipe field `numbers.bounds.error`: 1025; a number above 0"),
        ("numbers.bounds.weight=nan", "recipe field `numbers.bounds.weight`: NaN; a number above 0"),
        ("numbers.bounds.momentum=-1.0", "recipe field `numbers.bounds.momentum`: -1; a number above 0"),
        ("target_smoothing=0.5", "recipe field `target_smoothing`: 0.5; 0 or more, below 0.5"),
    ];
    refuses("ckks_sgd", &table);
    for settings in [
        ["optimizer.learning_rate=0.3", "numbers.bounds.error=0.1"],
        ["refresh.backward=client", "variant=cross_entropy"],
        ["refresh.backward=client", "optimizer.momentum=0.5"],
    ] {
        load("ckks_sgd", &settings).unwrap();
    }
    load("onoufriou2021", &["refresh.tensors=[]"]).unwrap();
    let error = load("onoufriou2021", &["refresh.backward=encrypted"]).unwrap_err().to_string();
    assert_eq!(
        error,
        "recipe field `refresh.tensors`: Weight is missing; its scale would grow at every step"
    );
}

#[test]
fn exact_updates_are_shifts() {
    let table = [
        (
            "optimizer.learning_rate=2^-19",
            "recipe field `optimizer.learning_rate`: 1/524288; a power of two from 2^-18 to 2^6 is needed with strategy = \"clean\" and 60 samples a step",
        ),
        (
            "numbers.plaintext_bits=40",
            "recipe field `numbers.plaintext_bits`: 40; 8 to 36 is needed with strategy",
        ),
        ("numbers.input_bits=8", "recipe field `numbers.input_bits`: 8; 1 to 7"),
        ("numbers.error_bits=7", "recipe field `numbers.error_bits`: 7; 1 to 6"),
        ("numbers.bounds.error=0", "recipe field `numbers.bounds.error`: 0; a number above 0"),
    ];
    refuses("glyph2020", &table);
    load("glyph2020", &["optimizer.learning_rate=2^-18", "numbers.bounds.error=0.3"]).unwrap();
    load("glyph2020", &["variant=tiny", "layers.1.scheme=ckks"]).unwrap();
}

#[test]
fn words_hold_what_they_are_given() {
    let table = [
        ("numbers.word_bits=12", "recipe field `numbers.word_bits`: 12; 8, 16 or 32 is needed"),
        (
            "numbers.fraction_bits=9",
            "recipe field `numbers.fraction_bits`: 9; an even number is needed with words",
        ),
        ("numbers.fraction_bits=15", "recipe field `numbers.fraction_bits`: 15; 1 to 14 is needed"),
        ("numbers.fraction_bits=0", "recipe field `numbers.fraction_bits`: 0"),
        ("numbers.words=letters", "unknown variant `letters`"),
        (
            "optimizer.learning_rate=2^-13",
            "recipe field `optimizer.learning_rate`: 1/8192; a power of two from 2^-12 to 2^3 is needed with layers with weights in tfhe and 5",
        ),
        ("optimizer.learning_rate=16", "recipe field `optimizer.learning_rate`: 16; a power"),
        ("optimizer.learning_rate=0", "recipe field `optimizer.learning_rate`: 0; a number above 0"),
        ("optimizer.learning_rate=2^-13", "recipe field `optimizer.learning_rate`: 1/8192; a power"),
        ("data.normalize.limit=32", "recipe field `data.normalize.limit`: 32; words of 16 bits"),
    ];
    refuses("tbmpnet2021", &table);
    load("tbmpnet2021", &["numbers.words=bits", "numbers.fraction_bits=9"]).unwrap();
    let bits = |word: &str| load("tbmpnet2021", &[word]).unwrap().numbers.word_fraction_bits();
    assert_eq!(
        [bits("numbers.word_bits=8"), bits("numbers.word_bits=16"), bits("numbers.word_bits=32")],
        [4, 10, 20]
    );
}

#[test]
fn a_recipe_in_a_file_is_taken_at_its_word() {
    let path = std::env::temp_dir().join(format!("nn-encrypted-own-{}.toml", std::process::id()));
    let text = Recipe::text("hesamifard2017").unwrap().replace("out_features = 32", "out_features = 24");
    std::fs::write(&path, text).unwrap();
    let name = path.to_string_lossy().into_owned();
    let load = |settings: &[&str]| Recipe::load_with_words(&name, &strings(settings)).unwrap();
    let Loaded { recipe: own, words, bounded } = load(&["data.set=iris", "data.test=30"]);
    assert_eq!((own.layers.len(), own.layers[0].out_features), (5, Some(24)));
    assert!(
        bounded
            && words[0].ends_with(
                "has a variant `iris` for these data, which is not applied; it is with --variant iris"
            )
    );
    let named = load(&["data.set=iris", "variant=iris"]);
    assert_eq!((named.recipe.layers.len(), named.words.len()), (3, 0));
    assert!(load(&[]).words.is_empty());
    assert!(load(&["data.set=t.csv", "data.window=12"]).words.is_empty());
    std::fs::remove_file(&path).unwrap();
    // Recipes inside the program apply theirs unasked.
    assert_eq!(Recipe::load("hesamifard2017", &strings(&["data.set=iris"])).unwrap().layers.len(), 3);
}
