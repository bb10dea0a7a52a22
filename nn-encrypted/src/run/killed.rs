//! Runs of every recipe that are killed at random moments, in rings without security where there are small ones: resumed, they end as
//! one that was left alone. The seed of the moments is printed, and `RESUME_SEED=N` repeats them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rand_core::Rng;

use super::{Options, Report, Resumption, RunFolder, Session, resume, train_session};
use crate::data::random::{Purpose, stream};
use crate::recipe::Recipe;

/// How a resumed run ends.
#[derive(Clone, Copy)]
enum End {
    /// With the same model, bit for bit.
    Same,
    /// With a model that other noise moved by so much at most.
    Near(f64),
    /// With the twin's model, bit for bit: tables were looked up by other phases than in a run that was left alone.
    Twin,
}

/// A short run.
struct Case {
    recipe: &'static str,
    settings: &'static [&'static str],
    /// Of rings of CKKS.
    steps: usize,
    end: End,
}

const CASES: [Case; 8] = [
    Case {
        recipe: "hesamifard2017",
        settings: &["data.set=iris", "variant=iris", "parameters.ring_dimension=8192"],
        steps: 10,
        end: End::Same,
    },
    Case {
        recipe: "ckks_sgd",
        settings: &["layers.1.out_features=16", "optimizer.batch_size=16", "data.test=16"],
        steps: 8,
        end: End::Near(1e-5),
    },
    Case { recipe: "onoufriou2021", settings: &["optimizer.batch_size=20"], steps: 20, end: End::Near(1e-5) },
    Case {
        recipe: "glyph2020",
        settings: &["variant=tiny", "optimizer.batch_size=4"],
        steps: 4,
        end: End::Twin,
    },
    Case {
        recipe: "glyph2020",
        settings: &["variant=tiny", "layers.1.scheme=ckks", "optimizer.batch_size=4"],
        steps: 4,
        end: End::Near(1.0 / 256.0),
    },
    Case {
        recipe: "nandakumar2019",
        settings: &["variant=tiny", "optimizer.batch_size=4", "optimizer.learning_rate=1/2", "data.test=8"],
        steps: 3,
        end: End::Same,
    },
    // The one step that there is.
    Case { recipe: "ghimes2018", settings: &["variant=iris"], steps: 1, end: End::Same },
    Case {
        recipe: "tbmpnet2021",
        settings: &[
            "variant=tiny",
            "numbers.word_bits=8",
            "optimizer.learning_rate=1",
            "optimizer.batch_size=1",
        ],
        steps: 4,
        end: End::Same,
    },
];

/// Tells the process that is killed which run is its own.
const CASE: &str = "NN_ENCRYPTED_KILLED_CASE";
/// Tells it where.
const OUT: &str = "NN_ENCRYPTED_KILLED_OUT";

impl Case {
    fn settings(&self) -> Vec<String> {
        self.settings.iter().map(ToString::to_string).collect()
    }

    fn session(&self) -> Session {
        let recipe = Recipe::load(self.recipe, &self.settings()).unwrap();
        Session::new(recipe, None).unwrap().insecure_small("a test").unwrap()
    }

    /// What the process that may be killed does: as `train --resume`, with a checkpoint after each step.
    fn run(&self, out: PathBuf) {
        let options = Options {
            steps: Some(self.steps),
            out: Some(out),
            quiet: true,
            checkpoint_every: Some(Duration::ZERO),
            ..Options::default()
        };
        if let Resumption::Unfinished(_, options) =
            resume(Some(self.recipe), &self.settings(), options).unwrap()
        {
            train_session(&self.session(), &options, Instant::now()).unwrap();
        }
    }

