//! The decision maker of a session.

use crate::network::trace::Trace;
use crate::player::abr::{Abr, Rule};
use crate::player::ladder::Ladder;
use crate::player::session::{Options, OwnRule};
use crate::simulate::movie::Movie;
use crate::simulate::qoe::Timeline;
use std::error::Error;
use std::fmt;
use std::sync::Arc;

/// The decision maker of a session.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Player {
    /// The player core with a rule of this crate.
    Abr(Abr),
    /// The player core with a rule of the caller's, see [`Player::rule`].
    Rule(OwnRule),
    /// The player core on content in layers, which has a rule of its own.
    Layers,
    /// Another simulator, which plays movie files only, see [`Player::other`].
    Other(Simulator),
}

/// A simulator without the player core, with a name for reports.
#[derive(Clone)]
pub struct Simulator {
    name: String,
    pub(super) play: Arc<PlayMovie>,
}

/// Plays a movie over a trace, rates times a multiplier, with a buffer target in seconds. `None` if the
/// trace never delivers the whole movie.
pub type PlayMovie = dyn Fn(&Movie, &Trace, f64, f64) -> Result<Option<Timeline>, Box<dyn Error + Send + Sync>>
    + Send
    + Sync;

impl Player {
    /// The player core with a rule of the caller's. `build` is called once per session; the options
    /// hold buffer target and seed.
    pub fn rule(
        name: impl Into<Arc<str>>,
        build: impl Fn(&Ladder, &Options) -> Box<dyn Rule> + Send + Sync + 'static,
    ) -> Self {
        Self::Rule(OwnRule::new(name, build))
    }

    /// A simulator without the player core.
    pub fn other(name: impl Into<String>, play: Arc<PlayMovie>) -> Self {
        let name = name.into();
        Self::Other(Simulator { name, play })
    }

    /// The name in reports.
    pub fn name(&self) -> &str {
        match self {
            Self::Abr(abr) => abr.name(),
            Self::Rule(rule) => rule.name(),
            Self::Other(simulator) => &simulator.name,
            Self::Layers => "layers",
        }
    }
}

impl fmt::Debug for Simulator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}
