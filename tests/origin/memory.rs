//! Memory of the server: a process of its own with a small cache and many titles.

#![cfg(target_os = "linux")]

use crate::programs::{self, Killed};
use crate::site::client;
use crate::title;
use promptus::origin::{Origin, Settings, serve};
use std::fs;
use std::io::{BufRead, BufReader};
use std::process::Stdio;

const TITLES: usize = 500;
/// Segments of a title, of about 9 kB: 900 kB in one file.
const SEGMENTS: usize = 100;
const CACHE: u64 = 16 << 20;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "runs in a process of its own"]
async fn server() {
    let Some(root) = programs::folder() else {
        return;
    };
    let settings = Settings::default().with(|settings| settings.cache_bytes = CACHE);
    let origin = Origin::local(&root, settings).unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    println!("\nlistening {}", listener.local_addr().unwrap());
    let served = serve(listener, origin, std::future::pending()).await;
    served.unwrap();
}

/// Resident memory of a process in MiB.
fn resident(process: &Killed) -> f64 {
    let status = fs::read_to_string(format!("/proc/{}/status", process.0.id())).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let kb = line.unwrap().split_whitespace().nth(1).unwrap();
    kb.parse::<f64>().unwrap() / 1024.0
}

#[tokio::test]
async fn segments_of_many_titles_stay_within_the_cache() {
    let root = tempfile::tempdir().unwrap();
    let files = (0..TITLES).map(|number| {
        let name = format!("{number:03}");
        title::publish_long(root.path(), &name, SEGMENTS)
    });
    let files: Vec<String> = files.collect();
    let mut command = programs::command("memory::server", root.path());
    let child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut process = Killed(child);
    let out = BufReader::new(process.0.stdout.take().unwrap());
    let mut lines = out.lines().map(Result::unwrap);
    let address = lines.find_map(|line| line.strip_prefix("listening ").map(str::to_owned));
    let address = address.unwrap();
    let client = client();
    let ask = async |title: usize, segment: usize| {
        let stem = files[title].trim_end_matches(".mp4");
        let url = format!("http://{address}/{stem}/{segment}.m4s");
        let answer = client.get(&url).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{url}");
        assert_eq!(answer.bytes().await.unwrap().len(), 9000 + segment);
    };
    ask(0, 1).await;
    let before = resident(&process);
    let mut most = before;
    // Forwards, backwards and by leaps, so that a file is evicted before its next segment is
    // requested.
    let orders = [1, TITLES - 1, 7, 211, 499, 3, 83, 17];
    for (pass, order) in orders.into_iter().enumerate() {
        for number in 0..TITLES {
            ask(number * order % TITLES, 1 + pass * 12).await;
        }
        most = most.max(resident(&process));
    }
    let segments = orders.len() * TITLES;
    println!("resident: {before:.0} MiB, at most {most:.0} MiB after {segments} segments");
    assert!(most - before < 64.0, "{before} MiB, then {most} MiB");
}
