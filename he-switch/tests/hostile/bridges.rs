//! The functions of he-switch.

use std::sync::{Arc, LazyLock};

use he_bgv::transform::{Direction, SlotTransform};
use he_switch::bgv::{BootstrapKeys, BootstrapSpec, Bootstrapper, Budget, Evaluator};
use he_switch::bgv_ckks::{self, Refresher};
use he_switch::bgv_to_tfhe::{self, BgvToTfhe};
use he_switch::ckks_to_tfhe::{self, CkksToTfhe, coefficients_of};
use he_switch::expand::Expander;
use he_switch::tfhe_to_bgv::TfheToBgv;
use he_switch::tfhe_to_ckks::{self, TfheToCkks};
use he_switch::{EvaluationKeys, KeyRequest, Parameters, SecretKeys, Spec, Switcher, tables};

use crate::numbers::Numbers;
use crate::run::Call;

struct World {
    params: Parameters,
    secret: SecretKeys,
    refresher: Arc<Refresher>,
    up: Arc<TfheToCkks>,
    to_bgv: TfheToBgv,
    down: CkksToTfhe,
    to_tfhe: BgvToTfhe,
    expander: Expander,
    /// Without keys: numbers are looked at first, or the bridge is missing.
    none: Switcher,
    evaluator: he_bgv::Evaluator,
    transform: Option<SlotTransform>,
    bgv: he_bgv::Ciphertext,
    ckks: he_ckks::Ciphertext,
    packed: he_tfhe::GlweCiphertext,
}

static W: LazyLock<World> = LazyLock::new(|| {
    let params = Spec::insecure_small().build_insecure("hostile numbers").unwrap();
    let secret = SecretKeys::generate(&params).unwrap();
    let keys = secret.ckks().bootstrap_keys(1024, &he_ckks::KeyRequest::default()).unwrap();
    let bootstrapper = Arc::new(he_ckks::Bootstrapper::new(keys).unwrap());
    let keys = bgv_ckks::Keys::generate(params.shared(), secret.bgv(), secret.ckks()).unwrap();
    let refresher = Arc::new(Refresher::new(keys, Arc::clone(&bootstrapper)).unwrap());
    let key = tfhe_to_ckks::Key::generate(&params, secret.tfhe(), secret.ckks()).unwrap();
    let up = Arc::new(TfheToCkks::new(key, Arc::clone(&bootstrapper)).unwrap());
    let to_bgv = TfheToBgv::new(Arc::clone(&up), Arc::clone(&refresher)).unwrap();
    let key = ckks_to_tfhe::SeededKey::generate(&params, secret.ckks(), secret.tfhe()).unwrap();
    let down = CkksToTfhe::new(&key, bootstrapper).unwrap();
    let key = bgv_to_tfhe::SeededKey::generate(&params, secret.bgv(), secret.tfhe()).unwrap();
    let to_tfhe = BgvToTfhe::new(&key).unwrap();
    let expander = Expander::generate(&params, secret.bgv(), 2).unwrap();
    let none = Switcher::new(secret.evaluation_keys(&KeyRequest::default()).unwrap()).unwrap();
    let keys = he_bgv::EvaluationKeys::none(params.bgv());
    let evaluator = he_bgv::Evaluator::new(params.bgv(), keys).unwrap();
    let transform = SlotTransform::new(params.bgv(), 2, 0, Direction::SlotsToCoefficients).ok();
    let plain = he_bgv::Encoder::new(params.bgv()).encode_coefficients(&[1, 2, 3]).unwrap();
    let bgv = he_bgv::Encryptor::with_secret(secret.bgv()).encrypt(&plain).unwrap();
    let plain = he_ckks::Encoder::new(params.ckks()).encode_in(&[0.5], 1024).unwrap();
    let ckks = he_ckks::Encryptor::with_secret(secret.ckks()).encrypt(&plain).unwrap();
    let tables = he_tfhe::Evaluator::new(secret.tfhe().evaluation_keys().unwrap());
    let packed = tables.pack(&[he_tfhe::LweCiphertext::trivial(params.tfhe(), 0)]).unwrap();
    World {
        params,
        secret,
        refresher,
        up,
        to_bgv,
        down,
        to_tfhe,
        expander,
        none,
        evaluator,
        transform,
        bgv,
        ckks,
        packed,
    }
});

