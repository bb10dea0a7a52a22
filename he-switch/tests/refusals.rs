//! What does not fit is refused, and the message names it.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::slice::from_ref;

use std::sync::Arc;

use he_ckks::Bootstrapper;
use he_switch::bgv::BootstrapSpec;
use he_switch::bgv_ckks::{self, Refresher};
use he_switch::bgv_to_tfhe::{self, BgvToTfhe};
use he_switch::ckks_to_tfhe::{self, CkksToTfhe};
use he_switch::expand::Expander;
use he_switch::tfhe_to_bgv::TfheToBgv;
use he_switch::tfhe_to_ckks::{self, TfheToCkks};
use he_switch::{Bridge, Error, KeyRequest, Parameters, SecretKeys, Spec, Switcher};

/// Secrets of the three schemes, of some parameters.
struct World {
    params: Parameters,
    secret: SecretKeys,
}

impl World {
    fn new(spec: &Spec) -> Self {
        let params = spec.build_insecure("a test of refusals").unwrap();
        Self { secret: SecretKeys::generate(&params).unwrap(), params }
    }

    fn bootstrapper(&self) -> Arc<Bootstrapper> {
        let keys = self.secret.ckks().bootstrap_keys(1024, &he_ckks::KeyRequest::default()).unwrap();
        Arc::new(Bootstrapper::new(keys).unwrap())
    }

    fn refresher(&self, bootstrapper: &Arc<Bootstrapper>) -> Refresher {
        let keys =
            bgv_ckks::Keys::generate(self.params.shared(), self.secret.bgv(), self.secret.ckks()).unwrap();
        Refresher::new(keys, Arc::clone(bootstrapper)).unwrap()
    }

    fn up(&self, bootstrapper: &Arc<Bootstrapper>) -> TfheToCkks {
        let key = tfhe_to_ckks::Key::generate(&self.params, self.secret.tfhe(), self.secret.ckks()).unwrap();
        TfheToCkks::new(key, Arc::clone(bootstrapper)).unwrap()
    }

    fn evaluator(&self) -> he_bgv::Evaluator {
        let keys = he_bgv::EvaluationKeys::none(self.params.bgv());
        he_bgv::Evaluator::new(self.params.bgv(), keys).unwrap()
    }

    fn encrypted(&self) -> he_bgv::Ciphertext {
        let plain =
            he_bgv::Encoder::new(self.params.bgv()).with_bound(4).encode_coefficients(&[1, 2, 3]).unwrap();
        he_bgv::Encryptor::with_secret(self.secret.bgv()).encrypt(&plain).unwrap()
    }

    fn packed(&self) -> he_tfhe::GlweCiphertext {
        let tables = he_tfhe::Evaluator::new(self.secret.tfhe().evaluation_keys().unwrap());
        tables.pack(&[he_tfhe::LweCiphertext::trivial(self.params.tfhe(), 0)]).unwrap()
    }

    fn slots(&self) -> he_ckks::Ciphertext {
        let plain = he_ckks::Encoder::new(self.params.ckks()).encode_in(&[0.5], 1024).unwrap();
        he_ckks::Encryptor::with_secret(self.secret.ckks()).encrypt(&plain).unwrap()
    }
}

/// The same schemes with another dimension of TFHE's short key, another modulus of BGV, and other levels of CKKS.
fn other(spec: &Spec) -> Spec {
    let tfhe = he_tfhe::Spec { lwe_dimension: 30, ..spec.tfhe };
    let ckks = he_ckks::Spec { levels: 1, ..spec.bgv.ckks.clone() };
    let bgv = BootstrapSpec { plaintext_modulus: 1 << 24, ckks, ..spec.bgv.clone() };
    Spec { tfhe, bgv }
}

/// That something is refused, and that the message says all of this.
#[track_caller]
fn refused<T>(result: Result<T, Error>, says: &[&str]) {
    let message = result.err().unwrap().to_string();
    assert!(says.iter().all(|part| message.contains(part)), "{message}");
}

