//! A series through training in the clear and by a twin: a linear forecast in floating point.

use ndarray::{Array2, ArrayRef2};

use super::compare::compare;
use super::measure::{Measure, Predictions};
use super::real_weights::reals_from_bytes;
use super::report::{RangeSummary, Report};
use super::task::{Exact, Learner, Task};
use super::train::{train_clear, train_twin, write_results};
use super::{Options, RunError, RunFolder};
use crate::data::{Batches, Prepared, Samples, Series, prepare_set};
use crate::recipe::{Data, RealLayerState, RealModel, Recipe, RecipeError};

const BITS: u32 = 16;

struct Linear {
    data: Prepared,
    batches: Batches,
}

struct Forecaster {
    model: RealModel,
    series: Series,
}

fn unit(bits: u32) -> f64 {
    f64::from(bits).exp2()
}

impl Forecaster {
    fn outputs(&self, x: &ArrayRef2<i32>) -> Vec<f64> {
        let layer = &self.model.layers[0];
        let sum = |row: ndarray::ArrayView1<'_, i32>| -> f64 {
            row.iter().zip(&layer.weight).map(|(x, w)| f64::from(*x) / unit(BITS) * w).sum()
        };
        x.rows().into_iter().map(|row| sum(row) + layer.bias[0]).collect()
    }
}

impl Learner for Forecaster {
    fn learn(&mut self, x: &ArrayRef2<i32>, labels: &[usize]) -> Result<(), RunError> {
        let outputs = self.outputs(x);
        let layer = &mut self.model.layers[0];
        for ((row, output), label) in x.rows().into_iter().zip(outputs).zip(labels) {
            let move_by = 0.5 / labels.len() as f64 * (output - self.series.target(*label));
            layer.weight.iter_mut().zip(row).for_each(|(w, x)| *w -= move_by * f64::from(*x) / unit(BITS));
            layer.bias[0] -= move_by;
        }
        Ok(())
    }

    fn classify(&self, _: &ArrayRef2<i32>) -> Result<Vec<usize>, RunError> {
        unreachable!("a series has no classes")
    }

    fn score(&self, samples: &Samples) -> Result<f64, RunError> {
        Ok(Predictions::values(&self.series, self.outputs(&samples.x)).score(&samples.labels))
    }
}

impl Exact for Forecaster {
    type Model = RealModel;

    fn state(&self) -> &RealModel {
        &self.model
    }

    fn exact_outputs(&self, x: &ArrayRef2<i32>) -> Result<Array2<i64>, RunError> {
        let fixed: Vec<i64> = self.outputs(x).iter().map(|z| (z * unit(40)).round() as i64).collect();
        Ok(Array2::from_shape_vec((x.nrows(), 1), fixed).unwrap())
    }

    fn out_of_range(&self) -> u64 {
        0
    }

    fn ranges(&self) -> Vec<RangeSummary> {
        let range = |tensor: &str, bound, largest| RangeSummary { tensor: tensor.to_owned(), bound, largest };
        vec![range("output", 4.0, 1.0), range("weight", 2.0, 1.5), range("bias", 8.0, 2.0)]
    }
}

impl Task for Linear {
    type Model = RealModel;
    type Twin = Forecaster;
    type Clear = Forecaster;

    fn data(&self) -> &Prepared {
        &self.data
    }

    fn batches(&self) -> &Batches {
        &self.batches
    }

    fn epochs(&self) -> usize {
        20
    }

    fn batch_size(&self) -> usize {
        12
    }

    fn name(&self) -> &str {
        "linear"
    }

    fn toml(&self) -> Result<String, RecipeError> {
        Ok(String::new())
    }

    fn widths(&self) -> Vec<usize> {
        vec![12, 1]
    }

    fn measure(&self) -> Measure {
        Measure::Mape
    }

    fn tolerance(&self) -> Option<f64> {
        Some(0.125)
    }

    fn first_model(&self) -> RealModel {
        let (weight, bias) = (vec![0.0; 12], vec![0.0]);
        let momenta = (weight.clone(), bias.clone());
        let (weight_momentum, bias_momentum) = momenta;
        let shape = vec![12, 1];
        RealModel { layers: vec![RealLayerState { shape, weight, bias, weight_momentum, bias_momentum }] }
    }

    fn twin_of(&self, model: RealModel) -> Forecaster {
        Forecaster { model, series: self.data.series.unwrap() }
    }

    fn floating(&self) -> Forecaster {
        self.twin_of(self.first_model())
    }

    fn predictions(&self, outputs: &ArrayRef2<i64>) -> Predictions {
        Predictions::values(&self.data.series.unwrap(), outputs.iter().map(|z| *z as f64 / unit(40)))
    }

