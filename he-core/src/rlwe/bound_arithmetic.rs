//! How a [`Bound`] follows operations.

use super::bound::Bound;
use super::error::OperandError;

impl Bound {
    /// The bound, if a plaintext modulo `t` has room for such values.
    ///
    /// # Errors
    /// If it is above `t/2`.
    pub fn stated(self, operation: &'static str, t: u64) -> Result<Self, OperandError> {
        match self.most() {
            Some(bound) if bound > t / 2 => Err(OperandError::Wraps { operation, bound, half: t / 2, t }),
            _ => Ok(self),
        }
    }

    /// The bound of values that stand side by side in one plaintext, none on another, in a ring of dimension `n`.
    ///
    /// # Errors
    /// If one is of slots and the other of coefficients.
    pub fn beside(self, operation: &'static str, other: Self, n: usize) -> Result<Self, OperandError> {
        Ok(self.combined(operation, other, |(a, _), (b, _)| (a.max(b), 0), n)?.anywhere(n))
    }

    /// The bound once coefficients have gone to other places, in a ring of dimension `n`.
    #[must_use]
    pub fn anywhere(self, n: usize) -> Self {
        match self {
            Self::Coefficients { most, .. } => {
                Self::Coefficients { most, count: u32::try_from(n).unwrap_or(u32::MAX) }
            }
            _ => self,
        }
    }

    /// The bound after `X ↦ X^g`, which leaves slots within theirs and a constant where it is, in a ring of dimension `n`.
    #[must_use]
    pub fn after_automorphism(self, n: usize) -> Self {
        match self {
            Self::Coefficients { count: 0 | 1, .. } => self,
            _ => self.anywhere(n),
        }
    }

    /// The bound of a sum or a difference, in a ring of dimension `n`.
    ///
    /// # Errors
    /// If one is of slots and the other of coefficients: neither says anything of the sum.
    pub fn plus(self, operation: &'static str, other: Self, n: usize) -> Result<Self, OperandError> {
        self.combined(operation, other, |(a, m), (b, k)| (a.saturating_add(b), m.max(k)), n)
    }

    /// The bound of a product, in a ring of dimension `n`.
    ///
    /// # Errors
    /// If one is of slots and the other of coefficients: neither says anything of the product.
    pub fn times(self, operation: &'static str, other: Self, n: usize) -> Result<Self, OperandError> {
        let by_slots = matches!(self, Self::Slots { .. });
        let product = |(a, m): (u64, u32), (b, k): (u64, u32)| {
            let terms = if by_slots { 1 } else { u64::from(m.min(k)) };
            let count = if m == 0 || k == 0 { 0 } else { m.saturating_add(k - 1) };
            (a.saturating_mul(b).saturating_mul(terms), count)
        };
        self.combined(operation, other, product, n)
    }

    fn combined(
        self,
        operation: &'static str,
        other: Self,
        combine: impl FnOnce((u64, u32), (u64, u32)) -> (u64, u32),
        n: usize,
    ) -> Result<Self, OperandError> {
        match (self, other) {
            (Self::Modulo, _) | (_, Self::Modulo) => Ok(Self::Modulo),
            (Self::Slots { most: a }, Self::Slots { most: b }) => {
                Ok(Self::Slots { most: combine((a, 0), (b, 0)).0 })
            }
            (Self::Coefficients { most: a, count: m }, Self::Coefficients { most: b, count: k }) => {
                let (most, count) = combine((a, m), (b, k));
                Ok(Self::Coefficients { most, count: count.min(u32::try_from(n).unwrap_or(u32::MAX)) })
            }
            _ => Err(OperandError::Places { operation, left: self, right: other }),
        }
    }

    /// The bound of the product with a constant of magnitude `c`.
    #[must_use]
    pub fn scaled(self, c: u64) -> Self {
        match self {
            Self::Modulo => self,
            Self::Slots { most } => Self::Slots { most: most.saturating_mul(c) },
            Self::Coefficients { most, count } => Self::Coefficients { most: most.saturating_mul(c), count },
        }
    }

