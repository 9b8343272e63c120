//! Tables of a report.

use serde::{Deserialize, Serialize};

/// A named table with one unit a column.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Table {
    /// Lower-case letters, digits and hyphens: also part of a file name.
    pub name: String,
    /// The columns, left to right.
    pub columns: Vec<Column>,
    /// The rows, each as long as `columns`.
    pub rows: Vec<Vec<Cell>>,
}

impl Table {
    /// An empty table.
    ///
    /// ```
    /// use proofs_checks::{Column, Table};
    /// let mut table = Table::new("times", [Column::new("d", ""), Column::new("T", "time")]);
    /// table.push([100_u64.into(), 22.5.into()]);
    /// assert_eq!(table.rows.len(), 1);
    /// ```
    pub fn new(name: impl Into<String>, columns: impl IntoIterator<Item = Column>) -> Self {
        Self { name: name.into(), columns: columns.into_iter().collect(), rows: Vec::new() }
    }

    /// Appends a row; missing cells are null, surplus ones are dropped (a debug build refuses both).
    pub fn push(&mut self, row: impl IntoIterator<Item = Cell>) {
        let mut row: Vec<Cell> = row.into_iter().collect();
        debug_assert_eq!(row.len(), self.columns.len(), "table {}", self.name);
        row.resize(self.columns.len(), Cell::Null);
        self.rows.push(row);
    }

    /// The position of the column with this name.
    pub fn column(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column.name == name)
    }
}

/// The head of a column.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Column {
    /// The symbol or word.
    pub name: String,
    /// The unit; empty for a pure number or text.
    pub unit: String,
}

impl Column {
    /// A column head.
    pub fn new(name: impl Into<String>, unit: impl Into<String>) -> Self {
        Self { name: name.into(), unit: unit.into() }
    }
}

/// One entry of a table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Cell {
    /// Nothing to say, or a number that is not finite.
    Null,
    /// An integer, exact.
    Integer(i64),
    /// A finite number; `From<f64>` puts null in place of any other.
    Number(f64),
    /// Text.
    Text(String),
}

impl Cell {
    /// The entry as a finite number.
    pub fn number(&self) -> Option<f64> {
        match *self {
            Self::Integer(value) => Some(value as f64),
            Self::Number(value) => Some(value).filter(|value| value.is_finite()),
            Self::Null | Self::Text(_) => None,
        }
    }
}

impl From<f64> for Cell {
    fn from(value: f64) -> Self {
        if value.is_finite() { Self::Number(value) } else { Self::Null }
    }
}

impl From<i64> for Cell {
    fn from(value: i64) -> Self {
        Self::Integer(value)
    }
}

impl From<u32> for Cell {
    fn from(value: u32) -> Self {
        Self::Integer(value.into())
    }
}

/// Exact up to 2⁶³ − 1, rounded to the nearest number beyond.
impl From<u64> for Cell {
    fn from(value: u64) -> Self {
        i64::try_from(value).map_or(Self::Number(value as f64), Self::Integer)
    }
}

impl From<usize> for Cell {
    fn from(value: usize) -> Self {
        (value as u64).into()
    }
}

impl From<&str> for Cell {
    fn from(value: &str) -> Self {
        Self::Text(value.into())
    }
}

impl From<String> for Cell {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}

impl<T: Into<Cell>> From<Option<T>> for Cell {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Integers must not turn into floats on the way through JSON, nor whole floats into integers.
    #[test]
    fn cells_read_back_as_what_they_were() {
        let cells: [Cell; 7] = [
            1_i64.into(),
            1.0.into(),
            1e-300.into(),
            f64::NAN.into(),
            None::<f64>.into(),
            "NaN".into(),
            u64::MAX.into(),
        ];
        let json = serde_json::to_string(&cells).unwrap();
        assert_eq!(json, r#"[1,1.0,1e-300,null,null,"NaN",1.8446744073709552e+19]"#);
        assert_eq!(serde_json::from_str::<[Cell; 7]>(&json).unwrap(), cells);
    }
}
