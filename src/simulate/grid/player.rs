//! What decides in a session.

use crate::network::trace::Trace;
use crate::player::abr::{Abr, Rule};
use crate::player::ladder::Ladder;
use crate::player::session::Options;
use crate::simulate::movie::Movie;
use crate::simulate::qoe::Timeline;
use std::error::Error;
use std::fmt;
use std::sync::Arc;

/// What decides in a session.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Player {
    /// The player core with one of its rules.
    Own(Abr),
    /// The player core with a rule of the caller's, see [`Player::rule`].
    Rule(OwnRule),
    /// The player core on content in layers, which has a rule of its own.
    Layers,
    /// Another simulator, which plays movie files only.
    Other(Arc<dyn Simulator>),
}

/// Builds a rule for a ladder and the session's options.
type BuildRule = dyn Fn(&Ladder, &Options) -> Box<dyn Rule> + Send + Sync;

/// A rule of the caller's: its name and how it is built.
#[derive(Clone)]
pub struct OwnRule {
    name: String,
    build: Arc<BuildRule>,
}

/// A simulator that plays sessions without the player core.
pub trait Simulator: fmt::Debug + Send + Sync {
    /// The name in reports.
    fn name(&self) -> &str;

    /// Plays `movie` over `trace`, rates times `multiplier`, with a buffer target of `buffer_s`
    /// seconds. `None` if the trace never delivers the whole movie.
    ///
    /// # Errors
    /// The simulator's own, for sessions that it cannot play.
    fn play(
        &self,
        movie: &Movie,
        trace: &Trace,
        multiplier: f64,
        buffer_s: f64,
    ) -> Result<Option<Timeline>, Box<dyn Error + Send + Sync>>;
}

impl Player {
    /// The player core with a rule of the caller's. `build` is called once per session; the options
    /// hold buffer target and seed.
    pub fn rule(
        name: impl Into<String>,
        build: impl Fn(&Ladder, &Options) -> Box<dyn Rule> + Send + Sync + 'static,
    ) -> Self {
        Self::Rule(OwnRule {
            name: name.into(),
            build: Arc::new(build),
        })
    }

    /// The name in reports.
    pub fn name(&self) -> &str {
        match self {
            Self::Own(abr) => abr.name(),
            Self::Rule(rule) => &rule.name,
            Self::Layers => "layers",
            Self::Other(simulator) => simulator.name(),
        }
    }
}

impl OwnRule {
    /// A rule with an empty memory.
    pub(super) fn build(&self, ladder: &Ladder, options: &Options) -> Box<dyn Rule> {
        (self.build)(ladder, options)
    }
}

impl fmt::Debug for OwnRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("OwnRule").field(&self.name).finish()
    }
}
