//! `source.json`: how the pictures of a title were made from its source, so that the source can be
//! brought to the same pictures again, to be compared with. Players do not need this file; it names
//! no file and no place of the maker's.

use serde::{Deserialize, Serialize};

/// The whole file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceRecord {
    /// Version of this layout; 1.
    pub version: u32,
    /// Width of the source's upright pictures in pixels.
    pub width: u32,
    /// Their height in pixels.
    pub height: u32,
    /// Width to height of one of their pixels.
    pub pixel_aspect: (u32, u32),
    /// Rate of the source, `N` or `N/D` frames a second.
    pub frame_rate: String,
    /// How they became the title's pictures: `native`, `pad`, `crop` or `squeeze`.
    pub scale: String,
    /// The size that was asked for or chosen, where it is not the source's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<(u32, u32)>,
    /// Pixels along a side of the coded grid's cells.
    pub cell: u32,
    /// Colour behind transparent pixels, as `#rrggbb`.
    pub background: String,
    /// Whether a damaged source was read as far as it could be.
    #[serde(default)]
    pub allow_damaged: bool,
}

impl SourceRecord {
    /// Version of the layout that is written and read.
    pub const VERSION: u32 = 1;
}
