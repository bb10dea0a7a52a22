//! A key out of a private model, and not out of an exported one.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::time::Instant;

use he_ckks::{Ciphertext, Complex64};
use he_core::ring::{Coeff, Eval, Poly};
use he_core::wire::{self, Reader};

use super::*;
use crate::plan::slots::ckks::PlannedCkks;
use crate::plan::{Plan, Task};
use crate::program::lower_with;
use crate::recipe::Recipe;
use crate::run::{Options, train_session};

/// The dimension of the small ring, by its logarithm.
const LOG_N: u32 = 10;

/// A run in a small ring, in a folder that is removed at the end.
struct Run {
    session: Session,
    root: PathBuf,
}

impl Run {
    fn new(name: &str, recipe: &str, settings: &[&str]) -> Self {
        let settings: Vec<String> = settings.iter().map(ToString::to_string).collect();
        let session = Session::new(Recipe::load(recipe, &settings).unwrap(), None).unwrap();
        let session = session
            .with_plan(|recipe, network, data| Plan::choose_insecure(recipe, network, data, LOG_N))
            .unwrap();
        let root = std::env::temp_dir().join(format!("nn-encrypted-export-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&root);
        Self { session, root }
    }

    fn train(&self, steps: usize) -> Report {
        let options =
            Options { steps: Some(steps), out: Some(self.root.clone()), quiet: true, ..Options::default() };
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
    let task = Task { recipe, network, layers: &layers, program: &program, data: session.shape() };
    PlannedCkks::insecure(&task, LOG_N).unwrap()
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
    body.iter().map(|&byte| i64::from(byte) - 1).collect()
}

#[test]
fn a_private_model_gives_the_key_away_and_an_exported_one_does_not() {
    let run = run("attack");
    let report = run.train(3);
    let planned = planned(&run.session);
    let (ciphertexts, secret) = (ciphertexts(&run, &planned), key(&run));
    assert_eq!(secret.len(), 1 << LOG_N);
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
