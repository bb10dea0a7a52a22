//! The network: 784-128-32-10 with squares between, on integers.
//!
//! A training on ciphertexts ends with weights `w/2^14` for integers `w`. Of these the integers that are multiplied are
//! `v = round(w·a/2^14)`, with a scale `a` for each layer ([`SCALES`]). A pixel enters the training as `p/3 − 1/8` for a level `p` of
//! 0 to 3 ([`Pixels`]), and so a layer computes, at the scale `s_1 = 3·a_1`, `s_l = s_{l−1}²·a_l`,
//!
//! `z_1 = V_1·p + round(s_1·(b_1 − Σ_i v_i/(8·a_1)))`, `z_l = V_l·z_{l−1}² + round(s_l·b_l)`,
//!
//! and the scores are `z_3` less `3/4·s_3`, the middle of their range, which takes half a bit from their magnitude. Nothing else is
//! rounded. All of 70,000 images have scores below [`LIMIT`].
//!
//! File: `"MLPW" | version u8 = 1 | fractional bits u8 | for each layer: outputs u16, inputs u16, biases i16, weights i16 row after row |
//! BLAKE3 [32]`, all numbers little-endian; the digest is that of everything before it.

use he_core::ring::IntegerMatrix;

use crate::Failure;
use crate::pixels::{Pixels, WHITE};

/// Pixels of an image.
pub const PIXELS: usize = 784;
/// Digits.
pub const CLASSES: usize = 10;
/// Outputs and inputs of each layer.
pub const SHAPES: [[usize; 2]; 3] = [[128, PIXELS], [32, 128], [CLASSES, 32]];
/// Scale of the weights of each layer.
pub const SCALES: [i64; 3] = [72, 40, 12];
/// Magnitude that no score of an image of a digit reaches. A score above it is refused, where arithmetic modulo `t > 4·LIMIT` could have
/// wrapped around.
pub const LIMIT: i64 = 1 << 46;

const MAGIC: &[u8; 4] = b"MLPW";
const VERSION: u8 = 1;
/// Fractional bits of weights that are read, at most.
const MOST_BITS: u8 = 15;
const DIGEST: usize = 32;

/// Weights and biases as a training left them: integers over `2^fraction_bits`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trained {
    /// Fractional bits.
    pub fraction_bits: u8,
    /// Biases, and weights row after row, of each layer.
    pub layers: [[Vec<i16>; 2]; 3],
}

impl Trained {
    /// The file of the weights.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = [&MAGIC[..], &[VERSION, self.fraction_bits]].concat();
        for (layer, shape) in self.layers.iter().zip(SHAPES) {
            shape.iter().for_each(|&extent| out.extend((extent as u16).to_le_bytes()));
            layer.iter().flatten().for_each(|number| out.extend(number.to_le_bytes()));
        }
        let digest = blake3::hash(&out);
        out.extend(digest.as_bytes());
        out
    }

    /// Reads the file of the weights.
    ///
    /// # Errors
    /// If it is damaged, or of another network.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Failure> {
        let at = bytes.len().checked_sub(DIGEST).ok_or("the file of the weights is cut off")?;
        let (body, digest) = bytes.split_at(at);
        if blake3::hash(body).as_bytes() != digest {
            return Err("the file of the weights is damaged: its digest is another".into());
        }
        let mut rest = body;
        let mut take = |count: usize| -> Result<&[u8], Failure> {
            let (taken, left) = rest.split_at_checked(count).ok_or("the file of the weights is cut off")?;
            rest = left;
            Ok(taken)
        };
        let head = take(6)?;
        let (version, fraction_bits) = (head[4], head[5]);
        if &head[..4] != MAGIC || version != VERSION || fraction_bits > MOST_BITS {
            return Err(format!(
                "the file of the weights begins with {head:?}, needed {MAGIC:?}, version {VERSION}, at most {MOST_BITS} bits"
            )
            .into());
        }
        let mut layers = [[vec![], vec![]], [vec![], vec![]], [vec![], vec![]]];
        for (layer, shape) in layers.iter_mut().zip(SHAPES) {
            for extent in shape {
                let found = take(2)?;
                if found != (extent as u16).to_le_bytes() {
                    return Err(format!("a layer has an extent of {found:?}, needed {extent}").into());
                }
            }
            for (numbers, count) in layer.iter_mut().zip([shape[0], shape[0] * shape[1]]) {
                let pairs = take(2 * count)?.as_chunks::<2>().0;
                *numbers = pairs.iter().map(|&pair| i16::from_le_bytes(pair)).collect();
            }
        }
        let left = rest.len();
        if left > 0 {
            Err(format!("{left} bytes follow the weights").into())
        } else {
            Ok(Self { fraction_bits, layers })
        }
    }
}

