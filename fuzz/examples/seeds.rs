//! Writes the seed corpus, `corpus/TARGET/seed-*`: one good input of each kind, and little more.
//!
//! `cargo run --release --manifest-path fuzz/Cargo.toml --example seeds`; keys and errors are drawn anew in each run, so
//! that the files change though nothing in them does.

use std::error::Error;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::sync::atomic::Ordering;

use he_bgv::{Encoder, Encryptor, EvaluationKeys};
use he_core::rlwe::object::TAG;
use he_core::wire::{HEADER_BYTES, Header, Reader, Writer, open, peek, seal};
use he_fuzz::bfv::{BFV, bfv_key, bfv_request};
use he_fuzz::bgv_bootstrap::BOOTSTRAP;
use he_fuzz::bridge::SWITCH;
use he_fuzz::recipes::{ROLES, Roles};
use he_fuzz::world::{
    CKKS, CKKS_SLOTS, INSECURE, INSTANCES, PLAN, SESSION, TFHE, ckks_key, ckks_request, key_request,
    known_key, tfhe_key,
};
use he_fuzz::yashe::{YASHE, yashe_key};
use he_switch::bgv::BootstrapKeys;
use he_switch::expand::Expander;
use he_switch::{SecretKeys, bgv_ckks, bgv_to_tfhe, ckks_to_tfhe, tfhe_to_ckks};
use nn_encrypted::frozen::Frozen;
use nn_encrypted::internals::{AvgPool2d, BUILTIN, Instance, Layer, Relu, Shape};
use nn_encrypted::roles::{Client, Link, LinkError};
use nn_encrypted::run::{Options, RunError, RunFolder};

#[path = "../../nn-encrypted/tests/worlds/mod.rs"]
#[expect(dead_code, reason = "the worlds are made by the targets")]
mod worlds;

/// Writes one seed.
fn put(target: &str, name: &str, bytes: &[u8]) -> Result<(), Box<dyn Error>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target);
    fs::create_dir_all(&folder)?;
    Ok(fs::write(folder.join(format!("seed-{name}")), bytes)?)
}

/// Writes a sealed object as it is, and its body to be sealed; `selector` is what the first byte says besides.
fn put_both(target: &str, name: &str, selector: u8, sealed: &[u8]) -> Result<(), Box<dyn Error>> {
    let (_, length) = peek(sealed)?;
    let body = &sealed[HEADER_BYTES..HEADER_BYTES + length as usize];
    put(target, &format!("{name}-sealed"), &[&[selector], sealed].concat())?;
    put(target, &format!("{name}-body"), &[&[selector | 1], body].concat())
}

fn envelopes() -> Result<(), Box<dyn Error>> {
    let header = Header { tag: TAG, kind: 7, params: [7; 32] };
    put("envelope", "sealed", &seal(&header, b"a body"))?;
    // Pairs of a script, and a number of each kind.
    let script =
        [0, 0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 3, 7, 9, 8, 100, 8 + 13, 9, 8 + 50, 4, 8 + 61, 3, 8 + 64, 2];
    let mut data = Writer::new();
    data.u8(script.len() as u8);
    data.bytes(&script);
    data.u8(1);
    data.u16(2);
    data.u32(3);
    data.u64(4);
    data.i64(-5);
    data.f64(0.5);
    data.bytes(b"abc");
    data.len_bytes(b"text");
    data.length(99);
    for (bits, count) in [(13, 9), (50, 4), (61, 3), (64, 2)] {
        data.packed_u64(&vec![1; count], bits)?;
    }
    put("envelope", "script", &data.finish())
}

fn scheme() -> Result<(), Box<dyn Error>> {
    let (key, encoder) = (known_key(&INSECURE), Encoder::new(&INSECURE).with_bound(3));
    let plaintext = encoder.encode(&[1, 2, 3])?;
    let full = Encryptor::with_secret(&key).encrypt(&plaintext)?;
    put_both("ciphertext", "full", 0, &full.to_bytes()?)?;
    put_both("ciphertext", "seeded", 0, &key.encrypt_seeded(&plaintext, 0)?.to_bytes()?)?;
    put_both("keys", "public", 0, &key.public_key()?.to_bytes()?)?;
    put_both("keys", "secret", 2, &key.to_secret_bytes())?;
    let keys = key.evaluation_keys(&key_request(&INSECURE))?.to_bytes()?;
    put_both("evaluation_keys", "two", 0, &keys)?;
    put_both("evaluation_keys", "none", 0, &EvaluationKeys::none(&INSECURE).to_bytes()?)
}

