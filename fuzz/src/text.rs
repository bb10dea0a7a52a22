//! Recipes, data and frozen networks.

use nn_encrypted::data::{Dataset, Separator};
use nn_encrypted::frozen::Frozen;
use nn_encrypted::internals::{CsvOptions, parse_csv, parse_images, parse_labels};
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
    let separator = if first & 32 == 0 { Separator::Comma } else { Separator::Blanks };
    let options = CsvOptions { label, ignore, no_header: first & 64 != 0, separator };
    let Ok(data) = parse_csv(rest, "fuzz.csv", "fuzz", &options) else { return };
    assert_eq!(data.x.dim(), (data.labels.len(), data.features.len()));
    assert!(data.x.iter().all(|x| x.is_finite()));
    assert!(data.classes.len() >= 2 && data.labels.iter().all(|&label| label < data.classes.len()));
    let label = (data.features.len() + 1).to_string();
    let options = CsvOptions { label, no_header: true, ..CsvOptions::default() };
    let again = parse_csv(&written(&data)[..], "again.csv", "again", &options);
    let again = again.expect("what was written is read");
    assert_eq!((again.x, again.labels, again.classes), (data.x, data.labels, data.classes));
}

/// The table as CSV without a header, the class last.
fn written(data: &Dataset) -> Vec<u8> {
    let mut writer = csv::Writer::from_writer(vec![]);
    for (row, &label) in data.x.rows().into_iter().zip(&data.labels) {
        let cells = row.iter().map(|x| format!("{x:?}")).chain([data.classes[label].clone()]);
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
        let again = [[[0, 0, 8, 1], number(labels.len())].as_flattened(), &labels].concat();
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
