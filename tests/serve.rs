//! `promptus serve` under systemd, its reload by SIGHUP, and `promptus token`.

#![cfg(unix)]
#![allow(clippy::unwrap_used)]

#[path = "common/program.rs"]
mod program;
#[path = "common/title.rs"]
mod title;

use serde_json::Value;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// A folder with the title `film` in `titles`, and a configuration file.
fn workplace(config: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let content = title::content(&[4], &[48], 1);
    title::put(&folder.path().join("titles/film"), &content);
    configure(folder.path(), config);
    folder
}

fn configure(folder: &Path, config: &str) {
    fs::write(folder.join("config.toml"), config).unwrap();
}

/// A running server, killed when the test ends.
struct Server {
    child: Child,
    address: String,
    notified: UnixDatagram,
    /// Its standard error.
    said: BufReader<std::process::ChildStderr>,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Server {
    fn start(folder: &Path) -> Self {
        Self::start_with(folder, "titles", &["--listen", "127.0.0.1:0"])
    }

    fn start_with(folder: &Path, root: &str, more: &[&str]) -> Self {
        let socket = folder.join("notify");
        let notified = UnixDatagram::bind(&socket).unwrap();
        notified
            .set_read_timeout(Some(Duration::from_secs(20)))
            .unwrap();
        let mut child = program::promptus(["serve", root, "--config", "config.toml", "--json"])
            .args(more)
            .current_dir(folder)
            .env("NOTIFY_SOCKET", socket)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        out.read_line(&mut line).unwrap();
        let announced: Value = serde_json::from_str(&line).unwrap();
        let url = announced["url"].as_str().unwrap();
        let address = url.trim_start_matches("http://").trim_end_matches('/');
        Self {
            address: address.to_owned(),
            said: BufReader::new(child.stderr.take().unwrap()),
            child,
            notified,
        }
    }

    fn notification(&self) -> String {
        let mut text = [0; 100];
        let length = self.notified.recv(&mut text).unwrap();
        String::from_utf8_lossy(&text[..length]).into_owned()
    }

    fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        let sent = Command::new("kill").args(["-s", name, &id]).status();
        assert!(sent.unwrap().success());
    }

    /// Reads its standard error up to a line with `part`.
    fn says(&mut self, part: &str) -> String {
        let mut line = String::new();
        while !line.contains(part) {
            line.clear();
            assert!(self.said.read_line(&mut line).unwrap() > 0, "{part}");
        }
        line
    }

    /// Waits for its end.
    fn exit_code(&mut self) -> Option<i32> {
        let until = Instant::now() + Duration::from_secs(15);
        while self.child.try_wait().unwrap().is_none() {
            assert!(Instant::now() < until, "it does not end");
            std::thread::sleep(Duration::from_millis(20));
        }
        self.child.wait().unwrap().code()
    }

    /// The status of the response for `path`.
    fn status(&self, path: &str) -> String {
        status(&self.address, path)
    }
}

fn status(address: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer.split(' ').nth(1).unwrap_or_default().to_owned()
}

fn text(output: &[u8]) -> String {
    String::from_utf8_lossy(output).trim_end().to_owned()
}

fn token(folder: &Path, more: &[&str]) -> Output {
    program::promptus(["token", "film", "--config", "config.toml"])
        .args(more)
        .current_dir(folder)
        .output()
        .unwrap()
}

const CLOSED: &str = "[serve]\ntoken_keys = [\"a key of enough bytes\"]\n";

