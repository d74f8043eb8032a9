//! No command overwrites or removes files, titles or folders of the user without `-y`.

#![allow(clippy::unwrap_used)]

#[path = "common/program.rs"]
mod program;
#[path = "common/tools.rs"]
mod tools;

use program::{clip, ends, files, json, promptus, refused, report, said, text};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tools::has;

/// A short encode that measures nothing; `more` are further options.
fn encode(input: &Path, out: &Path, more: &[&str]) -> Command {
    program::encode(input, text(out), &[&["--no-measure"], more].concat())
}

/// A title of four frames at `folder`/title.
fn small_title(folder: &Path) -> PathBuf {
    let title = folder.join("title");
    report(&mut encode(&clip(folder, 4), &title, &[]));
    title
}

/// A slow encode that has just kept its first segment.
fn under_way(input: &Path, out: &Path) -> Child {
    let mut slow = encode(input, out, &["--steps", "400"]);
    slow.stderr(Stdio::piped()).stdout(Stdio::piped());
    let mut child = slow.spawn().unwrap();
    let work = out.with_extension("work");
    let deadline = Instant::now() + Duration::from_secs(300);
    while !segments(&work) {
        assert!(child.try_wait().unwrap().is_none(), "it ended too soon");
        assert!(Instant::now() < deadline, "no segment within five minutes");
        std::thread::sleep(Duration::from_millis(5));
    }
    child
}

/// Whether `work` holds a finished segment.
fn segments(work: &Path) -> bool {
    let entries = fs::read_dir(work).into_iter().flatten().flatten();
    let mut names = entries.map(|entry| entry.file_name());
    names.any(|name| name.to_string_lossy().ends_with(".zip"))
}

#[test]
fn a_title_is_replaced_only_if_the_user_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let (input, out) = (clip(folder.path(), 4), folder.path().join("title"));
    report(&mut encode(&input, &out, &[]));
    let before = files(&out);
    let mut other = encode(&input, &out, &["--seed", "1"]);
    refused(&mut other, "holds a title; -y");
    assert_eq!(files(&out), before);
    let replaced = encode(&input, &out, &["--step", "2", "-y"]).output();
    let replaced = replaced.unwrap();
    json(&replaced);
    has(&said(&replaced), &["promptus serve"]);
    let master = Path::new("master.m3u8");
    assert_ne!(files(&out)[master], before[master]);
    // Players may still be reading the earlier edition.
    let mut media = before.keys().filter(|name| name.components().count() > 1);
    assert!(media.all(|name| out.join(name).exists()));
}

#[test]
fn a_destination_that_is_something_else_is_refused_before_anything_is_fitted() {
    let folder = tempfile::tempdir().unwrap();
    let input = clip(folder.path(), 4);
    let at = |name: &str| folder.path().join(name);
    fs::create_dir(at("holiday")).unwrap();
    fs::write(at("holiday/poster.jpg"), "mine").unwrap();
    fs::write(at("file"), "mine").unwrap();
    let before = files(folder.path());
    let occupied = "neither empty nor a title (it holds poster.jpg)";
    for (out, expected) in [
        (at("holiday"), occupied),
        (at("file"), "is a file"),
        ("https://host/title".into(), "expected a folder or s3://"),
        (at("file/title"), "file"),
    ] {
        refused(&mut encode(&input, &out, &[]), expected);
        refused(&mut encode(&input, &out, &["-y"]), expected);
    }
    assert_eq!(files(folder.path()), before);
    // The same for the other commands that publish.
    let (holiday, shares) = (at("holiday"), at("shares"));
    report(&mut encode(&input, &shares, &["--shard", "0/1"]));
    let words = ["publish", "--from", text(&shares), "--out", text(&holiday)];
    refused(&mut promptus(words), occupied);
    assert_eq!(files(&holiday).len(), 1);
}

#[test]
fn a_folder_of_the_user_is_not_used_as_work_folder() {
    let folder = tempfile::tempdir().unwrap();
    let (input, out) = (clip(folder.path(), 4), folder.path().join("t"));
    let work = folder.path().join("t.work");
    fs::create_dir(&work).unwrap();
    fs::write(work.join("thesis.doc"), "years").unwrap();
    for more in [&[][..], &["--restart"]] {
        refused(&mut encode(&input, &out, more), "t.work: holds thesis.doc");
    }
    assert_eq!(files(&work).len(), 1);
    // In its own work folder an encode removes only its own files.
    fs::remove_file(work.join("thesis.doc")).unwrap();
    let mut child = under_way(&clip(folder.path(), 30), &out);
    fs::write(work.join("notes.txt"), "mine").unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    report(&mut encode(&input, &out, &[]));
    let left: Vec<PathBuf> = files(&work).into_keys().collect();
    assert_eq!(left, [PathBuf::from("notes.txt")]);
}

#[test]
fn two_encodes_to_one_title_do_not_meet_and_an_interrupted_one_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let (input, out) = (clip(folder.path(), 30), folder.path().join("t"));
    let child = under_way(&input, &out);
    let holder = format!("in use by process {} (`", child.id());
    refused(&mut encode(&input, &out, &["--restart"]), &holder);
    let mut kill = Command::new("kill");
    kill.args(["-INT", &child.id().to_string()]);
    assert!(kill.status().unwrap().success());
    let stopped = child.wait_with_output().unwrap();
    assert_eq!(stopped.status.code(), Some(130));
    let kept = ["finished segments are kept in", "--restart"];
    has(&said(&stopped), &kept);
    assert!(segments(&folder.path().join("t.work")) && !out.exists());

    let whole = folder.path().join("whole");
    let slow = ["--steps", "400"];
    let all = report(&mut encode(&input, &whole, &slow));
    let resume = [&slow[..], &["--resume"]].concat();
    let rest = report(&mut encode(&input, &out, &resume));
    let [fewer, passes] = [&rest, &all].map(|report| report["passes"].as_u64());
    assert!(fewer < passes, "{rest} {all}");
    assert_eq!(files(&out), files(&whole));
    assert!(!folder.path().join("t.work").exists());
}

