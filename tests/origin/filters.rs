//! Manifests with the rungs that a query asks for, and with weights on offer.

use crate::server::{Server, header, with_title};
use crate::title;
use promptus::manifest::hls::Master;
use promptus::manifest::{Presentation, dash};
use promptus::origin::{Origin, Settings};
use sha2::{Digest, Sha256};
use std::fs;

const MANIFESTS: [&str; 4] = [
    "/t/master.m3u8",
    "/t/manifest.mpd",
    "/t/segments/master.m3u8",
    "/t/segments/manifest.mpd",
];

fn read(path: &str, text: &str) -> Presentation {
    match path.ends_with(".mpd") {
        true => dash::read(path, text).unwrap(),
        false => Master::read(path, text).unwrap().presentation().clone(),
    }
}

fn ids(presentation: &Presentation) -> Vec<String> {
    let groups = presentation.groups.iter();
    let rungs = groups.flat_map(|group| &group.representations);
    rungs.map(|rung| rung.id.clone()).collect()
}

#[tokio::test]
async fn a_query_leaves_rungs_out_of_every_manifest() {
    let (_root, _, server) = with_title().await;
    for path in MANIFESTS {
        let plain = server.text(path).await;
        assert_eq!(ids(&read(path, &plain)), ["mini-r2", "mini-r8"], "{path}");
        for (query, expected) in [
            ("max_rank=2", &["mini-r2"][..]),
            ("max_rank=7&profile=mini", &["mini-r2"]),
            ("max_rank=99", &["mini-r2", "mini-r8"]),
            ("profile=mini&CMCD=sid%3D%22a%22", &["mini-r2", "mini-r8"]),
        ] {
            let text = server.text(&format!("{path}?{query}")).await;
            assert_eq!(ids(&read(path, &text)), expected, "{path}?{query}");
            if expected.len() == 2 {
                assert_eq!(
                    text, plain,
                    "{path}?{query}: all rungs are the plain manifest"
                );
            }
        }
        for (query, status) in [
            ("max_rank=1", 404),
            ("profile=other", 404),
            ("max_rank=0", 400),
            ("max_rank=2&max_rank=8", 400),
            ("profile=..", 400),
        ] {
            let answer = server.get(&format!("{path}?{query}"), &[]).await;
            assert_eq!(answer.status(), status, "{path}?{query}");
            assert_eq!(header(&answer, "access-control-allow-origin"), "*");
        }
    }
}

#[tokio::test]
async fn other_spellings_of_a_query_are_sent_to_the_one() {
    let (_root, _, server) = with_title().await;
    let answer = server
        .raw(
            "GET /t/segments/manifest.mpd?profile=mini&CMCD=x&max_rank=02 HTTP/1.1\r\n\
             host: x\r\nconnection: close\r\n\r\n",
        )
        .await;
    assert!(answer.starts_with("HTTP/1.1 308 "), "{answer}");
    assert!(
        answer.contains("location: manifest.mpd?max_rank=2&profile=mini&CMCD=x\r\n"),
        "{answer}"
    );
    assert!(
        answer.contains("access-control-allow-origin: *\r\n"),
        "{answer}"
    );
    let followed = server
        .text("/t/segments/manifest.mpd?profile=mini&max_rank=02")
        .await;
    let direct = server
        .text("/t/segments/manifest.mpd?max_rank=2&profile=mini")
        .await;
    assert_eq!(followed, direct);
}

#[tokio::test]
async fn weights_are_served_for_good_and_named_by_manifests() {
    let root = tempfile::tempdir().unwrap();
    title::publish(root.path(), "t", 1, 3000);
    let published = fs::read_to_string(root.path().join("t/manifest.mpd")).unwrap();
    let bytes = title::noise(7, 1_500_000);
    let hash: String = Sha256::digest(&bytes)
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect();
    let named = "5e".repeat(32);
    fs::create_dir(root.path().join("weights")).unwrap();
    fs::write(
        root.path().join(format!("weights/{named}.safetensors")),
        &bytes,
    )
    .unwrap();
    let origin = Origin::local(root.path(), Settings::default()).unwrap();
    let server = Server::start(origin.with_weights(vec![bytes.clone().into()])).await;
    for hash in [&hash, &named] {
        let path = format!("/weights/{hash}.safetensors");
        let whole = server.get(&path, &[("accept-encoding", "br")]).await;
        assert_eq!(
            [
                header(&whole, "cache-control"),
                header(&whole, "content-encoding")
            ],
            ["public, max-age=31536000, immutable", ""]
        );
        let etag = header(&whole, "etag");
        assert_eq!(whole.bytes().await.unwrap(), bytes);
        let fields = [
            ("range", "bytes=1000000-1000009"),
            ("if-range", etag.as_str()),
        ];
        let part = server.get(&path, &fields).await;
        assert_eq!(part.status(), 206);
        assert_eq!(part.bytes().await.unwrap(), bytes[1_000_000..1_000_010]);
    }
    for (path, url) in [
        (MANIFESTS[0], format!("../weights/{named}.safetensors")),
        (MANIFESTS[1], format!("../weights/{named}.safetensors")),
        (MANIFESTS[2], format!("../../weights/{named}.safetensors")),
        (MANIFESTS[3], format!("../../weights/{named}.safetensors")),
    ] {
        let text = server.text(path).await;
        assert_eq!(read(path, &text).groups[0].weights_url, Some(url), "{path}");
    }
    let mut said = dash::read("m", &server.text(MANIFESTS[1]).await).unwrap();
    said.groups[0].weights_url = None;
    let kept = dash::read("m", &published).unwrap();
    assert_eq!(said, kept, "nothing else of the manifest changes");
    let absent = format!("/weights/{}.safetensors", "00".repeat(32));
    assert_eq!(server.get(&absent, &[]).await.status(), 404);
    let catalogue: serde_json::Value =
        serde_json::from_str(&server.text("/catalogue.json").await).unwrap();
    assert_eq!(catalogue["titles"].as_array().unwrap().len(), 1);
    assert_eq!(catalogue["problems"].as_array().unwrap().len(), 0);
}
