//! A server whose requests are altered on their way, for tests of the audit.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use crate::engine::Usage;
use crate::plan::Plan;
use crate::roles::{Channel, Link, LinkError, Server, ServerError};
use crate::run::connect::Connect;
use crate::run::{RunError, RunFolder, SealedKeys, Session};

/// A request of the server, by its step and round, as it is sent on.
pub(super) type Alter = dyn Fn(u64, usize, Vec<u8>) -> Vec<u8> + Send + Sync;

/// A server whose requests are altered, and the bytes that its client sends.
struct Lying {
    server: Server,
    alter: Arc<Alter>,
    sent: Arc<Mutex<Vec<Vec<u8>>>>,
    /// Stops the run after so many steps.
    stops: Option<(u64, Arc<AtomicBool>)>,
    leaves: Option<Leaves>,
}

/// Says once that it lost its state: in a step, when it has the answer of a round.
#[derive(Clone)]
pub(super) struct Leaves {
    pub(super) step: u64,
    pub(super) round: usize,
    pub(super) done: Arc<AtomicBool>,
}

/// The way to it.
pub(super) struct ToLying {
    alter: Arc<Alter>,
    pub(super) sent: Arc<Mutex<Vec<Vec<u8>>>>,
    pub(super) stops: Option<(u64, Arc<AtomicBool>)>,
    pub(super) leaves: Option<Leaves>,
}

impl ToLying {
    pub(super) fn new(alter: impl Fn(u64, usize, Vec<u8>) -> Vec<u8> + Send + Sync + 'static) -> Self {
        Self { alter: Arc::new(alter), sent: Arc::default(), stops: None, leaves: None }
    }
}

impl Connect for ToLying {
    fn connect(
        &self,
        _: &Session,
        plan: &Arc<Plan>,
        keys: &SealedKeys,
        _: Option<&RunFolder>,
    ) -> Result<Box<dyn Channel>, RunError> {
        let server = Server::read_from(plan, keys.open()?, true)?;
        let (alter, sent) = (Arc::clone(&self.alter), Arc::clone(&self.sent));
        let (stops, leaves) = (self.stops.clone(), self.leaves.clone());
        Ok(Box::new(Lying { server, alter, sent, stops, leaves }))
    }
}

impl Lying {
    fn note(&self, bytes: &[u8]) {
        self.sent.lock().unwrap().push(bytes.to_vec());
    }
}

/// Alters requests, and keeps answers.
struct Altering<'a> {
    link: &'a mut dyn Link,
    alter: &'a dyn Fn(usize, Vec<u8>) -> Vec<u8>,
    /// The round after which nothing more is asked.
    last: Option<usize>,
    answers: Rc<RefCell<Vec<Vec<u8>>>>,
}

impl Link for Altering<'_> {
    fn exchange(&mut self, request: Vec<u8>) -> Result<Vec<u8>, LinkError> {
        let round = self.answers.borrow().len();
        let answer = self.link.exchange((self.alter)(round, request))?;
        self.answers.borrow_mut().push(answer.clone());
        if self.last == Some(round) { Err("it leaves".into()) } else { Ok(answer) }
    }
}

impl Channel for Lying {
    fn receive_model(&mut self, step: u64, bytes: Vec<u8>) -> Result<(), ServerError> {
        self.note(&bytes);
        self.server.receive_model(step, bytes)
    }

    fn has_batch(&mut self, index: usize) -> Result<bool, ServerError> {
        Ok(self.server.has_batch(index))
    }

    fn receive_batch(&mut self, index: usize, bytes: Vec<u8>) -> Result<(), ServerError> {
        self.note(&bytes);
        self.server.receive_batch(index, bytes)
    }

    fn is_elsewhere(&self) -> bool {
        false
    }

    fn forget_batch(&mut self, index: usize) {
        self.server.forget_batch(index);
    }

    fn train(
        &mut self,
        step: u64,
        batch: usize,
        link: &mut dyn Link,
        stop: &Arc<AtomicBool>,
    ) -> Result<(), ServerError> {
        if let Some((last, stop)) = &self.stops {
            stop.store(step + 1 >= *last, Ordering::SeqCst);
        }
        let (answers, alter) = (Rc::default(), Arc::clone(&self.alter));
        let alter = |round, request| alter(step, round, request);
        let leaves =
            self.leaves.as_ref().filter(|of| of.step == step && !of.done.swap(true, Ordering::SeqCst));
        let last = leaves.map(|of| of.round);
        let mut link = Altering { link, alter: &alter, last, answers: Rc::clone(&answers) };
        // Not within the step.
        let _ = stop;
        let trained = self.server.train(step, batch, &mut link, &Arc::default());
        answers.borrow().iter().for_each(|answer| self.note(answer));
        match last {
            Some(_) => Err(ServerError::Gone("it says that it lost its state".into())),
            None => trained,
        }
    }

    fn predict(&mut self, number: u64, query: Vec<u8>, link: &mut dyn Link) -> Result<Vec<u8>, ServerError> {
        self.note(&query);
        let answers = Rc::default();
        let honest = |_, request| request;
        let mut link = Altering { link, alter: &honest, last: None, answers: Rc::clone(&answers) };
        let outputs = self.server.predict(number, query, &mut link);
        answers.borrow().iter().for_each(|answer| self.note(answer));
        outputs
    }

    fn model(&mut self, step: u64) -> Result<Vec<u8>, ServerError> {
        self.server.model(step)
    }

    fn keep(&mut self, step: u64) -> Result<Vec<u8>, ServerError> {
        self.server.model(step)
    }

    fn restore(&mut self, step: u64, kept: Vec<u8>) -> Result<(), ServerError> {
        self.server.restore(step, kept)
    }

    fn take_records(&mut self) -> Vec<Vec<u8>> {
        self.server.take_records()
    }

    fn usage(&self) -> Vec<Usage> {
        self.server.usage()
    }
}
