//! The sessions of a grid.
//!
//! Rows are in the order content, trace, seed, player, whatever the number of threads. Seed 0 plays a
//! trace from its beginning; every other seed starts at an offset of its own and seeds the rules.

use super::player::{PlayMovie, Player};
use crate::network::conditions::Conditions;
use crate::network::link::Link;
use crate::network::trace::{Trace, TraceError};
use crate::player::ladder::Ladder;
use crate::player::log::Log;
use crate::player::random::Random;
use crate::player::session::{Options, Session};
use crate::simulate::content::Content;
use crate::simulate::driver;
use crate::simulate::movie::Movie;
use crate::simulate::oracle::{self, Optimum};
use crate::simulate::qoe::{ExtraFigures, Figures, LPIPS_THRESHOLDS, Setting, Timeline};
use serde::Serialize;
use std::error::Error;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// Upper bound of sessions: their rows are kept in memory.
const MAX_SESSIONS: usize = 1_000_000;

/// The ladder that traces are scaled to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FitTo {
    /// Each content's own: contents see different networks.
    Each,
    /// That of the content with this index, for all: contents see the same networks.
    One(usize),
}

/// Sessions to play. The default has no content, traces and players.
#[derive(Debug, Clone)]
pub struct Grid {
    /// What is streamed.
    pub contents: Vec<Content>,
    /// Networks.
    pub traces: Vec<Trace>,
    /// Rules, or other simulators.
    pub players: Vec<Player>,
    /// Number of seeds, from 0 up.
    pub seeds: u64,
    /// Changes to the networks.
    pub conditions: Conditions,
    /// Scales every trace to a ladder, instead of by the multiplier of the conditions.
    pub fit_to: Option<FitTo>,
    /// Options of the sessions; rule and seed are the grid's.
    pub options: Options,
    /// LPIPS thresholds of the shares of time.
    pub thresholds: Vec<f64>,
    /// Beam of the oracle, in plans; `None` for no oracle.
    pub oracle_plans: Option<usize>,
    /// Further figures of every session.
    pub extra: Option<ExtraFigures>,
    /// Threads, at least 1.
    pub threads: usize,
}

/// The outcome of one session.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[allow(
    missing_docs,
    reason = "names of the content, the trace and the player"
)]
pub struct Row {
    pub title: String,
    pub trace: String,
    pub rule: String,
    pub seed: u64,
    /// Multiplier of the trace's rates.
    pub multiplier: f64,
    /// `finished`, or `starved` if the trace never delivers the whole content.
    pub verdict: &'static str,
    /// The figures, for a starved session of the part played.
    #[serde(flatten)]
    pub figures: Figures,
}

/// A grid that cannot be played. Titles, traces and players go by their names.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs, reason = "messages name the fields")]
pub enum GridError {
    #[error(
        "{contents} titles, {traces} traces, {players} rules and {seeds} seeds are more than {MAX_SESSIONS} sessions"
    )]
    TooMany {
        contents: usize,
        traces: usize,
        players: usize,
        seeds: u64,
    },
    #[error(transparent)]
    Trace(#[from] TraceError),
    #[error("{title} over {trace}: {source}")]
    Simulator {
        title: String,
        trace: String,
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    #[error("{title}: rule `layers` needs a title packaged with layers")]
    NoLayers { title: String },
    #[error("{title}: {player} plays movie files only")]
    NoMovie { title: String, player: String },
}

/// What the sessions of one content, trace and seed share.
#[derive(Debug, Clone)]
#[allow(missing_docs, reason = "types and names say it")]
pub struct Unit<'a> {
    pub content: &'a Content,
    pub trace: &'a Trace,
    pub seed: u64,
    /// The conditions with the unit's multiplier and offset.
    pub conditions: Conditions,
    /// The trace under these conditions.
    pub link: Link,
}

/// A session that was played.
#[derive(Debug, Clone, Default)]
pub struct Outcome {
    /// Segments shown, stalls and bytes.
    pub timeline: Timeline,
    /// The player core's log; `None` from another simulator.
    pub log: Option<Log>,
    /// The segment that the link never delivers, if the session starved.
    pub starved_by: Option<usize>,
}

