//! Recipes, data, frozen networks and networks of other programs.

use nn_encrypted::data::Separator;
use nn_encrypted::frozen::Frozen;
use nn_encrypted::internals::{CsvOptions, onnx_layers, parse_csv, parse_images, parse_labels};
use nn_encrypted::network::Network;
use nn_encrypted::recipe::Recipe;

const BUILTIN: &str = include_str!("../../nn-encrypted/recipes/hesamifard2017.toml");

/// TOML, then settings, parted by zero bytes; settings of the built-in recipe where the TOML is empty.
pub fn recipe(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let mut parts = text.split('\0');
    let toml = parts.next().filter(|toml| !toml.is_empty()).unwrap_or(BUILTIN);
    let settings: Vec<String> = parts.map(str::to_owned).collect();
    let Ok(recipe) = Recipe::from_toml(toml, "fuzz", &settings) else { return };
    let written = recipe.to_toml().expect("TOML");
    let again = Recipe::from_toml(&written, "again", &[]).expect("what was written is read");
    assert_eq!(recipe, again);
    let _ = Network::new(&recipe, 4, None, 3);
    let _ = Network::new(&recipe, 20, Some([4, 5]), 2);
}

/// CSV; the first byte says which column is the label's, whether one is left out, whether there is a header, and what
/// parts cells.
pub fn table(bytes: &[u8]) {
    let Some((&first, rest)) = bytes.split_first() else { return };
    let label = ["y", "1", "2", "3", "kind", "17"][usize::from(first) % 6].to_owned();
    let ignore = if first >= 128 { vec!["2".to_owned()] } else { vec![] };
    let separator = (first & 32 != 0).then_some(Separator::Blanks);
    let options =
        CsvOptions { label, ignore, no_header: first & 64 != 0, separator, ..CsvOptions::default() };
    let Ok((x, classes)) = parse_csv(rest, "fuzz.csv", &options) else { return };
    assert_eq!(x.nrows(), classes.len());
    assert!(x.iter().all(|x| x.is_finite()));
    assert!(classes.iter().any(|class| *class != classes[0]));
    let label = (x.ncols() + 1).to_string();
    let (no_header, separator) = (true, Some(Separator::Comma));
    let options = CsvOptions { label, no_header, separator, ..CsvOptions::default() };
    let written = written(&x, &classes);
    let again = parse_csv(&written[..], "again.csv", &options).expect("what was written is read");
    assert_eq!(again, (x, classes));
}

/// The table as CSV without a header, the class last.
fn written(x: &ndarray::Array2<f64>, classes: &[String]) -> Vec<u8> {
    let mut writer = csv::Writer::from_writer(vec![]);
    for (row, class) in x.rows().into_iter().zip(classes) {
        let cells = row.iter().map(|x| format!("{x:?}")).chain([class.clone()]);
        writer.write_record(cells).expect("a record");
    }
    writer.into_inner().expect("CSV")
}

/// IDX: images and labels, plain or gzip.
pub fn pictures(bytes: &[u8]) {
    let plain = !bytes.starts_with(&[0x1f, 0x8b]);
    let number = |n: usize| u32::try_from(n).expect("32 bits").to_be_bytes();
    if let Ok(images) = parse_images(bytes, "fuzz") {
        let header = [[0, 0, 8, 3], number(images.count), number(images.rows), number(images.columns)];
        let again = [header.as_flattened(), &images.pixels].concat();
        assert!(!plain || again == bytes);
        assert_eq!(parse_images(&again, "again").expect("what was written is read"), images);
    }
    if let Ok(labels) = parse_labels(bytes, "fuzz") {
        let long = labels.iter().any(|label| *label > 255) || bytes.get(2) == Some(&11);
        let values: Vec<u8> = match long {
            true => labels.iter().flat_map(|label| label.to_be_bytes()).collect(),
            false => labels.iter().map(|&label| u8::try_from(label).expect("a byte")).collect(),
        };
        let magic = [0, 0, if long { 11 } else { 8 }, 1];
        let again = [[magic, number(labels.len())].as_flattened(), &values].concat();
        assert!(!plain || again == bytes);
        assert_eq!(parse_labels(&again, "again").expect("what was written is read"), labels);
    }
}

/// Frozen networks.
pub fn frozen(bytes: &[u8]) {
    let Ok(network) = Frozen::from_bytes(bytes, "fuzz") else { return };
    let again = network.to_bytes().expect("safetensors");
    assert_eq!(Frozen::from_bytes(&again, "again").expect("what was written is read"), network);
}

/// ONNX files.
pub fn onnx(bytes: &[u8]) {
    if let Ok(layers) = onnx_layers(bytes) {
        assert!(layers > 0, "a network has layers");
    }
}
