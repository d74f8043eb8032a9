//! What the black-box tests share.
//!
//! # Tests that need more than a checkout
//!
//! A test that needs outside data or a program carries `#[ignore = "needs …"]`, so that `cargo test`
//! counts it as ignored, never as passed; `cargo test -- --ignored` runs these, and there a missing
//! need is a failure: [`need_shared`] and `tools::need` say what is missing.

#![allow(dead_code, reason = "every test binary uses its own part")]

use std::path::PathBuf;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared")
}

/// The folder `../shared` beside the checkout, for tests that are ignored without it.
pub(crate) fn need_shared() -> PathBuf {
    let folder = folder();
    assert!(folder.is_dir(), "needs {}", folder.display());
    folder
}

/// The folder `../shared`, or `None` (after saying so) on a plain clone, for a part of a test. With
/// `PROMPTUS_REQUIRE_SHARED=1` a missing folder is a failure.
pub(crate) fn shared() -> Option<PathBuf> {
    let required = std::env::var_os("PROMPTUS_REQUIRE_SHARED").is_some_and(|value| value == "1");
    if required {
        return Some(need_shared());
    }
    let found = Some(folder()).filter(|folder| folder.is_dir());
    if found.is_none() {
        eprintln!("skipped: needs ../shared");
    }
    found
}
