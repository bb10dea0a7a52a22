//! What a hash covers, and what is refused.

use super::*;
use crate::program::Refresher;
use crate::recipe::Recipe;

fn recipe(layers: &str, rest: &str) -> Recipe {
    let text = format!(
        "name = 'test'
        layers = [{layers}]
        {rest}
        [data]
        set = 'iris'
        test = 30
        normalize = {{ method = 'min_max', limit = 1.0 }}
        [optimizer]
        learning_rate = 0.5
        batch_size = 4
        epochs = 10"
    );
    Recipe::from_toml(&text, "test", &[]).unwrap()
}

fn choose(recipe: &Recipe) -> Result<Plan, PlanError> {
    let network = Network::new(recipe, 3, None, 2).unwrap();
    Plan::choose(recipe, &network, DataShape { bound: 1.0, rows: 30 })
}

const WORDS: &str =
    "{ kind = 'Linear', out_features = 2, scheme = 'tfhe' }, { kind = 'Sigmoid', scheme = 'tfhe' },
    { kind = 'Linear', scheme = 'tfhe' }, { kind = 'Sigmoid', scheme = 'tfhe' }";

#[test]
fn a_plan_is_a_function_of_its_recipe_and_prints_what_it_is() {
    let plan = || choose(&recipe(WORDS, "refresh.strategy = 'bootstrap'")).unwrap();
    assert_eq!(plan().hash(), plan().hash());
    let text = plan().to_string();
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[0].starts_with("TFHE: n = "), "{text}");
    assert_eq!(
        lines[1..],
        [
            "words: 16 bits, 10 behind the point, in digits of base 4, activations by tables of 12 bits",
            lines[2],
            lines[3],
            "a step of 4 samples: 112 products, 112 sums, 16 activations, 16 derivatives, 14 shifts, in 21 rounds of operations",
        ]
    );
    assert!(lines[2].starts_with("layer 1: 3 to 2; inputs up to 1.00, pre-activations up to "), "{text}");
    assert!(lines[3].starts_with("layer 2: 2 to 2; inputs up to 1.00, pre-activations up to "), "{text}");
}

#[test]
fn what_client_and_server_must_agree_on_is_hashed() {
    let usual = choose(&recipe(WORDS, "refresh.strategy = 'bootstrap'")).unwrap();
    let with = |rest: &str| choose(&recipe(WORDS, rest)).unwrap().hash();
    let mut others = vec![
        with("refresh.strategy = 'client'"),
        with("refresh.strategy = 'bootstrap'\nnumbers.word_bits = 8"),
        with("refresh.strategy = 'bootstrap'\nnumbers.words = 'bits'"),
        with("refresh.strategy = 'bootstrap'\nnumbers.fraction_bits = 8"),
        with("refresh.strategy = 'bootstrap'\nloss = 'cross_entropy'"),
    ];
    let change = |change: &dyn Fn(&mut Plan)| {
        let mut plan = usual.clone();
        change(&mut plan);
        plan.hash()
    };
    others.push(change(&|plan| plan.optimizer.batch_size = 3));
    others.push(change(&|plan| plan.optimizer.momentum = plan.optimizer.learning_rate));
    others.push(change(&|plan| plan.optimizer.nesterov = true));
    others.push(change(&|plan| plan.engine_of[1] = 1));
    others.push(change(&|plan| plan.network.layers[0].kernel = [2, 1]));
    others.push(change(&|plan| plan.network.layers[0].activation = None));
    others.push(change(&|plan| {
        plan.program.training[0] = Step::Refresh { round: 0, by: Refresher::Clean };
    }));
    others.push(usual.hash());
    let count = others.len();
    others.sort_unstable();
    others.dedup();
    assert_eq!(others.len(), count);
}

/// Layer, reason and numbers of a refusal.
fn refusal(recipe: &Recipe) -> (usize, Reason, f64, f64) {
    match choose(recipe).map(drop).unwrap_err() {
        PlanError::Refused { layer, reason, needed, available, .. } => (layer, reason, needed, available),
        other => panic!("{other}"),
    }
}

#[test]
fn a_recipe_that_breaks_its_rules_has_no_plan() {
    let mut recipe = recipe(WORDS, "refresh.strategy = 'bootstrap'");
    recipe.optimizer.batch_size = 0;
    let error = choose(&recipe).map(drop).unwrap_err().to_string();
    assert!(error.starts_with("recipe field `optimizer.batch_size`"), "{error}");
}

