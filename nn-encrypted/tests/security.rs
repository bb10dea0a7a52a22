//! Every preset and the plan of every recipe beside the bounds for 128 bits.
//!
//! ```sh
//! cargo test --release -p nn-encrypted --test security -- --nocapture
//! ```

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use he_core::rlwe::Margin;
use nn_encrypted::recipe::Recipe;
use nn_encrypted::run::Session;

/// Prints a table, and checks that all of it is within its bounds.
fn check(name: &str, margins: &[Margin]) {
    assert!(!margins.is_empty(), "{name} has no known security");
    for margin in margins {
        println!("{name:<52} {margin}");
        assert!(margin.bits() >= 0.0, "{name}: {margin}");
    }
}

fn header(what: &str) {
    println!();
    println!(
        "{what:<52} {:<24} {:>6}  {:<28} {:>8} {:>8} {:>7}",
        "keys", "N or n", "secret", "log2 QP", "cap", "margin"
    );
}

#[test]
fn presets_are_within_their_bounds() {
    header("preset (binary secrets: log2 q/σ)");
    use he_bgv::Spec as Bgv;
    for (name, spec) in [
        ("n8192", Bgv::n8192()),
        ("n8192_wide", Bgv::n8192_wide()),
        ("n16384", Bgv::n16384()),
        ("n16384_wide", Bgv::n16384_wide()),
    ] {
        let margin = spec.build().unwrap().rlwe().margin("bgv");
        check(&format!("he_bgv::Spec::{name}"), margin.as_slice());
    }
    use he_ckks::Spec as Ckks;
    for (name, spec) in [
        ("n8192", Ckks::n8192()),
        ("n16384", Ckks::n16384()),
        ("n32768", Ckks::n32768()),
        ("bootstrap_uniform", Ckks::bootstrap_uniform()),
        ("bootstrap_sparse", Ckks::bootstrap_sparse()),
        ("tables_uniform", Ckks::tables_uniform()),
        ("tables_sparse", Ckks::tables_sparse()),
    ] {
        check(&format!("he_ckks::Spec::{name}"), &spec.build().unwrap().margins());
    }
    use he_tfhe::Spec as Tfhe;
    let approximate = [("approximate_table", Tfhe::approximate_table())];
    for (name, spec) in Tfhe::PRESETS.map(|(name, spec, _)| (name, spec)).into_iter().chain(approximate) {
        check(&format!("he_tfhe::Spec::{name}"), &spec.build().unwrap().spec().margins().unwrap());
    }
    use he_switch::Spec as Switch;
    for (name, spec) in [("glyph", Switch::glyph()), ("exact", Switch::exact())] {
        check(&format!("he_switch::Spec::{name}"), &spec.build().unwrap().margins());
    }
    let tables = he_switch::tables::Spec::uniform();
    check("he_switch::tables::Spec::uniform", &tables.build().unwrap().margins());
    for (log_n, primes) in [(13, 3), (14, 8), (15, 10), (16, 10)] {
        let spec = he_switch::bgv::BootstrapSpec::new(log_n, 65_537, primes).unwrap();
        let name = format!("he_switch::bgv, N = 2^{log_n}, {primes} primes");
        check(&name, &spec.build().unwrap().margins());
    }
}

/// Variants whose data is inside the program, and settings that lead to other parameters.
const SETTINGS: [(&str, &[&str]); 7] = [
    ("ckks_sgd", &["parameters.secret=sparse", "variant=cross_entropy", "variant=iris"]),
    ("ghimes2018", &["variant=bfv", "variant=iris"]),
    ("glyph2020", &["variant=tiny"]),
    ("hesamifard2017", &["variant=batch256", "variant=iris", "parameters.ring_dimension=32768"]),
    ("nandakumar2019", &["variant=tiny"]),
    ("onoufriou2021", &["variant=unpooled", "variant=encrypted", "parameters.ring_dimension=32768"]),
    ("tbmpnet2021", &["variant=tiny", "numbers.words=bits"]),
];

fn check_plan(recipe: &str, settings: &[String]) {
    let session = Session::new(Recipe::load(recipe, settings).unwrap(), None).unwrap();
    let plan = session.plan().unwrap();
    let margins: Vec<Margin> =
        plan.engines.iter().flat_map(|engine| engine.schemes()).flat_map(|scheme| scheme.margins).collect();
    check(&format!("{recipe} {}", settings.join(" ")), &margins);
}

#[test]
fn plans_of_all_recipes_are_within_their_bounds() {
    header("plan");
    for recipe in Recipe::builtin_names() {
        check_plan(recipe, &[]);
    }
    for (recipe, settings) in SETTINGS {
        settings.iter().for_each(|setting| check_plan(recipe, &[(*setting).to_owned()]));
    }
}
