//! Multi-indices: the orders of a derivative by each of a number of parameters.

/// All `α` with `|α| ≤ order`, by ascending `|α|`; within a total those of the first parameters first.
pub(crate) fn multi_indices(parameters: usize, order: u32) -> Vec<Vec<u32>> {
    let mut indices = vec![vec![0; parameters]];
    let mut level = 0;
    for _ in 0..order {
        let end = indices.len();
        for k in level..end {
            // Each index once: raise only from the last parameter that it has on.
            let from = indices[k].iter().rposition(|n| *n > 0).unwrap_or(0);
            for by in from..parameters {
                let mut raised = indices[k].clone();
                raised[by] += 1;
                indices.push(raised);
            }
        }
        level = end;
    }
    indices
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `C(n + k, k)` of them, each once.
    #[test]
    fn each_index_is_there_once() {
        assert_eq!(multi_indices(2, 2), [[0, 0], [1, 0], [0, 1], [2, 0], [1, 1], [0, 2]]);
        let mut all = multi_indices(4, 3);
        assert_eq!(all.len(), 35);
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), 35);
        assert_eq!(multi_indices(0, 3), [[0_u32; 0]]);
    }
}
