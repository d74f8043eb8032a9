//! Many sessions at once: titles × traces × seeds × rules, on all cores.
//!
//! Rows come in that order however many cores there are. Seed 0 plays a trace from its beginning;
//! every other seed begins at a place of its own and is the rules' seed, too.

mod page;
mod sample;
mod sessions;
mod titles;

pub use page::page;
pub use sample::{Figure, Sample, figures};

use super::compat::{CompatError, sabre};
use super::driver;
use super::movie::Movie;
use super::oracle::{self, Optimum};
use super::qoe::{Figures, Setting, Timeline};
use super::subject::Subject;
use crate::network::conditions::Conditions;
use crate::network::link::Link;
use crate::network::trace::{Trace, TraceError};
use crate::player::abr::Abr;
use crate::player::ladder::Ladder;
use crate::player::random::Random;
use crate::player::session::{Options, Session};
use crate::simulate::fit::{self, FitTo};
use serde::Serialize;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

/// Who decides in a session.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Player {
    /// The player core with one of its rules.
    Own(Abr),
    /// The player core on titles in layers, whose rule is [`crate::player::layers`].
    Layers,
    /// Sabre reproduced, by the name that reports give it; plays movies only.
    Sabre(String, Box<sabre::options::Options>),
}

/// What is to be played.
#[derive(Debug, Clone)]
pub struct Grid {
    /// Titles.
    pub subjects: Vec<Subject>,
    /// Networks.
    pub traces: Vec<Trace>,
    /// Rules.
    pub players: Vec<Player>,
    /// Seeds from 0 up.
    pub seeds: u64,
    /// What is done to the networks.
    pub conditions: Conditions,
    /// Each trace is multiplied to fit a title instead of by the conditions' multiplier.
    pub fit_to: Option<FitTo>,
    /// The sessions' options; rule and seed are the grid's.
    pub options: Options,
    /// Shares of LPIPS are counted over these.
    pub thresholds: Vec<f64>,
    /// Plans of the oracle that go on from a segment; no oracle without.
    pub oracle_plans: Option<usize>,
    /// Threads, at least 1.
    pub threads: usize,
}

/// One session's outcome.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Row {
    /// The title.
    pub title: String,
    /// The trace.
    pub trace: String,
    /// The rule.
    pub rule: String,
    /// The seed.
    pub seed: u64,
    /// What the trace was multiplied by.
    pub multiplier: f64,
    /// `finished`, or `starved` where the trace never delivers it all.
    pub verdict: &'static str,
    /// The figures; those of a starved session are of what was played.
    #[serde(flatten)]
    pub figures: Figures,
}

/// A grid that cannot be played.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GridError {
    /// A network that conditions make impossible.
    #[error(transparent)]
    Trace(#[from] TraceError),
    /// A reproduced session that cannot be.
    #[error("{title} over {trace}: {source}")]
    Compat {
        /// The title.
        title: String,
        /// The trace.
        trace: String,
        /// Why not.
        #[source]
        source: CompatError,
    },
    /// The rule for layers and a title that has none.
    #[error("{title}: no layers are known of it, which the rule `layers` plays")]
    NoLayers {
        /// The title.
        title: String,
    },
    /// Sabre's rules and a title that is no movie.
    #[error("{title}: Sabre plays movies only, and this is none")]
    NoMovie {
        /// The title.
        title: String,
    },
}

/// What all rules of one title, trace and seed share.
pub(super) struct Unit<'a> {
    pub(super) subject: &'a Subject,
    pub(super) trace: &'a Trace,
    pub(super) seed: u64,
    pub(super) conditions: Conditions,
    pub(super) link: Link,
}

impl Player {
    /// The name that reports give it.
    pub fn name(&self) -> &str {
        match self {
            Self::Own(abr) => abr.name(),
            Self::Layers => "layers",
            Self::Sabre(name, _) => name,
        }
    }
}

/// A unit's number and the rows that it gave.
type Played = (usize, Result<Vec<Row>, GridError>);

impl Grid {
    /// Sessions in all.
    pub fn sessions(&self) -> usize {
        self.units() * self.players.len()
    }

    fn units(&self) -> usize {
        self.subjects.len() * self.traces.len() * self.seeds as usize
    }

