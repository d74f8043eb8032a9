//! Operations on the rows of a tensor, in parallel.

use rayon::prelude::*;

use super::simd::{Kernel, Simd, dispatch};

/// Values per parallel task, in whole rows.
const CHUNK: usize = 1 << 14;

/// An operation on rows: `first` and `second` are inputs of one shape, `out` the result.
pub(crate) trait Rows: Sync {
    /// Row number `index`.
    fn row<S: Simd>(&self, simd: S, index: usize, first: &[f32], second: &[f32], out: &mut [f32]);
}

/// Applies `work` to every row of `length` values; the last row may be shorter.
pub(crate) fn each_row(work: &impl Rows, length: usize, first: &[f32], second: &[f32]) -> Vec<f32> {
    let mut out = vec![0f32; first.len()];
    if let Some(rows) = CHUNK.checked_div(length) {
        let rows = rows.max(1);
        let chunk = rows * length;
        let pieces = first.par_chunks(chunk).zip(second.par_chunks(chunk));
        let pieces = pieces.zip(out.par_chunks_mut(chunk)).enumerate();
        pieces.for_each(|(index, ((first, second), out))| {
            dispatch(Chunk(work, length, index * rows, first, second, out));
        });
    }
    out
}

/// The operation, the length of a row, the number of the first row, both inputs and the result.
struct Chunk<'a, T>(&'a T, usize, usize, &'a [f32], &'a [f32], &'a mut [f32]);

impl<T: Rows> Kernel for Chunk<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Self(work, length, start, first, second, out) = self;
        let rows = first.chunks(length).zip(second.chunks(length));
        for (index, ((first, second), out)) in rows.zip(out.chunks_mut(length)).enumerate() {
            work.row(simd, start + index, first, second, out);
        }
    }
}
