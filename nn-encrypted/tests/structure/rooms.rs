//! The top-level modules of each crate stand on floors, and arrows between them run downwards.

use std::collections::{BTreeMap, BTreeSet};

use crate::arrows::arrows;
use crate::crates::Sources;
use crate::workspace::{code, members};

/// Modules from the ground up, each with those it uses: earlier ones only.
type Floors = [(&'static str, &'static str)];

const HE_CORE: &Floors = &[
    ("brief", ""),
    ("circuits", ""),
    ("modulus", ""),
    ("wire", ""),
    ("prime", "modulus"),
    ("ring", "modulus prime"),
    ("rlwe", "modulus wire prime ring"),
];

const HE_BGV: &Floors = &[
    ("chaos", ""),
    ("error", ""),
    ("noise", "chaos"),
    ("params", "error noise"),
    ("ciphertext", "error noise params"),
    ("elements", "params"),
    ("plaintext", "error params"),
    ("encoder", "error params plaintext"),
    ("keys", "error params ciphertext elements plaintext"),
    ("encryption", "error params ciphertext plaintext keys"),
    ("evaluator", "error noise params ciphertext plaintext keys"),
    ("wire", "chaos noise params ciphertext"),
    ("levels", "error noise ciphertext evaluator"),
    ("products", "error noise ciphertext plaintext evaluator"),
    ("linear", "error params ciphertext plaintext encoder evaluator"),
    ("matrix", "error noise ciphertext evaluator"),
    ("rotation", "error noise ciphertext elements evaluator"),
    ("transform", "error params ciphertext elements plaintext encoder keys evaluator"),
    ("split", "error ciphertext plaintext encoder encryption"),
    ("portable", "params ciphertext keys wire"),
];

const HE_BFV: &Floors = &[
    ("params", ""),
    ("ciphertext", "params"),
    ("keys", "params ciphertext"),
    ("encryption", "ciphertext keys"),
    ("evaluator", "params ciphertext keys"),
    ("products", "ciphertext evaluator"),
    ("rotation", "ciphertext evaluator"),
    ("wire", "params ciphertext"),
    ("split", "ciphertext encryption"),
    ("portable", "params ciphertext keys wire"),
];

const HE_CKKS: &Floors = &[
    ("approximation", ""),
    ("estimate", ""),
    ("precision", ""),
    ("error", "approximation"),
    ("spec", "error"),
    ("params", "estimate error spec"),
    ("ciphertext", "estimate error params"),
    ("elements", "params"),
    ("plaintext", "estimate error params"),
    ("encoder", "error params plaintext"),
    ("keys", "error params ciphertext elements plaintext"),
    ("encryption", "estimate error params ciphertext plaintext keys"),
    ("evaluator", "estimate error params ciphertext plaintext keys"),
    ("levels", "estimate error ciphertext evaluator"),
    ("polynomial", "approximation estimate error ciphertext evaluator"),
    ("products", "estimate error ciphertext plaintext evaluator"),
    ("rotation", "estimate error ciphertext elements evaluator"),
    ("slot_integers", "error ciphertext evaluator"),
    ("linear", "estimate error params ciphertext elements plaintext keys evaluator rotation"),
    ("bootstrap", "approximation estimate error spec params ciphertext keys evaluator polynomial linear"),
    ("wire", "estimate error params ciphertext keys bootstrap"),
    ("split", "error ciphertext plaintext encoder encryption"),
    ("portable", "spec params ciphertext keys bootstrap wire"),
];

