//! Sabre's main loop.

use super::super::CompatError;
use super::estimate::Estimate;
use super::network::{Network, Progress, Verdict};
use super::options::Options;
use super::playback::Playback;
use super::record::{Accuracy, Decisions, Metrics, Row, Session};
use super::replace;
use super::rules::{self, Choice, Ended, Rule, View};
use crate::network::trace::Trace;
use crate::simulate::movie::Movie;

/// A segment that takes more rounds through the trace than this never arrives.
const MOST_LAPS: f64 = 1e5;
/// After so many requests that bring no segment nearer, none ever will.
const MOST_REQUESTS: usize = 10_000;
/// Longer movies are not made up of shorter ones.
const MOST_SEGMENTS: f64 = 100_000.0;

/// One session under way.
struct State<'a> {
    options: &'a Options,
    movie: &'a Movie,
    network: Network,
    playback: Playback<'a>,
    estimate: Estimate,
    rule: Box<dyn Rule>,
    accuracy: Accuracy,
    decisions: Decisions,
    /// Negative after a seek to before the movie: Sabre counts from its end then.
    next: i64,
    /// Requests since the last segment.
    idle: usize,
    seek_s: Option<(f64, f64)>,
}

/// Plays `movie` over `trace` as Sabre would; `Err` where it would hang or end with an error.
pub fn run(trace: &Trace, movie: &Movie, options: &Options) -> Result<Session, CompatError> {
    let cut;
    let movie = match options.movie_s {
        Some(length_s) => {
            cut = of_length(movie, length_s)?;
            &cut
        }
        None => movie,
    };
    let mut state = State::new(trace, movie, options)?;
    state.start()?;
    while state.next < movie.segments() as i64 {
        state.step()?;
        if state.idle > MOST_REQUESTS {
            let segment = state.next;
            return Err(CompatError::Endless { segment });
        }
    }
    state.playback.play_out();
    let metrics = Metrics::of(&state.playback, &state.accuracy, movie, options);
    Ok(Session {
        metrics,
        decisions: state.decisions,
    })
}

/// The movie cut or repeated to `length_s` seconds.
fn of_length(movie: &Movie, length_s: f64) -> Result<Movie, CompatError> {
    let segments = (length_s * 1000.0 / movie.segment_ms()).ceil();
    if segments <= 0.0 {
        let what = format!("a movie of {length_s} s, no segment");
        return Err(CompatError::Crash { what });
    }
    if segments > MOST_SEGMENTS {
        let expected = "a movie of 100000 segments at the most";
        return Err(CompatError::option("-ml", expected, length_s));
    }
    Ok(movie.clone().with_segments(segments as usize))
}

impl<'a> State<'a> {
    fn new(trace: &Trace, movie: &'a Movie, options: &'a Options) -> Result<Self, CompatError> {
        let segment_ms = movie.segment_ms();
        let rule = rules::rule(options, movie)?;
        let network = Network::new(trace, options.multiplier, movie.rates_kbps(), segment_ms);
        let enough = network.lap_bits() * MOST_LAPS;
        let answers = network.laps_of_latency() < MOST_LAPS;
        // Written so that a trace of no bits at all is refused, too.
        let arrives = |segment: &usize| answers && movie.size_bits(*segment, 0) < enough;
        if let Some(segment) = (0..movie.segments()).find(|segment| !arrives(segment)) {
            let trace = trace.name().to_owned();
            return Err(CompatError::Starved { trace, segment });
        }
        let buffer_ms = options.buffer_s * 1000.0;
        Ok(Self {
            options,
            movie,
            playback: Playback::new(movie, buffer_ms, options.rampup_quality, network.sustains()),
            network,
            estimate: Estimate::new(&options.average, segment_ms),
            rule,
            accuracy: Accuracy::default(),
            decisions: Decisions::default(),
            next: 0,
            idle: 0,
            seek_s: options.seek_s,
        })
    }

    /// The first segment: lowest quality, never abandoned; its time is play time but no stall.
    fn start(&mut self) -> Result<(), CompatError> {
        let size = self.movie.size_bits(0, 0);
        let progress = self.network.fetch((0, size), &mut self.playback);
        self.playback.append(0);
        self.learn(&progress)?;
        self.playback.play_clock_ms += progress.time_ms;
        self.next = 1;
        let row = Row {
            segment: 0,
            ..Row::default()
        };
        self.note(row, &progress);
        Ok(())
    }

