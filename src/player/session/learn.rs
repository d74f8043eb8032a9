//! A ladder that becomes known while it plays.

use super::Session;
use super::activity::Activity;
use crate::player::event::Command;
use crate::player::ladder::Ladder;
use crate::player::log::Outcome;
use std::sync::Arc;

impl Session {
    /// Replaces the ladder by a refinement: the same rungs, as many segments, and the delivered ones where
    /// they were. Any other ladder only advances the time.
    ///
    /// Returns the current command, or a new one where a start or a seek turns out to be in another segment.
    pub fn learn(&mut self, now_s: f64, ladder: Arc<Ladder>) -> Command {
        self.advance(now_s);
        let delivered = if self.is_fresh() { 0 } else { self.next };
        if !self.ladder.is_refined_by(&ladder, delivered) {
            return self.standing();
        }
        self.ladder = ladder;
        self.log.learnt_s.push(self.clock_s);
        if let Activity::Transfer(transfer) = self.activity
            && transfer.received == 0
        {
            let aim = self.ladder.segment_at(self.enter_s);
            if self.is_fresh() && aim != self.next {
                self.close(&transfer, Outcome::Dropped);
                self.next = aim;
                return self.next_segment();
            }
            if let Some(record) = self.log.requests.last_mut() {
                record.size = self.ladder.size(transfer.segment, transfer.rung);
            }
        }
        self.standing()
    }

    /// Whether nothing has arrived since the start or the last seek.
    fn is_fresh(&self) -> bool {
        self.since_start == 0 && self.kept_s <= 0.0
    }

