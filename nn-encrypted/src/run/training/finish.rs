//! The end of a training, when all steps are done.

use std::time::Instant;

use super::{Keeper, Training};
use crate::meter::peak_memory;
use crate::model::Model;
use crate::plan::Estimate;
use crate::recipe::RefreshStrategy;
use crate::run::classify::predict_encrypted;
use crate::run::compare::compare;
use crate::run::report::{CoreSeconds, EncryptedParts, Report, StepSummary, TrafficSummary};
use crate::run::scores::Scores;
use crate::run::summary::SchemeSummary;
use crate::run::train::clear_curve;
use crate::run::{Mode, Outcome, RunError};

impl Training<'_> {
    /// Accuracies, an encrypted classification, the report.
    pub(super) fn finish(mut self) -> Result<Outcome, RunError> {
        self.note_measures();
        let (session, done) = (self.session, self.done as u64);
        let model = self.both.model(done)?;
        let mut report = self.report();
        let clear = match session.is_elsewhere() {
            true => vec![],
            false => self.compare(&mut report, &model)?,
        };
        let beyond = session.beyond(&self.twin);
        report.traffic.deviations = self.both.client.counts().out_of_bounds;
        report.traffic.out_of_bounds = report.traffic.deviations + beyond.len() as u64;
        if let Some(Keeper { folder, .. }) = &self.keeper {
            folder.write_server(&self.both.server.model(done)?)?;
            folder.write_timings(&self.ledger.times)?;
        }
        report.seconds.total = self.ledger.total + self.begun.elapsed().as_secs_f64();
        let beyond = beyond.iter().map(ToString::to_string).collect();
        Ok(Outcome { report, curve: self.ledger.curve, clear, beyond, model })
    }

    /// Compares the model with the twin's and with floating point, on rows that are here; the curve of floating point.
    fn compare(&mut self, report: &mut Report, model: &Model) -> Result<Vec<f64>, RunError> {
        let (session, data) = (self.session, &self.session.data);
        let mut own = session.twin(model.clone())?;
        self.options.say("comparing: the same training in floating point, and encrypted predictions");
        let (clear, _) = clear_curve(session, self.steps)?;
        let scores = Scores {
            train: Some(session.score(&mut own, &data.train)?),
            test: Some(session.score(&mut own, &data.test)?),
            twin: Some(session.score(&mut self.twin, &data.test)?),
            clear: clear.last().copied(),
        };
        let outputs = session.outputs(&mut own, &data.test)?;
        report.accuracy = scores.report(session, Some(&session.predictions(&outputs)));
        report.classes = session.quality(&outputs, &data.test);
        report.twin = compare(model, self.twin.model(), session.tolerance()?);
        report.ranges = session.ranges(&self.twin);
        if !session.keeps_weights() {
            report.prediction = Some(predict_encrypted(session, &mut self.both, &own)?.summary);
        }
        Ok(clear)
    }

    /// The report from plan and ledger.
    fn report(&self) -> Report {
        let ledger = &self.ledger;
        let (training, traffic, counts) = (ledger.training, ledger.traffic, ledger.counts);
        let mut report = self.session.report(Mode::Encrypted);
        report.encrypted = EncryptedParts::all();
        if self.plan.program.has_client_backward() {
            (report.encrypted.backward, report.encrypted.update) = (false, false);
        }
        report.schemes =
            self.plan.engines.iter().flat_map(|engine| engine.schemes()).map(SchemeSummary::from).collect();
        report.steps = self.steps as u64;
        report.seconds.plan = ledger.plan;
        report.seconds.keygen = ledger.keygen;
        report.seconds.encrypt = ledger.encrypt;
        report.seconds.step_median = median(ledger.times.clone());
        report.core_seconds_per_image = (ledger.images > 0).then(|| training.cpu / ledger.images as f64);
        report.core_seconds = CoreSeconds {
            server: training.cpu - traffic.client.cpu,
            client: traffic.client.cpu,
            step: (self.steps > 0).then(|| training.cpu / self.steps as f64),
        };
        report.bootstraps.tfhe = ledger.tables;
        if self.session.recipe.refresh.strategy == RefreshStrategy::Clean {
            report.switches = ledger.bootstraps;
        } else {
            report.bootstraps.ckks = ledger.bootstraps;
        }
        report.log2_failure = (ledger.failure > 0.0).then(|| ledger.failure.log2());
        report.step = self.planned_step();
        report.stages = ledger.stages.clone();
        report.key_bytes = self.both.key_bytes;
        report.peak_memory_bytes = ledger.peak_memory;
        report.traffic = TrafficSummary {
            to_server_bytes: traffic.to_server,
            to_client_bytes: traffic.to_client,
            data_bytes: ledger.data_bytes,
            refreshes: counts.refreshed,
            rounds: traffic.rounds,
            saturations: counts.saturations,
            out_of_bounds: counts.out_of_bounds,
            deviations: counts.out_of_bounds,
        };
        report.audit = ledger.audit.clone();
        report.digests = ledger.files.clone();
        report.estimate = self.estimate.clone();
        report
    }

    /// Brings the ledger up to now.
    pub(super) fn note_measures(&mut self) {
        let (ledger, both) = (&mut self.ledger, &self.both);
        ledger.total += self.begun.elapsed().as_secs_f64();
        self.begun = Instant::now();
        ledger.peak_memory = ledger.peak_memory.max(peak_memory());
        (ledger.counts, ledger.traffic, ledger.data_bytes) =
            (both.client.counts(), both.traffic, both.data_bytes);
        ledger.output_error = ledger.output_error.max(both.client.output_error());
        let mut counted = self.before.clone();
        let now = both.counted();
        now.stages.into_iter().for_each(|stage| counted.add(stage));
        ledger.tables = counted.tables + now.tables;
        ledger.bootstraps = counted.bootstraps + now.bootstraps;
        ledger.failure = counted.failure + now.failure;
        ledger.stages = counted.stages;
    }

    /// The cost of a step as planned, where memory is reckoned.
    fn planned_step(&self) -> Option<StepSummary> {
        let engine = self.plan.engines.iter().find(|engine| engine.estimate().memory > 0)?;
        let Estimate { levels, bootstraps, .. } = engine.estimate();
        let client = self.plan.program.has_client_backward();
        Some(StepSummary {
            levels: levels.unwrap_or(0) as u64,
            bootstraps,
            output_error: client.then_some(self.ledger.output_error),
            parts: self.both.counted().stages.into_iter().map(|stage| (stage.stage, stage.seconds)).collect(),
        })
    }
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}
