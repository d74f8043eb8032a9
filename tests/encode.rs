//! `promptus encode` and `promptus eval` as a user runs them, on a small folder of images.

#![allow(clippy::unwrap_used)]

#[path = "encode/pictures.rs"]
mod pictures;
#[path = "common/program.rs"]
mod program;
#[path = "common/tools.rs"]
mod tools;

use image::{Rgb, RgbImage, Rgba, RgbaImage};
use program::{ends, files, report, text, y4m};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use tools::has;

/// A folder with one PNG for each picture.
fn folder_of<P: image::PixelWithColorType<Subpixel = u8>>(
    path: &Path,
    pictures: impl Iterator<Item = image::ImageBuffer<P, Vec<u8>>>,
) {
    fs::create_dir(path).unwrap();
    for (n, picture) in pictures.enumerate() {
        picture.save(path.join(format!("{n:03}.png"))).unwrap();
    }
}

/// A folder of `count` images of 48×40: a bar that moves over a slope.
fn images(folder: &Path, count: u32) -> PathBuf {
    let path = folder.join("images");
    let red = |x: u32, n: u32| if x / 4 == n { 240 } else { 40 + 3 * x as u8 };
    let pixel = |x, y: u32, n| Rgb([red(x, n), 90 + 2 * y as u8, 130]);
    let picture = |n| RgbImage::from_fn(48, 40, |x, y| pixel(x, y, n));
    folder_of(&path, (0..count).map(picture));
    path
}

fn encode(input: &Path, out: &Path, more: &[&str]) -> Command {
    let more = [&["--fps", "8", "--steps", "2"], more].concat();
    program::encode(input, text(out), &more)
}

#[test]
fn the_same_seed_gives_the_same_title_and_eval_agrees_with_its_report() {
    let folder = tempfile::tempdir().unwrap();
    let input = images(folder.path(), 11);
    let (one, two) = (folder.path().join("one"), folder.path().join("two"));
    let encoded = report(&mut encode(&input, &one, &["--workers", "1"]));
    report(&mut encode(&input, &two, &["--workers", "2"]));
    assert_eq!(files(&one), files(&two));
    assert!(!folder.path().join("one.work").exists());
    assert_eq!(encoded["frames"], 11);
    assert_eq!(encoded["segments"], 2);

    let strip = folder.path().join("strip.png");
    let arguments = ["eval", text(&input), text(&one), "--json", "--strip"];
    let evaluated = report(program::promptus(arguments).arg(&strip));
    for (encoded, evaluated) in [0, 1].map(|r| (&encoded["rungs"][r], &evaluated["rungs"][r])) {
        assert_eq!(encoded["bytes"], evaluated["bytes"]);
        let psnr = |rung: &Value| rung["psnr"].as_f64().unwrap();
        assert!((psnr(encoded) - psnr(evaluated)).abs() < 2e-6);
        assert!(evaluated["psnr_worst"].as_f64().unwrap() <= psnr(evaluated));
        assert!(evaluated.get("lpips_squeeze").is_none());
    }
    let strip = image::open(strip).unwrap();
    assert_eq!((strip.width(), strip.height()), (6 * 48, 3 * 40));
}

#[test]
fn a_resumed_run_continues_from_kept_segments_to_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let input = folder.path().join("input.y4m");
    let video = y4m(24);
    fs::write(&input, &video).unwrap();
    let (whole, torn) = (folder.path().join("whole"), folder.path().join("torn"));
    report(&mut encode(&input, &whole, &[]));

    // The last frame is cut short: the run stops after the first segment.
    fs::write(&input, &video[..video.len() - 100]).unwrap();
    let error = ends(&mut encode(&input, &torn, &[]), 1);
    has(&error, &["input.y4m", "--allow-damaged"]);
    has(&error, &["1 finished segments are kept in"]);
    assert!(!torn.exists());
    let kept = files(&folder.path().join("torn.work"));
    let is_segment = |name: &&PathBuf| name.extension().is_some_and(|e| e == "zip");
    assert_eq!(kept.keys().filter(is_segment).count(), 1);

    fs::write(&input, &video).unwrap();
    let resumed = report(&mut encode(&input, &torn, &[]));
    // Two segments of three were fitted.
    assert_eq!(
        (&resumed["passes"], &resumed["kept"]),
        (&4.into(), &1.into())
    );
    assert_eq!(files(&whole), files(&torn));
}

