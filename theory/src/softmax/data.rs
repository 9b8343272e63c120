//! Samples `(x_n, y_n)` in chunks: what a pass over the data reads, whatever holds it.
//!
//! A chunk has [`ROWS`] rows (the last one what is left) and is column-major inside: `x_1` of all its rows, …, `x_d` of all its rows, then `y`. A kernel reads each
//! column with unit stride, and a pass needs one chunk in memory. Three sources give the same chunks bit for bit: [`Sample`] (memory), [`Spool`](super::Spool) (a
//! file)
//! and [`Generated`](super::Generated) (drawn again on every pass).

use std::io;

/// Rows of a full chunk: 32 KiB a column, so that a few columns stay in the second-level cache.
pub const ROWS: usize = 4096;

/// A view of one chunk.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Chunk<'a> {
    /// `d` columns of `y.len()` rows each, one after the other.
    pub columns: &'a [f64],
    /// The responses.
    pub y: &'a [f64],
}

impl<'a> Chunk<'a> {
    /// Splits `d` columns of inputs and the column of responses, as they lie in one slice.
    pub(super) fn new(all: &'a [f64], dimension: usize) -> Self {
        let (columns, y) = all.split_at(all.len() / (dimension + 1) * dimension);
        Self { columns, y }
    }

    /// Writes `x` of one row into `x`, which has `d` entries.
    pub fn input(&self, row: usize, x: &mut [f64]) {
        let rows = self.y.len();
        x.iter_mut().enumerate().for_each(|(u, x)| *x = self.columns[u * rows + row]);
    }
}

/// Data that can be read chunk by chunk, any number of times and from several threads.
pub trait Source: Sync {
    /// `d`.
    fn dimension(&self) -> usize;

    /// `n`.
    fn rows(&self) -> usize;

    /// Chunk `index < chunks()`. `scratch` is space that an implementation may use; its contents before and after mean nothing.
    ///
    /// # Errors
    /// What reading a file may raise.
    ///
    /// # Panics
    /// If there is no such chunk.
    fn chunk<'a>(&'a self, index: usize, scratch: &'a mut Vec<f64>) -> io::Result<Chunk<'a>>;

    /// Number of chunks, `⌈n/4096⌉`.
    fn chunks(&self) -> usize {
        self.rows().div_ceil(ROWS)
    }
}

/// Rows of chunk `index` of `rows` in all.
///
/// # Panics
/// If there is no such chunk.
pub(super) fn rows_of(index: usize, rows: usize) -> usize {
    assert!(index < rows.div_ceil(ROWS), "chunk {index} of {} rows", rows);
    ROWS.min(rows - index * ROWS)
}

/// Room in the front of `scratch` for the numbers of a chunk.
pub(super) fn in_scratch(scratch: &mut Vec<f64>, rows: usize, dimension: usize) -> &mut [f64] {
    let length = rows * (dimension + 1);
    if scratch.len() < length {
        scratch.resize(length, 0.0);
    }
    &mut scratch[..length]
}

/// Turns rows that arrive one at a time into chunks.
#[derive(Clone, Debug)]
pub(super) struct Transposer {
    dimension: usize,
    filled: usize,
    /// `d + 1` columns of [`ROWS`] places.
    buffer: Vec<f64>,
}

impl Transposer {
    pub(super) fn new(dimension: usize) -> Self {
        Self { dimension, filled: 0, buffer: vec![0.0; (dimension + 1) * ROWS] }
    }

    /// Adds a row; the numbers of a chunk when it is full.
    pub(super) fn push(&mut self, x: &[f64], y: f64) -> Option<&[f64]> {
        assert_eq!(x.len(), self.dimension, "inputs of a row");
        for (column, &value) in x.iter().chain([&y]).enumerate() {
            self.buffer[column * ROWS + self.filled] = value;
        }
        self.filled = (self.filled + 1) % ROWS;
        (self.filled == 0).then_some(&self.buffer)
    }

    /// The numbers of the last, shorter chunk: empty if all chunks were full.
    pub(super) fn rest(&mut self) -> &[f64] {
        for column in 1..=self.dimension {
            self.buffer.copy_within(column * ROWS..column * ROWS + self.filled, column * self.filled);
        }
        &self.buffer[..(self.dimension + 1) * self.filled]
    }
}

