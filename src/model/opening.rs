//! What a closed segment starts from, so that encoder and player cannot drift apart: the start
//! latent of each [`StartLatent`] mode and the bytes of a latent that is sent.
//!
//! # What a segment's first sample carries
//!
//! * noise: nothing.
//! * two passes: one byte, the number of components from which frame 0 is generated to get the
//!   latent before; every rung has them, so every rung starts alike.
//! * coarse, full: bits of a value (4 or 8), rows and columns (u16), step (f32), all
//!   little-endian; then channel by channel, row by row, the values as signed integers, two to a
//!   byte (low half first) if they have 4 bits. A full latent has the profile's size; a coarse one
//!   is enlarged to it, bilinear between cell centres.
//!
//! Knows nothing of segments' other content. Chains are the renderer's business.
//!
#![doc = include_str!("../docs/start-latent.md")]

use candle_core::Tensor;

use super::start::Start;
use super::{Generator, ModelError};
use crate::segment::StartLatent;

/// Bytes before the values.
const HEAD: usize = 9;

/// Makes the start latent of a closed segment from its mode and what its first sample carries.
/// `sketch` composes frame 0's prompt of so many components, or gives `None` if it has fewer.
///
/// Fails on bytes that do not fit the mode or the profile, and in a chain.
pub fn opening(
    generator: &Generator,
    start: &Start,
    (mode, sent): (StartLatent, &[u8]),
    sketch: impl FnOnce(usize) -> Option<Vec<f32>>,
) -> Result<Tensor, ModelError> {
    let fresh = start.fresh()?;
    match mode {
        StartLatent::Noise => Ok(fresh),
        StartLatent::TwoPass => {
            let components = match sent {
                &[count] if count > 0 => usize::from(count),
                _ => return Err(wrong(mode, format!("{sent:?} is no number of components"))),
            };
            let prompt = sketch(components)
                .ok_or_else(|| wrong(mode, format!("{components} components are not all here")))?;
            let latent = sketched(generator, prompt, &fresh)?;
            start.after(&latent)
        }
        StartLatent::Coarse | StartLatent::Full => {
            let (_, channels, rows, columns) = fresh.dims4()?;
            let latent = SentLatent::from_bytes(sent, channels)?;
            let size = (latent.grid.rows, latent.grid.columns);
            let fits = match mode {
                StartLatent::Full => size == (rows, columns),
                _ => size.0 <= rows && size.1 <= columns,
            };
            if !fits {
                let text = format!("{size:?} cells do not fit a latent of {rows}×{columns}");
                return Err(wrong(mode, text));
            }
            let values = latent.grid.enlarged(&latent.values(), (rows, columns));
            let shape = (1, channels, rows, columns);
            start.after(&Tensor::from_vec(values, shape, fresh.device())?)
        }
        StartLatent::Chain => Err(wrong(mode, "a closed segment has none".to_owned())),
    }
}

/// The latent of one composed `prompt` from the start `fresh`.
pub fn sketched(
    generator: &Generator,
    prompt: Vec<f32>,
    fresh: &Tensor,
) -> Result<Tensor, ModelError> {
    let (_, _, rows, columns) = fresh.dims4()?;
    let profile = generator.profile();
    let pixels = |cells: usize| cells as u32 * profile.latent_cell;
    let shape = profile.prompt_shape((pixels(columns), pixels(rows)));
    let prompt = Tensor::from_vec(prompt, (1, shape.tokens, shape.dim), fresh.device())?;
    generator.latent(&prompt, fresh)
}

/// Size of a latent, coarse or whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LatentGrid {
    /// Values of a cell.
    pub channels: usize,
    /// Cells from top to bottom, at least 1.
    pub rows: usize,
    /// Cells from left to right, at least 1.
    pub columns: usize,
}

impl LatentGrid {
    /// The grid of at most `side` cells a side with about the proportions of (channels, rows,
    /// columns).
    pub fn within((channels, rows, columns): (usize, usize, usize), side: usize) -> Self {
        let longest = rows.max(columns).max(1);
        let side = side.clamp(1, longest);
        let cells = |all: usize| ((all * side + longest / 2) / longest).max(1);
        Self {
            channels,
            rows: cells(rows),
            columns: cells(columns),
        }
    }

    /// Values of all cells.
    pub fn len(self) -> usize {
        self.channels * self.rows * self.columns
    }

    /// Whether there are no cells.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// `values` of this grid on a grid of (rows, columns): bilinear between cell centres, exact if
    /// the sizes are equal.
    pub fn enlarged(self, values: &[f32], (rows, columns): (usize, usize)) -> Vec<f32> {
        let mut out = vec![0.0; self.channels * rows * columns];
        self.each((rows, columns), |from, to, weight| {
            out[to] += weight * values[from];
        });
        out
    }

