//! What the black-box tests share: where outside data lies, and what to do when it does not.

use std::path::PathBuf;

/// The folder `../shared` beside the checkout, or `None` (after saying so) on a plain clone.
/// With `PROMPTUS_REQUIRE_SHARED=1` a missing folder is a failure.
pub(crate) fn shared() -> Option<PathBuf> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared");
    if folder.is_dir() {
        return Some(folder);
    }
    let required = std::env::var_os("PROMPTUS_REQUIRE_SHARED").is_some_and(|value| value == "1");
    assert!(
        !required,
        "{} is missing and PROMPTUS_REQUIRE_SHARED=1",
        folder.display()
    );
    eprintln!("skipped: needs ../shared");
    None
}
