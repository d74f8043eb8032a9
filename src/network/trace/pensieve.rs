//! Pensieve's cooked traces: a time in seconds and a throughput in Mbit/s a line.
//!
//! The value on a line applies to the interval that *ends* at its time, and the first line only
//! marks where the trace starts: so Pensieve's own simulator reads it. Latency is not recorded and
//! counts as 0. Source: hongzimao/pensieve, `sim/fixed_env.py`.

use super::lines::{Line, content};
use super::recorded::Parsed;
use super::{Period, TraceError};

/// The first time stamp and the periods after it.
pub(super) fn parse(file: &str, text: &str) -> Result<Parsed, TraceError> {
    let mut periods = Vec::new();
    let (mut first_s, mut before) = (0.0, None);
    for line in content(text) {
        let (time_s, mbps) = fields(file, &line)?;
        if let Some(before_s) = before {
            if time_s <= before_s {
                return Err(line.expected(file, &format!("a time after {before_s}")));
            }
            periods.push(Period {
                duration_s: time_s - before_s,
                kbps: mbps * 1000.0,
                latency_s: 0.0,
            });
        } else {
            first_s = time_s;
        }
        before = Some(time_s);
    }
    Ok(Parsed {
        first_s,
        ..periods.into()
    })
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
    use super::super::tests::{periods, refusal};

    #[test]
    fn a_value_applies_to_the_interval_before_it() {
        assert_eq!(
            periods("3.5\t9\n4.5\t0.25\n7\t0\n"),
            [(1.0, 250.0), (2.5, 0.0)]
        );
    }

    #[test]
    fn names_the_line() {
        assert!(refusal("0 1\n1 1\n1 1").contains("line 3: expected a time after 1"));
        assert!(refusal("0 1\n1 nan").contains("line 2: expected a rate"));
        assert!(refusal("0 1\n1 -2").contains("found `1 -2`"));
        assert!(refusal("0 1\n1").contains("line 2"));
        assert!(refusal("0 1").contains("found none"));
    }
}