    fn read_weights(&self, bytes: &[u8]) -> Result<RealModel, String> {
        reals_from_bytes(bytes, &self.first_model())
    }
}

fn task() -> Linear {
    let normalize = "data.normalize={method='affine',divisor=256.0,center=2.9,limit=1.5}".to_owned();
    let recipe = Recipe::load("hesamifard2017", &["data.set=digits".to_owned(), normalize]).unwrap();
    let settings = Data { set: "milk".to_owned(), test: crate::data::TestPart::Count(24), ..recipe.data };
    let data = prepare_set(&settings, 1, BITS, None).unwrap();
    let batches = Batches::new(data.train.labels.len(), 12, 1);
    Linear { data, batches }
}

#[test]
fn a_forecast_is_trained_and_written() {
    let (task, options) = (task(), Options { quiet: true, ..Options::default() });
    let clear = train_clear(&task, &options).unwrap();
    let twin = train_twin(&task, &options).unwrap();
    let accuracy = twin.report.accuracy;
    let baselines = accuracy.baselines.unwrap();
    assert_eq!((twin.curve.len(), accuracy.twin_mape), (21, twin.curve.last().copied()));
    assert_eq!(accuracy.clear_mape, accuracy.twin_mape);
    assert_eq!((accuracy.twin_test, accuracy.clear_test, accuracy.majority_test), (None, None, None));
    assert!(accuracy.twin_mape.unwrap() < baselines.mean, "{accuracy:?}");
    assert_eq!(clear.report.accuracy.clear_mape, accuracy.clear_mape);
    assert_eq!(clear.report.accuracy.baselines, Some(baselines));
    assert_eq!(twin.report.closest().unwrap().tensor, "weight");

    let root = std::env::temp_dir().join(format!("nn-encrypted-forecast-{}", std::process::id()));
    let folder = RunFolder::new(&root);
    write_results(&folder, &task, &twin).unwrap();
    let text = std::fs::read_to_string(root.join("client/predictions.csv")).unwrap();
    let rows: Vec<Vec<&str>> = text.lines().map(|line| line.split(',').collect()).collect();
    assert_eq!((rows[0].join(","), rows.len()), ("sample,predicted,measured".to_owned(), 25));
    assert_eq!((rows[24][0], rows[24][2], rows[24][1].split_once('.').unwrap().1.len()), ("23", "843", 2));
    let svg = std::fs::read_to_string(root.join("learning-curve.svg")).unwrap();
    assert!(svg.contains("test MAPE, %"));
    let back = folder.read_report().unwrap();
    assert_eq!(back.accuracy.baselines, Some(baselines));
    assert_eq!(back.ranges, twin.report.ranges);
    let table = super::markdown(&[back]);
    assert!(
        table.contains("| twin's test MAPE |") && table.contains("| MAPE of the value before | 4.80 % |")
    );
    let model = folder.read_weights(|bytes| task.read_weights(bytes)).unwrap();
    assert_eq!(Some(model), twin.model);
    std::fs::remove_dir_all(&root).unwrap();
}

#[test]
fn real_models_are_equal_within_a_tolerance() {
    let task = task();
    let twin = task.first_model();
    let changed = |change: &dyn Fn(&mut RealLayerState)| {
        let mut model = twin.clone();
        change(&mut model.layers[0]);
        let found = compare(&task, &model, &twin);
        assert_eq!(found.tolerance, Some(0.125));
        (found.equal, found.max_abs_error)
    };
    assert_eq!(changed(&|_| ()), (Some(true), Some(0.0)));
    assert_eq!(changed(&|layer| layer.bias_momentum[0] = -0.125), (Some(true), Some(0.125)));
    assert_eq!(changed(&|layer| layer.weight[11] = 0.25), (Some(false), Some(0.25)));
    for wrong in [f64::NAN, f64::INFINITY] {
        assert_eq!(changed(&|layer| layer.weight[3] = wrong), (Some(false), Some(f64::INFINITY)));
    }
    assert_eq!(changed(&|layer| layer.weight.truncate(11)).0, Some(false));
}

#[test]
fn a_report_without_the_new_fields_is_read() {
    let text = serde_json::to_value(task().report(super::Mode::Simulate)).unwrap();
    let serde_json::Value::Object(mut old) = text else { unreachable!("a report is an object") };
    old.remove("ranges").unwrap();
    old.remove("step").unwrap();
    let back: Report = serde_json::from_value(old.into()).unwrap();
    assert!(back.ranges.is_empty() && back.step.is_none() && back.closest().is_none());
}
