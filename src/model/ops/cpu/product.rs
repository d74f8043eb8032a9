//! Rows times a frozen matrix, on the register tile of the convolutions: a few rows of the input
//! take the part of the weights, and the matrix, laid out in strips of columns, that of the input.

use super::simd::{Kernel, Simd};
use super::tile::{HIGHEST, LONGEST, OutputVector, Panel, panel_rows, tile, tile_vectors};

/// Columns in a strip: a multiple of every tile's width that still leaves its rows short.
const STRIP: usize = 96;

/// A matrix from `inputs` to `outputs` numbers, and a bias.
#[derive(Debug)]
pub(crate) struct Matrix {
    pub(crate) inputs: usize,
    pub(crate) outputs: usize,
    /// Strip by strip, input by input, [`STRIP`] columns.
    strips: Vec<f32>,
    /// Per output, filled up to whole strips.
    bias: Vec<f32>,
}

impl Matrix {
    /// Lays out the entries `at(input, output)`; an empty `bias` counts as zeros.
    pub(crate) fn new(
        inputs: usize,
        outputs: usize,
        bias: &[f32],
        at: impl Fn(usize, usize) -> f32,
    ) -> Self {
        let padded = outputs.next_multiple_of(STRIP);
        let mut strips = Vec::with_capacity(padded * inputs);
        for first in (0..padded).step_by(STRIP) {
            for input in 0..inputs {
                let columns = first..first + STRIP;
                strips.extend(columns.map(|o| if o < outputs { at(input, o) } else { 0.0 }));
            }
        }
        let mut bias = bias.to_vec();
        bias.resize(padded, 0.0);
        Self {
            inputs,
            outputs,
            strips,
            bias,
        }
    }
}

/// y = x · matrix + bias for every row of `x`.
pub(crate) struct Product<'a> {
    pub(crate) matrix: &'a Matrix,
    pub(crate) x: &'a [f32],
    pub(crate) y: &'a mut [f32],
}

impl Kernel for Product<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Matrix {
            inputs,
            outputs,
            strips,
            bias,
        } = self.matrix;
        let rows = panel_rows(HIGHEST, S::LANES);
        let width = tile_vectors::<S>(rows) * S::LANES;
        let offsets: Vec<usize> = (0..*inputs).map(|input| input * STRIP).collect();
        let panels = self.x.chunks(rows * inputs);
        let panels: Vec<Vec<f32>> = panels.map(|x| packed(x, *inputs, rows)).collect();
        let mut sums = [0f32; HIGHEST * STRIP];
        for (strip, first) in (0..*outputs).step_by(STRIP).enumerate() {
            let input = &strips[strip * inputs * STRIP..][..inputs * STRIP];
            let columns = STRIP.min(outputs - first);
            for (weights, y) in panels.iter().zip(self.y.chunks_mut(rows * outputs)) {
                let mut lines: Vec<&mut [f32]> = sums.chunks_exact_mut(STRIP).take(rows).collect();
                let panel = Panel {
                    rows,
                    offsets: &offsets,
                    weights,
                    bias: [0.0; HIGHEST],
                    input,
                    residual: &bias[first..],
                    residual_row: 0,
                    relu: false,
                };
                for start in (0..columns).step_by(width) {
                    let mut spots = [OutputVector { from: 0, to: 0 }; STRIP / 4];
                    let vectors = tile_vectors::<S>(rows);
                    for (vector, spot) in spots[..vectors].iter_mut().enumerate() {
                        let at = start + vector * S::LANES;
                        *spot = OutputVector { from: at, to: at };
                    }
                    tile(simd, &panel, &spots[..vectors], &mut lines);
                }
                for (line, y) in lines.iter().zip(y.chunks_exact_mut(*outputs)) {
                    y[first..first + columns].copy_from_slice(&line[..columns]);
                }
            }
        }
    }
}

/// Up to `rows` rows of `x`, interleaved input by input; missing rows are zero.
fn packed(x: &[f32], inputs: usize, rows: usize) -> Vec<f32> {
    let mut panel = vec![0f32; inputs * rows];
    for (row, x) in x.chunks_exact(inputs).enumerate() {
        let places = panel[row..].iter_mut().step_by(rows);
        places.zip(x).for_each(|(panel, x)| *panel = *x);
    }
    panel
}

// Whole tiles fit a strip: of 8 or 4 rows they are 3·16, 3·8 or 2·4 wide.
const _: () = assert!(STRIP.is_multiple_of(3 * LONGEST) && STRIP.is_multiple_of(8));
