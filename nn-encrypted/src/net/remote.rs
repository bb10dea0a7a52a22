//! The server of a run elsewhere: a job and a run of it, as a channel.

use std::fs::File;
use std::io::Cursor;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde::{Deserialize, Serialize};
use ureq::http::{Method, StatusCode};

use super::api::{COMPLETE, EVENT, Event, JobState, ROUND, Task};
use super::body::JobBody;
use super::caller::{Answer, Caller, Place};
use super::names::{Id, Object};
use super::outcome::Outcome;
use super::upload::upload;
use crate::engine::Usage;
use crate::plan::Plan;
use crate::roles::{Channel, DataOwner, Link, ServerError};
use crate::run::{Connect, JobFile, RunError, RunFolder, SealedKey, SealedKeys, Session, hex};

/// Seconds for which a request for what is next waits: not so long that a stop by hand goes unheard.
const WAIT: u64 = 5;

/// Servers elsewhere.
pub(crate) struct Elsewhere {
    caller: Arc<Caller>,
    /// The arguments that name it.
    arguments: String,
    /// See [`JobBody`].
    pub(super) insecure_small: Option<String>,
}

/// The job of a run folder; `client/job.json`.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Known {
    /// Its name.
    job: String,
    /// Digest of its evaluation keys.
    keys: String,
}

fn refused(what: impl Into<String>) -> ServerError {
    ServerError::Remote(what.into().into())
}

/// The name of a job that keys were made for.
fn id_of(job: &JobFile) -> Result<Id, RunError> {
    job.job.parse().map_err(|()| RunError::Job(format!("job.toml: {:?} is no job", job.job)))
}

impl Elsewhere {
    /// The server of a place.
    pub(crate) fn new(place: &Place) -> Result<Self, RunError> {
        let mut arguments = format!(" --server {}", place.url);
        if let Some(file) = &place.token_file {
            arguments += &format!(" --token-file {}", file.display());
        }
        if let Some([chain, key]) = &place.certificate {
            arguments += &format!(" --cert {} --key {}", chain.display(), key.display());
        }
        if let Some(pin) = &place.pin {
            arguments += &format!(" --pin {pin}");
        }
        Ok(Self { caller: Arc::new(Caller::new(place)?), arguments, insecure_small: None })
    }

    /// The jobs of its user, a line for each.
    pub(crate) fn jobs(&self) -> Result<Vec<String>, RunError> {
        let answer = self.caller.call(&Method::GET, "/v1/jobs", &[], &[], &[])?;
        let jobs: Vec<JobState> = serde_json::from_slice(&answer.body)
            .map_err(|error| RunError::Job(format!("the list of jobs: {error}")))?;
        let plain = |text: &str| text.chars().filter(|c| !c.is_control()).collect::<String>();
        let line = |job: JobState| {
            let step = job.checkpoint.map_or_else(|| "-".to_owned(), |step| step.to_string());
            let megabytes = job.bytes as f64 / 1e6;
            let (name, recipe, state) = (plain(&job.job), plain(&job.recipe), plain(&job.state));
            format!("{name}  {recipe}  {megabytes:.1} MB  checkpoint {step}  {state}")
        };
        Ok(jobs.into_iter().map(line).collect())
    }

    /// Has it forget a job.
    pub(crate) fn delete(&self, job: &str) -> Result<(), RunError> {
        let job: Id = job
            .parse()
            .map_err(|()| RunError::Job(format!("{job:?} is no job; `nn-encrypted jobs` lists them")))?;
        // Known before it is deleted: whatever is repeated then finds nothing, and that is right.
        let path = format!("/v1/jobs/{job}");
        self.caller.call(&Method::GET, &path, &[], &[], &[])?;
        self.caller.call(&Method::DELETE, &path, &[], &[], &[StatusCode::NOT_FOUND])?;
        Ok(())
    }

    /// Makes a job with its evaluation keys, if it is not there.
    fn create(&self, job: Id, body: &JobBody, keys: &SealedKeys, forgets: bool) -> Result<Remote, RunError> {
        let body = serde_json::to_vec(body).map_err(|error| RunError::Job(error.to_string()))?;
        let remote = self.remote(job, forgets);
        self.caller.call(&Method::PUT, &remote.job, &[], &body, &[])?;
        for (kind, key) in keys.all().enumerate() {
            remote.upload_key(Object::Keys(kind), key)?;
        }
        Ok(remote)
    }

    fn remote(&self, job: Id, forgets: bool) -> Remote {
        Remote {
            caller: Arc::clone(&self.caller),
            run: String::new(),
            job: format!("/v1/jobs/{job}"),
            forgets,
            number: 0,
            usage: vec![],
            records: vec![],
        }
    }

