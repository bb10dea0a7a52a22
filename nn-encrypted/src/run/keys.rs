//! The keys of a run folder: `client/secret.key`, `client/secret-1.key`, … and `server/evaluation-0.keys`, …, one a secret key and
//! one a kind of evaluation keys, engine by engine.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use zeroize::Zeroizing;

use super::digest::hex;
use super::encrypted::SentKeys;
use super::job::{JobFile, foreign_plan};
#[cfg(feature = "serve")]
use super::passphrase::wrap;
use super::sealed_keys::{SealedKey, SealedKeys};
use super::session::Session;
use super::{RunError, RunFolder};
use crate::engine::EngineError;
use crate::model::Model;
use crate::plan::Plan;
use crate::roles::cipher::CipherError;
use crate::roles::{Client, ClientError, Server, ServerError};

/// Largest secret key that is read back: one byte a coefficient and an envelope.
const LARGEST_KEY: u64 = 1 << 18;

impl RunFolder {
    fn secret(&self, i: usize) -> PathBuf {
        self.client(&if i == 0 { "secret.key".into() } else { format!("secret-{i}.key") })
    }

    /// Writes the secret keys of each engine, for their owner only.
    ///
    /// # Errors
    /// If they cannot be written.
    pub fn write_secret_keys(&self, keys: &[Vec<Zeroizing<Vec<u8>>>]) -> Result<(), RunError> {
        keys.iter().flatten().enumerate().try_for_each(|(i, key)| self.write(&self.secret(i), key, true))
    }

    /// Wraps the secret keys of each engine under a passphrase and writes them, for their owner only.
    ///
    /// # Errors
    /// If they cannot be wrapped or written.
    #[cfg(feature = "serve")]
    pub(super) fn write_wrapped_keys(
        &self,
        keys: &[Vec<Zeroizing<Vec<u8>>>],
        passphrase: &str,
    ) -> Result<(), RunError> {
        keys.iter().flatten().enumerate().try_for_each(|(i, key)| {
            let path = self.secret(i);
            let wrapped = wrap(passphrase, key);
            let wrapped =
                wrapped.map_err(|error| RunError::File { path: path.clone(), what: error.to_string() })?;
            self.write(&path, &wrapped, true)
        })
    }

    /// The secret key of a file, whether it is under a passphrase or not.
    fn read_secret(&self, path: &Path) -> Result<Zeroizing<Vec<u8>>, RunError> {
        let opened = self.unlock().opened(self.read_at_most(path, LARGEST_KEY)?);
        opened.map_err(|error| RunError::File { path: path.to_owned(), what: error.to_string() })
    }

    /// A client with the secret keys that were written here.
    ///
    /// # Errors
    /// If they cannot be read or belong to other parameters: the file is named.
    pub fn client_with(&self, plan: &Arc<Plan>, model: Model) -> Result<Client, RunError> {
        let mut ciphers = Vec::new();
        let mut files = 0..;
        for engine in &plan.engines {
            let paths: Vec<PathBuf> =
                files.by_ref().take(engine.secret_keys()).map(|i| self.secret(i)).collect();
            let keys = paths.iter().map(|path| self.read_secret(path));
            let cipher = engine.with_secret(&keys.collect::<Result<Vec<_>, _>>()?);
            let file = |number: usize, what: String| RunError::File {
                path: paths.get(number).cloned().unwrap_or_default(),
                what,
            };
            ciphers.push(cipher.map_err(|error| match error {
                CipherError::Secret { number, source } => file(number, source.to_string()),
                CipherError::Keys { source, .. } => file(0, source.to_string()),
                other => ClientError::from(other).into(),
            })?);
        }
        Ok(Client::with_ciphers(plan, model, ciphers))
    }

