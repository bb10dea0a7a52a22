//! The circuits of he-tfhe and its functions of bits in the clear.

use he_tfhe::bits::{self, Carry, Circuit};

use crate::numbers::Numbers;
use crate::run::Call;

fn carry(n: &mut Numbers) -> Carry {
    Carry::ALL[n.usize() % 3]
}

pub(crate) const CALLS: &[Call] = &[
    ("Circuit::bitand", |n| {
        let _ = Circuit::bitand(n.usize());
    }),
    ("Circuit::bitor", |n| {
        let _ = Circuit::bitor(n.usize());
    }),
    ("Circuit::bitxor", |n| {
        let _ = Circuit::bitxor(n.usize());
    }),
    ("Circuit::bitnot", |n| {
        let _ = Circuit::bitnot(n.usize());
    }),
    ("Circuit::equal", |n| {
        let _ = Circuit::equal(n.usize());
    }),
    ("Circuit::not_equal", |n| {
        let _ = Circuit::not_equal(n.usize());
    }),
    ("Circuit::select", |n| {
        let _ = Circuit::select(n.usize());
    }),
    ("Circuit::less", |n| {
        let _ = Circuit::less(n.usize(), carry(n));
    }),
    ("Circuit::less_or_equal", |n| {
        let _ = Circuit::less_or_equal(n.usize(), carry(n));
    }),
    ("Circuit::greater", |n| {
        let _ = Circuit::greater(n.usize(), carry(n));
    }),
    ("Circuit::greater_or_equal", |n| {
        let _ = Circuit::greater_or_equal(n.usize(), carry(n));
    }),
    ("Circuit::less_unsigned", |n| {
        let _ = Circuit::less_unsigned(n.usize(), carry(n));
    }),
    ("Circuit::less_or_equal_unsigned", |n| {
        let _ = Circuit::less_or_equal_unsigned(n.usize(), carry(n));
    }),
    ("Circuit::greater_unsigned", |n| {
        let _ = Circuit::greater_unsigned(n.usize(), carry(n));
    }),
    ("Circuit::greater_or_equal_unsigned", |n| {
        let _ = Circuit::greater_or_equal_unsigned(n.usize(), carry(n));
    }),
    ("Circuit::min", |n| {
        let _ = Circuit::min(n.usize(), carry(n));
    }),
    ("Circuit::max", |n| {
        let _ = Circuit::max(n.usize(), carry(n));
    }),
    ("Circuit::mul", |n| {
        let _ = Circuit::mul(n.usize(), carry(n));
    }),
    ("Circuit::mul_full", |n| {
        let _ = Circuit::mul_full(n.usize(), carry(n));
    }),
    ("Circuit::div_rem_unsigned", |n| {
        let _ = Circuit::div_rem_unsigned(n.usize(), carry(n));
    }),
    ("Circuit::div_rem", |n| {
        let _ = Circuit::div_rem(n.usize(), carry(n));
    }),
    ("Circuit::div_unsigned", |n| {
        let _ = Circuit::div_unsigned(n.usize(), carry(n));
    }),
    ("Circuit::div", |n| {
        let _ = Circuit::div(n.usize(), carry(n));
    }),
    ("Circuit::add", |n| {
        let _ = Circuit::add(n.usize(), carry(n));
    }),
    ("Circuit::sub", |n| {
        let _ = Circuit::sub(n.usize(), carry(n));
    }),
    ("Circuit::negate", |n| {
        let _ = Circuit::negate(n.usize(), carry(n));
    }),
    ("Circuit::abs", |n| {
        let _ = Circuit::abs(n.usize(), carry(n));
    }),
    ("Circuit::exp_neg", |n| {
        let _ = Circuit::exp_neg(n.usize(), n.usize(), carry(n));
    }),
    ("Circuit::mul_fixed", |n| {
        let _ = Circuit::mul_fixed(n.usize(), n.usize(), carry(n));
    }),
    ("Circuit::reciprocal", |n| {
        let _ = Circuit::reciprocal(n.usize(), n.usize(), carry(n));
    }),
    ("Circuit::sigmoid", |n| {
        let _ = Circuit::sigmoid(n.usize(), n.usize(), carry(n));
    }),
    ("Circuit::shift_left", |n| {
        let _ = Circuit::shift_left(n.usize(), n.usize());
    }),
    ("Circuit::shift_right", |n| {
        let _ = Circuit::shift_right(n.usize(), n.usize());
    }),
    ("Circuit::shift_right_arithmetic", |n| {
        let _ = Circuit::shift_right_arithmetic(n.usize(), n.usize());
    }),
    ("Circuit::rotate_left", |n| {
        let _ = Circuit::rotate_left(n.usize(), n.usize());
    }),
    ("Circuit::rotate_right", |n| {
        let _ = Circuit::rotate_right(n.usize(), n.usize());
    }),
    ("Circuit::bind", |n| {
        let _ = Circuit::add(4, Carry::Ripple).unwrap().bind(n.usize(), n.u64());
    }),
    ("Circuit::cost", |n| {
        let _ = Circuit::add(4, Carry::Ripple).unwrap().cost(n.usize(), n.usize());
    }),
    ("Circuit::evaluate", |n| {
        let _ = Circuit::mul(4, Carry::Ripple).unwrap().evaluate(&n.many(Numbers::u64));
    }),
    ("Circuit::evaluate_all", |n| {
        let (a, b) = (n.many(Numbers::u64), n.many(Numbers::u64));
        let _ = Circuit::add(4, Carry::Ripple).unwrap().evaluate_all(&[&a, &b]);
    }),
    ("bits/clear::signed", |n| {
        let _ = bits::clear::signed(n.u64(), n.usize());
    }),
    ("bits/clear::unsigned", |n| {
        let _ = bits::clear::unsigned(n.i64(), n.usize());
    }),
    ("bits/clear::exp_neg", |n| {
        let _ = bits::clear::exp_neg(n.u64(), n.usize(), n.usize());
    }),
    ("bits/clear::sigmoid", |n| {
        let _ = bits::clear::sigmoid(n.i64(), n.usize(), n.usize());
    }),
    ("bits/clear::reciprocal", |n| {
        let _ = bits::clear::reciprocal(n.i64(), n.usize(), n.usize());
    }),
];
