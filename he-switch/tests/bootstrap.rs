//! BGV ciphertexts bootstrapped: every kind of plaintext modulus, chains of two to ten primes, and rings of many sizes.
//!
//! At 128 bits, with the figures that are promised:
//! `cargo test --release -p he-switch --test bootstrap -- --ignored --nocapture --test-threads 1`

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use he_bgv::{Ciphertext, Decryptor, Encoder, Encryptor, KeyRequest, SecretKey};
use he_switch::Error;
use he_switch::bgv::{BootstrapKeys, BootstrapSpec, Bootstrapper, Budget, Evaluator, Parameters};

/// A client with its secret, and a server.
struct World {
    params: Parameters,
    encoder: Encoder,
    secret: SecretKey,
    bootstrapper: Bootstrapper,
}

impl World {
    fn new(params: Parameters) -> Self {
        let secret = SecretKey::generate(params.bgv()).unwrap();
        let bootstrapper = Bootstrapper::new(BootstrapKeys::generate(&params, &secret).unwrap()).unwrap();
        Self { encoder: Encoder::new(params.bgv()).modular(), params, secret, bootstrapper }
    }

    /// BGV in dimension `2^log_n` under CKKS in dimension `2^11`.
    fn insecure(log_n: u32, t: u64, primes: usize) -> Self {
        let spec = BootstrapSpec::new(log_n, t, primes).unwrap();
        let ckks = he_ckks::Spec { log_n: 11, ..spec.ckks };
        let spec = BootstrapSpec { ckks, ..spec };
        Self::new(spec.build_insecure("a test of bootstrapping").unwrap())
    }

    fn leveled(&self) -> he_bgv::Evaluator {
        let level = self.params.bgv().max_level();
        let keys = self.secret.evaluation_keys(&KeyRequest::default().relinearization(level)).unwrap();
        he_bgv::Evaluator::new(self.params.bgv(), keys).unwrap()
    }

    fn automatic(&self, bits: u32) -> Result<Evaluator, Error> {
        Evaluator::automatic(self.leveled(), self.bootstrapper.clone(), Budget::bits(bits))
    }

    /// Coefficients all over the plaintext space.
    fn message(&self, seed: i64) -> Vec<i64> {
        let (n, t) = (self.params.bgv().n() as i64, self.params.t() as i64);
        let value = |i: i64| ((i + seed) * 2_654_435_761 % t + t) % t;
        (0..n).map(value).map(|v| if v > t / 2 { v - t } else { v }).collect()
    }

    fn encrypted(&self, coefficients: &[i64]) -> Ciphertext {
        let plaintext = self.encoder.encode_coefficients(coefficients).unwrap();
        Encryptor::with_secret(&self.secret).encrypt(&plaintext).unwrap()
    }

    fn decrypted(&self, c: &Ciphertext) -> Vec<i64> {
        self.encoder.decode_coefficients(&Decryptor::new(&self.secret).decrypt(c).unwrap())
    }

    fn measured(&self, c: &Ciphertext) -> f64 {
        Decryptor::new(&self.secret).noise_budget(c).unwrap()
    }

    /// Bootstraps, and compares: messages and all primes are kept, and no estimate is above the measured budget.
    fn bootstrap(&self, used: &[Ciphertext], bits: u32) -> Vec<Ciphertext> {
        let fresh = self.bootstrapper.bootstrap(used, Budget::bits(bits)).unwrap();
        assert_eq!(fresh.len(), used.len());
        for (fresh, used) in fresh.iter().zip(used) {
            let (estimate, measured) = (fresh.noise_budget(), self.measured(fresh));
            assert!(
                f64::from(bits) <= estimate && estimate <= measured,
                "{estimate:.1}, found {measured:.1}"
            );
            assert!(measured < estimate + 10.0, "{estimate:.1} is far below {measured:.1}");
            assert_eq!(fresh.level(), self.params.bgv().max_level());
            assert!(self.decrypted(fresh) == self.decrypted(used), "a message was changed");
        }
        fresh
    }
}

