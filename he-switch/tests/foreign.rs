//! Another client's keys and ciphertexts: every bridge refuses them, and names both secrets; and the list of all operations of all
//! scheme crates that take two objects of a secret, read from the sources: one that no crate's test of this name has fails here.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "hostile/list.rs"]
mod list;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::slice::from_ref;
use std::sync::{Arc, LazyLock};

use he_bgv::transform::{Direction, SlotTransform};
use he_core::rlwe::{ForeignSecret, SecretId};
use he_switch::bgv::{self, BootstrapKeys, BootstrapSpec, Budget};
use he_switch::bgv_ckks::{self, Integers, Refresher};
use he_switch::bgv_to_tfhe::{self, BgvToTfhe};
use he_switch::ckks_to_tfhe::{self, CkksToTfhe};
use he_switch::expand::{Expander, combine};
use he_switch::tfhe_to_bgv::TfheToBgv;
use he_switch::tfhe_to_ckks::{self, TfheToCkks};
use he_switch::{Error, EvaluationKeys, KeyRequest, Parameters, SecretKeys, Spec, Switcher, tables};
use syn::visit::{self, Visit};
use syn::{FnArg, Signature, TypeArray, TypeSlice};

/// Types that hold the identifier of a secret.
const HOLDERS: [&str; 36] = [
    "BgvToTfhe",
    "BitEvaluator",
    "Bits",
    "BootstrapKeys",
    "Bootstrapper",
    "Ciphertext",
    "CkksToTfhe",
    "CoefficientCiphertext",
    "Condition",
    "Decryptor",
    "DigitEvaluator",
    "Digits",
    "EvaluationKeys",
    "Evaluator",
    "Expander",
    "GateJob",
    "GgswCiphertext",
    "GlweCiphertext",
    "Integers",
    "Job",
    "Key",
    "Keys",
    "LweCiphertext",
    "PublicKey",
    "Refresher",
    "SecretKey",
    "SecretKeys",
    "SeededCiphertext",
    "SeededCiphertexts",
    "SeededEvaluationKeys",
    "SeededKey",
    "SlotIntegers",
    "SwitchedPhase",
    "Switcher",
    "TfheToBgv",
    "TfheToCkks",
];

/// What takes two such things and may take any: keys from one secret to another are made of both, a list of ciphertexts is written and
/// jobs are listed whatever they hold, and a level is that of public numbers.
const ANY: [&str; 8] = [
    "BootstrapKeys::generate_with",
    "Evaluator::product_level",
    "GateJob::three",
    "GateJob::two",
    "Key::generate",
    "Keys::generate",
    "LweCiphertext::to_bytes",
    "SeededKey::generate",
];

/// Counts the types that hold an identifier, those in a slice or an array twice.
struct Held<'a> {
    owner: Option<&'a str>,
    each: usize,
    count: usize,
}

impl<'ast> Visit<'ast> for Held<'_> {
    fn visit_path(&mut self, path: &'ast syn::Path) {
        if let Some(last) = path.segments.last() {
            let name = last.ident.to_string();
            let name = if name == "Self" { self.owner.unwrap_or_default() } else { &name };
            if HOLDERS.contains(&name) {
                self.count += self.each;
            }
        }
        visit::visit_path(self, path);
    }

    fn visit_type_slice(&mut self, slice: &'ast TypeSlice) {
        self.each = 2;
        visit::visit_type_slice(self, slice);
        self.each = 1;
    }

    fn visit_type_array(&mut self, array: &'ast TypeArray) {
        self.each = 2;
        visit::visit_type_array(self, array);
        self.each = 1;
    }

    fn visit_parenthesized_generic_arguments(&mut self, _: &'ast syn::ParenthesizedGenericArguments) {}
}

