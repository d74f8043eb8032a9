//! Pause, rate, an external playhead and seeks while a title of two seconds plays.

use super::*;
use promptus::playback::Controls;
use tokio::time::sleep;

/// The log of a session that `act` controls, and the segments in its queue at the end.
async fn controlled(act: impl AsyncFnOnce(&Controls)) -> (Log, Vec<usize>) {
    let folder = TempDir::new().unwrap();
    publish_fake(folder.path(), 2);
    let url = format!("{}master.m3u8", serve_well(folder.path()).await);
    let controls = Controls::default();
    let setup = Setup {
        controls: Some(controls.clone()),
        ..with(Abr::Fixed(1))
    };
    let playing = play_all(&url, &setup);
    let ((log, segments), ()) = tokio::join!(playing, act(&controls));
    let numbers = segments.iter().map(|segment| segment.segment);
    (log, numbers.collect())
}

/// Seconds from the display of the first frame to the end of the last.
fn length_s(log: &Log) -> f64 {
    log.ended_s.unwrap() - log.startup_s.unwrap()
}

/// Bounds are wide where a busy machine may be late; without control the title lasts 2 s, its second half 1 s.
#[tokio::test]
async fn a_session_is_controlled_while_it_plays() {
    let wait = |ms| sleep(Duration::from_millis(ms));
    let pause = controlled(async |controls| {
        wait(600).await;
        controls.pause();
        wait(1200).await;
        controls.resume();
    });
    let rate = controlled(async |controls| controls.set_rate(2.0));
    let external = controlled(async |controls| {
        for (ms, position_s) in [(0, 0.0), (800, 1.1), (2100, 2.0)] {
            wait(ms).await;
            controls.report_playhead(position_s);
        }
    });
    let seek = controlled(async |controls| {
        wait(300).await;
        controls.seek(1.25);
    });
    let (pause, rate, external, seek) = tokio::join!(pause, rate, external, seek);
    let log = pause.0;
    let [halt] = log.pauses[..] else {
        panic!("{:?}", log.pauses)
    };
    let halted_s = halt.end_s.unwrap() - halt.start_s.max(log.startup_s.unwrap());
    assert!(length_s(&log) > 1.95 + halted_s, "{log:?}");
    assert!(length_s(&rate.0) < 1.8, "{:?}", rate.0);
    let last = external.0.ended_s.unwrap() - external.0.plays[1].start_s;
    assert!(last > 1.5, "{:?}", external.0);
    assert_eq!(seek.0.seeks.len(), 1);
    assert_eq!(seek.0.seeks[0].to_s, 1.25);
    // What preceded the jump has left the queue.
    assert_eq!((pause.1, seek.1), (vec![0, 1], vec![1]));
}
