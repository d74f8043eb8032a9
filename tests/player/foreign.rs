//! Titles as others publish them: several BaseURLs, variables, timelines without a count, titles of
//! segments, web pages in place of manifests.

use super::*;
use promptus::manifest::{dash, hls};

/// A title in the segment-URL form under `folder`, and the MPD of it.
fn published(folder: &TempDir, seconds: u32) -> String {
    publish_fake(folder.path(), seconds);
    fs::read_to_string(folder.path().join("urls/manifest.mpd")).unwrap()
}

/// A server of `folder` whose answers are spoilt as `fault` says, and the paths that it was asked for.
async fn watched(
    folder: &Path,
    fault: impl Fn(&str) -> Option<Fault> + Send + Sync + 'static,
) -> (String, Arc<Mutex<Vec<String>>>) {
    let asked: Arc<Mutex<Vec<String>>> = Arc::default();
    let noted = Arc::clone(&asked);
    let spoil = move |path: &str, _: &str, _: usize| {
        noted.lock().unwrap().push(path.to_owned());
        fault(path)
    };
    (serve(folder, Arc::new(spoil)).await, asked)
}

/// `mpd` with these BaseURLs at its top.
fn based(mpd: &str, bases: &[&str]) -> String {
    let elements: String = bases
        .iter()
        .map(|url| format!("<BaseURL>{url}</BaseURL>"))
        .collect();
    mpd.replacen(
        "<ServiceDescription",
        &format!("{elements}<ServiceDescription"),
        1,
    )
}

#[tokio::test]
async fn a_second_base_url_is_tried_when_the_first_fails_and_remembered() {
    let folder = TempDir::new().unwrap();
    let segments = published(&folder, 6);
    let ranges = fs::read_to_string(folder.path().join("manifest.mpd")).unwrap();
    let (dead, asked) = watched(folder.path(), |_| Some(Fault::Status(404))).await;
    let live = serve_well(folder.path()).await;
    for (mpd, sub) in [(&segments, "urls/"), (&ranges, "")] {
        asked.lock().unwrap().clear();
        let (dead, live) = (format!("{dead}{sub}"), format!("{live}{sub}"));
        let text = based(mpd, &["http://127.0.0.1:9/", &dead, &live]);
        fs::write(folder.path().join("two.mpd"), text).unwrap();
        let base = serve_well(folder.path()).await;
        let (played, segments) = play_all(&format!("{base}two.mpd"), &with(Abr::Fixed(1))).await;
        assert!(played.complete, "{:?}", played.error);
        assert_eq!(segments.len(), 6);
        let expected: Vec<_> = (0..6).map(|k| (k, 1, Outcome::Delivered)).collect();
        assert_eq!(decisions(&played.log), expected);
        // Only the first file, one a rung at a time, was looked for in the dead place.
        assert!(asked.lock().unwrap().len() <= 3, "{asked:?}");
    }
}

#[tokio::test]
async fn a_place_that_dies_while_a_title_plays_is_left() {
    let folder = TempDir::new().unwrap();
    let mpd = published(&folder, 6);
    let late = |path: &str| {
        let gone = ["/4.m4s", "/5.m4s", "/6.m4s"]
            .iter()
            .any(|name| path.ends_with(name));
        gone.then_some(Fault::Status(503))
    };
    let (first, asked) = watched(folder.path(), late).await;
    let live = serve_well(folder.path()).await;
    let text = based(&mpd, &[&format!("{first}urls/"), &format!("{live}urls/")]);
    fs::write(folder.path().join("two.mpd"), text).unwrap();
    let (played, segments) = play_all(&format!("{live}two.mpd"), &with(Abr::Fixed(2))).await;
    assert!(played.complete, "{:?}", played.error);
    assert_eq!(segments.len(), 6);
    let asked = asked.lock().unwrap();
    let media = asked.iter().filter(|path| path.ends_with(".m4s")).count();
    assert_eq!(media, 4, "{asked:?}");
}

#[tokio::test]
async fn when_every_place_fails_the_last_is_named() {
    let folder = TempDir::new().unwrap();
    let mpd = published(&folder, 3);
    let dead = ["http://127.0.0.1:9/a/t/", "http://127.0.0.1:9/b/t/"];
    fs::write(folder.path().join("two.mpd"), based(&mpd, &dead)).unwrap();
    let base = serve_well(folder.path()).await;
    let message = failure(&format!("{base}two.mpd")).await;
    assert!(
        message.contains("127.0.0.1:9/b/") && message.contains("cannot connect"),
        "{message}"
    );
}

#[tokio::test]
async fn timelines_without_a_count_and_lists_play() {
    let folder = TempDir::new().unwrap();
    let mpd = published(&folder, 5);
    let begin = mpd.find("<SegmentTimeline>").unwrap();
    let end = mpd.find("</SegmentTimeline>").unwrap() + "</SegmentTimeline>".len();
    let timeline = &mpd[begin..end];
    let endless = "<SegmentTimeline><S t=\"0\" d=\"24000\" r=\"-1\"/></SegmentTimeline>";
    let template = mpd.find("<SegmentTemplate").unwrap();
    let after = mpd.find("</SegmentTemplate>").unwrap() + "</SegmentTemplate>".len();
    let urls: String = (1..=5)
        .map(|k| format!("<SegmentURL media=\"{k}.m4s\"/>"))
        .collect();
    let list = format!(
        "<SegmentList duration=\"1\"><Initialization sourceURL=\"init.mp4\"/>{urls}</SegmentList>"
    );
    for (name, text) in [
        ("r.mpd", mpd.replace(timeline, endless)),
        (
            "d.mpd",
            mpd.replace(timeline, "")
                .replace("timescale=\"24000\"", "timescale=\"8\" duration=\"8\""),
        ),
        ("l.mpd", mpd.replace(&mpd[template..after], &list)),
    ] {
        assert_ne!(text, mpd);
        fs::write(folder.path().join("urls").join(name), text).unwrap();
        let base = serve_well(folder.path()).await;
        let url = format!("{base}urls/{name}");
        let (played, segments) = play_all(&url, &with(Abr::Fixed(0))).await;
        assert!(played.complete, "{name}: {:?}", played.error);
        assert_eq!(segments.len(), 5, "{name}");
        // A second of 24 frames; durations may be nominal, so half as many again are let through.
        assert!(
            segments.iter().all(|segment| segment.most_frames == 37),
            "{name}"
        );
    }
}

