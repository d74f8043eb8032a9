//! `promptus package`, and titles in an object store: `encode`, `publish`, `package` and `import` take
//! `s3://…` as they take a folder.

#![cfg(feature = "cli")]
#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "common/bucket.rs"]
mod bucket;
#[path = "common/program.rs"]
mod program;
#[path = "common/title.rs"]
mod title;

use bucket::{Bucket, Object};
use program::{clip, encode, files, promptus, refused, report, text};
use promptus::package::{Title, TitleContent};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

const TITLE: &str = "s3://bucket/films/holiday";

/// A title of two rungs in a new folder, a store, and `promptus package` from one to the other.
fn workplace() -> (tempfile::TempDir, Bucket, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let title = folder.path().join("holiday");
    title::put(&title, &title::two_rungs(1));
    (folder, Bucket::start(), title)
}

fn package(bucket: &Bucket, title: &Path, more: &[&str]) -> Command {
    let fixed = ["package", text(title), "--out", TITLE, "--json"];
    let mut command = promptus([&fixed[..], more].concat());
    bucket.env(&mut command);
    command
}

/// The title's objects by relative name, without the dates of publication.
fn objects(bucket: &Bucket) -> BTreeMap<PathBuf, Object> {
    let mut objects = BTreeMap::new();
    for (key, object) in &bucket.content.lock().unwrap().objects {
        if let Some(name) = key.strip_prefix("films/holiday/")
            && name != "published.json"
        {
            objects.insert(name.into(), object.clone());
        }
    }
    objects
}

/// The content of [`objects`].
fn content(bucket: &Bucket) -> BTreeMap<PathBuf, Vec<u8>> {
    let objects = objects(bucket).into_iter();
    objects.map(|(name, object)| (name, object.bytes)).collect()
}

/// How many objects end in `name`.
fn count(bucket: &Bucket, name: &str) -> usize {
    let objects = objects(bucket);
    objects.keys().filter(|key| key.ends_with(name)).count()
}

#[test]
fn a_title_in_a_store_has_the_files_of_one_in_a_folder_media_first() {
    let (_folder, bucket, title) = workplace();
    let published = report(&mut package(&bucket, &title, &[]));
    assert_eq!(published["title"], TITLE);
    for (name, object) in objects(&bucket) {
        let header = |name: &str| object.headers[name].to_str().unwrap();
        let expected = match name.extension().unwrap().to_str().unwrap() {
            "m3u8" => "application/vnd.apple.mpegurl",
            "mpd" => "application/dash+xml",
            _ => "video/mp4",
        };
        assert_eq!(header("content-type"), expected);
        let immutable = header("cache-control").contains("immutable");
        assert_eq!(immutable, name.components().count() > 1, "{name:?}");
    }
    assert_eq!(content(&bucket), files(&title));
    let puts = bucket.content.lock().unwrap().puts.clone();
    let place = |name: &str| puts.iter().rposition(|key| key.ends_with(name)).unwrap();
    let media = place("mini-r4.mp4").max(place("mini-r2.mp4"));
    assert!(media < place("published.json"), "{puts:?}");
    assert!(place("published.json") < place("manifest.mpd"), "{puts:?}");
    assert_eq!(place("master.m3u8"), puts.len() - 1, "{puts:?}");
}

#[test]
fn a_title_in_a_store_is_replaced_only_if_the_user_says_so() {
    let (_folder, bucket, title) = workplace();
    report(&mut package(&bucket, &title, &[]));
    let before = content(&bucket);
    let mut layered = package(&bucket, &title, &["--layers"]);
    refused(&mut layered, "holds a title; -y");
    assert_eq!(content(&bucket), before);
    let all = report(layered.arg("-y"));
    assert_eq!(all["layers"][0]["id"], "mini-l2-r4");
    // The earlier edition stays for its readers until it is old enough.
    assert_eq!(count(&bucket, "mini-r4.mp4"), 2);
    report(layered.args(["--keep-old", "0"]));
    assert_eq!(count(&bucket, "mini-r4.mp4"), 1);
    // Other files are never replaced.
    let mut content = bucket.content.lock().unwrap();
    content.objects.clear();
    content.put("films/holiday/cat.jpg", b"mine", Duration::ZERO);
    drop(content);
    let mut over = package(&bucket, &title, &["-y"]);
    refused(&mut over, "nor a title (it holds cat.jpg)");
}

