//! `prmC`: the configuration of a prompt track, our own box; [`crate::segment::init`] has the
//! table of its bytes. Readers ignore bytes after the last field, so that fields can be added
//! without a new format version as long as old players may ignore them.

use super::{Reader, Writer};
use crate::prompt::{CodingId, CodingParameters, Interpolation, Quantiser, Shape};
use crate::segment::error::{FourCc, SegmentError};
use crate::segment::track::{MAX_PROFILE, StartLatent, Track};
use crate::time::FrameRate;

/// Type of the box.
pub(crate) const PRMC: FourCc = FourCc(*b"prmC");

/// The format version that is written, and the highest that is read: the FullBox version. Version
/// 1 had no checksum in its samples.
pub(crate) const FORMAT_VERSION: u8 = 2;

/// Writes the box. The track must pass [`Track::check`].
pub(crate) fn write_prmc(w: &mut Writer, track: &Track) {
    w.boxed(PRMC, |w| {
        w.version(FORMAT_VERSION, 0);
        w.u8(track.profile.len() as u8);
        w.bytes(track.profile.as_bytes());
        w.bytes(&track.weights);
        write_coding(w, track);
        w.u8(track.interpolation as u8);
        w.u8(track.start_latent as u8);
        w.u32(track.noise_seed);
        w.u32(track.noise_weight.to_bits());
        w.u32(track.frame_rate.num());
        w.u32(track.frame_rate.den());
        for side in [
            track.visible.0,
            track.visible.1,
            track.coded.0,
            track.coded.1,
        ] {
            w.u16(side as u16);
        }
    });
}

fn write_coding(w: &mut Writer, track: &Track) {
    let coding = &track.coding;
    w.u32(coding.shape.tokens as u32);
    w.u16(coding.shape.dim as u16);
    w.u16(coding.grid_width as u16);
    w.u8(track.first_component as u8);
    w.u8(coding.components as u8);
    w.u8(coding.full_rank as u8);
    w.u8(coding.coding as u8);
    w.u8(coding.quantiser.u_bits);
    w.u8(coding.quantiser.v_bits);
}

/// Reads the content of the box. The pixel aspect comes from the sample entry.
pub(crate) fn read_prmc(
    r: &mut Reader<'_>,
    pixel_aspect: (u32, u32),
) -> Result<Track, SegmentError> {
    let [found, ..] = r.array::<4>("format version and flags")?;
    if !(1..=FORMAT_VERSION).contains(&found) {
        return Err(SegmentError::Version {
            place: r.place(),
            found,
            known: FORMAT_VERSION,
        });
    }
    let profile = read_profile(r)?;
    let weights = r.array("weights hash")?;
    let (coding, first_component) = read_coding(r)?;
    let track = Track {
        profile,
        weights,
        coding,
        first_component,
        interpolation: read_mode(r, "interpolation mode", Interpolation::from_id)?,
        start_latent: read_mode(r, "start latent mode", StartLatent::from_id)?,
        noise_seed: r.u32("noise seed")?,
        noise_weight: f32::from_bits(r.u32("noise weight")?),
        frame_rate: read_frame_rate(r)?,
        visible: (
            r.u16("visible width")?.into(),
            r.u16("visible height")?.into(),
        ),
        coded: (r.u16("coded width")?.into(), r.u16("coded height")?.into()),
        pixel_aspect,
    };
    match track.problem() {
        None => Ok(track),
        Some(problem) => {
            let place = r.box_offset();
            Err(r.bad_at(place, problem.field, problem.found, problem.expected))
        }
    }
}

fn read_profile(r: &mut Reader<'_>) -> Result<String, SegmentError> {
    let offset = r.offset();
    let length = usize::from(r.u8("profile length")?);
    if length > MAX_PROFILE {
        return Err(r.bad_at(offset, "profile length", length, "at most 16"));
    }
    let bytes = r.take(length, "profile")?;
    Ok(bytes.escape_ascii().to_string())
}

fn read_coding(r: &mut Reader<'_>) -> Result<(CodingParameters, usize), SegmentError> {
    let shape = Shape {
        tokens: r.u32("tokens")? as usize,
        dim: r.u16("embedding width")?.into(),
    };
    let grid_width = r.u16("grid width")?.into();
    let first_component = r.u8("first component")?.into();
    let components = r.u8("component count")?.into();
    let full_rank = r.u8("full rank")?.into();
    let coding = read_mode(r, "coding id", |id| CodingId::try_from(id).ok())?;
    let quantiser = Quantiser {
        u_bits: r.u8("bits of U")?,
        v_bits: r.u8("bits of V")?,
    };
    let parameters = CodingParameters {
        coding,
        shape,
        grid_width,
        components,
        full_rank,
        quantiser,
    };
    Ok((parameters, first_component))
}

fn read_mode<T>(
    r: &mut Reader<'_>,
    field: &'static str,
    from_id: impl FnOnce(u8) -> Option<T>,
) -> Result<T, SegmentError> {
    let offset = r.offset();
    let id = r.u8(field)?;
    from_id(id).ok_or_else(|| r.bad_at(offset, field, id, "a mode that this build knows"))
}

fn read_frame_rate(r: &mut Reader<'_>) -> Result<FrameRate, SegmentError> {
    let offset = r.offset();
    let (num, den) = (r.u32("frame rate")?, r.u32("frame rate")?);
    FrameRate::new(num, den).map_err(|_| {
        let found = format!("{num}/{den}");
        r.bad_at(offset, "frame rate", found, "1 to 1000 frames a second")
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::segment::testing::track;

    fn boxed(track: &Track) -> Vec<u8> {
        let mut w = Writer::default();
        write_prmc(&mut w, track);
        w.finish()
    }

    fn read(bytes: &[u8]) -> Result<Track, SegmentError> {
        read_prmc(&mut Reader::new(bytes).child(PRMC)?, (1, 1))
    }

    #[test]
    fn round_trip() {
        let bytes = boxed(&track());
        assert_eq!(bytes.len(), 85 + "mini".len());
        assert_eq!(read(&bytes).unwrap(), track());
        for cut in 0..bytes.len() {
            assert!(read(&bytes[..cut]).is_err(), "cut at {cut}");
        }
    }

    #[test]
    fn an_unknown_format_version_is_named() {
        let mut bytes = boxed(&track());
        bytes[8] = 3;
        assert_eq!(
            read(&bytes).unwrap_err().to_string(),
            "prmC at byte 0: format version 3: this build reads versions 1 to 2"
        );
    }

    #[test]
    fn rank_0_is_refused() {
        let mut bytes = boxed(&track());
        let component_count = 8 + 4 + 5 + 32 + 4 + 2 + 2 + 1;
        bytes[component_count] = 0;
        let error = read(&bytes).unwrap_err().to_string();
        assert!(error.contains("component count is 0"), "{error}");
    }

    #[test]
    fn later_fields_are_ignored() {
        let mut bytes = boxed(&track());
        bytes.extend([1, 2, 3]);
        bytes[3] += 3;
        assert_eq!(read(&bytes).unwrap(), track());
    }
}
