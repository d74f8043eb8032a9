//! Both forms of both spellings name the same bytes.

use crate::server::{header, with_title};
use crate::title;
use promptus::manifest::hls::Master;
use promptus::manifest::{Presentation, Representation, dash};

/// Reads a title over HTTP as a player would: the URLs inside become relative to `folder`.
async fn hls(server: &crate::server::Server, folder: &str) -> Presentation {
    let url = format!("{folder}master.m3u8");
    let mut master = Master::read(&url, &server.text(&url).await).unwrap();
    let media: Vec<String> = master.media().map(str::to_owned).collect();
    for (index, url) in media.iter().enumerate() {
        let text = server.text(&format!("{folder}{url}")).await;
        master.fill(index, &text).unwrap();
    }
    let iframes: Vec<String> = master.iframes().map(str::to_owned).collect();
    for (index, url) in iframes.iter().enumerate() {
        let text = server.text(&format!("{folder}{url}")).await;
        master.fill_iframes(index, &text).unwrap();
    }
    master.finish().unwrap()
}

#[tokio::test]
async fn segment_urls_are_exactly_the_byte_ranges() {
    let (root, presentation, server) = with_title().await;
    let segments = hls(&server, "/t/segments/").await;
    assert_eq!(segments, presentation.segment_urls("../"));
    for (rung, cut) in rungs(&presentation).zip(rungs(&segments)) {
        let whole = title::file(root.path(), "t", rung);
        let init = server.bytes(&format!("/t/segments/{}", cut.url)).await;
        assert_eq!(init, &whole[..800]);
        for (segment, cut) in rung.segments.iter().zip(&cut.segments) {
            let range = segment.range.unwrap();
            let bytes = server.bytes(&format!("/t/segments/{}", cut.url)).await;
            assert_eq!(bytes, &whole[range.start as usize..range.end() as usize]);
        }
    }
}

#[tokio::test]
async fn the_byte_range_form_is_what_was_published() {
    let (_root, presentation, server) = with_title().await;
    let mut expected = presentation.clone();
    for rung in expected
        .groups
        .iter_mut()
        .flat_map(|group| &mut group.representations)
    {
        rung.index = None;
    }
    assert_eq!(hls(&server, "/t/").await, expected);
}

#[tokio::test]
async fn both_mpds_say_what_the_playlists_say() {
    let (_root, presentation, server) = with_title().await;
    let ranges = dash::read("m", &server.text("/t/manifest.mpd").await).unwrap();
    assert_eq!(
        dash::write(&presentation).unwrap(),
        server.text("/t/manifest.mpd").await
    );
    assert_eq!(
        ranges.groups[0].representations[0].index,
        presentation.groups[0].representations[0].index
    );
    let segments = dash::read("m", &server.text("/t/segments/manifest.mpd").await).unwrap();
    for (a, b) in rungs(&segments).zip(rungs(&presentation.segment_urls("../"))) {
        let urls = |rung: &Representation| -> Vec<(String, u64)> {
            let segments = rung.segments.iter();
            segments.map(|s| (s.url.clone(), s.start.ticks)).collect()
        };
        assert_eq!(urls(a), urls(b));
        assert_eq!(
            (&a.id, a.rank, a.score, a.bandwidth),
            (&b.id, b.rank, b.score, b.bandwidth)
        );
    }
}

#[tokio::test]
async fn media_types() {
    let (_root, presentation, server) = with_title().await;
    let rung = presentation.groups[0].representations[0]
        .url
        .trim_end_matches(".mp4")
        .to_owned();
    for (path, kind) in [
        ("/t/master.m3u8".to_owned(), "application/vnd.apple.mpegurl"),
        ("/t/manifest.mpd".to_owned(), "application/dash+xml"),
        ("/t/quality.json".to_owned(), "application/json"),
        ("/t/poster.jpg".to_owned(), "image/jpeg"),
        (format!("/t/{rung}.mp4"), "video/mp4"),
        (format!("/t/{rung}/1.m4s"), "video/mp4"),
        (format!("/t/{rung}/init.mp4"), "video/mp4"),
        (
            format!("/t/{rung}/media.m3u8"),
            "application/vnd.apple.mpegurl",
        ),
        ("/".to_owned(), "text/html; charset=utf-8"),
    ] {
        let response = server.get(&path, &[]).await;
        assert_eq!(
            (
                response.status().as_u16(),
                header(&response, "content-type")
            ),
            (200, kind.to_owned()),
            "{path}"
        );
    }
}

#[tokio::test]
async fn an_old_edition_plays_on_after_a_new_one_is_published() {
    let (root, old, server) = with_title().await;
    let new = title::publish(root.path(), "t", 2, 5000);
    let stem = |p: &Presentation| {
        p.groups[0].representations[0]
            .url
            .trim_end_matches(".mp4")
            .to_owned()
    };
    assert_ne!(stem(&old), stem(&new));
    for edition in [&old, &new] {
        for name in ["media.m3u8", "iframes.m3u8", "init.mp4", "3.m4s"] {
            let bytes = server.bytes(&format!("/t/{}/{name}", stem(edition))).await;
            assert!(!bytes.is_empty());
        }
    }
    let gone = server.get(&format!("/t/{}/4.m4s", stem(&new)), &[]).await;
    assert_eq!(gone.status(), 404);
}

fn rungs(presentation: &Presentation) -> impl Iterator<Item = &Representation> {
    presentation
        .groups
        .iter()
        .flat_map(|group| &group.representations)
}
