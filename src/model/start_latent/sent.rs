//! Reading a latent that a segment transmits (modes coarse and full, which titles of earlier versions
//! may have).
//!
//! Little-endian: bits of a value (u8: 4 or 8), rows and columns (u16), step (f32); then channel by
//! channel, row by row, the values as signed integers, two to a byte (low half first) if they have
//! 4 bits.

use crate::model::profile::LatentShape;

/// Bytes before the values.
const HEAD: usize = 9;

/// The values of the latent in `bytes`, enlarged to `shape`: bilinear between cell centres. A `whole`
/// latent must have that size already.
///
/// Fails with the fault of the bytes.
pub(super) fn read(bytes: &[u8], shape: LatentShape, whole: bool) -> Result<Vec<f32>, String> {
    let Some((&head, packed)) = bytes.split_first_chunk::<HEAD>() else {
        return Err(format!("{} bytes, at least {HEAD} expected", bytes.len()));
    };
    let [bits, r0, r1, c0, c1, step @ ..] = head;
    let own = LatentShape {
        rows: u16::from_le_bytes([r0, r1]).into(),
        columns: u16::from_le_bytes([c0, c1]).into(),
        ..shape
    };
    let step = f32::from_le_bytes(step);
    let sized = if whole {
        own == shape
    } else {
        (1..=shape.rows).contains(&own.rows) && (1..=shape.columns).contains(&own.columns)
    };
    if !sized || !(bits == 4 || bits == 8) || !(step.is_finite() && step > 0.0) {
        return Err(format!(
            "{bits} bits, {}×{} cells and step {step} do not fit a latent of {}×{} cells",
            own.rows, own.columns, shape.rows, shape.columns
        ));
    }
    let expected = own.values().div_ceil(8 / usize::from(bits));
    if packed.len() != expected {
        let got = packed.len();
        return Err(format!("{got} bytes of values, expected {expected}"));
    }
    let halves = |byte: &u8| [(*byte << 4) as i8 >> 4, *byte as i8 >> 4];
    let value = |level: i8| step * f32::from(level);
    let values: Vec<f32> = if bits == 4 {
        packed.iter().flat_map(halves).map(value).collect()
    } else {
        packed.iter().map(|byte| value(*byte as i8)).collect()
    };
    Ok(enlarged(&values, own, shape))
}

fn enlarged(values: &[f32], from: LatentShape, to: LatentShape) -> Vec<f32> {
    let mut out = Vec::with_capacity(to.values());
    for channel in 0..to.channels {
        for row in 0..to.rows {
            for column in 0..to.columns {
                let mut sum = 0.0;
                for (r, down) in corners(row, to.rows, from.rows) {
                    for (c, across) in corners(column, to.columns, from.columns) {
                        let at = (channel * from.rows + r) * from.columns + c;
                        sum += down * across * values[at];
                    }
                }
                out.push(sum);
            }
        }
    }
    out
}

/// The two of `count` cells whose centres enclose place `at` of `all`, with their weights.
fn corners(at: usize, all: usize, count: usize) -> [(usize, f32); 2] {
    let last = count - 1;
    let place = (at as f32 + 0.5) * count as f32 / all as f32 - 0.5;
    let place = place.clamp(0.0, last as f32);
    let first = place as usize;
    let part = place - first as f32;
    [(first, 1.0 - part), ((first + 1).min(last), part)]
}

#[cfg(test)]
mod tests {
    use super::read;
    use crate::model::profile::LatentShape;

    const SHAPE: LatentShape = LatentShape {
        channels: 2,
        rows: 2,
        columns: 3,
    };

    fn payload(bits: u8, rows: u16, columns: u16, step: f32, values: &[u8]) -> Vec<u8> {
        let mut bytes = vec![bits];
        bytes.extend(rows.to_le_bytes());
        bytes.extend(columns.to_le_bytes());
        bytes.extend(step.to_le_bytes());
        bytes.extend(values);
        bytes
    }

    #[test]
    fn a_latent_of_equal_size_is_exact_at_both_widths() {
        let levels: Vec<i8> = (-6..6).collect();
        let expected: Vec<f32> = levels.iter().map(|&q| 0.5 * f32::from(q)).collect();
        let eight: Vec<u8> = levels.iter().map(|&q| q as u8).collect();
        let four: Vec<u8> = levels
            .chunks(2)
            .map(|pair| (pair[0] & 15 | pair[1] << 4) as u8)
            .collect();
        for (bits, values) in [(8, &eight), (4, &four)] {
            let bytes = payload(bits, 2, 3, 0.5, values);
            assert_eq!(read(&bytes, SHAPE, true), Ok(expected.clone()));
            for cut in 0..bytes.len() {
                assert!(read(&bytes[..cut], SHAPE, true).is_err());
            }
        }
    }

    #[test]
    fn smaller_latents_are_enlarged_and_sizes_that_overflow_are_refused() {
        let flat = read(&payload(8, 1, 1, 1.0, &[3, 5]), SHAPE, false);
        assert_eq!(flat, Ok([[3.0; 6], [5.0; 6]].concat()));
        for (rows, columns, step) in [
            (0, 1, 1.0),
            (3, 3, 1.0),
            (u16::MAX, u16::MAX, 1.0),
            (1, 1, 0.0),
            (1, 1, f32::NAN),
        ] {
            let bytes = payload(8, rows, columns, step, &[0; 2]);
            assert!(
                read(&bytes, SHAPE, false).is_err(),
                "{rows}×{columns} {step}"
            );
        }
        assert!(read(&payload(8, 1, 1, 1.0, &[0; 2]), SHAPE, true).is_err());
    }
}