#[test]
fn any_plaintext_modulus_and_any_ring_below_that_of_ckks() {
    // Powers of two, with and without congruent primes; primes, with slots and without; neither.
    for (log_n, t) in [(10, 2), (4, 3), (7, 12), (11, 257), (9, 65_537), (10, 1 << 34), (8, (1 << 40) + 15)] {
        let w = World::insecure(log_n, t, 4);
        let c: Vec<Ciphertext> =
            (0..w.params.capacity().min(3) as i64).map(|i| w.encrypted(&w.message(i))).collect();
        let level = usize::from(t > 1 << 30);
        let used: Vec<Ciphertext> = c.iter().map(|c| w.leveled().mod_switch_to(c, level).unwrap()).collect();
        for (fresh, i) in w.bootstrap(&used, 70).iter().zip(0..) {
            assert!(w.decrypted(fresh) == w.message(i), "t = {t}");
        }
    }
}

#[test]
fn chains_of_two_to_ten_primes() {
    for (primes, bits) in [(2, 40), (3, 60), (6, 150), (10, 300)] {
        let w = World::insecure(9, 65_537, primes);
        let used = w.leveled().mod_switch_to(&w.encrypted(&w.message(5)), 0).unwrap();
        let cost = w.bootstrapper.cost(std::slice::from_ref(&used), Budget::bits(bits)).unwrap();
        println!("{primes} primes, {bits} bits: {cost:?}");
        // From some 25 bits, 26 and more at a time.
        assert!((cost.lifts as u32).abs_diff((bits - 25).div_ceil(27)) <= 1, "{cost:?}");
        w.bootstrap(&[used], bits);
        let most = w.bootstrapper.most_budget();
        let error = w.bootstrapper.bootstrap(&[w.encrypted(&[1])], Budget::bits(most as u32 + 1));
        assert!(error.err().unwrap().to_string().contains("the budget is"));
    }
}

#[test]
fn products_of_all_levels_and_correction_factors_share_lifts() {
    let w = World::insecure(9, 65_537, 4);
    let leveled = w.leveled();
    let fresh: Vec<Ciphertext> = (0..5).map(|i| w.encrypted(&w.message(i))).collect();
    let product = leveled.mul(&fresh[0], &fresh[1]).unwrap();
    let square = leveled.square(&product).unwrap();
    let divided = leveled.mod_switch(&fresh[2]).unwrap();
    let used = [product, square, divided, fresh[3].clone(), fresh[4].clone()];
    assert!(used[0].level() != used[1].level());
    assert!(used.iter().any(|c| c.correction_factor() != 1));
    // Five ciphertexts in groups of four.
    assert_eq!(w.params.capacity(), 4);
    let back = w.bootstrap(&used, 80);
    // Nothing is lifted for more budget than there is.
    let cost = w.bootstrapper.cost(&back, Budget::bits(70)).unwrap();
    assert_eq!((cost.lifts, cost.core_seconds, cost.log2_failure), (0, 0.0, f64::NEG_INFINITY));
    assert_eq!(w.decrypted(&w.bootstrap(&back, 70)[1]), w.decrypted(&used[1]));
    let lifts = |used: &[Ciphertext]| w.bootstrapper.cost(used, Budget::bits(120)).unwrap().lifts;
    assert_eq!(lifts(&used), lifts(&used[..4]) + lifts(&used[4..]));
    assert!(lifts(&used[..4]) >= 2, "{}", lifts(&used[..4]));
}

