//! The study of a recipe on a small scope: its page has the figures, and the steps on ciphertexts equal the twin's.

use nn_encrypted::internals::{Scope, study, study_page};

fn scope(steps: usize) -> Scope {
    Scope {
        recipe: "hesamifard2017".into(),
        sets: vec!["iris".into()],
        hidden: vec![1],
        seeds: 2,
        steps,
        validate: false,
        settings: vec![
            "optimizer.epochs=20".into(),
            "data.balance=resample".into(),
            "data.stratify=true".into(),
        ],
    }
}

#[test]
fn a_cell_has_all_figures_and_the_page_shows_them() {
    let scope = scope(1);
    let mut said = Vec::new();
    let cells = study(&scope, None, |text| said.push(text.to_owned())).unwrap();
    assert_eq!(said, ["1/1: iris, 1 hidden"]);
    let [cell] = cells.as_slice() else { panic!("{} cells", cells.len()) };
    assert_eq!((cell.widths.as_slice(), cell.majority), (&[4, 12, 3][..], 1.0 / 3.0));
    for score in [cell.logistic, cell.clear, cell.twin] {
        // As many samples of each class: the mean over classes is the mean over samples.
        assert!(score.accuracy > 0.8 && (score.accuracy - score.balanced).abs() < 1e-12, "{score:?}");
    }
    let steps = cell.encrypted.unwrap();
    assert!(steps.equal && steps.steps == 1 && steps.refreshes > 0 && steps.bytes > 0);
    let page = study_page(&scope, &cells, "nn-encrypted study hesamifard2017");
    assert!(page.contains("Made by `nn-encrypted study hesamifard2017` on 2"), "{page}");
    let row = page.lines().last().unwrap();
    assert!(row.starts_with("| iris | 1 | 4-12-3 | 33.3 | ") && row.ends_with("| true |"), "{row}");
    let columns = |line: &str| line.matches('|').count();
    assert!(page.lines().filter(|line| line.starts_with('|')).all(|line| columns(line) == columns(row)));
}

#[test]
fn validation_scores_on_rows_of_the_training_part() {
    let test = study(&scope(0), None, |_| ()).unwrap();
    let validation = study(&Scope { validate: true, ..scope(0) }, None, |_| ()).unwrap();
    assert!(test[0].encrypted.is_none());
    assert_ne!(test[0].twin, validation[0].twin);
}