#[test]
fn what_no_engine_computes_is_refused_by_number() {
    let bgv = "{ kind = 'Linear', out_features = 2, scheme = 'bgv' }, { kind = 'Square', scheme = 'bgv' },
        { kind = 'Linear', scheme = 'bgv' }";
    let (layer, reason, needed, available) = refusal(&recipe(bgv, "refresh.strategy = 'bootstrap'"));
    // 10 epochs of 8 mini-batches, each with at least 6 products one after another.
    assert_eq!((layer, reason, needed), (1, Reason::Levels, 480.0));
    assert!((20.0..100.0).contains(&available), "{available}");
    let mut recipe_with_momentum = recipe(WORDS, "refresh.strategy = 'bootstrap'");
    recipe_with_momentum.optimizer.momentum = crate::recipe::Scalar::new(0.875).unwrap();
    // Three bits more than the ten that words have behind the point.
    assert_eq!(refusal(&recipe_with_momentum), (1, Reason::Range, 13.0, 10.0));
    let both =
        "{ kind = 'Linear', out_features = 2, scheme = 'tfhe' }, { kind = 'Sigmoid', scheme = 'tfhe' },
        { kind = 'Linear', scheme = 'bgv' }";
    for (rest, carried) in [
        ("refresh.strategy = 'bootstrap'", 0.0),
        ("refresh.tensors = ['output', 'error', 'weight', 'momentum']", 1.0),
        ("refresh.tensors = ['weight', 'momentum']", 0.0),
    ] {
        assert_eq!(refusal(&recipe(both, rest)), (3, Reason::Layout, 2.0, carried), "{rest}");
    }
}

/// Others encrypt where mini-batches enter slots or words: there plans begin from the noise and the sizes of the public key.
#[test]
fn mini_batches_under_a_public_key() {
    let reason = "a test: no secret is in it";
    let plan = |name: &str, settings: &[&str]| {
        let settings: Vec<String> = settings.iter().map(ToString::to_string).collect();
        let recipe = Recipe::load(name, &settings).unwrap();
        let network = Network::new(&recipe, 4, None, 3).unwrap();
        Plan::choose_insecure_small(&recipe, &network, DataShape { bound: 1.0, rows: 30 }, reason)
    };
    let one = "layers=[{kind='Linear',scheme='bgv'}]";
    let real = "layers=[{kind='Linear',scheme='ckks'}]";
    let bytes = |plan: &Plan| crate::roles::traffic::batch_bytes(plan, 4);
    for (name, settings) in [
        ("hesamifard2017", [one, "optimizer.batch_size=4"]),
        ("hesamifard2017", ["layers=[{kind='Linear',scheme='bfv'}]", "optimizer.batch_size=4"]),
        ("ckks_sgd", [real, "optimizer.batch_size=4"]),
    ] {
        let secret = plan(name, &settings).unwrap();
        let public = plan(name, &[&settings[..], &["encryption=public"]].concat()).unwrap();
        assert_ne!(secret.hash(), public.hash(), "{name}");
        // Nearly twice: a ciphertext has two polynomials, and no seed.
        let times = bytes(&public) as f64 / bytes(&secret) as f64;
        assert!((1.8..2.0).contains(&times), "{name}: {times}");
        assert_eq!(crate::roles::traffic::model_bytes(&public), crate::roles::traffic::model_bytes(&secret));
    }
    let words = [WORDS_SET, "optimizer.batch_size=1", "optimizer.learning_rate=1", "numbers.word_bits=8"];
    let (secret, public) =
        (plan("tbmpnet2021", &words), plan("tbmpnet2021", &[&words[..], &["encryption=public"]].concat()));
    assert_ne!(secret.unwrap().hash(), public.unwrap().hash());
    for (name, settings) in [
        ("glyph2020", &["variant=tiny"][..]),
        ("nandakumar2019", &["variant=tiny"]),
        ("ghimes2018", &["variant=iris"]),
        ("onoufriou2021", &[real]),
    ] {
        let refused = plan(name, &[settings, &["encryption=public"]].concat()).err().unwrap().to_string();
        assert!(refused.starts_with("encryption: \"public\": "), "{name}: {refused}");
        assert!(refused.ends_with("; \"secret\" is needed"), "{name}: {refused}");
    }
}

const WORDS_SET: &str = "variant=tiny";
