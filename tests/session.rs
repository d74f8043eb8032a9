//! The player core as a black box: random events and transfers, and invariants.

#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "session/anything.rs"]
mod anything;
#[path = "common/hours.rs"]
mod hours;
#[path = "session/playhead.rs"]
mod playhead;
#[path = "session/whole.rs"]
mod whole;

use promptus::player::abr::{Abr, Choice, Rule, View};
use promptus::player::compute::{Compute, Model};
use promptus::player::event::{Command, Event, Rendered, State};
use promptus::player::ladder::{Ladder, Rung, SampleEnd};
use promptus::player::log::{Cause, Log, Outcome};
use promptus::player::session::{Guards, Options, Session};
use promptus::player::throughput::Estimator;
use proptest::prelude::*;
use std::collections::VecDeque;
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
    let all = (0.0f64..0.5, 2.0f64..600.0, 0u8..10, 0.0f64..12.0);
    all.prop_map(|(latency_s, kbps, kind, seek)| Fate {
        latency_s,
        kbps,
        kind,
        seek,
    })
}

fn fates() -> impl Strategy<Value = Vec<Fate>> {
    prop::collection::vec(fate(), 1..60)
}

/// Fates without failures.
fn good_fates() -> impl Strategy<Value = Vec<Fate>> {
    fates().prop_map(|mut fates| {
        for fate in &mut fates {
            fate.kind = fate.kind.max(1);
        }
        fates
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
        let sizes = segments.iter().flat_map(|(duration, bump)| {
            let sizes = rates.iter().map(move |rate| rate * 125.0 * duration * bump);
            sizes.map(|size| size as u64 + 1)
        });
        let durations: Vec<f64> = segments.iter().map(|(duration, _)| *duration).collect();
        Ladder::new(rungs.collect(), &durations, sizes.collect()).unwrap()
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
    /// What the buffer may hold, seconds.
    most_s: f64,
}

impl Watched {
    fn tell(&mut self, event: Event) -> Command {
        let command = self.session.handle(self.now_s, event);
        assert!(self.session.buffer_s() >= 0.0);
        assert!(self.session.buffer_s() <= self.most_s);
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
        let command = self.tell(Event::Progress(size));
        self.now_s = honest;
        if command != Command::Continue {
            return command;
        }
        self.tell(Event::Delivered(size))
    }
}

/// Runs a whole session; `false` when it gave a segment up.
fn drive(ladder: &Arc<Ladder>, options: &Options, fates: &[Fate], seeks: bool) -> (Log, bool) {
    let session = Session::new(Arc::clone(ladder), options);
    let longest = (0..ladder.segments()).map(|segment| ladder.duration_s(segment));
    let longest_s = longest.fold(0.0, f64::max);
    let mut watched = Watched {
        session,
        now_s: 0.0,
        last_clock_s: 0.0,
        most_s: options.buffer_s.max(2.0 * longest_s) + 1e-6,
    };
    let mut fates = fates.iter().cycle().take(40_000);
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

/// Every guard at random, and a device that may or may not keep up.
fn options() -> impl Strategy<Value = Options> {
    let guards = prop::array::uniform5(any::<bool>()).prop_map(|[a, b, c, d, e]| Guards {
        insufficient_buffer: a,
        abandonment: b,
        replacement: c,
        switch_history: d,
        decode_time: e,
    });
    let work = (1.0f64..60.0, 0.0f64..10.0, 0.0f64..2.0, 0.0f64..5.0);
    let compute = work.prop_map(|(ms_per_frame, ms_per_rung, ms_per_kb, ahead_s)| {
        Compute::Modelled(Model {
            fps: 30.0,
            ms_per_frame,
            ms_per_rung,
            ms_per_kb,
            spread: 0.3,
            ahead_s,
        })
    });
    let compute = prop::option::of(compute);
    let estimator = prop::sample::select(Estimator::all().collect::<Vec<_>>());
    let (buffer_s, seed) = (0.0f64..40.0, any::<u64>());
    let all = (abr(), guards, compute, estimator, buffer_s, seed);
    all.prop_map(
        |(abr, guards, compute, estimator, buffer_s, seed)| Options {
            abr,
            buffer_s,
            estimator,
            seed,
            compute,
            guards,
            ..Options::default()
        },
    )
}

/// Invariants of every session that came to its end.
fn check_ended(ladder: &Ladder, log: &Log) {
    let mut here = delivered(log);
    here.sort_unstable();
    assert!(here.into_iter().eq(0..ladder.segments()));
    check_shown(ladder, log);
    // Wall time = start-up + media + stalls.
    let wall = log.startup_s.unwrap() + played_s(log) + stalled_s(log);
    near(log.ended_s.unwrap(), wall, 1e-5);
    assert!(log.plays.is_sorted_by(|a, b| a.start_s < b.start_s));
}

/// All of the title was shown, in order.
fn check_shown(ladder: &Ladder, log: &Log) {
    near(played_s(log), ladder.total_s(), 1e-6);
    assert!(shown(log).into_iter().eq(0..ladder.segments()));
    assert!(log.plays.is_sorted_by(|a, b| a.start_s <= b.start_s));
}

fn near(found: f64, expected: f64, tolerance: f64) {
    let near = (found - expected).abs() < tolerance;
    assert!(near, "{found}, not {expected}");
}

fn played_s(log: &Log) -> f64 {
    log.played_s.iter().sum()
}

fn stalled_s(log: &Log) -> f64 {
    let stalls = log.stalls.iter();
    stalls.map(|s| s.end_s.unwrap() - s.start_s).sum()
}

fn shown(log: &Log) -> Vec<usize> {
    log.plays.iter().map(|play| play.segment).collect()
}

fn delivered(log: &Log) -> Vec<usize> {
    let requests = log.requests.iter();
    let here = requests.filter(|r| r.outcome == Outcome::Delivered);
    here.map(|request| request.segment).collect()
}

fn rungs_of(log: &Log) -> Vec<usize> {
    log.requests.iter().map(|request| request.rung).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn seeks_land_where_they_should(
        ladder in ladder(), abr in abr(), start in 0.0f64..1.0, fates in fates(),
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
    fn with_any_guards_every_segment_plays_once(
        ladder in ladder(), options in options(), fates in fates(),
    ) {
        let ladder = Arc::new(ladder);
        let (log, finished) = drive(&ladder, &options, &fates, false);
        let here = delivered(&log);
        prop_assert!(options.guards.replacement || here.iter().copied().eq(0..here.len()));
        if finished {
            check_ended(&ladder, &log);
            // The rung shown is the one delivered last, and not too late.
            for play in &log.plays {
                let delivered = (play.segment, Outcome::Delivered);
                let mut requests = log.requests.iter();
                let request = requests.find(|r| (r.segment, r.outcome) == delivered);
                prop_assert_eq!(request.unwrap().rung, play.rung);
            }
        }
    }

    #[test]
    fn kept_samples_play_once(
        ladder in ladder(), options in options(), samples in 2u32..12, fates in fates(),
    ) {
        let ladder = Arc::new(evenly(ladder, samples));
        let (log, finished) = drive(&ladder, &options, &fates, false);
        if finished {
            near(played_s(&log), ladder.total_s(), 1e-6);
            let mut shown = shown(&log);
            prop_assert!(shown.is_sorted());
            shown.dedup();
            prop_assert_eq!(shown.len(), ladder.segments());
        }
    }

    #[test]
    fn layers_come_in_order_and_once(
        ladder in ladder(), options in options(), any in fates(), good in good_fates(), failures: bool,
    ) {
        let fates = if failures { any } else { good };
        let Ok(ladder) = ladder.into_layers() else { return Ok(()); };
        let ladder = Arc::new(ladder);
        let (log, finished) = drive(&ladder, &options, &fates, false);
        prop_assert!(finished || failures);
        let mut have: Vec<Option<usize>> = vec![None; ladder.segments()];
        for request in &log.requests {
            match request.outcome {
                Outcome::Delivered => {
                    prop_assert_eq!((request.rung, have[request.segment]), (0, None));
                    have[request.segment] = Some(0);
                }
                Outcome::Added => {
                    prop_assert_eq!(have[request.segment], request.rung.checked_sub(1));
                    have[request.segment] = Some(request.rung);
                }
                _ => {}
            }
        }
        if finished {
            check_ended(&ladder, &log);
            for play in &log.plays {
                prop_assert_eq!(Some(play.rung), have[play.segment]);
            }
        }
    }

    #[test]
    fn fixed_asks_for_nothing_else(
        ladder in ladder(), rung in 0usize..6, fates in good_fates(),
    ) {
        let ladder = Arc::new(ladder);
        let options = Options { abr: Abr::Fixed(rung), ..Options::default() };
        let (log, finished) = drive(&ladder, &options, &fates, false);
        prop_assert!(finished);
        prop_assert!(rungs_of(&log).into_iter().all(|asked| asked == rung.min(ladder.top())));
    }
}

fn fetch(segment: usize, rung: usize) -> Command {
    Command::Fetch { segment, rung }
}

/// Options that differ from the default.
fn with(change: impl FnOnce(&mut Options)) -> Options {
    let mut options = Options::default();
    change(&mut options);
    options
}

fn by(abr: Abr) -> Options {
    with(|options| options.abr = abr)
}

/// A transfer over a link of constant rate, with 50 ms of latency and no loss.
fn even(kbps: f64) -> Fate {
    Fate {
        latency_s: 0.05,
        kbps,
        kind: 3,
        seek: 9.0,
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
    assert_eq!(session.handle(0.0, Event::Start), fetch(0, 0));
    assert_eq!(session.handle(0.1, Event::Failed), fetch(0, 1));
    session.handle(0.2, Event::FirstByte);
    // 100 bytes in ten seconds: the lowest rung would be here sooner, if it were there at all.
    let command = session.handle(10.0, Event::Progress(100));
    assert_eq!(command, Command::Continue);
}

#[test]
fn waits_for_room_and_drains_at_the_end() {
    let mut session = Session::new(simple(4), &with(|options| options.buffer_s = 6.0));
    assert_eq!(session.handle(0.0, Event::Start), fetch(0, 0));
    let delivered = Event::Delivered(5000);
    assert!(asks_for(session.handle(0.1, delivered), 1));
    assert_eq!(session.state(), State::Steady);
    assert!(asks_for(session.handle(0.1, delivered), 2));
    // 6 s in the buffer, none played: room for 2 s more in 2 s.
    let wait = Command::Wait { until_s: 2.1 };
    assert_eq!(session.handle(0.1, delivered), wait);
    assert_eq!(session.handle(1.0, Event::Timer), wait);
    assert!(asks_for(session.handle(2.1, Event::Timer), 3));
    let Command::Drain { until_s } = session.handle(2.2, delivered) else {
        panic!("expected to drain");
    };
    near(until_s, 8.1, 1e-9);
    assert_eq!(session.handle(until_s, Event::Timer), Command::Done);
    near(session.log().ended_s.unwrap(), 8.1, 1e-9);
    assert!(session.log().stalls.is_empty());
}

fn asks_for(command: Command, wanted: usize) -> bool {
    matches!(command, Command::Fetch { segment, .. } if segment == wanted)
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
    near(stall.start_s, 3.0, 1e-9);
    assert_eq!(stall.end_s, Some(5.0));
    // The next decision is made on a short buffer: the guard keeps the lowest rung.
    assert_eq!(session.log().requests[2].rung, 0);
}

/// A session whose segments arrive every `step_s` until it requests the top rung; that segment, and the time.
fn at_the_top(ladder: Arc<Ladder>, options: &Options, step_s: f64) -> (Session, usize, f64) {
    let mut session = Session::new(ladder, options);
    let (mut command, mut now_s) = (session.handle(0.0, Event::Start), 0.0);
    loop {
        let (at_s, event) = match command {
            Command::Fetch { rung: 2, segment } => return (session, segment, now_s),
            Command::Wait { until_s } => (until_s, Event::Timer),
            _ => (now_s + step_s, Event::Delivered(20_000)),
        };
        now_s = at_s;
        command = session.handle(now_s, event);
    }
}

#[test]
fn a_slow_transfer_gives_way_to_a_lower_rung() {
    let (mut session, segment, now_s) =
        at_the_top(simple(9), &with(|options| options.buffer_s = 6.0), 0.05);
    session.handle(now_s + 0.1, Event::FirstByte);
    // One slow second may pass.
    let command = session.handle(now_s + 1.1, Event::Progress(900));
    assert_eq!(command, Command::Continue);
    let command = session.handle(now_s + 6.1, Event::Progress(1000));
    assert_eq!(command, Command::Abandon { segment, rung: 0 });
    let [.., dropped, instead] = &session.log().requests[..] else {
        panic!()
    };
    assert_eq!((dropped.outcome, dropped.bytes), (Outcome::Abandoned, 1000));
    assert_eq!((instead.rung, instead.by), (0, "abandonment"));
    assert!(instead.throughput_kbps.unwrap() < dropped.throughput_kbps.unwrap());
}

/// Plays `ladder` over a link of constant rate, 50 ms of latency and no loss.
fn steady(ladder: &Arc<Ladder>, options: &Options, kbps: f64) -> Log {
    let (log, finished) = drive(ladder, options, &[even(kbps)], false);
    assert!(finished);
    log
}

#[test]
fn a_link_that_recovers_replaces_what_came_on_a_low_rung() {
    let ladder = simple(40);
    let mut fates = vec![even(60.0); 10];
    fates.extend(vec![even(900.0); 100]);
    let mut options = Options::default();
    let plain = drive(&ladder, &options, &fates, false).0;
    options.guards.replacement = true;
    let fast = drive(&ladder, &options, &fates, false).0;
    let mut requests = fast.requests.iter();
    assert!(requests.any(|r| r.outcome == Outcome::Replaced) && fast.stalls.is_empty());
    let (plain, fast) = (plain.played_s, fast.played_s);
    assert!(fast[2] > plain[2], "{fast:?} {plain:?}");
}

/// A title of so many segments with a real generator, on a network of 2 Mbit/s.
fn with_a_generator(segments: usize, frame_s: f64) -> Log {
    let options = with(|options| options.compute = Some(Compute::measured(30.0)));
    let log = beside_a_generator(&simple(segments), &options, frame_s, 2000.0);
    check_ended(&simple(segments), &log);
    log
}

/// Dated events of the viewer, an outside clock or a renderer.
type Script = Vec<(f64, Event)>;

/// Plays over a network of `kbps` while `script` happens. With `frame_s` a real generator takes that long a
/// frame, one segment after the other, and reports 5 ms later. Returns whether the session came to its end.
fn watch(
    ladder: &Arc<Ladder>,
    options: &Options,
    kbps: f64,
    frame_s: Option<f64>,
    script: &Script,
) -> (Session, bool) {
    let mut session = Session::new(Arc::clone(ladder), options);
    let mut script: VecDeque<_> = script.iter().copied().collect();
    let (mut command, mut busy_s) = (session.handle(0.0, Event::Start), 0.0);
    for _ in 0..50_000 {
        let (at_s, event) = match command {
            Command::Fetch { segment, rung } | Command::Abandon { segment, rung } => {
                let size = ladder.size(segment, rung);
                let at_s = session.clock_s() + size as f64 / (kbps * 125.0);
                if let Some(frame_s) = frame_s {
                    busy_s = at_s.max(busy_s);
                    let frames = (ladder.duration_s(segment) * 30.0).round().max(1.0) as u32;
                    // One report a frame, and one of the end.
                    script.extend((1..=frames + 1).map(|frame| {
                        let complete = frame > frames;
                        busy_s += if complete { 0.0 } else { frame_s };
                        let rendered = Rendered {
                            segment,
                            frames: frame.min(frames),
                            complete,
                            frame_s,
                        };
                        (busy_s + 0.005, Event::Rendered(rendered))
                    }));
                }
                (at_s, Event::Delivered(size))
            }
            Command::Wait { until_s } | Command::Drain { until_s } => (until_s, Event::Timer),
            Command::Done => return (session, true),
            other => panic!("nothing follows {other:?}"),
        };
        command = Command::Continue;
        while command == Command::Continue {
            let act = script.pop_front_if(|(act_s, _)| *act_s <= at_s);
            let (now_s, event) = act.unwrap_or((at_s, event));
            if now_s.is_infinite() {
                return (session, false);
            }
            command = session.handle(now_s, event);
            assert!(session.buffer_s() >= 0.0 && session.buffer_s().is_finite());
        }
    }
    panic!("it never ends");
}

/// The log of a session with a real generator.
fn beside_a_generator(ladder: &Arc<Ladder>, options: &Options, frame_s: f64, kbps: f64) -> Log {
    let (session, finished) = watch(ladder, options, kbps, Some(frame_s), &Vec::new());
    assert!(finished);
    session.into_log()
}

#[test]
fn a_real_generator_that_keeps_up_is_not_noticed() {
    let log = with_a_generator(30, 0.02);
    assert_eq!((log.stalls.len(), log.late_frames), (0, 0));
    // The first frame, and the delay of its report.
    let first_s = log.requests[0].ended_s.unwrap() + 0.025;
    near(log.startup_s.unwrap(), first_s, 1e-9);
}

#[test]
fn a_real_generator_that_does_not_keep_up_stalls_playback() {
    let log = with_a_generator(10, 0.04);
    assert!(log.stalls.iter().all(|stall| stall.cause == Cause::Decode));
    // 10 segments of 60 frames take 24 s for 20 s of play.
    let begun_s = log.requests[0].ended_s.unwrap();
    near(log.ended_s.unwrap() - begun_s, 24.0, 0.3);
    assert!(log.stalls.len() > 3 && log.late_frames > 0);
    // Every rung is equally too slow: a lower one would not help.
    let rungs = rungs_of(&log);
    let same = rungs[3..].iter().all(|rung| *rung == rungs[3]);
    assert!(same && rungs[3] > 0, "{rungs:?}");
}

#[test]
fn a_slow_generator_stalls_without_blaming_the_network() {
    let ladder = simple(10);
    let compute = Compute::Modelled(Model {
        ms_per_frame: 40.0,
        spread: 0.0,
        ..Model::default()
    });
    let log = steady(
        &ladder,
        &with(|options| options.compute = Some(compute)),
        2000.0,
    );
    check_ended(&ladder, &log);
    assert!(log.stalls.iter().all(|stall| stall.cause == Cause::Decode));
    // 20 s of play take 24 s to generate.
    assert!(log.late_frames > 0 && log.ended_s.unwrap() > 24.0);
    let network = steady(&ladder, &Options::default(), 15.0);
    let mut stalls = network.stalls.iter();
    assert!(stalls.all(|stall| stall.cause == Cause::Network));
    assert!(!network.stalls.is_empty() && network.late_frames == 0);
}

#[test]
fn layers_fill_up_on_a_quick_link_and_stay_away_on_a_slow_one() {
    let ladder = Arc::new((*simple(30)).clone().into_layers().unwrap());
    let quick = steady(&ladder, &Options::default(), 2000.0);
    assert!(quick.played_s[2] > 50.0, "{:?}", quick.played_s);
    let slow = steady(&ladder, &Options::default(), 25.0);
    assert!(slow.played_s[0] > 45.0, "{:?}", slow.played_s);
    let between = steady(&ladder, &Options::default(), 55.0);
    assert!(between.played_s[1] > 20.0, "{:?}", between.played_s);
    for log in [quick, slow, between] {
        check_ended(&ladder, &log);
        assert!(log.stalls.is_empty(), "{:?} {:?}", log.stalls, log.requests);
    }
}

/// Hours of media: the time of the test grows with the title and no faster.
#[test]
fn ten_thousand_segments() {
    let ladder = simple(10_000);
    for abr in [Abr::Dynamic, Abr::Bba2, Abr::RobustMpc] {
        check_ended(&ladder, &steady(&ladder, &by(abr), 70.0));
    }
}

/// `samples` samples of equal size in every segment: the first a single frame, the others equally long.
fn evenly(ladder: Ladder, samples: u32) -> Ladder {
    let row = |place: usize| {
        let (segment, rung) = (place / ladder.rungs().len(), place % ladder.rungs().len());
        let end = |count: u32| SampleEnd {
            bytes: (ladder.size(segment, rung) * u64::from(count)).div_ceil(u64::from(samples)),
            seconds: ladder.duration_s(segment) * f64::from(count - 1) / f64::from(samples - 1),
        };
        (1..=samples).map(end).collect()
    };
    let places = 0..ladder.segments() * ladder.rungs().len();
    let rows = places.map(row).collect();
    ladder.with_samples(rows)
}

/// The buffer runs low, 13 of 20 kB have come: three of five samples, half of the segment.
#[test]
fn an_abandoned_transfer_keeps_its_whole_samples() {
    for samples in [0, 5] {
        let ladder = Arc::new(evenly((*simple(9)).clone(), samples));
        let (mut session, segment, mut now_s) = at_the_top(ladder, &Options::default(), 0.5);
        let before_s = session.buffer_s();
        session.handle(now_s, Event::FirstByte);
        // A tenth of a second is left, and the other 7 kB take one second at that rate,
        // less where the estimate counts.
        now_s += before_s - 0.1;
        let command = session.handle(now_s, Event::Progress(13_000));
        assert_eq!(command, Command::Abandon { segment, rung: 0 });
        let kept_s = if samples == 5 { 1.0 } else { 0.0 };
        near(session.buffer_s(), 0.1 + kept_s, 1e-9);
        session.handle(now_s + 0.05, Event::Delivered(5000));
        near(session.buffer_s(), 2.05, 1e-9);
    }
}

#[test]
fn a_missing_segment_is_sought_on_every_rung() {
    let mut session = Session::new(simple(3), &by(Abr::Fixed(1)));
    assert_eq!(session.handle(0.0, Event::Start), fetch(0, 1));
    assert_eq!(session.handle(0.1, Event::Failed), fetch(0, 0));
    assert_eq!(session.handle(0.2, Event::Failed), fetch(0, 2));
    let over = Command::GiveUp { segment: 0 };
    assert_eq!(session.handle(0.3, Event::Failed), over);
    assert_eq!(session.handle(0.4, Event::Timer), Command::Done);
    assert_eq!(session.log().startup_s, None);
}

/// The rung of the segment's number, over and over.
#[derive(Debug)]
struct Round;

impl Rule for Round {
    fn choose(&mut self, view: &View<'_>) -> Choice {
        Choice::now(view.segment % view.ladder.rungs().len(), "round")
    }
}

#[test]
fn a_rule_of_the_callers_own_is_followed() {
    let options = with(|options| options.guards = Guards::NONE);
    let mut session = Session::with_rule(simple(7), &options, Box::new(Round));
    let mut command = session.handle(0.0, Event::Start);
    for k in 1..=7 {
        command = match command {
            Command::Fetch { .. } => session.handle(0.1 * f64::from(k), Event::Delivered(5000)),
            other => panic!("nothing follows {other:?}"),
        };
    }
    assert_eq!(rungs_of(session.log()), [0, 1, 2, 0, 1, 2, 0]);
    assert_eq!(session.log().requests[0].by, "round");
}
