//! Mahimahi's packet log: each line is a millisecond in which one 1500-byte packet may pass.
//!
//! Packets are gathered into bins of 100 ms, so that rates are rates and not pulses; the total is
//! kept. The log loops at its last time stamp, hence a packet at t counts to the span that ends at
//! t. Latency is not recorded and counts as 0. Source: the `mm-link` manual of ravinet/mahimahi.

use super::lines::content;
use super::{Period, Trace, TraceError};

const BIN_MS: u64 = 100;
/// Bits that pass at one opportunity.
const PACKET_BITS: f64 = 12_000.0;
/// Latest time stamp that is believed: 30 days.
const LAST_MS: u64 = 30 * 24 * 3600 * 1000;

pub(super) fn parse(file: &str, text: &str) -> Result<Trace, TraceError> {
    let mut bins = Bins::default();
    let mut last_ms = 0;
    for line in content(text) {
        let time_ms = match line.text.parse::<u64>() {
            Ok(time_ms) if time_ms >= last_ms && time_ms <= LAST_MS => time_ms,
            _ => {
                let expected = format!("a whole number of milliseconds, {last_ms} or more");
                return Err(line.expected(file, &expected));
            }
        };
        last_ms = time_ms;
        bins.packet(time_ms.saturating_sub(1) / BIN_MS);
    }
    bins.close(last_ms);
    Trace::new(file, bins.periods)
}

/// The bin being filled, and the periods before it.
#[derive(Default)]
struct Bins {
    periods: Vec<Period>,
    bin: u64,
    packets: u64,
}

impl Bins {
    fn packet(&mut self, bin: u64) {
        if bin > self.bin {
            self.close((self.bin + 1) * BIN_MS);
            self.push(0, (bin - self.bin - 1) * BIN_MS);
            self.bin = bin;
            self.packets = 0;
        }
        self.packets += 1;
    }

    /// Ends the current bin at `end_ms`.
    fn close(&mut self, end_ms: u64) {
        self.push(self.packets, end_ms.saturating_sub(self.bin * BIN_MS));
    }

    fn push(&mut self, packets: u64, lasts_ms: u64) {
        if lasts_ms > 0 {
            self.periods.push(Period {
                duration_s: lasts_ms as f64 / 1000.0,
                kbps: packets as f64 * PACKET_BITS / lasts_ms as f64,
                latency_s: 0.0,
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{periods, refused};

    #[test]
    fn gathers_packets_and_keeps_the_total() {
        // Three packets up to 100 ms, none for 200 ms, one in the last 50 ms.
        let expected = [(0.1, 360.0), (0.2, 0.0), (0.05, 240.0)];
        assert_eq!(periods("0\n100\n100\n350\n"), expected);
        refused(&[
            ("5\n4\n", "line 2: expected a whole number"),
            ("5\n6.5\n", "line 2"),
            ("5\n99999999999999\n", "line 2"),
            ("0\n0\n", "found none"),
        ]);
    }
}
