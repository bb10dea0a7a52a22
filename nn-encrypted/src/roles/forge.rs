//! Messages that are altered on their way, for tests of what a role does with them.

use std::sync::Arc;

use he_core::ring::basis::Basis;
use he_core::ring::{Eval, Poly};
use he_core::rlwe::{self, Parameters, serial};
use he_core::wire::{self, Reader, Writer};
use ndarray::Array2;
use zeroize::Zeroizing;

use super::{Client, Link, LinkError, Server};
use crate::model::Model;
use crate::plan::Plan;
use crate::program::Step;
use crate::tag::TAG;

/// Passes requests on after a change, and answers after another.
pub(crate) struct Meddler<'a> {
    pub(crate) client: &'a mut Client,
    pub(crate) request: &'a mut dyn FnMut(Vec<u8>) -> Vec<u8>,
    pub(crate) answer: &'a mut dyn FnMut(Vec<u8>) -> Vec<u8>,
}

impl Link for Meddler<'_> {
    fn exchange(&mut self, request: Vec<u8>) -> Result<Vec<u8>, LinkError> {
        let answer = self.client.answer((self.request)(request))?;
        Ok((self.answer)(answer))
    }
}

/// A message with each of its ciphertexts replaced by another, sealed again as anybody can.
pub(crate) fn with_ciphertexts(message: &[u8], change: &mut dyn FnMut(&[u8]) -> Vec<u8>) -> Vec<u8> {
    let (header, _) = wire::peek(message).unwrap();
    assert_eq!(header.tag, TAG);
    let mut from = Reader::new(wire::open(message, &header, message.len()).unwrap());
    let mut to = Writer::new();
    to.u64(from.u64("number").unwrap());
    to.u16(from.u16("round").unwrap());
    to.u32(from.u32("images").unwrap());
    let parts = from.u32("parts").unwrap();
    to.u32(parts);
    for _ in 0..parts {
        (0..3).for_each(|_| to.u16(from.u16("tensor").unwrap()));
        to.u32(from.u32("part").unwrap());
        let ciphertexts = from.u32("ciphertexts").unwrap();
        to.u32(ciphertexts);
        (0..ciphertexts)
            .for_each(|_| to.len_bytes(&change(from.len_bytes(message.len(), "ciphertext").unwrap())));
    }
    from.finish("message").unwrap();
    wire::seal(&header, &to.finish())
}

/// The ciphertexts of a message.
pub(crate) fn ciphertexts(message: &[u8]) -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    with_ciphertexts(message, &mut |ciphertext| {
        all.push(ciphertext.to_vec());
        ciphertext.to_vec()
    });
    all
}

/// What takes the place of a ciphertext.
type Change<'a> = &'a mut dyn FnMut(&[u8]) -> Vec<u8>;

/// Ciphertexts of a scheme over RLWE: fields in the clear, and polynomials.
pub(crate) struct Forger {
    /// Bytes of the fields.
    pub(crate) fields: usize,
    pub(crate) params: Parameters,
}

/// Fields of a ciphertext in BGV: correction factor, noise, bound.
pub(crate) const BGV_FIELDS: usize = 38;
/// Fields of a ciphertext in CKKS: scale, slots, bound, error.
pub(crate) const CKKS_FIELDS: usize = 28;

impl Forger {
    /// The ciphertext with other polynomials.
    pub(crate) fn with_parts(
        &self,
        piece: &[u8],
        change: impl FnOnce(&Basis, Vec<Poly<Eval>>) -> Vec<Poly<Eval>>,
    ) -> Vec<u8> {
        let (fields, body) = piece.split_at(self.fields);
        let whole = serial::read_ciphertext(&mut Reader::new(body), &self.params).unwrap();
        let (secret, parts) = (whole.secret_id(), whole.into_parts());
        let basis = parts[0].basis().clone();
        let mut out = Writer::new();
        out.bytes(fields);
        let changed = rlwe::Ciphertext::new(&self.params, secret, change(&basis, parts));
        serial::write_ciphertext(&mut out, &changed).unwrap();
        out.finish()
    }

