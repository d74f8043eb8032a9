//! `promptus play` and `promptus simulate` as a user runs them: output, exit codes, messages.

#![cfg(feature = "cli")]
#![allow(clippy::unwrap_used, clippy::panic)]

#[allow(dead_code, reason = "only the title is needed here, not its bytes")]
#[path = "common/fake_title.rs"]
mod fake_title;
#[allow(dead_code, reason = "only its tracks are needed here")]
#[path = "common/rungs.rs"]
mod rungs;
#[allow(dead_code, reason = "this server behaves")]
#[path = "common/static_server.rs"]
mod static_server;
#[path = "common/synthetic.rs"]
mod synthetic;
#[path = "common/tools.rs"]
mod tools;

use promptus::package::{KEEP_OLD, Rung, TitleContent, publish};
use promptus::segment::coded::CodedSegment;
use promptus::segment::media::read_media;
use serde_json::Value;
use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;
use tempfile::TempDir;
use tokio::runtime::Runtime;

fn promptus(args: &[&str]) -> Output {
    let program = env!("CARGO_BIN_EXE_promptus");
    Command::new(program).args(args).output().unwrap()
}

fn json(output: &Output) -> Value {
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    let last = text
        .lines()
        .last()
        .unwrap_or_else(|| panic!("no JSON: {output:?}"));
    serde_json::from_str(last).unwrap()
}

/// Exit code and stderr.
fn failed(args: &[&str]) -> (i32, String) {
    let output = promptus(args);
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.code().unwrap(), text)
}

fn serve(folder: &Path) -> String {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    let runtime = RUNTIME.get_or_init(|| Runtime::new().unwrap());
    runtime.block_on(static_server::serve_well(folder))
}

/// A folder with a fake title and a trace.
fn workplace() -> (TempDir, String, String) {
    let folder = TempDir::new().unwrap();
    let title = folder.path().join("title");
    fake_title::publish_fake(&title, 10);
    let trace = folder.path().join("trace.csv");
    fs::write(&trace, "time_s,kbps\n0,200\n4,80\n8,40\n").unwrap();
    let text = |path: &Path| path.to_str().unwrap().to_owned();
    let (title, trace) = (text(&title), text(&trace));
    (folder, title, trace)
}

/// A title of two seconds of random prompts, which the shipped generator can render.
fn renderable(folder: &Path) {
    publish_synthetic(folder, 2, &[4]);
}

/// Segments of one second at 24 frames, rungs of these ranks, layers if there are several.
fn publish_synthetic(folder: &Path, seconds: u32, ranks: &[usize]) {
    let track = synthetic::track((64, 64), (64, 64));
    let segment = |number: u32| {
        let first = u64::from(24 * (number - 1));
        let coded = synthetic::closed_segment(&track, number, first, 24, 10, number);
        let media = read_media(&coded.bytes(&track)).unwrap();
        CodedSegment::read(&track, &media).unwrap()
    };
    let segments = (1..=seconds).map(segment).collect();
    let top = Rung { track, segments };
    let files = TitleContent {
        rungs: ranks.iter().map(|&rank| top.cut(rank)).collect(),
        layers: ranks.len() > 1,
        ..TitleContent::default()
    }
    .build()
    .unwrap();
    publish(folder, &files, KEEP_OLD).unwrap();
}

