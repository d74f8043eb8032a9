//! `promptus weights` as a user runs it.

#![cfg(feature = "cli")]
#![allow(clippy::unwrap_used)]

#[path = "common/program.rs"]
mod program;

use candle_core::{DType, Device, Tensor};
use serde_json::Value;
use std::collections::HashMap;
use std::fs;
use std::path::Path;

/// Exit code, report and human text with these files installed.
fn weights(models: &Path) -> (i32, Value, String) {
    let done = program::promptus(["weights", "--json"])
        .env("PROMPTUS_MODELS", models)
        .env("XDG_DATA_HOME", models.join("none"))
        .output()
        .unwrap();
    let text = program::said(&done);
    let stdout = String::from_utf8(done.stdout).unwrap();
    let report = serde_json::from_str(stdout.lines().last().unwrap()).unwrap();
    (done.status.code().unwrap(), report, text)
}

fn file<'a>(report: &'a Value, name: &str) -> &'a Value {
    let mut files = report["files"].as_array().unwrap().iter();
    files.find(|file| file["file"] == name).unwrap()
}

/// A file with tensors of these names and shapes, all zeros.
fn save(path: &Path, tensors: &[(&str, &[usize])]) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let zeros = |shape: &[usize]| Tensor::zeros(shape, DType::F16, &Device::Cpu).unwrap();
    let tensors: HashMap<String, Tensor> = tensors
        .iter()
        .map(|(name, shape)| ((*name).to_owned(), zeros(shape)))
        .collect();
    candle_core::safetensors::save(&tensors, path).unwrap();
}

const SINGLE: &str = "sd-turbo/sd_turbo.safetensors";

#[test]
fn missing_files_are_listed_with_licence_and_folder() {
    let models = tempfile::tempdir().unwrap();
    let (code, report, text) = weights(models.path());
    assert_eq!(code, 0, "{text}");
    let ready: Vec<_> = report["profiles"].as_array().unwrap().iter().collect();
    assert_eq!(
        (&ready[0]["profile"], &ready[0]["ready"]),
        (&"mini".into(), &true.into())
    );
    assert_eq!(ready[1]["ready"], false);
    let single = file(&report, SINGLE);
    assert_eq!(single["status"], "missing");
    assert_eq!(single["published_sha256"].as_str().unwrap().len(), 64);
    assert!(single["licence"].as_str().unwrap().contains("Stability AI"));
    for expected in [
        "huggingface.co/stabilityai/sd-turbo",
        "MIT",
        "published SHA-256: unknown",
        models.path().to_str().unwrap(),
    ] {
        assert!(text.contains(expected), "{expected} in {text}");
    }
    assert_eq!(file(&report, "generator.safetensors")["status"], "shipped");
}

#[test]
fn wrong_files_are_a_failed_check() {
    let models = tempfile::tempdir().unwrap();
    let single = models.path().join(SINGLE);
    let first = "model.diffusion_model.input_blocks.0.0.weight";
    let to_k = "model.diffusion_model.input_blocks.1.1.transformer_blocks.0.attn2.to_k.weight";
    let wrong = |words: &str| {
        let (code, report, text) = weights(models.path());
        let single = file(&report, SINGLE);
        assert_eq!((code, &single["status"]), (1, &"wrong".into()), "{text}");
        let detail = single["detail"].as_str().unwrap();
        assert!(detail.contains(words), "{detail}");
        assert!(text.contains("error: wrong: sd-turbo/sd_turbo"), "{text}");
    };
    save(&single, &[(first, &[8, 4, 3, 3]), (to_k, &[8, 768])]);
    wrong("holds Stable Diffusion 1");
    save(&single, &[(first, &[8, 4, 3, 3]), (to_k, &[8, 1024])]);
    wrong("published is 3f067a1b");
    fs::write(&single, b"not a checkpoint").unwrap();
    wrong("not a complete safetensors file");
}

#[test]
fn files_without_a_published_hash_are_judged_by_their_tensors() {
    let models = tempfile::tempdir().unwrap();
    let unet = "sd-turbo/unet/diffusion_pytorch_model.safetensors";
    let to_k = "down_blocks.0.attentions.0.transformer_blocks.0.attn2.to_k.weight";
    save(
        &models.path().join(unet),
        &[("conv_in.weight", &[8, 4, 3, 3]), (to_k, &[8, 1024])],
    );
    let decoder = "taesd/taesd_decoder.safetensors";
    save(&models.path().join(decoder), &[("3.conv.4.weight", &[4])]);
    let (code, report, _) = weights(models.path());
    assert_eq!(code, 0);
    let named = "sd-turbo/unet/diffusion_pytorch_model.fp16.safetensors";
    assert_eq!(file(&report, named)["status"], "unknown");
    assert_eq!(file(&report, decoder)["status"], "unknown");
    assert_eq!(file(&report, SINGLE)["status"], "missing");
    assert_eq!(report["profiles"][1]["ready"], true);
}

#[cfg(not(feature = "download"))]
#[test]
fn a_build_without_download_says_so() {
    let models = tempfile::tempdir().unwrap();
    let mut download = program::promptus(["weights", "--download", "sd-turbo"]);
    download.env("PROMPTUS_MODELS", models.path());
    program::refused(&mut download, "--features download");
}
