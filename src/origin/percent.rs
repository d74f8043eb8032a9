//! Percent-encoding of path parts and query values (RFC 3986 §2.1).

/// Undoes percent-encoding. `None` if `%` lacks two hex digits, or if the result is not UTF-8.
pub(super) fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        rest = after;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let [high, low, after @ ..] = rest else {
            return None;
        };
        let digit = |byte: u8| char::from(byte).to_digit(16);
        bytes.push((digit(*high)? * 16 + digit(*low)?) as u8);
        rest = after;
    }
    String::from_utf8(bytes).ok()
}

/// The same for one part of a path; `None` also if it would hold a `/`, as it must stay one part.
pub(super) fn decode_part(part: &str) -> Option<String> {
    decode(part).filter(|text| !text.contains('/'))
}

/// Encodes a name as one part of a path.
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

/// Encodes a path part by part: a URL reference that manifests can be resolved against, as names
/// may hold `#`, `?` or `:`.
pub(super) fn encode_path(path: &str) -> String {
    path.split('/').map(encode).collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn decoding_undoes_encoding(name in "\\PC{1,20}") {
            prop_assume!(!name.contains('/'));
            prop_assert_eq!(decode_part(&encode(&name)), Some(name));
        }
    }
}
