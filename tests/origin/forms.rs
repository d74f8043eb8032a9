//! Byte ranges and segment URLs of HLS and DASH name the same bytes, those of layers included.

use crate::rungs;
use crate::site::{Server, Site};
use crate::title;
use promptus::manifest::hls::Master;
use promptus::manifest::{Presentation, Representation, dash};
use promptus::package::{Title, TitleContent, TitleFiles};
use std::fs;

/// Reads a title over HTTP as a player would: the URLs inside become relative to `folder`.
async fn hls(server: &Server, folder: &str) -> Presentation {
    let url = format!("{folder}master.m3u8");
    let mut master = Master::read(&url, &server.text(&url).await).unwrap();
    let owned = |url: &str| format!("{folder}{url}");
    let media: Vec<String> = master.media().map(owned).collect();
    let iframes: Vec<String> = master.iframes().map(owned).collect();
    for (index, url) in media.iter().enumerate() {
        master.fill(index, &server.text(url).await).unwrap();
    }
    for (index, url) in iframes.iter().enumerate() {
        let text = server.text(url).await;
        master.fill_iframes(index, &text).unwrap();
    }
    master.finish().unwrap()
}

#[tokio::test]
async fn segment_urls_are_exactly_the_byte_ranges() {
    let site = Site::new().await;
    let segments = hls(&site, "/t/segments/").await;
    assert_eq!(segments, site.title.segment_urls("../"));
    for (index, cut) in rungs(&segments).enumerate() {
        let (rung, whole) = (site.rung(index), site.file(index));
        let init = site.bytes(&format!("/t/segments/{}", cut.url)).await;
        assert_eq!(init, &whole[..800]);
        for (segment, cut) in rung.segments.iter().zip(&cut.segments) {
            let range = segment.range.unwrap();
            let bytes = site.bytes(&format!("/t/segments/{}", cut.url)).await;
            assert_eq!(bytes, &whole[range.start as usize..range.end() as usize]);
        }
    }
}

#[tokio::test]
async fn the_byte_range_form_is_the_published_one() {
    let site = Site::new().await;
    let mut expected = site.title.clone();
    for rung in &mut expected.groups[0].representations {
        // HLS does not express it.
        rung.index = None;
    }
    assert_eq!(hls(&site, "/t/").await, expected);
    let ranges = site.text("/t/manifest.mpd").await;
    assert_eq!(dash::write(&site.title).unwrap(), ranges);
    let ranges = dash::read("m", &ranges).unwrap();
    let index = ranges.groups[0].representations[0].index;
    assert_eq!(index, site.rung(0).index);
}

#[tokio::test]
async fn the_mpd_with_segment_urls_agrees_with_the_playlists() {
    let site = Site::new().await;
    let segments = dash::read("m", &site.text("/t/segments/manifest.mpd").await).unwrap();
    let of = |rung: &Representation| {
        let segments = rung.segments.iter();
        let urls = segments.map(|s| (s.url.clone(), s.start.ticks));
        let urls: Vec<(String, u64)> = urls.collect();
        (urls, rung.id.clone(), rung.rank, rung.score, rung.bandwidth)
    };
    for (a, b) in rungs(&segments).zip(rungs(&site.title.segment_urls("../"))) {
        assert_eq!(of(a), of(b));
    }
}

#[tokio::test]
async fn an_old_version_is_served_after_a_new_one_is_published() {
    let site = Site::new().await;
    let new = title::publish(site.root.path(), "t", 2, 5000);
    let new = format!("/t/{}/", title::first(&new).trim_end_matches(".mp4"));
    assert_ne!(site.part(""), new);
    for folder in [&site.part(""), &new] {
        for name in ["media.m3u8", "iframes.m3u8", "init.mp4", "3.m4s"] {
            site.bytes(&format!("{folder}{name}")).await;
        }
    }
    assert_eq!(site.status(&format!("{new}4.m4s")).await, 404);
}

fn rungs(presentation: &Presentation) -> impl Iterator<Item = &Representation> {
    let groups = presentation.groups.iter();
    groups.flat_map(|group| &group.representations)
}

/// A folder with the title `t` of three rungs and the two layers between them.
pub(crate) fn published() -> (tempfile::TempDir, TitleFiles) {
    let root = tempfile::tempdir().unwrap();
    let content = TitleContent {
        layers: true,
        ..rungs::content(&[1, 2, 4], &[48, 72], 1)
    };
    let files = rungs::put(&root.path().join("t"), &content);
    (root, files)
}

#[tokio::test]
async fn segment_urls_of_layers_have_the_bytes_of_their_files() {
    let (root, _) = published();
    let title = Title::open(&root.path().join("t")).unwrap();
    let server = Server::of(root.path()).await;
    let text = server.text("/t/segments/manifest.mpd").await;
    let layers = &dash::read("m", &text).unwrap().groups[0].layers;
    for (layer, steps) in layers.iter().zip([(1, 2), (2, 4)]) {
        assert_eq!((layer.first_component, layer.stream.rank), steps);
    }
    assert_eq!(layers.len(), 2);
    for (layer, file) in layers.iter().zip(title.layers()) {
        let url = format!("/t/segments/{}", layer.stream.url);
        let whole = fs::read(file.path()).unwrap();
        let range = file.layout().init_range.clone();
        let init = &whole[range.start as usize..range.end as usize];
        assert_eq!(server.bytes(&url).await, init);
        assert_eq!(layer.stream.segments.len(), 2);
        for (index, segment) in layer.stream.segments.iter().enumerate() {
            let bytes = server.bytes(&format!("/t/segments/{}", segment.url)).await;
            assert_eq!(bytes, file.bytes(index).unwrap(), "{}", segment.url);
        }
    }
    for form in ["", "segments/"] {
        let path = format!("/t/{form}manifest.mpd?max_rank=2");
        let fewer = dash::read("m", &server.text(&path).await).unwrap();
        assert_eq!(fewer.groups[0].layers.len(), 1, "{form}");
    }
    let hls = server.text("/t/segments/master.m3u8").await;
    assert!(!hls.contains("-l1-"), "{hls}");
}

#[tokio::test]
async fn layers_without_playlists_have_no_segment_urls() {
    let (root, files) = published();
    let folder = root.path().join("t");
    fs::remove_file(folder.join(&files.hash).join("mini-l1-r2.m3u8")).unwrap();
    let server = Server::of(root.path()).await;
    let text = server.text("/t/segments/manifest.mpd").await;
    assert!(!text.contains("mini-l"), "{text}");
    assert!(server.text("/t/manifest.mpd").await.contains("mini-l1-r2"));
}
