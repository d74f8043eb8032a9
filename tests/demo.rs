//! `promptus demo` as a user runs it, on a title of 3 s and 64×64 pixels.

#![allow(clippy::unwrap_used)]

#[path = "common/program.rs"]
mod program;
#[path = "common/synthetic.rs"]
mod synthetic;
#[path = "common/title.rs"]
mod title;

use program::{json, promptus, refused, run, said, text};
use promptus::frame::Frame;
use promptus::model::Generator;
use promptus::package::Title;
use promptus::render::{RenderError, SegmentRenderer};
use promptus::sink::{PngFolder, Sink};
use promptus::source::{Options, Source};
use std::fs;
use std::path::Path;
use std::process::Output;
use std::sync::Arc;

/// Frames of the three segments.
const LENGTHS: [u32; 3] = [24, 24, 24];

/// Publishes a title of two rungs and writes the frames of its upper rung as "originals".
fn make_title(folder: &Path) {
    let generator = Arc::new(Generator::shipped(&candle_core::Device::Cpu).unwrap());
    let mut track = synthetic::track((64, 64), (64, 64));
    track.weights = generator.weights_hash();
    let title = folder.join("a title");
    synthetic::put(&title, &track, &LENGTHS, 8, &[2, 4], false);
    let title = Title::open(&title).unwrap();
    let mut sink = PngFolder::create(&folder.join("originals")).unwrap();
    let mut renderer = SegmentRenderer::new(generator, track).unwrap();
    for index in 0..LENGTHS.len() {
        let media = title.rungs()[1].media(index).unwrap();
        renderer
            .render(&media, &mut |frame| {
                sink.write(&frame).map_err(RenderError::sink)
            })
            .unwrap();
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
    let mut demo = promptus(["demo", "--originals", "nowhere"]);
    refused(demo.current_dir(&folder), "nowhere");
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
