//! Decode and generate: what happens to a segment between its arrival and its first frame.
//!
//! Two servers in a row, first come first served: the entropy decoder, whose work goes with bytes,
//! and the generator, whose work goes with frames. The generator keeps no more than a given span of
//! finished frames ahead of play, because pictures are large where prompts are small. A segment is
//! ready when every frame of it will be there in time if play begins now; so a segment of a
//! generator that keeps up is ready with its first frame, one of a slower generator later.
//!
//! The true work of a segment is drawn from [`Compute`], or, where a real generator works beside the
//! session, told by it frame by frame ([`Rendered`]); then a segment counts as ready when it is. Rules
//! see only what was learnt from finished segments, a fading mean for each rung. After BONES (Wang et al., SIGMETRICS 2024), where decoding is
//! optional; here nothing is shown without it.

use super::event::Rendered;
use super::random::Random;
use std::collections::VecDeque;

/// How fast this device is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Compute {
    /// Frames shown a second.
    pub fps: f64,
    /// Generation of a frame at the lowest rung, milliseconds.
    pub ms_per_frame: f64,
    /// More for every rung above it, milliseconds.
    pub ms_per_rung: f64,
    /// Entropy decoding, milliseconds a kilobyte.
    pub ms_per_kb: f64,
    /// How far the work of a segment strays from that: 0.2 is from 80 % to 120 %.
    pub spread: f64,
    /// Finished frames that there is room for, seconds of play.
    pub ahead_s: f64,
    /// Whether a real generator tells what it did, so that nothing is drawn.
    pub measured: bool,
}

impl Compute {
    /// A real generator, whose frames are shown at `fps`.
    pub fn measured(fps: f64) -> Self {
        Self {
            fps,
            ms_per_frame: 0.0,
            ms_per_rung: 0.0,
            ms_per_kb: 0.0,
            spread: 0.0,
            ahead_s: f64::INFINITY,
            measured: true,
        }
    }
}

impl Default for Compute {
    /// 30 frames a second from a generator that makes 60, and room for a second of frames.
    fn default() -> Self {
        Self {
            fps: 30.0,
            ms_per_frame: 1000.0 / 60.0,
            ms_per_rung: 0.0,
            ms_per_kb: 0.05,
            spread: 0.1,
            ahead_s: 1.0,
            measured: false,
        }
    }
}

/// Without news of a segment from a real generator, none of its frames is there for so long yet.
pub(super) const NEWS_S: f64 = 0.01;

/// Weight of the newest segment in what is learnt.
const LEARNING: f64 = 0.3;

/// A segment on its way through the servers.
#[derive(Debug, Clone, Copy)]
struct Job {
    segment: usize,
    rung: usize,
    frames: f64,
    decoded_s: f64,
    /// When it would play if nothing stalled.
    due_s: f64,
    /// True seconds a frame; where they are measured, so far.
    frame_s: f64,
    start_s: f64,
    /// Frames that are known to be there; `None` before the generator said anything.
    done: Option<f64>,
}

impl Job {
    fn end_s(&self) -> f64 {
        self.start_s + self.frames * self.frame_s
    }

    /// When play may begin: the last frame of a slow generator must be there in time, too.
    fn ready_s(&self, fps: f64) -> f64 {
        let behind_s = (self.frames - 1.0).max(0.0) * (self.frame_s - 1.0 / fps);
        self.start_s + self.frame_s + behind_s.max(0.0)
    }

    /// The same as of `now_s`, when the first `done` frames are there.
    fn ready_after(&self, done: f64, now_s: f64, fps: f64) -> f64 {
        let left_s = (self.frames - done).max(0.0) * self.frame_s;
        now_s + (left_s - (self.frames - 1.0) / fps).max(0.0)
    }
}

/// The two servers and their queues.
#[derive(Debug)]
pub(super) struct Pipeline {
    compute: Compute,
    random: Random,
    /// When the decoder is free.
    decoder_s: f64,
    /// When the generator is done with what left the queue.
    generator_s: f64,
    queue: VecDeque<Job>,
    /// Seconds a frame, by rung, once known.
    learnt: Vec<Option<f64>>,
}

impl Pipeline {
    pub(super) fn new(compute: Compute, rungs: usize, seed: u64) -> Self {
        Self {
            compute,
            random: Random::new(seed),
            decoder_s: 0.0,
            generator_s: 0.0,
            queue: VecDeque::new(),
            learnt: vec![None; rungs],
        }
    }

