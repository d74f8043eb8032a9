//! An encode divided into shares, killed and run again: the title is always the same.

#![allow(clippy::unwrap_used)]

use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

/// A video of 20 frames of 48×40 at 8 frames a second: segments of 8, 8 and 4 frames.
fn clip(folder: &Path) -> PathBuf {
    let mut file = b"YUV4MPEG2 W48 H40 F8:1 Ip A1:1 C444\n".to_vec();
    for n in 0..20 {
        file.extend(b"FRAME\n");
        let pixels = (0..40).flat_map(|y| (0..48_u8).map(move |x| (x, y)));
        file.extend(pixels.map(|(x, y)| if x / 2 == n { 220 } else { 60 + x + y }));
        file.extend([110; 48 * 40]);
        file.extend([140; 48 * 40]);
    }
    let path = folder.join("clip.y4m");
    fs::write(&path, file).unwrap();
    path
}

fn promptus(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_promptus"));
    command
        .args(arguments)
        .env_remove("PROMPTUS_MODELS")
        .env("XDG_DATA_HOME", "/nonexistent");
    command
}

/// Arguments of a short encode of `input`.
fn encode<'a>(input: &'a Path, out: &'a Path, more: &[&'a str]) -> Vec<&'a str> {
    let (input, out) = (input.to_str().unwrap(), out.to_str().unwrap());
    let fixed = ["encode", input, "--out", out, "--json", "--ranks", "2,4"];
    let short = ["--segment-seconds", "1", "--interval", "4", "--steps", "1"];
    [&fixed[..], &short, more].concat()
}

fn publish(from: &Path, out: &Path, more: &[&str]) -> Output {
    let (from, out) = (from.to_str().unwrap(), out.to_str().unwrap());
    let fixed = ["publish", "-y", "--from", from, "--out", out, "--json"];
    promptus(&[&fixed[..], more].concat()).output().unwrap()
}

fn json(output: &Output) -> Value {
    assert!(output.status.success(), "{}", complaint(output));
    let text = String::from_utf8_lossy(&output.stdout);
    serde_json::from_str(text.lines().last().unwrap()).unwrap()
}

fn complaint(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Every file below `folder`, by relative name, but for what tells the time of publication.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut open = vec![folder.to_owned()];
    while let Some(path) = open.pop() {
        for entry in fs::read_dir(path).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap().to_owned();
                found.insert(name, fs::read(&path).unwrap());
            }
        }
    }
    found.remove(Path::new("published.json"));
    found
}

#[test]
fn shares_that_are_killed_and_run_again_make_the_title_of_one_run() {
    let folder = tempfile::tempdir().unwrap();
    let input = clip(folder.path());
    let [whole, parts, joined] = ["whole", "parts", "joined"].map(|name| folder.path().join(name));
    json(
        &promptus(&encode(&input, &whole, &["--layers"]))
            .output()
            .unwrap(),
    );

    let not_yet = publish(&folder.path().join("nowhere"), &joined, &[]);
    assert_eq!(not_yet.status.code(), Some(2), "{}", complaint(&not_yet));
    let share = |shard: &str| {
        json(
            &promptus(&encode(&input, &parts, &["--shard", shard]))
                .output()
                .unwrap(),
        )
    };
    for millis in [40, 150, 300, 450] {
        let mut child = promptus(&encode(&input, &parts, &["--shard", "0/2"]))
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
    let error = complaint(&lacking);
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
    let other = encode(
        &input,
        &parts,
        &["--shard", "0/3", "--no-measure", "--seed", "7"],
    );
    json(&promptus(&other).output().unwrap());
    let unclear = publish(&parts, &joined, &[]);
    assert_eq!(unclear.status.code(), Some(2));
    let error = complaint(&unclear);
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
        let error = complaint(&output);
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

/// `promptus` with files limited to `blocks` of 512 bytes, as on a full disk.
fn cramped(blocks: u32, arguments: &[&str]) -> Output {
    let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$@\"");
    let mut command = Command::new("dash");
    command.args(["-c", &script, "dash", env!("CARGO_BIN_EXE_promptus")]);
    let command = command.args(arguments).env_remove("PROMPTUS_MODELS");
    command
        .env("XDG_DATA_HOME", "/nonexistent")
        .output()
        .unwrap()
}

#[test]
fn a_full_disk_is_an_error_and_nothing_is_half_written() {
    if Command::new("dash").args(["-c", "true"]).status().is_err() {
        eprintln!("skipped: needs dash");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let input = clip(folder.path());
    let [parts, title] = ["parts", "title"].map(|name| folder.path().join(name));
    let share = encode(&input, &parts, &["--shard", "0/1", "--no-measure"]);
    let full = cramped(1, &share);
    assert_eq!(full.status.code(), Some(2), "{}", complaint(&full));
    let error = complaint(&full);
    assert!(
        error.contains("00000-") && error.contains("File too large"),
        "{error}"
    );
    assert!(files(&parts).is_empty());

    json(&promptus(&share).output().unwrap());
    let (from, out) = (parts.to_str().unwrap(), title.to_str().unwrap());
    let full = cramped(1, &["publish", "-y", "--from", from, "--out", out]);
    assert_eq!(full.status.code(), Some(2));
    let error = complaint(&full);
    assert!(
        error.contains("File too large") && error.contains(out),
        "{error}"
    );
    assert!(files(&title).is_empty(), "{:?}", files(&title).keys());
    json(&publish(&parts, &title, &[]));
}
