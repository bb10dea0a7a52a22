//! Keys before a training: what their owner keeps, what a server computes with, and what owners of data encrypt with.

use std::path::PathBuf;

use he_core::ring::sample::Prng;

use super::calibrate::calibrated;
use super::job::{JobFile, JobKeys, without_rows};
use super::lock::Lock;
use super::session::Session;
use super::{Options, RunError, RunFolder, Unlock};
use crate::data::Intake;
use crate::recipe::{Encryption, Recipe};
use crate::roles::Client;

/// The shape of rows that are elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RowShape {
    /// Features of a row.
    pub(crate) features: usize,
    /// Height and width, if a row is an image.
    pub(crate) sides: Option<[usize; 2]>,
    /// Classes.
    pub(crate) classes: usize,
    /// Rows to train on.
    pub(crate) rows: usize,
}

impl std::str::FromStr for RowShape {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!(
                "{text:?}: features, classes and rows are needed, such as 64,10,1437, or 8x8,10,1437 of images"
            )
        };
        let [features, classes, rows] = text.split(',').map(str::trim).collect::<Vec<_>>()[..] else {
            return Err(wrong());
        };
        let number = |text: &str| text.parse::<usize>().ok().filter(|number| *number > 0).ok_or_else(wrong);
        let (features, sides) = match features.split_once('x') {
            None => (number(features)?, None),
            Some((height, width)) => {
                let sides = [number(height)?, number(width)?];
                (sides[0].checked_mul(sides[1]).ok_or_else(wrong)?, Some(sides))
            }
        };
        Ok(Self { features, sides, classes: number(classes)?, rows: number(rows)? })
    }
}

/// How keys are made.
#[derive(Clone, Debug, Default)]
pub(crate) struct KeygenOptions {
    /// The folder.
    pub(crate) out: PathBuf,
    /// Where data sets are that are not embedded.
    pub(crate) data_dir: Option<PathBuf>,
    /// The shape of rows that are elsewhere; without it they are those of the recipe.
    pub(crate) shape: Option<RowShape>,
    /// Wrap the secret keys under the passphrase that this asks for.
    pub(crate) wrap: Option<Unlock>,
    /// Find the bounds of numbers from the rows.
    pub(crate) calibrate: bool,
    /// Small rings that protect nothing, and why: for tests.
    pub(crate) insecure_small: Option<String>,
}

/// The session that keys are made for.
fn session(recipe: Recipe, options: &KeygenOptions) -> Result<Session, RunError> {
    let session = match options.shape {
        None if options.calibrate => calibrated(&Session::new(recipe, options.data_dir.as_deref())?)?.0,
        None => Session::new(recipe, options.data_dir.as_deref())?,
        Some(shape) => {
            let RowShape { features, sides, classes, rows } = shape;
            let refused = |what: String| RunError::File { path: "--shape".into(), what };
            if options.calibrate {
                let what = "bounds of numbers cannot be found from rows that are elsewhere: numbers.bounds in the recipe is needed";
                return Err(refused(what.into()));
            }
            if recipe.encryption != Encryption::Public {
                let what =
                    "the rows are elsewhere: their owner needs encryption = \"public\" in the recipe".into();
                return Err(refused(what));
            }
            let bits = super::session::input_bits(&recipe);
            let intake = Intake::numbered(&recipe.data, (features, sides), classes, rows, bits);
            Session::elsewhere(without_rows(recipe), intake.map_err(refused)?)?
        }
    };
    match &options.insecure_small {
        Some(reason) => session.insecure_small(reason),
        None => Ok(session),
    }
}

/// Makes the keys of a training that goes on with them, and `job.toml`, in a folder without any.
///
/// # Errors
/// If there are keys or a run in the folder, there is no plan, a file cannot be written, or the operating system gives no randomness.
pub(crate) fn keygen(recipe: Recipe, options: &KeygenOptions) -> Result<JobFile, RunError> {
    let folder = RunFolder::new(&options.out);
    if folder.has_secrets() || folder.job_path().exists() {
        let what = "secret keys are there, and they are never replaced: take another --out".into();
        return Err(RunError::File { path: options.out.clone(), what });
    }
    folder.refuse_run(false)?;
    let session = session(recipe, options)?;
    let plan = session.plan()?;
    let _lock = Lock::new(&folder, &Options { out: Some(options.out.clone()), ..Options::default() })?;
    let client = Client::new(&plan, session.first.clone())?;
    match &options.wrap {
        None => folder.write_secret_keys(&client.secret_bytes())?,
        Some(unlock) => {
            let refused = |what: String| RunError::File { path: "--passphrase".into(), what };
            let passphrase = unlock.passphrase().map_err(|error| refused(error.to_string()))?;
            folder.write_wrapped_keys(&client.secret_bytes(), &passphrase)?;
        }
    }
    folder.write_evaluation_keys(&client.evaluation_keys()?)?;
    let mut public = None;
    if session.recipe.encryption == Encryption::Public {
        let bytes = client.public_keys()?;
        public = Some(blake3::hash(&bytes).to_hex().to_string());
        folder.write(&folder.public_path(), &bytes, false)?;
    }
    let keys = JobKeys {
        job: name()?,
        plan: plan.hash(),
        keys: folder.read_evaluation_keys(&plan)?.digest()?,
        public,
    };
    let job = JobFile::new(&session, keys, options.insecure_small.clone());
    folder.write_job(&job)?;
    Ok(job)
}

/// 128 random bits as hexadecimal digits.
fn name() -> Result<String, RunError> {
    let mut bytes = [0; 16];
    let drawn = Prng::from_os().map_err(|error| RunError::Io {
        path: "random numbers".into(),
        source: std::io::Error::other(error.to_string()),
    });
    drawn?.fill_bytes(&mut bytes);
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
