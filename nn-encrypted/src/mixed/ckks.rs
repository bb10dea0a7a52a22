//! Layers with weights in CKKS: approximate products in slots, and the ways to TFHE and back.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use he_ckks::bootstrap::Bootstrapper;
use he_ckks::{Ciphertext, Encoder, Evaluator};
use he_core::wire::{Reader, WireError, Writer};
use he_switch::Switcher;
use he_switch::ckks_to_tfhe::coefficients_of;
use he_tfhe::LweCiphertext;

use super::MixedError;
use super::layers::{self, How, Layers};
use super::lookup::Lookup;
use super::numbers::RESULT_BITS;
use super::packing::Packing;
use super::plan::MixedPlan;
use super::stages::Stage;

/// All evaluators.
pub(super) struct Engine {
    lookup: Lookup,
    plan: Arc<MixedPlan>,
    packing: Packing,
    bootstrapper: Arc<Bootstrapper>,
    switcher: Switcher,
}

impl Engine {
    /// With the bridges of a plan; `record` keeps the readings of blind rotations.
    pub(super) fn new(
        plan: &Arc<MixedPlan>,
        packing: &Packing,
        switcher: Switcher,
        record: bool,
    ) -> Result<Self, MixedError> {
        Ok(Self {
            lookup: Lookup::new(plan, switcher.tfhe()?, record)?,
            plan: Arc::clone(plan),
            packing: packing.clone(),
            bootstrapper: Arc::clone(switcher.ckks()?),
            switcher,
        })
    }

    /// Slots to TFHE, on their way to a table.
    fn lower(
        &self,
        sums: &[Ciphertext],
        slots: &[usize],
        how: How,
    ) -> Result<Vec<LweCiphertext>, MixedError> {
        let (shift, offset, spare) = how;
        let [sums] = sums else { return Err(MixedError::Place) };
        let constant = self.lookup.offset(offset, spare);
        self.lookup.stages.on(Stage::Switching, || {
            let bits = self.packing.bits + shift;
            let (mut values, _) = self.switcher.ckks_slots_to_tfhe(sums, slots, bits)?;
            values.iter_mut().for_each(|value| value.add_constant_assign(constant));
            Ok(values)
        })
    }

    /// Results of tables in slots.
    fn raise<S: Iterator<Item = usize>>(
        &self,
        values: Vec<LweCiphertext>,
        places: impl Fn(usize) -> S,
        stop: &AtomicBool,
    ) -> Result<Vec<Ciphertext>, MixedError> {
        let (slots, parameters) = (self.packing.slots, &self.plan.parameters);
        let (large, small) = (parameters.ckks().n(), parameters.tfhe().n());
        let packs = (2 * slots).div_ceil(small);
        let zero = LweCiphertext::trivial(parameters.tfhe(), 0);
        let mut pieces = vec![vec![zero; small]; packs];
        for (i, value) in values.into_iter().enumerate() {
            for slot in places(i) {
                let [place, _] = coefficients_of(slot, slots, large);
                let index = place / (large / (packs * small));
                pieces[index % packs][index / packs] = value.clone();
            }
        }
        let packed = self.lookup.pack(&pieces)?;
        let fill = || self.switcher.tfhe_to_ckks(&packed, RESULT_BITS);
        Ok(vec![self.lookup.refresh(stop, fill)??.0])
    }

    fn evaluator(&self) -> &Evaluator {
        self.bootstrapper.evaluator()
    }

    /// The product of two, summed over rotations.
    fn product(
        &self,
        a: &Ciphertext,
        b: &Ciphertext,
        stride: usize,
        count: usize,
    ) -> Result<Ciphertext, MixedError> {
        let product = self.evaluator().mul(a, b)?;
        Ok(self.evaluator().inner_sum(&product, stride, count)?)
    }
}

impl layers::Engine for Engine {
    type Cipher = Ciphertext;
    type Pass<'a> = Pass<'a>;

    fn lookup(&self) -> &Lookup {
        &self.lookup
    }

    fn pass<'a>(
        &'a self,
        weights: &[Ciphertext],
        images: usize,
        stop: &'a AtomicBool,
    ) -> Result<Pass<'a>, MixedError> {
        Ok(Pass { engine: self, weights: weights.to_vec(), images, stop })
    }

    fn read(&self, from: &mut Reader<'_>) -> Result<Ciphertext, WireError> {
        let c = Ciphertext::read(from, self.plan.parameters.ckks())?;
        let invalid = |why| Err(WireError::Invalid { what: "ciphertext", why });
        if c.degree() != 1 || c.slots() != self.packing.slots {
            let needed = self.packing.slots;
            return invalid(format!(
                "degree {} and {} slots, 1 and {needed} are needed",
                c.degree(),
                c.slots()
            ));
        }
        if c.level() != self.plan.parameters.ckks().max_level() {
            return invalid(format!("level {}", c.level()));
        }
        if c.is_transparent() {
            return invalid("it hides nothing: its second part is zero".into());
        }
        Ok(c)
    }

    fn write(&self, cipher: &Ciphertext, out: &mut Writer) -> Result<(), WireError> {
        cipher.write(out)
    }

    fn health(&self, cipher: &Ciphertext) -> (usize, usize, f64) {
        (cipher.level() + 1, self.plan.parameters.ckks().max_level() + 1, cipher.estimate().bits())
    }

    fn least(&self, cipher: &Ciphertext) -> Result<Ciphertext, MixedError> {
        Ok(self.evaluator().mod_switch_to(cipher, 0)?)
    }
}

