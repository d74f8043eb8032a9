//! Inputs through the public interface: their frames, and the errors of broken ones.

#![allow(clippy::unwrap_used)]

mod common;
#[path = "source/kinds.rs"]
mod kinds;
#[path = "common/tools.rs"]
mod tools;

use image::{ImageFormat, Rgb, RgbImage};
use promptus::frame::Frame;
use promptus::source::{Options, Recipe, Source, SourceError};
use sha2::{Digest, Sha256};
use std::fs;
use std::path::{Path, PathBuf};
use tools::{ffmpeg, has};

fn open(path: &Path) -> Result<Source, SourceError> {
    Source::open(path, &Options::default())
}

/// Fails unless reading `path` to its end is an error with all these parts.
#[track_caller]
fn refused(path: &Path, parts: &[&str]) {
    let read = open(path).and_then(|source| source.collect::<Result<Vec<_>, _>>());
    has(&read.unwrap_err().to_string(), parts);
}

fn picture(path: &Path, side: u32, red: u8) {
    let colour = |x, y| Rgb([red, (x * 5) as u8, (y * 3) as u8]);
    let image = RgbImage::from_fn(side, side, colour);
    image.save_with_format(path, ImageFormat::Png).unwrap();
}

#[test]
fn a_folder_is_read_in_counting_order() {
    let folder = tempfile::tempdir().unwrap();
    for (name, red) in [("f10.png", 30), ("f9.PNG", 20), ("f1.png", 10)] {
        picture(&folder.path().join(name), 24, red);
    }
    picture(&folder.path().join("f1.txt"), 24, 0);
    let source = open(folder.path()).unwrap();
    assert_eq!((source.size(), source.length()), ((24, 24), Some(3)));
    assert_eq!(source.frame_rate().to_string(), "30");
    has(&source.notices().join("; "), &["30 assumed", "missing 2-8"]);
    let reds: Vec<u8> = source.map(|f| f.unwrap().pixel(3, 3)[0]).collect();
    assert_eq!(reds, [10, 20, 30]);
}

#[test]
fn bad_folders_name_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let named = folder.path().to_str().unwrap();
    refused(folder.path(), &[named, "no .png"]);
    let at = |name: &str| folder.path().join(name);
    fs::write(at("a1.png"), b"").unwrap();
    refused(folder.path(), &["a1.png", "0 bytes"]);
    picture(&at("a1.png"), 24, 1);
    picture(&at("a2.png"), 25, 1);
    refused(folder.path(), &["a2.png", "25x25"]);
    let whole = fs::read(at("a1.png")).unwrap();
    fs::write(at("a2.png"), &whole[..whole.len() / 2]).unwrap();
    refused(folder.path(), &["a2.png"]);
    fs::write(at("a2.png"), b"no picture at all").unwrap();
    refused(folder.path(), &["a2.png"]);
}

#[test]
fn unreadable_files_are_named() {
    let folder = tempfile::tempdir().unwrap();
    for (name, content, expected) in [
        ("none.mp4", None, "none.mp4"),
        ("empty.y4m", Some(&[][..]), "0 bytes"),
        ("-noise.mkv", Some(&[7; 4000]), "ffprobe"),
    ] {
        let path = folder.path().join(name);
        content
            .map_or(Ok(()), |bytes| fs::write(&path, bytes))
            .unwrap();
        refused(&path, &[path.to_str().unwrap(), expected]);
    }
}

#[test]
fn ffmpeg_gives_the_frames_of_a_lossless_file() {
    let folder = tempfile::tempdir().unwrap();
    for (i, red) in [40, 90, 200].into_iter().enumerate() {
        picture(&folder.path().join(format!("{i}.png")), 32, red);
    }
    let words = "-framerate 24000/1001 -i IN -c:v ffv1 -pix_fmt bgr0";
    let stills = folder.path().join("%d.png");
    let Some(film) = ffmpeg(words, &[&stills], &folder.path().join("film.mkv")) else {
        return;
    };
    let source = open(&film).unwrap();
    assert_eq!(source.size(), (32, 32));
    assert_eq!(source.frame_rate().to_string(), "24000/1001");
    let frames: Vec<Frame> = source.map(Result::unwrap).collect();
    let stills: Vec<Frame> = open(folder.path()).unwrap().map(Result::unwrap).collect();
    assert_eq!(frames, stills);
}

