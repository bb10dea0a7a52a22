//! Rings one of which contains the other, and integers that multiply ciphertexts.
//!
//! `Z[X]/(X^{kn} + 1) = ⊕_{r<k} X^r·R_n(X^k)` for `R_n = Z[Y]/(Y^n + 1)`: a polynomial of the large ring is `k` interleaved
//! ones of the small ring, coefficient `k·i + r` of the large one being coefficient `i` of the `r`-th. Under a secret `s(X^k)`
//! with `s` from the small ring the same holds for ciphertexts, without any key (Gentry, Halevi, Peikert, Smart 2013).

use he_core::ring::poly::{Coeff, Eval, Poly};
use he_core::rlwe::{Ciphertext, Parameters};

/// The `k` ciphertexts of the small ring that one of the large ring under `s(X^k)` is made of.
///
/// # Panics
/// If the dimensions do not divide or the small parameters have other primes.
pub(crate) fn split(c: &Ciphertext, small: &Parameters) -> Vec<Ciphertext> {
    let (limbs, n) = (c.limbs(), small.n());
    let k = c.params().n() / n;
    let basis = small.basis(limbs);
    assert!(basis.moduli().zip(c.parts()[0].basis().moduli()).all(|(a, b)| a.value() == b.value()));
    let parts: Vec<Poly<Coeff>> = c.parts().iter().map(|part| part.clone().into_coeff()).collect();
    let piece = |part: &Poly<Coeff>, r: usize| {
        let words: Vec<u64> = (0..limbs).flat_map(|i| part.limb(i)[r..].iter().step_by(k).copied()).collect();
        Poly::<Coeff>::from_words(basis, &words).into_eval()
    };
    (0..k)
        .map(|r| Ciphertext::new(small, c.secret_id(), parts.iter().map(|part| piece(part, r)).collect()))
        .collect()
}

/// The ciphertext of the large ring made of up to `k` ciphertexts of the small one: with `p` the power of two not below their
/// number, the `r`-th has the coefficients `(k/p)·r` modulo `k`. All of them lie in the subring of `X^{k/p}`.
///
/// # Panics
/// If there are too many or none, or they have different primes or secrets.
pub(crate) fn join(pieces: &[Ciphertext], large: &Parameters) -> Ciphertext {
    let limbs = pieces[0].limbs();
    let k = large.n() / pieces[0].params().n();
    assert!(pieces.len() <= k && pieces.iter().all(|piece| piece.limbs() == limbs), "pieces of one ring");
    let gap = k / pieces.len().next_power_of_two();
    let basis = large.basis(limbs);
    let part = |j: usize| {
        let mut words = vec![0; large.n() * limbs];
        for (r, piece) in pieces.iter().enumerate() {
            let part = piece.parts()[j].clone().into_coeff();
            for i in 0..limbs {
                let out = &mut words[i * large.n()..][..large.n()];
                out[gap * r..].iter_mut().step_by(k).zip(part.limb(i)).for_each(|(out, &x)| *out = x);
            }
        }
        Poly::<Coeff>::from_words(basis, &words).into_eval()
    };
    let secret = pieces[0].secret_id();
    assert!(pieces.iter().all(|piece| piece.secret_id() == secret), "pieces under one secret");
    Ciphertext::new(large, secret, (0..pieces[0].parts().len()).map(part).collect())
}

/// The residues of an integer modulo the primes of a polynomial.
fn residues(poly: &Poly<Eval>, factor: i128) -> Vec<u64> {
    let magnitude = factor.unsigned_abs();
    let residue = |q: &he_core::Modulus| {
        let x = q.reduce_u128(magnitude);
        if factor < 0 { q.neg(x) } else { x }
    };
    poly.basis().moduli().map(residue).collect()
}

/// The residues of an integer that is given as a float, and may be far above `2^128`.
fn residues_of_float(poly: &Poly<Eval>, factor: f64) -> Vec<u64> {
    let bits = factor.abs().max(1.0).log2() as i32 - 52;
    // Both factors are exact: the first is an integer below 2^54, the second a power of two.
    let (leading, power) =
        if bits > 0 { (factor / f64::from(bits).exp2(), bits as u64) } else { (factor, 0) };
    let leading = residues(poly, leading as i128);
    let powers = poly.basis().moduli().map(|q| q.pow(q.reduce(2), power));
    poly.basis().moduli().zip(leading).zip(powers).map(|((q, x), power)| q.mul(x, power)).collect()
}

/// `c` times a number modulo each of its primes.
fn mul_residues(c: &Ciphertext, residues: impl Fn(&Poly<Eval>) -> Vec<u64>) -> Ciphertext {
    let parts = (c.parts().iter())
        .map(|part| {
            let mut part = part.clone();
            part.mul_scalars_assign(&residues(&part));
            part
        })
        .collect();
    Ciphertext::new(c.params(), c.secret_id(), parts)
}

/// `c·factor`.
pub(crate) fn mul_wide(c: &Ciphertext, factor: i128) -> Ciphertext {
    mul_residues(c, |part| residues(part, factor))
}

/// `c·factor` for an integer that is given as a float.
pub(crate) fn mul_float(c: &Ciphertext, factor: f64) -> Ciphertext {
    mul_residues(c, |part| residues_of_float(part, factor))
}

/// `c·factor^{−1}` modulo the primes, none of which divides the factor.
pub(crate) fn div_exact(c: &Ciphertext, factor: u64) -> Ciphertext {
    mul_residues(c, |part| part.basis().moduli().map(|q| q.inv(q.reduce(factor)).unwrap_or(0)).collect())
}

/// Down to one prime by rounded divisions; the message must be at the top.
pub(crate) fn to_one_limb(c: &Ciphertext) -> Ciphertext {
    (1..c.limbs()).fold(c.clone(), |c, _| c.drop_last())
}

/// From `Q` to the larger modulus `Q'` of `limbs` primes: the phase times `Q'/Q`, modulo `Q'`.
pub(crate) fn scale_up(c: &Ciphertext, limbs: usize) -> Ciphertext {
    let (params, n, present) = (c.params(), c.params().n(), c.limbs());
    let basis = params.basis(limbs);
    let parts = (c.parts().iter())
        .map(|part| {
            // Multiples of Q'/Q are zero modulo all further primes.
            let mut words = vec![0; n * limbs];
            for (i, q) in basis.moduli().take(present).enumerate() {
                let further = basis.moduli().skip(present);
                let factor = further.fold(1, |product, p| q.mul(product, q.reduce(p.value())));
                let out = words[i * n..][..n].iter_mut();
                out.zip(part.limb(i)).for_each(|(out, &x)| *out = q.mul(x, factor));
            }
            Poly::<Eval>::from_words(basis, &words)
        })
        .collect();
    Ciphertext::new(params, c.secret_id(), parts)
}
