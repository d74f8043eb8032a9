//! `promptus eval` as a user runs it: figures, other codecs, outputs, and inputs that do not fit.

#![allow(clippy::unwrap_used)]

#[path = "common/program.rs"]
mod program;
#[path = "common/tools.rs"]
mod tools;

use program::{json, run as promptus, video};
use promptus::manifest::{Metrics, QualityReport};
use promptus::simulate::content::Content;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;
use tools::tool;

/// A video of `count` frames at 8 frames a second: a bar that moves over a slope.
fn y4m(path: &Path, size: (usize, usize), count: usize) -> PathBuf {
    fs::write(path, video(size, 4, count)).unwrap();
    path.to_owned()
}

/// A title of two rungs and segments of a second, without a fit.
fn title(input: &Path) -> PathBuf {
    let out = input.with_extension("title");
    let names = [input, &out].map(|path| path.to_str().unwrap());
    let short = ["--segment-seconds", "1", "--steps", "0", "--no-measure"];
    let arguments = [
        &["encode", names[0], "--out", names[1], "--ranks", "2,4"],
        &short[..],
    ];
    json(&promptus(&[&arguments.concat()[..], &["--json"]].concat()));
    out
}

fn eval(reference: &Path, title: &Path, more: &[&str]) -> Output {
    let names = [reference, title].map(|path| path.to_str().unwrap());
    promptus(&[&["eval", names[0], names[1], "--json"], more].concat())
}

#[test]
fn figures_of_rungs_and_segments() {
    let folder = tempfile::tempdir().unwrap();
    let input = y4m(&folder.path().join("clip.y4m"), (64, 48), 12);
    let title = title(&input);
    let csv = folder.path().join("clip.csv");
    let report = json(&eval(&input, &title, &["--csv", csv.to_str().unwrap()]));
    let rungs = report["rungs"].as_array().unwrap();
    assert_eq!((rungs.len(), &report["frames"]), (2, &12.into()));
    for rung in rungs {
        let number = |key: &str| rung[key].as_f64().unwrap();
        assert!((0.0..1.0).contains(&number("ssim")), "{rung}");
        assert!(number("ssimulacra2") < 100.0 && number("ssimulacra2_worst") < 100.0);
        assert!(number("payload_kbps") < number("kbps"));
        assert!(number("temporal_ratio") > 0.0 && number("seam") > 0.0);
        assert_eq!(rung["missing"], 0);
        let segments = rung["segments"].as_array().unwrap();
        assert_eq!(segments.len(), 2);
        let psnr = |segment: usize| segments[segment]["psnr"].as_f64().unwrap();
        let mean = (8.0 * psnr(0) + 4.0 * psnr(1)) / 12.0;
        assert!((mean - number("psnr")).abs() < 1e-5, "{rung}");
    }
    let csv = fs::read_to_string(csv).unwrap();
    let widths: Vec<usize> = csv.lines().map(|line| line.split(',').count()).collect();
    assert_eq!(widths.len(), 1 + 2 * 3, "{csv}");
    assert!(widths.iter().all(|&width| width == widths[0]), "{csv}");
}

#[test]
fn other_codecs_are_measured_alike_and_kept() {
    if tool("ffmpeg").is_none() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let input = y4m(&folder.path().join("clip.y4m"), (64, 64), 12);
    let title = title(&input);
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (cache, csv) = (path("cache"), path("clip.csv"));
    let html = path("clip.html");
    let mut arguments = vec!["--against", "x265,x264", "--against-rates", "20"];
    arguments.extend([
        "--against-sizes",
        "1,0.5",
        "--against-gop",
        "1",
        "--cache",
        &cache,
    ]);
    arguments.extend(["--csv", &csv, "--html", &html, "--no-vmaf"]);
    let first = json(&eval(&input, &title, &arguments));
    let against = &first["against"];
    let points = against["points"].as_array().unwrap();
    assert_eq!(points.len(), 2 * 2 * 2, "codecs, sizes and frame rates");
    for point in points {
        assert_eq!(point["missing"], 0, "{point}");
        assert!(point["psnr"].as_f64().unwrap() > 15.0, "{point}");
        let number = |key: &str| point[key].as_f64().unwrap();
        assert!(number("kbps") > number("payload_kbps"), "{point}");
        assert!((number("kbps") - number("bytes") * 8.0 / 1500.0).abs() < 1e-9);
    }
    let kept = |extension: &str| {
        let files = fs::read_dir(&cache).unwrap().map(|file| file.unwrap());
        let named = files.filter(|file| file.path().extension().is_some_and(|e| e == extension));
        named
            .map(|file| file.metadata().unwrap().modified().unwrap())
            .max()
    };
    let before = (kept("mp4"), kept("json"));
    let drawn = fs::read(&csv).unwrap();
    let refused = eval(&input, &title, &arguments);
    assert_eq!(refused.status.code(), Some(2), "files are there");
    arguments.push("-y");
    let again = json(&eval(&input, &title, &arguments));
    assert_eq!(again["against"], *against);
    assert_eq!((kept("mp4"), kept("json")), before);
    assert_eq!(fs::read(&csv).unwrap(), drawn);
    let page = fs::read_to_string(html).unwrap();
    for part in [
        "At equal rates",
        "Worst, frame",
        "x264 32×32 at 4",
        "data:image/jpeg",
    ] {
        assert!(page.contains(part), "{part}");
    }
    assert_eq!(
        fs::read_to_string(csv).unwrap().lines().count(),
        1 + 2 * 3 + 8
    );
}

