//! Digests of the files of a run that no envelope seals: a file that was altered, or is of another run, is named.

use std::collections::BTreeMap;

use super::digest::hex;
use super::folder::{EARLIER_MODELS, PRIVATE_MODEL};
use super::{Report, RunError, RunFolder};

/// Digests by the path below the root of the run.
pub(super) type Digests = BTreeMap<String, String>;

/// The recipe, below the root.
const RECIPE: &str = "recipe.toml";
/// The options beside it, below the root.
pub(super) const OPTIONS: &str = "client/options.toml";

impl RunFolder {
    fn digest(&self, name: &str) -> Result<String, RunError> {
        let mut hasher = blake3::Hasher::new_derive_key("nn-encrypted file of a run v1");
        hasher.update(name.as_bytes());
        hasher.update(&self.read(&self.root().join(name))?);
        Ok(hex(hasher.finalize().as_bytes()))
    }

    /// Digests of recipe and options, as a run begins with them.
    pub(super) fn digests_at_start(&self) -> Result<Digests, RunError> {
        let digest = |name: &str| Ok((name.to_owned(), self.digest(name)?));
        [RECIPE, OPTIONS].into_iter().map(digest).collect()
    }

    /// Adds the digests of recipe and model to a report that has none of them yet.
    ///
    /// # Errors
    /// If they cannot be read.
    pub fn seal(&self, report: &mut Report) -> Result<(), RunError> {
        for name in [RECIPE, PRIVATE_MODEL, EARLIER_MODELS[0]] {
            if !report.digests.contains_key(name) && self.root().join(name).exists() {
                report.digests.insert(name.to_owned(), self.digest(name)?);
            }
        }
        Ok(())
    }

    /// That files are those of which there are digests.
    pub(super) fn check_digests(&self, digests: &Digests) -> Result<(), RunError> {
        for (name, digest) in digests {
            // Only names that are written here: a report is text that anyone may alter.
            let known = [RECIPE, OPTIONS, PRIVATE_MODEL, EARLIER_MODELS[0]].contains(&name.as_str());
            if known && self.digest(name)? != *digest {
                let what = "was altered or is of another run: it is not the file that this run wrote".into();
                return Err(RunError::File { path: self.root().join(name), what });
            }
        }
        Ok(())
    }

    /// The report of a finished run, whose files are those that it was written with.
    pub(super) fn read_sealed_report(&self) -> Result<Report, RunError> {
        let report = self.read_report()?;
        self.check_digests(&report.digests)?;
        Ok(report)
    }
}
