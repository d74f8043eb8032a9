//! The simulator from outside: every trace below a folder, edges, and grids.

#![allow(clippy::unwrap_used)]

mod common;

use promptus::player::abr::Abr;
use promptus::player::pipeline::Compute;
use promptus::player::session::{Options, Session};
use promptus::simulate::compat::{CompatError, pensieve, sabre};
use promptus::simulate::conditions::Conditions;
use promptus::simulate::corpus::Corpus;
use promptus::simulate::driver;
use promptus::simulate::grid::{Grid, Player, Sample, page};
use promptus::simulate::link::Link;
use promptus::simulate::movie::Movie;
use promptus::simulate::subject::Subject;
use promptus::simulate::trace::Trace;
use std::fs;
use std::path::Path;
use std::sync::Arc;

/// A movie file of `segments` segments of 3 s at the given rates.
fn movie(folder: &Path, rates: &[u64], segments: usize) -> std::path::PathBuf {
    let sizes: Vec<u64> = rates.iter().map(|rate| rate * 3000).collect();
    let sizes = vec![sizes; segments];
    let text = format!(
        r#"{{"segment_duration_ms": 3000, "bitrates_kbps": {rates:?}, "segment_sizes_bits": {sizes:?}}}"#
    );
    let file = folder.join(format!("{}-{segments}.json", rates.len()));
    fs::write(&file, text).unwrap();
    file
}

fn trace(text: &str) -> Trace {
    Trace::parse("t", text.as_bytes()).unwrap()
}

#[test]
fn every_shared_trace_is_found_and_everything_else_named() {
    let Some(shared) = common::shared() else {
        return;
    };
    let corpus = Corpus::read(&[shared.join("traces")]).unwrap();
    assert_eq!(corpus.traces.len(), 442);
    let names: Vec<String> = corpus
        .skipped
        .iter()
        .map(|skipped| skipped.file.display().to_string())
        .collect();
    for movie in [
        "movies/bbb.json",
        "movies/bbb4k.json",
        "movies/movie.json",
        "envivio_dash3.json",
    ] {
        assert!(names.iter().any(|name| name.ends_with(movie)), "{movie}");
    }
    let prose = |name: &&String| {
        name.contains("README") || name.contains("LICENSE") || name.contains("COPYING")
    };
    assert_eq!(
        names.len(),
        4 + names.iter().filter(prose).count(),
        "{names:?}"
    );
    assert!(
        corpus
            .skipped
            .iter()
            .all(|skipped| !skipped.reason.is_empty())
    );
}

/// A pipe would be waited for, links lead in circles, and a folder that is not there is a mistake.
#[cfg(unix)]
#[test]
fn a_folder_of_traces_is_read_once() {
    use std::os::unix::fs::symlink;
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    std::fs::write(at("a.txt"), "0 1\n5 1\n").unwrap();
    std::fs::create_dir(at("deep")).unwrap();
    symlink(folder.path(), at("deep/up")).unwrap();
    symlink(at("deep"), at("down")).unwrap();
    symlink(at("nowhere"), at("dangling")).unwrap();
    let pipe = std::process::Command::new("mkfifo")
        .arg(at("pipe"))
        .status();
    assert!(pipe.unwrap().success());
    let places = [folder.path().to_owned(), at("deep"), at("a.txt")];
    let corpus = Corpus::read(&places[..2]).unwrap();
    assert_eq!(corpus.traces.len(), 1);
    let mut reasons: Vec<(String, &str)> = corpus
        .skipped
        .iter()
        .map(|skipped| {
            let name = skipped.file.strip_prefix(folder.path()).unwrap();
            (name.display().to_string(), skipped.reason.as_str())
        })
        .collect();
    reasons.sort_unstable();
    let again = "a folder that was read already";
    assert_eq!(reasons[0].0, "dangling");
    assert_eq!(
        reasons[1..],
        [
            ("deep".into(), again),
            ("deep/up".into(), again),
            ("down".into(), again),
            ("pipe".into(), "neither a file nor a folder"),
        ]
    );
    assert_eq!(Corpus::read(&places[2..]).unwrap().traces.len(), 1);
    let error = Corpus::read(&[at("nowhere")]).unwrap_err().to_string();
    assert!(error.contains("nowhere"), "{error}");
}

