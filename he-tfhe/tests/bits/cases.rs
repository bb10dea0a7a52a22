//! Every operation: its circuit, its method on ciphertexts, and what it has to be.

use he_tfhe::Error;
use he_tfhe::bits::clear::{self, unsigned};
use he_tfhe::bits::{BitEvaluator, Bits, Carry, Circuit};

pub(crate) type Run = fn(&BitEvaluator<'_>, &[Bits], &[Bits]) -> Result<Vec<Vec<Bits>>, Error>;
pub(crate) type Plain = fn(&[i64], usize) -> Vec<i64>;

/// An operation, as circuit, on ciphertexts, and in plain arithmetic.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) build: fn(usize, Carry) -> Result<Circuit, Error>,
    pub(crate) run: Run,
    pub(crate) plain: Plain,
}

fn raw(value: i64, width: usize) -> i64 {
    unsigned(value, width) as i64
}

fn shift(value: i64, amount: i64, width: usize) -> i64 {
    value >> raw(amount, width).min(63)
}

/// Every operation, with operands of the width; values with sign.
pub(crate) const CASES: &[Case] = &[
    Case {
        name: "add",
        build: Circuit::add,
        run: |e, a, b| Ok(vec![e.add(a, b)?]),
        plain: |v, _| vec![v[0].wrapping_add(v[1])],
    },
    Case {
        name: "sub",
        build: Circuit::sub,
        run: |e, a, b| Ok(vec![e.sub(a, b)?]),
        plain: |v, _| vec![v[0].wrapping_sub(v[1])],
    },
    Case {
        name: "negate",
        build: Circuit::negate,
        run: |e, a, _| Ok(vec![e.negate(a)?]),
        plain: |v, _| vec![-v[0]],
    },
    Case {
        name: "abs",
        build: Circuit::abs,
        run: |e, a, _| Ok(vec![e.abs(a)?]),
        plain: |v, _| vec![v[0].abs()],
    },
    Case {
        name: "mul",
        build: Circuit::mul,
        run: |e, a, b| Ok(vec![e.mul(a, b)?]),
        plain: |v, _| vec![v[0].wrapping_mul(v[1])],
    },
    Case {
        name: "mul_full",
        build: Circuit::mul_full,
        run: |e, a, b| Ok(vec![e.mul_full(a, b)?]),
        plain: |v, _| vec![v[0].wrapping_mul(v[1])],
    },
    Case {
        name: "mul_fixed",
        build: |w, c| Circuit::mul_fixed(w, w / 2 + 1, c),
        run: |e, a, b| Ok(vec![e.mul_fixed(a, b, a[0].width() / 2 + 1)?]),
        plain: |v, w| vec![((i128::from(v[0]) * i128::from(v[1])) >> (w / 2 + 1)) as i64],
    },
    Case {
        name: "equal",
        build: |w, _| Circuit::equal(w),
        run: |e, a, b| Ok(vec![e.equal(a, b)?]),
        plain: |v, _| vec![i64::from(v[0] == v[1])],
    },
    Case {
        name: "less",
        build: Circuit::less,
        run: |e, a, b| Ok(vec![e.less(a, b)?]),
        plain: |v, _| vec![i64::from(v[0] < v[1])],
    },
    Case {
        name: "less_or_equal",
        build: Circuit::less_or_equal,
        run: |e, a, b| Ok(vec![e.less_or_equal(a, b)?]),
        plain: |v, _| vec![i64::from(v[0] <= v[1])],
    },
    Case {
        name: "less_unsigned",
        build: Circuit::less_unsigned,
        run: |e, a, b| Ok(vec![e.less_unsigned(a, b)?]),
        plain: |v, w| vec![i64::from(unsigned(v[0], w) < unsigned(v[1], w))],
    },
    Case {
        name: "min",
        build: Circuit::min,
        run: |e, a, b| Ok(vec![e.min(a, b)?]),
        plain: |v, _| vec![v[0].min(v[1])],
    },
    Case {
        name: "max",
        build: Circuit::max,
        run: |e, a, b| Ok(vec![e.max(a, b)?]),
        plain: |v, _| vec![v[0].max(v[1])],
    },
    Case {
        name: "shift_left",
        build: |w, _| Circuit::shift_left(w, w),
        run: |e, a, b| Ok(vec![e.shift_left(a, b)?]),
        plain: |v, w| vec![if raw(v[1], w) < w as i64 { v[0] << raw(v[1], w) } else { 0 }],
    },
    Case {
        name: "shift_right",
        build: |w, _| Circuit::shift_right(w, w),
        run: |e, a, b| Ok(vec![e.shift_right(a, b)?]),
        plain: |v, w| vec![shift(raw(v[0], w), v[1], w)],
    },
    Case {
        name: "shift_right_arithmetic",
        build: |w, _| Circuit::shift_right_arithmetic(w, w),
        run: |e, a, b| Ok(vec![e.shift_right_arithmetic(a, b)?]),
        plain: |v, w| vec![shift(v[0], v[1], w)],
    },
    Case {
        name: "div_rem_unsigned",
        build: Circuit::div_rem_unsigned,
        run: |e, a, b| Ok(e.div_rem_unsigned(a, b)?.to_vec()),
        plain: |v, w| match (raw(v[0], w), raw(v[1], w)) {
            (a, 0) => vec![-1, a],
            (a, b) => vec![a / b, a % b],
        },
    },
    Case {
        name: "div_rem",
        build: Circuit::div_rem,
        run: |e, a, b| Ok(e.div_rem(a, b)?.to_vec()),
        plain: |v, _| match (v[0], v[1]) {
            (a, 0) => vec![if a < 0 { 1 } else { -1 }, a],
            (a, b) => vec![a.wrapping_div(b), a.wrapping_rem(b)],
        },
    },
    Case {
        name: "div_unsigned",
        build: Circuit::div_unsigned,
        run: |e, a, b| Ok(vec![e.div_unsigned(a, b)?]),
        plain: |v, w| vec![raw(v[0], w).checked_div(raw(v[1], w)).unwrap_or(-1)],
    },
    Case {
        name: "div",
        build: Circuit::div,
        run: |e, a, b| Ok(vec![e.div(a, b)?]),
        plain: |v, _| vec![v[0].checked_div(v[1]).unwrap_or(if v[0] < 0 { 1 } else { -1 })],
    },
    Case {
        name: "reciprocal",
        build: |w, c| Circuit::reciprocal(w, w / 2, c),
        run: |e, a, _| Ok(vec![e.reciprocal(a, a[0].width() / 2)?]),
        plain: |v, w| vec![clear::reciprocal(v[0], w, w / 2).unwrap()],
    },
    Case {
        name: "exp_neg",
        build: |w, c| Circuit::exp_neg(w, w / 2, c),
        run: |e, a, _| Ok(vec![e.exp_neg(a, a[0].width() / 2)?]),
        plain: |v, w| vec![clear::exp_neg(unsigned(v[0], w), w, w / 2).unwrap() as i64],
    },
    Case {
        name: "sigmoid",
        build: |w, c| Circuit::sigmoid(w, w / 2, c),
        run: |e, a, _| Ok(vec![e.sigmoid(a, a[0].width() / 2)?]),
        plain: |v, w| vec![clear::sigmoid(v[0], w, w / 2).unwrap() as i64],
    },
];
