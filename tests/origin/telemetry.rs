//! What the origin tells of itself: metrics, access log, events of players, steering, and the
//! document that describes all of it.

use crate::server::{Server, header, with_title};
use crate::title;
use promptus::origin::{Origin, Pathway, Settings, Steering};
use reqwest::Method;
use serde_json::Value;
use std::fs;
use std::time::Duration;

#[tokio::test]
async fn requests_and_players_are_counted_and_logged() {
    let root = tempfile::tempdir().unwrap();
    let presentation = title::publish(root.path(), "t", 1, 3000);
    let path = root.path().join("access.log");
    let settings = Settings {
        access_log: Some(path.clone()),
        ..Settings::default()
    };
    let origin = Origin::local(root.path(), settings).unwrap();
    let server = Server::start(origin).await;
    let segment = presentation.groups[0].representations[0]
        .url
        .replace(".mp4", "/1.m4s");
    let segment = format!("/t/{segment}?CMCD=bl%3D2500%2Cbs%2Cmtp%3D400%2Csid%3D%22abc%22");
    let bytes = server.bytes(&segment).await.len();
    let fields = [
        ("cmcd-request", "bl=4000"),
        ("range", "bytes=0-99"),
        ("x-request-id", "me"),
    ];
    server
        .get(&segment.replace("?CMCD=", "?x="), &fields)
        .await
        .bytes()
        .await
        .unwrap();
    server.get("/t/none.m3u8", &[]).await;
    let report = "e=ps,sta=r,sid=\"abc\",ts=1,sn=1,v=2\ne=t,bl=(8000),sid=\"abc\",ts=2,sn=2,v=2";
    assert_eq!(post(&server, report, "application/cmcd").await, 204);
    assert_eq!(
        post(&server, "e=t\n=", "text/cmcd; charset=utf-8").await,
        400
    );
    assert_eq!(post(&server, report, "application/json").await, 415);
    let metrics = server.text("/metrics").await;
    for line in [
        "promptus_requests_total{kind=\"segment\",status=\"200\"} 1".to_owned(),
        "promptus_requests_total{kind=\"segment\",status=\"206\"} 1".to_owned(),
        "promptus_requests_total{kind=\"playlist\",status=\"404\"} 1".to_owned(),
        format!(
            "promptus_response_bytes_total{{kind=\"segment\"}} {}",
            bytes + 100
        ),
        "promptus_response_seconds_count{kind=\"segment\"} 2".to_owned(),
        "promptus_unfinished_total 0".to_owned(),
        "promptus_cmcd_requests_total 2".to_owned(),
        "promptus_player_stalls_total 2".to_owned(),
        "promptus_player_buffer_seconds_sum 14.5".to_owned(),
        "promptus_player_events_total{event=\"t\"} 2".to_owned(),
        "promptus_cmcd_malformed_total 1".to_owned(),
    ] {
        assert!(
            metrics.lines().any(|found| found == line),
            "{line}\n{metrics}"
        );
    }
    tokio::time::sleep(Duration::from_millis(1200)).await;
    let log = fs::read_to_string(path).unwrap();
    let lines: Vec<Value> = log
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines[0]["path"], segment);
    assert_eq!(
        lines[0]["cmcd"],
        serde_json::json!({"bl": 2500, "bs": true, "mtp": 400, "sid": "abc"})
    );
    assert_eq!(
        (&lines[0]["status"], &lines[0]["bytes"]),
        (&200.into(), &bytes.into())
    );
    assert_eq!(
        (&lines[1]["range"], &lines[1]["request_id"]),
        (&"bytes=0-99".into(), &"me".into())
    );
    assert_eq!(
        (&lines[1]["whole"], &lines[1]["kind"]),
        (&true.into(), &"segment".into())
    );
    assert_eq!(lines[2]["status"], 404);
    let events: Vec<&Value> = lines.iter().filter_map(|line| line.get("event")).collect();
    assert_eq!(events[0]["sta"], "r");
    assert_eq!(events[1]["bl"], serde_json::json!([8000]));
}

async fn post(server: &Server, body: &'static str, kind: &str) -> u16 {
    let request = reqwest::Client::new().request(Method::POST, server.url("/cmcd"));
    let sent = request
        .header("content-type", kind)
        .body(body)
        .send()
        .await
        .unwrap();
    assert_eq!(header(&sent, "access-control-allow-origin"), "*");
    sent.status().as_u16()
}

fn steered() -> Settings {
    let pathway = |id: &str, host: Option<&str>| Pathway {
        id: id.into(),
        weight: 1.0,
        host: host.map(str::to_owned),
    };
    Settings {
        steering: Some(Steering {
            ttl_s: 60,
            pathway: vec![pathway(".", None), pathway("b", Some("b.example"))],
        }),
        ..Settings::default()
    }
}