#[test]
fn simulate_reports_a_session() {
    let (_folder, title, trace) = workplace();
    let run = |more: &[&str]| {
        let args = [&["simulate", &title, "--trace", &trace, "--json"], more].concat();
        let output = promptus(&args);
        assert!(output.status.success(), "{output:?}");
        (json(&output), String::from_utf8(output.stderr).unwrap())
    };
    let (report, text) = run(&[]);
    assert_eq!(
        (&report["command"], &report["abr"]),
        (&"simulate".into(), &"dynamic".into())
    );
    assert_eq!(report["verdict"], "finished");
    assert_eq!(report["profile"], "mini");
    assert_eq!(report["trace"]["multiplier"], 1.0);
    let segments = report["segments"].as_array().unwrap();
    let delivered = segments.iter().filter(|row| row["outcome"] == "delivered");
    let numbers: Vec<u64> = delivered
        .map(|row| row["segment"].as_u64().unwrap())
        .collect();
    assert_eq!(numbers, (0..10).collect::<Vec<u64>>());
    assert_eq!(report["rungs"].as_array().unwrap().len(), 3);
    assert!((report["summary"]["played_s"].as_f64().unwrap() - 10.0).abs() < 1e-6);
    assert!(text.contains("10.00 s played"), "{text}");
    // The same again, and the same from the same bytes behind HTTP.
    assert_eq!(run(&[]).0, report);
    let url = format!("{}master.m3u8", serve(Path::new(&title)));
    let remote = promptus(&["simulate", &url, "--trace", &trace, "--json"]);
    assert_eq!(json(&remote)["segments"], report["segments"]);
    // A faster network plays a higher rung; a fixed rung stays.
    let (faster, _) = run(&["--multiplier", "10"]);
    assert!(faster["summary"]["kbps"].as_f64() > report["summary"]["kbps"].as_f64());
    let (fixed, _) = run(&["--abr", "fixed", "--rung", "2", "--buffer", "4"]);
    assert!(
        fixed["segments"]
            .as_array()
            .unwrap()
            .iter()
            .all(|row| row["rung"] == 2)
    );
}

#[test]
fn simulate_says_what_is_wrong() {
    let (folder, title, trace) = workplace();
    let dead = folder.path().join("dead.txt");
    fs::write(&dead, "0 0\n10 0\n").unwrap();
    let dead = dead.to_str().unwrap();
    let output = promptus(&["simulate", &title, "--trace", dead, "--json"]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(json(&output)["verdict"], "starved");
    let empty = folder.path().join("empty");
    fs::write(&empty, "").unwrap();
    let empty = empty.to_str().unwrap();
    let cases: [(&[&str], &str); 18] = [
        (
            &[&title, "--trace", &trace, "--multiplier", "1e308"],
            "above 0, at most 1000000",
        ),
        (&[&title, "--trace", &trace, "--seeds", "0"], "--seeds"),
        (
            &[&title, "--trace", &trace, "--seeds", "18446744073709551615"],
            "more than 1000000 sessions",
        ),
        (
            &[
                &title,
                "--trace",
                &trace,
                "--overhead",
                "18446744073709551615",
            ],
            "--overhead",
        ),
        (
            &[&title, "--trace", &trace, "--thresholds", "NaN"],
            "expected a number, 0 or more",
        ),
        (
            &[&title, "--trace", "/dev/zero"],
            "expected at most 268435456 bytes",
        ),
        (
            &["--movie", "/dev/zero", "--trace", &trace],
            "expected at most 268435456 bytes",
        ),
        (
            &["--ladder", "/dev/zero", "--trace", &trace],
            "expected at most 268435456 bytes",
        ),
        (
            &["/dev/zero", "--trace", &trace],
            "expected at most 268435456 bytes",
        ),
        (
            &[&title, "--traces", "/no/folder", "--rules", "all"],
            "/no/folder: No such file",
        ),
        (&[&title, "--trace", empty], "empty: expected a trace"),
        (
            &[&title, "--trace", "/no/such"],
            "/no/such: cannot read the trace",
        ),
        (
            &["/no/title", "--trace", &trace],
            "/no/title: expected a title directory",
        ),
        (
            &[&title, "--trace", &trace, "--abr", "best"],
            "unknown ABR rule `best`",
        ),
        (
            &[&title, "--trace", &trace, "--abr", "fixed", "--rung", "3"],
            "rungs 0 to 2",
        ),
        (
            &[&title, "--trace", &trace, "--rung", "1"],
            "--abr fixed only",
        ),
        (
            &[&title, "--trace", &trace, "--multiplier", "0"],
            "expected a number above 0",
        ),
        (
            &[&title, "--trace", &trace, "--start", "99"],
            "the title lasts 10 s",
        ),
    ];
    for (args, expected) in cases {
        let (code, text) = failed(&[&["simulate"], args].concat());
        assert_eq!(code, 2, "{args:?}: {text}");
        assert!(text.contains(expected), "{args:?}: {text}");
    }
}

/// Nobody reads what the command has to say: it says it all the same, and JSON comes whole.
#[test]
fn a_reader_of_messages_that_goes_away_is_no_failure() {
    let (_folder, title, trace) = workplace();
    let run = |args: &[&str]| {
        let mut child = Command::new(env!("CARGO_BIN_EXE_promptus"))
            .args(args)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stderr.take());
        child.wait_with_output().unwrap()
    };
    let single = run(&["simulate", &title, "--trace", &trace, "--json"]);
    assert_eq!(
        (single.status.code(), &json(&single)["verdict"]),
        (Some(0), &"finished".into())
    );
    let grid = run(&["simulate", &title, "--traces", &title, &trace, "--json"]);
    assert_eq!(
        (grid.status.code(), &json(&grid)["verdict"]),
        (Some(0), &"finished".into())
    );
    assert_eq!(run(&["simulate", "/no/title"]).status.code(), Some(2));
}

