//! A training as it was at a checkpoint.

use std::path::PathBuf;

use super::Part;
use crate::model::Model;
use crate::recipe::RefreshStrategy;
use crate::roles::ServerError;
use crate::run::checkpoint::{Generation, Half};
use crate::run::digest::{digest_of, hex};
use crate::run::encrypted::Encrypted;
use crate::run::sealed_keys::SealedKeys;
use crate::run::session::Session;
use crate::run::state::{Ledger, State};
use crate::run::{RunError, RunFolder};
use crate::twin::Twin;

/// Bytes of the server's half of a checkpoint that is on another server: its digest.
const KEPT_ELSEWHERE: usize = 32;

/// Both roles, the twin and the ledger as they were.
pub(super) fn restore(
    part: &Part<'_>,
    folder: &RunFolder,
    keys: &SealedKeys,
    generation: Generation,
) -> Result<(Encrypted, Twin, Ledger), RunError> {
    let Part { session, plan, connect, .. } = *part;
    let Generation { step, client, server } = generation;
    let wrong = |path: PathBuf, what: String| RunError::File { path, what };
    let path = folder.checkpoint(Half::Client, step);
    let State { ledger, model, twin } = State::from_bytes(&session.recipe, &session.network, &client)
        .map_err(|what| wrong(path.clone(), what))?;
    folder.check_digests(&ledger.files)?;
    if ledger.samples != hex(&session.digest()) {
        let what = format!("the samples of `{}` are not those of this run", session.data.name);
        return Err(wrong(path, what));
    }
    let mut client = folder.client_with(plan, model)?;
    if ledger.secret != hex(&digest_of(client.secret_bytes().iter().flatten())) {
        return Err(wrong(folder.client("secret.key"), "is not the secret key of this run".into()));
    }
    client.resume_counts(ledger.counts);
    let path_of_server = folder.checkpoint(Half::Server, step);
    if server.len() == KEPT_ELSEWHERE && connect.arguments().is_empty() {
        let what = "names a checkpoint on another server: go on with --server and --token-file".to_owned();
        return Err(wrong(path_of_server, what));
    }
    let channel = connect.connect(session, plan, keys, Some(folder))?;
    let mut both = Encrypted::new(plan, client, channel, keys.length());
    both.server.restore(step, server).map_err(|error| match error {
        gone @ ServerError::Gone(_) => gone.into(),
        error => wrong(path_of_server, error.to_string()),
    })?;
    (both.traffic, both.data_bytes) = (ledger.traffic, ledger.data_bytes);
    Ok((both, restored(session, step, twin, path)?, ledger))
}

/// The twin after so many steps. Where nothing rounds, a model has not all bits of the numbers that it stands for, and they are computed
/// again.
fn restored(session: &Session, step: u64, kept: Model, path: PathBuf) -> Result<Twin, RunError> {
    if session.recipe.refresh.strategy != RefreshStrategy::None {
        return session.twin(kept);
    }
    let mut twin = session.twin(session.first.clone())?;
    for batch in session.batches.schedule(0).take(step as usize) {
        let (x, targets) = session.batch(batch)?;
        twin.step(&x, &targets)?;
    }
    if *twin.model() == kept {
        return Ok(twin);
    }
    let what = format!("holds another model than {step} steps from the first weights");
    Err(RunError::File { path, what })
}
