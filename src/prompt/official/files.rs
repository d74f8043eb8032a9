//! The two kinds of file, and a folder of them, as values.

use std::collections::BTreeMap;
use std::fs;
use std::io::{ErrorKind, Write};
use std::path::Path;

use super::archive::Archive;
use super::machine::{self, Value};
use super::store::Store;
use super::tensor::{Dtype, TensorRef, floats};
use super::{Device, OfficialError, pickle};
use crate::prompt::{Affine8, Factors, ReferencePayload, Shape};

/// The file with the start latent of a chain.
pub const INIT_FILE: &str = "init.pth";

/// Larger files are no prompts and no start latents.
const MAX_FILE: u64 = 1 << 26;
/// Channels of a Stable Diffusion latent.
const LATENT_CHANNELS: usize = 4;
/// The files' tensors in the order of their storages.
const FIELDS: [&str; 6] = [
    "U",
    "V",
    "U_scale",
    "U_zero_point",
    "V_scale",
    "V_zero_point",
];

/// Hashes of the entry names as the reference's PyTorch (GNU C++ library) computes them.
const PROMPT_NAMES: u64 = 5_343_278_249_497_965_747;
const INIT_NAMES: u64 = 5_768_588_573_859_962_782;

/// The start latent of a chain (`init.pth`): the VAE's encoding of the true first frame.
#[derive(Debug, Clone, PartialEq)]
pub struct InitLatent {
    /// Rows of the latent: picture height over 8.
    pub height: usize,
    /// Columns of the latent: picture width over 8.
    pub width: usize,
    /// 4 × height × width values.
    pub values: Vec<f32>,
}

/// One chain of official prompts.
#[derive(Debug, Clone, PartialEq)]
pub struct OfficialFolder {
    /// `init.pth`.
    pub init: InitLatent,
    /// The prompts of `frame_NNNNN.prompt` by frame number; at least one, all of one rank.
    pub prompts: BTreeMap<u32, ReferencePayload>,
}

impl OfficialFolder {
    /// Reads `init.pth` and every `frame_NNNNN.prompt` of `folder`; other files are left alone.
    ///
    /// Fails if one of them is missing, damaged or of another rank.
    pub fn read(folder: &Path) -> Result<Self, OfficialError> {
        let prompts = read_prompts(folder)?;
        let init = read_init(&folder.join(INIT_FILE))?;
        Ok(Self { init, prompts })
    }

    /// Writes the files into `folder`, each atomically; the folder is made if it is missing.
    pub fn write(&self, folder: &Path, device: Device) -> Result<(), OfficialError> {
        fs::create_dir_all(folder).map_err(|source| io(folder, source))?;
        for (number, prompt) in &self.prompts {
            let name = prompt_name(*number);
            let stem = name.trim_end_matches(".prompt");
            write_file(folder, &name, &prompt_to_bytes(prompt, stem, device))?;
        }
        write_file(
            folder,
            INIT_FILE,
            &init_to_bytes(&self.init, "init", device),
        )
    }
}

/// Reads every `frame_NNNNN.prompt` of `folder`, by frame number; other files are left alone.
///
/// Fails if there is none, or if one is damaged or of another rank than the first.
pub fn read_prompts(folder: &Path) -> Result<BTreeMap<u32, ReferencePayload>, OfficialError> {
    let mut prompts = BTreeMap::new();
    let listing = fs::read_dir(folder).map_err(|source| io(folder, source))?;
    for entry in listing {
        let path = entry.map_err(|source| io(folder, source))?.path();
        if let Some(number) = frame_number(&path) {
            prompts.insert(number, read_prompt(&path)?);
        }
    }
    let size = |prompt: &ReferencePayload| (prompt.shape, prompt.rank);
    let Some(first) = prompts.values().next().map(size) else {
        return Err(content(
            folder,
            "frame_NNNNN.prompt",
            "at least one such file",
        ));
    };
    if let Some((number, _)) = prompts.iter().find(|(_, prompt)| size(prompt) != first) {
        let file = folder.join(prompt_name(*number));
        return Err(content(
            &file,
            "U, V",
            &format!("the first prompt's size {first:?}"),
        ));
    }
    Ok(prompts)
}

