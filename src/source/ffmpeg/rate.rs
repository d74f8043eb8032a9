//! The constant rate at which an input is read, from the container's metadata and the frames' times.
//!
//! A steady input keeps its rate. Any other gets the rate of its fastest usual stretch, rounded up, so
//! that few frames are dropped: the mean would be too low for a clip with pauses. Times that jitter
//! around a rate, as in recordings by browsers, count as that rate. The formats of animated pictures
//! state exact times; there the shortest is the rate, and no picture is dropped.

use crate::time::FrameRate;
use std::f64::consts::TAU;

/// Fastest rate that is taken from an input.
const FASTEST: u32 = 120;

/// Usual rates besides those of NTSC, in halves of a frame a second.
const USUAL: [u32; 15] = [
    10, 16, 20, 24, 25, 30, 40, 48, 50, 60, 96, 100, 120, 200, 240,
];

/// Share of frames that may share a slot with another one before a faster rate is chosen: that
/// many collide in recordings whose times jitter by half a frame.
const MAY_COLLIDE: f64 = 0.12;

/// A rate and how the input's times lie on it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Timing {
    pub(super) rate: FrameRate,
    /// To be added to times that count from the first frame, in seconds, so that most frames lie
    /// in the middle of their slots.
    pub(super) shift: f64,
    /// The shortest and the longest distance of frames in seconds, where they differ.
    pub(super) uneven: Option<(f64, f64)>,
}

/// The timing of frames shown at `times` (seconds, ascending), for which the container states the
/// `nominal` rate and the `mean`. `exact`: every distance is meant. `None` without any of these.
pub(super) fn timing(times: &[f64], nominal: &str, mean: &str, exact: bool) -> Option<Timing> {
    let distances = times.windows(2).map(|pair| pair[1] - pair[0]);
    let distances: Vec<f64> = distances.filter(|d| *d > 1e-6).collect();
    let stated = [nominal, mean].map(quotient);
    if distances.is_empty() {
        let stated = stated.into_iter().flatten().find(|rate| *rate <= 1000.0);
        return stated.and_then(rational).map(|rate| Timing {
            rate: capped(rate),
            shift: 0.0,
            uneven: None,
        });
    }
    let mut stated = stated.into_iter().flatten();
    let steady = stated.find(|rate| is_steady(&distances, *rate));
    let shortest = distances.iter().copied().fold(f64::MAX, f64::min);
    let longest = distances.iter().copied().fold(0.0, f64::max);
    let rate = match steady.and_then(rational) {
        _ if exact => rational(1.0 / shortest)?,
        Some(rate) => rate,
        None => fastest_usual(times, &distances)?,
    };
    let rate = capped(rate);
    Some(Timing {
        rate,
        shift: shift(times, rate.fps()) / rate.fps(),
        uneven: (longest > 1.5 * shortest).then_some((shortest, longest)),
    })
}

/// The value of a fraction such as `30000/1001`, if it is above 0.
pub(super) fn quotient(text: &str) -> Option<f64> {
    let (num, den) = text.split_once('/')?;
    let (num, den): (f64, f64) = (num.parse().ok()?, den.parse().ok()?);
    (num > 0.0 && den > 0.0).then(|| num / den)
}

/// Whether nearly all distances are one frame of `rate`, as exactly as milliseconds can say it.
fn is_steady(distances: &[f64], rate: f64) -> bool {
    let near = |distance: &&f64| (*distance * rate - 1.0).abs() <= 0.1 + 0.001 * rate;
    distances.iter().filter(near).count() as f64 >= 0.94 * distances.len() as f64
}

