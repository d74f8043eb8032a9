//! The resource that a request path names: a typed value for every URL of titles.
//!
//! ```text
//! TITLE/{master.m3u8,manifest.mpd}            the title in byte ranges
//! TITLE/segments/{master.m3u8,manifest.mpd}   the same title with a URL for every segment
//! TITLE/NAME                                  quality.json, poster.jpg, recipe.json, original.mp4
//! TITLE/HASH/NAME                             a rung's file or playlist; immutable
//! TITLE/HASH/RUNG/{init.mp4,N.m4s,media.m3u8,iframes.m3u8}   cut from HASH/RUNG.mp4
//! weights/SHA256.safetensors                  a generator's weights; immutable
//! ```
//!
//! Nothing outside the root can be named: a path is split, every part must be a valid file name,
//! and only then are they joined again.
//!
//! Two kinds of path are redirected to one of these: paths with repeated slashes, and the path of a
//! title itself, `TITLE` and `TITLE/`.

use crate::manifest::addressing::{INIT_NAME, segment_number};
use crate::manifest::hls::{IFRAMES_NAME, MEDIA_NAME};
use crate::manifest::{WEIGHTS_FOLDER, check_title_name, problem_of_part};
use crate::origin::percent::decode_part;
use std::ffi::OsStr;

/// Longest path that is parsed, in bytes before decoding: the longest name of a title with every
/// byte encoded, and a segment of it.
const MAX_PATH: usize = 2048;

/// The file that makes a folder a title.
pub(crate) const ENTRY: &str = "master.m3u8";

/// The name of a resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Resource {
    /// A file of the store.
    File {
        /// Path relative to the root.
        path: String,
        /// Whether it lies in a hash folder.
        immutable: bool,
    },
    /// A manifest of a title.
    Manifest(Manifest),
    /// The weights of a generator, by the SHA-256 of their file.
    Weights { hash: String },
    /// A part of a rung in segment-URL form.
    Rung {
        /// Path of the rung's files without their suffix: `TITLE/HASH/RUNG`.
        stem: String,
        part: RungPart,
    },
}

/// One of the four manifests of a title.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Manifest {
    /// Path relative to the root, whether it is a published file or not.
    pub(crate) path: String,
    pub(crate) title: String,
    pub(crate) protocol: Protocol,
    pub(crate) addressing: Addressing,
}

/// The streaming protocol of a manifest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Protocol {
    Hls,
    Dash,
}

/// How a manifest refers to segments: by byte ranges of one file, or by a URL each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Addressing {
    Ranges,
    Segments,
}

impl Protocol {
    /// The name of the manifest.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Hls => ENTRY,
            Self::Dash => "manifest.mpd",
        }
    }

    fn of(name: &str) -> Option<Self> {
        let mut all = [Self::Hls, Self::Dash].into_iter();
        all.find(|protocol| protocol.name() == name)
    }
}

/// A part of a rung in segment-URL form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RungPart {
    /// A segment, counted from 1; 0 is the init segment.
    Segment(usize),
    /// A playlist, by its name.
    Playlist(&'static str),
}

impl Resource {
    /// Parses the path of a request. `None` if it names no resource.
    pub(crate) fn parse(path: &str) -> Option<Self> {
        if path.len() > MAX_PATH {
            return None;
        }
        let path = path.strip_prefix('/')?;
        if !path.contains('%') {
            return Self::of(path);
        }
        let parts: Option<Vec<String>> = path.split('/').map(decode_part).collect();
        Self::of(&parts?.join("/"))
    }

    /// The file that a manifest of `title` refers to by a relative URL.
    pub(crate) fn referred(title: &str, url: &str) -> Option<Self> {
        let found = Self::of(&format!("{title}/{url}"));
        found.filter(|resource| matches!(resource, Self::File { .. }))
    }

    /// Parses a decoded path relative to the root.
    fn of(path: &str) -> Option<Self> {
        let names: Vec<&str> = path.split('/').collect();
        let valid = names.iter().all(|name| problem_of_part(name).is_none());
        valid.then(|| Self::from_names(path, &names)).flatten()
    }

