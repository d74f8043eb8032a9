//! File patterns (`%03d` and globs), natural sort order (`frame9.png` before `frame10.png`), and gaps in
//! the numbering.

use super::error::SourceError;
use std::cmp::Ordering;
use std::path::{Path, PathBuf};

/// The files that `pattern` matches, in natural order; `None` if it is not a pattern. In the last part of
/// a path `%d` and `%03d` match a number; `*`, `?` and `[…]` are as in a shell.
pub(super) fn files(pattern: &Path) -> Result<Option<Vec<PathBuf>>, SourceError> {
    let Some(name) = pattern.file_name().and_then(|name| name.to_str()) else {
        return Ok(None);
    };
    if let Some(number) = Numbered::parse(name) {
        let folder = match pattern.parent() {
            Some(folder) if folder != Path::new("") => folder,
            _ => Path::new("."),
        };
        let matches = |name: &str| number.matches(name);
        return some(pattern, in_folder(folder, &matches)?).map(Some);
    }
    let text = pattern.to_str().unwrap_or_default();
    if !text.contains(['*', '?', '[']) {
        return Ok(None);
    }
    let bad = |error: glob::PatternError| SourceError::Pattern {
        path: pattern.into(),
        reason: error.to_string(),
    };
    let found = glob::glob(text).map_err(bad)?;
    let mut paths: Vec<PathBuf> = found
        .collect::<Result<_, _>>()
        .map_err(|error| SourceError::io(pattern, error.into()))?;
    paths.retain(|path| path.is_file());
    in_order(&mut paths);
    some(pattern, paths).map(Some)
}

fn some(pattern: &Path, paths: Vec<PathBuf>) -> Result<Vec<PathBuf>, SourceError> {
    match paths.is_empty() {
        false => Ok(paths),
        true => Err(SourceError::Pattern {
            path: pattern.into(),
            reason: "no file matches".into(),
        }),
    }
}

/// The files of `folder` whose names `matches`, in natural order.
pub(super) fn in_folder(
    folder: &Path,
    matches: &dyn Fn(&str) -> bool,
) -> Result<Vec<PathBuf>, SourceError> {
    let io = |e| SourceError::io(folder, e);
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(io)? {
        let path = entry.map_err(io)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if matches(&name) && path.is_file() {
            paths.push(path);
        }
    }
    in_order(&mut paths);
    Ok(paths)
}

/// A name with one number in it.
struct Numbered<'a> {
    before: &'a str,
    digits: usize,
    after: &'a str,
}

impl<'a> Numbered<'a> {
    fn parse(name: &'a str) -> Option<Self> {
        let (before, rest) = name.split_once('%')?;
        let (digits, after) = rest.split_once('d')?;
        let digits = match digits {
            "" => 1,
            _ => digits.strip_prefix('0')?.parse().ok()?,
        };
        Some(Self {
            before,
            digits,
            after,
        })
    }

    fn matches(&self, name: &str) -> bool {
        let number = name.strip_prefix(self.before);
        let number = number.and_then(|rest| rest.strip_suffix(self.after));
        number.is_some_and(|number| {
            let padded = number.len() == self.digits || !number.starts_with('0');
            number.len() >= self.digits && padded && number.bytes().all(|b| b.is_ascii_digit())
        })
    }
}

/// The numbers that are missing among names that differ in one number only, as text.
pub(super) fn gaps(paths: &[PathBuf]) -> Option<String> {
    let mut numbers = Vec::new();
    let mut frame: Option<(String, String)> = None;
    for path in paths {
        let name = path.file_stem()?.to_str()?;
        let end = name.rfind(|c: char| c.is_ascii_digit())? + 1;
        let start = name[..end]
            .trim_end_matches(|c: char| c.is_ascii_digit())
            .len();
        let around = (name[..start].to_owned(), name[end..].to_owned());
        if frame.get_or_insert_with(|| around.clone()) != &around {
            return None;
        }
        numbers.push(name[start..end].parse::<u64>().ok()?);
    }
    let holes = numbers.windows(2).filter(|pair| pair[1] > pair[0] + 1);
    let holes: Vec<String> = holes
        .map(|pair| match (pair[0] + 1, pair[1] - 1) {
            (first, last) if first == last => first.to_string(),
            (first, last) => format!("{first}-{last}"),
        })
        .collect();
    let (first, last) = (numbers.first()?, numbers.last()?);
    let count = numbers.len();
    (!holes.is_empty()).then(|| {
        let shown = holes[..holes.len().min(5)].join(", ");
        let more = if holes.len() > 5 { ", …" } else { "" };
        format!(
            "{count} pictures numbered {first} to {last}: missing {shown}{more}; read without gaps"
        )
    })
}

/// Sorts in natural order.
fn in_order(paths: &mut [PathBuf]) {
    paths.sort_by_cached_key(|path| Counted(path.to_string_lossy().into_owned()));
}

#[derive(PartialEq, Eq)]
struct Counted(String);

impl PartialOrd for Counted {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Counted {
    fn cmp(&self, other: &Self) -> Ordering {
        by_number(&self.0, &other.0).then_with(|| self.0.cmp(&other.0))
    }
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
    fn names_sort_in_natural_order() {
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

    #[test]
    fn numbers_match_the_padding_of_the_pattern() {
        let matches = |pattern, name| Numbered::parse(pattern).is_some_and(|n| n.matches(name));
        assert!(matches("f%03d.png", "f007.png") && matches("f%03d.png", "f1007.png"));
        assert!(!matches("f%03d.png", "f07.png") && !matches("f%03d.png", "f0007.png"));
        assert!(matches("%d.png", "12.png") && !matches("%d.png", "x.png"));
        assert!(Numbered::parse("100%.png").is_none() && Numbered::parse("%s.png").is_none());
    }

    #[test]
    fn missing_numbers_are_named() {
        let paths = |names: &[&str]| names.iter().map(PathBuf::from).collect::<Vec<_>>();
        let told = gaps(&paths(&["f1.png", "f2.png", "f4.png", "f8.png"]));
        assert_eq!(
            told.as_deref(),
            Some("4 pictures numbered 1 to 8: missing 3, 5-7; read without gaps")
        );
        assert_eq!(gaps(&paths(&["f1.png", "f2.png"])), None);
        assert_eq!(gaps(&paths(&["a1.png", "b3.png"])), None);
        assert_eq!(gaps(&paths(&["a.png", "b.png"])), None);
    }
}
