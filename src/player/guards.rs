//! Guards overrule every rule: a buffer about to run dry, a transfer not worth finishing, a rung that was
//! often left, a segment that would not be generated in time.
//!
//! They use the real bytes of the segment, which most rules do not. All but the [`SwitchHistory`] are
//! pure functions. (Replacement of buffered segments is part of the session.)

use super::abr::View;
use super::compute::Outlook;
use super::ladder::Ladder;
use std::collections::VecDeque;

/// Share of the estimate that may be spent against the buffer (dash.js: InsufficientBufferRule).
const BUFFER_SAFETY: f64 = 0.7;
/// Share of the measured rate that a replacement may count on.
const ABANDON_SAFETY: f64 = 0.9;
/// Half-life of the trust in the estimate during a transfer, seconds.
const DOUBT_S: f64 = 1.0;
/// A transfer younger than this is left alone, seconds (dash.js: AbandonRequestsRule's grace time).
pub(super) const ABANDON_GRACE_S: f64 = 0.5;

/// The insufficient-buffer guard (dash.js InsufficientBufferRule, with real sizes): the highest rung up to
/// `rung` that arrives within 0.7 × the buffer; `rung` without an estimate.
pub fn within_buffer(view: &View<'_>, rung: usize) -> usize {
    let Some(estimate) = view.throughput_kbps else {
        return rung;
    };
    let seconds = BUFFER_SAFETY * (view.buffer_s - view.latency_s).max(0.0);
    let affordable = seconds * estimate * 125.0;
    let fits = |&lower: &usize| view.ladder.size(view.segment, lower) as f64 <= affordable;
    (0..=rung).rev().find(fits).unwrap_or(0)
}

/// Share of the buffer that may pass while an index and the segment after it arrive.
const INDEX_SAFETY: f64 = 0.5;

/// The index guard: the highest rung up to `rung` whose segment can be requested at once, or whose index
/// part and segment arrive within half of the buffer; without any, the one that takes the fewest bytes.
pub fn within_index(view: &View<'_>, rung: usize) -> usize {
    let index = |rung: usize| view.ladder.index_bytes(view.segment, rung);
    let bytes = |rung: usize| index(rung) + view.ladder.size(view.segment, rung);
    let comes = |&lower: &usize| {
        let pace = view.throughput_kbps.map(|kbps| 0.008 / kbps);
        let took_s = pace.map(|pace| 2.0 * view.latency_s + bytes(lower) as f64 * pace);
        index(lower) == 0 || took_s.is_some_and(|s| s <= INDEX_SAFETY * view.buffer_s)
    };
    let first = (0..=rung).rev().find(comes);
    let cheapest = || (0..=rung).min_by_key(|&lower| bytes(lower));
    first.or_else(cheapest).unwrap_or(rung)
}

/// If every rung would be late, drop only if that makes the segment ready 10 % earlier.
const SOONER: f64 = 0.9;

/// The decode-time guard: the highest rung up to `rung` predicted to be generated before it is due, else the
/// one that is clearly ready first: on a device too slow for every rung, a low one would only look worse.
pub fn within_compute(view: &View<'_>, rung: usize, outlook: &Outlook<'_>) -> usize {
    let pace = view.throughput_kbps.map_or(0.0, |kbps| 0.008 / kbps);
    let ready_s = |rung: usize| {
        let size = view.ladder.size(view.segment, rung) as f64;
        outlook.ready_s(rung, view.duration_s(), view.latency_s + size * pace)
    };
    let mut best = rung;
    let mut soonest_s = f64::INFINITY;
    for lower in (0..=rung).rev() {
        let Some(ready_s) = ready_s(lower) else {
            return rung;
        };
        if ready_s <= view.buffer_s {
            return lower;
        }
        if ready_s < SOONER * soonest_s {
            (best, soonest_s) = (lower, ready_s);
        }
    }
    best
}

const HISTORY: usize = 8;
/// Falls for each stay beyond which a rung is avoided.
const FALLS: f64 = 0.075;

/// The switch-history guard: which rungs the last 8 decisions left for a lower one (dash.js SwitchHistoryRule).
#[derive(Debug, Clone, Default)]
pub struct SwitchHistory {
    /// The rung before, and whether it was left for a lower one; newest first.
    decisions: VecDeque<(usize, bool)>,
}

impl SwitchHistory {
    /// A decision: `rung` after `last`.
    pub fn push(&mut self, last: Option<usize>, rung: usize) {
        let from = last.unwrap_or(rung);
        self.decisions.truncate(HISTORY - 1);
        self.decisions.push_front((from, rung < from));
    }

