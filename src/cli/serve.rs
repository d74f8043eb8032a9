//! `promptus serve`: the origin on a folder of titles or an object store.
//!
//! SIGINT finishes requests in flight and stops; SIGTERM does so after a delay in which `/readyz`
//! answers 503; SIGHUP reloads the configuration. systemd is notified when it is ready
//! (`Type=notify`).

use super::notify::notify;
use super::{CliError, json_line};
use crate::config::Config;
use crate::model::Generator;
use crate::origin::{Catalogue, LONGEST_S, Listen, Origin, Settings, serve, serve_apart};
use crate::shipped;
use bytes::Bytes;
use clap::builder::RangedU64ValueParser;
use serde::Serialize;
use std::future::pending;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::pin::Pin;
use std::time::Duration;
use tempfile::TempDir;
use tokio::net::TcpListener;
#[cfg(unix)]
use tokio::signal::unix::{SignalKind, signal};

/// The numbers of POSIX.
const SIGHUP: i32 = 1;
const SIGTERM: i32 = 15;

const AFTER_HELP: &str = "\
Pages:
  /              all titles
  /watch/TITLE   plays a title; the original is beside it if the title's folder holds
                 original.mp4, or recipe.json with its photographs
  /_player/      modules of the custom element <promptus-player>, for pages of your own";

/// Arguments of `promptus serve`. Those that are settings have the names of their keys in
/// `config.toml`, and override them.
#[derive(Debug, clap::Args, Serialize)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Args {
    /// Folder of titles, a title, or URL such as s3://bucket/prefix [default: the titles shipped
    /// with promptus].
    #[arg(env = "PROMPTUS_ROOT")]
    root: Option<String>,
    /// Address to listen on: 8080 for this machine only, :8080 for all its addresses, or an address
    /// or name with a port; port 0 picks a free one [default: 127.0.0.1:8080].
    #[arg(long, env = "PROMPTUS_LISTEN", value_name = "ADDR")]
    listen: Option<Listen>,
    /// Separate address for health checks, metrics and players' reports [default: none].
    #[arg(long, env = "PROMPTUS_ADMIN_LISTEN", value_name = "ADDR")]
    admin_listen: Option<Listen>,
    /// Bytes of memory for cached files and rendered manifests [default: 256 MiB].
    #[arg(long, env = "PROMPTUS_CACHE_BYTES", value_name = "BYTES", value_parser = RangedU64ValueParser::<u64>::new().range(..=i64::MAX as u64))]
    cache_bytes: Option<u64>,
    /// Seconds that clients may use a manifest without revalidation [default: 10].
    #[arg(long, env = "PROMPTUS_MANIFEST_MAX_AGE_S", value_name = "S", value_parser = seconds(0))]
    manifest_max_age_s: Option<u64>,
    /// Seconds until a response must begin [default: 30].
    #[arg(long, env = "PROMPTUS_REQUEST_TIMEOUT_S", value_name = "S", value_parser = seconds(1))]
    request_timeout_s: Option<u64>,
    /// Seconds that a connection may transfer nothing while no response is being prepared [default:
    /// 75].
    #[arg(long, env = "PROMPTUS_IDLE_TIMEOUT_S", value_name = "S", value_parser = seconds(1))]
    idle_timeout_s: Option<u64>,
    /// Seconds after SIGTERM until connections are refused; /readyz answers 503 meanwhile [default:
    /// 1].
    #[arg(long, env = "PROMPTUS_DRAIN_DELAY_S", value_name = "S", value_parser = seconds(0))]
    drain_delay_s: Option<u64>,
    /// Seconds that requests in flight get to finish at shutdown [default: 10].
    #[arg(long, env = "PROMPTUS_DRAIN_TIMEOUT_S", value_name = "S", value_parser = seconds(0))]
    drain_timeout_s: Option<u64>,
    /// Connections served at the same time [default: 10000].
    #[arg(long, env = "PROMPTUS_MAX_CONNECTIONS", value_name = "N")]
    max_connections: Option<usize>,
    /// Configuration file [default: ./config.toml, if it exists].
    #[arg(long, env = "PROMPTUS_CONFIG", value_name = "FILE")]
    #[serde(skip)]
    config: Option<PathBuf>,
    /// Print the address and the titles as one JSON object on stdout.
    #[arg(long)]
    #[serde(skip)]
    json: bool,
}

fn seconds(least: u64) -> RangedU64ValueParser {
    RangedU64ValueParser::new().range(least..=LONGEST_S)
}

impl Args {
    /// The settings of the configuration file, with the arguments in their place.
    fn settings(&self) -> Result<Settings, CliError> {
        let overrides = toml::Table::try_from(self);
        let overrides = overrides.map_err(|error| CliError::input(error.to_string()))?;
        Ok(Config::load_with(self.config.as_deref(), overrides)?.serve)
    }
}

/// Runs `promptus serve` until SIGINT or SIGTERM.
pub(super) fn run(args: &Args) -> Result<(), CliError> {
    let settings = args.settings()?;
    // The folder lives as long as this handle.
    let shipped = settings.root.is_none().then(shipped::titles).transpose()?;
    let folder = |titles: &TempDir| titles.path().display().to_string();
    let root = settings.root.clone().or(shipped.as_ref().map(folder));
    let root = root.unwrap_or_default();
    let origin = Origin::open(&root, settings.clone())?;
    let origin = origin.with_weights(vec![Bytes::from_static(Generator::shipped_file())]);
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(listen(origin, &root, &settings, args))
}

