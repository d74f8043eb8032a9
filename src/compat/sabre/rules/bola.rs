//! BOLA: basic, and finite in its U and O forms.

use crate::compat::CompatError;
use crate::compat::sabre::network::Progress;
use crate::compat::sabre::options::Options;
use crate::compat::sabre::rule::{Choice, Objective, Rule, View};
use crate::simulate::movie::Movie;

pub(super) struct Bola {
    objective: Objective,
    buffer_ms: f64,
    segment_ms: f64,
    basic: bool,
    no_oscillation: bool,
    /// First segment after the last seek.
    origin: f64,
    last: usize,
}

impl Bola {
    pub(super) fn new(options: &Options, movie: &Movie) -> Result<Self, CompatError> {
        let mut bola = Self {
            objective: Objective::new(movie, -movie.rates_kbps()[0].ln(), options.gamma_p),
            buffer_ms: options.buffer_s * 1000.0,
            segment_ms: movie.segment_ms(),
            basic: options.basic,
            no_oscillation: options.no_oscillation,
            origin: 0.0,
            last: 0,
        };
        bola.set_buffer(bola.buffer_ms);
        if !bola.objective.vp.is_finite() {
            let what = format!("BOLA with -gp {} divides by 0", options.gamma_p);
            return Err(CompatError::Crash { what });
        }
        Ok(bola)
    }

    /// Sets V for a buffer of `buffer_ms`.
    fn set_buffer(&mut self, buffer_ms: f64) {
        let objective = &mut self.objective;
        objective.vp = (buffer_ms - self.segment_ms) / (objective.top() + objective.gp);
    }

    /// The finite form has a lower buffer target near the start and the end.
    fn aim(&mut self, movie: &Movie, segment: i64) {
        let since = segment as f64 - self.origin;
        let left = (movie.segments() as i64 - segment) as f64;
        let reach = f64::max(since.min(left) / 2.0, 3.0) * movie.segment_ms();
        self.set_buffer(self.buffer_ms.min(reach));
    }

    /// The choice for a rise to `wanted`.
    fn rise(&self, view: &View<'_>, wanted: usize) -> Choice {
        let sustained = view.sustained(view.kbps);
        if wanted <= sustained {
            return Choice::now(wanted);
        }
        if self.last > sustained {
            return Choice::now(self.last);
        }
        if !self.no_oscillation {
            return Choice::now(sustained + 1);
        }
        if sustained == self.objective.utilities.len() - 1 {
            return Choice::now(sustained);
        }
        let target_ms = self.objective.gain(sustained, 0.0);
        Choice {
            quality: sustained,
            wait_ms: f64::max(0.0, view.buffer_ms - target_ms),
        }
    }
}

impl Rule for Bola {
    fn choose(&mut self, view: &View<'_>, segment: i64) -> Choice {
        if !self.basic {
            self.aim(view.movie, segment);
        }
        let wanted = self.objective.best(view.movie, view.buffer_ms);
        let choice = match wanted > self.last {
            true => self.rise(view, wanted),
            false => Choice::now(wanted),
        };
        self.last = choice.quality;
        choice
    }

    fn sought(&mut self, to_ms: f64) {
        self.origin = (to_ms / self.segment_ms).floor();
    }

    fn look(&mut self, view: &View<'_>, progress: &Progress, buffer_ms: f64) -> Option<usize> {
        let left = progress.size - progress.downloaded;
        let objective = &self.objective;
        if self.basic
            || progress.downloaded <= 0.0
            || left <= 0.0
            || objective.gain(progress.quality, buffer_ms) / left < 0.0
        {
            return None;
        }
        let to = objective.restart(view.movie, progress, left, buffer_ms);
        self.last = to.unwrap_or(self.last);
        to
    }
}
