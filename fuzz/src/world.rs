//! Parameters, keys and a plan that protect nothing and are the same in every run.

use std::fmt;
use std::sync::{Arc, LazyLock};

use he_bgv::{KeyRequest, Parameters, SecretKey, Spec};
use he_core::rlwe::serial::{Kind, header};
use he_core::wire::{Header, Writer, seal};
use nn_encrypted::internals::{
    Agreement, BgvCipher, BgvEngine, Cipher, CipherError, Cube, Engine, EngineError, Geometry, Instance,
    KeyStream, Order, PlannedBgv, Tensor, Workload, lower,
};
use nn_encrypted::plan::{Estimate, Plan, PlanError, PlannedEngine, SchemeUse, Tolerance, WireSize};
use nn_encrypted::recipe::Recipe;
use nn_encrypted::run::Session;
use zeroize::Zeroizing;

/// An instance in dimension 16 with slots; the plaintext prime is the `i`-th of 20 bits.
fn insecure_instance(i: usize) -> Instance {
    let mut primes = vec![];
    for _ in 0..=i {
        primes.push(Spec::slot_modulus_except(4, 20, &primes).expect("a prime"));
    }
    let spec =
        Spec { log_n: 4, plaintext_modulus: primes[i], q_bits: vec![47, 41], p_bits: vec![50], digit: 1 };
    let params = spec.build_insecure("fuzzing: no secret is in it").expect("parameters");
    Instance::bgv(spec, params)
}

/// The identifier of all keys that everybody knows.
pub const ID: [u8; 16] = [0x1d; 16];

/// The parameters of the scheme's targets.
pub static INSECURE: LazyLock<Parameters> = LazyLock::new(|| insecure_instance(0).params);

/// The key of these parameters that everybody knows.
pub fn known_key(params: &Parameters) -> SecretKey {
    let body: Vec<u8> = ID.into_iter().chain((0..params.n()).map(|i| (i * i % 7 % 3) as u8)).collect();
    let bytes = seal(&header(params.rlwe(), Kind::SecretKey), &body);
    SecretKey::from_secret_bytes(params, &bytes).expect("a key")
}

/// Keys for products and for a rotation by one.
pub fn key_request(params: &Parameters) -> KeyRequest {
    KeyRequest::default().relinearization(1).rotations(params, &[1], 1)
}

/// The parameters of the target of CKKS, with the shortest circuit of bootstrapping.
pub static CKKS: LazyLock<he_ckks::Parameters> = LazyLock::new(|| {
    let bootstrap = he_ckks::BootstrapSpec {
        slots_to_coefficients: 1,
        coefficients_to_slots: 1,
        modular_bits: 30,
        range: 4,
        degree: 7,
        doublings: 2,
        terms: 2,
        ephemeral_weight: 4,
        order: he_ckks::bootstrap::Order::SlotsFirst,
    };
    let spec = he_ckks::Spec {
        log_n: 4,
        first_bits: 30,
        scale_bits: 24,
        levels: 1,
        special_bits: vec![31; 10],
        digit: 10,
        secret: he_ckks::SecretDistribution::UniformTernary,
        bootstrap: Some(bootstrap),
        congruence: 1,
    };
    spec.build_insecure("fuzzing: no secret is in it").expect("parameters")
});

/// Slots of the keys for bootstrapping.
pub const CKKS_SLOTS: usize = 2;

/// The key of these parameters that everybody knows.
pub fn ckks_key(params: &he_ckks::Parameters) -> he_ckks::SecretKey {
    let body: Vec<u8> = ID.into_iter().chain((0..params.n()).map(|i| (i * i % 7 % 3) as u8)).collect();
    let bytes = seal(&header(params.rlwe(), Kind::SecretKey), &body);
    he_ckks::SecretKey::from_secret_bytes(params, &bytes).expect("a key")
}

/// Keys for products and for a rotation by one.
pub fn ckks_request(params: &he_ckks::Parameters) -> he_ckks::KeyRequest {
    he_ckks::KeyRequest::default().relinearization(params.max_level()).rotations(
        params,
        &[1],
        params.max_level(),
    )
}

/// The parameters of the target of TFHE, with a circuit part.
pub static TFHE: LazyLock<he_tfhe::Parameters> = LazyLock::new(|| {
    let gadget = |base_log, levels| he_tfhe::Decomposition { base_log, levels };
    let circuit = he_tfhe::CircuitGadgets { rotation: gadget(15, 2), ggsw: gadget(4, 2), table_bits: 4 };
    let spec = he_tfhe::Spec {
        lwe_dimension: 4,
        lwe_noise: -22.0,
        glwe_dimension: 1,
        polynomial_size: 64,
        glwe_noise: -44.0,
        modulus_bits: 48,
        unroll: 2,
        rotation: gadget(20, 1),
        key_switch: gadget(2, 8),
        packing: Some(gadget(9, 4)),
        circuit: Some(circuit),
        message_bits: 1,
        carry_bits: 1,
        squared_norm: 4.0,
        failure: -8.0,
    };
    spec.build_insecure("fuzzing: no secret is in it").expect("parameters")
});

