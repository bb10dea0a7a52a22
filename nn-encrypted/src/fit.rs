//! Training and classification in a few lines.

use std::path::{Path, PathBuf};
use std::time::Instant;

use ndarray::{Array2, ArrayRef2};

use crate::clear::Clear;
use crate::data::{Rows, Samples};
use crate::model::Model;
#[cfg(feature = "serve")]
use crate::net::{Elsewhere, Place};
use crate::recipe::Recipe;
use crate::run::{
    self, Connect, Here, Import, ImportOptions, ImportSummary, Mode, Options, Outcome, Prediction,
    Predictions, Report, RunError, RunEstimate, RunFolder, Session,
};

/// A trained network with the recipe and the data it was trained on.
///
/// ```
/// use nn_encrypted::fit;
/// use nn_encrypted::recipe::Recipe;
/// use nn_encrypted::run::{Mode, Options};
///
/// let settings = ["data.set=iris", "optimizer.epochs=2"].map(String::from);
/// let recipe = Recipe::load("hesamifard2017", &settings)?;
/// let options = Options { mode: Mode::Simulate, quiet: true, ..Options::default() };
/// let trained = fit(recipe, &options)?;
/// assert_ne!(trained.model, trained.session.first);
/// # Ok::<(), nn_encrypted::run::RunError>(())
/// ```
pub struct Trained {
    /// Recipe, data, network and plan.
    pub session: Session,
    /// Weights, biases and momenta.
    pub model: Model,
    /// How it was trained; of a model that was read, [`Mode::Simulate`].
    pub mode: Mode,
    /// The report of the training; none of a model that was read.
    pub report: Option<Report>,
    /// The run folder that has the keys of an encrypted training, if there is one.
    folder: Option<PathBuf>,
}

/// Trains a recipe, as `options.mode` says on ciphertexts, by the twin or in floating point. Nothing is written but to
/// `options.out`, if that is given.
///
/// # Errors
/// If the recipe, the data or a file cannot be used, or a role stops; [`RunError::Unequal`] if what was trained on ciphertexts is not
/// the twin's, or numbers left bounds that nothing enforces.
pub fn fit(recipe: Recipe, options: &Options) -> Result<Trained, RunError> {
    let start = Instant::now();
    let session = Session::new(recipe, options.data_dir.as_deref())?;
    trained(session, options, &Here, start)
}

/// Trains a recipe on rows in memory, all of them: there is no test part. A table on disk with the same rows, tested on another one, comes to
/// the same model.
///
/// ```
/// use nn_encrypted::data::{Labels, Rows};
/// use nn_encrypted::fit_rows;
/// use nn_encrypted::recipe::Recipe;
/// use nn_encrypted::run::{Mode, Options, Predictions};
///
/// let x = ndarray::Array2::from_shape_fn((60, 2), |(row, column)| (row * (column + 1) % 7) as f64);
/// let of: Vec<usize> = x.column(0).iter().map(|&first| usize::from(first > 3.0)).collect();
/// let names = |names: [&str; 2]| names.map(String::from).to_vec();
/// let rows = Rows::new(names(["first", "second"]), x, Labels::Classes { names: names(["low", "high"]), of: of.clone() })?;
///
/// let recipe = Recipe::for_rows("hesamifard2017", &["optimizer.epochs=20".to_owned()])?;
/// let options = Options { mode: Mode::Simulate, quiet: true, ..Options::default() };
/// let trained = fit_rows(recipe, &rows, &options)?;
/// let (samples, notes) = trained.samples(&rows)?;
/// let Predictions::Classes(found) = trained.predictions(&trained.outputs(&samples)?) else { unreachable!() };
/// assert!(found.iter().zip(&of).filter(|(a, b)| a == b).count() > 50 && notes.is_empty());
/// # Ok::<(), nn_encrypted::run::RunError>(())
/// ```
///
/// # Errors
/// As [`fit`].
pub fn fit_rows(recipe: Recipe, rows: &Rows, options: &Options) -> Result<Trained, RunError> {
    fit_rows_with(recipe, rows, options, &Here)
}