    /// Makes the job of a folder of keys, so that owners of data can upload to it.
    pub(crate) fn create_job(&self, folder: &RunFolder) -> Result<String, RunError> {
        let none = || RunError::Job(format!("{}: no job.toml; `keygen` makes one", folder.root().display()));
        let job = folder.job()?.ok_or_else(none)?;
        let keys = folder.keys_of(&job)?;
        self.create(id_of(&job)?, &JobBody::of_job(&job)?, &keys, false)?;
        Ok(job.job)
    }

    /// Encrypts the rows of an owner of data, table or data set `set`, and uploads them to a job. Tells how many mini-batches were sent
    /// and how many were there.
    pub(crate) fn upload(
        &self,
        job: &JobFile,
        public: &[u8],
        (set, data_dir): (&str, Option<&Path>),
        mut done: impl FnMut(usize, usize),
    ) -> Result<[usize; 2], RunError> {
        if job.public.as_deref() != Some(blake3::hash(public).to_hex().as_str()) {
            return Err(RunError::Job("the public key is not the one of this job".into()));
        }
        let session = job.session_of_owner(set, data_dir)?;
        let owner = DataOwner::new(&session.plan()?, public)?;
        let (mut remote, count) = (self.remote(id_of(job)?, false), session.batches.count());
        let mut sent = 0;
        for batch in 0..count {
            if !remote.has_batch(batch)? {
                let (x, targets) = session.batch(batch)?;
                remote.receive_batch(batch, owner.encrypt_batch(batch, x.view(), targets.view())?)?;
                sent += 1;
            }
            done(batch + 1, count);
        }
        Ok([sent, count - sent])
    }

    /// The name of the job of a folder, drawn and written there if it is new.
    fn name(&self, folder: Option<&RunFolder>, keys: &SealedKeys) -> Result<Id, RunError> {
        let draw = || Id::draw().map_err(|error| RunError::Job(error.to_string()));
        let Some(folder) = folder else { return draw() };
        if let Some(job) = folder.job()? {
            return id_of(&job);
        }
        let (path, keys) = (folder.client("job.json"), hex(&keys.digest()?));
        let wrong = |what: String| RunError::File { path: path.clone(), what };
        if path.exists() {
            let known: Known =
                serde_json::from_slice(&folder.read(&path)?).map_err(|error| wrong(error.to_string()))?;
            // Keys of a run that was put aside were another job's.
            if known.keys == keys {
                return known.job.parse().map_err(|()| wrong(format!("{:?} is no job", known.job)));
            }
        }
        let job = draw()?;
        let known = serde_json::to_vec(&Known { job: job.to_string(), keys });
        folder.write(&path, &known.map_err(|error| wrong(error.to_string()))?, true)?;
        Ok(job)
    }
}

impl Connect for Elsewhere {
    fn connect(
        &self,
        session: &Session,
        plan: &Arc<Plan>,
        keys: &SealedKeys,
        folder: Option<&RunFolder>,
    ) -> Result<Box<dyn Channel>, RunError> {
        let job = self.name(folder, keys)?;
        let body = JobBody::of(session, plan, self.insecure_small.clone())?;
        let mut remote = self.create(job, &body, keys, folder.is_none())?;
        let run = Id::draw().map_err(|error| RunError::Job(error.to_string()))?;
        remote.run = format!("{}/runs/{run}", remote.job);
        self.caller.call(&Method::PUT, &remote.run, &[], &[], &[])?;
        Ok(Box::new(remote))
    }

    fn arguments(&self) -> String {
        self.arguments.clone()
    }
}

/// A run of a job of a server.
struct Remote {
    caller: Arc<Caller>,
    /// Their paths.
    job: String,
    run: String,
    /// Whether nobody asks for the job again.
    forgets: bool,
    /// The number of the last task.
    number: u64,
    usage: Vec<Usage>,
    records: Vec<Vec<u8>>,
}

impl Drop for Remote {
    fn drop(&mut self) {
        if self.forgets {
            // A server that is away keeps it until its owner deletes it.
            let _ = self.caller.call(&Method::DELETE, &self.job, &[], &[], &[]);
        }
    }
}

/// Answers nothing: tasks without rounds.
struct Silent;

impl Link for Silent {
    fn exchange(&mut self, _request: Vec<u8>) -> Result<Vec<u8>, crate::roles::LinkError> {
        Err("a request came where none is planned".into())
    }
}

impl Remote {
    fn object(&self, object: Object) -> String {
        format!("{}/objects/{object}", self.job)
    }

    /// The part of an object that is there; none if nothing is.
    fn there(&self, object: Object) -> Result<Option<Answer>, ServerError> {
        let found =
            self.caller.call(&Method::HEAD, &self.object(object), &[], &[], &[StatusCode::NOT_FOUND])?;
        Ok(Some(found).filter(|answer| answer.status.is_success()))
    }

    /// Uploads an object that is in memory.
    fn upload(&self, object: Object, bytes: &[u8]) -> Result<(), ServerError> {
        upload(&self.caller, &self.object(object), &mut Cursor::new(bytes))
    }

