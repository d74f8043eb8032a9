//! Sabre as a player of a grid.

use super::options::Options;
use super::{figures, session};
use crate::compat::CompatError;
use crate::network::trace::Trace;
use crate::simulate::grid::Simulator;
use crate::simulate::movie::Movie;
use crate::simulate::qoe::Timeline;
use std::error::Error;
use std::str::FromStr;

/// Sabre with some options.
#[derive(Debug, Clone, PartialEq)]
pub struct Sabre {
    name: String,
    options: Options,
}

impl FromStr for Sabre {
    type Err = CompatError;

    /// Reads a rule, with `+` in front of each further option: `bola+ao`.
    fn from_str(rule: &str) -> Result<Self, CompatError> {
        Ok(Self {
            name: format!("sabre:{rule}"),
            options: format!("-a {}", rule.replace('+', " -")).parse()?,
        })
    }
}

impl Simulator for Sabre {
    fn name(&self) -> &str {
        &self.name
    }

    fn play(
        &self,
        movie: &Movie,
        trace: &Trace,
        multiplier: f64,
        buffer_s: f64,
    ) -> Result<Option<Timeline>, Box<dyn Error + Send + Sync>> {
        let options = Options {
            multiplier: self.options.multiplier * multiplier,
            buffer_s,
            ..self.options.clone()
        };
        match session::run(trace, movie, &options) {
            Ok(session) => Ok(Some(figures::timeline(session.decisions.rows(), movie))),
            Err(CompatError::Starved { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}
