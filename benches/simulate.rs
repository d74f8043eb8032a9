//! Time a whole session takes, without reading files or starting a process:
//! `cargo bench --bench simulate --no-default-features --features compat`.
//!
//! 199 segments of 3 s in ten rungs over a network that falls away now and then, so that transfers
//! are abandoned.
#![allow(missing_docs, clippy::unwrap_used)]

use divan::Bencher;
#[cfg(feature = "compat")]
use promptus::compat::{pensieve, sabre};
use promptus::network::link::Link;
use promptus::network::trace::{Period, Trace};
use promptus::player::abr::Abr;
use promptus::player::session::{Options, Session};
use promptus::simulate::movie::Movie;
use promptus::simulate::{driver, oracle};
use std::sync::Arc;

fn main() {
    divan::main();
}

fn noise(seed: u32) -> f64 {
    let mixed = (seed ^ 0x5bd1_e995).wrapping_mul(0x9e37_79b1);
    f64::from((mixed ^ mixed >> 15).wrapping_mul(0x85eb_ca6b) >> 8) / f64::from(1u32 << 24)
}

fn movie() -> Movie {
    let rates = [230, 331, 477, 688, 991, 1427, 2056, 2962, 5027, 6000];
    let size =
        |segment: u32, rate: u32| (f64::from(rate) * 3000.0 * (0.6 + 0.8 * noise(segment))) as u64;
    let sizes: Vec<Vec<u64>> = (0..199)
        .map(|segment| rates.iter().map(|&rate| size(segment, rate)).collect())
        .collect();
    let text = format!(
        r#"{{"segment_duration_ms": 3000, "bitrates_kbps": {rates:?}, "segment_sizes_bits": {sizes:?}}}"#
    );
    Movie::parse("bench", &text).unwrap()
}

fn trace() -> Trace {
    let period = |number: u32| Period {
        duration_s: 1.0,
        kbps: 4000.0 * noise(number / 13) * noise(number),
        latency_s: 0.1,
    };
    Trace::new("bench", (0..900).map(period).collect()).unwrap()
}

#[cfg(feature = "compat")]
#[divan::bench(args = ["-a bolae", "-a throughput", "-a dynamic", "-a bolae -ao -r left"])]
fn sabre_session(bencher: Bencher<'_, '_>, line: &str) {
    let (movie, trace) = (movie(), trace());
    let options: sabre::Options = line.parse().unwrap();
    bencher.bench(|| sabre::run(&trace, &movie, &options).unwrap());
}

#[divan::bench(args = ["throughput", "bola-e", "dynamic", "robust-mpc", "stochastic-mpc", "lol+"])]
fn session(bencher: Bencher<'_, '_>, rule: &str) {
    let ladder = Arc::new(movie().ladder().unwrap());
    let link = Link::new(&trace(), 1.0);
    let options = Options {
        abr: rule.parse::<Abr>().unwrap(),
        ..Options::default()
    };
    bencher.bench(|| driver::run(Session::new(Arc::clone(&ladder), &options), &link));
}

#[cfg(feature = "compat")]
#[divan::bench]
fn pensieve_mpc(bencher: Bencher<'_, '_>) {
    let (movie, trace) = (movie(), trace());
    bencher.bench(|| pensieve::run(&trace, &movie, pensieve::Rule::RobustMpc).unwrap());
}

#[divan::bench(args = [100, 300, 3000], sample_count = 3)]
fn oracle_of_plans(bencher: Bencher<'_, '_>, most: usize) {
    let ladder = movie().ladder().unwrap();
    let link = Link::new(&trace(), 1.0);
    bencher.bench(|| oracle::qoe_lin(&ladder, &link, 25.0, most));
}
