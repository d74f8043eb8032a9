//! From a title to frames with their media times, through the library alone.

#![cfg(all(feature = "generator", feature = "net"))]
#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "common/synthetic.rs"]
mod synthetic;
#[path = "common/title.rs"]
mod title;

use promptus::frame::Frame;
use promptus::model::Generator;
use promptus::package::Title;
use promptus::playback::{
    FetchError, FramePlayback, GeneratorOptions, Opening, Playback, PlaybackError, Setup,
};
use promptus::render::SegmentRenderer;
use promptus::report::Verdict;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use tempfile::TempDir;

/// A title of half a second at 24 frames a second, fitted with unknown weights or those of this hash.
fn title(weights: [u8; 32]) -> (TempDir, String) {
    let mut track = synthetic::track((32, 32), (32, 32));
    track.weights = weights;
    let folder = TempDir::new().unwrap();
    synthetic::put(folder.path(), &track, &[12], 10, &[4], false);
    let path = folder.path().display().to_string();
    (folder, path)
}

/// The frames as the renderer gives them.
fn rendered(folder: &Path) -> Vec<Frame> {
    let title = Title::open(folder).unwrap();
    let rung = &title.rungs()[0];
    let generator = Arc::new(Generator::shipped(&candle_core::Device::Cpu).unwrap());
    let mut renderer = SegmentRenderer::new(generator, rung.track().clone()).unwrap();
    let mut frames = Vec::new();
    let mut keep = |frame| {
        frames.push(frame);
        Ok(())
    };
    renderer.render(&rung.media(0).unwrap(), &mut keep).unwrap();
    frames
}

async fn open(title: &str) -> Result<FramePlayback, PlaybackError> {
    FramePlayback::open(title, &Opening::default(), GeneratorOptions::default()).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn frames_come_in_order_with_their_media_times() {
    let (folder, path) = title([0; 32]);
    let expected = rendered(folder.path());
    for first in [0, 6] {
        let playback = open(&path).await.unwrap();
        assert_eq!(playback.format().size, (32, 32));
        let mut setup = Setup::default();
        setup.options.start_s = f64::from(first) / 24.0;
        let mut frames = playback.frames(setup);
        let mut number = first as usize;
        while let Some(frame) = frames.next().await {
            let frame = frame.unwrap();
            assert_eq!(frame.time.seconds(), number as f64 / 24.0);
            assert!(frame.image == expected[number], "frame {number}");
            number += 1;
        }
        assert_eq!(number, 12);
        let report = frames.finish().await.unwrap();
        assert_eq!(report.context.verdict, Verdict::Finished);
        assert_eq!(report.context.rendering.unwrap().frames, 12 - first as u64);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_failed_session_ends_with_its_error() {
    let (folder, path) = title([0; 32]);
    let frames = open(&path).await.unwrap();
    let segments = Playback::open(&path, &Opening::default()).await.unwrap();
    // The media files lie in a folder below the manifests.
    let entries = fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().path());
    for content in entries.filter(|path| path.is_dir()) {
        fs::remove_dir_all(content).unwrap();
    }
    let mut frames = frames.frames(Setup::default());
    let error = frames.next().await.unwrap().unwrap_err();
    let is_file = |error: &FetchError| matches!(error, FetchError::File { .. });
    assert!(
        matches!(&error, PlaybackError::Fetch(error) if is_file(error)),
        "{error}"
    );
    assert!(frames.next().await.is_none());
    assert_eq!(
        frames.finish().await.unwrap().context.verdict,
        Verdict::GaveUp
    );
    let error = segments
        .segments(Setup::default())
        .finish()
        .await
        .unwrap_err();
    assert!(is_file(&error), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_title_of_unknown_weights_is_refused() {
    let (_folder, path) = title([7; 32]);
    let error = open(&path).await.unwrap_err();
    assert!(matches!(error, PlaybackError::NoGenerator { .. }));
    assert!(
        error.to_string().contains("weights of SHA-256 0707"),
        "{error}"
    );
}
