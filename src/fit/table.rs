//! Data of a fit: a CSV file, read row by row.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use csv::{ByteRecord, ReaderBuilder};
use moe_theory::softmax::{ROWS, Spool};

use crate::interrupt::Interrupt;
use crate::status::Failure;

/// Largest size of a number: fourth powers, as the Hessian has them, stay far from overflow.
const LARGEST: f64 = 1e50;

/// Most inputs: the products of any two of a block of rows take `8·128·(d + 1)(d + 2)/2` bytes a thread, 134 MB here; a step takes the cube of the number of parameters, so that sixteen atoms of 64 inputs are minutes already.
const INPUTS: usize = 512;

/// Characters of a header or a field that a message shows.
const SHOWN: usize = 60;

/// A file whose header is read.
pub(super) struct Table {
    path: PathBuf,
    reader: csv::Reader<Lines>,
    /// For each column its input, from 0, or `d` for y.
    places: Vec<usize>,
}

impl Table {
    /// Opens a file and reads its header: `x1` to `xd` and `y`, in any order.
    pub(super) fn open(path: &Path) -> Result<Self, Failure> {
        Self::begin(path).with_context(|| path.display().to_string()).map_err(Failure::Input)
    }

    fn begin(path: &Path) -> anyhow::Result<Self> {
        let lines = Lines::new(BufReader::new(File::open(path).context("cannot be read")?));
        let mut reader = ReaderBuilder::new().has_headers(false).flexible(true).from_reader(lines);
        let mut header = ByteRecord::new();
        if !reader.read_byte_record(&mut header).context("cannot be read")? {
            return Err(anyhow!("found no header, allowed are columns x1, x2, … and y"));
        }
        let line = first_line(&reader, &header);
        one_line(line, &header)?;
        let name = |name| String::from_utf8_lossy(name).trim_start_matches('\u{feff}').trim().to_string();
        let names: Vec<String> = header.iter().map(name).collect();
        let places = places(&names).map_err(|error| anyhow!("line {line}{error}"))?;
        if places.len() > INPUTS + 1 {
            return Err(anyhow!("line {line}: found {} inputs, allowed are {INPUTS} or less", places.len() - 1));
        }
        Ok(Self { path: path.into(), reader, places })
    }

    /// `d`.
    pub(super) fn dimension(&self) -> usize {
        self.places.len() - 1
    }

    /// All rows.
    pub(super) fn read(mut self, interrupt: &Interrupt) -> Result<Spool, Failure> {
        let spool = |error: io::Error| Failure::Internal(anyhow!(error).context("a temporary file cannot be written"));
        let d = self.dimension();
        let mut builder = Spool::builder(d).map_err(spool)?;
        let (mut record, mut row) = (ByteRecord::new(), vec![0.0; d + 1]);
        for count in 0_usize.. {
            if count.is_multiple_of(ROWS) && interrupt.requested() {
                return Err(Failure::Interrupted);
            }
            let more = self.next(&mut record, &mut row).with_context(|| self.path.display().to_string());
            if !more.map_err(Failure::Input)? {
                break;
            }
            builder.push(&row[..d], row[d]).map_err(spool)?;
        }
        builder.finish().map_err(spool)
    }

    /// The numbers of the next row, inputs first; whether there is one.
    fn next(&mut self, record: &mut ByteRecord, row: &mut [f64]) -> anyhow::Result<bool> {
        if !self.reader.read_byte_record(record).context("cannot be read")? {
            return Ok(false);
        }
        let line = first_line(&self.reader, record);
        one_line(line, record)?;
        let d = self.dimension();
        let name = |place: usize| if place == d { "y".into() } else { format!("x{}", place + 1) };
        if record.len() != self.places.len() {
            let missing = self.places.get(record.len()).map(|place| format!("; column {} is missing", name(*place)));
            return Err(anyhow!(
                "line {line}: found {} values, allowed are {}, one a column of the header{}",
                record.len(),
                self.places.len(),
                missing.unwrap_or_default()
            ));
        }
        for (field, &place) in record.iter().map(<[u8]>::trim_ascii).zip(&self.places) {
            let number = std::str::from_utf8(field).ok().and_then(|text| text.parse::<f64>().ok());
            row[place] = number.filter(|number| number.abs() <= LARGEST).ok_or_else(|| {
                let found = if field.is_empty() { "nothing".into() } else { quoted(&String::from_utf8_lossy(field)) };
                anyhow!(
                    "line {line}, column {}: found {found}, allowed is a finite number, at most 1e50 in size",
                    name(place)
                )
            })?;
        }
        Ok(true)
    }
}

