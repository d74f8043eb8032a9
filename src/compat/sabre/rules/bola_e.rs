//! BOLA-E: BOLA over the buffer and a placeholder that stands for media that could be there.

use crate::compat::CompatError;
use crate::compat::sabre::network::{Progress, Verdict};
use crate::compat::sabre::options::Options;
use crate::compat::sabre::rule::{BufferGuard, Choice, Ended, Objective, Rule, View};
use crate::simulate::movie::Movie;

/// The lowest quality is chosen up to here ...
const LOW_MS: f64 = 10_000.0;
/// ... and each further one has so much room.
const STEP_MS: f64 = 2_000.0;

pub(super) struct BolaE {
    objective: Objective,
    rates_kbps: Vec<f64>,
    segment_ms: f64,
    no_oscillation: bool,
    guarded: bool,
    /// `None` before the first decision and after a seek.
    guard: Option<BufferGuard>,
    placeholder_ms: f64,
    last: usize,
}

impl BolaE {
    pub(super) fn new(options: &Options, movie: &Movie) -> Result<Self, CompatError> {
        let rates_kbps = movie.rates_kbps().to_vec();
        let buffer_ms = options.buffer_s * 1000.0;
        let offset = 1.0 - rates_kbps[0].ln();
        let mut objective = Objective::new(movie, offset, options.gamma_p - 1.0);
        let (top, guarded) = (objective.top(), !options.no_insufficient_buffer_rule);
        if guarded {
            let room_ms = LOW_MS + STEP_MS * rates_kbps.len() as f64;
            objective.gp = (top - 1.0) / (room_ms.max(buffer_ms) / LOW_MS - 1.0);
            objective.vp = LOW_MS / objective.gp;
        } else {
            objective.vp = (buffer_ms - movie.segment_ms()) / (top + objective.gp);
        }
        if !objective.vp.is_finite() {
            let what = format!("BOLA-E over {} rates divides by 0", rates_kbps.len());
            return Err(CompatError::Crash { what });
        }
        Ok(Self {
            objective,
            rates_kbps,
            segment_ms: movie.segment_ms(),
            no_oscillation: options.no_oscillation,
            guarded,
            guard: None,
            placeholder_ms: 0.0,
            last: 0,
        })
    }

    /// The level above which `quality` beats all lower ones.
    fn least_level_ms(&self, quality: usize) -> f64 {
        let Objective { utilities, gp, vp } = &self.objective;
        let (rate, utility) = (self.rates_kbps[quality], utilities[quality]);
        let lower = self.rates_kbps.iter().zip(utilities).take(quality);
        let lower = lower.filter(|(_, u)| **u < utility);
        let even = lower.map(|(r, u)| vp * (gp + (rate * u - r * utility) / (rate - r)));
        even.fold(0.0, f64::max)
    }

    /// The level above which BOLA would rather wait than fetch `quality`.
    fn greatest_level_ms(&self, quality: usize) -> f64 {
        self.objective.gain(quality, 0.0)
    }

    fn start(&mut self, view: &View<'_>) -> Choice {
        self.guard = Some(BufferGuard::new());
        let quality = view.sustained(view.kbps);
        self.placeholder_ms = f64::max(0.0, self.least_level_ms(quality) - view.buffer_ms);
        Choice::now(quality)
    }

    /// BOLA's choice; rises are capped by the sustained quality.
    fn wanted(&self, view: &View<'_>) -> usize {
        let level_ms = view.buffer_ms + self.placeholder_ms;
        let wanted = self.objective.best(view.movie, level_ms);
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
        Choice::now(lower)
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

    fn look(&mut self, view: &View<'_>, progress: &Progress, buffer_ms: f64) -> Option<usize> {
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
        self.objective.restart(view.movie, progress, rest, level_ms)
    }
}
