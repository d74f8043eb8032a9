//! Selection of the video stream, and the list of ignored streams.

use super::probe::Stream;
use std::cmp::Reverse;

/// The video stream with the most pixels; of equal ones the default, then the first. Pictures that
/// are attached (covers, thumbnails) are none.
pub(super) fn best(streams: &[Stream]) -> Option<&Stream> {
    let films = streams.iter().filter(|stream| is_film(stream));
    films.max_by_key(|stream| {
        let pixels = u64::from(stream.width) * u64::from(stream.height);
        (pixels, stream.has("default"), Reverse(stream.index))
    })
}

fn is_film(stream: &Stream) -> bool {
    let attached = stream.has("attached_pic") || stream.has("timed_thumbnails");
    stream.codec_type == "video" && stream.width > 0 && stream.height > 0 && !attached
}

/// One line that lists the streams other than `film`, if there are any.
pub(super) fn left_out(streams: &[Stream], film: u32) -> Option<String> {
    let others = streams.iter().filter(|stream| stream.index != film);
    let others: Vec<String> = others.map(Stream::describe).collect();
    (!others.is_empty()).then(|| format!("ignored: {}", others.join("; ")))
}

impl Stream {
    pub(super) fn has(&self, disposition: &str) -> bool {
        self.disposition
            .get(disposition)
            .is_some_and(|&set| set != 0)
    }

    /// Such as `sound (stream 1, aac, 44100 Hz, eng)`.
    fn describe(&self) -> String {
        let kind = match self.codec_type.as_str() {
            "video" if !is_film(self) => "attached picture",
            "audio" => "sound",
            "subtitle" => "subtitles",
            "" => "stream of unknown kind",
            kind => kind,
        };
        let mut parts = vec![format!("stream {}", self.index)];
        let codec = Some(self.codec_name.as_str()).filter(|name| !name.is_empty());
        parts.extend(codec.map(str::to_owned));
        if self.width > 0 {
            parts.push(format!("{}x{}", self.width, self.height));
        }
        parts.extend(self.sample_rate.as_ref().map(|rate| format!("{rate} Hz")));
        let language = self.tags.get("language").filter(|tag| *tag != "und");
        parts.extend(language.cloned());
        format!("{kind} ({})", parts.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream(index: u32, side: u32, dispositions: &[&str]) -> Stream {
        Stream {
            index,
            codec_type: "video".into(),
            width: side,
            height: side,
            disposition: dispositions.iter().map(|d| ((*d).to_owned(), 1)).collect(),
            ..Stream::default()
        }
    }

    #[test]
    fn the_largest_video_is_chosen_then_the_default_then_the_first() {
        let index = |streams: &[Stream]| best(streams).map(|stream| stream.index);
        assert_eq!(index(&[]), None);
        assert_eq!(index(&[stream(0, 600, &["attached_pic"])]), None);
        let cover = stream(0, 600, &["attached_pic", "default"]);
        assert_eq!(index(&[cover, stream(1, 64, &[])]), Some(1));
        let larger = [stream(0, 32, &["default"]), stream(1, 64, &[])];
        assert_eq!(index(&larger), Some(1));
        let alike = [stream(0, 64, &[]), stream(1, 64, &["default"])];
        assert_eq!(index(&alike), Some(1));
        assert_eq!(index(&[stream(0, 64, &[]), stream(1, 64, &[])]), Some(0));
    }

    #[test]
    fn ignored_streams_are_listed_in_one_line() {
        let mut sound = stream(1, 0, &[]);
        sound.codec_type = "audio".into();
        sound.codec_name = "aac".into();
        sound.sample_rate = Some("44100".into());
        sound.tags.insert("language".into(), "eng".into());
        let streams = [stream(0, 64, &[]), sound, stream(2, 9, &["attached_pic"])];
        assert_eq!(
            left_out(&streams, 0).as_deref(),
            Some("ignored: sound (stream 1, aac, 44100 Hz, eng); attached picture (stream 2, 9x9)")
        );
        assert_eq!(left_out(&streams[..1], 0), None);
    }
}