#[test]
fn schemes_that_do_not_fit_together_are_refused() {
    let small = Spec::insecure_small();
    let build = |spec: Spec| spec.build_insecure("a test of refusals");
    refused(build(small.clone().with_modulus(1)), &["plaintext modulus is 1, needed 2 to 2^49"]);
    let bgv = |log_n| BootstrapSpec { log_n, ..small.bgv.clone() };
    let tfhe = he_tfhe::Spec { glwe_dimension: 2, polynomial_size: 256, ..small.tfhe };
    refused(build(Spec { tfhe, ..small.clone() }), &["GLWE dimension is 2, needed 1"]);
    refused(build(Spec { bgv: bgv(12), ..small.clone() }), &["512, 2^12 and 2^11, needed ascending"]);
    refused(build(Spec { bgv: bgv(8), ..small.clone() }), &["512, 2^8 and 2^11, needed ascending"]);
    refused(small.build(), &["above the 53 bits that give 128-bit security"]);
}

#[test]
fn secrets_of_other_parameters_are_refused() {
    let spec = Spec::insecure_small();
    let (w, o) = (World::new(&spec), World::new(&other(&spec)));
    let foreign = |bridge: &'static str| [bridge, "secret key belongs to other parameters"];
    let (params, own, strange) = (&w.params, &w.secret, &o.secret);
    let says = foreign("from BGV to TFHE");
    refused(bgv_to_tfhe::SeededKey::generate(params, strange.bgv(), own.tfhe()), &says);
    refused(bgv_to_tfhe::SeededKey::generate(params, own.bgv(), strange.tfhe()), &says);
    let says = foreign("from CKKS to TFHE");
    refused(ckks_to_tfhe::SeededKey::generate(params, strange.ckks(), own.tfhe()), &says);
    refused(ckks_to_tfhe::SeededKey::generate(params, own.ckks(), strange.tfhe()), &says);
    let says = foreign("from TFHE to CKKS");
    refused(tfhe_to_ckks::Key::generate(params, strange.tfhe(), own.ckks()), &says);
    refused(tfhe_to_ckks::Key::generate(params, own.tfhe(), strange.ckks()), &says);
    let says = foreign("between BGV and CKKS");
    refused(bgv_ckks::Keys::generate(params.shared(), strange.bgv(), own.ckks()), &says);
    refused(bgv_ckks::Keys::generate(params.shared(), own.bgv(), strange.ckks()), &says);
    refused(Expander::generate(params, strange.bgv(), 1), &foreign("expansion"));
    refused(
        Expander::generate(params, own.bgv(), 10),
        &["levels of an expansion is 10, needed less than 10"],
    );
}

#[test]
fn bootstrappers_and_refreshers_of_other_parameters_are_refused() {
    let spec = Spec::insecure_small();
    let (w, o) = (World::new(&spec), World::new(&other(&spec)));
    let (params, own, strange) = (&w.params, &w.secret, o.bootstrapper());
    let belongs = "bootstrapper belongs to other parameters";
    let keys = bgv_ckks::Keys::generate(params.shared(), own.bgv(), own.ckks()).unwrap();
    refused(Refresher::new(keys, Arc::clone(&strange)), &["refresh", belongs]);
    let key = ckks_to_tfhe::SeededKey::generate(params, own.ckks(), own.tfhe()).unwrap();
    refused(CkksToTfhe::new(&key, Arc::clone(&strange)), &["from CKKS to TFHE", belongs]);
    let key = tfhe_to_ckks::Key::generate(params, own.tfhe(), own.ckks()).unwrap();
    refused(TfheToCkks::new(key, Arc::clone(&strange)), &["from TFHE to CKKS", belongs]);
    let (ring, refresher) = (w.up(&w.bootstrapper()), o.refresher(&strange));
    refused(TfheToBgv::new(Arc::new(ring), Arc::new(refresher)), &["refresher belongs to other"]);
}

