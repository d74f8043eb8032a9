//! Titles on disk, played without a server.

use super::*;
use promptus::playback::locate;

#[tokio::test]
async fn a_title_on_disk_needs_no_server() {
    let folder = TempDir::new().unwrap();
    // A name that a URL cannot hold as it is.
    let title = folder.path().join("a title #1 100%");
    let presentation = publish_fake(&title, 4);
    let text = |path: &Path| path.to_str().unwrap().to_owned();
    let both = [
        title.clone(),
        title.join("manifest.mpd"),
        title.join("master.m3u8"),
        title.join("urls/master.m3u8"),
        title.join("urls/manifest.mpd"),
    ];
    for path in both {
        let url = locate(&text(&path)).unwrap();
        let (_, segments) = play_all(&url, &with(Abr::Fixed(2))).await;
        for (number, segment) in segments.iter().enumerate() {
            let expected = segment_bytes(&title, &presentation, number, 2);
            assert!(segment.bytes == expected, "{url}: segment {number}");
        }
        assert_eq!(segments.len(), 4);
    }
    assert!(locate(&text(&title)).unwrap().ends_with("/manifest.mpd"));
    assert_eq!(locate("http://host/x").unwrap(), "http://host/x");
    let absent = locate(&text(&title.join("nothing"))).unwrap_err();
    assert!(
        absent.to_string().contains("expected a title folder"),
        "{absent}"
    );
    assert!(locate(&text(folder.path())).is_err());
    // A file that is shorter than in its manifest, and one that is gone.
    let url = locate(&text(&title.join("master.m3u8"))).unwrap();
    let file = title.join(&presentation.groups[0].representations[0].url);
    let whole = fs::read(&file).unwrap();
    fs::write(&file, &whole[..whole.len() - 1]).unwrap();
    let (log, segments) = play_all(&url, &with(Abr::Fixed(0))).await;
    assert_eq!(segments.last().map(|last| last.rung), Some(1));
    assert_eq!(count_of(&log, Outcome::Failed), 1);
    fs::remove_file(&file).unwrap();
    fails(&url, "mini-r1.mp4: cannot be read").await;
}

#[tokio::test]
async fn a_manifest_from_the_network_names_no_local_files() {
    let folder = TempDir::new().unwrap();
    let title = publish_fake(folder.path(), 2);
    let url = &title.groups[0].representations[0].url;
    let playlist = url.replace(".mp4", ".m3u8");
    let text = fs::read_to_string(folder.path().join("master.m3u8")).unwrap();
    assert!(text.contains(&playlist));
    let text = text.replace(&playlist, "file:///etc/hostname");
    fs::write(folder.path().join("x.m3u8"), text).unwrap();
    let base = serve_well(folder.path()).await;
    fails(&format!("{base}x.m3u8"), "may not name local files").await;
}