#[test]
fn a_throttle_that_carries_nothing_is_a_finding() {
    let (folder, title, _) = workplace();
    let dead = folder.path().join("dead.csv");
    fs::write(&dead, "time_s,kbps\n0,0\n9,0\n").unwrap();
    let dead = dead.to_str().unwrap();
    let (code, text) = failed(&["play", &title, "--no-render", "--throttle", dead]);
    assert_eq!(code, 1, "{text}");
    assert!(
        text.contains("the throttle's trace carries nothing"),
        "{text}"
    );
}

#[test]
fn play_without_rendering_reports_a_session() {
    let (_folder, title, trace) = workplace();
    let url = format!("{}manifest.mpd", serve(Path::new(&title)));
    let args = [
        "play",
        &url,
        "--no-render",
        "--abr",
        "fixed",
        "--rung",
        "1",
        "--json",
    ];
    let report = json(&promptus(&args));
    assert_eq!(
        (&report["command"], &report["verdict"]),
        (&"play".into(), &"finished".into())
    );
    assert_eq!(
        (&report["trace"], &report["rendering"]),
        (&Value::Null, &Value::Null)
    );
    assert!(report["summary"]["overhead_bytes"].as_u64().unwrap() > 1000);
    let args = [
        "play",
        &url,
        "--no-render",
        "--throttle",
        &trace,
        "--multiplier",
        "20",
        "--json",
    ];
    let report = json(&promptus(&args));
    assert_eq!(
        (&report["trace"]["name"], &report["abr"]),
        (&trace.as_str().into(), &"dynamic".into())
    );
}

#[test]
fn play_renders_to_a_folder_a_file_and_a_pipe() {
    let folder = TempDir::new().unwrap();
    renderable(&folder.path().join("title"));
    let url = format!("{}master.m3u8", serve(&folder.path().join("title")));
    let out = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (pictures, video, rest) = (out("frames"), out("video.y4m"), out("rest.y4m"));
    let report = json(&promptus(&["play", &url, "--out", &pictures, "--json"]));
    assert_eq!(report["rendering"]["frames"], 48);
    assert!(report["rendering"]["fps"].as_f64().unwrap() > 1.0);
    assert_eq!(self::pictures(pictures.as_ref()), 48);
    assert!(promptus(&["play", &url, "--out", &video]).status.success());
    let whole = fs::read(&video).unwrap();
    assert_eq!(
        whole
            .windows(6)
            .filter(|window| window == b"FRAME\n")
            .count(),
        48
    );
    // The end of the title is the end of the file, wherever playback starts.
    assert!(
        promptus(&["play", &url, "--out", &rest, "--start", "1.5"])
            .status
            .success()
    );
    let end = fs::read(&rest).unwrap();
    let frame = 6 + 64 * 64 * 3;
    assert_eq!(
        end[end.len() - 12 * frame..],
        whole[whole.len() - 12 * frame..]
    );
    assert_eq!(
        end.windows(6).filter(|window| window == b"FRAME\n").count(),
        12
    );
    let begun = std::time::Instant::now();
    let piped = promptus(&["play", &url, "--out", "-"]);
    assert!(piped.status.success());
    assert_eq!(piped.stdout, whole);
    // 48 frames at 24 a second: the last is due after 47 / 24 s.
    assert!(begun.elapsed().as_secs_f64() > 47.0 / 24.0);
}

