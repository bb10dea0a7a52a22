//! What an honest run of a small world leaves: the files of a run folder, and the messages that crossed.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use nn_encrypted::model::Model;
use nn_encrypted::plan::Plan;
use nn_encrypted::recipe::Recipe;
use nn_encrypted::roles::{Client, Link, LinkError, Server};
use nn_encrypted::run::{
    Options, Outcome, Predictions, Resumption, RunError, RunFolder, Session, predict_session, resume,
    train_session,
};

use crate::worlds;

/// Files of a folder, by their paths in it.
pub(crate) type Files = Vec<(String, Vec<u8>)>;

/// A folder that is removed at the end.
pub(crate) struct Folder(pub(crate) PathBuf);

impl Folder {
    pub(crate) fn new(name: &str) -> Self {
        let memory = Path::new("/dev/shm");
        let base = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
        let path = base.join(format!("nn-encrypted-mutations-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        Self(path)
    }

    /// The files that are there.
    fn files(&self) -> Files {
        let mut files = Vec::new();
        for part in ["", "client", "server"] {
            for entry in fs::read_dir(self.0.join(part)).unwrap().map(Result::unwrap) {
                if entry.file_type().unwrap().is_file() {
                    let name = entry.file_name().to_string_lossy().into_owned();
                    let name = if part.is_empty() { name } else { format!("{part}/{name}") };
                    files.push((name, fs::read(entry.path()).unwrap()));
                }
            }
        }
        // What nobody reads.
        let written = ["lock", ".svg", ".csv", "plan.txt", "model.ciphertext"];
        files.retain(|(name, _)| !written.iter().any(|ending| name.ends_with(ending)));
        files.sort();
        files
    }

    /// Puts these files there, and nothing else.
    pub(crate) fn put(&self, files: &Files) {
        let _ = fs::remove_dir_all(&self.0);
        for part in ["client", "server"] {
            fs::create_dir_all(self.0.join(part)).unwrap();
        }
        files.iter().for_each(|(name, bytes)| fs::write(self.0.join(name), bytes).unwrap());
    }

    fn options(&self) -> Options {
        Options { out: Some(self.0.clone()), quiet: true, ..Options::default() }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The run folder of a training of one step that was stopped before it, and of one that is finished.
pub(crate) struct Folders {
    pub(crate) stopped: Files,
    pub(crate) finished: Files,
    /// The trained weights.
    pub(crate) model: Model,
    pub(crate) predicted: Predictions,
}

impl Folders {
    /// No files.
    pub(crate) fn none(session: &Session) -> Self {
        let model = session.first.clone();
        Self { stopped: vec![], finished: vec![], model, predicted: Predictions::Values(vec![]) }
    }

    pub(crate) fn new(session: &Session, folder: &Folder) -> Self {
        let options = Options { steps: Some(1), ..folder.options() };
        options.stop.store(true, Ordering::SeqCst);
        let stopped = train_session(session, &options, Instant::now());
        assert!(matches!(stopped, Err(RunError::Interrupted { .. })), "a run that is not stopped");
        let stopped = folder.files();
        let outcome = resumed(session, folder).unwrap();
        let (report, beyond) = (&outcome.report, &outcome.beyond);
        assert!(is_right(&outcome), "{:?} {beyond:?} {:?}", report.twin, report.prediction);
        let predicted = predict_session(session, &RunFolder::new(&folder.0)).unwrap();
        assert!(predicted.summary.twin_equal);
        let finished = folder.files();
        let model = model_in(session, folder).unwrap();
        Self { stopped, finished, model, predicted: predicted.predicted }
    }
}

/// Whether the command line would end with status 0.
pub(crate) fn is_right(Outcome { report, .. }: &Outcome) -> bool {
    let predicted = report.prediction.is_none_or(|prediction| prediction.twin_equal);
    report.twin.equal == Some(true) && predicted && report.traffic.out_of_bounds == 0
}

/// What `train --resume` does with a folder.
pub(crate) fn resumed(session: &Session, folder: &Folder) -> Result<Outcome, RunError> {
    let (recipe, options) = match resume(None, &[], folder.options())? {
        Resumption::Unfinished(recipe, options) => (*recipe, options),
        Resumption::Finished(_) => unreachable!("there is no report"),
    };
    train_session(&planned(session, recipe)?, &options, Instant::now())
}

/// A recipe, planned in small rings: plans take long, and are the same for the same recipe.
pub(crate) fn planned(session: &Session, recipe: Recipe) -> Result<Session, RunError> {
    if recipe == session.recipe { Ok(session.clone()) } else { worlds::planned(recipe) }
}

/// The trained weights that a folder holds.
pub(crate) fn model_in(session: &Session, folder: &Folder) -> Result<Model, RunError> {
    RunFolder::new(&folder.0).read_model(&session.recipe, &session.network)
}

/// Who reads a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reader {
    /// The server, as weights.
    Model,
    /// The server, as a mini-batch.
    Batch,
    /// The server, as images.
    Query,
    /// The client, in round so many of a training.
    Request(usize),
    /// The server, in round so many of a training.
    Answer(usize),
    /// The client, in round so many of a classification.
    QueryRequest(usize),
    /// The server, in round so many of a classification.
    QueryAnswer(usize),
    /// The client, as outputs.
    Outputs,
}

/// Both roles and every message of a training step and a classification.
pub(crate) struct Roles {
    pub(crate) plan: Arc<Plan>,
    pub(crate) session: Session,
    pub(crate) secrets: Vec<Vec<zeroize::Zeroizing<Vec<u8>>>>,
    pub(crate) keys: Vec<Vec<Vec<u8>>>,
    pub(crate) messages: Vec<(Reader, Vec<u8>)>,
}

/// A link that keeps what crosses.
struct Recorder<'a> {
    client: &'a mut Client,
    crossed: Vec<[Vec<u8>; 2]>,
}

impl Link for Recorder<'_> {
    fn exchange(&mut self, request: Vec<u8>) -> Result<Vec<u8>, LinkError> {
        let answer = self.client.answer(request.clone())?;
        self.crossed.push([request, answer.clone()]);
        Ok(answer)
    }
}

impl Roles {
    pub(crate) fn new(session: &Session) -> Self {
        let plan = worlds::plan(session);
        let mut client = Client::new(&plan, session.first.clone()).unwrap();
        let keys = client.evaluation_keys().unwrap();
        let mut server = Server::new(&plan, &keys, false).unwrap();
        let (x, targets) = session.batch(0).unwrap();
        let model = client.encrypt_model(0).unwrap();
        let batch = client.encrypt_batch(0, x.view(), targets.view()).unwrap();
        server.receive_model(0, model.clone()).unwrap();
        server.receive_batch(0, batch.clone()).unwrap();
        let mut messages = vec![(Reader::Model, model.clone()), (Reader::Batch, batch)];
        messages.push((Reader::Model, server.model(0).unwrap()));
        client.begin(0, x.view(), targets.view()).unwrap();
        let mut link = Recorder { client: &mut client, crossed: vec![] };
        server.train(0, 0, &mut link, &Arc::default()).unwrap();
        for (round, [request, answer]) in std::mem::take(&mut link.crossed).into_iter().enumerate() {
            messages.extend([(Reader::Request(round), request), (Reader::Answer(round), answer)]);
        }
        // With the first weights: those of a training without refreshes may be in no further product.
        server.receive_model(0, model).unwrap();
        let query = client.encrypt_query(0, x.view()).unwrap();
        messages.push((Reader::Query, query.clone()));
        let mut link = Recorder { client: &mut client, crossed: vec![] };
        let outputs = server.predict(0, query, &mut link).unwrap();
        for (round, [request, answer]) in std::mem::take(&mut link.crossed).into_iter().enumerate() {
            messages.extend([(Reader::QueryRequest(round), request), (Reader::QueryAnswer(round), answer)]);
        }
        messages.push((Reader::Outputs, outputs));
        let secrets = client.secret_bytes();
        Self { plan, session: session.clone(), secrets, keys, messages }
    }

    pub(crate) fn client(&self) -> Client {
        Client::with_secrets(&self.plan, self.session.first.clone(), &self.secrets).unwrap()
    }

    pub(crate) fn server(&self) -> Server {
        Server::new(&self.plan, &self.keys, false).unwrap()
    }

    /// The first message for a reader.
    pub(crate) fn message(&self, reader: Reader) -> Vec<u8> {
        let found = self.messages.iter().find(|(of, _)| *of == reader);
        found.unwrap_or_else(|| panic!("no {reader:?}")).1.clone()
    }
}