const HE_TFHE: &Floors = &[
    ("error", ""),
    ("packed", ""),
    ("ring", ""),
    ("spec", ""),
    ("torus", ""),
    ("noise", "spec"),
    ("presets", "spec"),
    ("keyswitch", "spec torus"),
    ("params", "error spec noise"),
    ("phases", "error params"),
    ("lwe", "error params"),
    ("object", "params"),
    ("rotation", "packed ring torus params"),
    ("secret", "error params object"),
    ("seeded", "error params phases lwe secret"),
    ("decryption", "error phases lwe secret"),
    ("keys", "error packed params keyswitch secret"),
    ("evaluator", "error params lwe keys"),
    ("table", "error torus params phases"),
    ("bootstrap", "error packed ring torus params lwe noise rotation evaluator table"),
    ("packing", "error packed ring torus params lwe noise rotation evaluator"),
    ("public_key", "error torus params lwe noise secret packing"),
    ("encryption", "error params phases lwe secret seeded public_key"),
    ("wire", "spec params lwe object keys seeded public_key"),
    ("portable", "spec params lwe object keys seeded public_key"),
    ("phase", "error spec noise params lwe rotation secret evaluator"),
    ("sums", "error lwe evaluator"),
    ("circuit", "error packed ring params lwe rotation keys evaluator table bootstrap packing"),
    ("full", "error params lwe evaluator table bootstrap"),
    ("gates", "error phases lwe evaluator table bootstrap"),
    ("softmax", "error lwe evaluator table phase"),
    ("bits", "error params phases lwe secret seeded decryption encryption evaluator gates"),
    ("wide", "error ring torus params phases lwe noise evaluator packing circuit"),
    ("digits", "error params lwe secret seeded decryption encryption evaluator table bootstrap wide"),
];

const HE_YASHE: &Floors = &[
    ("digits", ""),
    ("error", ""),
    ("security", ""),
    ("noise", "digits"),
    ("params", "error security noise"),
    ("plaintext", "error params"),
    ("ciphertext", "error noise params"),
    ("keys", "digits error params"),
    ("encryption", "error plaintext ciphertext keys"),
    ("evaluator", "digits error noise params plaintext ciphertext keys"),
    ("wire", "digits error noise params ciphertext keys"),
    ("split", "error plaintext ciphertext encryption"),
    ("portable", "params ciphertext keys wire"),
];

const HE_SWITCH: &Floors = &[
    ("request", ""),
    ("rings", ""),
    ("error", "request"),
    ("shared", "error"),
    ("top", "rings"),
    ("params", "error shared"),
    ("secret", "error params"),
    ("expand", "error rings params"),
    ("ring_switch", "error rings params"),
    ("bgv_to_tfhe", "error rings top params ring_switch"),
    ("bgv_ckks", "error rings shared top"),
    ("bgv", "error shared bgv_ckks"),
    ("ckks_to_tfhe", "error rings params ring_switch"),
    ("tfhe_to_ckks", "error rings params bgv_ckks ckks_to_tfhe"),
    ("tfhe_to_bgv", "error params bgv_ckks tfhe_to_ckks"),
    (
        "evaluation",
        "request error params secret expand ring_switch bgv_to_tfhe bgv_ckks ckks_to_tfhe tfhe_to_ckks",
    ),
    (
        "switcher",
        "request error params expand bgv_to_tfhe bgv_ckks ckks_to_tfhe tfhe_to_ckks tfhe_to_bgv evaluation",
    ),
    ("wire", "shared params secret expand ring_switch bgv_to_tfhe bgv_ckks bgv ckks_to_tfhe tfhe_to_ckks"),
    ("tables", "error rings shared top expand bgv_ckks wire"),
];

const NN_ENCRYPTED: &Floors = &[
    ("activation", ""),
    ("meter", ""),
    ("metrics", ""),
    ("tag", ""),
    ("tls", ""),
    ("data", "metrics"),
    ("fetch", "tls data"),
    ("frozen", "activation metrics data"),
    ("recipe", "activation data"),
    ("network", "activation recipe"),
    ("exchange", "activation data recipe network"),
    ("model", "data network"),
    ("numbers", "activation recipe network model"),
    ("twin", "activation metrics data recipe network model numbers"),
    ("clear", "activation metrics data frozen recipe network model numbers twin"),
    ("program", "recipe network"),
    ("layout", "network program"),
    ("engine", "activation meter recipe network model numbers program layout"),
    ("roles/cipher", "meter network model numbers program layout engine"),
    ("plan", "activation data recipe network model numbers program layout engine roles/cipher"),
    ("roles", "meter tag recipe network model program engine roles/cipher plan"),
    (
        "run",
        "activation meter metrics tag data fetch frozen recipe network exchange model numbers twin clear program engine \
         roles/cipher plan roles",
    ),
    ("net", "meter tls data recipe network engine plan roles run"),
    ("fit", "data recipe model net run twin"),
    ("cli", "data fetch frozen recipe run net"),
    (
        "internals",
        "activation metrics data exchange frozen twin program layout engine roles/cipher plan run net",
    ),
    ("main", "cli"),
];