/// Reads the configuration again; an error changes nothing.
fn reload(origin: &Origin, args: &Args) {
    let settings = args.settings();
    match settings.and_then(|settings| Ok(origin.apply(settings)?)) {
        Ok(fixed) if fixed.is_empty() => eprintln!("configuration reloaded"),
        Ok(fixed) => eprintln!(
            "configuration reloaded; only a restart changes {}",
            fixed.join(", ")
        ),
        Err(error) => eprintln!("the configuration is unchanged: {}", error.message()),
    }
}

async fn listen(
    origin: Origin,
    root: &str,
    settings: &Settings,
    args: &Args,
) -> Result<(), CliError> {
    let listener = bind(&settings.listen, "--listen").await?;
    let base = url_of(listener.local_addr()?);
    let stop = interrupted(origin.clone(), settings.drain_delay);
    let serving: Pin<Box<dyn Future<Output = io::Result<()>>>> = match &settings.admin_listen {
        None => Box::pin(serve(listener, origin.clone(), stop)),
        Some(admin) => {
            let admin = bind(admin, "--admin-listen").await?;
            let address = url_of(admin.local_addr()?);
            eprintln!("health checks, metrics and players' reports at {address}");
            Box::pin(serve_apart(listener, admin, origin.clone(), stop))
        }
    };
    // Titles are served before the first catalogue is complete.
    let announcing = async {
        let catalogue = origin.catalogue().await;
        let catalogue = catalogue.map_err(|error| {
            CliError::input(format!("cannot list {root}: {error}{}", access(root)))
        })?;
        announce(&base, root, &catalogue, args.json)?;
        notify("READY=1");
        pending::<Result<(), CliError>>().await
    };
    let reload = || {
        reload(&origin, args);
        false
    };
    tokio::select! {
        served = serving => served?,
        announced = announcing => return announced,
        () = signalled(SIGHUP, reload) => {}
    }
    eprintln!("stopped");
    Ok(())
}

async fn bind(place: &Listen, flag: &str) -> Result<TcpListener, CliError> {
    let cannot = |error: io::Error| {
        let advice = format!("choose another address with {flag}");
        CliError::input(format!("cannot listen on {place}: {error}; {advice}"))
    };
    let addresses = place.addresses().map_err(cannot)?;
    TcpListener::bind(&*addresses).await.map_err(cannot)
}

/// The URL of a listener for programs on this machine.
fn url_of(address: SocketAddr) -> String {
    if address.ip().is_unspecified() {
        format!("http://localhost:{}/", address.port())
    } else {
        format!("http://{address}/")
    }
}

/// The environment variables that configure access to an object store.
fn access(root: &str) -> String {
    let variables = match root.split_once("://").map_or("", |(scheme, _)| scheme) {
        "s3" | "s3a" => "AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION, AWS_ENDPOINT",
        "gs" => "GOOGLE_SERVICE_ACCOUNT or GOOGLE_APPLICATION_CREDENTIALS",
        "az" | "adl" | "azure" | "abfs" | "abfss" => {
            "AZURE_STORAGE_ACCOUNT_NAME, AZURE_STORAGE_ACCOUNT_KEY"
        }
        _ => return String::new(),
    };
    format!("; access is configured by {variables}")
}

/// The output of `--json`.
#[derive(Serialize)]
struct Announcement<'a> {
    url: &'a str,
    root: &'a str,
    #[serde(flatten)]
    catalogue: &'a Catalogue,
}

fn announce(base: &str, root: &str, catalogue: &Catalogue, json: bool) -> Result<(), CliError> {
    eprintln!("serving {root} at {base}");
    for title in &catalogue.titles {
        eprintln!("  {}", title.name);
        let watch = format!("watch/{}", title.hls.split('/').next().unwrap_or_default());
        let places = [
            ("watch", &watch),
            ("HLS", &title.hls),
            ("DASH", &title.dash),
        ];
        for (kind, path) in places {
            eprintln!("    {kind:5}  {base}{path}");
        }
    }
    for problem in &catalogue.problems {
        eprintln!("  {} is not served: {}", problem.name, problem.error);
    }
    if catalogue.titles.is_empty() {
        eprintln!("  no titles yet; they appear when they are published");
    }
    if json {
        let url = base;
        json_line::print(&Announcement {
            url,
            root,
            catalogue,
        })?;
    }
    Ok(())
}

/// Completes at the first SIGINT, or after the delay at the first SIGTERM; never where signals
/// cannot be handled.
async fn interrupted(origin: Origin, delay: Duration) {
    let interrupt = async {
        if tokio::signal::ctrl_c().await.is_err() {
            pending::<()>().await;
        }
        notify("STOPPING=1");
    };
    let terminate = async {
        signalled(SIGTERM, || true).await;
        notify("STOPPING=1");
        origin.begin_stop();
        tokio::time::sleep(delay).await;
    };
    tokio::select! {
        () = interrupt => {}
        () = terminate => {}
    }
    eprintln!("finishing requests in flight…");
}

/// Calls `act` at every signal of this number until it returns true; never completes where signals
/// cannot be handled.
#[cfg_attr(not(unix), allow(unused))]
async fn signalled(number: i32, mut act: impl FnMut() -> bool) {
    #[cfg(unix)]
    if let Ok(mut signals) = signal(SignalKind::from_raw(number)) {
        while signals.recv().await.is_some() {
            if act() {
                return;
            }
        }
    }
    pending::<()>().await;
}
