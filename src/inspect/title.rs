//! A whole title: its rungs, after decoding every segment of them.

use crate::package::{PackageError, Title, TitleRung, join};
use serde_json::{Value, json};
use std::path::Path;

/// Opens the title at `path` and decodes every prompt in it.
pub fn title(path: &Path) -> Result<Value, PackageError> {
    let title = Title::open(path)?;
    let count = |rung: &TitleRung| {
        let segments = 0..rung.segments().len();
        let counts = segments.map(|index| Ok(rung.keyframes(index)?.len()));
        counts.sum::<Result<usize, PackageError>>()
    };
    let keyframes: Vec<usize> = title.rungs().iter().map(count).collect::<Result<_, _>>()?;
    check_layers(&title)?;
    let rungs = title.rungs().iter().zip(keyframes);
    let rungs = rungs.map(|(rung, count)| report(rung, count));
    // A layer has no keyframes without the rung below it.
    let layers = title.layers().iter().map(|layer| report(layer, 0));
    let bytes: u64 = title.rungs().iter().map(file_bytes).sum();
    let duration_s = title.presentation().duration.seconds();
    Ok(json!({
        "kind": "title", "path": path, "duration_s": duration_s, "bytes": bytes,
        "rungs": rungs.collect::<Vec<_>>(), "layers": layers.collect::<Vec<_>>(),
    }))
}

/// Fails unless the lowest rung and the layers above it make every rung.
fn check_layers(title: &Title) -> Result<(), PackageError> {
    for rung in title.rungs() {
        let of_profile = |other: &&TitleRung| other.track().profile == rung.track().profile;
        let below = |layer: &&TitleRung| layer.track().rank() <= rung.track().rank();
        let base = title.rungs().iter().filter(of_profile).take(1);
        let layers = title.layers().iter().filter(of_profile).filter(below);
        let parts: Vec<&TitleRung> = base.chain(layers).collect();
        let top = parts.last().map(|top| top.track().rank());
        if top != Some(rung.track().rank()) {
            continue;
        }
        for index in 0..rung.segments().len() {
            let coded = parts.iter().map(|part| part.coded(index));
            let coded = coded.collect::<Result<Vec<_>, _>>()?;
            let parts: Vec<_> = parts.iter().map(|part| part.track()).zip(&coded).collect();
            if join(&parts)?.1 != rung.coded(index)? {
                let problem = format!("its layers make another segment {}", index + 1);
                return Err(PackageError::invalid(rung.id(), problem));
            }
        }
    }
    Ok(())
}

/// Bytes of the rung's file, index included.
fn file_bytes(rung: &TitleRung) -> u64 {
    rung.segments().last().map_or(0, |last| last.range.end)
}

/// `kbps` is the true rate, `bytes` the file's size with its index.
fn report(rung: &TitleRung, keyframes: usize) -> Value {
    let layout = rung.layout();
    let peak = f64::from(layout.init.bitrates.peak);
    json!({
        "id": rung.id(), "rank": rung.track().rank(), "kbps": layout.true_rate() / 1000.0,
        "peak_kbps": peak / 1000.0, "bytes": file_bytes(rung), "segments": rung.segments().len(),
        "keyframes": keyframes, "track": super::track(rung.track()),
    })
}