#[test]
fn two_publishers_of_one_title_exclude_each_other_until_a_lock_is_stale() {
    let (_folder, bucket, title) = workplace();
    let holder = br#"{"process":7,"host":"elsewhere","command":"promptus publish","since":0}"#;
    let lock = |age| {
        let mut content = bucket.content.lock().unwrap();
        content.put("films/holiday/.publish-lock", holder, age);
    };
    lock(Duration::from_secs(60));
    let expected = "holiday: in use by process 7 on elsewhere (`promptus publish`)";
    refused(&mut package(&bucket, &title, &[]), expected);
    assert_eq!(objects(&bucket).len(), 1);
    lock(Duration::from_secs(3600));
    report(&mut package(&bucket, &title, &[]));
    assert_eq!(content(&bucket), files(&title), "the lock is removed");
}

#[test]
fn a_manifest_that_changes_meanwhile_is_not_overwritten() {
    let (_folder, bucket, title) = workplace();
    let master = "films/holiday/master.m3u8";
    bucket.content.lock().unwrap().meddle = Some(master.to_owned());
    let expected = "master.m3u8: was changed by another program";
    refused(&mut package(&bucket, &title, &[]), expected);
    let content = bucket.content.lock().unwrap();
    assert_eq!(content.objects[master].bytes, b"changed");
    assert!(!content.objects.contains_key("films/holiday/.publish-lock"));
}

#[test]
fn encodes_and_their_shards_go_to_a_store() {
    let folder = tempfile::tempdir().unwrap();
    let (input, bucket) = (clip(folder.path(), 10), Bucket::start());
    let local = folder.path().join("local");
    let quick = ["--steps", "0", "--no-measure"];
    report(&mut encode(&input, text(&local), &quick));

    let mut whole = encode(&input, TITLE, &quick);
    report(bucket.env(whole.current_dir(folder.path())));
    assert_eq!(content(&bucket), files(&local));
    assert!(!folder.path().join("holiday.work").exists());

    let jobs = "s3://bucket/jobs/clip";
    let mut shard = encode(&input, jobs, &[&quick[..], &["--shard", "0/1"]].concat());
    report(bucket.env(&mut shard));
    let mut publish = promptus(["publish", "--from", jobs, "--out", TITLE, "--json", "-y"]);
    report(bucket.env(&mut publish));
    assert_eq!(content(&bucket), files(&local));
    for (place, expected) in [
        ("s3://bucket", "a path after the bucket"),
        ("ftp://host/x", "expected a folder or s3://"),
    ] {
        refused(&mut encode(&input, place, &quick), expected);
    }
}

#[test]
fn the_short_help_of_encode_has_the_common_options_only() {
    let options = |flag: &str| {
        let help = promptus(["encode", flag]).output().unwrap();
        let text = String::from_utf8(help.stdout).unwrap();
        let lines = text.lines().map(str::trim_start);
        let named = lines.filter(|line| line.starts_with('-'));
        named.map(str::to_owned).collect::<Vec<String>>()
    };
    let (short, long) = (options("-h"), options("--help"));
    assert!(short.len() <= 22, "{short:#?}");
    let has = |options: &[String], name: &str| options.iter().any(|line| line.contains(name));
    let common = ["--preset", "--scale"].map(|name| has(&short, name));
    assert_eq!(common, [true; 2], "{short:#?}");
    assert!(!has(&short, "--weight-mse") && has(&long, "--weight-mse"));
}

/// Ids of a title's layers.
fn layers(folder: &Path) -> Vec<String> {
    let title = Title::open(folder).unwrap();
    title.layers().iter().map(|l| l.id().to_owned()).collect()
}

#[test]
fn layers_are_added_and_taken_away() {
    let folder = tempfile::tempdir().unwrap();
    let (plain, layered) = (folder.path().join("plain"), folder.path().join("layered"));
    let content = TitleContent {
        poster: Some(vec![0xff, 0xd8]),
        ..title::content(&[1, 2, 4], &[48, 72], 1)
    };
    let files = title::put(&plain, &content);
    let (from, to) = (text(&plain), text(&layered));

    let words = ["package", from, "--out", to, "--layers", "--json"];
    let told = report(&mut promptus(words));
    let ids = ["mini-l1-r2", "mini-l2-r4"];
    assert_eq!(layers(&layered), ids);
    assert_eq!(told["layers"][0]["id"], ids[0]);
    assert_eq!(told["rungs"].as_array().unwrap().len(), 3);
    assert_ne!(told["hash"], files.hash.as_str());
    assert!(layers(&plain).is_empty(), "the title itself is unchanged");
    let same = Title::open(&layered).unwrap().content().unwrap();
    assert_eq!((same.rungs, same.poster), (content.rungs, content.poster));

    let told = report(&mut promptus(["package", to, "--json"]));
    assert_eq!(told["hash"], files.hash.as_str());
    assert!(told.get("layers").is_none());
    assert!(layers(&layered).is_empty());

    let mut other = promptus(["package", text(folder.path())]);
    refused(&mut other, "master.m3u8");
}