/// `rate` as a fraction: one of NTSC, a usual or a whole one if it is within 1e-4 of it.
fn rational(rate: f64) -> Option<FrameRate> {
    let ntsc = ((rate * 1.001).round() as u32).saturating_mul(1000);
    let whole = [(ntsc, 1001), (rate.round() as u32, 1)].into_iter();
    let whole = whole.filter_map(|(num, den)| FrameRate::new(num, den).ok());
    if let Some(near) = nearest(whole, rate, 1e-4).or(nearest(usual(), rate, 1e-4)) {
        return Some(near);
    }
    // Whole microseconds a frame say the rates of timestamps in milliseconds exactly.
    let by_time = FrameRate::new(1_000_000, (1e6 / rate).round() as u32).ok();
    by_time.or_else(|| FrameRate::new(rate.round().clamp(1.0, 1000.0) as u32, 1).ok())
}

fn usual() -> impl Iterator<Item = FrameRate> {
    USUAL
        .into_iter()
        .filter_map(|halves| FrameRate::new(halves, 2).ok())
}

/// The candidate nearest to `rate`, if it is within `share` of it.
fn nearest(rates: impl Iterator<Item = FrameRate>, rate: f64, share: f64) -> Option<FrameRate> {
    let off = |candidate: &FrameRate| (candidate.fps() - rate).abs();
    let nearest = rates.min_by(|a, b| off(a).total_cmp(&off(b)));
    nearest.filter(|candidate| off(candidate) <= share * rate)
}

fn capped(rate: FrameRate) -> FrameRate {
    match FrameRate::new(FASTEST, 1) {
        Ok(fastest) if rate.fps() > fastest.fps() => fastest,
        _ => rate,
    }
}

/// The rate of the fastest usual stretch, raised until few frames share a slot.
fn fastest_usual(times: &[f64], distances: &[f64]) -> Option<FrameRate> {
    let near =
        |rate: f64| nearest(usual(), rate, 0.025).or_else(|| rational(rate.round().max(1.0)));
    let mut rate = near(stretch_rate(distances))?;
    while collisions(times, rate.fps()) > MAY_COLLIDE && rate.fps() < f64::from(FASTEST) {
        rate = usual().find(|usual| usual.fps() > 1.01 * rate.fps())?;
    }
    Some(rate)
}

/// Frames a second over stretches of some frames, so that jitter averages out: the rate that a
/// tenth of the stretches reaches.
fn stretch_rate(distances: &[f64]) -> f64 {
    let length = (distances.len() / 4).clamp(1, 24);
    let stretches = distances.windows(length);
    let mut sums: Vec<f64> = stretches.map(|stretch| stretch.iter().sum()).collect();
    sums.sort_by(f64::total_cmp);
    length as f64 / sums[sums.len() / 10].max(1e-6)
}

/// Share of frames that fall into the slot of another one at `rate`.
fn collisions(times: &[f64], rate: f64) -> f64 {
    let shift = shift(times, rate);
    let first = times.first().copied().unwrap_or_default();
    let slot = |time: &f64| ((time - first) * rate + shift).round() as i64;
    let mut slots: Vec<i64> = times.iter().map(slot).collect();
    slots.dedup();
    1.0 - slots.len() as f64 / times.len().max(1) as f64
}

