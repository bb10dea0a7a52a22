//! Tables as people keep them: what is read, what is said, what is refused. Tables of two classes that a line tells apart.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use common::Folder;
use ndarray::Array2;
use nn_encrypted::data::{Labels, Rows};
use nn_encrypted::recipe::Recipe;
use nn_encrypted::run::{Event, Mode, Options, RunError, Watch};
use nn_encrypted::{Trained, fit, fit_rows};

/// Sixty rows of three measures; the first and the third tell the classes apart.
fn rows() -> Vec<([f64; 3], &'static str)> {
    let mut state = 7u64;
    let mut draw = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((state >> 33) as f64 / 2_f64.powi(31) * 8.0 - 4.0) * 100.0
    };
    let row = |i: usize, [a, b, c]: [f64; 3]| {
        let sign = if i.is_multiple_of(2) { 1.0 } else { -1.0 };
        let cents = |value: f64| value.round() / 100.0;
        ([cents(a * 0.3 + sign * 150.0), cents(b), cents(c * 0.3 - sign * 120.0)], ["well", "ill"][i % 2])
    };
    (0..60).map(|i| row(i, [draw(), draw(), draw()])).collect()
}

/// The table with a line for each row.
fn table(header: &str, line: impl Fn(usize, [f64; 3], &str) -> String) -> String {
    let mut text = if header.is_empty() { String::new() } else { format!("{header}\n") };
    for (i, (values, class)) in rows().into_iter().enumerate() {
        writeln!(text, "{}", line(i, values, class)).unwrap();
    }
    text
}

fn plain() -> String {
    table("pressure,age,iron,state", |_, [a, b, c], class| format!("{a},{b},{c},{class}"))
}

const CLEAR: [&str; 8] = ["--mode", "clear", "--epochs", "20", "--out", "run", "--overwrite", "--quiet"];

impl Folder {
    /// Trains in the clear on a file; its standard output and error.
    fn trained(&self, file: &str, bytes: &[u8], options: &[&str]) -> (i32, String) {
        self.write(file, bytes);
        let args = [&["train", "--data", file][..], &CLEAR, options].concat();
        let loud: Vec<&str> = args.into_iter().filter(|arg| *arg != "--quiet").collect();
        let output = self.run(&loud);
        let text = [output.stdout, output.stderr].concat();
        (output.status.code().unwrap(), String::from_utf8(text).unwrap())
    }

    /// Features and classes of the run, and how many test rows are right, in percent.
    fn found(&self) -> (u64, u64, f64) {
        let report: serde_json::Value =
            serde_json::from_slice(&fs::read(self.0.join("run/report.json")).unwrap()).unwrap();
        let data = &report["data"];
        let right = report["accuracy"]["clear_test"].as_f64().unwrap_or(0.0);
        (data["features"].as_u64().unwrap(), data["classes"].as_u64().unwrap(), 100.0 * right)
    }
}