    /// Uploads evaluation keys, of which no more than a piece is in memory.
    fn upload_key(&self, object: Object, key: &SealedKey) -> Result<(), RunError> {
        match key {
            SealedKey::Bytes(bytes) => self.upload(object, bytes)?,
            SealedKey::File(path, _) => {
                let file = File::open(path).map_err(|source| RunError::Io { path: path.clone(), source });
                upload(&self.caller, &self.object(object), &mut file?)?;
            }
        }
        Ok(())
    }

    /// Gives the next task and answers its requests, to its end.
    fn perform(
        &mut self,
        task: &Task,
        link: &mut dyn Link,
        stop: &AtomicBool,
    ) -> Result<Vec<u8>, ServerError> {
        self.number += 1;
        let path = format!("{}/tasks/{}", self.run, self.number);
        let body = serde_json::to_vec(task).map_err(|error| refused(error.to_string()))?;
        self.caller.call(&Method::PUT, &path, &[], &body, &[])?;
        let mut stopped = false;
        loop {
            if stop.load(Ordering::SeqCst) && !stopped {
                self.caller.call(&Method::DELETE, &path, &[], &[], &[])?;
                stopped = true;
            }
            let waiting = format!("{path}?wait={WAIT}");
            let answer = self.caller.call(&Method::GET, &waiting, &[], &[], &[])?;
            if answer.status == StatusCode::NO_CONTENT {
                continue;
            }
            match answer.header(EVENT).and_then(Event::named) {
                Some(Event::Request) => {
                    let round = answer.number(ROUND).unwrap_or(0);
                    // Made once: whatever becomes of the connection, these very bytes are sent again.
                    let bytes = link.exchange(answer.body).map_err(ServerError::Link)?;
                    let path = format!("{path}/answers/{round}");
                    self.caller.call(&Method::PUT, &path, &[], &bytes, &[])?;
                }
                Some(Event::Done) => return self.take(&answer.body),
                Some(Event::Stopped) => return Err(ServerError::Stopped),
                Some(Event::Failed) => return Err(refused(super::caller::printable(&answer.body))),
                None => return Err(refused("an answer of no known kind")),
            }
        }
    }

    fn take(&mut self, bytes: &[u8]) -> Result<Vec<u8>, ServerError> {
        let Outcome { usage, result, records } = Outcome::from_bytes(bytes).map_err(refused)?;
        self.usage = usage;
        self.records = records;
        Ok(result)
    }

    /// A task without rounds.
    fn alone(&mut self, task: &Task) -> Result<Vec<u8>, ServerError> {
        self.perform(task, &mut Silent, &AtomicBool::new(false))
    }
}

impl Channel for Remote {
    fn receive_model(&mut self, step: u64, bytes: Vec<u8>) -> Result<(), ServerError> {
        self.upload(Object::Model, &bytes)?;
        self.alone(&Task::Take { step }).map(drop)
    }

    fn has_batch(&mut self, index: usize) -> Result<bool, ServerError> {
        let there = self.there(Object::Batch(index))?;
        Ok(there.is_some_and(|there| there.header(COMPLETE) == Some("?1")))
    }

    fn receive_batch(&mut self, index: usize, bytes: Vec<u8>) -> Result<(), ServerError> {
        self.upload(Object::Batch(index), &bytes)
    }

    fn is_elsewhere(&self) -> bool {
        true
    }

    fn forget_batch(&mut self, _index: usize) {}

    fn train(
        &mut self,
        step: u64,
        batch: usize,
        link: &mut dyn Link,
        stop: &Arc<AtomicBool>,
    ) -> Result<(), ServerError> {
        self.perform(&Task::Train { step, batch }, link, stop).map(drop)
    }

    fn predict(&mut self, number: u64, query: Vec<u8>, link: &mut dyn Link) -> Result<Vec<u8>, ServerError> {
        self.upload(Object::Query, &query)?;
        self.perform(&Task::Classify { number }, link, &AtomicBool::new(false))
    }

    fn model(&mut self, step: u64) -> Result<Vec<u8>, ServerError> {
        self.alone(&Task::Give { step })
    }

    fn keep(&mut self, step: u64) -> Result<Vec<u8>, ServerError> {
        self.alone(&Task::Keep { step })
    }

    fn restore(&mut self, step: u64, kept: Vec<u8>) -> Result<(), ServerError> {
        let digest: [u8; 32] = kept.try_into().map_err(|_| {
            refused("the checkpoint of the server is kept beside its client: resume without --server")
        })?;
        self.alone(&Task::Restore { step, digest: hex(&digest) }).map(drop)
    }

    fn take_records(&mut self) -> Vec<Vec<u8>> {
        std::mem::take(&mut self.records)
    }

    fn usage(&self) -> Vec<Usage> {
        self.usage.clone()
    }
}
