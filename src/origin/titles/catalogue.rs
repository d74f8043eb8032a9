//! Descriptions of the titles that can be played.

use crate::manifest::{Group, Presentation};
use crate::origin::percent::encode;
use serde::Serialize;

/// The titles of an origin, by name.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Catalogue {
    /// Titles that can be played.
    pub titles: Vec<Title>,
    /// Entries of the root that cannot be played or served.
    pub problems: Vec<Problem>,
}

/// A title and its URLs, which are percent-encoded and relative to the root of the origin.
#[derive(Debug, Clone, Serialize)]
pub struct Title {
    /// Name of its folder.
    pub name: String,
    /// Length in seconds.
    pub duration_s: f64,
    /// Its poster, if it has one.
    pub poster: Option<String>,
    /// HLS with byte ranges of one file a rung.
    pub hls: String,
    /// DASH with byte ranges of one file a rung.
    pub dash: String,
    /// HLS with a URL for every segment.
    pub hls_segments: String,
    /// DASH with a URL for every segment.
    pub dash_segments: String,
    /// Its rungs by profile.
    pub profiles: Vec<Profile>,
}

/// The rungs of a title for one generator.
#[derive(Debug, Clone, Serialize)]
pub struct Profile {
    /// Name of the generator profile.
    pub name: String,
    /// Visible width in pixels.
    pub width: u32,
    /// Visible height in pixels.
    pub height: u32,
    /// Frame rate as a fraction, such as `30000/1001`.
    pub frame_rate: String,
    /// SHA-256 of the generator's weights.
    pub weights: String,
    /// The rungs, by ascending rank.
    pub rungs: Vec<Rung>,
}

/// One rung.
#[derive(Debug, Clone, Serialize)]
pub struct Rung {
    /// Its id, such as `mini-r8`.
    pub id: String,
    /// Components of its prompts.
    pub rank: u32,
    /// True rate in kbit/s: every byte of init and media segments over the duration.
    pub kbps: f64,
    /// Peak rate in kbit/s.
    pub peak_kbps: f64,
}

/// An entry of the root that cannot be played or served.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// Its name, with unprintable characters replaced.
    pub name: String,
    /// What is wrong with it.
    pub error: String,
}

/// Describes a title from its manifests.
pub(super) fn title(name: &str, presentation: &Presentation, poster: bool) -> Title {
    let url = |path: &str| format!("{}/{path}", encode(name));
    Title {
        name: name.to_owned(),
        duration_s: presentation.duration.seconds(),
        poster: poster.then(|| url("poster.jpg")),
        hls: url("master.m3u8"),
        dash: url("manifest.mpd"),
        hls_segments: url("segments/master.m3u8"),
        dash_segments: url("segments/manifest.mpd"),
        profiles: presentation.groups.iter().map(profile).collect(),
    }
}

fn profile(group: &Group) -> Profile {
    let rungs = group.representations.iter().map(|rung| Rung {
        id: rung.id.clone(),
        rank: rung.rank,
        kbps: rung.average_bandwidth as f64 / 1000.0,
        peak_kbps: rung.bandwidth as f64 / 1000.0,
    });
    Profile {
        name: group.profile.clone(),
        width: group.width,
        height: group.height,
        frame_rate: group.frame_rate.to_string(),
        weights: group.weights.clone(),
        rungs: rungs.collect(),
    }
}
