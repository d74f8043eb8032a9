//! Files inside the binary: the demonstration title, its originals and a recorded network, so that an
//! installed `promptus` needs no checkout.
//!
//! ```
//! let titles = promptus::shipped::titles()?;
//! assert!(titles.path().join("demo/master.m3u8").is_file());
//! # Ok::<(), std::io::Error>(())
//! ```

use std::fs;
use std::io;
use std::path::Path;

/// A file: its path below the folder that it is written to, and its content.
#[derive(Debug, Clone, Copy)]
pub struct File {
    /// Relative path with `/`.
    pub path: &'static str,
    /// The content.
    pub bytes: &'static [u8],
}

macro_rules! files {
    ($folder:literal: $($path:literal),* $(,)?) => {
        &[$(File {
            path: $path,
            bytes: include_bytes!(concat!("../", $folder, $path)),
        }),*]
    };
}

/// The titles: `demo`, 24 seconds of profile `mini` in four rungs.
pub const TITLES: &[File] = files!["manifests/":
    "demo/master.m3u8",
    "demo/manifest.mpd",
    "demo/quality.json",
    "demo/published.json",
    "demo/poster.jpg",
    "demo/07951c2378bb8cb7/mini-r4.mp4",
    "demo/07951c2378bb8cb7/mini-r4.m3u8",
    "demo/07951c2378bb8cb7/mini-r4-iframes.m3u8",
    "demo/07951c2378bb8cb7/mini-r7.mp4",
    "demo/07951c2378bb8cb7/mini-r7.m3u8",
    "demo/07951c2378bb8cb7/mini-r7-iframes.m3u8",
    "demo/07951c2378bb8cb7/mini-r11.mp4",
    "demo/07951c2378bb8cb7/mini-r11.m3u8",
    "demo/07951c2378bb8cb7/mini-r11-iframes.m3u8",
    "demo/07951c2378bb8cb7/mini-r16.mp4",
    "demo/07951c2378bb8cb7/mini-r16.m3u8",
    "demo/07951c2378bb8cb7/mini-r16-iframes.m3u8",
];

/// The input that the title was encoded from, a pan-and-zoom recipe (`recipe.json`) with its
/// photographs and their credits, and the recorded network of the demonstration (`trace.csv`).
pub const DEMO: &[File] = files!["static/demo/":
    "recipe.json",
    "astronaut.jpg",
    "chelsea.jpg",
    "coffee.jpg",
    "hubble.jpg",
    "rocket.jpg",
    "CREDITS.md",
    "trace.csv",
];

/// Writes `files` below `folder`, each atomically; files that have the right content stay untouched.
pub fn write(files: &[File], folder: &Path) -> io::Result<()> {
    for File { path, bytes } in files {
        let path = folder.join(path);
        if fs::read(&path).is_ok_and(|there| there == *bytes) {
            continue;
        }
        let parent = path.parent().unwrap_or(folder);
        fs::create_dir_all(parent)?;
        let part = path.with_extension(format!("part-{}", std::process::id()));
        fs::write(&part, bytes)?;
        fs::rename(&part, &path)?;
    }
    Ok(())
}

/// The titles in a temporary folder, which is removed when the handle is dropped. `demo` has its
/// originals beside it, for the watch page.
pub fn titles() -> io::Result<tempfile::TempDir> {
    let folder = tempfile::Builder::new()
        .prefix("promptus-titles-")
        .tempdir()?;
    write(TITLES, folder.path())?;
    write(DEMO, &folder.path().join("demo"))?;
    Ok(folder)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::{DEMO, File, TITLES};
    use std::fs;
    use std::path::Path;

    fn count(folder: &Path) -> usize {
        let entries = fs::read_dir(folder).unwrap();
        let paths = entries.map(|entry| entry.unwrap().path());
        let counts = paths.map(|path| if path.is_dir() { count(&path) } else { 1 });
        counts.sum()
    }

    #[test]
    fn every_file_of_the_demonstration_is_inside() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        for (files, folder) in [(TITLES, "manifests"), (DEMO, "static/demo")] {
            assert_eq!(count(&root.join(folder)), files.len(), "{folder}");
            for File { path, bytes } in files {
                let there = fs::read(root.join(folder).join(path)).unwrap();
                assert_eq!(there, *bytes, "{path}");
            }
        }
    }
}
