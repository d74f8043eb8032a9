//! Programs in processes of their own: this very one, which runs one ignored test that finds its
//! folder in an environment variable; and those that read a title, which is plain files, as the origin
//! does (nginx), or through it (ffprobe).

use crate::rungs;
use crate::site::{Answer, Server, Site, client, headers, ms};
use crate::tools;
use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

const FOLDER: &str = "PROMPTUS_TEST_FOLDER";

/// A process that runs the ignored test `name` on `folder`.
pub(crate) fn command(name: &str, folder: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", name, "--ignored", "--nocapture"]);
    command.env(FOLDER, folder);
    command
}

/// The folder of this process. `None` if `cargo test -- --ignored` runs the test directly.
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

/// nginx on a free port, and its address.
async fn start(program: &Path, prefix: &Path, root: &Path) -> (Killed, String) {
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = free.local_addr().unwrap().port();
    drop(free);
    let config = prefix.join("nginx.conf");
    fs::write(&config, configuration(prefix, root, port)).unwrap();
    let mut command = Command::new(program);
    command.args(["-e", "stderr", "-p"]).arg(prefix).arg("-c");
    let child = command.arg(&config).stderr(Stdio::null()).spawn();
    let base = format!("http://127.0.0.1:{port}");
    for _ in 0..100 {
        if reqwest::get(&base).await.is_ok() {
            break;
        }
        tokio::time::sleep(ms(50)).await;
    }
    (Killed(child.unwrap()), base)
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

/// Every file below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    let below = |path: PathBuf| match path.is_dir() {
        true => files(&path),
        false => vec![path],
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
    let prefix = tempfile::tempdir().unwrap();
    let (_process, base) = start(&program, prefix.path(), root).await;
    let found = files(root);
    assert_eq!(found.len(), 2 * 3 + 5);
    for file in found {
        let path = format!("/{}", file.strip_prefix(root).unwrap().display());
        compare(&site, &base, &path, "").await;
    }
    for fields in [
        "range: bytes=0-0",
        "range: bytes=100-199",
        "range: bytes=5000-",
        "range: bytes=-9",
        "range: bytes=-99999999",
        "range: bytes=99999999-",
        "range: bytes=0-5 | if-range: \"other\"",
        "if-match: \"other\"",
    ] {
        compare(&site, &base, &site.media(1), fields).await;
    }
    compare(&site, &base, "/t/none.m3u8", "").await;
}

/// Same status, same bytes, same fields about them.
async fn compare(server: &Server, nginx: &str, path: &str, fields: &str) {
    let ours = server.get(path, fields).await;
    let theirs = client().get(format!("{nginx}{path}"));
    let theirs = Answer::to(theirs.headers(headers(fields))).await;
    let context = format!("{path} {fields}");
    assert_eq!(ours.status, theirs.status, "{context}");
    let success = (200..300).contains(&ours.status);
    for name in ["content-range", "content-type", "content-length"] {
        if success || name == "content-range" {
            let (ours, theirs) = (ours.field(name), theirs.field(name));
            assert_eq!(ours, theirs, "{context} {name}");
        }
    }
    assert!(!success || ours.body == theirs.body, "{context}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ffprobe_sees_every_packet_through_every_manifest() {
    if tools::tool("ffprobe").is_none() {
        return;
    }
    let root = tempfile::tempdir().unwrap();
    // Five seconds in two segments, fifteen keyframes.
    rungs::put(&root.path().join("real"), &rungs::two_rungs(1));
    let server = Server::of(root.path()).await;
    for manifest in [
        "master.m3u8",
        "manifest.mpd",
        "segments/master.m3u8",
        "segments/manifest.mpd",
    ] {
        let url = server.url(&format!("/real/{manifest}"));
        let entries = "codec_type,codec_tag_string,width,height,nb_read_packets";
        let probe = move || tools::probe(Path::new(&url), entries);
        let seen = tokio::task::spawn_blocking(probe).await.unwrap();
        let streams = seen.lines().map(|line| line.trim_end_matches(','));
        let whole = streams.filter(|stream| *stream == "video,prm1,250,140,15");
        assert!(whole.count() >= 2, "{manifest}: {seen}");
    }
}
