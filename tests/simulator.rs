//! The simulator from outside: every trace below a folder, edges, and grids.

#![allow(clippy::unwrap_used)]

mod common;
#[path = "common/title.rs"]
mod fake_title;
#[path = "common/program.rs"]
mod program;

use program::{said, text};
use promptus::network::corpus::Corpus;
use promptus::network::link::Link;
use promptus::network::trace::Trace;
use promptus::player::abr::{Abr, Choice, Rule, View};
use promptus::player::compute::{Compute, Model};
use promptus::player::session::{Options, Session};
use promptus::player::utility::Utility;
use promptus::segment::media::read_partial;
use promptus::simulate::content::Content;
use promptus::simulate::driver;
use promptus::simulate::grid::{FitTo, Grid, Player, Sample, figures, page};
use promptus::simulate::movie::Movie;
use promptus::simulate::title;
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::sync::Arc;

/// A movie of `segments` segments of 3 s at the given rates.
fn movie(rates: &[u64], segments: usize) -> Content {
    let sizes: Vec<u64> = rates.iter().map(|rate| rate * 3000).collect();
    let movie = json!({"segment_duration_ms": 3000, "bitrates_kbps": rates,
        "segment_sizes_bits": vec![sizes; segments]});
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(&file, movie.to_string()).unwrap();
    Content::movie(file.path()).unwrap()
}

#[track_caller]
#[allow(clippy::needless_pass_by_value, reason = "shorter calls")]
fn has(text: impl ToString, part: &str) {
    let text = text.to_string();
    assert!(text.contains(part), "`{part}` is not in: {text}");
}

/// The demo title.
fn demo() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("manifests/demo")
}

fn trace(text: &str) -> Trace {
    Trace::parse("t", text.as_bytes()).unwrap()
}

