//! The player core as a black box: a fickle driver throws events at it and checks what must
//! always hold.

#![allow(clippy::unwrap_used, clippy::panic)]

use promptus::player::abr::Abr;
use promptus::player::event::{Command, Event, State};
use promptus::player::ladder::{Ladder, Rung};
use promptus::player::log::{Log, Outcome};
use promptus::player::session::{Options, Session};
use proptest::prelude::*;
use std::sync::Arc;

/// What the driver does with one transfer.
#[derive(Debug, Clone)]
struct Fate {
    latency_s: f64,
    kbps: f64,
    /// 0 to 9: 0 fails, 1 retries half way, 2 sends stray events, others arrive.
    kind: u8,
    /// Jump to this share of the title first, if below 1.
    seek: f64,
}

fn fate() -> impl Strategy<Value = Fate> {
    (0.0f64..0.5, 2.0f64..600.0, 0u8..10, 0.0f64..12.0).prop_map(|(latency_s, kbps, kind, seek)| {
        Fate {
            latency_s,
            kbps,
            kind,
            seek,
        }
    })
}

fn ladder() -> impl Strategy<Value = Ladder> {
    let rates = prop::collection::vec(5.0f64..500.0, 1..6);
    let segments = prop::collection::vec((0.5f64..6.0, 0.5f64..1.8), 1..25);
    (rates, segments).prop_map(|(mut rates, segments)| {
        rates.sort_by(f64::total_cmp);
        let rungs = rates.iter().enumerate().map(|(index, &kbps)| Rung {
            id: format!("r{index}"),
            rank: index as u32 + 1,
            kbps,
        });
        let sizes = segments
            .iter()
            .flat_map(|(duration, bump)| {
                rates
                    .iter()
                    .map(move |rate| (rate * 125.0 * duration * bump) as u64 + 1)
            })
            .collect();
        let durations: Vec<f64> = segments.iter().map(|(duration, _)| *duration).collect();
        Ladder::new(rungs.collect(), &durations, sizes).unwrap()
    })
}

fn abr() -> impl Strategy<Value = Abr> {
    let rules: Vec<Abr> = Abr::all().collect();
    (prop::sample::select(rules), 0usize..6).prop_map(|(rule, rung)| match rule {
        Abr::Fixed(_) => Abr::Fixed(rung),
        rule => rule,
    })
}

/// A session under test with the checks that hold at every step.
struct Watched {
    session: Session,
    now_s: f64,
    last_clock_s: f64,
}

impl Watched {
    fn tell(&mut self, event: Event) -> Command {
        let command = self.session.handle(self.now_s, event);
        assert!(self.session.buffer_s() >= 0.0);
        assert!(self.session.clock_s() >= self.last_clock_s);
        self.last_clock_s = self.session.clock_s();
        if let Command::Wait { until_s } | Command::Drain { until_s } = command {
            assert!(until_s >= self.session.clock_s() && until_s.is_finite());
        }
        command
    }

    /// Plays one transfer out; returns the command that follows it.
    fn transfer(&mut self, size: u64, fate: &Fate) -> Command {
        self.now_s += fate.latency_s;
        if fate.kind == 0 {
            return self.tell(Event::Failed);
        }
        assert_eq!(self.tell(Event::FirstByte), Command::Continue);
        if fate.kind == 2 {
            assert_eq!(self.tell(Event::Timer), Command::Continue);
            assert_eq!(self.tell(Event::Start), Command::Continue);
        }
        for quarter in 1..4 {
            self.now_s += size as f64 / 4.0 / (fate.kbps * 125.0);
            let command = self.tell(Event::Progress(size * quarter / 4));
            if command != Command::Continue {
                return command;
            }
            if fate.kind == 1 && quarter == 2 {
                assert_eq!(self.tell(Event::Retried), Command::Continue);
            }
        }
        self.now_s += size as f64 / 4.0 / (fate.kbps * 125.0);
        // A clock that stumbles backward must not matter.
        let honest = self.now_s;
        self.now_s -= 0.01;
        self.tell(Event::Progress(size));
        self.now_s = honest;
        self.tell(Event::Delivered(size))
    }
}

/// Runs a whole session; `None` when it gave a segment up.
fn drive(ladder: &Arc<Ladder>, options: &Options, fates: &[Fate], seeks: bool) -> (Log, bool) {
    let session = Session::new(Arc::clone(ladder), options);
    let mut watched = Watched {
        session,
        now_s: 0.0,
        last_clock_s: 0.0,
    };
    let mut fates = fates.iter().cycle().take(4000);
    let mut seeks_left = if seeks { 5 } else { 0 };
    let mut command = watched.tell(Event::Start);
    loop {
        command = match command {
            Command::Fetch { segment, rung } | Command::Abandon { segment, rung } => {
                let fate = fates.next().expect("the session never ends");
                if seeks_left > 0 && fate.seek < 1.0 {
                    seeks_left -= 1;
                    watched.tell(Event::Seek(fate.seek * ladder.total_s()))
                } else {
                    watched.transfer(ladder.size(segment, rung), fate)
                }
            }
            Command::Wait { until_s } | Command::Drain { until_s } => {
                watched.now_s = watched.now_s.max(until_s);
                watched.tell(Event::Timer)
            }
            Command::Done => {
                assert_eq!(watched.session.state(), State::Ended);
                return (watched.session.into_log(), true);
            }
            Command::GiveUp { .. } => return (watched.session.into_log(), false),
            other => panic!("nothing follows {other:?}"),
        };
    }
}

