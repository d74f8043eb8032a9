//! `promptus validate`: checks a title against the rules of its format, of HLS and of DASH, in a folder
//! or over HTTP.

use super::{CliError, json_line};
use crate::package::{TitleSource, check_title};
use serde_json::json;
use std::fs::File;
use std::io::Read;
use std::path::PathBuf;
use std::time::Duration;
use url::Url;

/// Longest file that is read, in bytes.
const MAX_FILE: u64 = 1 << 30;

/// Time limit for one file from a server.
const PATIENCE: Duration = Duration::from_secs(60);

/// Arguments of `promptus validate`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Folder of a title, or URL of one of its manifests or of its folder.
    title: String,
    /// Print the findings as one JSON object on stdout.
    #[arg(long)]
    json: bool,
}

/// Runs `promptus validate`; a broken rule is a failed check.
pub(super) fn run(args: &Args) -> Result<(), CliError> {
    let title = &args.title;
    let conformance = if title.contains("://") {
        check_title(&Server::new(title)?)
    } else {
        check_title(&Folder(title.into()))
    };
    for finding in &conformance.findings {
        eprintln!("{finding}");
    }
    let broken = conformance.findings.len();
    let (files, segments) = (conformance.files, conformance.segments);
    eprintln!("{broken} findings in {files} files with {segments} segments");
    if args.json {
        let findings = &conformance.findings;
        json_line::print(&json!({
            "title": title, "findings": findings, "files": files, "segments": segments,
        }))?;
    }
    match broken {
        0 => Ok(()),
        _ => Err(CliError::check(format!("{broken} rules are broken"))),
    }
}

fn limited(bytes: Vec<u8>) -> Result<Vec<u8>, String> {
    if bytes.len() as u64 > MAX_FILE {
        return Err(format!("more than {MAX_FILE} bytes"));
    }
    Ok(bytes)
}

struct Folder(PathBuf);

impl TitleSource for Folder {
    fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        let mut bytes = Vec::new();
        let read = File::open(self.0.join(path))
            .and_then(|file| file.take(MAX_FILE + 1).read_to_end(&mut bytes));
        read.map_err(|error| error.to_string())?;
        limited(bytes)
    }
}

struct Server {
    runtime: tokio::runtime::Runtime,
    client: reqwest::Client,
    base: Url,
}

impl Server {
    /// Reads files below the folder of `url`: a folder or a manifest in one.
    fn new(url: &str) -> Result<Self, CliError> {
        // reqwest needs a TLS provider; an error says that one is installed already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let file = [".m3u8", ".mpd", "/"].iter().any(|end| url.ends_with(end));
        Ok(Self {
            runtime: tokio::runtime::Runtime::new()?,
            client: reqwest::Client::builder().timeout(PATIENCE).build()?,
            base: Url::parse(&format!("{url}{}", if file { "" } else { "/" }))?,
        })
    }
}

impl TitleSource for Server {
    fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        let url = self.base.join(path).map_err(|error| error.to_string())?;
        let read = async {
            let mut response = self.client.get(url).send().await?.error_for_status()?;
            let mut bytes = Vec::new();
            while let Some(part) = response.chunk().await?
                && bytes.len() as u64 <= MAX_FILE
            {
                bytes.extend_from_slice(&part);
            }
            Ok(bytes)
        };
        let bytes: reqwest::Result<Vec<u8>> = self.runtime.block_on(read);
        limited(bytes.map_err(|error| error.to_string())?)
    }
}
