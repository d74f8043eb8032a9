//! The generator for a title: an installed one, or one whose weights the title's server offers.

use super::error::PlaybackError;
use crate::manifest::Group;
use crate::model::installed::{self, Decoding};
use crate::model::{Generator, device};
use crate::playback::http::Client;
use crate::playback::title::Title;
use crate::segment::{hex, parse_sha256};
use std::path::Path;

/// Choice of the generator.
#[derive(Debug, Clone, Copy, Default)]
#[non_exhaustive]
pub struct GeneratorOptions {
    /// Which network turns latents into pictures.
    pub decoding: Decoding,
    /// Whether weights that are not installed are fetched from the title's server and kept in the
    /// user's cache folder. Their SHA-256 is compared with the manifest's: that shows integrity, not
    /// origin.
    pub fetch_weights: bool,
    /// Called when a fetch of weights begins and ends.
    pub on_weights: Option<fn(WeightsFetch<'_>)>,
}

/// Progress of a fetch of weights.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum WeightsFetch<'a> {
    /// The weights of this profile are being fetched.
    Begun {
        /// Name of the profile.
        profile: &'a str,
        /// URL of the weights.
        url: &'a str,
    },
    /// They are complete.
    Kept {
        /// Length in bytes.
        bytes: u64,
        /// The file.
        path: &'a Path,
    },
}

pub(super) struct Found {
    pub(super) group: usize,
    pub(super) generator: Generator,
    pub(super) weights_bytes: u64,
}

/// The first group of `title` whose generator is installed, and that generator; failing that, fetches
/// weights if the options allow it.
pub(super) async fn find(
    client: &Client,
    title: &Title,
    options: GeneratorOptions,
) -> Result<Found, PlaybackError> {
    let refused = |reasons, weights_url| PlaybackError::NoGenerator {
        url: title.url().to_owned(),
        reasons,
        weights_url,
    };
    let reasons = match load(title, options.decoding).await {
        Ok(found) => return Ok(found),
        Err(reasons) => reasons,
    };
    if !options.fetch_weights {
        let mut groups = 0..title.presentation().groups.len();
        let offered = groups.find_map(|group| title.weights_url(group).ok().flatten());
        return Err(refused(reasons, offered));
    }
    let weights_bytes = fetch(client, title, options.on_weights).await?;
    let loaded = load(title, options.decoding).await;
    let mut found = loaded.map_err(|reasons| refused(reasons, None))?;
    found.weights_bytes = weights_bytes;
    Ok(found)
}

/// Fetches the first weights that the manifest names a URL of; returns their bytes, 0 if there are none.
async fn fetch(
    client: &Client,
    title: &Title,
    report: Option<fn(WeightsFetch<'_>)>,
) -> Result<u64, PlaybackError> {
    for (index, group) in title.presentation().groups.iter().enumerate() {
        let hash = parse_sha256(&group.weights).filter(|hash| *hash != [0; 32]);
        let (Some(hash), Some(url)) = (hash, title.weights_url(index)?) else {
            continue;
        };
        let path = &installed::kept(hash).ok_or(PlaybackError::NoCacheFolder)?;
        let (url, profile) = (url.as_str(), group.profile.as_str());
        let report = |event| report.into_iter().for_each(|report| report(event));
        report(WeightsFetch::Begun { profile, url });
        let bytes = client.fetch_weights(url, &group.weights, path).await?;
        report(WeightsFetch::Kept { bytes, path });
        return Ok(bytes);
    }
    Ok(0)
}

/// The first group with an installed generator, or the reason for each group. Weights are read on a
/// blocking thread.
async fn load(title: &Title, decoding: Decoding) -> Result<Found, Vec<String>> {
    let groups = title.presentation().groups.clone();
    let load = move || {
        let mut reasons = Vec::new();
        for (number, group) in groups.iter().enumerate() {
            match generator(group, decoding) {
                Ok(generator) => return Ok((number, generator)),
                Err(reason) => reasons.push(reason),
            }
        }
        Err(reasons)
    };
    let loaded = tokio::task::spawn_blocking(load).await;
    let (group, generator) = loaded.unwrap_or_else(|error| Err(vec![error.to_string()]))?;
    Ok(Found {
        group,
        generator,
        weights_bytes: 0,
    })
}

/// The installed generator for `group`, or the reason why there is none.
fn generator(group: &Group, decoding: Decoding) -> Result<Generator, String> {
    let (profile, weights) = (&group.profile, &group.weights);
    let Some(hash) = parse_sha256(weights) else {
        return Err(format!("profile `{profile}`: `{weights}` is not a SHA-256"));
    };
    let found = installed::generator_for(profile, hash, decoding, &device::best());
    let generator = found.map_err(|error| error.to_string())?;
    let installed = generator.weights_hash();
    // Zeros: the title does not state its weights.
    if hash == [0; 32] || hash == installed {
        return Ok(generator);
    }
    let installed = hex(&installed);
    Err(format!(
        "profile `{profile}` was fitted with the weights of SHA-256 {weights}, installed are {installed}"
    ))
}
