//! Which names a title can have: its folder's name is one part of every URL of the title.
//!
//! Percent-encoding carries any Unicode name, so only names are ruled out that are not text, that
//! stores refuse, or that have a meaning of their own in a path.

use std::ffi::OsStr;
use std::path::{Path, absolute};

/// The folder of generators' weights, next to the titles.
pub const WEIGHTS_FOLDER: &str = "weights";

/// First parts of paths that an origin answers itself.
const TAKEN: [&str; 4] = [WEIGHTS_FOLDER, "_page", "_player", "watch"];

/// Longest name that file systems take, in bytes.
const LONGEST: usize = 255;

/// A name that no origin can serve.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a title named {name:?} cannot be served: {problem}")]
pub struct NameError {
    /// The name; bytes that are not UTF-8 are replaced.
    pub name: String,
    /// Its fault.
    pub problem: &'static str,
}

/// Whether an origin can serve the title in `folder`, by the folder's name. A path that ends in
/// `..` passes: its name is not known without a look at the disk.
///
/// ```
/// use promptus::manifest::check_title_folder;
/// use std::path::Path;
/// assert!(check_title_folder(Path::new("titles/Čáp [2] 100 % 🎬")).is_ok());
/// assert!(check_title_folder(Path::new("titles/.hidden")).is_err());
/// ```
pub fn check_title_folder(folder: &Path) -> Result<(), NameError> {
    let folder = absolute(folder).unwrap_or_else(|_| folder.to_owned());
    folder.file_name().map_or(Ok(()), check_title_name)
}

/// Whether an origin can serve a title whose folder has this name.
pub fn check_title_name(name: &OsStr) -> Result<(), NameError> {
    let problem = match name.to_str() {
        None => Some("it is not UTF-8"),
        Some(name) if TAKEN.contains(&name) => Some("the origin uses this path itself"),
        Some(name) => problem_of_part(name),
    };
    problem.map_or(Ok(()), |problem| {
        let name = name.to_string_lossy().into_owned();
        Err(NameError { name, problem })
    })
}

/// Why `name` cannot be one part of a path in a store, if it cannot.
pub(crate) fn problem_of_part(name: &str) -> Option<&'static str> {
    let faults = [
        (name.is_empty(), "it is empty"),
        (
            name.starts_with('.'),
            "it begins with a dot, as hidden files do",
        ),
        (name.contains(['/', '\\']), "it has a slash or backslash"),
        (
            name.contains(char::is_control),
            "it has a control character",
        ),
        (name.len() > LONGEST, "it is longer than 255 bytes"),
    ];
    let fault = faults.into_iter().find(|(found, _)| *found);
    fault.map(|(_, problem)| problem)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_text_without_a_meaning_in_paths_is_a_name() {
        for name in [
            "film",
            "Cafe\u{301} (decomposed)",
            "🎬👩‍👩‍👧",
            "a[1] what? 100% #3 & more; x=y+z",
            "-x",
            "…",
            "Wait...",
            " blank ",
            "~",
            "\u{202e}abc",
        ] {
            assert_eq!(check_title_name(OsStr::new(name)), Ok(()), "{name}");
        }
        for (name, problem) in [
            ("", "empty"),
            (".publish-x", "dot"),
            ("..", "dot"),
            ("a/b", "slash"),
            ("a\\b", "backslash"),
            ("a\nb", "control"),
            ("a\u{85}b", "control"),
            ("a\u{7f}", "control"),
            ("weights", "itself"),
            ("_page", "itself"),
            (&"é".repeat(128), "255"),
        ] {
            let found = check_title_name(OsStr::new(name)).map_err(|error| error.to_string());
            assert!(
                found.is_err_and(|text| text.contains(problem)),
                "{name:?}: {problem}"
            );
        }
    }

    #[cfg(unix)]
    #[test]
    fn latin_1_is_named_as_such() {
        use std::os::unix::ffi::OsStrExt;
        let folder = Path::new("titles").join(OsStr::from_bytes(b"caf\xe9"));
        let error = check_title_folder(&folder).map_err(|error| error.to_string());
        let text = "a title named \"caf\u{fffd}\" cannot be served: it is not UTF-8";
        assert_eq!(error, Err(text.to_owned()));
        assert_eq!(check_title_folder(Path::new("titles/..")), Ok(()));
    }
}