fn bfv() -> Result<(), Box<dyn Error>> {
    let key = bfv_key();
    let plaintext = Encoder::new(&BFV).with_bound(3).encode(&[1, 2, 3])?;
    let full = he_bfv::Encryptor::with_secret(&key).encrypt(&plaintext)?;
    put_both("bfv", "full", 0, &full.to_bytes()?)?;
    put_both("bfv", "seeded", 0, &key.encrypt_seeded(&plaintext, 0)?.to_bytes()?)?;
    put_both("bfv", "public", 2, &key.public_key()?.to_bytes()?)?;
    put_both("bfv", "two", 4, &key.evaluation_keys(&bfv_request())?.to_bytes()?)
}

fn tfhe() -> Result<(), Box<dyn Error>> {
    let key = tfhe_key(&TFHE);
    let list = he_tfhe::Encryptor::with_secret(&key).encrypt_all(&[0, 1, 1])?;
    put_both("tfhe", "list", 0, &he_tfhe::LweCiphertext::to_bytes(&TFHE, &list)?)?;
    put_both("tfhe", "keys", 2, &key.seeded_evaluation_keys()?.to_bytes()?)?;
    put_both("tfhe", "secret", 4, &key.to_secret_bytes())
}

fn yashe() -> Result<(), Box<dyn Error>> {
    let key = yashe_key();
    let public = key.public_key();
    let plaintext = he_yashe::Encoder::new(&YASHE).with_bound(3).encode(&[1, 2, 3])?;
    let fresh = he_yashe::Encryptor::new(&public).encrypt(&plaintext)?;
    let request = he_yashe::KeyRequest::default().products().rotations(&YASHE, &[1]);
    let keys = key.evaluation_keys(&request)?;
    let product = he_yashe::Evaluator::new(&YASHE, keys.clone())?.mul_lazy(&fresh, &fresh)?;
    put_both("yashe", "fresh", 0, &fresh.to_bytes()?)?;
    put_both("yashe", "product", 0, &product.to_bytes()?)?;
    put_both("yashe", "public", 2, &public.to_bytes()?)?;
    put_both("yashe", "evaluation", 4, &keys.to_bytes()?)?;
    put_both("yashe", "secret", 6, &key.to_secret_bytes())
}

fn ckks() -> Result<(), Box<dyn Error>> {
    let key = ckks_key(&CKKS);
    let plaintext = he_ckks::Encoder::new(&CKKS).encode(&[0.5, -0.25])?;
    let full = he_ckks::Encryptor::with_secret(&key).encrypt(&plaintext)?;
    let keys = key.evaluation_keys(&ckks_request(&CKKS))?;
    let product = he_ckks::Evaluator::new(&CKKS, keys.clone())?.mul_lazy(&full, &full)?;
    put_both("ckks", "full", 0, &full.to_bytes()?)?;
    put_both("ckks", "product", 0, &product.to_bytes()?)?;
    put_both("ckks", "seeded", 0, &key.encrypt_seeded(&plaintext, 1)?.to_bytes()?)?;
    put_both("ckks", "public", 2, &key.public_key()?.to_bytes()?)?;
    put_both("ckks", "evaluation", 4, &keys.to_bytes()?)?;
    put_both("ckks", "none", 4, &he_ckks::EvaluationKeys::none(&CKKS).to_bytes()?)?;
    let keys = key.bootstrap_keys(CKKS_SLOTS, &he_ckks::KeyRequest::default())?;
    put_both("ckks", "bootstrap", 6, &keys.to_bytes()?)
}

/// Keys of the bridges.
fn bridges() -> Result<(), Box<dyn Error>> {
    let (params, levels) = (&*SWITCH, he_fuzz::bridge::LEVELS);
    let secret = SecretKeys::generate(params)?;
    let (bgv, ckks, tfhe) = (secret.bgv(), secret.ckks(), secret.tfhe());
    let keys = [
        ("bgv-to-tfhe", bgv_to_tfhe::SeededKey::generate(params, bgv, tfhe)?.to_bytes()?),
        ("ckks-to-tfhe", ckks_to_tfhe::SeededKey::generate(params, ckks, tfhe)?.to_bytes()?),
        ("tfhe-to-ckks", tfhe_to_ckks::Key::generate(params, tfhe, ckks)?.to_bytes()?),
        ("bgv-ckks", bgv_ckks::Keys::generate(params.shared(), bgv, ckks)?.to_bytes()?),
        ("expansion", Expander::generate(params, bgv, levels)?.to_bytes()?),
        ("secret", secret.to_secret_bytes().to_vec()),
    ];
    (0..).zip(&keys).try_for_each(|(place, (name, bytes))| put_both("bridge", name, 2 * place, bytes))
}

