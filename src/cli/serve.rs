//! `promptus serve`: the origin on a folder of titles or an object store.
//!
//! SIGINT finishes what is under way; SIGTERM does so after a while in which `/readyz` says that it
//! will; SIGHUP reads the configuration again. Under systemd it says when it is ready
//! (`Type=notify`).

use super::notify::notify;
use super::{CliError, json_line};
use crate::config::{Config, LONGEST_S, Listen, Serve};
use crate::model::Generator;
use crate::origin::{Catalogue, Origin, serve, serve_apart};
use bytes::Bytes;
use clap::builder::RangedU64ValueParser;
use serde::Serialize;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::time::Duration;
use tokio::net::TcpListener;

/// Arguments of `promptus serve`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Folder of titles, a title, or URL such as s3://bucket/prefix; without it, the titles shipped
    /// with promptus.
    #[arg(env = "PROMPTUS_ROOT")]
    root: Option<String>,
    /// Where to listen: 8080 for this machine alone, :8080 for all its addresses, or an address or
    /// name with a port; port 0 picks a free one [default: 127.0.0.1:8080].
    #[arg(long, env = "PROMPTUS_LISTEN", value_name = "ADDR")]
    listen: Option<Listen>,
    /// Where to listen for health, metrics and what players report, instead of among the titles.
    #[arg(long, env = "PROMPTUS_ADMIN_LISTEN", value_name = "ADDR")]
    admin_listen: Option<Listen>,
    /// Bytes of memory for what was read of titles and made from them [default: 256 MiB].
    #[arg(long, env = "PROMPTUS_CACHE_BYTES", value_name = "BYTES")]
    cache_bytes: Option<u64>,
    /// Seconds that clients may use a manifest without asking again [default: 10].
    #[arg(long, env = "PROMPTUS_MANIFEST_MAX_AGE_S", value_name = "S", value_parser = seconds(0))]
    manifest_max_age_s: Option<u64>,
    /// Seconds that a request may take until its answer begins [default: 30].
    #[arg(long, env = "PROMPTUS_REQUEST_TIMEOUT_S", value_name = "S", value_parser = seconds(1))]
    request_timeout_s: Option<u64>,
    /// Seconds that a connection may be silent while no answer is being prepared [default: 75].
    #[arg(long, env = "PROMPTUS_IDLE_TIMEOUT_S", value_name = "S", value_parser = seconds(1))]
    idle_timeout_s: Option<u64>,
    /// Seconds that all goes on after SIGTERM while /readyz answers 503 [default: 1].
    #[arg(long, env = "PROMPTUS_DRAIN_DELAY_S", value_name = "S", value_parser = seconds(0))]
    drain_delay_s: Option<u64>,
    /// Seconds that requests in flight get to finish at the end [default: 10].
    #[arg(long, env = "PROMPTUS_DRAIN_TIMEOUT_S", value_name = "S", value_parser = seconds(0))]
    drain_timeout_s: Option<u64>,
    /// Connections served at once [default: 10000].
    #[arg(long, env = "PROMPTUS_MAX_CONNECTIONS", value_name = "N")]
    max_connections: Option<usize>,
    /// Configuration file instead of ./config.toml.
    #[arg(long, env = "PROMPTUS_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// Print where it listens and what it serves as one JSON object on stdout.
    #[arg(long)]
    json: bool,
}

fn seconds(least: u64) -> RangedU64ValueParser {
    RangedU64ValueParser::new().range(least..=LONGEST_S)
}

/// Runs `promptus serve` until SIGINT or SIGTERM.
pub(super) fn run(args: &Args) -> Result<(), CliError> {
    let config = merged(args, Config::load(args.config.as_deref())?.serve);
    let root = match &config.root {
        Some(root) => root.clone(),
        None => shipped()?.display().to_string(),
    };
    let origin = Origin::open(&root, config.settings()?)?;
    let origin = origin.with_weights(vec![Bytes::from_static(Generator::shipped_file())]);
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(listen(origin, &root, &config, args))
}

/// Reads the configuration again; what is wrong with it changes nothing.
fn reload(origin: &Origin, started: &Serve, args: &Args) {
    let apply = || -> Result<Vec<&'static str>, CliError> {
        let config = merged(args, Config::load(args.config.as_deref())?.serve);
        let mut fixed = config.fixed_differences(started);
        fixed.extend(origin.apply(config.settings()?)?);
        Ok(fixed)
    };
    match apply() {
        Ok(fixed) if fixed.is_empty() => eprintln!("configuration read again"),
        Ok(fixed) => eprintln!(
            "configuration read again; only a restart changes {}",
            fixed.join(", ")
        ),
        Err(error) => eprintln!("the configuration stays as it was: {}", error.message()),
    }
}

fn merged(args: &Args, mut config: Serve) -> Serve {
    fn take<T: Clone>(value: &mut T, flag: Option<&T>) {
        if let Some(flag) = flag {
            value.clone_from(flag);
        }
    }
    take(&mut config.listen, args.listen.as_ref());
    take(&mut config.cache_bytes, args.cache_bytes.as_ref());
    take(
        &mut config.manifest_max_age_s,
        args.manifest_max_age_s.as_ref(),
    );
    take(
        &mut config.request_timeout_s,
        args.request_timeout_s.as_ref(),
    );
    take(&mut config.idle_timeout_s, args.idle_timeout_s.as_ref());
    take(&mut config.drain_delay_s, args.drain_delay_s.as_ref());
    take(&mut config.drain_timeout_s, args.drain_timeout_s.as_ref());
    take(&mut config.max_connections, args.max_connections.as_ref());
    config.root = args.root.clone().or(config.root);
    config.admin_listen = args.admin_listen.clone().or(config.admin_listen);
    config
}

