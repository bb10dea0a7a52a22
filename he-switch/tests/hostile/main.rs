//! Hostile numbers: every public function of the four scheme crates that takes a number is called with numbers that nobody should
//! give it. None panics, and none takes more memory than the numbers justify.
//!
//! The list of functions is read from the sources: one that is not called here fails the test.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod bgv;
mod bridges;
mod circuits;
mod ckks;
mod list;
mod numbers;
mod tfhe;

use std::alloc::System;
use std::collections::BTreeSet;
use std::panic::catch_unwind;

use cap::Cap;
use syn::visit::{self, Visit};
use syn::{FnArg, Signature};

use numbers::Numbers;

/// A function, by its name, and a call of it.
type Call = (&'static str, fn(&mut Numbers));

#[global_allocator]
static ALLOCATOR: Cap<System> = Cap::new(System, 1 << 33);

/// The most memory that a call in a small ring takes.
const MOST_BYTES: usize = 64 << 20;

fn all() -> [(&'static str, Vec<Call>); 4] {
    [
        ("he-bgv", bgv::CALLS.to_vec()),
        ("he-ckks", ckks::CALLS.to_vec()),
        ("he-tfhe", [tfhe::CALLS, circuits::CALLS].concat()),
        ("he-switch", bridges::CALLS.to_vec()),
    ]
}

#[test]
fn every_function_with_numbers_is_called() {
    for (package, calls) in all() {
        let called: BTreeSet<String> = calls.iter().map(|(name, _)| (*name).to_owned()).collect();
        let there = list::functions(package, |_, signature| takes_numbers(signature));
        let missing: Vec<&String> = there.difference(&called).collect();
        let gone: Vec<&String> = called.difference(&there).collect();
        assert!(
            missing.is_empty() && gone.is_empty(),
            "{package}: not called {missing:?}, not there {gone:?}"
        );
    }
}

/// So many calls of each function.
fn call_all(each: u64) {
    let mut bad = Vec::new();
    for (package, calls) in all() {
        for (name, call) in calls {
            for seed in 0..each {
                let (before, most) = (ALLOCATOR.allocated(), ALLOCATOR.max_allocated());
                let panicked = catch_unwind(|| call(&mut Numbers::new(seed))).is_err();
                let after = ALLOCATOR.max_allocated();
                if panicked {
                    bad.push(format!("{package} {name} panics with numbers of seed {seed}"));
                } else if after > most && after - before > MOST_BYTES {
                    bad.push(format!(
                        "{package} {name} takes {} MB with numbers of seed {seed}",
                        (after - before) >> 20
                    ));
                } else {
                    continue;
                }
                break;
            }
        }
    }
    assert!(bad.is_empty(), "{}", bad.join("\n"));
}

/// Keys and tables are made before memory is measured.
fn prepared() {
    bgv::prepare();
    ckks::prepare();
    tfhe::prepare();
    bridges::prepare();
}

#[test]
fn no_number_panics() {
    prepared();
    call_all(30);
}

#[test]
#[ignore = "10^5 calls"]
fn no_number_panics_in_a_hundred_thousand_calls() {
    prepared();
    let functions: usize = all().iter().map(|(_, calls)| calls.len()).sum();
    call_all(100_000_u64.div_ceil(functions as u64));
}

/// Whether an argument has a number in it; functions that are given and bytes do not count.
fn takes_numbers(signature: &Signature) -> bool {
    let mut numbers = Primitives(false);
    for argument in &signature.inputs {
        if let FnArg::Typed(argument) = argument {
            numbers.visit_type(&argument.ty);
        }
    }
    numbers.0
}

struct Primitives(bool);

impl<'ast> Visit<'ast> for Primitives {
    fn visit_path(&mut self, path: &'ast syn::Path) {
        const NUMBERS: [&str; 12] =
            ["usize", "isize", "u16", "u32", "u64", "u128", "i16", "i32", "i64", "i128", "f64", "Steps"];
        self.0 |= NUMBERS.iter().any(|number| path.is_ident(number));
        visit::visit_path(self, path);
    }

    fn visit_parenthesized_generic_arguments(&mut self, _: &'ast syn::ParenthesizedGenericArguments) {}
}
