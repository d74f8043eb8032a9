//! `promptus weights`: what to get for each profile, under which licence, where to put it, and
//! whether what lies there is right.
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
//! is 1. What is missing is no failure.

mod check;
#[cfg_attr(feature = "download", path = "download_enabled.rs")]
#[cfg_attr(not(feature = "download"), path = "download_disabled.rs")]
mod download;
mod table;

use self::check::{File, Status};
use self::table::TABLE;
use super::{CliError, json_line};
use crate::model::installed;
use serde::Serialize;
use std::io::{self, Write};
use std::path::PathBuf;

/// Arguments of `promptus weights`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Fetch what this profile needs and is not there, after reading its licence (only in builds
    /// with the feature `download`).
    #[arg(long, value_name = "PROFILE", value_parser = ["sd-turbo"])]
    download: Option<String>,
    /// Print the report as one JSON object on stdout.
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Report {
    searched: Vec<PathBuf>,
    profiles: Vec<Profile>,
    files: Vec<File>,
}

#[derive(Serialize)]
struct Profile {
    profile: &'static str,
    ready: bool,
}

/// Runs `promptus weights`.
pub(super) fn run(args: &Args) -> Result<(), CliError> {
    if let Some(profile) = &args.download {
        fetch(profile)?;
    }
    let mut files = check::shipped()?;
    for entry in &TABLE {
        files.push(check::installed(entry)?);
    }
    let report = Report {
        searched: installed::folders(),
        profiles: ["mini", "sd-turbo"]
            .map(|profile| Profile {
                profile,
                ready: ready(profile, &files),
            })
            .into(),
        files,
    };
    report.explain(&mut io::stderr().lock())?;
    if args.json {
        json_line::print(&report)?;
    }
    let wrong: Vec<&str> = report
        .files
        .iter()
        .filter(|file| file.status == Status::Wrong)
        .map(|file| file.file)
        .collect();
    match wrong.as_slice() {
        [] => Ok(()),
        files => Err(CliError::check(format!("wrong: {}", files.join(", ")))),
    }
}

/// Whether every part that the profile needs is there and not wrong.
fn ready(profile: &str, files: &[File]) -> bool {
    let of_profile = || files.iter().filter(|file| file.profile == profile);
    let served = |part: &str| {
        let mut files = of_profile().filter(|file| file.part == part);
        files.any(|file| file.status.serves())
    };
    of_profile()
        .filter(|file| file.needed)
        .all(|file| served(file.part))
}

/// Downloads what `profile` needs and does not find.
fn fetch(profile: &str) -> Result<(), CliError> {
    let Some(folder) = installed::folders().into_iter().next() else {
        return Err(CliError::input("set PROMPTUS_MODELS to a folder"));
    };
    let wanted = TABLE.iter().filter(|entry| entry.group == profile);
    for entry in wanted.filter(|entry| entry.needed) {
        let Some(source) = entry.source else { continue };
        if installed::find(entry.file).is_none() {
            eprintln!("{}: {}", entry.file, entry.licence);
            download::fetch(source, entry.sha256, &folder.join(entry.file))?;
        }
    }
    Ok(())
}

impl Report {
    fn explain(&self, out: &mut impl Write) -> io::Result<()> {
        for Profile { profile, ready } in &self.profiles {
            let state = if *ready { "ready" } else { "not ready" };
            writeln!(out, "{profile}: {state}")?;
        }
        for file in &self.files {
            file.explain(out)?;
        }
        for folder in &self.searched {
            writeln!(out, "searched {}", folder.display())?;
        }
        Ok(())
    }
}
