//! Content steering: which of several ways to the same titles a player should take.
//!
//! One JSON for HLS (RFC 8216bis §7.1) and DASH (ETSI TS 103 998): pathways in order of
//! preference. The first one follows the configured weights: each session draws its order from its
//! name alone (weighted rendezvous hashing), so it keeps it on every replica and a changed weight
//! moves no more sessions than it must.

use super::edge::Peer;
use super::telemetry::cmcd::Cmcd;
use super::{Origin, OriginError};
use axum::Json;
use axum::extract::{Extension, State};
use axum::http::Uri;
use axum::http::header::{CACHE_CONTROL, HeaderMap};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// The pathway of variants that name none (RFC 8216bis §4.4.6.2): that of every manifest of ours.
pub(super) const HERE: &str = ".";

/// How players are steered.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Steering {
    /// Seconds after which players ask again.
    #[serde(default = "ttl")]
    pub ttl_s: u32,
    /// The ways; one of them may be `.`, this origin as the manifest was reached.
    pub pathway: Vec<Pathway>,
}

/// One way to the titles.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pathway {
    /// Its name: letters, digits, `.`, `-` and `_`.
    pub id: String,
    /// Its share of the sessions among all weights; 0 only as a last resort.
    pub weight: f64,
    /// The host that replaces the one of the manifest; none for `.`.
    pub host: Option<String>,
}

fn ttl() -> u32 {
    300
}

impl Steering {
    /// What is wrong with it, if anything.
    pub fn problem(&self) -> Option<String> {
        let plain = |c: char| c.is_ascii_alphanumeric() || ".-_".contains(c);
        for (at, pathway) in self.pathway.iter().enumerate() {
            let id = &pathway.id;
            let twice = self.pathway[..at].iter().any(|other| other.id == *id);
            if id.is_empty() || !id.chars().all(plain) || twice {
                return Some(format!(
                    "pathway id `{id}`: expected letters, digits, `.`, `-`, `_`, each id once"
                ));
            }
            if !pathway.weight.is_finite() || pathway.weight < 0.0 {
                return Some(format!(
                    "weight of pathway `{id}`: expected a number from 0 up"
                ));
            }
            if (id == HERE) == pathway.host.is_some() {
                return Some(format!(
                    "host of pathway `{id}`: expected one for every pathway but `.`"
                ));
            }
        }
        self.pathway
            .is_empty()
            .then(|| "pathway: expected at least one".to_owned())
    }

    /// The pathways in the order that `session` should try them in.
    fn order(&self, session: &str) -> Vec<&Pathway> {
        let mut order: Vec<&Pathway> = self.pathway.iter().collect();
        order.sort_by(|a, b| cost(a, session).total_cmp(&cost(b, session)));
        order
    }
}

/// An exponential variable of the pathway's rate: the least of several is one's with a probability
/// of its weight over all weights.
fn cost(pathway: &Pathway, session: &str) -> f64 {
    let digest = Sha256::digest(format!("{session}\n{}", pathway.id));
    let number = digest
        .iter()
        .take(6)
        .fold(0u64, |number, byte| number << 8 | u64::from(*byte));
    let uniform = (number as f64 + 0.5) / (1u64 << 48) as f64;
    -uniform.ln() / pathway.weight
}

#[derive(Serialize)]
#[serde(rename_all = "SCREAMING-KEBAB-CASE")]
struct Answer<'a> {
    version: u32,
    ttl: u32,
    reload_uri: String,
    pathway_priority: Vec<&'a str>,
    pathway_clones: Vec<Clone<'a>>,
}

/// A pathway that the manifest does not list: the same with another host (RFC 8216bis §7.2).
#[derive(Serialize)]
#[serde(rename_all = "SCREAMING-KEBAB-CASE")]
struct Clone<'a> {
    base_id: &'static str,
    id: &'a str,
    uri_replacement: Replacement<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "SCREAMING-KEBAB-CASE")]
struct Replacement<'a> {
    host: &'a str,
}