#[tokio::test]
async fn sessions_are_steered_and_stay_where_they_are() {
    let root = tempfile::tempdir().unwrap();
    title::publish(root.path(), "t", 1, 3000);
    let server = Server::start(Origin::local(root.path(), steered()).unwrap()).await;
    for (path, line) in [
        (
            "/t/master.m3u8",
            "#EXT-X-CONTENT-STEERING:SERVER-URI=\"../steering.json\"\n",
        ),
        (
            "/t/segments/master.m3u8",
            "#EXT-X-CONTENT-STEERING:SERVER-URI=\"../../steering.json\"\n",
        ),
    ] {
        let text = server.text(path).await;
        assert!(text.starts_with("#EXTM3U\n#EXT-X-VERSION:7\n"), "{text}");
        assert!(text.contains(line), "{text}");
    }
    let steer = async |query: &str| -> Value {
        serde_json::from_str(&server.text(&format!("/steering.json?{query}")).await).unwrap()
    };
    let mut firsts = Vec::new();
    for session in 0..40 {
        let first = steer(&format!("CMCD=sid%3D%22{session}%22")).await;
        let again = first["RELOAD-URI"]
            .as_str()
            .unwrap()
            .trim_start_matches("steering.json?");
        assert_eq!(
            steer(again).await["PATHWAY-PRIORITY"],
            first["PATHWAY-PRIORITY"]
        );
        firsts.push(first["PATHWAY-PRIORITY"][0].as_str().unwrap().to_owned());
    }
    let here = firsts.iter().filter(|first| *first == ".").count();
    assert!(
        (8..=32).contains(&here),
        "{here} of 40 for a share of a half"
    );
    let clone = &steer("").await["PATHWAY-CLONES"][0];
    assert_eq!(clone["URI-REPLACEMENT"]["HOST"], "b.example");
}

/// Checks a value against a schema of the document: types, required and unknown members.
fn check(document: &Value, schema: &Value, value: &Value, place: &str) {
    if let Some(name) = schema["$ref"].as_str() {
        let name = name.rsplit('/').next().unwrap();
        return check(
            document,
            &document["components"]["schemas"][name],
            value,
            place,
        );
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
    assert!(
        fits(kind) || kind.as_array().is_some_and(|kinds| kinds.iter().any(fits)),
        "{place}: {found} is not {kind}"
    );
    for (index, item) in value.as_array().into_iter().flatten().enumerate() {
        check(
            document,
            &schema["items"],
            item,
            &format!("{place}[{index}]"),
        );
    }
    let (Some(members), Some(known)) = (value.as_object(), schema["properties"].as_object()) else {
        return;
    };
    for name in schema["required"].as_array().into_iter().flatten() {
        assert!(
            members.contains_key(name.as_str().unwrap()),
            "{place}: no {name}"
        );
    }
    for (name, member) in members {
        let schema = known
            .get(name)
            .unwrap_or_else(|| panic!("{place}.{name} is not described"));
        check(document, schema, member, &format!("{place}.{name}"));
    }
}

#[tokio::test]
async fn the_api_is_as_described() {
    let root = tempfile::tempdir().unwrap();
    title::publish(root.path(), "t", 1, 3000);
    fs::create_dir(root.path().join("broken")).unwrap();
    fs::write(root.path().join("broken/master.m3u8"), "x").unwrap();
    let server = Server::start(Origin::local(root.path(), steered()).unwrap()).await;
    let document: Value = serde_json::from_str(&server.text("/openapi.json").await).unwrap();
    let paths = document["paths"].as_object().unwrap();
    for (path, operations) in paths {
        let Some(get) = operations.get("get") else {
            let answer = server.get(path, &[]).await;
            assert_eq!(answer.status(), 405, "{path} has no GET");
            continue;
        };
        let answer = server.get(path, &[]).await;
        let status = answer.status().as_u16().to_string();
        let described = &get["responses"][&status]["content"];
        let kind = header(&answer, "content-type");
        let kind = kind.split(';').next().unwrap();
        let schema = &described[kind]["schema"];
        assert!(
            schema.is_object(),
            "{path}: {status} as {kind} is not described"
        );
        if kind == "application/json" {
            let value: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
            check(&document, schema, &value, path);
        }
    }
    assert_eq!(paths.len(), 7);
}

#[tokio::test]
async fn readiness_says_how_many_titles_there_are() {
    let (_root, _, server) = with_title().await;
    let ready: Value = serde_json::from_str(&server.text("/readyz").await).unwrap();
    assert_eq!(
        (&ready["ready"], &ready["titles"]),
        (&true.into(), &1.into())
    );
}

#[tokio::test]
async fn a_report_has_few_events_or_none_is_taken() {
    let (_root, _, server) = with_title().await;
    let many: &'static str = "e=t,v=2\n".repeat(65).leak();
    let enough: &'static str = "e=t,v=2\n".repeat(64).leak();
    assert_eq!(post(&server, many, "application/cmcd").await, 413);
    assert_eq!(post(&server, enough, "application/cmcd").await, 204);
    let metrics = server.text("/metrics").await;
    assert!(metrics.contains("promptus_player_events_total{event=\"t\"} 64\n"));
}

#[tokio::test]
async fn metrics_come_in_the_format_that_is_asked_for() {
    let (_root, _, server) = with_title().await;
    for (accept, open) in [
        ("*/*", true),
        ("text/plain", false),
        ("text/plain;version=0.0.4;q=0.5,*/*;q=0.1", false),
        (
            "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3",
            true,
        ),
        ("application/json", true),
    ] {
        let answer = server.get("/metrics", &[("accept", accept)]).await;
        let kind = header(&answer, "content-type");
        let text = answer.text().await.unwrap();
        let counter = match open {
            true => "# TYPE promptus_cache_hits counter\n",
            false => "# TYPE promptus_cache_hits_total counter\n",
        };
        assert_eq!(
            kind.starts_with("application/openmetrics-text"),
            open,
            "{accept}"
        );
        assert_eq!(text.ends_with("# EOF\n"), open, "{accept}");
        assert!(text.contains(counter), "{accept}\n{text}");
    }
}

#[tokio::test]
async fn the_access_log_is_opened_when_the_origin_is_made() {
    let root = tempfile::tempdir().unwrap();
    let settings = Settings {
        access_log: Some(root.path().join("no/such/folder/access.log")),
        ..Settings::default()
    };
    let error = Origin::local(root.path(), settings).unwrap_err();
    assert!(error.to_string().contains("access.log"), "{error}");
}