impl Default for Grid {
    fn default() -> Self {
        Self {
            contents: Vec::new(),
            traces: Vec::new(),
            players: Vec::new(),
            seeds: 1,
            conditions: Conditions::default(),
            fit_to: None,
            options: Options::default(),
            thresholds: LPIPS_THRESHOLDS.to_vec(),
            oracle_plans: None,
            extra: None,
            threads: thread::available_parallelism().map_or(1, usize::from),
        }
    }
}

impl Grid {
    /// Number of sessions; saturates.
    pub fn sessions(&self) -> usize {
        self.units().saturating_mul(self.players.len())
    }

    /// Number of combinations of content, trace and seed; saturates.
    pub fn units(&self) -> usize {
        let seeds = usize::try_from(self.seeds).unwrap_or(usize::MAX);
        let pairs = self.contents.len().saturating_mul(self.traces.len());
        pairs.saturating_mul(seeds)
    }

    /// Plays every session. `progress` is called with the number of sessions finished since the last
    /// call.
    pub fn run(&self, progress: &(dyn Fn(usize) + Sync)) -> Result<Vec<Row>, GridError> {
        if self.sessions() > MAX_SESSIONS {
            return Err(GridError::TooMany {
                contents: self.contents.len(),
                traces: self.traces.len(),
                players: self.players.len(),
                seeds: self.seeds,
            });
        }
        let played = in_order(self.threads, self.units(), |number| {
            let rows = self.unit(number).and_then(|unit| self.rows(&unit));
            progress(self.players.len());
            rows
        });
        let rows = played.into_iter().collect::<Result<Vec<_>, _>>()?;
        Ok(rows.concat())
    }

    /// The unit with index `number`, the seed running fastest, then the trace.
    pub fn unit(&self, number: usize) -> Result<Unit<'_>, GridError> {
        let seeds = self.seeds as usize;
        let (seed, number) = ((number % seeds) as u64, number / seeds);
        let content = &self.contents[number / self.traces.len()];
        let trace = &self.traces[number % self.traces.len()];
        let mut conditions = self.conditions;
        if let Some(fit_to) = self.fit_to {
            let model = match fit_to {
                FitTo::Each => content,
                FitTo::One(index) => &self.contents[index],
            };
            conditions.multiplier = fit(trace, &model.ladder).unwrap_or(1.0);
        }
        if seed > 0 {
            conditions.offset_s += Random::new(seed).between(0.0, trace.duration_s());
        }
        Ok(Unit {
            content,
            trace,
            seed,
            conditions,
            link: Link::under(trace, &conditions)?,
        })
    }

    /// Plays one session.
    pub fn session(&self, unit: &Unit<'_>, player: &Player) -> Result<Outcome, GridError> {
        let content = unit.content;
        let mut options = Options {
            seed: self.options.seed.wrapping_add(unit.seed),
            ..self.options
        };
        let session = match player {
            Player::Abr(abr) => {
                options.abr = *abr;
                Session::new(Arc::clone(&content.ladder), &options)
            }
            Player::Rule(rule) => rule.session(Arc::clone(&content.ladder), &options),
            Player::Layers => {
                let layers = content.layers.clone();
                let title = || content.name.clone();
                let layers = layers.ok_or_else(|| GridError::NoLayers { title: title() })?;
                Session::new(layers, &options)
            }
            Player::Other(simulator) => {
                let movie = content.movie.as_deref();
                let movie = movie.ok_or_else(|| GridError::NoMovie {
                    title: content.name.clone(),
                    player: player.name().to_owned(),
                })?;
                return self.other(unit, movie, simulator.play.as_ref());
            }
        };
        let ladder = Arc::clone(session.ladder());
        let run = driver::run(session, &unit.link);
        Ok(Outcome {
            timeline: Timeline::of_log(&run.log, &ladder, options.start_s),
            log: Some(run.log),
            starved_by: run.starved_by,
        })
    }

    /// The figures of `outcome`, with the optimum if it is given and the session finished.
    pub fn figures(&self, unit: &Unit<'_>, outcome: &Outcome, optimum: Option<Optimum>) -> Figures {
        let setting = Setting {
            ladder: &unit.content.ladder,
            quality: unit.content.quality.as_ref(),
            link: &unit.link,
            buffer_s: self.options.buffer_s,
            thresholds: &self.thresholds,
            extra: self.extra,
        };
        let figures = Figures::of(&outcome.timeline, &setting);
        match optimum.filter(|_| outcome.starved_by.is_none()) {
            Some(optimum) => optimum.compare(figures),
            None => figures,
        }
    }

    /// The optimum of `ladder` over the unit's link, if the grid has an oracle. Sessions that start in
    /// the middle of the content have another optimum, which is not computed.
    pub fn optimum(&self, unit: &Unit<'_>, ladder: &Ladder) -> Option<Optimum> {
        let most = self.oracle_plans.filter(|_| self.options.start_s == 0.0)?;
        oracle::qoe_lin(ladder, &unit.link, self.options.buffer_s, most)
    }

    fn rows(&self, unit: &Unit<'_>) -> Result<Vec<Row>, GridError> {
        let in_layers = |player: &Player| matches!(player, Player::Layers);
        let layers = unit.content.layers.as_ref();
        let layers = layers.filter(|_| self.players.iter().any(in_layers));
        let of_layers = layers.and_then(|layers| self.optimum(unit, layers));
        let of_rungs = self.optimum(unit, &unit.content.ladder);
        let row = |player: &Player| {
            let outcome = self.session(unit, player)?;
            let optimum = if in_layers(player) {
                of_layers
            } else {
                of_rungs
            };
            let finished = outcome.starved_by.is_none();
            Ok(Row {
                title: unit.content.name.clone(),
                trace: unit.trace.name().to_owned(),
                rule: player.name().to_owned(),
                seed: unit.seed,
                multiplier: unit.conditions.multiplier,
                verdict: if finished { "finished" } else { "starved" },
                figures: self.figures(unit, &outcome, optimum),
            })
        };
        self.players.iter().map(row).collect()
    }

    fn other(
        &self,
        unit: &Unit<'_>,
        movie: &Movie,
        play: &PlayMovie,
    ) -> Result<Outcome, GridError> {
        let trace = unit.conditions.apply(unit.trace)?;
        let (multiplier, buffer_s) = (unit.conditions.multiplier, self.options.buffer_s);
        let played = play(movie, &trace, multiplier, buffer_s);
        let timeline = played.map_err(|source| GridError::Simulator {
            title: unit.content.name.clone(),
            trace: unit.trace.name().to_owned(),
            source,
        })?;
        Ok(Outcome {
            starved_by: timeline.is_none().then_some(0),
            timeline: timeline.unwrap_or_default(),
            log: None,
        })
    }
}