/// The frames of a y4m file of 64 × 64 pixels.
/// How many PNG files a folder holds.
fn pictures(folder: &Path) -> usize {
    let entries = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    entries
        .filter(|path| path.extension().is_some_and(|end| end == "png"))
        .count()
}

fn frames(file: &str) -> Vec<Vec<u8>> {
    let bytes = fs::read(file).unwrap();
    let head = bytes.iter().position(|byte| *byte == b'\n').unwrap() + 1;
    let frames = bytes[head..].chunks(6 + 64 * 64 * 3);
    frames.map(<[u8]>::to_vec).collect()
}

#[test]
fn frames_of_layers_are_those_of_the_rung() {
    let folder = TempDir::new().unwrap();
    let title = folder.path().join("title");
    publish_synthetic(&title, 5, &[1, 2, 4]);
    let url = format!("{}manifest.mpd", serve(&title));
    let out = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let rungs: Vec<Vec<Vec<u8>>> = (0..3)
        .map(|rung| {
            let (file, rung) = (out(&format!("{rung}.y4m")), rung.to_string());
            let args = [
                "play", &url, "--out", &file, "--abr", "fixed", "--rung", &rung,
            ];
            assert!(promptus(&args).status.success());
            frames(&file)
        })
        .collect();
    assert!(rungs[0] != rungs[1] && rungs[1] != rungs[2]);
    // Over HTTP and from disk; the title says that it has layers, and --layers on says it again.
    let local = title.to_str().unwrap();
    for (name, args) in [
        ("a.y4m", &[&url, "--layers", "on"][..]),
        ("b.y4m", &[local]),
    ] {
        let file = out(name);
        let args = [&["play"], args, &["--out", &file, "--json"]].concat();
        let report = json(&promptus(&args));
        assert_eq!(report["abr"], "layers");
        let segments = report["segments"].as_array().unwrap();
        let added = |segment: usize| {
            let here = segments.iter().filter(|row| row["segment"] == segment);
            here.filter(|row| row["outcome"] == "added").count()
        };
        let shown = frames(&file);
        assert_eq!(shown.len(), 5 * 24);
        for (number, frame) in shown.iter().enumerate() {
            assert!(
                *frame == rungs[added(number / 24)][number],
                "frame {number}"
            );
        }
        assert_eq!(added(4), 2);
    }
    let (code, text) = failed(&[
        "play",
        &url,
        "--layers",
        "on",
        "--abr",
        "bba0",
        "--no-render",
    ]);
    assert!(code == 2 && text.contains("leave out --abr"), "{text}");
    let hls = url.replace("manifest.mpd", "master.m3u8");
    let (code, text) = failed(&["play", &hls, "--layers", "on", "--no-render"]);
    assert!(code == 2 && text.contains("names no layers"), "{text}");
    let off = json(&promptus(&[
        "play",
        &url,
        "--layers",
        "off",
        "--no-render",
        "--json",
    ]));
    let chosen = json(&promptus(&[
        "play",
        &url,
        "--abr",
        "bba2",
        "--no-render",
        "--json",
    ]));
    assert_eq!(
        (&off["abr"], &chosen["abr"]),
        (&"dynamic".into(), &"bba2".into())
    );
}

