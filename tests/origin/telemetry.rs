//! Metrics, access log, players' events, steering, and the document that describes them.

use crate::site::{Server, Site};
use promptus::origin::{Origin, Pathway, Settings, Steering};
use serde_json::{Value, json};
use std::fs;
use std::time::Duration;

#[tokio::test]
async fn requests_and_players_are_counted_and_logged() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("access.log");
    let site = Site::with(3000, |settings| settings.access_log = Some(log.clone())).await;
    let segment = site.part("1.m4s?CMCD=bl%3D2500%2Cbs%2Cmtp%3D400%2Csid%3D%22abc%22");
    let bytes = site.bytes(&segment).await.len();
    let fields = "cmcd-request: bl=4000 | range: bytes=0-99 | x-request-id: me";
    let part = site.get(&site.part("1.m4s?x=1"), fields).await;
    assert_eq!(part.body.len(), 100);
    assert_eq!(site.status("/t/none.m3u8").await, 404);
    let report = "e=ps,sta=r,sid=\"abc\",ts=1,sn=1,v=2\ne=t,bl=(8000),sid=\"abc\",ts=2,sn=2,v=2";
    for (body, kind, status) in [
        (report, "application/cmcd", 204),
        ("e=t\n=", "text/cmcd; charset=utf-8", 400),
        ("e=nonsense,v=2", "text/plain", 204),
        (&"e=t,v=2\n".repeat(65), "text/plain", 413),
        (&"e=t,v=2\n".repeat(64), "text/plain", 204),
        (report, "application/json", 415),
    ] {
        assert_eq!(post(&site, body, kind).await, status, "{kind}");
    }
    let metrics = site.text("/metrics").await;
    let sent = bytes + 100;
    let sent = format!("promptus_response_bytes_total{{kind=\"segment\"}} {sent}");
    for line in [
        "promptus_requests_total{kind=\"segment\",status=\"200\"} 1",
        "promptus_requests_total{kind=\"segment\",status=\"206\"} 1",
        "promptus_requests_total{kind=\"playlist\",status=\"404\"} 1",
        &sent,
        "promptus_response_seconds_count{kind=\"segment\"} 2",
        "promptus_unfinished_total 0",
        "promptus_cmcd_requests_total 2",
        "promptus_player_stalls_total 2",
        "promptus_player_buffer_seconds_sum 14.5",
        "promptus_player_buffer_seconds_count 3",
        "promptus_player_throughput_kbps_count 1",
        "promptus_player_events_total{event=\"ps\"} 1",
        "promptus_player_events_total{event=\"t\"} 66",
        "promptus_player_events_total{event=\"other\"} 2",
        "promptus_cmcd_malformed_total 1",
    ] {
        let found = metrics.lines().any(|found| found == line);
        assert!(found, "{line}\n{metrics}");
    }
    tokio::time::sleep(Duration::from_millis(1200)).await;
    let log = fs::read_to_string(log).unwrap();
    let lines = log.lines().map(|line| serde_json::from_str(line).unwrap());
    let lines: Vec<Value> = lines.collect();
    let state = json!({"bl": 2500, "bs": true, "mtp": 400, "sid": "abc"});
    for (line, key, value) in [
        (0, "path", json!(segment)),
        (0, "cmcd", state),
        (0, "status", json!(200)),
        (0, "bytes", json!(bytes)),
        (1, "range", json!("bytes=0-99")),
        (1, "request_id", json!("me")),
        (1, "whole", json!(true)),
        (1, "kind", json!("segment")),
        (2, "status", json!(404)),
    ] {
        assert_eq!(lines[line][key], value, "{line} {key}");
    }
    let events: Vec<&Value> = lines.iter().filter_map(|line| line.get("event")).collect();
    assert_eq!(events[0]["sta"], "r");
    assert_eq!(events[1]["bl"], json!([8000]));
}

async fn post(server: &Server, body: &str, kind: &str) -> u16 {
    let request = server.client.post(server.url("/cmcd"));
    let request = request.header("content-type", kind).body(body.to_owned());
    let response = request.send().await.unwrap();
    assert_eq!(response.headers()["access-control-allow-origin"], "*");
    response.status().as_u16()
}

fn steered(settings: &mut Settings) {
    let pathway = |id: &str, host: Option<&str>| Pathway {
        id: id.into(),
        weight: 1.0,
        host: host.map(str::to_owned),
    };
    settings.steering = Some(Steering {
        ttl_s: 60,
        pathway: vec![pathway(".", None), pathway("b", Some("b.example"))],
    });
}

