//! `promptus play` and `promptus simulate` as a user runs them: output, exit codes, messages.

#![cfg(feature = "cli")]
#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "common/program.rs"]
mod program;
#[path = "common/static_server.rs"]
mod static_server;
#[path = "common/synthetic.rs"]
mod synthetic;
#[path = "common/title.rs"]
mod title;
#[path = "common/tools.rs"]
mod tools;

use program::{json, said};
use serde_json::{Value, json};
use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// Runs `promptus` with the words of `line`.
fn promptus(line: &str) -> Output {
    program::run(&line.split_whitespace().collect::<Vec<_>>())
}

#[track_caller]
fn has(text: &str, part: &str) {
    assert!(text.contains(part), "`{part}` is not in: {text}");
}

/// The report of a command that must succeed.
fn report(line: &str) -> Value {
    json(&promptus(line))
}

/// Runs a command that must succeed; its stderr.
fn succeeds(line: &str) -> String {
    let output = promptus(line);
    assert!(output.status.success(), "{line}: {output:?}");
    said(&output)
}

/// Each case is `arguments => message`: the command must exit with 2 and print the message. Words in
/// `names` stand for values.
fn refuses(command: &str, names: &[(&str, &str)], cases: &[&str]) {
    for case in cases {
        let (args, expected) = case.split_once(" => ").unwrap();
        let named = |args: String, (name, value): &(&str, &str)| args.replace(name, value);
        let args = names.iter().fold(args.to_owned(), named);
        let (code, text) = failed(&format!("{command} {args}"));
        assert_eq!(code, 2, "{args}: {text}");
        assert!(text.contains(expected), "{args}: {text}");
    }
}

/// Exit code and stderr.
fn failed(line: &str) -> (i32, String) {
    let output = promptus(line);
    (output.status.code().unwrap(), said(&output))
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
    title::publish_fake(&title, 10);
    let trace = folder.path().join("trace.csv");
    fs::write(&trace, "time_s,kbps\n0,200\n4,80\n8,40\n").unwrap();
    let [title, trace] = [title, trace].map(|path| path.display().to_string());
    (folder, title, trace)
}

/// Width and height of rendered test titles: small, so that tests are quick.
const SIDE: u32 = 32;

/// A title of two seconds of random prompts, which the shipped generator can render.
fn renderable(folder: &Path) {
    publish_synthetic(folder, 2, &[4]);
}

/// Segments of one second at 24 frames, rungs of these ranks, layers if there are several.
fn publish_synthetic(folder: &Path, seconds: u32, ranks: &[usize]) {
    let track = synthetic::track((SIDE, SIDE), (SIDE, SIDE));
    let (lengths, layers) = (vec![24; seconds as usize], ranks.len() > 1);
    synthetic::put(folder, &track, &lengths, 10, ranks, layers);
}

