//! A title as the packager publishes it, read by ffprobe over HTTP.

use crate::rungs;
use crate::site::Server;
use crate::tools;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ffprobe_sees_every_packet_through_every_manifest() {
    let Some(ffprobe) = tools::tool("ffprobe") else {
        return;
    };
    let root = tempfile::tempdir().unwrap();
    rungs::put(&root.path().join("real"), &rungs::two_rungs(1));
    let server = Server::of(root.path()).await;
    for manifest in [
        "master.m3u8",
        "manifest.mpd",
        "segments/master.m3u8",
        "segments/manifest.mpd",
    ] {
        let output = tokio::process::Command::new(&ffprobe)
            .args([
                "-v",
                "error",
                "-count_packets",
                "-of",
                "csv=p=0",
                "-show_entries",
            ])
            .arg("stream=codec_type,codec_tag_string,width,height,nb_read_packets")
            .arg(server.url(&format!("/real/{manifest}")))
            .output()
            .await
            .unwrap();
        let seen = String::from_utf8(output.stdout).unwrap();
        let streams: Vec<&str> = seen
            .lines()
            .map(|line| line.trim_end_matches(','))
            .collect();
        let whole = streams
            .iter()
            .filter(|stream| **stream == "video,prm1,250,140,15")
            .count();
        assert!(
            whole >= 2,
            "{manifest}: {seen}{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
}