/// Whether a function takes two things that hold an identifier, itself among them.
fn takes_two(owner: Option<&str>, signature: &Signature) -> bool {
    let mut held = Held { owner, each: 1, count: 0 };
    for argument in &signature.inputs {
        match argument {
            FnArg::Receiver(_) => held.count += usize::from(owner.is_some_and(|o| HOLDERS.contains(&o))),
            FnArg::Typed(argument) => held.visit_type(&argument.ty),
        }
    }
    held.count >= 2
}

#[test]
fn every_operation_on_two_secrets_is_tried() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut all = 0;
    for package in ["he-bgv", "he-bfv", "he-ckks", "he-tfhe", "he-yashe", "he-switch"] {
        let file = if package == "he-switch" { "tests/foreign.rs" } else { "tests/scheme/foreign.rs" };
        let tried = fs::read_to_string(root.join(package).join(file)).unwrap();
        let there = list::functions(package, |owner, signature, _| takes_two(owner, signature));
        let there: BTreeSet<&String> = there.iter().filter(|name| !ANY.contains(&name.as_str())).collect();
        let missing: Vec<_> = there.iter().filter(|name| !tried.contains(&format!("\"{name}\""))).collect();
        assert!(missing.is_empty(), "{package}: not tried with another client's: {missing:?}");
        println!("{package}: {} operations", there.len());
        all += there.len();
    }
    // Fewer would mean that the sources are read wrongly.
    assert!(all > 200, "{all} operations");
}

/// A client, and a server with all its keys.
struct World {
    secret: SecretKeys,
    switcher: Switcher,
    messages: Vec<Vec<u8>>,
    bgv: he_bgv::Ciphertext,
    ckks: he_ckks::Ciphertext,
    packed: he_tfhe::GlweCiphertext,
}

impl World {
    fn new(params: &Parameters, request: &KeyRequest) -> Self {
        let secret = SecretKeys::generate(params).unwrap();
        let messages = secret.evaluation_keys(request).unwrap().to_bytes().unwrap();
        let keys = EvaluationKeys::from_bytes(params, request, &messages).unwrap();
        let switcher = Switcher::new(keys).unwrap();
        let plain = he_bgv::Encoder::new(params.bgv()).with_bound(4).encode_coefficients(&[1, 2, 3]).unwrap();
        let bgv = he_bgv::Encryptor::with_secret(secret.bgv()).encrypt(&plain).unwrap();
        let plain = he_ckks::Encoder::new(params.ckks()).encode_in(&[0.5], 4).unwrap();
        let ckks = he_ckks::Encryptor::with_secret(secret.ckks()).encrypt(&plain).unwrap();
        let lwe = he_tfhe::Encryptor::with_secret(secret.tfhe()).encrypt(1).unwrap();
        let packed = switcher.tfhe().unwrap().pack(&[lwe]).unwrap();
        Self { secret, switcher, messages, bgv, ckks, packed }
    }

    fn ids(&self) -> [SecretId; 3] {
        [self.secret.bgv().secret_id(), self.secret.ckks().secret_id(), self.secret.tfhe().secret_id()]
    }

    fn bootstrapper(&self) -> Arc<he_ckks::Bootstrapper> {
        Arc::clone(self.switcher.ckks().unwrap())
    }

    fn refresher(&self) -> Refresher {
        let (params, secret) = (self.secret.params(), &self.secret);
        let keys = bgv_ckks::Keys::generate(params.shared(), secret.bgv(), secret.ckks()).unwrap();
        Refresher::new(keys, self.bootstrapper()).unwrap()
    }

    fn integers(&self) -> Integers {
        self.refresher().gather(from_ref(&self.bgv)).unwrap()
    }

    fn up(&self) -> TfheToCkks {
        TfheToCkks::new(self.up_key(), self.bootstrapper()).unwrap()
    }

    fn up_key(&self) -> tfhe_to_ckks::Key {
        tfhe_to_ckks::Key::generate(self.secret.params(), self.secret.tfhe(), self.secret.ckks()).unwrap()
    }

