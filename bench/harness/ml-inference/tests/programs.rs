//! All programs in the order of the harness, in one process, against the twin in the clear bit by bit.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::{Path, PathBuf};

use ml_inference::encrypted::Encrypted;
use ml_inference::model::{CLASSES, PIXELS};
use ml_inference::plain::Plain;
use ml_inference::size::SIZES;
use ml_inference::{Model, Pixels, Size, Way, digit, programs};

/// Strokes on a black ground, in 15 shapes: what digits are made of.
fn image(shape: usize) -> Vec<f64> {
    let ink = |x: f64, y: f64| -> bool {
        let ring = |cx: f64, cy: f64, r: f64| ((x - cx).hypot(y - cy) - r).abs() < 1.6;
        let bar = |at: f64, along: f64, from: f64, to: f64| {
            (at - along).abs() < 1.6 && (from..to).contains(&along.max(at).min(to - 0.5))
        };
        match shape % 5 {
            0 => ring(14.0, 14.0, 6.5),
            1 => (x - 14.0).abs() < 1.6 && (5.0..23.0).contains(&y),
            2 => ring(14.0, 9.5, 3.8) || ring(14.0, 18.0, 4.4),
            3 => {
                ((y - 6.0).abs() < 1.6 && (8.0..20.0).contains(&x))
                    || ((x + y / 2.0 - 21.0).abs() < 1.6 && (6.0..23.0).contains(&y))
            }
            _ => ring(14.0, 17.5, 4.6) || bar(x, 10.5, 5.0, 12.0),
        }
    };
    let (dx, dy) = ((shape / 5) as f64 - 1.0, (shape % 3) as f64 - 1.0);
    let shade = |i: usize| 0.55 + 0.45 * ((i % 7) as f64 / 6.0);
    (0..PIXELS)
        .map(|i| if ink((i % 28) as f64 - dx, (i / 28) as f64 - dy) { shade(i) } else { 0.0 })
        .collect()
}

/// A folder as the harness lays it out, removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str, size: Size) -> Self {
        let root = std::env::temp_dir().join(format!("ml-inference-{name}-{}", std::process::id()));
        let inner = root.join("datasets").join(size.name).join("intermediate");
        fs::create_dir_all(&inner).unwrap();
        let line = |shape| {
            image(shape).iter().map(|pixel| format!("{pixel:.6}")).collect::<Vec<_>>().join(" ") + "\n"
        };
        fs::write(inner.join("test_pixels.txt"), (0..size.images).map(line).collect::<String>()).unwrap();
        Self(root)
    }

    fn io(&self, size: Size, inner: &str) -> PathBuf {
        self.0.join("io").join(size.name).join(inner)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

fn run(root: &Path, size: Size, way: &dyn Way) {
    programs::client_key_generation(root, size, way).unwrap();
    programs::server_preprocess_model().unwrap();
    programs::client_preprocess_input(root, size).unwrap();
    programs::client_encode_encrypt_input(root, size, way).unwrap();
    programs::server_encrypted_compute(root, size, way).unwrap();
    programs::client_decrypt_decode(root, size, way).unwrap();
    programs::client_postprocess(root, size).unwrap();
}

/// Scores and predictions are those of the twin, and damaged files are refused.
fn check(name: &str, size: Size, way: &dyn Way) {
    let folder = Folder::new(name, size);
    run(&folder.0, size, way);
    let text =
        fs::read_to_string(folder.0.join("datasets").join(size.name).join("intermediate/test_pixels.txt"));
    let images = Pixels::from_text(&text.unwrap(), size.images).unwrap();
    let expected = Model::built_in().unwrap().scores_of(&images).unwrap();
    let scores = fs::read_to_string(folder.io(size, "intermediate/scores.txt")).unwrap();
    let found: Vec<[i64; CLASSES]> = scores
        .lines()
        .map(|line| {
            line.split(' ').map(|score| score.parse().unwrap()).collect::<Vec<_>>().try_into().unwrap()
        })
        .collect();
    assert_eq!(found, expected);
    let digits: String = expected.iter().map(|scores| format!("{}\n", digit(scores))).collect();
    assert_eq!(fs::read_to_string(folder.io(size, "encrypted_model_predictions.txt")).unwrap(), digits);
    // Shapes that differ are told apart.
    assert!(size.images == 1 || expected.iter().any(|scores| digit(scores) != digit(&expected[0])));
    let upload = folder.io(size, "ciphertexts_upload/images.ciphertexts");
    let whole = fs::read(&upload).unwrap();
    let mut damaged = whole.clone();
    damaged[whole.len() / 2] ^= 1;
    for bytes in [&damaged[..], &whole[..whole.len() - 1], &[&whole[..], &[0]].concat()] {
        fs::write(&upload, bytes).unwrap();
        let error = programs::server_encrypted_compute(&folder.0, size, way).unwrap_err().to_string();
        assert!(error.contains("images.ciphertexts"), "{error}");
    }
    // The secret is not written over, and nobody else reads it.
    assert!(programs::client_key_generation(&folder.0, size, way).is_err());
    let mode = std::os::unix::fs::PermissionsExt::mode(
        &fs::metadata(folder.io(size, "secret_key/secret.key")).unwrap().permissions(),
    );
    assert_eq!(mode & 0o077, 0);
}

#[test]
fn plain_weights_give_the_scores_of_the_twin() {
    let way = Plain::new().unwrap();
    check("plain", SIZES[1], &way);
    // Not even a relinearization key.
    assert!(way.keys().unwrap().1.len() < 1_000);
}

#[test]
fn encrypted_weights_give_the_scores_of_the_twin() {
    check("encrypted", SIZES[0], &Encrypted::new().unwrap());
}
