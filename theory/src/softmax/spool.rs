//! A sample in a temporary file, for data that do not fit in memory.

use super::ROWS;
use super::data::{Chunk, Source, Transposer, in_scratch, rows_of};
use std::fs::File;
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::sync::{Mutex, PoisonError};

/// A sample in an unnamed temporary file, which the system removes with the value.
///
/// The file holds the chunks one after the other, each number as eight little-endian bytes. Reads take turns: a chunk is a copy out of the page cache, far
/// shorter than
/// the work on its rows.
///
/// ```
/// use moe_theory::softmax::{Source, Spool};
/// let mut builder = Spool::builder(1)?;
/// builder.push(&[0.5], 2.0)?;
/// let spool = builder.finish()?;
/// let mut scratch = Vec::new();
/// assert_eq!(spool.chunk(0, &mut scratch)?.y, [2.0]);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct Spool {
    dimension: usize,
    rows: usize,
    file: Mutex<File>,
}

impl Spool {
    /// A spool that grows row by row, in the system's directory for temporary files.
    ///
    /// # Errors
    /// If no file can be made there.
    pub fn builder(dimension: usize) -> io::Result<SpoolBuilder> {
        let file = BufWriter::new(tempfile::tempfile()?);
        Ok(SpoolBuilder { transposer: Transposer::new(dimension), dimension, rows: 0, file })
    }
}

impl Source for Spool {
    fn dimension(&self) -> usize {
        self.dimension
    }

    fn rows(&self) -> usize {
        self.rows
    }

    fn chunk<'a>(&'a self, index: usize, scratch: &'a mut Vec<f64>) -> io::Result<Chunk<'a>> {
        let all = in_scratch(scratch, rows_of(index, self.rows), self.dimension);
        let mut bytes = vec![0; 8 * all.len()];
        {
            // Another thread's panic leaves the file as it was: every read seeks first.
            let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
            file.seek(SeekFrom::Start(8 * (index * ROWS * (self.dimension + 1)) as u64))?;
            file.read_exact(&mut bytes)?;
        }
        for (number, bytes) in all.iter_mut().zip(bytes.as_chunks().0) {
            *number = f64::from_le_bytes(*bytes);
        }
        Ok(Chunk::new(all, self.dimension))
    }
}

/// Rows on their way into a [`Spool`].
#[derive(Debug)]
pub struct SpoolBuilder {
    transposer: Transposer,
    dimension: usize,
    rows: usize,
    file: BufWriter<File>,
}

impl SpoolBuilder {
    /// Adds a row.
    ///
    /// # Errors
    /// If the file cannot be written, for want of space say.
    ///
    /// # Panics
    /// If `x` does not have `d` entries.
    pub fn push(&mut self, x: &[f64], y: f64) -> io::Result<()> {
        self.rows += 1;
        self.transposer.push(x, y).map_or(Ok(()), |chunk| write(&mut self.file, chunk))
    }

    /// The sample.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn finish(mut self) -> io::Result<Spool> {
        write(&mut self.file, self.transposer.rest())?;
        let file = self.file.into_inner().map_err(io::IntoInnerError::into_error)?;
        Ok(Spool { dimension: self.dimension, rows: self.rows, file: Mutex::new(file) })
    }
}

fn write(file: &mut impl Write, numbers: &[f64]) -> io::Result<()> {
    numbers.iter().try_for_each(|number| file.write_all(&number.to_le_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::softmax::Sample;

    /// The same rows through a file and through memory: the same bits, signed zeros, subnormals and NaN included.
    #[test]
    fn a_file_holds_what_memory_holds() {
        for rows in [1, ROWS - 1, ROWS, 2 * ROWS + 17] {
            let mut memory = Sample::builder(2);
            let mut spool = Spool::builder(2).unwrap();
            for row in 0..rows {
                let odd = [-0.0, f64::MIN_POSITIVE / 8.0, f64::NAN, 1.0 / 3.0][row % 4];
                let x = [(row as f64).sqrt(), odd];
                memory.push(&x, -(row as f64));
                spool.push(&x, -(row as f64)).unwrap();
            }
            let (memory, spool) = (memory.finish(), spool.finish().unwrap());
            assert_eq!(spool.rows(), rows);
            let (mut first, mut second) = (Vec::new(), Vec::new());
            // Backwards, so that a read that relied on the position of the last one would fail.
            for index in (0..memory.chunks()).rev() {
                let (a, b) = (memory.chunk(index, &mut first).unwrap(), spool.chunk(index, &mut second).unwrap());
                let bits = |numbers: &[f64]| numbers.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
                assert_eq!((bits(a.columns), bits(a.y)), (bits(b.columns), bits(b.y)));
            }
        }
    }
}
