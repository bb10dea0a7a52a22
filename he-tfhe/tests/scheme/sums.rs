//! Linear combinations: exact on phases, with the variance of their formula.

use he_tfhe::{Decryptor, Encryptor, LweCiphertext};

use crate::world::World;

#[test]
fn sums_are_exact_on_phases_and_their_variances_add_with_squared_weights() {
    let (world, phases) = (World::small(), [1_u32 << 28, 3 << 29, u32::MAX, 12_345]);
    let c = Encryptor::with_secret(&world.key).encrypt_phases(&phases).unwrap();
    let (e, decryptor) = (&world.evaluator, Decryptor::new(&world.key));
    let phase = |c: &LweCiphertext| decryptor.phase(c).unwrap();
    let x: Vec<u32> = c.iter().map(phase).collect();
    let weights = [-7_i32, 1, i32::MAX, 3];
    let terms: Vec<(i32, &LweCiphertext)> = weights.into_iter().zip(&c).collect();
    let sum = e.linear_combination(&terms).unwrap();
    let expected =
        x.iter().zip(weights).fold(0_u32, |sum, (x, w)| sum.wrapping_add(x.wrapping_mul(w as u32)));
    assert_eq!(phase(&sum), expected);
    let square = weights.iter().map(|&w| f64::from(w) * f64::from(w)).sum::<f64>();
    assert!((sum.variance() / (square * c[0].variance()) - 1.0).abs() < 1e-12);
    assert_eq!(phase(&e.add(&c[0], &c[1]).unwrap()), x[0].wrapping_add(x[1]));
    assert_eq!(phase(&e.sub(&c[0], &c[1]).unwrap()), x[0].wrapping_sub(x[1]));
    assert_eq!(phase(&e.negate(&c[0]).unwrap()), x[0].wrapping_neg());
    assert_eq!(phase(&e.mul_const(&c[0], -5).unwrap()), x[0].wrapping_mul(5).wrapping_neg());
    let shifted = e.add_const(&c[0], 1 << 31).unwrap();
    assert_eq!((phase(&shifted), shifted.variance()), (x[0].wrapping_add(1 << 31), c[0].variance()));
    let nothing = e.linear_combination(&[]).unwrap();
    assert_eq!((phase(&nothing), nothing.variance()), (0, 0.0));
}
