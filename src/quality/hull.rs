//! Rate–quality curves: the convex hull of a codec's points at several sizes, frame rates and bit
//! rates.
//!
//! A player that switches between two points over time reaches every mean on the line between
//! them, so the hull is the best that a ladder of these points offers, and curves are compared on it at
//! any rate. There is no value at rates below the lowest point.

/// Which values of a metric are better.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Better {
    /// Such as PSNR.
    Higher,
    /// Such as LPIPS.
    Lower,
}

/// A point: rate in kbit/s, value of the metric.
pub type Point = (f64, f64);

/// The best of some points: rising in rate, each better than the one before, convex.
#[derive(Debug, Clone, PartialEq)]
pub struct Hull {
    better: Better,
    points: Vec<Point>,
}

impl Hull {
    /// The hull of `points`; those that are not finite are left out.
    pub fn new(points: impl IntoIterator<Item = Point>, better: Better) -> Self {
        let finite = |point: &Point| point.0.is_finite() && point.1.is_finite();
        let mut sorted: Vec<Point> = points.into_iter().filter(finite).collect();
        let cost = |point: &Point| match better {
            Better::Higher => -point.1,
            Better::Lower => point.1,
        };
        sorted.sort_by(|a, b| a.0.total_cmp(&b.0).then(cost(a).total_cmp(&cost(b))));
        let mut hull: Vec<Point> = Vec::new();
        for point in sorted {
            if hull.last().is_some_and(|last| cost(&point) >= cost(last)) {
                continue;
            }
            while let [.., a, b] = hull[..] {
                let slope = |from: Point, to: Point| (cost(&to) - cost(&from)) / (to.0 - from.0);
                if slope(a, b) < slope(a, point) {
                    break;
                }
                hull.pop();
            }
            hull.push(point);
        }
        Self {
            better,
            points: hull,
        }
    }

    /// Its corners, rising in rate.
    pub fn points(&self) -> &[Point] {
        &self.points
    }

    /// The value reached at `kbps`; the last one's above the highest rate, `None` below the lowest.
    pub fn value_at(&self, kbps: f64) -> Option<f64> {
        let after = self.points.partition_point(|point| point.0 <= kbps);
        let before = *self.points.get(after.checked_sub(1)?)?;
        let Some(&next) = self.points.get(after) else {
            return Some(before.1);
        };
        let share = (kbps - before.0) / (next.0 - before.0);
        Some(before.1 + share * (next.1 - before.1))
    }

    /// The lowest rate at which `value` is reached; `None` if it never is.
    pub fn rate_for(&self, value: f64) -> Option<f64> {
        let reaches = |point: &Point| match self.better {
            Better::Higher => point.1 >= value,
            Better::Lower => point.1 <= value,
        };
        let after = self.points.iter().position(reaches)?;
        let next = self.points[after];
        let Some(&before) = after.checked_sub(1).and_then(|i| self.points.get(i)) else {
            return Some(next.0);
        };
        let share = (value - before.1) / (next.1 - before.1);
        Some(before.0 + share * (next.0 - before.0))
    }
}

#[cfg(test)]
mod tests {
    use super::{Better, Hull};
    use proptest::prelude::*;

    #[test]
    fn dominated_and_inner_points_are_dropped() {
        let rates = [10.0, 20.0, 30.0, 35.0, 60.0, 60.0, 5.0];
        let values = [0.4, 0.35, 0.2, 0.25, 0.1, 0.12, f64::NAN];
        let points = rates.into_iter().zip(values);
        let hull = Hull::new(points.clone(), Better::Lower);
        assert_eq!(hull.points(), [(10.0, 0.4), (30.0, 0.2), (60.0, 0.1)]);
        let near = |value: Option<f64>, expected: f64| {
            value.is_some_and(|value| (value - expected).abs() < 1e-12)
        };
        assert!(near(hull.value_at(20.0), 0.3));
        assert!(near(hull.value_at(99.0), 0.1));
        assert_eq!(hull.value_at(9.9), None);
        assert!(near(hull.rate_for(0.3), 20.0));
        assert!(near(hull.rate_for(0.5), 10.0));
        assert_eq!(hull.rate_for(0.05), None);
        let mirrored = Hull::new(points.map(|(x, y)| (x, -y)), Better::Higher);
        assert_eq!(mirrored.points().len(), 3);
        assert!(near(mirrored.rate_for(-0.3), 20.0));
        assert_eq!(Hull::new([], Better::Lower).value_at(1.0), None);
    }

    proptest! {
        #[test]
        fn no_point_beats_the_hull(points in prop::collection::vec((1.0..100.0, 0.0..1.0), 1..20)) {
            let hull = Hull::new(points.iter().copied(), Better::Lower);
            for (rate, value) in points {
                let best = hull.value_at(rate);
                prop_assert!(best.is_some_and(|best| best <= value + 1e-9));
            }
            let rising = hull.points().windows(2).all(|w| w[0].0 < w[1].0 && w[0].1 > w[1].1);
            prop_assert!(rising);
        }
    }
}