    /// Uniform polynomials.
    pub(crate) fn random(&self, piece: &[u8], seed: u8) -> Vec<u8> {
        let uniform = |basis: &Basis, part: u8| {
            let streams: Vec<u64> = (0..basis.len() as u64).collect();
            Poly::uniform(basis, &[seed, part].repeat(16).try_into().unwrap(), &streams)
        };
        self.with_parts(piece, |basis, _| vec![uniform(basis, 0), uniform(basis, 1)])
    }

    /// The phase `shift/8` of the modulus in every slot, and the secret.
    pub(crate) fn extreme(&self, piece: &[u8], shift: u64) -> Vec<u8> {
        let constant = |basis: &Basis, value: &dyn Fn(u64) -> u64| {
            let words: Vec<u64> = basis.moduli().flat_map(|q| vec![value(q.value()); basis.n()]).collect();
            Poly::from_words(basis, &words)
        };
        self.with_parts(piece, |basis, _| vec![constant(basis, &|q| q / 8 * shift), constant(basis, &|_| 1)])
    }

    /// Ciphertexts that no plan has: each with what is wrong with it.
    pub(crate) fn wrong(&self, piece: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
        let zero = |part: &Poly<Eval>| Poly::<Eval>::zero(part.basis());
        let other = |limbs: usize| {
            let basis = self.params.basis(limbs);
            let body = &mut Reader::new(&piece[self.fields..]);
            let secret = serial::read_ciphertext(body, &self.params).unwrap().secret_id();
            let mut out = Writer::new();
            out.bytes(&piece[..self.fields]);
            let one = Poly::from_words(basis, &vec![1; basis.n() * basis.len()]);
            let whole = rlwe::Ciphertext::new(&self.params, secret, vec![one.clone(), one]);
            serial::write_ciphertext(&mut out, &whole).unwrap();
            out.finish()
        };
        let limbs = usize::from(u16::from_le_bytes([piece[self.fields + 1], piece[self.fields + 2]]));
        let level = if limbs < self.params.max_limbs() { limbs + 1 } else { limbs - 1 };
        vec![
            ("transparent", self.with_parts(piece, |_, parts| vec![parts[0].clone(), zero(&parts[1])])),
            (
                "degree",
                self.with_parts(piece, |_, parts| vec![parts[0].clone(), parts[1].clone(), parts[1].clone()]),
            ),
            ("primes", other(level)),
        ]
    }
}

/// A message with one of its ciphertexts, the last, replaced.
pub(crate) fn with_last(message: &[u8], last: &[u8]) -> Vec<u8> {
    let (count, mut at) = (ciphertexts(message).len(), 0);
    with_ciphertexts(message, &mut |piece| {
        at += 1;
        if at == count { last.to_vec() } else { piece.to_vec() }
    })
}

/// What is in the clear in a message: its length, and of each ciphertext the length and the first bytes.
fn shape(message: &[u8], clear: usize) -> String {
    let pieces = ciphertexts(message).into_iter();
    let pieces: Vec<_> =
        pieces.map(|piece| (piece.len(), piece[..clear.min(piece.len())].to_vec())).collect();
    format!("{} {pieces:?}", message.len())
}

/// A link on which every ciphertext for the client is changed, and what can be seen of its answers is kept.
struct Changer<'a, 'c> {
    client: &'a mut Client,
    change: Change<'c>,
    clear: usize,
    answers: &'a mut Vec<String>,
}

impl Link for Changer<'_, '_> {
    fn exchange(&mut self, request: Vec<u8>) -> Result<Vec<u8>, LinkError> {
        let answer = self.client.answer(with_ciphertexts(&request, self.change))?;
        self.answers.push(shape(&answer, self.clear));
        Ok(answer)
    }
}

