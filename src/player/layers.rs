//! Titles in layers: the base of the next segment, or one more layer for a buffered one?
//!
//! On a ladder in layers ([`Ladder::is_layered`]) "rung k" of a segment is its layer k: a base that
//! stands alone, and increments that each need all below them. Quality and rate of a rung are those
//! of the layers up to it; its size is its own. So a choice is a pair of segment and layer, and an
//! upgrade costs the difference only.
//!
//! Every action is scored by its worth per byte, BOLA's drift plus penalty with one term per layer:
//!
//! ```text
//! base of the next segment        (V·(u_0 + γ) − Q) / bytes         u_0: utility of the base, about 0
//! next layer of a buffered one     V·Δu / bytes                      Δu: what the layer adds
//! ```
//!
//! Q is the buffer level in seconds. The base loses worth as the buffer grows and layers take over,
//! those nearest to play first among equals: the "diagonal" policy that Andelin et al. (MMSys 2012)
//! found to be optimal for layered video. V and γ are BOLA-E's: the base is worth nothing at
//! `LOW_S` or 0.4 of the target. Layers that would not arrive before their segment plays are left
//! out, and so are all layers while the buffer would fall below two segments, for an upgrade
//! brings no time. Utilities may be measured per segment (LPIPS, say), and then Δu is.

use super::abr::View;
use super::buffer::{LEAD_S, Open};
use super::ladder::Ladder;

/// The level at which the base is no longer worth a thing, seconds.
const LOW_S: f64 = 10.0;
/// The same as a share of the target, where that is less.
const LOW_SHARE: f64 = 0.4;
/// Share of the estimate that may be counted on.
const SAFETY: f64 = 0.8;
/// Segments that stay in the buffer while a layer comes.
const RESERVE: f64 = 2.0;

/// What to fetch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    /// The base of the next segment.
    Base,
    /// A layer of a buffered segment.
    Layer { segment: usize, layer: usize },
}

/// The rule for titles in layers.
#[derive(Debug)]
pub(super) struct Layers {
    v: f64,
    gain: f64,
}

impl Layers {
    /// The rule for `ladder`, if it is in layers.
    pub(super) fn of(ladder: &Ladder, buffer_target_s: f64) -> Option<Self> {
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

    /// The best action; `room` says whether the next segment has any. `None` when there is nothing
    /// to do.
    pub(super) fn choose(
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

    /// The next layer of a buffered segment and its score, if it can come in time.
    fn layer(&self, view: &View<'_>, open: &Open) -> Option<(f64, Action)> {
        let (ladder, segment, layer) = (view.ladder, open.segment, open.rung + 1);
        if layer > ladder.top() {
            return None;
        }
        let bytes = ladder.size(segment, layer) as f64;
        let took_s = view.latency_s + bytes / (SAFETY * view.throughput_kbps? * 125.0);
        let reserve_s = RESERVE * ladder.duration_s(segment);
        let spare_s = match view.segment < ladder.segments() {
            true => view.buffer_s - reserve_s,
            // Nothing more has to come.
            false => f64::INFINITY,
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
    use super::super::abr::tests::view;
    use super::super::ladder::tests::constant_rate;
    use super::*;

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
        // The reserve of 4 s keeps layers away before worth does.
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
    fn without_room_or_anything_to_add_it_rests() {
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