/// A sample in memory.
///
/// ```
/// use moe_theory::softmax::{Sample, Source};
/// let mut builder = Sample::builder(2);
/// builder.push(&[1.0, 2.0], 10.0);
/// builder.push(&[3.0, 4.0], 20.0);
/// let sample = builder.finish();
/// let mut scratch = Vec::new();
/// let chunk = sample.chunk(0, &mut scratch)?;
/// assert_eq!((chunk.columns, chunk.y), (&[1.0, 3.0, 2.0, 4.0][..], &[10.0, 20.0][..]));
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    dimension: usize,
    rows: usize,
    /// The chunks one after the other.
    numbers: Vec<f64>,
}

impl Sample {
    /// A sample that grows row by row.
    pub fn builder(dimension: usize) -> SampleBuilder {
        SampleBuilder { transposer: Transposer::new(dimension), rows: 0, numbers: Vec::new() }
    }

    /// All rows of another source.
    ///
    /// # Errors
    /// Those of the source.
    pub fn collect(source: &impl Source) -> io::Result<Self> {
        let (dimension, rows) = (source.dimension(), source.rows());
        let mut numbers = Vec::with_capacity(rows * (dimension + 1));
        let mut scratch = Vec::new();
        for index in 0..source.chunks() {
            let chunk = source.chunk(index, &mut scratch)?;
            numbers.extend_from_slice(chunk.columns);
            numbers.extend_from_slice(chunk.y);
        }
        Ok(Self { dimension, rows, numbers })
    }
}

impl Source for Sample {
    fn dimension(&self) -> usize {
        self.dimension
    }

    fn rows(&self) -> usize {
        self.rows
    }

    fn chunk<'a>(&'a self, index: usize, _: &'a mut Vec<f64>) -> io::Result<Chunk<'a>> {
        let start = index * ROWS * (self.dimension + 1);
        let length = rows_of(index, self.rows) * (self.dimension + 1);
        Ok(Chunk::new(&self.numbers[start..start + length], self.dimension))
    }
}

/// Rows on their way into a [`Sample`].
#[derive(Clone, Debug)]
pub struct SampleBuilder {
    transposer: Transposer,
    rows: usize,
    numbers: Vec<f64>,
}

impl SampleBuilder {
    /// Adds a row. Numbers are taken as they are, infinite ones too.
    ///
    /// # Panics
    /// If `x` does not have `d` entries.
    pub fn push(&mut self, x: &[f64], y: f64) {
        self.rows += 1;
        if let Some(chunk) = self.transposer.push(x, y) {
            self.numbers.extend_from_slice(chunk);
        }
    }

    /// The sample.
    pub fn finish(mut self) -> Sample {
        self.numbers.extend_from_slice(self.transposer.rest());
        Sample { dimension: self.transposer.dimension, rows: self.rows, numbers: self.numbers }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every row comes back where it was put, at lengths around the chunk's edges.
    #[test]
    fn rows_keep_their_order() {
        for rows in [0, 1, ROWS - 1, ROWS, ROWS + 1, 2 * ROWS, 2 * ROWS + 17] {
            let mut builder = Sample::builder(3);
            let value = |row: usize, column: usize| (row * 4 + column) as f64;
            (0..rows).for_each(|row| builder.push(&[value(row, 0), value(row, 1), value(row, 2)], value(row, 3)));
            let sample = builder.finish();
            assert_eq!((sample.rows(), sample.chunks()), (rows, rows.div_ceil(ROWS)));
            let mut seen = 0;
            for index in 0..sample.chunks() {
                let mut scratch = Vec::new();
                let chunk = sample.chunk(index, &mut scratch).unwrap();
                assert_eq!(chunk.columns.len(), 3 * chunk.y.len());
                for (row, &y) in chunk.y.iter().enumerate() {
                    let mut x = [0.0; 3];
                    chunk.input(row, &mut x);
                    assert_eq!((x, y), ([value(seen, 0), value(seen, 1), value(seen, 2)], value(seen, 3)));
                    seen += 1;
                }
            }
            assert_eq!(seen, rows);
            assert_eq!(Sample::collect(&sample).unwrap(), sample);
        }
    }
}
