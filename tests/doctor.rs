//! `promptus doctor` as a user runs it.

#![allow(clippy::unwrap_used)]

use std::process::Command;

#[test]
fn doctor_reports_weights_threads_and_speed() {
    let models = tempfile::tempdir().unwrap();
    let file = models.path().join("taesd/taesd_decoder.safetensors");
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(&file, b"abc").unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_promptus"))
        .args(["doctor", "--json"])
        .env("PROMPTUS_MODELS", models.path())
        .output()
        .unwrap();
    assert!(output.status.success());
    let stdout = String::from_utf8(output.stdout).unwrap();
    let report: serde_json::Value = serde_json::from_str(stdout.lines().last().unwrap()).unwrap();
    assert_eq!(report["device"], "cpu");
    assert!(report["threads"].as_u64().unwrap() >= 1);
    assert!(report["generator"]["ms_per_frame"].as_f64().unwrap() > 0.0);
    let files = report["files"].as_array().unwrap();
    let named = |name: &str| files.iter().find(|file| file["file"] == name).unwrap();
    let shipped = named("generator.safetensors");
    assert_eq!(shipped["sha256"].as_str().unwrap().len(), 64);
    let found = named("taesd/taesd_decoder.safetensors");
    assert_eq!(
        (found["status"].as_str(), found["bytes"].as_u64()),
        (Some("wrong"), Some(3))
    );
    let human = String::from_utf8(output.stderr).unwrap();
    assert!(
        human.contains("generator.safetensors (mini, needed)"),
        "{human}"
    );
}