    /// Classifies a path by its parts.
    fn from_names(path: &str, names: &[&str]) -> Option<Self> {
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
            [title, name] => match Protocol::of(name) {
                Some(protocol) => Some(manifest(path, title, protocol, Addressing::Ranges)),
                None => has_type(name).then(|| file(false)),
            },
            [title, "segments", name] => Protocol::of(name)
                .map(|protocol| manifest(path, title, protocol, Addressing::Segments)),
            [_, hash, name] => (is_hash(hash) && has_type(name)).then(|| file(true)),
            [_, hash, _, name] if is_hash(hash) => Some(Self::Rung {
                stem: path[..path.len() - name.len() - 1].into(),
                part: RungPart::parse(name)?,
            }),
            _ => None,
        }
    }
}

impl RungPart {
    fn parse(name: &str) -> Option<Self> {
        match name {
            INIT_NAME => Some(Self::Segment(0)),
            MEDIA_NAME => Some(Self::Playlist(MEDIA_NAME)),
            IFRAMES_NAME => Some(Self::Playlist(IFRAMES_NAME)),
            _ => segment_number(name).map(Self::Segment),
        }
    }
}

fn manifest(path: &str, title: &str, protocol: Protocol, addressing: Addressing) -> Resource {
    Resource::Manifest(Manifest {
        path: path.into(),
        title: title.into(),
        protocol,
        addressing,
    })
}

/// A redirect for a path that names no resource itself; relative, so that any prefix stays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Detour {
    /// The title that must exist, if the path is that of a title.
    pub(crate) title: Option<String>,
    pub(crate) location: String,
}

impl Detour {
    /// `None` for a path that cannot be redirected.
    pub(crate) fn of(path: &str) -> Option<Self> {
        if path.len() > MAX_PATH {
            return None;
        }
        let inner = path.strip_prefix('/')?;
        let depth = inner.split('/').count() - 1;
        let names: Vec<&str> = inner.split('/').filter(|name| !name.is_empty()).collect();
        let up = match depth {
            0 => "./".to_owned(),
            _ => "../".repeat(depth),
        };
        let tidy = format!("/{}", names.join("/"));
        if let [name] = *names {
            let title = decode_part(name);
            let title = title.filter(|name| check_title_name(OsStr::new(name)).is_ok());
            // `TITLE` leads to `TITLE/`, and that to the master playlist.
            let location = match inner.ends_with('/') && depth == 1 {
                true => ENTRY.to_owned(),
                false => format!("{up}{name}/"),
            };
            return title.is_some().then_some(Self { title, location });
        }
        // A trailing slash names a folder, and only titles are redirected from those.
        let leads = tidy != path && !path.ends_with('/') && Resource::parse(&tidy).is_some();
        leads.then(|| Self {
            title: None,
            location: format!("{up}{}", &tidy[1..]),
        })
    }
}

