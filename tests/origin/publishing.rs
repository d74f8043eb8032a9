//! Interrupted publication: a client finds the old title or the new one, complete.
//!
//! The publisher runs in a process of its own.

use crate::programs::{self, Killed};
use crate::rungs;
use crate::site::Server;
use promptus::manifest::dash;
use promptus::package::{Title, TitleContent, TitleFiles, publish};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

/// A title of `segments` segments with layers, like no other of another length.
fn files(segments: u32) -> TitleFiles {
    let frames: Vec<u32> = (24..24 + segments).collect();
    let content = TitleContent {
        layers: true,
        poster: Some(vec![0xff, 0xd8]),
        ..rungs::content(&[1, 2, 4], &frames, 1)
    };
    content.build().unwrap()
}

fn editions() -> [TitleFiles; 2] {
    [files(20), files(31)]
}

/// Publishes and keeps nothing of before.
fn put(folder: &Path, files: &TitleFiles) {
    publish(folder, files, Duration::ZERO).unwrap();
}

/// The publisher: both titles in turn, without end.
#[test]
#[ignore = "runs in a process of its own"]
fn publisher() {
    let Some(folder) = programs::folder() else {
        return;
    };
    for files in editions().iter().cycle() {
        put(&folder, files);
    }
}

fn names(folder: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(folder).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name());
    names.map(|name| name.into_string().unwrap()).collect()
}

/// Whether a publication is in progress, or was broken off.
fn is_working(folder: &Path) -> bool {
    names(folder)
        .iter()
        .any(|name| name.starts_with(".publish-"))
}

/// Fails unless the origin serves one of the titles completely: every byte that its manifests name.
/// True for the second.
async fn is_whole(root: &Path, editions: &[TitleFiles; 2]) -> bool {
    let server = Server::of(root).await;
    let catalogue = server.text("/catalogue.json").await;
    assert!(catalogue.contains("\"problems\":[]"), "{catalogue}");
    let served = server.bytes("/t/master.m3u8").await;
    let told = |files: &&TitleFiles| files.manifests.last().unwrap().bytes == served;
    let found = editions.iter().find(told);
    let found = found.expect("a complete master playlist");
    for file in &found.immutable {
        let path = format!("/t/{}/{}", found.hash, file.name);
        assert!(server.bytes(&path).await == file.bytes, "{path}");
    }
    let mpd = dash::read("m", &server.text("/t/manifest.mpd").await).unwrap();
    let rungs = mpd.groups[0].representations.iter();
    for stream in rungs.chain(mpd.groups[0].layers.iter().map(|layer| &layer.stream)) {
        server.bytes(&format!("/t/{}", stream.url)).await;
    }
    let title = Title::open(&root.join("t")).unwrap();
    for rung in title.rungs() {
        (0..rung.segments().len()).for_each(|index| assert!(rung.coded(index).is_ok()));
    }
    *found == editions[1]
}

/// Five kills, or with `PROMPTUS_LONG=1` fifty.
#[tokio::test]
async fn a_publisher_that_is_killed_leaves_a_whole_title() {
    let long = std::env::var_os("PROMPTUS_LONG").is_some();
    let kills = if long { 50 } else { 5 };
    let root = tempfile::tempdir().unwrap();
    let (folder, editions) = (root.path().join("t"), editions());
    put(&folder, &editions[0]);
    let (mut second, mut broken_off) = (0, 0);
    for kill in 0..kills {
        let mut command = programs::command("publishing::publisher", &folder);
        let publisher = Killed(command.stdout(Stdio::null()).spawn().unwrap());
        while !is_working(&folder) {
            std::thread::yield_now();
        }
        // Random, and different at every run.
        let moment = std::hash::BuildHasher::hash_one(&std::hash::RandomState::new(), kill);
        std::thread::sleep(Duration::from_micros(moment % 500_000));
        drop(publisher);
        broken_off += usize::from(is_working(&folder));
        second += usize::from(is_whole(root.path(), &editions).await);
    }
    println!("{kills} kills, {broken_off} amid a file; the second title was found {second} times");
    for files in [&editions[0], &editions[1], &editions[1]] {
        put(&folder, files);
    }
    let manifests = "manifest.mpd master.m3u8 poster.jpg published.json".split(' ');
    let expected = manifests.chain([&*editions[1].hash]).map(str::to_owned);
    let expected: BTreeSet<String> = expected.collect();
    assert_eq!(names(&folder), expected, "nothing is left over");
}

/// A publisher on a disk that is too small for most titles.
#[test]
#[ignore = "runs in a process of its own"]
fn publisher_on_a_small_disk() {
    let Some(folder) = programs::folder() else {
        return;
    };
    let (folder, small) = (folder.join("t"), files(2));
    let mut full = 0;
    for segments in (20..400).step_by(40) {
        put(&folder, &small);
        let Err(error) = publish(&folder, &files(segments), Duration::ZERO) else {
            continue;
        };
        full += 1;
        assert!(error.to_string().contains("No space left"), "{error}");
        let master = fs::read(folder.join("master.m3u8")).unwrap();
        assert!(master == small.manifests.last().unwrap().bytes);
        assert!(Title::open(&folder).is_ok() && !is_working(&folder));
    }
    assert!(full > 4, "{full} of 10 did not fit");
}

#[test]
fn a_full_disk_leaves_the_title_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let program = programs::command("publishing::publisher_on_a_small_disk", folder.path());
    let script = "mount -t tmpfs -o size=512k tmpfs \"$0\" || exit 77; exec \"$@\"";
    let variables = program.get_envs();
    let ran = Command::new("unshare")
        .args(["-rm", "sh", "-c", script])
        .arg(folder.path())
        .arg(program.get_program())
        .args(program.get_args())
        .envs(variables.filter_map(|(name, value)| Some((name, value?))))
        .output();
    match ran.map(|ran| (ran.status.code(), ran)) {
        Ok((Some(0), _)) => {}
        Ok((Some(101), ran)) => panic!("{}", String::from_utf8_lossy(&ran.stderr)),
        _ => println!("skipped: needs unshare(1) and permission to mount"),
    }
}