/// Keys of BGV bootstrapping.
fn bootstrap() -> Result<(), Box<dyn Error>> {
    let secret = he_bgv::SecretKey::generate(BOOTSTRAP.bgv())?;
    put_both("bgv_bootstrap", "keys", 0, &BootstrapKeys::generate(&BOOTSTRAP, &secret)?.to_bytes()?)
}

/// Largest seed of a message of a recipe.
const LARGEST: usize = 1 << 15;

/// Messages of every recipe.
fn recipes() -> Result<(), Box<dyn Error>> {
    for (world, (roles, (name, ..))) in (0..).zip(ROLES.iter().zip(worlds::ALL)) {
        let roles = &mut *roles.lock().map_err(|error| error.to_string())?;
        let Roles { session, client, server, .. } = roles;
        let (x, targets) = session.batch(0)?;
        let model = client.encrypt_model(0)?;
        let batch = client.encrypt_batch(0, x.view(), targets.view())?;
        server.receive_model(0, model.clone())?;
        let query = client.encrypt_query(0, x.view())?;
        let mut link = Recorder { client, requests: vec![] };
        let outputs = server.predict(0, query, &mut link)?;
        let mut seeds = vec![(0, model), (1, batch), (4, outputs)];
        seeds.extend(link.requests.into_iter().take(1).map(|request| (3, request)));
        for (purpose, sealed) in seeds.into_iter().filter(|(_, sealed)| sealed.len() <= LARGEST) {
            let (_, length) = peek(&sealed)?;
            let body = &sealed[HEADER_BYTES..HEADER_BYTES + length as usize];
            put("recipes", &format!("{name}-{purpose}"), &[&[2 * purpose + 1, world], body].concat())?;
        }
    }
    Ok(())
}

/// A link that keeps the requests.
struct Recorder<'a> {
    client: &'a mut Client,
    requests: Vec<Vec<u8>>,
}

impl Link for Recorder<'_> {
    fn exchange(&mut self, request: Vec<u8>) -> Result<Vec<u8>, LinkError> {
        self.requests.push(request.clone());
        Ok(self.client.answer(request)?)
    }
}

/// A mini-batch made into a message of the server, with pre-activations in place of features.
fn reply(sealed: &[u8], kind: u16) -> Result<Vec<u8>, Box<dyn Error>> {
    // The number of this tensor on the wire.
    const SUM: u16 = 6;
    let (header, _) = peek(sealed)?;
    let mut reader = Reader::new(open(sealed, &header, sealed.len())?);
    let mut body = Writer::new();
    body.bytes(reader.bytes(14, "number, round and images")?);
    reader.bytes(4, "parts")?;
    body.u32(1);
    reader.u16("tensor")?;
    body.u16(SUM);
    body.bytes(reader.bytes(8, "layer, engine and part")?);
    let wanted = PLAN.engines[0].sent(nn_encrypted::internals::Tensor::Sum(0), 4).pieces;
    let there = reader.u32("ciphertexts")? as usize;
    body.u32(wanted as u32);
    for _ in 0..wanted.min(there) {
        body.len_bytes(reader.len_bytes(sealed.len(), "piece")?);
    }
    Ok(seal(&Header { kind, ..header }, &body.finish()))
}

fn messages() -> Result<(), Box<dyn Error>> {
    let client = he_fuzz::client();
    let (x, targets) = SESSION.batch(0)?;
    let batch = client.encrypt_batch(0, x.view(), targets.view())?;
    put_both("message", "batch", 0, &batch)?;
    put_both("message", "model", 2, &client.encrypt_model(0)?)?;
    put_both("message", "request", 4, &reply(&batch, 4)?)?;
    put_both("message", "outputs", 6, &reply(&batch, 8)?)
}

