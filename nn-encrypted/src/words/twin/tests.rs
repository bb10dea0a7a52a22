use ndarray::arr2;

use super::*;
use crate::recipe::AnyRecipe;

/// One step of a 1-1-1 network, by hand.
#[test]
fn a_step_by_hand() {
    let settings = ["variant=tiny", "word_bits=16", "optimizer.learning_rate=1/2"].map(str::to_owned);
    let AnyRecipe::Words(recipe) = AnyRecipe::load("tbmpnet2021", &settings).unwrap() else { panic!("kind") };
    let layer = |w: i64, b: i64| WordLayer { weight: arr2(&[[w]]), bias: Array1::from_vec(vec![b]) };
    let model = WordModel { layers: vec![layer(2048, 512), layer(-1024, 0)] };
    let mut twin = WordTwin::new(&recipe, model);
    // x = 1/2: z = 1.5 and the table reads 1.5 + 8/1024; σ = 0.8187..., σ' = 0.1484...
    let x = arr2(&[[512]]);
    let (a, da) = twin.fixed.sigmoid(1536);
    assert_eq!((a, da), (838, 152));
    // z = -a; it reads ⌊-838/16⌋·16 + 8 = -840
    let (y, dy) = twin.fixed.sigmoid(-838);
    assert_eq!((y, dy), (313, 217));
    assert_eq!(twin.outputs(&x), arr2(&[[313]]));
    let out = ((313 - 1024) * 217_i64).div_euclid(1024); // exact: products of digits below 4^3 may take one more off
    twin.step(&x, &[1]);
    let model = twin.model();
    assert!((model.layers[1].bias[0] + out.div_euclid(2)).abs() <= 1, "{model:?}");
    let back = (-1024 * out).div_euclid(1024) * 152 / 1024;
    assert!((model.layers[0].bias[0] - 512 + back / 2).abs() <= 2, "{model:?}");
    assert_eq!(twin.wraps(), 0);
}

#[test]
fn what_wraps_is_counted() {
    let AnyRecipe::Words(recipe) = AnyRecipe::load("tbmpnet2021", &[]).unwrap() else { panic!("kind") };
    let mut model = WordModel::initial(&recipe, &[4, 4, 3]);
    model.layers[0].weight.fill(30_000);
    let mut twin = WordTwin::new(&recipe, model);
    let x = Array2::from_elem((1, 4), 1024);
    let _ = twin.outputs(&x);
    assert_eq!(twin.wraps(), 0);
    twin.step(&x, &[0]);
    assert_eq!(twin.wraps(), 4);
}
