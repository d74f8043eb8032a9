//! The throughput rule: nine tenths of the estimate, then the insufficient-buffer rule.

use crate::compat::sabre::network::Progress;
use crate::compat::sabre::options::Options;
use crate::compat::sabre::rule::{BufferGuard, Choice, Rule, View};

/// Share of the estimate used.
const SAFETY: f64 = 0.9;
/// Maximum duration of a transfer, in segment durations.
const PATIENCE: f64 = 1.8;
/// Minimum age of a transfer to be abandoned.
const GRACE_MS: f64 = 500.0;

pub(super) struct Throughput {
    guard: Option<BufferGuard>,
}

impl Throughput {
    pub(super) fn new(options: &Options) -> Self {
        let guarded = !options.no_insufficient_buffer_rule;
        Self {
            guard: guarded.then(BufferGuard::new),
        }
    }
}

impl Rule for Throughput {
    fn choose(&mut self, view: &View<'_>, _segment: i64) -> Choice {
        let wanted = view.sustained(view.kbps * SAFETY);
        let guard = self.guard.as_mut();
        let capped = guard.and_then(|guard| guard.below(view, wanted));
        Choice::now(capped.unwrap_or(wanted))
    }

    fn look(&mut self, view: &View<'_>, progress: &Progress, _buffer_ms: f64) -> Option<usize> {
        let flowed_ms = progress.time_ms - progress.latency_ms;
        if progress.time_ms < GRACE_MS || flowed_ms <= 0.0 {
            return None;
        }
        let kbps = progress.downloaded / flowed_ms;
        let left = progress.size - progress.downloaded;
        if progress.time_ms + left / kbps <= PATIENCE * view.movie.segment_ms() {
            return None;
        }
        let rates = view.movie.rates_kbps();
        let quality = view.sustained(kbps * SAFETY);
        let expected = progress.size * rates[quality] / rates[progress.quality];
        (quality < progress.quality && expected < left).then_some(quality)
    }
}
