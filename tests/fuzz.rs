//! Parsers of foreign bytes meet spoilt input, and the origin spoilt requests: no panic, no hang.
//! Seeded; a second each. `tools/fuzz.sh` runs them for longer, in bounded memory.

#![allow(clippy::unwrap_used)]

#[path = "common/mutate.rs"]
mod mutate;
#[path = "common/title.rs"]
mod title;

use axum::body::Body;
use axum::http::{Method, Request, header};
use http_body_util::BodyExt;
use mutate::fuzz;
use promptus::manifest::dash;
use promptus::manifest::hls::{Master, Media};
use promptus::origin::{Origin, Settings, TokenKeys, router};
use promptus::segment::coded::CodedSegment;
use promptus::segment::file::MediaFile;
use promptus::segment::init::Init;
use promptus::segment::media::{read_media, read_partial, sample_ends};
use promptus::segment::sidx::SegmentIndex;
use promptus::segment::tree::box_tree;
use std::ops::Range;
use tower::ServiceExt;

/// The title's files with this ending.
fn files(suffix: &str) -> Vec<Vec<u8>> {
    let title = title::two_rungs(1).build().unwrap();
    let files = title.immutable.into_iter().chain(title.manifests);
    let files = files.filter(|file| file.name.ends_with(suffix));
    files.map(|file| file.bytes).collect()
}

/// A rung, and its parts.
fn rung() -> (Vec<u8>, MediaFile) {
    let file = files(".mp4").remove(0);
    let layout = MediaFile::read(&file, file.len() as u64).unwrap();
    (file, layout)
}

fn part(file: &[u8], range: &Range<u64>) -> Vec<u8> {
    file[range.start as usize..range.end as usize].to_vec()
}

#[test]
fn media_files() {
    fuzz(&files(".mp4"), |bytes| {
        let _ = MediaFile::read(bytes, bytes.len() as u64);
        let _ = box_tree(bytes);
        let _ = Init::read(bytes);
    });
}

#[test]
fn segments() {
    let (file, layout) = rung();
    let seeds = layout.segments.iter();
    let seeds: Vec<_> = seeds.map(|segment| part(&file, &segment.range)).collect();
    fuzz(&seeds, |bytes| {
        let _ = read_partial(bytes);
        let _ = sample_ends(bytes);
        if let Ok(media) = read_media(bytes) {
            let _ = CodedSegment::read(&layout.init.track, &media);
        }
    });
}

#[test]
fn indexes() {
    let (file, layout) = rung();
    fuzz(&[part(&file, &layout.index_range)], |bytes| {
        let _ = SegmentIndex::from_bytes(bytes);
    });
}

#[test]
fn playlists() {
    fuzz(&files(".m3u8"), |bytes| {
        let text = String::from_utf8_lossy(bytes);
        let _ = Master::read("m", &text);
        let _ = Media::read("m", &text, None);
    });
}

#[test]
fn mpds() {
    fuzz(&files(".mpd"), |bytes| {
        let _ = dash::read("m", &String::from_utf8_lossy(bytes));
    });
}

/// A request out of text: method and path, fields a line each, an empty line, the body. `None` where
/// no HTTP parser would take it.
fn request(text: &str) -> Option<Request<Body>> {
    let (head, body) = text.split_once("\n\n").unwrap_or((text, ""));
    let mut lines = head.lines();
    let (method, path) = lines.next()?.split_once(' ')?;
    let mut request = Request::builder().method(method).uri(path);
    for line in lines {
        let (name, value) = line.split_once(": ")?;
        request = request.header(name, value);
    }
    request.body(Body::from(body.to_owned())).ok()
}

#[test]
fn requests() {
    let root = tempfile::tempdir().unwrap();
    let title = title::put(&root.path().join("t"), &title::two_rungs(1));
    let key = TokenKeys::new(vec![b"a key of some length".to_vec()]).unwrap();
    let token = key.sign("t", 99_999_999_999).unwrap();
    let served = |token_keys: &TokenKeys| {
        let settings = Settings::default().with(|settings| {
            settings.token_keys = token_keys.clone();
            settings.cache_bytes = 8 << 20;
        });
        router(Origin::local(root.path(), settings).unwrap())
    };
    let routers = [served(&TokenKeys::default()), served(&key)];
    let hash = &title.hash;
    let seeds = [
        format!("GET /t/{hash}/mini-r2/1.m4s?CMCD=bl%3D100%2Csid%3D%22a%22\nrange: bytes=0-9\nif-range: \"a\""),
        format!("HEAD /t/{hash}/mini-r2.mp4\nif-none-match: \"a\", W/\"b\"\ncmcd-request: bl=100,su"),
        "GET /t/segments/manifest.mpd?max_rank=2&profile=mini\naccept-encoding: br;q=1, gzip;q=0.5\nif-modified-since: Sun, 06 Nov 1994 08:49:37 GMT".to_owned(),
        format!("GET {token}/t/master.m3u8\nif-match: *"),
        "OPTIONS /t/master.m3u8\norigin: https://a\naccess-control-request-method: GET".to_owned(),
        "POST /cmcd\ncontent-type: application/cmcd\n\ne=ps,sta=r,ts=1700000000123,v=2\ne=t,bl=(2000),v=2".to_owned(),
        "GET /steering.json?_HLS_pathway=%22.%22&session=0123456789abcdef".to_owned(),
        "GET /catalogue.json\nx-request-id: abc".to_owned(),
    ];
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().build().unwrap();
    fuzz(&seeds.map(String::into_bytes), |bytes| {
        let text = String::from_utf8_lossy(bytes);
        for router in &routers {
            let Some(request) = request(&text) else {
                return;
            };
            let head = request.method() == Method::HEAD;
            let answer = runtime.block_on(router.clone().oneshot(request)).unwrap();
            let (answer, body) = answer.into_parts();
            assert!(!answer.status.is_server_error(), "{}", answer.status);
            assert_eq!(answer.headers[header::ACCESS_CONTROL_ALLOW_ORIGIN], "*");
            let body = runtime.block_on(body.collect()).unwrap().to_bytes();
            let length = answer.headers.get(header::CONTENT_LENGTH);
            let length = length.and_then(|length| length.to_str().ok()?.parse().ok());
            assert!(head || length.is_none_or(|length: usize| length == body.len()));
        }
    });
}
