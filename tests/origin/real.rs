//! A title as the packager publishes it, read by ffprobe over HTTP.

use crate::rungs;
use crate::site::Server;
use crate::tools;
use std::path::Path;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ffprobe_sees_every_packet_through_every_manifest() {
    if tools::tool("ffprobe").is_none() {
        return;
    }
    let root = tempfile::tempdir().unwrap();
    // Five seconds in two segments, fifteen keyframes.
    rungs::put(&root.path().join("real"), &rungs::two_rungs(1));
    let server = Server::of(root.path()).await;
    for manifest in [
        "master.m3u8",
        "manifest.mpd",
        "segments/master.m3u8",
        "segments/manifest.mpd",
    ] {
        let url = server.url(&format!("/real/{manifest}"));
        let entries = "codec_type,codec_tag_string,width,height,nb_read_packets";
        let probe = move || tools::probe(Path::new(&url), entries);
        let seen = tokio::task::spawn_blocking(probe).await.unwrap();
        let streams = seen.lines().map(|line| line.trim_end_matches(','));
        let whole = streams.filter(|stream| *stream == "video,prm1,250,140,15");
        assert!(whole.count() >= 2, "{manifest}: {seen}");
    }
}
