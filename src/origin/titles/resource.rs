//! From the name of a resource to its object.

use super::cache::Keep;
use super::coding::Coding;
use super::library::Titles;
use super::object::{BYTES, Object};
use super::path::Resource;
use super::query::Filter;
use super::weights;
use crate::origin::error::Result;

impl Titles {
    /// The object that a resource names. `filter` and `steered` concern manifests only; `steered`
    /// tells whether HLS names the steering server.
    pub(crate) async fn object(
        &self,
        resource: &Resource,
        filter: &Filter,
        steered: bool,
    ) -> Result<Object> {
        match resource {
            Resource::File { path, immutable } => self.file(path, *immutable).await,
            Resource::Manifest(manifest) => self.manifest(manifest, filter, steered).await,
            Resource::Rung { stem, part } => self.rung_part(stem, *part).await,
            Resource::Weights { hash } => match self.weights.in_memory(hash) {
                Some(object) => Ok(object.clone()),
                None => self.immutable_file(&weights::path(hash), BYTES).await,
            },
        }
    }

    /// The same object in a content coding; unchanged if that would not make it smaller.
    pub(crate) async fn encoded(&self, object: &Object, coding: Coding) -> Result<Object> {
        let Some(bytes) = object.bytes() else {
            return Ok(object.clone());
        };
        let date = object.modified.as_ref().map(|modified| &modified.value);
        let (kind, name) = (object.content_type, coding.name());
        let key = format!("{kind}\n{:?} {name} {date:?}", object.etag);
        let encode = || async {
            let coded = coding.apply(bytes).await;
            Ok(coded.map_or_else(|| object.clone(), |coded| object.encoded(coding, coded)))
        };
        self.cache.object(&key, Keep::Always, encode).await
    }
}