/// As [`fit_rows`], with a server elsewhere; for [`Mode::Encrypted`].
///
/// # Errors
/// As [`fit`], and if the server cannot be reached or refuses.
#[cfg(feature = "serve")]
pub fn fit_rows_at(
    recipe: Recipe,
    rows: &Rows,
    options: &Options,
    server: &Remote,
) -> Result<Trained, RunError> {
    if options.mode != Mode::Encrypted {
        return Err(RunError::Job(
            "a server is for encrypted training alone: nothing else is computed there".into(),
        ));
    }
    fit_rows_with(recipe, rows, options, &server.connect(options.quiet)?)
}

/// A server elsewhere, which `nn-encrypted serve` runs.
///
/// ```no_run
/// use nn_encrypted::Remote;
///
/// let server = Remote { url: "https://example.org:7443".into(), token_file: "token".into(), pin: None };
/// ```
#[cfg(feature = "serve")]
#[derive(Clone, Debug)]
pub struct Remote {
    /// `https://host:port`, or `http://` and an address of this machine.
    pub url: String,
    /// The file with the token of this client.
    pub token_file: PathBuf,
    /// The fingerprint that `serve --init` printed; without it the authorities of the web are believed.
    pub pin: Option<String>,
}

#[cfg(feature = "serve")]
impl Remote {
    fn connect(&self, quiet: bool) -> Result<Elsewhere, RunError> {
        let (url, token_file, pin) = (self.url.clone(), Some(self.token_file.clone()), self.pin.clone());
        Elsewhere::new(&Place { url, token_file, certificate: None, pin, patience: Place::PATIENCE, quiet })
    }
}

fn fit_rows_with(
    recipe: Recipe,
    rows: &Rows,
    options: &Options,
    connect: &dyn Connect,
) -> Result<Trained, RunError> {
    let (start, mut options) = (Instant::now(), options.clone());
    let folder = options.out.clone().filter(|_| options.mode == Mode::Encrypted).map(RunFolder::new);
    let finished = match &folder {
        Some(_) if options.resume => run::finished(&recipe, &mut options)?,
        _ => None,
    };
    if let Some(folder) = &folder
        && !options.resume
    {
        folder.refuse_run(options.overwrite)?;
    }
    let session = Session::of_rows(recipe, rows)?;
    match (finished, folder) {
        (Some(report), Some(folder)) => {
            let model = folder.model_of(&session)?;
            Ok(Trained { session, model, mode: options.mode, report: Some(report), folder: options.out })
        }
        _ => trained(session, &options, connect, start),
    }
}

/// The estimate of an encrypted training of a recipe on rows in memory, as JSON.
///
/// # Errors
/// If the rows do not fit the recipe, or there is no plan.
pub fn estimate_rows(recipe: Recipe, rows: &Rows, options: &Options) -> Result<String, RunError> {
    let session = calibrated(Session::of_rows(recipe, rows)?, options)?;
    let estimate = RunEstimate::new(&session, options.steps)?;
    Ok(serde_json::to_string(&estimate).unwrap_or_default())
}

/// With bounds from the data, if options ask for them.
fn calibrated(session: Session, options: &Options) -> Result<Session, RunError> {
    if !options.calibrate || options.resume {
        return Ok(session);
    }
    let (session, word) = run::calibrated(&session)?;
    options.say(&word);
    Ok(session)
}

fn trained(
    session: Session,
    options: &Options,
    connect: &dyn Connect,
    start: Instant,
) -> Result<Trained, RunError> {
    let session = calibrated(session, options)?;
    let Outcome { report, beyond, model, .. } = run::train_session_with(&session, options, connect, start)?;
    if report.twin.equal == Some(false) || report.traffic.out_of_bounds > 0 {
        return Err(RunError::Unequal(beyond));
    }
    let folder = options.out.clone().filter(|_| options.mode == Mode::Encrypted);
    Ok(Trained { session, model, mode: options.mode, report: Some(report), folder })
}

