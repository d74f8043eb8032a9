//! What was read of recorded networks, in a line: a mistaken unit shows in the mean rate.

use crate::network::trace::Trace;
use std::fmt::Write as _;

/// Of more traces than this only what they have in common is said.
const EACH: usize = 3;

/// Says on stderr what `trace` is.
pub(in crate::cli) fn tell(trace: &Trace) {
    tell_all(std::slice::from_ref(trace));
}

/// Says on stderr what `traces` are.
pub(super) fn tell_all(traces: &[Trace]) {
    eprint!("{}", text(traces));
}

fn text(traces: &[Trace]) -> String {
    let mut out = String::new();
    for trace in traces {
        let name = trace.name();
        // Writing to a string cannot fail.
        if traces.len() <= EACH {
            let (mean, lasts) = (rate(trace.mean_kbps()), trace.duration_s());
            let _ = writeln!(out, "{name}: mean {mean} kbit/s over {lasts:.1} s");
        }
        for note in trace.notes() {
            let _ = writeln!(out, "{name}: {note}");
        }
    }
    if traces.len() > EACH {
        let means = range(traces.iter().map(Trace::mean_kbps));
        let lengths = range(traces.iter().map(Trace::duration_s));
        let _ = writeln!(
            out,
            "{} traces: mean rates {} / {} / {} kbit/s, lengths {:.0} / {:.0} / {:.0} s \
             (least / median / most)",
            traces.len(),
            rate(means[0]),
            rate(means[1]),
            rate(means[2]),
            lengths[0],
            lengths[1],
            lengths[2]
        );
    }
    out
}

/// A rate with three digits or more.
fn rate(kbps: f64) -> String {
    match kbps {
        ..10.0 => format!("{kbps:.2}"),
        ..100.0 => format!("{kbps:.1}"),
        _ => format!("{kbps:.0}"),
    }
}

/// Least, median and most.
fn range(values: impl Iterator<Item = f64>) -> [f64; 3] {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    let at = |place: usize| values.get(place).copied().unwrap_or(0.0);
    [
        at(0),
        at(values.len() / 2),
        at(values.len().saturating_sub(1)),
    ]
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn trace(name: &str, kbps: f64) -> Trace {
        Trace::parse(name, format!("0,{kbps}\n10,{kbps}\n").as_bytes()).unwrap()
    }

    #[test]
    fn a_few_are_told_one_by_one_and_many_together() {
        let traces: Vec<Trace> = (0..5)
            .map(|k| trace(&format!("t{k}"), 4.5 * 10f64.powi(k)))
            .collect();
        assert_eq!(
            text(&traces[..2]),
            "t0: mean 4.50 kbit/s over 20.0 s\nt1: mean 45.0 kbit/s over 20.0 s\n"
        );
        assert_eq!(
            text(&traces),
            "5 traces: mean rates 4.50 / 450 / 45000 kbit/s, lengths 20 / 20 / 20 s (least / median / most)\n"
        );
    }
}