#[test]
fn y4m_looks_as_ffmpeg_sees_it() {
    let folder = tempfile::tempdir().unwrap();
    for (format, size, matrix) in [
        ("yuv420p", "98x54", "bt601"),
        ("yuv444p", "64x640", "bt709"),
    ] {
        let path = folder.path().join(format!("{format}.y4m"));
        let film = format!("testsrc2=size={size}:rate=25:duration=0.08,gblur=2,format={format}");
        let Some(path) = ffmpeg(&format!("-f lavfi -i {film}"), &[], &path) else {
            return;
        };
        let scale = format!(
            "-i IN -vf scale=in_color_matrix={matrix}:in_range=tv:flags=bilinear+accurate_rnd+full_chroma_int"
        );
        let raw = format!("{scale} -f rawvideo -pix_fmt rgb24");
        let rgb = ffmpeg(&raw, &[&path], &path.with_extension("rgb")).unwrap();
        let frames = open(&path).unwrap();
        let frames: Vec<u8> = frames.flat_map(|f| f.unwrap().into_data()).collect();
        let theirs = fs::read(&rgb).unwrap();
        assert_eq!(frames.len(), theirs.len(), "{format}");
        let pairs = frames.iter().zip(&theirs);
        let differences = pairs.map(|(a, b)| u64::from(a.abs_diff(*b)));
        let mean = differences.sum::<u64>() as f64 / frames.len() as f64;
        // Other filters than ours; wrongly sited chroma would be 2.8 off.
        assert!(mean < 2.0, "{format}: {mean}");
    }
}

const RECIPE: &str = r#"{ "recipe": 1, "width": 32, "height": 24, "frame_rate": "24",
  "shots": [
    { "photo": "a.png", "frames": 5, "from": { "x": 0.5, "y": 0.5, "width": 1.0 },
      "to": { "x": 0.31, "y": 0.4, "width": 0.3 } },
    { "photo": "a.png", "frames": 1, "from": { "x": 0.5, "y": 0.5, "width": 0.21 },
      "to": { "x": 0.5, "y": 0.5, "width": 0.2 }, "easing": "linear" } ] }"#;

fn recipe(folder: &Path, text: &str) -> PathBuf {
    picture(&folder.join("a.png"), 97, 120);
    let path = folder.join("recipe.json");
    fs::write(&path, text).unwrap();
    path
}

fn digest(source: Source) -> String {
    let mut hash = Sha256::new();
    for frame in source {
        hash.update(frame.unwrap().data());
    }
    hash.finalize().iter().map(|b| format!("{b:02x}")).collect()
}

#[test]
fn a_recipe_always_makes_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let path = recipe(folder.path(), RECIPE);
    let parsed = Recipe::read(&path).unwrap();
    assert_eq!((parsed.length(), parsed.cuts()), (6, vec![0, 5]));
    let source = parsed.into_source(&Options::default());
    assert_eq!((source.size(), source.length()), ((32, 24), Some(6)));
    assert_eq!(digest(source), GOLDEN);
}

#[test]
fn the_shipped_recipe_makes_24_seconds_with_cuts_on_whole_seconds() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("static/demo");
    let recipe = Recipe::read(&folder.join("recipe.json")).unwrap();
    assert_eq!(recipe.length(), 24 * 24);
    assert!(recipe.cuts().iter().all(|cut| cut % 24 == 0));
    let source = recipe.into_source(&Options::default());
    assert_eq!(source.size(), (256, 256));
    assert_eq!(source.frame_rate().to_string(), "24");
    // The JPEG decoder gives the same bytes with and without SIMD for these photographs.
    assert_eq!(digest(source), SHIPPED);
}

#[test]
fn bad_recipes_name_the_field() {
    let folder = tempfile::tempdir().unwrap();
    for (from, to, place) in [
        ("\"recipe\": 1", "\"recipe\": 9", "recipe, recipe"),
        ("\"width\": 32", "\"width\": 0", "width, height"),
        ("\"24\"", "\"x\"", "frame_rate"),
        ("\"frames\": 5", "\"frames\": 0", "shots[0].frames"),
        ("\"width\": 1.0", "\"width\": 1.1", "shots[0].from"),
        ("\"width\": 0.3", "\"width\": 0.9", "shots[0].to"),
        ("\"shots\"", "\"clips\"", "JSON"),
        ("linear", "bouncy", "JSON"),
    ] {
        let path = recipe(folder.path(), &RECIPE.replacen(from, to, 1));
        refused(&path, &["recipe.json", place]);
    }
    let missing = RECIPE.replacen("a.png", "b.png", 1);
    refused(&recipe(folder.path(), &missing), &["b.png"]);
    let path = recipe(folder.path(), RECIPE);
    fs::write(folder.path().join("a.png"), b"").unwrap();
    refused(&path, &["a.png", "0 bytes"]);
}

const GOLDEN: &str = "b62a10e9f08e9af8404137c15b887dfbe838978c0ea8414cb21718c49655dac4";

const SHIPPED: &str = "ef2706e48aa8bc9185fc60a7a07adaf840ca400bc16809a0f7c338a3dfd62d97";
