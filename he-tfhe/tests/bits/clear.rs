//! Circuits in the clear against plain arithmetic.

use he_tfhe::bits::clear::{self, signed, unsigned};
use he_tfhe::bits::{Carry, Circuit};
use proptest::prelude::*;

use crate::cases::{CASES, Case};

/// The circuit on tuples of values with sign, compared with the plain function.
fn check(case: &Case, circuit: &Circuit, width: usize, operands: &[Vec<i64>]) {
    let integers: Vec<Vec<u64>> =
        operands.iter().map(|values| values.iter().map(|&v| unsigned(v, width)).collect()).collect();
    let integers: Vec<&[u64]> =
        integers[..circuit.operand_widths().len()].iter().map(Vec::as_slice).collect();
    let results = circuit.evaluate_all(&integers).unwrap();
    for at in 0..operands[0].len() {
        let values: Vec<i64> = operands.iter().map(|values| values[at]).collect();
        let found: Vec<u64> = results.iter().map(|result| result[at]).collect();
        let wanted = (case.plain)(&values, width).into_iter().zip(circuit.output_widths());
        let wanted: Vec<u64> = wanted.map(|(value, width)| unsigned(value, width)).collect();
        assert_eq!(found, wanted, "{} of {values:?} at {width} bits", case.name);
    }
}