#[tokio::test]
async fn sessions_are_steered_by_weight_and_stay() {
    let site = Site::with(3000, steered).await;
    for (path, up) in [
        ("/t/master.m3u8", ".."),
        ("/t/segments/master.m3u8", "../.."),
    ] {
        let text = site.text(path).await;
        assert!(text.starts_with("#EXTM3U\n#EXT-X-VERSION:7\n"), "{text}");
        let line = format!("#EXT-X-CONTENT-STEERING:SERVER-URI=\"{up}/steering.json\"\n");
        assert!(text.contains(&line), "{text}");
    }
    let steer = async |query: &str| site.json(&format!("/steering.json?{query}")).await;
    let mut here = 0;
    for session in 0..40 {
        let first = steer(&format!("CMCD=sid%3D%22{session}%22")).await;
        let again = first["RELOAD-URI"].as_str().unwrap();
        let again = steer(again.trim_start_matches("steering.json?")).await;
        assert_eq!(again["PATHWAY-PRIORITY"], first["PATHWAY-PRIORITY"]);
        here += usize::from(first["PATHWAY-PRIORITY"][0] == ".");
    }
    let fits = (8..=32).contains(&here);
    assert!(fits, "{here} of 40 for a share of a half");
    let clone = &steer("").await["PATHWAY-CLONES"][0];
    assert_eq!(clone["URI-REPLACEMENT"]["HOST"], "b.example");
}

/// Checks a value against a schema of the document: types, required and unknown members.
fn check(document: &Value, schema: &Value, value: &Value, place: &str) {
    if let Some(name) = schema["$ref"].as_str() {
        let schema = document.pointer(name.trim_start_matches('#')).unwrap();
        return check(document, schema, value, place);
    }
    let found = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let fits = |kind: &Value| kind == found || (kind == "number" && found == "integer");
    let kind = &schema["type"];
    let fits = fits(kind) || kind.as_array().is_some_and(|kinds| kinds.iter().any(fits));
    assert!(fits, "{place}: {found} is not {kind}");
    for (index, item) in value.as_array().into_iter().flatten().enumerate() {
        let place = format!("{place}[{index}]");
        check(document, &schema["items"], item, &place);
    }
    let (Some(members), Some(known)) = (value.as_object(), schema["properties"].as_object()) else {
        return;
    };
    for name in schema["required"].as_array().into_iter().flatten() {
        let name = name.as_str().unwrap();
        assert!(members.contains_key(name), "{place}: no {name}");
    }
    for (name, member) in members {
        let place = format!("{place}.{name}");
        assert!(known.contains_key(name), "{place} is not described");
        check(document, &known[name], member, &place);
    }
}

#[tokio::test]
async fn the_api_is_as_described() {
    let site = Site::with(3000, steered).await;
    fs::create_dir(site.root.path().join("broken")).unwrap();
    fs::write(site.root.path().join("broken/master.m3u8"), "x").unwrap();
    let document = site.json("/openapi.json").await;
    let paths = document["paths"].as_object().unwrap();
    for (path, operations) in paths {
        let answer = site.get(path, "").await;
        let Some(get) = operations.get("get") else {
            assert_eq!(answer.status, 405, "{path} has no GET");
            continue;
        };
        let status = answer.status.to_string();
        let kind = answer.field("content-type").split(';').next().unwrap();
        let schema = &get["responses"][&status]["content"][kind]["schema"];
        let described = schema.is_object();
        assert!(described, "{path}: {status} as {kind} is not described");
        if kind == "application/json" {
            let value = serde_json::from_slice(&answer.body).unwrap();
            check(&document, schema, &value, path);
        }
    }
    assert_eq!(paths.len(), 7);
    let ready = site.json("/readyz").await;
    assert_eq!(ready["ready"], true);
    assert_eq!(ready["titles"], 2);
}

#[tokio::test]
async fn metrics_come_in_the_format_that_is_asked_for() {
    let site = Site::new().await;
    for (accept, open) in [
        ("*/*", true),
        ("text/plain", false),
        ("text/plain;version=0.0.4;q=0.5,*/*;q=0.1", false),
        (
            "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;q=0.3",
            true,
        ),
        ("application/json", true),
    ] {
        let answer = site.get("/metrics", &format!("accept: {accept}")).await;
        let (kind, text) = (answer.field("content-type"), answer.text());
        let suffix = if open { "" } else { "_total" };
        let family = format!("promptus_cache_hits{suffix}");
        let format = kind.starts_with("application/openmetrics-text");
        let ends = text.ends_with("# EOF\n");
        assert_eq!((format, ends), (open, open), "{accept}");
        for line in [
            format!("# HELP {family} Objects found in the cache.\n"),
            format!("# TYPE {family} counter\n"),
            "\npromptus_cache_hits_total 0\n".into(),
            "# TYPE promptus_connections gauge\n".into(),
        ] {
            assert!(text.contains(&line), "{accept}\n{text}");
        }
    }
}

#[test]
fn the_access_log_is_opened_at_the_start() {
    let root = tempfile::tempdir().unwrap();
    let log = root.path().join("no/such/folder/access.log");
    let settings = Settings::default().with(|settings| settings.access_log = Some(log));
    let error = Origin::local(root.path(), settings).unwrap_err();
    assert!(error.to_string().contains("access.log"), "{error}");
}
