//! Titles of hours: index requests before the first segment and during playback.

use super::hours::{INIT, publish_hours};
use super::*;
use promptus::manifest::Presentation;

/// Two hours in segments of two seconds.
static TWO_HOURS: [u64; 3600] = [48; 3600];
/// Most bytes before the first frame.
const BAR: u64 = 40_000;

/// Whether a request is for a media segment.
fn is_media((headers, _): &Record, presentation: &Presentation) -> bool {
    let rung = &presentation.groups[0].representations[0];
    let range = text(headers, "range").trim_start_matches("bytes=");
    let first = range.split('-').next().and_then(|first| first.parse().ok());
    let media = first >= Some(rung.segments[0].range.unwrap().start);
    text(headers, "x-uri").ends_with(".m4s") || media
}

/// A buffer that is never full: everything is fetched at once.
fn greedy(abr: Abr) -> Setup {
    let mut setup = with(abr);
    setup.options.buffer_s = 1e5;
    setup
}

const MANIFESTS: [&str; 4] = [
    "manifest.mpd",
    "master.m3u8",
    "segments/manifest.mpd",
    "segments/master.m3u8",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hours_begin_with_forty_kilobytes_from_every_manifest() {
    let folder = TempDir::new().unwrap();
    let presentation = publish_hours(&folder.path().join("long"), &TWO_HOURS);
    let app = router(Origin::local(folder.path(), Settings::default()).unwrap());
    let (app, notes) = recorded(app);
    let (base, _) = serve_app(app).await;
    for manifest in MANIFESTS {
        notes.lock().unwrap().clear();
        let url = format!("{base}long/{manifest}");
        let (_, segments, client) = play_some(&url, &with(Abr::Dynamic), 2).await;
        assert_eq!(numbers(&segments), [0, 1]);
        let notes = notes.lock().unwrap();
        let first = notes.iter().position(|a| is_media(a, &presentation));
        let before: u64 = notes[..=first.unwrap()].iter().map(|record| record.1).sum();
        println!("{manifest}: {before} bytes, {:?}", client.overhead());
        assert!(before <= BAR, "{manifest}: {notes:#?}");
        // The client's overhead is all that the server sent beside media.
        let beside = notes.iter().filter(|a| !is_media(a, &presentation));
        let beside: u64 = beside.map(|record| record.1).sum();
        assert_eq!(client.overhead().total(), beside);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_segment_of_two_hours_comes_once() {
    let folder = TempDir::new().unwrap();
    let presentation = publish_hours(&folder.path().join("long"), &TWO_HOURS);
    let url = origin(folder.path()).await;
    let rungs = &presentation.groups[0].representations;
    for manifest in MANIFESTS {
        let url = format!("{url}long/{manifest}");
        let (played, segments, _) = play_some(&url, &greedy(Abr::Dynamic), 3600).await;
        assert!(played.error.is_none(), "{manifest}: {:?}", played.error);
        assert_eq!(numbers(&segments), (0..3600).collect::<Vec<_>>());
        for segment in &segments {
            let place = &rungs[segment.rung].segments[segment.segment];
            assert_eq!(segment.bytes.len() as u64, place.range.unwrap().length);
            assert_eq!(segment.inits[0].len() as u64, INIT);
        }
        assert!(segments.last().unwrap().rung > 0);
        let learnt = &played.log.learnt_s;
        assert!(!learnt.is_empty() && learnt.is_sorted());
    }
}

/// A jump to the middle of segment `target`, `skip_s` into it, and a start there.
async fn lands(url: &str, at_s: f64, to_s: f64, target: usize, skip_s: f64) -> Played {
    let mut setup = with(Abr::Dynamic);
    setup.options.buffer_s = 4.0;
    setup.seeks = vec![jump(at_s, to_s)];
    let (played, segments, _) = play_some(url, &setup, 3).await;
    assert_eq!(numbers(&segments), [0, target, target + 1], "{url}");
    near(segments[1].skip_s, skip_s, 1e-9);
    assert_eq!(played.log.seeks.len(), 1);
    let mut setup = greedy(Abr::Dynamic);
    setup.options.start_s = to_s;
    let (_, segments, _) = play_some(url, &setup, 40).await;
    assert_eq!(
        numbers(&segments),
        (target..target + 40).collect::<Vec<_>>()
    );
    near(segments[0].skip_s, skip_s, 1e-9);
    played
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_jump_lands_where_the_index_says() {
    let folder = TempDir::new().unwrap();
    publish_hours(&folder.path().join("long"), &TWO_HOURS);
    let base = origin(folder.path()).await;
    for manifest in MANIFESTS {
        lands(&format!("{base}long/{manifest}"), 0.5, 5400.5, 2700, 0.5).await;
    }
    // Long segments first, short ones later: an even share would guess wrong.
    let folder = TempDir::new().unwrap();
    let frames = [[72; 500].as_slice(), &[24; 400]].concat();
    publish_hours(folder.path(), &frames);
    let base = serve_well(folder.path()).await;
    for manifest in ["manifest.mpd", "master.m3u8"] {
        let url = format!("{base}{manifest}");
        let played = lands(&url, 0.3, 1700.25, 700, 0.25).await;
        near(played.ladder.total_s(), 1900.0, 1.0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn indexes_come_ahead_while_the_buffer_is_full() {
    let folder = TempDir::new().unwrap();
    publish_hours(folder.path(), &TWO_HOURS);
    let base = serve_well(folder.path()).await;
    for (abr, indexes) in [(Abr::Bba0, 4), (Abr::Fixed(0), 1)] {
        let mut setup = with(abr);
        setup.options.buffer_s = 4.0;
        let url = format!("{base}manifest.mpd");
        let (played, segments, client) = play_some(&url, &setup, 4).await;
        assert_eq!(numbers(&segments), [0, 1, 2, 3]);
        // One part of every index, and no more.
        let parts = client.overhead().index_bytes / 3000;
        assert_eq!(parts, indexes, "{abr:?}: {:?}", client.overhead());
        assert!(played.log.stalls.is_empty());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rung_without_its_index_is_left_out() {
    let folder = TempDir::new().unwrap();
    publish_hours(folder.path(), &[48; 700]);
    for fault in [Fault::Status(404), Fault::Cut] {
        let spoil = move |path: &str, range: &str, _: usize| {
            let index = range.starts_with(&format!("bytes={INIT}-"));
            let top = path.contains("mini-r16.m") && (index || path.ends_with(".m3u8"));
            top.then_some(fault)
        };
        let base = serve(folder.path(), Arc::new(spoil)).await;
        for manifest in ["manifest.mpd", "master.m3u8"] {
            let url = format!("{base}{manifest}");
            let (played, segments, _) = play_some(&url, &greedy(Abr::Dynamic), 20).await;
            assert!(played.error.is_none());
            assert_eq!(numbers(&segments), (0..20).collect::<Vec<_>>());
            assert!(segments.iter().all(|segment| segment.rung < 3));
            let requests = played.log.requests.iter();
            let mut failed = requests.filter(|r| r.outcome == Outcome::Failed).peekable();
            assert!(failed.peek().is_some() && failed.all(|r| r.rung == 3));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_index_that_breaks_off_ends_with_its_name() {
    let folder = TempDir::new().unwrap();
    publish_hours(folder.path(), &[48; 700]);
    let cases = [
        (Fault::Status(404), "the server answered 404"),
        (Fault::Cut, "the body ended after 100"),
        (Fault::WholeFile, "must support byte ranges"),
    ];
    for (fault, expected) in cases {
        // The second part of every index.
        let spoil = move |_: &str, range: &str, _: usize| {
            let range = range.trim_start_matches("bytes=");
            let first = range.split('-').next().map_or(Ok(0), str::parse);
            let second = INIT + 1..INIT + 8000;
            second.contains(&first.unwrap_or(0)).then_some(fault)
        };
        let base = serve(folder.path(), Arc::new(spoil)).await;
        let opened = open(&format!("{base}manifest.mpd")).await.unwrap();
        let (played, _) = play_opened(opened, &greedy(Abr::Dynamic), None).await;
        assert!(!played.complete);
        let message = played.error.unwrap().to_string();
        assert!(
            message.contains(&base) && message.contains(expected),
            "{message}"
        );
        assert_eq!(played.log.plays.first().map(|play| play.segment), Some(0));
    }
}

#[tokio::test]
async fn a_throttle_slows_the_manifest_down_too() {
    let folder = TempDir::new().unwrap();
    publish_hours(folder.path(), &TWO_HOURS);
    let base = serve_well(folder.path()).await;
    let trace = Trace::parse("slow", b"time_s,kbps,latency_ms\n0,100,50\n").unwrap();
    let client = Client::new(hasty()).unwrap();
    let client = client.throttled(Link::new(&trace, 1.0));
    let begun = std::time::Instant::now();
    let title = Title::open(&client, &format!("{base}manifest.mpd")).await;
    let stream = title
        .unwrap()
        .stream(&client, 0, Layers::Off)
        .await
        .unwrap();
    let bytes = client.overhead().total() as f64;
    // Manifest, index and init segment, one after the other.
    let least_s = bytes * 8.0 / 100_000.0 + 3.0 * 0.05;
    let took_s = begun.elapsed().as_secs_f64();
    assert!(
        took_s >= least_s,
        "{took_s} s for {bytes} bytes, not {least_s} s"
    );
    let fast = client.throttled(Link::new(&trace, 1e6));
    let whole = stream.complete(&fast).await.unwrap();
    let segments = &whole.group().representations[3].segments;
    assert_eq!(segments.len(), 3600);
    let known = segments[3000].range.unwrap().length;
    assert_eq!(whole.ladder().size(3000, 3), known);
}
