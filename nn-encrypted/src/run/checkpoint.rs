//! Checkpoints: a generation is two files, `client/checkpoint-S.state` and `server/checkpoint-S.state`, where `S` is
//! the number of steps done.
//!
//! Each is one sealed object, `object(run [32] | step u64 | state)`, under the hash of the plan; the client's state begins with
//! the digest that the server's half ends with. A generation is whole if both are there, undamaged, of the same run and step, and
//! of each other. Two generations are kept, the older until the newer is whole; what is resumed from is the newest that is whole,
//! so halves of different steps or of different trainings never meet.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use he_core::wire::{self, DIGEST_BYTES, Header, Reader, WireError, Writer};

use super::{RunError, RunFolder};
use crate::tag::TAG;

/// The two halves of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Half {
    /// The state of the client.
    Client,
    /// The state of the server.
    Server,
}

impl Half {
    /// Kind of the object; those of messages are below 32, and 32 was a client's half without the digest of a server's.
    fn kind(self) -> u16 {
        match self {
            Self::Client => 34,
            Self::Server => 33,
        }
    }
}

/// The identity that the checkpoints of a run share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Identity {
    /// Hash of the plan.
    pub plan: [u8; 32],
    /// Digest of the evaluation keys: new keys, new run.
    pub run: [u8; 32],
}

/// One generation.
#[derive(Debug)]
pub(super) struct Generation {
    /// Steps done.
    pub step: u64,
    /// The client's state.
    pub client: Vec<u8>,
    /// The server's state.
    pub server: Vec<u8>,
}

/// Generations that are kept.
const KEPT: usize = 2;

impl RunFolder {
    pub(super) fn checkpoint(&self, half: Half, step: u64) -> PathBuf {
        let name = format!("checkpoint-{step}.state");
        match half {
            Half::Client => self.client(&name),
            Half::Server => self.server(&name),
        }
    }

    /// Writes a generation, then removes those before the last.
    ///
    /// # Errors
    /// If it cannot be written; those before are then as they were.
    pub(super) fn write_generation(
        &self,
        identity: &Identity,
        generation: &Generation,
    ) -> Result<(), RunError> {
        let Generation { step, client, server } = generation;
        let write =
            |half, sealed: &[u8]| self.write(&self.checkpoint(half, *step), sealed, half == Half::Client);
        let server = seal(Half::Server, identity, *step, &[server]);
        write(Half::Server, &server)?;
        write(Half::Client, &seal(Half::Client, identity, *step, &[digest(&server), client]))?;
        let steps = self.generations()?;
        steps.range(..generation.step).rev().skip(KEPT - 1).try_for_each(|step| self.remove_generation(*step))
    }

    /// Removes what was written after `step`: it is damaged, or the run would go on from there.
    ///
    /// # Errors
    /// If a file cannot be removed.
    pub(super) fn remove_generations_after(&self, step: u64) -> Result<(), RunError> {
        self.generations()?.range(step + 1..).try_for_each(|step| self.remove_generation(*step))
    }

    /// The newest generation that is whole, and why those after it are not; none if the run had not come to write a
    /// first one.
    ///
    /// # Errors
    /// If there are generations and none is whole: what is wrong with the newest.
    pub(super) fn newest_generation(
        &self,
        identity: &Identity,
    ) -> Result<Option<(Generation, Vec<RunError>)>, RunError> {
        let steps = self.generations()?;
        let mut damaged = Vec::new();
        for step in steps.iter().rev() {
            match self.read_generation(identity, *step) {
                Ok(generation) => return Ok(Some((generation, damaged))),
                Err(error) => damaged.push(error),
            }
        }
        // The first generation is of step 0: as long as its second file is missing, nothing is lost.
        let only_begun = steps.iter().eq([&0]) && !self.checkpoint(Half::Client, 0).exists();
        damaged.into_iter().next().filter(|_| !only_begun).map_or(Ok(None), Err)
    }

    fn read_generation(&self, identity: &Identity, step: u64) -> Result<Generation, RunError> {
        let wrong = |half, what| RunError::File { path: self.checkpoint(half, step), what };
        let read = |half| self.read(&self.checkpoint(half, step));
        let client = read(Half::Client)?;
        let of_client =
            open(Half::Client, identity, step, &client).map_err(|what| wrong(Half::Client, what))?;
        let server = read(Half::Server)?;
        let of_server =
            open(Half::Server, identity, step, &server).map_err(|what| wrong(Half::Server, what))?;
        match of_client.split_at_checked(DIGEST_BYTES) {
            Some((needed, state)) if needed == digest(&server) => {
                Ok(Generation { step, client: state.to_vec(), server: of_server.to_vec() })
            }
            _ => {
                let beside = self.checkpoint(Half::Client, step);
                let what = format!("is not the server's half that {} was written with", beside.display());
                Err(wrong(Half::Server, what))
            }
        }
    }

