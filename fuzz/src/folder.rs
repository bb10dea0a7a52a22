//! Files of a run folder.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use nn_encrypted::internals::rewrite_client_state;
use nn_encrypted::run::{RunFolder, markdown};

use crate::world::{PLAN, SESSION};

/// A folder for this process, in memory where there is such a place: every input is written to a file.
static ROOT: LazyLock<PathBuf> = LazyLock::new(|| {
    let memory = Path::new("/dev/shm");
    let base = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
    let root = base.join(format!("he-fuzz-{}", std::process::id()));
    for part in ["client", "server"] {
        fs::create_dir_all(root.join(part)).expect("a folder");
    }
    root
});

/// The first byte says which file the rest is.
pub fn run_folder(bytes: &[u8]) {
    let Some((&first, rest)) = bytes.split_first() else { return };
    let folder = RunFolder::new(&*ROOT);
    let put = |name: &str| fs::write(ROOT.join(name), rest).expect("a file");
    match first % 5 {
        0 => {
            put("report.json");
            report(&folder);
        }
        1 => {
            put("client/model.private.safetensors");
            model(&folder);
        }
        2 => {
            ["client/secret.key", "client/secret-1.key"].into_iter().for_each(put);
            let _ = folder.client_with(&PLAN, SESSION.first.clone());
        }
        3 => {
            ["server/evaluation-0.keys", "server/evaluation-1.keys"].into_iter().for_each(put);
            let _ = folder.read_evaluation_keys(&PLAN).and_then(|keys| folder.server_with(&PLAN, &keys));
        }
        _ => {
            put("recipe.toml");
            if let Ok(recipe) = folder.read_recipe() {
                folder.begin(&recipe).expect("a recipe");
                assert_eq!(folder.read_recipe().expect("what was written is read"), recipe);
            }
        }
    }
}

/// The client's half of a checkpoint, without its envelope.
pub fn checkpoint(bytes: &[u8]) {
    let rewrite = |bytes: &[u8]| rewrite_client_state(bytes, &SESSION.network, &SESSION.recipe);
    let Ok(first) = rewrite(bytes) else { return };
    assert!(rewrite(&first).expect("what was written is read") == first);
}

fn report(folder: &RunFolder) {
    let Ok(report) = folder.read_report() else { return };
    let _ = markdown(&[report]);
    let written = || {
        folder.write_report(&folder.read_report().expect("a report")).expect("a file");
        fs::read(ROOT.join("report.json")).expect("a report")
    };
    let first = written();
    assert!(first == written());
}

fn model(folder: &RunFolder) {
    let (recipe, network) = (&SESSION.recipe, &SESSION.network);
    let Ok(model) = folder.read_model(recipe, network) else { return };
    folder.write_model(&SESSION, &model).expect("a model");
    assert_eq!(folder.read_model(recipe, network).expect("what was written is read"), model);
}
