//! `promptus serve` under systemd, its reload by SIGHUP, and `promptus token`.

#![cfg(unix)]
#![allow(clippy::unwrap_used)]

#[path = "common/program.rs"]
mod program;
#[path = "common/title.rs"]
mod title;

use program::{json, promptus, refused};
use serde_json::Value;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::time::{Duration, Instant};

/// A folder with the title `film` in `titles`, and a configuration file.
fn workplace(config: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let title = folder.path().join("titles/film");
    title::put(&title, &title::content(&[4], &[48], 1));
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
    stderr: BufReader<ChildStderr>,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Server {
    /// `promptus serve` with these arguments in `folder`, once it is ready.
    fn start(folder: &Path, arguments: &str) -> Self {
        let socket = folder.join("notify");
        let _ = fs::remove_file(&socket);
        let notified = UnixDatagram::bind(&socket).unwrap();
        let limit = Some(Duration::from_secs(20));
        notified.set_read_timeout(limit).unwrap();
        let mut child = promptus(["serve", "--config", "config.toml", "--json"])
            .args(arguments.split(' '))
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
        Self {
            address: host(announced["url"].as_str().unwrap()),
            stderr: BufReader::new(child.stderr.take().unwrap()),
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
            assert!(self.stderr.read_line(&mut line).unwrap() > 0, "{part}");
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

/// The host and port in the last URL of a text.
fn host(text: &str) -> String {
    let url = text.trim().rsplit("http://").next().unwrap();
    url.trim_end_matches('/').to_owned()
}

fn status(address: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer.split(' ').nth(1).unwrap_or_default().to_owned()
}

fn token(folder: &Path, more: &[&str]) -> Command {
    let mut command = promptus(["token", "film", "--config", "config.toml"]);
    command.args(more).current_dir(folder);
    command
}

/// The prefix that `promptus token` prints.
fn prefix(folder: &Path) -> String {
    let output = token(folder, &[]).output().unwrap();
    String::from_utf8(output.stdout)
        .unwrap()
        .trim_end()
        .to_owned()
}

const CLOSED: &str = "[serve]\ntoken_keys = [\"a key of enough bytes\"]\n";

#[test]
fn a_server_notifies_systemd_reloads_and_stops() {
    let folder = workplace("[serve]\ndrain_delay_s = 2\n");
    let mut server = Server::start(folder.path(), "titles --listen 0");
    assert_eq!(server.notification(), "READY=1");
    assert_eq!(server.status("/film/master.m3u8"), "200");

    configure(folder.path(), CLOSED);
    server.signal("HUP");
    server.says("configuration reloaded");
    let prefix = prefix(folder.path());
    let expected = [
        ("/film/master.m3u8".to_owned(), "403"),
        (format!("{prefix}/film/master.m3u8"), "200"),
        (format!("{prefix}/other/master.m3u8"), "403"),
    ];
    let check = |server: &Server| {
        for (path, status) in &expected {
            assert_eq!(server.status(path), *status, "{path}");
        }
    };
    check(&server);

    configure(folder.path(), "[serve]\ntoken_keys = [\"short\"]\n");
    server.signal("HUP");
    let complaint = server.says("is unchanged");
    assert!(complaint.contains("line 2"), "{complaint}");
    check(&server);

    let changed = [
        "cache_bytes = 1000000",
        "admin_listen = 9",
        "store_timeout_s = 9",
        "drain_delay_s = 9",
    ];
    configure(folder.path(), &format!("{CLOSED}{}\n", changed.join("\n")));
    server.signal("HUP");
    let said = server.says("only a restart changes");
    for setting in changed {
        let name = setting.split(' ').next().unwrap();
        assert!(said.contains(name), "{said}");
    }

    // Readiness ends before connections are refused. The notification goes out before the state is
    // set.
    assert_eq!(server.status("/readyz"), "200");
    server.signal("TERM");
    assert_eq!(server.notification(), "STOPPING=1");
    std::thread::sleep(Duration::from_millis(200));
    assert_eq!(server.status("/readyz"), "503");
    check(&server);
    assert_eq!(server.exit_code(), Some(0));
}

#[test]
fn a_token_is_printed_plain_or_as_json() {
    let folder = workplace(CLOSED);
    let bare = prefix(folder.path());
    assert!(bare.starts_with("/t/") && !bare.ends_with('/'), "{bare}");
    let output = token(folder.path(), &["--json", "--minutes", "1"]).output();
    let json = json(&output.unwrap());
    assert_eq!(json["title"], "film");
    let prefix = json["prefix"].as_str().unwrap();
    let expiry = json["expiry"].as_u64().unwrap();
    assert!(prefix.starts_with(&format!("/t/{expiry}.")), "{prefix}");

    configure(folder.path(), "[serve]\n");
    refused(&mut token(folder.path(), &[]), "no token_keys");
}

#[test]
fn all_notations_of_an_address_are_listened_on() {
    let folder = workplace("");
    for (place, expected) in [
        ("127.0.0.1:0", "127.0.0.1"),
        ("0", "127.0.0.1"),
        (":0", "localhost"),
        ("localhost:0", "127.0.0.1"),
    ] {
        let arguments = format!("titles/film --listen {place}");
        let mut server = Server::start(folder.path(), &arguments);
        let (found, port) = server.address.rsplit_once(':').unwrap();
        assert!([expected, "[::1]"].contains(&found), "{place}: {found}");
        assert_eq!(server.status("/film/master.m3u8"), "200", "{place}");
        if expected == "localhost" {
            let other = format!("127.0.0.1:{port}");
            assert_eq!(status(&other, "/film/master.m3u8"), "200");
        }
        server.signal("INT");
        server.says("stopped");
    }
    let mut server = Server::start(folder.path(), "titles --listen 0 --admin-listen 0");
    let admin = host(&server.says("health checks, metrics"));
    for (path, by_admin, publicly) in [
        ("/metrics", "200", "404"),
        ("/film/master.m3u8", "404", "200"),
    ] {
        assert_eq!(status(&admin, path), by_admin, "{path}");
        assert_eq!(server.status(path), publicly, "{path}");
    }
    let mut wrong = promptus(["serve", "titles", "--listen", "here"]);
    refused(&mut wrong, "8080, :8080");
}
