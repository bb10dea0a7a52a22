use super::{FILE, Papers, page, rows};
use crate::pages;

fn file() -> Papers {
    serde_json::from_str(&pages::read(FILE).expect("the file")).expect("its form")
}

/// Lines of the file are those of the README and of the page.
#[test]
fn the_readme_has_the_lines_of_the_file() {
    let papers = file();
    let readme = pages::read("README.md").expect("the README");
    let found = pages::between(&readme, page::MARKS).expect("marks in the README");
    assert_eq!(found.trim(), page::table(&papers.lines, "docs/runs").trim());
    let own = pages::read("docs/bench/papers.md").expect("the page");
    assert_eq!(own, page::markdown(&papers.lines, &papers.measured));
}

/// And they are what is made of the reports, what was published, and docs/runs as they are now.
#[test]
fn the_lines_of_the_file_are_those_of_its_reports_and_of_docs_runs() {
    let papers = file();
    assert_eq!(rows::lines(&papers.measured).expect("lines"), papers.lines);
    for (recipe, measured) in &papers.measured {
        assert_eq!(measured.encrypted.twin.equal, Some(true), "{recipe}");
        let all = [measured.encrypted.mode.as_str(), measured.simulated.mode.as_str()];
        assert_eq!(all, ["encrypted", "simulate"], "{recipe}");
    }
}

#[test]
fn a_changed_figure_is_found() {
    let mut papers = file();
    papers.lines[1].seconds.text.push('1');
    let readme = pages::read("README.md").expect("the README");
    let found = pages::between(&readme, page::MARKS).expect("marks in the README");
    assert_ne!(found.trim(), page::table(&papers.lines, "docs/runs").trim());
    assert_ne!(rows::lines(&papers.measured).expect("lines"), papers.lines);
}

#[test]
fn numbers_have_three_digits() {
    for (x, text) in
        [(1234.4, "1234"), (45.67, "45.7"), (2.381, "2.38"), (0.1672, "0.167"), (0.0052, "0.0052")]
    {
        assert_eq!(rows::number(x), text);
    }
}
