//! The reference's own files: read, composed, written back byte for byte; and refusals.
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use promptus::prompt::official::{Device, InitLatent, OfficialFolder};
use promptus::prompt::official::{init_from_bytes, init_to_bytes};
use promptus::prompt::official::{prompt_from_bytes, prompt_to_bytes};
use promptus::prompt::{Affine8, CodingId, CodingParameters, Factors, Quantiser};
use promptus::prompt::{KeyframeDecoder, KeyframeEncoder, ReferencePayload, Shape, Steps};

const SD_TURBO: Shape = Shape::new(77, 1024);

fn folders() -> [PathBuf; 2] {
    let official = common::need_shared().join("promptus-official");
    ["sky", "uvg"].map(|name| official.join(name).join("rank8_interval10"))
}

/// A prompt of our own making, for what must hold without the official files.
fn invented(rank: usize) -> ReferencePayload {
    let levels = |count, stride| (0..count).map(|i| (i * stride % 251) as u8).collect();
    let map = |scale, zero_point| Affine8 { scale, zero_point };
    ReferencePayload {
        shape: SD_TURBO,
        rank,
        u: levels(77 * rank, 7),
        v: levels(1024 * rank, 13),
        u_map: map(0.025, 118.0),
        v_map: map(0.11, 126.0),
    }
}

fn init(height: usize, width: usize) -> InitLatent {
    let values = (0..4 * height * width).map(|i| i as f32);
    InitLatent {
        height,
        width,
        values: values.collect(),
    }
}

/// Parameters for prompts of rank 8.
fn parameters(coding: CodingId, quantiser: Quantiser) -> CodingParameters {
    CodingParameters {
        coding,
        shape: SD_TURBO,
        grid_width: 0,
        components: 8,
        full_rank: 8,
        quantiser,
    }
}

#[test]
#[ignore = "needs ../shared"]
fn every_official_file_comes_back_byte_for_byte() {
    let folders = folders();
    let mut files = 0;
    for folder in folders {
        let out = tempfile::tempdir().unwrap();
        let title = OfficialFolder::read(&folder).unwrap();
        let numbers = (0..=140).step_by(10);
        assert!(title.prompts.keys().copied().eq(numbers));
        title.write(out.path(), Device::Cuda).unwrap();
        for entry in fs::read_dir(&folder).unwrap() {
            let original = entry.unwrap().path();
            let written = out.path().join(original.file_name().unwrap());
            let [before, after] = [&original, &written].map(|path| fs::read(path).unwrap());
            assert_eq!(before, after, "{original:?}");
            files += 1;
        }
        assert_eq!(OfficialFolder::read(out.path()).unwrap(), title);
    }
    assert_eq!(files, 32);
}

#[test]
#[ignore = "needs ../shared"]
fn payloads_are_lossless_and_compose_as_an_independent_computation_does() {
    let folders = folders();
    let mut prompts = 0;
    for folder in folders {
        for (number, prompt) in OfficialFolder::read(&folder).unwrap().prompts {
            let bytes = prompt.to_bytes();
            assert_eq!(bytes.len(), 8 * (77 + 1024) + 16);
            let read = ReferencePayload::from_bytes(SD_TURBO, 8, &bytes);
            assert_eq!(read, Some(prompt));
            let parameters = parameters(CodingId::Reference, Quantiser::REFERENCE);
            let mut decoder = KeyframeDecoder::new(parameters).unwrap();
            let composed = decoder.push(&[&bytes]).unwrap().compose(8);
            let raw = fs::read(folder.join(format!("frame_{number:05}.prompt"))).unwrap();
            let expected = composed_in_double(&raw);
            let most = expected.iter().fold(0.0f64, |most, x| most.max(x.abs()));
            for (got, want) in composed.iter().zip(&expected) {
                assert!((f64::from(*got) - want).abs() <= 1e-6 * most);
            }
            prompts += 1;
        }
    }
    assert_eq!(prompts, 30);
}

