//! Calls of functions, what counts as one that has to be called, and what a call may do.

use std::alloc::System;
use std::collections::BTreeSet;
use std::panic::catch_unwind;

use cap::Cap;
use syn::visit::{self, Visit};
use syn::{Attribute, Expr, ExprLit, FnArg, Lit, Meta, Signature};

use crate::list;
use crate::numbers::Numbers;

/// A function, by its name, and a call of it.
pub(crate) type Call = (&'static str, fn(&mut Numbers));

#[global_allocator]
static ALLOCATOR: Cap<System> = Cap::new(System, 1 << 33);

/// The most memory that a call in a small ring takes.
const MOST_BYTES: usize = 64 << 20;

/// Functions of he-core on residues, limbs and indices that their callers keep in range, as the first lines of their modules say.
const ON_RESIDUES: [&str; 24] = [
    "BaseConverter::limb",
    "BaseConverter::limb_approximate",
    "BaseConverter::limbs",
    "BaseConverter::values",
    "Ciphertext::add_integer_assign",
    "Ciphertext::mul_integer",
    "Ciphertext::mul_scalars",
    "Gaussian::sample",
    "Poly::add_integer_assign",
    "Poly::limb",
    "Poly::mul_integer_assign",
    "Poly::mul_scalars_assign",
    "Poly::uniform",
    "Prng::uniform",
    "ring/automorphism::apply_coefficients",
    "ring/kernel::add_assign",
    "ring/kernel::center_reduce",
    "ring/kernel::mul_add_assign",
    "ring/kernel::mul_assign",
    "ring/kernel::mul_scalar_add_assign",
    "ring/kernel::mul_scalar_assign",
    "ring/kernel::neg_assign",
    "ring/kernel::sub_assign",
    "ring/kernel::sub_mul_scalar_assign",
];

/// Asserts that the calls are of all public functions of a package that take a number.
pub(crate) fn check_list(package: &str, calls: &[Call]) {
    let called: BTreeSet<String> = calls.iter().map(|(name, _)| (*name).to_owned()).collect();
    // Of rings and of what a test's oracle takes: their callers keep a precondition that the documentation states.
    let there = list::functions(
        package,
        match package {
            "he-core" | "he-yashe" => {
                |_, signature, attributes| takes_numbers(signature) && !states_panics(attributes)
            }
            _ => |_, signature, _| takes_numbers(signature),
        },
    );
    let is_kept = |name: &&String| package == "he-core" && ON_RESIDUES.contains(&name.as_str());
    let missing: Vec<&String> = there.difference(&called).filter(|name| !is_kept(name)).collect();
    let gone: Vec<&String> = called.difference(&there).collect();
    assert!(missing.is_empty() && gone.is_empty(), "{package}: not called {missing:?}, not there {gone:?}");
}

/// So many calls of each function.
pub(crate) fn call_all(package: &str, calls: &[Call], each: u64) {
    let mut bad = Vec::new();
    for (name, call) in calls {
        for seed in 0..each {
            let (before, most) = (ALLOCATOR.allocated(), ALLOCATOR.max_allocated());
            let panicked = catch_unwind(|| call(&mut Numbers::new(seed))).is_err();
            let after = ALLOCATOR.max_allocated();
            if panicked {
                bad.push(format!("{package} {name} panics with numbers of seed {seed}"));
            } else if after > most && after - before > MOST_BYTES {
                let megabytes = (after - before) >> 20;
                bad.push(format!("{package} {name} takes {megabytes} MB with numbers of seed {seed}"));
            } else {
                continue;
            }
            break;
        }
    }
    println!("{package}: {} functions, {} calls", calls.len(), calls.len() as u64 * each);
    assert!(bad.is_empty(), "{}", bad.join("\n"));
}

/// Whether the documentation states when a function panics.
fn states_panics(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| match &attribute.meta {
        Meta::NameValue(doc) if doc.path.is_ident("doc") => match &doc.value {
            Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => text.value().trim() == "# Panics",
            _ => false,
        },
        _ => false,
    })
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