/// What to add to times counted in frames of `rate` from the first one, so that their mean place
/// is the middle of a slot; 0 where the times are spread evenly or lie well already.
fn shift(times: &[f64], rate: f64) -> f64 {
    let first = times.first().copied().unwrap_or_default();
    let angles = times.iter().map(|time| (time - first) * rate * TAU);
    let sum = |(x, y): (f64, f64), angle: f64| (x + angle.cos(), y + angle.sin());
    let (x, y) = angles.fold((0.0, 0.0), sum);
    let concentrated = x.hypot(y) > 0.3 * times.len() as f64;
    let place = y.atan2(x) / TAU;
    match concentrated && place.abs() > 0.1 {
        true => -place,
        false => 0.0,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn rate(times: &[f64], nominal: &str, mean: &str) -> String {
        let timing = timing(times, nominal, mean, false);
        timing.map_or_else(String::new, |timing| timing.rate.to_string())
    }

    fn steady(count: u32, fps: f64, unit: f64) -> Vec<f64> {
        let time = |n| (f64::from(n) / fps / unit).round() * unit;
        (0..count).map(time).collect()
    }

    /// Evenly spread numbers in −1..1 without a pattern.
    fn noise(n: u32) -> f64 {
        (f64::from(n) * 0.618_034).fract() * 2.0 - 1.0
    }

    #[test]
    fn steady_rates_stay_and_near_ones_snap() {
        let ntsc = 60000.0 / 1001.0;
        for (count, fps, unit, nominal, mean, expected) in [
            (61, ntsc, 1e-3, "19001/317", "19001/317", "60000/1001"),
            (61, ntsc / 2.0, 1e-6, "30000/1001", "2997/100", "30000/1001"),
            (9, 25.0, 1e-6, "25/1", "25/1", "25"),
            (9, 12.5, 1e-3, "25/2", "25/2", "25/2"),
            (9, 14.985, 1e-3, "14985/1000", "0/0", "15000/1001"),
            (99, 1000.0 / 33.0, 1e-3, "1000/33", "1000/33", "1000/33"),
            (99, 240.0, 1e-6, "240/1", "240/1", "120"),
            // Interlaced streams state their fields.
            (50, 25.0, 1e-6, "50/1", "25/1", "25"),
        ] {
            assert_eq!(rate(&steady(count, fps, unit), nominal, mean), expected);
        }
        assert_eq!(rate(&[0.0], "10/1", "0/0"), "10");
        assert_eq!(rate(&[0.0], "0/0", "0/0"), "");
    }

    #[test]
    fn a_clip_with_pauses_or_two_rates_has_its_fastest_rate() {
        let mut still = vec![0.0];
        still.extend((60..92).map(|n| f64::from(n) / 30.0));
        still.push(179.0 / 30.0);
        let bursts = (0..20).flat_map(|k| (0..10).map(move |n| f64::from(k) + f64::from(n) / 60.0));
        let mut mixed: Vec<f64> = (0..100).map(|n| f64::from(n) / 24.0).collect();
        mixed.extend((0..100).map(|n| 5.0 + f64::from(n) / 60.0));
        for (times, nominal, mean, expected) in [
            (&still, "30/1", "255/38", "30"),
            (&still, "90000/1", "255/38", "30"),
            (&bursts.collect(), "1000/1", "10/1", "60"),
            (
                &vec![0.0, 2.0, 2.0 + 1.0 / 30.0, 5.0],
                "90000/1",
                "4/5",
                "30",
            ),
            (&mixed, "120/1", "34/1", "60"),
        ] {
            assert_eq!(rate(times, nominal, mean), expected);
        }
    }

    #[test]
    fn jittered_times_give_their_nominal_rate() {
        let browsers = [(30.0, 0.008), (30.0, 0.012), (25.0, 0.01)];
        for (fps, jitter) in browsers.into_iter().chain([(60.0, 0.005), (15.0, 0.02)]) {
            let time = |n: u32| ((f64::from(n) / fps + jitter * noise(n)) * 1e3).round() / 1e3;
            let mut times: Vec<f64> = (1..200).map(time).collect();
            times.sort_by(f64::total_cmp);
            let Timing { rate, shift, .. } = timing(&times, "1000/1", "3003/100", false).unwrap();
            assert_eq!(
                (rate.fps(), shift.abs() < 0.6 / fps),
                (fps, true),
                "{jitter}"
            );
        }
    }

    #[test]
    fn animated_pictures_keep_every_picture() {
        let times = [0.0, 0.1, 0.2, 0.22, 0.32, 0.42, 0.52, 0.62, 0.72, 0.82, 5.0];
        let rate = timing(&times, "100/1", "2/1", true).map(|timing| timing.rate);
        assert_eq!(rate, FrameRate::new(50, 1).ok());
        assert_eq!(collisions(&times, 50.0), 0.0);
    }
}
