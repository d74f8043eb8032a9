//! High dynamic range and wide gamuts to 8-bit pictures of BT.709 primaries.
//!
//! Values become light (ITU-R BT.2100-2: PQ table 4, HLG table 5 with its system gamma of 1.2 on
//! a display of 1000 cd/m²), in units of 203 cd/m², the white of BT.2408. Light up to three quarters
//! of that white stays the same, and with it content graded for standard range; brighter light is
//! compressed below 1 by its largest component, which keeps the hue. The result has the sRGB curve.
//! Knows no pixel formats.

use std::sync::Arc;

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Transfer {
    /// The usual curve: no light above white.
    Standard,
    Hlg,
    /// The perceptual quantiser, with light up to `peak` cd/m².
    Pq {
        peak: f64,
    },
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Gamut {
    Bt709,
    Bt2020,
    P3,
}

/// Light of reference white in cd/m².
const WHITE: f64 = 203.0;
/// Light of the display that HLG is rendered for.
const HLG_PEAK: f64 = 1000.0;
/// Up to here light stays as it is.
const KNEE: f32 = 0.75;
const STEPS: usize = 4096;

const FROM_2020: [[f32; 3]; 3] = [
    [1.6605, -0.5876, -0.0729],
    [-0.1246, 1.1329, -0.0083],
    [-0.0182, -0.1006, 1.1188],
];
const FROM_P3: [[f32; 3]; 3] = [
    [1.2249, -0.2249, 0.0],
    [-0.0420, 1.0420, 0.0],
    [-0.0196, -0.0786, 1.0982],
];

/// Conversion of 16-bit R'G'B' to 8-bit sRGB.
#[derive(Clone)]
pub(super) struct Tone {
    /// Light of a value, of `STEPS`.
    light: Arc<[f32]>,
    /// 8-bit value of a light from 0 to 1, of `STEPS`.
    shown: Arc<[u8]>,
    /// The gain of HLG's system gamma over the square root of scene luminance, of `STEPS`; empty
    /// for other curves.
    gamma: Arc<[f32]>,
    gamut: Gamut,
    /// How strongly light above the knee is compressed; 0 where there is none above 1.
    bend: f32,
}

impl Tone {
    pub(super) fn new(transfer: Transfer, gamut: Gamut) -> Self {
        let peak = match transfer {
            Transfer::Standard => 1.0,
            Transfer::Hlg => HLG_PEAK / WHITE,
            Transfer::Pq { peak } => peak / WHITE,
        };
        let at = |step: usize| step as f64 / (STEPS - 1) as f64;
        let light = (0..STEPS).map(|step| match transfer {
            Transfer::Standard => from_srgb(at(step)) as f32,
            Transfer::Hlg => from_hlg(at(step)) as f32,
            Transfer::Pq { .. } => (from_pq(at(step)) * 10_000.0 / WHITE) as f32,
        });
        let gain = |step: usize| (libm::pow(at(step), 0.4) * HLG_PEAK / WHITE) as f32;
        let gamma = (0..STEPS).filter(|_| transfer == Transfer::Hlg).map(gain);
        // Slope 1 at the knee, and 1 at the peak.
        let above = peak as f32 - KNEE;
        let bend = 1.0 / (1.0 - KNEE) - 1.0 / above.max(1.0 - KNEE);
        Self {
            light: light.collect(),
            shown: (0..STEPS).map(|step| to_srgb(at(step))).collect(),
            gamma: gamma.collect(),
            gamut,
            bend,
        }
    }

    pub(super) fn map(&self, values: [u16; 3]) -> [u8; 3] {
        let mut light = values.map(|value| self.light[usize::from(value >> 4)]);
        if !self.gamma.is_empty() {
            let luma = 0.2627 * light[0] + 0.6780 * light[1] + 0.0593 * light[2];
            let step = luma.clamp(0.0, 1.0).sqrt() * (STEPS - 1) as f32;
            let gain = self.gamma[(step + 0.5) as usize];
            light = light.map(|scene| scene * gain);
        }
        let mixed = match self.gamut {
            Gamut::Bt709 => light,
            Gamut::Bt2020 => mix(&FROM_2020, light),
            Gamut::P3 => mix(&FROM_P3, light),
        };
        let brightest = mixed.iter().copied().fold(0.0, f32::max);
        let above = brightest - KNEE;
        let gain = match above > 0.0 {
            true => (KNEE + above / (1.0 + self.bend * above)) / brightest,
            false => 1.0,
        };
        mixed.map(|light| {
            let step = (light * gain).clamp(0.0, 1.0) * (STEPS - 1) as f32;
            self.shown[(step + 0.5) as usize]
        })
    }
}

fn mix(matrix: &[[f32; 3]; 3], [r, g, b]: [f32; 3]) -> [f32; 3] {
    matrix.map(|row| row[0] * r + row[1] * g + row[2] * b)
}

/// Scene light, 0 to 1 (BT.2100-2 table 5, inverse OETF).
fn from_hlg(value: f64) -> f64 {
    const A: f64 = 0.178_832_77;
    const B: f64 = 0.284_668_92;
    const C: f64 = 0.559_910_73;
    match value <= 0.5 {
        true => value * value / 3.0,
        false => (libm::exp((value - C) / A) + B) / 12.0,
    }
}

/// Display light, 1 for 10 000 cd/m² (BT.2100-2 table 4, EOTF).
fn from_pq(value: f64) -> f64 {
    const M1: f64 = 2610.0 / 16384.0;
    const M2: f64 = 2523.0 / 4096.0 * 128.0;
    const C1: f64 = 3424.0 / 4096.0;
    const C2: f64 = 2413.0 / 4096.0 * 32.0;
    const C3: f64 = 2392.0 / 4096.0 * 32.0;
    let power = libm::pow(value, 1.0 / M2);
    libm::pow((power - C1).max(0.0) / (C2 - C3 * power), 1.0 / M1)
}

fn from_srgb(value: f64) -> f64 {
    match value <= 0.040_45 {
        true => value / 12.92,
        false => libm::pow((value + 0.055) / 1.055, 2.4),
    }
}

fn to_srgb(light: f64) -> u8 {
    let value = match light <= 0.003_130_8 {
        true => light * 12.92,
        false => 1.055 * libm::pow(light, 1.0 / 2.4) - 0.055,
    };
    (value * 255.0).round() as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grey(tone: &Tone, value: f64) -> u8 {
        let value = (value * 65535.0).round() as u16;
        let [r, g, b] = tone.map([value; 3]);
        assert!(r.abs_diff(g) <= 1 && g.abs_diff(b) <= 1, "{r} {g} {b}");
        g
    }

    #[test]
    fn reference_white_is_nearly_white_and_the_peak_is_white() {
        // BT.2408: 203 cd/m² is 75 % of HLG and 58 % of PQ.
        let hlg = Tone::new(Transfer::Hlg, Gamut::Bt2020);
        let pq = Tone::new(Transfer::Pq { peak: 1000.0 }, Gamut::Bt2020);
        for (tone, white, peak) in [(&hlg, 0.75, 1.0), (&pq, 0.5806, 0.7518)] {
            let [white, peak, black] = [white, peak, 0.0].map(|value| grey(tone, value));
            assert!((236..=244).contains(&white), "{white}");
            assert!(peak >= 254 && black == 0, "{peak} {black}");
        }
        // A display no brighter than white needs no room above it.
        let dim = Tone::new(Transfer::Pq { peak: 203.0 }, Gamut::Bt2020);
        assert!(grey(&dim, 0.5806) >= 254);
    }

    #[test]
    fn standard_range_of_other_primaries_keeps_its_greys() {
        let tone = Tone::new(Transfer::Standard, Gamut::Bt2020);
        for value in [0u8, 1, 40, 128, 200, 255] {
            let shown = grey(&tone, f64::from(value) / 255.0);
            assert!(shown.abs_diff(value) <= 1, "{value}");
        }
        // A colour outside BT.709 ends at its edge.
        assert_eq!(tone.map([65535, 0, 0])[0], 255);
    }
}