/// One mini-batch or query on its way.
pub(super) struct Pass<'a> {
    engine: &'a Engine,
    weights: Vec<Ciphertext>,
    images: usize,
    stop: &'a AtomicBool,
}

impl Layers for Pass<'_> {
    type Cipher = Ciphertext;
    type Inputs = Ciphertext;
    type Errors = Ciphertext;

    fn lookup(&self) -> &Lookup {
        &self.engine.lookup
    }

    fn stop(&self) -> &AtomicBool {
        self.stop
    }

    fn depth(&self) -> usize {
        self.engine.packing.layers.len()
    }

    fn inputs(&self, l: usize, pieces: &[Ciphertext]) -> Result<Ciphertext, MixedError> {
        let (engine, block) = (self.engine, self.engine.packing.layers[l]);
        let [values] = pieces else { return Err(MixedError::Place) };
        let one = engine.packing.factor * f64::from(engine.plan.numbers.activation_bits).exp2();
        let mut constant = vec![0.0; engine.packing.slots];
        (0..self.images)
            .flat_map(|image| block.input(image, block.inputs))
            .for_each(|slot| constant[slot] = one);
        let constant = Encoder::new(engine.plan.parameters.ckks()).encode_in(&constant, constant.len())?;
        Ok(engine.evaluator().add_plain(values, &constant)?.with_bound(1.0)?)
    }

    fn sums(&self, l: usize, inputs: &Ciphertext) -> Result<Vec<Ciphertext>, MixedError> {
        let (engine, block) = (self.engine, self.engine.packing.layers[l]);
        let sums = engine
            .lookup
            .stages
            .on(Stage::Products, || engine.product(inputs, &self.weights[l], 1, block.width()))?;
        Ok(vec![sums.with_bound(1.0)?])
    }

    fn lower_sums(&self, l: usize, sums: &[Ciphertext], how: How) -> Result<Vec<LweCiphertext>, MixedError> {
        let block = self.engine.packing.layers[l];
        let place = |i: usize| block.slot(i / block.outputs, 0, i % block.outputs);
        let slots: Vec<usize> = (0..self.images * block.outputs).map(place).collect();
        self.engine.lower(sums, &slots, how)
    }

    fn raise_inputs(&self, l: usize, values: Vec<LweCiphertext>) -> Result<Vec<Ciphertext>, MixedError> {
        let block = self.engine.packing.layers[l];
        self.engine.raise(values, |i| block.input(i / block.inputs, i % block.inputs), self.stop)
    }

    fn raise_errors(
        &self,
        l: usize,
        values: Vec<LweCiphertext>,
        _: &Ciphertext,
    ) -> Result<Vec<Ciphertext>, MixedError> {
        let block = self.engine.packing.layers[l];
        self.engine.raise(values, |i| block.error(i / block.outputs, i % block.outputs), self.stop)
    }

    fn without(&self, outputs: &[Ciphertext], labels: &[Ciphertext]) -> Result<Vec<Ciphertext>, MixedError> {
        let less = |(output, label)| Ok(self.engine.evaluator().sub(output, label)?.with_bound(1.0)?);
        outputs.iter().zip(labels).map(less).collect()
    }

    fn errors(&self, pieces: &[Ciphertext]) -> Result<Ciphertext, MixedError> {
        pieces.first().cloned().ok_or(MixedError::Place)
    }

    fn back(&self, l: usize, errors: &Ciphertext) -> Result<Vec<Ciphertext>, MixedError> {
        let (engine, block) = (self.engine, self.engine.packing.layers[l]);
        let sums = engine.lookup.stages.on(Stage::Products, || {
            engine.product(errors, &self.weights[l], block.width(), block.height())
        })?;
        Ok(vec![sums.with_bound(1.0)?])
    }

    fn lower_back(&self, l: usize, sums: &[Ciphertext], how: How) -> Result<Vec<LweCiphertext>, MixedError> {
        let block = self.engine.packing.layers[l];
        let place = |i: usize| block.slot(i / block.inputs, i % block.inputs, 0);
        let slots: Vec<usize> = (0..self.images * block.inputs).map(place).collect();
        self.engine.lower(sums, &slots, how)
    }

    fn updated(
        &self,
        l: usize,
        inputs: &Ciphertext,
        errors: &Ciphertext,
    ) -> Result<Vec<Ciphertext>, MixedError> {
        let (engine, packing) = (self.engine, &self.engine.packing);
        let size = packing.layers[l].size();
        let rate = packing.weight / (packing.factor * packing.factor);
        engine.lookup.stages.on(Stage::Products, || {
            let errors = engine.evaluator().mul_const(errors, -rate)?;
            let gradient = engine.product(inputs, &errors, size, packing.slots / size)?;
            Ok(vec![engine.evaluator().add(&self.weights[l], &gradient)?.with_bound(1.0)?])
        })
    }

    fn refreshed(&self, changed: Vec<Vec<Ciphertext>>) -> Result<Vec<Ciphertext>, MixedError> {
        let engine = self.engine;
        let refresh = |weights: &Ciphertext| {
            Ok(engine.lookup.refresh(self.stop, || engine.bootstrapper.bootstrap(weights))??)
        };
        changed.iter().flatten().map(refresh).collect()
    }
}
