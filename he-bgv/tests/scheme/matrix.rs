//! Matrices of integers and products that are not relinearized: two squares between three matrices, without a key.

use he_bgv::*;
use he_core::ring::IntegerMatrix;

/// A modulus of 31 bits with slots in dimension 1024; three primes for the second square, and two that are divided away before.
fn params() -> Parameters {
    let (log_n, q_bits) = (10, vec![40, 40, 40, 36, 36]);
    let plaintext_modulus = Spec::slot_modulus(log_n, 31).unwrap();
    Spec { log_n, plaintext_modulus, q_bits, p_bits: vec![], digit: 1 }.build_insecure("a test").unwrap()
}

struct World {
    key: SecretKey,
    encoder: Encoder,
    evaluator: Evaluator,
}

impl World {
    fn new() -> Self {
        let params = params();
        let evaluator = Evaluator::new(&params, EvaluationKeys::none(&params)).unwrap();
        Self { key: SecretKey::generate(&params).unwrap(), encoder: Encoder::new(&params), evaluator }
    }

    fn encrypt(&self, values: &[i64], bound: u64) -> Ciphertext {
        let plaintext = self.encoder.clone().with_bound(bound).encode(values).unwrap();
        self.key.encrypt_seeded(&plaintext, self.evaluator.params().max_level()).unwrap().expand()
    }

    /// Decrypts, and holds that the estimated budget is a lower bound of the measured one, and not by far.
    fn check(&self, c: &Ciphertext, expected: &[i64], slack: f64) {
        let decryptor = Decryptor::new(&self.key);
        assert_eq!(self.encoder.decode(&decryptor.decrypt(c).unwrap()).unwrap()[..expected.len()], *expected);
        let (estimated, measured) = (c.noise_budget(), decryptor.noise_budget(c).unwrap());
        assert!(estimated <= measured && measured < estimated + slack, "{estimated} {measured}");
    }
}

fn matrix(rows: usize, columns: usize, seed: i64) -> IntegerMatrix {
    let entries = (0..rows * columns).map(|i| ((i as i64 + 3) * (seed + 7) * 31 % 7) - 3).collect();
    IntegerMatrix::new(columns, entries).unwrap()
}

fn product(weights: &IntegerMatrix, x: &[Vec<i64>]) -> Vec<Vec<i64>> {
    let sum = |row: usize, at: usize| weights.row(row).iter().zip(x).map(|(w, x)| w * x[at]).sum();
    (0..weights.rows()).map(|row| (0..x[0].len()).map(|at| sum(row, at)).collect()).collect()
}

fn squares(values: &[Vec<i64>]) -> Vec<Vec<i64>> {
    values.iter().map(|values| values.iter().map(|value| value * value).collect()).collect()
}

