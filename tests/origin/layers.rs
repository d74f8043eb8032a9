//! Layers in segment-URL form.

use crate::rungs;
use crate::site::Server;
use promptus::manifest::dash;
use promptus::package::{Title, TitleContent, TitleFiles};
use std::fs;

/// A title with three rungs and the two layers between them.
fn layered() -> TitleContent {
    TitleContent {
        layers: true,
        ..rungs::content(&[1, 2, 4], &[48, 72], 1)
    }
}

/// A folder with that title as `t`.
pub(crate) fn published() -> (tempfile::TempDir, TitleFiles) {
    let root = tempfile::tempdir().unwrap();
    let files = rungs::put(&root.path().join("t"), &layered());
    (root, files)
}

#[tokio::test]
async fn segment_urls_of_layers_have_the_bytes_of_their_files() {
    let (root, _) = published();
    let folder = root.path().join("t");
    let title = Title::open(&folder).unwrap();
    let server = Server::of(root.path()).await;
    let text = server.text("/t/segments/manifest.mpd").await;
    let presentation = dash::read("m", &text).unwrap();
    let layers = &presentation.groups[0].layers;
    let steps: Vec<(u32, u32)> = layers
        .iter()
        .map(|layer| (layer.first_component, layer.stream.rank))
        .collect();
    assert_eq!(steps, [(1, 2), (2, 4)]);
    for (layer, file) in layers.iter().zip(title.layers()) {
        let init = server
            .bytes(&format!("/t/segments/{}", layer.stream.url))
            .await;
        let whole = fs::read(file.path()).unwrap();
        let range = file.layout().init_range.clone();
        assert_eq!(init, &whole[range.start as usize..range.end as usize]);
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
