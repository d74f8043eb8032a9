//! Plans (a rung for each segment so far), and the dominance test between plans.

use crate::network::link::Link;
use crate::player::ladder::Ladder;
use crate::simulate::qoe::LIN_STALL as STALL;

/// A choice of rungs for the segments so far.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Plan {
    pub(super) rung: usize,
    /// Arrival of the last segment, seconds.
    pub(super) clock_s: f64,
    /// Start-up and stalls so far, seconds.
    pub(super) lost_s: f64,
    /// Σ quality − Σ|Δquality| + [`STALL`] × start-up (a credit: the start-up is no stall), Mbit/s;
    /// QoE = gain − [`STALL`] × `lost_s`.
    pub(super) gain: f64,
    /// Earliest first byte of the next segment, seconds.
    pub(super) next_s: f64,
    /// Bits that the link has carried by `next_s`.
    pub(super) next_bits: f64,
}

impl Plan {
    /// QoE_lin of the segments so far, times their number.
    pub(super) fn qoe(&self) -> f64 {
        self.gain - STALL * self.lost_s
    }
}

#[derive(Debug)]
pub(super) struct Problem<'a> {
    pub(super) ladder: &'a Ladder,
    pub(super) link: &'a Link,
    buffer_s: f64,
    pub(super) mbps: Vec<f64>,
}

impl<'a> Problem<'a> {
    pub(super) fn new(ladder: &'a Ladder, link: &'a Link, buffer_s: f64) -> Self {
        let rungs = ladder.rungs().iter();
        Self {
            ladder,
            link,
            buffer_s,
            mbps: rungs.map(|rung| rung.kbps / 1000.0).collect(),
        }
    }

    /// Buffer level up to which `segment` may be requested, seconds; the session's rule.
    pub(super) fn room_s(&self, segment: usize) -> f64 {
        let duration_s = self.ladder.duration_s(segment);
        self.buffer_s.max(2.0 * duration_s) - duration_s
    }

    /// Bytes of the response with `segment` from `rung`, headers included.
    pub(super) fn bytes(&self, segment: usize, rung: usize) -> u64 {
        self.ladder.size(segment, rung) + self.link.overhead_bytes()
    }

    pub(super) fn mbit(&self, segment: usize, rung: usize) -> f64 {
        self.bytes(segment, rung) as f64 * 8e-6
    }

    pub(super) fn start(&self) -> Plan {
        let next_s = self.link.first_byte_s(0.0);
        Plan {
            rung: 0,
            clock_s: 0.0,
            lost_s: 0.0,
            gain: 0.0,
            next_s,
            next_bits: self.link.passed(next_s),
        }
    }

    /// `plan` extended by `segment` from `rung`; `None` if the link never delivers it.
    pub(super) fn fetch(&self, plan: &Plan, segment: usize, rung: usize) -> Option<Plan> {
        let bits = plan.next_bits + self.bytes(segment, rung) as f64 * 8.0;
        // Rounding must not make a transfer end before it began.
        let end_s = self.link.when(bits)?.max(plan.next_s);
        let gained = match segment {
            0 => STALL * end_s,
            _ => self.mbps[rung] - (self.mbps[rung] - self.mbps[plan.rung]).abs(),
        };
        let lost_s = plan.lost_s.max(end_s - self.ladder.start_s(segment));
        let dry_s = self.ladder.start_s(segment + 1) + lost_s;
        let asks_s = end_s.max(dry_s - self.room_s(segment + 1));
        let next_s = self.link.first_byte_s(asks_s);
        Some(Plan {
            rung,
            clock_s: end_s,
            lost_s,
            gain: plan.gain + gained,
            next_s,
            next_bits: self.link.passed(next_s),
        })
    }

    pub(super) fn follow(&self, plan: &Plan, segment: usize) -> impl Iterator<Item = Plan> + '_ {
        let plan = *plan;
        let rungs = 0..self.mbps.len();
        rungs.filter_map(move |rung| self.fetch(&plan, segment, rung))
    }
}

/// The non-dominated of `plans` for the same segments, earliest first.
///
/// A plan dominates another if it arrives no later, has lost no more time, and has gained no less even
/// after a change to the other's rung: it can then copy every later choice of the other. Each request
/// goes out no later, because the buffer has room no later; each segment arrives no later; and the
/// time lost in the end is no more.
pub(super) fn undominated(mut plans: Vec<Plan>, mbps: &[f64]) -> Vec<Plan> {
    plans.sort_unstable_by(|a, b| {
        let sooner = a.clock_s.total_cmp(&b.clock_s);
        let less = a.lost_s.total_cmp(&b.lost_s);
        let more = b.gain.total_cmp(&a.gain);
        sooner.then(less).then(more).then(a.rung.cmp(&b.rung))
    });
    let mut front = Front::new(&plans, mbps.len());
    plans.retain(|plan| {
        let place = front.place(plan.lost_s);
        if front.most(plan.rung, place) >= plan.gain {
            return false;
        }
        for (rung, other) in mbps.iter().enumerate() {
            front.raise(rung, place, plan.gain - (other - mbps[plan.rung]).abs());
        }
        true
    });
    plans
}

/// Maximum gain by rung among plans with at most a given time lost: one Fenwick tree of maxima per rung.
struct Front {
    lost_s: Vec<f64>,
    trees: Vec<f64>,
}

impl Front {
    fn new(plans: &[Plan], rungs: usize) -> Self {
        let mut lost_s: Vec<f64> = plans.iter().map(|plan| plan.lost_s).collect();
        lost_s.sort_unstable_by(f64::total_cmp);
        lost_s.dedup();
        let trees = vec![f64::NEG_INFINITY; (lost_s.len() + 1) * rungs];
        Self { lost_s, trees }
    }

    fn place(&self, lost_s: f64) -> usize {
        self.lost_s.partition_point(|&other| other < lost_s) + 1
    }

    fn tree(&mut self, rung: usize) -> &mut [f64] {
        let length = self.lost_s.len() + 1;
        &mut self.trees[rung * length..][..length]
    }

    fn most(&mut self, rung: usize, mut place: usize) -> f64 {
        let tree = self.tree(rung);
        let mut most = f64::NEG_INFINITY;
        while place > 0 {
            most = most.max(tree[place]);
            place &= place - 1;
        }
        most
    }

    fn raise(&mut self, rung: usize, mut place: usize, gain: f64) {
        let tree = self.tree(rung);
        while place < tree.len() {
            tree[place] = tree[place].max(gain);
            place += place & place.wrapping_neg();
        }
    }
}
