//! Official prompts through the command line: in, looked at, and out again, byte for byte.

#![cfg(feature = "cli")]
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;
#[path = "common/program.rs"]
mod program;
#[path = "common/tools.rs"]
mod tools;

use program::text;
use promptus::package::Title;
use promptus::prompt::official::{Device, InitLatent, OfficialFolder};
use promptus::prompt::official::{init_to_bytes, prompt_to_bytes, read_prompt};
use promptus::prompt::{Affine8, ReferencePayload, Shape};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

fn promptus(arguments: &[&str], paths: &[&Path]) -> Output {
    let paths = paths.iter().map(|path| text(path));
    let arguments = arguments.iter().copied().chain(paths);
    program::promptus(arguments).output().unwrap()
}

/// The JSON object of a command that must succeed.
fn json(arguments: &[&str], paths: &[&Path]) -> Value {
    program::json(&promptus(arguments, paths))
}

/// What a command says that must fail with exit code 2.
fn refusal(arguments: &[&str], paths: &[&Path]) -> String {
    let done = promptus(arguments, paths);
    assert_eq!(done.status.code(), Some(2), "{arguments:?} {paths:?}");
    String::from_utf8(done.stderr).unwrap()
}

fn import(from: &Path, title: &Path) -> Value {
    json(&["import", "--json", "--out"], &[title, from])
}

fn export(title: &Path, to: &Path) -> Value {
    json(&["export", "--json", "--out"], &[to, title])
}

fn assert_same_files(a: &Path, b: &Path) {
    let files = fs::read_dir(a).unwrap();
    for path in files.map(|entry| entry.unwrap().path()) {
        let other = b.join(path.file_name().unwrap());
        assert!(
            fs::read(&path).unwrap() == fs::read(other).unwrap(),
            "{}",
            path.display()
        );
    }
    assert_eq!(
        fs::read_dir(a).unwrap().count(),
        fs::read_dir(b).unwrap().count()
    );
}

/// Prompts of our own making, one every ten frames, in the reference's format.
fn invented(folder: &Path, last_frame: u32) {
    let bytes = |count: usize, seed: u32| -> Vec<u8> {
        (0..count as u32)
            .map(|i| (i.wrapping_mul(seed + 7) >> 3) as u8)
            .collect()
    };
    let map = |scale| Affine8 {
        scale,
        zero_point: 120.0,
    };
    let prompt = |frame: u32| ReferencePayload {
        shape: Shape {
            tokens: 77,
            dim: 1024,
        },
        rank: 2,
        u: bytes(154, frame),
        v: bytes(2048, frame + 1),
        u_map: map(0.02),
        v_map: map(0.1),
    };
    let values = (0..4 * 8 * 16).map(|i| (i as f32).sin()).collect();
    let official = OfficialFolder {
        init: InitLatent {
            height: 8,
            width: 16,
            values,
        },
        prompts: (0..=last_frame)
            .step_by(10)
            .map(|frame| (frame, prompt(frame)))
            .collect(),
    };
    official.write(folder, Device::Cuda).unwrap();
}

#[test]
#[ignore = "needs ../shared"]
fn all_official_prompts_come_back_byte_for_byte() {
    let shared = common::need_shared();
    for name in ["sky", "uvg"] {
        let official = shared
            .join("promptus-official")
            .join(name)
            .join("rank8_interval10");
        let work = tempfile::tempdir().unwrap();
        let (title, back) = (work.path().join("title"), work.path().join("back"));
        let report = import(&official, &title);
        let rung = &report["rungs"][0];
        assert_eq!(
            (&rung["id"], &rung["keyframes"]),
            (&"sd-turbo-r8".into(), &15.into())
        );
        // 141 frames at 30 a second: 15 prompts of 8,824 bytes, the start latent, and wrapping.
        let least = (15 * 8824 + 65_536) as f64 * 8.0 / 4.7 / 1000.0;
        let kbps = rung["kbps"].as_f64().unwrap();
        assert!(kbps > least && kbps < least + 2.0, "{kbps}");
        assert_eq!(export(&title, &back)["prompts"], 15);
        assert_same_files(&official, &back);
    }
}

