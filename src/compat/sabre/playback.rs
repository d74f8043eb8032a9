//! Sabre's buffer and playback counters.
//!
//! A segment counts when it starts to play. A stall counts as an event only if the buffer runs dry
//! during playback; time with an empty buffer adds to stall and play time.

use super::options::Replacement;
use crate::simulate::movie::Movie;
use std::collections::VecDeque;

#[derive(Debug, Clone, Copy)]
struct Awaited {
    since_ms: f64,
    quality: usize,
    met_ms: Option<f64>,
}

pub(super) struct Playback<'a> {
    movie: &'a Movie,
    max_buffer_ms: f64,
    utilities: Vec<f64>,
    contents: VecDeque<usize>,
    /// Played part of the first segment in the buffer.
    begun_ms: f64,
    last_played: Option<usize>,
    sustained: usize,
    rampup_quality: Option<i64>,
    rampup_origin_ms: f64,
    awaited: VecDeque<Awaited>,
    pub(super) play_clock_ms: f64,
    pub(super) rebuffer_ms: f64,
    pub(super) rebuffer_events: usize,
    pub(super) utility: f64,
    pub(super) bitrate: f64,
    pub(super) bitrate_change: f64,
    pub(super) log_bitrate_change: f64,
    pub(super) rampup_ms: Option<f64>,
    pub(super) reaction_ms: f64,
}

impl<'a> Playback<'a> {
    pub(super) fn new(
        movie: &'a Movie,
        max_buffer_ms: f64,
        rampup_quality: Option<i64>,
        sustained: usize,
    ) -> Self {
        let offset = -movie.rates_kbps()[0].ln();
        let utility = |rate: &f64| rate.ln() + offset;
        Self {
            movie,
            max_buffer_ms,
            utilities: movie.rates_kbps().iter().map(utility).collect(),
            contents: VecDeque::new(),
            begun_ms: 0.0,
            last_played: None,
            sustained,
            rampup_quality,
            rampup_origin_ms: 0.0,
            awaited: VecDeque::new(),
            play_clock_ms: 0.0,
            rebuffer_ms: 0.0,
            rebuffer_events: 0,
            utility: 0.0,
            bitrate: 0.0,
            bitrate_change: 0.0,
            log_bitrate_change: 0.0,
            rampup_ms: None,
            reaction_ms: 0.0,
        }
    }

    pub(super) fn level_ms(&self) -> f64 {
        self.movie.segment_ms() * self.contents.len() as f64 - self.begun_ms
    }

    /// The segment to fetch again, counted from the buffer's end (1 is the last), when the rule now
    /// chooses `quality`. The segments that play or are about to are excluded.
    pub(super) fn candidate(&self, which: Replacement, quality: usize) -> Option<usize> {
        let protected = (1.5 + self.begun_ms / self.movie.segment_ms()).ceil() as usize;
        let mut places = protected..self.contents.len();
        let worse = |place: &usize| self.contents[*place] < quality;
        let place = match which {
            Replacement::None => None,
            Replacement::Left => places.find(worse),
            Replacement::Right => places.rev().find(worse),
        };
        place.map(|place| self.contents.len() - place)
    }

    pub(super) fn append(&mut self, quality: usize) {
        self.contents.push_back(quality);
    }

    /// Puts `quality` in the place `from_end` segments before the buffer's end.
    pub(super) fn replace(&mut self, from_end: usize, quality: usize) {
        let place = self.contents.len().checked_sub(from_end);
        if let Some(held) = place.and_then(|place| self.contents.get_mut(place)) {
            *held = quality;
        }
    }

    /// Drops the buffer and restarts the ramp-up, for a seek.
    pub(super) fn forget(&mut self) {
        self.contents.clear();
        self.begun_ms = 0.0;
        self.rampup_origin_ms = self.play_clock_ms;
        self.rampup_ms = None;
    }

    pub(super) fn play_out(&mut self) {
        self.play(self.level_ms());
        self.contents.clear();
        self.begun_ms = 0.0;
    }

    pub(super) fn play(&mut self, mut time_ms: f64) {
        let segment_ms = self.movie.segment_ms();
        if self.contents.is_empty() {
            self.rebuffer_ms += time_ms;
            self.play_clock_ms += time_ms;
            return;
        }
        if self.begun_ms > 0.0 {
            if time_ms + self.begun_ms < segment_ms {
                self.begun_ms += time_ms;
                self.play_clock_ms += time_ms;
                return;
            }
            let rest = segment_ms - self.begun_ms;
            time_ms -= rest;
            self.play_clock_ms += rest;
            self.contents.pop_front();
            self.begun_ms = 0.0;
        }
        while time_ms > 0.0 {
            let Some(&quality) = self.contents.front() else {
                break;
            };
            self.begin(quality);
            if time_ms >= segment_ms {
                self.contents.pop_front();
                self.play_clock_ms += segment_ms;
                time_ms -= segment_ms;
            } else {
                self.begun_ms = time_ms;
                self.play_clock_ms += time_ms;
                time_ms = 0.0;
            }
        }
        if time_ms > 0.0 {
            self.rebuffer_ms += time_ms;
            self.play_clock_ms += time_ms;
            self.rebuffer_events += 1;
        }
        self.settle_reactions(self.play_clock_ms);
    }

    fn begin(&mut self, quality: usize) {
        let rates = self.movie.rates_kbps();
        self.utility += self.utilities[quality];
        self.bitrate += rates[quality];
        if let Some(last) = self.last_played.filter(|&last| last != quality) {
            self.bitrate_change += (rates[quality] - rates[last]).abs();
            self.log_bitrate_change += (rates[quality] / rates[last]).ln().abs();
        }
        self.last_played = Some(quality);
        if self.rampup_ms.is_none() {
            let enough = self.rampup_quality.unwrap_or(self.sustained as i64);
            if quality as i64 >= enough {
                self.rampup_ms = Some(self.play_clock_ms - self.rampup_origin_ms);
            }
        }
        for awaited in &mut self.awaited {
            if awaited.met_ms.is_none() && quality >= awaited.quality {
                awaited.met_ms = Some(self.play_clock_ms);
            }
        }
    }

    /// Adds the reactions older than a whole buffer; later ones are dropped at the end.
    fn settle_reactions(&mut self, now_ms: f64) {
        let cutoff = now_ms - self.max_buffer_ms;
        while let Some(first) = self.awaited.pop_front_if(|first| first.since_ms < cutoff) {
            let longest = self.max_buffer_ms;
            let took = first.met_ms.map(|met_ms| met_ms - first.since_ms);
            self.reaction_ms += took.map_or(longest, |took| longest.min(took));
        }
    }

    /// The network enters a period that sustains `quality`.
    pub(super) fn network_sustains(&mut self, quality: usize, now_ms: f64) {
        let before = std::mem::replace(&mut self.sustained, quality);
        if quality == before {
            return;
        }
        self.settle_reactions(now_ms);
        for awaited in &mut self.awaited {
            if awaited.met_ms.is_none() && awaited.quality > quality {
                awaited.met_ms = Some(now_ms);
            }
        }
        let news = quality > before
            && self.contents.iter().all(|&held| held < quality)
            && self.awaited.iter().all(|known| known.quality < quality);
        if news {
            self.awaited.push_back(Awaited {
                since_ms: now_ms,
                quality,
                met_ms: None,
            });
        }
    }
}
