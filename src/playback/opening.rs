//! How a title is opened: connection, layers, utility.

use super::cmcd::{Cmcd, CmcdMode};
use super::error::FetchError;
use super::http::Client;
use super::patience::Patience;
use crate::network::link::Link;
use crate::player::utility::Utility;
use std::path::PathBuf;

/// Settings of [`Playback::open`](super::Playback::open).
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Opening {
    /// Time-outs and retries.
    pub patience: Patience,
    /// PEM file of certificate authorities to trust besides the system's.
    pub authorities: Option<PathBuf>,
    /// How requests carry CMCD (CTA-5004).
    pub cmcd: CmcdMode,
    /// Network to slow the connection down to, from the manifest on.
    pub throttle: Option<Link>,
    /// Whether rungs are fetched in layers.
    pub layers: Layers,
    /// The measure of quality that ABR rules maximise.
    pub utility: Utility,
}

/// Whether rungs are fetched in layers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[cfg_attr(feature = "cli", derive(clap::ValueEnum))]
pub enum Layers {
    /// If the manifest names layers.
    #[default]
    Auto,
    /// Yes; an error if the manifest names none.
    On,
    /// No: whole rungs.
    Off,
}

impl Opening {
    pub(super) fn client(&self) -> Result<Client, FetchError> {
        let client = match &self.authorities {
            Some(file) => Client::with_authorities(self.patience, file)?,
            None => Client::new(self.patience)?,
        };
        let client = client.with_cmcd(Cmcd::new(self.cmcd));
        Ok(match &self.throttle {
            Some(link) => client.throttled(link.clone()),
            None => client,
        })
    }
}
