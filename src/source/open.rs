//! Selects the reader of an input.

use super::error::SourceError;
use super::ffmpeg::{self, Input};
use super::frames::{Options, Source};
use super::recipe::Recipe;
use super::{image_file, pattern, stills, y4m};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

impl Source {
    /// Opens `input`: pictures (a folder, one file, `%03d` or a glob), a `.y4m` file, `-` (any video on
    /// stdin), a `.json` recipe, or any file or URL that `ffmpeg` reads. Errors name file and place.
    pub fn open(input: &Path, options: &Options) -> Result<Self, SourceError> {
        if input == Path::new("-") {
            return Self::stream(BufReader::new(io::stdin()), input, options);
        }
        match std::fs::metadata(input) {
            Ok(found) if !found.is_dir() => Self::file(input, options),
            Err(_) if is_url(input) => ffmpeg::open(Input::url(input), options),
            found => {
                let paths = match found {
                    Ok(_) => stills::in_folder(input)?,
                    Err(error) => {
                        let paths = pattern::files(input)?;
                        paths.ok_or_else(|| SourceError::io(input, error))?
                    }
                };
                match paths.as_slice() {
                    // A single file may be a film.
                    [only] => Self::open(only, options),
                    _ => stills::open(input, paths, options),
                }
            }
        }
    }

    fn file(input: &Path, options: &Options) -> Result<Self, SourceError> {
        let unreadable = |source| SourceError::io(input, source);
        let extension = input.extension().unwrap_or_default();
        if extension.eq_ignore_ascii_case("json") {
            return Ok(Recipe::read(input)?.into_source(options));
        }
        let mut file = BufReader::new(File::open(input).map_err(unreadable)?);
        let head = file.fill_buf().map_err(unreadable)?;
        if head.is_empty() {
            return Err(SourceError::empty(input));
        }
        if image_file::is_still(input, head) {
            return stills::open(input, vec![input.into()], options);
        }
        if head.starts_with(y4m::MAGIC)
            && let Ok(source) = y4m::open(Box::new(file), input, options)?
        {
            return Ok(source);
        }
        ffmpeg::open(Input::file(input), options)
    }

    /// A video of any kind from a pipe, called `name` in errors.
    fn stream(
        mut stream: impl BufRead + Send + 'static,
        name: &Path,
        options: &Options,
    ) -> Result<Self, SourceError> {
        let mut magic = Vec::new();
        let wanted = y4m::MAGIC.len() as u64;
        let read = stream.by_ref().take(wanted).read_to_end(&mut magic);
        read.map_err(|error| SourceError::io(name, error))?;
        let is_y4m = magic == y4m::MAGIC;
        let whole: y4m::Stream = Box::new(BufReader::new(io::Cursor::new(magic).chain(stream)));
        let stream = match is_y4m {
            true => match y4m::open(whole, name, options)? {
                Ok(source) => return Ok(source),
                Err(stream) => stream,
            },
            false => whole,
        };
        ffmpeg::open(Input::pipe(stream, name)?, options)
    }
}

/// Whether `input` has the form of a URL, such as `https://host/film.mp4`.
fn is_url(input: &Path) -> bool {
    let scheme = input.to_str().and_then(|text| text.split_once("://"));
    let part = |c: char| c.is_ascii_alphanumeric() || "+-.".contains(c);
    scheme.is_some_and(|(scheme, _)| {
        scheme.starts_with(|first: char| first.is_ascii_alphabetic()) && scheme.chars().all(part)
    })
}
