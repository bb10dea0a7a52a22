//! A training from its beginning.

use super::{Part, Training};
use crate::meter::Spent;
use crate::roles::Client;
use crate::run::RunError;
use crate::run::digest::{digest_of, hex};
use crate::run::encrypted::Encrypted;
use crate::run::resume::Asked;
use crate::run::sealed_keys::SealedKeys;
use crate::run::state::Ledger;

impl<'a> Training<'a> {
    /// From the beginning, with new keys.
    pub(super) fn start(part: &Part<'a>) -> Result<Self, RunError> {
        let Part { session, options, plan, connect, .. } = *part;
        let folder = part.folder.as_ref();
        let first = session.first.clone();
        let kept = match (folder, part.job) {
            (Some(folder), Some(job)) => Some(folder.keys_of_job(job, session)?),
            (Some(folder), None) if part.resumes => folder.kept_keys(plan, &first)?,
            _ => None,
        };
        let drawn = kept.is_none();
        options.say(if drawn {
            "making keys, and encrypting the first weights"
        } else {
            "with the keys that are there: encrypting the first weights"
        });
        let mut keygen = Spent::default();
        let (client, keys) = match kept {
            Some(kept) => kept,
            None => (keygen.on(|| Client::new(plan, first))?, None),
        };
        let mut twin = session.twin(session.first.clone())?;
        let secrets = client.secret_bytes();
        let mut ledger = Ledger {
            samples: hex(&session.digest()),
            secret: hex(&digest_of(secrets.iter().flatten())),
            ..Ledger::default()
        };
        if !session.is_elsewhere() {
            ledger.curve.push(session.score(&mut twin, &session.data.test)?);
        }
        if let Some(folder) = folder {
            folder.remove_generations()?;
            // Before the recipe, which is what makes the folder one that can be resumed.
            Asked::write(folder, options)?;
            folder.begin(&session.recipe)?;
            folder.write_plan(&plan.to_string())?;
            ledger.files = folder.digests_at_start()?;
            if drawn {
                folder.write_secret_keys(&secrets)?;
            }
        }
        let keys = match keys {
            Some(keys) => keys,
            None => keygen.on(|| evaluation_keys(part, &client))?,
        };
        // A server gets no keys of which the secret ones are not on disk.
        let both = keygen.on(|| -> Result<_, RunError> {
            let server = connect.connect(session, plan, &keys, folder)?;
            let mut both = Encrypted::new(plan, client, server, keys.length());
            both.send_model()?;
            Ok(both)
        })?;
        ledger.keygen = keygen.wall;
        let run = keys.digest()?;
        Self::with(session, options, plan, (both, twin, ledger), 0, run)
    }
}

/// New evaluation keys. Where there is a folder they are read from it, and not kept in memory beside what a server makes of them.
fn evaluation_keys(part: &Part<'_>, client: &Client) -> Result<SealedKeys, RunError> {
    let keys = client.evaluation_keys()?;
    let Some(folder) = &part.folder else { return Ok(SealedKeys::in_memory(keys)) };
    folder.write_evaluation_keys(&keys)?;
    folder.read_evaluation_keys(part.plan)
}
