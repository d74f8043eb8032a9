//! Segments in parts: a base and layers, and what an abandoned transfer leaves.

use super::fake_title::publish_layered;
use super::*;
use bytes::Bytes;
use promptus::package::join;
use promptus::playback::locate;
use promptus::player::log::Request;
use promptus::segment::Track;
use promptus::segment::coded::CodedSegment;
use promptus::segment::init::read_init;
use promptus::segment::media::{read_media, read_partial};

/// A segment's parts as one: the samples of the rung that they make.
fn joined(segment: &Segment) -> Vec<Bytes> {
    let files = [&segment.bytes].into_iter().chain(&segment.layers);
    let tracks = segment.inits.iter().map(|init| read_init(init).unwrap());
    let parts: Vec<(Track, CodedSegment)> = tracks
        .zip(files)
        .map(|(track, bytes)| {
            let media = read_media(bytes).unwrap();
            (track.clone(), CodedSegment::read(&track, &media).unwrap())
        })
        .collect();
    let parts: Vec<_> = parts.iter().map(|(track, part)| (track, part)).collect();
    let (track, whole) = join(&parts).unwrap();
    samples(&whole.write(&track, 1, 0).unwrap())
}

fn samples(segment: &[u8]) -> Vec<Bytes> {
    let media = read_media(segment).unwrap();
    media
        .samples
        .into_iter()
        .map(|sample| sample.data)
        .collect()
}

async fn open_layered(url: &str) -> Result<(Client, Stream), FetchError> {
    let client = Client::new(hasty()).unwrap();
    let stream = Title::open(&client, url).await?;
    let stream = stream.stream(&client, 0, Layers::On).await?;
    Ok((client, stream))
}

async fn play_layered(url: &str, link: Option<Link>) -> (Played, Vec<Segment>) {
    let (mut client, stream) = open_layered(url).await.unwrap();
    if let Some(link) = link {
        client = client.throttled(link);
    }
    play_stream(&client, &stream, &Setup::default()).await
}

#[tokio::test]
async fn layers_come_after_their_base_and_make_the_rung() {
    let folder = TempDir::new().unwrap();
    let title = folder.path().join("fake");
    let presentation = publish_layered(&title, 10);
    let (files, ours) = (serve_well(&title).await, origin(folder.path()).await);
    let urls = [
        format!("{files}manifest.mpd"),
        format!("{ours}fake/manifest.mpd"),
        locate(title.to_str().unwrap()).unwrap(),
    ];
    for url in urls {
        let (played, segments) = play_layered(&url, None).await;
        assert!(played.complete, "{url}: {:?}", played.error);
        let numbers: Vec<usize> = segments.iter().map(|segment| segment.segment).collect();
        assert_eq!(numbers, (0..10).collect::<Vec<_>>(), "{url}");
        // The first segment plays as soon as its base is here; later ones get all that there is.
        assert_eq!((segments[0].rung, segments[9].rung), (0, 2), "{url}");
        for segment in &segments {
            assert_eq!(segment.layers.len(), segment.rung);
            let whole = segment_bytes(&title, &presentation, segment.segment, segment.rung);
            assert!(joined(segment) == samples(&whole), "{url}");
        }
        let added = played.log.requests.iter();
        let added = added.filter(|request| request.outcome == Outcome::Added);
        assert_eq!(
            added.count(),
            segments.iter().map(|s| s.rung).sum::<usize>()
        );
    }
    let error = open_layered(&format!("{files}master.m3u8"))
        .await
        .unwrap_err();
    assert!(error.to_string().contains("names no layers"), "{error}");
}

#[tokio::test]
async fn a_layer_that_comes_too_late_leaves_those_below_it() {
    let folder = TempDir::new().unwrap();
    let presentation = publish_layered(folder.path(), 8);
    let base = serve_well(folder.path()).await;
    // Fast until the last base is here, then hardly anything.
    let trace = Trace::parse("cliff", b"time_s,kbps\n0,420\n1.3,6\n60,6\n").unwrap();
    let link = Link::new(&trace, 1.0);
    let (played, segments) = play_layered(&format!("{base}manifest.mpd"), Some(link)).await;
    assert!(played.complete, "{:?}", played.error);
    let of = |outcome| {
        played
            .log
            .requests
            .iter()
            .filter(move |r| r.outcome == outcome)
    };
    assert!(of(Outcome::Abandoned).count() > 0 && of(Outcome::Added).count() > 0);
    let numbers: Vec<usize> = segments.iter().map(|segment| segment.segment).collect();
    assert_eq!(numbers, (0..8).collect::<Vec<_>>());
    for segment in &segments {
        let added = of(Outcome::Added).filter(|r| r.segment == segment.segment);
        assert_eq!(
            (added.count(), segment.layers.len()),
            (segment.rung, segment.rung)
        );
        let whole = segment_bytes(folder.path(), &presentation, segment.segment, segment.rung);
        assert_eq!(joined(segment), samples(&whole));
    }
}

