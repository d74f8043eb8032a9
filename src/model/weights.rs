//! Weights of a network, tensor by tensor, from a safetensors file.
//!
//! A tensor is converted when a layer asks for it.
//! Knows the safetensors format (<https://github.com/huggingface/safetensors>), but no network,
//! no layer and no profile.

use std::borrow::Cow;
use std::ops::Deref;

use candle_core::{DType, Device, Tensor};
use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, Metadata};
use sha2::{Digest, Sha256};

use super::ModelError;

/// The bytes of a whole file: held, or mapped into memory.
pub(super) type Bytes = Box<dyn Deref<Target = [u8]> + Send + Sync>;

/// A source of tensors by name, always as `f32`.
pub trait Source: Send + Sync {
    /// The tensor `name`. Fails if it is missing or has another shape.
    fn tensor(&self, name: &str, shape: &[usize]) -> Result<Tensor, ModelError>;

    /// Device of its tensors.
    fn device(&self) -> &Device;
}

/// A source made from another one: the device of its tensors, and the tensor of a name and a shape.
pub struct Derived<F>(Device, F);

impl<F> Derived<F>
where
    F: Fn(&str, &[usize]) -> Result<Tensor, ModelError> + Send + Sync,
{
    /// A source of the tensors that `tensor` makes on `device`.
    pub fn new(device: &Device, tensor: F) -> Self {
        Self(device.clone(), tensor)
    }
}

impl<F> Source for Derived<F>
where
    F: Fn(&str, &[usize]) -> Result<Tensor, ModelError> + Send + Sync,
{
    fn tensor(&self, name: &str, shape: &[usize]) -> Result<Tensor, ModelError> {
        self.1(name, shape)
    }

    fn device(&self) -> &Device {
        &self.0
    }
}

/// A safetensors file; `F32`, `F16` and `BF16` become `f32`.
pub struct Checkpoint {
    file: String,
    bytes: Bytes,
    metadata: Metadata,
    data_start: usize,
    device: Device,
}

impl Checkpoint {
    /// From the bytes of a whole file; `file` is its name in messages.
    ///
    /// Fails if they are not a complete safetensors file.
    pub fn from_bytes(
        file: &str,
        bytes: impl Into<Cow<'static, [u8]>>,
        device: &Device,
    ) -> Result<Self, ModelError> {
        let bytes: Cow<'static, [u8]> = bytes.into();
        Self::new(file.to_owned(), Box::new(bytes), device)
    }

    pub(super) fn new(file: String, bytes: Bytes, device: &Device) -> Result<Self, ModelError> {
        let (header, metadata) = match SafeTensors::read_metadata(&bytes[..]) {
            Ok(read) => read,
            Err(error) => {
                let detail = error.to_string();
                return Err(ModelError::Malformed { file, detail });
            }
        };
        Ok(Self {
            file,
            bytes,
            metadata,
            data_start: size_of::<u64>() + header,
            device: device.clone(),
        })
    }

    /// SHA-256 of the whole file.
    pub fn sha256(&self) -> [u8; 32] {
        Sha256::digest(&self.bytes[..]).into()
    }

    /// Names of all tensors in the file, in no particular order.
    pub fn names(&self) -> Vec<String> {
        self.metadata.offset_keys()
    }

    /// The file's name in messages.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// The shape of the tensor `name`, if the file holds it.
    pub fn shape(&self, name: &str) -> Option<&[usize]> {
        self.metadata.info(name).map(|info| info.shape.as_slice())
    }
}

impl Source for Checkpoint {
    fn tensor(&self, name: &str, shape: &[usize]) -> Result<Tensor, ModelError> {
        let wrong = |fault: String| ModelError::Tensor {
            file: self.file.clone(),
            tensor: name.to_owned(),
            fault,
        };
        let info = self.metadata.info(name);
        let info = info.ok_or_else(|| wrong(format!("{shape:?} is missing")))?;
        if info.shape != shape {
            return Err(wrong(format!("is {:?}, expected {shape:?}", info.shape)));
        }
        let format = match info.dtype {
            Dtype::F32 => DType::F32,
            Dtype::F16 => DType::F16,
            Dtype::BF16 => DType::BF16,
            other => {
                let fault = format!("is stored as {other:?}, expected F32, F16 or BF16");
                return Err(wrong(fault));
            }
        };
        let (start, end) = info.data_offsets;
        let raw = &self.bytes[self.data_start + start..self.data_start + end];
        let stored = Tensor::from_raw_buffer(raw, format, shape, &Device::Cpu)?;
        Ok(stored.to_dtype(DType::F32)?.to_device(&self.device)?)
    }

    fn device(&self) -> &Device {
        &self.device
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::{Checkpoint, ModelError, Source};
    use crate::model::gradient_check::flat;
    use candle_core::Device;
    use safetensors::tensor::{Dtype, TensorView, serialize};

    fn file(dtype: Dtype, bytes: &[u8], shape: &[usize]) -> Vec<u8> {
        let view = TensorView::new(dtype, shape.to_vec(), bytes).unwrap();
        serialize([("a.weight", view)], None).unwrap()
    }

    fn open(bytes: Vec<u8>) -> Result<Checkpoint, ModelError> {
        Checkpoint::from_bytes("x.safetensors", bytes, &Device::Cpu)
    }

    #[test]
    fn all_three_formats_become_f32() {
        let half = [0x00, 0x3c, 0x00, 0xc0]; // 1, -2 as IEEE half
        let brain = [0x80, 0x3f, 0x00, 0xc0]; // 1, -2 as bfloat16
        let single = [0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0];
        for (dtype, bytes) in [
            (Dtype::F16, &half[..]),
            (Dtype::BF16, &brain),
            (Dtype::F32, &single),
        ] {
            let checkpoint = open(file(dtype, bytes, &[1, 2])).unwrap();
            let tensor = checkpoint.tensor("a.weight", &[1, 2]).unwrap();
            assert_eq!(flat(&tensor), [1.0, -2.0]);
        }
    }

    #[test]
    fn errors_name_file_and_tensor() {
        let checkpoint = open(file(Dtype::F16, &[0; 4], &[2])).unwrap();
        let integers = open(file(Dtype::I32, &[0; 8], &[2])).unwrap();
        for (checkpoint, tensor, shape, expected) in [
            (&checkpoint, "b.bias", 2, "`b.bias` [2] is missing"),
            (
                &checkpoint,
                "a.weight",
                3,
                "`a.weight` is [2], expected [3]",
            ),
            (
                &integers,
                "a.weight",
                2,
                "`a.weight` is stored as I32, expected F32, F16 or BF16",
            ),
        ] {
            let error = checkpoint.tensor(tensor, &[shape]).unwrap_err().to_string();
            let expected = format!("weights file x.safetensors: tensor {expected}");
            assert_eq!(error, expected);
        }
    }

    #[test]
    fn truncated_files_are_refused() {
        let whole = file(Dtype::F16, &[0; 4], &[2]);
        for end in 0..whole.len() {
            assert!(open(whole[..end].to_vec()).is_err(), "{end}");
        }
    }
}
