//! `promptus eval` as a user runs it: figures, other codecs, outputs, and inputs that do not fit.

#![allow(clippy::unwrap_used)]

#[path = "common/program.rs"]
mod program;
#[path = "common/tools.rs"]
mod tools;

use program::{json, refused, run, said, text, video};
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

/// A clip of 64×64 pixels and 12 frames, and a title of it: two rungs in segments of a second, without
/// a fit.
fn clip(folder: &Path) -> (PathBuf, PathBuf) {
    let input = y4m(&folder.join("clip.y4m"), (64, 64), 12);
    let title = title(&input);
    (input, title)
}

fn title(input: &Path) -> PathBuf {
    let out = input.with_extension("title");
    let options = "--ranks 2,4 --segment-seconds 1 --steps 0 --no-measure";
    let options: Vec<&str> = options.split(' ').collect();
    let output = run(&[&["encode", text(input), "--out", text(&out)], &options[..]].concat());
    assert!(output.status.success(), "{}", said(&output));
    out
}

/// `promptus eval` with `options` separated by spaces.
fn eval(reference: &Path, title: &Path, options: &str) -> Output {
    let options: Vec<&str> = options.split_whitespace().collect();
    run(&[
        &["eval", text(reference), text(title), "--json"],
        &options[..],
    ]
    .concat())
}

fn number(figures: &Value, key: &str) -> f64 {
    figures[key].as_f64().unwrap()
}

#[test]
fn figures_of_rungs_and_segments() {
    let folder = tempfile::tempdir().unwrap();
    let (input, title) = clip(folder.path());
    let csv = folder.path().join("clip.csv");
    let report = json(&eval(&input, &title, &format!("--csv {}", text(&csv))));
    let rungs = report["rungs"].as_array().unwrap();
    assert_eq!((rungs.len(), &report["frames"]), (2, &12.into()));
    for rung in rungs {
        let number = |key: &str| number(rung, key);
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
    let header = "what,name,rank,segment,start_s,width,height,fps,target_kbps,kbps,payload_kbps,bytes,\
                  lpips_squeeze,";
    assert!(csv.starts_with(header), "{csv}");
    assert!(
        csv.contains("\r\nours,mini-r2,2,,,64,64,8,,")
            && csv.contains("\r\nsegment,mini-r4,4,2,1,64,64,8,,"),
        "{csv}"
    );
    let widths: Vec<usize> = csv.lines().map(|line| line.split(',').count()).collect();
    assert_eq!(widths, [32; 1 + 2 * 3], "{csv}");
}

#[test]
fn other_codecs_are_measured_alike_and_kept() {
    if tool("ffmpeg").is_none() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (input, title) = clip(folder.path());
    let path = |name: &str| text(&folder.path().join(name)).to_owned();
    let (cache, csv) = (path("cache"), path("clip.csv"));
    let html = path("clip.html");
    let options = format!(
        "--against x265,x264 --against-rates 20 --against-sizes 1,0.5 --against-gop 1 --no-vmaf \
         --cache {cache} --csv {csv} --html {html}"
    );
    let first = json(&eval(&input, &title, &options));
    let against = &first["against"];
    let points = against["points"].as_array().unwrap();
    assert_eq!(points.len(), 2 * 2 * 2, "codecs, sizes and frame rates");
    for point in points {
        assert_eq!(point["missing"], 0, "{point}");
        assert!(number(point, "psnr") > 15.0, "{point}");
        let number = |key: &str| number(point, key);
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
    let again = eval(&input, &title, &options);
    assert_eq!(again.status.code(), Some(2), "files are there");
    let again = json(&eval(&input, &title, &format!("{options} -y")));
    assert_eq!(again["against"], *against);
    assert_eq!((kept("mp4"), kept("json")), before);
    assert_eq!(fs::read(&csv).unwrap(), drawn);
    let page = fs::read_to_string(html).unwrap();
    for part in [
        "At equal rates",
        "Worst, frame",
        "x264-32x32@4",
        "data:image/jpeg",
    ] {
        assert!(page.contains(part), "{part}");
    }
    let csv = String::from_utf8(drawn).unwrap();
    assert_eq!(csv.lines().count(), 1 + 2 * 3 + 8);
    assert!(csv.contains("\r\ncodec,x264,,,,32,32,4,20,"), "{csv}");
}

/// `--ladders` writes ladders for `simulate`, measured group by group.
#[test]
fn a_codecs_hull_becomes_a_ladder() {
    if tool("ffmpeg").is_none() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (input, title) = clip(folder.path());
    let path = |name: &str| text(&folder.path().join(name)).to_owned();
    let (cache, ladders) = (path("cache"), path("ladders"));
    let options = format!(
        "--against x265,x264 --against-rates 15,40,90 --against-sizes 1,0.5 --against-sample 3 \
         --cache {cache} --no-vmaf --ladders {ladders}"
    );
    let report = json(&eval(&input, &title, &options));
    // That of the title's segments.
    assert_eq!(report["against"]["gop_s"], 1.0);
    let points = report["against"]["points"].as_array().unwrap();
    for codec in ["x265", "x264"] {
        let file = format!("{ladders}/{codec}.json");
        let ladder = fs::read_to_string(&file).unwrap();
        let ladder: QualityReport = serde_json::from_str(&ladder).unwrap();
        assert!((1..=6).contains(&ladder.rungs.len()), "{ladder:?}");
        let mut below = 0;
        for (rung, rank) in ladder.rungs.iter().zip(1..) {
            assert_eq!(rung.rank, rank);
            let spans = rung.segments.iter().map(|s| (s.start_s, s.duration_s));
            assert_eq!(spans.collect::<Vec<_>>(), [(0.0, 1.0), (1.0, 0.5)]);
            let media: u64 = rung.segments.iter().map(|s| s.bytes).sum();
            assert!(media > below, "{rung:?}");
            below = media;
            let near = |point: &&Value| (number(point, "kbps") - rung.kbps).abs() < 1e-9;
            let mut of_codec = points.iter().filter(|point| point["codec"] == codec);
            let init = of_codec.find(near).unwrap()["bytes"].as_u64().unwrap() - media;
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
    let report = json(&eval(&input, &title(&input), "--no-vmaf"));
    let rung = &report["rungs"][0];
    assert!(rung["ssim"].is_number() && rung["ssimulacra2"].is_number());
    assert!(rung.get("seam").is_none() && rung.get("temporal_ratio").is_none());
}

#[test]
fn originals_of_another_clip_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let clip = |name: &str, size, count| y4m(&folder.path().join(name), size, count);
    let title = title(&clip("clip.y4m", (64, 48), 4));
    for (name, size, count, options, expected) in [
        (
            "short.y4m",
            (64, 48),
            3,
            "",
            "ends after 3 frames, the title has 4",
        ),
        ("long.y4m", (64, 48), 5, "", "goes on after 4 frames"),
        ("wide.y4m", (66, 48), 4, "", "pictures of (66, 48)"),
        ("same.y4m", (64, 48), 4, "h267", "h267"),
    ] {
        let reference = clip(name, size, count);
        let fixed = ["eval", text(&reference), text(&title), "--no-vmaf"];
        let against = ["--against", options];
        let against = if options.is_empty() {
            &[][..]
        } else {
            &against
        };
        refused(&mut program::promptus([&fixed, against].concat()), expected);
    }
}