    fn to_tfhe(&self) -> BgvToTfhe {
        let (params, secret) = (self.secret.params(), &self.secret);
        BgvToTfhe::new(&bgv_to_tfhe::SeededKey::generate(params, secret.bgv(), secret.tfhe()).unwrap())
            .unwrap()
    }

    fn down_key(&self) -> ckks_to_tfhe::SeededKey {
        let (params, secret) = (self.secret.params(), &self.secret);
        ckks_to_tfhe::SeededKey::generate(params, secret.ckks(), secret.tfhe()).unwrap()
    }

    fn down(&self) -> CkksToTfhe {
        CkksToTfhe::new(&self.down_key(), self.bootstrapper()).unwrap()
    }
}

/// Coefficients first, for BGV; and slots first, for CKKS.
static COEFFICIENTS: LazyLock<([World; 2], KeyRequest)> = LazyLock::new(|| {
    let params = Spec::insecure_small().build_insecure("a test").unwrap();
    let products = he_bgv::KeyRequest::default().relinearization(params.bgv().max_level());
    let request = KeyRequest::bgv_and_tfhe().bgv(products).expansion(1).slots(1024);
    ([World::new(&params, &request), World::new(&params, &request)], request)
});

static SLOTS: LazyLock<([World; 2], KeyRequest)> = LazyLock::new(|| {
    let params = Spec::insecure_small().for_slots().build_insecure("a test").unwrap();
    let request = KeyRequest::ckks_and_tfhe().slots(4);
    ([World::new(&params, &request), World::new(&params, &request)], request)
});

/// An operation of the first world's keys with something of the second.
type Call = fn(&World, &World) -> Result<(), Error>;

const WITH_BGV: &[(&str, Call)] = &[
    ("Refresher::new", |k, w| {
        let (params, secret) = (k.secret.params(), &k.secret);
        let keys = bgv_ckks::Keys::generate(params.shared(), secret.bgv(), secret.ckks())?;
        Refresher::new(keys, w.bootstrapper()).map(drop)
    }),
    ("Refresher::gather", |k, w| k.refresher().gather(&[k.bgv.clone(), w.bgv.clone()]).map(drop)),
    ("Refresher::clean", |k, w| k.refresher().clean(&w.integers()).map(drop)),
    ("Refresher::clean_to", |k, w| k.refresher().clean_to(w.integers(), 1e-30).map(drop)),
    ("Refresher::scatter", |k, w| k.refresher().scatter(&w.integers()).map(drop)),
    ("Refresher::refresh", |k, w| k.refresher().refresh(from_ref(&w.bgv), 1e-9).map(drop)),
    ("BgvToTfhe::extract", |k, w| k.to_tfhe().extract(&w.bgv, &[0]).map(drop)),
    ("Expander::expand", |k, w| {
        Expander::generate(k.secret.params(), k.secret.bgv(), 1)?.expand(&w.bgv, 1).map(drop)
    }),
    ("Expander::expand", |k, w| {
        Expander::generate(k.secret.params(), k.secret.bgv(), 1)?.expand(&w.bgv, 0).map(drop)
    }),
    ("Expander::pack", |k, w| {
        let expander = Expander::generate(k.secret.params(), k.secret.bgv(), 1)?;
        expander.pack(&[w.bgv.clone(), w.bgv.clone()]).map(drop)
    }),
    ("Expander::pack", |k, w| {
        let expander = Expander::generate(k.secret.params(), k.secret.bgv(), 1)?;
        expander.pack(&[k.bgv.clone(), w.bgv.clone()]).map(drop)
    }),
    ("expand::combine", |k, w| combine(&[k.bgv.clone(), w.bgv.clone()]).map(drop)),
    ("TfheToBgv::new", |k, w| TfheToBgv::new(Arc::new(k.up()), Arc::new(w.refresher())).map(drop)),
    ("TfheToBgv::convert", |k, w| {
        let bridge = TfheToBgv::new(Arc::new(k.up()), Arc::new(k.refresher()))?;
        bridge.convert(from_ref(&w.packed), 12, 1e-9).map(drop)
    }),
    ("Switcher::bgv_to_tfhe", |k, w| k.switcher.bgv_to_tfhe(&w.bgv, &[0]).map(drop)),
    ("Switcher::tfhe_to_bgv", |k, w| k.switcher.tfhe_to_bgv(from_ref(&w.packed), 12, 1e-9).map(drop)),
    ("Switcher::refresh", |k, w| k.switcher.refresh(from_ref(&w.bgv), 1e-9).map(drop)),
    ("Switcher::expand", |k, w| k.switcher.expand(&w.bgv, 1).map(drop)),
];

