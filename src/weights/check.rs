//! Whether a weights file is installed, and whether it is the right one.

use super::WeightsError;
use super::table::{FILES, OutsideFile};
use crate::model::stable_diffusion::recognise::holds;
use crate::model::weights::Checkpoint;
use crate::model::{Encoder, Generator, installed};
use crate::segment::hex;
use candle_core::Device;
use serde::Serialize;
use std::fmt;
use std::path::{Path, PathBuf};

/// State of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Status {
    /// Part of the library.
    Shipped,
    /// Installed, with a known hash.
    Ok,
    /// Installed, with the right tensors; no published hash is known to compare with.
    Unknown,
    /// Installed, but cut short, another model or not the published bytes.
    Wrong,
    /// Not installed.
    Missing,
}

/// A file and its state.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct File {
    /// The profile or the metric that it is for.
    pub profile: &'static str,
    /// Its path below a models folder.
    pub file: &'static str,
    /// Its use.
    pub purpose: &'static str,
    /// Whether the profile does nothing without it or another file of the same `part`.
    pub needed: bool,
    /// Files of one part are alternatives.
    #[serde(skip)]
    pub part: &'static str,
    /// Where it is published; `None` for shipped files.
    pub url: Option<&'static str>,
    /// Its licence.
    pub licence: &'static str,
    /// Its state.
    pub status: Status,
    /// The edition, or the fault.
    pub detail: String,
    /// Where it was found.
    pub path: Option<PathBuf>,
    /// Its size.
    pub bytes: Option<u64>,
    /// Its SHA-256 in hexadecimal, if it is a checkpoint.
    pub sha256: Option<String>,
    /// The published SHA-256, where one is known.
    pub published_sha256: Option<&'static str>,
}

/// Every file, shipped ones first. Installed files are read and hashed, which takes seconds for
/// SD-Turbo.
pub fn survey() -> Result<Vec<File>, WeightsError> {
    let generator = Generator::shipped(&Device::Cpu)?.weights_hash();
    let encoder = Encoder::shipped_hash();
    let shipped = [
        shipped("generator.safetensors", "frames of mini titles", generator),
        shipped("encoder.safetensors", "fits for mini", encoder),
    ];
    let files = shipped.into_iter().map(Ok);
    files.chain(FILES.iter().map(installed)).collect()
}

/// Whether every part that `profile` needs is installed and not wrong.
pub fn is_ready(profile: &str, files: &[File]) -> bool {
    let own = || files.iter().filter(|file| file.profile == profile);
    let usable = |file: &File| !matches!(file.status, Status::Wrong | Status::Missing);
    let served = |part| own().any(|file| file.part == part && usable(file));
    own().all(|file| !file.needed || served(file.part))
}

fn shipped(file: &'static str, purpose: &'static str, hash: [u8; 32]) -> File {
    File {
        profile: "mini",
        file,
        purpose,
        needed: true,
        part: file,
        url: None,
        licence: "that of promptus",
        status: Status::Shipped,
        detail: "part of this binary".to_owned(),
        path: None,
        bytes: None,
        sha256: Some(hex(&hash)),
        published_sha256: None,
    }
}

/// Looks for `outside` and checks it.
fn installed(outside: &OutsideFile) -> Result<File, WeightsError> {
    let mut file = File {
        profile: outside.group,
        file: outside.file,
        purpose: outside.purpose,
        needed: outside.needed,
        part: outside.part,
        url: Some(outside.url),
        licence: outside.licence,
        status: Status::Missing,
        detail: String::new(),
        path: find(outside.file),
        bytes: None,
        sha256: None,
        published_sha256: outside.sha256,
    };
    let Some(path) = &file.path else {
        return Ok(file);
    };
    let about = std::fs::metadata(path).map_err(|source| WeightsError::Io {
        path: path.clone(),
        source,
    })?;
    file.bytes = Some(about.len());
    match Checkpoint::read(path, &Device::Cpu) {
        Ok(checkpoint) => {
            let hash = hex(&checkpoint.sha256());
            (file.status, file.detail) = judge(outside, &checkpoint, &hash);
            file.sha256 = Some(hash);
        }
        Err(error) => (file.status, file.detail) = (Status::Wrong, error.to_string()),
    }
    Ok(file)
}

/// The file, or its other precision in the diffusers layout.
fn find(file: &'static str) -> Option<PathBuf> {
    installed::find(file).or_else(|| installed::find(Path::new(&file.replace(".fp16", ""))))
}

fn judge(outside: &OutsideFile, checkpoint: &Checkpoint, hash: &str) -> (Status, String) {
    let found = holds(checkpoint);
    if !outside.holds.contains(&found) {
        return (Status::Wrong, format!("holds {}", found.describe()));
    }
    let mut editions = outside.editions.iter();
    if let Some((_, edition)) = editions.find(|(known, _)| *known == hash) {
        return (Status::Ok, (*edition).to_owned());
    }
    match outside.sha256 {
        Some(published) if published == hash => (Status::Ok, "as published".to_owned()),
        Some(published) => {
            let fault = format!("SHA-256 {hash}, published is {published}");
            (Status::Wrong, fault)
        }
        None => {
            let found = found.describe();
            let state = format!("{found}; no published SHA-256 is known to us");
            (Status::Unknown, state)
        }
    }
}

impl fmt::Display for File {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let need = if self.needed { "needed" } else { "optional" };
        let state = match self.status {
            Status::Shipped => "shipped",
            Status::Ok => "ok",
            Status::Unknown => "hash unknown",
            Status::Wrong => "WRONG",
            Status::Missing => "missing",
        };
        let (file, profile, purpose) = (self.file, self.profile, self.purpose);
        writeln!(f, "{file} ({profile}, {need}): {purpose}")?;
        match &self.path {
            Some(path) => writeln!(f, "  {state}  {} ({})", path.display(), self.detail)?,
            None => writeln!(f, "  {state}  {}", self.detail)?,
        }
        if let Some(hash) = &self.sha256 {
            writeln!(f, "  sha256   {hash}")?;
        }
        if let Some(url) = self.url {
            let published = self.published_sha256.unwrap_or("unknown");
            writeln!(f, "  get it   {url} (published SHA-256: {published})")?;
        }
        writeln!(f, "  licence  {}", self.licence)
    }
}