/// The names in `folder` that [`OfficialFolder::read`] would take, in order; none if it is missing.
pub fn files_in(folder: &Path) -> Result<Vec<String>, OfficialError> {
    let listing = match fs::read_dir(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        listing => listing.map_err(|source| io(folder, source))?,
    };
    let mut names = Vec::new();
    for entry in listing {
        let path = entry.map_err(|source| io(folder, source))?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name == INIT_FILE || frame_number(&path).is_some() {
            names.push(name.into_owned());
        }
    }
    names.sort_unstable();
    Ok(names)
}

/// Reads one `.prompt` file.
pub fn read_prompt(path: &Path) -> Result<ReferencePayload, OfficialError> {
    prompt_from_bytes(path, &read_file(path)?)
}

/// Reads one `init.pth` file.
pub fn read_init(path: &Path) -> Result<InitLatent, OfficialError> {
    init_from_bytes(path, &read_file(path)?)
}

/// Reads the bytes of a `.prompt` file; `file` names it in errors.
pub fn prompt_from_bytes(file: &Path, bytes: &[u8]) -> Result<ReferencePayload, OfficialError> {
    let (archive, value) = open(file, bytes)?;
    let wrong = |field: &str, expected: &str| content(file, field, expected);
    let Value::Dict(tensors) = value else {
        return Err(wrong("data.pkl", "a dictionary of tensors"));
    };
    if let Some(name) = tensors.keys().find(|name| !FIELDS.contains(&name.as_str())) {
        return Err(wrong(name, "no such field"));
    }
    let tensor = |field: &str| {
        tensors
            .get(field)
            .ok_or_else(|| wrong(field, "to be there"))
    };
    let scalar = |field: &str| {
        let tensor = tensor(field)?;
        let values = floats(tensor.bytes(&archive, Dtype::Float, file, field)?);
        match (tensor.sizes.as_slice(), values.as_slice()) {
            (&[], &[value]) if value.is_finite() => Ok(value),
            _ => Err(wrong(field, "one finite number")),
        }
    };
    let map = |scale: &str, zero_point: &str| -> Result<Affine8, OfficialError> {
        Ok(Affine8 {
            scale: scalar(scale)?,
            zero_point: scalar(zero_point)?,
        })
    };
    let (u, v) = (tensor("U")?, tensor("V")?);
    let (&[tokens, rank], &[rows, dim]) = (u.sizes.as_slice(), v.sizes.as_slice()) else {
        return Err(wrong("U, V", "two matrices"));
    };
    let shape = Shape { tokens, dim }.check();
    let shape = shape.map_err(|error| wrong("U, V", &error.to_string()))?;
    if rank != rows || !(1..=Factors::MAX_RANK).contains(&rank) {
        return Err(wrong("U, V", "the same rank, 1 to 255"));
    }
    Ok(ReferencePayload {
        shape,
        rank,
        u: u.bytes(&archive, Dtype::Byte, file, "U")?.to_vec(),
        v: v.bytes(&archive, Dtype::Byte, file, "V")?.to_vec(),
        u_map: map("U_scale", "U_zero_point")?,
        v_map: map("V_scale", "V_zero_point")?,
    })
}

/// Reads the bytes of an `init.pth` file; `file` names it in errors.
pub fn init_from_bytes(file: &Path, bytes: &[u8]) -> Result<InitLatent, OfficialError> {
    let (archive, value) = open(file, bytes)?;
    let wrong = || {
        content(
            file,
            "data.pkl",
            "one tensor of 1×4×height×width finite floats",
        )
    };
    let Value::Tensor(tensor) = value else {
        return Err(wrong());
    };
    let &[1, LATENT_CHANNELS, height, width] = tensor.sizes.as_slice() else {
        return Err(wrong());
    };
    let values = floats(tensor.bytes(&archive, Dtype::Float, file, "latent")?);
    if values.is_empty() || values.iter().any(|value| !value.is_finite()) {
        return Err(wrong());
    }
    Ok(InitLatent {
        height,
        width,
        values,
    })
}

