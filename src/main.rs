//! Exit codes and dispatch; everything else lives in `promptus::cli`.

use std::process::ExitCode;

fn main() -> ExitCode {
    promptus::cli::main()
}
