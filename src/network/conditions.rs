//! Changes to a trace before a session: multiplier, offset, latency, headers, repetition.

use super::trace::{Period, Trace, TraceError};
use serde::Serialize;

/// Changes to a recorded network. The default changes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Conditions {
    /// Rates are multiplied by this, 0 or more.
    pub multiplier: f64,
    /// Start of the session in the trace, seconds, modulo its length.
    pub offset_s: f64,
    /// Whether the trace repeats; otherwise nothing is delivered after its end.
    pub looped: bool,
    /// Latency of every request in seconds, instead of the trace's own.
    pub latency_s: Option<f64>,
    /// Bytes of headers in every response.
    pub overhead_bytes: u64,
}

impl Default for Conditions {
    fn default() -> Self {
        Self {
            multiplier: 1.0,
            offset_s: 0.0,
            looped: true,
            latency_s: None,
            overhead_bytes: 0,
        }
    }
}

impl Conditions {
    /// The trace with offset and latency applied; fails for values that are not seconds.
    pub(crate) fn apply(&self, trace: &Trace) -> Result<Trace, TraceError> {
        let mut periods = trace.periods().to_vec();
        if let Some(latency_s) = self.latency_s {
            for period in &mut periods {
                period.latency_s = latency_s;
            }
        }
        if self.offset_s > 0.0 {
            periods = turned(periods, self.offset_s % trace.duration_s());
        }
        Trace::new(trace.name(), periods)
    }
}

/// The periods from `offset_s` on, and then those before it.
fn turned(periods: Vec<Period>, offset_s: f64) -> Vec<Period> {
    let (mut before, mut after) = (Vec::new(), Vec::new());
    let mut start_s = 0.0;
    for period in periods {
        let end_s = start_s + period.duration_s;
        let early_s = (offset_s - start_s).clamp(0.0, period.duration_s);
        let part = |duration_s| Period {
            duration_s,
            ..period
        };
        before.push(part(early_s));
        after.push(part(period.duration_s - early_s));
        start_s = end_s;
    }
    after.extend(before);
    after.retain(|period| period.duration_s > 0.0);
    after
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::trace::tests::trace;

    #[test]
    fn an_offset_turns_the_trace() {
        let given = trace(&[(2.0, 8.0, 0.1), (3.0, 16.0, 0.2)]);
        let apply = |offset_s, latency_s| {
            let conditions = Conditions {
                offset_s,
                latency_s,
                ..Conditions::default()
            };
            conditions.apply(&given)
        };
        for (offset_s, expected) in [
            (0.0, &[(2.0, 8.0), (3.0, 16.0)][..]),
            (2.0, &[(3.0, 16.0), (2.0, 8.0)]),
            (6.0, &[(1.0, 8.0), (3.0, 16.0), (1.0, 8.0)]),
        ] {
            let applied = apply(offset_s, None).unwrap();
            let found = applied.periods().iter().map(|p| (p.duration_s, p.kbps));
            assert!(found.eq(expected.iter().copied()), "{offset_s}");
        }
        assert_eq!(apply(0.0, Some(0.7)).unwrap().periods()[1].latency_s, 0.7);
        assert!(apply(0.0, Some(f64::NAN)).is_err());
    }
}
