//! Shutdown: requests in flight are finished, those that hang are aborted in the end.

use crate::probe::Mode;
use crate::site::{Site, ms};
use std::time::{Duration, Instant};
use tokio::net::TcpStream;
use tokio::time::sleep;

#[tokio::test]
async fn requests_in_flight_are_finished_or_aborted() {
    for (drain, finished) in [(Duration::from_secs(20), true), (ms(300), false)] {
        let mut site = Site::with(30_000, |settings| settings.drain_timeout = drain).await;
        site.probe.set(Mode::Hangs);
        let url = site.url(&site.media(0));
        let asked = tokio::spawn(async {
            let bytes = reqwest::get(url).await.ok()?.bytes().await.ok()?;
            Some(bytes.len())
        });
        sleep(ms(200)).await;
        let stopped = Instant::now();
        site.server.stop.take().unwrap().send(()).unwrap();
        if finished {
            sleep(ms(200)).await;
            assert!(!site.task.is_finished());
            assert!(TcpStream::connect(site.address).await.is_err());
            site.probe.set(Mode::Works);
            assert!(asked.await.unwrap() > Some(180_000));
        }
        site.server.task.await.unwrap().unwrap();
        assert!(stopped.elapsed() < Duration::from_secs(5));
    }
}
