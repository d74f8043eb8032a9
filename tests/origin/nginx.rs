//! A title is plain files: nginx serves the same bytes, and we answer as it does where both can.

use crate::server::{Server, header, headers, with_title};
use crate::tools;
use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// nginx on a free port, killed when the test ends.
struct Nginx {
    child: Child,
    base: String,
    _prefix: tempfile::TempDir,
}

impl Nginx {
    async fn start(program: &Path, root: &Path) -> Self {
        let prefix = tempfile::tempdir().unwrap();
        let port = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let config = prefix.path().join("nginx.conf");
        fs::write(&config, configuration(prefix.path(), root, port)).unwrap();
        let child = Command::new(program)
            .args(["-e", "stderr", "-p"])
            .arg(prefix.path())
            .arg("-c")
            .arg(&config)
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let base = format!("http://127.0.0.1:{port}");
        for _ in 0..100 {
            if reqwest::get(&base).await.is_ok() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Self {
            child,
            base,
            _prefix: prefix,
        }
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn configuration(prefix: &Path, root: &Path, port: u16) -> String {
    let folders = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
    let folders = folders.map(|name| format!("{name}_temp_path {}/{name};", prefix.display()));
    format!(
        "daemon off; master_process off; worker_processes 1; pid {prefix}/pid; error_log stderr crit;
         events {{ worker_connections 64; }}
         http {{ access_log off; {folders}
           types {{ video/mp4 mp4 m4s; application/vnd.apple.mpegurl m3u8; application/dash+xml mpd;
                    application/json json; image/jpeg jpg; }}
           server {{ listen 127.0.0.1:{port}; root {root}; }} }}",
        prefix = prefix.display(),
        folders = folders.join(" "),
        root = root.display(),
    )
}

/// Every published file, relative to the root.
fn files(root: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(root).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => found.extend(files(&path)),
            false => found.push(path),
        }
    }
    found
}

#[tokio::test]
async fn nginx_serves_the_same_title() {
    let Some(program) = tools::tool("nginx") else {
        return;
    };
    let (root, presentation, server) = with_title().await;
    let nginx = Nginx::start(&program, root.path()).await;
    let found = files(root.path());
    assert_eq!(found.len(), 2 * 3 + 5);
    for file in found {
        let path = format!("/{}", file.strip_prefix(root.path()).unwrap().display());
        compare(&server, &nginx, &path, &[]).await;
    }
    let media = format!("/t/{}", presentation.groups[0].representations[1].url);
    for range in [
        "bytes=0-0",
        "bytes=100-199",
        "bytes=5000-",
        "bytes=-9",
        "bytes=-99999999",
        "bytes=99999999-",
    ] {
        compare(&server, &nginx, &media, &[("range", range)]).await;
    }
    let beyond = [("range", "bytes=0-5"), ("if-range", "\"other\"")];
    compare(&server, &nginx, &media, &beyond).await;
    compare(&server, &nginx, &media, &[("if-match", "\"other\"")]).await;
    compare(&server, &nginx, "/t/none.m3u8", &[]).await;
}

/// Same status, same bytes, same fields about them.
async fn compare(server: &Server, nginx: &Nginx, path: &str, fields: &[(&str, &str)]) {
    let ours = server.get(path, fields).await;
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::new();
    let theirs = client
        .get(format!("{}{path}", nginx.base))
        .headers(headers(fields));
    let theirs = theirs.send().await.unwrap();
    assert_eq!(ours.status(), theirs.status(), "{path} {fields:?}");
    assert_eq!(
        header(&ours, "content-range"),
        header(&theirs, "content-range"),
        "{path} {fields:?}"
    );
    if !ours.status().is_success() {
        return;
    }
    for name in ["content-type", "content-length"] {
        assert_eq!(
            header(&ours, name),
            header(&theirs, name),
            "{path} {fields:?} {name}"
        );
    }
    assert_eq!(
        ours.bytes().await.unwrap(),
        theirs.bytes().await.unwrap(),
        "{path}"
    );
}
