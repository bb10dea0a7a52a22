//! Random circuits: every slot right, and the estimated noise above the measured one, but not far.

use he_bgv::{Ciphertext, Error, Plaintext, Spec};

use crate::world::{Choices, World, insecure, rotated, swapped};

/// A ciphertext and what it should hold.
#[derive(Clone)]
struct Pair {
    clear: Vec<i64>,
    secret: Ciphertext,
}

struct Circuit<'w> {
    world: &'w World,
    choices: Choices,
    pool: Vec<Pair>,
    log: Vec<String>,
    /// Measured budgets minus estimated ones.
    slack: &'w mut Vec<f64>,
}

impl Circuit<'_> {
    /// Random slots, or what may be worst: constants, single slots, and polynomials of large coefficients of one sign.
    fn message(&mut self) -> (Plaintext, Vec<i64>) {
        let (n, half) = (self.world.params.n(), (self.world.t() / 2) as i64);
        let mut one = vec![0; n];
        one[self.choices.below(n)] = half;
        let kind = self.choices.below(10);
        let values = match kind {
            0 => vec![0; n],
            1 => vec![1; n],
            2 | 3 => vec![half; n],
            4 => vec![-half; n],
            5 => one,
            6 => (0..n).map(|i| if i % 2 == 0 { half } else { -half }).collect(),
            _ => self.world.random(&mut self.choices),
        };
        let encoder = &self.world.encoder;
        if kind.is_multiple_of(3) {
            let plaintext = encoder.encode_coefficients(&values).unwrap();
            let slots = encoder.decode(&plaintext).unwrap();
            return (plaintext, slots);
        }
        (encoder.encode(&values).unwrap(), values)
    }

    fn input(&mut self) {
        let (plaintext, clear) = self.message();
        let secret = match self.choices.below(2) {
            0 => self.world.encrypt(&plaintext),
            _ => self.world.encrypt_public(&plaintext),
        };
        self.accept("input".into(), Ok(secret), |k| clear[k]);
        self.verify(self.pool.len() - 1);
    }

    fn accept(&mut self, what: String, result: Result<Ciphertext, Error>, clear: impl Fn(usize) -> i64) {
        self.log.push(what);
        match result {
            Ok(secret) => {
                let clear = (0..self.world.params.n()).map(clear).collect();
                self.pool.push(Pair { clear, secret });
            }
            Err(Error::NoiseExhausted { .. }) => {
                self.log.pop();
            }
            Err(error) => panic!("{error} after {:?}", self.log),
        }
    }

    fn verify(&mut self, i: usize) {
        let Pair { clear, secret } = &self.pool[i];
        assert!(self.world.slots(secret) == *clear, "wrong slots after {:#?}", self.log);
        let (estimated, measured) = (secret.noise_budget(), self.world.measured(secret));
        assert!(
            (0.0..=measured).contains(&estimated),
            "estimated {estimated:.2}, measured {measured:.2} after {:#?}",
            self.log
        );
        self.slack.push(measured - estimated);
    }

    fn step(&mut self) {
        let of = [self.choices.below(self.pool.len()), self.choices.below(self.pool.len())];
        let pairs = of.map(|i| self.pool[i].clone());
        let before = self.pool.len();
        match self.choices.below(14) {
            kind @ 0..5 => self.sum_or_product(kind, of, &pairs),
            kind @ 5..8 => self.with_plain(kind, of[0], &pairs[0]),
            kind @ 8..10 => self.moved(kind, of[0], &pairs[0]),
            kind @ 10..12 => self.combined(kind, of, &pairs),
            kind => self.switched(kind, of[0], &pairs[0]),
        }
        if self.pool.len() > before {
            self.verify(before);
        }
    }

    fn sum_or_product(&mut self, kind: usize, [i, j]: [usize; 2], [a, b]: &[Pair; 2]) {
        let (world, e) = (self.world, &self.world.evaluator);
        let (x, y) = (|k: usize| i128::from(a.clear[k]), |k: usize| i128::from(b.clear[k]));
        match kind {
            0 => {
                self.accept(format!("{i} + {j}"), e.add(&a.secret, &b.secret), |k| world.centre(x(k) + y(k)));
            }
            1 => {
                self.accept(format!("{i} - {j}"), e.sub(&a.secret, &b.secret), |k| world.centre(x(k) - y(k)));
            }
            2 | 3 => {
                let product = e.mul_lazy(&a.secret, &b.secret).and_then(|c| e.relinearize(&c));
                self.accept(format!("{i} * {j}"), product, |k| world.centre(x(k) * y(k)));
            }
            _ => {
                let before = self.pool.len();
                let square = e.mul_lazy(&a.secret, &a.secret);
                self.accept(format!("{i} squared, of degree 2"), square, |k| world.centre(x(k) * x(k)));
                // Degree 2 stays out of the pool.
                if self.pool.len() > before {
                    self.verify(before);
                    self.pool.truncate(before);
                }
            }
        }
    }

    fn with_plain(&mut self, kind: usize, i: usize, a: &Pair) {
        let (world, e) = (self.world, &self.world.evaluator);
        let x = |k: usize| i128::from(a.clear[k]);
        match kind {
            5 => {
                let c = [self.choices.word() as i64, -1, 0, 3][self.choices.below(4)];
                let c = world.centre(c.into());
                self.accept(format!("{i} * constant {c}"), e.mul_const(&a.secret, c), |k| {
                    world.centre(x(k) * i128::from(c))
                });
            }
            6 => {
                let (plaintext, p) = self.message();
                let operand = world.operand(&plaintext);
                self.accept(format!("{i} * plaintext"), e.mul_prepared(&a.secret, &operand), |k| {
                    world.centre(x(k) * i128::from(p[k]))
                });
            }
            _ => {
                let (plaintext, p) = self.message();
                let sum = e.add_plain(&a.secret, &plaintext);
                self.accept(format!("{i} + plaintext"), sum, |k| world.centre(x(k) + i128::from(p[k])));
            }
        }
    }

    fn moved(&mut self, kind: usize, i: usize, a: &Pair) {
        let (world, e) = (self.world, &self.world.evaluator);
        let row = world.params.n() / 2;
        match kind {
            8 => {
                let step = 1 << self.choices.below(row.ilog2() as usize);
                let clear = rotated(&a.clear, step);
                self.accept(format!("{i} rotated by {step}"), e.rotate_rows(&a.secret, step), |k| clear[k]);
            }
            _ => {
                let clear = swapped(&a.clear);
                self.accept(format!("{i} swapped"), e.swap_rows(&a.secret), |k| clear[k]);
            }
        }
    }

    fn combined(&mut self, kind: usize, [i, j]: [usize; 2], [a, b]: &[Pair; 2]) {
        let (world, e) = (self.world, &self.world.evaluator);
        let (x, y) = (|k: usize| i128::from(a.clear[k]), |k: usize| i128::from(b.clear[k]));
        let row = world.params.n() / 2;
        match kind {
            10 => {
                let small = |choices: &mut Choices| choices.below(21) as i64 - 10;
                let c = [(); 3].map(|()| small(&mut self.choices));
                let sum = e.linear_combination(&[(c[0], &a.secret), (c[1], &b.secret), (c[2], &a.secret)]);
                self.accept(format!("{c:?} times {i}, {j}, {i}"), sum, |k| {
                    world.centre(i128::from(c[0] + c[2]) * x(k) + i128::from(c[1]) * y(k))
                });
            }
            _ => {
                let (log_stride, log_count) = (self.choices.below(3), self.choices.below(4));
                let (stride, count) = (1 << log_stride, 1 << log_count);
                let mut clear = vec![0i128; 2 * row];
                for s in 0..count {
                    let turned = rotated(&a.clear, s * stride);
                    clear.iter_mut().zip(turned).for_each(|(sum, v)| *sum += i128::from(v));
                }
                let sum = e.inner_sum(&a.secret, stride, count);
                self.accept(format!("{i} summed {count} by {stride}"), sum, |k| world.centre(clear[k]));
            }
        }
    }

    fn switched(&mut self, kind: usize, i: usize, a: &Pair) {
        let e = &self.world.evaluator;
        match kind {
            12 => {
                if a.secret.level() > 0 {
                    let switched = e.mod_switch(&a.secret);
                    self.accept(format!("{i} switched"), switched, |k| a.clear[k]);
                }
            }
            _ => {
                self.accept(
                    format!("{i} switched for a product"),
                    e.mod_switch_for_product(&a.secret),
                    |k| a.clear[k],
                );
            }
        }
    }
}