const WITH_CKKS: &[(&str, Call)] = &[
    ("CkksToTfhe::new", |k, w| CkksToTfhe::new(&k.down_key(), w.bootstrapper()).map(drop)),
    ("CkksToTfhe::extract", |k, w| k.down().extract(&w.ckks, 2).map(drop)),
    ("CkksToTfhe::extract_slots", |k, w| k.down().extract_slots(&w.ckks, &[0], 4).map(drop)),
    ("TfheToCkks::new", |k, w| TfheToCkks::new(k.up_key(), w.bootstrapper()).map(drop)),
    ("TfheToCkks::gather", |k, w| k.up().gather(&[k.packed.clone(), w.packed.clone()], 12).map(drop)),
    ("TfheToCkks::convert", |k, w| k.up().convert(from_ref(&w.packed), 12).map(drop)),
    ("Switcher::ckks_to_tfhe", |k, w| k.switcher.ckks_to_tfhe(&w.ckks, 2).map(drop)),
    ("Switcher::ckks_slots_to_tfhe", |k, w| k.switcher.ckks_slots_to_tfhe(&w.ckks, &[0], 4).map(drop)),
    ("Switcher::tfhe_to_ckks", |k, w| k.switcher.tfhe_to_ckks(from_ref(&w.packed), 12).map(drop)),
];

/// Both names in the error, which may be that of a scheme.
fn refused(name: &str, result: Result<(), Error>, here: &[SecretId], there: &[SecretId]) {
    let Err(error) = result else { panic!("{name} takes something of another client") };
    let text = error.to_string();
    assert!(text.contains("of different clients do not go together"), "{name}: {text}");
    let (Error::ForeignSecret(ForeignSecret { found, needed, .. })
    | Error::Bgv(he_bgv::Error::ForeignSecret(ForeignSecret { found, needed, .. }))
    | Error::Ckks(he_ckks::Error::ForeignSecret(ForeignSecret { found, needed, .. }))) = error
    else {
        panic!("{name}: {error}")
    };
    assert!(there.contains(&found) && here.contains(&needed), "{name}: {text}");
    assert!(text.contains(&found.to_string()) && text.contains(&needed.to_string()), "{name}: {text}");
}

#[test]
fn bridges_refuse_what_is_of_another_client() {
    for (worlds, calls) in [(&COEFFICIENTS.0, WITH_BGV), (&SLOTS.0, WITH_CKKS)] {
        let [here, there] = worlds;
        for (name, call) in calls {
            refused(name, call(here, there), &here.ids(), &there.ids());
        }
    }
}

/// A set of keys of which any one is another client's.
#[test]
fn a_switcher_takes_the_keys_of_one_client() {
    for (worlds, request) in [&*COEFFICIENTS, &*SLOTS] {
        let [here, there] = worlds;
        let params = here.secret.params();
        for i in 0..here.messages.len() {
            let mut messages = here.messages.clone();
            messages[i] = there.messages[i].clone();
            let keys = EvaluationKeys::from_bytes(params, request, &messages).unwrap();
            let both = [here.ids(), there.ids()].concat();
            refused("Switcher::new", Switcher::new(keys).map(drop), &both, &both);
        }
    }
}

