//! What does not fit is refused, and the message names it.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::slice::from_ref;

use he_ckks::bootstrap::Bootstrapper;
use he_switch::bgv_ckks::{self, Refresher};
use he_switch::expand::Expander;
use he_switch::tfhe_to_bgv::{self, TfheToBgv};
use he_switch::{Error, Parameters, Spec, bgv_to_tfhe, ckks_tfhe};

/// Secrets of the three schemes, of some parameters.
struct World {
    params: Parameters,
    bgv: he_bgv::SecretKey,
    ckks: he_ckks::SecretKey,
    tfhe: he_tfhe::SecretKey,
}

impl World {
    fn new(spec: &Spec) -> Self {
        let params = spec.build_insecure("a test of refusals").unwrap();
        let bgv = he_bgv::SecretKey::generate(params.bgv()).unwrap();
        let ckks = he_ckks::SecretKey::generate(params.ckks()).unwrap();
        let tfhe = he_tfhe::SecretKey::generate(params.tfhe()).unwrap();
        Self { params, bgv, ckks, tfhe }
    }

    fn bootstrapper(&self) -> Bootstrapper {
        Bootstrapper::new(self.ckks.bootstrap_keys(1024, &he_ckks::KeyRequest::default()).unwrap()).unwrap()
    }

    fn refresher(&self) -> Refresher {
        let keys = bgv_ckks::Keys::generate(&self.params, &self.bgv, &self.ckks).unwrap();
        Refresher::new(keys, self.bootstrapper()).unwrap()
    }

    fn up(&self) -> TfheToBgv {
        TfheToBgv::new(tfhe_to_bgv::Key::generate(&self.params, &self.tfhe, &self.ckks).unwrap())
    }

    fn evaluator(&self) -> he_bgv::Evaluator {
        he_bgv::Evaluator::new(self.params.bgv(), self.bgv.evaluation_keys(&Default::default()).unwrap())
            .unwrap()
    }

    fn encrypted(&self) -> he_bgv::Ciphertext {
        let plain = he_bgv::Encoder::new(self.params.bgv()).encode_coefficients(&[1, 2, 3]).unwrap();
        he_bgv::Encryptor::with_secret(&self.bgv).encrypt(&plain).unwrap()
    }

    fn packed(&self) -> he_tfhe::GlweCiphertext {
        let tables = he_tfhe::Evaluator::new(self.tfhe.evaluation_keys().unwrap().expand());
        tables.pack(&[he_tfhe::LweCiphertext::trivial(self.params.tfhe(), 0)]).unwrap()
    }

    fn slots(&self) -> he_ckks::Ciphertext {
        let plain = he_ckks::Encoder::new(self.params.ckks()).encode_in(&[0.5], 1024).unwrap();
        he_ckks::Encryptor::with_secret(&self.ckks).encrypt(&plain).unwrap()
    }
}

/// The same schemes with another dimension of TFHE's short key, another modulus of BGV, and other levels of CKKS.
fn other(spec: &Spec) -> Spec {
    let tfhe = he_tfhe::Spec { lwe_dimension: 30, ..spec.tfhe };
    let ckks = he_ckks::Spec { levels: 1, ..spec.ckks.clone() };
    Spec { log_t: 24, tfhe, ckks, ..spec.clone() }
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
    refused(build(Spec { log_t: 27, ..small.clone() }), &["plaintext modulus is 2^27", "8 to 36 bits"]);
    refused(build(Spec { log_t: 7, ..small.clone() }), &["plaintext modulus is 2^7"]);
    let tfhe = he_tfhe::Spec { glwe_dimension: 2, polynomial_size: 256, ..small.tfhe };
    refused(build(Spec { tfhe, ..small.clone() }), &["GLWE dimension is 2, needed 1"]);
    refused(build(Spec { bgv_log_n: 12, ..small.clone() }), &["512, 2^12 and 2^11, needed ascending"]);
    refused(build(Spec { bgv_log_n: 8, ..small.clone() }), &["512, 2^8 and 2^11, needed ascending"]);
    refused(small.build(), &["above the 53 bits that give 128-bit security"]);
}

#[test]
fn secrets_of_other_parameters_are_refused() {
    let spec = Spec::insecure_small();
    let (w, o) = (World::new(&spec), World::new(&other(&spec)));
    let foreign = |bridge: &'static str| [bridge, "secret key belongs to other parameters"];
    let params = &w.params;
    let says = foreign("from BGV to TFHE");
    refused(bgv_to_tfhe::SeededKey::generate(params, &o.bgv, &w.tfhe), &says);
    refused(bgv_to_tfhe::SeededKey::generate(params, &w.bgv, &o.tfhe), &says);
    let says = foreign("from CKKS to TFHE");
    refused(ckks_tfhe::SeededKey::generate(params, &o.ckks, &w.tfhe), &says);
    refused(ckks_tfhe::SeededKey::generate(params, &w.ckks, &o.tfhe), &says);
    let says = foreign("from TFHE to BGV");
    refused(tfhe_to_bgv::Key::generate(params, &o.tfhe, &w.ckks), &says);
    refused(tfhe_to_bgv::Key::generate(params, &w.tfhe, &o.ckks), &says);
    let says = foreign("between BGV and CKKS");
    refused(bgv_ckks::Keys::generate(params, &o.bgv, &w.ckks), &says);
    refused(bgv_ckks::Keys::generate(params, &w.bgv, &o.ckks), &says);
    refused(Expander::generate(params, &o.bgv, 1), &foreign("expansion"));
    refused(Expander::generate(params, &w.bgv, 10), &["levels of an expansion is 10, needed less than 10"]);
    let keys = bgv_ckks::Keys::generate(params, &w.bgv, &w.ckks).unwrap();
    refused(Refresher::new(keys, o.bootstrapper()), &["bootstrapper belongs to other parameters"]);
}

