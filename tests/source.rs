//! Inputs through the public interface: what is read, and what each broken one is told.

#![allow(clippy::unwrap_used)]

mod common;
#[path = "source/kinds.rs"]
mod kinds;
#[path = "common/tools.rs"]
mod tools;

use image::{ImageFormat, Rgb, RgbImage};
use promptus::frame::Frame;
use promptus::source::{Options, Recipe, Source, SourceError, ffmpeg_version};
use sha2::{Digest, Sha256};
use std::fs;
use std::path::{Path, PathBuf};

fn open(path: &Path) -> Result<Source, SourceError> {
    Source::open(path, &Options::default())
}

fn refusal(path: &Path) -> String {
    let first = open(path).and_then(|mut source| source.next().unwrap());
    let message = first.unwrap_err().to_string();
    let named = path.to_string_lossy();
    assert!(message.contains(named.as_ref()), "{message} names {named}");
    message
}

fn picture(path: &Path, side: u32, red: u8) {
    let colour = |x, y| Rgb([red, (x * 5) as u8, (y * 3) as u8]);
    let image = RgbImage::from_fn(side, side, colour);
    image.save_with_format(path, ImageFormat::Png).unwrap();
}

#[test]
fn a_folder_is_read_in_counting_order() {
    let folder = tempfile::tempdir().unwrap();
    for (name, red) in [
        ("f10.png", 30),
        ("f9.PNG", 20),
        ("f1.png", 10),
        ("f1.txt", 0),
    ] {
        picture(&folder.path().join(name), 24, red);
    }
    let source = open(folder.path()).unwrap();
    assert_eq!((source.size(), source.length()), ((24, 24), Some(3)));
    assert_eq!(source.frame_rate().to_string(), "30");
    let notices = source.notices().join("; ");
    assert!(
        notices.contains("30 assumed") && notices.contains("missing 2-8"),
        "{notices}"
    );
    let reds: Vec<u8> = source.map(|f| f.unwrap().pixel(3, 3)[0]).collect();
    assert_eq!(reds, [10, 20, 30]);
}

#[test]
fn bad_folders_name_the_file() {
    let folder = tempfile::tempdir().unwrap();
    assert!(refusal(folder.path()).contains("no .png"));
    let at = |name: &str| folder.path().join(name);
    fs::write(at("a1.png"), b"").unwrap();
    let told = open(folder.path()).unwrap_err().to_string();
    assert!(
        told.contains("a1.png") && told.contains("0 bytes"),
        "{told}"
    );
    picture(&at("a1.png"), 24, 1);
    picture(&at("a2.png"), 25, 1);
    let told = open(folder.path()).unwrap_err().to_string();
    assert!(told.contains("a2.png") && told.contains("25x25"), "{told}");
    let whole = fs::read(at("a1.png")).unwrap();
    fs::write(at("a2.png"), &whole[..whole.len() / 2]).unwrap();
    let told = open(folder.path()).unwrap().last().unwrap().unwrap_err();
    assert!(told.to_string().contains("a2.png"), "{told}");
    fs::write(at("a2.png"), b"no picture at all").unwrap();
    let told = open(folder.path()).unwrap_err().to_string();
    assert!(told.contains("a2.png"), "{told}");
}

#[test]
fn missing_and_empty_files_are_named() {
    let folder = tempfile::tempdir().unwrap();
    refusal(&folder.path().join("none.mp4"));
    let empty = folder.path().join("empty.y4m");
    fs::write(&empty, b"").unwrap();
    assert!(refusal(&empty).contains("0 bytes"));
}

#[test]
fn files_that_ffmpeg_refuses_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("-noise.mkv");
    fs::write(&path, [7; 4000]).unwrap();
    let told = refusal(&path);
    assert!(told.contains("ffprobe"), "{told}");
}