    /// Steps of which there is a file at least.
    pub(super) fn generations(&self) -> Result<BTreeSet<u64>, RunError> {
        let mut steps = BTreeSet::new();
        for folder in [self.client(""), self.server("")] {
            let io = |source| RunError::Io { path: folder.clone(), source };
            let entries = match fs::read_dir(&folder) {
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
                other => other.map_err(io)?,
            };
            for entry in entries {
                steps.extend(step_of(&entry.map_err(io)?.file_name().to_string_lossy()));
            }
        }
        Ok(steps)
    }

    /// Removes all checkpoints, the newest first.
    ///
    /// # Errors
    /// If a file cannot be removed.
    pub(super) fn remove_generations(&self) -> Result<(), RunError> {
        self.generations()?.iter().rev().try_for_each(|step| self.remove_generation(*step))
    }

    fn remove_generation(&self, step: u64) -> Result<(), RunError> {
        [Half::Client, Half::Server].into_iter().try_for_each(|half| {
            let path = self.checkpoint(half, step);
            [path.with_extension("draft"), path].iter().try_for_each(|path| self.remove(path))
        })
    }
}

/// The step in a file name; drafts that were left behind count.
fn step_of(name: &str) -> Option<u64> {
    let stem = name.strip_suffix(".state").or_else(|| name.strip_suffix(".draft"))?;
    let digits = stem.strip_prefix("checkpoint-")?;
    digits.parse().ok().filter(|step: &u64| step.to_string() == digits)
}

fn header(half: Half, identity: &Identity) -> Header {
    Header { tag: TAG, kind: half.kind(), params: identity.plan }
}

fn seal(half: Half, identity: &Identity, step: u64, state: &[&[u8]]) -> Vec<u8> {
    let mut body = Writer::with_capacity(state.iter().map(|part| part.len()).sum::<usize>() + 40);
    body.bytes(&identity.run);
    body.u64(step);
    state.iter().for_each(|part| body.bytes(part));
    wire::seal(&header(half, identity), &body.finish())
}

/// The digest that a sealed object ends with.
fn digest(sealed: &[u8]) -> &[u8] {
    &sealed[sealed.len().saturating_sub(DIGEST_BYTES)..]
}

fn open<'a>(half: Half, identity: &Identity, step: u64, bytes: &'a [u8]) -> Result<&'a [u8], String> {
    let wire = |error: WireError| error.to_string();
    let mut reader = Reader::new(wire::open(bytes, &header(half, identity), bytes.len()).map_err(wire)?);
    let run: [u8; 32] = reader.array("run").map_err(wire)?;
    if run != identity.run {
        return Err("belongs to another run than the evaluation keys of this folder".into());
    }
    let found = reader.u64("step").map_err(wire)?;
    if found != step {
        return Err(format!("holds the state after step {found}, needed that after step {step}"));
    }
    reader.bytes(reader.remaining(), "state").map_err(wire)
}

#[cfg(test)]
mod tests {
    use super::*;

    const IDENTITY: Identity = Identity { plan: [1; 32], run: [2; 32] };

    /// A folder of its own for a test, removed at the end.
    struct Temporary(RunFolder);