    /// That two runs ended alike.
    fn compare(&self, session: &Session, [whole, parts]: [&Path; 2]) {
        let report = |path| -> Report { RunFolder::new(path).read_report().unwrap() };
        let (a, b) = (report(whole), report(parts));
        assert_eq!((a.steps, b.steps), (self.steps as u64, self.steps as u64));
        assert_eq!((a.twin.equal, b.twin.equal), (Some(true), Some(true)));
        assert_eq!(a.traffic.rounds, b.traffic.rounds);
        assert_eq!((a.traffic.out_of_bounds, b.traffic.out_of_bounds), (0, 0));
        let timings = fs::read_to_string(parts.join("timings.csv")).unwrap();
        assert_eq!(timings.lines().count(), 1 + self.steps, "a line for each step, whatever ran it");
        let server = fs::read_dir(parts.join("server")).unwrap().flatten();
        let left = server.filter(|entry| entry.file_name().to_string_lossy().starts_with("checkpoint"));
        assert_eq!(left.count(), 0, "checkpoints of a finished run");
        let model = |path| RunFolder::new(path).read_model(&session.recipe, &session.network).unwrap();
        let apart = model(whole).distance(&model(parts));
        println!("{}: apart by {apart:.1e}", self.recipe);
        match self.end {
            End::Same => assert_eq!(apart, 0.0),
            End::Near(most) => assert!(apart <= most, "{apart}"),
            End::Twin => {}
        }
    }
}

/// The process that is killed: this very test, in the environment that the others give it.
#[test]
#[ignore = "a process that other tests start and kill"]
fn process() {
    let (Ok(case), Ok(out)) = (std::env::var(CASE), std::env::var(OUT)) else { return };
    CASES[case.parse::<usize>().unwrap()].run(out.into());
}

fn spawn(case: usize, out: &Path) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "run::killed::process", "--ignored", "--test-threads=1", "--nocapture"]);
    command.env(CASE, case.to_string()).env(OUT, out);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
}

/// To the end, and how long that takes.
fn finish(case: usize, out: &Path) -> Duration {
    let start = Instant::now();
    let output = spawn(case, out).wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    start.elapsed()
}

/// Kills runs of a case at so many random moments.
fn kill(number: usize, moments: usize) {
    let (case, root) = (&CASES[number], std::env::temp_dir());
    let root = root.join(format!("nn-encrypted-killed-{number}-{moments}-{}", std::process::id()));
    let _ = fs::remove_dir_all(&root);
    let _removed = Removed(root.clone());
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos() as u64;
    let seed = std::env::var("RESUME_SEED").map_or(now, |seed| seed.parse().unwrap());
    let mut rng = stream(seed, Purpose::Order(number as u64));
    let whole = finish(number, &root.join("whole"));
    println!("{}: RESUME_SEED={seed}, a whole run takes {whole:.1?}", case.recipe);
    let path = |run: usize| root.join(format!("killed-{run}"));
    let (mut kills, mut runs) = (0, 0);
    while kills < moments {
        let mut child = spawn(number, &path(runs));
        std::thread::sleep(whole.mul_f64(rng.next_u64() as f64 / u64::MAX as f64));
        let ended = child.try_wait().unwrap();
        child.kill().unwrap();
        let output = child.wait_with_output().unwrap();
        match ended {
            Some(status) => {
                assert!(status.success(), "{}", String::from_utf8_lossy(&output.stderr));
                runs += 1;
            }
            None => kills += 1,
        }
    }
    finish(number, &path(runs));
    let session = case.session();
    (0..=runs).for_each(|run| case.compare(&session, [&root.join("whole"), &path(run)]));
}

/// A folder that is removed at the end.
struct Removed(PathBuf);

impl Drop for Removed {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn killed_twice_a_run_of_every_recipe_ends_as_it_would_have() {
    (0..CASES.len()).for_each(|case| kill(case, 2));
}

#[test]
#[ignore = "ten moments for each recipe: minutes"]
fn killed_at_ten_moments_a_run_of_every_recipe_ends_as_it_would_have() {
    (0..CASES.len()).for_each(|case| kill(case, 10));
}