#[test]
fn play_takes_a_title_on_disk() {
    let (folder, title, trace) = workplace();
    for name in ["", "master.m3u8", "manifest.mpd"] {
        let path = Path::new(&title).join(name);
        let args = [
            "play",
            path.to_str().unwrap(),
            "--no-render",
            "--throttle",
            &trace,
        ];
        let report = json(&promptus(
            &[&args[..], &["--multiplier", "20", "--json"]].concat(),
        ));
        assert_eq!(report["verdict"], "finished");
        assert!(report["title"].as_str().unwrap().starts_with("file:///"));
    }
    let empty = folder.path().to_str().unwrap();
    let (code, text) = failed(&["play", empty, "--no-render"]);
    assert!(
        code == 2 && text.contains("neither manifest.mpd nor"),
        "{text}"
    );
}

#[test]
fn what_the_generator_really_takes_stands_in_the_report() {
    let folder = TempDir::new().unwrap();
    renderable(folder.path());
    let out = folder.path().join("x.y4m");
    let args = [
        "play",
        folder.path().to_str().unwrap(),
        "--out",
        out.to_str().unwrap(),
    ];
    let report = json(&promptus(&[&args[..], &["--json"]].concat()));
    // Playback begins with the first frame, not with the first segment.
    let arrived_s = report["segments"][0]["ended_s"].as_f64().unwrap();
    assert!(report["summary"]["startup_s"].as_f64().unwrap() > arrived_s);
    assert_eq!(report["verdict"], "finished");
    for stall in report["stalls"].as_array().unwrap() {
        assert_eq!(stall["cause"], "decode");
    }
}

