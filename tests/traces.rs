//! Every trace under ../shared/traces loads by its content, and has the mean rate that the folder's README
//! states.

#![allow(clippy::unwrap_used)]

mod common;

use promptus::network::link::Link;
use promptus::network::trace::Trace;
use promptus::player::abr::Abr;
use promptus::player::ladder::{Ladder, Rung};
use promptus::player::log::Outcome;
use promptus::player::session::{Options, Session};
use promptus::simulate::driver;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Folder, files, and the mean rates in kbit/s over the folder: least, median, most (0: not stated).
const FOLDERS: &[(&str, usize, [f64; 3])] = &[
    ("sabre/3Glogs", 40, [56.0, 967.0, 3471.0]),
    ("sabre/4Glogs", 40, [14062.0, 31935.0, 59720.0]),
    ("sabre/sd_fs", 50, [4443.0, 5978.0, 7814.0]),
    ("sabre/hd_fs", 50, [12433.0, 16444.0, 33294.0]),
    ("sabre/example", 1, [0.0; 3]),
    ("hsdpa_norway_pensieve", 80, [572.0, 1077.0, 4543.0]),
    ("fcc_2016_pensieve", 60, [514.0, 1881.0, 3992.0]),
    ("oboe_pensieve", 60, [428.0, 2376.0, 4887.0]),
    ("puffer_pensieve", 40, [250.0, 1111.0, 3640.0]),
    ("mahimahi_cellular", 7, [521.0, 2020.0, 5946.0]),
    ("starlink_iperf3", 2, [33294.0, 0.0, 41757.0]),
    // Its README means are over rows, not over time.
    ("ucc_5g", 12, [0.0; 3]),
];

fn traces_in(folder: &Path) -> Vec<PathBuf> {
    let is_prose = |path: &PathBuf| {
        let name = path.file_name().unwrap().to_string_lossy().to_uppercase();
        let mut prose = ["README", "LICENSE", "COPYING"].iter();
        prose.any(|prose| name.starts_with(prose))
    };
    let entries = fs::read_dir(folder).unwrap();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.is_file() && !is_prose(path));
    files.sort();
    files
}

#[test]
fn every_shared_trace_loads_with_its_stated_mean() {
    let Some(shared) = common::shared() else {
        return;
    };
    let mut all = 0;
    for (folder, count, stated) in FOLDERS {
        let files = traces_in(&shared.join("traces").join(folder));
        assert_eq!(files.len(), *count, "{folder}");
        all += files.len();
        let means = files
            .iter()
            .map(|file| Trace::load(file).unwrap().mean_kbps());
        let mut means: Vec<f64> = means.collect();
        means.sort_by(f64::total_cmp);
        let found = [means[0], means[means.len() / 2], means[means.len() - 1]];
        for (index, (found, stated)) in found.iter().zip(stated).enumerate() {
            // Of an even count the README may state either middle value or what lies between.
            let near = if index == 1 { 0.1 } else { 0.02 };
            let close = (found - stated).abs() <= near * stated;
            assert!(
                *stated == 0.0 || close,
                "{folder}: {found} kbit/s, not {stated}"
            );
        }
    }
    assert_eq!(all, 442);
}

#[test]
fn other_files_are_refused_by_name() {
    let Some(shared) = common::shared() else {
        return;
    };
    let others = [
        ("traces/README.md", "line 3"),
        ("traces/sabre/LICENSE.txt", "line"),
        ("traces/sabre/movies/bbb.json", "intervals"),
        ("traces/pensieve_movie/envivio_dash3.json", "intervals"),
    ];
    for (name, place) in others {
        let error = Trace::load(&shared.join(name)).unwrap_err().to_string();
        assert!(error.contains(name) && error.contains(place), "{error}");
    }
}

/// Two minutes of 20 to 160 kbit/s in segments of 2 s.
fn ladder() -> Arc<Ladder> {
    let rates = [20.0, 40.0, 80.0, 160.0];
    let rungs = rates.iter().zip(1..).map(|(&kbps, rank)| Rung {
        id: format!("r{rank}"),
        rank,
        kbps,
    });
    let sizes = rates.map(|rate| (rate * 250.0) as u64).repeat(60);
    Arc::new(Ladder::new(rungs.collect(), &[2.0; 60], sizes).unwrap())
}

#[test]
fn every_rule_plays_through_every_trace() {
    let Some(shared) = common::shared() else {
        return;
    };
    let ladder = ladder();
    for (folder, ..) in FOLDERS {
        for file in traces_in(&shared.join("traces").join(folder)) {
            let link = Link::new(&Trace::load(&file).unwrap(), 0.05);
            for abr in Abr::all().chain([Abr::Fixed(3)]) {
                let options = Options {
                    abr,
                    buffer_s: 10.0,
                    ..Options::default()
                };
                let play = || driver::run(Session::new(Arc::clone(&ladder), &options), &link);
                let (run, file) = (play(), file.display());
                assert_eq!(run.starved_by, None, "{file}");
                let here = run.log.requests.iter();
                let here = here.filter(|request| request.outcome == Outcome::Delivered);
                assert!(here.map(|request| request.segment).eq(0..60), "{file}");
                let ended_s = run.log.ended_s.unwrap();
                assert!(ended_s >= 120.0 - 1e-6, "{file}: {ended_s}");
                assert_eq!(play(), run, "{file}");
            }
        }
    }
}
