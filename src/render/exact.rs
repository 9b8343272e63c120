//! Tables for programs: every digit, no units.

use proofs_checks::{Cell, Table};

/// A table as CSV: one header line of column names; null is empty; a number is the shortest text that parses back.
pub(crate) fn table_csv(table: &Table) -> Result<Vec<u8>, csv::Error> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(table.columns.iter().map(|column| &column.name))?;
    for row in &table.rows {
        writer.write_record(row.iter().map(|cell| match cell {
            Cell::Null => String::new(),
            Cell::Integer(value) => value.to_string(),
            Cell::Number(value) => format!("{value:?}"),
            Cell::Text(text) => text.clone(),
        }))?;
    }
    writer.into_inner().map_err(|error| error.into_error().into())
}
