//! Trainings with a server elsewhere end as those in one process.

use super::*;
use crate::net::body::Planned;
use crate::recipe::Recipe;

/// That two outcomes are the same but for noise, times and the network.
pub(super) fn compare(small: &Small, session: &Session, here: &Outcome, there: &Outcome) {
    let Small { name, near, .. } = small;
    let apart = here.model.distance(&there.model);
    println!("{name}: apart by {apart:.1e}");
    match near {
        Near::Same => assert_eq!(here.model, there.model, "{name}"),
        Near::Twin => {
            let most = session.tolerance().unwrap().map_or(0.0, |tolerance| tolerance.weights);
            assert!(apart <= 2.0 * most || here.report.bootstraps.tfhe > 0, "{name}: {apart}");
        }
    }
    for report in [&here.report, &there.report] {
        assert_eq!(report.twin.equal, Some(true), "{name}");
        assert!(report.prediction.is_none_or(|prediction| prediction.twin_equal), "{name}");
        assert_eq!(report.traffic.out_of_bounds, 0, "{name}");
    }
    let (a, b) = (&here.report.traffic, &there.report.traffic);
    assert_eq!(
        (a.rounds, a.refreshes, a.to_client_bytes, a.to_server_bytes, a.data_bytes),
        (b.rounds, b.refreshes, b.to_client_bytes, b.to_server_bytes, b.data_bytes),
        "{name}: what is refreshed, and the bytes of it"
    );
    assert_eq!((here.report.steps, here.report.key_bytes), (there.report.steps, there.report.key_bytes));
    assert_eq!(here.report.bootstraps.tfhe, there.report.bootstraps.tfhe, "{name}: counts of the server");
    let stages = |outcome: &Outcome| -> Vec<String> {
        outcome.report.stages.iter().map(|stage| stage.stage.clone()).collect()
    };
    assert_eq!(stages(here), stages(there), "{name}");
}

#[test]
fn every_recipe_ends_as_in_one_process() {
    let (server, runs) = (Folder::new("server"), Folder::new("runs"));
    let served = Served::plain(server.path(), limits());
    let place = served.place("owner");
    for small in &ALL {
        let session = small.session();
        let out = |which: &str| runs.path().join(format!("{}-{which}", small.name));
        let begun = Instant::now();
        let here = small.here(&session, &out("here"));
        let alone = begun.elapsed();
        let there = small.there(&session, &place, &out("there"));
        println!("{}: {alone:.1?} here, {:.1?} there", small.name, begun.elapsed() - alone);
        compare(small, &session, &here, &there);
        // The encrypted model of the server is the client's to keep.
        assert!(out("there").join("server/model.ciphertext").exists());
    }
    let jobs = elsewhere(&place).jobs().unwrap();
    assert_eq!(jobs.len(), ALL.len());
    assert!(jobs.iter().any(|line| line.contains("hesamifard2017")), "{jobs:?}");
}

#[test]
fn a_job_tells_the_server_neither_seed_nor_names() {
    let small = &ALL[0];
    let mut recipe = Recipe::load(small.recipe, &small.settings()).unwrap();
    (recipe.seed, recipe.description) = (77_777, "of Dr Doe".into());
    let session = Session::new(recipe, None).unwrap().insecure_small(REASON).unwrap();
    let body = crate::net::body::JobBody::of(&session, &session.plan().unwrap(), Some(REASON.into()));
    let body = body.unwrap();
    let text = serde_json::to_string(&body).unwrap();
    for word in ["77777", "Doe", "iris", "petal"] {
        assert!(!text.contains(word), "{word}: {text}");
    }
    let Planned { recipe, plan, sizes } = body.plan().unwrap();
    assert_eq!((recipe.as_str(), plan.hash()), ("hesamifard2017", session.plan().unwrap().hash()));
    assert!(sizes.disk(body.batches) > sizes.keys.iter().sum::<u64>() + sizes.batch * body.batches as u64);
}

#[test]
fn what_is_trained_there_is_classified_there_and_resumed_there() {
    let (server, runs) = (Folder::new("server"), Folder::new("runs"));
    let small = &ALL[0];
    let session = small.session();
    let (whole, parts) = (runs.path().join("whole"), runs.path().join("parts"));
    let here = small.here(&session, &whole);
    {
        let served = Served::plain(server.path(), limits());
        let first = Small { steps: 3, ..*small };
        // Stopped by hand within a step: the server drops the step and keeps a checkpoint.
        let options = Options { steps: Some(small.steps), ..first.options(&parts) };
        let stop = Arc::clone(&options.stop);
        let watch = std::thread::spawn({
            let timings = parts.join("client/checkpoint-2.state");
            move || {
                while !timings.exists() {
                    std::thread::sleep(Duration::from_millis(1));
                }
                stop.store(true, Ordering::SeqCst);
            }
        });
        let stopped =
            train_session_with(&session, &options, &elsewhere(&served.place("owner")), Instant::now());
        watch.join().unwrap();
        let Err(error @ RunError::Interrupted { .. }) = stopped else { panic!("{:?}", stopped.err()) };
        let said = error.to_string();
        assert!(said.contains(&format!(" --server {} --token-file ", served.url())), "{said}");
    }
    // The server's half is not here: a run of this process says where it is.
    let Resumption::Unfinished(_, options) =
        resume(Some(small.recipe), &small.settings(), small.options(&parts)).unwrap()
    else {
        panic!("it was stopped");
    };
    let alone = train_session_with(&session, &options, &Here, Instant::now()).unwrap_err().to_string();
    assert!(alone.contains("another server: go on with --server"), "{alone}");
    // The server is started anew, at another address.
    let served = Served::plain(server.path(), limits());
    let place = served.place("owner");
    small.resume(&session, &place, &parts).unwrap();
    let model =
        |path: &Path| crate::run::RunFolder::new(path).read_model(&session.recipe, &session.network).unwrap();
    assert_eq!(model(&parts), here.model);
    assert_eq!(model(&whole), here.model);
    // Finished: nothing is left to do.
    small.resume(&session, &place, &parts).unwrap();
    let jobs = elsewhere(&place).jobs().unwrap();
    assert_eq!(jobs.len(), 1, "one job for both parts: {jobs:?}");
    let job = jobs[0].split(' ').next().unwrap();
    elsewhere(&place).delete(job).unwrap();
    assert!(elsewhere(&place).jobs().unwrap().is_empty());
    assert_eq!(std::fs::read_dir(server.path().join("jobs")).unwrap().count(), 0);
}
