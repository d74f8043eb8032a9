//! An encode divided into shards, killed and run again: the title is always the same.

#![allow(clippy::unwrap_used)]

#[path = "common/program.rs"]
mod program;

use program::{clip, files, json, promptus, said, text};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

/// A short encode: segments of 8, 8 and 4 frames.
fn encode(input: &Path, out: &Path, more: &[&str]) -> Command {
    program::encode(input, text(out), more)
}

fn publish(from: &Path, out: &Path, more: &[&str]) -> Output {
    let fixed = [
        "publish",
        "-y",
        "--from",
        text(from),
        "--out",
        text(out),
        "--json",
    ];
    promptus([&fixed[..], more].concat()).output().unwrap()
}

#[test]
fn shares_that_are_killed_and_run_again_make_the_title_of_one_run() {
    let folder = tempfile::tempdir().unwrap();
    let input = clip(folder.path(), 20);
    let [whole, parts, joined] = ["whole", "parts", "joined"].map(|name| folder.path().join(name));
    json(&encode(&input, &whole, &["--layers"]).output().unwrap());

    let not_yet = publish(&folder.path().join("nowhere"), &joined, &[]);
    assert_eq!(not_yet.status.code(), Some(2), "{}", said(&not_yet));
    let share = |shard: &str| {
        let mut encode = encode(&input, &parts, &["--shard", shard]);
        json(&encode.output().unwrap())
    };
    for millis in [40, 150, 300, 450] {
        let mut child = encode(&input, &parts, &["--shard", "0/2"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(millis));
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let first = share("0/2");
    assert_eq!((&first["segments"], &first["own"]), (&3.into(), &2.into()));
    let again = share("0/2");
    assert_eq!((&again["kept"], &again["passes"]), (&2.into(), &0.into()));

    let lacking = publish(&parts, &joined, &[]);
    assert_eq!(lacking.status.code(), Some(1));
    let error = said(&lacking);
    assert!(
        error.contains("1 of 3 segments are missing") && error.trim_end().ends_with(": 1"),
        "{error}"
    );
    assert!(!joined.exists());

    // Another division of the same work finds what the first one did.
    let rest = share("1/3");
    assert_eq!((&rest["own"], &rest["kept"]), (&1.into(), &0.into()));
    let report = json(&publish(&parts, &joined, &["--layers"]));
    assert_eq!(
        (&report["frames"], &report["segments"]),
        (&20.into(), &3.into())
    );
    assert_eq!(files(&joined), files(&whole));
    assert_eq!(report["layers"][0]["id"], "mini-l2-r4");

    // Of other settings in the same place it wants to be told which.
    let more = ["--shard", "0/3", "--no-measure", "--seed", "7"];
    json(&encode(&input, &parts, &more).output().unwrap());
    let unclear = publish(&parts, &joined, &[]);
    assert_eq!(unclear.status.code(), Some(2));
    let error = said(&unclear);
    assert!(
        error.contains("choose with --plan") && error.contains("3 segments"),
        "{error}"
    );
    let plan = first["plan"].as_str().unwrap();
    json(&publish(&parts, &joined, &["--plan", plan, "--layers"]));
    assert_eq!(files(&joined), files(&whole));
    damaged_shares_are_named(&parts, &joined, plan);
}

/// Cut short, of another segment, of other settings, or no zip at all.
fn damaged_shares_are_named(parts: &Path, out: &Path, plan: &str) {
    let names = |other: bool| -> Vec<PathBuf> {
        let text = fs::read_to_string(parts.join(plan)).unwrap();
        let all = fs::read_dir(parts).unwrap().map(|e| e.unwrap().path());
        let mut zips: Vec<PathBuf> = all
            .filter(|p| p.extension().is_some_and(|e| e == "zip"))
            .collect();
        zips.retain(|p| text.contains(p.file_name().unwrap().to_str().unwrap()) != other);
        zips.sort();
        zips
    };
    let (own, foreign) = (names(false), names(true));
    let whole = fs::read(&own[1]).unwrap();
    let refusal = |bytes: &[u8]| {
        fs::write(&own[1], bytes).unwrap();
        let output = publish(parts, out, &["--plan", plan]);
        assert_eq!(output.status.code(), Some(2));
        let error = said(&output);
        assert!(
            error.contains(own[1].file_name().unwrap().to_str().unwrap()),
            "{error}"
        );
        error
    };
    refusal(&whole[..whole.len() / 2]);
    refusal(b"no zip");
    let last = fs::read(&own[2]).unwrap();
    assert!(refusal(&last).contains("it has 4 frames, the plan says 8"));
    let of_others = refusal(&fs::read(&foreign[0]).unwrap());
    assert!(
        of_others.contains("0 rungs are measured, expected 2"),
        "{of_others}"
    );
    let mut flipped = whole.clone();
    let at = whole.len() / 2;
    flipped[at] ^= 1;
    refusal(&flipped);
    fs::write(&own[1], &whole).unwrap();
    json(&publish(parts, out, &["--plan", plan]));
}

/// The same command with files limited to `blocks` of 512 bytes, as on a full disk.
fn cramped(blocks: u32, command: &Command) -> Output {
    let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$@\"");
    let mut dash = Command::new("dash");
    dash.args(["-c", &script, "dash"])
        .arg(command.get_program());
    let dash = dash.args(command.get_args()).env_remove("PROMPTUS_MODELS");
    dash.env("XDG_DATA_HOME", "/nonexistent")
        .output()
        .expect("needs dash")
}

#[test]
#[ignore = "needs dash"]
fn a_full_disk_is_an_error_and_nothing_is_half_written() {
    let folder = tempfile::tempdir().unwrap();
    let input = clip(folder.path(), 20);
    let [parts, title] = ["parts", "title"].map(|name| folder.path().join(name));
    let mut share = encode(&input, &parts, &["--shard", "0/1", "--no-measure"]);
    let full = cramped(1, &share);
    assert_eq!(full.status.code(), Some(2), "{}", said(&full));
    let error = said(&full);
    assert!(
        error.contains("00000-") && error.contains("File too large"),
        "{error}"
    );
    assert!(files(&parts).is_empty());

    json(&share.output().unwrap());
    let (from, out) = (parts.to_str().unwrap(), title.to_str().unwrap());
    let full = cramped(
        1,
        &promptus(["publish", "-y", "--from", from, "--out", out]),
    );
    assert_eq!(full.status.code(), Some(2));
    let error = said(&full);
    assert!(
        error.contains("File too large") && error.contains(out),
        "{error}"
    );
    assert!(files(&title).is_empty(), "{:?}", files(&title).keys());
    json(&publish(&parts, &title, &[]));
}
