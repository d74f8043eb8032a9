//! Which segments make a title.

use crate::manifest::SourceRecord;
use crate::package::PackageError;
use crate::segment::hex;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

const VERSION: u32 = 1;
const MAX_SEGMENTS: usize = 1 << 16;

/// All segments of one input under one setting.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    version: u32,
    /// Everything but the frames that decides the bytes, as text for people.
    pub setting: String,
    /// How the pictures were made from the source, where that is to be published.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<SourceRecord>,
    /// Components of the rungs, rising.
    pub ranks: Vec<usize>,
    /// In order of time.
    pub segments: Vec<PlannedSegment>,
}

/// One segment of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedSegment {
    /// Name of its object.
    pub name: String,
    /// Pictures in it.
    pub frames: u32,
}

/// The name under which segment `number` (from 0) is kept. `setting` must contain everything but the
/// frames that decides its bytes; `cuts` are its keyframes, `frames` the pixels of its pictures.
pub fn segment_name<'a>(
    number: u32,
    setting: &str,
    cuts: &[u32],
    frames: impl Iterator<Item = &'a [u8]>,
) -> String {
    let mut hash = Sha256::new();
    hash.update(Sha256::digest(setting));
    hash.update((cuts.len() as u64).to_le_bytes());
    for cut in cuts {
        hash.update(cut.to_le_bytes());
    }
    for frame in frames {
        hash.update(frame);
    }
    format!("{number:05}-{}.zip", hex(&hash.finalize()[..8]))
}

impl Plan {
    /// A plan of these segments.
    pub fn new(setting: String, ranks: Vec<usize>, segments: Vec<PlannedSegment>) -> Self {
        Self {
            version: VERSION,
            setting,
            source: None,
            ranks,
            segments,
        }
    }

    /// The plan as an object: its name and its bytes.
    ///
    /// Fails if it cannot be written as JSON.
    pub fn to_object(&self) -> Result<(String, Vec<u8>), PackageError> {
        let bytes = serde_json::to_vec(self);
        let bytes = bytes.map_err(|error| PackageError::invalid("plan", error.to_string()))?;
        let hash = hex(&Sha256::digest(&bytes)[..8]);
        Ok((format!("plan-{hash}.json"), bytes))
    }

    /// Whether an object of this name is a plan.
    pub fn is_name(name: &str) -> bool {
        let name = name.strip_prefix("plan-");
        let hash = name.and_then(|name| name.strip_suffix(".json"));
        hash.is_some_and(|hash| hash.len() == 16 && is_hex(hash))
    }

    /// Reads the plan called `name`; `place` names it in errors.
    ///
    /// Fails if the name is not a hash of the bytes, or on another version.
    pub fn from_object(place: &str, name: &str, bytes: &[u8]) -> Result<Self, PackageError> {
        let invalid = |problem: String| PackageError::invalid(place, problem);
        let plan: Self = serde_json::from_slice(bytes).map_err(|e| invalid(e.to_string()))?;
        let (version, count) = (plan.version, plan.segments.len());
        let mut names = plan.segments.iter().map(|segment| &segment.name);
        let problem = if version != VERSION {
            format!("a plan of version {version}, expected {VERSION}")
        } else if plan.to_object()?.0 != name {
            "its name is not the hash of its content".to_owned()
        } else if !(1..=MAX_SEGMENTS).contains(&count) {
            format!("{count} segments, expected 1 to {MAX_SEGMENTS}")
        } else if let Some(foreign) = names.find(|name| !is_segment_name(name)) {
            format!("`{foreign}` is not the name of a segment")
        } else {
            return Ok(plan);
        };
        Err(invalid(problem))
    }
}

fn is_hex(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Whether `name` has the form of [`segment_name`], which leads to no other folder.
pub(super) fn is_segment_name(name: &str) -> bool {
    let name = name.strip_suffix(".zip");
    let parts = name.and_then(|name| name.split_once('-'));
    parts.is_some_and(|(number, hash)| {
        number.len() >= 5 && hash.len() == 16 && is_hex(number) && is_hex(hash)
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn names_depend_on_number_setting_keyframes_and_frames() {
        let name = |number, setting, position, grey: u8| {
            let frame = [grey; 3];
            segment_name(number, setting, &[position], [&frame[..]].into_iter())
        };
        let base = name(0, "a", 0, 0);
        assert_eq!(base, name(0, "a", 0, 0));
        assert!(is_segment_name(&base), "{base}");
        for other in [
            name(1, "a", 0, 0),
            name(0, "b", 0, 0),
            name(0, "a", 1, 0),
            name(0, "a", 0, 1),
        ] {
            assert_ne!(base, other);
        }
    }

    #[test]
    fn a_plan_whose_name_is_not_its_hash_is_refused() {
        let segment = PlannedSegment {
            name: segment_name(0, "a", &[0], std::iter::empty()),
            frames: 7,
        };
        let plan = Plan::new("a".to_owned(), vec![2, 4], vec![segment.clone()]);
        let (name, bytes) = plan.to_object().unwrap();
        assert!(Plan::is_name(&name) && !Plan::is_name("plan-x.json"));
        assert_eq!(Plan::from_object("p", &name, &bytes).unwrap(), plan);
        let mut other = plan.clone();
        other.segments[0].frames = 8;
        let none = Plan::new("a".to_owned(), vec![2], Vec::new());
        let mut foul = plan;
        foul.segments[0].name = "../../etc/passwd".to_owned();
        let object = |plan: &Plan| plan.to_object().unwrap();
        let half = bytes[..bytes.len() / 2].to_vec();
        for ((name, bytes), expected) in [
            ((name.clone(), half), "EOF"),
            ((name, object(&other).1), "its name is not the hash"),
            (object(&none), "0 segments"),
            (object(&foul), "passwd` is not the name of a segment"),
        ] {
            let error = Plan::from_object("here/plan", &name, &bytes).unwrap_err();
            let error = error.to_string();
            assert!(
                error.starts_with("here/plan: ") && error.contains(expected),
                "{error}"
            );
        }
    }
}
