//! Our rate–quality curve and each codec's hull, compared at our rungs and at given rates.

use super::codecs::{Codec, Encoded};
use super::figures::{self, Figure};
use super::rungs::RungReport;
use crate::quality::hull::Hull;
use serde::Serialize;

/// The curves of one figure over the rate in kbit/s.
#[derive(Debug)]
pub struct Curves {
    /// The figure.
    pub figure: &'static Figure,
    /// The title's rungs.
    pub ours: Hull,
    /// The codecs in the order in which they were asked for.
    pub codecs: Vec<(Codec, Hull)>,
}

/// One rung against one codec in one figure.
#[derive(Debug, Clone, Serialize)]
pub struct AtRung {
    /// Name of the rung.
    pub rung: String,
    /// Key of the figure.
    pub metric: &'static str,
    /// The codec.
    pub codec: Codec,
    /// The rung's true rate.
    pub kbps: f64,
    /// The rung's value.
    pub ours: f64,
    /// The codec's hull at the rung's rate; absent below its lowest rate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub codec_value: Option<f64>,
    /// The lowest rate at which the codec's hull is as good; absent if it never is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub codec_kbps: Option<f64>,
    /// That rate over the rung's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate_factor: Option<f64>,
}

/// All curves of one figure at one rate.
#[derive(Debug, Clone, Serialize)]
pub struct AtRate {
    /// Key of the figure.
    pub metric: &'static str,
    /// The rate.
    pub kbps: f64,
    /// Ours first, then the codecs in order.
    pub values: Vec<NamedValue>,
}

/// A curve's name and its value, which is absent below the curve's lowest rate.
#[derive(Debug, Clone, Serialize)]
#[allow(missing_docs)]
pub struct NamedValue {
    pub name: &'static str,
    pub value: Option<f64>,
}

/// The curves of every figure that the rungs have.
pub(super) fn curves(rungs: &[RungReport], encoded: &[Encoded]) -> Vec<Curves> {
    let mut codecs: Vec<Codec> = Vec::new();
    for video in encoded {
        if !codecs.contains(&video.encode.codec) {
            codecs.push(video.encode.codec);
        }
    }
    let of = |figure: &'static Figure| {
        let of_codec = |&codec: &Codec| {
            let own = encoded.iter().filter(|video| video.encode.codec == codec);
            (
                codec,
                figure.hull(own.map(|video| (video.kbps, &video.figures))),
            )
        };
        Curves {
            figure,
            ours: figure.hull(rungs.iter().map(|rung| (rung.kbps, &rung.figures))),
            codecs: codecs.iter().map(of_codec).collect(),
        }
    };
    let all = figures::curves().map(of);
    all.filter(|curves| !curves.ours.points().is_empty())
        .collect()
}

/// Every rung against every codec.
pub(super) fn at_rungs(rungs: &[RungReport], curves: &[Curves]) -> Vec<AtRung> {
    let row = |curves: &Curves, rung: &RungReport, (codec, hull): &(Codec, Hull)| {
        let ours = (curves.figure.of)(&rung.figures)?;
        let codec_kbps = hull.rate_for(ours);
        Some(AtRung {
            rung: rung.id.clone(),
            metric: curves.figure.key,
            codec: *codec,
            kbps: rung.kbps,
            ours,
            codec_value: hull.value_at(rung.kbps),
            codec_kbps,
            rate_factor: codec_kbps.map(|kbps| kbps / rung.kbps),
        })
    };
    let mut rows = Vec::new();
    for curves in curves {
        for rung in rungs {
            rows.extend(
                curves
                    .codecs
                    .iter()
                    .filter_map(|codec| row(curves, rung, codec)),
            );
        }
    }
    rows
}

/// Every curve at each of `rates`, kbit/s.
pub(super) fn at_rates(rates: &[f64], curves: &[Curves]) -> Vec<AtRate> {
    let row = |curves: &Curves, kbps: f64| {
        let named = |name, hull: &Hull| NamedValue {
            name,
            value: hull.value_at(kbps),
        };
        let ours = [named("ours", &curves.ours)].into_iter();
        let codecs = curves.codecs.iter();
        let codecs = codecs.map(|(codec, hull)| named(codec.name(), hull));
        AtRate {
            metric: curves.figure.key,
            kbps,
            values: ours.chain(codecs).collect(),
        }
    };
    let rows = |curves| rates.iter().map(move |kbps| row(curves, *kbps));
    curves.iter().flat_map(rows).collect()
}