/// The multiplier that makes the trace's mean rate the geometric mean of the ladder's lowest and top
/// rates, so that every rung matters; `None` for a trace without bandwidth.
fn fit(trace: &Trace, ladder: &Ladder) -> Option<f64> {
    let rungs = ladder.rungs();
    let middle = (rungs[0].kbps * rungs[ladder.top()].kbps).sqrt();
    let factor = middle / trace.mean_kbps();
    factor.is_finite().then_some(factor)
}

/// `job` of the numbers from 0 to `count`, on `threads` threads; results in the order of the numbers.
fn in_order<T: Send>(threads: usize, count: usize, job: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let next = AtomicUsize::new(0);
    let work = || {
        let numbers = std::iter::repeat_with(|| next.fetch_add(1, Ordering::Relaxed));
        let numbers = numbers.take_while(|&number| number < count);
        numbers
            .map(|number| (number, job(number)))
            .collect::<Vec<_>>()
    };
    let mut done = thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(work)).collect();
        let mut done = work();
        for other in others {
            done.extend(other.join().unwrap_or_else(|panic| resume_unwind(panic)));
        }
        done
    });
    done.sort_by_key(|(number, _)| *number);
    done.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::trace::tests::trace;
    use crate::player::ladder::tests::constant_rate;

    #[test]
    fn a_fitted_trace_has_the_middle_of_the_ladder_as_its_mean() {
        let ladder = constant_rate(&[20.0, 50.0, 80.0], 3, 2.0);
        let live = trace(&[(1.0, 100.0, 0.0), (1.0, 300.0, 0.0)]);
        assert_eq!(fit(&live, &ladder), Some(0.2));
        assert_eq!(fit(&trace(&[(1.0, 0.0, 0.0)]), &ladder), None);
    }
}