/// `x ↦ x²·y` and so on against the same in the clear, in slots.
#[test]
fn twenty_products_in_a_row_on_the_automatic_evaluator() {
    let w = World::insecure(9, 12_289, 3);
    let (n, t) = (w.params.bgv().n(), 12_289_i64);
    let evaluator = w.automatic(60).unwrap();
    let encrypt = |values: &[i64]| {
        Encryptor::with_secret(&w.secret).encrypt(&w.encoder.encode(values).unwrap()).unwrap()
    };
    let center = |v: i64| if v > t / 2 { v - t } else { v };
    let mut clear: [Vec<i64>; 2] = [3, 5].map(|k| (0..n as i64).map(|i| center((i * k + 1) % t)).collect());
    let mut cipher = clear.clone().map(|values| encrypt(&values));
    for step in 0..20 {
        let [x, y] = &cipher;
        let mut next = evaluator.mul_all(&[[x, y], [y, y]]).unwrap();
        let sum = evaluator.add(&next[0], x).unwrap();
        cipher = [sum, next.swap_remove(1)];
        let products = |a: &[i64], b: &[i64]| -> Vec<i64> {
            a.iter().zip(b).map(|(a, b)| center((a * b).rem_euclid(t))).collect()
        };
        let sum = products(&clear[0], &clear[1])
            .iter()
            .zip(&clear[0])
            .map(|(a, b)| center((a + b).rem_euclid(t)))
            .collect();
        clear = [sum, products(&clear[1], &clear[1])];
        for (c, values) in cipher.iter().zip(&clear) {
            let found = w.encoder.decode(&Decryptor::new(&w.secret).decrypt(c).unwrap()).unwrap();
            assert!(found == *values, "step {step}");
            assert!(c.noise_budget() <= w.measured(c), "step {step}");
        }
    }
}

/// Polynomials are evaluated by circuits that know no levels.
#[test]
fn circuits_run_on_the_automatic_evaluator() {
    use he_core::circuits::evaluate_polynomial;
    let w = World::insecure(9, 257, 3);
    let coefficients: Vec<i64> = (1..=40).collect();
    let value =
        evaluate_polynomial(&w.automatic(60).unwrap(), &w.encrypted(&[3]), &coefficients).unwrap().unwrap();
    let clear = coefficients.iter().rev().fold(0, |sum, c| (sum * 3 + c) % 257);
    assert_eq!((w.decrypted(&value)[0] + 257) % 257, clear);
}

#[test]
fn keys_bootstrap_alike_after_sending_and_damage_is_refused() {
    let w = World::insecure(8, 3, 2);
    let keys = BootstrapKeys::generate(&w.params, &w.secret).unwrap();
    let bytes = keys.to_bytes().unwrap();
    let read = BootstrapKeys::from_bytes(&w.params, &bytes).unwrap();
    assert!(read.to_bytes().unwrap() == bytes);
    let used = w.leveled().mod_switch_to(&w.encrypted(&w.message(1)), 0).unwrap();
    let [before, after] = [keys, read].map(|keys| {
        let bootstrapper = Bootstrapper::new(keys).unwrap();
        bootstrapper.bootstrap(std::slice::from_ref(&used), Budget::bits(40)).unwrap()[0].to_bytes().unwrap()
    });
    assert!(before == after);
    let open = |bytes: &[u8]| BootstrapKeys::from_bytes(&w.params, bytes).map(|_| ());
    for length in (0..bytes.len()).step_by(bytes.len() / 50) {
        open(&bytes[..length]).unwrap_err();
        let mut altered = bytes.clone();
        altered[length] ^= 4;
        open(&altered).unwrap_err();
    }
    let other = World::insecure(8, 5, 2).params;
    assert!(BootstrapKeys::from_bytes(&other, &bytes).is_err());
    // A secret of other parameters.
    assert!(BootstrapKeys::generate(&other, &w.secret).is_err());
}