#[test]
fn edges_end_with_a_verdict() {
    let folder = tempfile::tempdir().unwrap();
    let live = trace(
        r#"[{"duration_ms": 700, "bandwidth_kbps": 900, "latency_ms": 20}, {"duration_ms": 900, "bandwidth_kbps": 0, "latency_ms": 20}]"#,
    );
    let dead = trace("0 0\n10 0\n");
    // As good as dead: a bit in the age of the universe.
    let faint = trace("0 1e-30\n10 1e-30\n");
    let shapes: [(&[u64], usize); 4] = [
        (&[200, 400], 1),
        (&[300], 30),
        (&[100, 200, 400], 10_000),
        (&[50], 1),
    ];
    for (rates, segments) in shapes {
        let subject = Subject::movie(&movie(folder.path(), rates, segments)).unwrap();
        let movie = subject.movie.as_deref().unwrap();
        for abr in Abr::all().filter(|abr| segments < 10_000 || *abr == Abr::BolaE) {
            let options = Options {
                abr,
                ..Options::default()
            };
            let play = |trace: &Trace| {
                let session = Session::new(Arc::clone(&subject.ladder), &options);
                driver::run(session, &Link::new(trace, 1.0))
            };
            let run = play(&live);
            assert_eq!(
                (run.starved_by, run.log.plays.len()),
                (None, segments),
                "{abr}"
            );
            assert_eq!(play(&dead).starved_by, Some(0), "{abr}");
            assert_eq!(play(&faint).starved_by, Some(0), "{abr}");
        }
        for line in [
            "-a throughput",
            "-a bola",
            "-a dynamic",
            "-a bolae -noibr",
            "-a bolae -r right",
        ] {
            let options = sabre::options::Options::parse(line).unwrap();
            let starved = sabre::run(&dead, movie, &options);
            let one_rate_bola_e = rates.len() == 1 && line == "-a bolae -r right";
            match sabre::run(&live, movie, &options) {
                Ok(session) => assert!(session.decisions.segment.len() >= segments),
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
            let columns = pensieve::run(&live, movie, rule).unwrap();
            assert_eq!(columns.metrics().chunks, segments.min(48));
            assert!(pensieve::run(&dead, movie, rule).is_err());
        }
    }
}

/// After ten thousand years seconds are counted in steps of a few microseconds, and waits come to
/// their end all the same.
#[test]
fn ages_without_a_byte_pass() {
    let folder = tempfile::tempdir().unwrap();
    let age = r#"{"duration_ms": 1e12, "bandwidth_kbps": 0, "latency_ms": 20}"#;
    let burst = r#"{"duration_ms": 5000.7, "bandwidth_kbps": 1000, "latency_ms": 20}"#;
    let trace = trace(&format!("[{}, {burst}]", [age; 9].join(", ")));
    let subject = Subject::movie(&movie(folder.path(), &[200, 400], 120)).unwrap();
    for abr in Abr::all() {
        for compute in [None, Some(Compute::default())] {
            let options = Options {
                abr,
                compute,
                buffer_s: 9.1,
                ..Options::default()
            };
            let session = Session::new(Arc::clone(&subject.ladder), &options);
            let run = driver::run(session, &Link::new(&trace, 1.0));
            assert_eq!((run.starved_by, run.log.plays.len()), (None, 120), "{abr}");
            assert!(run.log.ended_s.unwrap() > 1e11, "{abr}");
        }
    }
}

#[test]
fn nonsense_is_refused_with_its_place() {
    for (text, place) in [
        ("1 1\n0 1\n", "line 2"),
        ("0 1\n1 nan\n", "line 2"),
        ("0 1\n1 -3\n", "line 2"),
        ("\u{1b}[31m", "found `�[31m`"),
        ("", "expected a trace"),
        (
            r#"[{"duration_ms": -5, "bandwidth_kbps": 1}]"#,
            "-5 is negative",
        ),
    ] {
        let error = Trace::parse("t", text.as_bytes()).unwrap_err().to_string();
        assert!(error.contains(place), "{text}: {error}");
    }
    for (text, place) in [
        ("[]", "movie JSON"),
        (
            r#"{"segment_duration_ms": 0, "bitrates_kbps": [1], "segment_sizes_bits": [[1]]}"#,
            "segment_duration_ms",
        ),
        (
            r#"{"segment_duration_ms": 1, "bitrates_kbps": [2, 1], "segment_sizes_bits": [[1, 1]]}"#,
            "ascending",
        ),
        (
            r#"{"segment_duration_ms": 1, "bitrates_kbps": [1, 2], "segment_sizes_bits": [[1]]}"#,
            "segment 0",
        ),
        (
            r#"{"segment_duration_ms": 1, "bitrates_kbps": [1], "segment_sizes_bits": []}"#,
            "at least one",
        ),
        (
            r#"{"segment_duration_ms": 1e15, "bitrates_kbps": [1], "segment_sizes_bits": [[1]]}"#,
            "at most a day",
        ),
        (
            r#"{"segment_duration_ms": 1, "bitrates_kbps": [1e300], "segment_sizes_bits": [[1]]}"#,
            "at most 1e9",
        ),
        (
            r#"{"segment_duration_ms": 1, "bitrates_kbps": [1], "segment_sizes_bits": [[1e18]]}"#,
            "at most 4 GiB",
        ),
    ] {
        let error = Movie::parse("m", text).unwrap_err().to_string();
        assert!(error.contains(place), "{text}: {error}");
    }
}

#[test]
fn a_grid_is_the_same_on_any_number_of_threads() {
    let folder = tempfile::tempdir().unwrap();
    let grid = |threads| Grid {
        subjects: vec![Subject::movie(&movie(folder.path(), &[200, 400, 800], 20)).unwrap()],
        traces: vec![
            trace("0 1\n5 1\n9 0.2\n"),
            trace("0 1\n2 0.3\n4 3\n"),
            trace("0 0\n1 0\n"),
        ],
        players: vec![
            Player::Own(Abr::Dynamic),
            Player::Own(Abr::LolPlus),
            Player::Sabre("sabre:bolae".into(), Box::default()),
        ],
        seeds: 2,
        conditions: Conditions::default(),
        fit_to_ladder: true,
        options: Options::default(),
        thresholds: vec![0.2],
        oracle_plans: Some(50),
        threads,
    };
    let rows = grid(1).run(&|_| {}).unwrap();
    assert_eq!(rows.len(), 18);
    assert_eq!(grid(3).run(&|_| {}).unwrap(), rows);
    let dead = rows.iter().filter(|row| row.verdict == "starved").count();
    assert_eq!(dead, 6);
    assert!(
        rows.iter()
            .all(|row| row.figures.oracle_gap.is_none_or(|gap| gap >= 0.0))
    );
    let samples = Sample::by_title(&rows);
    assert_eq!(
        (
            samples.len(),
            samples[0].rules.len(),
            samples[0].rules[0].1.len()
        ),
        (1, 3, 6)
    );
    assert!(
        samples[0]
            .estimate("dynamic", "QoE_lin")
            .unwrap()
            .mean
            .is_finite()
    );
    let html = page(&grid(1), &rows, "promptus simulate").unwrap().html();
    assert!(html.contains("gap to oracle") && html.contains("Rule against rule"));
    assert_eq!(
        html,
        page(&grid(2), &rows, "promptus simulate").unwrap().html()
    );
}