#[test]
fn forms_of_one_table_are_read_as_the_same() {
    let folder = Folder::new("forms");
    let comma = |value: f64| value.to_string().replace('.', ",");
    let gzip = |text: &str| {
        let mut packed = flate2::write::GzEncoder::new(vec![], flate2::Compression::fast());
        packed.write_all(text.as_bytes()).unwrap();
        packed.finish().unwrap()
    };
    let utf16 = |text: &str| -> Vec<u8> {
        [0xfeff].into_iter().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect()
    };
    let semicolons = table("\"pressure\";\"age\";\"iron\";\"state\"", |_, [a, b, c], class| {
        format!("{a};{b};{c};\"{class}\"")
    });
    let decimal = table("pressure;age;iron;state", |_, [a, b, c], class| {
        format!("{};{};{};{class}", comma(a), comma(b), comma(c))
    });
    let tabs = table("pressure\tage\tiron\tstate", |_, [a, b, c], class| format!("{a}\t{b}\t{c}\t{class}"));
    let blanks = table("pressure age iron state", |_, [a, b, c], class| format!("  {a}   {b}\t{c} {class}"));
    let bare = table("", |_, [a, b, c], class| format!("{a},{b},{c},{class}"));
    let trailing = table("pressure,age,iron,state,", |_, [a, b, c], class| format!("{a},{b},{c},{class},"));
    let index = table(",pressure,age,iron,state", |i, [a, b, c], class| format!("{i},{a},{b},{c},{class}"));
    let empty = table("pressure,age,notes,iron,state", |_, [a, b, c], class| format!("{a},{b},,{c},{class}"));
    let state = ["--label", "state"];
    type Case<'a> = (&'a str, Vec<u8>, &'a [&'a str], &'a str);
    let cases: [Case<'_>; 13] = [
        ("t.csv", plain().into(), &state, ""),
        ("semicolon.csv", semicolons.clone().into(), &state, "read with semicolons between cells"),
        ("decimal.csv", decimal.into(), &state, "semicolons between cells and decimals behind a comma"),
        ("t.tsv", tabs.into(), &state, "read with tabs"),
        ("t.txt", blanks.into(), &state, "read with blanks"),
        ("no-header.data", bare.into(), &["--label", "4", "--no-header"], ""),
        ("trailing.csv", trailing.into(), &state, "column `5` without a name is empty and is left out"),
        ("index.csv", index.into(), &state, "column `1` without a name numbers the rows and is left out"),
        ("empty.csv", empty.into(), &state, "column `notes` is empty and is left out"),
        ("t.csv.gz", gzip(&plain()), &state, ""),
        ("utf16.csv", utf16(&plain()), &state, ""),
        (
            "latin1.csv",
            plain().replace("well", "gesünder").chars().map(|c| c as u8).collect(),
            &["--label", "state", "--set", "data.encoding=latin1"],
            "",
        ),
        (
            "stated.csv",
            semicolons.into(),
            &["--label", "state", "--set", "data.separator=semicolon", "--set", "data.decimal_comma=false"],
            "read with semicolons",
        ),
    ];
    let mut first = None;
    for (file, bytes, options, said) in cases {
        let (status, text) = folder.trained(file, &bytes, options);
        assert!(status == 0 && text.contains(said), "{file}: {text}");
        let found = folder.found();
        assert!(found.2 >= 90.0, "{file}: {found:?}");
        assert_eq!(*first.get_or_insert(found), found, "{file}");
    }
}