#[test]
fn requests_that_parameters_cannot_fulfil_are_refused() {
    let order = "the order of bootstrapping is";
    let w = World::new(&Spec::insecure_small());
    refused(
        w.secret.evaluation_keys(&KeyRequest::ckks_and_tfhe()),
        &[order, "coefficients first, needed slots first for CkksToTfhe"],
    );
    let keys = |request: KeyRequest| w.secret.evaluation_keys(&request);
    refused(keys(KeyRequest::default().expansion(10)), &["levels of an expansion is 10"]);
    refused(keys(KeyRequest::bgv_and_tfhe().slots(3)), &["slots", "3"]);
    refused(keys(KeyRequest::default().bgv(he_bgv::KeyRequest::default().relinearization(9))), &["9"]);
    let w = World::new(&Spec::insecure_small().for_slots());
    refused(
        w.secret.evaluation_keys(&KeyRequest::bgv_and_tfhe()),
        &[order, "slots first, needed coefficients first for TfheToBgv"],
    );
}

/// Without keys a switcher adds in BGV, and names the keys that are missing for everything else.
#[test]
fn operations_without_keys_name_the_keys() {
    fn shared<T: Send + Sync + Clone>(_: &T) {}
    let w = World::new(&Spec::insecure_small());
    let none = Switcher::new(w.secret.evaluation_keys(&KeyRequest::default()).unwrap()).unwrap();
    shared(&none);
    let (c, packed, x) = (w.encrypted(), [w.packed()], w.slots());
    assert!(none.bgv().add(&c, &c).is_ok());
    refused(none.tfhe(), &["tables", "no evaluation keys of TFHE"]);
    refused(none.ckks(), &["bootstrap", "no evaluation and bootstrapping keys of CKKS"]);
    refused(none.bgv_to_tfhe(&c, &[0]), &["bridge from BGV to TFHE", "no key from BGV to TFHE"]);
    refused(none.tfhe_to_bgv(&packed, 12, 1e-9), &["from TFHE to BGV", "no keys between BGV and CKKS"]);
    refused(none.refresh(from_ref(&c), 1e-9), &["refresh of BGV", "no keys between BGV and CKKS"]);
    refused(none.ckks_to_tfhe(&x, 1), &["bridge from CKKS to TFHE", "no key from CKKS to TFHE"]);
    refused(none.ckks_slots_to_tfhe(&x, &[0], 0), &["no key from CKKS to TFHE"]);
    refused(none.tfhe_to_ckks(&packed, 12), &["bridge from TFHE to CKKS", "no key from TFHE to CKKS"]);
    refused(none.expand(&c, 1), &["expansion", "no keys of expansions"]);
    let refresh = KeyRequest::default().bridge(Bridge::BgvRefresh).slots(512);
    let refresh = Switcher::new(w.secret.evaluation_keys(&refresh).unwrap()).unwrap();
    refused(refresh.tfhe_to_bgv(&packed, 12, 1e-9), &["from TFHE to BGV", "no key from TFHE to CKKS"]);
}

#[test]
fn ciphertexts_that_do_not_fit_the_bridges_of_bgv_are_refused() {
    let spec = Spec::insecure_small();
    let (w, o) = (World::new(&spec), World::new(&other(&spec)));
    let (c, foreign, evaluator) = (w.encrypted(), o.encrypted(), w.evaluator());
    let square = evaluator.mul_lazy(&c, &c).unwrap();
    let short = evaluator.mod_switch(&c).unwrap();
    let belongs = "ciphertext belongs to other parameters";

    let key = bgv_to_tfhe::SeededKey::generate(&w.params, w.secret.bgv(), w.secret.tfhe()).unwrap();
    let down = BgvToTfhe::new(&key).unwrap();
    refused(down.extract(&foreign, &[0]), &["from BGV to TFHE", belongs]);
    refused(down.extract(&square, &[0]), &["the ciphertext is degree 2", "needed degree 1"]);
    refused(down.extract(&c, &[0, 1024]), &["the coefficient is 1024, needed less than 1024"]);
    // Any level will do.
    assert!(down.extract(&short, &[0]).is_ok());

    let refresher = w.refresher(&w.bootstrapper());
    refused(refresher.gather(&[]), &["number of ciphertexts is 0, needed 1 to 2"]);
    refused(refresher.gather(&[c.clone(), c.clone(), c.clone()]), &["ciphertexts is 3, needed 1 to 2"]);
    refused(refresher.gather(&[c.clone(), foreign.clone()]), &["refresh", belongs]);
    refused(refresher.gather(&[c.clone(), square.clone()]), &["degree 2", "needed degree 1"]);
    assert!(refresher.gather(&[c.clone(), short.clone()]).is_ok());
    let strange = o.refresher(&o.bootstrapper()).gather(from_ref(&foreign)).unwrap();
    refused(refresher.clean(&strange), &["refresh", "integers belongs to other parameters"]);
    refused(refresher.clean_to(strange.clone(), 1e-30), &["integers belongs to other parameters"]);
    refused(refresher.scatter(&strange), &["refresh", "integers belongs to other parameters"]);
    refused(
        refresher.clean_to(refresher.gather(from_ref(&c)).unwrap(), 1e-60),
        &["least error of a refresh"],
    );

    let expander = Expander::generate(&w.params, w.secret.bgv(), 1).unwrap();
    refused(expander.expand(&foreign, 1), &["expansion", belongs]);
    refused(expander.expand(&square, 1), &["degree 2", "needed degree 1"]);
    refused(expander.expand(&short, 1), &["level 1", "level 2"]);
}

