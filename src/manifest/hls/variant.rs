//! One `EXT-X-STREAM-INF` of our codec: its attributes as a rung and its group.

use super::{WEIGHTS, WEIGHTS_URL, syntax};
use crate::manifest::addressing::{profile_of, rank_of_id};
use crate::manifest::clock::rate_from_decimal;
use crate::manifest::error::Source;
use crate::manifest::{Group, ManifestError, Representation};
use crate::time::FrameRate;
use m3u8_rs::{MasterPlaylist, QuotedOrUnquoted, SessionDataField, VariantStream};

/// A variant and its place.
pub(super) struct Variant<'a> {
    pub(super) source: Source<'a>,
    /// Its number among the variants, from 0.
    pub(super) index: usize,
    pub(super) stream: &'a VariantStream,
    pub(super) playlist: &'a MasterPlaylist,
}

impl<'a> Variant<'a> {
    /// If this is a variant of our codec: the index of its group, which is added to `groups` if it is new, the
    /// rung without segments, and the stream.
    pub(super) fn add_to(
        &self,
        groups: &mut Vec<Group>,
    ) -> Result<Option<(usize, Representation, &'a VariantStream)>, ManifestError> {
        let Some(profile) = self.stream.codecs.as_deref().and_then(profile_of) else {
            return Ok(None);
        };
        let known = groups.iter().position(|group| group.profile == profile);
        if known.is_none() {
            groups.push(self.group(profile)?);
        }
        let group = known.unwrap_or(groups.len() - 1);
        self.fit_in(&mut groups[group])?;
        Ok(Some((group, self.representation()?, self.stream)))
    }

    /// The rung, without segments.
    fn representation(&self) -> Result<Representation, ManifestError> {
        let stream = self.stream;
        let id = id(stream).unwrap_or_default();
        let rank = rank_of_id(id)
            .ok_or_else(|| self.invalid("STABLE-VARIANT-ID", "\"<profile>-r<rank>\""))?;
        let score = attribute(stream, "SCORE").unwrap_or("0").parse().ok();
        let score = score.filter(|score: &f64| score.is_finite() && *score >= 0.0);
        if stream.uri.is_empty() {
            return Err(self.invalid("EXT-X-STREAM-INF", "a URI on the line after it"));
        }
        Ok(Representation {
            id: id.to_owned(),
            rank,
            bandwidth: stream.bandwidth,
            average_bandwidth: stream.average_bandwidth.unwrap_or(stream.bandwidth),
            codecs: stream.codecs.clone().unwrap_or_default(),
            score: score.ok_or_else(|| self.invalid("SCORE", "a number from 0 up"))?,
            url: String::new(),
            init: None,
            index: None,
            segments: Vec::new(),
        })
    }

    /// A group without rungs that this variant fits in.
    fn group(&self, profile: &str) -> Result<Group, ManifestError> {
        let id = format!("{WEIGHTS}{profile}");
        let weights = session(self.playlist, &id).ok_or_else(|| {
            let expected = format!("DATA-ID=\"{id}\" with the SHA-256 of the weights");
            self.source.invalid(1, "EXT-X-SESSION-DATA", expected)
        })?;
        let (width, height) = self.size()?.unwrap_or_default();
        Ok(Group {
            profile: profile.to_owned(),
            frame_rate: self.rate()?,
            width,
            height,
            pixel_aspect: (1, 1),
            weights,
            weights_url: session(self.playlist, &format!("{WEIGHTS_URL}{profile}")),
            independent_segments: self.playlist.independent_segments,
            representations: Vec::new(),
            layers: Vec::new(),
        })
    }

    /// Refuses a size or a rate other than the group's, which gets the size where it has none yet.
    fn fit_in(&self, group: &mut Group) -> Result<(), ManifestError> {
        let known = (group.width, group.height);
        match self.size()? {
            Some(size) if known == (0, 0) => (group.width, group.height) = size,
            Some(size) if size != known => {
                return Err(self.invalid("RESOLUTION", "that of the profile's first variant"));
            }
            _ => {}
        }
        if self.rate()? != group.frame_rate {
            return Err(self.invalid("FRAME-RATE", "that of the profile's first variant"));
        }
        Ok(())
    }

    /// The size, which may be left out (RFC 8216 §4.3.4.2).
    fn size(&self) -> Result<Option<(u32, u32)>, ManifestError> {
        let Some(resolution) = self.stream.resolution else {
            return Ok(None);
        };
        let sides = (resolution.width.try_into(), resolution.height.try_into());
        match sides {
            (Ok(width @ 1..), Ok(height @ 1..)) => Ok(Some((width, height))),
            _ => Err(self.invalid("RESOLUTION", "WIDTHxHEIGHT in pixels")),
        }
    }

    fn rate(&self) -> Result<FrameRate, ManifestError> {
        let rate = self.stream.frame_rate.and_then(rate_from_decimal);
        rate.ok_or_else(|| self.invalid("FRAME-RATE", "1 to 1000 frames a second"))
    }

    fn invalid(&self, attribute: &str, expected: &str) -> ManifestError {
        let line = syntax::uri_line(&self.source, self.index);
        let place = format!("{attribute} of variant `{}`", self.stream.uri);
        self.source.invalid(line, place, expected)
    }
}

/// The id that a variant or I-frame variant carries.
pub(super) fn id(stream: &VariantStream) -> Option<&str> {
    attribute(stream, "STABLE-VARIANT-ID")
}

/// The value or URI of an `EXT-X-SESSION-DATA`.
pub(super) fn session(playlist: &MasterPlaylist, id: &str) -> Option<String> {
    let mut data = playlist.session_data.iter();
    let (SessionDataField::Value(text) | SessionDataField::Uri(text)) =
        &data.find(|data| data.data_id == id)?.field;
    Some(text.clone())
}

fn attribute<'a>(stream: &'a VariantStream, name: &str) -> Option<&'a str> {
    let attributes = stream.other_attributes.as_ref()?;
    attributes.get(name).map(QuotedOrUnquoted::as_str)
}