/// For each name its input, from 0, or `d` for y. An error goes on from "line 1".
fn places(names: &[String]) -> Result<Vec<usize>, String> {
    let input = |name: &str| {
        let digits = name.strip_prefix('x').filter(|digits| !digits.starts_with(['0', '+']))?;
        digits.parse::<usize>().ok()
    };
    let mut places = Vec::with_capacity(names.len());
    let d = names.len().saturating_sub(1);
    for (column, name) in names.iter().enumerate() {
        let found = |what: &str| format!(", column {}: found {}{what}", column + 1, quoted(name));
        if names[..column].contains(name) {
            return Err(found(" once more, allowed is each name once"));
        }
        places.push(match input(name) {
            Some(u) => u - 1,
            None if name == "y" => d,
            None => return Err(found(", allowed are x1, x2, … and y")),
        });
    }
    if !names.iter().any(|name| name == "y") {
        return Err(": found no column y, allowed are x1, x2, … and y".into());
    }
    match (1..=d.max(1)).find(|u| !names.contains(&format!("x{u}"))) {
        Some(u) => Err(format!(": found no column x{u}, allowed are x1, x2, … without a gap, and y")),
        None => Ok(places),
    }
}

/// The line on which the record begins that was read last: the one that ended before the reader's place, less the ends of lines inside of its fields. A quote that is open at the end of the file has the end of the last line in it.
fn first_line(reader: &csv::Reader<Lines>, record: &ByteRecord) -> u64 {
    let inside = record.as_slice().iter().filter(|byte| **byte == b'\n').count();
    let open = reader.get_ref().has_open_quote() && record.as_slice().ends_with(b"\n");
    reader.position().line() - u64::from(!open) - inside as u64
}

/// An error where a quote goes on beyond its line.
fn one_line(line: u64, record: &ByteRecord) -> anyhow::Result<()> {
    if record.as_slice().contains(&b'\n') {
        return Err(anyhow!("line {line}: found a quote that does not end on its line"));
    }
    Ok(())
}

/// In quotes, as far as a message has room for it.
fn quoted(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{:?}…", &text[..end]),
        None => format!("{text:?}"),
    }
}

/// A file whose lines, the last one too, end in a line feed, also where they ended in a carriage return or in both: then the line of a record is the one before the reader's place.
struct Lines {
    file: BufReader<File>,
    /// The byte before, as it was in the file.
    last: u8,
    /// Whether the quotes so far are odd in number.
    odd_quotes: bool,
    at_end: bool,
}

impl Lines {
    fn new(file: BufReader<File>) -> Self {
        Self { file, last: b'\n', odd_quotes: false, at_end: false }
    }

    /// Whether the file ended within quotes.
    fn has_open_quote(&self) -> bool {
        self.at_end && self.odd_quotes
    }
}

impl Read for Lines {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut given = 0;
        while given == 0 && !buffer.is_empty() {
            let bytes = self.file.fill_buf()?;
            if bytes.is_empty() {
                self.at_end = true;
                // A line that the file does not end is ended.
                if !matches!(self.last, b'\r' | b'\n') {
                    (self.last, buffer[0], given) = (b'\n', b'\n', 1);
                }
                break;
            }
            let taken = bytes.len().min(buffer.len());
            for &byte in &bytes[..taken] {
                // The carriage return was the end of the line already.
                if !(self.last == b'\r' && byte == b'\n') {
                    buffer[given] = if byte == b'\r' { b'\n' } else { byte };
                    given += 1;
                }
                self.last = byte;
                self.odd_quotes ^= byte == b'"';
            }
            self.file.consume(taken);
        }
        Ok(given)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_has_each_input_once_and_y() {
        let outcome = |header: &str| places(&header.split(',').map(String::from).collect::<Vec<_>>());
        assert_eq!(outcome("x1,y"), Ok(vec![0, 1]));
        assert_eq!(outcome("x3,y,x1,x2"), Ok(vec![2, 3, 0, 1]));
        for (header, expected) in [
            ("x1,z,y", ", column 2: found \"z\", allowed are x1, x2, … and y"),
            ("x0,y", ", column 1: found \"x0\", allowed are x1, x2, … and y"),
            ("x01,y", ", column 1: found \"x01\", allowed are x1, x2, … and y"),
            ("x+1,y", ", column 1: found \"x+1\", allowed are x1, x2, … and y"),
            ("x1;y", ", column 1: found \"x1;y\", allowed are x1, x2, … and y"),
            ("x1,y,x1", ", column 3: found \"x1\" once more, allowed is each name once"),
            ("x1,x2", ": found no column y, allowed are x1, x2, … and y"),
            ("x1,x3,y", ": found no column x2, allowed are x1, x2, … without a gap, and y"),
            ("y", ": found no column x1, allowed are x1, x2, … without a gap, and y"),
            ("x2,y", ": found no column x1, allowed are x1, x2, … without a gap, and y"),
        ] {
            assert_eq!(outcome(header), Err(expected.into()), "{header}");
        }
    }
}
