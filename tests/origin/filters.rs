//! Manifests filtered by a query, and with weights on offer.

use crate::site::{Site, assert_fields, header};
use crate::title;
use promptus::manifest::hls::Master;
use promptus::manifest::{Presentation, dash};
use sha2::{Digest, Sha256};
use std::fs;

const MANIFESTS: [&str; 4] = [
    "/t/master.m3u8",
    "/t/manifest.mpd",
    "/t/segments/master.m3u8",
    "/t/segments/manifest.mpd",
];

fn read(path: &str, text: &str) -> Presentation {
    if path.ends_with(".mpd") {
        dash::read(path, text).unwrap()
    } else {
        Master::read(path, text).unwrap().presentation().clone()
    }
}

fn ids(presentation: &Presentation) -> Vec<String> {
    let groups = presentation.groups.iter();
    let rungs = groups.flat_map(|group| &group.representations);
    rungs.map(|rung| rung.id.clone()).collect()
}

#[tokio::test]
async fn a_query_leaves_rungs_out_of_every_manifest() {
    let site = Site::new().await;
    for path in MANIFESTS {
        let plain = site.text(path).await;
        assert_eq!(ids(&read(path, &plain)), ["mini-r2", "mini-r8"], "{path}");
        for (query, expected) in [
            ("max_rank=2", &["mini-r2"][..]),
            ("max_rank=7&profile=mini", &["mini-r2"]),
            ("max_rank=99", &["mini-r2", "mini-r8"]),
            ("profile=mini&CMCD=sid%3D%22a%22", &["mini-r2", "mini-r8"]),
        ] {
            let text = site.text(&format!("{path}?{query}")).await;
            assert_eq!(ids(&read(path, &text)), expected, "{path}?{query}");
            assert_eq!(text == plain, expected.len() == 2, "{path}?{query}");
        }
        for (query, status) in [
            ("max_rank=1", 404),
            ("profile=other", 404),
            ("max_rank=0", 400),
            ("max_rank=2&max_rank=8", 400),
            ("profile=..", 400),
        ] {
            let response = site.get(&format!("{path}?{query}"), &[]).await;
            assert_eq!(response.status(), status, "{path}?{query}");
            assert_fields(&response, &[("access-control-allow-origin", "*")], query);
        }
    }
}

#[tokio::test]
async fn other_notations_of_a_query_are_redirected_to_the_canonical_one() {
    let site = Site::new().await;
    let (status, response) = site
        .raw_get("/t/segments/manifest.mpd?profile=mini&CMCD=x&max_rank=02")
        .await;
    assert_eq!(status, 308, "{response}");
    for field in [
        "location: manifest.mpd?max_rank=2&profile=mini&CMCD=x\r\n",
        "access-control-allow-origin: *\r\n",
    ] {
        assert!(response.contains(field), "{response}");
    }
    let manifest = MANIFESTS[3];
    let followed = site
        .text(&format!("{manifest}?profile=mini&max_rank=02"))
        .await;
    let direct = site
        .text(&format!("{manifest}?max_rank=2&profile=mini"))
        .await;
    assert_eq!(followed, direct);
}

#[tokio::test]
async fn weights_are_immutable_and_named_by_manifests() {
    let site = Site::new().await;
    let published = fs::read_to_string(site.root.path().join("t/manifest.mpd")).unwrap();
    let bytes = title::noise(7, 1_500_000);
    let hash: String = Sha256::digest(&bytes)
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect();
    let named = "5e".repeat(32);
    fs::create_dir(site.root.path().join("weights")).unwrap();
    let file = site
        .root
        .path()
        .join(format!("weights/{named}.safetensors"));
    fs::write(file, &bytes).unwrap();
    let _ = site.origin.clone().with_weights(vec![bytes.clone().into()]);
    for hash in [&hash, &named] {
        let path = format!("/weights/{hash}.safetensors");
        let whole = site.get(&path, &[("accept-encoding", "br")]).await;
        let cache_control = "public, max-age=31536000, immutable";
        let fields = [("cache-control", cache_control), ("content-encoding", "")];
        assert_fields(&whole, &fields, &path);
        let etag = header(&whole, "etag");
        assert!(whole.bytes().await.unwrap() == bytes);
        let fields = [("range", "bytes=1000000-1000009"), ("if-range", &etag)];
        let part = site.get(&path, &fields).await;
        assert_eq!(part.status(), 206);
        assert_eq!(part.bytes().await.unwrap(), bytes[1_000_000..1_000_010]);
    }
    for (path, up) in MANIFESTS.into_iter().zip(["..", "..", "../..", "../.."]) {
        let url = format!("{up}/weights/{named}.safetensors");
        let text = site.text(path).await;
        assert_eq!(read(path, &text).groups[0].weights_url, Some(url), "{path}");
    }
    let mut served = read(MANIFESTS[1], &site.text(MANIFESTS[1]).await);
    served.groups[0].weights_url = None;
    assert_eq!(
        served,
        read(MANIFESTS[1], &published),
        "nothing else changes"
    );
    let absent = format!("/weights/{}.safetensors", "00".repeat(32));
    assert_eq!(site.status(&absent).await, 404);
    let catalogue = site.json("/catalogue.json").await;
    assert_eq!(catalogue["titles"].as_array().unwrap().len(), 1);
    assert_eq!(catalogue["problems"], serde_json::json!([]));
}
