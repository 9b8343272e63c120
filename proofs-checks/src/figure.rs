//! Figures of a report: views of a table, drawn by the front end alone.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::Table;

/// A plot of some columns of a table against another one, or, with [`Figure::fill`], a map of cells.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Figure {
    /// Lower-case letters, digits and hyphens: also part of a file name.
    pub name: String,
    /// One line above the plot.
    pub title: String,
    /// The name of the table.
    pub table: String,
    /// The column on the horizontal axis.
    pub x: String,
    /// The columns drawn against it.
    pub series: Vec<String>,
    /// The scales of the horizontal and the vertical axis.
    pub scale: [Scale; 2],
    /// Reference lines.
    pub marks: Vec<Mark>,
    /// The column whose numbers colour the cells of a map: its columns are the distinct numbers of `x`, its rows those of the only series. Absent from lines, in JSON too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fill: Option<String>,
    /// Those of the series that are laws: dashed, without symbols, above the others, which they may cover. Absent where there are none, in JSON too.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub laws: Vec<String>,
    /// Those of the series whose rows have no order: symbols without a line. Absent where there are none, in JSON too.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub points: Vec<String>,
}

impl Figure {
    /// A view without marks.
    pub fn new<S: Into<String>>(
        name: impl Into<String>,
        title: impl Into<String>,
        table: impl Into<String>,
        x: impl Into<String>,
        series: impl IntoIterator<Item = S>,
        scale: [Scale; 2],
    ) -> Self {
        Self {
            name: name.into(),
            title: title.into(),
            table: table.into(),
            x: x.into(),
            series: series.into_iter().map(Into::into).collect(),
            scale,
            marks: Vec::new(),
            fill: None,
            laws: Vec::new(),
            points: Vec::new(),
        }
    }

    /// The same view with these series added as laws.
    pub fn with_laws<S: Into<String>>(mut self, laws: impl IntoIterator<Item = S>) -> Self {
        let laws: Vec<String> = laws.into_iter().map(Into::into).collect();
        self.series.extend(laws.iter().cloned());
        self.laws.extend(laws);
        self
    }

    /// The same view with these series added as points.
    pub fn with_points<S: Into<String>>(mut self, points: impl IntoIterator<Item = S>) -> Self {
        let points: Vec<String> = points.into_iter().map(Into::into).collect();
        self.series.extend(points.iter().cloned());
        self.points.extend(points);
        self
    }

    /// A map of cells at `x` and the only series, coloured by this column; marks have no place on it.
    pub fn with_fill(self, column: impl Into<String>) -> Self {
        Self { fill: Some(column.into()), ..self }
    }

    /// The same view with one more reference line; one that is not at a finite number is left out.
    pub fn with_mark(mut self, mark: Mark) -> Self {
        if mark.value.is_finite() {
            self.marks.push(mark);
        }
        self
    }

    /// The table of this view, with every column it names.
    ///
    /// # Errors
    /// The table or a column does not exist.
    pub fn table<'a>(&self, tables: &'a [Table]) -> Result<&'a Table, ViewError> {
        let table = tables
            .iter()
            .find(|table| table.name == self.table)
            .ok_or_else(|| ViewError::NoTable { figure: self.name.clone(), table: self.table.clone() })?;
        match std::iter::once(&self.x).chain(&self.series).chain(&self.fill).find(|name| table.column(name).is_none()) {
            None => Ok(table),
            Some(column) => Err(ViewError::NoColumn {
                figure: self.name.clone(),
                table: self.table.clone(),
                column: column.clone(),
            }),
        }
    }
}

/// How an axis maps numbers to lengths.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scale {
    /// Equal differences, equal lengths.
    Linear,
    /// Equal ratios, equal lengths; numbers ≤ 0 have no place.
    Log,
}

/// The axis on which a mark sits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Axis {
    /// The horizontal axis: the mark is a vertical line.
    X,
    /// The vertical axis: the mark is a horizontal line.
    Y,
}

/// A labelled reference line across the plot.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Mark {
    /// The axis that `value` is read on.
    pub axis: Axis,
    /// Where the line crosses it; finite.
    pub value: f64,
    /// A few words at the line.
    pub label: String,
}

