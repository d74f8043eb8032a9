//! Adaptive bitrate rules: which rung the next segment comes from.
//!
//! One file a rule, one trait. A rule sees a [`View`] of the session and answers with a [`Choice`];
//! the session tells it what became of that. Rules keep their own state, draw no random numbers
//! and read no clock, so equal histories give equal choices. What overrules every rule alike (a
//! buffer about to run dry, a transfer not worth finishing) stands in [`super::guards`].

mod bola;
mod dynamic;
mod fixed;
mod throughput;

use super::ladder::Ladder;
use bola::Bola;
use dynamic::Dynamic;
use fixed::Fixed;
use std::fmt;
use std::str::FromStr;
use throughput::ThroughputRule;

/// What a rule may look at when it chooses.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    /// What there is to choose from.
    pub ladder: &'a Ladder,
    /// The segment to choose a rung for.
    pub segment: usize,
    /// Media in the buffer, seconds.
    pub buffer_s: f64,
    /// Media that the buffer may hold, seconds.
    pub buffer_target_s: f64,
    /// Estimated rate of the network in kbit/s, `None` before the first transfer.
    pub throughput_kbps: Option<f64>,
    /// Estimated delay from request to first byte, seconds.
    pub latency_s: f64,
    /// The rung of the last delivered segment.
    pub last_rung: Option<usize>,
}

/// A rule's answer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Choice {
    /// The rung to fetch from.
    pub rung: usize,
    /// How long to hold the request back first, seconds, at least 0.
    pub wait_s: f64,
    /// Which rule decided, for the log: `dynamic` names the one that it listened to.
    pub by: &'static str,
}

/// What became of a request.
#[derive(Debug, Clone, Copy)]
pub struct Delivery {
    /// The rung that was fetched.
    pub rung: usize,
    /// Media in the buffer when the request was made, seconds.
    pub buffer_before_s: f64,
    /// Media in the buffer now, the new segment included, seconds.
    pub buffer_after_s: f64,
}

/// A rule. Only [`Rule::choose`] is asked of every rule; the rest informs those with a memory.
pub trait Rule: fmt::Debug + Send {
    /// Chooses the rung of `view.segment`. Called once a segment.
    fn choose(&mut self, view: &View<'_>) -> Choice;

    /// The guards let `rung` through instead of the choice.
    fn overruled(&mut self, _view: &View<'_>, _rung: usize) {}

    /// The session idled for `seconds` because the buffer was full.
    fn idled(&mut self, _seconds: f64) {}

    /// A segment arrived.
    fn delivered(&mut self, _delivery: &Delivery) {}

    /// A transfer was dropped in favour of `rung`, with `buffer_s` seconds in the buffer.
    fn abandoned(&mut self, _rung: usize, _buffer_s: f64) {}

    /// The buffer ran dry, or a seek emptied it.
    fn emptied(&mut self) {}
}

/// The rules by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Abr {
    /// The highest rung that the estimated throughput sustains.
    Throughput,
    /// BOLA-E: utility against buffer level, with a placeholder for small buffers.
    Bola,
    /// Throughput on a short buffer, BOLA on a long one.
    #[default]
    Dynamic,
    /// Always the same rung, counted from 0; guards do not apply.
    Fixed(usize),
}

/// A rule name that does not exist.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no ABR rule: expected throughput, bola, dynamic or fixed")]
pub struct UnknownRule(pub String);

impl Abr {
    /// The rule as its name is written.
    pub fn name(self) -> &'static str {
        match self {
            Self::Throughput => "throughput",
            Self::Bola => "bola",
            Self::Dynamic => "dynamic",
            Self::Fixed(_) => "fixed",
        }
    }

    /// A rule with an empty memory for `ladder` and a buffer of `buffer_target_s` seconds.
    pub fn build(self, ladder: &Ladder, buffer_target_s: f64) -> Box<dyn Rule> {
        match self {
            Self::Throughput => Box::new(ThroughputRule),
            Self::Bola => Box::new(Bola::new(ladder, buffer_target_s)),
            Self::Dynamic => Box::new(Dynamic::new(ladder, buffer_target_s)),
            Self::Fixed(rung) => Box::new(Fixed::new(rung.min(ladder.top()))),
        }
    }
}

impl FromStr for Abr {
    type Err = UnknownRule;

    /// Reads a rule's name; `fixed` means the lowest rung until told otherwise.
    fn from_str(name: &str) -> Result<Self, UnknownRule> {
        match name {
            "throughput" => Ok(Self::Throughput),
            "bola" => Ok(Self::Bola),
            "dynamic" => Ok(Self::Dynamic),
            "fixed" => Ok(Self::Fixed(0)),
            _ => Err(UnknownRule(name.to_owned())),
        }
    }
}

impl fmt::Display for Abr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::player::ladder::tests::constant_rate;
    use proptest::prelude::*;

    #[test]
    fn names_round_trip() {
        for rule in [Abr::Throughput, Abr::Bola, Abr::Dynamic, Abr::Fixed(0)] {
            assert_eq!(rule.to_string().parse(), Ok(rule));
        }
        let error = "best".parse::<Abr>().unwrap_err().to_string();
        assert!(
            error.contains("`best`") && error.contains("dynamic"),
            "{error}"
        );
    }

    proptest! {
        #[test]
        fn every_rule_answers_with_a_rung_that_exists(
            rates in prop::collection::vec(1.0f64..500.0, 1..7),
            calls in prop::collection::vec(
                (0.0f64..60.0, prop::option::of(0.01f64..10_000.0), 0.0f64..3.0, any::<bool>()),
                1..80,
            ),
            target in 0.5f64..60.0,
        ) {
            let mut rates = rates;
            rates.sort_by(f64::total_cmp);
            let ladder = constant_rate(&rates, 80, 2.0);
            for abr in [Abr::Throughput, Abr::Bola, Abr::Dynamic, Abr::Fixed(9)] {
                let mut rule = abr.build(&ladder, target);
                let mut last_rung = None;
                for (segment, &(buffer_s, throughput_kbps, latency_s, calm)) in calls.iter().enumerate() {
                    let view = View {
                        ladder: &ladder, segment, buffer_s, buffer_target_s: target,
                        throughput_kbps, latency_s, last_rung,
                    };
                    let choice = rule.choose(&view);
                    prop_assert!(choice.rung <= ladder.top());
                    prop_assert!(choice.wait_s >= 0.0 && choice.wait_s.is_finite());
                    if calm { rule.idled(latency_s) } else { rule.emptied() }
                    let buffer_after_s = buffer_s + 2.0;
                    rule.delivered(&Delivery { rung: choice.rung, buffer_before_s: buffer_s, buffer_after_s });
                    last_rung = Some(choice.rung);
                }
            }
        }
    }
}
