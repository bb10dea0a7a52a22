//! `docs/first-hour.md`: every command in it prints what stands below it, but for times, dates and the machine. `WRITE=1 cargo test
//! --release -p nn-encrypted --test first_hour` writes down what is printed today.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::fs;
use std::path::Path;
use std::process::Command;

use common::Folder;
use regex::Regex;

/// Sixty patients of two states, which a line parts but for a few.
fn patients() -> String {
    let row = |i: u32| {
        let noise = |k: u32| f64::from((i * 7919 + k * 104_729) % 1000) / 1000.0;
        let ill = i % 2 == 1;
        let shift = if ill { 0.8 } else { 0.0 };
        let (pressure, age) = (118.0 + 30.0 * (noise(1) + shift), 30 + (40.0 * noise(2)) as u32);
        let iron = 40.0 + 25.0 * (noise(3) + 0.7 * shift);
        format!("{pressure:.1},{age},{iron:.2},{}\n", if ill { "ill" } else { "well" })
    };
    "pressure,age,iron,state\n".to_owned() + &(0..60).map(row).collect::<String>()
}

/// What differs from run to run, and from machine to machine, taken away.
fn masked(text: &str) -> String {
    let masks = [
        (r"(?m)^step \d+/\d+, .*\n", ""),
        (r"\d+(\.\d+)? (ms|s|min|h)\b", "# s"),
        (r"memory +\d.*", "memory #"),
        (r"\d+ threads?", "# threads"),
        (r"client \d+ % of the time", "client # % of the time"),
        (r"\d+ ms \(\d+ %\)", "# ms (# %)"),
        (r"\(\d+ %\)", "(# %)"),
        (r"mini-batches of (\d+): memory.*", "mini-batches of $1: #"),
        (r"(?m)^to save.*\n", ""),
    ];
    masks.iter().fold(text.to_owned(), |text, (mask, with)| {
        Regex::new(mask).unwrap().replace_all(&text, *with).into_owned()
    })
}

/// The page with the output of each command as it is today.
fn today(page: &str, folder: &Folder) -> String {
    let bin = Path::new(env!("CARGO_BIN_EXE_nn-encrypted")).parent().unwrap();
    let path = format!("{}:/usr/bin:/bin", bin.display());
    let (mut out, mut console, mut skipping) = (String::new(), false, false);
    for line in page.lines() {
        if line.starts_with("```") {
            (console, skipping) = (line == "```console", false);
        }
        let Some(command) = line.strip_prefix("$ ").filter(|_| console) else {
            if !skipping {
                out += line;
                out += "\n";
            }
            continue;
        };
        let ran = Command::new("sh")
            .env_clear()
            .env("PATH", &path)
            .env("HOME", &folder.0)
            .current_dir(&folder.0)
            .args(["-c", &format!("exec 2>&1\n{command}")])
            .output()
            .unwrap();
        let said = String::from_utf8(ran.stdout).unwrap();
        assert!(ran.status.success(), "{command}\n{said}");
        out += &format!("{line}\n{}", said.replace(&format!("{}/", folder.0.display()), ""));
        skipping = true;
    }
    out
}

#[test]
fn the_page_shows_what_the_program_prints_today() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/first-hour.md");
    let page = fs::read_to_string(&path).unwrap();
    let folder = Folder::new("first-hour");
    folder.write("patients.csv", patients().as_bytes());
    assert!(folder.run(&["--version"]).status.success());
    let today = today(&page, &folder);
    if std::env::var_os("WRITE").is_some() {
        fs::write(&path, &today).unwrap();
        return;
    }
    assert!(today.matches("twin equal: true").count() >= 3, "{today}");
    for (i, (there, now)) in masked(&page).lines().zip(masked(&today).lines()).enumerate() {
        assert_eq!(there, now, "line {} of docs/first-hour.md without times; WRITE=1 writes it anew", i + 1);
    }
    assert_eq!(masked(&page).lines().count(), masked(&today).lines().count());
}
