//! The rules by name.

use super::bba::{Bba0, Bba2};
use super::bola::{Bola, Form};
use super::bola_e::BolaE;
use super::dynamic::Dynamic;
use super::festive::Festive;
use super::l2a::L2a;
use super::lol_plus::LolPlus;
use super::robust_mpc::RobustMpc;
use super::stochastic_mpc::StochasticMpc;
use super::throughput::ThroughputRule;
use super::{Choice, Rule, View};
use crate::player::ladder::Ladder;
use crate::player::named::named;

/// The rules of the crate. Titles in layers have one more, `layers`, that cannot be chosen here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Abr {
    /// The highest rung that the estimated throughput sustains.
    Throughput,
    /// BBA-0: a map from buffer level to rate.
    Bba0,
    /// BBA-2: a map from buffer level to chunk size, with a start-up phase.
    Bba2,
    /// BOLA of its first theorem: utility against buffer level.
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

named! { Abr, "ABR rule":
    Throughput = "throughput", Bba0 = "bba0", Bba2 = "bba2", BolaBasic = "bola-basic", BolaU = "bola-u",
    BolaO = "bola-o", BolaE = "bola-e" | "bola", Dynamic = "dynamic", RobustMpc = "robust-mpc",
    StochasticMpc = "stochastic-mpc", Festive = "festive", L2a = "l2a", LolPlus = "lol+", Fixed(0) = "fixed",
}

impl Abr {
    /// A new rule for `ladder` and a buffer target of `buffer_target_s` seconds; `seed` for random numbers.
    pub fn build(self, ladder: &Ladder, buffer_target_s: f64, seed: u64) -> Box<dyn Rule> {
        let bola = |form| Box::new(Bola::new(ladder, form, buffer_target_s, self.name()));
        match self {
            Self::Throughput => Box::new(ThroughputRule),
            Self::Bba0 => Box::new(Bba0),
            Self::Bba2 => Box::new(Bba2::default()),
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
            Self::Fixed(rung) => Box::new(Fixed(rung.min(ladder.top()))),
        }
    }
}

/// The rule `fixed`: for measuring a rung, and for comparing one server with another.
#[derive(Debug)]
struct Fixed(usize);

impl Rule for Fixed {
    fn choose(&mut self, _view: &View<'_>) -> Choice {
        Choice::now(self.0, "fixed")
    }
}