#[test]
fn a_corpus_has_every_trace_and_lists_all_other_files() {
    let Some(shared) = common::shared() else {
        return;
    };
    let corpus = Corpus::read(&[shared.join("traces")]).unwrap();
    assert_eq!(corpus.traces.len(), 442);
    let skipped = corpus.skipped.iter();
    let names: Vec<String> = skipped
        .map(|skipped| skipped.file.display().to_string())
        .collect();
    let others = [
        "movies/bbb.json",
        "movies/bbb4k.json",
        "movies/movie.json",
        "envivio_dash3.json",
    ];
    for movie in others {
        assert!(names.iter().any(|name| name.ends_with(movie)), "{movie}");
    }
    let prose = |name: &&String| {
        ["README", "LICENSE", "COPYING"]
            .iter()
            .any(|word| name.contains(word))
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

/// Pipes would block, links form cycles, and a missing folder is an error.
#[cfg(unix)]
#[test]
fn folders_are_read_once_and_pipes_skipped() {
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
    let reasons = corpus.skipped.iter().map(|skipped| {
        let name = skipped.file.strip_prefix(folder.path()).unwrap();
        (name.display().to_string(), skipped.reason.as_str())
    });
    let mut reasons: Vec<(String, &str)> = reasons.collect();
    reasons.sort_unstable();
    let again = "a folder that was already read";
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
    has(Corpus::read(&[at("nowhere")]).unwrap_err(), "nowhere");
}

#[test]
fn extreme_networks_and_titles_end_with_a_verdict() {
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
        let content = movie(rates, segments);
        for abr in Abr::all().filter(|abr| segments < 10_000 || *abr == Abr::BolaE) {
            let options = Options {
                abr,
                ..Options::default()
            };
            let play = |trace: &Trace| {
                let session = Session::new(Arc::clone(&content.ladder), &options);
                driver::run(session, &Link::new(trace, 1.0))
            };
            let run = play(&live);
            let outcome = (run.starved_by, run.log.plays.len());
            assert_eq!(outcome, (None, segments), "{abr}");
            assert_eq!(play(&dead).starved_by, Some(0), "{abr}");
            assert_eq!(play(&faint).starved_by, Some(0), "{abr}");
        }
    }
}

/// After ten thousand years the clock has a resolution of microseconds; waits must still end.
#[test]
fn sessions_survive_ages_without_bandwidth() {
    let age = r#"{"duration_ms": 1e12, "bandwidth_kbps": 0, "latency_ms": 20}"#;
    let burst = r#"{"duration_ms": 5000.7, "bandwidth_kbps": 1000, "latency_ms": 20}"#;
    let trace = trace(&format!("[{}, {burst}]", [age; 9].join(", ")));
    let content = movie(&[200, 400], 120);
    for abr in Abr::all() {
        for compute in [None, Some(Compute::Modelled(Model::default()))] {
            let options = Options {
                abr,
                compute,
                buffer_s: 9.1,
                ..Options::default()
            };
            let session = Session::new(Arc::clone(&content.ladder), &options);
            let run = driver::run(session, &Link::new(&trace, 1.0));
            assert_eq!((run.starved_by, run.log.plays.len()), (None, 120), "{abr}");
            assert!(run.log.ended_s.unwrap() > 1e11, "{abr}");
        }
    }
}

#[test]
fn errors_name_the_place_of_invalid_input() {
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
        has(Trace::parse("t", text.as_bytes()).unwrap_err(), place);
    }
    has(Movie::parse("m", "[]").unwrap_err(), "movie JSON");
    for (segment_ms, rates, sizes, place) in [
        ("0", "[1]", "[[1]]", "segment_duration_ms"),
        ("1", "[2, 1]", "[[1, 1]]", "ascending"),
        ("1", "[1, 2]", "[[1]]", "segment 0"),
        ("1", "[1]", "[]", "at least one"),
        ("1e15", "[1]", "[[1]]", "at most a day"),
        ("1", "[1e300]", "[[1]]", "at most 1e9"),
        ("1", "[1]", "[[1e18]]", "at most 4 GiB"),
    ] {
        let rest = format!(r#""bitrates_kbps": {rates}, "segment_sizes_bits": {sizes}"#);
        let text = format!(r#"{{"segment_duration_ms": {segment_ms}, {rest}}}"#);
        has(Movie::parse("m", &text).unwrap_err(), place);
    }
}

/// An own rule.
#[derive(Debug)]
struct Lowest;

impl Rule for Lowest {
    fn choose(&mut self, _view: &View<'_>) -> Choice {
        Choice::now(0, "lowest")
    }
}

#[test]
fn a_grid_is_the_same_on_any_number_of_threads() {
    let content = movie(&[200, 400, 800], 20);
    let grid = |threads| Grid {
        contents: vec![content.clone()],
        traces: ["0 1\n5 1\n9 0.2\n", "0 1\n2 0.3\n4 3\n", "0 0\n1 0\n"]
            .map(trace)
            .into(),
        players: vec![
            Player::Abr(Abr::Dynamic),
            Player::Abr(Abr::LolPlus),
            Player::rule("lowest", |_, _| Box::new(Lowest)),
        ],
        seeds: 2,
        fit_to: Some(FitTo::Each),
        thresholds: vec![0.2],
        oracle_plans: Some(50),
        threads,
        ..Grid::default()
    };
    let rows = grid(1).run(&|_| {}).unwrap();
    assert_eq!(rows.len(), 18);
    assert_eq!(grid(3).run(&|_| {}).unwrap(), rows);
    let dead = rows.iter().filter(|row| row.verdict == "starved").count();
    assert_eq!(dead, 6);
    let mut gaps = rows.iter().map(|row| row.figures.oracle_gap);
    assert!(gaps.all(|gap| gap.is_none_or(|gap| gap >= 0.0)));
    let own = rows.iter().filter(|row| row.rule == "lowest");
    assert!(own.clone().count() == 6 && own.clone().all(|row| row.figures.switches == 0));
    let samples = Sample::by_title(&rows);
    let rules = &samples[0].rules;
    assert_eq!((samples.len(), rules.len(), rules[0].1.len()), (1, 3, 6));
    let estimate = samples[0].estimate("dynamic", &figures(&[])[0]);
    assert!(estimate.mean.is_finite());
    let html = |threads| {
        page(&grid(threads), &rows, "promptus simulate")
            .unwrap()
            .html()
    };
    assert!(html(1).contains("gap to oracle") && html(1).contains("Rule against rule"));
    assert_eq!(html(1), html(2));
}

/// A measured ladder of two segments, 2 s and 1 s: `rates` in kbit/s and their LPIPS.
fn measured(folder: &Path, name: &str, rungs: &[(f64, f64)]) -> PathBuf {
    let rung = |(number, &(kbps, lpips)): (usize, &(f64, f64))| {
        let segments = [(0.0, 2.0), (2.0, 1.0)].map(|(start_s, duration_s)| {
            json!({"start_s": start_s, "duration_s": duration_s,
                "bytes": (kbps * 125.0 * duration_s) as u64, "lpips_squeeze": lpips})
        });
        json!({"id": format!("r{number}"), "rank": number + 1, "kbps": kbps + 2.0,
            "mean": {"lpips_squeeze": lpips}, "segments": segments})
    };
    let rungs: Vec<Value> = rungs.iter().enumerate().map(rung).collect();
    let file = folder.join(name);
    fs::write(&file, json!({"version": 1, "rungs": rungs}).to_string()).unwrap();
    file
}

#[test]
fn a_measured_ladder_repeats_with_its_measurements() {
    let folder = tempfile::tempdir().unwrap();
    let rungs = [(10.0, 0.3), (20.0, 0.2), (80.0, 0.19)];
    let content = Content::measured(&measured(folder.path(), "a.json", &rungs)).unwrap();
    // Without the init segment, as titles.
    assert_eq!(content.ladder.rungs()[1].kbps, 20.0);
    let long = content.clone().lasting(100.0);
    assert_eq!((long.ladder.segments(), long.ladder.total_s()), (67, 101.0));
    let quality = long.quality.as_ref().unwrap();
    assert_eq!(quality.rungs[2].segments.len(), 67);
    assert_eq!(quality.rungs[2].segments[66].start_s, 99.0);
    assert_eq!(long.ladder.size(66, 1), 20 * 125 * 2);
    let by_lpips = long.with_utility(Utility::LpipsSqueeze).unwrap();
    let by_rate = content.ladder.mean_utility(1) / content.ladder.mean_utility(2);
    let share = by_lpips.ladder.mean_utility(1) / by_lpips.ladder.mean_utility(2);
    assert!(by_rate < 0.34 && share > 0.9, "{by_rate} {share}");
    let error = content.with_utility(Utility::Ssim).unwrap_err().to_string();
    assert!(
        error.contains("a.json") && error.contains("no `ssim`"),
        "{error}"
    );
}

#[test]
fn a_ladder_whose_rungs_disagree_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = measured(folder.path(), "a.json", &[(10.0, 0.3), (20.0, 0.2)]);
    let good: Value = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
    let refused = |change: &dyn Fn(&mut Value)| {
        let mut bad = good.clone();
        change(&mut bad);
        fs::write(&file, bad.to_string()).unwrap();
        Content::measured(&file).unwrap_err().to_string()
    };
    let cut = |bad: &mut Value| {
        let segments = bad["rungs"][1]["segments"].as_array_mut();
        segments.unwrap().truncate(1);
    };
    has(refused(&cut), "`r1`: segment 1 lies elsewhere");
    for (place, value, expected) in [
        (
            "/rungs/1/segments/0/duration_s",
            json!(3.0),
            "segment 0 lies elsewhere",
        ),
        ("/rungs/0/segments/0/bytes", json!(99_000), "ascending"),
        ("/rungs/0/segments", json!([]), "segment 0 lies elsewhere"),
        ("/rungs", json!("x"), "a.json: expected rungs with segments"),
    ] {
        let error = refused(&|bad| *bad.pointer_mut(place).unwrap() = value.clone());
        has(error, expected);
    }
}

fn simulate(arguments: &[&str]) -> Output {
    program::run(&[&["simulate"], arguments].concat())
}

/// The rows on stdout of a grid, which must succeed.
fn rows(output: &Output) -> Vec<Value> {
    assert!(output.status.success(), "{}", said(output));
    let lines = String::from_utf8_lossy(&output.stdout);
    let rows = lines.lines().map(|row| serde_json::from_str(row).unwrap());
    rows.collect()
}

/// Compared titles see one network, fitted to any of them.
#[test]
fn ladders_are_compared_over_one_network() {
    let folder = tempfile::tempdir().unwrap();
    let ours = [(10.0, 0.2), (15.0, 0.151), (25.0, 0.15)];
    let ours = measured(folder.path(), "ours.json", &ours);
    let theirs = measured(folder.path(), "theirs.json", &[(20.0, 0.35), (60.0, 0.12)]);
    let (mut traces, html) = (Vec::new(), folder.path().join("report.html"));
    for (name, text) in [("a", "0 1\n50 1\n90 0.2\n"), ("b", "0 2\n30 0.3\n70 3\n")] {
        let file = folder.path().join(name);
        fs::write(&file, text).unwrap();
        traces.extend(["--trace".to_owned(), file.to_str().unwrap().to_owned()]);
    }
    let names = [text(&ours), text(&theirs)];
    let mut arguments = vec!["--ladder", names[0], "--ladder", names[1], "--json"];
    arguments.extend(traces.iter().map(String::as_str));
    let rules = "--length 120 --rules dynamic,robust-mpc --no-oracle";
    arguments.extend(rules.split(' '));
    let play = |more: &[&str]| {
        let output = simulate(&[&arguments[..], more].concat());
        (rows(&output), said(&output))
    };
    let (fitted, said) = play(&["--fit-to-ladder", "--html", text(&html)]);
    assert_eq!(fitted.len(), 8);
    let number = |row: &Value, key: &str| row[key].as_f64().unwrap();
    for (one, other) in fitted[..4].iter().zip(&fitted[4..]) {
        assert_eq!(one["trace"], other["trace"]);
        assert_eq!(one["multiplier"], other["multiplier"]);
        assert!(number(one, "play_time_s") >= 120.0, "{one}");
        assert!(number(one, "lpips_squeeze") < number(other, "lpips_squeeze"));
        assert!(number(one, "lpips_squeeze_p95") >= 0.15);
        assert_eq!(one["lpips_squeeze_over"].as_array().unwrap().len(), 3);
    }
    for part in [
        "side by side",
        "ours.json minus the other",
        "time over LPIPS (squeeze) 0.3",
        "to fit",
    ] {
        has(&said, part);
    }
    let page = fs::read_to_string(html).unwrap();
    assert!(page.contains("Titles side by side") && page.contains("minus the other"));
    let fit_to = format!("--fit-to-ladder={}", names[1]);
    let (named, _) = play(&[&fit_to]);
    let ratio = number(&named[0], "multiplier") / number(&fitted[0], "multiplier");
    assert!((ratio - (1200.0f64 / 250.0).sqrt()).abs() < 1e-9, "{ratio}");
    assert_eq!(named[0]["multiplier"], named[4]["multiplier"]);
    let (each, said) = play(&["--fit-to-ladder=each"]);
    assert_ne!(each[0]["multiplier"], each[4]["multiplier"]);
    has(said, "saw different networks");
    let (by_lpips, _) = play(&["--fit-to-ladder", "--utility", "lpips_squeeze"]);
    assert_ne!(by_lpips, fitted);
}

#[test]
fn invalid_options_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = measured(folder.path(), "a.json", &[(10.0, 0.3), (20.0, 0.2)]);
    let trace = folder.path().join("t");
    fs::write(&trace, "0 1\n9 1\n").unwrap();
    let (file, trace) = (text(&file), text(&trace));
    let common = ["--ladder", file, "--trace", trace];
    for (more, expected) in [
        (&["--length", "0"][..], "'--length <S>': expected seconds"),
        (&["--length", "1e9"], "at most 86400"),
        (&["--length", "nan"], "expected seconds above 0"),
        (&["--compat", "sabre"], "cannot be used with '--compat"),
        (&["--fit-to-ladder=nobody"], "expected `each` or one of"),
        (&["--utility", "psnr"], "no `psnr`"),
        (&["--utility", "vmaf"], "vmaf"),
        (&["--ladder", file], "was named twice"),
    ] {
        let output = simulate(&[&common[..], more].concat());
        assert_eq!(output.status.code(), Some(2), "{more:?}: {}", said(&output));
        has(said(&output), expected);
    }
}

