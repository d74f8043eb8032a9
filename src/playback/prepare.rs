//! Fetches indexes, playlists and init segments before playback.

use super::cmcd::Content;
use super::error::FetchError;
use super::http::{Client, Purpose};
use super::lists::Lists;
use futures_util::future::try_join_all;
use std::ops::Range;

/// Fetches everything needed to request `segment` of `rungs`, for all of them in parallel. A failure
/// leads to the other places of the same files; the last place is retried with patience.
pub(super) async fn fetch_lists(
    client: &Client,
    content: &Content,
    lists: &mut Lists,
    (segment, rungs): (usize, Range<usize>),
) -> Result<(), FetchError> {
    let mut untried = lists.other_places();
    loop {
        let (rungs, patient) = (rungs.clone(), untried == 0);
        match fetch_next(client, content, lists, segment, rungs, patient).await {
            Ok(true) => untried = lists.other_places(),
            Ok(false) => return Ok(()),
            Err(error) if patient => return Err(error),
            Err(error) => {
                lists.go_on(&error)?;
                untried -= 1;
            }
        }
    }
}

/// Fetches the next missing part of each of `rungs`; false if nothing is missing.
async fn fetch_next(
    client: &Client,
    content: &Content,
    lists: &mut Lists,
    segment: usize,
    rungs: Range<usize>,
    patient: bool,
) -> Result<bool, FetchError> {
    let mut asks = Vec::new();
    for rung in rungs {
        asks.extend(lists.lacks(segment, rung)?.map(|ask| (rung, ask)));
    }
    let answers = asks.iter().map(|(_, ask)| async move {
        let purpose = Purpose::of(content, ask.kind);
        if patient {
            client.get(&ask.url, ask.range, &purpose).await
        } else {
            client.get_once(&ask.url, ask.range, &purpose).await
        }
    });
    let answers = try_join_all(answers).await?;
    for ((rung, ask), answer) in asks.iter().zip(answers) {
        lists.take(*rung, ask, answer)?;
    }
    Ok(!asks.is_empty())
}
