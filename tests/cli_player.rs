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
    let track = synthetic::track((64, 64), (64, 64));
    let segment = |number: u32| {
        let first = u64::from(24 * (number - 1));
        let coded = synthetic::closed_segment(&track, number, first, 24, 10, number);
        let media = read_media(&coded.bytes(&track)).unwrap();
        CodedSegment::read(&track, &media).unwrap()
    };
    let segments = vec![segment(1), segment(2)];
    let rungs = vec![Rung { track, segments }];
    let files = TitleContent {
        rungs,
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
    let cases: [(&[&str], &str); 8] = [
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
            "`best` is no ABR rule",
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
    assert_eq!(fs::read_dir(&pictures).unwrap().count(), 48);
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
fn play_says_what_is_wrong() {
    let (_folder, title, _) = workplace();
    let base = serve(Path::new(&title));
    let url = format!("{base}master.m3u8");
    let cases: [(&[&str], &str); 7] = [
        // The fake title names weights that nobody has.
        (&[&url, "--out", "/tmp/x.y4m"], "weights of SHA-256 0707"),
        (
            &[&url, "--decoder", "vae", "--out", "/tmp/x.y4m"],
            "`mini` has no full-size decoder",
        ),
        (&[&url], "--out"),
        (&[&url, "--out", "-", "--json"], "both want stdout"),
        (&[&url, "--no-render", "--throttle", "/no/such"], "/no/such"),
        (
            &["http://127.0.0.1:9/x.mpd", "--no-render"],
            "127.0.0.1:9/x.mpd",
        ),
        (&["title", "--no-render"], "`title` is no address"),
    ];
    for (args, expected) in cases {
        let (code, text) = failed(&[&["play"], args].concat());
        assert_eq!(code, 2, "{args:?}: {text}");
        assert!(text.contains(expected), "{args:?}: {text}");
    }
}
