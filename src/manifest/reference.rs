//! Relative URL references as text: joining them and making them relative again (RFC 3986 §5.2,
//! for paths only). Knows no hosts: a reference with a scheme or a leading `/` is left as it is.

/// The folder part of a reference: everything up to its last `/`.
pub(crate) fn folder(reference: &str) -> &str {
    reference.rfind('/').map_or("", |at| &reference[..=at])
}

/// What `reference` means in a document that lies at `document`.
pub(crate) fn join(document: &str, reference: &str) -> String {
    if is_absolute(reference) {
        return reference.to_owned();
    }
    let base = folder(document);
    // The root or authority of an absolute base cannot be climbed out of.
    let root = base
        .find("://")
        .map_or(usize::from(base.starts_with('/')), |at| {
            base[at + 3..]
                .find('/')
                .map_or(base.len(), |slash| at + 4 + slash)
        });
    let (root, path) = base.split_at(root);
    let mut parts: Vec<&str> = path.split_terminator('/').collect();
    let (steps, name) = reference.split_at(folder(reference).len());
    for step in steps.split_terminator('/') {
        match (step, parts.last()) {
            (".", _) => {}
            ("..", Some(last)) if *last != ".." => {
                parts.pop();
            }
            ("..", None) if !root.is_empty() => {}
            _ => parts.push(step),
        }
    }
    let mut joined = root.to_owned();
    for part in parts {
        joined.push_str(part);
        joined.push('/');
    }
    joined + name
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
    let scheme = reference.split(['/', '?', '#']).next().unwrap_or("");
    reference.starts_with('/') || scheme.contains(':')
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
            ("http://host", "a", "http://a"),
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
