//! The title under `manifests/demo`: it belongs to the shipped weights and recipe, and its frames
//! are the same bytes after straight play, seek and switch, on every segment and rung.

#![allow(clippy::unwrap_used)]

use promptus::model::Generator;
use promptus::package::Title;
use promptus::render::SegmentRenderer;
use promptus::source::Recipe;
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

static GENERATOR: LazyLock<Arc<Generator>> =
    LazyLock::new(|| Arc::new(Generator::shipped(&candle_core::Device::Cpu).unwrap()));

fn here(relative: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(relative)
}

fn title() -> Title {
    Title::open(&here("manifests/demo")).unwrap()
}

fn renderer(title: &Title, rung: usize) -> SegmentRenderer {
    let track = title.rungs()[rung].track().clone();
    SegmentRenderer::new(Arc::clone(&GENERATOR), track).unwrap()
}

fn digest(title: &Title, renderer: &mut SegmentRenderer, rung: usize, segment: usize) -> Vec<u8> {
    let mut hash = Sha256::new();
    let media = title.rungs()[rung].media(segment).unwrap();
    let mut take = |frame: promptus::frame::Frame| {
        hash.update(frame.data());
        Ok(())
    };
    renderer.render(&media, &mut take).unwrap();
    hash.finalize().to_vec()
}

#[test]
fn the_title_belongs_to_the_shipped_weights_and_recipe() {
    let title = title();
    let recipe = Recipe::read(&here("static/demo/recipe.json")).unwrap();
    for rung in title.rungs() {
        let weights = GENERATOR.weights_hash();
        assert_eq!(rung.track().weights, weights, "{}", rung.id());
        assert_eq!(rung.track().visible, (256, 256));
    }
    let rate = title.rungs()[0].track().frame_rate;
    let duration = title.presentation().duration.seconds();
    assert_eq!((duration * rate.fps()).round() as u64, recipe.length());
}

#[test]
fn play_seek_and_switch_give_the_same_bytes() {
    let title = title();
    promptus::model::ops::keep_freed_memory();
    let (rungs, segments) = (title.rungs().len(), title.rungs()[0].segments().len());
    let straight = (0..rungs).map(|rung| {
        let mut player = renderer(&title, rung);
        (0..segments)
            .map(|segment| digest(&title, &mut player, rung, segment))
            .collect()
    });
    let straight: Vec<Vec<Vec<u8>>> = straight.collect();
    // Backwards, on another rung for every segment: each is sought and switched to.
    let mut players: Vec<SegmentRenderer> = (0..rungs).map(|rung| renderer(&title, rung)).collect();
    for lap in 0..rungs {
        for segment in (0..segments).rev() {
            let rung = (lap + segment) % rungs;
            let found = digest(&title, &mut players[rung], rung, segment);
            let same = found == straight[rung][segment];
            assert!(same, "rung {rung}, segment {segment}");
        }
    }
}
