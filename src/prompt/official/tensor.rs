//! A tensor as the pickle describes it: a type, a shape and the storage that holds its values.

use std::path::Path;

use super::OfficialError;
use super::archive::Archive;

/// Element types that occur.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dtype {
    /// u8.
    Byte,
    /// Little-endian f32.
    Float,
}

impl Dtype {
    pub(super) fn size(self) -> usize {
        match self {
            Self::Byte => 1,
            Self::Float => 4,
        }
    }
}

/// A whole, contiguous tensor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TensorRef {
    pub(super) dtype: Dtype,
    /// Name of the storage's entry under `data/`.
    pub(super) storage: String,
    pub(super) sizes: Vec<usize>,
}

impl TensorRef {
    /// Elements; `None` if that number does not fit.
    pub(super) fn count(&self) -> Option<usize> {
        let mut sizes = self.sizes.iter();
        sizes.try_fold(1usize, |count, &size| count.checked_mul(size))
    }

    /// Row-major strides in elements.
    pub(super) fn strides(&self) -> Vec<usize> {
        let mut stride = 1usize;
        let mut out: Vec<usize> = Vec::with_capacity(self.sizes.len());
        for size in self.sizes.iter().rev() {
            out.push(stride);
            stride = stride.saturating_mul(*size);
        }
        out.reverse();
        out
    }

    /// The bytes of a tensor of type `dtype`; `field` names it in errors.
    pub(super) fn bytes<'a>(
        &self,
        archive: &'a Archive,
        dtype: Dtype,
        file: &Path,
        field: &str,
    ) -> Result<&'a [u8], OfficialError> {
        let length = self
            .count()
            .and_then(|count| count.checked_mul(dtype.size()));
        let bytes = archive.storage(&self.storage);
        let whole = bytes.filter(|bytes| self.dtype == dtype && Some(bytes.len()) == length);
        whole.ok_or_else(|| OfficialError::Content {
            file: file.to_owned(),
            field: field.to_owned(),
            expected: format!("{dtype:?} values {:?} in data/{}", self.sizes, self.storage),
        })
    }
}

/// The values of little-endian f32 bytes.
pub(super) fn floats(bytes: &[u8]) -> Vec<f32> {
    let words = bytes.as_chunks::<4>().0.iter();
    words.map(|&word| f32::from_le_bytes(word)).collect()
}
