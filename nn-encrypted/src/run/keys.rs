//! The keys of a run folder: `client/secret.key`, `client/secret-1.key`, … and `server/evaluation-0.keys`, …, one a secret key and
//! one a kind of evaluation keys, engine by engine.

use std::path::PathBuf;
use std::sync::Arc;

use zeroize::Zeroizing;

use super::encrypted::SentKeys;
use super::{RunError, RunFolder};
use crate::engine::EngineError;
use crate::model::Model;
use crate::plan::Plan;
use crate::roles::cipher::CipherError;
use crate::roles::{Client, ClientError, Server, ServerError};

/// Largest evaluation keys that are read back.
const LARGEST_EVALUATION_KEYS: u64 = 1 << 32;
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
            let keys = paths.iter().map(|path| self.read_at_most(path, LARGEST_KEY));
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
    ) -> Result<Option<(Client, Option<SentKeys>)>, RunError> {
        let secrets: usize = plan.engines.iter().map(|engine| engine.secret_keys()).sum();
        if (0..secrets).any(|i| !self.secret(i).exists()) {
            return Ok(None);
        }
        let client = self.client_with(plan, model.clone())?;
        let kinds: usize = plan.engines.iter().map(|engine| engine.key_names().len()).sum();
        let whole = (0..kinds).all(|i| self.evaluation_key(i).exists());
        Ok(Some((client, whole.then(|| self.read_evaluation_keys(plan)).transpose()?)))
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

    /// Reads the evaluation keys, still sealed.
    ///
    /// # Errors
    /// If they cannot be read.
    pub fn read_evaluation_keys(&self, plan: &Plan) -> Result<SentKeys, RunError> {
        let mut number = 0..;
        let mut next = || {
            let path = self.evaluation_key(number.next().unwrap_or(0));
            Ok(std::mem::take(&mut *self.read_at_most(&path, LARGEST_EVALUATION_KEYS)?))
        };
        let engines = plan.engines.iter();
        engines.map(|engine| engine.key_names().iter().map(|_| next()).collect()).collect()
    }

    /// A server with evaluation keys that were read here; it records what an audit needs.
    ///
    /// # Errors
    /// If they are damaged or belong to other parameters: the file is named.
    pub fn server_with(&self, plan: &Arc<Plan>, keys: &SentKeys) -> Result<Server, RunError> {
        let names: Vec<String> = plan.engines.iter().flat_map(|engine| engine.key_names()).collect();
        Server::new(plan, keys, true).map_err(|error| match error {
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
