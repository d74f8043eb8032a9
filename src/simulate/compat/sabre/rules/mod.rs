//! Sabre's rules, one file each, behind one trait.

mod bola;
mod bola_e;
mod dynamic;
mod throughput;

use super::super::CompatError;
use super::network::{Progress, Verdict};
use super::options::{Abr, Options};
use crate::simulate::movie::Movie;

/// What a rule may look at.
#[derive(Clone, Copy)]
pub(super) struct View<'a> {
    pub(super) movie: &'a Movie,
    pub(super) buffer_ms: f64,
    pub(super) kbps: f64,
    pub(super) latency_ms: f64,
}

/// A request that ended.
#[derive(Clone, Copy)]
pub(super) struct Ended {
    pub(super) quality: usize,
    pub(super) time_ms: f64,
    pub(super) verdict: Option<Verdict>,
    pub(super) replacement: bool,
    /// Media in the buffer after it.
    pub(super) buffer_ms: f64,
}

/// A quality, and how long to hold the request back.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Choice {
    pub(super) quality: usize,
    pub(super) wait_ms: f64,
}

/// One of Sabre's rules.
pub(super) trait Rule {
    /// Chooses for `segment`.
    fn choose(&mut self, view: &View<'_>, segment: i64) -> Choice;
    /// The buffer was full for so long.
    fn idled(&mut self, _time_ms: f64) {}
    /// A request ended.
    fn ended(&mut self, _ended: &Ended) {}
    /// The session jumped.
    fn sought(&mut self, _to_ms: f64) {}
    /// Looks at a running transfer; `buffer_ms` is what the buffer would hold now.
    fn look(&mut self, view: &View<'_>, progress: &Progress, buffer_ms: f64) -> Option<usize>;
}

/// The rule that `options` names.
pub(super) fn rule(options: &Options, movie: &Movie) -> Result<Box<dyn Rule>, CompatError> {
    Ok(match options.abr {
        Abr::Throughput => Box::new(throughput::Throughput::new(options)),
        Abr::Bola => Box::new(bola::Bola::new(options, movie)?),
        Abr::BolaE => Box::new(bola_e::BolaE::new(options, movie)?),
        Abr::Dynamic => Box::new(dynamic::Dynamic::new(options, movie)?),
        Abr::DynamicDash => Box::new(dynamic::DynamicDash::new(options, movie)?),
    })
}

impl View<'_> {
    /// The highest quality whose nominal segment arrives in its own duration at `kbps`.
    fn sustained(&self, kbps: f64) -> usize {
        let segment_ms = self.movie.segment_ms();
        let fits = |rate: &&f64| self.latency_ms + segment_ms * **rate / kbps <= segment_ms;
        self.movie.rates_kbps()[1..].iter().take_while(fits).count()
    }
}

/// The insufficient-buffer rule: its factor falls by a step each time it is asked.
struct BufferGuard {
    factor: f64,
}

impl BufferGuard {
    const FIRST: f64 = 0.9;
    const LEAST: f64 = 0.5;

    fn new() -> Self {
        Self {
            factor: Self::FIRST,
        }
    }

    /// The quality below `quality` that the buffer allows, if it does not allow that.
    fn below(&mut self, view: &View<'_>, quality: usize) -> Option<usize> {
        let safe_bits = self.factor * (view.buffer_ms - view.latency_ms) * view.kbps;
        self.factor = f64::max(self.factor * Self::FIRST, Self::LEAST);
        let segment_ms = view.movie.segment_ms();
        let mut rates = view.movie.rates_kbps()[1..=quality].iter();
        rates.position(|rate| rate * segment_ms > safe_bits)
    }
}

/// The quality with the greatest of BOLA's scores at buffer `level_ms`; of equals the lowest.
fn best_score(movie: &Movie, utilities: &[f64], (vp, gp): (f64, f64), level_ms: f64) -> usize {
    let mut best: Option<(usize, f64)> = None;
    for (quality, (utility, rate)) in utilities.iter().zip(movie.rates_kbps()).enumerate() {
        let score = (vp * (utility + gp) - level_ms) / rate;
        if best.is_none_or(|(_, least)| score > least) {
            best = Some((quality, score));
        }
    }
    best.map_or(0, |(quality, _)| quality)
}

/// Logarithms of the rates, moved by `offset`.
fn log_utilities(movie: &Movie, offset: f64) -> Vec<f64> {
    movie
        .rates_kbps()
        .iter()
        .map(|rate| rate.ln() + offset)
        .collect()
}
