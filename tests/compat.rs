//! Recorded sessions of other simulators, re-enacted request by request.

#![allow(clippy::unwrap_used)]

mod common;

use promptus::compat::{CompatError, columns, pensieve, sabre};
use promptus::network::trace::Trace;
use promptus::simulate::content::Content;
use promptus::simulate::grid::Grid;
use promptus::simulate::movie::Movie;
use serde_json::Value;
use std::fs::File;
use std::io::Read;
use std::sync::Arc;

/// Relative difference that counts as equal.
const TOLERANCE: f64 = 1e-6;

fn close(found: &Value, expected: &Value) -> bool {
    match (found.as_f64(), expected.as_f64()) {
        (Some(a), Some(b)) => (a - b).abs() <= TOLERANCE * b.abs().max(1e-3),
        _ => found.is_null() && expected.is_null(),
    }
}

/// Says where two objects of figures or columns differ.
fn differences(what: &str, found: &Value, expected: &Value) -> Vec<String> {
    let mut wrong = Vec::new();
    for (name, expected) in expected.as_object().unwrap() {
        let found = &found[name];
        match expected.as_array() {
            None if close(found, expected) => {}
            None => wrong.push(format!("{what}: {name}: {found} for {expected}")),
            Some(column) => {
                let found = found.as_array().unwrap();
                let rows = column.len();
                let mut pairs = found.iter().zip(column).enumerate();
                if let Some((row, (a, b))) = pairs.find(|(_, (a, b))| !close(a, b)) {
                    wrong.push(format!("{what}: {name}, row {row} of {rows}: {a} for {b}"));
                } else if found.len() != rows {
                    let found = found.len();
                    wrong.push(format!("{what}: {name}: {found} rows for {rows}"));
                }
            }
        }
    }
    wrong
}

