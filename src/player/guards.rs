//! What overrules every rule: a buffer about to run dry, and a transfer not worth finishing.
//!
//! Both look at the real bytes of the segment at hand, which the rules do not. Pure functions of
//! what they are given.

use super::abr::View;
use super::ladder::Ladder;

/// Share of the estimate that may be spent against the buffer (dash.js: InsufficientBufferRule).
const BUFFER_SAFETY: f64 = 0.7;
/// Share of the measured rate that a replacement may count on.
const ABANDON_SAFETY: f64 = 0.9;
/// A transfer younger than this is left alone, seconds (dash.js: AbandonRequestsRule's grace time).
const ABANDON_GRACE_S: f64 = 0.5;

/// The insufficient-buffer guard: the highest rung up to `rung` whose bytes arrive within
/// 0.7 × the buffer, request latency paid (dash.js InsufficientBufferRule, with real sizes). An
/// empty buffer therefore means the lowest rung. Without an estimate there is nothing to go by.
pub fn within_buffer(view: &View<'_>, rung: usize) -> usize {
    let Some(estimate) = view.throughput_kbps else {
        return rung;
    };
    let seconds = BUFFER_SAFETY * (view.buffer_s - view.latency_s).max(0.0);
    let affordable = seconds * estimate * 125.0;
    let fits = |&lower: &usize| view.ladder.size(view.segment, lower) as f64 <= affordable;
    (0..=rung).rev().find(fits).unwrap_or(0)
}

/// A transfer under way.
#[derive(Debug, Clone, Copy)]
pub struct Progress {
    /// The segment that is coming.
    pub segment: usize,
    /// The rung that it comes from.
    pub rung: usize,
    /// Bytes received.
    pub received: u64,
    /// Seconds since the request.
    pub elapsed_s: f64,
    /// Seconds from the request to the first byte.
    pub latency_s: f64,
    /// Media in the buffer, seconds.
    pub buffer_s: f64,
}

/// The abandonment guard: a lower rung to fetch instead, when what is left of the transfer would
/// outlast the buffer and the lower rung, fetched from its start, would be here sooner.
///
/// The condition is that of hls.js (the buffer would run dry), the grace time that of dash.js. Among
/// lower rungs it takes the highest that makes it in time, or the lowest rung when none does.
pub fn instead(ladder: &Ladder, progress: &Progress) -> Option<usize> {
    let flowing_s = progress.elapsed_s - progress.latency_s;
    if progress.rung == 0 || progress.received == 0 || flowing_s <= 0.0 {
        return None;
    }
    if progress.elapsed_s < ABANDON_GRACE_S {
        return None;
    }
    let rate = progress.received as f64 / flowing_s;
    let size = ladder.size(progress.segment, progress.rung);
    let left_s = size.saturating_sub(progress.received) as f64 / rate;
    if left_s <= progress.buffer_s {
        return None;
    }
    let fetch_s = |rung: usize| {
        progress.latency_s + ladder.size(progress.segment, rung) as f64 / (ABANDON_SAFETY * rate)
    };
    let in_time = |&rung: &usize| fetch_s(rung) <= progress.buffer_s;
    let lower = (0..progress.rung).rev().find(in_time).unwrap_or(0);
    (fetch_s(lower) < left_s).then_some(lower)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::player::abr::tests::view;
    use crate::player::ladder::tests::constant_rate;

    fn progress(received: u64, elapsed_s: f64, buffer_s: f64) -> Progress {
        Progress {
            segment: 1,
            rung: 2,
            received,
            elapsed_s,
            latency_s: 0.1,
            buffer_s,
        }
    }

    #[test]
    fn a_short_buffer_lowers_the_rung() {
        // 5, 10 and 20 kB a segment.
        let ladder = constant_rate(&[20.0, 40.0, 80.0], 9, 2.0);
        let at = |buffer_s, throughput_kbps| {
            let view = View {
                buffer_s,
                throughput_kbps,
                latency_s: 0.5,
                ..view(&ladder)
            };
            within_buffer(&view, 2)
        };
        assert_eq!(at(0.0, None), 2);
        assert_eq!(at(0.4, Some(1e6)), 0);
        // 0.7 · 2 s · 80 kbit/s = 14 kB.
        assert_eq!(at(2.5, Some(80.0)), 1);
        assert_eq!(at(3.5, Some(80.0)), 2);
    }

    #[test]
    fn abandons_only_when_it_helps() {
        let ladder = constant_rate(&[20.0, 40.0, 80.0], 4, 2.0);
        // 1 kB in the first second of flow: 19 kB left are 19 s away.
        assert_eq!(instead(&ladder, &progress(1000, 1.1, 4.0)), Some(0));
        assert_eq!(instead(&ladder, &progress(1000, 1.1, 12.0)), Some(1));
        assert_eq!(instead(&ladder, &progress(1000, 1.1, 20.0)), None);
        // Nearly done: starting over would take longer.
        assert_eq!(instead(&ladder, &progress(18_000, 18.1, 0.0)), None);
        // Too young, or nothing received yet.
        assert_eq!(instead(&ladder, &progress(100, 0.3, 0.0)), None);
        assert_eq!(instead(&ladder, &progress(0, 5.0, 0.0)), None);
        let lowest = Progress {
            rung: 0,
            ..progress(1000, 1.1, 0.0)
        };
        assert_eq!(instead(&ladder, &lowest), None);
    }
}
