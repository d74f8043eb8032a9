//! File patterns (`%03d` and globs), natural sort order (`frame9.png` before `frame10.png`), and gaps in
//! the numbering.

use super::error::SourceError;
use std::path::{Path, PathBuf};

/// The files that `pattern` matches, in natural order; `None` if it is not a pattern. In the last part of
/// a path `%d` and `%03d` match a number; `*`, `?` and `[…]` are as in a shell.
pub(super) fn files(pattern: &Path) -> Result<Option<Vec<PathBuf>>, SourceError> {
    let Some(name) = pattern.file_name().and_then(|name| name.to_str()) else {
        return Ok(None);
    };
    if let Some(matches) = numbered(name) {
        let folder = match pattern.parent() {
            Some(folder) if folder != Path::new("") => folder,
            _ => Path::new("."),
        };
        return some(pattern, in_folder(folder, &matches)?).map(Some);
    }
    let text = pattern.to_str().unwrap_or_default();
    if !text.contains(['*', '?', '[']) {
        return Ok(None);
    }
    let found = glob::glob(text);
    let found = found.map_err(|error| SourceError::invalid(pattern, error.to_string()))?;
    let paths = found.collect::<Result<Vec<_>, _>>();
    let mut paths = paths.map_err(|error| SourceError::io(pattern, error.into()))?;
    paths.retain(|path| path.is_file());
    in_order(&mut paths);
    some(pattern, paths).map(Some)
}

fn some(pattern: &Path, paths: Vec<PathBuf>) -> Result<Vec<PathBuf>, SourceError> {
    match paths.is_empty() {
        false => Ok(paths),
        true => Err(SourceError::invalid(pattern, "no file matches")),
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

/// Whether a name matches `pattern`, where `%d` or `%03d` stands for a number; `None` without one.
fn numbered(pattern: &str) -> Option<impl Fn(&str) -> bool> {
    let (before, rest) = pattern.split_once('%')?;
    let (digits, after) = rest.split_once('d')?;
    let digits: usize = match digits {
        "" => 1,
        _ => digits.strip_prefix('0')?.parse().ok()?,
    };
    Some(move |name: &str| {
        let number = name.strip_prefix(before);
        let number = number.and_then(|rest| rest.strip_suffix(after));
        number.is_some_and(|number| {
            let padded = number.len() == digits || !number.starts_with('0');
            number.len() >= digits && padded && number.bytes().all(|b| b.is_ascii_digit())
        })
    })
}

/// The numbers that are missing among names that differ in one number only, as text.
pub(super) fn gaps(paths: &[PathBuf]) -> Option<String> {
    let mut numbers = Vec::new();
    let mut frame: Option<(String, String)> = None;
    for path in paths {
        let name = path.file_stem()?.to_str()?;
        let digit = |c: char| c.is_ascii_digit();
        let end = name.rfind(digit)? + 1;
        let start = name[..end].trim_end_matches(digit).len();
        let around = (name[..start].to_owned(), name[end..].to_owned());
        if frame.get_or_insert_with(|| around.clone()) != &around {
            return None;
        }
        numbers.push(name[start..end].parse::<u64>().ok()?);
    }
    let holes = numbers.windows(2).filter(|pair| pair[1] > pair[0] + 1);
    let holes = holes.map(|pair| match (pair[0] + 1, pair[1] - 1) {
        (first, last) if first == last => first.to_string(),
        (first, last) => format!("{first}-{last}"),
    });
    let holes: Vec<String> = holes.collect();
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

fn in_order(paths: &mut [PathBuf]) {
    paths.sort_by_cached_key(|path| counted(&path.to_string_lossy()));
}

/// A key that sorts runs of digits as numbers: each run without leading zeros, after the text before
/// it and its length; last the name itself.
fn counted(name: &str) -> (Vec<(String, usize, String)>, String) {
    let (mut parts, mut rest) = (Vec::new(), name);
    while !rest.is_empty() {
        let start = rest.find(|c: char| c.is_ascii_digit());
        let (text, digits) = rest.split_at(start.unwrap_or(rest.len()));
        let end = digits.find(|c: char| !c.is_ascii_digit());
        let (number, after) = digits.split_at(end.unwrap_or(digits.len()));
        // A text that ends at digits sorts as if the text went on with one.
        let text = text.to_owned() + start.map_or("", |_| "0");
        let number = number.trim_start_matches('0').to_owned();
        parts.push((text, number.len(), number));
        rest = after;
    }
    (parts, name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_sort_in_natural_order() {
        let mut names = [
            "f10.png", "f9.png", "f009.png", "a2b10", "a2b9", "f.png", "",
        ];
        names.sort_by_key(|name| counted(name));
        let sorted = [
            "", "a2b9", "a2b10", "f.png", "f009.png", "f9.png", "f10.png",
        ];
        assert_eq!(names, sorted);
    }

    #[test]
    fn numbers_match_the_padding_of_the_pattern() {
        for (pattern, names, expected) in [
            ("f%03d.png", ["f007.png", "f1007.png"], Some(true)),
            ("f%03d.png", ["f07.png", "f0007.png"], Some(false)),
            ("%d.png", ["12.png", "7.png"], Some(true)),
            ("%d.png", ["x.png", "12"], Some(false)),
            ("100%.png", ["", ""], None),
            ("%s.png", ["", ""], None),
        ] {
            let found = names.map(|name| numbered(pattern).map(|matches| matches(name)));
            assert_eq!(found, [expected; 2], "{pattern}");
        }
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