    /// Takes in a segment of `duration` seconds that arrived at `now_s` and is due at `due_s`;
    /// returns when it is ready.
    pub(super) fn push(&mut self, piece: Arrival, now_s: f64) -> f64 {
        let compute = &self.compute;
        let decode_s = piece.bytes as f64 * compute.ms_per_kb * 1e-6;
        self.decoder_s = self.decoder_s.max(now_s) + decode_s;
        let stray = 1.0 + compute.spread * self.random.between(-1.0, 1.0);
        let likely_ms = match compute.measured {
            true => self.expected(piece.rung).unwrap_or(0.0) * 1e3,
            false => compute.ms_per_frame + compute.ms_per_rung * piece.rung as f64,
        };
        self.queue.push_back(Job {
            segment: piece.segment,
            rung: piece.rung,
            frames: (piece.duration_s * compute.fps).round().max(1.0),
            decoded_s: self.decoder_s,
            due_s: piece.due_s,
            frame_s: (likely_ms * stray).max(0.0) * 1e-3,
            start_s: 0.0,
            done: None,
        });
        self.schedule(self.queue.len() - 1);
        let fps = self.compute.fps;
        let ready_s = self.queue.back().map_or(now_s, |job| job.ready_s(fps));
        self.believed(ready_s, now_s)
    }

    /// `ready_s` as worked out, which a real generator has to confirm first.
    fn believed(&self, ready_s: f64, now_s: f64) -> f64 {
        match self.compute.measured {
            true => ready_s.max(now_s + NEWS_S),
            false => ready_s,
        }
    }

    /// Dates the jobs from number `from` on.
    fn schedule(&mut self, from: usize) {
        for index in from..self.queue.len() {
            let before = index
                .checked_sub(1)
                .and_then(|before| self.queue.get(before));
            let free_s = before.map_or(self.generator_s, Job::end_s);
            let job = &mut self.queue[index];
            let room_s = job.due_s - self.compute.ahead_s;
            job.start_s = free_s.max(job.decoded_s).max(room_s);
        }
    }

    /// Puts another rung in the place of a segment that is not begun; returns when it is ready, or
    /// `None` when it is too late for that.
    pub(super) fn replace(&mut self, piece: Arrival, now_s: f64) -> Option<f64> {
        let index = self
            .queue
            .iter()
            .position(|job| job.segment == piece.segment)?;
        if self.has_begun(piece.segment, now_s) {
            return None;
        }
        let decode_s = piece.bytes as f64 * self.compute.ms_per_kb * 1e-6;
        self.decoder_s = self.decoder_s.max(now_s) + decode_s;
        let extra = self.compute.ms_per_rung * 1e-3;
        let job = &mut self.queue[index];
        job.frame_s += extra * (piece.rung as f64 - job.rung as f64);
        job.frame_s = job.frame_s.max(0.0);
        (job.rung, job.decoded_s) = (piece.rung, self.decoder_s);
        self.schedule(index);
        let ready_s = self.queue[index].ready_s(self.compute.fps);
        Some(self.believed(ready_s, now_s))
    }

    /// Learns from what is finished by `now_s`.
    pub(super) fn advance(&mut self, now_s: f64) {
        if self.compute.measured {
            return;
        }
        while let Some(job) = self.queue.front().filter(|job| job.end_s() <= now_s) {
            self.generator_s = job.end_s();
            learn(&mut self.learnt[job.rung], job.frame_s);
            self.queue.pop_front();
        }
    }

    /// Whether a real generator tells what it did.
    pub(super) fn is_measured(&self) -> bool {
        self.compute.measured
    }

    /// How long a frame is shown, seconds.
    pub(super) fn shown_s(&self) -> f64 {
        1.0 / self.compute.fps
    }

    /// How many of the segments that came last the generator has said nothing of.
    pub(super) fn untold(&self) -> usize {
        let last = self.queue.iter().rev();
        last.take_while(|job| job.done.is_none()).count()
    }

    /// Whether all that came was generated.
    pub(super) fn is_idle(&self) -> bool {
        self.queue.is_empty()
    }

    /// Takes in what the generator did by `now_s`; returns when the segment is ready, and how many
    /// segments came after it. `None` for a segment that is not waited for.
    pub(super) fn rendered(&mut self, news: &Rendered, now_s: f64) -> Option<(f64, usize)> {
        let mut jobs = self.queue.iter();
        let index = jobs.position(|job| job.segment == news.segment)?;
        let fps = self.compute.fps;
        let job = &mut self.queue[index];
        if job.done.is_none() {
            job.start_s = now_s - news.frame_s.min(now_s);
        }
        job.frame_s = news.frame_s.max(0.0);
        job.done = Some(f64::from(news.frames));
        let (rung, after) = (job.rung, self.queue.len() - 1 - index);
        if !news.complete {
            let job = &self.queue[index];
            return Some((job.ready_after(f64::from(news.frames), now_s, fps), after));
        }
        learn(&mut self.learnt[rung], news.frame_s);
        // Whatever came before it was passed over.
        self.queue.drain(..=index);
        self.generator_s = now_s;
        self.schedule(0);
        Some((now_s, after))
    }

