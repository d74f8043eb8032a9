//! The real origin on a free loopback port, for as long as the demo runs.

use crate::cli::CliError;
use crate::origin::{Origin, Settings, serve};
use std::path::Path;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

/// A running origin; it stops when this is dropped.
pub(super) struct Server {
    _runtime: Runtime,
    url: String,
}

impl Server {
    /// Serves the folder that holds `title`.
    pub(super) fn start(title: &Path) -> Result<Self, CliError> {
        if !title.join("master.m3u8").is_file() {
            return Err(CliError::input(format!(
                "{}: no title there (no master.m3u8); make one with `promptus encode INPUT --out DIR`",
                title.display()
            )));
        }
        let folder = title.canonicalize()?;
        let (Some(root), Some(name)) = (folder.parent(), folder.file_name()) else {
            let message = format!("{}: a title lies in a folder", folder.display());
            return Err(CliError::input(message));
        };
        let origin = Origin::local(root, Settings::default())?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()?;
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"))?;
        let url = format!(
            "http://{}/{}/master.m3u8",
            listener.local_addr()?,
            name.to_string_lossy()
        );
        runtime.spawn(serve(listener, origin, std::future::pending()));
        Ok(Self {
            _runtime: runtime,
            url,
        })
    }

    /// The title's HLS entry point.
    pub(super) fn url(&self) -> &str {
        &self.url
    }
}
