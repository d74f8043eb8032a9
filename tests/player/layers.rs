//! Segments in parts: a base and layers, and what an abandoned transfer leaves.

use super::fake_title::publish_layered;
use super::*;
use bytes::Bytes;
use promptus::package::join;
use promptus::playback::locate;
use promptus::segment::Track;
use promptus::segment::coded::CodedSegment;
use promptus::segment::init::read_init;
use promptus::segment::media::{read_media, read_partial};

/// A segment's parts as one: the samples of the rung that they make.
fn joined(segment: &Segment) -> Vec<Bytes> {
    let files = [&segment.bytes].into_iter().chain(&segment.layers);
    let tracks = segment.inits.iter().map(|init| read_init(init).unwrap());
    let part = |(track, bytes): (Track, &Bytes)| {
        let media = read_media(bytes).unwrap();
        let coded = CodedSegment::read(&track, &media).unwrap();
        (track, coded)
    };
    let parts: Vec<(Track, CodedSegment)> = tracks.zip(files).map(part).collect();
    let parts: Vec<_> = parts.iter().map(|(track, part)| (track, part)).collect();
    let (track, whole) = join(&parts).unwrap();
    samples(&whole.write(&track, 1, 0).unwrap())
}

fn samples(segment: &[u8]) -> Vec<Bytes> {
    let samples = read_media(segment).unwrap().samples.into_iter();
    samples.map(|sample| sample.data).collect()
}

async fn open_layered(url: &str) -> Result<(Client, Stream), FetchError> {
    let client = Client::new(hasty()).unwrap();
    let stream = Title::open(&client, url).await?;
    let stream = stream.stream(&client, 0, Layers::On).await?;
    Ok((client, stream))
}

async fn play_layered(url: &str, link: Option<Link>) -> (Log, Vec<Segment>) {
    let opened = open_layered(url).await.unwrap();
    let (played, segments) = play_opened(opened, &Setup::default(), link).await;
    assert!(played.complete, "{url}: {:?}", played.error);
    (played.log, segments)
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
        let (log, segments) = play_layered(&url, None).await;
        assert_eq!(numbers(&segments), (0..10).collect::<Vec<_>>(), "{url}");
        // The first segment plays as soon as its base has arrived; later ones get all layers.
        assert_eq!((segments[0].rung, segments[9].rung), (0, 2), "{url}");
        for segment in &segments {
            assert_eq!(segment.layers.len(), segment.rung);
            let whole = segment_bytes(&title, &presentation, segment.segment, segment.rung);
            assert!(joined(segment) == samples(&whole), "{url}");
        }
        let added: usize = rungs_of(&segments).iter().sum();
        assert_eq!(count_of(&log, Outcome::Added), added);
    }
    let plain = open_layered(&format!("{files}master.m3u8")).await;
    let error = plain.unwrap_err().to_string();
    assert!(error.contains("names no layers"), "{error}");
}

#[tokio::test]
async fn a_layer_that_comes_too_late_leaves_those_below_it() {
    let folder = TempDir::new().unwrap();
    let presentation = publish_layered(folder.path(), 8);
    let base = serve_well(folder.path()).await;
    // Fast until the last base has arrived, then hardly anything.
    let cliff = link("time_s,kbps\n0,420\n1.3,6\n60,6\n");
    let (log, segments) = play_layered(&format!("{base}manifest.mpd"), Some(cliff)).await;
    assert!(count_of(&log, Outcome::Abandoned) > 0 && count_of(&log, Outcome::Added) > 0);
    assert_eq!(numbers(&segments), (0..8).collect::<Vec<_>>());
    for segment in &segments {
        let (added, requests) = ((segment.segment, Outcome::Added), log.requests.iter());
        let added = requests.filter(|r| (r.segment, r.outcome) == added);
        assert_eq!(added.count(), segment.rung);
        assert_eq!(segment.layers.len(), segment.rung);
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
    let (log, segments) = play_layered(&format!("{base}manifest.mpd"), None).await;
    assert_eq!(segments.len(), 6);
    assert!(count_of(&log, Outcome::Failed) > 0 && rungs_of(&segments).contains(&0));
}

/// A link that drops to almost nothing at `at_s`, for three seconds.
fn cliff(at_s: f64) -> Link {
    let over_s = at_s + 3.0;
    link(&format!(
        "time_s,kbps\n0,150\n{at_s},8\n{over_s},150\n60,150\n"
    ))
}

#[tokio::test]
async fn the_samples_of_an_abandoned_rung_are_shown() {
    let folder = TempDir::new().unwrap();
    let presentation = publish_fake(folder.path(), 8);
    let url = format!("{}manifest.mpd", serve_well(folder.path()).await);
    let mut setup = with(Abr::Throughput);
    setup.options.buffer_s = 3.0;
    setup.options.guards.insufficient_buffer = false;
    // A drop in the middle of a segment of the top rung, found by simulation, so that two of its four
    // samples have arrived when it is abandoned.
    let (_, stream) = open(&url).await.unwrap();
    let halfway = |at_s: &f64| {
        let session = Session::new(Arc::clone(stream.ladder()), &setup.options);
        let log = driver::run(session, &cliff(*at_s)).log;
        let mut requests = log.requests.iter();
        let abandoned = requests.find(|r| r.outcome == Outcome::Abandoned);
        abandoned.is_some_and(|r| (9500..12_000).contains(&r.bytes))
    };
    let mut places = (10..60).map(|tenth| f64::from(tenth) / 10.0);
    let at_s = places.find(halfway).unwrap();
    let (log, segments) = play_under(&url, &setup, Some(cliff(at_s))).await;
    let at = segments.iter().position(|segment| !segment.whole).unwrap();
    let (part, rest) = (&segments[at], &segments[at + 1]);
    assert_eq!(part.segment, rest.segment);
    assert!(part.rung > rest.rung && rest.whole && part.skip_s == 0.0);
    // The first samples of the higher rung, to the byte, and then the lower one from there on.
    let media = read_partial(&part.bytes).unwrap();
    let ticks: u32 = media.samples.iter().map(|sample| sample.duration).sum();
    near(f64::from(ticks) / 24_000.0, rest.skip_s, 1e-9);
    let whole = segment_bytes(folder.path(), &presentation, part.segment, part.rung);
    assert!(whole.starts_with(&part.bytes) && media.samples.len() >= 2);
    assert!(numbers(&segments).is_sorted());
    near(log.played_s.iter().sum(), 8.0, 1e-6);
    let plays = log.plays.iter();
    let plays = plays.filter(|play| play.segment == part.segment);
    let plays: Vec<usize> = plays.map(|play| play.rung).collect();
    assert_eq!(plays, [part.rung, rest.rung]);
}