#[test]
fn odd_clips_are_encoded_whole() {
    let folder = tempfile::tempdir().unwrap();
    let grey = |(width, height), level| RgbImage::from_pixel(width, height, Rgb([level; 3]));
    let square = |level| grey((40, 40), level);
    let clear = |n: u8| RgbaImage::from_fn(40, 40, |x, _| Rgba([9 * n, 80, 90, (6 * x) as u8]));
    let inputs = ["one", "seven", "wide", "alpha", "cuts"].map(|name| folder.path().join(name));
    let [one, seven, wide, alpha, cuts] = &inputs;
    folder_of(one, [90].into_iter().map(square));
    folder_of(seven, (90..97).map(square));
    folder_of(wide, (90..92).map(|level| grey((300, 200), level)));
    folder_of(alpha, (0..3).map(clear));
    folder_of(cuts, (0..9).map(|n| square(20 + 200 * (n % 2))));
    for (input, frames) in inputs.iter().zip([1, 7, 2, 3, 9]) {
        let encoded = report(&mut encode(input, &input.with_extension("title"), &[]));
        assert_eq!(encoded["frames"], frames, "{input:?}");
        let psnr = encoded["rungs"][1]["psnr"].as_f64().unwrap();
        // What changes in every frame is no scene: it is interpolated, and looks like it.
        let least = if input == cuts { 5.0 } else { 20.0 };
        assert!(psnr > least, "{input:?}: {psnr} dB");
    }
}

#[test]
fn start_latents_and_presets_are_chosen_on_the_command_line() {
    let folder = tempfile::tempdir().unwrap();
    let input = images(folder.path(), 3);
    let mut hashes = Vec::new();
    for more in [
        "--start-latent noise",
        "--start-latent two-pass",
        "--plain",
        "--preset mse",
        "--preset reference",
        "--weight-mse 3 --weight-rate 0.5",
        "--coding reference --ranks 3",
    ] {
        let out = folder.path().join(format!("title{}", hashes.len()));
        let fixed = ["encode", text(&input), "--out", text(&out), "--json"];
        let fixed = fixed.into_iter().chain("--fps 8 --steps 1".split(' '));
        let encoded = report(program::promptus(fixed).args(more.split(' ')));
        let hash = encoded["hash"].as_str().unwrap().to_owned();
        assert!(!hashes.contains(&hash), "{more} changes nothing");
        hashes.push(hash);
    }
}

#[test]
fn bad_input_is_one_error_with_code_2() {
    let folder = tempfile::tempdir().unwrap();
    let input = images(folder.path(), 2);
    let out = folder.path().join("title");
    for (more, expected) in [
        ("--ranks 5,3", "ranks"),
        ("--step 0", "step"),
        ("--segment-seconds 0", "--segment-seconds"),
        ("--size 64x64 --scale native", "--scale"),
        ("--size 64", "480p"),
        ("--background puce", "#rrggbb"),
        ("--bits 40", "quantiser"),
        ("--coding reference --ranks 2,4", "cannot be truncated"),
        ("--weight-mse NaN", "NaN"),
        ("--workers 0", "--workers"),
    ] {
        let fixed = ["encode", text(&input), "--out", text(&out)];
        let mut command = program::promptus(fixed);
        program::refused(command.args(more.split(' ')), expected);
    }
    let empty = folder.path().join("empty");
    fs::create_dir(&empty).unwrap();
    ends(&mut encode(&empty, &out, &[]), 2);
    assert!(!out.exists());
}
