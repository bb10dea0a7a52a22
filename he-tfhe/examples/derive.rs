//! Derives the parameter sets again: `cargo run --release -p he-tfhe --example derive`.
//!
//! For each set the messages, the squared norm, the failure probability, the ring and the memory for keys are given. Searched
//! are the gadgets and the least `n` that keeps the promise; among what is left the set with the fewest vector operations is
//! taken. The last column says whether the preset is the one found.

use he_core::rlwe::security::{MIN_SIGMA, min_binary_log_sigma};
use he_tfhe::{Decomposition, Spec, noise};

/// Least deviation at 128 bits, rounded up to a hundredth of a bit.
fn deviation(dimension: usize, bits: u32) -> Option<f64> {
    let least = min_binary_log_sigma(dimension)?.max(MIN_SIGMA.log2() - f64::from(bits));
    Some((least * 100.0).ceil() / 100.0)
}

/// Vector operations of one bootstrap: transforms, products, key switch.
fn cost(spec: &Spec) -> f64 {
    let (n, columns, rows) =
        (spec.polynomial_size as f64, spec.glwe_dimension as f64 + 1.0, spec.rows() as f64);
    let matrices = spec.matrices() as f64;
    let transforms = (rows + columns) * n * n.log2() / 2.0;
    let products = n / 8.0 * (rows * columns * (2.0 * matrices + 7.0) + 5.0 * columns + 4.0 * matrices);
    let steps = spec.lwe_dimension as f64 / spec.unroll as f64;
    let lookups =
        spec.big_dimension() as f64 * spec.key_switch.levels as f64 / f64::from(4 / spec.key_switch.base_log);
    steps * (transforms + products) + lookups * spec.lwe_dimension as f64 / 16.0 * 2.0
}

/// Bytes of the keys.
fn memory(spec: &Spec) -> f64 {
    let (n, columns, rows) =
        (spec.polynomial_size as f64, spec.glwe_dimension as f64 + 1.0, spec.rows() as f64);
    let steps = spec.lwe_dimension as f64 / spec.unroll as f64;
    let circuit_rows = spec.circuit.map_or(0, |circuit| circuit.rotation.levels) as f64 * columns;
    let rotation = steps * spec.matrices() as f64 * (rows + circuit_rows) * columns * n * 6.0;
    let switch =
        spec.big_dimension() as f64 * spec.key_switch.levels as f64 * (spec.lwe_dimension as f64 + 1.0) * 4.0;
    let packing = spec.packing.map_or(0.0, |packing| {
        let scheme = if spec.circuit.is_some() { columns } else { 0.0 };
        packing.levels as f64 * columns * n * 6.0 * ((columns - 1.0) * n.log2() + scheme)
    });
    rotation + switch + packing
}

/// The cheapest set with the ring, messages and promise of `wanted`, and at most so many MiB of keys.
fn derive(wanted: &Spec, mebibytes: f64) -> Option<Spec> {
    // A circuit part has gadgets made for its ring.
    if wanted.circuit.is_some() {
        return derive_over(wanted, mebibytes);
    }
    RINGS
        .iter()
        .filter_map(|&(glwe_dimension, polynomial_size)| {
            derive_over(&Spec { glwe_dimension, polynomial_size, ..*wanted }, mebibytes)
        })
        .min_by(|a, b| cost(a).total_cmp(&cost(b)))
}

/// Rings tried, `(k, N)`.
const RINGS: [(usize, usize); 8] =
    [(4, 512), (3, 512), (2, 1024), (1, 2048), (1, 4096), (1, 8192), (1, 16384), (1, 32768)];

