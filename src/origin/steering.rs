//! Content steering: the order in which a session should try several origins of the same titles.
//!
//! Each session draws its order from its name alone (weighted rendezvous hashing): every replica
//! gives it the same order, and a changed weight moves no more sessions than it must.

use serde::Deserialize;
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
    /// The pathways; one of them may be `.`, the host that the manifest came from.
    pub pathway: Vec<Pathway>,
}

/// One origin of the titles.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pathway {
    /// Its name: letters, digits, `.`, `-` and `_`.
    pub id: String,
    /// Its share of the sessions, relative to the sum of all weights; 0 for a last resort.
    pub weight: f64,
    /// The host that replaces the manifest's; none for `.`.
    pub host: Option<String>,
}

/// Inconsistent steering.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SteeringError {
    /// There is no pathway.
    #[error("pathway: expected at least one")]
    Empty,
    /// An id that is empty, occurs twice, or has other characters.
    #[error("pathway id `{0}`: expected letters, digits, `.`, `-`, `_`, each id once")]
    Id(String),
    /// A weight that is negative or not finite.
    #[error("weight of pathway `{0}`: expected a number from 0 up")]
    Weight(String),
    /// A host for `.`, or none for another pathway.
    #[error("host of pathway `{0}`: expected one for every pathway but `.`")]
    Host(String),
}

fn ttl() -> u32 {
    300
}

impl Steering {
    /// Fails if it is inconsistent.
    pub fn check(&self) -> Result<(), SteeringError> {
        let plain = |c: char| c.is_ascii_alphanumeric() || ".-_".contains(c);
        for (index, Pathway { id, weight, host }) in self.pathway.iter().enumerate() {
            let twice = self.pathway[..index].iter().any(|other| other.id == *id);
            if id.is_empty() || !id.chars().all(plain) || twice {
                return Err(SteeringError::Id(id.clone()));
            }
            if !weight.is_finite() || *weight < 0.0 {
                return Err(SteeringError::Weight(id.clone()));
            }
            if (id == HERE) == host.is_some() {
                return Err(SteeringError::Host(id.clone()));
            }
        }
        if self.pathway.is_empty() {
            return Err(SteeringError::Empty);
        }
        Ok(())
    }

    /// The pathways in the order that `session` should try them in.
    pub(super) fn order(&self, session: &str) -> Vec<&Pathway> {
        let mut order: Vec<&Pathway> = self.pathway.iter().collect();
        order.sort_by(|a, b| cost(a, session).total_cmp(&cost(b, session)));
        order
    }
}

/// An exponential variable whose rate is the weight: the minimum of several is a pathway's with a
/// probability of its weight over the sum of all.
fn cost(pathway: &Pathway, session: &str) -> f64 {
    let digest = Sha256::digest(format!("{session}\n{}", pathway.id));
    let bytes = digest[..6].iter();
    let number = bytes.fold(0u64, |sum, byte| sum << 8 | u64::from(*byte));
    let uniform = (number as f64 + 0.5) / (1u64 << 48) as f64;
    -uniform.ln() / pathway.weight
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

    #[test]
    fn sessions_are_shared_out_by_weight_and_stay() {
        let first = |steering: &Steering, session: usize| {
            let order = steering.order(&session.to_string());
            order[0].id.clone()
        };
        let before = steering(&[(".", 3.0), ("b", 1.0), ("never", 0.0)]);
        let share = |id: &str| (0..4000).filter(|n| first(&before, *n) == id).count();
        let here = share(".");
        let fits = (2900..3100).contains(&here);
        assert!(fits, "{here} of 4000 for a share of 3/4");
        assert_eq!(share("never"), 0);
        let after = steering(&[(".", 3.0), ("b", 2.0), ("never", 0.0)]);
        let strayed = (0..4000).filter(|n| first(&before, *n) == "b" && first(&after, *n) != "b");
        assert_eq!(strayed.count(), 0, "more weight takes no session away");
    }

    #[test]
    fn inconsistent_steering_is_refused() {
        assert_eq!(steering(&[(".", 1.0), ("b", 0.0)]).check(), Ok(()));
        let mut hostless = steering(&[("a", 1.0)]);
        hostless.pathway[0].host = None;
        let id = |id: &str| SteeringError::Id(id.into());
        let weight = || SteeringError::Weight("a".into());
        for (steering, error) in [
            (steering(&[]), SteeringError::Empty),
            (steering(&[("a", 1.0), ("a", 1.0)]), id("a")),
            (steering(&[("a b", 1.0)]), id("a b")),
            (steering(&[("a", -1.0)]), weight()),
            (steering(&[("a", f64::NAN)]), weight()),
            (hostless, SteeringError::Host("a".into())),
        ] {
            assert_eq!(steering.check(), Err(error));
        }
    }
}