/// A title in layers beside the same title in rungs: over a network that lasts, upgrades come.
#[test]
fn layers_are_compared_with_other_rules() {
    let folder = tempfile::tempdir().unwrap();
    fake_title::publish_layered(folder.path(), 30);
    let trace = folder.path().join("t");
    fs::write(&trace, "0 0.1\n40 0.1\n80 0.2\n").unwrap();
    let html = folder.path().join("report.html");
    let (trace, options) = (
        text(&trace),
        "--rules dynamic,layers --length 90 --no-oracle --json",
    );
    let mut arguments = vec![text(folder.path()), "--trace", trace, "--html", text(&html)];
    arguments.extend(options.split(' '));
    let rows = rows(&simulate(&arguments));
    assert_eq!(
        (&rows[1]["rule"], &rows[1]["verdict"]),
        (&json!("layers"), &json!("finished"))
    );
    // An upgrade is a request of its own.
    let requests = |row: &Value| row["requests"].as_u64().unwrap();
    assert!(requests(&rows[1]) > requests(&rows[0]), "{rows:?}");
    let page = fs::read_to_string(&html).unwrap();
    assert!(page.contains("layers on the base") && page.contains("first arrived"));
    let plain = folder.path().join("plain");
    fake_title::publish_fake(&plain, 3);
    let output = simulate(&[text(&plain), "--trace", trace, "--rules", "layers"]);
    assert_eq!(output.status.code(), Some(2));
    has(said(&output), "layers");
}