#[test]
fn what_does_not_fit_is_named() {
    let refused = |result: Option<Error>, says: &str| {
        let message = result.unwrap().to_string();
        assert!(message.contains(says), "{message}");
    };
    refused(BootstrapSpec::new(13, 257, 11).err(), "number of BGV's primes is 11, needed 2 to 10");
    let bgv = |q_bits: &[u32], p_bits: &[u32]| he_bgv::Spec {
        log_n: 13,
        plaintext_modulus: 257,
        q_bits: q_bits.to_vec(),
        p_bits: p_bits.to_vec(),
        digit: 1,
    };
    refused(BootstrapSpec::for_bgv(&bgv(&[], &[50])).err(), "bits of BGV's primes is []");
    refused(BootstrapSpec::for_bgv(&bgv(&[50, 40], &[50])).err(), "[50, 40]");
    refused(BootstrapSpec::for_bgv(&bgv(&[50, 46, 45], &[50])).err(), "[50, 46, 45]");
    refused(BootstrapSpec::for_bgv(&bgv(&[50, 46], &[50, 50])).err(), "special primes is [50, 50]");
    assert!(BootstrapSpec::for_bgv(&bgv(&[49, 45], &[50])).unwrap().build().is_ok());
    let spec = BootstrapSpec::new(13, 257, 3).unwrap();
    let ckks = he_ckks::Spec { bootstrap: None, ..spec.ckks.clone() };
    refused(BootstrapSpec { ckks, ..spec.clone() }.build().err(), "order of bootstrapping is None");
    let order = he_ckks::bootstrap::Order::SlotsFirst;
    let bootstrap = spec.ckks.bootstrap.clone().map(|b| he_ckks::BootstrapSpec { order, ..b });
    let ckks = he_ckks::Spec { bootstrap, ..spec.ckks.clone() };
    refused(BootstrapSpec { ckks, ..spec }.build().err(), "Some(SlotsFirst), needed");
    refused(BootstrapSpec::new(17, 257, 3).unwrap().build().err(), "dimension of BGV is 2^17");
    refused(BootstrapSpec::new(13, 1, 3).unwrap().build().err(), "plaintext modulus is 1");
    let w = World::insecure(9, 257, 3);
    let (b, c) = (&w.bootstrapper, w.encrypted(&[1]));
    refused(b.bootstrap(&[], Budget::bits(60)).err(), "number of ciphertexts is 0");
    let lazy = w.leveled().mul_lazy(&c, &c).unwrap();
    refused(b.bootstrap(std::slice::from_ref(&lazy), Budget::bits(60)).err(), "degree 2, needed degree 1");
    refused(b.cost(&[lazy], Budget::bits(60)).err(), "degree 2, needed degree 1");
    let foreign = World::insecure(9, 7, 3);
    refused(b.bootstrap(&[foreign.encrypted(&[1])], Budget::bits(60)).err(), "other parameters");
    // A budget that leaves no product room for another bootstrap.
    refused(w.automatic(12).err(), "the budget that a product leaves");
    let few = Evaluator::automatic(foreign.leveled(), b.clone(), Budget::bits(60)).err();
    refused(few, "evaluator belongs to other parameters");
    // Sums of one message with itself until no budget is left.
    let leveled = w.leveled();
    let mut used = leveled.mod_switch_to(&c, 0).unwrap();
    while used.noise_budget() > b.least_budget() {
        used = leveled.add(&used, &used).unwrap();
    }
    refused(b.bootstrap(&[used], Budget::bits(60)).err(), "the error of integers that are cleaned");
}

#[test]
fn all_sizes_that_are_promised_have_128_bits() {
    for (log_n, primes) in [(13, 3), (14, 8), (15, 10), (16, 10)] {
        for t in [2, 65_537, 1 << 30] {
            let spec = BootstrapSpec::new(log_n, t, primes).unwrap();
            let params = spec.build().unwrap();
            assert_eq!(params.bgv().max_level() + 1, primes);
            for margin in params.margins() {
                println!("{margin}");
                assert!(margin.bits() >= 0.0, "{margin}");
            }
            // Every prime is congruent to 1 modulo a power of two, so that there are no correction factors.
            let q = &params.bgv().rlwe().spec().q;
            assert!(t == 65_537 || q.iter().all(|q| q % t == 1));
        }
        assert!(log_n > 14 || BootstrapSpec::new(log_n, 2, primes + 1).unwrap().build().is_err());
    }
    // A sparse secret is held to its own cap.
    let spec = BootstrapSpec::new(16, 2, 10).unwrap();
    let secret = he_ckks::SecretDistribution::SparseTernary { weight: 192 };
    let spec = BootstrapSpec { ckks: he_ckks::Spec { secret, ..spec.ckks }, ..spec };
    assert!(spec.build().err().unwrap().to_string().contains("1475"));
}

