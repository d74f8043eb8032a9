//! Manifests filtered by a query, and with weights on offer.

use crate::site::Site;
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

fn ids(path: &str, text: &str) -> String {
    let groups = read(path, text).groups.into_iter();
    let rungs = groups.flat_map(|group| group.representations);
    rungs.map(|rung| rung.id).collect::<Vec<_>>().join(" ")
}

#[tokio::test]
async fn a_query_leaves_rungs_out_of_every_manifest() {
    const ALL: &str = "mini-r2 mini-r8";
    let site = Site::new().await;
    for path in MANIFESTS {
        let plain = site.text(path).await;
        assert_eq!(ids(path, &plain), ALL, "{path}");
        for (query, expected) in [
            ("max_rank=2", "mini-r2"),
            ("max_rank=7&profile=mini", "mini-r2"),
            ("max_rank=99", ALL),
            ("profile=mini&CMCD=sid%3D%22a%22", ALL),
        ] {
            let text = site.text(&format!("{path}?{query}")).await;
            assert_eq!(ids(path, &text), expected, "{path}?{query}");
            assert_eq!(text == plain, expected == ALL, "{path}?{query}");
        }
        let rows = "
            404 PATH?max_rank=1 => access-control-allow-origin: *
            404 PATH?profile=other => access-control-allow-origin: *
            400 PATH?max_rank=0 => access-control-allow-origin: *
            400 PATH?max_rank=2&max_rank=8 => access-control-allow-origin: *
            400 PATH?profile=.. => access-control-allow-origin: *
        ";
        site.expect(&rows.replace("PATH", path)).await;
    }
}

#[tokio::test]
async fn other_notations_of_a_query_are_redirected_to_the_canonical_one() {
    let site = Site::new().await;
    let path = "/t/segments/manifest.mpd?profile=mini&CMCD=x&max_rank=02";
    let (status, response) = site.raw_get(path).await;
    assert_eq!(status, 308, "{response}");
    for field in [
        "location: manifest.mpd?max_rank=2&profile=mini&CMCD=x\r\n",
        "access-control-allow-origin: *\r\n",
    ] {
        assert!(response.contains(field), "{response}");
    }
    let direct = "/t/segments/manifest.mpd?max_rank=2&profile=mini&CMCD=x";
    assert_eq!(site.text(path).await, site.text(direct).await);
}

#[tokio::test]
async fn weights_are_immutable_and_named_by_manifests() {
    let site = Site::new().await;
    let published = fs::read_to_string(site.root.path().join("t/manifest.mpd")).unwrap();
    let bytes = title::noise(7, 1_500_000);
    let digits = Sha256::digest(&bytes);
    let hash: String = digits.iter().map(|byte| format!("{byte:02x}")).collect();
    let named = "5e".repeat(32);
    let weights = site.root.path().join("weights");
    fs::create_dir(&weights).unwrap();
    fs::write(weights.join(format!("{named}.safetensors")), &bytes).unwrap();
    let _ = site.origin.clone().with_weights(vec![bytes.clone().into()]);
    for hash in [&hash, &named] {
        let path = format!("/weights/{hash}.safetensors");
        let whole = site.get(&path, "accept-encoding: br").await;
        let immutable = "cache-control: public, max-age=31536000, immutable";
        whole.has(&format!("{immutable} | content-encoding:"), &path);
        assert!(whole.body == bytes);
        let etag = whole.field("etag");
        let fields = format!("range: bytes=1000000-1000009 | if-range: {etag}");
        let part = site.get(&path, &fields).await;
        assert_eq!(part.body, bytes[1_000_000..1_000_010]);
    }
    for (path, up) in MANIFESTS.into_iter().zip(["..", "..", "../..", "../.."]) {
        let url = format!("{up}/weights/{named}.safetensors");
        let mut served = read(path, &site.text(path).await);
        assert_eq!(served.groups[0].weights_url.take(), Some(url), "{path}");
        if path == MANIFESTS[1] {
            let before = read(path, &published);
            assert_eq!(served, before, "nothing else changes");
        }
    }
    let absent = format!("/weights/{}.safetensors", "00".repeat(32));
    assert_eq!(site.status(&absent).await, 404);
    let catalogue = site.json("/catalogue.json").await;
    assert_eq!(catalogue["titles"].as_array().unwrap().len(), 1);
    assert_eq!(catalogue["problems"], serde_json::json!([]));
}