/// Simulated and real transfers leave the same media when truncated, at any byte.
#[test]
fn a_truncated_segment_plays_its_complete_samples() {
    let folder = demo();
    let ladder = Content::title(&folder).unwrap().ladder;
    let group = title::read(&folder).unwrap().groups.remove(0);
    let mut prefixes = 0;
    for (rung, representation) in group.representations.iter().enumerate() {
        let file = fs::read(folder.join(&representation.url)).unwrap();
        for (segment, listed) in representation.segments.iter().enumerate() {
            let range = listed.range.unwrap();
            let bytes = &file[range.start as usize..range.end() as usize];
            for cut in (0..bytes.len()).step_by(13).chain([bytes.len()]) {
                let samples = read_partial(&bytes[..cut]).map_or(Vec::new(), |part| part.samples);
                let ticks: u32 = samples.iter().map(|sample| sample.duration).sum();
                let ticks = if samples.len() > 1 { ticks } else { 0 };
                let played_s = f64::from(ticks) / f64::from(group.frame_rate.timescale().ticks());
                let told_s = ladder.prefix_s(segment, rung, cut as u64);
                assert!((told_s - played_s).abs() < 1e-9, "{segment} {rung} {cut}");
                prefixes += usize::from(played_s > 0.0 && cut < bytes.len());
            }
        }
    }
    assert!(prefixes > 100, "{prefixes}");
}