/// `/steering.json`: for the session that CMCD names, that an earlier answer named, or else for
/// the client's address.
pub(super) async fn steer(
    State(origin): State<Origin>,
    peer: Option<Extension<Peer>>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, OriginError> {
    let live = origin.live();
    let steering = live.settings.steering.as_ref();
    let steering = steering.ok_or_else(|| OriginError::not_found("steering.json"))?;
    let session = session(&uri, &headers, peer.map(|Extension(peer)| peer));
    let order = steering.order(&session);
    let clones = steering.pathway.iter().filter_map(|pathway| {
        Some(Clone {
            base_id: HERE,
            id: &pathway.id,
            uri_replacement: Replacement {
                host: pathway.host.as_deref()?,
            },
        })
    });
    let answer = Answer {
        version: 1,
        ttl: steering.ttl_s,
        reload_uri: format!("steering.json?session={session}"),
        pathway_priority: order.iter().map(|pathway| pathway.id.as_str()).collect(),
        pathway_clones: clones.collect(),
    };
    Ok(([(CACHE_CONTROL, "no-store")], Json(answer)).into_response())
}

/// A short name of the session, fit for a URL.
fn session(uri: &Uri, headers: &HeaderMap, peer: Option<Peer>) -> String {
    let parts = uri.query().unwrap_or("").split('&');
    let given = parts
        .filter_map(|part| part.strip_prefix("session="))
        .next();
    let plain = |name: &&str| name.len() == 16 && name.bytes().all(|b| b.is_ascii_hexdigit());
    if let Some(given) = given.filter(plain) {
        return given.to_owned();
    }
    let cmcd = Cmcd::of(uri.query(), headers);
    let name = match (cmcd.text("sid"), peer) {
        (Some(sid), _) => sid.to_owned(),
        (None, Some(Peer(address))) => address.ip().to_string(),
        (None, None) => String::new(),
    };
    let digest = Sha256::digest(name);
    digest[..8]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steering(weights: &[(&str, f64)]) -> Steering {
        let pathway = |(id, weight): &(&str, f64)| Pathway {
            id: (*id).to_owned(),
            weight: *weight,
            host: (*id != HERE).then(|| format!("{id}.example")),
        };
        Steering {
            ttl_s: 10,
            pathway: weights.iter().map(pathway).collect(),
        }
    }

    fn first(steering: &Steering, session: usize) -> String {
        let order = steering.order(&session.to_string());
        order
            .first()
            .map_or(String::new(), |pathway| pathway.id.clone())
    }

    #[test]
    fn sessions_are_shared_out_by_weight_and_stay() {
        let before = steering(&[(".", 3.0), ("b", 1.0), ("never", 0.0)]);
        let share =
            |steering: &Steering, id: &str| (0..4000).filter(|n| first(steering, *n) == id).count();
        let here = share(&before, ".");
        assert!(
            (2900..3100).contains(&here),
            "{here} of 4000 for a share of 3/4"
        );
        assert_eq!(share(&before, "never"), 0);
        let after = steering(&[(".", 3.0), ("b", 2.0), ("never", 0.0)]);
        let strayed = (0..4000).filter(|n| first(&before, *n) == "b" && first(&after, *n) != "b");
        assert_eq!(strayed.count(), 0, "more weight takes no session away");
    }

    #[test]
    fn what_makes_no_sense_is_said() {
        assert_eq!(steering(&[(".", 1.0), ("b", 0.0)]).problem(), None);
        for (steering, problem) in [
            (steering(&[]), "at least one"),
            (steering(&[("a", 1.0), ("a", 1.0)]), "each id once"),
            (steering(&[("a b", 1.0)]), "letters"),
            (steering(&[("a", -1.0)]), "from 0 up"),
            (steering(&[("a", f64::NAN)]), "from 0 up"),
        ] {
            let found = steering.problem().unwrap_or_default();
            assert!(found.contains(problem), "{found}");
        }
        let mut hostless = steering(&[("a", 1.0)]);
        hostless.pathway[0].host = None;
        assert!(
            hostless
                .problem()
                .is_some_and(|problem| problem.contains("host"))
        );
    }
}