/// The levels of a payload less their zero points, as factors of whole numbers.
fn whole_numbers(payload: &ReferencePayload) -> Factors {
    let less = |levels: &[u8], map: Affine8| -> Vec<f32> {
        let whole = |q: &u8| f32::from(*q) - map.zero_point;
        levels.iter().map(whole).collect()
    };
    let u = less(&payload.u, payload.u_map);
    let v = less(&payload.v, payload.v_map);
    Factors::new(payload.shape, payload.rank, u, v).unwrap()
}

#[test]
#[ignore = "needs ../shared"]
fn the_layered_coder_takes_an_eighth_off_official_prompts_without_loss() {
    let folders = folders();
    let parameters = parameters(CodingId::Layered, Quantiser::new(9, 9));
    let (mut raw, mut coded) = (0, 0);
    for folder in folders {
        let mut encoder = KeyframeEncoder::new(parameters, Steps::whole(8)).unwrap();
        let mut decoder = KeyframeDecoder::new(parameters).unwrap();
        for prompt in OfficialFolder::read(&folder).unwrap().prompts.values() {
            let levels = whole_numbers(prompt);
            let (bytes, _) = encoder.push(&levels).unwrap();
            let layers: Vec<&[u8]> = bytes.layers.iter().map(Vec::as_slice).collect();
            assert_eq!(decoder.push(&layers).unwrap(), levels);
            raw += prompt.to_bytes().len();
            // Scales and zero points as they are, and a length before every layer but the last.
            coded += 16 + 2 * 7 + layers.iter().map(|layer| layer.len()).sum::<usize>();
        }
    }
    println!("{raw} bytes raw, {coded} coded");
    assert!(100 * coded <= 88 * raw, "{coded} of {raw} bytes");
}

/// P of an official rank-8 file in double precision, from the file's bytes at the places where
/// every one of these 11,312-byte files has its storages: a second, independent reader.
fn composed_in_double(file: &[u8]) -> Vec<f64> {
    assert_eq!(file.len(), 11_312);
    let scalar = |at: usize| f64::from(f32::from_le_bytes(file[at..at + 4].try_into().unwrap()));
    let places: [usize; 6] = storages(file).try_into().unwrap();
    let [u, v] = [places[0], places[1]];
    let [us, uz, vs, vz] = [2, 3, 4, 5].map(|index| scalar(places[index]));
    let value = |at: usize, scale: f64, zero: f64| scale * (f64::from(file[at]) - zero);
    let entry = |at: usize| {
        let (token, column) = (at / 1024, at % 1024);
        let product = |j| value(u + token * 8 + j, us, uz) * value(v + j * 1024 + column, vs, vz);
        (0..8).map(product).sum::<f64>() / 8f64.sqrt()
    };
    (0..77 * 1024).map(entry).collect()
}

/// Offsets of the data of `data/0`, `data/1`, …: after a local header's name and extra field.
fn storages(file: &[u8]) -> Vec<usize> {
    let word = |at: usize| usize::from(u16::from_le_bytes([file[at], file[at + 1]]));
    let headers = (0..file.len() - 4).filter(|&at| file[at..].starts_with(b"PK\x03\x04"));
    let storages = headers.filter_map(|at| {
        let (name, length, extra) = (at + 30, word(at + 26), word(at + 28));
        let text = String::from_utf8_lossy(&file[name..name + length]);
        text.contains("/data/").then_some(name + length + extra)
    });
    storages.collect()
}

#[test]
fn any_rank_and_device_round_trips() {
    for rank in [1, 8, 255] {
        for device in [Device::Cuda, Device::Cpu] {
            let prompt = invented(rank);
            let bytes = prompt_to_bytes(&prompt, "frame_00007", device);
            assert_eq!(prompt_from_bytes(Path::new("x"), &bytes).unwrap(), prompt);
        }
    }
    let init = init(3, 5);
    let bytes = init_to_bytes(&init, "init", Device::Cpu);
    assert_eq!(init_from_bytes(Path::new("x"), &bytes).unwrap(), init);
}

