//! A trained model and rows that it has never seen: it is complete in one file, finds columns by their names, and no run is lost.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Output;

use common::Folder;

const WINE: &str = include_str!("data/wine.csv");
const MODEL: &str = "client/model.private.safetensors";

/// The lines of the wine table as cells.
fn wine() -> Vec<Vec<&'static str>> {
    WINE.lines().map(|line| line.split(',').collect()).collect()
}

/// Every ninth wine, with columns in another order, a name in front, and these columns changed or left out.
fn rows(change: impl Fn(&str) -> Option<String>) -> String {
    let table = wine();
    let order: Vec<usize> = (0..table[0].len()).map(|i| (i * 5 + 3) % table[0].len()).collect();
    let kept: Vec<(usize, String)> =
        order.into_iter().filter_map(|i| Some((i, change(table[0][i])?))).collect();
    let header: Vec<&str> = kept.iter().map(|(_, name)| name.as_str()).collect();
    let mut text = format!("name,{}\n", header.join(","));
    for (i, row) in table[1..].iter().enumerate().filter(|(i, _)| i.is_multiple_of(9)) {
        let cells: Vec<&str> = kept.iter().map(|(column, _)| row[*column]).collect();
        text += &format!("wine {i},{}\n", cells.join(","));
    }
    text
}

fn unlabelled(name: &str) -> Option<String> {
    (name != "cultivar").then(|| name.to_owned())
}

fn good(output: &Output) -> String {
    let text =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{text}");
    text
}

fn refused(output: &Output, word: &str) {
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.code() == Some(2) && text.contains(word), "{text}\n  `{word}` was expected");
}

/// The lines of a table of predictions by the name of the row: cells by column.
fn predictions(path: &Path) -> BTreeMap<String, BTreeMap<String, String>> {
    let mut reader = csv::Reader::from_path(path).unwrap();
    let header = reader.headers().unwrap().clone();
    let line = |record: csv::StringRecord| {
        let cells = header.iter().map(str::to_owned).zip(record.iter().map(str::to_owned));
        (record[0].to_owned(), cells.collect())
    };
    reader.records().map(|record| line(record.unwrap())).collect()
}

const TRAIN: [&str; 9] =
    ["train", "--data", "wine.csv", "--label", "cultivar", "--steps", "20", "--out", "run"];

#[test]
fn a_model_is_complete_in_one_file() {
    let folder = Folder::new("bundle");
    folder.write("wine.csv", WINE.as_bytes());
    let text = good(&folder.run(&TRAIN));
    assert!(text.contains("taken for:") && text.contains("twin equal: true"), "{text}");
    the_page_asks_for_nothing(&folder.0.join("run"));
    folder.write("new.csv", rows(unlabelled).as_bytes());
    let ask = ["predict", "--run", "run", "--data", "new.csv", "--id", "name"];
    let text = good(&folder.run(&ask));
    assert!(text.contains("twin equal: true") && !text.contains("% right"), "{text}");
    let here = predictions(&folder.0.join("run/client/new-predictions.csv"));
    assert_eq!(here.len(), 20);

    let elsewhere = Folder::new("elsewhere");
    elsewhere.write("model.private.safetensors", &fs::read(folder.0.join("run").join(MODEL)).unwrap());
    elsewhere.write("new.csv", rows(unlabelled).as_bytes());
    let model = ["predict", "--model", "model.private.safetensors", "--data", "new.csv"];
    good(&elsewhere.run(&[&model[..], &["--id", "name", "--out", "p.csv"]].concat()));
    let there = predictions(&elsewhere.0.join("p.csv"));
    assert_eq!(here, there);
    for row in there.values() {
        let scores = row.iter().filter(|(name, _)| name.starts_with("score "));
        let scores: Vec<f64> = scores.map(|(_, score)| score.parse().unwrap()).collect();
        assert!(scores.len() == 3 && (scores.iter().sum::<f64>() - 1.0).abs() < 3e-6, "{row:?}");
        let best = scores.iter().copied().fold(0.0, f64::max);
        assert_eq!(row[&format!("score {}", row["predicted"])].parse::<f64>().unwrap(), best);
    }
    // With labels the same classes, and how good they are.
    elsewhere.write("new.csv", rows(|name| Some(name.to_owned())).as_bytes());
    let text = good(&elsewhere.run(&[&model[..], &["--id", "name", "--out", "q.csv"]].concat()));
    assert!(text.contains("% right") && text.contains("precision  recall     F1"), "{text}");
    let labelled = predictions(&elsewhere.0.join("q.csv"));
    assert!(labelled.iter().all(|(name, row)| row["predicted"] == there[name]["predicted"]));
    columns_that_are_not_the_models(&elsewhere, &model);
    the_test_part_is_that_of_the_training(&folder);
}

/// One file with a point for each epoch, and one before, which loads nothing from anywhere.
fn the_page_asks_for_nothing(run: &Path) {
    let page = fs::read_to_string(run.join("report.html")).unwrap();
    let events = fs::read_to_string(run.join("events.jsonl")).unwrap();
    let events: Vec<serde_json::Value> =
        events.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(page.matches("<circle ").count(), events.len() + 1);
    assert!(events.last().unwrap()["step"] == 20 && events[0]["measure"] == "accuracy");
    for part in
        ["default-src 'none'", "taken for 0", "Who saw what", "<td>features<td>in the clear<td>ciphertexts"]
    {
        assert!(page.contains(part), "{part}");
    }
    for reference in ["http:", "https:", "src=", "href", "url(", "@import", "<script"] {
        assert!(!page.contains(reference), "{reference}");
    }
}

