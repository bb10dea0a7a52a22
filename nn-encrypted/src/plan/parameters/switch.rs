//! Parameters of the three schemes that tables take, and keys of the bridges between them.

use he_core::rlwe;
use he_switch::{KeyRequest, Parameters, Spec};
use he_tfhe::PhaseModel;

use crate::layout::blocks::BlockLayout;
use crate::layout::coefficients::CoefficientLayout;
use crate::numbers::tables::TableReader;
use crate::plan::{Result, SchemeUse, Security};

/// Who multiplies: it decides in which order the bootstrap that refreshes goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Products {
    Coefficients,
    Slots,
}

/// Parameters for plaintexts modulo `2^log_t`.
pub(crate) fn parameters(log_t: u32, products: Products, security: Security<'_>) -> Result<Parameters> {
    let with = |preset: Spec| {
        let spec = preset.with_modulus(1 << log_t);
        if products == Products::Slots { spec.for_slots() } else { spec }
    };
    Ok(match security {
        Security::Standard => with(Spec::glyph()).build()?,
        Security::InsecureSmall(reason) => with(Spec::insecure_small()).build_insecure(reason)?,
    })
}

/// The resolution of lookups; their inputs have no noise to speak of.
pub(crate) fn reader(parameters: &Parameters) -> TableReader {
    let PhaseModel { log, deviations } = PhaseModel::new(parameters.tfhe().spec());
    TableReader { log, deviations }
}

/// Keys of layers in coefficients; `slots` are those of the bootstrap that refreshes.
pub(crate) fn coefficient_keys(
    parameters: &Parameters,
    layout: &CoefficientLayout,
    slots: usize,
) -> KeyRequest {
    let bgv = parameters.bgv();
    let level = bgv.max_level();
    let own = he_bgv::KeyRequest::default().relinearization(level).galois(2 * bgv.n() - 1, level);
    KeyRequest::bgv_and_tfhe().bgv(own).expansion(layout.levels()).slots(slots)
}

/// Keys of layers in blocks of slots.
pub(crate) fn block_keys(parameters: &Parameters, layout: &BlockLayout) -> KeyRequest {
    let ckks = parameters.ckks();
    let steps: Vec<usize> = (0..layout.slots.trailing_zeros()).map(|bits| 1 << bits).collect();
    let own = he_ckks::KeyRequest::default().relinearization(ckks.max_level());
    KeyRequest::ckks_and_tfhe().ckks(own.rotations(ckks, &steps, ckks.max_level())).slots(layout.slots)
}

/// Bytes of a ciphertext as the client sends it, and as the server does: over all primes one that is `kept`, otherwise over the one
/// that decrypts.
pub(crate) fn piece_bytes(parameters: &Parameters, products: Products, kept: bool) -> [usize; 2] {
    let level = |most: usize| if kept { most } else { 0 };
    match products {
        Products::Coefficients => integer_bytes(parameters.bgv(), kept),
        Products::Slots => {
            let (params, most) = (parameters.ckks(), parameters.ckks().max_level());
            [
                he_ckks::SeededCiphertext::wire_bytes(params, most),
                he_ckks::Ciphertext::wire_bytes(params, level(most)),
            ]
        }
    }
}

/// Bytes of a ciphertext of integers in coefficients as the client sends it, and as the server does, over all primes if it is `kept`.
pub(crate) fn integer_bytes(params: &he_bgv::Parameters, kept: bool) -> [usize; 2] {
    let most = params.max_level();
    let level = if kept { most } else { 0 };
    [he_bgv::SeededCiphertext::wire_bytes(params, most), he_bgv::Ciphertext::wire_bytes(params, level)]
}

/// Bytes of the evaluation keys of a request, of each kind.
pub(crate) fn key_bytes(parameters: &Parameters, request: &KeyRequest) -> Result<Vec<usize>> {
    Ok(he_switch::EvaluationKeys::sealed_bytes(parameters, request)?)
}

/// Products one after another that a refreshed ciphertext takes, before it must be refreshed or looked up.
pub(crate) fn depth(parameters: &Parameters, products: Products) -> usize {
    if products == Products::Slots {
        // Each takes a prime; the last one holds the values.
        return parameters.ckks().max_level();
    }
    let (bgv, mut depth) = (parameters.bgv(), 0);
    let (estimator, most) = (bgv.noise(), bgv.max_level());
    let fresh = estimator.fresh_secret();
    let (mut noise, mut level) = (fresh, most);
    loop {
        let best = estimator.best_level(&[(noise, level), (fresh, most)], 0.0);
        let operands =
            [(noise, level), (fresh, most)].map(|(noise, from)| estimator.reduce(noise, from, best).1);
        let product = estimator.key_switch(estimator.product(operands[0], operands[1]), best);
        if estimator.budget(product, best) < 0.0 {
            return depth;
        }
        (noise, level, depth) = (product, best, depth + 1);
    }
}

/// The digest of the parameters of all schemes.
pub(crate) fn hashes(parameters: &Parameters) -> [&[u8; 32]; 3] {
    [parameters.bgv().rlwe().hash(), parameters.ckks().hash(), parameters.tfhe().hash()]
}

/// The schemes: of exact products first, by its name.
pub(crate) fn schemes(
    parameters: &Parameters,
    (products, name): (Products, &str),
    reader: &TableReader,
    slots: usize,
) -> Vec<SchemeUse> {
    // By scheme, of whose secrets they are.
    let margins = |name: &str| {
        parameters.margins().into_iter().filter(|margin| margin.what.starts_with(name)).collect()
    };
    let of = |name: &str, rlwe: &rlwe::Parameters, plaintext: String| {
        SchemeUse::of_rlwe(name, rlwe, plaintext, margins(name))
    };
    let mut all = Vec::new();
    if products == Products::Coefficients {
        let plaintext = format!("integers modulo 2^{}", parameters.log_t());
        let integers = SchemeUse { name: name.into(), ..of("bgv", parameters.bgv().rlwe(), plaintext) };
        all.push(integers);
    }
    let tables = format!("tables of {} boxes", reader.boxes(1));
    all.push(SchemeUse::of_tfhe(parameters.tfhe(), tables, margins("tfhe")));
    all.push(of("ckks", parameters.ckks().rlwe(), format!("{slots} slots")));
    all
}
