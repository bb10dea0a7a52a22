//! An owner of keys, an owner of rows, and a server between them.

use ureq::http::Method;

use super::hostile::{Asker, check, digest};
use super::*;
use crate::net::names::Id;
use crate::recipe::Recipe;
use crate::roles::Client;
use crate::run::{JobFile, KeygenOptions, RowShape, RunFolder, Unlock, keygen, train_with};

/// Recipes whose mini-batches others encrypt: in BGV, CKKS and TFHE.
const PUBLIC: [&str; 3] = ["bgv", "ckks", "digits"];

fn small(name: &str) -> &'static Small {
    ALL.iter().find(|small| small.name == name).unwrap()
}

fn recipe(small: &Small, more: &[&str]) -> Recipe {
    let more = more.iter().map(ToString::to_string);
    let settings: Vec<String> = small.settings().into_iter().chain(more).collect();
    Recipe::load(small.recipe, &settings).unwrap()
}

/// Keys of a recipe in a folder.
fn keys(recipe: &Recipe, out: &Path, shape: Option<RowShape>) -> Result<JobFile, RunError> {
    let (out, insecure_small) = (out.to_owned(), Some(REASON.into()));
    keygen(recipe.clone(), &KeygenOptions { out, shape, insecure_small, ..KeygenOptions::default() })
}

/// An owner of data as a server knows it.
fn uploads(served: &Served, job: &str) -> Place {
    let token_file = served.root.join(format!("{job}.upload"));
    let token = Tokens::new(&served.root).issue_for_upload("owner", None, job).unwrap();
    std::fs::write(&token_file, &**token).unwrap();
    Place { token_file: Some(token_file), ..served.place("nobody") }
}

/// Uploads a data set with what is in the folder of keys, but for what is secret.
fn upload(place: &Place, keys: &Path, set: &str) -> Result<[usize; 2], RunError> {
    let job = JobFile::read(&keys.join("job.toml"))?;
    let public = std::fs::read(keys.join("public.key")).unwrap();
    elsewhere(place).upload(&job, &public, (set, None), |_, _| {})
}

fn train(small: &Small, recipe: &Recipe, place: &Place, out: &Path) -> Result<Outcome, RunError> {
    train_with(recipe.clone(), &small.options(out), &elsewhere(place))
}

#[test]
fn rows_of_others_are_trained_on_as_own_ones() {
    let (server, runs) = (Folder::new("server"), Folder::new("owners"));
    let served = Served::plain(server.path(), limits());
    let place = served.place("owner");
    for small in PUBLIC.map(small) {
        let (name, recipe) = (small.name, recipe(small, &["encryption=public"]));
        let out = runs.path().join(name);
        let job = keys(&recipe, &out, None).unwrap();
        assert_eq!(elsewhere(&place).create_job(&RunFolder::new(&out)).unwrap(), job.job);
        // Once more is no harm.
        elsewhere(&place).create_job(&RunFolder::new(&out)).unwrap();
        let owner = uploads(&served, &job.job);
        let set = recipe.data.set.clone();
        assert_eq!(upload(&owner, &out, &set).unwrap(), [job.batches, 0], "{name}");
        assert_eq!(upload(&owner, &out, &set).unwrap(), [0, job.batches], "{name}");
        let there = train(small, &recipe, &place, &out).unwrap();
        let session = Session::new(recipe, None).unwrap().insecure_small(REASON).unwrap();
        let here = small.here(&session, &runs.path().join(format!("{name}-here")));
        let apart = here.model.distance(&there.model);
        println!("{name}: apart by {apart:.1e}");
        match small.near {
            Near::Same => assert_eq!(here.model, there.model, "{name}"),
            Near::Twin => {
                assert!(apart <= 2.0 * session.tolerance().unwrap().unwrap().weights, "{name}: {apart}");
            }
        }
        for report in [&here.report, &there.report] {
            assert_eq!((report.twin.equal, report.traffic.out_of_bounds), (Some(true), 0), "{name}");
        }
        // What is on the server was not sent again: the weights alone were.
        let plan = session.plan().unwrap();
        let [model, _] = crate::roles::traffic::model_bytes(&plan);
        assert_eq!(there.report.traffic.data_bytes, model, "{name}");
        assert!(here.report.traffic.data_bytes > model, "{name}");
        // The same job, and the same keys.
        assert!(elsewhere(&place).jobs().unwrap().iter().any(|line| line.starts_with(&job.job)));
        assert_eq!(
            std::fs::read_dir(&out).unwrap().flatten().filter(|e| e.file_name() == "client-1").count(),
            0
        );
    }
    assert_eq!(elsewhere(&place).jobs().unwrap().len(), PUBLIC.len());
}

