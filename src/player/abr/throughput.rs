//! The throughput rule: the highest rung that arrives at least as fast as it plays.
//!
//! A segment of duration p at rate b is sustained when latency + p·b / T ≤ p, with T the estimated
//! throughput: Sabre's `throughput` and dash.js's ThroughputRule (Spiteri, Sitaraman, Sparacio, MMSys 2018,
//! §5) with the latency counted. They spend nine tenths of the lower of two means; here their mean is used
//! in full, for the guards correct overestimates. Nominal rates do not follow every bump of the encoder.

use super::{Choice, Rule, View};

#[derive(Debug)]
pub(super) struct ThroughputRule;

impl Rule for ThroughputRule {
    fn choose(&mut self, view: &View<'_>) -> Choice {
        Choice::now(sustained(view), "throughput")
    }
}

/// The highest rung that the estimate sustains; the lowest when there is none or no estimate yet.
pub(super) fn sustained(view: &View<'_>) -> usize {
    sustained_by(view, 1.0)
}

/// The highest rung that `share` of the estimate sustains.
pub(super) fn sustained_by(view: &View<'_>, share: f64) -> usize {
    let Some(estimate) = view.throughput_kbps else {
        return 0;
    };
    let duration = view.ladder.duration_s(view.segment);
    let flowing = (duration - view.latency_s).max(0.0) / duration;
    view.ladder.rung_within(share * estimate * flowing)
}

#[cfg(test)]
mod tests {
    use super::super::tests::view;
    use super::*;
    use crate::player::ladder::tests::constant_rate;

    #[test]
    fn spends_the_estimate_and_pays_for_latency() {
        let ladder = constant_rate(&[100.0, 200.0, 400.0], 9, 2.0);
        for (throughput_kbps, latency_s, rung) in [
            (None, 0.0, 0),
            (Some(10.0), 0.0, 0),
            (Some(199.0), 0.0, 0),
            (Some(201.0), 0.0, 1),
            (Some(401.0), 0.0, 2),
            (Some(401.0), 0.1, 1),
            (Some(1e9), 2.5, 0),
        ] {
            let view = View {
                throughput_kbps,
                latency_s,
                ..view(&ladder)
            };
            assert_eq!(sustained(&view), rung, "{throughput_kbps:?}");
        }
    }
}