    /// Forgets what is queued, as a seek does; what is being generated is dropped.
    pub(super) fn clear(&mut self, now_s: f64) {
        self.queue.clear();
        self.generator_s = now_s;
        self.decoder_s = now_s;
    }

    /// Whether the generator has begun with `segment`, or is done with it, at `now_s`.
    pub(super) fn has_begun(&self, segment: usize, now_s: f64) -> bool {
        let job = self.queue.iter().find(|job| job.segment == segment);
        job.is_none_or(|job| match self.compute.measured {
            true => job.done.is_some(),
            false => job.start_s <= now_s,
        })
    }

    /// How many frames of a segment come after their time when it plays `late_s` after it was due.
    pub(super) fn late_frames(&self, segment: usize, late_s: f64) -> u64 {
        let Some(job) = self.queue.iter().find(|job| job.segment == segment) else {
            let shown = (late_s * self.compute.fps).ceil() as u64;
            return if self.compute.measured { shown } else { 0 };
        };
        let gained_s = 1.0 / self.compute.fps - job.frame_s;
        let late = if gained_s > 0.0 {
            (late_s / gained_s).ceil()
        } else {
            job.frames
        };
        late.min(job.frames) as u64
    }

    /// What is known of the device at `now_s`.
    pub(super) fn outlook(&self, now_s: f64) -> Outlook<'_> {
        let guess = |job: &Job| job.frames * self.expected(job.rung).unwrap_or(0.0);
        let done_s = match self.queue.front() {
            Some(Job {
                done: Some(done),
                frame_s,
                ..
            }) => done * frame_s,
            Some(job) => (now_s - job.start_s).clamp(0.0, guess(job)),
            None => 0.0,
        };
        Outlook {
            fps: self.compute.fps,
            backlog_s: (self.queue.iter().map(guess).sum::<f64>() - done_s).max(0.0),
            learnt: &self.learnt,
        }
    }

    fn expected(&self, rung: usize) -> Option<f64> {
        nearest(&self.learnt, rung)
    }
}

/// A segment as it comes in.
#[derive(Debug, Clone, Copy)]
pub(super) struct Arrival {
    pub(super) segment: usize,
    pub(super) rung: usize,
    pub(super) bytes: u64,
    pub(super) duration_s: f64,
    pub(super) due_s: f64,
}

/// What the session knows of its device: learnt, not given.
#[derive(Debug, Clone, Copy)]
pub struct Outlook<'a> {
    fps: f64,
    backlog_s: f64,
    learnt: &'a [Option<f64>],
}

impl Outlook<'_> {
    /// Seconds from the arrival of a segment of `duration_s` on `rung`, `arrives_s` from now, until it
    /// is ready to play, counted from now; `None` while nothing is known.
    pub fn ready_s(&self, rung: usize, duration_s: f64, arrives_s: f64) -> Option<f64> {
        let frame_s = nearest(self.learnt, rung)?;
        let behind_s = (duration_s * self.fps - 1.0).max(0.0) * (frame_s - 1.0 / self.fps);
        Some(arrives_s.max(self.backlog_s) + frame_s + behind_s.max(0.0))
    }
}

/// Takes what a finished segment took into what is known of its rung.
fn learn(mean: &mut Option<f64>, frame_s: f64) {
    *mean = Some(match *mean {
        Some(mean) => mean + LEARNING * (frame_s - mean),
        None => frame_s,
    });
}

