//! Official prompts through the command line: in, looked at, and out again, byte for byte.

#![cfg(feature = "cli")]
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;
#[path = "common/program.rs"]
mod program;
#[path = "common/tools.rs"]
mod tools;

use program::{ends, files, report, text};
use promptus::package::Title;
use promptus::prompt::official::{Device, InitLatent, OfficialFolder};
use promptus::prompt::official::{init_to_bytes, prompt_to_bytes, read_prompt};
use promptus::prompt::{Affine8, ReferencePayload, Shape};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;
use tools::has;

fn promptus(arguments: &str, paths: &[&Path]) -> Command {
    let paths = paths.iter().map(|path| text(path));
    program::promptus(arguments.split(' ').chain(paths))
}

/// The error of a command, which must end with exit code 2.
fn refusal(arguments: &str, paths: &[&Path]) -> String {
    ends(&mut promptus(arguments, paths), 2)
}

fn import(from: &Path, title: &Path) -> Value {
    report(&mut promptus("import --json --out", &[title, from]))
}

fn export(title: &Path, to: &Path) -> Value {
    report(&mut promptus("export --json --out", &[to, title]))
}

fn inspect(paths: &[&Path]) -> Value {
    let init: &str = if paths.len() > 1 { " --init" } else { "" };
    report(&mut promptus(&format!("inspect --json{init}"), paths))
}

/// A folder, and the path of an entry in it.
fn work() -> (TempDir, impl Fn(&str) -> PathBuf) {
    let work = tempfile::tempdir().unwrap();
    let path = work.path().to_owned();
    (work, move |name: &str| path.join(name))
}

/// Prompts of our own making, one every ten frames, in the reference's format.
fn invented(folder: &Path, last_frame: u32) {
    let bytes = |count: usize, seed: u32| -> Vec<u8> {
        let bytes = (0..count as u32).map(|i| (i.wrapping_mul(seed + 7) >> 3) as u8);
        bytes.collect()
    };
    let map = |scale| Affine8 {
        scale,
        zero_point: 120.0,
    };
    let prompt = |frame: u32| ReferencePayload {
        shape: Shape::new(77, 1024),
        rank: 2,
        u: bytes(154, frame),
        v: bytes(2048, frame + 1),
        u_map: map(0.02),
        v_map: map(0.1),
    };
    let init = InitLatent {
        height: 8,
        width: 16,
        values: (0..4 * 8 * 16).map(|i| (i as f32).sin()).collect(),
    };
    let prompts = (0..=last_frame).step_by(10);
    let prompts = prompts.map(|frame| (frame, prompt(frame))).collect();
    let official = OfficialFolder { init, prompts };
    official.write(folder, Device::Cuda).unwrap();
}

/// The title of prompts up to frame `last_frame`, in `title` beside its prompts in `in`.
fn imported(last_frame: u32) -> (TempDir, impl Fn(&str) -> PathBuf) {
    let (work, at) = work();
    invented(&at("in"), last_frame);
    import(&at("in"), &at("title"));
    (work, at)
}

#[test]
#[ignore = "needs ../shared"]
fn all_official_prompts_come_back_byte_for_byte() {
    let official = common::need_shared().join("promptus-official");
    for name in ["sky", "uvg"] {
        let official = official.join(name).join("rank8_interval10");
        let (_work, at) = work();
        let report = import(&official, &at("title"));
        let rung = &report["rungs"][0];
        assert_eq!(rung["id"], "sd-turbo-r8");
        assert_eq!(rung["keyframes"], 15);
        // 141 frames at 30 a second: 15 prompts of 8,824 bytes, the start latent, and wrapping.
        let least = (15 * 8824 + 65_536) as f64 * 8.0 / 4.7 / 1000.0;
        let kbps = rung["kbps"].as_f64().unwrap();
        assert!(kbps > least && kbps < least + 2.0, "{kbps}");
        assert_eq!(export(&at("title"), &at("back"))["prompts"], 15);
        assert!(files(&official) == files(&at("back")));
    }
}

#[test]
fn a_chain_of_half_a_minute_comes_back_too() {
    let (_work, at) = work();
    invented(&at("in"), 900);
    assert_eq!(import(&at("in"), &at("title"))["rungs"][0]["segments"], 3);
    export(&at("title"), &at("out"));
    assert!(files(&at("in")) == files(&at("out")));
    let title = Title::open(&at("title")).unwrap();
    let group = &title.presentation().groups[0];
    assert!(!group.independent_segments);
    let segments = group.representations[0].segments.iter();
    assert!(segments.map(|s| s.sap).eq([true, false, false]));
    assert_eq!((group.width, group.height), (128, 64));
}

#[test]
#[ignore = "needs ffprobe"]
fn ffprobe_reads_an_imported_title() {
    let (_work, at) = imported(140);
    let title = Title::open(&at("title")).unwrap();
    let entries = "codec_tag_string,width,height,duration,nb_read_packets";
    let seen = tools::probe(title.rungs()[0].path(), entries);
    assert_eq!(seen, "prm1,128,64,4.700000,15");
}

