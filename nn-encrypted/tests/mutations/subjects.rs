//! Everything that is read in a run, and what must come of it when it was changed.

use std::sync::Arc;

use nn_encrypted::model::Model;
use nn_encrypted::roles::{Client, Link, LinkError, Server};
use nn_encrypted::run::{RunFolder, Session, predict_session};

use crate::honest::{Files, Folder, Folders, Reader, Roles, is_right, model_in, planned, resumed};

/// What became of a change.
#[derive(Debug)]
pub(crate) enum Verdict {
    /// An error.
    Refused,
    /// What comes of it is what comes of the bytes without a change.
    Same,
    /// Something else came of it, and nobody was told that it is right.
    Told,
    /// Something else came of it, with success.
    Wrong(String),
}

/// Reads bytes, and says what came of them.
type Read<'a> = Box<dyn FnMut(&[u8]) -> Verdict + 'a>;

/// Something that is read.
pub(crate) struct Subject<'a> {
    pub(crate) name: String,
    pub(crate) bytes: Vec<u8>,
    pub(crate) read: Read<'a>,
}

fn subject<'a>(name: &str, bytes: &[u8], read: impl FnMut(&[u8]) -> Verdict + 'a) -> Subject<'a> {
    Subject { name: name.to_owned(), bytes: bytes.to_owned(), read: Box::new(read) }
}

/// Worlds whose run folders are left out: models of approximate layers beside tables are not read again.
const FILES_NOT_READ: [&str; 1] = ["blocks"];

