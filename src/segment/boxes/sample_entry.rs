//! `prm1`: our visual sample entry (§12.1.3), with `prmC`, `btrt` (§8.5.2.2) and `pasp` (§12.1.4) inside.
//!
//! [`crate::segment::init`] has the table of the bytes of `prmC`. Readers ignore bytes after its last field, so
//! that fields can be added without a new format version as long as old players may ignore them.

use super::{Reader, Writer};
use crate::prompt::{CodingId, CodingParameters, Interpolation, Quantiser, Shape};
use crate::segment::error::SegmentError;
use crate::segment::track::{Bitrates, CODEC, MAX_PROFILE, StartLatent, Track};
use crate::time::FrameRate;

/// 72 dots an inch, 16.16 fixed point.
const RESOLUTION: u32 = 0x0048_0000;

/// The format version that is written, and the highest that is read: the FullBox version. Version
/// 1 had no checksum in its samples.
const FORMAT_VERSION: u8 = 2;

/// Writes the entry. The track must pass [`Track::check`].
pub(crate) fn write_sample_entry(w: &mut Writer, track: &Track, bitrates: Bitrates) {
    w.boxed(&CODEC, |w| {
        w.zeros(6);
        w.u16(1);
        w.zeros(16);
        w.u16(track.visible.0 as u16);
        w.u16(track.visible.1 as u16);
        w.words(&[RESOLUTION, RESOLUTION, 0]);
        w.u16(1);
        w.zeros(32);
        w.u16(24);
        w.u16(u16::MAX);
        w.full(b"prmC", (FORMAT_VERSION, 0), |w| write_prmc(w, track));
        let Bitrates {
            largest_segment,
            peak,
            average,
        } = bitrates;
        w.boxed(b"btrt", |w| w.words(&[largest_segment, peak, average]));
        let (horizontal, vertical) = track.pixel_aspect;
        w.boxed(b"pasp", |w| w.words(&[horizontal, vertical]));
    });
}

fn write_prmc(w: &mut Writer, track: &Track) {
    let coding = &track.coding;
    w.u8(track.profile.len() as u8);
    w.bytes(track.profile.as_bytes());
    w.bytes(&track.weights);
    w.u32(coding.shape.tokens as u32);
    w.u16(coding.shape.dim as u16);
    w.u16(coding.grid_width as u16);
    w.bytes(&[
        track.first_component as u8,
        coding.components as u8,
        coding.full_rank as u8,
        coding.coding as u8,
        coding.quantiser.u_bits,
        coding.quantiser.v_bits,
        track.interpolation as u8,
        track.start_latent as u8,
    ]);
    w.words(&[track.noise_seed, track.noise_weight.to_bits()]);
    w.words(&[track.frame_rate.num(), track.frame_rate.den()]);
    for (width, height) in [track.visible, track.coded] {
        w.u16(width as u16);
        w.u16(height as u16);
    }
}

/// Reads the entry in `stsd`.
pub(crate) fn read_sample_entry(stsd: &Reader<'_>) -> Result<(Track, Bitrates), SegmentError> {
    let mut r = stsd.child(&CODEC)?;
    r.take(24, "sample entry")?;
    let offset = r.offset;
    let size = read_size(&mut r, ["width", "height"])?;
    r.take(50, "visual sample entry")?;
    let mut pasp = r.child(b"pasp")?;
    let pixel_aspect = (pasp.u32("hSpacing")?, pasp.u32("vSpacing")?);
    let track = read_prmc(&mut r.child(b"prmC")?, pixel_aspect)?;
    if size != track.visible {
        let (width, height) = track.visible;
        let expected = format!("{width}x{height} as in prmC");
        return Err(r.bad_at(offset, "size", format!("{}x{}", size.0, size.1), expected));
    }
    let mut btrt = r.child(b"btrt")?;
    let bitrates = Bitrates {
        largest_segment: btrt.u32("bufferSizeDB")?,
        peak: btrt.u32("maxBitrate")?,
        average: btrt.u32("avgBitrate")?,
    };
    Ok((track, bitrates))
}

fn read_prmc(r: &mut Reader<'_>, pixel_aspect: (u32, u32)) -> Result<Track, SegmentError> {
    let [found, ..] = r.array::<4>("format version and flags")?;
    if !(1..=FORMAT_VERSION).contains(&found) {
        return Err(SegmentError::Version {
            place: r.place_at(r.start),
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
        visible: read_size(r, ["visible width", "visible height"])?,
        coded: read_size(r, ["coded width", "coded height"])?,
        pixel_aspect,
    };
    match track.problem() {
        None => Ok(track),
        Some((field, found, expected)) => Err(r.bad_at(r.start, field, found, expected)),
    }
}

fn read_size(r: &mut Reader<'_>, [width, height]: [&str; 2]) -> Result<(u32, u32), SegmentError> {
    Ok((r.u16(width)?.into(), r.u16(height)?.into()))
}

fn read_profile(r: &mut Reader<'_>) -> Result<String, SegmentError> {
    let offset = r.offset;
    let length = usize::from(r.u8("profile length")?);
    if length > MAX_PROFILE {
        return Err(r.bad_at(offset, "profile length", length, "at most 16"));
    }
    let bytes = r.take(length, "profile")?;
    Ok(bytes.escape_ascii().to_string())
}

/// The coding, and the first component.
fn read_coding(r: &mut Reader<'_>) -> Result<(CodingParameters, usize), SegmentError> {
    let shape = Shape {
        tokens: r.u32("tokens")? as usize,
        dim: r.u16("embedding width")?.into(),
    };
    let grid_width = r.u16("grid width")?.into();
    let first_component = r.u8("first component")?.into();
    let parameters = CodingParameters {
        shape,
        grid_width,
        components: r.u8("component count")?.into(),
        full_rank: r.u8("full rank")?.into(),
        coding: read_mode(r, "coding id", |id| CodingId::try_from(id).ok())?,
        quantiser: Quantiser {
            u_bits: r.u8("bits of U")?,
            v_bits: r.u8("bits of V")?,
        },
    };
    Ok((parameters, first_component))
}

fn read_mode<T>(
    r: &mut Reader<'_>,
    field: &'static str,
    from_id: impl FnOnce(u8) -> Option<T>,
) -> Result<T, SegmentError> {
    let offset = r.offset;
    let id = r.u8(field)?;
    from_id(id).ok_or_else(|| r.bad_at(offset, field, id, "a mode that this build knows"))
}

fn read_frame_rate(r: &mut Reader<'_>) -> Result<FrameRate, SegmentError> {
    let offset = r.offset;
    let (num, den) = (r.u32("frame rate")?, r.u32("frame rate")?);
    FrameRate::new(num, den).map_err(|_| {
        let found = format!("{num}/{den}");
        r.bad_at(offset, "frame rate", found, "1 to 1000 frames a second")
    })
}
