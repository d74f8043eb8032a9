//! The decoder and the generator: two servers that process the buffer's jobs in order.

use super::job::{Learnt, Outlook};
use super::{Compute, Job, Model};
use crate::player::buffer::{Buffer, Piece};
use crate::player::event::Rendered;
use crate::player::random::Random;

/// Until the renderer first reports on a segment, assume that it needs at least this long, seconds.
const NEWS_S: f64 = 0.01;

#[derive(Debug, Clone, Copy)]
pub(crate) struct Arrival {
    pub(crate) bytes: u64,
    /// When it would play if nothing stalled, session clock, seconds.
    pub(crate) due_s: f64,
    pub(crate) now_s: f64,
}

/// The two servers; their queue is the buffer's.
#[derive(Debug)]
pub(crate) struct Device {
    /// The model; of a real renderer the frame rate alone.
    model: Model,
    /// Whether a real renderer reports its progress.
    pub(crate) measured: bool,
    pub(crate) rate: f64,
    random: Random,
    decoder_s: f64,
    /// When the generator is done with the jobs that left the queue.
    generator_s: f64,
    learnt: Learnt,
}

impl Device {
    pub(crate) fn new(compute: Compute, rungs: usize, seed: u64) -> Self {
        // Of a real renderer only the frame rate is known.
        let unknown = |fps| Model {
            fps,
            ms_per_frame: 0.0,
            ms_per_rung: 0.0,
            ms_per_kb: 0.0,
            spread: 0.0,
            ahead_s: f64::INFINITY,
        };
        let (model, measured) = match compute {
            Compute::Modelled(model) => (model, false),
            Compute::Measured { fps } => (unknown(fps), true),
        };
        Self {
            model,
            measured,
            rate: 1.0,
            random: Random::new(seed),
            decoder_s: 0.0,
            generator_s: 0.0,
            learnt: Learnt::new(rungs),
        }
    }

    pub(crate) fn shown_fps(&self) -> f64 {
        self.model.fps * self.rate
    }

    /// Gives `piece`, which is about to join `buffer`, a job, and dates it.
    pub(crate) fn admit(&mut self, mut piece: Piece, arrival: &Arrival, buffer: &Buffer) -> Piece {
        let decoded_s = self.decode(arrival);
        let model = self.model;
        let likely_ms = if self.measured {
            self.learnt.frame_s(piece.rung).unwrap_or(0.0) * 1e3
        } else {
            model.ms_per_frame + model.ms_per_rung * piece.rung as f64
        };
        let stray = 1.0 + model.spread * self.random.between(-1.0, 1.0);
        let mut job = Job {
            frames: (piece.left_s * model.fps).round().max(1.0),
            decoded_s,
            due_s: arrival.due_s,
            frame_s: (likely_ms * stray).max(0.0) * 1e-3,
            start_s: 0.0,
            done: None,
        };
        job.start_s = self.start_s(&job, self.free_s(buffer.pieces.iter()));
        piece.ready_s = self.believed(job.ready_s(self.shown_fps()), arrival.now_s);
        piece.job = Some(job);
        piece
    }

    fn decode(&mut self, arrival: &Arrival) -> f64 {
        let took_s = arrival.bytes as f64 * self.model.ms_per_kb * 1e-6;
        self.decoder_s = self.decoder_s.max(arrival.now_s) + took_s;
        self.decoder_s
    }

    /// The predicted `ready_s`, which a real renderer has to confirm first.
    fn believed(&self, ready_s: f64, now_s: f64) -> f64 {
        match self.measured {
            true => ready_s.max(now_s + NEWS_S),
            false => ready_s,
        }
    }

