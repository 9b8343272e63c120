//! A report with one of everything, and what every format must show of it.

use std::path::Path;

use proofs_checks::Report;

use super::*;

/// A report as it would be read from disk.
pub(crate) fn example() -> Report {
    serde_json::from_str(include_str!("example.json")).expect("the example is a report")
}

#[test]
fn text_of_the_example() {
    let files = Files::new(Path::new("out"), &example());
    assert_eq!(render(&example(), Some(&files), Format::Text), include_str!("example.txt"));
}

#[test]
fn markdown_of_the_example() {
    assert_eq!(render(&example(), None, Format::Markdown), include_str!("example.md"));
}

#[test]
fn json_of_the_example_reads_back() {
    let json = render(&example(), None, Format::Json);
    assert_eq!(serde_json::from_str::<Vec<Report>>(&json).unwrap(), [example()]);
    assert_eq!(json::reports(&[]), "[]\n");
}

#[test]
fn csv_keeps_every_digit() {
    let csv = String::from_utf8(table_csv(&example().tables[0]).unwrap()).unwrap();
    assert_eq!(
        csv,
        "d,median T,note\n100,2.2222222222222223,\"small d, not asymptotic | yet\"\n10000000000,22222.222222222223,\n\
         1000000,,\n"
    );
}
