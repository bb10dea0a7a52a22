//! Every file of the corpus through its target, without libFuzzer, and each of them damaged in many places.

use std::fs;
use std::path::Path;

type Target = (&'static str, fn(&[u8]));

const TARGETS: [Target; 12] = [
    ("envelope", he_fuzz::envelope),
    ("ciphertext", he_fuzz::ciphertext),
    ("keys", he_fuzz::keys),
    ("evaluation_keys", he_fuzz::evaluation_keys),
    ("ckks", he_fuzz::ckks),
    ("message", he_fuzz::message),
    ("run_folder", he_fuzz::run_folder),
    ("checkpoint", he_fuzz::checkpoint),
    ("recipe", he_fuzz::recipe),
    ("table", he_fuzz::table),
    ("pictures", he_fuzz::pictures),
    ("frozen", he_fuzz::frozen),
];

#[test]
fn the_corpus_passes() {
    for (name, target) in TARGETS {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(name);
        let mut files = 0;
        for entry in fs::read_dir(&folder).expect("a folder of seeds") {
            let bytes = fs::read(entry.expect("an entry").path()).expect("a seed");
            target(&bytes);
            target(&bytes[..bytes.len() / 2]);
            for at in (0..bytes.len()).step_by(bytes.len().div_ceil(200).max(1)) {
                let mut changed = bytes.clone();
                changed[at] ^= 1 << (at % 8);
                target(&changed);
            }
            files += 1;
        }
        assert!(files >= 2, "{name}");
    }
}