#[test]
fn numbers_in_other_forms_are_read_or_named() {
    let folder = Folder::new("numbers");
    let amounts = |form: &dyn Fn(usize) -> String| {
        table("income,age,state", |i, [_, b, _], class| format!("{},{b},{class}", form(i)))
    };
    type Form<'a> = &'a dyn Fn(usize) -> String;
    let read: [(Form<'_>, &str); 3] = [
        (&|i| format!("\"{},500\"", i + 1), "`1,500` is 1500"),
        (&|i| format!("{}%", i + 3), "`3%` is 0.03"),
        (&|i| format!("{} 250.5", i + 1), "`1 250.5` is 1250.5"),
    ];
    for (form, said) in read {
        let (status, text) = folder.trained("t.csv", amounts(form).as_bytes(), &["--label", "state"]);
        assert!(status == 0 && text.contains(said), "{said}: {text}");
        assert_eq!((folder.found().0, folder.found().1), (2, 2), "a feature, no categories");
    }
    let forms: [(Form<'_>, &str); 5] = [
        (&|i| format!("\"{},5\"", i + 1), "another decimal sign"),
        (&|i| format!("${i}"), "an amount of money"),
        (&|i| format!("{i} EUR"), "an amount of money"),
        (&|i| format!("2026-11-{:02}", i % 28 + 1), "a date or a time"),
        (&|i| format!("{:02}.11.2026", i % 28 + 1), "a date or a time"),
    ];
    for (form, named) in forms {
        let (status, text) = folder.trained("t.csv", amounts(form).as_bytes(), &["--label", "state"]);
        assert!(status == 2 && text.contains("column `income`") && text.contains(named), "{named}: {text}");
        let ignored = ["--label", "state", "--set", "data.ignore=[1]"];
        let (status, text) = folder.trained("t.csv", amounts(form).as_bytes(), &ignored);
        assert!(status == 0, "{named}: {text}");
        assert_eq!((folder.found().0, folder.found().1), (1, 2));
    }
}

#[test]
fn classes_and_names_are_told_apart_as_a_reader_does() {
    let folder = Folder::new("classes");
    let number = |i: usize, class: &str| {
        ["0", "1", "00", "1.0", "0.0", "01"][i % 6 / 2 * 2 + usize::from(class == "ill")]
    };
    let text = table("a,b,c,y", |i, [a, b, c], class| format!("{a},{b},{c},{}", number(i, class)));
    let (status, said) = folder.trained("t.csv", text.as_bytes(), &["--label", "y"]);
    assert!(status == 0, "{said}");
    assert_eq!(folder.found().1, 2);
    let twice = table("state,pressure,state,age", |_, [a, b, c], class| format!("{class},{a},{c},{b}"));
    let price = table("a,b,price", |_, [a, b, c], _| format!("{a},{b},{}", c + a / 7.0));
    let latin: Vec<u8> = plain().replace("well", "gesünder").chars().map(|c| c as u8).collect();
    let zeros: Vec<u8> = plain().encode_utf16().flat_map(u16::to_le_bytes).collect();
    let grouped = "data.group: two groups or more";
    type Case<'a> = (&'a [u8], &'a [&'a str], &'a str);
    let plain = plain();
    let cases: [Case<'_>; 14] = [
        (twice.as_bytes(), &["--label", "state"], "columns 1 and 3 are both named `state`"),
        (price.as_bytes(), &["--label", "price"], "60 different numbers in 60 rows: measured values"),
        (&latin, &["--label", "state"], "data.encoding = \"latin1\""),
        (&zeros, &["--label", "state"], "\"utf-16le\""),
        (plain.as_bytes(), &["--label", "state", "--set", "data.encoding=klingon"], "\"klingon\""),
        (plain.as_bytes(), &["--label", "state", "--set", "data.separator=pipe"], "unknown variant `pipe`"),
        (plain.as_bytes(), &["--label", "nosuch"], "no column `nosuch`"),
        (plain.as_bytes(), &["--label", "state", "--set", "data.group=nosuch"], "no column `nosuch`"),
        (plain.as_bytes(), &["--label", "state", "--set", "data.group=state"], grouped),
        (plain.as_bytes(), &["--label", "state", "--set", "data.ignore=[9]"], "no column `9`"),
        (plain.as_bytes(), &["--label", "state", "--set", "data.missing=guess"], "unknown variant `guess`"),
        (plain.as_bytes(), &["--label", "state", "--test", "absent.csv"], "absent.csv"),
        (plain.as_bytes(), &[], "--label"),
        (
            plain.as_bytes(),
            &["--label", "state", "--set", "data.outputs=measured"],
            "`well` is no finite number",
        ),
    ];
    for (bytes, options, word) in cases {
        let (status, text) = folder.trained("t.csv", bytes, options);
        let expected = if word == grouped { 0 } else { 2 };
        assert!(status == expected && (word == grouped || text.contains(word)), "{options:?}: {text}");
    }
    for options in [
        ["--label", "x"],
        ["--set", "data.ignore=['1']"],
        ["--set", "data.missing=drop"],
        ["--test", "t.csv"],
    ] {
        let output = folder.run(&[&["train", "--data", "iris"][..], &options, &CLEAR].concat());
        let message = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(
            output.status.code() == Some(2) && message.contains("is for tables of your own"),
            "{message}"
        );
    }
}

#[test]
fn missing_cells_groups_and_test_files() {
    let folder = Folder::new("missing");
    let holes = table("pressure,age,iron,state", |i, [a, b, c], class| match i {
        3 => format!(",{b},{c},{class}"),
        9 => format!("{a},?,{c},{class}"),
        _ => format!("{a},{b},{c},{class}"),
    });
    let state = ["--label", "state"];
    let (status, text) = folder.trained("t.csv", holes.as_bytes(), &state);
    let named =
        "t.csv:5: column `pressure`: the value is missing (``); go on by data.missing = \"drop\" or \"mean\"";
    assert!(status == 2 && text.contains(named), "{text}");
    for (policy, rows, said) in [("drop", 58, "2 of 60 rows are left out"), ("mean", 60, "")] {
        let setting = format!("data.missing={policy}");
        let (status, text) =
            folder.trained("t.csv", holes.as_bytes(), &[&state[..], &["--set", &setting]].concat());
        assert!(status == 0 && text.contains(said), "{text}");
        let report: serde_json::Value =
            serde_json::from_slice(&fs::read(folder.0.join("run/report.json")).unwrap()).unwrap();
        assert_eq!(
            report["data"]["train"].as_u64().unwrap() + report["data"]["test"].as_u64().unwrap(),
            rows
        );
    }
    let patients = table("patient,pressure,age,iron,state", |i, [a, b, c], class| {
        format!("p{},{a},{b},{c},{class}", i / 4)
    });
    let options = [&state[..], &["--set", "data.group=patient"]].concat();
    let (status, text) = folder.trained("t.csv", patients.as_bytes(), &options);
    assert!(status == 0, "{text}");
    let report: serde_json::Value =
        serde_json::from_slice(&fs::read(folder.0.join("run/report.json")).unwrap()).unwrap();
    assert_eq!((folder.found().0, &report["data"]["test"]), (3, &serde_json::json!(12)));
    // Another order of columns, and as many rows as there are.
    let test: String = table("iron,state,age,pressure", |_, [a, b, c], class| format!("{c},{class},{b},{a}"));
    folder.write("test.csv", test.lines().take(16).collect::<Vec<_>>().join("\n").as_bytes());
    let (status, text) =
        folder.trained("t.csv", plain().as_bytes(), &[&state[..], &["--test", "test.csv"]].concat());
    assert!(status == 0, "{text}");
    let report: serde_json::Value =
        serde_json::from_slice(&fs::read(folder.0.join("run/report.json")).unwrap()).unwrap();
    assert_eq!(
        (&report["data"]["train"], &report["data"]["test"]),
        (&serde_json::json!(60), &serde_json::json!(15))
    );
    assert!(folder.found().2 >= 90.0);
    folder.write("test.csv", test.replace("iron", "copper").as_bytes());
    let (status, text) =
        folder.trained("t.csv", plain().as_bytes(), &[&state[..], &["--test", "test.csv"]].concat());
    assert!(status == 2 && text.contains("test.csv: no column `iron`"), "{text}");
}

/// A training of rows in memory is that of a table with the same rows which is tested on another one; its model is complete in itself.
#[test]
fn rows_in_memory_train_as_a_table_does() {
    let settings = ["optimizer.epochs=6", "data.normalize.scale=0.4"].map(String::from);
    let options = Options { mode: Mode::Simulate, quiet: true, ..Options::default() };
    let x = Array2::from_shape_fn((60, 3), |(row, column)| crate::rows()[row].0[column]);
    let of = crate::rows().iter().map(|(_, class)| usize::from(*class == "well")).collect();
    let labels = Labels::Classes { names: ["ill", "well"].map(String::from).to_vec(), of };
    let names = ["pressure", "age", "iron"].map(String::from).to_vec();
    let rows = Rows::new(names, x, labels).unwrap();
    let recipe = Recipe::for_rows("hesamifard2017", &settings).unwrap();
    let ours = fit_rows(recipe, &rows, &options).unwrap();

    let folder = Folder::new("rows-in-memory");
    folder.write("train.csv", plain().as_bytes());
    folder.write("test.csv", plain().lines().take(9).collect::<Vec<_>>().join("\n").as_bytes());
    let place = |file: &str| folder.0.join(file).display().to_string();
    let table = [
        format!("data.set={}", place("train.csv")),
        "data.label=state".to_owned(),
        format!("data.test={}", place("test.csv")),
    ];
    let recipe = Recipe::load("hesamifard2017", &[&table[..], &settings].concat()).unwrap();
    let theirs = fit(recipe, &options).unwrap();
    assert_eq!(ours.model, theirs.model);

    // The model alone reads further rows, by the names of their columns.
    let (samples, notes) = ours.samples(&rows).unwrap();
    let expected = ours.outputs(&samples).unwrap();
    let opened = Trained::from_bytes(&theirs.to_bytes().unwrap()).unwrap();
    let (read, _) = opened.samples(&rows).unwrap();
    assert_eq!((opened.outputs(&read).unwrap(), read.labels.len(), notes.len()), (expected, 60, 0));
    let cut = theirs.to_bytes().map(|bytes| Trained::from_bytes(&bytes[..bytes.len() - 1]).err());
    assert!(cut.unwrap().is_some());
}

/// Stopped from outside, a training says after which step.
#[test]
fn a_watch_can_stop_a_training() {
    let stop = Arc::new(AtomicBool::new(false));
    let (at, seen) = (Arc::clone(&stop), Arc::new(AtomicU64::new(0)));
    let last = Arc::clone(&seen);
    let watch: Watch = Arc::new(move |event: &Event| {
        last.store(event.step, Ordering::SeqCst);
        at.store(event.step == 3, Ordering::SeqCst);
    });
    let recipe = Recipe::load("hesamifard2017", &["data.set=iris".to_owned()]).unwrap();
    let options =
        Options { mode: Mode::Simulate, quiet: true, watch: Some(watch), stop, ..Options::default() };
    let error = fit(recipe, &options).unwrap_err();
    assert!(matches!(error, RunError::Interrupted { step: 3, steps: 80, .. }), "{error}");
    assert_eq!(seen.load(Ordering::SeqCst), 3);
}

#[test]
fn series_of_ones_own_and_folders_of_images() {
    let folder = Folder::new("series");
    let months = |i: usize| 100.0 + (i % 12) as f64 * 5.0 + i as f64 / 10.0;
    let series: String = std::iter::once("month;sales\n".to_owned())
        .chain((0..120).map(|i| format!("{i};{}\n", months(i))))
        .collect();
    folder.write("sales.csv", series.as_bytes());
    let common = ["--mode", "clear", "--epochs", "150", "--out", "run", "--overwrite"];
    let data =
        ["train", "onoufriou2021", "--data", "sales.csv", "--label", "sales", "--set", "data.window=12"];
    let settings = ["--set", "data.normalize={method='min_max',limit=1.0}", "--test", "24", "--batch", "84"];
    let output = folder.run(&[&data[..], &settings, &common].concat());
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let report: serde_json::Value =
        serde_json::from_slice(&fs::read(folder.0.join("run/report.json")).unwrap()).unwrap();
    assert!(report["accuracy"]["clear_mape"].as_f64().unwrap() < 4.0, "{text}");
    for (part, count) in [("train", 40_u8), ("t10k", 20)] {
        let pixels: Vec<u8> = (0..count).flat_map(|i| [i % 2 * 200, 255 - i % 2 * 200, 7, 250]).collect();
        folder.write(
            &format!("letters/{part}-images.idx3-ubyte"),
            &[&[0, 0, 8, 3, 0, 0, 0, count, 0, 0, 0, 2, 0, 0, 0, 2][..], &pixels].concat(),
        );
        let labels: Vec<u8> = (0..count).map(|i| 25 + i % 2).collect();
        folder.write(
            &format!("letters/{part}-labels.idx1-ubyte"),
            &[&[0, 0, 8, 1, 0, 0, 0, count][..], &labels].concat(),
        );
    }
    let output = folder.run(&[&["train", "--data", "letters", "--batch", "20"][..], &common].concat());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let report: serde_json::Value =
        serde_json::from_slice(&fs::read(folder.0.join("run/report.json")).unwrap()).unwrap();
    assert_eq!((&report["data"]["name"], folder.found()), (&serde_json::json!("letters"), (4, 2, 100.0)));
}