/// The hash in the name of a file of weights.
pub(crate) fn weights_hash(name: &str) -> Option<&str> {
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
pub(crate) fn content_type(name: &str) -> Option<&'static str> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn file(path: &str, immutable: bool) -> Option<Resource> {
        let path = path.into();
        Some(Resource::File { path, immutable })
    }

    #[test]
    fn every_kind_of_resource_is_parsed() {
        use {Addressing::*, Protocol::*};
        for (path, protocol, addressing) in [
            ("t/master.m3u8", Hls, Ranges),
            ("t/manifest.mpd", Dash, Ranges),
            ("t/segments/master.m3u8", Hls, Segments),
            ("t/segments/manifest.mpd", Dash, Segments),
        ] {
            let expected = manifest(path, "t", protocol, addressing);
            assert_eq!(Resource::parse(&format!("/{path}")), Some(expected));
        }
        for (name, part) in [
            ("init.mp4", RungPart::Segment(0)),
            ("12.m4s", RungPart::Segment(12)),
            ("media.m3u8", RungPart::Playlist(MEDIA_NAME)),
            ("iframes.m3u8", RungPart::Playlist(IFRAMES_NAME)),
        ] {
            let stem = "t/0123abcd/mini-r8".to_owned();
            let parsed = Resource::parse(&format!("/{stem}/{name}"));
            assert_eq!(parsed, Some(Resource::Rung { stem, part }));
        }
        let hash = "5e".repeat(32);
        let weights = format!("/weights/{hash}.safetensors");
        for (path, meaning) in [
            (&*weights, Some(Resource::Weights { hash })),
            ("/My%20film/poster.jpg", file("My film/poster.jpg", false)),
            ("/t/0123abcd/r.mp4", file("t/0123abcd/r.mp4", true)),
        ] {
            assert_eq!(Resource::parse(path), meaning, "{path}");
        }
    }

    #[test]
    fn traversal_and_unknown_names_are_refused() {
        let paths = "
            /../etc/passwd.json /t/../../x.json /t/%2e%2e/x.json /t/%2E./x.json /t%2F..%2Fx.json
            /t/..%2f..%2fx.json /t/%252e%252e/x.json /t/..%5cx.json /t\\..\\x.json //t/master.m3u8
            /t//master.m3u8 /./t/master.m3u8 /t/%00master.m3u8 /t/master.m3u8%00.json /t/%ff.json
            /t/%zz.json /t/%1 /t/．．/x.json /t/\u{2025}/x.json /.t/master.m3u8 /t/.publish-x/a.mp4
            /t/key.pem /weights/5e5e.safetensors /t/x.safetensors /t/segments/other.m3u8
            /t/nohash/a.mp4 /weights/master.m3u8 /weights/0123abcd/a.mp4 /t/page.html /t/page.js
            /t/page.css /t/0123abcd/picture.svg /t/0123ABCD/a.mp4 /t/0123abcd/r/0.m4s
            /t/0123abcd/r/01.m4s /t/0123abcd/r/x.m4s /t/0123abcd/a/b/c.mp4 /t / t/master.m3u8
        ";
        let long = format!("/{}/a.mp4", "a".repeat(2000));
        for path in paths.split_whitespace().chain(["", &long]) {
            assert_eq!(Resource::parse(path), None, "{path}");
        }
        // Manifests refer to files of their own title only.
        let playlist = Resource::referred("t", "0123abcd/a.m3u8");
        assert_eq!(playlist, file("t/0123abcd/a.m3u8", true));
        for url in "master.m3u8 ../u/a.m3u8 /a.m3u8 http://host/a.m3u8 a/../b.m3u8 ".split(' ') {
            assert_eq!(Resource::referred("t", url), None, "{url}");
        }
    }

    #[test]
    fn repeated_slashes_and_titles_are_redirected() {
        for (path, title, location) in [
            ("/film", "film", "./film/"),
            ("/film/", "film", "master.m3u8"),
            ("//film", "film", "../film/"),
            ("/film//", "film", "../../film/"),
            ("/a%3Ab", "a:b", "./a%3Ab/"),
            ("//t/master.m3u8", "", "../../t/master.m3u8"),
            ("/t//master.m3u8", "", "../../t/master.m3u8"),
            (
                "/t///0123abcd/r//1.m4s",
                "",
                "../../../../../../t/0123abcd/r/1.m4s",
            ),
        ] {
            let expected = Detour {
                title: Some(title.to_owned()).filter(|title| !title.is_empty()),
                location: location.to_owned(),
            };
            assert_eq!(Detour::of(path), Some(expected), "{path}");
        }
        let none = "/t/master.m3u8 /t//..//master.m3u8 /t/x/ /.hidden /weights /%2e%2e / // ";
        for path in none.split(' ') {
            assert_eq!(Detour::of(path), None, "{path}");
        }
    }

    proptest! {
        #[test]
        fn no_path_leaves_the_root(path in "(/|\\.|%2e|%2f|%5c|\\\\|[a-f0-9]{8}|a|\\.mp4){0,12}") {
            let path = match Resource::parse(&path) {
                Some(Resource::File { path, .. }) => path,
                Some(Resource::Manifest(manifest)) => manifest.path,
                Some(Resource::Rung { stem, .. }) => stem,
                Some(Resource::Weights { hash }) => hash,
                None => return Ok(()),
            };
            let inside = |part: &str| !part.is_empty() && !part.starts_with('.');
            prop_assert!(!path.contains('\\') && path.split('/').all(inside), "{}", path);
        }
    }
}
