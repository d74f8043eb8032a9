//! The interface of Sabre's rules, and what they share.

use super::network::{Progress, Verdict};
use crate::simulate::movie::Movie;

#[derive(Clone, Copy)]
pub(super) struct View<'a> {
    pub(super) movie: &'a Movie,
    pub(super) buffer_ms: f64,
    pub(super) kbps: f64,
    pub(super) latency_ms: f64,
}

#[derive(Clone, Copy)]
pub(super) struct Ended {
    pub(super) quality: usize,
    pub(super) time_ms: f64,
    pub(super) verdict: Option<Verdict>,
    pub(super) replacement: bool,
    pub(super) buffer_ms: f64,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Choice {
    pub(super) quality: usize,
    pub(super) wait_ms: f64,
}

impl Choice {
    pub(super) fn now(quality: usize) -> Self {
        let wait_ms = 0.0;
        Self { quality, wait_ms }
    }
}

pub(super) trait Rule {
    fn choose(&mut self, view: &View<'_>, segment: i64) -> Choice;
    /// The player waited because the buffer was full.
    fn idled(&mut self, _time_ms: f64) {}
    fn ended(&mut self, _ended: &Ended) {}
    fn sought(&mut self, _to_ms: f64) {}
    /// The quality to restart a running transfer at, if any; `buffer_ms` is the buffer level by now.
    fn look(&mut self, view: &View<'_>, progress: &Progress, buffer_ms: f64) -> Option<usize>;
}

impl View<'_> {
    /// The highest quality whose nominal segment arrives within its duration at `kbps`.
    pub(super) fn sustained(&self, kbps: f64) -> usize {
        let segment_ms = self.movie.segment_ms();
        let fits = |rate: &&f64| self.latency_ms + segment_ms * **rate / kbps <= segment_ms;
        self.movie.rates_kbps()[1..].iter().take_while(fits).count()
    }
}

/// The insufficient-buffer rule; its factor falls with every call.
pub(super) struct BufferGuard {
    factor: f64,
}

impl BufferGuard {
    const FIRST: f64 = 0.9;
    const LEAST: f64 = 0.5;

    pub(super) fn new() -> Self {
        Self {
            factor: Self::FIRST,
        }
    }

    /// The highest quality that the buffer allows, if lower than `quality`.
    pub(super) fn below(&mut self, view: &View<'_>, quality: usize) -> Option<usize> {
        let safe_bits = self.factor * (view.buffer_ms - view.latency_ms) * view.kbps;
        self.factor = f64::max(self.factor * Self::FIRST, Self::LEAST);
        let segment_ms = view.movie.segment_ms();
        let mut rates = view.movie.rates_kbps()[1..=quality].iter();
        rates.position(|rate| rate * segment_ms > safe_bits)
    }
}

/// BOLA's objective: (V·(utility + γp) − level) / size.
pub(super) struct Objective {
    pub(super) utilities: Vec<f64>,
    pub(super) gp: f64,
    pub(super) vp: f64,
}

impl Objective {
    /// Utilities are logarithms of the rates plus `offset`; V is to be set.
    pub(super) fn new(movie: &Movie, offset: f64, gp: f64) -> Self {
        let utilities = movie.rates_kbps().iter().map(|rate| rate.ln() + offset);
        Self {
            utilities: utilities.collect(),
            gp,
            vp: f64::NAN,
        }
    }

    pub(super) fn top(&self) -> f64 {
        self.utilities[self.utilities.len() - 1]
    }

    /// The quality with the highest score at buffer `level_ms`; ties go to the lowest.
    pub(super) fn best(&self, movie: &Movie, level_ms: f64) -> usize {
        let mut best = (0, f64::NEG_INFINITY);
        for (quality, rate) in movie.rates_kbps().iter().enumerate() {
            let score = self.gain(quality, level_ms) / rate;
            if quality == 0 || score > best.1 {
                best = (quality, score);
            }
        }
        best.0
    }

    /// V·(utility + γp) − `level_ms`.
    pub(super) fn gain(&self, quality: usize, level_ms: f64) -> f64 {
        self.vp * (self.gp + self.utilities[quality]) - level_ms
    }

    /// The lower quality at which a restart of a transfer beats its last `left` bits at `level_ms`.
    pub(super) fn restart(
        &self,
        movie: &Movie,
        progress: &Progress,
        left: f64,
        level_ms: f64,
    ) -> Option<usize> {
        let rates = movie.rates_kbps();
        let mut best = self.gain(progress.quality, level_ms) / left;
        let mut to = None;
        for quality in 0..progress.quality {
            let size = progress.size * rates[quality] / rates[progress.quality];
            let score = self.gain(quality, level_ms) / size;
            if size < left && score > best {
                (best, to) = (score, Some(quality));
            }
        }
        to
    }
}