/// The key of these parameters that everybody knows.
pub fn tfhe_key(params: &he_tfhe::Parameters) -> he_tfhe::SecretKey {
    let length = params.spec().lwe_dimension + params.spec().big_dimension();
    let body: Vec<u8> = ID.into_iter().chain((0..length).map(|i| (i * i % 7 % 2) as u8)).collect();
    let header = Header { tag: he_tfhe::TAG, kind: 1, params: *params.hash() };
    he_tfhe::SecretKey::from_secret_bytes(params, &seal(&header, &body)).expect("a key")
}

/// One linear layer on iris.
pub static SESSION: LazyLock<Session> = LazyLock::new(|| {
    let settings = ["data.set=iris", "layers=[{kind='Linear',scheme='bgv'}]", "optimizer.batch_size=4"];
    let recipe = Recipe::load("hesamifard2017", &settings.map(String::from)).expect("a recipe");
    Session::new(recipe, None).expect("a session")
});

/// Two plaintext primes in a tiny ring.
pub static INSTANCES: LazyLock<[Instance; 2]> = LazyLock::new(|| [0, 1].map(insecure_instance));

/// An engine in BGV with the layout and the parameters of a tiny ring.
struct Tiny(Arc<Agreement>);

impl Tiny {
    /// That of the one layer of [`SESSION`].
    fn new() -> Self {
        let Session { recipe, network, data, .. } = &*SESSION;
        let bound = f64::from(data.bound) / f64::from(data.fraction_bits).exp2();
        let planned = PlannedBgv::new(recipe, network, &lower(recipe, network), &[0], bound).expect("a plan");
        let plan = planned.agreement();
        let shapes = plan.geometry.layers.iter().map(|layer| (0, (layer.inputs, layer.outputs)));
        let cut = |primes: &std::collections::BTreeMap<Tensor, usize>| {
            primes.iter().map(|(&tensor, &primes)| (tensor, primes.min(2))).collect()
        };
        Self(Arc::new(Agreement {
            geometry: Geometry::new(Cube { order: Order::Images, b: 4, p: 2, q: 2 }, shapes, 4),
            matrices: plan.matrices.clone(),
            scales: plan.scales.clone(),
            gradient_bits: plan.gradient_bits,
            formulas: plan.formulas.clone(),
            bounds: plan.bounds.clone(),
            instances: INSTANCES.to_vec(),
            fresh: cut(&plan.fresh),
            sent: cut(&plan.sent),
            levels: plan.levels.clone(),
            operations: plan.operations.clone(),
            public: plan.public,
        }))
    }
}

impl fmt::Display for Tiny {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a tiny ring without security")
    }
}

impl PlannedEngine for Tiny {
    fn encode(&self, out: &mut Writer) {
        out.u32(4);
    }

    fn sent(&self, tensor: Tensor, _rows: usize) -> WireSize {
        let is_sent = self.0.fresh.contains_key(&tensor) || self.0.sent.contains_key(&tensor);
        let pieces = self.0.pieces(tensor);
        let [fresh, computed] = self.0.piece_bytes(tensor);
        WireSize { parts: usize::from(is_sent && pieces > 0), pieces, fresh, computed }
    }

    fn key_bytes(&self) -> Result<Vec<usize>, PlanError> {
        Ok(Vec::new())
    }

    fn work(&self) -> Workload {
        Workload::default()
    }

    fn key_names(&self) -> Vec<String> {
        (1..=2).map(|i| format!("evaluation keys of plaintext prime {i}")).collect()
    }

    fn secret_keys(&self) -> usize {
        2
    }

    fn generate(&self) -> Result<Box<dyn Cipher>, CipherError> {
        Ok(Box::new(BgvCipher::generate(&self.0)?))
    }

    fn with_secret(&self, keys: &[Zeroizing<Vec<u8>>]) -> Result<Box<dyn Cipher>, CipherError> {
        Ok(Box::new(BgvCipher::with_secret(&self.0, keys)?))
    }

    fn engine(&self, keys: Vec<KeyStream<'_>>, _record: bool) -> Result<Box<dyn Engine>, EngineError> {
        Ok(Box::new(BgvEngine::new(&self.0, keys)?))
    }

    fn schemes(&self) -> Vec<SchemeUse> {
        vec![]
    }

    fn tolerance(&self) -> Option<Tolerance> {
        None
    }

    fn estimate(&self) -> Estimate {
        Estimate::default()
    }
}

/// Its plan, over an engine in a tiny ring with two plaintext primes.
pub static PLAN: LazyLock<Arc<Plan>> = LazyLock::new(|| {
    let plan = SESSION.plan().expect("a plan");
    Arc::new(Plan { engines: vec![Arc::new(Tiny::new())], ..(*plan).clone() })
});

/// The object that the bytes of a target stand for.
pub(crate) fn object(header: &Header, bytes: &[u8]) -> Vec<u8> {
    match bytes.split_first() {
        Some((first, rest)) if first % 2 == 1 => seal(header, rest),
        Some((_, rest)) => rest.to_vec(),
        None => vec![],
    }
}
