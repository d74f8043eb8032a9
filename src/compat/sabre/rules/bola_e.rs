//! BOLA-E: BOLA over the buffer and a placeholder that stands for media that could be there.

use crate::compat::CompatError;
use crate::compat::sabre::network::{Progress, Verdict};
use crate::compat::sabre::options::Options;
use crate::compat::sabre::rule::{
    BufferGuard, Choice, Ended, Rule, View, best_score, log_utilities,
};
use crate::simulate::movie::Movie;

/// The lowest quality is chosen up to here ...
const LOW_MS: f64 = 10_000.0;
/// ... and each further one has so much room.
const STEP_MS: f64 = 2_000.0;

pub(super) struct BolaE {
    utilities: Vec<f64>,
    rates_kbps: Vec<f64>,
    segment_ms: f64,
    gp: f64,
    vp: f64,
    no_oscillation: bool,
    guarded: bool,
    /// `None` until the first decision, and after a jump.
    guard: Option<BufferGuard>,
    placeholder_ms: f64,
    last: usize,
}

impl BolaE {
    pub(super) fn new(options: &Options, movie: &Movie) -> Result<Self, CompatError> {
        let rates_kbps = movie.rates_kbps().to_vec();
        let utilities = log_utilities(movie, 1.0 - rates_kbps[0].ln());
        let top = utilities[utilities.len() - 1];
        let guarded = !options.no_insufficient_buffer_rule;
        let (gp, vp) = if guarded {
            let room_ms = LOW_MS + STEP_MS * rates_kbps.len() as f64;
            let virtual_ms = room_ms.max(options.buffer_s * 1000.0);
            let gp = (top - 1.0) / (virtual_ms / LOW_MS - 1.0);
            (gp, LOW_MS / gp)
        } else {
            let gp = options.gamma_p - 1.0;
            (
                gp,
                (options.buffer_s * 1000.0 - movie.segment_ms()) / (top + gp),
            )
        };
        if !vp.is_finite() {
            let what = format!("BOLA-E over {} rates divides by 0", rates_kbps.len());
            return Err(CompatError::Crash { what });
        }
        Ok(Self {
            utilities,
            rates_kbps,
            segment_ms: movie.segment_ms(),
            gp,
            vp,
            no_oscillation: options.no_oscillation,
            guarded,
            guard: None,
            placeholder_ms: 0.0,
            last: 0,
        })
    }

    /// The level above which `quality` beats all lower ones.
    fn least_level_ms(&self, quality: usize) -> f64 {
        let (rate, utility) = (self.rates_kbps[quality], self.utilities[quality]);
        let mut level: f64 = 0.0;
        for (r, u) in self.rates_kbps.iter().zip(&self.utilities).take(quality) {
            if *u < utility {
                let even = self.vp * (self.gp + (rate * u - r * utility) / (rate - r));
                level = level.max(even);
            }
        }
        level
    }

    /// The level above which BOLA would rather wait than fetch `quality`.
    fn greatest_level_ms(&self, quality: usize) -> f64 {
        self.vp * (self.utilities[quality] + self.gp)
    }

    fn start(&mut self, view: &View<'_>) -> Choice {
        self.guard = Some(BufferGuard::new());
        let quality = view.sustained(view.kbps);
        self.placeholder_ms = f64::max(0.0, self.least_level_ms(quality) - view.buffer_ms);
        Choice {
            quality,
            wait_ms: 0.0,
        }
    }

    /// BOLA's choice; rises are capped by the sustained quality.
    fn wanted(&self, view: &View<'_>) -> usize {
        let level_ms = view.buffer_ms + self.placeholder_ms;
        let wanted = best_score(view.movie, &self.utilities, self.vp, self.gp, level_ms);
        let sustained = view.sustained(view.kbps);
        if wanted <= self.last || wanted <= sustained {
            return wanted;
        }
        self.last.max(sustained) + usize::from(!self.no_oscillation)
    }

    /// The wait for `quality`, after reducing the placeholder.
    fn wait_ms(&mut self, view: &View<'_>, quality: usize) -> f64 {
        let over = view.buffer_ms + self.placeholder_ms - self.greatest_level_ms(quality);
        let mut wait_ms = 0.0;
        if over > self.placeholder_ms {
            wait_ms = over - self.placeholder_ms;
            self.placeholder_ms = 0.0;
        } else if over > 0.0 {
            self.placeholder_ms -= over;
        }
        if quality == self.rates_kbps.len() - 1 {
            wait_ms = 0.0;
        }
        wait_ms
    }

    fn delivered(&mut self, ended: &Ended) {
        if ended.replacement {
            self.placeholder_ms += self.segment_ms;
            return;
        }
        let before_ms = ended.buffer_ms + ended.time_ms;
        let most = f64::max(0.0, self.greatest_level_ms(ended.quality) - before_ms);
        self.placeholder_ms = self.placeholder_ms.min(most);
        if ended.buffer_ms > 0.0 {
            let least = self.least_level_ms(ended.quality) - before_ms;
            self.placeholder_ms = self.placeholder_ms.max(least);
        }
    }
}

impl Rule for BolaE {
    fn choose(&mut self, view: &View<'_>, _segment: i64) -> Choice {
        if self.guard.is_none() {
            return self.start(view);
        }
        let quality = self.wanted(view);
        let wait_ms = self.wait_ms(view, quality);
        let guard = self.guard.as_mut().filter(|_| self.guarded);
        let Some(lower) = guard.and_then(|guard| guard.below(view, quality)) else {
            return Choice { quality, wait_ms };
        };
        let most = f64::max(0.0, self.least_level_ms(lower) - view.buffer_ms);
        self.placeholder_ms = self.placeholder_ms.min(most);
        Choice {
            quality: lower,
            wait_ms: 0.0,
        }
    }

    fn idled(&mut self, time_ms: f64) {
        self.placeholder_ms += time_ms;
    }

    fn ended(&mut self, ended: &Ended) {
        self.last = ended.quality;
        match ended.verdict {
            None => self.delivered(ended),
            Some(Verdict::To(quality)) if !ended.replacement => {
                let level = if quality > 0 {
                    self.least_level_ms(quality)
                } else {
                    LOW_MS
                };
                let most = f64::max(0.0, level - ended.buffer_ms);
                self.placeholder_ms = self.placeholder_ms.min(most);
            }
            Some(_) => {}
        }
    }

    fn sought(&mut self, _to_ms: f64) {
        self.guard = None;
    }

    fn look(&mut self, _view: &View<'_>, progress: &Progress, buffer_ms: f64) -> Option<usize> {
        let left = progress.size - progress.downloaded;
        if progress.downloaded <= 0.0 || left <= 0.0 {
            return None;
        }
        let latency_ms = progress.latency_ms;
        // A new request would cost its latency first: compare as of then.
        let level_ms = f64::max(0.0, buffer_ms + self.placeholder_ms - latency_ms);
        let kbps = progress.downloaded / (progress.time_ms - latency_ms);
        let rest = left - latency_ms * kbps;
        if rest <= 0.0 {
            return None;
        }
        let gain = |quality: usize| self.vp * (self.gp + self.utilities[quality]) - level_ms;
        let mut best = gain(progress.quality) / rest;
        let mut to = None;
        for quality in 0..progress.quality {
            let size = progress.size * self.rates_kbps[quality] / self.rates_kbps[progress.quality];
            let score = gain(quality) / size;
            if size < rest && score > best {
                (best, to) = (score, Some(quality));
            }
        }
        to
    }
}
