//! Sessions as input for an implementation of ITU-T P.1203, mode 0.
//!
//! The model itself is not here: its coefficients carry a licence of their own. P.1203 knows pixel
//! codecs only, so `codec` is the caller's to choose, and a score for anything else is a guess.

use super::Timeline;
use crate::player::ladder::Ladder;
use serde_json::{Value, json};

/// The JSON that describes the session: `codec` such as `h264`, `size` in pixels, frames a second.
pub fn p1203(
    timeline: &Timeline,
    ladder: &Ladder,
    codec: &str,
    ((width, height), fps): ((u32, u32), f64),
) -> Value {
    let resolution = format!("{width}x{height}");
    let mut start_s = 0.0;
    let mut segments = Vec::new();
    let mut stalling = vec![json!([0.0, timeline.startup_s])];
    for played in &timeline.played {
        if played.stall_s > 0.0 {
            stalling.push(json!([start_s, played.stall_s]));
        }
        segments.push(json!({
            "bitrate": ladder.segment_kbps(played.segment, played.rung),
            "codec": codec,
            "duration": played.duration_s,
            "fps": fps,
            "resolution": resolution,
            "start": start_s,
        }));
        start_s += played.duration_s;
    }
    json!({
        "IGen": {"device": "pc", "displaySize": "1920x1080", "viewingDistance": "150cm"},
        "I11": {"streamId": 1, "segments": []},
        "I13": {"streamId": 1, "segments": segments},
        "I23": {"streamId": 1, "stalling": stalling},
    })
}
