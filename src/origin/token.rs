//! Access tokens: a path prefix `/t/EXPIRY.MAC` that opens one title until it expires.
//!
//! A prefix, because players resolve relative URLs and so carry it to every playlist and segment,
//! while they drop a query. `EXPIRY` is in seconds since 1970; `MAC` is the first 16 bytes, in hex,
//! of HMAC-SHA256 (RFC 2104) over the lines `promptus 1`, expiry and title. Several keys may be
//! valid at once, so that keys can be rotated; the first one signs.
//!
//! The same in a shell:
//! `printf 'promptus 1\n1767225600\nmy film\n' | openssl dgst -sha256 -hmac KEY | cut -c1-32`
//! (the part after `= `).

use crate::segment::hex;
use hmac::digest::KeyInit;
use hmac::{Hmac, Mac};
use serde::Deserialize;
use sha2::Sha256;
use std::fmt;

/// Prefix of paths that carry a token.
const PREFIX: &str = "/t/";

/// Shortest key, in bytes.
pub const MIN_KEY: usize = 16;

const MAC_BYTES: usize = 16;

/// Keys that sign and check tokens; without any, every title is public. In a file, a list of texts.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Vec<String>")]
pub struct TokenKeys(Vec<Vec<u8>>);

/// A key that is too short to resist guessing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected keys of {MIN_KEY} bytes or more, found one of {length}")]
pub struct ShortKeyError {
    /// Its length in bytes.
    pub length: usize,
}

/// Why a token does not open a title.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    /// The path has no token, or a malformed one.
    #[error("a token is needed: /t/EXPIRY.MAC/TITLE/…")]
    Missing,
    /// The expiry has passed.
    #[error("the token has expired")]
    Expired,
    /// The MAC belongs to another key or to another title.
    #[error("the token is not for this title")]
    Wrong,
}

impl TokenKeys {
    /// Keys of at least [`MIN_KEY`] bytes each; the first one signs. Fails on a shorter one.
    pub fn new(keys: Vec<Vec<u8>>) -> Result<Self, ShortKeyError> {
        let short = keys.iter().map(Vec::len).find(|length| *length < MIN_KEY);
        short.map_or(Ok(Self(keys)), |length| Err(ShortKeyError { length }))
    }

    /// Whether there is no key, so that no token is needed.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The path prefix that opens `title` until `expiry`, in seconds since 1970. `None` without key.
    pub fn sign(&self, title: &str, expiry: u64) -> Option<String> {
        let mac = mac(self.0.first()?, title, expiry)?.finalize().into_bytes();
        Some(format!("{PREFIX}{expiry}.{}", hex(&mac[..MAC_BYTES])))
    }

    /// Fails unless `token` opens `title` at `now`, in seconds since 1970. Takes constant time.
    pub(super) fn check(&self, token: &str, title: &str, now: u64) -> Result<(), TokenError> {
        let (expiry, given) = parse(token).ok_or(TokenError::Missing)?;
        let fits = |key: &Vec<u8>| {
            mac(key, title, expiry).is_some_and(|mac| mac.verify_truncated_left(&given).is_ok())
        };
        if !self.0.iter().any(fits) {
            Err(TokenError::Wrong)
        } else if now >= expiry {
            Err(TokenError::Expired)
        } else {
            Ok(())
        }
    }
}

impl TryFrom<Vec<String>> for TokenKeys {
    type Error = ShortKeyError;

    fn try_from(keys: Vec<String>) -> Result<Self, ShortKeyError> {
        Self::new(keys.into_iter().map(String::into_bytes).collect())
    }
}

impl fmt::Debug for TokenKeys {
    /// Shows how many there are only, as settings may be logged.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} keys", self.0.len())
    }
}

/// Splits `/t/TOKEN/rest` into the token and `/rest`.
pub(super) fn split(path: &str) -> Option<(&str, &str)> {
    let after = path.strip_prefix(PREFIX)?;
    let (token, rest) = after.split_at(after.find('/')?);
    parse(token).map(|_| (token, rest))
}

/// Expiry and MAC of a token: decimal without leading zeros, and lower-case hex.
fn parse(token: &str) -> Option<(u64, [u8; MAC_BYTES])> {
    let (expiry, mac) = token.split_once('.')?;
    let plain = (1..=12).contains(&expiry.len())
        && expiry.bytes().all(|byte| byte.is_ascii_digit())
        && !expiry.starts_with('0');
    let hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    if !plain || mac.len() != 2 * MAC_BYTES || !mac.bytes().all(hex) {
        return None;
    }
    let mac = u128::from_str_radix(mac, 16).ok()?.to_be_bytes();
    Some((expiry.parse().ok()?, mac))
}

fn mac(key: &[u8], title: &str, expiry: u64) -> Option<Hmac<Sha256>> {
    // HMAC takes keys of any length.
    let mut mac = Hmac::<Sha256>::new_from_slice(key).ok()?;
    mac.update(format!("promptus 1\n{expiry}\n{title}\n").as_bytes());
    Some(mac)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn keys(keys: &[&str]) -> TokenKeys {
        TokenKeys::new(keys.iter().map(|key| key.as_bytes().to_vec()).collect()).unwrap()
    }

    const OLD: &str = "an old key of some length";
    const NEW: &str = "a new key of some length";

    #[test]
    fn equals_openssl() {
        let prefix = keys(&[NEW]).sign("my film", 1_767_225_600).unwrap();
        assert_eq!(prefix, "/t/1767225600.50654fdf67ea7bc3dbadebccc4c85024");
    }

    #[test]
    fn a_token_opens_one_title_until_it_expires() {
        let (new, both) = (keys(&[NEW]), keys(&[NEW, OLD]));
        let token = |keys: &TokenKeys| keys.sign("žába", 1000).unwrap()[PREFIX.len()..].to_owned();
        let (signed, old) = (token(&new), token(&keys(&[OLD])));
        assert_eq!(token(&both), signed, "the first key signs");
        let later = signed.replace("1000.", "2000.");
        for (keys, token, title, now, expected) in [
            (&new, &signed, "žába", 999, Ok(())),
            (&new, &signed, "žába", 0, Ok(())),
            (&new, &signed, "žába", 1000, Err(TokenError::Expired)),
            (&new, &signed, "žába", u64::MAX, Err(TokenError::Expired)),
            (&new, &signed, "other", 999, Err(TokenError::Wrong)),
            (&new, &later, "žába", 999, Err(TokenError::Wrong)),
            (&new, &old, "žába", 999, Err(TokenError::Wrong)),
            (&both, &old, "žába", 999, Ok(())),
        ] {
            assert_eq!(keys.check(token, title, now), expected, "{title} {now}");
        }
        let short = TokenKeys::new(vec![b"short".to_vec()]);
        assert_eq!(short, Err(ShortKeyError { length: 5 }));
        assert_eq!(keys(&[]).sign("t", 1), None);
        assert_eq!(format!("{both:?}"), "2 keys");
    }

    #[test]
    fn malformed_tokens_are_not_split_off() {
        let mac = "0".repeat(32);
        let path = format!("/t/1.{mac}/x/y");
        assert_eq!(split(&path), Some((&path[3..37], "/x/y")));
        let paths = "/t/1.MAC /t/01.MAC/x /t/+1.MAC/x /t/1234567890123.MAC/x /t/1.MAC0/x /t/1.GMIN/x \
            /t/1.éMIN/x /t/x/y /t/./x /x";
        let paths = paths.replace("MAC", &mac).replace("MIN", &mac[1..]);
        for path in paths.split_whitespace() {
            assert_eq!(split(path), None, "{path}");
        }
    }
}