    /// The highest rung up to `rung` below all that were left too often; `rung` before the eighth decision.
    pub fn cap(&self, rung: usize) -> usize {
        if self.decisions.len() < HISTORY {
            return rung;
        }
        let avoided = |&at: &usize| {
            let falls = self.decisions.iter().filter(|decision| decision.1).count();
            let all = self.decisions.iter().all(|decision| decision.0 <= at);
            let here = self.decisions.contains(&(at, true));
            all && here && falls as f64 > FALLS * (HISTORY - falls) as f64
        };
        let lowest = (0..=rung).find(avoided);
        lowest.map_or(rung, |at| at.saturating_sub(1))
    }
}

/// A transfer in flight.
#[derive(Debug, Clone, Copy)]
pub struct Progress {
    /// Segment number.
    pub segment: usize,
    /// The rung that it is fetched from.
    pub rung: usize,
    /// Bytes received.
    pub received: u64,
    /// Seconds since the request.
    pub elapsed_s: f64,
    /// Seconds from the request to the first byte.
    pub latency_s: f64,
    /// How long the buffer lasts at the playback rate, seconds; without end while paused.
    pub buffer_s: f64,
    /// Estimate before the transfer, kbit/s.
    pub estimate_kbps: Option<f64>,
}

impl Progress {
    /// Predicted rate of the rest, bytes a second: the estimate gives way to the measured rate, by half
    /// every [`DOUBT_S`], so that a short outage ends no transfer that the buffer can wait for.
    fn rate(&self, flowing_s: f64) -> f64 {
        let measured = self.received as f64 / flowing_s;
        let doubt = libm::exp2(-self.elapsed_s / DOUBT_S);
        let mixed = |kbps: f64| doubt * kbps * 125.0 + (1.0 - doubt) * measured;
        self.estimate_kbps.map_or(measured, mixed)
    }
}

