//! A title is plain files: nginx serves the same bytes, and we answer as it does where both can.

use crate::process::Killed;
use crate::site::{Server, Site, client, header, headers};
use crate::tools;
use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// nginx on a free port.
struct Nginx {
    _process: Killed,
    base: String,
    _prefix: tempfile::TempDir,
}

impl Nginx {
    async fn start(program: &Path, root: &Path) -> Self {
        let prefix = tempfile::tempdir().unwrap();
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
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
            _process: Killed(child),
            base,
            _prefix: prefix,
        }
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

/// Every published file below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let paths = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let below = |path: PathBuf| {
        if path.is_dir() {
            files(&path)
        } else {
            vec![path]
        }
    };
    paths.flat_map(below).collect()
}

#[tokio::test]
async fn nginx_serves_the_same_title() {
    let Some(program) = tools::tool("nginx") else {
        return;
    };
    let site = Site::new().await;
    let root = site.root.path();
    let nginx = Nginx::start(&program, root).await;
    let found = files(root);
    assert_eq!(found.len(), 2 * 3 + 5);
    for file in found {
        let path = format!("/{}", file.strip_prefix(root).unwrap().display());
        compare(&site, &nginx, &path, &[]).await;
    }
    let media = site.media(1);
    for fields in [
        &[("range", "bytes=0-0")][..],
        &[("range", "bytes=100-199")],
        &[("range", "bytes=5000-")],
        &[("range", "bytes=-9")],
        &[("range", "bytes=-99999999")],
        &[("range", "bytes=99999999-")],
        &[("range", "bytes=0-5"), ("if-range", "\"other\"")],
        &[("if-match", "\"other\"")],
    ] {
        compare(&site, &nginx, &media, fields).await;
    }
    compare(&site, &nginx, "/t/none.m3u8", &[]).await;
}

/// Same status, same bytes, same fields about them.
async fn compare(server: &Server, nginx: &Nginx, path: &str, fields: &[(&str, &str)]) {
    let ours = server.get(path, fields).await;
    let theirs = client().get(format!("{}{path}", nginx.base));
    let theirs = theirs.headers(headers(fields)).send().await.unwrap();
    let context = format!("{path} {fields:?}");
    assert_eq!(ours.status(), theirs.status(), "{context}");
    let success = ours.status().is_success();
    for name in ["content-range", "content-type", "content-length"] {
        if success || name == "content-range" {
            assert_eq!(
                header(&ours, name),
                header(&theirs, name),
                "{context} {name}"
            );
        }
    }
    if success {
        let (ours, theirs) = (ours.bytes().await.unwrap(), theirs.bytes().await.unwrap());
        assert_eq!(ours, theirs, "{context}");
    }
}
