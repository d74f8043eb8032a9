//! The `promptus` program, run as a user runs it, and small inputs for it.

#![allow(dead_code, reason = "every test binary uses its own part")]

use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// The program with these arguments, without the weights and settings of this machine.
pub(crate) fn promptus<'a>(arguments: impl IntoIterator<Item = &'a str>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_promptus"));
    command
        .args(arguments)
        .stdin(Stdio::null())
        .env_remove("PROMPTUS_MODELS")
        .env_remove("PROMPTUS_FFMPEG")
        .env("XDG_DATA_HOME", "/nonexistent");
    command
}

pub(crate) fn run(arguments: &[&str]) -> Output {
    promptus(arguments.iter().copied()).output().unwrap()
}

pub(crate) fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The JSON object on the last line of stdout. Fails unless the exit code is 0.
#[track_caller]
pub(crate) fn json(output: &Output) -> Value {
    assert!(output.status.success(), "{}", said(output));
    let text = String::from_utf8_lossy(&output.stdout);
    serde_json::from_str(text.lines().last().unwrap_or_default()).unwrap()
}

/// The JSON object of a command that must succeed.
#[track_caller]
pub(crate) fn report(command: &mut Command) -> Value {
    json(&command.output().unwrap())
}

/// The standard error of a command, which must end with this exit code.
#[track_caller]
pub(crate) fn ends(command: &mut Command, code: i32) -> String {
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(code), "{}", said(&output));
    said(&output)
}

/// Fails unless `command` ends with exit code 2 and an error that contains `expected`.
#[track_caller]
pub(crate) fn refused(command: &mut Command, expected: &str) {
    let error = ends(command, 2);
    assert!(error.contains(expected), "{error}");
}

pub(crate) fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Every file below `folder`, by relative name, except for the dates of publication.
pub(crate) fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut open = vec![folder.to_owned()];
    while let Some(path) = open.pop() {
        for entry in fs::read_dir(path).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else if !path.ends_with("published.json") {
                let name = path.strip_prefix(folder).unwrap().to_owned();
                found.insert(name, fs::read(&path).unwrap());
            }
        }
    }
    found
}

/// A video at 8 frames a second: a bar of `bar` columns moves over a slope by its width a frame.
pub(crate) fn video((width, height): (usize, usize), bar: usize, count: usize) -> Vec<u8> {
    let mut file = format!("YUV4MPEG2 W{width} H{height} F8:1 Ip A1:1 C444\n").into_bytes();
    for n in 0..count {
        file.extend(b"FRAME\n");
        let level = |x: usize, y: usize| if x / bar == n { 220 } else { 60 + x + y };
        let luma = (0..height).flat_map(|y| (0..width).map(move |x| level(x, y) as u8));
        file.extend(luma);
        file.extend(vec![110; width * height]);
        file.extend(vec![140; width * height]);
    }
    file
}

/// A video of `count` frames of 48×40.
pub(crate) fn y4m(count: usize) -> Vec<u8> {
    video((48, 40), 2, count)
}

/// [`y4m`] as a file in `folder`.
pub(crate) fn clip(folder: &Path, count: usize) -> PathBuf {
    let path = folder.join("clip.y4m");
    fs::write(&path, y4m(count)).unwrap();
    path
}

/// A short encode of two rungs: segments of a second, a keyframe every four frames, one pass unless
/// `more` says otherwise.
pub(crate) fn encode(input: &Path, out: &str, more: &[&str]) -> Command {
    let fixed = ["encode", text(input), "--out", out, "--json"];
    let short = "--ranks 2,4 --segment-seconds 1 --interval 4";
    let mut command = promptus(fixed.into_iter().chain(short.split(' ')));
    if !more.contains(&"--steps") {
        command.args(["--steps", "1"]);
    }
    command.args(more);
    command
}
