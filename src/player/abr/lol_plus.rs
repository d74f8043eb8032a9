//! LoL+: a self-organising map with one neuron a rung.
//!
//! Bentaleb, Akcay, Lim, Begen, Zimmermann, "Catching the Moment with LoL+ in Twitch-Like Low-Latency
//! Live Streaming Platforms" (TMM 2022), §IV, with the constants of dash.js's LoLpRule. A neuron's
//! state is (throughput, latency, rebuffering, switching), throughput over the length of the vector
//! of all rates. Each segment
//!
//! 1. picks weights by the best predicted QoE over all neurons and weight vectors of {0.2 … 1}⁴,
//! 2. picks the neuron nearest to (estimate, 0, 0, 0) under those weights, throughput weighing 100
//!    for rungs above the estimate or that would leave less than 0.3 s in the buffer,
//! 3. moves that neuron and the one last used, with their neighbourhood (σ = 0.1), by 1 %.
//!
//! The QoE predicted in 1 depends on two of the four weights; the other two come from the seed. Latency is
//! that of requests, for a title on demand has no live edge; the playback rate is always 1.

use super::{Choice, Ladder, Rule, View, highest};
use crate::player::random::Random;

const WEIGHTS: [f64; 5] = [0.2, 0.4, 0.6, 0.8, 1.0];
/// Throughput, latency, rebuffering, switching.
type State = [f64; 4];
const LEAST_BUFFER_S: f64 = 0.3;
/// Weight of throughput for rungs above the estimate or with a short buffer.
const PRIORITY: f64 = 100.0;
/// Width of a neighbourhood.
const SIGMA: f64 = 0.1;
/// Step of a neuron toward the observed state.
const LEARNING_RATE: f64 = 0.01;
/// Request latency is divided by this, seconds.
const LATENCY_SCALE_S: f64 = 100.0;

#[derive(Debug)]
pub(super) struct LolPlus {
    neurons: Vec<State>,
    /// What throughputs are divided by, kbit/s.
    scale: f64,
    /// Weights of throughput and switching.
    drawn: (f64, f64),
}

impl LolPlus {
    pub(super) fn new(ladder: &Ladder, seed: u64) -> Self {
        let rates = ladder.rungs().iter().map(|rung| rung.kbps);
        let scale = rates.clone().map(|rate| rate * rate).sum::<f64>().sqrt();
        let mut random = Random::new(seed);
        let mut draw = || WEIGHTS[(random.bits() % WEIGHTS.len() as u64) as usize];
        Self {
            neurons: rates.map(|rate| [rate / scale, 0.0, 0.0, 0.0]).collect(),
            scale,
            drawn: (draw(), draw()),
        }
    }

    /// The weights with the best predicted QoE; `None` when every rung would leave too little in the buffer.
    fn weights(&self, view: &View<'_>, rate: f64, last: usize) -> Option<State> {
        let (ladder, duration) = (view.ladder, view.duration_s());
        let kbps = |rung: usize| ladder.kbps(rung);
        let (low, high) = (kbps(0), kbps(ladder.top()));
        let mut best: Option<(f64, State)> = None;
        for (rung, neuron) in self.neurons.iter().enumerate() {
            let next_s = next_buffer_s(view, rung, rate);
            if next_s < LEAST_BUFFER_S {
                continue;
            }
            let rebuffered = (download_s(view, rung, rate) - next_s).max(1e-5);
            let gain = duration * kbps(rung) - (kbps(rung) - kbps(last)).abs();
            for latency in WEIGHTS {
                let seconds = neuron[1] * LATENCY_SCALE_S / latency;
                let penalty = if seconds <= 1.1 {
                    0.05 * low
                } else {
                    0.1 * high
                };
                for buffer in WEIGHTS {
                    let qoe = gain - high * rebuffered / buffer - penalty * seconds;
                    if best.is_none_or(|(most, _)| qoe > most) {
                        best = Some((qoe, [self.drawn.0, latency, buffer, self.drawn.1]));
                    }
                }
            }
        }
        best.map(|(_, weights)| weights)
    }

    fn winner(&self, view: &View<'_>, rate: f64, weights: State) -> usize {
        let ladder = view.ladder;
        let margin = (0.01 * ladder.kbps(ladder.top())).min(10.0);
        let most = self.neurons.iter().map(|n| n[0]).fold(0.0, f64::max);
        let target = [(rate / self.scale).min(most), 0.0, 0.0, 0.0];
        highest(ladder, |rung| {
            let mut weights = weights;
            let above = ladder.kbps(rung) > rate - margin;
            let low = next_buffer_s(view, rung, rate) < LEAST_BUFFER_S;
            if rung > 0 && (above || low) {
                weights[0] = PRIORITY;
            }
            -distance(&self.neurons[rung], &target, &weights)
        })
    }