#[test]
fn a_chain_of_half_a_minute_comes_back_too() {
    let work = tempfile::tempdir().unwrap();
    let at = |name: &str| work.path().join(name);
    invented(&at("in"), 900);
    assert_eq!(import(&at("in"), &at("title"))["rungs"][0]["segments"], 3);
    export(&at("title"), &at("out"));
    assert_same_files(&at("in"), &at("out"));
    let title = Title::open(&at("title")).unwrap();
    let group = &title.presentation().groups[0];
    assert!(!group.independent_segments);
    let sap: Vec<bool> = group.representations[0]
        .segments
        .iter()
        .map(|s| s.sap)
        .collect();
    assert_eq!(sap, [true, false, false]);
    assert_eq!((group.width, group.height), (128, 64));
}

#[test]
#[ignore = "needs ffprobe"]
fn ffprobe_reads_an_imported_title() {
    let work = tempfile::tempdir().unwrap();
    let (official, title) = (work.path().join("in"), work.path().join("title"));
    invented(&official, 140);
    import(&official, &title);
    let rung = Title::open(&title).unwrap().rungs()[0].path().to_owned();
    let seen = tools::probe(
        &rung,
        "codec_tag_string,width,height,duration,nb_read_packets",
    );
    assert_eq!(seen, "prm1,128,64,4.700000,15");
}

#[test]
fn inspect_goes_from_the_title_down_to_the_layers() {
    let work = tempfile::tempdir().unwrap();
    let (official, title) = (work.path().join("in"), work.path().join("title"));
    invented(&official, 450);
    import(&official, &title);
    let report = json(&["inspect", "--json"], &[&title]);
    assert_eq!(report["kind"], "title");
    assert_eq!(report["rungs"][0]["keyframes"], 47);
    let opened = Title::open(&title).unwrap();
    let rung = &opened.rungs()[0];
    let file = json(&["inspect", "--json"], &[rung.path()]);
    assert_eq!(
        (&file["kind"], &file["track"]["codecs"]),
        (&"file".into(), &"prm1.sd-turbo.2".into())
    );
    assert_eq!(file["segments"][1]["sap"], false);
    assert_eq!(
        file["segments"][1]["samples"][1]["layer_bytes"][0],
        2 * 1101 + 16
    );
    let piece = work.path().join("2.m4s");
    fs::write(&piece, rung.bytes(1).unwrap()).unwrap();
    let bare = json(&["inspect", "--json"], &[&piece]);
    assert_eq!(
        (&bare["kind"], &bare["segments"][0]["frames"]),
        (&"segment".into(), &Value::Null)
    );
    let whole = json(&["inspect", "--json", "--init"], &[rung.path(), &piece]);
    assert_eq!(whole["segments"][0]["frames"], 221);
    let text = promptus(&["inspect"], &[rung.path()]).stdout;
    assert!(String::from_utf8(text).unwrap().contains("prmC"));
}

/// A small imported title whose one media file has been harmed.
fn harmed(harm: &dyn Fn(&mut Vec<u8>)) -> (tempfile::TempDir, PathBuf) {
    let work = tempfile::tempdir().unwrap();
    let (official, title) = (work.path().join("in"), work.path().join("title"));
    invented(&official, 30);
    import(&official, &title);
    let rung = Title::open(&title).unwrap().rungs()[0].path().to_owned();
    let mut bytes = fs::read(&rung).unwrap();
    harm(&mut bytes);
    fs::write(&rung, bytes).unwrap();
    (work, rung)
}

fn find(bytes: &[u8], kind: &[u8; 4]) -> usize {
    bytes.windows(4).position(|window| window == kind).unwrap()
}

