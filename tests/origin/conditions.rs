//! Entity tags, preconditions and content codings (RFC 9110 §8.8, §13, §12.5.3).

use crate::server::{header, with_title};
use crate::title;
use std::fs;
use std::time::{Duration, UNIX_EPOCH};

#[tokio::test]
async fn preconditions() {
    let (_root, presentation, server) = with_title().await;
    let media = format!("/t/{}", presentation.groups[0].representations[0].url);
    for path in [
        media.as_str(),
        "/t/master.m3u8",
        "/t/segments/master.m3u8",
        "/catalogue.json",
        "/",
    ] {
        let first = server.get(path, &[]).await;
        let etag = header(&first, "etag");
        assert!(etag.starts_with('"') && etag.len() > 20, "{path}: {etag}");
        let weak = format!("W/{etag}");
        let list = format!("\"x\", {etag}");
        for (name, value, status) in [
            ("if-none-match", etag.as_str(), 304),
            ("if-none-match", weak.as_str(), 304),
            ("if-none-match", list.as_str(), 304),
            ("if-none-match", "*", 304),
            ("if-none-match", "\"x\"", 200),
            ("if-match", etag.as_str(), 200),
            ("if-match", list.as_str(), 200),
            ("if-match", "*", 200),
            ("if-match", weak.as_str(), 412),
            ("if-match", "\"x\"", 412),
        ] {
            let response = server.get(path, &[(name, value)]).await;
            assert_eq!(response.status(), status, "{path} {name}: {value}");
            if status != 200 {
                assert_eq!(header(&response, "etag"), etag);
                assert_eq!(
                    header(&response, "cache-control"),
                    header(&first, "cache-control")
                );
                assert_eq!(header(&response, "vary"), header(&first, "vary"));
                assert!(response.bytes().await.unwrap().is_empty());
            }
        }
    }
}

#[tokio::test]
async fn a_precondition_comes_before_a_range() {
    let (_root, presentation, server) = with_title().await;
    let path = format!("/t/{}", presentation.groups[0].representations[0].url);
    let etag = header(&server.get(&path, &[]).await, "etag");
    let beyond = ("range", "bytes=99999999-");
    let response = server.get(&path, &[("if-none-match", &etag), beyond]).await;
    assert_eq!(response.status(), 304);
    let response = server.get(&path, &[("if-match", "\"x\""), beyond]).await;
    assert_eq!(response.status(), 412);
    let response = server
        .get(&path, &[("if-match", &etag), ("range", "bytes=0-0")])
        .await;
    assert_eq!(response.status(), 206);
}

#[tokio::test]
async fn media_is_immutable_and_manifests_are_not() {
    let (_root, presentation, server) = with_title().await;
    let url = &presentation.groups[0].representations[0].url;
    let folder = url.trim_end_matches(".mp4");
    for path in [
        format!("/t/{url}"),
        format!("/t/{folder}/1.m4s"),
        format!("/t/{folder}/init.mp4"),
        format!("/t/{folder}.m3u8"),
    ] {
        let response = server.get(&path, &[]).await;
        assert_eq!(
            header(&response, "cache-control"),
            "public, max-age=31536000, immutable",
            "{path}"
        );
    }
    for path in [
        "/t/master.m3u8",
        "/t/manifest.mpd",
        "/t/segments/master.m3u8",
        "/t/quality.json",
        &format!("/t/{folder}/media.m3u8"),
    ] {
        let response = server.get(path, &[]).await;
        assert_eq!(
            header(&response, "cache-control"),
            "public, max-age=10, stale-while-revalidate=60, stale-if-error=86400",
            "{path}"
        );
    }
}

#[tokio::test]
async fn every_coding_has_a_tag_of_its_own() {
    let (_root, presentation, server) = with_title().await;
    let path = "/t/segments/master.m3u8";
    let plain = server.get(path, &[]).await;
    let plain_tag = header(&plain, "etag");
    assert_eq!(header(&plain, "vary"), "accept-encoding");
    let plain_size = plain.bytes().await.unwrap().len();
    let mut tags = vec![plain_tag.clone()];
    for coding in ["br", "gzip", "zstd"] {
        let accept = ("accept-encoding", coding);
        let response = server.get(path, &[accept]).await;
        assert_eq!(header(&response, "content-encoding"), coding);
        assert_eq!(header(&response, "vary"), "accept-encoding");
        assert_eq!(header(&response, "accept-ranges"), "");
        let etag = header(&response, "etag");
        assert!(!tags.contains(&etag), "{coding}: {etag}");
        let again = server.get(path, &[accept, ("if-none-match", &etag)]).await;
        assert_eq!(
            (again.status().as_u16(), header(&again, "etag")),
            (304, etag.clone())
        );
        assert_eq!(header(&again, "vary"), "accept-encoding");
        let other = server
            .get(path, &[accept, ("if-none-match", &plain_tag)])
            .await;
        assert_eq!(other.status(), 200);
        assert!(response.bytes().await.unwrap().len() < plain_size);
        tags.push(etag);
    }
    let fields = [("accept-encoding", "br"), ("range", "bytes=0-6")];
    let part = server.get(path, &fields).await;
    assert_eq!(
        (part.status().as_u16(), header(&part, "content-encoding")),
        (206, String::new())
    );
    assert_eq!(part.bytes().await.unwrap(), "#EXTM3U");
    let media = format!("/t/{}", presentation.groups[0].representations[0].url);
    let media = server.get(&media, &[("accept-encoding", "br, gzip")]).await;
    assert_eq!(
        (header(&media, "content-encoding"), header(&media, "vary")),
        (String::new(), String::new())
    );
}