/// What `--ladders` writes is a ladder for `simulate`, measured group by group.
#[test]
fn a_codecs_hull_becomes_a_ladder() {
    if tool("ffmpeg").is_none() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let input = y4m(&folder.path().join("clip.y4m"), (64, 64), 12);
    let title = title(&input);
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (cache, ladders) = (path("cache"), path("ladders"));
    let mut arguments = vec!["--against", "x265,x264", "--against-rates", "15,40,90"];
    arguments.extend(["--against-sizes", "1,0.5", "--against-sample", "3"]);
    arguments.extend(["--cache", &cache, "--no-vmaf", "--ladders", &ladders]);
    let report = json(&eval(&input, &title, &arguments));
    assert_eq!(
        report["against"]["gop_s"], 1.0,
        "that of the title's segments"
    );
    let points = report["against"]["points"].as_array().unwrap();
    for codec in ["x265", "x264"] {
        let file = format!("{ladders}/{codec}.json");
        let ladder = fs::read_to_string(&file).unwrap();
        let ladder: QualityReport = serde_json::from_str(&ladder).unwrap();
        assert!(
            (1..=6).contains(&ladder.rungs.len()),
            "{}",
            ladder.rungs.len()
        );
        let mut below = 0;
        for (rung, rank) in ladder.rungs.iter().zip(1..) {
            assert_eq!(rung.rank, rank);
            let spans = rung.segments.iter().map(|s| (s.start_s, s.duration_s));
            assert_eq!(spans.collect::<Vec<_>>(), [(0.0, 1.0), (1.0, 0.5)]);
            let media: u64 = rung.segments.iter().map(|s| s.bytes).sum();
            assert!(media > below, "{rung:?}");
            below = media;
            let near = |point: &&Value| (point["kbps"].as_f64().unwrap() - rung.kbps).abs() < 1e-9;
            let of_codec = points.iter().filter(|point| point["codec"] == codec);
            let whole = of_codec
                .filter(near)
                .map(|point| point["bytes"].as_u64().unwrap());
            let init = whole.map(|bytes| bytes - media).next().unwrap();
            assert!((400..3000).contains(&init), "{init}");
            let psnr = |metrics: Metrics| metrics.psnr.unwrap();
            let segments = &rung.segments;
            let mean = (8.0 * psnr(segments[0].metrics) + 4.0 * psnr(segments[1].metrics)) / 12.0;
            assert!((mean - psnr(rung.mean)).abs() < 1e-5, "{rung:?}");
            assert!(segments.iter().all(|s| s.metrics.ssim.is_some()));
        }
        let subject = Content::measured(Path::new(&file)).unwrap();
        assert_eq!(subject.ladder.segments(), 2);
    }
}

#[test]
fn one_frame_of_an_odd_size_has_figures() {
    let folder = tempfile::tempdir().unwrap();
    let input = y4m(&folder.path().join("one.y4m"), (37, 21), 1);
    let report = json(&eval(&input, &title(&input), &["--no-vmaf"]));
    let rung = &report["rungs"][0];
    assert!(rung["ssim"].is_number() && rung["ssimulacra2"].is_number());
    assert!(rung.get("seam").is_none() && rung.get("temporal_ratio").is_none());
}

#[test]
fn originals_of_another_clip_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let clip = |name: &str, size, count| y4m(&folder.path().join(name), size, count);
    let title = title(&clip("clip.y4m", (64, 48), 4));
    let refusal = |reference: &Path| {
        let output = eval(reference, &title, &["--no-vmaf"]);
        assert_eq!(output.status.code(), Some(2));
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    let error = refusal(&clip("short.y4m", (64, 48), 3));
    assert!(
        error.contains("ends after 3 frames, the title has 4"),
        "{error}"
    );
    let error = refusal(&clip("long.y4m", (64, 48), 5));
    assert!(error.contains("goes on after 4 frames"), "{error}");
    let error = refusal(&clip("wide.y4m", (66, 48), 4));
    assert!(error.contains("pictures of (66, 48)"), "{error}");
    let output = eval(
        &clip("same.y4m", (64, 48), 4),
        &title,
        &["--against", "h267"],
    );
    assert_eq!(output.status.code(), Some(2));
}
