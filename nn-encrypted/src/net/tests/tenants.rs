//! Eight tenants at once.

use super::*;

#[test]
fn eight_tenants_train_at_once_and_see_their_own_jobs_alone() {
    let (server, runs) = (Folder::new("server"), Folder::new("runs"));
    let served = Served::plain(server.path(), limits());
    let small = Small { steps: 2, ..ALL[0] };
    let session = small.session();
    let here = small.here(&session, &runs.path().join("here"));
    let places: Vec<Place> = (0..8).map(|number| served.place(&format!("tenant-{number}"))).collect();
    std::thread::scope(|scope| {
        let all: Vec<_> = (places.iter().enumerate())
            .map(|(number, place)| {
                let out = runs.path().join(number.to_string());
                let (small, session) = (&small, &session);
                scope.spawn(move || small.there(session, place, &out))
            })
            .collect();
        for there in all {
            assert_eq!(there.join().unwrap().model, here.model);
        }
    });
    let lists: Vec<Vec<String>> = places.iter().map(|place| elsewhere(place).jobs().unwrap()).collect();
    for (number, jobs) in lists.iter().enumerate() {
        assert_eq!(jobs.len(), 1, "{jobs:?}");
        let job = jobs[0].split(' ').next().unwrap();
        let other = elsewhere(&places[(number + 1) % 8]).delete(job).unwrap_err().to_string();
        assert!(other.contains("no such thing"), "{other}");
    }
}

#[test]
fn what_does_not_fit_is_refused_before_a_byte_is_uploaded() {
    let (server, runs) = (Folder::new("server"), Folder::new("runs"));
    let small = &ALL[1];
    let session = small.session();
    for (limits, word) in [
        (Limits { memory: 1000, ..limits() }, "GB of memory needed, 0.0 GB allowed"),
        (Limits { disk: 1000, ..limits() }, "GB of disk by all jobs needed, 0.0 GB allowed"),
        (Limits { jobs: 0, ..limits() }, "0 jobs are here"),
        (Limits { insecure_small: false, ..limits() }, "rings without security"),
    ] {
        let served = Served::plain(server.path(), limits);
        let out = runs.path().join("refused");
        let refused = small.train(&session, &elsewhere(&served.place("owner")), &out);
        let refused = refused.map(drop).unwrap_err().to_string();
        assert!(refused.contains(word), "{refused}");
        assert_eq!(std::fs::read_dir(server.path().join("jobs")).unwrap().count(), 0);
        std::fs::remove_dir_all(out).unwrap();
    }
}
