//! Measured values as labels, and a table of 77 MB.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::fmt::Write as _;
use std::fs;
use std::io::{BufWriter, Write as _};

use common::Folder;

fn report(folder: &Folder) -> serde_json::Value {
    serde_json::from_slice(&fs::read(folder.0.join("run/report.json")).unwrap()).unwrap()
}

const DIABETES: [&str; 8] = [
    "train",
    "--data",
    "diabetes.csv",
    "--label",
    "progression",
    "--set",
    "data.outputs=measured",
    "--overwrite",
];

#[test]
fn the_progression_of_a_disease_is_predicted_as_in_floating_point() {
    let folder = Folder::new("diabetes");
    folder.write("diabetes.csv", include_bytes!("data/diabetes.csv"));
    let train = |args: &[&str]| {
        let output = folder.run(&[&DIABETES[..], &["--out", "run"], args].concat());
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    // The integers of an encrypted run, which an encrypted run equals bit for bit.
    let text = train(&["--mode", "simulate", "--quiet"]);
    assert!(text.contains("twin's test R²: ") && text.contains("mean absolute error: "), "{text}");
    let accuracy = &report(&folder)["accuracy"];
    let [twin, clear] = ["twin_r_squared", "clear_r_squared"].map(|name| accuracy[name].as_f64().unwrap());
    assert!((twin - clear).abs() < 0.01 && clear > 0.3, "{twin} {clear}");
    let text = train(&["--steps", "3", "--quiet"]);
    assert!(text.contains("twin equal: true") && text.contains("test R²: "), "{text}");
    // Rows of their own: predicted and measured values, and how far they are apart.
    let rows: Vec<&str> = include_str!("data/diabetes.csv").lines().take(9).collect();
    folder.write("new.csv", rows.join("\n").as_bytes());
    let output = folder.run(&["predict", "--run", "run", "--data", "new.csv", "--out", "p.csv"]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success() && text.starts_with("8 values, R² "), "{text}");
    let lines = fs::read_to_string(folder.0.join("p.csv")).unwrap();
    assert!(
        lines.starts_with("row,predicted,measured\n1,") && lines.lines().nth(1).unwrap().ends_with(",151"),
        "{lines}"
    );
    // Tables in TFHE and sums without a client tell classes apart, and nothing else.
    for recipe in ["tbmpnet2021", "glyph2020"] {
        let output = folder.run(&[&["train", recipe], &DIABETES[1..], &["--out", "other"]].concat());
        let message = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(
            output.status.code() == Some(2) && message.contains("the labels are measured values"),
            "{message}"
        );
    }
}

/// 42,000 rows of 784 pixels and a digit, as a well-known table has them.
#[cfg(target_os = "linux")]
#[test]
fn a_table_of_77_megabytes_takes_at_most_400_of_memory() {
    let folder = Folder::new("large");
    let mut file = BufWriter::new(fs::File::create(folder.0.join("pixels.csv")).unwrap());
    let names: String = (0..784).map(|i| format!(",pixel{i}")).collect();
    writeln!(file, "label{names}").unwrap();
    let mut line = String::new();
    for row in 0..42_000u32 {
        line.clear();
        write!(line, "{}", row % 10).unwrap();
        for place in 0..784u32 {
            // About a fifth of the pixels is not 0.
            let noise = (row * 31 + place * 17).wrapping_mul(2_654_435_761) >> 22;
            let pixel = if noise < 200 { noise % 256 } else { 0 };
            write!(line, ",{pixel}").unwrap();
        }
        writeln!(file, "{line}").unwrap();
    }
    drop(file);
    let size = fs::metadata(folder.0.join("pixels.csv")).unwrap().len();
    assert!((70_000_000..90_000_000).contains(&size), "{size}");
    let pixels = "data.normalize={method='affine',divisor=255.0,center=0.125,limit=0.875}";
    let args = [
        "train",
        "--data",
        "pixels.csv",
        "--label",
        "label",
        "--set",
        pixels,
        "--mode",
        "clear",
        "--steps",
        "1",
        "--out",
        "run",
    ];
    let output = folder.run(&args);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let report = report(&folder);
    assert_eq!(
        (&report["data"]["features"], &report["data"]["train"]),
        (&serde_json::json!(784), &serde_json::json!(33_600))
    );
    let peak = report["peak_memory_bytes"].as_u64().unwrap();
    println!("{peak} bytes at most");
    assert!(peak <= 400_000_000, "{peak}");
}
