//! The generator for a title: one that is installed, else, if the user wants that, one whose weights
//! the title's server has.

use super::CliError;
use crate::model::installed::{self, Decoding};
use crate::model::{Generator, device};
use crate::playback::{Client, Title};

/// A generator, and what it was found for.
pub(super) struct Found {
    /// Number of the group that it renders.
    pub(super) group: usize,
    pub(super) generator: Generator,
    /// Bytes of weights that were fetched for it.
    pub(super) weights_bytes: u64,
}

/// The first group of `title` whose generator is installed, and that generator. Where there is none
/// and `consent` is given, weights that the manifest has an address of are fetched, and kept.
pub(super) async fn find(
    client: &Client,
    title: &Title,
    decoding: Decoding,
    consent: bool,
) -> Result<Found, CliError> {
    let lacking = match installed(title, decoding) {
        Ok((group, generator)) => {
            return Ok(Found {
                group,
                generator,
                weights_bytes: 0,
            });
        }
        Err(lacking) => lacking,
    };
    if !consent {
        return Err(refused(title, &lacking, true));
    }
    let weights_bytes = fetch(client, title).await?;
    match installed(title, decoding) {
        Ok((group, generator)) => Ok(Found {
            group,
            generator,
            weights_bytes,
        }),
        Err(lacking) => Err(refused(title, &lacking, false)),
    }
}

/// Fetches the first weights that the manifest has an address of; returns their bytes, 0 if there
/// are none.
async fn fetch(client: &Client, title: &Title) -> Result<u64, CliError> {
    for (index, group) in title.presentation().groups.iter().enumerate() {
        let hash = parse_hash(&group.weights).unwrap_or_default();
        let (Some(url), false) = (title.weights_url(index)?, hash == [0; 32]) else {
            continue;
        };
        let place = installed::kept(hash).ok_or_else(|| {
            CliError::input("--fetch-weights: set XDG_CACHE_HOME or HOME to say where to keep them")
        })?;
        eprintln!("fetching weights of profile `{}` from {url}", group.profile);
        let bytes = client.fetch_weights(&url, &group.weights, &place).await?;
        eprintln!("{bytes} bytes of weights, kept at {}", place.display());
        return Ok(bytes);
    }
    Ok(0)
}

/// The first group whose generator is here, and that generator; else what each group lacks.
fn installed(title: &Title, decoding: Decoding) -> Result<(usize, Generator), Vec<String>> {
    let mut lacking = Vec::new();
    for (index, group) in title.presentation().groups.iter().enumerate() {
        let wanted = parse_hash(&group.weights).unwrap_or_default();
        match installed::generator_for(&group.profile, wanted, decoding, &device::best()) {
            Ok(generator) if fits(&group.weights, &generator) => return Ok((index, generator)),
            Ok(generator) => lacking.push(format!(
                "profile `{}` was fitted with the weights of SHA-256 {}, installed are {}",
                group.profile,
                group.weights,
                hex(&generator.weights_hash())
            )),
            Err(error) => lacking.push(error.to_string()),
        }
    }
    Err(lacking)
}

/// Why there are no pictures, and what would help.
fn refused(title: &Title, lacking: &[String], may_fetch: bool) -> CliError {
    let groups = 0..title.presentation().groups.len();
    let mut addresses = groups.filter_map(|group| title.weights_url(group).ok().flatten());
    let fetch = match addresses.next().filter(|_| may_fetch) {
        Some(url) => format!("--fetch-weights fetches them from {url}; "),
        None => String::new(),
    };
    CliError::input(format!(
        "{}: cannot be rendered here: {} ({fetch}--no-render plays without frames)",
        title.url(),
        lacking.join("; ")
    ))
}

/// Whether the weights are those that the manifest names; all zeros mean that it does not know.
fn fits(weights: &str, generator: &Generator) -> bool {
    weights.bytes().all(|digit| digit == b'0') || weights == hex(&generator.weights_hash())
}

/// 64 hexadecimal digits.
fn parse_hash(text: &str) -> Option<[u8; 32]> {
    let mut hash = [0; 32];
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    for (byte, at) in hash.iter_mut().zip((0..64).step_by(2)) {
        *byte = u8::from_str_radix(&text[at..at + 2], 16).ok()?;
    }
    Some(hash)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
