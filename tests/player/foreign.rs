//! Titles as others publish them: several BaseURLs, variables, timelines without a count, titles of
//! segments, web pages in place of manifests.

use super::*;
use promptus::manifest::{SegmentRef, dash, hls};

/// The MPD of the title in `folder`, in the segment-URL form.
fn mpd_of(folder: &TempDir) -> String {
    fs::read_to_string(folder.path().join("urls/manifest.mpd")).unwrap()
}

/// A server of `folder` with a `fault` by path, and the paths requested.
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
    let elements = bases.iter().map(|url| format!("<BaseURL>{url}</BaseURL>"));
    let (before, after) = mpd.split_once("<ServiceDescription").unwrap();
    let elements: String = elements.collect();
    format!("{before}{elements}<ServiceDescription{after}")
}

#[tokio::test]
async fn a_second_base_url_is_tried_when_the_first_fails_and_remembered() {
    let folder = published(6);
    let segments = mpd_of(&folder);
    let ranges = fs::read_to_string(folder.path().join("manifest.mpd")).unwrap();
    let (dead, asked) = watched(folder.path(), |_| Some(Fault::Status(404))).await;
    let live = serve_well(folder.path()).await;
    for (mpd, sub) in [(&segments, "urls/"), (&ranges, "")] {
        asked.lock().unwrap().clear();
        let (dead, live) = (format!("{dead}{sub}"), format!("{live}{sub}"));
        let text = based(mpd, &["http://127.0.0.1:9/", &dead, &live]);
        fs::write(folder.path().join("two.mpd"), text).unwrap();
        let base = serve_well(folder.path()).await;
        let (log, segments) = play_all(&format!("{base}two.mpd"), &with(Abr::Fixed(1))).await;
        assert_eq!(segments.len(), 6);
        let expected = [0, 1, 2, 3, 4, 5].map(|k| (k, 1, Outcome::Delivered));
        assert_eq!(decisions(&log), expected);
        // Only the first file of each rung was requested from the dead place.
        assert!(asked.lock().unwrap().len() <= 3, "{asked:?}");
    }
}

#[tokio::test]
async fn a_place_that_dies_while_a_title_plays_is_left() {
    let folder = published(6);
    let mpd = mpd_of(&folder);
    let late = |path: &str| {
        let mut names = ["/4.m4s", "/5.m4s", "/6.m4s"].iter();
        let gone = names.any(|name| path.ends_with(name));
        gone.then_some(Fault::Status(503))
    };
    let (first, asked) = watched(folder.path(), late).await;
    let live = serve_well(folder.path()).await;
    let text = based(&mpd, &[&format!("{first}urls/"), &format!("{live}urls/")]);
    fs::write(folder.path().join("two.mpd"), text).unwrap();
    let (_, segments) = play_all(&format!("{live}two.mpd"), &with(Abr::Fixed(2))).await;
    assert_eq!(segments.len(), 6);
    let asked = asked.lock().unwrap();
    let media = asked.iter().filter(|path| path.ends_with(".m4s")).count();
    assert_eq!(media, 4, "{asked:?}");
}

#[tokio::test]
async fn when_every_place_fails_the_last_is_named() {
    let folder = published(3);
    let dead = ["http://127.0.0.1:9/a/t/", "http://127.0.0.1:9/b/t/"];
    let text = based(&mpd_of(&folder), &dead);
    fs::write(folder.path().join("two.mpd"), text).unwrap();
    let base = serve_well(folder.path()).await;
    let message = failure(&format!("{base}two.mpd")).await;
    assert!(
        message.contains("127.0.0.1:9/b/") && message.contains("cannot connect"),
        "{message}"
    );
}

#[tokio::test]
async fn timelines_without_a_count_and_lists_play() {
    let folder = published(5);
    let mpd = mpd_of(&folder);
    let element = |name: &str| {
        let (begin, end) = (format!("<{name}"), format!("</{name}>"));
        &mpd[mpd.find(&begin).unwrap()..mpd.find(&end).unwrap() + end.len()]
    };
    let timeline = element("SegmentTimeline");
    let endless = "<SegmentTimeline><S t=\"0\" d=\"24000\" r=\"-1\"/></SegmentTimeline>";
    let nominal = mpd.replace(timeline, "");
    let nominal = nominal.replace("timescale=\"24000\"", "timescale=\"8\" duration=\"8\"");
    let urls = [1, 2, 3, 4, 5].map(|k| format!("<SegmentURL media=\"{k}.m4s\"/>"));
    let list = format!(
        "<SegmentList duration=\"1\"><Initialization sourceURL=\"init.mp4\"/>{}</SegmentList>",
        urls.concat()
    );
    for (name, text) in [
        ("r.mpd", mpd.replace(timeline, endless)),
        ("d.mpd", nominal),
        ("l.mpd", mpd.replace(element("SegmentTemplate"), &list)),
    ] {
        assert_ne!(text, mpd);
        fs::write(folder.path().join("urls").join(name), text).unwrap();
        let base = serve_well(folder.path()).await;
        let url = format!("{base}urls/{name}");
        let (_, segments) = play_all(&url, &with(Abr::Fixed(0))).await;
        assert_eq!(segments.len(), 5, "{name}");
        // A second of 24 frames; durations may be nominal, so half as many again are accepted.
        assert!(segments.iter().all(|s| s.most_frames == 37), "{name}");
    }
}

