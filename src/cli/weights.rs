//! `promptus weights`: which weights each profile needs, their licences, where to put them, and whether
//! installed ones are right.
//!
//! With `--json` one object on stdout:
//!
//! ```text
//! { "searched": ["/…/promptus/models"],
//!   "profiles": [{ "profile": "sd-turbo", "ready": false }, …],
//!   "files": [{ "profile", "file", "purpose", "needed", "url", "licence",
//!               "status": "shipped" | "ok" | "unknown" | "wrong" | "missing",
//!               "detail", "path", "bytes", "sha256", "published_sha256" }] }
//! ```
//!
//! `ok`: the hash is known. `unknown`: the tensors are the right ones, but no published hash is known
//! to compare with. `wrong`: cut short, another model, or not the published bytes; then the exit code
//! is 1. Missing files are no failure.

use super::{CliError, json_line};
use crate::model::installed;
use crate::weights::{FILES, File, Status, WeightsError, download, is_ready, survey};
use serde::Serialize;
use std::path::PathBuf;

/// Arguments of `promptus weights`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Fetch the missing files that this profile needs; read their licences first (only in builds
    /// with the feature `download`).
    #[arg(long, value_name = "PROFILE", value_parser = ["sd-turbo"])]
    download: Option<String>,
    /// Print the report as one JSON object on stdout.
    #[arg(long)]
    json: bool,
}

/// Files, profiles and folders.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    searched: Vec<PathBuf>,
    profiles: Vec<Profile>,
    files: Vec<File>,
}

#[derive(Debug, Serialize)]
struct Profile {
    profile: &'static str,
    ready: bool,
}

/// Runs `promptus weights`.
pub(super) fn run(args: &Args) -> Result<(), CliError> {
    if let Some(profile) = &args.download {
        fetch(profile)?;
    }
    let report = Report::new()?;
    eprint!("{}", report.text());
    if args.json {
        json_line::print(&report)?;
    }
    let files = report.files.iter();
    let wrong = files.filter(|file| file.status == Status::Wrong);
    let wrong: Vec<&str> = wrong.map(|file| file.file).collect();
    if wrong.is_empty() {
        Ok(())
    } else {
        Err(CliError::check(format!("wrong: {}", wrong.join(", "))))
    }
}

/// Downloads the missing files that `profile` needs.
fn fetch(profile: &str) -> Result<(), CliError> {
    let Some(folder) = installed::folders().into_iter().next() else {
        return Err(CliError::input("set PROMPTUS_MODELS to a folder"));
    };
    for file in &FILES {
        let wanted = file.group == profile && file.needed && file.repository.is_some();
        if wanted && installed::find(file.file).is_none() {
            eprintln!("{}: {}", file.file, file.licence);
            download(file, &folder.join(file.file)).map_err(|error| match error {
                WeightsError::WrongHash { .. } => CliError::check(error.to_string()),
                error => error.into(),
            })?;
        }
    }
    Ok(())
}

impl Report {
    /// Looks for every file.
    pub(super) fn new() -> Result<Self, WeightsError> {
        let files = survey()?;
        let profiles = ["mini", "sd-turbo"].map(|profile| Profile {
            profile,
            ready: is_ready(profile, &files),
        });
        Ok(Self {
            searched: installed::folders(),
            profiles: profiles.into(),
            files,
        })
    }

    /// The report for people.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        for Profile { profile, ready } in &self.profiles {
            let state = if *ready { "ready" } else { "not ready" };
            text += &format!("{profile}: {state}\n");
        }
        text.extend(self.files.iter().map(|file| format!("\n{file}")));
        for folder in &self.searched {
            text += &format!("searched {}\n", folder.display());
        }
        text
    }
}
