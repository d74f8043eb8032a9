//! The token grid in coding order: causal neighbours, and two linear filters on whole maps. Knows
//! nothing of the maps' meaning.

/// Indices of the causal neighbours of a token in row-major order.
#[derive(Debug, Clone, Copy)]
pub(super) struct Neighbours {
    pub(super) left: usize,
    pub(super) up: usize,
    pub(super) up_left: usize,
    pub(super) up_right: usize,
    pub(super) left_left: usize,
    pub(super) up_up: usize,
}

/// Global motion of a map in half tokens: the value at x was at x + motion before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Motion {
    pub(super) x: i32,
    pub(super) y: i32,
}

impl Motion {
    /// Largest component, in half tokens.
    pub(super) const MAX: i32 = 7;
}

/// A grid of tokens and the causal neighbours of each. A neighbour outside the grid is replaced by the
/// nearest known one; the first token has none and points at the slot after the last token, so maps of
/// known values are one longer than the grid.
#[derive(Debug)]
pub(super) struct Grid {
    width: usize,
    height: usize,
    neighbours: Vec<Neighbours>,
}

impl Grid {
    /// A grid of `tokens` with `width` columns; 0 means tokens without a grid, taken as one column.
    pub(super) fn new(tokens: usize, width: usize) -> Self {
        let width = width.max(1);
        let neighbours = (0..tokens).map(|at| neighbours(at, width, tokens));
        Self {
            width,
            height: tokens / width,
            neighbours: neighbours.collect(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.neighbours.len()
    }

    pub(super) fn neighbours(&self) -> &[Neighbours] {
        &self.neighbours
    }

    /// `map` displaced by `motion`, bilinear between tokens, edges repeated; exact without motion.
    pub(super) fn moved(&self, map: &[i32], motion: Motion) -> Vec<i32> {
        if motion == Motion::default() {
            return map.to_vec();
        }
        let columns = (0..self.width).map(|x| place(x, motion.x, self.width));
        let columns: Vec<_> = columns.collect();
        let row = |y: usize| &map[y * self.width..(y + 1) * self.width];
        let mut out = Vec::with_capacity(map.len());
        for y in 0..self.height {
            let (above, below) = place(y, motion.y, self.height);
            let (above, below) = (row(above), row(below));
            let sums = columns.iter().map(|&(left, right)| {
                (above[left] + above[right] + below[left] + below[right]) >> 2
            });
            out.extend(sums);
        }
        out
    }

    /// `map` filtered with 1, 2, 1 in both directions, edges repeated: sixteen times a mean.
    pub(super) fn blurred(&self, map: &[i32]) -> Vec<i32> {
        let mut rows = Vec::with_capacity(map.len());
        for row in map.chunks_exact(self.width) {
            let at = |x: usize| row[x.min(row.len() - 1)];
            let sum = |x: usize| at(x.saturating_sub(1)) + 2 * at(x) + at(x + 1);
            rows.extend((0..row.len()).map(sum));
        }
        let row = |y: usize| &rows[y * self.width..(y + 1) * self.width];
        let mut out = Vec::with_capacity(map.len());
        for y in 0..self.height {
            let (above, below) = (row(y.saturating_sub(1)), row((y + 1).min(self.height - 1)));
            let columns = row(y).iter().zip(above).zip(below);
            out.extend(columns.map(|((middle, above), below)| above + 2 * middle + below));
        }
        out
    }
}

/// The two indices whose mean represents `at + halves/2`, within 0..`count`.
fn place(at: usize, halves: i32, count: usize) -> (usize, usize) {
    let first = at as i32 + halves.div_euclid(2);
    let clamp = |place: i32| place.clamp(0, count as i32 - 1) as usize;
    (clamp(first), clamp(first + halves.rem_euclid(2)))
}

fn neighbours(at: usize, width: usize, tokens: usize) -> Neighbours {
    let (x, y) = (at % width, at / width);
    let (left, up) = match (x, y) {
        (0, 0) => (tokens, tokens),
        (0, _) => (at - width, at - width),
        (_, 0) => (at - 1, at - 1),
        _ => (at - 1, at - width),
    };
    Neighbours {
        left,
        up,
        up_left: match (x, y) {
            (_, 0) => left,
            (0, _) => up,
            _ => at - width - 1,
        },
        up_right: match y {
            0 => left,
            _ if x + 1 == width => up,
            _ => at - width + 1,
        },
        left_left: if x >= 2 { at - 2 } else { left },
        up_up: if y >= 2 { at - 2 * width } else { up },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_are_causal() {
        for (tokens, width) in [(1, 1), (12, 4), (12, 12), (12, 0)] {
            let grid = Grid::new(tokens, width);
            for (at, n) in grid.neighbours().iter().enumerate() {
                for index in [n.left, n.up, n.up_left, n.up_right, n.left_left, n.up_up] {
                    assert!(if at == 0 { index == tokens } else { index < at });
                }
            }
        }
        let n = Grid::new(12, 4).neighbours()[6];
        assert_eq!((n.left, n.up, n.up_left, n.up_right), (5, 2, 1, 3));
        assert_eq!((n.left_left, n.up_up), (4, 2));
    }

    #[test]
    fn motion_is_exact_in_whole_tokens_and_a_mean_in_halves() {
        let grid = Grid::new(6, 3);
        let map = [0, 10, 20, 30, 40, 50];
        let moved = |x, y| grid.moved(&map, Motion { x, y });
        assert_eq!(moved(0, 0), map);
        assert_eq!(moved(2, 0), [10, 20, 20, 40, 50, 50]);
        assert_eq!(moved(-1, 0), [0, 5, 15, 30, 35, 45]);
        assert_eq!(moved(0, 7), [30, 40, 50, 30, 40, 50]);
    }

    #[test]
    fn blur_keeps_a_flat_map() {
        assert_eq!(Grid::new(6, 3).blurred(&[5; 6]), [80; 6]);
        assert_eq!(Grid::new(3, 3).blurred(&[0, 16, 0]), [64, 128, 64]);
    }
}
