//! Stopping: what is under way is finished, what hangs is broken off in the end.

use crate::probe::{Mode, Probe};
use crate::server::Server;
use crate::title;
use promptus::origin::{Origin, Settings};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::net::TcpStream;

async fn hanging(drain: Duration) -> (tempfile::TempDir, Arc<Probe>, Server, String) {
    let root = tempfile::tempdir().unwrap();
    let presentation = title::publish(root.path(), "t", 1, 30_000);
    let probe = Probe::new(root.path());
    let settings = Settings {
        drain_timeout: drain,
        ..Settings::default()
    };
    let server = Server::start(Origin::new(Arc::clone(&probe) as Arc<_>, settings).unwrap()).await;
    probe.set(Mode::Hangs);
    let url = format!(
        "http://{}/t/{}",
        server.address, presentation.groups[0].representations[0].url
    );
    (root, probe, server, url)
}

#[tokio::test]
async fn requests_in_flight_are_finished() {
    let (_root, probe, mut server, url) = hanging(Duration::from_secs(20)).await;
    let asked = tokio::spawn(async { reqwest::get(url).await.unwrap().bytes().await.unwrap() });
    tokio::time::sleep(Duration::from_millis(200)).await;
    server.stop.take().unwrap().send(()).unwrap();
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(!server.task.is_finished());
    assert!(TcpStream::connect(server.address).await.is_err());
    probe.set(Mode::Works);
    assert!(asked.await.unwrap().len() > 180_000);
    server.task.await.unwrap().unwrap();
}

#[tokio::test]
async fn what_does_not_finish_is_broken_off() {
    let (_root, _probe, mut server, url) = hanging(Duration::from_millis(300)).await;
    let asked = tokio::spawn(reqwest::get(url));
    tokio::time::sleep(Duration::from_millis(100)).await;
    let stopped = Instant::now();
    server.stop.take().unwrap().send(()).unwrap();
    server.task.await.unwrap().unwrap();
    assert!(stopped.elapsed() < Duration::from_secs(5));
    asked.abort();
}

#[tokio::test]
async fn connections_wait_when_there_are_too_many_and_silent_ones_are_closed() {
    let root = tempfile::tempdir().unwrap();
    title::publish(root.path(), "t", 1, 3000);
    let settings = Settings {
        max_connections: 1,
        idle_timeout: Duration::from_millis(300),
        ..Settings::default()
    };
    let server = Server::start(Origin::local(root.path(), settings).unwrap()).await;
    let silent = TcpStream::connect(server.address).await.unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    let asked = Instant::now();
    assert_eq!(server.text("/healthz").await, "ok\n");
    assert!(
        asked.elapsed() >= Duration::from_millis(150),
        "{:?}",
        asked.elapsed()
    );
    drop(silent);
}