    /// A client with the secret keys of a run that was stopped before its first checkpoint, and the evaluation keys, if all of them are
    /// there. While a secret key is missing nothing was made with the others.
    pub(super) fn kept_keys(
        &self,
        plan: &Arc<Plan>,
        model: &Model,
    ) -> Result<Option<(Client, Option<SealedKeys>)>, RunError> {
        let secrets: usize = plan.engines.iter().map(|engine| engine.secret_keys()).sum();
        if (0..secrets).any(|i| !self.secret(i).exists()) {
            return Ok(None);
        }
        let client = self.client_with(plan, model.clone())?;
        let kinds: usize = plan.engines.iter().map(|engine| engine.key_names().len()).sum();
        let whole = (0..kinds).all(|i| self.evaluation_key(i).exists());
        Ok(Some((client, whole.then(|| self.read_evaluation_keys(plan)).transpose()?)))
    }

    /// A client with the secret keys that were made before a training, and the evaluation keys.
    ///
    /// # Errors
    /// If they are not all there, or of another plan or other data than those of the training.
    pub(super) fn keys_of_job(
        &self,
        job: &JobFile,
        session: &Session,
    ) -> Result<(Client, Option<SealedKeys>), RunError> {
        let plan = &session.plan()?;
        let wrong = |what: String| RunError::File { path: self.job_path(), what };
        let found = hex(&plan.hash());
        if found != job.plan {
            return Err(wrong(foreign_plan(&found, &job.plan)));
        }
        job.check_rows(session).map_err(wrong)?;
        let client = self.client_with(plan, session.first.clone())?;
        let keys = self.read_evaluation_keys(plan)?;
        if hex(&keys.digest()?) != job.keys {
            return Err(wrong("is of other keys than those in server/".into()));
        }
        Ok((client, Some(keys)))
    }

    /// The evaluation keys that were made for a job, whatever its plan.
    ///
    /// # Errors
    /// If they are not there, or are others.
    #[cfg(feature = "serve")]
    pub(crate) fn keys_of(&self, job: &JobFile) -> Result<SealedKeys, RunError> {
        let there = (0..).map(|i| self.evaluation_key(i)).take_while(|path| path.exists());
        let keys = SealedKeys::in_files(vec![there.map(SealedKey::file).collect::<Result<_, _>>()?]);
        if hex(&keys.digest()?) != job.keys {
            let what = "is of other keys than those in server/".into();
            return Err(RunError::File { path: self.job_path(), what });
        }
        Ok(keys)
    }

    /// Path of a kind of evaluation keys, counted over all engines.
    fn evaluation_key(&self, i: usize) -> PathBuf {
        self.server(&format!("evaluation-{i}.keys"))
    }

    /// Writes the evaluation keys.
    ///
    /// # Errors
    /// If they cannot be written.
    pub fn write_evaluation_keys(&self, keys: &SentKeys) -> Result<(), RunError> {
        let all = keys.iter().flatten().enumerate();
        all.into_iter().try_for_each(|(i, key)| self.write(&self.evaluation_key(i), key, false))
    }

    /// The evaluation keys, still sealed: their files, which are read when the keys are used.
    ///
    /// # Errors
    /// If one is not there, or longer than any keys are.
    pub fn read_evaluation_keys(&self, plan: &Plan) -> Result<SealedKeys, RunError> {
        let mut number = 0..;
        let mut next = || SealedKey::file(self.evaluation_key(number.next().unwrap_or(0)));
        let engines = plan.engines.iter();
        let keys = engines.map(|engine| engine.key_names().iter().map(|_| next()).collect());
        Ok(SealedKeys::in_files(keys.collect::<Result<_, RunError>>()?))
    }

    /// A server with evaluation keys that were read here; it records what an audit needs.
    ///
    /// # Errors
    /// If they are damaged or belong to other parameters: the file is named.
    pub fn server_with(&self, plan: &Arc<Plan>, keys: &SealedKeys) -> Result<Server, RunError> {
        let names: Vec<String> = plan.engines.iter().flat_map(|engine| engine.key_names()).collect();
        Server::read_from(plan, keys.open()?, true).map_err(|error| match error {
            ServerError::Engine(EngineError::Keys { what, source }) => {
                match names.iter().position(|name| *name == what) {
                    Some(i) => RunError::File { path: self.evaluation_key(i), what: source.to_string() },
                    None => ServerError::Engine(EngineError::Keys { what, source }).into(),
                }
            }
            other => other.into(),
        })
    }
}
