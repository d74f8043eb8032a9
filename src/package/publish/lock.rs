//! The lock of a title in an object store: an object that only one publisher can create.
//!
//! A bucket has no lock that ends with its process, so this one expires: its holder renews it while
//! working, and a lock that was not renewed for [`STALE`] may be taken over, by a conditional put
//! that only one publisher can win. Clocks may differ by minutes: S3 refuses requests that are a
//! quarter of an hour off.

use crate::claim::{ClaimError, Holder, now};
use crate::package::PackageError;
use crate::package::bucket::Bucket;
use object_store::{Attributes, ObjectMeta, PutMode, UpdateVersion};
use std::time::{Duration, Instant};

const NAME: &str = ".publish-lock";
/// Age from which a lock counts as left behind.
const STALE: Duration = Duration::from_secs(600);
/// Age from which the holder renews it.
const RENEW: Duration = Duration::from_secs(60);

/// The lock of one title, held by this process. Dropped, it is removed.
pub(super) struct Lock<'a> {
    bucket: &'a Bucket,
    /// The lock object as this process wrote it; `None` once another has taken it over.
    version: Option<UpdateVersion>,
    renewed: Instant,
}

impl<'a> Lock<'a> {
    /// Takes the lock. Fails, naming the holder, if another publisher renewed it less than
    /// [`STALE`] ago.
    pub(super) fn take(bucket: &'a Bucket) -> Result<Self, PackageError> {
        let mut mode = PutMode::Create;
        if let Some((bytes, meta)) = bucket.get(NAME)? {
            let age = age(&meta);
            if age < STALE {
                return Err(held(bucket, serde_json::from_slice(&bytes).ok()));
            }
            let (place, seconds) = (bucket.place(NAME), age.as_secs());
            tracing::warn!("{place}: taking over a lock {seconds} s old");
            mode = PutMode::Update(UpdateVersion {
                e_tag: meta.e_tag,
                version: meta.version,
            });
        }
        let version = write(bucket, mode)?.ok_or_else(|| held(bucket, None))?;
        Ok(Self {
            bucket,
            version: Some(version),
            renewed: Instant::now(),
        })
    }

    /// Renews the lock if it is older than a minute. Fails if another publisher has taken it over.
    pub(super) fn keep(&mut self) -> Result<(), PackageError> {
        if self.renewed.elapsed() < RENEW {
            return Ok(());
        }
        self.confirm()
    }

    /// Renews the lock now. Fails if another publisher has taken it over.
    pub(super) fn confirm(&mut self) -> Result<(), PackageError> {
        let lost = || held(self.bucket, None);
        let version = self.version.take().ok_or_else(lost)?;
        let renewed = write(self.bucket, PutMode::Update(version))?.ok_or_else(lost)?;
        (self.version, self.renewed) = (Some(renewed), Instant::now());
        Ok(())
    }
}

impl Drop for Lock<'_> {
    fn drop(&mut self) {
        if self.version.is_some()
            && let Err(error) = self.bucket.delete(NAME)
        {
            let seconds = STALE.as_secs();
            tracing::warn!("the lock stays for {seconds} s: {error}");
        }
    }
}

/// Time since an object was written, by the clock of this machine.
pub(super) fn age(object: &ObjectMeta) -> Duration {
    let written = u64::try_from(object.last_modified.timestamp()).unwrap_or(0);
    Duration::from_secs(now().saturating_sub(written))
}

fn write(bucket: &Bucket, mode: PutMode) -> Result<Option<UpdateVersion>, PackageError> {
    let text = serde_json::to_vec(&Holder::on_this_host());
    let text = text.map_err(|e| PackageError::invalid(bucket.place(NAME), e.to_string()))?;
    bucket.put(NAME, &text, mode, Attributes::new())
}

fn held(bucket: &Bucket, holder: Option<Holder>) -> PackageError {
    let folder = bucket.name().into();
    PackageError::Claim(ClaimError::Held { folder, holder })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use object_store::ObjectStore;
    use object_store::memory::InMemory;
    use std::sync::Arc;

    fn bucket() -> Bucket {
        let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
        Bucket::new(store, "s3://films/t".to_owned()).unwrap()
    }

    #[test]
    fn a_second_publisher_is_refused_and_gets_the_lock_afterwards() {
        let bucket = bucket();
        let mut first = Lock::take(&bucket).unwrap();
        let error = Lock::take(&bucket).err().unwrap().to_string();
        let holder = format!("s3://films/t: in use by process {}", std::process::id());
        assert!(error.starts_with(&holder), "{error}");
        first.confirm().unwrap();
        drop(first);
        assert!(bucket.head(NAME).unwrap().is_none());
        Lock::take(&bucket).unwrap();
    }

    #[test]
    fn a_lock_that_was_taken_over_is_lost_and_stays_the_other_publishers() {
        let bucket = bucket();
        let mut slow = Lock::take(&bucket).unwrap();
        // As another publisher does once the lock is stale.
        write(&bucket, PutMode::Overwrite).unwrap();
        let error = slow.confirm().unwrap_err().to_string();
        assert!(error.contains("in use by another process"), "{error}");
        drop(slow);
        assert!(bucket.head(NAME).unwrap().is_some());
    }
}
