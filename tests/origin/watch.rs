//! The watch page and the files of the player in the browser.

use crate::site::Site;
use crate::title;
use promptus::origin::TokenKeys;
use reqwest::Method;
use std::collections::BTreeSet;
use std::fs;

const KEY: &[u8] = b"one key of enough bytes";

/// In 2100.
const LATER: u64 = 4_102_444_800;

/// What stands between `before` and the next quote, wherever `before` occurs.
fn quoted<'a>(text: &'a str, before: &str) -> Vec<&'a str> {
    let rests = text.split(before).skip(1);
    rests.map(|rest| rest.split('"').next().unwrap()).collect()
}

/// The folder of the files that never change, as the page names it.
async fn folder(site: &Site) -> String {
    let page = site.text("/watch/t").await;
    let script = quoted(&page, "src=\"");
    let (folder, _) = script[0].rsplit_once('/').unwrap();
    folder.trim_start_matches("..").to_owned()
}

#[tokio::test]
async fn the_page_and_its_modules_are_complete_and_load_nothing_from_other_hosts() {
    let site = Site::new().await;
    let page = site.text("/watch/t").await;
    let mut waiting: Vec<String> = Vec::new();
    for part in [quoted(&page, "href=\""), quoted(&page, "src=\"")].concat() {
        // Relative, as the page may lie at any path.
        assert!(part.starts_with("../"), "{part}");
        waiting.push(part[2..].to_owned());
    }
    let mut seen = BTreeSet::new();
    while let Some(path) = waiting.pop() {
        if !seen.insert(path.clone()) || path == "/" {
            continue;
        }
        let answer = site.get(&path, "").await;
        assert_eq!(answer.status, 200, "{path}");
        let policy = answer.field("content-security-policy");
        assert!(
            policy.contains("script-src 'self' 'wasm-unsafe-eval'"),
            "{path}"
        );
        assert!(!policy.contains("unsafe-inline") && !policy.contains("'unsafe-eval'"));
        if answer.field("content-type") == "application/wasm" {
            continue; // Imports nothing; its strings are error messages.
        }
        // A name space, and where uPlot comes from.
        let text = answer.text().replace("http://www.w3.org/2000/svg", "");
        let text = text.replace("https://github.com/leeoniya/uPlot", "");
        let foreign = text.contains("http://") || text.contains("https://");
        assert!(!foreign, "{path}");
        let folder = path.rsplit_once('/').unwrap().0;
        let imports = ["from \"./", "import \"./", "startWorker(\""];
        let imports = imports.iter().flat_map(|before| quoted(&text, before));
        waiting.extend(imports.map(|name| format!("{folder}/{name}")));
    }
    for name in ["session.js", "generator.js", "abi.js", "promptus-player.js"] {
        assert!(
            seen.iter().any(|path| path.ends_with(name)),
            "{name}: {seen:?}"
        );
    }
}

#[tokio::test]
async fn files_below_the_digest_never_change_and_others_are_revalidated() {
    let site = Site::new().await;
    let folder = folder(&site).await;
    let rows = "
        200 /watch/t => cache-control: no-cache | content-type: text/html; charset=utf-8
        200 FOLDER/session.js => cache-control: public, max-age=31536000, immutable
        200 FOLDER/session.js | accept-encoding: br => content-encoding: br | vary: accept-encoding
        200 FOLDER/session.js => content-type: text/javascript; charset=utf-8
        200 /_player/session.js => cache-control: no-cache | access-control-allow-origin: *
        200 FOLDER/promptus.wasm => content-type: application/wasm | content-encoding:
        200 FOLDER/promptus.wasm | accept-encoding: gzip, br => content-encoding: br
        206 FOLDER/promptus.wasm | range: bytes=0-3 => content-length: 4 | content-encoding:
        404 FOLDER/other.js
        404 /_player/other.js
        404 /_player/0123456789abcdef/session.js
        404 /watch/none
        404 /watch/
        404 /watch/t/master.m3u8
        404 /watch/..%2Ft
        404 /watch/t%2F..%2Ft
    ";
    site.expect(&rows.replace("FOLDER", &folder)).await;
    let head = site.send(Method::HEAD, "/watch/t", "").await;
    assert!(head.status == 200 && head.body.is_empty());
    let tag = head.field("etag").to_owned();
    let again = site.get("/watch/t", &format!("if-none-match: {tag}")).await;
    assert_eq!(again.status, 304);
    assert_eq!(site.send(Method::POST, "/watch/t", "").await.status, 405);
}

#[tokio::test]
async fn a_token_opens_the_page_of_its_title_alone() {
    let keys = || TokenKeys::new(vec![KEY.to_vec()]).unwrap();
    let site = Site::with(3000, |settings| settings.token_keys = keys()).await;
    title::publish(site.root.path(), "my film", 1, 3000);
    let prefix = keys().sign("my film", LATER).unwrap();
    let rows = "
        200 PREFIX/watch/my%20film
        403 /watch/my%20film
        403 PREFIX/watch/t
        403 PREFIX/watch/my%20film/master.m3u8
        200 /_player/session.js
        200 PREFIX/_player/session.js
        200 PREFIX/my%20film/master.m3u8
    ";
    site.expect(&rows.replace("PREFIX", &prefix)).await;
}

#[tokio::test]
async fn a_card_of_the_catalogue_leads_to_the_page() {
    let site = Site::new().await;
    let script = site.text("/_page/page.js").await;
    assert!(script.contains("`watch/${title.hls.split(\"/\")[0]}`"));
    let catalogue = site.json("/catalogue.json").await;
    let hls = catalogue["titles"][0]["hls"].as_str().unwrap();
    let name = hls.split('/').next().unwrap();
    assert_eq!(site.status(&format!("/watch/{name}")).await, 200);
}

#[tokio::test]
async fn the_page_names_the_original_that_lies_beside_a_title() {
    let site = Site::new().await;
    title::publish(site.root.path(), "u", 1, 3000);
    fs::write(site.root.path().join("u/recipe.json"), "{}").unwrap();
    for (name, original) in [("t", ""), ("u", "recipe.json")] {
        let page = site.text(&format!("/watch/{name}")).await;
        assert_eq!(quoted(&page, "name=\"original\" content=\""), [original]);
    }
}
