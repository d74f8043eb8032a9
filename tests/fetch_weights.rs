//! `promptus play --fetch-weights`: a title whose weights are not installed, served together with
//! them.

#![cfg(feature = "cli")]
#![allow(clippy::unwrap_used)]

#[path = "common/program.rs"]
mod program;
#[path = "common/synthetic.rs"]
mod synthetic;
#[path = "common/title.rs"]
mod title;

use program::said;
use promptus::model::Generator;
use promptus::origin::{Origin, Settings, serve};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

/// The shipped weights with one bit flipped, so that their hash differs.
fn other_weights() -> (Vec<u8>, [u8; 32]) {
    let mut file = Generator::shipped_file().to_vec();
    *file.last_mut().unwrap() ^= 1;
    let hash = Sha256::digest(&file).into();
    (file, hash)
}

fn publish_for(folder: &Path, weights: [u8; 32]) {
    let mut track = synthetic::track((64, 64), (64, 64));
    track.weights = weights;
    synthetic::put(folder, &track, &[24], 10, &[4], false);
}

struct Place {
    folder: tempfile::TempDir,
    /// Runs the server.
    _runtime: Runtime,
    base: String,
    kept: PathBuf,
    served: PathBuf,
    weights: Vec<u8>,
}

impl Place {
    /// A server with a title `t` and its weights.
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (weights, hash) = other_weights();
        let titles = folder.path().join("titles");
        publish_for(&titles.join("t"), hash);
        let name: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
        let name = format!("{name}.safetensors");
        fs::create_dir(titles.join("weights")).unwrap();
        let served = titles.join("weights").join(&name);
        fs::write(&served, &weights).unwrap();
        let runtime = Runtime::new().unwrap();
        let origin = Origin::local(&titles, Settings::default()).unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        runtime.spawn(serve(listener, origin, std::future::pending()));
        Self {
            kept: folder.path().join("cache/promptus/weights").join(name),
            folder,
            _runtime: runtime,
            base,
            served,
            weights,
        }
    }

    fn play(&self, manifest: &str, more: &[&str]) -> Output {
        let out = self.folder.path().join("frames");
        program::promptus(["play", &format!("{}/t/{manifest}", self.base), "--json"])
            .args(["--out", out.to_str().unwrap()])
            .args(more)
            .env("XDG_CACHE_HOME", self.folder.path().join("cache"))
            .output()
            .unwrap()
    }

    /// Files in the cache.
    fn kept(&self) -> usize {
        fs::read_dir(self.kept.parent().unwrap()).map_or(0, Iterator::count)
    }
}

fn summary(output: &Output) -> Value {
    program::json(output)["summary"].clone()
}

#[test]
fn weights_are_fetched_once_with_consent_and_counted_separately() {
    let place = Place::new();
    let without = place.play("master.m3u8", &[]);
    assert_eq!(without.status.code(), Some(2));
    let said = said(&without);
    let address = format!("--fetch-weights fetches them from {}/weights/", place.base);
    assert!(said.contains(&address), "{said}");
    assert_eq!(place.kept(), 0, "nothing is fetched without consent");

    let first = summary(&place.play("master.m3u8", &["--fetch-weights"]));
    assert_eq!(first["weights_bytes"], place.weights.len());
    let others = ["bytes", "overhead_bytes"].map(|name| first[name].as_u64().unwrap());
    assert!(others.iter().sum::<u64>() < 100_000, "{first}");
    assert_eq!(fs::read(&place.kept).unwrap(), place.weights);

    let again = summary(&place.play("segments/manifest.mpd", &[]));
    assert_eq!(again["weights_bytes"], 0);

    // A damaged cached file is not used.
    fs::write(&place.kept, &place.weights[..100]).unwrap();
    assert_eq!(place.play("master.m3u8", &[]).status.code(), Some(2));
    let mended = summary(&place.play("manifest.mpd", &["--fetch-weights"]));
    assert_eq!(mended["weights_bytes"], place.weights.len());
    assert_eq!(fs::read(&place.kept).unwrap(), place.weights);
}

#[test]
fn weights_with_another_hash_are_refused_and_not_kept() {
    let place = Place::new();
    let mut spoilt = place.weights.clone();
    spoilt[1_000_000] ^= 1;
    fs::write(&place.served, spoilt).unwrap();
    let refused = place.play("master.m3u8", &["--fetch-weights"]);
    assert_eq!(refused.status.code(), Some(2));
    let said = said(&refused);
    assert!(
        said.contains("weights of SHA-256") && said.contains("were expected"),
        "{said}"
    );
    assert_eq!(place.kept(), 0);
}
