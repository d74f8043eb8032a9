//! Fuzz tests of the parsers of requests: no panic, no hang, no path outside the root. Seeded, a second
//! each. `tools/fuzz.sh` runs them for longer, in bounded memory.

use super::http::{Selection, Validators, accepted_coding, evaluate, select};
use super::telemetry::cmcd::Cmcd;
use super::titles::{Filter, Query, Resource};
use super::token::{TokenKeys, split};
use axum::http::header::{ACCEPT_ENCODING, IF_MATCH, IF_NONE_MATCH};
use axum::http::{HeaderMap, HeaderValue};
use mutate::fuzz;

#[path = "../../tests/common/mutate.rs"]
mod mutate;

fn seeds(texts: &[&str]) -> Vec<Vec<u8>> {
    texts.iter().map(|text| text.as_bytes().to_vec()).collect()
}

#[test]
fn ranges() {
    let texts = ["bytes=0-99", "bytes=-5", "bytes=5-", "bytes=0-1,5-6"];
    fuzz(&seeds(&texts), |bytes| {
        for size in [0, 1, 100, u64::MAX] {
            if let Selection::Part(part) = select(bytes, size) {
                assert!(part.start < part.end && part.end <= size);
            }
        }
    });
}

#[test]
fn paths() {
    let texts = [
        "/t/0123abcd/mini-r8/12.m4s",
        "/t/segments/master.m3u8",
        "/%2e%2e/t/..%2f..%2fx.json",
        "/weights/0000.safetensors",
    ];
    fuzz(&seeds(&texts), |bytes| {
        let text = String::from_utf8_lossy(bytes);
        let path = match Resource::parse(&text) {
            Some(Resource::File { path, .. }) => path,
            Some(Resource::Manifest(manifest)) => manifest.path,
            Some(Resource::Rung { stem, .. }) => stem,
            Some(Resource::Weights { hash }) => hash,
            None => return,
        };
        let inside =
            |part: &str| !part.is_empty() && !part.starts_with('.') && !part.contains('\\');
        assert!(path.split('/').all(inside), "{path}");
    });
}

#[test]
fn queries() {
    let texts = [
        "max_rank=8&profile=mini&CMCD=sf%3Dh",
        "profile=a&profile=b",
        "max_rank=%31",
    ];
    fuzz(&seeds(&texts), |bytes| {
        let text = String::from_utf8_lossy(bytes);
        if let Ok(Query::Other(canonical)) = Filter::parse(&text) {
            let again = Filter::parse(&canonical);
            assert!(
                matches!(again, Ok(Query::Canonical(_))),
                "{text} → {canonical}"
            );
        }
    });
}

#[test]
fn tokens() {
    let keys = TokenKeys::new(vec![b"a key of some length".to_vec()]).unwrap_or_default();
    let good = keys.sign("t", 2_000_000_000).unwrap_or_default() + "/t/master.m3u8";
    fuzz(&seeds(&[&good, "/t/1.00/x"]), |bytes| {
        let text = String::from_utf8_lossy(bytes);
        if let Some((token, _)) = split(&text) {
            let opens = keys.check(token, "t", 1_000_000_000).is_ok();
            assert!(!opens || good.contains(token), "{token}");
        }
    });
}

#[test]
fn client_data() {
    let texts = [
        "bl=21300,br=3200,bs,cid=\"a \\\"x\\\", y\",nor=\"..%2Fa\",pr=1.08",
        "br=(3200;v 128;a),e=ps,sta=r,ts=1700000000123,v=2",
        "CMCD=bl%3D1%2Cbs",
    ];
    fuzz(&seeds(&texts), |bytes| {
        let text = String::from_utf8_lossy(bytes);
        for cmcd in [Cmcd::line(&text), Cmcd::of(Some(&text), &HeaderMap::new())] {
            let json = serde_json::to_vec(&cmcd);
            assert!(json.is_ok_and(|json| json.len() < 16 * bytes.len() + 64));
        }
    });
}

#[test]
fn fields() {
    let texts = ["\"a\", W/\"b\"", "*", "br;q=0.5, gzip;q=0, *"];
    let etag = HeaderValue::from_static("\"a\"");
    fuzz(&seeds(&texts), |bytes| {
        let Ok(value) = HeaderValue::from_bytes(bytes) else {
            return;
        };
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT_ENCODING, value.clone());
        headers.insert(IF_NONE_MATCH, value.clone());
        headers.insert(IF_MATCH, value);
        let _ = accepted_coding(&headers);
        let validators = Validators {
            etag: &etag,
            modified: None,
            immutable: true,
        };
        let _ = evaluate(&headers, validators);
    });
}