/// Whoever trains has no rows: only their number, and what the model becomes.
#[test]
fn rows_that_whoever_trains_never_sees() {
    let (server, runs) = (Folder::new("server"), Folder::new("elsewhere"));
    let served = Served::plain(server.path(), limits());
    let (place, small) = (served.place("owner"), small("bgv"));
    let affine = "data.normalize={method='affine',divisor=4.0,center=1.0,limit=1.0}";
    let recipe = recipe(small, &["encryption=public", affine]);
    let shape: RowShape = "4,3,150".parse().unwrap();
    let out = runs.path().join("keys");
    let job = keys(&recipe, &out, Some(shape)).unwrap();
    assert_eq!((job.batches, job.intake.rows, job.is_elsewhere()), (10, 150, true));
    elsewhere(&place).create_job(&RunFolder::new(&out)).unwrap();
    // Nothing is trained on what is not there.
    let missing = train(small, &job.recipe, &place, &out).unwrap_err().to_string();
    assert!(missing.contains("is not on the server: the owner of its rows uploads it"), "{missing}");
    assert_eq!(upload(&uploads(&served, &job.job), &out, "iris").unwrap(), [10, 0]);
    small.resume_owner(&place, &out);
    let report = RunFolder::new(&out).read_report().unwrap();
    assert_eq!((report.steps, report.twin.equal, report.accuracy.test), (small.steps as u64, None, None));
    assert_eq!((report.traffic.out_of_bounds, report.prediction.is_none()), (0, true));
    // The twin of the rows' owner has the same weights, bit for bit.
    let session = job.session_of_owner("iris", None).unwrap();
    let mut twin = session.twin(session.first.clone()).unwrap();
    for batch in session.batches.schedule(0).take(small.steps) {
        let (x, targets) = session.batch(batch).unwrap();
        twin.step(&x, &targets).unwrap();
    }
    let model = RunFolder::new(&out).read_model(&session.recipe, &session.network).unwrap();
    assert_eq!(&model, twin.model());
}

impl Small {
    /// Goes on with a run in a folder of keys.
    fn resume_owner(&self, place: &Place, out: &Path) {
        let Resumption::Unfinished(recipe, options) = resume(None, &[], self.options(out)).unwrap() else {
            panic!("it was not finished");
        };
        train_with(*recipe, &options, &elsewhere(place)).unwrap();
    }
}

