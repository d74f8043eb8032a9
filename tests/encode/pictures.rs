//! Size, rate and shape of the pictures that `promptus encode` makes of an input, and their record
//! in the title.

use crate::program::{ends, json, promptus, report, run, said, text, y4m};
use crate::tools::{self, has};
use serde_json::Value;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// A film by ffmpeg, which must be installed.
fn film(words: &str, inputs: &[&Path], output: &Path) -> PathBuf {
    tools::need("ffmpeg");
    tools::ffmpeg(words, inputs, output).unwrap()
}

/// A title of one rung and nothing fitted or measured.
fn quick(input: &Path, out: &Path, more: &str) -> Command {
    let fixed = ["encode", text(input), "--out", text(out)];
    let short = "--json --ranks 3 --steps 0 --no-measure";
    let mut command = promptus(fixed.into_iter().chain(short.split(' ')));
    command.args(more.split_whitespace());
    command
}

/// The standard error and the JSON of a command that must succeed.
fn both(command: &mut Command) -> (String, Value) {
    let output = command.output().unwrap();
    (said(&output), json(&output))
}

fn eval(reference: &Path, title: &Path) -> Value {
    let names = ["eval", text(reference), text(title), "--json", "--no-vmaf"];
    json(&run(&names))
}

#[test]
#[ignore = "needs ffmpeg"]
fn a_phone_clip_is_brought_to_a_usual_size_and_rate_and_eval_knows_it() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let words = "-f lavfi -i testsrc2=s=640x360:r=60:d=0.2 -c:v libx264 -pix_fmt yuv420p";
    let clip = film(words, &[], &at("clip.mp4"));
    let words = "-i IN -c copy -metadata:s:v rotate=90";
    let turned = film(words, &[&clip], &at("turned.mp4"));
    let title = at("title");
    let (said, encoded) = both(&mut quick(&turned, &title, ""));
    assert_eq!(encoded["frames"], 6, "{said}");
    let line = "pictures: 360x640 at 60 frames a second in, 224x416 at 30 frames a second out \
                (the default for mini: --size WxH|native|480p and --fps 60 choose others)";
    has(&said, &[line]);
    let report = eval(&turned, &title);
    assert_eq!(report["frames"], 6);
    // Another orientation, rate or size would be far off.
    let psnr = report["rungs"][0]["psnr"].as_f64().unwrap();
    assert!(psnr > 15.0, "{report}");

    let other = at("other");
    let more = "--size 90p --fps 20 --scale crop";
    let (said, encoded) = both(&mut quick(&turned, &other, more));
    has(&said, &["90x160 at 20 frames"]);
    assert_eq!(encoded["frames"], eval(&turned, &other)["frames"]);
    let record = fs::read_to_string(other.join("source.json")).unwrap();
    assert!(!record.contains("turned.mp4"), "{record}");
    let record: Value = serde_json::from_str(&record).unwrap();
    assert_eq!(record["scale"], "crop");
    assert_eq!(record["size"], serde_json::json!([90, 160]));
}

#[test]
fn small_clips_stay_as_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let input = folder.path().join("small.y4m");
    fs::write(&input, y4m(3)).unwrap();
    let (said, _) = both(&mut quick(&input, &folder.path().join("title"), ""));
    has(&said, &["pictures: 48x40 at 8 frames a second\n"]);
}

#[test]
#[ignore = "needs ffmpeg"]
fn the_shape_of_pixels_reaches_manifests_and_poster() {
    let folder = tempfile::tempdir().unwrap();
    let words = "-f lavfi -i testsrc2=s=128x64:r=10:d=0.3 -vf setsar=16/11 -c:v libx264";
    let clip = film(words, &[], &folder.path().join("clip.mkv"));
    let title = folder.path().join("title");
    report(&mut quick(&clip, &title, ""));
    let read = |name: &str| fs::read_to_string(title.join(name)).unwrap();
    let size = "width=\"128\" height=\"64\"";
    has(&read("manifest.mpd"), &[size, "sar=\"16:11\""]);
    has(&read("master.m3u8"), &["RESOLUTION=186x64"]);
    let poster = image::open(title.join("poster.jpg")).unwrap();
    assert_eq!((poster.width(), poster.height()), (186, 64));
    ends(&mut promptus(["validate", text(&title)]), 0);
    assert_eq!(eval(&clip, &title)["frames"], 3);
}

#[test]
#[ignore = "needs ffmpeg"]
fn a_damaged_film_makes_no_title_unless_allowed() {
    let folder = tempfile::tempdir().unwrap();
    let words = "-f lavfi -i testsrc2=s=128x96:r=10:d=3,noise=alls=20 -c:v libx264";
    let clip = film(words, &[], &folder.path().join("clip.mkv"));
    let bytes = fs::read(&clip).unwrap();
    fs::write(&clip, &bytes[..bytes.len() / 2]).unwrap();
    let title = folder.path().join("title");
    let error = ends(&mut quick(&clip, &title, ""), 1);
    has(&error, &["ffmpeg says", "of 3.0 s"]);
    assert!(!title.exists());
    let (said, encoded) = both(&mut quick(&clip, &title, "--allow-damaged"));
    has(&said, &["damaged or truncated"]);
    assert_eq!(encoded["frames"], eval(&clip, &title)["frames"]);
}

/// As [`quick`] with `-` as the input, which is `bytes`.
fn piped(bytes: &[u8], out: &Path) -> Output {
    let mut command = quick(Path::new("-"), out, "");
    command.stdin(Stdio::piped());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(bytes).unwrap();
    child.wait_with_output().unwrap()
}

#[test]
#[ignore = "needs ffmpeg"]
fn films_of_any_kind_come_through_a_pipe() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let short = "testsrc2=s=64x48:r=10:d=0.5";
    // The index of the MP4 comes last; 4:2:0 of 10 bits is not read without ffmpeg. The last film is
    // larger than what is looked into before decoding begins.
    for (name, source, codec, frames) in [
        ("a.mp4", short, "-c:v libx264", 5),
        ("a.ts", short, "-c:v libx264", 5),
        ("a.y4m", short, "-strict -1 -pix_fmt yuv420p10le", 5),
        ("b.y4m", short, "-pix_fmt yuv420p", 5),
        (
            "long.nut",
            "testsrc2=s=320x240:r=10:d=3",
            "-c:v rawvideo -pix_fmt yuv444p",
            30,
        ),
    ] {
        let words = format!("-f lavfi -i {source} {codec}");
        let bytes = fs::read(film(&words, &[], &at(name))).unwrap();
        assert!(source == short || bytes.len() > 6_000_000, "{name}");
        let output = piped(&bytes, &at(&format!("{name}.title")));
        assert_eq!(json(&output)["frames"], frames, "{name}");
    }
    let nothing = piped(b"", &at("nothing"));
    assert_eq!(nothing.status.code(), Some(2));
    has(&said(&nothing), &["0 bytes"]);
}