fn derive_over(wanted: &Spec, mebibytes: f64) -> Option<Spec> {
    let mut best: Option<Spec> = None;
    let glwe_noise = deviation(wanted.big_dimension(), wanted.modulus_bits)?;
    for (base_log, levels) in (1..=4).flat_map(|b| (1..=16).map(move |l| (b, l))) {
        if base_log as usize * levels > 24 {
            continue;
        }
        for rotation in (if wanted.rotation.levels == 1 { 12..=26 } else { 6..=18 })
            .map(|base_log| Decomposition { base_log, levels: wanted.rotation.levels })
        {
            if rotation.base_log * rotation.levels as u32 >= wanted.modulus_bits {
                continue;
            }
            let try_dimension = |lwe_dimension: usize| {
                let lwe_noise = deviation(lwe_dimension, 32)?;
                let key_switch = Decomposition { base_log, levels };
                let spec = Spec { lwe_dimension, lwe_noise, glwe_noise, rotation, key_switch, ..*wanted };
                (noise::predict(&spec).failure <= wanted.failure).then_some(spec)
            };
            let dimensions = (450..1400).filter(|n| n % wanted.unroll == 0);
            let Some(found) = dimensions.filter(|n| n % 2 == 0).find_map(try_dimension) else { continue };
            if memory(&found) <= mebibytes * 1024.0 * 1024.0
                && best.as_ref().is_none_or(|best| cost(&found) < cost(best))
            {
                best = Some(found);
            }
        }
    }
    best
}

/// The function as it stands in the files of presets.
fn rust(name: &str, spec: &Spec) {
    let gadget = |d: Decomposition| format!("gadget({}, {})", d.base_log, d.levels);
    println!("    pub const fn {name}() -> Self {{\n        Self {{");
    let field = |name: &str, value: String| println!("            {name}: {value},");
    field("lwe_dimension", spec.lwe_dimension.to_string());
    field("lwe_noise", format!("{:.2}", spec.lwe_noise));
    field("glwe_dimension", spec.glwe_dimension.to_string());
    field("polynomial_size", spec.polynomial_size.to_string());
    field("glwe_noise", format!("{:.2}", spec.glwe_noise));
    field("unroll", spec.unroll.to_string());
    field("rotation", gadget(spec.rotation));
    field("key_switch", gadget(spec.key_switch));
    if let Some(packing) = spec.packing {
        field("packing", format!("Some({})", gadget(packing)));
    }
    if let Some(circuit) = spec.circuit {
        let [rotation, ggsw] = [circuit.rotation, circuit.ggsw].map(gadget);
        let bits = circuit.table_bits;
        let gadgets = format!("CircuitGadgets {{ rotation: {rotation}, ggsw: {ggsw}, table_bits: {bits} }}");
        field("circuit", format!("Some({gadgets})"));
    }
    field("message_bits", spec.message_bits.to_string());
    field("carry_bits", spec.carry_bits.to_string());
    field("squared_norm", format!("{:.1}", spec.squared_norm));
    field("failure", format!("{:.1}", spec.failure));
    println!("            ..BASE\n        }}\n    }}\n");
}

fn main() {
    let as_rust = std::env::args().nth(1).is_some_and(|argument| argument == "rust");
    if !as_rust {
        println!(
            "{:33} {:>4} {:>7} {:>7} {:>7} {:>8} {:>7} {:>7} {:>7} {:>7} {:>7} {:>8} {:>5}  preset",
            "set",
            "n",
            "σ_lwe",
            "k x N",
            "σ_glwe",
            "rotation",
            "switch",
            "BR",
            "KS",
            "MS",
            "all",
            "failure",
            "MiB"
        );
    }
    for (name, preset, mebibytes) in Spec::PRESETS {
        let Some(found) = derive(&preset, mebibytes) else {
            println!("{name:33} cannot be had");
            continue;
        };
        if as_rust {
            rust(name, &found);
            continue;
        }
        let noise = noise::predict(&found);
        let log = |variance: f64| variance.log2() / 2.0;
        println!(
            "{name:33} {:4} {:7.2} {:1}x{:<5} {:7.2} {:4} x {} {:3} x {:2} {:7.2} {:7.2} {:7.2} {:7.2} {:8.2} {:5.0}  {}",
            found.lwe_dimension,
            found.lwe_noise,
            found.glwe_dimension,
            found.polynomial_size,
            found.glwe_noise,
            found.rotation.base_log,
            found.rotation.levels,
            found.key_switch.base_log,
            found.key_switch.levels,
            log(noise.bootstrap),
            log(noise.key_switch),
            log(noise.modulus_switch),
            log(noise.total),
            noise.failure,
            memory(&found) / 1024.0 / 1024.0,
            if found == preset { "same" } else { "differs" },
        );
    }
}
