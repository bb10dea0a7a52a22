use proptest::prelude::*;

use super::*;

const HASH: [u8; 32] = [7; 32];
const MOMENT: Moment = Moment { number: 3, round: 2 };

/// Two tensors: one in two parts of a ciphertext an image, one of another engine in a part of three.
fn expected(rows: usize) -> Vec<Expected> {
    vec![
        Part {
            tensor: Tensor::Sum(1),
            engine: 0,
            parts: WireSize { parts: 2, pieces: rows, fresh: 5, computed: 5 },
        },
        Part {
            tensor: Tensor::NewWeights,
            engine: 1,
            parts: WireSize { parts: 1, pieces: 3, fresh: 4, computed: 4 },
        },
    ]
}

fn outgoing(rows: usize) -> Vec<Outgoing> {
    let piece = |length: usize, seed: usize| (0..length).map(|i| (seed + i) as u8).collect::<Vec<_>>();
    let part = |part: usize| (0..rows).map(|row| piece(5, 10 * part + row)).collect();
    vec![
        Part { tensor: Tensor::Sum(1), engine: 0, parts: vec![part(0), part(1)] },
        Part {
            tensor: Tensor::NewWeights,
            engine: 1,
            parts: vec![vec![piece(4, 1), piece(0, 2), piece(3, 3)]],
        },
    ]
}

fn sealed(rows: usize) -> Vec<u8> {
    seal(&HASH, Purpose::Request, MOMENT, rows, &outgoing(rows))
}

fn due(tensors: &dyn Fn(usize) -> Vec<Expected>) -> Due<'_> {
    Due { hash: &HASH, purpose: Purpose::Request, moment: MOMENT, rows: Rows::UpTo(4), tensors }
}

fn refused(due: &Due<'_>, bytes: Vec<u8>) -> MessageError {
    match open(due, bytes) {
        Ok(_) => panic!("it was opened"),
        Err(error) => error,
    }
}

proptest! {
    #[test]
    fn what_is_sealed_is_opened(rows in 1..5_usize) {
        let opened = open(&due(&expected), sealed(rows)).unwrap();
        prop_assert_eq!(opened.rows, rows);
        for (found, sent) in opened.tensors.iter().zip(outgoing(rows)) {
            prop_assert_eq!((found.tensor, found.engine), (sent.tensor, sent.engine));
            let found: Vec<Vec<Vec<u8>>> = (found.parts.iter())
                .map(|part| part.all().into_iter().map(<[u8]>::to_vec).collect())
                .collect();
            prop_assert_eq!(found, sent.parts);
        }
    }

    #[test]
    fn what_is_cut_or_altered_is_refused(rows in 1..5_usize, place in any::<prop::sample::Index>(), bit in 0..8) {
        let whole = sealed(rows);
        let place = place.index(whole.len());
        open(&due(&expected), whole[..place].to_vec()).err().unwrap();
        let mut altered = whole.clone();
        altered[place] ^= 1_u8 << bit;
        open(&due(&expected), altered).err().unwrap();
        let mut longer = whole;
        longer.push(0);
        open(&due(&expected), longer).err().unwrap();
    }

    /// With a digest that fits, as anybody can make one.
    #[test]
    fn a_body_of_anything_is_refused_or_has_the_shape_of_the_plan(
        place in any::<prop::sample::Index>(),
        byte in any::<u8>(),
        cut in 0..30_usize,
    ) {
        let whole = sealed(2);
        let mut body = whole[HEADER_BYTES..whole.len() - DIGEST_BYTES].to_vec();
        let place = place.index(body.len());
        body[place] = byte;
        body.truncate(body.len() - cut);
        let forged = wire::seal(&header(&HASH, Purpose::Request), &body);
        if let Ok(opened) = open(&due(&expected), forged) {
            for (found, expected) in opened.tensors.iter().zip(expected(opened.rows)) {
                prop_assert_eq!(found.parts.len(), expected.parts.parts);
                for part in &found.parts {
                    prop_assert_eq!(part.len(), expected.parts.pieces);
                    prop_assert!(part.all().iter().all(|piece| piece.len() <= expected.parts.most()));
                }
            }
        }
    }
}

#[test]
fn what_is_foreign_is_refused_and_named() {
    let usual = due(&expected);
    let foreign = refused(&Due { hash: &[8; 32], ..due(&expected) }, sealed(2));
    assert!(matches!(foreign, MessageError::Wire { source: WireError::Parameters { .. }, .. }), "{foreign}");
    let purpose = refused(&Due { purpose: Purpose::QueryRequest, ..due(&expected) }, sealed(2));
    assert!(matches!(purpose, MessageError::Wire { source: WireError::Kind { .. }, .. }), "{purpose}");
    for moment in [Moment { number: 4, ..MOMENT }, Moment { round: 1, ..MOMENT }] {
        let replayed = refused(&Due { moment, ..due(&expected) }, sealed(2));
        assert!(matches!(replayed, MessageError::Moment { found_step: 3, found_round: 2, .. }), "{replayed}");
    }
    for rows in [Rows::Exactly(3), Rows::UpTo(1)] {
        let error = refused(&Due { rows, ..due(&expected) }, sealed(2));
        let size = matches!(error, MessageError::Rows { found: 2, .. });
        assert!(
            size || matches!(error, MessageError::Wire { source: WireError::TooLarge { .. }, .. }),
            "{error}"
        );
    }
    let text = refused(&Due { rows: Rows::Exactly(3), ..due(&expected) }, sealed(2)).to_string();
    assert_eq!(text, "refresh request is for 2 images: expected 3");
    open(&usual, sealed(2)).unwrap();
}

/// A tensor that is not the plan's, and where it differs.
#[test]
fn other_tensors_are_refused_and_named() {
    let change = |at: usize, change: fn(&mut Expected)| {
        move |rows: usize| {
            let mut all = expected(rows);
            change(&mut all[at]);
            all
        }
    };
    for (tensors, text) in [
        (
            change(0, |t| t.tensor = Tensor::Sum(0)),
            "tensor 6 of layer 1 and engine 0, expected layer 1 pre-activation as computed of engine 0",
        ),
        (
            change(1, |t| t.engine = 2),
            "tensor 16 of layer 0 and engine 1, expected weights as computed of engine 2",
        ),
        (change(0, |t| t.parts = WireSize { parts: 1, fresh: 50, ..t.parts }), "3 parts, expected 2"),
        (change(1, |t| t.parts.pieces = 4), "3 ciphertexts, expected 4"),
    ] {
        let error = refused(&due(&tensors), sealed(2)).to_string();
        assert_eq!(error, format!("refresh request: {text}"));
    }
    let small = change(0, |t| (t.parts.fresh, t.parts.computed) = (4, 4));
    let error = refused(&Due { rows: Rows::UpTo(3), ..due(&small) }, sealed(2));
    assert!(
        matches!(error, MessageError::Wire { source: WireError::TooLarge { what: "ciphertext", .. }, .. }),
        "{error}"
    );
}

#[test]
fn a_length_beyond_the_plans_is_refused_before_anything_is_hashed() {
    let mut long = sealed(4);
    let at = HEADER_BYTES - 8;
    long[at..HEADER_BYTES].copy_from_slice(&u64::MAX.to_le_bytes());
    let error = refused(&due(&expected), long);
    assert!(matches!(error, MessageError::Wire { source: WireError::TooLarge { .. }, .. }), "{error}");
    let one = |rows: usize| expected(rows)[..1].to_vec();
    let error = refused(&due(&one), sealed(4));
    assert!(matches!(error, MessageError::Wire { source: WireError::TooLarge { .. }, .. }), "{error}");
}