#[test]
fn simulate_reports_a_session() {
    let (_folder, title, trace) = workplace();
    let run = |more: &str| {
        let output = promptus(&format!("simulate {title} --trace {trace} --json {more}"));
        (json(&output), said(&output))
    };
    let (report, text) = run("");
    for (key, value) in [
        ("/command", json!("simulate")),
        ("/abr", json!("dynamic")),
        ("/verdict", json!("finished")),
        ("/profile", json!("mini")),
        ("/trace/multiplier", json!(1.0)),
    ] {
        assert_eq!(report.pointer(key), Some(&value));
    }
    let segments = report["segments"].as_array().unwrap();
    let delivered = segments.iter().filter(|row| row["outcome"] == "delivered");
    assert!(
        delivered
            .map(|row| &row["segment"])
            .eq(&[0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    );
    assert_eq!(report["rungs"].as_array().unwrap().len(), 3);
    assert!((report["summary"]["played_s"].as_f64().unwrap() - 10.0).abs() < 1e-6);
    has(&text, "10.00 s played");
    // The same again, and the same from the same bytes behind HTTP.
    assert_eq!(run("").0, report);
    let url = format!("{}master.m3u8", serve(Path::new(&title)));
    let remote = promptus(&format!("simulate {url} --trace {trace} --json"));
    assert_eq!(json(&remote)["segments"], report["segments"]);
    // A faster network plays a higher rung; a fixed rung stays.
    let (faster, _) = run("--multiplier 10");
    assert!(faster["summary"]["kbps"].as_f64() > report["summary"]["kbps"].as_f64());
    let (fixed, _) = run("--abr fixed --rung 2 --buffer 4");
    let mut segments = fixed["segments"].as_array().unwrap().iter();
    assert!(segments.all(|row| row["rung"] == 2));
}

#[test]
fn simulate_names_the_wrong_argument() {
    let (folder, title, trace) = workplace();
    let dead = folder.path().join("dead.txt");
    fs::write(&dead, "0 0\n10 0\n").unwrap();
    let dead = dead.to_str().unwrap();
    let output = promptus(&format!("simulate {title} --trace {dead} --json"));
    assert_eq!(output.status.code(), Some(1));
    has(
        &String::from_utf8(output.stdout).unwrap(),
        r#""verdict":"starved""#,
    );
    let empty = folder.path().join("empty");
    fs::write(&empty, "").unwrap();
    let empty = empty.to_str().unwrap();
    let cases = [
        "TITLE --trace TRACE --multiplier 1e308 => above 0, at most 1000000",
        "TITLE --trace TRACE --seeds 0 => --seeds",
        "TITLE --trace TRACE --seeds 18446744073709551615 => more than 1000000 sessions",
        "TITLE --trace TRACE --overhead 18446744073709551615 => --overhead",
        "TITLE --trace TRACE --thresholds NaN => expected a number, 0 or more",
        "TITLE --trace /dev/zero => expected at most 268435456 bytes",
        "--movie /dev/zero --trace TRACE => expected at most 268435456 bytes",
        "--ladder /dev/zero --trace TRACE => expected at most 268435456 bytes",
        "/dev/zero --trace TRACE => expected at most 268435456 bytes",
        "TITLE --traces /no/folder --rules all => /no/folder: No such file",
        "TITLE --trace EMPTY => empty: expected a trace",
        "TITLE --trace /no/such => /no/such: cannot read the trace",
        "/no/title --trace TRACE => /no/title: expected a title directory",
        "TITLE --trace TRACE --abr best => unknown ABR rule `best`",
        "TITLE --trace TRACE --abr fixed --rung 3 => rungs 0 to 2",
        "TITLE --trace TRACE --rung 1 => --abr fixed only",
        "TITLE --trace TRACE --multiplier 0 => expected a number above 0",
        "TITLE --trace TRACE --start 99 => the title lasts 10 s",
    ];
    let names = [("TITLE", &*title), ("TRACE", &trace), ("EMPTY", empty)];
    refuses("simulate", &names, &cases);
}

/// With stderr closed, the command runs all the same and its JSON is complete.
#[test]
fn a_closed_stderr_is_not_a_failure() {
    let (_folder, title, trace) = workplace();
    let run = |line: &str| {
        let mut command = program::promptus(line.split_whitespace());
        let command = command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        drop(child.stderr.take());
        child.wait_with_output().unwrap()
    };
    for traces in ["--trace TRACE", "--traces TITLE TRACE"] {
        let traces = traces.replace("TITLE", &title).replace("TRACE", &trace);
        let output = run(&format!("simulate {title} {traces} --json"));
        assert_eq!(json(&output)["verdict"], "finished", "{traces}");
    }
    assert_eq!(run("simulate /no/title").status.code(), Some(2));
}

#[test]
fn a_throttle_without_bandwidth_fails_the_check() {
    let (folder, title, _) = workplace();
    let dead = folder.path().join("dead.csv");
    fs::write(&dead, "time_s,kbps\n0,0\n9,0\n").unwrap();
    let dead = dead.display();
    let (code, text) = failed(&format!("play {title} --no-render --throttle {dead}"));
    assert_eq!(code, 1, "{text}");
    has(&text, "the throttle's trace carries nothing");
}

#[test]
fn play_without_rendering_reports_a_session() {
    let (_folder, title, trace) = workplace();
    let url = format!("{}manifest.mpd", serve(Path::new(&title)));
    let fixed = report(&format!(
        "play {url} --no-render --abr fixed --rung 1 --json"
    ));
    let line = format!("play {url} --no-render --throttle {trace} --multiplier 20 --json");
    let throttled = report(&line);
    for (report, key, value) in [
        (&fixed, "/command", json!("play")),
        (&fixed, "/verdict", json!("finished")),
        (&fixed, "/trace", Value::Null),
        (&fixed, "/rendering", Value::Null),
        (&throttled, "/trace/name", json!(trace)),
        (&throttled, "/abr", json!("dynamic")),
    ] {
        assert_eq!(report.pointer(key), Some(&value), "{key}");
    }
    assert!(fixed["summary"]["overhead_bytes"].as_u64().unwrap() > 1000);
}

#[test]
fn play_renders_to_a_folder_a_file_and_a_pipe() {
    let folder = TempDir::new().unwrap();
    renderable(&folder.path().join("title"));
    let url = format!("{}master.m3u8", serve(&folder.path().join("title")));
    let out = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (pictures, video, rest) = (out("frames"), out("video.y4m"), out("rest.y4m"));
    let report = report(&format!("play {url} --out {pictures} --json"));
    assert_eq!(report["rendering"]["frames"], 48);
    assert!(report["rendering"]["fps"].as_f64().unwrap() > 0.0);
    assert_eq!(self::pictures(pictures.as_ref()), 48);
    succeeds(&format!("play {url} --out {video}"));
    let whole = frames(&video);
    assert_eq!(whole.len(), 48);
    // Playback from 1.5 s gives the last 12 frames.
    succeeds(&format!("play {url} --out {rest} --start 1.5"));
    assert!(frames(&rest) == whole[36..]);
    let begun = std::time::Instant::now();
    let piped = promptus(&format!("play {url} --out -"));
    assert!(piped.status.success());
    assert_eq!(piped.stdout, fs::read(&video).unwrap());
    // 48 frames at 24 a second: the last is due after 47 / 24 s.
    assert!(begun.elapsed().as_secs_f64() > 47.0 / 24.0);
}

/// Number of PNG files in a folder.
fn pictures(folder: &Path) -> usize {
    let names = names(folder);
    names.iter().filter(|name| name.ends_with(".png")).count()
}

/// The frames of a y4m file.
fn frames(file: &str) -> Vec<Vec<u8>> {
    let bytes = fs::read(file).unwrap();
    let head = bytes.iter().position(|byte| *byte == b'\n').unwrap() + 1;
    let frames = bytes[head..].chunks(6 + 3 * (SIDE * SIDE) as usize);
    frames.map(<[u8]>::to_vec).collect()
}

#[test]
fn frames_of_layers_are_those_of_the_rung() {
    let folder = TempDir::new().unwrap();
    let title = folder.path().join("title");
    publish_synthetic(&title, 5, &[1, 2, 4]);
    let url = format!("{}manifest.mpd", serve(&title));
    let out = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let rungs = [0, 1, 2].map(|rung| {
        let file = out(&format!("{rung}.y4m"));
        succeeds(&format!(
            "play {url} --out {file} --abr fixed --rung {rung}"
        ));
        frames(&file)
    });
    assert!(rungs[0] != rungs[1] && rungs[1] != rungs[2]);
    // Over HTTP with --layers on, and from disk with the default, auto.
    let local = title.display().to_string();
    for (name, args) in [("a.y4m", format!("{url} --layers on")), ("b.y4m", local)] {
        let file = out(name);
        let report = report(&format!("play {args} --out {file} --json"));
        assert_eq!(report["abr"], "layers");
        let segments = report["segments"].as_array().unwrap();
        let added = |segment: usize| {
            let here = segments.iter().filter(|row| row["segment"] == segment);
            here.filter(|row| row["outcome"] == "added").count()
        };
        let shown = frames(&file);
        assert_eq!(shown.len(), 5 * 24);
        for (number, frame) in shown.iter().enumerate() {
            let same = *frame == rungs[added(number / 24)][number];
            assert!(same, "frame {number}");
        }
        assert_eq!(added(4), 2);
    }
    let cases = ["URL --layers on --abr bba0 --no-render => leave out --abr"];
    refuses("play", &[("URL", &url)], &cases);
    let hls = url.replace("manifest.mpd", "master.m3u8");
    let cases = ["URL --layers on --no-render => names no layers"];
    refuses("play", &[("URL", &hls)], &cases);
    for (args, rule) in [("--layers off", "dynamic"), ("--abr bba2", "bba2")] {
        let report = report(&format!("play {url} {args} --no-render --json"));
        assert_eq!(report["abr"], rule);
    }
}

#[test]
fn play_takes_a_title_on_disk() {
    let (folder, title, trace) = workplace();
    for name in ["", "master.m3u8", "manifest.mpd"] {
        let line = format!("play {title}/{name} --no-render --throttle {trace}");
        let report = report(&format!("{line} --multiplier 20 --json"));
        assert_eq!(report["verdict"], "finished");
        assert!(report["title"].as_str().unwrap().starts_with("file:///"));
    }
    let empty = folder.path().to_str().unwrap();
    let (code, text) = failed(&format!("play {empty} --no-render"));
    assert_eq!(code, 2);
    has(&text, "neither manifest.mpd nor");
}

#[test]
fn the_report_contains_measured_generation_times() {
    let folder = TempDir::new().unwrap();
    renderable(folder.path());
    let title = folder.path().display();
    let report = report(&format!("play {title} --out {title}/x.y4m --json"));
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
    let play =
        |title: &Path| succeeds(&format!("play {} --out {}", title.display(), out.display()));
    play(&long);
    fs::write(out.join("notes.txt"), "mine").unwrap();
    fs::write(out.join("frame-1.png"), "mine").unwrap();
    let text = play(&short);
    has(&text, "removed 24 frames of an earlier, longer run");
    assert_eq!(pictures(&out), 24 + 1);
    assert!(out.join("notes.txt").exists());
    assert!(out.join("frame-000023.png").exists() && !out.join("frame-000024.png").exists());
}

#[test]
fn a_closed_pipe_ends_playback_without_an_error() {
    let folder = TempDir::new().unwrap();
    renderable(folder.path());
    let url = format!("{}master.m3u8", serve(folder.path()));
    let mut command = program::promptus(["play", &url, "--out", "-"]);
    let command = command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdout = child.stdout.take().unwrap();
    stdout.read_exact(&mut [0; 20_000]).unwrap();
    drop(stdout);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    // A slow machine may warn of late frames.
    assert!(!said(&output).contains("error"), "{output:?}");
}

#[test]
fn play_without_an_output_shows_how_to_get_pictures() {
    let (_folder, title, _) = workplace();
    let url = format!("{}master.m3u8?a=1&b=2", serve(Path::new(&title)));
    let output = promptus(&format!("play {url} --json"));
    for way in ["clip.mp4 ", "frames/ ", "- | ffplay -"] {
        has(
            &said(&output),
            &format!("promptus play '{url}' --out {way}"),
        );
    }
    assert_eq!(json(&output)["verdict"], "finished");
    let quiet = promptus(&format!("play {url} --no-render"));
    assert!(!said(&quiet).contains("ffplay"));
}

/// Names in `folder`, hidden ones too.
fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.collect();
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
        let line = format!("play {} --out {} --json", title.display(), film.display());
        assert_eq!(report(&line)["rendering"]["frames"], 48);
        let about = Command::new(&probe)
            .args("-v error -count_frames -of csv=p=0 -show_entries".split(' '))
            .arg("stream=codec_name,width,height,pix_fmt,r_frame_rate,nb_read_frames")
            .arg(&film)
            .output()
            .unwrap();
        let about = String::from_utf8_lossy(&about.stdout).into_owned();
        assert_eq!(about.trim(), "h264,32,32,yuv420p,24/1,48", "{name}");
    }
    // No temporary file is left behind.
    assert_eq!(names(&films), ["a.mp4", "b.mkv", "c.MOV"]);
    let webm = films.join("d.webm").display().to_string();
    let cases = ["TITLE --out WEBM => d.webm: expected .mp4, .mov or .mkv"];
    let title = title.display().to_string();
    refuses("play", &[("TITLE", &title), ("WEBM", &webm)], &cases);
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
        let arguments = [
            "play",
            title.to_str().unwrap(),
            "--out",
            film.to_str().unwrap(),
        ];
        let output = program::promptus(arguments)
            .env("PATH", &tools)
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        said(&output)
    };
    has(&play(), "clip.mp4: needs the program ffmpeg");
    // An ffmpeg that fails at once, and one that fails after reading everything.
    for script in ["exit 1", "cat > /dev/null; exit 1"] {
        let program = tools.join("ffmpeg");
        let text = format!("#!/bin/sh\nPATH=/bin:/usr/bin\necho 'no such encoder' >&2\n{script}\n");
        fs::write(&program, text).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        has(&play(), "clip.mp4: ffmpeg: no such encoder");
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
    has(&text, "stdout is a terminal");
    has(&text, "| ffplay -");
}

