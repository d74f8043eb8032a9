//! Shards: how the segments of an input are divided among jobs.

use std::fmt;
use std::str::FromStr;

/// One of several equal shards: every `of`th segment, from number `index` on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    index: u32,
    of: u32,
}

impl Shard {
    /// The only shard: all segments.
    pub const ALL: Self = Self { index: 0, of: 1 };

    /// Whether segment `number` (from 0) belongs to the shard.
    pub fn has(self, number: u32) -> bool {
        number % self.of == self.index
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.of)
    }
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let numbers = text.split_once('/');
        let numbers = numbers.and_then(|(i, n)| Some((i.parse().ok()?, n.parse().ok()?)));
        match numbers {
            Some((index, of)) if index < of => Ok(Self { index, of }),
            _ => Err(format!(
                "`{text}`: expected I/N with I from 0 to N-1, such as 0/4"
            )),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::Shard;

    #[test]
    fn shards_are_disjoint_and_complete() {
        for of in 1..5 {
            let shards = (0..of).map(|i| format!("{i}/{of}").parse::<Shard>().unwrap());
            let shards: Vec<Shard> = shards.collect();
            for number in 0..20 {
                assert_eq!(shards.iter().filter(|s| s.has(number)).count(), 1);
            }
        }
        for wrong in ["", "1", "1/1", "-1/2", "0/0", "a/b", "4/2"] {
            assert!(wrong.parse::<Shard>().is_err(), "{wrong}");
        }
    }
}