    /// One request.
    fn step(&mut self) -> Result<(), CompatError> {
        self.seek_if_due()?;
        let full_ms = self.wait_for_room();
        let mut choice = self.rule.choose(&self.view(), self.next);
        let replace = replace::candidate(self.options.replacement, &self.playback, choice.quality);
        if replace.is_some() {
            choice.wait_ms = 0.0;
        }
        if choice.wait_ms > 0.0 {
            self.wait(choice.wait_ms);
        }
        let mut row = Row {
            segment: self.next - replace.unwrap_or(0) as i64,
            start_ms: self.playback.play_clock_ms,
            buffer_before_ms: self.playback.level_ms(),
            full_ms,
            wait_ms: choice.wait_ms,
            replace,
            verdict: None,
        };
        let (progress, verdict) = self.fetch(row.segment, choice, replace);
        self.playback.play(progress.time_ms);
        self.take_in(choice.quality, replace, verdict);
        self.rule.ended(&Ended {
            quality: choice.quality,
            time_ms: progress.time_ms,
            verdict,
            replacement: replace.is_some(),
            buffer_ms: self.playback.level_ms(),
        });
        self.accuracy
            .compare(self.estimate.kbps, sample_kbps(&progress));
        if verdict.is_none() {
            self.learn(&progress)?;
        }
        row.verdict = verdict;
        self.note(row, &progress);
        Ok(())
    }

    fn view(&self) -> View<'a> {
        View {
            movie: self.movie,
            buffer_ms: self.playback.level_ms(),
            kbps: self.estimate.kbps,
            latency_ms: self.estimate.latency_ms,
        }
    }

    fn seek_if_due(&mut self) -> Result<(), CompatError> {
        let Some((when_s, to_s)) = self.seek_s else {
            return Ok(());
        };
        let segment_ms = self.movie.segment_ms();
        if (self.next as f64 * segment_ms) < 1000.0 * when_s {
            return Ok(());
        }
        let target = (1000.0 * to_s / segment_ms).floor();
        let segments = self.movie.segments() as f64;
        if target < -segments || target >= segments {
            let what = format!("a seek to {to_s} s, outside the movie");
            return Err(CompatError::Crash { what });
        }
        self.next = target as i64;
        self.playback.forget();
        self.rule.sought(1000.0 * to_s);
        self.seek_s = None;
        Ok(())
    }

    /// Plays until the buffer has room for a segment; returns for how long.
    fn wait_for_room(&mut self) -> f64 {
        let segment_ms = self.movie.segment_ms();
        let over_ms = self.playback.level_ms() + segment_ms - self.options.buffer_s * 1000.0;
        if over_ms <= 0.0 {
            return 0.0;
        }
        self.wait(over_ms);
        self.rule.idled(over_ms);
        over_ms
    }

    fn wait(&mut self, time_ms: f64) {
        self.playback.play(time_ms);
        self.network.wait(time_ms, &mut self.playback);
    }

    fn fetch(
        &mut self,
        segment: i64,
        choice: Choice,
        replace: Option<usize>,
    ) -> (Progress, Option<Verdict>) {
        let from_start = segment.rem_euclid(self.movie.segments() as i64) as usize;
        let size = self.movie.size_bits(from_start, choice.quality);
        let what = (choice.quality, size);
        if self.options.no_abandon {
            return (self.network.fetch(what, &mut self.playback), None);
        }
        let (view, rule) = (self.view(), &mut self.rule);
        let look = |progress: &Progress, buffer_ms: f64| match replace {
            Some(from_end) => replace::look(from_end, buffer_ms, view.movie.segment_ms()),
            None => rule.look(&view, progress, buffer_ms).map(Verdict::To),
        };
        self.network.fetch_watched(what, &mut self.playback, look)
    }

    /// Puts what arrived into the buffer. What an abandonment wanted is not remembered.
    fn take_in(&mut self, quality: usize, replace: Option<usize>, verdict: Option<Verdict>) {
        self.idle += 1;
        match (replace, verdict) {
            (_, Some(_)) => {}
            (None, None) => {
                self.playback.append(quality);
                self.next += 1;
                self.idle = 0;
            }
            (Some(from_end), None) => {
                let behind_ms = self.movie.segment_ms() * from_end as f64;
                if self.playback.level_ms() - behind_ms >= 0.0 {
                    self.playback.replace(from_end, quality);
                }
            }
        }
    }

    fn learn(&mut self, progress: &Progress) -> Result<(), CompatError> {
        let flowed_ms = progress.time_ms - progress.latency_ms;
        self.estimate
            .push(flowed_ms, sample_kbps(progress), progress.latency_ms);
        if self.estimate.kbps.is_finite() && self.estimate.latency_ms.is_finite() {
            return Ok(());
        }
        let what = format!(
            "{} bits in {flowed_ms} ms give no estimate of the network",
            progress.size
        );
        Err(CompatError::Crash { what })
    }

    fn note(&mut self, row: Row, progress: &Progress) {
        let after_ms = self.playback.level_ms();
        self.decisions.push(&row, progress, after_ms);
        self.decisions.est_throughput_kbps.push(self.estimate.kbps);
        self.decisions.est_latency_ms.push(self.estimate.latency_ms);
        self.decisions.network_clock_ms.push(self.network.clock_ms);
        self.decisions
            .play_clock_ms
            .push(self.playback.play_clock_ms);
        self.decisions.rebuffer_ms.push(self.playback.rebuffer_ms);
    }
}

fn sample_kbps(progress: &Progress) -> f64 {
    progress.downloaded / (progress.time_ms - progress.latency_ms)
}
