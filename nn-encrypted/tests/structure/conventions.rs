//! Conventions that every public type keeps: `Debug` on all but secrets, errors that are printed alike by `Debug` and by `Display` and
//! may get further variants, `Send` and `Sync`.
//!
//! The compiler checks the types of the three lists in [`types`](crate::types); that the lists are complete is read from the sources.

use syn::{Attribute, Item};

use crate::crates::{Crate, Place};
use crate::public::Public;
use crate::types::{ERRORS, OBJECTS, SECRETS};
use crate::workspace::code;

const CRATES: [&str; 8] =
    ["he-core", "he-bgv", "he-bfv", "he-ckks", "he-tfhe", "he-yashe", "he-switch", "nn-encrypted"];

/// Error enums that may be matched whole: each scheme turns every variant into one of its own, and a third must not get past that.
const WHOLE: [&str; 1] = ["ValuesError"];

/// The module and the name of a type in a list, by the path that a user writes.
fn place(all: &Crate, path: &str) -> (usize, String) {
    let path = path.split('<').next().unwrap_or(path);
    let segments: Vec<String> = path.split("::").skip(1).map(|segment| segment.trim().to_owned()).collect();
    match all.resolve(0, &segments) {
        Some(Place::Item(module, name)) => (module, name),
        _ => panic!("{path} leads nowhere"),
    }
}

/// Name, attributes, and whether it is an enum, of a type.
fn public_type(item: &Item) -> Option<(String, &[Attribute], bool)> {
    match item {
        Item::Struct(item) => Some((item.ident.to_string(), &item.attrs, false)),
        Item::Enum(item) => Some((item.ident.to_string(), &item.attrs, true)),
        _ => None,
    }
}

/// Public types of a crate that are in none of the lists, and those in two.
fn unlisted(package: &str, lists: &[&[&str]]) -> Vec<String> {
    let all = Crate::read(package, &code(package));
    let prefix = format!("{}::", package.replace('-', "_"));
    let listed: Vec<_> = (lists.iter().flat_map(|list| list.iter()))
        .map(|path| path.replace(' ', ""))
        .filter(|path| path.starts_with(&prefix))
        .map(|path| place(&all, &path))
        .collect();
    let public = Public::shown(&all);
    let is_type = |(module, name): &&(usize, String)| {
        let items = all.modules[*module].items.iter();
        items.filter_map(public_type).any(|(found, ..)| found == *name)
    };
    (public.names.iter().filter(is_type))
        .filter(|place| listed.iter().filter(|listed| listed == place).count() != 1)
        .map(|(module, name)| format!("{package}: {name} in {}", all.modules[*module].file))
        .collect()
}

#[test]
fn every_public_type_is_in_one_list() {
    let wrong: Vec<String> =
        CRATES.iter().flat_map(|package| unlisted(package, &[OBJECTS, ERRORS, SECRETS])).collect();
    assert!(wrong.is_empty(), "public types in none of the lists or in two:\n{}", wrong.join("\n"));
    // One that is not listed is found.
    assert!(unlisted("he-bgv", &[&OBJECTS[1..], ERRORS]).iter().any(|line| line.contains("SecretKey")));
}

/// Whether a name is that of a secret, by itself; `Secret` is the distribution that a recipe chooses.
fn names_a_secret(name: &str) -> bool {
    name.starts_with("Secret") && !["Secret", "SecretId", "SecretDistribution"].contains(&name)
}

fn last(path: &str) -> &str {
    let path = path.split('<').next().unwrap_or(path);
    path.rsplit("::").next().unwrap_or(path).trim()
}

#[test]
fn secrets_and_errors_are_listed_as_such() {
    for path in OBJECTS {
        assert!(!names_a_secret(last(path)), "{path} is a secret by its name");
        assert!(!last(path).ends_with("Error"), "{path} is an error by its name");
    }
}

/// The words of an attribute: `derive`, and what is derived.
fn has_word(attributes: &[Attribute], wanted: &str) -> bool {
    attributes.iter().any(|attribute| match &attribute.meta {
        syn::Meta::Path(path) => path.is_ident(wanted),
        syn::Meta::List(list) => {
            list.path.is_ident("derive")
                && list.tokens.to_string().split(&[',', ' ']).any(|word| word == wanted)
        }
        syn::Meta::NameValue(_) => false,
    })
}

#[test]
fn errors_print_as_they_are_displayed_and_may_get_variants() {
    for package in CRATES {
        let all = Crate::read(package, &code(package));
        let prefix = format!("{}::", package.replace('-', "_"));
        for path in ERRORS.iter().map(|path| path.replace(' ', "")).filter(|path| path.starts_with(&prefix)) {
            let (module, name) = place(&all, &path);
            let items = all.modules[module].items.iter().filter_map(public_type);
            let (_, attributes, is_enum) =
                items.into_iter().find(|(found, ..)| *found == name).expect("a type");
            assert!(
                !has_word(attributes, "Debug"),
                "{path} derives Debug: a main that returns it prints fields"
            );
            let open = !is_enum || has_word(attributes, "non_exhaustive") || WHOLE.contains(&name.as_str());
            assert!(open, "{path} is not #[non_exhaustive]");
        }
    }
    let error = he_core::Modulus::new(1).expect_err("1 is no modulus");
    assert_eq!(format!("{error:?}"), error.to_string());
}

#[test]
fn large_objects_are_printed_in_a_line() {
    let spec = he_bgv::Spec { log_n: 5, ..he_bgv::Spec::n8192() };
    let params = spec.build_insecure("a test of Debug").expect("parameters");
    let key = he_bgv::SecretKey::generate(&params).expect("a key");
    let plaintext = he_bgv::Encoder::new(&params).encode(&[1, 2, 3]).expect("a plaintext");
    let c = he_bgv::Encryptor::with_secret(&key).encrypt(&plaintext).expect("a ciphertext");
    let keys = key.evaluation_keys(&he_bgv::KeyRequest::default().relinearization(1)).expect("keys");
    let text = format!("{c:?}");
    let id = key.secret_id().to_string();
    let parts = ["Ciphertext", &format!("level: {}", c.level()), "log2_noise", &id];
    assert!(parts.iter().all(|part| text.contains(part)), "{text}");
    for text in [text, format!("{keys:?}"), format!("{params:?}")] {
        assert!(text.len() < 500, "{} characters: {text}", text.len());
    }
}
