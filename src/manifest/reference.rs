//! Relative URL references as text: joining them and making them relative again (RFC 3986 §5.2,
//! §5.2.3). The document's own place may be relative; then a leading `/` is kept.

/// The folder part of a reference: everything up to the last `/` of its path.
pub(crate) fn folder(reference: &str) -> &str {
    let path = &reference[..reference.find(['?', '#']).unwrap_or(reference.len())];
    path.rfind('/').map_or("", |at| &reference[..=at])
}

/// Resolves `reference` against the URL of its `document`.
pub(crate) fn join(document: &str, reference: &str) -> String {
    if has_scheme(reference) {
        return reference.to_owned();
    }
    let (scheme, authority) = root(document);
    if reference.starts_with("//") {
        return format!("{}{reference}", &document[..scheme]);
    }
    if reference.starts_with('/') {
        return format!("{}{reference}", &document[..authority]);
    }
    // An empty path with an authority stands for `/` (RFC 3986 §5.2.3).
    let base = folder(document).get(authority..).unwrap_or("/");
    let base = if base.is_empty() && authority > 0 {
        "/"
    } else {
        base
    };
    let (steps, name) = reference.split_at(folder(reference).len());
    let rooted = base.starts_with('/');
    let mut parts: Vec<&str> = base
        .split_terminator('/')
        .skip(usize::from(rooted))
        .collect();
    for step in steps.split_terminator('/') {
        match (step, parts.last()) {
            (".", _) => {}
            ("..", Some(last)) if *last != ".." => {
                parts.pop();
            }
            // The root cannot be climbed out of.
            ("..", None) if rooted => {}
            _ => parts.push(step),
        }
    }
    let mut joined = document[..authority].to_owned();
    joined.push_str(if rooted { "/" } else { "" });
    for part in parts {
        joined.push_str(part);
        joined.push('/');
    }
    joined + name
}

/// Where the scheme with its colon ends, and where the host ends; 0 for a missing part.
fn root(document: &str) -> (usize, usize) {
    let scheme = match has_scheme(document) {
        true => document.find(':').map_or(0, |at| at + 1),
        false => 0,
    };
    let authority = match document[scheme..].strip_prefix("//") {
        Some(rest) => {
            document.len() - rest.len() + rest.find(['/', '?', '#']).unwrap_or(rest.len())
        }
        None => scheme,
    };
    (scheme, authority)
}

/// A reference to `target` from a document at `document`, both relative to the same place.
/// `None` when the way up has a name that is not known.
pub(crate) fn relative(document: &str, target: &str) -> Option<String> {
    if is_absolute(target) {
        return Some(target.to_owned());
    }
    let mut from: Vec<&str> = folder(document).split_terminator('/').collect();
    let (steps, name) = target.split_at(folder(target).len());
    let mut to: Vec<&str> = steps.split_terminator('/').collect();
    let shared = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
    from.drain(..shared);
    to.drain(..shared);
    if from.contains(&"..") {
        return None;
    }
    let up = "../".repeat(from.len());
    let down: String = to.iter().map(|part| format!("{part}/")).collect();
    Some(up + &down + name)
}

fn is_absolute(reference: &str) -> bool {
    reference.starts_with('/') || has_scheme(reference)
}

fn has_scheme(reference: &str) -> bool {
    let first = reference.split(['/', '?', '#']).next().unwrap_or("");
    first.contains(':')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn joins_paths() {
        for (document, reference, joined) in [
            ("master.m3u8", "h/a.m3u8", "h/a.m3u8"),
            ("h/a.m3u8", "a.mp4", "h/a.mp4"),
            ("../h/a/media.m3u8", "1.m4s", "../h/a/1.m4s"),
            ("segments/master.m3u8", "../h/a.m3u8", "h/a.m3u8"),
            ("segments/master.m3u8", "../../h/a.m3u8", "../h/a.m3u8"),
            ("h/a.m3u8", "./b/../a.mp4", "h/a.mp4"),
            ("h/a.m3u8", "https://host/x", "https://host/x"),
            ("h/a.m3u8", "/x", "/x"),
            ("http://host/t/m.mpd", "../../../a", "http://host/a"),
            ("http://host", "a", "http://host/a"),
            ("http://host?x=/y/", "a", "http://host/a"),
            ("http://host/t/m.mpd", "/x/a", "http://host/x/a"),
            ("http://host/t/m.mpd", "//cdn/x/", "http://cdn/x/"),
            ("//cdn/x/", "../../a", "//cdn/a"),
            ("//cdn/x/", "/a", "//cdn/a"),
            ("t/m.mpd?from=a/b/c", "../a?to=b/../c", "a?to=b/../c"),
            ("/t/m.mpd", "../a", "/a"),
        ] {
            assert_eq!(join(document, reference), joined, "{document} {reference}");
        }
    }

    #[test]
    fn relative_undoes_join() {
        for (document, target, reference) in [
            ("h/a.m3u8", "h/a.mp4", "a.mp4"),
            ("../h/a/media.m3u8", "../h/a/1.m4s", "1.m4s"),
            ("h/a.m3u8", "g/a.mp4", "../g/a.mp4"),
            ("m.m3u8", "../a.mp4", "../a.mp4"),
        ] {
            assert_eq!(relative(document, target).as_deref(), Some(reference));
            assert_eq!(join(document, reference), target);
        }
        assert_eq!(relative("../x/m.m3u8", "a.mp4"), None);
    }
}
