//! The store of finished segments: a folder, a bucket, or any other object store.
//!
//! Blocking, as fitting and publishing are. Every object appears whole or not at all; an existing
//! object is never changed, at most replaced by the same bytes.

use super::{FinishedSegment, Plan};
use crate::package::bucket::Bucket;
use crate::package::{PackageError, durable};
use crate::store::is_url;
use object_store::local::LocalFileSystem;
use object_store::{Attributes, ObjectStore, PutMode};
use std::path::Path;
use std::sync::Arc;

/// A place for the segments of encodes.
#[derive(Debug)]
pub struct WorkStore {
    bucket: Bucket,
}

impl WorkStore {
    /// Opens `place`: a URL (see [`crate::store::open`]), or a folder, which is made if it is
    /// missing.
    ///
    /// Fails if the folder cannot be made or the URL or its credentials are invalid.
    pub fn open(place: &str) -> Result<Self, PackageError> {
        match is_url(place) {
            true => Bucket::open(place).map(|bucket| Self { bucket }),
            false => Self::folder(Path::new(place)),
        }
    }

    /// The store of a folder, which is made if it is missing. Objects are synced to disk before
    /// a put returns.
    pub fn folder(folder: &Path) -> Result<Self, PackageError> {
        durable::create_dir_all(folder).map_err(PackageError::io(folder))?;
        let name = folder.display().to_string();
        let store = LocalFileSystem::new_with_prefix(folder);
        let store = store.map_err(PackageError::store(&name))?;
        Self::new(Arc::new(store.with_fsync(true)), name)
    }

    /// Any other store, called `name` in errors.
    pub fn new(store: Arc<dyn ObjectStore>, name: String) -> Result<Self, PackageError> {
        Bucket::new(store, name).map(|bucket| Self { bucket })
    }

    /// Name of the store in errors.
    pub fn name(&self) -> &str {
        self.bucket.name()
    }

    /// The plans in the store, by name.
    ///
    /// Fails if one is damaged.
    pub fn plans(&self) -> Result<Vec<(String, Plan)>, PackageError> {
        let mut names = self.bucket.list(None)?;
        names.retain(|name| Plan::is_name(name));
        let read = |name: String| {
            let found = self.bucket.get(&name)?;
            let bytes = found.map(|(bytes, _)| bytes).unwrap_or_default();
            let plan = Plan::from_object(&self.bucket.place(&name), &name, &bytes)?;
            Ok((name, plan))
        };
        names.into_iter().map(read).collect()
    }

    /// Puts a plan; returns its name.
    pub fn put_plan(&self, plan: &Plan) -> Result<String, PackageError> {
        let (name, bytes) = plan.to_object()?;
        self.put(&name, &bytes)?;
        Ok(name)
    }

    /// The numbers (from 0) of the segments of `plan` that are missing.
    pub fn missing(&self, plan: &Plan) -> Result<Vec<usize>, PackageError> {
        let names = self.bucket.list(None)?;
        let planned = plan.segments.iter().enumerate();
        let missing = planned.filter(|(_, segment)| names.binary_search(&segment.name).is_err());
        Ok(missing.map(|(number, _)| number).collect())
    }

    /// The segment called `name`, or `None` if it is missing. Fails if it is damaged.
    pub fn segment(&self, name: &str) -> Result<Option<FinishedSegment>, PackageError> {
        let Some((bytes, _)) = self.bucket.get(name)? else {
            return Ok(None);
        };
        FinishedSegment::from_bytes(&self.bucket.place(name), &bytes).map(Some)
    }

    /// As [`Self::segment`], but fails if it is missing.
    pub fn expect_segment(&self, name: &str) -> Result<FinishedSegment, PackageError> {
        let missing = || PackageError::invalid(self.bucket.place(name), "is missing");
        self.segment(name)?.ok_or_else(missing)
    }

    /// Puts a segment, whole or not at all.
    pub fn put_segment(&self, name: &str, segment: &FinishedSegment) -> Result<(), PackageError> {
        self.put(name, &segment.to_bytes()?)
    }