#[test]
fn a_shorter_run_leaves_no_frames_of_a_longer_one() {
    let folder = TempDir::new().unwrap();
    let (long, short) = (folder.path().join("long"), folder.path().join("short"));
    publish_synthetic(&long, 2, &[4]);
    publish_synthetic(&short, 1, &[4]);
    let out = folder.path().join("frames");
    let play = |title: &Path| {
        promptus(&[
            "play",
            title.to_str().unwrap(),
            "--out",
            out.to_str().unwrap(),
        ])
    };
    assert!(play(&long).status.success());
    fs::write(out.join("notes.txt"), "mine").unwrap();
    fs::write(out.join("frame-1.png"), "mine").unwrap();
    let again = play(&short);
    let text = String::from_utf8_lossy(&again.stderr).into_owned();
    assert!(
        text.contains("removed 24 frames of an earlier, longer run"),
        "{text}"
    );
    assert_eq!(pictures(&out), 24 + 1);
    assert!(out.join("notes.txt").exists());
    assert!(out.join("frame-000023.png").exists() && !out.join("frame-000024.png").exists());
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let folder = TempDir::new().unwrap();
    renderable(folder.path());
    let url = format!("{}master.m3u8", serve(folder.path()));
    let mut child = Command::new(env!("CARGO_BIN_EXE_promptus"))
        .args(["play", &url, "--out", "-"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdout = child.stdout.take().unwrap();
    stdout.read_exact(&mut [0; 20_000]).unwrap();
    drop(stdout);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

#[test]
fn play_alone_says_how_to_go_on() {
    let (_folder, title, _) = workplace();
    let url = format!("{}master.m3u8?a=1&b=2", serve(Path::new(&title)));
    let output = promptus(&["play", &url, "--json"]);
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    for way in ["clip.mp4 ", "frames/ ", "- | ffplay -"] {
        let line = format!("promptus play '{url}' --out {way}");
        assert!(text.contains(&line), "{line}: {text}");
    }
    assert_eq!(json(&output)["verdict"], "finished");
    let quiet = promptus(&["play", &url, "--no-render"]);
    assert!(!String::from_utf8_lossy(&quiet.stderr).contains("ffplay"));
}

/// Names in `folder`, hidden ones too.
fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn play_makes_films() {
    let (Some(_), Some(probe)) = (tools::tool("ffmpeg"), tools::tool("ffprobe")) else {
        return;
    };
    let folder = TempDir::new().unwrap();
    let (title, films) = (folder.path().join("title"), folder.path().join("films"));
    renderable(&title);
    fs::create_dir(&films).unwrap();
    for name in ["a.mp4", "b.mkv", "c.MOV"] {
        let film = films.join(name);
        let args = [
            "play",
            title.to_str().unwrap(),
            "--out",
            film.to_str().unwrap(),
            "--json",
        ];
        let output = promptus(&args);
        assert!(output.status.success(), "{output:?}");
        assert_eq!(json(&output)["rendering"]["frames"], 48);
        let about = Command::new(&probe)
            .args([
                "-v",
                "error",
                "-count_frames",
                "-of",
                "csv=p=0",
                "-show_entries",
            ])
            .arg("stream=codec_name,width,height,pix_fmt,r_frame_rate,nb_read_frames")
            .arg(&film)
            .output()
            .unwrap();
        let about = String::from_utf8_lossy(&about.stdout).into_owned();
        assert_eq!(about.trim(), "h264,64,64,yuv420p,24/1,48", "{name}");
    }
    // What ffmpeg wrote before it was done is not left behind.
    assert_eq!(names(&films), ["a.mp4", "b.mkv", "c.MOV"]);
    let (code, text) = failed(&[
        "play",
        title.to_str().unwrap(),
        "--out",
        films.join("d.webm").to_str().unwrap(),
    ]);
    assert!(
        code == 2 && text.contains("d.webm: expected .mp4, .mov or .mkv"),
        "{text}"
    );
}

#[cfg(unix)]
#[test]
fn a_film_that_cannot_be_made_is_an_error() {
    use std::os::unix::fs::PermissionsExt;
    let folder = TempDir::new().unwrap();
    let (title, tools) = (folder.path().join("title"), folder.path().join("tools"));
    renderable(&title);
    fs::create_dir(&tools).unwrap();
    let film = folder.path().join("clip.mp4");
    let play = || {
        let output = Command::new(env!("CARGO_BIN_EXE_promptus"))
            .args([
                "play",
                title.to_str().unwrap(),
                "--out",
                film.to_str().unwrap(),
            ])
            .env("PATH", &tools)
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        (output.status.code(), text)
    };
    let (code, text) = play();
    assert!(
        code == Some(2) && text.contains("clip.mp4: needs the program ffmpeg"),
        "{text}"
    );
    // One that is gone at once, and one that fails when it has read everything.
    for script in ["exit 1", "cat > /dev/null; exit 1"] {
        let program = tools.join("ffmpeg");
        let text = format!("#!/bin/sh\nPATH=/bin:/usr/bin\necho 'no such encoder' >&2\n{script}\n");
        fs::write(&program, text).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        let (code, text) = play();
        assert_eq!(code, Some(2), "{text}");
        assert!(text.contains("clip.mp4: ffmpeg: no such encoder"), "{text}");
    }
    assert_eq!(names(folder.path()), ["title", "tools"]);
}

#[test]
fn a_terminal_is_not_filled_with_video() {
    let Some(script) = tools::tool("script") else {
        return;
    };
    let (_folder, title, _) = workplace();
    let line = format!("{} play {title} --out -", env!("CARGO_BIN_EXE_promptus"));
    let args = ["--quiet", "--return", "--command", &line, "/dev/null"];
    let output = Command::new(script)
        .args(args)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(2), "{text}");
    assert!(
        text.contains("stdout is a terminal") && text.contains("| ffplay -"),
        "{text}"
    );
}

#[test]
fn a_segment_of_far_too_many_frames_is_refused() {
    let folder = TempDir::new().unwrap();
    let title = folder.path().join("title");
    renderable(&title);
    let master = fs::read_to_string(title.join("master.m3u8")).unwrap();
    let media = master
        .lines()
        .find(|line| line.ends_with("-r4.m3u8"))
        .unwrap();
    let playlist = fs::read_to_string(title.join(media)).unwrap();
    let short = playlist.replace("#EXTINF:1.000000", "#EXTINF:0.500000");
    assert_ne!(playlist, short);
    fs::write(title.join(media), short).unwrap();
    let (master, out) = (title.join("master.m3u8"), folder.path().join("x.y4m"));
    let paths = [&master, &out].map(|path| path.to_str().unwrap());
    let (code, text) = failed(&["play", paths[0], "--out", paths[1]]);
    assert_eq!(code, 2, "{text}");
    assert!(
        text.contains("segment 0: holds 24 frames, the manifest's duration allows 19"),
        "{text}"
    );
}

#[test]
fn what_was_read_of_traces_is_told() {
    let (folder, title, trace) = workplace();
    let told = |args: &[&str]| {
        let output = promptus(args);
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stderr).unwrap()
    };
    // 4 s of 200, 4 s of 80, and 4 s of 40 kbit/s.
    let line = format!("{trace}: mean 107 kbit/s over 12.0 s");
    for args in [
        &["simulate", &title, "--trace", &trace][..],
        &[
            "simulate",
            &title,
            "--trace",
            &trace,
            "--rules",
            "bba0,dynamic",
        ],
        &[
            "play",
            &title,
            "--no-render",
            "--throttle",
            &trace,
            "--multiplier",
            "50",
        ],
    ] {
        assert!(told(args).contains(&line), "{args:?}");
    }
    let many = folder.path().join("many");
    fs::create_dir(&many).unwrap();
    for k in 1..=5 {
        fs::write(
            many.join(format!("{k}.csv")),
            format!("0,{k}00\n10,{k}00\n"),
        )
        .unwrap();
    }
    let many = many.to_str().unwrap();
    let text = told(&["simulate", &title, "--traces", many, "--rules", "bba0"]);
    let all = "5 traces: mean rates 100 / 300 / 500 kbit/s, lengths 20 / 20 / 20 s";
    assert!(text.contains(all), "{text}");
    let iperf = r#"{"intervals": [{"seconds": 1, "bits_per_second": 9e9, "omitted": true},
        {"seconds": 4, "bits_per_second": 90000, "omitted": false}]}"#;
    let file = folder.path().join("iperf.json");
    fs::write(&file, iperf).unwrap();
    let text = told(&["simulate", &title, "--trace", file.to_str().unwrap()]);
    assert!(
        text.contains("iperf.json: mean 90.0 kbit/s over 4.0 s"),
        "{text}"
    );
    assert!(text.contains("1 omitted intervals are left out"), "{text}");
}