fn delivered(log: &Log) -> Vec<usize> {
    let here = log
        .requests
        .iter()
        .filter(|r| r.outcome == Outcome::Delivered);
    here.map(|request| request.segment).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn every_segment_is_delivered_exactly_once_and_played(
        ladder in ladder(), abr in abr(), buffer_s in 0.0f64..40.0,
        fates in prop::collection::vec(fate(), 1..60),
    ) {
        let ladder = Arc::new(ladder);
        let options = Options { abr, buffer_s, ..Options::default() };
        let (log, finished) = drive(&ladder, &options, &fates, false);
        let expected: Vec<usize> = (0..ladder.segments()).collect();
        let here = delivered(&log);
        prop_assert_eq!(&here[..], &expected[..here.len()]);
        if finished {
            prop_assert_eq!(here.len(), expected.len());
            let played: f64 = log.played_s.iter().sum();
            prop_assert!((played - ladder.total_s()).abs() < 1e-6);
            // Wall time = start-up + media + stalls, to the last digit that floats carry.
            let stalled: f64 = log.stalls.iter().map(|s| s.end_s.unwrap() - s.start_s).sum();
            let wall = log.startup_s.unwrap() + played + stalled;
            prop_assert!((log.ended_s.unwrap() - wall).abs() < 1e-6);
        }
    }

    #[test]
    fn equal_histories_give_equal_logs(
        ladder in ladder(), abr in abr(), seed: u64,
        fates in prop::collection::vec(fate(), 1..60),
    ) {
        let ladder = Arc::new(ladder);
        let options = Options { abr, buffer_s: 12.0, seed, ..Options::default() };
        let first = drive(&ladder, &options, &fates, true);
        prop_assert_eq!(first, drive(&ladder, &options, &fates, true));
    }

    #[test]
    fn seeks_land_where_they_should(
        ladder in ladder(), abr in abr(), start in 0.0f64..1.0,
        fates in prop::collection::vec(fate(), 1..60),
    ) {
        let ladder = Arc::new(ladder);
        let start_s = start * ladder.total_s();
        let options = Options { abr, buffer_s: 12.0, start_s, ..Options::default() };
        let (log, finished) = drive(&ladder, &options, &fates, true);
        let mut expected = ladder.segment_at(start_s);
        let mut seeks = log.seeks.iter();
        for request in &log.requests {
            prop_assert_eq!(request.segment, expected);
            match request.outcome {
                Outcome::Delivered => expected += 1,
                Outcome::Dropped => expected = ladder.segment_at(seeks.next().unwrap().to_s),
                _ => {}
            }
        }
        if finished {
            prop_assert_eq!(expected, ladder.segments());
        }
    }

    #[test]
    fn fixed_asks_for_nothing_else(
        ladder in ladder(), rung in 0usize..6, mut fates in prop::collection::vec(fate(), 1..60),
    ) {
        fates.iter_mut().for_each(|fate| fate.kind = fate.kind.max(1));
        let ladder = Arc::new(ladder);
        let options = Options { abr: Abr::Fixed(rung), ..Options::default() };
        let (log, finished) = drive(&ladder, &options, &fates, false);
        prop_assert!(finished);
        prop_assert!(log.requests.iter().all(|request| request.rung == rung.min(ladder.top())));
    }
}

fn simple(segments: usize) -> Arc<Ladder> {
    let rung = |rank: u32| Rung {
        id: format!("r{rank}"),
        rank,
        kbps: 20.0 * f64::from(rank),
    };
    let sizes = [5000, 10_000, 20_000].repeat(segments);
    let ladder = Ladder::new(vec![rung(1), rung(2), rung(4)], &vec![2.0; segments], sizes);
    Arc::new(ladder.unwrap())
}

#[test]
fn a_rung_that_failed_is_not_abandoned_to() {
    let mut session = Session::new(simple(2), &Options::default());
    let (segment, lowest, next) = (0, 0, 1);
    let command = session.handle(0.0, Event::Start);
    assert_eq!(
        command,
        Command::Fetch {
            segment,
            rung: lowest
        }
    );
    let command = session.handle(0.1, Event::Failed);
    assert_eq!(
        command,
        Command::Fetch {
            segment,
            rung: next
        }
    );
    session.handle(0.2, Event::FirstByte);
    // 100 bytes in ten seconds: the lowest rung would be here sooner, if it were there at all.
    assert_eq!(
        session.handle(10.0, Event::Progress(100)),
        Command::Continue
    );
}