#[tokio::test]
async fn variables_and_titles_of_segments_play() {
    let folder = TempDir::new().unwrap();
    published(&folder, 3);
    let urls = folder.path().join("urls");
    let master = fs::read_to_string(urls.join("master.m3u8")).unwrap();
    let (hash, _) = master
        .lines()
        .find_map(|line| line.strip_prefix("../"))
        .unwrap()
        .split_once('/')
        .unwrap();
    let master = master
        .replace(&format!("../{hash}/"), "../{$base}/")
        .replace(".m3u8\n", ".m3u8?name=1\n")
        .replace(
            "#EXT-X-VERSION:7",
            &format!(
                "#EXT-X-VERSION:11\n#EXT-X-DEFINE:NAME=\"base\",VALUE=\"{hash}\"\n\
                      #EXT-X-DEFINE:QUERYPARAM=\"end\""
            ),
        );
    fs::write(urls.join("vars.m3u8"), &master).unwrap();
    for rank in [1, 2, 4] {
        let place = folder
            .path()
            .join(hash)
            .join(format!("mini-r{rank}/media.m3u8"));
        let media = fs::read_to_string(&place).unwrap();
        let media = media
            .replace(
                "#EXT-X-VERSION:7",
                "#EXT-X-VERSION:11\n#EXT-X-DEFINE:IMPORT=\"end\"\n#EXT-X-DEFINE:QUERYPARAM=\"name\"",
            )
            .replace("1.000000,", "1.000000,Part one, the {$beginning}")
            .replace("\n1.m4s", "\n{$name}.{$end}");
        fs::write(&place, media).unwrap();
    }
    let base = serve_well(folder.path()).await;
    let url = format!("{base}urls/vars.m3u8?end=m%34s");
    let (played, segments) = play_all(&url, &with(Abr::Fixed(1))).await;
    assert!(played.complete && segments.len() == 3, "{:?}", played.error);
    let message = failure(&format!("{base}urls/vars.m3u8")).await;
    assert!(message.contains("the parameter `end`"), "{message}");
}

#[tokio::test]
async fn a_page_and_other_texts_are_called_what_they_are() {
    let folder = TempDir::new().unwrap();
    published(&folder, 3);
    let page = "<!DOCTYPE html>\n<html><body>Please sign in</body></html>";
    let write = |name: &str, bytes: &[u8]| fs::write(folder.path().join(name), bytes).unwrap();
    write("page.mpd", page.as_bytes());
    write("utf16.m3u8", b"\xff\xfe#\0E\0X\0T\0M\x003\0U\0");
    let master = fs::read_to_string(folder.path().join("master.m3u8")).unwrap();
    write("bom.m3u8", format!("\u{feff}{master}").as_bytes());
    let inner = master
        .lines()
        .find(|line| line.ends_with("mini-r1.m3u8"))
        .unwrap();
    let base = serve_well(folder.path()).await;
    for (name, expected) in [
        ("page.mpd", "page.mpd: this is an HTML page"),
        ("utf16.m3u8", "a byte order mark of UTF-16"),
        (
            "bom.m3u8",
            "begins with a byte order mark, which HLS forbids",
        ),
        (inner, "expected a multivariant playlist"),
    ] {
        let message = failure(&format!("{base}{name}")).await;
        assert!(message.contains(expected), "{name}: {message}");
    }
    write(inner, page.as_bytes());
    let message = failure(&format!("{base}master.m3u8")).await;
    assert!(
        message.contains("mini-r1.m3u8: this is an HTML page"),
        "{message}"
    );
}

#[test]
fn the_given_examples_are_read() {
    let shared = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/inputs");
    if !shared.is_dir() {
        eprintln!("skipped: needs ../shared");
        return;
    }
    let text = |name: &str| fs::read_to_string(shared.join(name)).unwrap();
    let media = hls::Media::read("m", &text("extinf-title-with-comma.m3u8"), None).unwrap();
    let lengths: Vec<u64> = media
        .segments
        .iter()
        .map(|s| s.duration.ticks / 1000)
        .collect();
    assert_eq!(lengths, [1000, 1000, 1000, 500]);
    let master = hls::Master::read("m", &text("define-name-value.m3u8")).unwrap();
    let urls = [
        "a480ce4cdeed8d7a/mini-r3.m3u8",
        "a480ce4cdeed8d7a/mini-r9.m3u8",
    ];
    assert_eq!(master.media().collect::<Vec<_>>(), urls);
    let mpd = dash::read("m", &text("timeline-r-minus-1.mpd")).unwrap();
    let segments = &mpd.groups[0].representations[0].segments;
    let lengths: Vec<u64> = segments.iter().map(|s| s.duration.ticks / 10).collect();
    assert_eq!(lengths, [1000, 1000, 1000, 500]);
    assert_eq!(segments[3].url, "/dash/a480ce4cdeed8d7a/mini-r3/4.m4s");
}