#[test]
fn every_recorded_sabre_session_is_re_enacted() {
    let Some(shared) = common::shared() else {
        return;
    };
    let file = File::open(shared.join("sabre/sessions.json.gz")).unwrap();
    let mut text = String::new();
    flate2::read::GzDecoder::new(file)
        .read_to_string(&mut text)
        .unwrap();
    let sessions: Vec<Value> = serde_json::from_str(&text).unwrap();
    assert_eq!(sessions.len(), 48);
    let folder = shared.join("traces/sabre");
    let mut wrong = Vec::new();
    for session in &sessions {
        let text = |name: &str| session[name].as_str().unwrap();
        let trace = Trace::load(&folder.join(text("trace")).with_added_extension("json")).unwrap();
        let movie = folder.join("movies").join(text("movie"));
        let movie = Movie::load(&movie.with_added_extension("json")).unwrap();
        let options: sabre::Options = text("args").parse().unwrap();
        let found = sabre::run(&trace, &movie, &options).unwrap();
        let what = format!("{} {} {}", text("args"), text("trace"), text("movie"));
        let metrics = serde_json::to_value(found.metrics).unwrap();
        let decisions = columns(&found.decisions).unwrap();
        wrong.extend(differences(&what, &decisions, &session["decisions"]));
        wrong.extend(differences(&what, &metrics, &session["metrics"]));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The recorder's clock ran on from session to session: compare time since the first chunk.
fn from_zero(mut columns: Value) -> Value {
    let times = columns["time_s"].as_array_mut().unwrap();
    let first = times[0].as_f64().unwrap();
    for time in times {
        *time = (time.as_f64().unwrap() - first).into();
    }
    columns
}

#[test]
fn every_recorded_pensieve_session_is_re_enacted() {
    let Some(shared) = common::shared() else {
        return;
    };
    let text = std::fs::read_to_string(shared.join("pensieve/sessions.json")).unwrap();
    let sessions: Value = serde_json::from_str(&text).unwrap();
    let movie = shared.join("traces/pensieve_movie/envivio_dash3.json");
    let movie = Movie::load(&movie).unwrap();
    let mut wrong = Vec::new();
    for (name, rule) in [
        ("bb", pensieve::Rule::Bb),
        ("robust_mpc", pensieve::Rule::RobustMpc),
    ] {
        for (trace, expected) in sessions[name].as_object().unwrap() {
            let path = shared.join("traces").join(trace);
            let found = pensieve::run(&Trace::load(&path).unwrap(), &movie, rule).unwrap();
            let what = format!("{name} {trace}");
            let metrics = serde_json::to_value(pensieve::metrics(&found)).unwrap();
            let columns = from_zero(columns(&found).unwrap());
            let recorded = from_zero(expected["columns"].clone());
            wrong.extend(differences(&what, &columns, &recorded));
            let mut figures = expected.clone();
            figures.as_object_mut().unwrap().remove("columns");
            wrong.extend(differences(&what, &metrics, &figures));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// `segments` segments of 3 s at the given rates.
fn movie(rates: &[u64], segments: usize) -> Movie {
    let sizes: Vec<u64> = rates.iter().map(|rate| rate * 3000).collect();
    let sizes = vec![sizes; segments];
    let text = format!(
        r#"{{"segment_duration_ms": 3000, "bitrates_kbps": {rates:?}, "segment_sizes_bits": {sizes:?}}}"#
    );
    Movie::parse("m", &text).unwrap()
}

#[test]
fn extreme_networks_and_movies_end_with_a_verdict() {
    let trace = |text: &str| Trace::parse("t", text.as_bytes()).unwrap();
    let live = trace(
        r#"[{"duration_ms": 700, "bandwidth_kbps": 900, "latency_ms": 20}, {"duration_ms": 900, "bandwidth_kbps": 0, "latency_ms": 20}]"#,
    );
    let dead = trace("0 0\n10 0\n");
    let shapes: [(&[u64], usize); 4] = [
        (&[200, 400], 1),
        (&[300], 30),
        (&[100, 200, 400], 10_000),
        (&[50], 1),
    ];
    for (rates, segments) in shapes {
        let movie = &movie(rates, segments);
        for line in [
            "-a throughput",
            "-a bola",
            "-a dynamic",
            "-a bolae -noibr",
            "-a bolae -r right",
        ] {
            let options = line.parse::<sabre::Options>().unwrap();
            let starved = sabre::run(&dead, movie, &options);
            let one_rate_bola_e = rates.len() == 1 && line == "-a bolae -r right";
            match sabre::run(&live, movie, &options) {
                Ok(session) => assert!(session.decisions.len() >= segments),
                Err(error) => {
                    assert!(one_rate_bola_e && matches!(error, CompatError::Crash { .. }));
                }
            }
            assert!(matches!(
                starved,
                Err(CompatError::Starved { .. } | CompatError::Crash { .. })
            ));
        }
        for rule in [pensieve::Rule::Bb, pensieve::Rule::RobustMpc] {
            let rows = pensieve::run(&live, movie, rule).unwrap();
            assert_eq!(pensieve::metrics(&rows).chunks, segments.min(48));
            assert!(pensieve::run(&dead, movie, rule).is_err());
        }
    }
}

/// Sabre beside our rules, in rows with its figures.
#[test]
fn sabre_is_a_player_of_a_grid() {
    let movie = movie(&[200, 400, 800], 20);
    let ladder = Arc::new(movie.ladder().unwrap());
    let grid = Grid {
        contents: vec![Content {
            movie: Some(Arc::new(movie)),
            ..Content::new("m", "movie", ladder)
        }],
        traces: ["0 1\n5 1\n9 0.2\n", "0 0\n1 0\n"]
            .map(|text| Trace::parse("t", text.as_bytes()).unwrap())
            .into(),
        players: vec![sabre::player("bolae").unwrap()],
        extra: Some(sabre::figures),
        ..Grid::default()
    };
    let rows = grid.run(&|_| {}).unwrap();
    assert_eq!(
        (rows[0].rule.as_str(), rows[0].verdict),
        ("sabre:bolae", "finished")
    );
    assert!(rows[0].figures.extra("play_time_s").unwrap() >= 60.0);
    assert_eq!(rows[1].verdict, "starved");
}