/// All of a world.
pub(crate) fn subjects(name: &str, session: &Session, with: &mut dyn FnMut(&mut [Subject<'_>])) {
    let folder = Folder::new(name);
    let folders = match FILES_NOT_READ.contains(&name) {
        true => Folders::none(session),
        false => Folders::new(session, &folder),
    };
    let roles = Roles::new(session);
    let mut all = Vec::new();
    for (file, bytes) in &folders.stopped {
        let of = |bytes: &[u8]| resume_with(session, &folder, &folders, file, bytes);
        all.push(subject(&format!("resume {file}"), bytes, of));
    }
    for (file, bytes) in &folders.finished {
        let of = |bytes: &[u8]| predict_with(session, &folder, &folders, file, bytes);
        all.push(subject(&format!("predict {file}"), bytes, of));
    }
    for (place, (reader, bytes)) in roles.messages.iter().enumerate() {
        let of = |bytes: &[u8]| read_message(&roles, *reader, bytes);
        all.push(subject(&format!("message {place} {reader:?}"), bytes, of));
    }
    for (engine, kind) in places(&roles.keys) {
        let roles = &roles;
        let of = move |bytes: &[u8]| read_keys(roles, engine, kind, bytes);
        all.push(subject(&format!("evaluation keys {engine} {kind}"), &roles.keys[engine][kind], of));
    }
    for (engine, number) in places(&roles.secrets) {
        let roles = &roles;
        let of = move |bytes: &[u8]| read_secret(roles, engine, number, bytes);
        all.push(subject(&format!("secret keys {engine} {number}"), &roles.secrets[engine][number], of));
    }
    with(&mut all);
}

fn places<T>(of: &[Vec<T>]) -> Vec<(usize, usize)> {
    let all = of.iter().enumerate();
    all.flat_map(|(engine, of)| (0..of.len()).map(move |place| (engine, place))).collect()
}

/// The files with one of them changed.
fn with(files: &Files, file: &str, bytes: &[u8]) -> Files {
    let change = |(name, old): &(String, Vec<u8>)| {
        (name.clone(), if name == file { bytes.to_owned() } else { old.clone() })
    };
    files.iter().map(change).collect()
}

/// Whether a folder still has the recipe it had: one that was changed is another run.
fn same_recipe(session: &Session, folder: &Folder) -> bool {
    RunFolder::new(&folder.0).read_recipe().is_ok_and(|recipe| recipe == session.recipe)
}

fn resume_with(session: &Session, folder: &Folder, honest: &Folders, file: &str, bytes: &[u8]) -> Verdict {
    folder.put(&with(&honest.stopped, file, bytes));
    match resumed(session, folder) {
        Err(_) => Verdict::Refused,
        Ok(outcome) if !is_right(&outcome) => Verdict::Told,
        Ok(_) if !same_recipe(session, folder) => Verdict::Told,
        // Without a word of what was asked for, the run goes on to the end of its recipe.
        Ok(outcome) if outcome.report.steps != 1 => Verdict::Told,
        Ok(_) => match model_in(session, folder) {
            Ok(found) if apart(&found, &honest.model) <= most_apart(session) => Verdict::Same,
            _ => Verdict::Wrong("resumed to another model, with success".into()),
        },
    }
}

/// How far two honest runs may be apart: not at all, but where a scheme is approximate or tables read noisy phases, which are as good
/// as drawn.
fn most_apart(session: &Session) -> f64 {
    let plan = session.plan().unwrap();
    let mut engines = plan.engines.iter();
    let drawn = engines.any(|engine| engine.tolerance().is_some() || engine.table_reader().is_some());
    if drawn { 1.0 / 16.0 } else { 0.0 }
}

/// The largest distance of two numbers of two models.
fn apart(a: &Model, b: &Model) -> f64 {
    let numbers = |model: &Model| -> Vec<f64> {
        let all =
            model.layers.iter().flat_map(|l| [&l.weight, &l.bias, &l.weight_momentum, &l.bias_momentum]);
        all.flatten().copied().collect()
    };
    let (a, b) = (numbers(a), numbers(b));
    if a.len() != b.len() {
        return f64::INFINITY;
    }
    a.iter().zip(&b).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
}

/// Predictions of the same model.
fn agree(a: &nn_encrypted::run::Predictions, b: &nn_encrypted::run::Predictions) -> bool {
    use nn_encrypted::run::Predictions::{Classes, Values};
    match (a, b) {
        // A class may turn where two outputs are as good as equal.
        (Classes(a), Classes(b)) => {
            let apart = a.iter().zip(b).filter(|(a, b)| a != b).count();
            a.len() == b.len() && apart * 20 <= a.len()
        }
        (Values(a), Values(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| (a - b).abs() <= 1.0),
        _ => false,
    }
}

fn predict_with(session: &Session, folder: &Folder, honest: &Folders, file: &str, bytes: &[u8]) -> Verdict {
    folder.put(&with(&honest.finished, file, bytes));
    let run = RunFolder::new(&folder.0);
    if file == "report.json" {
        // It is shown as it stands.
        return if run.read_report().is_ok() { Verdict::Same } else { Verdict::Refused };
    }
    let same = same_recipe(session, folder);
    let Ok(planned) = run.read_recipe().and_then(|recipe| planned(session, recipe)) else {
        return Verdict::Refused;
    };
    match predict_session(&planned, &run) {
        Err(_) => Verdict::Refused,
        Ok(found) if !found.summary.twin_equal => Verdict::Told,
        Ok(found) if agree(&found.predicted, &honest.predicted) => Verdict::Same,
        Ok(_) if !same => Verdict::Told,
        Ok(_) if file == "client/model.private.safetensors" => Verdict::Told,
        Ok(_) => Verdict::Wrong("predicted something else, with success".into()),
    }
}

/// A link that gives the client's answers, but for one.
struct Forged<'a> {
    client: &'a mut Client,
    round: usize,
    forged: Option<(usize, &'a [u8])>,
}

impl Link for Forged<'_> {
    fn exchange(&mut self, request: Vec<u8>) -> Result<Vec<u8>, LinkError> {
        let answer = self.client.answer(request)?;
        let place = self.round;
        self.round += 1;
        Ok(match self.forged {
            Some((round, bytes)) if round == place => bytes.to_vec(),
            _ => answer,
        })
    }
}

/// Reads a message, and if it is taken goes on with it as a run does.
fn read_message(roles: &Roles, reader: Reader, bytes: &[u8]) -> Verdict {
    let taken = match reader {
        Reader::Request(_) | Reader::QueryRequest(_) | Reader::Outputs => client_reads(roles, reader, bytes),
        _ => server_reads(roles, reader, bytes),
    };
    // A message of its maker's choice says what its maker likes: that is for the audit to find.
    if !taken {
        Verdict::Refused
    } else if roles.messages.iter().any(|(of, honest)| *of == reader && honest == bytes) {
        Verdict::Same
    } else {
        Verdict::Told
    }
}

fn server_reads(roles: &Roles, reader: Reader, bytes: &[u8]) -> bool {
    let (mut server, mut client) = (roles.server(), roles.client());
    let message = |of: Reader| if of == reader { bytes.to_vec() } else { roles.message(of) };
    // A query comes beside a mini-batch as well as alone.
    if server.receive_model(0, message(Reader::Model)).is_err()
        || server.receive_batch(0, message(Reader::Batch)).is_err()
    {
        return false;
    }
    let (x, targets) = roles.session.batch(0).unwrap();
    let forged = match reader {
        Reader::Answer(round) | Reader::QueryAnswer(round) => Some((round, bytes)),
        _ => None,
    };
    if matches!(reader, Reader::Query | Reader::QueryAnswer(_)) {
        client.encrypt_query(0, x.view()).unwrap();
        let mut link = Forged { client: &mut client, round: 0, forged };
        return server.predict(0, message(Reader::Query), &mut link).is_ok();
    }
    client.begin(0, x.view(), targets.view()).unwrap();
    let mut link = Forged { client: &mut client, round: 0, forged };
    let trained = server.train(0, 0, &mut link, &Arc::default());
    // What the server ends with is written whatever it holds.
    trained.is_ok() && server.model(1).is_ok()
}

fn client_reads(roles: &Roles, reader: Reader, bytes: &[u8]) -> bool {
    let mut client = roles.client();
    let (x, targets) = roles.session.batch(0).unwrap();
    let answered = |client: &mut Client, requests: &dyn Fn(usize) -> Reader, rounds: usize| {
        for round in 0..rounds {
            client.answer(roles.message(requests(round))).unwrap();
        }
    };
    match reader {
        Reader::Request(round) => {
            client.begin(0, x.view(), targets.view()).unwrap();
            answered(&mut client, &Reader::Request, round);
        }
        Reader::QueryRequest(round) => {
            client.encrypt_query(0, x.view()).unwrap();
            answered(&mut client, &Reader::QueryRequest, round);
        }
        _ => {
            let is_round = |of: &Reader| matches!(of, Reader::QueryRequest(_));
            let rounds = roles.messages.iter().filter(|(of, _)| is_round(of)).count();
            client.encrypt_query(0, x.view()).unwrap();
            answered(&mut client, &Reader::QueryRequest, rounds);
            return client.read_outputs(bytes.to_vec()).is_ok();
        }
    }
    client.answer(bytes.to_vec()).is_ok()
}

fn read_keys(roles: &Roles, engine: usize, kind: usize, bytes: &[u8]) -> Verdict {
    let mut keys = roles.keys.clone();
    keys[engine][kind] = bytes.to_vec();
    let Ok(mut server) = Server::new(&roles.plan, &keys, false) else { return Verdict::Refused };
    // Wrong keys give wrong results, which the twin tells.
    if server.receive_model(0, roles.message(Reader::Model)).is_err() {
        return Verdict::Refused;
    }
    if keys == roles.keys { Verdict::Same } else { Verdict::Told }
}

fn read_secret(roles: &Roles, engine: usize, number: usize, bytes: &[u8]) -> Verdict {
    let mut secrets = roles.secrets.clone();
    secrets[engine][number] = zeroize::Zeroizing::new(bytes.to_vec());
    let read = Client::with_secrets(&roles.plan, roles.session.first.clone(), &secrets);
    let Ok(client) = read else { return Verdict::Refused };
    if client.secret_bytes()[engine][number][..] != *bytes {
        return Verdict::Wrong("a secret key is written otherwise than it was read".into());
    }
    if secrets == roles.secrets { Verdict::Same } else { Verdict::Told }
}