    fn free_s<'a>(&self, pieces: impl DoubleEndedIterator<Item = &'a Piece>) -> f64 {
        let last = pieces.rev().find_map(|piece| piece.job);
        last.map_or(self.generator_s, |job| job.end_s())
    }

    fn start_s(&self, job: &Job, free_s: f64) -> f64 {
        let room_s = job.due_s - self.model.ahead_s;
        free_s.max(job.decoded_s).max(room_s)
    }

    /// Dates the jobs from piece number `from` on.
    fn schedule(&self, buffer: &mut Buffer, from: usize) {
        let mut free_s = self.free_s(buffer.pieces.range(..from));
        let pieces = buffer.pieces.range_mut(from..);
        for job in pieces.filter_map(|piece| piece.job.as_mut()) {
            job.start_s = self.start_s(job, free_s);
            free_s = job.end_s();
        }
    }

    /// Replaces a segment whose generation has not begun; returns when it is ready, `None` when it is too late.
    pub(crate) fn replace(
        &mut self,
        buffer: &mut Buffer,
        segment: usize,
        rung: usize,
        arrival: &Arrival,
    ) -> Option<f64> {
        let index = position(buffer, segment)?;
        if self.has_begun(buffer, segment, arrival.now_s) {
            return None;
        }
        let decoded_s = self.decode(arrival);
        let piece = &mut buffer.pieces[index];
        let job = piece.job.as_mut()?;
        let rise = rung as f64 - piece.rung as f64;
        job.frame_s = (job.frame_s + self.model.ms_per_rung * 1e-3 * rise).max(0.0);
        job.decoded_s = decoded_s;
        self.schedule(buffer, index);
        let ready_s = buffer.pieces[index].job?.ready_s(self.shown_fps());
        Some(self.believed(ready_s, arrival.now_s))
    }

    /// Learns from the modelled jobs that are finished by `now_s`.
    pub(crate) fn advance(&mut self, buffer: &mut Buffer, now_s: f64) {
        if self.measured {
            return;
        }
        for piece in buffer.pieces.iter_mut().filter(|piece| piece.job.is_some()) {
            let Some(job) = piece.job.take_if(|job| job.end_s() <= now_s) else {
                break;
            };
            self.generator_s = job.end_s();
            self.learnt.push(piece.rung, job.frame_s);
        }
        buffer.sweep();
    }

    /// Marks the last pieces, on which a real renderer has not reported by `now_s`, as not ready.
    pub(crate) fn postpone(&self, buffer: &mut Buffer, now_s: f64) {
        if !self.measured {
            return;
        }
        let silent = |piece: &&mut Piece| piece.job.is_some_and(|job| job.done.is_none());
        for piece in buffer.pieces.iter_mut().rev().take_while(silent) {
            piece.ready_s = piece.ready_s.max(now_s + NEWS_S);
        }
    }

    /// Handles a renderer's report: when that piece is ready, and the piece; `None` if finished or modelled.
    pub(crate) fn rendered<'a>(
        &mut self,
        buffer: &'a mut Buffer,
        news: &Rendered,
        now_s: f64,
    ) -> Option<(f64, &'a mut Piece)> {
        let index = position(buffer, news.segment).filter(|_| self.measured)?;
        let fps = self.shown_fps();
        let job = buffer.pieces[index].job.as_mut()?;
        if job.done.is_none() {
            job.start_s = now_s - news.frame_s.min(now_s);
        }
        job.frame_s = news.frame_s.max(0.0);
        job.done = Some(f64::from(news.frames));
        let mut ready_s = job.ready_after(f64::from(news.frames), now_s, fps);
        if news.complete {
            // The renderer has passed over the pieces before this one.
            ready_s = now_s;
            self.learnt.push(buffer.pieces[index].rung, news.frame_s);
            let done = buffer.pieces.range_mut(..=index);
            done.for_each(|piece| piece.job = None);
            self.generator_s = now_s;
            self.schedule(buffer, 0);
        }
        Some((ready_s, &mut buffer.pieces[index]))
    }

    pub(crate) fn clear(&mut self, now_s: f64) {
        self.generator_s = now_s;
        self.decoder_s = now_s;
    }

    /// Whether the generator has begun with `segment`, or is done with it, at `now_s`.
    pub(crate) fn has_begun(&self, buffer: &Buffer, segment: usize, now_s: f64) -> bool {
        job_of(buffer, segment).is_none_or(|job| match self.measured {
            true => job.done.is_some(),
            false => job.start_s <= now_s,
        })
    }

    /// How many frames of a segment come after their time when it plays `late_s` after it was due.
    pub(crate) fn late_frames(&self, buffer: &Buffer, segment: usize, late_s: f64) -> u64 {
        match job_of(buffer, segment) {
            Some(job) => job.late_frames(late_s, self.shown_fps()),
            None if self.measured => (late_s * self.shown_fps()).ceil() as u64,
            None => 0,
        }
    }

    pub(crate) fn outlook(&self, buffer: &Buffer, now_s: f64) -> Outlook<'_> {
        let jobs = || {
            let pieces = buffer.pieces.iter();
            let jobs = pieces.filter_map(|piece| Some((piece.rung, piece.job?)));
            jobs.map(|(rung, job)| (job, job.frames * self.learnt.frame_s(rung).unwrap_or(0.0)))
        };
        let done_s = jobs().next().map_or(0.0, |(job, work_s)| match job.done {
            Some(done) => done * job.frame_s,
            None => (now_s - job.start_s).clamp(0.0, work_s),
        });
        let all_s: f64 = jobs().map(|(_, work_s)| work_s).sum();
        Outlook {
            fps: self.model.fps,
            rate: self.rate,
            backlog_s: (all_s - done_s).max(0.0),
            learnt: &self.learnt,
        }
    }
}

