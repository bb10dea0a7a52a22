//! The `tfhe` crate at its default sets.

use tfhe::boolean::prelude::{BinaryBooleanGates, ClientKey as BooleanClient, ServerKey as BooleanServer};
use tfhe::shortint::parameters::v1_8::V1_8_PARAM_MESSAGE_1_CARRY_1_KS_PBS_GAUSSIAN_2M128;
use tfhe::shortint::parameters::{ClassicPBSParameters, PARAM_MESSAGE_2_CARRY_2_KS_PBS};
use tfhe::shortint::{ClientKey, ServerKey, gen_keys};

use crate::{milliseconds, random};

/// What is compared.
#[derive(Clone, Copy)]
pub enum Set {
    /// Two bits of message and two of carry.
    TwoTwo,
    /// One and one.
    OneOne,
}

impl Set {
    pub fn name(self) -> &'static str {
        match self {
            Set::TwoTwo => "2+2, failure 2^-128",
            Set::OneOne => "1+1, failure 2^-128",
        }
    }

    fn parameters(self) -> ClassicPBSParameters {
        match self {
            Set::TwoTwo => PARAM_MESSAGE_2_CARRY_2_KS_PBS,
            Set::OneOne => V1_8_PARAM_MESSAGE_1_CARRY_1_KS_PBS_GAUSSIAN_2M128,
        }
    }

    /// Values below this are encrypted; a table gets all of it.
    pub fn modulus(self) -> u64 {
        match self {
            Set::TwoTwo => 16,
            Set::OneOne => 4,
        }
    }
}

/// The function of all tables.
pub fn function(x: u64, modulus: u64) -> u64 {
    (3 * x + 1) % modulus
}

pub struct Messages {
    set: Set,
    client: ClientKey,
    server: ServerKey,
}

impl Messages {
    pub fn new(set: Set) -> Self {
        let (client, server) = gen_keys(set.parameters());
        Self { set, client, server }
    }

    /// Milliseconds of one key switch and bootstrap.
    pub fn round(&self, count: usize) -> f64 {
        let modulus = self.set.modulus();
        let table = self.server.generate_lookup_table(|x| function(x, modulus));
        let messages: Vec<u64> = random(count).map(|x| x % modulus).collect();
        // The whole space, carries included.
        let mut ciphertexts: Vec<_> = messages.iter().map(|&m| self.client.unchecked_encrypt(m)).collect();
        let (time, ()) = milliseconds(count, || {
            for ciphertext in &mut ciphertexts {
                self.server.apply_lookup_table_assign(ciphertext, &table);
            }
        });
        for (ciphertext, &m) in ciphertexts.iter().zip(&messages) {
            assert_eq!(self.client.decrypt_message_and_carry(ciphertext), function(m, modulus));
        }
        time
    }

    /// From the dimensions, words of 8 bytes.
    pub fn key_bytes(&self) -> usize {
        let p = self.set.parameters();
        let (n, k, size) = (p.lwe_dimension.0, p.glwe_dimension.0, p.polynomial_size.0);
        let bootstrap = n * p.pbs_level.0 * (k + 1) * (k + 1) * size * 8;
        bootstrap + k * size * p.ks_level.0 * (n + 1) * 8
    }
}

pub struct Gates {
    client: BooleanClient,
    server: BooleanServer,
}

impl Gates {
    pub fn new() -> Self {
        let (client, server) = tfhe::boolean::gen_keys();
        Self { client, server }
    }

    pub fn nand(&self, count: usize) -> f64 {
        let bits: Vec<[bool; 2]> = random(count).map(|x| [x & 1 == 1, x & 2 == 2]).collect();
        let inputs: Vec<_> = bits.iter().map(|bits| bits.map(|bit| self.client.encrypt(bit))).collect();
        let (time, outputs) =
            milliseconds(count, || inputs.iter().map(|[a, b]| self.server.nand(a, b)).collect::<Vec<_>>());
        assert!(outputs.iter().zip(&bits).all(|(output, [a, b])| self.client.decrypt(output) == !(*a && *b)));
        time
    }

    pub fn mux(&self, count: usize) -> f64 {
        let bits: Vec<[bool; 3]> = random(count).map(|x| [x & 1 == 1, x & 2 == 2, x & 4 == 4]).collect();
        let inputs: Vec<_> = bits.iter().map(|bits| bits.map(|bit| self.client.encrypt(bit))).collect();
        let (time, outputs) = milliseconds(count, || {
            inputs.iter().map(|[c, a, b]| self.server.mux(c, a, b)).collect::<Vec<_>>()
        });
        let right =
            |(output, [c, a, b]): (_, &[bool; 3])| self.client.decrypt(output) == if *c { *a } else { *b };
        assert!(outputs.iter().zip(&bits).all(right));
        time
    }

    /// From the dimensions; words of the key switch have 4 bytes.
    pub fn key_bytes(&self) -> usize {
        let p = tfhe::boolean::parameters::DEFAULT_PARAMETERS;
        let (n, k, size) = (p.lwe_dimension.0, p.glwe_dimension.0, p.polynomial_size.0);
        let bootstrap = n * p.pbs_level.0 * (k + 1) * (k + 1) * size * 8;
        bootstrap + k * size * p.ks_level.0 * (n + 1) * 4
    }
}
