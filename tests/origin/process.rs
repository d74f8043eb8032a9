//! Tests in a process of their own: this very program runs one ignored test, which finds its folder
//! in an environment variable.

use std::path::{Path, PathBuf};
use std::process::{Child, Command};

const FOLDER: &str = "PROMPTUS_TEST_FOLDER";

/// A process that runs the ignored test `name` on `folder`.
pub(crate) fn command(name: &str, folder: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", name, "--ignored", "--nocapture"]);
    command.env(FOLDER, folder);
    command
}

/// The folder of this process, which is one of those. `None` where `--ignored` was given by hand.
pub(crate) fn folder() -> Option<PathBuf> {
    std::env::var_os(FOLDER).map(PathBuf::from)
}

/// Kills the process when the test ends.
pub(crate) struct Killed(pub(crate) Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
