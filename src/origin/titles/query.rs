//! The query of a manifest's URL: `max_rank=N` leaves out the rungs above a rank, `profile=NAME`
//! those of other generators.
//!
//! Caches in front store a copy for each notation of a query. So one is canonical (`max_rank`
//! before `profile`, each at most once and without escapes), and others are redirected to it.
//! Parameters without a meaning here (CMCD, a cache's own) are kept and have no effect.

use crate::origin::error::{OriginError, Result};
use crate::origin::percent::decode_part;

/// Longest query, in bytes: every key of CMCD fits several times over.
pub(crate) const MAX_QUERY: usize = 4096;

/// The rungs that a manifest shall contain.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Filter {
    /// No rung above this rank.
    pub(crate) max_rank: Option<u32>,
    /// Only rungs of this profile.
    pub(crate) profile: Option<String>,
}

/// A valid query.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Query {
    /// In canonical form.
    Canonical(Filter),
    /// In another form; this is the canonical one.
    Other(String),
}

impl Filter {
    /// Reads the query of a manifest's URL.
    ///
    /// Fails on a rank that is not a number from 1 up, on an invalid profile name, and on a
    /// parameter that is given twice with different values.
    pub(crate) fn parse(query: &str) -> Result<Query> {
        let mut filter = Self::default();
        let mut rest = Vec::new();
        for part in query.split('&').filter(|part| !part.is_empty()) {
            match part.split_once('=').unwrap_or((part, "")) {
                ("max_rank", value) => set(&mut filter.max_rank, rank(value), part)?,
                ("profile", value) => set(&mut filter.profile, profile(value), part)?,
                _ => rest.push(part),
            }
        }
        let rank = filter.max_rank.map(|rank| format!("max_rank={rank}"));
        let profile = filter.profile.as_ref();
        let profile = profile.map(|name| format!("profile={name}"));
        let rest = rest.into_iter().map(str::to_owned);
        let canonical: Vec<String> = rank.into_iter().chain(profile).chain(rest).collect();
        let canonical = canonical.join("&");
        Ok(match canonical == query {
            true => Query::Canonical(filter),
            false => Query::Other(canonical),
        })
    }

    /// Whether it takes every rung.
    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether it takes a rung.
    pub(crate) fn takes(&self, profile: &str, rank: u32) -> bool {
        let fits = |wanted: &String| wanted == profile;
        self.max_rank.is_none_or(|most| rank <= most) && self.profile.as_ref().is_none_or(fits)
    }
}

fn set<T: PartialEq>(place: &mut Option<T>, value: Option<T>, part: &str) -> Result<()> {
    let wrong = |problem| OriginError::Query {
        part: part.chars().take(80).collect(),
        problem,
    };
    let value =
        value.ok_or_else(|| wrong("expected max_rank=1 or more, profile=letters and digits"))?;
    match place.replace(value) {
        Some(before) if Some(&before) != place.as_ref() => Err(wrong("it contradicts another")),
        _ => Ok(()),
    }
}

fn rank(value: &str) -> Option<u32> {
    let value = decode_part(value)?;
    let digits = value.bytes().all(|byte| byte.is_ascii_digit());
    value.parse().ok().filter(|rank| digits && *rank > 0)
}

fn profile(value: &str) -> Option<String> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    decode_part(value).filter(|name| (1..=16).contains(&name.len()) && name.chars().all(allowed))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn queries_have_one_canonical_form() {
        let both = Filter {
            max_rank: Some(8),
            profile: Some("mini".into()),
        };
        assert!(both.takes("mini", 8) && !both.takes("mini", 9) && !both.takes("sd-turbo", 1));
        assert!(Filter::default().takes("any", 99));
        for (query, filter) in [
            ("", Filter::default()),
            ("max_rank=8&profile=mini", both.clone()),
            ("max_rank=8&profile=mini&CMCD=sf%3Dh&x", both),
            ("CMCD=br%3D9", Filter::default()),
        ] {
            let parsed = Filter::parse(query).unwrap();
            assert_eq!(parsed, Query::Canonical(filter), "{query}");
        }
        for query in [
            "profile=mini&max_rank=8",
            "max_rank=08&profile=mini",
            "max_rank=8&profile=%6dini",
            "max_rank=8&max_rank=8&profile=mini",
            "max_rank=8&&profile=mini",
            "&max_rank=8&profile=mini&",
        ] {
            let canonical = Query::Other("max_rank=8&profile=mini".into());
            assert_eq!(Filter::parse(query).unwrap(), canonical, "{query}");
        }
        let canonical = Query::Other("max_rank=2&CMCD=a".into());
        assert_eq!(Filter::parse("CMCD=a&max_rank=2").unwrap(), canonical);
    }

    #[test]
    fn invalid_parameters_are_refused() {
        let queries = "
            max_rank=0 max_rank= max_rank max_rank=-1 max_rank=%2b1 max_rank=99999999999
            max_rank=2&max_rank=3 profile= profile=a/b profile=%zz profile=abcdefghijklmnopq
            profile=a&profile=b
        ";
        for query in queries.split_whitespace() {
            assert!(Filter::parse(query).is_err(), "{query}");
        }
    }

    proptest! {
        #[test]
        fn the_canonical_form_is_canonical(
            query in "((max_rank|profile|CMCD|x)=?(%3[0-9]|[0-9a-z]{0,2})&?){0,5}"
        ) {
            if let Ok(Query::Other(canonical)) = Filter::parse(&query) {
                let again = Filter::parse(&canonical);
                prop_assert!(matches!(again, Ok(Query::Canonical(_))), "{} {}", query, canonical);
            }
        }
    }
}
