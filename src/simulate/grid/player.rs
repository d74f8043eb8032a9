//! The decision maker of a session.

use crate::network::trace::Trace;
use crate::player::abr::{Abr, Rule};
use crate::player::ladder::Ladder;
use crate::player::session::Options;
use crate::simulate::movie::Movie;
use crate::simulate::qoe::Timeline;
use std::error::Error;
use std::fmt;
use std::sync::Arc;

/// The decision maker of a session.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Player {
    /// The player core with one of its rules.
    Own(Abr),
    /// The player core with a rule of the caller's, see [`Player::rule`].
    Rule(Named<BuildRule>),
    /// The player core on content in layers, which has a rule of its own.
    Layers,
    /// Another simulator, which plays movie files only, see [`Player::other`].
    Other(Named<PlayMovie>),
}

/// A function with a name.
pub struct Named<F: ?Sized> {
    name: String,
    pub(super) function: Arc<F>,
}

impl<F: ?Sized> Clone for Named<F> {
    fn clone(&self) -> Self {
        let (name, function) = (self.name.clone(), Arc::clone(&self.function));
        Self { name, function }
    }
}

/// Builds a rule for a ladder and the session's options.
pub type BuildRule = dyn Fn(&Ladder, &Options) -> Box<dyn Rule> + Send + Sync;

/// Plays a movie over a trace, rates times a multiplier, with a buffer target in seconds. `None` if the
/// trace never delivers the whole movie.
pub type PlayMovie = dyn Fn(&Movie, &Trace, f64, f64) -> Result<Option<Timeline>, Box<dyn Error + Send + Sync>>
    + Send
    + Sync;

impl Player {
    /// The player core with a rule of the caller's. `build` is called once per session; the options
    /// hold buffer target and seed.
    pub fn rule(
        name: impl Into<String>,
        build: impl Fn(&Ladder, &Options) -> Box<dyn Rule> + Send + Sync + 'static,
    ) -> Self {
        let (name, function) = (name.into(), Arc::new(build));
        Self::Rule(Named { name, function })
    }

    /// A simulator without the player core.
    pub fn other(name: impl Into<String>, play: Arc<PlayMovie>) -> Self {
        let (name, function) = (name.into(), play);
        Self::Other(Named { name, function })
    }

    /// The name in reports.
    pub fn name(&self) -> &str {
        match self {
            Self::Own(abr) => abr.name(),
            Self::Rule(Named { name, .. }) | Self::Other(Named { name, .. }) => name,
            Self::Layers => "layers",
        }
    }
}

impl<F: ?Sized> fmt::Debug for Named<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}