#[test]
fn a_grid_asks_the_oracle_only_when_told_to() {
    let (_folder, title, trace) = workplace();
    let run = |more: &[&str]| {
        let args = [&["simulate", &title, "--trace", &trace, "--json"], more].concat();
        let output = promptus(&args);
        assert!(output.status.success(), "{output:?}");
        (json(&output), String::from_utf8(output.stderr).unwrap())
    };
    let (row, text) = run(&["--rules", "bba0"]);
    assert!(
        row["oracle_qoe_lin"].is_null() && !text.contains("oracle"),
        "{row} {text}"
    );
    for asked in [&["--oracle"][..], &["--oracle-plans", "10"]] {
        let (row, text) = run(&[&["--rules", "bba0"], asked].concat());
        assert!(
            row["oracle_qoe_lin"].is_number() && text.contains("gap to oracle"),
            "{row}"
        );
    }
    assert!(run(&[]).0["qoe"]["oracle_qoe_lin"].is_number());
    assert!(run(&["--no-oracle"]).0["qoe"]["oracle_qoe_lin"].is_null());
}

#[test]
fn play_says_what_is_wrong() {
    let (_folder, title, trace) = workplace();
    let base = serve(Path::new(&title));
    let url = format!("{base}master.m3u8");
    let (http, none) = ("http://127.0.0.1:9/x.mpd", "--no-render");
    let cases: [(&[&str], &str); 43] = [
        // The fake title names weights that nobody has.
        (&[&url, "--out", "/tmp/x.y4m"], "weights of SHA-256 0707"),
        (
            &[&url, "--decoder", "vae", "--out", "/tmp/x.y4m"],
            "`mini` has no full-size decoder",
        ),
        (&[&url, "--fetch-weights"], "--out <FILM|DIR|FILE.y4m|->"),
        (&[&url, "--decoder", "own"], "--out <FILM|DIR|FILE.y4m|->"),
        (&[&url, "--seek", "1:99"], "the title lasts 10 s"),
        (&[none], "<URL|DIR|FILE>"),
        (&[&url, none, "--out", "x"], "cannot be used with"),
        (&[&url, none, "--decoder", "own"], "cannot be used with"),
        (
            &[&url, "--decoder", "best", "--out", "x"],
            "invalid value 'best'",
        ),
        (&[&url, "--out", "-", "--json"], "both want stdout"),
        (&[&url, none, "--throttle", "/no/such"], "/no/such"),
        (&[&url, none, "--throttle", &title], "trace"),
        (&[&url, none, "--multiplier", "2"], "--throttle <TRACE>"),
        (
            &[&url, none, "--throttle", &trace, "--multiplier", "0"],
            "above 0",
        ),
        (
            &[&url, none, "--throttle", &trace, "--multiplier=-1"],
            "above 0",
        ),
        (
            &[&url, none, "--throttle", &trace, "--multiplier", "NaN"],
            "above 0",
        ),
        (&[&url, none, "--seek", "5"], "such as 10:42.5"),
        (&[&url, none, "--seek", "1:-2"], "such as 10:42.5"),
        (&[&url, none, "--seek", "inf:1"], "such as 10:42.5"),
        (&[&url, none, "--seek", "1:10"], "the title lasts 10 s"),
        (&[&url, none, "--cmcd", "both"], "query, header or off"),
        (&[&url, none, "--utility", "vmaf"], "vmaf"),
        (&[&url, none, "--utility", "psnr"], "psnr"),
        (&[&url, none, "--layers", "some"], "invalid value 'some'"),
        (&[&url, none, "--layers", "on"], "names no layers"),
        (
            &[&url, none, "--ca", "/no/such.pem"],
            "/no/such.pem: expected certificates",
        ),
        (
            &[&url, none, "--ca", &trace],
            "trace.csv: expected certificates",
        ),
        (&[&url, none, "--abr", "best"], "unknown ABR rule `best`"),
        (
            &[&url, none, "--abr", "fixed", "--rung", "3"],
            "rungs 0 to 2",
        ),
        (&[&url, none, "--rung", "1"], "--abr fixed only"),
        (
            &[&url, none, "--buffer=-1"],
            "--buffer -1: expected seconds",
        ),
        (&[&url, none, "--buffer", "inf"], "expected seconds"),
        (&[&url, none, "--start", "10"], "the title lasts 10 s"),
        (&[&url, none, "--start=-0.5"], "expected seconds"),
        (&[&url, none, "--estimator", "guess"], "guess"),
        (&[&url, none, "--seed=-1"], "--seed"),
        (&[&url, none, "--ms-per-frame=-1"], "0 to 60000 ms"),
        (&[&url, none, "--ms-per-rung", "1"], "--ms-per-frame <MS>"),
        (
            &[&url, none, "--ms-per-frame", "1", "--frame-rate", "0"],
            "0.1 to 1000",
        ),
        (
            &[&url, none, "--ms-per-frame", "1", "--compute-spread", "2"],
            "expected 0 to 1",
        ),
        (&[http, none], "127.0.0.1:9/x.mpd: cannot connect"),
        (&["title", none], "title: expected a title folder"),
        (&["ftp://host/title", none], "expected http:// or https://"),
    ];
    for (args, expected) in cases {
        let (code, text) = failed(&[&["play"], args].concat());
        assert_eq!(code, 2, "{args:?}: {text}");
        assert!(text.contains(expected), "{args:?}: {text}");
    }
}