#[test]
fn two_squares_between_three_matrices_decrypt_without_a_key() {
    let world = World::new();
    let x: Vec<Vec<i64>> = (0..6).map(|i| (0..9).map(|j| (i * j + i) % 3 - 1).collect()).collect();
    let (w1, w2, w3) = (matrix(4, 6, 1), matrix(3, 4, 2), matrix(2, 3, 3));
    let pixels: Vec<Ciphertext> = x.iter().map(|values| world.encrypt(values, 1)).collect();
    let all = |c: &[Ciphertext], expected: &[Vec<i64>], slack| {
        assert_eq!(c.len(), expected.len());
        c.iter().zip(expected).for_each(|(c, expected)| world.check(c, expected, slack));
    };
    let operands: Vec<&Ciphertext> = pixels.iter().collect();
    let sums = world.evaluator.matrix_product_of_fresh(&w1, &operands).unwrap();
    let related = world.evaluator.matrix_product(&w1, &operands).unwrap();
    let expected = product(&w1, &x);
    all(&sums, &expected, 8.0);
    all(&related, &expected, 10.0);
    let hidden = |sums: &[Ciphertext]| -> Vec<Ciphertext> {
        sums.iter().map(|z| world.evaluator.mul_unrelinearized(z, z).unwrap()).collect()
    };
    let (values, expected) = (hidden(&sums), squares(&expected));
    all(&values, &expected, 12.0);
    let sums = world.evaluator.matrix_product(&w2, &values.iter().collect::<Vec<_>>()).unwrap();
    let expected = product(&w2, &expected);
    all(&sums, &expected, 14.0);
    // The rounding of a ciphertext of degree 2 has the square of the secret: five bits more than with degree 1.
    let sums: Vec<_> = sums.iter().map(|sum| world.evaluator.mod_switch_to(sum, 2).unwrap()).collect();
    all(&sums, &expected, 10.0);
    let stepwise = world.evaluator.mod_switch(&world.evaluator.mod_switch(&values[0]).unwrap()).unwrap();
    world.check(&stepwise, &squares(&product(&w1, &x))[0], 10.0);
    let (values, expected) = (hidden(&sums), squares(&expected));
    assert_eq!(values[0].degree(), MOST_DEGREE);
    let sums = world.evaluator.matrix_product(&w3, &values.iter().collect::<Vec<_>>()).unwrap();
    all(&sums, &product(&w3, &expected), 24.0);
    // Such a ciphertext is sent by its own name.
    let bytes = sums[0].to_bytes().unwrap();
    assert!(Ciphertext::from_bytes(world.evaluator.params(), &bytes).is_err());
    let read = Ciphertext::from_bytes_of_any_degree(world.evaluator.params(), &bytes).unwrap();
    world.check(&read, &product(&w3, &expected)[0], 24.0);
}

#[test]
fn operands_that_do_not_fit_are_refused() {
    let world = World::new();
    let (evaluator, weights) = (&world.evaluator, matrix(2, 2, 1));
    let [a, b] = [1, 2].map(|value| world.encrypt(&[value], 2));
    let square = evaluator.mul_unrelinearized(&a, &a).unwrap();
    let lower = evaluator.mod_switch_to(&a, 3).unwrap();
    let divided = evaluator.mod_switch(&square).unwrap();
    let told = |error: Error| error.to_string();
    let product =
        |a: &[&Ciphertext]| evaluator.matrix_product(&weights, a).map(drop).map_err(told).unwrap_err();
    assert!(product(&[]).contains("2 columns") && product(&[&a]).contains("1 operands"));
    assert!(product(&[&a, &lower]).contains("level 4 is needed, level 3 is there"));
    assert!(product(&[&a, &square]).contains("degree 2"));
    let foreign = World::new().encrypt(&[1], 2);
    assert!(product(&[&a, &foreign]).contains("secret"));
    // One that was cut, and one that was divided, on one level.
    let cut = evaluator.mod_switch_to(&evaluator.mul_unrelinearized(&lower, &lower).unwrap(), 3).unwrap();
    assert!(product(&[&divided, &cut]).contains("correction factors"));
    let fresh = evaluator.matrix_product_of_fresh(&weights, &[&square, &square]).unwrap_err();
    assert!(told(fresh).contains("fresh"));
    assert!(told(evaluator.mul_unrelinearized(&a, &lower).unwrap_err()).contains("level 4 is needed"));
    let large = IntegerMatrix::new(2, vec![1 << 40, 0]).unwrap();
    assert!(told(evaluator.matrix_product(&large, &[&a, &b]).unwrap_err()).contains("above t/2"));
    let wide = world.encrypt(&[1], 1);
    let square = evaluator.mul_unrelinearized(&wide, &wide).unwrap();
    let third = evaluator.mod_switch_to(&square, 2).unwrap();
    let high = evaluator.mul_unrelinearized(&third, &third).unwrap();
    assert!(told(evaluator.mul_unrelinearized(&high, &third).unwrap_err()).contains("degree 6, at most 4"));
    assert!(told(evaluator.relinearize(&high).unwrap_err()).contains("at most 2"));
}
