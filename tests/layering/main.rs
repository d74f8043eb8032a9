//! The structure of `src`: which module may import which, and no circle of files.

#![allow(clippy::unwrap_used)]

mod imports;

use imports::{Imports, Sources, imports, read};
use std::path::Path;

/// A module and, after the colon, the modules that it and all below it may import beside their own.
/// The longest name that fits a file decides; a name with `::` also cuts its folder off from its
/// neighbours.
const ALLOWED: &[&str] = &[
    "time:",
    "frame:",
    "store:",
    "claim:",
    "network:",
    "shipped:",
    "flow: frame",
    "prompt:",
    "segment: time prompt",
    "manifest: time segment",
    "model: frame prompt segment",
    "quality: frame manifest model",
    "source: frame time",
    "package: time frame claim store prompt segment manifest",
    "encode: frame flow time prompt segment model quality source",
    "transcode: frame time segment manifest model prompt quality source encode render package",
    "render: frame flow prompt segment model",
    "sink: claim frame time source",
    "player: time manifest segment",
    "playback: frame time manifest segment package model render sink network player report",
    "simulate: time manifest segment network player report",
    "report: time player",
    "compat: network simulate",
    "evaluate: frame time segment manifest model quality source package render report",
    "speed: time prompt segment model render",
    "inspect: segment prompt package",
    "weights: segment model quality",
    "origin: time manifest segment store",
    "origin::telemetry: origin::percent time manifest segment",
    "origin::titles: origin::error origin::settings origin::percent origin::telemetry time manifest \
     segment",
    "origin::http: origin::error origin::settings origin::titles",
    "origin::server: origin::settings origin::service",
    "config: player origin",
    "web: frame time manifest segment model render player report",
];

/// Modules that tie the others together and may import all of them.
const TOP: &[&str] = &["", "main", "cli"];

#[test]
fn imports_point_downwards() {
    let violations = violations(&imports(&sources()));
    assert!(violations.is_empty(), "{}", violations.join("\n"));
}

#[test]
fn no_files_import_each_other_in_a_circle() {
    let circles = circles(&imports(&sources()));
    assert!(circles.is_empty(), "{}", circles.join("\n"));
}

/// The checks find what they forbid.
#[test]
fn planted_violations_are_found() {
    let planted = |files: &[(&str, &str)]| {
        let files = files.iter();
        let sources: Sources = files.map(|(m, t)| ((*m).into(), (*t).into())).collect();
        imports(&sources)
    };
    let core = ("player", "pub mod session;\npub use session::Session;");
    let driver = ("playback", "pub struct Client;");
    for text in [
        "use crate::playback::Client;",
        "use crate::{player::Session, playback::{self, Client as C}};",
        "use super::super::playback::Client;",
        "fn f() -> crate::playback::Client { todo() }",
    ] {
        let found = violations(&planted(&[core, driver, ("player::session", text)]));
        assert_eq!(found, ["player::session may not import playback"], "{text}");
    }
    let comment =
        "// use crate::playback::Client;\n#[cfg(test)]\nmod tests { use crate::playback::Client; }";
    let found = violations(&planted(&[core, driver, ("player::session", comment)]));
    assert_eq!(found, [""; 0]);
    let circle = planted(&[
        ("flow", "mod a;\nmod b;\npub use a::A;"),
        ("flow::a", "use super::b::B;\npub struct A(B);"),
        ("flow::b", "pub struct B;\nfn f() -> super::A { todo() }"),
    ]);
    assert_eq!(circles(&circle), ["flow::a, flow::b import each other"]);
}

#[test]
fn every_module_has_a_rule() {
    for module in sources().keys() {
        let top = module.split("::").next().unwrap();
        let known = TOP.contains(&top) || rules().any(|(name, _)| name == top);
        assert!(known, "no rule for {module}");
    }
}

#[test]
fn files_stay_small_and_say_what_they_are_for() {
    for (module, text) in sources() {
        let lines = text.lines().count();
        assert!(lines <= 800, "{module} has {lines} lines; 800 is the limit");
        assert!(text.starts_with("//!"), "{module} has no module doc");
    }
}

fn sources() -> Sources {
    read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"))
}

/// Names and allowed imports of [`ALLOWED`].
fn rules() -> impl Iterator<Item = (&'static str, &'static str)> {
    ALLOWED
        .iter()
        .filter_map(|line| line.split_once(": ").or(line.split_once(':')))
}

fn violations(imports: &Imports) -> Vec<String> {
    let mut found = Vec::new();
    for (module, targets) in imports {
        let rules = rules().filter(|(name, _)| within(module, name));
        let Some((own, allowed)) = rules.max_by_key(|(name, _)| name.len()) else {
            continue;
        };
        let foreign = |target: &&String| {
            let mut allowed = allowed.split_whitespace().chain([own]);
            !allowed.any(|name| within(target, name))
        };
        let foreign = targets.iter().filter(foreign);
        found.extend(foreign.map(|target| format!("{module} may not import {target}")));
    }
    found
}

fn within(module: &str, folder: &str) -> bool {
    let rest = module.strip_prefix(folder);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

/// Strongly connected components of more than one module: modules that reach each other.
fn circles(imports: &Imports) -> Vec<String> {
    let reach = |from: &String| {
        let mut seen = std::collections::BTreeSet::new();
        let mut open = vec![from];
        while let Some(module) = open.pop() {
            for next in imports.get(module).into_iter().flatten() {
                if seen.insert(next) {
                    open.push(next);
                }
            }
        }
        seen
    };
    let modules = imports.keys();
    let reached: Vec<_> = modules.map(|module| (module, reach(module))).collect();
    let mut found = Vec::new();
    for (module, reaches) in &reached {
        let circle = reached.iter();
        let circle =
            circle.filter(|(other, back)| reaches.contains(other) && back.contains(module));
        let circle: Vec<&str> = circle.map(|(other, _)| other.as_str()).collect();
        if circle.len() > 1 && circle[0] == module.as_str() {
            found.push(format!("{} import each other", circle.join(", ")));
        }
    }
    found
}