#[test]
fn restart_does_all_of_it_again() {
    let folder = tempfile::tempdir().unwrap();
    let (input, out) = (clip(folder.path(), 30), folder.path().join("t"));
    let mut child = under_way(&input, &out);
    child.kill().unwrap();
    child.wait().unwrap();
    let again = encode(&input, &out, &["--restart"]).output().unwrap();
    let report = json(&again);
    assert_eq!(report["passes"], report["segments"]);
    assert!(!said(&again).contains("continuing"), "{}", said(&again));
}

#[test]
fn frames_and_files_of_the_user_stay() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let title = small_title(folder.path());
    let play = |out: &Path, more: &[&str]| {
        let words = ["play", text(&title), "--json", "--out", text(out)];
        promptus([&words[..], more].concat())
    };
    let pics = at("pics");
    fs::create_dir(&pics).unwrap();
    for name in ["frame-000001.png", "frame-000900.png", "cat.png"] {
        fs::write(pics.join(name), "mine").unwrap();
    }
    refused(&mut play(&pics, &[]), "holds files named like frames; -y");
    assert_eq!(files(&pics).len(), 3);
    report(&mut play(&pics, &["-y"]));
    let now = files(&pics);
    let content = |name: &str| now[Path::new(name)].as_slice();
    assert!(content("frame-000001.png").starts_with(b"\x89PNG"));
    for name in ["frame-000900.png", "cat.png"] {
        assert_eq!(content(name), b"mine");
    }
    refused(&mut play(&pics, &[]), "named like frames");

    // In a folder of its own it replaces frames unasked.
    let own = at("own");
    report(&mut play(&own, &[]));
    let from = fs::read(own.join("frame-000000.png")).unwrap();
    fs::write(own.join("frame-000007.png"), from).unwrap();
    report(&mut play(&own, &[]));
    assert!(!own.join("frame-000007.png").exists());

    let film = at("film.y4m");
    fs::write(&film, "mine").unwrap();
    refused(&mut play(&film, &[]), "film.y4m: exists; -y");
    report(&mut play(&film, &["--overwrite"]));
    assert!(fs::read(&film).unwrap().starts_with(b"YUV4MPEG2"));
}

#[test]
fn results_of_measurements_replace_nothing_unasked() {
    let folder = tempfile::tempdir().unwrap();
    let title = small_title(folder.path());
    let at = |name: &str| folder.path().join(name);
    let (input, trace, page) = (at("clip.y4m"), at("trace.csv"), at("page.html"));
    fs::write(&trace, "time_s,kbps\n0,60\n9,60\n").unwrap();
    let [input, title, trace] = [&input, &title, &trace].map(|path| text(path));
    let eval = ["eval", input, title, "--no-vmaf"];
    let simulate = ["simulate", title, "--trace", trace, "--rules", "bba0"];
    for (command, option) in [
        (&eval[..], "--html"),
        (&eval, "--strip"),
        (&simulate, "--html"),
        (&simulate, "--csv"),
    ] {
        let command = [command, &[option, text(&page)]].concat();
        fs::write(&page, "mine").unwrap();
        refused(&mut promptus(command.clone()), "page.html: exists; -y");
        assert_eq!(fs::read(&page).unwrap(), b"mine");
        ends(&mut promptus([&command[..], &["-y"]].concat()), 0);
        assert_ne!(fs::read(&page).unwrap(), b"mine");
    }
}

/// `promptus package TITLE`, which publishes the title again, or elsewhere.
fn package(title: &Path, more: &[&str]) -> Command {
    promptus([&["package", text(title), "--json"], more].concat())
}

#[test]
fn a_working_publisher_is_left_alone_and_a_killed_ones_files_are_removed() {
    let folder = tempfile::tempdir().unwrap();
    let title = small_title(folder.path());
    let working = title.join(".publish-work");
    fs::create_dir(&working).unwrap();
    fs::write(working.join("diary"), "mine").unwrap();
    refused(&mut package(&title, &[]), "not a publisher's folder");
    assert!(working.join("diary").exists());

    fs::remove_file(working.join("diary")).unwrap();
    let marker = working.join(".promptus");
    let alive = promptus::claim::Claim::take(&marker, "publication").unwrap();
    fs::write(working.join("half"), "a manifest").unwrap();
    let holder = format!("in use by process {}", std::process::id());
    refused(&mut package(&title, &[]), &holder);
    assert!(working.join("half").exists());
    drop(alive);
    report(&mut package(&title, &[]));
    assert!(!working.exists());
}

#[test]
#[ignore = "needs strace and leave to trace"]
fn the_folder_above_a_new_title_is_synced() {
    let root = tempfile::tempdir().unwrap();
    let (title, new) = (small_title(root.path()), root.path().join("a/b"));
    let command = package(&title, &["--out", text(&new)]);
    let mut strace = Command::new("strace");
    strace.args(["-f", "-y", "-e", "trace=fsync"]);
    strace.arg(command.get_program()).args(command.get_args());
    let calls = ends(&mut strace, 0);
    let real = root.path().canonicalize().unwrap();
    for folder in [real.clone(), real.join("a"), real.join("a/b")] {
        has(&calls, &[&format!("<{}>)", folder.display())]);
    }
}
