//! `promptus validate`: checks a title against the rules of its format, of HLS and of DASH, in a folder
//! or over HTTP.

use super::{CliError, json_line};
use crate::package::{Conformance, TitleSource, check_title};
use serde::Serialize;
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

#[derive(Serialize)]
struct Output<'a> {
    title: &'a str,
    #[serde(flatten)]
    conformance: &'a Conformance,
}

/// Runs `promptus validate`; a broken rule is a failed check.
pub(super) fn run(args: &Args) -> Result<(), CliError> {
    let conformance = if args.title.contains("://") {
        check_title(&Server::new(&args.title)?)
    } else {
        check_title(&Folder(PathBuf::from(&args.title)))
    };
    for finding in &conformance.findings {
        eprintln!("{finding}");
    }
    eprintln!(
        "{} findings in {} files with {} segments",
        conformance.findings.len(),
        conformance.files,
        conformance.segments
    );
    if args.json {
        let output = Output {
            title: &args.title,
            conformance: &conformance,
        };
        json_line::print(&output)?;
    }
    match conformance.findings.len() {
        0 => Ok(()),
        broken => Err(CliError::check(format!("{broken} rules are broken"))),
    }
}

struct Folder(PathBuf);

impl TitleSource for Folder {
    fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        let mut bytes = Vec::new();
        let file = File::open(self.0.join(path)).map_err(|error| error.to_string())?;
        let read = file.take(MAX_FILE + 1).read_to_end(&mut bytes);
        read.map_err(|error| error.to_string())?;
        limited(bytes)
    }
}

fn limited(bytes: Vec<u8>) -> Result<Vec<u8>, String> {
    if bytes.len() as u64 > MAX_FILE {
        Err(format!("more than {MAX_FILE} bytes"))
    } else {
        Ok(bytes)
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
        let manifest = url.ends_with(".m3u8") || url.ends_with(".mpd");
        let folder = if manifest || url.ends_with('/') {
            url.to_owned()
        } else {
            format!("{url}/")
        };
        Ok(Self {
            runtime: tokio::runtime::Runtime::new()?,
            client: reqwest::Client::builder().timeout(PATIENCE).build()?,
            base: Url::parse(&folder)?,
        })
    }
}

impl TitleSource for Server {
    fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        let url = self.base.join(path).map_err(|error| error.to_string())?;
        let read = async {
            let mut response = self.client.get(url).send().await?.error_for_status()?;
            let mut bytes = Vec::new();
            while let Some(part) = response.chunk().await? {
                bytes.extend_from_slice(&part);
                if bytes.len() as u64 > MAX_FILE {
                    break;
                }
            }
            Ok(bytes)
        };
        let bytes: reqwest::Result<Vec<u8>> = self.runtime.block_on(read);
        limited(bytes.map_err(|error| error.to_string())?)
    }
}
