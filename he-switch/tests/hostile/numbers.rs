//! Numbers that nobody should give.

use he_core::ring::sample::Prng;

/// A generator of numbers: small ones, ends of ranges, powers of two and what is beside them, and any.
pub(crate) struct Numbers(Prng);

impl Numbers {
    /// The numbers of a seed.
    pub(crate) fn new(seed: u64) -> Self {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&seed.to_le_bytes());
        Self(Prng::from_seed(&key))
    }

    pub(crate) fn u64(&mut self) -> u64 {
        let (any, power) = (self.0.next_u64(), 1 << (self.0.next_u64() % 64));
        match self.0.next_u64() % 9 {
            0..3 => any % 20,
            3 => u64::MAX - any % 3,
            4 => (1 << 63) - any % 3,
            5 => power,
            6 => power - 1,
            7 => power + 1,
            _ => any,
        }
    }

    pub(crate) fn usize(&mut self) -> usize {
        self.u64() as usize
    }

    pub(crate) fn u32(&mut self) -> u32 {
        let wide = self.u64();
        if wide > u64::from(u32::MAX) { (wide >> 32) as u32 } else { wide as u32 }
    }

    pub(crate) fn u16(&mut self) -> u16 {
        self.u64() as u16
    }

    pub(crate) fn i64(&mut self) -> i64 {
        self.u64() as i64
    }

    pub(crate) fn i128(&mut self) -> i128 {
        i128::from(self.i64()) << (self.u64() % 64)
    }

    pub(crate) fn i32(&mut self) -> i32 {
        self.u32() as i32
    }

    pub(crate) fn f64(&mut self) -> f64 {
        const ENDS: [f64; 12] = [
            0.0,
            -0.0,
            1.0,
            -1.0,
            0.5,
            f64::MAX,
            f64::MIN,
            f64::MIN_POSITIVE,
            5e-324,
            f64::NAN,
            f64::INFINITY,
            f64::NEG_INFINITY,
        ];
        match self.0.next_u64() % 4 {
            0 => f64::from_bits(self.0.next_u64()),
            1 => self.i64() as f64,
            2 => f64::from(self.i32() % 2000) / 100.0,
            _ => ENDS[(self.0.next_u64() % 12) as usize],
        }
    }

    /// None to four of them.
    pub(crate) fn many<T>(&mut self, draw: impl Fn(&mut Self) -> T) -> Vec<T> {
        (0..self.0.next_u64() % 5).map(|_| draw(self)).collect()
    }
}