#[test]
fn a_server_notifies_systemd_reloads_and_stops() {
    let folder = workplace("[serve]\nmanifest_max_age_s = 7\n");
    let mut server = Server::start(folder.path());
    assert_eq!(server.notification(), "READY=1");
    assert_eq!(server.status("/film/master.m3u8"), "200");

    configure(folder.path(), CLOSED);
    server.signal("HUP");
    server.says("configuration reloaded");
    assert_eq!(server.status("/film/master.m3u8"), "403");
    let prefix = text(&token(folder.path(), &[]).stdout);
    assert_eq!(server.status(&format!("{prefix}/film/master.m3u8")), "200");
    assert_eq!(server.status(&format!("{prefix}/other/master.m3u8")), "403");

    configure(folder.path(), "[serve]\ntoken_keys = [\"short\"]\n");
    server.signal("HUP");
    let complaint = server.says("is unchanged");
    assert!(complaint.contains("line 2"), "{complaint}");
    assert_eq!(server.status("/film/master.m3u8"), "403");
    assert_eq!(server.status(&format!("{prefix}/film/master.m3u8")), "200");

    let changed =
        "cache_bytes = 1000000\nadmin_listen = 9\nstore_timeout_s = 9\ndrain_delay_s = 9\n";
    configure(folder.path(), &format!("{CLOSED}{changed}"));
    server.signal("HUP");
    let said = server.says("only a restart changes");
    for name in [
        "admin_listen",
        "drain_delay_s",
        "cache_bytes",
        "store_timeout_s",
    ] {
        assert!(said.contains(name), "{said}");
    }

    server.signal("TERM");
    assert_eq!(server.notification(), "STOPPING=1");
    assert_eq!(server.exit_code(), Some(0));
}

#[test]
fn a_token_is_printed_plain_or_as_json() {
    let folder = workplace(CLOSED);
    let bare = text(&token(folder.path(), &[]).stdout);
    assert!(bare.starts_with("/t/") && !bare.ends_with('/'), "{bare}");
    let json = token(folder.path(), &["--json", "--minutes", "1"]);
    let json: Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(json["title"], "film");
    let prefix = json["prefix"].as_str().unwrap();
    let expiry = json["expiry"].as_u64().unwrap();
    assert!(prefix.starts_with(&format!("/t/{expiry}.")), "{prefix}");

    configure(folder.path(), "[serve]\n");
    let refused = token(folder.path(), &[]);
    assert_eq!(refused.status.code(), Some(2));
    let complaint = text(&refused.stderr);
    assert!(complaint.contains("no token_keys"), "{complaint}");
    assert!(refused.stdout.is_empty());
}

#[test]
fn readiness_ends_before_connections_are_refused() {
    let folder = workplace("[serve]\ndrain_delay_s = 2\n");
    let mut server = Server::start(folder.path());
    assert_eq!(server.status("/readyz"), "200");
    server.signal("TERM");
    server.notification();
    assert_eq!(server.notification(), "STOPPING=1");
    // The notification goes out before the state is set.
    std::thread::sleep(Duration::from_millis(200));
    assert_eq!(server.status("/readyz"), "503");
    assert_eq!(server.status("/film/master.m3u8"), "200");
    assert_eq!(server.exit_code(), Some(0));
}

#[test]
fn all_notations_of_an_address_are_listened_on() {
    let folder = workplace("");
    for (place, host) in [
        ("0", "127.0.0.1"),
        (":0", "localhost"),
        ("localhost:0", "127.0.0.1"),
    ] {
        let mut server = Server::start_with(folder.path(), "titles/film", &["--listen", place]);
        let (found, port) = server.address.rsplit_once(':').unwrap();
        assert!([host, "[::1]"].contains(&found), "{place}: {found}");
        assert_eq!(server.status("/film/master.m3u8"), "200", "{place}");
        let other = format!("127.0.0.1:{port}");
        if host == "localhost" {
            assert_eq!(status(&other, "/film/master.m3u8"), "200");
        }
        server.signal("INT");
        server.says("stopped");
        fs::remove_file(folder.path().join("notify")).unwrap();
    }
    let more = ["--listen", "0", "--admin-listen", "0"];
    let mut server = Server::start_with(folder.path(), "titles", &more);
    let said = server.says("health checks, metrics");
    let admin = said
        .rsplit("http://")
        .next()
        .unwrap()
        .trim()
        .trim_end_matches('/');
    assert_eq!(
        (status(admin, "/metrics"), server.status("/metrics")),
        ("200".into(), "404".into())
    );
    assert_eq!(status(admin, "/film/master.m3u8"), "404");
    let mut invalid = program::promptus(["serve", "titles", "--listen", "here"]);
    program::refused(&mut invalid, "8080, :8080");
}
