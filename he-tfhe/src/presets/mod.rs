//! Presets at 128 bits of security, named by the bits of messages and carries and by the failure probability.
//!
//! [`Spec::message_2_carry_2_failure_64`] has messages and carries of two bits each and fails with at most `2^-64` at a
//! bootstrap of the noisiest operand that it allows. Gates take the sets `gate_…`; the sets `table_…` have no carries and are
//! for single tables of that many bits; the `wide` set has the keys of packing and circuit bootstrapping besides.
//! [`Spec::approximate_table`] is for tables with a stated error.
//!
//! All but the last were derived from the formulas of [`noise`](crate::noise): `cargo run --release -p he-tfhe --example
//! derive` does it again, and with the argument `rust` prints these functions.

mod base;
mod gates;
mod insecure;
mod integers;
mod tables;

use crate::spec::Spec;

impl Spec {
    /// All presets with exact tables: name, set, and the most MiB for its keys.
    pub const PRESETS: [(&'static str, Self, f64); 19] = [
        ("gate_failure_40", Self::gate_failure_40(), 115.0),
        ("gate_failure_64", Self::gate_failure_64(), 115.0),
        ("gate_failure_128", Self::gate_failure_128(), 115.0),
        ("message_1_carry_1_failure_40", Self::message_1_carry_1_failure_40(), 115.0),
        ("message_1_carry_1_failure_64", Self::message_1_carry_1_failure_64(), 115.0),
        ("message_1_carry_1_failure_128", Self::message_1_carry_1_failure_128(), 115.0),
        ("message_2_carry_2_failure_40", Self::message_2_carry_2_failure_40(), 115.0),
        ("message_2_carry_2_failure_64", Self::message_2_carry_2_failure_64(), 115.0),
        ("message_2_carry_2_failure_128", Self::message_2_carry_2_failure_128(), 115.0),
        ("message_2_carry_2_wide_failure_64", Self::message_2_carry_2_wide_failure_64(), 215.0),
        ("message_3_carry_3_failure_64", Self::message_3_carry_3_failure_64(), 1000.0),
        ("message_4_carry_4_failure_40", Self::message_4_carry_4_failure_40(), 4000.0),
        ("table_5_failure_40", Self::table_5_failure_40(), 4000.0),
        ("table_5_failure_64", Self::table_5_failure_64(), 4000.0),
        ("table_6_failure_40", Self::table_6_failure_40(), 4000.0),
        ("table_6_failure_64", Self::table_6_failure_64(), 4000.0),
        ("table_7_failure_40", Self::table_7_failure_40(), 4000.0),
        ("table_7_failure_64", Self::table_7_failure_64(), 4000.0),
        ("table_8_failure_40", Self::table_8_failure_40(), 4000.0),
    ];
}