/// The titles that came with this program: in its checkout, else in the working directory.
fn shipped() -> Result<PathBuf, CliError> {
    let checkout = Path::new(env!("CARGO_MANIFEST_DIR")).join("manifests");
    let candidates = [checkout, PathBuf::from("manifests")];
    let found = candidates.iter().find(|folder| folder.is_dir()).cloned();
    found.ok_or_else(|| {
        let looked = candidates.map(|folder| folder.display().to_string());
        let looked = looked.join(" or ");
        CliError::input(format!(
            "no titles to serve: no folder {looked}; name one, as in `promptus serve TITLES`"
        ))
    })
}

async fn listen(origin: Origin, root: &str, config: &Serve, args: &Args) -> Result<(), CliError> {
    let listener = bind(&config.listen, "--listen").await?;
    let base = url_of(listener.local_addr()?);
    let stop = interrupted(origin.clone(), Duration::from_secs(config.drain_delay_s));
    let serving: Pin<Box<dyn Future<Output = io::Result<()>>>> = match &config.admin_listen {
        None => Box::pin(serve(listener, origin.clone(), stop)),
        Some(admin) => {
            let admin = bind(admin, "--admin-listen").await?;
            let address = url_of(admin.local_addr()?);
            eprintln!("health, metrics and reports of players at {address}");
            Box::pin(serve_apart(listener, admin, origin.clone(), stop))
        }
    };
    // Titles are served while they are still being listed.
    let announcing = async {
        let catalogue = origin.catalogue().await;
        let catalogue = catalogue.map_err(|error| {
            CliError::input(format!("cannot list {root}: {error}{}", access(root)))
        })?;
        announce(&base, root, &catalogue, args.json)?;
        notify("READY=1");
        std::future::pending::<Result<(), CliError>>().await
    };
    tokio::select! {
        served = serving => served?,
        announced = announcing => return announced,
        () = reloads(&origin, config, args) => {}
    }
    eprintln!("stopped");
    Ok(())
}

async fn bind(place: &Listen, flag: &str) -> Result<TcpListener, CliError> {
    let cannot = |error: io::Error| {
        CliError::input(format!(
            "cannot listen on {place}: {error}; choose another address with {flag}"
        ))
    };
    let addresses = place.addresses().map_err(cannot)?;
    TcpListener::bind(&*addresses).await.map_err(cannot)
}

/// Where a program on this machine finds what listens at an address.
fn url_of(address: SocketAddr) -> String {
    match address.ip().is_unspecified() {
        true => format!("http://localhost:{}/", address.port()),
        false => format!("http://{address}/"),
    }
}

/// Where access to an object store is set.
fn access(root: &str) -> &'static str {
    match root.split_once("://").map_or("", |(scheme, _)| scheme) {
        "s3" | "s3a" => {
            "; access is set by AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION, AWS_ENDPOINT"
        }
        "gs" => "; access is set by GOOGLE_SERVICE_ACCOUNT or GOOGLE_APPLICATION_CREDENTIALS",
        "az" | "adl" | "azure" | "abfs" | "abfss" => {
            "; access is set by AZURE_STORAGE_ACCOUNT_NAME, AZURE_STORAGE_ACCOUNT_KEY"
        }
        _ => "",
    }
}

/// What `--json` prints.
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
        for (kind, path) in [("HLS ", &title.hls), ("DASH", &title.dash)] {
            eprintln!("    {kind}  {base}{path}");
        }
    }
    for problem in &catalogue.problems {
        eprintln!("  {} is not served: {}", problem.name, problem.error);
    }
    if catalogue.titles.is_empty() {
        eprintln!("  no titles yet; they appear when they are published");
    }
    if json {
        let announcement = Announcement {
            url: base,
            root,
            catalogue,
        };
        json_line::print(&announcement)?;
    }
    Ok(())
}

/// Completes at the first SIGINT, or some time after the first SIGTERM; never, if signals cannot be
/// watched.
async fn interrupted(origin: Origin, delay: Duration) {
    let interrupt = async {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    let terminate = async {
        terminated().await;
        notify("STOPPING=1");
        origin.begin_stop();
        tokio::time::sleep(delay).await;
    };
    tokio::select! {
        () = interrupt => notify("STOPPING=1"),
        () = terminate => {}
    }
    eprintln!("finishing what is under way…");
}

#[cfg(unix)]
async fn terminated() {
    use tokio::signal::unix::{SignalKind, signal};
    match signal(SignalKind::terminate()) {
        Ok(mut signal) => {
            signal.recv().await;
        }
        Err(_) => std::future::pending().await,
    }
}

#[cfg(not(unix))]
async fn terminated() {
    std::future::pending().await
}

/// Reads the configuration again at every SIGHUP; never completes.
#[cfg(unix)]
async fn reloads(origin: &Origin, started: &Serve, args: &Args) {
    use tokio::signal::unix::{SignalKind, signal};
    if let Ok(mut signal) = signal(SignalKind::hangup()) {
        while signal.recv().await.is_some() {
            reload(origin, started, args);
        }
    }
    std::future::pending::<()>().await;
}

#[cfg(not(unix))]
async fn reloads(_: &Origin, _: &Serve, _: &Args) {
    std::future::pending().await
}