const PYTHON: &Floors = &[
    ("error", ""),
    ("numbers", "error"),
    ("schemes", ""),
    ("threads", ""),
    ("trained", "error numbers threads"),
    ("task", "error numbers threads trained"),
    ("lib", "schemes task trained"),
];

const BENCH: &Floors = &[
    ("pages", ""),
    ("security", "pages"),
    ("operations", "pages"),
    ("regress", "pages operations"),
    ("scaling", "pages operations"),
    ("papers", "pages"),
    ("main", "security regress scaling papers"),
];

const CRATES: [(&str, &Floors); 10] = [
    ("he-core", HE_CORE),
    ("he-bgv", HE_BGV),
    ("he-bfv", HE_BFV),
    ("he-ckks", HE_CKKS),
    ("he-tfhe", HE_TFHE),
    ("he-yashe", HE_YASHE),
    ("he-switch", HE_SWITCH),
    ("nn-encrypted", NN_ENCRYPTED),
    ("nn-encrypted/python", PYTHON),
    ("bench", BENCH),
];

/// Modules inside another that have a floor of their own.
const INNER: [&str; 1] = ["roles/cipher"];

/// The module with a floor that a file stands in.
fn room(file: &str) -> String {
    let stands_in = |inner: &&&str| {
        file.strip_prefix(**inner).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    match INNER.iter().find(stands_in) {
        Some(inner) => (*inner).to_owned(),
        None => file.split('/').next().unwrap_or(file).to_owned(),
    }
}

/// Modules, the modules each uses, and the arrows between files that show it.
type Rooms = BTreeMap<String, BTreeMap<String, BTreeSet<String>>>;

/// The arrows between the top-level modules of a crate. Its root only says which there are.
fn rooms(package: &str, sources: &Sources) -> Rooms {
    let mut out = Rooms::new();
    for (from, to) in arrows(package, sources) {
        let uses = out.entry(room(&from)).or_default();
        for (to, paths) in to.into_iter().filter(|(to, _)| room(to) != room(&from)) {
            let paths: Vec<String> = paths.into_iter().collect();
            uses.entry(room(&to)).or_default().insert(format!("{from} → {to}: {}", paths.join(", ")));
        }
    }
    out.retain(|room, uses| room != "lib" || !uses.is_empty());
    out
}

/// Where the arrows of a crate are not those of its table, and where the table itself runs upwards.
fn complaints(package: &str, found: &Rooms, floors: &Floors, upwards: &[(&str, &str, &str)]) -> Vec<String> {
    let mut out = Vec::new();
    let exceptions = upwards.iter().filter(|(of, ..)| *of == package).map(|&(_, from, to)| (from, to));
    let mut allowed: BTreeSet<(&str, &str)> = exceptions.clone().collect();
    for (floor, (from, uses)) in floors.iter().enumerate() {
        let below = |to: &str| floors[..floor].iter().any(|(lower, _)| *lower == to);
        allowed.extend(uses.split_whitespace().map(|to| (*from, to)));
        out.extend(
            uses.split_whitespace().filter(|to| !below(to)).map(|to| format!("{to} is not below {from}")),
        );
        if let Some((_, to)) = exceptions.clone().find(|(up, to)| up == from && below(to)) {
            out.push(format!("{from} → {to} runs downwards: it is no exception"));
        }
        if !found.contains_key(*from) {
            out.push(format!("there is no {from}: take it out of the table"));
        }
    }
    for (from, uses) in found {
        if !floors.iter().any(|(room, _)| room == from) {
            out.push(format!("{from} has no floor, it uses {:?}", uses.keys()));
        }
        let news = uses.iter().filter(|(to, _)| !allowed.remove(&(from.as_str(), to.as_str())));
        for (to, files) in news {
            let files: Vec<&str> = files.iter().map(String::as_str).collect();
            out.push(format!("{from} may not use {to}:\n    {}", files.join("\n    ")));
        }
    }
    out.extend(
        allowed.iter().map(|(from, to)| format!("{from} no longer uses {to}: take it out of the table")),
    );
    out.into_iter().map(|line| format!("{package}: {line}")).collect()
}

#[test]
fn arrows_between_modules_are_those_of_the_table() {
    let mut all = Vec::new();
    for name in members().keys() {
        let (_, floors) =
            (CRATES.iter().find(|(of, _)| of == name)).unwrap_or_else(|| panic!("{name} has no table"));
        all.extend(complaints(name, &rooms(name, &code(name)), floors, &[]));
    }
    assert!(all.is_empty(), "\n{}", all.join("\n"));
}

#[test]
fn the_ring_knows_no_secret_and_the_rlwe_layer_no_circuit() {
    let may_not = |from: &str, to: &[&str]| {
        let (_, uses) = HE_CORE.iter().find(|(room, _)| *room == from).expect("a module of he-core");
        assert!(!uses.split_whitespace().any(|used| to.contains(&used)), "{from}");
    };
    ["modulus", "prime", "wire"].iter().for_each(|ground| may_not(ground, &["ring", "rlwe", "circuits"]));
    may_not("ring", &["rlwe", "circuits"]);
    may_not("rlwe", &["circuits"]);
    may_not("circuits", &["rlwe"]);
}

#[test]
fn planted_faults_are_found() {
    let sources = |ring: &str, rlwe: &str| {
        let files = [
            ("lib.rs", "pub mod ring; pub mod rlwe; pub use rlwe::Key;"),
            ("ring/mod.rs", "mod poly; pub use poly::Poly;"),
            ("ring/poly.rs", ring),
            ("rlwe.rs", rlwe),
        ];
        files.into_iter().map(|(file, text)| (file.to_owned(), text.to_owned())).collect::<Sources>()
    };
    let told = |ring: &str, rlwe: &str, floors: &Floors, upwards: &[(&str, &str, &str)]| {
        complaints("some-crate", &rooms("some-crate", &sources(ring, rlwe)), floors, upwards).join("\n")
    };
    let floors: &Floors = &[("ring", ""), ("rlwe", "ring")];
    let (poly, key) = ("pub struct Poly;", "use crate::ring::Poly; pub struct Key(Poly);");
    assert_eq!(told(poly, key, floors, &[]), "");

    let up = "pub struct Poly; fn f(_: &crate::Key) {}";
    let fault = told(up, key, floors, &[]);
    assert!(fault.contains("ring may not use rlwe:\n    ring/poly → rlwe: crate::Key"), "{fault}");
    assert_eq!(told(up, key, floors, &[("some-crate", "ring", "rlwe")]), "");
    let stale = told(poly, key, floors, &[("some-crate", "ring", "rlwe")]);
    assert!(stale.contains("ring no longer uses rlwe"), "{stale}");

    assert!(told(poly, "pub struct Key;", floors, &[]).contains("rlwe no longer uses ring"));
    assert!(told(poly, key, &[("rlwe", "ring"), ("ring", "")], &[]).contains("ring is not below rlwe"));
    assert!(told(poly, key, &[("ring", "")], &[]).contains("rlwe has no floor"));
    assert!(
        told(poly, key, &[("ring", ""), ("rlwe", "ring"), ("wire", "")], &[]).contains("there is no wire")
    );
    let down = told(poly, key, floors, &[("some-crate", "rlwe", "ring")]);
    assert!(down.contains("rlwe → ring runs downwards"), "{down}");
}
