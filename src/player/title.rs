//! A manifest as a player reads it: HLS or DASH, its groups, and the index of one of them to fill.
//!
//! Knows no I/O: the caller fetches the manifest and then what [`Index::lacks_to_begin`] names, until
//! nothing is left; then the session's ladder is [`Index::first_ladder`]. So a session starts from the
//! manifest, the segment index of the lowest rung and that rung's init segment; the rest of a short title
//! is fetched at once, so that the first decisions know real sizes, that of a long one during playback.

use super::index::{Index, IndexError, Places, Playlist, text_of};
use crate::manifest::hls::Master;
use crate::manifest::{Presentation, dash};

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

/// The content of a manifest. Rungs whose segments are listed elsewhere (HLS, and an MPD with byte
/// ranges) have no segments yet.
#[derive(Debug, Clone)]
pub struct Contents {
    /// What the manifest says.
    pub presentation: Presentation,
    /// Media playlists by group and ascending rank; none with an MPD.
    playlists: Vec<Playlist>,
    /// The base URLs of an MPD.
    places: Option<Places>,
}

impl Contents {
    /// Reads the manifest that came from `url`, after redirects. The text tells HLS from DASH.
    pub fn read(url: &str, bytes: &[u8]) -> Result<Self, IndexError> {
        let text = text_of(bytes)?;
        let start = text.trim_start_matches('\u{feff}').trim_start();
        let (mut playlists, mut places) = (Vec::new(), None);
        let presentation = if start.starts_with("#EXTM3U") {
            let master = Master::read(url, &text)?;
            playlists = Playlist::all(&master);
            master.finish()?
        } else if start.starts_with('<') {
            let (presentation, count) = dash::read_place(url, &text, 0)?;
            places = Some(Places::new(url, &text, count));
            presentation
        } else {
            return Err(IndexError::NoManifest);
        };
        Ok(Self {
            presentation,
            playlists,
            places,
        })
    }

    /// The index of group number `group`, to be filled. In layers it has the lowest rung and the layers
    /// above it. Fails if the manifest lacks the group, or layers that are required; HLS cannot express them.
    pub fn index(&self, group: usize, layers: Layers) -> Result<Index, IndexError> {
        let groups = &self.presentation.groups;
        let Some(chosen) = groups.get(group) else {
            let groups = groups.len();
            return Err(IndexError::NoGroup { group, groups });
        };
        let has_layers = !chosen.layers.is_empty();
        let layered = layers == Layers::On || layers == Layers::Auto && has_layers;
        if layered && !has_layers {
            return Err(IndexError::NoLayers);
        }
        let before = groups[..group].iter().map(|g| g.representations.len());
        let playlists = self.playlists.get(before.sum()..).unwrap_or_default();
        let index = Index::new(&self.presentation, group, layered, playlists);
        Ok(index.at(self.places.clone()))
    }
}
