//! What a request path names: a typed value for every URL that the origin answers.
//!
//! ```text
//! TITLE/{master.m3u8,manifest.mpd}            the title in byte ranges
//! TITLE/segments/{master.m3u8,manifest.mpd}   the same title with a URL for every segment
//! TITLE/NAME                                  quality.json, poster.jpg
//! TITLE/HASH/NAME                         a rung's file or playlist; never changes
//! TITLE/HASH/RUNG/{init.mp4,N.m4s,media.m3u8,iframes.m3u8}   cut from HASH/RUNG.mp4
//! weights/SHA256.safetensors                  a generator's weights; never change
//! ```
//!
//! Nothing outside the root can be named: a path is taken apart, every part must be a name that a
//! file can have, and only then is it put together again.
//!
//! Two kinds of path only lead to one of these: with slashes too many, and of a title itself,
//! `TITLE` and `TITLE/`.

use crate::manifest::addressing::{INIT_NAME, segment_number};
use crate::manifest::hls::{IFRAMES_NAME, MEDIA_NAME};
use crate::manifest::{WEIGHTS_FOLDER, check_title_name, problem_of_part};
use std::borrow::Cow;
use std::ffi::OsStr;

/// Longest path that is looked at, in bytes before decoding: the longest name of a title, every byte
/// of it encoded, and a segment of it.
const MAX_PATH: usize = 2048;

/// Most parts of a path that means something.
const MOST_PARTS: usize = 4;

/// Something that the origin can answer with. It borrows from the path where that is not encoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Resource<'a> {
    /// A file of the store.
    File {
        /// Its place under the root.
        path: Cow<'a, str>,
        /// Whether it lies in a hash folder and so never changes.
        immutable: bool,
    },
    /// A manifest of a title.
    Manifest(Manifest<'a>),
    /// The weights of a generator, by the SHA-256 of their file.
    Weights { hash: Cow<'a, str> },
    /// Something that is cut or made from the files of one rung.
    Rung {
        /// Place of the rung's files without their suffix: `TITLE/HASH/RUNG`.
        stem: Cow<'a, str>,
        part: RungPart,
    },
}

/// One of the four manifests of a title.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Manifest<'a> {
    /// Its place under the root, as a published file or as if it were one.
    pub(super) path: Cow<'a, str>,
    pub(super) title: Cow<'a, str>,
    pub(super) spelling: Spelling,
    pub(super) form: Form,
}

/// How a manifest is spelt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Spelling {
    Hls,
    Dash,
}

/// What a manifest names its segments by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Ranges,
    Segments,
}

impl Spelling {
    /// The name of the manifest.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Hls => "master.m3u8",
            Self::Dash => "manifest.mpd",
        }
    }

    fn of(name: &str) -> Option<Self> {
        [Self::Hls, Self::Dash]
            .into_iter()
            .find(|s| s.name() == name)
    }
}

/// What is wanted of a rung in segment-URL form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RungPart {
    Init,
    /// A segment, counted from 1.
    Segment(usize),
    Media,
    Iframes,
}

impl<'a> Resource<'a> {
    /// Takes the path of a request apart. `None` for whatever has no meaning here.
    pub(super) fn parse(path: &'a str) -> Option<Self> {
        if path.len() > MAX_PATH {
            return None;
        }
        let path = path.strip_prefix('/')?;
        if !path.contains('%') {
            return Self::of(path);
        }
        let parts: Option<Vec<String>> = path.split('/').map(decode).collect();
        Resource::of(&parts?.join("/")).map(Resource::into_owned)
    }

