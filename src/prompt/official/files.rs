//! Prompts, start latents and folders of them as values.

use std::collections::BTreeMap;
use std::fs;
use std::io::{ErrorKind, Write};
use std::path::Path;

use super::archive::Archive;
use super::error::OfficialError;
use super::pickle::{self, Device, Place};
use super::store::Store;
use crate::prompt::{Affine8, Factors, ReferencePayload, Shape};

/// The file with the start latent of a chain.
pub const INIT_FILE: &str = "init.pth";

/// Size limit of prompts and start latents, in bytes.
const MAX_FILE: u64 = 1 << 26;
/// Channels of a Stable Diffusion latent.
const LATENT_CHANNELS: usize = 4;
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
    /// Reads `init.pth` and every `frame_NNNNN.prompt` of `folder`; other files are ignored.
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

/// Reads every `frame_NNNNN.prompt` of `folder`, by frame number; other files are ignored.
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

/// Names of the files in `folder` that [`OfficialFolder::read`] reads, sorted; none if it is missing.
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

/// Names of a prompt's tensors, in the order of their storages `data/0` ….
const TENSORS: [&str; 6] = [
    "U",
    "V",
    "U_scale",
    "U_zero_point",
    "V_scale",
    "V_zero_point",
];

/// Reads the bytes of a `.prompt` file; `file` names it in errors.
pub fn prompt_from_bytes(file: &Path, bytes: &[u8]) -> Result<ReferencePayload, OfficialError> {
    let archive = Archive::read(file, bytes)?;
    let (u, v) = (storage(&archive, file, 0)?, storage(&archive, file, 1)?);
    let scalar = |index: usize| match storage(&archive, file, index)?.as_chunks().0 {
        &[word] if f32::from_le_bytes(word).is_finite() => Ok(f32::from_le_bytes(word)),
        _ => Err(content(file, TENSORS[index], "one finite f32 number")),
    };
    let map = |index: usize| -> Result<Affine8, OfficialError> {
        Ok(Affine8 {
            scale: scalar(index)?,
            zero_point: scalar(index + 1)?,
        })
    };
    let (u_map, v_map) = (map(2)?, map(4)?);
    let sizes = (1..=Factors::MAX_RANK)
        .filter(|rank| u.len().is_multiple_of(*rank) && v.len().is_multiple_of(*rank))
        .filter_map(|rank| {
            let (tokens, dim) = (u.len() / rank, v.len() / rank);
            Some((Shape { tokens, dim }.check().ok()?, rank))
        });
    let (shape, rank) = matching(file, &archive, sizes, |&(shape, rank), place| {
        pickle::prompt(shape, rank, place)
    })?;
    Ok(ReferencePayload {
        shape,
        rank,
        u: u.to_vec(),
        v: v.to_vec(),
        u_map,
        v_map,
    })
}

/// Reads the bytes of an `init.pth` file; `file` names it in errors.
pub fn init_from_bytes(file: &Path, bytes: &[u8]) -> Result<InitLatent, OfficialError> {
    let archive = Archive::read(file, bytes)?;
    let (words, rest) = storage(&archive, file, 0)?.as_chunks();
    let values: Vec<f32> = words.iter().map(|&word| f32::from_le_bytes(word)).collect();
    let cells = values.len() / LATENT_CHANNELS;
    let whole = cells > 0 && values.len() == LATENT_CHANNELS * cells && rest.is_empty();
    if !whole || values.iter().any(|value| !value.is_finite()) {
        let expected = "1×4×height×width finite f32 numbers";
        return Err(content(file, "data/0", expected));
    }
    let heights = (1..=cells).filter(|height| cells.is_multiple_of(*height));
    let height = matching(file, &archive, heights, |&height, place| {
        pickle::floats(&[1, LATENT_CHANNELS, height, cells / height], place)
    })?;
    Ok(InitLatent {
        height,
        width: cells / height,
        values,
    })
}

fn storage<'a>(archive: &'a Archive, file: &Path, key: usize) -> Result<&'a [u8], OfficialError> {
    let name = format!("data/{key}");
    let bytes = archive.entry(&name);
    bytes.ok_or_else(|| content(file, &name, "an entry of that name"))
}

/// The one of `sizes` whose pickle, as `torch.save` writes it, is the archive's.
fn matching<S>(
    file: &Path,
    archive: &Archive,
    sizes: impl Iterator<Item = S>,
    written: impl Fn(&S, &Place) -> Vec<u8>,
) -> Result<S, OfficialError> {
    let pickle = archive.entry("data.pkl").unwrap_or_default();
    let places = Place::candidates(pickle);
    let mut sizes = sizes;
    let found = sizes.find(|size| places.iter().any(|place| written(size, place) == pickle));
    found.ok_or_else(|| OfficialError::Pickle {
        file: file.to_owned(),
    })
}

/// The bytes of a `.prompt` file as the reference would write it; `stem` is the file's name
/// without extension, which PyTorch takes as the zip's root folder.
pub fn prompt_to_bytes(prompt: &ReferencePayload, stem: &str, device: Device) -> Vec<u8> {
    let pickle = pickle::prompt(prompt.shape, prompt.rank, &device.into());
    let (u, v) = (prompt.u_map, prompt.v_map);
    let scalars = [u.scale, u.zero_point, v.scale, v.zero_point].map(f32::to_le_bytes);
    let mut storages = vec![prompt.u.as_slice(), prompt.v.as_slice()];
    storages.extend(scalars.iter().map(<[u8; 4]>::as_slice));
    save(stem, &pickle, &storages, PROMPT_NAMES)
}

/// The bytes of an `init.pth` file as the reference would write it, with `stem` as above.
pub fn init_to_bytes(init: &InitLatent, stem: &str, device: Device) -> Vec<u8> {
    let sizes = [1, LATENT_CHANNELS, init.height, init.width];
    let values = init.values.iter().flat_map(|value| value.to_le_bytes());
    let values: Vec<u8> = values.collect();
    let pickle = pickle::floats(&sizes, &device.into());
    save(stem, &pickle, &[&values], INIT_NAMES)
}

fn save(stem: &str, pickle: &[u8], storages: &[&[u8]], names_hash: u64) -> Vec<u8> {
    let mut store = Store::new(stem);
    store.entry("data.pkl", pickle);
    store.entry("byteorder", b"little");
    for (index, data) in storages.iter().enumerate() {
        store.entry(&format!("data/{index}"), data);
    }
    store.entry("version", b"3\n");
    store.finish(names_hash)
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
