//! Tables over all slots at 128 bits of security, on one thread: in seconds of its CPU time, in units and in µs a value, beside a
//! bootstrap. One command for the table in the README; 8 GB, ten minutes:
//!
//! ```sh
//! cargo bench -p he-ckks --bench tables
//! ```
//!
//! The unit is a forward transform of the `tfhe-ntt` library at 50 bits and the same length on the same thread. A name in the arguments
//! (`sparse`, `uniform`) restricts the run to that preset; what is printed are medians of as many rounds as `ROUNDS` says, 5 if
//! it says nothing, in each of which everything is done once. Of every result the worst slot is compared with what it should be.

mod measure;

use std::hint::black_box;

use he_ckks::approximation::functions;
use he_ckks::bootstrap::{FourierSeries, Table};
use he_ckks::{
    Bootstrapper, Ciphertext, Complex64, Decryptor, Encoder, Encryptor, Error, KeyRequest, SecretKey, Spec,
};
use measure::{median, pool, seconds, thousand_units};

/// CPU time of this thread, where the system tells: others use the machine too.
fn cpu() -> Option<f64> {
    let line = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    Some(line.split_whitespace().next()?.parse::<f64>().ok()? / 1e9)
}

fn cpu_seconds(work: impl FnOnce()) -> f64 {
    let before = cpu();
    let wall = seconds(work);
    before.zip(cpu()).map_or(wall, |(before, after)| after - before)
}

/// One thing to be timed: its name, how many values it takes, how many bits its worst slot has, what it took.
struct Case<'b> {
    name: String,
    values: usize,
    bits: f64,
    work: Box<dyn Fn() -> Result<Vec<Ciphertext>, Error> + Send + Sync + 'b>,
    units: Vec<f64>,
    seconds: Vec<f64>,
}

/// Everything of one preset.
struct World {
    b: Bootstrapper,
    key: SecretKey,
    slots: usize,
}

impl World {
    fn encrypt(&self, bound: f64, values: &[Complex64]) -> Ciphertext {
        let encoder = Encoder::new(self.key.params()).with_bound(bound);
        let plaintext = encoder.encode_complex(values).expect("within the bound");
        Encryptor::with_secret(&self.key).encrypt(&plaintext).expect("randomness")
    }

    /// The case, with its results held against values.
    fn case<'b>(
        &self,
        name: String,
        values: usize,
        expected: &[Vec<Complex64>],
        work: impl Fn() -> Result<Vec<Ciphertext>, Error> + Send + Sync + 'b,
    ) -> Case<'b> {
        let mut worst = 0f64;
        for (c, expected) in work().expect("a result").iter().zip(expected) {
            let found = Decryptor::new(&self.key).decrypt_complex(c).expect("own key");
            let most = expected.iter().map(|z| z.re.abs().max(z.im.abs())).fold(0.0, f64::max);
            let off = found.iter().zip(expected).map(|(a, b)| (a - b).norm()).fold(0.0, f64::max);
            worst = worst.max(off / most);
        }
        let (units, seconds) = (vec![], vec![]);
        Case { name, values, bits: -worst.log2(), work: Box::new(work), units, seconds }
    }

    /// Tables of integers modulo `t`, in both parts of slots or in real ones.
    fn tables(&self, t: usize, count: usize, real: bool) -> Case<'_> {
        let part = |i: usize| (i.wrapping_mul(0x9e37_79b9) >> 7) % t;
        let m: Vec<[usize; 2]> = (0..self.slots).map(|j| [part(2 * j), part(2 * j + 1)]).collect();
        let other = if real { 0.0 } else { 1.0 };
        let mapped = |f: &dyn Fn(usize) -> f64| -> Vec<Complex64> {
            m.iter().map(|[a, b]| Complex64::new(f(*a), other * f(*b))).collect()
        };
        let functions: [fn(usize) -> f64; 2] = [|m| (m * m % 251) as f64, |m| (m * 7 % 13) as f64];
        let tables: Vec<Table> = functions[..count]
            .iter()
            .map(|f| Table::new(&(0..t).map(f).collect::<Vec<_>>()).expect("a table"))
            .collect();
        let c = self.encrypt(2.0 * t as f64, &mapped(&|m| m as f64));
        let integers = self.b.to_integers(&c, t).expect("integers");
        let integers = if real { integers.real_parts() } else { integers };
        let expected: Vec<_> = functions[..count].iter().map(|f| mapped(f)).collect();
        let what = if real { ", real parts" } else { "" };
        let values = self.slots * if real { 1 } else { 2 };
        self.case(format!("{count} table(s) of {t}{what}"), values, &expected, move || {
            self.b.look_up(&integers, &tables.iter().collect::<Vec<_>>())
        })
    }

    /// A smooth function on [−8, 8], real parts, with the transform to coefficients.
    fn smooth(&self, name: &str, f: fn(f64) -> f64, degree: usize) -> Case<'_> {
        let series = FourierSeries::new(f, 8.0, degree).expect("a series");
        let v = |j: usize| 16.0 * (j as f64 / (self.slots - 1) as f64) - 8.0;
        let mapped = |f: &dyn Fn(f64) -> f64| -> Vec<Complex64> {
            (0..self.slots).map(|j| Complex64::new(f(v(j)), 0.0)).collect()
        };
        let c = self.encrypt(8.0, &mapped(&|v| v));
        let expected = [mapped(&f)];
        self.case(format!("{name}, Fourier series of degree {degree}"), self.slots, &expected, move || {
            self.b.evaluate_fourier(&c, &[&series])
        })
    }
}

