//! Columns of numbers, each in the shortest form that holds its values exactly: a table of pixels takes a byte a pixel.

/// A column; what is missing is no number.
#[derive(Debug, Clone, PartialEq)]
enum Column {
    Bytes(Vec<u8>),
    Singles(Vec<f32>),
    Doubles(Vec<f64>),
}

impl Column {
    fn push(&mut self, value: f64) {
        let single = value as f32;
        let fits = value.is_nan() || f64::from(single) == value;
        match self {
            Self::Bytes(all) if f64::from(value as u8) == value => all.push(value as u8),
            Self::Singles(all) if fits => all.push(single),
            Self::Doubles(all) => all.push(value),
            _ => {
                let wider = (0..self.len()).map(|row| self.get(row));
                *self = if fits && matches!(self, Self::Bytes(_)) {
                    Self::Singles(wider.map(|v| v as f32).chain([single]).collect())
                } else {
                    Self::Doubles(wider.chain([value]).collect())
                };
            }
        }
    }

    fn get(&self, row: usize) -> f64 {
        match self {
            Self::Bytes(all) => f64::from(all[row]),
            Self::Singles(all) => f64::from(all[row]),
            Self::Doubles(all) => all[row],
        }
    }

    fn len(&self) -> usize {
        match self {
            Self::Bytes(all) => all.len(),
            Self::Singles(all) => all.len(),
            Self::Doubles(all) => all.len(),
        }
    }
}

/// Columns of one length.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Table {
    columns: Vec<Column>,
    rows: usize,
}

impl Table {
    /// So many empty columns.
    pub(crate) fn new(columns: usize) -> Self {
        Self { columns: vec![Column::Bytes(vec![]); columns], rows: 0 }
    }

    /// A table of rows that all have one length.
    pub(crate) fn of<R: IntoIterator<Item = f64>>(columns: usize, rows: impl IntoIterator<Item = R>) -> Self {
        let mut table = Self::new(columns);
        rows.into_iter().for_each(|row| table.push(row));
        table
    }

    /// Adds a row, one value a column.
    pub(crate) fn push(&mut self, row: impl IntoIterator<Item = f64>) {
        self.columns.iter_mut().zip(row).for_each(|(column, value)| column.push(value));
        self.rows += 1;
    }

    /// Rows.
    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    /// Columns.
    pub(crate) fn columns(&self) -> usize {
        self.columns.len()
    }

    /// A value.
    pub(crate) fn get(&self, row: usize, column: usize) -> f64 {
        self.columns[column].get(row)
    }

    /// A row.
    pub(crate) fn row(&self, row: usize) -> impl Iterator<Item = f64> {
        self.columns.iter().map(move |column| column.get(row))
    }

    /// Some of the rows and columns.
    pub(super) fn part(&self, rows: &[usize], columns: &[usize]) -> Self {
        let row = |row: &usize| {
            let row = *row;
            columns.iter().map(move |column| self.get(row, *column))
        };
        Self::of(columns.len(), rows.iter().map(row))
    }

    /// Replaces the values of a column by the places that numbers of words have.
    pub(super) fn renumber(&mut self, column: usize, places: &[usize]) {
        let old = std::mem::replace(&mut self.columns[column], Column::Bytes(vec![]));
        let place = |value: f64| if value.is_nan() { value } else { places[value as usize] as f64 };
        (0..old.len()).for_each(|row| self.columns[column].push(place(old.get(row))));
    }

    /// Adds the rows of a table with as many columns.
    pub(super) fn append(&mut self, other: &Self) {
        (0..other.rows).for_each(|row| self.push(other.row(row)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_comes_back_exactly_in_the_shortest_form() {
        let values = [0.0, 255.0, 256.0, -1.0, f64::NAN, 0.5, 0.1, 1e300, f64::from(f32::MAX)];
        for end in 1..=values.len() {
            let mut table = Table::new(1);
            values[..end].iter().for_each(|value| table.push([*value]));
            let back: Vec<u64> = (0..end).map(|row| table.get(row, 0).to_bits()).collect();
            assert_eq!(back, values[..end].iter().map(|value| value.to_bits()).collect::<Vec<_>>());
            let form = match table.columns[0] {
                Column::Bytes(_) => 1..=2,
                Column::Singles(_) => 3..=6,
                Column::Doubles(_) => 7..=9,
            };
            assert!(form.contains(&end), "{end}");
        }
    }

    #[test]
    fn parts_and_further_rows() {
        let mut table = Table::of(2, [[1.0, 2.0], [3.0, 4.5], [5.0, 6.0]]);
        table.renumber(0, &[9, 8, 9, 7, 9, 6]);
        assert_eq!(table.row(1).collect::<Vec<_>>(), [7.0, 4.5]);
        let part = table.part(&[2, 0], &[1]);
        assert_eq!((part.get(0, 0), part.get(1, 0), part.rows(), part.columns()), (6.0, 2.0, 2, 1));
        table.append(&Table::of(2, [[0.1, f64::NAN]]));
        assert!(table.get(3, 0) == 0.1 && table.get(3, 1).is_nan() && table.rows() == 4);
    }
}