/// The bytes of a `.prompt` file as the reference would write it; `stem` is the file's name
/// without extension, which PyTorch takes as the zip's root folder.
pub fn prompt_to_bytes(prompt: &ReferencePayload, stem: &str, device: Device) -> Vec<u8> {
    let (Shape { tokens, dim }, rank) = (prompt.shape, prompt.rank);
    let matrices = [vec![tokens, rank], vec![rank, dim]];
    let tensors: Vec<(&str, TensorRef)> = FIELDS
        .iter()
        .enumerate()
        .map(|(index, &field)| {
            let matrix = matrices.get(index);
            let dtype = matrix.map_or(Dtype::Float, |_| Dtype::Byte);
            (
                field,
                tensor_ref(dtype, index, matrix.cloned().unwrap_or_default()),
            )
        })
        .collect();
    let (u, v) = (prompt.u_map, prompt.v_map);
    let scalars = [u.scale, u.zero_point, v.scale, v.zero_point].map(f32::to_le_bytes);
    let storages = [prompt.u.as_slice(), prompt.v.as_slice()];
    let storages = storages
        .into_iter()
        .chain(scalars.iter().map(<[u8; 4]>::as_slice));
    save(
        stem,
        &pickle::dictionary(&tensors, device),
        storages,
        PROMPT_NAMES,
    )
}

/// The bytes of an `init.pth` file as the reference would write it, with `stem` as above.
pub fn init_to_bytes(init: &InitLatent, stem: &str, device: Device) -> Vec<u8> {
    let sizes = vec![1, LATENT_CHANNELS, init.height, init.width];
    let values: Vec<u8> = init
        .values
        .iter()
        .flat_map(|value| value.to_le_bytes())
        .collect();
    let tensor = tensor_ref(Dtype::Float, 0, sizes);
    let storages = std::iter::once(values.as_slice());
    save(stem, &pickle::single(&tensor, device), storages, INIT_NAMES)
}

fn tensor_ref(dtype: Dtype, storage: usize, sizes: Vec<usize>) -> TensorRef {
    TensorRef {
        dtype,
        storage: storage.to_string(),
        sizes,
    }
}

fn save<'a>(
    stem: &str,
    pickle: &[u8],
    storages: impl Iterator<Item = &'a [u8]>,
    names_hash: u64,
) -> Vec<u8> {
    let mut store = Store::new(stem);
    store.entry("data.pkl", pickle);
    store.entry("byteorder", b"little");
    for (index, data) in storages.enumerate() {
        store.entry(&format!("data/{index}"), data);
    }
    store.entry("version", b"3\n");
    store.finish(names_hash)
}

fn open(file: &Path, bytes: &[u8]) -> Result<(Archive, Value), OfficialError> {
    let archive = Archive::read(file, bytes)?;
    let pickle = archive.entry("data.pkl");
    let pickle = pickle.ok_or_else(|| content(file, "data.pkl", "to be there"))?;
    let value = machine::run(file, pickle)?;
    Ok((archive, value))
}

/// The name of the file with the prompt of frame `number`.
pub fn prompt_name(number: u32) -> String {
    format!("frame_{number:05}.prompt")
}

/// NNNNN of `frame_NNNNN.prompt`; `None` for any other name.
fn frame_number(path: &Path) -> Option<u32> {
    let name = path.file_name()?.to_str()?;
    let number = name.strip_prefix("frame_")?.strip_suffix(".prompt")?;
    let number = number.parse().ok()?;
    (prompt_name(number) == name).then_some(number)
}

fn read_file(path: &Path) -> Result<Vec<u8>, OfficialError> {
    let length = fs::metadata(path).map_err(|source| io(path, source))?.len();
    if length > MAX_FILE {
        return Err(content(path, "size", "at most 64 MiB"));
    }
    fs::read(path).map_err(|source| io(path, source))
}

/// Writes a file under a temporary name and renames it.
fn write_file(folder: &Path, name: &str, bytes: &[u8]) -> Result<(), OfficialError> {
    let path = folder.join(name);
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(|source| io(&path, source))?;
    file.write_all(bytes).map_err(|source| io(&path, source))?;
    let persisted = file.persist(&path);
    persisted.map_err(|error| io(&path, error.error))?;
    Ok(())
}

fn io(file: &Path, source: std::io::Error) -> OfficialError {
    OfficialError::Io {
        file: file.to_owned(),
        source,
    }
}

fn content(file: &Path, field: &str, expected: &str) -> OfficialError {
    OfficialError::Content {
        file: file.to_owned(),
        field: field.to_owned(),
        expected: expected.to_owned(),
    }
}
