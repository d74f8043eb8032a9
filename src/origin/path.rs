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
//! Nothing outside the root can be named: a path is taken apart, every part must be a plain name,
//! and only then is it put together again.

use crate::manifest::forms::{INIT_NAME, segment_number};
use crate::manifest::hls::{IFRAMES_NAME, MEDIA_NAME};
use std::borrow::Cow;

/// Longest path that is looked at, in bytes before decoding.
const MAX_PATH: usize = 1024;

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
        match names.iter().all(|name| is_plain(name)) {
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
            ["weights", name] => {
                let hash = weights_hash(name)?.into();
                Some(Self::Weights { hash })
            }
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

/// The hash in the name of a file of weights.
pub(super) fn weights_hash(name: &str) -> Option<&str> {
    let hash = name.strip_suffix(".safetensors")?;
    (hash.len() == 64 && is_hash(hash)).then_some(hash)
}

/// A name that cannot be misread by any file system or store: it starts with a letter or digit,
/// and goes on with those, blanks and a few signs.
pub(super) fn is_plain(name: &str) -> bool {
    let sign = |byte: u8| b" ._-+,=@()'!&".contains(&byte);
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || sign(byte);
    let allowed = |c: char| c.is_alphanumeric() || u8::try_from(c).is_ok_and(sign);
    name.len() <= 200
        && name.starts_with(char::is_alphanumeric)
        && !name.ends_with(['.', ' '])
        // Nearly all names are ASCII, which is told faster.
        && (name.bytes().all(plain) || name.chars().all(allowed))
}

/// Folders of immutable files are named by 8 to 64 lower-case hex digits.
fn is_hash(name: &str) -> bool {
    let hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
    (8..=64).contains(&name.len()) && name.bytes().all(hex)
}

fn has_type(name: &str) -> bool {
    content_type(name).is_some()
}

/// The media type of a name, by its suffix; files of no known type are not served.
pub(super) fn content_type(name: &str) -> Option<&'static str> {
    let (_, suffix) = name.rsplit_once('.')?;
    Some(match suffix {
        "m3u8" => "application/vnd.apple.mpegurl",
        "mpd" => "application/dash+xml",
        "mp4" | "m4s" => "video/mp4",
        "json" => "application/json",
        "jpg" => "image/jpeg",
        "png" => "image/png",
        "html" => "text/html; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "svg" => "image/svg+xml",
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
