//! Rotation and mirroring that make a picture upright, from its display matrix.

/// A rotation by a multiple of 90°, mirrored or not, as ffmpeg filters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Orientation {
    filters: &'static str,
    /// Whether width and height are swapped.
    pub(super) turned: bool,
}

impl Orientation {
    pub(super) const UPRIGHT: Self = Self::of("", false);

    const fn of(filters: &'static str, turned: bool) -> Self {
        Self { filters, turned }
    }

    /// From a matrix as `ffprobe` prints it: three rows `00000000: a b u`, in units of 1/65536,
    /// where the place (x, y) is shown at (a·x + c·y, b·x + d·y). `None` for other
    /// angles.
    pub(super) fn from_matrix(text: &str) -> Option<Self> {
        let rows = text.lines().filter_map(|line| line.split_once(':'));
        let numbers = rows.flat_map(|(_, row)| row.split_whitespace());
        let numbers: Vec<i64> = numbers.map_while(|number| number.parse().ok()).collect();
        let &[a, b, _, c, d, ..] = numbers.as_slice() else {
            return None;
        };
        // Encoders round the sines of their matrices.
        let flat = |off: i64, on: i64| off.abs() * 50 <= on.abs();
        let straight = flat(b, a) && flat(c, d);
        let crossed = flat(a, b) && flat(d, c);
        Some(match (a > 0, b > 0, c > 0, d > 0) {
            _ if straight == crossed => return None,
            (true, _, _, true) if straight => Self::UPRIGHT,
            (false, _, _, true) if straight => Self::of("hflip", false),
            (true, _, _, false) if straight => Self::of("vflip", false),
            _ if straight => Self::of("hflip,vflip", false),
            (_, true, false, _) => Self::of("transpose=clock", true),
            (_, false, true, _) => Self::of("transpose=cclock", true),
            (_, true, true, _) => Self::of("transpose=cclock_flip", true),
            _ => Self::of("transpose=clock_flip", true),
        })
    }

    /// The filters, or `None` if the picture is upright.
    pub(super) fn filters(self) -> Option<&'static str> {
        (!self.filters.is_empty()).then_some(self.filters)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filters(matrix: [i64; 4]) -> Option<(&'static str, bool)> {
        let [a, b, c, d] = matrix.map(|n| n * 65536);
        let text =
            format!("\n00000000: {a} {b} 0\n00000001: {c} {d} 0\n00000002: 0 0 1073741824\n");
        let orientation = Orientation::from_matrix(&text)?;
        Some((orientation.filters, orientation.turned))
    }

    #[test]
    fn the_eight_orientations_have_their_filters() {
        for (matrix, expected) in [
            ([1, 0, 0, 1], ("", false)),
            ([-1, 0, 0, 1], ("hflip", false)),
            ([1, 0, 0, -1], ("vflip", false)),
            ([-1, 0, 0, -1], ("hflip,vflip", false)),
            ([0, 1, -1, 0], ("transpose=clock", true)),
            ([0, -1, 1, 0], ("transpose=cclock", true)),
            ([0, 1, 1, 0], ("transpose=cclock_flip", true)),
            ([0, -1, -1, 0], ("transpose=clock_flip", true)),
        ] {
            assert_eq!(filters(matrix), Some(expected));
        }
        assert_eq!(filters([1, 1, -1, 1]), None);
        assert_eq!(filters([0, 0, 0, 0]), None);
        assert_eq!(Orientation::from_matrix("nothing"), None);
    }
}