#[test]
fn a_segment_far_longer_than_its_manifest_is_refused() {
    let folder = TempDir::new().unwrap();
    let title = folder.path().join("title");
    renderable(&title);
    let master = fs::read_to_string(title.join("master.m3u8")).unwrap();
    let media = master.lines().find(|line| line.ends_with("-r4.m3u8"));
    let media = media.unwrap();
    let playlist = fs::read_to_string(title.join(media)).unwrap();
    let short = playlist.replace("#EXTINF:1.000000", "#EXTINF:0.500000");
    assert_ne!(playlist, short);
    fs::write(title.join(media), short).unwrap();
    let title = title.display().to_string();
    let message = "segment 0: holds 24 frames, the manifest's duration allows 19";
    let case = format!("TITLE/master.m3u8 --out TITLE.y4m => {message}");
    refuses("play", &[("TITLE", &title)], &[&case]);
}

#[test]
fn mean_rates_of_traces_are_printed() {
    let (folder, title, trace) = workplace();
    // 4 s of 200, 4 s of 80, and 4 s of 40 kbit/s.
    let line = format!("{trace}: mean 107 kbit/s over 12.0 s");
    for args in [
        format!("simulate {title} --trace {trace}"),
        format!("simulate {title} --trace {trace} --rules bba0,dynamic"),
        format!("play {title} --no-render --throttle {trace} --multiplier 50"),
    ] {
        has(&succeeds(&args), &line);
    }
    let many = folder.path().join("many");
    fs::create_dir(&many).unwrap();
    for k in 1..=5 {
        let trace = format!("0,{k}00\n10,{k}00\n");
        fs::write(many.join(format!("{k}.csv")), trace).unwrap();
    }
    let many = many.display();
    let text = succeeds(&format!("simulate {title} --traces {many} --rules bba0"));
    let all = "5 traces: mean rates 100 / 300 / 500 kbit/s, lengths 20 / 20 / 20 s";
    has(&text, all);
    let iperf = r#"{"intervals": [{"seconds": 1, "bits_per_second": 9e9, "omitted": true},
        {"seconds": 4, "bits_per_second": 90000, "omitted": false}]}"#;
    let file = folder.path().join("iperf.json");
    fs::write(&file, iperf).unwrap();
    let text = succeeds(&format!("simulate {title} --trace {}", file.display()));
    has(&text, "iperf.json: mean 90.0 kbit/s over 4.0 s");
    has(&text, "1 omitted intervals are left out");
}