#[test]
fn slots_of_another_client_are_refused() {
    let spec = he_switch::Spec::insecure_small().with_modulus(12_289);
    let params = spec.build_insecure("a test").unwrap();
    let [here, there] = [(); 2].map(|()| SecretKeys::generate(&params).unwrap());
    let level = params.bgv().max_level();
    let transform = SlotTransform::new(params.bgv(), 2, level, Direction::SlotsToCoefficients).unwrap();
    let bgv = transform.key_request(he_bgv::KeyRequest::default());
    let keys = here.bgv().evaluation_keys(&bgv).unwrap();
    let evaluator = he_bgv::Evaluator::new(params.bgv(), keys).unwrap();
    let key = bgv_to_tfhe::SeededKey::generate(&params, there.bgv(), there.tfhe()).unwrap();
    let bridge = BgvToTfhe::new(&key).unwrap();
    let plain = he_bgv::Encoder::new(params.bgv()).with_bound(4).encode(&[1]).unwrap();
    let encrypt = |keys: &SecretKeys| he_bgv::Encryptor::with_secret(keys.bgv()).encrypt(&plain).unwrap();
    let [here_id, there_id] = [&here, &there].map(|keys| [keys.bgv().secret_id()]);
    // The evaluator refuses the one, and the bridge the other.
    let name = "BgvToTfhe::extract_slots";
    let extract = |c| bridge.extract_slots(&evaluator, &transform, &c, &[0]).map(drop);
    refused(name, extract(encrypt(&there)), &here_id, &there_id);
    refused(name, extract(encrypt(&here)), &there_id, &here_id);
    let bridges = KeyRequest::default().bridge(he_switch::Bridge::BgvToTfhe).bgv(bgv);
    let switcher = Switcher::new(here.evaluation_keys(&bridges).unwrap()).unwrap();
    let name = "Switcher::bgv_slots_to_tfhe";
    refused(
        name,
        switcher.bgv_slots_to_tfhe(&transform, &encrypt(&there), &[0]).map(drop),
        &here_id,
        &there_id,
    );
}

#[test]
fn bootstraps_of_bgv_refuse_what_is_of_another_client() {
    let params = BootstrapSpec::insecure_small().build_insecure("a test").unwrap();
    let level = params.bgv().max_level();
    let plain = he_bgv::Encoder::new(params.bgv()).with_bound(4).encode_coefficients(&[3]).unwrap();
    let sides = [(); 2].map(|()| {
        let secret = he_bgv::SecretKey::generate(params.bgv()).unwrap();
        let keys = BootstrapKeys::generate(&params, &secret).unwrap();
        let bytes = keys.to_bytes().unwrap();
        let bootstrapper = bgv::Bootstrapper::new(keys).unwrap();
        let request = he_bgv::KeyRequest::default().relinearization(level);
        let leveled =
            he_bgv::Evaluator::new(params.bgv(), secret.evaluation_keys(&request).unwrap()).unwrap();
        let c = he_bgv::Encryptor::with_secret(&secret).encrypt(&plain).unwrap();
        (secret.secret_id(), bootstrapper, leveled, c, bytes)
    });
    let [(here, bootstrapper, leveled, own, bytes), (there, _, other, c, _)] = &sides;
    let budget = Budget::bits(60);
    let automatic = |leveled: &he_bgv::Evaluator| {
        bgv::Evaluator::automatic(leveled.clone(), bootstrapper.clone(), budget)
    };
    let e = automatic(leveled).unwrap();
    // Without keys of its own, the bootstrapper is one client's still.
    let none = he_bgv::EvaluationKeys::none(params.bgv());
    assert!(automatic(&he_bgv::Evaluator::new(params.bgv(), none).unwrap()).is_ok());
    for (name, result) in [
        ("Evaluator::automatic", automatic(other).map(drop)),
        ("Bootstrapper::bootstrap", bootstrapper.bootstrap(from_ref(c), budget).map(drop)),
        ("Bootstrapper::cost", bootstrapper.cost(from_ref(c), budget).map(drop)),
        ("Evaluator::run", e.run([c], |e, [c]| e.negate(c)).map(drop)),
        ("Evaluator::run_all", e.run_all(&[[c]], |e, [c]| e.negate(c)).map(drop)),
        ("Evaluator::add", e.add(own, c).map(drop)),
        ("Evaluator::sub", e.sub(c, own).map(drop)),
        ("Evaluator::mul", e.mul(c, c).map(drop)),
        ("Evaluator::mul_all", e.mul_all(&[[own, own], [own, c]]).map(drop)),
        ("Evaluator::mul_plain", e.mul_plain(c, &plain).map(drop)),
        ("Evaluator::add_plain", e.add_plain(c, &plain).map(drop)),
        ("Evaluator::rotate_rows", e.rotate_rows(c, 1).map(drop)),
    ] {
        refused(name, result, &[*here], &[*there]);
    }
    // Keys that lead to another secret of CKKS than its bootstrap has.
    let (header, _) = he_core::wire::peek(bytes).unwrap();
    let mut body = he_core::wire::open(bytes, &header, bytes.len()).unwrap().to_vec();
    let at = 2 + 16;
    let ckks: [u8; 16] = body[at..at + 16].try_into().unwrap();
    let places: Vec<usize> = (0..body.len() / 2).filter(|&at| body[at..at + 16] == ckks).take(2).collect();
    places.iter().for_each(|&at| body[at..at + 16].copy_from_slice(&there.to_bytes()));
    let error = BootstrapKeys::from_bytes(&params, &he_core::wire::seal(&header, &body)).err().unwrap();
    assert!(error.to_string().contains(&there.to_string()), "{error}");
}

