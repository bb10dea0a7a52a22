//! `job.toml`: what whoever encrypts rows for a training has to know, and what a folder of keys was made for.
//!
//! It holds the recipe with every default written out, columns, classes and statistics of the data, how many rows there are, and the
//! hash of the plan. Nothing in it is secret; whoever has it makes the same plan.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::digest::hex;
use super::session::Session;
use super::{RunError, RunFolder};
use crate::data::{ELSEWHERE, Intake};
#[cfg(feature = "serve")]
use crate::data::{Fixed, Prepared, TestPart};
#[cfg(feature = "serve")]
use crate::recipe::Encryption;
use crate::recipe::Recipe;

/// The version of the file.
const VERSION: u32 = 1;
/// Bytes of a file that is read: columns and statistics of the most features there may be.
const LARGEST: u64 = 1 << 26;

/// A job before it runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct JobFile {
    version: u32,
    /// Its name on a server: 32 hexadecimal digits.
    pub(crate) job: String,
    /// Hash of the plan.
    pub(crate) plan: String,
    /// Digest of the evaluation keys.
    pub(crate) keys: String,
    /// Digest of `public.key`; without it nobody else encrypts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) public: Option<String>,
    /// Rows of the table, those of its test part included.
    pub(crate) table_rows: usize,
    /// Mini-batches.
    pub(crate) batches: usize,
    /// Whether columns and classes have names; otherwise there are so many of them.
    pub(crate) named: bool,
    /// Small rings that protect nothing, and why: for tests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) insecure_small: Option<String>,
    /// Columns, classes, statistics, and rows that are trained on.
    pub(crate) intake: Intake,
    /// The recipe.
    pub(crate) recipe: Recipe,
}

/// Names and digests of the keys of a job.
#[cfg(feature = "serve")]
pub(super) struct JobKeys {
    pub(super) job: String,
    pub(super) plan: [u8; 32],
    pub(super) keys: [u8; 32],
    pub(super) public: Option<String>,
}

fn wrong(path: &Path, what: impl ToString) -> RunError {
    RunError::File { path: path.to_owned(), what: what.to_string() }
}

impl JobFile {
    /// The job of a session and keys that were made for it.
    #[cfg(feature = "serve")]
    pub(super) fn new(session: &Session, keys: JobKeys, insecure_small: Option<String>) -> Self {
        let mut recipe = session.recipe.clone();
        let data = &session.data;
        // Where the file is that its owner has is nobody else's business.
        recipe.data.set.clone_from(&data.name);
        Self {
            version: VERSION,
            job: keys.job,
            plan: hex(&keys.plan),
            keys: hex(&keys.keys),
            public: keys.public,
            table_rows: data.train.count() + data.test.count(),
            batches: session.batches.count(),
            named: !session.is_elsewhere(),
            insecure_small,
            intake: data.intake.clone(),
            recipe,
        }
    }

    /// Reads one from outside.
    ///
    /// # Errors
    /// If it cannot be read, is of another version, or its parts do not fit each other.
    pub(crate) fn read(path: &Path) -> Result<Self, RunError> {
        let folder = RunFolder::around(path);
        let bytes = folder.read_at_most(path, LARGEST)?;
        let text = std::str::from_utf8(&bytes).map_err(|error| wrong(path, error))?;
        Self::parse(path, text)
    }