impl Mark {
    /// A vertical line at `value`.
    pub fn x(value: f64, label: impl Into<String>) -> Self {
        Self { axis: Axis::X, value, label: label.into() }
    }

    /// A horizontal line at `value`.
    pub fn y(value: f64, label: impl Into<String>) -> Self {
        Self { axis: Axis::Y, value, label: label.into() }
    }
}

/// A figure or table that cannot be shown.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ViewError {
    /// A figure of a table that the report does not have.
    #[error("figure {figure} shows table {table}, which does not exist")]
    NoTable {
        /// The figure.
        figure: String,
        /// The missing table.
        table: String,
    },
    /// A figure of a column that its table does not have.
    #[error("figure {figure} shows column {column}, which table {table} does not have")]
    NoColumn {
        /// The figure.
        figure: String,
        /// Its table.
        table: String,
        /// The missing column.
        column: String,
    },
    /// A name that is empty, taken, or no part of a file name.
    #[error("{name:?} cannot name a table or figure: lower-case letters, digits and hyphens, each name once")]
    Name {
        /// The name.
        name: String,
    },
}

/// Whether `name` can be part of a file name: lower-case letters, digits and inner hyphens.
pub(crate) fn is_file_name_part(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with('-')
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Column;

    #[test]
    fn a_view_must_name_what_exists() {
        let tables = [Table::new("times", [Column::new("d", ""), Column::new("T", "")])];
        let figure = |table: &str, x: &str, y: &str| Figure::new("f", "", table, x, [y], [Scale::Log; 2]);
        assert!(figure("times", "d", "T").table(&tables).is_ok());
        assert!(matches!(figure("time", "d", "T").table(&tables), Err(ViewError::NoTable { .. })));
        assert!(matches!(figure("times", "D", "T").table(&tables), Err(ViewError::NoColumn { .. })));
        assert!(matches!(figure("times", "d", "t").table(&tables), Err(ViewError::NoColumn { .. })));
        assert!(figure("times", "d", "T").with_fill("d").table(&tables).is_ok());
        assert!(matches!(figure("times", "d", "T").with_fill("t").table(&tables), Err(ViewError::NoColumn { .. })));
    }

    /// Lines are written as before maps existed, and read from such a file.
    #[test]
    fn only_maps_have_a_fill_in_json() {
        let lines = Figure::new("f", "", "t", "d", ["T"], [Scale::Log; 2]);
        let text = serde_json::to_string(&lines).unwrap();
        assert!(!["fill", "laws", "points"].iter().any(|name| text.contains(name)), "{text}");
        assert_eq!(serde_json::from_str::<Figure>(&text).unwrap(), lines);
        let map = lines.with_fill("share");
        assert_eq!(serde_json::from_str::<Figure>(&serde_json::to_string(&map).unwrap()).unwrap(), map);
    }

    /// Laws and points are series, and their columns must exist.
    #[test]
    fn laws_and_points_are_series() {
        let figure = Figure::new("f", "", "t", "d", ["T"], [Scale::Log; 2]).with_laws(["law"]).with_points(["seen"]);
        assert_eq!(figure.series, ["T", "law", "seen"]);
        let columns = |heads: &[&str]| Table::new("t", heads.iter().map(|head| Column::new(*head, "")));
        assert!(figure.table(&[columns(&["d", "T", "law", "seen"])]).is_ok());
        assert!(figure.table(&[columns(&["d", "T", "law"])]).is_err());
        let text = serde_json::to_string(&figure).unwrap();
        assert_eq!(serde_json::from_str::<Figure>(&text).unwrap(), figure);
    }

    #[test]
    fn a_mark_at_no_number_is_left_out() {
        let figure = Figure::new("f", "", "t", "d", ["T"], [Scale::Log; 2]);
        let figure = figure.with_mark(Mark::x(f64::NAN, "")).with_mark(Mark::y(0.5, "half"));
        assert_eq!(serde_json::to_string(&figure.marks).unwrap(), r#"[{"axis":"y","value":0.5,"label":"half"}]"#);
    }
}
