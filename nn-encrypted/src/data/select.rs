//! A part of a data set: some of its features, one of its classes against the others.

use ndarray::Axis;

use super::columns::{by_name, no_column};
use super::limits::{listed, values};
use super::{DataError, Dataset};

/// The columns of those names, all if there are none; with `positive`, the classes `other` and that one.
pub(super) fn chosen(
    data: Dataset,
    columns: &[String],
    positive: Option<&str>,
) -> Result<Dataset, DataError> {
    let data = if columns.is_empty() { data } else { with_columns(data, columns)? };
    match positive {
        Some(class) => against_others(data, class),
        None => Ok(data),
    }
}

fn with_columns(data: Dataset, columns: &[String]) -> Result<Dataset, DataError> {
    let features = by_name(data.features.iter().map(String::as_str));
    let place = |column: &String| {
        features.get(column.as_str()).copied().ok_or_else(|| {
            no_column(&format!("data set {}", data.name), column, data.features.iter().map(String::as_str))
        })
    };
    values(data.x.nrows(), columns.len()).map_err(|what| DataError::Setting {
        set: data.name.clone(),
        what: format!("data.columns: {what}"),
    })?;
    let places = columns.iter().map(place).collect::<Result<Vec<_>, _>>()?;
    Ok(Dataset { x: data.x.select(Axis(1), &places), features: columns.to_vec(), sides: None, ..data })
}

fn against_others(data: Dataset, class: &str) -> Result<Dataset, DataError> {
    let place = data.classes.iter().position(|name| name == class).ok_or_else(|| DataError::Setting {
        set: data.name.clone(),
        what: format!(
            "data.positive = {class:?}; the classes are {}",
            listed(data.classes.iter().map(String::as_str))
        ),
    })?;
    let labels = data.labels.iter().map(|&label| usize::from(label == place)).collect();
    Ok(Dataset { classes: vec!["other".to_owned(), class.to_owned()], labels, ..data })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::iris;

    #[test]
    fn some_pixels_are_no_image() {
        let data = crate::data::digits().unwrap();
        assert_eq!(chosen(data.clone(), &[], Some("3")).unwrap().sides, Some([8, 8]));
        assert_eq!(chosen(data, &["pixel_1_2".to_owned()], None).unwrap().sides, None);
    }

    #[test]
    fn one_column_and_one_class_of_iris() {
        let columns = ["petal_length".to_owned()];
        let data = chosen(iris().unwrap(), &columns, Some("virginica")).unwrap();
        assert_eq!((data.x.dim(), data.x[(0, 0)], data.features), ((150, 1), 1.4, columns.to_vec()));
        assert_eq!(data.labels.iter().sum::<usize>(), 50);
        assert_eq!(data.classes, ["other", "virginica"]);
        assert_eq!(chosen(iris().unwrap(), &[], None).unwrap(), iris().unwrap());
        let error = chosen(iris().unwrap(), &["stem".to_owned()], None).unwrap_err().to_string();
        assert!(
            error.starts_with("data set iris: no column `stem`; the columns are sepal_length"),
            "{error}"
        );
        let error = chosen(iris().unwrap(), &[], Some("rose")).unwrap_err().to_string();
        assert!(
            error.starts_with("data set iris: data.positive = \"rose\"; the classes are setosa"),
            "{error}"
        );
    }
}
