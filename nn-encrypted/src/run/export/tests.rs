//! A key out of a private model, and not out of an exported one.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::time::Instant;

use he_ckks::{Ciphertext, Complex64};
use he_core::ring::{Coeff, Eval, Poly};
use he_core::rlwe::SecretId;
use he_core::wire::{self, Reader};

use super::*;
use crate::plan::slots::ckks::PlannedCkks;
use crate::plan::{Plan, Security, Task};
use crate::program::lower_with;
use crate::recipe::Recipe;
use crate::run::{Options, train_session};

/// A run in a small ring, in a folder that is removed at the end.
struct Run {
    session: Session,
    root: PathBuf,
}

impl Run {
    fn new(name: &str, recipe: &str, settings: &[&str]) -> Self {
        let settings: Vec<String> = settings.iter().map(ToString::to_string).collect();
        let session = Session::new(Recipe::load(recipe, &settings).unwrap(), None).unwrap();
        let session = session.insecure_small("a test").unwrap();
        let root = std::env::temp_dir().join(format!("nn-encrypted-export-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&root);
        Self { session, root }
    }

    fn train(&self, steps: usize) -> Report {
        let options = Options {
            steps: Some(steps),
            out: Some(self.root.clone()),
            quiet: true,
            overwrite: true,
            ..Options::default()
        };
        train_session(&self.session, &options, Instant::now()).unwrap().report
    }

    fn folder(&self) -> RunFolder {
        RunFolder::new(&self.root)
    }

    fn export(&self, options: &ExportOptions) -> Result<Exported, String> {
        let report = self.folder().read_sealed_report().unwrap();
        let out = self.root.join("shown.safetensors");
        export_of(&self.session, &self.folder(), &report, &out, options).map_err(|error| error.to_string())
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.root);
    }
}

/// A run of `ckks_sgd` whose first ciphertext of weights holds a weight in every slot: 64 times 16 of them in 512 slots.
fn run(name: &str) -> Run {
    Run::new(name, "ckks_sgd", &["layers.1.out_features=16", "optimizer.batch_size=4", "data.test=8"])
}

/// The layout of a run, which its server knows too.
fn planned(session: &Session) -> PlannedCkks {
    let (recipe, network) = (&session.recipe, &session.network);
    let layers: Vec<usize> = (0..network.depth()).collect();
    let program = lower_with(recipe, network, &BTreeSet::new());
    let task = Task {
        recipe,
        network,
        layers: &layers,
        program: &program,
        data: session.shape(),
        security: Security::InsecureSmall("a test"),
    };
    PlannedCkks::of(&task).unwrap()
}

/// The ciphertexts in `server/model.ciphertext`.
fn ciphertexts(run: &Run, planned: &PlannedCkks) -> Vec<Ciphertext> {
    let sealed = fs::read(run.root.join("server/model.ciphertext")).unwrap();
    let (header, _) = wire::peek(&sealed).unwrap();
    let mut body = Reader::new(wire::open(&sealed, &header, sealed.len()).unwrap());
    // Number, round, images and parts; then tensor, engine and part.
    body.bytes(18 + 10, "front").unwrap();
    let count = body.u32("ciphertexts").unwrap();
    let read = |_| {
        let bytes = body.len_bytes(1 << 24, "ciphertext").unwrap();
        Ciphertext::read(&mut Reader::new(bytes), &planned.agreement().params).unwrap()
    };
    (0..count).map(read).collect()
}

/// The slots of the first ciphertext of weights, as a model has them.
fn slots(planned: &PlannedCkks, model: &Model) -> Vec<Complex64> {
    let formulas = &planned.agreement().formulas;
    let geometry = &formulas.geometry;
    let (cube, compact) = (&geometry.cube, &geometry.compact);
    let unknown = Complex64::new(f64::NAN, f64::NAN);
    let mut slots = vec![vec![unknown; cube.slots()]; compact.ciphertexts()];
    let [w, v] = formulas.state_units();
    for ((layer, matrix), &l) in geometry.layers.iter().zip(&formulas.matrices).zip(&geometry.numbers) {
        let state = &model.layers[l];
        let both = |re: &[f64], im: &[f64]| -> Vec<Complex64> {
            re.iter().zip(im).map(|(re, im)| Complex64::new(re / w, im / v)).collect()
        };
        let weight = both(&state.weight, &state.weight_momentum);
        let bias = both(&state.bias, &state.bias_momentum);
        layer.pack(cube, compact, matrix, (&weight, &bias), &mut slots);
    }
    let first = slots.swap_remove(0);
    assert!(first.iter().all(|z| !z.is_nan()), "a slot that the model says nothing of");
    first
}

/// The secret of `c0 + c1·s = m`, if the slots of `m` are known exactly: `s = (m − c0)/c1` modulo the first prime.
fn solve(ciphertext: &Ciphertext, slots: &[Complex64]) -> Vec<i64> {
    let params = ciphertext.params();
    let mut values = slots.to_vec();
    params.embedding(slots.len()).unwrap().to_coefficients(&mut values);
    let real = values.iter().map(|z| z.re).chain(values.iter().map(|z| z.im));
    let message: Vec<i64> = real.map(|c| (c * ciphertext.scale()).round() as i64).collect();
    let basis = params.rlwe().basis(1);
    let q = basis.modulus(0);
    let message = Poly::<Coeff>::from_signed(basis, &message).into_eval();
    let ciphertext = ciphertext.inner().truncated(1);
    let [c0, c1] = ciphertext.parts() else { panic!("of degree 1") };
    let quotient = |((&m, &c0), &c1): ((&u64, &u64), &u64)| q.mul(q.sub(m, c0), q.inv(c1).unwrap());
    let words: Vec<u64> = message.words().iter().zip(c0.words()).zip(c1.words()).map(quotient).collect();
    let secret = Poly::<Eval>::from_words(basis, &words).into_coeff();
    secret.limb(0).iter().map(|&word| q.center(word)).collect()
}

/// The coefficients of the key, from its file.
fn key(run: &Run) -> Vec<i64> {
    let sealed = fs::read(run.root.join("client/secret.key")).unwrap();
    let (header, _) = wire::peek(&sealed).unwrap();
    let body = wire::open(&sealed, &header, sealed.len()).unwrap();
    // Behind the identifier of the secret.
    body[SecretId::BYTES..].iter().map(|&byte| i64::from(byte) - 1).collect()
}

#[test]
fn a_private_model_gives_the_key_away_and_an_exported_one_does_not() {
    let run = run("attack");
    let report = run.train(3);
    let planned = planned(&run.session);
    let (ciphertexts, secret) = (ciphertexts(&run, &planned), key(&run));
    println!("errors {:?}", report.twin);
    let right = |model: &Model| {
        let found = solve(&ciphertexts[0], &slots(&planned, model));
        found.iter().zip(&secret).filter(|(a, b)| a == b).count()
    };
    let private = run.folder().read_model(&run.session.recipe, &run.session.network).unwrap();
    assert_eq!(right(&private), secret.len(), "every coefficient");

    let exported = run.export(&ExportOptions::default()).unwrap();
    exported.said.iter().for_each(|sentence| println!("{sentence}"));
    assert!(exported.distance.log2() <= -10.0, "{}", exported.distance);
    let found = right(&exported.model);
    println!("{found} of {} coefficients", secret.len());
    // Uniform modulo a prime of 50 bits: none is right but by chance.
    assert!(found < 4);
}

#[test]
fn exports_add_up_and_more_than_a_thousandth_must_be_asked_for() {
    let run = run("sums");
    run.train(1);
    let with = |bits, accepted: Option<&str>| {
        let accepted = accepted.map(|d| d.parse().unwrap());
        run.export(&ExportOptions { bits, accepted, ..ExportOptions::default() })
    };
    let bits_of = |exported: &Exported| {
        let all = exported.model.layers.iter().flat_map(|layer| &layer.weight);
        let on = |bits: i32| all.clone().all(|weight| (weight * 2.0_f64.powi(bits)).fract() == 0.0);
        (0..40).find(|bits| on(*bits)).unwrap() as u32
    };
    let first = with(None, None).unwrap();
    let bits = bits_of(&first);
    let second = with(None, None).unwrap();
    assert!(first.distance < second.distance);
    assert!(second.said.iter().any(|sentence| sentence.contains("export before this one")));
    // A bit less of each number is a quarter of the divergence: the fourth has fewer bits at the latest.
    let others: Vec<Exported> = (0..2).map(|_| with(None, None).unwrap()).collect();
    assert!(others.iter().all(|exported| exported.distance <= Distance::UNASKED));
    assert!(bits_of(&others[1]) < bits, "less is left for it");
    // So much that it must be said again, and how much is in the message.
    let file = fs::read(run.root.join("shown.safetensors")).unwrap();
    let said = with(Some(bits + 4), None).unwrap_err();
    let needed = said.split("--accept-distance ").nth(1).unwrap().to_owned();
    assert!(said.contains("more than 2^-10: take fewer --bits"), "{said}");
    assert_eq!(fs::read(run.root.join("shown.safetensors")).unwrap(), file, "nothing is written");
    assert!(with(Some(bits + 4), Some("2^-9.9")).is_err());
    let third = with(Some(bits + 4), Some(&needed)).unwrap();
    assert_eq!((third.distance.to_string(), bits_of(&third)), (needed, bits + 4));
    assert!(with(Some(0), None).unwrap_err().contains("0 binary digits"));
    // Noise is drawn anew, and every weight is noisy.
    let private = run.folder().read_model(&run.session.recipe, &run.session.network).unwrap();
    let unit = (-f64::from(bits)).exp2();
    let off = |exported: &Exported| -> Vec<f64> {
        let pairs = private.layers.iter().zip(&exported.model.layers);
        pairs.flat_map(|(a, b)| a.weight.iter().zip(&b.weight).map(|(a, b)| (a - b) / unit)).collect()
    };
    let (first, count) = (off(&first), private.layers[0].weight.len() + private.layers[1].weight.len());
    let variance = first.iter().map(|x| x * x).sum::<f64>() / count as f64;
    // Of the noise and of rounding; some weights are clamped.
    assert!((0.8..1.3).contains(&variance), "{variance}");
    // Another training has other keys.
    run.train(1);
    assert_eq!(run.folder().shown_before().unwrap(), Vec::<f64>::new());
}

#[test]
fn errors_beyond_the_plan_are_not_hidden() {
    let run = run("beyond");
    let mut report = run.train(1);
    report.twin.root_mean_square = report.twin.root_mean_square.map(|error| error * 1e3);
    run.folder().write_report(&report).unwrap();
    let said = run.export(&ExportOptions::default()).unwrap_err();
    assert!(said.contains("planned after 1 steps") && said.contains("is not known"), "{said}");
    report.twin.root_mean_square = None;
    run.folder().write_report(&report).unwrap();
    assert!(run.export(&ExportOptions::default()).is_err());
}

/// A report of so many steps and bootstraps.
fn report(mode: &str, steps: u64, bootstraps: u64) -> Report {
    let mut report: Report =
        serde_json::from_str(include_str!("../../../tests/golden/v2/report.json")).unwrap();
    (report.mode, report.steps, report.bootstraps.tfhe) = (mode.to_owned(), steps, bootstraps);
    report
}

#[test]
fn every_recipe_has_its_rule() {
    let plan = |name: &str, recipe: &str, settings: &[&str]| {
        let run = Run::new(name, recipe, settings);
        (*run.session.plan().unwrap()).clone()
    };
    let encrypted = report("encrypted", 7, 1 << 20);
    let iris = ["data.set=iris", "variant=iris", "parameters.ring_dimension=8192"];
    let bgv = plan("bgv", "hesamifard2017", &iris);
    assert!(matches!(Rule::of(&bgv, &encrypted), Rule::Exact(why) if why.contains("decrypted exactly")));
    let client = plan("client", "onoufriou2021", &[]);
    assert!(matches!(Rule::of(&client, &encrypted), Rule::Exact(why) if why.contains("from its own data")));
    let words = plan("words", "tbmpnet2021", &["variant=tiny"]);
    assert_eq!(Rule::of(&words, &encrypted), Rule::Failures { bootstraps: 1 << 20, log2: -64.0 });
    let tables = plan("tables", "glyph2020", &["variant=tiny"]);
    match Rule::of(&tables, &encrypted) {
        Rule::Refused(why) => {
            // Three outputs, one lookup each for eight images, seven times.
            assert!(why.contains("168 lookups decided") && why.contains("boxes of the table"), "{why}");
        }
        other => panic!("{other:?}"),
    }
    assert!(matches!(Rule::of(&tables, &report("simulate", 7, 0)), Rule::Exact(_)));
    let mixed = Plan { engines: [&bgv.engines[..], &words.engines[..]].concat(), ..words.clone() };
    assert!(matches!(Rule::of(&mixed, &encrypted), Rule::Refused(why) if why.contains("several schemes")));
    let real = plan("real", "ckks_sgd", &["layers.1.out_features=16", "optimizer.batch_size=4"]);
    let error = |steps| match Rule::of(&real, &report("encrypted", steps, 0)) {
        Rule::Noise { error } => error,
        other => panic!("{other:?}"),
    };
    assert!(error(1) > 0.0 && error(100) == 10.0 * error(1));
}

#[test]
fn failures_of_bootstraps_are_a_distance() {
    let run = Run::new("words", "tbmpnet2021", &["variant=tiny", "numbers.word_bits=8"]);
    let folder = run.folder();
    let Session { recipe, first, .. } = &run.session;
    folder.begin(recipe).unwrap();
    folder.write_model(&run.session, first).unwrap();
    let with = |bootstraps, accepted: Option<&str>| {
        let options = ExportOptions { accepted: accepted.map(|d| d.parse().unwrap()), ..Default::default() };
        let out = run.root.join("shown.safetensors");
        let report = report("encrypted", 9, bootstraps);
        export_of(&run.session, &folder, &report, &out, &options).map_err(|error| error.to_string())
    };
    let few = with(1 << 20, None).unwrap();
    assert_eq!((few.distance.to_string().as_str(), &few.model), ("2^-44", first));
    assert!(few.said.iter().any(|sentence| sentence.contains("at most 2^-64.0")), "{:?}", few.said);
    let said = with(1 << 58, None).unwrap_err();
    assert!(
        said.contains("of up to 2^-6, more than 2^-10") && said.contains("--accept-distance 2^-6"),
        "{said}"
    );
    assert!(with(1 << 58, Some("2^-6")).is_ok());
}
