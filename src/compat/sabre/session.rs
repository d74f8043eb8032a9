//! Sabre's main loop.

use super::estimate::Estimate;
use super::network::{Network, Progress, Verdict};
use super::options::Options;
use super::playback::Playback;
use super::record::{self, Accuracy, Decision, Session};
use super::rule::{Choice, Ended, Rule, View};
use super::rules;
use crate::compat::CompatError;
use crate::network::trace::Trace;
use crate::simulate::movie::Movie;

/// Maximum number of laps of the trace for one segment.
const MAX_LAPS: f64 = 1e5;
/// Maximum number of requests without a new segment.
const MAX_REQUESTS: usize = 10_000;
/// Maximum number of segments of a repeated movie.
const MAX_SEGMENTS: f64 = 100_000.0;

struct State<'a> {
    options: &'a Options,
    movie: &'a Movie,
    network: Network,
    playback: Playback<'a>,
    estimate: Estimate,
    rule: Box<dyn Rule>,
    accuracy: Accuracy,
    decisions: Vec<Decision>,
    /// The next segment; negative after a seek to before the movie, then counted from its end.
    next: i64,
    idle: usize,
    seek_s: Option<(f64, f64)>,
}

/// Plays `movie` over `trace` as Sabre does.
///
/// Fails where Sabre hangs or ends with an error.
pub fn run(trace: &Trace, movie: &Movie, options: &Options) -> Result<Session, CompatError> {
    let cut = options.movie_s.map(|length_s| of_length(movie, length_s));
    let cut = cut.transpose()?;
    let movie = cut.as_ref().unwrap_or(movie);
    let mut state = State::new(trace, movie, options)?;
    state.start()?;
    while state.next < movie.segments() as i64 {
        state.step()?;
        if state.idle > MAX_REQUESTS {
            let segment = state.next;
            return Err(CompatError::Endless { segment });
        }
    }
    state.playback.play_out();
    let metrics = record::metrics(&state.playback, &state.accuracy, movie, options);
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
    if segments > MAX_SEGMENTS {
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
        let enough = network.lap_bits() * MAX_LAPS;
        let answers = network.laps_of_latency() < MAX_LAPS;
        // Negated, so that a trace without any bits (NaN) is refused, too.
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
            decisions: Vec::new(),
            next: 0,
            idle: 0,
            seek_s: options.seek_s,
        })
    }

    /// The first segment: lowest quality, never abandoned; its time counts as play time, not as stall.
    fn start(&mut self) -> Result<(), CompatError> {
        let size = self.movie.size_bits(0, 0);
        let progress = self.network.fetch(0, size, &mut self.playback);
        self.playback.append(0);
        self.learn(&progress)?;
        self.playback.play_clock_ms += progress.time_ms;
        self.next = 1;
        self.note(Decision::default().with(&progress, None));
        Ok(())
    }

    fn step(&mut self) -> Result<(), CompatError> {
        self.seek_if_due()?;
        let full_ms = self.wait_for_room();
        let mut choice = self.rule.choose(&self.view(), self.next);
        let which = self.options.replacement;
        let replace = self.playback.candidate(which, choice.quality);
        if replace.is_some() {
            choice.wait_ms = 0.0;
        }
        if choice.wait_ms > 0.0 {
            self.wait(choice.wait_ms);
        }
        let decision = Decision {
            segment: self.next - replace.unwrap_or(0) as i64,
            start_ms: self.playback.play_clock_ms,
            buffer_before_ms: self.playback.level_ms(),
            full_buffer_delay_ms: full_ms,
            abr_delay_ms: choice.wait_ms,
            replace_offset: replace.map(|from_end| -(from_end as i64)),
            ..Decision::default()
        };
        let (progress, verdict) = self.fetch(decision.segment, choice, replace);
        self.playback.play(progress.time_ms);
        self.take_in(choice.quality, replace, verdict);
        self.rule.ended(&Ended {
            quality: choice.quality,
            time_ms: progress.time_ms,
            verdict,
            replacement: replace.is_some(),
            buffer_ms: self.playback.level_ms(),
        });
        let sample = sample_kbps(&progress);
        self.accuracy.compare(self.estimate.kbps, sample);
        if verdict.is_none() {
            self.learn(&progress)?;
        }
        self.note(decision.with(&progress, verdict));
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
        let segment_ms = self.movie.segment_ms();
        let reached_ms = self.next as f64 * segment_ms;
        let due = |seek: &mut (f64, f64)| reached_ms >= 1000.0 * seek.0;
        let Some((_, to_s)) = self.seek_s.take_if(due) else {
            return Ok(());
        };
        let target = (1000.0 * to_s / segment_ms).floor();
        let segments = self.movie.segments() as f64;
        if target < -segments || target >= segments {
            let what = format!("a seek to {to_s} s, outside the movie");
            return Err(CompatError::Crash { what });
        }
        self.next = target as i64;
        self.playback.forget();
        self.rule.sought(1000.0 * to_s);
        Ok(())
    }

    /// Plays until the buffer has room for a segment; returns the time taken.
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
        let quality = choice.quality;
        if self.options.no_abandon {
            return (self.network.fetch(quality, size, &mut self.playback), None);
        }
        let (view, rule) = (self.view(), &mut self.rule);
        let look = |progress: &Progress, buffer_ms: f64| match replace {
            // A replacement is given up once its segment is to play.
            Some(from_end) => {
                let too_late = buffer_ms - view.movie.segment_ms() * from_end as f64 <= 0.0;
                too_late.then_some(Verdict::GiveUp)
            }
            None => rule.look(&view, progress, buffer_ms).map(Verdict::To),
        };
        self.network
            .fetch_watched(quality, size, &mut self.playback, look)
    }

    /// Appends a delivered segment. The quality that an abandonment asked for is lost.
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
        let size = progress.size;
        let what = format!("{size} bits in {flowed_ms} ms give no estimate of the network");
        Err(CompatError::Crash { what })
    }

    /// Records a decision with the state after it.
    fn note(&mut self, decision: Decision) {
        self.decisions.push(Decision {
            buffer_after_ms: self.playback.level_ms(),
            est_throughput_kbps: self.estimate.kbps,
            est_latency_ms: self.estimate.latency_ms,
            network_clock_ms: self.network.clock_ms,
            play_clock_ms: self.playback.play_clock_ms,
            rebuffer_ms: self.playback.rebuffer_ms,
            ..decision
        });
    }
}

fn sample_kbps(progress: &Progress) -> f64 {
    progress.downloaded / (progress.time_ms - progress.latency_ms)
}