/// BGV that bootstraps by itself, with a fresh ciphertext and without keys of its own.
static A: LazyLock<(Evaluator, he_bgv::Ciphertext)> = LazyLock::new(|| {
    let params = BootstrapSpec::insecure_small().build_insecure("hostile numbers").unwrap();
    let secret = he_bgv::SecretKey::generate(params.bgv()).unwrap();
    let bootstrapper = Bootstrapper::new(BootstrapKeys::generate(&params, &secret).unwrap()).unwrap();
    let none = he_bgv::EvaluationKeys::none(params.bgv());
    let leveled = he_bgv::Evaluator::new(params.bgv(), none).unwrap();
    let plain = he_bgv::Encoder::new(params.bgv()).encode_coefficients(&[1, 2, 3]).unwrap();
    let c = he_bgv::Encryptor::with_secret(&secret).encrypt(&plain).unwrap();
    (Evaluator::automatic(leveled, bootstrapper, Budget::bits(60)).unwrap(), c)
});

/// BGV with tables, a ciphertext, and what it is on its way.
static T: LazyLock<(tables::Switcher, he_bgv::Ciphertext, he_ckks::bootstrap::Integers)> =
    LazyLock::new(|| {
        let params = tables::Spec::insecure_small().build_insecure("hostile numbers").unwrap();
        let secret = he_bgv::SecretKey::generate(params.bgv()).unwrap();
        let request = tables::KeyRequest { slots: 512, refresh_slots: 512, ..tables::KeyRequest::default() };
        let keys = tables::EvaluationKeys::generate(&params, &secret, &request).unwrap();
        let switcher = tables::Switcher::new(keys).unwrap();
        let plain = he_bgv::Encoder::new(params.bgv()).encode_coefficients(&[1, 2, 3]).unwrap();
        let c = he_bgv::Encryptor::with_secret(&secret).encrypt(&plain).unwrap();
        let integers = switcher.to_tables(std::slice::from_ref(&c), 8).unwrap();
        (switcher, c, integers)
    });

pub(crate) fn prepare() {
    LazyLock::force(&W);
    LazyLock::force(&T);
    LazyLock::force(&A);
}

/// A logarithm out of range: what is within takes a bootstrap.
fn wrong_log(n: &mut Numbers) -> u32 {
    Some(n.u32()).filter(|log| !(1..=32).contains(log)).unwrap_or(0)
}

/// An error that cannot be met.
fn wrong_error(n: &mut Numbers) -> f64 {
    Some(n.f64()).filter(|error| !(1e-9..1.0).contains(error)).unwrap_or(f64::NAN)
}

fn generate(request: &KeyRequest) {
    let _ = W.secret.evaluation_keys(request);
    let _ = EvaluationKeys::sealed_bytes(&W.params, request);
}

/// More slots than there are.
fn far(n: &mut Numbers) -> Vec<usize> {
    n.many(|n| n.usize() | 1 << 20)
}