    fn put(&self, name: &str, bytes: &[u8]) -> Result<(), PackageError> {
        let (mode, attributes) = (PutMode::Overwrite, Attributes::new());
        self.bucket.put(name, bytes, mode, attributes).map(drop)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::manifest::Metrics;
    use crate::package::work::{PlannedSegment, assemble, segment_name};
    use crate::prompt::{Factors, KeyframeEncoder, Steps};
    use crate::segment::coded::{CodedFrame, CodedSegment};
    use crate::segment::testing::track;
    use object_store::limit::LimitStore;
    use object_store::memory::InMemory;

    /// A segment of one frame with real prompts.
    fn kept(number: u32) -> FinishedSegment {
        let track = track();
        let (shape, full) = (track.coding.shape, track.coding.full_rank);
        let value = |i: usize| ((i + number as usize) as f32 * 0.7).sin();
        let values = |count: usize| (0..count * full).map(value).collect();
        let factors = Factors::new(shape, full, values(shape.tokens), values(shape.dim));
        let factors = [factors.unwrap()];
        let steps = Steps::uniform(&factors, track.coding.quantiser, 0.1).unwrap();
        let mut encoder = KeyframeEncoder::new(track.coding, steps).unwrap();
        let layers = encoder.push(&factors[0]).unwrap().0.layers;
        FinishedSegment {
            segment: CodedSegment {
                frames: 1,
                chained: false,
                start_latent: None,
                keyframes: vec![CodedFrame {
                    position: 0,
                    layers: layers.into_iter().map(Into::into).collect(),
                }],
            },
            track,
            metrics: Vec::new(),
            measured_frames: None,
            poster: vec![number as u8],
        }
    }

    fn planned(number: u32) -> PlannedSegment {
        PlannedSegment {
            name: segment_name(number, "test", &[0], std::iter::empty()),
            frames: 1,
        }
    }

    #[test]
    fn segments_put_in_any_order_and_twice_are_found() {
        let memory: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
        let store = WorkStore::new(Arc::clone(&memory), "memory".to_owned()).unwrap();
        let plan = Plan::new("test".to_owned(), vec![1, 3], (0..3).map(planned).collect());
        assert_eq!(store.missing(&plan).unwrap(), [0, 1, 2]);
        for number in [2, 0, 2] {
            let name = &plan.segments[number].name;
            store.put_segment(name, &kept(number as u32)).unwrap();
        }
        let name = store.put_plan(&plan).unwrap();
        assert_eq!(store.put_plan(&plan).unwrap(), name);
        assert_eq!(store.plans().unwrap(), [(name, plan.clone())]);
        assert_eq!(store.missing(&plan).unwrap(), [1]);
        let [_, second, third] = [0, 1, 2].map(|n| &plan.segments[n].name);
        assert_eq!(store.segment(third).unwrap(), Some(kept(2)));
        assert_eq!(store.segment(second).unwrap(), None);
        let gone = store.expect_segment(second).unwrap_err();
        assert!(gone.to_string().ends_with("is missing"), "{gone}");

        store.put_segment(second, &kept(1)).unwrap();
        // Another view of the same store makes the same title.
        let limited = Arc::new(LimitStore::new(memory, 1));
        let other = WorkStore::new(limited, "other".to_owned()).unwrap();
        let title = |store: &WorkStore| {
            let fetch = |number: usize| store.expect_segment(&plan.segments[number].name);
            assemble(&plan, true, fetch).unwrap()
        };
        assert_eq!(title(&store).files, title(&other).files);
        assert_eq!(title(&store).content.poster, Some(vec![1]));
    }

    #[test]
    fn segments_of_another_plan_are_refused_by_name() {
        let plan = Plan::new("test".to_owned(), vec![1, 3], (0..2).map(planned).collect());
        let refused = |change: &dyn Fn(&mut FinishedSegment), expected: &str| {
            let fetch = |number: usize| {
                let mut kept = kept(number as u32);
                if number == 1 {
                    change(&mut kept);
                }
                Ok(kept)
            };
            let error = assemble(&plan, false, fetch).unwrap_err().to_string();
            assert_eq!(error, format!("{}: {expected}", plan.segments[1].name));
        };
        let weights = "its generator's weights hash differs from the first segment's";
        refused(&|kept| kept.track.weights[5] ^= 1, weights);
        let coding = "its coding differs from the first segment's";
        refused(&|kept| kept.track.coding.quantiser.u_bits = 7, coding);
        let rank = "its rank is 2, the plan's highest is 3";
        refused(&|kept| kept.track.coding.components = 2, rank);
        let frames = "it has 5 frames, the plan says 1";
        refused(&|kept| kept.segment.frames = 5, frames);
    }

    #[test]
    fn damaged_objects_name_themselves() {
        let read = |bytes: &[u8]| FinishedSegment::from_bytes("here", bytes);
        let bytes = kept(0).to_bytes().unwrap();
        assert_eq!(bytes, kept(0).to_bytes().unwrap());
        let sampled = FinishedSegment {
            metrics: vec![Metrics::default()],
            measured_frames: Some(1),
            ..kept(0)
        };
        for segment in [kept(0), sampled] {
            assert_eq!(read(&segment.to_bytes().unwrap()).unwrap(), segment);
        }
        for at in (0..bytes.len()).step_by(7) {
            let mut flipped = bytes.clone();
            flipped[at] ^= 0x10;
            let short = read(&bytes[..at]).unwrap_err();
            for error in [Some(short), read(&flipped).err()].into_iter().flatten() {
                assert!(error.to_string().starts_with("here: "), "{error}");
            }
        }
    }

    #[test]
    fn invalid_places_are_refused() {
        for (place, expected) in [
            ("ftp://host/x", "expected a folder or s3://"),
            ("s3://bucket/a//b", "s3://bucket/a//b: "),
        ] {
            let error = WorkStore::open(place).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }
}