/// A layer on integers.
pub struct Layer {
    /// Weights.
    pub weights: IntegerMatrix,
    /// Biases, at the scale of the sums.
    pub biases: Vec<i64>,
}

/// The network on integers.
pub struct Model {
    /// Its layers, the first one first.
    pub layers: [Layer; 3],
}

/// `n/d` rounded to the nearest integer, halves away from zero; `d > 0`.
fn round(n: i128, d: i128) -> i128 {
    (n.abs() + d / 2) / d * n.signum()
}

impl Model {
    /// The model inside the program.
    ///
    /// # Errors
    /// If its file is damaged.
    pub fn built_in() -> Result<Self, Failure> {
        Self::new(&Trained::from_bytes(include_bytes!("../model/weights.bin"))?)
    }

    /// The integers that are computed with.
    ///
    /// # Errors
    /// If there are other layers than the network has, or a bias is above 2^62.
    pub fn new(trained: &Trained) -> Result<Self, Failure> {
        let unit = 1_i128 << trained.fraction_bits;
        let (mut layers, mut scale) = (Vec::new(), i128::from(WHITE));
        for (([biases, weights], shape), a) in trained.layers.iter().zip(SHAPES).zip(SCALES) {
            if [biases.len(), weights.len()] != [shape[0], shape[0] * shape[1]] {
                return Err(format!("{} weights, needed {} x {}", weights.len(), shape[0], shape[1]).into());
            }
            scale = if layers.is_empty() { scale } else { scale * scale } * i128::from(a);
            let small = |w: &i16| round(i128::from(*w) * i128::from(a), unit) as i64;
            let matrix = IntegerMatrix::new(shape[1], weights.iter().map(small).collect())?;
            let bias = |(row, &b): (usize, &i16)| {
                // Pixels are centred: Σ v_i·(p_i − 3/8), at the scale 3·a.
                let centre = if layers.is_empty() { matrix.row(row).iter().sum::<i64>() } else { 0 };
                let middle = if layers.len() + 1 == SHAPES.len() { 3 * scale / 4 } else { 0 };
                let bias = round(i128::from(b) * scale, unit)
                    - round(i128::from(centre) * i128::from(WHITE), 8)
                    - middle;
                i64::try_from(bias).ok().filter(|bias| bias.unsigned_abs() < 1 << 62)
            };
            let biases: Option<Vec<i64>> = biases.iter().enumerate().map(bias).collect();
            layers.push(Layer { weights: matrix, biases: biases.ok_or("a bias is above 2^62")? });
        }
        let layers = layers.try_into().map_err(|_| "three layers are needed")?;
        Ok(Self { layers })
    }

    /// The scores of an image in the clear: the twin of the encrypted computation.
    ///
    /// # Errors
    /// If there are not 784 pixels, or a score is above [`LIMIT`].
    pub fn scores(&self, image: &[u8]) -> Result<[i64; CLASSES], Failure> {
        if image.len() != PIXELS {
            return Err(format!("{} pixels, needed {PIXELS}", image.len()).into());
        }
        let mut values: Vec<i128> = image.iter().map(|&level| i128::from(level)).collect();
        for (l, layer) in self.layers.iter().enumerate() {
            if l > 0 {
                values.iter_mut().for_each(|value| *value *= *value);
            }
            let sum = |row: usize| -> i128 {
                layer.weights.row(row).iter().zip(&values).map(|(&w, x)| i128::from(w) * x).sum()
            };
            values = layer.biases.iter().enumerate().map(|(row, &b)| sum(row) + i128::from(b)).collect();
        }
        let scores: Vec<i64> = values.into_iter().map(|z| i64::try_from(z).unwrap_or(i64::MAX)).collect();
        within_limit(&scores)
    }

