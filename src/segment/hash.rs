//! Hashes as text: lower-case hex digits, as manifests, file names and messages write them.

use std::fmt::Write;

/// `bytes` as lower-case hex digits, two a byte.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The 32 bytes of a SHA-256 written as 64 hex digits of either case; `None` for any other text.
///
/// ```
/// use promptus::segment::{hex, parse_sha256};
/// let hash = [0xab; 32];
/// assert_eq!(parse_sha256(&hex(&hash)), Some(hash));
/// assert_eq!(parse_sha256("ab"), None);
/// ```
pub fn parse_sha256(text: &str) -> Option<[u8; 32]> {
    let digits = |byte: u8| char::from(byte).to_digit(16);
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let bytes = pairs.iter().map(|&[high, low]| {
        let value = digits(high)? << 4 | digits(low)?;
        u8::try_from(value).ok()
    });
    let bytes: Option<Vec<u8>> = bytes.collect();
    bytes.filter(|_| rest.is_empty())?.try_into().ok()
}
