//! Tokens in front of paths.

use crate::site::Site;
use crate::title;
use promptus::origin::{Settings, TokenKeys};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

const KEY: &str = "one key of enough bytes";
const NEXT: &str = "the next key, long enough";

fn keys(keys: &[&str]) -> TokenKeys {
    TokenKeys::new(keys.iter().map(|key| key.as_bytes().to_vec()).collect()).unwrap()
}

fn in_seconds(seconds: i64) -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    now.as_secs().checked_add_signed(seconds).unwrap()
}

/// The prefix that a key signs for the title `my film`.
fn signed(key: &str, seconds: i64) -> String {
    let keys = keys(&[key]);
    keys.sign("my film", in_seconds(seconds)).unwrap()
}

/// The titles `my film` and `u` behind tokens.
async fn closed() -> Site {
    let site = Site::with(3000, |settings| settings.token_keys = keys(&[KEY])).await;
    title::publish(site.root.path(), "my film", 1, 3000);
    title::publish(site.root.path(), "u", 2, 3000);
    site
}

#[tokio::test]
async fn a_token_opens_its_title_and_survives_relative_urls() {
    let site = closed().await;
    let prefix = signed(KEY, 60);
    let rung = site.rung(0).url.replace(".mp4", "");
    let rows = "
        200 PREFIX/my%20film/master.m3u8
        200 PREFIX/my%20film/segments/manifest.mpd?max_rank=2
        200 PREFIX/my%20film/RUNG/1.m4s
        200 PREFIX//my%20film/master.m3u8
        403 /my%20film/master.m3u8 => access-control-allow-origin: * | cache-control: no-store
        403 /my%20film/segments/manifest.mpd => cache-control: no-store
        403 /my%20film/RUNG/1.m4s => cache-control: no-store
    ";
    let rows = rows.replace("PREFIX", &prefix);
    site.expect(&rows.replace("RUNG", &rung)).await;
    let base = site.url(&format!("{prefix}/my%20film/segments/master.m3u8"));
    let base = reqwest::Url::parse(&base).unwrap();
    let media = base.join(&format!("../{rung}/media.m3u8")).unwrap();
    let segment = media.join("2.m4s").unwrap();
    assert!(segment.path().starts_with(&prefix), "{segment}");
    site.bytes(segment.path()).await;
    // A redirect keeps the prefix.
    let moved = format!("{prefix}/my%20film/master.m3u8?profile=mini&max_rank=2");
    assert!(site.text(&moved).await.contains("mini-r2"));
}

#[tokio::test]
async fn no_other_token_opens_a_title() {
    let site = closed().await;
    let good = signed(KEY, 60);
    let later = good.replacen(&good[3..13], &in_seconds(6000).to_string(), 1);
    let paths = "
        EXPIRED/my%20film/master.m3u8 FOREIGN/my%20film/master.m3u8 LATER/my%20film/master.m3u8
        GOOD/u/master.m3u8 GOOD/catalogue.json GOOD/ GOOD/u%2F..%2Fmy%20film/master.m3u8
        GOOD/my%20film%2f..%2fu/master.m3u8 GOODGOOD/my%20film/master.m3u8 GOOD/%zz/master.m3u8
        /catalogue.json / /healthz/x /t/x/master.m3u8 /healthz/../my%20film/master.m3u8
        /weights/../my%20film/master.m3u8 /weights/%2e%2e/my%20film/master.m3u8
    ";
    let paths = paths.replace("EXPIRED", &signed(KEY, -1));
    let paths = paths.replace("FOREIGN", &signed(NEXT, 60));
    let paths = paths.replace("LATER", &later).replace("GOOD", &good);
    for path in paths.split_whitespace() {
        let (status, response) = site.raw_get(path).await;
        assert!([403, 404].contains(&status), "{path}: {response}");
        assert!(!response.contains("EXTM3U"), "{path}");
    }
    let rows = "
        200 /healthz
        200 /readyz
        200 /metrics
        200 /openapi.json
        404 /weights/x
        404 /steering.json
        404 GOOD/weights/x
        404 GOOD/steering.json?a
    ";
    site.expect(&rows.replace("GOOD", &good)).await;
}

#[tokio::test]
async fn keys_are_rotated_by_a_reload() {
    let site = closed().await;
    let (old, new) = (signed(KEY, 60), signed(NEXT, 60));
    let status = async |prefix: &str| {
        site.status(&format!("{prefix}/my%20film/master.m3u8"))
            .await
    };
    assert_eq!((status(&old).await, status(&new).await), (200, 403));
    for (valid, expected) in [(&[NEXT, KEY][..], (200, 200)), (&[NEXT], (403, 200))] {
        let settings = Settings::default().with(|settings| settings.token_keys = keys(valid));
        assert!(site.origin.apply(settings).unwrap().is_empty());
        assert_eq!((status(&old).await, status(&new).await), expected);
    }
    let settings = Settings::default().with(|settings| {
        settings.cache_bytes = 1;
        settings.store_timeout = Duration::from_secs(1);
        settings.drain_timeout = Duration::from_secs(1);
    });
    let fixed = site.origin.apply(settings).unwrap();
    assert_eq!(fixed, ["cache_bytes", "store_timeout_s"]);
    let unusable = Settings::default().with(|settings| settings.alt_svc = Some("a\0".into()));
    let error = site.origin.apply(unusable).unwrap_err().to_string();
    assert!(error.starts_with("alt_svc: expected visible"), "{error}");
}
