//! Interrupted publication: a client finds the old title or the new one, complete.
//!
//! The publisher runs in a process of its own.

use crate::process;
use crate::rungs;
use crate::site::Server;
use promptus::manifest::dash;
use promptus::package::{Title, TitleContent, TitleFiles, publish};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// A title of `segments` segments with layers, like no other of another length.
fn files(segments: u32) -> TitleFiles {
    let lengths: Vec<u32> = (24..24 + segments).collect();
    let content = TitleContent {
        layers: true,
        poster: Some(vec![0xff, 0xd8]),
        ..rungs::content(&[1, 2, 4], &lengths, 1)
    };
    content.build().unwrap()
}

fn editions() -> [TitleFiles; 2] {
    [files(20), files(31)]
}

/// The publisher: both titles in turn, without end, nothing kept.
#[test]
#[ignore = "runs in a process of its own"]
fn publisher() {
    let Some(folder) = process::folder() else {
        return;
    };
    for files in editions().iter().cycle() {
        publish(&folder, files, Duration::ZERO).unwrap();
    }
}

/// Its process, once it is publishing.
fn start_publisher(folder: &Path) -> Child {
    let mut command = process::command("publishing::publisher", folder);
    let child = command.stdout(Stdio::null()).spawn().unwrap();
    let working = |name: &str| name.starts_with(".publish-");
    while !names(folder).iter().any(|name| working(name)) {
        std::thread::yield_now();
    }
    child
}

fn names(folder: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(folder).unwrap();
    let name = |entry: std::io::Result<fs::DirEntry>| entry.unwrap().file_name();
    entries
        .map(|entry| name(entry).into_string().unwrap())
        .collect()
}

/// Fails unless the origin serves one of the titles completely: every byte that its manifests name.
/// True for the second.
async fn is_whole(root: &Path, editions: &[TitleFiles; 2]) -> bool {
    let folder = root.join("t");
    let server = Server::of(root).await;
    let catalogue = server.text("/catalogue.json").await;
    assert!(catalogue.contains("\"problems\":[]"), "{catalogue}");
    let served = server.bytes("/t/master.m3u8").await;
    let told = |files: &&TitleFiles| files.manifests.last().unwrap().bytes == served;
    let found = editions
        .iter()
        .find(told)
        .expect("a complete master playlist");
    for file in &found.immutable {
        let bytes = server
            .bytes(&format!("/t/{}/{}", found.hash, file.name))
            .await;
        assert!(bytes == file.bytes, "{}", file.name);
    }
    let mpd = dash::read("m", &server.text("/t/manifest.mpd").await).unwrap();
    let rungs = mpd.groups[0].representations.iter();
    for stream in rungs.chain(mpd.groups[0].layers.iter().map(|layer| &layer.stream)) {
        server.bytes(&format!("/t/{}", stream.url)).await;
    }
    let title = Title::open(&folder).unwrap();
    for rung in title.rungs() {
        (0..rung.segments().len()).for_each(|index| assert!(rung.coded(index).is_ok()));
    }
    *found == editions[1]
}

/// Five kills, or with `PROMPTUS_LONG=1` fifty.
#[tokio::test]
async fn a_publisher_that_is_killed_leaves_a_whole_title() {
    let kills = match std::env::var_os("PROMPTUS_LONG") {
        Some(_) => 50,
        None => 5,
    };
    let root = tempfile::tempdir().unwrap();
    let (folder, editions) = (root.path().join("t"), editions());
    publish(&folder, &editions[0], Duration::ZERO).unwrap();
    let (mut second, mut broken_off) = (0, 0);
    for kill in 0..kills {
        let mut child = start_publisher(&folder);
        // Random, and different at every run.
        let moment = std::hash::BuildHasher::hash_one(&std::hash::RandomState::new(), kill);
        std::thread::sleep(Duration::from_micros(moment % 500_000));
        child.kill().unwrap();
        child.wait().unwrap();
        let hidden = |name: &String| name.starts_with(".publish-");
        broken_off += usize::from(names(&folder).iter().any(hidden));
        second += usize::from(is_whole(root.path(), &editions).await);
    }
    println!("{kills} kills, {broken_off} amid a file; the second title was found {second} times");
    for files in &editions {
        publish(&folder, files, Duration::ZERO).unwrap();
    }
    publish(&folder, &editions[1], Duration::ZERO).unwrap();
    let expected = [
        &editions[1].hash,
        "manifest.mpd",
        "master.m3u8",
        "poster.jpg",
        "published.json",
    ];
    let expected = expected.map(str::to_owned).into();
    assert_eq!(names(&folder), expected, "nothing is left over");
}

/// A publisher on a disk that is too small for most titles.
#[test]
#[ignore = "runs in a process of its own"]
fn publisher_on_a_small_disk() {
    let Some(folder) = process::folder() else {
        return;
    };
    let (folder, small) = (folder.join("t"), files(2));
    let mut full = 0;
    for segments in (20..400).step_by(40) {
        publish(&folder, &small, Duration::ZERO).unwrap();
        let Err(error) = publish(&folder, &files(segments), Duration::ZERO) else {
            continue;
        };
        full += 1;
        assert!(error.to_string().contains("No space left"), "{error}");
        let master = fs::read(folder.join("master.m3u8")).unwrap();
        assert!(master == small.manifests.last().unwrap().bytes);
        assert!(Title::open(&folder).is_ok());
        assert!(
            !names(&folder)
                .iter()
                .any(|name| name.starts_with(".publish-"))
        );
    }
    assert!(full > 4, "{full} of 10 did not fit");
}

#[test]
fn a_full_disk_leaves_the_title_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let program = process::command("publishing::publisher_on_a_small_disk", folder.path());
    let script = "mount -t tmpfs -o size=512k tmpfs \"$0\" || exit 77; exec \"$@\"";
    let ran = Command::new("unshare")
        .args(["-rm", "sh", "-c", script])
        .arg(folder.path())
        .arg(program.get_program())
        .args(program.get_args())
        .envs(
            program
                .get_envs()
                .filter_map(|(name, value)| Some((name, value?))),
        )
        .output();
    match ran.map(|ran| (ran.status.code(), ran)) {
        Ok((Some(0), _)) => {}
        Ok((Some(101), ran)) => panic!("{}", String::from_utf8_lossy(&ran.stderr)),
        _ => println!("skipped: needs unshare(1) and leave to mount"),
    }
}