#[test]
fn a_grid_computes_the_oracle_only_on_request() {
    let (_folder, title, trace) = workplace();
    let run = |more: &str| {
        let output = promptus(&format!("simulate {title} --trace {trace} --json {more}"));
        (json(&output), said(&output))
    };
    let (row, text) = run("--rules bba0");
    assert!(
        row["oracle_qoe_lin"].is_null() && !text.contains("oracle"),
        "{row} {text}"
    );
    for asked in ["--oracle", "--oracle-plans 10"] {
        let (row, text) = run(&format!("--rules bba0 {asked}"));
        assert!(row["oracle_qoe_lin"].is_number(), "{row}");
        has(&text, "gap to oracle");
    }
    assert!(run("").0["qoe"]["oracle_qoe_lin"].is_number());
    assert!(run("--no-oracle").0["qoe"]["oracle_qoe_lin"].is_null());
}

#[test]
fn play_names_the_wrong_argument() {
    let (_folder, title, trace) = workplace();
    let base = serve(Path::new(&title));
    let url = format!("{base}master.m3u8");
    let cases = [
        // The fake title names weights that nobody has.
        "URL --out /tmp/x.y4m => weights of SHA-256 0707",
        "URL --decoder vae --out /tmp/x.y4m => `mini` has no full-size decoder",
        "URL --fetch-weights => --out <FILM|DIR|FILE.y4m|->",
        "URL --decoder own => --out <FILM|DIR|FILE.y4m|->",
        "URL --seek 1:99 => the title lasts 10 s",
        "--no-render => <URL|DIR|FILE>",
        "URL --no-render --out x => cannot be used with",
        "URL --no-render --decoder own => cannot be used with",
        "URL --decoder best --out x => invalid value 'best'",
        "URL --out - --json => both want stdout",
        "URL --no-render --throttle /no/such => /no/such",
        "URL --no-render --throttle TITLE => trace",
        "URL --no-render --multiplier 2 => --throttle <TRACE>",
        "URL --no-render --throttle TRACE --multiplier 0 => above 0",
        "URL --no-render --throttle TRACE --multiplier=-1 => above 0",
        "URL --no-render --throttle TRACE --multiplier NaN => above 0",
        "URL --no-render --seek 5 => such as 10:42.5",
        "URL --no-render --seek 1:-2 => such as 10:42.5",
        "URL --no-render --seek inf:1 => such as 10:42.5",
        "URL --no-render --seek 1:10 => the title lasts 10 s",
        "URL --no-render --cmcd both => possible values: off, query, header",
        "URL --no-render --utility vmaf => vmaf",
        "URL --no-render --utility psnr => psnr",
        "URL --no-render --layers some => invalid value 'some'",
        "URL --no-render --layers on => names no layers",
        "URL --no-render --ca /no/such.pem => /no/such.pem: expected certificates",
        "URL --no-render --ca TRACE => trace.csv: expected certificates",
        "URL --no-render --abr best => unknown ABR rule `best`",
        "URL --no-render --abr fixed --rung 3 => rungs 0 to 2",
        "URL --no-render --rung 1 => --abr fixed only",
        "URL --no-render --buffer=-1 => expected seconds, 0 or more",
        "URL --no-render --buffer inf => expected seconds",
        "URL --no-render --start 10 => the title lasts 10 s",
        "URL --no-render --start=-0.5 => expected seconds",
        "URL --no-render --estimator guess => guess",
        "URL --no-render --seed=-1 => --seed",
        "URL --no-render --ms-per-frame=-1 => 0 to 60000 ms",
        "URL --no-render --ms-per-rung 1 => --ms-per-frame <MS>",
        "URL --no-render --ms-per-frame 1 --frame-rate 0 => 0.1 to 1000",
        "URL --no-render --ms-per-frame 1 --compute-spread 2 => expected 0 to 1",
        "http://127.0.0.1:9/x.mpd --no-render => 127.0.0.1:9/x.mpd: cannot connect",
        "title --no-render => title: expected a title folder",
        "ftp://host/title --no-render => expected http:// or https://",
    ];
    let names = [("URL", &*url), ("TITLE", &title), ("TRACE", &trace)];
    refuses("play", &names, &cases);
}