/// Everything that a server sees of a client through two steps, a classification and another step, and how large the files are that it
/// writes; with each ciphertext for the client replaced by another. The client also decrypts what the server holds.
pub(crate) fn observe(
    plan: &Arc<Plan>,
    (model, secrets): (&Model, &[Vec<Zeroizing<Vec<u8>>>]),
    keys: &[Vec<Vec<u8>>],
    (x, y): (&Array2<f64>, &Array2<f64>),
    (clear, change): (usize, Change<'_>),
) -> Vec<String> {
    let mut client = Client::with_secrets(plan, model.clone(), secrets).unwrap();
    let mut server = Server::new(plan, keys, false).unwrap();
    let mut seen = Vec::new();
    server.receive_model(0, client.encrypt_model(0).unwrap()).unwrap();
    server.receive_batch(0, client.encrypt_batch(0, x.view(), y.view()).unwrap()).unwrap();
    let status = |ok: Result<(), String>| ok.err().unwrap_or_else(|| "goes on".into());
    let refreshes =
        plan.program.training.iter().any(|step| matches!(step, Step::Refresh { by, .. } if by.is_client()));
    // Where no client takes part there is nothing between the steps.
    let steps = if refreshes { 3 } else { 1 };
    for step in 0..steps {
        if step + 1 == steps {
            let query = client.encrypt_query(7, x.view()).unwrap();
            let mut link = Changer { client: &mut client, change, clear, answers: &mut seen };
            let outputs = server.predict(7, query, &mut link).unwrap();
            let read = client.read_outputs(with_ciphertexts(&outputs, change));
            seen.push(status(read.map(drop).map_err(|error| error.to_string())));
        }
        client.begin(step, x.view(), y.view()).unwrap();
        let mut link = Changer { client: &mut client, change, clear, answers: &mut seen };
        let trained = server.train(step, 0, &mut link, &Arc::default());
        seen.push(status(trained.map_err(|error| error.to_string())));
        let kept = server.model(step + 1).unwrap();
        seen.push(format!("a file of {} bytes", kept.len()));
        let read = client.decrypt_model(step + 1, with_ciphertexts(&kept, change));
        seen.push(status(read.map(drop).map_err(|error| error.to_string())));
        // As before a classification with the trained model.
        let sent = client.encrypt_model(step + 1).map(|bytes| format!("{} bytes", bytes.len()));
        seen.push(sent.unwrap_or_else(|error| error.to_string()));
    }
    seen
}

/// That nothing a server sees depends on what ciphertexts hold, over honest, random and extreme ones.
pub(crate) fn sees_the_same(
    plan: &Arc<Plan>,
    model: &Model,
    (x, y): (&Array2<f64>, &Array2<f64>),
    forgers: &[Forger],
) {
    let client = Client::new(plan, model.clone()).unwrap();
    let (secrets, keys) = (client.secret_bytes(), client.evaluation_keys().unwrap());
    let clear = forgers[0].fields + 3;
    let honest = observe(plan, (model, &secrets), &keys, (x, y), (clear, &mut <[u8]>::to_vec));
    let fails = honest.iter().filter(|seen| !seen.starts_with(|c: char| c.is_ascii_digit()));
    // Some clients send no weights that they decrypted, whatever these are.
    let expected = ["goes on", "a file of", "weights to be sent in the clear"];
    let fails: Vec<_> =
        fails.filter(|seen| expected.iter().all(|expected| !seen.starts_with(expected))).collect();
    assert!(fails.is_empty(), "{fails:?}");
    for kind in 0..7 {
        let mut at = 0;
        let mut change = |piece: &[u8]| {
            at += 1;
            let forger = &forgers[(at - 1) % forgers.len()];
            match kind {
                0..3 => forger.random(piece, at as u8 ^ kind << 6),
                _ => forger.extreme(piece, [0, 1, 3, 4][usize::from(kind) - 3]),
            }
        };
        let other = observe(plan, (model, &secrets), &keys, (x, y), (clear, &mut change));
        assert_eq!(other, honest, "kind {kind}");
    }
}