fn columns_that_are_not_the_models(folder: &Folder, model: &[&str]) {
    let with_id = [model, &["--id", "name"]].concat();
    let ask = |text: &str, args: &[&str]| {
        folder.write("new.csv", text.as_bytes());
        folder.run(args)
    };
    let without = rows(|name| unlabelled(name).filter(|name| name != "hue"));
    refused(&ask(&without, &with_id), "new.csv: no column `hue`; the columns are name, ");
    let renamed = rows(|name| unlabelled(name).map(|name| name.replace("proline", "prolin")));
    refused(&ask(&renamed, &with_id), "new.csv: no column `proline`");
    refused(&ask(&rows(unlabelled), model), "column `name` is none of the model's");
    let twice = rows(unlabelled).replacen("name,", "hue,", 1);
    refused(&ask(&twice, model), "are both named `hue`");
    let other = rows(|name| Some(name.to_owned())).replace(",0\n", ",7\n").replace(",0,", ",7,");
    let text = ask(&other, &with_id);
    assert_eq!(text.status.code(), Some(2));
    let far = rows(unlabelled).replacen("wine 9,", "wine 9,9", 1);
    let text = good(&ask(&far, &with_id));
    assert!(text.contains("warning: values beyond those that were trained on: "), "{text}");
    refused(&ask("", &with_id), "new.csv: no rows");
    refused(
        &folder.run(&[
            "predict",
            "--model",
            "model.private.safetensors",
            "--data",
            "new.csv",
            "--out",
            "new.csv",
        ]),
        "no rows",
    );
    folder.write("new.csv", rows(unlabelled).as_bytes());
    refused(&folder.run(&[&with_id[..], &["--out", "new.csv"]].concat()), "predictions need another file");
    refused(&folder.run(&["predict", "--data", "new.csv"]), "--run");
    let path = folder.0.join("model.private.safetensors");
    let whole = fs::read(&path).unwrap();
    for place in [9, whole.len() / 3, whole.len() / 2, whole.len() - 1] {
        let mut bytes = whole.clone();
        bytes[place] ^= 1;
        fs::write(&path, bytes).unwrap();
        refused(&folder.run(&with_id), "model.private.safetensors: ");
    }
    fs::write(&path, &whole[..whole.len() - 8]).unwrap();
    refused(&folder.run(&with_id), "model.private.safetensors: ");
}

/// Without a table the test part is classified, and only of the table that was trained on.
fn the_test_part_is_that_of_the_training(folder: &Folder) {
    let ask = ["predict", "--run", "run"];
    assert!(good(&folder.run(&ask)).contains("36 rows, "));
    let found = predictions(&folder.0.join("run/client/predictions.csv"));
    let table = wine();
    for (row, cells) in &found {
        assert_eq!(cells["label"], table[row.parse::<usize>().unwrap()][13], "row {row}");
    }
    let swapped: String =
        wine().iter().map(|row| format!("{},{},{}\n", row[1], row[0], row[2..].join(","))).collect();
    folder.write("wine.csv", swapped.as_bytes());
    refused(&folder.run(&ask), "wine.csv: is not the data that this model was trained on");
    good(&folder.run(&["predict", "--run", "run", "--data", "wine.csv"]));
}

#[test]
fn no_run_is_written_over() {
    let folder = Folder::new("overwritten");
    folder.write("wine.csv", WINE.as_bytes());
    folder.write("other.csv", WINE.as_bytes());
    let train = |args: &[&str]| folder.run(&[&TRAIN[..5], &["--steps", "1", "--quiet"], args].concat());
    good(&train(&["--out", "run"]));
    let files = |name: &str| fs::read(folder.0.join(name)).unwrap();
    let (key, model, report) = (
        files("run/client/secret.key"),
        files("run/client/model.private.safetensors"),
        files("run/report.json"),
    );
    for mode in ["clear", "simulate", "encrypted"] {
        refused(
            &train(&["--out", "run", "--mode", mode]),
            "run: a finished run is there; take another --out, or --overwrite it",
        );
    }
    assert_eq!((files("run/client/secret.key"), files("run/report.json")), (key.clone(), report));
    good(&train(&["--out", "run", "--mode", "clear", "--overwrite"]));
    assert_eq!(
        (files("run/client-1/secret.key"), files("run/client-1/model.private.safetensors")),
        (key.clone(), model)
    );
    assert!(!folder.0.join("run").join(MODEL).exists());
    refused(&folder.run(&["predict", "--run", "run"]), "a training in the clear keeps no model");
    good(&train(&["--out", "run", "--overwrite"]));
    assert_ne!(files("run/client/secret.key"), key);
    good(&train(&["--out", "run", "--mode", "simulate", "--overwrite"]));
    assert!(
        folder.0.join("run/client-2/secret.key").exists() && !folder.0.join("run/client/secret.key").exists()
    );
    // A simulation has no keys: they are made.
    assert!(good(&folder.run(&["predict", "--run", "run", "--data", "other.csv"])).contains("178 rows, "));
    for _ in 0..2 {
        good(&train(&["--mode", "clear"]));
    }
    let runs: Vec<String> = fs::read_dir(folder.0.join("runs"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert!(
        runs.len() == 2 && runs.iter().all(|name| name.starts_with("hesamifard2017-wine-20")),
        "{runs:?}"
    );
    assert_eq!(folder.run(&["train", "--resume"]).status.code(), Some(2));
}