    impl Temporary {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("nn-encrypted-{name}-{}", std::process::id()));
            let _ = fs::remove_dir_all(&path);
            Self(RunFolder::new(path))
        }

        fn write(&self, step: u64) -> Result<(), RunError> {
            let state = |half: u8| vec![half; 100 + step as usize];
            self.0.write_generation(&IDENTITY, &Generation { step, client: state(1), server: state(2) })
        }

        /// Step of the newest whole generation, and what is said of those after it.
        fn newest(&self) -> Result<Option<(u64, String)>, String> {
            let found = self.0.newest_generation(&IDENTITY).map_err(|error| error.to_string())?;
            Ok(found.map(|(generation, damaged)| {
                assert_eq!(generation.client, vec![1; 100 + generation.step as usize]);
                assert_eq!(generation.server, vec![2; 100 + generation.step as usize]);
                (generation.step, damaged.iter().map(ToString::to_string).collect())
            }))
        }

        fn damage(&self, half: Half, step: u64, change: impl Fn(&mut Vec<u8>)) {
            let path = self.0.checkpoint(half, step);
            let mut bytes = fs::read(&path).unwrap();
            change(&mut bytes);
            fs::write(path, bytes).unwrap();
        }
    }

    impl Drop for Temporary {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(self.0.root());
        }
    }

    #[test]
    fn two_generations_are_kept() {
        let folder = Temporary::new("two-generations");
        assert_eq!(folder.newest(), Ok(None));
        for step in [0, 9, 10, 100] {
            folder.write(step).unwrap();
            assert_eq!(folder.newest(), Ok(Some((step, String::new()))));
        }
        assert!(folder.0.generations().unwrap().into_iter().eq([10, 100]));
        folder.0.remove_generations().unwrap();
        assert!(folder.0.generations().unwrap().is_empty());
    }

    #[test]
    fn any_damage_falls_back_to_the_older_and_names_the_file() {
        let folder = Temporary::new("damage");
        type Change<'a> = &'a dyn Fn(&mut Vec<u8>);
        let foreign = Identity { run: [3; 32], ..IDENTITY };
        let replanned = Identity { plan: [3; 32], ..IDENTITY };
        for half in [Half::Client, Half::Server] {
            let sealed =
                |identity, step| move |bytes: &mut Vec<u8>| *bytes = seal(half, identity, step, &[&[7; 9]]);
            let changes: [(Change<'_>, &str); 7] = [
                (&|bytes| bytes.truncate(60), "truncated"),
                (&|bytes| bytes.truncate(200), "truncated"),
                (&|bytes| bytes.push(0), "followed by"),
                (&|bytes| bytes[120] ^= 4, "digest"),
                (&sealed(&foreign, 2), "another run"),
                (&sealed(&replanned, 2), "under parameters 03030303.., expected 01010101.."),
                (&sealed(&IDENTITY, 1), "after step 1, needed that after step 2"),
            ];
            for (change, word) in changes {
                folder.0.remove_generations().unwrap();
                (1..=2).for_each(|step| folder.write(step).unwrap());
                folder.damage(half, 2, change);
                let (step, said) = folder.newest().unwrap().unwrap();
                let name = folder.0.checkpoint(half, 2).display().to_string();
                assert_eq!(step, 1);
                assert!(said.contains(&name) && said.contains(word), "{said}\n  `{word}` was expected");
                folder.damage(half, 1, |bytes| bytes.truncate(9));
                let said = folder.newest().unwrap_err();
                assert!(said.contains(&name) && said.contains(word), "{said}");
            }
        }
    }

    #[test]
    fn halves_of_two_trainings_are_no_generation() {
        let folder = Temporary::new("swapped");
        (1..=2).for_each(|step| folder.write(step).unwrap());
        // Sealed for the same run and step, as a server that kept both could.
        let foreign = seal(Half::Server, &IDENTITY, 2, &[&[9; 102]]);
        folder.damage(Half::Server, 2, |bytes| bytes.clone_from(&foreign));
        let (step, said) = folder.newest().unwrap().unwrap();
        let name = folder.0.checkpoint(Half::Server, 2).display().to_string();
        assert_eq!(step, 1);
        assert!(said.contains(&name) && said.contains("is not the server's half"), "{said}");
    }

    #[test]
    fn a_half_alone_is_no_generation() {
        let folder = Temporary::new("half");
        folder.write(0).unwrap();
        fs::remove_file(folder.0.checkpoint(Half::Client, 0)).unwrap();
        assert_eq!(folder.newest(), Ok(None));
        folder.write(0).unwrap();
        fs::remove_file(folder.0.checkpoint(Half::Server, 0)).unwrap();
        assert!(folder.newest().unwrap_err().contains("server"));
        folder.write(4).unwrap();
        fs::remove_file(folder.0.checkpoint(Half::Client, 4)).unwrap();
        assert!(folder.newest().unwrap_err().contains("checkpoint-4.state"));
    }

    #[test]
    fn a_file_that_cannot_be_written_leaves_the_older_generation() {
        let folder = Temporary::new("unwritable");
        (1..=2).for_each(|step| folder.write(step).unwrap());
        for half in [Half::Server, Half::Client] {
            let path = folder.0.checkpoint(half, 3);
            fs::create_dir_all(path.join("in the way")).unwrap();
            let said = folder.write(3).unwrap_err().to_string();
            assert!(said.contains(&path.display().to_string()), "{said}");
            assert!(!path.with_extension("draft").exists());
            assert_eq!(folder.newest().unwrap().unwrap().0, 2);
            fs::remove_dir_all(path).unwrap();
        }
        folder.write(3).unwrap();
        assert_eq!(folder.newest(), Ok(Some((3, String::new()))));
    }
}
