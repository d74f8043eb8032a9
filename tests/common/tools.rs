//! Outside programs that tests compare with.

use std::path::PathBuf;

/// The program `name` on PATH, or `None` (after saying so) where it is not installed. With
/// `PROMPTUS_REQUIRE_TOOLS=1` a missing program is a failure.
pub(crate) fn tool(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path)
        .chain([PathBuf::from("/usr/sbin")])
        .map(|folder| folder.join(name))
        .find(|candidate| candidate.is_file());
    let required = std::env::var_os("PROMPTUS_REQUIRE_TOOLS").is_some_and(|value| value == "1");
    assert!(
        found.is_some() || !required,
        "{name} is not on PATH and PROMPTUS_REQUIRE_TOOLS=1"
    );
    if found.is_none() {
        eprintln!("skipped: needs {name}");
    }
    found
}