/// The abandonment guard: a lower rung to fetch instead, when the rest of the transfer would outlast the
/// buffer and the lower rung, fetched from its start, would arrive sooner.
///
/// The condition is that of hls.js (the buffer would run dry), the grace time that of dash.js. Among
/// lower rungs it takes the highest that makes it in time, or the lowest rung when none does.
pub fn instead(ladder: &Ladder, progress: &Progress) -> Option<usize> {
    let flowing_s = progress.elapsed_s - progress.latency_s;
    let young = flowing_s <= 0.0 || progress.elapsed_s < ABANDON_GRACE_S;
    if progress.rung == 0 || progress.received == 0 || young {
        return None;
    }
    let rate = progress.rate(flowing_s);
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

/// Lower bound on the time until [`instead`] can fire, even if no further byte arrives, seconds; lets the
/// simulator skip ahead.
///
/// After t seconds more the rate counted on is no less than the estimate, or than the bytes so far over
/// the time by then; no more bytes are left than now, and the buffer lasts t less at most.
pub fn calm_s(ladder: &Ladder, progress: &Progress) -> f64 {
    if progress.received == 0 {
        return 0.0;
    }
    let size = ladder.size(progress.segment, progress.rung);
    let left = size.saturating_sub(progress.received) as f64;
    let flowing_s = (progress.elapsed_s - progress.latency_s).max(0.0);
    let to_come = left / progress.received as f64;
    let by_measure_s = (progress.buffer_s - to_come * flowing_s) / (1.0 + to_come);
    let by_estimate_s = progress.estimate_kbps.map_or(f64::INFINITY, |kbps| {
        progress.buffer_s - left / (kbps * 125.0)
    });
    by_measure_s.min(by_estimate_s).max(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::player::abr::tests::{at, view};
    use crate::player::ladder::tests::constant_rate;
    use proptest::prelude::*;

    fn progress(received: u64, elapsed_s: f64, buffer_s: f64) -> Progress {
        Progress {
            segment: 1,
            rung: 2,
            received,
            elapsed_s,
            latency_s: 0.1,
            buffer_s,
            estimate_kbps: None,
        }
    }

    proptest! {
        /// Whatever comes and however the buffer falls by then.
        #[test]
        fn never_fires_before_its_lower_bound(
            received in 0u64..20_000, more in 0.0f64..1.0, after in 0.0f64..0.999, played in 0.0f64..1.0,
            elapsed_s in 0.1f64..9.0, buffer_s in 0.0f64..30.0,
            estimate_kbps in prop::option::of(1.0f64..500.0),
        ) {
            let ladder = constant_rate(&[20.0, 40.0, 80.0], 9, 2.0);
            let now = Progress { estimate_kbps, ..progress(received, elapsed_s, buffer_s) };
            let later_s = after * calm_s(&ladder, &now).min(1000.0);
            let left = 20_000 - received;
            let later = Progress {
                received: received + (more * left as f64) as u64,
                elapsed_s: elapsed_s + later_s,
                buffer_s: (buffer_s - played * later_s).max(0.0),
                ..now
            };
            prop_assert!(later_s == 0.0 || instead(&ladder, &later).is_none(), "{now:?} {later:?}");
        }
    }

    #[test]
    fn the_lower_bound_follows_from_buffer_and_rate() {
        // 15 kB of 20 to come at 10 kB/s, measured and estimated, with 8 s in the buffer: silent for
        // (8 - 3 · 0.5) / 4 s if nothing comes, and not at all without a byte or a buffer.
        let ladder = constant_rate(&[20.0, 40.0, 80.0], 9, 2.0);
        for (received, buffer_s, expected_s) in
            [(5_000, 8.0, 1.625), (0, 8.0, 0.0), (5_000, 1.0, 0.0)]
        {
            let progress = Progress {
                estimate_kbps: Some(80.0),
                ..progress(received, 0.6, buffer_s)
            };
            assert!((calm_s(&ladder, &progress) - expected_s).abs() < 1e-9);
        }
    }

    #[test]
    fn a_short_buffer_lowers_the_rung() {
        // 5, 10 and 20 kB a segment.
        let ladder = constant_rate(&[20.0, 40.0, 80.0], 9, 2.0);
        // 0.7 · 2 s · 80 kbit/s = 14 kB.
        let cases = [
            (0.0, None, 2),
            (0.4, Some(1e6), 0),
            (2.5, Some(80.0), 1),
            (3.5, Some(80.0), 2),
        ];
        for (buffer_s, throughput_kbps, rung) in cases {
            let view = View {
                buffer_s,
                throughput_kbps,
                latency_s: 0.5,
                ..view(&ladder)
            };
            assert_eq!(within_buffer(&view, 2), rung, "{buffer_s} s");
        }
    }

    #[test]
    fn a_rung_left_too_often_is_avoided() {
        let mut history = SwitchHistory::default();
        for rung in [2, 1, 2, 2, 2, 2, 2] {
            history.push(Some(2), rung);
        }
        assert_eq!(history.cap(2), 2);
        // 1 fall and 7 stays at rungs up to 2: 0.14.
        history.push(Some(2), 2);
        assert_eq!((history.cap(3), history.cap(2), history.cap(1)), (1, 1, 1));
        (0..2).for_each(|_| history.push(Some(2), 2));
        assert_eq!(history.cap(2), 2);
    }

    #[test]
    fn what_cannot_be_generated_in_time_is_avoided() {
        use crate::player::buffer::{Buffer, Piece};
        use crate::player::compute::{Arrival, Compute, Device, Model};
        let ladder = constant_rate(&[20.0, 40.0, 80.0], 9, 2.0);
        let compute = Compute::Modelled(Model {
            fps: 10.0,
            ms_per_frame: 50.0,
            ms_per_rung: 40.0,
            ms_per_kb: 0.0,
            spread: 0.0,
            ahead_s: 100.0,
        });
        let (mut device, mut buffer) = (Device::new(compute, 3, 0), Buffer::default());
        let at = |buffer_s| at(&ladder, buffer_s, 1e6, 0);
        let unknown = device.outlook(&buffer, 0.0);
        assert_eq!(within_compute(&at(0.0), 2, &unknown), 2);
        let arrival = Arrival {
            bytes: 1,
            due_s: 9.0,
            now_s: 0.0,
        };
        for rung in 0..3 {
            let piece = device.admit(Piece::new(rung, rung, 2.0), &arrival, &buffer);
            buffer.push(piece);
        }
        device.advance(&mut buffer, 9.0);
        let outlook = device.outlook(&buffer, 9.0);
        // 50, 90 and 130 ms a frame: ready after 0.05, 0.09 and 0.13 + 19 · 0.03 = 0.7 s.
        for (buffer_s, rung) in [(0.71, 2), (0.69, 1), (0.08, 0), (0.01, 0)] {
            assert_eq!(
                within_compute(&at(buffer_s), 2, &outlook),
                rung,
                "{buffer_s} s"
            );
        }
    }

    #[test]
    fn abandons_only_when_it_helps() {
        let ladder = constant_rate(&[20.0, 40.0, 80.0], 4, 2.0);
        let well = Some(800.0);
        for (rung, received, elapsed_s, buffer_s, estimate_kbps, expected) in [
            // 1 kB in the first second of flow: 19 kB left are 19 s away.
            (2, 1000, 1.1, 4.0, None, Some(0)),
            (2, 1000, 1.1, 12.0, None, Some(1)),
            (2, 1000, 1.1, 20.0, None, None),
            // Nearly done: starting over would take longer.
            (2, 18_000, 18.1, 0.0, None, None),
            // The estimate predicts enough, and after a second and a tenth half of it counts.
            (2, 1000, 1.1, 4.0, well, None),
            (2, 1000, 8.1, 4.0, well, Some(0)),
            // Too young, nothing received yet, or no lower rung.
            (2, 100, 0.3, 0.0, None, None),
            (2, 0, 5.0, 0.0, None, None),
            (0, 1000, 1.1, 0.0, None, None),
        ] {
            let progress = Progress {
                rung,
                estimate_kbps,
                ..progress(received, elapsed_s, buffer_s)
            };
            assert_eq!(instead(&ladder, &progress), expected, "{progress:?}");
        }
    }
}
