//! The `promptus` program as a user runs it, and small inputs for it.

#![allow(dead_code, reason = "every test binary uses its own part")]

use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// The program without the weights of this machine, ready to run.
pub(crate) fn promptus<'a>(arguments: impl IntoIterator<Item = &'a str>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_promptus"));
    command
        .args(arguments)
        .stdin(Stdio::null())
        .env_remove("PROMPTUS_MODELS")
        .env("XDG_DATA_HOME", "/nonexistent");
    command
}

/// Runs the program to its end.
pub(crate) fn run(arguments: &[&str]) -> Output {
    promptus(arguments.iter().copied()).output().unwrap()
}

/// What it wrote to stderr.
pub(crate) fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The JSON object on the last line of stdout; the program must have succeeded.
pub(crate) fn json(output: &Output) -> Value {
    assert!(output.status.success(), "{}", said(output));
    let text = String::from_utf8_lossy(&output.stdout);
    serde_json::from_str(text.lines().last().unwrap()).unwrap()
}

/// Fails unless `command` ends with exit code 2 and an error that contains `expected`.
pub(crate) fn refused(command: &mut Command, expected: &str) {
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    assert!(said(&output).contains(expected), "{}", said(&output));
}

/// A path as an argument.
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

/// A video of `count` frames of 48×40 at 8 frames a second: a bar that moves over a slope.
pub(crate) fn y4m(count: u8) -> Vec<u8> {
    let mut file = b"YUV4MPEG2 W48 H40 F8:1 Ip A1:1 C444\n".to_vec();
    for n in 0..count {
        file.extend(b"FRAME\n");
        let pixels = (0..40).flat_map(|y| (0..48_u8).map(move |x| (x, y)));
        file.extend(pixels.map(|(x, y)| if x / 2 == n { 220 } else { 60 + x + y }));
        file.extend([110; 48 * 40]);
        file.extend([140; 48 * 40]);
    }
    file
}

/// [`y4m`] as a file in `folder`.
pub(crate) fn clip(folder: &Path, count: u8) -> PathBuf {
    let path = folder.join("clip.y4m");
    fs::write(&path, y4m(count)).unwrap();
    path
}

/// A short encode of two rungs: segments of a second, a keyframe every four frames, one pass unless
/// `more` says otherwise.
pub(crate) fn encode(input: &Path, out: &str, more: &[&str]) -> Command {
    let fixed = [
        "encode",
        text(input),
        "--out",
        out,
        "--json",
        "--ranks",
        "2,4",
    ];
    let short = ["--segment-seconds", "1", "--interval", "4"];
    let steps: &[&str] = if more.contains(&"--steps") {
        &[]
    } else {
        &["--steps", "1"]
    };
    promptus([&fixed[..], &short, steps, more].concat())
}
