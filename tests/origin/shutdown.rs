//! Shutdown: requests in flight are finished, those that hang are aborted in the end.

use crate::probe::Mode;
use crate::site::Site;
use std::time::{Duration, Instant};
use tokio::net::TcpStream;
use tokio::time::sleep;

/// A site whose store hangs, and a request in flight.
async fn hanging(drain: Duration) -> (Site, tokio::task::JoinHandle<Option<usize>>) {
    let site = Site::with(30_000, |settings| settings.drain_timeout = drain).await;
    site.probe.set(Mode::Hangs);
    let url = site.url(&site.media(0));
    let asked = tokio::spawn(async {
        let bytes = reqwest::get(url).await.ok()?.bytes().await.ok()?;
        Some(bytes.len())
    });
    sleep(Duration::from_millis(200)).await;
    (site, asked)
}

#[tokio::test]
async fn requests_in_flight_are_finished() {
    let (mut site, asked) = hanging(Duration::from_secs(20)).await;
    site.server.stop.take().unwrap().send(()).unwrap();
    sleep(Duration::from_millis(200)).await;
    assert!(!site.task.is_finished());
    assert!(TcpStream::connect(site.address).await.is_err());
    site.probe.set(Mode::Works);
    assert!(asked.await.unwrap() > Some(180_000));
    site.server.task.await.unwrap().unwrap();
}

#[tokio::test]
async fn requests_that_hang_are_aborted() {
    let (mut site, asked) = hanging(Duration::from_millis(300)).await;
    let stopped = Instant::now();
    site.server.stop.take().unwrap().send(()).unwrap();
    site.server.task.await.unwrap().unwrap();
    assert!(stopped.elapsed() < Duration::from_secs(5));
    asked.abort();
}
