//! Unit vectors of which starts and teachers are made by hand: on an axis of the coordinates, or beside some of them.

/// The axis `k` of so many coordinates.
pub(crate) fn axis(coordinates: usize, k: usize) -> Vec<f64> {
    beside(coordinates, &[], k)
}

/// The unit vector with these overlaps, `(axis, overlap)` of squares summing to 1 at most, and the rest of it along `own`.
pub(crate) fn beside(coordinates: usize, overlaps: &[(usize, f64)], own: usize) -> Vec<f64> {
    let mut row = vec![0.0; coordinates];
    row[own] = overlaps.iter().fold(1.0, |rest: f64, (_, overlap)| rest - overlap * overlap).sqrt();
    for &(k, overlap) in overlaps {
        row[k] = overlap;
    }
    row
}