#[test]
fn inspect_goes_from_the_title_down_to_the_layers() {
    let (_work, at) = imported(450);
    let report = inspect(&[&at("title")]);
    assert_eq!(report["kind"], "title");
    assert_eq!(report["rungs"][0]["keyframes"], 47);
    let opened = Title::open(&at("title")).unwrap();
    let rung = &opened.rungs()[0];
    let file = inspect(&[rung.path()]);
    assert_eq!(file["kind"], "file");
    assert_eq!(file["track"]["codecs"], "prm1.sd-turbo.2");
    let second = &file["segments"][1];
    assert_eq!(second["sap"], false);
    let bytes = &second["samples"][1]["layer_bytes"][0];
    assert_eq!(*bytes, 2 * 1101 + 16);
    let piece = at("2.m4s");
    fs::write(&piece, rung.bytes(1).unwrap()).unwrap();
    let bare = inspect(&[&piece]);
    assert_eq!(bare["kind"], "segment");
    assert_eq!(bare["segments"][0]["frames"], Value::Null);
    let whole = inspect(&[rung.path(), &piece]);
    assert_eq!(whole["segments"][0]["frames"], 221);
    let text = promptus("inspect", &[rung.path()]).output().unwrap();
    assert!(String::from_utf8(text.stdout).unwrap().contains("prmC"));
}

#[test]
fn inspect_names_file_and_place_of_the_damage() {
    let (_work, at) = imported(30);
    let title = Title::open(&at("title")).unwrap();
    let rung = title.rungs()[0].path();
    let whole = fs::read(rung).unwrap();
    let find = |kind: &[u8; 4]| whole.windows(4).position(|w| w == kind).unwrap();
    let (prmc, trun) = (find(b"prmC"), find(b"trun"));
    type Damage<'a> = &'a dyn Fn(&mut Vec<u8>);
    let cases: [(Damage<'_>, &[&str]); 4] = [
        (
            &|bytes| bytes[prmc..prmc + 4].copy_from_slice(b"none"),
            &["moov/trak/mdia/minf/stbl/stsd/prm1 at byte", "no prmC"],
        ),
        (&|bytes| bytes[prmc + 4] = 3, &["format version 3"]),
        (&|bytes| bytes.truncate(bytes.len() - 5), &["cut short"]),
        (&|bytes| bytes[trun + 21] ^= 0x40, &["segment 1 at byte"]),
    ];
    for (damage, expected) in cases {
        let mut bytes = whole.clone();
        damage(&mut bytes);
        fs::write(rung, bytes).unwrap();
        let error = refusal("inspect", &[rung]);
        has(&error, &["sd-turbo-r2.mp4: "]);
        has(&error, expected);
    }
    let missing = Path::new("/nowhere/at/all.mp4");
    has(&refusal("inspect", &[missing]), &["/nowhere/at/all.mp4"]);
}

#[test]
fn import_and_export_refuse_incomplete_folders() {
    let (_work, at) = work();
    invented(&at("in"), 40);
    fs::remove_file(at("in/frame_00020.prompt")).unwrap();
    let error = refusal("import --out", &[&at("title"), &at("in")]);
    has(&error, &["frame_00020.prompt is missing"]);
    assert!(!at("title").exists());
    let error = refusal("export --out", &[&at("out"), &at("title")]);
    has(&error, &["master.m3u8"]);
    fs::create_dir(at("empty")).unwrap();
    for input in ["empty", "absent"] {
        has(
            &refusal("import --out", &[&at("title"), &at(input)]),
            &[input],
        );
    }
}

#[test]
fn numbers_that_are_not_finite_are_refused_by_name() {
    let (_work, at) = work();
    let official = at("in");
    let refused = |file: &str, bytes: Vec<u8>, expected: &[&str]| {
        fs::write(official.join(file), bytes).unwrap();
        let error = refusal("import --out", &[&at("title"), &official]);
        has(&error, &[file]);
        has(&error, expected);
    };
    invented(&official, 20);
    let mut prompt = read_prompt(&official.join("frame_00010.prompt")).unwrap();
    prompt.v_map.scale = f32::NAN;
    let bytes = prompt_to_bytes(&prompt, "frame_00010", Device::Cuda);
    refused("frame_00010.prompt", bytes, &["V_scale", "finite"]);
    invented(&official, 20);
    let mut init = OfficialFolder::read(&official).unwrap().init;
    init.values[5] = f32::INFINITY;
    let bytes = init_to_bytes(&init, "init", Device::Cuda);
    refused("init.pth", bytes, &["finite"]);
    assert!(!at("title").exists());
}

#[test]
fn a_first_frame_takes_the_place_of_a_missing_start_latent_only() {
    let (_work, at) = work();
    let picture = at("first.png");
    let refused = |picture: &Path, expected: &str| {
        let mut command = promptus("import --out", &[&at("title"), &at("in")]);
        command.arg("--first-frame").arg(picture);
        program::refused(&mut command, expected);
    };
    image::RgbImage::new(100, 64).save(&picture).unwrap();
    invented(&at("in"), 20);
    refused(&picture, "init.pth is there");
    fs::remove_file(at("in/init.pth")).unwrap();
    refused(&picture, "100x64, expected sides");
    refused(Path::new("/nowhere.png"), "/nowhere.png");
    image::RgbImage::new(128, 64).save(&picture).unwrap();
    refused(&picture, "sd_turbo.safetensors are not installed");
    assert!(!at("title").exists());
}
