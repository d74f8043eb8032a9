//! Tokens in front of paths.

use crate::site::{Site, assert_fields};
use crate::title;
use promptus::origin::{Settings, TokenKeys};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

const KEY: &str = "one key of enough bytes";
const NEXT: &str = "the next key, long enough";

fn keys(keys: &[&str]) -> TokenKeys {
    TokenKeys::new(keys.iter().map(|key| key.as_bytes().to_vec()).collect()).unwrap()
}

fn in_seconds(seconds: i64) -> u64 {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs();
    now.checked_add_signed(seconds).unwrap()
}

/// The prefix that a key signs for the title `t`.
fn signed(key: &str, seconds: i64) -> String {
    keys(&[key]).sign("t", in_seconds(seconds)).unwrap()
}

async fn closed() -> Site {
    let site = Site::with(3000, |settings| settings.token_keys = keys(&[KEY])).await;
    title::publish(site.root.path(), "u", 2, 3000);
    site
}

#[tokio::test]
async fn a_token_opens_its_title_and_survives_relative_urls() {
    let site = closed().await;
    let prefix = signed(KEY, 60);
    let segment = site.part("1.m4s");
    for path in ["/t/master.m3u8", "/t/segments/manifest.mpd", &segment] {
        assert!(!site.bytes(&format!("{prefix}{path}")).await.is_empty());
        let without = site.get(path, &[]).await;
        assert_eq!(without.status(), 403, "{path}");
        let fields = [
            ("access-control-allow-origin", "*"),
            ("cache-control", "no-store"),
        ];
        assert_fields(&without, &fields, path);
    }
    let base = reqwest::Url::parse(&site.url(&format!("{prefix}/t/segments/master.m3u8"))).unwrap();
    let rung = site.rung(0).url.replace(".mp4", "");
    let media = base.join(&format!("../{rung}/media.m3u8")).unwrap();
    let segment = media.join("2.m4s").unwrap();
    assert!(segment.path().starts_with(&prefix), "{segment}");
    assert!(!site.bytes(segment.path()).await.is_empty());
    // A redirect keeps the prefix.
    let moved = format!("{prefix}/t/master.m3u8?profile=mini&max_rank=2");
    assert!(site.text(&moved).await.contains("mini-r2"));
}

#[tokio::test]
async fn no_other_token_opens_a_title() {
    let site = closed().await;
    let good = signed(KEY, 60);
    let later = good.replacen(&good[3..13], &in_seconds(6000).to_string(), 1);
    for path in [
        format!("{}/t/master.m3u8", signed(KEY, -1)),
        format!("{}/t/master.m3u8", signed(NEXT, 60)),
        format!("{later}/t/master.m3u8"),
        format!("{good}/u/master.m3u8"),
        format!("{good}/catalogue.json"),
        format!("{good}/"),
        format!("{good}/u%2F..%2Ft/master.m3u8"),
        format!("{good}/t%2f..%2fu/master.m3u8"),
        format!("{good}{good}/t/master.m3u8"),
        "/catalogue.json".into(),
        "/".into(),
        "/healthz/../t/master.m3u8".into(),
        "/weights/../t/master.m3u8".into(),
        "/weights/%2e%2e/t/master.m3u8".into(),
    ] {
        let (status, response) = site.raw_get(&path).await;
        assert!([403, 404].contains(&status), "{path}: {response}");
        assert!(!response.contains("EXTM3U"), "{path}");
    }
    for path in ["/healthz", "/readyz", "/metrics", "/openapi.json"] {
        assert_eq!(site.status(path).await, 200, "{path}");
    }
}

#[tokio::test]
async fn keys_are_rotated_by_a_reload() {
    let site = closed().await;
    let (old, new) = (signed(KEY, 60), signed(NEXT, 60));
    let status = async |prefix: &str| site.status(&format!("{prefix}/t/master.m3u8")).await;
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
    let error = site.origin.apply(unusable).unwrap_err();
    assert!(
        error.to_string().starts_with("alt_svc: expected visible"),
        "{error}"
    );
}