/// What was learnt of `rung`, or of the nearest rung that anything is known of.
fn nearest(learnt: &[Option<f64>], rung: usize) -> Option<f64> {
    let known = learnt
        .iter()
        .enumerate()
        .filter_map(|(at, mean)| Some((at, (*mean)?)));
    known
        .min_by_key(|(at, _)| at.abs_diff(rung))
        .map(|(_, mean)| mean)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn exact(ms_per_frame: f64) -> Compute {
        Compute {
            fps: 10.0,
            ms_per_frame,
            ms_per_rung: 10.0,
            ms_per_kb: 1.0,
            spread: 0.0,
            ahead_s: 100.0,
            measured: false,
        }
    }

    fn arrival(segment: usize, rung: usize, due_s: f64) -> Arrival {
        Arrival {
            segment,
            rung,
            bytes: 100_000,
            duration_s: 2.0,
            due_s,
        }
    }

    /// 100 kB decode in 0.1 s; 20 frames of 50 ms are one second.
    #[test]
    fn segments_queue_for_both_servers() {
        let mut pipeline = Pipeline::new(exact(50.0), 2, 0);
        assert!((pipeline.push(arrival(0, 0, 1.0), 1.0) - 1.15).abs() < 1e-9);
        // Decoded at 1.2, generated from 2.1 on.
        assert!((pipeline.push(arrival(1, 0, 3.0), 1.0) - 2.15).abs() < 1e-9);
        assert!(pipeline.has_begun(0, 1.1) && !pipeline.has_begun(1, 2.0));
        // One rung up takes 10 ms a frame more.
        assert!((pipeline.replace(arrival(1, 1, 3.0), 1.5).unwrap() - 2.16).abs() < 1e-9);
        assert_eq!(pipeline.replace(arrival(0, 1, 1.0), 1.5), None);
        assert_eq!(pipeline.outlook(1.5).ready_s(0, 2.0, 0.0), None);
        pipeline.advance(2.1);
        // 1.2 s of work at 50 ms a frame as far as is known: 1 s.
        let outlook = pipeline.outlook(2.1);
        assert!((outlook.ready_s(1, 2.0, 0.2).unwrap() - 1.05).abs() < 1e-9);
        pipeline.advance(3.31);
        assert!((pipeline.outlook(3.31).ready_s(1, 2.0, 0.2).unwrap() - 0.26).abs() < 1e-9);
    }

    /// 150 ms a frame at 10 frames a second: 19 frames fall behind by 50 ms each.
    #[test]
    fn a_slow_generator_needs_a_head_start() {
        let mut pipeline = Pipeline::new(exact(150.0), 1, 0);
        let ready_s = pipeline.push(arrival(0, 0, 0.0), 0.0);
        assert!((ready_s - (0.1 + 0.15 + 19.0 * 0.05)).abs() < 1e-9);
        assert_eq!(pipeline.late_frames(0, ready_s), 20);
        assert_eq!(pipeline.late_frames(9, ready_s), 0);
    }

    /// 10 frames a second from a generator that takes 150 ms for each: what it says is what counts.
    #[test]
    fn a_real_generator_says_how_far_it_is() {
        let mut pipeline = Pipeline::new(Compute::measured(10.0), 2, 0);
        assert_eq!(pipeline.push(arrival(0, 0, 0.0), 1.0), 1.0 + NEWS_S);
        pipeline.push(arrival(1, 0, 2.0), 1.0);
        assert_eq!(pipeline.untold(), 2);
        assert!(!pipeline.has_begun(0, 5.0));
        let mut news = Rendered {
            segment: 0,
            frames: 1,
            complete: false,
            frame_s: 0.15,
        };
        // 19 frames of 150 ms are 2.85 s away, the last of them due after 1.9 s.
        let (ready_s, after) = pipeline.rendered(&news, 1.2).unwrap();
        assert!((ready_s - 2.15).abs() < 1e-9 && after == 1);
        assert!(pipeline.has_begun(0, 1.2) && pipeline.untold() == 1);
        assert_eq!(pipeline.outlook(1.2).ready_s(0, 2.0, 0.0), None);
        (news.frames, news.complete) = (20, true);
        assert_eq!(pipeline.rendered(&news, 4.0), Some((4.0, 1)));
        assert_eq!(pipeline.rendered(&news, 4.0), None);
        // 20 frames of segment 1 to come, and then 150 ms and 19 · 50 ms for the next.
        let ready_s = pipeline.outlook(4.0).ready_s(1, 2.0, 0.0).unwrap();
        assert!((ready_s - (3.0 + 0.15 + 0.95)).abs() < 1e-9, "{ready_s}");
        news.segment = 1;
        pipeline.rendered(&news, 7.0);
        assert!(pipeline.is_idle());
    }

    #[test]
    fn finished_frames_have_little_room() {
        let compute = Compute {
            ahead_s: 1.0,
            ..exact(50.0)
        };
        let mut pipeline = Pipeline::new(compute, 1, 0);
        let ready_s = pipeline.push(arrival(3, 0, 8.0), 1.0);
        assert!((ready_s - 7.05).abs() < 1e-9);
        // 0.2 s late, and 50 ms of a frame are gained with each: 4 frames are late.
        assert_eq!(pipeline.late_frames(3, 0.2), 4);
        pipeline.clear(2.0);
        assert!(pipeline.has_begun(3, 2.0));
    }
}
