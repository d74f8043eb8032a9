//! `promptus token`: signs the path prefix that opens a title for a limited time.

use super::CliError;
use crate::config::Config;
use serde_json::json;
use std::io::{self, Write};
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

/// Arguments of `promptus token`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Name of the title's folder.
    title: String,
    /// Minutes until the token expires.
    #[arg(long, default_value_t = 240, value_name = "MIN")]
    minutes: u32,
    /// Configuration file with the keys [default: ./config.toml].
    #[arg(long, env = "PROMPTUS_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// Print one JSON object instead of the plain prefix.
    #[arg(long)]
    json: bool,
}

/// Runs `promptus token`.
pub(super) fn run(args: &Args) -> Result<(), CliError> {
    let keys = Config::load(args.config.as_deref())?.serve.token_keys;
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let expiry = now + u64::from(args.minutes) * 60;
    let prefix = keys.sign(&args.title, expiry);
    let prefix = prefix.ok_or_else(|| CliError::input("no token_keys in the configuration"))?;
    let text = if args.json {
        // The prefix goes in front of `/TITLE/…`; the expiry is in seconds since 1970.
        json!({ "prefix": prefix, "title": args.title, "expiry": expiry }).to_string()
    } else {
        prefix
    };
    writeln!(io::stdout(), "{text}")?;
    Ok(())
}
