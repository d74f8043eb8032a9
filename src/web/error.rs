//! Why a call of the page failed.

use crate::manifest::ManifestError;
use crate::model::ModelError;
use crate::player::UnknownName;
use crate::player::index::IndexError;
use crate::render::RenderError;
use crate::segment::SegmentError;

/// A call that failed; its text goes to the page.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs, reason = "messages name the fields")]
pub enum WebError {
    #[error("{what}: not the expected JSON")]
    Json {
        what: &'static str,
        source: serde_json::Error,
    },
    #[error("{url}: not available")]
    NotAvailable { url: String },
    #[error("{url}: {source}")]
    Answer {
        url: String,
        #[source]
        source: IndexError,
    },
    #[error(transparent)]
    Manifest(ManifestError),
    #[error("segment {segment} is not available on any rung")]
    Missing {
        segment: usize,
        source: Option<Box<WebError>>,
    },
    #[error("the weights have the SHA-256 {got}, the title needs {expected}")]
    Weights { expected: String, got: String },
    #[error("there is no {what} {id}")]
    NoSuch { what: &'static str, id: u32 },
    #[error("there is no rung {rung}: the title has {rungs}")]
    NoRung { rung: usize, rungs: usize },
    #[error("no segment was begun")]
    NotBegun,
    #[error(transparent)]
    Name(#[from] UnknownName),
    #[error(transparent)]
    Segment(#[from] SegmentError),
    #[error(transparent)]
    Model(#[from] ModelError),
    #[error(transparent)]
    Render(#[from] RenderError),
}

impl WebError {
    /// An answer from `url` that cannot be used.
    pub(super) fn answer(url: &str, source: IndexError) -> Self {
        match source {
            IndexError::Manifest(error) => Self::Manifest(error.at(url)),
            source => Self::Answer {
                url: url.to_owned(),
                source,
            },
        }
    }

    /// The messages of this error and of its causes, as the page shows them.
    pub fn text(&self) -> String {
        let mut text = self.to_string();
        let mut cause = std::error::Error::source(self);
        while let Some(error) = cause {
            let message = error.to_string();
            if !text.contains(&message) {
                text = format!("{text}: {message}");
            }
            cause = error.source();
        }
        text
    }
}