    /// The scores of several images.
    ///
    /// # Errors
    /// As [`scores`](Self::scores); the image is named.
    pub fn scores_of(&self, images: &Pixels) -> Result<crate::Scores, Failure> {
        let scores = |(i, image)| self.scores(image).map_err(|error| format!("image {i}: {error}").into());
        images.images().enumerate().map(scores).collect()
    }
}

/// Ten scores, each within [`LIMIT`].
///
/// # Errors
/// If they are not.
pub fn within_limit(scores: &[i64]) -> Result<[i64; CLASSES], Failure> {
    match scores.iter().find(|score| score.unsigned_abs() > LIMIT.unsigned_abs()) {
        Some(score) => Err(format!(
            "a score of {score} is beyond {LIMIT}, which no image of a digit reaches: the integers of the model may have wrapped around"
        )
        .into()),
        None => scores.try_into().map_err(|_| format!("{} scores, needed {CLASSES}", scores.len()).into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_read_as_it_was_written_and_damage_is_found() {
        let bytes = include_bytes!("../model/weights.bin");
        let trained = Trained::from_bytes(bytes).unwrap();
        assert!(trained.to_bytes() == bytes && bytes.len() < 300_000);
        for at in [0, 4, 5, 6, 9, 100_000, bytes.len() - 1] {
            let mut damaged = bytes.to_vec();
            damaged[at] ^= 1;
            assert!(Trained::from_bytes(&damaged).is_err(), "{at}");
            // Also if the digest is made to fit, where it is no number that is damaged.
            let body = damaged.len() - DIGEST;
            let digest = blake3::hash(&damaged[..body]);
            damaged[body..].copy_from_slice(digest.as_bytes());
            assert_eq!(Trained::from_bytes(&damaged).is_err(), [0, 4, 6, 9].contains(&at), "{at}");
        }
        for length in [0, 31, 32, 38, 1000] {
            assert!(Trained::from_bytes(&bytes[..length]).is_err(), "{length}");
        }
    }

    #[test]
    fn integers_are_near_the_trained_network() {
        let trained = Trained::from_bytes(include_bytes!("../model/weights.bin")).unwrap();
        let model = Model::built_in().unwrap();
        // The same in floating point, weights rounded to the scales, everything else not.
        let ink = |i: usize| (5..23).contains(&(i / 28)) && (13..16).contains(&(i % 28));
        let image: Vec<u8> = (0..PIXELS).map(|i| if ink(i) { (i % 3 + 1) as u8 } else { 0 }).collect();
        let mut values: Vec<f64> = image.iter().map(|&p| f64::from(p) / 3.0 - 0.125).collect();
        let mut scale = f64::from(WHITE);
        for (l, ([biases, weights], a)) in trained.layers.iter().zip(SCALES).enumerate() {
            let a = a as f64;
            scale = if l == 0 { scale } else { scale * scale } * a;
            let rows = weights.chunks(SHAPES[l][1]).zip(biases);
            values = rows
                .map(|(row, &b)| {
                    let terms =
                        row.iter().zip(&values).map(|(&w, x)| (f64::from(w) / 16384.0 * a).round() / a * x);
                    terms.sum::<f64>() + f64::from(b) / 16384.0
                })
                .collect();
            if l < 2 {
                values.iter_mut().for_each(|value| *value *= *value);
            }
        }
        for (score, value) in model.scores(&image).unwrap().iter().zip(values) {
            let real = *score as f64 / scale + 0.75;
            assert!((real - value).abs() < 0.02 * value.abs().max(1.0), "{real} {value}");
        }
    }

    #[test]
    fn rounding_is_to_the_nearest_halves_away_from_zero() {
        assert_eq!([-3, -2, -1, 0, 1, 2, 3].map(|n| round(n, 2)), [-2, -1, -1, 0, 1, 1, 2]);
        assert_eq!([-5, -4, 4, 5].map(|n| round(n, 3)), [-2, -1, 1, 2]);
    }

    #[test]
    fn scores_that_may_have_wrapped_are_refused() {
        assert!(within_limit(&[LIMIT; CLASSES]).is_ok() && within_limit(&[0; 9]).is_err());
        assert!(within_limit(&[0, 0, 0, 0, 0, 0, 0, 0, 0, -LIMIT - 1]).is_err());
        assert!(Model::built_in().unwrap().scores(&[0; 783]).is_err());
    }
}
