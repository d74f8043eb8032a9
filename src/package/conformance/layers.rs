//! Layers against the rungs: joined to the streams below, each gives its rung byte for byte.

use super::{Conformance, TitleSource};
use crate::manifest::{Group, Representation};
use crate::package::layers::join;
use crate::package::rung::rung_id;
use crate::segment::Track;
use crate::segment::coded::CodedSegment;
use crate::segment::file::MediaFile;
use crate::segment::media::read_media;

struct Stream {
    bytes: Vec<u8>,
    file: MediaFile,
}

impl Stream {
    fn read(source: &dyn TitleSource, url: &str) -> Result<Self, String> {
        let bytes = source.read(url)?;
        let file = MediaFile::read(&bytes, bytes.len() as u64);
        let file = file.map_err(|error| error.to_string())?;
        Ok(Self { bytes, file })
    }

    fn track(&self) -> &Track {
        &self.file.init.track
    }

    fn coded(&self, index: usize) -> Option<CodedSegment> {
        let range = &self.file.segments.get(index)?.range;
        let bytes = self.bytes.get(range.start as usize..range.end as usize)?;
        CodedSegment::read(self.track(), &read_media(bytes).ok()?).ok()
    }
}

pub(super) fn check(report: &mut Conformance, source: &dyn TitleSource, group: &Group) {
    if group.layers.is_empty() {
        return;
    }
    // Faults of a rung's own file are reported elsewhere.
    let rung = |rung: &Representation| Stream::read(source, &rung.url).ok();
    let Some(base) = group.representations.first().and_then(rung) else {
        return;
    };
    let mut parts = vec![base];
    for layer in &group.layers {
        let url = &layer.stream.url;
        match Stream::read(source, url) {
            Ok(stream) => parts.push(stream),
            Err(problem) => return report.at(url).broken("layer-readable", problem),
        }
        let id = parts.last().map(|part| rung_id(part.track()));
        let (id, said) = (id.unwrap_or_default(), &layer.stream.id);
        let (mut at, other) = (report.at(url), "the MPD says");
        at.equal("layer-id", "id", id, other, said);
        let mut rungs = group.representations.iter();
        let Some(whole) = rungs.find(|rung| rung.rank == layer.stream.rank) else {
            let problem = format!("the rung of rank {} is missing", layer.stream.rank);
            return report.at(url).broken("layer-rung", problem);
        };
        if let Some(whole) = rung(whole) {
            check_sum(report, url, &parts, &whole);
        }
    }
}

/// The lowest rung and the layers so far make the rung `whole`.
fn check_sum(report: &mut Conformance, url: &str, parts: &[Stream], whole: &Stream) {
    for index in 0..whole.file.segments.len() {
        let coded = parts.iter().map(|part| part.coded(index));
        let coded: Vec<CodedSegment> = coded.collect::<Option<_>>().unwrap_or_default();
        let parts: Vec<_> = parts.iter().map(Stream::track).zip(&coded).collect();
        let joined = join(&parts).map(|(_, joined)| Some(joined));
        let problem = match joined {
            Ok(joined) if joined == whole.coded(index) => continue,
            Ok(_) => "joined to the streams below, its bytes are not the rung's".to_owned(),
            Err(error) => error.to_string(),
        };
        let place = format!("{url}, segment {}", index + 1);
        return report.at(place).broken("layer-bytes", problem);
    }
}
