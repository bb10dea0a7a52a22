//! Arithmetic modulo `t` is asked for by name, in few places, each beside the place of the proof that nothing is lost by it: all other
//! arithmetic on integers is refused where it may wrap around.

use std::collections::BTreeMap;

use crate::crates::Sources;
use crate::workspace::code;

/// The two names by which it is asked for.
const NAMES: [&str; 2] = [".modular()", "Bound::Modulo"];

/// Where residues are taken for granted in `nn-encrypted`.
const RESIDUES: [&str; 2] = ["residue_encoder(", "RESIDUES"];

/// Lines of code, without comments and what stands behind `#[cfg(test)]`, that have one of the names, by file.
fn places(sources: &Sources, names: &[&str]) -> BTreeMap<String, usize> {
    let mut out = BTreeMap::new();
    for (file, text) in sources.iter().filter(|(file, _)| !file.ends_with("tests.rs")) {
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        let lines =
            code.lines().map(str::trim).filter(|line| !line.starts_with("//") && !line.starts_with("use "));
        let count = lines.filter(|line| names.iter().any(|name| line.contains(name))).count();
        if count > 0 {
            out.insert(file.clone(), count);
        }
    }
    out
}

fn expected(all: &[(&str, usize)]) -> BTreeMap<String, usize> {
    all.iter().map(|&(file, count)| (file.to_owned(), count)).collect()
}

#[test]
fn arithmetic_modulo_t_is_asked_for_where_it_is_proven() {
    // Both in `nn-encrypted` are documented with their proofs.
    let engines = expected(&[("engine/columns/yashe.rs", 1), ("engine/integers.rs", 2)]);
    assert_eq!(places(&code("nn-encrypted"), &NAMES), engines);
    // Bridges keep the bounds of what they are given.
    assert_eq!(places(&code("he-switch"), &NAMES), BTreeMap::new());
    // The matrix of a slot transform, whose product is a permutation of places; bounds are read and kept there.
    let below = expected(&[("transform.rs", 2)]);
    assert_eq!(places(&code("he-bgv"), &NAMES), below);
    for crates in ["he-bfv", "he-yashe"] {
        assert_eq!(places(&code(crates), &NAMES), BTreeMap::new(), "{crates}");
    }
}

#[test]
fn engines_and_their_clients_alone_take_residues() {
    let found = places(&code("nn-encrypted"), &RESIDUES);
    let expected = expected(&[
        ("engine/coefficients.rs", 3),
        ("engine/columns/integers.rs", 4),
        ("engine/columns/yashe.rs", 2),
        ("engine/integers.rs", 2),
        ("engine/slot_tables.rs", 1),
        ("engine/slots/bgv/channel.rs", 2),
        ("engine/slots/bgv/rehearsal.rs", 2),
        ("roles/cipher/bgv.rs", 1),
        ("roles/cipher/bgv/packing.rs", 1),
        ("roles/cipher/coefficients.rs", 1),
        ("roles/cipher/columns.rs", 3),
    ]);
    assert_eq!(found, expected);
}

#[test]
fn comments_and_tests_do_not_count() {
    let text = "// Encoder::new(p).modular()\nlet e = Encoder::new(p).modular();\n#[cfg(test)]\nmod tests { Bound::Modulo }";
    let sources: Sources =
        [("a.rs".to_owned(), text.to_owned()), ("noise_tests.rs".to_owned(), text.to_owned())].into();
    assert_eq!(places(&sources, &NAMES), expected(&[("a.rs", 1)]));
}
