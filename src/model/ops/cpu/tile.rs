//! The inner loop of convolution and linear layers: a tile of rows × vectors of the result is kept
//! in registers while the inputs stream past.

use super::simd::Simd;

/// Largest number of rows of a panel.
pub(crate) const HIGHEST: usize = 8;

/// Largest number of lanes of a vector.
pub(crate) const LONGEST: usize = 16;

/// Rows of a weight panel for `outputs` rows in all: those of the register tile with the least padding.
pub(crate) fn panel_rows(outputs: usize, lanes: usize) -> usize {
    let candidates: &[usize] = match lanes {
        16 => &[8, 6, 4],
        8 => &[4, 6],
        _ => &[4],
    };
    let padded = |rows: &usize| outputs.div_ceil(*rows) * rows;
    candidates.iter().copied().min_by_key(padded).unwrap_or(4)
}

/// One panel of results: row m at position p is
/// bias\[m\] + Σₖ weights\[k·rows + m\] · input\[offsets\[k\] + p\] (+ residual).
pub(crate) struct Panel<'a> {
    /// Rows, one of the values of [`panel_rows`].
    pub(crate) rows: usize,
    /// Offset in `input` of each term of the sum, for position 0.
    pub(crate) offsets: &'a [usize],
    /// `rows` weights per term.
    pub(crate) weights: &'a [f32],
    /// Initial value of each row.
    pub(crate) bias: [f32; HIGHEST],
    pub(crate) input: &'a [f32],
    /// Added to the results, row after row in the order of the output; empty: nothing.
    pub(crate) residual: &'a [f32],
    /// Stride between rows of `residual`.
    pub(crate) residual_row: usize,
    /// Whether negative results become zero.
    pub(crate) relu: bool,
}

/// One vector of consecutive outputs: its first position in the input and in each output row.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OutputVector {
    pub(crate) from: usize,
    pub(crate) to: usize,
}

/// Vectors in a whole tile of `rows` rows: as many as the registers hold.
#[inline(always)]
pub(crate) fn tile_vectors<S: Simd>(rows: usize) -> usize {
    match (S::LANES, rows) {
        (16, 8) => 3,
        (16, 6) => 4,
        (16, _) => 6,
        (8, 6) => 2,
        (8, _) => 3,
        _ => 2,
    }
}

/// Computes `panel` at `spots` into `out`, one slice a row; rows beyond the end of `out` are
/// dropped. There are either [`tile_vectors`] spots or one.
#[inline(always)]
pub(crate) fn tile<S: Simd>(
    simd: S,
    panel: &Panel<'_>,
    spots: &[OutputVector],
    out: &mut [&mut [f32]],
) {
    match (S::LANES, panel.rows, spots.len()) {
        (_, 8, 1) => registers::<S, 8, 1>(simd, panel, spots, out),
        (_, 6, 1) => registers::<S, 6, 1>(simd, panel, spots, out),
        (_, _, 1) => registers::<S, 4, 1>(simd, panel, spots, out),
        (16, 8, _) => registers::<S, 8, 3>(simd, panel, spots, out),
        (16, 6, _) => registers::<S, 6, 4>(simd, panel, spots, out),
        (16, _, _) => registers::<S, 4, 6>(simd, panel, spots, out),
        (8, 6, _) => registers::<S, 6, 2>(simd, panel, spots, out),
        (8, _, _) => registers::<S, 4, 3>(simd, panel, spots, out),
        _ => registers::<S, 4, 2>(simd, panel, spots, out),
    }
}

/// Stores the sums of each listed row below `rows`. Spelled out because compilers do not unroll a
/// loop of this size.
macro_rules! finish {
    ($simd:ident, $panel:ident, $spots:ident, $out:ident, $sums:ident, $floor:ident, $rows:ident;
     $($row:literal)*) => {$(
        if let (true, Some(out)) = ($row < $rows, $out.get_mut($row)) {
            for vector in 0..VECTORS {
                let to = $spots[vector].to;
                let mut sum = $sums[$row % $rows][vector];
                if !$panel.residual.is_empty() {
                    let residual = $simd.load(&$panel.residual[$row * $panel.residual_row + to..]);
                    sum = $simd.mul_add(residual, $simd.splat(1.0), sum);
                }
                $simd.store($simd.max(sum, $floor), &mut out[to..]);
            }
        }
    )*};
}

/// The sums live in registers only as long as every loop over them is unrolled whole: constant
/// bounds, and no library function that takes a closure.
#[inline(always)]
#[allow(clippy::needless_range_loop)]
fn registers<S: Simd, const ROWS: usize, const VECTORS: usize>(
    simd: S,
    panel: &Panel<'_>,
    spots: &[OutputVector],
    out: &mut [&mut [f32]],
) {
    let mut sums = [[simd.splat(0.0); VECTORS]; ROWS];
    let mut from = [0; VECTORS];
    for vector in 0..VECTORS {
        from[vector] = spots[vector].from;
    }
    for row in 0..ROWS {
        sums[row] = [simd.splat(panel.bias[row]); VECTORS];
    }
    for (offset, weights) in panel.offsets.iter().zip(panel.weights.chunks_exact(ROWS)) {
        let mut input = [simd.splat(0.0); VECTORS];
        for vector in 0..VECTORS {
            input[vector] = simd.load(&panel.input[offset + from[vector]..]);
        }
        for row in 0..ROWS {
            let weight = simd.splat(weights[row]);
            for vector in 0..VECTORS {
                sums[row][vector] = simd.mul_add(weight, input[vector], sums[row][vector]);
            }
        }
    }
    let floor = simd.splat(if panel.relu { 0.0 } else { f32::NEG_INFINITY });
    finish!(simd, panel, spots, out, sums, floor, ROWS; 0 1 2 3 4 5 6 7);
}
