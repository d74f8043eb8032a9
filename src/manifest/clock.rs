//! Decimal seconds and ISO 8601 durations, to and from exact media time.
//!
//! Manifests write seconds with a few decimals; segments last whole frames. Reading therefore
//! rounds to the nearest frame, which gives the exact time back.

use crate::time::{FrameRate, MediaTime};

/// Seconds with exactly six decimals, rounded to the nearest microsecond.
pub(super) fn decimal_seconds(time: MediaTime) -> String {
    let scale = u128::from(time.timescale.ticks());
    let micros = (u128::from(time.ticks) * 1_000_000 + scale / 2) / scale;
    format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000)
}

/// `xs:duration` such as `PT24S` or `PT10.01S`, to the microsecond.
pub(super) fn iso_duration(time: MediaTime) -> String {
    let text = decimal_seconds(time);
    let text = text.trim_end_matches('0').trim_end_matches('.');
    format!("PT{text}S")
}

/// The seconds of an `xs:duration` of days, hours, minutes and seconds.
pub(crate) fn parse_iso_duration(text: &str) -> Option<f64> {
    let text = text.strip_prefix('P')?;
    let (days, time) = text.split_once('T').unwrap_or((text, ""));
    // How long a year or a month lasts is not known.
    let dates = [('Y', f64::NAN), ('M', f64::NAN), ('D', 86_400.0)];
    let times = [('H', 3600.0), ('M', 60.0), ('S', 1.0)];
    let mut seconds = 0.0;
    for (mut rest, units) in [(days, dates), (time, times)] {
        for (unit, scale) in units {
            if let Some((count, after)) = rest.split_once(unit) {
                let count = decimal(count)?;
                seconds += if count == 0.0 { 0.0 } else { scale * count };
                rest = after;
            }
        }
        if !rest.is_empty() {
            return None;
        }
    }
    (text.len() > 1 && !seconds.is_nan()).then_some(seconds)
}

/// The nearest whole number of frames; `None` for impossible durations of a title (negative, not
/// finite, above 2^40 frames).
pub(super) fn whole_frames(seconds: f64, rate: FrameRate) -> Option<u64> {
    let frames = (seconds * rate.fps()).round();
    (0.0..=1_099_511_627_776.0)
        .contains(&frames)
        .then_some(frames as u64)
}

/// The rate meant by a decimal with three digits after the point: a whole number, one of the
/// `× 1000/1001` family, or else that very decimal.
pub(super) fn rate_from_decimal(fps: f64) -> Option<FrameRate> {
    const ROUNDING: f64 = 0.000_51;
    if !(1.0..=1000.0).contains(&fps) {
        return None;
    }
    let near = |exact: f64| (exact - fps).abs() < ROUNDING;
    let ntsc = (fps * 1.001).round();
    if near(fps.round()) {
        FrameRate::new(fps.round() as u32, 1).ok()
    } else if near(ntsc / 1.001) {
        FrameRate::new(ntsc as u32 * 1000, 1001).ok()
    } else {
        FrameRate::new((fps * 1000.0).round() as u32, 1000).ok()
    }
}

fn decimal(text: &str) -> Option<f64> {
    let plain = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    text.parse().ok().filter(|_| plain)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn durations_round_trip_through_both_notations() {
        let rate = FrameRate::new(30000, 1001).unwrap();
        let time = rate.time_of(300);
        assert_eq!(decimal_seconds(time), "10.010000");
        assert_eq!(iso_duration(time), "PT10.01S");
        assert_eq!(whole_frames(10.01, rate), Some(300));
        assert_eq!(iso_duration(rate.time_of(0)), "PT0S");
    }

    #[test]
    fn foreign_durations_are_understood() {
        for (text, seconds) in [
            ("PT24S", Some(24.0)),
            ("PT0H1M2.5S", Some(62.5)),
            ("P1DT1S", Some(86_401.0)),
            ("P2D", Some(172_800.0)),
            ("P0Y0M1DT0H0M3.500S", Some(86_403.5)),
            ("P1Y", None),
            ("P1M", None),
            ("P1", None),
            ("PT", None),
            ("P", None),
            ("-PT1S", None),
            ("PT1", None),
            ("PTinfS", None),
            ("24", None),
        ] {
            assert_eq!(parse_iso_duration(text), seconds, "{text}");
        }
    }

    #[test]
    fn rates_come_back_from_three_decimals() {
        for rate in "24 24000/1001 25 30000/1001 60000/1001 120 25/2".split(' ') {
            let rate: FrameRate = rate.parse().unwrap();
            let text = format!("{:.3}", rate.fps());
            assert_eq!(rate_from_decimal(text.parse().unwrap()), Some(rate));
        }
        assert_eq!(rate_from_decimal(f64::NAN), None);
    }
}