pub(crate) const CALLS: &[Call] = &[
    ("Evaluator::rotate_rows", |n| {
        let _ = A.0.rotate_rows(&A.1, n.usize());
    }),
    ("Budget::bits", |n| {
        let _ = Budget::bits(n.u32());
    }),
    ("Spec::with_modulus", |n| {
        let _ = Spec::insecure_small().with_modulus(n.u64());
    }),
    ("BootstrapSpec::with_modulus", |n| {
        let _ = BootstrapSpec::insecure_small().with_modulus(n.u64());
    }),
    ("BootstrapSpec::new", |n| {
        let _ = BootstrapSpec::new(n.u32(), n.u64(), n.usize());
    }),
    ("Refresher::clean_to", |n| {
        if let Ok(integers) = W.up.gather(std::slice::from_ref(&W.packed), 4) {
            let _ = W.refresher.clean_to(integers, wrong_error(n));
        }
    }),
    ("Refresher::refresh", |n| {
        let _ = W.refresher.refresh(&[], n.f64());
    }),
    ("BgvToTfhe::extract", |n| {
        let _ = W.to_tfhe.extract(&W.bgv, &n.many(Numbers::usize));
    }),
    ("BgvToTfhe::extract_slots", |n| {
        if let Some(transform) = &W.transform {
            let _ = W.to_tfhe.extract_slots(&W.evaluator, transform, &W.bgv, &n.many(Numbers::usize));
        }
    }),
    ("ckks_to_tfhe::coefficients_of", |n| {
        let _ = coefficients_of(n.usize(), n.usize(), n.usize());
    }),
    ("CkksToTfhe::extract", |n| {
        let _ = W.down.extract(&W.ckks, n.usize() | 1 << 20);
    }),
    ("CkksToTfhe::extract_slots", |n| {
        let _ = W.down.extract_slots(&W.ckks, &[n.usize() | 1 << 20], n.u32());
        let _ = W.down.extract_slots(&W.ckks, &[0], n.u32() | 1 << 6);
    }),
    ("Expander::generate", |n| {
        let levels = Some(n.u32()).filter(|levels| !(3..12).contains(levels)).unwrap_or(1);
        let _ = Expander::generate(&W.params, W.secret.bgv(), levels);
    }),
    ("Expander::noise", |n| {
        let _ = W.expander.noise(n.u32());
    }),
    ("Expander::expand", |n| {
        let _ = W.expander.expand(&W.bgv, n.u32());
    }),
    ("KeyRequest::slots", |n| generate(&KeyRequest::default().slots(n.usize()))),
    ("KeyRequest::expansion", |n| generate(&KeyRequest::default().expansion(n.u32() | 1 << 5))),
    ("Switcher::bgv_to_tfhe", |n| {
        let _ = W.none.bgv_to_tfhe(&W.bgv, &n.many(Numbers::usize));
    }),
    ("Switcher::bgv_slots_to_tfhe", |n| {
        if let Some(transform) = &W.transform {
            let _ = W.none.bgv_slots_to_tfhe(transform, &W.bgv, &far(n));
        }
    }),
    ("Switcher::tfhe_to_bgv", |n| {
        let _ = W.none.tfhe_to_bgv(&[], n.u32(), n.f64());
    }),
    ("Switcher::refresh", |n| {
        let _ = W.none.refresh(&[], n.f64());
    }),
    ("Switcher::to_tables", |n| {
        let _ = T.0.to_tables(std::slice::from_ref(&T.1), n.u32());
    }),
    ("Switcher::to_bgv", |n| {
        // What is within takes bootstraps.
        let _ = T.0.to_bgv(&T.2, n.usize().max(2), n.f64());
    }),
    ("Switcher::ckks_to_tfhe", |n| {
        let _ = W.none.ckks_to_tfhe(&W.ckks, n.usize());
    }),
    ("Switcher::ckks_slots_to_tfhe", |n| {
        let _ = W.none.ckks_slots_to_tfhe(&W.ckks, &far(n), n.u32());
    }),
    ("Switcher::tfhe_to_ckks", |n| {
        let _ = W.none.tfhe_to_ckks(&[], n.u32());
    }),
    ("Switcher::expand", |n| {
        let _ = W.none.expand(&W.bgv, n.u32());
    }),
    ("TfheToBgv::convert", |n| {
        let _ = W.to_bgv.convert(std::slice::from_ref(&W.packed), wrong_log(n), n.f64());
        let _ = W.to_bgv.convert(&[], n.u32(), n.f64());
    }),
    ("tfhe_to_ckks::factor", |n| {
        let _ = tfhe_to_ckks::factor(&W.params, n.u32());
    }),
    ("TfheToCkks::gather", |n| {
        let _ = W.up.gather(std::slice::from_ref(&W.packed), n.u32());
    }),
    ("TfheToCkks::convert", |n| {
        let _ = W.up.convert(std::slice::from_ref(&W.packed), wrong_log(n));
        let _ = W.up.convert(&[], n.u32());
    }),
];