#[test]
#[ignore = "needs a Python with PyTorch, named by PROMPTUS_PYTHON"]
fn torch_loads_exported_files() {
    let python = std::env::var_os("PROMPTUS_PYTHON").expect("needs PROMPTUS_PYTHON");
    let folder = tempfile::tempdir().unwrap();
    let title = OfficialFolder {
        init: init(64, 64),
        prompts: [(0, invented(8)), (10, invented(100))].into(),
    };
    title.write(folder.path(), Device::Cpu).unwrap();
    let script = "
import sys, torch
from pathlib import Path
for path in sorted(Path(sys.argv[1]).iterdir()):
    value = torch.load(path, weights_only=True)
    if path.suffix == '.prompt':
        print(path.name, [(k, v.dtype, tuple(v.shape), v.double().sum().item()) for k, v in value.items()])
    else:
        print(path.name, value.dtype, tuple(value.shape), value.double().sum().item())
";
    let output = Command::new(python)
        .arg("-c")
        .arg(script)
        .arg(folder.path())
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{error}");
    let sum = |levels: &[u8]| levels.iter().map(|&q| f64::from(q)).sum::<f64>();
    let lines: Vec<&str> = text.lines().collect();
    for (line, rank) in lines.iter().zip([8, 100]) {
        let ReferencePayload { u, v, .. } = invented(rank);
        for expected in [
            format!("('U', torch.uint8, (77, {rank}), {:.1})", sum(&u)),
            format!("('V', torch.uint8, ({rank}, 1024), {:.1})", sum(&v)),
            "('V_zero_point', torch.float32, (), 126.0)".to_owned(),
        ] {
            assert!(line.contains(&expected), "{line}");
        }
    }
    let init = "init.pth torch.float32 (1, 4, 64, 64) 134209536.0";
    assert_eq!(lines[2], init);
}

/// A saved prompt with another pickle in it.
fn with_pickle(pickle: &[u8]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let stored = zip::write::SimpleFileOptions::default();
    let stored = stored.compression_method(zip::CompressionMethod::Stored);
    let mut put = |name: &str, data: &[u8]| {
        zip.start_file(name, stored).unwrap();
        zip.write_all(data).unwrap();
    };
    put("x/data.pkl", pickle);
    put("x/byteorder", b"little");
    put("x/data/0", b"ab");
    put("x/data/1", b"cd");
    for scalar in 2..6 {
        put(&format!("x/data/{scalar}"), &1_f32.to_le_bytes());
    }
    put("x/version", b"3\n");
    zip.finish().unwrap().into_inner()
}

#[test]
fn pickles_that_call_functions_or_make_no_sense_are_refused() {
    for pickle in [
        &b"\x80\x02cposix\nsystem\nq\x00X\x05\x00\x00\x00touchq\x01\x85q\x02R."[..],
        b"\x80\x02}.",
        b"cuda:",
        b"",
    ] {
        let error = refusal(&with_pickle(pickle));
        let text = "x: data.pkl: not what torch.save writes";
        assert!(error.starts_with(text), "{error}");
    }
}

fn refusal(bytes: &[u8]) -> String {
    let read = prompt_from_bytes(Path::new("x"), bytes);
    read.unwrap_err().to_string()
}

#[test]
fn other_contents_are_named() {
    assert!(refusal(b"").starts_with("x: entry ``: "));
    let bytes = init_to_bytes(&init(1, 1), "init", Device::Cpu);
    assert_eq!(refusal(&bytes), "x: data/1: expected an entry of that name");
    let prompt = prompt_to_bytes(&invented(1), "p", Device::Cpu);
    assert!(init_from_bytes(Path::new("x"), &prompt).is_err());
}

#[test]
fn damage_never_panics_and_changes_no_value_unnoticed() {
    let bytes = prompt_to_bytes(&invented(2), "frame_00000", Device::Cuda);
    let name = Path::new("x");
    for length in 0..bytes.len() {
        assert!(prompt_from_bytes(name, &bytes[..length]).is_err());
    }
    let original = prompt_from_bytes(name, &bytes).unwrap();
    for at in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[at] ^= 1 << (at % 8);
        // A flip may hit padding or a redundant field; data that differ would pass no CRC.
        if let Ok(prompt) = prompt_from_bytes(name, &damaged) {
            assert_eq!(prompt, original);
        }
    }
}
