//! Sabre's rules, one file each, behind the trait of `rule`.

mod bola;
mod bola_e;
mod dynamic;
mod throughput;

use super::options::{Abr, Options};
use super::rule::Rule;
use crate::compat::CompatError;
use crate::simulate::movie::Movie;

/// The rule that `options` names.
pub(super) fn rule(options: &Options, movie: &Movie) -> Result<Box<dyn Rule>, CompatError> {
    Ok(match options.abr {
        Abr::Throughput => Box::new(throughput::Throughput::new(options)),
        Abr::Bola => Box::new(bola::Bola::new(options, movie)?),
        Abr::BolaE => Box::new(bola_e::BolaE::new(options, movie)?),
        Abr::Dynamic => Box::new(dynamic::Dynamic::new(options, movie)?),
        Abr::DynamicDash => Box::new(dynamic::DynamicDash::new(options, movie)?),
    })
}