/// The files of a short run, and keys of the tiny ring.
fn run_folders() -> Result<(), Box<dyn Error>> {
    let root = std::env::temp_dir().join(format!("he-fuzz-seeds-{}", std::process::id()));
    let options = Options {
        mode: nn_encrypted::run::Mode::Simulate,
        steps: Some(1),
        out: Some(root.clone()),
        quiet: true,
        ..Options::default()
    };
    nn_encrypted::run::train(SESSION.recipe.clone(), &options)?;
    let client = he_fuzz::client();
    let folder = RunFolder::new(&root);
    folder.write_secret_keys(&client.secret_bytes())?;
    // Not those of the plan: the tiny ring has fewer primes than the plan's rotations need.
    let keys = |instance: &Instance| -> Result<Vec<u8>, Box<dyn Error>> {
        let key = known_key(&instance.params);
        Ok(key.evaluation_keys(&key_request(key.params()))?.to_bytes()?)
    };
    folder.write_evaluation_keys(&vec![INSTANCES.iter().map(keys).collect::<Result<Vec<_>, _>>()?])?;
    let files = [
        "report.json",
        "client/model.private.safetensors",
        "client/secret.key",
        "server/evaluation-0.keys",
        "recipe.toml",
    ];
    for (i, file) in (0..).zip(files) {
        let name = file.rsplit('/').next().unwrap_or(file).replace('.', "-");
        put("run_folder", &name, &[&[i], &fs::read(root.join(file))?[..]].concat())?;
    }
    Ok(fs::remove_dir_all(&root)?)
}

/// The client's half of a checkpoint, as a run that is stopped at once leaves it.
fn checkpoints() -> Result<(), Box<dyn Error>> {
    let root = std::env::temp_dir().join(format!("he-fuzz-checkpoint-{}", std::process::id()));
    let options = Options { out: Some(root.clone()), quiet: true, ..Options::default() };
    options.stop.store(true, Ordering::SeqCst);
    let stopped = nn_encrypted::run::train(SESSION.recipe.clone(), &options);
    assert!(matches!(stopped, Err(RunError::Interrupted { .. })), "a run that is not stopped");
    let sealed = fs::read(root.join("client/checkpoint-0.state"))?;
    let (header, _) = peek(&sealed)?;
    let mut body = Reader::new(open(&sealed, &header, sealed.len())?);
    body.bytes(72, "run, step and digest of the server's half")?;
    let state = body.bytes(body.remaining(), "state")?;
    put("checkpoint", "first", state)?;
    let ledger = Reader::new(state).len_bytes(state.len(), "ledger")?.len();
    put("checkpoint", "ledger-only", &state[..state.len().min(8 + ledger)])?;
    Ok(fs::remove_dir_all(&root)?)
}

fn gzip(bytes: &[u8]) -> Result<Vec<u8>, Box<dyn Error>> {
    let mut encoder = flate2::write::GzEncoder::new(vec![], flate2::Compression::default());
    encoder.write_all(bytes)?;
    Ok(encoder.finish()?)
}

fn text() -> Result<(), Box<dyn Error>> {
    put("recipe", "builtin", include_bytes!("../../nn-encrypted/recipes/hesamifard2017.toml"))?;
    put("recipe", "complete", SESSION.recipe.to_toml()?.as_bytes())?;
    let settings = "\0optimizer.momentum=3/4\0layers.2={kind='Polynomial',scheme='bgv',coefficients=[0,'1/2']}\0data.set=iris";
    put("recipe", "settings", settings.as_bytes())?;
    put("table", "header", b"\0a,b,y\n1,2.5,p\n-3,4e1,q\n")?;
    put("table", "numbers", b"\x031,2,10\n3,4,9\n5,6,10\n")?;
    put("table", "words", b"\x01red,1,p\nblue,2,q\n")?;
    put("table", "blanks", b"\x63 1 2  x\n 3 4\ty\n")?;
    put("table", "ignore", b"\x80id,a,y\n1,2,\"p, q\"\n3,4,r\n")?;
    let images = [&[0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 3][..], &[1, 2, 3, 4, 5, 6]].concat();
    let labels = [0, 0, 8, 1, 0, 0, 0, 2, 7, 9];
    put("pictures", "images", &images)?;
    put("pictures", "labels", &labels)?;
    put("pictures", "images-gzip", &gzip(&images)?)?;
    put("pictures", "labels-gzip", &gzip(&labels)?)
}