#[tokio::test]
async fn replicas_agree_on_tags_and_new_content_gets_a_new_one() {
    let (root, presentation, server) = with_title().await;
    let copy = tempfile::tempdir().unwrap();
    title::publish(copy.path(), "t", 1, 3000);
    let replica = crate::server::Server::of(copy.path()).await;
    let media = format!("/t/{}", presentation.groups[0].representations[0].url);
    for path in ["/t/master.m3u8", media.as_str(), "/t/segments/manifest.mpd"] {
        let (here, there) = (server.get(path, &[]).await, replica.get(path, &[]).await);
        assert_eq!(header(&here, "etag"), header(&there, "etag"), "{path}");
    }
    let before = header(&server.get("/t/quality.json", &[]).await, "etag");
    fs::write(root.path().join("t/quality.json"), "{}").unwrap();
    tokio::time::sleep(std::time::Duration::from_millis(1500)).await;
    let after = server
        .get("/t/quality.json", &[("if-none-match", &before)])
        .await;
    assert_eq!(after.status(), 200);
    assert_ne!(header(&after, "etag"), before);
}

#[tokio::test]
async fn replicas_agree_on_dates_whatever_their_files_say() {
    let (root, presentation, server) = with_title().await;
    let copy = tempfile::tempdir().unwrap();
    title::publish(copy.path(), "t", 1, 3000);
    let rung = &presentation.groups[0].representations[0].url;
    let names = ["master.m3u8", "manifest.mpd", "published.json", rung];
    for (index, name) in names.iter().enumerate() {
        let path = copy.path().join("t").join(name);
        let file = fs::File::options().append(true).open(path).unwrap();
        let time = UNIX_EPOCH + Duration::from_secs(1_000_000_000 * (1 + index as u64 % 2));
        file.set_modified(time).unwrap();
    }
    let replica = crate::server::Server::of(copy.path()).await;
    let segment = format!("/t/{}/1.m4s", rung.replace(".mp4", ""));
    let media = format!("/t/{rung}");
    for path in [
        "/t/master.m3u8",
        "/t/manifest.mpd",
        "/t/segments/manifest.mpd",
        "/t/master.m3u8?max_rank=2",
        "/t/poster.jpg",
        &media,
        &segment,
    ] {
        for server in [&server, &replica] {
            let date = header(&server.get(path, &[]).await, "last-modified");
            assert_eq!(date, "Thu, 01 Jan 2026 00:00:00 GMT", "{path}");
        }
    }
    // Of content that its title does not date, no date is known.
    fs::write(root.path().join("t/quality.json"), "{}").unwrap();
    let undated = title::publish(root.path(), "u", 3, 3000);
    fs::remove_file(root.path().join("u/published.json")).unwrap();
    let media = format!("/u/{}", undated.groups[0].representations[0].url);
    for path in ["/t/quality.json", "/u/master.m3u8", &media] {
        assert_eq!(header(&server.get(path, &[]).await, "last-modified"), "");
    }
}

#[tokio::test]
async fn dates_are_a_validator_too() {
    let (_root, presentation, server) = with_title().await;
    let media = format!("/t/{}", presentation.groups[0].representations[0].url);
    let segment = media.replace(".mp4", "/1.m4s");
    for path in [
        media.as_str(),
        &segment,
        "/t/master.m3u8",
        "/t/segments/manifest.mpd",
    ] {
        let date = header(&server.get(path, &[]).await, "last-modified");
        assert!(date.ends_with(" GMT"), "{path}: {date}");
        for (name, value, status) in [
            ("if-modified-since", date.as_str(), 304),
            ("if-modified-since", "Sun, 06 Nov 1994 08:49:37 GMT", 200),
            ("if-modified-since", "nonsense", 200),
            ("if-unmodified-since", date.as_str(), 200),
            ("if-unmodified-since", "Sun, 06 Nov 1994 08:49:37 GMT", 412),
        ] {
            let answer = server.get(path, &[(name, value)]).await;
            assert_eq!(answer.status(), status, "{path} {name}: {value}");
            assert_eq!(header(&answer, "last-modified"), date, "{path} {name}");
        }
        let both = [
            ("if-none-match", "\"x\""),
            ("if-modified-since", date.as_str()),
        ];
        assert_eq!(server.get(path, &both).await.status(), 200, "{path}");
    }
    for (path, status) in [(media.as_str(), 206), ("/t/master.m3u8", 200)] {
        let date = header(&server.get(path, &[]).await, "last-modified");
        let fields = [("range", "bytes=0-9"), ("if-range", date.as_str())];
        assert_eq!(server.get(path, &fields).await.status(), status, "{path}");
        let other = [fields[0], ("if-range", "Sun, 06 Nov 1994 08:49:37 GMT")];
        assert_eq!(server.get(path, &other).await.status(), 200, "{path}");
    }
}
