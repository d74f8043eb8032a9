//! Logarithms and powers of two, piecewise linear between powers of two (J. N. Mitchell, "Computer
//! multiplication and division using binary logarithms", 1962): accurate enough for contexts, and the
//! same integers on every platform.

/// Units of a logarithm per octave.
pub(in crate::prompt) const OCTAVE: i32 = 32;

/// log2 of `value` in 1/32 octaves, rounded down; `value` is taken as at least 1.
///
/// These are the exponent and upper mantissa bits of an f32. Conversion is exact up to 2^24 and rounds
/// to nearest above, on every platform (IEEE 754).
#[inline(always)]
pub(in crate::prompt) fn log2(value: i32) -> i32 {
    ((value.max(1) as f32).to_bits() >> 18) as i32 - 127 * OCTAVE
}

/// 2^(11 + log/32) for a `log` of at most 0, rounded down: the weight 2048 and fractions of it.
/// The inverse of [`log2`].
#[inline(always)]
pub(in crate::prompt) fn weight(log: i32) -> i32 {
    let bits = (log + (127 + 11) * OCTAVE).max(0) << 18;
    f32::from_bits(bits as u32) as i32
}

/// 2^16 · 2^(−log/32) for a `log` between −8 and 16 octaves, rounded down.
pub(super) fn reciprocal(log: i32) -> u64 {
    let exponent = 16 * OCTAVE - log;
    (((OCTAVE + (exponent & 31)) as u64) << (exponent >> 5).clamp(0, 32)) >> 5
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn powers_of_two_are_exact_and_values_between_linear() {
        for log in -400..=0 {
            assert_eq!(weight(log), ((32 + (log & 31)) << 6) >> -(log >> 5));
        }
        for k in 0..31 {
            assert_eq!(log2(1 << k), k * OCTAVE);
        }
        assert_eq!((log2(0), log2(3), log2(24)), (0, 48, 4 * 32 + 16));
        assert_eq!((weight(0), weight(-32), weight(-16)), (2048, 1024, 1536));
        assert_eq!((weight(-31 * 32), weight(-1_000_000)), (0, 0));
        assert_eq!(
            (reciprocal(0), reciprocal(32), reciprocal(-16)),
            (65536, 32768, 98304)
        );
    }
}
