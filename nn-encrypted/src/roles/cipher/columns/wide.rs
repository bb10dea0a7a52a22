//! Chinese remainders of any number of plaintext primes, without a branch or a division that depends on values.

use he_core::Modulus;
use num_bigint::BigUint;

/// Integers modulo the product `M` of the plaintext primes, in limbs of 64 bits, lowest first.
pub(super) struct Crt {
    moduli: Vec<Modulus>,
    /// `(M/t_i)^{-1} mod t_i`.
    inverses: Vec<u64>,
    /// `M/t_i`.
    hats: Vec<Vec<u64>>,
    /// `2^k·M`, from the largest that a sum of residues may reach down to `M`.
    multiples: Vec<Vec<u64>>,
    /// `(M − 1)/2`, the largest magnitude.
    half: Vec<u64>,
}

impl Crt {
    pub(super) fn new(moduli: &[Modulus]) -> Self {
        let product: BigUint = moduli.iter().map(|t| BigUint::from(t.value())).product();
        let doublings = moduli.len().next_power_of_two().trailing_zeros();
        let limbs = (product.bits() + u64::from(doublings) + 1).div_ceil(64) as usize;
        let padded = |n: BigUint| {
            let mut digits: Vec<u64> = n.iter_u64_digits().collect();
            digits.resize(limbs, 0);
            digits
        };
        let hats: Vec<BigUint> = moduli.iter().map(|t| &product / t.value()).collect();
        let inverse = |(t, hat): (&Modulus, &BigUint)| {
            let hat = (hat % t.value()).iter_u64_digits().next().unwrap_or(0);
            t.inv(hat).unwrap_or(1)
        };
        Self {
            inverses: moduli.iter().zip(&hats).map(inverse).collect(),
            multiples: (0..=doublings).rev().map(|k| padded(&product << k)).collect(),
            half: padded(&product >> 1_u32),
            hats: hats.into_iter().map(padded).collect(),
            moduli: moduli.to_vec(),
        }
    }

    /// Centred residues modulo prime `c`.
    pub(super) fn residues(&self, values: &[i64], c: usize) -> Vec<i64> {
        let t = &self.moduli[c];
        values.iter().map(|&value| t.center(t.reduce_i64(value))).collect()
    }

    /// The centred integer with a residue modulo each prime, over `2^bits`, as the nearest float.
    pub(super) fn number(&self, residues: impl Iterator<Item = i64>, bits: u32) -> f64 {
        let mut sum = vec![0; self.half.len()];
        for (((t, hat), &inverse), residue) in
            self.moduli.iter().zip(&self.hats).zip(&self.inverses).zip(residues)
        {
            add_product(&mut sum, hat, t.mul(inverse, t.reduce_i64(residue)));
        }
        for multiple in &self.multiples {
            let (less, borrow) = difference(&sum, multiple);
            sum = selected(borrow, &sum, &less);
        }
        let negative = difference(&self.half, &sum).1;
        let (magnitude, _) = difference(self.multiples.last().unwrap_or(&self.half), &sum);
        let value = float(&selected(negative, &magnitude, &sum), bits);
        f64::from_bits(value.to_bits() | negative & 1 << 63)
    }
}

/// `sum + a·factor`, which has no carry.
fn add_product(sum: &mut [u64], a: &[u64], factor: u64) {
    let mut carry = 0_u128;
    for (sum, &a) in sum.iter_mut().zip(a) {
        carry += u128::from(*sum) + u128::from(a) * u128::from(factor);
        *sum = carry as u64;
        carry >>= 64;
    }
}

/// `a − b`, and all ones if that is below 0.
fn difference(a: &[u64], b: &[u64]) -> (Vec<u64>, u64) {
    let mut borrow = 0_i128;
    let limb = |(&a, &b): (&u64, &u64)| {
        borrow += i128::from(a) - i128::from(b);
        let low = borrow as u64;
        borrow >>= 64;
        low
    };
    let limbs = a.iter().zip(b).map(limb).collect();
    (limbs, borrow as u64)
}

/// `a` where the mask has ones, `b` elsewhere.
fn selected(mask: u64, a: &[u64], b: &[u64]) -> Vec<u64> {
    a.iter().zip(b).map(|(a, b)| a & mask | b & !mask).collect()
}

/// `n/2^bits` as the nearest float, of two equally near the even one.
fn float(n: &[u64], bits: u32) -> f64 {
    // The highest limb that is not 0, the one below it, all bits below that, and the place of the highest.
    let [mut high, mut low, mut rest, mut place, mut found, mut second] = [0_u64; 6];
    for (i, &limb) in n.iter().enumerate().rev() {
        let some = ((limb | limb.wrapping_neg()) >> 63).wrapping_neg();
        let here = some & !found;
        high |= limb & here;
        place |= i as u64 & here;
        low |= limb & found & !second;
        rest |= limb & second;
        second |= found;
        found |= here;
    }
    let zeros = high.leading_zeros() & 63;
    let (top, cut) = ((high << zeros) | (low >> 1 >> (63 - zeros)), (low << zeros) | rest);
    // One bit for all that are cut off: what is rounded lies on the right side of a middle.
    let top = top | ((cut | cut.wrapping_neg()) >> 63);
    let exponent = 64 * place as i32 - zeros as i32 - bits as i32;
    top as f64 * 2_f64.powi(exponent)
}

#[cfg(test)]
mod tests {
    use num_bigint::BigInt;
    use proptest::prelude::*;

    use super::*;

    const PRIMES: [u64; 5] = [786_433, 1_179_649, 2_752_513, 1_099_510_054_913, 1_099_507_695_617];

    fn crt(count: usize) -> Crt {
        Crt::new(&PRIMES[..count].iter().map(|&t| Modulus::new(t).unwrap()).collect::<Vec<_>>())
    }

    fn residues(crt: &Crt, value: &BigInt) -> Vec<i64> {
        let of = |t: &Modulus| {
            let residue = value % BigInt::from(t.value());
            t.center(t.reduce_i64(i64::try_from(residue).unwrap()))
        };
        crt.moduli.iter().map(of).collect()
    }

    proptest! {
        #[test]
        fn numbers_come_back_from_their_residues(x in any::<i64>(), y in any::<i64>(), count in 1_usize..=5) {
            let crt = crt(count);
            let product: BigInt = PRIMES[..count].iter().map(|&t| BigInt::from(t)).product();
            let half: BigInt = &product >> 1_u32;
            let long: BigInt = (BigInt::from(x) << 64_u32) + y;
            for value in [long % &half, BigInt::from(x) % &half, half.clone(), -&half, BigInt::ZERO, BigInt::from(-1)] {
                let wide = i128::try_from(&value);
                let found = crt.number(residues(&crt, &value).into_iter(), 3);
                if let Ok(value) = wide {
                    prop_assert_eq!(found, value as f64 / 8.0);
                }
                prop_assert_eq!(crt.number(residues(&crt, &value).into_iter(), 0), 8.0 * found);
                prop_assert!((0..count).all(|c| crt.residues(&[x], c) == [residues(&crt, &x.into())[c]]));
            }
        }
    }

    #[test]
    fn middles_go_to_even_ones_and_a_bit_far_below_decides() {
        let n = |top: u64, below: u64| float(&[below, top << 32, top >> 32, 0], 96);
        let middle = (1 << 53) + 1;
        assert_eq!((n(middle, 0), n(middle, 1)), ((1_u64 << 53) as f64, ((1_u64 << 53) + 2) as f64));
        assert_eq!((float(&[0, 0], 5), float(&[u64::MAX], 0)), (0.0, u64::MAX as f64));
    }
}
