//! Sessions as input of an ITU-T P.1203 implementation, mode 0.
//!
//! The model itself is not implemented: its coefficients are licensed for research only. P.1203 covers
//! pixel codecs; the caller chooses `codec`, and a score for any other codec is a guess.

use super::Timeline;
use crate::player::ladder::Ladder;
use crate::simulate::content::Picture;
use serde_json::{Value, json};

/// The session as P.1203 input; `codec` is a name such as `h264`.
pub fn p1203(timeline: &Timeline, ladder: &Ladder, codec: &str, picture: Picture) -> Value {
    let Picture { width, height, fps } = picture;
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