#[test]
fn ffmpeg_gives_the_frames_of_a_lossless_file() {
    if ffmpeg_version().is_none() {
        eprintln!("skipped: needs ffmpeg");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    for (i, red) in [40, 90, 200].into_iter().enumerate() {
        picture(&folder.path().join(format!("{i}.png")), 32, red);
    }
    let film = folder.path().join("film.mkv");
    let made = std::process::Command::new("ffmpeg")
        .args(["-v", "error", "-framerate", "24000/1001", "-i"])
        .arg(folder.path().join("%d.png"))
        .args(["-c:v", "ffv1", "-pix_fmt", "bgr0"])
        .arg(&film)
        .status();
    assert!(made.unwrap().success());
    let source = open(&film).unwrap();
    assert_eq!(
        (source.size(), source.frame_rate().to_string()),
        ((32, 32), "24000/1001".into())
    );
    let frames: Vec<Frame> = source.map(Result::unwrap).collect();
    let stills: Vec<Frame> = open(folder.path()).unwrap().map(Result::unwrap).collect();
    assert_eq!(frames, stills);
}

fn ffmpeg(arguments: &[&str], output: &Path) {
    let made = std::process::Command::new("ffmpeg")
        .args(["-v", "error"])
        .args(arguments)
        .arg(output)
        .status();
    assert!(made.unwrap().success());
}

#[test]
fn y4m_looks_as_ffmpeg_sees_it() {
    if ffmpeg_version().is_none() {
        eprintln!("skipped: needs ffmpeg");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    for (format, size) in [("yuv420p", "98x54"), ("yuv444p", "64x640")] {
        let path = folder.path().join(format!("{format}.y4m"));
        let film = format!("testsrc2=size={size}:rate=25:duration=0.08,gblur=2,format={format}");
        ffmpeg(&["-f", "lavfi", "-i", &film], &path);
        let rgb = path.with_extension("rgb");
        let matrix = if size.ends_with("640") {
            "bt709"
        } else {
            "bt601"
        };
        let scale = format!(
            "scale=in_color_matrix={matrix}:in_range=tv:flags=bilinear+accurate_rnd+full_chroma_int"
        );
        let input = path.to_str().unwrap();
        ffmpeg(
            &[
                "-i", input, "-vf", &scale, "-f", "rawvideo", "-pix_fmt", "rgb24",
            ],
            &rgb,
        );
        let frames: Vec<u8> = open(&path)
            .unwrap()
            .flat_map(|f| f.unwrap().into_data())
            .collect();
        let theirs = fs::read(&rgb).unwrap();
        assert_eq!(frames.len(), theirs.len(), "{format}");
        let differences = frames
            .iter()
            .zip(&theirs)
            .map(|(a, b)| u64::from(a.abs_diff(*b)));
        let mean = differences.sum::<u64>() as f64 / frames.len() as f64;
        // Its filters are not ours; wrongly sited chroma would be 2.8 off.
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
    assert_eq!(
        (source.size(), source.frame_rate().to_string()),
        ((256, 256), "24".into())
    );
    // The JPEG decoder gives the same bytes with and without SIMD for these photographs.
    assert_eq!(digest(source), SHIPPED);
}

#[test]
fn bad_recipes_name_the_field() {
    let folder = tempfile::tempdir().unwrap();
    let edited =
        |from: &str, to: &str| refusal(&recipe(folder.path(), &RECIPE.replacen(from, to, 1)));
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
        let told = edited(from, to);
        assert!(told.contains(place), "{to}: {told}");
    }
    let missing = RECIPE.replacen("a.png", "b.png", 1);
    let told = open(&recipe(folder.path(), &missing))
        .unwrap_err()
        .to_string();
    assert!(told.contains("b.png"), "{told}");
    fs::write(folder.path().join("recipe.json"), RECIPE).unwrap();
    fs::write(folder.path().join("a.png"), b"").unwrap();
    let told = open(&folder.path().join("recipe.json"))
        .unwrap_err()
        .to_string();
    assert!(told.contains("a.png") && told.contains("0 bytes"), "{told}");
}

const GOLDEN: &str = "b62a10e9f08e9af8404137c15b887dfbe838978c0ea8414cb21718c49655dac4";

const SHIPPED: &str = "ef2706e48aa8bc9185fc60a7a07adaf840ca400bc16809a0f7c338a3dfd62d97";