fn preset(name: &str, spec: &Spec, rounds: usize) {
    let params = spec.build().expect("a preset");
    let (one, two) = (pool(1), pool(2));
    let mut units = thousand_units(&params);
    println!("\n{name}: log2 QP = {:.0}", params.rlwe().key_basis(params.rlwe().max_limbs()).log2());
    let world = two.install(|| {
        let key = SecretKey::generate(&params).expect("randomness");
        let keys = key.bootstrap_keys(params.slots(), &KeyRequest::default()).expect("randomness");
        let b = Bootstrapper::new(keys).expect("own keys");
        World { b, key, slots: params.slots() }
    });
    let w = &world;
    let mut cases = two.install(|| {
        let z: Vec<Complex64> = (0..w.slots).map(|j| Complex64::from_polar(0.9, j as f64)).collect();
        let c = w.encrypt(1.0, &z);
        let (low, t) = (c.clone(), 256);
        let mut cases = vec![
            w.case("bootstrap".into(), 2 * w.slots, &[z], move || Ok(vec![w.b.bootstrap(&low)?])),
            w.case("to integers, from slots".into(), 2 * w.slots, &[], move || {
                let _ = black_box(w.b.to_integers(&c, t)?);
                Ok(vec![])
            }),
        ];
        cases.extend(
            [16, 64, 256]
                .into_iter()
                .flat_map(|t| [(t, 1), (t, 2)])
                .map(|(t, count)| w.tables(t, count, false)),
        );
        cases.push(w.tables(256, 1, true));
        cases.push(w.smooth("sigmoid", functions::sigmoid, 15));
        cases.push(w.smooth("tanh", functions::tanh, 31));
        cases.push(w.smooth("gelu", functions::gelu, 31));
        cases
    });
    for round in 0..rounds {
        for case in &mut cases {
            let time = |work: &mut (dyn FnMut() + Send)| one.install(|| cpu_seconds(work));
            let before = time(&mut units);
            let took = time(&mut || drop(black_box((case.work)().expect("a result"))));
            case.units.push(took / f64::midpoint(before, time(&mut units)) * 1000.0);
            case.seconds.push(took);
        }
        eprintln!("round {} of {rounds}", round + 1);
    }
    println!("{:>36} | CPU s | units | us a value | of a bootstrap | bits of the worst slot", "");
    let reference = median(cases[0].units.clone());
    for case in cases {
        let (units, took) = (median(case.units), median(case.seconds));
        let each = took / case.values as f64 * 1e6;
        println!(
            "{:>36} | {took:5.2} | {units:5.0} | {each:10.1} | {:14.2} | {:.1}",
            case.name,
            units / reference,
            case.bits
        );
    }
}

fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with('-')).collect();
    let rounds = std::env::var("ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(5).max(1);
    for (name, spec) in [("uniform", Spec::bootstrap_uniform()), ("sparse", Spec::bootstrap_sparse())] {
        if wanted.is_empty() || wanted.iter().any(|w| w == name) {
            preset(name, &spec, rounds);
        }
    }
}
