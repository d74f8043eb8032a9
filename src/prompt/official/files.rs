//! Prompts, start latents and folders of them as values.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::Path;

use super::archive::Archive;
use super::error::OfficialError;
use super::pickle::{self, Device, FIELDS, Place};
use super::store::Store;
use crate::prompt::{Affine8, Factors, ReferencePayload, Shape};

/// The file with the start latent of a chain.
pub const INIT_FILE: &str = "init.pth";

/// Size limit of prompts and start latents, in bytes.
const MAX_FILE: u64 = 1 << 26;
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
        fs::create_dir_all(folder).map_err(OfficialError::io(folder))?;
        for (number, prompt) in &self.prompts {
            let name = prompt_name(*number);
            let stem = name.trim_end_matches(".prompt");
            write_file(folder, &name, &prompt_to_bytes(prompt, stem, device))?;
        }
        let init = init_to_bytes(&self.init, "init", device);
        write_file(folder, INIT_FILE, &init)
    }
}

/// Reads every `frame_NNNNN.prompt` of `folder`, by frame number; other files are ignored.
///
/// Fails if there is none, or if one is damaged or of another rank than the first.
pub fn read_prompts(folder: &Path) -> Result<BTreeMap<u32, ReferencePayload>, OfficialError> {
    let size = |prompt: &ReferencePayload| (prompt.shape, prompt.rank);
    let mut prompts = BTreeMap::new();
    let mut expected = None;
    for name in files_in(folder)? {
        let Some(number) = frame_number(&name) else {
            continue;
        };
        let file = folder.join(name);
        let prompt = read_prompt(&file)?;
        let first = *expected.get_or_insert(size(&prompt));
        if size(&prompt) != first {
            let problem = format!("U, V: expected the first prompt's size {first:?}");
            return Err(OfficialError::content(&file, problem));
        }
        prompts.insert(number, prompt);
    }
    if prompts.is_empty() {
        let problem = "frame_NNNNN.prompt: expected at least one such file";
        return Err(OfficialError::content(folder, problem));
    }
    Ok(prompts)
}

/// Names of the files in `folder` that [`OfficialFolder::read`] reads, sorted.
pub fn files_in(folder: &Path) -> Result<Vec<String>, OfficialError> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).map_err(OfficialError::io(folder))? {
        let name = entry.map_err(OfficialError::io(folder))?.file_name();
        let name = name.to_string_lossy();
        if name == INIT_FILE || frame_number(&name).is_some() {
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
    let archive = Archive::read(file, bytes)?;
    let (u, v) = (storage(&archive, file, 0)?, storage(&archive, file, 1)?);
    let scalar = |index: usize| match storage(&archive, file, index)?.as_chunks().0 {
        &[word] if f32::from_le_bytes(word).is_finite() => Ok(f32::from_le_bytes(word)),
        _ => {
            let problem = format!("{}: expected one finite f32 number", FIELDS[index]);
            Err(OfficialError::content(file, problem))
        }
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
            let shape = Shape::new(u.len() / rank, v.len() / rank);
            Some((shape.check().ok()?, rank))
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
        let problem = "data/0: expected 1×4×height×width finite f32 numbers";
        return Err(OfficialError::content(file, problem));
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
    let problem = format!("data/{key}: expected an entry of that name");
    let bytes = archive.entry(&format!("data/{key}"));
    bytes.ok_or_else(|| OfficialError::content(file, problem))
}

/// The one of `sizes` whose pickle, as `torch.save` writes it, is the archive's.
fn matching<S>(
    file: &Path,
    archive: &Archive,
    mut sizes: impl Iterator<Item = S>,
    written: impl Fn(&S, &Place) -> Vec<u8>,
) -> Result<S, OfficialError> {
    let pickle = archive.entry("data.pkl").unwrap_or_default();
    let places = Place::candidates(pickle);
    let found = sizes.find(|size| places.iter().any(|place| written(size, place) == pickle));
    found.ok_or_else(|| {
        let problem = "data.pkl: not what torch.save writes for a prompt (U, V and their scales) or a latent; nothing in it was executed";
        OfficialError::content(file, problem)
    })
}

/// The bytes of a `.prompt` file as the reference would write it; `stem` is the file's name
/// without extension, which PyTorch takes as the zip's root folder.
pub fn prompt_to_bytes(prompt: &ReferencePayload, stem: &str, device: Device) -> Vec<u8> {
    let pickle = pickle::prompt(prompt.shape, prompt.rank, &device.into());
    let scalars = prompt.scalars();
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
fn frame_number(name: &str) -> Option<u32> {
    let number = name.strip_prefix("frame_")?.strip_suffix(".prompt")?;
    let number = number.parse().ok()?;
    (prompt_name(number) == name).then_some(number)
}

fn read_file(path: &Path) -> Result<Vec<u8>, OfficialError> {
    let about = fs::metadata(path).map_err(OfficialError::io(path))?;
    if about.len() > MAX_FILE {
        let problem = "size: expected at most 64 MiB";
        return Err(OfficialError::content(path, problem));
    }
    fs::read(path).map_err(OfficialError::io(path))
}

fn write_file(folder: &Path, name: &str, bytes: &[u8]) -> Result<(), OfficialError> {
    let path = folder.join(name);
    let written = tempfile::NamedTempFile::new_in(folder).and_then(|mut file| {
        file.write_all(bytes)?;
        Ok(file.persist(&path)?)
    });
    written.map(drop).map_err(OfficialError::io(&path))
}
