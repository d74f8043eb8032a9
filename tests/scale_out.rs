//! An encode divided into shards, killed and run again: the title is always the same.

#![allow(clippy::unwrap_used)]

#[path = "common/program.rs"]
mod program;
#[path = "common/tools.rs"]
mod tools;

use program::{clip, ends, files, promptus, report, text};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;
use tools::has;

/// A short encode: segments of 8, 8 and 4 frames.
fn encode(input: &Path, out: &Path, more: &[&str]) -> Command {
    program::encode(input, text(out), more)
}

fn publish(from: &Path, out: &Path, more: &[&str]) -> Command {
    let place = ["--from", text(from), "--out", text(out)];
    promptus([&["publish", "-y", "--json"], &place[..], more].concat())
}

#[test]
fn shares_that_are_killed_and_run_again_make_the_title_of_one_run() {
    let folder = tempfile::tempdir().unwrap();
    let input = clip(folder.path(), 20);
    let [whole, parts, joined] = ["whole", "parts", "joined"].map(|name| folder.path().join(name));
    report(&mut encode(&input, &whole, &["--layers"]));

    let nowhere = folder.path().join("nowhere");
    ends(&mut publish(&nowhere, &joined, &[]), 2);
    let share = |shard: &str| report(&mut encode(&input, &parts, &["--shard", shard]));
    for millis in [40, 150, 300, 450] {
        let mut share = encode(&input, &parts, &["--shard", "0/2"]);
        share.stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = share.spawn().unwrap();
        std::thread::sleep(Duration::from_millis(millis));
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let first = share("0/2");
    assert_eq!((&first["segments"], &first["own"]), (&3.into(), &2.into()));
    let again = share("0/2");
    assert_eq!((&again["kept"], &again["passes"]), (&2.into(), &0.into()));

    let error = ends(&mut publish(&parts, &joined, &[]), 1);
    has(&error, &["1 of 3 segments are missing"]);
    assert!(error.trim_end().ends_with(": 1"), "{error}");
    assert!(!joined.exists());

    // Another division of the same work finds what the first one did.
    let rest = share("1/3");
    assert_eq!((&rest["own"], &rest["kept"]), (&1.into(), &0.into()));
    let title = report(&mut publish(&parts, &joined, &["--layers"]));
    assert_eq!(
        (&title["frames"], &title["segments"]),
        (&20.into(), &3.into())
    );
    assert_eq!(files(&joined), files(&whole));
    assert_eq!(title["layers"][0]["id"], "mini-l2-r4");

    // Shards of several settings in one place: `--plan` selects.
    let more = ["--shard", "0/3", "--no-measure", "--seed", "7"];
    report(&mut encode(&input, &parts, &more));
    let error = ends(&mut publish(&parts, &joined, &[]), 2);
    has(&error, &["choose with --plan", "3 segments"]);
    let plan = first["plan"].as_str().unwrap();
    report(&mut publish(&parts, &joined, &["--plan", plan, "--layers"]));
    assert_eq!(files(&joined), files(&whole));
    damaged_shares_are_named(&parts, &joined, plan);
}

/// Cut short, of another segment, of other settings, or no zip at all.
fn damaged_shares_are_named(parts: &Path, out: &Path, plan: &str) {
    let listed = fs::read_to_string(parts.join(plan)).unwrap();
    let name = |path: &PathBuf| path.file_name().unwrap().to_str().unwrap().to_owned();
    let all = fs::read_dir(parts).unwrap().map(|e| e.unwrap().path());
    let zips = all.filter(|path| path.extension().is_some_and(|e| e == "zip"));
    let (mut own, foreign): (Vec<PathBuf>, Vec<_>) =
        zips.partition(|path| listed.contains(&name(path)));
    own.sort();
    let whole = fs::read(&own[1]).unwrap();
    let read = |path: &PathBuf| fs::read(path).unwrap();
    let mut flipped = whole.clone();
    flipped[whole.len() / 2] ^= 1;
    for (bytes, expected) in [
        (whole[..whole.len() / 2].to_vec(), ""),
        (b"no zip".to_vec(), ""),
        (read(&own[2]), "it has 4 frames, the plan says 8"),
        (read(&foreign[0]), "0 rungs are measured, expected 2"),
        (flipped, ""),
    ] {
        fs::write(&own[1], bytes).unwrap();
        let error = ends(&mut publish(parts, out, &["--plan", plan]), 2);
        has(&error, &[&name(&own[1]), expected]);
    }
    fs::write(&own[1], &whole).unwrap();
    report(&mut publish(parts, out, &["--plan", plan]));
}

/// The same command with files limited to `blocks` of 512 bytes, as on a full disk.
fn cramped(blocks: u32, command: &Command) -> Command {
    let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$@\"");
    let mut dash = Command::new("dash");
    dash.args(["-c", &script, "dash"])
        .arg(command.get_program());
    dash.args(command.get_args()).env_remove("PROMPTUS_MODELS");
    dash.env("XDG_DATA_HOME", "/nonexistent");
    dash
}

#[test]
#[ignore = "needs dash"]
fn a_full_disk_is_an_error_and_nothing_is_half_written() {
    let folder = tempfile::tempdir().unwrap();
    let input = clip(folder.path(), 20);
    let [parts, title] = ["parts", "title"].map(|name| folder.path().join(name));
    let mut share = encode(&input, &parts, &["--shard", "0/1", "--no-measure"]);
    let error = ends(&mut cramped(1, &share), 2);
    has(&error, &["00000-", "File too large"]);
    assert!(files(&parts).is_empty());

    report(&mut share);
    let mut publish = publish(&parts, &title, &[]);
    let error = ends(&mut cramped(1, &publish), 2);
    has(&error, &["File too large", text(&title)]);
    assert!(files(&title).is_empty(), "{:?}", files(&title).keys());
    report(&mut publish);
}