    /// The bound of the sum with a constant of magnitude `c`: in every slot, or in the constant coefficient.
    #[must_use]
    pub fn plus_constant(self, c: u64) -> Self {
        match self {
            Self::Modulo => self,
            Self::Slots { most } => Self::Slots { most: most.saturating_add(c) },
            Self::Coefficients { most, count } => {
                Self::Coefficients { most: most.saturating_add(c), count: count.max(1) }
            }
        }
    }

    /// The bound, if integers within it are told apart modulo `t`, both signs of the largest included.
    ///
    /// # Errors
    /// If it is above `(t − 1)/2`.
    pub fn within(self, operation: &'static str, t: u64) -> Result<Self, OperandError> {
        match self.most() {
            Some(bound) if bound > t.saturating_sub(1) / 2 => {
                Err(OperandError::Wraps { operation, bound, half: t / 2, t })
            }
            _ => Ok(self),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{Reader, Writer};
    use proptest::prelude::*;

    const N: usize = 8;

    /// The negacyclic product over the integers.
    fn product(a: &[i128], b: &[i128]) -> Vec<i128> {
        let mut out = vec![0; N];
        for (i, x) in a.iter().enumerate() {
            for (j, y) in b.iter().enumerate() {
                out[(i + j) % N] += if i + j < N { x * y } else { -x * y };
            }
        }
        out
    }

    fn holds(bound: Bound, values: &[i128]) -> bool {
        let Bound::Coefficients { most, count } = bound else { return false };
        values.iter().all(|x| x.unsigned_abs() <= most.into())
            && values[count as usize..].iter().all(|&x| x == 0)
    }

    fn padded(values: &[i64]) -> (Vec<i128>, Bound) {
        let most = values.iter().map(|x| x.unsigned_abs()).max().unwrap_or(0);
        let mut out: Vec<i128> = values.iter().map(|&x| x.into()).collect();
        out.resize(N, 0);
        (out, Bound::Coefficients { most, count: values.len() as u32 })
    }

    proptest! {
        #[test]
        fn coefficients_stay_within_their_bound(
            a in prop::collection::vec(-1000i64..=1000, 0..=N),
            b in prop::collection::vec(-1000i64..=1000, 0..=N),
            c in -50i64..=50,
        ) {
            let ((a, bound_a), (b, bound_b)) = (padded(&a), padded(&b));
            prop_assert!(holds(bound_a.times("", bound_b, N).unwrap(), &product(&a, &b)));
            let sum: Vec<i128> = a.iter().zip(&b).map(|(a, b)| a - b).collect();
            prop_assert!(holds(bound_a.plus("", bound_b, N).unwrap(), &sum));
            let scaled: Vec<i128> = a.iter().map(|a| a * i128::from(c)).collect();
            prop_assert!(holds(bound_a.scaled(c.unsigned_abs()), &scaled));
            let mut shifted = a.clone();
            shifted[0] += i128::from(c);
            prop_assert!(holds(bound_a.plus_constant(c.unsigned_abs()), &shifted));
        }
    }

    #[test]
    fn bounds_of_products_are_reached() {
        let (ones, bound) = padded(&[1; N]);
        let reached = product(&ones, &ones).into_iter().map(i128::unsigned_abs).max();
        assert_eq!(bound.times("", bound, N).unwrap().most().map(u128::from), reached);
        let slots = Bound::Slots { most: 7 };
        assert_eq!(slots.times("", slots, N), Ok(Bound::Slots { most: 49 }));
        assert_eq!(slots.plus("", slots, N), Ok(Bound::Slots { most: 14 }));
        // Beyond 64 bits a bound stays at the largest there is.
        assert_eq!(slots.scaled(u64::MAX).scaled(9).most(), Some(u64::MAX));
    }

    #[test]
    fn what_is_stated_and_what_stands_side_by_side() {
        assert_eq!(Bound::of_slots(Some(7), 0), Bound::Slots { most: 0 });
        assert_eq!(Bound::of_slots(Some(7), 3), Bound::Slots { most: 7 });
        assert_eq!(
            (Bound::of_slots(None, 3), Bound::of_coefficients(None, 3)),
            (Bound::Modulo, Bound::Modulo)
        );
        let (a, b) = (Bound::of_coefficients(Some(7), 3), Bound::of_coefficients(Some(9), 6));
        assert_eq!(a.beside("", b, N), Ok(Bound::Coefficients { most: 9, count: 8 }));
        assert_eq!(a.after_automorphism(N), Bound::Coefficients { most: 7, count: 8 });
        let constant = Bound::of_coefficients(Some(7), 1);
        assert_eq!(
            (constant.after_automorphism(N), constant.anywhere(N)),
            (constant, Bound::of_coefficients(Some(7), N))
        );
        assert_eq!(Bound::of_coefficients(Some(7), 0).most(), Some(0));
    }

    #[test]
    fn what_is_modulo_t_stays_so_and_places_do_not_mix() {
        let (slots, other) = (Bound::Slots { most: 3 }, Bound::Coefficients { most: 2, count: 1 });
        for bound in [slots, other, Bound::Modulo] {
            assert_eq!(bound.plus("", Bound::Modulo, N), Ok(Bound::Modulo));
            assert_eq!(Bound::Modulo.times("", bound, N), Ok(Bound::Modulo));
        }
        assert_eq!(Bound::Modulo.scaled(9).plus_constant(1).within("", 2), Ok(Bound::Modulo));
        let text = slots.times("product", other, N).unwrap_err().to_string();
        assert!(
            ["product", "slots up to 3", "1 coefficients up to 2", "modulo t"]
                .iter()
                .all(|p| text.contains(p))
        );
        assert!(other.plus("add", slots, N).is_err());
    }

    #[test]
    fn a_bound_is_within_half_the_modulus_or_an_error_with_both_sides() {
        let slots = |most| Bound::Slots { most };
        assert_eq!(slots(48).within("", 97), Ok(slots(48)));
        let text = slots(49).within("add", 97).unwrap_err().to_string();
        assert!(["add", "49", "48", "97", "modular"].iter().all(|part| text.contains(part)), "{text}");
        // It may be stated up to half of an even modulus; but that is its own negative, and nothing is computed with it.
        assert!(slots(8).stated("", 16).is_ok() && slots(9).stated("", 16).is_err());
        assert!(slots(8).within("", 16).is_err() && slots(7).within("", 16).is_ok());
    }

    #[test]
    fn bytes_are_read_as_they_were_written() {
        let read = |bytes: &[u8]| Bound::read(&mut Reader::new(bytes), 97, N);
        let written = |bound: Bound| {
            let mut out = Writer::new();
            bound.write(&mut out);
            out.finish()
        };
        for bound in [Bound::Modulo, Bound::Slots { most: 48 }, Bound::Coefficients { most: 0, count: 8 }] {
            let bytes = written(bound);
            assert_eq!((bytes.len(), read(&bytes)), (Bound::BYTES, Ok(bound)));
            for cut in 0..bytes.len() {
                assert!(read(&bytes[..cut]).is_err());
            }
        }
        for bound in [Bound::Slots { most: 49 }, Bound::Coefficients { most: 1, count: 9 }] {
            assert!(read(&written(bound)).is_err());
        }
        // One encoding each: what is modulo t has no magnitude, and slots no number of coefficients.
        for (at, kind) in [(0, 3), (1, 0), (9, 0), (9, 1)] {
            let mut bytes = written(Bound::Slots { most: 0 });
            bytes[0] = kind;
            bytes[at] = if at == 0 { kind } else { 1 };
            assert!(read(&bytes).is_err(), "{at} {kind}");
        }
    }
}