#[test]
fn inspect_names_file_and_place_of_the_damage() {
    let told = |harm: &dyn Fn(&mut Vec<u8>)| {
        let (_work, rung) = harmed(harm);
        let told = refusal(&["inspect"], &[&rung]);
        assert!(told.contains("sd-turbo-r2.mp4: "), "{told}");
        told
    };
    let error = told(&|bytes| {
        let at = find(bytes, b"prmC");
        bytes[at..at + 4].copy_from_slice(b"none");
    });
    assert!(
        error.contains("moov/trak/mdia/minf/stbl/stsd/prm1 at byte"),
        "{error}"
    );
    assert!(error.contains("no prmC"), "{error}");
    let error = told(&|bytes| {
        let at = find(bytes, b"prmC");
        bytes[at + 4] = 3;
    });
    assert!(error.contains("format version 3"), "{error}");
    let error = told(&|bytes| bytes.truncate(bytes.len() - 5));
    assert!(error.contains("cut short"), "{error}");
    let error = told(&|bytes| {
        let at = find(bytes, b"trun");
        bytes[at + 21] ^= 0x40;
    });
    assert!(error.contains("segment 1 at byte"), "{error}");
    let missing = Path::new("/nowhere/at/all.mp4");
    assert!(refusal(&["inspect"], &[missing]).contains("/nowhere/at/all.mp4"));
}

#[test]
fn import_and_export_refuse_incomplete_folders() {
    let work = tempfile::tempdir().unwrap();
    let at = |name: &str| work.path().join(name);
    invented(&at("in"), 40);
    fs::remove_file(at("in").join("frame_00020.prompt")).unwrap();
    let error = refusal(&["import", "--out"], &[&at("title"), &at("in")]);
    assert!(error.contains("frame_00020.prompt is missing"), "{error}");
    assert!(!at("title").exists());
    let error = refusal(&["export", "--out"], &[&at("out"), &at("title")]);
    assert!(error.contains("master.m3u8"), "{error}");
    fs::create_dir(at("empty")).unwrap();
    assert!(refusal(&["import", "--out"], &[&at("title"), &at("empty")]).contains("empty"));
}

#[test]
fn numbers_that_are_not_finite_are_refused_by_name() {
    let work = tempfile::tempdir().unwrap();
    let (official, title) = (work.path().join("in"), work.path().join("title"));
    invented(&official, 20);
    let file = official.join("frame_00010.prompt");
    let mut prompt = read_prompt(&file).unwrap();
    prompt.v_map.scale = f32::NAN;
    let bytes = prompt_to_bytes(&prompt, "frame_00010", Device::Cuda);
    fs::write(&file, bytes).unwrap();
    let error = refusal(&["import", "--out"], &[&title, &official]);
    let named = error.contains("frame_00010.prompt") && error.contains("V_scale");
    assert!(named && error.contains("finite"), "{error}");
    invented(&official, 20);
    let init = OfficialFolder::read(&official).unwrap().init;
    let mut broken = init.clone();
    broken.values[5] = f32::INFINITY;
    let bytes = init_to_bytes(&broken, "init", Device::Cuda);
    fs::write(official.join("init.pth"), bytes).unwrap();
    let error = refusal(&["import", "--out"], &[&title, &official]);
    assert!(error.contains("init.pth"), "{error}");
    assert!(!title.exists());
}

#[test]
fn a_first_frame_takes_the_place_of_a_missing_start_latent_only() {
    let work = tempfile::tempdir().unwrap();
    let at = |name: &str| work.path().join(name);
    let picture = at("first.png");
    image::RgbImage::new(100, 64).save(&picture).unwrap();
    let told = |picture: &Path| {
        let (title, input) = (at("title"), at("in"));
        let fixed = ["import", "--out", text(&title), text(&input)];
        let mut command = program::promptus(fixed);
        command.arg("--first-frame").arg(picture);
        let done = command.output().unwrap();
        assert_eq!(done.status.code(), Some(2));
        program::said(&done)
    };
    invented(&at("in"), 20);
    let error = told(&picture);
    assert!(error.contains("init.pth is there"), "{error}");
    fs::remove_file(at("in/init.pth")).unwrap();
    let error = told(&picture);
    assert!(error.contains("100x64, expected sides"), "{error}");
    assert!(told(Path::new("/nowhere.png")).contains("/nowhere.png"));
    image::RgbImage::new(128, 64).save(&picture).unwrap();
    let error = told(&picture);
    assert!(
        error.contains("sd_turbo.safetensors are not installed"),
        "{error}"
    );
    assert!(!at("title").exists());
}
