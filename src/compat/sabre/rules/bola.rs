//! BOLA: basic, and finite in its U and O forms.

use crate::compat::CompatError;
use crate::compat::sabre::network::Progress;
use crate::compat::sabre::options::Options;
use crate::compat::sabre::rule::{Choice, Rule, View, best_score, log_utilities};
use crate::simulate::movie::Movie;

pub(super) struct Bola {
    utilities: Vec<f64>,
    gp: f64,
    buffer_ms: f64,
    segment_ms: f64,
    basic: bool,
    no_oscillation: bool,
    vp: f64,
    /// First segment after the last jump.
    origin: f64,
    last: usize,
}

impl Bola {
    pub(super) fn new(options: &Options, movie: &Movie) -> Result<Self, CompatError> {
        let mut bola = Self {
            utilities: log_utilities(movie, -movie.rates_kbps()[0].ln()),
            gp: options.gamma_p,
            buffer_ms: options.buffer_s * 1000.0,
            segment_ms: movie.segment_ms(),
            basic: options.basic,
            no_oscillation: options.no_oscillation,
            vp: 0.0,
            origin: 0.0,
            last: 0,
        };
        bola.vp = bola.weight(movie, bola.buffer_ms);
        if !bola.vp.is_finite() {
            let what = format!("BOLA with -gp {} divides by 0", options.gamma_p);
            return Err(CompatError::Crash { what });
        }
        Ok(bola)
    }

    /// V·p for a buffer of `buffer_ms`.
    fn weight(&self, movie: &Movie, buffer_ms: f64) -> f64 {
        let top = self.utilities[self.utilities.len() - 1];
        (buffer_ms - movie.segment_ms()) / (top + self.gp)
    }

    /// The finite form has a lower buffer target near the start and the end.
    fn aim(&mut self, movie: &Movie, segment: i64) {
        let since = segment as f64 - self.origin;
        let left = (movie.segments() as i64 - segment) as f64;
        let reach = f64::max(since.min(left) / 2.0, 3.0) * movie.segment_ms();
        self.vp = self.weight(movie, self.buffer_ms.min(reach));
    }

    /// The choice for a rise to `wanted`.
    fn rise(&self, view: &View<'_>, wanted: usize) -> Choice {
        let at_once = |quality| Choice {
            quality,
            wait_ms: 0.0,
        };
        let sustained = view.sustained(view.kbps);
        if wanted <= sustained {
            return at_once(wanted);
        }
        if self.last > sustained {
            return at_once(self.last);
        }
        if !self.no_oscillation {
            return at_once(sustained + 1);
        }
        let target_ms = self.vp * (self.gp + self.utilities[sustained]);
        let top = sustained == self.utilities.len() - 1;
        Choice {
            quality: sustained,
            wait_ms: if top {
                0.0
            } else {
                f64::max(0.0, view.buffer_ms - target_ms)
            },
        }
    }
}

impl Rule for Bola {
    fn choose(&mut self, view: &View<'_>, segment: i64) -> Choice {
        if !self.basic {
            self.aim(view.movie, segment);
        }
        let level_ms = view.buffer_ms;
        let wanted = best_score(view.movie, &self.utilities, self.vp, self.gp, level_ms);
        let choice = if wanted > self.last {
            self.rise(view, wanted)
        } else {
            Choice {
                quality: wanted,
                wait_ms: 0.0,
            }
        };
        self.last = choice.quality;
        choice
    }

    fn sought(&mut self, to_ms: f64) {
        self.origin = (to_ms / self.segment_ms).floor();
    }

    fn look(&mut self, view: &View<'_>, progress: &Progress, buffer_ms: f64) -> Option<usize> {
        let left = progress.size - progress.downloaded;
        if self.basic || progress.downloaded <= 0.0 || left <= 0.0 {
            return None;
        }
        let gain = |quality: usize| self.vp * (self.gp + self.utilities[quality]) - buffer_ms;
        let mut best = gain(progress.quality) / left;
        if best < 0.0 {
            return None;
        }
        let rates = view.movie.rates_kbps();
        let mut to = None;
        for quality in 0..progress.quality {
            let size = progress.size * rates[quality] / rates[progress.quality];
            let score = gain(quality) / size;
            if size < left && score > best {
                (best, to) = (score, Some(quality));
            }
        }
        self.last = to.unwrap_or(self.last);
        to
    }
}