#[tokio::test]
async fn a_layer_that_is_gone_does_not_stop_the_rest() {
    let folder = TempDir::new().unwrap();
    publish_layered(folder.path(), 6);
    let gone = |path: &str, range: &str, _| {
        let media = !range.is_empty() && !range.starts_with("bytes=0-");
        let gone = path.ends_with("mini-l1-r2.mp4") && media && range.len() > 15;
        gone.then_some(Fault::Status(404))
    };
    let base = serve(folder.path(), Arc::new(gone)).await;
    let (played, segments) = play_layered(&format!("{base}manifest.mpd"), None).await;
    assert!(played.complete, "{:?}", played.error);
    assert_eq!(segments.len(), 6);
    let failed = played
        .log
        .requests
        .iter()
        .filter(|r| r.outcome == Outcome::Failed);
    assert!(failed.count() > 0 && segments.iter().any(|segment| segment.rung == 0));
}

/// The link of a second's drop to almost nothing at `at_s`.
fn cliff(at_s: f64) -> Link {
    let text = format!("time_s,kbps\n0,150\n{at_s},8\n{},150\n60,150\n", at_s + 3.0);
    Link::new(&Trace::parse("cliff", text.as_bytes()).unwrap(), 1.0)
}

#[tokio::test]
async fn what_came_of_an_abandoned_rung_is_shown() {
    let folder = TempDir::new().unwrap();
    let presentation = publish_fake(folder.path(), 8);
    let url = format!("{}manifest.mpd", serve_well(folder.path()).await);
    let mut setup = with(Abr::Throughput);
    setup.options.buffer_s = 3.0;
    setup.options.guards.insufficient_buffer = false;
    // A drop in the middle of a segment of the top rung, so that two of its four samples are here when
    // it is given up; where that is, the simulator knows.
    let (_, stream) = open(&url).await.unwrap();
    let halfway = |at_s: &f64| {
        let session = Session::new(Arc::clone(stream.ladder()), &setup.options);
        let log = driver::run(session, &cliff(*at_s)).log;
        let abandoned = |r: &&Request| r.outcome == Outcome::Abandoned;
        let mut abandoned = log.requests.iter().filter(abandoned);
        abandoned
            .next()
            .is_some_and(|r| (9500..12_000).contains(&r.bytes))
    };
    let mut places = (10..60).map(|tenth| f64::from(tenth) / 10.0);
    let at_s = places.find(halfway).unwrap();
    let (played, segments) = play_under(&url, &setup, Some(cliff(at_s))).await;
    assert!(played.complete, "{:?}", played.error);
    let at = segments.iter().position(|segment| !segment.whole).unwrap();
    let (part, rest) = (&segments[at], &segments[at + 1]);
    assert_eq!(part.segment, rest.segment);
    assert!(part.rung > rest.rung && rest.whole && part.skip_s == 0.0);
    // The first samples of the higher rung, to the byte, and then the lower one from there on.
    let media = read_partial(&part.bytes).unwrap();
    let ticks: u32 = media.samples.iter().map(|sample| sample.duration).sum();
    assert!((f64::from(ticks) / 24_000.0 - rest.skip_s).abs() < 1e-9);
    let whole = segment_bytes(folder.path(), &presentation, part.segment, part.rung);
    assert!(whole.starts_with(&part.bytes) && media.samples.len() >= 2);
    let numbers: Vec<usize> = segments.iter().map(|segment| segment.segment).collect();
    assert!(numbers.is_sorted(), "{numbers:?}");
    let shown_s: f64 = played.log.played_s.iter().sum();
    assert!((shown_s - 8.0).abs() < 1e-6, "{shown_s}");
    let plays = played.log.plays.iter();
    let plays = plays.filter(|play| play.segment == part.segment);
    let plays: Vec<usize> = plays.map(|play| play.rung).collect();
    assert_eq!(plays, [part.rung, rest.rung]);
}
