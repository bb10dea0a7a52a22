//! Presets by name, and plans of recipes.

use std::path::Path;

use he_core::rlwe::Margin;
use nn_encrypted::recipe::Recipe;
use nn_encrypted::run::Session;

use super::instance::Instance;
use crate::pages::Failure;

/// Settings that lead to other parameters than the recipe alone, with data that are inside the program.
const SETTINGS: [(&str, &[&str]); 7] = [
    ("ckks_sgd", &["parameters.secret=sparse", "variant=cross_entropy", "variant=iris"]),
    ("ghimes2018", &["variant=bfv", "variant=iris"]),
    ("glyph2020", &["variant=tiny"]),
    ("hesamifard2017", &["variant=batch256", "variant=iris", "parameters.ring_dimension=32768"]),
    ("nandakumar2019", &["variant=tiny"]),
    ("onoufriou2021", &["variant=unpooled", "variant=encrypted", "parameters.ring_dimension=32768"]),
    ("tbmpnet2021", &["variant=tiny", "numbers.words=bits"]),
];

/// Recipes that train on MNIST, with settings.
const MNIST: [(&str, &[&str]); 5] = [
    ("ckks_sgd", &["data.set=mnist"]),
    ("glyph2020", &["data.set=mnist"]),
    ("glyph2020", &["data.set=mnist", "variant=transfer"]),
    ("hesamifard2017", &["data.set=mnist"]),
    ("nandakumar2019", &["data.set=mnist"]),
];

/// Why YASHE is built.
const REASON: &str = "its bound is listed beside those of schemes that are not broken";

/// All instances: presets by crate, then plans by recipe; those for MNIST with a folder of data.
pub(super) fn instances(data_dir: Option<&Path>) -> Result<Vec<Instance>, Failure> {
    let mut all = presets()?;
    for recipe in Recipe::builtin_names() {
        all.extend(plan(recipe, &[], None)?);
        let settings = SETTINGS.iter().filter(|(of, _)| *of == recipe).flat_map(|(_, settings)| *settings);
        for setting in settings {
            all.extend(plan(recipe, &[setting], None)?);
        }
        for (_, settings) in MNIST.iter().filter(|(of, _)| *of == recipe && data_dir.is_some()) {
            all.extend(plan(recipe, settings, data_dir)?);
        }
    }
    Ok(all)
}

/// What the secrets of a plan hide.
fn plan(recipe: &str, settings: &[&str], data_dir: Option<&Path>) -> Result<Vec<Instance>, Failure> {
    let owned: Vec<String> = settings.iter().map(|setting| (*setting).to_owned()).collect();
    let plan = Session::new(Recipe::load(recipe, &owned)?, data_dir)?.plan()?;
    let schemes = plan.engines.iter().flat_map(|engine| engine.schemes());
    let margins: Vec<Margin> = schemes.flat_map(|scheme| scheme.margins).collect();
    named([&[recipe], settings].concat().join(" "), margins)
}

/// Instances of one name, each once: moduli of several plaintext primes may be one.
fn named(name: String, margins: Vec<Margin>) -> Result<Vec<Instance>, Failure> {
    if margins.is_empty() {
        return Err(format!("{name} has no known security").into());
    }
    let mut out: Vec<Instance> = Vec::new();
    for margin in margins {
        if out.iter().all(|known| known.margin != margin) {
            out.push(Instance { name: name.clone(), margin });
        }
    }
    Ok(out)
}

/// All named presets.
pub(super) fn presets() -> Result<Vec<Instance>, Failure> {
    let mut all = Vec::new();
    all.extend(integers()?);
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
        all.extend(named(format!("he_ckks::Spec::{name}"), spec.build()?.margins())?);
    }
    use he_tfhe::Spec as Tfhe;
    let approximate = [("approximate_table", Tfhe::approximate_table())];
    for (name, spec) in Tfhe::PRESETS.map(|(name, spec, _)| (name, spec)).into_iter().chain(approximate) {
        all.extend(named(format!("he_tfhe::Spec::{name}"), spec.build()?.spec().margins()?.into())?);
    }
    use he_switch::Spec as Switch;
    for (name, spec) in [("glyph", Switch::glyph()), ("exact", Switch::exact())] {
        all.extend(named(format!("he_switch::Spec::{name}"), spec.build()?.margins())?);
    }
    let tables = he_switch::tables::Spec::uniform().build()?;
    all.extend(named("he_switch::tables::Spec::uniform".into(), tables.margins())?);
    for (log_n, primes) in [(13, 3), (14, 8), (15, 10), (16, 10)] {
        let params = he_switch::bgv::BootstrapSpec::new(log_n, 65_537, primes)?.build()?;
        let name = format!("he_switch::bgv::BootstrapSpec, N = 2^{log_n}, {primes} primes");
        all.extend(named(name, params.margins())?);
    }
    Ok(all)
}

/// Presets of exact integers. Those of BFV are those of BGV under the same names.
fn integers() -> Result<Vec<Instance>, Failure> {
    let mut all = Vec::new();
    use he_bfv::Spec as Bfv;
    for (name, spec) in [
        ("n8192", Bfv::n8192()),
        ("n8192_wide", Bfv::n8192_wide()),
        ("n16384", Bfv::n16384()),
        ("n16384_wide", Bfv::n16384_wide()),
    ] {
        let margin = spec.build()?.rlwe().margin("bgv, bfv");
        all.extend(named(format!("he_bgv::Spec::{name}, he_bfv"), margin.into_iter().collect())?);
    }
    use he_yashe::Spec as Yashe;
    for (name, spec) in [("legacy_n32768", Yashe::legacy_n32768()), ("legacy_n65536", Yashe::legacy_n65536())]
    {
        let margin = spec.build_legacy(REASON)?.margin();
        all.extend(named(format!("he_yashe::Spec::{name}"), margin.into_iter().collect())?);
    }
    Ok(all)
}