#[test]
fn what_keys_are_not_for() {
    let runs = Folder::new("keys");
    let (small, out) = (small("bgv"), runs.path().join("keys"));
    let own = recipe(small, &["encryption=public"]);
    let job = keys(&own, &out, None).unwrap();
    assert_eq!(JobFile::read(&out.join("job.toml")).unwrap(), job);
    let text = std::fs::read_to_string(out.join("job.toml")).unwrap();
    // Every default is written out, and no statistic is left to be learnt.
    for word in ["nesterov", "target_smoothing", "backward", "encryption = \"public\"", "maps"] {
        assert!(text.contains(word) || word == "target_smoothing", "{word}");
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(out.join("client/secret.key")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    let said = |error: RunError| {
        assert!(error.is_input(), "{error}");
        error.to_string()
    };
    let again = said(keys(&own, &out, None).unwrap_err());
    assert!(again.contains("never replaced"), "{again}");
    // Another recipe, other data.
    for settings in [
        &["encryption=public", "optimizer.momentum=0"][..],
        &["encryption=secret"],
        &["encryption=public", "data.test=20"],
    ] {
        let other = recipe(small, settings);
        let refused = said(train_with(other, &small.options(&out), &Here).map(drop).unwrap_err());
        let word = if settings.len() > 1 && settings[1].starts_with("data") {
            "is for 120 rows in 8 mini-batches"
        } else {
            "is for plan"
        };
        assert!(refused.contains(&format!("job.toml: {word}")), "{settings:?}: {refused}");
    }
    let simulate = Options { mode: crate::run::Mode::Simulate, ..small.options(&out) };
    let refused = said(train_with(own.clone(), &simulate, &Here).map(drop).unwrap_err());
    assert!(refused.contains("keys for an encrypted training"), "{refused}");
    // Evaluation keys of others.
    let foreign = runs.path().join("foreign");
    keys(&own, &foreign, None).unwrap();
    let (place, kept) = (out.join("server/evaluation-0.keys"), foreign.join("server/evaluation-0.keys"));
    let bytes = std::fs::read(&place).unwrap();
    std::fs::copy(&kept, &place).unwrap();
    let refused = said(train_with(own.clone(), &small.options(&out), &Here).map(drop).unwrap_err());
    assert!(refused.contains("other keys than those in server/"), "{refused}");
    std::fs::write(&place, bytes).unwrap();
}

#[test]
fn keys_made_before_are_used_once_and_put_aside_and_never_replaced() {
    let runs = Folder::new("aside");
    let (small, out) = (small("bgv"), runs.path().join("keys"));
    let own = recipe(small, &["encryption=public"]);
    keys(&own, &out, None).unwrap();
    // With a server in this process, too.
    let secret = std::fs::read(out.join("client/secret.key")).unwrap();
    let first = train_with(own.clone(), &small.options(&out), &Here).unwrap();
    assert_eq!(first.report.twin.equal, Some(true));
    assert_eq!(std::fs::read(out.join("client/secret.key")).unwrap(), secret);
    let overwrite = Options { overwrite: true, ..small.options(&out) };
    let session = Session::new(own, None).unwrap().insecure_small(REASON).unwrap();
    train_session_with(&session, &overwrite, &Here, Instant::now()).unwrap();
    assert_eq!(std::fs::read(out.join("client-1/secret.key")).unwrap(), secret);
    assert!(out.join("client-1/job.toml").exists() && !out.join("job.toml").exists());
    assert_ne!(std::fs::read(out.join("client/secret.key")).unwrap(), secret);
}

#[test]
fn shapes_without_rows_leave_nothing_to_be_learnt() {
    let runs = Folder::new("shapes");
    let small = small("bgv");
    let shape = |text: &str| text.parse::<RowShape>();
    assert_eq!(shape("8x8,10,1437").unwrap().features, 64);
    for text in ["", "4,3", "4,3,0", "4,3,150,1", "x,3,150", "4x,3,150", "-4,3,150"] {
        assert!(shape(text).is_err(), "{text}");
    }
    let affine = "data.normalize={method='affine',divisor=4.0,center=1.0,limit=1.0}";
    let cases: [(&[&str], &str, &str); 5] = [
        (&[affine], "4,3,150", "encryption = \"public\""),
        (&["encryption=public"], "4,3,150", "learns from the rows"),
        (&["encryption=public", affine, "data.balance=resample"], "4,3,150", "data.balance"),
        (&["encryption=public", affine], "4,1,150", "measured values"),
        (&["encryption=public", affine], "4,3,15", "optimizer.batch_size"),
    ];
    for (settings, rows, word) in cases {
        let refused = keys(&recipe(small, settings), &runs.path().join("x"), Some(shape(rows).unwrap()));
        let refused = refused.unwrap_err().to_string();
        assert!(refused.contains(word), "{settings:?}: {refused}");
        assert!(!runs.path().join("x/client/secret.key").exists());
    }
}

/// Two jobs of one owner, and an owner of data of the first.
struct Two {
    runs: Folder,
    _server: Folder,
    served: Served,
    recipe: Recipe,
    jobs: [JobFile; 2],
    owner: Place,
}

impl Two {
    fn new() -> Self {
        let (server, runs) = (Folder::new("server"), Folder::new("foreign"));
        let served = Served::plain(server.path(), limits());
        let recipe = recipe(small("bgv"), &["encryption=public"]);
        let jobs = [0, 1].map(|place| {
            let out = runs.path().join(place.to_string());
            let job = keys(&recipe, &out, None).unwrap();
            elsewhere(&served.place("owner")).create_job(&RunFolder::new(&out)).unwrap();
            job
        });
        let owner = uploads(&served, &jobs[0].job);
        Self { runs, _server: server, served, recipe, jobs, owner }
    }

    fn out(&self, place: usize) -> PathBuf {
        self.runs.path().join(place.to_string())
    }

    /// Why an upload to a job under the public key of a folder is refused.
    fn refused(&self, job: &JobFile, keys: usize, set: &str) -> String {
        let public = std::fs::read(self.out(keys).join("public.key")).unwrap();
        let said = elsewhere(&self.owner).upload(job, &public, (set, None), |_, _| {});
        said.unwrap_err().to_string()
    }
}

#[test]
fn other_keys_other_jobs_and_other_rows_are_refused() {
    let two = Two::new();
    let ([job, other], runs) = (&two.jobs, &two.runs);
    let refused = |job: &JobFile, keys: usize, set: &str| two.refused(job, keys, set);
    // The keys of another job, also where job.toml was changed to name them.
    let said = refused(job, 1, "iris");
    assert!(said.contains("is not the one of this job"), "{said}");
    let said = refused(other, 1, "iris");
    assert!(said.contains("there is no such thing here"), "a token of another job: {said}");
    let mut changed = job.clone();
    changed.plan = "0".repeat(64);
    assert!(refused(&changed, 0, "iris").contains("is for plan 00000000.."));
    let mut secret = job.clone();
    secret.recipe.encryption = crate::recipe::Encryption::Secret;
    assert!(refused(&secret, 0, "iris").contains("encryption = \"secret\""));
    // Other rows.
    let table = |name: &str, rows: &str| {
        let path = runs.path().join(name);
        std::fs::write(&path, rows).unwrap();
        path.to_string_lossy().into_owned()
    };
    let names: Vec<String> = job.intake.schema.names();
    let [a, b, c, d] = &names[..] else { panic!("{names:?}") };
    let label = job.intake.schema.label.clone().unwrap_or_else(|| "species".into());
    let line = "5.1,3.5,1.4,0.2,setosa\n";
    let mut named = job.clone();
    named.intake.schema.label = Some(label.clone());
    named.recipe.data.label = Some(label.clone());
    for (name, text, word) in [
        ("few.csv", format!("{a},{b},{c},{d},{label}\n{line}{line}"), "2 rows; the job has 150"),
        ("less.csv", format!("{a},{b},{c},{label}\n1,2,3,setosa\n"), d.as_str()),
        ("more.csv", format!("{a},{b},{c},{d},e,{label}\n1,2,3,4,5,setosa\n"), "`e`"),
        ("class.csv", format!("{a},{b},{c},{d},{label}\n1,2,3,4,lily\n"), "lily"),
        ("none.csv", format!("{a},{b},{c},{d}\n{}", "1,2,3,4\n".repeat(150)), "have a label"),
    ] {
        let said = refused(&named, 0, &table(name, &text));
        assert!(said.contains(word), "{name}: {said}");
    }
    assert!(refused(job, 0, "digits").contains("no column"));
}

#[test]
fn a_token_for_uploads_does_nothing_else_and_what_it_uploads_ruins_one_job_at_most() {
    let two = Two::new();
    let (small, place) = (small("bgv"), two.served.place("owner"));
    let (Two { owner, recipe, .. }, [job, other]) = (&two, &two.jobs);
    // What a token for uploads cannot do, at its own job and at others.
    let (asks, own) = (Asker::new(owner), format!("/v1/jobs/{}", job.job));
    let run = Id::draw().unwrap();
    let bytes = [7; 100];
    check([
        (asks.get("/v1/jobs"), 404, "no such thing"),
        (asks.get(&own), 403, "uploads mini-batches"),
        (asks.ask(Method::DELETE, &own, &[], &[]), 403, ""),
        (asks.put(&own, b"{}"), 403, ""),
        (asks.put(&format!("{own}/runs/{run}"), &[]), 403, ""),
        (asks.put(&format!("{own}/runs/{run}/tasks/1"), b"{}"), 403, ""),
        (asks.upload(&format!("{own}/objects/keys-0"), &bytes), 403, ""),
        (asks.upload(&format!("{own}/objects/model"), &bytes), 403, ""),
        (asks.upload(&format!("{own}/objects/query"), &bytes), 403, ""),
        (asks.upload(&format!("{own}0/objects/batch-0"), &bytes), 404, ""),
        (asks.upload(&format!("/v1/jobs/{}/objects/batch-0", other.job), &bytes), 404, ""),
        (asks.upload(&format!("{own}/objects/batch-99"), &bytes), 404, ""),
        (
            asks.piece(&format!("{own}/objects/batch-0"), 1 << 40, 0, &digest(&bytes), &bytes),
            413,
            "the plan has at most",
        ),
    ]);
    // Whoever uploads under a key of its own ruins the training, is named, and takes nobody along.
    let session = Session::new(recipe.clone(), None).unwrap().insecure_small(REASON).unwrap();
    let stranger = Client::new(&session.plan().unwrap(), session.first.clone()).unwrap();
    let batches: Vec<usize> = session.batches.schedule(0).take(1).collect();
    let (x, targets) = session.batch(batches[0]).unwrap();
    let sealed = stranger.encrypt_batch(batches[0], x.view(), targets.view()).unwrap();
    assert_eq!(asks.upload(&format!("{own}/objects/batch-{}", batches[0]), &sealed).0, 200);
    let said = train(small, recipe, &place, &two.out(0)).unwrap_err().to_string();
    assert!(said.contains("secret"), "{said}");
    assert_eq!(upload(&uploads(&two.served, &other.job), &two.out(1), "iris").unwrap(), [other.batches, 0]);
    assert_eq!(train(small, recipe, &place, &two.out(1)).unwrap().report.twin.equal, Some(true));
}

#[test]
fn keys_under_a_passphrase_open_for_whoever_knows_it() {
    let runs = Folder::new("passphrase");
    let (small, out) = (small("bgv"), runs.path().join("keys"));
    let recipe = recipe(small, &[]);
    let knows = |word: &'static str| Unlock::asking(move || Ok(zeroize::Zeroizing::new(word.to_owned())));
    let options = KeygenOptions {
        out: out.clone(),
        wrap: Some(knows("correct horse")),
        insecure_small: Some(REASON.into()),
        ..KeygenOptions::default()
    };
    // Without encryption = "public" the keys are for the training of their owner alone.
    assert_eq!(keygen(recipe.clone(), &options).unwrap().public, None);
    assert!(!out.join("public.key").exists());
    let train = |unlock: Unlock| {
        let options = Options { unlock, steps: Some(1), ..small.options(&out) };
        train_with(recipe.clone(), &options, &Here)
    };
    for (unlock, word) in
        [(Unlock::default(), "under a passphrase, and there is none"), (knows("x"), "does not open it")]
    {
        let refused = train(unlock).map(drop).unwrap_err();
        assert!(refused.is_input() && refused.to_string().contains(word), "{refused}");
        assert!(refused.to_string().contains("secret.key"), "{refused}");
    }
    assert_eq!(train(knows("correct horse")).unwrap().report.twin.equal, Some(true));
    let folder = |unlock: &Unlock| RunFolder::new(&out).unlocked_by(unlock);
    let session = Session::new(recipe.clone(), None).unwrap().insecure_small(REASON).unwrap();
    let predict = |unlock: &Unlock| crate::run::predict_session(&session, &folder(unlock));
    assert!(predict(&Unlock::default()).unwrap_err().to_string().contains("under a passphrase"));
    assert!(predict(&knows("correct horse")).unwrap().summary.twin_equal);
}
