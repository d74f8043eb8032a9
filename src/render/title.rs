//! A title's segments to frames, from whichever rung each of them comes.

use super::{Deliver, Picture, RenderError, SegmentRenderer};
use crate::model::Generator;
use crate::segment::Track;
use crate::segment::init::read_init;
use crate::segment::media::read_media;
use std::sync::Arc;

/// One renderer per rung over one generator.
#[derive(Debug)]
pub struct TitleRenderer {
    rungs: Vec<SegmentRenderer>,
    picture: Picture,
}

impl TitleRenderer {
    /// A renderer for rungs whose init segments are `inits`, in the order in which segments will
    /// name them.
    ///
    /// Fails if an init segment is damaged, if the generator is not the one that they were fitted
    /// with, or if the rungs are not of one picture size and rate.
    pub fn new(generator: &Arc<Generator>, inits: &[Vec<u8>]) -> Result<Self, RenderError> {
        let mut rungs = Vec::with_capacity(inits.len());
        for init in inits {
            let track = read_init(init)?;
            rungs.push(SegmentRenderer::new(Arc::clone(generator), track)?);
        }
        let first = rungs
            .first()
            .ok_or(RenderError::NoRung { rung: 0, rungs: 0 })?;
        let picture = picture(first.track());
        match rungs
            .iter()
            .position(|rung| self::picture(rung.track()) != picture)
        {
            Some(rung) => Err(RenderError::MixedRungs { rung }),
            None => Ok(Self { rungs, picture }),
        }
    }

    /// What every frame is like.
    pub fn picture(&self) -> Picture {
        self.picture
    }

    /// The rungs' configurations.
    pub fn tracks(&self) -> impl Iterator<Item = &Track> {
        self.rungs.iter().map(SegmentRenderer::track)
    }

    /// Renders the media segment `bytes` of rung number `rung` and hands its frames over in order.
    ///
    /// Fails as [`SegmentRenderer::render`] does, and if there is no such rung.
    pub fn render(
        &mut self,
        rung: usize,
        bytes: &[u8],
        deliver: &mut Deliver<'_>,
    ) -> Result<(), RenderError> {
        let rungs = self.rungs.len();
        let renderer = self.rungs.get_mut(rung);
        let renderer = renderer.ok_or(RenderError::NoRung { rung, rungs })?;
        renderer.render(&read_media(bytes)?, deliver)
    }
}

fn picture(track: &Track) -> Picture {
    Picture {
        size: track.visible,
        frame_rate: track.frame_rate,
        pixel_aspect: track.pixel_aspect,
    }
}
