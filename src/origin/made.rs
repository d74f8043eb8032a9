//! Manifests that are made on the fly: the segment-URL form of a title and of its rungs, and the
//! byte-range form where it differs from what was published (a filter, weights on offer).
//!
//! What was made is kept under the entity tag of the title's entry point, so it is made once per
//! edition and filter. It is kept only if it says all that the title holds: a store that fails while
//! it is made is answered as such, and an MPD of another edition is looked at again.

use super::blocking::process;
use super::cache::{Part, Wanted};
use super::object::Object;
use super::path::{self, Form, Manifest, Resource, Spelling, content_type};
use super::query::Filter;
use super::store::ENTRY;
use super::weights::Offered;
use super::{Origin, OriginError};
use crate::manifest::hls::{IFRAMES_NAME, MEDIA_NAME, Master};
use crate::manifest::{ByteRange, Group, Presentation, Representation, dash, hls};
use bytes::Bytes;
use std::sync::Arc;

/// Leads from `TITLE/segments/` back to the title.
const UP: &str = "../";

/// Smallest `sidx` that lists a segment, in bytes.
const SMALLEST_INDEX: u64 = 44;

/// One of the manifests of a title, with the rungs that `filter` takes. With all of them, it is found
/// again without a look at the title for a moment.
pub(super) async fn manifest(
    origin: &Origin,
    manifest: &Manifest<'_>,
    filter: &Filter,
) -> Result<Object, OriginError> {
    let steered =
        manifest.spelling == Spelling::Hls && origin.look(|live| live.settings.steering.is_some());
    if *filter != Filter::default() {
        return Box::pin(current(origin, manifest, filter, steered)).await;
    }
    let latest = Wanted {
        path: &manifest.path,
        part: &Part::Latest { steered },
        immutable: false,
    };
    let make = || current(origin, manifest, filter, steered);
    origin.shared.cache.object(latest, make).await
}

/// The same as the title is now.
async fn current(
    origin: &Origin,
    manifest: &Manifest<'_>,
    filter: &Filter,
    steered: bool,
) -> Result<Object, OriginError> {
    let offered = origin.weights_on_offer().await?;
    let plain = *filter == Filter::default() && offered.is_empty() && !steered;
    if manifest.form == Form::Ranges && plain {
        return origin.file(&manifest.path, false).await;
    }
    let entry = [&manifest.title, "/", ENTRY].concat();
    let entry = origin.file(&entry, false).await?;
    let wanted = Wanted {
        path: &manifest.path,
        part: &Part::Made {
            from: entry.etag.clone(),
            rungs: selection(origin, &manifest.title, &entry, filter).await?,
            weights: offered.version(),
            steered,
        },
        immutable: true,
    };
    let make = || async {
        let (presentation, whole) = chosen(origin, manifest, &entry, filter, &offered).await?;
        let mut text = written(presentation, manifest.spelling).await?;
        if steered {
            steer(&mut text, manifest.form);
        }
        let kind = content_type(&manifest.path).unwrap_or("text/plain");
        let object = Object::hashed(Bytes::from(text), kind).await;
        Ok(object.changed(entry.modified.clone()).passing(!whole))
    };
    origin.shared.cache.object(wanted, make).await
}

/// The ids of the rungs that a filter takes, or `None` for all: filters that take the same share
/// what is made.
async fn selection(
    origin: &Origin,
    title: &str,
    entry: &Object,
    filter: &Filter,
) -> Result<Option<String>, OriginError> {
    if *filter == Filter::default() {
        return Ok(None);
    }
    let presentation = edition(origin, title, entry).await?;
    let groups = presentation.groups.iter();
    let taken = groups.flat_map(|group| {
        let rungs = group.representations.iter();
        rungs.filter(|rung| filter.takes(&group.profile, rung.rank))
    });
    let ids: Vec<&str> = taken.map(|rung| rung.id.as_str()).collect();
    match ids.is_empty() {
        true => Err(OriginError::not_found(format!(
            "{title}: a rung that fits the query"
        ))),
        false => Ok(Some(ids.join(","))),
    }
}

/// What a manifest is to say, and whether that is all that the title holds.
async fn chosen(
    origin: &Origin,
    manifest: &Manifest<'_>,
    entry: &Object,
    filter: &Filter,
    offered: &Offered,
) -> Result<(Presentation, bool), OriginError> {
    let mut presentation = Presentation::clone(&*edition(origin, &manifest.title, entry).await?);
    for group in &mut presentation.groups {
        let profile = group.profile.clone();
        group
            .representations
            .retain(|rung| filter.takes(&profile, rung.rank));
        if group.weights_url.is_none() {
            group.weights_url = offered.url(&group.weights);
        }
    }
    let mut whole = true;
    if manifest.spelling == Spelling::Dash {
        whole = add_layers(origin, &mut presentation, &manifest.title, filter).await?;
    }
    presentation
        .groups
        .retain(|group| !group.representations.is_empty());
    if manifest.form == Form::Segments {
        list_layers(origin, &mut presentation, &manifest.title).await?;
        presentation = presentation.segment_urls(UP);
    }
    Ok((presentation, whole))
}

/// A manifest's text.
async fn written(presentation: Presentation, spelling: Spelling) -> Result<String, OriginError> {
    let size = size_of_text(&presentation);
    let write = move || match spelling {
        Spelling::Dash => dash::write(&presentation),
        Spelling::Hls => {
            let master = hls::write(&presentation)?.into_iter().next_back();
            Ok(master.map(|playlist| playlist.text).unwrap_or_default())
        }
    };
    Ok(process(size, write).await?)
}