    /// The gradient with respect to `values` of [`LatentGrid::enlarged`], from that of its result.
    pub fn gathered(self, gradient: &[f32], (rows, columns): (usize, usize)) -> Vec<f32> {
        let mut out = vec![0.0; self.len()];
        self.each((rows, columns), |from, to, weight| {
            out[from] += weight * gradient[to];
        });
        out
    }

    /// The mean of `values`, a latent of (rows, columns), over each cell of this grid.
    pub fn reduced(self, values: &[f32], (rows, columns): (usize, usize)) -> Vec<f32> {
        let mut sums = vec![(0.0, 0.0f32); self.len()];
        for (at, value) in values.iter().enumerate() {
            let (channel, row, column) = (
                at / (rows * columns),
                at / columns % rows * self.rows / rows,
                at % columns * self.columns / columns,
            );
            let (sum, count) = &mut sums[(channel * self.rows + row) * self.columns + column];
            *sum += value;
            *count += 1.0;
        }
        sums.iter()
            .map(|(sum, count)| sum / count.max(1.0))
            .collect()
    }

    /// Every pair of a value here and one of the enlarged latent, with its weight.
    fn each(self, (rows, columns): (usize, usize), mut visit: impl FnMut(usize, usize, f32)) {
        for channel in 0..self.channels {
            for row in 0..rows {
                for (r, down) in neighbours(row, rows, self.rows) {
                    for column in 0..columns {
                        for (c, across) in neighbours(column, columns, self.columns) {
                            let from = (channel * self.rows + r) * self.columns + c;
                            let to = (channel * rows + row) * columns + column;
                            visit(from, to, down * across);
                        }
                    }
                }
            }
        }
    }
}

/// The two cells of `count` that place `at` of `all` lies between, with their weights.
fn neighbours(at: usize, all: usize, count: usize) -> [(usize, f32); 2] {
    let last = count - 1;
    let place = (at as f32 + 0.5) * count as f32 / all as f32 - 0.5;
    let place = place.clamp(0.0, last as f32);
    let first = place as usize;
    let way = place - first as f32;
    [(first, 1.0 - way), ((first + 1).min(last), way)]
}

/// A latent as it is sent.
#[derive(Debug, Clone, PartialEq)]
pub struct SentLatent {
    grid: LatentGrid,
    bits: u8,
    step: f32,
    levels: Vec<i8>,
}

impl SentLatent {
    /// `values` of `grid` in integers of `bits`, 4 or 8.
    pub fn quantised(grid: LatentGrid, bits: u8, values: &[f32]) -> Self {
        let most = largest(bits);
        let span = values
            .iter()
            .fold(0.0f32, |most, value| most.max(value.abs()));
        let step = (span / most).max(f32::MIN_POSITIVE);
        let level = |value: &f32| (value / step).round().clamp(-most, most) as i8;
        Self {
            grid,
            bits,
            step,
            levels: values.iter().map(level).collect(),
        }
    }

    /// The values that a player sees.
    pub fn values(&self) -> Vec<f32> {
        let value = |level: &i8| self.step * f32::from(*level);
        self.levels.iter().map(value).collect()
    }

    /// The bytes that are sent.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = vec![self.bits];
        out.extend((self.grid.rows as u16).to_le_bytes());
        out.extend((self.grid.columns as u16).to_le_bytes());
        out.extend(self.step.to_le_bytes());
        match self.bits {
            4 => out.extend(self.levels.chunks(2).map(|pair| {
                let high = pair.get(1).map_or(0, |level| level << 4);
                (pair[0] & 15 | high) as u8
            })),
            _ => out.extend(self.levels.iter().map(|level| *level as u8)),
        }
        out
    }

    /// Reads a latent of `channels` channels. Fails on bytes that [`SentLatent::to_bytes`] would
    /// not have written.
    pub fn from_bytes(bytes: &[u8], channels: usize) -> Result<Self, ModelError> {
        let bad = |text: String| wrong(StartLatent::Coarse, text);
        let Some((head, packed)) = bytes.split_at_checked(HEAD) else {
            return Err(bad(format!(
                "{} bytes, at least {HEAD} expected",
                bytes.len()
            )));
        };
        let bits = head[0];
        let side = |at: usize| usize::from(u16::from_le_bytes([head[at], head[at + 1]]));
        let grid = LatentGrid {
            channels,
            rows: side(1),
            columns: side(3),
        };
        let step = f32::from_le_bytes([head[5], head[6], head[7], head[8]]);
        if !(bits == 4 || bits == 8) || grid.is_empty() || !(step.is_finite() && step > 0.0) {
            let (rows, columns) = (grid.rows, grid.columns);
            let text = format!("{bits} bits, {rows}×{columns} cells, step {step}");
            return Err(bad(text));
        }
        let expected = grid.len().div_ceil(8 / usize::from(bits));
        if packed.len() != expected {
            let got = packed.len();
            return Err(bad(format!("{got} bytes of values, expected {expected}")));
        }
        let levels = match bits {
            4 => {
                let halves = |byte: &u8| [(*byte << 4) as i8 >> 4, *byte as i8 >> 4];
                packed.iter().flat_map(halves).take(grid.len()).collect()
            }
            _ => packed.iter().map(|byte| *byte as i8).collect(),
        };
        Ok(Self {
            grid,
            bits,
            step,
            levels,
        })
    }
}