#[test]
fn tables_refuse_what_is_of_another_client() {
    let params = tables::Spec::insecure_small().build_insecure("a test").unwrap();
    let request =
        tables::KeyRequest { expansion: 1, slots: 512, refresh_slots: 512, ..tables::KeyRequest::default() };
    let plain = he_bgv::Encoder::new(params.bgv()).with_bound(4).encode_coefficients(&[3]).unwrap();
    let sides = [(); 2].map(|()| {
        let secret = he_bgv::SecretKey::generate(params.bgv()).unwrap();
        let messages =
            tables::EvaluationKeys::generate(&params, &secret, &request).unwrap().to_bytes().unwrap();
        let keys = tables::EvaluationKeys::from_bytes(&params, &request, &messages).unwrap();
        let switcher = tables::Switcher::new(keys).unwrap();
        let c = he_bgv::Encryptor::with_secret(&secret).encrypt(&plain).unwrap();
        (secret.secret_id(), switcher, c, messages)
    });
    let [(here, switcher, own, messages), (there, other, c, others)] = &sides;
    for (name, result) in [
        ("Switcher::to_tables", switcher.to_tables(from_ref(c), 8).map(drop)),
        ("Switcher::to_tables", switcher.to_tables(&[own.clone(), c.clone()], 8).map(drop)),
        ("Switcher::refresh", switcher.refresh(from_ref(c), 1e-9).map(drop)),
    ] {
        refused(name, result, &[*here], &[*there]);
    }
    // The tables' secrets are drawn with the keys.
    let integers = other.to_tables(from_ref(c), 8).unwrap();
    let (name, error) = ("Switcher::to_bgv", switcher.to_bgv(&integers, 1, 1e-9).err().unwrap());
    assert!(error.to_string().contains("of different clients do not go together"), "{name}: {error}");
    for i in 0..messages.len() {
        let mut mixed = messages.clone();
        mixed[i] = others[i].clone();
        let keys = tables::EvaluationKeys::from_bytes(&params, &request, &mixed);
        let error = keys.and_then(tables::Switcher::new).err();
        let text = error.map(|error| error.to_string()).unwrap_or_default();
        assert!(text.contains("of different clients do not go together"), "message {i}: {text}");
    }
}
