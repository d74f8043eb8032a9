//! Size, rate and shape of the pictures that `promptus encode` makes of an input, and their record
//! in the title.

use crate::program::{json, promptus, run, said as stderr, y4m};
use crate::tools::need;
use serde_json::Value;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// A film by ffmpeg.
fn film(words: &str, output: &Path) -> PathBuf {
    let mut ffmpeg = Command::new(need("ffmpeg"));
    ffmpeg
        .args(["-v", "error", "-y"])
        .args(words.split_whitespace());
    assert!(ffmpeg.arg(output).status().unwrap().success(), "{words}");
    output.to_owned()
}

/// A title of one rung and nothing fitted or measured.
fn quick(input: &str, out: &Path, more: &[&str]) -> Output {
    let fixed = ["encode", input, "--out", out.to_str().unwrap(), "--json"];
    let short = ["--ranks", "3", "--steps", "0", "--no-measure"];
    run(&[&fixed[..], &short, more].concat())
}

fn eval(reference: &Path, title: &Path) -> Value {
    let names = [reference, title].map(|path| path.to_str().unwrap());
    json(&run(&["eval", names[0], names[1], "--json", "--no-vmaf"]))
}

#[test]
#[ignore = "needs ffmpeg"]
fn a_phone_clip_is_brought_to_a_usual_size_and_rate_and_eval_knows_it() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let words = "-f lavfi -i testsrc2=s=640x360:r=60:d=0.2 -c:v libx264 -pix_fmt yuv420p";
    let clip = film(words, &at("clip.mp4"));
    let turned = at("turned.mp4");
    let words = format!("-i {} -c copy -metadata:s:v rotate=90", clip.display());
    film(&words, &turned);
    let title = at("title");
    let output = quick(turned.to_str().unwrap(), &title, &[]);
    let said = stderr(&output);
    assert_eq!(json(&output)["frames"], 6, "{said}");
    let line = "pictures: 360x640 at 60 frames a second in, 224x416 at 30 frames a second out \
                (the default for mini: --size WxH|native|480p and --fps 60 choose others)";
    assert!(said.contains(line), "{said}");
    let report = eval(&turned, &title);
    assert_eq!(report["frames"], 6);
    // Another orientation, rate or size would be far off.
    assert!(
        report["rungs"][0]["psnr"].as_f64().unwrap() > 15.0,
        "{report}"
    );

    let other = at("other");
    let more = ["--size", "90p", "--fps", "20", "--scale", "crop"];
    let output = quick(turned.to_str().unwrap(), &other, &more);
    assert!(
        stderr(&output).contains("90x160 at 20 frames"),
        "{}",
        stderr(&output)
    );
    assert_eq!(json(&output)["frames"], eval(&turned, &other)["frames"]);
    let record: Value =
        serde_json::from_slice(&fs::read(other.join("source.json")).unwrap()).unwrap();
    assert_eq!(record["scale"], "crop");
    assert_eq!(record["size"], serde_json::json!([90, 160]));
    assert!(!record.to_string().contains("turned.mp4"), "{record}");
}

#[test]
fn small_clips_stay_as_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let input = folder.path().join("small.y4m");
    fs::write(&input, y4m(3)).unwrap();
    let output = quick(input.to_str().unwrap(), &folder.path().join("title"), &[]);
    let said = stderr(&output);
    assert!(
        said.contains("pictures: 48x40 at 8 frames a second\n"),
        "{said}"
    );
}

#[test]
#[ignore = "needs ffmpeg"]
fn the_shape_of_pixels_reaches_manifests_and_poster() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let words = "-f lavfi -i testsrc2=s=128x64:r=10:d=0.3 -vf setsar=16/11 -c:v libx264";
    let clip = film(words, &at("clip.mkv"));
    let title = at("title");
    let output = quick(clip.to_str().unwrap(), &title, &[]);
    assert!(output.status.success(), "{}", stderr(&output));
    let text = |name: &str| fs::read_to_string(title.join(name)).unwrap();
    assert!(text("manifest.mpd").contains("width=\"128\" height=\"64\""));
    assert!(text("manifest.mpd").contains("sar=\"16:11\""));
    assert!(text("master.m3u8").contains("RESOLUTION=186x64"));
    let poster = image::open(title.join("poster.jpg")).unwrap();
    assert_eq!((poster.width(), poster.height()), (186, 64));
    let checked = run(&["validate", title.to_str().unwrap()]);
    assert!(checked.status.success(), "{}", stderr(&checked));
    assert_eq!(eval(&clip, &title)["frames"], 3);
}

#[test]
#[ignore = "needs ffmpeg"]
fn a_damaged_film_makes_no_title_unless_allowed() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let words = "-f lavfi -i testsrc2=s=128x96:r=10:d=3,noise=alls=20 -c:v libx264";
    let clip = film(words, &at("clip.mkv"));
    let bytes = fs::read(&clip).unwrap();
    fs::write(&clip, &bytes[..bytes.len() / 2]).unwrap();
    let title = at("title");
    let refused = quick(clip.to_str().unwrap(), &title, &[]);
    assert_eq!(refused.status.code(), Some(1), "{}", stderr(&refused));
    let told = stderr(&refused);
    assert!(
        told.contains("ffmpeg says") && told.contains("of 3.0 s"),
        "{told}"
    );
    assert!(!title.exists());
    let taken = quick(clip.to_str().unwrap(), &title, &["--allow-damaged"]);
    assert!(
        stderr(&taken).contains("damaged or truncated"),
        "{}",
        stderr(&taken)
    );
    assert_eq!(json(&taken)["frames"], eval(&clip, &title)["frames"]);
}

/// As [`quick`] with `-` as the input, which is `bytes`.
fn piped(bytes: &[u8], out: &Path) -> Output {
    let out = out.to_str().unwrap();
    let fixed = ["encode", "-", "--out", out, "--json", "--ranks", "3"];
    let mut child = promptus(fixed)
        .args(["--steps", "0", "--no-measure"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(bytes).unwrap();
    child.wait_with_output().unwrap()
}

#[test]
#[ignore = "needs ffmpeg"]
fn films_of_any_kind_come_through_a_pipe() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let source = "-f lavfi -i testsrc2=s=64x48:r=10:d=0.5";
    // The index of the MP4 comes last; 4:2:0 of 10 bits is not read without ffmpeg.
    for (name, codec) in [
        ("a.mp4", "-c:v libx264"),
        ("a.ts", "-c:v libx264"),
        ("a.y4m", "-strict -1 -pix_fmt yuv420p10le"),
        ("b.y4m", "-pix_fmt yuv420p"),
    ] {
        let clip = film(&format!("{source} {codec}"), &at(name));
        let bytes = fs::read(clip).unwrap();
        let output = piped(&bytes, &at(&format!("{name}.title")));
        assert_eq!(json(&output)["frames"], 5, "{name}");
    }
    // More than is looked into before decoding begins.
    let long = "-f lavfi -i testsrc2=s=320x240:r=10:d=3 -c:v rawvideo -pix_fmt yuv444p";
    let bytes = fs::read(film(long, &at("long.nut"))).unwrap();
    assert!(bytes.len() > 6_000_000, "{}", bytes.len());
    assert_eq!(json(&piped(&bytes, &at("long.title")))["frames"], 30);
    let nothing = piped(b"", &at("nothing"));
    assert_eq!(nothing.status.code(), Some(2));
    assert!(stderr(&nothing).contains("0 bytes"), "{}", stderr(&nothing));
}
