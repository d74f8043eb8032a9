//! Whether a weights file is there and the right one.

use super::table::Entry;
use crate::cli::CliError;
use crate::model::stable_diffusion::recognise::holds;
use crate::model::weights::Checkpoint;
use crate::model::{Encoder, Generator, installed};
use candle_core::Device;
use serde::Serialize;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// What is known of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Status {
    /// Part of this binary.
    Shipped,
    /// There, with a hash that is known.
    Ok,
    /// There, with the right tensors; no published hash is known to compare with.
    Unknown,
    /// There, and not what it should be.
    Wrong,
    /// Not there.
    Missing,
}

impl Status {
    /// Whether a generator can be made of it.
    pub(super) fn serves(self) -> bool {
        matches!(self, Self::Shipped | Self::Ok | Self::Unknown)
    }
}

/// One line of the report.
#[derive(Serialize)]
pub(super) struct File {
    pub(super) profile: &'static str,
    pub(super) file: &'static str,
    purpose: &'static str,
    pub(super) needed: bool,
    #[serde(skip)]
    pub(super) part: &'static str,
    url: Option<&'static str>,
    licence: &'static str,
    pub(super) status: Status,
    detail: String,
    path: Option<PathBuf>,
    bytes: Option<u64>,
    sha256: Option<String>,
    published_sha256: Option<&'static str>,
}

/// What ships with the crate.
pub(super) fn shipped() -> Result<Vec<File>, CliError> {
    let generator = Generator::shipped(&Device::Cpu)?.weights_hash();
    let encoder = Encoder::shipped_hash();
    let files = [
        ("generator.safetensors", "frames of mini titles", generator),
        ("encoder.safetensors", "fits for mini", encoder),
    ];
    let files = files.map(|(file, purpose, hash)| File {
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
    });
    Ok(files.into())
}

/// Looks for the file of `entry` and judges it.
pub(super) fn installed(entry: &Entry) -> Result<File, CliError> {
    let path = find(entry.file);
    let mut file = File {
        profile: entry.group,
        file: entry.file,
        purpose: entry.purpose,
        needed: entry.needed,
        part: entry.part,
        url: Some(entry.url),
        licence: entry.licence,
        status: Status::Missing,
        detail: String::new(),
        path: path.clone(),
        bytes: None,
        sha256: None,
        published_sha256: entry.sha256,
    };
    let Some(path) = path else { return Ok(file) };
    file.bytes = Some(std::fs::metadata(&path)?.len());
    let checkpoint = match Checkpoint::read(&path, &Device::Cpu) {
        Ok(checkpoint) => checkpoint,
        Err(error) => {
            file.status = Status::Wrong;
            file.detail = error.to_string();
            return Ok(file);
        }
    };
    let hash = hex(&checkpoint.sha256());
    (file.status, file.detail) = judge(entry, &checkpoint, &hash);
    file.sha256 = Some(hash);
    Ok(file)
}

/// The file, or its other precision in the diffusers layout.
fn find(file: &'static str) -> Option<PathBuf> {
    installed::find(file).or_else(|| installed::find(Path::new(&file.replace(".fp16", ""))))
}

fn judge(entry: &Entry, checkpoint: &Checkpoint, hash: &str) -> (Status, String) {
    let found = holds(checkpoint);
    if !entry.holds.contains(&found) {
        return (Status::Wrong, format!("holds {}", found.describe()));
    }
    if let Some((_, edition)) = entry.editions.iter().find(|(known, _)| *known == hash) {
        return (Status::Ok, (*edition).to_owned());
    }
    match entry.sha256 {
        Some(published) if published == hash => (Status::Ok, "as published".to_owned()),
        Some(published) => (
            Status::Wrong,
            format!("SHA-256 {hash}, published is {published}"),
        ),
        None => (
            Status::Unknown,
            format!("{}; no published SHA-256 is known to us", found.describe()),
        ),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl File {
    pub(super) fn explain(&self, out: &mut impl Write) -> io::Result<()> {
        let need = if self.needed { "needed" } else { "optional" };
        writeln!(
            out,
            "\n{} ({}, {need}): {}",
            self.file, self.profile, self.purpose
        )?;
        let state = match self.status {
            Status::Shipped => "shipped",
            Status::Ok => "ok",
            Status::Unknown => "hash unknown",
            Status::Wrong => "WRONG",
            Status::Missing => "missing",
        };
        match &self.path {
            Some(path) => writeln!(out, "  {state}  {} ({})", path.display(), self.detail)?,
            None => writeln!(out, "  {state}  {}", self.detail)?,
        }
        if let Some(hash) = &self.sha256 {
            writeln!(out, "  sha256   {hash}")?;
        }
        if let Some(url) = self.url {
            let published = self.published_sha256.unwrap_or("unknown");
            writeln!(out, "  get it   {url} (published SHA-256: {published})")?;
        }
        writeln!(out, "  licence  {}", self.licence)
    }
}
