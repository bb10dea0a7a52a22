//! Figures of whole trainings, out of the pages of docs/runs.

use nn_encrypted::run::Report;

use crate::pages::{self, Failure};

/// A cell of a page: the table by its place, the row by its first cell, and the column of figures by its place.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub(super) page: &'static str,
    pub(super) table: usize,
    pub(super) column: usize,
}

impl Place {
    /// The cell of a row.
    pub(super) fn cell(&self, row: &str) -> Result<String, Failure> {
        let found = find(&pages::read(self.page)?, self.table, row, self.column);
        let Self { page, table, column } = self;
        found.ok_or_else(|| format!("{page}: no `{row}` in column {column} of table {table}").into())
    }

    /// CPU seconds of a training row: `5916.1 core-ms` or `5.2 ms` are milliseconds.
    pub(super) fn seconds(&self) -> Result<f64, Failure> {
        let names = ["an image, client included", "CPU time a training row, client included"];
        let cell = names.iter().find_map(|name| self.cell(name).ok());
        let cell = cell.ok_or_else(|| format!("{}: no CPU time of an image", self.page))?;
        let number = cell.split_whitespace().next().and_then(|number| number.parse::<f64>().ok());
        match number.filter(|_| cell.ends_with("ms")) {
            Some(milliseconds) => Ok(milliseconds / 1e3),
            None => Err(format!("{}: `{cell}` is no number of milliseconds", self.page).into()),
        }
    }
}

fn find(text: &str, table: usize, row: &str, column: usize) -> Option<String> {
    let lines: Vec<&str> = text.lines().collect();
    let tables = lines.split(|line| !line.starts_with('|')).filter(|rows| !rows.is_empty());
    let rows = tables.into_iter().nth(table)?;
    let mut cells = rows.iter().map(|row| row.trim_matches('|').split('|').map(str::trim));
    let found = cells.find_map(|mut cells| (cells.next()? == row).then(|| cells.nth(column)))?;
    found.map(str::to_owned)
}

/// The report of a whole training that is kept beside its page.
pub(super) fn report(folder: &str) -> Result<Report, Failure> {
    let file = format!("docs/runs/{folder}/report.json");
    serde_json::from_str(&pages::read(&file)?).map_err(|error| format!("{file}: {error}").into())
}

#[test]
fn cells_are_found_by_table_row_and_column() {
    let text =
        "# A\n\n| | x | y |\n|---|---|---|\n| a | 1 | 2 |\n\ntext\n\n| | z |\n|---|---|\n| a | 3 ms |\n";
    assert_eq!(find(text, 0, "a", 1).as_deref(), Some("2"));
    assert_eq!(find(text, 1, "a", 0).as_deref(), Some("3 ms"));
    for (table, row, column) in [(0, "b", 0), (0, "a", 2), (2, "a", 0)] {
        assert_eq!(find(text, table, row, column), None);
    }
}