#[test]
fn every_operation_at_small_widths_on_all_pairs() {
    for width in [1, 2, 3, 5, 8] {
        let values = || 0..1_u64 << width;
        let pairs = values().flat_map(|a| values().map(move |b| (signed(a, width), signed(b, width))));
        let (a, b): (Vec<i64>, Vec<i64>) = pairs.unzip();
        for case in CASES
            .iter()
            .filter(|case| width > 1 || !["reciprocal", "exp_neg", "sigmoid"].contains(&case.name))
        {
            for carry in Carry::ALL {
                check(case, &(case.build)(width, carry).unwrap(), width, &[a.clone(), b.clone()]);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]
    #[test]
    fn every_operation_at_larger_widths(seed in proptest::collection::vec((any::<i64>(), 0..64_u32, any::<i64>(), 0..64_u32), 64)) {
        for width in [16, 32] {
            // Arithmetic shifts make small values as likely as large ones.
            let (a, b) = seed.iter().map(|&(a, i, b, j)| (signed((a >> i) as u64, width), signed((b >> j) as u64, width))).unzip();
            let operands = [a, b];
            for case in CASES {
                for carry in Carry::ALL {
                    check(case, &(case.build)(width, carry).unwrap(), width, &operands);
                }
            }
        }
    }
}

/// The most gates with rippling carries, at 8, 16 and 32 bits.
const BOUNDS: [(&str, [usize; 3]); 20] = [
    ("add", [15, 31, 63]),
    ("sub", [15, 31, 63]),
    ("negate", [13, 29, 61]),
    ("abs", [14, 30, 62]),
    ("mul", [85, 361, 1489]),
    ("mul_full", [176, 736, 3008]),
    ("mul_fixed", [159, 657, 2661]),
    ("equal", [15, 31, 63]),
    ("less", [8, 16, 32]),
    ("less_unsigned", [8, 16, 32]),
    ("min", [24, 48, 96]),
    ("max", [24, 48, 96]),
    ("shift_left", [53, 140, 347]),
    ("shift_right_arithmetic", [50, 136, 342]),
    ("div", [169, 541, 1861]),
    ("div_unsigned", [126, 450, 1674]),
    ("div_rem", [214, 634, 2050]),
    ("div_rem_unsigned", [157, 513, 1801]),
    ("reciprocal", [191, 587, 1955]),
    ("sigmoid", [160, 560, 2100]),
];

#[test]
fn gates_and_depths() {
    println!("gates/levels at 8, 16, 32 bits; ripple, Brent-Kung, Sklansky");
    for case in CASES {
        print!("{:24}", case.name);
        let bounds = BOUNDS.iter().find(|(name, _)| *name == case.name).map(|(_, bounds)| bounds);
        for (at, width) in [8, 16, 32].into_iter().enumerate() {
            for carry in Carry::ALL {
                let circuit = (case.build)(width, carry).unwrap();
                assert_eq!(circuit.gates(), circuit.levels().iter().sum());
                print!(" {:5}/{:<3}", circuit.gates(), circuit.depth());
            }
            let gates = (case.build)(width, Carry::Ripple).unwrap().gates();
            assert!(
                bounds.is_none_or(|bounds| gates <= bounds[at]),
                "{} at {width} bits: {gates}",
                case.name
            );
            print!(" |");
        }
        println!();
    }
}

#[test]
fn a_bound_operand_folds_away() {
    for case in CASES {
        let circuit = (case.build)(4, Carry::Ripple).unwrap();
        let integers: Vec<u64> = (0..16).collect();
        for value in (0..16).filter(|_| circuit.operand_widths().len() == 2) {
            let bound = circuit.bind(1, value).unwrap();
            assert!(bound.gates() < circuit.gates(), "{}", case.name);
            assert_eq!(
                bound.evaluate_all(&[&integers]).unwrap(),
                circuit.evaluate_all(&[&integers, &[value; 16]]).unwrap()
            );
        }
    }
    let gates = |circuit: Circuit, value| circuit.bind(1, value).unwrap().gates();
    assert_eq!(gates(Circuit::add(16, Carry::Sklansky).unwrap(), 0), 0);
    assert_eq!(gates(Circuit::mul(16, Carry::Ripple).unwrap(), 1 << 3), 0);
    assert_eq!(gates(Circuit::shift_left(16, 4).unwrap(), 3), 0);
    assert_eq!(gates(Circuit::less(16, Carry::Ripple).unwrap(), 0), 0);
    let all = Circuit::add(4, Carry::Ripple).unwrap().bind(0, 5).unwrap().bind(0, 6).unwrap();
    assert_eq!((all.evaluate(&[]).unwrap(), all.gates(), all.depth()), (vec![11], 0, 0));
}

#[test]
fn choices_take_the_condition() {
    let select = Circuit::select(6).unwrap();
    assert_eq!(select.gates(), 12);
    for (c, a, b) in [(0, 5, 9), (1, 5, 9), (1, 63, 0), (0, 63, 0)] {
        assert_eq!(select.evaluate(&[c, a, b]).unwrap(), [if c == 1 { a } else { b }]);
    }
}

/// A format, the largest error of the sigmoid in units of the last place, and the most gates.
const SIGMOIDS: [(usize, usize, f64, usize); 9] = [
    (8, 4, 1.3, 160),
    (16, 10, 1.6, 800),
    (16, 11, 1.6, 950),
    (16, 12, 1.6, 1050),
    (16, 14, 1.6, 1250),
    (16, 3, 1.3, 140),
    (12, 1, 1.1, 0),
    (32, 20, 2.5, 3200),
    (48, 40, 6.0, 14000),
];

#[test]
fn the_sigmoid_is_its_definition_and_close() {
    for (width, fraction, units, gates) in SIGMOIDS {
        // All integers, or equally many over the whole range.
        let step = if width <= 16 { 1 } else { (1_u64 << (width - 16)) - 1 };
        let integers: Vec<u64> = (0..1_u64 << width.min(16)).map(|i| i * step).collect();
        let unit = (fraction as f64).exp2();
        let wanted: Vec<u64> = integers
            .iter()
            .map(|&integer| clear::sigmoid(signed(integer, width), width, fraction).unwrap())
            .collect();
        for carry in Carry::ALL {
            let circuit = Circuit::sigmoid(width, fraction, carry).unwrap();
            assert_eq!(
                circuit.evaluate_all(&[&integers]).unwrap(),
                [wanted.as_slice()],
                "{width}.{fraction}"
            );
        }
        let error = |(&integer, &found): (&u64, &u64)| {
            let x = signed(integer, width) as f64 / unit;
            (found as f64 / unit - 1.0 / (1.0 + (-x).exp())).abs()
        };
        let worst = integers.iter().zip(&wanted).map(error).fold(0.0, f64::max);
        let circuit = Circuit::sigmoid(width, fraction, Carry::Ripple).unwrap();
        println!(
            "{width}.{fraction}: {} gates, {} levels, error 2^{:.2}",
            circuit.gates(),
            circuit.depth(),
            worst.log2()
        );
        assert!(worst * unit <= units && circuit.gates() <= gates);
        assert!((width, fraction) != (16, 10) || worst < 2_f64.powi(-7));
    }
}

#[test]
fn the_exponential_is_its_definition_and_close() {
    for (width, fraction, units) in [(8, 4, 1.0), (16, 10, 1.3), (16, 12, 1.5), (32, 20, 2.5), (48, 40, 8.0)]
    {
        let step = if width <= 16 { 1 } else { (1_u64 << (fraction - 13)) - 1 };
        let integers: Vec<u64> = (0..1_u64 << width.min(16)).map(|i| i * step).collect();
        let wanted: Vec<u64> =
            integers.iter().map(|&integer| clear::exp_neg(integer, width, fraction).unwrap()).collect();
        for carry in Carry::ALL {
            let circuit = Circuit::exp_neg(width, fraction, carry).unwrap();
            assert_eq!(
                circuit.evaluate_all(&[&integers]).unwrap(),
                [wanted.as_slice()],
                "{width}.{fraction}"
            );
        }
        let unit = (fraction as f64).exp2();
        for (&integer, &found) in integers.iter().zip(&wanted) {
            assert!(
                (found as f64 - unit * (-(integer as f64) / unit).exp()).abs() <= units,
                "{integer} at {width}.{fraction}"
            );
        }
    }
}

#[test]
fn what_is_out_of_range_is_an_error() {
    for width in [0, 65] {
        assert!(Circuit::add(width, Carry::Ripple).is_err() && Circuit::select(width).is_err());
        assert!(Circuit::shift_left(8, width).is_err() && Circuit::div(width, Carry::Ripple).is_err());
    }
    assert!(
        Circuit::mul_full(33, Carry::Ripple).is_err() && Circuit::mul_fixed(8, 9, Carry::Ripple).is_err()
    );
    assert!(Circuit::sigmoid(8, 8, Carry::Ripple).is_err() && Circuit::sigmoid(8, 0, Carry::Ripple).is_err());
    assert!(
        Circuit::sigmoid(64, 41, Carry::Ripple).is_err() && Circuit::sigmoid(64, 40, Carry::Ripple).is_ok()
    );
    assert!(
        Circuit::exp_neg(8, 8, Carry::Ripple).is_err() && Circuit::reciprocal(8, 8, Carry::Ripple).is_err()
    );
    assert!(
        Circuit::reciprocal(1, 0, Carry::Ripple).is_err() && Circuit::exp_neg(1, 0, Carry::Ripple).is_ok()
    );
    let add = Circuit::add(8, Carry::Ripple).unwrap();
    assert!(
        add.evaluate(&[1]).is_err() && add.evaluate_all(&[&[1, 2], &[3]]).is_err() && add.bind(2, 0).is_err()
    );
    assert!(Circuit::mul(64, Carry::Sklansky).is_ok() && Circuit::div_rem(64, Carry::BrentKung).is_ok());
    assert!(
        clear::sigmoid(0, 1, 0).is_err()
            && clear::exp_neg(0, 8, 41).is_err()
            && clear::reciprocal(1, 8, 8).is_err()
    );
}