fn largest(bits: u8) -> f32 {
    if bits == 4 { 7.0 } else { 127.0 }
}

fn wrong(mode: StartLatent, detail: String) -> ModelError {
    ModelError::Opening { mode, detail }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::{LatentGrid, SentLatent, opening};
    use crate::model::Generator;
    use crate::segment::StartLatent;
    use candle_core::Device;

    const GRID: LatentGrid = LatentGrid {
        channels: 2,
        rows: 3,
        columns: 5,
    };

    fn wave(count: usize) -> Vec<f32> {
        (0..count).map(|i| (i as f32 * 0.9).sin()).collect()
    }

    #[test]
    fn bytes_come_back_and_hold_the_values() {
        for (bits, size, error) in [(8, 9 + 30, 0.5 / 127.0), (4, 9 + 15, 0.5 / 7.0)] {
            let sent = SentLatent::quantised(GRID, bits, &wave(30));
            let bytes = sent.to_bytes();
            assert_eq!(bytes.len(), size);
            assert_eq!(SentLatent::from_bytes(&bytes, 2).unwrap(), sent);
            for (a, b) in sent.values().iter().zip(wave(30)) {
                assert!((a - b).abs() <= error * 1.001);
            }
            for cut in 0..bytes.len() {
                assert!(SentLatent::from_bytes(&bytes[..cut], 2).is_err());
            }
        }
        let mut odd = SentLatent::quantised(GRID, 8, &wave(30)).to_bytes();
        odd[5..9].copy_from_slice(&f32::NAN.to_le_bytes());
        assert!(SentLatent::from_bytes(&odd, 2).is_err());
    }

    #[test]
    fn enlarging_is_exact_at_its_own_size_and_gathering_is_its_adjoint() {
        let values = wave(30);
        assert_eq!(GRID.enlarged(&values, (3, 5)), values);
        let (size, count) = ((7, 8), 2 * 7 * 8);
        let out: Vec<f32> = (0..count).map(|i| (i as f32 * 0.37).cos()).collect();
        let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
        let forward = dot(&GRID.enlarged(&values, size), &out);
        let backward = dot(&values, &GRID.gathered(&out, size));
        assert!((forward - backward).abs() < 1e-4);
        let flat = GRID.enlarged(&[0.5; 30], size);
        assert!(flat.iter().all(|x| (x - 0.5).abs() < 1e-6));
        assert_eq!(GRID.reduced(&flat, size).len(), 30);
    }

    #[test]
    fn a_grid_keeps_the_proportions() {
        let within = |side| {
            let grid = LatentGrid::within((4, 36, 64), side);
            (grid.rows, grid.columns)
        };
        assert_eq!(within(8), (5, 8));
        assert_eq!(within(1), (1, 1));
        assert_eq!(within(500), (36, 64));
    }

    #[test]
    fn damage_is_refused_in_every_mode() {
        let generator = Generator::shipped(&Device::Cpu).unwrap();
        let start = generator.start((64, 32)).unwrap();
        let refused = |mode, sent: &[u8]| {
            let opened = opening(&generator, &start, (mode, sent), |_| None);
            opened.unwrap_err().to_string()
        };
        assert!(refused(StartLatent::TwoPass, &[]).contains("no number"));
        assert!(refused(StartLatent::TwoPass, &[3]).contains("3 components"));
        assert!(refused(StartLatent::Coarse, &[8, 1]).contains("2 bytes"));
        assert!(refused(StartLatent::Chain, &[]).contains("closed"));
        let grid = LatentGrid::within((16, 4, 8), 4);
        let sent = SentLatent::quantised(grid, 8, &vec![0.5; grid.len()]).to_bytes();
        let coarse = opening(&generator, &start, (StartLatent::Coarse, &sent), |_| None);
        assert_eq!(coarse.unwrap().dims(), [1, 16, 4, 8]);
        assert!(refused(StartLatent::Full, &sent).contains("do not fit"));
    }
}