#[tokio::test]
async fn variables_and_titles_of_segments_play() {
    let folder = published(3);
    let urls = folder.path().join("urls");
    let master = fs::read_to_string(urls.join("master.m3u8")).unwrap();
    let (_, after) = master.split_once("\n../").unwrap();
    let (hash, _) = after.split_once('/').unwrap();
    let define = format!(
        "#EXT-X-VERSION:11\n#EXT-X-DEFINE:NAME=\"base\",VALUE=\"{hash}\"\n\
         #EXT-X-DEFINE:QUERYPARAM=\"end\""
    );
    let variables = master
        .replace(&format!("../{hash}/"), "../{$base}/")
        .replace(".m3u8\n", ".m3u8?name=1\n")
        .replace("#EXT-X-VERSION:7", &define);
    fs::write(urls.join("vars.m3u8"), variables).unwrap();
    let define =
        "#EXT-X-VERSION:11\n#EXT-X-DEFINE:IMPORT=\"end\"\n#EXT-X-DEFINE:QUERYPARAM=\"name\"";
    for rank in [1, 2, 4] {
        let name = format!("{hash}/mini-r{rank}/media.m3u8");
        let place = folder.path().join(name);
        let media = fs::read_to_string(&place).unwrap();
        let media = media
            .replace("#EXT-X-VERSION:7", define)
            .replace("1.000000,", "1.000000,Part one, the {$beginning}")
            .replace("\n1.m4s", "\n{$name}.{$end}");
        fs::write(&place, media).unwrap();
    }
    let url = format!("{}urls/vars.m3u8", serve_well(folder.path()).await);
    let (_, segments) = play_all(&format!("{url}?end=m%34s"), &with(Abr::Fixed(1))).await;
    assert_eq!(segments.len(), 3);
    fails(&url, "the parameter `end`").await;
}

#[tokio::test]
async fn a_page_and_other_texts_are_called_what_they_are() {
    let folder = published(3);
    let page = "<!DOCTYPE html>\n<html><body>Please sign in</body></html>";
    let write = |name: &str, bytes: &[u8]| fs::write(folder.path().join(name), bytes).unwrap();
    write("page.mpd", page.as_bytes());
    write("utf16.m3u8", b"\xff\xfe#\0E\0X\0T\0M\x003\0U\0");
    let master = fs::read_to_string(folder.path().join("master.m3u8")).unwrap();
    write("bom.m3u8", format!("\u{feff}{master}").as_bytes());
    let mut lines = master.lines();
    let inner = lines.find(|line| line.ends_with("mini-r1.m3u8")).unwrap();
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
        fails(&format!("{base}{name}"), expected).await;
    }
    write(inner, page.as_bytes());
    fails(
        &format!("{base}master.m3u8"),
        "mini-r1.m3u8: this is an HTML page",
    )
    .await;
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
    let lengths = |segments: &[SegmentRef], unit| -> Vec<u64> {
        let ticks = segments.iter().map(|segment| segment.duration.ticks);
        ticks.map(|ticks| ticks / unit).collect()
    };
    assert_eq!(lengths(&media.segments, 1000), [1000, 1000, 1000, 500]);
    let master = hls::Master::read("m", &text("define-name-value.m3u8")).unwrap();
    let urls = [3, 9].map(|rank| format!("a480ce4cdeed8d7a/mini-r{rank}.m3u8"));
    assert!(master.media().eq(urls));
    let mpd = dash::read("m", &text("timeline-r-minus-1.mpd")).unwrap();
    let segments = &mpd.groups[0].representations[0].segments;
    assert_eq!(lengths(segments, 10), [1000, 1000, 1000, 500]);
    assert_eq!(segments[3].url, "/dash/a480ce4cdeed8d7a/mini-r3/4.m4s");
}