/// The first piece of `segment` whose job is not finished.
fn position(buffer: &Buffer, segment: usize) -> Option<usize> {
    let here = |piece: &Piece| piece.segment == segment && piece.job.is_some();
    buffer.pieces.iter().position(here)
}

fn job_of(buffer: &Buffer, segment: usize) -> Option<Job> {
    position(buffer, segment).and_then(|index| buffer.pieces[index].job)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exact(ms_per_frame: f64) -> Model {
        Model {
            fps: 10.0,
            ms_per_frame,
            ms_per_rung: 10.0,
            ms_per_kb: 1.0,
            spread: 0.0,
            ahead_s: 100.0,
        }
    }

    struct Bench(Device, Buffer);

    impl Bench {
        fn new(compute: Compute) -> Self {
            Self(Device::new(compute, 2, 0), Buffer::default())
        }

        /// 2 seconds of rung 0 in 100 kB come at `now_s`; returns when they are ready.
        fn push(&mut self, segment: usize, due_s: f64, now_s: f64) -> f64 {
            let (piece, arrival) = (Piece::new(segment, 0, 2.0), arrival(due_s, now_s));
            let piece = self.0.admit(piece, &arrival, &self.1);
            self.1.push(piece);
            piece.ready_s
        }

        fn replace(&mut self, segment: usize, due_s: f64, now_s: f64) -> Option<f64> {
            let arrival = arrival(due_s, now_s);
            self.0.replace(&mut self.1, segment, 1, &arrival)
        }

        fn has_begun(&self, segment: usize, now_s: f64) -> bool {
            self.0.has_begun(&self.1, segment, now_s)
        }

        /// When a segment of rung 1 that arrives in `arrives_s` is ready.
        fn outlook_s(&self, now_s: f64, arrives_s: f64) -> Option<f64> {
            self.0.outlook(&self.1, now_s).ready_s(1, 2.0, arrives_s)
        }

        fn rendered(&mut self, news: &Rendered, now_s: f64) -> Option<f64> {
            let (ready_s, piece) = self.0.rendered(&mut self.1, news, now_s)?;
            assert_eq!(piece.segment, news.segment);
            Some(ready_s)
        }
    }

    fn arrival(due_s: f64, now_s: f64) -> Arrival {
        Arrival {
            bytes: 100_000,
            due_s,
            now_s,
        }
    }

    /// 100 kB decode in 0.1 s; 20 frames of 50 ms are one second.
    #[test]
    fn segments_queue_for_both_servers() {
        let mut bench = Bench::new(Compute::Modelled(exact(50.0)));
        assert!((bench.push(0, 1.0, 1.0) - 1.15).abs() < 1e-9);
        // Decoded at 1.2, generated from 2.1 on.
        assert!((bench.push(1, 3.0, 1.0) - 2.15).abs() < 1e-9);
        assert!(bench.has_begun(0, 1.1) && !bench.has_begun(1, 2.0));
        // One rung up takes 10 ms a frame more.
        assert!((bench.replace(1, 3.0, 1.5).unwrap() - 2.16).abs() < 1e-9);
        bench.1.raise(1, 1, 2.16);
        assert_eq!(bench.replace(0, 1.0, 1.5), None);
        assert_eq!(bench.outlook_s(1.5, 0.0), None);
        bench.0.advance(&mut bench.1, 2.1);
        // 1.2 s of work at 50 ms a frame as far as is known: 1 s.
        assert!((bench.outlook_s(2.1, 0.2).unwrap() - 1.05).abs() < 1e-9);
        bench.0.advance(&mut bench.1, 3.31);
        assert!((bench.outlook_s(3.31, 0.2).unwrap() - 0.26).abs() < 1e-9);
        // At twice the rate a frame of 60 ms is too slow: 120 ms of media time, and 19 · 20 ms behind.
        bench.0.rate = 2.0;
        assert!((bench.outlook_s(3.31, 0.2).unwrap() - 0.70).abs() < 1e-9);
    }

    /// 150 ms a frame at 10 frames a second: 19 frames fall behind by 50 ms each.
    #[test]
    fn a_slow_generator_needs_a_head_start() {
        let mut bench = Bench::new(Compute::Modelled(exact(150.0)));
        let ready_s = bench.push(0, 0.0, 0.0);
        assert!((ready_s - (0.1 + 0.15 + 19.0 * 0.05)).abs() < 1e-9);
        assert_eq!(bench.0.late_frames(&bench.1, 0, ready_s), 20);
        assert_eq!(bench.0.late_frames(&bench.1, 9, ready_s), 0);
    }

    /// 10 frames a second from a renderer that takes 150 ms for each: its reports are what counts.
    #[test]
    fn a_real_renderer_reports_its_progress() {
        let mut bench = Bench::new(Compute::measured(10.0));
        assert_eq!(bench.push(0, 0.0, 1.0), 1.0 + NEWS_S);
        bench.push(1, 2.0, 1.0);
        bench.0.postpone(&mut bench.1, 5.0);
        assert!(bench.1.pieces().all(|piece| piece.ready_s == 5.0 + NEWS_S));
        assert!(!bench.has_begun(0, 5.0));
        let mut news = Rendered {
            segment: 0,
            frames: 1,
            complete: false,
            frame_s: 0.15,
        };
        // 19 frames of 150 ms are 2.85 s away, the last of them due after 1.9 s.
        assert!((bench.rendered(&news, 1.2).unwrap() - 2.15).abs() < 1e-9);
        assert!(bench.has_begun(0, 1.2) && !bench.has_begun(1, 1.2));
        assert_eq!(bench.outlook_s(1.2, 0.0), None);
        (news.frames, news.complete) = (20, true);
        assert_eq!(bench.rendered(&news, 4.0), Some(4.0));
        assert_eq!(bench.rendered(&news, 4.0), None);
        // 20 frames of segment 1 to come, and then 150 ms and 19 · 50 ms for the next.
        let ready_s = bench.outlook_s(4.0, 0.0).unwrap();
        assert!((ready_s - (3.0 + 0.15 + 0.95)).abs() < 1e-9, "{ready_s}");
        news.segment = 1;
        bench.rendered(&news, 7.0);
        assert!(bench.1.pieces().all(|piece| piece.job.is_none()));
    }

    #[test]
    fn finished_frames_have_little_room() {
        let mut bench = Bench::new(Compute::Modelled(Model {
            ahead_s: 1.0,
            ..exact(50.0)
        }));
        assert!((bench.push(3, 8.0, 1.0) - 7.05).abs() < 1e-9);
        // 0.2 s late, and 50 ms of a frame are gained with each: 4 frames are late.
        assert_eq!(bench.0.late_frames(&bench.1, 3, 0.2), 4);
        bench.1.clear();
        bench.0.clear(2.0);
        assert!(bench.has_begun(3, 2.0));
    }
}