/// Runs circuits; the mean and the least slack of the estimates.
fn run(world: &World, circuits: u64, steps: usize) -> (f64, f64) {
    let mut slack = Vec::new();
    for seed in 0..circuits {
        let mut circuit = Circuit {
            world,
            choices: Choices::new(seed),
            pool: Vec::new(),
            log: vec![format!("seed {seed}")],
            slack: &mut slack,
        };
        for _ in 0..3 {
            circuit.input();
        }
        for _ in 0..steps {
            circuit.step();
        }
    }
    let mean = slack.iter().sum::<f64>() / slack.len() as f64;
    (mean, slack.iter().copied().fold(f64::INFINITY, f64::min))
}

#[test]
fn estimates_hold_and_are_close() {
    for (log_n, t_bits, q, p, digit) in [
        (10, 17, vec![50, 41, 41, 41, 41], vec![50], 1),
        (9, 14, vec![50; 6], vec![50, 50, 50], 3),
        (8, 30, vec![50, 47, 47, 47, 47], vec![50, 50], 2),
        (11, 40, vec![50; 6], vec![50], 1),
        (6, 20, vec![45; 5], vec![45], 1),
        (9, 49, vec![50; 7], vec![50], 1),
    ] {
        let t = Spec::slot_modulus(log_n, t_bits).unwrap();
        let world = World::new(insecure(log_n, t, &q, &p, digit));
        let (mean, least) = run(&world, 24, 14);
        println!("N = 2^{log_n}, t of {t_bits} bits: mean slack {mean:.2}, least {least:.2}");
        assert!(mean < 10.0);
    }
}