#[test]
fn ciphertexts_that_do_not_fit_the_bridges_of_bgv_are_refused() {
    let spec = Spec::insecure_small();
    let (w, o) = (World::new(&spec), World::new(&other(&spec)));
    let (c, foreign, evaluator) = (w.encrypted(), o.encrypted(), w.evaluator());
    let square = evaluator.mul_lazy(&c, &c).unwrap();
    let short = evaluator.mod_switch(&c).unwrap();
    let belongs = "ciphertext belongs to other parameters";

    let down = bgv_to_tfhe::SeededKey::generate(&w.params, &w.bgv, &w.tfhe).unwrap().expand().unwrap();
    refused(down.extract(&foreign, &[0]), &["from BGV to TFHE", belongs]);
    refused(down.extract(&square, &[0]), &["the ciphertext is degree 2", "needed degree 1"]);
    refused(down.extract(&c, &[0, 1024]), &["the coefficient is 1024, needed less than 1024"]);
    // Any level will do.
    assert!(down.extract(&short, &[0]).is_ok());

    let refresher = w.refresher();
    refused(refresher.gather(&[]), &["number of ciphertexts is 0, needed 1 to 2"]);
    refused(refresher.gather(&[c.clone(), c.clone(), c.clone()]), &["ciphertexts is 3, needed 1 to 2"]);
    refused(refresher.gather(&[c.clone(), foreign.clone()]), &["refresh", belongs]);
    refused(refresher.gather(&[c.clone(), square.clone()]), &["degree 2", "needed degree 1"]);
    refused(refresher.gather(&[c.clone(), short.clone()]), &["level 1", "needed degree 1, level 2"]);
    let strange = o.refresher().gather(from_ref(&foreign)).unwrap();
    refused(refresher.clean(&strange), &["refresh", "integers belongs to other parameters"]);
    refused(refresher.clean_to(strange.clone(), 1e-30), &["integers belongs to other parameters"]);
    refused(refresher.scatter(&strange), &["refresh", "integers belongs to other parameters"]);
    refused(
        refresher.scatter(&refresher.gather(from_ref(&short)).unwrap()),
        &["2 primes, needed 67108864 over 3"],
    );
    refused(
        refresher.clean_to(refresher.gather(from_ref(&c)).unwrap(), 1e-60),
        &["least error of a refresh"],
    );

    let expander = Expander::generate(&w.params, &w.bgv, 1).unwrap();
    refused(expander.expand(&foreign, 1), &["expansion", belongs]);
    refused(expander.expand(&square, 1), &["degree 2", "needed degree 1"]);
    refused(expander.expand(&short, 1), &["level 1", "level 2"]);
}

#[test]
fn ciphertexts_that_do_not_fit_the_bridge_from_tfhe_are_refused() {
    let spec = Spec::insecure_small();
    let (w, o) = (World::new(&spec), World::new(&other(&spec)));
    let (up, refresher, packed) = (w.up(), w.refresher(), w.packed());
    refused(up.gather(&[], 12), &["packed ciphertexts is 0, needed 1 to 4"]);
    refused(up.gather(&vec![packed.clone(); 5], 12), &["packed ciphertexts is 5, needed 1 to 4"]);
    refused(
        up.gather(&[packed.clone(), o.packed()], 12),
        &["from TFHE to BGV", "belongs to other parameters"],
    );
    for log_t in [0, 33, u32::MAX] {
        let found = format!("is 2^{log_t}, needed 2^1 to 2^32");
        refused(up.gather(from_ref(&packed), log_t), &["modulus of packed values", &found]);
    }
    let gathered = up.gather(from_ref(&packed), 12).unwrap();
    refused(refresher.scatter(&gathered), &["modulus of the integers is 4096 over 1 primes"]);
    refused(up.convert(&o.refresher(), from_ref(&packed), 12, 1e-9), &["refresher belongs to other"]);
    // A noise of some thousandths of the torus leaves integers modulo 2^12 no room.
    let noisy = up.gather(&[packed], 32).unwrap();
    refused(refresher.clean(&noisy), &["the error of integers that are cleaned", "needed 2^"]);
}

#[test]
fn ciphertexts_that_do_not_fit_the_bridge_of_slots_are_refused() {
    let spec = Spec::insecure_small().for_slots();
    let (w, o) = (World::new(&spec), World::new(&other(&spec)));
    let (bootstrapper, strange) = (w.bootstrapper(), o.bootstrapper());
    let down = ckks_tfhe::SeededKey::generate(&w.params, &w.ckks, &w.tfhe).unwrap().expand().unwrap();
    refused(down.extract(&bootstrapper, &o.slots(), 1), &["ciphertext belongs to other parameters"]);
    refused(down.extract(&strange, &w.slots(), 1), &["bootstrapper belongs to other parameters"]);
    refused(
        down.extract(&bootstrapper, &w.slots(), 1025),
        &["number of values is 1025, needed at most 1024"],
    );
    let up = w.up();
    refused(up.to_slots(&strange, &[w.packed()], 12), &["bootstrapper belongs to other parameters"]);
    refused(up.to_slots(&bootstrapper, &[o.packed()], 12), &["ciphertext belongs to other parameters"]);
    refused(up.to_slots(&bootstrapper, &[], 12), &["packed ciphertexts is 0"]);
    // The order of a bootstrap that refreshes coefficients is the other one.
    let refreshing = World::new(&Spec::insecure_small());
    let up = refreshing.up();
    refused(up.to_slots(&refreshing.bootstrapper(), &[refreshing.packed()], 12), &["order of bootstrapping"]);
}