#[test]
fn ciphertexts_that_do_not_fit_the_bridge_from_tfhe_are_refused() {
    let spec = Spec::insecure_small();
    let (w, o) = (World::new(&spec), World::new(&other(&spec)));
    let bootstrapper = w.bootstrapper();
    let (up, refresher, packed) = (w.up(&bootstrapper), w.refresher(&bootstrapper), w.packed());
    refused(up.gather(&[], 12), &["packed ciphertexts is 0, needed 1 to 4"]);
    refused(up.gather(&vec![packed.clone(); 5], 12), &["packed ciphertexts is 5, needed 1 to 4"]);
    refused(
        up.gather(&[packed.clone(), o.packed()], 12),
        &["from TFHE to CKKS", "belongs to other parameters"],
    );
    for log_t in [0, 33, u32::MAX] {
        let found = format!("is 2^{log_t}, needed 2^1 to 2^32");
        refused(up.gather(from_ref(&packed), log_t), &["modulus of packed values", &found]);
    }
    let gathered = up.gather(from_ref(&packed), 12).unwrap();
    refused(refresher.scatter(&gathered), &["modulus of the integers is 4096 over 1 primes"]);
    // A noise of some thousandths of the torus leaves integers modulo 2^12 no room.
    let noisy = up.gather(&[packed], 32).unwrap();
    refused(refresher.clean(&noisy), &["the error of integers that are cleaned", "needed 2^"]);
}

#[test]
fn ciphertexts_that_do_not_fit_the_bridge_of_slots_are_refused() {
    let spec = Spec::insecure_small().for_slots();
    let (w, o) = (World::new(&spec), World::new(&other(&spec)));
    let bootstrapper = w.bootstrapper();
    let key = ckks_to_tfhe::SeededKey::generate(&w.params, w.secret.ckks(), w.secret.tfhe()).unwrap();
    let down = CkksToTfhe::new(&key, Arc::clone(&bootstrapper)).unwrap();
    refused(down.extract(&o.slots(), 1), &["ciphertext belongs to other parameters"]);
    refused(down.extract(&w.slots(), 1025), &["number of values is 1025, needed at most 1024"]);
    refused(down.extract_slots(&w.slots(), &[1024], 0), &["a slot is 1024, needed less than 1024"]);
    refused(down.extract_slots(&w.slots(), &[0], 41), &["factor of values is 2^41"]);
    let up = w.up(&bootstrapper);
    refused(up.convert(&[o.packed()], 12), &["ciphertext belongs to other parameters"]);
    refused(up.convert(&[], 12), &["packed ciphertexts is 0"]);
    // The order of a bootstrap that refreshes coefficients is the other one.
    let refreshing = World::new(&Spec::insecure_small());
    let up = refreshing.up(&refreshing.bootstrapper());
    refused(up.convert(&[refreshing.packed()], 12), &["order of bootstrapping"]);
}