    /// The last command.
    fn standing(&self) -> Command {
        match self.activity {
            Activity::Nothing => Command::Wait {
                until_s: self.clock_s,
            },
            Activity::Room { until_s, .. } | Activity::Held { until_s, .. } => {
                Command::Wait { until_s }
            }
            Activity::Transfer(transfer) => Command::Fetch {
                segment: transfer.segment,
                rung: transfer.rung,
            },
            Activity::Drain { until_s } => Command::Drain { until_s },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::player::abr::Abr;
    use crate::player::event::Event;
    use crate::player::ladder::Listed;
    use crate::player::ladder::tests::constant_rate;
    use crate::player::session::Options;
    use proptest::prelude::*;

    fn fetch(segment: usize, rung: usize) -> Command {
        Command::Fetch { segment, rung }
    }

    #[test]
    fn a_jump_goes_where_the_index_says() {
        let ladder = Arc::new(constant_rate(&[16.0, 32.0], 10, 2.0));
        let mut session = Session::new(Arc::clone(&ladder), &Options::default());
        assert_eq!(session.handle(0.0, Event::Start), fetch(0, 0));
        assert_eq!(session.handle(0.0, Event::Seek(9.0)), fetch(4, 0));
        // Segments turn out to last 1, 3, 1, 3, ... seconds.
        let durations: Vec<f64> = (0..10).map(|k| [1.0, 3.0][k % 2]).collect();
        let longer = ladder.learnt(&durations, |_, _| None, Vec::new()).unwrap();
        assert_eq!(session.learn(1.0, Arc::new(longer)), fetch(5, 0));
        session.handle(2.0, Event::Delivered(6000));
        // Nine to twelve of media time.
        assert!((session.buffer_s() - 3.0).abs() < 1e-9);
        assert_eq!(session.log().learnt_s, [1.0]);
        let outcomes = [0, 1, 2].map(|request| session.log().requests[request].outcome);
        assert_eq!(
            outcomes,
            [Outcome::Dropped, Outcome::Dropped, Outcome::Delivered]
        );
    }

    #[test]
    fn a_ladder_that_does_not_fit_is_refused() {
        let ladder = Arc::new(constant_rate(&[16.0, 32.0], 10, 2.0));
        let mut session = Session::new(Arc::clone(&ladder), &Options::default());
        session.handle(0.0, Event::Start);
        session.handle(0.5, Event::Delivered(4000));
        let before = session.log().clone();
        let moved = ladder.learnt(&[1.0; 10], |_, _| None, Vec::new()).unwrap();
        let standing = session.standing();
        assert_eq!(session.learn(0.5, Arc::new(moved)), standing);
        let fewer = Arc::new(constant_rate(&[16.0, 32.0], 9, 2.0));
        assert_eq!(session.learn(0.5, fewer), standing);
        assert_eq!(session.log(), &before);
        assert_eq!(session.ladder(), &ladder);
    }

    #[test]
    fn a_rung_without_its_index_waits_for_a_buffer_that_bears_it() {
        let ladder = constant_rate(&[16.0, 32.0], 30, 2.0);
        let listed = |segments| Listed {
            segments,
            more_bytes: 20_000,
        };
        let listed = vec![listed(30), listed(0)];
        let early = ladder.learnt(&[2.0; 30], |_, _| None, listed).unwrap();
        let options = Options {
            abr: Abr::Throughput,
            ..Options::default()
        };
        let rungs = |ladder: Ladder| {
            let mut session = Session::new(Arc::new(ladder), &options);
            session.handle(0.0, Event::Start);
            for k in 1..=10 {
                // 64 kbit/s: 20 kB of index take 2.5 s, the segment after them 1 s.
                session.handle(f64::from(k) * 0.5, Event::Delivered(4000));
            }
            let requests = session.log().requests.iter();
            requests.map(|request| request.rung).collect::<Vec<_>>()
        };
        assert_eq!(rungs(ladder)[1..], [1; 10]);
        let late = rungs(early);
        assert_eq!(late[..5], [0; 5]);
        assert_eq!(late[5..], [1; 6]);
    }

    /// A title of which the first `here` segments are known; the others share what is left.
    fn known(first: &Ladder, durations: &[f64], here: usize) -> Arc<Ladder> {
        let end_s: f64 = durations[..here].iter().sum();
        let left = (durations.len() - here) as f64;
        let each_s = (first.total_s() - end_s).max(0.1) / left.max(1.0);
        let mut grid = durations[..here].to_vec();
        grid.resize(durations.len(), each_s);
        let sizes = |segment: usize, _| (segment < here).then_some(1000 + segment as u64);
        let listed = Listed {
            segments: here,
            more_bytes: 500,
        };
        let listed = vec![listed; first.rungs().len()];
        Arc::new(first.learnt(&grid, sizes, listed).unwrap())
    }

    proptest! {
        #[test]
        fn each_segment_comes_once_however_late_it_is_known(
            durations in prop::collection::vec(0.5f64..4.0, 4..60), steps in 1usize..20,
            start in 0.0f64..1.0, took_s in 0.05f64..3.0,
        ) {
            let total_s: f64 = durations.iter().sum();
            let count = durations.len();
            let even = constant_rate(&[16.0, 32.0, 64.0], count, total_s / count as f64);
            let start_s = start * total_s * 0.99;
            let options = Options { start_s, ..Options::default() };
            let mut here = steps.min(count);
            let mut session = Session::new(known(&even, &durations, here), &options);
            let (mut now_s, mut seen) = (0.0, Vec::new());
            let mut command = session.handle(now_s, Event::Start);
            for _ in 0..40 * count {
                command = match command {
                    Command::Fetch { segment, .. } if segment >= here => {
                        here = (here + steps).min(count);
                        now_s += took_s / 4.0;
                        session.learn(now_s, known(&even, &durations, here))
                    }
                    Command::Fetch { segment, .. } => {
                        now_s += took_s;
                        seen.push(segment);
                        session.handle(now_s, Event::Delivered(1000 + segment as u64))
                    }
                    Command::Wait { until_s } | Command::Drain { until_s } => {
                        now_s = now_s.max(until_s);
                        session.handle(now_s, Event::Timer)
                    }
                    other => {
                        prop_assert_eq!(other, Command::Done);
                        break;
                    }
                };
            }
            prop_assert_eq!(command, Command::Done);
            let first = session.ladder().segment_at(start_s);
            prop_assert_eq!(seen, (first..count).collect::<Vec<_>>());
            let shown_s: f64 = session.log().played_s.iter().sum();
            prop_assert!((shown_s - (session.ladder().total_s() - start_s)).abs() < 1e-6);
        }
    }
}