    /// The file that a manifest of `title` refers to by a relative URL.
    pub(super) fn referred(title: &str, url: &str) -> Option<Resource<'static>> {
        let path = format!("{title}/{url}");
        let found = Resource::of(&path).map(Resource::into_owned);
        found.filter(|resource| matches!(resource, Self::File { .. }))
    }

    /// What a path under the root means; it is not encoded any more.
    fn of(path: &'a str) -> Option<Self> {
        let mut names = [""; MOST_PARTS];
        let (mut count, mut start) = (0, 0);
        let slashes = path.bytes().enumerate().filter(|(_, byte)| *byte == b'/');
        for end in slashes.map(|(at, _)| at).chain([path.len()]) {
            *names.get_mut(count)? = &path[start..end];
            (count, start) = (count + 1, end + 1);
        }
        let names = &names[..count];
        match names.iter().all(|name| problem_of_part(name).is_none()) {
            true => Self::from_names(path, names),
            false => None,
        }
    }

    /// What a path means that consists of these names.
    fn from_names(path: &'a str, names: &[&'a str]) -> Option<Self> {
        let file = |immutable| Self::File {
            path: path.into(),
            immutable,
        };
        match *names {
            [WEIGHTS_FOLDER, name] => {
                let hash = weights_hash(name)?.into();
                Some(Self::Weights { hash })
            }
            [WEIGHTS_FOLDER, ..] => None,
            [title, name] => match Spelling::of(name) {
                Some(spelling) => Some(manifest(path, title, spelling, Form::Ranges)),
                None => has_type(name).then(|| file(false)),
            },
            [title, "segments", name] => {
                Spelling::of(name).map(|spelling| manifest(path, title, spelling, Form::Segments))
            }
            [_, hash, name] => (is_hash(hash) && has_type(name)).then(|| file(true)),
            [_, hash, _, name] if is_hash(hash) => Some(Self::Rung {
                stem: path[..path.len() - name.len() - 1].into(),
                part: RungPart::parse(name)?,
            }),
            _ => None,
        }
    }

    fn into_owned(self) -> Resource<'static> {
        let owned = |text: Cow<'_, str>| Cow::Owned(text.into_owned());
        match self {
            Self::File { path, immutable } => Resource::File {
                path: owned(path),
                immutable,
            },
            Self::Manifest(manifest) => Resource::Manifest(Manifest {
                path: owned(manifest.path),
                title: owned(manifest.title),
                ..manifest
            }),
            Self::Weights { hash } => Resource::Weights { hash: owned(hash) },
            Self::Rung { stem, part } => Resource::Rung {
                stem: owned(stem),
                part,
            },
        }
    }
}

impl RungPart {
    fn parse(name: &str) -> Option<Self> {
        match name {
            INIT_NAME => Some(Self::Init),
            MEDIA_NAME => Some(Self::Media),
            IFRAMES_NAME => Some(Self::Iframes),
            _ => segment_number(name).map(Self::Segment),
        }
    }
}

fn manifest<'a>(path: &'a str, title: &'a str, spelling: Spelling, form: Form) -> Resource<'a> {
    Resource::Manifest(Manifest {
        path: path.into(),
        title: title.into(),
        spelling,
        form,
    })
}

/// Where a path leads that names nothing itself, relative to it so that any prefix stays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Detour {
    /// The title that must be there, if the path is its own.
    pub(super) title: Option<String>,
    pub(super) location: String,
}

impl Detour {
    /// `None` for a path that leads nowhere.
    pub(super) fn of(path: &str) -> Option<Self> {
        if path.len() > MAX_PATH {
            return None;
        }
        let inner = path.strip_prefix('/')?;
        let depth = inner.split('/').count() - 1;
        let names: Vec<&str> = inner.split('/').filter(|name| !name.is_empty()).collect();
        let up = match depth {
            0 => "./".to_owned(),
            depth => "../".repeat(depth),
        };
        let tidy = format!("/{}", names.join("/"));
        if let [name] = *names {
            let title = decode(name).filter(|name| check_title_name(OsStr::new(name)).is_ok())?;
            // `TITLE` leads to `TITLE/`, and that to the entry point.
            let location = match inner.ends_with('/') && depth == 1 {
                true => Spelling::Hls.name().to_owned(),
                false => format!("{up}{name}/"),
            };
            return Some(Self {
                title: Some(title),
                location,
            });
        }
        // A slash at the end is of a folder, and only titles are found by those.
        let leads = tidy != path && !path.ends_with('/') && Resource::parse(&tidy).is_some();
        leads.then(|| Self {
            title: None,
            location: format!("{up}{}", &tidy[1..]),
        })
    }
}

/// The hash in the name of a file of weights.
pub(super) fn weights_hash(name: &str) -> Option<&str> {
    let hash = name.strip_suffix(".safetensors")?;
    (hash.len() == 64 && is_hash(hash)).then_some(hash)
}

