//! `promptus encode` and `promptus eval` as a user runs them, on a small folder of images.

#![allow(clippy::unwrap_used)]

#[path = "encode/pictures.rs"]
mod pictures;
#[path = "common/program.rs"]
mod program;
#[path = "common/tools.rs"]
mod tools;

use program::{files, json, run as promptus, text, y4m};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

/// A folder of `count` images of 48×40: a bar that moves over a slope.
fn images(folder: &Path, count: u32) -> PathBuf {
    let path = folder.join("images");
    fs::create_dir(&path).unwrap();
    for n in 0..count {
        let picture = image::RgbImage::from_fn(48, 40, |x, y| {
            let bar = x / 4 == n;
            image::Rgb([
                if bar { 240 } else { 40 + 3 * x as u8 },
                90 + 2 * y as u8,
                130,
            ])
        });
        picture.save(path.join(format!("{n:03}.png"))).unwrap();
    }
    path
}

fn encode(input: &Path, out: &Path, more: &[&str]) -> Output {
    let more = [&["--fps", "8", "--steps", "2"], more].concat();
    program::encode(input, text(out), &more).output().unwrap()
}

#[test]
fn the_same_seed_gives_the_same_title_and_eval_agrees_with_its_report() {
    let folder = tempfile::tempdir().unwrap();
    let input = images(folder.path(), 11);
    let (one, two) = (folder.path().join("one"), folder.path().join("two"));
    let report = json(&encode(&input, &one, &["--workers", "1"]));
    json(&encode(&input, &two, &["--workers", "2"]));
    assert_eq!(files(&one), files(&two));
    assert!(!folder.path().join("one.work").exists());
    assert_eq!(
        (&report["frames"], &report["segments"]),
        (&11.into(), &2.into())
    );

    let strip = folder.path().join("strip.png");
    let arguments = [&input, &one].map(|path| path.to_str().unwrap());
    let more = ["--json", "--strip", strip.to_str().unwrap()];
    let evaluated = json(&promptus(&[&["eval"], &arguments[..], &more].concat()));
    for (encoded, evaluated) in [0, 1].map(|r| (&report["rungs"][r], &evaluated["rungs"][r])) {
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
    json(&encode(&input, &whole, &[]));

    // The last frame is cut short: the run stops after the first segment.
    fs::write(&input, &video[..video.len() - 100]).unwrap();
    let stopped = encode(&input, &torn, &[]);
    assert_eq!(stopped.status.code(), Some(1));
    let told = String::from_utf8_lossy(&stopped.stderr);
    assert!(
        told.contains("input.y4m") && told.contains("--allow-damaged"),
        "{told}"
    );
    assert!(!torn.exists());
    let said = String::from_utf8_lossy(&stopped.stderr).into_owned();
    assert!(said.contains("1 finished segments are kept in"), "{said}");
    let kept = files(&folder.path().join("torn.work"));
    let is_segment = |name: &&PathBuf| name.extension().is_some_and(|e| e == "zip");
    assert_eq!(kept.keys().filter(is_segment).count(), 1);

    fs::write(&input, &video).unwrap();
    let report = json(&encode(&input, &torn, &[]));
    assert_eq!(
        report["passes"], 4,
        "two segments of three were fitted: {report}"
    );
    assert_eq!(files(&whole), files(&torn));
}

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

#[test]
fn odd_clips_are_encoded_whole() {
    let folder = tempfile::tempdir().unwrap();
    let grey = |size: (u32, u32), level: u8| {
        image::RgbImage::from_pixel(size.0, size.1, image::Rgb([level; 3]))
    };
    let clear = |n: u8| {
        image::RgbaImage::from_fn(40, 40, |x, _| image::Rgba([9 * n, 80, 90, (6 * x) as u8]))
    };
    let inputs = ["one", "seven", "wide", "alpha", "cuts"].map(|name| folder.path().join(name));
    let [one, seven, wide, alpha, cuts] = &inputs;
    folder_of(one, std::iter::once(grey((40, 40), 90)));
    folder_of(seven, (0..7).map(|n| grey((40, 40), 90 + n)));
    folder_of(wide, (0..2).map(|n| grey((300, 200), 90 + n)));
    folder_of(alpha, (0..3).map(clear));
    folder_of(
        cuts,
        (0..9).map(|n| grey((40, 40), if n % 2 == 0 { 20 } else { 220 })),
    );
    for (input, frames) in inputs.iter().zip([1, 7, 2, 3, 9]) {
        let out = folder.path().join(format!(
            "{}-title",
            input.file_name().unwrap().to_str().unwrap()
        ));
        let report = json(&encode(input, &out, &[]));
        assert_eq!(report["frames"], frames, "{input:?}");
        let psnr = report["rungs"][1]["psnr"].as_f64().unwrap();
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
        &["--start-latent", "noise"][..],
        &["--start-latent", "two-pass"],
        &["--plain"],
        &["--preset", "mse"],
        &["--preset", "reference"],
        &["--weight-mse", "3", "--weight-rate", "0.5"],
        &["--coding", "reference", "--ranks", "3"],
    ] {
        let out = folder.path().join(format!("title{}", hashes.len()));
        let (input, out) = (input.to_str().unwrap(), out.to_str().unwrap());
        let fixed = [
            "encode", input, "--out", out, "--json", "--fps", "8", "--steps", "1",
        ];
        let report = json(&promptus(&[&fixed[..], more].concat()));
        let hash = report["hash"].as_str().unwrap().to_owned();
        assert!(!hashes.contains(&hash), "{more:?} changes nothing");
        hashes.push(hash);
    }
}

#[test]
fn bad_input_is_one_error_with_code_2() {
    let folder = tempfile::tempdir().unwrap();
    let input = images(folder.path(), 2);
    let out = folder.path().join("title");
    for (more, expected) in [
        (&["--ranks", "5,3"][..], "ranks"),
        (&["--step", "0"], "step"),
        (&["--segment-seconds", "0"], "--segment-seconds"),
        (&["--size", "64x64", "--scale", "native"], "--scale"),
        (&["--size", "64"], "480p"),
        (&["--background", "puce"], "#rrggbb"),
        (&["--bits", "40"], "quantiser"),
        (
            &["--coding", "reference", "--ranks", "2,4"],
            "cannot be truncated",
        ),
        (&["--weight-mse", "NaN"], "NaN"),
        (&["--workers", "0"], "--workers"),
    ] {
        let more: Vec<&str> = more.to_vec();
        let fixed = [
            "encode",
            input.to_str().unwrap(),
            "--out",
            out.to_str().unwrap(),
        ];
        let output = promptus(&[&fixed[..], &more].concat());
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{error}");
        assert!(error.contains(expected), "{more:?}: {error}");
    }
    let empty = folder.path().join("empty");
    fs::create_dir(&empty).unwrap();
    assert_eq!(encode(&empty, &out, &[]).status.code(), Some(2));
    assert!(!out.exists());
}