#[test]
fn waits_for_room_and_drains_at_the_end() {
    let mut session = Session::new(
        simple(4),
        &Options {
            buffer_s: 6.0,
            ..Options::default()
        },
    );
    assert_eq!(
        session.handle(0.0, Event::Start),
        Command::Fetch {
            segment: 0,
            rung: 0
        }
    );
    assert!(matches!(
        session.handle(0.1, Event::Delivered(5000)),
        Command::Fetch { segment: 1, .. }
    ));
    assert_eq!(session.state(), State::Steady);
    assert!(matches!(
        session.handle(0.1, Event::Delivered(5000)),
        Command::Fetch { segment: 2, .. }
    ));
    // 6 s in the buffer, none played: room for 2 s more in 2 s.
    assert_eq!(
        session.handle(0.1, Event::Delivered(5000)),
        Command::Wait { until_s: 2.1 }
    );
    assert_eq!(
        session.handle(1.0, Event::Timer),
        Command::Wait { until_s: 2.1 }
    );
    assert!(matches!(
        session.handle(2.1, Event::Timer),
        Command::Fetch { segment: 3, .. }
    ));
    let Command::Drain { until_s } = session.handle(2.2, Event::Delivered(5000)) else {
        panic!("expected to drain");
    };
    assert!((until_s - 8.1).abs() < 1e-9);
    assert_eq!(session.handle(until_s, Event::Timer), Command::Done);
    assert!((session.log().ended_s.unwrap() - 8.1).abs() < 1e-9);
    assert!(session.log().stalls.is_empty());
}

#[test]
fn a_dry_buffer_is_a_stall_from_the_moment_it_ran_dry() {
    let mut session = Session::new(simple(3), &Options::default());
    session.handle(0.0, Event::Start);
    session.handle(1.0, Event::Delivered(5000));
    assert_eq!(session.handle(4.5, Event::Progress(10)), Command::Continue);
    assert_eq!(session.state(), State::Stalled);
    session.handle(5.0, Event::Delivered(5000));
    assert_eq!(session.state(), State::Steady);
    let stall = session.log().stalls[0];
    assert!((stall.start_s - 3.0).abs() < 1e-9);
    assert_eq!(stall.end_s, Some(5.0));
    // The next decision comes on a short buffer: the guard keeps it at the bottom.
    assert_eq!(session.log().requests[2].rung, 0);
}

#[test]
fn a_slow_transfer_gives_way_to_a_lower_rung() {
    let mut session = Session::new(
        simple(9),
        &Options {
            buffer_s: 6.0,
            ..Options::default()
        },
    );
    let mut command = session.handle(0.0, Event::Start);
    let mut now_s = 0.0;
    while !matches!(command, Command::Fetch { rung: 2, .. }) {
        command = match command {
            Command::Wait { until_s } => {
                now_s = until_s;
                session.handle(now_s, Event::Timer)
            }
            _ => {
                now_s += 0.05;
                session.handle(now_s, Event::Delivered(20_000))
            }
        };
    }
    let Command::Fetch { segment, .. } = command else {
        panic!()
    };
    session.handle(now_s + 0.1, Event::FirstByte);
    let command = session.handle(now_s + 1.1, Event::Progress(1000));
    assert_eq!(command, Command::Abandon { segment, rung: 0 });
    let [.., dropped, instead] = &session.log().requests[..] else {
        panic!()
    };
    assert_eq!((dropped.outcome, dropped.bytes), (Outcome::Abandoned, 1000));
    assert_eq!((instead.rung, instead.by), (0, "abandonment"));
    assert!(instead.throughput_kbps.unwrap() < dropped.throughput_kbps.unwrap());
}

#[test]
fn a_missing_segment_is_sought_on_every_rung() {
    let mut session = Session::new(
        simple(3),
        &Options {
            abr: Abr::Fixed(1),
            ..Options::default()
        },
    );
    assert_eq!(
        session.handle(0.0, Event::Start),
        Command::Fetch {
            segment: 0,
            rung: 1
        }
    );
    assert_eq!(
        session.handle(0.1, Event::Failed),
        Command::Fetch {
            segment: 0,
            rung: 0
        }
    );
    assert_eq!(
        session.handle(0.2, Event::Failed),
        Command::Fetch {
            segment: 0,
            rung: 2
        }
    );
    assert_eq!(
        session.handle(0.3, Event::Failed),
        Command::GiveUp { segment: 0 }
    );
    assert_eq!(session.handle(0.4, Event::Timer), Command::Done);
    assert_eq!(session.log().startup_s, None);
}
