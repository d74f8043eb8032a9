//! Manifests that are made on the fly: the segment-URL form of a title and of its rungs.

use super::path::Resource;
use super::{Origin, OriginError};
use crate::manifest::hls::{IFRAMES_NAME, MEDIA_NAME, Master, Media};
use crate::manifest::{Presentation, dash, hls};

/// Leads from `TITLE/segments/` back to the title.
const UP: &str = "../";

/// `TITLE/segments/master.m3u8`.
pub(super) async fn segments_master(origin: &Origin, title: &str) -> Result<String, OriginError> {
    let form = presentation(origin, title).await?.segment_urls(UP);
    let playlists = hls::write(&form)?;
    let master = playlists.into_iter().next_back();
    Ok(master.map(|playlist| playlist.text).unwrap_or_default())
}

/// `TITLE/segments/manifest.mpd`.
pub(super) async fn segments_mpd(origin: &Origin, title: &str) -> Result<String, OriginError> {
    let form = presentation(origin, title).await?.segment_urls(UP);
    Ok(dash::write(&form)?)
}

/// `TITLE/HASH/RUNG/media.m3u8`.
pub(super) async fn media(origin: &Origin, stem: &str) -> Result<String, OriginError> {
    let media = Media::clone(&*origin.layout(stem).await?);
    Ok(media.segment_urls("").write(MEDIA_NAME)?)
}

/// `TITLE/HASH/RUNG/iframes.m3u8`.
pub(super) async fn iframes(origin: &Origin, stem: &str) -> Result<String, OriginError> {
    let media = origin.layout_with_pictures(stem).await?;
    let text = media.segment_urls("").write_iframes(IFRAMES_NAME)?;
    text.ok_or_else(|| OriginError::not_found(format!("{stem}/{IFRAMES_NAME}")))
}

/// The title as its HLS playlists describe it.
async fn presentation(origin: &Origin, title: &str) -> Result<Presentation, OriginError> {
    let mut master = read_master(origin, title).await?;
    let urls: Vec<String> = master.media().map(str::to_owned).collect();
    for (index, url) in urls.iter().enumerate() {
        master.fill(index, &referred(origin, title, url).await?)?;
    }
    let urls: Vec<String> = master.iframes().map(str::to_owned).collect();
    for (index, url) in urls.iter().enumerate() {
        master.fill_iframes(index, &referred(origin, title, url).await?)?;
    }
    Ok(master.finish()?)
}

/// The master playlist of a title.
pub(super) async fn read_master(origin: &Origin, title: &str) -> Result<Master, OriginError> {
    let path = format!("{title}/master.m3u8");
    Ok(Master::read(&path, &origin.text(&path, false).await?)?)
}

/// The text of a playlist that the master playlist of `title` names.
pub(super) async fn referred(
    origin: &Origin,
    title: &str,
    url: &str,
) -> Result<String, OriginError> {
    match Resource::referred(title, url) {
        Some(Resource::File { path, immutable }) => origin.text(&path, immutable).await,
        _ => {
            let problem = format!("it names `{url}`, which is no file of the title");
            Err(OriginError::damaged(
                format!("{title}/master.m3u8"),
                problem,
            ))
        }
    }
}