/// About as many bytes as the lists of a presentation's segments take.
fn size_of_text(presentation: &Presentation) -> usize {
    let rungs = presentation
        .groups
        .iter()
        .flat_map(|group| &group.representations);
    rungs.map(|rung| 64 * (1 + rung.segments.len())).sum()
}

/// Takes over the layers, which HLS cannot name, from the published MPD of the same edition. False
/// if there is none: the title may be amid its publication.
async fn add_layers(
    origin: &Origin,
    presentation: &mut Presentation,
    title: &str,
    filter: &Filter,
) -> Result<bool, OriginError> {
    let path = format!("{title}/{}", Spelling::Dash.name());
    let text = match origin.text(&path, false).await {
        Err(error) if error.is_of_store() && !error.is_denied() => return Err(error),
        Err(_) => return Ok(false),
        Ok(text) => text,
    };
    let read = process(text.len(), move || dash::read(&path, &text)).await;
    let Ok(published) = read else {
        return Ok(false);
    };
    let mut whole = presentation.groups.len() == published.groups.len();
    for (group, other) in presentation.groups.iter_mut().zip(published.groups) {
        if first_url(group) != first_url(&other) {
            // All rungs of this one may have been left out by the filter.
            whole &= group.representations.is_empty();
            continue;
        }
        group.layers = other.layers;
        let profile = group.profile.clone();
        group
            .layers
            .retain(|layer| filter.takes(&profile, layer.stream.rank));
    }
    Ok(whole)
}

/// The first rung's URL, which names the edition: a filter may leave out rungs from the end.
fn first_url(group: &Group) -> Option<&str> {
    group.representations.first().map(|rung| rung.url.as_str())
}

/// Lists the segments of layers, from the playlists beside their files. Of a group where one has
/// none, as earlier titles do, the layers have no segment URLs.
async fn list_layers(
    origin: &Origin,
    presentation: &mut Presentation,
    title: &str,
) -> Result<(), OriginError> {
    for group in &mut presentation.groups {
        let mut listed = true;
        for layer in &mut group.layers {
            let stem = layer.stream.url.trim_end_matches(".mp4");
            match origin.layout(&format!("{title}/{stem}")).await {
                Ok(layout) => layer.stream.segments = layout.media.segments.clone(),
                Err(error) if error.is_of_store() && !error.is_denied() => return Err(error),
                Err(_) => listed = false,
            }
        }
        if !listed {
            group.layers.clear();
        }
    }
    Ok(())
}

/// Says where players are steered from (RFC 8216bis §4.4.6.6), after the first two lines.
fn steer(text: &mut String, form: Form) {
    let up = match form {
        Form::Ranges => "../",
        Form::Segments => "../../",
    };
    let line = format!("#EXT-X-CONTENT-STEERING:SERVER-URI=\"{up}steering.json\"\n");
    let ends = text.match_indices('\n').map(|(at, _)| at + 1);
    let place = ends.take(2).last().unwrap_or(text.len());
    text.insert_str(place, &line);
}

/// `TITLE/HASH/RUNG/media.m3u8`.
pub(super) async fn media(origin: &Origin, stem: &str) -> Result<String, OriginError> {
    let media = origin.layout(stem).await?.media.clone();
    Ok(media.segment_urls("").write(MEDIA_NAME)?)
}

/// `TITLE/HASH/RUNG/iframes.m3u8`.
pub(super) async fn iframes(origin: &Origin, stem: &str) -> Result<String, OriginError> {
    let media = origin.layout_with_pictures(stem).await?;
    let text = media.segment_urls("").write_iframes(IFRAMES_NAME)?;
    text.ok_or_else(|| OriginError::not_found(format!("{stem}/{IFRAMES_NAME}")))
}

/// The title as the HLS playlists of this edition describe it, in byte-range form.
async fn edition(
    origin: &Origin,
    title: &str,
    entry: &Object,
) -> Result<Arc<Presentation>, OriginError> {
    let make = || async { presentation(origin, title).await.map(Arc::new) };
    let key = format!("{title} {:?}", entry.etag);
    origin.shared.cache.presentation(key, make).await
}

async fn presentation(origin: &Origin, title: &str) -> Result<Presentation, OriginError> {
    let mut master = read_master(origin, title).await?;
    let (mut media, mut iframes) = (Vec::new(), Vec::new());
    for url in master.media() {
        media.push(referred(origin, title, url).await?);
    }
    for url in master.iframes() {
        iframes.push(referred(origin, title, url).await?);
    }
    let size = media.iter().chain(&iframes).map(String::len).sum();
    let read = move || {
        for (index, text) in media.iter().enumerate() {
            master.fill(index, text)?;
        }
        for (index, text) in iframes.iter().enumerate() {
            master.fill_iframes(index, text)?;
        }
        master.finish()
    };
    let mut presentation = process(size, read).await?;
    let groups = presentation.groups.iter_mut();
    for rung in groups.flat_map(|group| &mut group.representations) {
        rung.index = index_range(rung);
    }
    Ok(presentation)
}

/// The `sidx` of a rung's file: it fills the place between the init segment and the first segment.
fn index_range(rung: &Representation) -> Option<ByteRange> {
    let start = rung.init?.end();
    let first = rung.segments.first()?.range?.start;
    let length = first
        .checked_sub(start)
        .filter(|length| *length >= SMALLEST_INDEX)?;
    Some(ByteRange { start, length })
}

/// The master playlist of a title.
async fn read_master(origin: &Origin, title: &str) -> Result<Master, OriginError> {
    let path = format!("{title}/{ENTRY}");
    let text = origin.text(&path, false).await?;
    let url = path::reference(&path);
    Ok(process(text.len(), move || Master::read(&url, &text)).await?)
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
            Err(OriginError::damaged(format!("{title}/{ENTRY}"), problem))
        }
    }
}
