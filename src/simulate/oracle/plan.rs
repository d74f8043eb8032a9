//! Plans of what to fetch from which rung, and when one of two can be forgotten.

use super::STALL;
use crate::network::link::Link;
use crate::player::ladder::Ladder;

/// A plan for the segments so far.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Plan {
    /// Rung of the last segment.
    pub(super) rung: usize,
    /// When that is there, seconds.
    pub(super) clock_s: f64,
    /// Time without a picture so far: start-up and stalls, seconds.
    pub(super) lost_s: f64,
    /// Qualities less changes, and what the start-up would cost if it were a stall; so that the worth is
    /// this less [`STALL`] × `lost_s`.
    pub(super) gain: f64,
    /// When the first byte of the next segment can come at the earliest, seconds.
    pub(super) next_s: f64,
    /// Bits that the link carried by then.
    pub(super) next_bits: f64,
}

impl Plan {
    /// QoE_lin times segments, if nothing came after it.
    pub(super) fn worth(&self) -> f64 {
        self.gain - STALL * self.lost_s
    }
}

/// What is to be planned.
#[derive(Debug)]
pub(super) struct Problem<'a> {
    pub(super) ladder: &'a Ladder,
    pub(super) link: &'a Link,
    buffer_s: f64,
    /// Rates of the rungs, Mbit/s.
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

    /// Media that may be in the buffer when `segment` is asked for, seconds; as in a session.
    pub(super) fn room_s(&self, segment: usize) -> f64 {
        let duration_s = self.ladder.duration_s(segment);
        self.buffer_s.max(2.0 * duration_s) - duration_s
    }

    /// Bytes that an answer with `segment` from `rung` carries.
    pub(super) fn bytes(&self, segment: usize, rung: usize) -> u64 {
        self.ladder.size(segment, rung) + self.link.overhead_bytes()
    }

    /// The same in Mbit.
    pub(super) fn mbit(&self, segment: usize, rung: usize) -> f64 {
        self.bytes(segment, rung) as f64 * 8e-6
    }

    /// The plan before anything is fetched.
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

    /// `plan` with `segment` from `rung`; `None` if its last byte never comes.
    pub(super) fn fetch(&self, plan: &Plan, (segment, rung): (usize, usize)) -> Option<Plan> {
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

    /// Every plan that goes on from `plan` with `segment`.
    pub(super) fn follow(&self, plan: &Plan, segment: usize) -> impl Iterator<Item = Plan> + '_ {
        let plan = *plan;
        let rungs = 0..self.mbps.len();
        rungs.filter_map(move |rung| self.fetch(&plan, (segment, rung)))
    }
}

/// Of `plans` for the same segments those that may become the best one, earliest first.
///
/// A plan is as good as another if it is there no later, has lost no more time, and has gained no less
/// even after a change to the other's rung. For then it can copy all that the other does from here: each
/// request goes out no later, as the buffer that it has to have room in runs dry no later, so each segment is
/// there no later, and at the end it has lost no more time.
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

/// Most gain with at most so much time lost, by rung: a Fenwick tree of maxima a rung.
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
