//! The rule for titles in layers: fetch the base of the next segment, or one more layer of a buffered
//! one.
//!
//! On a ladder in layers ([`Ladder::is_layered`]) "rung k" of a segment is its layer k: a base that
//! stands alone, and increments that each need all below them. Quality and rate of a rung are those
//! of the layers up to it; its size is that of its own layer. A choice is a pair of segment and layer,
//! and an upgrade costs only the difference.
//!
//! Every action has a score per byte, BOLA's drift plus penalty with one term per layer:
//!
//! ```text
//! base of the next segment        (V·(u_0 + γ) − Q) / bytes         u_0: utility of the base, about 0
//! next layer of a buffered one     V·Δu / bytes                      Δu: utility added by the layer
//! ```
//!
//! Q is the buffer level in seconds. The base's score falls as the buffer grows, and layers take over,
//! among equals those of the segment that plays first: the "diagonal" policy, optimal for layered video
//! (Andelin et al., MMSys 2012). V and γ as in BOLA-E: the base's score is 0 at `LOW_S` or 0.4 of the
//! target. Excluded are layers that would arrive after their segment starts to play, and all layers
//! while the buffer would fall below two segments, because an upgrade adds no media. With utilities
//! measured per segment (such as LPIPS) Δu is measured, too.

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

/// The next request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    /// The base of the next segment.
    Base,
    /// A layer of a buffered segment.
    Layer { segment: usize, layer: usize },
}

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

    /// The action with the highest score. `room`: the buffer has room for the next segment; `open`:
    /// the buffered segments that may still change. `None` if no action is possible.
    pub(crate) fn choose(
        &self,
        view: &View<'_>,
        room: bool,
        open: impl Iterator<Item = Open>,
    ) -> Option<Action> {
        let base = room.then(|| {
            let value = self.v * (view.ladder.utility(view.segment, 0) + self.gain);
            let score = (value - view.buffer_s) / view.ladder.size(view.segment, 0) as f64;
            (score, Action::Base)
        });
        let mut best = base;
        for open in open {
            let Some((score, action)) = self.layer(view, &open) else {
                continue;
            };
            if best.is_none_or(|(most, _)| score > most) {
                best = Some((score, action));
            }
        }
        best.map(|(_, action)| action)
    }

    /// The next layer of a buffered segment with its score; `None` if it would be late.
    fn layer(&self, view: &View<'_>, open: &Open) -> Option<(f64, Action)> {
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
        (in_time && added > 0.0).then_some((score, Action::Layer { segment, layer }))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::tests::view;
    use super::*;
    use crate::player::ladder::tests::constant_rate;

    /// Prefixes of 100, 200 and 400 kbit/s: layers of 25, 25 and 50 kB, each worth ln 2.
    fn ladder() -> Ladder {
        constant_rate(&[100.0, 200.0, 400.0], 50, 2.0)
            .into_layers()
            .unwrap()
    }

    fn open(segment: usize, rung: usize, plays_in_s: f64) -> Open {
        Open {
            segment,
            rung,
            plays_in_s,
        }
    }

    #[test]
    fn sizes_are_those_of_the_layers() {
        let ladder = ladder();
        assert_eq!(
            [0, 1, 2].map(|layer| ladder.size(7, layer)),
            [25_000, 25_000, 50_000]
        );
        assert_eq!(ladder.rungs()[2].kbps, 400.0);
        assert!(Layers::of(&ladder, 25.0).is_some());
        assert!(Layers::of(&constant_rate(&[1.0], 1, 1.0), 25.0).is_none());
    }

    /// V = 15 / ln 4, γ·V = 10: the base is worth 10 − Q, a layer of equal size V·ln 2 = 7.5, the
    /// last one half of that. So the first layer wins above 2.5 s, the second above 6.25 s.
    #[test]
    fn layers_take_over_as_the_buffer_grows() {
        let ladder = ladder();
        let layers = Layers::of(&ladder, 25.0).unwrap();
        let choose = |buffer_s, rung, kbps| {
            let view = View {
                buffer_s,
                throughput_kbps: Some(kbps),
                ..view(&ladder)
            };
            let segments = [open(3, rung, 6.0), open(4, rung, 8.0)];
            layers.choose(&view, true, segments.into_iter()).unwrap()
        };
        let layer = |layer| Action::Layer { segment: 3, layer };
        // The reserve of 4 s excludes layers before the score does.
        assert_eq!(choose(4.05, 0, 1e5), layer(1));
        assert_eq!(choose(3.9, 0, 1e5), Action::Base);
        assert_eq!(choose(6.2, 1, 1e5), Action::Base);
        assert_eq!(choose(6.3, 1, 1e5), layer(2));
        assert_eq!(choose(30.0, 2, 1e5), Action::Base);
        // 50 kB at 0.8 · 80 kbit/s take 6.25 s: too late for 3, in time for 4.
        assert_eq!(
            choose(12.0, 1, 80.0),
            Action::Layer {
                segment: 4,
                layer: 2
            }
        );
    }

    #[test]
    fn nothing_is_fetched_without_room_and_layers_to_add() {
        let ladder = ladder();
        let layers = Layers::of(&ladder, 25.0).unwrap();
        let view = View {
            buffer_s: 24.0,
            throughput_kbps: Some(1000.0),
            ..view(&ladder)
        };
        let none = [open(3, 2, 6.0)];
        assert_eq!(layers.choose(&view, false, none.into_iter()), None);
        let unknown = View {
            throughput_kbps: None,
            ..view
        };
        assert_eq!(
            layers.choose(&unknown, false, [open(3, 0, 6.0)].into_iter()),
            None
        );
    }
}
