//! Encoders: what goes in comes out, slots multiply one by one, automorphisms move them as documented.

use he_bgv::rotation::row_element;
use he_bgv::{Encoder, Error, OperandError, Parameters, Plaintext, Spec};
use he_core::Modulus;
use he_core::ring::automorphism::apply_coefficients;
use he_core::ring::naive::negacyclic_mul;
use proptest::prelude::*;

use crate::world::{Choices, insecure, rotated, swapped};

fn params(log_n: u32, bits: u32) -> Parameters {
    insecure(log_n, Spec::slot_modulus(log_n, bits).unwrap(), &[50], &[], 1)
}

/// A plaintext of the same ring from coefficients.
fn plaintext(encoder: &Encoder, t: &Modulus, coefficients: &[u64]) -> Plaintext {
    encoder.encode_coefficients(&coefficients.iter().map(|&c| t.center(c)).collect::<Vec<_>>()).unwrap()
}

#[test]
fn slots_are_evaluations_that_multiply_and_move() {
    for (log_n, bits) in [(3, 5), (4, 10), (6, 17), (8, 30), (9, 49)] {
        let (params, mut choices) = (params(log_n, bits), Choices::new(log_n.into()));
        let (encoder, t, n) = (Encoder::new(&params), params.t(), params.n());
        assert_eq!(encoder.slots().unwrap(), n);
        let [x, y]: [Vec<i64>; 2] =
            [(); 2].map(|()| (0..n).map(|_| t.center(t.reduce(choices.word()))).collect());
        let [px, py] = [&x, &y].map(|v| encoder.encode(v).unwrap());
        assert_eq!(encoder.decode(&px).unwrap(), x);
        assert!(px.coefficients().iter().all(|&c| c < t.value()));
        let product = plaintext(&encoder, t, &negacyclic_mul(px.coefficients(), py.coefficients(), t));
        let expected: Vec<i64> =
            x.iter().zip(&y).map(|(&x, &y)| t.center(t.mul(t.reduce_i64(x), t.reduce_i64(y)))).collect();
        assert_eq!(encoder.decode(&product).unwrap(), expected);
        let turned = |g| {
            let mut out = vec![0; n];
            apply_coefficients(t, &mut out, px.coefficients(), g);
            encoder.decode(&plaintext(&encoder, t, &out)).unwrap()
        };
        // Every rotation, and every one with the swap.
        for k in 0..n / 2 {
            let g = row_element(&params, k);
            assert_eq!(turned(g), rotated(&x, k), "rows by {k}");
            assert_eq!(turned(2 * n - g), swapped(&rotated(&x, k)), "rows by {k}, swapped");
        }
        assert_eq!(row_element(&params, n / 2), 1);
        // Constants are constants.
        let half = (t.value() / 2) as i64;
        for c in [0, 1, -1, half, -half] {
            let constant = encoder.encode(&vec![c; n]).unwrap();
            assert_eq!(constant.coefficients()[0], t.reduce_i64(c));
            assert!(constant.coefficients()[1..].iter().all(|&c| c == 0));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn both_encodings_come_back(
        log_n in 3u32..9,
        t in prop::sample::select(&[2u64, 3, 4, 17, 256, 1000, 65_537, 1 << 32, (1 << 49) - 1, 1 << 49][..]),
        words in prop::collection::vec(any::<u64>(), 0..256),
    ) {
        let params = insecure(log_n, t, &[50], &[], 1);
        let encoder = Encoder::new(&params);
        let values: Vec<i64> =
            words.iter().take(params.n()).map(|&w| params.t().center(params.t().reduce(w))).collect();
        let plaintext = encoder.encode_coefficients(&values).unwrap();
        let decoded = encoder.decode_coefficients(&plaintext);
        prop_assert_eq!(&decoded[..values.len()], &values[..]);
        prop_assert!(decoded[values.len()..].iter().all(|&v| v == 0));
        match encoder.encode(&values) {
            Ok(plaintext) => {
                let decoded = encoder.decode(&plaintext).unwrap();
                prop_assert_eq!(&decoded[..values.len()], &values[..]);
                prop_assert!(decoded[values.len()..].iter().all(|&v| v == 0));
            }
            Err(Error::NoSlots { t: found, n }) => {
                prop_assert_eq!((found, n), (t, params.n()));
                let is_slotted = [17u64, 65_537].contains(&t) && (t - 1) % (2 * n as u64) == 0;
                prop_assert!(!is_slotted);
            }
            Err(error) => prop_assert!(false, "{error}"),
        }
    }
}

#[test]
fn ends_of_the_range_are_encoded_and_nothing_beyond() {
    let params = params(4, 10);
    let (encoder, half) = (Encoder::new(&params), (params.t().value() / 2) as i64);
    assert_eq!(encoder.decode(&encoder.encode(&[half, -half]).unwrap()).unwrap()[..2], [half, -half]);
    for value in [half + 1, -half - 1, i64::MAX, i64::MIN] {
        for error in [encoder.encode(&[0, value]).err(), encoder.encode_coefficients(&[0, value]).err()] {
            assert!(
                matches!(error, Some(Error::ValueOutOfRange { value: v, index: 1, half: h }) if v == value && h == half)
            );
        }
    }
    assert!(matches!(
        encoder.encode(&[0; 17]),
        Err(Error::Operand(OperandError::TooManyValues { given: 17, capacity: 16 }))
    ));
    assert!(matches!(
        encoder.encode_coefficients(&[0; 17]),
        Err(Error::Operand(OperandError::TooManyValues { .. }))
    ));
    // Even moduli: the two ends are one residue, decoded as the positive one.
    let even = insecure(4, 256, &[50], &[], 1);
    let encoder = Encoder::new(&even).modular();
    let plaintext = encoder.encode_coefficients(&[128, -128, -127]).unwrap();
    assert_eq!(encoder.decode_coefficients(&plaintext)[..3], [128, 128, -127]);
    assert!(matches!(encoder.slots(), Err(Error::NoSlots { t: 256, n: 16 })));
    assert!(matches!(encoder.decode(&plaintext), Err(Error::NoSlots { .. })));
}

#[test]
fn plaintexts_are_equal_as_polynomials() {
    let params = params(4, 10);
    let encoder = Encoder::new(&params);
    let slots = encoder.encode(&[5; 16]).unwrap();
    assert_eq!(slots, encoder.encode_coefficients(&[5]).unwrap());
    assert_ne!(slots, encoder.encode_coefficients(&[4]).unwrap());
    let other = Encoder::new(&insecure(4, 193, &[50], &[], 1));
    assert_ne!(slots, other.encode_coefficients(&[5]).unwrap());
    assert!(matches!(other.decode(&slots), Err(Error::Operand(OperandError::Foreign { .. }))));
}

#[test]
fn plaintext_moduli_are_found_and_refused() {
    let t = Spec::slot_modulus(13, 20).unwrap();
    let next = Spec::slot_modulus_except(13, 20, &[t]).unwrap();
    assert!(next < t && t < 1 << 20 && t % (1 << 14) == 1 && next % (1 << 14) == 1);
    assert!(Spec::slot_modulus(13, 14).is_err() && Spec::slot_modulus(13, 0).is_err());
    for t in [0, 1, (1 << 49) + 1, u64::MAX] {
        let spec = Spec { plaintext_modulus: t, ..Spec::n8192() };
        assert!(matches!(spec.build(), Err(Error::PlaintextModulus(found)) if found == t));
    }
    for log_n in [0, 2, 18, 64] {
        let spec = Spec { log_n, ..Spec::n8192() };
        assert!(matches!(spec.build_insecure("a test"), Err(Error::Parameters(_))), "2^{log_n}");
    }
    // The primes of the chain avoid the plaintext modulus.
    let t = he_core::prime::primes_below(1 << 41, 1 << 14, 1).unwrap()[0];
    let spec = Spec { plaintext_modulus: t, ..Spec::n8192() };
    assert!(!spec.build().unwrap().rlwe().spec().q.contains(&t));
}

#[test]
fn plaintexts_are_printed_without_what_they_hold() {
    let plaintext = Encoder::new(&params(4, 20)).encode(&[77_777; 16]).unwrap();
    let printed = format!("{plaintext:?}");
    assert_eq!(plaintext.coefficients()[0], 77_777);
    assert!(printed.starts_with("Plaintext { n: 16, t: ") && !printed.contains("77777"), "{printed}");
}

#[test]
fn presets_have_the_largest_moduli_of_their_size() {
    for (spec, bits) in [(Spec::n8192(), 20), (Spec::n16384(), 24)] {
        assert_eq!(spec.plaintext_modulus, Spec::slot_modulus(spec.log_n, bits).unwrap());
    }
}
