//! `promptus demo` as a user runs it, on a title of 3 s and 64×64 pixels.

#![allow(clippy::unwrap_used)]

#[path = "common/program.rs"]
mod program;
#[path = "common/synthetic.rs"]
mod synthetic;

use program::{json, promptus, run, said, text};
use promptus::frame::Frame;
use promptus::model::Generator;
use promptus::package::{KEEP_OLD, Rung, Title, TitleContent, publish};
use promptus::render::{RenderError, SegmentRenderer};
use promptus::segment::media::read_media;
use promptus::sink::{PngFolder, Sink};
use promptus::source::{Options, Source};
use std::fs;
use std::path::Path;
use std::process::Output;
use std::sync::Arc;
use synthetic::Coded;

/// Frames of the three segments.
const LENGTHS: [u32; 3] = [24, 24, 24];

/// Publishes a title of two rungs and writes the frames of its upper rung as "originals".
fn make_title(folder: &Path) {
    let generator = Arc::new(Generator::shipped(&candle_core::Device::Cpu).unwrap());
    let mut track = synthetic::track((64, 64), (64, 64));
    track.weights = generator.weights_hash();
    let mut first = 0;
    let segments = (1..).zip(LENGTHS).map(|(sequence, frames)| {
        let coded = synthetic::closed_segment(&track, sequence, first, frames, 8, sequence);
        first += u64::from(frames);
        coded
    });
    let segments: Vec<Coded> = segments.collect();
    let tracks = [synthetic::rung(&track, 2), track];
    let rungs = tracks.each_ref().map(|track| Rung {
        track: track.clone(),
        segments: segments.iter().map(|coded| coded.segment(track)).collect(),
    });
    let content = TitleContent {
        rungs: rungs.to_vec(),
        ..TitleContent::default()
    };
    publish(&folder.join("a title"), &content.build().unwrap(), KEEP_OLD).unwrap();
    let mut sink = PngFolder::create(&folder.join("originals")).unwrap();
    let [_, track] = tracks;
    let mut renderer = SegmentRenderer::new(generator, track.clone()).unwrap();
    for coded in segments {
        let media = read_media(&coded.bytes(&track)).unwrap();
        let write = &mut |frame| sink.write(&frame).map_err(RenderError::sink);
        renderer.render(&media, write).unwrap();
    }
}

fn demo(folder: &Path, originals: &str) -> Output {
    let paths = ["a title", originals, "trace.csv", "out"].map(|name| folder.join(name));
    let [title, originals, trace, out] = paths.each_ref().map(|path| text(path));
    let files = [
        "--title",
        title,
        "--originals",
        originals,
        "--trace",
        trace,
        "--out",
        out,
    ];
    run(&[&["demo", "--json"], &files[..]].concat())
}

fn frames(folder: &Path) -> Vec<Frame> {
    let source = Source::open(folder, &Options::default()).unwrap();
    source.map(Result::unwrap).collect()
}

#[test]
fn the_demo_serves_plays_renders_and_compares() {
    let folder = tempfile::tempdir().unwrap();
    make_title(folder.path());
    // Nothing but the lowest rung comes through in time for the first segment.
    fs::write(
        folder.path().join("trace.csv"),
        "time_s,kbps\n0,60\n1,4000\n9,4000\n",
    )
    .unwrap();
    let output = demo(folder.path(), "originals");
    let (human, line) = (said(&output), json(&output));
    assert_eq!(
        (&line["command"], &line["frames"]),
        (&"demo".into(), &72.into())
    );
    let rungs = line["rungs"].as_array().unwrap();
    let count = |rung: usize| rungs[rung]["frames"].as_u64().unwrap();
    assert_eq!((count(0) + count(1), rungs.len()), (72, 2));
    assert!(
        count(0) > 0 && rungs[0]["psnr"].as_f64().unwrap() < 60.0,
        "{line}"
    );

    let out = folder.path().join("out");
    let originals = frames(&folder.path().join("originals"));
    let rendered = frames(&out.join("frames"));
    assert_eq!(rendered.len(), 72);
    let pairs = rendered.iter().zip(&originals);
    let equal = pairs.filter(|(a, b)| a == b).count();
    assert_eq!(equal as u64, count(1), "the upper rung comes out as it was");
    let strip = promptus::source::read_image(&out.join("strip.png")).unwrap();
    assert_eq!((strip.width(), strip.height()), (8 * 64, 2 * 64));
    let log = fs::read_to_string(out.join("session.json")).unwrap();
    let log: serde_json::Value = serde_json::from_str(&log).unwrap();
    assert_eq!(log["segments"].as_array().unwrap().len(), 3);
    assert!(
        human.contains("PSNR dB") && human.contains("mini-r2"),
        "{human}"
    );
}

/// Without options everything comes from the binary and goes to the working directory.
#[test]
fn shipped_files_are_written_to_the_working_directory() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = promptus(["demo", "--originals", "nowhere"]);
    let output = command.current_dir(&folder).output().unwrap();
    let told = said(&output);
    assert_eq!(output.status.code(), Some(2), "{told}");
    assert!(told.contains("nowhere"), "{told}");
    let out = folder.path().join("promptus-demo");
    let title = Title::open(&out.join("titles/demo")).unwrap();
    assert_eq!(title.rungs().len(), 4);
    let source = Source::open(&out.join("input/recipe.json"), &Options::default());
    assert_eq!(source.unwrap().length(), Some(576));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn bad_input_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let told = |originals: &str| {
        let output = demo(folder.path(), originals);
        assert_eq!(output.status.code(), Some(2));
        said(&output)
    };
    assert!(told("originals").contains("trace.csv"));
    fs::write(folder.path().join("trace.csv"), "0,5000\n").unwrap();
    assert!(told("originals").contains("a title: no title there"));
    make_title(folder.path());
    assert!(told("nowhere").contains("nowhere"));
    let few = folder.path().join("few");
    fs::create_dir(&few).unwrap();
    for number in 0..9 {
        let name = format!("frame-{number:06}.png");
        fs::copy(folder.path().join("originals").join(&name), few.join(&name)).unwrap();
    }
    assert!(told("few").contains("the originals end after 9 frames"));
}
