//! Titles, movies and ladders as the arguments name them.

use super::Args;
use super::args::LAYERS;
use crate::cli::CliError;
use crate::playback::{Client, Patience, Title, locate};
use crate::simulate::content::Content;
use std::collections::HashSet;
use std::future::Future;
use std::path::Path;
use std::sync::Arc;

impl Args {
    /// The contents to stream, with the requested length and utilities.
    pub(super) fn contents(&self) -> Result<Vec<Content>, CliError> {
        let mut contents = Vec::new();
        for title in self.title.iter().chain(&self.grid.titles) {
            contents.push(self.layered(title, content(title)?)?);
        }
        for file in &self.movie {
            contents.push(Content::movie(file)?);
        }
        for file in &self.grid.ladder {
            contents.push(Content::measured(file)?);
        }
        if contents.is_empty() {
            let message = "nothing to stream: give a title, --movie FILE or --ladder FILE";
            return Err(CliError::input(message));
        }
        // Reports identify contents by name.
        let mut names = HashSet::new();
        if let Some(twin) = contents.iter().find(|content| !names.insert(&content.name)) {
            return Err(CliError::input(format!("{}: was named twice", twin.name)));
        }
        let prepared = |content: Content| {
            let content = match self.length {
                Some(length_s) => content.lasting(length_s),
                None => content,
            };
            Ok(content.with_utility(self.utility)?)
        };
        contents.into_iter().map(prepared).collect()
    }

    /// The title with its layers, if a rule needs them.
    fn layered(&self, title: &str, content: Content) -> Result<Content, CliError> {
        if !self.rules.iter().any(|rule| rule == LAYERS) {
            return Ok(content);
        }
        let url = locate(title)?;
        let stream = wait(async {
            let client = Client::new(Patience::default())?;
            let title = Title::open(&client, &url).await?;
            let stream = title.layered_stream(&client, 0).await?;
            Ok(stream.complete(&client).await?)
        })?;
        Ok(content.with_layers(Arc::clone(stream.ladder()))?)
    }
}

/// The first group of a title on disk or behind a URL.
fn content(title: &str) -> Result<Content, CliError> {
    if !title.contains("://") {
        return Ok(Content::title(Path::new(title))?);
    }
    wait(async {
        let client = Client::new(Patience::default())?;
        let opened = Title::open(&client, title).await?;
        let stream = opened.stream(&client, 0).await?.complete(&client).await?;
        let quality = stream.quality(&client).await?;
        let profile = &stream.group().profile;
        Ok(Content {
            quality,
            ..Content::new(title, profile, Arc::clone(stream.ladder()))
        })
    })
}

fn wait<T>(what: impl Future<Output = Result<T, CliError>>) -> Result<T, CliError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(what)
}
