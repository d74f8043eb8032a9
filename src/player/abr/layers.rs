//! The rule for titles in layers: fetch the base of the next segment, or one more layer of a buffered
//! one.
//!
//! On a ladder in layers ([`Ladder::is_layered`]) "rung k" of a segment is its layer k. Quality and rate of a
//! rung are those of the layers up to it; its size is that of its own layer.
//!
//! Every action has a score per byte, BOLA's drift plus penalty with one term per layer:
//!
//! ```text
//! base of the next segment        (V·(u_0 + γ) − Q) / bytes         u_0: utility of the base, about 0
//! next layer of a buffered one     V·Δu / bytes                      Δu: utility added by the layer
//! ```
//!
//! Q is the buffer level in seconds. As the buffer grows layers take over, among equals those of the segment
//! that plays first: the "diagonal" policy, optimal for layered video (Andelin et al., MMSys 2012). V and γ as
//! in BOLA-E: the base's score is 0 at `LOW_S` or 0.4 of the target. Excluded are layers that would arrive
//! late, and all layers while the buffer would fall below two segments, because they add no media.

use super::View;
use crate::player::buffer::{LEAD_S, Open};
use crate::player::ladder::Ladder;

/// Buffer level at which the base's score is 0, seconds.
const LOW_S: f64 = 10.0;
/// Upper bound of [`LOW_S`] as a share of the buffer target.
const LOW_SHARE: f64 = 0.4;
/// Share of the throughput estimate that is relied on.
const SAFETY: f64 = 0.8;
/// Segments that must remain in the buffer while a layer is fetched.
const RESERVE: f64 = 2.0;

/// A score with its segment and layer.
type Scored = (f64, (usize, usize));

/// The rule for titles in layers.
#[derive(Debug)]
pub(crate) struct Layers {
    v: f64,
    gain: f64,
}

impl Layers {
    /// The rule for `ladder`; `None` unless it is in layers.
    pub(crate) fn of(ladder: &Ladder, buffer_target_s: f64) -> Option<Self> {
        let top = ladder.mean_utility(ladder.top());
        let low_s = LOW_S.min(LOW_SHARE * buffer_target_s);
        let v = if top > 0.0 {
            (buffer_target_s - low_s) / top
        } else {
            low_s
        };
        let gain = low_s / v;
        ladder.is_layered().then_some(Self { v, gain })
    }

    /// Segment and layer with the highest score, given `room` for the next segment and the `open` buffered ones.
    pub(crate) fn choose(
        &self,
        view: &View<'_>,
        room: bool,
        open: impl Iterator<Item = Open>,
    ) -> Option<(usize, usize)> {
        let base = room.then(|| {
            let value = self.v * (view.ladder.utility(view.segment, 0) + self.gain);
            let score = (value - view.buffer_s) / view.ladder.size(view.segment, 0) as f64;
            (score, (view.segment, 0))
        });
        let layers = open.filter_map(|open| self.layer(view, &open));
        let better = |one: Scored, other: Scored| if other.0 > one.0 { other } else { one };
        let best = base.into_iter().chain(layers).reduce(better);
        best.map(|(_, choice)| choice)
    }

    /// The next layer of a buffered segment with its score; `None` if it would be late.
    fn layer(&self, view: &View<'_>, open: &Open) -> Option<Scored> {
        let (ladder, segment, layer) = (view.ladder, open.segment, open.rung + 1);
        if layer > ladder.top() {
            return None;
        }
        let bytes = ladder.size(segment, layer) as f64;
        let took_s = view.latency_s + bytes / (SAFETY * view.throughput_kbps? * 125.0);
        let reserve_s = RESERVE * ladder.duration_s(segment);
        let spare_s = if view.segment < ladder.segments() {
            view.buffer_s - reserve_s
        } else {
            f64::INFINITY // No base is left to fetch.
        };
        let added = ladder.utility(segment, layer) - ladder.utility(segment, layer - 1);
        let in_time = took_s <= (open.plays_in_s - LEAD_S).min(spare_s);
        let score = self.v * added / bytes;
        (in_time && added > 0.0).then_some((score, (segment, layer)))
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::at;
    use super::*;
    use crate::player::ladder::tests::constant_rate;

    /// Prefixes of 100, 200 and 400 kbit/s: layers of 25, 25 and 50 kB, each worth ln 2.
    fn ladder() -> Ladder {
        constant_rate(&[100.0, 200.0, 400.0], 50, 2.0)
            .into_layers()
            .unwrap()
    }

    /// The choice with segments 3 and 4 buffered on `rung`, to play in 6 and 8 s.
    fn choose(buffer_s: f64, rung: usize, kbps: Option<f64>, room: bool) -> Option<(usize, usize)> {
        let ladder = ladder();
        let view = View {
            throughput_kbps: kbps,
            ..at(&ladder, buffer_s, 0.0, 0)
        };
        let open = [(3, 6.0), (4, 8.0)].map(|(segment, plays_in_s)| Open {
            segment,
            rung,
            plays_in_s,
        });
        let layers = Layers::of(&ladder, 25.0).unwrap();
        layers.choose(&view, room, open.into_iter())
    }

    #[test]
    fn sizes_are_those_of_the_layers() {
        let ladder = ladder();
        let sizes = [0, 1, 2].map(|layer| ladder.size(7, layer));
        assert_eq!(sizes, [25_000, 25_000, 50_000]);
        assert_eq!(ladder.kbps(2), 400.0);
        assert!(Layers::of(&constant_rate(&[1.0], 1, 1.0), 25.0).is_none());
    }

    /// V = 15 / ln 4, γ·V = 10: the base is worth 10 − Q, a layer of equal size V·ln 2 = 7.5, the
    /// last one half of that. So the first layer wins above 2.5 s, the second above 6.25 s. The reserve of
    /// 4 s excludes layers before the score does. 50 kB at 0.8 · 80 kbit/s take 6.25 s: too late for
    /// segment 3, in time for 4.
    #[test]
    fn layers_take_over_as_the_buffer_grows() {
        let (quick, base) = (Some(1e5), Some((5, 0)));
        for (buffer_s, rung, kbps, room, expected) in [
            (4.05, 0, quick, true, Some((3, 1))),
            (3.9, 0, quick, true, base),
            (6.2, 1, quick, true, base),
            (6.3, 1, quick, true, Some((3, 2))),
            (30.0, 2, quick, true, base),
            (12.0, 1, Some(80.0), true, Some((4, 2))),
            // No room and no layer to add, or no estimate.
            (24.0, 2, quick, false, None),
            (24.0, 0, None, false, None),
        ] {
            let choice = choose(buffer_s, rung, kbps, room);
            assert_eq!(choice, expected, "{buffer_s} {rung}");
        }
    }
}
