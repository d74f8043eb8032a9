//! Pensieve's cooked traces: a time in seconds and a throughput in Mbit/s a line.
//!
//! The value on a line applies to the interval that *ends* at its time, and the first line only
//! marks where the trace starts: so Pensieve's own simulator reads it. Latency is not recorded and
//! counts as 0. Source: hongzimao/pensieve, `sim/fixed_env.py`.

use super::lines::{Line, content};
use super::{Period, Trace, TraceError};

pub(super) fn parse(file: &str, text: &str) -> Result<Trace, TraceError> {
    let (mut times_s, mut periods) = (Vec::new(), Vec::new());
    for line in content(text) {
        let (time_s, mbps) = fields(file, &line)?;
        if let Some(before_s) = times_s.last() {
            if time_s <= *before_s {
                return Err(line.expected(file, &format!("a time after {before_s}")));
            }
            periods.push(Period {
                duration_s: time_s - before_s,
                kbps: mbps * 1000.0,
                latency_s: 0.0,
            });
        }
        times_s.push(time_s);
    }
    let mut trace = Trace::new(file, periods)?;
    trace.first_s = times_s[0];
    Ok(trace)
}

fn fields(file: &str, line: &Line<'_>) -> Result<(f64, f64), TraceError> {
    let mut fields = line.text.split_whitespace();
    let (Some(time), Some(rate), None) = (fields.next(), fields.next(), fields.next()) else {
        return Err(line.expected(file, "a time in seconds and a rate in Mbit/s"));
    };
    let time_s = line.number(file, time, "a time in seconds")?;
    Ok((time_s, line.number(file, rate, "a rate in Mbit/s")?))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{periods, refused};

    #[test]
    fn a_value_applies_to_the_interval_before_it() {
        let text = "3.5\t9\n4.5\t0.25\n7\t0\n";
        assert_eq!(periods(text), [(1.0, 250.0), (2.5, 0.0)]);
        refused(&[
            ("0 1\n1 1\n1 1", "line 3: expected a time after 1"),
            ("0 1\n1 nan", "line 2: expected a rate"),
            ("0 1\n1 -2", "found `1 -2`"),
            ("0 1\n1", "line 2"),
            ("0 1", "found none"),
        ]);
    }
}