    /// Plays everything; `progress` hears of every so many sessions done.
    pub fn run(&self, progress: &(dyn Fn(usize) + Sync)) -> Result<Vec<Row>, GridError> {
        let next = AtomicUsize::new(0);
        let done: Mutex<Vec<Played>> = Mutex::new(Vec::new());
        let work = || {
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= self.units() {
                    break;
                }
                let rows = self.unit(number).and_then(|unit| self.play(&unit));
                progress(self.players.len());
                let mut done = done.lock().unwrap_or_else(PoisonError::into_inner);
                done.push((number, rows));
            }
        };
        thread::scope(|scope| {
            for _ in 1..self.threads {
                scope.spawn(work);
            }
            work();
        });
        let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
        done.sort_by_key(|(number, _)| *number);
        let mut all = Vec::with_capacity(self.sessions());
        for (_, rows) in done {
            all.extend(rows?);
        }
        Ok(all)
    }

    /// Title, trace and seed number `number`, the seed running fastest.
    pub(super) fn unit(&self, number: usize) -> Result<Unit<'_>, GridError> {
        let seeds = self.seeds as usize;
        let (seed, number) = ((number % seeds) as u64, number / seeds);
        let subject = &self.subjects[number / self.traces.len()];
        let trace = &self.traces[number % self.traces.len()];
        let mut conditions = self.conditions;
        if let Some(fit_to) = self.fit_to {
            let model = match fit_to {
                FitTo::Each => subject,
                FitTo::One(number) => &self.subjects[number],
            };
            conditions.multiplier = fit::fit(trace, &model.ladder).unwrap_or(1.0);
        }
        if seed > 0 {
            conditions.offset_s += Random::new(seed).between(0.0, trace.duration_s());
        }
        Ok(Unit {
            subject,
            trace,
            seed,
            conditions,
            link: Link::under(trace, &conditions)?,
        })
    }

    /// The oracle's, if it is asked; from the middle of a title on there would be another.
    fn optimum(&self, unit: &Unit<'_>, ladder: &Ladder) -> Option<Optimum> {
        let most = self.oracle_plans.filter(|_| self.options.start_s == 0.0)?;
        oracle::qoe_lin(ladder, &unit.link, self.options.buffer_s, most)
    }

    fn play(&self, unit: &Unit<'_>) -> Result<Vec<Row>, GridError> {
        let in_layers = self.players.contains(&Player::Layers);
        let layers = unit.subject.layers.as_ref().filter(|_| in_layers);
        let of_layers = layers.and_then(|layers| self.optimum(unit, layers));
        let of_rungs = self.optimum(unit, &unit.subject.ladder);
        let mut rows = Vec::with_capacity(self.players.len());
        for player in &self.players {
            let (timeline, finished) = self.session(unit, player)?;
            let figures = Figures::of(&timeline, &self.setting(unit));
            let best = match player {
                Player::Layers => of_layers,
                _ => of_rungs,
            };
            let figures = match best {
                Some(best) if finished => figures.beside_oracle(best),
                _ => figures,
            };
            rows.push(Row {
                title: unit.subject.name.clone(),
                trace: unit.trace.name().to_owned(),
                rule: player.name().to_owned(),
                seed: unit.seed,
                multiplier: unit.conditions.multiplier,
                verdict: if finished { "finished" } else { "starved" },
                figures,
            });
        }
        Ok(rows)
    }

    fn setting<'a>(&'a self, unit: &'a Unit<'_>) -> Setting<'a> {
        Setting {
            ladder: &unit.subject.ladder,
            quality: unit.subject.quality.as_ref(),
            link: &unit.link,
            buffer_s: self.options.buffer_s,
            thresholds: &self.thresholds,
        }
    }

    /// One session, and whether it came to its end.
    pub(super) fn session(
        &self,
        unit: &Unit<'_>,
        player: &Player,
    ) -> Result<(Timeline, bool), GridError> {
        match player {
            Player::Own(abr) => Ok(self.own(unit, &unit.subject.ladder, *abr)),
            Player::Layers => {
                let layers = unit.subject.layers.as_ref();
                let layers = layers.ok_or_else(|| GridError::NoLayers {
                    title: unit.subject.name.clone(),
                })?;
                Ok(self.own(unit, layers, self.options.abr))
            }
            Player::Sabre(_, options) => {
                let title = || unit.subject.name.clone();
                let movie = unit.subject.movie.as_deref();
                let movie = movie.ok_or_else(|| GridError::NoMovie { title: title() })?;
                self.reproduced(unit, movie, options)
                    .map_err(|source| GridError::Compat {
                        title: title(),
                        trace: unit.trace.name().to_owned(),
                        source,
                    })
            }
        }
    }

    fn own(&self, unit: &Unit<'_>, ladder: &Arc<Ladder>, abr: Abr) -> (Timeline, bool) {
        let options = Options {
            abr,
            seed: unit.seed,
            ..self.options
        };
        let run = driver::run(Session::new(Arc::clone(ladder), &options), &unit.link);
        let timeline = Timeline::of_log(&run.log, ladder, options.start_s);
        (timeline, run.starved_by.is_none())
    }

    fn reproduced(
        &self,
        unit: &Unit<'_>,
        movie: &Movie,
        options: &sabre::options::Options,
    ) -> Result<(Timeline, bool), CompatError> {
        let options = sabre::options::Options {
            multiplier: options.multiplier * unit.conditions.multiplier,
            buffer_s: self.options.buffer_s,
            ..options.clone()
        };
        let trace = unit.conditions.apply(unit.trace);
        let trace = trace.unwrap_or_else(|_| unit.trace.clone());
        match sabre::run(&trace, movie, &options) {
            Ok(session) => Ok((Timeline::of_sabre(&session.decisions, movie), true)),
            Err(CompatError::Starved { .. }) => Ok((Timeline::default(), false)),
            Err(error) => Err(error),
        }
    }
}