/// Folders of immutable files are named by 8 to 64 lower-case hex digits.
fn is_hash(name: &str) -> bool {
    let hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
    (8..=64).contains(&name.len()) && name.bytes().all(hex)
}

fn has_type(name: &str) -> bool {
    content_type(name).is_some()
}

/// The media type of a file of a title, by its suffix. Others are not served, least of all what a
/// browser would run as a page or script of this origin: HTML, SVG, JavaScript, style sheets.
pub(super) fn content_type(name: &str) -> Option<&'static str> {
    let (_, suffix) = name.rsplit_once('.')?;
    Some(match suffix {
        "m3u8" => "application/vnd.apple.mpegurl",
        "mpd" => "application/dash+xml",
        "mp4" | "m4s" => "video/mp4",
        "json" => "application/json",
        "jpg" => "image/jpeg",
        "png" => "image/png",
        _ => return None,
    })
}

/// Undoes percent-encoding. A part that would hold a `/` is refused: it must stay one part.
pub(super) fn decode(part: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(part.len());
    let mut rest = part.as_bytes();
    while let [first, after @ ..] = rest {
        rest = after;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let [high, low, after @ ..] = rest else {
            return None;
        };
        let digit = |b: u8| char::from(b).to_digit(16);
        bytes.push(u8::try_from(digit(*high)? * 16 + digit(*low)?).ok()?);
        rest = after;
    }
    String::from_utf8(bytes)
        .ok()
        .filter(|text| !text.contains('/'))
}

/// The URL reference of a file under the root: manifests resolve theirs against it, and a name may
/// hold `#`, `?` or `:`.
pub(super) fn reference(path: &str) -> String {
    let parts: Vec<String> = path.split('/').map(encode).collect();
    parts.join("/")
}