    /// Reads the text of a file.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub(crate) fn parse(path: &Path, text: &str) -> Result<Self, RunError> {
        let job: Self = toml::from_str(text).map_err(|error| wrong(path, error.message()))?;
        if job.version != VERSION {
            return Err(wrong(path, format!("version {}; this program reads {VERSION}", job.version)));
        }
        job.intake.check().map_err(|what| wrong(path, what))?;
        job.recipe.validate()?;
        for (name, digits) in [("plan", &job.plan), ("keys", &job.keys)] {
            if digits.len() != 64 || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
                return Err(wrong(path, format!("{name}: 64 hexadecimal digits are needed")));
            }
        }
        if job.job.len() != 32 || !job.job.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return Err(wrong(path, "job: 32 hexadecimal digits are needed"));
        }
        Ok(job)
    }

    /// Whether nobody but an owner of data has the rows.
    pub(crate) fn is_elsewhere(&self) -> bool {
        self.recipe.data.set == ELSEWHERE
    }

    /// Outputs of the network.
    #[cfg(feature = "serve")]
    pub(crate) fn outputs(&self) -> Result<usize, RunError> {
        Ok(Prepared::without_samples(self.intake.clone(), &self.recipe.data)?.outputs)
    }

    /// The session of whoever trains without the rows.
    pub(super) fn session_elsewhere(&self) -> Result<Session, RunError> {
        let session = Session::elsewhere(self.recipe.clone(), self.intake.clone())?;
        self.planned(session)
    }

    /// The session of an owner of data: of the rows of its table `set`.
    ///
    /// # Errors
    /// If the table has other columns, classes or rows than the job, or its recipe leads to another plan.
    #[cfg(feature = "serve")]
    pub(crate) fn session_of_owner(&self, set: &str, data_dir: Option<&Path>) -> Result<Session, RunError> {
        if self.recipe.encryption != Encryption::Public {
            let what = "encryption = \"secret\": the owner of the keys encrypts; a job for others has encryption = \"public\"";
            return Err(wrong(Path::new("job.toml"), what));
        }
        let mut recipe = self.recipe.clone();
        recipe.data.set = set.to_owned();
        let fixed = Fixed { intake: &self.intake, named: self.named, table_rows: self.table_rows };
        let session = Session::of_owner(recipe, &fixed, data_dir)?;
        let (rows, batches) = (session.data.train.count(), session.batches.count());
        if (rows, batches) != (self.intake.rows, self.batches) {
            let what = format!(
                "{rows} rows are trained on, in {batches} mini-batches; the job has {} and {}",
                self.intake.rows, self.batches
            );
            return Err(wrong(Path::new(set), what));
        }
        self.planned(session)
    }

    /// Whether a session has the data that the job was made of, as far as others depend on it: columns, classes, statistics, rows.
    ///
    /// # Errors
    /// What differs, in words.
    pub(super) fn check_rows(&self, session: &Session) -> Result<(), String> {
        let Intake { rows, .. } = self.intake;
        let found = [session.data.intake.rows, session.batches.count()];
        if found != [rows, self.batches] {
            let [found_rows, batches] = found;
            return Err(format!(
                "is for {rows} rows in {} mini-batches; these data have {found_rows} in {batches}",
                self.batches
            ));
        }
        if session.data.intake != self.intake {
            return Err("is for data with other columns, classes or statistics".into());
        }
        Ok(())
    }

    /// A session with the plan of the job.
    fn planned(&self, session: Session) -> Result<Session, RunError> {
        let session = match &self.insecure_small {
            Some(reason) => session.insecure_small(reason)?,
            None => session,
        };
        let found = hex(&session.plan()?.hash());
        if found == self.plan {
            return Ok(session);
        }
        Err(wrong(Path::new("job.toml"), foreign_plan(&found, &self.plan)))
    }
}

/// The sentence for a plan that is not the one of a job.
pub(super) fn foreign_plan(found: &str, needed: &str) -> String {
    format!(
        "is for plan {}.., this recipe on these data is planned as {}..: another recipe, other data, or another version of the program",
        &needed[..8],
        &found[..8]
    )
}

impl RunFolder {
    /// Path of the job.
    pub(super) fn job_path(&self) -> std::path::PathBuf {
        self.root().join("job.toml")
    }

    /// Path of the public keys.
    pub(super) fn public_path(&self) -> std::path::PathBuf {
        self.root().join("public.key")
    }

    /// The job that keys were made for here, if they were made before a training.
    ///
    /// # Errors
    /// As [`JobFile::read`].
    pub(crate) fn job(&self) -> Result<Option<JobFile>, RunError> {
        let path = self.job_path();
        path.exists().then(|| JobFile::read(&path)).transpose()
    }

    /// Writes a job: what makes its folder one of keys.
    #[cfg(feature = "serve")]
    pub(super) fn write_job(&self, job: &JobFile) -> Result<(), RunError> {
        let path = self.job_path();
        let text = toml::to_string(job).map_err(|error| wrong(&path, error))?;
        self.write(&path, text.as_bytes(), false)
    }
}

/// The settings of a recipe whose rows are elsewhere.
#[cfg(feature = "serve")]
pub(super) fn without_rows(mut recipe: Recipe) -> Recipe {
    ELSEWHERE.clone_into(&mut recipe.data.set);
    recipe.data.test = TestPart::Count(0);
    recipe.data.stratify = false;
    recipe
}
