//! Every file of the corpus through its target, without libFuzzer, and each of them damaged in many places.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// Bytes of all corpora.
const LARGEST_CORPORA: u64 = 2_000_000;

type Target = (&'static str, fn(&[u8]));

const TARGETS: [Target; 21] = [
    ("envelope", he_fuzz::envelope),
    ("ciphertext", he_fuzz::ciphertext),
    ("keys", he_fuzz::keys),
    ("evaluation_keys", he_fuzz::evaluation_keys),
    ("bfv", he_fuzz::bfv),
    ("ckks", he_fuzz::ckks),
    ("tfhe", he_fuzz::tfhe),
    ("yashe", he_fuzz::yashe),
    ("bridge", he_fuzz::bridge),
    ("bgv_bootstrap", he_fuzz::bgv_bootstrap),
    ("message", he_fuzz::message),
    ("recipes", he_fuzz::recipes),
    ("run_folder", he_fuzz::run_folder),
    ("checkpoint", he_fuzz::checkpoint),
    ("recipe", he_fuzz::recipe),
    ("table", he_fuzz::table),
    ("pictures", he_fuzz::pictures),
    ("frozen", he_fuzz::frozen),
    ("onnx", he_fuzz::onnx),
    ("job", he_fuzz::job),
    ("requests", he_fuzz::requests),
];

fn names(folder: &str, ending: &str) -> BTreeSet<String> {
    let entries = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)).expect("a folder");
    let name = |entry: std::io::Result<fs::DirEntry>| {
        entry.expect("an entry").file_name().to_string_lossy().trim_end_matches(ending).to_owned()
    };
    entries.map(name).collect()
}

#[test]
fn every_target_has_a_corpus_and_all_are_small() {
    let here: BTreeSet<String> = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(here, names("fuzz_targets", ".rs"));
    let mut bytes = 0;
    for name in &here {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(name);
        let files = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{name}: {error}"));
        // What a run of libFuzzer leaves besides is not kept.
        let kept = files.map(|entry| entry.expect("an entry")).filter(|entry| {
            let name = entry.file_name().to_string_lossy().into_owned();
            name.starts_with("seed-") || name.starts_with("found-")
        });
        bytes += kept.map(|entry| entry.metadata().expect("a file").len()).sum::<u64>();
    }
    assert!(bytes <= LARGEST_CORPORA, "{bytes} bytes, at most {LARGEST_CORPORA}");
}

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
