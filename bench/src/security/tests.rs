use std::collections::BTreeSet;
use std::fs;

use he_core::rlwe::params::find_primes;
use he_core::rlwe::{Margin, ParametersError, SecretDistribution, Spec};

use super::instance::Instance;
use super::instances::{instances, presets};
use super::page;
use crate::pages;

fn fault(margin: Option<Margin>) -> Option<String> {
    Instance { name: "planted".into(), margin: margin.expect("a bound is known") }.fault()
}

#[test]
fn all_presets_and_plans_are_within_their_bounds_and_on_the_page() {
    let all = instances(None).expect("presets and plans");
    let faults: Vec<String> = all.iter().filter_map(Instance::fault).collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    // The page has the plans for other data as well.
    let page = pages::read("docs/bench/security.csv").expect("the page");
    let known: BTreeSet<&str> = page.lines().collect();
    let now = page::csv(&all);
    let missing: Vec<&str> = now.lines().filter(|line| !known.contains(line)).collect();
    assert!(missing.is_empty(), "not in docs/bench/security.csv:\n{}", missing.join("\n"));
    // And the table is made of the same rows.
    let table = pages::read("docs/bench/security.md").expect("the page");
    let rows = |text: &str| text.lines().filter(|line| line.starts_with('|')).count();
    assert_eq!(rows(&table), page.lines().count() + 1);
}

/// Presets that the crates offer, by their sources: one that is not listed is found.
#[test]
fn every_preset_is_listed() {
    let all = presets().expect("presets");
    let listed: String = all.iter().map(|instance| format!("{}\n", instance.name)).collect();
    let mut found = 0;
    for (krate, file) in [
        ("he_bgv", "he-bgv/src/params.rs"),
        ("he_bgv", "he-bfv/src/params.rs"),
        ("he_yashe", "he-yashe/src/params.rs"),
        ("he_ckks", "he-ckks/src/spec/presets.rs"),
        ("he_tfhe", "he-tfhe/src/presets/gates.rs"),
        ("he_tfhe", "he-tfhe/src/presets/integers.rs"),
        ("he_tfhe", "he-tfhe/src/presets/tables.rs"),
        ("he_switch", "he-switch/src/params.rs"),
        ("he_switch::tables", "he-switch/src/tables/spec.rs"),
    ] {
        let text = fs::read_to_string(pages::path(file)).expect("a source");
        for line in text.lines().filter(|line| line.trim_end().ends_with("() -> Self {")) {
            let name = line.split("fn ").nth(1).and_then(|rest| rest.split('(').next()).expect("a function");
            let known = listed.contains(&format!("{krate}::Spec::{name}"));
            assert!(known || name.starts_with("insecure"), "{krate}::Spec::{name} is not listed");
            found += 1;
        }
    }
    assert!(found > 35, "only {found} presets were found in the sources");
}

/// `log2 N`, secret and bound of every cap for ternary secrets.
fn ternary_caps() -> Vec<(u32, SecretDistribution, f64)> {
    let sparse = [32, 192, 512, 1024].map(|weight| SecretDistribution::SparseTernary { weight });
    let all = [SecretDistribution::UniformTernary].into_iter().chain(sparse);
    let caps = all.flat_map(|secret| {
        (10..=17).filter_map(move |log_n| {
            Some((log_n, secret, Margin::ternary("", log_n, secret, 1.0, 3.19)?.cap))
        })
    });
    caps.collect()
}

#[test]
fn a_bit_above_any_cap_is_a_fault_and_refused() {
    let caps = ternary_caps();
    assert_eq!(caps.len(), 16);
    for (log_n, secret, cap) in caps {
        let at = |log_qp| fault(Margin::ternary("keys", log_n, secret, log_qp, 3.19));
        assert_eq!(at(cap), None, "{secret} at 2^{log_n}");
        assert!(at(cap + 1.0).is_some_and(|text| text.contains("1.00 bits beyond")), "{secret} at 2^{log_n}");
        assert!(at(f64::NAN).is_some());
        // By the parameters themselves: primes just below powers of two, one bit more than the bound together.
        let mut bits = vec![50; (cap + 1.0) as usize / 50];
        // The rest is spread: there is no prime 1 modulo 2N of a few bits.
        let rest = (cap + 1.0) as u32 % 50;
        if rest > 0 && bits.is_empty() {
            bits.push(rest);
        } else if rest > 0 {
            let last = bits.pop().expect("a prime") + rest;
            bits.extend([last / 2, last - last / 2]);
        }
        let q = find_primes(log_n, &bits, &[]).expect("primes");
        let spec = Spec { log_n, q, p: vec![], digit: 1, secret, sigma: 3.19, error_factor: 1 };
        let error = spec.clone().build().expect_err("a modulus beyond the bound");
        assert!(matches!(error, ParametersError::TooLargeModulus { .. }), "{secret} at 2^{log_n}: {error}");
    }
}

#[test]
fn half_the_noise_at_the_cap_of_a_binary_secret_is_a_fault_and_refused() {
    let all = presets().expect("presets");
    let binary: Vec<&Margin> =
        all.iter().map(|instance| &instance.margin).filter(|margin| margin.secret == "binary").collect();
    assert!(binary.len() > 40);
    for Margin { what, dimension, log_modulus, cap, .. } in binary {
        let at = |log_sigma| Margin::binary(what, *dimension, *log_modulus, log_sigma);
        // At the cap, or at the least deviation where that is more.
        let least = (-cap).max(3.19_f64.log2() - log_modulus);
        assert_eq!(fault(at(least)), None, "{what}, {dimension}");
        assert!(fault(at(least - 1.0)).is_some(), "{what}, {dimension}");
    }
    for (name, spec, _) in he_tfhe::Spec::PRESETS {
        let [short, long] = spec.margins().expect("bounds");
        let least = |margin: &Margin| (-margin.cap).max(3.19_f64.log2() - margin.log_modulus) - 1.0;
        for narrow in [
            he_tfhe::Spec { lwe_noise: least(&short), ..spec },
            he_tfhe::Spec { glwe_noise: least(&long), ..spec },
        ] {
            let error = narrow.build().expect_err("too little noise");
            assert!(matches!(error, he_tfhe::Error::Insecure { .. }), "{name}: {error}");
        }
    }
}

#[test]
fn a_narrow_error_of_a_ternary_secret_is_a_fault() {
    let margin = Margin::ternary("keys", 13, SecretDistribution::UniformTernary, 200.0, 3.19 / 2.0);
    assert!(fault(margin).is_some_and(|text| text.contains("is below")));
}

/// The table of ePrint 2024/463 for 192 and 256 bits: bits by proportion are fewer.
#[test]
fn bits_by_proportion_are_too_few() {
    for (log_n, moduli) in
        [(12, [73.0, 56.0]), (13, [147.0, 114.0]), (14, [297.0, 230.0]), (15, [597.0, 462.0])]
    {
        for (log_qp, bits) in moduli.into_iter().zip([192.0, 256.0]) {
            let margin = Margin::ternary("", log_n, SecretDistribution::UniformTernary, log_qp, 3.19);
            let found =
                Instance { name: String::new(), margin: margin.expect("a bound") }.bits().expect("bits");
            assert!(found <= bits && found > 0.85 * bits, "2^{log_n}, {log_qp}: {found} of {bits}");
        }
    }
}
