//! Passphrases: from a file, or asked on the terminal without showing them.

use std::path::{Path, PathBuf};

use clap::Args;
use console::Term;
use zeroize::Zeroizing;

use crate::run::Unlock;

/// Bytes of a file with a passphrase.
const LONGEST: usize = 4096;

/// Where the passphrase of secret keys is.
#[derive(Args, Clone, Default)]
pub(super) struct PassphraseArgs {
    /// File with the passphrase of the secret keys, if they are under one; asked on the terminal without it.
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
}

impl PassphraseArgs {
    pub(super) fn unlock(&self) -> Unlock {
        match &self.passphrase_file {
            Some(path) => in_file(path),
            None => Unlock::asking(|| ask("passphrase of the secret keys: ")),
        }
    }
}

/// The first line of a file.
pub(super) fn in_file(path: &Path) -> Unlock {
    let path = path.to_owned();
    Unlock::asking(move || {
        let text = std::fs::read_to_string(&path).map(Zeroizing::new);
        let text = text.map_err(|error| format!("{}: {error}", path.display()))?;
        match text.lines().next() {
            Some(line) if !line.is_empty() && line.len() <= LONGEST => Ok(Zeroizing::new(line.to_owned())),
            _ => Err(format!("{}: a passphrase of 1 to {LONGEST} bytes is needed", path.display())),
        }
    })
}

/// A new one, asked for twice.
pub(super) fn asked_twice() -> Unlock {
    Unlock::asking(|| {
        let first = ask("new passphrase: ")?;
        if first != ask("once more: ")? {
            return Err("the two are not the same".into());
        }
        Ok(first)
    })
}

fn ask(prompt: &str) -> Result<Zeroizing<String>, String> {
    let terminal = Term::stderr();
    if !terminal.is_term() {
        return Err("no terminal to ask for a passphrase: --passphrase-file names a file with it".into());
    }
    let read = terminal.write_str(prompt).and_then(|()| terminal.read_secure_line());
    match read.map(Zeroizing::new) {
        Ok(line) if line.is_empty() => Err("a passphrase is needed".into()),
        Ok(line) => Ok(line),
        Err(error) => Err(error.to_string()),
    }
}
