//! A folder of PNG and JPEG images as a video, in the order a person would read the names:
//! `frame9.png` comes before `frame10.png`. Sizes are compared before the first frame is given out.

use super::{Options, Source, SourceError, image_file};
use crate::time::FrameRate;
use std::cmp::Ordering;
use std::path::{Path, PathBuf};

const DEFAULT_RATE: u32 = 30;

/// Opens the images of `folder`; other files in it are ignored.
pub(super) fn open(folder: &Path, options: &Options) -> Result<Source, SourceError> {
    let paths = images(folder)?;
    let mut sizes = paths.iter().map(|path| (path, image_file::size(path)));
    let Some((_, first)) = sizes.next() else {
        let path = folder.into();
        return Err(SourceError::EmptyFolder { path });
    };
    let expected = first?;
    for (path, size) in sizes {
        require_size(path, size?, expected)?;
    }
    let frame_rate = match options.frame_rate {
        Some(rate) => rate,
        None => FrameRate::new(DEFAULT_RATE, 1).map_err(|e| SourceError::rate(folder, e))?,
    };
    let mut notices = Vec::new();
    if options.frame_rate.is_none() {
        notices.push(format!("images state no frame rate: {frame_rate} assumed"));
    }
    Ok(Source {
        size: expected,
        frame_rate,
        pixel_aspect: (1, 1),
        length: Some(paths.len() as u64),
        notices,
        frames: Box::new(paths.into_iter().map(move |path| {
            let frame = image_file::read(&path)?;
            require_size(&path, (frame.width(), frame.height()), expected)?;
            Ok(frame)
        })),
        ended: false,
    })
}

fn require_size(path: &Path, got: (u32, u32), expected: (u32, u32)) -> Result<(), SourceError> {
    if got == expected {
        return Ok(());
    }
    let path = path.into();
    Err(SourceError::MixedSizes {
        path,
        expected,
        got,
    })
}

fn images(folder: &Path) -> Result<Vec<PathBuf>, SourceError> {
    let io = |e| SourceError::io(folder, e);
    let mut named = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(io)? {
        let path = entry.map_err(io)?.path();
        if is_image(&path) {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            named.push((name.into_owned(), path));
        }
    }
    named.sort_by(|a, b| by_number(&a.0, &b.0).then_with(|| a.1.cmp(&b.1)));
    Ok(named.into_iter().map(|(_, path)| path).collect())
}

fn is_image(path: &Path) -> bool {
    let Some(extension) = path.extension() else {
        return false;
    };
    let known = ["png", "jpg", "jpeg"];
    known.iter().any(|k| extension.eq_ignore_ascii_case(k)) && path.is_file()
}

/// Compares names with runs of digits taken as numbers.
fn by_number(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (a, b);
    loop {
        let (text_a, number_a, rest_a) = split(a);
        let (text_b, number_b, rest_b) = split(b);
        let number = |digits: &'_ str| digits.trim_start_matches('0').to_owned();
        let (number_a, number_b) = (number(number_a), number(number_b));
        if text_a != text_b {
            return a.cmp(b);
        }
        let by_length = number_a.len().cmp(&number_b.len());
        let order = by_length.then_with(|| number_a.cmp(&number_b));
        if order != Ordering::Equal || (rest_a.is_empty() && rest_b.is_empty()) {
            return order;
        }
        (a, b) = (rest_a, rest_b);
    }
}

/// The text before the first digit, the digits, and what follows them.
fn split(name: &str) -> (&str, &str, &str) {
    let start = name
        .find(|c: char| c.is_ascii_digit())
        .unwrap_or(name.len());
    let (text, rest) = name.split_at(start);
    let end = rest
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(rest.len());
    let (number, rest) = rest.split_at(end);
    (text, number, rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_sort_as_people_count() {
        let mut names = [
            "f10.png", "f9.png", "f009.png", "a2b10", "a2b9", "f.png", "",
        ];
        names.sort_by(|a, b| by_number(a, b).then_with(|| a.cmp(b)));
        assert_eq!(
            names,
            [
                "", "a2b9", "a2b10", "f.png", "f009.png", "f9.png", "f10.png"
            ]
        );
    }
}