    fn learn(&mut self, centre: usize, seen: &State) {
        let at = self.neurons[centre];
        for neuron in &mut self.neurons {
            let away = distance(neuron, &at, &[1.0; 4]);
            let pull = LEARNING_RATE * (-away * away / (2.0 * SIGMA * SIGMA)).exp();
            for (own, seen) in neuron.iter_mut().zip(seen) {
                *own += pull * (seen - *own);
            }
        }
    }
}

fn distance(from: &State, to: &State, weights: &State) -> f64 {
    let squares = from.iter().zip(to).zip(weights);
    let sum: f64 = squares.map(|((a, b), w)| w * (a - b) * (a - b)).sum();
    sum.sqrt()
}

/// Seconds that the segment at its rung's nominal rate would take.
fn download_s(view: &View<'_>, rung: usize, rate: f64) -> f64 {
    view.duration_s() * view.ladder.kbps(rung) / rate
}

/// Buffer level after the segment, seconds; one that takes longer than it plays counts as lost (so dash.js).
fn next_buffer_s(view: &View<'_>, rung: usize, rate: f64) -> f64 {
    let (duration, download) = (view.duration_s(), download_s(view, rung, rate));
    if download > duration {
        view.buffer_s - duration
    } else {
        view.buffer_s + duration - download
    }
}

impl Rule for LolPlus {
    fn choose(&mut self, view: &View<'_>) -> Choice {
        let by = "lol+";
        let (Some(rate), Some(last)) = (view.throughput_kbps, view.last_rung) else {
            return Choice::now(0, by);
        };
        // About to run dry, or nothing left that would not: one that the estimate carries.
        let carried = view.ladder.rung_within(rate).min(last);
        let download = download_s(view, last, rate);
        if view.buffer_s - download < LEAST_BUFFER_S {
            return Choice::now(carried, by);
        }
        let Some(weights) = self.weights(view, rate, last) else {
            return Choice::now(carried, by);
        };
        let rung = self.winner(view, rate, weights);
        let switch = (view.ladder.kbps(rung) - view.ladder.kbps(last)).abs() / self.scale;
        let throughput = (rate / self.scale).min(1.0);
        let rebuffered = (download - view.buffer_s).max(0.0);
        let latency = view.latency_s / LATENCY_SCALE_S;
        self.learn(last, &[throughput, latency, rebuffered, switch]);
        self.learn(rung, &[throughput, 0.0, 0.0, switch]);
        Choice::now(rung, by)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{at, view};
    use super::*;
    use crate::player::ladder::tests::constant_rate;

    /// Rates 100, 200, 400 have the length 458.3; before anything is learnt the nearest neuron is
    /// the rung nearest to the estimate, but those above it count ten times as far or more.
    #[test]
    fn the_nearest_rung_that_the_estimate_and_the_buffer_carry() {
        let ladder = constant_rate(&[100.0, 200.0, 400.0], 50, 2.0);
        for (kbps, rung) in [(150.0, 0), (190.0, 0), (210.0, 1), (260.0, 1), (900.0, 2)] {
            let mut rule = LolPlus::new(&ladder, 5);
            assert_eq!(
                rule.choose(&at(&ladder, 10.0, kbps, 0)).rung,
                rung,
                "{kbps}"
            );
        }
        let mut rule = LolPlus::new(&ladder, 5);
        // About to run dry: the rung at hand would take 4 s, and 3 s are there.
        assert_eq!(rule.choose(&at(&ladder, 3.0, 210.0, 2)).rung, 1);
        assert_eq!(rule.choose(&at(&ladder, 3.0, 90.0, 2)).rung, 0);
        assert_eq!(rule.choose(&view(&ladder)).rung, 0);
    }

    /// The winner moves one hundredth of the way; the other neuron e^(−d²/2σ²) of that.
    #[test]
    fn neurons_move_by_their_neighbourhood() {
        let ladder = constant_rate(&[300.0, 400.0], 50, 2.0);
        let mut rule = LolPlus::new(&ladder, 5);
        assert_eq!(rule.neurons[0][0], 0.6);
        rule.learn(1, &[1.0, 0.0, 0.0, 0.5]);
        assert!((rule.neurons[1][0] - 0.802).abs() < 1e-12);
        assert!((rule.neurons[1][3] - 0.005).abs() < 1e-12);
        let pull = 0.01 * (-2.0f64).exp();
        assert!((rule.neurons[0][0] - (0.6 + pull * 0.4)).abs() < 1e-12);
    }
}
