//! Thousands of integers in one ciphertext: slot-wise arithmetic, rotations, sums, and a matrix.
//!
//! `cargo run --release -p he-bgv --example 02_simd_and_rotations`

use he_bgv::linear::Matrix;
use he_bgv::{Ciphertext, Decryptor, Encoder, Encryptor, Error, Evaluator, KeyRequest, SecretKey, Spec};

fn main() -> Result<(), Error> {
    let params = Spec::n8192().build()?;
    let level = params.max_level();
    let key = SecretKey::generate(&params)?;
    // Integers below 100, which is public: squares and sums of 128 of them stay below t/2.
    let encoder = Encoder::new(&params).with_bound(100);

    // The plaintext modulus is a prime that is 1 modulo 2N, so a plaintext is N numbers: two rows of N/2 slots.
    let slots = encoder.slots()?;
    let row = slots / 2;
    let values: Vec<i64> = (0..slots as i64).map(|i| i % 100).collect();
    println!("{slots} slots in two rows of {row}");

    // A matrix of 8 x 8, kept in the clear by the server; each row of slots holds vectors of 8 over and over.
    let rows: Vec<Vec<i64>> = (0..8).map(|i| (0..8).map(|j| (3 * i + j) % 5 - 2).collect()).collect();
    let matrix = Matrix::new(&params, &encoder, &rows, level)?;

    // Every rotation needs a key of its own; those of a sum over 128 slots are by 1, 2, 4, …, 64.
    let sums: Vec<usize> = (0..7).map(|i| 1 << i).collect();
    let request = KeyRequest::default()
        .relinearization(level)
        .rotations(&params, &[5], level)
        .rotations(&params, &sums, level)
        .rotations(&params, &matrix.rotations(), level)
        .row_swap(&params, level);
    let evaluator = Evaluator::new(&params, key.evaluation_keys(&request)?)?;
    let decryptor = Decryptor::new(&key);
    let show = |ciphertext: Ciphertext| encoder.decode(&decryptor.decrypt(&ciphertext)?);

    let x = Encryptor::with_secret(&key).encrypt(&encoder.encode(&values)?)?;

    // One operation, N results.
    let squares = show(evaluator.square(&x)?)?;
    assert!(squares.iter().zip(&values).all(|(s, v)| *s == v * v));
    println!("squares: {:?} …", &squares[..6]);

    // Rows rotate to the left, each for itself.
    let turned = show(evaluator.rotate_rows(&x, 5)?)?;
    assert!((0..slots).all(|i| turned[i] == values[i / row * row + (i % row + 5) % row]));
    println!("rotated by 5: {:?} …", &turned[..6]);

    // The two rows change places.
    let swapped = show(evaluator.swap_rows(&x)?)?;
    assert!((0..slots).all(|i| swapped[i] == values[(i + row) % slots]));

    // Seven rotations add up 128 neighbours, in every slot at once.
    let sum = show(evaluator.inner_sum(&x, 1, 128)?)?;
    assert_eq!(sum[0], values[..128].iter().sum::<i64>());
    println!("sum of the first 128 slots: {}", sum[0]);

    // A matrix times a vector that lies repeated in the slots: diagonals, baby steps and giant steps.
    let vector: Vec<i64> = (0..slots).map(|i| (i % 8) as i64 + 1).collect();
    let encrypted = Encryptor::with_secret(&key).encrypt(&encoder.encode(&vector)?)?;
    let product = show(evaluator.mul_matrix(&matrix, &encrypted)?)?;
    let expected: Vec<i64> = rows.iter().map(|r| r.iter().zip(&vector).map(|(a, b)| a * b).sum()).collect();
    assert_eq!(product[..8], expected);
    println!("matrix times vector: {expected:?}");
    Ok(())
}

#[test]
fn the_example_is_right() {
    main().expect("every step of the example");
}
