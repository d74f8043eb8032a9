//! What `promptus simulate` streams: titles, movies and ladders as the arguments name them.

use super::Args;
use super::grid::LAYERS;
use crate::cli::CliError;
use crate::playback::{Client, Patience, Title, locate};
use crate::simulate::subject::Subject;
use std::future::Future;
use std::path::Path;
use std::sync::Arc;

/// The longest session that `--length` makes, seconds.
const LONGEST_S: f64 = 86_400.0;

impl Args {
    /// What is to be streamed, as long and with such utilities as was asked for.
    pub(super) fn subjects(&self) -> Result<Vec<Subject>, CliError> {
        let mut subjects = Vec::new();
        for title in self.title.iter().chain(&self.grid.titles) {
            subjects.push(self.layered(title, subject(title)?)?);
        }
        for file in &self.movie {
            subjects.push(Subject::movie(file)?);
        }
        for file in &self.grid.ladder {
            subjects.push(Subject::measured(file)?);
        }
        if subjects.is_empty() {
            let message = "nothing to stream: give a title, --movie FILE or --ladder FILE";
            return Err(CliError::input(message));
        }
        refuse_twins(&subjects)?;
        let ready = subjects.into_iter().map(|subject| self.prepared(subject));
        ready.collect()
    }

    /// The title with its layers, if a rule plays them.
    fn layered(&self, title: &str, subject: Subject) -> Result<Subject, CliError> {
        if !self.rules.iter().any(|rule| rule == LAYERS) {
            return Ok(subject);
        }
        let url = locate(title)?;
        let stream = wait(async {
            let client = Client::new(Patience::default())?;
            let title = Title::open(&client, &url).await?;
            let stream = title.layered_stream(&client, 0).await?;
            Ok(stream.complete(&client).await?)
        })?;
        Ok(subject.with_layers(Arc::clone(stream.ladder()))?)
    }

    fn prepared(&self, mut subject: Subject) -> Result<Subject, CliError> {
        if let Some(length_s) = self.length {
            if !(length_s > 0.0 && length_s <= LONGEST_S) {
                let message = format!("--length {length_s}: expected 0 to {LONGEST_S} seconds");
                return Err(CliError::input(message));
            }
            subject = subject.lasting(length_s);
        }
        Ok(subject.with_utility(self.utility)?)
    }
}

/// Reports know titles by their names.
fn refuse_twins(subjects: &[Subject]) -> Result<(), CliError> {
    for (number, subject) in subjects.iter().enumerate() {
        if subjects[..number]
            .iter()
            .any(|other| other.name == subject.name)
        {
            let name = &subject.name;
            return Err(CliError::input(format!("{name}: was named twice")));
        }
    }
    Ok(())
}

/// The first group of a title on disk or behind a URL.
fn subject(title: &str) -> Result<Subject, CliError> {
    if !title.contains("://") {
        return Ok(Subject::title(Path::new(title))?);
    }
    let (stream, quality) = wait(async {
        let client = Client::new(Patience::default())?;
        let opened = Title::open(&client, title).await?;
        let stream = opened.stream(&client, 0).await?.complete(&client).await?;
        let quality = stream.quality(&client).await?;
        Ok((stream, quality))
    })?;
    Ok(Subject {
        name: title.to_owned(),
        profile: stream.group().profile.clone(),
        ladder: Arc::clone(stream.ladder()),
        layers: None,
        quality,
        picture: None,
        movie: None,
    })
}

fn wait<T>(what: impl Future<Output = Result<T, CliError>>) -> Result<T, CliError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(what)
}