/// Percent-encodes a name for use as one part of a path.
pub(super) fn encode(name: &str) -> String {
    let mut text = String::new();
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"._-".contains(&byte) {
            text.push(char::from(byte));
        } else {
            text.push_str(&format!("%{byte:02X}"));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn file(path: &str, immutable: bool) -> Option<Resource<'_>> {
        let path = path.into();
        Some(Resource::File { path, immutable })
    }

    #[test]
    fn every_kind_of_url_has_a_meaning() {
        let rung = |part| {
            let stem = "t/0123abcd/mini-r8".into();
            Some(Resource::Rung { stem, part })
        };
        let manifest = |path, spelling, form| Some(super::manifest(path, "t", spelling, form));
        let weights = format!("/weights/{}.safetensors", "5e".repeat(32));
        for (path, meaning) in [
            (
                "/t/master.m3u8",
                manifest("t/master.m3u8", Spelling::Hls, Form::Ranges),
            ),
            (
                "/t/manifest.mpd",
                manifest("t/manifest.mpd", Spelling::Dash, Form::Ranges),
            ),
            (
                &weights,
                Some(Resource::Weights {
                    hash: "5e".repeat(32).into(),
                }),
            ),
            ("/My%20film/poster.jpg", file("My film/poster.jpg", false)),
            (
                "/t/0123abcd/mini-r8.mp4",
                file("t/0123abcd/mini-r8.mp4", true),
            ),
            ("/t/0123abcd/mini-r8/init.mp4", rung(RungPart::Init)),
            ("/t/0123abcd/mini-r8/12.m4s", rung(RungPart::Segment(12))),
            ("/t/0123abcd/mini-r8/media.m3u8", rung(RungPart::Media)),
            ("/t/0123abcd/mini-r8/iframes.m3u8", rung(RungPart::Iframes)),
            (
                "/t/segments/master.m3u8",
                manifest("t/segments/master.m3u8", Spelling::Hls, Form::Segments),
            ),
            (
                "/t/segments/manifest.mpd",
                manifest("t/segments/manifest.mpd", Spelling::Dash, Form::Segments),
            ),
        ] {
            assert_eq!(Resource::parse(path), meaning, "{path}");
        }
    }

    #[test]
    fn ways_out_and_nonsense_have_none() {
        for path in [
            "/../etc/passwd.json",
            "/t/../../x.json",
            "/t/%2e%2e/x.json",
            "/t/%2E./x.json",
            "/t%2F..%2Fx.json",
            "/t/..%2f..%2fx.json",
            "/t/%252e%252e/x.json",
            "/t/..%5cx.json",
            "/t\\..\\x.json",
            "//t/master.m3u8",
            "/t//master.m3u8",
            "/./t/master.m3u8",
            "/t/%00master.m3u8",
            "/t/master.m3u8%00.json",
            "/t/%ff.json",
            "/t/%zz.json",
            "/t/%1",
            "/t/．．/x.json",
            "/t/\u{2025}/x.json",
            "/.t/master.m3u8",
            "/t/.publish-x/a.mp4",
            "/t/key.pem",
            "/weights/5e5e.safetensors",
            "/t/x.safetensors",
            "/t/segments/other.m3u8",
            "/t/nohash/a.mp4",
            "/weights/master.m3u8",
            "/weights/0123abcd/a.mp4",
            "/t/page.html",
            "/t/page.js",
            "/t/page.css",
            "/t/0123abcd/picture.svg",
            "/t/0123ABCD/a.mp4",
            "/t/0123abcd/r/0.m4s",
            "/t/0123abcd/r/01.m4s",
            "/t/0123abcd/r/x.m4s",
            "/t/0123abcd/a/b/c.mp4",
            "/t",
            "/",
            "",
            "t/master.m3u8",
        ] {
            assert_eq!(Resource::parse(path), None, "{path}");
        }
        assert_eq!(
            Resource::parse(&format!("/{}/a.mp4", "a".repeat(2000))),
            None
        );
    }

    #[test]
    fn slashes_too_many_and_titles_lead_to_what_they_mean() {
        let detour = |title: Option<&str>, location: &str| {
            let title = title.map(str::to_owned);
            let location = location.to_owned();
            Some(Detour { title, location })
        };
        for (path, expected) in [
            ("/film", detour(Some("film"), "./film/")),
            ("/film/", detour(Some("film"), "master.m3u8")),
            ("//film", detour(Some("film"), "../film/")),
            ("/film//", detour(Some("film"), "../../film/")),
            ("/a%3Ab", detour(Some("a:b"), "./a%3Ab/")),
            ("//t/master.m3u8", detour(None, "../../t/master.m3u8")),
            ("/t//master.m3u8", detour(None, "../../t/master.m3u8")),
            (
                "/t///0123abcd/r//1.m4s",
                detour(None, "../../../../../../t/0123abcd/r/1.m4s"),
            ),
            ("/t/master.m3u8", None),
            ("/t//..//master.m3u8", None),
            ("/t/x/", None),
            ("/.hidden", None),
            ("/weights", None),
            ("/%2e%2e", None),
            ("/", None),
            ("//", None),
            ("", None),
        ] {
            assert_eq!(Detour::of(path), expected, "{path}");
        }
    }

    #[test]
    fn a_manifest_refers_to_files_of_its_own_title_only() {
        assert_eq!(
            Resource::referred("t", "0123abcd/a.m3u8"),
            file("t/0123abcd/a.m3u8", true)
        );
        for url in [
            "master.m3u8",
            "../u/a.m3u8",
            "/a.m3u8",
            "http://host/a.m3u8",
            "a/../b.m3u8",
            "",
        ] {
            assert_eq!(Resource::referred("t", url), None, "{url}");
        }
    }

    proptest! {
        #[test]
        fn no_path_leaves_the_root(path in "(/|\\.|%2e|%2f|%5c|\\\\|[a-f0-9]{8}|a|\\.mp4){0,12}") {
            if let Some(Resource::File { path, .. }) = Resource::parse(&path) {
                prop_assert!(!path.starts_with('/') && !path.contains('\\'));
                prop_assert!(path.split('/').all(|part| part != ".." && part != "." && !part.is_empty()));
            }
        }

        #[test]
        fn encoding_undoes_decoding(name in "\\PC{1,20}") {
            prop_assume!(!name.contains('/'));
            prop_assert_eq!(decode(&encode(&name)), Some(name));
        }
    }
}