/// Over a link that dries up, the rest of a segment comes from a lower rung. Rarely: of the shipped title's
/// segments, the second sample is seldom whole when there is still time to be gained.
#[test]
fn an_abandoned_segment_of_a_title_keeps_its_beginning() {
    let ladder = Content::title(&demo()).unwrap().lasting(120.0).ladder;
    let options = Options {
        buffer_s: 10.0,
        ..Options::default()
    };
    let kept = (0..60).filter(|step| {
        let well_ms = 10_000 + 370 * step;
        let periods = json!([{"duration_ms": well_ms, "bandwidth_kbps": 40, "latency_ms": 20},
            {"duration_ms": 900_000, "bandwidth_kbps": 4, "latency_ms": 20}]);
        let link = Link::new(&trace(&periods.to_string()), 1.0);
        let run = driver::run(Session::new(Arc::clone(&ladder), &options), &link);
        let played_s: f64 = run.log.played_s.iter().sum();
        assert!((played_s - ladder.total_s()).abs() < 1e-6);
        let mut plays = run.log.plays.windows(2);
        plays.any(|pair| pair[0].segment == pair[1].segment && pair[0].rung > pair[1].rung)
    });
    assert!(kept.count() > 0);
}

#[test]
fn absent_media_has_no_samples_and_malformed_media_is_named() {
    let (folder, demo) = (tempfile::tempdir().unwrap(), demo());
    let group = title::read(&demo).unwrap().groups.remove(0);
    fs::copy(demo.join("master.m3u8"), folder.path().join("master.m3u8")).unwrap();
    for rung in &group.representations {
        let playlist = rung.url.replace(".mp4", ".m3u8");
        let to = folder.path().join(&playlist);
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::copy(demo.join(&playlist), to).unwrap();
    }
    let ladder = Content::title(folder.path()).unwrap().ladder;
    assert_eq!(ladder.prefix_s(0, 0, ladder.size(0, 0)), 0.0);
    for rung in &group.representations {
        fs::write(folder.path().join(&rung.url), [0; 3000]).unwrap();
    }
    let error = Content::title(folder.path()).unwrap_err().to_string();
    let first = &group.representations[0];
    let start = first.segments[0].range.unwrap().start;
    has(&error, &first.url);
    has(&error, &format!("segment at byte {start}: "));
}
