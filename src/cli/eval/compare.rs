//! Our curve beside each codec's hull: at our rungs, and at given rates.

use super::metric::Metric;
use super::ours::RungReport;
use super::peers::{Codec, Peer};
use crate::quality::hull::Hull;
use serde::Serialize;

/// The curves of one metric.
pub(super) struct Curves {
    pub(super) metric: Metric,
    pub(super) ours: Hull,
    pub(super) codecs: Vec<(Codec, Hull)>,
}

/// One rung against one codec in one metric.
#[derive(Debug, Serialize)]
pub(super) struct AtRung {
    rung: String,
    metric: &'static str,
    codec: Codec,
    pub(super) kbps: f64,
    pub(super) ours: f64,
    /// The codec's hull at the rung's rate; absent below its lowest rate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) codec_value: Option<f64>,
    /// The rate at which the codec's hull is as good; absent if it never is.
    #[serde(skip_serializing_if = "Option::is_none")]
    codec_kbps: Option<f64>,
    /// That rate over the rung's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) rate_factor: Option<f64>,
}

/// All curves in one metric at one rate.
#[derive(Debug, Serialize)]
pub(super) struct AtRate {
    pub(super) metric: &'static str,
    pub(super) kbps: f64,
    /// Ours first, then the codecs in order; absent below the lowest rate of a curve.
    pub(super) values: Vec<NamedValue>,
}

/// A curve's name and its value.
#[derive(Debug, Serialize)]
pub(super) struct NamedValue {
    pub(super) name: &'static str,
    pub(super) value: Option<f64>,
}

/// The curves of every metric that both sides have.
pub(super) fn curves(rungs: &[&RungReport], peers: &[Peer]) -> Vec<Curves> {
    let mut codecs: Vec<Codec> = Vec::new();
    for peer in peers {
        if !codecs.contains(&peer.codec) {
            codecs.push(peer.codec);
        }
    }
    let of = |metric: Metric| {
        let of_codec = |codec: &Codec| {
            let own = peers.iter().filter(|peer| peer.codec == *codec);
            let clips = own.map(|peer| (peer.kbps, &peer.figures));
            (*codec, metric.hull(clips))
        };
        Curves {
            metric,
            ours: metric.hull(rungs.iter().map(|rung| (rung.kbps, &rung.figures))),
            codecs: codecs.iter().map(of_codec).collect(),
        }
    };
    let all = Metric::ALL.into_iter().map(of);
    all.filter(|curves| !curves.ours.points().is_empty())
        .collect()
}

/// Every rung against every codec.
pub(super) fn at_rungs(rungs: &[&RungReport], curves: &[Curves]) -> Vec<AtRung> {
    let mut rows = Vec::new();
    for Curves { metric, codecs, .. } in curves {
        for rung in rungs {
            let Some(ours) = metric.of(&rung.figures) else {
                continue;
            };
            for (codec, hull) in codecs {
                let codec_kbps = hull.rate_for(ours);
                rows.push(AtRung {
                    rung: rung.id.clone(),
                    metric: metric.key(),
                    codec: *codec,
                    kbps: rung.kbps,
                    ours,
                    codec_value: hull.value_at(rung.kbps),
                    codec_kbps,
                    rate_factor: codec_kbps.map(|kbps| kbps / rung.kbps),
                });
            }
        }
    }
    rows
}

/// Every curve at each of `rates`.
pub(super) fn at_rates(rates: &[f64], curves: &[Curves]) -> Vec<AtRate> {
    let mut rows = Vec::new();
    for curves in curves {
        for &kbps in rates {
            let named = |name, hull: &Hull| NamedValue {
                name,
                value: hull.value_at(kbps),
            };
            let ours = std::iter::once(named("ours", &curves.ours));
            let codecs = curves.codecs.iter();
            let codecs = codecs.map(|(codec, hull)| named(codec.name(), hull));
            rows.push(AtRate {
                metric: curves.metric.key(),
                kbps,
                values: ours.chain(codecs).collect(),
            });
        }
    }
    rows
}
