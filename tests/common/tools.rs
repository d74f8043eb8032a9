//! Outside programs that tests compare with.

#![allow(dead_code, reason = "every test binary uses its own part")]

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

fn find(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain([PathBuf::from("/usr/sbin")]);
    let mut candidates = folders.map(|folder| folder.join(name));
    candidates.find(|candidate| candidate.is_file())
}

/// The program `name` on PATH, for tests that are ignored without it (see `common`).
pub(crate) fn need(name: &str) -> PathBuf {
    let found = find(name);
    assert!(found.is_some(), "needs {name} on PATH");
    found.unwrap()
}

/// The program `name` on PATH, or `None` (after saying so) where it is not installed, for a part of
/// a test. With `PROMPTUS_REQUIRE_TOOLS=1` a missing program is a failure.
pub(crate) fn tool(name: &str) -> Option<PathBuf> {
    if std::env::var_os("PROMPTUS_REQUIRE_TOOLS").is_some_and(|value| value == "1") {
        return Some(need(name));
    }
    let found = find(name);
    if found.is_none() {
        eprintln!("skipped: needs {name}");
    }
    found
}

/// Runs ffmpeg with these words, where `IN` is the next of `inputs`; returns `output`, or `None`
/// where ffmpeg is not installed.
pub(crate) fn ffmpeg(words: &str, inputs: &[&Path], output: &Path) -> Option<PathBuf> {
    let mut command = Command::new(tool("ffmpeg")?);
    command.args(["-v", "error", "-y"]);
    let mut inputs = inputs.iter();
    for word in words.split_whitespace() {
        match word {
            "IN" => command.arg(inputs.next().unwrap()),
            _ => command.arg(word),
        };
    }
    assert!(command.arg(output).status().unwrap().success(), "{words}");
    Some(output.to_owned())
}

/// Fails unless `text` contains every part.
#[track_caller]
pub(crate) fn has(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "`{part}` is missing in: {text}");
    }
}

/// The standard output of `command`, which must succeed.
pub(crate) fn output(command: &mut Command) -> Vec<u8> {
    let done = command.stdin(Stdio::null()).output().unwrap();
    let error = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{command:?}: {error}");
    done.stdout
}

/// Entries of the streams of `file` as ffprobe sees them, comma-separated, one stream a line.
pub(crate) fn probe(file: &Path, entries: &str) -> String {
    let mut ffprobe = Command::new(need("ffprobe"));
    ffprobe.args("-v error -count_packets -of csv=p=0 -show_entries".split(' '));
    let streams = output(ffprobe.arg(format!("stream={entries}")).arg(file));
    String::from_utf8(streams).unwrap().trim().to_owned()
}
