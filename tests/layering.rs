//! Who may import whom: every `crate::` path in `src/` against one table of allowed edges.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::{Path, PathBuf};

/// A module and the modules that it may name, beside itself.
const ALLOWED: &[(&str, &[&str])] = &[
    ("time", &[]),
    ("frame", &[]),
    ("claim", &[]),
    ("flow", &["frame"]),
    ("prompt", &[]),
    ("segment", &["time", "prompt"]),
    ("manifest", &["time", "segment"]),
    ("model", &["frame", "prompt", "segment"]),
    ("quality", &["frame", "model"]),
    ("source", &["frame", "time"]),
    (
        "package",
        &["time", "frame", "claim", "prompt", "segment", "manifest"],
    ),
    (
        "encode",
        &[
            "frame", "flow", "time", "prompt", "segment", "model", "quality", "source",
        ],
    ),
    ("render", &["frame", "flow", "prompt", "segment", "model"]),
    ("sink", &["claim", "frame", "time", "source"]),
    ("network", &[]),
    ("player", &["time", "manifest"]),
    (
        "playback",
        &[
            "frame", "time", "manifest", "segment", "package", "model", "render", "sink",
            "network", "player", "report",
        ],
    ),
    (
        "simulate",
        &["time", "manifest", "segment", "network", "player", "report"],
    ),
    ("report", &["time", "player"]),
    ("origin", &["time", "manifest", "segment"]),
    ("config", &["player", "origin"]),
];

#[test]
fn imports_point_one_way() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut wrong = Vec::new();
    for file in rust_files(&root) {
        let relative = file.strip_prefix(&root).unwrap();
        let Some((module, allowed)) = rule_of(relative) else {
            continue;
        };
        for target in imports(&fs::read_to_string(&file).unwrap()) {
            let own = module.split("::").next() == Some(target.as_str());
            if !own && !allowed.contains(&target.as_str()) {
                wrong.push(format!(
                    "src/{}: {module} may not import {target}",
                    relative.display()
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_module_has_a_rule() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for entry in fs::read_dir(&root).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let name = name.trim_end_matches(".rs");
        let top = ["lib", "main", "cli", "docs"].contains(&name);
        assert!(
            top || ALLOWED.iter().any(|(module, _)| *module == name),
            "no rule for {name}"
        );
    }
}

#[test]
fn no_source_file_outgrows_its_idea() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for file in rust_files(&root) {
        let text = fs::read_to_string(&file).unwrap();
        let lines = text.lines().count();
        assert!(
            lines <= 800,
            "{} has {lines} lines; 800 is the limit",
            file.display()
        );
        assert!(
            text.starts_with("//!"),
            "{} does not say what it is for",
            file.display()
        );
    }
}

fn rule_of(relative: &Path) -> Option<(&'static str, &'static [&'static str])> {
    let path = relative
        .to_str()?
        .trim_end_matches(".rs")
        .replace('/', "::");
    ALLOWED
        .iter()
        .filter(|(module, _)| path == *module || path.starts_with(&format!("{module}::")))
        .max_by_key(|(module, _)| module.len())
        .copied()
}

/// The first path segment after every `crate::` outside comments.
fn imports(text: &str) -> Vec<String> {
    let code = text
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"));
    code.flat_map(|line| line.split("crate::").skip(1))
        .flat_map(|rest| match rest.strip_prefix('{') {
            Some(group) => group.split(',').map(first_word).collect::<Vec<_>>(),
            None => vec![first_word(rest)],
        })
        .filter(|word| !word.is_empty())
        .collect()
}

fn first_word(text: &str) -> String {
    let text = text.trim_start();
    text.chars()
        .take_while(|c| c.is_alphanumeric() || *c == '_')
        .collect()
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|e| e == "rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}
