//! Tokens in front of a path: `/t/EXPIRY.MAC/TITLE/…`.
//!
//! Players resolve relative URLs and so carry a prefix to every playlist and segment, where they
//! would lose a query. `EXPIRY` is in seconds since 1970; `MAC` is the first 16 bytes of
//! HMAC-SHA256 over `promptus 1`, the expiry and the title, each on a line, in hex. A token opens
//! one title. Several keys may be valid at once, so that they can be replaced: the first signs.
//!
//! The same by hand:
//! `printf 'promptus 1\n1767225600\nmy film\n' | openssl dgst -sha256 -hmac KEY | cut -c1-32`
//! (the part after `= `).

use hmac::digest::KeyInit;
use hmac::{Hmac, Mac};
use sha2::Sha256;
use std::fmt;
use std::fmt::Write;

/// What stands before a token in a path.
pub(in crate::origin) const PREFIX: &str = "/t/";

/// Shortest key, in bytes.
pub const MIN_KEY: usize = 16;

const MAC_BYTES: usize = 16;

/// Keys that sign and check tokens. None: everything is open.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct TokenKeys(Vec<Vec<u8>>);

/// Why a token does not open a title.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    /// There is none, or what is there is none.
    #[error("a token is needed: /t/EXPIRY.MAC/TITLE/…")]
    Missing,
    /// Its time is over.
    #[error("the token has expired")]
    Expired,
    /// It was not made with one of the keys, or not for this title.
    #[error("the token is not for this title")]
    Wrong,
}

impl TokenKeys {
    /// Keys of at least [`MIN_KEY`] bytes each, the one that signs first. `None` if one is
    /// shorter.
    pub fn new(keys: Vec<Vec<u8>>) -> Option<Self> {
        keys.iter()
            .all(|key| key.len() >= MIN_KEY)
            .then_some(Self(keys))
    }

    /// Whether there is no key, and so no need of a token.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The path prefix `/t/EXPIRY.MAC` that opens `title` until `expiry`, in seconds since 1970.
    /// `None` without a key.
    pub fn sign(&self, title: &str, expiry: u64) -> Option<String> {
        let mac = mac(self.0.first()?, title, expiry)?.finalize().into_bytes();
        let mut prefix = format!("{PREFIX}{expiry}.");
        for byte in &mac[..MAC_BYTES] {
            // Writing to a String cannot fail.
            let _ = write!(prefix, "{byte:02x}");
        }
        Some(prefix)
    }

    /// Fails unless `token` opens `title` at `now`, in seconds since 1970. The comparison takes
    /// the same time wherever the two differ.
    pub(in crate::origin) fn check(
        &self,
        token: &str,
        title: &str,
        now: u64,
    ) -> Result<(), TokenError> {
        let (expiry, given) = take_apart(token).ok_or(TokenError::Missing)?;
        let fits = |key: &Vec<u8>| {
            mac(key, title, expiry).is_some_and(|mac| mac.verify_truncated_left(&given).is_ok())
        };
        match self.0.iter().any(fits) {
            true if now < expiry => Ok(()),
            true => Err(TokenError::Expired),
            false => Err(TokenError::Wrong),
        }
    }
}

impl fmt::Debug for TokenKeys {
    /// Keys are no one's business.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} keys", self.0.len())
    }
}

/// Splits `/t/TOKEN/rest` into the token and `/rest`.
pub(in crate::origin) fn split(path: &str) -> Option<(&str, &str)> {
    let after = path.strip_prefix(PREFIX)?;
    let (token, rest) = after.split_at(after.find('/')?);
    take_apart(token).map(|_| (token, rest))
}

fn take_apart(token: &str) -> Option<(u64, [u8; MAC_BYTES])> {
    let (expiry, mac) = token.split_once('.')?;
    let plain = (1..=12).contains(&expiry.len())
        && expiry.bytes().all(|byte| byte.is_ascii_digit())
        && !expiry.starts_with('0');
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let mac = mac.as_bytes();
    if !plain || mac.len() != 2 * MAC_BYTES {
        return None;
    }
    let mut bytes = [0; MAC_BYTES];
    for (byte, pair) in bytes.iter_mut().zip(mac.chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some((expiry.parse().ok()?, bytes))
}

fn mac(key: &[u8], title: &str, expiry: u64) -> Option<Hmac<Sha256>> {
    // Any length of key is taken.
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
    fn the_same_as_by_hand() {
        let prefix = keys(&[NEW]).sign("my film", 1_767_225_600).unwrap();
        assert_eq!(prefix, "/t/1767225600.50654fdf67ea7bc3dbadebccc4c85024");
    }

    #[test]
    fn a_token_opens_one_title_for_a_while() {
        let keys = keys(&[NEW]);
        let prefix = keys.sign("žába", 1000).unwrap();
        let (token, rest) = split(&format!("{prefix}/x/y"))
            .map(|(t, r)| (t.to_owned(), r.to_owned()))
            .unwrap();
        assert_eq!(rest, "/x/y");
        assert_eq!(keys.check(&token, "žába", 999), Ok(()));
        assert_eq!(keys.check(&token, "žába", 1000), Err(TokenError::Expired));
        assert_eq!(keys.check(&token, "other", 999), Err(TokenError::Wrong));
        let later = token.replace("1000.", "2000.");
        assert_eq!(keys.check(&later, "žába", 999), Err(TokenError::Wrong));
        // The clock may jump both ways; only what it says now counts.
        assert_eq!(
            keys.check(&token, "žába", u64::MAX),
            Err(TokenError::Expired)
        );
        assert_eq!(keys.check(&token, "žába", 0), Ok(()));
    }

    #[test]
    fn keys_are_replaced_one_after_the_other() {
        let before = keys(&[OLD]).sign("t", 1000).unwrap();
        let token = |prefix: &str| prefix[PREFIX.len()..].to_owned();
        let both = keys(&[NEW, OLD]);
        assert_eq!(both.check(&token(&before), "t", 1), Ok(()));
        assert_eq!(both.sign("t", 1000), keys(&[NEW]).sign("t", 1000));
        assert_eq!(
            keys(&[NEW]).check(&token(&before), "t", 1),
            Err(TokenError::Wrong)
        );
        assert_eq!(TokenKeys::new(vec![b"short".to_vec()]), None);
        assert_eq!(keys(&[]).sign("t", 1), None);
        assert_eq!(format!("{both:?}"), "2 keys");
    }

    #[test]
    fn what_is_no_token_is_not_split_off() {
        let mac = "0".repeat(32);
        assert!(split(&format!("/t/1.{mac}/x")).is_some());
        for path in [
            format!("/t/1.{mac}"),
            format!("/t/01.{mac}/x"),
            format!("/t/+1.{mac}/x"),
            format!("/t/1234567890123.{mac}/x"),
            format!("/t/1.{mac}0/x"),
            format!("/t/1.{}G/x", &mac[1..]),
            format!("/t/1.{}é/x", &mac[2..]),
            "/t/x/y".to_owned(),
            "/t/./x".to_owned(),
            "/x".to_owned(),
        ] {
            assert_eq!(split(&path), None, "{path}");
        }
    }
}
