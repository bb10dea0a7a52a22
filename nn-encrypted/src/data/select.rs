//! A part of a data set: some of its features, one of its classes against the others.

use super::columns::no_column;
use super::limits::{listed, values};
use super::{DataError, Dataset};

/// The columns of those names, all if there are none; with `positive`, the classes `other` and that one.
pub(super) fn chosen(
    mut data: Dataset,
    columns: &[String],
    positive: Option<&str>,
) -> Result<Dataset, DataError> {
    if !columns.is_empty() {
        with_columns(&mut data, columns)?;
    }
    if let Some(class) = positive {
        against_others(&mut data, class)?;
    }
    Ok(data)
}

fn with_columns(data: &mut Dataset, columns: &[String]) -> Result<(), DataError> {
    let features = data.schema.names();
    let place = |column: &String| {
        features.iter().position(|name| name == column).ok_or_else(|| {
            no_column(&format!("data set {}", data.name), column, features.iter().map(String::as_str))
        })
    };
    values(data.table.rows(), columns.len()).map_err(|what| DataError::Setting {
        set: data.name.clone(),
        what: format!("data.columns: {what}"),
    })?;
    let places = columns.iter().map(place).collect::<Result<Vec<_>, _>>()?;
    data.schema.chosen(&places, &mut data.table);
    data.sides = None;
    Ok(())
}

fn against_others(data: &mut Dataset, class: &str) -> Result<(), DataError> {
    let classes = &data.schema.classes;
    let place = classes.iter().position(|name| name == class).ok_or_else(|| DataError::Setting {
        set: data.name.clone(),
        what: format!(
            "data.positive = {class:?}; the classes are {}",
            listed(classes.iter().map(String::as_str))
        ),
    })?;
    data.labels.iter_mut().for_each(|label| *label = usize::from(*label == place));
    data.schema.classes = vec!["other".to_owned(), class.to_owned()];
    data.schema.rest = true;
    Ok(())
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
        assert_eq!(
            (data.x().dim(), data.x()[(0, 0)], data.schema.names()),
            ((150, 1), 1.4, columns.to_vec())
        );
        assert_eq!(data.labels.iter().sum::<usize>(), 50);
        assert_eq!(data.schema.classes, ["other", "virginica"]);
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