/// What skl2onnx and PyTorch write.
fn onnx() -> Result<(), Box<dyn Error>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../nn-encrypted/tests/onnx");
    ["regression", "tanh", "square"].iter().try_for_each(|name| {
        put("onnx", name, &fs::read(folder.join(format!("{name}.onnx")))?)
    })
}

fn frozen() -> Result<(), Box<dyn Error>> {
    BUILTIN.iter().try_for_each(|(name, bytes)| put("frozen", name, bytes))?;
    let layers = vec![Layer::Relu(Relu), Layer::AvgPool2d(AvgPool2d::new(2)?)];
    put("frozen", "pool", &Frozen::new(Shape::new(1, 4, 4)?, layers)?.to_bytes()?)
}

/// What `nn-encrypted keygen hesamifard2017 --shape 4,3,120 --set encryption=public --set optimizer.batch_size=20` wrote.
const JOB: &[u8] = include_bytes!("job.toml");

/// What client and server send each other, and keep.
fn net() -> Result<(), Box<dyn Error>> {
    let recipe = SESSION.recipe.to_toml()?;
    let quoted = format!("{recipe:?}");
    let job = |rest: &str| {
        let plan = "0".repeat(64);
        format!(
            "{{\"recipe\":{quoted},\"features\":4,\"outputs\":3,\"bound\":1.0,\"rows\":120,\"batches\":8,\"plan\":\"{plan}\",{rest}}}"
        )
    };
    put("job", "table", job("\"sides\":null").as_bytes())?;
    put("job", "images", job("\"sides\":[2,2],\"insecure_small\":\"a test\"").as_bytes())?;
    let (id, digest) = ("0123456789abcdef".repeat(2), "0123456789abcdef".repeat(4));
    let mut outcome = Writer::new();
    outcome.len_bytes(b"[{\"tables\":3,\"bootstraps\":0,\"failure\":1e-20,\"switches\":0,\"stages\":[[\"tables\",0.1,0.2]]}]");
    outcome.len_bytes(b"result");
    outcome.u32(1);
    outcome.len_bytes(b"record");
    let mut public_keys = Writer::new();
    public_keys.u32(2);
    for keys in [&[&b"of one"[..], b"engine"][..], &[]] {
        public_keys.u32(keys.len() as u32);
        keys.iter().for_each(|key| public_keys.len_bytes(key));
    }
    let mut wrapped = Writer::new();
    [64, 1, 1].into_iter().for_each(|cost| wrapped.u32(cost));
    wrapped.bytes(&[7; 16 + 24 + 20]);
    let text = |text: String| text.into_bytes();
    let inputs = [
        ("task-train", 0, text("{\"task\":\"train\",\"step\":3,\"batch\":4}".into())),
        ("task-restore", 0, text(format!("{{\"task\":\"restore\",\"step\":3,\"digest\":\"{digest}\"}}"))),
        ("known", 1, text(format!("{{\"job\":\"{id}\",\"keys\":\"{digest}\"}}"))),
        (
            "jobs",
            2,
            text(format!(
                "[{{\"job\":\"{id}\",\"recipe\":\"r\",\"state\":\"idle\",\"bytes\":7,\"checkpoint\":null}}]"
            )),
        ),
        ("token", 3, text("tenant = \"ward-3\"\nends = 1800000000\n".into())),
        (
            "limits",
            4,
            text("jobs = 3\nmemory = 1000\nretention = 9\noperate = \"127.0.0.1:9\"\nclient_ca = \"c.pem\"\n[clients]\n\"a.org\" = \"a\"\n".into()),
        ),
        ("id", 5, text(id)),
        ("object", 6, text("batch-17".into())),
        ("pin", 7, text(digest.to_uppercase())),
        ("headers", 8, text(format!("2000\n1000\n{digest}"))),
        ("outcome", 9, outcome.finish()),
        ("job-file", 10, JOB.to_vec()),
        ("public-keys", 11, public_keys.finish()),
        ("wrapped-keys", 12, wrapped.finish()),
    ];
    inputs.iter().try_for_each(|(name, kind, bytes)| put("requests", name, &[&[*kind], &bytes[..]].concat()))
}

fn main() -> Result<(), Box<dyn Error>> {
    envelopes()?;
    scheme()?;
    bfv()?;
    ckks()?;
    tfhe()?;
    yashe()?;
    bridges()?;
    bootstrap()?;
    messages()?;
    recipes()?;
    run_folders()?;
    checkpoints()?;
    text()?;
    frozen()?;
    onnx()?;
    net()
}