impl Trained {
    /// Writes the model with all that further rows need as safetensors, as it was decrypted: for the owner of the keys alone. In CKKS it gives the key away to whoever has
    /// the server's ciphertexts; what may be shown to others is made by [`run::export`](crate::run::export) from a run folder.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn save(&self, path: &Path) -> Result<(), RunError> {
        run::write_private(path, &self.to_bytes()?)
    }

    /// A network that was trained elsewhere, from an ONNX or a safetensors file, as a model of a recipe: bounds are the ranges on
    /// calibration rows, widened by a quarter. How far it is from floating point on these rows is said beside.
    ///
    /// # Errors
    /// If the file is damaged or has a node that has no place in a network on encrypted data, which is named with what would fit
    /// instead; if the rows do not fit it, or the recipe cannot hold its numbers.
    pub fn import(
        path: &Path,
        calibration: &Rows,
        options: &ImportOptions,
    ) -> Result<(Self, ImportSummary), RunError> {
        let Import { session, model, summary } = run::import_rows(path, calibration, options)?;
        Ok((Self { session, model, mode: Mode::Simulate, report: None, folder: None }, summary))
    }

    /// The bytes of [`save`](Self::save).
    ///
    /// # Errors
    /// If the model was trained in floating point: it has numbers that no scheme holds.
    pub fn to_bytes(&self) -> Result<Vec<u8>, RunError> {
        run::model_bytes(&self.session, &self.model)
    }

    /// Reads a model with the recipe and the columns that are in the file: the data that it was trained on are not needed.
    ///
    /// # Errors
    /// If the file cannot be read, was altered, or is another one.
    pub fn open(path: &Path) -> Result<Self, RunError> {
        Self::from_bytes(&run::model_file(path)?)
    }

    /// From the bytes of [`to_bytes`](Self::to_bytes).
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, RunError> {
        let (session, model) = run::model_of_bytes(bytes)?;
        Ok(Self { session, model, mode: Mode::Simulate, report: None, folder: None })
    }

    /// The outputs for samples in the clear: by the twin, or in floating point where that was trained.
    ///
    /// # Errors
    /// If a number overflows or is not finite.
    pub fn outputs(&self, samples: &Samples) -> Result<Array2<f64>, RunError> {
        let Session { recipe, network, .. } = &self.session;
        if self.mode != Mode::Clear {
            return self.session.outputs(&mut self.session.twin(self.model.clone())?, samples);
        }
        let mut net = Clear::floating(recipe, network, self.model.clone(), None)?;
        Ok(self.session.by_parts(samples, |x| net.outputs(x))?)
    }

    /// Classifies samples on ciphertexts beside the twin, client and server in this process: with the keys of the run folder of the
    /// training, or where there is none with new ones.
    ///
    /// # Errors
    /// If there is no plan, or a role stops.
    pub fn predict(&self, samples: &Samples) -> Result<Prediction, RunError> {
        run::with_keys_of(&self.session, &Here, self.folder.as_deref(), self.model.clone(), samples)
    }

    /// As [`predict`](Self::predict), with a server elsewhere.
    ///
    /// # Errors
    /// As [`predict`](Self::predict), and if the server cannot be reached or refuses.
    #[cfg(feature = "serve")]
    pub fn predict_at(&self, samples: &Samples, server: &Remote) -> Result<Prediction, RunError> {
        let (connect, folder) = (server.connect(true)?, self.folder.as_deref());
        run::with_keys_of(&self.session, &connect, folder, self.model.clone(), samples)
    }

    /// Rows as the network takes them, columns found by their names; how many numbers are beyond those that were trained on is said
    /// in words.
    ///
    /// # Errors
    /// If a column of the data that were trained on is missing, or one is foreign.
    pub fn samples(&self, rows: &Rows) -> Result<(Samples, Vec<String>), RunError> {
        run::samples_of(&self.session, rows)
    }

    /// Predictions from rows of outputs: classes, or values.
    #[must_use]
    pub fn predictions(&self, outputs: &ArrayRef2<f64>) -> Predictions {
        self.session.predictions(outputs)
    }

    /// The score of each class by rows of outputs: they are not calibrated, and add up to 1.
    #[must_use]
    pub fn class_scores(&self, outputs: &ArrayRef2<f64>) -> Array2<f64> {
        self.session.class_scores(outputs)
    }
}

he_core::brief_debug!(Trained: |a| session = a.session, model = a.model);
