//! Folders with names of all kinds, links, entries that are not titles, and paths that try to leave
//! the root.

use crate::site::{Server, Site, header};
use crate::title;
use promptus::origin::{Origin, Settings};
use reqwest::redirect::Policy;
use serde_json::Value;
use std::fs;
use std::path::Path;

/// Valid names of titles.
const NAMES: [&str; 14] = [
    "Čáp & žába (2)",
    "Cafe\u{301} decomposed",
    "नमस्ते",
    "🎬👩‍👩‍👧",
    "a [1] {2}",
    "what?",
    "100%",
    "%41%2f",
    "nr #3",
    "#1",
    "R&B;x=y+z",
    "-dash ~tilde*",
    "Wait...",
    "a:b|c\"d'<e>^`",
];

fn texts(list: &Value, key: &str) -> Vec<String> {
    let list = list.as_array().unwrap().iter();
    list.map(|item| item[key].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn any_name_is_served_in_every_form() {
    let root = tempfile::tempdir().unwrap();
    let mut names = NAMES.map(str::to_owned).to_vec();
    names.push("é".repeat(127));
    for (seed, name) in names.iter().enumerate() {
        title::publish(root.path(), name, seed as u64, 500);
    }
    let server = Server::of(root.path()).await;
    let catalogue = server.json("/catalogue.json").await;
    names.sort();
    assert_eq!(texts(&catalogue["titles"], "name"), names);
    assert_eq!(catalogue["problems"], serde_json::json!([]));
    for title in catalogue["titles"].as_array().unwrap() {
        let url = |key: &str| format!("/{}", title[key].as_str().unwrap());
        for key in ["dash", "hls_segments", "dash_segments", "poster"] {
            assert!(!server.bytes(&url(key)).await.is_empty(), "{title}");
        }
        let hls = server.text(&url("hls")).await;
        let media = hls.lines().find(|line| line.ends_with(".m3u8")).unwrap();
        let rung = url("hls").replace("master.m3u8", media.trim_end_matches(".m3u8"));
        for part in [".m3u8", ".mp4", "/media.m3u8", "/init.mp4", "/3.m4s"] {
            let path = format!("{rung}{part}");
            assert!(!server.bytes(&path).await.is_empty(), "{path}");
        }
    }
}

#[cfg(unix)]
#[tokio::test]
async fn entries_that_cannot_be_served_are_listed_with_the_reason() {
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::symlink;
    let outer = tempfile::tempdir().unwrap();
    let root = outer.path().join("titles");
    title::publish(&root, "film", 1, 500);
    title::publish(outer.path(), "elsewhere", 2, 500);
    for name in [
        &b"caf\xe9"[..],
        b"a\nb",
        b"a\\b",
        b"_page",
        b".hidden",
        b"weights",
    ] {
        fs::create_dir(root.join(std::ffi::OsStr::from_bytes(name))).unwrap();
    }
    symlink(outer.path().join("elsewhere"), root.join("out")).unwrap();
    symlink(root.join("gone"), root.join("dangling")).unwrap();
    symlink("self", root.join("self")).unwrap();
    symlink("film", root.join("same")).unwrap();
    fs::write(root.join("notes\u{1}.txt"), "no folder").unwrap();
    let server = Server::of(&root).await;
    let catalogue = server.json("/catalogue.json").await;
    assert_eq!(texts(&catalogue["titles"], "name"), ["film", "same"]);
    let problems = &catalogue["problems"];
    let found = texts(problems, "name")
        .into_iter()
        .zip(texts(problems, "error"));
    let mut found: Vec<(String, String)> = found.collect();
    found.sort();
    let expected = [
        ("_page", "the origin uses this path itself"),
        ("a\\b", "it has a slash or backslash"),
        ("a\\nb", "it has a control character"),
        ("caf\u{fffd}", "it is not UTF-8"),
        ("dangling", "the link leads nowhere"),
        ("out", "the link leads out of the folder that is served"),
        ("self", "the link leads nowhere"),
    ];
    let expected = expected.map(|(name, problem)| (name.to_owned(), problem.to_owned()));
    assert_eq!(found, expected);
    assert_eq!(server.json("/readyz").await["titles"], 2);
    assert!(!server.bytes("/same/master.m3u8").await.is_empty());
    for path in [
        "/out/master.m3u8",
        "/caf%E9/master.m3u8",
        "/dangling/master.m3u8",
    ] {
        assert_eq!(server.status(path).await, 404, "{path}");
    }
}

#[tokio::test]
async fn a_folder_that_is_a_title_is_served_as_the_only_one() {
    let root = tempfile::tempdir().unwrap();
    let presentation = title::publish(root.path(), "my film", 1, 500);
    title::publish(root.path(), "other", 2, 500);
    fs::create_dir(root.path().join("weights")).unwrap();
    let server = Server::of(&root.path().join("my film")).await;
    let catalogue = server.json("/catalogue.json").await;
    assert_eq!(texts(&catalogue["titles"], "name"), ["my film"]);
    let rung = &presentation.groups[0].representations[0].url;
    for path in ["master.m3u8", "segments/manifest.mpd", "poster.jpg", rung] {
        let path = format!("/my%20film/{path}");
        assert!(!server.bytes(&path).await.is_empty(), "{path}");
    }
    for path in [
        "/other/master.m3u8",
        "/my%20film/../other/master.m3u8",
        "/master.m3u8",
    ] {
        assert_eq!(server.status(path).await, 404, "{path}");
    }
    let hidden = root.path().join(".hidden");
    title::publish(root.path(), ".hidden", 3, 500);
    let error = Origin::local(&hidden, Settings::default()).unwrap_err();
    assert!(error.to_string().contains("begins with a dot"), "{error}");
}

/// The status, and where a redirect leads.
async fn asked(server: &Server, path: &str) -> (u16, String) {
    let client = reqwest::Client::builder().redirect(Policy::none());
    let request = client.build().unwrap().get(server.url(path));
    let answer = request.send().await.unwrap();
    let place = match header(&answer, "location") {
        place if place.is_empty() => place,
        place => answer.url().join(&place).unwrap().path().to_owned(),
    };
    (answer.status().as_u16(), place)
}

#[tokio::test]
async fn repeated_and_missing_slashes_are_redirected() {
    let root = tempfile::tempdir().unwrap();
    title::publish(root.path(), "a b", 1, 500);
    let server = Server::of(root.path()).await;
    for (path, place) in [
        ("/a%20b", "/a%20b/"),
        ("/a%20b/", "/a%20b/master.m3u8"),
        ("//a%20b//master.m3u8", "/a%20b/master.m3u8"),
        (
            "/a%20b//segments///manifest.mpd",
            "/a%20b/segments/manifest.mpd",
        ),
    ] {
        assert_eq!(
            asked(&server, path).await,
            (308, place.to_owned()),
            "{path}"
        );
    }
    for path in [
        "/none",
        "/none/",
        "//none/x",
        "/a%20b//x",
        "/a%20b/segments/",
        "//",
        "/healthz/",
    ] {
        assert_eq!(asked(&server, path).await, (404, String::new()), "{path}");
    }
    assert!(server.text("/a%20b?max_rank=2").await.contains("mini-r2"));
    assert!(!server.text("/a%20b?max_rank=2").await.contains("mini-r8"));
}

#[tokio::test]
async fn problems_of_a_title_do_not_show_errors_of_the_store() {
    let site = Site::new().await;
    title::publish(site.root.path(), "a", 2, 500);
    site.probe.break_only(Some("a/master.m3u8"));
    let text = site.text("/catalogue.json").await;
    assert!(!text.contains("secret-host-7"), "{text}");
    let catalogue: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(texts(&catalogue["titles"], "name"), ["t"]);
    let problems = texts(&catalogue["problems"], "error");
    assert_eq!(problems, ["a/master.m3u8: the store failed"]);
    assert_eq!(site.status("/readyz").await, 200);
}

#[cfg(unix)]
#[tokio::test]
async fn a_folder_that_may_not_be_read_is_a_problem_of_its_own() {
    use std::os::unix::fs::PermissionsExt;
    let root = tempfile::tempdir().unwrap();
    title::publish(root.path(), "film", 1, 500);
    title::publish(root.path(), "shut", 2, 500);
    let shut = root.path().join("shut");
    let mode = |mode| fs::set_permissions(&shut, fs::Permissions::from_mode(mode)).unwrap();
    mode(0o000);
    // The superuser reads everything.
    let readable = fs::read_dir(Path::new(&shut)).is_ok();
    let server = Server::of(root.path()).await;
    let catalogue = server.json("/catalogue.json").await;
    mode(0o755);
    let titles = texts(&catalogue["titles"], "name");
    assert_eq!(titles.first().map(String::as_str), Some("film"));
    assert_eq!(titles.len(), if readable { 2 } else { 1 });
    assert_eq!(server.status("/readyz").await, 200);
}

#[tokio::test]
async fn no_request_leaves_the_root() {
    let outer = tempfile::tempdir().unwrap();
    fs::write(outer.path().join("secret.json"), "SECRET").unwrap();
    let root = outer.path().join("titles");
    title::publish(&root, "t", 1, 3000);
    fs::write(root.join("t/key.pem"), "SECRET").unwrap();
    fs::write(root.join("t/.hidden.json"), "SECRET").unwrap();
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(outer.path(), root.join("up")).unwrap();
        std::os::unix::fs::symlink(outer.path().join("secret.json"), root.join("t/link.json"))
            .unwrap();
    }
    let server = Server::of(&root).await;
    let paths = "
        /../secret.json /t/../../secret.json /t/%2e%2e/%2e%2e/secret.json /t/..%2f..%2fsecret.json
        /t/%252e%252e/secret.json /t/..\\..\\secret.json /t/..%5c..%5csecret.json
        /%2e%2e%2fsecret.json //secret.json //t//key.pem /t/\u{ff0e}\u{ff0e}/secret.json
        /t/secret.json%00.m3u8 /t/....//secret.json /up/secret.json /t/link.json /t/key.pem
        /t/.hidden.json /secret.json http://other/t/../../secret.json
    ";
    for path in paths.split_whitespace() {
        let (status, response) = server.raw_get(path).await;
        assert!([404, 400].contains(&status), "{path}: {response}");
        assert!(!response.contains("SECRET"), "{path}");
    }
}
