//! The rules by name.

use super::bba::{Bba0, Bba2};
use super::bola::{Bola, Form};
use super::bola_e::BolaE;
use super::dynamic::Dynamic;
use super::festive::Festive;
use super::fixed::Fixed;
use super::l2a::L2a;
use super::lol_plus::LolPlus;
use super::robust_mpc::RobustMpc;
use super::stochastic_mpc::StochasticMpc;
use super::throughput::ThroughputRule;
use super::{Ladder, Rule};
use std::fmt;
use std::str::FromStr;

/// The rules. See the table of [`super`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Abr {
    /// The highest rung that the estimated throughput sustains.
    Throughput,
    /// BBA-0: a map from buffer level to rate.
    Bba0,
    /// BBA-2: a map from buffer level to chunk size, with a start-up phase.
    Bba2,
    /// BOLA as its first theorem has it.
    BolaBasic,
    /// BOLA that rises at most one rung above what the throughput sustains.
    BolaU,
    /// BOLA that would rather wait than oscillate.
    BolaO,
    /// BOLA-E: with a placeholder for small buffers.
    BolaE,
    /// Throughput on a short buffer, BOLA-E on a long one.
    #[default]
    Dynamic,
    /// The best plan for five segments at a cautious rate.
    RobustMpc,
    /// The best plan in expectation over learnt send times.
    StochasticMpc,
    /// FESTIVE: harmonic mean, slow rises, few switches.
    Festive,
    /// L2A: online learning over a mix of rungs.
    L2a,
    /// LoL+: a self-organising map.
    LolPlus,
    /// Always the same rung, counted from 0; guards do not apply.
    Fixed(usize),
}

/// A rule name that does not exist.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{name}` is no ABR rule: expected {}", names())]
pub struct UnknownRule {
    /// The name.
    pub name: String,
}

/// Every rule, `fixed` at its lowest rung.
const ALL: [Abr; 14] = [
    Abr::Throughput,
    Abr::Bba0,
    Abr::Bba2,
    Abr::BolaBasic,
    Abr::BolaU,
    Abr::BolaO,
    Abr::BolaE,
    Abr::Dynamic,
    Abr::RobustMpc,
    Abr::StochasticMpc,
    Abr::Festive,
    Abr::L2a,
    Abr::LolPlus,
    Abr::Fixed(0),
];

fn names() -> String {
    ALL.map(Abr::name).join(", ")
}

impl Abr {
    /// Every rule, in the order of the table; `fixed` at its lowest rung.
    pub fn all() -> impl Iterator<Item = Self> {
        ALL.into_iter()
    }

    /// The rule as its name is written.
    pub fn name(self) -> &'static str {
        match self {
            Self::Throughput => "throughput",
            Self::Bba0 => "bba0",
            Self::Bba2 => "bba2",
            Self::BolaBasic => "bola-basic",
            Self::BolaU => "bola-u",
            Self::BolaO => "bola-o",
            Self::BolaE => "bola-e",
            Self::Dynamic => "dynamic",
            Self::RobustMpc => "robust-mpc",
            Self::StochasticMpc => "stochastic-mpc",
            Self::Festive => "festive",
            Self::L2a => "l2a",
            Self::LolPlus => "lol+",
            Self::Fixed(_) => "fixed",
        }
    }

    /// A rule with an empty memory for `ladder` and a buffer of `buffer_target_s` seconds. `seed`
    /// is what chance follows from, for the rules that use any.
    pub fn build(self, ladder: &Ladder, buffer_target_s: f64, seed: u64) -> Box<dyn Rule> {
        let bola = |form| Box::new(Bola::new(ladder, form, buffer_target_s));
        match self {
            Self::Throughput => Box::new(ThroughputRule),
            Self::Bba0 => Box::new(Bba0),
            Self::Bba2 => Box::new(Bba2::new()),
            Self::BolaBasic => bola(Form::Basic),
            Self::BolaU => bola(Form::U),
            Self::BolaO => bola(Form::O),
            Self::BolaE => Box::new(BolaE::new(ladder, buffer_target_s)),
            Self::Dynamic => Box::new(Dynamic::new(ladder, buffer_target_s)),
            Self::RobustMpc => Box::new(RobustMpc::new(ladder)),
            Self::StochasticMpc => Box::new(StochasticMpc::new(ladder, buffer_target_s)),
            Self::Festive => Box::new(Festive::new(seed)),
            Self::L2a => Box::new(L2a::new(ladder)),
            Self::LolPlus => Box::new(LolPlus::new(ladder, seed)),
            Self::Fixed(rung) => Box::new(Fixed::new(rung.min(ladder.top()))),
        }
    }
}

impl FromStr for Abr {
    type Err = UnknownRule;

    /// Reads a rule's name; `fixed` means the lowest rung until told otherwise, `bola` BOLA-E.
    fn from_str(name: &str) -> Result<Self, UnknownRule> {
        if name == "bola" {
            return Ok(Self::BolaE);
        }
        let found = ALL.into_iter().find(|rule| rule.name() == name);
        found.ok_or_else(|| UnknownRule { name: name.into() })
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

    #[test]
    fn names_round_trip() {
        for rule in Abr::all() {
            assert_eq!(rule.to_string().parse(), Ok(rule));
        }
        assert_eq!("bola".parse(), Ok(Abr::BolaE));
        let error = "best".parse::<Abr>().unwrap_err().to_string();
        assert!(
            error.contains("`best`") && error.contains("stochastic-mpc, festive"),
            "{error}"
        );
    }
}
