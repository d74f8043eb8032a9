//! Folders with names of all kinds, links, entries that are not titles, and paths that try to leave
//! the root.

use crate::catalogue::texts;
use crate::site::{Answer, Server, Site};
use crate::title;
use promptus::origin::{Origin, Settings};
use std::fs;
#[cfg(unix)]
use std::os::unix::fs::symlink;

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

#[tokio::test]
async fn any_name_is_served_in_every_form() {
    let root = tempfile::tempdir().unwrap();
    let mut names = NAMES.map(str::to_owned).to_vec();
    names.push("é".repeat(127));
    for (seed, name) in (0..).zip(&names) {
        title::publish(root.path(), name, seed, 500);
    }
    let server = Server::of(root.path()).await;
    let catalogue = server.json("/catalogue.json").await;
    names.sort();
    assert_eq!(texts(&catalogue["titles"], "name"), names);
    assert_eq!(catalogue["problems"], serde_json::json!([]));
    for title in catalogue["titles"].as_array().unwrap() {
        let url = |key: &str| format!("/{}", title[key].as_str().unwrap());
        for key in ["dash", "hls_segments", "dash_segments", "poster"] {
            server.bytes(&url(key)).await;
        }
        let hls = server.text(&url("hls")).await;
        let media = hls.lines().find(|line| line.ends_with(".m3u8")).unwrap();
        let rung = url("hls").replace("master.m3u8", media.trim_end_matches(".m3u8"));
        for part in [".m3u8", ".mp4", "/media.m3u8", "/init.mp4", "/3.m4s"] {
            server.bytes(&format!("{rung}{part}")).await;
        }
    }
}

#[cfg(unix)]
#[tokio::test]
async fn entries_that_cannot_be_served_are_listed_with_the_reason() {
    use std::os::unix::ffi::OsStrExt;
    let outer = tempfile::tempdir().unwrap();
    let root = outer.path().join("titles");
    title::publish(&root, "film", 1, 500);
    title::publish(outer.path(), "elsewhere", 2, 500);
    let names = [
        &b"caf\xe9"[..],
        b"a\nb",
        b"a\\b",
        b"_page",
        b".hidden",
        b"weights",
    ];
    for name in names {
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
    let (names, errors) = (texts(problems, "name"), texts(problems, "error"));
    let found = names.into_iter().zip(errors);
    let found = found.map(|(name, error)| format!("{name}: {error}"));
    let mut found: Vec<String> = found.collect();
    found.sort();
    let expected = [
        "_page: the origin uses this path itself",
        "a\\b: it has a slash or backslash",
        "a\\nb: it has a control character",
        "caf\u{fffd}: it is not UTF-8",
        "dangling: the link leads nowhere",
        "out: the link leads out of the folder that is served",
        "self: the link leads nowhere",
    ];
    assert_eq!(found, expected);
    assert_eq!(server.json("/readyz").await["titles"], 2);
    let rows = "
        200 /same/master.m3u8
        404 /out/master.m3u8
        404 /caf%E9/master.m3u8
        404 /dangling/master.m3u8
    ";
    server.expect(rows).await;
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
    let rows = "
        200 /my%20film/master.m3u8
        200 /my%20film/segments/manifest.mpd
        200 /my%20film/poster.jpg
        200 /my%20film/RUNG
        404 /other/master.m3u8
        404 /my%20film/../other/master.m3u8
        404 /master.m3u8
    ";
    let rung = title::first(&presentation);
    server.expect(&rows.replace("RUNG", rung)).await;
    title::publish(root.path(), ".hidden", 3, 500);
    let hidden = root.path().join(".hidden");
    let error = Origin::local(&hidden, Settings::default()).unwrap_err();
    assert!(error.to_string().contains("begins with a dot"), "{error}");
}

#[tokio::test]
async fn repeated_and_missing_slashes_are_redirected() {
    let root = tempfile::tempdir().unwrap();
    title::publish(root.path(), "a b", 1, 500);
    let server = Server::of(root.path()).await;
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none());
    let client = client.build().unwrap();
    for (path, place) in [
        ("/a%20b", "/a%20b/"),
        ("/a%20b/", "/a%20b/master.m3u8"),
        ("//a%20b//master.m3u8", "/a%20b/master.m3u8"),
        (
            "/a%20b//segments///manifest.mpd",
            "/a%20b/segments/manifest.mpd",
        ),
    ] {
        let url = reqwest::Url::parse(&server.url(path)).unwrap();
        let answer = Answer::to(client.get(url.clone())).await;
        let leads = url.join(answer.field("location")).unwrap();
        assert_eq!((answer.status, leads.path()), (308, place), "{path}");
    }
    let absent = "/none /none/ //none/x /a%20b//x /a%20b/segments/ // /healthz/";
    for path in absent.split(' ') {
        server.expect(&format!("404 {path} => location:")).await;
    }
    assert!(server.text("/a%20b?max_rank=2").await.contains("mini-r2"));
    assert!(!server.text("/a%20b?max_rank=2").await.contains("mini-r8"));
}

#[tokio::test]
async fn problems_of_a_title_do_not_show_errors_of_the_store() {
    let site = Site::new().await;
    title::publish(site.root.path(), "a", 2, 500);
    site.probe.break_only(Some("a/master.m3u8"));
    let catalogue = site.json("/catalogue.json").await;
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
    let readable = fs::read_dir(&shut).is_ok();
    let server = Server::of(root.path()).await;
    let catalogue = server.json("/catalogue.json").await;
    mode(0o755);
    let expected = &["film", "shut"][..1 + usize::from(readable)];
    assert_eq!(texts(&catalogue["titles"], "name"), expected);
    assert_eq!(server.status("/readyz").await, 200);
}

#[tokio::test]
async fn no_request_leaves_the_root() {
    let outer = tempfile::tempdir().unwrap();
    let secret = outer.path().join("secret.json");
    let root = outer.path().join("titles");
    title::publish(&root, "t", 1, 3000);
    for file in [
        &secret,
        &root.join("t/key.pem"),
        &root.join("t/.hidden.json"),
    ] {
        fs::write(file, "SECRET").unwrap();
    }
    #[cfg(unix)]
    {
        symlink(outer.path(), root.join("up")).unwrap();
        symlink(&secret, root.join("t/link.json")).unwrap();
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
