//! `promptus doctor` as a user runs it.

#![allow(clippy::unwrap_used)]

#[path = "common/program.rs"]
mod program;

#[test]
fn doctor_reports_weights_threads_and_speed() {
    let models = tempfile::tempdir().unwrap();
    let file = models.path().join("taesd/taesd_decoder.safetensors");
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(&file, b"abc").unwrap();
    let output = program::promptus(["doctor", "--json"])
        .env("PROMPTUS_MODELS", models.path())
        .output()
        .unwrap();
    let report = program::json(&output);
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
    let human = program::said(&output);
    assert!(human.contains("generator.safetensors (mini, needed)"));
}
