//! The rules by name.

use super::Rule;
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
use crate::player::ladder::Ladder;
use std::fmt;
use std::mem;
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
    /// BOLA that rises at most one rung above the sustained one.
    BolaU,
    /// BOLA that waits instead of oscillating.
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

/// An unknown rule name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown ABR rule `{name}`: expected {}", NAMES.map(|(_, name)| name).join(", "))]
pub struct UnknownRule {
    /// The name.
    pub name: String,
}

/// Every rule with its name, `fixed` at its lowest rung.
const NAMES: [(Abr, &str); 14] = [
    (Abr::Throughput, "throughput"),
    (Abr::Bba0, "bba0"),
    (Abr::Bba2, "bba2"),
    (Abr::BolaBasic, "bola-basic"),
    (Abr::BolaU, "bola-u"),
    (Abr::BolaO, "bola-o"),
    (Abr::BolaE, "bola-e"),
    (Abr::Dynamic, "dynamic"),
    (Abr::RobustMpc, "robust-mpc"),
    (Abr::StochasticMpc, "stochastic-mpc"),
    (Abr::Festive, "festive"),
    (Abr::L2a, "l2a"),
    (Abr::LolPlus, "lol+"),
    (Abr::Fixed(0), "fixed"),
];

impl Abr {
    /// Every rule, in the order of the table; `fixed` at its lowest rung.
    pub fn all() -> impl Iterator<Item = Self> {
        NAMES.into_iter().map(|(rule, _)| rule)
    }

    /// The rule's name.
    pub fn name(self) -> &'static str {
        let same = |(rule, _): &&(Self, _)| mem::discriminant(rule) == mem::discriminant(&self);
        NAMES.iter().find(same).map_or("", |(_, name)| name)
    }

    /// A new rule for `ladder` and a buffer target of `buffer_target_s` seconds. `seed` seeds the rules
    /// that draw random numbers.
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

    /// Reads a rule's name; `fixed` is the lowest rung, `bola` an alias of `bola-e`.
    fn from_str(name: &str) -> Result<Self, UnknownRule> {
        if name == "bola" {
            return Ok(Self::BolaE);
        }
        let found = NAMES.into_iter().find(|(_, known)| *known == name);
        found
            .map(|(rule, _)| rule)
            .ok_or_else(|| UnknownRule { name: name.into() })
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
