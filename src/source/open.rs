//! Selects the reader of an input.

use super::error::SourceError;
use super::ffmpeg::{self, Input};
use super::frames::{Options, Source};
use super::recipe::Recipe;
use super::{image_file, pattern, stills, y4m};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

impl Source {
    /// Opens `input`: pictures (a folder, one file, `%03d` or a glob), a `.y4m` file, `-` (any
    /// video on stdin), a `.json` recipe, or any file or URL that `ffmpeg` reads. Errors name the
    /// file and the place in it.
    pub fn open(input: &Path, options: &Options) -> Result<Self, SourceError> {
        if input == Path::new("-") {
            return Self::stream(BufReader::new(io::stdin()), input, options);
        }
        match std::fs::metadata(input) {
            Ok(found) if found.is_dir() => {
                Self::pictures(input, stills::in_folder(input)?, options)
            }
            Ok(_) => Self::file(input, options),
            Err(_) if is_url(input) => ffmpeg::open(Input::url(input), options),
            Err(error) => match pattern::files(input)? {
                Some(paths) => Self::pictures(input, paths, options),
                None => Err(SourceError::io(input, error)),
            },
        }
    }

    /// The pictures at `paths`, at least one, found under the name `input`. A single one may be a film.
    fn pictures(input: &Path, paths: Vec<PathBuf>, options: &Options) -> Result<Self, SourceError> {
        match paths.as_slice() {
            [only] => Self::open(only, options),
            _ => stills::open(input, paths, options),
        }
    }

    fn file(input: &Path, options: &Options) -> Result<Self, SourceError> {
        let unreadable = |source| SourceError::io(input, source);
        if input
            .extension()
            .is_some_and(|e| e.eq_ignore_ascii_case("json"))
        {
            return Ok(Recipe::read(input)?.into_source(options));
        }
        let mut file = BufReader::new(File::open(input).map_err(unreadable)?);
        let head = file.fill_buf().map_err(unreadable)?;
        if head.is_empty() {
            return Err(SourceError::Empty { path: input.into() });
        }
        if head.starts_with(y4m::MAGIC) {
            return match y4m::open(Box::new(file), input, options)? {
                y4m::Opened::Source(source) => Ok(source),
                y4m::Opened::Foreign(_) => ffmpeg::open(Input::file(input), options),
            };
        }
        if image_file::is_still(input, head) {
            return stills::open(input, vec![input.into()], options);
        }
        ffmpeg::open(Input::file(input), options)
    }

    /// A video of any kind from a pipe; `name` is for messages.
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
        let whole = Box::new(BufReader::new(io::Cursor::new(magic).chain(stream)));
        if !is_y4m {
            return ffmpeg::open(Input::pipe(whole, name)?, options);
        }
        match y4m::open(whole, name, options)? {
            y4m::Opened::Source(source) => Ok(source),
            y4m::Opened::Foreign(stream) => ffmpeg::open(Input::pipe(stream, name)?, options),
        }
    }
}

/// Whether `input` has the form of a URL, such as `https://host/film.mp4`.
fn is_url(input: &Path) -> bool {
    let scheme = input.to_str().and_then(|text| text.split_once("://"));
    scheme.is_some_and(|(scheme, _)| {
        scheme.starts_with(|first: char| first.is_ascii_alphabetic())
            && scheme
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
    })
}
