//! Traces scaled to a ladder, so that every rung of it matters.

use crate::network::trace::Trace;
use crate::player::ladder::Ladder;

/// Whose rates traces are fitted to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FitTo {
    /// Each title's own, so that titles see different networks.
    Each,
    /// Those of the title with this number, for all: what compares titles.
    One(usize),
}

/// What a trace must be multiplied by so that its mean becomes the geometric mean of the ladder's
/// lowest and highest rates, where every rung matters; `None` for a trace that carries nothing.
pub fn fit(trace: &Trace, ladder: &Ladder) -> Option<f64> {
    let rungs = ladder.rungs();
    let middle = (rungs[0].kbps * rungs[ladder.top()].kbps).sqrt();
    let factor = middle / trace.mean_kbps();
    factor.is_finite().then_some(factor)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::trace::tests::trace;
    use crate::player::ladder::tests::constant_rate;

    #[test]
    fn a_fitted_trace_averages_the_middle_of_the_ladder() {
        let ladder = constant_rate(&[20.0, 50.0, 80.0], 3, 2.0);
        let live = trace(&[(1.0, 100.0, 0.0), (1.0, 300.0, 0.0)]);
        assert_eq!(fit(&live, &ladder), Some(0.2));
        assert_eq!(fit(&trace(&[(1.0, 0.0, 0.0)]), &ladder), None);
    }
}
