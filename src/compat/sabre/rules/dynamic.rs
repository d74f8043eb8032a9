//! BOLA where the buffer is long, the throughput rule where it is short.

use super::bola::Bola;
use super::bola_e::BolaE;
use super::throughput::Throughput;
use crate::compat::CompatError;
use crate::compat::sabre::network::Progress;
use crate::compat::sabre::options::Options;
use crate::compat::sabre::rule::{Choice, Ended, Rule, View};
use crate::simulate::movie::Movie;

/// `dynamic` switches rules at this level, depending on their choices.
const TURN_MS: f64 = 10_000.0;
/// `dynamicdash` switches to BOLA-E above this level ...
const HIGH_MS: f64 = 10_000.0;
/// ... and back below this.
const LOW_MS: f64 = 5_000.0;

/// Both rules choose every time; buffer level and choices select one.
pub(super) struct Dynamic {
    bola: Bola,
    throughput: Throughput,
    by_buffer: bool,
}

impl Dynamic {
    pub(super) fn new(options: &Options, movie: &Movie) -> Result<Self, CompatError> {
        Ok(Self {
            bola: Bola::new(options, movie)?,
            throughput: Throughput::new(options),
            by_buffer: false,
        })
    }
}

impl Rule for Dynamic {
    fn choose(&mut self, view: &View<'_>, segment: i64) -> Choice {
        let bola = self.bola.choose(view, segment);
        let throughput = self.throughput.choose(view, segment);
        let lower = bola.quality < throughput.quality;
        if self.by_buffer {
            self.by_buffer = view.buffer_ms >= TURN_MS || !lower;
        } else {
            self.by_buffer = view.buffer_ms > TURN_MS && !lower;
        }
        if self.by_buffer { bola } else { throughput }
    }

    fn ended(&mut self, ended: &Ended) {
        if ended.replacement {
            self.by_buffer = false;
        }
    }

    /// The throughput rule checks, even while BOLA decides.
    fn look(&mut self, view: &View<'_>, progress: &Progress, buffer_ms: f64) -> Option<usize> {
        self.throughput.look(view, progress, buffer_ms)
    }
}

/// One rule chooses, by the buffer level. Neither is notified of a seek.
pub(super) struct DynamicDash {
    bola: BolaE,
    throughput: Throughput,
    by_buffer: bool,
}

impl DynamicDash {
    pub(super) fn new(options: &Options, movie: &Movie) -> Result<Self, CompatError> {
        Ok(Self {
            bola: BolaE::new(options, movie)?,
            throughput: Throughput::new(options),
            by_buffer: false,
        })
    }

    fn deciding(&mut self) -> &mut dyn Rule {
        if self.by_buffer {
            &mut self.bola
        } else {
            &mut self.throughput
        }
    }
}

impl Rule for DynamicDash {
    fn choose(&mut self, view: &View<'_>, segment: i64) -> Choice {
        if self.by_buffer && view.buffer_ms < LOW_MS {
            self.by_buffer = false;
        } else if !self.by_buffer && view.buffer_ms > HIGH_MS {
            self.by_buffer = true;
        }
        self.deciding().choose(view, segment)
    }

    fn idled(&mut self, time_ms: f64) {
        self.bola.idled(time_ms);
    }

    fn ended(&mut self, ended: &Ended) {
        self.bola.ended(ended);
    }

    fn look(&mut self, view: &View<'_>, progress: &Progress, buffer_ms: f64) -> Option<usize> {
        self.deciding().look(view, progress, buffer_ms)
    }
}
