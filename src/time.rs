//! Exact media time: rational frame rates and tick counts bound to their timescale.
//!
//! Formats and manifests never see a bare float of seconds. A frame rate is a rational
//! (`30000/1001`), a [`MediaTime`] is ticks of a [`Timescale`], and the timescale of a track is a
//! multiple of its frame rate, so every frame starts on a whole tick (ISO/IEC 23000-19 §7).
//! Knows nothing of prompts, containers or clocks.

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;

/// An invalid frame rate or timescale.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TimeError {
    /// A rate that is not `N`, `N/D` or a decimal of a known rate, or lies outside 1..=1000 fps.
    #[error(
        "`{0}` is not a frame rate: expected N or N/D between 1 and 1000 frames a second, such as 24 or 30000/1001"
    )]
    FrameRate(String),
    /// A timescale of zero ticks a second.
    #[error("a timescale needs at least one tick a second")]
    ZeroTimescale,
}

/// Ticks per second of a track, at least 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Timescale(NonZeroU32);

impl Timescale {
    /// A million ticks a second.
    pub const MICROSECONDS: Self = Self(NonZeroU32::MIN.saturating_add(999_999));

    /// A timescale of `ticks` a second.
    pub fn new(ticks: u32) -> Result<Self, TimeError> {
        let ticks = NonZeroU32::new(ticks).ok_or(TimeError::ZeroTimescale)?;
        Ok(Self(ticks))
    }

    /// Ticks a second.
    pub fn ticks(self) -> u32 {
        self.0.get()
    }
}

/// A point or span of media time: a whole number of ticks of one timescale.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct MediaTime {
    /// Number of ticks.
    pub ticks: u64,
    /// Unit of the ticks.
    pub timescale: Timescale,
}

impl MediaTime {
    /// `ticks` of `timescale`.
    pub fn new(ticks: u64, timescale: Timescale) -> Self {
        Self { ticks, timescale }
    }

    /// Seconds as a float, for arithmetic that is not written to any format.
    pub fn seconds(self) -> f64 {
        self.ticks as f64 / f64::from(self.timescale.ticks())
    }
}

/// A constant frame rate as an exact rational, between 1 and 1000 frames a second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FrameRate {
    num: NonZeroU32,
    den: NonZeroU32,
}

impl FrameRate {
    /// `num / den` frames a second, reduced to lowest terms.
    pub fn new(num: u32, den: u32) -> Result<Self, TimeError> {
        let bad = || TimeError::FrameRate(format!("{num}/{den}"));
        let divisor = gcd(num, den).max(1);
        let num = NonZeroU32::new(num / divisor).ok_or_else(bad)?;
        let den = NonZeroU32::new(den / divisor).ok_or_else(bad)?;
        let in_range = num >= den && u64::from(num.get()) <= 1000 * u64::from(den.get());
        if in_range && num.get() <= 1_000_000 {
            Ok(Self { num, den })
        } else {
            Err(bad())
        }
    }

    /// Numerator in lowest terms.
    pub fn num(self) -> u32 {
        self.num.get()
    }

    /// Denominator in lowest terms.
    pub fn den(self) -> u32 {
        self.den.get()
    }

    /// Frames a second as a float.
    pub fn fps(self) -> f64 {
        f64::from(self.num.get()) / f64::from(self.den.get())
    }

    /// The timescale of tracks at this rate: a multiple of the rate, at least 1000 ticks a second.
    pub fn timescale(self) -> Timescale {
        Timescale(self.num.saturating_mul(self.factor()))
    }

    /// Ticks of [`Self::timescale`] that one frame lasts.
    pub fn frame_ticks(self) -> u32 {
        self.den.get() * self.factor().get()
    }

    /// When frame number `frame` starts, counted from 0; equally the span of `frame` frames.
    pub fn time_of(self, frame: u64) -> MediaTime {
        MediaTime::new(frame * u64::from(self.frame_ticks()), self.timescale())
    }

    fn factor(self) -> NonZeroU32 {
        let extra = if self.num.get() < 1000 { 999 } else { 0 };
        NonZeroU32::MIN.saturating_add(extra)
    }
}

impl fmt::Display for FrameRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.den.get() == 1 {
            write!(f, "{}", self.num)
        } else {
            write!(f, "{}/{}", self.num, self.den)
        }
    }
}

impl FromStr for FrameRate {
    type Err = TimeError;

    fn from_str(text: &str) -> Result<Self, TimeError> {
        let bad = || TimeError::FrameRate(text.to_owned());
        let (num, den) = text.split_once(['/', ':']).unwrap_or((text, "1"));
        let num = num.trim().parse().map_err(|_| bad())?;
        let den = den.trim().parse().map_err(|_| bad())?;
        Self::new(num, den).map_err(|_| bad())
    }
}

fn gcd(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_start_on_whole_ticks() {
        for (text, rate, ticks, frame_ticks) in [
            ("60000/2002", "30000/1001", 30_000, 1001),
            ("24", "24", 24_000, 1000),
        ] {
            let read: FrameRate = text.parse().unwrap();
            assert_eq!(read.to_string(), rate);
            assert_eq!(read.timescale().ticks(), ticks);
            assert_eq!(read.frame_ticks(), frame_ticks);
            assert_eq!(read.time_of(3).ticks, u64::from(3 * frame_ticks));
        }
        let seconds = FrameRate::new(24, 1).unwrap().time_of(48).seconds();
        assert!((seconds - 2.0).abs() < 1e-12);
        for text in ["", "0", "24/0", "-3", "1/2", "5000", "4294967295/1"] {
            let error = text.parse::<FrameRate>().unwrap_err().to_string();
            assert!(error.contains("frame rate"), "{error}");
        }
    }
}
