//! Titles of hours: what comes before the first segment, and what while it plays.

use super::hours::{INIT, publish_hours};
use super::*;
use axum::extract::Request;
use axum::middleware::{self, Next};
use promptus::manifest::Presentation;

/// Two hours in segments of two seconds.
static TWO_HOURS: [u64; 3600] = [48; 3600];
/// Most bytes before the first frame.
const BAR: u64 = 40_000;

/// Path, first byte asked for, and bytes of an answer.
type Answer = (String, u64, u64);

/// The origin over `root`, whose answers are noted.
async fn noted_origin(root: &Path) -> (String, Arc<Mutex<Vec<Answer>>>) {
    let notes: Arc<Mutex<Vec<Answer>>> = Arc::default();
    let taken = Arc::clone(&notes);
    let note = middleware::from_fn(move |request: Request, next: Next| {
        let notes = Arc::clone(&taken);
        async move {
            let path = request.uri().path().to_owned();
            let range = request.headers().get("range").cloned();
            let first = range.and_then(|range| {
                let text = range.to_str().unwrap().strip_prefix("bytes=")?;
                text.split('-').next()?.parse().ok()
            });
            let response = next.run(request).await;
            let length = response.headers()["content-length"].to_str().unwrap();
            let note = (path, first.unwrap_or(0), length.parse().unwrap());
            notes.lock().unwrap().push(note);
            response
        }
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}/", listener.local_addr().unwrap());
    let app = router(Origin::local(root, Settings::default()).unwrap()).layer(note);
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    (base, notes)
}

/// Whether an answer is a media segment.
fn is_media((path, first, _): &Answer, presentation: &Presentation) -> bool {
    let rung = &presentation.groups[0].representations[0];
    path.ends_with(".m4s") || *first >= rung.segments[0].range.unwrap().start
}

/// Plays until `enough` segments have come.
async fn play_some(url: &str, setup: &Setup, enough: usize) -> (Played, Vec<Segment>, Client) {
    let (client, stream) = open(url).await.unwrap();
    let (sender, mut receiver) = queue(4000, setup.controls.as_ref());
    let playing = play(&client, &stream, setup, &sender);
    let watching = async {
        let mut segments = Vec::new();
        while segments.len() < enough {
            segments.push(receiver.recv().await.unwrap());
        }
        drop(receiver);
        segments
    };
    let (played, segments) = tokio::join!(playing, watching);
    (played, segments, client)
}

/// A buffer that is never full: everything is fetched at once.
fn greedy(abr: Abr) -> Setup {
    let mut setup = with(abr);
    setup.options.buffer_s = 1e5;
    setup
}

fn numbers(segments: &[Segment]) -> Vec<usize> {
    segments.iter().map(|segment| segment.segment).collect()
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
    let (base, notes) = noted_origin(folder.path()).await;
    for manifest in MANIFESTS {
        notes.lock().unwrap().clear();
        let setup = with(Abr::Dynamic);
        let (_, segments, client) = play_some(&format!("{base}long/{manifest}"), &setup, 2).await;
        assert_eq!(numbers(&segments), [0, 1]);
        let notes = notes.lock().unwrap();
        let first = notes.iter().position(|a| is_media(a, &presentation));
        let before: u64 = notes[..=first.unwrap()].iter().map(|answer| answer.2).sum();
        println!("{manifest}: {before} bytes, {:?}", client.overhead());
        assert!(
            before <= BAR,
            "{manifest}: {:#?}",
            &notes[..=first.unwrap()]
        );
        // What came beside media is what the server sent.
        let beside = notes
            .iter()
            .filter(|answer| !is_media(answer, &presentation));
        let beside: u64 = beside.map(|answer| answer.2).sum();
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_jump_fetches_what_it_needs() {
    let folder = TempDir::new().unwrap();
    publish_hours(&folder.path().join("long"), &TWO_HOURS);
    let base = origin(folder.path()).await;
    for manifest in MANIFESTS {
        let url = format!("{base}long/{manifest}");
        let mut setup = with(Abr::Dynamic);
        setup.options.buffer_s = 4.0;
        setup.seeks = vec![Jump {
            at_s: 0.5,
            to_s: 5400.5,
        }];
        let (played, segments, _) = play_some(&url, &setup, 3).await;
        assert_eq!(numbers(&segments), [0, 2700, 2701], "{manifest}");
        assert!((segments[1].skip_s - 0.5).abs() < 1e-9);
        assert_eq!(played.log.seeks.len(), 1);
        // A start there is no different.
        let mut setup = greedy(Abr::Dynamic);
        setup.options.start_s = 5400.5;
        let (_, segments, _) = play_some(&url, &setup, 40).await;
        assert_eq!(numbers(&segments), (2700..2740).collect::<Vec<_>>());
        assert!((segments[0].skip_s - 0.5).abs() < 1e-9);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_jump_lands_right_where_segments_do_not_last_alike() {
    let folder = TempDir::new().unwrap();
    // Long ones first, short ones later: what an even share would not guess.
    let frames: Vec<u64> = (0..900).map(|k| if k < 500 { 72 } else { 24 }).collect();
    publish_hours(folder.path(), &frames);
    let base = serve_well(folder.path()).await;
    for manifest in ["manifest.mpd", "master.m3u8"] {
        let mut setup = with(Abr::Dynamic);
        setup.options.buffer_s = 4.0;
        setup.seeks = vec![Jump {
            at_s: 0.3,
            to_s: 1700.25,
        }];
        let url = format!("{base}{manifest}");
        let (played, segments, _) = play_some(&url, &setup, 3).await;
        assert_eq!(numbers(&segments), [0, 700, 701], "{manifest}");
        assert!((segments[1].skip_s - 0.25).abs() < 1e-9);
        assert!((played.ladder.total_s() - 1900.0).abs() < 1.0);
        let mut setup = greedy(Abr::Dynamic);
        setup.options.start_s = 1700.25;
        let (_, segments, _) = play_some(&url, &setup, 2).await;
        assert_eq!(numbers(&segments), [700, 701]);
        assert!((segments[0].skip_s - 0.25).abs() < 1e-9);
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
            let failed = |r: &&promptus::player::log::Request| r.outcome == Outcome::Failed;
            let failed = played.log.requests.iter().filter(failed);
            assert!(failed.clone().count() > 0 && failed.clone().all(|r| r.rung == 3));
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
            let first = range
                .strip_prefix("bytes=")
                .and_then(|r| r.split('-').next());
            let first: u64 = first.and_then(|first| first.parse().ok()).unwrap_or(0);
            (first > INIT && first < INIT + 8000).then_some(fault)
        };
        let base = serve(folder.path(), Arc::new(spoil)).await;
        let (client, stream) = open(&format!("{base}manifest.mpd")).await.unwrap();
        let (played, _) = play_stream(&client, &stream, &greedy(Abr::Dynamic)).await;
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
    let client = Client::new(hasty())
        .unwrap()
        .throttled(Link::new(&trace, 1.0));
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
    let whole = stream
        .complete(&client.throttled(Link::new(&trace, 1e6)))
        .await;
    let whole = whole.unwrap();
    assert_eq!(whole.group().representations[3].segments.len(), 3600);
    let sizes = whole.ladder();
    let known = &whole.group().representations[3].segments[3000];
    assert_eq!(sizes.size(3000, 3), known.range.unwrap().length);
}
