//! Index parts before playback begins: for all rungs at a time, from the base URLs of the manifest one after
//! the other.

use super::cmcd::Fetch;
use super::error::{AnswerProblem, FetchError};
use super::http::{Answer, Client};
use super::resolve::{resolve, span};
use crate::player::cmcd::Content;
use crate::player::index::{Index, IndexError, Resource};
use futures_util::future::try_join_all;
use reqwest::Url;

/// A title's manifest, and its content id in CMCD.
#[derive(Debug, Clone)]
pub(super) struct Source {
    pub(super) url: Url,
    pub(super) content: Content,
}

impl Source {
    /// Fetches the parts in `lacks` until none is left. A part that fails at one base URL is requested from
    /// the others; from the last with retries.
    pub(super) async fn fetch_index(
        &self,
        client: &Client,
        index: &mut Index,
        lacks: fn(&Index) -> Vec<Resource>,
    ) -> Result<(), FetchError> {
        let mut untried = index.other_places();
        loop {
            let parts = lacks(index);
            if parts.is_empty() {
                return Ok(());
            }
            match self.fetch_parts(client, index, &parts, untried == 0).await {
                Ok(()) => untried = index.other_places(),
                Err(error) if untried == 0 => return Err(error),
                Err(error) => {
                    tracing::warn!(%error, "going on with the next BaseURL");
                    index.go_on().map_err(|error| named(&self.url, error))?;
                    untried -= 1;
                }
            }
        }
    }

    async fn fetch_parts(
        &self,
        client: &Client,
        index: &mut Index,
        parts: &[Resource],
        patient: bool,
    ) -> Result<(), FetchError> {
        let answers = parts.iter().map(|part| async move {
            let url = resolve(&self.url, &part.url)?;
            let fetch = Fetch::of(&url, part.range, &self.content, part.purpose.into());
            let answer = match patient {
                true => client.get(&fetch).await?,
                false => client.get_once(&fetch).await?,
            };
            Ok::<_, FetchError>((url, answer))
        });
        let answers: Vec<(Url, Answer)> = try_join_all(answers).await?;
        for (part, (url, answer)) in parts.iter().zip(answers) {
            let taken = index.take(part.purpose, answer.bytes.into(), answer.wire_bytes);
            taken.map_err(|error| named(&url, error))?;
        }
        Ok(())
    }
}

/// `error` with the URL of its part.
pub(super) fn named(url: &Url, error: IndexError) -> FetchError {
    let problem = match error {
        IndexError::Sidx { range, source } => {
            let range = span(range);
            AnswerProblem::Index { range, source }
        }
        IndexError::NoManifest => AnswerProblem::NoManifest,
        IndexError::NoGroup { group, groups } => AnswerProblem::NoGroup { group, groups },
        IndexError::NoLayers => AnswerProblem::NoLayers,
        IndexError::Utf16 => AnswerProblem::Utf16,
        IndexError::Manifest(error) => return error.at(url.as_str()).into(),
        IndexError::Ladder(source) => AnswerProblem::Ladder(source),
    };
    problem.at(url)
}