/// CPU time of the process in seconds.
fn cpu() -> f64 {
    cpu_time::ProcessTime::now().as_duration().as_secs_f64()
}

/// The product modulo `X^n + 1` and `2^64`.
fn negacyclic(a: &[i64], b: &[i64]) -> Vec<i64> {
    let n = a.len();
    let mut wide = vec![0_i64; 2 * n];
    for (i, &x) in a.iter().enumerate() {
        wide[i..i + n].iter_mut().zip(b).for_each(|(out, y)| *out = out.wrapping_add(x.wrapping_mul(*y)));
    }
    wide[..n].iter().zip(&wide[n..]).map(|(low, high)| low.wrapping_sub(*high)).collect()
}

/// Twenty products in a row, `x_i ↦ x_i·x_{i + 1}` for eight ciphertexts at `N = 8192`, decrypted after each: in slots for a prime
/// plaintext modulus, in coefficients for a power of two.
fn twenty_secure_products(t: u64) {
    let w = World::new(BootstrapSpec::new(13, t, 3).unwrap().build().unwrap());
    let (evaluator, slots, modulus) = (w.automatic(60).unwrap(), !t.is_power_of_two(), *w.params.bgv().t());
    let center = |v: i64| modulus.center(modulus.reduce_i64(v));
    // Units of the plaintext space, whose products are: slots that are not zero, or an odd sum of coefficients.
    let unit = |seed: i64| {
        let mut values = w.message(seed * 8192);
        values.iter_mut().filter(|v| slots && **v == 0).for_each(|v| *v = 1);
        values[0] += i64::from(!slots && values.iter().sum::<i64>() % 2 == 0);
        values.into_iter().map(center).collect::<Vec<_>>()
    };
    let encode = |v: &Vec<i64>| if slots { w.encoder.encode(v) } else { w.encoder.encode_coefficients(v) };
    let decode = |c: &Ciphertext| {
        let plaintext = Decryptor::new(&w.secret).decrypt(c).unwrap();
        if slots { w.encoder.decode(&plaintext).unwrap() } else { w.encoder.decode_coefficients(&plaintext) }
    };
    let product = |a: &Vec<i64>, b: &Vec<i64>| -> Vec<i64> {
        let product = if slots { a.iter().zip(b).map(|(a, b)| a * b).collect() } else { negacyclic(a, b) };
        product.into_iter().map(center).collect()
    };
    let mut clear: Vec<Vec<i64>> = (0..8).map(unit).collect();
    let encryptor = Encryptor::with_secret(&w.secret);
    let mut cipher: Vec<Ciphertext> =
        clear.iter().map(|v| encryptor.encrypt(&encode(v).unwrap()).unwrap()).collect();
    let mut spent = 0.0;
    for step in 1..=20 {
        let before = cpu();
        let pairs: Vec<[&Ciphertext; 2]> = (0..8).map(|i| [&cipher[i], &cipher[(i + 1) % 8]]).collect();
        cipher = evaluator.mul_all(&pairs).unwrap();
        spent += cpu() - before;
        clear = (0..8).map(|i| product(&clear[i], &clear[(i + 1) % 8])).collect();
        assert!(cipher.iter().zip(&clear).all(|(c, values)| decode(c) == *values), "product {step}");
        let budgets: Vec<[f64; 2]> = cipher.iter().map(|c| [c.noise_budget(), w.measured(c)]).collect();
        assert!(budgets.iter().all(|[estimate, measured]| estimate <= measured));
        println!("t = {t}, product {step}: {:.1?} bits by estimate and key, {spent:.0} core-s", budgets[0]);
    }
}

#[test]
#[ignore = "twenty products in a row of 65,536 coefficients at 128 bits decrypt exactly; 5 GB of memory, four minutes"]
fn twenty_products_of_coefficients_decrypt_at_128_bits() {
    twenty_secure_products(1 << 26);
}

#[test]
#[ignore = "twenty products in a row of 65,536 slots at 128 bits decrypt exactly; 5 GB of memory, four minutes"]
fn twenty_products_of_slots_decrypt_at_128_bits() {
    twenty_secure_products(65_537);
}
