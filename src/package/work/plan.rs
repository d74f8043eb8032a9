//! Which segments make a title.

use crate::manifest::SourceRecord;
use crate::package::PackageError;
use crate::segment::hex;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Version of the plan's layout.
const VERSION: u32 = 1;
/// Most segments of a plan.
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

/// The name under which segment `number` (from 0) is kept. `setting` must say everything but the
/// frames that decides its bytes; `positions` are its keyframes, `frames` the pixels of its
/// pictures.
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
        let bytes = bytes.map_err(|error| PackageError::mixed("plan", error.to_string()))?;
        let hash = hex(&Sha256::digest(&bytes)[..8]);
        Ok((format!("plan-{hash}.json"), bytes))
    }

    /// Whether an object of this name is a plan.
    pub fn is_name(name: &str) -> bool {
        let hash = name
            .strip_prefix("plan-")
            .and_then(|name| name.strip_suffix(".json"));
        hash.is_some_and(|hash| hash.len() == 16 && hash.bytes().all(|b| b.is_ascii_hexdigit()))
    }

    /// Reads the plan called `name`; `place` names it in errors.
    ///
    /// Fails if the name is not a hash of the bytes, or on another version.
    pub fn from_object(place: &str, name: &str, bytes: &[u8]) -> Result<Self, PackageError> {
        let damaged = |problem: String| PackageError::damaged(place, problem);
        let plan: Self =
            serde_json::from_slice(bytes).map_err(|error| damaged(error.to_string()))?;
        if plan.version != VERSION {
            let version = plan.version;
            return Err(damaged(format!(
                "a plan of version {version}, expected {VERSION}"
            )));
        }
        if plan.to_object()?.0 != name {
            return Err(damaged(
                "its content is not what its name stands for".to_owned(),
            ));
        }
        if plan.segments.is_empty() || plan.segments.len() > MAX_SEGMENTS {
            let count = plan.segments.len();
            return Err(damaged(format!(
                "{count} segments, expected 1 to {MAX_SEGMENTS}"
            )));
        }
        if !plan
            .segments
            .iter()
            .all(|segment| is_segment_name(&segment.name))
        {
            return Err(damaged("it names an object of no segment".to_owned()));
        }
        Ok(plan)
    }
}

/// A name as [`segment_name`] makes them: nothing that leads elsewhere.
pub(super) fn is_segment_name(name: &str) -> bool {
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_hexdigit());
    let parts = name
        .strip_suffix(".zip")
        .and_then(|name| name.split_once('-'));
    parts.is_some_and(|(number, hash)| {
        number.len() >= 5 && digits(number) && digits(hash) && hash.len() == 16
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
        let refused = |name: &str, bytes: &[u8]| {
            let error = Plan::from_object("here/plan", name, bytes).unwrap_err();
            let error = error.to_string();
            assert!(error.starts_with("here/plan: "), "{error}");
            error
        };
        assert!(refused(&name, &bytes[..bytes.len() / 2]).contains("EOF"));
        let mut other = plan.clone();
        other.segments[0].frames = 8;
        let bytes = other.to_object().unwrap().1;
        assert!(refused(&name, &bytes).contains("its name stands for"));
        let none = Plan::new("a".to_owned(), vec![2], Vec::new());
        let (name, bytes) = none.to_object().unwrap();
        assert!(refused(&name, &bytes).contains("0 segments"));
        let mut foul = plan;
        foul.segments[0].name = "../../etc/passwd".to_owned();
        let (name, bytes) = foul.to_object().unwrap();
        assert!(refused(&name, &bytes).contains("no segment"));
    }
}
