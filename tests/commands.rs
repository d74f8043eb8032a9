//! `src/docs/commands.md` holds the long help of every command.
//!
//! `PROMPTUS_UPDATE_DOCS=1 cargo test --release --test commands` writes the page anew.

#![allow(clippy::unwrap_used)]

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;
use std::{env, fs};

const PAGE: &str = "src/docs/commands.md";

#[test]
fn the_reference_says_what_the_help_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(PAGE);
    let page = fs::read_to_string(&path).unwrap();
    let (intro, _) = page.split_once("\n## ").unwrap();
    let mut expected = format!("{}\n", intro.trim_end());
    for command in commands() {
        let help = help(&[&command, "--help"]);
        write!(expected, "\n## {command}\n\n```text\n{help}\n```\n").unwrap();
    }
    if env::var_os("PROMPTUS_UPDATE_DOCS").is_some() {
        fs::write(&path, &expected).unwrap();
    }
    let first = page.lines().zip(expected.lines()).find(|(a, b)| a != b);
    assert!(
        page == expected || env::var_os("PROMPTUS_UPDATE_DOCS").is_some(),
        "{PAGE} is out of date, first at {first:?}: run with PROMPTUS_UPDATE_DOCS=1"
    );
}

fn commands() -> Vec<String> {
    let help = help(&["--help"]);
    let list = help.split("Commands:\n").nth(1).unwrap();
    let lines = list.lines().take_while(|line| !line.is_empty());
    let lines = lines.filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    let names = lines.filter_map(|line| line.split_whitespace().next());
    names
        .filter(|name| *name != "help")
        .map(str::to_owned)
        .collect()
}

fn help(arguments: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_promptus"));
    let output = command
        .args(arguments)
        .env("COLUMNS", "100")
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    lines.join("\n").trim_end().to_owned()
}
